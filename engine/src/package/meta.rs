//! `META/`: the two files of a package that say something of the others. It knows their names and their longest; what they hold is
//! [`Index`](super::Index)'s and `verify`'s.

use std::sync::Arc;

use modhost_backend::{FileSet, Place};

use crate::{Code, Error, Result, Stage};

/// The folder.
pub(super) const META: &str = "META";
/// The list of all other files.
pub(super) const INDEX: &str = "META/files";
/// Signatures over that list.
pub(super) const ENVELOPE: &str = "META/signatures";

/// The longest `META/files`: some 40,000 files.
pub(super) const LONGEST_INDEX: u64 = 4 << 20;
/// The longest `META/signatures`.
pub(super) const LONGEST_ENVELOPE: u64 = 64 << 10;

/// Whether a path is of this folder, in whatever case: on some systems `meta/files` is `META/files`.
pub(super) fn is_meta(path: &str) -> bool {
    path.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(META))
}

/// The most bytes of a file of this folder.
///
/// # Errors
/// `package.meta` for a name that means nothing here: a later release may know it, so that it must not be passed over.
pub(super) fn longest(path: &str) -> Result<u64> {
    match path {
        INDEX => Ok(LONGEST_INDEX),
        ENVELOPE => Ok(LONGEST_ENVELOPE),
        _ => Err(error(path, &format!("in META there are `{INDEX}` and `{ENVELOPE}` only"))),
    }
}

/// `package.meta`.
pub(super) fn error(path: &str, message: &str) -> Error {
    Error::new(Code::PackageMeta, Stage::Open, message).at_place(Place::file(path.escape_debug().to_string()))
}

/// What META holds.
#[derive(Debug, Default)]
pub(super) struct Meta {
    pub(super) index: Option<Arc<[u8]>>,
    pub(super) envelope: Option<Arc<[u8]>>,
}

impl Meta {
    /// Parts what a folder holds into META and the plugin's own files.
    pub(super) fn part(all: FileSet) -> Result<(Meta, FileSet)> {
        let (mut meta, mut files) = (Meta::default(), FileSet::default());
        for (path, bytes) in all.iter() {
            if !is_meta(path) {
                files.insert(path, Arc::clone(bytes));
                continue;
            }
            let most = longest(path)?;
            if bytes.len() as u64 > most {
                let message = format!("the file has more than {most} bytes");
                let error = Error::new(Code::PackageTooLarge, Stage::Open, message);
                return Err(error.at_place(Place::file(path)));
            }
            let place = if path == INDEX { &mut meta.index } else { &mut meta.envelope };
            *place = Some(Arc::clone(bytes));
        }
        if meta.index.is_none() && meta.envelope.is_some() {
            return Err(error(ENVELOPE, &format!("there are signatures, and no `{INDEX}` that they could be over")));
        }
        Ok((meta, files))
    }
}
