//! [`Opened`]: a plugin that was read whole. Of one with a `META/files` nothing that its signatures are over was parsed yet.

use std::path::PathBuf;

use modhost_backend::{FileSet, Place};
use semver::Version;

use super::{
    Caps, Digest, Id, Index, MANIFEST, Manifest, Package,
    meta::Meta,
    open::{assembled, not_a_plugin},
};
use crate::{Code, Error, Result, Stage};

/// A plugin in memory: what it takes to judge its signatures, and then the rest.
#[derive(Debug)]
pub(crate) enum Opened {
    /// One that tells its id in its manifest only, or in its file's name; or that the host has parsed.
    Whole(Box<Package>),
    /// One that tells its id in `META/files`.
    Listed(Box<Listed>),
}

/// A plugin whose files are as its list says, and no more is known of them.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(super) path: PathBuf,
    pub(super) index: Index,
    pub(super) files: FileSet,
    pub(super) meta: Meta,
    /// Folders that were not read.
    pub(super) skipped: Vec<String>,
    /// How many bytes the package has, where it is one.
    pub(super) packed: Option<u64>,
}

impl From<Package> for Opened {
    fn from(package: Package) -> Self {
        Opened::Whole(package.into())
    }
}

impl Opened {
    pub(crate) fn id(&self) -> &Id {
        match self {
            Opened::Whole(package) => package.id(),
            Opened::Listed(listed) => listed.index.id(),
        }
    }

    pub(crate) fn version(&self) -> &Version {
        match self {
            Opened::Whole(package) => package.version(),
            Opened::Listed(listed) => listed.index.version(),
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        match self {
            Opened::Whole(package) => package.digest(),
            Opened::Listed(listed) => listed.index.digest(),
        }
    }

    pub(crate) fn envelope(&self) -> Option<&[u8]> {
        match self {
            Opened::Whole(package) => package.envelope(),
            Opened::Listed(listed) => listed.meta.envelope.as_deref(),
        }
    }

    pub(super) fn files(&self) -> &FileSet {
        match self {
            Opened::Whole(package) => package.files(),
            Opened::Listed(listed) => &listed.files,
        }
    }

    /// How many bytes of it are kept: its files, and what META says of them.
    pub(super) fn bytes(&self) -> u64 {
        let index = match self {
            Opened::Whole(package) => package.recorded.then(|| package.index()),
            Opened::Listed(listed) => Some(&listed.index),
        };
        let meta = index.map_or(0, |index| index.as_bytes().len()) + self.envelope().map_or(0, <[u8]>::len);
        self.files().iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>() + meta as u64
    }

    /// Parses what was not parsed yet: `plugin.toml`, which must be of the plugin that the list names.
    ///
    /// # Errors
    /// `manifest.*`, `package.manifest` where it is of another plugin, `package.not-a-plugin`, `package.missing-artefact`.
    pub(crate) fn parse(self, caps: &Caps) -> Result<Package> {
        match self {
            Opened::Whole(package) => Ok(*package),
            Opened::Listed(listed) => listed.parse(caps),
        }
    }
}

impl Listed {
    fn parse(self, caps: &Caps) -> Result<Package> {
        let Listed { path, index, files, meta, skipped, packed } = self;
        let name_it = |error: Error| error.of(index.id().as_str());
        let manifest = match files.get(MANIFEST) {
            Some(bytes) if bytes.len() as u64 > caps.manifest => {
                let message = format!("the file has more than {} bytes", caps.manifest);
                let error = Error::new(Code::PackageTooLarge, Stage::Open, message);
                return Err(name_it(error.at_place(Place::file(MANIFEST))));
            }
            Some(bytes) => Manifest::parse(bytes).map_err(name_it)?,
            None => return Err(name_it(not_a_plugin(&path, "the package has no plugin.toml"))),
        };
        let mut package = assembled(&path, manifest, files, skipped, meta)?;
        package.record(index)?;
        package.packed = packed;
        Ok(package)
    }
}
