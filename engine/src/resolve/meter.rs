//! [`Budget`]: the work that a plan may take, counted where it is done and never by the clock, so that the same candidates give the
//! same plan on every machine.
//!
//! What is counted are *looks*: at a version, a rule, a term of something learned, a word of a set. Each place that could go on for
//! long asks as it goes, so that a plan ends at most one list of rules later than its budget says. A step, the unit that hosts speak
//! of, is [`LOOKS`] of them.

use std::cell::Cell;

/// How many looks are a step: about as much as it takes to choose one version and to see what follows.
pub(super) const LOOKS: u64 = 100;

/// What a part of the work may use, of the whole budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// Looking for the largest set that goes together.
    Largest,
    /// Looking for any set that is proven to be good.
    Search,
    /// Choosing without a search, where that ended without an answer. What is left then is for finding out what to tell.
    Greedy,
}

/// What is left for a plan.
#[derive(Debug)]
pub(super) struct Budget {
    /// In looks.
    most: u64,
    used: Cell<u64>,
}

impl Budget {
    pub(super) fn new(steps: u64) -> Self {
        Budget { most: steps.saturating_mul(LOOKS), used: Cell::new(0) }
    }

    /// What is left, as a budget of its own.
    pub(super) fn rest(&self) -> Budget {
        Budget { most: self.most.saturating_sub(self.used.get()), used: Cell::new(0) }
    }

    /// The looks at which a part of the work must end.
    pub(super) fn end(&self, part: Part) -> u64 {
        let eighth = self.most / 8;
        match part {
            Part::Largest => eighth * 3,
            Part::Search => eighth * 6,
            Part::Greedy => eighth * 7,
        }
    }

    /// The end of one of `shares` equal shares of what is left of a part.
    pub(super) fn share(&self, part: Part, shares: usize) -> u64 {
        let left = self.end(part).saturating_sub(self.used.get());
        self.used.get().saturating_add(left / (shares.max(1) as u64))
    }

    /// Notes work down.
    pub(super) fn spend(&self, looks: u64) {
        self.used.set(self.used.get().saturating_add(looks));
    }

    /// Whether something that ends at `end` may go on.
    pub(super) fn lasts(&self, end: u64) -> bool {
        self.used.get() < end
    }

    /// What was used, in steps that were begun.
    pub(super) fn steps(&self) -> u64 {
        self.used.get().div_ceil(LOOKS)
    }
}
