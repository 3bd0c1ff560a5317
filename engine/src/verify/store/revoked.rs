//! [`Revocation`]: what is taken back, and how.

use std::fmt;

use semver::{Version, VersionReq};

use super::versions::in_range;
use crate::{
    package::Id,
    verify::{Digest, KeyId},
};

/// What is revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Revoked {
    /// All that this key signed, or handed on.
    Key(KeyId),
    /// The one package of this digest.
    Package(Digest),
    /// These versions of a plugin, prereleases in between included.
    Versions(Id, VersionReq),
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Revoked::Key(key) => write!(f, "key {key}"),
            Revoked::Package(digest) => write!(f, "package {digest}"),
            Revoked::Versions(id, versions) => write!(f, "versions {id} {}", written(versions)),
        }
    }
}

/// A range on one line without spaces.
pub(super) fn written(versions: &VersionReq) -> String {
    versions.to_string().replace(' ', "")
}

/// Something that was trusted and is no more.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Revocation {
    /// What.
    pub what: Revoked,
    /// Why: 1 to 128 printable ASCII characters.
    pub reason: String,
    /// Whether it is refused. What is revoked softly is warned of.
    pub hard: bool,
    /// The issuer of the revocation list that says so; `None` where the store's owner does.
    pub list: Option<KeyId>,
}

impl Revocation {
    /// Refuses `what`.
    pub fn hard(what: Revoked, reason: impl Into<String>) -> Self {
        Revocation { what, reason: reason.into(), hard: true, list: None }
    }

    /// Warns of `what`.
    pub fn soft(what: Revoked, reason: impl Into<String>) -> Self {
        Revocation { hard: false, ..Revocation::hard(what, reason) }
    }

    /// Whether it is this package that is meant.
    #[must_use]
    pub fn meets(&self, id: &Id, version: &Version, digest: &Digest) -> bool {
        match &self.what {
            Revoked::Key(_) => false,
            Revoked::Package(revoked) => revoked == digest,
            Revoked::Versions(revoked, versions) => revoked == id && in_range(versions, version),
        }
    }
}
