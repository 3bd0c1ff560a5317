//! Host functions as global tables of a script, nested by the dots of their names, and `print`.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use mlua::{FromLua, Function, Lua, LuaString, MultiValue, Table, Value as LuaValue};
use modhost_backend::{
    Fault, FaultKind, HostEntry, HostFailure, HostTable, Print, Resource, Signature, Type, Value, ValueBudget,
};

use crate::{
    convert::{Refusal, from_lua, scalar_from_lua, scalar_to_lua, to_lua},
    coroutine::Pending,
    memory::{Gauge, Vm},
    metered,
    modules::{self, Files},
    raise::carry,
};

/// Arguments of a call that are kept without a heap allocation.
const FEW: usize = 4;

/// Makes the functions of `host` globals of the plugin. The tables are read-only.
pub(crate) fn host(vm: &Vm, host: &Arc<HostTable>, files: &Arc<Files>, pending: &Wrap) -> mlua::Result<()> {
    let globals = vm.lua.globals();
    let mut tables: HashMap<String, Table> = HashMap::new();
    for (at, function) in host.entries().iter().enumerate() {
        let (path, last) = function.path();
        let mut into = globals.clone();
        let mut name = String::new();
        for part in path {
            name.push('.');
            name.push_str(part);
            into = match tables.get(&name) {
                Some(table) => table.clone(),
                None => {
                    // A contract may be called like a library; then its functions stand beside the library's.
                    let found: LuaValue = into.raw_get(part)?;
                    let table = if let LuaValue::Table(table) = found { table } else { vm.lua.create_table()? };
                    into.raw_set(part, &table)?;
                    tables.insert(name.clone(), table.clone());
                    table
                }
            };
        }
        let made = match function.begin {
            Some(_) => pending.wrap(pending_of(vm, host.clone(), at, files, &pending.shared)?)?,
            None => function_of(vm, host.clone(), at, files)?,
        };
        into.raw_set(last, made)?;
    }
    for table in tables.values() {
        table.set_readonly(true);
    }
    Ok(())
}

fn function_of(vm: &Vm, host: Arc<HostTable>, at: usize, files: &Arc<Files>) -> mlua::Result<Function> {
    let (gauge, files) = (vm.gauge.clone(), files.clone());
    let callback = vm.lua.create_function(move |lua, (a, b, c, d, rest): (Arg, Arg, Arg, Arg, MultiValue)| {
        let _host = gauge.host();
        let Some(function) = host.entries().get(at) else { return Ok(LuaValue::Nil) };
        run(lua, &gauge, function, [&a, &b, &c, &d], &rest, |args| (function.call)(args))
            .map_err(|fault| carry(lua, &gauge, &files, fault))
    })?;
    metered::bounded(vm, callback)
}

/// What begins a pending function, where the call can be left for its answer.
fn pending_of(
    vm: &Vm,
    host: Arc<HostTable>,
    at: usize,
    files: &Arc<Files>,
    shared: &Arc<Pending>,
) -> mlua::Result<Function> {
    let (gauge, files, shared) = (vm.gauge.clone(), files.clone(), shared.clone());
    let callback = vm.lua.create_function(move |lua, (a, b, c, d, rest): (Arg, Arg, Arg, Arg, MultiValue)| {
        let _host = gauge.host();
        let Some(function) = host.entries().get(at) else { return Ok(LuaValue::Nil) };
        let Some(begin) = function.begin.as_deref() else { return Ok(LuaValue::Nil) };
        let call = |args: &mut [Value]| match shared.is_open().then(|| shared.obstacle(lua)) {
            Some(None) => begin(args).map(|()| {
                shared.begin();
                Value::Nil
            }),
            // Asked all the same: whoever may not call it is told that first.
            Some(Some(why)) => (function.call)(args).map_err(|fault| match fault.kind() {
                FaultKind::CannotSuspend { .. } => Fault::cannot_suspend(&*function.name, why),
                _ => fault,
            }),
            None => (function.call)(args),
        };
        run(lua, &gauge, function, [&a, &b, &c, &d], &rest, call).map_err(|fault| carry(lua, &gauge, &files, fault))
    })?;
    metered::bounded(vm, callback)
}

/// Makes the Luau functions around pending host functions.
pub(crate) struct Wrap {
    around: Function,
    yields: Function,
    finish: Function,
    shared: Arc<Pending>,
}

impl Wrap {
    /// Before `coroutine` is closed, and with what the instance shares.
    pub(crate) fn new(vm: &Vm, files: &Arc<Files>, shared: Arc<Pending>) -> mlua::Result<Self> {
        const IN_LUA: &str = "local begin, yield, token, finish = ...
            return function(...)
                begin(...)
                yield(token)
                return finish()
            end";
        let around = vm.lua.load(IN_LUA).set_name(format!("={}", modules::OWN_PENDING)).into_function()?;
        let yields = vm.lua.globals().raw_get::<Table>("coroutine")?.raw_get("yield")?;
        let (gauge, files, answered) = (vm.gauge.clone(), files.clone(), shared.clone());
        let finish = vm.lua.create_function(move |lua, ()| {
            let _host = gauge.host();
            let given = || {
                gauge.meter.spend(0)?;
                give(lua, &gauge, &answered.take()?)
            };
            given().map_err(|fault| carry(lua, &gauge, &files, fault))
        })?;
        Ok(Wrap { around, yields, finish, shared })
    }

    fn wrap(&self, begin: Function) -> mlua::Result<Function> {
        self.around.call((begin, &self.yields, self.shared.token(), &self.finish))
    }
}

/// One of the first arguments, or that it was left out. A tuple of these needs no list on the heap, as `MultiValue` does.
enum Arg {
    Given(LuaValue),
    Missing,
}

impl FromLua for Arg {
    fn from_lua(value: LuaValue, _: &Lua) -> mlua::Result<Self> {
        Ok(Arg::Given(value))
    }

    /// mlua asks this, and not the above, for an argument that is not there.
    fn from_lua_arg(_: LuaValue, _: usize, _: Option<&str>, _: &Lua) -> mlua::Result<Self> {
        Ok(Arg::Missing)
    }
}

/// Converts the arguments, calls the host, converts the result.
fn run(
    lua: &Lua,
    gauge: &Gauge,
    function: &HostEntry,
    first: [&Arg; FEW],
    rest: &MultiValue,
    call: impl FnOnce(&mut [Value]) -> Result<Value, Fault>,
) -> Result<LuaValue, Fault> {
    // A C function of the library may come here without a safepoint between (`pcall(world.spawn)`).
    gauge.meter.spend(0)?;
    let limits = gauge.meter.limits().value;
    let mut budget = ValueBudget::new(limits);
    let given = first.iter().filter_map(|arg| if let Arg::Given(value) = arg { Some(value) } else { None }).chain(rest);
    let count = first.iter().filter(|arg| matches!(arg, Arg::Given(_))).count() + rest.len();
    let mut few: [Value; FEW] = Default::default();
    let mut many = Vec::new();
    let slots = if let Some(slots) = few.get_mut(..count) {
        slots
    } else {
        budget.room_for(count).map_err(|_| gauge.meter.exceeded(Resource::Value))?;
        many.resize(count, Value::Nil);
        &mut many[..]
    };
    for (at, (slot, arg)) in slots.iter_mut().zip(given).enumerate() {
        let ty = parameter(&function.signature, at);
        *slot = match scalar_from_lua(arg, ty) {
            Some(scalar) if budget.enter(0).is_ok() => {
                budget.leave();
                scalar
            }
            _ => from_lua(arg, ty, &mut budget).map_err(|refusal| guest_refusal(gauge, at, refusal))?,
        };
    }
    let result = catch_unwind(AssertUnwindSafe(|| call(slots))).unwrap_or_else(|_| {
        let message = "the function panicked".into();
        Err(Fault::new(FaultKind::Host { failure: HostFailure::Panicked, function: function.name.clone(), message }))
    })?;
    give(lua, gauge, &result)
}

/// What the host gives, for the script.
fn give(lua: &Lua, gauge: &Gauge, result: &Value) -> Result<LuaValue, Fault> {
    let mut budget = ValueBudget::new(gauge.meter.limits().value);
    match scalar_to_lua(result) {
        Some(scalar) => budget.enter(0).map(|()| scalar).map_err(Refusal::from),
        None => to_lua(lua, result, &mut budget),
    }
    .map_err(|refusal| host_refusal(gauge, refusal))
}

/// The fault for an argument that the host cannot have.
#[cold]
fn guest_refusal(gauge: &Gauge, at: usize, refusal: Refusal) -> Fault {
    match refusal.inside(|| format!("argument {}", at + 1)) {
        Refusal::Type(error) => error.into(),
        Refusal::Large => gauge.meter.exceeded(Resource::Value),
        Refusal::Lua(error) => Fault::bug(error.to_string()),
    }
}

fn parameter(signature: &Signature, at: usize) -> &Type {
    signature.params.get(at).map_or(&Type::Any, |param| &param.ty)
}

/// The fault for a value of the host that Lua cannot have: the plugin is not to blame and lives on.
pub(crate) fn host_refusal(gauge: &Gauge, refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Type(error) => error.into(),
        Refusal::Large => gauge.meter.limit_fault(Resource::Value),
        Refusal::Lua(error) => Fault::bug(error.to_string()),
    }
}

/// `print`: its arguments through the plugin's `tostring`, joined by tabs, to the host.
pub(crate) fn print(vm: &Vm, print: Arc<Print>, files: &Arc<Files>) -> mlua::Result<()> {
    /// `tostring` runs metamethods of the guest, so it is called by guest code and not from within a host function.
    const IN_LUA: &str = "local out, tostring, concat = ...
        return function(...)
            local texts = { ... }
            for at = 1, select('#', ...) do texts[at] = tostring(texts[at]) end
            out(concat(texts, '\\t'))
        end";
    let (gauge, files) = (vm.gauge.clone(), files.clone());
    let out = vm.lua.create_function(move |lua, text: LuaString| {
        let _host = gauge.host();
        let printed = || {
            let text = text.as_bytes();
            // What is over the limit is refused before it is copied.
            if text.len() as u64 > gauge.meter.limits().output {
                return Err(gauge.meter.exceeded(Resource::Output));
            }
            print(&String::from_utf8_lossy(&text))
        };
        printed().map_err(|fault| carry(lua, &gauge, &files, fault))
    })?;
    let out = metered::bounded(vm, out)?;
    let globals = vm.lua.globals();
    let concat: Function = globals.raw_get::<Table>("table")?.raw_get("concat")?;
    let tostring: Function = globals.raw_get("tostring")?;
    let made: Function =
        vm.lua.load(IN_LUA).set_name(format!("={}", modules::OWN_PRINT)).call((out, tostring, concat))?;
    globals.raw_set("print", made)?;
    Ok(())
}
