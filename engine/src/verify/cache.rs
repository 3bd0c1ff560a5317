//! [`Verdicts`]: what was found out once under a trust store, kept while it holds.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use super::{
    SignedLock, Subject, TrustStore, Verdict,
    decide::{Identity, judged},
    mark::Mark,
};
use crate::{error::Result, policy::Policy};

/// The longest envelope, in bytes, of a package whose verdict is kept: that of some ten signatures. A verdict has several times the bytes of
/// the signatures that it tells of, and whose they are nobody asks before it is made.
const LONGEST: usize = 4 << 10;

/// A trust store, perhaps with a signed set, and what was found out under them. The key is the package's digest, its envelope, the
/// set where it names the package, and what of the policy makes a difference, never a path or a file's time; another store and
/// another set empty it. Only what was taken is kept, of packages with few signatures (up to 4 KiB of them), and no longer than until
/// the first signature, key or revocation list that it rests on comes to an end.
#[derive(Debug)]
pub struct Verdicts {
    store: TrustStore,
    mark: OnceLock<Mark>,
    set: Option<Arc<SignedLock>>,
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    verdicts: HashMap<[u8; 32], Verdict>,
    /// The keys by age.
    order: VecDeque<[u8; 32]>,
}

impl Verdicts {
    /// Keeps at most so many verdicts under `store`.
    #[must_use]
    pub fn new(store: TrustStore, most: usize) -> Self {
        Verdicts { store, mark: OnceLock::new(), set: None, most, kept: Mutex::default() }
    }

    /// As many under another store, with the same set; nothing is kept yet.
    pub(super) fn under(&self, store: TrustStore) -> Self {
        Verdicts { set: self.set.clone(), ..Verdicts::new(store, self.most) }
    }

    /// As many with another set, under the same store; nothing is kept yet.
    pub(super) fn beside(&self, set: Option<SignedLock>) -> Self {
        let (set, mark) = (set.map(Arc::new), self.mark.clone());
        Verdicts { set, mark, ..Verdicts::new(self.store.clone(), self.most) }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &TrustStore {
        &self.store
    }

    /// What is remembered of the store. It is found out once: a large store takes some milliseconds.
    pub(super) fn mark(&self) -> &Mark {
        self.mark.get_or_init(|| Mark::of(&self.store))
    }

    /// Another store, or another generation of it: nothing that was found out before counts.
    pub fn set_store(&mut self, store: TrustStore) {
        *self = self.under(store);
    }

    /// The signed set that vouches for the packages it names.
    #[must_use]
    pub fn signed_lock(&self) -> Option<&SignedLock> {
        self.set.as_deref()
    }

    /// Another signed set, or none: nothing that was found out before counts.
    pub fn set_signed_lock(&mut self, set: Option<SignedLock>) {
        *self = self.beside(set);
    }

    /// How many verdicts are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept().verdicts.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// [`decide`](super::decide), unless it was decided before.
    ///
    /// # Errors
    /// As [`decide`](super::decide).
    pub fn decide(&self, subject: &Subject<'_>, policy: &Policy, now: SystemTime) -> Result<Verdict> {
        self.decide_for(&subject.into(), policy, now)
    }

    pub(super) fn decide_for(&self, subject: &Identity<'_>, policy: &Policy, now: SystemTime) -> Result<Verdict> {
        let key = key(subject, self.signed_lock(), policy);
        if let Some(verdict) = self.kept().verdicts.get(&key).filter(|verdict| verdict.holds_at(now)) {
            return Ok(verdict.clone());
        }
        let verdict = judged(subject, self.signed_lock(), &self.store, policy, now).accept(subject.id)?;
        if self.most > 0 && subject.envelope.is_none_or(|envelope| envelope.len() <= LONGEST) {
            let mut kept = self.kept();
            if kept.verdicts.insert(key, verdict.clone()).is_none() {
                kept.order.push_back(key);
            }
            while kept.verdicts.len() > self.most {
                let Some(oldest) = kept.order.pop_front() else { break };
                kept.verdicts.remove(&oldest);
            }
        }
        Ok(verdict)
    }
}

/// What a verdict depends on beside store and time. Every part has a fixed length or is hashed by itself, so that none runs into
/// the next.
fn key(subject: &Identity<'_>, set: Option<&SignedLock>, policy: &Policy) -> [u8; 32] {
    let mut hash = Sha256::new();
    let part = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
    hash.update(subject.digest.as_bytes());
    hash.update(part(subject.id.as_str().as_bytes()));
    hash.update(part(subject.version.to_string().as_bytes()));
    hash.update(subject.envelope.map_or([0; 32], part));
    hash.update(set.filter(|set| set.names(subject)).map_or([0; 32], SignedLock::mark));
    hash.update(part(policy.name.as_bytes()));
    hash.update([u8::from(policy.unsigned), u8::from(policy.require_trusted_signer)]);
    hash.update(policy.signatures.to_le_bytes());
    hash.update([u8::from(policy.signature_max_age.is_some())]);
    hash.update(policy.signature_max_age.unwrap_or_default().as_nanos().to_le_bytes());
    for vendor in &policy.vendors {
        hash.update(part(vendor.as_bytes()));
    }
    hash.finalize().into()
}
