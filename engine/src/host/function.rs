//! [`HostFunction`]: a function of the host, described.

use std::{fmt, sync::Arc};

use modhost_abi::{Capability, Function, IntoValue, Signature, Type, Value};
use modhost_backend::{Fault, FaultKind};

use super::{
    caller::{Origin, calling},
    closure::{Erased, Failure, HostClosure},
    pending::{ErasedBegin, PendingClosure},
};
use crate::error::{Code, Error, Result, Stage};

/// A function that the host offers to plugins. Names are checked when the engine is built.
///
/// ```
/// use modhost::HostFunction;
///
/// struct World { units: Vec<String> }
///
/// let spawn = HostFunction::new("world.spawn", |world: &mut World, kind: String| {
///     world.units.push(kind);
///     world.units.len() as u64
/// })
/// .params(["kind"])
/// .needs("world.spawn")
/// .doc("Spawns a unit and returns its number.");
/// assert_eq!(spawn.to_string(), "world.spawn(kind: str) -> int");
/// ```
#[derive(Clone)]
pub struct HostFunction {
    name: String,
    signature: Signature,
    capability: Option<String>,
    doc: String,
    pub(super) call: Arc<Erased>,
    /// Begins a pending function, whose `call` refuses.
    pub(super) begin: Option<Arc<ErasedBegin>>,
}

/// What is in the way of a pending function that a backend just calls.
const NOT_STARTED: &str = "the host did not start it as one that can, or the plugin's language has no such calls";

impl HostFunction {
    /// A function called `name`: dotted, the first part is the contract that it belongs to. See [`HostClosure`] for what the
    /// closure may look like.
    #[must_use]
    pub fn new<Marker, C: HostClosure<Marker>>(name: &str, closure: C) -> Self {
        HostFunction {
            name: name.into(),
            signature: C::signature(),
            capability: None,
            doc: String::new(),
            call: Arc::from(closure.erase().0),
            begin: None,
        }
    }

    /// A function that answers later: `closure` begins what takes its time and is given the [`Ticket`](crate::Ticket) to answer by;
    /// the plugin's call is suspended until then. See [`PendingClosure`] for what the closure may look like, and
    /// [`Engine::start`](crate::Engine::start) for the whole way. It gives any value, unless [`HostFunction::returns`] says which.
    #[must_use]
    pub fn pending<Marker, C: PendingClosure<Marker>>(name: &str, closure: C) -> Self {
        let refused = name.to_owned();
        HostFunction {
            name: name.into(),
            signature: Signature::of(C::params(), Type::Any),
            capability: None,
            doc: String::new(),
            call: Arc::new(move |_| Err(Failure::Fault(Fault::cannot_suspend(refused.as_str(), NOT_STARTED)))),
            begin: Some(Arc::from(closure.erase().0)),
        }
    }

    /// Declares what a pending function is answered with; each answer is checked. One that gives its value at once has a type by its
    /// closure, and keeps it.
    #[must_use]
    pub fn returns<R: IntoValue>(mut self) -> Self {
        if self.begin.is_some() {
            self.signature.result = R::ty();
        }
        self
    }

    /// Names the parameters, for errors and generated documents; further names are ignored.
    #[must_use]
    pub fn params<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for (param, name) in self.signature.params.iter_mut().zip(names) {
            param.name = name.into();
        }
        self
    }

    /// Only plugins that were granted `capability` may call it.
    #[must_use]
    pub fn needs(mut self, capability: &str) -> Self {
        self.capability = Some(capability.into());
        self
    }

    /// One or more sentences for authors.
    #[must_use]
    pub fn doc(mut self, text: &str) -> Self {
        self.doc = text.into();
        self
    }

    /// The same with another body: one that knows which plugin calls, and whose fault reaches the plugin as it is, where a
    /// closure of the public kind could only fail.
    pub(crate) fn within(
        mut self,
        body: impl Fn(&Origin, &mut [Value]) -> Result<Value, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.call = Arc::new(move |args| {
            let done = calling(|origin| body(origin, args));
            done.unwrap_or_else(|| Err(Fault::new(FaultKind::Busy))).map_err(Failure::Fault)
        });
        self
    }

    /// Its full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks the names, for the registry.
    pub(super) fn describe(&self) -> Result<Function> {
        let checked = |name: &str| {
            Capability::new(name).map_err(|error| Error::new(Code::ManifestName, Stage::Engine, error.to_string()))
        };
        checked(&self.name)?;
        if !self.name.contains('.') {
            let message = format!(
                "the host function `{0}` needs a contract's name before it, `game.{0}` for instance",
                self.name
            );
            return Err(Error::new(Code::ManifestName, Stage::Engine, message));
        }
        Ok(Function {
            name: self.name.clone(),
            signature: self.signature.clone(),
            capability: self.capability.as_deref().map(checked).transpose()?,
            doc: self.doc.clone(),
        })
    }
}

impl fmt::Display for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.signature)
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
