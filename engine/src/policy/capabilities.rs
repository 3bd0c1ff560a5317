//! [`Capabilities`]: what a host grants.

use std::collections::BTreeSet;

use modhost_abi::Capability;

/// What a host grants of that which plugins ask for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Capabilities {
    /// These, where a plugin asks for them.
    Only(BTreeSet<Capability>),
    /// Whatever a plugin asks for.
    Requested,
}

impl Capabilities {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Capabilities::Only(BTreeSet::new())
    }

    /// Whether `capability` is granted to a plugin that asks for it.
    #[must_use]
    pub fn grants(&self, capability: &Capability) -> bool {
        match self {
            Capabilities::Only(these) => these.contains(capability),
            Capabilities::Requested => true,
        }
    }

    /// Adds one more.
    pub fn add(&mut self, capability: Capability) {
        if let Capabilities::Only(these) = self {
            these.insert(capability);
        }
    }
}
