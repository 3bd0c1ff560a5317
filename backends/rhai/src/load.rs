//! Loading: source to a running instance. The parser works within caps, the top-level statements run once, metered.

use std::{mem, sync::Arc};

use modhost_backend::{Fault, LoadRequest};
use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, Position, Scope};

use crate::{
    builtins, fault, host,
    instance::RhaiInstance,
    limits, memory,
    modules::{self, Modules},
    plugin::Plugin,
    source,
};

/// Loads a plugin.
pub(crate) fn load(request: &LoadRequest<'_>) -> Result<RhaiInstance, Fault> {
    let (mut sources, cost) = modules::link(request)?;
    let inserted = sources.iter_mut().map(|source| (source.path.clone(), mem::take(&mut source.inserted))).collect();
    let plugin = Arc::new(Plugin::new(request, inserted, &cost));
    let mut engine = engine(request, &plugin)?;
    let modules = Modules::default();
    let tail = modules.register(&mut engine)?;
    // Who is imported comes before who imports it, and the entry is last.
    let mut entry = None;
    for source in &sources {
        let mut ast = plugin.enter_again(|| parse(&mut engine, &source.text, &source.path, &plugin))??;
        if source.path != request.entry {
            ast.combine(tail.clone());
        }
        ast.set_source(source.path.as_str());
        let failed = |error: Box<EvalAltResult>| fault::of(*error, &plugin, &source.path);
        modules.allow(source);
        if source.path == request.entry {
            let mut scope = Scope::new();
            plugin.enter_again(|| engine.run_ast_with_scope(&mut scope, &ast))?.map_err(failed)?;
            entry = Some((ast, scope));
        } else {
            let module =
                plugin.enter_again(|| Module::eval_ast_as_new(Scope::new(), &ast, &engine))?.map_err(failed)?;
            modules.add(&source.path, module.into());
        }
        request.meter.verdict()?;
    }
    let (ast, scope) = entry.ok_or_else(|| Fault::bug("the entry was not linked"))?;
    register_constants(&mut engine, &scope, &plugin);
    // Calls do not run the top level again, which would import them.
    for (alias, module) in modules.of(request.entry) {
        engine.register_static_module(alias, module);
    }
    Ok(RhaiInstance::new(engine, ast, plugin))
}

fn engine(request: &LoadRequest<'_>, plugin: &Arc<Plugin>) -> Result<Engine, Fault> {
    let mut engine = Engine::new_raw();
    let limits = plugin.meter.limits();
    limits::Sizes::of(limits).apply(&mut engine, limits);
    builtins::register(&mut engine, request);
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
    for mark in [source::PART, source::VARIABLE, source::ARGUMENT] {
        let weighing = plugin.clone();
        let syntax = [String::from(mark), "$expr$".into()];
        let marked = engine.register_custom_syntax(syntax, false, move |context, inputs| {
            let value = context.eval_expression_tree(&inputs[0])?.flatten();
            if weighing.given(context, &value, mark) { Ok(value) } else { ended() }
        });
        marked.map_err(|error| Fault::bug(format!("Rhai refuses the mark `{mark}`: {error}")))?;
    }
    Ok(engine)
}

/// The error of a call that the meter has ended.
fn ended<T>() -> Result<T, Box<EvalAltResult>> {
    Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
}

/// Parses without closures first: the hook that makes them safe slows down every use of a variable.
fn parse(engine: &mut Engine, text: &str, path: &str, plugin: &Arc<Plugin>) -> Result<AST, Fault> {
    engine.set_allow_anonymous_fn(false);
    if let Ok(ast) = engine.compile(text) {
        return Ok(ast);
    }
    engine.set_allow_anonymous_fn(true);
    let ast = engine.compile(text).map_err(|error| fault::of_parser(&error, plugin, path))?;
    capture_by_value(engine, plugin.clone());
    Ok(ast)
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
fn register_constants(engine: &mut Engine, scope: &Scope<'_>, plugin: &Plugin) {
    let module = modules::constants(scope);
    for (_, constant, value) in scope.iter_raw() {
        plugin.found(if constant { memory::weight(value).unwrap_or(0) } else { 0 });
    }
    if !module.is_empty() {
        engine.register_static_module("global", module.into());
    }
}
