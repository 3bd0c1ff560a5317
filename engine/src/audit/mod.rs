//! Every decision, recorded before the caller sees its result: refusals, admissions, loads, limit hits, denials.
//!
//! Here: the record, the [`Sink`] it goes to and [`MemoryLog`], the sink in memory. A file with a chain of hashes comes with
//! signed packages.

mod escape;
mod memory;
mod record;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

pub use escape::{escape, escape_to};
pub use memory::MemoryLog;
pub use record::{Event, Record};

use crate::{call::Clock, error::Error};

/// Where audit records go. Called on the thread that made the decision; it must not call the engine.
pub trait Sink: Send + Sync {
    /// Keeps `record`.
    fn record(&self, record: Record);
}

/// What keeping a record of these texts takes, in bytes.
pub(crate) fn bytes(plugin: &str, detail: &str) -> u64 {
    (size_of::<Record>() + plugin.len() + detail.len()) as u64
}

/// The engine's side: numbers and times the records.
pub(crate) struct Audit {
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    next: AtomicU64,
}

impl Audit {
    pub(crate) fn new(sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Audit { sink, clock, next: AtomicU64::new(0) }
    }

    pub(crate) fn record(&self, event: Event, plugin: &str, detail: &str) {
        self.put(Record { event, plugin: escape(plugin, 96), detail: escape(detail, 400), ..Record::empty() });
    }

    pub(crate) fn error(&self, event: Event, plugin: &str, error: &Error) {
        let detail = escape(error.message(), 400);
        self.put(Record { event, plugin: escape(plugin, 96), detail, code: Some(error.code()), ..Record::empty() });
    }

    /// The engine's time.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    fn put(&self, record: Record) {
        self.sink.record(Record { sequence: self.next.fetch_add(1, Relaxed), at: self.now(), ..record });
    }
}
