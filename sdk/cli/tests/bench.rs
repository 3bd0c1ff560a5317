//! `modhost bench`: the shape of what it says, which exports it times, and the figures of a calibration. No test looks at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use modhost::{Calibration, Kind, Policy};
use serde_json::Value as Json;
use support::{
    See::{Err, Json as At, JsonHas, NotErr, Out, OutHas},
    check, folder, modhost,
};

const PLUGIN: (&str, &str) = (
    "a.lua",
    "local n = 0 function go() for i = 1, 10 do n = n + 1 end return n end function add(a, b) return a + b end
     function on_tick(n) end function grow() n = n + 1 for i = 1, n % 3 do end return n end",
);

#[test]
fn exports_without_arguments_are_timed_and_hooks_are_not() {
    check(&[PLUGIN], &["bench", "a.lua"], 0, &[OutHas("median"), OutHas("\ngo"), OutHas("\ngrow"), NotErr("error")]);
    let sees = [
        At("plugin", "\"a\""),
        At("backend", "\"lua\""),
        At("exports.0.export", "\"go\""),
        At("exports.0.fuel.min", "11"),
        At("exports.0.fuel.max", "11"),
        At("exports.1.export", "\"grow\""),
        At("exports.2", "null"),
    ];
    check(&[PLUGIN], &["bench", "a.lua", "--json"], 0, &sees);
    let named = ["bench", "a.lua", "--call", "add", "--args", "[40, 2]", "--json"];
    check(&[PLUGIN], &named, 0, &[At("exports.0.export", "\"add\""), At("exports.1", "null")]);
}

#[test]
fn what_cannot_be_timed_is_said() {
    let lonely = ("b.lua", "function add(a, b) return a + b end");
    check(&[lonely], &["bench", "b.lua"], 2, &[Err("--call"), Err("add"), Out("")]);
    check(&[PLUGIN], &["bench", "a.lua", "--args", "[1]"], 2, &[Err("--call")]);
    check(&[PLUGIN], &["bench", "a.lua", "--call", "nothing"], 1, &[Err("script.missing-export")]);
    check(&[PLUGIN], &["bench", "a.lua", "--fuel", "5"], 3, &[Err("limit.fuel"), Out("")]);
    check(&[PLUGIN], &["bench", "."], 2, &[Err("folder of plugins")]);
    check(&[], &["bench", "no.lua", "--json"], 2, &[JsonHas("error.code", "io.not-found")]);
    check(&[], &["bench"], 2, &[Err("<PATH>")]);
    check(&[PLUGIN], &["bench", "a.lua", "--calibrate"], 2, &[Err("--calibrate")]);
}

#[test]
fn a_calibration_is_a_file_that_a_policy_takes() {
    let here = folder(&[]);
    let text = String::from_utf8(modhost(here.path()).args(["bench", "--calibrate"]).output().unwrap().stdout).unwrap();
    let figures = Calibration::from_toml(&text, "calibration.toml").unwrap();
    let kinds: Vec<&Kind> = figures.kinds().collect();
    assert_eq!(kinds, [&Kind::LUA, &Kind::RHAI, &Kind::WASM], "{text}");
    let policy = format!("[untrusted]\nwork = \"2ms\"\n{}", text.replace("[units_per_ms]", "[calibration]"));
    assert_eq!(Policy::from_toml(&policy, "policy.toml").unwrap().calibration, Some(figures));

    let output = modhost(here.path()).args(["bench", "--calibrate", "--json"]).output().unwrap();
    let json: Json = serde_json::from_slice(&output.stdout).unwrap();
    for kind in ["lua", "rhai", "wasm"] {
        assert!(json["units_per_ms"][kind].as_u64().unwrap() > 0, "{json}");
        assert_eq!(json["ns_per_unit"][kind].as_object().unwrap().len(), 4, "{json}");
    }
}
