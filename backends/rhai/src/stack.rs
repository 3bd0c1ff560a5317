//! How much of the native stack Rhai uses, which recurses on it: counted from the place where a thread first entered Rhai,
//! so that calls nested over several plugins share one budget. And how much of it a call may use: what an expression holds
//! while it calls deeper (operands, arguments, what a `for` walks over) is seen by no callback, but each such place takes
//! native stack, and none holds more than the heaviest value that the call has shown. So the stack is cut to what the
//! memory left over can bear.

use std::{cell::Cell, hint};

use crate::limits;

/// The least stack that one held value comes with: nested operators and loops were measured at 1.7 KiB and more.
const SLOT: u64 = 1 << 10;
/// The stack that a call has however heavy its values are.
const FLOOR: usize = 48 << 10;
/// Values held beside each other, in quarters, from which on there is no such floor: no author's script gets there.
const CROWD: u64 = 64;

/// What the running call has of the native stack and holds on it.
struct State {
    /// 0 while the thread is not in Rhai.
    base: Cell<usize>,
    /// Where the call has more than its stack.
    ceiling: Cell<usize>,
    /// The weight of its heaviest value.
    heaviest: Cell<u64>,
    /// Bytes that its memory limit leaves to what no callback sees.
    room: Cell<u64>,
    /// Values that one place may hold, in quarters.
    density: Cell<u64>,
}

thread_local! {
    static STATE: State = const { State {
        base: Cell::new(0),
        ceiling: Cell::new(limits::STACK),
        heaviest: Cell::new(0),
        room: Cell::new(0),
        density: Cell::new(0),
    } };
}

/// About where the stack stands: the address of a local variable, which is never read through.
#[inline(always)]
fn here() -> usize {
    let local = 0_u8;
    hint::black_box(&raw const local).addr()
}

/// Bytes of stack used, where they are more than the call has.
#[inline]
pub(crate) fn too_deep() -> Option<usize> {
    STATE.with(|state| {
        let used = state.base.get().saturating_sub(here());
        (used > state.ceiling.get()).then_some(used)
    })
}

/// Bytes of stack used.
pub(crate) fn used() -> usize {
    STATE.with(|state| state.base.get().saturating_sub(here()))
}

/// The call has a value of `weight` bytes, which an expression may hold.
pub(crate) fn note(weight: u64) {
    STATE.with(|state| {
        if weight > state.heaviest.get() {
            state.heaviest.set(weight);
            state.cut();
        }
    });
}

/// The call has `room` bytes of memory left.
pub(crate) fn leave(room: u64) {
    STATE.with(|state| {
        state.room.set(room);
        state.cut();
    });
}

impl State {
    fn cut(&self) {
        let place = self.heaviest.get().saturating_mul(self.density.get()) / 4;
        let bytes = self.room.get().saturating_mul(SLOT).checked_div(place).unwrap_or(u64::MAX);
        let least = if self.density.get() < CROWD { FLOOR } else { 0 };
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.ceiling.set(bytes.clamp(least, limits::STACK));
    }
}

/// Runs `run` with the thread's base, which the outermost entry sets, as a call that has `room` bytes of memory and holds
/// `density` quarters of values in one place.
pub(crate) fn entered<R>(room: u64, density: u64, run: impl FnOnce() -> R) -> R {
    struct Restore {
        base: usize,
        ceiling: usize,
        heaviest: u64,
        room: u64,
        density: u64,
    }
    impl Drop for Restore {
        fn drop(&mut self) {
            STATE.with(|state| {
                state.base.set(self.base);
                state.ceiling.set(self.ceiling);
                state.heaviest.set(self.heaviest);
                state.room.set(self.room);
                state.density.set(self.density);
            });
        }
    }
    let _outer = STATE.with(|state| {
        let outer = Restore {
            base: state.base.get(),
            ceiling: state.ceiling.get(),
            heaviest: state.heaviest.replace(0),
            room: state.room.replace(room),
            density: state.density.replace(density),
        };
        if outer.base == 0 {
            state.base.set(here());
        }
        state.cut();
        outer
    });
    run()
}
