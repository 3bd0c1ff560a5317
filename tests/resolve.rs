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
