//! What the code that `#[derive(IntoValue, FromValue)]` writes calls. Only the derives may use it: it changes with them,
//! without notice.

use alloc::{boxed::Box, string::String, vec, vec::Vec};
use core::iter::Peekable;

use crate::{FromValue, IntoValue, Key, Map, Type, TypeError, Value, type_error};

/// The type of a struct.
#[must_use]
pub fn record<const N: usize>(fields: [(&str, Type); N]) -> Type {
    Type::Record(fields.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
}

/// The type of a unit enum.
#[must_use]
pub fn names(names: &[&str]) -> Type {
    Type::Enum(names.iter().copied().map(String::from).collect())
}

/// The type of a field that may be missing.
#[must_use]
pub fn may_be_missing(ty: Type) -> Type {
    if matches!(ty, Type::Optional(_) | Type::Any | Type::Nil) { ty } else { Type::Optional(Box::new(ty)) }
}

/// A map under construction; fields are put in the order of their names, which spares sorting.
#[derive(Debug)]
pub struct Entries(Vec<(Key, Value)>);

impl Entries {
    /// Room for `count` fields.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Entries(Vec::with_capacity(count))
    }

    /// Puts one field; nil is left out.
    ///
    /// # Errors
    /// The field's [`TypeError`], with its name.
    pub fn put(&mut self, name: &str, field: impl IntoValue) -> Result<(), TypeError> {
        match field.into_value() {
            Ok(Value::Nil) => Ok(()),
            Ok(value) => {
                self.0.push((name.into(), value));
                Ok(())
            }
            Err(error) => Err(error.inside(type_error::key(name))),
        }
    }

    /// The map.
    #[must_use]
    pub fn finish(self) -> Value {
        Value::Map(Map::from_keys(self.0))
    }
}

/// A map that is taken apart; both its entries and the calls of `take` ascend by name, so that one walk does.
#[derive(Debug)]
pub struct Fields(Peekable<vec::IntoIter<(Key, Value)>>);

impl Fields {
    /// Begins with `value`.
    ///
    /// # Errors
    /// A [`TypeError`] if it is no map.
    pub fn new(value: Value) -> Result<Self, TypeError> {
        match value {
            Value::Map(map) => Ok(Fields(map.into_keys().peekable())),
            other => Err(TypeError::new("map", other.type_name())),
        }
    }

    fn next(&mut self, name: &str) -> Result<Option<Value>, TypeError> {
        match self.0.peek() {
            Some((key, _)) if key.as_bytes() < name.as_bytes() => Err(unknown(key)),
            Some((key, _)) if key.as_bytes() == name.as_bytes() => Ok(self.0.next().map(|(_, value)| value)),
            _ => Ok(None),
        }
    }

    /// Takes the field `name`; a missing one is nil.
    ///
    /// # Errors
    /// The field's [`TypeError`], with its name; or one for an entry that is no field.
    pub fn take<T: FromValue>(&mut self, name: &str) -> Result<T, TypeError> {
        let value = self.next(name)?.unwrap_or_default();
        T::from_value(value).map_err(|error| error.inside(type_error::key(name)))
    }

    /// Takes the field `name`; a missing one has its default.
    ///
    /// # Errors
    /// As [`Fields::take`].
    pub fn take_or_default<T: FromValue + Default>(&mut self, name: &str) -> Result<T, TypeError> {
        match self.next(name)? {
            Some(value) => T::from_value(value).map_err(|error| error.inside(type_error::key(name))),
            None => Ok(T::default()),
        }
    }

    /// Ends after the last field.
    ///
    /// # Errors
    /// A [`TypeError`] for an entry that is no field.
    pub fn end(mut self) -> Result<(), TypeError> {
        self.0.next().map_or(Ok(()), |(key, _)| Err(unknown(&key)))
    }
}

/// The same words as [`Type::check`] has for it.
fn unknown(key: &str) -> TypeError {
    TypeError::new("no such entry", "one").inside(type_error::key(key))
}

/// Which of `names` the text `value` is.
///
/// # Errors
/// A [`TypeError`] for another text or another type.
pub fn variant(value: &Value, names: &[&str]) -> Result<usize, TypeError> {
    let at = match value {
        Value::Str(text) => names.iter().position(|name| name == text),
        _ => None,
    };
    let found = if matches!(value, Value::Str(_)) { "another text" } else { value.type_name() };
    at.ok_or_else(|| TypeError::new(self::names(names).expected(), found))
}
