//! Signed revocation lists: who may issue them, how long they hold, and what they reach.

use modhost::{
    Code::{
        self, TrustList, TrustListIssuer, TrustListSequence, TrustListSignature, TrustListStale, TrustNewer,
        TrustRevoked,
    },
    verify::{Revocation, RevocationList, Revoked, Role, TrustStore, sign_list},
};

use crate::world::{World, date, key, pattern, trusted};

fn everything() -> Vec<Revocation> {
    vec![
        Revocation::hard(
            Revoked::Versions("acme.wolf".parse().unwrap(), ">=1.0.0,<1.2.0".parse().unwrap()),
            "it bites",
        ),
        Revocation::soft(Revoked::Key(key(7).public().id()), "retired"),
        Revocation::hard(Revoked::Package(World::new().judge().digest), "stolen"),
    ]
}

fn list(seed: u8, sequence: u64, rows: &[Revocation]) -> String {
    sign_list(&key(seed), sequence, date("2026-05-01T00:00:00Z"), date("2026-07-01T00:00:00Z"), rows).unwrap()
}

/// A world in which 3 may revoke for `namespace`.
fn world(namespace: &str) -> World {
    let mut world = World::new();
    let mut issuer = trusted(3, namespace);
    issuer.roles = [Role::Revoke].into();
    world.store.add_key(issuer).unwrap();
    world
}

fn apply(world: &mut World, text: &str) -> Result<bool, Code> {
    let list = RevocationList::parse(text.as_bytes()).map_err(|error| error.code())?;
    world.store.apply_list(&list, world.now).map_err(|error| error.code())
}

#[test]
fn a_list_is_taken_in_and_reaches_its_issuers_plugins() {
    let mut all = world("*");
    assert_eq!(apply(&mut all, &list(3, 1, &everything())), Ok(true));
    assert_eq!(all.judge().errors[0].code, TrustRevoked);
    assert_eq!(TrustStore::parse(&all.store.to_string(), "trust.toml").unwrap(), all.store);
    // The same once more is no news, and a newer one takes its place.
    assert_eq!(apply(&mut all, &list(3, 1, &everything())), Ok(false));
    assert_eq!(apply(&mut all, &list(3, 2, &[])), Ok(true));
    assert!(all.judge().errors.is_empty() && all.store.revoked().is_empty());
    assert_eq!(apply(&mut all, &list(3, 1, &everything())), Err(TrustListSequence));

    // What an issuer says of plugins that are not its own is not heard.
    let mut others = world("other.*");
    assert_eq!(apply(&mut others, &list(3, 1, &everything())), Ok(true));
    assert!(others.judge().errors.is_empty());

    // A list that has ended since is told of, and still in force.
    let mut old = world("*");
    assert_eq!(apply(&mut old, &list(3, 1, &everything())), Ok(true));
    assert!(old.judge().warnings.is_empty());
    old.later(31);
    let verdict = old.judge();
    assert!(verdict.errors[0].code == TrustRevoked && verdict.warnings[0].contains("ended at 2026-07-01"));
    // With its issuer goes what it revoked.
    old.store.remove_key(&key(3).public().id()).unwrap();
    assert!(old.store.revoked().is_empty() && old.store.lists().next().is_none());
}

#[test]
fn a_list_that_nobody_may_issue_or_that_was_changed_is_refused() {
    let good = list(3, 7, &everything());
    let rows: Vec<(&str, String, Code)> = vec![
        ("by nobody known", list(9, 1, &everything()), TrustListIssuer),
        ("by a key that may only sign", list(1, 1, &everything()), TrustListIssuer),
        ("another reason", good.replace("it bites", "it bytes"), TrustListSignature),
        ("another number", good.replace("sequence 7", "sequence 8"), TrustListSignature),
        ("softened", good.replace("hard versions", "soft versions"), TrustList),
        ("a line taken away", without(&good, "revoke hard versions"), TrustListSignature),
        ("dates moved", good.replace("until 2026-07-01", "until 2027-07-01"), TrustListSignature),
        ("a newer form", good.replace("revocations 1", "revocations 2"), TrustNewer),
        ("an empty text", String::new(), TrustList),
        ("text behind", good.clone() + "\n", TrustList),
        ("lines not sorted", swapped(&good), TrustList),
        ("a number with a sign", good.replace("sequence 7", "sequence +7"), TrustList),
        ("a range written otherwise", good.replace(">=1.0.0,<1.2.0", ">=1.0,<1.2.0,"), TrustList),
        ("an unknown kind", good.replace("soft key", "soft keys"), TrustList),
        ("ends before it begins", good.replace("until 2026-07-01", "until 2026-04-01"), TrustList),
        ("another spelling of the issuer", good.replace("issuer ", "issuer ed25519:"), Code::VerifyKey),
    ];
    for (name, text, code) in &rows {
        let mut world = world("*");
        let before = world.store.to_string();
        assert_eq!(apply(&mut world, text), Err(*code), "{name}: {text}");
        assert_eq!(world.store.to_string(), before, "{name}");
    }
    let mut late = world("*");
    late.later(30);
    assert_eq!(apply(&mut late, &good), Err(TrustListStale));
    late.later(0);
    late.now = date("2026-04-30T23:59:59Z").time();
    assert_eq!(apply(&mut late, &good), Err(TrustListStale));
    let mut revoked = world("*");
    revoked.store.revoke(Revocation::hard(Revoked::Key(key(3).public().id()), "stolen")).unwrap();
    assert_eq!(apply(&mut revoked, &good), Err(TrustListIssuer));
    let mut ended = world("*");
    let mut issuer = trusted(3, "*");
    (issuer.roles, issuer.until) = ([Role::Revoke].into(), Some(date("2026-06-01T00:00:00Z")));
    ended.store.add_key(issuer).unwrap();
    assert_eq!(apply(&mut ended, &good), Err(TrustListIssuer));
    ended.store.set_threshold(pattern("*"), 1).unwrap();
    println!("{} lists", rows.len() + 4);
}

fn without(text: &str, begin: &str) -> String {
    text.lines().filter(|line| !line.starts_with(begin)).map(|line| format!("{line}\n")).collect()
}

fn swapped(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("revoke")).unwrap();
    lines.swap(at, at + 1);
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}
