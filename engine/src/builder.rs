//! [`Builder`]: what an engine is made of; checked in [`Builder::build`].

use std::{path::PathBuf, sync::Arc};

use modhost_backend::{Backend, Kind};

use crate::{
    audit::{Audit, AuditPolicy, Event, MemoryLog, Sink},
    backends, bus,
    call::{Clock, LifecycleEvent, Observer, SystemClock},
    checks::{Checks, Review},
    engine::Engine,
    error::{Code, Error, Result, Stage},
    host::{self, HostClosure, HostFunction, PendingClosure, Registry},
    inner::Inner,
    package::nearest,
    policy::{GroupLimits, Policy, check_group_name},
    verify::{Gate, SeenFile, SignedLock, TrustStore, TrustedKey},
};

/// What is said of a policy for development.
const DEVELOPMENT: &str =
    "development mode: trust may be assumed, and code may run without any sandbox; not for plugins of strangers";

/// What an engine is made of. Mistakes are told by [`Builder::build`].
#[must_use]
pub struct Builder {
    policy: Policy,
    functions: Vec<HostFunction>,
    contracts: Vec<(String, String)>,
    grants: Vec<String>,
    groups: Vec<(String, GroupLimits)>,
    backends: Vec<Arc<dyn Backend>>,
    without: Vec<Kind>,
    sinks: Vec<Arc<dyn Sink>>,
    audit_policy: Option<AuditPolicy>,
    clock: Arc<dyn Clock>,
    observers: Vec<Box<Observer>>,
    checks: Checks,
    dirs: Vec<PathBuf>,
    threads: Option<usize>,
    seed: u64,
    store: TrustStore,
    built: Vec<TrustedKey>,
    signed_lock: Option<SignedLock>,
    seen: Option<SeenFile>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            policy: Policy::default(),
            functions: Vec::new(),
            contracts: Vec::new(),
            grants: Vec::new(),
            groups: Vec::new(),
            backends: backends::compiled_in(),
            without: Vec::new(),
            sinks: Vec::new(),
            audit_policy: None,
            clock: Arc::new(SystemClock::default()),
            observers: Vec::new(),
            checks: Checks::default(),
            dirs: Vec::new(),
            threads: None,
            seed: 0,
            store: TrustStore::default(),
            built: Vec::new(),
            signed_lock: None,
            seen: None,
        }
    }

    /// Offers a closure to plugins as `name` (`"world.spawn"`); its contract is the part before the first dot. For a capability,
    /// parameter names or a description use [`Builder::host`].
    pub fn function<Marker, C: HostClosure<Marker>>(self, name: &str, closure: C) -> Self {
        self.host(HostFunction::new(name, closure))
    }

    /// Offers a function that answers later, any value: `closure` begins it and is given the [`Ticket`](crate::Ticket) to answer by. For
    /// the type of the answer, a capability or a description use [`Builder::host`] with [`HostFunction::pending`]; for the whole way
    /// see [`Engine::start`].
    pub fn pending<Marker, C: PendingClosure<Marker>>(self, name: &str, closure: C) -> Self {
        self.host(HostFunction::pending(name, closure))
    }

    /// Offers a described host function to plugins.
    pub fn host(mut self, function: HostFunction) -> Self {
        self.functions.push(function);
        self
    }

    /// Offers the contract `log`: `log.debug(text)`, `log.info(text)`, `log.warn(text)` and `log.error(text)`. Lines go where
    /// printed text goes, under the same limit: into the plugin's bounded ring ([`Engine::take_output`]) and, escaped, to
    /// `tracing` under the target `modhost::output`; never to the host's own output.
    ///
    /// ```
    /// use modhost::{Engine, LogLevel};
    ///
    /// let engine = Engine::builder().log().build()?;
    /// let wolf = engine.load_source("wolf.lua", "function dusk() log.warn('the moon is full') print('howl') end")?;
    /// engine.call::<_, ()>(&mut (), wolf, "dusk", ())?;
    /// let lines = engine.take_output(wolf)?;
    /// assert_eq!((lines[0].level, lines[0].text.as_str()), (LogLevel::Warn, "the moon is full"));
    /// assert_eq!(lines[1].level, LogLevel::Info);
    /// # Ok::<(), modhost::Error>(())
    /// ```
    pub fn log(self) -> Self {
        host::log_functions().into_iter().fold(self.contract("log", "1.0.0"), Builder::host)
    }

    /// Offers the contract `events`: `events.emit(topic, value)` publishes an event as [`Engine::emit`] does, to be delivered when the
    /// running call has returned, and gives the number of plugins that it waits for. It needs the capability `events.emit`. Where
    /// a listener's queue has no room it raises `limit.queue`, which ends nobody; the other listeners get the event.
    ///
    /// ```
    /// use modhost::Engine;
    ///
    /// let engine = Engine::builder().events().grant("events.emit").build()?;
    /// let wolf = engine.load_source("wolf.lua", "function dusk() return events.emit('howl', 3) end")?;
    /// let heard: i64 = engine.call(&mut (), wolf, "dusk", ())?;
    /// assert_eq!(heard, 0);
    /// # Ok::<(), modhost::Error>(())
    /// ```
    pub fn events(self) -> Self {
        bus::event_functions().into_iter().fold(self.contract("events", "1.0.0"), Builder::host)
    }

    /// Numbers a contract, `contract("world", "1.2.0")`; one that is not numbered is 1.0.0.
    pub fn contract(mut self, name: &str, version: &str) -> Self {
        self.contracts.push((name.into(), version.into()));
        self
    }

    /// Grants a capability to every plugin that asks for it.
    pub fn grant(mut self, capability: &str) -> Self {
        self.grants.push(capability.into());
        self
    }

    /// Says what the plugins of a group may have together; it replaces the policy's word on that group.
    pub fn group(mut self, name: &str, limits: GroupLimits) -> Self {
        self.groups.push((name.into(), limits));
        self
    }

    /// Sets the policy; without this it is [`Policy::mods`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Adds a backend, or puts it in the place of the one of the same kind.
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        let kind = backend.kind();
        self.without.retain(|other| *other != kind);
        self.backends.retain(|other| other.kind() != kind);
        self.backends.push(backend);
        self
    }

    /// Leaves a backend out.
    pub fn without(mut self, kind: Kind) -> Self {
        self.backends.retain(|other| other.kind() != kind);
        self.without.push(kind);
        self
    }

    /// Where audit records go: to each of the sinks that are named, in order; without any into a [`MemoryLog`] of its own.
    pub fn audit(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// What happens while a sink cannot keep records, whatever the policy says ([`Policy::audit`]): by default nothing is loaded, enabled
    /// or granted then.
    pub fn audit_policy(mut self, policy: AuditPolicy) -> Self {
        self.audit_policy = Some(policy);
        self
    }

    /// The engine's time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// A folder of plugins that [`Engine::load`] looks into, and [`Engine::loading`] where it names none. There may be several: of the
    /// same version of a plugin that of the folder which was named first is taken.
    pub fn mods_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.dirs.push(path.into());
        self
    }

    /// How many threads load the plugins of a folder at a time; without this as many as the machine has processors, up to 8. With 1
    /// loading keeps to the thread that calls, and host functions and observers hear of plugins in load order.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// What plugins' random numbers begin with, together with each plugin's id; 0 without this. So they are the same in each process and
    /// on each machine, a call on the same state uses the same fuel, and each plugin has its own. Pass a number made by chance to
    /// have other ones in each run:
    ///
    /// ```
    /// use std::hash::{BuildHasher, RandomState};
    /// use modhost::Engine;
    ///
    /// let chance = RandomState::new().hash_one("seed");
    /// let engine = Engine::builder().seed(chance).build()?;
    /// # Ok::<(), modhost::Error>(())
    /// ```
    ///
    /// Lua alone has random numbers of its own (`math.random`); a plugin may seed them anew by `math.randomseed`. Two engines with the
    /// same seed give a plugin the same numbers, and a plugin that is loaded anew begins anew.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Who may vouch for plugins. Without this nobody is known: a signed plugin is as good as an unsigned one then, and a signature that
    /// does not hold is refused all the same. Another can follow: [`Engine::set_trust_store`].
    ///
    /// ```
    /// use modhost::{Engine, Policy, TrustLevel, package::{Algorithm, Caps, Package}};
    /// use modhost::verify::{Envelope, SecretKey, SignOptions, TrustStore, TrustedKey, sign_index};
    ///
    /// let area = tempfile::tempdir()?;
    /// std::fs::write(area.path().join("plugin.toml"), "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"")?;
    /// std::fs::write(area.path().join("main.lua"), "function howl() return 'awoo' end")?;
    /// let package = Package::open(area.path(), &Caps::default())?;
    /// let key = SecretKey::generate()?;
    /// let envelope = Envelope::of(sign_index(package.index().as_bytes(), &key, SignOptions::new("Acme"))?).to_string();
    /// let packed = package.pack(Algorithm::Sha256, Some(envelope.as_bytes()), &Caps::default())?;
    /// let file = area.path().join(packed.file_name());
    /// std::fs::write(&file, &packed.bytes)?;
    ///
    /// let mut store = TrustStore::default();
    /// store.add_key(TrustedKey::new(key.public(), "Acme", ["acme.*".parse()?]))?;
    /// let engine = Engine::builder().policy(Policy::standard()).trust_store(store).build()?;
    /// engine.load_path(&file)?;
    /// assert_eq!(engine.plugins()[0].trust, TrustLevel::Verified);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trust_store(mut self, store: TrustStore) -> Self {
        self.store = store;
        self
    }

    /// A key that the host is built with, the studio's own: it is in every trust store that the engine gets, the first one
    /// ([`Builder::trust_store`]) and each that follows ([`Engine::set_trust_store`]), and in no file. What a store says of the same key,
    /// more or less, does not count; but a store can revoke it. There may be several.
    ///
    /// A file that pins it, or holds a delegation or a revocation list by it, is whole together with the key only: such a one is read with
    /// [`StoreFile::embed`](crate::verify::StoreFile::embed).
    ///
    /// ```
    /// use modhost::{Code, Engine, Policy, TrustLevel, package::{Algorithm, Caps, Package}};
    /// use modhost::verify::{Envelope, Revocation, Revoked, SecretKey, SignOptions, TrustStore, TrustedKey, sign_index};
    ///
    /// let caps = Caps::default();
    /// let area = tempfile::tempdir()?;
    /// std::fs::write(area.path().join("plugin.toml"), "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"")?;
    /// std::fs::write(area.path().join("main.lua"), "function howl() return 'awoo' end")?;
    /// let package = Package::open(area.path(), &caps)?;
    /// let key = SecretKey::generate()?;
    /// let envelope = Envelope::of(sign_index(package.index().as_bytes(), &key, SignOptions::new("Acme"))?).to_string();
    /// let packed = package.pack(Algorithm::Sha256, Some(envelope.as_bytes()), &caps)?;
    /// let file = area.path().join(packed.file_name());
    /// std::fs::write(&file, &packed.bytes)?;
    ///
    /// let studio = TrustedKey::new(key.public(), "the studio", ["acme.*".parse()?]);
    /// let engine = Engine::builder().policy(Policy::standard()).trusted_key(studio).build()?;
    /// let mut players = TrustStore::default();
    /// engine.set_trust_store(players.clone())?;
    /// engine.load_path(&file)?;
    /// assert_eq!(engine.plugins()[0].trust, TrustLevel::Verified);
    ///
    /// players.revoke(Revocation::hard(Revoked::Key(key.public().id()), "stolen"))?;
    /// assert_eq!(engine.set_trust_store(players)?.quarantined.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trusted_key(mut self, key: TrustedKey) -> Self {
        self.built.push(key);
        self
    }

    /// A signed set: one signature for all the packages that a lockfile names, by id, version and digest. Its keys count for each of them as
    /// a package's own would, and those need none then. Another can follow: [`Engine::set_signed_lock`]. To load what the lockfile holds
    /// and nothing else is another matter: [`Loading::hold_to`](crate::Loading::hold_to).
    ///
    /// ```
    /// use modhost::{Engine, Policy, TrustLevel, package::{Caps, discover}, resolve::Lockfile};
    /// use modhost::verify::{Envelope, SecretKey, SignOptions, SignedLock, TrustStore, TrustedKey, sign_lock};
    ///
    /// let mods = tempfile::tempdir()?;
    /// std::fs::write(mods.path().join("wolf.lua"), "function howl() return 'awoo' end")?;
    ///
    /// // Who puts the set together locks and signs it.
    /// let packages: Vec<_> = discover(mods.path(), &Caps::default())?.into_iter().flatten().collect();
    /// let lockfile = Lockfile::of(&Engine::builder().build()?.resolver(&packages).plan()).to_string();
    /// let key = SecretKey::generate()?;
    /// let envelope = Envelope::of(sign_lock(lockfile.as_bytes(), &key, SignOptions::new("The server"))?).to_string();
    ///
    /// // Who plays with it knows the key.
    /// let mut store = TrustStore::default();
    /// store.add_key(TrustedKey::new(key.public(), "the server", ["*".parse()?]))?;
    /// let set = SignedLock::read(lockfile.as_bytes(), envelope.as_bytes())?;
    /// let engine = Engine::builder().policy(Policy::standard()).trust_store(store).signed_lock(set).build()?;
    /// let loaded = engine.loading().dir(mods.path()).hold_to(lockfile.parse()?).load()?;
    /// assert_eq!(loaded.loaded[0].trust, TrustLevel::Verified);
    /// assert!(loaded.loaded[0].vouched.starts_with("signed set of the server"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signed_lock(mut self, set: SignedLock) -> Self {
        self.signed_lock = Some(set);
        self
    }

    /// The file that remembers between runs: the highest version of each plugin that was loaded with trust, so that nobody brings an
    /// older one back; the store's generation and digest, and the newest revocation list of each issuer, so that nobody brings an older one
    /// or another one of the same number; the time, for a clock that was set back. It belongs where no plugin can write.
    pub fn versions_seen(mut self, file: SeenFile) -> Self {
        self.seen = Some(file);
        self
    }

    /// The host's own word on each plugin: a list of what a server plays with, a scanner, the player's consent. It is asked when the
    /// trust store and the policy would take the plugin, before anything of it is compiled, and sees what they found; it can refuse, and
    /// nothing else: `verify.refused`, with its reason, in the audit like every refusal. There may be several, asked in order until one
    /// refuses. Another version of the plugin does not take the place of what it refuses.
    ///
    /// It is asked at each load, once more if the store, the set or the date says something else of the plugin before it runs, by
    /// [`Engine::examine`], and again of all that runs when there is another trust store
    /// ([`Engine::set_trust_store`]): what it refuses then is quarantined. So it gives the same answer to the same question.
    ///
    /// It runs on a thread that loads, of several loads at a time perhaps, with no lock held: it may take its time and call the engine.
    /// Of what it loads there it is asked, too, and of what runs when it sets a trust store. At most 16 such questions are asked within
    /// each other; the step that would lead deeper is refused with `host.check-depth` before it changes anything, and so are further
    /// steps until the outermost question is answered. Its panic is caught, and refuses.
    ///
    /// ```
    /// use modhost::{Code, Engine};
    ///
    /// let engine = Engine::builder()
    ///     .check(|plugin| {
    ///         let files = plugin.package.map(|package| package.files());
    ///         let huge = files.is_some_and(|files| files.iter().any(|(_, bytes)| bytes.len() > 1000));
    ///         if huge { Err("players on slow lines wait for it".into()) } else { Ok(()) }
    ///     })
    ///     .build()?;
    /// engine.load_source("wolf.lua", "function howl() end")?;
    /// let error = engine.load_source("atlas.lua", "-".repeat(2000)).unwrap_err();
    /// assert_eq!(error.code(), Code::VerifyRefused);
    /// assert_eq!(error.message(), "the host's own check refuses it: players on slow lines wait for it");
    /// # Ok::<(), modhost::Error>(())
    /// ```
    pub fn check(mut self, check: impl Fn(&Review<'_>) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.checks.add(Box::new(check));
        self
    }

    /// Tells `observer` before and after each step of each plugin's life, and when one fails: vetting, loading, enabling, disabling,
    /// quarantine, unloading, and being ended by a limit. And what the trust store says of a plugin that goes on, or is loaded all the
    /// same, that it is revoked softly for instance: `vet.warned`. It runs on the thread that takes the step, with no lock held; its panic is
    /// caught and logged. There may be several, told in order. One may call the engine, and is told of what that does; it comes to an end
    /// as checks do ([`Builder::check`]): what would lead to more than 16 within each other is refused with `host.check-depth`.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use modhost::Engine;
    ///
    /// let seen = Arc::new(Mutex::new(Vec::new()));
    /// let log = seen.clone();
    /// let engine = Engine::builder()
    ///     .on_event(move |event| log.lock().unwrap().push(format!("{} {}", event.plugin, event.name())))
    ///     .build()?;
    /// engine.load_source("wolf.lua", "")?;
    /// engine.enable_plugin(&mut (), "wolf")?;
    /// let seen = seen.lock().unwrap();
    /// assert_eq!(seen[seen.len() - 2..], ["wolf enable.before", "wolf enable.after"]);
    /// # Ok::<(), modhost::Error>(())
    /// ```
    pub fn on_event(mut self, observer: impl Fn(&LifecycleEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// What is wrong about a policy that names this backend, if nobody ever heard of it.
    fn no_backend(&self, kind: &Kind) -> Option<String> {
        let there: Vec<Kind> =
            backends::KNOWN.into_iter().chain(self.backends.iter().map(|backend| backend.kind())).collect();
        if there.contains(kind) {
            return None;
        }
        let near = nearest(kind.as_str(), there.iter().map(Kind::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Some(format!("it names a backend `{kind}`, and there is none{near}"))
    }

    /// What in a policy can be wrong, whoever made it; a policy file is checked for the same with line and column.
    fn check_policy(&self) -> Result<()> {
        let policy = &self.policy;
        let wrong = |message: String| {
            Err(Error::new(Code::PolicyValue, Stage::Engine, format!("policy `{}`: {message}", policy.name)))
        };
        let deepest = modhost_abi::ValueLimits::DEEPEST;
        for level in [&policy.untrusted, &policy.verified, &policy.trusted] {
            if level.limits.value.depth > deepest {
                let depth = level.limits.value.depth;
                return wrong(format!("a value depth of {depth} is beyond {deepest}, the most there is"));
            }
            if let Some(message) = level.backends.iter().flatten().find_map(|kind| self.no_backend(kind)) {
                return wrong(message);
            }
            if level.work.is_some() && policy.calibration.is_none() {
                return wrong("`work` needs a calibration: `modhost bench --calibrate` prints one".into());
            }
        }
        if let Some(message) = policy.groups.keys().find_map(|name| check_group_name(name).err()) {
            return wrong(message);
        }
        if let Some(message) =
            policy.prefer.iter().chain(policy.libraries.keys()).find_map(|kind| self.no_backend(kind))
        {
            return wrong(message);
        }
        for (kind, names) in &policy.libraries {
            if names.is_empty() && !backends::has_libraries(kind) {
                return wrong(format!("`{kind}` has no standard libraries that can be closed"));
            }
            if let Some(message) = names.iter().find_map(|name| backends::check_library(kind, name).err()) {
                return wrong(message);
            }
        }
        Ok(())
    }

    /// Checks everything and makes the engine.
    ///
    /// # Errors
    /// [`Code::ManifestName`] and [`Code::ManifestVersion`] for malformed names of host functions, capabilities and contracts;
    /// [`Code::PolicyValue`] for a policy that names backends or libraries that there are not, or is out of range; those of
    /// [`TrustStore::embed`] for the keys that the host is built with, and of [`SeenFile::load`]; [`Code::TrustGeneration`] for an older trust store than it
    /// has seen, and [`Code::TrustEquivocation`] for another one of the same generation. What is refused of the store is in the audit.
    pub fn build(mut self) -> Result<Engine> {
        let mut registry = Registry::default();
        for function in &self.functions {
            registry.add(function)?;
        }
        for (name, version) in &self.contracts {
            registry.version(name, version)?;
        }
        for capability in &self.grants {
            self.policy.grant(capability)?;
        }
        self.policy.groups.extend(self.groups.drain(..));
        self.check_policy()?;
        if self.policy.development {
            tracing::warn!("policy {}: {DEVELOPMENT}", self.policy.name);
        }
        if self.sinks.is_empty() {
            self.sinks.push(Arc::new(MemoryLog::default()));
        }
        self.policy.audit = self.audit_policy.unwrap_or(self.policy.audit);
        let audit = Audit::new(self.sinks, self.policy.audit, self.clock.clone());
        let (questions, observers) = (self.checks.questions.clone(), self.observers.into_iter());
        let observers = observers.map(|observer| -> Box<Observer> {
            let questions = questions.clone();
            Box::new(move |event: &LifecycleEvent<'_>| {
                let _told = questions.go_on();
                observer(event);
            })
        });
        let observers = observers.collect();
        let mut inner = Inner::new(self.policy, registry, self.backends, self.without, audit, self.clock, observers);
        inner.checks = self.checks;
        (inner.dirs, inner.threads, inner.seed) = (self.dirs, self.threads, self.seed);
        let gate = Gate::new(self.store, self.built, self.signed_lock, self.seen);
        inner.gate = gate.inspect_err(|error| inner.not_taken(error))?;
        if inner.policy.development {
            inner.audit.record(Event::Development, "", &format!("policy {}: {DEVELOPMENT}", inner.policy.name));
        }
        // Each plugin's verdict says so, too; here it is said where there is none, or where it is refused for that.
        if let Some(warning) = inner.gate.time(inner.wall()).1 {
            tracing::warn!("{warning}");
            inner.audit.record(Event::ClockSetBack, "", &warning);
        }
        Ok(Engine::from_inner(Arc::new(inner)))
    }
}
