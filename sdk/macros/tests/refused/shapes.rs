use modhost_macros::{FromValue, IntoValue};

#[derive(IntoValue)]
struct Nothing;

#[derive(FromValue)]
struct Several(i64, i64);

#[derive(IntoValue)]
union Bits {
    int: i64,
    float: f64,
}

#[derive(FromValue)]
enum Never {}

#[derive(IntoValue)]
enum Event {
    Died,
    Hit { damage: i64 },
}

#[derive(FromValue)]
struct Tree {
    children: Vec<Tree>,
}

#[derive(FromValue)]
struct Chain(Option<Box<Self>>);

fn main() {}
