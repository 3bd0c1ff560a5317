//! [`Ledger`]: the memory of one plugin, that of its instance and what the host holds because of it, and the limits over it: its
//! own, its group's and that of all plugins together.
//!
//! What the host holds is charged where it is made, by whoever makes it, and given back where it is dropped; a [`Charge`] does that
//! by itself. The instance is weighed after each call, since only its backend can, and nobody may ask it while it runs: within a
//! call what the host holds is judged together with what the instance held when the call began, and each alone as it grows.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use modhost_abi::Value;
use modhost_backend::{Fault, FaultKind, Meter, Resource};

use super::{
    group::{Group, UsedUp},
    held::{GRAIN, Held, grains},
};
use crate::error::Error;

/// Stands for an instance whose backend cannot tell.
const UNKNOWN: u64 = u64::MAX;

/// Whether `value` has at most `levels` of containers.
fn within(value: &Value, levels: u32) -> bool {
    match (value, levels.checked_sub(1)) {
        (Value::List(items), Some(levels)) => items.iter().all(|item| within(item, levels)),
        (Value::Map(map), Some(levels)) => map.iter().all(|(_, item)| within(item, levels)),
        (Value::List(_) | Value::Map(_), None) => false,
        _ => true,
    }
}

/// Drops `value` level by level.
fn take_apart(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::List(items) => rest.extend(items),
            Value::Map(map) => rest.extend(map.into_iter().map(|(_, item)| item)),
            _ => {}
        }
    }
}

/// The memory of one plugin.
#[derive(Debug)]
pub(crate) struct Ledger {
    meter: Arc<Meter>,
    engine: Arc<Held>,
    group: Option<Arc<Group>>,
    /// Bytes that the host holds because of the plugin.
    host: AtomicU64,
    /// Bytes that its instance held after the last call. Written by whoever has the instance.
    guest: AtomicU64,
    /// What ended the plugin, where it was not its own limit alone.
    cause: OnceLock<(Resource, u64, String)>,
}

impl Ledger {
    pub(crate) fn new(meter: Arc<Meter>, engine: Arc<Held>, group: Option<Arc<Group>>) -> Self {
        Ledger { meter, engine, group, host: AtomicU64::new(0), guest: AtomicU64::new(UNKNOWN), cause: OnceLock::new() }
    }

    /// Bytes that the instance held after its last call, where its backend knows.
    pub(crate) fn guest(&self) -> Option<u64> {
        Some(self.guest.load(Relaxed)).filter(|bytes| *bytes != UNKNOWN)
    }

    /// Bytes that the host holds because of the plugin.
    pub(crate) fn host(&self) -> u64 {
        self.host.load(Relaxed)
    }

    /// Charges what the host holds from now on.
    ///
    /// # Errors
    /// The limit that it goes beyond; the plugin is ended. The bytes are charged all the same: whoever lets go of them gives them
    /// back.
    pub(crate) fn add(&self, bytes: u64) -> Result<(), Fault> {
        let before = self.host.fetch_add(bytes, Relaxed);
        let now = before.saturating_add(bytes);
        let guest = self.guest.load(Relaxed);
        let over = if guest == UNKNOWN { now } else { guest.saturating_add(now) } > self.meter.limits().memory;
        let (before, now) = (grains(before), grains(now));
        if before != now {
            self.change(before, now)?;
        }
        if over { Err(self.meter.exceeded(Resource::Memory)) } else { Ok(()) }
    }

    /// Gives back what was charged.
    pub(crate) fn sub(&self, bytes: u64) {
        let before = self.host.fetch_sub(bytes, Relaxed);
        let (before, now) = (grains(before), grains(before.saturating_sub(bytes)));
        if before != now {
            self.note(before, now);
        }
    }

    /// Charges `bytes` for as long as the charge lives.
    ///
    /// # Errors
    /// As [`Ledger::add`]; nothing stays charged then.
    pub(crate) fn charge(self: &Arc<Self>, bytes: u64) -> Result<Charge, Fault> {
        let charge = Charge { ledger: self.clone(), bytes };
        self.add(bytes).map(|()| charge)
    }

    /// A value that the host made for the plugin, if it is nested no deeper than values may be: whatever walks over it recurses,
    /// and so does dropping it. Which depth exactly is too deep the backend says.
    ///
    /// # Errors
    /// The limit of a value. The plugin, which is not to blame, goes on.
    #[inline]
    pub(crate) fn shallow(&self, value: Value) -> Result<Value, Fault> {
        if !matches!(value, Value::List(_) | Value::Map(_)) || within(&value, self.meter.limits().value.depth) {
            return Ok(value);
        }
        take_apart(value);
        Err(self.meter.limit_fault(Resource::Value))
    }

    /// Charges values on their way through the host, for as long as the charge lives. Less than a grain is not worth the
    /// counting: so much is rounded up anyway, and only a few levels of calls hold it at a time.
    ///
    /// # Errors
    /// As [`Ledger::charge`].
    #[inline]
    pub(crate) fn in_flight(self: &Arc<Self>, values: &[Value]) -> Result<Option<Charge>, Fault> {
        let scalar = |value: &Value| {
            matches!(value, Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Handle(_))
        };
        if values.iter().all(scalar) { Ok(None) } else { self.weigh_in_flight(values) }
    }

    #[inline(never)]
    fn weigh_in_flight(self: &Arc<Self>, values: &[Value]) -> Result<Option<Charge>, Fault> {
        let bytes = values.iter().map(Value::weight).sum();
        if bytes < GRAIN { Ok(None) } else { self.charge(bytes).map(Some) }
    }

    /// Notes what the instance holds after a call. The plugin that grows beyond what it may, or beyond what all may hold together,
    /// is ended: it is the one whose growth can be undone.
    #[inline]
    pub(crate) fn weigh(&self, now: Option<usize>) -> Result<(), Fault> {
        let now = now.map_or(UNKNOWN, |bytes| bytes as u64);
        let before = self.guest.load(Relaxed);
        if now == before { Ok(()) } else { self.grown(before, now) }
    }

    fn grown(&self, before: u64, now: u64) -> Result<(), Fault> {
        self.guest.store(now, Relaxed);
        let (from, to) = (grains(before), grains(now));
        if from != to {
            self.change(from, to)?;
        }
        // What it holds alone its backend has judged.
        let host = self.host.load(Relaxed);
        if now != UNKNOWN && host > 0 && now.saturating_add(host) > self.meter.limits().memory {
            return Err(self.meter.exceeded(Resource::Memory));
        }
        Ok(())
    }

    /// The plugin went from `before` grains to `now`.
    fn note(&self, before: u64, now: u64) {
        self.engine.change(before, now);
        if let Some(group) = &self.group {
            group.held.change(before, now);
        }
    }

    #[cold]
    fn change(&self, before: u64, now: u64) -> Result<(), Fault> {
        self.note(before, now);
        if now <= before {
            return Ok(());
        }
        if let Some(group) = self.group.as_ref().filter(|group| group.held.exceeded()) {
            let most = group.held.most();
            let message = format!(
                "the plugins of the group `{}` hold {} bytes, more than the {most} that they may, and this one grew last",
                group.name(),
                group.held.bytes()
            );
            return Err(self.end(Resource::Group, most, message));
        }
        if self.engine.exceeded() {
            let most = self.engine.most();
            let message = format!(
                "all plugins together hold {} bytes, more than the {most} that the policy allows, and this one grew last",
                self.engine.bytes()
            );
            return Err(self.end(Resource::Memory, most, message));
        }
        Ok(())
    }

    /// Ends the plugin for a limit that is not its own, and remembers which.
    pub(crate) fn end(&self, resource: Resource, limit: u64, message: String) -> Fault {
        self.meter.kill(resource);
        // The first cause holds.
        let _ = self.cause.set((resource, limit, message));
        Fault::new(FaultKind::Limit { resource, limit })
    }

    /// The fault that ended a call, where it was capped by its group: running out of fuel is the group's limit then.
    pub(crate) fn blame(&self, fault: Fault, capped: Option<Box<UsedUp>>) -> Fault {
        match (fault.kind(), capped) {
            (FaultKind::Limit { resource: Resource::Fuel, .. }, Some(capped)) => {
                self.end(Resource::Group, capped.limit, capped.message).placed_like(&fault)
            }
            _ => fault,
        }
    }

    /// The error that ended the plugin, in the words of what ended it.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match self.cause.get() {
            Some((resource, limit, message)) if error.code().as_str() == resource.code() => {
                error.saying(message.as_str()).at_limit(*limit)
            }
            _ => error,
        }
    }

    /// The instance is gone.
    pub(crate) fn release(&self) {
        let before = self.guest.swap(0, Relaxed);
        self.note(grains(before), 0);
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // What was charged without a guard: lines, names, records.
        let (host, guest) = (*self.host.get_mut(), *self.guest.get_mut());
        self.note(grains(host), 0);
        self.note(grains(guest), 0);
    }
}

/// Bytes that the host holds because of a plugin, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    ledger: Arc<Ledger>,
    bytes: u64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.ledger.sub(self.bytes);
    }
}
