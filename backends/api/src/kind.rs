//! [`Kind`]: the name of a backend, open to an embedder's own.

use std::{borrow::Cow, fmt};

/// The name of a backend: `lua`, `rhai`, `wasm`, `native`, or an embedder's own.
///
/// ```
/// use modhost_backend::Kind;
///
/// assert_eq!(Kind::new("basic")?.as_str(), "basic");
/// assert!(Kind::new("Visual Basic").is_err());
/// # Ok::<(), modhost_backend::KindError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Kind(Cow<'static, str>);

/// A backend's name is malformed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KindError(String);

impl fmt::Display for KindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a backend name: a-z, 0-9 and `-`, begun by a letter, at most 24 bytes",
            self.0.escape_debug()
        )
    }
}

impl std::error::Error for KindError {}

const fn well_formed(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let letter = bytes[at].is_ascii_lowercase();
        if !(letter || at > 0 && (bytes[at].is_ascii_digit() || bytes[at] == b'-')) {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty() && bytes.len() <= 24
}

impl Kind {
    /// Lua (Luau).
    pub const LUA: Kind = Kind::from_static("lua");
    /// Rhai.
    pub const RHAI: Kind = Kind::from_static("rhai");
    /// WebAssembly.
    pub const WASM: Kind = Kind::from_static("wasm");
    /// Native libraries.
    pub const NATIVE: Kind = Kind::from_static("native");

    /// A name known when the program is compiled.
    ///
    /// # Panics
    /// On a malformed name; in a constant this is an error of the compiler.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(well_formed(name), "a backend name is a-z, 0-9 and -");
        Kind(Cow::Borrowed(name))
    }

    /// Checks and wraps `name`.
    ///
    /// # Errors
    /// [`KindError`] states the rule.
    pub fn new(name: impl Into<String>) -> Result<Self, KindError> {
        let name = name.into();
        if well_formed(&name) { Ok(Kind(Cow::Owned(name))) } else { Err(KindError(name.chars().take(40).collect())) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
