//! Replaces a file as a whole, one writer at a time: a reader sees the old bytes or the new ones, also after the machine went down in between.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{hex::hex, key::refused};
use crate::{
    error::{Code, Error, Result, Stage},
    plain,
};

/// Puts `bytes` in the place of what is at `path`, or of what a link there leads to. On Unix who may read it stays as it was; a new file is
/// its owner's only.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = &followed(path);
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
        fs::rename(temporary, path)
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

/// Waits until nobody else changes what is at `path`, and keeps others waiting while the file that it gives is held. The lock is a
/// file beside it, which stays: the file itself is another one after each change.
pub(super) fn lock(path: &Path) -> Result<File> {
    let mut name = followed(path).into_os_string();
    name.push(".lock");
    let failed = |error| Error::io(Stage::Vet, Path::new(&name), &error);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    // Who may open it may hold it, and keep its owner waiting.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = plain::open_with(&mut options, Path::new(&name)).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Makes the new name last. Other systems than Unix open no folders.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
