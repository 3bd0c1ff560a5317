//! The plugin's side of the native ABI: the only unsafe code of this crate. It builds the [`Plugin`] table, catches
//! panics before they reach the host, and calls the host. Called by the host and by what
//! [`plugin!`](crate::plugin) expands to; authors never name it.
#![allow(unsafe_code)]

use std::{
    any::Any,
    cell::{Cell, RefCell},
    ffi::c_void,
    mem,
    panic::{self, AssertUnwindSafe, catch_unwind},
    ptr, slice,
    sync::OnceLock,
};

use modhost_abi::{
    FromValue, IntoArgs, TypeError, Value, ValueLimits, codec,
    vtable::{Function, Host, Plugin, Sink, Text, status},
};

pub use crate::export::Export;
use crate::{Error, Result, error::Cause};

/// What [`plugin!`](crate::plugin) makes of its list.
pub trait Guest: 'static {
    /// The plugin's state.
    type State: 'static;
    /// The dotted names of the host functions it calls.
    fn imports() -> &'static [&'static str];
    /// What it exports, in the order of the table.
    fn exports() -> Vec<Export<Self::State>>;
    /// Makes a state.
    ///
    /// # Errors
    /// The author's own.
    fn create() -> Result<Self::State>;
}

/// The host has checked the values against the plugin's limits; a plugin sets none of its own.
const UNLIMITED: ValueLimits = ValueLimits { depth: ValueLimits::DEEPEST, bytes: u64::MAX };

thread_local! {
    /// The host of the instance that is running on this thread; null between calls.
    static HOST: Cell<*const Host> = const { Cell::new(ptr::null()) };
    /// Where the last panic of this thread was.
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Makes `host` the running instance's until dropped; an instance within another (through the host) gives it back.
struct Running(*const Host);

impl Running {
    fn on(host: *const Host) -> Self {
        Running(HOST.replace(host))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        HOST.set(self.0);
    }
}

/// The entry symbol's table, made when the host first asks.
pub struct Table(OnceLock<Plugin>);

impl Table {
    /// A table not made yet.
    #[allow(clippy::new_without_default, reason = "a static is made of it, by the macro only")]
    #[must_use]
    pub const fn new() -> Self {
        Table(OnceLock::new())
    }

    /// The table of `G`; null, which the host refuses, if describing it panics.
    pub fn of<G: Guest>(&self) -> *const Plugin {
        caught(|| ptr::from_ref(self.0.get_or_init(describe::<G>))).unwrap_or(ptr::null())
    }
}

fn describe<G: Guest>() -> Plugin {
    note_panics();
    // The host may read the table as long as the process lives, so its parts are leaked, once.
    let text = |text: String| Text::new(text.leak());
    let function = |export: Export<G::State>| Function {
        name: Text::new(export.name),
        signature: text(export.signature.to_string()),
    };
    let exports = G::exports().into_iter().map(function).collect::<Vec<_>>().leak();
    let imports = G::imports().iter().map(|name| Text::new(name)).collect::<Vec<_>>().leak();
    let mut plugin = Plugin::new(exports, imports);
    plugin.create = Some(create::<G>);
    plugin.call = Some(call::<G>);
    plugin.destroy = Some(destroy::<G>);
    plugin
}

/// Keeps a panic's place for the host instead of printing it, on threads where an instance runs. The library has its
/// own copy of the standard library, so the host's hook is not touched.
fn note_panics() {
    let printed = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if HOST.get().is_null() {
            return printed(info);
        }
        let place = info.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
        PANICKED_AT.with(|at| at.replace(place));
    }));
}

/// Runs `f`, turning a panic into its text.
fn caught<R>(f: impl FnOnce() -> R) -> std::result::Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload: Box<dyn Any + Send>| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        // Dropping a payload of the author's own type could panic again, outside of any catch.
        mem::forget(payload);
        let place = PANICKED_AT.with(RefCell::take);
        format!("panicked: {}{place}", text.as_deref().unwrap_or("with a value that is no text"))
    })
}

/// An instance, which the host holds as its state pointer.
struct Instance<G: Guest> {
    state: G::State,
    exports: Vec<Export<G::State>>,
    host: *const Host,
    /// Room for arguments and for the encoded result, kept from call to call.
    args: Vec<Value>,
    reply: Vec<u8>,
}

/// The most of such room that is kept, in elements: a call with more pays for it again.
const KEPT: usize = 4096;

unsafe extern "C" fn create<G: Guest>(host: *const Host, state: *mut *mut c_void, reply: Sink) -> i32 {
    let made = caught(|| {
        let _running = Running::on(host);
        let (args, reply) = (Vec::new(), Vec::new());
        Ok(Box::new(Instance::<G> { state: G::create()?, exports: G::exports(), host, args, reply }))
    });
    let made = made.map(|made: Result<_>| {
        let instance = made?;
        // SAFETY: the host passes a place for one pointer.
        unsafe { state.write(Box::into_raw(instance).cast()) };
        Ok(Value::Nil)
    });
    answer(made, reply, &mut Vec::new())
}

unsafe extern "C" fn call<G: Guest>(state: *mut c_void, export: u32, args: *const u8, len: usize, reply: Sink) -> i32 {
    let result = caught(|| {
        // SAFETY: `state` is the box that `create::<G>` made, and the host runs one call of an instance at a time.
        let instance = unsafe { &mut *state.cast::<Instance<G>>() };
        let _running = Running::on(instance.host);
        // SAFETY: the host lends `len` readable bytes at `args` for this call.
        let args = unsafe { slice::from_raw_parts(args, len) };
        let values = &mut instance.args;
        codec::decode_list_into(args, UNLIMITED, values).map_err(|error| error.to_string())?;
        let export = instance.exports.get(export as usize).ok_or("there is no such export")?;
        let result = (export.invoke)(&mut instance.state, values);
        values.clear();
        values.shrink_to(KEPT);
        result
    });
    // SAFETY: as above, and the reference that was made there is gone.
    let instance = unsafe { &mut *state.cast::<Instance<G>>() };
    answer(result, reply, &mut instance.reply)
}

unsafe extern "C" fn destroy<G: Guest>(state: *mut c_void) {
    // SAFETY: `state` is the box that `create::<G>` made, and the host gives it up.
    let instance = unsafe { Box::from_raw(state.cast::<Instance<G>>()) };
    // A panic while the state is dropped has nobody left to go to.
    let _ = caught(|| drop(instance));
}

/// Writes what a call came to, by way of `bytes`, and returns its status. Encoding and writing cannot panic.
fn answer(result: std::result::Result<Result<Value>, String>, reply: Sink, bytes: &mut Vec<u8>) -> i32 {
    let (status, value) = match result {
        Ok(Ok(Value::Nil)) => return status::OK,
        Ok(Ok(value)) => (status::OK, value),
        Ok(Err(Error(Cause::Raised(message)))) => (status::RAISED, Value::Str(message)),
        Ok(Err(Error(Cause::Type(error)))) => {
            let parts = [error.at(), error.expected(), error.found()];
            (status::TYPE, Value::List(parts.map(Value::from).into()))
        }
        Ok(Err(Error(Cause::Host(_)))) => return status::HOST,
        Err(panic) => (status::PANICKED, Value::Str(panic)),
    };
    bytes.clear();
    codec::encode(&value, bytes);
    if let Some(write) = reply.write {
        // SAFETY: the host's sink is valid for this call, and the bytes outlive it. A refusal is the host's to judge.
        unsafe { write(reply.context, bytes.as_ptr(), bytes.len()) };
    }
    bytes.shrink_to(KEPT);
    status
}

/// Appends to the `Vec<u8>` at `context`.
unsafe extern "C" fn append(context: *mut c_void, bytes: *const u8, len: usize) -> i32 {
    // SAFETY: `context` is the vector that `call_host` lends to the host for one call, and the host lends the bytes.
    unsafe { (*context.cast::<Vec<u8>>()).extend_from_slice(slice::from_raw_parts(bytes, len)) };
    status::OK
}

fn host() -> Result<&'static Host> {
    // SAFETY: a pointer in `HOST` is the one that the host passed to `create`, and its table is valid to the end of the
    // process.
    unsafe { HOST.get().as_ref() }.ok_or_else(|| "the host can be called only while it calls the plugin".into())
}

fn refused() -> Error {
    Error::new("the host refuses the call")
}

/// Calls the host function at `import` of [`Guest::imports`].
///
/// # Errors
/// The host function's; [`TypeError`] for arguments that no value says, or for a result of another type.
pub fn call_host<R: FromValue>(import: u32, args: impl IntoArgs) -> Result<R> {
    let host = host()?;
    let call = host.call.ok_or_else(refused)?;
    let mut bytes = Vec::with_capacity(64);
    args.with_args(|args| codec::encode_list(args, &mut bytes))?;
    let mut reply = Vec::new();
    let sink = Sink { context: ptr::from_mut(&mut reply).cast(), write: Some(append) };
    // SAFETY: the table is the host's own, and both the arguments and the reply's vector outlive the call.
    let status = unsafe { call(host.context, import, bytes.as_ptr(), bytes.len(), sink) };
    let value = match reply.as_slice() {
        [] => Value::Nil,
        reply => codec::decode(reply, UNLIMITED).map_err(|error| error.to_string())?,
    };
    match (status, value) {
        (status::OK, value) => Ok(R::from_value(value).map_err(|error: TypeError| error.inside("result"))?),
        (status::HOST, Value::Str(message)) => Err(Error(Cause::Host(message))),
        (status::HOST, _) => Err(Error(Cause::Host("the host function failed".into()))),
        _ => Err(refused()),
    }
}

/// Prints a line through the host, which counts it against the plugin's output limit.
///
/// # Errors
/// The limit's, which ends the plugin whatever it does then.
pub fn print(text: &str) -> Result<()> {
    let host = host()?;
    let print = host.print.ok_or_else(refused)?;
    // SAFETY: the table is the host's own, and the text outlives the call.
    match unsafe { print(host.context, text.as_ptr(), text.len()) } {
        status::OK => Ok(()),
        status::HOST => Err(Error(Cause::Host("the host takes no more output".into()))),
        _ => Err(refused()),
    }
}
