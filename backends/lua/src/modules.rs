//! `require`: the other files of a plugin, each loaded once, under the meter and the limits of its entry. It reads the
//! vetted set and nothing else: no path of a script ever reaches a file system.
//!
//! * A name is a path from the plugin's root (`lib/util`), or from the folder of the file that asks for it where it begins
//!   with `./` or `../`. It ends in `.lua` or `.luau`, or leaves that away, and then `.lua` is looked for first. Any other
//!   `.` or `..`, an absolute path, a backslash or another case is simply no file of the set.
//! * A file has globals of its own; what it gives to others is what it returns, once for all who ask.
//! * A file that failed is not run again.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use mlua::{
    Function, Lua, Table, Value as LuaValue,
    chunk::{ChunkMode, Compiler},
    debug::Debug,
};
use modhost_abi::TypeError;
use modhost_backend::{Fault, FaultKind, FileSet, LoadRequest, Meter};

use crate::{
    interrupt::{self, Answer},
    limits,
    memory::Vm,
    metered, raise, source,
    straight::{self, Density},
};

/// Units of fuel for a file that is required, however short.
const FILE: u64 = 100;
/// The most bytes that `require` reads of a path, more than any path has: it is copied outside of Lua's heap.
const LONGEST_NAME: usize = 1 << 10;
/// The endings of a file of Lua, in the order in which they are tried.
const ENDINGS: [&str; 2] = [".lua", ".luau"];

/// The name of the chunk around a host's `print`.
pub(crate) const OWN_PRINT: &str = "[print]";
/// The name of the chunk around a pending host function.
pub(crate) const OWN_PENDING: &str = "[pending]";
/// The name of the chunk around [`find`].
const OWN_REQUIRE: &str = "[require]";

/// In the table of states: the file's main chunk has begun, or returned.
const BEGUN: u8 = 1;
const DONE: u8 = 2;

/// A file's main chunk is guest code, so that it is called by Lua and not from within a host function: there it would run
/// on the C stack, and could not yield.
const IN_LUA: &str = "local find, states, values = ...
    return function(name)
        local path, chunk = find(name)
        if chunk then
            states[path] = 1
            values[path] = chunk()
            states[path] = 2
        end
        return values[path]
    end";

/// The sources of one plugin, and how they are compiled.
#[derive(Debug)]
pub(crate) struct Files {
    entry: String,
    /// The entry and all that `require` may find.
    sources: FileSet,
    /// Names of builtins that the compiler must leave alone.
    replaced: Vec<String>,
    density: Density,
}

impl Files {
    /// The sources among the files of `request`.
    pub(crate) fn new(request: &LoadRequest<'_>, density: Density) -> Result<Self, Fault> {
        let mut sources = FileSet::default();
        for (path, bytes) in request.files.iter() {
            if path == request.entry || ENDINGS.iter().any(|ending| path.ends_with(ending)) {
                sources.insert(path, bytes.clone());
            }
        }
        Ok(Files { entry: request.entry.into(), sources, replaced: limits::replaced(request)?, density })
    }

    /// The path of the entry.
    pub(crate) fn entry(&self) -> &str {
        &self.entry
    }

    /// Whether `path` is a file of the plugin.
    pub(crate) fn is_source(&self, path: &str) -> bool {
        self.sources.get(path).is_some()
    }

    /// Whether `name` is that of a chunk of this backend.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        [OWN_PRINT, OWN_PENDING, OWN_REQUIRE].contains(&name)
    }

    /// The file that the function of `frame` stands in, if it is the plugin's.
    pub(crate) fn of_frame(&self, frame: &Debug<'_>) -> Option<String> {
        chunk_of(frame).filter(|path| self.is_source(path)).map(Cow::into_owned)
    }

    /// Compiles `path`, for `units` of fuel and what its source costs: the name of the chunk, and its code. Text is compiled
    /// here and nowhere else, so what Luau loads is always what this compiler made.
    pub(crate) fn compile(&self, path: &str, meter: &Meter, units: u64) -> Result<(String, Vec<u8>), Fault> {
        let source = self.sources.text(path, meter.limits().source)?;
        meter.spend(units)?;
        let mut times = 0;
        let code = straight::bounded(path, self.density, |marks| {
            times += 1;
            source::pay(source, meter, times)?;
            Compiler::new()
                .set_optimization_level(1)
                .set_debug_level(1)
                .set_coverage_level(marks)
                .set_disabled_builtins(self.replaced.iter().cloned())
                .compile(source)
                .map_err(|error| raise::compile(&error, path))
        })?;
        Ok((format!("={path}"), code))
    }
}

/// The name of the chunk that the function of `frame` stands in.
fn chunk_of<'a>(frame: &'a Debug<'_>) -> Option<Cow<'a, str>> {
    match frame.source().source? {
        Cow::Borrowed(source) => source.strip_prefix('=').map(Cow::Borrowed),
        Cow::Owned(source) => source.strip_prefix('=').map(|source| Cow::Owned(source.to_owned())),
    }
}

/// What `require` keeps in the plugin's own memory: by path, how far a file is, and what it returned.
pub(crate) struct Modules {
    states: Table,
    values: Table,
}

impl Modules {
    /// Puts `require` among the globals, which are not yet those of the entry alone.
    pub(crate) fn install(vm: &Vm, files: &Arc<Files>) -> mlua::Result<Self> {
        static CODE: LazyLock<mlua::Result<Vec<u8>>> = LazyLock::new(|| Compiler::new().compile(IN_LUA));
        let (lua, globals) = (&vm.lua, vm.lua.globals());
        let (states, values) = (lua.create_table()?, lua.create_table()?);
        states.raw_set(files.entry(), BEGUN)?;
        let shared = lua.create_table()?;
        shared.raw_set("__index", &globals)?;
        shared.set_readonly(true);
        let find = {
            let (gauge, files, states) = (vm.gauge.clone(), files.clone(), states.clone());
            lua.create_function(move |lua, name: LuaValue| {
                let _host = gauge.host();
                let found = || {
                    gauge.meter.spend(0)?;
                    let path = find(lua, &files, &states, &name)?;
                    if state(&states, &path) == DONE {
                        return Ok((path, None));
                    }
                    let (chunk, code) = files.compile(&path, &gauge.meter, FILE)?;
                    let function = load(lua, &chunk, code, &shared).map_err(|error| raise::compile(&error, &path))?;
                    Ok((path, Some(function)))
                };
                found().map_err(|fault| raise::carry(lua, &gauge, &files, fault))
            })?
        };
        let find = metered::bounded(vm, find)?;
        let code = CODE.clone()?;
        let require: Function = lua
            .load(code)
            .set_mode(ChunkMode::Binary)
            .set_name(format!("={OWN_REQUIRE}"))
            .call((find, &states, &values))?;
        globals.raw_set("require", require)?;
        Ok(Modules { states, values })
    }

    /// The entry's main chunk has returned `value`.
    pub(crate) fn entry_returned(&self, lua: &Lua, files: &Files, value: &Answer) -> mlua::Result<()> {
        let value = match value {
            Answer::Number(number) => LuaValue::Number(*number),
            Answer::Text(text) => LuaValue::String(lua.create_string(text)?),
            Answer::Other(value) => value.clone(),
        };
        self.values.raw_set(files.entry(), value)?;
        self.states.raw_set(files.entry(), DONE)
    }
}

/// A main chunk with globals of its own, behind which those of the language and the host stand.
fn load(lua: &Lua, chunk: &str, code: Vec<u8>, shared: &Table) -> mlua::Result<Function> {
    let globals = lua.create_table()?;
    globals.set_metatable(Some(shared.clone()))?;
    // Nobody but the one chunk can change them, and its compiler knows where it does.
    globals.set_safeenv(true);
    interrupt::with_globals(lua, &globals, || {
        lua.load(code).set_mode(ChunkMode::Binary).set_name(chunk).into_function()
    })
}

fn state(states: &Table, path: &str) -> u8 {
    states.raw_get(path).unwrap_or_default()
}

/// The path that `name` means, which may be loaded or begun with.
fn find(lua: &Lua, files: &Files, states: &Table, name: &LuaValue) -> Result<String, Fault> {
    let LuaValue::String(text) = name else {
        return Err(TypeError::new("the path of a file, as str", name.type_name()).inside("argument 1").into());
    };
    let bytes = text.as_bytes();
    // Still too long to be found.
    let name = String::from_utf8_lossy(bytes.get(..LONGEST_NAME).unwrap_or(&bytes));
    let asker = (1..).map_while(|level| lua.inspect_stack(level, |frame| files.of_frame(frame))).find_map(|path| path);
    let path = files.sources.resolve(&name, asker.as_deref().unwrap_or(&files.entry), &ENDINGS)?;
    if state(states, &path) != BEGUN {
        return Ok(path);
    }
    let mut chain = chain(lua, files);
    // The entry's main chunk may be below another coroutine; where it has failed, nothing of the plugin is left.
    if state(states, &files.entry) == BEGUN {
        chain.insert(0, files.entry.clone());
    }
    match chain.iter().position(|running| *running == path) {
        Some(first) => {
            let mut circle = chain.split_off(first);
            circle.push(path);
            Err(Fault::new(FaultKind::ImportCycle { path: circle }))
        }
        None => Err(Fault::raised(format!("`{path}` did not get to its end when it was required before"))),
    }
}

/// The files whose main chunks this coroutine runs for `require`, outermost first: each lies just above its `require`.
fn chain(lua: &Lua, files: &Files) -> Vec<String> {
    let (mut chain, mut above) = (Vec::new(), None);
    let chunks = (1..).map_while(|level| lua.inspect_stack(level, |frame| chunk_of(frame).map(Cow::into_owned)));
    for chunk in chunks {
        if chunk.as_deref() == Some(OWN_REQUIRE) {
            chain.extend(above.take().filter(|path: &String| files.is_source(path)));
        }
        above = chunk;
    }
    chain.reverse();
    chain
}
