//! [`Id`]: a plugin's checked name. It says nothing of who may use it; that is trust's.

use std::{fmt, str::FromStr};

/// The longest id, in bytes.
const LONGEST: usize = 64;

/// A plugin's id: `wolfpack`, or `acme.wolfpack` with the publisher before the dot.
///
/// One or two parts of `a-z`, `0-9` and `-`, each begun and ended by a letter or digit; at most 64 bytes together.
///
/// ```
/// use modhost::package::Id;
///
/// let id = Id::new("acme.wolfpack")?;
/// assert_eq!(id.publisher(), Some("acme"));
/// assert_eq!(id.name(), "wolfpack");
/// assert!(Id::new("Wolf Pack").is_err());
/// # Ok::<(), modhost::package::IdError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Id(String);

/// An id is malformed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdError(String);

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an id: a-z, 0-9 and `-`, with at most one `.` between publisher and name, at most {LONGEST} bytes",
            self.0.escape_debug()
        )
    }
}

impl std::error::Error for IdError {}

fn part_ok(part: &str) -> bool {
    !part.starts_with('-')
        && !part.ends_with('-')
        && !part.is_empty()
        && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

impl Id {
    /// Checks and wraps `id`.
    ///
    /// # Errors
    /// An [`IdError`] that states the rule.
    pub fn new(id: impl Into<String>) -> Result<Self, IdError> {
        let id = id.into();
        let (publisher, name) = id.split_once('.').unwrap_or(("none", &id));
        if id.len() <= LONGEST && part_ok(publisher) && part_ok(name) {
            return Ok(Id(id));
        }
        Err(IdError(id.chars().take(LONGEST).collect()))
    }

    /// The id of a single file by its name without the ending. A dot becomes `-` too: nobody becomes a publisher by
    /// naming a file.
    pub(super) fn of_stem(stem: &str) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let id: String = stem.chars().map(plain).skip_while(|c| *c == '-').take(LONGEST).collect();
        let id = id.trim_end_matches('-');
        Id(if id.is_empty() { "plugin" } else { id }.to_owned())
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the dot; an id without one has no publisher and is never trusted.
    #[must_use]
    pub fn publisher(&self) -> Option<&str> {
        self.0.split_once('.').map(|(publisher, _)| publisher)
    }

    /// The part after the dot, or all of it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(_, name)| name)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Id::new(id)
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// So that a map by id answers to a `&str`; `Ord` and `Hash` of an id are its text's.
impl std::borrow::Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_rule() {
        let longest = "a".repeat(64);
        for good in ["a", "7", "wolf-pack", "acme.wolf-pack", "a--b", &longest] {
            assert_eq!(Id::new(good).map(|id| id.to_string()).as_deref(), Ok(good));
        }
        let longer = "a".repeat(65);
        for bad in ["", ".", "a.", ".a", "a.b.c", "A", "a_b", "-a", "a-", "a.-b", "a-.b", "a b", "\u{e4}", &longer] {
            assert!(Id::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_stem_always_gives_an_id() {
        let long = "x-".repeat(64);
        let rows = [
            ("wolfpack", "wolfpack"),
            ("Wolf Pack", "wolf-pack"),
            ("acme.wolf", "acme-wolf"),
            ("__init__", "init"),
            ("", "plugin"),
            ("---", "plugin"),
            ("\u{72fc}", "plugin"),
            ("wolf\u{72fc}2", "wolf-2"),
            (&long, &long[..63]),
        ];
        for (stem, id) in rows {
            assert_eq!(Id::of_stem(stem).as_str(), id);
            assert!(Id::new(id).is_ok(), "{id}");
        }
    }
}
