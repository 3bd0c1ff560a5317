//! [`Key`]: which records are one and a count; [`Folds`]: the same for a file, where a written record stays as it is.

use std::collections::BTreeMap;

use super::{Event, Record};
use crate::error::Code;

/// Of how many kinds repetitions are counted at a time. Beyond that what was counted is written and counting begins anew.
const KINDS: usize = 1024;

/// What records that are one have in common. A guest can repeat these events as often as it likes, so that they must not push others out
/// of a log: of a failure not even the text counts, which is the guest's own.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Key(Event, String, Option<Code>, String);

impl Key {
    /// `None` for a record that always stands for itself.
    pub(super) fn of(record: &Record) -> Option<Key> {
        let detail = match record.event {
            Event::Denied => record.detail.clone(),
            Event::Failed => String::new(),
            _ => return None,
        };
        Some(Key(record.event, record.plugin.clone(), record.code, detail))
    }
}

/// Repetitions that are counted until they are written.
#[derive(Debug, Default)]
pub(super) struct Folds(BTreeMap<Key, Fold>);

#[derive(Debug)]
struct Fold {
    /// The newest; its count is that of those that were not written yet.
    newest: Record,
    /// How many were written.
    written: u64,
}

impl Folds {
    /// What is to be written for `record`: nothing as long as it only counts. The first is written at once, then whenever there are as
    /// many again as were written: so a crash forgets less than half of them, and a million take twenty lines.
    pub(super) fn offer(&mut self, key: &Key, record: &Record) -> Option<Record> {
        let fold = match self.0.get_mut(key) {
            Some(fold) => {
                (fold.newest.at, fold.newest.wall) = (record.at, record.wall);
                fold.newest.count += record.count;
                fold
            }
            None => self.0.entry(key.clone()).or_insert(Fold { newest: record.clone(), written: 0 }),
        };
        (fold.newest.count >= fold.written).then(|| fold.newest.clone())
    }

    /// What was offered last for `key` is written, or could not be: then it is whoever offered it that counts it.
    pub(super) fn settle(&mut self, key: &Key, written: bool, count: u64) {
        if let Some(fold) = self.0.get_mut(key) {
            if written {
                fold.written += fold.newest.count;
                fold.newest.count = 0;
            } else {
                fold.newest.count = fold.newest.count.saturating_sub(count);
            }
        }
    }

    /// Whether so much is counted that it should be written.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= KINDS
    }

    /// The first of what is counted and not written.
    pub(super) fn waiting(&self) -> Option<(Key, Record)> {
        let (key, fold) = self.0.iter().find(|(_, fold)| fold.newest.count > 0)?;
        Some((key.clone(), fold.newest.clone()))
    }

    /// Begins anew: the next of each kind is a first one.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_written_when_there_are_as_many_again() {
        let mut folds = Folds::default();
        let record = Record::of(Event::Denied, None);
        let key = Key::of(&record).unwrap();
        let mut written = Vec::new();
        for _ in 0..100 {
            if let Some(record) = folds.offer(&key, &record) {
                written.push(record.count);
                folds.settle(&key, true, 1);
            }
        }
        assert_eq!(written, [1, 1, 2, 4, 8, 16, 32]);
        assert_eq!(folds.waiting().unwrap().1.count, 100 - 64);
        // One that could not be written is not counted twice.
        (0..27).for_each(|_| assert!(folds.offer(&key, &record).is_none()));
        assert!(folds.offer(&key, &record).is_some());
        folds.settle(&key, false, 1);
        assert_eq!(folds.waiting().unwrap().1.count, 63);
    }
}
