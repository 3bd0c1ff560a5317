//! Packs a plugin as one `.modpkg`: the same files give the same bytes, and what was written has been read back.

use std::path::Path;

use flate2::{Compress, Compression, FlushCompress, Status};
use modhost_backend::{FileSet, Place};

use super::{
    Algorithm, Caps, Index, MANIFEST, Manifest, Omission, Omitted, Package,
    artefact::kind_of,
    glob::means,
    layout::{Entry, MOST, Method, crc, end, seal},
    litter::of_file,
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

/// How a plugin is packed: see [`Package::pack_with`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PackOptions<'a> {
    /// By which the files are listed.
    pub algorithm: Algorithm,
    /// What becomes `META/signatures`.
    pub envelope: Option<&'a [u8]>,
    /// What is taken although it would be left out: paths of files or folders, or patterns in which `*` and `?` stand for signs of one
    /// part, and `**` for parts.
    pub include: &'a [String],
}

impl Default for PackOptions<'_> {
    /// SHA-256, no signatures, and nothing that would be left out.
    fn default() -> Self {
        PackOptions { algorithm: Algorithm::Sha256, envelope: None, include: &[] }
    }
}

/// A package in memory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Packed {
    /// The `.modpkg` file.
    pub bytes: Vec<u8>,
    /// What was read back of it.
    pub package: Package,
    /// What of the folder is not in it, sorted by path. A folder of which nothing was read stands for all in it.
    pub left_out: Vec<Omitted>,
    /// What would be left out and is in it: because it was asked for, or because signatures are over it already.
    pub included: Vec<Omitted>,
}

impl Packed {
    /// `ID-VERSION.modpkg`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.modpkg", self.package.id(), self.package.version())
    }
}

/// What is packed of a plugin.
#[derive(Default)]
struct Choice {
    files: FileSet,
    left_out: Vec<Omitted>,
    included: Vec<Omitted>,
}

impl Choice {
    fn of(package: &Package, options: &PackOptions<'_>) -> Result<Self> {
        // What was signed once is over all that is there, and nobody is asked again.
        let settled = package.recorded() && options.envelope.is_some();
        let mut choice = Choice { left_out: package.unread.clone(), ..Choice::default() };
        for (path, bytes) in package.files().iter() {
            let asked = || options.include.iter().any(|pattern| means(pattern, path));
            let omitted = of_file(path, bytes).map(|why| Omitted { path: path.to_owned(), why });
            match omitted {
                Some(one) if !settled && !asked() => choice.left_out.push(needed(package, options, one)?),
                omitted => {
                    choice.included.extend(omitted);
                    choice.files.insert(path, bytes.clone());
                }
            }
        }
        choice.left_out.sort();
        options.include.iter().try_for_each(|pattern| choice.check(pattern))?;
        Ok(choice)
    }

    /// Whether a pattern of what is to be included means anything: a slip of the pen would leave something out in silence.
    fn check(&self, pattern: &str) -> Result<()> {
        if self.included.iter().any(|one| means(pattern, &one.path)) {
            return Ok(());
        }
        let error = |message: String, help: &str| Err(Error::new(Code::Usage, Stage::Open, message).with_help(help));
        match self.left_out.iter().find(|one| means(pattern, &one.path)) {
            Some(one) if one.why == Omission::Build => error(
                format!("include `{}`: nothing in it is read but what [entry] names", one.path),
                "Put the file elsewhere, or name it under [entry] in plugin.toml.",
            ),
            Some(one) => error(
                format!("include `{}`: no package holds names that begin with a dot", one.path),
                "Rename the file if it belongs to the plugin.",
            ),
            None => error(
                format!("include `{pattern}`: nothing that would be left out has this path"),
                "Write the path as it stands among what is left out, from the plugin's folder; `*` and `**` stand for more.",
            ),
        }
    }
}

/// `one`, unless the plugin cannot do without it.
fn needed(package: &Package, options: &PackOptions<'_>, one: Omitted) -> Result<Omitted> {
    let Omitted { path, why } = &one;
    let named = |manifest: &Manifest| manifest.entries.iter().any(|entry| entry.path == *path);
    let is_entry = package.manifest().is_some_and(named) || package.artefacts().iter().any(|own| own.entry == *path);
    let because = if path == MANIFEST {
        "without it there is no plugin"
    } else if is_entry {
        "[entry] names it"
    } else if options.envelope.is_some() {
        "the signatures are over a list that has it"
    } else if kind_of(Path::new(path)).is_some() && *why == Omission::PrivateKey {
        "it is code, which may be missed"
    } else {
        return Ok(one);
    };
    let message = format!("it would be left out of the package ({why}), and {because}");
    let error = Error::new(Code::PackageLeftOut, Stage::Open, message).at_place(Place::file(path.as_str()));
    Err(error.of(package.id().as_str()))
}

pub(super) fn pack(package: &Package, options: &PackOptions<'_>, caps: &Caps) -> Result<Packed> {
    if package.files().get(MANIFEST).is_none() {
        let error = not_a_plugin(package.source(), "a single file has no plugin.toml, and a package needs one");
        return Err(error.with_help("Put the file and a plugin.toml into a folder, and pack the folder."));
    }
    let PackOptions { algorithm, envelope, .. } = *options;
    let Choice { files, left_out, included } = Choice::of(package, options)?;
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
    Ok(Packed { bytes, package: read, left_out, included })
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
