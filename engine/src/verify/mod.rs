//! Who vouches for a plugin. Keys and their files, the envelope of a package's or a lockfile's signatures, the trust store with its delegations
//! and revocations, the verdict on a package under a policy, and what is remembered between runs.
//!
//! Everything here is about bytes, keys and dates that the caller brings: no clock is read, and no file but those that are named.
//! `vet` turns what was opened into a `Vetted` plugin, which nothing else can make.

mod cache;
mod date;
mod decide;
mod envelope;
mod gate;
mod hex;
mod key;
mod lines;
mod pattern;
mod replace;
mod rollback;
mod secret;
mod signed_lock;
mod store;
mod verdict;
mod vetted;

pub use cache::Verdicts;
pub use date::{Date, DateError};
pub(crate) use decide::Identity;
pub use decide::{Subject, decide, judge};
pub use envelope::{Envelope, MOST_SIGNATURES, SignOptions, Signature, sign_index, sign_lock};
pub(crate) use gate::{Gate, Standing};
pub use key::{KeyId, KeyIdError, PublicKey};
pub use pattern::{Pattern, PatternError};
pub use rollback::{Seen, SeenFile};
pub use secret::SecretKey;
pub use signed_lock::SignedLock;
pub use store::{
    Allowed, DEEPEST_DELEGATION, Delegation, ListSeen, Revocation, RevocationList, Revoked, Role, StoreFile,
    TrustStore, TrustedKey, sign_list,
};
pub use verdict::{Finding, Signer, Verdict};
pub(crate) use vetted::{Vetted, identity, identity_of, vet};

use crate::package::Digest;
