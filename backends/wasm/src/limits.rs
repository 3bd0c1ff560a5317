//! What holds a guest: the engine's settings, the prices of its fuel, the [`Limiter`] of its memory, and what of all that
//! can be promised ([`ENFORCEMENT`]). It runs nothing.

use std::time::Duration;

use modhost_backend::{Enforcement, Limits};
use wasmi::{
    CompilationMode, Config, CustomFuelCosts, Engine, ResourceLimiter,
    errors::{MemoryError, TableError},
};
use wasmi_core::LimiterError;

/// What this backend promises: memory counts linear memories and tables to the byte, a call is looked at between slices
/// of [`SLICE`] fuel, and there is no import for files, network, threads or storage.
pub(crate) const ENFORCEMENT: Enforcement = Enforcement { suspend: true, ..Enforcement::SANDBOX };

/// Fuel between two looks at the meter, a fraction of a millisecond.
pub(crate) const SLICE: u64 = 100_000;
/// Bytes moved for one unit of fuel, by the guest (`memory.fill`, `memory.grow`) and by the host between the two. wasmi
/// asks for a quarter of that, and a unit spent on filling memory would take many times as long as one spent on adding.
pub(crate) const BYTES_PER_FUEL: u32 = 16;
/// Fuel of a bulk operation that takes a microsecond: half a millisecond for each MiB of memory that is touched first.
const BULK_FUEL_PER_MICROSECOND: u64 = 131;
/// How long one bulk operation may take beside a tenth of the deadline: 128 MiB.
const LONGEST_STEP: Duration = Duration::from_millis(64);
/// Fuel for each call of a host function, beside what the function itself charges.
pub(crate) const HOST_CALL: u64 = 20;
/// Units of fuel that a second of compiling is charged at the least, on a machine of 2020: what
/// [`cost`](crate::cost) counts, divided by this, is the time that compiling takes at worst.
pub(crate) const FUEL_PER_SECOND: u64 = 20_000_000;
/// Bytes of the host's memory that a module may take in compiled form before they count against the plugin's memory.
pub(crate) const FREE_HOST_BYTES: u64 = 6 << 20;
/// Whatever the limit, frames stay below this: each takes room in the interpreter's own stack.
const DEEPEST: u32 = 10_000;
/// Bytes of one interpreter stack. Beyond it is the same fault as too many frames.
const STACK: usize = 1 << 20;
/// What an element of a table takes.
pub(crate) const ELEMENT: u64 = 8;

/// Whether one step of so many units of bulk fuel would take a call far past its deadline: such a step cannot be interrupted,
/// so that it is not begun.
pub(crate) fn outlasts(units: u64, limits: &Limits) -> bool {
    Duration::from_micros(units / BULK_FUEL_PER_MICROSECOND) > LONGEST_STEP + limits.deadline / 10
}

/// An engine of its own for each plugin: wasmi's engines hold a lock around their stacks, which two threads would fight
/// for, and one costs less than compiling the smallest module.
///
/// Without `tail_calls` a module that makes some does not validate: wasmi 2.0 gives the result of a host function that
/// suspends to the frame of its caller, which a tail call has taken away.
pub(crate) fn engine(limits: &Limits, tail_calls: bool) -> Engine {
    let mut config = Config::default();
    config
        .wasm_tail_call(tail_calls)
        .consume_fuel(true)
        .fuel_cost(CustomFuelCosts {
            bytes_copied_per_fuel: BYTES_PER_FUEL,
            fuel_per_bytes_translated: 1,
            fuel_per_bytes_validated: 1,
        })
        // Lazy compiling would be charged to the first call, and fuel would not repeat.
        .compilation_mode(CompilationMode::Eager)
        // A start function would run without slices; `module` has made an export of it.
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .set_max_recursion_depth(limits.call_depth.min(DEEPEST) as usize)
        .set_max_stack_height(STACK)
        // wasmi computes such an expression by recursion, as deep as it is long, on the host's stack.
        .wasm_extended_const(false)
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    Engine::new(&config)
}

/// Sums all memories and tables of one plugin.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: u64,
    used: u64,
    /// What was granted last, until it is known whether the growth worked.
    pending: u64,
    /// Something was refused for this limit since [`Limiter::forget`].
    refused: bool,
    sealed: bool,
}

impl Limiter {
    pub(crate) fn new(limit: u64) -> Self {
        Limiter { limit, used: 0, pending: 0, refused: false, sealed: false }
    }

    /// Bytes held.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Whether the guest was refused memory: what it does next, it does for want of it.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// A new call begins.
    pub(crate) fn forget(&mut self) {
        self.refused = false;
    }

    /// From now on tables keep their size and `table.grow` gives -1. wasmi 2.0 does not save where it is when
    /// `table.grow` runs out of fuel: a call resumed then goes on in a wrong place. A refusal comes before the fuel.
    pub(crate) fn seal_tables(&mut self) {
        self.sealed = true;
    }

    fn grant(&mut self, bytes: u64) -> bool {
        match self.used.checked_add(bytes) {
            Some(used) if used <= self.limit => {
                self.used = used;
                self.pending = bytes;
                true
            }
            _ => {
                self.refused = true;
                false
            }
        }
    }

    /// Counts `bytes` that the host holds for the plugin, the module itself; false where they are too many.
    pub(crate) fn hold(&mut self, bytes: u64) -> bool {
        let held = self.grant(bytes);
        self.pending = 0;
        held
    }

    fn take_back(&mut self) {
        self.used -= self.pending;
        self.pending = 0;
    }
}

type Answer<T> = Result<T, LimiterError>;

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _most: Option<usize>) -> Answer<bool> {
        Ok(self.grant((desired - current) as u64))
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Answer<()> {
        self.take_back();
        self.refused |= matches!(error, MemoryError::OutOfSystemMemory);
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _most: Option<usize>) -> Answer<bool> {
        Ok(!self.sealed && self.grant((desired - current) as u64 * ELEMENT))
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Answer<()> {
        self.take_back();
        self.refused |= matches!(error, TableError::OutOfSystemMemory);
        Ok(())
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        100
    }

    fn memories(&self) -> usize {
        1
    }
}
