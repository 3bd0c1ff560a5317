//! Elements of tables that move: `table.move`, and what `table.insert` and `table.remove` push aside. With [`crate::metered`],
//! whose fronts these are, a place with `unsafe`.
//!
//! Luau moves slots of arrays in a few nanoseconds each. Elsewhere it gives each key a place before it stores a nil there, and for
//! that may go through the whole table: moving two million slots that are not there took 6 s. There they are moved here, each after
//! a look at the meter, and what is nil on both sides is left alone.

use std::ffi::c_int;

use mlua::{Error, ffi};

use crate::{
    arguments::integer,
    interrupt::stop,
    memory::{Gauge, Vm},
};

/// How Luau's `LuaTable` begins.
#[repr(C)]
struct TablePrefix {
    header: [u8; 8],
    slots: c_int,
}

/// Keys from `first` to `last` of one table that go to those from `to` on of another, by the places of both on the stack.
#[derive(Clone, Copy)]
struct Span {
    source: c_int,
    first: c_int,
    last: c_int,
    target: c_int,
    to: c_int,
}

/// Whether Luau's tables begin as [`TablePrefix`] says: three of known sizes are asked.
pub(crate) fn check(vm: &Vm) -> mlua::Result<()> {
    let mut found = [0; 3];
    // SAFETY: mlua made room for some values, and each table stands on the stack while its slots are read; the pointer to the
    // results is good until the call returns.
    unsafe {
        vm.lua.exec_raw::<()>((), |state| {
            for (at, size) in found.iter_mut().zip([0, 5, 1000]) {
                ffi::lua_createtable(state, size, 1);
                *at = slots(state, -1);
                ffi::lua_settop(state, 0);
            }
        })?;
    }
    let known = found == [0, 5, 1000];
    if known { Ok(()) } else { Err(Error::runtime("this version of Luau keeps the sizes of tables elsewhere")) }
}

/// Slots of the array part of the table at `at`.
unsafe fn slots(state: *mut ffi::lua_State, at: c_int) -> c_int {
    // SAFETY: the caller says that a table stands there, which begins as `check` found; it is read at once.
    unsafe { (*ffi::lua_topointer(state, at).cast::<TablePrefix>()).slots }
}

/// Whether a table that may be written to stands at `at`.
unsafe fn is_open(state: *mut ffi::lua_State, at: c_int) -> bool {
    // SAFETY: called by fronts of library functions with their live state; the second look is at a table.
    unsafe { ffi::lua_type(state, at) == ffi::LUA_TTABLE && ffi::lua_getreadonly(state, at) == 0 }
}

/// `table.move` where it leaves arrays. `None`: Luau's own is quick, or refuses.
///
/// # Safety
/// Called by a front with its live state, after its arguments have been converted, and measured as not too many.
pub(crate) unsafe fn moves(state: *mut ffi::lua_State, gauge: &Gauge) -> Option<c_int> {
    // SAFETY: the caller's promise; whether tables stand where they are looked into is asked before.
    unsafe {
        let [first, last, to] = [integer(state, 2)?, integer(state, 3)?, integer(state, 4)?];
        let target = if ffi::lua_type(state, 5) > ffi::LUA_TNIL { 5 } else { 1 };
        if ffi::lua_type(state, 1) != ffi::LUA_TTABLE || !is_open(state, target) || last < first {
            return None;
        }
        // What Luau refuses, and what cannot be counted.
        let end = last.checked_sub(first)?.checked_add(to)?;
        let (from, into) = (slots(state, 1), slots(state, target));
        // The array of the target grows where the span begins within it or at its end.
        if first >= 1 && last <= from && to >= 1 && (end <= into || to - 1 <= into) {
            return None;
        }
        run(state, gauge, Span { source: 1, first, last, target, to });
        ffi::lua_pushvalue(state, target);
        Some(1)
    }
}

/// `table.insert` into a table whose elements are not all in its array. `None`: as [`moves`].
///
/// # Safety
/// As [`moves`].
pub(crate) unsafe fn insert(state: *mut ffi::lua_State, gauge: &Gauge) -> Option<c_int> {
    // SAFETY: as in `moves`; there is room for the value.
    unsafe {
        if ffi::lua_gettop(state) != 3 || !is_open(state, 1) {
            return None;
        }
        let (at, last) = (integer(state, 2)?, c_int::try_from(ffi::lua_objlen(state, 1)).ok()?);
        if at < 1 || at > last || last <= slots(state, 1) {
            return None;
        }
        last.checked_add(1)?;
        run(state, gauge, Span { source: 1, first: at, last, target: 1, to: at + 1 });
        ffi::lua_rawseti_(state, 1, at);
        Some(0)
    }
}

/// `table.remove` from a table whose elements are not all in its array. `None`: as [`moves`].
///
/// # Safety
/// As [`moves`].
pub(crate) unsafe fn remove(state: *mut ffi::lua_State, gauge: &Gauge) -> Option<c_int> {
    // SAFETY: as in `moves`; there is room for the element and a nil.
    unsafe {
        if !is_open(state, 1) {
            return None;
        }
        let last = c_int::try_from(ffi::lua_objlen(state, 1)).ok()?;
        let at = if ffi::lua_type(state, 2) > ffi::LUA_TNIL { integer(state, 2)? } else { last };
        if at < 1 || at > last || last <= slots(state, 1) {
            return None;
        }
        ffi::lua_rawgeti_(state, 1, at);
        run(state, gauge, Span { source: 1, first: at.checked_add(1)?, last, target: 1, to: at });
        ffi::lua_pushnil(state);
        ffi::lua_rawseti_(state, 1, last);
        Some(1)
    }
}

/// Moves the elements of `span`, in Luau's own order, and ends the guest when its time is over.
unsafe fn run(state: *mut ffi::lua_State, gauge: &Gauge, span: Span) {
    // SAFETY: as in `moves`, whose callers say that no key of either span overflows; a C function has room for two elements.
    // A new key may raise for want of memory, and nothing here has a destructor.
    unsafe {
        let same = ffi::lua_rawequal(state, span.source, span.target) != 0;
        let upwards = span.to > span.last || span.to <= span.first || !same;
        let count = span.last.wrapping_sub(span.first).wrapping_add(1);
        for step in 0..count {
            if !gauge.meter.alive() {
                stop(state);
            }
            let by = if upwards { step } else { count - 1 - step };
            let gives = ffi::lua_rawgeti_(state, span.source, span.first + by);
            if gives == ffi::LUA_TNIL {
                let has = ffi::lua_rawgeti_(state, span.target, span.to + by);
                ffi::lua_settop(state, -2);
                if has == ffi::LUA_TNIL {
                    ffi::lua_settop(state, -2);
                    continue;
                }
            }
            ffi::lua_rawseti_(state, span.target, span.to + by);
        }
    }
}
