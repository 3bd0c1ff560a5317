//! Calls that are suspended in a pending host function, and go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod support;

use modhost_backend::{
    Fault, Step,
    Value::{self, Float, Int, Nil},
    rig::{Rig, RigBuilder},
};
use modhost_wasm::WasmBackend;
use support::{Expected, assemble, codec_module};

const IMPORT: &str = r#"(import "net" "ask" (func $ask (param i64) (result i64)))"#;

fn builder() -> RigBuilder {
    Rig::builder()
        .pending("net.ask", "(a: int) -> int", |args| match args {
            [Int(13)] => Err(Fault::raised("not begun")),
            [Int(_)] => Ok(()),
            _ => Err(Fault::arity(1, args.len())),
        })
        .pending("net.wait", "()", |_| Ok(()))
        .pending("net.get", "(url: str) -> str", |_| Ok(()))
        .pending("net.half", "(a: float) -> float", |_| Ok(()))
        .host("host.add", "(a: int, b: int) -> int", |args| match args {
            [Int(a), Int(b)] => Ok(Int(a.wrapping_add(*b))),
            _ => Err(Fault::arity(2, args.len())),
        })
}

fn rig(fields: &str) -> Rig {
    builder().file("main.wasm", assemble(fields)).load(&WasmBackend::new()).unwrap()
}

/// Starts `f`, answers each time that it is suspended, and compares what it comes to. Nothing else may use other fuel.
#[track_caller]
fn check(fields: &str, args: &[Value], answers: &[Result<Value, &str>], expected: Expected) {
    let mut fuel = None;
    for _ in 0..2 {
        let mut rig = rig(fields);
        let mut step = rig.start("f", args);
        for answer in answers {
            assert_eq!(step.unwrap(), Step::Suspended);
            step = rig.resume(answer.clone().map_err(Fault::raised));
        }
        match (step, &expected) {
            (Ok(Step::Done(found)), Ok(wanted)) => assert_eq!(found, *wanted),
            (Err(fault), Err(code)) => assert_eq!(fault.code(), *code, "{fault}"),
            (step, _) => panic!("{step:?}, wanted {expected:?}"),
        }
        assert_eq!(*fuel.get_or_insert(rig.usage().fuel), rig.usage().fuel, "the same run costs the same");
    }
}

#[test]
fn a_call_goes_on_behind_its_pending_function() {
    let once = format!(r#"{IMPORT} (func (export "f") (param i64) (result i64) (call $ask (local.get 0)))"#);
    check(&once, &[Int(1)], &[Ok(Int(42))], Ok(Int(42)));
    check(&once, &[Int(13)], &[], Err("script.raised"));
    check(&once, &[], &[], Err("script.arity"));
    let nested = format!(
        r#"{IMPORT} (func $inner (param i64) (result i64) (local i64) (local.set 1 (i64.const 1000))
              (i64.add (i64.add (local.get 1) (call $ask (local.get 0))) (call $ask (i64.const 5))))
           (func (export "f") (param i64) (result i64) (i64.mul (call $inner (local.get 0)) (i64.const 2)))"#
    );
    check(&nested, &[Int(1)], &[Ok(Int(20)), Ok(Int(3))], Ok(Int(2046)));
    let loops = format!(
        r#"{IMPORT} (func (export "f") (param $n i64) (result i64) (local $sum i64)
           (loop $again
             (local.set $sum (i64.add (local.get $sum) (call $ask (local.get $n))))
             (br_if $again (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
           (local.get $sum))"#
    );
    let answers: Vec<_> = (1..=12).map(|n| Ok(Int(n))).collect();
    check(&loops, &[Int(12)], &answers, Ok(Int(78)));
    let table = format!(
        r#"{IMPORT} (table funcref (elem $ask)) (type $t (func (param i64) (result i64)))
           (func (export "f") (result i64)
             (i64.add (i64.const 1) (call_indirect (type $t) (i64.const 3) (i32.const 0))))"#
    );
    check(&table, &[], &[Ok(Int(41))], Ok(Int(42)));
    let other = r#"(import "net" "half" (func $half (param f64) (result f64))) (import "net" "wait" (func $wait))
        (func (export "f") (result f64) (call $wait) (f64.add (f64.const 1) (call $half (f64.const 3))))"#;
    check(other, &[], &[Ok(Nil), Ok(Float(1.5))], Ok(Float(2.5)));
}

#[test]
fn slices_of_fuel_before_and_after_do_not_matter() {
    let busy = format!(
        r#"{IMPORT} (func $spin (local i32) (local.set 0 (i32.const 50000))
             (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
           (func (export "f") (result i64) (call $spin) (i64.const 1) (call $spin) (call $ask (i64.const 2)) (call $spin)
             (i64.add) (call $spin) (call $ask (i64.const 3)) (i64.add) (call $spin))"#
    );
    check(&busy, &[], &[Ok(Int(10)), Ok(Int(100))], Ok(Int(111)));
}

#[test]
fn an_error_in_place_of_an_answer_ends_the_call_and_not_the_instance() {
    let fields = format!(
        r#"{IMPORT} (global $sp (export "__stack_pointer") (mut i32) (i32.const 1000))
           (func (export "f") (param i64) (result i64)
             (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
             (call $ask (local.get 0))
             (global.set $sp (i32.add (global.get $sp) (i32.const 16))))
           (func (export "sp") (result i32) (global.get $sp))"#
    );
    check(&fields, &[Int(1)], &[Err("no route")], Err("script.raised"));
    let mut rig = rig(&fields);
    assert_eq!(rig.start("f", &[Int(1)]).unwrap(), Step::Suspended);
    assert_eq!(rig.resume(Err(Fault::raised("no route"))).unwrap_err().trace(), ["f"]);
    assert_eq!(rig.call("sp", &[]).unwrap(), Int(1000), "the shadow stack is back");
    assert_eq!(rig.start("f", &[Int(1)]).unwrap(), Step::Suspended);
    assert_eq!(rig.resume(Ok(Int(7))).unwrap(), Step::Done(Int(7)));
    assert_eq!(rig.resume(Ok(Int(7))).unwrap_err().code(), "internal.bug", "nothing is suspended");
}

#[test]
fn texts_cross_by_the_codec_also_when_their_room_grows_the_memory() {
    let fetch = codec_module(
        "import net.get(url: str) -> str\nexport f(url: str) -> str",
        r#"(import "net" "get" (func $get (param i32 i32) (result i64)))
           (func (export "f") (param i32 i32) (result i64) (call $get (local.get 0) (local.get 1)))"#,
    );
    check(&fetch, &[Value::from("a")], &[Ok(Value::from("the page"))], Ok(Value::from("the page")));
    check(&fetch, &[Value::from("a")], &[Ok(Value::from("x".repeat(5_000_000)))], Err("limit.value"));
    check(&fetch, &[Value::from("a")], &[Err("gone")], Err("script.raised"));
    check(&fetch, &[Int(1)], &[], Err("script.type"));
    let grows = fetch
        .replace("(i32.const 1024)", "(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))")
        .replace("(call $get (local.get 0) (local.get 1))", "(i32.store (i32.const 8) (i32.const 9)) (call $get (local.get 0) (local.get 1)) (i32.store (i32.const 8) (i32.const 7))");
    check(&grows, &[Value::from("a")], &[Ok(Value::from("the page"))], Ok(Value::from("the page")));
}

#[test]
fn what_cannot_be_suspended_is_refused_before_anything_is_begun() {
    let again = format!(r#"{IMPORT} (export "f" (func $ask))"#);
    check(&again, &[Int(1)], &[], Err("host.cannot-suspend"));
    let plain = format!(r#"{IMPORT} (func (export "f") (result i64) (call $ask (i64.const 1)))"#);
    assert_eq!(rig(&plain).call("f", &[]).unwrap_err().code(), "host.cannot-suspend");
    let load = |fields: &str| builder().file("main.wasm", assemble(fields)).load(&WasmBackend::new()).map(|_| ());
    let starts = format!(r#"{IMPORT} (func $s (drop (call $ask (i64.const 1)))) (start $s)"#);
    assert_eq!(load(&starts).unwrap_err().code(), "host.cannot-suspend");
    let tail = |name: &str, arguments: &str| {
        let import =
            format!(r#"(import "{}" (func $go (param i64{arguments}) (result i64)))"#, name.replace('.', "\" \""));
        let more = if arguments.is_empty() { "" } else { "(i64.const 2)" };
        load(&format!(r#"{import} (func (export "f") (result i64) (return_call $go (i64.const 1) {more}))"#))
    };
    assert_eq!(tail("net.ask", "").unwrap_err().code(), "wasm.invalid");
    assert!(tail("host.add", " i64").is_ok(), "a module without pending functions may have tail calls");
}

#[test]
fn an_answer_that_the_guest_cannot_have_is_a_type_error() {
    let narrow = r#"(import "net" "ask" (func $ask (param i32) (result i32)))
        (func (export "f") (result i32) (call $ask (i32.const 1)))"#;
    check(narrow, &[], &[Ok(Int(1 << 40))], Err("script.type"));
    check(narrow, &[], &[Ok(Int(9))], Ok(Int(9)));
}

#[test]
fn fuel_goes_on_over_the_whole_call() {
    let fields = format!(r#"{IMPORT} (func (export "f") (loop (drop (call $ask (i64.const 1))) (br 0)))"#);
    let mut rig = builder()
        .limits(|limits| limits.fuel = 1000)
        .file("main.wasm", assemble(&fields))
        .load(&WasmBackend::new())
        .unwrap();
    let mut step = rig.start("f", &[]);
    let mut times = 0;
    while matches!(step, Ok(Step::Suspended)) {
        times += 1;
        assert!(times < 100);
        step = rig.resume(Ok(Int(1)));
    }
    assert_eq!(step.unwrap_err().code(), "limit.fuel");
    assert!(times > 5, "{times}");
}
