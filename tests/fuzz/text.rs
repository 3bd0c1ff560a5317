//! Text of guests that people read: printed, logged, thrown, and as names. Nothing in it may reach a terminal as it is.

use std::sync::Arc;

use modhost::{Value, audit::MemoryLog};

use crate::{DEADLINE, Outcome, Play, engine_with, exercise, shown};

/// The bytes as an escaped text of Lua, which takes any.
fn lua(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03}")).collect()
}

/// The bytes as an escaped text of Rhai: one character each, with some that turn the direction.
fn rhai(bytes: &[u8]) -> String {
    let turned = |byte: &u8| if byte % 8 == 7 { 0x202a + u32::from(byte >> 3) % 5 } else { u32::from(*byte) };
    bytes.iter().map(|byte| format!("\\u{:04x}", turned(byte))).collect()
}

fn play(bytes: &[u8]) -> Outcome {
    let log = Arc::new(MemoryLog::default());
    let engine = engine_with(log.clone(), DEADLINE);
    let (way, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let bytes = &bytes[..bytes.len().min(700)];
    let (name, source) = match way % 8 {
        0 => ("t.lua", format!("function go() print(\"{}\") end", lua(bytes))),
        1 => ("t.lua", format!("function go() error(\"{}\") end", lua(bytes))),
        2 => ("t.lua", format!("_G[\"{}\"] = function() error({{}}) end", lua(bytes))),
        3 => ("t.lua", format!("function go() host.fail(\"{}\") end", lua(bytes))),
        4 => ("t.lua", format!("function go() return {{[\"{0}\"] = \"{0}\"}} end", lua(bytes))),
        5 => ("t.rhai", format!("fn go() {{ print(\"{}\"); }}", rhai(bytes))),
        6 => ("t.rhai", format!("fn go() {{ throw \"{}\"; }}", rhai(bytes))),
        // The text itself is the script: its errors quote it.
        _ => ("t.rhai", String::from_utf8_lossy(bytes).into_owned()),
    };
    let outcome = exercise(&engine, name, source.as_bytes(), &[Value::Nil])?;
    let absent = String::from_utf8_lossy(bytes).into_owned();
    for error in [engine.call::<_, Value>(&mut (), "t", &absent, ()).err(), engine.load_source(&absent, "").err()] {
        error.map_or(Ok(()), |error| shown(&error.to_string()))?;
    }
    for record in log.records() {
        shown(&record.plugin)?;
        shown(&record.detail)?;
    }
    Ok(outcome)
}

pub(crate) fn start() -> Play {
    Box::new(play)
}
