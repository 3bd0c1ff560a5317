//! Functions of plain numbers, exported and imported.
#![allow(clippy::unwrap_used, clippy::float_cmp)]

mod support;

use modhost_backend::Value::{self, Bool, Float, Int, Nil};
use support::{Expected, Row, check, load};

#[track_caller]
fn call(module: &str, args: &[Value], expected: Expected) {
    check(Row { module, args: args.to_vec(), expected, ..Row::default() });
}

const ID32: &str = r#"(func (export "f") (param i32) (result i32) (local.get 0))"#;
const ID64: &str = r#"(func (export "f") (param i64) (result i64) (local.get 0))"#;
const IDF32: &str = r#"(func (export "f") (param f32) (result f32) (local.get 0))"#;
const IDF64: &str = r#"(func (export "f") (param f64) (result f64) (local.get 0))"#;

#[test]
fn numbers_cross_exactly_or_not_at_all() {
    for int in [0, 1, -1, i64::from(i32::MIN), i64::from(i32::MAX)] {
        call(ID32, &[Int(int)], Ok(Int(int)));
    }
    for int in [i64::from(i32::MAX) + 1, i64::from(i32::MIN) - 1, i64::MAX, i64::MIN] {
        call(ID32, &[Int(int)], Err("script.type"));
        call(ID64, &[Int(int)], Ok(Int(int)));
    }
    for float in [0.0, -0.0, 1.5, f64::INFINITY, f64::NAN, f64::MIN_POSITIVE] {
        call(IDF64, &[Float(float)], Ok(Float(float)));
    }
    call(IDF32, &[Float(0.5)], Ok(Float(0.5)));
    call(IDF32, &[Float(0.1)], Ok(Float(f64::from(0.1_f32))));
    call(IDF32, &[Float(1e300)], Ok(Float(f64::INFINITY)));
    for (module, arg) in
        [(ID32, Float(1.0)), (IDF64, Int(1)), (ID64, Bool(true)), (ID32, Nil), (ID64, Value::from("1"))]
    {
        call(module, &[arg], Err("script.type"));
    }
    call(r#"(func (export "f") (result i32) (i32.const 0xffffffff))"#, &[], Ok(Int(-1)));
    call(r#"(func (export "f"))"#, &[], Ok(Nil));
}

#[test]
fn the_number_of_arguments_and_results_is_checked() {
    call(ID32, &[], Err("script.arity"));
    call(ID32, &[Int(1), Int(2)], Err("script.arity"));
    call(r#"(func (export "f") (result i32 i32) (i32.const 1) (i32.const 2))"#, &[], Err("script.type"));
    call(r#"(func (export "g"))"#, &[], Err("script.missing-export"));
    call(r#"(func (export "f") (param externref))"#, &[Nil], Err("script.missing-export"));
    call(r#"(global (export "f") i32 (i32.const 1))"#, &[], Err("script.missing-export"));
}

#[test]
fn exports_are_listed_with_their_signatures() {
    let module = r#"(func (export "b") (param i32 f64) (result i64) (i64.const 1)) (func (export "a"))
        (func (export "c") (result i32 i32) (i32.const 1) (i32.const 2)) (func (export "modhost_hidden"))
        (func (export "d") (param funcref)) (memory (export "memory") 1)"#;
    let rig = load(&Row { module, ..Row::default() }).unwrap();
    let shown: Vec<String> = (rig.instance.exports().iter())
        .map(|export| {
            format!("{} {:?} {:?}", export.name, export.signature.as_ref().map(ToString::to_string), export.arity)
        })
        .collect();
    let expected = [r#"a Some("()") Some(0)"#, r#"b Some("(a: int, b: float) -> int") Some(2)"#, "c None Some(0)"];
    assert_eq!(shown, expected);
    assert_eq!(rig.instance.memory_used(), Some(65536));
}

/// `f` calls the import with its own parameters.
fn import(name: &str, params: &str, result: &str) -> String {
    let (module, field) = name.split_once('.').unwrap();
    let gets: String = (0..params.split_whitespace().count()).map(|at| format!("(local.get {at})")).collect();
    let result = if result.is_empty() { String::new() } else { format!("(result {result})") };
    format!(
        r#"(import "{module}" "{field}" (func $h (param {params}) {result}))
        (func (export "f") (param {params}) {result} (call $h {gets}))"#
    )
}

#[test]
fn host_functions_link_by_plain_types_that_fit() {
    for (name, params, result, args, expected) in [
        ("host.add", "i32 i32", "i32", &[Int(40), Int(2)][..], Ok(Int(42))),
        ("host.add", "i64 i32", "i64", &[Int(i64::MAX), Int(0)], Ok(Int(i64::MAX))),
        ("host.add", "i32 i32", "i32", &[Int(i64::from(i32::MAX)), Int(1)], Err("script.type")),
        ("host.half", "f64", "f64", &[Float(3.0)], Ok(Float(1.5))),
        ("host.half", "f32", "f32", &[Float(3.0)], Ok(Float(1.5))),
        ("host.not", "i32", "i32", &[Int(7)], Ok(Int(0))),
        ("host.not", "i32", "i64", &[Int(0)], Ok(Int(1))),
        ("host.echo", "f64", "f64", &[Float(2.0)], Ok(Float(2.0))),
        ("host.echo", "f64", "i64", &[Float(2.0)], Err("script.type")),
        ("host.optional", "i32", "i32", &[Int(1)], Ok(Int(1))),
        ("host.optional", "i32 i32", "i32", &[Int(1), Int(2)], Ok(Int(2))),
        ("host.deep.name", "", "i32", &[], Ok(Int(7))),
        ("host.nothing", "i32", "", &[Int(1)], Ok(Nil)),
        ("host.add", "f64 i32", "i32", &[Float(1.0), Int(2)], Err("wasm.abi")),
        ("host.add", "i32", "i32", &[Int(1)], Err("wasm.abi")),
        ("host.add", "i32 i32", "", &[Int(1), Int(1)], Err("wasm.abi")),
        ("host.half", "i32", "f64", &[Int(1)], Err("wasm.abi")),
        ("host.nothing", "i32", "i32", &[Int(1)], Err("wasm.abi")),
        ("host.huge", "", "i32", &[], Err("wasm.abi")),
        ("host.absent", "i32", "i32", &[Int(1)], Err("script.missing-import")),
        ("absent.add", "i32", "i32", &[Int(1)], Err("script.missing-import")),
        ("modhost.print", "i32", "", &[Int(1)], Err("wasm.abi")),
    ] {
        call(&import(name, params, result), args, expected);
    }
    call(r#"(import "host" "add" (memory 1))"#, &[], Err("script.missing-import"));
    call(r#"(import "env" "g" (global i32))"#, &[], Err("script.missing-import"));
}

#[test]
fn a_type_that_does_not_fit_is_explained() {
    for (name, params, result, part) in [
        ("host.add", "f64 i32", "i32", "which needs (i32 or i64, i32 or i64) -> i32 or i64"),
        ("host.huge", "", "i32", "only the codec can carry"),
        ("host.absent", "", "", "`host.absent`"),
    ] {
        let module = import(name, params, result);
        let message = load(&Row { module: &module, ..Row::default() }).err().unwrap().message();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_fault_of_the_host_keeps_its_identity() {
    for (name, code) in
        [("host.fail", "host.failed"), ("host.denied", "denied.capability"), ("host.unwind", "internal.bug")]
    {
        let module = import(name, "", "");
        check(Row { module: &module, expected: Err(code), ..Row::default() });
    }
    let module = import("host.fail", "", "");
    let mut rig = load(&Row { module: &module, ..Row::default() }).unwrap();
    let fault = rig.call("f", &[]).unwrap_err();
    assert_eq!((fault.to_string().as_str(), fault.trace()), ("main.wasm: `host.fail`: no", &["f".to_string()][..]));
    assert_eq!(rig.call("f", &[]).unwrap_err().code(), "host.failed", "it is no reason to drop the instance");
}

#[test]
fn a_failed_call_puts_the_shadow_stack_back() {
    let module = r#"(import "host" "fail" (func $fail)) (global $sp (export "__stack_pointer") (mut i32) (i32.const 5000))
        (func (export "f") (global.set $sp (i32.const 1)) (call $fail))
        (func (export "sp") (result i32) (global.get $sp))"#;
    let mut rig = load(&Row { module, ..Row::default() }).unwrap();
    assert_eq!(rig.call("f", &[]).unwrap_err().code(), "host.failed");
    assert_eq!(rig.call("sp", &[]).unwrap(), Int(5000));
}
