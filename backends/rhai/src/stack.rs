//! How much of the native stack Rhai uses, which recurses on it: counted from the place where a thread first entered Rhai,
//! so that calls nested over several plugins share one budget.

use std::{cell::Cell, hint};

thread_local! {
    /// 0 while the thread is not in Rhai.
    static BASE: Cell<usize> = const { Cell::new(0) };
}

/// About where the stack stands: the address of a local variable, which is never read through.
#[inline(always)]
pub(crate) fn here() -> usize {
    let local = 0_u8;
    hint::black_box(&raw const local).addr()
}

/// Runs `run` with the thread's base; the outermost entry sets it.
pub(crate) fn entered<R>(run: impl FnOnce(usize) -> R) -> R {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            BASE.set(self.0);
        }
    }
    let outer = Restore(BASE.get());
    let base = if outer.0 == 0 { here() } else { outer.0 };
    BASE.set(base);
    run(base)
}
