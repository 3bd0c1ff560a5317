//! Opens one plugin: a single file, a folder with its manifest, or a package.

use std::{
    env::consts::{ARCH, OS},
    fs::{self, File},
    path::Path,
    sync::OnceLock,
};

use crate::shown::ShowPath as _;
use modhost_backend::{FileSet, Kind, Place};
use semver::Version;

use super::{
    Artefact, Caps, Entry, Id, Index, MANIFEST, Manifest, Package,
    archive::Archive,
    artefact::{ENDINGS, is_package, kind_of},
    files::{Found, Reader, named, portable, read_package, read_single, single_file},
    meta::{INDEX, LONGEST_INDEX, Meta},
    opened::{Listed, Opened},
    parse::beginning,
};
use crate::{Code, Error, Result, Stage};

/// What a folder without `[entry]` may hold, in the order of its artefacts; of two for one backend the first counts.
const CONVENTIONAL: [&str; 5] = ["main.lua", "main.luau", "main.rhai", "main.wasm", "main.wat"];

/// Opens the plugin at `path`.
pub(super) fn open(path: &Path, caps: &Caps) -> Result<Opened> {
    let about = fs::metadata(path).map_err(|error| Error::io(Stage::Open, path, &error))?;
    if about.is_dir() {
        folder(path, Reader::open(path, caps)?, caps)
    } else {
        single(path, |name| named(path, name), caps)
    }
}

/// The plugin that was found at `path`.
pub(super) fn open_found(path: &Path, found: Found<'_>, caps: &Caps) -> Result<Opened> {
    match found {
        Found::File(file) => single(path, |_| Ok(file), caps),
        Found::Folder(reader) => folder(path, reader, caps),
    }
}

/// `package.not-a-plugin`.
pub(super) fn not_a_plugin(path: &Path, message: &str) -> Error {
    Error::new(Code::PackageNotAPlugin, Stage::Open, format!("{}: {message}", path.shown()))
}

fn no_ending(path: &Path) -> Error {
    let error = not_a_plugin(path, &format!("this is no plugin file; those end in {ENDINGS}"));
    let is_manifest = path.file_name().is_some_and(|name| name == MANIFEST);
    if is_manifest { error.with_help("Name the folder instead of its plugin.toml.") } else { error }
}

fn single(path: &Path, file: impl FnOnce(&str) -> Result<File>, caps: &Caps) -> Result<Opened> {
    let name = path.file_name().unwrap_or_default();
    if is_package(path) {
        let name = name.to_string_lossy();
        let bytes = read_package(file(&name)?, path, &name, caps.package)?;
        return package(path, &bytes, caps);
    }
    let kind = kind_of(path).ok_or_else(|| no_ending(path))?;
    let name = portable(name, &name.to_string_lossy())?;
    Ok(alone(kind, name, read_single(file(name)?, name, caps)?, path).into())
}

/// The package of one file; `files` holds it as `name`.
fn alone(kind: Kind, name: &str, files: FileSet, source: &Path) -> Package {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    Package {
        id: Id::of_stem(stem),
        version: Version::new(0, 0, 0),
        manifest: None,
        artefacts: vec![Artefact::new(kind, name)],
        files,
        index: OnceLock::new(),
        recorded: false,
        envelope: None,
        packed: None,
        source: source.to_owned(),
        notes: Vec::new(),
    }
}

/// The package of bytes that the host holds already.
pub(super) fn from_bytes(name: &str, bytes: &[u8], caps: &Caps) -> Result<Opened> {
    let path = Path::new(name);
    if is_package(path) {
        return package(path, bytes, caps);
    }
    let kind = kind_of(path).ok_or_else(|| no_ending(path))?;
    let name = portable(path.as_os_str(), name)?;
    let files = single_file(name, bytes, caps)?;
    Ok(alone(kind, name, files, path).into())
}

/// The package in these bytes, of which the list of files and those files are held against each other, and nothing is parsed.
fn package(path: &Path, bytes: &[u8], caps: &Caps) -> Result<Opened> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().escape_debug().to_string();
    let of_all = |error: Error| error.at_place(Place::file(&file));
    let archive = Archive::read(bytes, caps).map_err(of_all)?;
    let index = Index::parse(&archive.index().map_err(of_all)?)?;
    let name_it = |error: Error| error.of(index.id().as_str());
    let meta = Meta { index: None, envelope: archive.envelope().map_err(name_it)? };
    let files = archive.files().map_err(name_it)?;
    index.check(&files).map_err(name_it)?;
    let packed = Some(bytes.len() as u64);
    Ok(Opened::Listed(Box::new(Listed { path: path.to_owned(), index, files, meta, skipped: Vec::new(), packed })))
}

fn folder(path: &Path, mut reader: Reader<'_>, caps: &Caps) -> Result<Opened> {
    match reader.read(INDEX, LONGEST_INDEX.min(caps.file))?.map(Index::parse).transpose()? {
        Some(index) => listed(path, reader, index, caps),
        None => unlisted(path, reader, caps).map(Into::into),
    }
}

/// A folder that was unpacked from a package, or would be one.
fn listed(path: &Path, mut reader: Reader<'_>, index: Index, caps: &Caps) -> Result<Opened> {
    let name_it = |error: Error| error.of(index.id().as_str());
    if index.files().len() > caps.files {
        let message = format!("it lists {} files, more than {}", index.files().len(), caps.files);
        let error = Error::new(Code::PackageTooLarge, Stage::Open, message).at_place(Place::file(INDEX));
        return Err(name_it(error));
    }
    reader.read_all().map_err(name_it)?;
    // It may hold builds for other targets in folders that are skipped.
    for file in index.files() {
        // What is missing is told below.
        if reader.read(&file.path, caps.file).map_err(name_it)?.is_none() {
            break;
        }
    }
    let (files, skipped) = reader.finish();
    let (meta, files) = Meta::part(files).map_err(name_it)?;
    index.check(&files).map_err(name_it)?;
    Ok(Opened::Listed(Box::new(Listed { path: path.to_owned(), index, files, meta, skipped, packed: None })))
}

/// A folder whose manifest alone says what it is.
fn unlisted(path: &Path, mut reader: Reader<'_>, caps: &Caps) -> Result<Package> {
    let manifest = match reader.read(MANIFEST, caps.manifest.min(caps.file))? {
        Some(bytes) => Manifest::parse(bytes)?,
        None => return Err(not_a_plugin(path, "the folder has no plugin.toml")),
    };
    let name_it = |error: Error| error.of(manifest.id.as_str());
    reader.read_all().map_err(name_it)?;
    let host = host();
    for entry in manifest.entries.iter().filter(|entry| entry.target.as_ref().is_none_or(|target| *target == host)) {
        // Named files are read even below a folder that is skipped: cargo's own output is at target/release.
        reader.read(&entry.path, caps.file).map_err(name_it)?;
    }
    let (files, skipped) = reader.finish();
    let (meta, files) = Meta::part(files).map_err(name_it)?;
    assembled(path, manifest, files, skipped, meta)
}

/// The target that this is, in the words of `[entry]`.
fn host() -> String {
    format!("{OS}-{ARCH}")
}

/// A plugin of its manifest and files.
pub(super) fn assembled(
    path: &Path,
    manifest: Manifest,
    files: FileSet,
    skipped: Vec<String>,
    meta: Meta,
) -> Result<Package> {
    let mut notes = manifest.notes.clone();
    notes.extend(
        skipped.iter().map(|folder| format!("`{folder}` is skipped; only files that [entry] names are read there")),
    );
    let artefacts = if manifest.entries.is_empty() {
        conventional(&files)
    } else {
        declared(&manifest.entries, &files, &host(), &mut notes)
    };
    Ok(Package {
        artefacts: artefacts.map_err(|error| error.of(manifest.id.as_str()))?,
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        manifest: Some(manifest),
        files,
        index: OnceLock::new(),
        recorded: false,
        envelope: meta.envelope,
        packed: None,
        source: path.to_owned(),
        notes,
    })
}

impl Package {
    /// Takes the index that came with the plugin, whose files were held against it.
    pub(super) fn record(&mut self, index: Index) -> Result<()> {
        let told = (index.id().as_str(), index.version().to_string());
        let own = (self.id.as_str(), self.version.to_string());
        if told != own {
            let message = format!("it is of {} {}, and {INDEX} is of {} {}", own.0, own.1, told.0, told.1);
            let error = Error::new(Code::PackageManifest, Stage::Open, message).at_place(Place::file(MANIFEST));
            return Err(error.of(told.0));
        }
        self.index = OnceLock::from(index);
        self.recorded = true;
        Ok(())
    }
}

/// The artefacts of a plugin without `[entry]`.
fn conventional(files: &FileSet) -> Result<Vec<Artefact>> {
    let mut artefacts: Vec<Artefact> = Vec::new();
    for path in CONVENTIONAL.into_iter().filter(|path| files.get(path).is_some()) {
        let Some(kind) = kind_of(Path::new(path)) else { continue };
        if artefacts.iter().all(|artefact| artefact.kind != kind) {
            artefacts.push(Artefact::new(kind, path));
        }
    }
    if artefacts.is_empty() {
        let message = format!("there is no [entry], and none of {}", CONVENTIONAL.join(", "));
        return Err(Error::new(Code::ManifestMissingKey, Stage::Open, message).at_place(beginning()));
    }
    Ok(artefacts)
}

fn missing(at: Place, message: String) -> Error {
    Error::new(Code::PackageMissingArtefact, Stage::Open, message).at_place(at)
}

/// The artefacts of `[entry]` that are here and for this target.
fn declared(entries: &[Entry], files: &FileSet, host: &str, notes: &mut Vec<String>) -> Result<Vec<Artefact>> {
    let mut artefacts = Vec::new();
    let mut unbuilt: Option<&Entry> = None;
    let mut elsewhere = Vec::new();
    for entry in entries {
        match &entry.target {
            Some(target) if target != host => {
                elsewhere.push(target.as_str());
            }
            _ if files.get(&entry.path).is_some() => {
                artefacts.push(Artefact::new(entry.kind.clone(), entry.path.as_str()));
            }
            _ if entry.kind == Kind::NATIVE => {
                notes.push(format!("`{}` is not there; `cargo build --release` makes it", entry.path));
                unbuilt.get_or_insert(entry);
            }
            _ => {
                let message = format!("`{}` is not there", entry.path);
                return Err(missing(entry.at.clone(), message));
            }
        }
    }
    if !artefacts.is_empty() {
        let here =
            |entry: &Entry| entry.kind == Kind::NATIVE && entry.target.as_deref().is_none_or(|target| target == host);
        if !elsewhere.is_empty() && !entries.iter().any(here) {
            notes.push(format!("there is no native build for {host}, only for {}", elsewhere.join(", ")));
        }
        return Ok(artefacts);
    }
    if let Some(entry) = unbuilt {
        let help = format!("Build it with `cargo build --release` and put the library at `{}`.", entry.path);
        return Err(missing(entry.at.clone(), format!("`{}` is not there", entry.path)).with_help(help));
    }
    let at = entries.first().map_or_else(beginning, |entry| entry.at.clone());
    Err(missing(at, format!("there is no build for {host}, only for {}", elsewhere.join(", "))))
}
