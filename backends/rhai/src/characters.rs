//! What `chars` gives and `for` walks a text with: the characters of a text, one after the other. Rhai's own holds four bytes
//! for each byte of the text, in a type that nothing can weigh.

use rhai::{Dynamic, INT, ImmutableString};

/// Characters that are still to come.
#[derive(Clone, Debug)]
pub(crate) struct Characters {
    text: ImmutableString,
    /// Bytes that are done.
    at: usize,
    /// Characters at most.
    left: usize,
}

impl Characters {
    /// `count` characters of `text` from the one at `from` on, which counts from the end where it is negative.
    pub(crate) fn new(text: ImmutableString, from: INT, count: INT) -> Self {
        let skipped = match usize::try_from(from) {
            Ok(from) => from,
            Err(_) => {
                let back = usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX);
                text.chars().count().saturating_sub(back)
            }
        };
        let at = text.char_indices().nth(skipped).map_or(text.len(), |(at, _)| at);
        Characters { text, at, left: usize::try_from(count).unwrap_or(0) }
    }

    /// All of `value`, a text.
    pub(crate) fn of(value: Dynamic) -> Self {
        Characters::new(value.into_immutable_string().unwrap_or_default(), 0, INT::MAX)
    }

    /// What it holds.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl Iterator for Characters {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.left = self.left.checked_sub(1)?;
        let next = self.text.get(self.at..)?.chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }
}
