//! The native ABI, version 1: the `repr(C)` tables that a host and a native plugin hand each other. `include/modhost.h`
//! says the same for C. Only layouts live here: the host's side of the fence is the native backend, the plugin's side
//! is `modhost-plugin` or a C compiler.
//!
//! A plugin is a shared library that exports one function, [`ENTRY`], which returns its [`Plugin`] table. Arguments,
//! results and messages cross as bytes of the [`codec`](crate::codec). Neither side frees what the other allocated:
//! bytes are lent for the length of a call, and whoever wants bytes back passes a [`Sink`] that copies them.
//!
//! Tables begin with `abi` and `size` so that later minor versions can append fields; a reader looks at no field beyond
//! `size`.
#![allow(unsafe_code)]

use core::{
    ffi::{CStr, c_void},
    mem::{offset_of, size_of},
    ptr, slice, str,
};

/// The version of this ABI, the first field of both tables.
pub const MODHOST_NATIVE_ABI: u32 = 1;

/// The one symbol that a native plugin exports, an [`Entry`]. Its name carries the version.
pub const ENTRY: &CStr = c"modhost_plugin_1";

/// The most exports, and the most imports, that a table may list.
pub const MOST_FUNCTIONS: usize = 4096;

/// What [`ENTRY`] is: returns the plugin's table, which stays valid and unchanged until the process ends.
pub type Entry = unsafe extern "C" fn() -> *const Plugin;

/// What a call returns. Every other number breaks the ABI.
pub mod status {
    /// It worked. The reply is the encoded result; nothing written means nil.
    pub const OK: i32 = 0;
    /// The plugin raised an error and can go on. The reply is an encoded text.
    pub const RAISED: i32 = 1;
    /// The plugin panicked and is never entered again. The reply is an encoded text.
    pub const PANICKED: i32 = 2;
    /// From a host function: it failed, the host remembers how, and the reply is an encoded text that says so. From a
    /// plugin: it passes that failure on (the last one, if there were several); the reply is not looked at.
    pub const HOST: i32 = 3;
    /// An argument is of a wrong type. The reply is an encoded list of three texts: place, expected, found.
    pub const TYPE: i32 = 4;
    /// There were too few or too many arguments. The reply is an encoded text, what is taken: `2` or `1 to 3`.
    pub const ARITY: i32 = 5;
    /// The host does not take this now: no call of this plugin is running on this thread, the reply has grown beyond
    /// the limit, or a pointer is null. Nothing was done.
    pub const REFUSED: i32 = 6;
}

/// UTF-8 text that lives as long as the process, without a terminator.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Text {
    /// The first byte; may be null if `len` is 0.
    pub bytes: *const u8,
    /// How many bytes.
    pub len: usize,
}

// SAFETY: raw pointers are only data here; whoever reads through one answers for the text being constant.
unsafe impl Sync for Text {}
// SAFETY: as for `Sync`.
unsafe impl Send for Text {}

impl Text {
    /// A constant as the ABI passes it.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Text { bytes: text.as_ptr(), len: text.len() }
    }

    /// The text if it is UTF-8 and at most `most` bytes long.
    ///
    /// # Safety
    /// If `len` is at most `most`, `bytes` is null or points to `len` readable bytes that nobody writes to while `'a`
    /// lasts.
    #[must_use]
    pub unsafe fn read<'a>(self, most: usize) -> Option<&'a str> {
        if self.len == 0 {
            return Some("");
        }
        if self.bytes.is_null() || self.len > most {
            return None;
        }
        // SAFETY: not null, and the caller promises `len` readable, constant bytes.
        str::from_utf8(unsafe { slice::from_raw_parts(self.bytes, self.len) }).ok()
    }
}

/// Copies `len` bytes at `bytes` to wherever `context` says, after what was written before; [`status::OK`] or
/// [`status::REFUSED`]. It keeps no pointer.
pub type Write = unsafe extern "C" fn(context: *mut c_void, bytes: *const u8, len: usize) -> i32;

/// How either side returns bytes to the other. Valid until the call that it was passed to returns, on that thread.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Sink {
    /// The owner's, passed to `write`.
    pub context: *mut c_void,
    /// Takes bytes.
    pub write: Option<Write>,
}

/// What the host offers one instance of a plugin. Valid as long as the process, but it answers [`status::REFUSED`]
/// except on the thread that runs this instance's `create` or `call`, while it runs.
#[derive(Debug)]
#[repr(C)]
pub struct Host {
    /// [`MODHOST_NATIVE_ABI`].
    pub abi: u32,
    /// The size of the host's table, in bytes.
    pub size: u32,
    /// The host's, passed to its functions.
    pub context: *mut c_void,
    /// Calls the host function at index `import` of [`Plugin::imports`] with an encoded list of arguments:
    /// [`status::OK`], [`status::HOST`] or [`status::REFUSED`].
    pub call: Option<
        unsafe extern "C" fn(context: *mut c_void, import: u32, args: *const u8, len: usize, reply: Sink) -> i32,
    >,
    /// Prints one line of UTF-8 text: [`status::OK`], [`status::HOST`] or [`status::REFUSED`].
    pub print: Option<unsafe extern "C" fn(context: *mut c_void, text: *const u8, len: usize) -> i32>,
}

/// One export of a [`Plugin`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Function {
    /// Its name, at most 96 bytes.
    pub name: Text,
    /// Its [`Signature`](crate::Signature) as text, `(a: int, b: int) -> int`; the host then checks arguments and result.
    /// Empty for none.
    pub signature: Text,
}

/// What a plugin offers. The host copies the table when it loads the plugin and does not look at it again.
#[derive(Debug)]
#[repr(C)]
pub struct Plugin {
    /// [`MODHOST_NATIVE_ABI`].
    pub abi: u32,
    /// The size of the plugin's table, in bytes.
    pub size: u32,
    /// The exports.
    pub exports: *const Function,
    /// How many exports, at most [`MOST_FUNCTIONS`].
    pub export_count: usize,
    /// The dotted names of the host functions that it calls; the host refuses to load it if one is missing.
    pub imports: *const Text,
    /// How many imports, at most [`MOST_FUNCTIONS`].
    pub import_count: usize,
    /// Makes an instance: stores its state (null is allowed) and keeps `host`. A failed one leaves nothing behind.
    pub create: Option<unsafe extern "C" fn(host: *const Host, state: *mut *mut c_void, reply: Sink) -> i32>,
    /// Calls the export at index `export` with an encoded list of arguments. One call of an instance at a time, on
    /// any thread.
    pub call:
        Option<unsafe extern "C" fn(state: *mut c_void, export: u32, args: *const u8, len: usize, reply: Sink) -> i32>,
    /// Ends an instance, on any thread. The host refuses calls meanwhile. Not called after [`status::PANICKED`].
    pub destroy: Option<unsafe extern "C" fn(state: *mut c_void)>,
}

// SAFETY: raw pointers and function pointers are only data here; reading or calling through one is the reader's unsafe.
unsafe impl Sync for Plugin {}
// SAFETY: as for `Sync`.
unsafe impl Send for Plugin {}

impl Plugin {
    /// A table of this version; the slices' elements are what the functions' numbers mean.
    #[must_use]
    pub const fn new(exports: &'static [Function], imports: &'static [Text]) -> Self {
        Plugin {
            abi: MODHOST_NATIVE_ABI,
            size: size_of::<Plugin>() as u32,
            exports: exports.as_ptr(),
            export_count: exports.len(),
            imports: imports.as_ptr(),
            import_count: imports.len(),
            create: None,
            call: None,
            destroy: None,
        }
    }
}

impl Host {
    /// A table of this version that refuses everything until its functions are set.
    #[must_use]
    pub const fn new() -> Self {
        let size = size_of::<Host>() as u32;
        Host { abi: MODHOST_NATIVE_ABI, size, context: ptr::null_mut(), call: None, print: None }
    }
}

impl Default for Host {
    fn default() -> Self {
        Host::new()
    }
}

/// The layout is the ABI: whoever changes it must see this fail first.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Text>() == 16 && offset_of!(Text, len) == 8);
    assert!(size_of::<Sink>() == 16 && offset_of!(Sink, write) == 8);
    assert!(size_of::<Function>() == 32 && offset_of!(Function, signature) == 16);
    assert!(size_of::<Host>() == 32 && offset_of!(Host, size) == 4 && offset_of!(Host, context) == 8);
    assert!(offset_of!(Host, call) == 16 && offset_of!(Host, print) == 24);
    assert!(size_of::<Plugin>() == 64 && offset_of!(Plugin, size) == 4 && offset_of!(Plugin, exports) == 8);
    assert!(offset_of!(Plugin, export_count) == 16 && offset_of!(Plugin, imports) == 24);
    assert!(offset_of!(Plugin, import_count) == 32 && offset_of!(Plugin, create) == 40);
    assert!(offset_of!(Plugin, call) == 48 && offset_of!(Plugin, destroy) == 56);
};

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: Text, most: usize, expected: Option<&str>) {
        // SAFETY: every text here is a constant, null, or longer than `most`.
        assert_eq!(unsafe { text.read(most) }, expected, "{text:?} within {most}");
    }

    #[test]
    fn a_text_is_read_within_its_bound_and_only_as_utf8() {
        check(Text::new("wolf"), 4, Some("wolf"));
        check(Text::new("wolf"), 3, None);
        check(Text { bytes: ptr::null(), len: 0 }, 4, Some(""));
        check(Text { bytes: ptr::null(), len: 1 }, 4, None);
        check(Text { bytes: ptr::dangling(), len: usize::MAX }, 4, None);
        check(Text { bytes: b"\xff\xfe".as_ptr(), len: 2 }, 4, None);
    }

    #[test]
    fn a_new_table_says_its_version_and_size() {
        let plugin = Plugin::new(&[], &[]);
        assert_eq!((plugin.abi, plugin.size as usize), (1, size_of::<Plugin>()));
        assert_eq!((Host::new().abi, Host::new().size as usize), (1, size_of::<Host>()));
        assert_eq!(ENTRY.to_str(), Ok("modhost_plugin_1"));
    }
}
