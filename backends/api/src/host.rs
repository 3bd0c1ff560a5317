//! [`HostTable`]: the host functions that one plugin may link.

use std::{fmt, sync::Arc};

use modhost_abi::{Signature, Value};

use crate::Fault;

/// How a host function is called: it takes its arguments out of the slice. The engine's wrapper behind it checks the
/// capability and the arguments, lends the host's state and catches panics; nothing unwinds out of it.
pub type HostCall = dyn Fn(&mut [Value]) -> Result<Value, Fault> + Send + Sync;

/// How a pending host function is begun: it takes its arguments, as [`HostCall`] does, and its answer comes later.
pub type HostBegin = dyn Fn(&mut [Value]) -> Result<(), Fault> + Send + Sync;

/// One host function.
#[derive(Clone)]
pub struct HostEntry {
    /// The dotted name, `world.spawn`.
    pub name: String,
    /// Parameters and result: they steer conversions (a Lua number for a `float` parameter is a float).
    pub signature: Signature,
    /// The function. That of a pending one checks the capability and then gives
    /// [`FaultKind::CannotSuspend`](crate::FaultKind::CannotSuspend).
    pub call: Arc<HostCall>,
    /// Begins a pending function. A backend uses it in place of [`HostEntry::call`] where the running call can be suspended
    /// ([`Suspending::start`](crate::Suspending::start)), and suspends it when this gives no error.
    pub begin: Option<Arc<HostBegin>>,
}

impl HostEntry {
    /// A function that answers at once.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        signature: Signature,
        call: impl Fn(&mut [Value]) -> Result<Value, Fault> + Send + Sync + 'static,
    ) -> Self {
        HostEntry { name: name.into(), signature, call: Arc::new(call), begin: None }
    }

    /// The same as a pending function that `begin` begins.
    #[must_use]
    pub fn pending(mut self, begin: impl Fn(&mut [Value]) -> Result<(), Fault> + Send + Sync + 'static) -> Self {
        self.begin = Some(Arc::new(begin));
        self
    }

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
