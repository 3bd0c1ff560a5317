//! [`Table`]: the plugins of an engine, by place and by name. [`Inner`](crate::inner::Inner) locks it.

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

use crate::call::{PluginId, Slot};

/// The plugins of an engine. The names are kept beside the places, since an engine may hold ten thousand.
#[derive(Default)]
pub(crate) struct Table {
    slots: Slab<Arc<Slot>>,
    names: HashMap<String, usize>,
}

impl Table {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// All of them, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.iter().map(|(_, slot)| slot)
    }

    pub(crate) fn get(&self, id: PluginId) -> Option<&Arc<Slot>> {
        self.slots.get(id.slot as usize).filter(|slot| slot.id == id)
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Slot>> {
        self.slots.get(*self.names.get(name)?)
    }

    /// Puts a plugin into the next free place; there must be none of its name.
    pub(crate) fn insert(&mut self, generation: u32, make: impl FnOnce(PluginId) -> Slot) -> Arc<Slot> {
        let place = self.slots.vacant_entry();
        let key = place.key();
        let slot = u32::try_from(key).unwrap_or(u32::MAX);
        let slot = place.insert(Arc::new(make(PluginId { slot, generation }))).clone();
        self.names.insert(slot.about.name.clone(), key);
        slot
    }

    /// Takes a plugin out; `None` where it is out already.
    pub(crate) fn remove(&mut self, slot: &Slot) -> Option<Arc<Slot>> {
        self.get(slot.id)?;
        self.names.remove(&slot.about.name);
        self.slots.try_remove(slot.id.slot as usize)
    }
}
