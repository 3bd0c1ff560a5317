//! Signs a lockfile: its signatures lie beside it.

use modhost::{
    Code, Error, Result, ShowPath as _, Stage,
    verify::{SignedLock, sign_lock},
};

use super::{Body, What, added, changed, held, options};
use crate::{
    args::{Sign, usage},
    json::about::raw,
    kept, lock, passphrase,
};

/// Signs.
pub(super) fn signed(args: &Sign) -> Result<Body> {
    if args.out.is_some() {
        let help = "Leave --out out; a copy of both files is as good as they are.";
        return Err(usage("--out: the signatures of a lockfile lie beside it").with_help(help));
    }
    let path = SignedLock::beside(&args.path);
    let options = options(args)?;
    let (asked, _) = there(args)?;
    // Nobody is kept waiting while somebody thinks of a passphrase; what is there may be another one afterwards.
    let secret = passphrase::open(&args.key, &args.passphrase)?;
    let _held = held(args)?;
    let (text, there) = there(args)?;
    if text != asked {
        return Err(changed(&args.path));
    }
    let signature = sign_lock(text.as_bytes(), &secret, options)?;
    let (envelope, renewed) = added(there.map(|set| set.envelope().clone()), signature.clone())?;
    // The reader's own checks are the writer's.
    let envelope_text = envelope.to_string();
    let set = SignedLock::read(text.as_bytes(), envelope_text.as_bytes()).map_err(|error| {
        let message = format!("what was signed reads differently: {}", error.message());
        Error::new(Code::InternalBug, Stage::Vet, message)
    })?;
    kept::write(&path, &envelope_text)?;
    let what = What::Lockfile { lockfile: raw(&args.path), plugins: set.plugins().len() };
    Ok(Body::of(what, &path, &signature, renewed, &envelope))
}

/// The lockfile's text, and the set that its signatures make of it, which hold.
fn there(args: &Sign) -> Result<(String, Option<SignedLock>)> {
    let (text, lockfile) = lock::alone(&args.path)?;
    lockfile.check_digests()?;
    let read = |envelope: String| SignedLock::read(text.as_bytes(), envelope.as_bytes());
    let there = lock::signatures(&args.path)?.map(read).transpose().map_err(|error| {
        let help = format!(
            "The lockfile was changed after it was signed: bring it back, or remove {} and sign it anew.",
            SignedLock::beside(&args.path).shown()
        );
        if error.code() == Code::VerifyBadSignature { error.with_help(help) } else { error }
    })?;
    Ok((text, there))
}
