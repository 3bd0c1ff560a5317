//! [`Package`]: a plugin as it lies on disk, read once into memory: its id, version, manifest, artefacts and files.
//!
//! This folder opens plugins, and packs them. It reads no more than [`Caps`] allow, follows no link out of a plugin's folder and runs
//! nothing. Trust, dependencies and backends are later stages, which open no file: they use the bytes that were read here. Of many
//! plugins only some are kept in memory until they are loaded (`shelf.rs`); the others are read again here, and must be what they were.

mod archive;
mod artefact;
mod caps;
mod depends;
mod digest;
mod discover;
mod files;
mod glob;
mod id;
mod index;
mod layout;
mod litter;
mod manifest;
mod meta;
mod name;
mod nearest;
mod nesting;
mod open;
mod opened;
mod outline;
mod pack;
mod parse;
mod quantity;
pub(crate) mod schema;
mod shelf;
#[cfg(test)]
mod tests;

use std::{ops::Deref, path::Path};

use modhost_backend::FileSet;

use crate::Result;

pub use artefact::Artefact;
pub use caps::Caps;
pub use digest::{Digest, DigestError};
pub(crate) use discover::Listing;
pub use discover::{Discovery, discover};
pub use id::{Id, IdError};
pub use index::{Algorithm, Index, IndexedFile};
pub use litter::{Omission, Omitted};
pub use manifest::{
    About, Alternative, AskedCapabilities, AskedLimits, Conflict, Dependency, Entry, Manifest, Provision, Requirement,
};
pub(crate) use nearest::nearest;
pub(crate) use opened::Opened;
pub use outline::Outline;
pub(crate) use pack::{LOCK_SIGNATURES, LOCKFILE};
pub use pack::{PackOptions, Packed};
pub use quantity::{QuantityError, parse_duration, parse_size};
pub(crate) use shelf::{Matched, Shelf, Shelved};

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
    outline: Outline,
    files: FileSet,
}

/// Everything but the contents of its files.
impl Deref for Package {
    type Target = Outline;

    fn deref(&self) -> &Outline {
        &self.outline
    }
}

impl AsRef<Outline> for Package {
    fn as_ref(&self) -> &Outline {
        &self.outline
    }
}

impl Package {
    /// The two halves of one.
    pub(crate) fn of(outline: &Outline, contents: &FileSet) -> Package {
        Package { outline: outline.clone(), files: contents.clone() }
    }

    /// Reads one plugin: a `.lua`, `.luau`, `.rhai`, `.wasm`, `.wat`, `.so`, `.dll` or `.dylib` file, a folder with a
    /// `plugin.toml`, or a `.modpkg` package. `path` itself may be a link; below a folder only links that stay inside it are read.
    /// Where there is a `META/files`, it must list every file as it is, and no other.
    ///
    /// # Errors
    /// `io.not-found`, `io.failed`, every `package.*` but `package.duplicate`, and every `manifest.*`, the latter with
    /// file, line and column.
    pub fn open(path: &Path, caps: &Caps) -> Result<Package> {
        Package::read(path, caps)?.parse(caps)?.into_package(caps)
    }

    /// The first half of [`Package::open`]: what it takes to judge the plugin's signatures before anything that they are over is parsed.
    pub(crate) fn read(path: &Path, caps: &Caps) -> Result<Opened> {
        open::open(path, caps)
    }

    /// Takes a single file that the host holds in memory; the ending of `name` tells its language (`rules.lua`). A name in `.modpkg`
    /// takes a package.
    ///
    /// # Errors
    /// `package.not-a-plugin` for another ending, `package.name`, and `package.too-large`; for a package as [`Package::open`].
    pub fn from_bytes(name: &str, bytes: &[u8], caps: &Caps) -> Result<Package> {
        Package::take(name, bytes, caps)?.parse(caps)?.into_package(caps)
    }

    /// The first half of [`Package::from_bytes`].
    pub(crate) fn take(name: &str, bytes: &[u8], caps: &Caps) -> Result<Opened> {
        open::from_bytes(name, bytes, caps)
    }

    /// Every file that was read, by its path inside the plugin. A single file's set holds only it.
    #[must_use]
    pub fn files(&self) -> &FileSet {
        &self.files
    }

    /// Packs it as one `.modpkg`, a zip that any tool opens: the same files give the same bytes, on every machine. `envelope` becomes
    /// `META/signatures`, and is not looked at. What was packed was read again within `caps`.
    ///
    /// Left out is what looks like a secret or like litter, and what earlier runs left there: see [`Omission`], and [`Packed::left_out`]
    /// for what that was. [`Package::pack_with`] takes some of it all the same.
    ///
    /// # Errors
    /// Those of [`Package::open`] for a package that nobody could open: a name that is not ASCII, too many files. And
    /// `package.not-a-plugin` for a single file, which has no `plugin.toml`; `package.left-out` where the plugin cannot do without what
    /// is left out, or the signatures are over it.
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
        self.pack_with(&PackOptions { algorithm, envelope, include: &[] }, caps)
    }

    /// [`Package::pack`], with more to say.
    ///
    /// ```
    /// use modhost::package::{Caps, Omission, PackOptions, Package};
    ///
    /// let area = tempfile::tempdir()?;
    /// std::fs::write(area.path().join("plugin.toml"), "[plugin]\nid = \"wolf\"\nversion = \"1.2.0\"")?;
    /// std::fs::write(area.path().join("main.lua"), "function howl() end")?;
    /// std::fs::write(area.path().join("map.bak"), "of the author's")?;
    /// let folder = Package::open(area.path(), &Caps::default())?;
    ///
    /// let packed = folder.pack_with(&PackOptions::default(), &Caps::default())?;
    /// assert_eq!((&*packed.left_out[0].path, packed.left_out[0].why), ("map.bak", Omission::Backup));
    ///
    /// let mut options = PackOptions::default();
    /// let include = ["*.bak".to_owned()];
    /// options.include = &include;
    /// assert!(folder.pack_with(&options, &Caps::default())?.left_out.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Package::pack`]; `usage` for something to include that means nothing of what would be left out.
    pub fn pack_with(&self, options: &PackOptions<'_>, caps: &Caps) -> Result<Packed> {
        pack::pack(self, options, caps)
    }
}
