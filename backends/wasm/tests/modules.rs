//! Modules that are refused, and what runs while a module is loaded.
#![allow(clippy::unwrap_used)]

mod support;

use modhost_backend::Value::Int;
use modhost_wasm::WasmBackend;
use support::{Row, assemble, builder, check, load};

#[track_caller]
fn refuse(bytes: &[u8], code: &str) {
    let fault = builder(|_| ()).file("main.wasm", bytes).load(&WasmBackend::new()).err();
    assert_eq!(fault.as_ref().map(|fault| fault.code()), Some(code), "{bytes:x?} {fault:?}");
}

#[test]
fn what_is_no_core_module_is_refused() {
    refuse(b"", "wasm.invalid");
    refuse(b"(module)", "wasm.invalid");
    refuse(b"\0asm", "wasm.invalid");
    refuse(b"\0asm\x0d\0\x01\0", "wasm.invalid");
    refuse(b"\0asm\x02\0\0\0", "wasm.invalid");
    refuse(b"\x7fELF\x02\x01\x01\0", "wasm.invalid");
    refuse(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f", "wasm.invalid");
    refuse(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\xff\xff", "wasm.invalid");
    refuse(b"\0asm\x01\0\0\0\x0d\x01\x00", "wasm.invalid");
}

#[test]
fn every_cut_and_every_flip_of_a_module_is_refused_or_loads() {
    let whole = assemble(
        r#"(import "host" "add" (func $add (param i32 i32) (result i32))) (memory (export "memory") 1)
        (table 3 funcref) (elem (i32.const 0) $g) (global (mut i32) (i32.const 5)) (func $g (global.set 0 (i32.const 1)))
        (start $g) (data (i32.const 3) "abc") (func (export "f") (result i32) (call $add (i32.const 1) (i32.const 2)))
        (@custom "modhost" "modhost 1\nimport host.add(a: int, b: int) -> int")"#,
    );
    let codes = ["wasm.invalid", "wasm.abi", "script.missing-import", "limit.memory", "limit.fuel", "wasm.trap"];
    let attempt = |bytes: &[u8]| {
        if let Err(fault) = builder(|_| ()).file("main.wasm", bytes).load(&WasmBackend::new()) {
            assert!(codes.contains(&fault.code()), "{fault:?} {bytes:x?}");
        }
    };
    for at in 0..whole.len() {
        attempt(&whole[..at]);
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            attempt(&flipped);
        }
    }
}

#[test]
fn proposals_that_are_off_and_counts_beyond_their_caps_are_refused() {
    let many = |field: &str, count: usize| field.repeat(count);
    for module in [
        "(memory 1) (memory 1)".to_string(),
        "(memory i64 1)".into(),
        "(memory 1 (pagesize 1))".into(),
        "(tag)".into(),
        "(func (param v128))".into(),
        "(memory 1 1 shared)".into(),
        "(func (result i64 i64) (i64.add128 (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1)))".into(),
        "(func (result i32) (i64.const 1))".into(),
        many("(global i32 (i32.const 1))", 1001),
        many("(table 0 funcref)", 101),
        many("(func)", 10_001),
        format!("(func (param {}))", many("i32 ", 33)),
        format!("(func (result {}) unreachable)", many("i32 ", 9)),
        format!("(func (local {}))", many("i64 ", 1001)),
        format!("(func {})", many("(drop (i32.const 1))", 180_000)),
        r#"(func (export "\01modhost start")) (func $s) (start $s)"#.into(),
        "(func $s (param i32)) (start $s)".into(),
    ] {
        refuse(&assemble(&module), "wasm.invalid");
    }
}

#[test]
fn small_hand_written_modules_are_taken() {
    let getters: String =
        (0..400).map(|at| format!(r#"(func (export "g{at}") (result i32) (i32.const {at}))"#)).collect();
    check(Row { module: &getters, export: "g7", expected: Ok(Int(7)), ..Row::default() });
    check(Row { module: "(table 100 funcref)", expected: Err("script.missing-export"), ..Row::default() });
    let tail = r#"(func $t (param i32) (result i32) (if (i32.eqz (local.get 0)) (then (return (i32.const 9))))
        (return_call $t (i32.sub (local.get 0) (i32.const 1)))) (export "f" (func $t))"#;
    check(Row { module: tail, args: vec![Int(10_000)], expected: Ok(Int(9)), ..Row::default() });
}

#[test]
fn the_start_function_runs_and_is_metered() {
    for exports in ["", r#"(func (export "g"))"#] {
        let module = format!(
            r#"(global $n (mut i32) (i32.const 0)) (func $s (global.set $n (i32.const 5))) (start $s)
            {exports} (func $f (result i32) (global.get $n)) (export "f" (func $f))"#
        );
        check(Row { module: &module, expected: Ok(Int(5)), ..Row::default() });
    }
    // Without an export section the start function gets one of its own.
    assert!(load(&Row { module: "(func $s) (start $s)", ..Row::default() }).unwrap().instance.exports().is_empty());
    for (body, code) in [
        ("(loop (br 0))", "limit.fuel"),
        ("unreachable", "wasm.trap"),
        ("(call $s)", "limit.depth"),
        ("(call $fail)", "host.failed"),
    ] {
        let module = format!(r#"(import "host" "fail" (func $fail)) (func $s {body}) (start $s)"#);
        check(Row { module: &module, expected: Err(code), ..Row::default() });
    }
}

#[test]
fn a_start_section_stands_in_its_place_once() {
    let whole = assemble(r#"(func $s (export "s")) (start $s)"#);
    let at = whole.windows(3).position(|bytes| bytes == [8, 1, 0]).unwrap();
    let (before, after) = (&whole[..at], &whole[at + 3..]);
    let start = &[8, 1, 0][..];
    refuse(&[before, after, start].concat(), "wasm.invalid");
    refuse(&[before, start, start, after].concat(), "wasm.invalid");
    refuse(&[&before[..14], start, &before[14..], after].concat(), "wasm.invalid");
    assert!(builder(|_| ()).file("m.wasm", [before, start, after].concat()).load(&WasmBackend::new()).is_ok());
}

#[test]
fn instantiation_is_checked() {
    for (module, code) in [
        (r#"(memory 1) (data (i32.const 65536) "x")"#, "wasm.trap"),
        ("(table 1 funcref) (func $g) (elem (i32.const 1) $g)", "wasm.trap"),
        ("(memory 2000)", "limit.memory"),
        ("(table 100000000 funcref)", "limit.memory"),
    ] {
        check(Row { module, expected: Err(code), ..Row::default() });
    }
}
