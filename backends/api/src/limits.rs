//! [`Limits`]: what one plugin may use, and [`Resource`]: which of them was hit.

use std::{fmt, time::Duration};

use modhost_abi::ValueLimits;

/// What one plugin may use. Zero is a limit of zero, never "unlimited".
///
/// Which backend enforces which field, and how well, is its [`Enforcement`](crate::Enforcement).
///
/// ```
/// use modhost_backend::Limits;
///
/// let mut limits = Limits::default();
/// limits.fuel = 200_000;
/// assert_eq!(limits.memory, 64 << 20);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Instructions per call, in the backend's own unit; loading has the same again.
    pub fuel: u64,
    /// Bytes the plugin may hold.
    pub memory: u64,
    /// Wall-clock time per call; loading has the same again.
    pub deadline: Duration,
    /// Guest frames on the stack.
    pub call_depth: u32,
    /// Calls from host to plugin nested within one another on one thread, over all plugins.
    pub reentry_depth: u32,
    /// Depth and size of one crossing value, or of all arguments of one call together.
    pub value: ValueLimits,
    /// Bytes printed per call.
    pub output: u64,
    /// Events that wait for the plugin at a time; the engine holds it.
    pub queue: u32,
    /// Bytes of one source text: compilers take many times that from the host.
    pub source: u64,
    /// Bytes of one compiled module or library.
    pub module: u64,
    /// Files open at a time.
    pub open_files: u32,
    /// Network connections at a time.
    pub connections: u32,
    /// Threads beside the caller's.
    pub threads: u32,
    /// Bytes stored on disk.
    pub storage: u64,
    /// Percent of one processor over time.
    pub cpu_share: u32,
}

impl Default for Limits {
    /// What the policy `mods` gives an untrusted plugin: 10 M fuel, 64 MiB, 1 s, no files, network, threads or storage.
    fn default() -> Self {
        Limits {
            fuel: 10_000_000,
            memory: 64 << 20,
            deadline: Duration::from_secs(1),
            call_depth: 160,
            reentry_depth: 8,
            value: ValueLimits::default(),
            output: 64 << 10,
            queue: 256,
            source: 1 << 20,
            module: 32 << 20,
            open_files: 0,
            connections: 0,
            threads: 0,
            storage: 0,
            cpu_share: 100,
        }
    }
}

/// A limited resource; [`Resource::code`] is the stable code of running out of it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Resource {
    /// [`Limits::fuel`].
    Fuel = 1,
    /// [`Limits::memory`], and the size of a value inside Rhai.
    Memory,
    /// [`Limits::deadline`]; counted in nanoseconds.
    Deadline,
    /// [`Limits::call_depth`] and [`Limits::reentry_depth`].
    Depth,
    /// [`Limits::value`].
    Value,
    /// [`Limits::output`].
    Output,
    /// Plugins that one engine holds; the engine's own limit, no field of [`Limits`].
    Instances,
    /// [`Limits::queue`]. Running out of it is told to whoever published; nobody is ended.
    Queue,
    /// What the plugins of one group may have together; the engine's own limit, no field of [`Limits`].
    Group,
}

impl Resource {
    /// What a meter can be killed for.
    pub(crate) const ALL: [Resource; 9] = [
        Resource::Fuel,
        Resource::Memory,
        Resource::Deadline,
        Resource::Depth,
        Resource::Value,
        Resource::Output,
        Resource::Instances,
        Resource::Queue,
        Resource::Group,
    ];

    /// `limit.fuel` and so on.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Resource::Fuel => "limit.fuel",
            Resource::Memory => "limit.memory",
            Resource::Deadline => "limit.deadline",
            Resource::Depth => "limit.depth",
            Resource::Value => "limit.value",
            Resource::Output => "limit.output",
            Resource::Instances => "limit.instances",
            Resource::Queue => "limit.queue",
            Resource::Group => "limit.group",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code().trim_start_matches("limit."))
    }
}
