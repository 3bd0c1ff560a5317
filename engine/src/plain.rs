//! Opens files that the host named and that somebody may have exchanged meanwhile: a pipe in their place makes nobody wait, and whatever is
//! no plain file is refused.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// Opens the file at `path` as `options` say, through links but not through one at its end (on Unix).
///
/// # Errors
/// As [`open_with`], and for a link.
pub(crate) fn open_here(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW).bits()).unwrap_or(0);
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
    }
    plain(options.open(path)?)
}

/// Opens the file at `path` as `options` say, through links.
///
/// # Errors
/// The system's, and one of its own for what is no plain file.
pub(crate) fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // Opening a pipe would wait for its other end, and a terminal would become the program's own.
        let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or(0);
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
    }
    plain(options.open(path)?)
}

fn plain(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("this is no plain file")) }
}

/// The same for reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(File::options().read(true), path)
}
