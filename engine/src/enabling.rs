//! Enabling and disabling while the engine runs: [`Engine::enable`], [`Engine::disable`], [`Engine::quarantine`], and
//! [`Engine::history`], which says how a plugin came where it stands.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use modhost_abi::Value;
use semver::VersionReq;

use crate::{
    audit::Event,
    call::{CancelHandle, Change, Illegal, Moment, Need, Slot, State, Transition, Wanted},
    engine::{Engine, Target},
    error::{Code, Error, Result, Stage},
    report::{Answers, Mods, Stopped},
    unloading::{Dependents, Wait},
};

/// A thread enables a plugin; a second one must not run `on_enable` meanwhile.
struct Enabling<'a>(&'a AtomicBool);

impl<'a> Enabling<'a> {
    fn enter(slot: &'a Slot) -> Option<Self> {
        slot.enabling.compare_exchange(false, true, SeqCst, SeqCst).is_ok().then_some(Enabling(&slot.enabling))
    }
}

impl Drop for Enabling<'_> {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

impl Engine {
    /// Enables the plugins of `mods` in load order: runs `on_enable` with `state` lent, and from then on they hear events. What is
    /// active already is left as it is. What was published while they were loaded and enabled is delivered at the end.
    ///
    /// A plugin that is loaded takes calls; events wait for it, and are dropped if it is not enabled by the time they are delivered.
    /// One whose `on_enable` fails stays where it stood, without `on_disable`, or has failed if that ended it; those that need it are
    /// not enabled (`lifecycle.dependency`); the others are. So it is with one that is disabled, or loses what it needs, meanwhile.
    ///
    /// # Errors
    /// None so far; a plugin's own failure is among [`Answers::failed`].
    pub fn enable<S: 'static>(&self, state: &mut S, mods: &Mods) -> Result<Answers> {
        let mut answers = Answers::default();
        for loaded in &mods.loaded {
            let Ok(slot) = self.inner().slot(loaded.plugin.into()) else { continue };
            if slot.state() == State::Active {
                continue;
            }
            match self.switch_on(state, &slot) {
                Ok(Some(value)) => answers.values.push((slot.id, value)),
                Ok(None) => {}
                Err(error) => answers.failed.push(error),
            }
        }
        self.settle(state);
        Ok(answers)
    }

    /// Enables one plugin, as [`Engine::enable`] does.
    ///
    /// ```
    /// use modhost::{Dependents, Engine, State};
    ///
    /// let engine = Engine::builder().build()?;
    /// let wolf = engine.load_source("wolf.lua", "local awake = 0 function on_enable() awake = awake + 1 end function nights() return awake end")?;
    /// engine.enable_plugin(&mut (), wolf)?;
    /// engine.disable(&mut (), wolf, Dependents::Refuse)?;
    /// assert_eq!(engine.plugins()[0].state, State::Disabled);
    /// engine.enable_plugin(&mut (), wolf)?;
    /// assert_eq!(engine.call::<_, i64>(&mut (), wolf, "nights", ())?, 2);
    /// let steps: Vec<State> = engine.history(wolf).iter().map(|change| change.to).collect();
    /// assert_eq!(steps[2..], [State::Loaded, State::Active, State::Disabled, State::Active]);
    /// # Ok::<(), modhost::Error>(())
    /// ```
    ///
    /// # Errors
    /// `lifecycle.illegal` for one that is active, `lifecycle.dependency`, `plugin.not-found`, `plugin.killed`, `plugin.quarantined`,
    /// `host.busy`, `audit.failed`, `host.check-depth` where the host's observers enable and disable without end, and whatever its
    /// `on_enable` gives.
    pub fn enable_plugin<'t, S: 'static>(&self, state: &mut S, plugin: impl Into<Target<'t>>) -> Result<()> {
        let slot = self.inner().slot(plugin.into())?;
        let result = self.switch_on(state, &slot);
        self.settle(state);
        result.map(|_| ())
    }

    fn switch_on<S: 'static>(&self, state: &mut S, slot: &Arc<Slot>) -> Result<Option<Value>> {
        let Some(_enabling) = Enabling::enter(slot) else {
            let message = "the plugin is already being enabled";
            return Err(Error::new(Code::HostBusy, Stage::Enable, message).of(&slot.about.name));
        };
        let stood = slot.state();
        stood.after(Transition::Enable).map_err(|illegal| cannot(slot, illegal, Stage::Enable))?;
        self.inner().may_step().map_err(|error| error.of(&slot.about.name))?;
        slot.tell(Transition::Enable, Moment::Before, None);
        let audit = &self.inner().audit;
        let refused = |error: &Error| audit.error(Event::Refused, &slot.about, error);
        let ran = self
            .met(slot)
            .and_then(|()| audit.ready(&slot.about, Stage::Enable))
            .inspect_err(refused)
            // What fails in it has a record already.
            .and_then(|()| self.hook(Some(state), slot, Stage::Enable, "on_enable", &[]));
        let enabled = ran.and_then(|value| {
            // Meanwhile the host may have done anything, in a function that `on_enable` calls for instance.
            let enabled = self.met(slot).and_then(|()| self.now_active(slot, stood, "by the host"));
            enabled.map(|()| value).inspect_err(refused)
        });
        enabled.inspect_err(|error| slot.tell(Transition::Enable, Moment::Failed, Some(error)))
    }

    /// Records that a plugin is enabled, and only then takes the step.
    fn now_active(&self, slot: &Slot, stood: State, reason: &str) -> Result<()> {
        if stood != State::Disabled && slot.state() == State::Disabled {
            let message = "the plugin was disabled while it was being enabled";
            return Err(Error::new(Code::LifecycleIllegal, Stage::Enable, message).of(&slot.about.name));
        }
        self.inner().audit.must(Event::Enabled, &slot.about, Stage::Enable, reason)?;
        let step = slot.step(Transition::Enable, reason, None);
        step.map(|_| ()).map_err(|illegal| cannot(slot, illegal, Stage::Enable))
    }

    /// Whether what it needs first is enabled.
    fn met(&self, slot: &Slot) -> Result<()> {
        for need in slot.about.needs.all.iter().filter(|need| need.first && !self.offers(need)) {
            let serves = |other: &Slot| need.is_met_by(&other.about) && other.state() == State::Active;
            let named = |id: &String| self.inner().slot(Target::Name(id)).ok();
            let message = match &need.of {
                Wanted::Plugins(any) => {
                    if any.iter().any(|(id, _)| named(id).is_some_and(|other| serves(&other))) {
                        continue;
                    }
                    let stands = |(id, fits): &(String, VersionReq)| match named(id) {
                        Some(other) if fits.matches(&other.about.version) => {
                            format!("{id}, which is {}", other.state())
                        }
                        Some(other) => format!("{id} {fits}, and {} is there", other.about.version),
                        None => format!("{id}, which is not there"),
                    };
                    let stand: Vec<String> = any.iter().map(stands).collect();
                    format!("needs {}", stand.join(", or "))
                }
                Wanted::Contract(name, fits) => {
                    if self.inner().slots().iter().any(|other| serves(other)) {
                        continue;
                    }
                    format!("needs a plugin that provides {name} {fits}, and none is active")
                }
            };
            return Err(Error::new(Code::LifecycleDependency, Stage::Enable, message).of(&slot.about.name));
        }
        Ok(())
    }

    /// Whether the host itself offers what is needed.
    pub(crate) fn offers(&self, need: &Need) -> bool {
        let Wanted::Contract(name, fits) = &need.of else { return false };
        self.inner().registry.offers(name).is_some_and(|version| fits.matches(version))
    }

    /// Disables a plugin: it takes no calls and no events until it is enabled again. `on_disable` runs with `state` lent where
    /// `on_enable` has run. That it fails is told, and keeps nothing: the plugin is disabled. What is active and needs it keeps it
    /// from being disabled, or is disabled first, as `dependents` says.
    ///
    /// # Errors
    /// `lifecycle.dependents`, `lifecycle.illegal` for one that is disabled, `plugin.not-found`, `plugin.killed`, `plugin.quarantined`.
    pub fn disable<'t, S: 'static>(
        &self,
        state: &mut S,
        plugin: impl Into<Target<'t>>,
        dependents: Dependents,
    ) -> Result<Stopped> {
        let slot = self.inner().slot(plugin.into())?;
        slot.state().after(Transition::Disable).map_err(|illegal| cannot(&slot, illegal, Stage::Disable))?;
        let users = self.users(&slot, dependents, Stage::Disable, |state| state == State::Active)?;
        let mut stopped = Stopped::default();
        for user in users {
            // Another thread may have disabled or unloaded it meanwhile.
            let reason = format!("needs {}, which is disabled", slot.about.name);
            let _ = self.switch_off(Some(state), &user, &reason, &mut Wait::not(), &mut stopped);
        }
        let off = self.switch_off(Some(state), &slot, "by the host", &mut Wait::not(), &mut stopped);
        self.settle(state);
        off.map_err(|illegal| cannot(&slot, illegal, Stage::Disable)).map(|()| stopped)
    }

    pub(crate) fn switch_off<S: 'static>(
        &self,
        state: Option<&mut S>,
        slot: &Arc<Slot>,
        reason: &str,
        wait: &mut Wait<'_>,
        stopped: &mut Stopped,
    ) -> Result<(), Illegal> {
        slot.state().after(Transition::Disable)?;
        slot.tell(Transition::Disable, Moment::Before, None);
        // First, so that no call begins any more: then its export, if the instance is at rest.
        let stood = slot.step(Transition::Disable, reason, None)?;
        self.inner().audit.record(Event::Disabled, &slot.about, reason);
        if stood == State::Active {
            self.last_words(state, slot, (Stage::Disable, Transition::Disable, "on_disable"), wait, stopped);
        }
        stopped.plugins.push((slot.id, slot.about.name.clone()));
        Ok(())
    }

    /// The host's switch: a plugin takes calls and events, or refuses them with `plugin.disabled`. No export of it runs, and nobody asks
    /// what depends on it; see [`Engine::enable_plugin`] and [`Engine::disable`]. Where it stands neither in the one nor in the other
    /// state nothing changes.
    ///
    /// # Errors
    /// `plugin.not-found`, and `audit.failed` where that it is enabled cannot be recorded.
    pub fn set_enabled<'t>(&self, plugin: impl Into<Target<'t>>, enabled: bool) -> Result<()> {
        let slot = self.inner().slot(plugin.into())?;
        let step = if enabled { Transition::Enable } else { Transition::Disable };
        let reason = "by the host's switch";
        if slot.state().after(step).is_err() {
            return Ok(());
        }
        slot.tell(step, Moment::Before, None);
        if enabled {
            let recorded = self.inner().audit.must(Event::Enabled, &slot.about, Stage::Enable, reason);
            recorded.inspect_err(|error| slot.tell(step, Moment::Failed, Some(error)))?;
        }
        // Another thread may have been faster.
        if slot.step(step, reason, None).is_ok() && !enabled {
            self.inner().audit.record(Event::Disabled, &slot.about, reason);
        }
        Ok(())
    }

    /// Takes a plugin out of service, for a `reason` that its history and the audit keep: a call of it that runs is ended, its instance
    /// goes without any export of it being run, its events are dropped, and every use of it is `plugin.quarantined` until it is
    /// unloaded. What depends on it is left as it is.
    ///
    /// # Errors
    /// `plugin.not-found`, `plugin.quarantined` for one that is, and `host.busy` for one that is being loaded.
    pub fn quarantine<'t>(&self, plugin: impl Into<Target<'t>>, reason: &str) -> Result<()> {
        let slot = self.inner().slot(plugin.into())?;
        slot.state().after(Transition::Quarantine).map_err(|illegal| cannot(&slot, illegal, Stage::Engine))?;
        slot.tell(Transition::Quarantine, Moment::Before, None);
        self.inner().audit.record(Event::Quarantined, &slot.about, reason);
        self.take_out(&slot, reason, None).map_err(|illegal| cannot(&slot, illegal, Stage::Engine))?;
        slot.tell(Transition::Quarantine, Moment::After, None);
        Ok(())
    }

    /// Takes a plugin out of service; nobody is told yet.
    pub(crate) fn take_out(&self, slot: &Arc<Slot>, reason: &str, error: Option<&Error>) -> Result<(), Illegal> {
        slot.step_unheard(Transition::Quarantine, reason, error)?;
        // Where none runs there is none to end.
        let _ = CancelHandle::new(&slot.meter).cancel();
        slot.clear();
        self.inner().bus.unsubscribe(slot);
        Ok(())
    }

    /// How a plugin came where it stands, oldest first: the last 32 changes of the 1,024 ids that changed last, those included that
    /// are gone or were refused. By id all that is known of it, by handle what is of that one plugin, its way to its first load
    /// included. Empty for one that is not known.
    #[must_use]
    pub fn history<'t>(&self, plugin: impl Into<Target<'t>>) -> Vec<Change> {
        match plugin.into() {
            Target::Name(id) => self.inner().chronicle.of(id),
            Target::Handle(handle) => self.inner().chronicle.of_handle(handle),
        }
    }
}

/// The error for a step that a plugin cannot take where it stands.
pub(crate) fn cannot(slot: &Slot, illegal: Illegal, stage: Stage) -> Error {
    match illegal.from {
        State::Loaded | State::Active | State::Disabled => {
            Error::new(Code::LifecycleIllegal, stage, illegal.to_string()).of(&slot.about.name)
        }
        _ => slot.refused(stage),
    }
}
