//! Files that are kept beside mods, lockfiles, mod sets, packages and signatures: reads texts within bounds, writes whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use modhost::{Code, Error, Result, Stage};

/// The longest text that is read, in bytes: one more than the engine takes, so that it says what is wrong.
const LONGEST: u64 = (16 << 20) + 1;

/// The text at `path`; `-` is standard input.
///
/// # Errors
/// `io.not-found`, `io.failed`, and `code` for what is no text.
pub(crate) fn read(path: &Path, code: Code) -> Result<String> {
    let failed = |error: io::Error| Error::io(Stage::Resolve, path, &error);
    let input: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin().lock()) } else { Box::new(File::open(path).map_err(failed)?) };
    let mut bytes = Vec::new();
    input.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8(bytes);
    text.map_err(|_| Error::new(code, Stage::Resolve, format!("{}: this is not UTF-8 text", path.display())))
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

/// Puts `text`, or other bytes, at `path`, in place of what is there: first beside it under another name, so that a failure leaves the old
/// text, also one of the machine.
///
/// # Errors
/// `io.failed`, `io.not-found`.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    let beside = beside(path);
    let written = File::create_new(&beside).and_then(|mut file| {
        file.write_all(text.as_ref())?;
        file.sync_all()
    });
    // Someone else's file of that name is left alone.
    if let Err(error) = &written
        && error.kind() == io::ErrorKind::AlreadyExists
    {
        return Err(Error::io(Stage::Engine, &beside, error));
    }
    let failed = |error| Error::io(Stage::Engine, path, &error);
    written.and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        // What is half written helps nobody; it may not be there at all.
        let _ = fs::remove_file(&beside);
        failed(error)
    })?;
    sync_folder(path).map_err(failed)
}

/// Makes the new name last. Other systems than Unix open no folders.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    name.into()
}
