//! The well-known exports that the host calls when it likes: `on_tick`, `on_save` and `on_restore`.

use std::sync::Arc;

use modhost_abi::{IntoValue, Value};
use modhost_backend::{Instance, scope};

use crate::{
    call::{Slot, State},
    engine::{Engine, Target},
    error::{Error, Result, Stage},
    lifecycle::hook,
    report::Answers,
};

impl Engine {
    /// Calls the export `name` of a plugin if it has it, with `state` lent if there is one.
    pub(crate) fn hook<S: 'static>(
        &self,
        state: Option<&mut S>,
        slot: &Slot,
        stage: Stage,
        name: &str,
        args: &[Value],
    ) -> Result<Option<Value>> {
        if !slot.about.exports(name) {
            return Ok(None);
        }
        let run = |instance: &mut dyn Instance| match state {
            Some(state) => scope::lend(state, || hook::call(instance, name, args)),
            None => scope::without(|| hook::call(instance, name, args)),
        };
        slot.run(&self.inner().watchdog, &self.inner().audit, stage, run).map(|(value, _)| value)
    }

    /// Calls `on_tick(dt)` of every active plugin that exports it, in load order; `dt` is the time since the last tick, in seconds if the
    /// game says nothing else. Then what was published is delivered. A plugin that fails does not keep the others from being called.
    ///
    /// ```
    /// use modhost::Engine;
    ///
    /// let engine = Engine::builder().build()?;
    /// let moon = engine.load_source("moon.lua", "local t = 0 function on_tick(dt) t = t + dt return t end")?;
    /// engine.enable_plugin(&mut (), moon)?;
    /// engine.tick(&mut (), 0.25);
    /// assert_eq!(engine.tick(&mut (), 0.5).values, [(moon, 0.75.into())]);
    /// # Ok::<(), modhost::Error>(())
    /// ```
    pub fn tick<S: 'static>(&self, state: &mut S, dt: f64) -> Answers {
        let mut answers = Answers::default();
        let mut slots: Vec<Arc<Slot>> = self.inner().slots().iter().cloned().collect();
        slots.retain(|slot| slot.about.exports("on_tick"));
        slots.sort_by_key(|slot| slot.id.generation);
        for slot in slots {
            // Asked now: one before it may have disabled it.
            if slot.state() != State::Active {
                continue;
            }
            match self.hook(Some(state), &slot, Stage::Call, "on_tick", &[Value::Float(dt)]) {
                Ok(Some(value)) => answers.values.push((slot.id, value)),
                Ok(None) => {}
                Err(error) => answers.failed.push(error),
            }
        }
        self.settle(state);
        answers
    }

    /// What a plugin wants to be kept: the value of `on_save()`, with `state` lent; `None` where it exports none.
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub fn save<'t, S: 'static>(&self, state: &mut S, plugin: impl Into<Target<'t>>) -> Result<Option<Value>> {
        let slot = self.inner().slot(plugin.into())?;
        let saved = self.hook(Some(state), &slot, Stage::Call, "on_save", &[]);
        self.settle(state);
        saved
    }

    /// Gives a plugin what it once saved, by `on_restore(value, from_version)`, with `state` lent; `from_version` is the version that
    /// saved it. False where it exports none, and so wants nothing.
    ///
    /// ```
    /// use modhost::Engine;
    ///
    /// let engine = Engine::builder().build()?;
    /// let source = "local n = 0 function howl() n = n + 1 return n end function on_save() return n end function on_restore(value) n = value end";
    /// let wolf = engine.load_source("wolf.lua", source)?;
    /// engine.call::<_, i64>(&mut (), wolf, "howl", ())?;
    /// let saved = engine.save(&mut (), wolf)?.unwrap();
    /// engine.unload(wolf)?;
    /// let wolf = engine.load_source("wolf.lua", source)?;
    /// assert!(engine.restore(&mut (), wolf, saved, "0.0.0")?);
    /// assert_eq!(engine.call::<_, i64>(&mut (), wolf, "howl", ())?, 2);
    /// # Ok::<(), modhost::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub fn restore<'t, S: 'static>(
        &self,
        state: &mut S,
        plugin: impl Into<Target<'t>>,
        value: impl IntoValue,
        from_version: &str,
    ) -> Result<bool> {
        let slot = self.inner().slot(plugin.into())?;
        let value =
            value.into_value().map_err(|error| Error::from_fault(Stage::Call, error.into()).of(&slot.about.name))?;
        let restored = self.hook(Some(state), &slot, Stage::Call, "on_restore", &[value, Value::from(from_version)]);
        self.settle(state);
        restored?;
        Ok(slot.about.exports("on_restore"))
    }
}
