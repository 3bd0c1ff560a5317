//! Guests that use the codec: values of every type, and every way to break the ABI.
#![allow(clippy::unwrap_used)]

mod support;

use modhost_abi::{Handle, Map};
use modhost_backend::Value::{self, Bool, Bytes, Float, Int, List, Nil};
use support::{Expected, Row, check, check_killed, codec_module, load};

#[track_caller]
fn call(module: &str, args: &[Value], expected: Expected) {
    check(Row { module, args: args.to_vec(), expected, ..Row::default() });
}

/// Gives its only argument back: the list's tag and count become the format byte of a single value.
const ECHO: &str = r#"(func (export "f") (param $at i32) (param $len i32) (result i64)
    (i32.store8 (i32.add (local.get $at) (i32.const 2)) (i32.const 0xb1))
    (i64.or
        (i64.shl (i64.extend_i32_u (i32.add (local.get $at) (i32.const 2))) (i64.const 32))
        (i64.extend_i32_u (i32.sub (local.get $len) (i32.const 2)))))"#;

/// Hands its encoded arguments on to a host function.
fn forward(name: &str) -> String {
    format!(
        r#"(import "host" "{name}" (func $h (param i32 i32) (result i64)))
        (func (export "f") (param i32 i32) (result i64) (call $h (local.get 0) (local.get 1)))"#
    )
}

/// Gives a fixed range as its result.
fn points_to(at: u32, len: u32) -> String {
    let packed = u64::from(at) << 32 | u64::from(len);
    codec_module(
        "export f() -> any",
        &format!(r#"(func (export "f") (param i32 i32) (result i64) (i64.const {packed:#x}))"#),
    )
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(Int(1), |value, _| List(vec![value]))
}

#[test]
fn every_value_comes_back() {
    let echo = codec_module("export f(a: any) -> any", ECHO);
    let forwarded = codec_module("export f(a: any) -> any\nimport host.echo(a: any) -> any", &forward("echo"));
    let map = Map::from_iter([("hp", Int(12)), ("name", Value::from("wolf")), ("tags", List(vec![Nil, Bool(false)]))]);
    for value in [
        Nil,
        Bool(true),
        Int(i64::MIN),
        Float(-0.0),
        Float(f64::NAN),
        Value::from(""),
        Value::from("wölf \u{1f43a}"),
        Bytes(vec![0, 255]),
        Bytes(vec![7; 500_000]),
        List(vec![]),
        Value::Map(map),
        Value::Handle(Handle { kind: 1, slot: 2, generation: 3 }),
        nested(32),
    ] {
        call(&echo, std::slice::from_ref(&value), Ok(value.clone()));
        call(&forwarded, std::slice::from_ref(&value), Ok(value.clone()));
    }
}

#[test]
fn signatures_are_kept() {
    let echo = |signature: &str| codec_module(&format!("export f{signature}"), ECHO);
    call(&echo("(a: int) -> int"), &[Int(5)], Ok(Int(5)));
    call(&echo("(a: int) -> int"), &[Float(5.0)], Err("script.type"));
    call(&echo("(a: int) -> int"), &[], Err("script.arity"));
    call(&echo("(a: int?) -> any"), &[Int(1), Int(2)], Err("script.arity"));
    call(&echo("(a: int) -> float"), &[Int(5)], Err("script.type"));
    call(&echo("(a: bool) -> bool"), &[Bool(true)], Ok(Bool(true)));
    let rig = load(&Row { module: &echo("(name: str) -> str"), ..Row::default() }).unwrap();
    assert_eq!(rig.instance.exports()[0].signature.as_ref().unwrap().to_string(), "(name: str) -> str");
}

#[test]
fn values_beyond_the_limit_are_the_fault_of_whoever_made_them() {
    let echo = codec_module("export f(a: any) -> any", ECHO);
    for value in [nested(33), Bytes(vec![0; 2 << 20])] {
        let mut rig = load(&Row { module: &echo, ..Row::default() }).unwrap();
        assert_eq!(rig.call("f", &[value]).unwrap_err().code(), "limit.value");
        assert!(rig.meter.verdict().is_ok(), "the host's argument is no reason to kill");
        assert_eq!(rig.call("f", &[Int(1)]).unwrap(), Int(1));
    }
    let huge = codec_module("export f() -> bytes\nimport host.huge() -> bytes", &forward("huge"));
    let mut rig = load(&Row { module: &huge, ..Row::default() }).unwrap();
    assert_eq!(rig.call("f", &[]).unwrap_err().code(), "limit.value");
    assert!(rig.meter.verdict().is_ok(), "nor is the host's result");

    // The guest's: a list within a list, 40 deep, and text that is longer than its limit.
    let deep = format!("(data (i32.const 9) \"\\b1{}\\00\")", "\\07\\01".repeat(40));
    let long = "(data (i32.const 9) \"\\b1\\07\\01\\05\\80\\80\\7f\")".to_string();
    for (data, len) in [(deep, 82), (long, 2_100_000)] {
        let module = points_to(9, len) + &data;
        check_killed(Row { module: &module, ..Row::default() }, modhost_backend::Resource::Value);
        let module = codec_module(
            "export f() -> any\nimport host.echo(a: any) -> any",
            &format!(
                r#"(import "host" "echo" (func $h (param i32 i32) (result i64)))
                (func (export "f") (param i32 i32) (result i64) (call $h (i32.const 9) (i32.const {len}))) {data}"#
            ),
        );
        check_killed(Row { module: &module, ..Row::default() }, modhost_backend::Resource::Value);
    }
}

#[test]
fn pointers_of_the_guest_are_checked() {
    let memory = 40 << 16;
    for (at, len) in [
        (u32::MAX, u32::MAX),
        (u32::MAX, 1),
        (0, u32::MAX),
        (memory, 1),
        (memory - 1, 2),
        (1, memory),
        (0, 0),
        (memory, 0),
        (0, memory),
        (1024, 1),
    ] {
        call(&points_to(at, len), &[], Err("wasm.abi"));
    }
    for at in [memory, memory - 1, u32::MAX] {
        let module = r#"(memory (export "memory") 40) (global (export "modhost_abi_1") i32 (i32.const 1))
            (func (export "modhost_alloc") (param i32) (result i32) (i32.const AT))
            (@custom "modhost" "modhost 1\nexport f(a: any) -> any")"#;
        call(&(ECHO.to_owned() + &module.replace("AT", &at.to_string())), &[Int(1)], Err("wasm.abi"));
    }
    for (at, len) in [(u32::MAX, u32::MAX), (memory, 1), (0, memory), (5, 5)] {
        for (listing, import) in [
            ("import host.echo(a: any) -> any", r#"(import "host" "echo" (func $h (param i32 i32) (result i64)))"#),
            ("", r#"(import "modhost" "print" (func $h (param i32 i32)))"#),
            ("", r#"(import "modhost" "panic" (func $h (param i32 i32)))"#),
        ] {
            let drop = if listing.is_empty() { "" } else { "(drop)" };
            let module = codec_module(
                listing,
                &format!(r#"{import} (func (export "f") (call $h (i32.const {at}) (i32.const {len})) {drop})"#),
            );
            let expected = match (listing.is_empty(), at, len) {
                (true, 5, 5) if import.contains("print") => Ok(Nil),
                (true, 0, _) if import.contains("panic") => Err("script.raised"),
                (true, 5, 5) => Err("script.raised"),
                (true, _, 1) | (false, ..) => Err("wasm.abi"),
                (true, ..) if import.contains("print") => Err("limit.output"),
                (true, ..) => Err("wasm.abi"),
            };
            call(&module, &[], expected);
        }
    }
}

#[test]
fn a_listing_must_be_true() {
    let listed = |listing: &str, rest: &str| format!(r#"{ECHO} {rest} (@custom "modhost" "{listing}")"#);
    let whole = r#"(memory (export "memory") 1) (func (export "modhost_abi_1"))
        (func (export "modhost_alloc") (param i32) (result i32) (i32.const 9))"#;
    let good = r"modhost 1\nexport f(a: any) -> any";
    call(&listed(good, whole), &[Int(1)], Ok(Int(1)));
    let twice = r"export f(a: any) -> any\n\nmodhost 1\nmodhost 1\nexport f(a: any) -> any\n";
    call(&listed(twice, whole), &[Int(1)], Ok(Int(1)));
    let split =
        format!(r#"{ECHO} {whole} (@custom "modhost" "modhost 1\n") (@custom "modhost" "export f(a: any) -> any")"#);
    call(&split, &[Int(1)], Ok(Int(1)));
    for listing in [
        "",
        "modhost 2",
        r"export f(a: any) -> any",
        r"modhost 1\nexport f",
        r"modhost 1\nexport (a: any)",
        r"modhost 1\nexport f(a: wolf)",
        r"modhost 1\nexport g()",
        r"modhost 1\nnonsense",
        r"modhost 1\nexport f()\nexport f(a: int)",
        r"modhost 1\n\ff",
    ] {
        call(&listed(listing, whole), &[Int(1)], Err("wasm.abi"));
    }
    for part in [
        r#"(memory (export "memory") 1) (func (export "modhost_abi_1"))"#,
        r#"(func (export "modhost_abi_1")) (func (export "modhost_alloc") (param i32) (result i32) (i32.const 9)) (memory 1)"#,
        r#"(memory (export "memory") 1) (func (export "modhost_alloc") (param i32) (result i32) (i32.const 9))"#,
        r#"(memory (export "memory") 1) (func (export "modhost_abi_1")) (func (export "modhost_alloc"))"#,
        r#"(memory (export "memory") 1) (func (export "modhost_abi_2"))"#,
    ] {
        call(&listed(good, &part.replace("(memory 1)", "(memory $m 1)")), &[Int(1)], Err("wasm.abi"));
    }
    let plain = format!(r#"(func (export "f") (param i32)) {whole} (@custom "modhost" "{good}")"#);
    call(&plain, &[Int(1)], Err("wasm.abi"));
    let import =
        codec_module("import host.echo(a: any) -> any", r#"(import "host" "echo" (func (param i32) (result i32)))"#);
    call(&import, &[], Err("wasm.abi"));
    call(r#"(func (export "modhost_abi_9"))"#, &[], Err("wasm.abi"));
}

#[test]
fn an_allocator_may_not_call_the_host() {
    let module = r#"(import "host" "deep.name" (func $h (result i32))) (memory (export "memory") 1)
        (func (export "modhost_abi_1")) (func (export "modhost_alloc") (param i32) (result i32) (call $h))
        (@custom "modhost" "modhost 1\nexport f(a: any) -> any")"#;
    call(&(module.to_owned() + ECHO), &[Int(1)], Err("wasm.abi"));
}

#[test]
fn a_panic_is_reported_and_is_the_end() {
    let module = r#"(import "modhost" "panic" (func $panic (param i32 i32))) (memory (export "memory") 1)
        (data (i32.const 8) "out of \ffwolves") (func (export "f") (call $panic (i32.const 8) (i32.const 14)) unreachable)
        (func (export "g"))"#;
    let mut rig = load(&Row { module, ..Row::default() }).unwrap();
    for export in ["f", "g"] {
        let fault = rig.call(export, &[]).unwrap_err();
        assert_eq!((fault.code(), fault.message().as_str()), ("script.raised", "out of \u{fffd}wolves"));
        assert!(fault.is_fatal());
    }
}

#[test]
fn print_reaches_the_host_up_to_its_limit() {
    let module = r#"(import "modhost" "print" (func $print (param i32 i32))) (memory (export "memory") 1)
        (data (i32.const 8) "hello \ff") (func (export "f") (param i32) (call $print (i32.const 8) (local.get 0)))"#;
    let mut rig = load(&Row { module, limits: |limits| limits.output = 20, ..Row::default() }).unwrap();
    rig.call("f", &[Int(5)]).unwrap();
    rig.call("f", &[Int(7)]).unwrap();
    assert_eq!(rig.printed(), ["hello", "hello \u{fffd}"]);
    assert_eq!(rig.call("f", &[Int(21)]).unwrap_err().code(), "limit.output");
    let module = r#"(import "modhost" "print" (func $print (param i32 i32))) (memory (export "memory") 1)
        (func (export "f") (loop (call $print (i32.const 8) (i32.const 100)) (br 0)))"#;
    check_killed(Row { module, ..Row::default() }, modhost_backend::Resource::Output);
}
