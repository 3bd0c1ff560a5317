//! Unloading: [`Engine::unload`], [`Engine::unload_with`], [`Engine::unload_all`] and [`Engine::shutdown`]. Nothing that a plugin does
//! keeps it: its exports run under its limits, and if they fail, or cannot run, it goes without.

use std::{sync::Arc, thread, time::Duration};

use crate::{
    audit::Event,
    call::{About, CancelHandle, Illegal, Moment, Need, Rest, Slot, State, Transition},
    enabling::cannot,
    engine::{Engine, Target},
    error::{Code, Error, Result, Stage},
    host::calling,
    report::Stopped,
};

/// How often a shutdown looks whether a call has returned.
const LOOK: Duration = Duration::from_millis(1);
/// How many times it looks after it has asked the call to end.
const LATE: u32 = 100;

/// What becomes of the plugins that need the one that goes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Dependents {
    /// They keep it: `lifecycle.dependents`.
    #[default]
    Refuse,
    /// They go first, those that were loaded last before the others.
    Cascade,
}

/// How long a call that runs is waited for: asked each time, and told how often it was asked about the same plugin.
pub(crate) struct Wait<'a>(Box<More<'a>>);

/// Whether to look again.
type More<'a> = dyn FnMut(&Slot, &mut u32) -> bool + 'a;

impl<'a> Wait<'a> {
    /// Not at all.
    pub(crate) fn not() -> Self {
        Wait(Box::new(|_, _| false))
    }

    fn by(more: impl FnMut(&Slot, &mut u32) -> bool + 'a) -> Self {
        Wait(Box::new(more))
    }

    /// Waits while `held` says that the plugin is held.
    fn on(&mut self, slot: &Slot, held: impl Fn(&Slot) -> bool) {
        let mut late = 0;
        while held(slot) && (self.0)(slot, &mut late) {}
    }
}

impl Engine {
    /// Unloads a plugin that no other needs. `on_disable` and `on_unload` run without the host's state, as `on_load` does; to lend it to
    /// `on_disable`, or to take others along, use [`Engine::unload_with`]. Whatever they do the plugin is gone afterwards; a call of it
    /// that runs goes on to its end, and what it holds goes with it.
    ///
    /// # Errors
    /// `plugin.not-found`, `lifecycle.dependents`, and `host.busy` for one that is being loaded.
    pub fn unload<'t>(&self, plugin: impl Into<Target<'t>>) -> Result<()> {
        self.take_away(None::<&mut ()>, plugin.into(), Dependents::Refuse).map(|_| ())
    }

    /// Unloads a plugin: `on_disable` runs with `state` lent if it is active, then `on_unload` without. What is loaded and needs it keeps
    /// it, or goes first, as `dependents` says.
    ///
    /// After that nothing of it is left in the engine: no instance, listener, waiting event, ticket or byte. What the host itself keeps
    /// for it, the host lets go: [`Handles::release`](crate::Handles::release), on the event `unload.after` for instance.
    ///
    /// # Errors
    /// As [`Engine::unload`]; failures of the plugins' exports are in [`Stopped::failed`].
    pub fn unload_with<'t, S: 'static>(
        &self,
        state: &mut S,
        plugin: impl Into<Target<'t>>,
        dependents: Dependents,
    ) -> Result<Stopped> {
        let stopped = self.take_away(Some(state), plugin.into(), dependents);
        self.settle(state);
        stopped
    }

    /// Unloads all plugins, those that were loaded last first. One that another thread is loading meanwhile may be left.
    pub fn unload_all<S: 'static>(&self, state: &mut S) -> Stopped {
        let stopped = self.all(state, "with all others", &mut Wait::not());
        self.settle(state);
        stopped
    }

    /// Ends the engine's work: from now on loading gives `lifecycle.shutdown`, and all plugins are unloaded, those that were loaded last
    /// first. No new call begins once it is a plugin's turn; one that runs is waited for until `deadline` from now has passed on the
    /// engine's [`Clock`](crate::Clock), then asked to end as by a [`CancelHandle`]. What does not end then is in [`Stopped::running`]:
    /// native code, or the call that this function is called from, which is asked at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use modhost::{Code, Engine};
    ///
    /// let engine = Engine::builder().build()?;
    /// engine.load_source("wolf.lua", "function on_unload() error('never!') end")?;
    /// let stopped = engine.shutdown(&mut (), Duration::from_secs(1));
    /// assert_eq!((stopped.plugins.len(), stopped.failed[0].code(), stopped.running.len()), (1, Code::ScriptRaised, 0));
    /// assert_eq!(engine.load_source("wolf.lua", "").unwrap_err().code(), Code::LifecycleShutdown);
    /// # Ok::<(), modhost::Error>(())
    /// ```
    pub fn shutdown<S: 'static>(&self, state: &mut S, deadline: Duration) -> Stopped {
        let inner = self.inner();
        inner.close();
        let end = inner.audit.now().saturating_add(deadline);
        let mut wait = Wait::by(|slot, late| {
            // A call cannot return while it waits here.
            let own = calling(|origin| std::ptr::eq(origin, &*slot.origin)).unwrap_or(false);
            if own {
                *late = LATE;
            }
            if own || inner.audit.now() >= end {
                *late += 1;
                // It may have returned by now.
                let _ = CancelHandle::new(&slot.meter).cancel();
            }
            if *late <= LATE {
                thread::park_timeout(LOOK);
            }
            *late <= LATE
        });
        let stopped = self.all(state, "the engine is shut down", &mut wait);
        self.settle(state);
        stopped
    }

    fn all<S: 'static>(&self, state: &mut S, reason: &str, wait: &mut Wait<'_>) -> Stopped {
        let mut stopped = Stopped::default();
        for slot in self.latest_first() {
            wait.on(&slot, |slot| slot.state() == State::Resolved);
            if self.take_down(Some(state), &slot, reason, wait, &mut stopped).is_err()
                && slot.state() == State::Resolved
            {
                stopped.running.push(slot.about.name.clone());
            }
        }
        stopped
    }

    fn latest_first(&self) -> Vec<Arc<Slot>> {
        let mut slots: Vec<Arc<Slot>> = self.inner().slots().iter().cloned().collect();
        slots.sort_by_key(|slot| std::cmp::Reverse(slot.id.generation));
        slots
    }

    /// The plugins that need `slot`, directly or not, and are in a state that counts; those that were loaded last come first.
    ///
    /// # Errors
    /// `lifecycle.dependents` where there are some and they are not to go, too.
    pub(crate) fn users(
        &self,
        slot: &Slot,
        dependents: Dependents,
        stage: Stage,
        counts: fn(State) -> bool,
    ) -> Result<Vec<Arc<Slot>>> {
        let mut others: Vec<Arc<Slot>> =
            self.latest_first().into_iter().filter(|other| other.id != slot.id && counts(other.state())).collect();
        let mut going = vec![&slot.about];
        loop {
            let goes = |about: &About| going.iter().any(|other| other.name == about.name);
            let loses = |other: &&Arc<Slot>| {
                let lost = |need: &Need| {
                    going.iter().any(|other| need.is_met_by(other))
                        && !others.iter().any(|other| !goes(&other.about) && need.is_met_by(&other.about))
                        && !self.offers(need)
                };
                !goes(&other.about) && other.about.needs.all.iter().any(lost)
            };
            let more: Vec<&About> = others.iter().filter(loses).map(|other| &other.about).collect();
            if more.is_empty() {
                break;
            }
            going.extend(more);
        }
        let going: Vec<String> = going.iter().map(|about| about.name.clone()).collect();
        others.retain(|other| going.contains(&other.about.name));
        if others.is_empty() || dependents == Dependents::Cascade {
            return Ok(others);
        }
        let names: Vec<&str> = others.iter().map(|other| other.about.name.as_str()).collect();
        let message = format!("the plugin is needed by {}", names.join(", "));
        Err(Error::new(Code::LifecycleDependents, stage, message).of(&slot.about.name))
    }

    fn take_away<S: 'static>(
        &self,
        mut state: Option<&mut S>,
        plugin: Target<'_>,
        dependents: Dependents,
    ) -> Result<Stopped> {
        let slot = self.inner().slot(plugin)?;
        slot.state().after(Transition::Unload).map_err(|illegal| cannot(&slot, illegal, Stage::Unload))?;
        let loaded = |state| matches!(state, State::Loaded | State::Active | State::Disabled);
        let users = self.users(&slot, dependents, Stage::Unload, loaded)?;
        let mut stopped = Stopped::default();
        for user in users {
            let reason = format!("needs {}, which is unloaded", slot.about.name);
            // Another thread may have unloaded it meanwhile.
            let _ = self.take_down(state.as_deref_mut(), &user, &reason, &mut Wait::not(), &mut stopped);
        }
        self.take_down(state, &slot, "by the host", &mut Wait::not(), &mut stopped)
            .map_err(|illegal| cannot(&slot, illegal, Stage::Unload))?;
        Ok(stopped)
    }

    /// Unloads a plugin that was loaded a moment ago and cannot stay; whatever needs it goes by itself.
    pub(crate) fn take_away_for(&self, slot: &Arc<Slot>, reason: &str) {
        // The host may have unloaded it meanwhile; what its exports say is nobody's error any more.
        let _ = self.take_down(None::<&mut ()>, slot, reason, &mut Wait::not(), &mut Stopped::default());
    }

    fn take_down<S: 'static>(
        &self,
        state: Option<&mut S>,
        slot: &Arc<Slot>,
        reason: &str,
        wait: &mut Wait<'_>,
        stopped: &mut Stopped,
    ) -> Result<(), Illegal> {
        let inner = self.inner();
        slot.state().after(Transition::Unload)?;
        if slot.state() == State::Active {
            let mut off = Stopped::default();
            // Where another thread was faster there is nothing to do.
            let _ = self.switch_off(state, slot, reason, wait, &mut off);
            stopped.failed.append(&mut off.failed);
        }
        slot.tell(Transition::Unload, Moment::Before, None);
        // From here on it is this thread that unloads it.
        slot.step(Transition::Unload, reason, None)?;
        let unload = (Stage::Unload, Transition::Unload, "on_unload");
        self.last_words(None::<&mut S>, slot, unload, wait, stopped);
        if slot.rest() == Rest::Running {
            stopped.running.push(slot.about.name.clone());
        }
        inner.remove(slot);
        inner.loaded();
        inner.audit.record(Event::Unloaded, &slot.about, reason);
        stopped.plugins.push((slot.id, slot.about.name.clone()));
        Ok(())
    }

    /// Runs an export of a plugin that takes no more calls, once its instance is at rest.
    pub(crate) fn last_words<S: 'static>(
        &self,
        state: Option<&mut S>,
        slot: &Arc<Slot>,
        (stage, step, export): (Stage, Transition, &str),
        wait: &mut Wait<'_>,
        stopped: &mut Stopped,
    ) {
        wait.on(slot, |slot| slot.rest() == Rest::Running);
        if !slot.about.exports(export) {
            return;
        }
        let busy = |call: &str| {
            let message = format!("`{export}` did not run: a call of the plugin {call}");
            Err(Error::new(Code::HostBusy, stage, message).of(&slot.about.name))
        };
        let said = match slot.rest() {
            Rest::Here => self.hook(state, slot, stage, export, &[]),
            Rest::Running => busy("is running"),
            Rest::Suspended => busy("is suspended"),
            Rest::Gone => return,
        };
        if let Err(error) = said {
            slot.tell(step, Moment::Failed, Some(&error));
            stopped.failed.push(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slot, what calls out of it come from, and its meter are gone with the plugin: nobody holds one of them, not the bus, not the
    /// host functions that it linked, not the watchdog.
    #[test]
    fn no_part_of_an_unloaded_plugin_is_held() {
        for (file, source) in [
            ("p.lua", "function on_enable() game.howl() end function on_unload() game.howl() end"),
            ("p.rhai", "fn on_enable() { game::howl() } fn on_unload() { game::howl() }"),
            ("p.wat", r#"(module (import "game" "howl" (func $howl)) (func (export "on_unload") (call $howl)))"#),
        ] {
            let engine = Engine::builder().function("game.howl", || ()).build().unwrap();
            let plugin = engine.load_source(file, source).unwrap();
            engine.enable_plugin(&mut (), plugin).unwrap();
            let slot = engine.inner().slot(plugin.into()).unwrap();
            let (origin, meter) = (Arc::downgrade(&slot.origin), Arc::downgrade(&slot.meter));
            let slot = {
                let weak = Arc::downgrade(&slot);
                drop(slot);
                weak
            };
            engine.unload(plugin).unwrap();
            assert_eq!((slot.strong_count(), origin.strong_count()), (0, 0), "{file}");
            // The watchdog may be looking at it this moment.
            while meter.strong_count() > 0 {
                thread::yield_now();
            }
        }
    }
}
