//! [`Vetted`]: the proof that something passed vetting. Only this file can make one.

use std::{sync::Arc, time::SystemTime};

use super::{
    Verdict,
    decide::Identity,
    gate::{Gate, Standing},
};
use crate::{
    error::Result,
    package::{Opened, Outline, Shelved},
    policy::{Policy, TrustLevel},
};

/// Something that passed vetting, with the trust it was found to deserve. No backend receives bytes that are not in here, or were not held
/// against the digests in here: see [`Shelved::files`].
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

/// Vets a plugin under `policy`: what its signatures are worth at this gate; and only then parses what they are over. It is hashed here,
/// if it was not before.
///
/// # Errors
/// Those of [`Gate::pass`], and what [`Opened::parse`] gives.
pub(crate) fn vet(opened: Opened, policy: &Policy, gate: &Gate, wall: SystemTime) -> Result<Vetted<Shelved>> {
    let standing = gate.pass(&identity(&opened), policy, wall)?;
    Ok(Vetted { inner: opened.parse(&policy.caps)?, standing })
}

/// What a plugin is judged by, of which everything is known.
pub(crate) fn identity_of(plugin: &Outline) -> Identity<'_> {
    Identity { id: plugin.id(), version: plugin.version(), digest: plugin.digest(), envelope: plugin.envelope() }
}

/// What a plugin is judged by.
pub(crate) fn identity(opened: &Opened) -> Identity<'_> {
    Identity { id: opened.id(), version: opened.version(), digest: opened.digest(), envelope: opened.envelope() }
}
