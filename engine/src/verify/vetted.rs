//! [`Vetted`]: the proof that something passed vetting. Only this file can make one.

use std::{sync::Arc, time::SystemTime};

use super::{
    Verdict,
    decide::Identity,
    gate::{Gate, Standing},
};
use crate::{
    error::Result,
    package::Package,
    policy::{Policy, TrustLevel},
};

/// Something that passed vetting, with the trust it was found to deserve. No backend receives bytes that are not in here.
#[derive(Clone, Debug)]
pub(crate) struct Vetted<T> {
    inner: T,
    standing: Standing,
}

impl<T> Vetted<T> {
    /// What was vetted.
    pub(crate) fn get(&self) -> &T {
        &self.inner
    }

    /// How far it is trusted.
    pub(crate) fn trust(&self) -> TrustLevel {
        self.standing.trust
    }

    /// Who vouches for it, in words: `unsigned`, `signed by Acme (bd8a63bd14947e94)`, `assumed by policy development`.
    pub(crate) fn vouched(&self) -> &str {
        &self.standing.vouched
    }

    /// What was found out about its signatures.
    pub(crate) fn verdict(&self) -> &Arc<Verdict> {
        &self.standing.verdict
    }

    /// All of it.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }
}

/// Vets `package` under `policy`: what its signatures are worth at this gate. It is hashed here, if it was not before.
///
/// # Errors
/// Those of [`Gate::pass`].
pub(crate) fn vet(package: Package, policy: &Policy, gate: &Gate, wall: SystemTime) -> Result<Vetted<Package>> {
    let standing = gate.pass(&identity(&package), policy, wall)?;
    Ok(Vetted { inner: package, standing })
}

/// What a package is judged by.
pub(crate) fn identity(package: &Package) -> Identity<'_> {
    Identity { id: package.id(), version: package.version(), digest: package.digest(), envelope: package.envelope() }
}
