//! Guests of the value ABI that lie: where they put results, what lies there, which rooms they hand out, what they list.

use arbitrary::{Arbitrary, Unstructured};
use modhost::Value;

use crate::{Play, engine, exercise};

const LISTINGS: [&str; 8] = [
    "modhost 1\\nexport go(value: any) -> any\\n",
    "modhost 1\\nexport go(value: any) -> any\\nimport host.echo(value: any) -> any\\n",
    "modhost 1\\nexport go(value: any) -> int\\nimport host.add(a: int, b: int) -> int\\n",
    "modhost 1\\nexport go(value: any) -> list<str>\\nimport host.fail(text: str) -> nil\\n",
    "modhost 1\\nexport go() -> str\\nexport missing() -> any\\n",
    "modhost 2\\nexport go() -> any\\n",
    "export go(",
    "modhost 1\\nexport go(value: {hp: int, name: str?}) -> {hp: int}\\n",
];

/// What an address, a length or a room may be.
fn number(bytes: &mut Unstructured<'_>) -> arbitrary::Result<u32> {
    const TELLING: [u32; 12] =
        [0, 1, 16, 1024, 65_520, 65_535, 65_536, 131_072, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, u32::MAX];
    if bool::arbitrary(bytes)? { Ok(*bytes.choose(&TELLING)?) } else { bytes.int_in_range(0..=70_000) }
}

fn guest(mut bytes: Unstructured<'_>) -> arbitrary::Result<String> {
    let listing = *bytes.choose(&LISTINGS)?;
    let (at, len) = (number(&mut bytes)?, number(&mut bytes)?);
    let room = match bytes.int_in_range(0..=5)? {
        0 => "(unreachable)".to_owned(),
        1 => "(drop (memory.grow (i32.const 8))) (i32.const 65536)".to_owned(),
        2 => "(loop $l (br $l)) (i32.const 0)".to_owned(),
        3 => "(call $alloc (local.get 0))".to_owned(),
        _ => format!("(i32.const {})", number(&mut bytes)? as i32),
    };
    let before = match bytes.int_in_range(0..=4)? {
        0 => format!(
            "(drop (call $import (i32.const {}) (i32.const {})))",
            number(&mut bytes)? as i32,
            number(&mut bytes)? as i32
        ),
        1 => format!(
            "(call $print (i32.const {}) (i32.const {}))",
            number(&mut bytes)? as i32,
            number(&mut bytes)? as i32
        ),
        2 => format!(
            "(call $panic (i32.const {}) (i32.const {}))",
            number(&mut bytes)? as i32,
            number(&mut bytes)? as i32
        ),
        3 => "(drop (call $import (local.get 0) (local.get 1)))".to_owned(),
        _ => String::new(),
    };
    let import = listing.split_once("import host.").map(|(_, rest)| rest.split('(').next().unwrap_or_default());
    let (declared, substitute) = match import {
        Some(name) => (format!("(import \"host\" \"{name}\" (func $import (param i32 i32) (result i64)))"), ""),
        None => (String::new(), "(func $import (param i32 i32) (result i64) (i64.const 0))"),
    };
    let data: String = bytes.take_rest().iter().take(512).map(|byte| format!("\\{byte:02x}")).collect();
    let result = (u64::from(at) << 32 | u64::from(len)) as i64;
    Ok(format!(
        r#"(module (@custom "modhost" "{listing}") {declared}
          (import "modhost" "print" (func $print (param i32 i32)))
          (import "modhost" "panic" (func $panic (param i32 i32)))
          (memory (export "memory") 1) (data (i32.const 16) "{data}") {substitute}
          (func (export "modhost_abi_1"))
          (func $alloc (export "modhost_alloc") (param i32) (result i32) {room})
          (func (export "go") (param i32 i32) (result i64) {before} (i64.const {result})))"#
    ))
}

pub(crate) fn start() -> Play {
    let args = [Value::List(vec![Value::from("wolf"), Value::Int(-1), Value::Float(0.5)])];
    Box::new(move |bytes| {
        let text = guest(Unstructured::new(bytes)).map_err(|error| error.to_string())?;
        exercise(&engine(), "fuzz.wat", text.as_bytes(), &args)
    })
}
