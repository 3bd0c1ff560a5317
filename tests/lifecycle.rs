//! A plugin's life: what runs at each step, what failing undoes, what depends on what, and that nothing is left at the end.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{
    sync::{Arc, Barrier, Mutex},
    thread,
    time::Duration,
};

use modhost::{
    Code, Dependents, Engine, GroupLimits, Handle, Handles, HostError, HostFunction, ManualClock, Mods, Moment, Policy,
    State, Stopped, Ticket, Transition, Value,
};
use support::{folder, manifest};
use tempfile::TempDir;

/// What plugins did, in order.
type Trace = Vec<String>;

/// Plugins that say what is done to them, by id and what they need: `b` needs `a`, written "b:a".
fn speakers(plugins: &[&str]) -> TempDir {
    let mut files = Vec::new();
    for plugin in plugins {
        let (id, needs) = plugin.split_once(':').unwrap_or((plugin, ""));
        let needs: String =
            needs.split(',').filter(|need| !need.is_empty()).map(|n| format!("{n} = \"*\"\n")).collect();
        let rest = format!("[requires]\ntrace = \"1\"\n[dependencies]\n{needs}[events]\nlisten = [\"dusk\"]");
        let hooks = ["on_enable", "on_disable", "on_dusk"];
        let hooks: String =
            hooks.iter().map(|hook| format!("function {hook}() trace.add('{id} {hook}') end\n")).collect();
        let source = format!(
            "{hooks}function on_load() trace.note('{id} on_load') end function on_unload() trace.note('{id} on_unload') end function run() return 1 end"
        );
        files.push((format!("{id}/plugin.toml"), manifest(id, &rest)));
        files.push((format!("{id}/main.lua"), source));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    folder(&files)
}

/// Little fuel, and time enough for it on a busy machine.
fn policy() -> Policy {
    let mut policy = Policy::mods();
    (policy.untrusted.limits.fuel, policy.untrusted.limits.deadline) = (200_000, Duration::from_secs(3600));
    policy
}

/// An engine that traces: `trace.add` needs the host's state, `trace.note` none.
fn engine(notes: &Arc<Mutex<Trace>>) -> Engine {
    let notes = notes.clone();
    Engine::builder()
        .policy(policy())
        .function("trace.add", |trace: &mut Trace, text: String| trace.push(text))
        .function("trace.note", move |text: String| notes.lock().unwrap().push(text))
        .build()
        .unwrap()
}

fn state(engine: &Engine, id: &str) -> Option<State> {
    engine.plugins().into_iter().find(|plugin| plugin.name == id).map(|plugin| plugin.state)
}

/// Does what `script` says to the plugins: words like `enable a`, `disable! a` for a cascade. Of each step either what ran with the
/// host's state, and after a bar without it, or the code.
#[track_caller]
fn check(plugins: &[&str], script: &[(&str, &str)]) {
    let notes = Arc::new(Mutex::new(Trace::new()));
    let engine = engine(&notes);
    let area = speakers(plugins);
    let mods: Mods = engine.load_dir(area.path()).unwrap();
    assert_eq!(mods.loaded.len(), plugins.len());
    notes.lock().unwrap().clear();
    for (step, expected) in script {
        let (verb, id) = step.split_once(' ').unwrap_or((step, ""));
        let dependents = if verb.ends_with('!') { Dependents::Cascade } else { Dependents::Refuse };
        let mut trace = Trace::new();
        let result = match verb.trim_end_matches('!') {
            "enable" if id.is_empty() => {
                engine.enable(&mut trace, &mods).map(|answers| answers.failed.into_iter().next())
            }
            "enable" => engine.enable_plugin(&mut trace, id).map(|()| None),
            "disable" => engine.disable(&mut trace, id, dependents).map(|mut stopped| stopped.failed.pop()),
            "unload" => engine.unload_with(&mut trace, id, dependents).map(|mut stopped| stopped.failed.pop()),
            "unload_all" => Ok(engine.unload_all(&mut trace).failed.pop()),
            "load" => engine.load_path(area.path().join(id)).map(|_| None),
            "emit" => engine.emit(&mut trace, "dusk", 1).map(|answers| answers.failed.into_iter().next()),
            "call" => engine.call::<_, i64>(&mut trace, id, "run", ()).map(|_| None),
            "quarantine" => engine.quarantine(id, "the test says so").map(|()| None),
            other => panic!("no verb {other}"),
        };
        let notes = std::mem::take(&mut *notes.lock().unwrap());
        let ran = format!("{} | {}", trace.join(", "), notes.join(", "));
        let found = match result {
            Ok(None) => ran.trim_matches([' ', '|']).to_owned(),
            Ok(Some(error)) => format!("{} {}", ran.trim_matches([' ', '|']), error.code()).trim().to_owned(),
            Err(error) => error.code().to_string(),
        };
        assert_eq!(found, *expected, "{step}");
    }
}

#[test]
fn each_step_runs_its_export_once_and_in_order() {
    check(
        &["a"],
        &[
            ("call a", ""),
            ("emit", ""),
            ("enable", "a on_enable"),
            ("enable", ""),
            ("enable a", "lifecycle.illegal"),
            ("emit", "a on_dusk"),
            ("disable a", "a on_disable"),
            ("emit", ""),
            ("call a", "plugin.disabled"),
            ("disable a", "lifecycle.illegal"),
            ("enable a", "a on_enable"),
            ("unload a", "a on_disable | a on_unload"),
            ("unload a", "plugin.not-found"),
            ("load a", "a on_load"),
            ("disable a", ""),
            ("unload a", "a on_unload"),
            ("load a", "a on_load"),
            ("quarantine a", ""),
            ("call a", "plugin.quarantined"),
            ("enable a", "plugin.quarantined"),
            ("disable a", "plugin.quarantined"),
            ("quarantine a", "plugin.quarantined"),
            ("unload a", ""),
            ("quarantine a", "plugin.not-found"),
        ],
    );
}

#[test]
fn what_is_needed_is_kept_or_takes_the_others_along() {
    check(
        &["a", "b:a", "c:b", "d"],
        &[
            ("enable b", "lifecycle.dependency"),
            ("enable", "a on_enable, b on_enable, c on_enable, d on_enable"),
            ("disable a", "lifecycle.dependents"),
            ("unload b", "lifecycle.dependents"),
            ("disable! b", "c on_disable, b on_disable"),
            // What is disabled does not keep another from being disabled, but from being unloaded.
            ("disable a", "a on_disable"),
            ("unload a", "lifecycle.dependents"),
            ("enable c", "lifecycle.dependency"),
            ("enable", "a on_enable, b on_enable, c on_enable"),
            ("unload! a", "c on_disable, b on_disable, a on_disable | c on_unload, b on_unload, a on_unload"),
            ("call d", ""),
            ("load b", "resolve.missing"),
            ("load a", "a on_load"),
            ("load b", "b on_load"),
            ("enable a", "a on_enable"),
            ("enable b", "b on_enable"),
            ("quarantine b", ""),
            // Nobody waits for what is out of service.
            ("unload a", "a on_disable | a on_unload"),
            ("unload_all", "d on_disable | d on_unload"),
        ],
    );
}

/// Any of several will do, and what is optional keeps nobody.
#[test]
fn one_of_several_is_enough() {
    let area = folder(&[
        ("a/plugin.toml", &manifest("a", "")),
        ("a/main.lua", ""),
        ("b/plugin.toml", &manifest("b", "")),
        ("b/main.lua", ""),
        ("c/plugin.toml", &manifest("c", "[any-of]\nvoice = [\"a\", \"b\"]")),
        ("c/main.lua", ""),
        ("d/plugin.toml", &manifest("d", "depends = [\"? c\"]")),
        ("d/main.lua", ""),
    ]);
    let engine = Engine::builder().build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    assert!(engine.enable(&mut (), &mods).unwrap().failed.is_empty());
    engine.unload("a").unwrap();
    assert_eq!(engine.unload("b").unwrap_err().code(), Code::LifecycleDependents);
    engine.unload("c").unwrap();
    engine.unload("b").unwrap();
    assert_eq!(state(&engine, "d"), Some(State::Active));
}

/// While `on_enable` of `wolf` runs, the host disables `id`: what came of enabling all, and where `wolf` stands then.
#[track_caller]
fn check_meanwhile(id: &'static str, expected: (Code, State)) {
    let area = folder(&[
        ("forest/plugin.toml", &manifest("forest", "")),
        ("forest/main.lua", ""),
        ("wolf/plugin.toml", &manifest("wolf", "[requires]\nhost = \"*\"\n[dependencies]\nforest = \"*\"")),
        ("wolf/main.lua", "function on_enable() host.disable() end"),
    ]);
    let own = Arc::new(std::sync::OnceLock::<Engine>::new());
    let host = own.clone();
    let disable = move || {
        let engine = host.get().unwrap();
        assert_eq!(engine.disable(&mut (), id, Dependents::Cascade).unwrap().plugins.len(), 1);
    };
    let engine = Engine::builder().function("host.disable", disable).build().unwrap();
    own.set(engine.clone()).unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    let failed = engine.enable(&mut (), &mods).unwrap().failed;
    assert_eq!((failed[0].code(), state(&engine, "wolf").unwrap()), expected);
    assert_eq!(state(&engine, id), Some(State::Disabled));
    engine.shutdown(&mut (), Duration::ZERO);
}

#[test]
fn who_is_disabled_while_it_is_enabled_stays_so() {
    check_meanwhile("wolf", (Code::LifecycleIllegal, State::Disabled));
    check_meanwhile("forest", (Code::LifecycleDependency, State::Loaded));
}

/// The clock stands still: who waits for itself would wait for ever.
#[test]
fn a_shutdown_does_not_wait_for_the_call_it_comes_from() {
    for hook in ["on_load", "on_enable"] {
        let area = folder(&[
            ("wolf/plugin.toml", &manifest("wolf", "[requires]\nhost = \"*\"")),
            ("wolf/main.lua", &format!("function {hook}() host.quit() end")),
        ]);
        let own = Arc::new(std::sync::OnceLock::<Engine>::new());
        let (host, found) = (own.clone(), Arc::new(Mutex::new(Vec::new())));
        let stopped = found.clone();
        let quit =
            move || *stopped.lock().unwrap() = host.get().unwrap().shutdown(&mut (), Duration::from_secs(1)).running;
        let clock = Arc::new(modhost::ManualClock::default());
        let engine = Engine::builder().clock(clock).function("host.quit", quit).build().unwrap();
        own.set(engine.clone()).unwrap();
        let mods = engine.load_dir(area.path()).unwrap();
        let failed = engine.enable(&mut (), &mods).unwrap().failed;
        let error = failed.first().or(mods.refused.first().map(|refused| &refused.error)).unwrap();
        assert_eq!((error.code(), engine.plugins().len()), (Code::CallInterrupted, 0), "{hook}");
        assert_eq!(*found.lock().unwrap(), ["wolf"], "{hook}");
    }
}

/// Plugins without a word of code: id, version and what their manifests say.
fn silent(plugins: &[(&str, &str, &str)]) -> TempDir {
    let files: Vec<(String, String)> = plugins
        .iter()
        .flat_map(|(id, version, rest)| {
            let manifest = format!("[plugin]\nid = '{id}'\nversion = '{version}'\n{rest}");
            [(format!("{id}/plugin.toml"), manifest), (format!("{id}/main.lua"), String::new())]
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    folder(&files)
}

/// All of these are enabled, and then `id` cannot be unloaded, or can.
#[track_caller]
fn check_kept(plugins: &[(&str, &str, &str)], id: &str, expected: Option<Code>) {
    let area = silent(plugins);
    let engine = Engine::builder().function("world.time", || 1).build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    assert_eq!(mods.loaded.len(), plugins.len(), "{mods}");
    let failed = engine.enable(&mut (), &mods).unwrap().failed;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(engine.unload(id).err().map(|error| error.code()), expected, "{plugins:?}");
}

#[test]
fn a_need_is_met_by_what_fits_it_and_by_nothing_else() {
    let kept = Some(Code::LifecycleDependents);
    let any_of = ("u", "1.0.0", "[any-of]\nmobs = ['redo ^2', 'simple']");
    // There in a version that was not asked for.
    check_kept(&[any_of, ("simple", "1.0.0", ""), ("redo", "1.0.0", "")], "simple", kept);
    check_kept(&[any_of, ("simple", "1.0.0", ""), ("redo", "2.0.0", "")], "simple", None);
    // A contract is needed like the plugin that provides it, if the host does not offer it.
    let (rain, user) =
        (("rain", "1.0.0", "[provides]\nweather = '1.2.0'"), ("u", "1.0.0", "[requires]\nweather = '^1'"));
    check_kept(&[rain, user], "rain", kept);
    check_kept(&[rain, user, ("snow", "1.0.0", "[provides]\nweather = '1.0.0'")], "rain", None);
    check_kept(&[rain, user, ("snow", "1.0.0", "[provides]\nweather = '2.0.0'")], "rain", kept);
    check_kept(&[("w", "1.0.0", "[provides]\nworld = '1.0.0'"), ("u", "1.0.0", "[requires]\nworld = '^1'")], "w", None);
    check_kept(&[("w", "1.0.0", "[provides]\nworld = '9.0.0'"), ("u", "1.0.0", "[requires]\nworld = '^9'")], "w", kept);
    // What a plugin is to itself waits for nothing.
    check_kept(&[("u", "1.0.0", "[any-of]\nx = ['u', 'gone']"), ("v", "1.0.0", "")], "u", None);
    check_kept(
        &[("u", "1.0.0", "[dependencies]\nu = { version = '*', order = false }"), ("v", "1.0.0", "")],
        "u",
        None,
    );
}

#[test]
fn who_requires_a_contract_is_enabled_after_who_provides_it() {
    let area =
        silent(&[("rain", "1.0.0", "[provides]\nweather = '1.2.0'"), ("u", "1.0.0", "[requires]\nweather = '^1'")]);
    let engine = Engine::builder().build().unwrap();
    assert_eq!(engine.load_dir(area.path()).unwrap().loaded.len(), 2);
    let error = engine.enable_plugin(&mut (), "u").unwrap_err();
    assert_eq!(error.message(), "needs a plugin that provides weather ^1, and none is active");
    engine.enable_plugin(&mut (), "rain").unwrap();
    engine.enable_plugin(&mut (), "u").unwrap();
}

#[test]
fn an_on_enable_that_fails_is_undone_and_keeps_back_those_that_need_it() {
    let spins = "while true do end";
    for (source, code, stands) in
        [("error('no')", Code::ScriptRaised, State::Loaded), (spins, Code::LimitFuel, State::Failed)]
    {
        let notes = Arc::new(Mutex::new(Trace::new()));
        let engine = engine(&notes);
        let area = speakers(&["a", "b:a", "c:b", "d"]);
        let text = format!("function on_enable() {source} end function on_disable() trace.note('never') end");
        std::fs::write(area.path().join("b/main.lua"), text).unwrap();
        let mods = engine.load_dir(area.path()).unwrap();
        notes.lock().unwrap().clear();
        let mut trace = Trace::new();
        let failed = engine.enable(&mut trace, &mods).unwrap().failed;
        let failed: Vec<_> = failed.iter().map(|error| (error.plugin().unwrap(), error.code())).collect();
        assert_eq!(failed, [("b", code), ("c", Code::LifecycleDependency)]);
        assert_eq!(trace, ["a on_enable", "d on_enable"]);
        assert_eq!(
            [state(&engine, "b"), state(&engine, "c"), state(&engine, "d")],
            [Some(stands), Some(State::Loaded), Some(State::Active)]
        );
        engine.unload_all(&mut trace);
        assert!(!notes.lock().unwrap().contains(&"never".to_owned()));
    }
}

/// Whatever its last exports do, the plugin is gone, and they are metered as any call.
#[test]
fn nothing_keeps_a_plugin_from_being_unloaded() {
    let lua = |body: &str| format!("function on_disable() {body} end function on_unload() {body} end");
    let rhai = |body: &str| format!("fn on_disable() {{ {body} }} fn on_unload() {{ {body} }}");
    let wat = |body: &str| {
        format!(
            r#"(module (func (export "on_disable") {body}) (func (export "on_unload") {body}) (memory (export "memory") 1))"#
        )
    };
    let rows = [
        ("p.lua", lua("while true do pcall(function() while true do end end) end"), Code::LimitFuel, 1),
        ("p.lua", lua("error('never')"), Code::ScriptRaised, 2),
        ("p.lua", lua("local s = 'x' while true do s = s .. s end"), Code::LimitMemory, 1),
        ("p.lua", lua("game.keep()"), Code::HostFailed, 1),
        ("p.lua", lua("game.mine()"), Code::HostNoState, 2),
        ("p.rhai", rhai("loop { }"), Code::LimitFuel, 1),
        ("p.rhai", rhai("throw \"never\""), Code::ScriptRaised, 2),
        ("p.wat", wat("(loop (br 0))"), Code::LimitFuel, 1),
        ("p.wat", wat("unreachable"), Code::WasmTrap, 1),
    ];
    for (file, source, code, failures) in rows {
        let engine = Engine::builder()
            .policy(policy())
            .host(HostFunction::new("game.mine", |_: &mut Trace| ()))
            .function("game.keep", || {
                let engine = modhost::caller().unwrap().engine;
                // In `on_disable` this is good until the plugin is unloaded the next moment; in `on_unload` nothing is.
                let kept = engine.enable_plugin(&mut (), "p").err().map(|error| error.code());
                let Some(code) = kept else { return Ok(()) };
                assert_eq!(
                    (code, engine.unload("p").unwrap_err().code()),
                    (Code::PluginNotFound, Code::PluginNotFound)
                );
                Err(HostError::new("no"))
            })
            .build()
            .unwrap();
        let plugin = engine.load_source(file, &source).unwrap();
        engine.enable_plugin(&mut (), plugin).unwrap();
        let fuel = engine.totals().fuel;
        // Lent is a state of another type, so that `game.mine` never has its own.
        let stopped: Stopped = engine.unload_with(&mut (), plugin, Dependents::Refuse).unwrap();
        let codes: Vec<Code> = stopped.failed.iter().map(modhost::Error::code).collect();
        assert_eq!(stopped.plugins, [(plugin, "p".to_owned())]);
        assert_eq!(codes.len(), failures, "{source}: {codes:?}");
        let expected = match code {
            Code::HostNoState => Code::HostStateMismatch,
            code => code,
        };
        assert_eq!(codes[0], expected, "{source}");
        if code == Code::HostNoState {
            assert_eq!(codes[1], Code::HostNoState, "on_unload is lent nothing");
        }
        assert!(engine.totals().fuel > fuel, "{source}: it is metered");
        let totals = engine.totals();
        assert_eq!((totals.plugins, totals.memory, totals.queued), (0, 0, 0), "{source}");
        engine.load_source(file, "").ok();
    }
}

#[test]
fn whoever_observes_is_told_before_and_after_each_step_and_of_failures() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let engine = Engine::builder()
        .policy(policy())
        .on_event(|event| assert!(event.moment != Moment::Before, "an observer that panics is no harm"))
        .on_event(move |event| {
            let code = event.error.map(|error| format!(" {}", error.code())).unwrap_or_default();
            log.lock().unwrap().push(format!("{} {}{code}", event.name(), event.state));
        })
        .build()
        .unwrap();
    let told = || std::mem::take(&mut *seen.lock().unwrap());
    let source = "function on_enable() if tries == nil then tries = 1 error('no') end end function on_disable() error('no') end function run() while true do end end";
    let plugin = engine.load_source("p.lua", source).unwrap();
    assert_eq!(
        told(),
        [
            "vet.before discovered",
            "vet.after vetted",
            "resolve.after resolved",
            "load.before resolved",
            "load.after loaded"
        ]
    );
    engine.enable_plugin(&mut (), plugin).unwrap_err();
    assert_eq!(told(), ["enable.before loaded", "enable.failed loaded script.raised"]);
    engine.enable_plugin(&mut (), plugin).unwrap();
    assert_eq!(told(), ["enable.before loaded", "enable.after active"]);
    engine.disable(&mut (), plugin, Dependents::Refuse).unwrap();
    assert_eq!(told(), ["disable.before active", "disable.after disabled", "disable.failed disabled script.raised"]);
    engine.set_enabled(plugin, true).unwrap();
    engine.call::<_, ()>(&mut (), plugin, "run", ()).unwrap_err();
    assert_eq!(told(), ["enable.before disabled", "enable.after active", "fail.after failed limit.fuel"]);
    engine.unload(plugin).unwrap();
    assert_eq!(told(), ["unload.before failed", "unload.after unloading", "finish.after unloaded"]);
    engine.load_source("p.lua", "function on_load() error('no') end").unwrap_err();
    assert_eq!(told()[3..], ["load.before resolved", "fail.after failed script.raised"]);
    engine.load_source("p.lua", "this is no Lua").unwrap_err();
    assert_eq!(told()[3..], ["load.before resolved", "fail.after failed script.compile"]);
}

#[test]
fn a_history_says_when_and_why_and_outlives_its_plugin() {
    let clock = Arc::new(ManualClock::default());
    let engine = Engine::builder().policy(policy()).clock(clock.clone()).build().unwrap();
    let first = engine
        .load_source(
            "p.lua",
            "function run() error('x\\27[31m' .. string.rep('y', 500)) end function spin() while true do end end",
        )
        .unwrap();
    clock.advance(Duration::from_secs(5));
    engine.call::<_, ()>(&mut (), first, "spin", ()).unwrap_err();
    engine.unload(first).unwrap();
    let second = engine.load_source("p.lua", "").unwrap();
    engine.quarantine(second, &format!("\u{1b}[31m{}", "no ".repeat(100))).unwrap();
    let to = |changes: Vec<modhost::Change>| changes.iter().map(|change| change.to).collect::<Vec<_>>();
    use State::{Failed, Loaded, Quarantined, Resolved, Unloaded, Unloading, Vetted};
    let life = [Vetted, Resolved, Loaded, Failed, Unloading, Unloaded];
    assert_eq!(to(engine.history("p")), [&life[..], &[Vetted, Resolved, Loaded, Quarantined]].concat());
    assert_eq!(to(engine.history(second)), [Vetted, Resolved, Vetted, Resolved, Loaded, Quarantined]);
    let all = engine.history("p");
    assert_eq!((all[3].at, all[3].from), (Duration::from_secs(5), Loaded));
    assert!(all[3].reason.contains("fuel"), "{}", all[3].reason);
    let last = all.last().unwrap();
    assert!(last.reason.starts_with("\\u{1b}") && last.reason.len() < 140, "{}", last.reason);
    assert!(engine.history("nobody").is_empty());
}

/// Everything that an engine can hold because of a plugin, held, and gone when it is.
#[test]
fn nothing_is_left_of_an_unloaded_plugin() {
    struct Game {
        wolves: Handles<String>,
    }
    let released = Arc::new(Mutex::new(Vec::new()));
    let gone = released.clone();
    let mut policy = Policy::mods();
    policy.deliveries = 0;
    let engine = Engine::builder()
        .policy(policy)
        .events()
        .log()
        .grant("events.emit")
        .group("team", GroupLimits::default())
        .pending("net.ask", |_: Ticket| ())
        .function("game.wolf", |game: &mut Game, name: String| -> Result<Handle, HostError> {
            game.wolves.mint(&modhost::caller().unwrap().plugin, name)
        })
        .on_event(move |event| {
            if (event.step, event.moment) == (Transition::Finish, Moment::After) {
                gone.lock().unwrap().push(event.plugin.to_owned());
            }
        })
        .build()
        .unwrap();
    let source = "local kept = {} function on_dusk() end function run() for i = 1, 50 do kept[i] = game.wolf('w' .. i) log.info('howl') events.emit('dusk', string.rep('x', 5000)) end net.ask() end";
    let rest = "[requires]\ngame = \"1\"\nevents = \"1\"\nlog = \"1\"\nnet = \"1\"\n[capabilities]\nrequired = [\"events.emit\"]\n[events]\nlisten = [\"dusk\"]";
    let area = folder(&[("p/plugin.toml", &manifest("p", rest)), ("p/main.lua", source)]);
    for round in 1..=3 {
        let mut game = Game { wolves: Handles::new(1) };
        let plugin = engine.load_path_in("team", area.path().join("p")).unwrap();
        engine.enable_plugin(&mut game, plugin).unwrap();
        let started = engine.start::<_, Value>(&mut game, plugin, "run", ()).unwrap();
        let group = |engine: &Engine| engine.groups().into_iter().find(|group| group.name == "team").unwrap();
        let (held, team) = (engine.totals(), group(&engine));
        assert!(started.ticket().is_some() && held.memory > 300_000, "{held:?}");
        assert_eq!((held.queued, team.queued, team.plugins, engine.suspended()), (50, 50, 1, 1));
        assert_eq!((game.wolves.len(), team.memory), (50, held.memory));
        let stopped = engine.unload_with(&mut game, plugin, Dependents::Refuse).unwrap();
        assert!(stopped.failed.is_empty() && stopped.running.is_empty(), "{stopped:?}");
        // What the host keeps for it, the host lets go when it hears of it.
        let names = std::mem::take(&mut *released.lock().unwrap());
        let handles: usize = names.iter().map(|name| game.wolves.release(name)).sum();
        let (left, team) = (engine.totals(), group(&engine));
        assert_eq!((left.plugins, left.memory, left.queued, engine.suspended()), (0, 0, 0, 0), "round {round}");
        assert_eq!((team.plugins, team.memory, team.queued, handles), (0, 0, 0, 50), "round {round}");
        assert_eq!(engine.emit(&mut game, "dusk", 1).unwrap().left, 0, "nobody hears");
        assert_eq!(left.loads, round);
    }
}

/// A call runs in another thread while the engine is shut down: one that the host lets return in time, one that runs until it is
/// ended, one that is stuck in the host.
#[test]
fn a_shutdown_waits_then_ends_what_runs_and_closes_the_engine() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Way {
        Returns,
        Runs,
        Stuck,
    }
    for way in [Way::Returns, Way::Runs, Way::Stuck] {
        let clock = Arc::new(ManualClock::default());
        let (inside, go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (entered, leave) = (inside.clone(), go.clone());
        let (time, notes) = (clock.clone(), Arc::new(Mutex::new(Trace::new())));
        let noted = notes.clone();
        let mut policy = policy();
        policy.untrusted.limits.fuel = 1 << 40;
        let engine = Engine::builder()
            .policy(policy)
            .clock(clock.clone())
            .host(HostFunction::new("game.enter", move || _ = entered.wait()))
            .host(HostFunction::new("game.leave", move || _ = leave.wait()))
            .function("game.tick", move || {
                time.advance(Duration::from_millis(1));
                thread::yield_now();
            })
            .function("game.note", move |text: String| noted.lock().unwrap().push(text))
            .build()
            .unwrap();
        let does = if way == Way::Runs { "while true do game.tick() end" } else { "game.leave()" };
        engine.load_source("q.lua", "function on_unload() game.note('q') end").unwrap();
        let source = format!("function run() game.enter() {does} return 1 end function on_unload() game.note('p') end");
        engine.load_source("p.lua", source).unwrap();
        let calling = engine.clone();
        let call = thread::spawn(move || calling.call::<_, i64>(&mut (), "p", "run", ()).map_err(|error| error.code()));
        inside.wait();
        let closing = engine.clone();
        let shutdown = thread::spawn(move || closing.shutdown(&mut (), Duration::from_secs(1)));
        if way == Way::Returns {
            while state(&engine, "p") != Some(State::Unloading) {
                thread::yield_now();
            }
            // Its turn has come: nothing else begins.
            assert_eq!(engine.call::<_, i64>(&mut (), "p", "run", ()).unwrap_err().code(), Code::PluginNotFound);
            go.wait();
        }
        while way == Way::Stuck && !engine.plugins().is_empty() {
            clock.advance(Duration::from_millis(1));
            thread::yield_now();
        }
        let stopped = shutdown.join().unwrap();
        if way == Way::Stuck {
            go.wait();
        }
        let expected = if way == Way::Returns { Ok(1) } else { Err(Code::CallInterrupted) };
        assert_eq!(call.join().unwrap(), expected, "{way:?}");
        let names: Vec<&str> = stopped.plugins.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["p", "q"], "those that were loaded last go first");
        assert_eq!(stopped.running.len(), usize::from(way == Way::Stuck), "{way:?}");
        let said: &[&str] = if way == Way::Returns { &["p", "q"] } else { &["q"] };
        assert_eq!(*notes.lock().unwrap(), said, "{way:?}: on_unload of whoever was at rest");
        assert_eq!((engine.totals().plugins, engine.totals().memory), (0, 0));
        let refused = [
            engine.load_source("r.lua", "").err(),
            engine.load_dir(folder(&[("a.lua", "")]).path()).unwrap().refused.pop().map(|refused| refused.error),
        ];
        assert_eq!(refused.map(|error| error.unwrap().code()), [Code::LifecycleShutdown; 2]);
        assert!(engine.shutdown(&mut (), Duration::ZERO).plugins.is_empty());
    }
}
