//! Folders by descriptor: every name is looked up in an open folder, and no link is followed.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::Path,
};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};

use super::FileKind;

/// An open folder.
pub(super) struct Folder(OwnedFd);

/// Nonblocking, so that opening a pipe that took a file's place does not wait for a writer.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW).union(OFlags::DIRECTORY);

impl Folder {
    /// Opens a folder by a path without links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Folder(openat(CWD, path, FOLDER, Mode::empty())?))
    }

    /// Another handle of the same folder.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Folder(self.0.try_clone()?))
    }

    /// The names in it, in no order.
    pub(super) fn names(&self) -> io::Result<impl Iterator<Item = io::Result<OsString>>> {
        let names =
            Dir::read_from(&self.0)?.map(|entry| Ok(OsString::from_vec(entry?.file_name().to_bytes().to_vec())));
        let itself = |name: &OsString| matches!(name.as_bytes(), b"." | b"..");
        Ok(names.filter(move |name| !name.as_ref().is_ok_and(itself)))
    }

    /// What a name stands for.
    pub(super) fn kind(&self, name: impl AsRef<OsStr>) -> io::Result<FileKind> {
        let about = statat(&self.0, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(match FileType::from_raw_mode(about.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Folder,
            FileType::Symlink => FileKind::Link,
            _ => FileKind::Special,
        })
    }

    /// Opens a folder in it.
    pub(super) fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        Ok(Folder(openat(&self.0, name.as_ref(), FOLDER, Mode::empty())?))
    }

    /// Opens a file in it for reading; the caller checks that it is a plain one.
    pub(super) fn file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        Ok(File::from(openat(&self.0, name.as_ref(), FILE, Mode::empty())?))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    /// What a swap between looking and opening would need: that the opening itself follows a link or waits.
    #[test]
    fn opening_follows_no_link_and_does_not_wait() {
        let area = tempfile::tempdir().unwrap();
        let at = |name: &str| area.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("file"), "").unwrap();
        symlink("folder", at("to-folder")).unwrap();
        symlink("file", at("to-file")).unwrap();
        rustix::fs::mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let folder = Folder::open(area.path()).unwrap();
        assert!(folder.file("file").is_ok() && folder.folder("folder").is_ok());
        assert!(
            folder.file("to-file").is_err() && folder.folder("to-folder").is_err() && folder.folder("file").is_err()
        );
        assert!(Folder::open(&at("to-folder")).is_err());
        assert!(!folder.file("pipe").unwrap().metadata().unwrap().is_file(), "opened without a writer, and told apart");
        let mut names: Vec<_> = folder.names().unwrap().map(Result::unwrap).collect();
        names.sort();
        assert_eq!(names, ["file", "folder", "pipe", "to-file", "to-folder"]);
    }
}
