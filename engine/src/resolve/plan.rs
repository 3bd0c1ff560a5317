//! [`Plan`]: what is taken, in load order, and what is left out and why; as data and as text.

use std::{collections::BTreeMap, fmt};

use modhost_backend::Place;
use semver::Version;

use super::{Cause, Digest};
use crate::{Code, Error, Stage, audit::escape};

/// Why a plugin that is taken has to do with another that is there.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LinkKind {
    /// It needs it.
    Needs,
    /// It uses it where it is there.
    Optional,
    /// Its tests need it.
    Dev,
    /// It was chosen for the need of this name under `[any-of]`.
    AnyOf(String),
    /// It provides the contract of this name.
    Contract(String),
}

/// One plugin that is taken uses another that is taken, or loaded already.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// The other plugin.
    pub id: String,
    /// What it is to this one.
    pub kind: LinkKind,
    /// Which versions fit, in the author's words.
    pub requirement: String,
    /// Whether the other is loaded first: not with `order = false`, nor where an optional dependency would close a circle.
    pub order: bool,
}

impl Link {
    /// Whether this one can do without the other.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.kind == LinkKind::Optional
    }
}

/// A version that would have come before the one that was taken.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PassedOver {
    /// The version.
    pub version: Version,
    /// Why it is not the one, without the plugin's name: `needs lib ^2, and 1.0.0 is taken`.
    pub why: String,
}

/// A plugin that is taken, in its version.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Chosen {
    /// Its id.
    pub id: String,
    /// The version.
    pub version: Version,
    /// Where it comes from, as the candidate says.
    pub source: String,
    /// Its digest, where the candidate has one.
    pub digest: Option<Digest>,
    /// Whether it was asked for, and is not only there because others need it.
    pub wanted: bool,
    /// The plugins that it uses, by id.
    pub links: Vec<Link>,
    /// The versions that would have come before this one, the best first.
    pub passed_over: Vec<PassedOver>,
    /// The other versions that lie there, and come after this one, the best first.
    pub spare: Vec<Version>,
    pub(crate) candidate: usize,
}

/// A plugin that is left out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// Of several versions the one that came nearest.
    pub version: Version,
    /// Why.
    pub cause: Cause,
    /// Why, in words that follow the plugin's name: `needs forest ^2, and it is not there`.
    pub message: String,
    /// What to change.
    pub help: Option<String>,
    /// The line of its manifest.
    pub at: Option<Place>,
    /// The plugins that it is left out for: those that it needs and that are left out, or that are taken and stand against it.
    pub sake: Vec<String>,
    pub(crate) candidate: Option<usize>,
}

impl LeftOut {
    /// The code of the cause.
    #[must_use]
    pub fn code(&self) -> Code {
        self.cause.code()
    }

    /// The error that says the same.
    #[must_use]
    pub fn to_error(&self) -> Error {
        let mut error = Error::new(self.code(), Stage::Resolve, &self.message).of(&self.id);
        if let Some(at) = &self.at {
            error = error.at_place(at.clone());
        }
        match &self.help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} [{}]", self.id, self.version, escape(&self.message, 400), self.code())
    }
}

/// Something that a player should know of a plan that holds all the same.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// An optional dependency is not there ([`Optionals::Warn`](super::Optionals::Warn)).
    OptionalMissing {
        /// The plugin.
        id: String,
        /// What it could use, with its requirement.
        dependency: String,
    },
    /// An optional dependency is not loaded first, because it would close a circle.
    OrderWaived {
        /// The plugin.
        id: String,
        /// The optional dependency.
        dependency: String,
    },
    /// The search for the largest set was cut short; more might go together.
    NotLargest,
    /// What goes together of plugins that concern each other was not found in time, and was chosen without a search: the highest
    /// versions first, and nothing taken back.
    Unsettled {
        /// The steps that the options allow.
        steps: u64,
        /// How many plugins are left out for that ([`Cause::Budget`]).
        left_out: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::OptionalMissing { id, dependency } => {
                write!(f, "{id} could use {dependency}, which is not there")
            }
            Warning::OrderWaived { id, dependency } => {
                write!(
                    f,
                    "{id} is not loaded after {dependency}, which it can do without: they would wait for each other"
                )
            }
            Warning::NotLargest => {
                f.write_str("there are too many conflicts to be sure that no larger set goes together")
            }
            Warning::Unsettled { steps, left_out } => {
                let are = if *left_out == 1 { "plugin is" } else { "plugins are" };
                write!(
                    f,
                    "what goes together was not found within {steps} steps, and was chosen without a search: the highest versions \
                     first; {left_out} {are} left out that did not fit then"
                )
            }
        }
    }
}

/// What is taken, in load order, and what is left out and why. Its text is a list of both.
///
/// ```
/// use modhost::{package::Manifest, resolve::{Candidate, Resolver}};
///
/// let plugin = |text: &str| Manifest::parse(text.as_bytes()).map(|manifest| Candidate::new(manifest, "mods"));
/// let plan = Resolver::new(vec![
///     plugin("[plugin]\nid = 'wolf'\nversion = '1.2.0'\n[dependencies]\nwood = '^1'")?,
///     plugin("[plugin]\nid = 'wood'\nversion = '1.0.0'")?,
///     plugin("[plugin]\nid = 'wood'\nversion = '2.0.0'")?,
///     plugin("[plugin]\nid = 'moon'\nversion = '1.0.0'\n[requires]\nworld = '^2'")?,
/// ])
/// .contract("world", "1.4.0".parse()?)
/// .plan();
/// assert_eq!(
///     plan.to_string(),
///     "wood 1.0.0\nwolf 1.2.0\nleft out: moon 1.0.0: needs world ^2, this game offers 1.4.0 [resolve.contract]"
/// );
/// assert_eq!(plan.get("wood").unwrap().passed_over[0].why, "wolf 1.2.0 needs wood ^1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Plan {
    /// What is taken, in load order: plugins in the order of their ids, each directly after those that it loads after.
    /// Unloading goes the other way.
    pub order: Vec<Chosen>,
    /// What is left out: by id, then version.
    pub left_out: Vec<LeftOut>,
    /// What goes together and is not taken because something else is left out ([`Mode::AllOrNothing`](super::Mode)).
    pub withheld: Vec<Chosen>,
    /// What a player should know.
    pub warnings: Vec<Warning>,
    /// How many steps the solver took.
    pub steps: u64,
    /// The position in `order`, by id.
    pub(super) places: BTreeMap<String, usize>,
}

impl Plan {
    pub(super) fn index(&mut self) {
        self.places = self.order.iter().enumerate().map(|(place, chosen)| (chosen.id.clone(), place)).collect();
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.left_out.is_empty()
    }

    /// What is taken of a plugin.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Chosen> {
        self.order.get(*self.places.get(id)?)
    }

    /// Why a plugin is left out.
    #[must_use]
    pub fn left_out(&self, id: &str) -> Option<&LeftOut> {
        // They are sorted: whoever asks of each of thousands must not look through all of them each time.
        let first = self.left_out.partition_point(|out| *out.id < *id);
        self.left_out.get(first).filter(|out| out.id == id)
    }

    /// The order of unloading: the reverse of that of loading.
    pub fn unload_order(&self) -> impl Iterator<Item = &Chosen> {
        self.order.iter().rev()
    }

    /// Those that are left out because they cannot be loaded together with another.
    pub fn conflicts(&self) -> impl Iterator<Item = &LeftOut> {
        self.left_out.iter().filter(|out| matches!(out.cause, Cause::Conflict { .. }))
    }

    /// The plugins that are needed and not there in any version: each once, with the first requirement for it, by id.
    #[must_use]
    pub fn missing(&self) -> BTreeMap<&str, &str> {
        let mut missing = BTreeMap::new();
        for out in &self.left_out {
            if let Cause::Missing { id, requirement } = &out.cause {
                missing.entry(id.as_str()).or_insert(requirement.as_str());
            }
        }
        missing
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = self.order.iter().map(|chosen| format!("{} {}", chosen.id, chosen.version));
        let out = self.left_out.iter().map(|out| format!("left out: {out}"));
        let withheld = self.withheld.iter().map(|chosen| format!("withheld: {} {}", chosen.id, chosen.version));
        let warnings = self.warnings.iter().map(|warning| format!("note: {warning}"));
        let lines: Vec<String> = taken.chain(out).chain(withheld).chain(warnings).collect();
        f.write_str(&lines.join("\n"))
    }
}
