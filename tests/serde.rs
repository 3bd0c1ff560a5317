//! Serde types through the engine: arguments, results and host functions, in the languages that have maps.

#![allow(clippy::unwrap_used)]

use modhost::{Code, Engine, Handle, serde::Serde};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Unit {
    id: u32,
    owner: Option<String>,
    place: (f64, f64),
    order: Order,
    flag: Option<Handle>,
    #[serde(with = "modhost::serde::bytes")]
    sprite: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
enum Order {
    Wait,
    Guard { ids: Vec<u32> },
}

fn unit() -> Unit {
    Unit {
        id: 7,
        owner: None,
        place: (1.5, -0.25),
        order: Order::Guard { ids: vec![1, 2] },
        flag: Some(Handle { kind: 1, slot: 2, generation: 3 }),
        sprite: vec![0, 255],
    }
}

fn engine() -> Engine {
    Engine::builder()
        .function("game.keep", |kept: &mut Vec<Unit>, Serde(unit): Serde<Unit>| kept.push(unit))
        .function("game.last", |kept: &mut Vec<Unit>| kept.last().cloned().map(Serde))
        .build()
        .unwrap()
}

/// Passes a unit in, has the plugin hand it to the host and take it back from there, and changes its order on the way.
fn check(file: &str, source: &str) {
    let engine = engine();
    let plugin = engine.load_source(file, source).unwrap();
    let mut kept: Vec<Unit> = Vec::new();
    let Serde(back): Serde<Unit> = engine.call(&mut kept, plugin, "through", (Serde(unit()),)).unwrap();
    assert_eq!(kept, [unit()]);
    assert_eq!(back, Unit { order: Order::Wait, ..unit() });

    let error = engine.call::<_, Serde<Unit>>(&mut kept, plugin, "wrong", (Serde(unit()),)).unwrap_err();
    assert_eq!(error.code(), Code::ScriptType);
    assert!(error.message().contains(".order.Guard.ids[1]: expected int, found str"), "{error}");
}

#[test]
fn a_struct_crosses_both_ways_in_lua() {
    check(
        "keep.lua",
        "function through(unit) game.keep(unit) local last = game.last() last.order = 'Wait' return last end
         function wrong(unit) unit.order.Guard.ids[2] = 'x' return unit end",
    );
}

#[test]
fn a_struct_crosses_both_ways_in_rhai() {
    check(
        "keep.rhai",
        "fn through(unit) { game::keep(unit); let last = game::last(); last.order = \"Wait\"; last }
         fn wrong(unit) { unit.order.Guard.ids[1] = \"x\"; unit }",
    );
}
