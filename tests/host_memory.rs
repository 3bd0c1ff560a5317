//! What the host holds because of a plugin counts as the plugin's memory: one attack for each kind, with only that kind growing, within
//! one call and across many.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use modhost::{Code, Engine, Handles, HostError, HostFunction, PluginInfo, Policy, Value, audit::MemoryLog};
use support::{folder, manifest};

const LIMIT: u64 = 256 << 10;

/// The host's state: a table of objects that plugins refer to.
type World = Handles<()>;

/// An engine that keeps whatever it may: nothing is delivered, much may be printed.
fn engine(memory: u64) -> Engine {
    let mut policy = Policy::mods();
    policy.deliveries = 0;
    let limits = &mut policy.untrusted.limits;
    (limits.memory, limits.output, limits.queue, limits.value.bytes) = (memory, 1 << 30, 1 << 20, 16 << 20);
    let engine = Engine::builder()
        .policy(policy)
        .log()
        .events()
        .grant("events.emit")
        .function("game.make", |world: &mut World| -> Result<(), HostError> {
            let plugin = modhost::caller().unwrap().plugin;
            world.mint(&plugin, ()).map(drop)
        })
        .function("game.look", |_: Value| ())
        .build()
        .unwrap();
    let area = folder(&[
        ("ear/plugin.toml", &manifest("ear", "[events]\nlisten = [\"noise\"]")),
        ("ear/main.lua", "function on_noise() end"),
    ]);
    engine.load_path(area.path().join("ear")).unwrap();
    engine
}

fn info(engine: &Engine) -> PluginInfo {
    engine.plugins().into_iter().find(|plugin| plugin.name == "p").unwrap()
}

/// `step` makes the host keep a little. Done for ever, in one call or in many, it ends with `limit.memory`, and not because of what
/// the plugin itself holds.
#[track_caller]
fn check(name: &str, lua: &str, rhai: &str) {
    let lua_many = "function many() while true do pcall(step) end end";
    let rhai_many = "fn many() { loop { try { step() } catch {} } }";
    // In Rhai a text may be a small part of the memory only, so that the limit of its plugin is small.
    let plugins =
        [("p.lua", format!("{lua}\n{lua_many}"), 128 << 10), ("p.rhai", format!("{rhai}\n{rhai_many}"), 32 << 10)];
    for (file, source, limit) in plugins {
        let engine = engine(limit);
        let mut world = World::new(1);
        let plugin = engine.load_source(file, &source).unwrap();
        let error = engine.call::<_, Value>(&mut world, plugin, "many", ()).unwrap_err();
        assert_eq!(error.code(), Code::LimitMemory, "{name}, {file}, in one call: {error}");
        assert!(info(&engine).host_memory > limit / 2, "{name}, {file}: {:?}", info(&engine));
        engine.unload(plugin).unwrap();

        let plugin = engine.load_source(file, &source).unwrap();
        let (mut last, start) = (info(&engine), info(&engine).host_memory);
        let error = loop {
            match engine.call::<_, Value>(&mut world, plugin, "step", ()) {
                Ok(_) => {
                    let now = info(&engine);
                    assert!(now.host_memory > last.host_memory, "{name}, {file}: a step costs nothing");
                    last = now;
                }
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), Code::LimitMemory, "{name}, {file}, in many calls: {error}");
        let (host, all) = (last.host_memory - start, last.memory.unwrap() as u64);
        assert!(all <= limit && host > limit / 2, "{name}, {file}: {host} of {all} bytes were the host's");
        let before = engine.totals().memory;
        engine.unload(plugin).unwrap();
        assert_eq!(engine.call::<_, Value>(&mut world, plugin, "step", ()).unwrap_err().code(), Code::PluginNotFound);
        drop((plugin, world));
        assert!(engine.totals().memory <= before, "{name}, {file}");
    }
}

#[test]
fn lines_of_output() {
    let text = "x".repeat(100);
    check("printed", &format!("function step() print('{text}') end"), "fn step() { print(\"howl\") }");
    check("logged", &format!("function step() log.info('{text}') end"), "fn step() { log::info(\"howl\") }");
}

#[test]
fn events_that_wait() {
    let text = "x".repeat(5000);
    check(
        "large events",
        &format!("function step() events.emit('noise', '{text}') end"),
        "fn step() { events::emit(\"noise\", \"howl\") }",
    );
    check("small events", "function step() events.emit('noise', 1) end", "fn step() { events::emit(\"noise\", 1) }");
}

#[test]
fn handles() {
    check("handles", "function step() game.make() end", "fn step() { game::make() }");
}

/// What goes when the call does: one value on its way, in or out, that is small in the guest and large in the host.
#[test]
fn values_on_their_way() {
    let dag = |last: &str| {
        format!(
            "local s = string.rep('x', 30000) local function t(n) local t = {{}} for i = 1, n do t[i] = s end return t end function large() {last}(t(20)) end function small() {last}(t(2)) end"
        )
    };
    let result = dag("return").replace("return(", "return (");
    for (name, source) in [("argument", dag("game.look")), ("result", result)] {
        let engine = engine(LIMIT);
        let plugin = engine.load_source("p.lua", &source).unwrap();
        let mut world = World::new(1);
        let before = info(&engine).host_memory;
        for _ in 0..50 {
            engine.call::<_, Value>(&mut world, plugin, "small", ()).unwrap();
        }
        assert_eq!(info(&engine).host_memory, before, "{name}: it is given back");
        let error = engine.call::<_, Value>(&mut world, plugin, "large", ()).unwrap_err();
        assert_eq!(error.code(), Code::LimitMemory, "{name}: {error}");
    }
}

/// An error's text is kept once and short, however long and however often.
#[test]
fn texts_of_errors() {
    let engine = engine(LIMIT);
    let plugin = engine.load_source("p.lua", "function fail(n) error(string.rep('\\27', 3000) .. n) end").unwrap();
    let mut world = World::new(1);
    let start = info(&engine).host_memory;
    let mut kept = 0;
    for n in 0..200 {
        let error = engine.call::<_, Value>(&mut world, plugin, "fail", (n,)).unwrap_err();
        assert_eq!(error.code(), Code::ScriptRaised);
        let now = info(&engine);
        assert!(kept == 0 || now.host_memory - start == kept, "it takes the place of the one before");
        kept = now.host_memory - start;
        assert!(kept >= now.last_error.unwrap().message.len() as u64);
    }
    assert!((200..4000).contains(&kept), "{kept}");
    // And where there is no room for it, the plugin ends: whoever lives has room for all of it.
    let (mut lived, mut ended) = (0, 0);
    for memory in (120..320).map(|quarter| quarter << 8) {
        let engine = self::engine(memory);
        let source = "function fail(n) error(string.rep('\\27', 3000) .. n) end";
        let Ok(plugin) = engine.load_source("p.lua", source) else { continue };
        match engine.call::<_, Value>(&mut world, plugin, "fail", (1,)).unwrap_err().code() {
            Code::ScriptRaised => {
                assert!(info(&engine).memory.unwrap() as u64 <= memory);
                lived += 1;
            }
            code => {
                assert_eq!(code, Code::LimitMemory);
                ended += 1;
            }
        }
    }
    assert!(lived > 0 && ended > 0, "{lived} {ended}");
}

/// Names of exports are kept by the host, too.
#[test]
fn names() {
    let source = "for i = 1, 500 do getfenv = nil _G[string.rep('n', 200) .. i] = print end";
    let source = format!("local t = {{}} {} return t", source.replace("getfenv = nil _G", "t"));
    let roomy = engine(64 << 20);
    roomy.load_source("p.lua", &source).unwrap();
    let there = info(&roomy);
    assert!(there.host_memory > 500 * 200, "{there:?}");
    // Room for what the plugin holds, and for half of what the host does.
    let error = engine(there.memory.unwrap() as u64 - there.host_memory / 2).load_source("p.lua", &source).unwrap_err();
    assert_eq!(error.code(), Code::LimitMemory);
}

/// Each denial of another function is a record, once.
#[test]
fn records_of_denials() {
    const FUNCTIONS: usize = 1500;
    let log = Arc::new(MemoryLog::default());
    let run = |memory: u64| {
        let mut policy = Policy::mods();
        policy.untrusted.limits.memory = memory;
        let functions = (0..FUNCTIONS).map(|n| HostFunction::new(&format!("game.f{n}"), || ()).needs("game.all"));
        let builder = functions.fold(Engine::builder().policy(policy).audit(log.clone()), modhost::Builder::host);
        let engine = builder.build().unwrap();
        let source = "function reach() for _, f in pairs(game) do pcall(f) end end";
        let plugin = engine.load_source("p.lua", source).unwrap();
        let start = info(&engine);
        let mut results = Vec::new();
        for _ in 0..3 {
            results.push(engine.call::<_, ()>(&mut (), plugin, "reach", ()).err().map(|error| error.code()));
        }
        (start, info(&engine), results)
    };
    let (start, end, results) = run(64 << 20);
    assert_eq!(results, [None, None, None]);
    assert_eq!(end.violations.denials as usize, 3 * FUNCTIONS);
    let grown = end.host_memory - start.host_memory;
    let denials: Vec<_> =
        log.records().into_iter().filter(|record| record.event == modhost::audit::Event::Denied).collect();
    assert!(grown as usize > FUNCTIONS * 64, "{grown}");
    assert!(denials.len() == FUNCTIONS && denials.iter().all(|record| record.count == 3), "{}", denials.len());
    // Room for what it held at the start and for half of the records.
    let (_, _, results) = run(start.memory.unwrap() as u64 + grown / 2);
    assert_eq!(results, [Some(Code::LimitMemory), Some(Code::PluginKilled), Some(Code::PluginKilled)]);
}

/// All plugins together, with what the host holds because of them.
#[test]
fn totals_count_it_and_get_it_back() {
    let mut policy = Policy::mods();
    policy.total_memory = 2 << 20;
    policy.untrusted.limits.output = 1 << 30;
    let engine = Engine::builder().policy(policy).build().unwrap();
    let source = "local s = string.rep('x', 4000) function go() for i = 1, 70 do print(s) end end";
    // A load finds no room, or a call goes beyond it: whichever comes first.
    let step = |n: u32| {
        let plugin = engine.load_source(&format!("p{n}.lua"), source)?;
        engine.call::<_, ()>(&mut (), plugin, "go", ())
    };
    let error = (0..12).find_map(|n| step(n).err()).unwrap();
    assert_eq!((error.code(), error.limit().unwrap().limit), (Code::LimitMemory, 2 << 20));
    assert!(error.message().starts_with("all plugins together hold"), "{error}");
    let host: u64 = engine.plugins().iter().map(|plugin| plugin.host_memory).sum();
    assert!(host > 1 << 20, "most of it is the host's: {host}");
    for plugin in engine.plugins() {
        engine.unload(plugin.plugin).unwrap();
    }
    assert_eq!(engine.totals().memory, 0, "nothing of the plugins is left");
}
