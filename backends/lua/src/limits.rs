//! What of Luau a plugin gets: the libraries, what is taken out of them, what is metered, and what this backend promises.
//! One table each, so that a review reads this file and not the code around it.

use std::ffi::CStr;

use mlua::{Function, StdLib, Table};
use modhost_backend::{Enforcement, Guarantee};

use crate::{
    interrupt::{self, Charge},
    memory::Vm,
};

/// The limits of a Luau state.
///
/// * `memory` is held by the allocator, whose grain is a page of 16 or 32 KiB; a guest that crosses it has ended, whatever
///   it catches. What the compiler needs while loading is outside of it and bounded by the source limit.
/// * `interrupt` is approximate: between two safepoints lies at most one instruction or one library call, and a
///   concatenation, a comparison, a pattern's single step or a copy of a text as large as the memory limit takes
///   milliseconds.
/// * A leaf function without a call or loop is counted in `call depth` when it returns.
pub(crate) const ENFORCEMENT: Enforcement = Enforcement { interrupt: Guarantee::Approximate, ..Enforcement::SANDBOX };

/// The libraries beside the base library: no `os`, `io`, `package`, `debug`.
pub(crate) fn libraries() -> StdLib {
    StdLib::COROUTINE
        | StdLib::TABLE
        | StdLib::STRING
        | StdLib::UTF8
        | StdLib::MATH
        | StdLib::BIT
        | StdLib::BUFFER
        | StdLib::VECTOR
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
    ("require", "reads files; a plugin's modules come from its package"),
    ("debug", "not offered"),
    ("os", "not offered"),
    ("io", "not offered"),
];

/// Library functions that are taken out, with the reason.
const REMOVED_FIELDS: [(&str, &str, &str); 2] = [
    ("table", "foreach", "calls any C function for each entry without a safepoint; `for k, v in t` says the same"),
    ("table", "foreachi", "as foreach"),
];

/// Library functions that run long in one C call, and what they are charged for it.
const METERED: [(&str, &str, &CStr, Charge); 20] = [
    ("string", "find", c"find", Charge::Search),
    ("string", "split", c"split", Charge::Search),
    ("string", "rep", c"rep", Charge::Repeat),
    ("string", "lower", c"lower", Charge::Length),
    ("string", "upper", c"upper", Charge::Length),
    ("string", "reverse", c"reverse", Charge::Length),
    ("string", "format", c"format", Charge::Length),
    ("string", "pack", c"pack", Charge::Length),
    ("string", "packsize", c"packsize", Charge::Length),
    ("utf8", "len", c"len", Charge::Length),
    ("utf8", "offset", c"offset", Charge::Length),
    ("table", "concat", c"concat", Charge::Length),
    ("table", "find", c"find", Charge::Length),
    ("table", "clone", c"clone", Charge::Length),
    ("table", "clear", c"clear", Charge::Length),
    ("table", "maxn", c"maxn", Charge::Length),
    ("table", "create", c"create", Charge::Slots),
    ("table", "move", c"move", Charge::Move),
    ("table", "sort", c"sort", Charge::Sort),
    ("buffer", "create", c"create", Charge::Bytes),
];

/// The names, as the compiler wants them, of builtins that it must not call behind the back of their replacements.
pub(crate) fn replaced() -> impl Iterator<Item = String> {
    let fields = METERED.iter().map(|(library, name, ..)| format!("{library}.{name}"));
    fields.chain(["print", "tostring"].map(String::from))
}

/// Applies the tables to a new state.
pub(crate) fn apply(vm: &Vm) -> mlua::Result<()> {
    let globals = vm.lua.globals();
    for (name, _) in REMOVED {
        globals.raw_set(name, mlua::Nil)?;
    }
    for (library, name, _) in REMOVED_FIELDS {
        globals.raw_get::<Table>(library)?.raw_set(name, mlua::Nil)?;
    }
    for (library, name, in_errors, charge) in METERED {
        let library: Table = globals.raw_get(library)?;
        if let Some(original) = library.raw_get::<Option<Function>>(name)? {
            library.raw_set(name, interrupt::meter(vm, original, in_errors, charge)?)?;
        }
    }
    Ok(())
}
