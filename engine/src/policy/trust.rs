//! [`TrustLevel`]: what vetting found out about a plugin.

use std::{fmt, str::FromStr};

/// How far a plugin is trusted, which vetting finds out and policy turns into a box.
///
/// ```
/// use modhost::TrustLevel;
///
/// assert!(TrustLevel::Untrusted < TrustLevel::Trusted);
/// assert_eq!("verified".parse(), Ok(TrustLevel::Verified));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TrustLevel {
    /// Unsigned, or well signed by a key that nobody here knows.
    Untrusted,
    /// Signed by enough keys of the trust store.
    Verified,
    /// Signed by a pinned vendor key, and opted in by the host.
    Trusted,
}

impl fmt::Display for TrustLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TrustLevel::Untrusted => "untrusted",
            TrustLevel::Verified => "verified",
            TrustLevel::Trusted => "trusted",
        })
    }
}

impl FromStr for TrustLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "untrusted" => Ok(TrustLevel::Untrusted),
            "verified" => Ok(TrustLevel::Verified),
            "trusted" => Ok(TrustLevel::Trusted),
            other => Err(format!("`{}` is none of untrusted, verified, trusted", other.escape_debug())),
        }
    }
}
