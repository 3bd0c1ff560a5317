//! The presets of [`Policy`], as data: one row each, and `mods`, whose levels differ.

use modhost_backend::{Isolation, Kind};

use super::{Capabilities, GroupBy, Level, Overrides, Policy, limit_set::limits};
use crate::{audit::AuditPolicy, package::Caps};

/// How many plugins of full size an engine holds by default.
const FULL_SIZE: u64 = 16;
/// Connections at a time where the network is allowed.
const CONNECTIONS: u32 = 64;

/// One preset: what all of its levels have.
pub(super) struct Preset {
    pub(super) name: &'static str,
    isolation: Isolation,
    /// Bytes.
    memory: u64,
    /// Percent of one processor.
    cpu_share: u32,
    /// Seconds per call.
    time: u64,
    network: bool,
    signatures: u32,
}

const MIB: u64 = 1 << 20;
const NONE: Isolation = Isolation::SharedMemory;
const PROCESS: Isolation = Isolation::Process;
const CONTAINER: Isolation = Isolation::Container;

const fn row(
    name: &'static str,
    isolation: Isolation,
    memory: u64,
    cpu_share: u32,
    time: u64,
    network: bool,
    signatures: u32,
) -> Preset {
    Preset { name, isolation, memory, cpu_share, time, network, signatures }
}

pub(super) const DEVELOPMENT: Preset = row("development", NONE, 4096 * MIB, 100, 600, true, 0);
pub(super) const TESTING: Preset = row("testing", NONE, 2048 * MIB, 100, 120, true, 0);
pub(super) const STANDARD: Preset = row("standard", PROCESS, 512 * MIB, 50, 30, false, 1);
pub(super) const ENTERPRISE: Preset = row("enterprise", PROCESS, 1024 * MIB, 80, 60, false, 1);
pub(super) const STRICT: Preset = row("strict", CONTAINER, 128 * MIB, 25, 10, false, 2);
pub(super) const AIRGAPPED: Preset = row("airgapped", CONTAINER, 256 * MIB, 50, 30, false, 2);

/// All but `mods`.
pub(super) const ROWS: [&Preset; 6] = [&DEVELOPMENT, &TESTING, &STANDARD, &ENTERPRISE, &STRICT, &AIRGAPPED];

impl Preset {
    pub(super) fn policy(&self) -> Policy {
        let own_machine = self.isolation == NONE;
        let mut limits = limits(self.memory, self.cpu_share, self.time);
        if self.network {
            limits.connections = CONNECTIONS;
        }
        if own_machine {
            limits.output = 16 * MIB;
        }
        let capabilities = if own_machine { Capabilities::Requested } else { Capabilities::none() };
        let level = Level::new(self.isolation, limits, capabilities);
        Policy {
            name: self.name.into(),
            untrusted: level.clone(),
            verified: level.clone(),
            trusted: level,
            unsigned: self.signatures == 0,
            signatures: self.signatures,
            source_formats: own_machine,
            development: own_machine,
            total_memory: FULL_SIZE * self.memory,
            ..mods()
        }
    }
}

/// The default: strangers' mods in a sandbox, and native code of pinned vendors.
pub(super) fn mods() -> Policy {
    let sandbox = |limits| Level::new(Isolation::Sandbox, limits, Capabilities::none());
    let larger = limits(256 * MIB, 100, 5);
    let mut trusted = sandbox(larger.clone());
    trusted.isolate(NONE);
    Policy {
        name: "mods".into(),
        untrusted: sandbox(modhost_backend::Limits::default()),
        verified: sandbox(larger),
        trusted,
        unsigned: true,
        signatures: 0,
        require_trusted_signer: false,
        signature_max_age: None,
        vendors: std::collections::BTreeSet::new(),
        source_formats: true,
        prefer: vec![Kind::NATIVE, Kind::WASM, Kind::LUA, Kind::RHAI],
        libraries: std::collections::BTreeMap::new(),
        instances: 10_000,
        total_memory: FULL_SIZE * 256 * MIB,
        groups: std::collections::BTreeMap::new(),
        other_groups: None,
        group_by: GroupBy::Nothing,
        deliveries: 4096,
        assume: None,
        development: false,
        audit: AuditPolicy::DenyPrivileged,
        exposed: None,
        calibration: None,
        overrides: Overrides::default(),
        caps: Caps::default(),
        resolve: crate::resolve::Options::default(),
    }
}
