//! The text form of WebAssembly, translated when a plugin is loaded. No backend ever parses it.

use modhost_backend::{Fault, FaultKind, Place, Resource};
use wast::{
    Wat,
    lexer::{Lexer, TokenKind},
    parser::{self, ParseBuffer},
};

use crate::error::{Code, Error, Result, Stage};

/// The longest text that is parsed, in bytes. The parser itself refuses nesting beyond 100 levels.
const LONGEST: usize = 1 << 20;
/// The most entries of a module, of all kinds together: more than the backend takes.
const MOST_FIELDS: u64 = 35_000;
/// Bytes that the parser holds for an entry, a word and any other token, at worst.
const FIELD: u64 = 512;
const WORD: u64 = 100;
const TOKEN: u64 = 48;
/// Bytes of a parsed text that do not count against the plugin's memory: they are gone before it runs.
const FREE: u64 = 10 << 20;

/// The binary form of `text`, for a plugin that may have `memory` bytes.
pub(super) fn assemble(entry: &str, text: &[u8], memory: u64) -> Result<Vec<u8>> {
    let refuse =
        |message: String, place: Place| Err(Error::new(Code::ScriptCompile, Stage::Load, message).at_place(place));
    if text.len() > LONGEST {
        return refuse(format!("the text has {} bytes, the limit is {LONGEST}", text.len()), Place::file(entry));
    }
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(_) => return refuse("the source is not UTF-8 text".into(), Place::file(entry)),
    };
    let (fields, bytes) = weigh(text);
    if fields > MOST_FIELDS {
        return refuse(format!("the module has more than {MOST_FIELDS} entries"), Place::file(entry));
    }
    if bytes > memory.saturating_add(FREE) {
        let fault = Fault::new(FaultKind::Limit { resource: Resource::Memory, limit: memory });
        return Err(Error::from_fault(Stage::Load, fault.at(Place::file(entry))));
    }
    let encoded = ParseBuffer::new(text).and_then(|buffer| parser::parse::<Wat>(&buffer)?.encode());
    encoded.or_else(|error| {
        let (line, column) = error.span().linecol_in(text);
        let number = |from_zero: usize| u32::try_from(from_zero + 1).ok();
        refuse(error.message(), Place { file: entry.into(), line: number(line), column: number(column) })
    })
}

/// How many entries a module's text has, and how many bytes its parser will hold, without parsing it.
fn weigh(text: &str) -> (u64, u64) {
    let (mut depth, mut fields, mut bytes) = (0_u32, 0, 0_u64);
    // What is no token ends the count; the parser says so.
    for token in Lexer::new(text).iter(0).map_while(std::result::Result::ok) {
        bytes += match token.kind {
            TokenKind::LineComment | TokenKind::BlockComment | TokenKind::Whitespace => 0,
            TokenKind::LParen => {
                depth += 1;
                // Entries stand inside of `(module ...)`, or alone.
                fields += u64::from(depth <= 2);
                if depth <= 2 { FIELD } else { TOKEN }
            }
            TokenKind::RParen => {
                depth = depth.saturating_sub(1);
                0
            }
            TokenKind::Keyword => WORD,
            _ => TOKEN,
        };
    }
    (fields, bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn check(text: &str, memory: u64, expected: &str) {
        let result = assemble("m.wat", text.as_bytes(), memory);
        assert_eq!(result.as_ref().map_or_else(|error| error.code().as_str(), |_| "ok"), expected, "{result:?}");
    }

    #[test]
    fn what_a_text_would_take_is_known_before_it_is_parsed() {
        check("(module (func (export \"f\") nop))", 0, "ok");
        check(&format!("(module {})", "(func)".repeat(20_000)), 0, "limit.memory");
        check(&format!("(module {})", "(func)".repeat(20_000)), 8 << 20, "ok");
        check(&"(func)".repeat(40_000), u64::MAX, "script.compile");
        check(&format!("(func {})", "nop ".repeat(200_000)), 4 << 20, "limit.memory");
        check(&format!("(func {})", "nop ".repeat(200_000)), 16 << 20, "ok");
        check(&format!(";; {}\n(module)", "(func) ".repeat(100_000)), 0, "ok");
        check("(module \"", 0, "script.compile");
    }
}
