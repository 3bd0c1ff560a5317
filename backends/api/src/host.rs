//! [`HostTable`]: the host functions that one plugin may link.

use std::{fmt, sync::Arc};

use modhost_abi::{Signature, Value};

use crate::Fault;

/// How a host function is called: it takes its arguments out of the slice. The engine's wrapper behind it checks the
/// capability and the arguments, lends the host's state and catches panics; nothing unwinds out of it.
pub type HostCall = dyn Fn(&mut [Value]) -> Result<Value, Fault> + Send + Sync;

/// One host function.
#[derive(Clone)]
pub struct HostEntry {
    /// The dotted name, `world.spawn`.
    pub name: String,
    /// Parameters and result: they steer conversions (a Lua number for a `float` parameter is a float).
    pub signature: Signature,
    /// The function.
    pub call: Arc<HostCall>,
}

impl HostEntry {
    /// The parts of the name before the last, and the last: `(["world"], "spawn")`.
    #[must_use]
    pub fn path(&self) -> (Vec<&str>, &str) {
        let mut parts: Vec<&str> = self.name.split('.').collect();
        let last = parts.pop().unwrap_or_default();
        (parts, last)
    }
}

impl fmt::Debug for HostEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.signature)
    }
}

/// The host functions that one plugin may link, sorted by name. A function whose capability was not granted is there
/// and answers `denied.capability`; one that is not in the table does not exist for the plugin.
#[derive(Clone, Debug, Default)]
pub struct HostTable {
    entries: Vec<HostEntry>,
}

impl HostTable {
    /// A table of `entries`.
    #[must_use]
    pub fn new(mut entries: Vec<HostEntry>) -> Self {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        HostTable { entries }
    }

    /// The functions, sorted by name.
    #[must_use]
    pub fn entries(&self) -> &[HostEntry] {
        &self.entries
    }

    /// The index of `name` in [`HostTable::entries`].
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok()
    }
}
