//! Signatures that a lenient check takes, made by hand from the documented form of what is signed; and a second opinion on good and
//! bad signatures by another implementation.

use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION};
use ed25519_dalek::{SigningKey, Verifier, VerifyingKey};
use modhost::{
    Code,
    TrustLevel::Verified,
    verify::{Envelope, PublicKey},
};
use sha2::{Digest, Sha256, Sha512};

use crate::{
    envelopes::hex,
    world::{World, key},
};

fn statement(public: &[u8; 32]) -> String {
    format!("signature ed25519\npublic {}\nsigner Acme\nexpires never\n", hex(public))
}

/// What is signed, put together from its description.
fn message(index: &[u8], public: &[u8; 32]) -> Vec<u8> {
    let parts = [&b"modhost package signature 1\0"[..], &Sha256::digest(index), &Sha256::digest(statement(public))];
    parts.concat()
}

fn envelope(public: &[u8; 32], signature: &[u8; 64]) -> String {
    format!("modhost-signatures 1\n\n{}value {}\n", statement(public), hex(signature))
}

fn joined(r: [u8; 32], s: [u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice(&s);
    signature
}

fn challenge(r: &[u8; 32], public: &[u8; 32], message: &[u8]) -> Scalar {
    let hash: [u8; 64] = Sha512::new().chain_update(r).chain_update(public).chain_update(message).finalize().into();
    Scalar::from_bytes_mod_order_wide(&hash)
}

fn lenient(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    VerifyingKey::from_bytes(public).is_ok_and(|key| key.verify(message, &signature).is_ok())
}

#[track_caller]
fn refused(name: &str, public: &[u8; 32], signature: &[u8; 64], code: Code) {
    let mut world = World::new();
    world.envelope = Some(envelope(public, signature));
    let verdict = world.judge();
    assert_eq!(verdict.errors.first().map(|error| error.code), Some(code), "{name}: {verdict:?}");
}

#[test]
fn what_is_signed_is_what_is_documented() {
    let mut world = World::new();
    let signing = SigningKey::from_bytes(&[1; 32]);
    let public = signing.verifying_key().to_bytes();
    let signature = ed25519_dalek::Signer::sign(&signing, &message(&world.index, &public)).to_bytes();
    assert_eq!(world.envelope.as_deref(), Some(envelope(&public, &signature).as_str()));
    world.envelope = Some(envelope(&public, &signature));
    assert_eq!(world.judge().level, Verified);
}

/// Under a key of small order a signature is made without any secret, for any message.
#[test]
fn a_forgery_under_a_weak_key_is_refused_although_a_lenient_check_takes_it() {
    let index = World::new().index;
    let mut taken = 0;
    for weak in EIGHT_TORSION {
        let public = weak.compress().to_bytes();
        let message = message(&index, &public);
        // S = 0, and R such that 0 = R + kA: tried among the few points there are.
        for r in EIGHT_TORSION {
            let signature = joined(r.compress().to_bytes(), [0; 32]);
            taken += usize::from(lenient(&public, &message, &signature));
            refused("weak key", &public, &signature, Code::VerifyKey);
        }
        assert_eq!(PublicKey::from_bytes(&public).unwrap_err().code(), Code::VerifyKey);
    }
    // The challenge depends on R, so that not every key has a fitting one for this message; another message would do for those.
    assert_eq!(taken, 6, "of 64 forgeries so many are taken by a lenient check");
    // All zeros are such a key too.
    assert_eq!(PublicKey::from_bytes(&[0; 32]).unwrap_err().code(), Code::VerifyKey);
}

/// Whoever has the key can make signatures that lenient and strict checks disagree on.
#[test]
fn a_second_form_of_a_signature_is_refused() {
    let world = World::new();
    let signing = SigningKey::from_bytes(&[1; 32]);
    let (secret, public) = (signing.to_scalar(), signing.verifying_key().to_bytes());
    let message = message(&world.index, &public);
    let small: [u8; 32] = EIGHT_TORSION[0].compress().to_bytes();
    let s = challenge(&small, &public, &message) * secret;
    let signature = joined(small, s.to_bytes());
    assert!(lenient(&public, &message, &signature), "the forgery is a real one");
    refused("an R of small order", &public, &signature, Code::VerifyBadSignature);

    // The neutral element in a spelling of its own: its coordinate plus the prime.
    let mut other = [0xff; 32];
    (other[0], other[31]) = (0xee, 0x7f);
    let s = challenge(&other, &public, &message) * secret;
    refused("an R that is not canonical", &public, &joined(other, s.to_bytes()), Code::VerifyBadSignature);

    // S plus the order of the group.
    let good = ed25519_dalek::Signer::sign(&signing, &message).to_bytes();
    let order = Scalar::ZERO - Scalar::ONE;
    let mut s: [u8; 32] = good[32..].try_into().unwrap();
    let mut carry = 1_u16;
    for (byte, more) in s.iter_mut().zip(order.to_bytes()) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_ne!(s[..], good[32..]);
    refused("an S beyond the order", &public, &joined(good[..32].try_into().unwrap(), s), Code::VerifyBadSignature);

    // A key with a part of small order in it: its signatures hold or not by chance.
    let mixed = EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[1];
    refused("another point", &mixed.compress().to_bytes(), &good, Code::VerifyBadSignature);
}

#[test]
fn public_keys_have_one_spelling() {
    // Every coordinate from the prime on is a second spelling, or no point at all.
    for low in 0xed..=0xff_u8 {
        for high in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, high);
            assert_eq!(PublicKey::from_bytes(&bytes).unwrap_err().code(), Code::VerifyKey, "{low:x} {high:x}");
        }
    }
    let good = key(1).public();
    assert_eq!(good.to_string().parse::<PublicKey>().unwrap(), good);
    assert_eq!(PublicKey::from_pem(&good.to_pem().unwrap()).unwrap(), good);
    for bad in [
        good.to_string().to_uppercase(),
        good.to_string().replace("ed25519:", ""),
        format!("{good}0"),
        good.id().to_string(),
    ] {
        assert_eq!(bad.parse::<PublicKey>().unwrap_err().code(), Code::VerifyKey, "{bad}");
    }
}

/// Good signatures, and ones with a flipped bit in message, key or value: another implementation thinks the same of each.
#[test]
fn another_implementation_is_of_the_same_opinion() {
    let mut random = fastrand::Rng::with_seed(6);
    let (mut good, mut bad) = (0, 0);
    for round in 0..200 {
        let mut world = World::new();
        world.index = (0..random.usize(0..200)).map(|_| random.u8(..)).collect();
        world.signed_by(&[random.u8(1..)]);
        let parsed = Envelope::parse(world.envelope.as_ref().unwrap().as_bytes()).unwrap();
        let mut public = *parsed.signatures()[0].public.as_bytes();
        let text = world.envelope.clone().unwrap();
        let value = text.trim_end().rsplit(' ').next().unwrap();
        let mut value: Vec<u8> =
            (0..64).map(|at| u8::from_str_radix(&value[2 * at..2 * at + 2], 16).unwrap()).collect();
        let statement = text[text.find("signature ").unwrap()..text.find("value ").unwrap()].to_owned();
        let mut index = world.index.clone();
        match round % 4 {
            0 => {}
            1 => value[random.usize(..64)] ^= 1 << random.u8(..8),
            2 => index.push(random.u8(..)),
            _ => public[random.usize(..32)] ^= 1 << random.u8(..8),
        }
        let statement = statement.replace(&hex(parsed.signatures()[0].public.as_bytes()), &hex(&public));
        let changed = format!("modhost-signatures 1\n\n{statement}value {}\n", hex(&value));
        let ours = Envelope::parse(changed.as_bytes()).is_ok_and(|read| read.signatures()[0].holds(&index));
        let parts = [&b"modhost package signature 1\0"[..], &Sha256::digest(&index), &Sha256::digest(&statement)];
        let theirs = ed25519_compact::PublicKey::from_slice(&public).is_ok_and(|key| {
            key.verify(parts.concat(), &ed25519_compact::Signature::from_slice(&value).unwrap()).is_ok()
        });
        assert_eq!(ours, theirs, "round {round}: {changed}");
        assert_eq!(ours, round % 4 == 0, "round {round}");
        if ours { good += 1 } else { bad += 1 }
    }
    println!("{good} good and {bad} bad signatures: two implementations agree");
}
