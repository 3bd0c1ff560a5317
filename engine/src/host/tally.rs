//! [`Tally`]: what went wrong in one plugin so far. Touched only when something does: a call that ends well never comes here.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use modhost_backend::Fault;

use super::ledger::Ledger;
use crate::{
    audit::escape,
    error::{Code, Error, Stage},
};

/// The newest failure of a plugin.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LastError {
    /// Its code.
    pub code: Code,
    /// Where on its way the plugin was.
    pub stage: Stage,
    /// What happened, escaped and shortened.
    pub message: String,
    /// When, by the engine's clock.
    pub at: Duration,
}

/// What went wrong in one plugin so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    errors: AtomicU64,
    limit_hits: AtomicU64,
    denials: AtomicU64,
    overflows: AtomicU64,
    last: Mutex<Option<LastError>>,
}

impl Tally {
    /// A call failed.
    pub(crate) fn failed(&self, error: &Error) {
        self.errors.fetch_add(1, Relaxed);
        if error.is_limit() {
            self.limit_hits.fetch_add(1, Relaxed);
        }
    }

    /// Keeps the text of a failure in the place of the one before.
    pub(super) fn remember(&self, error: &Error, at: Duration, ledger: &Ledger) -> Result<(), Fault> {
        let message = escape(error.message(), 200);
        let charged = ledger.add(message.capacity() as u64);
        let last = LastError { code: error.code(), stage: error.stage(), message, at };
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(last);
        ledger.sub(before.map_or(0, |last| last.message.capacity() as u64));
        charged
    }

    /// A capability was not there.
    pub(super) fn denied(&self) {
        self.denials.fetch_add(1, Relaxed);
    }

    /// An event of it found a queue full.
    pub(crate) fn overflowed(&self) {
        self.overflows.fetch_add(1, Relaxed);
    }

    pub(crate) fn overflows(&self) -> u64 {
        self.overflows.load(Relaxed)
    }

    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Relaxed)
    }

    pub(crate) fn limit_hits(&self) -> u64 {
        self.limit_hits.load(Relaxed)
    }

    pub(crate) fn denials(&self) -> u64 {
        self.denials.load(Relaxed)
    }

    pub(crate) fn last(&self) -> Option<LastError> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
