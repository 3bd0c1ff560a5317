//! What a call through the engine costs against the bare interpreter: `cargo bench --bench call`.
//!
//! Both sides run in turn, batch by batch (A B A B ...); the ratio is that of the medians of paired batches, the best of three rounds; the
//! spread is the other two. The bare side is the interpreter's own fastest way, without any limit armed.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{hint::black_box, path::PathBuf, time::Instant};

use modhost::{Call, Engine, FromValue, IntoArgs, Policy};

const BATCH: u32 = 2_000;
const BATCHES: usize = 60;
const ROUNDS: usize = 3;

/// Nanoseconds per run of `f`, over one batch.
fn batch(f: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..BATCH {
        f();
    }
    start.elapsed().as_nanos() as f64 / f64::from(BATCH)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Compares `ours` with `raw` and prints a row.
fn compare(name: &str, raw: &mut dyn FnMut(), ours: &mut dyn FnMut()) {
    let mut rounds: Vec<(f64, f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for _ in 0..BATCHES {
                a.push(batch(raw));
                b.push(batch(ours));
            }
            let ratio = median(a.iter().zip(&b).map(|(a, b)| b / a).collect());
            (ratio, median(a), median(b))
        })
        .collect();
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, raw, ours) = rounds[0];
    println!("{name:34} raw {raw:8.1} ns   engine {ours:8.1} ns   {:+7.1} ns   ratio {ratio:5.2}   (others {:.2} {:.2})", ours - raw, rounds[1].0, rounds[2].0);
}

fn prepared<A: IntoArgs, R: FromValue>(engine: &Engine, file: &str, source: &str, export: &str) -> Call<A, R> {
    let plugin = engine.load_source(file, source).unwrap();
    engine.prepare(plugin, export).unwrap()
}

const LUA: &str = "function noop() end function add(a, b) return a + b end function echo(s) return s end \
                   function host() return game.twice(21) end";
const RHAI: &str = "fn noop() {} fn add(a, b) { a + b } fn echo(s) { s }";
const WAT: &str = "(module (func (export \"noop\")) \
                   (func (export \"add\") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1))))";

fn lua(engine: &Engine) {
    let raw = mlua::Lua::new();
    raw.globals().set("game", raw.create_table().unwrap()).unwrap();
    let twice = raw.create_function(|_, n: i64| Ok(n * 2)).unwrap();
    raw.globals().get::<mlua::Table>("game").unwrap().set("twice", twice).unwrap();
    raw.load(LUA).exec().unwrap();
    raw.sandbox(true).unwrap();
    let function = |name: &str| raw.globals().get::<mlua::Function>(name).unwrap();

    let (bare, ours) = (function("noop"), prepared::<(), ()>(engine, "noop.lua", LUA, "noop"));
    compare("lua: no-op", &mut || bare.call::<()>(()).unwrap(), &mut || ours.call(&mut (), ()).unwrap());
    let (bare, ours) = (function("add"), prepared::<(i64, i64), i64>(engine, "add.lua", LUA, "add"));
    compare(
        "lua: two integers",
        &mut || _ = black_box(bare.call::<i64>((40, 2)).unwrap()),
        &mut || _ = black_box(ours.call(&mut (), (40, 2)).unwrap()),
    );
    for size in [32, 1024] {
        let text = "x".repeat(size);
        let file = format!("echo{size}.lua");
        let (bare, ours) = (function("echo"), prepared::<(&str,), String>(engine, &file, LUA, "echo"));
        compare(
            &format!("lua: text of {size} bytes"),
            &mut || _ = black_box(bare.call::<String>(text.as_str()).unwrap()),
            &mut || _ = black_box(ours.call(&mut (), (text.as_str(),)).unwrap()),
        );
    }
    let (bare, ours) = (function("host"), prepared::<(), i64>(engine, "host.lua", LUA, "host"));
    compare(
        "lua: one host call",
        &mut || _ = black_box(bare.call::<i64>(()).unwrap()),
        &mut || _ = black_box(ours.call(&mut (), ()).unwrap()),
    );
}

fn rhai(engine: &Engine) {
    let raw = rhai::Engine::new();
    let ast = raw.compile(RHAI).unwrap();
    let call = |name: &str, args: Vec<rhai::Dynamic>| {
        let options = rhai::CallFnOptions::new().eval_ast(false).rewind_scope(true);
        raw.call_fn_with_options::<rhai::Dynamic>(options, &mut rhai::Scope::new(), &ast, name, args).unwrap()
    };
    let ours = prepared::<(), ()>(engine, "noop.rhai", RHAI, "noop");
    compare("rhai: no-op", &mut || _ = black_box(call("noop", vec![])), &mut || ours.call(&mut (), ()).unwrap());
    let ours = prepared::<(i64, i64), i64>(engine, "add.rhai", RHAI, "add");
    compare(
        "rhai: two integers",
        &mut || _ = black_box(call("add", vec![40_i64.into(), 2_i64.into()])),
        &mut || _ = black_box(ours.call(&mut (), (40, 2)).unwrap()),
    );
    let text = "x".repeat(32);
    let ours = prepared::<(&str,), String>(engine, "echo.rhai", RHAI, "echo");
    compare(
        "rhai: text of 32 bytes",
        &mut || _ = black_box(call("echo", vec![text.as_str().into()]).into_string().unwrap()),
        &mut || _ = black_box(ours.call(&mut (), (text.as_str(),)).unwrap()),
    );
}

fn wasm(engine: &Engine) {
    let raw = wasmi::Engine::default();
    let module = wasmi::Module::new(&raw, &wat::parse_str(WAT).unwrap()[..]).unwrap();
    let mut store = wasmi::Store::new(&raw, ());
    let instance = wasmi::Linker::new(&raw).instantiate_and_start(&mut store, &module).unwrap();
    let bare = instance.get_typed_func::<(), ()>(&store, "noop").unwrap();
    let ours = prepared::<(), ()>(engine, "noop.wat", WAT, "noop");
    compare("wasm: no-op", &mut || bare.call(&mut store, ()).unwrap(), &mut || ours.call(&mut (), ()).unwrap());
    let bare = instance.get_typed_func::<(i64, i64), i64>(&store, "add").unwrap();
    let ours = prepared::<(i64, i64), i64>(engine, "add.wat", WAT, "add");
    compare(
        "wasm: two integers",
        &mut || _ = black_box(bare.call(&mut store, (40, 2)).unwrap()),
        &mut || _ = black_box(ours.call(&mut (), (40, 2)).unwrap()),
    );
}

fn native() {
    let name = format!("{}modhost_demo_turbo_sim{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library: PathBuf = std::env::current_exe().unwrap().parent().unwrap().join(name);
    let engine = Engine::builder().policy(Policy::development()).build().unwrap();
    let plugin = engine.load_path(&library).unwrap();
    let ours = engine.prepare::<(f64, f64, f64), f64>(plugin, "advance").unwrap();
    let bare: fn(f64, f64, f64) -> f64 = |x, target, dt| x + dt * (target - x).abs().sqrt();
    compare(
        "native: three floats",
        &mut || _ = black_box(black_box(bare)(1.0, 9.0, 0.5)),
        &mut || _ = black_box(ours.call(&mut (), (1.0, 9.0, 0.5)).unwrap()),
    );
}

fn main() {
    let engine = Engine::builder().function("game.twice", |n: i64| n * 2).build().unwrap();
    lua(&engine);
    rhai(&engine);
    wasm(&engine);
    native();
}
