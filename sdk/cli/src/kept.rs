//! Files that are kept beside mods, lockfiles, mod sets, packages and signatures: reads texts within bounds, writes whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
    time::Duration,
};

use modhost::{
    Code, Error, Result, ShowPath as _, Stage,
    replace::{Afterwards, Held, Readers, replace},
};

/// The longest text that is read, in bytes: one more than the engine takes, so that it says what is wrong.
const LONGEST: u64 = (16 << 20) + 1;

/// How long [`hold`] waits for others.
const PATIENCE: Duration = Duration::from_secs(20);

/// The text at `path`; `-` is standard input.
///
/// # Errors
/// `io.not-found`, `io.failed`, and `code` for what is no text.
pub(crate) fn read(path: &Path, code: Code) -> Result<String> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        let read = io::stdin().lock().take(LONGEST).read_to_end(&mut bytes);
        read.map_err(|error| Error::io(Stage::Resolve, path, &error))?;
    } else {
        bytes = bounded(path, LONGEST)?;
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_| Error::new(code, Stage::Resolve, format!("{}: this is not UTF-8 text", path.shown())))
}

/// The first `most` bytes of the file at `path`.
///
/// # Errors
/// `io.not-found`, and `io.failed`, also for what is no plain file.
pub(crate) fn bounded(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| Error::io(Stage::Engine, path, &error))?;
    Ok(bytes)
}

/// Opens a file for reading. A pipe in its place would make the command wait for its other end, a device give what it likes: whatever is
/// no plain file is refused.
///
/// # Errors
/// The system's, and one of its own for what is no plain file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or(0);
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_plain_file()) }
}

fn no_plain_file() -> io::Error {
    io::Error::other("this is no plain file")
}

/// The text at `path`; `None` where there is nothing.
///
/// # Errors
/// Those of [`read`] but for `io.not-found`.
pub(crate) fn read_if_there(path: &Path, code: Code) -> Result<Option<String>> {
    match read(path, code) {
        Err(error) if error.code() == Code::IoNotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Whether `path` is free or of a plain file: nothing is written to a device, a pipe or a folder, nor beside it.
///
/// # Errors
/// `io.failed`.
pub(crate) fn writable(path: &Path) -> Result<()> {
    let other = fs::metadata(path).is_ok_and(|about| !about.is_file());
    if other { Err(Error::io(Stage::Engine, path, &no_plain_file())) } else { Ok(()) }
}

/// Puts `text`, or other bytes, at `path`, in place of what is there, or of what a link there leads to, whole or not at all. Who may read it
/// stays as it was. A device or a pipe is nobody's old text: it stays.
///
/// # Errors
/// `io.failed`, `io.not-found`.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    writable(path)?;
    replace(path, text.as_ref(), Readers::Usual, Stage::Engine)
}

/// Keeps others who ask for the same from changing what is at `path`, until it is dropped. Waits until nobody else does, a while.
///
/// # Errors
/// `io.failed`, also where somebody holds it for longer.
pub(crate) fn hold(path: &Path) -> Result<Held> {
    Held::wait(path, ".held", Afterwards::Removed, PATIENCE, Stage::Engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_written_stays_where_and_whose_it_was() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let area = tempfile::tempdir().unwrap();
        let (real, link) = (area.path().join("real"), area.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real", &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
