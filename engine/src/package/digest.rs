//! [`Digest`]: what a plugin's files are, in 32 bytes.

use std::{fmt, fmt::Write as _, str::FromStr};

use super::Outline;

/// The SHA-256 of a plugin's [`Index`](super::Index), which names each file's own digest. Two plugins of equal digest hold the same
/// bytes under the same paths, and the same id and version. It is a plugin's identity in lockfiles, mod sets, signatures,
/// revocations and the audit trail.
///
/// ```
/// use modhost::package::{Caps, Digest, Package};
///
/// let wolf = Package::from_bytes("wolf.lua", b"function howl() end", &Caps::default())?;
/// let digest = Digest::of(&wolf);
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// assert!(digest.to_string().starts_with("sha256:"));
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest([u8; 32]);

/// A text is no digest: `sha256:` and 64 digits of `0-9a-f` are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DigestError;

impl fmt::Display for DigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest is `sha256:` and 64 digits of 0-9 and a-f")
    }
}

impl std::error::Error for DigestError {}

const PREFIX: &str = "sha256:";

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Digest {
    /// The digest of a plugin.
    #[must_use]
    pub fn of(plugin: &Outline) -> Self {
        plugin.digest()
    }

    /// A digest that was found elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex(&self.0))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digits = text.strip_prefix(PREFIX).unwrap_or_default().as_bytes();
        // Upper case is refused: one digest has one spelling.
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(DigestError),
        };
        if digits.len() != 64 {
            return Err(DigestError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(Digest(bytes))
    }
}
