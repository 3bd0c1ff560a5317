//! Looks at a source before Rhai's parser sees it, for what makes the parser (or a later call) slow: long numbers, long
//! names, many arguments. It knows tokens only; what is wrong otherwise is left to the parser.

use crate::limits;

/// Why a source is refused.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Refused {
    /// What is wrong.
    pub(crate) message: String,
    /// From 1.
    pub(crate) line: u32,
}

/// What encloses the place that is read.
enum Open {
    /// `(`, and whether it opens the arguments of a name with `::`; how many commas it has.
    Arguments { qualified: bool, commas: usize },
    /// `[` or `{`.
    Other,
    /// `${` in a text in backticks.
    Interpolation,
}

struct Scanner<'a> {
    rest: &'a [u8],
    line: u32,
    open: Vec<Open>,
    /// How many arguments a call with `::` may have.
    arguments: usize,
}

/// Checks `source`; calls with `::` may have `arguments` arguments.
pub(crate) fn check(source: &str, arguments: usize) -> Result<(), Refused> {
    let mut scanner = Scanner { rest: source.as_bytes(), line: 1, open: Vec::new(), arguments };
    scanner.code()
}

impl Scanner<'_> {
    fn code(&mut self) -> Result<(), Refused> {
        // Whether the name just read follows `::`, and whether `::` was just read.
        let (mut qualified, mut separator) = (false, false);
        while let Some(&byte) = self.rest.first() {
            let (was_qualified, was_separator) = (qualified, separator);
            (qualified, separator) = (false, false);
            match byte {
                b'"' | b'\'' => self.quoted(byte),
                b'`' => self.backticks(),
                b'#' if matches!(self.rest.get(1), Some(b'"' | b'#')) => self.raw(),
                b'/' if self.rest.get(1) == Some(&b'/') => {
                    self.skip_while(|byte| byte != b'\n');
                }
                b'/' if self.rest.get(1) == Some(&b'*') => self.comment(),
                b'0'..=b'9' => {
                    let length = self.skip_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
                    self.at_most(length, limits::NUMBER, "number")?;
                    continue;
                }
                _ if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => {
                    let length = self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
                    self.at_most(length, limits::IDENTIFIER, "name")?;
                    qualified = was_separator;
                    continue;
                }
                b':' if self.rest.get(1) == Some(&b':') => {
                    self.skip(2);
                    separator = true;
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {
                    (qualified, separator) = (was_qualified, was_separator);
                    self.skip(1);
                    continue;
                }
                b'(' => {
                    self.open.push(Open::Arguments { qualified: was_qualified, commas: 0 });
                    self.skip(1);
                    continue;
                }
                b'[' | b'{' => {
                    self.open.push(Open::Other);
                    self.skip(1);
                    continue;
                }
                b',' => {
                    self.skip(1);
                    self.comma()?;
                    continue;
                }
                b')' | b']' | b'}' => {
                    self.skip(1);
                    if let Some(Open::Interpolation) = self.open.pop() {
                        self.text_in_backticks();
                    }
                    continue;
                }
                _ => self.skip(1),
            }
        }
        Ok(())
    }

    fn comma(&mut self) -> Result<(), Refused> {
        let most = self.arguments;
        if let Some(Open::Arguments { qualified: true, commas }) = self.open.last_mut() {
            *commas += 1;
            if *commas >= most {
                return Err(self.refused(format!("a call with `::` has at most {most} arguments")));
            }
        }
        Ok(())
    }

    fn at_most(&self, length: usize, most: usize, what: &str) -> Result<(), Refused> {
        if length > most { Err(self.refused(format!("a {what} has at most {most} characters"))) } else { Ok(()) }
    }

    fn refused(&self, message: String) -> Refused {
        Refused { message, line: self.line }
    }

    fn skip(&mut self, count: usize) {
        let (skipped, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.line += u32::try_from(skipped.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0);
        self.rest = rest;
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) -> usize {
        let count = self.rest.iter().position(|byte| !test(*byte)).unwrap_or(self.rest.len());
        self.skip(count);
        count
    }

    /// A text or character in `quote`: `\\` escapes the next character, a doubled quote is one of the text. The parser ends
    /// an open text at the end of its line, with an error, and so the rest does not matter.
    fn quoted(&mut self, quote: u8) {
        self.skip(1);
        loop {
            match self.rest {
                [b'\\', _, ..] => self.skip(2),
                [one, two, ..] if *one == quote && *two == quote => self.skip(2),
                [one, ..] if *one == quote => return self.skip(1),
                [_, ..] => self.skip(1),
                [] => return,
            };
        }
    }

    fn backticks(&mut self) {
        self.skip(1);
        self.text_in_backticks()
    }

    /// The rest of a text in backticks, up to its end or to `${`, which leads back into code.
    fn text_in_backticks(&mut self) {
        loop {
            match self.rest {
                [b'`', b'`', ..] | [b'\\', b'$', ..] => self.skip(2),
                [b'`', ..] => return self.skip(1),
                [b'$', b'{', ..] => {
                    self.open.push(Open::Interpolation);
                    return self.skip(2);
                }
                [_, ..] => self.skip(1),
                [] => return,
            };
        }
    }

    /// `#"..."#` with any number of `#`.
    fn raw(&mut self) {
        let hashes = self.skip_while(|byte| byte == b'#');
        if self.rest.first() != Some(&b'"') {
            return;
        }
        self.skip(1);
        loop {
            let Some(quote) = self.rest.iter().position(|byte| *byte == b'"') else {
                return self.skip(self.rest.len());
            };
            self.skip(quote + 1);
            let closing = self.rest.iter().take(hashes).take_while(|byte| **byte == b'#').count();
            if closing == hashes {
                return self.skip(hashes);
            }
        }
    }

    /// `/* ... */`, nested.
    fn comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.rest {
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.skip(2);
                }
                [b'*', b'/', ..] => {
                    depth = depth.saturating_sub(1);
                    self.skip(2);
                    if depth == 0 {
                        return;
                    }
                }
                [_, ..] => {
                    self.skip(1);
                }
                [] => return,
            }
        }
    }
}
