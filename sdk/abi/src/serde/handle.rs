//! [`Handle`] through serde: as itself to and from a [`Value`](crate::Value). Other formats show its text, and do not read it.
//!
//! A plugin must not be able to forge one. A text that is read as a handle would be one forged, wherever serde keeps values in a buffer;
//! so a handle is handed over in a shape that nothing else of a plugin's takes, a `u128`.

use alloc::string::ToString;
use core::fmt;

use ::serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

use crate::Handle;

/// The name of the newtype by which our own serializer and deserializer know a handle.
pub(super) const NAME: &str = "$modhost::Handle";

/// A handle in the shape that it is handed over in.
pub(super) fn pack(handle: Handle) -> u128 {
    u128::from(handle.kind) << 64 | u128::from(handle.slot) << 32 | u128::from(handle.generation)
}

/// What [`pack`] packed; `None` for any other number.
pub(super) fn unpack(packed: u128) -> Option<Handle> {
    let part = |shift: u32| (packed >> shift) as u32;
    (packed >> 96 == 0).then(|| Handle { kind: part(64), slot: part(32), generation: part(0) })
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &self.to_string())
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, HandleVisitor)
    }
}

struct HandleVisitor;

impl Visitor<'_> for HandleVisitor {
    type Value = Handle;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("handle")
    }
    fn visit_u128<E: Error>(self, packed: u128) -> Result<Handle, E> {
        unpack(packed).ok_or_else(|| E::custom("a number that is no handle"))
    }
}
