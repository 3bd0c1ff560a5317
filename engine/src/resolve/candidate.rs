//! [`Candidate`]: one version of one plugin, as far as the resolver looks at it. It reads no files.

use std::sync::Arc;

use semver::Version;

use super::Digest;
use crate::package::{Id, Manifest, Outline};

/// One version of one plugin that could be taken: what its manifest says, and where it comes from.
///
/// ```
/// use modhost::{package::Manifest, resolve::Candidate};
///
/// let manifest = Manifest::parse(b"[plugin]\nid = 'wolf'\nversion = '1.2.0'\n[dependencies]\nforest = '^1'")?;
/// let wolf = Candidate::new(manifest, "wolf");
/// assert_eq!(wolf.version().to_string(), "1.2.0");
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Candidate {
    id: Id,
    version: Version,
    manifest: Option<Arc<Manifest>>,
    source: String,
    digest: Option<Digest>,
}

impl Candidate {
    /// What a manifest describes. `source` says where it is, for people and for lockfiles: a path below the folder of plugins.
    #[must_use]
    pub fn new(manifest: Manifest, source: impl Into<String>) -> Self {
        Candidate {
            id: manifest.id.clone(),
            version: manifest.version.clone(),
            manifest: Some(Arc::new(manifest)),
            source: source.into(),
            digest: None,
        }
    }

    /// A plugin without a manifest, which needs nothing.
    #[must_use]
    pub fn plain(id: Id, version: Version, source: impl Into<String>) -> Self {
        Candidate { id, version, manifest: None, source: source.into(), digest: None }
    }

    /// An opened plugin; its source is the last part of its path. Nothing is hashed: see [`Candidate::with_digest`].
    #[must_use]
    pub fn of(package: &Outline) -> Self {
        let source = package.source().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Candidate {
            id: package.id().clone(),
            version: package.version().clone(),
            manifest: package.manifest().cloned().map(Arc::new),
            source,
            digest: None,
        }
    }

    /// The same with its digest, so that a lockfile or a mod set can tell it from others of its version.
    #[must_use]
    pub fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// What it says of itself; `None` for a single file.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_deref()
    }

    /// Where it comes from, as it was told.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its digest, where it was told.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}
