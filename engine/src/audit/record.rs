//! [`Record`]: one decision.

use std::time::Duration;

use crate::error::Code;

/// What was decided or happened.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A plugin was turned away; the record's code says why.
    Refused,
    /// A plugin was given a backend, limits and grants.
    Admitted,
    /// A plugin is loaded.
    Loaded,
    /// A plugin was unloaded.
    Unloaded,
    /// The host took a plugin out of service.
    Quarantined,
    /// A call hit a limit; the plugin is gone.
    LimitHit,
    /// A call trapped or crashed; the plugin is gone.
    Trapped,
    /// A call of a host function was denied for want of a capability.
    Denied,
    /// A capability was granted while the plugin ran.
    Granted,
    /// A capability was withdrawn while the plugin ran.
    Withdrawn,
    /// A policy that lets unsigned native code run did so.
    Unprotected,
}

/// One decision, as a [`Sink`](super::Sink) receives it. Texts of guests are escaped and shortened.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Counts from 0 without gaps, except where identical denials were folded into one record.
    pub sequence: u64,
    /// The engine's clock.
    pub at: Duration,
    /// What happened.
    pub event: Event,
    /// Whose it is.
    pub plugin: String,
    /// The code, for what failed.
    pub code: Option<Code>,
    /// One line about it.
    pub detail: String,
    /// How many identical records this one stands for.
    pub count: u64,
}

impl Record {
    pub(super) fn empty() -> Self {
        Record {
            sequence: 0,
            at: Duration::ZERO,
            event: Event::Refused,
            plugin: String::new(),
            code: None,
            detail: String::new(),
            count: 1,
        }
    }
}
