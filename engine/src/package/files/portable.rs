//! Folders by path, for systems without descriptors of folders. Links are looked for before a name is opened; what is
//! swapped between the two is not noticed here.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::FileKind;

/// A folder.
pub(super) struct Folder(PathBuf);

fn refused() -> io::Error {
    io::Error::other("a link took the place of a file or folder")
}

impl Folder {
    /// Opens a folder by a path without links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path)?.is_dir() { Ok(Folder(path.to_owned())) } else { Err(refused()) }
    }

    /// Another handle of the same folder.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Folder(self.0.clone()))
    }

    /// The names in it, in no order.
    pub(super) fn names(&self) -> io::Result<impl Iterator<Item = io::Result<OsString>>> {
        Ok(fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name())))
    }

    /// What a name stands for.
    pub(super) fn kind(&self, name: impl AsRef<OsStr>) -> io::Result<FileKind> {
        let kind = fs::symlink_metadata(self.0.join(name.as_ref()))?.file_type();
        Ok(if kind.is_symlink() {
            FileKind::Link
        } else if kind.is_dir() {
            FileKind::Folder
        } else if kind.is_file() {
            FileKind::File
        } else {
            FileKind::Special
        })
    }

    /// Opens a folder in it.
    pub(super) fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        Folder::open(&self.0.join(name.as_ref()))
    }

    /// Opens a file in it for reading; the caller checks that it is a plain one.
    pub(super) fn file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let path = self.0.join(name.as_ref());
        if fs::symlink_metadata(&path)?.is_file() { File::open(path) } else { Err(refused()) }
    }
}
