use modhost_macros::{FromValue, IntoValue};

#[derive(IntoValue)]
#[value(rename = "unit")]
struct OnTheType {
    hp: i64,
}

#[derive(IntoValue)]
struct Unknown {
    #[value(skip)]
    hp: i64,
}

#[derive(FromValue)]
struct DefaultWithValue {
    #[value(default = "full")]
    hp: i64,
}

#[derive(FromValue)]
struct Twice {
    #[value(rename = "a", rename = "b")]
    hp: i64,
}

#[derive(FromValue)]
enum DefaultVariant {
    #[value(default)]
    A,
}

#[derive(FromValue)]
struct RenamedNewtype(#[value(rename = "id")] i64);

#[derive(FromValue)]
#[value(crate = "not a path")]
struct Lost {
    hp: i64,
}

fn main() {}
