//! How texts for people are laid out: lines that fit the terminal, sizes and numbers as they are read.

use std::{
    fmt::Display,
    io::{self, IsTerminal},
};

use modhost::{Mods, Shown, resolve::ModSet};
use terminal_size::{Width, terminal_size};

/// The width where there is no terminal, and the narrowest that is kept to.
const COLUMNS: usize = 80;
const NARROWEST: usize = 40;
/// A line longer than this is hard to read on any terminal.
const WIDEST: usize = 100;

/// Longest text of a guest in a table, in characters.
const LONGEST: usize = 400;

/// Columns that `stream` has.
pub(crate) fn width(stream: &impl IsTerminal) -> usize {
    let terminal = stream.is_terminal().then(terminal_size).flatten();
    terminal.map_or(COLUMNS, |(Width(columns), _)| usize::from(columns).clamp(NARROWEST, WIDEST))
}

/// Columns that standard output has.
pub(crate) fn columns() -> usize {
    width(&io::stdout())
}

/// A text of a guest or of its author, short and harmless.
pub(crate) fn safe(text: &str) -> Shown {
    Shown::most(text, LONGEST)
}

/// Lines for a person, each made by the escape: the one thing that [`Answer`](crate::answer::Answer) prints. Whatever is added to it is
/// escaped on its way in, line ends too; those that stand between the lines are its own.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

impl Text {
    /// One line.
    pub(crate) fn of(line: impl Display) -> Self {
        let mut text = Text::default();
        text.line(line);
        text
    }

    /// The lines of what only we write.
    pub(crate) fn own(lines: &impl OwnLines) -> Self {
        let mut text = Text::default();
        lines.to_string().lines().for_each(|line| text.line(line));
        text
    }

    /// Appends a line.
    pub(crate) fn line(&mut self, line: impl Display) {
        // Tabs stay: they end nothing, and what a shell or a policy file reads may have them.
        self.0.push_str(&Shown::printed(&line.to_string()));
        self.0.push('\n');
    }

    /// Appends several.
    pub(crate) fn lines(&mut self, lines: &[&dyn Display]) {
        lines.iter().for_each(|line| self.line(line));
    }

    /// Appends an empty line.
    pub(crate) fn blank(&mut self) {
        self.0.push('\n');
    }

    pub(crate) fn append(&mut self, other: Text) {
        self.0.push_str(&other.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// A text of several lines that only we write: what is of others in it was escaped when it came in, so that its line ends are ours.
pub(crate) trait OwnLines: Display {}

impl OwnLines for Mods {}
impl OwnLines for ModSet {}
impl OwnLines for &'static str {}

/// Appends `text` as lines of at most `width` columns: the first begins with `lead`, the others are indented as deep.
pub(crate) fn paragraph(out: &mut Text, lead: &str, text: &str, width: usize) {
    let (lead, text) = (Shown::printed(lead), Shown::most(text, usize::MAX));
    let indent = lead.chars().count();
    let mut line = lead.to_string();
    let mut filled = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if filled && line.chars().count() + 1 + word.chars().count() > width {
            out.line(line.trim_end());
            line = " ".repeat(indent);
            filled = false;
        }
        if filled {
            line.push(' ');
        }
        line.push_str(word);
        filled = true;
    }
    out.line(line.trim_end());
}

/// Bytes, as `8 MiB` or `1.5 KiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, of) in UNITS {
        if bytes >= of {
            let tenths = (u128::from(bytes) * 10 + u128::from(of) / 2) / u128::from(of);
            let (whole, tenth) = (tenths / 10, tenths % 10);
            return if tenth == 0 { format!("{whole} {unit}") } else { format!("{whole}.{tenth} {unit}") };
        }
    }
    format!("{bytes} B")
}

/// A number with its digits in groups of three, as TOML may write it: `10_000_000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// `1 plugin`, `2 plugins`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_numbers() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (8 << 20, "8 MiB"),
            (u64::MAX, "17179869184 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1_000"), (10_000_000, "10_000_000")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn paragraphs_fit() {
        for (lead, text, width, lines) in [
            ("  a: ", "b", 10, "  a: b\n"),
            ("a ", "bb cc dd", 8, "a bb cc\n  dd\n"),
            ("a ", "a-word-that-is-too-long x", 8, "a a-word-that-is-too-long\n  x\n"),
            ("a ", "", 8, "a\n"),
            ("a\u{1b} ", "b\nc", 80, "a\\u{1b} b\\nc\n"),
        ] {
            let mut out = Text::default();
            paragraph(&mut out, lead, text, width);
            assert_eq!(out.as_str(), lines);
        }
    }
}
