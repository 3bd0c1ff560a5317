//! [`Shown`]: a text that may stand on a terminal as it is. Only this file makes one, by the escape of [`audit`](crate::audit::escape).

use std::{borrow::Cow, fmt, ops::Deref, path::Path};

use crate::audit::escape;

/// The longest text, in characters.
const LONGEST: usize = 2000;
/// The longest path: what systems take.
const LONGEST_PATH: usize = 4096;

/// One line that may be shown to a person as it is: nothing in it moves a cursor, ends the line or turns the reading direction.
///
/// What prints takes this type, so that a raw text does not compile there. To escape a text again changes nothing, so that it does not
/// matter who did it first.
///
/// ```
/// use modhost::Shown;
///
/// let name = Shown::new("red\u{1b}[31m\nline \u{202e}");
/// assert_eq!(name.to_string(), "red\\u{1b}[31m\\nline \\u{202e}");
/// assert_eq!(Shown::new(&name), name);
/// assert_eq!(Shown::new("Wölfe 狼 🐺"), *"Wölfe 狼 🐺");
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Shown(String);

impl Shown {
    /// `text`, escaped; of a long one the first 2000 characters.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Shown::most(text, LONGEST)
    }

    /// `text`, escaped, and at most `most` characters of it.
    #[must_use]
    pub fn most(text: &str, most: usize) -> Self {
        let text = escape(text, most);
        Shown(if text.contains('\t') { text.replace('\t', "\\t") } else { text })
    }

    /// A whole line that a plugin printed: like [`Shown::new`], of any length, and tabs stay.
    #[must_use]
    pub fn printed(text: &str) -> Self {
        Shown(escape(text, usize::MAX))
    }

    /// The path, escaped. Bytes that are no text are written by their numbers (`\xff`), so that two names are told apart.
    ///
    /// ```
    /// use std::path::Path;
    /// # #[cfg(unix)] {
    /// use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    /// let path = Path::new(OsStr::from_bytes(b"mods/a\xff\n"));
    /// assert_eq!(modhost::Shown::path(path), *"mods/a\\xff\\n");
    /// # }
    /// assert_eq!(modhost::Shown::path(Path::new("mods/狼")), *"mods/狼");
    /// ```
    #[must_use]
    pub fn path(path: &Path) -> Self {
        let mut text = String::new();
        for part in path.as_os_str().as_encoded_bytes().utf8_chunks() {
            text.push_str(part.valid());
            part.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
        }
        Shown::most(&text, LONGEST_PATH)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Shown {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Shown {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other
    }
}

impl From<Shown> for String {
    fn from(shown: Shown) -> String {
        shown.0
    }
}

impl From<Shown> for Cow<'_, str> {
    fn from(shown: Shown) -> Self {
        Cow::Owned(shown.0)
    }
}

/// What a path has instead of `display`, which would show it raw.
pub trait ShowPath {
    /// [`Shown::path`].
    #[must_use]
    fn shown(&self) -> Shown;
}

impl ShowPath for Path {
    fn shown(&self) -> Shown {
        Shown::path(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_a_terminal_and_twice_is_once() {
        for (text, shown) in [
            ("plain", "plain"),
            ("a\tb\r\n", "a\\tb\\r\\n"),
            ("\u{7f}\u{85}\u{9b}31m", "\\u{7f}\\u{85}\\u{9b}31m"),
            (
                "\u{2028}\u{2066}\u{feff}\u{ad}\u{1bca0}\u{1d173}",
                "\\u{2028}\\u{2066}\\u{feff}\\u{ad}\\u{1bca0}\\u{1d173}",
            ),
            ("C:\\mods\\new", "C:\\mods\\new"),
            ("волк क्षि 狼 🐺 é", "волк क्षि 狼 🐺 é"),
        ] {
            let once = Shown::new(text);
            assert_eq!(once, *shown);
            assert_eq!(Shown::new(&once), once);
            assert_eq!(Shown::path(Path::new(text)), once);
        }
        assert_eq!(Shown::most("abcdef", 3), *"abc...");
        assert_eq!(Shown::printed("a\tb\u{1b}"), *"a\tb\\u{1b}");
    }
}
