//! [`table`]: one plugin's host table. THE place where a capability is checked, below every language.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use modhost_abi::Value;
use modhost_backend::{Fault, FaultKind, HostEntry, HostFailure, HostTable};

use super::{
    Grants, Registry,
    caller::{self, Origin},
    closure::Failure,
    pending::ErasedBegin,
    registry::{Registered, contract_of},
};
use crate::{
    audit::{self, Audit, Event},
    error::Code,
    package::{Outline, Requirement},
    policy::Capabilities,
};

/// The host functions of the contracts that `package` requires (of all contracts for a bare script), each behind its wrapper, and
/// the bits that open and close them.
pub(crate) fn table(
    registry: &Registry,
    package: &Outline,
    capabilities: &Capabilities,
    origin: &Arc<Origin>,
    audit: &Arc<Audit>,
) -> (HostTable, Grants) {
    let mut grants = grants(registry, package, capabilities);
    let entries = linked(registry, package)
        .map(|function| {
            let gate = function.described.capability.as_ref().map(|needed| grants.bit(needed, false));
            entry(function.clone(), gate, origin.clone(), audit.clone())
        })
        .collect();
    (HostTable::new(entries), grants)
}

/// The bits alone: of what the manifest asks for, and of what the functions need that it links.
pub(crate) fn grants(registry: &Registry, package: &Outline, capabilities: &Capabilities) -> Grants {
    let manifest = package.manifest();
    let mut grants = Grants::default();
    if let Some(manifest) = manifest {
        for capability in manifest.capabilities.required.iter().chain(&manifest.capabilities.optional) {
            grants.bit(capability, capabilities.grants(capability));
        }
    }
    for needed in linked(registry, package).filter_map(|function| function.described.capability.as_ref()) {
        // What a manifest does not ask for stays closed whatever the host grants; a bare script asks for all.
        grants.bit(needed, manifest.is_none() && capabilities.grants(needed));
    }
    grants
}

/// The functions that a plugin may link.
fn linked<'r>(registry: &'r Registry, package: &'r Outline) -> impl Iterator<Item = &'r Registered> {
    let required = move |function: &&Registered| {
        let contract = contract_of(&function.described);
        // In its version: where a plugin provides another, the host's is not what was asked for.
        let fits = |require: &Requirement| {
            require.name == contract && registry.offers(contract).is_some_and(|offer| require.version.matches(offer))
        };
        package.manifest().is_none_or(|manifest| manifest.requires.iter().any(fits))
    };
    registry.all().filter(required)
}

fn entry(function: Registered, gate: Option<Arc<AtomicBool>>, origin: Arc<Origin>, audit: Arc<Audit>) -> HostEntry {
    let wrapped = Wrapped {
        fewest: function.described.signature.required(),
        function,
        gate,
        told: AtomicBool::new(false),
        origin,
        audit,
    };
    let (name, signature) = (wrapped.function.described.name.clone(), wrapped.function.described.signature.clone());
    let Some(begin) = wrapped.function.begin.clone() else {
        return HostEntry::new(name, signature, move |args| wrapped.run(args, |args| wrapped.call(args)));
    };
    let wrapped = Arc::new(wrapped);
    let refused = wrapped.clone();
    HostEntry::new(name, signature, move |args| refused.run(args, |args| refused.call(args)))
        .pending(move |args| wrapped.run(args, |args| wrapped.begin(args, &*begin)))
}

/// One host function of one plugin.
struct Wrapped {
    function: Registered,
    gate: Option<Arc<AtomicBool>>,
    /// Whether a denial was recorded: further ones are the same record and a count.
    told: AtomicBool,
    origin: Arc<Origin>,
    audit: Arc<Audit>,
    /// How many arguments it needs.
    fewest: usize,
}

impl Wrapped {
    #[inline]
    fn run<T>(&self, args: &mut [Value], call: impl FnOnce(&mut [Value]) -> Result<T, Failure>) -> Result<T, Fault> {
        let (function, fewest) = (&self.function, self.fewest);
        if self.gate.as_ref().is_some_and(|gate| !gate.load(Relaxed)) {
            return Err(denied(function, &self.origin, &self.audit, &self.told));
        }
        let most = function.described.signature.params.len();
        if args.len() < fewest || args.len() > most {
            let expected = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
            return Err(Fault::new(FaultKind::Arity { expected, found: args.len() }));
        }
        // What the plugin hands over is in the host now, and may come back in at a deeper level of calls.
        let _charge = self.origin.ledger.in_flight(args)?;
        let run = AssertUnwindSafe(|| caller::within(&self.origin, || call(args)));
        match catch_unwind(run) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Failure::Fault(fault))) => Err(fault),
            Ok(Err(Failure::Host(failure, message))) => Err(failed(function, failure, message)),
            Err(panic) => Err(failed(function, HostFailure::Panicked, format!("panicked: {}", panic_text(&*panic)))),
        }
    }

    /// The function itself; what it gives is in the host until the plugin has it.
    #[inline]
    fn call(&self, args: &mut [Value]) -> Result<Value, Failure> {
        let value = (self.function.call)(args)?;
        let value = self.origin.ledger.shallow(value).map_err(Failure::Fault)?;
        let charge = self.origin.ledger.in_flight(std::slice::from_ref(&value)).map_err(Failure::Fault)?;
        drop(charge);
        Ok(value)
    }

    /// Mints a ticket and begins a pending function; where that fails, by a panic too, the ticket is gone.
    fn begin(&self, args: &mut [Value], begin: &ErasedBegin) -> Result<(), Failure> {
        let suspension = &self.origin.suspension;
        let (Some(plugin), Some(engine)) = (suspension.plugin(), self.origin.engine.upgrade()) else {
            // The backend takes the call for one that was started, and the engine knows better.
            return self.call(args).map(drop);
        };
        let described = &self.function.described;
        let ticket = engine.tickets.mint(plugin, &described.name, &described.signature.result);
        if let Some(unused) = suspension.begin(ticket) {
            engine.tickets.take(unused);
        }
        let undo = Undo(|| {
            suspension.withdraw();
            engine.tickets.take(ticket);
        });
        begin(ticket, args)?;
        mem::forget(undo);
        Ok(())
    }
}

/// Undoes when it is dropped.
struct Undo<F: FnMut()>(F);

impl<F: FnMut()> Drop for Undo<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cold]
fn denied(function: &Registered, origin: &Origin, audit: &Audit, told: &AtomicBool) -> Fault {
    // Further ones are the same record and a count.
    if !told.swap(true, Relaxed)
        && let Err(fault) = origin.ledger.add(audit::bytes(&origin.plugin, &function.described.name))
    {
        return fault;
    }
    let capability = function.described.capability.as_ref().map(ToString::to_string).unwrap_or_default();
    origin.tally.denied();
    audit.coded(Event::Denied, &origin.plugin, Code::DeniedCapability, &function.described.name);
    Fault::new(FaultKind::Denied { capability, function: function.described.name.clone() })
}

#[cold]
fn failed(function: &Registered, failure: HostFailure, message: String) -> Fault {
    Fault::new(FaultKind::Host { failure, function: function.described.name.clone(), message })
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
