//! [`Envelope`]: signatures as they stand in a package's `META/signatures` or beside a lockfile, one text with one spelling.
//!
//! It knows nothing of trust: whether a signature holds is said here, whether its key counts is said in `decide.rs`.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{
    Date, Digest, KeyId, PublicKey, SecretKey,
    hex::{hex, unhex},
    key::refused,
    lines::{Lines, check_label},
};
use crate::error::{Code, Result};

/// The most signatures of an envelope.
pub const MOST_SIGNATURES: usize = 16;
/// The most free lines of a signature.
const MOST_META: usize = 16;
/// The longest envelope, in bytes; 16 signatures with all that they may say fit.
const LONGEST: usize = 64 << 10;
const LONGEST_META_NAME: usize = 32;
const LONGEST_META_VALUE: usize = 128;

const HEAD: &str = "modhost-signatures ";

/// What an envelope's signatures are over, by the SHA-256 of its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Over {
    /// A package: the bytes of `META/files`.
    Package,
    /// A lockfile: its own bytes.
    Lockfile,
}

impl Over {
    /// What every signed message begins with, so that no signature for one purpose holds for another.
    fn context(self) -> &'static [u8] {
        match self {
            Over::Package => b"modhost package signature 1\0",
            Over::Lockfile => b"modhost lockfile signature 1\0",
        }
    }

    /// What errors call the envelope.
    fn file(self) -> &'static str {
        match self {
            Over::Package => "META/signatures",
            Over::Lockfile => crate::package::LOCK_SIGNATURES,
        }
    }
}

/// What a signer says beside the signature; all of it is signed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SignOptions {
    /// Who signs, in the signer's own words: 1 to 128 printable ASCII characters, no space at either end. For people: trust goes by the key.
    pub signer: String,
    /// When the signature ends; `None` for never. It shortens trust, and never lengthens it.
    pub expires: Option<Date>,
    /// Free lines, by name: `a-z`, `0-9` and `-`, at most 32; printable ASCII, at most 128 characters; at most 16 of them.
    pub meta: std::collections::BTreeMap<String, String>,
}

impl SignOptions {
    /// A signature without an end.
    #[must_use]
    pub fn new(signer: impl Into<String>) -> Self {
        SignOptions { signer: signer.into(), ..SignOptions::default() }
    }
}

/// One signature of an envelope.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Signature {
    /// The key it claims to be of, and is where [`Signature::holds`] says so.
    pub public: PublicKey,
    /// Who signed, in the signer's own words.
    pub signer: String,
    /// When it ends; `None` for never.
    pub expires: Option<Date>,
    /// Free lines, sorted by name.
    pub meta: Vec<(String, String)>,
    value: [u8; 64],
}

impl Signature {
    /// The lines that are signed.
    fn statement(&self) -> String {
        let expires = self.expires.map_or_else(|| "never".to_owned(), |date| date.to_string());
        let mut text =
            format!("signature ed25519\npublic {}\nsigner {}\nexpires {expires}\n", self.public.digits(), self.signer);
        text.extend(self.meta.iter().map(|(name, value)| format!("meta {name} {value}\n")));
        text
    }

    fn message(&self, over: Over, digest: &[u8; 32]) -> Vec<u8> {
        [over.context(), digest, &Sha256::digest(self.statement())].concat()
    }

    /// Whether it is its key's over this list of files (the bytes of `META/files`) and over what it says itself.
    #[must_use]
    pub fn holds(&self, index: &[u8]) -> bool {
        self.holds_over(Over::Package, &Sha256::digest(index).into())
    }

    /// The same for the package of this digest.
    #[must_use]
    pub fn holds_for(&self, package: &Digest) -> bool {
        self.holds_over(Over::Package, package.as_bytes())
    }

    /// Whether it is its key's over a lockfile of these bytes. One over a package never is.
    #[must_use]
    pub fn holds_for_lock(&self, lockfile: &[u8]) -> bool {
        self.holds_over(Over::Lockfile, &Sha256::digest(lockfile).into())
    }

    pub(super) fn holds_over(&self, over: Over, digest: &[u8; 32]) -> bool {
        self.public.signed(&self.message(over, digest), &self.value)
    }

    fn check(&self) -> Result<(), String> {
        check_label(&self.signer)?;
        if self.meta.len() > MOST_META {
            return Err(format!("a signature has more than {MOST_META} meta lines"));
        }
        for (name, value) in &self.meta {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || name.len() > LONGEST_META_NAME || !name.bytes().all(plain) {
                return Err(format!("a meta line's name has 1 to {LONGEST_META_NAME} of a-z, 0-9 and `-`"));
            }
            check_label(value).map_err(|_| {
                format!("a meta line's value has 1 to {LONGEST_META_VALUE} printable ASCII characters, no space at either end")
            })?;
        }
        if self.meta.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err("meta lines are sorted by name, each name once".into());
        }
        Ok(())
    }
}

/// Signs the list of a package's files (the bytes of `META/files`).
///
/// ```
/// use modhost::verify::{Envelope, SecretKey, SignOptions, sign_index};
///
/// let key = SecretKey::generate()?;
/// let index = b"modhost-files 1\nacme.wolf\n1.0.0\n";
/// let signature = sign_index(index, &key, SignOptions::new("Acme"))?;
/// assert!(signature.holds(index) && !signature.holds(b"something else"));
///
/// let envelope = Envelope::of(signature);
/// assert_eq!(Envelope::parse(envelope.to_string().as_bytes())?, envelope);
/// # Ok::<(), modhost::Error>(())
/// ```
///
/// # Errors
/// [`Code::VerifyEnvelope`] for a signer or a meta line that an envelope cannot hold.
pub fn sign_index(index: &[u8], key: &SecretKey, options: SignOptions) -> Result<Signature> {
    sign(Over::Package, index, key, options)
}

/// Signs a lockfile, by its exact bytes: one signature for all plugins of the set. See [`SignedLock`](super::SignedLock).
///
/// ```
/// use modhost::verify::{SecretKey, SignOptions, sign_index, sign_lock};
///
/// let key = SecretKey::generate()?;
/// let lockfile = b"lock = 1\n";
/// let signature = sign_lock(lockfile, &key, SignOptions::new("Acme"))?;
/// assert!(signature.holds_for_lock(lockfile) && !signature.holds_for_lock(b"lock = 1"));
/// // A signature for one purpose never holds for the other.
/// assert!(!signature.holds(lockfile));
/// assert!(!sign_index(lockfile, &key, SignOptions::new("Acme"))?.holds_for_lock(lockfile));
/// # Ok::<(), modhost::Error>(())
/// ```
///
/// # Errors
/// As [`sign_index`].
pub fn sign_lock(lockfile: &[u8], key: &SecretKey, options: SignOptions) -> Result<Signature> {
    sign(Over::Lockfile, lockfile, key, options)
}

fn sign(over: Over, bytes: &[u8], key: &SecretKey, options: SignOptions) -> Result<Signature> {
    let meta = options.meta.into_iter().collect();
    let mut signature =
        Signature { public: key.public(), signer: options.signer, expires: options.expires, meta, value: [0; 64] };
    signature.check().map_err(|why| refused(Code::VerifyEnvelope, why))?;
    signature.value = key.sign(&signature.message(over, &Sha256::digest(bytes).into()));
    Ok(signature)
}

/// The signatures of a package or of a lockfile: 1 to [`MOST_SIGNATURES`], each of another key, sorted by key id. [`Display`](fmt::Display) writes
/// the one text that [`Envelope::parse`] reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    signatures: Vec<Signature>,
}

impl Envelope {
    /// The envelope of one signature.
    #[must_use]
    pub fn of(signature: Signature) -> Self {
        Envelope { signatures: vec![signature] }
    }

    /// Adds a signature; one of the same key is replaced, since it can only have been renewed.
    ///
    /// # Errors
    /// [`Code::VerifyTooMany`] beyond [`MOST_SIGNATURES`].
    pub fn add(&mut self, signature: Signature) -> Result<()> {
        self.signatures.retain(|other| other.public != signature.public);
        if self.signatures.len() >= MOST_SIGNATURES {
            return Err(too_many());
        }
        self.signatures.push(signature);
        self.signatures.sort_by_key(|signature| signature.public.id());
        Ok(())
    }

    /// Its signatures, by key id.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Reads a package's `META/signatures`, and checks no signature yet: what is too much is refused before anything is computed.
    ///
    /// # Errors
    /// [`Code::VerifyEnvelope`] for every other text than the one that [`Display`](fmt::Display) writes, [`Code::VerifyNewer`],
    /// [`Code::VerifyAlgorithm`], [`Code::VerifyKey`], [`Code::VerifyDuplicate`] and [`Code::VerifyTooMany`], with the line.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Envelope::read(Over::Package, bytes)
    }

    pub(super) fn read(over: Over, bytes: &[u8]) -> Result<Self> {
        let mut lines = Lines::new(bytes, over.file(), Code::VerifyEnvelope, LONGEST)?;
        lines.head(HEAD, Code::VerifyNewer)?;
        let mut signatures: Vec<Signature> = Vec::new();
        while !lines.is_done() {
            if signatures.len() == MOST_SIGNATURES {
                return Err(lines.coded(too_many()));
            }
            lines.empty()?;
            let signature = read(&mut lines)?;
            match signatures.last().map(|last| last.public.id().cmp(&signature.public.id())) {
                Some(std::cmp::Ordering::Equal) => {
                    let twice = format!("the key {} signs twice", signature.public.id().short());
                    return Err(lines.coded(refused(Code::VerifyDuplicate, twice)));
                }
                Some(std::cmp::Ordering::Greater) => return Err(lines.error("signatures are sorted by key id")),
                _ => signatures.push(signature),
            }
        }
        if signatures.is_empty() {
            return Err(lines.error("there is no signature"));
        }
        let envelope = Envelope { signatures };
        // Whatever the reader above might let pass, only the one spelling is taken.
        if envelope.to_string().as_bytes() != bytes {
            return Err(lines.error("this is not as modhost writes it"));
        }
        Ok(envelope)
    }

    /// The keys that signed, as they say.
    pub fn keys(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.signatures.iter().map(|signature| signature.public.id())
    }
}

fn too_many() -> crate::Error {
    refused(Code::VerifyTooMany, format!("there are more than {MOST_SIGNATURES} signatures"))
}

fn read(lines: &mut Lines<'_>) -> Result<Signature> {
    let algorithm = lines.value("signature")?;
    if algorithm != "ed25519" {
        let message = format!("signatures are of ed25519, not of `{}`", algorithm.escape_debug());
        return Err(lines.coded(refused(Code::VerifyAlgorithm, message)));
    }
    let public = lines.value("public")?;
    let public = PublicKey::from_digits(public).map_err(|error| lines.coded(error))?;
    let signer = lines.value("signer")?.to_owned();
    let expires = match lines.value("expires")? {
        "never" => None,
        date => Some(date.parse().map_err(|error| lines.error(format!("{error}, or `never`")))?),
    };
    let mut meta = Vec::new();
    while let Some(line) = lines.maybe("meta") {
        let (name, value) = line.split_once(' ').ok_or_else(|| lines.error("a meta line has a name and a value"))?;
        if meta.len() == MOST_META {
            return Err(lines.error(format!("a signature has more than {MOST_META} meta lines")));
        }
        meta.push((name.to_owned(), value.to_owned()));
    }
    let value = lines.value("value")?;
    let value = unhex(value).ok_or_else(|| lines.error("a signature has 128 digits of 0-9 and a-f"))?;
    let signature = Signature { public, signer, expires, meta, value };
    signature.check().map_err(|why| lines.error(why))?;
    Ok(signature)
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}1")?;
        for signature in &self.signatures {
            write!(f, "\n{}value {}\n", signature.statement(), hex(&signature.value))?;
        }
        Ok(())
    }
}
