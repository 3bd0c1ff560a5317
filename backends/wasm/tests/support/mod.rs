//! The one way in which this backend's tests run: a row of text, a call and what must come of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use modhost_backend::{
    Fault, FaultKind, HostFailure, Limits, Resource, Value,
    rig::{Rig, RigBuilder},
};
use modhost_wasm::WasmBackend;

/// What must come of a row: a value, or the code of a fault.
pub(crate) type Expected = Result<Value, &'static str>;

/// One row.
pub(crate) struct Row<'a> {
    /// The fields of a module in text form.
    pub(crate) module: &'a str,
    pub(crate) limits: fn(&mut Limits),
    pub(crate) export: &'a str,
    pub(crate) args: Vec<Value>,
    pub(crate) expected: Expected,
}

impl Default for Row<'_> {
    fn default() -> Self {
        Row { module: "", limits: |_| (), export: "f", args: Vec::new(), expected: Ok(Value::Nil) }
    }
}

/// A module of `fields` with a codec listing, memory and an allocator that always gives the same room.
pub(crate) fn codec_module(listing: &str, fields: &str) -> String {
    let listing = format!("modhost 1\n{listing}").replace('\n', "\\n").replace('"', "\\22");
    format!(
        r#"{fields}
        (memory (export "memory") 40)
        (global (export "modhost_abi_1") i32 (i32.const 1))
        (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
        (@custom "modhost" "{listing}")"#
    )
}

pub(crate) fn assemble(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {fields})")).unwrap_or_else(|error| panic!("{error}\n{fields}"))
}

/// A rig with the host functions that the rows use.
pub(crate) fn builder(limits: fn(&mut Limits)) -> RigBuilder {
    let failed = |failure, message: &str| {
        Err(Fault::new(FaultKind::Host { failure, function: "host.fail".into(), message: message.into() }))
    };
    Rig::builder()
        .limits(limits)
        .host("host.add", "(a: int, b: int) -> int", |args| match args {
            [Value::Int(a), Value::Int(b)] => Ok(Value::Int(a.wrapping_add(*b))),
            _ => Err(Fault::arity(2, args.len())),
        })
        .host("host.half", "(a: float) -> float", |args| match args {
            [Value::Float(a)] => Ok(Value::Float(*a / 2.0)),
            _ => Err(Fault::arity(1, args.len())),
        })
        .host("host.not", "(a: bool) -> bool", |args| match args {
            [Value::Bool(a)] => Ok(Value::Bool(!*a)),
            _ => Err(Fault::arity(1, args.len())),
        })
        .host("host.echo", "(a: any) -> any", |args| Ok(args.first().cloned().unwrap_or_default()))
        .host("host.huge", "() -> bytes", |_| Ok(Value::Bytes(vec![0; 2 << 20])))
        .host("host.optional", "(a: int, b: int?) -> int", |args| Ok(Value::Int(args.len() as i64)))
        .host("host.nothing", "(a: int)", |_| Ok(Value::Nil))
        .host("host.fail", "()", move |_| failed(HostFailure::Failed, "no"))
        .host("host.denied", "()", |_| {
            Err(Fault::new(FaultKind::Denied { capability: "world.spawn".into(), function: "host.denied".into() }))
        })
        .host("host.unwind", "()", |_| std::panic::resume_unwind(Box::new(())))
        .host("host.deep.name", "() -> int", |_| Ok(Value::Int(7)))
}

/// Loads a row's module; the call is left to the caller.
pub(crate) fn load(row: &Row<'_>) -> Result<Rig, Fault> {
    builder(row.limits).file("main.wasm", assemble(row.module)).load(&WasmBackend::new())
}

/// Loads, calls, compares; a fault of loading counts like one of the call. A limit must have ended the plugin unless it
/// was the host that went beyond it.
#[track_caller]
pub(crate) fn check(row: Row<'_>) {
    let result = load(&row).and_then(|mut rig| rig.call(row.export, &row.args));
    let code = result.as_ref().map_err(|fault| fault.code());
    let same = match (&code, &row.expected) {
        (Ok(Value::Float(a)), Ok(Value::Float(b))) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (code, expected) => *code == expected.as_ref().map_err(|code| *code),
    };
    assert!(same, "{:?}\nexpected {:?}, found {result:?}", row.module, row.expected);
}

/// Whether the call ended the plugin for `resource`.
#[track_caller]
pub(crate) fn check_killed(row: Row<'_>, resource: Resource) {
    let mut rig = load(&row).expect("loads");
    let result = rig.call(row.export, &row.args);
    assert_eq!(Rig::code_of(&result), resource.code(), "{}\n{result:?}", row.module);
    assert!(rig.ended_by(resource), "{}", row.module);
    let again = rig.call(row.export, &row.args);
    assert_eq!(Rig::code_of(&again), resource.code(), "a killed instance is not entered again");
}
