//! Events as the host sees them: [`Engine::emit`] and [`Engine::deliver`], and the round of deliveries that ends an outermost call.

use std::sync::Arc;

use modhost_abi::{IntoValue, Value};

use crate::{
    bus::Round,
    engine::Engine,
    error::{Error, Result, Stage},
    host,
    report::Answers,
};

impl Engine {
    /// Publishes an event: `on_<topic>` of every active plugin whose manifest listens to `topic` is called in load order, with
    /// `state` lent, and then whatever listeners published meanwhile is delivered in turn. A plugin that fails does not keep the
    /// others from being called; one whose queue ([`Limits::queue`](crate::Limits::queue)) has no room misses the event, which
    /// [`Answers::failed`] says.
    ///
    /// Plugins publish by `events.emit` ([`Builder::events`](crate::Builder::events)). An event that is published while a call
    /// runs, by a plugin or by a host function that comes here, waits until the outermost [`Engine::call`] of the thread has
    /// returned, and is delivered there: listeners never run inside the call that published. So plugins that answer each
    /// other's events do not nest; a round of deliveries ends after as many as
    /// [`Policy::deliveries`](crate::Policy::deliveries) says, and the rest waits for the next call, event or
    /// [`Engine::deliver`].
    ///
    /// ```
    /// use modhost::{Engine, Policy};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let plugin = folder.path().join("wolf");
    /// # std::fs::create_dir(&plugin)?;
    /// std::fs::write(plugin.join("plugin.toml"), "[plugin]\nid = 'wolf'\nversion = '1.0.0'\n[events]\nlisten = ['night.fall']")?;
    /// std::fs::write(plugin.join("main.lua"), "function on_night_fall(hour) return hour + 1 end")?;
    ///
    /// let engine = Engine::builder().build()?;
    /// let wolf = engine.load_path(plugin)?;
    /// engine.enable_plugin(&mut (), wolf)?;
    /// let answers = engine.emit(&mut (), "night.fall", 8)?;
    /// assert_eq!(answers.values, [(wolf, 9.into())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `script.type` for an event that is no value.
    pub fn emit<S: 'static>(&self, state: &mut S, topic: &str, event: impl IntoValue) -> Result<Answers> {
        let failed = |fault| Error::from_fault(Stage::Call, fault);
        let mut event = event.into_value().map_err(|error| failed(error.into()))?;
        let inner = self.inner();
        let mut publish =
            |by: Option<&host::Origin>| inner.bus.publish(topic, std::mem::replace(&mut event, Value::Nil), by);
        // Where a plugin's call led here, the event is that plugin's doing.
        let by_plugin = if self.is_called() { host::calling(|origin| publish(Some(origin))) } else { None };
        let published = by_plugin.unwrap_or_else(|| publish(None)).map_err(failed)?;
        let mut round = Round::new(inner);
        round.missed(&published);
        Ok(if self.is_called() { round.rest() } else { round.run(state, Some(&published)) })
    }

    /// Delivers events that wait, with `state` lent: those that were published while plugins were loaded, and those that earlier
    /// rounds left. Inside a call it delivers nothing.
    ///
    /// # Errors
    /// None so far; a plugin's own failure is among [`Answers::failed`].
    pub fn deliver<S: 'static>(&self, state: &mut S) -> Result<Answers> {
        let round = Round::new(self.inner());
        Ok(if self.is_called() { round.rest() } else { round.run(state, None) })
    }

    /// Ends a call from outside: what it published is delivered. Costs one load where there is nothing.
    #[inline]
    pub(crate) fn settle<S: 'static>(&self, state: &mut S) {
        if !self.inner().bus.is_idle() {
            self.settle_now(state);
        }
    }

    #[cold]
    fn settle_now<S: 'static>(&self, state: &mut S) {
        if !self.is_called() {
            // Who failed has counted it, and nobody waits for an answer here.
            let _ = Round::new(self.inner()).run(state, None);
        }
    }

    /// Whether a plugin of this engine is running on this thread, and a host function of it came here.
    fn is_called(&self) -> bool {
        host::calling(|origin| std::ptr::eq(origin.engine.as_ptr(), Arc::as_ptr(self.inner()))).unwrap_or(false)
    }
}
