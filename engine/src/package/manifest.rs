//! [`Manifest`]: what a `plugin.toml` says, typed and checked. It decides nothing.

use std::time::Duration;

use modhost_abi::Capability;
use modhost_backend::{Kind, Place};
use semver::{Comparator, Version, VersionReq};

use super::Id;
use crate::Result;

/// What a `plugin.toml` says. The order of every list is the file's.
///
/// ```
/// use modhost::package::Manifest;
///
/// let manifest = Manifest::parse(br#"
///     [plugin]
///     id = "wolfpack"
///     version = "0.3.1"
///     [limits]
///     memory = "8MiB"
/// "#)?;
/// assert_eq!(manifest.id.as_str(), "wolfpack");
/// assert_eq!(manifest.limits.memory, Some(8 << 20));
///
/// let error = Manifest::parse(b"[plugin]\nid = 'w'\nversion = '1.0.0'\n[limits]\nfule = 7").unwrap_err();
/// assert_eq!(error.to_string(), "plugin.toml:5:1: unknown key `fule` in [limits]; did you mean `fuel`? [manifest.unknown-key]");
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Manifest {
    /// `[plugin] id`.
    pub id: Id,
    /// `[plugin] version`.
    pub version: Version,
    /// `[plugin] engine`: which modhost it needs.
    pub engine: Option<Requirement>,
    /// The rest of `[plugin]`, for people.
    pub about: About,
    /// `[entry]`: the builds that the plugin declares, for every target; empty where there is no such table.
    pub entries: Vec<Entry>,
    /// `[requires]`: contracts of the host (or of plugins that provide them), by their own versions.
    pub requires: Vec<Requirement>,
    /// `[dependencies]` and `[plugin] depends`; each id once.
    pub dependencies: Vec<Dependency>,
    /// `[provides]`: contracts that it offers to other plugins.
    pub provides: Vec<Provision>,
    /// `[dev-dependencies]`: needed by its tests only.
    pub dev_dependencies: Vec<Dependency>,
    /// `[conflicts]` and the `!` of `[plugin] depends`; each id once.
    pub conflicts: Vec<Conflict>,
    /// `[any-of]`: of each, one plugin must be there.
    pub any_of: Vec<Alternative>,
    /// `[capabilities]`.
    pub capabilities: AskedCapabilities,
    /// `[events] listen`: topics; `on_dusk` is called for `dusk`.
    pub listen: Vec<String>,
    /// `[limits]`.
    pub limits: AskedLimits,
    /// What its author should know, a sentence each: tables whose content is not read yet, things said twice.
    pub notes: Vec<String>,
}

impl Manifest {
    /// Reads the bytes of a `plugin.toml`.
    ///
    /// # Errors
    /// Every `manifest.*`, and `package.name` and `package.escapes` for paths under `[entry]`; each with line and column.
    pub fn parse(bytes: &[u8]) -> Result<Manifest> {
        super::parse::manifest(bytes)
    }

    /// What of it concerns plugins that it does not know: what it provides, and what it stands against.
    pub(crate) fn to_others(&self) -> Manifest {
        Manifest {
            id: self.id.clone(),
            version: self.version.clone(),
            engine: None,
            about: About::default(),
            entries: Vec::new(),
            requires: Vec::new(),
            dependencies: Vec::new(),
            provides: self.provides.clone(),
            dev_dependencies: Vec::new(),
            conflicts: self.conflicts.clone(),
            any_of: Vec::new(),
            capabilities: AskedCapabilities::default(),
            listen: Vec::new(),
            limits: AskedLimits::default(),
            notes: Vec::new(),
        }
    }

    /// How many bytes [`Manifest::to_others`] keeps, about.
    pub(crate) fn others_bytes(&self) -> usize {
        let provides = self.provides.iter().map(|offer| size_of::<Provision>() + offer.name.len());
        let conflicts = self.conflicts.iter().map(|foe| {
            size_of::<Conflict>() + foe.id.as_str().len() + foe.version.comparators.len() * size_of::<Comparator>()
        });
        size_of::<Manifest>() + provides.chain(conflicts).sum::<usize>()
    }
}

/// `[plugin]`, as far as it is for people.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct About {
    /// A title.
    pub name: Option<String>,
    /// One sentence.
    pub description: Option<String>,
    /// Names, with addresses if they like.
    pub authors: Vec<String>,
    /// An SPDX expression; not checked.
    pub license: Option<String>,
    /// Where its source is; not checked.
    pub repository: Option<String>,
    /// Where its documentation is; not checked.
    pub documentation: Option<String>,
    /// A word to sort it under.
    pub category: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

/// One line of `[entry]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The backend that runs it.
    pub kind: Kind,
    /// `OS-ARCH`, in the words of [`std::env::consts`]; `None` fits every target.
    pub target: Option<String>,
    /// The path inside the plugin: portable, relative and without `..`.
    pub path: String,
    /// Where it stands.
    pub at: Place,
}

/// A contract, or modhost itself, in a version that fits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Requirement {
    /// The contract's name.
    pub name: String,
    /// Which versions fit.
    pub version: VersionReq,
    /// Where it stands.
    pub at: Place,
}

/// A contract that the plugin offers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Provision {
    /// The contract's name.
    pub name: String,
    /// The contract's version.
    pub version: Version,
    /// Where it stands.
    pub at: Place,
}

/// Another plugin that this one uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dependency {
    /// Its id.
    pub id: Id,
    /// Which versions fit.
    pub version: VersionReq,
    /// Whether it may be absent. One that is present must fit all the same.
    pub optional: bool,
    /// Whether it is loaded first.
    pub order: bool,
    /// Whether it is left out of lists for players (`(?)` in `depends`).
    pub hidden: bool,
    /// Where it stands.
    pub at: Place,
}

/// Another plugin that this one cannot be loaded with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Conflict {
    /// Its id.
    pub id: Id,
    /// Which versions of it.
    pub version: VersionReq,
    /// Where it stands.
    pub at: Place,
}

/// A need that any one of several plugins meets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Alternative {
    /// The manifest's word for it.
    pub name: String,
    /// The plugins, best first; never empty.
    pub choices: Vec<Dependency>,
    /// Where it stands.
    pub at: Place,
}

/// `[capabilities]`: what the plugin asks for; each once.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AskedCapabilities {
    /// It does not work without these.
    pub required: Vec<Capability>,
    /// It does without these.
    pub optional: Vec<Capability>,
}

/// `[limits]`: what the plugin asks for; `None` is the default of its trust.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AskedLimits {
    /// Fuel per call, in the backend's unit.
    pub fuel: Option<u64>,
    /// Bytes it may hold.
    pub memory: Option<u64>,
    /// Wall-clock time per call.
    pub deadline: Option<Duration>,
    /// Guest frames on the stack.
    pub call_depth: Option<u32>,
    /// Bytes printed per call.
    pub output: Option<u64>,
    /// Bytes of one value that crosses.
    pub value_bytes: Option<u64>,
    /// Events that wait for it at a time.
    pub queue: Option<u32>,
}
