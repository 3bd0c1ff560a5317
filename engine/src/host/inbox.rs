//! [`Inbox`]: how many events wait for one plugin, and how many may. The events themselves wait in the order of their publishing.

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// The room for events of one plugin.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: AtomicU32,
    most: u32,
    missed: AtomicU64,
}

impl Inbox {
    pub(super) fn new(most: u32) -> Self {
        Inbox { waiting: AtomicU32::new(0), most, missed: AtomicU64::new(0) }
    }

    /// Takes room for one more event; false, and counted, where there is none.
    pub(crate) fn enter(&self) -> bool {
        let more = |waiting| (waiting < self.most).then_some(waiting + 1);
        let entered = self.waiting.fetch_update(Acquire, Relaxed, more).is_ok();
        if !entered {
            self.missed.fetch_add(1, Relaxed);
        }
        entered
    }

    /// Gives the room of one event back.
    pub(crate) fn leave(&self) {
        self.waiting.fetch_sub(1, Release);
    }

    /// The most events that may wait.
    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// Events that wait now.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }

    /// Events that found no room.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Relaxed)
    }
}
