//! [`FileLog`]: a sink that writes JSON Lines, each chained to the one before. Opens, locks and repairs; `writer.rs` writes.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Broken, Flaw, PublicKey, Record, Sink,
    files::{Lines, Next, beside, name, older},
    key::LogKey,
    line::{BEGIN, Line, NONE, Signer, is_signed},
    writer::{Link, Writer},
};
use crate::shown::ShowPath as _;
use crate::{
    call::{Clock, SystemClock},
    error::{Code, Error, Result, Stage},
    plain,
    replace::{Afterwards, Held},
};

/// When what was written is also sent to the disk (`fdatasync`). A crash of the process loses nothing in any case, one of the machine
/// what was not sent.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Durability {
    /// When the system likes.
    Never,
    /// With every checkpoint, and when a file is full or the log is closed.
    #[default]
    Checkpoints,
    /// Also with every record without which a plugin may not be loaded, enabled or granted something
    /// ([`Event::is_privileged`](super::Event::is_privileged)), before that happens.
    Privileged,
}

/// How a [`FileLog`] writes.
#[derive(Clone)]
#[non_exhaustive]
pub struct FileOptions {
    /// The file of the secret key that checkpoints are signed with: ed25519, PKCS#8, PEM, readable by its owner only. It is made where it
    /// is not there. Without one there are no checkpoints, and whoever can write the log can make another that is as good.
    /// Keep it where those who may write the log cannot read it, and note its [`FileLog::public_key`] elsewhere.
    pub key: Option<PathBuf>,
    /// The file of the secret key that signed the log's last checkpoint, where [`FileOptions::key`] is another and is to follow it. The old
    /// key then signs a record that names the new one, which [`verify`](super::verify) follows. Without it a log that another key signed is
    /// not gone on with ([`Code::AuditKeyChanged`]). It is not read where the new key has signed already, or nothing was signed yet.
    pub rotate_from: Option<PathBuf>,
    /// After how many records a checkpoint follows; at least 1.
    pub every: u32,
    /// From what size on, in bytes, a file is not written any more and the next is begun.
    pub size: u64,
    /// How many full files are kept beside the one that is being written; the oldest are removed.
    pub keep: u32,
    /// When what was written is sent to the disk.
    pub durability: Durability,
    /// The time of the log's own records: the clock of the engine.
    pub clock: Arc<dyn Clock>,
}

impl Default for FileOptions {
    /// No key, a checkpoint after 100 records, eight full files of 16 MiB, [`Durability::Checkpoints`], the system's clock.
    fn default() -> Self {
        FileOptions {
            key: None,
            rotate_from: None,
            every: 100,
            size: 16 << 20,
            keep: 8,
            durability: Durability::default(),
            clock: Arc::new(SystemClock::default()),
        }
    }
}

/// A log in a file, JSON Lines, to which records are only ever appended. Each line holds the hash of the one before, so that a line that
/// is changed, removed or moved breaks the chain, and from time to time one is a checkpoint, signed by a key. [`verify`](super::verify)
/// looks.
///
/// A log that is there is gone on with. One of its files that ends in the midst of a record, because the machine or the process died, is
/// cut to its last whole record, and a record says so. A log is written by one `FileLog` at a time, which holds a lock on the file
/// beside it that is called `.lock`; for several engines share one by its `Arc`. Nothing else may rename or cut its files meanwhile.
///
/// Repeated denials and failures are counted: the first is written at once, then a line follows whenever there are as many again as were
/// written, and the rest with the next checkpoint, or when the log is closed by being dropped.
///
/// Measured on a virtual machine (x86_64, 2 busy cores, ext4; `cargo bench --bench audit`): a record takes 3 to 5 us, of which writing
/// takes less than one, a signed checkpoint 50 to 70 us, what must reach the disk 160 to 320 us more; verifying takes 3 to 5 us a record.
///
/// ```
/// use std::sync::Arc;
/// use modhost::{Engine, audit::{Expect, FileLog, FileOptions, verify}};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let mut options = FileOptions::default();
/// options.key = Some(folder.join("audit.key"));
/// let log = FileLog::open_with(folder.join("audit.jsonl"), options)?;
/// let key = log.public_key().unwrap();
/// let engine = Engine::builder().audit(Arc::new(log)).build()?;
/// engine.load_source("wolf.lua", "")?;
/// drop(engine);
///
/// let expect = Expect { keys: vec![key], ..Expect::default() };
/// let report = verify(folder.join("audit.jsonl"), &expect)?;
/// assert!(report.broken.is_none() && report.closed && report.signed == report.last);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileLog {
    path: PathBuf,
    writer: Mutex<Writer>,
    public: Option<PublicKey>,
    /// Dropped last, so that nobody else writes before this log is closed.
    _lock: Held,
}

impl FileLog {
    /// Opens the log at `path`, or begins one, readable by its owner only.
    ///
    /// # Errors
    /// [`Code::AuditLocked`] where another writes it, [`Code::AuditBroken`] where its last record is none, [`Code::AuditKey`],
    /// [`Code::AuditKeyChanged`] where another key signed its last checkpoint and [`FileOptions::rotate_from`] is not that key,
    /// [`Code::IoFailed`], [`Code::IoNotFound`] for a folder that is not there.
    pub fn open(path: impl AsRef<Path>) -> Result<FileLog> {
        FileLog::open_with(path, FileOptions::default())
    }

    /// [`FileLog::open`] with other options.
    ///
    /// # Errors
    /// As [`FileLog::open`].
    pub fn open_with(path: impl AsRef<Path>, options: FileOptions) -> Result<FileLog> {
        let path = path.as_ref();
        let failed = |error| Error::io(Stage::Engine, path, &error);
        if path.file_name().and_then(|name| name.to_str()).is_none() {
            return Err(failed(io::Error::other("the name of a log is UTF-8")));
        }
        let lock = lock(path)?;
        // Nothing is made or changed where the log cannot be gone on with.
        let (tail, mut link) = find(path)?;
        let signer = signer(path, tail.signer)?;
        let (key, from) = keys(path, &options, signer)?;
        let public = key.as_ref().map(LogKey::public);
        let file = append(path, false).map_err(failed)?;
        if tail.torn > 0 {
            cut(&file, path, tail.whole).map_err(failed)?;
        }
        link.len = tail.whole;
        let mut writer = Writer::new(path.to_owned(), options, key, file, link);
        let begun = writer.begin(tail.torn, from.as_ref());
        begun.map_err(failed)?;
        Ok(FileLog { path: path.to_owned(), writer: Mutex::new(writer), public, _lock: lock })
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its checkpoints are verified with.
    #[must_use]
    pub fn public_key(&self) -> Option<PublicKey> {
        self.public
    }

    /// Writes what was only counted so far, and a checkpoint, and sends it all to the disk as [`FileOptions::durability`] says.
    ///
    /// # Errors
    /// What writing gives.
    pub fn checkpoint(&self) -> io::Result<()> {
        self.writer().checkpoint()
    }
}

impl Sink for FileLog {
    fn record(&self, record: &Record) -> io::Result<()> {
        self.writer().take(record)
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        if let Err(error) = self.writer().close() {
            tracing::error!("{}: the audit log was not closed in order: {error}", self.path.shown());
        }
    }
}

impl fmt::Debug for FileLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileLog({})", self.path.shown())
    }
}

/// The file beside the log that whoever writes the log has locked. Not the log itself: that is another file after each rotation, and on
/// some systems nobody could read it while it is locked.
fn lock(path: &Path) -> Result<Held> {
    let held = Held::try_named(&beside(path, "lock"), Afterwards::Stays, Stage::Engine)?;
    held.ok_or_else(|| {
        let message = format!("{}: another process or engine writes this log", path.shown());
        Error::new(Code::AuditLocked, Stage::Engine, message)
    })
}

/// Opens a file to append to it; a new one is its owner's only.
pub(super) fn append(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).create_new(new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    plain::open_with(&mut options, path)
}

/// Cuts what `file`, which lies at `path`, has beyond `len` bytes.
pub(super) fn cut(file: &File, path: &Path, len: u64) -> io::Result<()> {
    if cfg!(unix) {
        return file.set_len(len);
    }
    // Windows lets nobody cut what is open to be appended to.
    OpenOptions::new().write(true).open(path)?.set_len(len)
}

/// How a file ends.
struct Tail {
    /// Bytes up to the end of the last whole line.
    whole: u64,
    /// Bytes after it.
    torn: u64,
    /// The last whole line, and which it is, from 1.
    last: Option<(u64, std::result::Result<Line, Flaw>)>,
    /// Whose signature follows, as its signed lines say.
    signer: Signer,
}

/// How the file at `path` ends; one that is not there has no lines.
fn tail(path: &Path) -> Result<Tail> {
    let failed = |error| Error::io(Stage::Engine, path, &error);
    let mut signer = Signer::default();
    let mut lines = match Lines::open(path) {
        Err(error) if error.code() == Code::IoNotFound => return Ok(Tail { whole: 0, torn: 0, last: None, signer }),
        other => other?,
    };
    let (mut whole, mut number, mut newest) = (0, 0, Vec::new());
    while let Next::Line(line) = lines.next()? {
        whole += line.len() as u64 + 1;
        number += 1;
        if is_signed(line) {
            let over = Line::parse(line).and_then(|line| signer.over(&line));
            over.map_err(|flaw| broken(path, number, flaw))?;
        }
        newest.clear();
        newest.extend_from_slice(line);
    }
    let torn = std::fs::metadata(path).map_err(failed)?.len().saturating_sub(whole);
    let last = (number > 0).then(|| (number, Line::parse(&newest)));
    Ok(Tail { whole, torn, last, signer })
}

/// Whether a file begins as a log does, as far as it goes.
fn begins(path: &Path) -> Result<bool> {
    let mut begin = Vec::new();
    let read = plain::open(path).and_then(|file| file.take(BEGIN.len() as u64).read_to_end(&mut begin));
    read.map_err(|error| Error::io(Stage::Engine, path, &error))?;
    Ok(BEGIN.starts_with(&begin))
}

/// How the log at `path` ends, and what its next line is chained to.
fn find(path: &Path) -> Result<(Tail, Link)> {
    let older = older(path).map_err(|error| Error::io(Stage::Engine, path, &error))?;
    let newest = older.last().map_or(0, |(number, _)| *number);
    let mut here = tail(path)?;
    // What does not even begin as a record was never one of this log.
    if here.torn >= super::line::LONGEST as u64 || here.torn > 0 && here.whole == 0 && !begins(path)? {
        return Err(broken(path, here.last.map_or(1, |(number, _)| number + 1), Flaw::Form));
    }
    let mut link = Link { prev: NONE, next: 0, newest, continues: None, len: 0 };
    let (path, last) = match (here.last.take(), older.last()) {
        (Some(last), _) => (path, last),
        (None, None) => return Ok((here, link)),
        // The process died in the midst of beginning the next file.
        (None, Some((_, old))) => {
            link.continues = Some(name(old));
            let tail = tail(old)?;
            match tail.last {
                Some(last) if tail.torn == 0 => (old.as_path(), last),
                other => return Err(broken(old, other.map_or(1, |(number, _)| number + 1), Flaw::Form)),
            }
        }
    };
    match last {
        (_, Ok(line)) => (link.prev, link.next) = (line.hash, line.entry.sequence + 1),
        (number, Err(flaw)) => return Err(broken(path, number, flaw)),
    }
    Ok((here, link))
}

/// Which key signs what follows in the log at `path`, whose newest file says `newest`.
fn signer(path: &Path, newest: Signer) -> Result<Option<PublicKey>> {
    if newest.0.is_some() {
        return Ok(newest.0);
    }
    let older = older(path).map_err(|error| Error::io(Stage::Engine, path, &error))?;
    for (_, old) in older.iter().rev() {
        let tail = tail(old)?;
        if tail.signer.0.is_some() {
            return Ok(tail.signer.0);
        }
    }
    Ok(None)
}

/// The key that signs from now on and, where it takes the place of `signer`, that one's secret key.
fn keys(path: &Path, options: &FileOptions, signer: Option<PublicKey>) -> Result<(Option<LogKey>, Option<LogKey>)> {
    let Some(file) = options.key.as_deref() else {
        return match &options.rotate_from {
            None => Ok((None, None)),
            Some(_) => {
                let message = format!("{}: the key that is to follow the log's key is not given", path.shown());
                Err(Error::new(Code::AuditKey, Stage::Engine, message)
                    .with_help("Name the file of the new key as the log's key; it is made where there is none."))
            }
        };
    };
    let Some(signer) = signer else { return Ok((Some(LogKey::read_or_make(file)?), None)) };
    let changed = |why: String| {
        let message = format!("{}: the log's last checkpoint is signed by the key {signer}, {why}", path.shown());
        Error::new(Code::AuditKeyChanged, Stage::Engine, message)
    };
    let there = match LogKey::read(file) {
        Err(error) if error.code() == Code::IoNotFound => None,
        other => Some(other?),
    };
    if there.as_ref().is_some_and(|key| key.public() == signer) {
        return Ok((there, None));
    }
    let Some(old) = &options.rotate_from else {
        return Err(changed(match &there {
            Some(key) => format!("and {} holds another, {}", file.shown(), key.public()),
            None => format!("and {} is not there", file.shown()),
        }));
    };
    let from = LogKey::read(old)?;
    if from.public() != signer {
        return Err(changed(format!("and {}, which is to be followed, holds another, {}", old.shown(), from.public())));
    }
    let key = there.map_or_else(|| LogKey::read_or_make(file), Ok)?;
    Ok((Some(key), Some(from)))
}

/// A log that cannot be gone on with.
fn broken(path: &Path, number: u64, flaw: Flaw) -> Error {
    let broken = Broken { file: path.to_owned(), line: number, sequence: None, flaw };
    broken
        .error()
        .with_help("Find out how that came about, move the log away, and a new one is begun; nothing was changed.")
}
