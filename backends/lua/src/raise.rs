//! Errors between Lua and host: a host function's [`Fault`] as an error that scripts can catch, and whatever a script
//! raises as a [`Fault`] with file, line and trace. Error objects are read raw and shortened: no metamethod runs.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use mlua::{Error, Function, LuaString, Value as LuaValue};
use modhost_backend::{Fault, Meter, Place, Resource};

use crate::{
    coroutine::Frame,
    memory::{Gauge, Vm},
    metered,
    modules::Files,
};

/// The longest text of an error object that is read, in bytes.
const LONGEST: usize = 8 << 10;
/// The most frames that a trace shows.
const FRAMES: usize = 32;

/// Bytes that a carried fault takes at least, in a handful of blocks.
const CARRIED: usize = 2 << 10;
/// Bytes that each line of its trace takes beside the text.
const LINE: usize = 128;

/// A fault on its way through Lua; uncaught, it comes out as it went in. A script may keep as many as it likes, and they
/// live outside of Lua's heap, so each is counted as long as it lives.
#[derive(Debug)]
struct Carried {
    fault: Fault,
    bytes: usize,
    gauge: Arc<Gauge>,
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.gauge.repay(self.bytes);
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.message())
    }
}

impl std::error::Error for Carried {}

/// The error that carries `fault`, with the script's place and trace.
pub(crate) fn carry(lua: &mlua::Lua, gauge: &Arc<Gauge>, files: &Files, fault: Fault) -> Error {
    let fault = Trace::of(lua, files).put_on(fault);
    // mlua adds a trace of its own, of as many lines at most.
    let texts = fault.trace().iter().map(|line| LINE + 2 * line.len()).sum::<usize>();
    let bytes = CARRIED + texts + 2 * fault.message().len();
    gauge.owe(bytes);
    Error::external(Carried { fault, bytes, gauge: Arc::clone(gauge) })
}

/// The text of an error that a host function raised, as a script sees it.
fn text_of(error: &Error) -> String {
    match error.downcast_ref::<Carried>() {
        Some(carried) => carried.to_string(),
        None => first_line(&error.to_string()),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(400).collect()
}

/// Where a script is.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    place: Option<Place>,
    lines: Vec<String>,
}

impl Trace {
    /// The frames of the plugin's own code, innermost first.
    fn of(lua: &mlua::Lua, files: &Files) -> Self {
        let mut trace = Trace::default();
        for level in 0..FRAMES * 4 {
            let frame = lua.inspect_stack(level, |frame| {
                let path = files.of_frame(frame)?;
                let line = frame.current_line()?;
                let name = frame.names().name.map(|name| name.chars().take(80).collect::<String>());
                Some((Place::line(path, u32::try_from(line).unwrap_or(u32::MAX)), name))
            });
            match frame {
                None => break,
                Some(None) => {}
                Some(Some((place, name))) => trace.push(place, name),
            }
            if trace.lines.len() == FRAMES {
                break;
            }
        }
        trace
    }

    /// The same of frames that a coroutine has left behind.
    pub(crate) fn of_frames(frames: Vec<Frame>, files: &Files) -> Self {
        let mut trace = Trace::default();
        for (chunk, line, name) in frames {
            let path = chunk.strip_prefix('=').filter(|path| files.is_source(path));
            let (Some(path), Ok(line)) = (path, u32::try_from(line)) else { continue };
            trace.push(Place::line(path, line), name.map(|name| name.chars().take(80).collect()));
            if trace.lines.len() == FRAMES {
                break;
            }
        }
        trace
    }

    fn push(&mut self, place: Place, name: Option<String>) {
        let name = name.map_or_else(|| "the main chunk".into(), |name| format!("`{}`", name.escape_debug()));
        self.lines.push(format!("{place}: in {name}"));
        self.place.get_or_insert(place);
    }

    fn put_on(self, fault: Fault) -> Fault {
        let fault = fault.with_trace(self.lines);
        match self.place {
            Some(place) => fault.at(place),
            None => fault,
        }
    }
}

/// What the handler of the running call has seen.
pub(crate) type LastTrace = Arc<Mutex<Trace>>;

/// The function that looks at the stack before an error unwinds it, and gives the error object on as it is.
pub(crate) fn handler(vm: &Vm, files: &Arc<Files>, last: LastTrace) -> mlua::Result<Function> {
    let (gauge, files) = (vm.gauge.clone(), Arc::clone(files));
    let callback = vm.lua.create_function(move |lua, error: LuaValue| {
        let _host = gauge.host();
        // An ended call's trace is of no use, and its stack may be as deep as it gets.
        if !gauge.meter.is_killed() {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Trace::of(lua, &files);
        }
        Ok(error)
    })?;
    metered::bounded(vm, callback)
}

/// The verdict on a call: where it was ended, with the place.
///
/// # Errors
/// That of [`Meter::verdict`].
#[inline]
pub(crate) fn verdict(gauge: &Gauge, files: &Files) -> Result<(), Fault> {
    gauge.meter.verdict().map_err(|fault| ended(fault, gauge, files))
}

#[cold]
fn ended(fault: Fault, gauge: &Gauge, files: &Files) -> Fault {
    let frame = gauge.ended_at.lock().unwrap_or_else(PoisonError::into_inner).take();
    Trace::of_frames(frame.into_iter().collect(), files).put_on(fault)
}

/// Keeps the trace of a call that failed on its coroutine, for [`fault`].
pub(crate) fn keep(last: &LastTrace, frames: Vec<Frame>, files: &Files) {
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Trace::of_frames(frames, files);
}

/// `tostring` and `..` for errors that host functions raise: both give the message alone.
pub(crate) fn methods(vm: &Vm) -> mlua::Result<(Function, Function)> {
    let gauge = vm.gauge.clone();
    let tostring = vm.lua.create_function(move |_, error: LuaValue| {
        let _host = gauge.host();
        Ok(shown(&error))
    })?;
    let gauge = vm.gauge.clone();
    let concat = vm.lua.create_function(move |_, (left, right): (LuaValue, LuaValue)| {
        let _host = gauge.host();
        Ok(format!("{}{}", shown(&left), shown(&right)))
    })?;
    Ok((metered::bounded(vm, tostring)?, metered::bounded(vm, concat)?))
}

/// The fault for what a script raised and nobody caught.
pub(crate) fn fault(error: &LuaValue, files: &Files, meter: &Meter, last: &LastTrace) -> Fault {
    let trace = std::mem::take(&mut *last.lock().unwrap_or_else(PoisonError::into_inner));
    if let LuaValue::Error(error) = error {
        return match error.downcast_ref::<Carried>() {
            Some(carried) => carried.fault.clone(),
            None => trace.put_on(Fault::raised(text_of(error))),
        };
    }
    let text = shown(error);
    let (place, message) = split_place(&text, files);
    // Luau's own limits, reached where the plugin's depth is set beyond them.
    if matches!(message, "stack overflow" | "C stack overflow") {
        return meter.exceeded(Resource::Depth);
    }
    let fault = Fault::raised(message);
    trace.put_on(match place {
        Some(place) => fault.at(place),
        None => fault,
    })
}

/// The fault for a source that does not compile. The compiler says `3: Expected ...`.
pub(crate) fn compile(error: &Error, path: &str) -> Fault {
    let text = match error {
        Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    match text.split_once(": ").map(|(line, rest)| (line.parse(), rest)) {
        Some((Ok(line), rest)) => Fault::compile(rest).at(Place::line(path, line)),
        _ => Fault::compile(text).at(Place::file(path)),
    }
}

/// An error of mlua outside of any script: a state that cannot be set up.
pub(crate) fn setup(error: &Error) -> Fault {
    Fault::bug(format!("setting up a Lua state: {}", first_line(&error.to_string())))
}

/// Whether the guest is over its memory limit or ended otherwise, as a fault.
pub(crate) fn out_of_memory(gauge: &Gauge) -> Fault {
    gauge.meter.exceeded(Resource::Memory)
}

/// `main.lua:3: message` as a place and the message.
fn split_place<'a>(text: &'a str, files: &Files) -> (Option<Place>, &'a str) {
    let parse = || {
        let (place, message) = text.split_once(": ")?;
        let (path, line) = place.rsplit_once(':')?;
        let line = line.parse().ok()?;
        match files.is_source(path) {
            true => Some((Some(Place::line(path, line)), message)),
            false => files.is_own(path).then_some((None, message)),
        }
    };
    parse().unwrap_or((None, text))
}

fn lossy(text: &LuaString) -> String {
    let bytes = text.as_bytes();
    String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned()
}

/// An error object for people: a text as it is, a table by its field `message`, anything else by its type.
fn shown(error: &LuaValue) -> String {
    match error {
        LuaValue::String(text) => lossy(text),
        LuaValue::Integer(int) => int.to_string(),
        LuaValue::Number(float) => float.to_string(),
        LuaValue::Boolean(bool) => bool.to_string(),
        LuaValue::Error(error) => text_of(error),
        LuaValue::Table(table) => match table.raw_get::<LuaValue>("message") {
            Ok(LuaValue::String(text)) => lossy(&text),
            _ => "an error object of type table".into(),
        },
        other => format!("an error object of type {}", other.type_name()),
    }
}
