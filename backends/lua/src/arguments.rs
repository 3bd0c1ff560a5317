//! Numbers among the arguments of library functions, as Luau's own library takes them. With [`crate::metered`], whose fronts
//! ask for them, a place with `unsafe`.

use std::ffi::c_int;

use mlua::ffi;

/// Puts the integer that the library makes of argument `at` in its place. What is no number stays, for the library to refuse.
///
/// # Safety
/// Called by a front with its live state.
pub(crate) unsafe fn convert(state: *mut ffi::lua_State, at: c_int) {
    // SAFETY: the caller's promise, which has room for one more value; an argument that is there has a
    // place to be replaced in.
    unsafe {
        if let Some(integer) = integer(state, at) {
            ffi::lua_pushinteger_(state, integer);
            ffi::lua_replace(state, at);
        }
    }
}

/// Argument `at` as the library's own `luaL_checkinteger` takes it, a text that reads as a number too. `None`: it is none.
///
/// # Safety
/// Called by a front with its live state.
pub(crate) unsafe fn integer(state: *mut ffi::lua_State, at: c_int) -> Option<c_int> {
    let mut is_number = 0;
    // SAFETY: the caller's promise; a look at any index is allowed and changes nothing.
    let integer = unsafe { ffi::lua_tointegerx_(state, at, &mut is_number) };
    if is_number == 0 { None } else { Some(integer) }
}

/// Argument `at` as a count: 0 where it is negative or no number.
///
/// # Safety
/// Called by a front with its live state.
pub(crate) unsafe fn count(state: *mut ffi::lua_State, at: c_int) -> usize {
    // SAFETY: the caller's promise.
    unsafe { integer(state, at) }.and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

/// Argument `at` as a count, if it is there.
///
/// # Safety
/// Called by a front with its live state.
pub(crate) unsafe fn given(state: *mut ffi::lua_State, at: c_int) -> Option<usize> {
    // SAFETY: the caller's promise.
    unsafe { (ffi::lua_type(state, at) > ffi::LUA_TNIL).then(|| count(state, at)) }
}

/// How many values `table.unpack` gives.
///
/// # Safety
/// Called by a front with its live state.
pub(crate) unsafe fn unpacked(state: *mut ffi::lua_State) -> usize {
    // SAFETY: the caller's promise; a table has a length.
    unsafe {
        let length = || match ffi::lua_type(state, 1) {
            ffi::LUA_TTABLE => i64::try_from(ffi::lua_objlen(state, 1)).unwrap_or(i64::MAX),
            _ => 0,
        };
        let first = integer(state, 2).map_or(1, i64::from);
        let last = integer(state, 3).map_or_else(length, i64::from);
        usize::try_from(last - first + 1).unwrap_or(0)
    }
}

/// How many slots `table.move` goes through.
///
/// # Safety
/// Called by a front with its live state.
pub(crate) unsafe fn moved(state: *mut ffi::lua_State) -> usize {
    // SAFETY: the caller's promise.
    let [first, last] = unsafe { [2, 3].map(|at| integer(state, at)) };
    match (first, last) {
        (Some(first), Some(last)) => usize::try_from(i64::from(last) - i64::from(first) + 1).unwrap_or(0),
        _ => 0,
    }
}
