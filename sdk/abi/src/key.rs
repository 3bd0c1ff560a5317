//! [`Key`]: the key of a map's entry. Keys are mostly names of fields, and short: those are kept in place, so that a record is made and
//! dropped without an allocation for each of its names.

use alloc::{boxed::Box, string::String};
use core::{cmp::Ordering, fmt, ops::Deref, str};

/// The longest key that is kept in place, in bytes: as much as fits beside its length in the size of a `String`.
const SHORT: usize = 22;

/// The key of a map's entry.
///
/// ```
/// use modhost_abi::Key;
///
/// let key = Key::from("hp");
/// assert_eq!((&*key, key.len()), ("hp", 2));
/// assert!(key < Key::from(String::from("name")));
/// ```
#[derive(Clone)]
pub struct Key(Repr);

#[derive(Clone)]
enum Repr {
    /// So many bytes of UTF-8, then zeros.
    Short(u8, [u8; SHORT]),
    Long(Box<str>),
}

impl Key {
    /// The bytes of its text, which cost no look at whether they are UTF-8.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Repr::Long(text) => text.as_bytes(),
        }
    }

    /// Its text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // They were a text when they came, and nothing writes to them.
            Repr::Short(..) => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Repr::Long(text) => text,
        }
    }

    /// Its length in bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it is the empty text.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<&str> for Key {
    #[inline]
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Key(Repr::Short(length, bytes))
            }
            _ => Key(Repr::Long(text.into())),
        }
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        if text.len() <= SHORT { Key::from(text.as_str()) } else { Key(Repr::Long(text.into_boxed_str())) }
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        match key.0 {
            Repr::Short(..) => key.as_str().into(),
            Repr::Long(text) => text.into(),
        }
    }
}

impl Deref for Key {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Key {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    /// As texts are ordered, which is by their bytes.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_or_long_a_key_is_its_text() {
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 1000] {
            let text = "k".repeat(length);
            let (borrowed, owned) = (Key::from(text.as_str()), Key::from(text.clone()));
            assert_eq!((borrowed.as_str(), borrowed.len(), borrowed.is_empty()), (&*text, length, length == 0));
            assert_eq!((&borrowed, matches!(borrowed.0, Repr::Short(..))), (&owned, length <= SHORT));
            assert_eq!(String::from(owned), text);
        }
        let two = ["\u{e4}".repeat(SHORT / 2), "\u{e4}".repeat(SHORT)];
        assert_eq!(two.clone().map(|text| String::from(Key::from(text))), two);
    }

    #[test]
    fn keys_are_ordered_like_texts() {
        let mut texts = ["b", "", "a\u{0}", "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\u{10ffff}", "\u{7f}", "B"];
        let mut keys = texts.map(Key::from);
        (texts.sort_unstable(), keys.sort_unstable());
        assert_eq!(keys.map(String::from), texts);
    }
}
