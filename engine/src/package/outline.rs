//! [`Outline`]: what is known of a plugin without the contents of its files. It is what is judged and planned with.

use std::{path::Path, sync::Arc};

use semver::Version;

use super::{Artefact, Digest, Id, Index, Manifest, Omitted};

/// A plugin without the contents of its files: its id, version, manifest, artefacts, and the list of its files with the digest of each.
/// A [`Package`](super::Package) is an outline and the contents, and gives its outline wherever one is wanted.
///
/// ```
/// use modhost::package::{Caps, Outline, Package};
///
/// let wolf = Package::from_bytes("wolf.lua", b"function howl() end", &Caps::default())?;
/// let outline: &Outline = &wolf;
/// assert_eq!((outline.bytes(), outline.size("wolf.lua")), (19, Some(19)));
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Outline {
    pub(super) id: Id,
    pub(super) version: Version,
    pub(super) manifest: Option<Manifest>,
    pub(super) artefacts: Vec<Artefact>,
    pub(super) index: Arc<Index>,
    pub(super) recorded: bool,
    pub(super) envelope: Option<Arc<[u8]>>,
    pub(super) packed: Option<u64>,
    pub(super) source: Arc<Path>,
    pub(super) notes: Vec<String>,
    /// What of its folder was not read.
    pub(super) unread: Vec<Omitted>,
}

impl Outline {
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

    /// What can be loaded here, in the manifest's order; never empty. Every entry is among the plugin's files.
    #[must_use]
    pub fn artefacts(&self) -> &[Artefact] {
        &self.artefacts
    }

    /// The list of the files: the `META/files` that it came with, or one that was made of them by SHA-256.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Whether it came with its index: a package does, and so does a folder that was unpacked from one.
    #[must_use]
    pub fn recorded(&self) -> bool {
        self.recorded
    }

    /// What it is, in 32 bytes: the digest of its index.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.index.digest()
    }

    /// The bytes of all its files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.index.bytes()
    }

    /// The bytes of one of its files.
    #[must_use]
    pub fn size(&self, path: &str) -> Option<u64> {
        self.index.file(path).map(|file| file.size)
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

impl AsRef<Outline> for Outline {
    fn as_ref(&self) -> &Outline {
        self
    }
}
