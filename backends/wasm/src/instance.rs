//! [`WasmInstance`]: calls into a loaded module. It takes values to the guest and back; what runs in between is `guest`'s.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use modhost_abi::codec;
use modhost_backend::{
    ExportId, ExportInfo, Fault, FaultKind, Instance, Meter, Place, Resource, Signature, Step, Suspending, Type,
    TypeError, Value,
};
use wasmi::{Func, Global, ResumableCallHostTrap, Store, TypedFunc, Val, ValType};

use crate::{
    convert::{check_size, from_wasm, to_wasm},
    guest::{self, AnswerAs, Ran, State},
    host,
    typed::{Failed, Typed},
};

/// How an export is called.
pub(crate) enum Form {
    /// By numbers, in one of the commonest shapes, with this many parameters.
    Typed(Box<dyn Typed>, usize),
    /// By numbers of these types; the results are as many as there are.
    Plain { func: Func, params: Box<[ValType]>, results: usize },
    /// By an encoded list of arguments and an encoded result.
    Codec(TypedFunc<(i32, i32), i64>, Signature),
}

/// A call that was left in a pending host function.
pub(crate) struct Suspended {
    left: ResumableCallHostTrap,
    /// Its number among the exports.
    index: usize,
    /// Where the shadow stack was when it began.
    stack_pointer: Option<(Global, Val)>,
}

/// A loaded module.
pub(crate) struct WasmInstance {
    pub(crate) store: Store<State>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) entry: String,
    /// Sorted by name; [`WasmInstance::forms`] has the same order.
    pub(crate) exports: Vec<ExportInfo>,
    pub(crate) forms: Vec<Form>,
    /// The export `__stack_pointer`, if the module has one: a call that ends inside the guest leaves it where it was.
    pub(crate) stack_pointer: Option<Global>,
    /// Room for arguments and results, kept from call to call.
    pub(crate) inputs: Vec<Val>,
    pub(crate) outputs: Vec<Val>,
    /// The call that waits for the answer to a pending host function.
    pub(crate) suspended: Option<Suspended>,
    /// Why the instance is never entered again.
    pub(crate) dead: Option<Fault>,
}

impl WasmInstance {
    fn enter(&mut self, index: usize, args: &[Value]) -> Result<Value, Fault> {
        let Some(form) = self.forms.get(index) else {
            return Err(Fault::bug(format!("the instance has no export number {index}")));
        };
        self.store.data_mut().limiter.forget();
        match form {
            Form::Typed(func, params) => {
                if args.len() != *params {
                    return Err(Fault::arity(*params, args.len()));
                }
                check_size(args, &self.meter)?;
                let result = func.call(&mut self.store, args).map_err(|failed| match failed {
                    Failed::Argument(at, error) => argument(error, at).into(),
                    Failed::Ended(fault) => fault,
                })?;
                check_result(&result, &self.meter)?;
                Ok(result)
            }
            Form::Plain { func, params, results } => {
                if args.len() != params.len() {
                    return Err(Fault::arity(params.len(), args.len()));
                }
                if *results > 1 {
                    return Err(TypeError::new("one result", format!("{results} results")).into());
                }
                check_size(args, &self.meter)?;
                self.inputs.clear();
                for (at, (value, ty)) in args.iter().zip(params).enumerate() {
                    self.inputs.push(to_wasm(value, *ty).map_err(|error| argument(error, at))?);
                }
                self.outputs.clear();
                self.outputs.resize(*results, Val::I32(0));
                guest::run(&mut self.store, func, &self.inputs, &mut self.outputs)?;
                let Some(result) = self.outputs.first() else { return Ok(Value::Nil) };
                let result = from_wasm(result)?;
                check_result(&result, &self.meter)?;
                Ok(result)
            }
            Form::Codec(func, signature) => {
                let (at, len) = encoded(&mut self.store, &self.meter, signature, args)?;
                let packed = guest::run_typed(&mut self.store, func, (at as i32, len as i32))?;
                decoded(&self.store, &self.meter, signature, packed)
            }
        }
    }

    /// [`WasmInstance::enter`] for a call that may be suspended. It always goes the general way.
    fn begin(&mut self, index: usize, args: &[Value]) -> Result<Ran, Fault> {
        let Some(form) = self.forms.get(index) else {
            return Err(Fault::bug(format!("the instance has no export number {index}")));
        };
        self.store.data_mut().limiter.forget();
        self.inputs.clear();
        let (func, results) = match form {
            Form::Codec(func, signature) => {
                let (at, len) = encoded(&mut self.store, &self.meter, signature, args)?;
                self.inputs.extend([Val::I32(at as i32), Val::I32(len as i32)]);
                (*func.func(), 1)
            }
            Form::Typed(..) | Form::Plain { .. } => {
                let func = match form {
                    Form::Typed(func, _) => func.func(),
                    Form::Plain { func, .. } => *func,
                    Form::Codec(func, _) => *func.func(),
                };
                let ty = func.ty(&self.store);
                if args.len() != ty.params().len() {
                    return Err(Fault::arity(ty.params().len(), args.len()));
                }
                if ty.results().len() > 1 {
                    return Err(TypeError::new("one result", format!("{} results", ty.results().len())).into());
                }
                check_size(args, &self.meter)?;
                for (at, (value, ty)) in args.iter().zip(ty.params()).enumerate() {
                    self.inputs.push(to_wasm(value, *ty).map_err(|error| argument(error, at))?);
                }
                (func, ty.results().len())
            }
        };
        self.outputs.clear();
        self.outputs.resize(results, Val::I32(0));
        guest::start(&mut self.store, &func, &self.inputs, &mut self.outputs)
    }

    /// Gives the guest the answer that it waits for, and runs on.
    fn go_on(&mut self, left: ResumableCallHostTrap, answer: Result<Value, Fault>) -> Result<Ran, Fault> {
        let waiting = self.store.data_mut().waiting.take();
        let Some(waiting) = waiting else { return Err(Fault::bug("the guest waits for nothing")) };
        let answer = answer?;
        let given = match waiting.answer {
            AnswerAs::Plain(ty) => host::plain_result(&answer, ty, &waiting.function)?,
            AnswerAs::Encoded => Some(Val::I64(host::give(&mut self.store, &answer)?.cast_signed())),
        };
        guest::resume(&mut self.store, left, given.as_slice(), &mut self.outputs)
    }

    /// What a call that may be suspended came to.
    fn stepped(&mut self, ran: Ran, index: usize, stack_pointer: Option<(Global, Val)>) -> Result<Step, Fault> {
        if let Ran::Suspended(left) = ran {
            self.suspended = Some(Suspended { left, index, stack_pointer });
            return Ok(Step::Suspended);
        }
        match (self.forms.get(index), self.outputs.first()) {
            (Some(Form::Codec(_, signature)), Some(Val::I64(packed))) => {
                decoded(&self.store, &self.meter, signature, *packed).map(Step::Done)
            }
            (_, None) => Ok(Step::Done(Value::Nil)),
            (_, Some(result)) => {
                let result = from_wasm(result)?;
                check_result(&result, &self.meter)?;
                Ok(Step::Done(result))
            }
        }
    }

    /// Runs `call` of export number `index`; where it fails, tidies up and says where.
    #[inline]
    fn guarded<T>(
        &mut self,
        index: usize,
        stack_pointer: Option<(Global, Val)>,
        call: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.meter.verdict()?;
        if let Some(fault) = &self.dead {
            return Err(fault.clone());
        }
        let result = catch_unwind(AssertUnwindSafe(|| call(self)))
            .unwrap_or_else(|_| Err(Fault::bug("the wasm interpreter panicked")));
        result.map_err(|fault| {
            let state = self.store.data_mut();
            (state.suspendable, state.waiting) = (false, None);
            if let Some((global, value)) = stack_pointer {
                // Only a reference of another store or an immutable global is refused, and neither was taken.
                let _ = global.set(&mut self.store, value);
            }
            let name = self.exports.get(index).map(|export| export.name.clone());
            let fault = fault.at(Place::file(&self.entry)).with_trace(name);
            if fault.is_fatal() {
                self.dead = Some(fault.clone());
            }
            fault
        })
    }

    /// The shadow stack's pointer, where the guest shows it.
    fn stack_pointer(&self) -> Option<(Global, Val)> {
        self.stack_pointer.map(|global| (global, global.get(&self.store)))
    }
}

/// Hands encoded arguments to the guest: their place.
fn encoded(
    store: &mut Store<State>,
    meter: &Meter,
    signature: &Signature,
    args: &[Value],
) -> Result<(u32, u32), Fault> {
    let (fewest, most) = (signature.required(), signature.params.len());
    if !(fewest..=most).contains(&args.len()) {
        let expected = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
        return Err(Fault::new(FaultKind::Arity { expected, found: args.len() }));
    }
    for (at, (value, param)) in args.iter().zip(&signature.params).enumerate() {
        param.ty.check(value).map_err(|error| argument(error, at))?;
    }
    let mut buffer = mem::take(&mut store.data_mut().buffer);
    buffer.clear();
    let written = codec::encode_list_within(args, meter.limits().value, &mut buffer)
        .map_err(|_| meter.limit_fault(Resource::Value))
        .and_then(|()| guest::write(&mut *store, &buffer));
    store.data_mut().buffer = buffer;
    written
}

/// The encoded result that the guest says is at `packed`.
fn decoded(store: &Store<State>, meter: &Meter, signature: &Signature, packed: i64) -> Result<Value, Fault> {
    let packed = packed.cast_unsigned();
    let (at, len) = ((packed >> 32) as u32, packed as u32);
    let bytes = guest::bytes(store, at, len)?;
    guest::charge_bytes(meter, bytes.len())?;
    let value = codec::decode(bytes, meter.limits().value).map_err(|error| guest::undecoded(error, meter))?;
    signature.result.check(&value).map_err(|error| error.inside("result"))?;
    Ok(value)
}

/// The number that a guest gives: beyond the limit it ends the plugin. Nil is no value that crosses.
fn check_result(result: &Value, meter: &Meter) -> Result<(), Fault> {
    if *result == Value::Nil {
        return Ok(());
    }
    check_size(std::slice::from_ref(result), meter).map_err(|_| meter.exceeded(Resource::Value))
}

fn argument(error: TypeError, at: usize) -> TypeError {
    let space = if error.at().is_empty() { "" } else { " " };
    error.inside(format!("argument {}{space}", at + 1))
}

impl Instance for WasmInstance {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        match self.exports.binary_search_by(|export| export.name.as_str().cmp(name)) {
            Ok(index) => Ok(ExportId::new(index)),
            Err(_) => ExportId::find(&self.exports, name),
        }
    }

    fn call(&mut self, export: ExportId, args: &[Value], _wants: &Type) -> Result<Value, Fault> {
        let stack_pointer = self.stack_pointer();
        self.guarded(export.index(), stack_pointer, |instance| instance.enter(export.index(), args))
    }

    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        Some(self)
    }

    fn exports(&self) -> &[ExportInfo] {
        &self.exports
    }

    fn memory_used(&self) -> Option<usize> {
        usize::try_from(self.store.data().limiter.used()).ok()
    }
}

impl Suspending for WasmInstance {
    fn start(&mut self, export: ExportId, args: &[Value], _wants: &Type) -> Result<Step, Fault> {
        let (index, stack_pointer) = (export.index(), self.stack_pointer());
        self.guarded(index, stack_pointer.clone(), |instance| {
            let ran = instance.begin(index, args)?;
            instance.stepped(ran, index, stack_pointer)
        })
    }

    fn resume(&mut self, answer: Result<Value, Fault>, _wants: &Type) -> Result<Step, Fault> {
        let Some(Suspended { left, index, stack_pointer }) = self.suspended.take() else {
            return Err(Fault::bug("no call is suspended"));
        };
        self.guarded(index, stack_pointer.clone(), |instance| {
            let ran = instance.go_on(left, answer)?;
            instance.stepped(ran, index, stack_pointer)
        })
    }
}
