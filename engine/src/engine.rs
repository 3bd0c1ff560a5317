//! [`Engine`]: loads plugins and calls them.

use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use modhost_abi::{Capability, Contract, FromValue, IntoArgs};
use modhost_backend::{ExportInfo, Fault, Instance, Usage, scope};
use semver::Version;

use crate::{
    audit::Event,
    backends::{self, BackendStatus},
    builder::Builder,
    call::{Call, CancelHandle, PluginId, Slot, State, Transition},
    error::{Code, Error, Result, Stage},
    host::LogLine,
    inner::Inner,
    lifecycle,
    package::{self, Package},
    policy::Policy,
    report::{Loaded, Mods, Refused},
    resolve::{Plan, resolve},
    spans::stage_span,
    statistics::{self, PluginInfo, Totals},
    verify::vet,
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
    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Loads one plugin: a script, a module, a library or a folder with `plugin.toml`.
    ///
    /// # Errors
    /// Whatever reading, vetting, resolving, admitting or loading gives; nothing of the plugin is left then.
    pub fn load_path(&self, path: impl AsRef<Path>) -> Result<PluginId> {
        self.load_path_of(None, path.as_ref())
    }

    /// Loads a plugin from memory; the ending of `name` tells its language (`rules.lua`).
    ///
    /// # Errors
    /// As [`Engine::load_path`].
    pub fn load_source(&self, name: &str, source: impl AsRef<[u8]>) -> Result<PluginId> {
        self.load_source_of(None, name, source.as_ref())
    }

    pub(crate) fn load_path_of(&self, group: Option<&str>, path: &Path) -> Result<PluginId> {
        let source = path.display().to_string();
        self.load_one(group, self.open(&source, || Package::open(path, &self.0.policy.caps))?)
    }

    pub(crate) fn load_source_of(&self, group: Option<&str>, name: &str, source: &[u8]) -> Result<PluginId> {
        self.load_one(group, self.open(name, || Package::from_bytes(name, source, &self.0.policy.caps))?)
    }

    fn open(&self, source: &str, open: impl FnOnce() -> Result<Package>) -> Result<Package> {
        let opened = stage_span!("open", source).in_scope(open);
        opened.inspect_err(|error| self.0.audit.error(Event::Refused, source, error))
    }

    fn load_one(&self, group: Option<&str>, package: Package) -> Result<PluginId> {
        let mut mods = self.load_packages(group, vec![package]);
        match (mods.loaded.pop(), mods.refused.pop()) {
            (Some(loaded), _) => Ok(loaded.plugin),
            (None, Some(refused)) => Err(refused.error),
            (None, None) => Err(Error::new(Code::InternalBug, Stage::Load, "a plugin was neither loaded nor refused")),
        }
    }

    /// Loads every plugin of a folder, dependencies first: the largest part that goes together, by the rules of
    /// [`resolve`](crate::resolve). What cannot be loaded is left out, and whatever needs it; the rest is not touched. Of several
    /// versions of a plugin one is loaded, and the others are not spoken of.
    ///
    /// # Errors
    /// Only where the folder itself cannot be read, or holds no plugin.
    pub fn load_dir(&self, path: impl AsRef<Path>) -> Result<Mods> {
        self.load_dir_of(None, path.as_ref())
    }

    pub(crate) fn load_dir_of(&self, group: Option<&str>, path: &Path) -> Result<Mods> {
        let mut packages = Vec::new();
        let mut unreadable = Vec::new();
        let found = stage_span!("open", path.display().to_string())
            .in_scope(|| package::discover(path, &self.0.policy.caps))?;
        for package in found {
            match package {
                Ok(package) => packages.push(package),
                Err(error) => {
                    let name = error.plugin().unwrap_or("?").to_owned();
                    self.0.audit.error(Event::Refused, &name, &error);
                    unreadable.push(Refused { name, version: None, error });
                }
            }
        }
        let mut mods = self.load_packages(group, packages);
        mods.refused.extend(unreadable);
        mods.refused.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(mods)
    }

    /// The flow: vet, resolve, admit, load.
    fn load_packages(&self, group: Option<&str>, packages: Vec<Package>) -> Mods {
        let inner = &self.0;
        let mut mods = Mods::default();
        let mut vetted = Vec::new();
        for package in packages {
            let (name, version) = (package.id().to_string(), package.version().clone());
            inner.chronicle.begins(&name, State::Discovered, Transition::Vet);
            match stage_span!("vet", &name, &version).in_scope(|| vet(package, &inner.policy)) {
                Ok(package) => {
                    inner.chronicle.on_the_way(&name, State::Discovered, Transition::Vet, package.vouched(), None);
                    vetted.push(package);
                }
                Err(error) => self.refuse(&mut mods, State::Discovered, name, version, error),
            }
        }
        let there =
            inner.slots().iter().map(|(_, slot)| (slot.about.name.clone(), slot.about.version.clone())).collect();
        let plan = tracing::info_span!("resolve", plugins = vetted.len()).in_scope(|| {
            resolve(vetted, &|contract| inner.registry.offers(contract).cloned(), &there, &inner.policy.resolve)
        });
        for out in plan.refused {
            self.refuse(&mut mods, State::Vetted, out.id, out.version, out.error);
        }
        for package in &plan.order {
            let (name, version) = (package.get().id().to_string(), package.get().version().clone());
            inner.chronicle.on_the_way(&name, State::Vetted, Transition::Resolve, "has a place in the plan", None);
            let missing = missing_dependency(package.get(), &plan.plan, &mods);
            let loaded = missing
                .map_or(Ok(()), Err)
                .and_then(|()| inner.group_of(package.get(), group))
                .and_then(|group| inner.admit(package, group.as_deref()).map(|admission| (admission, group)))
                .inspect_err(|error| {
                    inner.audit.error(Event::Refused, (name.as_str(), &version), error);
                    inner.turned_away(State::Resolved, &name, error);
                })
                .and_then(|(admission, group)| lifecycle::load(inner, package, &admission, group));
            match loaded {
                Ok(slot) => mods.loaded.push(loaded_row(&slot)),
                Err(error) => mods.refused.push(Refused { name, version: Some(version), error }),
            }
        }
        mods
    }

    fn refuse(&self, mods: &mut Mods, from: State, name: String, version: Version, error: Error) {
        self.0.turned_away(from, &name, &error);
        self.0.audit.error(Event::Refused, (name.as_str(), &version), &error);
        mods.refused.push(Refused { name, version: Some(version), error });
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
        let mut slots: Vec<Arc<Slot>> = self.0.slots().iter().map(|(_, slot)| slot.clone()).collect();
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

/// A dependency that resolved but did not load takes its dependants along.
fn missing_dependency(package: &Package, plan: &Plan, mods: &Mods) -> Option<Error> {
    let links = &plan.get(package.id().as_str())?.links;
    let failed = |id: &str| mods.refused.iter().any(|refused| refused.name == id) && mods.find(id).is_none();
    let lost = links.iter().find(|link| !link.is_optional() && failed(&link.id))?;
    let message = format!("needs {}, which could not be loaded", lost.id);
    let error = Error::new(Code::ResolveMissing, Stage::Resolve, message).of(package.id().to_string());
    let needs = &package.manifest()?.dependencies;
    match needs.iter().find(|need| need.id.as_str() == lost.id) {
        Some(need) => Some(error.at_place(need.at.clone())),
        None => Some(error),
    }
}

fn loaded_row(slot: &Slot) -> Loaded {
    let about = &slot.about;
    Loaded {
        plugin: slot.id,
        name: about.name.clone(),
        version: about.version.clone(),
        backend: about.kind.clone(),
        trust: about.trust,
        vouched: about.vouched,
        capabilities: slot.grants.open(),
        notes: about.notes.clone(),
    }
}
