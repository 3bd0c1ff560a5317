//! Values there and back: a plugin that returns its argument gives the very value, or the code that says why it cannot.

use std::{sync::Arc, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use modhost::{Code, Engine, Map, PluginId, Value, audit::MemoryLog};

use crate::{Play, engine_with, judged};

/// The largest magnitude up to which Lua holds every whole number.
const WHOLE: i64 = 1 << 53;

fn value(bytes: &mut Unstructured<'_>, depth: u32) -> arbitrary::Result<Value> {
    let kinds = if depth > 150 { 6 } else { 9 };
    Ok(match bytes.int_in_range(0..=kinds)? {
        0 => Value::Nil,
        1 => Value::Bool(bool::arbitrary(bytes)?),
        2 => Value::Int(i64::arbitrary(bytes)?),
        3 => Value::Int(*bytes.choose(&[0, -1, WHOLE, -WHOLE, WHOLE + 1, -WHOLE - 1, i64::MIN, i64::MAX])?),
        4 => Value::Float(f64::from_bits(u64::arbitrary(bytes)?)),
        5 => Value::Float(*bytes.choose(&[0.0, -0.0, 1.0, -3.0, f64::NAN, f64::INFINITY, 9.0e15, 9.1e15, 5e-324])?),
        6 => Value::from(<&str>::arbitrary(bytes)?),
        7 => Value::Bytes(<Vec<u8>>::arbitrary(bytes)?),
        8 => {
            // Some are deep rather than wide.
            let count = if bool::arbitrary(bytes)? { 1 } else { bytes.int_in_range(0..=6)? };
            Value::List((0..count).map(|_| value(bytes, depth + 1)).collect::<arbitrary::Result<_>>()?)
        }
        _ => {
            let mut map = Map::new();
            for _ in 0..bytes.int_in_range(0..=4)? {
                let (key, item) = (<&str>::arbitrary(bytes)?, value(bytes, depth + 1)?);
                map.insert(key, item);
            }
            Value::Map(map)
        }
    })
}

/// A value, some of them deep or large: beyond what may cross, too.
fn sent(mut bytes: Unstructured<'_>) -> arbitrary::Result<Value> {
    let (shape, size) = (bytes.int_in_range(0..=15)?, bytes.int_in_range(0..=140)?);
    let inner = value(&mut bytes, 0)?;
    Ok(match shape {
        0 => (0..size).fold(inner, |inner, _| Value::List(vec![inner])),
        1 => (0..size).fold(inner, |inner, _| Value::Map(Map::from_iter([("in", inner)]))),
        2 => Value::List(vec![inner; size * 8]),
        3 => Value::from("wolf".repeat(size * size)),
        4 => Value::Bytes(vec![size as u8; size * size * 64]),
        5 => Value::Map((0..size * 4).map(|n| (n.to_string(), inner.clone())).collect()),
        _ => inner,
    })
}

/// Equal but for the sign and the payload of a NaN.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((k, a), (l, b))| k == l && same(a, b))
        }
        _ => a == b,
    }
}

/// The value as Lua tells it back: whole floats are ints, and an empty map is an empty list.
fn in_lua(value: &Value) -> Value {
    match value {
        Value::Float(n) if n.fract() == 0.0 && n.abs() <= WHOLE as f64 && n.to_bits() != (-0.0_f64).to_bits() => {
            Value::Int(*n as i64)
        }
        Value::List(items) => Value::List(items.iter().map(in_lua).collect()),
        Value::Map(map) if map.is_empty() => Value::List(Vec::new()),
        Value::Map(map) => Value::Map(map.iter().map(|(key, item)| (key, in_lua(item))).collect()),
        other => other.clone(),
    }
}

fn start(name: &'static str, source: String, told: fn(&Value) -> Value) -> Play {
    // Nothing here takes long: a deadline would only meet a machine that stalls.
    let engine: Engine = engine_with(Arc::new(MemoryLog::new(1)), Duration::from_secs(10));
    let mut loaded: Option<PluginId> = None;
    Box::new(move |bytes| {
        let sent = sent(Unstructured::new(bytes)).map_err(|error| error.to_string())?;
        let plugin = match loaded {
            Some(plugin) => plugin,
            None => engine.load_source(name, &source).map_err(|error| error.to_string())?,
        };
        loaded = Some(plugin);
        let error = match engine.call::<_, Value>(&mut (), plugin, "echo", (sent.clone(),)) {
            Ok(back) if same(&back, &told(&sent)) => return Ok(format!("ok: {}", back.type_name())),
            Ok(back) => return Err(format!("{sent:?} came back as {back:?}")),
            Err(error) => error,
        };
        if engine.plugins().iter().any(|info| info.plugin == plugin && !info.state.takes_calls()) {
            engine.unload(plugin).map_err(|error| error.to_string())?;
            loaded = None;
        }
        match error.code() {
            Code::ScriptType | Code::LimitValue | Code::LimitMemory => judged(&error),
            _ => Err(format!("{sent:?} gives {error}")),
        }
    })
}

pub(crate) fn lua() -> Play {
    start("echo.lua", "function echo(value) return value end".into(), in_lua)
}

pub(crate) fn rhai() -> Play {
    start("echo.rhai", "fn echo(value) { value }".into(), Value::clone)
}

pub(crate) fn wasm() -> Play {
    let guest = include_str!("../../scripts/conformance/echo-nested/main.wat");
    // Room for the largest value that may cross.
    start("echo.wat", guest.replace("(export \"memory\") 1)", "(export \"memory\") 24)"), Value::clone)
}
