//! Packs a plugin as one `.modpkg`: the same files give the same bytes, and what was written has been read back.

use flate2::{Compress, Compression, FlushCompress, Status};
use modhost_backend::FileSet;

use super::{
    Algorithm, Caps, Index, MANIFEST, Package,
    layout::{Entry, MOST, Method, crc, end, seal},
    meta::{ENVELOPE, INDEX},
    open::not_a_plugin,
};
use crate::{Code, Error, Result, Stage};

/// The name that a lockfile has beside plugins.
pub(crate) const LOCKFILE: &str = "modhost.lock";
/// The name of the signatures beside it.
pub(crate) const LOCK_SIGNATURES: &str = "modhost.lock.signatures";

/// How hard it is deflated. Fixed, as every choice is.
const LEVEL: u32 = 6;

/// A package in memory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Packed {
    /// The `.modpkg` file.
    pub bytes: Vec<u8>,
    /// What was read back of it.
    pub package: Package,
    /// Paths of the files that were left out.
    pub left_out: Vec<String>,
}

impl Packed {
    /// `ID-VERSION.modpkg`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.modpkg", self.package.id(), self.package.version())
    }
}

/// What earlier runs of the command leave beside a plugin's files. A package within itself would never be the same twice.
fn is_left_out(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == LOCKFILE || name == LOCK_SIGNATURES || name.to_ascii_lowercase().ends_with(".modpkg")
}

pub(super) fn pack(package: &Package, algorithm: Algorithm, envelope: Option<&[u8]>, caps: &Caps) -> Result<Packed> {
    if package.files().get(MANIFEST).is_none() {
        let error = not_a_plugin(package.source(), "a single file has no plugin.toml, and a package needs one");
        return Err(error.with_help("Put the file and a plugin.toml into a folder, and pack the folder."));
    }
    let (mut files, mut left_out) = (FileSet::default(), Vec::new());
    for (path, bytes) in package.files().iter() {
        if is_left_out(path) {
            left_out.push(path.to_owned());
        } else {
            files.insert(path, bytes.clone());
        }
    }
    let index = Index::over(algorithm, package.id(), package.version(), &files);
    let mut archive = Writer { bytes: Vec::new(), entries: Vec::new(), ratio: caps.ratio };
    archive.add(INDEX, index.as_bytes())?;
    if let Some(envelope) = envelope {
        archive.add(ENVELOPE, envelope)?;
    }
    for (path, bytes) in files.iter() {
        archive.add(path, bytes)?;
    }
    let bytes = archive.finish()?;
    let name = format!("{}.modpkg", package.id());
    // The reader's own checks are the writer's: there are no others that could differ.
    let read = Package::from_bytes(&name, &bytes, caps).map_err(|error| error.of(package.id().as_str()))?;
    if *read.index() != index || read.envelope() != envelope {
        return Err(Error::new(Code::InternalBug, Stage::Open, "what was packed reads differently"));
    }
    Ok(Packed { bytes, package: read, left_out })
}

struct Writer {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    ratio: u64,
}

impl Writer {
    fn add(&mut self, name: &str, file: &[u8]) -> Result<()> {
        let deflated = deflate(file, self.ratio);
        let (method, data) = match &deflated {
            Some(data) => (Method::Deflated, &data[..]),
            None => (Method::Stored, file),
        };
        let entry = Entry {
            name: name.to_owned(),
            method,
            crc: crc(file),
            packed: short(data.len())?,
            size: short(file.len())?,
            at: short(self.bytes.len())?,
        };
        self.bytes.extend(entry.local());
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(data);
        self.entries.push(entry);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        let at = self.bytes.len();
        for entry in &self.entries {
            self.bytes.extend(entry.central());
            self.bytes.extend(entry.name.as_bytes());
        }
        if self.entries.len() > MOST {
            return Err(too_large(format!("a package has at most {MOST} files")));
        }
        let end = end(self.entries.len() as u16, short(self.bytes.len() - at)?, short(at)?);
        self.bytes.extend(end);
        let seal = seal(&self.bytes);
        self.bytes.extend(seal.as_bytes());
        Ok(self.bytes)
    }
}

fn too_large(message: String) -> Error {
    Error::new(Code::PackageTooLarge, Stage::Open, message)
}

/// A number of bytes as a zip writes it without its 64-bit extension.
fn short(bytes: usize) -> Result<u32> {
    let short = u32::try_from(bytes).ok().filter(|bytes| *bytes < u32::MAX);
    short.ok_or_else(|| too_large("a package is smaller than 4 GiB".into()))
}

/// A file deflated, `None` where it is to be stored: it gets no smaller, or so small that a reader would take it for an attack.
fn deflate(file: &[u8], ratio: u64) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(file.len());
    // Out of room before its end, it is no smaller.
    let status = Compress::new(Compression::new(LEVEL), false).compress_vec(file, &mut out, FlushCompress::Finish);
    let small = out.len() < file.len() && file.len() as u64 <= ratio.saturating_mul(out.len() as u64);
    (matches!(status, Ok(Status::StreamEnd)) && small).then_some(out)
}
