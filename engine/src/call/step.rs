//! The steps of a [`Slot`]'s life: taken, kept, and told to whoever observes.

use std::sync::atomic::Ordering::SeqCst;

use super::{
    Slot,
    chronicle::{Cause, Moment},
    state::{Illegal, State, Transition},
};
use crate::error::Error;

impl Slot {
    /// Takes a step, keeps it and tells it; gives where the plugin stood.
    ///
    /// # Errors
    /// Where it cannot be taken; nothing has changed then.
    pub(crate) fn step(&self, step: Transition, reason: &str, error: Option<&Error>) -> Result<State, Illegal> {
        let (from, to) = self.step_unheard(step, reason, error)?;
        self.tell_at(step, Moment::After, error, to);
        Ok(from)
    }

    /// Takes a step and keeps it: whoever takes it tells it when nothing is more urgent. Gives from where to where it led.
    ///
    /// # Errors
    /// Those of [`Slot::step`].
    pub(crate) fn step_unheard(
        &self,
        step: Transition,
        reason: &str,
        error: Option<&Error>,
    ) -> Result<(State, State), Illegal> {
        let change = || {
            let mut from = self.state();
            loop {
                let to = from.after(step)?;
                match self.state.compare_exchange(from as u8, to as u8, SeqCst, SeqCst) {
                    Ok(_) => return Ok((from, to)),
                    Err(other) => from = State::from_u8(other),
                }
            }
        };
        match self.origin.engine.upgrade() {
            Some(engine) => engine.chronicle.keep(&Cause { reason, ..self.cause(step, error) }, change),
            None => change(),
        }
    }

    /// Tells that a step begins, was taken or has failed.
    pub(crate) fn tell(&self, step: Transition, moment: Moment, error: Option<&Error>) {
        self.tell_at(step, moment, error, self.state());
    }

    fn tell_at(&self, step: Transition, moment: Moment, error: Option<&Error>, state: State) {
        if let Some(engine) = self.origin.engine.upgrade() {
            engine.chronicle.tell(&self.cause(step, error), moment, state);
        }
    }

    /// Tells what the trust store says of it, which goes on.
    pub(crate) fn warn(&self, warning: &str) {
        if let Some(engine) = self.origin.engine.upgrade() {
            let cause = Cause { reason: warning, ..self.cause(Transition::Vet, None) };
            engine.chronicle.tell(&cause, Moment::Warned, self.state());
        }
    }

    fn cause<'a>(&'a self, step: Transition, error: Option<&'a Error>) -> Cause<'a> {
        Cause { plugin: &self.about.name, handle: Some(self.id), step, reason: "", error }
    }
}
