//! [`discover`]: the plugins at a path, one or a folder of them.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    vec,
};

use modhost_backend::Place;
use semver::Version;

use super::{
    Caps, Opened, Package, Shelf,
    artefact::{is_package, kind_of},
    files::{STEPS, follow},
    open::{Spot, has_manifest, is_unpacked, not_a_plugin, open_at},
};
use crate::{Code, Error, Result, Stage};

/// Reads every plugin at `path`, one after the other: the one plugin that it is, or each of a folder of plugins, sorted by id, then version.
/// One that cannot be read is an error in its place, named after the file or folder; the others are read all the same.
///
/// Skipped are hidden names, `target` and `node_modules`, files with other endings, and folders that hold neither a
/// `plugin.toml` nor a plugin file. A folder with `META` and without `plugin.toml` is what is left of an unpacked package: an error, and
/// none of its files is a plugin. Links that leave the folder are refused like those of a plugin.
///
/// # Errors
/// `io.not-found` for a path that is not there, `package.not-a-plugin` where nothing there is a plugin, `io.failed`,
/// `package.too-large` for more entries than [`Caps::plugins`]; beyond [`Caps::folder`] it is the error of each plugin that does not fit.
///
/// ```
/// use modhost::package::{Caps, discover};
///
/// let mods = tempfile::tempdir()?;
/// std::fs::write(mods.path().join("b.lua"), "")?;
/// std::fs::write(mods.path().join("a.rhai"), "")?;
/// std::fs::write(mods.path().join("readme.txt"), "")?;
///
/// let plugins = discover(mods.path(), &Caps::default())?;
/// let ids: Vec<String> = plugins.map(|plugin| Ok(plugin?.id().to_string())).collect::<modhost::Result<_>>()?;
/// assert_eq!(ids, ["a", "b"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn discover(path: &Path, caps: &Caps) -> Result<Discovery> {
    let opened = Listing::of(path, caps)?.read(caps, &mut Shelf::of(caps.total), &mut |_| ())?;
    Ok(Discovery { opened: opened.into_iter(), caps: caps.clone() })
}

/// What lies at a path, plugin by plugin: made by [`discover`].
///
/// The contents of at most so many bytes as one plugin may have are in memory beside those that were given out. What does not fit is read
/// again when its turn comes, and is `package.changed` where it is not what it was.
#[derive(Debug)]
pub struct Discovery {
    opened: vec::IntoIter<Result<Opened>>,
    caps: Caps,
}

impl Iterator for Discovery {
    type Item = Result<Package>;

    fn next(&mut self) -> Option<Self::Item> {
        let parsed = |one: Opened| {
            let id = one.id().to_string();
            one.parse(&self.caps).and_then(|one| one.into_package(&self.caps)).map_err(|error| error.of(id))
        };
        Some(self.opened.next()?.and_then(parsed))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.opened.size_hint()
    }
}

impl ExactSizeIterator for Discovery {}

/// What lies at a path, before any of it is read.
pub(crate) struct Listing<'a> {
    path: &'a Path,
    /// The names in the folder; `None` where the path is one plugin itself.
    names: Option<Vec<OsString>>,
}

impl<'a> Listing<'a> {
    /// Lists it.
    ///
    /// # Errors
    /// As [`discover`], but for a folder that holds no plugin.
    pub(crate) fn of(path: &'a Path, caps: &Caps) -> Result<Self> {
        let about = fs::metadata(path).map_err(|error| Error::io(Stage::Open, path, &error))?;
        let one = !about.is_dir() || has_manifest(path) || is_unpacked(path, caps);
        Ok(Listing { path, names: if one { None } else { Some(names(path, caps)?) } })
    }

    /// How much there is to read.
    pub(crate) fn len(&self) -> usize {
        self.names.as_ref().map_or(1, Vec::len)
    }

    /// Reads it; `told` hears the name of each entry when it was read, whether or not it is a plugin. What has no room on the shelf has
    /// no contents any more.
    ///
    /// # Errors
    /// As [`discover`].
    pub(crate) fn read(
        self,
        caps: &Caps,
        shelf: &mut Shelf,
        told: &mut dyn FnMut(&str),
    ) -> Result<Vec<Result<Opened>>> {
        let path = self.path;
        shelf.settle();
        let Some(names) = self.names else {
            let mut package = Package::read(path, caps);
            if let Ok(one) = &mut package
                && !shelf.put(0, one.bytes()).is_empty()
            {
                one.shed();
            }
            told(&shown(path));
            // A path of another ending is no plugin that failed, but no plugin.
            return if path.is_dir() || is_plugin(path) {
                Ok(vec![package.map_err(|error| error.of(shown(path)))])
            } else {
                package.map(|one| vec![Ok(one)])
            };
        };
        let root: Arc<Path> = fs::canonicalize(path).map_err(|error| Error::io(Stage::Open, path, &error))?.into();
        let mut found: Vec<(Key, Result<Opened>)> = Vec::new();
        let (mut left, mut steps) = (caps.folder, 0);
        for name in names {
            // One that does not fit is refused when that is known, not when it is read.
            let fitting = Caps { total: caps.total.min(left), ..caps.clone() };
            let package = entry(&root, &path.join(&name), &fitting, &mut steps);
            let name = name.to_string_lossy().into_owned();
            told(&name);
            let Some(package) = package else { continue };
            let package = package.map_err(|error| match error.code() {
                Code::PackageTooLarge if fitting.total != caps.total => overfull(caps),
                _ => error,
            });
            // Only who has read it knows what META has beside the files.
            let package = package.and_then(|one| {
                left = left.checked_sub(one.bytes()).ok_or_else(|| overfull(caps))?;
                Ok(one)
            });
            let key = match &package {
                Ok(package) => (package.id().to_string(), Some(package.version().clone()), name.clone()),
                Err(_) => (name.clone(), None, name.clone()),
            };
            let gone = package.as_ref().map_or_else(|_| Vec::new(), |one| shelf.put(found.len(), one.bytes()));
            found.push((key, package.map_err(|error| error.of(name))));
            for at in gone {
                if let (_, Ok(one)) = &mut found[at] {
                    one.shed();
                }
            }
        }
        if found.is_empty() {
            return Err(not_a_plugin(path, "the folder has no plugin.toml and holds no plugins"));
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found.into_iter().map(|(_, package)| package).collect())
    }
}

/// `package.too-large` of what does not fit beside the others.
fn overfull(caps: &Caps) -> Error {
    let message = format!("it has more bytes than are left of {} for the plugins of one folder", caps.folder);
    Error::new(Code::PackageTooLarge, Stage::Open, message).with_help(
        "Remove what is not needed from the folder of plugins, or raise `folder` under [caps] in the policy.",
    )
}

/// What it may take the system, in steps, to follow a link out of the folder. Those of so many are looked at; the others are refused unseen.
const ESCAPE: usize = 2048;

/// Id or name, version, name.
type Key = (String, Option<Version>, String);

/// Whether a file of this name is a plugin or a package.
fn is_plugin(path: &Path) -> bool {
    kind_of(path).is_some() || is_package(path)
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn names(path: &Path, caps: &Caps) -> Result<Vec<OsString>> {
    let failed = |error: io::Error| Error::io(Stage::Open, path, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let skipped = name.as_encoded_bytes().first() == Some(&b'.') || name == "target" || name == "node_modules";
        if !skipped {
            names.push(name);
        }
        if names.len() > caps.plugins {
            let message = format!("{}: the folder has more than {} entries", path.display(), caps.plugins);
            return Err(Error::new(Code::PackageTooLarge, Stage::Open, message));
        }
    }
    // So that it is the same ones everywhere that do not fit.
    names.sort();
    Ok(names)
}

/// One entry of a folder of plugins; `None` for what is none.
fn entry(root: &Arc<Path>, path: &Path, caps: &Caps, steps: &mut usize) -> Option<Result<Opened>> {
    let name = path.file_name()?;
    // Before the system follows a link: it goes every way to its end.
    let parts = match fs::symlink_metadata(path).ok()?.is_symlink() {
        true => inside(root, path, steps, caps),
        false => Some(vec![name.to_owned()]),
    };
    let escapes = parts.is_none();
    *steps += if escapes { ESCAPE } else { 0 };
    let looked = !escapes || *steps <= STEPS * caps.files;
    let folder = looked && fs::metadata(path).is_ok_and(|about| about.is_dir());
    if looked && !folder && !is_plugin(path) {
        return None;
    }
    let Some(parts) = parts else {
        let message = "this is a link that leads to nothing inside the folder of plugins";
        let place = Place::file(shown(path).escape_debug().to_string());
        return Some(Err(Error::new(Code::PackageEscapes, Stage::Open, message).at_place(place)));
    };
    if folder && !has_manifest(path) && !is_unpacked(path, caps) {
        let file = first_plugin_file(path, caps)?;
        let message = format!("the folder holds `{}`, but no plugin.toml", shown(&file).escape_debug());
        return Some(Err(not_a_plugin(path, &message)));
    }
    // What was looked at, whatever lies at `path` by now.
    Some(open_at(path, Spot::Below(root.clone(), parts), &shown(path), caps))
}

/// Where a link leads to, as parts below `root`.
fn inside(root: &Path, path: &Path, steps: &mut usize, caps: &Caps) -> Option<Vec<OsString>> {
    let left = vec![path.file_name()?.to_owned()];
    let parts = follow(root, left, &shown(path), steps, STEPS * caps.files).ok()??;
    (!parts.is_empty()).then_some(parts)
}

/// A plugin file in a folder without a manifest: somebody forgot the manifest.
fn first_plugin_file(folder: &Path, caps: &Caps) -> Option<PathBuf> {
    let paths = fs::read_dir(folder).ok()?.take(caps.files).flatten().map(|entry| entry.path());
    // A link is followed by nobody for a hint.
    let plain = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|about| about.is_file());
    paths.filter(|path| is_plugin(path) && plain(path)).min()
}
