//! The derives of `IntoValue` and `FromValue`, for hosts and guests alike. `modhost` and `modhost-plugin` re-export them
//! beside the traits; depend on those rather than on this crate.
//!
//! | shape | value | type |
//! |---|---|---|
//! | `struct Unit { hp: i64, name: Option<String> }` | a map; a field that is nil is left out | `{hp: int, name: str?}` |
//! | `struct Id(i64);` | the inner value | `int` |
//! | `enum Mood { Calm, VeryAngry }` | a text in snake_case | `"calm" \| "very_angry"` |
//!
//! Attributes:
//! - `#[value(rename = "...")]` on a field or a variant: its name in the value.
//! - `#[value(default)]` on a field: where it is missing, `FromValue` takes its `Default`.
//! - `#[value(crate = "path")]` on the type: where modhost-abi is found, if no dependency of the package leads to it.
//!
//! ```
//! use modhost_abi::{FromValue, Map, Value};
//! use modhost_macros::{FromValue, IntoValue};
//!
//! #[derive(Debug, PartialEq, IntoValue, FromValue)]
//! struct Unit {
//!     kind: Kind,
//!     #[value(rename = "hit-points")]
//!     hp: i64,
//!     #[value(default)]
//!     armour: i64,
//! }
//!
//! #[derive(Debug, PartialEq, IntoValue, FromValue)]
//! enum Kind {
//!     Wolf,
//!     CaveBear,
//! }
//!
//! let value = Value::Map(Map::from_iter([("kind", Value::from("cave_bear")), ("hit-points", Value::Int(40))]));
//! let unit = Unit::from_value(value)?;
//! assert_eq!(unit, Unit { kind: Kind::CaveBear, hp: 40, armour: 0 });
//! assert_eq!(<Unit as FromValue>::ty().to_string(), r#"{armour: int?, hit-points: int, kind: "wolf" | "cave_bear"}"#);
//!
//! let error = Unit::from_value(Value::Map(Map::from_iter([("kind", Value::from("hare"))]))).unwrap_err();
//! assert_eq!(error.at(), ".hit-points");
//! # Ok::<(), modhost_abi::TypeError>(())
//! ```
#![forbid(unsafe_code)]

mod attributes;
mod from_value;
mod into_value;
mod names;
mod root;
mod shape;

use proc_macro::TokenStream;
use syn::DeriveInput;

use shape::Shape;

/// Derives `IntoValue` for a struct with named fields, a newtype or a unit enum.
#[proc_macro_derive(IntoValue, attributes(value))]
pub fn into_value(input: TokenStream) -> TokenStream {
    expand(input, into_value::derive)
}

/// Derives `FromValue` for a struct with named fields, a newtype or a unit enum.
#[proc_macro_derive(FromValue, attributes(value))]
pub fn from_value(input: TokenStream) -> TokenStream {
    expand(input, from_value::derive)
}

fn expand(input: TokenStream, derive: fn(&syn::Path, DeriveInput, Shape) -> proc_macro2::TokenStream) -> TokenStream {
    let parsed = || {
        let input: DeriveInput = syn::parse(input)?;
        let shape = Shape::of(&input)?;
        let root = match attributes::Container::of(&input.attrs)?.root {
            Some(root) => root,
            None => root::find(input.ident.span())?,
        };
        Ok(derive(&root, input, shape))
    };
    parsed().unwrap_or_else(syn::Error::into_compile_error).into()
}
