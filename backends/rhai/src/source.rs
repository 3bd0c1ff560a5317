//! Makes a source ready for Rhai's parser. It refuses what makes the parser (or a later call) slow: long numbers, long
//! names, many arguments. It swaps the case of host functions' names, some of which Rhai reserves (`spawn`, `shared`,
//! `default`, ...). It marks values that are assigned to a part of a container, because Rhai does not look at the
//! container's size then. It knows tokens only; what is wrong otherwise is left to the parser.

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
    source: &'a [u8],
    rest: &'a [u8],
    line: u32,
    open: Vec<Open>,
    /// How many arguments a call with `::` may have.
    arguments: usize,
    /// Where the first letters of names in paths stand.
    letters: Vec<usize>,
    /// Where a value begins that is assigned to a part of a container.
    values: Vec<usize>,
}

/// A source as the parser shall see it.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The text.
    pub(crate) text: String,
    /// Where characters were inserted, sorted: line and column in `text`, from 1.
    inserted: Vec<(usize, usize)>,
}

impl Prepared {
    /// The column in the author's source of a place in the text.
    pub(crate) fn column(&self, line: usize, column: usize) -> usize {
        let first = self.inserted.partition_point(|at| at.0 < line);
        column - self.inserted[first..].iter().take_while(|at| at.0 == line && at.1 < column).count()
    }
}

/// Stands before a value that is assigned to a part of a container; Rhai reserves the symbol and never uses it.
pub(crate) const MARK: char = '@';

/// What was read before the present token.
#[derive(Clone, Copy, Default)]
struct Before {
    /// Where the last name stands, and whether it is `global`.
    name: Option<(usize, bool)>,
    /// The last token was `::`.
    separator: bool,
    /// The last name is in a path, whose names have their case swapped or not.
    path: Option<bool>,
    /// The last token was `.`.
    dot: bool,
    /// The last token ends a part of a container: `]`, or a name after `.`.
    part: bool,
}

/// Checks `source`, in which a call with `::` may have `arguments` arguments, and makes it ready.
pub(crate) fn prepare(source: &str, arguments: usize) -> Result<Prepared, Refused> {
    let bytes = source.as_bytes();
    let (letters, values) = (Vec::new(), Vec::new());
    let mut scanner = Scanner { source: bytes, rest: bytes, line: 1, open: Vec::new(), arguments, letters, values };
    scanner.code()?;
    let Scanner { letters, values, .. } = scanner;
    let mut prepared = Prepared { text: String::with_capacity(source.len() + values.len()), inserted: Vec::new() };
    let (mut letters, mut values) = (letters.into_iter().peekable(), values.into_iter().peekable());
    let (mut line, mut column) = (1, 1);
    for (at, mut character) in source.char_indices() {
        if letters.next_if_eq(&at).is_some() {
            character = swap_case(character);
        }
        if values.next_if_eq(&at).is_some() {
            prepared.text.push(MARK);
            if character == ' ' {
                column += 1;
                continue;
            }
            prepared.inserted.push((line, column));
            column += 1;
        }
        prepared.text.push(character);
        (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    Ok(prepared)
}

/// A part of a host function's name as sources say it after [`prepare`], and back: Rhai reserves no word that begins with
/// a capital letter but `Fn`, and the host has no such names.
pub(crate) fn swapped(part: &str) -> String {
    let mut characters = part.chars();
    characters.next().map(swap_case).into_iter().chain(characters).collect()
}

fn swap_case(letter: char) -> char {
    if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
}

impl Scanner<'_> {
    fn code(&mut self) -> Result<(), Refused> {
        let mut before = Before::default();
        while let Some(&byte) = self.rest.first() {
            let next = self.rest.get(1);
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.skip(1),
                b'/' if next == Some(&b'/') => {
                    self.skip_while(|byte| byte != b'\n');
                }
                b'/' if next == Some(&b'*') => self.comment(),
                b':' if next == Some(&b':') => {
                    self.skip(2);
                    before = self.separator(before);
                }
                _ if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => before = self.name(before)?,
                _ if self.assignment() > 0 => {
                    self.skip(self.assignment());
                    if before.part && !self.rest.is_empty() {
                        self.values.push(self.source.len() - self.rest.len());
                    }
                    before = Before::default();
                }
                _ => {
                    let qualified = before.path.is_some() && !before.separator;
                    before = Before { dot: byte == b'.', part: byte == b']', ..Before::default() };
                    self.token(byte, qualified)?;
                }
            }
        }
        Ok(())
    }

    /// A name, after `before`.
    fn name(&mut self, before: Before) -> Result<Before, Refused> {
        let start = self.source.len() - self.rest.len();
        let length = self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
        self.at_most(length, limits::IDENTIFIER, "name")?;
        let name = Some((start, &self.source[start..start + length] == b"global"));
        if !before.separator {
            return Ok(Before { name, part: before.dot, ..Before::default() });
        }
        if before.path == Some(true) {
            self.letters.push(start);
        }
        Ok(Before { name, path: before.path, ..Before::default() })
    }

    /// The length of the operator that comes next, if it assigns: `=`, `+=`, `**=`, ...
    fn assignment(&self) -> usize {
        let operator = self.rest.iter().take_while(|byte| b"+-*/%&|^<>".contains(byte)).count();
        let assigns = match self.rest.get(operator..) {
            Some([b'=', b'=' | b'>', ..]) => operator > 0,
            Some([b'=', ..]) => !matches!(&self.rest[..operator], b"<" | b">"),
            _ => false,
        };
        if assigns { operator + 1 } else { 0 }
    }

    /// `::`, after `before`: what precedes it is the first name of a path. Constants of `global` keep their names.
    fn separator(&mut self, before: Before) -> Before {
        let path = before.path.or_else(|| {
            let (start, global) = before.name?;
            if !global {
                self.letters.push(start);
            }
            Some(!global)
        });
        Before { separator: true, path, ..before }
    }

    /// Any other token; `qualified` if it follows a path.
    fn token(&mut self, byte: u8, qualified: bool) -> Result<(), Refused> {
        match byte {
            b'"' | b'\'' => self.quoted(byte),
            b'`' => {
                self.skip(1);
                self.text_in_backticks();
            }
            b'#' if matches!(self.rest.get(1), Some(b'"' | b'#')) => self.raw(),
            b'0'..=b'9' => {
                let length = self.skip_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
                self.at_most(length, limits::NUMBER, "number")?;
            }
            b'(' => {
                self.open.push(Open::Arguments { qualified, commas: 0 });
                self.skip(1);
            }
            b'[' | b'{' => {
                self.open.push(Open::Other);
                self.skip(1);
            }
            b',' => {
                self.skip(1);
                self.comma()?;
            }
            b'@' => return Err(self.refused("`@` is not used".into())),
            b'=' => self.skip(2),
            b')' | b']' | b'}' => {
                self.skip(1);
                if let Some(Open::Interpolation) = self.open.pop() {
                    self.text_in_backticks();
                }
            }
            _ => self.skip(1),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expect: Result<&str, (&str, u32)>) {
        let found = prepare(source, 3);
        let found =
            found.as_ref().map(|found| found.text.as_str()).map_err(|refused| (refused.message.as_str(), refused.line));
        assert_eq!(found, expect, "{source}");
    }

    #[test]
    fn names_of_paths_swap_their_case_and_nothing_else_changes() {
        for (source, expect) in [
            ("a + b", "a + b"),
            ("world::spawn(x::y)", "World::Spawn(X::Y)"),
            ("a::b /* c::d */ :: // e::f\n g", "A::B /* c::d */ :: // e::f\n G"),
            ("global::step + global::b(c::d)", "global::step + global::b(C::D)"),
            ("World::Spawn()", "world::spawn()"),
            (
                "\"a::b\" + 'c' + `d::e ${f::g(`h::i`)} j::k` + l::m",
                "\"a::b\" + 'c' + `d::e ${F::G(`h::i`)} j::k` + L::M",
            ),
            ("\"\\\"a::b\" c::d", "\"\\\"a::b\" C::D"),
            ("\"x\"\"a::b\" c::d", "\"x\"\"a::b\" C::D"),
            ("`x``a::b` c::d", "`x``a::b` C::D"),
            ("`\\${a::b}` c::d", "`\\${a::b}` C::D"),
            ("#\"a::b\"c::d\"# e::f", "#\"a::b\"c::d\"# E::F"),
            ("##\"a\"# b::c\"## e::f", "##\"a\"# b::c\"## E::F"),
            ("#{a: b::c}", "#{a: B::C}"),
            ("/* /* a::b */ c::d */ e::f", "/* /* a::b */ c::d */ E::F"),
            ("_a::_b", "_a::_b"),
            ("w\u{f6}::lf", "W\u{f6}::Lf"),
        ] {
            check(source, Ok(expect));
        }
    }

    #[test]
    fn values_for_parts_of_containers_are_marked() {
        for (source, expect) in [
            ("m[k] = v; m.k = v; m.a[1].b += v; this.x = v", "m[k] =@v; m.k =@v; m.a[1].b +=@v; this.x =@v"),
            ("m[k]=v; m[k] **=v", "m[k]=@v; m[k] **=@v"),
            ("m?.k = v /* = */; m[k] /* x */ = v", "m?.k =@v /* = */; m[k] /* x */ =@v"),
            ("a = v; let a = v; let b = m[k]; a += v", "a = v; let a = v; let b = m[k]; a += v"),
            ("m[k] == v && m.k != v || m[k] <= m.k >= 1", "m[k] == v && m.k != v || m[k] <= m.k >= 1"),
            ("switch m { [1] => 2 } 0..=9; a[0]..=9", "switch m { [1] => 2 } 0..=9; a[0]..=9"),
            ("#{a: 1}.a", "#{a: 1}.a"),
        ] {
            check(source, Ok(expect));
        }
    }

    #[test]
    fn columns_are_those_of_the_author() {
        let prepared = prepare("m[k]=v; m.k=w\nm.k = x; m.k=y", 3).unwrap();
        assert_eq!(prepared.text, "m[k]=@v; m.k=@w\nm.k =@x; m.k=@y");
        let columns = [(1, 1), (1, 5), (1, 6), (1, 7), (1, 15), (2, 6), (2, 14), (2, 15)];
        let found = columns.map(|(line, column)| prepared.column(line, column));
        assert_eq!(found, [1, 5, 6, 6, 13, 6, 14, 14]);
    }

    #[test]
    fn what_takes_long_is_refused() {
        let number = "1".repeat(limits::NUMBER + 1);
        let name = "n".repeat(limits::IDENTIFIER + 1);
        let many = "a call with `::` has at most 3 arguments";
        check(&format!("a\n{number}"), Err(("a number has at most 128 characters", 2)));
        check(&format!("`${{{number}}}`"), Err(("a number has at most 128 characters", 1)));
        check(&format!("a::{name}"), Err(("a name has at most 128 characters", 1)));
        check("a @ b", Err(("`@` is not used", 1)));
        check("\n\na::b(1, [2, 3], (4, 5), 6)", Err((many, 3)));
        let (texts, plain) = (format!("\"{number}\"`{name}`"), "f(1, 2, 3, 4, 5) + a::b(1, f(2, 3, 4), 5)");
        check(&texts, Ok(&texts));
        check(plain, Ok(&plain.replace("a::b", "A::B")));
    }

    #[test]
    fn sources_that_end_early_are_left_to_the_parser() {
        for source in
            ["\"a", "'", "`a${", "`", "#\"a\"", "/*", "(", ")]}", "\\", "#", "m[k] =", "m[k] +", "a::", "::a", "`${`${"]
        {
            assert!(prepare(source, 3).is_ok(), "{source}");
        }
    }
}
