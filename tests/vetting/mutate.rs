//! Seeded mutations, and [`check`], which plays them: whatever the bytes, an answer within bounds. Here those of archives, of their inflated
//! parts and of the index: a package that opens holds what the good one holds. `texts.rs` has those of everything else that is parsed.

use std::{
    collections::BTreeMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use fastrand::Rng;
use modhost::{Error, package::Index};

use crate::{
    Content,
    build::{MANIFEST, Part, Zip, files, index, seal},
    content,
    memory::peak,
    open,
    tally::{What, report},
};

const SEED: u64 = 0x6d6f_6470_6b67_0001;
const MOST: usize = 64 << 20;
const LONGEST: Duration = Duration::from_secs(1);

/// What is structure to a zip or an index.
const ARCHIVE: &[&[u8]] = &[
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"PK\x07\x08",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff",
    b"../",
    b"META/",
    b"META/files",
    b"META/signatures",
    b"plugin.toml",
    b"\n",
    b" ",
    b"modhost-files 1",
    b"modhost-files 2",
    b"modpkg 1 ",
    b"18446744073709551615",
    b"0",
    b"\x01\0\x08\0",
];

/// Changes bytes as an attacker would who has no plan; `splices` are what is structure in them.
pub(crate) fn mutate(bytes: &mut Vec<u8>, splices: &[&[u8]], random: &mut Rng) {
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=bytes.len());
        let end = (at + random.usize(..24)).min(bytes.len());
        let splice = splices[random.usize(..splices.len())];
        match random.u8(..10) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, splice.to_vec())),
            2 => drop(bytes.splice(at..end, splice.to_vec())),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = random.usize(..=bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            4 => drop(bytes.splice(at..at, splice.repeat(random.usize(1..200)))),
            // Over what is there, so that everything behind stays where it is.
            5 => bytes.iter_mut().skip(at).zip(splice).for_each(|(byte, other)| *byte = *other),
            6 if end > at + 1 => bytes[at..end].reverse(),
            _ if at < bytes.len() => {
                bytes[at] = if random.bool() { random.u8(..) } else { bytes[at] ^ 1 << random.u8(..8) }
            }
            _ => {}
        }
    }
}

/// Plays `cases` for a parser and tells what came of them. `play` gives the error, or `None` where what was mutated is taken for good.
pub(crate) fn check(parser: &'static str, name: &str, cases: u64, mut play: impl FnMut(&mut Rng) -> Option<Error>) {
    let (mut codes, mut taken, mut most, mut slowest) = (BTreeMap::<&str, u64>::new(), 0, 0, Duration::ZERO);
    for case in 0..cases {
        let mut random = Rng::with_seed(SEED ^ case.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let begun = Instant::now();
        let (found, held) = peak(|| play(&mut random));
        (most, slowest) = (most.max(held), slowest.max(begun.elapsed()));
        assert!(held <= MOST, "{name} {case} held {held} bytes");
        match found {
            None => taken += 1,
            Some(error) => {
                assert!(error.message().chars().all(|c| !c.is_control()), "{name} {case}: {error:?}");
                assert!(!error.help().is_empty(), "{name} {case}: {error}");
                *codes.entry(error.code().as_str()).or_insert(0) += 1;
            }
        }
    }
    assert!(slowest <= LONGEST, "{name}: one took {slowest:?}");
    let told: Vec<String> = codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let line = format!("{name}: {cases} mutations, {taken} taken, {} KiB at most; {}", most >> 10, told.join(", "));
    report(What::Mutations(parser), cases, &line);
    assert!(!codes.is_empty() && codes.values().sum::<u64>() + taken == cases, "{name}: the mutations are one-sided");
}

/// Opens, and holds what opens against the good package.
fn same(bytes: &[u8]) -> Option<Error> {
    static GOOD: LazyLock<Content> = LazyLock::new(|| content(&open(&Zip::good().bytes()).unwrap()));
    match open(bytes) {
        Err(error) => Some(error),
        Ok(package) => {
            assert_eq!(content(&package), *GOOD);
            None
        }
    }
}

#[test]
fn archives() {
    let good = Zip::good().bytes();
    check("archive", "archive", 6_000, |random| {
        let mut bytes = good.clone();
        mutate(&mut bytes, ARCHIVE, random);
        same(&bytes)
    });
    check("archive", "archive, sealed again", 12_000, |random| {
        let mut bytes = good.clone();
        let sealed = bytes.len() - 17;
        let mark = bytes.split_off(sealed);
        mutate(&mut bytes, ARCHIVE, random);
        bytes.extend(mark);
        seal(&mut bytes);
        same(&bytes)
    });
}

/// The zip is right all the way, and what is in it is not.
#[test]
fn what_is_in_archives() {
    let good = Zip::good();
    check("index", "index in an archive", 5_000, |random| {
        let mut text = index("acme.wolf", "1.2.0", &files()).into_bytes();
        mutate(&mut text, ARCHIVE, random);
        let mut zip = good.clone();
        zip.parts[0] = Part::new("META/files", &text);
        same(&zip.bytes())
    });
    check("archive", "deflated data", 6_000, |random| {
        let mut zip = good.clone();
        mutate(&mut zip.part("main.lua").data, ARCHIVE, random);
        same(&zip.bytes())
    });
    check("archive", "names", 6_000, |random| {
        let mut zip = good.clone();
        let part = random.usize(..zip.parts.len());
        mutate(&mut zip.parts[part].name, ARCHIVE, random);
        same(&zip.bytes())
    });
    check("manifest", "manifest in an archive", 2_000, |random| {
        let mut text = MANIFEST.as_bytes().to_vec();
        mutate(&mut text, ARCHIVE, random);
        let mut files = files();
        files[2].1 = &text;
        let zip = Zip::holding(&files);
        match open(&zip.bytes()) {
            Err(error) => Some(error),
            Ok(package) => {
                assert_eq!(package.id().as_str(), "acme.wolf");
                assert_eq!(package.version().to_string(), "1.2.0");
                None
            }
        }
    });
}

#[test]
fn indexes() {
    let good = index("acme.wolf", "1.2.0", &files());
    check("index", "index", 30_000, |random| {
        let mut text = good.clone().into_bytes();
        mutate(&mut text, ARCHIVE, random);
        match Index::parse(&text) {
            Err(error) => {
                assert_eq!(error.at().unwrap().file, "META/files");
                Some(error)
            }
            // Another index may be a good one; it has one spelling.
            Ok(index) => {
                assert_eq!(index.as_bytes(), text);
                None
            }
        }
    });
}
