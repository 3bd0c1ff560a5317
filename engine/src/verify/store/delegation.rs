//! [`Delegation`]: a key hands part of its own trust on to another, signed. A chain of them ends at a key of the store, is at most
//! three long, and each link is as narrow as the one before, or narrower.

use super::TrustedKey;
use crate::{
    error::{Code, Error, Result},
    policy::TrustLevel,
    verify::{
        Date, KeyId, Pattern, PublicKey, SecretKey,
        hex::hex,
        key::refused,
        lines::check_label,
        pattern::{covered, sorted},
        store::{Role, TrustStore},
    },
};

/// The most links between a key of the store and the key that signed a package.
pub const DEEPEST_DELEGATION: usize = 3;

const CONTEXT: &[u8] = b"modhost delegation 1\0";

/// A signed statement: this key may vouch for these plugins too, as far as I may myself.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Delegation {
    /// Who hands on.
    pub by: PublicKey,
    /// To whom.
    pub public: PublicKey,
    /// What people call that key.
    pub label: String,
    /// The plugins that it may vouch for.
    pub namespaces: Vec<Pattern>,
    /// The most trust that its signature gives.
    pub ceiling: TrustLevel,
    /// When it begins to count; `None` for always.
    pub from: Option<Date>,
    /// When it ends; `None` for never.
    pub until: Option<Date>,
    pub(super) value: [u8; 64],
}

impl Delegation {
    /// Signs that `to` is trusted for what it names; its roles are not handed on: a delegated key signs packages and may
    /// delegate further.
    ///
    /// # Errors
    /// [`Code::TrustValue`] for a label that cannot be written.
    pub fn sign(by: &SecretKey, to: TrustedKey) -> Result<Self> {
        check_label(&to.label).map_err(|why| refused(Code::TrustValue, why))?;
        let TrustedKey { public, label, namespaces, ceiling, from, until, .. } = to;
        let namespaces = sorted(namespaces);
        let mut signed =
            Delegation { by: by.public(), public, label, namespaces, ceiling, from, until, value: [0; 64] };
        signed.value = by.sign(&signed.message());
        Ok(signed)
    }

    fn message(&self) -> Vec<u8> {
        let date = |date: Option<Date>| date.map_or_else(|| "none".to_owned(), |date| date.to_string());
        let namespaces: Vec<String> = self.namespaces.iter().map(ToString::to_string).collect();
        let text = format!(
            "by {}\npublic {}\nlabel {}\nnamespaces {}\nceiling {}\nfrom {}\nuntil {}\n",
            self.by,
            self.public,
            self.label,
            namespaces.join(" "),
            self.ceiling,
            date(self.from),
            date(self.until)
        );
        [CONTEXT, text.as_bytes()].concat()
    }

    /// Its signature, in digits.
    pub(super) fn digits(&self) -> String {
        hex(&self.value)
    }

    fn error(&self, code: Code, why: &str) -> Error {
        let (by, to) = (self.by.id().short(), self.public.id().short());
        refused(code, format!("the delegation of {by} to {to} ({}) {why}", self.label))
    }

    /// The first way in which it goes beyond what its parent has.
    fn widens(
        &self,
        namespaces: &[Pattern],
        ceiling: TrustLevel,
        from: Option<Date>,
        until: Option<Date>,
    ) -> Result<()> {
        let wide = |what: &str| Err(self.error(Code::TrustDelegationWidens, what));
        if !covered(&self.namespaces, namespaces) {
            return wide("names plugins that are not the delegating key's own");
        }
        if self.ceiling > ceiling {
            return wide("gives more trust than the delegating key has");
        }
        if self.from < from {
            return wide("begins before the delegating key counts");
        }
        if until.is_some_and(|until| self.until.is_none_or(|own| own > until)) {
            return wide("goes on after the delegating key ends");
        }
        Ok(())
    }
}

/// Whether every delegation of `store` is signed, and leads to one of its keys.
pub(super) fn check(store: &TrustStore) -> Result<()> {
    for delegation in store.delegations() {
        if !delegation.by.signed(&delegation.message(), &delegation.value) {
            return Err(delegation.error(Code::TrustDelegationSignature, "is not signed by the key that it names"));
        }
    }
    store.delegations().iter().try_for_each(|delegation| chain(store, delegation).map(drop))
}

/// The keys above a delegation, the store's own last.
///
/// # Errors
/// What is wrong with it, where no way up is whole.
pub(super) fn chain(store: &TrustStore, delegation: &Delegation) -> Result<Vec<KeyId>> {
    let mut path = vec![delegation.public.id()];
    climb(store, delegation, &mut path)?;
    path.remove(0);
    Ok(path)
}

fn climb(store: &TrustStore, delegation: &Delegation, path: &mut Vec<KeyId>) -> Result<()> {
    let by = delegation.by.id();
    if path.contains(&by) {
        return Err(delegation.error(Code::TrustDelegationLoop, "closes a circle"));
    }
    if path.len() > DEEPEST_DELEGATION {
        return Err(delegation.error(Code::TrustDelegationDepth, "is more than three links long"));
    }
    path.push(by);
    let mut broken = None;
    for key in store.all_keys().filter(|key| key.public == delegation.by) {
        if !key.roles.contains(&Role::Delegate) {
            broken =
                Some(delegation.error(Code::TrustDelegationRoot, "is by a key of the store that may not delegate"));
            continue;
        }
        match delegation.widens(&key.namespaces, key.ceiling, key.from, key.until) {
            Ok(()) => return Ok(()),
            Err(error) => broken = Some(error),
        }
    }
    for parent in store.delegations().iter().filter(|parent| parent.public == delegation.by) {
        let held = delegation
            .widens(&parent.namespaces, parent.ceiling, parent.from, parent.until)
            .and_then(|()| climb(store, parent, path));
        match held {
            Ok(()) => return Ok(()),
            Err(error) => drop(broken.get_or_insert(error)),
        }
    }
    path.pop();
    Err(broken.unwrap_or_else(|| delegation.error(Code::TrustDelegationRoot, "is by a key that is not in the store")))
}
