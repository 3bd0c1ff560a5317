//! Calls that are suspended in a pending host function: how they go on, what they hold and cost meanwhile, and how they end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime},
};

use modhost::{
    Builder, Clock, Code, Engine, Error, GroupLimits, HostError, HostFunction, Limits, ManualClock, PluginId, Policy,
    Progress, State, Step, Ticket, Value,
    Value::Int,
    verify::{Revocation, Revoked, TrustStore},
};

/// The host's state: what was asked, in order.
#[derive(Default)]
struct Desk {
    asked: Vec<(Ticket, i64)>,
}

/// What the host answers: a value, or an error of this text.
type Answer = Result<Value, &'static str>;

/// What a call comes to.
type Outcome = Result<Value, Code>;

fn offer(builder: Builder) -> Builder {
    let ask = HostFunction::pending("net.ask", |desk: &mut Desk, ticket: Ticket, n: i64| -> Result<(), HostError> {
        if n == 13 {
            return Err(HostError::new("thirteen"));
        }
        desk.asked.push((ticket, n));
        Ok(())
    });
    builder
        .host(ask.params(["n"]).returns::<i64>())
        .host(HostFunction::pending("net.locked", |_: Ticket| ()).needs("net.locked"))
        .function("game.add", |a: i64, b: i64| a + b)
}

fn engine_with(change: impl FnOnce(&mut Limits)) -> Engine {
    let mut policy = Policy::mods();
    change(&mut policy.untrusted.limits);
    offer(Engine::builder()).policy(policy).build().unwrap()
}

fn engine() -> Engine {
    engine_with(|_| ())
}

fn answer(answer: &Answer) -> Result<Value, HostError> {
    answer.clone().map_err(HostError::new)
}

/// Starts `run` and answers as often as there are answers.
fn play(engine: &Engine, plugin: PluginId, args: &[i64], answers: &[Answer]) -> Result<Value, Error> {
    let mut desk = Desk::default();
    let args: Vec<Value> = args.iter().copied().map(Int).collect();
    let mut progress = engine.start::<_, Value>(&mut desk, plugin, "run", args)?;
    for (at, given) in answers.iter().enumerate() {
        let ticket = progress.ticket().unwrap_or_else(|| panic!("not suspended before answer {at}"));
        assert_eq!(desk.asked.last().unwrap().0, ticket);
        assert_eq!(engine.suspended(), 1);
        progress = engine.resume(&mut desk, ticket, answer(given))?;
    }
    assert_eq!(engine.suspended(), 0, "more is asked than was answered");
    Ok(progress.done().unwrap())
}

/// Loads `source`, plays it, and does so again: with the same outcome and fuel.
#[track_caller]
fn check(file: &str, source: &str, args: &[i64], answers: &[Answer], expected: Outcome) {
    let engine = engine();
    let mut fuel = Vec::new();
    for name in ["a", "b"] {
        let plugin = engine.load_source(&format!("{name}.{file}"), source).unwrap();
        let loading = engine.plugins().last().unwrap().fuel;
        let outcome = play(&engine, plugin, args, answers).map_err(|error| error.code());
        assert_eq!(outcome, expected, "{file}: {source}");
        assert_eq!(engine.suspended(), 0);
        fuel.push(engine.plugins().last().unwrap().fuel - loading);
    }
    assert_eq!(fuel[0], fuel[1], "the same run costs the same");
}

const LUA_ONE: &str = "function run(n) return net.ask(n) end";
const WAT_ONE: &str = r#"(module (import "net" "ask" (func $ask (param i64) (result i64)))
    (func (export "run") (param i64) (result i64) (call $ask (local.get 0))))"#;

#[test]
fn a_suspended_call_goes_on_where_it_was() {
    let nested = "local function g(n) return net.ask(n) + 1 end
        function run(n) local ok, first = pcall(g, n) return first * 10 + g(n + 1) end";
    let wat_nested = r#"(module (import "net" "ask" (func $ask (param i64) (result i64)))
        (func $g (param i64) (result i64) (i64.add (call $ask (local.get 0)) (i64.const 1)))
        (func (export "run") (param i64) (result i64)
          (i64.add (i64.mul (call $g (local.get 0)) (i64.const 10)) (call $g (i64.add (local.get 0) (i64.const 1))))))"#;
    for (file, one, two) in [("lua", LUA_ONE, nested), ("wat", WAT_ONE, wat_nested)] {
        check(file, one, &[1], &[Ok(Int(42))], Ok(Int(42)));
        check(file, two, &[1], &[Ok(Int(3)), Ok(Int(5))], Ok(Int(46)));
        check(file, one, &[13], &[], Err(Code::HostFailed));
        check(file, one, &[1], &[Err("no route")], Err(Code::HostFailed));
        check(file, one, &[1, 2], &[], Err(Code::ScriptArity));
    }
    check("lua", "function run() return 5 end", &[], &[], Ok(Int(5)));
    check("rhai", "fn run() { game::add(2, 3) }", &[], &[], Ok(Int(5)));
    let caught = "function run(n) local ok, why = pcall(net.ask, n) if ok then return why end return net.ask(0) end";
    check("lua", caught, &[1], &[Err("no route"), Ok(Int(9))], Ok(Int(9)));
    check("lua", caught, &[13], &[Ok(Int(9))], Ok(Int(9)));
}

#[test]
fn where_a_call_cannot_be_suspended_nothing_is_begun() {
    for source in [
        "function run() return coroutine.wrap(function() return net.ask(1) end)() end",
        "function run() table.sort({ 2, 1 }, function(a, b) return net.ask(a) < b end) end",
        "function run() return (string.gsub('ab', '.', function() net.ask(1) end)) end",
        "function run() return setmetatable({}, { __index = function() return net.ask(1) end }).x end",
    ] {
        check("lua", source, &[], &[], Err(Code::HostCannotSuspend));
    }
    check("rhai", "fn run(n) { net::ask(n) }", &[1], &[], Err(Code::HostCannotSuspend));
    let again = r#"(module (import "net" "ask" (func $ask (param i64) (result i64))) (export "run" (func $ask)))"#;
    check("wat", again, &[1], &[], Err(Code::HostCannotSuspend));
    let yields = "function run() coroutine.yield(1) end";
    check("lua", yields, &[], &[], Err(Code::ScriptRaised));
    check("lua", "function run() pcall(coroutine.yield, 1) return net.ask(2) end", &[], &[Ok(Int(3))], Ok(Int(3)));

    let engine = engine();
    for (file, source) in [("a.lua", LUA_ONE), ("b.wat", WAT_ONE), ("c.rhai", "fn run(n) { net::ask(n) }")] {
        let plugin = engine.load_source(file, source).unwrap();
        let mut desk = Desk::default();
        let error = engine.call::<_, i64>(&mut desk, plugin, "run", (1,)).unwrap_err();
        assert_eq!((error.code(), desk.asked.len()), (Code::HostCannotSuspend, 0), "{file}");
        assert!(error.help().contains("engine.start"), "{}", error.help());
        let prepared = engine.prepare::<(i64,), i64>(plugin, "run").unwrap();
        assert_eq!(prepared.call(&mut desk, (1,)).unwrap_err().code(), Code::HostCannotSuspend);
    }
    for source in ["net.ask(1)", "function on_load() net.ask(1) end"] {
        assert_eq!(engine.load_source("d.lua", source).unwrap_err().code(), Code::HostCannotSuspend, "{source}");
    }
    let hook = engine.load_source("e.lua", "function on_enable() net.ask(1) end function run() return net.ask(1) end");
    assert!(hook.is_ok(), "nothing is called yet");
}

#[test]
fn a_capability_is_asked_for_before_anything_else() {
    let engine = engine();
    let plugin = engine.load_source("a.lua", "function run() net.locked() end").unwrap();
    for started in [true, false] {
        let result = match started {
            true => engine.start::<_, Value>(&mut Desk::default(), plugin, "run", ()).map(drop),
            false => engine.call::<_, Value>(&mut Desk::default(), plugin, "run", ()).map(drop),
        };
        assert_eq!(result.unwrap_err().code(), Code::DeniedCapability);
    }
    engine.set_granted(plugin, "net.locked", true).unwrap();
    assert_eq!(engine.plugins()[0].violations.denials, 2);
    let ticket = engine.start::<_, Value>(&mut (), plugin, "run", ()).unwrap().ticket().unwrap();
    assert_eq!(engine.resume::<_, ()>(&mut (), ticket, Ok(())).unwrap(), Progress::Done(()));
}

/// An engine with one plugin that is suspended, its state and its ticket.
fn suspended(file: &str, source: &str) -> (Engine, PluginId, Desk, Ticket) {
    let (engine, mut desk) = (engine(), Desk::default());
    let plugin = engine.load_source(file, source).unwrap();
    let ticket = engine.start::<_, i64>(&mut desk, plugin, "run", (1,)).unwrap().ticket().unwrap();
    (engine, plugin, desk, ticket)
}

#[test]
fn a_suspended_plugin_is_busy_and_says_why() {
    for (file, source) in [("a.lua", LUA_ONE), ("a.wat", WAT_ONE)] {
        let (engine, plugin, mut desk, ticket) = suspended(file, source);
        let errors = [
            engine.call::<_, i64>(&mut desk, plugin, "run", (1,)).map(drop),
            engine.start::<_, i64>(&mut desk, plugin, "run", (1,)).map(drop),
            engine.prepare::<(i64,), i64>(plugin, "run").map(drop),
        ];
        for error in errors.map(Result::unwrap_err) {
            assert_eq!(error.code(), Code::HostBusy);
            assert!(
                error.message().contains(&format!("suspended and waits for the answer to ticket {ticket}")),
                "{error}"
            );
            assert!(error.help().contains("engine.resume"), "{}", error.help());
        }
        assert!(!engine.cancel_handle(plugin).unwrap().cancel(), "no call runs that could be cancelled");
        assert_eq!(desk.asked.len(), 1);
        assert_eq!(engine.resume::<_, i64>(&mut desk, ticket, Ok(7)).unwrap(), Progress::Done(7));
        let again = engine.start::<_, i64>(&mut desk, plugin, "run", (2,)).unwrap();
        assert!(again.ticket().is_some_and(|second| second != ticket));
    }
}

#[test]
fn a_ticket_is_good_for_one_answer() {
    let stale = |engine: &Engine, ticket| {
        let code = |error: Error| error.code();
        let answered = engine.resume::<_, i64>(&mut Desk::default(), ticket, Ok(1)).map_err(code);
        let abandoned = engine.abandon(ticket).map_err(code);
        assert_eq!((answered, abandoned), (Err(Code::HostStaleHandle), Err(Code::HostStaleHandle)));
    };
    // Answered, unloaded, killed on the way, abandoned, another engine's.
    for (file, source) in [("a.lua", LUA_ONE), ("a.wat", WAT_ONE)] {
        let (engine, _, mut desk, ticket) = suspended(file, source);
        stale(&self::engine(), ticket);
        assert_eq!(engine.resume::<_, i64>(&mut desk, ticket, Ok(1)).unwrap(), Progress::Done(1));
        stale(&engine, ticket);

        let (engine, plugin, _, ticket) = suspended(file, source);
        assert!(engine.totals().memory > 0 || file.ends_with("wat"));
        engine.unload(plugin).unwrap();
        assert_eq!((engine.suspended(), engine.totals().plugins, engine.totals().memory), (0, 0, 0));
        stale(&engine, ticket);
        let next = engine.load_source(file, source).unwrap();
        engine.start::<_, i64>(&mut Desk::default(), next, "run", (1,)).unwrap().ticket().unwrap();
        stale(&engine, ticket);

        let (engine, plugin, mut desk, ticket) = suspended(file, source);
        engine.abandon(ticket).unwrap();
        stale(&engine, ticket);
        let left = &engine.plugins()[0];
        // Of what the plugin held only the text of its last error is left.
        assert_eq!((engine.suspended(), left.memory), (0, Some(left.host_memory as usize)));
        let gone = engine.call::<_, i64>(&mut desk, plugin, "run", (1,)).unwrap_err();
        assert_eq!(gone.code(), Code::PluginKilled);
        let info = &engine.plugins()[0];
        assert_eq!(info.last_error.as_ref().unwrap().code, Code::CallInterrupted);
        assert_eq!((info.calls, info.errors, info.state), (1, 1, State::Failed));
    }
}

#[test]
fn an_answer_that_does_not_fit_leaves_the_call_as_it_is() {
    for (file, source) in [("a.lua", LUA_ONE), ("a.wat", WAT_ONE)] {
        let (engine, plugin, mut desk, ticket) = suspended(file, source);
        let error = engine.resume::<_, i64>(&mut desk, ticket, Ok("seven")).unwrap_err();
        assert_eq!((error.code(), error.plugin()), (Code::ScriptType, Some("a")));
        assert!(error.message().contains("answer to `net.ask`"), "{error}");
        engine.set_enabled(plugin, false).unwrap();
        let error = engine.resume::<_, i64>(&mut desk, ticket, Ok(7)).unwrap_err();
        assert_eq!(error.code(), Code::PluginDisabled);
        engine.set_enabled(plugin, true).unwrap();
        assert_eq!(engine.suspended(), 1);
        // What the caller wants is asked when the call is over: that is no fault of the plugin.
        let error = engine.resume::<_, String>(&mut desk, ticket, Ok(7)).unwrap_err();
        assert_eq!((error.code(), engine.suspended()), (Code::ScriptType, 0));
        assert!(engine.start::<_, i64>(&mut desk, plugin, "run", (1,)).unwrap().ticket().is_some());
    }
}

#[test]
fn the_state_is_that_of_each_stretch() {
    let twice = "function run(n) return net.ask(n) + net.ask(n + 1) end";
    let (engine, plugin, _, ticket) = suspended("a.lua", twice);
    let mut other = Desk::default();
    let second = engine.resume::<_, i64>(&mut other, ticket, Ok(1)).unwrap().ticket().unwrap();
    assert_eq!(other.asked, [(second, 2)]);
    assert_eq!(engine.resume::<_, i64>(&mut (), second, Ok(1)).unwrap(), Progress::Done(2));
    let third = engine.start::<_, i64>(&mut other, plugin, "run", (1,)).unwrap().ticket().unwrap();
    let error = engine.resume::<_, i64>(&mut (), third, Ok(1)).unwrap_err();
    assert_eq!((error.code(), engine.suspended()), (Code::HostStateMismatch, 0));
}

#[test]
fn fuel_and_output_are_those_of_the_whole_call() {
    let lua = "function run(n) while true do net.ask(n) for i = 1, 100 do end end end";
    let wat = r#"(module (import "net" "ask" (func $ask (param i64) (result i64)))
        (func (export "run") (param i64) (result i64) (loop (drop (call $ask (local.get 0))) (br 0)) (unreachable)))"#;
    let prints = "function run(n) while true do net.ask(n) print('0123456789') end end";
    for (file, source, code, least) in [
        ("a.lua", lua, Code::LimitFuel, 5),
        ("a.wat", wat, Code::LimitFuel, 5),
        ("a.lua", prints, Code::LimitOutput, 5),
    ] {
        let mut times = Vec::new();
        for _ in 0..2 {
            let engine = engine_with(|limits| (limits.fuel, limits.output) = (2000, 95));
            let plugin = engine.load_source(file, source).unwrap();
            let mut desk = Desk::default();
            let mut progress = engine.start::<_, i64>(&mut desk, plugin, "run", (1,));
            while let Ok(Progress::Pending(ticket)) = progress {
                assert!(desk.asked.len() < 100, "nothing ends it");
                progress = engine.resume(&mut desk, ticket, Ok(1));
            }
            assert_eq!(progress.unwrap_err().code(), code, "{source}");
            assert_eq!((engine.suspended(), engine.plugins()[0].state), (0, State::Failed));
            assert_eq!(engine.plugins()[0].calls, 1);
            times.push(desk.asked.len());
        }
        assert!(times[0] > least && times[0] == times[1], "{times:?}");
    }
}

#[test]
fn the_deadline_counts_running_time_only() {
    let lua = "function run(n) while true do net.ask(n) game.wait(20) end end";
    let wat = r#"(module (import "net" "ask" (func $ask (param i64) (result i64)))
        (import "game" "wait" (func $wait (param i64)))
        (func (export "run") (param i64) (result i64)
          (loop (drop (call $ask (local.get 0))) (call $wait (i64.const 20)) (br 0)) (unreachable)))"#;
    for (file, source) in [("a.lua", lua), ("a.wat", wat)] {
        let clock = Arc::new(ManualClock::default());
        let time = clock.clone();
        let mut policy = Policy::mods();
        policy.untrusted.limits.deadline = Duration::from_millis(50);
        let wait = move |ms: u64| time.advance(Duration::from_millis(ms));
        let engine =
            offer(Engine::builder()).function("game.wait", wait).clock(clock.clone()).policy(policy).build().unwrap();
        let plugin = engine.load_source(file, source).unwrap();
        let mut desk = Desk::default();
        let mut progress = engine.start::<_, i64>(&mut desk, plugin, "run", (1,));
        while let Ok(Progress::Pending(ticket)) = progress {
            clock.advance(Duration::from_secs(3600));
            progress = engine.resume(&mut desk, ticket, Ok(1));
        }
        let error = progress.unwrap_err();
        // 20 ms and 20 ms, and in the third stretch it is over.
        assert_eq!((error.code(), desk.asked.len()), (Code::LimitDeadline, 3));
        assert_eq!(error.limit().unwrap().elapsed, Some(Duration::from_millis(60)));
    }
}

#[test]
fn a_suspended_call_takes_no_level_of_the_depth() {
    let engine = engine_with(|limits| limits.reentry_depth = 1);
    let mut desk = Desk::default();
    let tickets: Vec<Ticket> = (0..3)
        .map(|at| {
            let plugin = engine.load_source(&format!("p{at}.lua"), LUA_ONE).unwrap();
            engine.start::<_, i64>(&mut desk, plugin, "run", (at,)).unwrap().ticket().unwrap()
        })
        .collect();
    assert_eq!(engine.suspended(), 3);
    for ticket in tickets {
        assert_eq!(engine.resume::<_, i64>(&mut desk, ticket, Ok(8)).unwrap(), Progress::Done(8));
    }
}

#[test]
fn an_answer_out_of_the_function_itself_comes_too_early() {
    let ask = |ticket: Ticket| {
        let engine = modhost::caller().unwrap().engine;
        let code = |error: Error| error.code();
        assert_eq!(engine.resume::<_, Value>(&mut (), ticket, Ok(1)).map_err(code), Err(Code::HostBusy));
        assert_eq!(engine.abandon(ticket).map_err(code), Err(Code::HostBusy));
    };
    let engine = Engine::builder()
        .pending("net.ask", ask)
        .pending("net.panic", |_: Ticket| -> () { std::panic::resume_unwind(Box::new("as asked")) })
        .build()
        .unwrap();
    let plugin =
        engine.load_source("a.lua", "function run() return net.ask() end function dies() net.panic() end").unwrap();
    let ticket = engine.start::<_, Value>(&mut (), plugin, "run", ()).unwrap().ticket().unwrap();
    assert_eq!(engine.resume::<_, Value>(&mut (), ticket, Ok("late")).unwrap(), Progress::Done(Value::from("late")));
    let error = engine.start::<_, Value>(&mut (), plugin, "dies", ()).unwrap_err();
    assert_eq!((error.code(), engine.suspended()), (Code::HostPanicked, 0));
}

#[test]
fn a_started_call_within_a_host_function_waits_by_itself() {
    let begin = |desk: &mut Desk, plugin: String| {
        let engine = modhost::caller().unwrap().engine;
        engine.start::<_, i64>(desk, plugin.as_str(), "run", (5,)).map(|progress| progress.ticket().is_some())
    };
    let engine = offer(Engine::builder()).function("game.begin", begin).build().unwrap();
    let outer = engine.load_source("outer.lua", "function run() return game.begin('inner') end").unwrap();
    engine.load_source("inner.lua", LUA_ONE).unwrap();
    let mut desk = Desk::default();
    assert_eq!(engine.start::<_, bool>(&mut desk, outer, "run", ()).unwrap(), Progress::Done(true));
    let (ticket, _) = desk.asked[0];
    assert_eq!(engine.resume::<_, i64>(&mut desk, ticket, Ok(6)).unwrap(), Progress::Done(6));
}

#[test]
fn many_plugins_wait_at_once_and_are_answered_from_two_threads() {
    let engine = engine();
    let twice = "function run(n) return net.ask(n) * 1000 + net.ask(n) end";
    let wat = r#"(module (import "net" "ask" (func $ask (param i64) (result i64)))
        (func (export "run") (param i64) (result i64)
          (i64.add (i64.mul (call $ask (local.get 0)) (i64.const 1000)) (call $ask (local.get 0)))))"#;
    let mut desk = Desk::default();
    for at in 100..140 {
        let (file, source) = if at % 2 == 0 { ("lua", twice) } else { ("wat", wat) };
        let plugin = engine.load_source(&format!("p{at}.{file}"), source).unwrap();
        assert!(engine.start::<_, i64>(&mut desk, plugin, "run", (at,)).unwrap().ticket().is_some());
    }
    assert_eq!(engine.suspended(), 40);
    // Half of the tickets to each thread; each ticket that a thread gets back goes to the other one.
    let (lanes, ends): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::channel::<(Ticket, i64)>()).unzip();
    for (at, asked) in desk.asked.drain(..).enumerate() {
        lanes[at % 2].send(asked).unwrap();
    }
    let done: Vec<i64> = thread::scope(|scope| {
        let workers: Vec<_> = ends
            .into_iter()
            .enumerate()
            .map(|(own, end)| {
                let (engine, other) = (engine.clone(), lanes[1 - own].clone());
                scope.spawn(move || {
                    let (mut desk, mut done) = (Desk::default(), Vec::new());
                    for (ticket, n) in end.iter().take(40) {
                        match engine.resume::<_, i64>(&mut desk, ticket, Ok(n + 1)).unwrap() {
                            Progress::Pending(_) => other.send(desk.asked.pop().unwrap()).unwrap(),
                            Progress::Done(value) => done.push(value),
                        }
                    }
                    done
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let mut expected: Vec<i64> = (100..140).map(|n| (n + 1) * 1001).collect();
    let mut found = done;
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!((found, engine.suspended()), (expected, 0));
}

#[test]
fn one_ticket_answered_from_two_threads_is_answered_once() {
    for _ in 0..50 {
        let (engine, _, _, ticket) = suspended("a.lua", LUA_ONE);
        let outcomes: Vec<Result<Progress<i64>, Code>> = thread::scope(|scope| {
            let answer = || engine.resume::<_, i64>(&mut Desk::default(), ticket, Ok(1)).map_err(|error| error.code());
            let threads = [scope.spawn(answer), scope.spawn(answer)];
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(Progress::Done(1))).count(), 1, "{outcomes:?}");
        let lost = outcomes.iter().find_map(|outcome| outcome.err()).unwrap();
        assert!(matches!(lost, Code::HostStaleHandle | Code::HostBusy), "{lost}");
    }
}

#[test]
fn a_dropped_engine_takes_its_suspended_calls_along() {
    for (file, source) in [("a.lua", LUA_ONE), ("a.wat", WAT_ONE)] {
        let held = Arc::new(());
        let (inside, weak) = (held.clone(), Arc::downgrade(&held));
        let begin = move |_: Ticket, _: i64| drop(inside.clone());
        let engine = Engine::builder().host(HostFunction::pending("net.ask", begin).returns::<i64>()).build().unwrap();
        let plugin = engine.load_source(file, source).unwrap();
        assert!(engine.start::<_, i64>(&mut (), plugin, "run", (1,)).unwrap().ticket().is_some());
        drop(held);
        assert_eq!(weak.strong_count(), 1, "the closure, which the engine and its plugins hold");
        drop(engine);
        assert_eq!(weak.strong_count(), 0);
    }
}

/// A clock of a host that does something the next time it is asked.
#[derive(Default)]
struct Meanwhile {
    clock: ManualClock,
    does: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Clock for Meanwhile {
    fn now(&self) -> Duration {
        let does = self.does.lock().unwrap().take();
        if let Some(does) = does {
            does();
        }
        self.clock.now()
    }

    fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    fn stepped(&self, listener: Weak<dyn Step>) -> bool {
        self.clock.stepped(listener)
    }
}

/// A stretch of a call has its instance, and asks for the time since when its group pays; then the host does something.
#[test]
fn a_stretch_that_begins_while_its_plugin_is_taken_out_of_service_does_not_run() {
    type Does = fn(&Engine);
    let revoke: Does = |engine| {
        let mut store = TrustStore::default();
        store.revoke(Revocation::hard(Revoked::Package(engine.plugins()[0].verdict.digest), "it bites")).unwrap();
        assert_eq!(engine.set_trust_store(store).unwrap().quarantined.len(), 1);
    };
    let rows: [(Does, Option<Code>); 4] = [
        (|_| {}, None),
        (|engine| engine.quarantine("p", "on a whim").unwrap(), Some(Code::PluginQuarantined)),
        (revoke, Some(Code::PluginQuarantined)),
        // What is switched off goes on to the end of its call.
        (|engine| engine.set_enabled("p", false).unwrap(), None),
    ];
    for ((does, code), first) in rows.into_iter().flat_map(|row| [(row, true), (row, false)]) {
        let ran = Arc::new(AtomicBool::new(false));
        let (runs, clock) = (ran.clone(), Arc::new(Meanwhile::default()));
        let mut limits = GroupLimits::default();
        limits.time = Duration::from_secs(3600);
        let builder = Engine::builder().clock(clock.clone()).group("g", limits);
        let engine = offer(builder).function("game.ran", move || runs.store(true, SeqCst)).build().unwrap();
        let source = "function run(n) game.ran() net.ask(n) game.ran() end";
        let plugin = engine.load_source_in("g", "p.lua", source).unwrap();
        engine.enable_plugin(&mut (), plugin).unwrap();
        let mut desk = Desk::default();
        let mut start = || engine.start::<_, ()>(&mut desk, plugin, "run", (1,));
        let ticket = (!first).then(|| start().unwrap().ticket().unwrap());
        ran.store(false, SeqCst);
        let own = engine.clone();
        *clock.does.lock().unwrap() = Some(Box::new(move || does(&own)));
        let result = match ticket {
            None => start(),
            Some(ticket) => engine.resume(&mut desk, ticket, Ok(Int(1))),
        };
        assert!(clock.does.lock().unwrap().is_none(), "it happened");
        assert_eq!(result.as_ref().err().map(Error::code), code, "first {first}");
        assert_eq!(ran.load(SeqCst), code.is_none(), "first {first}");
        assert_eq!(engine.suspended(), usize::from(first && code.is_none()));
    }
}
