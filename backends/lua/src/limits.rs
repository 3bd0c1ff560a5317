//! What of Luau a plugin gets: the libraries, what is taken out of them, what is metered, and what this backend promises.
//! One table each, so that a review reads this file and not the code around it.

use std::{ffi::CStr, sync::OnceLock};

use mlua::{Function, Lua, LuaOptions, StdLib, Table, Value};
use modhost_backend::{Enforcement, Fault, Guarantee, LoadRequest};

use crate::{
    memory::Vm,
    metered::{self, Charge},
    raise, shift,
};

/// The limits of a Luau state.
///
/// * `memory` is held by the allocator, whose grain is a page of 16 or 32 KiB; a guest that crosses it has ended, whatever
///   it catches. What the compiler needs while loading is outside of it and bounded by the source limit.
/// * `interrupt` is approximate: between two safepoints lies at most one library call, which goes through one text, buffer or
///   table of 32 MiB at most (an eighth of the memory limit where that is more), up to some 60 ms, or instructions of
///   40 ms in all, see [`crate::straight`].
/// * A leaf function without a call or loop is counted in `call depth` when it returns.
pub(crate) const ENFORCEMENT: Enforcement =
    Enforcement { interrupt: Guarantee::Approximate, suspend: true, ..Enforcement::SANDBOX };

/// The libraries beside the base library that a policy may open: no `os`, `io`, `package`, `debug`.
const LIBRARIES: [(&str, StdLib); 8] = [
    ("bit32", StdLib::BIT),
    ("buffer", StdLib::BUFFER),
    ("coroutine", StdLib::COROUTINE),
    ("math", StdLib::MATH),
    ("string", StdLib::STRING),
    ("table", StdLib::TABLE),
    ("utf8", StdLib::UTF8),
    ("vector", StdLib::VECTOR),
];

/// The libraries of a new state: those that are open, and two that our own functions are made with before [`close`]:
/// `table` for `print`, `coroutine` for pending host functions.
pub(crate) fn libraries(request: &LoadRequest<'_>) -> StdLib {
    let open = LIBRARIES.iter().filter(|(name, _)| request.library(name));
    open.fold(StdLib::TABLE | StdLib::COROUTINE, |all, (_, library)| all | *library)
}

/// Takes out what is there although it is closed.
pub(crate) fn close(vm: &Vm, request: &LoadRequest<'_>) -> mlua::Result<()> {
    let globals = vm.lua.globals();
    for (name, _) in LIBRARIES.iter().filter(|(name, _)| !request.library(name)) {
        globals.raw_set(*name, mlua::Nil)?;
    }
    Ok(())
}

/// Globals that are taken out, with the reason. Some are never there in a state of ours; they are listed because another
/// version may bring them.
const REMOVED: [(&str, &str); 13] = [
    ("collectgarbage", "stops or forces the collector, reads the memory of the host"),
    ("gcinfo", "reads the memory of the host"),
    ("getfenv", "reaches the globals of functions that are not the plugin's, and switches optimisation off"),
    ("setfenv", "as getfenv"),
    ("newproxy", "makes userdata, which handles are told from"),
    ("load", "compiles outside of the memory limit"),
    ("loadstring", "as load"),
    ("dofile", "reads files"),
    ("loadfile", "reads files"),
    ("require", "reads files; a plugin gets one of our own, which sees its vetted files"),
    ("debug", "not offered"),
    ("os", "not offered"),
    ("io", "not offered"),
];

/// Library functions that are taken out, with the reason.
const REMOVED_FIELDS: [(&str, &str, &str); 2] = [
    ("table", "foreach", "calls any C function for each entry without a safepoint; `for k, v in t` says the same"),
    ("table", "foreachi", "as foreach"),
];

/// Library functions that run long in one C call, and what they are charged for it. `_G` is the base library.
const METERED: [(&str, &str, &CStr, Charge); 43] = [
    ("_G", "next", c"next", Charge::Look),
    ("_G", "unpack", c"unpack", Charge::Look),
    ("table", "unpack", c"unpack", Charge::Look),
    ("math", "max", c"max", Charge::Numbers),
    ("math", "min", c"min", Charge::Numbers),
    ("bit32", "band", c"band", Charge::Numbers),
    ("bit32", "bor", c"bor", Charge::Numbers),
    ("bit32", "bxor", c"bxor", Charge::Numbers),
    ("bit32", "btest", c"btest", Charge::Numbers),
    ("string", "char", c"char", Charge::Numbers),
    ("utf8", "char", c"char", Charge::Numbers),
    ("string", "find", c"find", Charge::Find),
    ("string", "match", c"match", Charge::Pattern),
    ("string", "gmatch", c"gmatch", Charge::Pattern),
    ("string", "gsub", c"gsub", Charge::Pattern),
    ("string", "split", c"split", Charge::Split),
    ("string", "rep", c"rep", Charge::Repeat),
    ("string", "lower", c"lower", Charge::Length),
    ("string", "upper", c"upper", Charge::Length),
    ("string", "reverse", c"reverse", Charge::Length),
    ("string", "format", c"format", Charge::Format),
    ("string", "pack", c"pack", Charge::Length),
    ("string", "packsize", c"packsize", Charge::Length),
    ("string", "unpack", c"unpack", Charge::Length),
    ("utf8", "len", c"len", Charge::Length),
    ("utf8", "offset", c"offset", Charge::Length),
    ("table", "concat", c"concat", Charge::Concat),
    ("table", "find", c"find", Charge::Length),
    ("table", "clone", c"clone", Charge::Length),
    ("table", "clear", c"clear", Charge::Length),
    ("table", "maxn", c"maxn", Charge::Length),
    ("table", "create", c"create", Charge::Slots),
    ("table", "move", c"move", Charge::Move),
    ("table", "insert", c"insert", Charge::Insert),
    ("table", "remove", c"remove", Charge::Remove),
    ("table", "sort", c"sort", Charge::Sort),
    ("buffer", "create", c"create", Charge::Bytes),
    ("buffer", "fill", c"fill", Charge::Fill),
    ("buffer", "copy", c"copy", Charge::Copy),
    ("buffer", "readstring", c"readstring", Charge::Result),
    ("buffer", "tostring", c"tostring", Charge::Length),
    ("buffer", "fromstring", c"fromstring", Charge::Length),
    ("buffer", "writestring", c"writestring", Charge::Text),
];

/// The names, as the compiler wants them, of builtins that it must not call behind the back of their replacements, or
/// although their library is closed.
pub(crate) fn replaced(request: &LoadRequest<'_>) -> Result<Vec<String>, Fault> {
    // Luau's own `table.insert` does no more than append, which takes no time, and falls back on ours for the rest. So it is with
    // those that take numbers only, and [`crate::straight`] knows how long `table.unpack` takes.
    let quick = |(library, name, _, charge): &&(&str, &str, &CStr, Charge)| {
        (*library, *name) == ("table", "insert") || matches!(charge, Charge::Numbers | Charge::Look)
    };
    let metered = METERED.iter().filter(|row| !quick(row));
    let mut names: Vec<_> = metered.map(|(library, name, ..)| format!("{library}.{name}")).collect();
    names.extend(["print", "tostring"].map(String::from));
    if LIBRARIES.iter().any(|(name, _)| !request.library(name)) {
        let closed = builtins()?.iter().filter(|(library, _)| !request.library(library));
        names.extend(closed.map(|(library, name)| format!("{library}.{name}")));
    }
    Ok(names)
}

/// What the libraries hold, by library, as a state of their own says.
fn builtins() -> Result<&'static [(String, String)], Fault> {
    static NAMES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    if NAMES.get().is_none() {
        let all = LIBRARIES.iter().fold(StdLib::NONE, |all, (_, library)| all | *library);
        let listed = Lua::new_with(all, LuaOptions::new()).and_then(|lua| {
            let mut names = Vec::new();
            for (library, _) in LIBRARIES {
                lua.globals().raw_get::<Table>(library)?.for_each(|name: String, _: Value| {
                    names.push((library.to_owned(), name));
                    Ok(())
                })?;
            }
            Ok(names)
        });
        // Another thread may have been first, with the same.
        let _ = NAMES.set(listed.map_err(|error| raise::setup(&error))?);
    }
    Ok(NAMES.get().map_or(&[], Vec::as_slice))
}

/// Luau seeds `math.random` by address and clock; a call would take another way, and other fuel, in each process. It takes a
/// seed of 32 bits.
fn seed(globals: &Table, seed: u64) -> mlua::Result<()> {
    let Some(math) = globals.raw_get::<Option<Table>>("math")? else { return Ok(()) };
    let [a, b, c, d, e, f, g, h] = seed.to_le_bytes();
    let seed = i32::from_le_bytes([a, b, c, d]) ^ i32::from_le_bytes([e, f, g, h]);
    math.raw_get::<Function>("randomseed")?.call(seed)
}

/// Applies the tables to a new state.
pub(crate) fn apply(vm: &Vm, request: &LoadRequest<'_>) -> mlua::Result<()> {
    let globals = vm.lua.globals();
    seed(&globals, request.seed)?;
    shift::check(vm)?;
    for (name, _) in REMOVED {
        globals.raw_set(name, mlua::Nil)?;
    }
    for (library, name, _) in REMOVED_FIELDS {
        if let Some(library) = globals.raw_get::<Option<Table>>(library)? {
            library.raw_set(name, mlua::Nil)?;
        }
    }
    for (library, name, in_errors, charge) in METERED {
        let Some(library) = globals.raw_get::<Option<Table>>(library)? else { continue };
        if let Some(original) = library.raw_get::<Option<Function>>(name)? {
            library.raw_set(name, metered::meter(vm, original, in_errors, charge)?)?;
        }
    }
    Ok(())
}
