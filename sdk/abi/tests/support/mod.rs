//! What the codec's tests share: equality of values to the bit, and re-encoding.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use modhost_abi::{Value, ValueLimits, codec};

/// Limits that no test value reaches.
pub(crate) const AMPLE: ValueLimits = ValueLimits { depth: ValueLimits::DEEPEST, bytes: u64::MAX };

pub(crate) fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(value, &mut bytes);
    bytes
}

/// Equality that tells 0.0 from -0.0 and finds a NaN equal to any other.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        }
        _ => a == b,
    }
}

/// The value made again by what anybody may call: an unsorted map or one that holds nil does not survive.
fn made_again(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(made_again).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(key, item)| (key, made_again(item))).collect()),
        other => other.clone(),
    }
}

/// What must hold of any bytes: they are refused, or they are the one encoding of what they decode to. Says which.
pub(crate) fn check(bytes: &[u8], limits: ValueLimits) -> bool {
    match codec::decode(bytes, limits) {
        Ok(value) => {
            assert_eq!(encoded(&made_again(&value)), bytes, "a second encoding of {value:?} was accepted");
            true
        }
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error} lies beyond {bytes:x?}");
            false
        }
    }
}
