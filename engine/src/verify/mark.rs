//! [`Mark`]: what is remembered of a trust store, by which another one is told from it: an older one, and a second one of the same number.
//!
//! A number alone does not tell two stores or two revocation lists apart. Whoever signs two lists of number 5, or changes two copies of
//! one store, gives each host whichever it meets first; so each number is remembered with the digest of what it stood for.

use std::{collections::BTreeMap, fmt};

use super::{Digest, KeyId, TrustStore, key::refused};
use crate::error::{Code, Error, Result};

/// A revocation list by its number and its digest.
pub(super) type ListMark = (u64, Digest);

/// What is remembered of a trust store.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Mark {
    pub(super) generation: u64,
    /// Of what it holds. `None` where the generation alone is known, and for generation 0: such a store was made in the host's memory, by
    /// no [`StoreFile`](super::StoreFile), and nobody counts its changes.
    pub(super) digest: Option<Digest>,
    /// By issuer, the newest list.
    pub(super) lists: BTreeMap<KeyId, ListMark>,
}

/// A digest for people: as much of it as tells two apart.
pub(super) fn short(digest: &Digest) -> String {
    format!("{digest}").chars().take("sha256:".len() + 16).collect()
}

impl Mark {
    pub(super) fn of(store: &TrustStore) -> Self {
        let digest = Some(store.digest()).filter(|_| store.generation() > 0);
        let lists =
            store.lists().filter_map(|(issuer, seen)| Some((issuer, (seen.sequence, store.list_digest(&issuer)?))));
        Mark { generation: store.generation(), digest, lists: lists.collect() }
    }

    /// Of a store of which only this is known.
    pub(super) fn numbered(generation: u64) -> Self {
        Mark { generation, ..Mark::default() }
    }

    /// The same of its lists alone.
    pub(super) fn of_lists(self) -> Self {
        Mark { lists: self.lists, ..Mark::default() }
    }

    /// Whether a store of `next` may come after one of this.
    ///
    /// # Errors
    /// `trust.generation` for an older one, and those of [`Mark::agrees`].
    pub(super) fn precedes(&self, next: &Mark) -> Result<()> {
        if next.generation < self.generation {
            let (generation, seen) = (next.generation, self.generation);
            let message = format!("the trust store is of generation {generation}, and {seen} was seen before");
            return Err(refused(Code::TrustGeneration, message));
        }
        self.agrees(next)
    }

    /// Whether both have the same for the same number.
    ///
    /// # Errors
    /// `trust.equivocation`.
    pub(super) fn agrees(&self, next: &Mark) -> Result<()> {
        let of_one = Some((self.digest, next.digest)).filter(|_| self.generation == next.generation);
        if let Some((Some(seen), Some(this))) = of_one.filter(|(seen, this)| seen != this) {
            return Err(two_stores(next.generation, &seen, &this));
        }
        for (issuer, (number, this)) in &next.lists {
            match self.lists.get(issuer) {
                Some((same, seen)) if same == number && seen != this => {
                    return Err(two_lists(issuer, *number, seen, this, ""));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes over what `other` knows beyond this. Of two of the same number the first one stays.
    pub(super) fn raise(&mut self, other: &Mark) {
        if other.generation > self.generation {
            (self.generation, self.digest) = (other.generation, other.digest);
        } else if other.generation == self.generation {
            self.digest = self.digest.or(other.digest);
        }
        for (issuer, list) in &other.lists {
            if self.lists.get(issuer).is_none_or(|known| known.0 < list.0) {
                self.lists.insert(*issuer, *list);
            }
        }
    }

    /// Leaves nothing but what this knows beyond `other`.
    pub(super) fn forget(&mut self, other: &Mark) {
        let news = self.generation > other.generation
            || (self.generation == other.generation && self.digest.is_some() && other.digest.is_none());
        if !news {
            (self.generation, self.digest) = (0, None);
        }
        self.lists.retain(|issuer, list| other.lists.get(issuer).is_none_or(|known| known.0 < list.0));
    }
}

fn two_stores(generation: u64, seen: &Digest, this: &Digest) -> Error {
    let message = format!(
        "this trust store of generation {generation} ({}) is another one than the store of generation {generation} that was seen before ({})",
        short(this),
        short(seen)
    );
    let help = "Two people changed copies of one store, or somebody edited the file by hand. Find out which one is right \
         (`modhost trust list` shows what a store holds, and its digest) and make the changes that it lacks by `modhost trust`, which \
         counts the generation up. If it lacks none, run `modhost trust raise` on it.";
    refused(Code::TrustEquivocation, message).with_help(help)
}

/// `more` follows the message: what the second one revokes beyond the first.
pub(super) fn two_lists(issuer: &KeyId, number: u64, seen: &Digest, this: &Digest, more: impl fmt::Display) -> Error {
    let message = format!(
        "this revocation list {number} of {} ({}) is another one than the list {number} that was taken in before ({}){more}",
        issuer.short(),
        short(this),
        short(seen)
    );
    let help = format!(
        "Its issuer signed two lists of one number. Ask for the next list, which holds what both revoke (`modhost trust publish --number \
         {}`); until then revoke by `modhost trust revoke` what is missing here. If the issuer knows of one list only, its key is stolen: \
         revoke the key.",
        number.saturating_add(1)
    );
    refused(Code::TrustEquivocation, message).with_help(help)
}
