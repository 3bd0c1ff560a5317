//! Whether a [`TrustStore`] is whole: asked after each change and each reading, so that no other part of it has to.

use std::collections::BTreeSet;

use super::{MOST, TrustStore, TrustedKey, delegation};
use crate::{
    error::{Code, Error, Result},
    package::Id,
    verify::{KeyId, MOST_SIGNATURES, key::refused, lines::check_label},
};

/// The most delegations to one key: every way up is tried.
const MOST_TO_ONE: usize = 4;

fn wrong(why: impl Into<String>) -> Error {
    refused(Code::TrustValue, why)
}

impl TrustStore {
    /// Whether it is whole.
    pub(super) fn check(&self) -> Result<()> {
        let counts = [
            self.keys.len(),
            self.builtin.len(),
            self.delegations.len(),
            self.pins.len(),
            self.revoked.len(),
            self.allowed.len(),
            self.thresholds.len(),
        ];
        if counts.into_iter().any(|count| count > MOST) {
            return Err(wrong(format!("a trust store holds at most {MOST} entries of a kind")));
        }
        let met = |count: u32| (1..=MOST_SIGNATURES).contains(&(count as usize));
        if let Some((pattern, count)) = self.thresholds.iter().find(|(_, count)| !met(**count)) {
            let message = format!("the threshold of `{pattern}` is {count}; it is 1 to {MOST_SIGNATURES}");
            let help = match count {
                0 => "A package without any signature meets 0; what is to be taken unsigned, the policy says.",
                _ => "No package can meet it: that is the most signatures that one holds.",
            };
            return Err(refused(Code::TrustThreshold, message).with_help(help));
        }
        self.builtin.values().chain(self.keys.values()).try_for_each(check_key)?;
        for delegation in &self.delegations {
            let to_one = self.delegations.iter().filter(|other| other.public == delegation.public).count();
            if to_one > MOST_TO_ONE {
                return Err(wrong(format!("more than {MOST_TO_ONE} delegations to one key")));
            }
            check_label(&delegation.label)
                .map_err(|_| wrong("the label of a delegation has 1 to 128 printable ASCII characters"))?;
            if delegation.namespaces.is_empty() {
                return Err(wrong("a delegation names at least one namespace"));
            }
        }
        delegation::check(self)?;
        let known: BTreeSet<KeyId> = self.known_ids().collect();
        for (publisher, keys) in &self.pins {
            if !matches!(Id::new(format!("{publisher}.x")), Ok(id) if id.publisher() == Some(publisher)) {
                return Err(wrong(format!("`{}` is no publisher's name", publisher.escape_debug())));
            }
            if let Some(key) = keys.iter().find(|key| !known.contains(key)) {
                let message = format!("{publisher} is pinned to the key {}, which is not in the store", key.short());
                return Err(refused(Code::TrustNoKey, message));
            }
        }
        if let Some(issuer) = self.revoked.iter().filter_map(|one| one.list).find(|list| !self.lists.contains_key(list))
        {
            return Err(wrong(format!(
                "something is revoked by a list of {}, and there is no such list",
                issuer.short()
            )));
        }
        if let Some(issuer) = self.lists.keys().find(|issuer| !known.contains(issuer)) {
            let message =
                format!("there is a revocation list of the key {}, which is not in the store", issuer.short());
            return Err(refused(Code::TrustNoKey, message));
        }
        let texts = self.revoked.iter().map(|one| &one.reason).chain(self.allowed.values().map(|one| &one.note));
        for text in texts {
            check_label(text).map_err(|_| wrong("a reason or note has 1 to 128 printable ASCII characters"))?;
        }
        Ok(())
    }
}

fn check_key(key: &TrustedKey) -> Result<()> {
    let about = key.public.id().short();
    check_label(&key.label)
        .map_err(|_| wrong(format!("the label of the key {about} has 1 to 128 printable ASCII characters")))?;
    if key.namespaces.is_empty() || key.roles.is_empty() {
        return Err(wrong(format!("the key {about} ({}) has no namespace or no role", key.label)));
    }
    if key.from.zip(key.until).is_some_and(|(from, until)| from >= until) {
        return Err(wrong(format!("the key {about} ({}) ends before it begins", key.label)));
    }
    Ok(())
}
