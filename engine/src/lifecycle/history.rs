//! [`History`]: the last changes of a plugin's state, with time and reason.

use std::{collections::VecDeque, time::Duration};

use super::State;

/// How many changes are kept of one plugin; the oldest make room.
const KEPT: usize = 64;

/// One change of a plugin's state.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Where it stood.
    pub from: State,
    /// Where it stands since.
    pub to: State,
    /// The engine's clock.
    pub at: Duration,
    /// Why, in a few words; a guest's words are escaped and shortened.
    pub reason: String,
}

/// The last changes of a plugin's state, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(VecDeque<Change>);

impl History {
    /// Adds a change.
    pub(crate) fn push(&mut self, change: Change) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(change);
    }

    /// All that are kept, oldest first.
    pub(crate) fn list(&self) -> Vec<Change> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let mut history = History::default();
        for number in 0..KEPT as u64 + 3 {
            let at = Duration::from_secs(number);
            history.push(Change { from: State::Loaded, to: State::Active, at, reason: String::new() });
        }
        let kept = history.list();
        assert_eq!((kept.len(), kept[0].at), (KEPT, Duration::from_secs(3)));
    }
}
