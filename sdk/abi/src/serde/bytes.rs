//! `#[serde(with = "modhost_abi::serde::bytes")]`: a field of bytes crosses as bytes rather than as a list of ints.
//!
//! ```
//! use modhost_abi::{TypeError, Value, serde::{from_value, to_value}};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, Serialize)]
//! struct Chunk {
//!     #[serde(with = "modhost_abi::serde::bytes")]
//!     tiles: Vec<u8>,
//! }
//!
//! let value = to_value(&Chunk { tiles: vec![0, 255] })?;
//! assert_eq!(value.get("tiles"), Some(&Value::Bytes(vec![0, 255])));
//! assert_eq!(from_value::<Chunk>(value)?.tiles, [0, 255]);
//! # Ok::<(), TypeError>(())
//! ```

use alloc::vec::Vec;
use core::fmt;

use ::serde::{
    Deserializer, Serializer,
    de::{Error, Visitor},
};

/// Writes bytes.
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(bytes: impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes.as_ref())
}

/// Reads bytes, into a `Vec<u8>` or whatever is made of one.
///
/// # Errors
/// The deserializer's, for everything but bytes.
pub fn deserialize<'de, D: Deserializer<'de>, B: From<Vec<u8>>>(deserializer: D) -> Result<B, D::Error> {
    deserializer.deserialize_byte_buf(BytesVisitor).map(B::from)
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.into())
    }
    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}
