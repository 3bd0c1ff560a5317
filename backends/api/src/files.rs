//! [`FileSet`]: the files of one vetted plugin, in memory that the engine owns.

use std::{collections::BTreeMap, sync::Arc};

/// The files of one plugin by their path inside it (`lib/util.lua`, always with `/`). What was vetted is what is loaded:
/// a backend never opens a file itself.
#[derive(Clone, Debug, Default)]
pub struct FileSet {
    files: BTreeMap<String, Arc<[u8]>>,
}

impl FileSet {
    /// The bytes of `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Arc<[u8]>> {
        self.files.get(path)
    }

    /// Adds a file.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Arc<[u8]>>) {
        self.files.insert(path.into(), bytes.into());
    }

    /// The files, sorted by path.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Arc<[u8]>)> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes))
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
