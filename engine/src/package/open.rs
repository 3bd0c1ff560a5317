//! Opens one plugin: a single file, or a folder with its manifest.

use std::{
    env::consts::{ARCH, OS},
    fs,
    path::Path,
};

use modhost_backend::{FileSet, Kind, Place};
use semver::Version;

use super::{
    Artefact, Caps, Entry, Id, MANIFEST, Manifest, Package,
    artefact::{ENDINGS, kind_of},
    files::{Reader, portable, read_named, single_file},
    parse::beginning,
};
use crate::{Code, Error, Result, Stage};

/// What a folder without `[entry]` may hold, in the order of its artefacts; of two for one backend the first counts.
const CONVENTIONAL: [&str; 5] = ["main.lua", "main.luau", "main.rhai", "main.wasm", "main.wat"];

/// Opens the plugin at `path`.
pub(super) fn open(path: &Path, caps: &Caps) -> Result<Package> {
    let about = fs::metadata(path).map_err(|error| Error::io(Stage::Open, path, &error))?;
    if about.is_dir() { folder(path, caps) } else { single(path, caps) }
}

/// `package.not-a-plugin`.
pub(super) fn not_a_plugin(path: &Path, message: &str) -> Error {
    Error::new(Code::PackageNotAPlugin, Stage::Open, format!("{}: {message}", path.display()))
}

fn no_ending(path: &Path) -> Error {
    let error = not_a_plugin(path, &format!("this is no plugin file; those end in {ENDINGS}"));
    let is_manifest = path.file_name().is_some_and(|name| name == MANIFEST);
    if is_manifest { error.with_help("Name the folder instead of its plugin.toml.") } else { error }
}

fn single(path: &Path, caps: &Caps) -> Result<Package> {
    let kind = kind_of(path).ok_or_else(|| no_ending(path))?;
    let name = path.file_name().unwrap_or_default();
    let name = portable(name, &name.to_string_lossy())?;
    Ok(alone(kind, name, read_named(path, name, caps)?, path))
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
        source: source.to_owned(),
        notes: Vec::new(),
    }
}

/// The package of bytes that the host holds already.
pub(super) fn from_bytes(name: &str, bytes: &[u8], caps: &Caps) -> Result<Package> {
    let path = Path::new(name);
    let kind = kind_of(path).ok_or_else(|| no_ending(path))?;
    let name = portable(path.as_os_str(), name)?;
    let files = single_file(name, bytes, caps)?;
    Ok(alone(kind, name, files, path))
}

fn folder(path: &Path, caps: &Caps) -> Result<Package> {
    let mut reader = Reader::open(path, caps)?;
    let manifest = match reader.read(MANIFEST, caps.manifest.min(caps.file))? {
        Some(bytes) => Manifest::parse(bytes)?,
        None => return Err(not_a_plugin(path, "the folder has no plugin.toml")),
    };
    let name_it = |error: Error| error.of(manifest.id.as_str());
    reader.read_all().map_err(name_it)?;
    let host = format!("{OS}-{ARCH}");
    let fits = |entry: &&Entry| entry.target.as_ref().is_none_or(|target| *target == host);
    for entry in manifest.entries.iter().filter(fits) {
        // Named files are read even below a folder that is skipped: cargo's own output is at target/release.
        reader.read(&entry.path, caps.file).map_err(name_it)?;
    }
    let (files, skipped) = reader.finish();
    let mut notes = manifest.notes.clone();
    notes.extend(
        skipped.iter().map(|folder| format!("`{folder}` is skipped; only files that [entry] names are read there")),
    );
    let artefacts = if manifest.entries.is_empty() {
        conventional(&files)
    } else {
        declared(&manifest.entries, &files, &host, &mut notes)
    };
    Ok(Package {
        artefacts: artefacts.map_err(name_it)?,
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        manifest: Some(manifest),
        files,
        source: path.to_owned(),
        notes,
    })
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
