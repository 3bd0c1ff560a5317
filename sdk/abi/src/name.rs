//! Checked dotted names: [`Capability`], and the rule that host functions share.

use alloc::string::String;
use core::fmt;

/// The longest dotted name, in bytes.
const LONGEST: usize = 96;

/// A dotted name is malformed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameError {
    name: String,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a name: parts of a-z, 0-9, `_` and `-` that begin with a letter, joined by `.`, at most {LONGEST} bytes",
            self.name.escape_debug()
        )
    }
}

impl core::error::Error for NameError {}

/// Checks a dotted name (`world.spawn`): parts of `a-z 0-9 _ -`, each begun by a letter.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    let part_ok = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
    };
    if name.len() <= LONGEST && name.split('.').all(part_ok) {
        return Ok(());
    }
    Err(NameError { name: name.chars().take(LONGEST).collect() })
}

/// A permission that a manifest asks for and a host grants, like `world.spawn`.
///
/// ```
/// use modhost_abi::Capability;
///
/// assert!(Capability::new("world.spawn").is_ok());
/// assert!(Capability::new("World spawn").is_err());
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Capability(String);

impl Capability {
    /// Checks and wraps `name`.
    ///
    /// # Errors
    /// A [`NameError`] that states the rule.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        check(&name).map(|()| Capability(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
