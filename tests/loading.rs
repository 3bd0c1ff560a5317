//! Loading from folders: precedence, steps, lockfiles and profiles, progress, several threads, what failing undoes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use modhost::{
    Code, Engine, GroupBy, GroupLimits, Loading, Mods, Policy, Stage, State,
    resolve::{Lockfile, ModSet, Mode, Profile},
};
use support::folder;
use tempfile::TempDir;

/// Words about a plugin, and what its main chunk does.
type Row<'a> = (&'a str, &'a str);

/// Plugins of one folder, each `id version needs` (`wolf 1.0.0 forest=^1,moon`; a needed plugin without `=` in any version, one with `~`
/// before it without order, one with `?` optional) and what its main chunk does.
fn plugins(rows: &[Row<'_>]) -> TempDir {
    let mut files = Vec::new();
    for (number, (words, source)) in rows.iter().enumerate() {
        let mut words = words.split(' ');
        let (id, version) = (words.next().unwrap(), words.next().unwrap_or("1.0.0"));
        let needs: String = words
            .next()
            .into_iter()
            .flat_map(|needs| needs.split(','))
            .map(|need| {
                let (id, range) = need.split_once('=').unwrap_or((need, "*"));
                let (plain, rest) = match id.chars().next() {
                    Some('~') => (&id[1..], ", order = false"),
                    Some('?') => (&id[1..], ", optional = true"),
                    _ => (id, ""),
                };
                format!("{plain} = {{ version = \"{range}\"{rest} }}\n")
            })
            .collect();
        let manifest = format!(
            "[plugin]\nid = \"{id}\"\nversion = \"{version}\"\n[requires]\ngame = \"*\"\n[dependencies]\n{needs}"
        );
        files.push((format!("{number:04}/plugin.toml"), manifest));
        files.push((format!("{number:04}/main.lua"), (*source).to_owned()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    folder(&files)
}

/// Time enough for it on a busy machine.
fn policy(mode: Mode) -> Policy {
    let mut policy = Policy::mods();
    policy.untrusted.limits.deadline = Duration::from_secs(3600);
    policy.resolve.mode = mode;
    policy
}

/// An engine to which plugins report: `game.note`.
fn engine(policy: Policy) -> (Engine, Arc<Mutex<Vec<String>>>) {
    let notes: Arc<Mutex<Vec<String>>> = Arc::default();
    let own = notes.clone();
    let engine = Engine::builder()
        .policy(policy)
        .function("game.note", move |text: String| own.lock().unwrap().push(text))
        .build()
        .unwrap();
    (engine, notes)
}

/// What became of it: what was loaded, in order, then `-id code` for what was refused, `<id` for what was shadowed, `/id` for what is
/// switched off.
fn told(mods: &Mods) -> String {
    let loaded = mods.loaded.iter().map(|one| format!("{} {}", one.name, one.version));
    let refused = mods.refused.iter().map(|out| {
        let sake = if out.sake.is_empty() { String::new() } else { format!(" for {}", out.sake.join("+")) };
        format!("-{} {}{sake}", out.name, out.error.code())
    });
    let shadowed = mods.shadowed.iter().map(|one| format!("<{} {}", one.name, one.version));
    let disabled = mods.disabled.iter().map(|id| format!("/{id}"));
    loaded.chain(refused).chain(shadowed).chain(disabled).collect::<Vec<_>>().join(", ")
}

/// Loads `folders` by one thread and by four, as `how` says; both must come out as `expected`.
#[track_caller]
fn check_with(
    policy: &Policy,
    folders: &[&[Row<'_>]],
    how: impl Fn(Loading<'static>) -> Loading<'static>,
    expected: &str,
) {
    let areas: Vec<TempDir> = folders.iter().map(|rows| plugins(rows)).collect();
    for threads in [1, 4] {
        let (engine, _) = engine(policy.clone());
        let loading = areas.iter().fold(engine.loading(), |loading, area| loading.dir(area.path()));
        let mods = how(loading.threads(threads)).load();
        let found = mods.as_ref().map_or_else(|error| error.code().to_string(), told);
        assert_eq!(found, expected, "{threads} threads");
        // What is in the engine is what is told, and in that order.
        let listed: Vec<_> = engine.plugins().into_iter().map(|plugin| (plugin.plugin, plugin.state)).collect();
        let loaded = mods.map_or(Vec::new(), |mods| mods.loaded);
        assert_eq!(listed, loaded.iter().map(|one| (one.plugin, State::Loaded)).collect::<Vec<_>>());
    }
}

#[track_caller]
fn check(folders: &[&[Row<'_>]], expected: &str) {
    check_with(&policy(Mode::BestEffort), folders, |loading| loading, expected);
}

#[test]
fn folders_are_resolved_together_and_the_first_has_precedence() {
    // The better version is taken wherever it lies.
    check(&[&[("wolf 1.0.0", "")], &[("wolf 2.0.0", "")]], "wolf 2.0.0");
    check(&[&[("wolf 2.0.0", "")], &[("wolf 1.0.0", "")]], "wolf 2.0.0");
    check(&[&[("wolf 2.0.0", ""), ("moon 1.0.0 wolf=^1", "")], &[("wolf 1.0.0", "")]], "wolf 1.0.0, moon 1.0.0");
    // The same version: the first folder's, which is not broken by the other.
    check(&[&[("wolf", "")], &[("wolf", "error('the other')"), ("moon", "")]], "moon 1.0.0, wolf 1.0.0, <wolf 1.0.0");
    check(
        &[&[("wolf", "error('the first')")], &[("wolf", ""), ("moon", "")]],
        "moon 1.0.0, -wolf script.raised, <wolf 1.0.0",
    );
    check(
        &[&[("wolf", "")], &[("wolf", "")], &[("wolf", ""), ("wolf 1.1.0", "")]],
        "wolf 1.1.0, <wolf 1.0.0, <wolf 1.0.0",
    );
    check(&[&[("wolf 1.0.0+a", "")], &[("wolf 1.0.0+b", "")]], "wolf 1.0.0+a, <wolf 1.0.0+b");
    // Within one folder nobody comes first.
    check(&[&[("wolf", ""), ("wolf", "")], &[("wolf", "")]], "wolf 1.0.0, -wolf package.duplicate, <wolf 1.0.0");
    // One of several may be empty.
    check(&[&[], &[("wolf", "")], &[]], "wolf 1.0.0");
    check(&[&[], &[]], "package.not-a-plugin");
    check(&[], "io.not-found");
}

#[test]
fn the_table_says_what_became_of_each() {
    let (first, second) = (plugins(&[("wolf", ""), ("old 1.0.0 gone", "")]), plugins(&[("wolf", ""), ("moon", "")]));
    let (engine, _) = engine(policy(Mode::BestEffort));
    let packages = modhost::package::discover(second.path(), &Default::default()).unwrap();
    let mut profile =
        Profile::of(&engine.resolver(&packages.into_iter().map(Result::unwrap).collect::<Vec<_>>()).plan());
    profile.set_enabled("moon", false);
    let mods = engine.loading().dir(first.path()).dir(second.path()).load().unwrap();
    let text = mods.to_string();
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{text}"));
    assert!(line("wolf").contains("unsigned -> sandbox"), "{text}");
    assert!(line("refused").contains("old 1.0.0  resolve.missing: plugin.toml:7"), "{text}");
    let shadowed = line("shadowed");
    assert!(shadowed.contains(&*second.path().join("0000").to_string_lossy()), "{text}");
    assert!(shadowed.contains(&*first.path().join("0000").to_string_lossy()), "{text}");
    assert_eq!(mods.plan.left_out("old").unwrap().message, "needs gone, and it is not there");
    let mods = self::engine(policy(Mode::BestEffort)).0.loading().dir(second.path()).profile(&profile).load().unwrap();
    assert!(mods.to_string().ends_with("\ndisabled moon"), "{mods}");
}

/// A step that is left out does not compile; here is that each does what it says and no more.
#[test]
fn steps_can_be_taken_one_by_one() {
    let area = plugins(&[
        ("wolf 1.0.0 forest", "game.note('wolf')"),
        ("forest", "game.note('forest')"),
        ("lost 1.0.0 gone", ""),
    ]);
    let (engine, notes) = engine(policy(Mode::BestEffort));
    let discovered = engine.loading().dir(area.path()).discover().unwrap();
    assert_eq!(
        discovered.packages().map(|package| package.id().as_str()).collect::<Vec<_>>(),
        ["forest", "lost", "wolf"]
    );
    assert!(discovered.refused().is_empty() && discovered.shadowed().is_empty());
    let resolved = discovered.resolve().unwrap();
    assert!(resolved.plan().to_string().starts_with("forest 1.0.0\nwolf 1.0.0\nleft out: lost 1.0.0"));
    assert_eq!(resolved.refused().len(), 1);
    assert!(engine.plugins().is_empty() && notes.lock().unwrap().is_empty());
    let mods = resolved.load();
    assert_eq!(*notes.lock().unwrap(), ["forest", "wolf"]);
    assert_eq!(told(&mods), "forest 1.0.0, wolf 1.0.0, -lost resolve.missing");
    engine.enable(&mut (), &mods).unwrap();
    assert!(engine.plugins().iter().all(|plugin| plugin.state == State::Active));
}

/// A lockfile of what lies in a folder.
fn lock(area: &Path) -> Lockfile {
    let (engine, _) = engine(policy(Mode::BestEffort));
    let packages: Vec<_> =
        modhost::package::discover(area, &Default::default()).unwrap().into_iter().map(Result::unwrap).collect();
    Lockfile::of(&engine.resolver(&packages).plan())
}

#[test]
fn a_lockfile_is_preferred_or_held_to() {
    const OLD: Row<'_> = ("wolf 1.0.0", "");
    const MOON: Row<'_> = ("moon 1.0.0 wolf", "");
    let kept = lock(plugins(&[OLD, MOON]).path());
    let cases: [(&[Row<'_>], &str, &str); 5] = [
        (&[OLD, MOON], "wolf 1.0.0, moon 1.0.0", "wolf 1.0.0, moon 1.0.0"),
        (&[OLD, MOON, ("wolf 2.0.0", "")], "wolf 1.0.0, moon 1.0.0", "wolf 1.0.0, moon 1.0.0"),
        (&[MOON, ("wolf 2.0.0", "")], "wolf 2.0.0, moon 1.0.0", "resolve.locked"),
        (&[OLD, ("moon 1.0.0 wolf", "x = 1")], "wolf 1.0.0, moon 1.0.0", "resolve.locked"),
        (&[OLD, MOON, ("zoo", "")], "wolf 1.0.0, moon 1.0.0, zoo 1.0.0", "resolve.locked"),
    ];
    for (rows, preferred, held) in cases {
        let policy = policy(Mode::BestEffort);
        check_with(&policy, &[rows], |loading| loading.prefer(kept.clone()), preferred);
        check_with(&policy, &[rows], |loading| loading.hold_to(kept.clone()), held);
    }
    // In which it differs is asked of it.
    let area = plugins(&[MOON, ("wolf 2.0.0", "")]);
    let mods = engine(policy(Mode::BestEffort)).0.loading().dir(area.path()).prefer(kept.clone()).load().unwrap();
    assert_eq!(kept.drift(&mods.plan)[0].to_string(), "the lockfile holds wolf 1.0.0, and 2.0.0 is taken");
}

#[test]
fn a_profile_restricts_what_is_loaded() {
    let area = plugins(&[("wolf", ""), ("moon 1.0.0 wolf", ""), ("rain", "")]);
    let text = ModSet::new("home", {
        let (engine, _) = engine(policy(Mode::BestEffort));
        let packages: Vec<_> = modhost::package::discover(area.path(), &Default::default())
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        Profile::of(&engine.resolver(&packages).plan())
    })
    .unwrap()
    .to_string();
    let set: ModSet = text.parse().unwrap();
    let all: &[Row<'_>] = &[("wolf", ""), ("moon 1.0.0 wolf", ""), ("rain", ""), ("wolf 1.1.0", ""), ("zoo", "")];
    let cases: [(&[Row<'_>], &[&str], &str, &str); 5] = [
        (all, &[], "wolf 1.0.0, moon 1.0.0, rain 1.0.0", "wolf 1.0.0, moon 1.0.0, rain 1.0.0"),
        (all, &["rain"], "wolf 1.0.0, moon 1.0.0, /rain", "wolf 1.0.0, moon 1.0.0, /rain"),
        (
            all,
            &["wolf"],
            "rain 1.0.0, -moon resolve.missing for wolf, /wolf",
            "-moon resolve.missing for wolf, -rain resolve.missing for moon, /wolf",
        ),
        (
            &[("wolf", "x = 1"), ("moon 1.0.0 wolf", ""), ("rain", "")],
            &[],
            "rain 1.0.0, -moon resolve.missing, -wolf resolve.locked",
            "-moon resolve.missing, -rain resolve.missing for moon, -wolf resolve.locked",
        ),
        (
            &[("rain", "")],
            &["moon"],
            "rain 1.0.0, -wolf resolve.locked, /moon",
            "-rain resolve.locked for wolf, -wolf resolve.locked, /moon",
        ),
    ];
    for (rows, off, best_effort, whole) in cases {
        let mut profile = set.active().clone();
        off.iter().for_each(|id| assert!(profile.set_enabled(id, false)));
        check_with(&policy(Mode::BestEffort), &[rows], |loading| loading.profile(&profile), best_effort);
        check_with(&policy(Mode::AllOrNothing), &[rows], |loading| loading.profile(&profile), whole);
    }
}

#[test]
fn progress_is_told_of_every_stage_in_order() {
    let area =
        plugins(&[("c 1.0.0 b", ""), ("b 1.0.0 a", ""), ("a", ""), ("lost 1.0.0 gone", ""), ("bad", "error('no')")]);
    std::fs::write(area.path().join("readme.txt"), "").unwrap();
    for threads in [1, 4] {
        let mut steps: BTreeMap<&str, Vec<(String, usize, usize)>> = BTreeMap::new();
        let mut stages: Vec<Stage> = Vec::new();
        let mods =
            engine(policy(Mode::BestEffort)).0.loading().dir(area.path()).threads(threads).progress(|progress| {
                if stages.last() != Some(&progress.stage) {
                    stages.push(progress.stage);
                }
                let stage =
                    ["open", "vet", "resolve", "load"].into_iter().find(|name| *name == progress.stage.to_string());
                steps.entry(stage.unwrap()).or_default().push((
                    progress.plugin.to_owned(),
                    progress.done,
                    progress.total,
                ));
            });
        assert_eq!(told(&mods.load().unwrap()), "a 1.0.0, b 1.0.0, c 1.0.0, -bad script.raised, -lost resolve.missing");
        assert_eq!(stages, [Stage::Open, Stage::Vet, Stage::Resolve, Stage::Load]);
        for (stage, names) in [
            ("open", vec!["0000", "0001", "0002", "0003", "0004", "readme.txt"]),
            ("vet", vec!["a", "b", "bad", "c", "lost"]),
            ("resolve", vec![""]),
            ("load", vec!["a", "b", "bad", "c"]),
        ] {
            let (total, mut told) = (names.len(), steps.remove(stage).unwrap());
            assert_eq!(told.remove(0), (String::new(), 0, total), "{stage}");
            assert!(told.iter().enumerate().all(|(at, step)| (step.1, step.2) == (at + 1, total)), "{stage} {told:?}");
            if stage == "load" {
                let place = |name: &str| told.iter().position(|step| step.0 == name);
                assert!(place("a") < place("b") && place("b") < place("c"), "{told:?}");
                told.sort();
            }
            assert_eq!(told.iter().map(|step| step.0.as_str()).collect::<Vec<_>>(), names);
        }
    }
}

#[test]
fn what_fails_takes_along_what_needs_it_or_everything() {
    const MIDDLE: &[Row<'_>] =
        &[("a", ""), ("b 1.0.0 a", "error('no')"), ("c 1.0.0 b", ""), ("d 1.0.0 a,?b", ""), ("e", "")];
    let best = policy(Mode::BestEffort);
    let whole = policy(Mode::AllOrNothing);
    let as_it_is = |loading| loading;
    check_with(&best, &[MIDDLE], as_it_is, "a 1.0.0, d 1.0.0, e 1.0.0, -b script.raised, -c resolve.missing for b");
    check_with(
        &whole,
        &[MIDDLE],
        as_it_is,
        "-a script.raised for b, -b script.raised, -c script.raised for b, -d script.raised for b, -e script.raised for b",
    );
    // The first in the order is the one that is told, whoever is faster.
    let slow = "for i = 1, 100000 do end error('slow')";
    check_with(
        &whole,
        &[&[("a", slow), ("b", "local x = nil + 1"), ("c", "error('fast')")]],
        as_it_is,
        "-a script.raised, -b script.raised for a, -c script.raised for a",
    );
    // One that was needed without order fails after the one that needs it was loaded.
    let late: &[Row<'_>] = &[("a 1.0.0 ~z", ""), ("b 1.0.0 a", ""), ("c", ""), ("z", "error('no')")];
    check_with(
        &best,
        &[late],
        as_it_is,
        "c 1.0.0, -a resolve.missing for z, -b resolve.missing for a, -z script.raised",
    );
    check_with(&best, &[&[("a 1.0.0 ~z", ""), ("z 1.0.0 ~a", "")]], as_it_is, "a 1.0.0, z 1.0.0");
    // One that cannot be read counts, too.
    let area = plugins(&[("a", "")]);
    std::fs::write(area.path().join("bad.rhai"), [0xff]).unwrap();
    std::fs::create_dir(area.path().join("worse")).unwrap();
    std::fs::write(area.path().join("worse/plugin.toml"), "what = 1").unwrap();
    let mods = engine(whole).0.load_dir(area.path()).unwrap();
    assert!(mods.loaded.is_empty() && mods.refused.len() == 3, "{mods}");
}

/// What is loaded and taken back had its `on_load`, and has its `on_unload`.
#[test]
fn what_is_taken_back_is_unloaded_in_reverse() {
    let speak = "function on_load(info) game.note('+' .. info.id) end function on_unload() game.note('-' .. id) end";
    let source = |id: &str| format!("id = '{id}' {speak}");
    let (a, b) = (source("a"), source("b"));
    let area = plugins(&[("a", &a), ("b 1.0.0 a", &b), ("c 1.0.0 b", "error('no')")]);
    let (engine, notes) = engine(policy(Mode::AllOrNothing));
    let mods = engine.load_dir(area.path()).unwrap();
    assert_eq!(mods.loaded.len(), 0);
    assert_eq!(*notes.lock().unwrap(), ["+a", "+b", "-b", "-a"]);
    let totals = engine.totals();
    assert_eq!((totals.plugins, totals.memory, totals.loads), (0, 0, 2));
    assert!(mods.refused[0].error.message().starts_with("it is all or nothing, and c cannot be loaded: "), "{mods}");
    let last = engine.history("a").pop().unwrap();
    assert_eq!((last.from, last.to), (State::Unloading, State::Unloaded));
}

#[test]
fn a_plugin_takes_what_it_needs_along() {
    let (first, second) = (
        plugins(&[("wolf 1.0.0 forest", ""), ("bad 1.0.0 rain", "error('no')"), ("worse 1.0.0 bad", "")]),
        plugins(&[("forest 1.0.0 soil", ""), ("soil", ""), ("moon", ""), ("rain", ""), ("orphan 1.0.0 gone", "")]),
    );
    std::fs::create_dir(first.path().join("unread")).unwrap();
    std::fs::write(first.path().join("unread/plugin.toml"), "what = 1").unwrap();
    for mode in [Mode::BestEffort, Mode::AllOrNothing] {
        let engine = Engine::builder()
            .policy(policy(mode))
            .contract("game", "1.0.0")
            .mods_dir(first.path())
            .mods_dir(second.path())
            .build()
            .unwrap();
        let load = |id: &str| {
            let mods = engine.load(id);
            let found = mods.map_or_else(
                |error| error.code().to_string(),
                |mods| mods.loaded.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" "),
            );
            let names: Vec<String> = engine.plugins().into_iter().map(|plugin| plugin.name).collect();
            format!("{found} | {}", names.join(" "))
        };
        let error = engine.load("wulf").unwrap_err();
        let message = "there is no plugin `wulf`; did you mean `wolf`?";
        assert_eq!((error.code(), error.message()), (Code::PluginNotFound, message));
        for (id, expected) in [
            ("nobody", "plugin.not-found | "),
            ("unread", "manifest.unknown-key | "),
            ("orphan", "resolve.missing | "),
            // What it needs was loaded, and does not stay.
            ("bad", "script.raised | "),
            ("worse", "script.raised | "),
            ("soil", "soil | soil"),
            // What is there already is not touched.
            ("wolf", "forest wolf | soil forest wolf"),
            ("wolf", "package.duplicate | soil forest wolf"),
            ("bad", "script.raised | soil forest wolf"),
            ("moon", "moon | soil forest wolf moon"),
        ] {
            assert_eq!(load(id), expected, "{id}");
        }
        engine.unload("wolf").unwrap();
        assert_eq!(load("wolf"), "wolf | soil forest moon wolf");
        // Without a folder of its own a loading takes the engine's.
        let rest = engine.loading().only(["rain"]).load().unwrap();
        assert_eq!(rest.loaded.len(), 1, "{rest}");
    }
    assert_eq!(Engine::builder().build().unwrap().load("wolf").unwrap_err().code(), Code::IoNotFound);
}

#[test]
fn loading_can_be_stopped_between_plugins() {
    let area = plugins(&[("a", ""), ("b", ""), ("c 1.0.0 a", ""), ("d", "")]);
    for (mode, expected) in [
        (Mode::BestEffort, "a 1.0.0, b 1.0.0, -c call.interrupted, -d call.interrupted"),
        (
            Mode::AllOrNothing,
            "-a call.interrupted for c, -b call.interrupted for c, -c call.interrupted, -d call.interrupted for c",
        ),
    ] {
        let (engine, _) = engine(policy(mode));
        let asked = Cell::new(0);
        let stop = || asked.replace(asked.get() + 1) >= 2;
        let plan = engine.loading().dir(area.path()).threads(1).load().unwrap().plan;
        assert_eq!(plan.order.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        engine.unload_all(&mut ());
        let mods = engine.loading().dir(area.path()).threads(1).stop_when(stop).load().unwrap();
        assert_eq!(told(&mods), expected);
    }
    // A shutdown in the middle: what is loaded by then is unloaded, and nothing more is loaded.
    for threads in [1, 4] {
        let (engine, _) = engine(policy(Mode::BestEffort));
        let own = engine.clone();
        let loading = engine.loading().dir(area.path()).threads(threads).progress(|progress| {
            if progress.stage == Stage::Load && progress.done == 1 {
                own.shutdown(&mut (), Duration::from_secs(3600));
            }
        });
        let mods = loading.load().unwrap();
        assert!(engine.plugins().is_empty(), "{mods}");
        let codes: Vec<Code> = mods.refused.iter().map(|refused| refused.error.code()).collect();
        assert!(codes.iter().all(|code| [Code::LifecycleShutdown, Code::ResolveMissing].contains(code)), "{mods}");
    }
}

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
    let done = std::sync::atomic::AtomicBool::new(false);
    let mods = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                assert_eq!(engine.call::<_, i64>(&mut (), wolf, "one", ()).unwrap(), 1);
                let other = engine.load_source("moon.lua", "").unwrap();
                engine.unload(other).unwrap();
            }
        });
        let mods = engine.loading().dir(area.path()).threads(4).load();
        done.store(true, std::sync::atomic::Ordering::SeqCst);
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
    let seen: Arc<Mutex<Vec<std::thread::ThreadId>>> = Arc::default();
    let own = seen.clone();
    let engine = Engine::builder()
        .policy(policy(Mode::BestEffort))
        .function("game.here", move || own.lock().unwrap().push(std::thread::current().id()))
        .function("game.more", move || {
            let engine = modhost::caller().unwrap().engine;
            engine.loading().dir(&path).threads(8).load().map(|mods| mods.loaded.len() as i64).unwrap_or(-1)
        })
        .build()
        .unwrap();
    let wolf = engine.load_source("wolf.lua", "function grow() return game.more() end").unwrap();
    assert_eq!(engine.call::<_, i64>(&mut (), wolf, "grow", ()).unwrap(), 3);
    assert!(seen.lock().unwrap().iter().all(|id| *id == std::thread::current().id()));
    assert_eq!(seen.lock().unwrap().len(), 3);
}
