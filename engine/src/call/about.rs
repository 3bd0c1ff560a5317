//! [`PluginId`], the handle of a loaded plugin; [`About`]: what is known of a loaded plugin and does not change; [`Need`], which other plugins it needs.

use std::fmt;

use modhost_backend::{ExportInfo, Kind};
use semver::Version;

use crate::{audit::Whose, package::Manifest, policy::TrustLevel, verify::Standing};

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
    pub(crate) needs: Vec<Need>,
    /// How many times a plugin of this id was loaded so far, this time included.
    pub(crate) loads: u64,
}

impl About {
    /// What the host keeps because the plugin says so: the names of its exports, its topics and what it needs, and notes on its
    /// manifest; and its signatures, once as they came and once as they were read.
    pub(crate) fn bytes(&self) -> u64 {
        let exports: usize = self.exports.iter().map(|export| size_of::<ExportInfo>() + export.name.len()).sum();
        let needs = self.needs.iter().flat_map(|need| &need.any);
        let texts: usize =
            self.topics.iter().chain(&self.notes).chain(needs).map(|text| size_of::<String>() + text.len()).sum();
        (exports + texts + 2 * self.envelope.as_ref().map_or(0, |bytes| bytes.len())) as u64
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

/// Plugins of which one must be there.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// The ids of those that will do.
    pub(crate) any: Vec<String>,
    /// Whether it must be enabled first.
    pub(crate) first: bool,
}

impl Need {
    /// What a manifest cannot do without. Of what is optional nothing depends.
    pub(crate) fn of(manifest: &Manifest) -> Vec<Need> {
        let dependencies = manifest.dependencies.iter().filter(|need| !need.optional);
        let dependencies = dependencies.map(|need| Need { any: vec![need.id.to_string()], first: need.order });
        let choices = manifest.any_of.iter().map(|need| Need {
            any: need.choices.iter().map(|choice| choice.id.to_string()).collect(),
            first: need.choices.iter().all(|choice| choice.order),
        });
        dependencies.chain(choices).collect()
    }
}
