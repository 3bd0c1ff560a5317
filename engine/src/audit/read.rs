//! [`read`]: the records of a log, oldest first; [`Filter`]: some of them. Looks at each line by itself; `chain.rs` looks at the chain.

use std::{path::Path, path::PathBuf, time::SystemTime, vec};

use super::{
    Broken, Entry, Flaw, Severity,
    files::{Lines, Next, all},
    line::Line,
};
use crate::error::{Error, Result};

/// The records of the log at `path`, all of its files, oldest first, without its checkpoints' signatures being asked who made them: see
/// [`verify`](super::verify). A log may be read while it is written.
///
/// # Errors
/// `io.not-found`, `io.failed`. A line that is no record or was changed is `audit.broken`, and ends the iteration; so does a last one
/// that is not whole.
pub fn read(path: impl AsRef<Path>) -> Result<Entries> {
    Ok(Entries { files: all(path.as_ref())?.into_iter(), lines: None, number: 0 })
}

/// The records of a log: see [`read`].
pub struct Entries {
    files: vec::IntoIter<PathBuf>,
    lines: Option<Lines>,
    /// Of the line that was read last, in its file.
    number: u64,
}

impl Entries {
    fn step(&mut self) -> Result<Option<Entry>> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(file) = self.files.next() else { return Ok(None) };
                (self.lines, self.number) = (Some(Lines::open(&file)?), 0);
                continue;
            };
            self.number += 1;
            let flaw = match lines.next()? {
                Next::End => {
                    self.lines = None;
                    continue;
                }
                Next::Torn => Flaw::Torn,
                Next::Line(line) => match Line::parse(line) {
                    Ok(line) => return Ok(Some(line.entry)),
                    Err(flaw) => flaw,
                },
            };
            let file = lines.path().to_owned();
            return Err(Broken { file, line: self.number, sequence: None, flaw }.error());
        }
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            (self.files, self.lines) = (Vec::new().into_iter(), None);
        }
        step.transpose()
    }
}

/// Which records to show: those that fit all that is set.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// Of this plugin.
    pub plugin: Option<String>,
    /// Of this event, `refused`.
    pub event: Option<String>,
    /// With this code, `limit.fuel`, or of this family, `limit`.
    pub code: Option<String>,
    /// At least so severe.
    pub severity: Option<Severity>,
    /// Not before.
    pub since: Option<SystemTime>,
    /// Before.
    pub until: Option<SystemTime>,
}

impl Filter {
    /// Whether `entry` fits.
    #[must_use]
    pub fn keeps(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        let code = |wanted: &String| {
            let found = entry.code.as_deref().and_then(|code| code.strip_prefix(wanted.as_str()));
            found.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        is(&self.plugin, &entry.plugin)
            && is(&self.event, &entry.event)
            && self.code.as_ref().is_none_or(code)
            && self.severity.is_none_or(|least| entry.severity >= least)
            && self.since.is_none_or(|since| entry.wall >= since)
            && self.until.is_none_or(|until| entry.wall < until)
    }
}
