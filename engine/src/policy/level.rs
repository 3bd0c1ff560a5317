//! [`Level`]: the box of one trust level, and [`Overrides`], which a host sets over everything.

use std::{collections::BTreeSet, time::Duration};

use modhost_backend::{Enforcement, Guarantee, Isolation, Kind, Limits};

use super::Capabilities;

/// The box that one trust level gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Level {
    /// Whether plugins of this level are loaded at all.
    pub admitted: bool,
    /// The least that a backend must enforce for them.
    pub needs: Enforcement,
    /// The backends that they may run in, if those enforce enough; `None` for any. It takes nothing from what `needs` demands.
    pub backends: Option<BTreeSet<Kind>>,
    /// What they may use; a manifest can lower it, never raise it.
    pub limits: Limits,
    /// Computing per call, in a unit that is the same for all languages: [`Policy::calibration`](crate::Policy::calibration) turns it
    /// into each backend's fuel, which then stands in the place of [`Limits::fuel`]. A manifest lowers that as ever, and
    /// [`Overrides::fuel`] goes above it.
    pub work: Option<Duration>,
    /// What they may be granted.
    pub capabilities: Capabilities,
}

/// What a backend must hold before it runs code of strangers.
const SANDBOX: Enforcement = Enforcement {
    instructions: Guarantee::Approximate,
    memory: Guarantee::Approximate,
    interrupt: Guarantee::Approximate,
    call_depth: Guarantee::Approximate,
    values: Guarantee::Exact,
    output: Guarantee::Exact,
    open_files: Guarantee::Exact,
    connections: Guarantee::Exact,
    threads: Guarantee::Exact,
    storage: Guarantee::Exact,
    isolation: Isolation::Sandbox,
    ..Enforcement::NOTHING
};

impl Level {
    pub(super) fn new(isolation: Isolation, limits: Limits, capabilities: Capabilities) -> Self {
        let mut level = Level { admitted: true, needs: SANDBOX, backends: None, limits, work: None, capabilities };
        level.isolate(isolation);
        level
    }

    /// Demands at least `isolation`, and with it that every limit but the share of a processor is held; shared memory
    /// demands nothing at all, since nothing can be held there. By [`Isolation::satisfies`] an interpreter's sandbox
    /// meets every demand.
    ///
    /// ```
    /// use modhost::{Enforcement, Isolation, Policy};
    ///
    /// let mut policy = Policy::mods();
    /// policy.verified.isolate(Isolation::Process);
    /// assert!(Enforcement::SANDBOX.suffices(&policy.verified.needs));
    /// assert!(!Enforcement::NOTHING.suffices(&policy.verified.needs));
    /// ```
    pub fn isolate(&mut self, isolation: Isolation) {
        self.needs = match isolation {
            Isolation::SharedMemory => Enforcement::NOTHING,
            isolation => Enforcement { isolation, ..SANDBOX },
        };
    }
}

/// Limits that the host sets for this engine, up or down, over level and manifest.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Overrides {
    /// Units of fuel per call.
    pub fuel: Option<u64>,
    /// Bytes.
    pub memory: Option<u64>,
    /// Wall-clock time per call.
    pub deadline: Option<Duration>,
}

impl Overrides {
    pub(crate) fn apply(&self, limits: &mut Limits) {
        limits.fuel = self.fuel.unwrap_or(limits.fuel);
        limits.memory = self.memory.unwrap_or(limits.memory);
        limits.deadline = self.deadline.unwrap_or(limits.deadline);
    }
}
