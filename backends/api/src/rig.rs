//! [`Rig`]: a plugin on a bench, for tests of a backend without an engine. It meters and judges as the engine does.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use modhost_abi::{Signature, Value};

use crate::{
    Backend, Fault, FileSet, HostEntry, HostTable, Instance, Limits, LoadRequest, Meter, Print, Resource, Step, Usage,
    seed_of,
};

/// What a [`Rig`] loads: limits, files and host functions.
#[derive(Debug, Default)]
pub struct RigBuilder {
    limits: Limits,
    files: FileSet,
    entry: String,
    host: Vec<HostEntry>,
    libraries: Option<BTreeSet<String>>,
    seed: u64,
}

impl RigBuilder {
    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Adds a file; the first one is the entry.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        if self.entry.is_empty() {
            self.entry = path.into();
        }
        self.files.insert(path, bytes.as_ref());
        self
    }

    /// Adds a host function; a signature that does not parse takes nothing.
    #[must_use]
    pub fn host(
        mut self,
        name: &str,
        signature: &str,
        call: impl Fn(&mut [Value]) -> Result<Value, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.host.push(HostEntry::new(name, signature_of(signature), call));
        self
    }

    /// Adds a pending host function, whose answer [`Rig::resume`] gives.
    #[must_use]
    pub fn pending(
        mut self,
        name: &str,
        signature: &str,
        begin: impl Fn(&mut [Value]) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Self {
        let function = name.to_owned();
        let refused = move |_: &mut [Value]| Err(Fault::cannot_suspend(function.as_str(), "this one is not started"));
        self.host.push(HostEntry::new(name, signature_of(signature), refused).pending(begin));
        self
    }

    /// Cuts the language's standard libraries down to these.
    #[must_use]
    pub fn libraries<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.libraries = Some(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// Sets the host's seed of random numbers; 0 without this.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Loads the files.
    ///
    /// # Errors
    /// The backend's fault, or the limit that loading hit.
    pub fn load(self, backend: &dyn Backend) -> Result<Rig, Fault> {
        let meter = Arc::new(Meter::new(self.limits));
        let printed = Arc::new(Mutex::new(Vec::new()));
        let print: Arc<Print> = {
            let (meter, printed) = (meter.clone(), printed.clone());
            Arc::new(move |line: &str| {
                meter.print(line.len())?;
                printed.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
                Ok(())
            })
        };
        let host = Arc::new(HostTable::new(self.host));
        meter.begin();
        let request = LoadRequest::new("rig", &self.entry, &self.files, host, meter.clone(), print);
        let request = request.with_libraries(self.libraries.as_ref()).with_seed(seed_of("rig", self.seed));
        let loaded = backend.load(request);
        let usage = meter.end();
        meter.verdict()?;
        Ok(Rig { instance: loaded?, meter, printed, usage })
    }
}

fn signature_of(text: &str) -> Signature {
    text.parse().unwrap_or_else(|_| Signature::of(Vec::new(), modhost_abi::Type::Nil))
}

/// A loaded plugin on a bench.
///
/// ```no_run
/// # fn demo(backend: &dyn modhost_backend::Backend) -> Result<(), modhost_backend::Fault> {
/// use modhost_backend::{Value, rig::Rig};
///
/// let mut rig = Rig::builder().file("main.lua", "function add(a, b) return a + b end").load(backend)?;
/// assert_eq!(rig.call("add", &[Value::Int(40), Value::Int(2)])?, Value::Int(42));
/// # Ok(()) }
/// ```
pub struct Rig {
    /// The instance.
    pub instance: Box<dyn Instance>,
    /// Its meter.
    pub meter: Arc<Meter>,
    printed: Arc<Mutex<Vec<String>>>,
    usage: Usage,
}

impl Rig {
    /// Starts to describe a plugin.
    #[must_use]
    pub fn builder() -> RigBuilder {
        RigBuilder::default()
    }

    /// Calls an export under the meter.
    ///
    /// # Errors
    /// The backend's fault, or the limit that the call hit, whatever the backend returned.
    pub fn call(&mut self, export: &str, args: &[Value]) -> Result<Value, Fault> {
        let export = self.instance.export(export)?;
        self.meter.begin();
        let result = self.instance.call(export, args, &modhost_abi::Type::Any);
        self.usage = self.meter.end();
        self.meter.verdict()?;
        result
    }

    /// Starts a call that may be suspended.
    ///
    /// # Errors
    /// As [`Rig::call`].
    pub fn start(&mut self, export: &str, args: &[Value]) -> Result<Step, Fault> {
        let export = self.instance.export(export)?;
        self.meter.begin();
        let step = match self.instance.suspending() {
            Some(instance) => instance.start(export, args, &modhost_abi::Type::Any),
            None => self.instance.call(export, args, &modhost_abi::Type::Any).map(Step::Done),
        };
        self.judge(step)
    }

    /// Answers the pending function that the call is suspended in.
    ///
    /// # Errors
    /// As [`Rig::call`].
    pub fn resume(&mut self, answer: Result<Value, Fault>) -> Result<Step, Fault> {
        self.meter.go_on();
        let step = match self.instance.suspending() {
            Some(instance) => instance.resume(answer, &modhost_abi::Type::Any),
            None => Err(Fault::bug("calls of this instance are never suspended")),
        };
        self.judge(step)
    }

    fn judge(&mut self, step: Result<Step, Fault>) -> Result<Step, Fault> {
        self.usage = self.meter.usage();
        if let Ok(Step::Suspended) = step {
            self.meter.pause(std::time::Duration::ZERO);
        } else {
            self.meter.end();
        }
        self.meter.verdict()?;
        step
    }

    /// What the last call, or the load, used.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Takes the lines printed so far.
    #[must_use]
    pub fn printed(&self) -> Vec<String> {
        mem::take(&mut *self.printed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A stand-in for the watchdog: a handle that ends whatever call is running.
    pub fn overdue(&self) -> impl Fn() + Send + 'static {
        let meter = self.meter.clone();
        move || meter.stop(meter.call_number())
    }

    /// The code that a limit must give.
    #[must_use]
    pub fn code_of(result: &Result<Value, Fault>) -> &str {
        match result {
            Ok(_) => "ok",
            Err(fault) => fault.code(),
        }
    }

    /// Whether the plugin was ended for running out of `resource`.
    #[must_use]
    pub fn ended_by(&self, resource: Resource) -> bool {
        self.meter.verdict().is_err_and(|fault| fault.code() == resource.code())
    }
}
