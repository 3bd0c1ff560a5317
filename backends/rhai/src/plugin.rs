//! What an engine's callbacks and host functions know of the plugin they run for.

use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use modhost_backend::{Fault, FaultKind, HostTable, LoadRequest, Meter, Place, Print, Resource};
use rhai::{Dynamic, EvalAltResult, EvalContext, ImmutableString, Position};

use crate::{
    cost::Cost,
    limits,
    memory::{self, Ledger, Shown},
    source::{self, Inserted},
    stack,
};

/// Bytes of a captured value that one unit of fuel pays for.
const BYTES_PER_FUEL: u64 = 64;

/// One plugin, as its engine's callbacks see it.
pub(crate) struct Plugin {
    /// The path of the entry, for places.
    pub(crate) entry: String,
    /// By file: how the source that the parser saw differs from the author's.
    inserted: BTreeMap<String, Inserted>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) host: Arc<HostTable>,
    pub(crate) print: Arc<Print>,
    /// The last fault that became an error of the script, under the very text that the script sees.
    raised: Mutex<Option<(ImmutableString, Fault)>>,
    /// What the running call holds in variables.
    ledger: Mutex<Ledger>,
    /// Whether anything was weighed into the ledger since it was emptied.
    weighed: AtomicBool,
    /// Bytes that closures of the running call captured, dropped ones too.
    captured: AtomicU64,
    /// The memory limit without what the syntax trees take.
    memory: u64,
    /// How many values one place of the source may hold, in quarters, see [`stack`].
    density: u64,
    /// The weight of the heaviest value that each call finds: a constant, or a literal.
    heaviest: AtomicU64,
}

impl Plugin {
    pub(crate) fn new(request: &LoadRequest<'_>, inserted: BTreeMap<String, Inserted>, cost: &Cost) -> Self {
        Plugin {
            entry: request.entry.into(),
            inserted,
            meter: request.meter.clone(),
            host: request.host.clone(),
            print: request.print.clone(),
            raised: Mutex::new(None),
            ledger: Mutex::default(),
            weighed: AtomicBool::new(false),
            captured: AtomicU64::new(0),
            memory: request.meter.limits().memory.saturating_sub(cost.memory()),
            density: cost.density(),
            heaviest: AtomicU64::new(cost.literal()),
        }
    }

    /// Makes `fault` an error of the script: a text for `catch`, the fault itself again where nothing catches it. A limit
    /// is not to be caught.
    pub(crate) fn raise(&self, fault: Fault, position: Position) -> Box<EvalAltResult> {
        if self.meter.is_killed() || matches!(fault.kind(), FaultKind::Interrupted) {
            return EvalAltResult::ErrorTerminated(Dynamic::UNIT, position).into();
        }
        let text = ImmutableString::from(fault.message());
        *open(&self.raised) = Some((text.clone(), fault));
        EvalAltResult::ErrorRuntime(text.into(), position).into()
    }

    /// The fault behind an error's value, if it is the very text that [`Plugin::raise`] made: `throw` of a caught error
    /// keeps it, an equal text of the script's own does not count.
    pub(crate) fn raised(&self, value: &Dynamic) -> Option<Fault> {
        let text = value.as_immutable_string_ref().ok()?;
        let raised = open(&self.raised);
        let (known, fault) = raised.as_ref()?;
        known.ptr_eq(&text).then(|| fault.clone())
    }

    /// One operation: charges it, and looks at the native stack. False: the call ends.
    #[inline]
    pub(crate) fn operate(&self) -> bool {
        if let Some(used) = stack::too_deep() {
            self.deep(used);
        }
        self.meter.charge(1)
    }

    /// The call uses more native stack than it should: all that there is, or what its memory bears.
    #[cold]
    fn deep(&self, used: usize) {
        if used > limits::STACK {
            return self.meter.kill(Resource::Depth);
        }
        let mut ledger = open(&self.ledger);
        ledger.left(used);
        stack::leave(self.memory.saturating_sub(ledger.total()));
        if stack::too_deep().is_some() {
            self.meter.kill(Resource::Memory);
        }
    }

    /// Each call from now on finds a value of `weight` bytes.
    pub(crate) fn found(&self, weight: u64) {
        self.heaviest.fetch_max(weight, Relaxed);
    }

    /// Runs Rhai on this thread: `run` is a call.
    pub(crate) fn enter<R>(&self, run: impl FnOnce() -> R) -> Result<R, Fault> {
        // Most calls hold nothing that is weighed, and a lock costs as much as all else that is made ready here.
        if self.weighed.load(Relaxed) {
            self.weighed.store(false, Relaxed);
            open(&self.ledger).clear();
        }
        self.captured.store(0, Relaxed);
        self.run(run)
    }

    /// Runs Rhai on this thread: `run` is one file's part of a load, on top of what files before it may have kept.
    pub(crate) fn enter_again<R>(&self, run: impl FnOnce() -> R) -> Result<R, Fault> {
        open(&self.ledger).keep();
        self.run(run)
    }

    #[inline]
    fn run<R>(&self, run: impl FnOnce() -> R) -> Result<R, Fault> {
        stack::entered(self.memory, self.density, || {
            stack::note(self.heaviest.load(Relaxed));
            panic::catch_unwind(AssertUnwindSafe(run)).map_err(|panicked| {
                let text = panicked.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panicked.downcast_ref::<String>().cloned()).unwrap_or_default();
                Fault::bug(format!("Rhai panicked: {text}"))
            })
        })
    }

    /// A variable is defined: weighs the others. False: the call has more than its memory and ends.
    pub(crate) fn defined(&self, context: &EvalContext<'_, '_, '_, '_, '_, '_>) -> bool {
        self.weighed.store(true, Relaxed);
        let mut ledger = open(&self.ledger);
        let within = ledger.define(&self.shown(context), self.memory);
        stack::leave(self.memory.saturating_sub(ledger.total()));
        within.is_ok() || self.out_of_memory()
    }

    /// A value is given to a variable, a part of a container or a method, as `mark` says; Rhai looks at the size of the
    /// whole container in none of these. Weighs it, and now and then all that the frame holds. False: the call has more
    /// than its memory, or a value larger than one may be, and ends.
    pub(crate) fn given(&self, context: &EvalContext<'_, '_, '_, '_, '_, '_>, value: &Dynamic, mark: char) -> bool {
        let plain = value.is_int() || value.is_float() || value.is_bool() || value.is_unit();
        if plain && mark == source::VARIABLE {
            return true;
        }
        let Some(mut weight) = memory::weight(value) else { return self.out_of_memory() };
        stack::note(weight);
        if weight > self.memory / memory::HEAVIEST {
            return self.out_of_memory();
        }
        if mark == source::ARGUMENT {
            weight = weight.max(memory::METHOD);
        }
        let given = {
            self.weighed.store(true, Relaxed);
            let mut ledger = open(&self.ledger);
            let given = ledger.give(&self.shown(context), weight, self.memory);
            stack::leave(self.memory.saturating_sub(ledger.total()));
            given
        };
        match given {
            Ok(false) => true,
            Ok(true) => {
                let engine = context.engine();
                let mut values = context.scope().iter_raw().map(|(_, _, value)| value).chain(context.this_ptr());
                values.all(|value| engine.ensure_data_size_within_limits(value).is_ok()) || self.out_of_memory()
            }
            Err(_) => self.out_of_memory(),
        }
    }

    fn shown<'a>(&self, context: &'a EvalContext<'_, '_, '_, '_, '_, '_>) -> Shown<'a> {
        let fuel = self.meter.usage().fuel;
        Shown { level: context.call_level(), scope: context.scope(), this: context.this_ptr(), fuel }
    }

    /// Ends the call, and says so.
    fn out_of_memory(&self) -> bool {
        self.meter.kill(Resource::Memory);
        false
    }

    /// Charges a value that a closure captures; false: the call ends. Constants are seen here at each use and are free:
    /// the closures that hold them are weighed with the variables that hold those.
    pub(crate) fn captured(&self, value: &Dynamic) -> bool {
        if value.is_read_only() {
            return true;
        }
        let Some(weight) = memory::weight(value) else { return self.out_of_memory() };
        stack::note(weight);
        let total = self.captured.load(Relaxed).saturating_add(weight);
        self.captured.store(total, Relaxed);
        if total > self.memory {
            return self.out_of_memory();
        }
        self.meter.charge(weight / BYTES_PER_FUEL)
    }

    /// `position` in `file`.
    pub(crate) fn place(&self, file: &str, position: Position) -> Place {
        let number = |at: Option<usize>| at.and_then(|at| u32::try_from(at).ok());
        let inserted = self.inserted.get(file);
        let column = position.line().zip(position.position());
        let column = column.map(|(line, column)| inserted.map_or(column, |inserted| inserted.column(line, column)));
        Place { file: file.into(), line: number(position.line()), column: number(column) }
    }

    /// Whether `file` is one of the plugin's that are loaded.
    pub(crate) fn is_loaded(&self, file: &str) -> bool {
        self.inserted.contains_key(file)
    }
}

/// What is behind the lock of a plugin that has one caller at a time; a panic has ended its instance already.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
