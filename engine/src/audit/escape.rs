//! Escapes text of guests before a person sees it: control characters, terminal escapes, direction overrides.

use std::fmt::Write;

/// `text` with everything escaped that moves a cursor or the reading direction, and at most `most` characters of it.
///
/// ```
/// assert_eq!(modhost::audit::escape("red\u{1b}[31m\n", 40), "red\\u{1b}[31m\\n");
/// assert_eq!(modhost::audit::escape("abcdef", 3), "abc...");
/// ```
#[must_use]
pub fn escape(text: &str, most: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(most) + 8);
    escape_to(&mut safe, text, most);
    safe
}

/// [`escape`], appended to `out`.
pub fn escape_to(out: &mut String, text: &str, most: usize) {
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push_str("...");
            return;
        }
        match c {
            '\t' => out.push('\t'),
            c if c.is_control() || is_format(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "{}", c.escape_default());
            }
            c => out.push(c),
        }
    }
}

/// Marks, embeddings, overrides and isolates of direction, zero-width, invisible and line-breaking format characters
/// (Unicode 16, categories Cf, Zl and Zp, as far as terminals act on them or show nothing, tags included).
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}')
        || matches!(c, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{13430}'..='\u{1343f}')
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
