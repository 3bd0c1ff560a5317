//! [`SecretKey`]: a key to sign with, and the file it is kept in. It is never printed, and wiped when it is dropped.

use std::{fmt, fs::File, io::Read, path::Path};

use ed25519_dalek::{
    Signer, SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki::der::pem::LineEnding},
};
use zeroize::{Zeroize, Zeroizing};

use super::{PublicKey, given, key::refused};
use crate::shown::ShowPath as _;
use crate::{
    error::{Code, Error, Result, Stage},
    plain, replace,
};

/// The longest file that is read as a key, in bytes.
const LONGEST: u64 = 16 << 10;

/// A private key of ed25519. It has no `Display`, its `Debug` shows the public half, and its memory is wiped when it goes.
///
/// ```
/// use modhost::verify::SecretKey;
///
/// let folder = tempfile::tempdir()?;
/// let key = SecretKey::generate()?;
/// key.create(&folder.path().join("acme.pem"))?;
/// assert_eq!(SecretKey::open(&folder.path().join("acme.pem"))?.public(), key.public());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new key, of the operating system's randomness.
    ///
    /// # Errors
    /// [`Code::IoFailed`] where the system has none to give.
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed)
            .map_err(|error| refused(Code::IoFailed, format!("the system gives no randomness: {error}")))?;
        Ok(SecretKey(SigningKey::from_bytes(&seed)))
    }

    /// The key of a seed that the host keeps by its own means.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        SecretKey(SigningKey::from_bytes(seed))
    }

    /// Reads `-----BEGIN PRIVATE KEY-----` (PKCS#8, as `openssl genpkey -algorithm ed25519` writes it).
    ///
    /// # Errors
    /// [`Code::TrustKeyFile`] for other text, other algorithms, encrypted keys (the `modhost` command decrypts them) and a public half that is not the key's.
    pub fn from_pem(text: &str) -> Result<Self> {
        let wrong = |why: &str| refused(Code::TrustKeyFile, why);
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            return Err(wrong("the private key is encrypted with a passphrase, and has to be decrypted first"));
        }
        SigningKey::from_pkcs8_pem(text)
            .map(SecretKey)
            .map_err(|_| wrong("this is no private key of ed25519 in PEM (`-----BEGIN PRIVATE KEY-----`)"))
    }

    /// The same as PEM, in a text that is wiped when it is dropped.
    ///
    /// # Errors
    /// None that is known of: the encoder's own.
    pub fn to_pem(&self) -> Result<Zeroizing<String>> {
        // Without the public half, which the first form of PKCS#8 has no place for and some readers refuse.
        let mut bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = bytes.to_pkcs8_pem(LineEnding::LF);
        bytes.secret_key.zeroize();
        pem.map_err(|error| refused(Code::InternalBug, format!("a private key could not be written: {error}")))
    }

    /// Writes it to a new file that its owner alone may read (mode 0600; elsewhere than on Unix what the folder gives).
    ///
    /// # Errors
    /// [`Code::IoFailed`] also where there is a file already: a key is never written over.
    pub fn create(&self, path: &Path) -> Result<()> {
        SecretKey::write_private(path, &self.to_pem()?)
    }

    /// Writes a private text of a host's own form, an encrypted key for example, as [`SecretKey::create`] does. It is there as a whole or
    /// not at all, also after the machine went down in between; what can be left behind then is `NAME.DIGITS.tmp`, which nobody reads.
    /// The file system must know hard links.
    ///
    /// # Errors
    /// As [`SecretKey::create`].
    pub fn write_private(path: &Path, text: &str) -> Result<()> {
        SecretKey::takes_path(path)?;
        replace::create(path, text.as_bytes(), Stage::Vet)
    }

    /// Refuses a secret in the place of `path`, as everything here does that takes a secret's file: PEM, 64 hex digits or long base64 that
    /// is no file's name. What is refused is not in the error.
    ///
    /// ```
    /// use std::path::Path;
    /// use modhost::{Code, verify::SecretKey};
    ///
    /// let error = SecretKey::takes_path(Path::new("-----BEGIN PRIVATE KEY-----")).unwrap_err();
    /// assert_eq!(error.code(), Code::UsageSecret);
    /// assert!(SecretKey::takes_path(Path::new("acme.pem")).is_ok());
    /// ```
    ///
    /// # Errors
    /// [`Code::UsageSecret`].
    pub fn takes_path(path: &Path) -> Result<()> {
        if given::is_secret(path) { Err(given::not_shown()) } else { Ok(()) }
    }

    /// Reads the file of a key.
    ///
    /// # Errors
    /// [`Code::TrustKeyExposed`] where others than its owner may read it, or its owner is neither this user nor root (on Unix), [`Code::TrustKeyFile`] for what is no key,
    /// [`Code::IoNotFound`] and [`Code::IoFailed`].
    pub fn open(path: &Path) -> Result<Self> {
        SecretKey::from_pem(&SecretKey::read_private(path)?).map_err(|error| {
            let message = format!("{}: {}", path.shown(), error.message());
            error.saying(message)
        })
    }

    /// Reads what [`SecretKey::write_private`] wrote, into memory that is wiped when it goes.
    ///
    /// # Errors
    /// As [`SecretKey::open`]; [`Code::TrustKeyFile`] for more than 16 KiB, and for what is no text.
    pub fn read_private(path: &Path) -> Result<Zeroizing<String>> {
        SecretKey::takes_path(path)?;
        let failed = |error| Error::io(Stage::Vet, path, &error);
        let mut file = plain::open(path).map_err(failed)?;
        SecretKey::guarded(&file, path)?;
        // All of it at once, so that no part is left behind where the text grew.
        let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize + 64));
        let read = Read::by_ref(&mut file).take(LONGEST + 1).read_to_string(&mut text);
        if matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::InvalidData) || text.len() as u64 > LONGEST
        {
            return Err(refused(Code::TrustKeyFile, format!("{}: this is no private key in PEM", path.shown())));
        }
        read.map_err(failed)?;
        Ok(text)
    }

    /// Refuses an open file, which lies at `path`, that others than this user and root can read or write: for secrets of a host's own.
    /// It asks the open file, which nobody can exchange. Elsewhere than on Unix it refuses nothing, which is told once.
    ///
    /// # Errors
    /// [`Code::TrustKeyExposed`], [`Code::IoFailed`].
    pub fn guarded(file: &File, path: &Path) -> Result<()> {
        private(file, path)
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::of_pair(&self.0)
    }

    /// Signs `message`, which the caller begins with a text of its own purpose.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

#[cfg(unix)]
fn private(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let about = file.metadata().map_err(|error| Error::io(Stage::Vet, path, &error))?;
    let (mode, owner) = (about.mode() & 0o777, about.uid());
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        let message = format!("{}: this secret belongs to another user (number {owner})", path.shown());
        let help = "Its owner can read and change it. Copy it to a file of your own with mode 600, or make a new one.";
        return Err(refused(Code::TrustKeyExposed, message).with_help(help));
    }
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let message = format!("{}: others than its owner may read or write this secret (mode {mode:04o})", path.shown());
    let help =
        format!("Take it back with `chmod 600 {}`; if it was on a shared machine, make a new key.", path.shown());
    Err(refused(Code::TrustKeyExposed, message).with_help(help))
}

#[cfg(not(unix))]
fn private(_file: &File, _path: &Path) -> Result<()> {
    super::exposed::not_looked_at();
    Ok(())
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}
