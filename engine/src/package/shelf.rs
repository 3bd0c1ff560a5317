//! [`Shelved`] and [`Shelf`]: which plugins' contents stay in memory between being judged and being loaded.
//!
//! 1. A plugin that is judged was read whole and hashed. What planning needs of it is its [`Outline`].
//! 2. Contents stay in memory as long as there is room on the shelf, which holds as many bytes as one plugin may have. The largest go
//!    first. So of most folders nothing is read twice, and of a large one the many small plugins are not.
//! 3. What went is read again when it is loaded, within the same caps, and held against the outline's own list of files: by number, names,
//!    sizes and digests it is what was judged, or it is refused with `package.changed`. Nothing of it is parsed a second time.

use std::{borrow::Cow, collections::BinaryHeap, ops::Deref};

use modhost_backend::FileSet;

use super::{
    Caps, Outline, Package,
    open::{Spot, files_again},
};
use crate::{Code, Error, Result, Stage};

/// The contents of a plugin, in memory or to be read again.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    held: Option<FileSet>,
    /// Where they lie. What the host gave as bytes lies nowhere, and stays.
    spot: Option<Spot>,
}

/// A plugin that was read whole, whether or not its contents are still here.
#[derive(Clone, Debug)]
pub(crate) struct Shelved {
    pub(super) outline: Outline,
    pub(super) contents: Contents,
}

/// The contents of a plugin that was judged: those that were hashed then, or equal to them by the digests of its list. Only this file
/// makes them, so a backend receives no others.
#[derive(Debug)]
pub(crate) struct Matched<'a>(Cow<'a, FileSet>);

impl<'a> Matched<'a> {
    pub(crate) fn into_files(self) -> Cow<'a, FileSet> {
        self.0
    }
}

impl Deref for Matched<'_> {
    type Target = FileSet;

    fn deref(&self) -> &FileSet {
        &self.0
    }
}

/// Room for the contents of plugins that wait to be loaded.
#[derive(Debug)]
pub(crate) struct Shelf {
    left: u64,
    /// Bytes and place of those that are here, the largest first.
    here: BinaryHeap<(u64, usize)>,
}

impl Shelf {
    /// Room for so many bytes.
    pub(crate) fn of(bytes: u64) -> Self {
        Shelf { left: bytes, here: BinaryHeap::new() }
    }

    /// The plugin at the place `at`, of so many bytes, comes onto the shelf; gives the places of those that have to go for it, which
    /// may be its own.
    pub(super) fn put(&mut self, at: usize, bytes: u64) -> Vec<usize> {
        self.here.push((bytes, at));
        let (mut over, mut gone) = (bytes.saturating_sub(self.left), Vec::new());
        self.left = self.left.saturating_sub(bytes);
        while over > 0
            && let Some((bytes, at)) = self.here.pop()
        {
            gone.push(at);
            self.left += bytes.saturating_sub(over);
            over = over.saturating_sub(bytes);
        }
        gone
    }

    /// Places count anew from here on; what is here stays.
    pub(super) fn settle(&mut self) {
        self.here.clear();
    }
}

impl Contents {
    /// Contents that were just read.
    pub(super) fn read(files: FileSet, spot: Option<Spot>) -> Self {
        Contents { held: Some(files), spot }
    }

    /// Lets go of what can be read again.
    pub(super) fn shed(&mut self) {
        if self.spot.is_some() {
            self.held = None;
        }
    }
}

impl Shelved {
    /// How many bytes are read when its contents are asked for.
    pub(crate) fn to_read(&self) -> u64 {
        match self.contents.held {
            Some(_) => 0,
            None => self.outline.bytes().saturating_add(self.outline.packed().unwrap_or_default()),
        }
    }

    /// How many bytes of it are in memory.
    pub(crate) fn held(&self) -> u64 {
        if self.contents.held.is_some() { self.outline.bytes() } else { 0 }
    }

    /// Its files, as they were when it was judged.
    ///
    /// # Errors
    /// `package.changed`, and `io.*` where they cannot be read any more.
    pub(crate) fn files(&self, caps: &Caps) -> Result<Matched<'_>> {
        let Contents { held, spot } = &self.contents;
        let name_it = |error: Error| error.of(self.outline.id().as_str());
        match (held, spot) {
            (Some(files), _) => Ok(Matched(Cow::Borrowed(files))),
            (None, Some(spot)) => {
                let index = self.outline.index();
                let read = files_again(spot, self.outline.source(), index, caps).map_err(unlike).map_err(name_it)?;
                index.check(&read).map_err(unlike).map_err(name_it)?;
                Ok(Matched(Cow::Owned(read)))
            }
            (None, None) => Err(name_it(Error::new(Code::InternalBug, Stage::Load, "its contents were lost"))),
        }
    }

    /// The whole plugin.
    ///
    /// # Errors
    /// Those of [`Shelved::files`].
    pub(crate) fn into_package(mut self, caps: &Caps) -> Result<Package> {
        let files = match self.contents.held.take() {
            Some(files) => files,
            None => self.files(caps)?.into_files().into_owned(),
        };
        Ok(Package { outline: self.outline, files })
    }
}

impl Deref for Shelved {
    type Target = Outline;

    fn deref(&self) -> &Outline {
        &self.outline
    }
}

impl AsRef<Outline> for Shelved {
    fn as_ref(&self) -> &Outline {
        &self.outline
    }
}

impl From<Package> for Shelved {
    fn from(Package { outline, files }: Package) -> Self {
        Shelved { outline, contents: Contents::read(files, None) }
    }
}

/// `package.changed`: what lies there now is not what was judged. What the system says stays what it is.
fn unlike(error: Error) -> Error {
    let what = match error.code() {
        code if code.as_str().starts_with("io.") => return error,
        Code::PackageFileMissing => "a file is gone".to_owned(),
        Code::PackageFileExtra => "a file was added".to_owned(),
        Code::PackageFileChanged => "a file has other bytes".to_owned(),
        _ => error.message().to_owned(),
    };
    let message = format!("it was changed after it was judged and before it was loaded: {what}");
    let changed = Error::new(Code::PackageChanged, Stage::Load, message);
    match error.at() {
        Some(place) => changed.at_place(place.clone()),
        None => changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_go_first_and_never_more_than_there_is_room_for_stays() {
        // Room, and for each plugin its bytes and who goes for it.
        type Rows<'a> = &'a [(u64, &'a [usize])];
        let table: &[(u64, Rows<'_>)] = &[
            (10, &[(4, &[]), (6, &[]), (0, &[])]),
            (10, &[(4, &[]), (7, &[1]), (6, &[]), (1, &[2]), (5, &[])]),
            (10, &[(11, &[0]), (10, &[]), (1, &[1])]),
            (10, &[(3, &[]), (3, &[]), (3, &[]), (9, &[3]), (2, &[2]), (2, &[])]),
            (0, &[(1, &[0]), (0, &[])]),
            (u64::MAX, &[(u64::MAX, &[]), (1, &[0]), (7, &[])]),
        ];
        for (room, rows) in table {
            let (mut shelf, mut here) = (Shelf::of(*room), std::collections::BTreeMap::new());
            for (at, (bytes, gone)) in rows.iter().enumerate() {
                here.insert(at, *bytes);
                assert_eq!(shelf.put(at, *bytes), *gone, "{room} {rows:?} at {at}");
                gone.iter().for_each(|at| _ = here.remove(at));
                let held: u64 = here.values().sum();
                assert_eq!(shelf.left, room - held, "{room} {rows:?} at {at}");
            }
        }
    }
}
