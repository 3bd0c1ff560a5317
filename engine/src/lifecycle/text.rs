//! The text form of WebAssembly, translated when a plugin is loaded. No backend ever parses it.

use modhost_backend::Place;
use wast::{
    Wat,
    parser::{self, ParseBuffer},
};

use crate::error::{Code, Error, Result, Stage};

/// The longest text that is parsed, in bytes. The parser itself refuses nesting beyond 100 levels.
const LONGEST: usize = 1 << 20;

/// The binary form of `text`.
pub(super) fn assemble(entry: &str, text: &[u8]) -> Result<Vec<u8>> {
    let refuse =
        |message: String, place: Place| Err(Error::new(Code::ScriptCompile, Stage::Load, message).at_place(place));
    if text.len() > LONGEST {
        return refuse(format!("the text has {} bytes, the limit is {LONGEST}", text.len()), Place::file(entry));
    }
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(_) => return refuse("the source is not UTF-8 text".into(), Place::file(entry)),
    };
    let encoded = ParseBuffer::new(text).and_then(|buffer| parser::parse::<Wat>(&buffer)?.encode());
    encoded.or_else(|error| {
        let (line, column) = error.span().linecol_in(text);
        let number = |from_zero: usize| u32::try_from(from_zero + 1).ok();
        refuse(error.message(), Place { file: entry.into(), line: number(line), column: number(column) })
    })
}
