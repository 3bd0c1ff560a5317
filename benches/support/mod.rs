//! What both benchmarks share, and the counting of allocations: the guests, and the engines that run them.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::PathBuf;

use modhost::{Engine, FromValue, IntoValue, Policy};

/// Ten fields that cross. No float is whole: what comes back from Lua would be an int.
#[derive(Clone, Debug, PartialEq, FromValue, IntoValue, serde::Deserialize, serde::Serialize)]
pub(crate) struct Unit {
    pub(crate) alive: bool,
    pub(crate) hp: i64,
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) level: i64,
    pub(crate) name: String,
    pub(crate) side: String,
    pub(crate) speed: f64,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

pub(crate) fn unit() -> Unit {
    Unit {
        alive: true,
        hp: 40,
        id: 7,
        kind: "wolf".into(),
        level: 3,
        name: "Greymane the Elder".into(),
        side: "wild".into(),
        speed: 2.5,
        x: 12.25,
        y: -3.75,
    }
}

pub(crate) const LUA: &str = "function noop() end
function add(a, b) return a + b end
function echo(value) return value end
function host() return game.twice(21) end";

pub(crate) const RHAI: &str = "fn noop() {}
fn add(a, b) { a + b }
fn echo(value) { value }
fn host() { game::twice(21) }";

/// Plain numbers, and an `echo` by the codec: the list of one argument becomes the value in it by its third byte. `raw_echo` gives back the
/// range it gets, which is what somebody with a raw interpreter would do.
pub(crate) const WAT: &str = r#"(module
  (@custom "modhost" "modhost 1\nexport echo(value: any) -> any\n")
  (import "game" "twice" (func $twice (param i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "noop"))
  (func (export "add") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
  (func (export "host") (result i64) (call $twice (i64.const 21)))
  (func (export "raw_echo") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
  (func (export "echo") (param $at i32) (param $len i32) (result i64)
    (i32.store8 (i32.add (local.get $at) (i32.const 2)) (i32.const 0xb1))
    (i64.or
      (i64.shl (i64.extend_i32_u (i32.add (local.get $at) (i32.const 2))) (i64.const 32))
      (i64.extend_i32_u (i32.sub (local.get $len) (i32.const 2))))))"#;

/// The native plugin, which cargo built beside this program.
pub(crate) fn library() -> PathBuf {
    let name = format!("{}modhost_native_guest{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    std::env::current_exe().unwrap().parent().unwrap().join(name)
}

/// An engine under `policy` with the host functions that the guests call.
pub(crate) fn engine(policy: Policy) -> Engine {
    Engine::builder()
        .policy(policy)
        .function("game.twice", |n: i64| n * 2)
        .function("test.greet", |name: String| format!("hello {name}"))
        .function("test.ask", |what: String| what.len() as i64)
        .function("test.take", |value: modhost::Value| value)
        .build()
        .unwrap()
}

/// What a hand-written host does with one interpreter.
pub(crate) trait Raw {
    fn noop(&mut self);
    fn add(&mut self, a: i64, b: i64) -> i64;
    fn add_by_name(&mut self, a: i64, b: i64) -> i64;
    fn text(&mut self, text: &str) -> String;
    fn record(&mut self, unit: &Unit) -> Unit;
    fn host(&mut self) -> i64;
}
