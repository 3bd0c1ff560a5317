//! Values across: [`Value`] to Rhai's `Dynamic` and back, within a [`ValueBudget`]. Nothing converts silently: an int stays
//! an int, and what has no counterpart (functions, ranges) is a type error.

use modhost_abi::{Handle, Key, Map, TooLarge, TypeError};
use modhost_backend::{Value, ValueBudget};
use rhai::{Array, Dynamic, ImmutableString};

use crate::{memory, stack};

/// A handle of the host, opaque to scripts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct HandleValue(pub(crate) Handle);

/// Why a value of a script does not cross.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is deeper or larger than its limit.
    TooLarge,
    /// It, or a part of it, has no counterpart.
    Type(TypeError),
}

impl From<TooLarge> for Refused {
    fn from(_: TooLarge) -> Self {
        Refused::TooLarge
    }
}

/// Whether a value of the host's may cross.
pub(crate) fn measure(value: &Value, budget: &mut ValueBudget) -> Result<(), TooLarge> {
    match value {
        Value::Str(text) => budget.enter(text.len())?,
        Value::Bytes(bytes) => budget.enter(bytes.len())?,
        _ => budget.enter(0)?,
    }
    match value {
        Value::List(items) => items.iter().try_for_each(|item| measure(item, budget))?,
        Value::Map(map) => map.iter().try_for_each(|(key, item)| {
            budget.charge(key.len() as u64)?;
            measure(item, budget)
        })?,
        _ => {}
    }
    budget.leave();
    Ok(())
}

/// [`to_rhai`], of a value that the running call holds from now on.
pub(crate) fn noted(value: &Value) -> Dynamic {
    let made = to_rhai(value);
    if matches!(value, Value::Str(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_)) {
        stack::note(memory::weight(&made).unwrap_or(u64::MAX));
    }
    made
}

/// Makes a value of the script's of one of the host's, which was measured.
pub(crate) fn to_rhai(value: &Value) -> Dynamic {
    match value {
        Value::Nil => Dynamic::UNIT,
        Value::Bool(value) => Dynamic::from(*value),
        Value::Int(value) => Dynamic::from(*value),
        Value::Float(value) => Dynamic::from(*value),
        Value::Str(text) => ImmutableString::from(text.as_str()).into(),
        Value::Bytes(bytes) => Dynamic::from_blob(bytes.clone()),
        Value::List(items) => Dynamic::from_array(items.iter().map(to_rhai).collect::<Array>()),
        Value::Map(map) => Dynamic::from_map(map.iter().map(|(key, item)| (key.into(), to_rhai(item))).collect()),
        Value::Handle(handle) => Dynamic::from(HandleValue(*handle)),
    }
}

/// Makes a value of the host's of one of the script's. Entries of a map that are `()` are dropped.
pub(crate) fn from_rhai(value: &Dynamic, budget: &mut ValueBudget) -> Result<Value, Refused> {
    if let Ok(value) = value.as_int() {
        return scalar(Value::Int(value), budget);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        budget.enter(text.len())?;
        budget.leave();
        return Ok(Value::Str(text.as_str().into()));
    }
    if value.is_unit() {
        return scalar(Value::Nil, budget);
    }
    if let Ok(value) = value.as_float() {
        return scalar(Value::Float(value), budget);
    }
    if let Ok(value) = value.as_bool() {
        return scalar(Value::Bool(value), budget);
    }
    if let Ok(items) = value.as_array_ref() {
        budget.enter(0)?;
        budget.room_for(items.len())?;
        let mut list = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            list.push(from_rhai(item, budget).map_err(|error| error.inside(|| format!("[{at}]")))?);
        }
        budget.leave();
        return Ok(Value::List(list));
    }
    if let Ok(map) = value.as_map_ref() {
        budget.enter(0)?;
        budget.room_for(map.len())?;
        let mut entries = Vec::with_capacity(map.len());
        for (key, item) in map.iter().filter(|(_, item)| !item.is_unit()) {
            budget.charge(key.len() as u64)?;
            let item = from_rhai(item, budget).map_err(|error| error.inside(|| shown(key)))?;
            entries.push((Key::from(key.as_str()), item));
        }
        budget.leave();
        return Ok(Value::Map(Map::from_keys(entries)));
    }
    if let Ok(bytes) = value.as_blob_ref() {
        budget.enter(bytes.len())?;
        budget.leave();
        return Ok(Value::Bytes(bytes.clone()));
    }
    if let Ok(value) = value.as_char() {
        budget.enter(value.len_utf8())?;
        budget.leave();
        return Ok(Value::Str(value.into()));
    }
    if let Some(handle) = value.read_lock::<HandleValue>() {
        return scalar(Value::Handle(handle.0), budget);
    }
    let found = if value.is_fnptr() { "function" } else { last_part(value.type_name()) };
    Err(Refused::Type(TypeError::new("a value that can cross", found)))
}

fn scalar(value: Value, budget: &mut ValueBudget) -> Result<Value, Refused> {
    budget.enter(0)?;
    budget.leave();
    Ok(value)
}

impl Refused {
    fn inside(self, field: impl FnOnce() -> String) -> Self {
        match self {
            Refused::Type(error) => Refused::Type(error.inside(field())),
            large => large,
        }
    }
}

fn shown(key: &str) -> String {
    let short: String = key.chars().take(40).collect();
    format!(".{}", short.escape_debug())
}

/// `Range<i64>` of `core::ops::range::Range<i64>`.
fn last_part(path: &'static str) -> &'static str {
    let end = path.find('<').unwrap_or(path.len());
    path[..end].rfind("::").map_or(path, |at| &path[at + 2..])
}
