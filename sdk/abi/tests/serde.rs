//! Serde types to values and back: what each becomes, what is refused and where, and that generated ones come back as they were.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{collections::BTreeMap, fmt::Debug, net::IpAddr};

use modhost_abi::{
    Handle, Map, Value, ValueLimits,
    serde::{bytes, from_value, to_value, to_value_within},
};
use proptest::prelude::*;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Visitor, value},
    forward_to_deserialize_any,
};
use support::same;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
enum Order {
    Wait,
    Chase(Option<u32>),
    Move(f64, f64),
    Say { text: String, loud: Option<bool> },
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Id(u16);

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
struct Name(String);

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Unit {
    id: Id,
    hp: i64,
    speed: f32,
    name: Option<String>,
    orders: Vec<Order>,
    traits: BTreeMap<Name, (bool, char)>,
    #[serde(with = "bytes")]
    sprite: Vec<u8>,
    owner: Option<Handle>,
    #[serde(default)]
    extra: Value,
    #[serde(default)]
    nothing: (),
}

/// A type of nothing but itself.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Endless(Option<Box<Endless>>);

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
enum Buffered {
    Owned { owner: Handle },
    Named { owner: String },
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(Map::from_iter(entries))
}

const HANDLE: Handle = Handle { kind: 1, slot: 2, generation: u32::MAX };

/// `source` becomes `value`, and is made of it again.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(source: T, value: Value) {
    let made = to_value(&source).unwrap_or_else(|error| panic!("{source:?}: {error}"));
    assert!(same(&made, &value), "{source:?} became {made:?}");
    assert_eq!(from_value::<T>(made).unwrap_or_else(|error| panic!("{value:?}: {error}")), source);
}

/// `value` is no `T`, and the error says so.
#[track_caller]
fn refuse<T: DeserializeOwned + Debug>(value: Value, error: &str) {
    assert_eq!(from_value::<T>(value.clone()).unwrap_err().to_string(), error, "{value:?}");
}

#[track_caller]
fn refuse_source<T: Serialize + Debug>(source: T, error: &str) {
    assert_eq!(to_value(&source).unwrap_err().to_string(), error, "{source:?}");
}

#[test]
fn each_shape_has_its_value() {
    check((), Value::Nil);
    check(true, Value::Bool(true));
    check(i64::MIN, Value::Int(i64::MIN));
    check(i64::MAX as u64, Value::Int(i64::MAX));
    check(-7_i128, Value::Int(-7));
    check(0.1_f32, Value::Float(f64::from(0.1_f32)));
    check(-0.0_f64, Value::Float(-0.0));
    check(f64::INFINITY, Value::Float(f64::INFINITY));
    check('ß', Value::from("ß"));
    check("wolf".to_owned(), Value::from("wolf"));
    check(vec![1_u8, 255], Value::List(vec![Value::Int(1), Value::Int(255)]));
    check((1_i8, "a".to_owned(), ()), Value::List(vec![Value::Int(1), Value::from("a"), Value::Nil]));
    check(vec![Some(1), None], Value::List(vec![Value::Int(1), Value::Nil]));
    check([Id(3), Id(4)], Value::List(vec![Value::Int(3), Value::Int(4)]));
    check(BTreeMap::from([(Name("a".into()), 1)]), map([("a", Value::Int(1))]));
    check(Ok::<u8, String>(1), map([("Ok", Value::Int(1))]));
    check("10.0.0.1".parse::<IpAddr>().unwrap(), Value::from("10.0.0.1"));
    check(HANDLE, Value::Handle(HANDLE));
    check(Order::Wait, Value::from("Wait"));
    check(Order::Chase(Some(3)), map([("Chase", Value::Int(3))]));
    check(Order::Chase(None), Value::from("Chase"));
    check(Order::Move(1.0, -0.5), map([("Move", Value::List(vec![Value::Float(1.0), Value::Float(-0.5)]))]));
    let say = Order::Say { text: "hi".into(), loud: None };
    check(say, map([("Say", map([("text", Value::from("hi"))]))]));
    check(Endless(None), Value::Nil);
}

#[test]
fn numbers_never_convert_silently() {
    refuse::<f64>(Value::Int(1), "expected float, found int");
    refuse::<f32>(Value::Int(1), "expected float, found int");
    refuse::<i64>(Value::Float(1.0), "expected int, found float");
    refuse::<u8>(Value::Int(256), "expected an int that fits u8, found 256");
    refuse::<u64>(Value::Int(-1), "expected an int that fits u64, found -1");
    refuse::<f32>(Value::Float(1e39), "expected a float that fits f32, found 1e39");
    refuse::<bool>(Value::Int(1), "expected bool, found int");
    refuse_source(u64::MAX, "expected int, found a number beyond 2^63");
    refuse_source(vec![1, i128::MAX], "[1]: expected int, found a number beyond 2^63");
    assert!(from_value::<f32>(Value::Float(f64::NAN)).unwrap().is_nan());
    assert_eq!(from_value::<f32>(Value::Float(0.1)).unwrap(), 0.1);
}

#[test]
fn errors_say_where_and_what() {
    refuse::<String>(Value::Bytes(vec![]), "expected str, found bytes");
    refuse::<char>(Value::from("ab"), "expected a text of one character, found \"ab\"");
    refuse::<()>(Value::Int(1), "expected nil, found int");
    refuse::<Vec<u8>>(Value::Bytes(vec![]), "expected list, found bytes");
    refuse::<(u8, u8)>(Value::List(vec![Value::Int(1)]), "expected a tuple of size 2, found 1 elements");
    refuse::<(u8,)>(Value::List(vec![Value::Int(1), Value::Int(2)]), "expected 1 elements, found 2");
    refuse::<BTreeMap<String, Vec<i64>>>(
        map([("a", Value::List(vec![Value::Int(1), Value::from("x")]))]),
        ".a[1]: expected int, found str",
    );
    refuse::<Order>(Value::from("Run"), "expected \"Wait\" | \"Chase\" | \"Move\" | \"Say\", found \"Run\"");
    refuse::<Order>(Value::from("Move"), ".Move: expected list, found nil");
    refuse::<Order>(map([("Wait", Value::Int(1))]), ".Wait: expected nil, found int");
    refuse::<Order>(map([("Say", map([]))]), ".Say.text: expected a value, found nil");
    refuse::<Order>(
        map([("Move", Value::Int(1)), ("Wait", Value::Int(1))]),
        "expected a map of one entry, found 2 entries",
    );
    refuse::<Order>(Value::Int(1), "expected a text or a map of one entry, found int");
    refuse::<Unit>(map([("mp", Value::Int(1))]), ".mp: expected no such entry, found one");
    refuse::<BTreeMap<u8, u8>>(map([("1", Value::Int(1))]), "expected u8, found str");
    refuse::<IpAddr>(Value::from("::x"), "expected a value that its type takes, found invalid IP address syntax");
    refuse_source(BTreeMap::from([(1, 1)]), "expected a text as key, found int");
    refuse_source(BTreeMap::from([("a", [0, u64::MAX])]), ".a[1]: expected int, found a number beyond 2^63");
}

#[test]
fn a_handle_cannot_be_forged() {
    let text = || Value::from(HANDLE.to_string());
    refuse::<Handle>(text(), "expected handle, found str");
    refuse::<Handle>(Value::Int(1), "expected handle, found int");
    assert!(from_value::<BTreeMap<Handle2, u8>>(map([("1:2:3", Value::Int(1))])).is_err());
    // Through a buffer of serde's it is the text that the plugin gave, and a real one is refused.
    let named = Buffered::Named { owner: HANDLE.to_string() };
    assert_eq!(from_value::<Buffered>(map([("owner", text())])).unwrap(), named);
    assert!(from_value::<Buffered>(map([("owner", Value::Handle(HANDLE))])).is_err());
    assert_eq!(serde_json::to_string(&HANDLE).unwrap(), "\"1:2:4294967295\"");
    assert!(serde_json::from_str::<Handle>("\"1:2:3\"").is_err());
    assert!(serde_json::from_str::<Value>("18446744073709551616").is_ok_and(|value| value.type_name() == "float"));
}

/// Another format, with numbers of 128 bits.
struct Other(u128);

impl<'de> Deserializer<'de> for Other {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_u128(self.0)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        visitor.visit_newtype_struct(self)
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

#[test]
fn large_numbers_of_other_formats_are_no_handles() {
    assert!(Value::deserialize(Other(1 << 64 | 7)).is_err());
    assert!(Handle::deserialize(Other(1 << 64 | 7)).is_err());
    assert!(matches!(u128::deserialize(Other(1 << 64 | 7)), Ok(number) if number == 1 << 64 | 7));
}

/// A handle that can be the key of a map.
#[derive(Debug, PartialEq, Deserialize)]
struct Handle2(Handle);

impl Eq for Handle2 {}
impl PartialOrd for Handle2 {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Handle2 {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.slot.cmp(&other.0.slot)
    }
}

#[test]
fn nesting_is_bounded_both_ways() {
    let deep = |levels: usize| (1..levels).fold(Value::Int(1), |value, _| Value::List(vec![value]));
    for (levels, fits) in [(ValueLimits::DEEPEST as usize, true), (ValueLimits::DEEPEST as usize + 1, false)] {
        assert_eq!(to_value(&deep(levels)).is_ok(), fits, "{levels}");
        assert_eq!(from_value::<Value>(deep(levels)).is_ok(), levels <= 129, "{levels}");
    }
    assert!(from_value::<Value>(deep(130)).is_err());
    // The type recurses for ever over one number, and a chain of it is deeper than the value that it would make.
    refuse::<Endless>(Value::Int(1), "expected at most 128 levels of nesting, found more");
    let chain = (0..1000).fold(Endless(None), |inner, _| Endless(Some(Box::new(inner))));
    refuse_source(chain, "expected at most 128 levels of nesting, found more");
    refuse::<BTreeMap<String, Endless>>(
        map([("a", Value::Int(1))]),
        ".a: expected at most 128 levels of nesting, found more",
    );
}

fn unit() -> impl Strategy<Value = Unit> {
    let text = || prop::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter);
    let order = prop_oneof![
        Just(Order::Wait),
        any::<Option<u32>>().prop_map(Order::Chase),
        (-1e300..1e300, any::<f64>().prop_filter("equal to itself", |float| !float.is_nan()))
            .prop_map(|(x, y)| Order::Move(x, y)),
        (text(), any::<Option<bool>>()).prop_map(|(text, loud)| Order::Say { text, loud }),
    ];
    let head = (any::<u16>().prop_map(Id), any::<i64>(), -1e30_f32..1e30, prop::option::of(text()));
    let lists = (
        prop::collection::vec(order, 0..5),
        prop::collection::btree_map(text().prop_map(Name), any::<(bool, char)>(), 0..5),
        prop::collection::vec(any::<u8>(), 0..40),
    );
    let handle = any::<(u32, u32, u32)>().prop_map(|(kind, slot, generation)| Handle { kind, slot, generation });
    let extra = support::value().prop_filter("equal to its copy", |value| *value == value.clone());
    (head, lists, prop::option::of(handle), extra).prop_map(|(head, lists, owner, extra)| {
        let (id, hp, speed, name) = head;
        let (orders, traits, sprite) = lists;
        Unit { id, hp, speed, name, orders, traits, sprite, owner, extra, nothing: () }
    })
}

#[test]
fn generated_types_come_back() {
    support::run(1000, unit(), |unit| {
        let value = to_value(&unit).unwrap();
        assert_eq!(from_value::<Unit>(value.clone()).unwrap(), unit);
        // What crossed is a value like any other: it survives the wire.
        let mut wire = Vec::new();
        modhost_abi::codec::encode(&value, &mut wire);
        let decoded = modhost_abi::codec::decode(&wire, support::AMPLE).unwrap();
        assert_eq!(from_value::<Unit>(decoded).unwrap(), unit);
    });
}

#[test]
fn generated_values_are_themselves_and_weigh_what_they_weigh() {
    support::run(1000, support::value(), |value| {
        assert!(same(&to_value(&value).unwrap(), &value));
        assert!(same(&from_value::<Value>(value.clone()).unwrap(), &value));
        for (spare, fits) in [(0, true), (1, false)] {
            let limits = ValueLimits { bytes: value.weight() - spare, ..support::AMPLE };
            assert_eq!(to_value_within(&value, limits).is_ok(), fits, "{value:?}");
        }
    });
}

/// Whatever a plugin gives in place of what was asked for: an error or a value, and no panic.
#[test]
fn foreign_values_never_panic() {
    support::run(2000, support::value(), |value| {
        let _ = from_value::<Unit>(value.clone());
        let _ = from_value::<Vec<Order>>(value.clone());
        let _ = from_value::<Buffered>(value.clone());
        let _ = from_value::<BTreeMap<Name, Order>>(value);
    });
}
