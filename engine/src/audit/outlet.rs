//! [`Outlet`]: the engine's side of one sink; counts what it misses and tells it afterwards.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use super::{Event, Record, Sink};

/// One sink, and what it missed.
pub(super) struct Outlet {
    sink: Arc<dyn Sink>,
    /// Records that it missed and does not know of.
    behind: AtomicU64,
    /// All that it ever missed.
    missed: AtomicU64,
}

impl Outlet {
    pub(super) fn new(sink: Arc<dyn Sink>) -> Self {
        Outlet { sink, behind: AtomicU64::new(0), missed: AtomicU64::new(0) }
    }

    pub(super) fn missed(&self) -> u64 {
        self.missed.load(Relaxed)
    }

    /// Gives it `record`, and what it has to know before.
    pub(super) fn put(&self, record: &Record) -> io::Result<()> {
        self.catch_up(record.at, record.wall).and_then(|()| self.give(record)).inspect_err(|error| {
            self.missed.fetch_add(record.count, Relaxed);
            if self.behind.fetch_add(record.count, Relaxed) == 0 {
                tracing::error!("the audit does not record: {error}");
            }
        })
    }

    /// Tells it how many records it missed, if it did.
    pub(super) fn catch_up(&self, at: Duration, wall: SystemTime) -> io::Result<()> {
        if self.behind.load(Relaxed) == 0 {
            return Ok(());
        }
        // Taken first: another thread must not tell of the same.
        let count = self.behind.swap(0, Relaxed);
        if count == 0 {
            return Ok(());
        }
        let detail = "records that could not be kept".to_owned();
        let lost = Record { at, wall, detail, count, ..Record::of(Event::Lost, None) };
        self.give(&lost).inspect_err(|_| {
            self.behind.fetch_add(count, Relaxed);
        })?;
        tracing::warn!("the audit records again; {count} records are missing");
        Ok(())
    }

    /// A sink that panics must not take the engine along, which is in the midst of things.
    fn give(&self, record: &Record) -> io::Result<()> {
        catch_unwind(AssertUnwindSafe(|| self.sink.record(record)))
            .unwrap_or_else(|_| Err(io::Error::other("the sink panicked")))
    }
}
