//! Envelopes that were changed, swapped or written differently.

use modhost::{
    Code::{
        VerifyAlgorithm, VerifyBadSignature, VerifyDuplicate, VerifyEnvelope, VerifyKey, VerifyNewer, VerifyTooMany,
    },
    TrustLevel::Verified,
    verify::{Envelope, MOST_SIGNATURES, sign_index},
};

use crate::world::{Case, World, check, date, key, options};
use crate::{judged, table::Attack};

fn rewrite(world: &mut World, change: impl FnOnce(String) -> String) {
    world.envelope = world.envelope.take().map(change);
}

/// The blocks of the envelope, and the head that stands before them.
fn blocks(world: &World) -> Vec<String> {
    world.envelope.clone().unwrap().split("\n\n").map(|block| block.trim_end().to_owned()).collect()
}

fn joined(world: &mut World, blocks: &[String]) {
    world.envelope = Some(blocks.join("\n\n") + "\n");
}

fn with_meta(world: &mut World) {
    world.sign_with(&[1], |said| {
        said.meta.insert("build".into(), "77".into());
        said.meta.insert("from".into(), "ci".into());
    });
}

fn signer_is(world: &mut World, name: &str) {
    world.edit("signer Acme\n", &format!("signer {name}\n"));
}

const CASES: &[Case] = &[
    ("a renewed form of the same", |w| w.signed_by(&[1]), Ok(Verified)),
    ("lines of meta", with_meta, Ok(Verified)),
    ("another list of files", |w| w.index.push(b'\n'), Err(VerifyBadSignature)),
    ("no list of files", |w| w.index.clear(), Err(VerifyBadSignature)),
    ("another signer", |w| w.edit("signer Acme", "signer Acne"), Err(VerifyBadSignature)),
    ("another end", |w| w.edit("expires never", "expires 2099-01-01T00:00:00Z"), Err(VerifyBadSignature)),
    (
        "an end taken away",
        |w| {
            w.sign_with(&[1], |said| said.expires = Some(date("2020-01-01T00:00:00Z")));
            w.edit("expires 2020-01-01T00:00:00Z", "expires never");
        },
        Err(VerifyBadSignature),
    ),
    ("other meta", |w| (with_meta(w), w.edit("meta build 77", "meta build 78")).1, Err(VerifyBadSignature)),
    ("meta taken away", |w| (with_meta(w), w.edit("meta build 77\n", "")).1, Err(VerifyBadSignature)),
    ("meta added", |w| w.edit("expires never\n", "expires never\nmeta a b\n"), Err(VerifyBadSignature)),
    (
        "another's key",
        |w| w.edit(&hex(key(1).public().as_bytes()), &hex(key(2).public().as_bytes())),
        Err(VerifyBadSignature),
    ),
    (
        "values swapped between two blocks",
        |w| {
            w.signed_by(&[1, 2]);
            let mut blocks = blocks(w);
            let value = |block: &str| block.rsplit('\n').next().unwrap().to_owned();
            let (a, b) = (value(&blocks[1]), value(&blocks[2]));
            blocks[1] = blocks[1].replace(&a, &b);
            blocks[2] = blocks[2].replace(&b, &a);
            joined(w, &blocks);
        },
        Err(VerifyBadSignature),
    ),
    (
        "the signature of another package",
        |w| {
            let other = sign_index(b"modhost-files 1\nacme.fox\n1.0.0\n", &key(1), options("Acme")).unwrap();
            w.envelope = Some(Envelope::of(other).to_string());
        },
        Err(VerifyBadSignature),
    ),
    (
        "a signature without its purpose in front",
        |w| {
            use ed25519_dalek::Signer;
            let raw = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).sign(&w.index).to_bytes();
            rewrite(w, |text| format!("{}value {}\n", &text[..text.find("value").unwrap()], hex(&raw)));
        },
        Err(VerifyBadSignature),
    ),
    (
        "a value of zeros",
        |w| rewrite(w, |text| format!("{}value {}\n", &text[..text.find("value").unwrap()], "0".repeat(128))),
        Err(VerifyBadSignature),
    ),
    (
        "blocks in another order",
        |w| {
            w.signed_by(&[1, 2]);
            let mut blocks = blocks(w);
            blocks.swap(1, 2);
            joined(w, &blocks);
        },
        Err(VerifyEnvelope),
    ),
    (
        "one signature twice",
        |w| {
            let mut blocks = blocks(w);
            blocks.push(blocks[1].clone());
            joined(w, &blocks);
        },
        Err(VerifyDuplicate),
    ),
    (
        "one key twice under two names",
        |w| {
            let first = blocks(w);
            w.sign_with(&[1], |said| said.signer = "Somebody else".into());
            let mut both = blocks(w);
            both.insert(1, first[1].clone());
            joined(w, &both);
            w.store.set_threshold(crate::world::pattern("*"), 2).unwrap();
        },
        Err(VerifyDuplicate),
    ),
    (
        "seventeen signatures",
        |w| {
            let signed = (1..=17).map(|seed| sign_index(&w.index, &key(seed), options("x")).unwrap());
            let mut signed: Vec<_> = signed.collect();
            signed.sort_by_key(|one| one.public.id());
            let text: Vec<String> = signed.into_iter().map(|one| Envelope::of(one).to_string()).collect();
            let text: String = text.iter().map(|text| text.strip_prefix("modhost-signatures 1\n").unwrap()).collect();
            w.envelope = Some(format!("modhost-signatures 1\n{text}"));
        },
        Err(VerifyTooMany),
    ),
    ("another algorithm", |w| w.edit("signature ed25519", "signature rsa"), Err(VerifyAlgorithm)),
    ("no algorithm", |w| w.edit("signature ed25519", "signature none"), Err(VerifyAlgorithm)),
    ("the algorithm in capitals", |w| w.edit("signature ed25519", "signature Ed25519"), Err(VerifyAlgorithm)),
    ("a newer form", |w| w.edit("modhost-signatures 1", "modhost-signatures 2"), Err(VerifyNewer)),
    ("no form", |w| w.edit("modhost-signatures 1", "modhost-signatures 0"), Err(VerifyEnvelope)),
    ("a form with a zero in front", |w| w.edit("modhost-signatures 1", "modhost-signatures 01"), Err(VerifyEnvelope)),
    ("something else", |w| w.envelope = Some("hello\n".into()), Err(VerifyEnvelope)),
    ("nothing", |w| w.envelope = Some(String::new()), Err(VerifyEnvelope)),
    ("no signature", |w| w.envelope = Some("modhost-signatures 1\n".into()), Err(VerifyEnvelope)),
    ("no line's end", |w| rewrite(w, |text| text.trim_end().into()), Err(VerifyEnvelope)),
    ("lines of Windows", |w| rewrite(w, |text| text.replace('\n', "\r\n")), Err(VerifyEnvelope)),
    ("an empty line more", |w| rewrite(w, |text| text + "\n"), Err(VerifyEnvelope)),
    ("an empty line less", |w| w.edit("\n\n", "\n"), Err(VerifyEnvelope)),
    ("a text behind", |w| rewrite(w, |text| text + "\nmore\n"), Err(VerifyEnvelope)),
    ("a mark of byte order", |w| rewrite(w, |text| format!("\u{feff}{text}")), Err(VerifyEnvelope)),
    ("a space more", |w| w.edit("expires never", "expires  never"), Err(VerifyEnvelope)),
    ("a space at the end", |w| w.edit("expires never", "expires never "), Err(VerifyEnvelope)),
    ("a tab", |w| w.edit("signer ", "signer\t"), Err(VerifyEnvelope)),
    (
        "lines in another order",
        |w| w.edit("signer Acme\nexpires never", "expires never\nsigner Acme"),
        Err(VerifyEnvelope),
    ),
    ("an unknown line", |w| w.edit("expires never\n", "expires never\nlevel trusted\n"), Err(VerifyEnvelope)),
    ("a line left out", |w| w.edit("expires never\n", ""), Err(VerifyEnvelope)),
    ("a line twice", |w| w.edit("expires never\n", "expires never\nexpires never\n"), Err(VerifyEnvelope)),
    ("a value in capitals", |w| rewrite(w, |text| capitals(&text)), Err(VerifyEnvelope)),
    ("a value cut short", |w| rewrite(w, |text| text[..text.len() - 2].to_owned() + "\n"), Err(VerifyEnvelope)),
    ("a value too long", |w| rewrite(w, |text| text.trim_end().to_owned() + "0\n"), Err(VerifyEnvelope)),
    ("no signer", |w| signer_is(w, ""), Err(VerifyEnvelope)),
    ("a signer of 129 bytes", |w| signer_is(w, &"x".repeat(129)), Err(VerifyEnvelope)),
    ("a signer beyond ASCII", |w| signer_is(w, "\u{410}cme"), Err(VerifyEnvelope)),
    ("a signer with an escape", |w| signer_is(w, "\u{1b}[31mAcme"), Err(VerifyEnvelope)),
    ("a signer with a space in front", |w| signer_is(w, " Acme"), Err(VerifyEnvelope)),
    ("an end that is no date", |w| w.edit("expires never", "expires 2026-02-30T00:00:00Z"), Err(VerifyEnvelope)),
    ("an end with another zone", |w| w.edit("expires never", "expires 2026-02-01T00:00:00+01:00"), Err(VerifyEnvelope)),
    (
        "meta not sorted",
        |w| (with_meta(w), w.edit("meta build 77\nmeta from ci", "meta from ci\nmeta build 77")).1,
        Err(VerifyEnvelope),
    ),
    ("meta twice", |w| (with_meta(w), w.edit("meta from ci", "meta build 77")).1, Err(VerifyEnvelope)),
    ("meta without a value", |w| (with_meta(w), w.edit("meta from ci", "meta from")).1, Err(VerifyEnvelope)),
    ("meta in capitals", |w| (with_meta(w), w.edit("meta from ci", "meta From ci")).1, Err(VerifyEnvelope)),
    (
        "seventeen lines of meta",
        |w| {
            let lines: String = (0..17).map(|n| format!("meta a{n:02} x\n")).collect();
            w.edit("expires never\n", &format!("expires never\n{lines}"));
        },
        Err(VerifyEnvelope),
    ),
    ("a public key too long", |w| w.edit("\nsigner", "0\nsigner"), Err(VerifyKey)),
    ("more than 64 KiB", |w| rewrite(w, |text| text + "\n".repeat(64 << 10).as_str()), Err(VerifyEnvelope)),
    ("a NUL", |w| w.edit("signer Acme", "signer A\0me"), Err(VerifyEnvelope)),
];

fn capitals(text: &str) -> String {
    let at = text.find("value ").unwrap() + 6;
    format!("{}{}", &text[..at], text[at..].to_uppercase())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Those that are refused, as packages that a host loads.
pub(crate) fn attacks() -> Vec<Attack> {
    judged::attacks(CASES, "")
}

#[test]
fn a_changed_envelope_is_refused() {
    check(CASES);
}

#[test]
fn sixteen_signatures_are_taken_and_one_more_is_not() {
    let mut world = World::new();
    world.signed_by(&(1..=16).collect::<Vec<u8>>());
    assert_eq!(world.judge().level, Verified);
    let mut envelope = Envelope::parse(world.envelope.unwrap().as_bytes()).unwrap();
    assert_eq!((envelope.signatures().len(), envelope.keys().count()), (MOST_SIGNATURES, MOST_SIGNATURES));
    let sign = |seed: u8| sign_index(&world.index, &key(seed), options("again")).unwrap();
    assert_eq!(envelope.add(sign(17)).unwrap_err().code(), VerifyTooMany);
    // One's own signature is renewed in its place.
    envelope.add(sign(16)).unwrap();
    assert_eq!(envelope.signatures().len(), MOST_SIGNATURES);
}

#[test]
fn a_signer_cannot_write_what_an_envelope_cannot_hold() {
    let long = "x".repeat(129);
    for signer in ["", " a", "a ", "a\nb", "\u{e4}", &long] {
        let error = sign_index(b"", &key(1), options(signer)).unwrap_err();
        assert_eq!(error.code(), VerifyEnvelope, "{signer:?}");
    }
    for (name, value) in [("", "x"), ("A", "x"), ("a b", "x"), ("a", ""), ("a", "x\ny"), ("a", long.as_str())] {
        let mut said = options("a");
        said.meta.insert(name.into(), value.into());
        assert_eq!(sign_index(b"", &key(1), said).unwrap_err().code(), VerifyEnvelope, "{name:?} {value:?}");
    }
}
