//! Damage by the bit and at random: every flipped bit of an envelope is refused, and no parser panics or gives a store that it does
//! not write back.

use std::time::{Duration, Instant};

use modhost::{
    TrustLevel,
    verify::{Envelope, Revocation, RevocationList, Revoked, Subject, TrustStore, judge, sign_list},
};

use crate::{
    stores::full,
    world::{World, date, key},
};

fn two_signers() -> World {
    let mut world = World::new();
    world.sign_with(&[1, 2], |said| {
        said.expires = Some(date("2027-01-01T00:00:00Z"));
        said.meta.insert("build".into(), "77".into());
    });
    world
}

fn refused(world: &World, index: &[u8], envelope: &[u8]) -> bool {
    let subject = Subject { id: &world.id, version: &world.version, index, envelope: Some(envelope) };
    let verdict = judge(&subject, &world.store, &world.policy, world.now);
    assert!(verdict.errors.is_empty() || verdict.level == TrustLevel::Untrusted);
    !verdict.errors.is_empty()
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut world = two_signers();
    let envelope = world.envelope.clone().unwrap().into_bytes();
    assert!(!refused(&world, &world.index, &envelope));
    let mut flips = 0;
    for (what, length) in [("envelope", envelope.len()), ("index", world.index.len())] {
        for bit in 0..length * 8 {
            let (mut index, mut signed) = (world.index.clone(), envelope.clone());
            let changed = if what == "index" { &mut index } else { &mut signed };
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(refused(&world, &index, &signed), "bit {bit} of the {what}");
            flips += 1;
        }
    }
    // A whole signature can be cut off: whoever counts on two says so.
    world.policy.signatures = 2;
    assert!(!refused(&world, &world.index, &envelope));
    for cut in 0..envelope.len() {
        assert!(refused(&world, &world.index, &envelope[..cut]), "cut at {cut}");
    }
    println!("{flips} flips, {} cuts: each refused", envelope.len());
}

/// Changes a text as an attacker would who has no plan: bytes, lines, pieces of itself.
fn mutate(random: &mut fastrand::Rng, text: &[u8]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..bytes.len().max(1)).min(bytes.len());
        let end = (at + random.usize(..40)).min(bytes.len());
        match random.u8(..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
            1 => bytes.insert(at, random.u8(..)),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = random.usize(..=bytes.len());
                bytes.splice(to..to, piece);
            }
            4 => {
                let words: [&[u8]; 6] = [b"\n", b"\n\n", b"never", b"[[key]]\n", b"0", b"18446744073709551616"];
                bytes.splice(at..at, random.choice(words).unwrap_or_default().iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn no_text_makes_a_parser_panic_or_believe() {
    let world = two_signers();
    let envelope = world.envelope.clone().unwrap();
    let store = full();
    let rows = [Revocation::hard(Revoked::Key(key(4).public().id()), "stolen")];
    let list = sign_list(&key(3), 4, date("2026-05-01T00:00:00Z"), date("2026-07-01T00:00:00Z"), &rows).unwrap();
    let issuer = RevocationList::parse(list.as_bytes()).unwrap();
    let mut random = fastrand::Rng::with_seed(20_261_121);
    let (mut slowest, mut taken) = (Duration::ZERO, [0; 3]);
    const ROUNDS: usize = 3000;
    for round in 0..ROUNDS {
        let started = Instant::now();
        let text = mutate(&mut random, envelope.as_bytes());
        if let Ok(read) = Envelope::parse(&text) {
            assert_eq!(read.to_string().as_bytes(), text, "round {round}");
            taken[0] += 1;
            // Whole blocks may be left out: what is there must hold all the same.
            let unchanged = |one: &modhost::verify::Signature| one.holds(&world.index);
            assert_eq!(read.signatures().iter().all(unchanged), !refused(&world, &world.index, &text), "round {round}");
        }
        let text = mutate(&mut random, list.as_bytes());
        if let Ok(read) = RevocationList::parse(&text) {
            taken[1] += 1;
            let mut believing = store.clone();
            let applied = believing.apply_list(&read, world.now);
            assert!(read == issuer || applied.is_err(), "round {round}");
        }
        // Reading a store checks its delegations, which is the dearest of the three.
        if round % 4 == 0 {
            let text = mutate(&mut random, store.to_string().as_bytes());
            if let Some(read) = str::from_utf8(&text).ok().and_then(|text| TrustStore::parse(text, "trust.toml").ok()) {
                taken[2] += 1;
                assert_eq!(TrustStore::parse(&read.to_string(), "trust.toml").unwrap(), read, "round {round}");
            }
        }
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    println!(
        "{ROUNDS} envelopes, {ROUNDS} lists, {} stores; read all the same: {taken:?}; slowest {slowest:?}",
        ROUNDS / 4
    );
}
