//! Library functions that run long in one C call: each gets a front that charges by the work that is asked for and refuses
//! what no safepoint could end. One of the places with `unsafe`.
//!
//! Fuel alone does not do: a plugin may have any amount of it and a deadline of 50 ms. So what is linear in its arguments is
//! charged (no text, buffer or table part is larger than [`Gauge::largest`]), and what multiplies two lengths is done here in
//! linear time, or refused.
//!
//! The fronts are C functions that Luau calls: nothing here may panic, or hold a value with a destructor when it raises
//! (but for [`passed`], whose one destructor may run then).

use std::{
    ffi::{CStr, c_int, c_void},
    mem, ptr, slice,
};

use memchr::memmem;
use mlua::{Function, ffi};
use modhost_backend::Resource;

use crate::{
    arguments::{convert, count, given, integer, moved},
    interrupt::stop,
    memory::{Gauge, Vm, gauge_of, look},
    sets::longest_set,
    shift,
};

/// Bytes that a library function, or a forced collection, goes through for one unit of fuel.
pub(crate) const BYTES_PER_UNIT: usize = 256;
/// Bytes of a slot of a table.
const SLOT: usize = 16;
/// The most that the length of a text times that of a set in a pattern (`[a-z]`) may be: `[set]*` is one step, and looks
/// through the set for each byte. About 50 ms.
const MOST_SET_STEPS: usize = 32 << 20;
/// The most arguments of `string.format`: `%.99f` of a large number takes microseconds, and one call may have a million.
const MOST_FORMATTED: c_int = 1000;
/// The most arguments of a host function. mlua lists them outside of Lua's heap.
const MOST_PASSED: c_int = 8000;
/// Pieces that `string.split` cuts off, or `table.concat` joins, between two looks at the meter.
const PIECES_AT_ONCE: c_int = 64;
/// What makes `string.find` take its second argument for a pattern.
const SPECIALS: [[u8; 3]; 4] = [*b"^$*", *b"+?.", *b"([%", *b"---"];

/// What a metered library function is charged, and which way it takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Charge {
    /// By the lengths of its arguments.
    Length,
    /// `string.find`: by how far it looks where it looks for plain text, else as [`Charge::Pattern`].
    Find,
    /// By its own safepoints; what they cannot see is refused.
    Pattern,
    /// `string.split`: by length and pieces.
    Split,
    /// `table.concat`: by its elements and what it makes of them.
    Concat,
    /// `string.format`: by the lengths of its arguments, of which there may not be too many.
    Format,
    /// By the size of what it makes: argument 1 repeated argument 2 times.
    Repeat,
    /// By the size of the table it makes, argument 1 in slots of 16 bytes.
    Slots,
    /// By the size of the buffer it makes, argument 1.
    Bytes,
    /// By the number of slots between arguments 2 and 3.
    Move,
    /// `table.insert`: by the slots from argument 2 to the end of argument 1, where three arguments say so.
    Insert,
    /// `table.remove`: by the slots from argument 2 to the end of argument 1.
    Remove,
    /// `buffer.fill`: by argument 4, else the length of argument 1.
    Fill,
    /// `buffer.copy`: by argument 5, else the length of argument 3.
    Copy,
    /// By the length of argument 3, a text.
    Text,
    /// By the length of what it returns, and that alone.
    Result,
    /// By the texts among its arguments, of which there may be any number, and which become numbers one by one.
    Numbers,
    /// Nothing: it only looks at the meter. As a metamethod it may be called again and again without a safepoint.
    Look,
    /// By what sorting takes; without a comparator, each comparison by the length of what is compared.
    Sort,
}

impl Charge {
    const ALL: [Charge; 19] = [
        Charge::Length,
        Charge::Find,
        Charge::Pattern,
        Charge::Split,
        Charge::Concat,
        Charge::Format,
        Charge::Repeat,
        Charge::Slots,
        Charge::Bytes,
        Charge::Move,
        Charge::Insert,
        Charge::Remove,
        Charge::Fill,
        Charge::Copy,
        Charge::Text,
        Charge::Result,
        Charge::Numbers,
        Charge::Look,
        Charge::Sort,
    ];

    /// The arguments that the front measures and the library takes for integers of 32 bits. They are converted once, by Luau's
    /// own conversion, and the library is given what came of it: it wraps numbers that do not fit, each processor its own way.
    fn integers(self, arguments: c_int) -> &'static [c_int] {
        match self {
            Charge::Slots | Charge::Bytes => &[1],
            Charge::Repeat | Charge::Remove => &[2],
            // With two arguments, the second is what is appended.
            Charge::Insert if arguments == 3 => &[2],
            Charge::Find => &[3],
            Charge::Concat => &[3, 4],
            Charge::Move => &[2, 3, 4],
            Charge::Fill => &[2, 4],
            Charge::Copy => &[2, 4, 5],
            _ => &[],
        }
    }
}

/// Makes a function that charges as `charge` says and then is `original`: same arguments, same frame, same name in errors.
/// `original` must be a C function without upvalues or continuation, which all that [`crate::limits`] lists are.
pub(crate) fn meter(vm: &Vm, original: Function, name: &'static CStr, charge: Charge) -> mlua::Result<Function> {
    // SAFETY: the stack holds the one argument; three upvalues are pushed above it and taken by the closure, whose name
    // is static; one result is left.
    unsafe {
        vm.lua.exec_raw(original, |state| {
            ffi::lua_pushnumber(state, f64::from(charge as u8));
            ffi::lua_pushcclosurek(state, less, c"less".as_ptr(), 0, None);
            ffi::lua_pushcclosurek(state, metered, name.as_ptr(), 3, None);
        })
    }
}

/// The front of a library function. Upvalues: the original, the number of its [`Charge`], [`less`].
///
/// # Safety
/// Only Luau calls it, with a live state that [`Vm::new`](crate::memory::Vm::new) made.
unsafe extern "C-unwind" fn metered(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Luau calls this with a live thread of a state of `Vm::new`; `meter` gave it its three upvalues; the
    // original is a C function without upvalues, so it may run in this frame.
    unsafe {
        let (gauge, _) = gauge_of(state);
        let results = measured(state, gauge);
        // What it made may be read as a number by the next instruction.
        if gauge.is_unseen() {
            look(gauge);
            pay(state, gauge, 0);
        }
        results
    }
}

/// Charges for a library function and runs it.
///
/// # Safety
/// As [`metered`].
unsafe fn measured(state: *mut ffi::lua_State, gauge: &Gauge) -> c_int {
    // SAFETY: as in `metered`.
    unsafe {
        let kind = ffi::lua_tonumber(state, ffi::lua_upvalueindex(2)) as usize;
        let charge = Charge::ALL.get(kind).copied().unwrap_or(Charge::Length);
        let asked = asked(state, charge);
        for at in charge.integers(ffi::lua_gettop(state)) {
            convert(state, *at);
        }
        let made = match charge {
            Charge::Repeat => length(state, 1).saturating_mul(count(state, 2)),
            Charge::Slots => count(state, 1).saturating_mul(SLOT),
            Charge::Bytes => count(state, 1),
            _ => 0,
        };
        let made = if charge == Charge::Move { 0 } else { made.max(asked) };
        // Larger than anything it may hold: Luau would say so with an error that can be caught, or overflow its count.
        if made > gauge.largest() {
            gauge.meter.kill(Resource::Memory);
            stop(state);
        }
        let bytes = match charge {
            Charge::Length | Charge::Split | Charge::Format => {
                (1..=ffi::lua_gettop(state).min(6)).map(|at| length(state, at)).sum()
            }
            Charge::Find | Charge::Pattern => length(state, 2),
            Charge::Repeat | Charge::Slots | Charge::Bytes => made,
            Charge::Move => moved(state).saturating_mul(SLOT).max(asked),
            Charge::Insert if ffi::lua_gettop(state) < 3 => 0,
            Charge::Insert | Charge::Remove => shifted(state),
            // More than there is makes the library raise before it does anything.
            Charge::Fill => given(state, 4).unwrap_or(usize::MAX).min(length(state, 1)),
            Charge::Copy => given(state, 5).unwrap_or(usize::MAX).min(length(state, 3)),
            Charge::Text => length(state, 3),
            Charge::Concat | Charge::Result | Charge::Numbers | Charge::Look => 0,
            Charge::Sort => sorting(state),
        };
        pay(state, gauge, bytes);
        // No table has so many slots, and moving two thousand million that are not there takes a minute.
        let moves = matches!(charge, Charge::Move | Charge::Insert | Charge::Remove);
        if moves && bytes > gauge.largest() {
            gauge.meter.kill(Resource::Memory);
            stop(state);
        }
        let own = match charge {
            Charge::Move => shift::moves(state, gauge),
            Charge::Insert => shift::insert(state, gauge),
            Charge::Remove => shift::remove(state, gauge),
            Charge::Find => find(state, gauge),
            Charge::Split => split(state, gauge),
            Charge::Concat => concat(state, gauge),
            _ => None,
        };
        if let Some(results) = own {
            return results;
        }
        match charge {
            Charge::Find | Charge::Pattern => check_sets(state),
            Charge::Numbers => numbers(state, gauge),
            Charge::Format if ffi::lua_gettop(state) > MOST_FORMATTED => {
                ffi::luaL_error(state, c"too many arguments to 'format'".as_ptr())
            }
            _ => {}
        }
        let Some(original) = ffi::lua_tocfunction(state, ffi::lua_upvalueindex(1)) else { return 0 };
        let results = original(state);
        // What was not known before: how long the texts are that it made.
        if !matches!(charge, Charge::Repeat | Charge::Look) {
            let texts = (1..=results.min(4)).map(|at| {
                let at = at - 1 - results;
                if ffi::lua_type(state, at) == ffi::LUA_TSTRING { ffi::lua_objlen(state, at) } else { 0 }
            });
            pay(state, gauge, texts.sum());
        }
        results
    }
}

/// Charges `bytes`, and ends the guest that cannot pay.
unsafe fn pay(state: *mut ffi::lua_State, gauge: &Gauge, bytes: usize) {
    if !gauge.meter.charge((bytes / BYTES_PER_UNIT) as u64) {
        // SAFETY: called by functions that Luau called, with their live state; no frame between has a destructor.
        unsafe { stop(state) }
    }
}

/// Bytes that argument `at` makes a function go through.
unsafe fn length(state: *mut ffi::lua_State, at: c_int) -> usize {
    // SAFETY: called by `metered` with its live state; any index may be asked for its type, and these types have a length.
    unsafe {
        match ffi::lua_type(state, at) {
            ffi::LUA_TSTRING | ffi::LUA_TBUFFER => ffi::lua_objlen(state, at),
            ffi::LUA_TTABLE => SLOT * ffi::lua_objlen(state, at),
            _ => 0,
        }
    }
}

/// Bytes of what is asked for, before the numbers become integers: who asks for more than an integer can count is ended for
/// it, though the library would wrap it to something small.
unsafe fn asked(state: *mut ffi::lua_State, charge: Charge) -> usize {
    // SAFETY: called by `metered` with its live state; a look at any index is allowed and changes nothing.
    unsafe {
        let number = |at| ffi::lua_tonumberx(state, at, ptr::null_mut());
        let asked = match charge {
            Charge::Repeat => length(state, 1) as f64 * number(2),
            Charge::Slots => SLOT as f64 * number(1),
            Charge::Bytes => number(1),
            Charge::Move => SLOT as f64 * (number(3) - number(2)),
            _ => 0.0,
        };
        asked.max(0.0) as usize
    }
}

/// Bytes that opening or closing a gap in argument 1 at argument 2 moves; none at its end.
unsafe fn shifted(state: *mut ffi::lua_State) -> usize {
    // SAFETY: as in `integer`.
    unsafe {
        match count(state, 2) {
            0 => 0,
            at => length(state, 1).saturating_sub(SLOT * at),
        }
    }
}

/// Argument `at` as text, if it is text or a number (which becomes text on the stack, as Luau itself does it).
unsafe fn text<'a>(state: *mut ffi::lua_State, at: c_int) -> Option<&'a [u8]> {
    // SAFETY: called by `metered` with its live state. The bytes live as long as the value stands on the stack, which is
    // longer than any use of them here, and Luau never moves them.
    unsafe {
        if !matches!(ffi::lua_type(state, at), ffi::LUA_TSTRING | ffi::LUA_TNUMBER) {
            return None;
        }
        let mut length = 0;
        let bytes = ffi::lua_tolstring(state, at, &mut length);
        if bytes.is_null() { None } else { Some(slice::from_raw_parts(bytes.cast(), length)) }
    }
}

/// `string.find` for plain text, in linear time: Luau compares what is sought at each place, which is the product of the
/// two lengths. `None`: arguments that are wrong, or a pattern.
unsafe fn find(state: *mut ffi::lua_State, gauge: &Gauge) -> Option<c_int> {
    // SAFETY: as in `text`; a C function has room for two results.
    unsafe {
        let (text, sought) = (text(state, 1)?, text(state, 2)?);
        let from = match ffi::lua_type(state, 3) {
            ffi::LUA_TNONE | ffi::LUA_TNIL => 1,
            _ => integer(state, 3)?,
        };
        if ffi::lua_toboolean(state, 4) == 0 && is_pattern(sought) {
            return None;
        }
        let from = i64::from(from);
        let from = if from < 0 { from + 1 + text.len() as i64 } else { from }.max(1);
        let Some(rest) = usize::try_from(from - 1).ok().and_then(|from| text.get(from..)) else {
            ffi::lua_pushnil(state);
            return Some(1);
        };
        let found = memmem::find(rest, sought);
        pay(state, gauge, found.unwrap_or(rest.len()));
        match found {
            Some(at) => {
                let first = from as f64 + at as f64;
                ffi::lua_pushnumber(state, first);
                ffi::lua_pushnumber(state, first + sought.len() as f64 - 1.0);
                Some(2)
            }
            None => {
                ffi::lua_pushnil(state);
                Some(1)
            }
        }
    }
}

fn is_pattern(sought: &[u8]) -> bool {
    SPECIALS.iter().any(|[a, b, c]| memchr::memchr3(*a, *b, *c, sought).is_some())
}

/// `string.split` in linear time, for the same reason. `None`: arguments that are wrong.
unsafe fn split(state: *mut ffi::lua_State, gauge: &Gauge) -> Option<c_int> {
    // SAFETY: as in `text`; a C function has room for a table and a piece. Each may raise for want of memory, and nothing
    // in this frame has a destructor.
    unsafe {
        let mut rest = text(state, 1)?;
        let by = if ffi::lua_type(state, 2) <= ffi::LUA_TNIL { b",".as_slice() } else { text(state, 2)? };
        ffi::lua_createtable(state, 0, 0);
        let mut pieces: c_int = 0;
        loop {
            let found = match (by.is_empty(), rest.len()) {
                (true, 0) => break,
                (true, 1) => None,
                (true, _) => Some(1),
                (false, _) => memmem::find(rest, by),
            };
            let (piece, after) = rest.split_at_checked(found.unwrap_or(rest.len()))?;
            pieces = pieces.saturating_add(1);
            if pieces % PIECES_AT_ONCE == 0 {
                pay(state, gauge, 16 * BYTES_PER_UNIT);
            }
            ffi::lua_pushlstring_(state, piece.as_ptr().cast(), piece.len());
            ffi::lua_rawseti_(state, -2, pieces);
            if found.is_none() {
                break;
            }
            rest = after.get(by.len()..)?;
        }
        Some(1)
    }
}

/// `table.concat` with looks at the meter: a million numbers become a million texts first. `None`: arguments that are wrong.
unsafe fn concat(state: *mut ffi::lua_State, gauge: &Gauge) -> Option<c_int> {
    // SAFETY: as in `text`; a C function has room for the buffer's storage and an element. The buffer has no destructor: what
    // it holds stands on the stack.
    unsafe {
        if ffi::lua_type(state, 1) != ffi::LUA_TTABLE {
            return None;
        }
        let by = if ffi::lua_type(state, 2) <= ffi::LUA_TNIL { b"".as_slice() } else { text(state, 2)? };
        let bound = |at, otherwise: usize| match ffi::lua_type(state, at) {
            ffi::LUA_TNONE | ffi::LUA_TNIL => Some(c_int::try_from(otherwise).unwrap_or(c_int::MAX)),
            _ => integer(state, at),
        };
        let (first, last) = (bound(3, 1)?, bound(4, ffi::lua_objlen(state, 1))?);
        let mut buffer: ffi::luaL_Strbuf = mem::zeroed();
        ffi::luaL_buffinit(state, &mut buffer);
        let mut at = first;
        while at <= last {
            if at % PIECES_AT_ONCE == 0 {
                pay(state, gauge, 4 * BYTES_PER_UNIT);
            }
            let kind = ffi::lua_rawgeti_(state, 1, at);
            if !matches!(kind, ffi::LUA_TSTRING | ffi::LUA_TNUMBER) {
                let found = ffi::lua_typename(state, kind);
                ffi::luaL_error(state, c"invalid value (%s) at index %d in table for 'concat'".as_ptr(), found, at);
            }
            ffi::luaL_addvalue(&mut buffer);
            if at == last {
                break;
            }
            ffi::luaL_addlstring(&mut buffer, by.as_ptr().cast(), by.len());
            at += 1;
        }
        ffi::luaL_pushresult(&mut buffer);
        pay(state, gauge, ffi::lua_objlen(state, -1));
        Some(1)
    }
}

/// Makes numbers of the texts among the arguments that are numbers: the library would read a million of them in one step. What
/// is none is left for the library's own complaint.
unsafe fn numbers(state: *mut ffi::lua_State, gauge: &Gauge) {
    // SAFETY: as in `text`; a C function has room for one more value, which takes an argument's place at once.
    unsafe {
        for at in 1..=ffi::lua_gettop(state) {
            if ffi::lua_type(state, at) != ffi::LUA_TSTRING {
                continue;
            }
            pay(state, gauge, ffi::lua_objlen(state, at));
            let mut is_number = 0;
            let number = ffi::lua_tonumberx(state, at, &mut is_number);
            if is_number == 0 {
                return;
            }
            ffi::lua_pushnumber(state, number);
            ffi::lua_replace(state, at);
        }
    }
}

/// Raises where a set in the pattern, looked through for each byte of the text, would take too long for one step.
unsafe fn check_sets(state: *mut ffi::lua_State) {
    // SAFETY: as in `text`; raising passes no destructor.
    unsafe {
        let (Some(text), Some(pattern)) = (text(state, 1), text(state, 2)) else { return };
        if text.len().saturating_mul(longest_set(pattern)) > MOST_SET_STEPS {
            ffi::luaL_error(state, c"the set in the pattern is too long for so long a text".as_ptr())
        }
    }
}

/// Prepares the arguments of `table.sort` and says how many bytes' worth of work its own steps are.
unsafe fn sorting(state: *mut ffi::lua_State) -> usize {
    // SAFETY: called by `metered` with its live state, which has room for one more value.
    unsafe {
        if ffi::lua_type(state, 1) != ffi::LUA_TTABLE {
            return 0;
        }
        if ffi::lua_type(state, 2) <= ffi::LUA_TNIL {
            ffi::lua_settop(state, 1);
            ffi::lua_pushvalue(state, ffi::lua_upvalueindex(3));
        } else if ffi::lua_iscfunction(state, 2) != 0 {
            // A comparator in Lua has safepoints of its own; one in C has none.
            ffi::lua_settop(state, 2);
            ffi::lua_pushcclosurek(state, compared, c"compare".as_ptr(), 1, None);
        }
        ffi::lua_objlen(state, 1).saturating_mul(BYTES_PER_UNIT / 2)
    }
}

/// `a < b`, charged by length: two long texts that differ late take a millisecond, and a sort compares millions of times.
///
/// # Safety
/// Only Luau calls it, with a live state that [`Vm::new`](crate::memory::Vm::new) made.
unsafe extern "C-unwind" fn less(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Luau calls this with a live thread of a state of `Vm::new`, and `table.sort` with two arguments; any error
    // that the comparison raises passes a frame without destructors.
    unsafe {
        pay(state, gauge_of(state).0, length(state, 1).min(length(state, 2)));
        let less = ffi::lua_lessthan(state, 1, 2);
        ffi::lua_pushboolean(state, less);
        1
    }
}

/// A comparator in C, charged for each comparison. Upvalue: the comparator.
///
/// # Safety
/// As [`less`].
unsafe extern "C-unwind" fn compared(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: as in `less`; `sorting` gave it its upvalue.
    unsafe {
        pay(state, gauge_of(state).0, BYTES_PER_UNIT);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, ffi::lua_gettop(state) - 1, 1);
        1
    }
}

/// Makes a function that is `callback`, one of mlua's, but ends a guest that passes it more arguments than a value could
/// have elements: mlua would list them first, outside of the limit.
pub(crate) fn bounded(vm: &Vm, callback: Function) -> mlua::Result<Function> {
    // SAFETY: the stack holds the one argument, a C closure of mlua with one upvalue. That upvalue and the address of its
    // code are taken by the new closure, in this order, so that the code finds its upvalue where it looks for it.
    unsafe {
        vm.lua.exec_raw(callback, |state| {
            if ffi::lua_getupvalue(state, 1, 1).is_null() {
                return;
            }
            if let Some(code) = ffi::lua_tocfunction(state, 1) {
                ffi::lua_pushlightuserdata(state, code as *mut c_void);
                ffi::lua_pushcclosurek(state, passed, c"host".as_ptr(), 2, None);
            }
        })
    }
}

/// The front of a callback of mlua. Upvalues: the callback's own, and its code.
///
/// # Safety
/// As [`less`].
unsafe extern "C-unwind" fn passed(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Luau calls this with a live thread of a state of `Vm::new`; `bounded` put the code there, which is of this
    // type and wants the first upvalue.
    unsafe {
        let (gauge, _) = gauge_of(state);
        if ffi::lua_gettop(state) > MOST_PASSED {
            gauge.meter.kill(Resource::Value);
            stop(state);
        }
        let code = ffi::lua_tolightuserdata(state, ffi::lua_upvalueindex(2));
        if code.is_null() {
            return 0;
        }
        // From here on no allocation is refused: mlua lists the arguments before our own code in the callback runs, and a
        // refusal would unwind through its frames. What the callback raises restores this on its way.
        let results = {
            let _host = gauge.host();
            mem::transmute::<*mut c_void, ffi::lua_CFunction>(code)(state)
        };
        if gauge.is_unseen() {
            look(gauge);
            pay(state, gauge, 0);
        }
        results
    }
}
