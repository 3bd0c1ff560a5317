//! [`Sources`]: finds the text that an error's place is in, again, for drawing. Only errors pay for it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use modhost::{
    Place,
    package::{Caps, Package, discover},
};

use crate::kept;

/// The longest file that is looked into, in bytes.
const LONGEST: u64 = 1 << 20;

/// The paths that were named on the command line.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    paths: Vec<PathBuf>,
    caps: Caps,
    policy: Option<PathBuf>,
    /// Files that are no plugin's, and what errors call them.
    kept: Vec<(String, PathBuf)>,
}

/// Where an error's place is.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file, as a person finds it from here.
    pub(crate) path: String,
    /// Its text, where it is text and could be read.
    pub(crate) text: Option<String>,
}

impl Sources {
    pub(crate) fn new(paths: &[PathBuf], caps: &Caps) -> Self {
        Sources { paths: paths.to_vec(), caps: caps.clone(), policy: None, kept: Vec::new() }
    }

    /// The same, where `--policy` may have named a file.
    pub(crate) fn with_policy(mut self, name: Option<&str>) -> Self {
        self.policy = name.map(PathBuf::from);
        self
    }

    /// The same, where errors may be about the file at `path`, which they call `name`.
    pub(crate) fn with_kept(mut self, name: &str, path: &Path) -> Self {
        self.kept.push((name.to_owned(), path.to_owned()));
        self
    }

    /// The file in which `place` is, of `plugin` where one is known.
    pub(crate) fn find(&self, plugin: Option<&str>, place: &Place) -> Option<Source> {
        if let Some(policy) = self.policy.as_ref().filter(|path| plugin.is_none() && named(path) == place.file) {
            return Some(Source { path: named(policy), text: read(policy).and_then(text) });
        }
        if let Some((_, path)) = self.kept.iter().find(|(name, _)| plugin.is_none() && *name == place.file) {
            return Some(Source { path: named(path), text: read(path).and_then(text) });
        }
        let opened = self.packages().find(|package| plugin.is_none_or(|id| id == package.id().as_str()));
        if let Some(package) = opened {
            let bytes = package.files().get(&place.file).map(|bytes| bytes.to_vec());
            let path = if package.source().is_dir() || package.packed().is_some() {
                package.source().join(&place.file)
            } else {
                package.source().to_owned()
            };
            return Some(Source { path: named(&path), text: bytes.and_then(text) });
        }
        // A plugin that cannot be opened is named after its file or folder.
        let folders =
            self.paths.iter().flat_map(|path| [Some(path.clone()), plugin.map(|name| path.join(name))]).flatten();
        let found = folders.map(|folder| folder.join(&place.file)).find(|path| is_plain_file(path));
        let path = match (&found, &self.paths[..]) {
            (Some(found), _) => named(found),
            // Of a package that cannot be opened only the place is known.
            (None, [package]) if is_package(package) && !package.ends_with(&place.file) => {
                named(&package.join(&place.file))
            }
            _ => place.file.clone(),
        };
        Some(Source { path, text: found.and_then(|path| read(&path)).and_then(text) })
    }

    fn packages(&self) -> impl Iterator<Item = Package> {
        self.paths.iter().filter_map(|path| discover(path, &self.caps).ok()).flatten().flatten()
    }
}

fn named(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A link in a plugin that was refused may lead anywhere; none is followed.
fn is_plain_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
}

fn is_package(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("modpkg")) && is_plain_file(path)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    kept::bounded(path, LONGEST).ok()
}

fn text(bytes: Vec<u8>) -> Option<String> {
    if bytes.len() as u64 > LONGEST || bytes.contains(&0) {
        return None;
    }
    String::from_utf8(bytes).ok()
}
