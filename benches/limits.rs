//! What limits cost and how soon they end a guest: `cargo bench --bench limits`.
//!
//! Armed is a plugin of the engine under the policy `mods`, with fuel for the whole run. Off is the bare interpreter in its fastest
//! form: no interrupt, no counting of operations, no fuel, no limit of memory. The two run in turn, pair by pair; a ratio is the median
//! over the pairs of a round, of the best of three rounds; the spread is the range over the rounds. Times are the fastest of all runs,
//! and so is their ratio in the column before: on a busy machine it is the steadier of the two.
//! `cargo bench --bench limits -- lua` runs the rows of one backend.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/raw_lua.rs"]
mod raw_lua;
#[path = "support/raw_rhai.rs"]
mod raw_rhai;
#[path = "support/raw_wasm.rs"]
mod raw_wasm;
mod support;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use modhost::{Call, Code, Engine, Policy};
use rhai::{CallFnOptions, Scope};
use support::{LUA, RHAI, Unit, WAT, engine, unit};

const LUA_WORK: &str = "function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
function loop(n) local sum = 0 for i = 1, n do sum = (sum + i) % 65521 end return sum end
function endless() while true do end end";

const RHAI_WORK: &str = "fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }
fn loop_(n) { let sum = 0; for i in 0..n { sum = (sum + i) % 65521; } sum }
fn endless() { loop { } }";

const WAT_WORK: &str = r#"(module
  (func $fib (export "fib") (param $n i64) (result i64)
    (if (result i64) (i64.lt_s (local.get $n) (i64.const 2))
      (then (local.get $n))
      (else (i64.add (call $fib (i64.sub (local.get $n) (i64.const 1))) (call $fib (i64.sub (local.get $n) (i64.const 2)))))))
  (func (export "loop") (param $n i64) (result i64) (local $sum i64)
    (loop $l
      (local.set $sum (i64.rem_s (i64.add (local.get $sum) (local.get $n)) (i64.const 65521)))
      (br_if $l (i64.gt_s (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
    (local.get $sum))
  (func (export "endless") (loop $l (br $l))))"#;

const FIB: i64 = 27;
const LOOP: i64 = 10_000_000;
const ROUNDS: usize = 3;
const PAIRS: usize = 5;

/// The policy `mods` with fuel for work of seconds.
fn roomy() -> Policy {
    let mut policy = Policy::mods();
    policy.overrides.fuel = Some(1 << 40);
    policy.overrides.deadline = Some(Duration::from_secs(600));
    policy
}

fn took(work: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// A row of the table: both sides in milliseconds, their ratios, and the target.
fn compare(backend: &str, work: &str, target: f64, off: &mut dyn FnMut(), armed: &mut dyn FnMut()) {
    off();
    armed();
    let (mut rounds, mut fastest) = (Vec::new(), (f64::MAX, f64::MAX));
    for _ in 0..ROUNDS {
        let pairs: Vec<(f64, f64)> = (0..PAIRS).map(|_| (took(off), took(armed))).collect();
        pairs.iter().for_each(|pair| fastest = (fastest.0.min(pair.0), fastest.1.min(pair.1)));
        rounds.push(median(pairs.iter().map(|(off, armed)| armed / off).collect()));
    }
    rounds.sort_by(f64::total_cmp);
    let ((off, armed), ratio, worst) = (fastest, rounds[0], rounds[ROUNDS - 1]);
    let verdict = if ratio <= target { "" } else { " missed" };
    println!(
        "| {backend} | {work} | {off:.1} ms | {armed:.1} ms | {:.2} | {ratio:.2} ({ratio:.2}-{worst:.2}) | {target:.2}{verdict} |",
        armed / off
    );
}

fn ours(file: &str, source: &str, export: &str) -> Call<(i64,), i64> {
    let engine = engine(roomy());
    let plugin = engine.load_source(file, source).unwrap();
    engine.prepare(plugin, export).unwrap()
}

fn lua() {
    let raw = mlua::Lua::new_with(raw_lua::libraries(), mlua::LuaOptions::default()).unwrap();
    raw.sandbox(true).unwrap();
    raw.load(LUA_WORK).exec().unwrap();
    for (name, n, target) in [("fib", FIB, 1.20), ("loop", LOOP, 1.20)] {
        let function = raw.globals().get::<mlua::Function>(name).unwrap();
        let call = ours("work.lua", LUA_WORK, name);
        compare(
            "lua",
            &format!("{name}({n})"),
            target,
            &mut || _ = black_box(function.call::<i64>(n).unwrap()),
            &mut || _ = black_box(call.call(&mut (), (n,)).unwrap()),
        );
    }
}

fn rhai() {
    let mut raw = raw_rhai::engine(false);
    // Depth is not what is compared; Rhai's default of a debug build would end `fib`.
    raw.set_max_call_levels(1000);
    let ast = raw.compile(RHAI_WORK).unwrap();
    for (name, n, target) in [("fib", FIB, 1.05), ("loop_", LOOP, 1.05)] {
        let call = ours("work.rhai", RHAI_WORK, name);
        let options = || CallFnOptions::new().eval_ast(false);
        compare(
            "rhai",
            &format!("{}({n})", name.trim_end_matches('_')),
            target,
            &mut || {
                black_box(raw.call_fn_with_options::<i64>(options(), &mut Scope::new(), &ast, name, (n,)).unwrap());
            },
            &mut || _ = black_box(call.call(&mut (), (n,)).unwrap()),
        );
    }
}

fn wasm() {
    let raw = raw_wasm::engine(false);
    let module = wasmi::Module::new(&raw, &wat::parse_str(WAT_WORK).unwrap()[..]).unwrap();
    let (mut store, instance) = raw_wasm::instantiate(&raw, &module, false);
    for (name, n, target) in [("fib", FIB, 1.15), ("loop", LOOP, 1.35)] {
        let function = instance.get_typed_func::<i64, i64>(&store, name).unwrap();
        let call = ours("work.wat", WAT_WORK, name);
        compare(
            "wasm",
            &format!("{name}({n})"),
            target,
            &mut || _ = black_box(function.call(&mut store, n).unwrap()),
            &mut || _ = black_box(call.call(&mut (), (n,)).unwrap()),
        );
    }
}

/// Record traffic with the policy's memory limit, against the engine without one: the allocator and its count stay, the refusals go.
fn records(backend: &str, file: &str, source: &str) {
    let side = |memory: u64| {
        let mut policy = roomy();
        policy.overrides.memory = Some(memory);
        let engine = engine(policy);
        let plugin = engine.load_source(file, source).unwrap();
        engine.prepare::<(Unit,), Unit>(plugin, "echo").unwrap()
    };
    let (off, armed) = (side(u64::MAX), side(64 << 20));
    let unit = unit();
    let traffic = |call: &Call<(Unit,), Unit>| {
        for _ in 0..4000 {
            black_box(call.call(&mut (), (unit.clone(),)).unwrap());
        }
    };
    compare(backend, "4,000 records of ten, memory limit", 1.05, &mut || traffic(&off), &mut || traffic(&armed));
}

/// How far past its fuel, and how long past its deadline, an endless loop comes.
fn stopped(backend: &str, file: &str, source: &str) {
    const FUEL: u64 = 10_000_000;
    const DEADLINE: Duration = Duration::from_millis(50);
    let end = |policy: Policy| {
        let engine: Engine = engine(policy);
        let plugin = engine.load_source(file, source).unwrap();
        let start = Instant::now();
        let error = engine.call::<_, ()>(&mut (), plugin, "endless", ()).unwrap_err();
        (error, start.elapsed())
    };
    let mut policy = roomy();
    policy.overrides.fuel = Some(FUEL);
    let (error, _) = end(policy);
    assert_eq!(error.code(), Code::LimitFuel);
    let used = error.limit().unwrap().fuel;
    let over = (used as f64 / FUEL as f64 - 1.0) * 100.0;
    let mut late: Vec<f64> = (0..21)
        .map(|_| {
            let mut policy = roomy();
            policy.overrides.deadline = Some(DEADLINE);
            let (error, elapsed) = end(policy);
            assert_eq!(error.code(), Code::LimitDeadline);
            (elapsed.as_secs_f64() - DEADLINE.as_secs_f64()) * 1e3
        })
        .collect();
    late.sort_by(f64::total_cmp);
    println!(
        "| {backend} | {used} of {FUEL} ({over:+.2} %) | {:.2} ms (worst {:.2} of {}) |",
        late[late.len() / 2],
        late[late.len() - 1],
        late.len()
    );
}

fn main() {
    // Cargo passes `--bench`; a word of the user's chooses.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let chosen = |backend: &str| backend.contains(&only);
    let works: [(&str, fn()); 3] = [("lua", lua), ("rhai", rhai), ("wasm", wasm)];
    println!("| backend | work | limits off | limits armed | of the fastest | armed / off | target |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    works.iter().filter(|(backend, _)| chosen(backend)).for_each(|(_, run)| run());
    for (backend, file, source) in [("lua", "r.lua", LUA), ("rhai", "r.rhai", RHAI), ("wasm", "r.wat", WAT)] {
        if chosen(backend) {
            records(backend, file, source);
        }
    }
    println!("\n| backend | endless loop: fuel used (target +1 %) | after a deadline of 50 ms, median (target 1 ms) |");
    println!("|---|---:|---:|");
    for (backend, file, source) in
        [("lua", "e.lua", LUA_WORK), ("rhai", "e.rhai", RHAI_WORK), ("wasm", "e.wat", WAT_WORK)]
    {
        if chosen(backend) {
            stopped(backend, file, source);
        }
    }
}
