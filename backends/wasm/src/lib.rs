//! modhost's backend for WebAssembly, on the interpreter wasmi: core modules of version 1 in binary form. It holds fuel,
//! memory, deadline, depth, values and output; it knows no trust and checks no capability.
//!
//! ```
//! use modhost_backend::rig::Rig;
//! use modhost_wasm::WasmBackend;
//!
//! let module = wat::parse_str(
//!     r#"(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#,
//! )?;
//! let plugin = Rig::builder().file("main.wasm", module).load(&WasmBackend::new())?;
//! let add = &plugin.instance.exports()[0];
//! assert_eq!(add.signature.as_ref().map(ToString::to_string).as_deref(), Some("(a: int, b: int) -> int"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Plain functions
//!
//! An exported function of numbers is offered as it stands: `i32` and `i64` are ints (signed, and checked against the
//! range of `i32` on the way in), `f32` and `f64` are floats (rounded on the way into `f32`), no result is nil. A
//! function with several results is listed and cannot be called (`script.type`); one with references is not offered.
//! Names that begin with `modhost_` are not offered either.
//!
//! An import `"world" "spawn"` is the host function `world.spawn`: the import's module is the first part of the dotted
//! name. Plain types must fit the host's signature: an integer for int and bool, a float for float, any number for any,
//! no result for nil; trailing optional parameters may be left out. An import of anything that the host does not offer
//! is `script.missing-import`, one of another type `wasm.abi`.
//!
//! Two imports are there for every module that exports its `memory`:
//!
//! | import | type | |
//! |---|---|---|
//! | `modhost.print` | `(ptr: i32, len: i32)` | prints the text at `ptr`; what is not UTF-8 is replaced |
//! | `modhost.panic` | `(ptr: i32, len: i32)` | ends the call and the instance with `script.raised` and the text (4 KiB are read); it does not return |
//!
//! # The codec, ABI 1
//!
//! Texts, lists, maps and the rest cross in the codec of [`modhost_abi::codec`]. A module that uses it has
//!
//! - an export `modhost_abi_1`, a global or a function of any type; only the name is looked at,
//! - an export `memory`,
//! - an export `modhost_alloc` of type `(size: i32) -> i32`: the address of room for `size` bytes, asked for each time that the
//!   host hands bytes over. The room is the guest's own; the same fixed buffer each time will do where it is large enough,
//!   as long as the guest has read the arguments before it calls a host function. It may not call host functions itself.
//! - a custom section `modhost`, or several, which are read as one: UTF-8 text of at most 64 KiB, in lines
//!
//! ```text
//! modhost 1
//! export greet(name: str) -> str
//! import world.spawn(kind: str, x: float, y: float) -> int
//! ```
//!
//! Lines may stand in any order and be repeated; what is not listed is plain. A listed export, and a listed import, has
//! the type `(ptr: i32, len: i32) -> i64`: the arguments are `len` bytes at `ptr`, encoded as one list, and the result is the
//! encoding of one value at `result >> 32`, of `result & 0xffff_ffff` bytes. Arguments of an export lie in room from
//! `modhost_alloc`, and so does the result of an import; the others lie where the guest likes, for as long as the host
//! reads them, which is before it calls the guest again. A range that is not wholly inside the memory, bytes that are no
//! encoding and a listing that is not true are `wasm.abi`.
//!
//! An error of a host function ends the call; the caller gets that error. Nothing of the guest is unwound then. A
//! module that exports its `__stack_pointer` (a mutable `i32`) has it put back, and so does not lose a piece of its
//! shadow stack at each such end.
//!
//! # Pending host functions
//!
//! A call that was started as one that can be suspended waits in a pending import, however deep in its own functions. An
//! error in place of the answer ends the call, as any error of a host function does. A module that imports a pending
//! function may not make tail calls, and one that exports such an import as it is gets `host.cannot-suspend` for it.
//!
//! # Limits
//!
//! - **Fuel**: one unit for each operator, for 16 bytes moved in bulk by the guest or by the host between the two; 2 for each byte
//!   of code that is compiled, 16 for each function, and more for branches with several results; 20 for each call of a host
//!   function. The same run costs the same.
//! - **Deadline**: looked at every 100,000 units and after each host function. What cannot be looked into is not begun where it
//!   could outlast the deadline: compiling, which takes about 15 ms for each MiB and 105 at worst (branches with several results
//!   three times that, and counted so; 50 ms are free), and a bulk operation of more than 128 MiB and a fifth of a MiB for each
//!   millisecond of the deadline, at half a millisecond for each MiB of fresh memory.
//! - **Memory**: linear memory and tables, summed, and of the module in compiled form what it takes beyond 6 MiB at worst. Beyond
//!   the limit `memory.grow` gives -1, as the standard has it; a guest that was refused and then traps or panics in the same call
//!   is `limit.memory`. Tables keep the size that they are declared with: `table.grow` gives -1.
//! - **Depth**: frames of the guest, exactly, up to 10,000; a mebibyte of the interpreter's stack is the same limit.
//! - **Modules**: 10,000 functions of up to 512 KiB, 1,000 locals, 32 parameters and 8 results; no SIMD, threads, exceptions,
//!   extended constant expressions, 64-bit or several memories. A start function runs when the module is loaded, under the same limits.
#![forbid(unsafe_code)]

mod convert;
mod cost;
mod guest;
mod host;
mod instance;
mod limits;
mod load;
mod module;
mod section;
mod typed;

use modhost_backend::{Backend, Enforcement, Fault, Instance, Kind, LoadRequest};

/// The backend for WebAssembly.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct WasmBackend;

impl WasmBackend {
    /// The backend; it holds nothing.
    #[must_use]
    pub fn new() -> Self {
        WasmBackend
    }
}

impl Backend for WasmBackend {
    fn kind(&self) -> Kind {
        Kind::WASM
    }

    fn enforcement(&self) -> Enforcement {
        limits::ENFORCEMENT
    }

    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        Ok(Box::new(load::load(&request)?))
    }
}
