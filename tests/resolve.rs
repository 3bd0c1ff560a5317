//! Which plugins of a folder are loaded, in which order, and who is left out and why.

#![allow(clippy::unwrap_used)]

mod support;

use modhost::{Code, Engine};
use support::{folder, manifest};

/// Loads plugins, each an id and the rest of its manifest, and tells who was loaded, in order, and who was refused with which code.
fn resolved(plugins: &[(&str, &str)]) -> (Vec<String>, Vec<(String, String)>) {
    let files: Vec<(String, String)> = plugins
        .iter()
        .flat_map(|(id, rest)| {
            [(format!("{id}/plugin.toml"), manifest(id, rest)), (format!("{id}/main.lua"), "x = 1".into())]
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let area = folder(&files);
    let engine = Engine::builder().contract("world", "1.4.0").build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    let refused = mods.refused.iter().map(|refused| (refused.name.clone(), refused.error.code().to_string()));
    (mods.loaded.iter().map(|loaded| loaded.name.clone()).collect(), refused.collect())
}

#[track_caller]
fn check_resolve(plugins: &[(&str, &str)], loaded: &[&str], refused: &[(&str, &str)]) {
    let (order, left_out) = resolved(plugins);
    assert_eq!(order, loaded);
    let left_out: Vec<_> = left_out.iter().map(|(name, code)| (name.as_str(), code.as_str())).collect();
    assert_eq!(left_out, refused);
}

#[test]
fn dependencies_come_first_and_a_broken_mod_takes_only_its_dependants_along() {
    check_resolve(&[("a", ""), ("b", "")], &["a", "b"], &[]);
    check_resolve(&[("a", "[dependencies]\nz = \"^1.0\""), ("z", "")], &["z", "a"], &[]);
    check_resolve(&[("a", "[dependencies]\nz = { version = \"1\", order = false }"), ("z", "")], &["a", "z"], &[]);
    check_resolve(
        &[("a", "[dependencies]\nz = \"^2.0\""), ("b", ""), ("z", "")],
        &["b", "z"],
        &[("a", "resolve.unsatisfiable")],
    );
    check_resolve(&[("a", "[dependencies]\nnone = \"*\""), ("b", "")], &["b"], &[("a", "resolve.missing")]);
    check_resolve(&[("a", "[dependencies]\nnone = { version = \"*\", optional = true }")], &["a"], &[]);
    check_resolve(
        &[
            ("a", "[dependencies]\nb = \"*\""),
            ("b", "[dependencies]\nc = \"*\""),
            ("c", "[requires]\nworld = \"^2\""),
            ("d", ""),
        ],
        &["d"],
        &[("a", "resolve.missing"), ("b", "resolve.missing"), ("c", "resolve.contract")],
    );
    check_resolve(&[("a", "[requires]\nworld = \"^1.3\"")], &["a"], &[]);
    check_resolve(&[("a", "[requires]\nmoon = \"*\"")], &[], &[("a", "resolve.contract")]);
    check_resolve(&[("a", "engine = \"^7\"")], &[], &[("a", "resolve.engine")]);
    check_resolve(&[("a", "[conflicts]\nb = \"^1\""), ("b", "")], &["b"], &[("a", "resolve.conflict")]);
    check_resolve(&[("a", "[any-of]\nmobs = [\"b ^2\", \"c\"]"), ("c", "")], &["c", "a"], &[]);
    check_resolve(&[("a", "[any-of]\nmobs = [\"b ^2\", \"d\"]"), ("b", "")], &["b"], &[("a", "resolve.missing")]);
    check_resolve(
        &[
            ("a", "[dependencies]\nb = \"*\""),
            ("b", "[dependencies]\nc = \"*\""),
            ("c", "[dependencies]\na = \"*\""),
            ("d", ""),
        ],
        &["d"],
        &[("a", "resolve.cycle"), ("b", "resolve.cycle"), ("c", "resolve.cycle")],
    );
}

#[test]
fn a_plugin_that_does_not_load_takes_its_dependants_along() {
    let area = folder(&[
        ("a/plugin.toml", &manifest("a", "[dependencies]\nb = \"*\"")),
        ("a/main.lua", "x = 1"),
        ("b/plugin.toml", &manifest("b", "")),
        ("b/main.lua", "error('no')"),
        ("c.lua", "x = 1"),
    ]);
    let mods = Engine::builder().build().unwrap().load_dir(area.path()).unwrap();
    let codes: Vec<_> = mods.refused.iter().map(|refused| (refused.name.as_str(), refused.error.code())).collect();
    assert_eq!(codes, [("a", Code::ResolveMissing), ("b", Code::ScriptRaised)]);
    assert_eq!(mods.loaded.len(), 1);
    let table = mods.to_string();
    assert!(table.contains("modhost explain script.raised") && table.contains("unsigned -> sandbox"), "{table}");
}

/// A folder with several versions of a plugin: one is loaded, the others are neither loaded nor refused.
#[test]
fn of_several_versions_one_is_loaded() {
    let plugin = |version: &str, rest: &str| manifest("lib", rest).replace("1.2.0", version);
    let (old, new, user) =
        (plugin("1.0.0", ""), plugin("2.0.0", ""), manifest("user", "[dependencies]\nlib = \"^1\"\n"));
    let other = manifest("zoo", "[dependencies]\nlib = \"^2\"\n");
    let area = folder(&[
        ("lib-1/plugin.toml", &old),
        ("lib-1/main.lua", "function which() return 1 end"),
        ("lib-2/plugin.toml", &new),
        ("lib-2/main.lua", "function which() return 2 end"),
        ("user/plugin.toml", &user),
        ("user/main.lua", "x = 1"),
        ("zoo/plugin.toml", &other),
        ("zoo/main.lua", "x = 1"),
    ]);
    let engine = Engine::builder().build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    let refused: Vec<_> = mods.refused.iter().map(|refused| refused.name.as_str()).collect();
    assert_eq!(refused, ["zoo"]);
    assert_eq!(mods.refused[0].error.code(), Code::ResolveUnsatisfiable);
    assert!(mods.refused[0].error.message().ends_with("because user 1.2.0 needs lib ^1"), "{mods}");
    assert_eq!(engine.call::<_, i64>(&mut (), "lib", "which", ()).unwrap(), 1);
    // Looking says the same.
    let looked: Vec<_> =
        Engine::builder().build().unwrap().examine_dir(area.path()).unwrap().into_iter().map(Result::unwrap).collect();
    let told: Vec<(String, usize, Option<String>)> = looked
        .iter()
        .map(|one| {
            let instead = one.instead.as_ref().map(ToString::to_string);
            (format!("{} {}", one.package.id(), one.package.version()), one.problems.len(), instead)
        })
        .collect();
    let row = |name: &str, problems, instead: Option<&str>| (name.to_owned(), problems, instead.map(str::to_owned));
    let expected = [
        row("lib 1.0.0", 0, None),
        row("lib 2.0.0", 0, Some("1.0.0")),
        row("user 1.2.0", 0, None),
        row("zoo 1.2.0", 1, None),
    ];
    assert_eq!(told, expected);
}

#[test]
fn all_or_nothing_is_policy() {
    let area = folder(&[
        ("a.lua", "x = 1"),
        ("b/plugin.toml", &manifest("b", "[dependencies]\ngone = \"*\"")),
        ("b/main.lua", "x = 1"),
    ]);
    let policy = modhost::Policy::from_toml("[resolve]\nmode = \"all-or-nothing\"", "game.toml").unwrap();
    let engine = Engine::builder().policy(policy).build().unwrap();
    let mods = engine.load_dir(area.path()).unwrap();
    let codes: Vec<_> = mods.refused.iter().map(|refused| (refused.name.as_str(), refused.error.code())).collect();
    assert_eq!(codes, [("a", Code::ResolveMissing), ("b", Code::ResolveMissing)]);
    assert!(mods.loaded.is_empty() && engine.plugins().is_empty());
    assert_eq!(
        mods.refused[0].error.message(),
        "it is all or nothing, and b cannot be loaded: needs gone, and it is not there"
    );
    let error = modhost::Policy::from_toml("[resolve]\nmode = \"greedy\"", "game.toml").unwrap_err();
    assert_eq!(error.code(), Code::PolicyValue);
}

/// A host that wants no search says so in its policy: what it loads goes together all the same.
#[test]
fn how_it_is_chosen_is_policy() {
    use modhost::resolve::Choice;
    let area = folder(&[
        ("a/plugin.toml", &manifest("a", "[dependencies]\nb = \"^1\"")),
        ("a/main.lua", "x = 1"),
        ("b/plugin.toml", &manifest("b", "")),
        ("b/main.lua", "x = 1"),
        ("c/plugin.toml", &manifest("c", "[conflicts]\nb = \"*\"")),
        ("c/main.lua", "x = 1"),
    ]);
    for (text, choice) in
        [("", Choice::Best), ("choice = \"best\"", Choice::Best), ("choice = \"greedy\"", Choice::Greedy)]
    {
        let policy = modhost::Policy::from_toml(&format!("[resolve]\n{text}"), "game.toml").unwrap();
        assert_eq!(policy.resolve.choice, choice);
        let engine = Engine::builder().policy(policy).build().unwrap();
        let mods = engine.load_dir(area.path()).unwrap();
        let loaded: Vec<_> = mods.loaded.iter().map(|loaded| loaded.name.as_str()).collect();
        assert_eq!(loaded, ["b", "a"]);
        assert_eq!(mods.refused[0].error.code(), Code::ResolveConflict);
    }
    let error = modhost::Policy::from_toml("[resolve]\nchoice = \"quick\"", "game.toml").unwrap_err();
    assert_eq!(error.code(), Code::PolicyValue);
}

/// A set is kept as a lockfile and as a text, and found again by its files' digests.
#[test]
fn a_set_is_kept_and_found_again() {
    use modhost::{
        package::{Caps, discover},
        resolve::{Lockfile, ModSet, Profile},
    };
    let area = folder(&[
        ("a.lua", "x = 1"),
        ("b/plugin.toml", &manifest("b", "[dependencies]\na = \"*\"")),
        ("b/main.lua", ""),
    ]);
    let engine = Engine::builder().build().unwrap();
    let resolver = || {
        let packages: Vec<_> =
            discover(area.path(), &Caps::default()).unwrap().into_iter().map(Result::unwrap).collect();
        engine.resolver(&packages)
    };
    let plan = resolver().plan();
    let lock: Lockfile = Lockfile::of(&plan).to_string().parse().unwrap();
    assert_eq!(lock.order(), ["a", "b"]);
    let set: ModSet = ModSet::new("home", Profile::of(&plan)).unwrap().to_string().parse().unwrap();
    assert!(lock.check(&resolver().prefer(lock.clone()).plan()).is_ok());
    assert!(set.active().select(resolver().candidates()).check().is_ok());
    std::fs::write(area.path().join("b/main.lua"), "-- changed").unwrap();
    let error = lock.check(&resolver().prefer(lock.clone()).plan()).unwrap_err();
    assert_eq!((error.code(), error.plugin()), (Code::ResolveLocked, Some("b")));
    let error = set.active().select(resolver().candidates()).check().unwrap_err();
    assert_eq!((error.code(), error.plugin()), (Code::ResolveLocked, Some("b")));
}

/// A folder of 10,000 plugins is found, hashed and planned, in the order of ids whatever the directory's.
#[test]
fn ten_thousand_plugins_in_a_folder() {
    use modhost::package::{Caps, discover};
    let area = tempfile::tempdir().unwrap();
    for at in 0..10_000_u32 {
        std::fs::write(area.path().join(format!("p{:05}.lua", at.wrapping_mul(7919) % 10_000)), "x = 1").unwrap();
    }
    let packages: Vec<_> = discover(area.path(), &Caps::default()).unwrap().into_iter().map(Result::unwrap).collect();
    let plan = Engine::builder().build().unwrap().resolver(&packages).plan();
    assert!(plan.is_whole() && plan.order.len() == 10_000);
    assert!(plan.order.is_sorted_by(|a, b| a.id < b.id && a.digest != b.digest));
}
