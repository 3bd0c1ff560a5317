//! Loading: source to a running instance. The parser works within caps, the top-level statements run once, metered.

use std::sync::Arc;

use modhost_backend::{Fault, LoadRequest, Place};
use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, Position, Scope};

use crate::{builtins, fault, host, instance::RhaiInstance, limits, plugin::Plugin, source};

/// Bytes of source that one unit of fuel pays for.
const BYTES_PER_FUEL: usize = 16;

/// Loads a plugin.
pub(crate) fn load(request: &LoadRequest<'_>) -> Result<RhaiInstance, Fault> {
    let text = request.source()?;
    if text.len() > limits::SOURCE {
        let message = format!("the file has {} bytes, Rhai takes {}", text.len(), limits::SOURCE);
        return Err(Fault::compile(message).at(Place::file(request.entry)));
    }
    request.meter.spend((text.len() / BYTES_PER_FUEL + 1) as u64)?;
    let arguments = host::most_arguments(&request.host).max(limits::QUALIFIED_ARGUMENTS);
    let source = source::prepare(text, arguments)
        .map_err(|refused| Fault::compile(refused.message).at(Place::line(request.entry, refused.line)))?;
    let plugin = Arc::new(Plugin::new(request, source));
    let mut engine = engine(&plugin)?;
    let ast = parse(&mut engine, &plugin)?;
    let mut scope = Scope::new();
    let ran = plugin.enter(|| engine.run_ast_with_scope(&mut scope, &ast))?;
    ran.map_err(|error| fault::of(*error, &plugin))?;
    request.meter.verdict()?;
    register_constants(&mut engine, &scope);
    Ok(RhaiInstance::new(engine, ast, plugin))
}

fn engine(plugin: &Arc<Plugin>) -> Result<Engine, Fault> {
    let mut engine = Engine::new_raw();
    let limits = plugin.meter.limits();
    limits::Sizes::of(limits).apply(&mut engine, limits);
    builtins::register(&mut engine);
    host::register(&mut engine, plugin);
    let running = plugin.clone();
    engine.on_progress(move |_| if running.operate() { None } else { Some(Dynamic::UNIT) });
    // Rhai's callback cannot fail: an error has killed the meter, and the next operation ends the call.
    let printer = plugin.print.clone();
    engine.on_print(move |line| drop(printer(line)));
    let printer = plugin.print.clone();
    engine.on_debug(move |line, _, _| drop(printer(line)));
    let weighing = plugin.clone();
    #[allow(deprecated)]
    engine
        .on_def_var(move |running, _, context| if !running || weighing.defined(&context) { Ok(true) } else { ended() });
    let weighing = plugin.clone();
    let mark = [source::MARK.encode_utf8(&mut [0; 4]), "$expr$"].map(String::from);
    let marked = engine.register_custom_syntax(mark, false, move |context, inputs| {
        let value = context.eval_expression_tree(&inputs[0])?.flatten();
        if weighing.assigned(context, &value) { Ok(value) } else { ended() }
    });
    marked.map_err(|error| Fault::bug(format!("Rhai refuses the mark: {error}")))?;
    Ok(engine)
}

/// The error of a call that the meter has ended.
fn ended<T>() -> Result<T, Box<EvalAltResult>> {
    Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
}

/// Parses without closures first: the hook that makes them safe slows down every use of a variable.
fn parse(engine: &mut Engine, plugin: &Arc<Plugin>) -> Result<AST, Fault> {
    engine.set_allow_anonymous_fn(false);
    if let Ok(ast) = engine.compile(&plugin.source.text) {
        return checked(ast, plugin);
    }
    engine.set_allow_anonymous_fn(true);
    let ast = engine.compile(&plugin.source.text).map_err(|error| fault::of_parser(&error, plugin))?;
    capture_by_value(engine, plugin.clone());
    checked(ast, plugin)
}

fn checked(ast: AST, plugin: &Plugin) -> Result<AST, Fault> {
    plugin.meter.verdict().map(|()| ast)
}

/// Closures get copies of what they capture.
///
/// Rhai turns a captured variable into a cell that closure and scope share, reads it once to hand it to the closure, and
/// goes on. Cells that hold closures make cycles, which are never freed, and chains, which overflow the stack when they
/// are dropped. A shared variable is therefore unshared when it is first read - by the capture itself - so that none
/// outlives it. What a closure holds counts as memory of the call, since closures hide it from the limits of sizes.
fn capture_by_value(engine: &mut Engine, plugin: Arc<Plugin>) {
    #[allow(deprecated)]
    engine.on_var(move |name, _, mut context| {
        let scope = context.scope_mut();
        let Some(value) = scope.get(name).filter(|value| value.is_shared()) else { return Ok(None) };
        if !plugin.captured(value) {
            return ended();
        }
        let value = value.flatten_clone();
        // A constant stays a cell, which nothing else knows and nothing can put a closure into.
        if let Some(variable) = scope.get_mut(name) {
            *variable = value.clone();
        }
        Ok(Some(value))
    });
}

/// Makes top-level constants readable as `global::NAME` in calls, as they are while loading.
fn register_constants(engine: &mut Engine, scope: &Scope<'_>) {
    let mut module = Module::new();
    // The scope is read from its newest variable back; of constants with one name the newest holds.
    for (name, constant, value) in scope.iter_raw() {
        if constant && !module.contains_var(name) {
            module.set_var(name, value.flatten_clone());
        }
    }
    if !module.is_empty() {
        engine.register_static_module("global", module.into());
    }
}
