//! [`Value`]: the one type that crosses between host and plugin, in every language.

use alloc::{string::String, vec::Vec};

use crate::{Handle, Map, NODE_BYTES};

/// A value that crosses between host and plugin.
///
/// `Int` and `Float` are different types and never turn into each other silently. Functions do not cross: a callback is
/// the name of an export.
///
/// ```
/// use modhost_abi::{Map, Value};
///
/// let unit = Value::Map(Map::from_iter([("kind", Value::from("wolf")), ("hp", Value::Int(12))]));
/// assert_eq!(unit.get("hp"), Some(&Value::Int(12)));
/// assert_eq!(unit.type_name(), "map");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// No value.
    #[default]
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An IEEE 754 double.
    Float(f64),
    /// UTF-8 text.
    Str(String),
    /// Bytes that need not be text.
    Bytes(Vec<u8>),
    /// A sequence; elements may be [`Value::Nil`].
    List(Vec<Value>),
    /// String keys, sorted and unique; never holds [`Value::Nil`].
    Map(Map),
    /// An object of the host that the plugin may pass back, but not look into.
    Handle(Handle),
}

impl Value {
    /// The type's name as errors print it: `nil bool int float str bytes list map handle`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Handle(_) => "handle",
        }
    }

    /// The entry `key` of a map; `None` for a missing key and for any other type.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The size that limits count, in bytes: [`NODE_BYTES`] for each value in the tree, and the bytes of texts and keys.
    #[must_use]
    pub fn weight(&self) -> u64 {
        // Without recursion: a host may make a value deeper than its stack, which is told before anything else is done with it.
        // Only containers within containers need a list of what is still to be weighed.
        let (mut sum, mut containers) = (NODE_BYTES + self.payload(), Vec::new());
        let mut next = Some(self);
        while let Some(container) = next {
            let mut item = |item| {
                sum += NODE_BYTES + Value::payload(item);
                if matches!(item, Value::List(_) | Value::Map(_)) {
                    containers.push(item);
                }
            };
            match container {
                Value::List(items) => items.iter().for_each(item),
                Value::Map(map) => map.iter_bytes().for_each(|(_, value)| item(value)),
                _ => {}
            }
            next = containers.pop();
        }
        sum
    }

    /// Bytes of a text, of bytes, or of a map's keys.
    fn payload(&self) -> u64 {
        match self {
            Value::Str(text) => text.len() as u64,
            Value::Bytes(bytes) => bytes.len() as u64,
            Value::Map(map) => map.iter_bytes().map(|(key, _)| key.len() as u64).sum(),
            _ => 0,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Str(value.into())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Str(value)
    }
}
impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Value::List(value)
    }
}
impl From<Map> for Value {
    fn from(value: Map) -> Self {
        Value::Map(value)
    }
}
impl From<Handle> for Value {
    fn from(value: Handle) -> Self {
        Value::Handle(value)
    }
}
