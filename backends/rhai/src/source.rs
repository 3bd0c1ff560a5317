//! Makes a source ready for Rhai's parser. It refuses what makes the parser (or a later call) slow: long numbers, long
//! names, many arguments. It swaps the case of host functions' names, some of which Rhai reserves (`spawn`, `shared`,
//! `default`, ...). It marks values that variables and parts of containers are given, for memory is weighed there. It says
//! what the source imports. It knows tokens only; what is wrong otherwise is left to the parser.

use std::mem;

use crate::{
    cost::{Cost, Counter},
    limits,
};

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
    source: &'a str,
    rest: &'a [u8],
    line: u32,
    open: Vec<Open>,
    /// How many arguments a call with `::` may have.
    arguments: usize,
    /// Where the first letters of names in paths stand.
    letters: Vec<usize>,
    /// Where a value begins that is to be marked, and how.
    values: Vec<(usize, char)>,
    /// The next token begins the arguments of a method, or ends them.
    given: bool,
    /// The next token begins the value of a variable.
    assigned: bool,
    imports: Vec<Import>,
    counter: Counter<'a>,
    /// Names of imported files, whose functions keep their names.
    aliases: Vec<String>,
}

/// One `import "lib/util" as util;`.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Import {
    /// The path, as it is written.
    pub(crate) name: String,
    /// The name of the imported file in this one.
    pub(crate) alias: String,
    /// Where the path stands: line and column, from 1.
    pub(crate) at: (u32, u32),
}

/// A source that the parser may see.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The text.
    pub(crate) text: String,
    /// How it differs from the author's.
    pub(crate) inserted: Inserted,
    /// What it imports.
    pub(crate) imports: Vec<Import>,
    /// What it costs.
    pub(crate) cost: Cost,
}

/// Where characters were inserted into a source, sorted: line and column in the prepared text, from 1.
#[derive(Debug, Default)]
pub(crate) struct Inserted(Vec<(usize, usize)>);

impl Inserted {
    /// The column in the author's source of a place in the prepared text.
    pub(crate) fn column(&self, line: usize, column: usize) -> usize {
        let first = self.0.partition_point(|at| at.0 < line);
        column - self.0[first..].iter().take_while(|at| at.0 == line && at.1 < column).count()
    }
}

/// Stands before a value that is assigned to a part of a container: `m.k = v`. Rhai reserves these symbols and never uses
/// them.
pub(crate) const PART: char = '@';
/// Stands before a value that is assigned to a variable.
pub(crate) const VARIABLE: char = '~';
/// Stands before the first argument of a method.
pub(crate) const ARGUMENT: char = '$';

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
    /// The last token is a name, alone or after `.`.
    named: bool,
    /// The last token ends a part of a container: `]`, or a name after `.`.
    part: bool,
}

/// Checks `source`, in which a call with `::` may have `arguments` arguments, and makes it ready.
pub(crate) fn prepare(source: &str, arguments: usize) -> Result<Prepared, Refused> {
    let mut scanner = Scanner::new(source, arguments, Vec::new());
    scanner.code()?;
    // A path may stand before the import that it is of.
    if !scanner.imports.is_empty() {
        let aliases = scanner.imports.iter().map(|import| import.alias.clone()).collect();
        scanner = Scanner::new(source, arguments, aliases);
        scanner.code()?;
    }
    let Scanner { letters, values, imports, counter, .. } = scanner;
    let (mut prepared, mut inserted) = (String::with_capacity(source.len() + values.len()), Inserted::default());
    let (mut letters, mut values) = (letters.into_iter().peekable(), values.into_iter().peekable());
    let (mut line, mut column) = (1, 1);
    for (at, mut character) in source.char_indices() {
        if letters.next_if_eq(&at).is_some() {
            character = swap_case(character);
        }
        if let Some((_, mark)) = values.next_if(|value| value.0 == at) {
            prepared.push(mark);
            if character == ' ' {
                column += 1;
                continue;
            }
            inserted.0.push((line, column));
            column += 1;
        }
        prepared.push(character);
        (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    Ok(Prepared { text: prepared, inserted, imports, cost: counter.finish() })
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

impl<'a> Scanner<'a> {
    fn new(source: &'a str, arguments: usize, aliases: Vec<String>) -> Self {
        Scanner {
            source,
            rest: source.as_bytes(),
            line: 1,
            open: Vec::new(),
            arguments,
            letters: Vec::new(),
            values: Vec::new(),
            given: false,
            assigned: false,
            imports: Vec::new(),
            counter: Counter::default(),
            aliases,
        }
    }

    fn code(&mut self) -> Result<(), Refused> {
        let mut before = Before::default();
        while let Some(&byte) = self.rest.first() {
            let next = self.rest.get(1);
            let blank = self.blank();
            match byte {
                _ if blank > 0 => self.skip(blank),
                b'/' if next == Some(&b'/') => {
                    self.skip_while(|byte| byte != b'\n');
                }
                b'/' if next == Some(&b'*') => self.comment(),
                _ => {
                    before = self.step(byte, before)?;
                    if let Some(message) = self.counter.refusal() {
                        return Err(self.refused(message));
                    }
                }
            }
        }
        Ok(())
    }

    /// The length of the white space that comes next: one character of what Rhai takes for it.
    fn blank(&self) -> usize {
        let next = self.source.get(self.at()..).and_then(|rest| rest.chars().next());
        next.filter(|character| character.is_whitespace()).map_or(0, char::len_utf8)
    }

    fn at(&self) -> usize {
        self.source.len() - self.rest.len()
    }

    /// Reads one token, which begins with `byte`.
    fn step(&mut self, byte: u8, before: Before) -> Result<Before, Refused> {
        let next = self.rest.get(1);
        if mem::take(&mut self.given) && byte != b')' {
            self.values.push((self.at(), ARGUMENT));
        }
        if mem::take(&mut self.assigned) && !byte.is_ascii_digit() {
            self.values.push((self.at(), VARIABLE));
        }
        match byte {
            b':' if next == Some(&b':') => {
                self.counter.token(b':');
                self.skip(2);
                return Ok(self.separator(before));
            }
            // A range, not a member: what follows `..` stands by itself.
            b'.' if next == Some(&b'.') => {
                self.counter.token(b'.');
                self.skip(2);
                return Ok(Before::default());
            }
            b'.' => {
                self.counter.token(b'.');
                self.skip(1);
                return Ok(Before { dot: true, ..Before::default() });
            }
            _ if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => return self.name(before),
            _ => {}
        }
        let assignment = self.assignment();
        if assignment > 0 {
            self.counter.token(b'=');
            self.skip(assignment);
            // A number cannot be large.
            self.assigned = before.named && !before.part;
            if before.part && !self.rest.is_empty() {
                self.values.push((self.at(), PART));
            }
            return Ok(Before::default());
        }
        self.given = byte == b'(' && before.part && before.named;
        let qualified = before.path.is_some() && !before.separator;
        self.counter.token(byte);
        self.token(byte, qualified)?;
        Ok(Before { part: byte == b']', ..Before::default() })
    }

    /// A name, after `before`.
    fn name(&mut self, before: Before) -> Result<Before, Refused> {
        let start = self.at();
        // A character outside of ASCII is a name of its own, so that white space among them is seen.
        let wide = self.source[start..].chars().next().map_or(0, char::len_utf8);
        let length = if wide > 1 {
            self.skip(wide);
            wide
        } else {
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        self.at_most(length, limits::IDENTIFIER, "name")?;
        let word = &self.source[start..start + length];
        if before.dot || before.separator {
            self.counter.member()
        } else {
            self.counter.name(word)
        }
        let name = Some((start, word == "global" || self.aliases.iter().any(|alias| alias == word)));
        if word == "import" && !before.separator && !before.dot {
            self.import()?;
            return Ok(Before::default());
        }
        if !before.separator {
            return Ok(Before { name, named: true, part: before.dot, ..Before::default() });
        }
        if before.path == Some(true) {
            self.letters.push(start);
        }
        Ok(Before { name, path: before.path, ..Before::default() })
    }

    /// The rest of an import. It is held to the plain form, so that what a file imports is known before anything runs.
    fn import(&mut self) -> Result<(), Refused> {
        const FORM: &str = "write `import \"lib/util\" as util;`, on the top level of a file, at most 64 times";
        let refused = |scanner: &Self| Err(scanner.refused(FORM.into()));
        let many = self.imports.len() >= limits::IMPORTS;
        if many || !self.open.is_empty() || self.blanks() == 0 {
            return refused(self);
        }
        let start = self.at();
        let column = self.source[..start].rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let at = (self.line, u32::try_from(column).unwrap_or(u32::MAX));
        let Some(text) = self.source[start..].strip_prefix('"') else { return refused(self) };
        let Some((name, after)) = text.split_once('"') else { return refused(self) };
        if name.contains(['\\', '\n']) || after.starts_with('"') {
            return refused(self);
        }
        self.skip(name.len() + 2);
        if self.blanks() == 0 || !self.rest.starts_with(b"as") {
            return refused(self);
        }
        self.skip(2);
        if self.blanks() == 0 {
            return refused(self);
        }
        let start = self.at();
        let length = self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.at_most(length, limits::IDENTIFIER, "name")?;
        let alias = &self.source[start..start + length];
        // Names of the host begin with a capital letter by now, and `global` is the file itself.
        if alias == "global" || !alias.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err(self.refused("an imported file is called by a name that begins with a small letter".into()));
        }
        self.imports.push(Import { name: name.into(), alias: alias.into(), at });
        Ok(())
    }

    /// Skips white space; how many bytes of it.
    fn blanks(&mut self) -> usize {
        let before = self.rest.len();
        while self.blank() > 0 {
            self.skip(self.blank());
        }
        before - self.rest.len()
    }

    /// The length of the operator that comes next, if it assigns: `=`, `+=`, `**=`, ... Looks at four bytes at most, for it
    /// is asked at each token.
    fn assignment(&self) -> usize {
        let operator = self.rest.iter().take(3).take_while(|byte| b"+-*/%&|^<>".contains(byte)).count();
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
                // The fraction is another token here; a range's end or a method is none of the number.
                let length = self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
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
            b'@' | b'~' | b'$' => return Err(self.refused(format!("`{}` is not used", char::from(byte)))),
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
        if let Some(Open::Arguments { qualified, commas }) = self.open.last_mut() {
            *commas += 1;
            let (most, with) = if *qualified { (most, " with `::`") } else { (most.max(limits::ARGUMENTS), "") };
            if *commas >= most {
                return Err(self.refused(format!("a call{with} has at most {most} arguments")));
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

    /// Skips one byte, and on to the next of `stops`: what lies between is long, and looking at each byte anew is slow.
    fn skip_to(&mut self, stops: &[u8]) {
        let rest = self.rest.get(1..).unwrap_or_default();
        let count = rest.iter().position(|byte| stops.contains(byte)).unwrap_or(rest.len());
        self.skip(count + 1);
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
                [_, ..] => self.skip_to(&[quote, b'\\']),
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
                    self.counter.token(b'{');
                    self.open.push(Open::Interpolation);
                    return self.skip(2);
                }
                [_, ..] => self.skip_to(b"`$\\"),
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
                [_, ..] => self.skip_to(b"/*"),
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
        let found = found
            .as_ref()
            .map(|prepared| prepared.text.as_str())
            .map_err(|refused| (refused.message.as_str(), refused.line));
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
            ("0..a::b() + 1.5", "0..A::B() + 1.5"),
            ("1.5e3.a::b", "1.5e3.A::B"),
        ] {
            check(source, Ok(expect));
        }
    }

    #[test]
    fn values_that_are_given_away_are_marked() {
        for (source, expect) in [
            ("m[k] = v; m.k = v; m.a[1].b += v; this.x = v", "m[k] =@v; m.k =@v; m.a[1].b +=@v; this.x =@v"),
            ("m[k]=v; m[k] **=v", "m[k]=@v; m[k] **=@v"),
            ("m?.k = v /* = */; m[k] /* x */ = v", "m?.k =@v /* = */; m[k] /* x */ =@v"),
            ("m\u{a0}[k]\u{2003}= v\u{c}; m.k\u{b}=v", "m\u{a0}[k]\u{2003}=@v\u{c}; m.k\u{b}=@v"),
            ("a = v; let a = [1]; a += /* */ v; a=b", "a = ~v; let a = ~[1]; a += /* */ ~v; a=~b"),
            ("i = 1; i += 1; let a = 1 + b;", "i = 1; i += 1; let a = 1 + b;"),
            ("m[k] == v && m.k != v || m[k] <= m.k >= 1", "m[k] == v && m.k != v || m[k] <= m.k >= 1"),
            ("switch m { [1] => 2, x => 3 } 0..=9; a[0]..=9", "switch m { [1] => 2, x => 3 } 0..=9; a[0]..=9"),
            ("#{a: 1}.a", "#{a: 1}.a"),
            ("m.push(v); m[k].push( [v], 1 ); m?.b(c.d(e))", "m.push($v); m[k].push( $[v], 1 ); m?.b($c.d($e))"),
            ("m.pop(); m.pop( /* none */ ); f(m.k)(v)", "m.pop(); m.pop( /* none */ ); f(m.k)(v)"),
        ] {
            check(source, Ok(expect));
        }
    }

    #[test]
    fn columns_are_those_of_the_author() {
        let Prepared { text, inserted, .. } = prepare("m[k]=v; m.k=w\nm.k = x; m.k=y", 3).unwrap();
        assert_eq!(text, "m[k]=@v; m.k=@w\nm.k =@x; m.k=@y");
        let columns = [(1, 1), (1, 5), (1, 6), (1, 7), (1, 15), (2, 6), (2, 14), (2, 15)];
        let found = columns.map(|(line, column)| inserted.column(line, column));
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
