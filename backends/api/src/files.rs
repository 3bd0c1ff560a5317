//! [`FileSet`]: the files of one vetted plugin, in memory that the engine owns.

use std::{collections::BTreeMap, str, sync::Arc};

use crate::{Fault, FaultKind, Place};

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

    /// The path that `name` means in an import of the file `from`, the same in all languages: from the plugin's root, or
    /// from the folder of `from` where it begins with `./` or `../`. It has one of `endings` (`.lua`), or leaves it away;
    /// then they are tried in their order. All else must be a path of this set to the letter.
    ///
    /// ```
    /// use modhost_backend::FileSet;
    ///
    /// let mut files = FileSet::default();
    /// files.insert("lib/util.lua", *b"return 1");
    /// assert_eq!(files.resolve("../lib/util", "src/main.lua", &[".lua"])?, "lib/util.lua");
    /// assert!(files.resolve("../../lib/util", "src/main.lua", &[".lua"]).is_err());
    /// # Ok::<(), modhost_backend::Fault>(())
    /// ```
    ///
    /// # Errors
    /// [`FaultKind::MissingFile`], which says what was tried.
    pub fn resolve(&self, name: &str, from: &str, endings: &[&str]) -> Result<String, Fault> {
        /// The longest name that is looked at, in bytes.
        const LONGEST: usize = 512;
        let missing = |tried| {
            let name = name.chars().take(100).collect();
            Err(Fault::new(FaultKind::MissingFile { name, tried }))
        };
        let (mut folder, mut rest): (Vec<&str>, _) = (Vec::new(), name);
        if name.len() > LONGEST {
            return missing(Vec::new());
        }
        if name.starts_with("./") || name.starts_with("../") {
            folder.extend(from.split('/'));
            folder.pop();
        }
        loop {
            if let Some(inner) = rest.strip_prefix("./") {
                rest = inner;
            } else if let Some(outer) = rest.strip_prefix("../") {
                // Out of the plugin there is nothing.
                if folder.pop().is_none() {
                    return missing(Vec::new());
                }
                rest = outer;
            } else {
                break;
            }
        }
        folder.push(rest);
        let path = folder.join("/");
        let complete = endings.iter().any(|ending| path.ends_with(ending));
        let tried: Vec<String> =
            if complete { vec![path] } else { endings.iter().map(|ending| format!("{path}{ending}")).collect() };
        match tried.iter().find(|path| self.files.contains_key(*path)) {
            Some(found) => Ok(found.clone()),
            None => missing(tried),
        }
    }

    /// The text of `path`, if it has at most `most` bytes.
    ///
    /// # Errors
    /// [`FaultKind::Compile`]: for a file that is not there or too long, and with the line for
    /// bytes that are not UTF-8.
    pub fn text(&self, path: &str, most: u64) -> Result<&str, Fault> {
        let bytes = self.within(path, most)?;
        str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            Fault::compile("the source is not UTF-8 text").at(Place::line(path, line))
        })
    }

    /// The bytes of `path`, if they are at most `most`.
    pub(crate) fn within(&self, path: &str, most: u64) -> Result<&Arc<[u8]>, Fault> {
        let refused = |message: String| Err(Fault::compile(message).at(Place::file(path)));
        match self.get(path) {
            None => refused("it is not among the plugin's files".into()),
            Some(bytes) if bytes.len() as u64 > most => {
                refused(format!("the file has {} bytes, the limit is {most}", bytes.len()))
            }
            Some(bytes) => Ok(bytes),
        }
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
