//! [`SignedLock`]: a lockfile with the signatures beside it, so that one signature stands for a whole set.
//!
//! What a lockfile looks like is known to `resolve/`, which reads its rows and hands them over; here are the signatures, and which
//! packages they are for. Whether a key may vouch for one of them is decided in `decide.rs`, as for a package's own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

use modhost_backend::Place;
use semver::Version;
use sha2::{Digest as _, Sha256};

use super::{
    Digest, Envelope, TrustStore, Verdict,
    decide::{Identity, by_set_alone},
    envelope::Over,
    key::refused,
};
use crate::{
    error::{Code, Result},
    package::{Id, LOCK_SIGNATURES},
    policy::Policy,
};

/// A lockfile and the signatures over its exact bytes, each of which holds: made by [`SignedLock::read`] only.
///
/// Given to an engine ([`Builder::signed_lock`](crate::Builder::signed_lock)) or to [`Verdicts`](super::Verdicts) it vouches for the
/// very packages that it names, by id, version and digest: its keys stand in the place of the package's own, and each is judged
/// for each plugin as ever, by its namespace, dates, ceiling and revocation. Where they do not suffice the package stands by itself.
///
/// ```
/// use std::time::SystemTime;
/// use modhost::{Policy, TrustLevel};
/// use modhost::verify::{Envelope, SecretKey, SignOptions, SignedLock, TrustStore, TrustedKey, sign_lock};
///
/// let lockfile = "lock = 1\n\n[[plugin]]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n\
///     digest = \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n\
///     source = \"acme.wolf-1.0.0.modpkg\"\nafter = []\n";
/// let key = SecretKey::generate()?;
/// let envelope = Envelope::of(sign_lock(lockfile.as_bytes(), &key, SignOptions::new("Acme"))?).to_string();
/// let set = SignedLock::read(lockfile.as_bytes(), envelope.as_bytes())?;
///
/// let mut store = TrustStore::default();
/// store.add_key(TrustedKey::new(key.public(), "Acme", ["acme.*".parse()?]))?;
/// let (wolf, ..) = set.plugins().next().expect("it names one");
/// let verdict = set.judge(wolf, &store, &Policy::mods(), SystemTime::now()).expect("it names this one");
/// assert_eq!((verdict.level, verdict.by_set), (TrustLevel::Verified, true));
///
/// assert!(SignedLock::read(lockfile.replace("1.0.0", "1.0.1").as_bytes(), envelope.as_bytes()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedLock {
    rows: BTreeMap<Id, (Version, Digest)>,
    envelope: Envelope,
    mark: [u8; 32],
}

impl SignedLock {
    /// `rows` are those of `lockfile`; what it is signed over are its bytes.
    pub(crate) fn of(lockfile: &[u8], rows: BTreeMap<Id, (Version, Digest)>, envelope: &[u8]) -> Result<Self> {
        let digest: [u8; 32] = Sha256::digest(lockfile).into();
        let mark = Sha256::digest([digest, Sha256::digest(envelope).into()].concat()).into();
        let envelope = Envelope::read(Over::Lockfile, envelope)?;
        if let Some(bad) = envelope.signatures().iter().find(|one| !one.holds_over(Over::Lockfile, &digest)) {
            let message = format!(
                "the signature of the key {} (it says: {}) is not over this lockfile: one of the two was changed",
                bad.public.id().short(),
                bad.signer
            );
            let help = "Get the lockfile and its signatures again from where they come from. Whoever changed the lockfile removes the signatures, and signs it again.";
            let error = refused(Code::VerifyBadSignature, message).with_help(help);
            return Err(error.at_place(Place::file(LOCK_SIGNATURES)));
        }
        Ok(SignedLock { rows, envelope, mark })
    }

    /// Where the signatures of a lockfile lie: beside it, under its name and `.signatures`.
    #[must_use]
    pub fn beside(lockfile: &Path) -> PathBuf {
        let mut name = lockfile.as_os_str().to_owned();
        name.push(".signatures");
        name.into()
    }

    /// The packages that it names, by id.
    pub fn plugins(&self) -> impl ExactSizeIterator<Item = (&Id, &Version, &Digest)> {
        self.rows.iter().map(|(id, (version, digest))| (id, version, digest))
    }

    /// Its signatures.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// What its signatures are worth for one of its plugins, as if they were the package's own: where anything is in
    /// [`Verdict::errors`] it does not vouch for it. `None` for what it does not name.
    #[must_use]
    pub fn judge(&self, id: &Id, store: &TrustStore, policy: &Policy, now: SystemTime) -> Option<Verdict> {
        let (version, digest) = self.rows.get(id)?;
        let subject = Identity { id, version, digest: *digest, envelope: None };
        Some(by_set_alone(&subject, self, store, policy, now))
    }

    /// Whether it speaks of this very package.
    pub(super) fn names(&self, subject: &Identity<'_>) -> bool {
        let row = self.rows.get(subject.id);
        row.is_some_and(|(version, digest)| version == subject.version && *digest == subject.digest)
    }

    /// What it says of another package of this id, in words.
    pub(super) fn names_other(&self, subject: &Identity<'_>) -> Option<String> {
        let (version, _) = self.rows.get(subject.id)?;
        Some(match version == subject.version {
            true => "the signed set names other files of this version".into(),
            false => format!("the signed set names version {version} of it"),
        })
    }

    /// What tells it from all others: its bytes and its signatures.
    pub(super) fn mark(&self) -> [u8; 32] {
        self.mark
    }
}
