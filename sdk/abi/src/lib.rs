//! What crosses between a host and a plugin, and nothing else: [`Value`] and its [`Type`]s, [`Signature`]s and
//! [`Contract`]s, the conversions of Rust types, the wire [`codec`] and the native [`vtable`].
//!
//! `no_std` + `alloc`, without dependencies, because guests link it too. The byte formats are written up for authors
//! in C or Zig in `ABI.md` beside this crate.
//!
//! ```
//! use modhost_abi::{FromValue, IntoValue, Value};
//!
//! let value = vec![1_i64, 2, 3].into_value()?;
//! assert_eq!(value, Value::List(vec![Value::Int(1), Value::Int(2), Value::Int(3)]));
//! assert_eq!(Vec::<i64>::from_value(value)?, [1, 2, 3]);
//! # Ok::<(), modhost_abi::TypeError>(())
//! ```
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod budget;
pub mod codec;
mod contract;
mod convert;
#[doc(hidden)]
pub mod derive;
mod handle;
mod key;
mod map;
mod name;
#[cfg(feature = "serde")]
pub mod serde;
mod signature;
mod type_error;
mod types;
mod value;
pub mod vtable;

pub use budget::{NODE_BYTES, TooLarge, ValueBudget, ValueLimits};
pub use contract::{Contract, Function};
pub use convert::{FromArgs, FromValue, IntoArgs, IntoValue};
pub use handle::Handle;
pub use key::Key;
pub use map::Map;
pub use name::{Capability, NameError};
pub use signature::{Param, Signature};
pub use type_error::TypeError;
pub use types::{ParseError, Type};
pub use value::Value;

/// The version of the wasm guest ABI; a guest that uses the codec exports `modhost_abi_1`.
pub const WASM_ABI: u32 = 1;
