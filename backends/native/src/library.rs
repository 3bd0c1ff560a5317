//! [`Library`]: a plugin's shared library in this process, and the only unsafe code of this backend: loading it, reading
//! its table, calling it, and being called back.
//!
//! Whoever loads native code trusts it with the whole process; nothing here defends against it. What is checked is what
//! an honest but broken plugin gets wrong: numbers, nulls, texts, threads, and calls at the wrong time.

use std::{
    cell::UnsafeCell,
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice, str,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use modhost_abi::vtable::{
    ENTRY, Entry, Function, Host, MODHOST_NATIVE_ABI, MOST_FUNCTIONS, Plugin, Sink, Text, status,
};
use modhost_backend::{Fault, FaultKind};

use crate::{bridge::Bridge, file, inspect::Inspected};

/// The longest name of an export or import, in bytes.
const LONGEST_NAME: usize = 96;
/// The longest signature, in bytes: what its parser takes.
const LONGEST_SIGNATURE: usize = 4096;
/// How many libraries this process maps at most. None is ever unmapped, each takes five to eight of the 65,530 mappings that Linux
/// gives a process, and whoever is out of mappings is out of memory: the host would die of its next allocation.
const MOST_MAPPED: usize = 4096;
/// How many it has mapped, whichever engine asked for them.
static MAPPED: AtomicUsize = AtomicUsize::new(0);

fn broken(how: impl Into<String>) -> Fault {
    Fault::new(FaultKind::NativeAbi { message: how.into() })
}

/// Counts one library that is mapped; once dropped, it is parked: still mapped, but nothing will call it.
#[derive(Debug)]
pub(crate) struct Mapped(Arc<AtomicUsize>);

impl Drop for Mapped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// What a plugin's table says, copied out of it.
pub(crate) struct Library {
    /// Names and signatures of the exports, in the plugin's order.
    pub(crate) exports: Vec<(String, String)>,
    /// Dotted names of the imports, in the plugin's order.
    pub(crate) imports: Vec<String>,
    // SAFETY: the three are called with what the ABI says, by `Guest` only, while `mapped` keeps their code in place.
    create: unsafe extern "C" fn(*const Host, *mut *mut c_void, Sink) -> i32,
    call: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize, Sink) -> i32,
    destroy: unsafe extern "C" fn(*mut c_void),
    mapped: Mapped,
}

impl Library {
    /// Loads what was inspected, which runs the library's constructors, and reads its table. From here on it is mapped
    /// until the process ends: a thread, a thread-local or a pointer that it left behind cannot be seen from outside.
    pub(crate) fn open(inspected: &Inspected<'_>, parked: &Arc<AtomicUsize>) -> Result<Self, Fault> {
        #[cfg(unix)]
        let _needed = needed(inspected)?;
        MAPPED.fetch_update(Relaxed, Relaxed, |count| (count < MOST_MAPPED).then_some(count + 1)).map_err(|_| {
            let message = format!(
                "this process has mapped {MOST_MAPPED} native libraries, which stay until it ends; it must be started anew to map more"
            );
            Fault::new(FaultKind::Io { message })
        })?;
        // SAFETY: the engine admits native code only where policy trusts it with the process, and `inspect` has found
        // the file whole and for this machine.
        let library = file::with_private_copy(inspected.loaded, |path| unsafe { map(path) })?;
        let mapped = Mapped(parked.clone());
        // SAFETY: `inspect` found a function of this name, whose type the name stands for.
        let entry = unsafe { library.get::<Entry>(ENTRY) }.map(|symbol| *symbol);
        std::mem::forget(library);
        let entry = entry
            .map_err(|_| Fault::new(FaultKind::NativeMissingSymbol { symbol: ENTRY.to_string_lossy().into_owned() }))?;
        // SAFETY: an entry takes nothing and may be called at any time.
        let table = unsafe { entry() };
        // SAFETY: the library is never unmapped, and its table is constant by the ABI.
        unsafe { Library::read(table, mapped) }
    }

    /// # Safety
    /// `table` is null or what a plugin's entry returned, from a library that stays mapped.
    unsafe fn read(table: *const Plugin, mapped: Mapped) -> Result<Self, Fault> {
        if table.is_null() || !table.is_aligned() {
            return Err(broken("the plugin has no table"));
        }
        // SAFETY: not null and aligned; every version of the table begins with these two fields.
        let (abi, size) = unsafe { ((*table).abi, (*table).size) };
        if abi != MODHOST_NATIVE_ABI || (size as usize) < size_of::<Plugin>() {
            let ours = size_of::<Plugin>();
            return Err(broken(format!(
                "the plugin's table is of ABI {abi} with {size} bytes, this host speaks {MODHOST_NATIVE_ABI} with {ours}"
            )));
        }
        // SAFETY: the table says that it is as long as ours.
        let table = unsafe { table.read() };
        let (Some(create), Some(call), Some(destroy)) = (table.create, table.call, table.destroy) else {
            return Err(broken("the plugin's table lacks a function"));
        };
        // SAFETY: the table's arrays are as long as it says, and constant.
        let (exports, imports) = unsafe {
            (array::<Function>(table.exports, table.export_count)?, array::<Text>(table.imports, table.import_count)?)
        };
        // SAFETY: the texts of a table are constant.
        let text = |text: Text, most: usize| match unsafe { text.read(most) } {
            Some(text) if !text.contains(char::is_control) => Ok(text.to_owned()),
            _ => Err(broken("the plugin's table holds a text that is too long or not plain UTF-8")),
        };
        let exports = exports
            .iter()
            .map(|function| Ok((text(function.name, LONGEST_NAME)?, text(function.signature, LONGEST_SIGNATURE)?)));
        let imports = imports.iter().map(|name| text(*name, LONGEST_NAME));
        let (exports, imports) = (exports.collect::<Result<_, Fault>>()?, imports.collect::<Result<_, Fault>>()?);
        Ok(Library { exports, imports, create, call, destroy, mapped })
    }

    /// Makes an instance that reaches the host through `bridge`, and the status with which it was made.
    pub(crate) fn create(self, bridge: Bridge) -> (Guest, i32) {
        let table = Host { call: Some(host_call), print: Some(host_print), ..Host::new() };
        let post = Post { table, on_duty: AtomicUsize::new(0), bridge: UnsafeCell::new(Some(Box::new(bridge))) };
        // A thread that the plugin leaves behind may use the table at any time, so it is never freed.
        let place = Box::into_raw(Box::new(post));
        // SAFETY: just made, and not shared before the next line.
        unsafe { (*place).table.context = place.cast() };
        // SAFETY: never freed, and only shared references are made of it from here on.
        let post: &'static Post = unsafe { &*place };
        let mut guest = Guest {
            post,
            state: ptr::null_mut(),
            made: false,
            call: self.call,
            destroy: self.destroy,
            _mapped: self.mapped,
        };

        let mut state = ptr::null_mut();
        let (host, sink) = (ptr::from_ref(&guest.post.table), guest.post.sink());
        // SAFETY: the plugin's own function, with the arguments that the ABI promises it.
        let status = guest.post.run(|| unsafe { (self.create)(host, &raw mut state, sink) });
        guest.made = status == status::OK;
        guest.state = state;
        (guest, status)
    }
}

/// # Safety
/// If `count` is at most [`MOST_FUNCTIONS`] and `first` is neither null nor misaligned, it points to `count` constant
/// elements.
unsafe fn array<'a, T>(first: *const T, count: usize) -> Result<&'a [T], Fault> {
    if count == 0 {
        return Ok(&[]);
    }
    if count > MOST_FUNCTIONS || first.is_null() || !first.is_aligned() {
        return Err(broken(format!(
            "the plugin's table lists {count} functions, at most {MOST_FUNCTIONS}, or none at all"
        )));
    }
    // SAFETY: not null, aligned, and the caller promises `count` elements.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}

/// Opens the libraries that the inspected one needs, as loading it would, and refuses it if it uses a name that none of
/// them defines, nor the program: the loader would stop at the first, and says which only in its own words.
#[cfg(unix)]
fn needed(inspected: &Inspected<'_>) -> Result<Vec<libloading::os::unix::Library>, Fault> {
    use std::{
        ffi::{CString, OsStr},
        os::unix::ffi::OsStrExt,
    };

    use libloading::os::unix;

    let mut asked = vec![unix::Library::this()];
    for name in &inspected.needs {
        // SAFETY: the name is of a library of the system, by `inspect`; the plugin's own loading opens it as well.
        let opened = unsafe { unix::Library::open(Some(OsStr::from_bytes(name)), unix::RTLD_NOW | unix::RTLD_LOCAL) };
        // Why one is not there the loader says best, when it is asked for the plugin.
        let Ok(opened) = opened else { return Ok(asked) };
        asked.push(opened);
    }
    let is_defined = |name: &[u8]| {
        let Ok(name) = CString::new(name) else { return false };
        // SAFETY: nothing is done with the address.
        asked.iter().any(|library| unsafe { library.get::<*const c_void>(name.as_c_str()) }.is_ok())
    };
    let missing: Vec<_> = inspected.undefined.iter().filter(|name| !is_defined(name)).collect();
    if missing.is_empty() {
        return Ok(asked);
    }
    let symbols = missing.into_iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    Err(Fault::new(FaultKind::NativeUndefinedSymbol { symbols }))
}

/// # Safety
/// Loading runs code of the library at `path`.
unsafe fn map(path: &std::path::Path) -> Result<libloading::Library, libloading::Error> {
    #[cfg(unix)]
    {
        use libloading::os::unix;

        // SAFETY: the caller's. Every symbol is bound now, so that no call finds one missing, and none is shown to
        // libraries loaded later.
        unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map(Into::into)
    }
    #[cfg(not(unix))]
    {
        // SAFETY: the caller's.
        unsafe { libloading::Library::new(path) }
    }
}

/// A number that no other living thread has.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| ptr::from_ref(mark).addr())
}

/// Where a plugin's instance finds the host. Never freed; emptied when the instance ends.
struct Post {
    table: Host,
    /// The thread that runs a call of the instance, 0 for none.
    on_duty: AtomicUsize,
    bridge: UnsafeCell<Option<Box<Bridge>>>,
}

impl Post {
    fn sink(&self) -> Sink {
        Sink { context: self.table.context, write: Some(sink_write) }
    }

    /// Runs a function of the plugin with the bridge open to this thread. Nothing unwinds out of `call`.
    #[inline]
    fn run(&self, call: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the instance's owner is on this thread and no call runs, so nobody else is at the bridge.
        if let Some(bridge) = unsafe { &*self.bridge.get() } {
            bridge.begin();
        }
        self.on_duty.store(this_thread(), Relaxed);
        let status = call();
        self.on_duty.store(0, Relaxed);
        status
    }

    /// The bridge, for a callback of the plugin on the thread that is running its call.
    #[inline]
    fn on_duty(&self) -> Option<&Bridge> {
        if self.on_duty.load(Relaxed) != this_thread() {
            return None;
        }
        // SAFETY: only the thread that runs the call gets here, and its own `run` is on the stack: the owner, who alone
        // takes the bridge away, waits for it.
        unsafe { &*self.bridge.get() }.as_deref()
    }
}

/// An instance of a plugin.
pub(crate) struct Guest {
    post: &'static Post,
    state: *mut c_void,
    /// Whether there is a state to destroy.
    made: bool,
    // SAFETY: both get `state` alone, which the plugin made for them, and `_mapped` keeps their code in place.
    call: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize, Sink) -> i32,
    destroy: unsafe extern "C" fn(*mut c_void),
    _mapped: Mapped,
}

// SAFETY: by the ABI a plugin's state may be used on any thread, one at a time; the post is used by its owner's thread
// only, and by others no further than its atomic number.
unsafe impl Send for Guest {}

impl Guest {
    /// Calls an export; the reply is at the bridge.
    #[inline]
    pub(crate) fn call(&mut self, export: u32, args: &[u8]) -> i32 {
        let sink = self.post.sink();
        // SAFETY: the plugin's own function and state, a number within its exports, and bytes that outlive the call.
        self.post.run(|| unsafe { (self.call)(self.state, export, args.as_ptr(), args.len(), sink) })
    }

    /// The bridge, between calls.
    pub(crate) fn bridge(&self) -> Option<&Bridge> {
        // SAFETY: the owner holds the guest on this thread, and takes the bridge away only when it is dropped.
        unsafe { &*self.post.bridge.get() }.as_deref()
    }

    /// Leaves the state as it is, for a plugin that broke: its own code must not run again.
    pub(crate) fn abandon(&mut self) {
        self.made = false;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if self.made {
            // SAFETY: the plugin's own function and state, which nothing uses after this.
            unsafe { (self.destroy)(self.state) };
        }
        // SAFETY: no call runs, so nobody is at the bridge, and from now on nobody can be on duty.
        drop(unsafe { (*self.post.bridge.get()).take() });
    }
}

/// The bridge of the post at `context`, if the plugin may use it now.
///
/// # Safety
/// `context` is what a [`Host`] table or a [`Sink`] of this file carries.
unsafe fn bridge<'a>(context: *mut c_void) -> Option<&'a Bridge> {
    // SAFETY: a post is never freed, and shared references to it are all that exists after it was made.
    unsafe { context.cast::<Post>().as_ref() }?.on_duty()
}

/// # Safety
/// `bytes` is null or points to `len` bytes that are readable while the call lasts.
unsafe fn lent<'a>(bytes: *const u8, len: usize) -> Option<&'a [u8]> {
    if len == 0 {
        return Some(&[]);
    }
    // SAFETY: not null, and the caller promises the rest.
    if bytes.is_null() { None } else { Some(unsafe { slice::from_raw_parts(bytes, len) }) }
}

unsafe extern "C" fn sink_write(context: *mut c_void, bytes: *const u8, len: usize) -> i32 {
    // SAFETY: the sink's own context.
    let Some(bridge) = (unsafe { bridge(context) }) else { return status::REFUSED };
    if !bridge.admits(len) {
        return status::REFUSED;
    }
    // SAFETY: the plugin lends the bytes for this call.
    let Some(bytes) = (unsafe { lent(bytes, len) }) else { return status::REFUSED };
    catch_unwind(AssertUnwindSafe(|| bridge.write(bytes))).unwrap_or(status::REFUSED)
}

unsafe extern "C" fn host_call(context: *mut c_void, import: u32, args: *const u8, len: usize, reply: Sink) -> i32 {
    // SAFETY: the table's own context.
    let Some(bridge) = (unsafe { bridge(context) }) else { return status::REFUSED };
    // Longer arguments end the plugin; they are refused without a look, and the verdict is told by the next call.
    if !bridge.admits(len) {
        return status::REFUSED;
    }
    // SAFETY: the plugin lends the arguments for this call.
    let Some(args) = (unsafe { lent(args, len) }) else { return status::REFUSED };
    let mut deliver = |bytes: &[u8]| {
        if let Some(write) = reply.write {
            // SAFETY: the plugin's own sink, valid for this call.
            unsafe { write(reply.context, bytes.as_ptr(), bytes.len()) };
        }
    };
    let called = catch_unwind(AssertUnwindSafe(|| bridge.call(import, args, &mut deliver)));
    called.unwrap_or_else(|_| {
        bridge.refuse(Fault::bug("a host function's wrapper panicked"), &mut Vec::new());
        status::HOST
    })
}

unsafe extern "C" fn host_print(context: *mut c_void, text: *const u8, len: usize) -> i32 {
    // SAFETY: the table's own context.
    let Some(bridge) = (unsafe { bridge(context) }) else { return status::REFUSED };
    // SAFETY: the plugin lends the text for this call.
    let text = unsafe { lent(text, len) }.and_then(|text| str::from_utf8(text).ok());
    let Some(text) = text else { return status::REFUSED };
    catch_unwind(AssertUnwindSafe(|| bridge.print(text))).unwrap_or_else(|_| {
        bridge.refuse(Fault::bug("printing panicked"), &mut Vec::new());
        status::HOST
    })
}
