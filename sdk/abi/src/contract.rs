//! [`Contract`]: a named, versioned set of host functions that plugins require.

use alloc::{string::String, vec::Vec};

use crate::{Capability, Signature};

/// One function of a [`Contract`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Function {
    /// The full dotted name, `world.spawn`.
    pub name: String,
    /// Its parameters and result.
    pub signature: Signature,
    /// What a plugin must have been granted to call it.
    pub capability: Option<Capability>,
    /// One or more sentences for authors.
    pub doc: String,
}

/// A named, versioned set of host functions. A plugin's manifest asks for it under `[requires]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contract {
    /// The first part of its functions' names, `world`.
    pub name: String,
    /// A semantic version, `1.2.0`.
    pub version: String,
    /// Its functions, sorted by name.
    pub functions: Vec<Function>,
}
