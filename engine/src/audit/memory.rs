//! [`MemoryLog`]: the newest records, in memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use super::{Event, Record, Sink};

/// How far back an identical denial is looked for.
const FOLD: usize = 32;

/// Keeps the newest records. Identical denials become one record and a count.
///
/// ```
/// use std::sync::Arc;
/// use modhost::{Engine, audit::{Event, MemoryLog}};
///
/// let log = Arc::new(MemoryLog::new(100));
/// let engine = Engine::builder().audit(log.clone()).build()?;
/// let _ = engine.load_source("broken.lua", "this is not Lua");
/// assert_eq!(log.records().last().map(|record| record.event), Some(Event::Refused));
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Debug)]
pub struct MemoryLog {
    most: usize,
    records: Mutex<VecDeque<Record>>,
}

impl MemoryLog {
    /// A log of the newest `most` records.
    #[must_use]
    pub fn new(most: usize) -> Self {
        MemoryLog { most, records: Mutex::new(VecDeque::new()) }
    }

    /// The records, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Default for MemoryLog {
    /// The newest 10,000.
    fn default() -> Self {
        MemoryLog::new(10_000)
    }
}

impl Sink for MemoryLog {
    fn record(&self, record: Record) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if record.event == Event::Denied {
            let same = |old: &&mut Record| {
                old.event == record.event && old.plugin == record.plugin && old.detail == record.detail
            };
            if let Some(old) = records.iter_mut().rev().take(FOLD).find(same) {
                old.count += 1;
                return;
            }
        }
        if records.len() >= self.most {
            records.pop_front();
        }
        if self.most > 0 {
            records.push_back(record);
        }
    }
}
