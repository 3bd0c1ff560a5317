//! [`TrustStore`]: which keys count here, for what, and what was taken back. It is data that was checked as a whole: nothing
//! makes a store that [`TrustStore::parse`] would not read. It lies in a file by [`StoreFile`].

mod check;
mod delegation;
mod file;
mod key;
mod list;
mod read;
mod revoked;
mod seal;
mod undo;
mod versions;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use sha2::{Digest as _, Sha256};

use super::{Date, Digest, KeyId, Pattern, PublicKey, key::refused, pattern::sorted};
use crate::{
    error::{Code, Result},
    package::Id,
    policy::TrustLevel,
};

pub use delegation::{DEEPEST_DELEGATION, Delegation};
pub use file::StoreFile;
pub use key::{Role, TrustedKey};
pub use list::{RevocationList, sign_list};
pub use revoked::{Revocation, Revoked};

/// The most entries of one kind.
const MOST: usize = 1000;
/// What the digest of a store is over, before its text.
const CONTEXT: &[u8] = b"modhost trust store 1\0";

/// A package that the store's owner takes by its bytes, whoever signed it or nobody.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Allowed {
    /// Its bytes.
    pub digest: Digest,
    /// Its id.
    pub id: Id,
    /// Its version.
    pub version: Version,
    /// Why: 1 to 128 printable ASCII characters.
    pub note: String,
}

impl Allowed {
    /// This package.
    pub fn new(digest: Digest, id: Id, version: Version, note: impl Into<String>) -> Self {
        Allowed { digest, id, version, note: note.into() }
    }
}

/// Who is trusted here, for what and until when. Empty at first: everybody is unknown.
///
/// ```
/// use modhost::verify::{SecretKey, TrustStore, TrustedKey};
///
/// let acme = SecretKey::generate()?.public();
/// let mut store = TrustStore::default();
/// store.add_key(TrustedKey::new(acme, "Acme", ["acme.*".parse().expect("a pattern")]))?;
/// store.pin("acme", acme.id())?;
///
/// let text = store.to_string();
/// assert_eq!(TrustStore::parse(&text, "trust.toml")?, store);
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustStore {
    generation: u64,
    /// By pattern: `*` holds for all.
    thresholds: BTreeMap<Pattern, u32>,
    keys: BTreeMap<KeyId, TrustedKey>,
    /// Keys that the host was built with: in no file, and no file changes them.
    builtin: BTreeMap<KeyId, TrustedKey>,
    delegations: Vec<Delegation>,
    pins: BTreeMap<String, BTreeSet<KeyId>>,
    revoked: Vec<Revocation>,
    allowed: BTreeMap<[u8; 32], Allowed>,
    /// The newest list of each issuer.
    lists: BTreeMap<KeyId, ListSeen>,
}

/// What is remembered of a revocation list beside what it revokes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ListSeen {
    /// Its number, which only goes up.
    pub sequence: u64,
    /// When it was made, as its issuer says.
    pub issued: Date,
    /// When the next one should be there.
    pub until: Date,
}

/// A way in which a key is known: directly, or by delegations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'s> {
    pub(super) label: &'s str,
    pub(super) namespaces: &'s [Pattern],
    pub(super) ceiling: TrustLevel,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    /// Where it is known by delegation.
    pub(super) link: Option<&'s Delegation>,
}

impl TrustStore {
    /// Counts its changes: each one that a [`StoreFile`] writes is one more.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The keys of its file.
    pub fn keys(&self) -> impl Iterator<Item = &TrustedKey> {
        self.keys.values()
    }

    /// Those that the host was built with, and the keys of its file; where both name a key, it is what the host was built with.
    pub fn all_keys(&self) -> impl Iterator<Item = &TrustedKey> {
        let others = self.keys.iter().filter(|(id, _)| !self.builtin.contains_key(id));
        self.builtin.values().chain(others.map(|(_, key)| key))
    }

    /// The one of these with this id.
    fn own(&self, id: &KeyId) -> Option<&TrustedKey> {
        self.builtin.get(id).or_else(|| self.keys.get(id))
    }

    /// The delegations.
    #[must_use]
    pub fn delegations(&self) -> &[Delegation] {
        &self.delegations
    }

    /// The publishers that are pinned, and to which keys.
    pub fn pins(&self) -> impl Iterator<Item = (&str, &BTreeSet<KeyId>)> {
        self.pins.iter().map(|(publisher, keys)| (publisher.as_str(), keys))
    }

    /// What was taken back.
    #[must_use]
    pub fn revoked(&self) -> &[Revocation] {
        &self.revoked
    }

    /// The packages that are taken by their bytes.
    pub fn allowed(&self) -> impl Iterator<Item = &Allowed> {
        self.allowed.values()
    }

    /// The thresholds that were set.
    pub fn thresholds(&self) -> impl Iterator<Item = (&Pattern, u32)> {
        self.thresholds.iter().map(|(pattern, count)| (pattern, *count))
    }

    /// The SHA-256 of what it holds: of its text as modhost writes it, without the comment and the generation. Spaces, comments and the
    /// order of entries make no difference, nor do keys that the host was built with ([`TrustStore::embed`]). Two stores of one generation
    /// with different digests are [`Code::TrustEquivocation`].
    ///
    /// ```
    /// use modhost::verify::TrustStore;
    ///
    /// let store = TrustStore::parse("store = 1\ngeneration = 7\n[thresholds]\n'a.*' = 2\n'b.*' = 3", "trust.toml")?;
    /// let same = TrustStore::parse("# by hand\ngeneration=7\nstore=1\n[thresholds]\n'b.*'=3\n'a.*'=2", "trust.toml")?;
    /// assert_eq!(store.digest(), same.digest());
    /// # Ok::<(), modhost::Error>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> Digest {
        let hash = Sha256::new().chain_update(CONTEXT).chain_update(self.content());
        Digest::from_bytes(hash.finalize().into())
    }

    /// The digest of the newest revocation list of an issuer, which is [`RevocationList::digest`]. It is computed from what the store holds
    /// of the list, which is all of it, and never believed.
    #[must_use]
    pub fn list_digest(&self, issuer: &KeyId) -> Option<Digest> {
        let seen = self.lists.get(issuer)?;
        let handed = || self.delegations.iter().map(|one| one.public).find(|public| public.id() == *issuer);
        let public = self.own(issuer).map(|key| key.public).or_else(handed)?;
        let rows: Vec<_> = self.revoked.iter().filter(|one| one.list == Some(*issuer)).cloned().collect();
        Some(list::digest(&public, seen, &rows))
    }

    /// The newest revocation list of each issuer.
    pub fn lists(&self) -> impl Iterator<Item = (KeyId, ListSeen)> {
        self.lists.iter().map(|(issuer, seen)| (*issuer, *seen))
    }

    /// Adds a key, or changes the one that is there.
    ///
    /// # Errors
    /// [`Code::TrustValue`] for one without a label, a namespace or a role, and for one that ends before it begins.
    pub fn add_key(&mut self, mut key: TrustedKey) -> Result<()> {
        key.namespaces = sorted(key.namespaces);
        self.change(|store| {
            store.keys.insert(key.public.id(), key);
            Ok(())
        })
    }

    /// Adds a key that the host was built with: it is written to no file, and no file changes or removes it. What a file says of the same
    /// key, more or less, does not count. A file can revoke it.
    ///
    /// # Errors
    /// As [`TrustStore::add_key`]; those of [`TrustStore::delegate`] where a delegation is by this key, and goes beyond what it may do.
    pub fn embed(&mut self, mut key: TrustedKey) -> Result<()> {
        key.namespaces = sorted(key.namespaces);
        self.change(|store| {
            store.builtin.insert(key.public.id(), key);
            Ok(())
        })
    }

    /// Takes a key out, or the delegations to it, with the delegations, pins and revocation lists that hang on it. Its plugins
    /// are those of an unknown key then; to refuse them, revoke it.
    ///
    /// # Errors
    /// [`Code::TrustNoKey`].
    pub fn remove_key(&mut self, id: &KeyId) -> Result<()> {
        self.change(|store| {
            let before = store.delegations.len();
            store.delegations.retain(|one| one.public.id() != *id);
            if store.keys.remove(id).is_none() && store.delegations.len() == before {
                let message = format!("there is no key {} in the store", id.short());
                return Err(refused(Code::TrustNoKey, message));
            }
            store.prune();
            Ok(())
        })
    }

    /// Takes out what leads to no key any more.
    fn prune(&mut self) {
        loop {
            let before = self.delegations.len();
            let whole: Vec<bool> = self.delegations.iter().map(|one| delegation::chain(self, one).is_ok()).collect();
            let mut whole = whole.into_iter();
            self.delegations.retain(|_| whole.next().unwrap_or(false));
            if self.delegations.len() == before {
                break;
            }
        }
        let known: BTreeSet<KeyId> = self.known_ids().collect();
        self.pins.values_mut().for_each(|keys| keys.retain(|key| known.contains(key)));
        self.pins.retain(|_, keys| !keys.is_empty());
        let gone = |issuer: &KeyId| !known.contains(issuer);
        self.lists.retain(|issuer, _| !gone(issuer));
        self.revoked.retain(|revocation| !revocation.list.as_ref().is_some_and(gone));
    }

    fn known_ids(&self) -> impl Iterator<Item = KeyId> {
        self.all_keys().map(|key| key.public.id()).chain(self.delegations.iter().map(|one| one.public.id()))
    }

    /// Takes a delegation in.
    ///
    /// # Errors
    /// [`Code::TrustDelegationSignature`], [`Code::TrustDelegationRoot`], [`Code::TrustDelegationDepth`],
    /// [`Code::TrustDelegationLoop`], [`Code::TrustDelegationWidens`]: a store never holds one that leads nowhere.
    pub fn delegate(&mut self, delegation: Delegation) -> Result<()> {
        self.change(|store| {
            store.delegations.retain(|other| (other.by, other.public) != (delegation.by, delegation.public));
            store.delegations.push(delegation);
            store.delegations.sort_by_key(|one| (one.public.id(), one.by.id()));
            Ok(())
        })
    }

    /// Says that this key is the publisher's own: with the host's opt-in for the publisher its signature gives full trust.
    ///
    /// # Errors
    /// [`Code::TrustNoKey`] for a key that is not in the store, [`Code::TrustValue`] for what is no publisher's name.
    pub fn pin(&mut self, publisher: &str, key: KeyId) -> Result<()> {
        self.change(|store| {
            store.pins.entry(publisher.to_owned()).or_default().insert(key);
            Ok(())
        })
    }

    /// Takes something back; the newest word on it counts, but those of revocation lists stay beside it.
    ///
    /// # Errors
    /// [`Code::TrustValue`] for a reason that cannot be written.
    pub fn revoke(&mut self, revocation: Revocation) -> Result<()> {
        self.change(|store| {
            store.revoked.retain(|other| (&other.what, other.list) != (&revocation.what, revocation.list));
            store.revoked.push(revocation);
            store.sort_revoked();
            Ok(())
        })
    }

    fn sort_revoked(&mut self) {
        self.revoked.sort_by_cached_key(|one| (one.what.to_string(), one.list));
    }

    /// Takes a package by its bytes: it is verified, as long as it is not revoked.
    ///
    /// # Errors
    /// [`Code::TrustValue`] for a note that cannot be written.
    pub fn allow(&mut self, allowed: Allowed) -> Result<()> {
        self.change(|store| {
            store.allowed.insert(*allowed.digest.as_bytes(), allowed);
            Ok(())
        })
    }

    /// How many different keys must have signed a package of these plugins; the greatest that matches holds, and 1 where
    /// none does.
    ///
    /// # Errors
    /// [`Code::TrustThreshold`] for 0, which everybody would meet, and above [`MOST_SIGNATURES`](super::MOST_SIGNATURES), which nobody
    /// could.
    pub fn set_threshold(&mut self, plugins: Pattern, count: u32) -> Result<()> {
        self.change(|store| {
            store.thresholds.insert(plugins, count);
            Ok(())
        })
    }

    /// Changes a copy, which takes this store's place if it is whole.
    fn change(&mut self, change: impl FnOnce(&mut TrustStore) -> Result<()>) -> Result<()> {
        let mut changed = self.clone();
        change(&mut changed)?;
        changed.check()?;
        *self = changed;
        Ok(())
    }

    /// Every way in which a key is known, the store's own word first.
    pub(super) fn known(&self, public: &PublicKey) -> Vec<Known<'_>> {
        let id = public.id();
        let own = self.own(&id).into_iter();
        let own = own.filter(|key| key.roles.contains(&Role::Sign)).map(|key| Known {
            label: &key.label,
            namespaces: &key.namespaces,
            ceiling: key.ceiling,
            from: key.from,
            until: key.until,
            link: None,
        });
        let handed = self.delegations.iter().filter(|one| one.public == *public).map(|one| Known {
            label: &one.label,
            namespaces: &one.namespaces,
            ceiling: one.ceiling,
            from: one.from,
            until: one.until,
            link: Some(one),
        });
        own.chain(handed).collect()
    }

    /// The keys that a delegation hangs on, that of the store last.
    #[must_use]
    pub fn above(&self, link: &Delegation) -> Vec<KeyId> {
        delegation::chain(self, link).unwrap_or_default()
    }

    /// Whether a publisher is pinned to this key.
    pub(super) fn is_pinned(&self, publisher: &str, key: &KeyId) -> bool {
        self.pins.get(publisher).is_some_and(|keys| keys.contains(key))
    }

    /// What is said against a key, or against this package, by whoever may say it of this plugin.
    pub(super) fn against<'s>(
        &'s self,
        id: &'s Id,
        meets: impl Fn(&Revocation) -> bool + 's,
    ) -> impl Iterator<Item = &'s Revocation> {
        let heard = move |one: &&Revocation| match &one.list {
            None => true,
            Some(issuer) => self.own(issuer).is_some_and(|key| key.namespaces.iter().any(|pattern| pattern.holds(id))),
        };
        self.revoked.iter().filter(move |one| meets(one)).filter(heard)
    }

    pub(super) fn allows(&self, digest: &Digest) -> Option<&Allowed> {
        self.allowed.get(digest.as_bytes())
    }

    /// The greatest threshold that matches.
    pub(super) fn threshold(&self, id: &Id) -> u32 {
        let matching = self.thresholds.iter().filter(|(pattern, _)| pattern.holds(id));
        matching.map(|(_, count)| *count).max().unwrap_or(1).max(1)
    }
}
