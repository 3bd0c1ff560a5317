//! [`IntoValue`] and [`FromValue`]: Rust types that cross, and tuples of them as arguments.

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};

use crate::{Handle, Map, Type, TypeError, Value, type_error};

/// A Rust type that can become a [`Value`]. Derive it for structs (maps) and unit enums (texts).
pub trait IntoValue {
    /// The type that its values have.
    fn ty() -> Type
    where
        Self: Sized;

    /// Turns it into a value.
    ///
    /// # Errors
    /// A [`TypeError`] where no value says it exactly: an unsigned number beyond `i64`.
    fn into_value(self) -> Result<Value, TypeError>
    where
        Self: Sized;
}

/// A Rust type that can be made of a [`Value`]. Derive it for structs (maps) and unit enums (texts).
pub trait FromValue: Sized {
    /// The type that is accepted.
    fn ty() -> Type;

    /// Makes one of `value`.
    ///
    /// # Errors
    /// A [`TypeError`] with the path of the part that does not fit.
    fn from_value(value: Value) -> Result<Self, TypeError>;
}

/// Arguments of a call to a plugin: a tuple of [`IntoValue`] types, or a list of values.
pub trait IntoArgs {
    /// Lends the arguments to `f`, without a heap allocation for tuples of scalars.
    ///
    /// # Errors
    /// A [`TypeError`] with the argument's place, from [`IntoValue`].
    fn with_args<R>(self, f: impl FnOnce(&[Value]) -> R) -> Result<R, TypeError>;
}

/// Arguments that a host function takes: a tuple of [`FromValue`] types.
pub trait FromArgs: Sized {
    /// The types of the parameters, in order.
    fn types() -> Vec<Type>;

    /// Takes the arguments out of `args`; missing trailing ones are nil.
    ///
    /// # Errors
    /// A [`TypeError`] with the argument's place.
    fn from_args(args: &mut [Value]) -> Result<Self, TypeError>;
}

macro_rules! same {
    ($($ty:ty => $variant:ident),* $(,)?) => {$(
        impl IntoValue for $ty {
            fn ty() -> Type { Type::$variant }
            #[inline]
            fn into_value(self) -> Result<Value, TypeError> { Ok(Value::$variant(self.into())) }
        }
        impl FromValue for $ty {
            fn ty() -> Type { Type::$variant }
            #[inline]
            fn from_value(value: Value) -> Result<Self, TypeError> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    other => Err(TypeError::new(stringify!($variant).to_ascii_lowercase(), other.type_name())),
                }
            }
        }
    )*};
}
same!(bool => Bool, i64 => Int, f64 => Float, String => Str, Handle => Handle);

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl IntoValue for $ty {
            fn ty() -> Type { Type::Int }
            #[inline]
            fn into_value(self) -> Result<Value, TypeError> {
                i64::try_from(self).map(Value::Int).map_err(|_| TypeError::new("int", "a number beyond 2^63"))
            }
        }
        impl FromValue for $ty {
            fn ty() -> Type { Type::Int }
            #[inline]
            fn from_value(value: Value) -> Result<Self, TypeError> {
                let int = i64::from_value(value)?;
                <$ty>::try_from(int)
                    .map_err(|_| TypeError::new(concat!("an int that fits ", stringify!($ty)), alloc::format!("{int}")))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, usize, i8, i16, i32, isize);

impl IntoValue for f32 {
    fn ty() -> Type {
        Type::Float
    }
    #[inline]
    fn into_value(self) -> Result<Value, TypeError> {
        Ok(Value::Float(f64::from(self)))
    }
}

impl IntoValue for &str {
    fn ty() -> Type {
        Type::Str
    }
    #[inline]
    fn into_value(self) -> Result<Value, TypeError> {
        Ok(Value::from(self))
    }
}

impl IntoValue for () {
    fn ty() -> Type {
        Type::Nil
    }
    #[inline]
    fn into_value(self) -> Result<Value, TypeError> {
        Ok(Value::Nil)
    }
}

impl FromValue for () {
    fn ty() -> Type {
        Type::Nil
    }
    #[inline]
    fn from_value(value: Value) -> Result<Self, TypeError> {
        match value {
            Value::Nil => Ok(()),
            other => Err(TypeError::new("nil", other.type_name())),
        }
    }
}

impl IntoValue for Value {
    fn ty() -> Type {
        Type::Any
    }
    #[inline]
    fn into_value(self) -> Result<Value, TypeError> {
        Ok(self)
    }
}

impl FromValue for Value {
    fn ty() -> Type {
        Type::Any
    }
    #[inline]
    fn from_value(value: Value) -> Result<Self, TypeError> {
        Ok(value)
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn ty() -> Type {
        optional(T::ty())
    }
    #[inline]
    fn into_value(self) -> Result<Value, TypeError> {
        self.map_or(Ok(Value::Nil), T::into_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn ty() -> Type {
        optional(T::ty())
    }
    #[inline]
    fn from_value(value: Value) -> Result<Self, TypeError> {
        if value == Value::Nil { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

fn optional(inner: Type) -> Type {
    if matches!(inner, Type::Optional(_) | Type::Any) { inner } else { Type::Optional(Box::new(inner)) }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn ty() -> Type {
        Type::List(Box::new(T::ty()))
    }
    #[inline]
    fn into_value(self) -> Result<Value, TypeError> {
        let items = self.into_iter().enumerate();
        items
            .map(|(at, item)| item.into_value().map_err(|error| error.inside(type_error::index(at))))
            .collect::<Result<_, _>>()
            .map(Value::List)
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn ty() -> Type {
        Type::List(Box::new(T::ty()))
    }
    #[inline]
    fn from_value(value: Value) -> Result<Self, TypeError> {
        let Value::List(items) = value else { return Err(TypeError::new("list", value.type_name())) };
        let items = items.into_iter().enumerate();
        items.map(|(at, item)| T::from_value(item).map_err(|error| error.inside(type_error::index(at)))).collect()
    }
}

impl<T: IntoValue> IntoValue for BTreeMap<String, T> {
    fn ty() -> Type {
        Type::Map(Box::new(T::ty()))
    }
    #[inline]
    fn into_value(self) -> Result<Value, TypeError> {
        let mut entries = Vec::with_capacity(self.len());
        for (key, item) in self {
            let item = item.into_value().map_err(|error| error.inside(type_error::key(&key)))?;
            entries.push((key, item));
        }
        Ok(Value::Map(Map::from_entries(entries)))
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn ty() -> Type {
        Type::Map(Box::new(T::ty()))
    }
    #[inline]
    fn from_value(value: Value) -> Result<Self, TypeError> {
        let Value::Map(map) = value else { return Err(TypeError::new("map", value.type_name())) };
        map.into_iter()
            .map(|(key, item)| match T::from_value(item) {
                Ok(item) => Ok((key, item)),
                Err(error) => Err(error.inside(type_error::key(&key))),
            })
            .collect()
    }
}

impl IntoArgs for &[Value] {
    #[inline]
    fn with_args<R>(self, f: impl FnOnce(&[Value]) -> R) -> Result<R, TypeError> {
        Ok(f(self))
    }
}

impl IntoArgs for Vec<Value> {
    #[inline]
    fn with_args<R>(self, f: impl FnOnce(&[Value]) -> R) -> Result<R, TypeError> {
        Ok(f(&self))
    }
}

macro_rules! tuples {
    ($(($($name:ident $at:tt),*))*) => {$(
        impl<$($name: IntoValue),*> IntoArgs for ($($name,)*) {
            #[inline]
            fn with_args<Out>(self, f: impl FnOnce(&[Value]) -> Out) -> Result<Out, TypeError> {
                let args: [Value; tuples!(@count $($name)*)] =
                    [$(self.$at.into_value().map_err(|error| error.inside(argument($at)))?),*];
                Ok(f(&args))
            }
        }
        impl<$($name: FromValue),*> FromArgs for ($($name,)*) {
            fn types() -> Vec<Type> {
                alloc::vec![$($name::ty()),*]
            }
            #[inline]
            #[allow(unused_variables, clippy::unused_unit)]
            fn from_args(args: &mut [Value]) -> Result<Self, TypeError> {
                Ok(($({
                    let arg = args.get_mut($at).map(core::mem::take).unwrap_or_default();
                    $name::from_value(arg).map_err(|error| error.inside(argument($at)))?
                },)*))
            }
        }
    )*};
    (@count $($name:ident)*) => { 0 $(+ tuples!(@one $name))* };
    (@one $name:ident) => { 1 };
}
tuples! {
    ()
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}

fn argument(at: usize) -> String {
    alloc::format!("argument {}", at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec};

    #[test]
    fn numbers_never_convert_silently() {
        assert_eq!(f64::from_value(Value::Int(1)).unwrap_err().to_string(), "expected float, found int");
        assert_eq!(i64::from_value(Value::Float(1.0)).unwrap_err().to_string(), "expected int, found float");
        assert_eq!(u8::from_value(Value::Int(256)).unwrap_err().to_string(), "expected an int that fits u8, found 256");
        assert!(u64::MAX.into_value().is_err());
    }

    #[test]
    fn errors_name_the_place_inside() {
        let value = Value::List(vec![Value::Int(1), Value::Nil]);
        assert_eq!(Vec::<i64>::from_value(value).unwrap_err().at(), "[1]");
        let mut args = [Value::Int(1), Value::from("x")];
        assert_eq!(<(i64, i64)>::from_args(&mut args).unwrap_err().at(), "argument 2");
    }

    #[test]
    fn a_missing_trailing_argument_is_nil() {
        let mut args = [Value::Int(1)];
        assert_eq!(<(i64, Option<i64>)>::from_args(&mut args), Ok((1, None)));
    }
}
