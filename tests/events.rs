//! Events: who hears what, in which order, when, and what happens when plugins publish more than may wait.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{Arc, Barrier, Mutex};

use modhost::{Code, Engine, HostFunction, Policy, State, Value};
use support::{folder, manifest};

/// What plugins and the host did, in order.
type Trace = Vec<String>;

/// An engine under `policy` with these plugins (id, topics and further lines of the manifest, Lua), which have `trace.add(text)`,
/// `events.emit`, and `game.call(id, export)`, which calls another plugin with the state that it borrows.
fn loaded(policy: Policy, plugins: &[(&str, &str, &str)]) -> Engine {
    let engine = Engine::builder()
        .policy(policy)
        .events()
        .grant("events.emit")
        .function("trace.add", |trace: &mut Trace, text: String| trace.push(text))
        .function("game.call", |trace: &mut Trace, id: String, export: String| {
            let engine = modhost::caller().unwrap().engine;
            engine.call::<_, Value>(trace, id.as_str(), &export, ()).map_err(|error| error.code().to_string())
        })
        .function("game.emit", |trace: &mut Trace, topic: String| {
            let answers = modhost::caller().unwrap().engine.emit(trace, &topic, "host").unwrap();
            assert_eq!(answers.delivered, 0, "inside a call nothing is delivered");
            answers.left as u64
        })
        .build()
        .unwrap();
    for (id, events, source) in plugins {
        let rest = format!(
            "[requires]\ntrace = \"1\"\ngame = \"1\"\nevents = \"1\"\n[capabilities]\nrequired = [\"events.emit\"]\n[events]\nlisten = {events}"
        );
        let area = folder(&[(&format!("{id}/plugin.toml"), &manifest(id, &rest)), (&format!("{id}/main.lua"), source)]);
        engine.load_path(area.path().join(id)).unwrap();
    }
    engine
}

/// [`loaded`], and enabled.
fn engine(policy: Policy, plugins: &[(&str, &str, &str)]) -> Engine {
    let engine = loaded(policy, plugins);
    plugins.iter().for_each(|(id, _, _)| engine.enable_plugin(&mut Trace::new(), *id).unwrap());
    engine
}

/// After `export` of the first plugin was called, this is what happened.
#[track_caller]
fn check(policy: Policy, plugins: &[(&str, &str, &str)], export: &str, expected: &[&str]) -> Engine {
    let engine = engine(policy, plugins);
    let mut trace = Trace::new();
    engine.call::<_, Value>(&mut trace, plugins[0].0, export, ()).unwrap();
    assert_eq!(trace, expected);
    engine
}

const EAR: &str = "function on_dusk(e) trace.add('b:' .. tostring(e)) end";

#[test]
fn events_wait_for_the_outermost_call_and_keep_their_order() {
    let one = |source: &'static str| {
        [
            ("a", "['dawn']", source),
            ("b", "['dusk', 'dawn']", EAR),
            ("c", "['dusk']", "function on_dusk(e) trace.add('c:' .. e) end"),
        ]
    };
    // All of the first event, in load order, before the second; after the publishing call.
    check(
        Policy::mods(),
        &one("function go() events.emit('dusk', 1) events.emit('dusk', 2) trace.add('end') end"),
        "go",
        &["end", "b:1", "c:1", "b:2", "c:2"],
    );
    // How many it waits for; topics that nobody hears; a listener that has no export for its topic is none.
    check(
        Policy::mods(),
        &one("function go() trace.add(events.emit('dusk', 1) .. events.emit('dawn', 1) .. events.emit('Q x', 1)) end"),
        "go",
        &["200", "b:1", "c:1"],
    );
    // A nested call publishes, and nothing is delivered before the outermost has returned; nor is it for the host's own emit.
    check(
        Policy::mods(),
        &[
            ("a", "[]", "function go() game.call('c', 'sing') trace.add('end') end"),
            ("b", "['dusk']", EAR),
            ("c", "[]", "function sing() events.emit('dusk', 3) trace.add('sung') game.emit('dusk') end"),
        ],
        "go",
        &["sung", "end", "b:3", "b:host"],
    );
    // A call that fails has published all the same; a killed listener hears no more, and keeps nobody from hearing.
    let engine = engine(
        Policy::mods(),
        &[
            ("a", "[]", "function go() events.emit('dusk', 1) events.emit('dusk', 2) error('no') end"),
            ("b", "['dusk']", "function on_dusk() while true do end end"),
            ("c", "['dusk']", "function on_dusk(e) trace.add('c:' .. e) end"),
        ],
    );
    let mut trace = Trace::new();
    let error = engine.call::<_, Value>(&mut trace, "a", "go", ()).unwrap_err();
    assert_eq!((error.code(), trace), (Code::ScriptRaised, vec!["c:1".into(), "c:2".into()]));
    let state = |name: &str| engine.plugins().into_iter().find(|plugin| plugin.name == name).unwrap().state;
    assert_eq!((state("a"), state("b"), state("c")), (State::Active, State::Failed, State::Active));
}

#[test]
fn plugins_that_answer_each_other_end_with_the_round() {
    let mut policy = Policy::mods();
    policy.deliveries = 5;
    let ping = |on: &'static str, answer: &str| {
        format!(
            "function go() events.emit('ping', 0) end function on_{on}(n) trace.add('{on}' .. n) events.emit('{answer}', n + 1) end"
        )
    };
    let (a, b) = (ping("ping", "pong"), ping("pong", "ping"));
    let plugins = [("a", "['ping']", a.as_str()), ("b", "['pong']", b.as_str())];
    let engine = check(policy, &plugins, "go", &["ping0", "pong1", "ping2", "pong3", "ping4"]);
    assert_eq!(engine.totals().queued, 1, "the sixth waits");
    // It goes on where it stopped.
    let mut trace = Trace::new();
    let answers = engine.deliver(&mut trace).unwrap();
    assert_eq!((answers.delivered, answers.left, trace[0].as_str(), trace.len()), (5, 1, "pong5", 5));
    // Of another state nothing is lent to them.
    assert_eq!(engine.deliver(&mut 7_u8).unwrap().delivered, 0);
    assert_eq!(engine.deliver(&mut trace).unwrap().delivered, 5);
    engine.unload("a").unwrap();
    engine.unload("b").unwrap();
    assert_eq!(engine.totals().queued, 0, "with the plugin goes what waited for it");
    let mut policy = Policy::mods();
    policy.deliveries = 0;
    let engine = check(policy, &plugins, "go", &[]);
    assert_eq!((engine.totals().queued, engine.emit(&mut trace, "ping", 1).unwrap().left), (1, 2));
}

#[test]
fn a_full_queue_is_told_to_the_publisher_who_may_go_on() {
    let flood = "function go() local ok, n = true, 0 while ok do ok = pcall(events.emit, 'dusk', n) n = n + 1 end trace.add('full at ' .. n) end
        function raise() for n = 0, 99 do events.emit('dusk', n) end end";
    for queue in [0_u32, 1, 3] {
        let mut policy = Policy::mods();
        policy.untrusted.limits.queue = queue;
        let plugins = [("a", "[]", flood), ("b", "['dusk']", EAR)];
        let engine = engine(policy, &plugins);
        let mut trace = Trace::new();
        engine.call::<_, Value>(&mut trace, "a", "go", ()).unwrap();
        assert_eq!(trace.len() as u32, queue + 1, "{trace:?}");
        assert_eq!(trace[0], format!("full at {}", queue + 1));
        let error = engine.call::<_, Value>(&mut trace, "a", "raise", ()).unwrap_err();
        assert_eq!((error.code(), error.limit().unwrap().limit), (Code::LimitQueue, u64::from(queue)));
        let info = engine.plugins();
        assert_eq!((info[0].state, info[1].missed, info[1].queued), (State::Active, 2, 0));
        // By what the publisher tried, whether or not it caught the answer.
        assert_eq!((info[0].violations.overflows, engine.totals().missed), (2, 2));
        let answers = engine.emit(&mut trace, "dusk", 1).unwrap();
        let failed: Vec<Code> = answers.failed.iter().map(modhost::Error::code).collect();
        assert_eq!(failed, vec![Code::LimitQueue; usize::from(queue == 0)]);
    }
    // The manifest lowers the limit, and never raises it.
    for (asks, expected) in [("2", 2), ("9", 4)] {
        let mut policy = Policy::mods();
        policy.untrusted.limits.queue = 4;
        let events = format!("['dusk']\n[limits]\nqueue = {asks}");
        let engine = engine(policy, &[("a", "[]", flood), ("b", &events, EAR)]);
        let mut trace = Trace::new();
        engine.call::<_, Value>(&mut trace, "a", "go", ()).unwrap();
        assert_eq!(trace.len(), expected + 1);
    }
}

#[test]
fn publishing_needs_its_capability() {
    let engine = Engine::builder().events().build().unwrap();
    engine.load_source("p.lua", "function go() events.emit('dusk', 1) end").unwrap();
    let error = engine.call::<_, ()>(&mut (), "p", "go", ()).unwrap_err();
    assert_eq!(error.code(), Code::DeniedCapability);
}

#[test]
fn what_is_published_while_loading_waits_for_the_host() {
    let plugins =
        [("b", "['dusk']", EAR), ("a", "[]", "events.emit('dusk', 1) function on_load() events.emit('dusk', 2) end")];
    let engine = loaded(Policy::mods(), &plugins);
    assert_eq!(engine.totals().queued, 2);
    // Enabling is where a listener begins to hear, and what waited for it is delivered then.
    let mut trace = Trace::new();
    engine.enable_plugin(&mut trace, "b").unwrap();
    assert_eq!((trace, engine.totals().queued), (vec!["b:1".to_owned(), "b:2".to_owned()], 0));
    // One that is not enabled by then hears nothing of it.
    let engine = loaded(Policy::mods(), &plugins);
    let answers = engine.deliver(&mut Trace::new()).unwrap();
    assert_eq!((answers.delivered, answers.left, engine.totals().queued), (0, 0, 0));
    engine.enable_plugin(&mut Trace::new(), "b").unwrap();
    // A disabled listener hears nothing, and nothing is kept for it.
    engine.set_enabled("b", false).unwrap();
    assert_eq!(engine.emit(&mut Trace::new(), "dusk", 1).unwrap().left, 0);
}

/// A listener that runs a call of another thread is not disturbed, and its event is not lost.
#[test]
fn a_busy_listener_hears_it_later() {
    let (inside, outside) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (wait, go) = (inside.clone(), outside.clone());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let engine = Engine::builder()
        .host(HostFunction::new("game.wait", move || {
            wait.wait();
            go.wait();
        }))
        .function("game.heard", move |n: i64| log.lock().unwrap().push(n))
        .build()
        .unwrap();
    let area = folder(&[
        ("b/plugin.toml", &manifest("b", "[requires]\ngame = \"1\"\n[events]\nlisten = [\"dusk\"]")),
        ("b/main.lua", "function work() game.wait() end function on_dusk(n) game.heard(n) end"),
    ]);
    engine.load_path(area.path().join("b")).unwrap();
    engine.enable_plugin(&mut (), "b").unwrap();
    let worker = engine.clone();
    let thread = std::thread::spawn(move || worker.call::<_, ()>(&mut (), "b", "work", ()).unwrap());
    inside.wait();
    let answers = engine.emit(&mut (), "dusk", 1).unwrap();
    assert_eq!((answers.delivered, answers.left, answers.failed.len()), (0, 1, 0));
    outside.wait();
    thread.join().unwrap();
    assert_eq!(engine.emit(&mut (), "dusk", 2).unwrap().left, 0);
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
}

/// Threads publish at once: everything is heard once, and each thread's events in its order.
#[test]
fn threads_lose_and_double_nothing() {
    const THREADS: i64 = 4;
    const ROUNDS: i64 = 200;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let mut policy = Policy::mods();
    policy.untrusted.limits.queue = 10_000;
    let engine = Engine::builder()
        .policy(policy)
        .events()
        .grant("events.emit")
        .function("game.heard", move |n: i64| log.lock().unwrap().push(n))
        .build()
        .unwrap();
    let area = folder(&[
        ("b/plugin.toml", &manifest("b", "[requires]\ngame = \"1\"\n[events]\nlisten = [\"dusk\"]")),
        ("b/main.lua", "function on_dusk(n) game.heard(n) end"),
    ]);
    engine.load_path(area.path().join("b")).unwrap();
    engine.enable_plugin(&mut (), "b").unwrap();
    let publish = |thread: i64| {
        let engine = engine.clone();
        move || {
            let name = format!("p{thread}.lua");
            let plugin = engine.load_source(&name, "function go(n) events.emit('dusk', n) end").unwrap();
            for round in 0..ROUNDS {
                engine.call::<_, ()>(&mut (), plugin, "go", (thread * ROUNDS + round,)).unwrap();
            }
        }
    };
    let threads: Vec<_> = (0..THREADS).map(|thread| std::thread::spawn(publish(thread))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    engine.deliver(&mut ()).unwrap();
    let mut heard = seen.lock().unwrap().clone();
    heard.sort_unstable();
    assert_eq!(heard, (0..THREADS * ROUNDS).collect::<Vec<_>>());
    assert_eq!((engine.totals().queued, engine.totals().missed), (0, 0));
}
