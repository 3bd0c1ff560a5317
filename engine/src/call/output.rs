//! [`Output`]: the newest lines that one plugin printed, bounded; and on their way to `tracing`.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, PoisonError},
};

use crate::audit::escape;

/// The most lines that are kept.
const LINES: usize = 1000;
/// The most bytes that are kept, over all lines.
const BYTES: usize = 256 << 10;
/// The longest line, in characters.
const LONGEST: usize = 4000;

/// The newest lines that one plugin printed.
#[derive(Debug, Default)]
pub(crate) struct Output {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Output {
    /// Keeps `text`, split into lines, escaped; the oldest make room.
    pub(crate) fn push(&self, plugin: &str, text: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for line in text.split('\n') {
            let line = escape(line, LONGEST);
            tracing::info!(target: "modhost::output", plugin, "{line}");
            kept.bytes += line.len();
            kept.lines.push_back(line);
            while kept.lines.len() > LINES || kept.bytes > BYTES {
                kept.bytes -= kept.lines.pop_front().map_or(0, |line| line.len());
            }
        }
    }

    /// Takes the lines kept so far.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *kept).lines.into()
    }
}
