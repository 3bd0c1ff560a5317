//! The contract `events`, ready to be offered: `events.emit`.

use modhost_abi::{Capability, FromArgs, Value};
use modhost_backend::{Fault, FaultKind, Resource};

use crate::{
    host::{HostFunction, Registry},
    package::Outline,
    policy::Capabilities,
};

/// The contract.
const CONTRACT: &str = "events";
/// The capability that publishing needs.
const CAPABILITY: &str = "events.emit";

/// Whether a plugin to which this is granted may publish events.
pub(crate) fn may_publish(registry: &Registry, package: &Outline, granted: &Capabilities) -> bool {
    let asks = package.manifest().is_none_or(|manifest| {
        let asked = &manifest.capabilities;
        asked.required.iter().chain(&asked.optional).any(|capability| capability.as_str() == CAPABILITY)
            && manifest.requires.iter().any(|require| require.name == CONTRACT)
    });
    asks && registry.offers(CONTRACT).is_some()
        && Capability::new(CAPABILITY).is_ok_and(|capability| granted.grants(&capability))
}

/// The functions of the contract.
pub(crate) fn event_functions() -> [HostFunction; 1] {
    [HostFunction::new("events.emit", |_: String, _: Value| 0_i64)
        .params(["topic", "value"])
        .needs(CAPABILITY)
        .doc("Publishes an event to the plugins that listen to the topic, when the running call has returned. Gives how many.")
        .within(|origin, args| {
            let (topic, value) = <(String, Value)>::from_args(args)?;
            let Some(inner) = origin.engine.upgrade() else { return Err(Fault::new(FaultKind::Interrupted)) };
            let published = inner.bus.publish(&topic, value, Some(origin))?;
            match published.full.first() {
                // Told to the publisher, who may catch it: the listener that does not keep up is another plugin.
                Some(full) => {
                    let limit = u64::from(full.origin.inbox.most());
                    Err(Fault::new(FaultKind::Limit { resource: Resource::Queue, limit }))
                }
                None => Ok(Value::from(i64::from(published.queued))),
            }
        })]
}
