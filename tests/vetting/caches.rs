//! Verdicts that are kept: what looks like something that was judged before, and is not; and what changed since.

use modhost::{
    TrustLevel::Verified,
    verify::{Delegation, Revocation, Revoked, TrustStore},
};

use crate::{
    play::{host_store, with_good},
    table::Attack,
    world::{World, date, key, pattern, root, trusted},
};

/// Loads `p.modpkg` once, so that a verdict is kept, then the steps.
fn kept(name: &str, code: &str, steps: &[&str]) -> Attack {
    let last = format!("load p.modpkg -> {code}");
    let steps = [&["load p.modpkg -> verified", "unload acme.wolf"], steps, &[&*last]].concat();
    Attack::new("cache", name, code, &steps).with("p.modpkg", World::new().packed())
}

/// The same, with another package in the place of the first.
fn other(name: &str, code: &str, change: fn(&mut World)) -> Attack {
    let mut world = World::new();
    change(&mut world);
    kept(name, code, &["copy other.modpkg p.modpkg"]).with("other.modpkg", world.packed())
}

/// The same, under another store.
fn store(name: &str, code: &str, change: fn(&mut TrustStore)) -> Attack {
    let mut store = host_store();
    change(&mut store);
    kept(name, code, &["store trust.toml -> ok"]).with("trust.toml", store.to_string())
}

const SIGNED: &str = "base = \"mods\"\nrequire_trusted_signer = true\n";

/// The same under a store of its own, which the first load meets too.
fn under(name: &str, code: &str, until: &str, store: TrustStore, change: fn(&mut World)) -> Attack {
    let mut world = World::new();
    change(&mut world);
    let steps = [
        "store trust.toml -> ok",
        "load p.modpkg -> verified",
        "unload acme.wolf",
        &format!("date {until}"),
        &format!("load p.modpkg -> {code}"),
    ];
    Attack::new("cache", name, code, &steps)
        .with("p.modpkg", world.packed())
        .with("trust.toml", with_good(store).to_string())
}

pub(crate) fn attacks() -> Vec<Attack> {
    let ending = |day: &str| {
        let mut store = TrustStore::default();
        let mut given = trusted(1, "acme.*");
        given.until = Some(date(day));
        store.add_key(given).unwrap();
        store
    };
    let delegated = {
        let mut store = TrustStore::default();
        store.add_key(root(10, "acme.*")).unwrap();
        let mut given = trusted(11, "acme.*");
        given.until = Some(date("2026-06-03T00:00:00Z"));
        store.delegate(Delegation::sign(&key(10), given).unwrap()).unwrap();
        store
    };
    vec![
        other("another script in the same place", "verify.bad-signature", |w| {
            w.source = "function howl() return 'moo' end\n".into();
            w.index = w.listed();
        }),
        other("another script under the old list", "package.file-changed", |w| {
            w.source = "function howl() return 'moo!' end\n".into();
        }),
        other("another id for the same files", "verify.bad-signature", |w| {
            w.id = "acme.fox".parse().unwrap();
            w.index = w.listed();
        }),
        other("another version of the same files", "verify.bad-signature", |w| {
            w.version = "9.0.0".parse().unwrap();
            w.index = w.listed();
        }),
        other("the same files with a false signature", "verify.bad-signature", |w| {
            w.edit("signer Acme", "signer Acne")
        }),
        other("the same files with a malformed envelope", "verify.envelope", |w| {
            w.edit("expires never", "expires sometime")
        }),
        other("the same files, signed by a stranger", "verify.unknown-signer", |w| w.signed_by(&[9]))
            .with("policy.toml", SIGNED),
        other("the same files, signed by nobody", "denied.trust", |w| w.envelope = None).with("policy.toml", SIGNED),
        other("the same files with a signature that ended", "verify.expired", |w| {
            w.sign_with(&[1], |said| said.expires = Some(date("2026-05-01T00:00:00Z")));
        }),
        store("the key was revoked since", "trust.revoked", |store| {
            store.revoke(Revocation::hard(Revoked::Key(key(1).public().id()), "stolen")).unwrap();
        }),
        store("the package was revoked since", "trust.revoked", |store| {
            store.revoke(Revocation::hard(Revoked::Package(World::new().judge().digest), "it bites")).unwrap();
        }),
        store("the key was removed since", "verify.unknown-signer", |store| {
            store.remove_key(&key(1).public().id()).unwrap()
        })
        .with("policy.toml", SIGNED),
        store("the threshold was raised since", "verify.threshold", |store| {
            store.set_threshold(pattern("acme.*"), 2).unwrap()
        })
        .with("policy.toml", SIGNED),
        store("the key was given another namespace since", "trust.namespace", |store| {
            store.add_key(trusted(1, "acme.fox")).unwrap();
        }),
        store("the key was given a lower ceiling since", "trust.ceiling", |store| {
            let mut given = trusted(1, "acme.*");
            given.ceiling = modhost::TrustLevel::Untrusted;
            store.add_key(given).unwrap();
        }),
        under(
            "the signature ended since",
            "verify.expired",
            "2026-06-03T00:00:00Z",
            ending("2027-01-01T00:00:00Z"),
            |w| {
                w.sign_with(&[1], |said| said.expires = Some(date("2026-06-03T00:00:00Z")));
            },
        ),
        under(
            "the key ended since",
            "trust.key-expired",
            "2026-06-03T00:00:00Z",
            ending("2026-06-03T00:00:00Z"),
            |_| {},
        ),
        under("the delegation ended since", "trust.delegation-expired", "2026-06-03T00:00:00Z", delegated, |w| {
            w.signed_by(&[11])
        }),
        kept("the package was replaced by the memory of a run", "package.archive", &["copy seen p.modpkg"]),
    ]
}

/// What the attacks begin with.
#[test]
fn the_first_load_is_good() {
    assert_eq!(World::new().judge().level, Verified);
}
