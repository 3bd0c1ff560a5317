//! Damage, exhaustively: every bit, every cut, over a whole small package that is signed.

use std::collections::BTreeMap;

use modhost::{
    Code, Error, Policy, TrustLevel,
    package::Package,
    verify::{Envelope, Subject, decide, sign_index},
};

use crate::{
    build::{Part, Zip, files, index, seal},
    content, open,
    tally::{What, report},
    world::{World, key, options},
};

/// The good package, signed by Acme.
fn signed() -> Zip {
    let mut zip = Zip::good();
    let list = index("acme.wolf", "1.2.0", &files());
    let envelope = Envelope::of(sign_index(list.as_bytes(), &key(1), options("Acme")).unwrap());
    zip.parts.insert(1, Part::new("META/signatures", envelope.to_string().as_bytes()));
    zip
}

/// Opens a package, and vets it under a store that knows Acme; one that nobody signed any more is refused.
fn taken(bytes: &[u8]) -> Result<Package, Error> {
    let package = open(bytes)?;
    let (world, mut policy) = (World::new(), Policy::mods());
    policy.require_trusted_signer = true;
    let (id, version, index) = (package.id(), package.version(), package.index().as_bytes());
    let subject = Subject { id, version, index, envelope: package.envelope() };
    let verdict = decide(&subject, &world.store, &policy, world.now)?;
    assert_eq!(verdict.level, TrustLevel::Verified);
    Ok(package)
}

/// Which codes refused how many, as one line.
fn shown(codes: &BTreeMap<&str, u64>) -> String {
    codes.iter().map(|(code, count)| format!("{code} {count}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_flipped_bit_is_refused() {
    let good = signed().bytes();
    assert!(taken(&good).is_ok());
    let mut codes = BTreeMap::new();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match taken(&bytes) {
            Ok(_) => panic!("bit {} of byte {} does not matter", bit % 8, bit / 8),
            Err(error) => *codes.entry(error.code().as_str()).or_insert(0) += 1,
        }
    }
    let flips = good.len() as u64 * 8;
    assert_eq!(codes.values().sum::<u64>(), flips);
    report(
        What::Flips,
        flips,
        &format!("{flips} flips of a signed package of {} bytes, all refused: {}", good.len(), shown(&codes)),
    );
}

/// An attacker makes the seal right again. Then one thing is left: many streams inflate to the same bytes. So the content is the same,
/// or the package is refused, and only bits of deflated data are of no account.
#[test]
fn every_flipped_bit_under_a_good_seal_is_refused_or_changes_nothing() {
    let zip = signed();
    let good = zip.bytes();
    let whole = content(&taken(&good).unwrap());
    // Where the data of deflated entries lie.
    let mut at = 0;
    let deflated: Vec<std::ops::Range<usize>> = zip
        .parts
        .iter()
        .filter_map(|part| {
            let begin = at + 30 + part.name.len();
            at = begin + part.data.len();
            (part.method == 8).then_some(begin..at)
        })
        .collect();
    assert!(!deflated.is_empty(), "there is nothing deflated to look at");
    let (mut codes, mut same) = (BTreeMap::new(), 0);
    let sealed = good.len() - 17;
    for bit in 0..sealed * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        seal(&mut bytes);
        match taken(&bytes) {
            Err(error) => *codes.entry(error.code().as_str()).or_insert(0) += 1,
            Ok(package) => {
                assert!(deflated.iter().any(|range| range.contains(&(bit / 8))), "byte {} does not matter", bit / 8);
                assert_eq!(content(&package), whole, "byte {}", bit / 8);
                same += 1;
            }
        }
    }
    let line = format!("{} flips under a good seal: {same} inflate to the same bytes; {}", sealed * 8, shown(&codes));
    report(What::Flips, sealed as u64 * 8, &line);
    assert!(codes.len() >= 5, "the flips reach few checks: {}", shown(&codes));
}

/// An attacker who packs anew has no checksum against him, only the list of files, which a signature is over.
#[test]
fn every_flipped_bit_of_a_file_is_refused_by_the_list() {
    let files = files();
    let list = index("acme.wolf", "1.2.0", &files);
    let mut flips = 0;
    for (number, (path, bytes)) in files.iter().enumerate() {
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut files = files.clone();
            files[number].1 = &flipped;
            let error = open(&Zip::with(&list, &files).bytes()).unwrap_err();
            let at = error.at().map(|at| at.file.as_str());
            assert_eq!((error.code(), at), (Code::PackageFileChanged, Some(*path)), "bit {bit}");
            flips += 1;
        }
    }
    let (mut codes, good) = (BTreeMap::new(), Zip::good());
    for bit in 0..list.len() * 8 {
        let mut flipped = list.clone().into_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut zip = good.clone();
        zip.parts[0] = Part::new("META/files", &flipped);
        let error = open(&zip.bytes()).unwrap_err();
        *codes.entry(error.code().as_str()).or_insert(0) += 1;
    }
    let of_list = list.len() as u64 * 8;
    let line =
        format!("{flips} flips of files, packed anew: all refused; {of_list} flips of the list: {}", shown(&codes));
    report(What::Flips, flips + of_list, &line);
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let good = signed().bytes();
    for end in 0..good.len() {
        assert!(open(&good[..end]).is_err(), "cut at {end}");
        assert!(open(&good[good.len() - end..]).is_err(), "the last {end}");
    }
    for byte in 0..=255 {
        assert!(open(&[&good[..], &[byte]].concat()).is_err(), "{byte} behind");
        assert!(open(&[&[byte], &good[..]].concat()).is_err(), "{byte} before");
    }
    assert!(open(&[&good[..], &good[..]].concat()).is_err(), "twice");
}
