//! A running guest: what its store holds ([`State`]), the slices it runs in ([`run`]) and its memory, of which every
//! pointer is taken for hostile. Used by `instance` (calls in) and `host` (calls out).

use std::{fmt, ops::Range, sync::Arc};

use modhost_abi::codec::DecodeError;
use modhost_backend::{Fault, FaultKind, Meter, Print, Resource};
use wasmi::{
    AsContext, AsContextMut, Error, Func, Memory, ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel,
    StoreContextMut, TrapCode, TypedFunc, TypedResumableCall, Val, ValType, WasmParams, WasmResults, errors::HostError,
};

use crate::{
    convert::broken,
    limits::{self, BYTES_PER_FUEL, Limiter, SLICE},
};

/// What the store of one plugin holds.
pub(crate) struct State {
    pub(crate) meter: Arc<Meter>,
    pub(crate) print: Arc<Print>,
    pub(crate) limiter: Limiter,
    /// The export `memory`.
    pub(crate) memory: Option<Memory>,
    /// The export `modhost_alloc`.
    pub(crate) alloc: Option<TypedFunc<i32, i32>>,
    /// `modhost_alloc` is running.
    pub(crate) allocating: bool,
    /// The running call may be suspended.
    pub(crate) suspendable: bool,
    /// The name of any export: it is found from within the module's own functions only.
    pub(crate) own_export: Option<Box<str>>,
    /// The pending host function that was begun and for whose answer the guest is left.
    pub(crate) waiting: Option<Waiting>,
    /// What the store's fuel was when the meter was last told.
    granted: u64,
    /// Room for encodings, kept from call to call.
    pub(crate) buffer: Vec<u8>,
}

impl State {
    pub(crate) fn new(meter: Arc<Meter>, print: Arc<Print>) -> Self {
        let limiter = Limiter::new(meter.limits().memory);
        State {
            meter,
            print,
            limiter,
            memory: None,
            alloc: None,
            allocating: false,
            suspendable: false,
            own_export: None,
            waiting: None,
            granted: 0,
            buffer: Vec::new(),
        }
    }
}

/// A pending host function, and what the guest gets of its answer.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) function: String,
    pub(crate) answer: AnswerAs,
}

/// How an answer reaches the guest.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnswerAs {
    /// As a number, or as nothing.
    Plain(Option<ValType>),
    /// As the place of its encoding.
    Encoded,
}

/// The error by which a pending host function leaves the guest, which is resumed behind its call.
#[derive(Debug)]
pub(crate) struct Leave;

impl fmt::Display for Leave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the guest is left for a pending host function")
    }
}

impl HostError for Leave {}

/// Where a call that may be suspended stands.
pub(crate) enum Ran {
    Done,
    Suspended(ResumableCallHostTrap),
}

/// A [`Fault`] on its way through wasmi.
#[derive(Debug)]
pub(crate) struct Carried(pub(crate) Fault);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HostError for Carried {}

/// Where a call of wasmi stands: done, ended by a host function, or out of fuel and in need of some.
enum Step<T, P> {
    Done(T),
    Ended(Error),
    Paused(P, u64),
}

/// Calls `func` in slices of fuel; between two of them the meter says whether it may go on.
///
/// # Errors
/// What ended the call; the meter has been told what it used.
pub(crate) fn run(
    mut context: impl AsContextMut<Data = State>,
    func: &Func,
    inputs: &[Val],
    outputs: &mut [Val],
) -> Result<(), Fault> {
    let step = |call| match call {
        ResumableCall::Finished => Step::Done(()),
        ResumableCall::HostTrap(ended) => Step::Ended(ended.into_host_error()),
        ResumableCall::OutOfFuel(paused) => {
            let needed = paused.required_fuel();
            Step::Paused(paused, needed)
        }
    };
    let mut context = context.as_context_mut();
    refuel(&mut context, 0)?;
    let first = func.call_resumable(&mut context, inputs, outputs).map(step);
    drive(&mut context, first, |paused, context| paused.resume(context, outputs).map(step))
}

/// [`run`] for a function whose type is known, which wasmi calls in half the time.
///
/// # Errors
/// As [`run`].
#[inline]
pub(crate) fn run_typed<P: WasmParams, R: WasmResults>(
    mut context: impl AsContextMut<Data = State>,
    func: &TypedFunc<P, R>,
    params: P,
) -> Result<R, Fault> {
    let step = |call| match call {
        TypedResumableCall::Finished(results) => Step::Done(results),
        // Unlike the other, this one lends its error only.
        TypedResumableCall::HostTrap(ended) => Step::Ended(match ended.host_error().downcast_ref::<Carried>() {
            Some(Carried(fault)) => Error::host(Carried(fault.clone())),
            None => Error::new(ended.host_error().to_string()),
        }),
        TypedResumableCall::OutOfFuel(paused) => {
            let needed = paused.required_fuel();
            Step::Paused(paused, needed)
        }
    };
    let mut context = context.as_context_mut();
    refuel(&mut context, 0)?;
    let first = match func.call_resumable(&mut context, params) {
        // Most calls end in their first slice, and what a call comes to is large: it is moved only where it did not.
        Ok(TypedResumableCall::Finished(results)) => {
            settle(&mut context)?;
            return Ok(results);
        }
        first => first.map(step),
    };
    drive(&mut context, first, |paused, context| paused.resume(context).map(step))
}

/// [`run`] for a call that may be suspended.
///
/// # Errors
/// As [`run`].
pub(crate) fn start(
    mut context: impl AsContextMut<Data = State>,
    func: &Func,
    inputs: &[Val],
    outputs: &mut [Val],
) -> Result<Ran, Fault> {
    let mut context = context.as_context_mut();
    refuel(&mut context, 0)?;
    context.data_mut().suspendable = true;
    let first = func.call_resumable(&mut context, inputs, outputs).map(suspended_or);
    go_on(context, first, outputs)
}

/// Goes on behind the pending host function that gives `answer`.
///
/// # Errors
/// As [`run`].
pub(crate) fn resume(
    mut context: impl AsContextMut<Data = State>,
    left: ResumableCallHostTrap,
    answer: &[Val],
    outputs: &mut [Val],
) -> Result<Ran, Fault> {
    let mut context = context.as_context_mut();
    refuel(&mut context, 0)?;
    context.data_mut().suspendable = true;
    let first = left.resume(&mut context, answer, outputs).map(suspended_or);
    go_on(context, first, outputs)
}

fn suspended_or(call: ResumableCall) -> Step<Ran, ResumableCallOutOfFuel> {
    match call {
        ResumableCall::Finished => Step::Done(Ran::Done),
        ResumableCall::HostTrap(left) if left.host_error().downcast_ref::<Leave>().is_some() => {
            Step::Done(Ran::Suspended(left))
        }
        ResumableCall::HostTrap(ended) => Step::Ended(ended.into_host_error()),
        ResumableCall::OutOfFuel(paused) => {
            let needed = paused.required_fuel();
            Step::Paused(paused, needed)
        }
    }
}

fn go_on(
    mut context: StoreContextMut<'_, State>,
    first: Result<Step<Ran, ResumableCallOutOfFuel>, Error>,
    outputs: &mut [Val],
) -> Result<Ran, Fault> {
    let ran = drive(&mut context, first, |paused, context| paused.resume(context, outputs).map(suspended_or));
    context.data_mut().suspendable = false;
    ran
}

#[inline]
fn drive<T, P>(
    context: &mut StoreContextMut<'_, State>,
    first: Result<Step<T, P>, Error>,
    mut resume: impl FnMut(P, &mut StoreContextMut<'_, State>) -> Result<Step<T, P>, Error>,
) -> Result<T, Fault> {
    let mut step = first;
    loop {
        settle(context)?;
        step = match step {
            Ok(Step::Done(results)) => return Ok(results),
            Ok(Step::Paused(paused, needed)) => {
                let meter = &context.data().meter;
                if !meter.alive() {
                    meter.verdict()?;
                }
                refuel(context, needed)?;
                resume(paused, context)
            }
            Ok(Step::Ended(error)) | Err(error) => return Err(fault(error, context.data())),
        };
    }
}

/// Gives the store its next slice, and at least what the next step needs.
#[inline]
fn refuel(context: &mut StoreContextMut<'_, State>, needed: u64) -> Result<(), Fault> {
    let meter = &context.data().meter;
    let left = meter.fuel_left();
    if left < needed {
        meter.set_fuel_left(0);
        return Err(meter.exceeded(Resource::Fuel));
    }
    // One bulk operation is one step.
    if needed > 0 && limits::outlasts(needed, meter.limits()) {
        return Err(meter.exceeded(Resource::Deadline));
    }
    grant(context, left.min(SLICE.max(needed)))
}

#[inline]
fn grant(context: &mut StoreContextMut<'_, State>, units: u64) -> Result<(), Fault> {
    context.data_mut().granted = units;
    context.set_fuel(units).map_err(|error| Fault::bug(error.to_string()))
}

/// Tells the meter what the guest has used since it was last told.
#[inline]
pub(crate) fn settle(context: &mut StoreContextMut<'_, State>) -> Result<(), Fault> {
    let now = context.get_fuel().map_err(|error| Fault::bug(error.to_string()))?;
    let state = context.data_mut();
    let used = state.granted.saturating_sub(now);
    state.granted = now;
    state.meter.set_fuel_left(state.meter.fuel_left().saturating_sub(used));
    Ok(())
}

/// The host has charged the meter while the guest was waiting: the store never holds more than is left.
pub(crate) fn resettle(context: &mut StoreContextMut<'_, State>) -> Result<(), Fault> {
    let state = context.data();
    let left = state.meter.fuel_left();
    if left < state.granted { grant(context, left) } else { Ok(()) }
}

/// Charges for `bytes` that the host copies, encodes or decodes for the guest.
pub(crate) fn charge_bytes(meter: &Meter, bytes: usize) -> Result<(), Fault> {
    meter.spend(bytes as u64 / u64::from(BYTES_PER_FUEL))
}

/// What an error of wasmi means.
pub(crate) fn fault(error: Error, state: &State) -> Fault {
    let meter = &state.meter;
    let trap = error.as_trap_code();
    if let Some(TrapCode::OutOfFuel) = trap {
        return meter.exceeded(Resource::Fuel);
    }
    if let Some(TrapCode::StackOverflow) = trap {
        return meter.exceeded(Resource::Depth);
    }
    let text = error.to_string();
    let fault = match error.downcast::<Carried>() {
        Some(Carried(fault)) => fault,
        None => Fault::new(FaultKind::Trap { message: text }),
    };
    // A guest that was refused memory and then gives up has run out of memory, whichever way it gives up.
    let gives_up = matches!(fault.kind(), FaultKind::Trap { .. } | FaultKind::Raised { fatal: true, .. });
    if gives_up && (state.limiter.refused() || matches!(trap, Some(TrapCode::OutOfSystemMemory))) {
        return meter.exceeded(Resource::Memory);
    }
    fault
}

/// What an error of instantiation means: too little memory, or a segment that does not fit.
pub(crate) fn refused(error: &Error, state: &State) -> Fault {
    if state.limiter.refused() {
        return state.meter.exceeded(Resource::Memory);
    }
    Fault::new(FaultKind::Trap { message: error.to_string() })
}

/// What an encoding that a guest made badly means.
pub(crate) fn undecoded(error: DecodeError, meter: &Meter) -> Fault {
    match error.too_large() {
        Some(_) => meter.exceeded(Resource::Value),
        None => broken(format!("the guest's encoding is wrong: {error}")),
    }
}

/// The bytes that a guest points to.
///
/// # Errors
/// [`FaultKind::WasmAbi`] for a range that is not wholly inside the guest's memory.
pub(crate) fn bytes(context: &impl AsContext<Data = State>, at: u32, len: u32) -> Result<&[u8], Fault> {
    let context = context.as_context();
    let memory = context.data().memory.ok_or_else(no_memory)?;
    memory.data(context).get(range(at, len)).ok_or_else(|| outside(at, len))
}

/// Copies `bytes` into room that the guest's `modhost_alloc` gives; says where.
///
/// # Errors
/// [`FaultKind::WasmAbi`] for room that is not wholly inside the guest's memory, and all that running a guest may end in.
pub(crate) fn write(mut context: impl AsContextMut<Data = State>, bytes: &[u8]) -> Result<(u32, u32), Fault> {
    let mut context = context.as_context_mut();
    let state = context.data_mut();
    let memory = state.memory.ok_or_else(no_memory)?;
    let alloc = state.alloc.ok_or_else(|| broken("the module exports no `modhost_alloc`"))?;
    charge_bytes(&state.meter, bytes.len())?;
    let len = i32::try_from(bytes.len()).map_err(|_| broken("an encoding is beyond 2 GiB"))?;
    state.allocating = true;
    let room = run_typed(&mut context, &alloc, len);
    context.data_mut().allocating = false;
    let (at, len) = (room? as u32, len as u32);
    match memory.data_mut(&mut context).get_mut(range(at, len)) {
        Some(place) => place.copy_from_slice(bytes),
        None => return Err(outside(at, len)),
    }
    Ok((at, len))
}

/// `len` bytes at `at`; 32 bits each, so that the end does not wrap.
fn range(at: u32, len: u32) -> Range<usize> {
    let (at, len) = (at as u64, len as u64);
    at as usize..usize::try_from(at + len).unwrap_or(usize::MAX)
}

fn no_memory() -> Fault {
    broken("the module exports no `memory`")
}

fn outside(at: u32, len: u32) -> Fault {
    broken(format!("the guest points to {len} bytes at {at:#x}, which are not all in its memory"))
}
