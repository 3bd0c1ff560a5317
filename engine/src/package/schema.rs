//! Typed readers over TOML that know where each value stands, for manifests and for policy files. What the keys mean is not
//! decided here.

use modhost_backend::Place;
use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

use super::{MANIFEST, nearest, nesting, parse_duration, parse_size};
use crate::{Code, Error, Result, Stage};

/// The longest string, in bytes.
const LONGEST_STRING: usize = 4096;
/// The most entries of a table or an array.
const MOST_ENTRIES: usize = 1000;
/// Bytes per entry of [`Text::counted`].
const BLOCK: usize = 64;

/// The codes of one kind of file, and the stage that reads it.
pub(crate) struct Codes {
    pub(crate) stage: Stage,
    pub(crate) syntax: Code,
    pub(crate) unknown_key: Code,
    pub(crate) missing_key: Code,
    pub(crate) size: Code,
    pub(crate) duration: Code,
}

const OF_MANIFESTS: Codes = Codes {
    stage: Stage::Open,
    syntax: Code::ManifestSyntax,
    unknown_key: Code::ManifestUnknownKey,
    missing_key: Code::ManifestMissingKey,
    size: Code::ManifestSize,
    duration: Code::ManifestDuration,
};

/// The text of a file, which turns offsets into places in constant time: a manifest of one long line that names
/// thousands of places must not cost a scan for each.
pub(crate) struct Text<'t> {
    file: &'t str,
    codes: &'static Codes,
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// How many characters begin before each [`BLOCK`]-th byte.
    counted: Vec<usize>,
}

impl<'t> Text<'t> {
    /// A manifest.
    ///
    /// # Errors
    /// `manifest.syntax` at the first byte that is not UTF-8.
    pub(crate) fn new(bytes: &'t [u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Text::of(text, MANIFEST, &OF_MANIFESTS)),
            Err(error) => {
                let valid = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
                let text = Text::of(valid, MANIFEST, &OF_MANIFESTS);
                Err(text.error(Code::ManifestSyntax, valid.len(), "this is not UTF-8 text"))
            }
        }
    }

    /// Any file, with codes of its own.
    pub(crate) fn of(text: &'t str, file: &'t str, codes: &'static Codes) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        let mut counted = vec![0];
        for block in text.as_bytes().chunks(BLOCK) {
            counted.push(counted.last().copied().unwrap_or(0) + begun(block));
        }
        Text { file, codes, text, lines, counted }
    }

    /// The whole document.
    ///
    /// # Errors
    /// That of the syntax.
    pub(crate) fn parse(&self) -> Result<Spanned<DeTable<'t>>> {
        if let Some(at) = nesting::too_deep(self.text) {
            return Err(self.error(self.codes.syntax, at, "this is nested too deeply, or has too many tables"));
        }
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error(self.codes.syntax, at, format!("this is not TOML: {}", error.message()))
        })
    }

    fn characters_before(&self, at: usize) -> usize {
        let block = at / BLOCK;
        self.counted.get(block).copied().unwrap_or(0) + begun(&self.text.as_bytes()[block * BLOCK..at])
    }

    /// The place of the byte at `at`.
    pub(crate) fn place(&self, at: usize) -> Place {
        let at = at.min(self.text.len());
        let line = self.lines.partition_point(|begin| *begin <= at);
        let begin = self.lines.get(line.wrapping_sub(1)).copied().unwrap_or(0);
        let column = self.characters_before(at) - self.characters_before(begin) + 1;
        let number = |n: usize| Some(u32::try_from(n).unwrap_or(u32::MAX));
        Place { line: number(line), column: number(column), ..Place::file(self.file) }
    }

    pub(crate) fn error(&self, code: Code, at: usize, message: impl Into<String>) -> Error {
        Error::new(code, self.codes.stage, message).at_place(self.place(at))
    }
}

/// How many characters begin in `bytes`.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// A manifest's own text, short and harmless enough for a message.
pub(crate) fn quote(text: &str) -> String {
    let short: String = text.chars().take(64).collect();
    format!("`{}`", short.escape_debug())
}

/// A value, where it stands and what it is called.
#[derive(Clone, Copy)]
pub(crate) struct Item<'d> {
    text: &'d Text<'d>,
    /// The last part of its key; empty in an array.
    pub(crate) key: &'d str,
    /// The offset of its key (of the value, in an array).
    at: usize,
    value: &'d Spanned<DeValue<'d>>,
}

impl<'d> Item<'d> {
    /// Where its key stands.
    pub(crate) fn place(&self) -> Place {
        self.text.place(self.at)
    }

    /// An error at its key.
    pub(crate) fn error_at_key(&self, code: Code, message: impl Into<String>) -> Error {
        self.text.error(code, self.at, message)
    }

    /// An error at its value.
    pub(crate) fn error(&self, code: Code, message: impl Into<String>) -> Error {
        self.text.error(code, self.value.span().start, message)
    }

    fn mismatch(&self, expected: &str) -> Error {
        let found = self.value.get_ref().type_str();
        let article = |word: &str| if word.starts_with(['a', 'i']) { "an" } else { "a" };
        let name = if self.key.is_empty() { "this".to_owned() } else { quote(self.key) };
        let message = format!("{name} must be {} {expected}, not {} {found}", article(expected), article(found));
        self.error(self.text.codes.syntax, message)
    }

    pub(crate) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    pub(crate) fn is_string(&self) -> bool {
        self.value.get_ref().is_str()
    }

    /// A string of a bounded length, as an error at the value says.
    pub(crate) fn string(&self) -> Result<&'d str> {
        let string = self.value.get_ref().as_str().ok_or_else(|| self.mismatch("string"))?;
        if string.len() > LONGEST_STRING {
            return Err(self.error(self.text.codes.syntax, format!("this is longer than {LONGEST_STRING} bytes")));
        }
        Ok(string)
    }

    pub(crate) fn boolean(&self) -> Result<bool> {
        self.value.get_ref().as_bool().ok_or_else(|| self.mismatch("boolean"))
    }

    fn whole(&self, integer: &DeInteger<'_>, code: Code) -> Result<u64> {
        let digits = integer.as_str();
        u64::from_str_radix(digits, integer.radix()).map_err(|_| {
            let problem = if digits.starts_with('-') { "is below 0" } else { "is too large" };
            self.error(code, format!("{} {problem}", quote(digits)))
        })
    }

    /// A whole number from 0.
    pub(crate) fn count(&self) -> Result<u64> {
        match self.value.get_ref() {
            DeValue::Integer(integer) => self.whole(integer, self.text.codes.syntax),
            _ => Err(self.mismatch("integer")),
        }
    }

    /// `"8MiB"`, or a whole number of bytes.
    pub(crate) fn size(&self) -> Result<u64> {
        match self.value.get_ref() {
            DeValue::Integer(integer) => self.whole(integer, self.text.codes.size),
            DeValue::String(_) => {
                parse_size(self.string()?).map_err(|error| self.error(self.text.codes.size, error.to_string()))
            }
            _ => Err(self.mismatch("size in a string, like \"8MiB\"")),
        }
    }

    /// `"2ms"`.
    pub(crate) fn duration(&self) -> Result<std::time::Duration> {
        match self.value.get_ref() {
            DeValue::String(_) => {
                parse_duration(self.string()?).map_err(|error| self.error(self.text.codes.duration, error.to_string()))
            }
            DeValue::Integer(_) => Err(self.error(self.text.codes.duration, "a duration needs a unit, like \"2ms\"")),
            _ => Err(self.mismatch("duration in a string, like \"2ms\"")),
        }
    }

    /// The elements of an array.
    pub(crate) fn array(&self) -> Result<Vec<Item<'d>>> {
        let array = self.value.get_ref().as_array().ok_or_else(|| self.mismatch("array"))?;
        if array.len() > MOST_ENTRIES {
            return Err(self.error(self.text.codes.syntax, format!("this has more than {MOST_ENTRIES} elements")));
        }
        let item = |value: &'d Spanned<DeValue<'d>>| Item { text: self.text, key: "", at: value.span().start, value };
        Ok(array.iter().map(item).collect())
    }

    /// The elements of an array of strings.
    pub(crate) fn strings(&self) -> Result<Vec<&'d str>> {
        self.array()?.iter().map(Item::string).collect()
    }

    /// The entries of a table, in the file's order; any key is taken.
    pub(crate) fn entries(&self) -> Result<Vec<Item<'d>>> {
        let table = self.value.get_ref().as_table().ok_or_else(|| self.mismatch("table"))?;
        entries(self.text, table, self.at)
    }

    /// A table that takes only `known` keys; `name` as in `[limits]`.
    pub(crate) fn keys(&self, name: &str, known: &[&str]) -> Result<Keys<'d>> {
        let keys = Keys { text: self.text, at: self.at, name: name.to_owned(), entries: self.entries()? };
        keys.check(known)?;
        Ok(keys)
    }
}

fn entries<'d>(text: &'d Text<'d>, table: &'d DeTable<'d>, at: usize) -> Result<Vec<Item<'d>>> {
    if table.len() > MOST_ENTRIES {
        return Err(text.error(text.codes.syntax, at, format!("this has more than {MOST_ENTRIES} entries")));
    }
    let item = |(key, value): (&'d Spanned<toml::de::DeString<'d>>, _)| Item {
        text,
        key: key.get_ref(),
        at: key.span().start,
        value,
    };
    let mut entries: Vec<_> = table.iter().map(item).collect();
    entries.sort_by_key(|item| item.at);
    Ok(entries)
}

/// A table of known keys.
pub(crate) struct Keys<'d> {
    text: &'d Text<'d>,
    at: usize,
    name: String,
    entries: Vec<Item<'d>>,
}

impl<'d> Keys<'d> {
    /// The whole document, its keys not yet checked.
    pub(crate) fn root(text: &'d Text<'d>, table: &'d DeTable<'d>) -> Result<Self> {
        Ok(Keys { text, at: 0, name: String::new(), entries: entries(text, table, 0)? })
    }

    /// # Errors
    /// The unknown key's code, at the first key that is not `known`, with the nearest that is.
    pub(crate) fn check(&self, known: &[&str]) -> Result<()> {
        let Some(unknown) = self.entries.iter().find(|item| !known.contains(&item.key)) else { return Ok(()) };
        let what = if self.name.is_empty() && unknown.is_table() { "table" } else { "key" };
        let place = if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) };
        let advice = match nearest(unknown.key, known.iter().copied()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!("; there are {}", known.join(", ")),
        };
        let message = format!("unknown {what} {}{place}{advice}", quote(unknown.key));
        Err(unknown.error_at_key(self.text.codes.unknown_key, message))
    }

    pub(crate) fn get(&self, key: &str) -> Option<Item<'d>> {
        self.entries.iter().find(|item| item.key == key).copied()
    }

    /// # Errors
    /// The missing key's code, at the table.
    pub(crate) fn need(&self, key: &str) -> Result<Item<'d>> {
        self.get(key).ok_or_else(|| {
            let message = if self.name.is_empty() {
                format!("the table [{key}] is missing")
            } else {
                format!("the key `{key}` is missing in {}", self.name)
            };
            self.text.error(self.text.codes.missing_key, self.at, message)
        })
    }

    /// What `read` makes of the key, where it is there.
    pub(crate) fn read<T>(&self, key: &str, read: impl FnOnce(Item<'d>) -> Result<T>) -> Result<Option<T>> {
        self.get(key).map(read).transpose()
    }
}
