//! Shapes that have no value, and attributes that make no sense, are compile errors at the right place.
//!
//! `TRYBUILD=overwrite` writes the `.stderr` files anew. All messages are our own, none the compiler's, so that they hold
//! for every version of Rust.

#[test]
fn what_is_refused_is_refused_at_its_place() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
