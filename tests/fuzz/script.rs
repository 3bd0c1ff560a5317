//! Scripts from a grammar of each language: they may do anything, within their limits, and only with the codes of guests.

use modhost::Value;

use crate::{Play, engine, exercise, grammar::Grammar};

pub(crate) fn lua() -> Play {
    start("lua")
}

pub(crate) fn rhai() -> Play {
    start("rhai")
}

fn start(language: &'static str) -> Play {
    let grammar = Grammar::read(language);
    let args = [Value::Int(3), Value::from("wolf")];
    Box::new(move |bytes| exercise(&engine(), &format!("fuzz.{language}"), grammar.write(bytes).as_bytes(), &args))
}
