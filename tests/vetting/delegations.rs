//! Delegations: chains that hold, and each way in which a link can be broken.

use modhost::{
    Code::{
        self, TrustDelegationDepth, TrustDelegationExpired, TrustDelegationLoop, TrustDelegationRoot,
        TrustDelegationSignature, TrustDelegationWidens, TrustNamespace, TrustRevoked, TrustValue,
    },
    TrustLevel::{Trusted, Untrusted, Verified},
    verify::{Delegation, Revocation, Revoked, Role, TrustStore, TrustedKey},
};

use crate::{
    judged,
    table::Attack,
    world::{Case, World, check, date, key, pattern, root, trusted},
};

fn link(by: u8, to: u8, namespace: &str, change: impl FnOnce(&mut TrustedKey)) -> Delegation {
    let mut given = trusted(to, namespace);
    change(&mut given);
    Delegation::sign(&key(by), given).unwrap()
}

/// A root 10 for `acme.*`, which hands on to 11 what is given; the package is signed by the last key.
fn chain(world: &mut World, links: u8, namespaces: &[&str]) {
    world.store = TrustStore::default();
    world.store.add_key(root(10, "acme.*")).unwrap();
    for at in 0..links {
        world.store.delegate(link(10 + at, 11 + at, namespaces[usize::from(at)], |_| {})).unwrap();
    }
    world.signed_by(&[10 + links]);
}

fn handed(world: &mut World, change: impl FnOnce(&mut TrustedKey)) {
    chain(world, 0, &[]);
    world.store.delegate(link(10, 11, "acme.*", change)).unwrap();
    world.signed_by(&[11]);
}

const CASES: &[Case] = &[
    ("one link", |w| chain(w, 1, &["acme.*"]), Ok(Verified)),
    ("three links, each narrower", |w| chain(w, 3, &["acme.*", "acme.*", "acme.wolf"]), Ok(Verified)),
    ("the root itself may not sign", |w| chain(w, 0, &[]), Ok(Untrusted)),
    ("a narrower link", |w| chain(w, 1, &["acme.fox"]), Err(TrustNamespace)),
    (
        "a delegated key that is pinned",
        |w| {
            chain(w, 1, &["acme.*"]);
            w.store.pin("acme", key(11).public().id()).unwrap();
            w.policy.vendors.insert("acme".into());
        },
        Ok(Trusted),
    ),
    (
        "a lower ceiling",
        |w| {
            handed(w, |key| key.ceiling = Verified);
            w.store.pin("acme", key(11).public().id()).unwrap();
            w.policy.vendors.insert("acme".into());
        },
        Ok(Verified),
    ),
    (
        "an expired link",
        |w| handed(w, |key| key.until = Some(date("2026-06-01T00:00:00Z"))),
        Err(TrustDelegationExpired),
    ),
    (
        "a link of tomorrow",
        |w| handed(w, |key| key.from = Some(date("2026-06-02T00:00:00Z"))),
        Err(TrustDelegationExpired),
    ),
    (
        "an expired link of a key that is known directly too",
        |w| {
            handed(w, |key| key.until = Some(date("2026-06-01T00:00:00Z")));
            w.store.add_key(trusted(11, "acme.wolf")).unwrap();
        },
        Ok(Verified),
    ),
    (
        "a revoked root",
        |w| {
            chain(w, 2, &["acme.*", "acme.*"]);
            w.store.revoke(Revocation::hard(Revoked::Key(key(10).public().id()), "stolen")).unwrap();
        },
        Err(TrustRevoked),
    ),
    (
        "a revoked link",
        |w| {
            chain(w, 2, &["acme.*", "acme.*"]);
            w.store.revoke(Revocation::hard(Revoked::Key(key(11).public().id()), "stolen")).unwrap();
        },
        Err(TrustRevoked),
    ),
    (
        "a removed link takes those below with it",
        |w| {
            chain(w, 3, &["acme.*", "acme.*", "acme.*"]);
            w.store.remove_key(&key(12).public().id()).unwrap();
            assert_eq!(w.store.delegations().len(), 1);
        },
        Ok(Untrusted),
    ),
    (
        "a removed root takes its links with it",
        |w| {
            chain(w, 2, &["acme.*", "acme.*"]);
            w.store.remove_key(&key(10).public().id()).unwrap();
            assert!(w.store.delegations().is_empty());
        },
        Ok(Untrusted),
    ),
];

#[test]
fn chains_that_hold_and_that_ended() {
    check(CASES);
}

#[test]
fn whoever_is_softly_revoked_anywhere_in_a_chain_is_told_of() {
    for revoked in [10, 11, 12, 13] {
        let mut world = World::new();
        chain(&mut world, 2, &["acme.*", "acme.*"]);
        let id = key(revoked).public().id();
        world.store.revoke(Revocation::soft(Revoked::Key(id), "retired")).unwrap();
        let verdict = world.judge();
        let told: Vec<_> = verdict.warnings.iter().filter(|one| one.contains("is revoked: retired")).collect();
        assert_eq!((verdict.level, told.len()), (Verified, usize::from(revoked != 13)), "{revoked}: {verdict:?}");
        assert!(told.iter().all(|one| one.contains(&id.short())), "{revoked}: {told:?}");
    }
}

/// A store whose root 10 hands on, within dates.
fn rooted() -> TrustStore {
    let mut store = TrustStore::default();
    let mut root = root(10, "acme.*");
    (root.from, root.until) = (Some(date("2026-01-01T00:00:00Z")), Some(date("2027-01-01T00:00:00Z")));
    root.ceiling = Verified;
    store.add_key(root).unwrap();
    store.add_key(trusted(20, "*")).unwrap();
    store
}

fn within(key: &mut TrustedKey) {
    (key.from, key.until) = (Some(date("2026-01-01T00:00:00Z")), Some(date("2027-01-01T00:00:00Z")));
    key.ceiling = Verified;
}

fn good(by: u8, to: u8) -> Delegation {
    link(by, to, "acme.*", within)
}

/// What is broken, the links in order, of which the last must be refused, and why.
type Broken = (&'static str, Vec<Delegation>, Code);

fn broken() -> Vec<Broken> {
    let wide = |change: fn(&mut TrustedKey)| {
        vec![link(10, 11, "acme.*", |key| {
            within(key);
            change(key);
        })]
    };
    let mut forged = good(10, 11);
    forged.label = "somebody else".into();
    let mut another = good(11, 12);
    another.by = key(10).public();
    vec![
        ("another's label", vec![forged], TrustDelegationSignature),
        ("signed by another", vec![another], TrustDelegationSignature),
        ("by nobody", vec![good(30, 31)], TrustDelegationRoot),
        ("by a key that may only sign", vec![good(20, 21)], TrustDelegationRoot),
        ("to itself", vec![good(10, 10)], TrustDelegationLoop),
        ("back to the root", vec![good(10, 11), good(11, 10)], TrustDelegationLoop),
        ("four links", vec![good(10, 11), good(11, 12), good(12, 13), good(13, 14)], TrustDelegationDepth),
        ("other plugins", vec![link(10, 11, "other.*", within)], TrustDelegationWidens),
        ("all plugins", vec![link(10, 11, "*", within)], TrustDelegationWidens),
        ("wider than the link before", vec![link(10, 11, "acme.fox", within), good(11, 12)], TrustDelegationWidens),
        ("more trust", wide(|key| key.ceiling = Trusted), TrustDelegationWidens),
        ("begins earlier", wide(|key| key.from = Some(date("2025-12-31T23:59:59Z"))), TrustDelegationWidens),
        ("begins always", wide(|key| key.from = None), TrustDelegationWidens),
        ("ends later", wide(|key| key.until = Some(date("2027-01-01T00:00:01Z"))), TrustDelegationWidens),
        ("never ends", wide(|key| key.until = None), TrustDelegationWidens),
    ]
}

/// A link as a store writes it: taken from one in which it holds.
fn block(link: &Delegation) -> Option<String> {
    let mut store = TrustStore::default();
    let mut by = TrustedKey::new(link.by, "root", [pattern("*")]);
    by.roles = [Role::Delegate].into();
    store.add_key(by).unwrap();
    store.delegate(link.clone()).ok()?;
    let text = store.to_string();
    Some(text[text.find("\n[[delegation]]")?..].to_owned())
}

/// Chains that ended, and stores in which somebody wrote a link that does not hold.
pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = judged::attacks(CASES, "");
    for (name, links, code) in broken() {
        let mut links: Vec<String> = match name {
            "another's label" => vec![block(&good(10, 11)).unwrap().replace("key 11", "somebody else")],
            "signed by another" => {
                let own = key(11).public().to_string();
                vec![block(&good(11, 12)).unwrap().replacen(&own, &key(10).public().to_string(), 1)]
            }
            _ => links.iter().filter_map(block).collect(),
        };
        // A link from a key to itself is in no store that could be asked for its text.
        if links.is_empty() {
            continue;
        }
        links.insert(0, rooted().to_string());
        let attack = Attack::new("delegation", name, code, &[&format!("store trust.toml -> {code}")]);
        let attack = attack.with("trust.toml", links.concat());
        attacks.push(match name {
            "all plugins" => attack.like("delegation-other-plugins"),
            "begins always" => attack.like("delegation-begins-earlier"),
            "never ends" => attack.like("delegation-ends-later"),
            _ => attack,
        });
    }
    // A root that is not of this program can sign what it likes, also what would move a terminal's cursor.
    let (by, to) = (key(10).public(), key(11).public());
    let dates = "from 2026-01-01T00:00:00Z\nuntil 2027-01-01T00:00:00Z\n";
    let said = format!("by {by}\npublic {to}\nlabel \u{1b}[2J\nnamespaces acme.*\nceiling verified\n{dates}");
    let message = [&b"modhost delegation 1\0"[..], said.as_bytes()].concat();
    let value = ed25519_dalek::Signer::sign(&ed25519_dalek::SigningKey::from_bytes(&[10; 32]), &message).to_bytes();
    let link = block(&good(10, 11)).unwrap().replace("key 11", "\\u001b[2J");
    let at = link.find("value = ").unwrap();
    let text = format!("{}{}value = \"{}\"\n", rooted(), &link[..at], crate::envelopes::hex(&value));
    let attack =
        Attack::new("delegation", "a label that moves the cursor", TrustValue, &["store trust.toml -> trust.value"]);
    attacks.push(attack.with("trust.toml", text));
    attacks
}

#[test]
fn a_broken_link_never_gets_into_a_store() {
    let rows = broken();
    for (name, mut links, code) in rows {
        let mut store = rooted();
        let last = links.pop().unwrap();
        links.into_iter().for_each(|link| store.delegate(link).unwrap());
        let before = store.to_string();
        assert_eq!(store.delegate(last).unwrap_err().code(), code, "{name}");
        assert_eq!(store.to_string(), before, "{name}");
        // The way up is whole without it.
        store.delegate(good(10, 15)).unwrap();
        assert_eq!(TrustStore::parse(&store.to_string(), "trust.toml").unwrap(), store, "{name}");
    }
}

#[test]
fn a_link_that_is_cut_in_the_file_is_refused() {
    let mut world = World::new();
    chain(&mut world, 2, &["acme.*", "acme.*"]);
    let text = world.store.to_string();
    let rows = [
        (text.replacen("label = \"key 11\"", "label = \"key 99\"", 1), TrustDelegationSignature),
        (text.replacen("roles = [\"delegate\"]", "roles = [\"sign\"]", 1), TrustDelegationRoot),
        (
            text.replacen(
                "namespaces = [\"acme.*\"]\nceiling = \"trusted\"\nroles",
                "namespaces = [\"acme.wolf\"]\nceiling = \"trusted\"\nroles",
                1,
            ),
            TrustDelegationWidens,
        ),
    ];
    for (changed, code) in rows {
        assert_ne!(changed, text);
        assert_eq!(TrustStore::parse(&changed, "trust.toml").unwrap_err().code(), code);
    }
    assert!(world.store.set_threshold(pattern("*"), 0).is_err());
}
