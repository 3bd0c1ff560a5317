//! [`LuaInstance`]: a loaded script. It converts, enters the guest and says what came of it.

use mlua::{Function, Value as LuaValue};
use modhost_abi::TypeError;
use modhost_backend::{ExportId, ExportInfo, Fault, FaultKind, Instance, Resource, Type, Value, ValueBudget};

use crate::{
    convert::{Refusal, from_lua, scalar_to_lua, text_from_lua, to_lua},
    interrupt::{self, Answer, Argument, Outcome},
    link::host_refusal,
    memory::Vm,
    raise,
};

/// Arguments of a call that are kept without a heap allocation.
const FEW: usize = 4;

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
    entry: String,
    /// Last: functions must be gone when the state is closed.
    vm: Vm,
}

impl LuaInstance {
    /// An instance with these exports, sorted by name.
    pub(crate) fn new(exports: Vec<Export>, handler: Function, last: raise::LastTrace, entry: String, vm: Vm) -> Self {
        let (infos, functions) = exports.into_iter().map(|export| (export.info, export.function)).unzip();
        LuaInstance { functions, handler, infos, last, entry, vm }
    }

    /// Converts the arguments, of which a few need no list on the heap, and runs the guest.
    fn enter(&self, function: &Function, args: &[Value]) -> Result<Outcome, Fault> {
        let mut budget = ValueBudget::new(self.vm.gauge.meter.limits().value);
        let mut few: [Option<Argument<'_>>; FEW] = [const { None }; FEW];
        let outcome = if let Some(slots) = few.get_mut(..args.len()) {
            for (at, (slot, arg)) in slots.iter_mut().zip(args).enumerate() {
                *slot = Some(self.argument(at, arg, &mut budget)?);
            }
            interrupt::enter(
                &self.vm,
                function,
                &self.handler,
                slots.iter_mut().map(|slot| slot.take().unwrap_or(Argument::Other(LuaValue::Nil))),
            )
        } else {
            let mut many = Vec::with_capacity(args.len());
            for (at, arg) in args.iter().enumerate() {
                many.push(self.argument(at, arg, &mut budget)?);
            }
            interrupt::enter(&self.vm, function, &self.handler, many.into_iter())
        };
        outcome.map_err(|error| Fault::bug(error.to_string()))
    }

    #[inline]
    fn argument<'a>(&self, at: usize, arg: &'a Value, budget: &mut ValueBudget) -> Result<Argument<'a>, Fault> {
        let refused =
            |refusal: Refusal| host_refusal(&self.vm.gauge, refusal.inside(|| format!("argument {}", at + 1)));
        if let Some(scalar) = scalar_to_lua(arg) {
            budget.enter(0).map_err(|error| refused(error.into()))?;
            budget.leave();
            return Ok(Argument::Other(scalar));
        }
        if let Value::Str(text) = arg {
            budget.enter(text.len()).map_err(|error| refused(error.into()))?;
            budget.leave();
            return Ok(Argument::Text(text));
        }
        to_lua(&self.vm.lua, arg, budget).map(Argument::Other).map_err(refused)
    }

    /// The one result, as a value.
    fn returned(&self, answer: Answer, count: usize) -> Result<Value, Fault> {
        if count > 1 {
            return Err(TypeError::new("one result", format!("{count} results")).into());
        }
        let meter = &self.vm.gauge.meter;
        let mut budget = ValueBudget::new(meter.limits().value);
        let value = match answer {
            Answer::Other(value) => from_lua(&value, &Type::Any, &mut budget),
            Answer::Text(bytes) => match budget.enter(bytes.len()) {
                Ok(()) => text_from_lua(bytes, &Type::Any),
                Err(error) => Err(error.into()),
            },
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

    fn call(&mut self, export: ExportId, args: &[Value]) -> Result<Value, Fault> {
        let meter = &self.vm.gauge.meter;
        meter.verdict()?;
        let (Some(function), Some(info)) = (self.functions.get(export.index()), self.infos.get(export.index())) else {
            let name = format!("number {}", export.index());
            return Err(Fault::new(FaultKind::MissingExport { name, offered: Vec::new() }));
        };
        if let Some(arity) = info.arity
            && arity != args.len()
        {
            return Err(Fault::arity(arity, args.len()));
        }
        let outcome = self.enter(function, args)?;
        // Whatever the guest made of its end, it has ended.
        meter.verdict()?;
        match outcome {
            Outcome::Returned(Answer::Other(LuaValue::Nil), 0) => Ok(Value::Nil),
            Outcome::Returned(answer, count) => self.returned(answer, count),
            Outcome::Raised(error) => Err(raise::fault(&error, &self.entry, meter, &self.last)),
            Outcome::OutOfMemory => Err(raise::out_of_memory(&self.vm.gauge)),
        }
    }

    fn exports(&self) -> &[ExportInfo] {
        &self.infos
    }

    fn memory_used(&self) -> Option<usize> {
        Some(self.vm.gauge.above_fresh())
    }
}
