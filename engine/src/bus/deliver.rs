//! [`Round`]: hands events that wait to their listeners.

use std::{any::TypeId, sync::Arc};

use modhost_backend::{Instance, scope};

use super::{
    outbox::{self, Delivery},
    publish::{Bus, Published},
};
use crate::{
    call::{PluginId, State},
    error::{Code, Error, Stage},
    inner::Inner,
    lifecycle::hook,
    report::Answers,
};

/// One round of deliveries: what waited before it, what this thread published, and what listeners publish meanwhile.
pub(crate) struct Round<'a> {
    inner: &'a Inner,
    answers: Answers,
}

impl Bus {
    /// The next delivery that a state of this type may be lent to: what waited longer comes first.
    fn next(&self, state: TypeId) -> Option<Delivery> {
        for _ in 0..self.waiting.len() {
            match self.waiting.pop() {
                Some(delivery) if delivery.state.is_none_or(|own| own == state) => return Some(delivery),
                Some(other) => self.waiting.push(other),
                None => break,
            }
        }
        outbox::pop(&self.counter)
    }

    /// Leaves what this thread published to the next round of any thread; `state` is what that round must lend.
    pub(crate) fn park(&self, state: Option<TypeId>) {
        while let Some(mut delivery) = outbox::pop(&self.counter) {
            delivery.state = state;
            self.waiting.push(delivery);
        }
    }
}

impl<'a> Round<'a> {
    pub(crate) fn new(inner: &'a Inner) -> Self {
        Round { inner, answers: Answers::default() }
    }

    /// Notes whose queue had no room for the event.
    pub(crate) fn missed(&mut self, published: &Published) {
        for slot in &published.full {
            let fault = slot.meter.limit_fault(modhost_backend::Resource::Queue);
            self.answers.failed.push(Error::from_fault(Stage::Call, fault).of(&slot.about.name));
        }
    }

    /// Delivers until nothing waits or the policy's number of deliveries is used up. The values that listeners return are kept of
    /// the event `of`.
    pub(crate) fn run<S: 'static>(mut self, state: &mut S, of: Option<&Published>) -> Answers {
        let bus = &self.inner.bus;
        let mut busy = Vec::new();
        let lent = TypeId::of::<S>();
        for _ in 0..self.inner.policy.deliveries {
            let Some(mut delivery) = bus.next(lent) else { break };
            if delivery.slot.state() != State::Active {
                continue;
            }
            self.answers.delivered += 1;
            match self.hand(state, &delivery) {
                Ok(Some((plugin, value))) if of.is_some_and(|of| Arc::ptr_eq(&of.event, &delivery.event)) => {
                    self.answers.values.push((plugin, value));
                }
                Ok(_) => {}
                // It runs a call of another thread: the event waits until that is over.
                Err(error) if error.code() == Code::HostBusy => {
                    self.answers.delivered -= 1;
                    delivery.state = Some(lent);
                    busy.push(delivery);
                }
                Err(error) => self.answers.failed.push(error),
            }
        }
        bus.park(Some(lent));
        busy.into_iter().for_each(|delivery| bus.waiting.push(delivery));
        self.rest()
    }

    /// What came of it so far, without delivering anything.
    pub(crate) fn rest(mut self) -> Answers {
        self.answers.left = self.inner.bus.waits();
        self.answers
    }

    fn hand<S: 'static>(
        &self,
        state: &mut S,
        delivery: &Delivery,
    ) -> Result<Option<(PluginId, modhost_abi::Value)>, Error> {
        let event = &delivery.event;
        let call =
            |instance: &mut dyn Instance| scope::lend(state, || hook::call(instance, &event.export, &event.value));
        let slot = &delivery.slot;
        let (value, _) = slot.run(&self.inner.watchdog, &self.inner.audit, Stage::Call, call)?;
        Ok(value.map(|value| (slot.id, value)))
    }
}
