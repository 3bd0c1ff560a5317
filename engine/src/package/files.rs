//! Reads the files of one plugin, each once and within [`Caps`], into a [`FileSet`].
//!
//! No link is ever followed by the system below a plugin's folder: folders and files are opened part by part from the
//! plugin's own folder, and what is opened must be a plain file. A link is followed here, step by step and not for long; if it leads to
//! a file inside the folder, that file is opened in the same way. So a link that is swapped meanwhile leads nowhere else.

#[cfg(not(unix))]
#[path = "files/portable.rs"]
mod system;
#[cfg(unix)]
#[path = "files/unix.rs"]
mod system;

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use modhost_backend::{FileSet, Place};

use super::{
    Caps, Omission, Omitted,
    litter::of_hidden,
    meta::{ENVELOPE, INDEX, META, error as odd_meta, longest},
    name::check_part,
};
use crate::{Code, Error, Result, Stage, plain};
use system::Folder;

/// What a name of a folder stands for, links not followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum FileKind {
    File,
    Folder,
    Link,
    Special,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::File => "a plain file",
            FileKind::Folder => "a folder",
            FileKind::Link => "a link",
            FileKind::Special => "a pipe, a socket or a device",
        })
    }
}

/// Folders that tools fill with what is no part of a plugin.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// The most links from one to the next, as most systems have it.
const HOPS: usize = 40;
/// How many steps, from a part of a path to the next, there may be on all links of a plugin together, for each file that it may have. One link
/// of 4 KiB has 2,000 of them and may lead to the next: 1,000 such links took more than a minute.
pub(super) const STEPS: usize = 16;

/// The files of one plugin's folder, as far as they have been read.
pub(super) struct Reader<'c> {
    caps: &'c Caps,
    /// The folder's own path without links.
    path: PathBuf,
    folder: Folder,
    files: FileSet,
    bytes: u64,
    seen: usize,
    /// Steps on the way along links.
    steps: usize,
    /// What is not read: hidden names, and folders of tools.
    unread: Vec<Omitted>,
}

fn error(code: Code, path: &str, message: impl Into<String>) -> Error {
    Error::new(code, Stage::Open, message).at_place(Place::file(path.escape_debug().to_string()))
}

fn io_error(path: &str, error: &io::Error) -> Error {
    Error::io(Stage::Open, Path::new(path), error)
}

fn special(path: &str) -> Error {
    error(Code::PackageSpecialFile, path, "this is neither a plain file nor a folder")
}

/// What lies in a folder of plugins, open: whatever takes its place now, this is what is read.
pub(super) enum Found<'c> {
    File(File),
    Folder(Reader<'c>),
}

/// Opens what lies at `parts` below the folder `root`, whose own path is without links. A link that took the place of one of the parts
/// since they were looked at is not followed.
pub(super) fn find<'c>(root: &Path, parts: &[OsString], shown: &str, caps: &'c Caps) -> Result<Found<'c>> {
    let failed = |error| io_error(shown, &error);
    let Some((last, parents)) = parts.split_last() else { return Err(special(shown)) };
    let mut folder = Folder::open(root).map_err(failed)?;
    for part in parents {
        folder = folder.folder(part).map_err(failed)?;
    }
    match folder.kind(last).map_err(failed)? {
        FileKind::File => folder.file(last).map(Found::File).map_err(failed),
        FileKind::Folder => {
            let path = root.join(parts.iter().collect::<PathBuf>());
            Ok(Found::Folder(Reader::of(path, folder.folder(last).map_err(failed)?, caps)))
        }
        FileKind::Link | FileKind::Special => Err(special(shown)),
    }
}

/// What a name of a folder stands for, `None` where there is nothing of that name.
fn kind_of(folder: &Folder, name: &str, shown: &str) -> Result<Option<FileKind>> {
    match folder.kind(name) {
        Ok(kind) => Ok(Some(kind)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(shown, &error)),
    }
}

impl<'c> Reader<'c> {
    /// Opens a plugin's folder; `path` itself may be a link.
    pub(super) fn open(path: &Path, caps: &'c Caps) -> Result<Self> {
        let failed = |error| Error::io(Stage::Open, path, &error);
        let path = fs::canonicalize(path).map_err(failed)?;
        let folder = Folder::open(&path).map_err(failed)?;
        Ok(Reader::of(path, folder, caps))
    }

    fn of(path: PathBuf, folder: Folder, caps: &'c Caps) -> Self {
        Reader { caps, path, folder, files: FileSet::default(), bytes: 0, seen: 0, steps: 0, unread: Vec::new() }
    }

    /// Reads one file that somebody named, `None` where it is not there. `cap` is its own limit beside the plugin's.
    pub(super) fn read(&mut self, path: &str, cap: u64) -> Result<Option<&[u8]>> {
        if self.files.get(path).is_none() {
            let Some(file) = self.resolve(path, false)? else { return Ok(None) };
            self.take(path, file, cap)?;
        }
        Ok(self.files.get(path).map(AsRef::as_ref))
    }

    /// Whether anything has this name in the plugin's own folder.
    pub(super) fn has(&self, name: &str) -> Result<bool> {
        Ok(kind_of(&self.folder, name, name)?.is_some())
    }

    /// Reads `META/files`, `None` where there is none. Neither it nor META may be a link: what is a plugin's own list or signature lies
    /// in its own place.
    pub(super) fn read_index(&mut self) -> Result<Option<&[u8]>> {
        if let Some(meta) = self.meta()? {
            self.read_in(&meta, INDEX)?;
        }
        Ok(self.files.get(INDEX).map(AsRef::as_ref))
    }

    /// Reads what else is in META, of which nothing may be there but plain files of the two names.
    pub(super) fn read_meta(&mut self) -> Result<()> {
        let Some(meta) = self.meta()? else { return Ok(()) };
        for name in meta.names().map_err(|error| io_error(META, &error))? {
            let name = name.map_err(|error| io_error(META, &error))?;
            longest(&join(META, &name.to_string_lossy()))?;
        }
        self.read_in(&meta, INDEX)?;
        self.read_in(&meta, ENVELOPE)
    }

    /// META, where there is one.
    fn meta(&self) -> Result<Option<Folder>> {
        match kind_of(&self.folder, META, META)? {
            None => Ok(None),
            Some(FileKind::Folder) => self.folder.folder(META).map(Some).map_err(|error| io_error(META, &error)),
            Some(other) => Err(odd_meta(META, &format!("this is {other}; META is a folder"))),
        }
    }

    fn read_in(&mut self, meta: &Folder, path: &str) -> Result<()> {
        let name = path.rsplit('/').next().unwrap_or(path);
        if self.files.get(path).is_some() {
            return Ok(());
        }
        match kind_of(meta, name, path)? {
            None => Ok(()),
            Some(FileKind::File) => {
                let file = meta.file(name).map_err(|error| io_error(path, &error))?;
                self.take(path, file, longest(path)?.min(self.caps.file))
            }
            Some(other) => Err(odd_meta(path, &format!("this is {other}; it has to be a plain file"))),
        }
    }

    /// Reads everything else.
    pub(super) fn read_all(&mut self) -> Result<()> {
        let folder = self.folder.again().map_err(|error| io_error(".", &error))?;
        self.visit(&folder, "", 0)
    }

    /// The files, and what was not read.
    pub(super) fn finish(self) -> (FileSet, Vec<Omitted>) {
        (self.files, self.unread)
    }

    fn visit(&mut self, folder: &Folder, prefix: &str, depth: usize) -> Result<()> {
        let failed = |error| io_error(if prefix.is_empty() { "." } else { prefix }, &error);
        let left = self.caps.files - self.seen.min(self.caps.files);
        // Sorted, so that of several errors the same one is found everywhere.
        let (mut names, mut hidden) = names(folder, left).map_err(failed)?;
        names.sort();
        hidden.sort();
        self.unread.extend(hidden.into_iter().map(|name| {
            let path = join(prefix, &name.to_string_lossy());
            Omitted { why: of_hidden(&path), path }
        }));
        let mut folded = HashSet::new();
        for name in names {
            self.seen += 1;
            let shown = join(prefix, &name.to_string_lossy());
            if self.seen > self.caps.files {
                let message = format!("the plugin has more than {} files and folders", self.caps.files);
                return Err(error(Code::PackageTooLarge, &shown, message));
            }
            let name = portable(&name, &shown)?;
            let kind = folder.kind(name).map_err(|error| io_error(&shown, &error))?;
            if SKIPPED.contains(&name) && matches!(kind, FileKind::Folder | FileKind::Link) {
                self.unread.push(Omitted { path: shown, why: Omission::Build });
                continue;
            }
            if !folded.insert(name.to_lowercase()) {
                let message = "the folder has another name that differs in upper and lower case only";
                return Err(error(Code::PackageName, &shown, message));
            }
            match kind {
                FileKind::Folder if depth + 1 > self.caps.depth => {
                    let message = format!("folders are nested more than {} deep", self.caps.depth);
                    return Err(error(Code::PackageTooLarge, &shown, message));
                }
                FileKind::Folder => {
                    let inner = folder.folder(name).map_err(|error| io_error(&shown, &error))?;
                    self.visit(&inner, &shown, depth + 1)?;
                }
                FileKind::Special => return Err(special(&shown)),
                FileKind::File | FileKind::Link if self.files.get(&shown).is_some() => {}
                FileKind::File => {
                    let file = folder.file(name).map_err(|error| io_error(&shown, &error))?;
                    self.take(&shown, file, self.caps.file)?;
                }
                FileKind::Link => {
                    let Some(file) = self.resolve(&shown, true)? else { return Err(nowhere(&shown)) };
                    self.take(&shown, file, self.caps.file)?;
                }
            }
        }
        Ok(())
    }

    /// Reads at most one byte more than is allowed, whatever the file claims to hold.
    fn take(&mut self, path: &str, file: File, cap: u64) -> Result<()> {
        let left = self.caps.total.saturating_sub(self.bytes);
        let most = cap.min(left);
        let bytes = bounded(file, most, path)?.ok_or_else(|| {
            let message = if cap <= left {
                format!("the file has more than {cap} bytes")
            } else {
                format!("the plugin's files have more than {} bytes together", self.caps.total)
            };
            error(Code::PackageTooLarge, path, message)
        })?;
        self.bytes += bytes.len() as u64;
        self.files.insert(path, bytes);
        Ok(())
    }

    /// Opens `path` inside the folder, through links that stay inside it. `None` where nothing is there.
    fn resolve(&mut self, path: &str, is_link: bool) -> Result<Option<File>> {
        let left = path.rsplit('/').map(OsString::from).collect();
        let Some(parts) = follow(&self.path, left, path, &mut self.steps, STEPS * self.caps.files)? else {
            return Ok(None);
        };
        let Some((last, parents)) = parts.split_last() else {
            return Err(error(Code::PackageSpecialFile, path, "this is a link to a folder"));
        };
        let failed = |error| io_error(path, &error);
        let mut folder = self.folder.again().map_err(failed)?;
        for part in parents {
            folder = folder.folder(part).map_err(failed)?;
        }
        match folder.kind(last).map_err(failed)? {
            FileKind::File => folder.file(last).map(Some).map_err(failed),
            FileKind::Folder if is_link => {
                Err(error(Code::PackageSpecialFile, path, "this is a link to a folder; only links to files are read"))
            }
            FileKind::Folder => Err(error(Code::PackageSpecialFile, path, "this is a folder, a file was expected")),
            FileKind::Link | FileKind::Special => Err(special(path)),
        }
    }
}

/// Where a path leads from the folder `root`, whose own path is without links: its parts, without links too. Nothing outside of the folder is
/// looked at. `None` where nothing is there, and no link leads to it. `left` are the parts of the path, the last one first, `path` is it
/// as it is shown; `steps` counts those along links, up to `most`.
pub(super) fn follow(
    root: &Path,
    mut left: Vec<OsString>,
    path: &str,
    steps: &mut usize,
    most: usize,
) -> Result<Option<Vec<OsString>>> {
    let mut inside: Vec<OsString> = Vec::new();
    let mut hops = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            inside.pop().ok_or_else(|| outside(path))?;
            continue;
        }
        inside.push(part);
        let here = root.join(inside.iter().collect::<PathBuf>());
        let is_link = match fs::symlink_metadata(&here) {
            Ok(about) => about.is_symlink(),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return if hops > 0 { Err(nowhere(path)) } else { Ok(None) };
            }
            Err(error) => return Err(io_error(path, &error)),
        };
        if !is_link {
            continue;
        }
        hops += 1;
        let target = fs::read_link(&here).map_err(|error| io_error(path, &error))?;
        inside.pop();
        let relative = if target.is_absolute() {
            inside.clear();
            target.strip_prefix(root).map_err(|_| outside(path))?
        } else {
            &target
        };
        let before = left.len();
        for part in relative.components().rev() {
            match part {
                Component::CurDir => {}
                Component::Normal(_) | Component::ParentDir => left.push(part.as_os_str().to_owned()),
                Component::RootDir | Component::Prefix(_) => return Err(outside(path)),
            }
        }
        *steps += left.len() - before + 1;
        if *steps > most {
            let message = "the links here lead on too long ways";
            return Err(error(Code::PackageTooLarge, path, message));
        }
        if hops > HOPS {
            return Err(nowhere(path));
        }
    }
    Ok(Some(inside))
}

fn outside(path: &str) -> Error {
    error(Code::PackageEscapes, path, "this is a link that leaves the plugin's folder")
}

fn nowhere(path: &str) -> Error {
    error(Code::PackageSpecialFile, path, "this is a link that leads to nothing")
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") }
}

/// The names of a folder: those that are not hidden, at most one more than `most`, and as many of the hidden ones.
fn names(folder: &Folder, most: usize) -> io::Result<(Vec<OsString>, Vec<OsString>)> {
    let is_hidden = |name: &OsString| name.as_encoded_bytes().first() == Some(&b'.');
    let (mut names, mut hidden) = (Vec::new(), Vec::new());
    for name in folder.names()? {
        let name = name?;
        let kind = if is_hidden(&name) { &mut hidden } else { &mut names };
        if kind.len() <= most {
            kind.push(name);
        }
        if names.len() > most {
            break;
        }
    }
    Ok((names, hidden))
}

/// The same name as text that every system takes.
pub(super) fn portable<'n>(name: &'n OsStr, shown: &str) -> Result<&'n str> {
    let name = name.to_str().ok_or_else(|| error(Code::PackageName, shown, "the name is not UTF-8"))?;
    match check_part(name) {
        Ok(()) => Ok(name),
        Err(problem) => Err(error(Code::PackageName, shown, format!("the name {problem}"))),
    }
}

/// All bytes of a plain file, `None` where it has more than `most`. They are in memory once: the place is as large as the file says
/// it is, and at most one byte more than allowed is read of one that holds more than it said.
fn bounded(mut file: File, most: u64, path: &str) -> Result<Option<Arc<[u8]>>> {
    let failed = |error| io_error(path, &error);
    let Some(length) = told(&file, most, path)? else { return Ok(None) };
    // Zeroes that nobody has written to take no memory while they are copied, and copying is quick in every profile.
    let mut bytes: Arc<[u8]> = vec![0; length].into();
    // Nobody else has it yet.
    let read = fill(&mut file, Arc::get_mut(&mut bytes).unwrap_or_default()).map_err(failed)?;
    let mut rest = Vec::new();
    file.take((most - read as u64).saturating_add(1)).read_to_end(&mut rest).map_err(failed)?;
    if read as u64 + rest.len() as u64 > most {
        return Ok(None);
    }
    // It changed since it was asked.
    Ok(Some(if read < length || !rest.is_empty() { [&bytes[..read], &rest].concat().into() } else { bytes }))
}

/// How many bytes a plain file says that it has, `None` for more than `most`.
fn told(file: &File, most: u64, path: &str) -> Result<Option<usize>> {
    let about = file.metadata().map_err(|error| io_error(path, &error))?;
    if !about.is_file() {
        return Err(special(path));
    }
    Ok(usize::try_from(about.len()).ok().filter(|_| about.len() <= most))
}

/// Reads until `place` is full or the file is at its end; how much that was.
fn fill(file: &mut File, place: &mut [u8]) -> io::Result<usize> {
    let mut at = 0;
    while at < place.len() {
        match file.read(&mut place[at..]) {
            Ok(0) => break,
            Ok(more) => at += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

/// Reads one plugin file.
pub(super) fn read_single(file: File, name: &str, caps: &Caps) -> Result<FileSet> {
    let most = caps.file.min(caps.total);
    Ok(set_of(name, bounded(file, most, name)?.ok_or_else(|| too_large(name, most))?))
}

/// The same of a package, whose bytes nobody keeps: they need no place that can be shared, and no zeroes before they come.
pub(super) fn read_package(file: File, path: &Path, name: &str, most: u64) -> Result<Vec<u8>> {
    let length = told(&file, most, name)?.ok_or_else(|| too_large(name, most))?;
    let mut bytes = Vec::with_capacity(length);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| Error::io(Stage::Open, path, &error))?;
    if bytes.len() as u64 > most { Err(too_large(name, most)) } else { Ok(bytes) }
}

/// Opens a file that the user named, through links if there are any.
pub(super) fn named(path: &Path, name: &str) -> Result<File> {
    let failed = |error| Error::io(Stage::Open, path, &error);
    // Asked before it is opened: opening a device may do something.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(special(name));
    }
    plain::open(path).map_err(failed)
}

/// A set of one file that is in memory already.
pub(super) fn single_file(name: &str, bytes: &[u8], caps: &Caps) -> Result<FileSet> {
    let most = caps.file.min(caps.total);
    if bytes.len() as u64 > most { Err(too_large(name, most)) } else { Ok(set_of(name, bytes)) }
}

fn too_large(name: &str, most: u64) -> Error {
    error(Code::PackageTooLarge, name, format!("the file has more than {most} bytes"))
}

fn set_of(name: &str, bytes: impl Into<Arc<[u8]>>) -> FileSet {
    let mut files = FileSet::default();
    files.insert(name, bytes);
    files
}
