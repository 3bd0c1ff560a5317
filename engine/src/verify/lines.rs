//! [`Lines`]: reads the signed texts line by line, each `name value`, with the line in every error.

use modhost_backend::Place;

use super::key::refused;
use crate::error::{Code, Error, Result};

/// The longest label, in bytes.
const LONGEST_LABEL: usize = 128;

/// Whether `text` may stand behind a name on one line, and reads the same to everybody.
pub(super) fn check_label(text: &str) -> Result<(), String> {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if text.is_empty() || text.len() > LONGEST_LABEL || !printable || text.starts_with(' ') || text.ends_with(' ') {
        return Err(format!(
            "a signer's name has 1 to {LONGEST_LABEL} printable ASCII characters, no space at either end"
        ));
    }
    Ok(())
}

/// The lines of a text, each read once.
pub(super) struct Lines<'t> {
    file: &'static str,
    code: Code,
    lines: std::iter::Peekable<std::str::Lines<'t>>,
    /// The number of the line that was read last.
    number: u32,
}

impl<'t> Lines<'t> {
    /// The lines of `bytes`, if they are ASCII, at most `most` bytes and end with a line's end.
    pub(super) fn new(bytes: &'t [u8], file: &'static str, code: Code, most: usize) -> Result<Self> {
        let wrong = |why: String| Err(refused(code, why).at_place(Place::file(file)));
        if bytes.len() > most {
            return wrong(format!("this is longer than {most} bytes"));
        }
        let Some(text) = str::from_utf8(bytes).ok().filter(|text| text.is_ascii() && !text.contains('\r')) else {
            return wrong("this is not plain ASCII text with lines that end in LF".into());
        };
        if !text.ends_with('\n') {
            return wrong("the last line has no end".into());
        }
        Ok(Lines { file, code, lines: text.lines().peekable(), number: 0 })
    }

    pub(super) fn is_done(&mut self) -> bool {
        self.lines.peek().is_none()
    }

    /// `error`, of the line that was read last.
    pub(super) fn coded(&self, error: Error) -> Error {
        error.at_place(Place { line: Some(self.number.max(1)), ..Place::file(self.file) })
    }

    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        self.coded(refused(self.code, message))
    }

    fn next(&mut self) -> Option<&'t str> {
        self.number += 1;
        self.lines.next()
    }

    /// The first line: what it is, and the version, which must be 1; `newer` is the code for a higher one.
    pub(super) fn head(&mut self, head: &str, newer: Code) -> Result<()> {
        self.head_up_to(head, 1, newer).map(drop)
    }

    /// The same for a text that has had several versions: which one it is, from 1 to `newest`.
    pub(super) fn head_up_to(&mut self, head: &str, newest: u32, newer: Code) -> Result<u32> {
        let version = self.next().and_then(|line| line.strip_prefix(head)).unwrap_or_default();
        match version.parse::<u32>() {
            Ok(known @ 1..) if known <= newest && version == known.to_string() => Ok(known),
            Ok(later @ 2..) if later > newest && !version.starts_with(['+', '0']) => {
                let message = format!("this is of version {later}, and this modhost reads version {newest}");
                Err(self.coded(refused(newer, message)))
            }
            _ => Err(self.error(format!("the first line is `{head}{newest}`"))),
        }
    }

    /// An empty line.
    pub(super) fn empty(&mut self) -> Result<()> {
        match self.next() {
            Some("") => Ok(()),
            _ => Err(self.error("an empty line stands here")),
        }
    }

    /// What stands behind `name`.
    pub(super) fn value(&mut self, name: &str) -> Result<&'t str> {
        match self.maybe(name) {
            Some(value) => Ok(value),
            None => {
                self.number += 1;
                Err(self.error(format!("here stands `{name}` and its value")))
            }
        }
    }

    /// What stands behind `name`, if this is its line.
    pub(super) fn maybe(&mut self, name: &str) -> Option<&'t str> {
        let value = self.lines.peek()?.strip_prefix(name)?.strip_prefix(' ')?;
        self.next();
        Some(value)
    }
}
