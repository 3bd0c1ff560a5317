//! Rhai by hand: a syntax tree kept, its top level not run again, maps built and read field by field.
#![allow(dead_code, clippy::unwrap_used)]

use rhai::{AST, CallFnOptions, Dynamic, Engine, FuncArgs, Map, Scope};

use crate::support::{Raw, Unit};

/// As the guest of the engine, with the host function in the global scope: Rhai looks up names with `::` more slowly.
pub(crate) const SOURCE: &str = "fn noop() {} fn add(a, b) { a + b } fn echo(value) { value } fn host() { twice(21) }";

/// An engine and a script.
pub(crate) struct RawRhai {
    engine: Engine,
    ast: AST,
}

/// An engine, with the limits of the policy `mods` as far as Rhai has them.
pub(crate) fn engine(armed: bool) -> Engine {
    let mut engine = Engine::new();
    engine.register_fn("twice", |n: i64| n * 2);
    if armed {
        engine.set_max_operations(10_000_000);
        engine.set_max_call_levels(200);
        engine.set_max_string_size(16 << 10);
        engine.set_max_array_size(1024);
        engine.set_max_map_size(1024);
        engine.set_max_variables(256);
        // Where a deadline would be looked at.
        engine.on_progress(|_| None);
    }
    engine
}

impl RawRhai {
    pub(crate) fn new(armed: bool) -> Self {
        let engine = engine(armed);
        let ast = engine.compile(SOURCE).unwrap();
        RawRhai { engine, ast }
    }

    fn call(&self, name: &str, args: impl FuncArgs) -> Dynamic {
        let options = CallFnOptions::new().eval_ast(false);
        self.engine.call_fn_with_options(options, &mut Scope::new(), &self.ast, name, args).unwrap()
    }
}

impl Raw for RawRhai {
    fn noop(&mut self) {
        let _ = self.call("noop", ());
    }
    fn add(&mut self, a: i64, b: i64) -> i64 {
        self.call("add", (a, b)).as_int().unwrap()
    }
    fn add_by_name(&mut self, a: i64, b: i64) -> i64 {
        self.add(a, b)
    }
    fn text(&mut self, text: &str) -> String {
        self.call("echo", (text.to_owned(),)).into_string().unwrap()
    }
    fn record(&mut self, unit: &Unit) -> Unit {
        let mut map = Map::new();
        map.insert("alive".into(), unit.alive.into());
        map.insert("hp".into(), unit.hp.into());
        map.insert("id".into(), unit.id.into());
        map.insert("kind".into(), unit.kind.as_str().into());
        map.insert("level".into(), unit.level.into());
        map.insert("name".into(), unit.name.as_str().into());
        map.insert("side".into(), unit.side.as_str().into());
        map.insert("speed".into(), unit.speed.into());
        map.insert("x".into(), unit.x.into());
        map.insert("y".into(), unit.y.into());
        let mut back = self.call("echo", (map,)).cast::<Map>();
        let mut take = |name: &str| back.remove(name).unwrap();
        Unit {
            alive: take("alive").as_bool().unwrap(),
            hp: take("hp").as_int().unwrap(),
            id: take("id").as_int().unwrap(),
            kind: take("kind").into_string().unwrap(),
            level: take("level").as_int().unwrap(),
            name: take("name").into_string().unwrap(),
            side: take("side").into_string().unwrap(),
            speed: take("speed").as_float().unwrap(),
            x: take("x").as_float().unwrap(),
            y: take("y").as_float().unwrap(),
        }
    }
    fn host(&mut self) -> i64 {
        self.call("host", ()).as_int().unwrap()
    }
}
