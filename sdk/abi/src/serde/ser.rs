//! [`Serializer`]: a Rust value as a [`Value`], charged to a [`ValueBudget`] before it is kept.

use alloc::{string::String, vec::Vec};

use ::serde::ser::{self, Serialize};

use super::{LIMITS, error::too_large, handle};
use crate::{Map, TypeError, Value, ValueBudget, type_error};

/// Makes one value.
pub(super) struct Serializer<'a> {
    budget: &'a mut ValueBudget,
}

impl<'a> Serializer<'a> {
    pub(super) fn new(budget: &'a mut ValueBudget) -> Self {
        Serializer { budget }
    }

    fn scalar(self, value: Value, payload: usize) -> Result<Value, TypeError> {
        self.budget.enter(payload).map_err(too_large)?;
        self.budget.leave();
        Ok(value)
    }

    fn text(self, text: &str) -> Result<Value, TypeError> {
        self.budget.enter(text.len()).map_err(too_large)?;
        self.budget.leave();
        Ok(Value::from(text))
    }

    /// What an option or a newtype holds: no level of the value, but one of the host's stack.
    fn inner<T: Serialize + ?Sized>(self, inner: &T) -> Result<Value, TypeError> {
        self.budget.descend().map_err(too_large)?;
        let value = inner.serialize(Serializer::new(self.budget))?;
        self.budget.leave();
        Ok(value)
    }

    fn list(self, variant: Option<&'static str>, count: Option<usize>) -> Result<List<'a>, TypeError> {
        enter(self.budget, variant)?;
        let fits = count.filter(|count| self.budget.room_for(*count).is_ok());
        Ok(List { budget: self.budget, items: Vec::with_capacity(fits.unwrap_or_default()), variant })
    }

    fn entries(self, variant: Option<&'static str>, count: Option<usize>) -> Result<Entries<'a>, TypeError> {
        enter(self.budget, variant)?;
        let fits = count.filter(|count| self.budget.room_for(*count).is_ok());
        let entries = Vec::with_capacity(fits.unwrap_or_default());
        Ok(Entries { budget: self.budget, entries, key: None, variant })
    }
}

/// Steps into a container, and before that into the map around it that says its variant.
fn enter(budget: &mut ValueBudget, variant: Option<&'static str>) -> Result<(), TypeError> {
    if let Some(variant) = variant {
        budget.enter(variant.len()).map_err(too_large)?;
    }
    budget.enter(0).map_err(too_large)
}

/// Steps out of what [`enter`] stepped into, and puts the map around it.
fn leave(budget: &mut ValueBudget, variant: Option<&'static str>, value: Value) -> Value {
    budget.leave();
    match variant {
        Some(variant) => {
            budget.leave();
            tagged(variant, value)
        }
        None => value,
    }
}

fn tagged(variant: &'static str, value: Value) -> Value {
    Value::Map(Map::from_iter([(variant, value)]))
}

macro_rules! numbers {
    ($($method:ident $ty:ty,)*) => {$(
        fn $method(self, number: $ty) -> Result<Value, TypeError> {
            let int = i64::try_from(number).map_err(|_| TypeError::new("int", "a number beyond 2^63"))?;
            self.scalar(Value::Int(int), 0)
        }
    )*};
}

impl<'a> ser::Serializer for Serializer<'a> {
    type Ok = Value;
    type Error = TypeError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Entries<'a>;

    numbers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128,
    }

    fn serialize_bool(self, bool: bool) -> Result<Value, TypeError> {
        self.scalar(Value::Bool(bool), 0)
    }
    fn serialize_f32(self, float: f32) -> Result<Value, TypeError> {
        self.scalar(Value::Float(f64::from(float)), 0)
    }
    fn serialize_f64(self, float: f64) -> Result<Value, TypeError> {
        self.scalar(Value::Float(float), 0)
    }
    fn serialize_char(self, char: char) -> Result<Value, TypeError> {
        self.text(char.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, text: &str) -> Result<Value, TypeError> {
        self.text(text)
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, TypeError> {
        self.budget.enter(bytes.len()).map_err(too_large)?;
        self.budget.leave();
        Ok(Value::Bytes(bytes.into()))
    }
    fn serialize_none(self) -> Result<Value, TypeError> {
        self.scalar(Value::Nil, 0)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, inner: &T) -> Result<Value, TypeError> {
        self.inner(inner)
    }
    fn serialize_unit(self) -> Result<Value, TypeError> {
        self.scalar(Value::Nil, 0)
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, TypeError> {
        self.scalar(Value::Nil, 0)
    }
    fn serialize_unit_variant(self, _name: &'static str, _at: u32, variant: &'static str) -> Result<Value, TypeError> {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        inner: &T,
    ) -> Result<Value, TypeError> {
        if name == handle::NAME {
            // Its text is no part of the value.
            let text = inner.serialize(Serializer::new(&mut ValueBudget::new(LIMITS)))?;
            let Value::Str(text) = text else { return Err(TypeError::new("a handle", text.type_name())) };
            let handle = text.parse().map_err(<TypeError as ser::Error>::custom)?;
            return self.scalar(Value::Handle(handle), 0);
        }
        self.inner(inner)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _at: u32,
        variant: &'static str,
        inner: &T,
    ) -> Result<Value, TypeError> {
        self.budget.enter(variant.len()).map_err(too_large)?;
        let value = inner.serialize(Serializer::new(self.budget)).map_err(|e| e.inside(type_error::key(variant)))?;
        self.budget.leave();
        // A map holds no nil, so the name alone says it.
        Ok(if value == Value::Nil { Value::from(variant) } else { tagged(variant, value) })
    }
    fn serialize_seq(self, count: Option<usize>) -> Result<List<'a>, TypeError> {
        self.list(None, count)
    }
    fn serialize_tuple(self, count: usize) -> Result<List<'a>, TypeError> {
        self.list(None, Some(count))
    }
    fn serialize_tuple_struct(self, _name: &'static str, count: usize) -> Result<List<'a>, TypeError> {
        self.list(None, Some(count))
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _at: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<List<'a>, TypeError> {
        self.list(Some(variant), Some(count))
    }
    fn serialize_map(self, count: Option<usize>) -> Result<Entries<'a>, TypeError> {
        self.entries(None, count)
    }
    fn serialize_struct(self, _name: &'static str, count: usize) -> Result<Entries<'a>, TypeError> {
        self.entries(None, Some(count))
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _at: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<Entries<'a>, TypeError> {
        self.entries(Some(variant), Some(count))
    }
}

/// A list under construction.
pub(super) struct List<'a> {
    budget: &'a mut ValueBudget,
    items: Vec<Value>,
    variant: Option<&'static str>,
}

impl List<'_> {
    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), TypeError> {
        match item.serialize(Serializer::new(self.budget)) {
            Ok(value) => {
                self.items.push(value);
                Ok(())
            }
            Err(error) => Err(within(error.inside(type_error::index(self.items.len())), self.variant)),
        }
    }

    fn finish(self) -> Value {
        leave(self.budget, self.variant, Value::List(self.items))
    }
}

fn within(error: TypeError, variant: Option<&'static str>) -> TypeError {
    match variant {
        Some(variant) => error.inside(type_error::key(variant)),
        None => error,
    }
}

/// A map under construction.
pub(super) struct Entries<'a> {
    budget: &'a mut ValueBudget,
    entries: Vec<(String, Value)>,
    key: Option<String>,
    variant: Option<&'static str>,
}

impl Entries<'_> {
    fn put<T: Serialize + ?Sized>(&mut self, key: String, item: &T) -> Result<(), TypeError> {
        self.budget.charge(key.len() as u64).map_err(too_large)?;
        match item.serialize(Serializer::new(self.budget)) {
            Ok(value) => {
                self.entries.push((key, value));
                Ok(())
            }
            Err(error) => Err(within(error.inside(type_error::key(&key)), self.variant)),
        }
    }

    fn finish(self) -> Value {
        leave(self.budget, self.variant, Value::Map(Map::from_entries(self.entries)))
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = Value;
    type Error = TypeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TypeError> {
        // A key is charged when its value comes, without what a value counts as.
        match key.serialize(Serializer::new(&mut ValueBudget::new(LIMITS)))? {
            Value::Str(key) => {
                self.key = Some(key);
                Ok(())
            }
            other => Err(TypeError::new("a text as key", other.type_name())),
        }
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), TypeError> {
        let key = self.key.take().ok_or_else(|| TypeError::new("a key before each value", "none"))?;
        self.put(key, item)
    }
    fn end(self) -> Result<Value, TypeError> {
        Ok(self.finish())
    }
}

macro_rules! lists {
    ($($of:ident $method:ident,)*) => {$(
        impl ser::$of for List<'_> {
            type Ok = Value;
            type Error = TypeError;
            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), TypeError> {
                self.push(item)
            }
            fn end(self) -> Result<Value, TypeError> {
                Ok(self.finish())
            }
        }
    )*};
}
lists! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! structs {
    ($($of:ident)*) => {$(
        impl ser::$of for Entries<'_> {
            type Ok = Value;
            type Error = TypeError;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, item: &T) -> Result<(), TypeError> {
                self.put(name.into(), item)
            }
            fn end(self) -> Result<Value, TypeError> {
                Ok(self.finish())
            }
        }
    )*};
}
structs!(SerializeStruct SerializeStructVariant);
