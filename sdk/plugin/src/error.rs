//! [`Error`]: what a plugin's function returns when it fails.

use std::fmt;

use modhost_abi::TypeError;

/// The result of a plugin's function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a plugin's function failed.
///
/// Made of a text with `.into()`. An error of a host function, passed on with `?`, reaches the embedder as the
/// original; to replace it, make a new one of a text.
///
/// ```
/// use modhost_plugin::Error;
///
/// let error = Error::from("no wolves left");
/// assert_eq!(error.to_string(), "no wolves left");
/// assert!(!error.is_from_host());
/// ```
#[derive(Clone, Debug)]
pub struct Error(pub(crate) Cause);

#[derive(Clone, Debug)]
pub(crate) enum Cause {
    Raised(String),
    Type(TypeError),
    Host(String),
}

impl Error {
    /// An error with this text.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Error(Cause::Raised(message.into()))
    }

    /// Whether a host function failed, rather than the plugin.
    #[must_use]
    pub fn is_from_host(&self) -> bool {
        matches!(self.0, Cause::Host(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Raised(message) | Cause::Host(message) => f.write_str(message),
            Cause::Type(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Error::new(message)
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Error::new(message)
    }
}

impl From<TypeError> for Error {
    fn from(error: TypeError) -> Self {
        Error(Cause::Type(error))
    }
}
