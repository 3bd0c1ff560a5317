//! [`Deserializer`]: a [`Value`] as a Rust value. Texts and bytes are moved, not copied.

use alloc::{string::String, vec};

use ::serde::{
    de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use super::{
    error::{quoted, too_large},
    handle, value,
};
use crate::{Map, TooLarge, TypeError, Value, ValueLimits, type_error};

/// Gives one value away.
pub(super) struct Deserializer {
    value: Value,
    /// How many levels may still come: those of the value, and those of options and newtypes, which would otherwise let a type that
    /// holds nothing but itself recurse for ever over a single value.
    depth: u32,
}

impl Deserializer {
    pub(super) fn new(value: Value, depth: u32) -> Self {
        Deserializer { value, depth }
    }

    /// What the next level down is read with.
    fn below(depth: u32) -> Result<u32, TypeError> {
        depth.checked_sub(1).ok_or_else(|| too_large(TooLarge::Depth(ValueLimits::DEEPEST)))
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, TypeError> {
        Err(TypeError::new(expected, self.value.type_name()))
    }

    fn items(self) -> Result<Items, TypeError> {
        let depth = Deserializer::below(self.depth)?;
        match self.value {
            Value::List(items) => Ok(Items { count: items.len(), items: items.into_iter(), depth }),
            _ => self.expected("list"),
        }
    }

    fn entries(self) -> Result<Entries, TypeError> {
        let depth = Deserializer::below(self.depth)?;
        match self.value {
            Value::Map(map) => Ok(Entries { entries: map.into_iter(), next: None, depth }),
            _ => self.expected("map"),
        }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $ty:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
            let Value::Int(int) = self.value else { return self.expected("int") };
            match <$ty>::try_from(int) {
                Ok(int) => visitor.$visit(int),
                Err(_) => {
                    Err(TypeError::new(concat!("an int that fits ", stringify!($ty)), alloc::format!("{int}")))
                }
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Deserializer {
    type Error = TypeError;

    integers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.value {
            Value::Nil => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(bool),
            Value::Int(int) => visitor.visit_i64(int),
            Value::Float(float) => visitor.visit_f64(float),
            Value::Str(text) => visitor.visit_string(text),
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Handle(_) => self.expected("a value that serde can keep in a buffer"),
        }
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let Value::Bool(bool) = self.value else { return self.expected("bool") };
        visitor.visit_bool(bool)
    }
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let Value::Float(float) = self.value else { return self.expected("float") };
        let rounded = float as f32;
        if float.is_finite() && !rounded.is_finite() {
            return Err(TypeError::new("a float that fits f32", alloc::format!("{float:e}")));
        }
        visitor.visit_f32(rounded)
    }
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let Value::Float(float) = self.value else { return self.expected("float") };
        visitor.visit_f64(float)
    }
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let Value::Str(text) = &self.value else { return self.expected("a text of one character") };
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => visitor.visit_char(char),
            _ => Err(TypeError::new("a text of one character", quoted(text))),
        }
    }
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_string(visitor)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let Value::Str(text) = self.value else { return self.expected("str") };
        visitor.visit_string(text)
    }
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_byte_buf(visitor)
    }
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let Value::Bytes(bytes) = self.value else { return self.expected("bytes") };
        visitor.visit_byte_buf(bytes)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        if self.value == Value::Nil {
            return visitor.visit_none();
        }
        let depth = Deserializer::below(self.depth)?;
        visitor.visit_some(Deserializer::new(self.value, depth))
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        if self.value == Value::Nil { visitor.visit_unit() } else { self.expected("nil") }
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_unit(visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        match self.value {
            Value::Handle(handle) if name == handle::NAME || name == value::NAME => {
                return visitor.visit_u128(handle::pack(handle));
            }
            _ if name == handle::NAME => return self.expected("handle"),
            _ if name == value::NAME => return self.deserialize_any(visitor),
            _ => {}
        }
        let depth = Deserializer::below(self.depth)?;
        visitor.visit_newtype_struct(Deserializer::new(self.value, depth))
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let mut items = self.items()?;
        let value = visitor.visit_seq(&mut items)?;
        match items.items.len() {
            0 => Ok(value),
            rest => Err(TypeError::new(
                alloc::format!("{} elements", items.count - rest),
                alloc::format!("{}", items.count),
            )),
        }
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _count: usize, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_seq(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _count: usize,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        self.deserialize_seq(visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        visitor.visit_map(self.entries()?)
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        self.deserialize_map(visitor)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        let depth = Deserializer::below(self.depth)?;
        let (variant, value) = match self.value {
            Value::Str(variant) => (variant, Value::Nil),
            Value::Map(map) => {
                let count = map.len();
                match (map.into_iter().next(), count) {
                    (Some(entry), 1) => entry,
                    _ => return Err(TypeError::new("a map of one entry", alloc::format!("{count} entries"))),
                }
            }
            _ => return self.expected("a text or a map of one entry"),
        };
        visitor.visit_enum(Variant { variant, content: Deserializer::new(value, depth) })
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_string(visitor)
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        visitor.visit_unit()
    }
}

/// A list that is read.
struct Items {
    items: vec::IntoIter<Value>,
    count: usize,
    depth: u32,
}

impl<'de> SeqAccess<'de> for &mut Items {
    type Error = TypeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, TypeError> {
        let at = self.count - self.items.len();
        let Some(item) = self.items.next() else { return Ok(None) };
        let read = seed.deserialize(Deserializer::new(item, self.depth));
        read.map(Some).map_err(|error| error.inside(type_error::index(at)))
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// A map that is read.
struct Entries {
    entries: <Map as IntoIterator>::IntoIter,
    /// The entry whose key was read.
    next: Option<(String, Value)>,
    depth: u32,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = TypeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TypeError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let read = seed.deserialize(Key { key: &key, depth: self.depth }).map(Some);
        self.next = Some((key, value));
        read
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, TypeError> {
        let (key, value) = self.next.take().ok_or_else(|| TypeError::new("a key before each value", "none"))?;
        seed.deserialize(Deserializer::new(value, self.depth)).map_err(|error| error.inside(type_error::key(&key)))
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A key that is read: a text, or what stands for one.
struct Key<'a> {
    key: &'a str,
    depth: u32,
}

impl<'de> de::Deserializer<'de> for Key<'_> {
    type Error = TypeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        visitor.visit_str(self.key)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let depth = Deserializer::below(self.depth)?;
        visitor.visit_some(Key { depth, ..self })
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TypeError> {
        let depth = Deserializer::below(self.depth)?;
        visitor.visit_newtype_struct(Key { depth, ..self })
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        StrDeserializer::new(self.key).deserialize_enum(name, variants, visitor)
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

/// An enum that is read: the name of its variant, and what the variant holds.
struct Variant {
    variant: String,
    content: Deserializer,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = TypeError;
    type Variant = Content;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Content), TypeError> {
        let variant = seed.deserialize(StrDeserializer::<TypeError>::new(&self.variant))?;
        Ok((variant, Content(self.variant, self.content)))
    }
}

/// What a variant holds, with its name for errors.
struct Content(String, Deserializer);

impl Content {
    fn read<T>(self, read: impl FnOnce(Deserializer) -> Result<T, TypeError>) -> Result<T, TypeError> {
        read(self.1).map_err(|error| error.inside(type_error::key(&self.0)))
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = TypeError;

    fn unit_variant(self) -> Result<(), TypeError> {
        self.read(|content| if content.value == Value::Nil { Ok(()) } else { content.expected("nil") })
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, TypeError> {
        self.read(|content| seed.deserialize(content))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _count: usize, visitor: V) -> Result<V::Value, TypeError> {
        self.read(|content| de::Deserializer::deserialize_seq(content, visitor))
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        self.read(|content| de::Deserializer::deserialize_map(content, visitor))
    }
}
