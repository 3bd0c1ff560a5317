use modhost_macros::{FromValue, IntoValue};

#[derive(IntoValue)]
struct Clash {
    hp: i64,
    #[value(rename = "hp")]
    health: i64,
}

#[derive(FromValue)]
enum Same {
    VeryAngry,
    #[allow(non_camel_case_types)]
    very_angry,
}

#[derive(IntoValue)]
struct Spaced {
    #[value(rename = "hit points")]
    hp: i64,
}

#[derive(IntoValue)]
struct Foreign {
    größe: i64,
}

#[derive(FromValue)]
enum Quoted {
    #[value(rename = "\"")]
    Quote,
}

fn main() {}
