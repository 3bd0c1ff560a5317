//! Signed revocation lists: who may issue them, how long they hold, and what they reach.

use modhost::{
    Code::{
        self, TrustList, TrustListIssuer, TrustListSequence, TrustListSignature, TrustListStale, TrustNewer,
        TrustRevoked,
    },
    verify::{Revocation, RevocationList, Revoked, Role, TrustStore, sign_list},
};

use crate::{
    table::Attack,
    world::{World, date, key, pattern, trusted},
};

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

/// Lists that are refused, most of them a change of a good one.
fn rows() -> Vec<(&'static str, String, Code)> {
    let good = list(3, 7, &everything());
    vec![
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
    ]
}

/// Each of them handed to a host that takes lists of the key 3; and lists at a time, or of an issuer, for which they do not hold.
pub(crate) fn attacks() -> Vec<Attack> {
    let store = || crate::play::with_good(world("*").store);
    let made = |name: &str, store: String, list: String, code: Code, steps: &[&str]| {
        Attack::new("revocation", &format!("list {name}"), code, steps).with("trust.toml", store).with("list", list)
    };
    let mut attacks: Vec<Attack> = rows()
        .into_iter()
        .map(|(name, text, code)| {
            let attack = made(name, store().to_string(), text, code, &[&format!("take trust.toml list -> {code}")]);
            match name {
                "another number" | "dates moved" => attack.like("revocation-list-another-reason"),
                _ => attack,
            }
        })
        .collect();
    let good = || list(3, 7, &everything());
    let mut stolen = store();
    stolen.revoke(Revocation::hard(Revoked::Key(key(3).public().id()), "stolen")).unwrap();
    let mut ended = store();
    let mut issuer = trusted(3, "*");
    (issuer.roles, issuer.until) = ([Role::Revoke].into(), Some(date("2026-06-01T00:00:00Z")));
    ended.add_key(issuer).unwrap();
    attacks.extend([
        made(
            "held back until it ended",
            store().to_string(),
            good(),
            TrustListStale,
            &["date 2026-07-01T00:00:00Z", "take trust.toml list -> trust.list-stale"],
        ),
        made(
            "of tomorrow",
            store().to_string(),
            good(),
            TrustListStale,
            &["date 2026-04-30T23:59:59Z", "take trust.toml list -> trust.list-stale"],
        ),
        made(
            "of a stolen key",
            stolen.to_string(),
            good(),
            TrustListIssuer,
            &["take trust.toml list -> trust.list-issuer"],
        ),
        made(
            "of a key that ended",
            ended.to_string(),
            good(),
            TrustListIssuer,
            &["take trust.toml list -> trust.list-issuer"],
        ),
        made(
            "an earlier one after a later one",
            store().to_string(),
            list(3, 6, &[]),
            TrustListSequence,
            &[
                "take trust.toml later -> ok",
                "take trust.toml later -> no news",
                "take trust.toml list -> trust.list-sequence",
            ],
        )
        .with("later", good()),
        made(
            "heard while a plugin runs",
            store().to_string(),
            good(),
            TrustRevoked,
            &[
                "store trust.toml -> ok",
                "load p.modpkg -> verified",
                "take trust.toml list -> ok",
                "call acme.wolf -> awoo",
                "store trust.toml -> quarantined trust.revoked",
                "call acme.wolf -> plugin.quarantined",
                "unload acme.wolf",
                "load p.modpkg -> trust.revoked",
            ],
        )
        .with("p.modpkg", World::new().packed()),
    ]);
    attacks
}

#[test]
fn a_list_that_nobody_may_issue_or_that_was_changed_is_refused() {
    let (good, rows) = (list(3, 7, &everything()), rows());
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
