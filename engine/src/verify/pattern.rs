//! [`Pattern`]: for which plugins a key may sign.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::package::Id;

/// Plugins by id: one (`acme.wolf`), all of a publisher (`acme.*`), or all there are (`*`).
///
/// ```
/// use modhost::{package::Id, verify::Pattern};
///
/// let acme: Pattern = "acme.*".parse()?;
/// assert!(acme.holds(&Id::new("acme.wolf")?));
/// assert!(!acme.holds(&Id::new("acme")?) && !acme.holds(&Id::new("acme2.wolf")?));
/// assert!("ac*".parse::<Pattern>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pattern(Kind);

// In the order of how much they say: the greatest that matches is the closest.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Kind {
    All,
    Publisher(String),
    One(Id),
}

impl Pattern {
    /// Whether the plugin is among them.
    #[must_use]
    pub fn holds(&self, id: &Id) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Publisher(publisher) => id.publisher() == Some(publisher),
            Kind::One(one) => one == id,
        }
    }

    /// Whether every plugin of `other` is among them.
    #[must_use]
    pub fn covers(&self, other: &Pattern) -> bool {
        match &other.0 {
            Kind::All => self.0 == Kind::All,
            Kind::Publisher(_) => self.0 == Kind::All || self == other,
            Kind::One(id) => self.holds(id),
        }
    }
}

/// Each pattern once, in order.
pub(super) fn sorted(patterns: impl IntoIterator<Item = Pattern>) -> Vec<Pattern> {
    patterns.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether every pattern of `narrow` is covered by one of `wide`.
pub(super) fn covered(narrow: &[Pattern], wide: &[Pattern]) -> bool {
    narrow.iter().all(|pattern| wide.iter().any(|other| other.covers(pattern)))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::All => f.pad("*"),
            Kind::Publisher(publisher) => f.pad(&format!("{publisher}.*")),
            Kind::One(id) => f.pad(id.as_str()),
        }
    }
}

/// A text is no [`Pattern`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatternError(String);

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` names no plugins: write an id, `publisher.*` or `*`", self.0)
    }
}

impl std::error::Error for PatternError {}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let wrong = || PatternError(text.chars().take(64).collect::<String>().escape_debug().to_string());
        if text == "*" {
            return Ok(Pattern(Kind::All));
        }
        match text.strip_suffix(".*") {
            // A publisher is what an id can have before its dot.
            Some(publisher) if Id::new(format!("{publisher}.x")).is_ok() => {
                Ok(Pattern(Kind::Publisher(publisher.to_owned())))
            }
            Some(_) => Err(wrong()),
            None => Id::new(text).map(|id| Pattern(Kind::One(id))).map_err(|_| wrong()),
        }
    }
}
