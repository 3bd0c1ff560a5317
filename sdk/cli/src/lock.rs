//! Lockfiles, with the signatures that may lie beside them. A bad signature refuses: none is ever passed over.

use std::{fs, path::Path};

use modhost::{
    Code, Result,
    resolve::{LOCKFILE, Lockfile},
    verify::SignedLock,
};

use crate::{kept, source::Sources};

/// What errors call the signatures.
const SIGNATURES: &str = "modhost.lock.signatures";

/// Whether a verb about plugins is given a lockfile instead: by the ending, so that a damaged one is taken for one, too.
pub(crate) fn is_lockfile(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "lock") && !path.is_dir()
}

/// Whether anything lies where the signatures of a lockfile would.
pub(crate) fn is_signed(path: &Path) -> bool {
    fs::symlink_metadata(SignedLock::beside(path)).is_ok()
}

/// What `--lock` names: the lockfile, and the set that its signatures make of it.
///
/// # Errors
/// `package.lockfile`, `io.not-found`, `io.failed`; those of [`SignedLock::read`].
pub(crate) fn named(path: Option<&Path>) -> Result<(Option<Lockfile>, Option<SignedLock>)> {
    let Some(path) = path else { return Ok((None, None)) };
    let (text, lockfile) = alone(path)?;
    let set = signatures(path)?.map(|envelope| SignedLock::read(text.as_bytes(), envelope.as_bytes())).transpose()?;
    Ok((Some(lockfile), set))
}

/// The text of a lockfile and what it holds, whatever signatures it has.
///
/// # Errors
/// Those of [`named`] that are about the lockfile itself.
pub(crate) fn alone(path: &Path) -> Result<(String, Lockfile)> {
    let text = kept::read(path, Code::PackageLockfile)?;
    let lockfile = text.parse()?;
    Ok((text, lockfile))
}

/// The text of the signatures of the lockfile at `path`.
///
/// # Errors
/// `io.failed`, and `verify.envelope` for what is no text.
pub(crate) fn signatures(path: &Path) -> Result<Option<String>> {
    kept::read_if_there(&SignedLock::beside(path), Code::VerifyEnvelope)
}

/// `sources`, where errors may be about the lockfile at `path` or its signatures.
pub(crate) fn sources(sources: Sources, path: &Path) -> Sources {
    sources.with_kept(LOCKFILE, path).with_kept(SIGNATURES, &SignedLock::beside(path))
}
