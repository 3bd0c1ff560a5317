//! [`Builder`]: what an engine is made of; checked in [`Builder::build`].

use std::sync::Arc;

use modhost_backend::{Backend, Kind};

use crate::{
    audit::{MemoryLog, Sink},
    backends,
    call::{Clock, SystemClock},
    engine::Engine,
    error::{Code, Error, Result, Stage},
    host::{HostClosure, HostFunction, Registry},
    policy::Policy,
};

/// What an engine is made of. Mistakes are told by [`Builder::build`].
#[must_use]
pub struct Builder {
    policy: Policy,
    functions: Vec<HostFunction>,
    contracts: Vec<(String, String)>,
    grants: Vec<String>,
    backends: Vec<Arc<dyn Backend>>,
    without: Vec<Kind>,
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            policy: Policy::default(),
            functions: Vec::new(),
            contracts: Vec::new(),
            grants: Vec::new(),
            backends: backends::compiled_in(),
            without: Vec::new(),
            sink: Arc::new(MemoryLog::default()),
            clock: Arc::new(SystemClock::default()),
        }
    }

    /// Offers a closure to plugins as `name` (`"world.spawn"`); its contract is the part before the first dot. For a capability,
    /// parameter names or a description use [`Builder::host`].
    pub fn function<Marker, C: HostClosure<Marker>>(self, name: &str, closure: C) -> Self {
        self.host(HostFunction::new(name, closure))
    }

    /// Offers a described host function to plugins.
    pub fn host(mut self, function: HostFunction) -> Self {
        self.functions.push(function);
        self
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

    /// Where audit records go; without this into a [`MemoryLog`] of its own.
    pub fn audit(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sink = sink;
        self
    }

    /// The engine's time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks everything and makes the engine.
    ///
    /// # Errors
    /// [`Code::ManifestName`] and [`Code::ManifestVersion`] for malformed names of host functions, capabilities and contracts.
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
        let deepest = modhost_abi::ValueLimits::DEEPEST;
        let levels = [&self.policy.untrusted, &self.policy.verified, &self.policy.trusted];
        if let Some(level) = levels.into_iter().find(|level| level.limits.value.depth > deepest) {
            let message =
                format!("a value depth of {} is beyond {deepest}, the most there is", level.limits.value.depth);
            return Err(Error::new(Code::LimitValue, Stage::Engine, message));
        }
        Ok(Engine::assemble(self.policy, registry, self.backends, self.without, self.sink, self.clock))
    }
}
