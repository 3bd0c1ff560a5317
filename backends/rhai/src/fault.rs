//! Rhai's errors as [`Fault`]s: the cause, the innermost place, the calls around it. What ended by a limit ends with that
//! limit's code and a killed meter, whatever the error has been wrapped into.

use modhost_backend::{Fault, FaultKind, Resource};
use rhai::{EvalAltResult, LexError, ParseError, ParseErrorType, Position};

use crate::{plugin::Plugin, source, text};

/// The longest text of a thrown value.
const LONGEST: usize = 2000;
/// The most calls of a trace; errors are not nested deeper than calls.
const TRACE: usize = 32;

/// The fault that `error` is, of a call or the top level of `file`.
pub(crate) fn of(error: EvalAltResult, plugin: &Plugin, file: &str) -> Fault {
    let (mut file, mut trace) = (file.to_owned(), Vec::new());
    let mut error = error;
    loop {
        error = match error {
            EvalAltResult::ErrorInFunctionCall(function, source, inner, position) => {
                // A call stands in the caller's file; what it calls may stand in another.
                trace.push(format!("in `{function}`, called at {}", plugin.place(&file, position)));
                if plugin.is_loaded(&source) {
                    file = source;
                }
                *inner
            }
            EvalAltResult::ErrorInModule(_, inner, _) => *inner,
            _ => break,
        };
    }
    let position = error.position();
    let fault = cause(error, plugin);
    let fault = if position.is_none() { fault } else { fault.at(plugin.place(&file, position)) };
    // The outermost call was unwrapped first.
    fault.with_trace(trace.into_iter().rev().take(TRACE))
}

/// The fault that a source which does not parse is; literals beyond the sizes of values are a matter of memory.
pub(crate) fn of_parser(error: &ParseError, plugin: &Plugin, file: &str) -> Fault {
    let fault = match error.err_type() {
        ParseErrorType::LiteralTooLarge(..)
        | ParseErrorType::TooManyFunctions
        | ParseErrorType::BadInput(LexError::StringTooLong(_)) => plugin.meter.exceeded(Resource::Memory),
        other => Fault::compile(other.to_string()),
    };
    fault.at(plugin.place(file, error.position()))
}

fn cause(error: EvalAltResult, plugin: &Plugin) -> Fault {
    let meter = &plugin.meter;
    if let Err(fault) = meter.verdict() {
        return fault;
    }
    match error {
        EvalAltResult::ErrorRuntime(value, _) => {
            plugin.raised(&value).unwrap_or_else(|| Fault::raised(text::render(&value, LONGEST)))
        }
        EvalAltResult::ErrorTooManyOperations(_) => meter.exceeded(Resource::Fuel),
        EvalAltResult::ErrorStackOverflow(_) => meter.exceeded(Resource::Depth),
        EvalAltResult::ErrorDataTooLarge(..) | EvalAltResult::ErrorTooManyVariables(_) => {
            meter.exceeded(Resource::Memory)
        }
        EvalAltResult::ErrorTerminated(..) => Fault::new(FaultKind::Interrupted),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => not_found(&signature, plugin),
        EvalAltResult::ErrorModuleNotFound(name, _) => Fault::new(FaultKind::MissingImport { name: dotted(&name) }),
        EvalAltResult::ErrorVariableNotFound(name, _) if name.contains("::") && !name.starts_with("global::") => {
            Fault::new(FaultKind::MissingImport { name: dotted(&name) })
        }
        EvalAltResult::ErrorParsing(error, _) => Fault::compile(error.to_string()),
        mut other => {
            other.set_position(Position::NONE);
            Fault::raised(other.to_string())
        }
    }
}

/// A call found no function: of the host, there is none of that name, or none of that number of arguments.
fn not_found(signature: &str, plugin: &Plugin) -> Fault {
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ")"));
    let path = name.contains("::");
    let host_name = if path { dotted(name) } else { name.into() };
    if let Some(entry) = plugin.host.find(&host_name).and_then(|index| plugin.host.entries().get(index)) {
        let arguments = arguments.trim_end_matches(')');
        let found = if arguments.is_empty() { 0 } else { arguments.split(", ").count() };
        let (least, most) = (entry.signature.required(), entry.signature.params.len());
        return Fault::new(FaultKind::Arity { expected: count(least, most), found });
    }
    if path {
        return Fault::new(FaultKind::MissingImport { name: host_name });
    }
    Fault::raised(format!("there is no function `{signature}`"))
}

/// `2`, or `1 to 3`.
fn count(least: usize, most: usize) -> String {
    if least == most { most.to_string() } else { format!("{least} to {most}") }
}

/// The host's name of a path, `world.spawn` of `World::Spawn`.
fn dotted(path: &str) -> String {
    let parts: Vec<_> = path.split("::").map(source::swapped).collect();
    parts.join(".")
}
