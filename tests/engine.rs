//! What the engine promises whatever the language: trust, capabilities, dependencies, threads, and a host that never dies of a plugin.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use modhost::{
    Capabilities, Code, Enforcement, Engine, Guarantee, HostFunction, Kind, ManualClock, Mods, Policy, Stage, State,
    Type, Value, Violations,
    audit::{Event, MemoryLog},
    backend::{Backend, ExportId, ExportInfo, Fault, Instance, LoadRequest, Meter, Suspending},
};
use support::{folder, manifest};

#[test]
fn capabilities_are_asked_for_granted_and_withdrawn() {
    let log = Arc::new(MemoryLog::default());
    let area = folder(&[
        (
            "asks/plugin.toml",
            &manifest("asks", "[requires]\nworld = \"1\"\n[capabilities]\noptional = [\"world.spawn\"]"),
        ),
        ("asks/main.lua", "function run() return world.spawn() end"),
        ("silent/plugin.toml", &manifest("silent", "[requires]\nworld = \"1\"")),
        ("silent/main.lua", "function run() return world.spawn() end"),
        ("stranger/plugin.toml", &manifest("stranger", "")),
        ("stranger/main.lua", "function run() return world == nil end"),
    ]);
    let engine = Engine::builder()
        .host(HostFunction::new("world.spawn", || 1_i64).needs("world.spawn"))
        .grant("world.spawn")
        .audit(log.clone())
        .build()
        .unwrap();
    engine.load_dir(area.path()).unwrap();
    let run = |plugin: &str| engine.call::<_, Value>(&mut (), plugin, "run", ()).map_err(|error| error.code());
    assert_eq!(run("asks"), Ok(Value::Int(1)));
    assert_eq!(run("silent"), Err(Code::DeniedCapability), "what a manifest does not ask for is not granted");
    assert_eq!(run("stranger"), Ok(Value::Bool(true)), "functions of contracts that are not required do not exist");

    assert!(engine.set_granted("asks", "world.spawn", false).unwrap());
    for _ in 0..3 {
        assert_eq!(run("asks"), Err(Code::DeniedCapability));
    }
    assert!(engine.set_granted("asks", "world.spawn", true).unwrap());
    assert_eq!(run("asks"), Ok(Value::Int(1)));
    assert!(!engine.set_granted("stranger", "world.spawn", true).unwrap());
    let denied: Vec<_> = log.records().into_iter().filter(|record| record.event == Event::Denied).collect();
    assert_eq!(
        denied.iter().map(|record| (record.plugin.as_str(), record.count)).collect::<Vec<_>>(),
        [("silent", 1), ("asks", 3)]
    );
}

#[test]
fn native_code_is_refused_unless_the_policy_demands_no_isolation() {
    let area = folder(&[("lib.so", "no library at all")]);
    let path = area.path().join("lib.so");
    let engine = Engine::builder().build().unwrap();
    let error = engine.load_path(&path).unwrap_err();
    assert_eq!((error.code(), error.stage()), (Code::DeniedBackend, Stage::Admit));
    assert!(error.message().contains("isolation sandbox") && error.message().contains("has shared memory"), "{error}");

    let log = Arc::new(MemoryLog::default());
    let engine = Engine::builder().policy(Policy::development()).audit(log.clone()).build().unwrap();
    assert_eq!(engine.load_path(&path).unwrap_err().code(), Code::NativeCorrupt);
    assert!(log.records().iter().any(|record| record.event == Event::Unprotected), "development says so each time");
}

#[test]
fn of_several_builds_trust_takes_the_first_that_suffices() {
    let files = [
        (
            "both/plugin.toml",
            manifest("both", "[entry]\nlua = \"main.lua\"\nwasm = \"main.wat\"\nnative = \"gone.so\""),
        ),
        ("both/main.lua", "function run() return 1 end".into()),
        ("both/main.wat", "(module (func (export \"run\") (result i64) (i64.const 2)))".into()),
    ];
    let area = folder(&files.each_ref().map(|(path, text)| (*path, text.as_str())));
    let taken = |change: &dyn Fn(&mut Policy)| {
        let mut policy = Policy::mods();
        change(&mut policy);
        let engine = Engine::builder().policy(policy).build().unwrap();
        let plugin = engine.load_path(area.path().join("both"));
        plugin.map(|plugin| engine.call::<_, i64>(&mut (), plugin, "run", ()).unwrap()).map_err(|error| error.code())
    };
    assert_eq!(taken(&|_| {}), Ok(2), "wasm is preferred");
    assert_eq!(taken(&|policy| policy.prefer = vec![Kind::LUA]), Ok(1));
    assert_eq!(taken(&|policy| policy.source_formats = false), Ok(1), "the Lua build is no text form of another");
    let no_text = |policy: &mut Policy| (policy.source_formats, policy.prefer) = (false, vec![Kind::WASM]);
    let only = area.path().join("only.wat");
    fs::write(&only, "(module)").unwrap();
    let mut policy = Policy::mods();
    no_text(&mut policy);
    let engine = Engine::builder().policy(policy).build().unwrap();
    assert_eq!(engine.load_path(&only).unwrap_err().code(), Code::PolicySourceFormat);
    assert_eq!(taken(&|policy| policy.untrusted.needs.suspend = true), Ok(2));
    assert_eq!(taken(&|policy| policy.untrusted.needs.cpu_share = Guarantee::Exact), Err(Code::DeniedBackend));
    assert_eq!(taken(&|policy| policy.unsigned = false), Err(Code::DeniedTrust));
    assert_eq!(taken(&|policy| policy.untrusted.admitted = false), Err(Code::DeniedTrust));
}

#[test]
fn a_manifest_lowers_limits_and_never_raises_them() {
    let area = folder(&[
        ("low/plugin.toml", &manifest("low", "[limits]\nfuel = 100\nmemory = \"9GiB\"")),
        ("low/main.lua", "function run() for i = 1, 1000 do end end"),
    ]);
    let engine = Engine::builder().build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    assert!(mods.loaded[0].notes.iter().any(|note| note.contains("asks for memory")), "{:?}", mods.loaded[0].notes);
    let error = engine.call::<_, ()>(&mut (), "low", "run", ()).unwrap_err();
    let hit = error.limit().unwrap();
    assert_eq!((error.code(), hit.limit, hit.fuel), (Code::LimitFuel, 100, 100));
}

#[test]
fn what_a_manifest_asks_beyond_its_level_is_not_granted() {
    let area = folder(&[
        ("greedy/plugin.toml", &manifest("greedy", "[limits]\nfuel = 9000\ndeadline = \"9s\"")),
        ("greedy/main.lua", "function run() for i = 1, 1000 do end end"),
    ]);
    let mut policy = Policy::mods();
    policy.untrusted.limits.fuel = 500;
    let engine = Engine::builder().policy(policy).build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    assert_eq!(mods.loaded[0].notes.len(), 2, "{:?}", mods.loaded[0].notes);
    let error = engine.call::<_, ()>(&mut (), "greedy", "run", ()).unwrap_err();
    assert_eq!((error.code(), error.limit().unwrap().limit), (Code::LimitFuel, 500));
}

/// A backend that hits a limit and says nothing of it, as a language does whose scripts can catch the error.
#[derive(Debug)]
struct Swallows;
struct Swallowing(Vec<ExportInfo>, Arc<Meter>);

impl Backend for Swallows {
    fn kind(&self) -> Kind {
        Kind::LUA
    }
    fn enforcement(&self) -> Enforcement {
        Enforcement::SANDBOX
    }
    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        if request.source()?.contains("hit") {
            let _ = request.meter.spend(u64::MAX);
        }
        Ok(Box::new(Swallowing(vec![ExportInfo::new("hit"), ExportInfo::new("fine")], request.meter.clone())))
    }
}

impl Instance for Swallowing {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        ExportId::find(&self.0, name)
    }
    fn call(&mut self, export: ExportId, _args: &[Value], _wants: &Type) -> Result<Value, Fault> {
        if export.index() == 0 {
            let _ = self.1.spend(u64::MAX);
        }
        Ok(Value::from("survived"))
    }
    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        None
    }
    fn exports(&self) -> &[ExportInfo] {
        &self.0
    }
    fn memory_used(&self) -> Option<usize> {
        None
    }
}

#[test]
fn the_engine_judges_by_the_meter_before_it_looks_at_a_value() {
    let engine = Engine::builder().backend(Arc::new(Swallows)).build().unwrap();
    assert_eq!(engine.load_source("a.lua", "hit").unwrap_err().code(), Code::LimitFuel);
    let plugin = engine.load_source("b.lua", "").unwrap();
    let call = |export: &str| engine.call::<_, String>(&mut (), plugin, export, ()).map_err(|error| error.code());
    assert_eq!(call("fine").as_deref(), Ok("survived"));
    assert_eq!(call("hit"), Err(Code::LimitFuel));
    assert_eq!(call("fine"), Err(Code::PluginKilled));
}

#[test]
fn state_is_lent_through_nested_calls_and_checked_for_its_type() {
    let engine = Engine::builder()
        .function("game.add", |score: &mut i64, by: i64| {
            *score += by;
            *score
        })
        .function("game.ask", |score: &mut i64, plugin: String| {
            let engine = modhost::caller().unwrap().engine;
            engine.call::<_, i64>(score, plugin.as_str(), "run", ())
        })
        .build()
        .unwrap();
    engine.load_source("b.lua", "function run() return game.add(10) end").unwrap();
    engine.load_source("a.lua", "function run() return game.add(1) + game.ask('b') + game.add(100) end").unwrap();
    let mut score = 0_i64;
    assert_eq!(engine.call::<_, i64>(&mut score, "a", "run", ()).unwrap(), 1 + 11 + 111);
    assert_eq!(score, 111);
    let error = engine.call::<_, i64>(&mut "another type", "a", "run", ()).unwrap_err();
    assert_eq!(error.code(), Code::HostStateMismatch);
}

#[test]
fn calls_that_nest_too_deeply_end() {
    let mut policy = Policy::mods();
    policy.untrusted.limits.reentry_depth = 3;
    let engine = Engine::builder()
        .policy(policy)
        .function("game.next", |n: i64| {
            let engine = modhost::caller().unwrap().engine;
            engine
                .call::<_, i64>(&mut (), format!("p{}", n + 1).as_str(), "run", ())
                .map_err(|error| error.code().to_string())
        })
        .build()
        .unwrap();
    for n in 0..5 {
        let source = format!("function run() local ok, why = pcall(game.next, {n}) return ok and why or {n} end");
        engine.load_source(&format!("p{n}.lua"), source).unwrap();
    }
    assert_eq!(engine.call::<_, i64>(&mut (), "p0", "run", ()).unwrap(), 2, "p2 could not call p3");
}

#[test]
fn a_second_thread_finds_a_running_plugin_busy_and_another_one_free() {
    let (inside, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (there, go) = (inside.clone(), leave.clone());
    let engine = Engine::builder()
        .function("game.wait", move || {
            there.wait();
            go.wait();
        })
        .build()
        .unwrap();
    let slow = engine.load_source("slow.lua", "function run() game.wait() return 1 end").unwrap();
    let other = engine.load_source("other.lua", "function run() return 2 end").unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| engine.call::<_, i64>(&mut (), slow, "run", ()));
        inside.wait();
        assert_eq!(engine.call::<_, i64>(&mut (), slow, "run", ()).unwrap_err().code(), Code::HostBusy);
        assert_eq!(engine.call::<_, i64>(&mut (), other, "run", ()).unwrap(), 2);
        engine.unload(slow).unwrap();
        assert_eq!(engine.call::<_, i64>(&mut (), slow, "run", ()).unwrap_err().code(), Code::PluginNotFound);
        leave.wait();
        assert_eq!(running.join().unwrap().unwrap(), 1, "a call that runs while its plugin is unloaded ends well");
    });
    assert_eq!(engine.plugins().len(), 1);
    let again = engine.load_source("slow.lua", "function run() return 3 end").unwrap();
    assert_ne!(again, slow, "an old handle never reaches a new tenant");
    assert_eq!(engine.call::<_, i64>(&mut (), slow, "run", ()).unwrap_err().code(), Code::PluginNotFound);
}

#[test]
fn a_deadline_passes_by_the_engines_own_clock() {
    let clock = Arc::new(ManualClock::default());
    let time = clock.clone();
    let engine = Engine::builder()
        .clock(clock)
        .function("game.wait", move |milliseconds: u64| time.advance(Duration::from_millis(milliseconds)))
        .build()
        .unwrap();
    let source = "function run(n) for i = 1, n do pcall(game.wait, 100) end return n end";
    let plugin = engine.load_source("slow.lua", source).unwrap();
    for _ in 0..3 {
        assert_eq!(
            engine.call::<_, i64>(&mut (), plugin, "run", (9,)).unwrap(),
            9,
            "each call has a second of its own"
        );
    }
    let error = engine.call::<_, i64>(&mut (), plugin, "run", (10,)).unwrap_err();
    assert_eq!((error.code(), error.limit().unwrap().elapsed), (Code::LimitDeadline, Some(Duration::from_secs(1))));
    assert_eq!(engine.call::<_, i64>(&mut (), plugin, "run", (1,)).unwrap_err().code(), Code::PluginKilled);
    assert_eq!(engine.plugins()[0].state, State::Failed);
}

#[test]
fn hooks_run_in_load_order_with_as_many_arguments_as_they_take_and_fail_alone() {
    let area = folder(&[
        ("a/plugin.toml", &manifest("a", "[dependencies]\nb = \"*\"\n[events]\nlisten = [\"night.fall\"]")),
        (
            "a/main.lua",
            "local n = 0 function on_load() n = 1 end function on_enable() n += 1 end function on_night_fall() return n end",
        ),
        ("b/plugin.toml", &manifest("b", "[events]\nlisten = [\"night.fall\"]")),
        ("b/main.rhai", "fn on_load(info) { this.id = info.id; } fn on_night_fall(hours) { this.id + hours }"),
        ("c/plugin.toml", &manifest("c", "[events]\nlisten = [\"night.fall\"]")),
        ("c/main.lua", "function on_enable() error('late') end function on_night_fall() error('never') end"),
        ("d/plugin.toml", &manifest("d", "")),
        ("d/main.lua", "function on_night_fall() return 'not asked' end"),
    ]);
    let engine = Engine::builder().build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    let enabled = engine.enable(&mut (), &mods).unwrap();
    assert_eq!(
        enabled.failed.iter().map(|error| (error.plugin(), error.stage())).collect::<Vec<_>>(),
        [(Some("c"), Stage::Enable)]
    );
    let answers = engine.emit(&mut (), "night.fall", 8).unwrap();
    let values: Vec<Value> = answers.values.into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [Value::from("b8"), Value::Int(2)]);
    assert!(answers.failed.is_empty(), "what was not enabled hears nothing");
    engine.set_enabled("a", false).unwrap();
    assert_eq!(engine.emit(&mut (), "night.fall", 8).unwrap().values.len(), 1);
    assert_eq!(engine.call::<_, i64>(&mut (), "a", "on_night_fall", ()).unwrap_err().code(), Code::PluginDisabled);
    engine.set_enabled("a", true).unwrap();
    assert_eq!(engine.call::<_, i64>(&mut (), "a", "on_night_fall", ()).unwrap(), 2);
}

#[test]
fn printed_text_is_kept_escaped_and_never_reaches_the_hosts_stdout() {
    let engine = Engine::builder().build().unwrap();
    let plugin =
        engine.load_source("loud.lua", "print('red', '\\27[31m') function run() print('two\\nlines') end").unwrap();
    engine.call::<_, ()>(&mut (), plugin, "run", ()).unwrap();
    assert_eq!(engine.take_output(plugin).unwrap(), ["red\t\\u{1b}[31m", "two", "lines"]);
    assert!(engine.take_output(plugin).unwrap().is_empty());
}

/// A backend of an embedder's own, which panics wherever it is told to.
#[derive(Debug)]
struct Touchy;
struct Touched(Vec<ExportInfo>, Arc<AtomicU32>);

impl Backend for Touchy {
    fn kind(&self) -> Kind {
        Kind::LUA
    }
    fn enforcement(&self) -> Enforcement {
        Enforcement { memory: Guarantee::Approximate, ..Enforcement::SANDBOX }
    }
    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        assert!(!request.source()?.contains("on load"), "told to");
        Ok(Box::new(Touched(vec![ExportInfo::new("fine"), ExportInfo::new("panic")], Arc::default())))
    }
}

impl Instance for Touched {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        ExportId::find(&self.0, name)
    }
    fn call(&mut self, export: ExportId, _args: &[Value], _wants: &Type) -> Result<Value, Fault> {
        assert!(export.index() == 0, "told to");
        Ok(Value::Int(self.1.fetch_add(1, SeqCst).into()))
    }
    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        None
    }
    fn exports(&self) -> &[ExportInfo] {
        &self.0
    }
    fn memory_used(&self) -> Option<usize> {
        None
    }
}

#[test]
fn an_embedders_own_backend_is_used_and_its_panics_stay_inside() {
    let engine = Engine::builder().backend(Arc::new(Touchy)).without(Kind::RHAI).build().unwrap();
    assert_eq!(engine.load_source("a.lua", "panic on load").unwrap_err().code(), Code::InternalBug);
    let plugin = engine.load_source("b.lua", "").unwrap();
    assert_eq!(engine.call::<_, i64>(&mut (), plugin, "fine", ()).unwrap(), 0);
    assert_eq!(engine.call::<_, i64>(&mut (), plugin, "panic", ()).unwrap_err().code(), Code::InternalBug);
    assert_eq!(engine.call::<_, i64>(&mut (), plugin, "fine", ()).unwrap_err().code(), Code::PluginKilled);
    assert_eq!(engine.load_source("c.rhai", "1").unwrap_err().code(), Code::DeniedBackend);
    let rhai = engine.backends().into_iter().find(|row| row.kind == Kind::RHAI).unwrap();
    assert_eq!(rhai.reason.as_deref(), Some("left out by the host"));
}

#[test]
fn malformed_names_are_told_by_the_builder() {
    let refused = |builder: modhost::Builder| builder.build().map(|_| ()).unwrap_err().code();
    assert_eq!(refused(Engine::builder().function("spawn", || ())), Code::ManifestName);
    assert_eq!(refused(Engine::builder().function("World.spawn", || ())), Code::ManifestName);
    assert_eq!(refused(Engine::builder().function("a.b", || ()).function("a.b.c", || ())), Code::ManifestName);
    assert_eq!(refused(Engine::builder().contract("world", "one")), Code::ManifestVersion);
    assert_eq!(refused(Engine::builder().grant("no such!")), Code::ManifestName);
}

#[test]
fn a_duplicate_and_a_missing_path_are_errors() {
    let engine = Engine::builder().build().unwrap();
    engine.load_source("a.lua", "x = 1").unwrap();
    assert_eq!(engine.load_source("a.rhai", "1").unwrap_err().code(), Code::PackageDuplicate);
    assert_eq!(engine.load_path(Path::new("no/such.lua")).unwrap_err().code(), Code::IoNotFound);
    assert_eq!(engine.load_source("a.txt", "").unwrap_err().code(), Code::PackageNotAPlugin);
    assert_eq!(engine.call::<_, ()>(&mut (), "nobody", "run", ()).unwrap_err().code(), Code::PluginNotFound);
    let mods: Mods = Mods::default();
    assert!(mods.find("a").is_none());
}

#[test]
fn many_threads_share_one_engine() {
    let engine = Engine::builder().function("game.twice", |n: i64| n * 2).build().unwrap();
    let plugins: Vec<_> = (0..8)
        .map(|n| engine.load_source(&format!("p{n}.lua"), "function run(n) return game.twice(n) end").unwrap())
        .collect();
    let busy = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let (engine, plugins, busy) = (&engine, &plugins, &busy);
            scope.spawn(move || {
                for n in 0..2000_i64 {
                    let plugin = plugins[(n as usize * 7 + thread) % plugins.len()];
                    match engine.call::<_, i64>(&mut (), plugin, "run", (n,)) {
                        Ok(value) => assert_eq!(value, 2 * n),
                        Err(error) => {
                            assert_eq!(error.code(), Code::HostBusy);
                            busy.fetch_add(1, SeqCst);
                        }
                    }
                }
            });
        }
    });
    let calls: u64 = engine.plugins().iter().map(|plugin| plugin.calls).sum();
    assert_eq!(calls + u64::from(busy.load(SeqCst)), 8000);
}

#[test]
fn a_call_is_cancelled_from_another_thread_and_the_next_one_is_not() {
    for (file, source) in [
        ("a.lua", "function run() while true do pcall(function() while true do end end) end end"),
        ("b.rhai", "fn run() { loop { try { loop {} } catch {} } }"),
        ("c.wat", "(module (func (export \"run\") (loop $l (br $l))))"),
    ] {
        let engine = Engine::builder().policy(Policy::development()).build().unwrap();
        let plugin = engine.load_source(file, source).unwrap();
        let handle = engine.cancel_handle(plugin).unwrap();
        assert!(!handle.cancel(), "nothing runs");
        let stopper = std::thread::spawn(move || {
            while !handle.cancel() {
                std::thread::yield_now();
            }
        });
        assert_eq!(
            engine.call::<_, ()>(&mut (), plugin, "run", ()).unwrap_err().code(),
            Code::CallInterrupted,
            "{file}"
        );
        stopper.join().unwrap();
        assert_eq!(engine.call::<_, ()>(&mut (), plugin, "run", ()).unwrap_err().code(), Code::PluginKilled);
    }
}

#[test]
fn a_whole_number_of_lua_is_a_float_where_the_caller_wants_one() {
    let engine = Engine::builder().build().unwrap();
    let source = "function eight() return 8 end function list() return { 1, 2.5 } end function half() return 0.5 end";
    let plugin = engine.load_source("n.lua", source).unwrap();
    assert_eq!(engine.call::<_, f64>(&mut (), plugin, "eight", ()).unwrap(), 8.0);
    assert_eq!(engine.call::<_, i64>(&mut (), plugin, "eight", ()).unwrap(), 8);
    assert_eq!(engine.call::<_, Value>(&mut (), plugin, "eight", ()).unwrap(), Value::Int(8));
    assert_eq!(engine.prepare::<(), Vec<f64>>(plugin, "list").unwrap().call(&mut (), ()).unwrap(), [1.0, 2.5]);
    assert_eq!(engine.call::<_, i64>(&mut (), plugin, "half", ()).unwrap_err().code(), Code::ScriptType);
}

#[test]
fn capabilities_may_be_granted_wholesale() {
    let mut policy = Policy::mods();
    policy.untrusted.capabilities = Capabilities::Requested;
    let engine = Engine::builder()
        .policy(policy)
        .host(HostFunction::new("world.spawn", || 1_i64).needs("world.spawn"))
        .build()
        .unwrap();
    let plugin = engine.load_source("a.lua", "function run() return world.spawn() end").unwrap();
    assert_eq!(engine.call::<_, i64>(&mut (), plugin, "run", ()).unwrap(), 1);
}

#[test]
fn statistics_tell_what_each_plugin_did_and_all_together() {
    let clock = Arc::new(ManualClock::default());
    let engine = Engine::builder()
        .clock(clock.clone())
        .host(HostFunction::new("world.spawn", || 1_i64).needs("world.spawn"))
        .build()
        .unwrap();
    let source = "function good() end function bad() error('no\\27[31m') end function loop() while true do end end \
                  function steal() pcall(world.spawn) end";
    let call = |export: &str| engine.call::<_, ()>(&mut (), "wolf", export, ()).map_err(|error| error.code());
    let about = || engine.plugins().into_iter().find(|plugin| plugin.name == "wolf").unwrap();
    engine.load_source("other.lua", "function good() end").unwrap();
    engine.load_source("wolf.lua", source).unwrap();
    let fresh = about();
    assert_eq!((fresh.loads, fresh.calls, fresh.errors, fresh.state), (1, 0, 0, State::Loaded));
    assert_eq!((fresh.violations, fresh.last_error), (Violations::default(), None));
    assert!(fresh.fuel > 0 && fresh.memory.unwrap() > 0, "loading costs");

    call("good").unwrap();
    clock.advance(Duration::from_secs(7));
    assert_eq!(call("bad"), Err(Code::ScriptRaised));
    clock.advance(Duration::from_secs(1));
    call("steal").unwrap();
    let later = about();
    assert_eq!((later.calls, later.errors, later.violations.limit_hits, later.violations.denials), (3, 1, 0, 1));
    let last = later.last_error.unwrap();
    assert_eq!((last.code, last.stage, last.at), (Code::ScriptRaised, Stage::Call, Duration::from_secs(7)));
    assert!(last.message.contains("no\\u{1b}[31m"), "{}", last.message);

    assert_eq!(call("loop"), Err(Code::LimitFuel));
    assert_eq!(call("good"), Err(Code::PluginKilled));
    let killed = about();
    assert_eq!((killed.state, killed.calls, killed.errors, killed.violations.limit_hits), (State::Failed, 4, 2, 1));
    assert_eq!((killed.memory, killed.last_error.unwrap().code), (Some(killed.host_memory as usize), Code::LimitFuel));
    assert!(killed.fuel >= 10_000_000);

    let before = engine.totals();
    assert_eq!((before.plugins, before.loads, before.calls, before.errors), (2, 2, 4, 2));
    assert_eq!((before.violations.limit_hits, before.violations.denials), (1, 1));
    let grains = |plugin: &modhost::PluginInfo| {
        let (all, host) = (plugin.memory.unwrap() as u64, plugin.host_memory);
        (all - host).div_ceil(4096) + host.div_ceil(4096)
    };
    assert_eq!(before.memory, engine.plugins().iter().map(grains).sum::<u64>() * 4096);
    engine.unload("wolf").unwrap();
    engine.unload("other").unwrap();
    let after = engine.totals();
    assert_eq!((after.plugins, after.memory, after.calls, after.fuel), (0, 0, 4, before.fuel), "what was, was");
    engine.load_source("wolf.lua", source).unwrap();
    assert_eq!((about().loads, about().calls, engine.totals().loads), (2, 0, 3));
}

#[test]
fn every_language_logs_at_every_level_into_its_ring_under_its_limit() {
    let area = folder(&[
        ("ask/plugin.toml", &manifest("ask", "[requires]\nlog = \"^1\"")),
        ("ask/main.lua", "log.debug('at load') function run() log.info('a\\nb') log.error('\\27[31m') print('p') end"),
        ("rhai/plugin.toml", &manifest("rhai", "[requires]\nlog = \"^1\"")),
        ("rhai/main.rhai", "fn run() { log::warn(\"w\"); }"),
        ("mute/plugin.toml", &manifest("mute", "")),
        ("mute/main.lua", "function run() log.info('x') end"),
        ("flood.lua", "function run() for i = 1, 100000 do pcall(log.info, 'a long line') end end"),
    ]);
    let engine = Engine::builder().log().build().unwrap();
    assert_eq!(engine.load_dir(area.path()).unwrap().refused.len(), 0);
    let run = |plugin: &str| engine.call::<_, ()>(&mut (), plugin, "run", ()).map_err(|error| error.code());
    let lines = |plugin: &str| {
        let lines = engine.take_output(plugin).unwrap();
        lines.into_iter().map(|line| (line.level.to_string(), line.text)).collect::<Vec<_>>()
    };
    let row = |level: &str, text: &str| (level.to_owned(), text.to_owned());
    run("ask").unwrap();
    let expected =
        [row("debug", "at load"), row("info", "a"), row("info", "b"), row("error", "\\u{1b}[31m"), row("info", "p")];
    assert_eq!(lines("ask"), expected);
    run("rhai").unwrap();
    assert_eq!(lines("rhai"), [row("warn", "w")]);
    assert_eq!(run("mute"), Err(Code::ScriptRaised), "a contract that is not required is not there");
    assert_eq!(run("flood"), Err(Code::LimitOutput));
    let kept = lines("flood");
    assert!(kept.len() == 1000 && kept.iter().all(|line| line == &row("info", "a long line")), "{}", kept.len());
}

#[test]
fn errors_say_what_was_probably_meant() {
    let area = folder(&[
        ("typo/plugin.toml", &manifest("typo", "[requires]\nworld = \"^1\"")),
        ("typo/main.wat", "(module (import \"world\" \"spwan\" (func)))"),
        ("forgot/plugin.toml", &manifest("forgot", "")),
        ("forgot/main.wat", "(module (import \"world\" \"spawn\" (func)))"),
        ("newer/plugin.toml", &manifest("newer", "[requires]\nworld = \"^1\"")),
        ("newer/main.wat", "(module (import \"world\" \"summon_dragon\" (func)))"),
        ("moon/plugin.toml", &manifest("moon", "")),
        ("moon/main.wat", "(module (import \"moon\" \"rise\" (func)))"),
        ("wolf.lua", "function howl() end"),
    ]);
    let engine = Engine::builder().function("world.spawn", || ()).contract("world", "1.4.2").build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    let helps: Vec<_> = mods.refused.iter().map(|refused| (refused.name.as_str(), refused.error.help())).collect();
    let expected = [
        ("forgot", "Add to plugin.toml under [requires]: world = \"^1.4\""),
        ("moon", "This game offers no contract `moon`."),
        (
            "newer",
            "The contract world 1.4.2 of this game has no such function; see what it offers, or update the game.",
        ),
        ("typo", "Did you mean `world.spawn`?"),
    ];
    assert_eq!(helps, expected);
    assert!(mods.refused.iter().all(|refused| refused.error.code() == Code::ScriptMissingImport));
    let export = engine.call::<_, ()>(&mut (), "wolf", "howll", ()).unwrap_err();
    assert_eq!((export.code(), export.help()), (Code::ScriptMissingExport, "Did you mean `howl`?"));
    let plugin = engine.call::<_, ()>(&mut (), "wlof", "howl", ()).unwrap_err();
    assert!(plugin.is_gone() && plugin.message().ends_with("did you mean `wolf`?"), "{plugin}");
}
