//! What a guest imports: the functions of the host's table, by plain numbers or by the codec, and `modhost.print` and
//! `modhost.panic`. An import that is not among them does not link. It checks no capability: the table's entries do.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use modhost_abi::codec;
use modhost_backend::{Fault, FaultKind, HostEntry, HostTable, Resource, TypeError, Value};
use wasmi::{AsContextMut, Caller, Error, Extern, ExternType, Func, FuncType, ImportType, Store, Val, ValType};

use crate::{
    convert::{broken, check_plain, from_wasm_as, show, to_wasm_as},
    guest::{self, AnswerAs, Carried, Leave, State, Waiting},
    limits::HOST_CALL,
    section::Listing,
    typed,
};

/// The longest text of a panic that is read, in bytes.
const LONGEST_PANIC: u32 = 4096;
/// Arguments of a call that are kept without a heap allocation.
const FEW: usize = 4;

/// The function behind one import.
///
/// # Errors
/// [`FaultKind::MissingImport`] for what the host does not offer, [`FaultKind::WasmAbi`] for a type that does not fit.
pub(crate) fn link(
    store: &mut Store<State>,
    import: &ImportType<'_>,
    host: &HostTable,
    listing: &Listing,
) -> Result<Extern, Fault> {
    let name = format!("{}.{}", import.module(), import.name());
    let missing = || Fault::new(FaultKind::MissingImport { name: name.chars().take(200).collect() });
    let ExternType::Func(ty) = import.ty() else { return Err(missing()) };
    let expect = |params: &[ValType], results: &[ValType]| {
        if (ty.params(), ty.results()) == (params, results) {
            return Ok(());
        }
        let expected = show(&FuncType::new(params.to_vec(), results.to_vec()));
        Err(broken(format!("the import `{name}` is {}, expected {expected}", show(ty))))
    };
    let pointer = [ValType::I32, ValType::I32];
    let func = match name.as_str() {
        "modhost.print" => {
            expect(&pointer, &[])?;
            Func::wrap(store, |caller: Caller<'_, State>, at: u32, len: u32| {
                guard(caller, |caller| print(caller, at, len), true)
            })
        }
        "modhost.panic" => {
            expect(&pointer, &[])?;
            Func::wrap(store, |caller: Caller<'_, State>, at: u32, len: u32| {
                guard(caller, |caller| panic(caller, at, len), true)
            })
        }
        _ => {
            let entry = host.find(&name).map(|at| &host.entries()[at]).ok_or_else(missing)?;
            let entry = entry.clone();
            if listing.imports.contains_key(&name) {
                expect(&pointer, &[ValType::I64])?;
                Func::wrap(store, move |caller: Caller<'_, State>, at: u32, len: u32| {
                    guard(caller, |caller| encoded(caller, &entry, at, len), false)
                })
            } else {
                check_plain(&entry.signature, ty)
                    .map_err(|why| broken(format!("the import `{name}` does not fit: {why}")))?;
                plain(store, ty.clone(), entry)
            }
        }
    };
    Ok(func.into())
}

/// Runs the host's part of a call: nothing unwinds out of it, the meter is told before and asked after. While
/// `modhost_alloc` runs, only printing and panicking is open: else the two would call each other on the host's stack.
fn guard<R>(
    mut caller: Caller<'_, State>,
    run: impl FnOnce(&mut Caller<'_, State>) -> Result<R, Fault>,
    always: bool,
) -> Result<R, Error> {
    let guarded = || {
        guest::settle(&mut caller.as_context_mut())?;
        if caller.data().allocating && !always {
            return Err(broken("`modhost_alloc` calls a host function"));
        }
        caller.data().meter.spend(HOST_CALL)?;
        let result = catch_unwind(AssertUnwindSafe(|| run(&mut caller)))
            .unwrap_or_else(|_| Err(Fault::bug("a host function unwound into the guest")));
        let meter = &caller.data().meter;
        if !meter.alive() {
            meter.verdict()?;
        }
        guest::resettle(&mut caller.as_context_mut())?;
        result
    };
    let result = guarded().map_err(|fault| Error::host(Carried(fault)))?;
    if caller.data().waiting.is_some() { Err(Error::host(Leave)) } else { Ok(result) }
}

/// Calls the host function; or begins it, where the guest can be left for its answer: then there is no result yet.
fn ask(
    caller: &mut Caller<'_, State>,
    entry: &HostEntry,
    args: &mut [Value],
    answer: AnswerAs,
) -> Result<Option<Value>, Fault> {
    // An import that is exported again runs without a frame of the guest to come back to.
    let within = |caller: &Caller<'_, State>| {
        caller.data().own_export.as_ref().is_some_and(|name| caller.get_export(name).is_some())
    };
    match &entry.begin {
        Some(begin) if caller.data().suspendable && within(caller) => {
            begin(args)?;
            caller.data_mut().waiting = Some(Waiting { function: entry.name.clone(), answer });
            Ok(None)
        }
        _ => (entry.call)(args).map(Some),
    }
}

fn print(caller: &mut Caller<'_, State>, at: u32, len: u32) -> Result<(), Fault> {
    let state = caller.data();
    // Asked before the text is read: what is not UTF-8 grows when it is made so.
    if u64::from(len) > state.meter.limits().output {
        return Err(state.meter.exceeded(Resource::Output));
    }
    let text = guest::bytes(caller, at, len)?;
    guest::charge_bytes(&state.meter, text.len())?;
    (state.print)(&String::from_utf8_lossy(text))
}

fn panic(caller: &mut Caller<'_, State>, at: u32, len: u32) -> Result<(), Fault> {
    let text = String::from_utf8_lossy(guest::bytes(caller, at, len.min(LONGEST_PANIC))?);
    Err(Fault::new(FaultKind::Raised { message: text.chars().take(2000).collect(), fatal: true }))
}

/// A call of a host function with encoded arguments.
fn encoded(caller: &mut Caller<'_, State>, entry: &HostEntry, at: u32, len: u32) -> Result<u64, Fault> {
    let meter = caller.data().meter.clone();
    let limits = meter.limits().value;
    let bytes = guest::bytes(caller, at, len)?;
    guest::charge_bytes(&meter, bytes.len())?;
    let mut args = codec::decode_list(bytes, limits).map_err(|error| guest::undecoded(error, &meter))?;
    match ask(caller, entry, &mut args, AnswerAs::Encoded)? {
        Some(result) => give(caller, &result),
        None => Ok(0),
    }
}

/// Hands an encoded result to the guest: its place.
///
/// # Errors
/// The fault of a value beyond the limit, and all that `modhost_alloc` may end in.
pub(crate) fn give(mut context: impl AsContextMut<Data = State>, result: &Value) -> Result<u64, Fault> {
    let mut context = context.as_context_mut();
    let meter = context.data().meter.clone();
    let mut buffer = mem::take(&mut context.data_mut().buffer);
    buffer.clear();
    let written = match codec::encode_within(result, meter.limits().value, &mut buffer) {
        Ok(()) => {
            guest::resettle(&mut context)?;
            guest::write(&mut context, &buffer)
        }
        Err(_) => Err(meter.limit_fault(Resource::Value)),
    };
    context.data_mut().buffer = buffer;
    written.map(|(at, len)| u64::from(at) << 32 | u64::from(len))
}

/// A host function as a function of plain numbers.
fn plain(store: &mut Store<State>, ty: FuncType, entry: HostEntry) -> Func {
    if let Some(func) = typed::host(store, &ty, &entry) {
        return func;
    }
    let result_type = ty.results().first().copied();
    Func::new(store, ty, move |caller: Caller<'_, State>, params: &[Val], results: &mut [Val]| {
        if let (Some(given), [place]) = (call_plain(caller, &entry, params, result_type)?, results) {
            *place = given;
        }
        Ok(())
    })
}

/// Calls the host function with plain numbers; what the guest gets, if it declares a result.
pub(crate) fn call_plain(
    caller: Caller<'_, State>,
    entry: &HostEntry,
    params: &[Val],
    result: Option<ValType>,
) -> Result<Option<Val>, Error> {
    let call = |caller: &mut Caller<'_, State>| {
        let (mut few, mut many): ([Value; FEW], _) = (Default::default(), Vec::new());
        let args = match few.get_mut(..params.len()) {
            Some(args) => args,
            None => {
                many.resize(params.len(), Value::Nil);
                &mut many[..]
            }
        };
        for ((arg, value), param) in args.iter_mut().zip(params).zip(&entry.signature.params) {
            *arg = from_wasm_as(value, &param.ty)?;
        }
        match ask(caller, entry, args, AnswerAs::Plain(result))? {
            Some(answer) => plain_result(&answer, result, &entry.name),
            None => Ok(None),
        }
    };
    guard(caller, call, false)
}

/// The result of the host function `name` as the number that the guest declares.
///
/// # Errors
/// [`FaultKind::Type`] for one that does not fit.
pub(crate) fn plain_result(result: &Value, ty: Option<ValType>, name: &str) -> Result<Option<Val>, Fault> {
    match ty {
        Some(ty) => Ok(Some(to_wasm_as(result, ty).map_err(|error| error.inside(format!("result of `{name}`")))?)),
        None if *result == Value::Nil => Ok(None),
        None => Err(TypeError::new("nil", result.type_name()).inside(format!("result of `{name}`")).into()),
    }
}
