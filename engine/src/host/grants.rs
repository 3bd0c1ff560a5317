//! [`Grants`]: one plugin's capabilities, each a bit that its host functions look at and that can be withdrawn live.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use modhost_abi::Capability;

/// One plugin's capabilities: those it asks for, and those its host functions name.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    bits: BTreeMap<Capability, Arc<AtomicBool>>,
}

impl Grants {
    /// Adds `capability`, open or closed, unless it is there; its bit.
    pub(crate) fn bit(&mut self, capability: &Capability, granted: bool) -> Arc<AtomicBool> {
        self.bits.entry(capability.clone()).or_insert_with(|| Arc::new(AtomicBool::new(granted))).clone()
    }

    /// Whether the plugin has a use for `capability`.
    pub(crate) fn knows(&self, capability: &Capability) -> bool {
        self.bits.contains_key(capability)
    }

    /// Opens or closes `capability`, where the plugin has a use for it.
    pub(crate) fn set(&self, capability: &Capability, granted: bool) {
        if let Some(bit) = self.bits.get(capability) {
            bit.store(granted, Relaxed);
        }
    }

    /// The capabilities that are open.
    pub(crate) fn open(&self) -> Vec<String> {
        self.bits.iter().filter(|(_, bit)| bit.load(Relaxed)).map(|(capability, _)| capability.to_string()).collect()
    }
}
