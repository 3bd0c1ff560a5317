//! The starred invariants of ARCHITECTURE.md, asserted over the sources.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use toml::Table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the workspace, by its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["engine", "backends", "sdk", "scripts", "tests", "examples", "benches"]
        .iter()
        .map(|name| root().join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && entry.file_name().unwrap() != "target" {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                let name = entry.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read_to_string(&entry).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() > 100, "only {} files were found", found.len());
    found
}

fn library(name: &str) -> bool {
    name.contains("/src/") && !name.contains("/tests/")
}

fn dependencies(package: &str) -> Vec<String> {
    let manifest: Table = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap().parse().unwrap();
    let mut tables = vec![&manifest];
    tables.extend(
        manifest
            .get("target")
            .and_then(|t| t.as_table())
            .into_iter()
            .flat_map(|t| t.values())
            .filter_map(|t| t.as_table()),
    );
    tables
        .iter()
        .filter_map(|table| table.get("dependencies")?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

#[track_caller]
fn none(breaches: &[String], rule: &str) {
    assert!(breaches.is_empty(), "{rule}:\n{}", breaches.join("\n"));
}

#[test]
fn a_backend_depends_on_the_seam_and_names_no_other() {
    let backends = [("lua", "mlua"), ("rhai", "rhai"), ("wasm", "wasmi"), ("native", "libloading")];
    for (backend, language) in backends {
        let needs = dependencies(&format!("backends/{backend}"));
        let ours: Vec<_> = needs.iter().filter(|name| name.starts_with("modhost")).collect();
        assert_eq!(ours, ["modhost-abi", "modhost-backend"], "{backend}");
        assert!(needs.iter().any(|name| name == language), "{backend} is made of {language}");
        for (other, foreign) in backends.iter().filter(|(other, _)| *other != backend) {
            assert!(!needs.iter().any(|name| name == foreign), "{backend} depends on {foreign} of {other}");
        }
    }
    for package in ["engine", "sdk/abi", "sdk/plugin", "sdk/testkit", "sdk/cli", "backends/api"] {
        let needs = dependencies(package);
        for (_, language) in backends {
            assert!(!needs.iter().any(|name| name == language), "{package} depends on {language}");
        }
    }
}

#[test]
fn crates_stand_where_they_belong() {
    for (package, needed) in [("engine", "semver"), ("engine", "slab"), ("engine", "tracing"), ("engine", "crossbeam")]
    {
        assert!(dependencies(package).iter().any(|name| name == needed), "{package} needs {needed}");
    }
    assert_eq!(dependencies("sdk/abi"), ["serde"], "guests link sdk/abi: it has no dependency that is not optional");
    let abi = fs::read_to_string(root().join("sdk/abi/Cargo.toml")).unwrap();
    assert!(
        abi.contains(r#"serde = { version = "1", default-features = false, features = ["alloc"], optional = true }"#)
    );
    for package in ["engine", "sdk/abi", "sdk/plugin", "sdk/macros", "sdk/testkit", "backends/api"] {
        assert!(!dependencies(package).iter().any(|name| name == "anyhow"), "{package} gives errors of its own");
    }
}

#[test]
fn inside_the_engine_folders_use_those_to_their_left() {
    const ORDER: [&str; 8] = ["package", "verify", "resolve", "policy", "host", "call", "lifecycle", "bus"];
    // Types that flow against the order; ARCHITECTURE.md says why.
    const EXCEPTIONS: [(&str, &str); 8] = [
        ("verify", "policy"),
        ("policy", "verify"),
        ("host", "engine"),
        ("host", "call"),
        ("call", "engine"),
        ("lifecycle", "engine"),
        ("audit", "call"),
        ("audit", "verify"),
    ];
    let mut breaches = Vec::new();
    for (name, text) in sources() {
        let Some(folder) =
            name.strip_prefix("engine/src/").and_then(|rest| rest.split_once('/')).map(|(folder, _)| folder)
        else {
            continue;
        };
        let place = ORDER.iter().position(|other| *other == folder);
        for (line, code) in text.lines().enumerate().filter(|(_, code)| !code.trim_start().starts_with("//")) {
            for (used_at, used) in ORDER.iter().enumerate().chain([(ORDER.len(), &"engine")]) {
                let allowed = place.is_some_and(|place| used_at <= place)
                    || *used == folder
                    || EXCEPTIONS.contains(&(folder, used));
                let named =
                    code.contains(&format!("crate::{used}::")) || code.trim_start().starts_with(&format!("{used}::"));
                if named && !allowed && folder != "error" {
                    breaches.push(format!("{name}:{}: {folder} uses {used}", line + 1));
                }
            }
        }
    }
    none(&breaches, "flow order");
}

#[test]
fn unsafe_stands_only_where_it_is_argued() {
    const ALLOWED: [&str; 9] = [
        "sdk/abi/src/vtable.rs",
        "sdk/plugin/src/ffi.rs",
        "backends/lua/src/arguments.rs",
        "backends/lua/src/coroutine.rs",
        "backends/lua/src/interrupt.rs",
        "backends/lua/src/memory.rs",
        "backends/lua/src/metered.rs",
        "backends/lua/src/shift.rs",
        "backends/native/src/library.rs",
    ];
    let token = |code: &str, word: &str| {
        code.match_indices(word).any(|(at, _)| {
            let around = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
            around(code[..at].chars().next_back()) && around(code[at + word.len()..].chars().next())
        })
    };
    let mut breaches = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| library(name)) {
        for (line, code) in text.lines().enumerate() {
            let code = code.split("//").next().unwrap();
            let raw = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|form| code.contains(form));
            if raw && token(code, "unsafe") && !ALLOWED.contains(&name.as_str()) {
                breaches.push(format!("{name}:{}", line + 1));
            }
        }
    }
    none(&breaches, "unsafe outside of the files that ARCHITECTURE.md names");
    let engine = fs::read_to_string(root().join("engine/src/lib.rs")).unwrap();
    assert!(engine.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn features_are_looked_at_in_few_places() {
    let allowed = [
        "engine/src/backends.rs",
        "engine/src/lib.rs",
        "engine/src/lifecycle/load.rs",
        "engine/src/lifecycle/mod.rs",
        "sdk/abi/src/lib.rs",
    ];
    let breaches: Vec<String> = sources()
        .into_iter()
        .filter(|(name, text)| library(name) && text.contains("cfg(feature") && !allowed.contains(&name.as_str()))
        .map(|(name, _)| name)
        .collect();
    none(&breaches, "cfg(feature)");
}

#[test]
fn files_say_what_they_own_and_stay_short() {
    let mut breaches = Vec::new();
    for (name, text) in sources() {
        let compile_fail_case = name.contains("/tests/refused/");
        if !text.starts_with("//!") && !compile_fail_case {
            breaches.push(format!("{name} does not open with //!"));
        }
        if text.lines().count() > 600 {
            breaches.push(format!("{name} has {} lines", text.lines().count()));
        }
        if text.contains(concat!("todo", "!(")) || text.contains(concat!("#[", "ignore")) {
            breaches.push(format!("{name} leaves something undone"));
        }
    }
    none(&breaches, "files");
}

/// What reaches a person passes the escape: nothing writes to a stream but the two files that take only what it made, and no path is
/// shown raw.
#[test]
fn nothing_is_shown_raw() {
    const STREAMS: [&str; 3] = ["sdk/cli/src/answer.rs", "sdk/cli/src/bar.rs", "sdk/cli/src/passphrase/ask.rs"];
    const WRITES: [&str; 7] =
        [".write_all(", "stdout().lock(", "stderr().lock(", "eprint", "error.print(", ".exit()", "prompt_password("];
    let mut breaches = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| library(name)) {
        let shows = name.starts_with("engine/") || name.starts_with("sdk/cli/");
        let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
        for (at, line) in text.lines().map(code).enumerate().filter(|_| shows) {
            if line.contains(".display()") {
                breaches.push(format!("{name}:{}: a path is shown by `shown()` of `ShowPath`", at + 1));
            }
            let writes = name.starts_with("sdk/cli/") && !STREAMS.contains(&name.as_str());
            if writes && WRITES.iter().any(|form| line.contains(form)) && !line.contains("file.") {
                breaches.push(format!("{name}:{}: it writes past `Answer` and `Stderr`", at + 1));
            }
            if line.contains("Shown(") && name != "engine/src/shown.rs" {
                breaches.push(format!("{name}:{}: only the escape makes a `Shown`", at + 1));
            }
        }
    }
    none(&breaches, "raw text");
}
