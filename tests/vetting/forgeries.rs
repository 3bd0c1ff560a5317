//! Signatures that a lenient check takes, made by hand from the documented form of what is signed.

use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION};
use ed25519_dalek::{SigningKey, Verifier, VerifyingKey};
use modhost::{Code, TrustLevel::Verified, verify::PublicKey};
use sha2::{Digest, Sha256, Sha512};

use crate::{
    envelopes::hex,
    judged,
    table::Attack,
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

pub(crate) fn joined(r: [u8; 32], s: [u8; 32]) -> [u8; 64] {
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
    assert_eq!(taken, 4, "of 64 forgeries so many are taken by a lenient check");
    // All zeros are such a key too.
    assert_eq!(PublicKey::from_bytes(&[0; 32]).unwrap_err().code(), Code::VerifyKey);
}

/// A name, the key and the signature that are written, and what they must get.
type Forged = (&'static str, [u8; 32], [u8; 64], Code);

/// S plus the order of the group.
pub(crate) fn beyond(signature: &[u8; 64]) -> [u8; 64] {
    let order = Scalar::ZERO - Scalar::ONE;
    let mut s: [u8; 32] = signature[32..].try_into().unwrap();
    let mut carry = 1_u16;
    for (byte, more) in s.iter_mut().zip(order.to_bytes()) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    joined(signature[..32].try_into().unwrap(), s)
}

/// Whoever has the key can make signatures that lenient and strict checks disagree on.
fn forged() -> Vec<Forged> {
    let world = World::new();
    let signing = SigningKey::from_bytes(&[1; 32]);
    let (secret, public) = (signing.to_scalar(), signing.verifying_key().to_bytes());
    let message = message(&world.index, &public);
    let small: [u8; 32] = EIGHT_TORSION[0].compress().to_bytes();
    // The neutral element in a spelling of its own: its coordinate plus the prime.
    let mut other = [0xff; 32];
    (other[0], other[31]) = (0xee, 0x7f);
    let with = |r: [u8; 32]| joined(r, (challenge(&r, &public, &message) * secret).to_bytes());
    let good = ed25519_dalek::Signer::sign(&signing, &message).to_bytes();
    // A key with a part of small order in it: its signatures hold or not by chance.
    let mixed = (EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[1]).compress().to_bytes();
    let weak = EIGHT_TORSION[1].compress().to_bytes();
    vec![
        ("an R of small order", public, with(small), Code::VerifyBadSignature),
        ("an R that is not canonical", public, with(other), Code::VerifyBadSignature),
        ("an S beyond the order", public, beyond(&good), Code::VerifyBadSignature),
        ("another point of the same key", mixed, good, Code::VerifyBadSignature),
        ("no signature at all under a key of small order", weak, joined(small, [0; 32]), Code::VerifyKey),
        ("a key in a second spelling", other, good, Code::VerifyKey),
    ]
}

/// Each of them in a package.
pub(crate) fn attacks() -> Vec<Attack> {
    let made = |(name, public, signature, code): Forged| {
        let mut world = World::new();
        world.envelope = Some(envelope(&public, &signature));
        judged::attack("signature", name, &world, code)
    };
    forged().into_iter().filter_map(made).collect()
}

#[test]
fn a_second_form_of_a_signature_is_refused() {
    let index = World::new().index;
    let rows = forged();
    for (name, public, signature, code) in &rows {
        refused(name, public, signature, *code);
    }
    assert!(lenient(&rows[0].1, &message(&index, &rows[0].1), &rows[0].2), "the forgery is a real one");
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
