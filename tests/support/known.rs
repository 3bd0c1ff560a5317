//! Keys of fixed seeds, and stores and policies in words, for tests about who is trusted. It asserts nothing.

// Each test file uses a part.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub)]

use std::time::Duration;

use modhost::{
    Policy, TrustLevel,
    verify::{Date, Delegation, Revocation, Revoked, Role, SecretKey, TrustStore, TrustedKey},
};

/// The date of these tests.
pub const NOW: &str = "2026-06-01T00:00:00Z";

pub fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// 1 is Acme's, 2 a reviewer's, 9 nobody's.
pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// A store of `words`: `acme` (key 1 for acme.*), `reviewer` (key 2 for all), `vendor` (key 1 for acme.*, with full trust and pinned),
/// `handed` (key 3 for all, by a delegation of the root key 10), `ended` (key 1, until now), `two` (a threshold), `hard=1` and `soft=1` (that key is revoked), `versions` (acme.wolf below 1.1.0 is).
pub fn store(words: &str) -> TrustStore {
    let mut store = TrustStore::default();
    let trusted = |seed: u8, plugins: &str| {
        TrustedKey::new(key(seed).public(), format!("key {seed}"), [plugins.parse().unwrap()])
    };
    let id = |seed: &str| Revoked::Key(key(seed.parse().unwrap()).public().id());
    for word in words.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("acme", _) => store.add_key(trusted(1, "acme.*")),
            ("reviewer", _) => store.add_key(trusted(2, "*")),
            ("vendor", _) => {
                let mut vendor = trusted(1, "acme.*");
                vendor.ceiling = TrustLevel::Trusted;
                store.add_key(vendor).and_then(|()| store.pin("acme", key(1).public().id()))
            }
            ("ended", _) => {
                let mut ended = trusted(1, "acme.*");
                ended.until = Some(date(NOW));
                store.add_key(ended)
            }
            ("handed", _) => {
                let mut root = trusted(10, "*");
                root.roles = [Role::Delegate].into();
                store.add_key(root).and_then(|()| {
                    let given = Delegation::sign(&key(10), trusted(3, "*"))?;
                    store.delegate(given)
                })
            }
            ("two", _) => store.set_threshold("*".parse().unwrap(), 2),
            ("hard", seed) => store.revoke(Revocation::hard(id(seed), "it was stolen")),
            ("soft", seed) => store.revoke(Revocation::soft(id(seed), "it is old")),
            ("versions", _) => {
                let below = Revoked::Versions("acme.wolf".parse().unwrap(), "<1.1.0".parse().unwrap());
                store.revoke(Revocation::hard(below, "it bites"))
            }
            (word, _) => panic!("{word}"),
        }
        .unwrap();
    }
    store
}

/// A preset; `vendors` (`mods` with Acme opted in), `known` (wanting a trusted signer), `aged` (wanting an end within 30 days).
pub fn policy(name: &str) -> Policy {
    let mut policy = Policy::mods();
    match name {
        "vendors" => drop(policy.vendors.insert("acme".into())),
        "known" => policy.require_trusted_signer = true,
        "aged" => policy.signature_max_age = Some(Duration::from_secs(30 * 86_400)),
        preset => policy = Policy::preset(preset).unwrap(),
    }
    policy
}
