//! [`verify`]: whether a log is as it was written; names the first record that is not.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use modhost_backend::Place;

use super::{
    Event, PublicKey,
    files::{Lines, Next, all, name},
    line::{Hash, Line, NONE, Signer},
};
use crate::error::{Code, Error, Result, Stage};

/// What is known of a log from elsewhere. What is not known is not looked for.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The keys that the first checkpoint, or the last, may be signed by. With one the log must have checkpoints, and each of its full files
    /// must end with one. Without, a checkpoint's signature is held against the key that it names. In any case another key than that of
    /// the checkpoint before is good only after a record of that key that names it ([`Event::KeyRotated`]).
    pub keys: Vec<PublicKey>,
    /// The number of a record that was there once: records up to it must be there still, under a checkpoint where keys are known.
    pub reaches: Option<u64>,
}

/// What [`verify`] found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The files of the log, oldest first.
    pub files: Vec<PathBuf>,
    /// How many records are good, up to the first that is not.
    pub records: u64,
    /// The number of the first record that is there: not 0 where older files were removed, by rotation or by hand.
    pub first: Option<u64>,
    /// The number of the last good record.
    pub last: Option<u64>,
    /// The number of the last good checkpoint: what is before it was not changed since by anybody without its key.
    pub signed: Option<u64>,
    /// How many checkpoints are good.
    pub checkpoints: u64,
    /// The keys that they are signed by.
    pub keys: Vec<PublicKey>,
    /// The numbers of the records by which one key named the next.
    pub rotated: Vec<u64>,
    /// Whether the last thing is that the log was closed. A log that is written, or whose process died, was not; and one that was cut
    /// off after any other record looks the same.
    pub closed: bool,
    /// The number of the first record whose date is before that of the one before: a clock was set back.
    pub went_back: Option<u64>,
    /// The first record that is not as it was written.
    pub broken: Option<Broken>,
}

/// Where a log is not as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1; for what is missing the one after which it is missing, or 0.
    pub line: u64,
    /// The number of the record that must stand there, where what is before it tells.
    pub sequence: Option<u64>,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with a record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Flaw {
    /// The line is no record.
    Form,
    /// Bytes of the line were changed: they do not give its hash.
    Changed,
    /// A record of this number stands there: others are missing, moved or there twice.
    Number(u64),
    /// The record is not chained to the one before.
    Chain,
    /// The log does not begin with its first record, nor as a file does that goes on from another.
    Beginning,
    /// A file does not go on from the file before, or says that it does in its midst.
    Continuation,
    /// The last line has no end: it was not written to its end, or cut off.
    Torn,
    /// The checkpoint's signature is false.
    Signature,
    /// The checkpoint is signed by a key that is not among those that may, or that no record of the key before names.
    Key(Box<PublicKey>),
    /// There is no checkpoint where one must be: in the log, or at the end of a full file.
    Unsigned,
    /// The log ends before the record of this number, or its last checkpoint does.
    Short(u64),
    /// There is not one record.
    Empty,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Form => f.write_str("the line is no record"),
            Flaw::Changed => f.write_str("the record was changed: its bytes do not give its hash"),
            Flaw::Number(found) => {
                write!(f, "number {found} stands here: records were removed, moved, or written twice")
            }
            Flaw::Chain => {
                f.write_str("the record does not belong after the one before: its `prev` is not that one's hash")
            }
            Flaw::Beginning => f.write_str("the log does not begin here: what is before was removed"),
            Flaw::Continuation => f.write_str("the file does not go on from the one before"),
            Flaw::Torn => f.write_str("the last record is not whole: it was not written to its end, or cut off"),
            Flaw::Signature => f.write_str("the checkpoint's signature is false"),
            Flaw::Key(key) => {
                write!(f, "the checkpoint is signed by another key, {key}, which no record of the right key names")
            }
            Flaw::Unsigned => f.write_str("there is no checkpoint, and one signed by the key must be"),
            Flaw::Short(expected) => {
                write!(f, "the log must reach record {expected}, under a checkpoint where a key is given")
            }
            Flaw::Empty => f.write_str("the log holds no record"),
        }
    }
}

impl Broken {
    /// As an error: `audit.broken`, with the file's name and the line.
    #[must_use]
    pub fn error(&self) -> Error {
        let number = self.sequence.map(|number| format!("record {number}: ")).unwrap_or_default();
        let file = name(&self.file);
        let place = Place { file, line: u32::try_from(self.line).ok().filter(|line| *line > 0), column: None };
        Error::new(Code::AuditBroken, Stage::Engine, format!("{number}{}", self.flaw)).at_place(place)
    }
}

/// Verifies the log at `path`, all of its files.
///
/// Found is every record whose bytes were changed, that was removed, moved or written twice, on any place but the end, by anybody who did
/// not also make all hashes after it anew; and, for what stands before a checkpoint, by anybody who does not have its key. What was cut
/// off from the end is seen only by who knows from elsewhere how far the log reached ([`Expect::reaches`]), since a log that is cut is
/// a log that was once; as long as it is cut after the last checkpoint that anybody noted, no more than what came after is lost. In the
/// same way a whole log can be replaced by an older copy of it.
///
/// # Errors
/// `io.not-found`, `io.failed`. That the log is broken is no error, but [`Report::broken`].
pub fn verify(path: impl AsRef<Path>, expect: &Expect) -> Result<Report> {
    let files = all(path.as_ref())?;
    let walk = Walk::along(&files, expect)?;
    let Some(Flaw::Key(first)) = walk.report.broken.as_ref().map(|broken| &broken.flaw) else { return Ok(walk.report) };
    if walk.signer.0.is_some() {
        return Ok(walk.report);
    }
    // An older key began the log. What it signed is good where it led to a key that is expected, whose checkpoints are over all of it.
    let older = Expect { keys: vec![**first], reaches: expect.reaches };
    let whole = Walk::along(&files, &older)?;
    let ends = whole.newest.is_some_and(|newest| expect.keys.contains(&newest));
    Ok(if whole.report.broken.is_none() && ends { whole.report } else { walk.report })
}

/// The line before.
struct Before {
    hash: Hash,
    number: u64,
    wall: SystemTime,
    checkpoint: bool,
}

struct Walk<'a> {
    expect: &'a Expect,
    report: Report,
    before: Option<Before>,
    signer: Signer,
    /// Who signed last.
    newest: Option<PublicKey>,
}

impl<'a> Walk<'a> {
    fn along(files: &[PathBuf], expect: &'a Expect) -> Result<Self> {
        let report = Report { files: files.to_vec(), ..Report::default() };
        let mut walk = Walk { expect, report, before: None, signer: Signer::default(), newest: None };
        walk.report.broken = walk.all(files)?;
        Ok(walk)
    }

    fn all(&mut self, files: &[PathBuf]) -> Result<Option<Broken>> {
        let mut previous: Option<&PathBuf> = None;
        let mut line = 0;
        for file in files {
            let ends = self.before.as_ref().is_none_or(|before| before.checkpoint);
            if let Some(old) = previous
                && !self.expect.keys.is_empty()
                && !ends
            {
                return Ok(Some(self.broken(old, line, Flaw::Unsigned)));
            }
            match self.file(file, previous)? {
                Ok(lines) => line = lines,
                Err(broken) => return Ok(Some(broken)),
            }
            previous = Some(file);
        }
        let Some(last) = files.last() else { return Ok(None) };
        let reached = if self.expect.keys.is_empty() { self.report.last } else { self.report.signed };
        let flaw = match self.expect.reaches {
            _ if self.report.records == 0 => Flaw::Empty,
            _ if !self.expect.keys.is_empty() && self.report.signed.is_none() => Flaw::Unsigned,
            Some(number) if reached.is_none_or(|reached| reached < number) => Flaw::Short(number),
            _ => return Ok(None),
        };
        Ok(Some(self.broken(last, line, flaw)))
    }

    fn broken(&self, file: &Path, line: u64, flaw: Flaw) -> Broken {
        let sequence = self.before.as_ref().map(|before| before.number + 1);
        Broken { file: file.to_owned(), line, sequence, flaw }
    }

    /// Walks along one file; how many lines it has.
    fn file(&mut self, file: &Path, previous: Option<&PathBuf>) -> Result<std::result::Result<u64, Broken>> {
        let mut lines = Lines::open(file)?;
        let mut number = 0;
        loop {
            number += 1;
            let line = match lines.next()? {
                Next::End => return Ok(Ok(number - 1)),
                Next::Torn => return Ok(Err(self.broken(file, number, Flaw::Torn))),
                Next::Line(line) => Line::parse(line),
            };
            let first = (number == 1).then_some(previous);
            match line.and_then(|line| self.line(&line, first)) {
                Ok(()) => {}
                Err(flaw) => return Ok(Err(self.broken(file, number, flaw))),
            }
        }
    }

    /// Looks at one line; the first of a file is told which file was before.
    fn line(&mut self, line: &Line, first: Option<Option<&PathBuf>>) -> std::result::Result<(), Flaw> {
        let entry = &line.entry;
        let continues = entry.event == Event::Continued.as_str();
        match &self.before {
            Some(before) if entry.sequence != before.number + 1 => return Err(Flaw::Number(entry.sequence)),
            Some(before) if line.prev != before.hash => return Err(Flaw::Chain),
            None if !continues && (entry.sequence != 0 || line.prev != NONE) => return Err(Flaw::Beginning),
            _ => {}
        }
        match first {
            Some(Some(previous)) if !continues || entry.detail != name(previous) => return Err(Flaw::Continuation),
            None if continues => return Err(Flaw::Continuation),
            _ => {}
        }
        if let Some(key) = line.key {
            let begins = self.signer.0.is_none() && !self.expect.keys.is_empty();
            if begins && !self.expect.keys.contains(&key) {
                return Err(Flaw::Key(Box::new(key)));
            }
            self.signer.over(line)?;
            self.newest = Some(key);
            if !self.report.keys.contains(&key) {
                self.report.keys.push(key);
            }
            match line.next {
                Some(_) => self.report.rotated.push(entry.sequence),
                None => self.report.checkpoints += 1,
            }
            self.report.signed = Some(entry.sequence);
        }
        let report = &mut self.report;
        if self.before.as_ref().is_some_and(|before| entry.wall < before.wall) {
            report.went_back.get_or_insert(entry.sequence);
        }
        report.records += 1;
        report.first.get_or_insert(entry.sequence);
        report.last = Some(entry.sequence);
        let closed = entry.event == Event::Closed.as_str();
        report.closed = closed || report.closed && line.key.is_some() && line.next.is_none();
        let checkpoint = line.key.is_some();
        self.before = Some(Before { hash: line.hash, number: entry.sequence, wall: entry.wall, checkpoint });
        Ok(())
    }
}
