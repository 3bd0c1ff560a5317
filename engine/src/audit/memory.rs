//! [`MemoryLog`]: the newest records, in memory.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Mutex, PoisonError},
};

use super::{Record, Sink, fold::Key};

/// Keeps the newest records. Identical denials become one record and a count, and so do failures of a plugin with the same code, of which
/// the first one's text is kept.
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
    /// Where those stand that may be repeated, counted from the first record ever.
    places: HashMap<Key, u64>,
}

impl Kept {
    fn repeated(&mut self, key: &Key) -> Option<&mut Record> {
        let place = self.places.get(key)?.checked_sub(self.dropped)?;
        self.records.get_mut(usize::try_from(place).ok()?)
    }

    fn drop_oldest(&mut self) {
        if let Some(old) = self.records.pop_front() {
            self.dropped += 1;
            if let Some(key) = Key::of(&old) {
                self.places.remove(&key);
            }
        }
    }
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
    fn record(&self, record: &Record) -> io::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key::of(record);
        if let Some(key) = &key
            && let Some(old) = kept.repeated(key)
        {
            old.count += record.count;
            return Ok(());
        }
        if kept.records.len() >= self.most {
            kept.drop_oldest();
        }
        if self.most > 0 {
            if let Some(key) = key {
                let place = kept.dropped + kept.records.len() as u64;
                kept.places.insert(key, place);
            }
            kept.records.push_back(record.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Event;

    #[test]
    fn identical_denials_are_one_record_however_many_others_lie_between() {
        let log = MemoryLog::new(50);
        let denied = |detail: u32| {
            log.record(&Record { detail: detail.to_string(), ..Record::of(Event::Denied, None) }).unwrap();
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
