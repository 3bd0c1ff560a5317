//! [`Cause`]: why a plugin is left out, as data.

use semver::Version;

use crate::Code;

/// Why a plugin, or one version of it, is left out. Requirements are in their authors' words.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// It needs a plugin that is not there in any version.
    Missing {
        /// The plugin that is needed.
        id: String,
        /// Which versions fit; `*` for any.
        requirement: String,
    },
    /// It needs a plugin that is there and is left out itself.
    LeftOut {
        /// The plugin that is needed.
        id: String,
        /// Which versions fit.
        requirement: String,
    },
    /// It needs one of several plugins, and none of them can be there.
    NoneOf {
        /// The manifest's word for the need.
        name: String,
        /// The plugins, each with its requirement.
        choices: Vec<String>,
    },
    /// It needs a plugin in a version that is not there.
    NoVersion {
        /// The plugin that is needed.
        id: String,
        /// Which versions fit.
        requirement: String,
        /// Those that are there, the lowest first; of more than a hundred the fifty lowest and the fifty highest.
        there: Vec<Version>,
    },
    /// It needs a plugin in a version that is there, but another version of it is taken.
    Held {
        /// The plugin that is needed.
        id: String,
        /// Which versions fit.
        requirement: String,
        /// The version that is taken.
        taken: Version,
    },
    /// Another plugin that is taken needs it in another version.
    Wanted {
        /// The other plugin.
        by: String,
        /// The version that the other needs.
        requirement: String,
    },
    /// It cannot be loaded together with a plugin that is taken.
    Conflict {
        /// The other plugin.
        id: String,
        /// The version of it that is taken.
        taken: Version,
        /// Whose manifest says so.
        declared_by: String,
        /// Which versions the manifest refuses.
        requirement: String,
    },
    /// It needs itself, through others.
    Cycle {
        /// Each needs the next, and the last needs the first, which is this plugin. Of more than twelve the first twelve.
        path: Vec<String>,
    },
    /// It needs a contract that neither the host nor a plugin offers in a version that fits.
    Contract {
        /// The contract.
        name: String,
        /// Which versions fit.
        requirement: String,
        /// The versions that the host offers.
        offered: Vec<Version>,
    },
    /// It needs another version of modhost.
    Engine {
        /// Which versions fit.
        requirement: String,
    },
    /// What goes together was not found out within the steps that the options allow.
    Budget {
        /// The steps.
        steps: u64,
    },
    /// Another of its id was found first, of the same version; or one of its id is loaded already.
    Duplicate,
    /// Another of its id is there that differs in build metadata only, which has no order.
    SameVersion {
        /// The other's version.
        other: Version,
    },
    /// It is not what the lockfile or the mod set holds.
    Locked,
}

impl Cause {
    /// Its code in the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Cause::Missing { .. } | Cause::LeftOut { .. } | Cause::NoneOf { .. } => Code::ResolveMissing,
            Cause::NoVersion { .. } | Cause::Held { .. } | Cause::Wanted { .. } => Code::ResolveUnsatisfiable,
            Cause::Conflict { .. } => Code::ResolveConflict,
            Cause::Cycle { .. } => Code::ResolveCycle,
            Cause::Contract { .. } => Code::ResolveContract,
            Cause::Engine { .. } => Code::ResolveEngine,
            Cause::Budget { .. } => Code::ResolveBudget,
            Cause::Duplicate => Code::PackageDuplicate,
            Cause::SameVersion { .. } => Code::PackageSameVersion,
            Cause::Locked => Code::ResolveLocked,
        }
    }
}
