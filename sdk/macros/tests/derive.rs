//! What the derives make of each shape: the type, the value, the way back, and the words for what does not fit.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Debug;

use modhost_abi::{FromValue as _, IntoValue as _, Map, Type, TypeError, Value};
use modhost_macros::{FromValue, IntoValue};

/// A path that is not modhost-abi's own.
mod vendored {
    pub(crate) mod abi {
        pub(crate) use modhost_abi::*;
    }
}

#[derive(Clone, Debug, Default, PartialEq, IntoValue, FromValue)]
struct Unit {
    name: String,
    hp: i64,
    kind: Kind,
    pos: Position,
    master: Option<String>,
    #[value(rename = "hit-rate")]
    rate: f64,
    #[value(default)]
    armour: u8,
    r#type: Option<Vec<i64>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, IntoValue, FromValue)]
struct Position {
    x: f64,
    y: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, IntoValue, FromValue)]
enum Kind {
    #[default]
    Wolf,
    CaveBear,
    #[value(rename = "Elf!")]
    Elf,
}

#[derive(Clone, Debug, PartialEq, IntoValue, FromValue)]
struct Id(u32);

#[derive(Clone, Debug, PartialEq, IntoValue, FromValue)]
#[value(crate = "crate::vendored::abi")]
struct Empty {}

#[derive(Clone, Debug, PartialEq, IntoValue, FromValue)]
struct Pair<A, B: Clone = i64>
where
    A: Clone,
{
    // Names that the generated code uses itself.
    entries: A,
    fields: B,
    value: Option<A>,
}

#[derive(Clone, Debug, PartialEq, IntoValue, FromValue)]
struct Wrapper<T>(Vec<T>);

#[derive(IntoValue)]
struct Borrowed<'a> {
    name: &'a str,
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(Map::from_iter(entries))
}

/// `rust` and `value` are the same thing, of the type `ty`.
fn check<T>(rust: T, ty: &str, value: Value)
where
    T: Clone + Debug + PartialEq + modhost_abi::IntoValue + modhost_abi::FromValue,
{
    assert_eq!(<T as modhost_abi::IntoValue>::ty(), ty.parse().unwrap());
    assert_eq!(rust.clone().into_value().unwrap(), value);
    assert_eq!(T::from_value(value.clone()).unwrap(), rust);
    <T as modhost_abi::FromValue>::ty().check(&value).unwrap();
}

#[test]
fn each_shape_has_its_value() {
    let unit = Unit {
        name: "Grey".into(),
        hp: 12,
        kind: Kind::CaveBear,
        pos: Position { x: 1.0, y: -0.5 },
        r#type: Some(vec![1, 2]),
        ..Unit::default()
    };
    let ty = r#"{armour: int, hit-rate: float, hp: int, kind: "wolf" | "cave_bear" | "Elf!", master: str?, name: str,
        pos: {x: float, y: float}, type: list<int>?}"#;
    let value = map([
        ("armour", Value::Int(0)),
        ("hit-rate", Value::Float(0.0)),
        ("hp", Value::Int(12)),
        ("kind", Value::from("cave_bear")),
        ("name", Value::from("Grey")),
        ("pos", map([("x", Value::Float(1.0)), ("y", Value::Float(-0.5))])),
        ("type", Value::List(vec![Value::Int(1), Value::Int(2)])),
    ]);
    check(unit, &ty.replace('\n', ""), value);
    check(Kind::Elf, r#""wolf" | "cave_bear" | "Elf!""#, Value::from("Elf!"));
    check(Id(7), "int", Value::Int(7));
    check(Empty {}, "{}", map([]));
    check(
        Pair { entries: Id(1), fields: 2, value: None },
        "{entries: int, fields: int, value: int?}",
        map([("entries", Value::Int(1)), ("fields", Value::Int(2))]),
    );
    check(Wrapper(vec![Kind::Wolf]), r#"list<"wolf" | "cave_bear" | "Elf!">"#, Value::List(vec![Value::from("wolf")]));
    assert_eq!(Borrowed { name: "x" }.into_value().unwrap(), map([("name", Value::from("x"))]));
}

#[test]
fn what_may_be_missing_is_optional_in_the_type_that_is_accepted() {
    #[derive(Debug, PartialEq, FromValue)]
    struct Settings {
        #[value(default)]
        lives: i64,
        #[value(default)]
        name: Option<String>,
        #[value(default)]
        extra: Vec<Value>,
    }
    let ty: Type = "{extra: list<any>?, lives: int?, name: str?}".parse().unwrap();
    assert_eq!(Settings::ty(), ty);
    let expected = Settings { lives: 3, name: None, extra: Vec::new() };
    assert_eq!(Settings::from_value(map([("lives", Value::Int(3))])), Ok(expected));
}

fn refuse<T: Debug + PartialEq + modhost_abi::FromValue>(value: Value, error: &str) {
    let refused: Result<T, TypeError> = T::from_value(value.clone());
    assert_eq!(refused.unwrap_err().to_string(), error);
    // The type that is declared refuses it too, so that a caller who checks first gives the same code.
    T::ty().check(&value).unwrap_err();
}

#[test]
fn errors_name_the_place() {
    refuse::<Position>(Value::Int(1), "expected map, found int");
    refuse::<Position>(map([("x", Value::Float(0.0))]), ".y: expected float, found nil");
    refuse::<Position>(map([("x", Value::Int(0)), ("y", Value::Float(0.0))]), ".x: expected float, found int");
    for extra in ["a", "xx", "z"] {
        let value = map([("x", Value::Float(0.0)), ("y", Value::Float(0.0)), (extra, Value::Int(1))]);
        refuse::<Position>(value, &format!(".{extra}: expected no such entry, found one"));
    }
    refuse::<Empty>(map([("x", Value::Int(1))]), ".x: expected no such entry, found one");
    refuse::<Kind>(Value::from("Wolf"), r#"expected "wolf" | "cave_bear" | "Elf!", found another text"#);
    refuse::<Kind>(Value::Int(0), r#"expected "wolf" | "cave_bear" | "Elf!", found int"#);
    refuse::<Id>(Value::Bool(true), "expected int, found bool");
    refuse::<Wrapper<Pair<Id, Kind>>>(
        Value::List(vec![map([("entries", Value::Int(1)), ("fields", Value::Int(2))])]),
        r#"[0].fields: expected "wolf" | "cave_bear" | "Elf!", found int"#,
    );
}

#[test]
fn a_field_without_a_value_is_named() {
    #[derive(IntoValue)]
    struct Seed {
        seed: u64,
    }
    #[derive(IntoValue)]
    struct World {
        world: Seed,
    }
    let world = World { world: Seed { seed: u64::MAX } };
    assert_eq!(world.into_value().unwrap_err().at(), ".world.seed");
}
