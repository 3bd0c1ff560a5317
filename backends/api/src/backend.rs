//! [`Backend`] and [`Instance`]: THE SEAM. Few required methods, no defaults, object-safe.

use std::fmt::Debug;

use modhost_abi::{Signature, Type, Value};

use crate::{Enforcement, Fault, FaultKind, Kind, LoadRequest};

/// A language that plugins are written in.
pub trait Backend: Send + Sync + Debug {
    /// Its name.
    fn kind(&self) -> Kind;

    /// What it can promise, not what it was asked for.
    fn enforcement(&self) -> Enforcement;

    /// Turns vetted files into a running instance. Compiling, optimising and running a main chunk are metered like a
    /// call: the engine has begun the meter.
    ///
    /// # Errors
    /// Any [`Fault`]; nothing of the plugin is left then.
    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault>;
}

/// A loaded plugin. One caller at a time: `Send`, not `Sync`.
pub trait Instance: Send {
    /// Looks an export up once; the id holds as long as the instance.
    ///
    /// # Errors
    /// [`FaultKind::MissingExport`].
    fn export(&mut self, name: &str) -> Result<ExportId, Fault>;

    /// Calls an export. The engine has begun the meter and judges by it afterwards: a value returned after the meter was
    /// killed is thrown away. The backend checks the number and sizes of arguments and results.
    ///
    /// `wants` is the type that the caller will ask the result for, [`Type::Any`] where it does not know. It only steers a
    /// language that cannot tell two types apart (a whole number of Lua is a float if a float is wanted); the caller checks.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn call(&mut self, export: ExportId, args: &[Value], wants: &Type) -> Result<Value, Fault>;

    /// The side of it that suspends calls; `None` where the language cannot be left in the midst of one. A call is made by
    /// [`Instance::call`] then, and each pending function in it gives [`FaultKind::CannotSuspend`].
    fn suspending(&mut self) -> Option<&mut dyn Suspending>;

    /// What it offers, sorted by name, with signatures where they are known.
    fn exports(&self) -> &[ExportInfo];

    /// Bytes it holds now; `None` where that cannot be known.
    fn memory_used(&self) -> Option<usize>;
}

/// An instance whose calls can be suspended: they stop in a [pending](crate::HostEntry::begin) host function and go on when
/// its answer is there. One call at most is suspended; meanwhile the engine resumes the instance or drops it, and asks
/// nothing else of it.
pub trait Suspending {
    /// [`Instance::call`], which may be suspended.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn start(&mut self, export: ExportId, args: &[Value], wants: &Type) -> Result<Step, Fault>;

    /// Goes on with the suspended call: the pending function gives `answer`, a value that the engine has checked against
    /// its signature, or an error, which a guest can catch where its language can. Fuel and output go on from where they
    /// were; the thread may be another.
    ///
    /// # Errors
    /// Any [`Fault`]; [`FaultKind::Bug`] where no call is suspended.
    fn resume(&mut self, answer: Result<Value, Fault>, wants: &Type) -> Result<Step, Fault>;
}

/// How far a call came.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It is over, and this is its value.
    Done(Value),
    /// It waits for the answer to a pending host function, which was begun and which [`Suspending::resume`] gives.
    Suspended,
}

/// An export of one instance, found by [`Instance::export`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExportId(u32);

impl ExportId {
    /// The id of the export at `index` of [`Instance::exports`].
    #[must_use]
    pub fn new(index: usize) -> Self {
        ExportId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The index into [`Instance::exports`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// Finds `name` in a sorted or unsorted list of exports.
    ///
    /// # Errors
    /// [`FaultKind::MissingExport`], naming what there is, or some of it.
    pub fn find(exports: &[ExportInfo], name: &str) -> Result<Self, Fault> {
        /// A plugin may have many exports, with long names: so many are told, and none that is longer.
        const MOST: usize = 1000;
        const LONGEST: usize = 128;
        exports.iter().position(|export| export.name == name).map(ExportId::new).ok_or_else(|| {
            let offered = exports.iter().map(|export| export.name.as_str()).filter(|name| name.len() <= LONGEST);
            let name = name.chars().take(LONGEST).collect();
            Fault::new(FaultKind::MissingExport { name, offered: offered.take(MOST).map(str::to_owned).collect() })
        })
    }
}

/// One export of a plugin.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ExportInfo {
    /// Its name.
    pub name: String,
    /// Its parameters and result, where the language or the plugin says.
    pub signature: Option<Signature>,
    /// How many arguments it takes, where known.
    pub arity: Option<usize>,
}

impl ExportInfo {
    /// An export of which only the name is known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        ExportInfo { name: name.into(), signature: None, arity: None }
    }

    /// The same with a signature.
    #[must_use]
    pub fn with_signature(mut self, signature: Signature) -> Self {
        self.arity = Some(signature.params.len());
        self.signature = Some(signature);
        self
    }

    /// The same with a number of parameters.
    #[must_use]
    pub fn with_arity(mut self, arity: usize) -> Self {
        self.arity = Some(arity);
        self
    }
}
