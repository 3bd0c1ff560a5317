//! Locks and whole replacement of files: one writer at a time, and a reader sees the old bytes or the new ones, or none of a new file, also
//! after a writer was killed or the machine went down in between.
//!
//! **The lock** ([`Held`]) is the operating system's, on a file beside the one that is changed. Not on that file itself: it is another one
//! after each change, so that whoever waits for the old one would be let in beside whoever has the new one. The system gives the lock back
//! when its holder ends, however it ends; that the file is there says nothing. A file that is removed at the end is removed under the lock,
//! and whoever gets a lock looks whether its file is still the one of that name.
//!
//! **The new bytes** go to a new file beside the old one, of a random name, which is locked while it is written. What a killed writer leaves
//! is a file of such a name without a lock: the next writer of the same file removes it. Somebody else's files, folders and links are
//! neither followed, nor changed, nor in the way.

#[cfg(test)]
mod tests;

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Code, Error, Result, Stage},
    plain,
    shown::ShowPath as _,
};

/// How long stores and what was seen wait for whoever changes them: to change one takes some milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// How long a lock is waited for whose file cannot be opened: whoever may change what lies beside it could open one that modhost made.
const UNOPENED: Duration = Duration::from_secs(1);
/// How long until a lock is tried again.
const TURN: Duration = Duration::from_millis(5);
/// How many random names are tried. The first is good, unless somebody removes files that are just made.
const NAMES: usize = 16;
/// How many digits a random name has.
const DIGITS: usize = 16;
/// How a random name ends.
const ENDING: &str = ".tmp";

/// What becomes of a lock's file when the lock is given back. Both are safe; a file that stays is always the same for whoever waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Afterwards {
    /// It stays.
    Stays,
    /// It is removed, on Unix; elsewhere nobody can tell a file from another of its name, and it stays.
    Removed,
}

/// Keeps others who ask for the same lock waiting, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Held {
    // Closed after the name is gone.
    file: File,
    name: PathBuf,
    afterwards: Afterwards,
}

impl Held {
    /// Waits for the lock of `path`, of the file that a link there leads to: the file beside it whose name has `ending` more.
    ///
    /// ```
    /// use std::time::Duration;
    /// use modhost::{Stage, replace::{Afterwards::Removed, Held}};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("mods.toml");
    /// let held = Held::wait(&path, ".held", Removed, Duration::from_secs(3), Stage::Engine)?;
    /// assert!(Held::wait(&path, ".held", Removed, Duration::ZERO, Stage::Engine).is_err());
    /// drop(held);
    /// assert!(Held::wait(&path, ".held", Removed, Duration::ZERO, Stage::Engine).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::IoFailed`] where somebody keeps it for longer than `patience`, or where its file is none; [`Code::IoNotFound`] for a folder
    /// that is not there.
    pub fn wait(path: &Path, ending: &str, afterwards: Afterwards, patience: Duration, stage: Stage) -> Result<Held> {
        let name = with_ending(&followed(path), ending);
        let begun = Instant::now();
        let mut open = None;
        loop {
            match Held::once(&mut open, &name, afterwards, stage)? {
                Tried::Got(held) => return Ok(held),
                Tried::Shut if begun.elapsed() >= patience.min(UNOPENED) => return Err(shut(&name, stage)),
                Tried::Shut | Tried::Busy => {}
            }
            if begun.elapsed() >= patience {
                return Err(kept_by_another(path, &name, patience, stage));
            }
            thread::sleep(TURN);
        }
    }

    /// The lock whose file is `name`, if nobody has it.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn try_named(name: &Path, afterwards: Afterwards, stage: Stage) -> Result<Option<Held>> {
        match Held::once(&mut None, name, afterwards, stage)? {
            Tried::Got(held) => Ok(Some(held)),
            Tried::Busy | Tried::Shut => Ok(None),
        }
    }

    /// Tries it once, on the file that is `open` since the try before, if there was one.
    fn once(open: &mut Option<File>, name: &Path, afterwards: Afterwards, stage: Stage) -> Result<Tried> {
        let failed = |error| Error::io(stage, name, &error);
        let file = match open.take() {
            Some(file) => file,
            None => match open_lock(name) {
                // The one of another user, who has it or left it; what cannot be made at all is told at once.
                Err(error) if error.kind() == ErrorKind::PermissionDenied && is_plain(name) => return Ok(Tried::Shut),
                opened => opened.map_err(failed)?,
            },
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                *open = Some(file);
                return Ok(Tried::Busy);
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Its holder may have removed it since it was opened.
        let same = is_at(&file, name).map_err(failed)?;
        Ok(if same { Tried::Got(Held { file, name: name.to_owned(), afterwards }) } else { Tried::Busy })
    }
}

/// What comes of trying once.
enum Tried {
    Got(Held),
    /// Somebody has it, or had it a moment ago.
    Busy,
    /// Its file is another user's and cannot be opened.
    Shut,
}

impl Drop for Held {
    fn drop(&mut self) {
        if cfg!(unix) && self.afterwards == Afterwards::Removed && is_at(&self.file, &self.name).unwrap_or(false) {
            // One that stays is in nobody's way.
            let _ = fs::remove_file(&self.name);
        }
    }
}

/// Opens the file of a lock, or makes it. One that is there is opened without making it: some systems refuse to open another user's
/// file in a shared folder in that way.
fn open_lock(name: &Path) -> io::Result<File> {
    for _ in 0..NAMES {
        match open_left(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        private(&mut options);
        match options.open(name) {
            // Somebody was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => {
                share(&file, name)?;
                return Ok(file);
            }
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "it comes and goes"))
}

/// Opens a file that is there to lock it, which most systems also do for a file that may only be read.
fn open_left(path: &Path) -> io::Result<File> {
    match plain::open_here(File::options().write(true), path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => plain::open_here(File::options().read(true), path),
        opened => opened,
    }
}

/// Lets those hold a lock who may write the folder of its file, and nobody else: they change what lies there, one after the other, and could
/// keep each other from it in any case.
fn share(file: &File, name: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let folder = fs::metadata(folder_of(name))?;
        let group = folder.mode() & 0o020 != 0
            && (file.metadata()?.gid() == folder.gid() || fchown(file, None, Some(folder.gid())).is_ok());
        let others = folder.mode() & 0o002 != 0;
        if group || others {
            let mode = 0o600 | if group { 0o060 } else { 0 } | if others { 0o004 } else { 0 };
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
    }
    #[cfg(not(unix))]
    let _ = (file, name);
    Ok(())
}

fn kept_by_another(path: &Path, name: &Path, patience: Duration, stage: Stage) -> Error {
    let message = format!(
        "{}: somebody else holds this lock, and {} is not changed without it; {} s were waited",
        name.shown(),
        path.shown(),
        patience.as_secs_f32()
    );
    let help = format!(
        "Try again when the other one is done; if it never is, find out who it is (`fuser {}`) and end it.",
        name.shown()
    );
    Error::new(Code::IoFailed, stage, message).with_help(help)
}

fn shut(name: &Path, stage: Stage) -> Error {
    let why = "this lock is another user's, who holds it or left it, and cannot be opened";
    Error::io(stage, name, &io::Error::new(ErrorKind::PermissionDenied, why))
        .with_help("Try again when the other one is done; if nobody is at work there, remove that file.")
}

/// Who may read a file that was not there before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Readers {
    /// Its owner only, on Unix.
    Owner,
    /// Whom the process lets read new files.
    Usual,
}

/// Puts `bytes` in the place of what is at `path`, or of what a link there leads to. On Unix owner, group and mode stay as they were, as far as
/// this process may set them; `readers` are those of a new file.
///
/// # Errors
/// [`Code::IoFailed`], [`Code::IoNotFound`]; the old bytes are there then.
pub fn replace(path: &Path, bytes: &[u8], readers: Readers, stage: Stage) -> Result<()> {
    let path = followed(path);
    put(&path, bytes, readers, false, &mut |_| {}).map_err(|error| Error::io(stage, &path, &error))
}

/// Puts `bytes` at `path`, where there must be nothing yet, in the same way; its owner alone may read it. The file system must know hard
/// links.
///
/// # Errors
/// [`Code::IoFailed`] also where there is something already.
pub fn create(path: &Path, bytes: &[u8], stage: Stage) -> Result<()> {
    put(path, bytes, Readers::Owner, true, &mut |_| {}).map_err(|error| Error::io(stage, path, &error))
}

/// What [`put`] has done, one after the other. A test ends the process at each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Began,
    Made,
    Locked,
    WrittenInPart,
    Written,
    Synced,
    Named,
    Done,
}

/// Writes `bytes` to a file beside `path`, which gets its name when they are on the disk.
fn put(path: &Path, bytes: &[u8], readers: Readers, new: bool, step: &mut dyn FnMut(Step)) -> io::Result<()> {
    step(Step::Began);
    clear(path);
    let (mut file, temporary) = make(path, readers, step)?;
    let mut fill = || -> io::Result<()> {
        if !new && let Ok(about) = fs::metadata(path) {
            like(&file, &about)?;
        }
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)?;
        step(Step::WrittenInPart);
        file.write_all(second)?;
        step(Step::Written);
        file.sync_all()?;
        step(Step::Synced);
        if new {
            // Unlike a new name, a second one takes no other file's place.
            fs::hard_link(&temporary, path)?;
            step(Step::Named);
            fs::remove_file(&temporary)
        } else {
            fs::rename(&temporary, path)?;
            step(Step::Named);
            Ok(())
        }
    };
    if let Err(error) = fill() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_folder(path)?;
    step(Step::Done);
    Ok(())
}

/// A new file beside `path`, locked, and its name.
fn make(path: &Path, readers: Readers, step: &mut dyn FnMut(Step)) -> io::Result<(File, PathBuf)> {
    for _ in 0..NAMES {
        let mut random = [0; DIGITS / 2];
        getrandom::fill(&mut random)
            .map_err(|error| io::Error::other(format!("the system gives no randomness: {error}")))?;
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = with_ending(path, &format!(".{digits}{ENDING}"));
        let mut options = File::options();
        options.write(true).create_new(true);
        if readers == Readers::Owner {
            private(&mut options);
        }
        let file = match options.open(&name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            opened => opened?,
        };
        step(Step::Made);
        match file.try_lock() {
            // Somebody takes it for left behind, and removes it.
            Err(TryLockError::WouldBlock) => continue,
            // Where nobody can lock, nobody removes anything.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        step(Step::Locked);
        if is_at(&file, &name)? {
            return Ok((file, name));
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "no new file could be kept beside it: something removes them"))
}

/// Removes what killed writers of the file at `path` left. It is only tidying: what cannot be removed stays.
fn clear(path: &Path) {
    let owner = fs::metadata(path).ok();
    let Some(name) = path.file_name() else { return };
    let Ok(entries) = fs::read_dir(folder_of(path)) else { return };
    for entry in entries.flatten() {
        if is_left(name, &entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = remove_left(&entry.path(), owner.as_ref());
        }
    }
}

/// Whether `other` is a random name of the file called `name`.
fn is_left(name: &OsStr, other: &OsStr) -> bool {
    let (name, other) = (name.as_encoded_bytes(), other.as_encoded_bytes());
    let digits = other
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(ENDING.as_bytes()));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Removes a file that no living writer has locked, of this user or of whoever has the file that `beside` is of: a killed writer may have
/// given it to them.
fn remove_left(path: &Path, beside: Option<&fs::Metadata>) -> io::Result<()> {
    let file = open_left(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let owner = file.metadata()?.uid();
        if owner != rustix::process::geteuid().as_raw() && beside.is_none_or(|beside| beside.uid() != owner) {
            return Ok(());
        }
    }
    #[cfg(not(unix))]
    let _ = beside;
    if file.try_lock().is_ok() && is_at(&file, path)? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Whether `file` is what lies at `path`, which no link leads to. Where the system does not tell, whether anything does.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        there => there?,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let here = file.metadata()?;
        Ok((here.dev(), here.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(there.is_file())
    }
}

fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
}

/// Gives `file` to whom the file that `about` is of belongs, with the same mode.
fn like(file: &File, about: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let new = file.metadata()?;
        if new.uid() != about.uid() || new.gid() != about.gid() {
            // Only root gives files away, and only members of a group give them to it.
            let given = fchown(file, Some(about.uid()), Some(about.gid()));
            let _ = given.or_else(|_| fchown(file, None, Some(about.gid())));
        }
        // Whoever had rights as the group had them as that very group.
        let other_group = file.metadata()?.gid() != about.gid();
        let mode = about.mode() & 0o7777 & if other_group { !0o070 } else { !0 };
        file.set_permissions(fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    file.set_permissions(about.permissions())
}

fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// The file itself, where links lead to one: whoever replaced the link would leave those behind who know the file by its own name.
fn followed(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the new name last. Other systems than Unix open no folders.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}
