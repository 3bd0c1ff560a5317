//! What the tests share: generated values, equality to the bit, and re-encoding.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::ops::Range;

use modhost_abi::{Handle, Map, Value, ValueLimits, codec};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

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

/// Runs `test` over generated input; the seed is fixed.
pub(crate) fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let checked = runner.run(&strategy, |value| {
        test(value);
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}

fn scalar() -> impl Strategy<Value = Value> {
    let int = prop_oneof![
        any::<i64>(),
        // One more or less than each length of a number.
        (0_u32..63, -2_i64..=2, any::<bool>()).prop_map(|(bits, add, minus)| {
            let int = (1_i64 << bits).wrapping_add(add);
            if minus { int.wrapping_neg() } else { int }
        }),
        prop::sample::select(vec![0, -1, i64::MIN, i64::MAX, i64::MIN + 1]),
    ];
    let float = prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<u64>().prop_map(|bits| f64::from_bits(bits | 0x7ff8_0000_0000_0000)),
        prop::sample::select(vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX, 5e-324]),
    ];
    prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        int.prop_map(Value::Int),
        float.prop_map(Value::Float),
        text(0..40).prop_map(Value::Str),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Value::Bytes),
        any::<(u32, u32, u32)>()
            .prop_map(|(kind, slot, generation)| { Value::Handle(Handle { kind, slot, generation }) }),
    ]
}

fn text(length: Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), length).prop_map(String::from_iter)
}

/// Any value.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(8, 96, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::List),
            prop::collection::vec((text(0..6), inner), 0..12).prop_map(|entries| Value::Map(Map::from_iter(entries))),
        ]
    })
}
