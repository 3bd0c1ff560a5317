//! [`Verdict`]: what was found out about a package's signatures, as data: to decide by, to show, and to keep.

use std::time::SystemTime;

use super::{Date, KeyId, PublicKey, key::refused};
use crate::{
    error::{Code, Result},
    package::Id,
    policy::TrustLevel,
    verify::Digest,
};

/// One thing that was found wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Its cause.
    pub code: Code,
    /// What is wrong, with whose key.
    pub message: String,
    /// The key, where it is one's.
    pub key: Option<KeyId>,
}

/// One key that signed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Signer {
    /// The key.
    pub public: PublicKey,
    /// Its id.
    pub key: KeyId,
    /// What the store calls it; `None` for a key that nobody here knows.
    pub label: Option<String>,
    /// What the signer says of itself. It is signed, and no more than a claim.
    pub claims: String,
    /// The keys that its trust comes from, the nearest first; empty for a key that the store holds itself.
    pub delegated_by: Vec<KeyId>,
    /// The end that the signature gives itself.
    pub expires: Option<Date>,
    /// Free lines of the signature, by name.
    pub meta: Vec<(String, String)>,
    /// The most trust that it can give; above untrusted only where it counts.
    pub gives: TrustLevel,
    /// Why it does not count, where its key is known or it has come to its end.
    pub problem: Option<Finding>,
}

impl Signer {
    /// Whether the key is one of the store's, or has its trust from one.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.label.is_some()
    }

    /// Whether it counts towards the threshold.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.problem.is_none() && self.gives > TrustLevel::Untrusted
    }
}

/// What was found out about a package: how far it is to be trusted, because of whom, and what is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// SHA-256 of `META/files`.
    pub digest: Digest,
    /// How far it is trusted; untrusted where anything is in `errors`.
    pub level: TrustLevel,
    /// Who signed, by key id. Every one of them holds, unless `errors` says otherwise.
    pub signers: Vec<Signer>,
    /// How many different keys must sign it, and how many that count did.
    pub threshold: (u32, u32),
    /// Whether `signers` are those of the signed set that names it ([`SignedLock`](super::SignedLock)), not the package's own.
    pub by_set: bool,
    /// The note of the allow-list, where the package is on it.
    pub allowed: Option<String>,
    /// Why it is refused; empty where it is taken.
    pub errors: Vec<Finding>,
    /// What the host should know all the same.
    pub warnings: Vec<String>,
    /// From when to when it may be kept: something that it rests on changes then.
    pub(super) kept: (Date, Option<Date>),
}

impl Verdict {
    /// Who vouches for it, in words.
    #[must_use]
    pub fn vouched(&self) -> String {
        let named = |signer: &Signer| {
            let label = signer.label.as_deref().unwrap_or("a key nobody here knows");
            format!("{label} ({})", signer.key.short())
        };
        let counting: Vec<String> = self.signers.iter().filter(|signer| signer.counts()).map(named).collect();
        match (&self.allowed, self.signers.first()) {
            _ if self.by_set && !counting.is_empty() => format!("signed set of {}", counting.join(", ")),
            _ if !counting.is_empty() => format!("signed by {}", counting.join(", ")),
            (Some(note), _) => format!("allowed by digest: {note}"),
            (None, Some(first)) => format!("signed by {}", named(first)),
            (None, None) => "unsigned".into(),
        }
    }

    /// Whether it still says what would be found at `now`, with the same store and policy.
    #[must_use]
    pub fn holds_at(&self, now: SystemTime) -> bool {
        let now = Date::of(now);
        self.kept.0 <= now && self.kept.1.is_none_or(|end| now < end)
    }

    /// The verdict itself, if the package is taken.
    ///
    /// # Errors
    /// The first of `errors`, of the plugin `id`; the message names how many more there are.
    pub fn accept(self, id: &Id) -> Result<Verdict> {
        let Some(first) = self.errors.first() else { return Ok(self) };
        let more = match self.errors.len() - 1 {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Err(refused(first.code, format!("{}{more}", first.message)).of(id.as_str()))
    }
}
