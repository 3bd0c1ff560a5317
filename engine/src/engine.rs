//! [`Engine`]: loads plugins and calls them.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use modhost_abi::{Capability, Contract, FromValue, IntoArgs};
use modhost_backend::{ExportInfo, Fault, Instance, Usage, scope};

use crate::{
    audit::Event,
    backends::{self, BackendStatus},
    builder::Builder,
    call::{Call, CancelHandle, PluginId, Slot},
    error::{Code, Error, Result, Stage},
    host::LogLine,
    inner::Inner,
    policy::Policy,
    statistics::{self, PluginInfo, Totals},
};

/// An engine: loads plugins and calls them. Cloning gives another handle to the same engine; it is `Send` and `Sync`.
///
/// ```
/// use modhost::Engine;
///
/// let engine = Engine::builder().function("game.double", |n: i64| n * 2).build()?;
/// let plugin = engine.load_source("sum.lua", "function add(a, b) return game.double(a) + b end")?;
/// let sum: i64 = engine.call(&mut (), plugin, "add", (20, 2))?;
/// assert_eq!(sum, 42);
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// What a call used, beside its value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measured<T> {
    /// The call's value.
    pub value: T,
    /// Units of fuel.
    pub fuel: u64,
    /// Bytes that the plugin holds after the call, where its backend knows.
    pub memory: Option<usize>,
    /// Wall-clock time.
    pub wall: Duration,
}

/// A plugin by handle or by id.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// By handle.
    Handle(PluginId),
    /// By id, `wolfpack`.
    Name(&'a str),
}

impl From<PluginId> for Target<'_> {
    fn from(plugin: PluginId) -> Self {
        Target::Handle(plugin)
    }
}

impl<'a> From<&'a str> for Target<'a> {
    fn from(name: &'a str) -> Self {
        Target::Name(name)
    }
}

impl Engine {
    /// Starts to describe an engine.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_inner(inner: Arc<Inner>) -> Self {
        Engine(inner)
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// Calls an export. `state` is lent to the host functions that take `&mut S`, for the length of the call.
    ///
    /// # Errors
    /// Whatever the plugin, its limits or the conversion of its result give.
    pub fn call<'t, S: 'static, R: FromValue>(
        &self,
        state: &mut S,
        plugin: impl Into<Target<'t>>,
        export: &str,
        args: impl IntoArgs,
    ) -> Result<R> {
        let slot = self.0.slot(plugin.into())?;
        let result = self.run(state, &slot, export, args).map(|(value, _)| value);
        self.settle(state);
        result
    }

    /// [`Engine::call`], and what the call used. Only this form reads the clock.
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub fn call_measured<'t, S: 'static, R: FromValue>(
        &self,
        state: &mut S,
        plugin: impl Into<Target<'t>>,
        export: &str,
        args: impl IntoArgs,
    ) -> Result<Measured<R>> {
        let slot = self.0.slot(plugin.into())?;
        let start = Instant::now();
        let result = self.run(state, &slot, export, args);
        let wall = start.elapsed();
        self.settle(state);
        let (value, usage) = result.map_err(|error| {
            let fuel = error.limit().map_or(0, |hit| hit.fuel);
            error.used(fuel, Some(wall))
        })?;
        Ok(Measured { value, fuel: usage.fuel, memory: slot.memory(), wall })
    }

    fn run<S: 'static, R: FromValue>(
        &self,
        state: &mut S,
        slot: &Slot,
        export: &str,
        args: impl IntoArgs,
    ) -> Result<(R, Usage)> {
        let wants = R::ty();
        let run = |instance: &mut dyn Instance| {
            let export = instance.export(export)?;
            let converted = args.with_args(|args| {
                let result = scope::lend(state, || instance.call(export, args, &wants))?;
                let _charge = slot.origin.ledger.in_flight(std::slice::from_ref(&result))?;
                R::from_value(result).map_err(Fault::from)
            });
            converted.map_err(Fault::from)?
        };
        slot.run(&self.0.watchdog, &self.0.audit, Stage::Call, run)
    }

    /// Settles plugin, export and types of a call that is made often.
    ///
    /// # Errors
    /// `plugin.not-found`, `script.missing-export`.
    pub fn prepare<'t, Args: IntoArgs, Ret: FromValue>(
        &self,
        plugin: impl Into<Target<'t>>,
        export: &str,
    ) -> Result<Call<Args, Ret>> {
        let slot = self.0.slot(plugin.into())?;
        let export = slot.look(Stage::Call, |instance| instance.export(export))?;
        Ok(Call::new(self.clone(), slot, export))
    }

    /// The handle of a loaded plugin.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PluginId> {
        self.0.slot(Target::Name(name)).ok().map(|slot| slot.id)
    }

    /// What is loaded, in load order.
    #[must_use]
    pub fn plugins(&self) -> Vec<PluginInfo> {
        let mut slots: Vec<Arc<Slot>> = self.0.slots().iter().cloned().collect();
        slots.sort_by_key(|slot| slot.id.generation);
        slots.iter().map(|slot| statistics::info(slot)).collect()
    }

    /// All plugins together, those that are gone included. A call that ends after its plugin was unloaded is not counted.
    ///
    /// ```
    /// use modhost::Engine;
    ///
    /// let engine = Engine::builder().build()?;
    /// let wolf = engine.load_source("wolf.lua", "function howl() end")?;
    /// engine.call::<_, ()>(&mut (), wolf, "howl", ())?;
    /// engine.unload(wolf)?;
    /// let totals = engine.totals();
    /// assert_eq!((totals.plugins, totals.loads, totals.calls), (0, 1, 1));
    /// # Ok::<(), modhost::Error>(())
    /// ```
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.0.totals()
    }

    /// A handle that ends a running call of a plugin from any thread.
    ///
    /// # Errors
    /// `plugin.not-found`.
    pub fn cancel_handle<'t>(&self, plugin: impl Into<Target<'t>>) -> Result<CancelHandle> {
        self.0.slot(plugin.into()).map(|slot| CancelHandle::new(&slot.meter))
    }

    /// What a plugin exports.
    ///
    /// # Errors
    /// `plugin.not-found`.
    pub fn exports<'t>(&self, plugin: impl Into<Target<'t>>) -> Result<Vec<ExportInfo>> {
        self.0.slot(plugin.into()).map(|slot| slot.about.exports.clone())
    }

    /// Takes the lines that a plugin printed or logged since the last time, escaped; the newest 1,000 are kept.
    ///
    /// # Errors
    /// `plugin.not-found`.
    pub fn take_output<'t>(&self, plugin: impl Into<Target<'t>>) -> Result<Vec<LogLine>> {
        self.0.slot(plugin.into()).map(|slot| slot.origin.take_output())
    }

    /// Grants a capability to a running plugin, or withdraws it; the next call of a host function sees it. False where the
    /// plugin did not ask for it.
    ///
    /// # Errors
    /// `plugin.not-found`, `manifest.name` for a malformed capability, and `audit.failed` where the grant cannot be recorded.
    pub fn set_granted<'t>(&self, plugin: impl Into<Target<'t>>, capability: &str, granted: bool) -> Result<bool> {
        let slot = self.0.slot(plugin.into())?;
        let capability = Capability::new(capability)
            .map_err(|error| Error::new(Code::ManifestName, Stage::Engine, error.to_string()))?;
        if !slot.grants.knows(&capability) {
            return Ok(false);
        }
        if granted {
            self.0.audit.must(Event::Granted, &slot.about, Stage::Engine, capability.as_str())?;
        }
        slot.grants.set(&capability, granted);
        if !granted {
            self.0.audit.record(Event::Withdrawn, &slot.about, capability.as_str());
        }
        Ok(true)
    }

    /// Which backends there are, what each enforces, and why another is not there.
    #[must_use]
    pub fn backends(&self) -> Vec<BackendStatus> {
        backends::status(&self.0.backends, &self.0.without)
    }

    /// The contracts that the host offers, with their functions.
    #[must_use]
    pub fn contracts(&self) -> Vec<Contract> {
        self.0.registry.contracts()
    }

    /// The policy it was built with.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({} plugins, policy {})", self.0.slots().len(), self.0.policy.name)
    }
}
