//! Statistics: [`PluginInfo`] of one plugin, [`Totals`] of all. Counted where things happen anyway; asking for them reads no clock
//! and stops nobody.

use std::sync::Arc;

use modhost_backend::Kind;
use semver::Version;

use crate::{
    call::{PluginId, Slot, State},
    host::LastError,
    policy::TrustLevel,
    verify::Verdict,
};

/// A plugin as [`Engine::plugins`](crate::Engine::plugins) lists it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PluginInfo {
    /// Its handle.
    pub plugin: PluginId,
    /// Its id.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The backend that runs it.
    pub backend: Kind,
    /// How far it is trusted.
    pub trust: TrustLevel,
    /// Who vouches for it, in words.
    pub vouched: String,
    /// What was found out about its signatures when it was loaded.
    pub verdict: Arc<Verdict>,
    /// Its group, where it is in one.
    pub group: Option<String>,
    /// Where it stands.
    pub state: State,
    /// How many times a plugin of this id was loaded, this time included.
    pub loads: u64,
    /// Calls made so far, those of hooks and those that failed included.
    pub calls: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Units of fuel used so far, loading included.
    pub fuel: u64,
    /// Bytes it held after the last call, where its backend knows, together with [`PluginInfo::host_memory`].
    pub memory: Option<usize>,
    /// Bytes that the host holds because of it now: lines of its output, events it published, names, records, values on their way.
    pub host_memory: u64,
    /// Events that wait for it.
    pub queued: u32,
    /// Events that it missed because so many waited already ([`Limits::queue`](crate::Limits::queue)).
    pub missed: u64,
    /// What it did that it may not.
    pub violations: Violations,
    /// The newest failure of a call.
    pub last_error: Option<LastError>,
}

/// How often a plugin went beyond what it may.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Violations {
    /// Limits that it hit.
    pub limit_hits: u64,
    /// Host functions that it called without their capability, whether or not it caught the error.
    pub denials: u64,
    /// Events that it published and for which a listener had no room, whether or not it caught the error.
    pub overflows: u64,
}

/// All plugins of an engine together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Totals {
    /// Plugins in the engine now, failed and disabled ones included; at most [`Policy::instances`](crate::Policy::instances).
    pub plugins: usize,
    /// Bytes that they hold, in whole grains of 4 KiB, of those whose backends know; at most
    /// [`Policy::total_memory`](crate::Policy::total_memory).
    pub memory: u64,
    /// Plugins that ever were loaded.
    pub loads: u64,
    /// Events that wait for plugins.
    pub queued: usize,
    /// Events that plugins ever missed because so many waited already.
    pub missed: u64,
    /// Calls ever made.
    pub calls: u64,
    /// Calls that ever failed.
    pub errors: u64,
    /// Units of fuel ever used, loading included; backends count in units of their own.
    pub fuel: u64,
    /// What plugins ever did that they may not.
    pub violations: Violations,
    /// Audit records that a sink could not keep, each counted once for each such sink.
    pub unrecorded: u64,
}

impl Totals {
    /// Adds what `slot` counted; not what it holds.
    pub(crate) fn add(&mut self, slot: &Slot) {
        self.calls += slot.calls();
        self.fuel = self.fuel.saturating_add(slot.fuel());
        self.missed += slot.origin.inbox.missed();
        self.errors += slot.origin.tally.errors();
        self.violations.limit_hits += slot.origin.tally.limit_hits();
        self.violations.denials += slot.origin.tally.denials();
        self.violations.overflows += slot.origin.tally.overflows();
    }
}

pub(crate) fn info(slot: &Slot) -> PluginInfo {
    let (about, tally) = (&slot.about, &slot.origin.tally);
    PluginInfo {
        plugin: slot.id,
        name: about.name.clone(),
        version: about.version.clone(),
        backend: about.kind.clone(),
        trust: about.trust(),
        vouched: about.standing.vouched.clone(),
        verdict: about.standing.verdict.clone(),
        group: slot.origin.group.as_ref().map(|group| group.name().to_owned()),
        state: slot.state(),
        loads: about.loads,
        calls: slot.calls(),
        errors: tally.errors(),
        fuel: slot.fuel(),
        memory: slot.memory(),
        host_memory: slot.origin.ledger.host(),
        queued: slot.origin.inbox.waiting(),
        missed: slot.origin.inbox.missed(),
        violations: Violations {
            limit_hits: tally.limit_hits(),
            denials: tally.denials(),
            overflows: tally.overflows(),
        },
        last_error: tally.last(),
    }
}
