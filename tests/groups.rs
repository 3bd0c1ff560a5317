//! Groups of plugins: ten mods of one owner have together what one may have.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{sync::Arc, time::Duration};

use modhost::{
    Code, Engine, Error, GroupBy, GroupInfo, GroupLimits, ManualClock, Policy, Progress, State, Ticket, Value,
    audit::{Event, MemoryLog},
};
use support::{folder, manifest};

fn limits(change: impl FnOnce(&mut GroupLimits)) -> GroupLimits {
    let mut limits = GroupLimits::default();
    change(&mut limits);
    limits
}

/// An engine with the group `team` under these limits.
fn engine(change: impl FnOnce(&mut GroupLimits)) -> Engine {
    Engine::builder().group("team", limits(change)).build().unwrap()
}

fn team(engine: &Engine) -> GroupInfo {
    engine.groups().into_iter().find(|group| group.name == "team").unwrap()
}

fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

fn state(engine: &Engine, name: &str) -> State {
    engine.plugins().into_iter().find(|plugin| plugin.name == name).unwrap().state
}

/// The same in each language: `spin()` never ends, `work()` takes some fuel.
const LANGUAGES: [(&str, &str); 3] = [
    ("lua", "function spin() while true do end end function work() for i = 1, 1000 do end end"),
    ("rhai", "fn spin() { loop { } } fn work() { for i in 0..1000 { } }"),
    (
        "wat",
        "(module (func (export \"spin\") (loop (br 0))) (func (export \"work\") (local i32)
            (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if 0 (i32.lt_u (local.get 0) (i32.const 1000))))))",
    ),
];

#[test]
fn ten_plugins_have_the_fuel_of_one() {
    const FUEL: u64 = 100_000;
    for (ending, source) in LANGUAGES {
        for count in [1, 10] {
            let engine = engine(|limits| limits.fuel = FUEL);
            for n in 0..count {
                engine.load_source_in("team", &format!("p{n}.{ending}"), source).unwrap();
            }
            engine.load_source(&format!("other.{ending}"), source).unwrap();
            engine.begin_period();
            let call = |n: i32, export: &str| engine.call::<_, Value>(&mut (), format!("p{n}").as_str(), export, ());
            call(0, "work").unwrap();
            let some = team(&engine).fuel;
            assert!((1000..FUEL / 4).contains(&some), "{ending}: {some}");
            // The first goes on until the group has no more, and is ended; the others are refused and live.
            let error = call(0, "spin").unwrap_err();
            assert_eq!((error.code(), error.limit().unwrap().limit), (Code::LimitGroup, FUEL), "{ending}: {error}");
            assert!(error.message().contains("`team`"), "{error}");
            assert_eq!(code(call(0, "work")), Some(Code::PluginKilled));
            for n in 1..count {
                assert_eq!(code(call(n, "spin")), Some(Code::LimitGroup), "{ending}");
                assert_eq!(state(&engine, &format!("p{n}")), State::Loaded);
            }
            let spent = team(&engine).fuel;
            assert!(spent <= FUEL && spent > FUEL - 200, "{ending}: {spent} of {FUEL}");
            let counted: u64 = engine.plugins().iter().filter(|plugin| plugin.group.is_some()).map(|p| p.fuel).sum();
            assert!(counted >= spent, "what plugins count goes back to their loading");
            // Who is in no group has its own.
            engine.call::<_, Value>(&mut (), "other", "work", ()).unwrap();
            engine.begin_period();
            for n in 1..count {
                call(n, "work").unwrap();
            }
            assert_eq!((team(&engine).fuel, team(&engine).refusals), (some * (count as u64 - 1), count as u64 - 1));
        }
    }
}

/// A plugin's own limit that is nearer is its own.
#[test]
fn its_own_limit_ends_a_plugin_by_its_own_code() {
    let mut policy = Policy::mods();
    policy.untrusted.limits.fuel = 5000;
    let engine = Engine::builder().policy(policy).group("team", limits(|l| l.fuel = 100_000)).build().unwrap();
    engine.load_source_in("team", "p.lua", LANGUAGES[0].1).unwrap();
    assert_eq!(code(engine.call::<_, Value>(&mut (), "p", "spin", ())), Some(Code::LimitFuel));
    assert!(team(&engine).fuel >= 5000);
}

/// However many threads take out of a purse, no more comes out than is in it, and who finds it empty lives.
#[test]
fn threads_do_not_spend_the_same_fuel_twice() {
    const FUEL: u64 = 3_000_000;
    const THREADS: u64 = 4;
    let mut policy = Policy::mods();
    policy.untrusted.limits.fuel = 50_000;
    let engine = Engine::builder().policy(policy).group("team", limits(|l| l.fuel = FUEL)).build().unwrap();
    let work = |n: u64| {
        let engine = engine.clone();
        move || {
            let plugin = engine.load_source_in("team", &format!("p{n}.lua"), LANGUAGES[0].1).unwrap();
            loop {
                match engine.call::<_, Value>(&mut (), plugin, "work", ()) {
                    Ok(_) => {}
                    Err(error) => break assert_eq!(error.code(), Code::LimitGroup, "{error}"),
                }
            }
        }
    };
    let threads: Vec<_> = (0..THREADS).map(|n| std::thread::spawn(work(n))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let spent = team(&engine).fuel;
    assert!(spent <= FUEL && spent > FUEL - THREADS * 50_000, "{spent}");
    let counted: u64 = engine.plugins().iter().map(|plugin| plugin.fuel).sum();
    assert_eq!(counted, spent, "every unit is counted once");
}

/// A call that leads to another of its group shares what it took.
#[test]
fn nested_calls_share_one_purse() {
    for fuel in [20_000_u64, 50_000, 60_000] {
        for (ending, inner) in LANGUAGES {
            let mut policy = Policy::mods();
            policy.untrusted.limits.fuel = 50_000;
            let engine = Engine::builder()
                .policy(policy)
                .group("team", limits(|l| l.fuel = fuel))
                .function("game.pass", |export: String| {
                    let engine = modhost::caller().unwrap().engine;
                    engine.call::<_, Value>(&mut (), "inner", &export, ()).map_err(|error| error.code().to_string())
                })
                .build()
                .unwrap();
            let outer = "function work() game.pass('work') game.pass('work') return 1 end
                function spin() local ok, why = pcall(game.pass, 'spin') return tostring(why) end
                function after() pcall(game.pass, 'spin') while true do end end";
            engine.load_source_in("team", "outer.lua", outer).unwrap();
            engine.load_source_in("team", &format!("inner.{ending}"), inner).unwrap();
            engine.begin_period();
            let call = |export: &str| engine.call::<_, Value>(&mut (), "outer", export, ());
            assert_eq!(call("work").unwrap(), Value::Int(1), "{ending} {fuel}");
            let counted = || engine.plugins().iter().map(|plugin| plugin.fuel).sum::<u64>();
            let loading = counted() - team(&engine).fuel;
            let error = call("after").unwrap_err();
            assert!(matches!(error.code(), Code::LimitGroup | Code::LimitFuel), "{ending} {fuel}: {error}");
            assert!(team(&engine).fuel <= fuel, "{ending}: {} of {fuel}", team(&engine).fuel);
            assert_eq!(counted() - loading, team(&engine).fuel, "{ending} {fuel}: every unit is counted once");
            assert_eq!(state(&engine, "inner"), State::Failed);
        }
    }
}

#[test]
fn ten_plugins_have_the_memory_of_one() {
    let engine = engine(|limits| limits.memory = 4 << 20);
    let source = "local t = {} function hold(n) t = buffer.create(n) end";
    for n in 0..10 {
        engine.load_source_in("team", &format!("p{n}.lua"), source).unwrap();
    }
    let hold = |n: i32, bytes: i64| code(engine.call::<_, ()>(&mut (), format!("p{n}").as_str(), "hold", (bytes,)));
    let ended: Vec<i32> = (0..10).filter(|n| hold(*n, 1 << 20) == Some(Code::LimitGroup)).collect();
    assert!(ended.len() >= 6, "{ended:?}");
    assert!(team(&engine).memory <= 4 << 20);
    let error = engine.load_source_in("team", "more.lua", "local t = buffer.create(4000000)").unwrap_err();
    assert_eq!(error.code(), Code::LimitGroup, "what loading holds counts: {error}");
    // Others are not touched by it, and what is unloaded is free again.
    engine.load_source("other.lua", source).unwrap();
    assert_eq!(code(engine.call::<_, ()>(&mut (), "other", "hold", (8 << 20,))), None);
    for n in 0..10 {
        engine.unload(format!("p{n}").as_str()).unwrap();
    }
    assert_eq!((team(&engine).memory, team(&engine).plugins), (0, 0));
    assert_eq!(code(engine.load_source_in("team", "p.lua", source)), None);
    assert_eq!(code(engine.call::<_, ()>(&mut (), "p", "hold", (3 << 20,))), None);
}

/// What the host holds because of a plugin is the group's, too: one that only prints is ended by it.
#[test]
fn what_the_host_holds_counts_for_the_group() {
    let mut policy = Policy::mods();
    (policy.untrusted.limits.output, policy.untrusted.limits.deadline) = (1 << 30, Duration::from_secs(60));
    let group = limits(|limits| limits.memory = 1 << 20);
    let engine = Engine::builder().policy(policy).group("team", group).build().unwrap();
    let source = "local s = string.rep('x', 1000) function step() for i = 1, 200 do print(s) end end";
    let step = |n: u32| {
        let plugin = engine.load_source_in("team", &format!("p{n}.lua"), source)?;
        engine.call::<_, ()>(&mut (), plugin, "step", ())
    };
    let error = (0..10).find_map(|n| step(n).err()).unwrap();
    assert_eq!(error.code(), Code::LimitGroup, "{error}");
    let host: u64 = engine.plugins().iter().map(|plugin| plugin.host_memory).sum();
    assert!(host > 300 << 10, "{host}");
}

#[test]
fn so_many_plugins_and_no_more() {
    for most in [0_u32, 1, 3] {
        let engine = engine(|limits| limits.plugins = most);
        for n in 0..most {
            engine.load_source_in("team", &format!("p{n}.lua"), "").unwrap();
        }
        let error = engine.load_source_in("team", "more.lua", "").unwrap_err();
        assert_eq!(
            (error.code(), error.limit().unwrap().limit, error.plugin()),
            (Code::LimitGroup, most.into(), Some("more"))
        );
        assert_eq!((team(&engine).plugins, team(&engine).refusals), (most, 1));
        engine.load_source("free.lua", "").unwrap();
        if most > 0 {
            // A load that fails leaves no place taken.
            engine.unload("p0").unwrap();
            assert_eq!(
                code(engine.load_source_in("team", "bad.lua", "function on_load() error('no') end")),
                Some(Code::ScriptRaised)
            );
            assert_eq!(code(engine.load_source_in("team", "worse.lua", "this is no Lua")), Some(Code::ScriptCompile));
            engine.load_source_in("team", "more.lua", "").unwrap();
        }
    }
}

#[test]
fn zero_is_a_limit_of_zero() {
    let source = "function run() print('x') return 1 end";
    type Change = fn(&mut GroupLimits);
    let rows: [(&str, Change, Option<Code>, Option<Code>); 5] = [
        ("fuel", |l| l.fuel = 0, Some(Code::LimitGroup), None),
        ("memory", |l| l.memory = 0, Some(Code::LimitGroup), None),
        ("time", |l| l.time = Duration::ZERO, Some(Code::LimitGroup), None),
        ("plugins", |l| l.plugins = 0, Some(Code::LimitGroup), None),
        ("output", |l| l.output = 0, None, Some(Code::LimitGroup)),
    ];
    for (name, change, loading, calling) in rows {
        let engine = engine(change);
        let loaded = engine.load_source_in("team", "p.lua", source);
        let plugin = loaded.as_ref().ok().copied();
        assert_eq!(code(loaded), loading, "{name}");
        if let Some(plugin) = plugin {
            assert_eq!(code(engine.call::<_, i64>(&mut (), plugin, "run", ())), calling, "{name}");
            assert_eq!(state(&engine, "p"), State::Loaded);
        }
        assert_eq!(team(&engine).plugins, u32::from(plugin.is_some()), "{name}: nothing is left of what was refused");
    }
}

#[test]
fn the_sweep_of_fuel_gives_success_or_its_own_code() {
    for fuel in 0..300_u64 {
        for (ending, source) in LANGUAGES {
            let engine = engine(|limits| limits.fuel = fuel * 17);
            let result = engine
                .load_source_in("team", &format!("p.{ending}"), source)
                .and_then(|plugin| engine.call::<_, Value>(&mut (), plugin, "work", ()));
            assert!(matches!(code(result), None | Some(Code::LimitGroup)), "{ending} {fuel}");
            assert!(team(&engine).fuel <= fuel * 17);
        }
    }
}

#[test]
fn time_is_carried_into_the_next_period() {
    let clock = Arc::new(ManualClock::default());
    let (time, audit) = (clock.clone(), Arc::new(MemoryLog::default()));
    let engine = Engine::builder()
        .clock(clock)
        .audit(audit.clone())
        .group("team", limits(|limits| limits.time = Duration::from_millis(10)))
        .function("game.wait", move |ms: u64| time.advance(Duration::from_millis(ms)))
        .build()
        .unwrap();
    engine.load_source_in("team", "a.lua", "function wait(ms) game.wait(ms) end").unwrap();
    engine.load_source_in("team", "b.lua", "function wait(ms) game.wait(ms) end").unwrap();
    let wait = |plugin: &str, ms: i64| code(engine.call::<_, ()>(&mut (), plugin, "wait", (ms,)));
    assert_eq!((wait("a", 4), wait("b", 5), wait("a", 14)), (None, None, None));
    assert_eq!((wait("a", 1), wait("b", 1)), (Some(Code::LimitGroup), Some(Code::LimitGroup)));
    assert_eq!(team(&engine).time, Duration::from_millis(23));
    // The frames that follow pay for it.
    engine.begin_period();
    assert_eq!((wait("a", 1), team(&engine).time), (Some(Code::LimitGroup), Duration::from_millis(13)));
    engine.begin_period();
    assert_eq!((wait("a", 1), wait("b", 7)), (None, None));
    let told = audit.records().iter().filter(|record| record.event == Event::LimitHit).count();
    assert_eq!(told, 2, "once a period, however often");
}

#[test]
fn output_and_events_are_refused_and_nobody_is_ended() {
    let area = folder(&[
        ("ear/plugin.toml", &manifest("ear", "[events]\nlisten = [\"noise\"]")),
        ("ear/main.lua", "function on_noise() end"),
    ]);
    let mut policy = Policy::mods();
    policy.deliveries = 0;
    let group = limits(|limits| (limits.output, limits.queue) = (10, 3));
    let engine = Engine::builder().policy(policy).events().grant("events.emit").group("team", group).build().unwrap();
    engine.load_path(area.path().join("ear")).unwrap();
    for name in ["a", "b"] {
        let source = "function say() print('howl') end function shout() events.emit('noise', 1) end";
        engine.load_source_in("team", &format!("{name}.lua"), source).unwrap();
    }
    let call = |plugin: &str, export: &str| code(engine.call::<_, ()>(&mut (), plugin, export, ()));
    assert_eq!((call("a", "say"), call("b", "say"), call("a", "say")), (None, None, Some(Code::LimitGroup)));
    engine.begin_period();
    assert_eq!(call("a", "say"), None);
    assert_eq!((call("a", "shout"), call("b", "shout"), call("b", "shout")), (None, None, None));
    assert_eq!((call("a", "shout"), call("b", "shout")), (Some(Code::LimitGroup), Some(Code::LimitGroup)));
    assert_eq!((team(&engine).queued, engine.totals().queued), (3, 3));
    assert_eq!((state(&engine, "a"), state(&engine, "b")), (State::Loaded, State::Loaded));
    engine.unload("ear").unwrap();
    assert_eq!((team(&engine).queued, team(&engine).refusals), (0, 3));
}

#[test]
fn groups_are_named_found_changed_and_removed() {
    let engine = engine(|_| {});
    for (name, says) in
        [("taem", "`team`"), ("nobody", "no group"), ("", "no name"), ("a b", "no name"), ("\n", "no name")]
    {
        let error = engine.load_source_in(name, "p.lua", "").unwrap_err();
        assert!(error.code() == Code::PolicyValue && error.message().contains(says), "{name:?}: {error}");
    }
    assert_eq!(code(engine.set_group("a b", GroupLimits::default())), Some(Code::PolicyValue));
    assert_eq!(code(Engine::builder().group("", GroupLimits::default()).build()), Some(Code::PolicyValue));
    engine.set_group("player-7", limits(|limits| limits.plugins = 1)).unwrap();
    engine.load_source_in("player-7", "a.lua", "").unwrap();
    assert_eq!(code(engine.load_source_in("player-7", "b.lua", "")), Some(Code::LimitGroup));
    engine.set_group("player-7", limits(|limits| limits.plugins = 2)).unwrap();
    engine.load_source_in("player-7", "b.lua", "").unwrap();
    assert!(!engine.remove_group("player-7") && !engine.remove_group("player-8"));
    engine.unload("a").unwrap();
    engine.unload("b").unwrap();
    assert!(engine.remove_group("player-7"));
    assert_eq!(engine.groups().len(), 1);
}

#[test]
fn a_rule_puts_plugins_into_the_group_of_their_publisher() {
    let mut policy = Policy::mods();
    policy.group_by = GroupBy::Publisher;
    policy.groups.insert("acme".into(), limits(|limits| limits.plugins = 1));
    let area = folder(&[
        ("1/plugin.toml", &manifest("acme.one", "")),
        ("1/main.lua", ""),
        ("2/plugin.toml", &manifest("acme.two", "")),
        ("2/main.lua", ""),
        ("3/plugin.toml", &manifest("zoo.three", "")),
        ("3/main.lua", ""),
        ("4/plugin.toml", &manifest("four", "")),
        ("4/main.lua", ""),
    ]);
    for others in [None, Some(limits(|limits| limits.plugins = 1))] {
        policy.other_groups = others.clone();
        let engine = Engine::builder().policy(policy.clone()).build().unwrap();
        let mods = engine.load_dir(area.path()).unwrap();
        let refused: Vec<_> =
            mods.refused.iter().map(|refused| (refused.name.as_str(), refused.error.code())).collect();
        assert_eq!(refused, [("acme.two", Code::LimitGroup)]);
        let mut groups: Vec<_> = engine.plugins().into_iter().map(|plugin| (plugin.name, plugin.group)).collect();
        groups.sort();
        let zoo = others.is_some().then(|| "zoo".to_owned());
        assert_eq!(
            groups,
            [("acme.one".into(), Some("acme".into())), ("four".into(), None), ("zoo.three".into(), zoo)]
        );
        // A group that nobody named goes with its plugins.
        engine.unload("zoo.three").unwrap();
        engine.begin_period();
        assert_eq!(engine.groups().iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["acme"]);
        // Whoever is named goes before the rule.
        let all = engine.load_dir_in("acme", area.path().join("3"));
        assert!(all.is_err() || all.unwrap().loaded.is_empty());
        assert_eq!(code(engine.load_path_in("acme", area.path().join("3"))), Some(Code::LimitGroup));
    }
}

/// A call that is suspended between frames, in a group whose fuel of a frame is less than the call's own: nothing of either is given
/// twice, and nothing is lost.
#[test]
fn a_suspended_call_keeps_its_fuel_and_its_groups() {
    const OWN: u64 = 20_000;
    let sources = [
        ("lua", "function run() while true do for i = 1, 100 do end net.ask() end end"),
        (
            "wat",
            r#"(module (import "net" "ask" (func $ask)) (func $work (local $i i32)
                (loop (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $i) (i32.const 100)))))
              (func (export "run") (loop (call $work) (call $ask) (br 0))))"#,
        ),
    ];
    // What a call comes to that is answered until it ends: its code, the stretches it had, its fuel, and the fuel of the group.
    let play = |ending: &str, source: &str, fuel: Option<u64>, every: usize| {
        let mut policy = Policy::mods();
        policy.untrusted.limits.fuel = OWN;
        let mut builder = Engine::builder().policy(policy).pending("net.ask", |_: Ticket| ());
        if let Some(fuel) = fuel {
            builder = builder.group("team", limits(|limits| limits.fuel = fuel));
        }
        let engine = builder.build().unwrap();
        let name = format!("p.{ending}");
        let plugin = match fuel {
            Some(_) => engine.load_source_in("team", &name, source).unwrap(),
            None => engine.load_source(&name, source).unwrap(),
        };
        let loading = engine.plugins()[0].fuel;
        engine.begin_period();
        let (mut stretches, mut spent) = (0, 0);
        let mut progress = engine.start::<_, Value>(&mut (), plugin, "run", ());
        while let Ok(Progress::Pending(ticket)) = progress {
            stretches += 1;
            assert!(stretches < 10_000, "nothing ends it");
            if every > 0 && stretches % every == 0 && fuel.is_some() {
                spent += team(&engine).fuel;
                engine.begin_period();
            }
            progress = engine.resume(&mut (), ticket, Ok(()));
        }
        if fuel.is_some() {
            spent += team(&engine).fuel;
        }
        let killed = engine.plugins()[0].state == State::Failed;
        (progress.unwrap_err().code(), stretches, killed, engine.plugins()[0].fuel - loading, spent)
    };
    for (ending, source) in sources {
        let (code, stretches, killed, used, _) = play(ending, source, None, 0);
        assert_eq!((code, killed, used), (Code::LimitFuel, true, OWN), "{ending}");
        // A period for each stretch, or for several: the call comes as far as it does alone, and its group paid for all of it.
        for (fuel, every) in [(OWN, 1), (OWN / 4, 1), (OWN / 4, 3), (OWN / 8, 2), (u64::MAX, 0)] {
            let grouped = play(ending, source, Some(fuel), every);
            assert_eq!(grouped, (code, stretches, true, OWN, OWN), "{ending} {fuel} {every}");
        }
        // One period only: it ends where the group's fuel does.
        for fuel in [OWN / 8, OWN / 4, OWN / 2] {
            let (code, some, _, used, spent) = play(ending, source, Some(fuel), 0);
            assert_eq!(code, Code::LimitGroup, "{ending} {fuel}");
            assert!(some > 0 && some < stretches && used == spent && spent <= fuel, "{ending} {fuel}: {some} {spent}");
        }
    }
}

/// Of a call that is suspended nothing is kept apart: others may use it, and what was abandoned is paid and no more.
#[test]
fn a_suspended_call_leaves_the_rest_to_the_others() {
    let engine = Engine::builder()
        .pending("net.ask", |_: Ticket| ())
        .group("team", limits(|limits| limits.fuel = 3_000))
        .build()
        .unwrap();
    let source = "function run() for i = 1, 500 do end net.ask() for i = 1, 500 do end end function work(n) for i = 1, n do end end";
    for name in ["a", "b"] {
        engine.load_source_in("team", &format!("{name}.lua"), source).unwrap();
    }
    engine.begin_period();
    let ticket = engine.start::<_, Value>(&mut (), "a", "run", ()).unwrap().ticket().unwrap();
    let first = team(&engine).fuel;
    assert!((500..1_000).contains(&first), "{first}");
    assert_eq!(code(engine.call::<_, ()>(&mut (), "b", "work", (1_500,))), None);
    let both = team(&engine).fuel;
    assert!(both > 2_000 && both <= 3_000, "{both}");
    engine.abandon(ticket).unwrap();
    assert_eq!(team(&engine).fuel, both, "what it used is paid once");
    // What is left is there for one more, to the last unit.
    let left = 3_000 - both;
    assert_eq!(code(engine.call::<_, ()>(&mut (), "b", "work", (left as i64 / 2,))), None);
    assert_eq!(code(engine.call::<_, ()>(&mut (), "b", "work", (3_000,))), Some(Code::LimitGroup));
    assert_eq!(team(&engine).fuel, 3_000);
}
