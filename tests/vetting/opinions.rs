//! A second opinion on signatures: ed25519-compact, which shares no code with what the engine verifies with, on thousands of good and
//! damaged ones, on the vectors of RFC 8032, and on the edges of which implementations are known to differ.
//!
//! Where they differ the engine is the stricter one. The other multiplies by the cofactor, as RFC 8032 allows, so that an R or a key with
//! a part of small order passes; the engine does not, and refuses points of small order and second spellings outright. A signature that
//! some take and others refuse is no proof, and under a key of small order anybody signs. Whatever the engine takes, the other takes.

use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION};
use modhost::verify::{Envelope, PublicKey};
use sha2::{Digest as _, Sha256, Sha512};

use crate::{
    envelopes::hex,
    forgeries::{beyond, joined},
    tally::{What, report},
    world::{World, key, options},
};

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

fn theirs(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let signature = ed25519_compact::Signature::new(*signature);
    ed25519_compact::PublicKey::from_slice(public).is_ok_and(|key| key.verify(message, &signature).is_ok())
}

/// The engine's own choice of keys and of a check, on any message: it offers neither for messages of other people.
fn ours(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    let key = PublicKey::from_bytes(public).ok();
    let key = key.and_then(|key| ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).ok());
    key.is_some_and(|key| key.verify_strict(message, &signature).is_ok())
}

/// Good signatures of packages, and ones with a flipped bit in message, key or value: another implementation thinks the same of each.
#[test]
fn another_implementation_is_of_the_same_opinion() {
    let mut random = fastrand::Rng::with_seed(6);
    let (mut good, mut bad) = (0, 0);
    for round in 0..2400 {
        let index: Vec<u8> = (0..random.usize(0..200)).map(|_| random.u8(..)).collect();
        let signature = modhost::verify::sign_index(&index, &key(random.u8(1..)), options("Acme")).unwrap();
        let mut public = *signature.public.as_bytes();
        let text = Envelope::of(signature).to_string();
        let mut value: [u8; 64] = bytes(text.trim_end().rsplit(' ').next().unwrap());
        let statement = text[text.find("signature ").unwrap()..text.find("value ").unwrap()].to_owned();
        let (whole, mut index) = (hex(&public), index);
        match round % 4 {
            0 => {}
            1 => value[random.usize(..64)] ^= 1 << random.u8(..8),
            2 => index.push(random.u8(..)),
            _ => public[random.usize(..32)] ^= 1 << random.u8(..8),
        }
        let statement = statement.replace(&whole, &hex(&public));
        let changed = format!("modhost-signatures 1\n\n{statement}value {}\n", hex(&value));
        let ours = Envelope::parse(changed.as_bytes()).is_ok_and(|read| read.signatures()[0].holds(&index));
        let parts = [&b"modhost package signature 1\0"[..], &Sha256::digest(&index), &Sha256::digest(&statement)];
        assert_eq!(ours, theirs(&public, &parts.concat(), &value), "round {round}: {changed}");
        assert_eq!(ours, round % 4 == 0, "round {round}");
        if ours { good += 1 } else { bad += 1 }
    }
    report(What::Signatures, good + bad, &format!("{good} good and {bad} bad signatures: two implementations agree"));
}

/// RFC 8032, section 7.1: secret, public, message, signature.
const VECTORS: [(&str, &str, &str, &str); 4] = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
];

/// The vectors hold for both, and no bit of them may be another.
#[test]
fn the_vectors_of_rfc_8032_hold_and_none_of_their_bits_is_of_no_account() {
    let mut asked = 0;
    for (secret, public, message, signature) in VECTORS {
        let message: Vec<u8> = (0..message.len() / 2).map(|at| bytes::<1>(&message[2 * at..])[0]).collect();
        let (public, signature): ([u8; 32], [u8; 64]) = (bytes(public), bytes(signature));
        assert_eq!(modhost::verify::SecretKey::from_seed(&bytes(secret)).public().as_bytes(), &public);
        assert!(ours(&public, &message, &signature) && theirs(&public, &message, &signature));
        for bit in 0..64 * 8 {
            let mut flipped = signature;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!ours(&public, &message, &flipped) && !theirs(&public, &message, &flipped), "bit {bit}");
            asked += 1;
        }
        let late = beyond(&signature);
        assert!(!ours(&public, &message, &late) && !theirs(&public, &message, &late), "an S beyond the order");
        asked += 2;
    }
    report(What::Signatures, asked, &format!("{asked} signatures of the vectors of RFC 8032 and their flips"));
}

/// The edges, from "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020): made anew here, since whoever has the key can.
#[test]
fn where_implementations_differ_the_engine_refuses() {
    let signing = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let (secret, message) = (signing.to_scalar(), b"Send 100 USD to Alice".as_slice());
    let own = signing.verifying_key().to_bytes();
    let challenge = |r: &[u8; 32], public: &[u8; 32]| {
        let hash: [u8; 64] = Sha512::new().chain_update(r).chain_update(public).chain_update(message).finalize().into();
        Scalar::from_bytes_mod_order_wide(&hash)
    };
    let made =
        |r: [u8; 32], nonce: Scalar, public: [u8; 32]| joined(r, (nonce + challenge(&r, &public) * secret).to_bytes());
    let nonce = Scalar::from(77_u64);
    let plain = EdwardsPoint::mul_base(&nonce);
    let at = |point: EdwardsPoint| point.compress().to_bytes();
    let good = made(at(plain), nonce, own);
    assert!(ours(&own, message, &good) && theirs(&own, message, &good));
    let mut rows = 1;
    let mut check = |name: &str, public: [u8; 32], signature: [u8; 64]| {
        assert!(!ours(&public, message, &signature), "{name} is taken");
        rows += 1;
        theirs(&public, message, &signature)
    };
    let mut taken = 0;
    for torsion in &EIGHT_TORSION[1..] {
        let (small, mixed) = (at(*torsion), at(EdwardsPoint::mul_base(&secret) + torsion));
        // A key and an R of small order, S = 0: a signature that nobody made.
        taken += u32::from(check("nothing", small, joined(small, [0; 32])));
        // R of small order, R with a part of small order.
        taken += u32::from(check("a small R", own, made(small, Scalar::ZERO, own)));
        taken += u32::from(check("a mixed R", own, made(at(plain + torsion), nonce, own)));
        // Under a mixed key what the owner signs holds where the challenge is a multiple of eight: by chance, and it is no forgery.
        let by_chance = made(at(plain), nonce, mixed);
        assert!(theirs(&mixed, message, &by_chance) || !ours(&mixed, message, &by_chance), "a mixed key");
        let _ = check("an S beyond the order", own, beyond(&good));
    }
    // Second spellings of the neutral element, as key and as R.
    let mut second = [0xff; 32];
    (second[0], second[31]) = (0xee, 0x7f);
    taken += u32::from(check("a second spelling as key", second, joined(second, [0; 32])));
    taken += u32::from(check("a second spelling as R", own, made(second, Scalar::ZERO, own)));
    report(
        What::Signatures,
        rows,
        &format!(
            "{rows} signatures at the edges: all refused here but the plain one, {taken} of them taken by the other implementation"
        ),
    );
    assert!(World::new().judge().errors.is_empty());
}
