//! [`PluginId`], the handle of a loaded plugin; [`About`]: what is known of a loaded plugin and does not change; [`Ties`], what it has
//! to do with others.

use std::{fmt, sync::Arc};

use modhost_backend::{ExportInfo, Kind};
use semver::{Comparator, Version, VersionReq};

use crate::{
    audit::Whose,
    package::{Dependency, Manifest},
    policy::TrustLevel,
    verify::Standing,
};

/// A loaded plugin: a place in the engine, and which of its tenants.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PluginId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.slot, self.generation)
    }
}

/// What is known of a plugin and does not change while it is loaded.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) kind: Kind,
    /// How far it is trusted, and why.
    pub(crate) standing: Standing,
    /// The bytes of its signatures, to be judged again.
    pub(crate) envelope: Option<Box<[u8]>>,
    pub(crate) topics: Vec<String>,
    pub(crate) exports: Vec<ExportInfo>,
    pub(crate) notes: Vec<String>,
    pub(crate) needs: Ties,
    /// How many times a plugin of this id was loaded so far, this time included.
    pub(crate) loads: u64,
}

impl About {
    /// What the host keeps because the plugin says so: the names of its exports, its topics and what it needs, and notes on its
    /// manifest; and its signatures, once as they came and once as they were read.
    pub(crate) fn bytes(&self) -> u64 {
        let exports: usize = self.exports.iter().map(|export| size_of::<ExportInfo>() + export.name.len()).sum();
        let needs: usize = self.needs.all.iter().map(Need::bytes).sum();
        let texts: usize = self.topics.iter().chain(&self.notes).map(|text| size_of::<String>() + text.len()).sum();
        let says: usize = self.needs.says.iter().map(|manifest| manifest.others_bytes()).sum();
        let envelope = 2 * self.envelope.as_ref().map_or(0, |bytes| bytes.len());
        (exports + texts + needs + says + envelope) as u64
    }

    /// How far it is trusted.
    pub(crate) fn trust(&self) -> TrustLevel {
        self.standing.trust
    }

    /// Whether it exports `name`.
    pub(crate) fn exports(&self, name: &str) -> bool {
        self.exports.iter().any(|export| export.name == name)
    }
}

impl<'a> From<&'a About> for Whose<'a> {
    fn from(about: &'a About) -> Self {
        Whose::from((about.name.as_str(), &about.version))
    }
}

/// What a plugin has to do with others, in the words of its manifest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ties {
    /// What it cannot do without. Of what is optional nothing depends.
    pub(crate) all: Vec<Need>,
    /// Of its manifest what concerns plugins that come later: what it provides, and what it stands against.
    pub(crate) says: Option<Arc<Manifest>>,
}

/// Plugins of which one must be there.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pub(crate) of: Wanted,
    /// Whether it must be enabled first.
    pub(crate) first: bool,
}

/// What fits a need.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// One of these plugins, in these versions.
    Plugins(Vec<(String, VersionReq)>),
    /// A plugin that provides this contract; where the host offers it, nothing.
    Contract(String, VersionReq),
}

impl Need {
    /// What a manifest says, but for what the plugin is to itself.
    pub(crate) fn of(manifest: &Manifest) -> Ties {
        let choice = |choice: &Dependency| (choice.id.to_string(), choice.version.clone());
        let dependencies = manifest.dependencies.iter().filter(|need| !need.optional);
        let dependencies = dependencies.map(|need| Need { of: Wanted::Plugins(vec![choice(need)]), first: need.order });
        let choices = manifest.any_of.iter().map(|need| Need {
            of: Wanted::Plugins(need.choices.iter().map(choice).collect()),
            first: need.choices.iter().all(|choice| choice.order),
        });
        let contracts = manifest.requires.iter();
        let contracts =
            contracts.map(|need| Need { of: Wanted::Contract(need.name.clone(), need.version.clone()), first: true });
        let own = |need: &Need| match &need.of {
            Wanted::Plugins(any) => {
                any.iter().any(|(id, fits)| id == manifest.id.as_str() && fits.matches(&manifest.version))
            }
            Wanted::Contract(..) => false,
        };
        let all = dependencies.chain(choices).chain(contracts).filter(|need| !own(need)).collect();
        let says = !(manifest.provides.is_empty() && manifest.conflicts.is_empty());
        Ties { all, says: says.then(|| Arc::new(manifest.to_others())) }
    }

    fn bytes(&self) -> usize {
        let one = |id: &String, fits: &VersionReq| {
            size_of::<(String, VersionReq)>() + id.len() + fits.comparators.len() * size_of::<Comparator>()
        };
        match &self.of {
            Wanted::Plugins(any) => any.iter().map(|(id, fits)| one(id, fits)).sum(),
            Wanted::Contract(name, fits) => one(name, fits),
        }
    }

    /// Whether a plugin is one that fits.
    pub(crate) fn is_met_by(&self, other: &About) -> bool {
        match &self.of {
            Wanted::Plugins(any) => any.iter().any(|(id, fits)| *id == other.name && fits.matches(&other.version)),
            Wanted::Contract(name, fits) => {
                let offers = other.needs.says.iter().flat_map(|manifest| &manifest.provides);
                offers.into_iter().any(|offer| offer.name == *name && fits.matches(&offer.version))
            }
        }
    }
}
