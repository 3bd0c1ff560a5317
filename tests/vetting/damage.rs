//! Damage by the bit: every flipped bit of an envelope and of what it is over is refused.

use modhost::{
    TrustLevel,
    verify::{Subject, judge},
};

use crate::{
    tally::{What, report},
    world::{World, date},
};

pub(crate) fn two_signers() -> World {
    let mut world = World::new();
    world.sign_with(&[1, 2], |said| {
        said.expires = Some(date("2027-01-01T00:00:00Z"));
        said.meta.insert("build".into(), "77".into());
    });
    world
}

pub(crate) fn refused(world: &World, index: &[u8], envelope: &[u8]) -> bool {
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
    report(
        What::Flips,
        flips,
        &format!("{flips} flips of an envelope and its list, {} cuts: each refused", envelope.len()),
    );
}
