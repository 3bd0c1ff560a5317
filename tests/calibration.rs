//! One unit of computing for all languages: what a policy says as time becomes each backend's fuel, exactly, and nothing is granted
//! where there is no figure for it.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use modhost::{Calibration, Code, Engine, Kind, Policy};

const LUA: (&str, &str) = ("loop.lua", "function run() while true do end end");
const RHAI: (&str, &str) = ("loop.rhai", "fn run() { loop { } }");
const WAT: (&str, &str) = ("loop.wat", "(module (func (export \"run\") (loop $l (br $l))))");

const FIGURES: &str = "[calibration]\nlua = 50_000\nrhai = 9_000\nwasm = 400_000\n";

/// What an endless loop of this plugin gets under the policy of this file: its fuel, or the code of what refuses the plugin.
fn outcome(policy: &str, (name, source): (&str, &str)) -> Result<u64, Code> {
    let policy = Policy::from_toml(policy, "policy.toml").map_err(|error| error.code())?;
    let engine = Engine::builder().policy(policy).build().map_err(|error| error.code())?;
    let plugin = engine.load_source(name, source).map_err(|error| error.code())?;
    let error = engine.call::<_, ()>(&mut (), plugin, "run", ()).unwrap_err();
    assert_eq!(error.code(), Code::LimitFuel);
    Ok(error.limit().unwrap().limit)
}

#[track_caller]
fn check(policy: &str, plugin: (&str, &str), expect: Result<u64, Code>) {
    assert_eq!(outcome(policy, plugin), expect, "{}: {policy}", plugin.0);
}

#[test]
fn work_is_the_same_time_in_every_language() {
    let policy = format!("[untrusted]\nwork = \"2ms\"\nfuel = 7\n{FIGURES}");
    check(&policy, LUA, Ok(100_000));
    check(&policy, RHAI, Ok(18_000));
    check(&policy, WAT, Ok(800_000));
    check(&format!("[untrusted]\nwork = \"0s\"\n{FIGURES}"), WAT, Err(Code::LimitFuel));
}

#[test]
fn without_a_figure_there_is_no_fuel() {
    let half = "[untrusted]\nwork = \"2ms\"\n[calibration]\nlua = 1000";
    check(half, LUA, Ok(2000));
    check(half, RHAI, Err(Code::DeniedBackend));
    check("[untrusted]\nwork = \"2ms\"", LUA, Err(Code::PolicyValue));
    check("[untrusted]\nwork = 2", LUA, Err(Code::PolicyDuration));
    check("[calibration]\nlua = 0", LUA, Err(Code::PolicyValue));
    check(&format!("[untrusted]\nfuel = 70_000\n{FIGURES}"), LUA, Ok(70_000));
}

#[test]
fn what_the_host_sets_over_everything_goes_above_work() {
    let mut policy = Policy::mods();
    policy.untrusted.work = Some(Duration::from_secs(1));
    policy.calibration = Some(Calibration::new().with(Kind::LUA, 1000));
    policy.overrides.fuel = Some(77_000);
    let engine = Engine::builder().policy(policy).build().unwrap();
    let plugin = engine.load_source(LUA.0, LUA.1).unwrap();
    let error = engine.call::<_, ()>(&mut (), plugin, "run", ()).unwrap_err();
    assert_eq!(error.limit().unwrap().limit, 77_000);
}
