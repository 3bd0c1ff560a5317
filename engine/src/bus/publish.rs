//! [`Bus`]: who listens to what, and the events that wait.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crossbeam::queue::SegQueue;
use modhost_abi::Value;
use modhost_backend::Fault;

use super::outbox::{self, Delivery, Event};
use crate::{call::Slot, host::Origin, lifecycle::hook};

/// How many deliveries one engine owes, wherever they wait.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicUsize);

impl Counter {
    pub(super) fn leave(&self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// What became of an event that was published.
pub(crate) struct Published {
    /// How many plugins it waits for.
    pub(crate) queued: u32,
    /// The plugins whose queue had no room.
    pub(crate) full: Vec<Arc<Slot>>,
    pub(super) event: Arc<Event>,
}

/// One engine's events.
#[derive(Default)]
pub(crate) struct Bus {
    /// By topic, in load order.
    listeners: RwLock<BTreeMap<String, Vec<Arc<Slot>>>>,
    pub(super) counter: Arc<Counter>,
    /// What no thread's call will deliver by itself.
    pub(super) waiting: SegQueue<Delivery>,
}

impl Bus {
    fn change(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Vec<Arc<Slot>>>> {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a plugin under the topics that it declares and has an export for.
    pub(crate) fn subscribe(&self, slot: &Arc<Slot>) {
        let heard = |topic: &&String| {
            let export = hook::listener(topic);
            slot.about.exports.iter().any(|other| other.name == export)
        };
        for topic in slot.about.topics.iter().filter(heard) {
            let mut listeners = self.change();
            let of_topic = listeners.entry(topic.clone()).or_default();
            let place = of_topic.partition_point(|other| other.id.generation < slot.id.generation);
            of_topic.insert(place, slot.clone());
        }
        // It may have been unloaded by another thread before it was entered.
        if !slot.state().keeps_instance() {
            self.unsubscribe(slot);
        }
    }

    /// Forgets a plugin, and what waits for it here and on this thread.
    pub(crate) fn unsubscribe(&self, slot: &Slot) {
        if !slot.about.topics.is_empty() {
            self.change().retain(|_, of_topic| {
                of_topic.retain(|other| other.id != slot.id);
                !of_topic.is_empty()
            });
        }
        if slot.origin.inbox.waiting() == 0 {
            return;
        }
        drop(outbox::take_for(slot));
        // Once around, so that what stays keeps its order; what comes meanwhile is not of this plugin.
        for _ in 0..self.waiting.len() {
            let Some(delivery) = self.waiting.pop() else { break };
            if !std::ptr::eq(&*delivery.slot, slot) {
                self.waiting.push(delivery);
            }
        }
    }

    /// Whether anything waits: one load, asked after each call.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.counter.0.load(Relaxed) == 0
    }

    /// How many deliveries wait.
    pub(crate) fn waits(&self) -> usize {
        self.counter.0.load(Relaxed)
    }

    /// Puts an event into the queue of each plugin that listens to `topic` and takes calls, in load order: one that is loaded may be
    /// enabled by the time that it is delivered. What waits counts as memory of
    /// the plugin that published.
    ///
    /// # Errors
    /// The limit that the publisher goes beyond by it; nobody gets the event then.
    pub(crate) fn publish(&self, topic: &str, value: Value, by: Option<&Origin>) -> Result<Published, Fault> {
        let (mut hear, mut full) = (Vec::new(), Vec::new());
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        for slot in listeners.get(topic).into_iter().flatten().filter(|slot| slot.state().takes_calls()) {
            if slot.origin.inbox.enter() { hear.push(slot.clone()) } else { full.push(slot.clone()) }
        }
        drop(listeners);
        if let Some(publisher) = by.filter(|_| !full.is_empty()) {
            publisher.tally.overflowed();
        }
        let give_back = || hear.iter().for_each(|slot| slot.origin.inbox.leave());
        let group = by.and_then(|publisher| publisher.group.as_ref()).filter(|_| !hear.is_empty());
        if let Some(group) = group {
            let entered = group.enqueue(hear.len()).map_err(|used_up| used_up.fault());
            entered.inspect_err(|_| give_back())?;
        }
        let export = hook::listener(topic);
        let bytes = value.weight() + (export.len() + size_of::<Event>() + hear.len() * size_of::<Delivery>()) as u64;
        let charge = match by.filter(|_| !hear.is_empty()) {
            None => Ok(None),
            Some(publisher) => publisher.ledger.charge(bytes).map(Some),
        };
        let charge = charge.inspect_err(|_| {
            give_back();
            hear.iter().for_each(|_| group.iter().for_each(|group| group.dequeue()));
        })?;
        let event = Arc::new(Event { export, value: [value], _charge: charge });
        let queued = u32::try_from(hear.len()).unwrap_or(u32::MAX);
        self.counter.0.fetch_add(hear.len(), Relaxed);
        for slot in hear {
            outbox::push(Delivery {
                slot,
                event: event.clone(),
                counter: self.counter.clone(),
                group: group.cloned(),
                state: None,
            });
        }
        Ok(Published { queued, full, event })
    }
}
