//! [`TypeError`]: a value is not of the type that was asked for.

use alloc::{borrow::Cow, format, string::String};
use core::fmt;

/// A value, or a part of one, is not of the type that was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TypeError {
    at: String,
    expected: Cow<'static, str>,
    found: Cow<'static, str>,
}

impl TypeError {
    /// An error at the value itself; containers prefix the path with [`TypeError::inside`].
    #[must_use]
    pub fn new(expected: impl Into<Cow<'static, str>>, found: impl Into<Cow<'static, str>>) -> Self {
        TypeError { at: String::new(), expected: expected.into(), found: found.into() }
    }

    /// The same error seen from the container: `field` is `.name` or `[3]`.
    #[must_use]
    pub fn inside(mut self, field: impl fmt::Display) -> Self {
        self.at = format!("{field}{}", self.at);
        self
    }

    /// Where inside the value, `[2].name`; empty for the value itself.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What was asked for.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What was there.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl core::error::Error for TypeError {}

/// The path element of a list's `index`.
pub(crate) fn index(index: usize) -> String {
    format!("[{index}]")
}

/// The path element of a map's `key`, with the key shortened.
pub(crate) fn key(key: &str) -> String {
    let short: String = key.chars().take(40).collect();
    format!(".{}", short.escape_debug())
}
