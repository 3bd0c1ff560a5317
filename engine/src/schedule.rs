//! [`Schedule`]: which of several jobs may begin, when some wait for others and some are done alone. It runs nothing.
//!
//! Jobs are numbered in an order in which they could all be done one by one; of those that may begin the first comes first. Whoever
//! begins one job at a time therefore does them in exactly that order.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

/// Which jobs may begin.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// For how many others each waits still.
    waits: Vec<usize>,
    /// Which wait for each.
    then: Vec<Vec<usize>>,
    ready: BinaryHeap<Reverse<usize>>,
    /// Those that are not done and are done alone.
    alone: BTreeSet<usize>,
    running: usize,
}

impl Schedule {
    /// `before` has for each job those that it waits for, all of them before it; `alone` those that begin when all before them are
    /// done, and are done before any after them begins.
    pub(crate) fn new(before: &[BTreeSet<usize>], alone: BTreeSet<usize>) -> Self {
        let mut schedule = Schedule { then: vec![Vec::new(); before.len()], alone, ..Schedule::default() };
        for (at, others) in before.iter().enumerate() {
            others.iter().for_each(|other| schedule.then[*other].push(at));
            schedule.waits.push(others.len());
            if others.is_empty() {
                schedule.ready.push(Reverse(at));
            }
        }
        schedule
    }

    /// How many have begun and are not done.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// The one that may begin next, if one may now.
    pub(crate) fn next(&self) -> Option<usize> {
        let Reverse(first) = *self.ready.peek()?;
        match self.alone.first() {
            // While none is running the first that is ready is the first that is not done.
            Some(alone) if first >= *alone => (first == *alone && self.running == 0).then_some(first),
            _ => Some(first),
        }
    }

    /// The one that may begin next begins.
    pub(crate) fn begin(&mut self) {
        self.running += usize::from(self.ready.pop().is_some());
    }

    /// One that has begun is done, whatever came of it.
    pub(crate) fn end(&mut self, at: usize) {
        self.running -= 1;
        self.alone.remove(&at);
        for next in std::mem::take(&mut self.then[at]) {
            self.waits[next] -= 1;
            if self.waits[next] == 0 {
                self.ready.push(Reverse(next));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does `before` and `alone` with up to `hands` jobs at a time, of which that which began first ends first (or last); gives the
    /// order in which they began, a bar where nothing more could begin.
    fn check(before: &[&[usize]], alone: &[usize], hands: usize, last: bool, expected: &str) {
        let before: Vec<BTreeSet<usize>> = before.iter().map(|others| others.iter().copied().collect()).collect();
        let mut schedule = Schedule::new(&before, alone.iter().copied().collect());
        let (mut told, mut running) = (String::new(), Vec::new());
        loop {
            while running.len() < hands
                && let Some(next) = schedule.next()
            {
                schedule.begin();
                running.push(next);
                told.push_str(&next.to_string());
            }
            assert_eq!(schedule.running(), running.len());
            if running.is_empty() {
                break;
            }
            told.push('|');
            let ended = if last { running.pop().unwrap() } else { running.remove(0) };
            schedule.end(ended);
        }
        assert_eq!(told, expected, "{before:?} {alone:?} {hands}");
    }

    #[test]
    fn jobs_wait_for_those_before_them_and_for_none_else() {
        check(&[], &[], 2, false, "");
        let free: &[&[usize]] = &[&[], &[], &[], &[]];
        check(free, &[], 1, false, "0|1|2|3|");
        check(free, &[], 2, false, "01|2|3||");
        check(free, &[], 9, false, "0123||||");
        check(free, &[1], 9, false, "0|1|23||");
        check(free, &[0, 3], 9, false, "0|12||3|");
        check(free, &[0, 1, 2, 3], 9, true, "0|1|2|3|");
        let chain: &[&[usize]] = &[&[], &[0], &[], &[1, 2]];
        check(chain, &[], 1, false, "0|1|2|3|");
        check(chain, &[], 9, false, "02|1||3|");
        check(chain, &[], 9, true, "02||1|3|");
        check(chain, &[2], 9, false, "0|1|2|3|");
    }
}
