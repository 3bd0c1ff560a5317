//! [`PublicKey`], that checkpoints are verified with, and the secret key of an installation, that signs them. Reads and makes key files.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::Path,
    str::FromStr,
};

use ed25519_dalek::{
    Signature, Signer, SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, spki::der::pem::LineEnding},
};

use super::hex;
use crate::error::{Code, Error, Result, Stage};

/// Longest key file, in bytes.
const LONGEST: u64 = 4096;

fn unusable(path: &Path, why: impl fmt::Display) -> Error {
    Error::new(Code::AuditKey, Stage::Engine, format!("{}: {why}", path.display()))
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

/// The secret key of an installation.
pub(super) struct LogKey(SigningKey);

impl LogKey {
    /// Reads the key file at `path`, or makes a key and the file.
    pub(super) fn read_or_make(path: &Path) -> Result<LogKey> {
        match LogKey::read(path) {
            Err(error) if error.code() == Code::IoNotFound => LogKey::make(path),
            other => other,
        }
    }

    fn read(path: &Path) -> Result<LogKey> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let about = fs::metadata(path).map_err(|error| Error::io(Stage::Engine, path, &error))?;
            let mode = about.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                let why = format!("others may read or write this secret key (mode {mode:o})");
                let help = "Forget this key if others may have read it: move the file away, and a new one is made. Else chmod 600.";
                return Err(unusable(path, why).with_help(help));
            }
        }
        let key = SigningKey::from_pkcs8_pem(&text(path)?);
        key.map(LogKey).map_err(|_| unusable(path, "this is no ed25519 secret key (PKCS#8, PEM)"))
    }

    fn make(path: &Path) -> Result<LogKey> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| unusable(path, format!("no randomness for a new key: {error}")))?;
        let key = SigningKey::from_bytes(&seed);
        let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| unusable(path, error))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let write = |file: &mut File| file.write_all(pem.as_bytes()).and_then(|()| file.sync_all());
        let written = options.open(path).and_then(|mut file| {
            // A half of a key must not be taken for one next time.
            write(&mut file).inspect_err(|_| drop(fs::remove_file(path)))
        });
        written.map_err(|error| Error::io(Stage::Engine, path, &error))?;
        Ok(LogKey(key))
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
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
    match File::open(path).map_err(failed)?.take(LONGEST).read_to_string(&mut text) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(unusable(path, "this is no text")),
        other => other.map(|_| text).map_err(failed),
    }
}
