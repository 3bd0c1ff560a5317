//! Writes a file as a whole, one writer at a time: a reader sees the old bytes or the new ones, or none of a new file, also after the
//! machine went down in between.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{hex::hex, key::refused};
use crate::shown::ShowPath as _;
use crate::{
    error::{Code, Error, Result, Stage},
    plain,
};

/// How long to wait for whoever changes the same file. To change one takes some milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// How long until the lock is tried again.
const TURN: Duration = Duration::from_millis(5);

/// Puts `bytes` in the place of what is at `path`, or of what a link there leads to. On Unix who may read it stays as it was; a new file is
/// its owner's only.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    put(&followed(path), bytes, |path, temporary| fs::rename(temporary, path))
}

/// Puts `bytes` at `path`, where there must be nothing yet, in the same way.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    // Unlike a new name, a second one takes no other file's place.
    put(path, bytes, |path, temporary| {
        fs::hard_link(temporary, path)?;
        fs::remove_file(temporary)
    })
}

/// Writes `bytes` to a file beside `path`, which `give_name` gives its name when they are on the disk.
fn put(path: &Path, bytes: &[u8], give_name: impl FnOnce(&Path, &Path) -> io::Result<()>) -> Result<()> {
    let mut unique = [0; 8];
    getrandom::fill(&mut unique)
        .map_err(|error| refused(Code::IoFailed, format!("the system gives no randomness: {error}")))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", hex(&unique)));
    let temporary = Path::new(&name);
    let put = || -> io::Result<()> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(temporary)?;
        if let Ok(about) = fs::metadata(path) {
            file.set_permissions(about.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        give_name(path, temporary)
    };
    if let Err(error) = put() {
        // The first error is the one to tell.
        let _ = fs::remove_file(temporary);
        return Err(Error::io(Stage::Vet, path, &error));
    }
    sync_folder(path).map_err(|error| Error::io(Stage::Vet, path, &error))
}

/// The file itself, where links lead to one: whoever replaced the link would leave those behind who know the file by its own name.
fn followed(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Waits until nobody else changes what is at `path`, for as long as `patience` lasts, and keeps others waiting while the file that it
/// gives is held. The lock is a file beside it, which stays: the file itself is another one after each change.
///
/// # Errors
/// [`Code::IoFailed`] where somebody keeps it for longer: whoever may open the lock could make everybody wait for ever.
pub(super) fn lock(path: &Path, patience: Duration) -> Result<File> {
    let mut name = followed(path).into_os_string();
    name.push(".lock");
    let name = Path::new(&name);
    let failed = |error| Error::io(Stage::Vet, name, &error);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    // Who may open it may hold it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = plain::open_with(&mut options, name).map_err(failed)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => thread::sleep(TURN),
            Err(TryLockError::WouldBlock) => {
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
                return Err(refused(Code::IoFailed, message).with_help(help));
            }
        }
    }
}

/// Makes the new name last. Other systems than Unix open no folders.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
