//! The state of one plugin and the allocator that holds its memory limit. The second place in this crate with `unsafe`.
//!
//! mlua's own limit cannot be sticky: its allocator answers "no" and forgets, the script catches `not enough memory` with
//! `pcall` and goes on, and nothing that Luau calls back tells of it (`onallocate` comes after a success only,
//! `debugprotectederror` not at all inside a comparator). A state made here and given to mlua would be the plain way, but
//! mlua 0.12.2 frees its own data of such a state at once (on Luau it keeps no reference of its own). So mlua makes the
//! state and the allocator is exchanged before any guest code is there: two fields of Luau's `global_State`, found
//! through the declared prefix of two of its structs and compared with what Luau itself says of them, before and after.
//! The vendored Luau is compiled into this program, so the prefix cannot change without a new version of mlua, and then
//! [`Vm::new`] refuses to work.
//!
//! Two rules keep a refusal, which is a C++ exception, out of Rust frames:
//! * it happens only while the guest runs ([`Gauge::guest`]); every Rust callback turns that off first;
//! * what is small is granted even beyond the limit, up to [`OVERDRAFT`], and even after the call is over: the meter is dead
//!   by then and the next safepoint ends the guest, while mlua's few allocations around a callback go through.
//!
//! mlua takes the allocator's user data for a struct of its own, so [`Gauge`] begins with that struct's fields, in atomics
//! (of the same layout), and some room after them; that, too, is checked for each state.

use std::{
    alloc::{self, Layout},
    ffi::{CStr, c_int, c_void},
    hash::{BuildHasher, RandomState},
    ptr::{self, NonNull},
    slice,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
};

use mlua::{Lua, LuaOptions, StdLib, ffi};
use modhost_backend::{Fault, Meter, Resource};

use crate::{coroutine::Frame, numeral};

/// The largest allocation, in bytes, that is granted beyond the limit.
const SMALL: usize = 64 << 10;
/// How far, in bytes, small allocations may go beyond the limit before they are refused too.
const OVERDRAFT: usize = 1 << 20;
/// The largest single block, in bytes, that a plugin gets under a limit of 256 MiB or less: a text, a buffer, the slots of a
/// table. Luau copies, hashes and rehashes such a block in one step that nothing interrupts, 30 to 60 ms for this size.
/// Under a larger limit it is an eighth of that.
const LARGEST: usize = 32 << 20;
/// The fields of mlua's `MemoryState`, which it reads and writes through the allocator's user data.
#[repr(C)]
#[derive(Debug, Default)]
struct Head {
    used: AtomicIsize,
    /// Stays 0 ("no limit") so that mlua pushes without a protected call; the limit is ours.
    limit: AtomicIsize,
    ignore_limit: AtomicBool,
    limit_reached: AtomicBool,
    spare: [AtomicU8; 32],
}

/// What the allocator and the interrupt know of one plugin. Only the thread that runs the plugin touches it: the atomics
/// stand for interior mutability, and for the layout of [`Head`].
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Gauge {
    head: Head,
    pub(crate) meter: Arc<Meter>,
    /// Guest code runs: refusals are allowed.
    guest: AtomicBool,
    /// Bytes of the state before the plugin's own code came in.
    fresh: AtomicUsize,
    /// Bytes at which the plugin is over its limit.
    cap: AtomicUsize,
    /// Bytes of the largest block that it gets.
    largest: AtomicUsize,
    /// Bytes at which a safepoint collects garbage before it goes on.
    pub(crate) collect_at: AtomicUsize,
    /// Frames below the running coroutine's own.
    pub(crate) depth: AtomicU32,
    /// How far the innermost frame may stand from the running coroutine's outermost, as far as is known.
    pub(crate) known_depth: AtomicUsize,
    /// The coroutine that runs.
    pub(crate) running: AtomicPtr<ffi::lua_State>,
    /// `running` and `depth` of the coroutines that wait for the running one.
    pub(crate) waiting: Mutex<Vec<(usize, u32)>>,
    /// Where the guest was when it was ended.
    pub(crate) ended_at: Mutex<Option<Frame>>,
    /// Large blocks that nobody has looked at since they were made, with their sizes; and whether there are any.
    unseen: Mutex<Vec<(usize, usize)>>,
    is_unseen: AtomicBool,
}

impl Gauge {
    fn new(meter: Arc<Meter>) -> Self {
        Gauge {
            head: Head::default(),
            meter,
            guest: AtomicBool::new(false),
            fresh: AtomicUsize::new(0),
            cap: AtomicUsize::new(usize::MAX),
            largest: AtomicUsize::new(usize::MAX),
            collect_at: AtomicUsize::new(usize::MAX),
            depth: AtomicU32::new(0),
            known_depth: AtomicUsize::new(0),
            running: AtomicPtr::new(ptr::null_mut()),
            waiting: Mutex::new(Vec::new()),
            ended_at: Mutex::new(None),
            unseen: Mutex::new(Vec::new()),
            is_unseen: AtomicBool::new(false),
        }
    }

    /// Bytes that Luau holds, pages and all.
    #[inline]
    pub(crate) fn used(&self) -> usize {
        self.head.used.load(Relaxed).unsigned_abs()
    }

    /// Bytes above the fresh state's.
    pub(crate) fn above_fresh(&self) -> usize {
        self.used().saturating_sub(self.fresh.load(Relaxed))
    }

    /// Whether the plugin holds more than it may.
    pub(crate) fn is_over(&self) -> bool {
        self.used() > self.cap.load(Relaxed)
    }

    /// Whether less than a sixteenth of the limit is left: [`Gauge::plan_collection`] cannot keep collections apart there.
    pub(crate) fn is_crowded(&self) -> bool {
        let (fresh, cap) = (self.fresh.load(Relaxed), self.cap.load(Relaxed));
        cap.saturating_sub(self.used()) < cap.saturating_sub(fresh) / 16
    }

    /// The state is set up: what it holds now is not the plugin's, all further bytes are.
    pub(crate) fn begin(&self) {
        let fresh = self.used();
        let limit = usize::try_from(self.meter.limits().memory).unwrap_or(usize::MAX);
        self.fresh.store(fresh, Relaxed);
        self.cap.store(fresh.saturating_add(limit), Relaxed);
        self.largest.store(limit.min(LARGEST.max(limit / 8)), Relaxed);
        self.plan_collection(fresh);
    }

    /// Sets when the next collection is forced, after one that left `used` bytes: at half of the limit, then at half of the
    /// room that is left, but not before a sixteenth of the limit has been allocated. Luau's own pace lets garbage grow to
    /// the size of what lives, which a plugin near its limit cannot afford.
    pub(crate) fn plan_collection(&self, used: usize) {
        let (fresh, cap) = (self.fresh.load(Relaxed), self.cap.load(Relaxed));
        let limit = cap.saturating_sub(fresh);
        let step = (cap.saturating_sub(used) / 2).max(limit / 16);
        self.collect_at.store((fresh.saturating_add(limit / 2)).max(used.saturating_add(step)).min(cap), Relaxed);
    }

    /// The coroutine `running` has `depth` frames below it.
    pub(crate) fn runs(&self, running: *mut ffi::lua_State, depth: u32) {
        self.running.store(running, Relaxed);
        self.depth.store(depth, Relaxed);
        self.known_depth.store(0, Relaxed);
    }

    /// Whether the guest runs, from now on; gives back what was. See [`Gauge::host`].
    pub(crate) fn guest(&self, runs: bool) -> bool {
        // One thread writes, so this need not be the locked instruction that a swap is.
        let before = self.guest.load(Relaxed);
        self.guest.store(runs, Relaxed);
        before
    }

    /// Host code runs until the result is dropped: no allocation is refused.
    pub(crate) fn host(&self) -> HostRuns<'_> {
        HostRuns { gauge: self, before: self.guest(false) }
    }

    /// Bytes of the largest block that the plugin gets.
    pub(crate) fn largest(&self) -> usize {
        self.largest.load(Relaxed)
    }

    /// Counts `bytes` that live outside of Luau's heap for as long as a value of the script's does: they are the plugin's.
    pub(crate) fn owe(&self, bytes: usize) {
        self.head.used.store(self.head.used.load(Relaxed).wrapping_add_unsigned(bytes), Relaxed);
    }

    /// What [`Gauge::owe`] counted is gone.
    pub(crate) fn repay(&self, bytes: usize) {
        self.head.used.store(self.head.used.load(Relaxed).wrapping_sub_unsigned(bytes), Relaxed);
    }

    /// Whether large blocks were made that nobody has [looked at](look).
    #[inline]
    pub(crate) fn is_unseen(&self) -> bool {
        self.is_unseen.load(Relaxed)
    }

    /// A large block was made.
    #[cold]
    fn made(&self, block: *const u8, size: usize) {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner).push((block as usize, size));
        self.is_unseen.store(true, Relaxed);
    }

    /// A large block is gone, or no longer what it was made for.
    #[cold]
    fn gone(&self, block: *const c_void) {
        if self.is_unseen() {
            self.unseen.lock().unwrap_or_else(PoisonError::into_inner).retain(|(made, _)| *made != block as usize);
        }
    }

    /// Whether a block of `new` bytes, `more` than before, may be had; kills the meter where the limit is crossed. A call that
    /// is over gets no large block more.
    #[inline]
    fn grants(&self, more: usize, new: usize) -> bool {
        let after = self.used().saturating_add(more);
        let cap = self.cap.load(Relaxed);
        if after <= cap && new <= self.largest.load(Relaxed).max(SMALL) || !self.guest.load(Relaxed) {
            // Straight-line code that joins long texts comes by here more often than by a safepoint.
            return more < SMALL || !self.guest.load(Relaxed) || self.meter.alive();
        }
        self.meter.kill(Resource::Memory);
        more <= SMALL && after.saturating_sub(cap) <= OVERDRAFT
    }
}

/// See [`Gauge::host`].
pub(crate) struct HostRuns<'a> {
    gauge: &'a Gauge,
    before: bool,
}

impl Drop for HostRuns<'_> {
    fn drop(&mut self) {
        self.gauge.guest(self.before);
    }
}

/// Luau's allocator. `gauge` is the [`Gauge`] that [`Vm::new`] passed.
///
/// # Safety
/// Only Luau calls it, with blocks that it gave out and the gauge of a living [`Vm`].
unsafe extern "C" fn allocate(gauge: *mut c_void, block: *mut c_void, old: usize, new: usize) -> *mut c_void {
    // SAFETY: `Vm::new` passed a pointer into an `Arc<Gauge>` that the `Vm` holds as long as this is the state's allocator,
    // and a `Gauge` is only ever borrowed shared.
    let gauge = unsafe { &*gauge.cast::<Gauge>() };
    let old = if block.is_null() { 0 } else { old };
    let layout = |size| Layout::from_size_align(size, ffi::SYS_MIN_ALIGN);
    if new == 0 {
        if let (Some(block), Ok(layout)) = (NonNull::new(block), layout(old)) {
            if old >= SMALL {
                gauge.gone(block.as_ptr());
            }
            // SAFETY: Luau gives back a block that this function or mlua's allocator made, with the size it asked for then.
            unsafe { alloc::dealloc(block.as_ptr().cast(), layout) };
            gauge.head.used.store(gauge.head.used.load(Relaxed).wrapping_sub_unsigned(old), Relaxed);
        }
        return ptr::null_mut();
    }
    if new > old && !gauge.grants(new - old, new) {
        return ptr::null_mut();
    }
    let (Ok(before), Ok(after)) = (layout(old), layout(new)) else { return ptr::null_mut() };
    if old >= SMALL {
        gauge.gone(block);
    }
    let made = if block.is_null() && new >= SMALL {
        // Zeroed, so that `look` reads nothing that was never written.
        // SAFETY: `new` is not 0.
        let made = unsafe { alloc::alloc_zeroed(after) };
        if !made.is_null() {
            gauge.made(made, new);
        }
        made
    } else if block.is_null() {
        // SAFETY: `new` is not 0.
        unsafe { alloc::alloc(after) }
    } else {
        // SAFETY: `block` was made here or by mlua's allocator, with the layout `before`, and `new` is not 0.
        unsafe { alloc::realloc(block.cast(), before, new) }
    };
    if made.is_null() {
        // The machine is out of memory. A guest is ended for it; host code in the middle of Rust frames cannot be.
        if !gauge.guest.load(Relaxed) {
            alloc::handle_alloc_error(after);
        }
        gauge.meter.kill(Resource::Memory);
        return ptr::null_mut();
    }
    let used = gauge.head.used.load(Relaxed).wrapping_add_unsigned(new).wrapping_sub_unsigned(old);
    gauge.head.used.store(used, Relaxed);
    made.cast()
}

/// Looks at the texts among the large blocks that were made since, and ends a plugin that made one that takes too long to be
/// read as a number: what would outlast the deadline is not begun.
///
/// # Safety
/// `gauge` is that of a state of [`Vm::new`], whose thread runs this.
#[cold]
pub(crate) unsafe fn look(gauge: &Gauge) {
    let mut unseen = gauge.unseen.lock().unwrap_or_else(PoisonError::into_inner);
    unseen.retain(|(block, size)| {
        let page = ptr::with_exposed_provenance::<PagePrefix>(*block);
        // SAFETY: a block stands in the list from `allocate` until it is given back or moved, so it is live and has this size, which
        // is larger than both prefixes; all of it was written, at the least by zeros. It need not be a page with one text: then
        // what is read says so, or says a length within the block, and nothing is done but reading bytes.
        let (prefix, text) = unsafe {
            let head = page.read();
            let prefix = page.add(1).cast::<TextPrefix>();
            let text = prefix.add(1).cast::<u8>();
            let prefix = prefix.read();
            let room = size - size_of::<PagePrefix>();
            if usize::try_from(head.page_size) != Ok(*size)
                || usize::try_from(head.block_size) != Ok(room)
                || c_int::from(prefix.header[0]) != ffi::LUA_TSTRING
                || size_of::<TextPrefix>() + prefix.length as usize + 1 != room
            {
                return false;
            }
            (prefix, slice::from_raw_parts(text, prefix.length as usize))
        };
        if numeral::is_long(text) {
            gauge.meter.kill(Resource::Deadline);
        }
        // Luau hashes a text when it is complete, so one without a hash is looked at again.
        prefix.hash == 0
    });
    gauge.is_unseen.store(!unseen.is_empty(), Relaxed);
}

/// The gauge of the state that `state` belongs to, and how far its innermost frame stands from the outermost, in bytes.
///
/// # Safety
/// `state` is a thread of a state that [`Vm::new`] made and whose `Vm` lives; the reference is not kept beyond that.
#[inline]
pub(crate) unsafe fn gauge_of<'a>(state: *mut ffi::lua_State) -> (&'a Gauge, usize) {
    let state = state.cast::<StatePrefix>();
    // SAFETY: the caller promises a live state of `Vm::new`, which compared the prefixes with Luau's own answers and set
    // the allocator's user data to a `Gauge` that the `Vm` keeps. (`lua_getallocf` says the same for two nanoseconds.)
    unsafe {
        let gauge = &*(*(*state).global).allocator.user_data.cast::<Gauge>();
        (gauge, ((*state).frame as usize).wrapping_sub((*state).first_frame as usize))
    }
}

/// How Luau's `TString` begins. Its text follows at once.
#[repr(C)]
#[derive(Clone, Copy)]
struct TextPrefix {
    header: [u8; 3],
    atom: i16,
    next: *mut c_void,
    hash: u32,
    length: u32,
}

/// How Luau's `lua_Page` begins. A large text, as any large object, has a page of its own and follows at once.
#[repr(C)]
#[derive(Clone, Copy)]
struct PagePrefix {
    neighbours: [*mut c_void; 4],
    page_size: c_int,
    block_size: c_int,
    free: *mut c_void,
    next_free: c_int,
    busy: c_int,
    padding: [u8; if size_of::<usize>() == 8 { 8 } else { 12 }],
}

/// How Luau's `lua_State` begins.
#[repr(C)]
struct StatePrefix {
    header: [u8; 7],
    top: *mut c_void,
    base: *mut c_void,
    global: *mut GlobalPrefix,
    frame: *mut c_void,
    stack_last: *mut c_void,
    stack: *mut c_void,
    last_frame: *mut c_void,
    first_frame: *mut c_void,
}

/// How Luau's `global_State` begins.
#[repr(C)]
struct GlobalPrefix {
    strings: *mut c_void,
    string_count: u32,
    string_size: c_int,
    allocator: AllocatorOf,
}

/// An allocator and its user data, as they stand in `global_State`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct AllocatorOf {
    function: ffi::lua_Alloc,
    user_data: *mut c_void,
}

impl AllocatorOf {
    /// What Luau itself says.
    ///
    /// # Safety
    /// `state` is live.
    unsafe fn asked(state: *mut ffi::lua_State) -> Self {
        let mut user_data = ptr::null_mut();
        // SAFETY: the caller promises a live state; the call reads two fields.
        let function = unsafe { ffi::lua_getallocf(state, &mut user_data) };
        AllocatorOf { function, user_data }
    }

    fn is(self, other: Self) -> bool {
        ptr::fn_addr_eq(self.function, other.function) && self.user_data == other.user_data
    }
}

/// One Lua state. Whatever mlua value refers to it should be dropped before, and cannot be used after.
#[derive(Debug)]
pub(crate) struct Vm {
    pub(crate) lua: Lua,
    pub(crate) gauge: Arc<Gauge>,
    /// mlua's own allocator, which it wants back when the state is closed.
    original: AllocatorOf,
    /// Where the allocator stands.
    place: NonNull<AllocatorOf>,
}

// SAFETY: a Lua state is bound to no thread. The two pointers are used in `new` and `drop` only, by whoever owns the `Vm`;
// all other use of the state goes through `Lua`, which mlua makes `Send` (feature `send`) and guards with a lock.
unsafe impl Send for Vm {}

impl Vm {
    /// A state with `libraries` and the base library.
    pub(crate) fn new(meter: Arc<Meter>, libraries: StdLib) -> Result<Self, Fault> {
        let lua = Lua::new_with(libraries, LuaOptions::new()).map_err(|error| Fault::bug(error.to_string()))?;
        let gauge = Arc::new(Gauge::new(meter));
        gauge.head.used.store(lua.used_memory().cast_signed(), Relaxed);
        let own = AllocatorOf { function: allocate, user_data: Arc::as_ptr(&gauge).cast_mut().cast() };
        let hidden = RandomState::new();
        let [a, b, c, d] = [1_u8, 2, 3, 4].map(|part| hidden.hash_one(part));
        // SAFETY: the state is live and at rest under mlua's lock. The prefixes are those of the Luau that is vendored, and
        // what is read through them is compared with Luau's own answer before it is written. The new allocator continues
        // the old one's blocks: both take them from Rust's global allocator with the same alignment. The gauge is kept
        // alive by the `Vm`, which puts the old allocator back before it lets go of the state.
        let (original, place) = lua.exec_raw_lua(|raw| unsafe {
            let state = raw.state();
            let original = AllocatorOf::asked(state);
            let place = &raw mut (*(*state.cast::<StatePrefix>()).global).allocator;
            if !place.read().is(original) {
                return Err(Fault::bug("this version of Luau keeps its allocator elsewhere"));
            }
            place.write(own);
            let prefix = &*state.cast::<StatePrefix>();
            let at_rest = prefix.frame == prefix.first_frame && ffi::lua_stackdepth(state) == 0;
            if !AllocatorOf::asked(state).is(own) || !at_rest {
                place.write(original);
                return Err(Fault::bug("this version of Luau keeps its allocator elsewhere"));
            }
            ffi::lua_setpointerencodekey(state, a, b, c, d);
            const SAMPLE: &CStr = c"how a text is kept";
            ffi::lua_pushlstring_(state, SAMPLE.as_ptr(), SAMPLE.count_bytes());
            let text = ffi::lua_tolstring(state, -1, ptr::null_mut());
            let prefix = text.cast::<TextPrefix>().sub(1).read();
            ffi::lua_settop(state, -2);
            let is_text = c_int::from(prefix.header[0]) == ffi::LUA_TSTRING && prefix.hash != 0;
            if !is_text || prefix.length as usize != SAMPLE.count_bytes() {
                place.write(original);
                return Err(Fault::bug("this version of Luau keeps its texts in another form"));
            }
            Ok((original, NonNull::new_unchecked(place)))
        })?;
        let vm = Vm { lua, gauge, original, place };
        vm.check_head()?;
        Ok(vm)
    }

    /// Whether mlua reads [`Head`] as its own struct.
    fn check_head(&self) -> Result<(), Fault> {
        const PROBE: usize = 0x005a_5a5a;
        let head = &self.gauge.head;
        let other = || Fault::bug("this version of mlua keeps its memory limit elsewhere");
        self.lua.set_memory_limit(PROBE).map_err(|_| other())?;
        let limit = head.limit.load(Relaxed);
        self.lua.set_memory_limit(0).map_err(|_| other())?;
        let spare = head.spare.iter().all(|byte| byte.load(Relaxed) == 0);
        let agrees = limit.unsigned_abs() == PROBE && self.lua.used_memory() == self.gauge.used() && spare;
        if agrees { Ok(()) } else { Err(other()) }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.gauge.guest(false);
        // SAFETY: the state is live as `lua` is still here, nothing runs in it, and `place` was checked in `new`.
        unsafe { self.place.write(self.original) };
    }
}
