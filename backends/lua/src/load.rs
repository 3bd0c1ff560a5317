//! From vetted source to a running instance: a state of its own, the library cut down, host functions linked, the chunk
//! compiled and its main part run under the meter.

use std::sync::Arc;

use mlua::{Function, Table, Value as LuaValue, chunk::ChunkMode};
use modhost_backend::{ExportInfo, Fault, LoadRequest, Resource, ValueBudget};

use crate::{
    coroutine::Pending,
    instance::{Export, LuaInstance},
    interrupt::{self, Answer, Outcome},
    limits, link,
    memory::Vm,
    modules::{Files, Modules},
    raise,
    straight::Density,
};

/// Loads the plugin of `request`, with safepoints as `density` says.
pub(crate) fn load(request: &LoadRequest<'_>, density: Density) -> Result<LuaInstance, Fault> {
    let meter = &request.meter;
    let files = Arc::new(Files::new(request, density)?);
    let (name, code) = files.compile(files.entry(), meter, 0)?;
    let vm = Vm::new(meter.clone(), limits::libraries(request))?;
    let last = raise::LastTrace::default();
    let pending = Arc::<Pending>::default();
    let (handler, modules) = set_up(&vm, request, &files, &last, &pending).map_err(|error| raise::setup(&error))?;
    vm.gauge.begin();
    let objects = interrupt::object_bytes(&vm);
    let chunk = vm.lua.load(code).set_mode(ChunkMode::Binary).set_name(name);
    let main = chunk.into_function().map_err(|error| raise::compile(&error, files.entry()))?;
    // A small chunk fits into what pages have free, which no allocator sees: a limit of zero holds for it too.
    let grown = interrupt::object_bytes(&vm).saturating_sub(objects).max(vm.gauge.above_fresh());
    if grown as u64 > meter.limits().memory {
        return Err(meter.exceeded(Resource::Memory));
    }
    let entered: mlua::Result<Outcome> = interrupt::enter(&vm, &main, &handler, 0, |_| Err(mlua::Error::StackError));
    let returned = match entered.map_err(|error| raise::setup(&error))? {
        Outcome::Returned(value, _) => value,
        Outcome::Raised(error) => {
            raise::verdict(&vm.gauge, &files)?;
            return Err(raise::fault(&error, &files, meter, &last));
        }
        Outcome::OutOfMemory => return Err(raise::out_of_memory(&vm.gauge)),
    };
    raise::verdict(&vm.gauge, &files)?;
    modules.entry_returned(&vm.lua, &files, &returned).map_err(|error| raise::setup(&error))?;
    let offered = match returned {
        Answer::Other(LuaValue::Table(table)) => table,
        _ => vm.lua.globals(),
    };
    let mut exports = exports_of(&offered, request)?;
    exports.sort_by(|a, b| a.info.name.cmp(&b.info.name));
    let suspends = request.host.entries().iter().any(|function| function.begin.is_some());
    Ok(LuaInstance::new(exports, handler, last, files, suspends.then_some(pending), vm))
}

/// All that stands in the state before the plugin's own code.
fn set_up(
    vm: &Vm,
    request: &LoadRequest<'_>,
    files: &Arc<Files>,
    last: &raise::LastTrace,
    pending: &Arc<Pending>,
) -> mlua::Result<(Function, Modules)> {
    interrupt::install(vm)?;
    limits::apply(vm, request)?;
    link::print(vm, request.print.clone(), files)?;
    let wrap = link::Wrap::new(vm, files, pending.clone())?;
    limits::close(vm, request)?;
    link::host(vm, &request.host, files, &wrap)?;
    let modules = Modules::install(vm, files)?;
    let (tostring, concat) = raise::methods(vm)?;
    interrupt::set_error_methods(vm, tostring, concat)?;
    let handler = raise::handler(vm, files, Arc::clone(last))?;
    vm.lua.sandbox(true)?;
    vm.lua.gc_collect()?;
    Ok((handler, modules))
}

/// The functions among the fields of `offered`; other fields are the plugin's own business.
fn exports_of(offered: &Table, request: &LoadRequest<'_>) -> Result<Vec<Export>, Fault> {
    let mut exports = Vec::new();
    // The list is kept outside of the guest's heap, so it is held to the size that a value may have.
    let mut budget = ValueBudget::new(request.meter.limits().value);
    for pair in offered.pairs::<LuaValue, LuaValue>() {
        let (LuaValue::String(name), LuaValue::Function(function)) = pair.map_err(|error| raise::setup(&error))? else {
            continue;
        };
        let Ok(name) = name.to_str().map(|name| name.to_owned()) else { continue };
        if budget.enter(name.len()).is_err() {
            return Err(request.meter.exceeded(Resource::Value));
        }
        budget.leave();
        let shape = function.info();
        let mut info = ExportInfo::new(name);
        if !shape.is_vararg {
            info = info.with_arity(shape.num_params.into());
        }
        exports.push(Export { info, function });
    }
    Ok(exports)
}
