//! The text of a trust store: read strictly, written in one form.

use modhost::{
    Code::{
        self, TrustMissingField, TrustNewer, TrustNoKey, TrustSyntax, TrustThreshold, TrustUnknownField, TrustValue,
        VerifyKey,
    },
    verify::{Allowed, Delegation, Revocation, RevocationList, Revoked, Role, TrustStore, TrustedKey, sign_list},
};

use crate::{
    table::Attack,
    world::{World, date, key, pattern, root, trusted},
};

/// A store with something of every kind.
pub(crate) fn full() -> TrustStore {
    let mut store = World::new().store;
    let mut issuer = trusted(3, "*");
    (issuer.roles, issuer.label) = ([Role::Revoke].into(), "says \"no\" \\".into());
    (issuer.from, issuer.until) = (Some(date("2026-01-01T00:00:00Z")), Some(date("2027-01-01T00:00:00Z")));
    store.add_key(issuer).unwrap();
    store.add_key(root(10, "acme.*")).unwrap();
    store.delegate(Delegation::sign(&key(10), trusted(11, "acme.wolf")).unwrap()).unwrap();
    store.pin("acme", key(1).public().id()).unwrap();
    store.pin("acme", key(11).public().id()).unwrap();
    store.set_threshold(pattern("*"), 1).unwrap();
    store.set_threshold(pattern("acme.*"), 2).unwrap();
    let digest = World::new().judge().digest;
    store.allow(Allowed::new(digest, "acme.wolf".parse().unwrap(), "1.0.0".parse().unwrap(), "seen")).unwrap();
    store.revoke(Revocation::soft(Revoked::Package(digest), "old")).unwrap();
    store.revoke(Revocation::hard(Revoked::Key(key(8).public().id()), "stolen")).unwrap();
    let rows = [Revocation::hard(Revoked::Versions("acme.fox".parse().unwrap(), "<2.0.0".parse().unwrap()), "bites")];
    let list = sign_list(&key(3), 4, date("2026-05-01T00:00:00Z"), date("2026-07-01T00:00:00Z"), &rows).unwrap();
    store.apply_list(&RevocationList::parse(list.as_bytes()).unwrap(), date("2026-06-01T00:00:00Z").time()).unwrap();
    store
}

#[test]
fn a_store_reads_back_and_has_one_text() {
    let store = full();
    let text = store.to_string();
    let again = TrustStore::parse(&text, "trust.toml").unwrap();
    assert_eq!((again.to_string(), &again), (text.clone(), &store));
    // Blocks in another order are the same store.
    let mut blocks: Vec<&str> = text.split("\n[").collect();
    let (head, rest) = blocks.split_first_mut().unwrap();
    rest.reverse();
    let turned = format!("{head}\n[{}", rest.join("\n["));
    assert_ne!(turned, text);
    assert_eq!(TrustStore::parse(&turned, "trust.toml").unwrap(), store);
    assert_eq!(TrustStore::parse(&TrustStore::default().to_string(), "").unwrap(), TrustStore::default());
}

/// Texts that are no store, each a change of a good one.
fn rows() -> Vec<(&'static str, String, Code)> {
    let text = full().to_string();
    let weak = format!("ed25519:01{}", "00".repeat(31));
    let public = key(1).public();
    let row = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    vec![
        ("no TOML", row("store = 1", "store ="), TrustSyntax),
        ("nothing", String::new(), TrustMissingField),
        ("no version", row("store = 1\n", ""), TrustMissingField),
        ("no generation", row("generation = 0\n", ""), TrustMissingField),
        ("a newer store", row("store = 1", "store = 2\nfuture = true"), TrustNewer),
        ("an older store", row("store = 1", "store = 0"), TrustValue),
        ("a version in words", row("store = 1", "store = \"1\""), TrustSyntax),
        ("an unknown table", text.clone() + "\n[forbid]\nall = true\n", TrustUnknownField),
        (
            "an unknown field of a key",
            row("label = \"key 1\"", "label = \"key 1\"\nonly_on = \"sundays\""),
            TrustUnknownField,
        ),
        ("an unknown field of a revocation", row("hard = true", "hard = true\nexcept = \"acme\""), TrustUnknownField),
        ("a key twice in a table", row("label = \"key 1\"", "label = \"key 1\"\nlabel = \"key 2\""), TrustSyntax),
        ("a label left out", row("label = \"key 1\"\n", ""), TrustMissingField),
        ("a label with an escape", row("label = \"key 1\"", "label = \"\\u001b[31m\""), TrustValue),
        ("no namespaces", row("namespaces = [\"acme.*\"]", "namespaces = []"), TrustValue),
        ("a pattern in the middle", row("namespaces = [\"acme.*\"]", "namespaces = [\"ac*\"]"), TrustValue),
        ("an unknown role", row("roles = [\"sign\"]", "roles = [\"rule\"]"), TrustValue),
        ("no role", row("roles = [\"sign\"]", "roles = []"), TrustValue),
        ("an unknown ceiling", row("ceiling = \"trusted\"", "ceiling = \"total\""), TrustValue),
        ("a date of its own form", row("2026-01-01T00:00:00Z", "2026-01-01"), TrustValue),
        ("a key that ends before it begins", row("2027-01-01T00:00:00Z", "2025-01-01T00:00:00Z"), TrustValue),
        (
            "a pin to a key that is not there",
            row(&public.id().to_string(), &key(9).public().id().to_string()),
            TrustNoKey,
        ),
        ("a weak key", row(&public.to_string(), &weak), VerifyKey),
        ("a key of zeros", row(&public.to_string(), &format!("ed25519:{}", "0".repeat(64))), VerifyKey),
        ("a key that is not canonical", row(&public.to_string(), &format!("ed25519:{}7f", "f".repeat(62))), VerifyKey),
        ("a key in capitals", row(&public.to_string(), &public.to_string().to_uppercase()), VerifyKey),
        ("a threshold of 0", row("\"acme.*\" = 2", "\"acme.*\" = 0"), TrustThreshold),
        ("a threshold below 0", row("\"acme.*\" = 2", "\"acme.*\" = -1"), TrustSyntax),
        ("a threshold of nobody", row("\"acme.*\" = 2", "\"a b\" = 2"), TrustValue),
        (
            "another id than the key's",
            row(&format!("id = \"{}", public.id()), &format!("id = \"{}", key(9).public().id())),
            TrustValue,
        ),
        (
            "a pin to a strange key",
            row("\n[pins]\n", &format!("\n[pins]\nother = [\"{}\"]\n", key(7).public().id())),
            TrustNoKey,
        ),
        ("a pin to nothing", row("\n[pins]\n", "\n[pins]\nother = []\n"), TrustValue),
        ("a pin of no publisher", row("\n[pins]\nacme", "\n[pins]\n\"a.b\""), TrustValue),
        ("a revocation of nothing", row("key = ", "list = "), TrustValue),
        (
            "a revocation of two things",
            row("\n[[revoked]]\nkey", &format!("\n[[revoked]]\ndigest = \"{}\"\nkey", World::new().judge().digest)),
            TrustValue,
        ),
        ("a list that is not there", row("issuer = ", "issuer_ = "), TrustUnknownField),
        (
            "a row of a strange list",
            row(&format!("list = \"{}\"", key(3).public().id()), &format!("list = \"{}\"", key(1).public().id())),
            TrustValue,
        ),
        ("a range written otherwise", row("<2.0.0", "< 2.0.0"), TrustValue),
        ("a package twice", text.clone() + &text[text.find("\n[[allowed]]").unwrap()..], TrustValue),
        (
            "a key twice",
            text.clone() + &text[text.find("\n[[key]]").unwrap()..text.find("\n[[delegation]]").unwrap()],
            TrustValue,
        ),
        ("nested beyond reason", format!("{text}x = {}{}", "[".repeat(100), "]".repeat(100)), TrustSyntax),
        (
            "a version beyond reason",
            row("version = \"1.0.0\"", &format!("version = \"1.0.0-{}\"", "a".repeat(500))),
            TrustValue,
        ),
        ("too many of a kind", format!("store = 1\ngeneration = 0\n{}", "[[key]]\n".repeat(1001)), TrustSyntax),
        ("an inline table", row("[thresholds]", "other = {}\n[thresholds]"), TrustSyntax),
        ("a dotted key", row("[thresholds]", "x.y = 1\n[thresholds]"), TrustSyntax),
        ("a dotted table", row("[thresholds]", "[thresholds.x]"), TrustSyntax),
        ("too large", text.clone() + "#".repeat(5 << 20).as_str(), TrustSyntax),
    ]
}

/// Rows that differ from another in a constant only.
const ALIKE: &[(&str, &str)] = &[
    ("an older store", "store-a-newer-store"),
    ("no generation", "store-no-version"),
    ("a label left out", "store-no-version"),
    ("an unknown field of a revocation", "store-an-unknown-field-of-a-key"),
    ("a key of zeros", "store-a-weak-key"),
    ("no role", "store-no-namespaces"),
    ("a pin to a strange key", "store-a-pin-to-a-key-that-is-not-there"),
];

/// Each of them in the place of a host's store.
pub(crate) fn attacks() -> Vec<Attack> {
    let made = |(name, text, code): (&str, String, Code)| {
        let kind = if code == TrustThreshold { "threshold" } else { "store" };
        let attack = Attack::new(kind, name, code, &[&format!("store trust.toml -> {code}")]).with("trust.toml", text);
        match ALIKE.iter().find(|(alike, _)| *alike == name) {
            Some((_, other)) => attack.like(other),
            None => attack,
        }
    };
    rows().into_iter().map(made).collect()
}

#[test]
fn what_is_not_understood_is_refused() {
    let rows = rows();
    for (name, changed, code) in &rows {
        let error = TrustStore::parse(changed, "trust.toml").err().unwrap_or_else(|| panic!("{name} is read"));
        assert_eq!(error.code(), *code, "{name}: {error}");
        assert_eq!(error.at().map(|at| at.file.as_str()), Some("trust.toml"), "{name}");
    }
}

#[test]
fn what_cannot_be_written_is_not_taken() {
    let mut store = full();
    let before = store.to_string();
    type Row = (&'static str, fn(&mut TrustStore) -> modhost::Result<()>, Code);
    let rows: Vec<Row> = vec![
        ("a threshold of 0", |store| store.set_threshold(pattern("x.*"), 0), TrustThreshold),
        ("no namespace", |store| store.add_key(TrustedKey::new(key(4).public(), "x", [])), TrustValue),
        ("no label", |store| store.add_key(TrustedKey::new(key(4).public(), "", [pattern("*")])), TrustValue),
        (
            "a reason of two lines",
            |store| store.revoke(Revocation::hard(Revoked::Key(key(4).public().id()), "a\nb")),
            TrustValue,
        ),
        ("a pin to a strange key", |store| store.pin("acme", key(4).public().id()), TrustNoKey),
        ("a pin of no publisher", |store| store.pin("Acme", key(1).public().id()), TrustValue),
        ("no such key", |store| store.remove_key(&key(4).public().id()), TrustNoKey),
    ];
    for (name, change, code) in rows {
        assert_eq!(change(&mut store).unwrap_err().code(), code, "{name}");
        assert_eq!(store.to_string(), before, "{name}");
    }
}

/// Who may read a store that was changed may read it still, and a link to it leads to it still: else a host that runs as somebody else would
/// not hear of a revocation.
#[cfg(unix)]
#[test]
fn a_changed_store_stays_where_and_whose_it_was() {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
    };
    let area = crate::world::area();
    let (real, link) = (area.path().join("real.toml"), area.path().join("link.toml"));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    modhost::verify::StoreFile::new(&real).update(|_| Ok(())).unwrap();
    assert_eq!(mode(&real), 0o600);
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    symlink("real.toml", &link).unwrap();
    modhost::verify::StoreFile::new(&link).update(|_| Ok(())).unwrap();
    assert_eq!(mode(&real), 0o644);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(modhost::verify::StoreFile::new(&real).load().unwrap().generation(), 2);
}
