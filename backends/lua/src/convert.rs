//! Values between host and Lua, both ways: raw (no metamethod runs), along a type where one is declared, and within a
//! [`ValueBudget`] that is charged before anything is allocated, which also bounds cycles.

use std::str;

use mlua::{Lua, LuaString, MetaMethod, Table, UserData, UserDataMethods, Value as LuaValue};
use modhost_abi::{Handle, Key, Map, TooLarge};
use modhost_backend::{Type, TypeError, Value, ValueBudget};

/// Beyond this, in either direction, not every whole number is a Lua number.
const EXACT: i64 = 1 << 53;

/// Why a value does not cross.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no such value on the other side, or the declared type is another one.
    Type(TypeError),
    /// It is over the limit.
    Large,
    /// Lua has no room for it.
    Lua(mlua::Error),
}

impl Refusal {
    /// The same refusal, seen from what holds the value.
    pub(crate) fn inside(self, place: impl FnOnce() -> String) -> Self {
        match self {
            Refusal::Type(error) => Refusal::Type(error.inside(place())),
            other => other,
        }
    }
}

impl From<TooLarge> for Refusal {
    fn from(_: TooLarge) -> Self {
        Refusal::Large
    }
}

impl From<mlua::Error> for Refusal {
    fn from(error: mlua::Error) -> Self {
        Refusal::Lua(error)
    }
}

fn mismatch(ty: &Type, otherwise: &'static str, found: impl Into<String>) -> Refusal {
    let expected = if *ty == Type::Any { otherwise.into() } else { ty.expected() };
    Refusal::Type(TypeError::new(expected, found.into()))
}

/// A [`Handle`] as the script holds it: it can be passed back and compared, and that is all.
#[derive(Clone, Copy, Debug)]
struct Opaque(Handle);

impl UserData for Opaque {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_function(MetaMethod::Eq, |_, (a, b): (LuaValue, LuaValue)| Ok(handle(&a) == handle(&b)));
        methods.add_meta_function(MetaMethod::ToString, |_, _: LuaValue| Ok("handle"));
    }
}

fn handle(value: &LuaValue) -> Option<Handle> {
    let LuaValue::UserData(data) = value else { return None };
    data.borrow::<Opaque>().ok().map(|opaque| opaque.0)
}

/// Whether Lua has this whole number exactly.
fn exact(int: i64) -> bool {
    (-EXACT..=EXACT).contains(&int)
}

/// [`to_lua`] for what needs no room in Lua's heap and cannot be refused: most arguments of most calls.
#[inline]
pub(crate) fn scalar_to_lua(value: &Value) -> Option<LuaValue> {
    match value {
        Value::Nil => Some(LuaValue::Nil),
        Value::Bool(bool) => Some(LuaValue::Boolean(*bool)),
        Value::Int(int) if exact(*int) => Some(LuaValue::Number(*int as f64)),
        Value::Float(float) => Some(LuaValue::Number(*float)),
        _ => None,
    }
}

/// [`from_lua`] for what needs no look at a budget beyond one node.
#[inline]
pub(crate) fn scalar_from_lua(value: &LuaValue, ty: &Type) -> Option<Value> {
    match (value, ty) {
        (LuaValue::Nil, _) => Some(Value::Nil),
        (LuaValue::Boolean(bool), _) => Some(Value::Bool(*bool)),
        (LuaValue::Integer(int), Type::Any | Type::Int) if exact(*int) => Some(Value::Int(*int)),
        (LuaValue::Integer(int), Type::Float) => Some(Value::Float(*int as f64)),
        (LuaValue::Number(float), _) => Some(number_from_lua(*float, ty.present())),
        _ => None,
    }
}

/// A text of Lua, or bytes where the type says so.
pub(crate) fn text_from_lua(bytes: Vec<u8>, ty: &Type) -> Result<Value, Refusal> {
    if *ty.present() == Type::Bytes {
        return Ok(Value::Bytes(bytes));
    }
    String::from_utf8(bytes).map(Value::Str).map_err(|_| mismatch(ty, "str", "a text that is not UTF-8"))
}

/// Host to Lua. Nothing of the guest runs meanwhile.
pub(crate) fn to_lua(lua: &Lua, value: &Value, budget: &mut ValueBudget) -> Result<LuaValue, Refusal> {
    let payload = match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    budget.enter(payload)?;
    let made = match value {
        Value::Nil => LuaValue::Nil,
        Value::Bool(bool) => LuaValue::Boolean(*bool),
        Value::Int(int) if exact(*int) => LuaValue::Number(*int as f64),
        Value::Int(int) => {
            return Err(Refusal::Type(TypeError::new(
                "an int within +-2^53 (Lua numbers are floats)",
                int.to_string(),
            )));
        }
        Value::Float(float) => LuaValue::Number(*float),
        Value::Str(text) => LuaValue::String(lua.create_string(text)?),
        Value::Bytes(bytes) => LuaValue::Buffer(lua.create_buffer(bytes)?),
        Value::Handle(handle) => LuaValue::UserData(lua.create_userdata(Opaque(*handle))?),
        Value::List(items) => {
            budget.room_for(items.len())?;
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (at, item) in items.iter().enumerate() {
                let place = || format!("[{at}]");
                if *item == Value::Nil {
                    let hole = TypeError::new("a value (a Lua list has no holes)", "nil");
                    return Err(Refusal::Type(hole.inside(place())));
                }
                table.raw_set(at + 1, to_lua(lua, item, budget).map_err(|e| e.inside(place))?)?;
            }
            LuaValue::Table(table)
        }
        Value::Map(map) => {
            budget.room_for(map.len())?;
            let table = lua.create_table_with_capacity(0, map.len())?;
            for (key, item) in map.iter() {
                budget.charge(key.len() as u64)?;
                table.raw_set(key, to_lua(lua, item, budget).map_err(|e| e.inside(|| entry(key)))?)?;
            }
            LuaValue::Table(table)
        }
    };
    budget.leave();
    Ok(made)
}

/// Lua to host. `ty` says what a number, an empty table or a text without encoding is meant to be; whether the whole
/// value is of that type is checked by whoever declared it.
pub(crate) fn from_lua(value: &LuaValue, ty: &Type, budget: &mut ValueBudget) -> Result<Value, Refusal> {
    if let Some(scalar) = scalar_from_lua(value, ty) {
        budget.enter(0)?;
        budget.leave();
        return Ok(scalar);
    }
    if let LuaValue::String(text) = value {
        let bytes = text.as_bytes();
        budget.enter(bytes.len())?;
        budget.leave();
        return text_from_lua(bytes.to_vec(), ty);
    }
    budget.enter(if let LuaValue::Buffer(buffer) = value { buffer.len() } else { 0 })?;
    let ty = ty.present();
    let made = match value {
        // Whole, but beyond what Lua has exactly.
        LuaValue::Integer(int) if *ty == Type::Float || !exact(*int) => Value::Float(*int as f64),
        LuaValue::Integer(int) => Value::Int(*int),
        LuaValue::Buffer(buffer) => Value::Bytes(buffer.to_vec()),
        LuaValue::Table(table) => from_table(table, ty, budget)?,
        other => match handle(other) {
            Some(handle) => Value::Handle(handle),
            None => return Err(mismatch(ty, "a value that can cross", other.type_name())),
        },
    };
    budget.leave();
    Ok(made)
}

/// A number of Lua: an int where it is one exactly, unless the type says float.
#[inline]
pub(crate) fn number_from_lua(float: f64, ty: &Type) -> Value {
    // There and back is one instruction each, where `trunc` is a call into the C library.
    let int = float as i64;
    let whole = int as f64 == float && exact(int);
    let negative_zero = int == 0 && float.is_sign_negative();
    if whole && !negative_zero && *ty != Type::Float { Value::Int(int) } else { Value::Float(float) }
}

/// A table is a list or a map by its keys; the empty one by its type.
fn from_table(table: &Table, ty: &Type, budget: &mut ValueBudget) -> Result<Value, Refusal> {
    let before = budget.clone();
    let (mut items, mut entries) = (Vec::new(), Vec::new());
    let mut scattered = false;
    let mut refusal = None;
    // One pass, because each element that is looked at costs a reference: array slots come in order, and first.
    let walked = table.for_each(|key: LuaValue, item: LuaValue| {
        let step = match key {
            LuaValue::Integer(at) if entries.is_empty() && usize::try_from(at) == Ok(items.len() + 1) => {
                from_lua(&item, ty.element(), budget)
                    .map(|item| items.push(item))
                    .map_err(|error| error.inside(|| format!("[{}]", at - 1)))
            }
            LuaValue::Integer(_) if entries.is_empty() => {
                scattered = true;
                Err(mismatch(ty, "a list or a map", MIXED))
            }
            LuaValue::String(key) if items.is_empty() => named(&key, &item, ty, budget).map(|pair| entries.push(pair)),
            _ => Err(mismatch(ty, "a list or a map", MIXED)),
        };
        step.map_err(|error| {
            refusal = Some(error);
            mlua::Error::StackError
        })
    });
    if scattered {
        *budget = before;
        return from_scattered(table, ty, budget);
    }
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    walked?;
    let is_map = !entries.is_empty() || items.is_empty() && matches!(ty, Type::Map(_) | Type::Record(_));
    Ok(if is_map { Value::Map(Map::from_keys(entries)) } else { Value::List(items) })
}

const MIXED: &str = "a table with holes or keys of several kinds";

fn named(key: &LuaString, item: &LuaValue, ty: &Type, budget: &mut ValueBudget) -> Result<(Key, Value), Refusal> {
    let bytes = key.as_bytes();
    budget.charge(bytes.len() as u64)?;
    let key = str::from_utf8(&bytes).map_err(|_| mismatch(ty, "a map", "a table with a key that is not UTF-8"))?;
    let item = from_lua(item, ty.entry(key), budget).map_err(|error| error.inside(|| entry(key)))?;
    Ok((key.into(), item))
}

/// A list whose elements were not stored in order: `{[2] = "b", [1] = "a"}`.
fn from_scattered(table: &Table, ty: &Type, budget: &mut ValueBudget) -> Result<Value, Refusal> {
    let length = table.raw_len();
    budget.room_for(length)?;
    // As many entries as the border says, none of them nil: then there are no other keys.
    let all = table.pairs::<LuaValue, LuaValue>().take(length + 1).count();
    let mut items = Vec::with_capacity(length);
    for at in 1..=length {
        let item: LuaValue = table.raw_get(at)?;
        items.push(from_lua(&item, ty.element(), budget).map_err(|error| error.inside(|| format!("[{}]", at - 1)))?);
    }
    if all == length && !items.contains(&Value::Nil) {
        return Ok(Value::List(items));
    }
    Err(mismatch(ty, "a list or a map", MIXED))
}

/// The path element of a map's key, shortened.
fn entry(key: &str) -> String {
    format!(".{}", key.chars().take(40).collect::<String>().escape_debug())
}
