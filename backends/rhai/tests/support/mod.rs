//! The one `check` of this crate's tests: loads a source, calls an export, compares a value or a code.
#![allow(clippy::unwrap_used, clippy::panic, dead_code)]

use modhost_backend::{Fault, FaultKind, Limits, Value, rig::Rig};
use modhost_rhai::RhaiBackend;

/// What a row expects.
pub(crate) enum Expect {
    /// The value.
    Is(Value),
    /// The code of the fault, of loading or of the call.
    Code(&'static str),
    /// The code, and where.
    At(&'static str, &'static str),
}

pub(crate) use Expect::{At, Code, Is};

/// Loads `source` as `main.rhai` with a host of every kind of function, under `limits`.
pub(crate) fn load(source: &str, limits: impl FnOnce(&mut Limits)) -> Result<Rig, Fault> {
    Rig::builder()
        .limits(limits)
        .file("main.rhai", source)
        .host("world.spawn", "(kind: str, x: float, y: float?) -> int", |args| match &args[0] {
            Value::Str(kind) if kind == "none" => {
                Err(Fault::new(FaultKind::Denied { capability: "world.spawn".into(), function: "world.spawn".into() }))
            }
            _ => Ok(Value::Int(args.len() as i64)),
        })
        .host("world.units.echo", "(value: any) -> any", |args| Ok(args[0].clone()))
        .host("world.typed", "(n: int) -> int", |args| match &args[0] {
            Value::Int(n) => Ok(Value::Int(n + 1)),
            other => Err(modhost_abi::TypeError::new("int", other.type_name()).into()),
        })
        .host("world.big", "() -> str", |_| Ok(Value::from("x".repeat(100_000))))
        .host("hello", "() -> str", |_| Ok(Value::from("hi")))
        .load(&RhaiBackend::new())
}

/// Checks one call on a fresh plugin.
pub(crate) fn check(source: &str, limits: impl FnOnce(&mut Limits), args: &[Value], expect: &Expect) {
    let result = load(source, limits).and_then(|mut rig| rig.call("main", args));
    let shown = || source.chars().take(200).collect::<String>();
    match (expect, result) {
        (Is(value), Ok(found)) => assert!(*value == found, "{}\nexpected {value:?}, found {found:?}", shown()),
        (Code(code), Err(fault)) => assert_eq!(*code, fault.code(), "{}\n{fault}", shown()),
        (At(code, place), Err(fault)) => {
            let found = fault.place().map(ToString::to_string).unwrap_or_default();
            assert_eq!((*code, *place), (fault.code(), found.as_str()), "{}\n{fault}", shown());
        }
        (Is(value), Err(fault)) => panic!("{}\nexpected {value:?}, failed: {} {fault}", shown(), fault.code()),
        (Code(code) | At(code, _), Ok(found)) => panic!("{}\nexpected {code}, found {found:?}", shown()),
    }
}

/// Whether the text of `result` is a code of a limit.
pub(crate) fn code(result: &Result<Value, Fault>) -> &str {
    Rig::code_of(result)
}
