//! [`LuaInstance`]: a loaded script. It converts, enters the guest and says what came of it.

use std::sync::Arc;

use mlua::{Function, Thread, Value as LuaValue};
use modhost_abi::TypeError;
use modhost_backend::{
    ExportId, ExportInfo, Fault, FaultKind, Instance, Resource, Step, Suspending, Type, Value, ValueBudget,
};

use crate::{
    convert::{Refusal, from_lua, number_from_lua, scalar_to_lua, text_from_lua, to_lua},
    coroutine::{self, Came, Pending},
    interrupt::{self, Answer, Argument, Outcome},
    link::host_refusal,
    memory::Vm,
    modules::Files,
    raise,
};

/// The most arguments that a function with `...` takes: Luau's C stack holds 8,000 values in all.
const MOST_ARGUMENTS: usize = 1000;

/// One function that the script offers, as it was after loading.
pub(crate) struct Export {
    pub(crate) info: ExportInfo,
    pub(crate) function: Function,
}

/// A loaded script.
pub(crate) struct LuaInstance {
    functions: Vec<Function>,
    handler: Function,
    infos: Vec<ExportInfo>,
    last: raise::LastTrace,
    files: Arc<Files>,
    /// There where the script can call pending functions.
    pending: Option<Arc<Pending>>,
    /// The coroutine of the call that is suspended.
    suspended: Option<Thread>,
    /// Last: functions go before the state they are of.
    vm: Vm,
}

/// Why the guest was not entered.
struct Stop(Fault);

impl From<mlua::Error> for Stop {
    fn from(error: mlua::Error) -> Self {
        Stop(Fault::bug(error.to_string()))
    }
}

impl LuaInstance {
    /// An instance with these exports, sorted by name.
    pub(crate) fn new(
        exports: Vec<Export>,
        handler: Function,
        last: raise::LastTrace,
        files: Arc<Files>,
        pending: Option<Arc<Pending>>,
        vm: Vm,
    ) -> Self {
        let (infos, functions) = exports.into_iter().map(|export| (export.info, export.function)).unzip();
        LuaInstance { functions, handler, infos, last, files, pending, suspended: None, vm }
    }

    /// The function behind `export`, for so many arguments.
    #[inline]
    fn function(&self, export: ExportId, count: usize) -> Result<&Function, Fault> {
        self.vm.gauge.meter.verdict()?;
        let (Some(function), Some(info)) = (self.functions.get(export.index()), self.infos.get(export.index())) else {
            let name = format!("number {}", export.index());
            return Err(Fault::new(FaultKind::MissingExport { name, offered: Vec::new() }));
        };
        match info.arity {
            Some(arity) if arity != count => Err(Fault::arity(arity, count)),
            None if count > MOST_ARGUMENTS => {
                let expected = format!("at most {MOST_ARGUMENTS}");
                Err(Fault::new(FaultKind::Arity { expected, found: count }))
            }
            _ => Ok(function),
        }
    }

    /// What the guest came back with.
    #[inline]
    fn finished(&self, outcome: Outcome, wants: &Type) -> Result<Value, Fault> {
        // Whatever the guest made of its end, it has ended.
        raise::verdict(&self.vm.gauge, &self.files)?;
        // A number is read where it lies.
        if let Outcome::Returned(Answer::Number(number), 1) = &outcome {
            return self.number(*number, wants);
        }
        match outcome {
            Outcome::Returned(_, 0) => Ok(Value::Nil),
            Outcome::Returned(answer, count) => self.returned(answer, count, wants),
            Outcome::Raised(error) => Err(raise::fault(&error, &self.files, &self.vm.gauge.meter, &self.last)),
            Outcome::OutOfMemory => Err(raise::out_of_memory(&self.vm.gauge)),
        }
    }

    /// How far a call on a coroutine came.
    fn came(&mut self, came: Came, thread: Thread, wants: &Type) -> Result<Step, Fault> {
        match came {
            Came::Suspended => {
                self.vm.gauge.meter.verdict()?;
                self.suspended = Some(thread);
                Ok(Step::Suspended)
            }
            Came::Over(outcome, frames) => {
                raise::keep(&self.last, frames, &self.files);
                self.finished(outcome, wants).map(Step::Done)
            }
        }
    }

    /// Converts the arguments and runs the guest.
    #[inline]
    fn enter(&self, function: &Function, args: &[Value]) -> Result<Outcome, Stop> {
        let mut budget = ValueBudget::new(self.vm.gauge.meter.limits().value);
        interrupt::enter(&self.vm, function, &self.handler, args.len(), |at| self.argument(at, &args[at], &mut budget))
    }

    #[inline]
    fn argument<'a>(&self, at: usize, arg: &'a Value, budget: &mut ValueBudget) -> Result<Argument<'a>, Stop> {
        let (payload, made) = match (arg, scalar_to_lua(arg)) {
            (_, Some(LuaValue::Number(number))) => (0, Argument::Number(number)),
            (_, Some(scalar)) => (0, Argument::Other(scalar)),
            (Value::Str(text), None) => (text.len(), Argument::Text(text)),
            _ => return to_lua(&self.vm.lua, arg, budget).map(Argument::Other).map_err(|e| self.refused(at, e)),
        };
        budget.enter(payload).map_err(|error| self.refused(at, error.into()))?;
        budget.leave();
        Ok(made)
    }

    #[cold]
    fn refused(&self, at: usize, refusal: Refusal) -> Stop {
        Stop(host_refusal(&self.vm.gauge, refusal.inside(|| format!("argument {}", at + 1))))
    }

    #[inline]
    fn number(&self, number: f64, wants: &Type) -> Result<Value, Fault> {
        let meter = &self.vm.gauge.meter;
        match ValueBudget::new(meter.limits().value).enter(0) {
            Ok(()) => Ok(number_from_lua(number, wants)),
            Err(_) => Err(meter.exceeded(Resource::Value)),
        }
    }

    /// The one result, as a value.
    #[inline]
    fn returned(&self, answer: Answer, count: usize, wants: &Type) -> Result<Value, Fault> {
        if count > 1 {
            return Err(TypeError::new("one result", format!("{count} results")).into());
        }
        let meter = &self.vm.gauge.meter;
        let mut budget = ValueBudget::new(meter.limits().value);
        let value = match answer {
            Answer::Number(number) => return self.number(number, wants),
            Answer::Text(bytes) => match budget.enter(bytes.len()) {
                Ok(()) => text_from_lua(bytes, wants),
                Err(error) => Err(error.into()),
            },
            Answer::Other(value) => from_lua(&value, wants, &mut budget),
        };
        value.map_err(|refusal| match refusal {
            Refusal::Type(error) => error.into(),
            Refusal::Large => meter.exceeded(Resource::Value),
            Refusal::Lua(error) => Fault::bug(error.to_string()),
        })
    }
}

impl Instance for LuaInstance {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        ExportId::find(&self.infos, name)
    }

    fn call(&mut self, export: ExportId, args: &[Value], wants: &Type) -> Result<Value, Fault> {
        let function = self.function(export, args.len())?;
        let outcome = self.enter(function, args).map_err(|stop| stop.0)?;
        self.finished(outcome, wants)
    }

    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        Some(self)
    }

    fn exports(&self) -> &[ExportInfo] {
        &self.infos
    }

    fn memory_used(&self) -> Option<usize> {
        Some(self.vm.gauge.above_fresh())
    }
}

impl Suspending for LuaInstance {
    fn start(&mut self, export: ExportId, args: &[Value], wants: &Type) -> Result<Step, Fault> {
        let Some(pending) = &self.pending else { return self.call(export, args, wants).map(Step::Done) };
        let function = self.function(export, args.len())?;
        let mut budget = ValueBudget::new(self.vm.gauge.meter.limits().value);
        let argument = |at: usize| self.argument(at, &args[at], &mut budget);
        let started = coroutine::start(&self.vm, pending, function, args.len(), argument);
        let (thread, came) = started.map_err(|stop| stop.0)?;
        self.came(came, thread, wants)
    }

    fn resume(&mut self, answer: Result<Value, Fault>, wants: &Type) -> Result<Step, Fault> {
        let (Some(pending), Some(thread)) = (&self.pending, self.suspended.take()) else {
            return Err(Fault::bug("no call is suspended"));
        };
        pending.put(answer);
        let came = coroutine::resume(&self.vm, pending, &thread).map_err(|error| Fault::bug(error.to_string()))?;
        self.came(came, thread, wants)
    }
}
