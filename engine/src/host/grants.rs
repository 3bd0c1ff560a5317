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

    /// Opens or closes `capability`; false where the plugin has no use for it.
    pub(crate) fn set(&self, capability: &Capability, granted: bool) -> bool {
        match self.bits.get(capability) {
            Some(bit) => {
                bit.store(granted, Relaxed);
                true
            }
            None => false,
        }
    }

    /// The capabilities that are open.
    pub(crate) fn open(&self) -> Vec<String> {
        self.bits.iter().filter(|(_, bit)| bit.load(Relaxed)).map(|(capability, _)| capability.to_string()).collect()
    }
}
