//! What a call through the engine costs against the bare interpreter: `cargo bench --bench call`.
//!
//! Each row has the interpreter in the fastest way there is by hand, once without limits and once with those of the policy `mods` armed as
//! far as its interface can, and the engine under the policy `mods`. How rows are measured: `support/compare.rs`. Native code has no
//! limits; its raw side is a plain Rust function behind a pointer. The rows `(none)` have a backend that does nothing, so that they are the
//! engine's own part. `cargo bench --bench call -- wasm` runs the rows of one backend.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/compare.rs"]
mod compare;
#[path = "support/raw_lua.rs"]
mod raw_lua;
#[path = "support/raw_rhai.rs"]
mod raw_rhai;
#[path = "support/raw_wasm.rs"]
mod raw_wasm;
mod support;

use std::{hint::black_box, sync::Arc};

use compare::{compare, head};
use modhost::{Call, Enforcement, Engine, FromValue, IntoArgs, Kind, PluginId, Policy, Type, Value};
use modhost_backend::{Backend, ExportId, ExportInfo, Fault, Instance, LoadRequest, Suspending};
use support::{LUA, RHAI, Raw, Unit, WAT, engine, library, unit};

/// What the engine's side of every row calls.
struct Ours {
    engine: Engine,
    plugin: PluginId,
    noop: Call<(), ()>,
    add: Call<(i64, i64), i64>,
    text: Call<(&'static str,), String>,
    record: Call<(Unit,), Unit>,
    host: Call<(), i64>,
}

impl Ours {
    fn load(file: &str, source: &str) -> Self {
        let engine = engine(Policy::mods());
        let plugin = engine.load_source(file, source).unwrap();
        Ours {
            noop: engine.prepare(plugin, "noop").unwrap(),
            add: engine.prepare(plugin, "add").unwrap(),
            text: engine.prepare(plugin, "echo").unwrap(),
            record: engine.prepare(plugin, "echo").unwrap(),
            host: engine.prepare(plugin, "host").unwrap(),
            engine,
            plugin,
        }
    }
}

const SHORT: &str = "the quick brown fox jumps over 1";

/// All rows of one backend.
fn rows(backend: &str, raw: &mut dyn Raw, armed: &mut dyn Raw, ours: &Ours) {
    let long: &'static str = Box::leak("0123456789abcdef".repeat(64).into_boxed_str());
    let unit = unit();
    assert_eq!((raw.add(40, 2), armed.host(), ours.host.call(&mut (), ()).unwrap()), (42, 42, 42));
    assert_eq!((raw.record(&unit), armed.record(&unit)), (unit.clone(), unit.clone()));
    assert_eq!(ours.record.call(&mut (), (unit.clone(),)).unwrap(), unit);
    assert_eq!((raw.text(long).as_str(), ours.text.call(&mut (), (long,)).unwrap().as_str()), (long, long));

    compare(backend, "no-op", &mut || raw.noop(), Some(&mut || armed.noop()), &mut || {
        ours.noop.call(&mut (), ()).unwrap();
    });
    compare(
        backend,
        "two integers",
        &mut || _ = black_box(raw.add(40, 2)),
        Some(&mut || _ = black_box(armed.add(40, 2))),
        &mut || _ = black_box(ours.add.call(&mut (), (40, 2)).unwrap()),
    );
    compare(
        backend,
        "two integers, by name",
        &mut || _ = black_box(raw.add_by_name(40, 2)),
        Some(&mut || _ = black_box(armed.add_by_name(40, 2))),
        &mut || _ = black_box(ours.engine.call::<_, i64>(&mut (), ours.plugin, "add", (40, 2)).unwrap()),
    );
    for (name, text) in [("text of 32 bytes, there and back", SHORT), ("text of 1 KiB, there and back", long)] {
        compare(
            backend,
            name,
            &mut || _ = black_box(raw.text(text)),
            Some(&mut || _ = black_box(armed.text(text))),
            &mut || _ = black_box(ours.text.call(&mut (), (text,)).unwrap()),
        );
    }
    compare(
        backend,
        "record of ten, there and back",
        &mut || _ = black_box(raw.record(&unit)),
        Some(&mut || _ = black_box(armed.record(&unit))),
        &mut || _ = black_box(ours.record.call(&mut (), (unit.clone(),)).unwrap()),
    );
    compare(
        backend,
        "a host function from inside",
        &mut || _ = black_box(raw.host()),
        Some(&mut || _ = black_box(armed.host())),
        &mut || _ = black_box(ours.host.call(&mut (), ()).unwrap()),
    );
}

fn native() {
    let engine = engine(Policy::development());
    let plugin = engine.load_path(library()).unwrap();
    fn prepare<A: IntoArgs, R: FromValue>(engine: &Engine, plugin: PluginId, export: &str) -> Call<A, R> {
        engine.prepare(plugin, export).unwrap()
    }
    let noop: fn() = || {};
    let ours = prepare::<(), ()>(&engine, plugin, "nothing");
    compare("native", "no-op", &mut || black_box(noop)(), None, &mut || ours.call(&mut (), ()).unwrap());
    let add: fn(i64, i64) -> i64 = |a, b| a + b;
    let ours = prepare::<(i64, i64), i64>(&engine, plugin, "add");
    compare("native", "two integers", &mut || _ = black_box(black_box(add)(40, 2)), None, &mut || {
        black_box(ours.call(&mut (), (40, 2)).unwrap());
    });
    compare("native", "two integers, by name", &mut || _ = black_box(black_box(add)(40, 2)), None, &mut || {
        black_box(engine.call::<_, i64>(&mut (), plugin, "add", (40, 2)).unwrap());
    });
    let echo: fn(&str) -> String = |text| text.to_owned();
    let long: &'static str = Box::leak("0123456789abcdef".repeat(64).into_boxed_str());
    for (name, text) in [("text of 32 bytes, there and back", SHORT), ("text of 1 KiB, there and back", long)] {
        let ours = prepare::<(&str,), String>(&engine, plugin, "echo");
        compare("native", name, &mut || _ = black_box(black_box(echo)(text)), None, &mut || {
            black_box(ours.call(&mut (), (text,)).unwrap());
        });
    }
    let (unit, echo): (Unit, fn(&Unit) -> Unit) = (unit(), Unit::clone);
    let ours = prepare::<(Unit,), Unit>(&engine, plugin, "echo");
    compare(
        "native",
        "record of ten, there and back",
        &mut || _ = black_box(black_box(echo)(&unit)),
        None,
        &mut || {
            black_box(ours.call(&mut (), (unit.clone(),)).unwrap());
        },
    );
    let ask: fn(&str) -> i64 = |what| what.len() as i64;
    let ours = prepare::<(&str,), Value>(&engine, plugin, "ask");
    compare("native", "a host function from inside", &mut || _ = black_box(black_box(ask)("ok")), None, &mut || {
        black_box(ours.call(&mut (), ("ok",)).unwrap());
    });
}

/// A backend that does nothing: what is left is the engine.
#[derive(Debug)]
struct Idle;

struct IdleInstance([ExportInfo; 1]);

impl Backend for Idle {
    fn kind(&self) -> Kind {
        Kind::LUA
    }
    fn enforcement(&self) -> Enforcement {
        Enforcement::SANDBOX
    }
    fn load(&self, _: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        Ok(Box::new(IdleInstance([ExportInfo::new("noop")])))
    }
}

impl Instance for IdleInstance {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        ExportId::find(&self.0, name)
    }
    fn call(&mut self, _: ExportId, _: &[Value], _: &Type) -> Result<Value, Fault> {
        Ok(Value::Nil)
    }
    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        None
    }
    fn exports(&self) -> &[ExportInfo] {
        &self.0
    }
    fn memory_used(&self) -> Option<usize> {
        None
    }
}

/// The engine's own part of a call.
fn idle() {
    let engine = Engine::builder().backend(Arc::new(Idle)).build().unwrap();
    let plugin = engine.load_source("idle.lua", "").unwrap();
    let ours = engine.prepare::<(), ()>(plugin, "noop").unwrap();
    let mut instance: Box<dyn Instance> = black_box(Box::new(IdleInstance([ExportInfo::new("noop")])));
    let export = instance.export("noop").unwrap();
    compare("(none)", "no-op", &mut || _ = black_box(instance.call(export, &[], &Type::Any)), None, &mut || {
        ours.call(&mut (), ()).unwrap();
    });
    compare(
        "(none)",
        "no-op, by name",
        &mut || _ = black_box(instance.call(export, &[], &Type::Any)),
        None,
        &mut || {
            engine.call::<_, ()>(&mut (), plugin, "noop", ()).unwrap();
        },
    );
}

fn main() {
    // Cargo passes `--bench`; a word of the user's chooses.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let chosen = |backend: &str| backend.contains(&only);
    head();
    if only.is_empty() || only == "none" {
        idle();
    }
    if chosen("lua") {
        let (mut raw, mut armed) = (raw_lua::RawLua::new(false), raw_lua::RawLua::new(true));
        rows("lua", &mut raw, &mut armed, &Ours::load("bench.lua", LUA));
    }
    if chosen("rhai") {
        let (mut raw, mut armed) = (raw_rhai::RawRhai::new(false), raw_rhai::RawRhai::new(true));
        rows("rhai", &mut raw, &mut armed, &Ours::load("bench.rhai", RHAI));
    }
    if chosen("wasm") {
        let (mut raw, mut armed) = (raw_wasm::RawWasm::new(false), raw_wasm::RawWasm::new(true));
        let ours = Ours::load("bench.wat", WAT);
        rows("wasm", &mut raw, &mut armed, &ours);
        let unit = unit();
        let (mut raw, mut armed) = (raw_wasm::RawWasm::new(false), raw_wasm::RawWasm::new(true));
        compare(
            "wasm",
            "the same record, raw by JSON",
            &mut || _ = black_box(raw.record_by_json(&unit)),
            Some(&mut || _ = black_box(armed.record_by_json(&unit))),
            &mut || _ = black_box(ours.record.call(&mut (), (unit.clone(),)).unwrap()),
        );
    }
    if chosen("native") {
        native();
    }
}
