//! A store's text under the host's own key (XChaCha20-Poly1305): nobody else reads it, and nobody else can have written it.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

use crate::{
    error::{Code, Result},
    verify::key::refused,
};

const MAGIC: &[u8] = b"modhost-sealed-store 1\n";
const NONCE: usize = 24;

pub(super) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(super) fn seal(text: &str, key: &[u8; 32]) -> Result<Vec<u8>> {
    let failed = |why: &str| refused(Code::IoFailed, format!("the trust store could not be sealed: {why}"));
    // 24 random bytes never come twice for one key; so no count has to be kept.
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|error| failed(&error.to_string()))?;
    let payload = Payload { msg: text.as_bytes(), aad: MAGIC };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| failed("it is too large"))?;
    Ok([MAGIC, &nonce, &sealed].concat())
}

pub(super) fn unseal(bytes: &[u8], key: &[u8; 32]) -> Result<Vec<u8>> {
    if !is_sealed(bytes) {
        // Or whoever can write the file would put a store of their own there.
        return Err(refused(Code::TrustSealed, "the trust store is not sealed, and a key for a sealed one is given"));
    }
    let wrong = || refused(Code::TrustSealed, "the trust store was sealed with another key, or has been changed since");
    let (nonce, sealed) =
        bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_first_chunk::<NONCE>()).ok_or_else(wrong)?;
    let payload = Payload { msg: sealed, aad: MAGIC };
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload).map_err(|_| wrong())
}
