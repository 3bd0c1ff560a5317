//! Loading from folders: precedence, steps, lockfiles and profiles, progress, several threads, what failing undoes.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/mods.rs"]
mod mods;

use std::{cell::Cell, collections::BTreeMap, path::Path, time::Duration};

use modhost::{
    Code, Engine, Loading, Policy, Stage, State,
    resolve::{Lockfile, ModSet, Mode, Profile},
};
use mods::{Row, engine, plugins, policy, told};
use tempfile::TempDir;

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
    // It is nothing that could not be loaded.
    let two: [&[Row<'_>]; 2] = [&[("wolf", "")], &[("wolf", ""), ("moon", "")]];
    check_with(&policy(Mode::AllOrNothing), &two, |loading| loading, "moon 1.0.0, wolf 1.0.0, <wolf 1.0.0");
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

/// Loads the plugins `steps` one after the other by id, each `code: message` where it fails.
#[track_caller]
fn check_later(plugins: &[(&str, &str)], steps: &[&str], expected: &[&str]) {
    let area = TempDir::new().unwrap();
    for (id, rest) in plugins {
        let folder = area.path().join(id);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("plugin.toml"), format!("[plugin]\nid = '{id}'\nversion = '1.0.0'\n{rest}"))
            .unwrap();
        std::fs::write(folder.join("main.lua"), "function main() return world.time() end").unwrap();
    }
    let engine = Engine::builder().mods_dir(area.path()).function("world.time", || 7).build().unwrap();
    let load = |id: &&str| match engine.load(id) {
        Ok(mods) => mods.loaded.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" "),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    };
    assert_eq!(steps.iter().map(load).collect::<Vec<_>>(), expected, "{plugins:?}");
}

#[test]
fn what_is_loaded_provides_and_stands_against_as_it_said() {
    let rain = ("rain", "[provides]\nweather = '1.2.0'");
    check_later(&[rain, ("wolf", "[requires]\nweather = '^1'")], &["rain", "wolf"], &["rain", "wolf"]);
    check_later(&[rain, ("wolf", "[requires]\nweather = '^1'")], &["wolf"], &["rain wolf"]);
    check_later(
        &[rain, ("wolf", "[requires]\nweather = '^2'")],
        &["rain", "wolf"],
        &[
            "rain",
            "resolve.contract: needs weather ^2, this game offers no such contract, and rain 1.0.0 provides 1.2.0",
        ],
    );
    let (wolf, bear) = (("wolf", "[conflicts]\nbear = '*'"), ("bear", ""));
    let refused = "resolve.conflict: wolf 1.0.0 cannot be loaded together with bear";
    check_later(&[wolf, bear], &["wolf", "bear"], &["wolf", refused]);
    let refused = "resolve.conflict: cannot be loaded together with bear, and 1.0.0 is there";
    check_later(&[wolf, bear, ("moon", "")], &["bear", "wolf", "moon"], &["bear", refused, "moon"]);
}

#[test]
fn a_plugin_that_cannot_be_read_is_not_called_missing() {
    check_later(
        &[("bear", "engine = 'seven'"), ("wolf", "[dependencies]\nbear = '^1'")],
        &["wolf"],
        &["resolve.missing: needs bear ^1, which is left out itself because it is refused: manifest.version"],
    );
}

/// The host's functions are those of the contract's version that was asked for, and not of any that has the name.
#[test]
fn a_contract_of_another_version_does_not_stand_in() {
    for (fits, expected) in [("^1", Ok(7)), ("^9", Err(Code::ScriptRaised))] {
        let (area, other) = (TempDir::new().unwrap(), format!("[requires]\nworld = '{fits}'"));
        for (id, rest) in [("other", "[provides]\nworld = '9.0.0'"), ("wolf", &other)] {
            let folder = area.path().join(id);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("plugin.toml"), format!("[plugin]\nid = '{id}'\nversion = '1.0.0'\n{rest}"))
                .unwrap();
            std::fs::write(folder.join("main.lua"), "function main() return world.time() end").unwrap();
        }
        let engine = Engine::builder().function("world.time", || 7).build().unwrap();
        assert_eq!(engine.load_dir(area.path()).unwrap().loaded.len(), 2);
        let found = engine.call::<_, i64>(&mut (), "wolf", "main", ()).map_err(|error| error.code());
        assert_eq!(found, expected, "{fits}");
    }
}
