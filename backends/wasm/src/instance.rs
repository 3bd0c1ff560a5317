//! [`WasmInstance`]: calls into a loaded module. It takes values to the guest and back; what runs in between is `guest`'s.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use modhost_abi::codec;
use modhost_backend::{
    ExportId, ExportInfo, Fault, FaultKind, Instance, Meter, Place, Resource, Signature, Type, TypeError, Value,
};
use wasmi::{Func, Global, Store, TypedFunc, Val, ValType};

use crate::{
    convert::{check_size, from_wasm, to_wasm},
    guest::{self, State},
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
                let (fewest, most) = (signature.required(), signature.params.len());
                if !(fewest..=most).contains(&args.len()) {
                    let expected = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
                    return Err(Fault::new(FaultKind::Arity { expected, found: args.len() }));
                }
                for (at, (value, param)) in args.iter().zip(&signature.params).enumerate() {
                    param.ty.check(value).map_err(|error| argument(error, at))?;
                }
                let limits = self.meter.limits().value;
                let mut buffer = mem::take(&mut self.store.data_mut().buffer);
                buffer.clear();
                let written = codec::encode_list_within(args, limits, &mut buffer)
                    .map_err(|_| self.meter.limit_fault(Resource::Value))
                    .and_then(|()| guest::write(&mut self.store, &buffer));
                self.store.data_mut().buffer = buffer;
                let (at, len) = written?;
                let packed = guest::run_typed(&mut self.store, func, (at as i32, len as i32))? as u64;
                let (at, len) = ((packed >> 32) as u32, packed as u32);
                let bytes = guest::bytes(&self.store, at, len)?;
                guest::charge_bytes(&self.meter, bytes.len())?;
                let value = codec::decode(bytes, limits).map_err(|error| guest::undecoded(error, &self.meter))?;
                signature.result.check(&value).map_err(|error| error.inside("result"))?;
                Ok(value)
            }
        }
    }

    /// The shadow stack's pointer, where the guest shows it.
    fn stack_pointer(&self) -> Option<(Global, Val)> {
        self.stack_pointer.map(|global| (global, global.get(&self.store)))
    }
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
        self.meter.verdict()?;
        if let Some(fault) = &self.dead {
            return Err(fault.clone());
        }
        let stack_pointer = self.stack_pointer();
        let result = catch_unwind(AssertUnwindSafe(|| self.enter(export.index(), args)))
            .unwrap_or_else(|_| Err(Fault::bug("the wasm interpreter panicked")));
        result.map_err(|fault| {
            if let Some((global, value)) = stack_pointer {
                // Only a reference of another store or an immutable global is refused, and neither was taken.
                let _ = global.set(&mut self.store, value);
            }
            let name = self.exports.get(export.index()).map(|export| export.name.clone());
            let fault = fault.at(Place::file(&self.entry)).with_trace(name);
            if fault.is_fatal() {
                self.dead = Some(fault.clone());
            }
            fault
        })
    }

    fn exports(&self) -> &[ExportInfo] {
        &self.exports
    }

    fn memory_used(&self) -> Option<usize> {
        usize::try_from(self.store.data().limiter.used()).ok()
    }
}
