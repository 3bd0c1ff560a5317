//! Two trust stores of one generation, two revocation lists of one number: wherever the second one comes in, it is refused, told of, and
//! changes nothing. The same one once more is no news.

use std::{fs, sync::Arc};

use modhost::{
    Code::{self, TrustEquivocation, TrustGeneration},
    Engine, ManualClock, Result,
    audit::{Event, MemoryLog, Record, Severity},
    verify::{Date, Revocation, RevocationList, Revoked, Role, Seen, SeenFile, StoreFile, TrustStore, sign_list},
};

use crate::{
    play::{host_store, with_good},
    table::Attack,
    world::{NOW, World, area, date, key, pattern, trusted},
};

/// A list of key 3: its number, what it revokes in words, and its last day.
fn list(number: u64, rows: &str, until: &str) -> String {
    let until: Date = date(&format!("{until}T00:00:00Z"));
    let wolf = |range: &str| Revoked::Versions("acme.wolf".parse().unwrap(), range.parse().unwrap());
    let rows: Vec<Revocation> = rows
        .split_whitespace()
        .map(|row| match row {
            "wolf" => Revocation::hard(wolf("*"), "it bites"),
            "old" => Revocation::hard(wolf("<0.9.0"), "it bites"),
            "soft" => Revocation::soft(wolf("*"), "it bites"),
            "reason" => Revocation::hard(wolf("*"), "it barks"),
            row => panic!("{row}"),
        })
        .collect();
    sign_list(&key(3), number, date("2026-05-01T00:00:00Z"), until, &rows).unwrap()
}

/// The store of a host that hears key 3, in a generation.
fn hearing(generation: u64) -> String {
    let mut store = host_store();
    let mut issuer = trusted(3, "*");
    issuer.roles = [Role::Revoke].into();
    store.add_key(issuer).unwrap();
    numbered(&store, generation)
}

fn numbered(store: &TrustStore, generation: u64) -> String {
    let head = |number: u64| format!("\ngeneration = {number}\n");
    store.to_string().replacen(&head(store.generation()), &head(generation), 1)
}

fn read(text: &str) -> TrustStore {
    TrustStore::parse(text, "trust.toml").unwrap()
}

/// `store` with this list in it.
fn with_list(store: &str, list: &str) -> String {
    let mut store = read(store);
    store.apply_list(&RevocationList::parse(list.as_bytes()).unwrap(), date(NOW).time()).unwrap();
    store.to_string()
}

fn wolf() -> Vec<u8> {
    World::of("acme.wolf", "1.0.0", "function howl() return 'awoo' end\n", &[1]).packed()
}

/// Pairs of lists of one number: the first is taken in, the second never is.
const PAIRS: [(&str, &str, &str, &str, &str); 7] = [
    ("that revokes after an empty one", "", "2026-07-01", "wolf", "2026-07-01"),
    ("that revokes less", "wolf old", "2026-07-01", "old", "2026-07-01"),
    ("that revokes nothing after one that does", "wolf", "2026-07-01", "", "2026-07-01"),
    ("that only warns", "wolf", "2026-07-01", "soft", "2026-07-01"),
    ("for another reason", "wolf", "2026-07-01", "reason", "2026-07-01"),
    ("that ends later", "wolf", "2026-07-01", "wolf", "2027-07-01"),
    ("that ended already", "wolf", "2026-07-01", "old", "2026-05-15"),
];

pub(crate) fn attacks() -> Vec<Attack> {
    let made = |name: &str, steps: &[&str]| Attack::new("equivocation", name, TrustEquivocation, steps);
    let mut attacks: Vec<Attack> = PAIRS
        .into_iter()
        .map(|(name, first, until, second, other)| {
            let steps = [
                "take trust.toml first -> ok",
                "take trust.toml first -> no news",
                "take trust.toml second -> trust.equivocation",
            ];
            made(&format!("a second list {name}"), &steps)
                .with("trust.toml", hearing(0))
                .with("first", list(5, first, until))
                .with("second", list(5, second, other))
        })
        .collect();
    let without = {
        let mut store = host_store();
        store.remove_key(&key(2).public().id()).unwrap();
        numbered(&store, 5)
    };
    let (here, lists) = (hearing(5), [list(5, "", "2026-07-01"), list(5, "wolf", "2026-07-01")]);
    attacks.extend([
        made(
            "another store of the generation while the host runs",
            &[
                "store here.toml -> ok",
                "load p.modpkg -> verified",
                "store there.toml -> trust.equivocation",
                "call acme.wolf -> awoo",
            ],
        )
        .with("here.toml", here.clone())
        .with("there.toml", without.clone())
        .with("p.modpkg", wolf()),
        made(
            "another store of the generation after a restart",
            &["store here.toml -> ok", "restart there.toml -> trust.equivocation", "restart here.toml -> ok"],
        )
        .with("here.toml", here.clone())
        .with("there.toml", without.clone()),
        made(
            "another store in the place of the one of its generation",
            &[
                "store trust.toml -> ok",
                "copy there.toml trust.toml",
                "store trust.toml -> trust.equivocation",
                "update trust.toml -> trust.equivocation",
            ],
        )
        .with("trust.toml", here.clone())
        .with("there.toml", without.clone()),
        made(
            "a later store with another list of the number",
            &["store here.toml -> ok", "store there.toml -> trust.equivocation", "load p.modpkg -> trust.revoked"],
        )
        .with("here.toml", with_list(&here, &lists[1]))
        .with("there.toml", numbered(&read(&with_list(&here, &lists[0])), 6))
        .with("p.modpkg", wolf()),
        made(
            "a later store with another list of the number after a restart",
            &["store here.toml -> ok", "restart there.toml -> trust.equivocation"],
        )
        .with("here.toml", with_list(&here, &lists[1]))
        .with("there.toml", numbered(&read(&with_list(&here, &lists[0])), 6)),
        // What a release before this one wrote knows the number only, and learns the digest.
        made(
            "another store where the memory is of an earlier form",
            &[
                "copy before seen",
                "restart here.toml -> ok",
                "load p.modpkg -> verified",
                "restart there.toml -> trust.equivocation",
            ],
        )
        .with("before", format!("modhost-seen 1\ngeneration 5\ntime {NOW}\nplugin good.fox 1.0.0\n"))
        .with("here.toml", here)
        .with("there.toml", without)
        .with("p.modpkg", wolf()),
    ]);
    attacks
}

/// An engine with a log, under the text of a store, and a memory.
fn engine(store: TrustStore, seen: Option<SeenFile>) -> (Result<Engine>, Arc<MemoryLog>) {
    let (log, clock) = (Arc::new(MemoryLog::default()), Arc::new(ManualClock::default()));
    clock.set_wall(date(NOW).time());
    let builder = Engine::builder().trust_store(store).audit(log.clone()).clock(clock);
    let builder = match seen {
        Some(file) => builder.versions_seen(file),
        None => builder,
    };
    (builder.build(), log)
}

/// The last record must be an alert about a second one.
#[track_caller]
fn told(log: &MemoryLog) -> Record {
    let last = log.records().pop().unwrap();
    assert_eq!((last.event, last.severity, last.code), (Event::Equivocation, Severity::Alert, Some(TrustEquivocation)));
    last
}

fn code<T>(result: Result<T>) -> Option<Code> {
    result.err().map(|error| error.code())
}

#[test]
fn a_store_follows_another_by_generation_and_content() {
    let base = read(&hearing(5));
    let same = format!("# by hand\n\n{}", base.to_string().replace("[[key]]", "# a key\n[[key]]"));
    let mut other = base.clone();
    other.set_threshold(pattern("acme.*"), 2).unwrap();
    let list = |rows: &str, number| list(number, rows, "2026-07-01");
    let listed = |generation, text: &str| with_list(&hearing(generation), text);
    let second = Some(TrustEquivocation);
    let rows = [
        // What is there, what comes, what becomes of it.
        (base.to_string(), base.to_string(), None),
        (base.to_string(), same, None),
        (base.to_string(), numbered(&other, 5), second),
        (base.to_string(), numbered(&other, 6), None),
        (base.to_string(), numbered(&other, 4), Some(TrustGeneration)),
        // What a host makes in its memory is counted by nobody.
        (hearing(0), numbered(&other, 0), None),
        (hearing(0), numbered(&other, 5), None),
        // Lists count by themselves.
        (listed(5, &list("wolf", 7)), listed(6, &list("", 7)), second),
        (listed(0, &list("wolf", 7)), listed(0, &list("", 7)), second),
        (listed(5, &list("wolf", 7)), listed(6, &list("wolf", 7)), None),
        (listed(5, &list("wolf", 7)), listed(6, &list("", 8)), None),
        (listed(5, &list("wolf", 7)), hearing(6), None),
    ];
    for (number, (here, there, expected)) in rows.iter().enumerate() {
        let (here, there) = (read(here), read(there));
        // While an engine runs; twice is as good as once.
        let (running, log) = engine(here.clone(), None);
        let running = running.unwrap();
        for _ in 0..2 {
            assert_eq!(code(running.set_trust_store(there.clone())), *expected, "row {number}");
            if *expected == second {
                told(&log);
            }
        }
        // In the next run.
        let area = area();
        let seen = || SeenFile::new(area.path().join("seen"));
        let (first, _) = engine(here.clone(), Some(seen()));
        assert!(first.unwrap().set_trust_store(here.clone()).unwrap().not_remembered.is_none());
        let remembered = seen().load().unwrap();
        assert_eq!(code(remembered.check_store(&there)), *expected, "row {number}");
        let (next, log) = engine(there.clone(), Some(seen()));
        assert_eq!(code(next), *expected, "row {number}, after a restart");
        if *expected == second {
            let detail = told(&log).detail;
            assert!(detail.contains("seen remembers it"), "{detail}");
        }
        assert_eq!(seen().load().unwrap(), remembered, "row {number}: who is refused is not remembered");
        // In a file that is read again, and one that the memory is given to.
        let file = StoreFile::new(area.path().join("trust.toml"));
        for (store, expected) in [(&here, &None), (&there, expected)] {
            fs::write(file.path(), store.to_string()).unwrap();
            assert_eq!(code(file.load()), *expected, "row {number}, read again");
        }
        assert_eq!(code(StoreFile::new(file.path()).seen_by(&remembered).load()), *expected, "row {number}, seen");
    }
}

/// Of two administrators who change copies of one store, the host hears the first one only, until somebody joins what both did.
#[test]
fn two_who_change_copies_of_one_store() {
    let area = area();
    let at = |name: &str| StoreFile::new(area.path().join(name));
    let base = at("base.toml");
    base.update(|store| {
        *store = host_store();
        Ok(())
    })
    .unwrap();
    for copy in ["ada.toml", "bob.toml"] {
        fs::copy(base.path(), area.path().join(copy)).unwrap();
    }
    let (ada, bob) = (at("ada.toml"), at("bob.toml"));
    ada.update(|store| store.add_key(trusted(7, "seven.*"))).unwrap();
    let stolen = || Revocation::hard(Revoked::Key(key(1).public().id()), "stolen");
    bob.update(|store| store.revoke(stolen())).unwrap();
    let (engine, log) = engine(base.load().unwrap(), None);
    let engine = engine.unwrap();
    engine.set_trust_store(ada.load().unwrap()).unwrap();
    assert_eq!(code(engine.set_trust_store(bob.load().unwrap())), Some(TrustEquivocation));
    let detail = told(&log).detail;
    assert!(detail.contains("generation 2 (sha256:"), "{detail}");
    // What the remedy says: what is missing is done again, or the right one is counted on.
    ada.update(|store| store.revoke(stolen())).unwrap();
    engine.set_trust_store(ada.load().unwrap()).unwrap();
    assert_eq!(code(engine.set_trust_store(bob.load().unwrap())), Some(TrustGeneration));
    assert_eq!(code(bob.raise_to(2)), Some(TrustGeneration), "it is of this one");
    assert_eq!(code(bob.raise_to(u64::MAX)), Some(Code::TrustValue), "none would be left");
    assert_eq!(bob.load().unwrap().generation(), 2);
    bob.raise_to(4).unwrap();
    engine.set_trust_store(bob.load().unwrap()).unwrap();
    assert_eq!(code(at("none.toml").raise_to(4)), Some(Code::IoNotFound));
    assert!(!area.path().join("none.toml.lock").exists());
}

/// Two hosts with one memory, each with a store of its own of the same generation: the second one that writes is told.
#[test]
fn two_hosts_that_share_a_memory() {
    let area = area();
    let seen = || Some(SeenFile::new(area.path().join("seen")));
    let (here, there) = (read(&hearing(5)), read(&numbered(&host_store(), 5)));
    let (first, _) = engine(here.clone(), seen());
    let (second, log) = engine(there.clone(), seen());
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first.set_trust_store(here.clone()).unwrap().not_remembered.is_none());
    let rechecked = second.set_trust_store(there).unwrap();
    assert_eq!(rechecked.not_remembered.map(|error| error.code()), Some(TrustEquivocation));
    told(&log);
    let there = seen().unwrap().load().unwrap();
    assert_eq!((there.store(), there.generation()), (Some(here.digest()), 5), "the first one stays");
    // A line of the memory that somebody takes out while a host runs comes back with the next news.
    let file = seen().unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    fs::write(file.path(), text.replace(&format!("store {}\n", here.digest()), "")).unwrap();
    fs::write(area.path().join("p.modpkg"), wolf()).unwrap();
    first.load_path(area.path().join("p.modpkg")).unwrap();
    assert_eq!(file.load().unwrap().store(), Some(here.digest()));
}

#[test]
fn an_engine_takes_lists_in() {
    let area = area();
    let file = StoreFile::new(area.path().join("trust.toml"));
    fs::write(file.path(), hearing(5)).unwrap();
    let (engine, log) = engine(file.load().unwrap(), None);
    let engine = engine.unwrap();
    fs::write(area.path().join("p.modpkg"), wolf()).unwrap();
    engine.load_path(area.path().join("p.modpkg")).unwrap();
    let take = |number, rows: &str| {
        let list = RevocationList::parse(list(number, rows, "2026-07-01").as_bytes()).unwrap();
        engine.take_list(&file, &list).map(|rechecked| rechecked.quarantined.len())
    };
    let generation = || file.load().unwrap().generation();
    assert_eq!((take(5, "").unwrap(), generation()), (0, 6));
    assert_eq!((take(5, "").unwrap(), generation()), (0, 6), "what is there changes no file");
    let refused = take(5, "wolf").unwrap_err();
    assert_eq!((refused.code(), generation()), (TrustEquivocation, 6));
    // Whoever reads it knows what they would miss.
    assert!(told(&log).detail.contains("revokes versions acme.wolf *"), "{refused}");
    assert_eq!(take(4, "wolf").unwrap_err().code(), Code::TrustListSequence);
    let last = log.records().pop().unwrap();
    assert_eq!((last.event, last.severity), (Event::Refused, Severity::Alert));
    assert_eq!((take(6, "wolf").unwrap(), generation()), (1, 7));
    // A list of a higher number that lacks what was revoked before restores it: its issuer says so.
    assert_eq!((take(7, "").unwrap(), generation()), (0, 8));
}

/// A store in which a list of the same number is exchanged for another is refused before it is written.
#[test]
fn a_change_of_a_file_exchanges_no_list() {
    let area = area();
    let file = StoreFile::new(area.path().join("trust.toml"));
    let [first, second] = ["wolf", ""].map(|rows| read(&with_list(&hearing(5), &list(5, rows, "2026-07-01"))));
    fs::write(file.path(), first.to_string()).unwrap();
    let exchanged = file.update(|store| {
        *store = second.clone();
        Ok(())
    });
    assert_eq!(code(exchanged), Some(TrustEquivocation));
    assert_eq!(fs::read_to_string(file.path()).unwrap(), first.to_string());
    // Who forgets the issuer has no list of it.
    file.update(|store| store.remove_key(&key(3).public().id())).unwrap();
    assert!(with_good(file.load().unwrap()).lists().next().is_none());
}

#[test]
fn the_memory_keeps_digests_and_reads_what_had_none() {
    let area = area();
    let file = SeenFile::new(area.path().join("seen"));
    let store = read(&with_list(&hearing(5), &list(9, "wolf", "2026-07-01")));
    let old = format!("modhost-seen 1\ngeneration 5\ntime {NOW}\nplugin acme.wolf 1.0.0\n");
    fs::write(file.path(), &old).unwrap();
    let before = file.load().unwrap();
    assert_eq!((before.generation(), before.store()), (5, None));
    assert!(before.check_store(&store).is_ok(), "it knows the number only");
    file.update(|seen| seen.note_store(&store, date(NOW).time())).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    let issuer = key(3).public().id();
    let (digest, listed) = (store.digest(), store.list_digest(&issuer).unwrap());
    let wanted = format!(
        "modhost-seen 2\ngeneration 5\nstore {digest}\ntime {NOW}\nlist {issuer} 9 {listed}\nplugin acme.wolf 1.0.0\n"
    );
    assert_eq!(text, wanted);
    assert_eq!(file.load().unwrap().store(), Some(digest));
    let twice = format!("list {issuer} 9 {listed}\n");
    for (damaged, expected) in [
        (text.replace("store sha256:", "store "), Code::TrustMemory),
        (text.replace(" 9 sha256", " 09 sha256"), Code::TrustMemory),
        (text.replace(" 9 sha256", " sha256"), Code::TrustMemory),
        (text.replace(&twice, &format!("{twice}{twice}")), Code::TrustMemory),
        (text.replace("seen 2", "seen 1"), Code::TrustMemory),
        (text.replace("seen 2", "seen 3"), Code::TrustNewer),
        (text.replace("seen 2", "seen 02"), Code::TrustMemory),
        (text.replace("seen 2", "seen 0"), Code::TrustMemory),
    ] {
        assert_ne!(damaged, text);
        fs::write(file.path(), &damaged).unwrap();
        assert_eq!(code(file.load()), Some(expected), "{damaged}");
    }
    // A number that goes up takes its own digest, none where that is not known.
    let mut seen = Seen::default();
    seen.note_store(&store, date(NOW).time());
    seen.note_run(6, date(NOW).time());
    assert_eq!((seen.generation(), seen.store()), (6, None));
}
