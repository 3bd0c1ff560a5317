//! Loading: from the bytes of a module to an instance whose start function has run. Everything a module may get wrong
//! before its first call is said here, most of it with `wasm.invalid`, `wasm.abi` or `script.missing-import`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use modhost_abi::WASM_ABI;
use modhost_backend::{ExportInfo, Fault, LoadRequest, Meter, Place, Resource};
use wasmi::{Extern, FuncType, ImportType, Instance, Module, Mutability, Store, TypedFunc, ValType};

use crate::{
    convert::{broken, show, signature_of},
    cost::Cost,
    guest::{self, State},
    host,
    instance::{Form, WasmInstance},
    limits::{self, BYTES_PER_FUEL, FREE_HOST_BYTES},
    module::{self, START, invalid},
    section::Listing,
    typed::typed,
};

/// Exports that begin with this are the ABI's own and not offered to callers.
const RESERVED: &str = "modhost_";
/// Compiling for this long is no harm, whatever the deadline: it is looked at when compiling is done.
const SHORT: Duration = Duration::from_millis(50);

/// Loads the entry of `request`.
///
/// # Errors
/// As [`Backend::load`](modhost_backend::Backend::load).
pub(crate) fn load(request: &LoadRequest<'_>) -> Result<WasmInstance, Fault> {
    catch_unwind(AssertUnwindSafe(|| instantiate(request)))
        .unwrap_or_else(|_| Err(invalid("the wasm compiler gave up on this module")))
        .map_err(|fault| fault.at(Place::file(request.entry)))
}

fn instantiate(request: &LoadRequest<'_>) -> Result<WasmInstance, Fault> {
    let meter = &request.meter;
    let bytes = request.bytes()?;
    guest::charge_bytes(meter, bytes.len())?;
    let prepared = module::prepare(bytes, |cost| afford(cost, meter))?;
    meter.spend(prepared.cost.fuel)?;
    let held = prepared.cost.memory.saturating_sub(FREE_HOST_BYTES);
    let compile = |tail_calls| {
        let engine = limits::engine(meter.limits(), tail_calls);
        Module::new(&engine, &prepared.bytes).map_err(|error| invalid(error.to_string()))
    };
    let mut module = compile(true)?;
    let suspends = |import: ImportType<'_>| {
        let found = request.host.find(&format!("{}.{}", import.module(), import.name()));
        found.is_some_and(|at| request.host.entries()[at].begin.is_some())
    };
    if module.imports().any(suspends) {
        drop(module);
        afford(&prepared.cost, meter)?;
        meter.spend(prepared.cost.fuel)?;
        module = compile(false)?;
    }
    drop(prepared.bytes);
    let engine = module.engine().clone();
    if !meter.alive() {
        meter.verdict()?;
    }
    let listing = prepared.listing.as_deref().map(Listing::parse).transpose()?;
    check_abi(&module, listing.is_some())?;
    let listing = listing.unwrap_or_default();

    let mut store = Store::new(&engine, State::new(meter.clone(), request.print.clone()));
    if !store.data_mut().limiter.hold(held) {
        return Err(meter.exceeded(Resource::Memory));
    }
    store.limiter(|state| &mut state.limiter);
    let mut imports = Vec::with_capacity(module.imports().len());
    for import in module.imports() {
        imports.push(host::link(&mut store, &import, &request.host, &listing)?);
    }
    // To make memories and tables is one step; those that are beyond the limit are refused within it.
    if prepared.initial <= meter.limits().memory
        && limits::outlasts(prepared.initial / u64::from(BYTES_PER_FUEL), meter.limits())
    {
        return Err(meter.exceeded(Resource::Deadline));
    }
    let instance =
        Instance::new(&mut store, &module, &imports).map_err(|error| guest::refused(&error, store.data()))?;
    store.data_mut().limiter.seal_tables();
    guest::charge_bytes(meter, store.data().limiter.used() as usize)?;
    let memory = instance.get_memory(&store, "memory");
    store.data_mut().memory = memory;
    store.data_mut().alloc = alloc(&instance, &store)?;
    let own_export = module.exports().next().map(|export| export.name().into());
    store.data_mut().own_export = own_export;

    if prepared.starts {
        let start = instance.get_func(&store, START).ok_or_else(|| Fault::bug("the start function is gone"))?;
        let ty = start.ty(&store);
        if !(ty.params().is_empty() && ty.results().is_empty()) {
            return Err(invalid(format!("the start function is {}, it must take and give nothing", show(&ty))));
        }
        guest::run(&mut store, &start, &[], &mut [])?;
    }

    let (exports, forms) = exports(&instance, &store, &listing)?;
    let mutable = |global: &wasmi::Global| {
        let ty = global.ty(&store);
        ty.mutability() == Mutability::Var && ty.content() == ValType::I32
    };
    let stack_pointer = instance.get_global(&store, "__stack_pointer").filter(mutable);
    Ok(WasmInstance {
        store,
        meter: meter.clone(),
        entry: request.entry.into(),
        exports,
        forms,
        stack_pointer,
        inputs: Vec::new(),
        outputs: Vec::new(),
        suspended: None,
        dead: None,
    })
}

/// Compiling cannot be interrupted, so that it is not begun where it could outlast the deadline, or what the plugin has of
/// fuel and memory.
fn afford(cost: &Cost, meter: &Meter) -> Result<(), Fault> {
    // To count takes time, too.
    if !meter.alive() {
        meter.verdict()?;
    }
    let limits = meter.limits();
    if cost.fuel > meter.fuel_left() {
        meter.set_fuel_left(0);
        return Err(meter.exceeded(Resource::Fuel));
    }
    if cost.time() > limits.deadline.max(SHORT) {
        return Err(meter.exceeded(Resource::Deadline));
    }
    if cost.memory.saturating_sub(FREE_HOST_BYTES) > limits.memory {
        return Err(meter.exceeded(Resource::Memory));
    }
    Ok(())
}

/// A module with a listing says which ABI it was built for; one that says another is not run, listing or not.
fn check_abi(module: &Module, listed: bool) -> Result<(), Fault> {
    let ours = format!("modhost_abi_{WASM_ABI}");
    if module.get_export(&ours).is_some() {
        return Ok(());
    }
    let mut names = module.exports().map(|export| export.name().to_owned());
    match names.find(|name| name.starts_with("modhost_abi_")) {
        Some(other) => Err(broken(format!("the module exports `{}`; this host speaks `{ours}`", other.escape_debug()))),
        None if listed => Err(broken(format!("the module has a `modhost` section, but exports no `{ours}`"))),
        None => Ok(()),
    }
}

fn alloc(instance: &Instance, store: &Store<State>) -> Result<Option<TypedFunc<i32, i32>>, Fault> {
    let Some(alloc) = instance.get_func(store, "modhost_alloc") else { return Ok(None) };
    let mistyped = |_| broken(format!("`modhost_alloc` is {}, expected (i32) -> (i32)", show(&alloc.ty(store))));
    alloc.typed(store).map(Some).map_err(mistyped)
}

/// What callers may call, sorted by name: what is listed, and functions of plain numbers.
fn exports(
    instance: &Instance,
    store: &Store<State>,
    listing: &Listing,
) -> Result<(Vec<ExportInfo>, Vec<Form>), Fault> {
    let codec = FuncType::new([ValType::I32, ValType::I32], [ValType::I64]);
    let mut found = Vec::new();
    for export in instance.exports(store) {
        let name = export.name().to_owned();
        let Extern::Func(func) = export.into_extern() else { continue };
        if name.starts_with(RESERVED) || name == START {
            continue;
        }
        let ty = func.ty(store);
        if let Some(signature) = listing.exports.get(&name) {
            let Ok(func) = func.typed(store) else {
                return Err(broken(format!("the listed export `{name}` is {}, expected {}", show(&ty), show(&codec))));
            };
            let info = ExportInfo::new(name).with_signature(signature.clone());
            found.push((info, Form::Codec(func, signature.clone())));
        } else if let Some(signature) = signature_of(&ty) {
            let info = match ty.results().len() {
                0 | 1 => ExportInfo::new(name).with_signature(signature),
                _ => ExportInfo::new(name).with_arity(ty.params().len()),
            };
            let form = match typed(&func, store) {
                Some(func) => Form::Typed(func, ty.params().len()),
                None => Form::Plain { func, params: ty.params().into(), results: ty.results().len() },
            };
            found.push((info, form));
        }
    }
    let state = store.data();
    if !(listing.exports.is_empty() && listing.imports.is_empty()) && (state.memory.is_none() || state.alloc.is_none())
    {
        return Err(broken("a module with a `modhost` section exports `memory` and `modhost_alloc`"));
    }
    found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let there = |name: &String| found.binary_search_by(|(info, _)| info.name.cmp(name)).is_ok();
    if let Some(name) = listing.exports.keys().find(|name| !there(name)) {
        return Err(broken(format!("the export `{}` is listed, but not there", name.escape_debug())));
    }
    Ok(found.into_iter().unzip())
}
