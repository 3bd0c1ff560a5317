//! Signs a lockfile: its signatures lie beside it.

use modhost::{
    Code, Error, Result, Stage,
    verify::{SignedLock, sign_lock},
};

use super::{Body, What, added, options};
use crate::{
    args::{Sign, usage},
    json::about::shown,
    kept, lock, passphrase,
};

/// Signs.
pub(super) fn signed(args: &Sign) -> Result<Body> {
    if args.out.is_some() {
        let help = "Leave --out out; a copy of both files is as good as they are.";
        return Err(usage("--out: the signatures of a lockfile lie beside it").with_help(help));
    }
    let (text, lockfile) = lock::alone(&args.path)?;
    // Before anybody is asked for a passphrase.
    lockfile.check_digests()?;
    let path = SignedLock::beside(&args.path);
    let read = |envelope: &str| SignedLock::read(text.as_bytes(), envelope.as_bytes());
    let there = lock::signatures(&args.path)?.map(|envelope| read(&envelope)).transpose().map_err(|error| {
        let help = format!(
            "The lockfile was changed after it was signed: bring it back, or remove {} and sign it anew.",
            path.display()
        );
        if error.code() == Code::VerifyBadSignature { error.with_help(help) } else { error }
    })?;
    let secret = passphrase::open(&args.key, &args.passphrase)?;
    let signature = sign_lock(text.as_bytes(), &secret, options(args)?)?;
    let (envelope, renewed) = added(there.map(|set| set.envelope().clone()), signature.clone())?;
    // The reader's own checks are the writer's.
    let envelope_text = envelope.to_string();
    let set = read(&envelope_text).map_err(|error| {
        let message = format!("what was signed reads differently: {}", error.message());
        Error::new(Code::InternalBug, Stage::Vet, message)
    })?;
    kept::write(&path, &envelope_text)?;
    let what = What::Lockfile { lockfile: shown(&args.path), plugins: set.plugins().len() };
    Ok(Body::of(what, &path, &signature, renewed, &envelope))
}
