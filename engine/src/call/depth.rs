//! The depth of calls on this thread, over all plugins: host -> A -> host -> B -> ...

use std::cell::Cell;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One level of calls; leaving the scope gives it back, on a panic too.
pub(super) struct Level(());

impl Level {
    /// One level deeper; `None` where `most` levels are in use.
    #[inline]
    pub(super) fn enter(most: u32) -> Option<Self> {
        DEPTH.with(|depth| {
            let now = depth.get();
            (now < most).then(|| {
                depth.set(now + 1);
                Level(())
            })
        })
    }
}

impl Drop for Level {
    #[inline]
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}
