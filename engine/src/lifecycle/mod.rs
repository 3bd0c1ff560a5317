//! A plugin's way from an [`Admission`](crate::policy::Admission) into a slot, and the well-known exports that are called on it.

pub(crate) mod hook;
mod load;
#[cfg(feature = "wasm")]
mod text;

pub(crate) use load::load;
