//! Takes entries of a [`TrustStore`] that are no keys out again: pins, revocations, allowed packages, thresholds.

use super::{Allowed, Revoked, TrustStore};
use crate::{
    error::{Code, Result},
    verify::{Digest, KeyId, Pattern, key::refused},
};

impl TrustStore {
    /// Takes a pin back: the key's signatures give as much as any other key's.
    ///
    /// # Errors
    /// [`Code::TrustNoEntry`].
    pub fn unpin(&mut self, publisher: &str, key: &KeyId) -> Result<()> {
        self.change(|store| {
            let keys = store.pins.get_mut(publisher);
            if !keys.is_some_and(|keys| keys.remove(key)) {
                let publisher = publisher.escape_debug();
                return Err(refused(
                    Code::TrustNoEntry,
                    format!("{publisher} is not pinned to the key {}", key.short()),
                ));
            }
            store.pins.retain(|_, keys| !keys.is_empty());
            Ok(())
        })
    }

    /// Takes a revocation by the store's owner back. What revocation lists say stays.
    ///
    /// ```
    /// use modhost::{Code, verify::{Revocation, Revoked, SecretKey, TrustStore}};
    ///
    /// let mut store = TrustStore::default();
    /// let key = Revoked::Key(SecretKey::generate()?.public().id());
    /// store.revoke(Revocation::hard(key.clone(), "stolen"))?;
    /// store.restore(&key)?;
    /// assert!(store.revoked().is_empty());
    /// assert_eq!(store.restore(&key).unwrap_err().code(), Code::TrustNoEntry);
    /// # Ok::<(), modhost::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::TrustNoEntry`], also where only a list revokes it.
    pub fn restore(&mut self, what: &Revoked) -> Result<()> {
        self.change(|store| {
            let own = store.revoked.iter().position(|one| one.what == *what && one.list.is_none());
            let Some(own) = own else {
                let by = store.revoked.iter().find(|one| one.what == *what).and_then(|one| one.list);
                let by = by.map(|issuer| format!(", but the list of {} does", issuer.short())).unwrap_or_default();
                return Err(refused(Code::TrustNoEntry, format!("the store itself does not revoke {what}{by}")));
            };
            store.revoked.remove(own);
            Ok(())
        })
    }

    /// Takes a package off the list of those that are taken by their bytes, and gives what stood there.
    ///
    /// # Errors
    /// [`Code::TrustNoEntry`].
    pub fn disallow(&mut self, digest: &Digest) -> Result<Allowed> {
        let missing = || refused(Code::TrustNoEntry, format!("no package of {digest} is allowed"));
        let allowed = self.allows(digest).cloned().ok_or_else(missing)?;
        self.change(|store| {
            store.allowed.remove(digest.as_bytes());
            Ok(())
        })?;
        Ok(allowed)
    }

    /// Takes the threshold of exactly these plugins back, and gives what it was.
    ///
    /// # Errors
    /// [`Code::TrustNoEntry`].
    pub fn remove_threshold(&mut self, plugins: &Pattern) -> Result<u32> {
        let mut was = None;
        self.change(|store| {
            was = store.thresholds.remove(plugins);
            Ok(())
        })?;
        was.ok_or_else(|| refused(Code::TrustNoEntry, format!("there is no threshold of `{plugins}`")))
    }
}
