//! The outbox: deliveries that this thread owes, in the order of publishing, over all engines.

use std::{any::TypeId, cell::RefCell, collections::VecDeque, sync::Arc};

use modhost_abi::Value;

use super::publish::Counter;
use crate::{
    call::Slot,
    host::{Charge, Group},
};

thread_local! {
    static OUTBOX: RefCell<VecDeque<Delivery>> = const { RefCell::new(VecDeque::new()) };
}

/// What was published once, for all of its listeners.
pub(super) struct Event {
    /// The export that listens.
    pub(super) export: String,
    pub(super) value: [Value; 1],
    /// Of the plugin that published, until the last listener was handed it.
    pub(super) _charge: Option<Charge>,
}

/// An event that one plugin is owed. Dropping it gives the room that it took back, wherever it ends.
pub(super) struct Delivery {
    pub(super) slot: Arc<Slot>,
    pub(super) event: Arc<Event>,
    pub(super) counter: Arc<Counter>,
    /// The publisher's.
    pub(super) group: Option<Arc<Group>>,
    /// The state's type that the publishing call had; `None` where none was lent.
    pub(super) state: Option<TypeId>,
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.slot.origin.inbox.leave();
        self.counter.leave();
        if let Some(group) = &self.group {
            group.dequeue();
        }
    }
}

/// Puts a delivery behind the others.
pub(super) fn push(delivery: Delivery) {
    OUTBOX.with(|outbox| outbox.borrow_mut().push_back(delivery));
}

/// Takes the oldest delivery of the engine that `counter` belongs to.
pub(super) fn pop(counter: &Arc<Counter>) -> Option<Delivery> {
    OUTBOX.with(|outbox| {
        let mut outbox = outbox.borrow_mut();
        let at = outbox.iter().position(|delivery| Arc::ptr_eq(&delivery.counter, counter))?;
        outbox.remove(at)
    })
}

/// Takes the deliveries to one plugin out; they are dropped by the caller, for dropping one may come back here.
pub(super) fn take_for(slot: &Slot) -> VecDeque<Delivery> {
    OUTBOX.with(|outbox| {
        let mut outbox = outbox.borrow_mut();
        let (gone, kept) = outbox.drain(..).partition(|delivery| std::ptr::eq(&*delivery.slot, slot));
        *outbox = kept;
        gone
    })
}
