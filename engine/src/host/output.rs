//! [`Output`]: the newest lines that one plugin printed or logged, bounded; and on their way to `tracing`. Never to the host's own
//! output: whoever wants that subscribes, or takes the lines.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use crossbeam::queue::SegQueue;
use modhost_backend::Fault;

use super::ledger::Ledger;
use crate::audit::escape;

/// The most lines that are kept.
const LINES: usize = 1000;
/// The most bytes that are kept, over all lines.
const BYTES: usize = 256 << 10;
/// The longest line, in characters.
const LONGEST: usize = 4000;

/// How grave a line is: the function of the contract `log` that it came by. What a plugin prints is [`LogLevel::Info`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LogLevel {
    /// `log.debug`.
    Debug,
    /// `log.info`, and `print`.
    Info,
    /// `log.warn`.
    Warn,
    /// `log.error`.
    Error,
}

impl LogLevel {
    pub(super) const ALL: [LogLevel; 4] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];

    pub(super) fn name(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One line that a plugin printed or logged, escaped and shortened. It compares with texts by its own.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LogLine {
    /// How grave it is.
    pub level: LogLevel,
    /// What it says.
    pub text: String,
}

impl LogLine {
    /// What keeping it takes.
    fn bytes(&self) -> u64 {
        (size_of::<LogLine>() + self.text.capacity()) as u64
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl PartialEq<&str> for LogLine {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl PartialEq<String> for LogLine {
    fn eq(&self, other: &String) -> bool {
        self.text == *other
    }
}

impl PartialEq<LogLine> for String {
    fn eq(&self, other: &LogLine) -> bool {
        *self == other.text
    }
}

/// The newest lines of one plugin. Printing takes no lock: the host may take lines while the plugin prints.
#[derive(Debug, Default)]
pub(crate) struct Output {
    lines: SegQueue<LogLine>,
    bytes: AtomicUsize,
}

impl Output {
    /// Keeps `text`, split into lines, escaped, charged to `ledger`; the oldest make room.
    ///
    /// # Errors
    /// The limit that the lines kept go beyond.
    pub(super) fn push(&self, plugin: &str, level: LogLevel, text: &str, ledger: &Ledger) -> Result<(), Fault> {
        for line in text.split('\n') {
            let line = LogLine { level, text: escape(line, LONGEST) };
            trace(plugin, level, &line.text);
            self.bytes.fetch_add(line.text.len(), Relaxed);
            // Before it can be taken: what is given back was charged.
            let charged = ledger.add(line.bytes());
            self.lines.push(line);
            while self.lines.len() > LINES || self.bytes.load(Relaxed) > BYTES {
                if self.pop(ledger).is_none() {
                    break;
                }
            }
            charged?;
        }
        Ok(())
    }

    fn pop(&self, ledger: &Ledger) -> Option<LogLine> {
        let line = self.lines.pop()?;
        self.bytes.fetch_sub(line.text.len(), Relaxed);
        ledger.sub(line.bytes());
        Some(line)
    }

    /// Takes the lines kept so far.
    pub(super) fn take(&self, ledger: &Ledger) -> Vec<LogLine> {
        // No more than are there now: a plugin that goes on printing must not keep its host here.
        (0..self.lines.len()).map_while(|_| self.pop(ledger)).collect()
    }
}

fn trace(plugin: &str, level: LogLevel, line: &str) {
    match level {
        LogLevel::Debug => tracing::debug!(target: "modhost::output", plugin, "{line}"),
        LogLevel::Info => tracing::info!(target: "modhost::output", plugin, "{line}"),
        LogLevel::Warn => tracing::warn!(target: "modhost::output", plugin, "{line}"),
        LogLevel::Error => tracing::error!(target: "modhost::output", plugin, "{line}"),
    }
}
