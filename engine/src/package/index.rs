//! [`Index`]: the list of a plugin's files, which is the text of `META/files`. It hashes, writes and reads strictly; it opens nothing.

use std::{fmt, sync::Arc};

use modhost_backend::{FileSet, Place};
use semver::Version;
use sha2::{Digest as _, Sha256, Sha512};

use super::{
    Digest, Id, Package,
    depends::LONGEST_VERSION,
    digest::hex,
    meta::{INDEX, LONGEST_INDEX, is_meta},
    name::check_packed,
};
use crate::{Code, Error, Result, Stage};

/// What the first line begins with.
const FORMAT: &str = "modhost-files ";

/// How the files of an [`Index`] are hashed.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256, 64 digits.
    #[default]
    Sha256,
    /// SHA-512, 128 digits.
    Sha512,
}

impl Algorithm {
    /// The first line of an index that uses it.
    fn first_line(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "modhost-files 1",
            Algorithm::Sha512 => "modhost-files 1 sha512",
        }
    }

    fn digits(self) -> usize {
        match self {
            Algorithm::Sha256 => 64,
            Algorithm::Sha512 => 128,
        }
    }

    fn hash(self, bytes: &[u8]) -> String {
        match self {
            Algorithm::Sha256 => hex(&Sha256::digest(bytes)),
            Algorithm::Sha512 => hex(&Sha512::digest(bytes)),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        })
    }
}

/// One line of an [`Index`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct IndexedFile {
    /// The path inside the plugin.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest by the index's algorithm, in digits of `0-9a-f`.
    pub digest: String,
}

/// What a plugin is: its id, its version and each of its files by digest, size and path.
///
/// It is UTF-8 text of one line each: `modhost-files 1` (`modhost-files 1 sha512` where the files are hashed so), the id, the version,
/// then for each file in the order of the paths' bytes its digest in hex, its size in bytes and its path, with a space between. There is
/// one spelling, and another is refused. In a package it is `META/files`; what is under `META/` is not listed itself. The SHA-256 of the
/// text is the plugin's [`Digest`].
///
/// ```
/// use modhost::package::{Caps, Index, Package};
///
/// let wolf = Package::from_bytes("wolf.lua", b"", &Caps::default())?;
/// let index = wolf.index();
/// let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// assert_eq!(index.to_string(), format!("modhost-files 1\nwolf\n0.0.0\n{empty} 0 wolf.lua\n"));
/// assert_eq!(Index::parse(index.as_bytes())?, *index);
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Index {
    algorithm: Algorithm,
    id: Id,
    version: Version,
    files: Vec<IndexedFile>,
    text: String,
}

impl Index {
    /// Hashes every file of a plugin by SHA-256.
    #[must_use]
    pub fn of(package: &Package) -> Self {
        Index::over(Algorithm::Sha256, package.id(), package.version(), package.files())
    }

    /// Hashes these files.
    pub(super) fn over(algorithm: Algorithm, id: &Id, version: &Version, files: &FileSet) -> Self {
        let file = |(path, bytes): (&str, &Arc<[u8]>)| IndexedFile {
            path: path.to_owned(),
            size: bytes.len() as u64,
            digest: algorithm.hash(bytes),
        };
        // A set of files is in the order of the paths' bytes.
        let files = files.iter().map(file).collect();
        Index::new(algorithm, id.clone(), version.clone(), files)
    }

    fn new(algorithm: Algorithm, id: Id, version: Version, files: Vec<IndexedFile>) -> Self {
        let mut text = format!("{}\n{id}\n{version}\n", algorithm.first_line());
        for IndexedFile { path, size, digest } in &files {
            text.push_str(&format!("{digest} {size} {path}\n"));
        }
        Index { algorithm, id, version, files, text }
    }

    /// Reads the bytes of `META/files`.
    ///
    /// # Errors
    /// With the line: `package.index` for what is not the one spelling of an index, `package.newer` for a later format,
    /// `package.name` and `package.escapes` for a path that no package may hold; `package.too-large` beyond 4 MiB.
    pub fn parse(bytes: &[u8]) -> Result<Index> {
        if bytes.len() as u64 > LONGEST_INDEX {
            let message = format!("the file has more than {LONGEST_INDEX} bytes");
            return Err(Error::new(Code::PackageTooLarge, Stage::Open, message).at_place(Place::file(INDEX)));
        }
        let line_of = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let plain = |byte: &u8| matches!(byte, b'\n' | b' '..=b'~');
        if let Some(at) = bytes.iter().position(|byte| !plain(byte)) {
            return Err(wrong(line_of(at), "there is something other than ASCII text"));
        }
        let text = str::from_utf8(bytes).unwrap_or_default();
        if !text.ends_with('\n') {
            return Err(wrong(line_of(bytes.len()), "the last line has no end"));
        }
        let mut lines = text.split_terminator('\n').zip(1..);
        let mut head =
            |what: &str| lines.next().ok_or_else(|| wrong(line_of(bytes.len()), &format!("{what} is missing")));
        let algorithm = algorithm(head("the format")?.0)?;
        let (id, at) = head("the id")?;
        let id = Id::new(id).map_err(|error| wrong(at, &error.to_string()))?;
        let (version, at) = head("the version")?;
        let version = Some(version)
            .filter(|text| text.len() <= LONGEST_VERSION)
            .and_then(|text| Version::parse(text).ok())
            .ok_or_else(|| wrong(at, "this is not a version like 1.2.3"))?;
        let mut files: Vec<IndexedFile> = Vec::new();
        for (text, at) in lines {
            let file = line(algorithm, text, at)?;
            if files.last().is_some_and(|last| last.path >= file.path) {
                return Err(wrong(at, "the paths are not in the order of their bytes, each once"));
            }
            files.push(file);
        }
        let index = Index::new(algorithm, id, version, files);
        // Whatever the checks above may let pass: there is one spelling.
        if index.text != text {
            let same = index.text.lines().zip(text.lines()).take_while(|(own, given)| own == given).count();
            return Err(wrong(same + 1, "this is not as modhost writes it"));
        }
        Ok(index)
    }

    /// Holds files against it.
    ///
    /// # Errors
    /// `package.file-missing`, `package.file-extra` or `package.file-changed`, with the path.
    pub(super) fn check(&self, files: &FileSet) -> Result<()> {
        let error = |code, path: &str, message: String| {
            let place = Place::file(path.escape_debug().to_string());
            Err(Error::new(code, Stage::Open, message).at_place(place))
        };
        if let Some(file) = self.files.iter().find(|file| files.get(&file.path).is_none()) {
            return error(Code::PackageFileMissing, &file.path, format!("{INDEX} lists it, and it is not there"));
        }
        if let Some((path, _)) = files.iter().find(|(path, _)| self.file(path).is_none()) {
            return error(Code::PackageFileExtra, path, format!("it is there, and {INDEX} does not list it"));
        }
        for file in &self.files {
            let bytes = files.get(&file.path).map_or(&[][..], |bytes| bytes);
            if bytes.len() as u64 != file.size {
                let message = format!("it has {} bytes, and {INDEX} says {}", bytes.len(), file.size);
                return error(Code::PackageFileChanged, &file.path, message);
            }
            if self.algorithm.hash(bytes) != file.digest {
                let message = format!("its {} is not the one that {INDEX} says", self.algorithm);
                return error(Code::PackageFileChanged, &file.path, message);
            }
        }
        Ok(())
    }

    /// How the files are hashed.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The plugin's id.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The plugin's version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The files, by path.
    #[must_use]
    pub fn files(&self) -> &[IndexedFile] {
        &self.files
    }

    /// The file of this path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&IndexedFile> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(at)
    }

    /// The bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }

    /// The text, which is what signatures are over.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The SHA-256 of the text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(Sha256::digest(self.as_bytes()).into())
    }
}

/// The text of `META/files`.
impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn at_line(code: Code, line: usize, message: impl Into<String>) -> Error {
    let line = Some(u32::try_from(line).unwrap_or(u32::MAX));
    Error::new(code, Stage::Open, message).at_place(Place { line, ..Place::file(INDEX) })
}

fn wrong(line: usize, message: &str) -> Error {
    at_line(Code::PackageIndex, line, message)
}

/// What the first line says.
fn algorithm(line: &str) -> Result<Algorithm> {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        if line == algorithm.first_line() {
            return Ok(algorithm);
        }
    }
    let later = line.strip_prefix(FORMAT).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    Err(match later.filter(|format| *format > 1) {
        Some(format) => {
            let message = format!("this is format {format}; modhost {} reads format 1", env!("CARGO_PKG_VERSION"));
            at_line(Code::PackageNewer, 1, message)
        }
        None => wrong(1, "this is neither `modhost-files 1` nor `modhost-files 1 sha512`"),
    })
}

/// Digest, size and path.
fn line(algorithm: Algorithm, text: &str, at: usize) -> Result<IndexedFile> {
    let mut parts = text.splitn(3, ' ');
    let (Some(digest), Some(size), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong(at, "a line is digest, size and path, with one space between"));
    };
    let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digest.len() != algorithm.digits() || !digest.bytes().all(digits) {
        return Err(wrong(at, &format!("a digest has {} digits of 0-9 and a-f here", algorithm.digits())));
    }
    // With a sign or with zeros before it, it is another spelling, which is found out as a whole.
    let size = size.parse::<u64>().map_err(|_| wrong(at, "a size is a whole number of bytes"))?;
    check_packed(path).map_err(|(code, problem)| at_line(code, at, format!("the path {problem}")))?;
    if is_meta(path) {
        return Err(wrong(at, "what is in META is not listed"));
    }
    Ok(IndexedFile { path: path.to_owned(), size, digest: digest.to_owned() })
}
