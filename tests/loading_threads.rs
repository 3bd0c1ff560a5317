//! Plugins that several threads load: what comes of it is what comes of it with one.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/mods.rs"]
mod mods;
mod support;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use modhost::{Code, Engine, GroupBy, GroupLimits, Stage, State, resolve::Mode};
use mods::{engine, plugins, policy, told};
use support::folder;

/// Limits hold, and strike the same plugins, whatever number of threads loads: by the plan's order.
#[test]
fn limits_strike_in_the_plans_order() {
    // The first ones take longest.
    let work = |n: i32| format!("keep = buffer.create(100000) for i = 1, {} do end", (11 - n) * 20_000);
    let rows: Vec<(String, String)> = (0..12).map(|n| (format!("p{n:02}"), work(n))).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(id, source)| (id.as_str(), source.as_str())).collect();
    let area = plugins(&rows);
    let cases = [
        ("no instances", Some(0), None, Some(0), Code::LimitInstances),
        ("5 instances", Some(5), None, Some(5), Code::LimitInstances),
        ("no memory", None, Some(0), Some(0), Code::LimitMemory),
        ("memory for a few", None, Some(450_000), Some(3), Code::LimitMemory),
    ];
    for (name, instances, memory, most, code) in cases {
        let mut policy = policy(Mode::BestEffort);
        policy.instances = instances.unwrap_or(policy.instances);
        policy.total_memory = memory.unwrap_or(policy.total_memory);
        let mut before: Option<Vec<String>> = None;
        for threads in [1, 2, 8] {
            let (engine, _) = engine(policy.clone());
            let mods = engine.loading().dir(area.path()).threads(threads).load().unwrap();
            let loaded: Vec<String> = mods.loaded.iter().map(|one| one.name.clone()).collect();
            assert_eq!(loaded, rows[..loaded.len()].iter().map(|row| row.0).collect::<Vec<_>>(), "{name}");
            assert!(most.is_none_or(|most| loaded.len() == most), "{name}: {loaded:?}");
            assert!(!mods.refused.is_empty() && (!loaded.is_empty() || most == Some(0)), "{name}: {mods}");
            assert!(mods.refused.iter().all(|refused| refused.error.code() == code), "{name}: {mods}");
            assert_eq!(*before.get_or_insert_with(|| loaded.clone()), loaded, "{name}, {threads} threads");
        }
    }
    // What a group has together is used in order, too, whether it is named or is that of the publisher.
    let busy: Vec<(String, String)> = (0..6).map(|n| (format!("acme.p{n}"), work(8 + n / 2))).collect();
    let busy: Vec<(&str, &str)> = busy.iter().map(|(id, source)| (id.as_str(), source.as_str())).collect();
    let area = plugins(&busy);
    for (fuel, plugins) in [(0, 99), (100_000, 99), (1 << 40, 3), (1 << 40, 0)] {
        let mut before: Option<String> = None;
        for (threads, by) in
            [(1, GroupBy::Nothing), (8, GroupBy::Nothing), (1, GroupBy::Publisher), (8, GroupBy::Publisher)]
        {
            let mut policy = policy(Mode::BestEffort);
            policy.group_by = by;
            let (engine, _) = engine(policy);
            let mut limits = GroupLimits::default();
            (limits.fuel, limits.plugins) = (fuel, plugins);
            engine.set_group("acme", limits).unwrap();
            let mut loading = engine.loading().dir(area.path()).threads(threads);
            if by == GroupBy::Nothing {
                loading = loading.group("acme");
            }
            let mods = loading.load().unwrap();
            assert!(mods.refused.iter().all(|refused| refused.error.code() == Code::LimitGroup), "{mods}");
            assert!(!mods.refused.is_empty(), "{fuel} {plugins}");
            assert_eq!(*before.get_or_insert_with(|| told(&mods)), told(&mods));
        }
    }
}

/// What plugins publish while they are loaded is heard by the same listeners in the same order.
#[test]
fn events_of_loading_come_in_load_order() {
    let topics =
        "[events]\nlisten = [\"dusk\"]\n[capabilities]\nrequired = [\"events.emit\"]\n[requires]\nevents = \"1\"\n";
    let mut files = Vec::new();
    for n in 0..12 {
        let speaker = n % 3 == 0;
        let rest = if speaker { topics } else { "[events]\nlisten = [\"dusk\"]\n" };
        files.push((format!("{n:02}/plugin.toml"), format!("[plugin]\nid = \"p{n:02}\"\nversion = \"1.0.0\"\n{rest}")));
        let emit =
            if speaker { format!("function on_load() heard = events.emit('dusk', {n}) end") } else { String::new() };
        let work = (12 - n) * 3000;
        let source = format!(
            "local log = {{}} function on_dusk(n) table.insert(log, n) end {emit} function said() return log end function reached() return heard or -1 end for i = 1, {work} do end"
        );
        files.push((format!("{n:02}/main.lua"), source));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let area = folder(&files);
    let mut before = None;
    for threads in [1, 4, 4, 4] {
        let engine = Engine::builder()
            .policy(policy(Mode::BestEffort))
            .events()
            .grant("events.emit")
            .threads(threads)
            .build()
            .unwrap();
        let mods = engine.load_dir(area.path()).unwrap();
        assert_eq!(mods.loaded.len(), 12, "{mods}");
        engine.enable(&mut (), &mods).unwrap();
        let ask = |export: &str| -> Vec<modhost::Value> {
            mods.loaded.iter().map(|one| engine.call(&mut (), one.plugin, export, ()).unwrap()).collect()
        };
        let found = (ask("said"), ask("reached"));
        assert_eq!(found.1[9], modhost::Value::from(9));
        assert_eq!(*before.get_or_insert_with(|| found.clone()), found, "{threads} threads");
        let heard = engine.emit(&mut (), "dusk", 99).unwrap();
        assert_eq!(heard.delivered, 12);
    }
}

/// Random sets come out the same by one thread and by several: what is loaded, in which order, and who is refused and why.
#[test]
fn several_threads_do_what_one_does() {
    for seed in 0..12 {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = random.usize(1..40);
        let rows: Vec<(String, String)> = (0..count)
            .map(|at| {
                // By the id that is needed, how it is.
                let needs: BTreeMap<usize, &str> = (0..random.usize(0..3))
                    .map(|_| (random.usize(0..count + 1), ["", "", "~", "?"][random.usize(0..4)]))
                    .filter(|(id, _)| *id != at)
                    .collect();
                let needs: Vec<String> = needs.into_iter().map(|(id, how)| format!("{how}p{id:02}")).collect();
                let needs = if needs.is_empty() { String::new() } else { format!(" {}", needs.join(",")) };
                let work = random.usize(0..3000);
                let end = if random.u8(..) < 40 { "error('no')" } else { "" };
                let source = format!(
                    "for i = 1, {work} do end {end} function on_load(info) game.note(info.id) if {} then error('later') end end",
                    random.u8(..) < 20
                );
                (format!("p{at:02} 1.0.0{needs}"), source)
            })
            .collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(words, source)| (words.as_str(), source.as_str())).collect();
        let area = plugins(&rows);
        for mode in [Mode::BestEffort, Mode::AllOrNothing] {
            let mut before: Option<(String, String, Vec<String>)> = None;
            for threads in [1, 2, 5] {
                let (engine, notes) = engine(policy(mode));
                let mods = engine.loading().dir(area.path()).threads(threads).load().unwrap();
                let messages = mods.refused.iter().map(|refused| refused.error.to_string()).collect();
                let answers = engine.enable(&mut (), &mods).unwrap();
                assert!(answers.failed.is_empty(), "{:?}", answers.failed);
                let order: Vec<String> = engine.plugins().into_iter().map(|plugin| plugin.name).collect();
                let found = (told(&mods), order.join(" "), messages);
                assert_eq!(
                    *before.get_or_insert_with(|| found.clone()),
                    found,
                    "seed {seed}, {threads} threads, {mode:?}"
                );
                // A plugin runs when what it needs first has run.
                let notes = notes.lock().unwrap();
                for chosen in &mods.plan.order {
                    let place = |id: &str| notes.iter().position(|note| note == id);
                    for link in chosen.links.iter().filter(|link| link.order) {
                        let (Some(own), Some(other)) = (place(&chosen.id), place(&link.id)) else { continue };
                        assert!(other < own, "seed {seed}: {} before {}", chosen.id, link.id);
                    }
                }
            }
        }
    }
}

/// Three hundred in one go, of which some fail; with the engine in the hands of other threads meanwhile.
#[test]
fn hundreds_are_loaded_while_others_use_the_engine() {
    let rows: Vec<(String, &str)> = (0..300)
        .map(|n| (format!("p{n:03}"), if n % 50 == 7 { "error('no')" } else { "function one() return 1 end" }))
        .collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(id, source)| (id.as_str(), *source)).collect();
    let area = plugins(&rows);
    let mut policy = policy(Mode::BestEffort);
    policy.instances = 1000;
    let (engine, _) = engine(policy);
    let wolf = engine.load_source("wolf.lua", "function one() return 1 end").unwrap();
    let done = AtomicBool::new(false);
    let mods = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                assert_eq!(engine.call::<_, i64>(&mut (), wolf, "one", ()).unwrap(), 1);
                let other = engine.load_source("moon.lua", "").unwrap();
                engine.unload(other).unwrap();
            }
        });
        let mods = engine.loading().dir(area.path()).threads(4).load();
        done.store(true, SeqCst);
        mods.unwrap()
    });
    assert_eq!((mods.loaded.len(), mods.refused.len()), (294, 6));
    assert!(mods.loaded.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(engine.call::<_, i64>(&mut (), "p299", "one", ()).unwrap(), 1);
    let stopped = engine.unload_all(&mut ());
    assert_eq!(stopped.plugins.len(), 295);
    assert_eq!(engine.totals().memory, 0);
}

/// A host function that loads a plugin does so on its own thread, inside the call.
#[test]
fn loading_inside_a_call_keeps_to_its_thread() {
    let area = plugins(&[("a", "game.here()"), ("b", "game.here()"), ("c", "game.here()")]);
    let path: PathBuf = area.path().to_owned();
    let seen: Arc<Mutex<Vec<thread::ThreadId>>> = Arc::default();
    let own = seen.clone();
    let engine = Engine::builder()
        .policy(policy(Mode::BestEffort))
        .function("game.here", move || own.lock().unwrap().push(thread::current().id()))
        .function("game.more", move || {
            let engine = modhost::caller().unwrap().engine;
            engine.loading().dir(&path).threads(8).load().map(|mods| mods.loaded.len() as i64).unwrap_or(-1)
        })
        .build()
        .unwrap();
    let wolf = engine.load_source("wolf.lua", "function grow() return game.more() end").unwrap();
    assert_eq!(engine.call::<_, i64>(&mut (), wolf, "grow", ()).unwrap(), 3);
    assert!(seen.lock().unwrap().iter().all(|id| *id == thread::current().id()));
    assert_eq!(seen.lock().unwrap().len(), 3);
}

/// A host that panics while it is told how far it is gets its panic back, and an engine that works.
#[test]
fn a_panic_of_the_host_ends_the_loading_and_nothing_else() {
    let area = plugins(&[("a", ""), ("b", ""), ("c", ""), ("d 1.0.0 a", "")]);
    for threads in [0, 1, 4] {
        let (engine, _) = engine(policy(Mode::BestEffort));
        let loading = engine.loading().dir(area.path()).threads(threads);
        let loading =
            loading.progress(|step| assert!(step.stage != Stage::Load || step.done == 0, "the host is wrong"));
        let panic = catch_unwind(AssertUnwindSafe(|| loading.load())).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the host is wrong"));
        assert!(engine.plugins().iter().all(|plugin| plugin.state == State::Loaded && plugin.name != "d"));
        engine.unload_all(&mut ());
        assert_eq!(engine.load_dir(area.path()).unwrap().loaded.len(), 4);
    }
}
