//! [`Level`]: the box of one trust level, and [`Overrides`], which a host sets over everything.

use std::time::Duration;

use modhost_backend::{Enforcement, Limits};

use super::Capabilities;

/// The box that one trust level gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Level {
    /// Whether plugins of this level are loaded at all.
    pub admitted: bool,
    /// The least that a backend must enforce for them.
    pub needs: Enforcement,
    /// What they may use; a manifest can lower it, never raise it.
    pub limits: Limits,
    /// What they may be granted.
    pub capabilities: Capabilities,
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
