//! Opens one plugin: a single file, a folder with its manifest, or a package.

use std::{
    env::consts::{ARCH, OS},
    ffi::OsString,
    fs::{self, File},
    path::{self, Path, PathBuf},
    sync::Arc,
};

use modhost_backend::{FileSet, Kind, Place};
use semver::Version;

use super::{
    Algorithm, Artefact, Caps, Entry, Id, Index, MANIFEST, Manifest, Omission, Omitted, Outline,
    archive::Archive,
    artefact::{ENDINGS, is_package, kind_of},
    files::{Found, Reader, find, named, portable, read_package, read_single, single_file},
    meta::{ENVELOPE, INDEX, META, Meta},
    opened::{Listed, Opened},
    parse::beginning,
    shelf::{Contents, Shelved},
};
use crate::{Code, Error, Result, Stage};

/// What a folder without `[entry]` may hold, in the order of its artefacts; of two for one backend the first counts.
const CONVENTIONAL: [&str; 5] = ["main.lua", "main.luau", "main.rhai", "main.wasm", "main.wat"];

/// Where a plugin lies, so that it can be read again.
#[derive(Clone, Debug)]
pub(super) enum Spot {
    /// At a path that somebody named, which may be a link.
    At(PathBuf),
    /// At these parts below a folder whose own path is without links; none of the parts is one.
    Below(Arc<Path>, Vec<OsString>),
}

impl Spot {
    /// Opens what lies there.
    fn open<'c>(&self, shown: &str, caps: &'c Caps) -> Result<Found<'c>> {
        match self {
            Spot::At(path) if is_folder(path)? => Reader::open(path, caps).map(Found::Folder),
            Spot::At(path) => named(path, shown).map(Found::File),
            Spot::Below(root, parts) => find(root, parts, shown, caps),
        }
    }
}

fn is_folder(path: &Path) -> Result<bool> {
    fs::metadata(path).map(|about| about.is_dir()).map_err(|error| Error::io(Stage::Open, path, &error))
}

/// Opens the plugin at `path`.
pub(super) fn open(path: &Path, caps: &Caps) -> Result<Opened> {
    // So that it is found again wherever the process stands by then.
    let spot = path::absolute(path).ok().map(Spot::At);
    if is_folder(path)? {
        folder(path, Reader::open(path, caps)?, spot, caps)
    } else {
        single(path, |name| named(path, name), spot, caps)
    }
}

/// The plugin at `spot`, which is known as `path`; `shown` is its name.
pub(super) fn open_at(path: &Path, spot: Spot, shown: &str, caps: &Caps) -> Result<Opened> {
    match spot.open(shown, caps)? {
        Found::File(file) => single(path, |_| Ok(file), Some(spot), caps),
        Found::Folder(reader) => folder(path, reader, Some(spot), caps),
    }
}

/// The files of the plugin at `spot`, read again; `index` says which there should be. Nothing is compared.
pub(super) fn files_again(spot: &Spot, path: &Path, index: &Index, caps: &Caps) -> Result<FileSet> {
    let name = path.file_name().unwrap_or_default();
    let shown = name.to_string_lossy();
    let mut reader = match spot.open(&shown, caps)? {
        Found::File(file) if is_package(path) => {
            let bytes = read_package(file, path, &shown, caps.package)?;
            return Archive::read(&bytes, caps)?.files();
        }
        Found::File(file) => return read_single(file, portable(name, &shown)?, caps),
        Found::Folder(reader) => reader,
    };
    reader.read_meta()?;
    reader.read_all()?;
    read_listed(&mut reader, index, caps)?;
    Ok(Meta::part(reader.finish().0)?.1)
}

/// `package.not-a-plugin`.
pub(super) fn not_a_plugin(path: &Path, message: &str) -> Error {
    Error::new(Code::PackageNotAPlugin, Stage::Open, format!("{}: {message}", path.display()))
}

/// `package.not-a-plugin`, or `package.no-manifest` of what is left of a package, by the id of its list where that can be read.
fn without_manifest(path: &Path, mut reader: Reader<'_>, caps: &Caps) -> Error {
    if !is_unpacked(path, caps) {
        return not_a_plugin(path, "the folder has no plugin.toml");
    }
    let message = format!("{}: the folder has META, as an unpacked package has, and no plugin.toml", path.display());
    let error = Error::new(Code::PackageNoManifest, Stage::Open, message);
    match reader.read_index().map(|list| list.map(Index::parse)) {
        Ok(Some(Ok(index))) => error.of(index.id().as_str()),
        _ => error,
    }
}

/// Whether there is anything of the manifest's name; opening says whether it is a file.
pub(super) fn has_manifest(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(MANIFEST)).is_ok()
}

/// Whether a folder without a manifest is what is left of an unpacked package: it has META. A plugin of a folder of plugins may be called
/// like that, and a plain file may, too. In other letters than capitals it is META where it holds what META holds: on some systems these
/// are the same.
pub(super) fn is_unpacked(folder: &Path, caps: &Caps) -> bool {
    let kind = |path: &Path| fs::symlink_metadata(path).ok().map(|about| about.file_type());
    let meta = folder.join(META);
    if let Some(kind) = kind(&meta) {
        return if kind.is_dir() { !has_manifest(&meta) } else { !kind.is_file() };
    }
    let Ok(names) = fs::read_dir(folder) else { return false };
    let mut alike = names.take(caps.files).flatten().map(|entry| entry.path()).filter(|path| {
        path.file_name().is_some_and(|name| name.eq_ignore_ascii_case(META))
            && kind(path).is_some_and(|kind| kind.is_dir())
    });
    alike.any(|meta| [INDEX, ENVELOPE].iter().any(|path| kind(&meta.join(&path[META.len() + 1..])).is_some()))
}

fn no_ending(path: &Path) -> Error {
    let error = not_a_plugin(path, &format!("this is no plugin file; those end in {ENDINGS}"));
    let is_manifest = path.file_name().is_some_and(|name| name == MANIFEST);
    if is_manifest { error.with_help("Name the folder instead of its plugin.toml.") } else { error }
}

fn single(path: &Path, file: impl FnOnce(&str) -> Result<File>, spot: Option<Spot>, caps: &Caps) -> Result<Opened> {
    let name = path.file_name().unwrap_or_default();
    if is_package(path) {
        let name = name.to_string_lossy();
        let bytes = read_package(file(&name)?, path, &name, caps.package)?;
        return package(path, &bytes, spot, caps);
    }
    let kind = kind_of(path).ok_or_else(|| no_ending(path))?;
    let name = portable(name, &name.to_string_lossy())?;
    Ok(alone(kind, name, (read_single(file(name)?, name, caps)?, spot), path))
}

/// The plugin of one file; `files` holds it as `name`.
fn alone(kind: Kind, name: &str, (files, spot): (FileSet, Option<Spot>), source: &Path) -> Opened {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let (id, version) = (Id::of_stem(stem), Version::new(0, 0, 0));
    let index = Index::over(Algorithm::Sha256, &id, &version, &files).into();
    let outline = Outline {
        id,
        version,
        manifest: None,
        artefacts: vec![Artefact::new(kind, name)],
        index,
        recorded: false,
        envelope: None,
        packed: None,
        source: source.into(),
        notes: Vec::new(),
        unread: Vec::new(),
    };
    Opened::Whole(Box::new(Shelved { outline, contents: Contents::read(files, spot) }))
}

/// The plugin of bytes that the host holds already.
pub(super) fn from_bytes(name: &str, bytes: &[u8], caps: &Caps) -> Result<Opened> {
    let path = Path::new(name);
    if is_package(path) {
        return package(path, bytes, None, caps);
    }
    let kind = kind_of(path).ok_or_else(|| no_ending(path))?;
    let name = portable(path.as_os_str(), name)?;
    Ok(alone(kind, name, (single_file(name, bytes, caps)?, None), path))
}

/// The package in these bytes, of which the list of files and those files are held against each other, and nothing is parsed.
fn package(path: &Path, bytes: &[u8], spot: Option<Spot>, caps: &Caps) -> Result<Opened> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().escape_debug().to_string();
    let of_all = |error: Error| error.at_place(Place::file(&file));
    let archive = Archive::read(bytes, caps).map_err(of_all)?;
    let index = Index::parse(&archive.index().map_err(of_all)?)?;
    let name_it = |error: Error| error.of(index.id().as_str());
    let envelope = archive.envelope().map_err(name_it)?;
    let files = archive.files().map_err(name_it)?;
    index.check(&files).map_err(name_it)?;
    let packed = Some(bytes.len() as u64);
    Ok(opened(path, index, (files, spot), envelope, Vec::new(), packed))
}

/// What is as its list says.
fn opened(
    path: &Path,
    index: Index,
    (files, spot): (FileSet, Option<Spot>),
    envelope: Option<Arc<[u8]>>,
    unread: Vec<Omitted>,
    packed: Option<u64>,
) -> Opened {
    let (path, index, manifest) = (path.into(), index.into(), files.get(MANIFEST).cloned());
    let contents = Contents::read(files, spot);
    Opened::Listed(Box::new(Listed { path, index, manifest, contents, envelope, unread, packed }))
}

fn folder(path: &Path, mut reader: Reader<'_>, spot: Option<Spot>, caps: &Caps) -> Result<Opened> {
    if !reader.has(MANIFEST)? {
        return Err(without_manifest(path, reader, caps));
    }
    match reader.read_index()?.map(Index::parse).transpose()? {
        Some(index) => listed(path, reader, index, spot, caps),
        None => unlisted(path, reader, spot, caps),
    }
}

/// A folder that was unpacked from a package, or would be one.
fn listed(path: &Path, mut reader: Reader<'_>, index: Index, spot: Option<Spot>, caps: &Caps) -> Result<Opened> {
    let name_it = |error: Error| error.of(index.id().as_str());
    if index.files().len() > caps.files {
        let message = format!("it lists {} files, more than {}", index.files().len(), caps.files);
        let error = Error::new(Code::PackageTooLarge, Stage::Open, message).at_place(Place::file(INDEX));
        return Err(name_it(error));
    }
    reader.read_meta().map_err(name_it)?;
    reader.read_all().map_err(name_it)?;
    read_listed(&mut reader, &index, caps).map_err(name_it)?;
    let (files, unread) = reader.finish();
    let (meta, files) = Meta::part(files).map_err(name_it)?;
    index.check(&files).map_err(name_it)?;
    Ok(opened(path, index, (files, spot), meta.envelope, unread, None))
}

/// Reads what a list names and is not read yet: it may hold builds for other targets in folders that are skipped.
fn read_listed(reader: &mut Reader<'_>, index: &Index, caps: &Caps) -> Result<()> {
    for file in index.files() {
        // What is missing is told when the files are held against the list.
        if reader.read(&file.path, caps.file)?.is_none() {
            break;
        }
    }
    Ok(())
}

/// A folder whose manifest alone says what it is.
fn unlisted(path: &Path, mut reader: Reader<'_>, spot: Option<Spot>, caps: &Caps) -> Result<Opened> {
    let manifest = match reader.read(MANIFEST, caps.manifest.min(caps.file))? {
        Some(bytes) => Manifest::parse(bytes)?,
        None => return Err(not_a_plugin(path, "the folder has no plugin.toml")),
    };
    let name_it = |error: Error| error.of(manifest.id.as_str());
    reader.read_meta().map_err(name_it)?;
    reader.read_all().map_err(name_it)?;
    let host = host();
    for entry in manifest.entries.iter().filter(|entry| entry.target.as_ref().is_none_or(|target| *target == host)) {
        // Named files are read even below a folder that is skipped: cargo's own output is at target/release.
        reader.read(&entry.path, caps.file).map_err(name_it)?;
    }
    let (files, unread) = reader.finish();
    let (meta, files) = Meta::part(files).map_err(name_it)?;
    let builds = artefacts(&manifest, &|path| files.get(path).is_some(), &unread)?;
    let index = Index::over(Algorithm::Sha256, &manifest.id, &manifest.version, &files).into();
    let mut outline = outline(path.into(), manifest, builds, index, meta.envelope);
    outline.unread = unread;
    Ok(Opened::Whole(Box::new(Shelved { outline, contents: Contents::read(files, spot) })))
}

/// The target that this is, in the words of `[entry]`.
fn host() -> String {
    format!("{OS}-{ARCH}")
}

/// What can be loaded of a plugin here, and what is to be said of that; `there` says which files it has.
///
/// # Errors
/// `package.missing-artefact`, `manifest.missing-key`.
pub(super) fn artefacts(
    manifest: &Manifest,
    there: &dyn Fn(&str) -> bool,
    unread: &[Omitted],
) -> Result<(Vec<Artefact>, Vec<String>)> {
    let mut notes = manifest.notes.clone();
    let skipped = unread.iter().filter(|one| one.why == Omission::Build);
    notes.extend(skipped.map(|one| format!("`{}` is skipped; only files that [entry] names are read there", one.path)));
    let artefacts = if manifest.entries.is_empty() {
        conventional(there)
    } else {
        declared(&manifest.entries, there, &host(), &mut notes)
    };
    Ok((artefacts.map_err(|error| error.of(manifest.id.as_str()))?, notes))
}

/// What is known of a plugin with a manifest.
pub(super) fn outline(
    source: Arc<Path>,
    manifest: Manifest,
    (artefacts, notes): (Vec<Artefact>, Vec<String>),
    index: Arc<Index>,
    envelope: Option<Arc<[u8]>>,
) -> Outline {
    Outline {
        artefacts,
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        manifest: Some(manifest),
        index,
        recorded: false,
        envelope,
        packed: None,
        source,
        notes,
        unread: Vec::new(),
    }
}

/// The artefacts of a plugin without `[entry]`.
fn conventional(there: &dyn Fn(&str) -> bool) -> Result<Vec<Artefact>> {
    let mut artefacts: Vec<Artefact> = Vec::new();
    for path in CONVENTIONAL.into_iter().filter(|path| there(path)) {
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
fn declared(
    entries: &[Entry],
    there: &dyn Fn(&str) -> bool,
    host: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<Artefact>> {
    let mut artefacts = Vec::new();
    let mut unbuilt: Option<&Entry> = None;
    let mut elsewhere = Vec::new();
    for entry in entries {
        match &entry.target {
            Some(target) if target != host => {
                elsewhere.push(target.as_str());
            }
            _ if there(&entry.path) => {
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
