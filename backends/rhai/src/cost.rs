//! What a source costs before it runs: the memory of its syntax tree, the time of the parser (which cannot be interrupted),
//! and how much its expressions can hold at a time. The scanner of `source` tells it tokens, names and brackets.

use std::{collections::HashSet, mem};

use crate::limits;

/// Bytes that a token takes in a syntax tree: a `#{a:1}` was measured at 125 for each of its six, an `if a {}` at 132.
const TOKEN: u64 = 160;
/// Bytes that a token of a literal takes in the value, a `#{a:1}` being the heaviest again.
const LITERAL: u64 = 100;

/// The cost of one source, or of all of a plugin's.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    tokens: u64,
    lookups: u64,
    /// The most values that a call's arguments hold while a later argument calls something.
    held: u64,
    /// The most arguments of a call, or parameters of a function.
    arguments: u64,
    /// The tokens of the largest literal.
    literal: u64,
}

impl Cost {
    /// Adds another file's.
    pub(crate) fn add(&mut self, other: &Cost) {
        self.tokens += other.tokens;
        self.lookups += other.lookups;
        self.held = self.held.max(other.held);
        self.arguments = self.arguments.max(other.arguments);
        self.literal = self.literal.max(other.literal);
    }

    /// Why the parser may not see it.
    pub(crate) fn refusal(&self) -> Option<String> {
        if self.tokens > limits::TOKENS {
            return Some(format!("a plugin's files have at most {} words and signs", limits::TOKENS));
        }
        let message = "its functions use too many different names too often: divide the largest ones";
        (self.lookups > limits::LOOKUPS).then(|| message.into())
    }

    /// Bytes of the syntax tree.
    pub(crate) fn memory(&self) -> u64 {
        self.tokens * TOKEN
    }

    /// How many values one place on the stack may hold, in quarters: one, and what is held beside it; a function's
    /// parameters come with four times the stack of an operator.
    pub(crate) fn density(&self) -> u64 {
        4 + 4 * self.held + self.arguments
    }

    /// Bytes of the largest literal.
    pub(crate) fn literal(&self) -> u64 {
        self.literal * LITERAL
    }
}

/// What a bracket encloses.
#[derive(Debug, Default)]
struct Bracket {
    /// Arguments, or a parenthesis.
    round: bool,
    /// A literal, or an index.
    literal: bool,
    /// Tokens read before it.
    start: u64,
    commas: u64,
    /// Of the parts before the last comma: how many are more than a number or text.
    values: u64,
    /// Whether the present part is more than that, and whether it calls something.
    value: bool,
    calls: bool,
    /// Whether a part before it calls something.
    called: bool,
}

/// What the parser looks through for a name.
#[derive(Debug, Default)]
struct Names<'a> {
    names: HashSet<&'a str>,
    variables: u64,
}

/// Counts while a source is scanned.
#[derive(Debug, Default)]
pub(crate) struct Counter<'a> {
    cost: Cost,
    brackets: Vec<Bracket>,
    /// The function that is read, or the top level.
    here: Names<'a>,
    /// The top level, while a function is read.
    outer: Option<Names<'a>>,
    functions: u64,
    /// The next name is a new function's.
    named: bool,
    /// The last token is the `#` of a map's literal.
    map: bool,
    /// The last token is a name or closes a bracket: a parenthesis would call it.
    callable: bool,
}

impl<'a> Counter<'a> {
    /// The count.
    pub(crate) fn finish(self) -> Cost {
        self.cost
    }

    /// See [`Cost::refusal`].
    pub(crate) fn refusal(&self) -> Option<String> {
        self.cost.refusal()
    }

    /// A token that begins with `byte`; names are told as well.
    pub(crate) fn token(&mut self, byte: u8) {
        self.cost.tokens += 1;
        let (callable, map) = (mem::take(&mut self.callable), mem::take(&mut self.map));
        self.map = byte == b'#';
        match byte {
            b'(' | b'[' | b'{' => {
                if let Some(part) = self.brackets.last_mut() {
                    part.value = true;
                    part.calls |= byte == b'(' && callable;
                }
                let (round, literal, start) = (byte == b'(', byte == b'[' || map, self.cost.tokens);
                self.brackets.push(Bracket { round, literal, start, ..Bracket::default() });
            }
            b',' => {
                if let Some(bracket) = self.brackets.last_mut() {
                    self.cost.held = self.cost.held.max(bracket.held());
                    bracket.commas += 1;
                    bracket.values += u64::from(mem::take(&mut bracket.value));
                    bracket.called |= mem::take(&mut bracket.calls);
                }
            }
            b')' | b']' | b'}' => {
                self.callable = byte != b'}';
                self.close();
            }
            _ => {}
        }
    }

    /// A token that is the name of a member or of a part of a path.
    pub(crate) fn member(&mut self) {
        self.token(b'.');
        self.callable = true;
    }

    fn close(&mut self) {
        let Some(bracket) = self.brackets.pop() else { return };
        if bracket.round {
            self.cost.held = self.cost.held.max(bracket.held());
            self.cost.arguments = self.cost.arguments.max(bracket.commas + 1);
        }
        if bracket.literal {
            self.cost.literal = self.cost.literal.max(self.cost.tokens - bracket.start);
        }
        match self.brackets.last_mut() {
            Some(outer) => outer.calls |= bracket.calls || bracket.called,
            // A function ends with its body.
            None if !bracket.round && !bracket.literal => {
                if let Some(outer) = self.outer.take() {
                    self.here = outer;
                }
            }
            None => {}
        }
    }

    /// The token is the name or keyword `word`. For a name the parser looks at all variables that it knows, at all unknown
    /// names that it has met in the function, and at all functions.
    pub(crate) fn name(&mut self, word: &'a str) {
        self.member();
        if mem::take(&mut self.named) {
            return;
        }
        if let Some(part) = self.brackets.last_mut() {
            part.value = true;
        }
        match word {
            "fn" => {
                self.functions += 1;
                self.named = true;
                if self.brackets.is_empty() && self.outer.is_none() {
                    self.outer = Some(mem::take(&mut self.here));
                }
            }
            "let" | "const" => self.here.variables += 1,
            _ => {
                self.here.names.insert(word);
                self.cost.lookups += self.here.names.len() as u64 + self.here.variables + self.functions;
            }
        }
    }
}

impl Bracket {
    /// How many parts are held while the present one calls something.
    fn held(&self) -> u64 {
        if self.round && self.calls { self.values } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use crate::source::prepare;

    /// Tokens, look-ups, values held beside each other, arguments, tokens of the largest literal.
    fn check(source: &str, expect: [u64; 5]) {
        let cost = prepare(source, 8).unwrap().cost;
        let found = [cost.tokens, cost.lookups, cost.held, cost.arguments, cost.literal];
        assert_eq!(found, expect, "{source}");
    }

    #[test]
    fn a_source_is_counted() {
        for (source, expect) in [
            ("", [0; 5]),
            ("1 + 2 // f(a, b, c(d))", [3, 0, 0, 0, 0]),
            ("a; b; a", [5, 1 + 2 + 2, 0, 0, 0]),
            ("fn f(a, b) { a } fn g() { b }", [17, 2 + 3 + 3 + 3, 0, 2, 0]),
            ("let a = 1; a", [6, 2 + 2, 0, 0, 0]),
            ("f(a, b, g(c))", [11, 1 + 2 + 3 + 4 + 5, 2, 3, 0]),
            ("f(1, g(a), b)", [11, 1 + 2 + 3 + 4, 0, 3, 0]),
            ("f(a, (b, g(c)))", [13, 1 + 2 + 3 + 4 + 5, 1, 2, 0]),
            ("x = #{a: [1, 2], b: 3}", [16, 1 + 2 + 3, 0, 0, 12]),
            ("`${f(a)}`", [7, 1 + 2, 0, 1, 0]),
            ("a.b.c(d)", [8, 1 + 2, 0, 1, 0]),
        ] {
            check(source, expect);
        }
    }
}
