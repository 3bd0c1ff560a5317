//! [`Opened`]: a plugin that was read whole. Of one with a `META/files` nothing that its signatures are over was parsed yet.

use std::{path::Path, sync::Arc};

use modhost_backend::Place;
use semver::Version;

use super::{
    Caps, Digest, Id, Index, MANIFEST, Manifest, Omitted, Package,
    meta::INDEX,
    open::{artefacts, not_a_plugin, outline},
    shelf::{Contents, Shelved},
};
use crate::{Code, Error, Result, Stage};

/// A plugin that was read: what it takes to judge its signatures, and then the rest.
#[derive(Debug)]
pub(crate) enum Opened {
    /// One that tells its id in its manifest only, or in its file's name; or that the host has parsed.
    Whole(Box<Shelved>),
    /// One that tells its id in `META/files`.
    Listed(Box<Listed>),
}

/// A plugin whose files are as its list says, and no more is known of them.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(super) path: Arc<Path>,
    pub(super) index: Arc<Index>,
    /// The bytes of `plugin.toml`, which stay when the contents go.
    pub(super) manifest: Option<Arc<[u8]>>,
    pub(super) contents: Contents,
    /// `META/signatures`.
    pub(super) envelope: Option<Arc<[u8]>>,
    /// What of its folder was not read.
    pub(super) unread: Vec<Omitted>,
    /// How many bytes the package has, where it is one.
    pub(super) packed: Option<u64>,
}

impl From<Package> for Opened {
    fn from(package: Package) -> Self {
        Opened::Whole(Box::new(package.into()))
    }
}

impl Opened {
    pub(crate) fn id(&self) -> &Id {
        self.index().id()
    }

    pub(crate) fn version(&self) -> &Version {
        self.index().version()
    }

    pub(crate) fn digest(&self) -> Digest {
        self.index().digest()
    }

    fn index(&self) -> &Index {
        match self {
            Opened::Whole(shelved) => shelved.outline.index(),
            Opened::Listed(listed) => &listed.index,
        }
    }

    pub(crate) fn envelope(&self) -> Option<&[u8]> {
        match self {
            Opened::Whole(shelved) => shelved.outline.envelope(),
            Opened::Listed(listed) => listed.envelope.as_deref(),
        }
    }

    /// How many bytes were read of it: its files, and what META says of them.
    pub(super) fn bytes(&self) -> u64 {
        let recorded = match self {
            Opened::Whole(shelved) => shelved.outline.recorded(),
            Opened::Listed(_) => true,
        };
        let list = if recorded { self.index().as_bytes().len() } else { 0 };
        let meta = list + self.envelope().map_or(0, <[u8]>::len);
        self.index().bytes().saturating_add(meta as u64)
    }

    /// Lets go of its contents, if they can be read again.
    pub(super) fn shed(&mut self) {
        match self {
            Opened::Whole(shelved) => shelved.contents.shed(),
            Opened::Listed(listed) => listed.contents.shed(),
        }
    }

    /// Parses what was not parsed yet: `plugin.toml`, which must be of the plugin that the list names.
    ///
    /// # Errors
    /// `manifest.*`, `package.manifest` where it is of another plugin, `package.not-a-plugin`, `package.missing-artefact`.
    pub(crate) fn parse(self, caps: &Caps) -> Result<Shelved> {
        match self {
            Opened::Whole(shelved) => Ok(*shelved),
            Opened::Listed(listed) => listed.parse(caps),
        }
    }
}

impl Listed {
    fn parse(self, caps: &Caps) -> Result<Shelved> {
        let Listed { path, index, manifest, contents, envelope, unread, packed } = self;
        let name_it = |error: Error| error.of(index.id().as_str());
        let manifest = match manifest {
            Some(bytes) if bytes.len() as u64 > caps.manifest => {
                let message = format!("the file has more than {} bytes", caps.manifest);
                let error = Error::new(Code::PackageTooLarge, Stage::Open, message);
                return Err(name_it(error.at_place(Place::file(MANIFEST))));
            }
            Some(bytes) => Manifest::parse(&bytes).map_err(name_it)?,
            None => return Err(name_it(not_a_plugin(&path, "the package has no plugin.toml"))),
        };
        let builds = artefacts(&manifest, &|path| index.file(path).is_some(), &unread)?;
        let told = (index.id().as_str(), index.version().to_string());
        let own = (manifest.id.as_str(), manifest.version.to_string());
        if told != own {
            let message = format!("it is of {} {}, and {INDEX} is of {} {}", own.0, own.1, told.0, told.1);
            let error = Error::new(Code::PackageManifest, Stage::Open, message).at_place(Place::file(MANIFEST));
            return Err(name_it(error));
        }
        let mut outline = outline(path, manifest, builds, index, envelope);
        (outline.recorded, outline.packed, outline.unread) = (true, packed, unread);
        Ok(Shelved { outline, contents })
    }
}
