//! [`Delegation`]: a key hands part of its own trust on to another, signed. A chain of them ends at a key of the store, is at most
//! three long, and each link is as narrow as the one before, or narrower.

use std::fmt;

use super::TrustedKey;
use crate::{
    error::{Code, Error, Result},
    policy::TrustLevel,
    verify::{
        Date, KeyId, Pattern, PublicKey, SecretKey,
        hex::{hex, unhex},
        key::refused,
        lines::{Lines, check_label},
        pattern::{covered, sorted},
        store::{Role, TrustStore},
    },
};

/// The most links between a key of the store and the key that signed a package.
pub const DEEPEST_DELEGATION: usize = 3;

const HEAD: &str = "modhost-delegation ";
const CONTEXT: &[u8] = b"modhost delegation 1\0";
/// The longest text of one, in bytes: hundreds of namespaces fit.
const LONGEST: usize = 64 << 10;
/// In the place of a date.
const NONE: &str = "none";

/// A signed statement: this key may vouch for these plugins too, as far as I may myself.
///
/// Its text, which [`Delegation::parse`] reads, goes from the one who signs to the stores that know that key.
///
/// ```
/// use modhost::verify::{Delegation, Role, SecretKey, TrustStore, TrustedKey};
///
/// let (root, acme) = (SecretKey::generate()?, SecretKey::generate()?);
/// let given = TrustedKey::new(acme.public(), "Acme", ["acme.*".parse()?]);
/// let text = Delegation::sign(&root, given)?.to_string();
///
/// // Somewhere else, where the root key is known:
/// let mut store = TrustStore::default();
/// let mut known = TrustedKey::new(root.public(), "Root", ["*".parse()?]);
/// known.roles = [Role::Delegate].into();
/// store.add_key(known)?;
/// store.delegate(Delegation::parse(text.as_bytes())?)?;
/// assert_eq!(store.delegations()[0].public, acme.public());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// Reads the text of one, strictly; whether it leads to a key of a store is said by [`TrustStore::delegate`].
    ///
    /// # Errors
    /// [`Code::TrustDelegation`] with the line for every other text than a delegation's own, [`Code::TrustNewer`] and
    /// [`Code::VerifyKey`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut lines = Lines::new(bytes, "delegation", Code::TrustDelegation, LONGEST)?;
        lines.head(HEAD, Code::TrustNewer)?;
        lines.empty()?;
        let mut keys = [None; 2];
        for (key, name) in keys.iter_mut().zip(["by", "public"]) {
            let value: Result<PublicKey> = lines.value(name)?.parse();
            *key = Some(value.map_err(|error| lines.coded(error))?);
        }
        let [Some(by), Some(public)] = keys else { return Err(lines.error("here stand two keys")) };
        let label = lines.value("label")?.to_owned();
        check_label(&label).map_err(|why| lines.error(why))?;
        let namespaces = lines.value("namespaces")?.split(' ').map(str::parse::<Pattern>);
        let namespaces = namespaces.collect::<Result<_, _>>().map_err(|error| lines.error(error.to_string()))?;
        let ceiling = lines.value("ceiling")?.parse().map_err(|why: String| lines.error(why))?;
        let mut dates = [None; 2];
        for (date, name) in dates.iter_mut().zip(["from", "until"]) {
            let value = lines.value(name)?;
            if value != NONE {
                let value = value.parse::<Date>();
                *date = Some(value.map_err(|error| lines.error(format!("{error}, or `{NONE}`")))?);
            }
        }
        let [from, until] = dates;
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            return Err(lines.error("this delegation ends before it begins"));
        }
        let value = lines.value("value")?;
        let value = unhex(value).ok_or_else(|| lines.error("a signature has 128 digits of 0-9 and a-f"))?;
        let read = Delegation { by, public, label, namespaces, ceiling, from, until, value };
        if read.to_string().as_bytes() != bytes {
            return Err(lines.error("this is not as modhost writes it: one spelling, nothing after the signature"));
        }
        Ok(read)
    }

    /// What is signed, but for the context.
    fn text(&self) -> String {
        let date = |date: Option<Date>| date.map_or_else(|| NONE.to_owned(), |date| date.to_string());
        let namespaces: Vec<String> = self.namespaces.iter().map(ToString::to_string).collect();
        format!(
            "by {}\npublic {}\nlabel {}\nnamespaces {}\nceiling {}\nfrom {}\nuntil {}\n",
            self.by,
            self.public,
            self.label,
            namespaces.join(" "),
            self.ceiling,
            date(self.from),
            date(self.until)
        )
    }

    fn message(&self) -> Vec<u8> {
        [CONTEXT, self.text().as_bytes()].concat()
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

impl fmt::Display for Delegation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEAD}1\n\n{}value {}\n", self.text(), self.digits())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_delegation_has_one_spelling() {
        let root = SecretKey::from_seed(&[1; 32]);
        let mut given = TrustedKey::new(
            SecretKey::from_seed(&[2; 32]).public(),
            "Acme Games",
            ["acme.*", "other.wolf"].map(|pattern| pattern.parse().unwrap()),
        );
        given.until = "2027-01-01T00:00:00Z".parse().ok();
        let delegation = Delegation::sign(&root, given).unwrap();
        let text = delegation.to_string();
        assert_eq!(Delegation::parse(text.as_bytes()).unwrap(), delegation);
        let mut store = TrustStore::default();
        let mut known = TrustedKey::new(root.public(), "root", ["*".parse().unwrap()]);
        known.roles = [Role::Delegate].into();
        store.add_key(known).unwrap();
        // Each bit matters: what still reads is another delegation, which nobody signed.
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let taken = Delegation::parse(&bytes).and_then(|read| store.delegate(read));
            assert!(taken.is_err(), "bit {bit}: {}", String::from_utf8_lossy(&bytes));
        }
        let rows = [
            ("modhost-delegation 1", "modhost-delegation 2", Code::TrustNewer),
            ("by ed25519:", "by ", Code::VerifyKey),
            ("public ", "to ", Code::TrustDelegation),
            ("acme.* other.wolf", "acme.*  other.wolf", Code::TrustDelegation),
            ("acme.* other.wolf", "", Code::TrustDelegation),
            ("from none", "from 2027-01-01T00:00:00Z", Code::TrustDelegation),
            ("from none", "from never", Code::TrustDelegation),
            ("ceiling trusted", "ceiling total", Code::TrustDelegation),
            ("label Acme Games", "label  Acme Games", Code::TrustDelegation),
            ("value ", "more\nvalue ", Code::TrustDelegation),
        ];
        for (from, to, code) in rows {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            assert_eq!(Delegation::parse(changed.as_bytes()).unwrap_err().code(), code, "{from} -> {to}");
        }
    }
}
