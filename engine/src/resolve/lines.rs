//! Reading the texts that a set of mods is kept in, strictly, line by line: what is not understood is an error at its line.

use modhost_backend::Place;
use semver::Version;

use super::Digest;
use crate::{
    error::{Code, Error, Result, Stage},
    package::{Id, schema::quote},
};

/// The most bytes of such a text: some 15,000 plugins fit. Read, it takes up to 13 times as much.
const LONGEST: usize = 3 << 20;
/// The longest version.
const LONGEST_VERSION: usize = 64;

/// One line that is neither empty nor a comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'t> {
    file: &'static str,
    code: Code,
    pub(super) number: u32,
    pub(super) text: &'t str,
}

/// The lines of a text.
pub(super) fn lines<'t>(text: &'t str, file: &'static str, code: Code) -> Result<impl Iterator<Item = Line<'t>>> {
    if text.len() > LONGEST {
        let message = format!("this is longer than {LONGEST} bytes");
        return Err(Error::new(code, Stage::Resolve, message).at_place(Place::file(file)));
    }
    let numbered = (1..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines());
    let lines = numbered.map(move |(number, text)| Line { file, code, number, text: text.trim_end() });
    Ok(lines.filter(|line| !line.text.is_empty() && !line.text.starts_with('#')))
}

impl<'t> Line<'t> {
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        let place = Place { line: Some(self.number), ..Place::file(self.file) };
        let error = Error::new(self.code, Stage::Resolve, message).at_place(place);
        if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| self.text.starts_with(mark)) {
            return error.with_help(
                "Two versions of this file were merged: keep one block of each plugin, and remove the marks.",
            );
        }
        error
    }

    pub(super) fn id(&self, text: &str) -> Result<String> {
        Id::new(text).map(|id| id.to_string()).map_err(|error| self.error(error.to_string()))
    }

    pub(super) fn version(&self, text: &str) -> Result<Version> {
        let parsed = if text.len() > LONGEST_VERSION { None } else { Version::parse(text).ok() };
        parsed.ok_or_else(|| self.error(format!("{} is not a version like 1.2.3", quote(text))))
    }

    pub(super) fn digest(&self, text: &str) -> Result<Digest> {
        text.parse().map_err(|error| self.error(format!("{} is no digest: {error}", quote(text))))
    }

    /// `key = rest`.
    pub(super) fn pair(&self) -> Result<(&'t str, &'t str)> {
        let pair = self.text.split_once(" = ");
        pair.ok_or_else(|| self.error(format!("{} is not `key = value`", quote(self.text))))
    }

    /// A string in quotes, without what is around them.
    pub(super) fn string(&self, text: &str) -> Result<String> {
        let wrong = || self.error(format!("{} is not a string in quotes", quote(text)));
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or_else(wrong)?;
        let mut string = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => return Err(wrong()),
                '\\' => match chars.next() {
                    Some(c @ ('"' | '\\')) => string.push(c),
                    Some('u') => {
                        let digits: String = chars.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                        string.push(code.and_then(char::from_u32).ok_or_else(wrong)?);
                    }
                    _ => return Err(wrong()),
                },
                c => string.push(c),
            }
        }
        Ok(string)
    }

    /// Strings in brackets; what is in them has no quotes of its own.
    pub(super) fn strings(&self, text: &str) -> Result<Vec<String>> {
        let wrong = || self.error(format!("{} is not a list of strings in brackets", quote(text)));
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or_else(wrong)?;
        if inner.is_empty() { Ok(Vec::new()) } else { inner.split(", ").map(|one| self.string(one)).collect() }
    }
}

/// A string in quotes, as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
