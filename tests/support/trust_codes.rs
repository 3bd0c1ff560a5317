//! The rows of `verify.*` and `trust.*`: each from a store, an envelope or a file that gives it.

use std::{fs, time::Duration};

use modhost::{
    Code, Engine, Error, Policy,
    Stage::{Admit, Vet},
    TrustLevel,
    package::Id,
    verify::{
        Date, Delegation, Envelope, Revocation, RevocationList, Revoked, Role, SecretKey, SeenFile, SignOptions,
        StoreFile, Subject, TrustStore, TrustedKey, decide, sign_index, sign_list,
    },
};

use super::From::{self, Engine as By};

const INDEX: &[u8] = b"modhost-files 1\nacme.p\n1.0.0\n";
const NOW: &str = "2026-06-01T00:00:00Z";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn trusted(seed: u8) -> TrustedKey {
    TrustedKey::new(key(seed).public(), "a key", ["acme.*".parse().unwrap()])
}

/// Deciding on acme.p, which key 1 signed, after changes of the envelope, the store and the policy.
fn vet(
    said: fn(&mut SignOptions),
    envelope: fn(String) -> String,
    store: fn(&mut TrustStore),
    policy: fn(&mut Policy),
) -> Error {
    let mut options = SignOptions::new("Acme");
    said(&mut options);
    let text = envelope(Envelope::of(sign_index(INDEX, &key(1), options).unwrap()).to_string());
    let (mut trust, mut rules) = (TrustStore::default(), Policy::mods());
    store(&mut trust);
    policy(&mut rules);
    let (id, version) = (Id::new("acme.p").unwrap(), "1.0.0".parse().unwrap());
    let subject = Subject { id: &id, version: &version, index: INDEX, envelope: Some(text.as_bytes()) };
    decide(&subject, &trust, &rules, date(NOW).time()).unwrap_err()
}

fn enveloped(envelope: fn(String) -> String) -> Error {
    let text = envelope(Envelope::of(sign_index(INDEX, &key(1), SignOptions::new("Acme")).unwrap()).to_string());
    Envelope::parse(text.as_bytes()).unwrap_err()
}

fn stored(store: fn(&mut TrustStore)) -> Error {
    vet(|_| {}, |text| text, store, |_| {})
}

fn known(store: &mut TrustStore, change: fn(&mut TrustedKey)) {
    let mut key = trusted(1);
    change(&mut key);
    store.add_key(key).unwrap();
}

fn parsed(change: fn(String) -> String) -> Error {
    let mut store = TrustStore::default();
    known(&mut store, |_| {});
    TrustStore::parse(&change(store.to_string()), "trust.toml").unwrap_err()
}

/// A delegation that a root 10 makes, or another key, to 11.
fn delegated(by: u8, change: fn(&mut TrustedKey), before: &[(u8, u8)]) -> Error {
    let mut store = TrustStore::default();
    let mut root = trusted(10);
    root.roles = [Role::Delegate].into();
    store.add_key(root).unwrap();
    for (by, to) in before {
        store.delegate(Delegation::sign(&key(*by), trusted(*to)).unwrap()).unwrap();
    }
    let mut given = trusted(by + 1);
    change(&mut given);
    store.delegate(Delegation::sign(&key(by), given).unwrap()).unwrap_err()
}

/// Taking in a list of key 3.
fn listed(sequence: u64, now: &str, change: fn(String) -> String) -> Error {
    let mut store = TrustStore::default();
    let mut issuer = trusted(3);
    issuer.roles = [Role::Revoke].into();
    store.add_key(issuer).unwrap();
    let list = |sequence| {
        sign_list(&key(3), sequence, date("2026-05-01T00:00:00Z"), date("2026-07-01T00:00:00Z"), &[]).unwrap()
    };
    let parse = |text: String| RevocationList::parse(text.as_bytes());
    store.apply_list(&parse(list(5)).unwrap(), date(NOW).time()).unwrap();
    parse(change(list(sequence))).and_then(|list| store.apply_list(&list, date(now).time())).unwrap_err()
}

fn same(text: String) -> String {
    text
}

pub(crate) const ROWS: &[(Code, From)] = &[
    (Code::VerifyEnvelope, By(Vet, "", "META/signatures:7", || enveloped(|text| text.replace("value ", "value  ")))),
    (
        Code::VerifyNewer,
        By(Vet, "", "META/signatures:1", || enveloped(|text| text.replace("signatures 1", "signatures 2"))),
    ),
    (Code::VerifyAlgorithm, By(Vet, "", "META/signatures:3", || enveloped(|text| text.replace("ed25519", "rsa")))),
    (Code::VerifyKey, By(Vet, "", "META/signatures:4", || enveloped(|text| text.replace("public ", "public 0")))),
    (
        Code::VerifyDuplicate,
        By(Vet, "", "META/signatures:13", || {
            enveloped(|text| format!("{text}\n{}", text.split_once("\n\n").unwrap().1))
        }),
    ),
    (
        Code::VerifyTooMany,
        By(Vet, "", "", || {
            let sign = |seed| sign_index(INDEX, &key(seed), SignOptions::new("Acme")).unwrap();
            let mut envelope = Envelope::of(sign(1));
            (2..=17).find_map(|seed| envelope.add(sign(seed)).err()).unwrap()
        }),
    ),
    (
        Code::VerifyBadSignature,
        By(Vet, "acme.p", "", || vet(|_| {}, |text| text.replace("Acme", "Acne"), |_| {}, |_| {})),
    ),
    (Code::VerifyExpired, By(Vet, "acme.p", "", || vet(|said| said.expires = Some(date(NOW)), same, |_| {}, |_| {}))),
    (
        Code::VerifyLifetime,
        By(Vet, "acme.p", "", || {
            vet(|_| {}, same, |_| {}, |policy| policy.signature_max_age = Some(Duration::from_secs(1)))
        }),
    ),
    (
        Code::VerifyUnknownSigner,
        By(Vet, "acme.p", "", || vet(|_| {}, same, |_| {}, |policy| policy.require_trusted_signer = true)),
    ),
    (
        Code::VerifyThreshold,
        By(Vet, "acme.p", "", || vet(|_| {}, same, |store| known(store, |_| {}), |policy| policy.signatures = 2)),
    ),
    (
        Code::VerifyRefused,
        By(Admit, "p", "", || {
            let engine = Engine::builder().check(|_| Err("not on this server".into())).build().unwrap();
            engine.load_source("p.lua", "").unwrap_err()
        }),
    ),
    (
        Code::TrustSyntax,
        By(Vet, "", "trust.toml:3:14", || parsed(|text| text.replace("generation = ", "generation = -"))),
    ),
    (
        Code::TrustUnknownField,
        By(Vet, "", "trust.toml:3:1", || parsed(|text| text.replace("generation", "future = 1\ngeneration"))),
    ),
    (Code::TrustMissingField, By(Vet, "", "trust.toml:1:1", || parsed(|text| text.replace("store = 1\n", "")))),
    (Code::TrustValue, By(Vet, "", "trust.toml:10:11", || parsed(|text| text.replace("\"trusted\"", "\"total\"")))),
    (Code::TrustNewer, By(Vet, "", "trust.toml:2:9", || parsed(|text| text.replace("store = 1", "store = 2")))),
    (
        Code::TrustThreshold,
        By(Vet, "", "", || TrustStore::default().set_threshold("*".parse().unwrap(), 0).unwrap_err()),
    ),
    (Code::TrustNoKey, By(Vet, "", "", || TrustStore::default().remove_key(&key(1).public().id()).unwrap_err())),
    (Code::TrustNoEntry, By(Vet, "", "", || TrustStore::default().unpin("acme", &key(1).public().id()).unwrap_err())),
    (
        Code::TrustGeneration,
        By(Vet, "", "", || {
            let area = tempfile::tempdir().unwrap();
            let file = StoreFile::new(area.path().join("trust.toml"));
            file.update(|_| Ok(())).unwrap();
            StoreFile::new(file.path()).seen(2).load().unwrap_err()
        }),
    ),
    (
        Code::TrustEquivocation,
        By(Vet, "", "", || {
            let [here, there] = [1, 2].map(|count| {
                let text = format!("store = 1\ngeneration = 5\n[thresholds]\n\"*\" = {count}\n");
                TrustStore::parse(&text, "trust.toml").unwrap()
            });
            Engine::builder().trust_store(here).build().unwrap().set_trust_store(there).unwrap_err()
        }),
    ),
    (
        Code::TrustSealed,
        By(Vet, "", "", || {
            let area = tempfile::tempdir().unwrap();
            let file = StoreFile::new(area.path().join("trust.toml"));
            file.update(|_| Ok(())).unwrap();
            StoreFile::new(file.path()).sealed([1; 32]).load().unwrap_err()
        }),
    ),
    (Code::TrustKeyFile, By(Vet, "", "", || SecretKey::from_pem("no key").unwrap_err())),
    (
        Code::TrustKeyExposed,
        By(Vet, "", "", || {
            use std::os::unix::fs::PermissionsExt;
            let area = tempfile::tempdir().unwrap();
            let path = area.path().join("key.pem");
            key(1).create(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            SecretKey::open(&path).unwrap_err()
        }),
    ),
    (
        Code::TrustRevoked,
        By(Vet, "acme.p", "", || {
            stored(|store| store.revoke(Revocation::hard(Revoked::Key(key(1).public().id()), "stolen")).unwrap())
        }),
    ),
    (Code::TrustKeyExpired, By(Vet, "acme.p", "", || stored(|store| known(store, |key| key.until = Some(date(NOW)))))),
    (
        Code::TrustKeyNotYet,
        By(Vet, "acme.p", "", || stored(|store| known(store, |key| key.from = Some(date("2027-01-01T00:00:00Z"))))),
    ),
    (
        Code::TrustNamespace,
        By(Vet, "acme.p", "", || stored(|store| known(store, |key| key.namespaces = vec!["other.*".parse().unwrap()]))),
    ),
    (
        Code::TrustCeiling,
        By(Vet, "acme.p", "", || stored(|store| known(store, |key| key.ceiling = TrustLevel::Untrusted))),
    ),
    (
        Code::TrustDelegation,
        By(Vet, "", "delegation:3", || Delegation::parse(b"modhost-delegation 1\n\nfrom me\n").unwrap_err()),
    ),
    (
        Code::TrustDelegationSignature,
        By(Vet, "", "", || {
            let mut forged = Delegation::sign(&key(10), trusted(11)).unwrap();
            forged.label = "another".into();
            TrustStore::default().delegate(forged).unwrap_err()
        }),
    ),
    (Code::TrustDelegationRoot, By(Vet, "", "", || delegated(20, |_| {}, &[]))),
    (Code::TrustDelegationDepth, By(Vet, "", "", || delegated(13, |_| {}, &[(10, 11), (11, 12), (12, 13)]))),
    (
        Code::TrustDelegationLoop,
        By(Vet, "", "", || delegated(11, |given| given.public = key(10).public(), &[(10, 11)])),
    ),
    (
        Code::TrustDelegationWidens,
        By(Vet, "", "", || delegated(10, |given| given.namespaces = vec!["*".parse().unwrap()], &[])),
    ),
    (
        Code::TrustDelegationExpired,
        By(Vet, "acme.p", "", || {
            stored(|store| {
                let mut root = trusted(10);
                root.roles = [Role::Delegate].into();
                store.add_key(root).unwrap();
                let mut given = trusted(1);
                given.until = Some(date(NOW));
                store.delegate(Delegation::sign(&key(10), given).unwrap()).unwrap();
            })
        }),
    ),
    (
        Code::TrustList,
        By(Vet, "", "revocation list:4", || listed(6, NOW, |text| text.replace("sequence 6", "sequence six"))),
    ),
    (
        Code::TrustListIssuer,
        By(Vet, "", "", || {
            let list = sign_list(&key(9), 1, date("2026-05-01T00:00:00Z"), date(NOW), &[]).unwrap();
            let list = RevocationList::parse(list.as_bytes()).unwrap();
            TrustStore::default().apply_list(&list, date(NOW).time()).unwrap_err()
        }),
    ),
    (Code::TrustListSignature, By(Vet, "", "", || listed(6, NOW, |text| text.replace("sequence 6", "sequence 7")))),
    (Code::TrustListStale, By(Vet, "", "", || listed(6, "2026-07-01T00:00:00Z", same))),
    (Code::TrustListSequence, By(Vet, "", "", || listed(4, NOW, same))),
    (
        Code::TrustRollback,
        By(Vet, "acme.p", "", || {
            let area = tempfile::tempdir().unwrap();
            let file = SeenFile::new(area.path().join("seen"));
            let id = Id::new("acme.p").unwrap();
            file.update(|seen| seen.sign_off(&id, &"2.0.0".parse().unwrap())).unwrap();
            file.load().unwrap().check(&id, &"1.0.0".parse().unwrap()).unwrap_err()
        }),
    ),
    (
        Code::TrustMemory,
        By(Vet, "", "seen:1", || {
            let area = tempfile::tempdir().unwrap();
            fs::write(area.path().join("seen"), "damaged\n").unwrap();
            SeenFile::new(area.path().join("seen")).load().unwrap_err()
        }),
    ),
];
