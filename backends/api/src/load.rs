//! [`LoadRequest`]: all that a backend is given.

use std::{collections::BTreeSet, sync::Arc};

use modhost_abi::TypeError;

use crate::{Fault, FaultKind, FileSet, HostTable, Meter};

/// Where a guest's `print` goes: charges the plugin's output limit and keeps the line; an error has killed the meter.
pub type Print = dyn Fn(&str) -> Result<(), Fault> + Send + Sync;

/// All that a backend is given to load one plugin.
#[derive(Clone)]
#[non_exhaustive]
pub struct LoadRequest<'a> {
    /// The plugin's id, for messages.
    pub plugin: &'a str,
    /// The path of the entry inside [`LoadRequest::files`].
    pub entry: &'a str,
    /// The whole vetted file set.
    pub files: &'a FileSet,
    /// The host functions the plugin may link.
    pub host: Arc<HostTable>,
    /// The plugin's meter, begun.
    pub meter: Arc<Meter>,
    /// Where printed text goes.
    pub print: Arc<Print>,
    /// Which of the language's standard libraries the plugin may use, by the language's own names; `None` for all that
    /// the backend offers.
    pub libraries: Option<&'a BTreeSet<String>>,
    /// What the plugin's random numbers begin with, where the language has any: [`seed_of`] the plugin for a host that sets
    /// no seed. The same seed gives the same numbers in each process and on each machine.
    pub seed: u64,
}

/// The seed of the random numbers of `plugin` in a host whose own seed is `host`: FNV-1a over both. It depends on nothing else,
/// so a plugin has the same numbers in each process, whatever is loaded beside it.
#[must_use]
pub fn seed_of(plugin: &str, host: u64) -> u64 {
    let bytes = host.to_le_bytes().into_iter().chain(plugin.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl<'a> LoadRequest<'a> {
    /// A request; the engine makes them, and so do tests of a backend.
    #[must_use]
    pub fn new(
        plugin: &'a str,
        entry: &'a str,
        files: &'a FileSet,
        host: Arc<HostTable>,
        meter: Arc<Meter>,
        print: Arc<Print>,
    ) -> Self {
        LoadRequest { plugin, entry, files, host, meter, print, libraries: None, seed: seed_of(plugin, 0) }
    }

    /// The same with another beginning of the plugin's random numbers.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same with the standard libraries cut down to `libraries`.
    #[must_use]
    pub fn with_libraries(mut self, libraries: Option<&'a BTreeSet<String>>) -> Self {
        self.libraries = libraries;
        self
    }

    /// Whether the plugin may use the standard library `name`.
    #[must_use]
    pub fn library(&self, name: &str) -> bool {
        self.libraries.is_none_or(|open| open.contains(name))
    }

    /// The bytes of the entry, within the limit of modules.
    ///
    /// # Errors
    /// [`FaultKind::Compile`] for a file that is not there or too long.
    pub fn bytes(&self) -> Result<&'a Arc<[u8]>, Fault> {
        self.files.within(self.entry, self.meter.limits().module)
    }

    /// The entry as text, within the limit of sources.
    ///
    /// # Errors
    /// As [`LoadRequest::bytes`], and [`FaultKind::Compile`] with the line for bytes that are not UTF-8.
    pub fn source(&self) -> Result<&'a str, Fault> {
        self.files.text(self.entry, self.meter.limits().source)
    }
}

impl From<TypeError> for Fault {
    fn from(error: TypeError) -> Self {
        Fault::new(FaultKind::Type(error))
    }
}
