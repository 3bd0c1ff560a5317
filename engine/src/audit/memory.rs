//! [`MemoryLog`]: the newest records, in memory.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use super::{Event, Record, Sink};

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
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<Record>,
    /// How many records were dropped from the front.
    dropped: u64,
    /// Where the denials stand, counted from the first record ever: by plugin and detail.
    denials: HashMap<(String, String), u64>,
}

impl Kept {
    fn place(&self) -> u64 {
        self.dropped + self.records.len() as u64
    }

    fn denial(&mut self, record: &Record) -> Option<&mut Record> {
        let place = self.denials.get(&key(record))?.checked_sub(self.dropped)?;
        self.records.get_mut(usize::try_from(place).ok()?)
    }

    fn drop_oldest(&mut self) {
        if let Some(old) = self.records.pop_front() {
            self.dropped += 1;
            if old.event == Event::Denied {
                self.denials.remove(&key(&old));
            }
        }
    }
}

fn key(record: &Record) -> (String, String) {
    (record.plugin.clone(), record.detail.clone())
}

impl MemoryLog {
    /// A log of the newest `most` records.
    #[must_use]
    pub fn new(most: usize) -> Self {
        MemoryLog { most, kept: Mutex::default() }
    }

    /// The records, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).records.iter().cloned().collect()
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
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if record.event == Event::Denied
            && let Some(old) = kept.denial(&record)
        {
            old.count += 1;
            return;
        }
        if kept.records.len() >= self.most {
            kept.drop_oldest();
        }
        if self.most > 0 {
            if record.event == Event::Denied {
                let place = kept.place();
                kept.denials.insert(key(&record), place);
            }
            kept.records.push_back(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_denials_are_one_record_however_many_others_lie_between() {
        let log = MemoryLog::new(50);
        let denied = |detail: u32| {
            log.record(Record { event: Event::Denied, detail: detail.to_string(), ..Record::empty() });
        };
        for round in 0..100 {
            (0..40).for_each(denied);
            assert_eq!((log.records().len(), log.records()[39].count), (40, round + 1));
        }
        // Of those that had to make room a new record begins.
        (40..60).for_each(denied);
        denied(0);
        let records = log.records();
        assert_eq!((records.len(), records[0].detail.as_str(), records[0].count), (50, "11", 100));
        assert_eq!((records[49].detail.as_str(), records[49].count), ("0", 1));
    }
}
