//! Properties of the wire codec over generated values and generated damage; the seed is fixed, so a run repeats exactly.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::cell::Cell;

use modhost_abi::{Map, TooLarge, Value, ValueLimits, codec};
use proptest::prelude::*;
use support::{AMPLE, check, encoded, run, same, value};

/// `inner` inside `levels` lists and maps.
fn nested(inner: Value, levels: u32) -> Value {
    let wrap = |inner, level| match level % 2 {
        0 => Value::List(vec![inner]),
        _ => Value::Map(Map::from_iter([("in", inner)])),
    };
    (0..levels).fold(inner, wrap)
}

#[test]
fn every_value_comes_back() {
    run(2000, value(), |value| {
        let bytes = encoded(&value);
        let back = codec::decode(&bytes, AMPLE).unwrap();
        assert!(same(&back, &value), "{value:?} came back as {back:?}");
        assert_eq!(encoded(&back), bytes);
    });
}

#[test]
fn a_list_of_arguments_is_encoded_as_a_list() {
    run(500, prop::collection::vec(value(), 0..6), |args| {
        let mut bytes = Vec::new();
        codec::encode_list(&args, &mut bytes);
        assert_eq!(bytes, encoded(&Value::List(args.clone())));
        let back = codec::decode_list(&bytes, AMPLE).unwrap();
        assert!(same(&Value::List(back), &Value::List(args)));
    });
}

#[test]
fn values_come_back_at_every_depth_up_to_the_deepest() {
    for levels in 0..ValueLimits::DEEPEST + 4 {
        // A map without its entry would hold nil, so that the innermost value is none.
        let value = nested(Value::Int(1), levels);
        let bytes = encoded(&value);
        let limits = ValueLimits { depth: u32::MAX, ..AMPLE };
        match codec::decode(&bytes, limits) {
            Ok(back) => assert!(levels < ValueLimits::DEEPEST && same(&back, &value), "{levels}"),
            Err(error) => {
                assert!(levels >= ValueLimits::DEEPEST, "{levels}: {error}");
                assert_eq!(error.too_large(), Some(TooLarge::Depth(ValueLimits::DEEPEST)));
            }
        }
    }
}

#[test]
fn wide_values_come_back() {
    let list = Value::List((0..20_000).map(Value::Int).collect());
    let map = Value::Map((0..5_000).map(|key| (format!("{key:05}"), Value::Int(key))).collect());
    for value in [list, map, Value::from("ß".repeat(50_000)), Value::Bytes(vec![7; 100_000])] {
        assert!(codec::decode(&encoded(&value), AMPLE).is_ok_and(|back| same(&back, &value)));
    }
}

/// Limits bite exactly where [`Value::weight`] says, on both ways.
#[test]
fn the_limit_of_bytes_is_the_weight() {
    run(500, value(), |value| {
        for (spare, fits) in [(0, true), (1, false)] {
            let limits = ValueLimits { bytes: value.weight() - spare, ..AMPLE };
            let mut bytes = Vec::new();
            assert_eq!(codec::encode_within(&value, limits, &mut bytes).is_ok(), fits);
            assert_eq!(codec::decode(&encoded(&value), limits).is_ok(), fits);
        }
    });
}

/// One change of an encoding.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Swap(usize, usize),
    Repeat(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<u16>().prop_map(usize::from);
    // Bytes that mean something: tags and small counts.
    let byte = prop_oneof![any::<u8>(), 0_u8..12];
    prop_oneof![
        (at.clone(), byte.clone()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (at.clone(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        at.clone().prop_map(Damage::Remove),
        (at.clone(), at.clone()).prop_map(|(a, b)| Damage::Swap(a, b)),
        (at, 1_usize..16).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: Damage) {
    let length = bytes.len().max(1);
    match damage {
        _ if bytes.is_empty() => {}
        Damage::Set(at, byte) => bytes[at % length] = byte,
        Damage::Insert(at, byte) => bytes.insert(at % length, byte),
        Damage::Remove(at) => drop(bytes.remove(at % length)),
        Damage::Swap(a, b) => bytes.swap(a % length, b % length),
        Damage::Repeat(at, count) => {
            let from = at % length;
            let again = bytes[from..length.min(from + count)].to_vec();
            bytes.splice(from..from, again);
        }
    }
}

#[test]
fn what_is_accepted_after_damage_is_the_one_encoding() {
    let accepted = Cell::new(0);
    run(6000, (value(), prop::collection::vec(damage(), 1..4)), |(value, damages)| {
        let mut bytes = encoded(&value);
        damages.into_iter().for_each(|damage| apply(&mut bytes, damage));
        accepted.set(accepted.get() + u32::from(check(&bytes, AMPLE)));
    });
    assert!(accepted.get() > 200, "only {} damaged encodings still decoded: nothing was tested", accepted.get());
}

#[test]
fn what_is_accepted_of_random_bytes_is_the_one_encoding() {
    let accepted = Cell::new(0);
    // Mostly tags and small counts, so that random bytes are now and then a value.
    let byte = prop_oneof![4 => 0_u8..10, 1 => any::<u8>()];
    run(20_000, prop::collection::vec(byte, 0..14), |tail| {
        let bytes = [&[codec::FORMAT], &tail[..]].concat();
        accepted.set(accepted.get() + u32::from(check(&bytes, AMPLE)));
    });
    assert!(accepted.get() > 200, "only {} random inputs decoded: nothing was tested", accepted.get());
}
