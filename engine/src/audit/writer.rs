//! [`Writer`]: appends lines to a log's file, with checkpoints between them, and begins the next file when one is full.

use crate::shown::ShowPath as _;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

use super::{
    Durability, Event, FileOptions, Record,
    file::{append, cut},
    files::{name, older, part},
    fold::{Folds, Key},
    key::LogKey,
    line::{Hash, LONGEST, seal},
};
use crate::replace::sync_folder;

/// Where the next line belongs.
pub(super) struct Link {
    /// The hash of the line before.
    pub(super) prev: Hash,
    /// The line's number.
    pub(super) next: u64,
    /// The highest number of a full file; 0 where there is none.
    pub(super) newest: u64,
    /// The file that the one being written goes on from, where that has no line yet that says so.
    pub(super) continues: Option<String>,
    /// Bytes that the file has.
    pub(super) len: u64,
}

/// Who signs a line.
enum By<'a> {
    Nobody,
    /// The log's own key.
    Own,
    Key(&'a LogKey),
}

/// What writes a log.
pub(super) struct Writer {
    path: PathBuf,
    options: FileOptions,
    key: Option<LogKey>,
    /// `None` where the full file was renamed and the next could not be made yet.
    file: Option<File>,
    link: Link,
    /// Whether the file may have bytes after `link.len`.
    torn: bool,
    /// Lines since the last checkpoint.
    since: u32,
    folds: Folds,
}

impl Writer {
    pub(super) fn new(path: PathBuf, options: FileOptions, key: Option<LogKey>, file: File, link: Link) -> Self {
        Writer { path, options, key, file: Some(file), link, torn: false, since: 0, folds: Folds::default() }
    }

    /// The first lines after the log was opened and `repaired` bytes were cut off. `from` is the key of the checkpoints before, where the
    /// log's own takes its place.
    pub(super) fn begin(&mut self, repaired: u64, from: Option<&LogKey>) -> io::Result<()> {
        self.make_room()?;
        if repaired > 0 {
            self.own(Event::Repaired, format!("{repaired} bytes of a record that was not written to its end"))?;
        }
        if let (Some(from), Some(key)) = (from, &self.key) {
            let record = self.of(Event::KeyRotated, key.public().to_string());
            self.append(&record, By::Key(from))?;
        }
        self.own(Event::Opened, format!("modhost {}", env!("CARGO_PKG_VERSION")))?;
        self.checkpoint()
    }

    /// Keeps `record`, as a line of its own or as one more of its kind.
    pub(super) fn take(&mut self, record: &Record) -> io::Result<()> {
        self.make_room()?;
        let Some(key) = Key::of(record) else {
            self.append(record, By::Nobody)?;
            return self.after(record.event);
        };
        if self.folds.is_full() {
            self.unfold()?;
            self.folds.clear();
        }
        let Some(all) = self.folds.offer(&key, record) else { return Ok(()) };
        let written = self.append(&all, By::Nobody);
        self.folds.settle(&key, written.is_ok(), record.count);
        written?;
        self.after(record.event)
    }

    /// What a line brings with it.
    fn after(&mut self, event: Event) -> io::Result<()> {
        if self.since >= self.options.every.max(1) {
            self.checkpoint()
        } else if self.options.durability == Durability::Privileged && event.is_privileged() {
            self.sync()
        } else {
            Ok(())
        }
    }

    pub(super) fn checkpoint(&mut self) -> io::Result<()> {
        self.unfold()?;
        if self.since == 0 {
            return Ok(());
        }
        if self.key.is_some() {
            self.append(&self.of(Event::Checkpoint, String::new()), By::Own)?;
        }
        if self.options.durability != Durability::Never {
            self.sync()?;
        }
        self.since = 0;
        Ok(())
    }

    pub(super) fn close(&mut self) -> io::Result<()> {
        self.unfold()?;
        self.own(Event::Closed, String::new())?;
        self.checkpoint()
    }

    /// Writes what was only counted.
    fn unfold(&mut self) -> io::Result<()> {
        while let Some((key, record)) = self.folds.waiting() {
            self.append(&record, By::Nobody)?;
            self.folds.settle(&key, true, 0);
        }
        Ok(())
    }

    /// Begins the next file where this one is full, and its first line.
    fn make_room(&mut self) -> io::Result<()> {
        if self.file.is_some() && self.link.len >= self.options.size.max(1) {
            self.checkpoint()?;
            self.folds.clear();
            let old = part(&self.path, self.link.newest + 1);
            fs::rename(&self.path, &old)?;
            (self.file, self.torn) = (None, false);
            self.link.newest += 1;
            (self.link.len, self.link.continues) = (0, Some(name(&old)));
        }
        if self.file.is_none() {
            self.file = Some(append(&self.path, true)?);
            if self.options.durability != Durability::Never {
                sync_folder(&self.path)?;
            }
            self.prune();
        }
        if let Some(old) = self.link.continues.take() {
            self.own(Event::Continued, old.clone()).inspect_err(|_| self.link.continues = Some(old))?;
        }
        Ok(())
    }

    /// Removes full files beyond those that are kept. Those that cannot be are a matter for whoever reads the log of the host.
    fn prune(&self) {
        let removed = older(&self.path).and_then(|older| {
            let surplus = older.len().saturating_sub(self.options.keep as usize);
            older.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
        });
        if let Err(error) = removed {
            tracing::warn!("{}: an old part of the audit log could not be removed: {error}", self.path.shown());
        }
    }

    /// A record of the log's own.
    fn of(&self, event: Event, detail: String) -> Record {
        let clock = &self.options.clock;
        Record { at: clock.now(), wall: clock.wall(), detail, ..Record::of(event, None) }
    }

    fn own(&mut self, event: Event, detail: String) -> io::Result<()> {
        self.append(&self.of(event, detail), By::Nobody)
    }

    /// Appends one line. Where that fails the file is as it was, now or before the next line.
    fn append(&mut self, record: &Record, by: By<'_>) -> io::Result<()> {
        let key = match by {
            By::Nobody => None,
            By::Own => self.key.as_ref(),
            By::Key(key) => Some(key),
        };
        let (line, hash) = seal(record, self.link.next, &self.link.prev, key)?;
        if line.len() > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the record is longer than any that an engine makes",
            ));
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if self.torn {
            cut(file, &self.path, self.link.len)?;
        }
        self.torn = true;
        if let Err(error) = file.write_all(&line) {
            self.torn = cut(file, &self.path, self.link.len).is_err();
            return Err(error);
        }
        self.torn = false;
        self.link.len += line.len() as u64;
        self.link.prev = hash;
        self.link.next += 1;
        self.since += 1;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::audit::{Expect, FileLog, Sink, verify};

    #[test]
    fn what_a_full_disk_does_not_take_is_an_error_and_leaves_the_log_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let log = FileLog::open(&path).unwrap();
        let denied = Record { plugin: "wolf".into(), ..Record::of(Event::Denied, None) };
        let loaded = Record { plugin: "wolf".into(), ..Record::of(Event::Loaded, None) };
        log.record(&denied).unwrap();
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let file = log.writer().file.replace(full).unwrap();
        assert_eq!(log.record(&loaded).unwrap_err().kind(), io::ErrorKind::StorageFull);
        // A device cannot even be cut.
        assert!(log.record(&denied).is_err());
        // A part of a line that could not be taken back is taken back once the disk takes something again.
        (&file).write_all(b"{\"seq\":").unwrap();
        log.writer().file.replace(file);
        for record in [&loaded, &denied] {
            log.record(record).unwrap();
        }
        drop(log);
        let report = verify(&path, &Expect::default()).unwrap();
        assert_eq!((report.broken, report.records), (None, 5), "opened, denied, loaded, denied, closed");
        assert!(crate::audit::read(&path).unwrap().all(|entry| entry.unwrap().count == 1));
    }
}
