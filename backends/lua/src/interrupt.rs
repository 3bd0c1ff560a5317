//! Guest code is entered and stopped here: the protected call, the interrupt that charges fuel at every safepoint and holds
//! the call depth, and the callbacks that follow coroutines. With [`crate::memory`] and [`crate::metered`] the only place
//! with `unsafe`.
//!
//! It is raw because mlua's `set_interrupt` makes a loop 2.5 times as slow (a catch of panics, a reserved error and a lock
//! for each safepoint), and because mlua's own call turns every error object into text by running the guest's
//! `__tostring`. Nothing here may panic or hold a value with a destructor when it raises: a Lua error is a C++ exception
//! that unwinds through these `C-unwind` frames.

use std::{
    ffi::{CStr, c_int},
    sync::{PoisonError, atomic::Ordering::Relaxed},
};

use mlua::{BString, Error, Function, Lua, Table, Value, ffi};
use modhost_backend::Resource;

use crate::{
    coroutine::frame,
    memory::{Gauge, Vm, gauge_of, look},
    metered::BYTES_PER_UNIT,
};

/// An argument of a protected call. Text is pushed as it is: a string object of mlua costs more than the call.
pub(crate) enum Argument<'a> {
    Number(f64),
    Text(&'a str),
    Other(Value),
}

/// The first result of a protected call. Text within the limit of a value comes without a string object of mlua.
pub(crate) enum Answer {
    Number(f64),
    Text(Vec<u8>),
    Other(Value),
}

/// How a protected call ended.
pub(crate) enum Outcome {
    /// The first result, and how many there were.
    Returned(Answer, usize),
    /// The error object.
    Raised(Value),
    /// Luau ran out of memory or stack.
    OutOfMemory,
}

/// Kibibytes of garbage that the collector looks for between two looks at the meter.
const COLLECTED_AT_ONCE: c_int = 2 << 10;
/// Frames that are looked at for a line: above the script's own there are few of its libraries.
const LOOKED_AT: c_int = 8;
/// What the guest sees of its end, if it looks.
const STOPPED: &CStr = c"the host has ended this call";

/// Sets the callbacks of a new state.
pub(crate) fn install(vm: &Vm) -> mlua::Result<()> {
    // SAFETY: the state is live while mlua holds its lock, and the callbacks are functions of this program; mlua itself
    // sets `userthread` only, and `interrupt` only where asked to.
    unsafe {
        vm.lua.exec_raw((), |state| {
            let callbacks = ffi::lua_callbacks(state);
            (*callbacks).interrupt = Some(on_safepoint);
            (*callbacks).preresume = Some(on_resume);
            (*callbacks).postresume = Some(after_resume);
        })
    }
}

/// Calls `function` in protected mode, with `handler` run on an error object before the stack is unwound. `argument` makes
/// the arguments from 0 to `count`, each pushed before the next is made.
#[inline]
pub(crate) fn enter<'a, E: From<Error>>(
    vm: &Vm,
    function: &Function,
    handler: &Function,
    count: usize,
    mut argument: impl FnMut(usize) -> Result<Argument<'a>, E>,
) -> Result<Outcome, E> {
    vm.lua.exec_raw_lua(|raw| {
        let state = raw.state();
        // SAFETY: mlua holds the lock and `state` is its current thread, at rest. While values are pushed the guest does
        // not run, so no allocation is refused and nothing raises; the guest runs inside `lua_pcall`, which catches all
        // that is raised. The stack is set back to where it was on every way out.
        unsafe {
            let bottom = ffi::lua_gettop(state);
            let room = c_int::try_from(count).unwrap_or(c_int::MAX);
            if ffi::lua_checkstack(state, room.saturating_add(4)) == 0 {
                return Err(Error::StackError.into());
            }
            let mut push = || {
                raw.push(handler)?;
                raw.push(function)?;
                for at in 0..count {
                    match argument(at)? {
                        Argument::Number(number) => ffi::lua_pushnumber(state, number),
                        Argument::Text(text) => raw.push(text)?,
                        Argument::Other(value) => raw.push(value)?,
                    }
                }
                Ok(())
            };
            let pushed: Result<(), E> = push();
            let outcome = pushed.and_then(|()| {
                let gauge = &*vm.gauge;
                gauge.runs(state, 0);
                // Arguments count as the guest's; what is over because of garbage need not be.
                if gauge.used() > gauge.collect_at.load(Relaxed) {
                    relieve(state, gauge);
                }
                if gauge.is_unseen() {
                    look(gauge);
                }
                gauge.guest(true);
                let status = ffi::lua_pcall(state, room, ffi::LUA_MULTRET, bottom + 1);
                gauge.guest(false);
                let outcome = match status {
                    ffi::LUA_OK => {
                        let results = ffi::lua_gettop(state) - (bottom + 1);
                        ffi::lua_settop(state, bottom + 2);
                        let results = results.unsigned_abs() as usize;
                        let most = gauge.meter.limits().value.bytes;
                        match ffi::lua_type(state, -1) {
                            ffi::LUA_TNUMBER => {
                                let number = ffi::lua_tonumber(state, -1);
                                Ok(Outcome::Returned(Answer::Number(number), results))
                            }
                            ffi::LUA_TSTRING if ffi::lua_objlen(state, -1) as u64 <= most => {
                                raw.pop().map(|text: BString| Outcome::Returned(Answer::Text(text.into()), results))
                            }
                            _ => raw.pop().map(|value| Outcome::Returned(Answer::Other(value), results)),
                        }
                    }
                    ffi::LUA_ERRMEM => Ok(Outcome::OutOfMemory),
                    _ => raw.pop().map(Outcome::Raised),
                };
                outcome.map_err(E::from)
            });
            ffi::lua_settop(state, bottom);
            outcome
        }
    })
}

/// Bytes of the objects in the state, without what pages have free.
pub(crate) fn object_bytes(vm: &Vm) -> usize {
    // SAFETY: the state is live; the calls read two counters.
    vm.lua.exec_raw_lua(|raw| unsafe {
        let kibibytes = ffi::lua_gc(raw.state(), ffi::LUA_GCCOUNT, 0).unsigned_abs() as usize;
        kibibytes * 1024 + ffi::lua_gc(raw.state(), ffi::LUA_GCCOUNTB, 0).unsigned_abs() as usize
    })
}

/// Runs `load` while `globals` are those of the running thread: there Luau looks names up when it loads a chunk, whatever
/// environment the chunk is given.
pub(crate) fn with_globals<R>(lua: &Lua, globals: &Table, load: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    let set = |globals: &Table| {
        lua.exec_raw_lua(|raw| {
            let state = raw.state();
            // SAFETY: mlua holds the lock and `state` is its current thread; room is made for the one value, which is a
            // table and is taken again by the thread; neither call raises.
            unsafe {
                if ffi::lua_checkstack(state, 1) == 0 {
                    return Err(Error::StackError);
                }
                raw.push(globals)?;
                ffi::lua_replace(state, ffi::LUA_GLOBALSINDEX);
            }
            Ok(())
        })
    };
    let before = lua.globals();
    set(globals)?;
    let loaded = load();
    set(&before)?;
    loaded
}

/// Gives mlua's error objects, which are what a script catches from a host function, these two metamethods.
pub(crate) fn set_error_methods(vm: &Vm, tostring: Function, concat: Function) -> mlua::Result<()> {
    let sample = Value::Error(Box::new(Error::runtime("")));
    // SAFETY: the stack holds the three arguments; an error object of mlua has a metatable, which lives in the registry,
    // and the closure leaves nothing behind but the stack that mlua cuts back.
    unsafe {
        vm.lua.exec_raw((sample, tostring, concat), |state| {
            if ffi::lua_getmetatable(state, 1) != 0 {
                ffi::lua_pushvalue(state, 2);
                ffi::lua_rawsetfield(state, 4, c"__tostring".as_ptr());
                ffi::lua_pushvalue(state, 3);
                ffi::lua_rawsetfield(state, 4, c"__concat".as_ptr());
            }
            ffi::lua_settop(state, 0);
        })
    }
}

/// Called by Luau at calls, returns, back edges and within string patterns, and by the collector (`gc` is not negative).
///
/// # Safety
/// Only Luau calls it, with a live state that [`Vm::new`](crate::memory::Vm::new) made.
unsafe extern "C-unwind" fn on_safepoint(state: *mut ffi::lua_State, gc: c_int) {
    if gc >= 0 {
        return;
    }
    // SAFETY: Luau calls this with a live thread of a state of `Vm::new`.
    let (gauge, height) = unsafe { gauge_of(state) };
    let meter = &*gauge.meter;
    if gauge.is_unseen() {
        // SAFETY: as above.
        unsafe { look(gauge) };
    }
    let mut goes_on = meter.charge(1);
    if height > gauge.known_depth.load(Relaxed) {
        // SAFETY: as above; the call counts the frames.
        let depth = gauge.depth.load(Relaxed).saturating_add(unsafe { ffi::lua_stackdepth(state) }.unsigned_abs());
        if depth > meter.limits().call_depth {
            meter.kill(Resource::Depth);
            goes_on = false;
        } else {
            gauge.known_depth.store(height, Relaxed);
        }
    }
    if gauge.used() > gauge.collect_at.load(Relaxed) {
        // SAFETY: a safepoint is where Luau allows a collection: the VM reloads its base, a pattern's strings are anchored.
        unsafe { relieve(state, gauge) };
        goes_on = goes_on && meter.alive();
    }
    if !goes_on {
        // SAFETY: nothing in this frame has a destructor.
        unsafe { stop(state) }
    }
}

/// Collects garbage, and ends the guest if what lives is more than it may hold.
///
/// It costs no fuel while a sixteenth of the limit comes free, which the guest pays for as it allocates it. Luau paces its own collector
/// by the clock, so what garbage there is at this point, and whether a collection is forced at all, differs from run to run; fuel must
/// not. A guest that fills its memory to the last sixteenth pays by what it holds: there each allocation may force one.
///
/// # Safety
/// `state` is a live thread at a point where Luau allows a collection.
#[cold]
pub(crate) unsafe fn relieve(state: *mut ffi::lua_State, gauge: &Gauge) {
    let before = gauge.guest(false);
    // Two cycles at most: the one that may be under way does not see what has become garbage since it began. A whole
    // collection in one go would take longer than a short deadline where the heap is large.
    'cycles: for _ in 0..2 {
        // SAFETY: the caller's promise; no allocation is refused meanwhile.
        while unsafe { ffi::lua_gc(state, ffi::LUA_GCSTEP, COLLECTED_AT_ONCE) } == 0 {
            if !gauge.meter.alive() {
                break 'cycles;
            }
        }
        if gauge.used() <= gauge.collect_at.load(Relaxed) {
            break;
        }
    }
    gauge.guest(before);
    gauge.plan_collection(gauge.used());
    if gauge.is_over() {
        gauge.meter.kill(Resource::Memory);
    } else if gauge.is_crowded() {
        // A dead meter is looked at by whoever asked for this.
        let _ = gauge.meter.charge((gauge.above_fresh() / BYTES_PER_UNIT) as u64);
    }
}

/// Raises the error that ends the guest. It is raised again at every safepoint, so it does not matter who catches it.
///
/// # Safety
/// Guest code runs on `state`, and no frame of the caller's has a destructor to run.
#[cold]
pub(crate) unsafe fn stop(state: *mut ffi::lua_State) -> ! {
    // SAFETY: the caller's promise; the interrupt may find the stack full, so room is made first.
    unsafe {
        note_place(state);
        ffi::lua_rawcheckstack(state, 1);
        ffi::lua_pushlstring_(state, STOPPED.as_ptr(), STOPPED.count_bytes());
        ffi::lua_error(state)
    }
}

/// Notes where the guest is ended, the first time: in the innermost frame that has a line.
///
/// # Safety
/// `state` is a live thread at a safepoint.
unsafe fn note_place(state: *mut ffi::lua_State) {
    // SAFETY: the caller's promise.
    let (gauge, _) = unsafe { gauge_of(state) };
    let mut ended = gauge.ended_at.lock().unwrap_or_else(PoisonError::into_inner);
    if ended.is_none() {
        // SAFETY: the caller's promise.
        *ended = (0..LOOKED_AT).map_while(|level| unsafe { frame(state, level) }).find(|frame| frame.1 > 0);
    }
}

/// A coroutine is about to run: its frames come on top of those that wait.
///
/// # Safety
/// Only Luau calls it, with a live state that [`Vm::new`](crate::memory::Vm::new) made.
unsafe extern "C-unwind" fn on_resume(state: *mut ffi::lua_State) {
    // SAFETY: Luau calls this with a live thread of a state of `Vm::new`.
    let (gauge, _) = unsafe { gauge_of(state) };
    let (below, depth) = (gauge.running.load(Relaxed), gauge.depth.load(Relaxed));
    if below.is_null() {
        return;
    }
    gauge.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((below as usize, depth));
    // SAFETY: `below` is the thread that resumes this one, so it is on the stack of resumes and alive.
    let frames = unsafe { ffi::lua_stackdepth(below) }.unsigned_abs();
    gauge.runs(state, depth.saturating_add(frames));
}

/// The coroutine has yielded, ended or failed.
unsafe extern "C-unwind" fn after_resume(state: *mut ffi::lua_State) {
    // SAFETY: Luau calls this with a live thread of a state of `Vm::new`.
    let (gauge, _) = unsafe { gauge_of(state) };
    if let Some((below, depth)) = gauge.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop() {
        gauge.runs(below as *mut ffi::lua_State, depth);
    }
}
