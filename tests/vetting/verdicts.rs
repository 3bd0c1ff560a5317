//! What a good signature is worth: thresholds, namespaces, dates, ceilings, pins, revocations, and what policies demand.

use std::time::Duration;

use modhost::{
    Code::{
        DeniedTrust, TrustCeiling, TrustKeyExpired, TrustKeyNotYet, TrustNamespace, TrustRevoked, VerifyBadSignature,
        VerifyExpired, VerifyLifetime, VerifyThreshold, VerifyUnknownSigner,
    },
    Policy,
    TrustLevel::{Trusted, Untrusted, Verified},
    verify::{Allowed, Revocation, Revoked, TrustedKey},
};
use semver::Version;

use crate::world::{Case, World, check, date, key, pattern, root, trusted};
use crate::{judged, table::Attack};

fn change_key(world: &mut World, seed: u8, change: impl FnOnce(&mut TrustedKey)) {
    let public = key(seed).public();
    let mut changed = world.store.keys().find(|key| key.public == public).unwrap().clone();
    change(&mut changed);
    world.store.add_key(changed).unwrap();
}

fn vendor(world: &mut World) {
    world.policy.vendors.insert("acme".into());
    world.store.pin("acme", key(1).public().id()).unwrap();
}

fn revoke(world: &mut World, what: Revoked, hard: bool) {
    let revocation = if hard { Revocation::hard(what, "stolen") } else { Revocation::soft(what, "stolen") };
    world.store.revoke(revocation).unwrap();
}

fn versions(range: &str) -> Revoked {
    Revoked::Versions("acme.wolf".parse().unwrap(), range.parse().unwrap())
}

fn allow(world: &mut World) {
    let allowed = Allowed::new(world.judge().digest, world.id.clone(), world.version.clone(), "looked at");
    world.store.allow(allowed).unwrap();
}

const CASES: &[Case] = &[
    ("all is well", |_| {}, Ok(Verified)),
    ("unsigned", |w| w.envelope = None, Ok(Untrusted)),
    (
        "unsigned where signed ones only are taken",
        |w| {
            w.envelope = None;
            w.policy.unsigned = false;
        },
        Err(DeniedTrust),
    ),
    (
        "unsigned where a trusted signer is needed",
        |w| {
            w.envelope = None;
            w.policy.require_trusted_signer = true;
        },
        Err(DeniedTrust),
    ),
    ("unsigned under strict", |w| (w.envelope, w.policy) = (None, Policy::strict()), Err(DeniedTrust)),
    ("an unknown key", |w| w.signed_by(&[9]), Ok(Untrusted)),
    (
        "an unknown key where a trusted signer is needed",
        |w| {
            w.signed_by(&[9]);
            w.policy.require_trusted_signer = true;
        },
        Err(VerifyUnknownSigner),
    ),
    (
        "an unknown key where one signature is needed",
        |w| {
            w.signed_by(&[9]);
            w.policy.signatures = 1;
        },
        Err(VerifyUnknownSigner),
    ),
    ("unknown keys beside a known one", |w| w.signed_by(&[1, 8, 9]), Ok(Verified)),
    (
        "an unknown key's false signature beside a good one",
        |w| {
            w.signed_by(&[1, 9]);
            w.edit("signer key 9", "signer key 8");
        },
        Err(VerifyBadSignature),
    ),
    ("one of two under strict", |w| w.policy = Policy::strict(), Err(VerifyThreshold)),
    ("one and an unknown of two", |w| (w.policy = Policy::strict(), w.signed_by(&[1, 9])).1, Err(VerifyThreshold)),
    ("two of two under strict", |w| (w.policy = Policy::strict(), w.signed_by(&[1, 2])).1, Ok(Verified)),
    ("two of two under airgapped", |w| (w.policy = Policy::airgapped(), w.signed_by(&[1, 2])).1, Ok(Verified)),
    ("one of two by the store", |w| w.store.set_threshold(pattern("acme.*"), 2).unwrap(), Ok(Untrusted)),
    (
        "one of two by the store, where a trusted signer is needed",
        |w| {
            w.store.set_threshold(pattern("*"), 2).unwrap();
            w.policy.require_trusted_signer = true;
        },
        Err(VerifyThreshold),
    ),
    (
        "the greater threshold holds, not the closer one",
        |w| {
            w.store.set_threshold(pattern("*"), 2).unwrap();
            w.store.set_threshold(pattern("acme.wolf"), 1).unwrap();
        },
        Ok(Untrusted),
    ),
    ("a threshold of others", |w| w.store.set_threshold(pattern("other.*"), 5).unwrap(), Ok(Verified)),
    (
        "a key in the file and built in is one key",
        |w| {
            w.store.embed(trusted(1, "acme.*")).unwrap();
            w.store.set_threshold(pattern("*"), 2).unwrap();
        },
        Ok(Untrusted),
    ),
    (
        "a key that is built in",
        |w| {
            w.store.remove_key(&key(1).public().id()).unwrap();
            w.store.embed(trusted(1, "acme.*")).unwrap();
        },
        Ok(Verified),
    ),
    (
        "a file's own entry widens no key that is built in",
        |w| w.store.embed(trusted(1, "acme.fox")).unwrap(),
        Err(TrustNamespace),
    ),
    (
        "a file's own entry makes no key sign that is built in to delegate",
        |w| w.store.embed(root(1, "acme.*")).unwrap(),
        Ok(Untrusted),
    ),
    ("another's namespace", |w| w.renamed("other.wolf", &[1]), Err(TrustNamespace)),
    ("a name that begins alike", |w| w.renamed("acme2.wolf", &[1]), Err(TrustNamespace)),
    ("no publisher at all", |w| w.renamed("acme", &[1]), Err(TrustNamespace)),
    ("another's namespace beside its own key", |w| w.renamed("other.wolf", &[1, 2]), Ok(Verified)),
    ("one plugin only", |w| change_key(w, 1, |key| key.namespaces = vec![pattern("acme.wolf")]), Ok(Verified)),
    (
        "another plugin only",
        |w| change_key(w, 1, |key| key.namespaces = vec![pattern("acme.fox")]),
        Err(TrustNamespace),
    ),
    (
        "an expired key",
        |w| change_key(w, 1, |key| key.until = Some(date("2026-06-01T00:00:00Z"))),
        Err(TrustKeyExpired),
    ),
    (
        "a key in its last second",
        |w| change_key(w, 1, |key| key.until = Some(date("2026-06-01T00:00:01Z"))),
        Ok(Verified),
    ),
    (
        "a key of tomorrow",
        |w| change_key(w, 1, |key| key.from = Some(date("2026-06-01T00:00:01Z"))),
        Err(TrustKeyNotYet),
    ),
    ("a key of now", |w| change_key(w, 1, |key| key.from = Some(date("2026-06-01T00:00:00Z"))), Ok(Verified)),
    (
        "an expired key beside a good one",
        |w| {
            change_key(w, 1, |key| key.until = Some(date("2026-01-01T00:00:00Z")));
            w.signed_by(&[1, 2]);
        },
        Ok(Verified),
    ),
    (
        "an expired key does not count",
        |w| {
            change_key(w, 1, |key| key.until = Some(date("2026-01-01T00:00:00Z")));
            w.signed_by(&[1, 2]);
            w.store.set_threshold(pattern("*"), 2).unwrap();
        },
        Err(TrustKeyExpired),
    ),
    ("a ceiling of untrusted", |w| change_key(w, 1, |key| key.ceiling = Untrusted), Err(TrustCeiling)),
    (
        "a key that may not sign",
        |w| change_key(w, 1, |key| key.roles = [modhost::verify::Role::Revoke].into()),
        Ok(Untrusted),
    ),
    ("a pinned vendor that the host opted in", vendor, Ok(Trusted)),
    ("a pinned vendor without the host's opt-in", |w| (vendor(w), w.policy.vendors.clear()).1, Ok(Verified)),
    (
        "an opt-in without a pin",
        |w| {
            w.policy.vendors.insert("acme".into());
        },
        Ok(Verified),
    ),
    (
        "another key than the pinned one",
        |w| {
            vendor(w);
            w.signed_by(&[2]);
        },
        Ok(Verified),
    ),
    (
        "a pinned key whose ceiling is verified",
        |w| {
            vendor(w);
            change_key(w, 1, |key| key.ceiling = Verified);
        },
        Ok(Verified),
    ),
    (
        "an id without publisher is never trusted",
        |w| {
            vendor(w);
            w.policy.vendors.insert(String::new());
            change_key(w, 1, |key| key.namespaces = vec![pattern("*")]);
            w.renamed("wolf", &[1]);
        },
        Ok(Verified),
    ),
    (
        "another publisher's pin",
        |w| {
            vendor(w);
            w.policy.vendors.insert("other".into());
            change_key(w, 1, |key| key.namespaces = vec![pattern("*")]);
            w.renamed("other.wolf", &[1]);
        },
        Ok(Verified),
    ),
    (
        "an expired signature",
        |w| w.sign_with(&[1], |said| said.expires = Some(date("2026-06-01T00:00:00Z"))),
        Err(VerifyExpired),
    ),
    (
        "an expired signature of an unknown key",
        |w| w.sign_with(&[9], |said| said.expires = Some(date("2020-01-01T00:00:00Z"))),
        Err(VerifyExpired),
    ),
    (
        "a signature in its last second",
        |w| w.sign_with(&[1], |said| said.expires = Some(date("2026-06-01T00:00:01Z"))),
        Ok(Verified),
    ),
    (
        "a signature without an end where one is wanted",
        |w| w.policy.signature_max_age = Some(Duration::from_secs(86_400 * 365)),
        Err(VerifyLifetime),
    ),
    (
        "a signature that lasts too long",
        |w| {
            w.policy.signature_max_age = Some(Duration::from_secs(86_400));
            w.sign_with(&[1], |said| said.expires = Some(date("2026-06-02T00:00:01Z")));
        },
        Err(VerifyLifetime),
    ),
    (
        "a signature that lasts long enough",
        |w| {
            w.policy.signature_max_age = Some(Duration::from_secs(86_400));
            w.sign_with(&[1], |said| said.expires = Some(date("2026-06-02T00:00:00Z")));
        },
        Ok(Verified),
    ),
    ("a revoked key", |w| revoke(w, Revoked::Key(key(1).public().id()), true), Err(TrustRevoked)),
    ("a softly revoked key", |w| revoke(w, Revoked::Key(key(1).public().id()), false), Ok(Verified)),
    (
        "a revoked key beside a good one",
        |w| {
            w.signed_by(&[1, 2]);
            revoke(w, Revoked::Key(key(1).public().id()), true);
        },
        Err(TrustRevoked),
    ),
    (
        "a revoked key that is in no store",
        |w| {
            w.signed_by(&[9]);
            revoke(w, Revoked::Key(key(9).public().id()), true);
        },
        Err(TrustRevoked),
    ),
    (
        "a key that is built in and revoked",
        |w| {
            w.store.embed(trusted(1, "*")).unwrap();
            revoke(w, Revoked::Key(key(1).public().id()), true);
        },
        Err(TrustRevoked),
    ),
    ("another revoked key", |w| revoke(w, Revoked::Key(key(2).public().id()), true), Ok(Verified)),
    ("a revoked digest", |w| revoke(w, Revoked::Package(w.judge().digest), true), Err(TrustRevoked)),
    ("a softly revoked digest", |w| revoke(w, Revoked::Package(w.judge().digest), false), Ok(Verified)),
    (
        "a revoked digest without a signature",
        |w| {
            revoke(w, Revoked::Package(w.judge().digest), true);
            w.envelope = None;
        },
        Err(TrustRevoked),
    ),
    ("a revoked range", |w| revoke(w, versions("<1.2.0"), true), Err(TrustRevoked)),
    ("a softly revoked range", |w| revoke(w, versions("<1.2.0"), false), Ok(Verified)),
    ("a range that ends before", |w| revoke(w, versions("<1.0.0"), true), Ok(Verified)),
    (
        "a prerelease in a revoked range",
        |w| {
            w.version = Version::parse("1.0.0-rc.1").unwrap();
            revoke(w, versions("<1.0.0"), true);
        },
        Err(TrustRevoked),
    ),
    (
        "allowed by digest, unsigned",
        |w| {
            allow(w);
            w.envelope = None;
            w.policy.unsigned = false;
        },
        Ok(Verified),
    ),
    ("allowed by digest, unknown signer", |w| (allow(w), w.signed_by(&[9])).1, Ok(Verified)),
    (
        "allowed by digest, and revoked",
        |w| {
            allow(w);
            revoke(w, Revoked::Package(w.judge().digest), true);
        },
        Err(TrustRevoked),
    ),
    (
        "allowed by digest, with a false signature",
        |w| {
            allow(w);
            w.edit("signer Acme", "signer Acmf");
        },
        Err(VerifyBadSignature),
    ),
    (
        "allowed by digest does not make up for signatures",
        |w| {
            allow(w);
            w.envelope = None;
            w.policy.signatures = 1;
        },
        Err(DeniedTrust),
    ),
    (
        "allowed by digest as another version",
        |w| {
            let version = Version::new(2, 0, 0);
            w.store.allow(Allowed::new(w.judge().digest, w.id.clone(), version, "looked at")).unwrap();
            w.envelope = None;
        },
        Ok(Untrusted),
    ),
    (
        "another package's digest is allowed",
        |w| {
            allow(w);
            w.index.extend(b"more\n");
            w.envelope = None;
        },
        Ok(Untrusted),
    ),
    ("a removed key", |w| w.store.remove_key(&key(1).public().id()).unwrap(), Ok(Untrusted)),
];

/// Those that are refused, as packages that a host loads.
pub(crate) fn attacks() -> Vec<Attack> {
    judged::attacks(CASES, "")
}

#[test]
fn what_a_good_signature_is_worth() {
    check(CASES);
}

#[test]
fn warnings_say_what_does_not_stop_a_package() {
    type Row = (&'static str, fn(&mut World), &'static str);
    let rows: &[Row] = &[
        ("unknown", |w| w.signed_by(&[9]), "signed by a key nobody here knows"),
        ("soft", |w| revoke(w, versions("*"), false), "acme.wolf 1.0.0 is revoked: stolen"),
        ("short", |w| w.store.set_threshold(pattern("*"), 2).unwrap(), "1 of 2 keys signed"),
        (
            "old beside good",
            |w| {
                change_key(w, 1, |key| key.until = Some(date("2026-01-01T00:00:00Z")));
                w.signed_by(&[1, 2]);
            },
            "counted until 2026-01-01T00:00:00Z",
        ),
    ];
    for (name, change, text) in rows {
        let mut world = World::new();
        change(&mut world);
        let verdict = world.judge();
        assert!(
            verdict.errors.is_empty() && verdict.warnings.iter().any(|one| one.contains(text)),
            "{name}: {verdict:?}"
        );
    }
    assert!(World::new().judge().warnings.is_empty());
}

#[test]
fn a_verdict_names_its_signers() {
    let mut world = World::new();
    world.signed_by(&[1, 9]);
    let verdict = world.judge();
    assert_eq!(verdict.threshold, (1, 1));
    assert_eq!(verdict.vouched(), format!("signed by key 1 ({})", key(1).public().id().short()));
    for signer in &verdict.signers {
        assert_eq!(signer.key, signer.public.id());
        assert_eq!(signer.is_known(), signer.public == key(1).public());
        assert_eq!(signer.counts(), signer.is_known());
    }
}
