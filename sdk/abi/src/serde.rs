//! Serde across: [`to_value`], [`from_value`] and the wrapper [`Serde`], through which any `Serialize` or `Deserialize` type crosses
//! without a text form in between. Behind the feature `serde`; nothing else in this crate needs it.
//!
//! | Rust | value |
//! |---|---|
//! | `bool`, integers, floats, `char` and texts | bool, int, float, str |
//! | [`bytes`], `serde_bytes` | bytes (a plain `Vec<u8>` is a list of ints) |
//! | `()`, unit structs, `None` | nil |
//! | `Some(x)`, newtypes | what they hold |
//! | sequences, tuples | list |
//! | structs, maps whose keys are texts | map, without the entries that are nil |
//! | enums | externally tagged: `"Idle"`, `{"Move": [1, 2]}`; `"Chase"` also for a variant that holds nil |
//! | [`Handle`](crate::Handle), [`Value`] | themselves |
//!
//! An int is never taken for a float nor a float for an int, an unsigned number beyond `i64` is refused, and an `f32` is rounded, but not
//! to infinity. Where serde keeps values in a buffer of its own (`untagged`, `flatten`, an inner `tag`), its looser rules for numbers
//! hold, and handles do not get through.
//!
//! Every error is a [`TypeError`] with the path of the part that does not fit. Nesting is bounded in both directions, `Some` and newtypes
//! included, so that no value can exhaust the host's stack.
//!
//! ```
//! use modhost_abi::{TypeError, Value, serde::{from_value, to_value}};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Deserialize, Serialize)]
//! struct Unit {
//!     kind: String,
//!     order: Order,
//! }
//!
//! #[derive(Debug, PartialEq, Deserialize, Serialize)]
//! enum Order {
//!     Wait,
//!     Move { x: f64, y: f64 },
//! }
//!
//! let unit = Unit { kind: "wolf".into(), order: Order::Move { x: 1.5, y: 2.0 } };
//! let value = to_value(&unit)?;
//! assert_eq!(value.get("order").and_then(|order| order.get("Move")?.get("x")), Some(&Value::Float(1.5)));
//! assert_eq!(from_value::<Unit>(value)?, unit);
//!
//! let error = from_value::<Vec<Order>>(Value::List(vec!["Wait".into(), "Run".into()])).unwrap_err();
//! assert_eq!(error.to_string(), "[1]: expected \"Wait\" | \"Move\", found \"Run\"");
//! # Ok::<(), TypeError>(())
//! ```

pub mod bytes;
mod de;
mod error;
mod handle;
mod ser;
mod value;

use ::serde::{Serialize, de::DeserializeOwned};

use crate::{FromValue, IntoValue, Type, TypeError, Value, ValueBudget, ValueLimits};

/// What [`to_value`] and [`Serde`] keep to: the deepest nesting there is, and 64 MiB. The limits of the plugin that a value goes to are
/// checked on its way there, as for every value.
pub const LIMITS: ValueLimits = ValueLimits { depth: ValueLimits::DEEPEST, bytes: 64 << 20 };

/// Makes a value of `source`, within [`LIMITS`].
///
/// # Errors
/// A [`TypeError`] with the path of the part that no value says, or that goes beyond the limits.
pub fn to_value<T: Serialize + ?Sized>(source: &T) -> Result<Value, TypeError> {
    to_value_within(source, LIMITS)
}

/// [`to_value`] within limits of the caller's, which count as [`Value::weight`] does.
///
/// # Errors
/// As [`to_value`].
pub fn to_value_within<T: Serialize + ?Sized>(source: &T, limits: ValueLimits) -> Result<Value, TypeError> {
    source.serialize(ser::Serializer::new(&mut ValueBudget::new(limits)))
}

/// Makes a `T` of `value`.
///
/// # Errors
/// A [`TypeError`] with the path of the part that does not fit.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, TypeError> {
    T::deserialize(de::Deserializer::new(value, ValueLimits::DEEPEST))
}

/// Carries a serde type where an [`IntoValue`] or [`FromValue`] type is asked for: arguments and results of calls and of host functions.
///
/// ```
/// use modhost_abi::{FromValue, IntoValue, Type, TypeError, Value, serde::Serde};
///
/// let value = Serde((1_u8, "wolf")).into_value()?;
/// assert_eq!(value, Value::List(vec![Value::Int(1), Value::from("wolf")]));
/// let Serde((id, kind)) = Serde::<(u8, String)>::from_value(value)?;
/// assert_eq!((id, kind.as_str()), (1, "wolf"));
/// assert_eq!(<Serde<String> as FromValue>::ty(), Type::Any, "serde does not tell types beforehand");
/// # Ok::<(), TypeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Serde<T>(pub T);

impl<T: Serialize> IntoValue for Serde<T> {
    fn ty() -> Type {
        Type::Any
    }
    fn into_value(self) -> Result<Value, TypeError> {
        to_value(&self.0)
    }
}

impl<T: DeserializeOwned> FromValue for Serde<T> {
    fn ty() -> Type {
        Type::Any
    }
    fn from_value(value: Value) -> Result<Self, TypeError> {
        from_value(value).map(Serde)
    }
}
