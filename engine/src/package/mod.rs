//! [`Package`]: a plugin as it lies on disk, read once into memory: its id, version, manifest, artefacts and files.
//!
//! This folder opens plugins. It reads no more than [`Caps`] allow, follows no link out of a plugin's folder and runs
//! nothing; trust, dependencies and backends are later stages, which use the bytes that were read here and never open a
//! file again.

mod artefact;
mod caps;
mod depends;
mod discover;
mod files;
mod id;
mod manifest;
mod name;
mod nearest;
mod nesting;
mod open;
mod parse;
mod quantity;
pub(crate) mod schema;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use modhost_backend::FileSet;
use semver::Version;

use crate::Result;

pub use artefact::Artefact;
pub use caps::Caps;
pub(crate) use discover::Listing;
pub use discover::discover;
pub use id::{Id, IdError};
pub use manifest::{
    About, Alternative, AskedCapabilities, AskedLimits, Conflict, Dependency, Entry, Manifest, Provision, Requirement,
};
pub(crate) use nearest::nearest;
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
    source: PathBuf,
    notes: Vec<String>,
}

impl Package {
    /// Reads one plugin: a `.lua`, `.luau`, `.rhai`, `.wasm`, `.wat`, `.so`, `.dll` or `.dylib` file, or a folder with a
    /// `plugin.toml`. `path` itself may be a link; below a folder only links that stay inside it are read.
    ///
    /// # Errors
    /// `io.not-found`, `io.failed`, every `package.*` but `package.duplicate`, and every `manifest.*`, the latter with
    /// file, line and column.
    pub fn open(path: &Path, caps: &Caps) -> Result<Package> {
        open::open(path, caps)
    }

    /// Takes a single file that the host holds in memory; the ending of `name` tells its language (`rules.lua`).
    ///
    /// # Errors
    /// `package.not-a-plugin` for another ending, `package.name`, and `package.too-large`.
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
