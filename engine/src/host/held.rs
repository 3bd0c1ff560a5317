//! [`Held`]: the bytes that several plugins hold together, all of an engine or of a group, and the most they may.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes are counted in grains, begun ones as whole: a call that changes less costs one comparison.
pub(super) const GRAIN: u64 = 4 << 10;

/// The bytes that several plugins hold together.
#[derive(Debug)]
pub(crate) struct Held {
    grains: AtomicU64,
    most: AtomicU64,
}

/// Whole grains of `bytes`; `u64::MAX` stands for unknown and counts as none.
#[inline]
pub(super) fn grains(bytes: u64) -> u64 {
    if bytes == u64::MAX { 0 } else { bytes.div_ceil(GRAIN) }
}

impl Held {
    /// At most `most` bytes.
    pub(crate) fn new(most: u64) -> Self {
        Held { grains: AtomicU64::new(0), most: AtomicU64::new(most) }
    }

    /// One plugin went from `before` grains to `now`.
    pub(crate) fn change(&self, before: u64, now: u64) {
        // Wraps to the right sum: what is taken off was put on before.
        self.grains.fetch_add(now.wrapping_sub(before), Relaxed);
    }

    /// Bytes held now, in whole grains.
    pub(crate) fn bytes(&self) -> u64 {
        self.grains.load(Relaxed).saturating_mul(GRAIN)
    }

    /// The most that may be held.
    pub(crate) fn most(&self) -> u64 {
        self.most.load(Relaxed)
    }

    pub(super) fn set_most(&self, most: u64) {
        self.most.store(most, Relaxed);
    }

    /// Whether more is held than may be.
    pub(crate) fn exceeded(&self) -> bool {
        self.bytes() > self.most()
    }
}
