//! [`SignedLock::read`]: what a lockfile names, taken out of it for whoever checks its signatures.

use modhost_backend::Place;

use super::{LOCKFILE, Locked, Lockfile};
use crate::{
    error::{Code, Error, Result, Stage},
    package::Id,
    verify::SignedLock,
};

impl Lockfile {
    /// Refuses a lockfile in which a plugin has no digest: any files of its version would do for it, whoever signs.
    ///
    /// # Errors
    /// [`Code::PackageLockfile`].
    pub fn check_digests(&self) -> Result<()> {
        let Some(row) = self.iter().find(|row| row.digest.is_none()) else { return Ok(()) };
        let message = format!("{} {} has no digest, so that any files would do for it", row.id, row.version);
        let error = wrong(message).with_help("Write the lockfile anew: `modhost resolve DIR --lock FILE --update`.");
        Err(error)
    }
}

impl SignedLock {
    /// Reads a lockfile and the signatures that lie beside it, and checks every signature, this once: over the lockfile's exact bytes.
    ///
    /// # Errors
    /// [`Code::PackageLockfile`] for what is no lockfile, and those of [`Lockfile::check_digests`]; those of
    /// [`Envelope::parse`](crate::verify::Envelope::parse); [`Code::VerifyBadSignature`].
    pub fn read(lockfile: &[u8], envelope: &[u8]) -> Result<Self> {
        let text = str::from_utf8(lockfile).map_err(|_| wrong("this is not UTF-8 text"))?;
        let read: Lockfile = text.parse()?;
        read.check_digests()?;
        let row = |row: &Locked| {
            let id = Id::new(&row.id).map_err(|error| wrong(error.to_string()))?;
            Ok(row.digest.map(|digest| (id, (row.version.clone(), digest))))
        };
        let rows: Vec<_> = read.iter().map(row).collect::<Result<_>>()?;
        SignedLock::of(lockfile, rows.into_iter().flatten().collect(), envelope)
    }
}

/// `package.lockfile`.
fn wrong(message: impl Into<String>) -> Error {
    Error::new(Code::PackageLockfile, Stage::Vet, message).at_place(Place::file(LOCKFILE))
}
