//! Values of the suite, as TOML says them.

use modhost::{Map, Value};
use toml::{Table, Value as Toml};

/// The value that `toml` stands for.
pub(super) fn of(toml: Toml) -> Result<Value, String> {
    Ok(match toml {
        Toml::Boolean(value) => Value::Bool(value),
        Toml::Integer(value) => Value::Int(value),
        Toml::Float(value) => Value::Float(value),
        Toml::String(value) => Value::Str(value),
        Toml::Array(items) => Value::List(items.into_iter().map(of).collect::<Result<_, _>>()?),
        Toml::Table(mut table) => match special(&mut table)? {
            Some(value) => value,
            None => {
                let entries = table.into_iter().map(|(key, value)| Ok((key, of(value)?)));
                Value::Map(Map::from_entries(entries.collect::<Result<_, String>>()?))
            }
        },
        Toml::Datetime(_) => return Err("a date is no value".into()),
    })
}

/// What TOML cannot say is a table with one key that begins with `$`.
fn special(table: &mut Table) -> Result<Option<Value>, String> {
    if table.len() != 1 {
        return Ok(None);
    }
    if table.remove("$nil").is_some() {
        return Ok(Some(Value::Nil));
    }
    if let Some(bytes) = table.remove("$bytes") {
        let byte = |item: &Toml| item.as_integer().and_then(|byte| u8::try_from(byte).ok());
        let bytes = bytes.as_array().and_then(|items| items.iter().map(byte).collect());
        return bytes.map(|bytes| Some(Value::Bytes(bytes))).ok_or_else(|| "$bytes is a list of 0 to 255".into());
    }
    if let Some(handle) = table.remove("$handle") {
        let handle = handle.as_str().and_then(|text| text.parse().ok());
        return handle
            .map(|handle| Some(Value::Handle(handle)))
            .ok_or_else(|| "$handle is kind:slot:generation".into());
    }
    if let Some(repeat) = table.remove("$repeat") {
        let parts = repeat.as_array().and_then(|parts| Some((parts.first()?.as_str()?, parts.get(1)?.as_integer()?)));
        let (text, times) = parts.ok_or("$repeat is a text and a number")?;
        return Ok(Some(Value::Str(text.repeat(usize::try_from(times).unwrap_or(0)))));
    }
    if let Some(nested) = table.remove("$nested") {
        let depth = nested.as_integer().ok_or("$nested is a number of lists")?;
        return Ok(Some((0..depth).fold(Value::Int(1), |inner, _| Value::List(vec![inner]))));
    }
    if let Some(range) = table.remove("$range") {
        let end = range.as_integer().ok_or("$range is a number of ints from 0")?;
        return Ok(Some(Value::List((0..end).map(Value::Int).collect())));
    }
    match table.keys().find(|key| key.starts_with('$')) {
        Some(key) => Err(format!("unknown value `{key}`")),
        None => Ok(None),
    }
}

/// Whether two values are the same to a test: NaN is NaN, 0.0 is not -0.0.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((ka, a), (kb, b))| ka == kb && same(a, b))
        }
        (a, b) => a == b,
    }
}
