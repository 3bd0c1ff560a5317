//! [`PublicKey`], that checkpoints are verified with, and the secret key of an installation, that signs them. Reads and makes key files.

use std::{fmt, io::Read, path::Path, str::FromStr};

use ed25519_dalek::{
    Signature, SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey},
};

use super::hex;
use crate::shown::ShowPath as _;
use crate::{
    error::{Code, Error, Result, Stage},
    plain,
    verify::SecretKey,
};

/// Longest key file, in bytes.
const LONGEST: u64 = 4096;

fn unusable(path: &Path, why: impl fmt::Display) -> Error {
    Error::new(Code::AuditKey, Stage::Engine, format!("{}: {why}", path.shown()))
}

/// An ed25519 public key that checkpoints of a log are verified with. Written as 64 hex digits.
///
/// Keys that anybody can sign for (of small order) and second spellings of a key are no keys.
///
/// ```
/// use modhost::audit::PublicKey;
///
/// let text = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
/// assert_eq!(text.parse::<PublicKey>()?.to_string(), text);
/// assert!("00".repeat(32).parse::<PublicKey>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    fn sound(key: VerifyingKey) -> Option<PublicKey> {
        let canonical = key.to_edwards().compress().as_bytes() == key.as_bytes();
        (canonical && !key.is_weak()).then_some(PublicKey(key))
    }

    /// Reads the key of a file: 64 hex digits, a public key in PEM, or the secret key that a log was signed with, in PEM.
    ///
    /// # Errors
    /// [`Code::IoNotFound`], [`Code::IoFailed`], [`Code::AuditKey`].
    pub fn read(path: impl AsRef<Path>) -> Result<PublicKey> {
        let path = path.as_ref();
        let text = text(path)?;
        let key = match text.trim() {
            pem if pem.starts_with("-----BEGIN PRIVATE KEY-----") => {
                SigningKey::from_pkcs8_pem(pem).ok().map(|key| key.verifying_key()).and_then(PublicKey::sound)
            }
            pem if pem.starts_with("-----BEGIN") => {
                VerifyingKey::from_public_key_pem(pem).ok().and_then(PublicKey::sound)
            }
            hex => hex.parse().ok(),
        };
        key.ok_or_else(|| unusable(path, "this is no ed25519 key: 64 hex digits, or PEM"))
    }

    /// Whether `signature` over `message` is of this key.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::of(self.0.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let bytes = hex::bytes(text).ok_or("a public key is 64 digits of 0-9 and a-f")?;
        let key = VerifyingKey::from_bytes(&bytes).ok().and_then(PublicKey::sound);
        key.ok_or_else(|| "these digits are no sound ed25519 key".into())
    }
}

/// The secret key of an installation, in a file like those of package signers.
pub(super) struct LogKey(SecretKey);

impl LogKey {
    /// Reads the key file at `path`, or makes a key and the file.
    pub(super) fn read_or_make(path: &Path) -> Result<LogKey> {
        match LogKey::read(path) {
            Err(error) if error.code() == Code::IoNotFound => {
                LogKey::of(SecretKey::generate().and_then(|key| key.create(path).map(|()| key)))
            }
            other => other,
        }
    }

    /// Reads the key file at `path`.
    pub(super) fn read(path: &Path) -> Result<LogKey> {
        LogKey::of(SecretKey::open(path))
    }

    fn of(key: Result<SecretKey>) -> Result<LogKey> {
        key.map(LogKey).map_err(|error| {
            let code = match error.code() {
                Code::TrustKeyFile | Code::TrustKeyExposed => Code::AuditKey,
                other => other,
            };
            let help = match error.code() {
                Code::TrustKeyExposed => {
                    "Forget this key if others may have read it: move the file away, and a new one is made. Else chmod 600."
                }
                _ => code.remedy(),
            };
            Error::new(code, Stage::Engine, error.message()).with_help(help)
        })
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey(self.0.public().verifying())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.public())
    }
}

fn text(path: &Path) -> Result<String> {
    let failed = |error| Error::io(Stage::Engine, path, &error);
    let mut text = String::new();
    match plain::open(path).map_err(failed)?.take(LONGEST).read_to_string(&mut text) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(unusable(path, "this is no text")),
        other => other.map(|_| text).map_err(failed),
    }
}
