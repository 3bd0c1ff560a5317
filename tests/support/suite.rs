//! The conformance suite for tests that play it in their own way: its cases, every backend with its plugins, and a backend around
//! another whose host functions take time on a clock that moves by hand. It asserts nothing.

// Each test file uses a part.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub)]

use std::{
    env, fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use modhost::{
    Kind, ManualClock, Type, Value,
    backend::{
        Backend, Enforcement, ExportId, ExportInfo, Fault, HostEntry, HostTable, Instance, LoadRequest, Step,
        Suspending,
    },
};
use modhost_testkit::conformance::{self, Case, Plugins};

/// Every case of `scripts/conformance`.
pub fn cases() -> Vec<Case> {
    conformance::cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/conformance")).unwrap()
}

/// A backend and where its plugins are.
#[derive(Clone)]
pub struct Side {
    pub backend: Arc<dyn Backend>,
    ending: &'static str,
    library: Option<Arc<[u8]>>,
}

impl Side {
    pub fn name(&self) -> String {
        self.backend.kind().to_string()
    }

    pub fn plugins(&self) -> Plugins<'_> {
        match &self.library {
            Some(bytes) => Plugins::One { ending: self.ending, bytes },
            None => self.ending.into(),
        }
    }
}

/// Every backend.
pub fn sides() -> Vec<Side> {
    let beside = |backend: Arc<dyn Backend>, ending| Side { backend, ending, library: None };
    vec![
        beside(Arc::new(modhost_lua::LuaBackend::new()), "lua"),
        beside(Arc::new(modhost_rhai::RhaiBackend::new()), "rhai"),
        beside(Arc::new(modhost_wasm::WasmBackend::new()), "wat"),
        Side {
            backend: Arc::new(modhost_native::NativeBackend::new()),
            ending: env::consts::DLL_EXTENSION,
            library: Some(native().into()),
        },
    ]
}

/// The native plugin of the suite, which cargo puts beside the test programs, or one folder up.
fn native() -> Vec<u8> {
    let name = format!("{}modhost_conformance_native{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let program = env::current_exe().unwrap();
    let found = program.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.exists());
    fs::read(found.unwrap_or_else(|| panic!("{name} is not beside {}", program.display()))).unwrap()
}

/// A backend around another in which time passes by hand.
#[derive(Debug)]
pub struct Ticking {
    pub inner: Arc<dyn Backend>,
    pub passes: Passes,
}

/// When time passes.
#[derive(Clone, Debug)]
pub enum Passes {
    /// [`Ticking::TICK`] in each host function, and on the way into and out of the guest.
    AtTheHost(Arc<ManualClock>),
    /// As fast as another thread moves it while this says that the guest is inside; while it is loaded, if the second says so.
    Inside(Arc<AtomicBool>, bool),
}

impl Passes {
    fn enter(&self, loading: bool) {
        match self {
            Passes::AtTheHost(clock) => clock.advance(Ticking::TICK),
            Passes::Inside(inside, while_loading) => inside.store(!loading || *while_loading, Relaxed),
        }
    }

    fn leave(&self) {
        match self {
            Passes::AtTheHost(clock) => clock.advance(Ticking::TICK),
            Passes::Inside(inside, _) => inside.store(false, Relaxed),
        }
    }

    fn host(&self) {
        if let Passes::AtTheHost(clock) = self {
            clock.advance(Ticking::TICK);
        }
    }
}

struct TickingInstance {
    inner: Box<dyn Instance>,
    passes: Passes,
}

impl Ticking {
    pub const TICK: Duration = Duration::from_millis(1);
}

impl Backend for Ticking {
    fn kind(&self) -> Kind {
        self.inner.kind()
    }

    fn enforcement(&self) -> Enforcement {
        self.inner.enforcement()
    }

    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        let slow = |entry: &HostEntry| {
            let (passes, call) = (self.passes.clone(), entry.call.clone());
            let call = move |args: &mut [Value]| {
                passes.host();
                call(args)
            };
            let slow = HostEntry::new(entry.name.clone(), entry.signature.clone(), call);
            let Some(begin) = entry.begin.clone() else { return slow };
            let passes = self.passes.clone();
            slow.pending(move |args| {
                passes.host();
                begin(args)
            })
        };
        let table = HostTable::new(request.host.entries().iter().map(slow).collect());
        let (meter, print) = (request.meter.clone(), request.print.clone());
        let request = LoadRequest::new(request.plugin, request.entry, request.files, Arc::new(table), meter, print);
        self.passes.enter(true);
        let inner = self.inner.load(request);
        self.passes.leave();
        Ok(Box::new(TickingInstance { inner: inner?, passes: self.passes.clone() }))
    }
}

impl Instance for TickingInstance {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        self.inner.export(name)
    }

    fn call(&mut self, export: ExportId, args: &[Value], wants: &Type) -> Result<Value, Fault> {
        self.passes.enter(false);
        let result = self.inner.call(export, args, wants);
        self.passes.leave();
        result
    }

    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        self.inner.suspending().is_some().then_some(self)
    }

    fn exports(&self) -> &[ExportInfo] {
        self.inner.exports()
    }

    fn memory_used(&self) -> Option<usize> {
        self.inner.memory_used()
    }
}

/// A stretch between two suspensions takes its time as a call does.
impl Suspending for TickingInstance {
    fn start(&mut self, export: ExportId, args: &[Value], wants: &Type) -> Result<Step, Fault> {
        self.stretch(|inner| inner.start(export, args, wants))
    }

    fn resume(&mut self, answer: Result<Value, Fault>, wants: &Type) -> Result<Step, Fault> {
        self.stretch(|inner| inner.resume(answer, wants))
    }
}

impl TickingInstance {
    fn stretch(&mut self, run: impl FnOnce(&mut dyn Suspending) -> Result<Step, Fault>) -> Result<Step, Fault> {
        self.passes.enter(false);
        let inner = self.inner.suspending().ok_or_else(|| Fault::bug("it cannot be suspended"));
        let step = inner.and_then(run);
        self.passes.leave();
        step
    }
}
