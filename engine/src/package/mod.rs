//! [`Package`]: a plugin as it lies on disk, read once into memory: its id, version, manifest, artefacts and files.
//!
//! This folder opens plugins, and packs them. It reads no more than [`Caps`] allow, follows no link out of a plugin's folder and runs
//! nothing; trust, dependencies and backends are later stages, which use the bytes that were read here and never open a
//! file again.

mod archive;
mod artefact;
mod caps;
mod depends;
mod digest;
mod discover;
mod files;
mod id;
mod index;
mod layout;
mod manifest;
mod meta;
mod name;
mod nearest;
mod nesting;
mod open;
mod pack;
mod parse;
mod quantity;
pub(crate) mod schema;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use modhost_backend::FileSet;
use semver::Version;

use crate::Result;

pub use artefact::Artefact;
pub use caps::Caps;
pub use digest::{Digest, DigestError};
pub(crate) use discover::Listing;
pub use discover::discover;
pub use id::{Id, IdError};
pub use index::{Algorithm, Index, IndexedFile};
pub use manifest::{
    About, Alternative, AskedCapabilities, AskedLimits, Conflict, Dependency, Entry, Manifest, Provision, Requirement,
};
pub(crate) use nearest::nearest;
pub use pack::Packed;
pub(crate) use pack::{LOCK_SIGNATURES, LOCKFILE};
pub use quantity::{QuantityError, parse_duration, parse_size};

/// The name of the manifest inside a plugin's folder.
pub const MANIFEST: &str = "plugin.toml";

/// A plugin that was read and is well-formed; nothing is known of its trust yet.
///
/// ```
/// use modhost::package::{Caps, Package};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("Hello World.lua");
/// std::fs::write(&path, "function hi() return 'hi' end")?;
///
/// let package = Package::open(&path, &Caps::default())?;
/// assert_eq!(package.id().as_str(), "hello-world");
/// assert_eq!(package.version().to_string(), "0.0.0");
/// assert_eq!(package.artefacts()[0].kind.as_str(), "lua");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Package {
    id: Id,
    version: Version,
    manifest: Option<Manifest>,
    artefacts: Vec<Artefact>,
    files: FileSet,
    /// Made when somebody asks, unless it came with the plugin.
    index: OnceLock<Index>,
    recorded: bool,
    envelope: Option<Arc<[u8]>>,
    packed: Option<u64>,
    source: PathBuf,
    notes: Vec<String>,
}

impl Package {
    /// Reads one plugin: a `.lua`, `.luau`, `.rhai`, `.wasm`, `.wat`, `.so`, `.dll` or `.dylib` file, a folder with a
    /// `plugin.toml`, or a `.modpkg` package. `path` itself may be a link; below a folder only links that stay inside it are read.
    /// Where there is a `META/files`, it must list every file as it is, and no other.
    ///
    /// # Errors
    /// `io.not-found`, `io.failed`, every `package.*` but `package.duplicate`, and every `manifest.*`, the latter with
    /// file, line and column.
    pub fn open(path: &Path, caps: &Caps) -> Result<Package> {
        open::open(path, caps)
    }

    /// Takes a single file that the host holds in memory; the ending of `name` tells its language (`rules.lua`). A name in `.modpkg`
    /// takes a package.
    ///
    /// # Errors
    /// `package.not-a-plugin` for another ending, `package.name`, and `package.too-large`; for a package as [`Package::open`].
    pub fn from_bytes(name: &str, bytes: &[u8], caps: &Caps) -> Result<Package> {
        open::from_bytes(name, bytes, caps)
    }

    /// The plugin's id: the manifest's, or made of the file's name.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The plugin's version; 0.0.0 for a single file.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The manifest; `None` for a single file.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// What can be loaded here, in the manifest's order; never empty. Every entry is among [`Package::files`].
    #[must_use]
    pub fn artefacts(&self) -> &[Artefact] {
        &self.artefacts
    }

    /// Every file that was read, by its path inside the plugin. A single file's set holds only it.
    #[must_use]
    pub fn files(&self) -> &FileSet {
        &self.files
    }

    /// The list of the files: the `META/files` that it came with, or one that is made of them now. A file is hashed once.
    #[must_use]
    pub fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(self))
    }

    /// Whether it came with its index: a package does, and so does a folder that was unpacked from one.
    #[must_use]
    pub fn recorded(&self) -> bool {
        self.recorded
    }

    /// What it is, in 32 bytes: the digest of its index.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.index().digest()
    }

    /// The bytes of `META/signatures`, at most 64 KiB, as they came. Nobody has looked at them yet.
    #[must_use]
    pub fn envelope(&self) -> Option<&[u8]> {
        self.envelope.as_deref()
    }

    /// The bytes of the package that it was read from; `None` for a folder or a single file.
    #[must_use]
    pub fn packed(&self) -> Option<u64> {
        self.packed
    }

    /// Packs it as one `.modpkg`, a zip that any tool opens: the same files give the same bytes, on every machine. Left out are lockfiles
    /// (`modhost.lock`) and packages, which earlier runs left beside the plugin's files; `envelope` becomes `META/signatures`, and is not
    /// looked at. What was packed was read again within `caps`.
    ///
    /// # Errors
    /// Those of [`Package::open`] for a package that nobody could open: a name that is not ASCII, too many files. And
    /// `package.not-a-plugin` for a single file, which has no `plugin.toml`.
    ///
    /// ```
    /// use modhost::package::{Algorithm, Caps, Package};
    ///
    /// let area = tempfile::tempdir()?;
    /// std::fs::write(area.path().join("plugin.toml"), "[plugin]\nid = \"wolf\"\nversion = \"1.2.0\"")?;
    /// std::fs::write(area.path().join("main.lua"), "function howl() end")?;
    /// let folder = Package::open(area.path(), &Caps::default())?;
    ///
    /// let packed = folder.pack(Algorithm::Sha256, None, &Caps::default())?;
    /// assert_eq!(packed.file_name(), "wolf-1.2.0.modpkg");
    /// let package = Package::from_bytes("wolf.modpkg", &packed.bytes, &Caps::default())?;
    /// assert_eq!(package.digest(), folder.digest());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pack(&self, algorithm: Algorithm, envelope: Option<&[u8]>, caps: &Caps) -> Result<Packed> {
        pack::pack(self, algorithm, envelope, caps)
    }

    /// The path it was opened from, as it was given.
    #[must_use]
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// What its author or the player should know, a sentence each: artefacts for other targets, tables that are not read.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}
