//! A call that may be suspended: it runs on a coroutine of its own, which a pending host function leaves and which the host
//! resumes. With [`crate::interrupt`] and [`crate::memory`] one of the places with `unsafe`, for the same reasons: mlua's
//! own `Thread` turns error objects into text by running the guest's `__tostring`, and allocates while the guest may be
//! refused memory.
//!
//! A pending function is Luau code that ends in `coroutine.yield(token)`, because a callback of mlua cannot yield. It is
//! begun only where that yield reaches the host: on the call's own coroutine, with no C function or metamethod between.
//! The token is a pointer that no script ever sees, so that a script's own `coroutine.yield` is told from it: on the
//! outermost coroutine it is the error that it is in a plain call.

use std::{
    ffi::{CStr, c_int, c_void},
    mem,
    ptr::{self, null_mut},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed},
    },
};

use mlua::{Error, Function, LightUserData, Lua, Thread, Value as LuaValue, ffi};
use modhost_backend::{Fault, Value};

use crate::{
    interrupt::{Answer, Argument, Outcome, relieve},
    memory::Vm,
};

/// The most frames of a trace that are looked at.
const FRAMES: c_int = 128;
/// What Luau says of a yield that nothing resumes.
const NOWHERE: &CStr = c"attempt to yield across metamethod/C-call boundary";

/// What an instance and its pending functions share. Only the thread that runs the plugin touches it.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The coroutine of the running call, if it may be suspended.
    root: AtomicPtr<ffi::lua_State>,
    /// A pending function was begun and is about to yield.
    begun: AtomicBool,
    answer: Mutex<Option<Result<Value, Fault>>>,
}

impl Pending {
    /// What a pending function yields.
    pub(crate) fn token(self: &Arc<Self>) -> LuaValue {
        LuaValue::LightUserData(LightUserData(self.address()))
    }

    fn address(self: &Arc<Self>) -> *mut c_void {
        Arc::as_ptr(self).cast_mut().cast()
    }

    /// Whether the running call may be suspended at all.
    pub(crate) fn is_open(&self) -> bool {
        !self.root.load(Relaxed).is_null()
    }

    /// What keeps the function that `lua` runs from being left, in a call that may be suspended.
    pub(crate) fn obstacle(&self, lua: &Lua) -> Option<&'static str> {
        // SAFETY: mlua holds the lock and hands out the live thread that runs this callback; the call reads two counters.
        let (state, yields) = lua.exec_raw_lua(|raw| unsafe { (raw.state(), ffi::lua_isyieldable(raw.state()) != 0) });
        if state != self.root.load(Relaxed) {
            return Some("it is called within a coroutine of the script");
        }
        (!yields).then_some("it is called within a metamethod, or a callback of `table.sort` or `string.gsub`")
    }

    /// The pending function is about to yield.
    pub(crate) fn begin(&self) {
        self.begun.store(true, Relaxed);
    }

    /// Keeps the answer for the pending function, which takes it when it goes on.
    pub(crate) fn put(&self, answer: Result<Value, Fault>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    /// Takes the answer.
    pub(crate) fn take(&self) -> Result<Value, Fault> {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        answer.unwrap_or_else(|| Err(Fault::bug("a pending function goes on without an answer")))
    }
}

/// How far a call on its coroutine came.
pub(crate) enum Came {
    /// It waits for an answer.
    Suspended,
    /// It is over; with the frames of an error that nobody caught, innermost first.
    Over(Outcome, Vec<Frame>),
}

/// One frame of a trace: the name of the chunk, the line, and the function's name if it has one.
pub(crate) type Frame = (String, c_int, Option<String>);

/// Starts `function` on a coroutine of its own. `argument` makes the arguments from 0 to `count`.
pub(crate) fn start<'a, E: From<Error>>(
    vm: &Vm,
    pending: &Arc<Pending>,
    function: &Function,
    count: usize,
    mut argument: impl FnMut(usize) -> Result<Argument<'a>, E>,
) -> Result<(Thread, Came), E> {
    let thread = vm.lua.create_thread(function.clone())?;
    let coroutine = thread.state();
    let given = c_int::try_from(count).unwrap_or(c_int::MAX);
    vm.lua.exec_raw_lua(|raw| {
        let state = raw.state();
        // SAFETY: mlua holds the lock, `state` is its current thread, at rest, and `coroutine` is a thread of the same
        // state, which `thread` keeps alive and which has not run yet. While values are pushed the guest does not run, so no
        // allocation is refused and nothing raises. The stack is set back on every way out.
        unsafe {
            let bottom = ffi::lua_gettop(state);
            let room = |of| ffi::lua_checkstack(of, given.saturating_add(4)) != 0;
            if !room(state) || !room(coroutine) {
                return Err(Error::StackError.into());
            }
            let mut push = || {
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
            if pushed.is_ok() {
                ffi::lua_xmove(state, coroutine, given);
            }
            ffi::lua_settop(state, bottom);
            pushed
        }
    })?;
    let came = run(vm, pending, coroutine, given)?;
    Ok((thread, came))
}

/// Goes on with a suspended call, whose answer was [put](Pending::put).
pub(crate) fn resume(vm: &Vm, pending: &Arc<Pending>, thread: &Thread) -> Result<Came, Error> {
    run(vm, pending, thread.state(), 0)
}

/// Runs `coroutine`, which takes `given` values from its stack, until it is over or waits for an answer.
fn run(vm: &Vm, pending: &Arc<Pending>, coroutine: *mut ffi::lua_State, given: c_int) -> Result<Came, Error> {
    let gauge = &*vm.gauge;
    vm.lua.exec_raw_lua(|raw| {
        let state = raw.state();
        // SAFETY: mlua holds the lock, `state` is its current thread, at rest, and `coroutine` is a thread of the same state,
        // kept alive by the caller. The guest runs inside the two calls that resume it, which catch all that is raised; all
        // else happens while no allocation is refused. The stack of `state` is set back at the end, and the coroutine's is
        // emptied, so that a script that has kept the coroutine finds nothing in it to run.
        unsafe {
            let bottom = ffi::lua_gettop(state);
            // For the result, which comes over at the end.
            if ffi::lua_checkstack(state, 4) == 0 {
                return Err(Error::StackError);
            }
            let mut forged = false;
            let status = loop {
                gauge.runs(state, 0);
                if gauge.used() > gauge.collect_at.load(Relaxed) {
                    relieve(state, gauge);
                }
                pending.root.store(coroutine, Relaxed);
                gauge.guest(true);
                let status = match forged {
                    true => ffi::lua_resumeerror(coroutine, state),
                    false => ffi::lua_resume_(coroutine, state, given),
                };
                gauge.guest(false);
                pending.root.store(null_mut(), Relaxed);
                if status != ffi::LUA_YIELD {
                    break status;
                }
                let yields = ffi::lua_gettop(coroutine) == 1
                    && ptr::eq(ffi::lua_tolightuserdata(coroutine, -1), pending.address());
                ffi::lua_settop(coroutine, 0);
                if yields && pending.begun.swap(false, Relaxed) {
                    return Ok(Came::Suspended);
                }
                // A yield of the script's own. An ended guest is ended at the next safepoint, as always.
                let _ = gauge.meter.charge(1);
                forged = true;
                ffi::lua_pushlstring_(coroutine, NOWHERE.as_ptr(), NOWHERE.count_bytes());
            };
            pending.begun.store(false, Relaxed);
            let results = ffi::lua_gettop(coroutine);
            // An error object is on top; of results the first is taken.
            if status == ffi::LUA_OK {
                ffi::lua_settop(coroutine, results.min(1));
            }
            let take = || {
                ffi::lua_xmove(coroutine, state, 1);
                let value = raw.pop();
                ffi::lua_settop(state, bottom);
                value
            };
            let over = match status {
                ffi::LUA_OK if results == 0 => Outcome::Returned(Answer::Other(LuaValue::Nil), 0),
                ffi::LUA_OK => Outcome::Returned(Answer::Other(take()?), results.unsigned_abs() as usize),
                ffi::LUA_ERRMEM => Outcome::OutOfMemory,
                _ => Outcome::Raised(take()?),
            };
            let trace = match over {
                // An ended call's trace is of no use, and its stack may be as deep as it gets.
                Outcome::Raised(_) if !gauge.meter.is_killed() => frames(coroutine),
                _ => Vec::new(),
            };
            Ok(Came::Over(over, trace))
        }
    })
}

/// The frames in which `coroutine` stands since it failed.
///
/// # Safety
/// It is a live thread that does not run.
unsafe fn frames(coroutine: *mut ffi::lua_State) -> Vec<Frame> {
    // SAFETY: the caller's promise.
    (0..FRAMES).map_while(|level| unsafe { frame(coroutine, level) }).collect()
}

/// The frame `level` of a thread, 0 for the innermost.
///
/// # Safety
/// It is a live thread, at rest or at a safepoint.
pub(crate) unsafe fn frame(thread: *mut ffi::lua_State, level: c_int) -> Option<Frame> {
    let text = |text: *const std::ffi::c_char| {
        // SAFETY: texts of a description are zero-terminated and stand in the state as long as the frame does.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    };
    // SAFETY: the caller's promise; all fields of the description may be zero, and Luau fills in those that are asked for.
    let frame = unsafe {
        let mut frame: ffi::lua_Debug = mem::zeroed();
        if ffi::lua_getinfo(thread, level, c"sln".as_ptr(), &mut frame) == 0 {
            return None;
        }
        frame
    };
    Some((text(frame.source).unwrap_or_default(), frame.currentline, text(frame.name)))
}
