//! `Engine::examine`: it says what loading does, runs nothing, records nothing.
#![allow(clippy::unwrap_used)]

mod support;

use std::{path::Path, sync::Arc};

use modhost::{Admissibility, Code, Engine, Policy, TrustLevel, audit::MemoryLog};
use support::folder;

/// What is examined in one folder has these problems, as `id: code`, or the code alone for what cannot be read; and the first one of
/// each plugin is why loading refuses it.
#[track_caller]
fn check(policy: &Policy, files: &[(&str, &str)], expected: &[&str]) {
    let area = folder(files);
    let log = Arc::new(MemoryLog::default());
    let engine = Engine::builder().policy(policy.clone()).audit(log.clone()).build().unwrap();
    let (mut found, mut reasons) = (Vec::new(), Vec::new());
    for one in engine.examine_dir(area.path()).unwrap() {
        match one {
            Ok(one) => {
                reasons.extend(one.problems.first().map(modhost::Error::code));
                let id = one.package.id();
                found.extend(one.problems.iter().map(|problem| format!("{id}: {}", problem.code())));
            }
            Err(error) => {
                reasons.push(error.code());
                found.push(error.code().to_string());
            }
        }
    }
    assert_eq!(found, expected);
    assert!(engine.plugins().is_empty() && log.records().is_empty(), "examining leaves no trace");
    let mut refused: Vec<Code> =
        engine.load_dir(area.path()).unwrap().refused.iter().map(|refused| refused.error.code()).collect();
    refused.sort_unstable();
    reasons.sort_unstable();
    assert_eq!(refused, reasons);
}

const A: (&str, &str) = ("a/plugin.toml", "[plugin]\nid = \"a\"\nversion = \"1.0.0\"\n[dependencies]\nb = \"*\"\n");
const B: (&str, &str) = ("b/plugin.toml", "[plugin]\nid = \"b\"\nversion = \"1.0.0\"\n");
const LOUD: &str = "error('this ran')";

#[test]
fn what_is_found_is_what_loading_gives() {
    let mods = Policy::mods();
    let mut signed = Policy::mods();
    signed.unsigned = false;
    let mut binary = Policy::mods();
    binary.source_formats = false;
    let quiet = [A, ("a/main.lua", ""), B, ("b/main.lua", "")];
    check(&mods, &quiet, &[]);
    check(&mods, &quiet[..2], &["a: resolve.missing"]);
    check(&mods, &[A, ("a/main.lua", ""), ("b.so", "x")], &["a: resolve.missing", "b: denied.backend"]);
    check(&signed, &quiet[2..], &["b: denied.trust"]);
    check(&binary, &[("b.wat", "(module)")], &["b: policy.source-format"]);
    check(&mods, &[B, ("b/main.lua", ""), ("c/plugin.toml", "[plugin]")], &["manifest.missing-key"]);
    check(&mods, &[B, ("b/main.lua", ""), ("c/plugin.toml", B.1), ("c/main.lua", "")], &["b: package.duplicate"]);
}

#[test]
fn nothing_of_a_plugin_runs() {
    let area = folder(&[("loud.lua", LOUD)]);
    let path = area.path().join("loud.lua");
    let engine = Engine::builder().build().unwrap();
    let loud = engine.examine(&path).unwrap();
    assert_eq!((loud.trust, loud.vouched.as_str()), (Some(TrustLevel::Untrusted), "unsigned"));
    assert_eq!(loud.candidates[0].admissibility, Admissibility::Taken);
    assert_eq!(loud.candidates[0].bytes, LOUD.len());
    assert_eq!(loud.admission.unwrap().limits(), &engine.policy().untrusted.limits);
    assert!(loud.problems.is_empty());
    assert_eq!(engine.load_path(&path).unwrap_err().code(), Code::ScriptRaised);
    assert_eq!(engine.examine(Path::new("no-such.lua")).unwrap_err().code(), Code::IoNotFound);
}

#[test]
fn builds_are_judged_one_by_one() {
    let entry = "[plugin]\nid = \"b\"\nversion = \"1.0.0\"\n[entry]\nrhai = \"b.rhai\"\nlua = \"b.lua\"\nnative = \"b.so\"\n[capabilities]\nrequired = [\"x.y\"]\n";
    let area = folder(&[("plugin.toml", entry), ("b.rhai", ""), ("b.lua", ""), ("b.so", "x")]);
    let engine = Engine::builder().grant("x.y").build().unwrap();
    let one = engine.examine(area.path()).unwrap();
    let verdicts: Vec<&Admissibility> = one.candidates.iter().map(|candidate| &candidate.admissibility).collect();
    assert!(
        matches!(verdicts[..], [Admissibility::Admissible, Admissibility::Taken, Admissibility::Refused(reasons)] if reasons[0].starts_with("isolation")),
        "{verdicts:?}"
    );
    assert!(one.asks[0].required && one.asks[0].granted);
    let engine = Engine::builder().without(modhost::Kind::LUA).build().unwrap();
    let one = engine.examine(area.path()).unwrap();
    assert_eq!(one.candidates[1].admissibility, Admissibility::Refused(vec!["this engine has no such backend".into()]));
    assert_eq!(one.candidates[0].admissibility, Admissibility::Taken);
    assert!(!one.asks[0].granted);
}

/// What is loaded already counts.
#[test]
fn beside_what_is_loaded() {
    let area = folder(&[A, ("a/main.lua", ""), B, ("b/main.lua", "")]);
    let engine = Engine::builder().build().unwrap();
    engine.load_path(area.path().join("b")).unwrap();
    assert!(engine.examine(area.path().join("a")).unwrap().problems.is_empty());
    let again = engine.examine(area.path().join("b")).unwrap();
    assert_eq!(again.problems[0].code(), Code::PackageDuplicate);
}
