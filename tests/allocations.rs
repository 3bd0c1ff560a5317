//! Heap allocations of a prepared call, counted: in our layers none; where there are some, they are the interpreter's own, which its raw call
//! makes as well. The numbers are exact, so that one more is seen.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../benches/support/mod.rs"]
mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

use modhost::{Call, FromValue, IntoArgs, Policy};
use support::{LUA, RHAI, WAT, engine, library};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Counts what the running thread allocates.
struct Counting;

// SAFETY: every call is handed on as it is; the counter is a constant-initialised thread-local without a destructor, so it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, and `at` came from `System`.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise, and `at` came from `System`.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const CALLS: u64 = 1000;

/// Allocations of [`CALLS`] calls, after as many that warm buffers up.
fn count(mut call: impl FnMut()) -> u64 {
    for _ in 0..CALLS {
        call();
    }
    let before = COUNT.get();
    for _ in 0..CALLS {
        call();
    }
    COUNT.get() - before
}

/// `ours` allocates as often as `expected` says per call, which is what `raw` does.
#[track_caller]
fn check(name: &str, expected: u64, raw: impl FnMut(), ours: impl FnMut()) {
    let (raw, ours) = (count(raw), count(ours));
    println!("{name:24} raw {raw:5} engine {ours:5} per {CALLS} calls");
    assert_eq!(ours, expected * CALLS, "{name}: through the engine");
    assert_eq!(raw, expected * CALLS, "{name}: the interpreter by itself");
}

fn prepared<A: IntoArgs, R: FromValue>(file: &str, source: &str, export: &str) -> Call<A, R> {
    let engine = engine(Policy::mods());
    let plugin = engine.load_source(file, source).unwrap();
    engine.prepare(plugin, export).unwrap()
}

#[test]
fn the_counter_counts() {
    check("a box", 1, || drop(black_box(Box::new(1))), || drop(black_box(vec![1_u8])));
}

#[test]
fn lua() {
    let raw = mlua::Lua::new();
    raw.globals().set("game", raw.create_table().unwrap()).unwrap();
    raw.load(LUA).exec().unwrap();
    let (noop, add): (mlua::Function, mlua::Function) =
        (raw.globals().get("noop").unwrap(), raw.globals().get("add").unwrap());
    let ours = prepared::<(), ()>("mod.lua", LUA, "noop");
    check("lua: no-op", 0, || noop.call(()).unwrap(), || ours.call(&mut (), ()).unwrap());
    let ours = prepared::<(i64, i64), i64>("mod.lua", LUA, "add");
    check(
        "lua: two integers",
        0,
        || assert_eq!(add.call::<i64>((40, 2)).unwrap(), 42),
        || assert_eq!(ours.call(&mut (), (40, 2)).unwrap(), 42),
    );
}

#[test]
fn rhai() {
    let raw = ::rhai::Engine::new();
    let ast = raw.compile("fn noop() {} fn add(a, b) { a + b }").unwrap();
    fn call(raw: &::rhai::Engine, ast: &::rhai::AST, name: &str, args: impl ::rhai::FuncArgs) -> ::rhai::Dynamic {
        let options = ::rhai::CallFnOptions::new().eval_ast(false);
        raw.call_fn_with_options(options, &mut ::rhai::Scope::new(), ast, name, args).unwrap()
    }
    let ours = prepared::<(), ()>("mod.rhai", RHAI, "noop");
    check("rhai: no-op", 0, || drop(call(&raw, &ast, "noop", ())), || ours.call(&mut (), ()).unwrap());
    // Rhai's own six: the list of arguments, the scope's names and values, and what they grow by.
    let ours = prepared::<(i64, i64), i64>("mod.rhai", RHAI, "add");
    check(
        "rhai: two integers",
        6,
        || assert_eq!(call(&raw, &ast, "add", (40_i64, 2_i64)).as_int(), Ok(42)),
        || assert_eq!(ours.call(&mut (), (40, 2)).unwrap(), 42),
    );
}

#[test]
fn wasm() {
    let raw = wasmi::Engine::default();
    let module = wasmi::Module::new(&raw, &wat::parse_str(WAT).unwrap()[..]).unwrap();
    let mut linker = wasmi::Linker::new(&raw);
    linker.func_wrap("game", "twice", |n: i64| n * 2).unwrap();
    let mut store = wasmi::Store::new(&raw, ());
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let noop = instance.get_typed_func::<(), ()>(&store, "noop").unwrap();
    let ours = prepared::<(), ()>("mod.wat", WAT, "noop");
    check("wasm: no-op", 0, || noop.call(&mut store, ()).unwrap(), || ours.call(&mut (), ()).unwrap());
    let add = instance.get_typed_func::<(i64, i64), i64>(&store, "add").unwrap();
    let ours = prepared::<(i64, i64), i64>("mod.wat", WAT, "add");
    check(
        "wasm: two integers",
        0,
        || assert_eq!(add.call(&mut store, (40, 2)).unwrap(), 42),
        || assert_eq!(ours.call(&mut (), (40, 2)).unwrap(), 42),
    );
    let host = instance.get_typed_func::<(), i64>(&store, "host").unwrap();
    let ours = prepared::<(), i64>("mod.wat", WAT, "host");
    check(
        "wasm: a host function from inside",
        0,
        || assert_eq!(host.call(&mut store, ()).unwrap(), 42),
        || assert_eq!(ours.call(&mut (), ()).unwrap(), 42),
    );
}

#[test]
fn native() {
    let engine = engine(Policy::development());
    let plugin = engine.load_path(library()).unwrap();
    let ours = engine.prepare::<(), ()>(plugin, "nothing").unwrap();
    check("native: no-op", 0, || {}, || ours.call(&mut (), ()).unwrap());
    let ours = engine.prepare::<(i64, i64), i64>(plugin, "add").unwrap();
    check("native: two integers", 0, || {}, || assert_eq!(ours.call(&mut (), (40, 2)).unwrap(), 42));
}
