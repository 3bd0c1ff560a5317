//! Bounds how deeply a manifest nests, and how many tables it has, before a tree of it exists.
//!
//! `toml` bounds brackets and the parts of one key, each at 80, but not their product: a dotted key in each of many
//! inline tables gives a tree some thousands deep from 10 KB of text, and dropping that overflows the stack of a thread,
//! which ends the host. The tokens come from `toml`'s own lexer, so that both agree on what is text and what is structure.

use toml_parser::{
    Source,
    lexer::TokenKind::{
        Comma, Dot, Equals, LeftCurlyBracket, LeftSquareBracket, Newline, RightCurlyBracket, RightSquareBracket,
    },
};

/// The most brackets within brackets, and the most dots in one key; the schema needs three and three.
const MOST: usize = 8;

/// The most dots and braces: each may stand for a table, which takes 1 to 2 KiB, so that 256 KiB of them took more than 64 MiB.
const TABLES: usize = 16 << 10;

/// The offset of the first token that nests too deeply, or is one table too many.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let (mut dots, mut tables) = (0, 0);
    for token in Source::new(text).lex() {
        if matches!(token.kind(), Dot | LeftCurlyBracket) {
            tables += 1;
        }
        match token.kind() {
            Dot => dots += 1,
            Equals | Comma | Newline => dots = 0,
            kind @ (LeftSquareBracket | LeftCurlyBracket) => {
                dots = 0;
                open.push(kind);
            }
            // A bracket that closes nothing of its kind is not counted back: in malformed text the count may only be
            // higher than the parser's, never lower.
            RightSquareBracket if open.last() == Some(&LeftSquareBracket) => drop(open.pop()),
            RightCurlyBracket if open.last() == Some(&LeftCurlyBracket) => drop(open.pop()),
            _ => {}
        }
        if dots > MOST || open.len() > MOST || tables > TABLES {
            return Some(token.span().start());
        }
    }
    None
}
