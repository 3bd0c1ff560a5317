//! [`PublicKey`] and [`KeyId`]: who signed. A key that could be forged under never becomes a [`PublicKey`].

use std::{fmt, str::FromStr};

use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{DecodePublicKey, EncodePublicKey, PublicKeyBytes, spki::der::pem::LineEnding},
};
use sha2::{Digest as _, Sha256};

use super::hex::{hex, unhex};
use crate::error::{Code, Error, Result, Stage};

const PREFIX: &str = "ed25519:";

/// A public key of ed25519. Keys of small order, under which anybody can forge, and spellings of a key beside its one canonical
/// form are refused when a key is made, so that whatever holds a `PublicKey` may compare it by its bytes.
///
/// ```
/// use modhost::{Code, verify::PublicKey};
///
/// let key: PublicKey = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".parse()?;
/// assert_eq!(key.id().short(), "40302329e41f3cc7");
///
/// // The neutral element: every signature of one kind holds under it.
/// let weak = format!("ed25519:01{}", "00".repeat(31));
/// assert_eq!(weak.parse::<PublicKey>().unwrap_err().code(), Code::VerifyKey);
/// # Ok::<(), modhost::Error>(())
/// ```
///
/// What another library holds to be a key is none before it was checked here:
///
/// ```compile_fail,E0277
/// let weak = ed25519_dalek::VerifyingKey::from_bytes(&[0; 32]).expect("a point of order 4");
/// let key = modhost::verify::PublicKey::from(weak);
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct PublicKey(VerifyingKey);

/// The prime of the field, 2^255 - 19, with its lowest byte first.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// Whether `bytes` are the one spelling of a point: its coordinate below the prime, and no sign where there are no two points to
/// tell apart (those have small order, and are refused anyway).
fn canonical(bytes: &[u8; 32]) -> bool {
    let mut coordinate = *bytes;
    coordinate[31] &= 0x7f;
    coordinate.iter().rev().cmp(PRIME.iter().rev()).is_lt()
}

pub(super) fn refused(code: Code, message: impl Into<String>) -> Error {
    Error::new(code, Stage::Vet, message)
}

impl PublicKey {
    /// The key that `bytes` are.
    ///
    /// # Errors
    /// [`Code::VerifyKey`] for what is no point of the curve, not in its canonical form, or of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        let wrong = |why: &str| Err(refused(Code::VerifyKey, format!("the public key {} {why}", hex(bytes))));
        if !canonical(bytes) {
            return wrong("is not in its canonical form");
        }
        match VerifyingKey::from_bytes(bytes) {
            Err(_) => wrong("is no point of ed25519's curve"),
            Ok(key) if key.is_weak() => wrong("is weak: anybody can forge signatures under it"),
            Ok(key) => Ok(PublicKey(key)),
        }
    }

    /// Of a key pair, whose public key is a multiple of the base point and so never weak.
    pub(super) fn of_pair(pair: &SigningKey) -> Self {
        PublicKey(pair.verifying_key())
    }

    pub(crate) fn verifying(&self) -> VerifyingKey {
        self.0
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let mut hash = Sha256::new();
        hash.update(b"ed25519\0");
        hash.update(self.as_bytes());
        KeyId(hash.finalize().into())
    }

    /// Reads `-----BEGIN PUBLIC KEY-----` (SPKI, as `openssl pkey -pubout` writes it).
    ///
    /// # Errors
    /// [`Code::VerifyKey`] for other text, other algorithms and keys that [`PublicKey::from_bytes`] refuses.
    pub fn from_pem(text: &str) -> Result<Self> {
        let bytes = PublicKeyBytes::from_public_key_pem(text).map_err(|_| {
            refused(Code::VerifyKey, "this is no public key of ed25519 in PEM (`-----BEGIN PUBLIC KEY-----`)")
        })?;
        PublicKey::from_bytes(&bytes.to_bytes())
    }

    /// The same as PEM.
    ///
    /// # Errors
    /// None that is known of: the encoder's own.
    pub fn to_pem(&self) -> Result<String> {
        let pem = PublicKeyBytes(*self.as_bytes()).to_public_key_pem(LineEnding::LF);
        pem.map_err(|error| refused(Code::InternalBug, format!("a public key could not be written: {error}")))
    }

    /// Its bytes in digits, as an envelope holds them.
    pub(super) fn digits(&self) -> String {
        hex(self.as_bytes())
    }

    pub(super) fn from_digits(digits: &str) -> Result<Self> {
        let Some(bytes) = unhex(digits) else {
            return Err(refused(Code::VerifyKey, "a public key has 64 digits of 0-9 and a-f"));
        };
        PublicKey::from_bytes(&bytes)
    }

    /// Whether `signature` is this key's over `message`: strictly, so that no second form of a signature holds.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.digits())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    /// Reads `ed25519:` and 64 digits. The word in front is needed, because 64 digits alone may be a [`KeyId`] as well.
    fn from_str(text: &str) -> Result<Self> {
        match text.strip_prefix(PREFIX) {
            Some(digits) => PublicKey::from_digits(digits),
            None => Err(refused(Code::VerifyKey, "a public key is written `ed25519:` and 64 digits of 0-9 and a-f")),
        }
    }
}

/// A key's name: the SHA-256 of `ed25519`, a NUL and the public key's bytes. It is always computed, never believed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 of its 64 digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        hex(&self.0[..8])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

/// A text is no [`KeyId`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyIdError;

impl fmt::Display for KeyIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key id has 64 digits of 0-9 and a-f")
    }
}

impl std::error::Error for KeyIdError {}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        unhex(text).map(KeyId).ok_or(KeyIdError)
    }
}
