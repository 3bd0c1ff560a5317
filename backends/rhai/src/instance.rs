//! A loaded Rhai plugin: its exports, its state, and calls into it.

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

use modhost_backend::{
    ExportId, ExportInfo, Fault, FaultKind, Instance, Resource, Suspending, Type, Value, ValueBudget,
};
use rhai::{AST, CallFnOptions, Dynamic, Engine, FnAccess, FuncArgs, Map, Scope};

use crate::{
    convert::{self, Refused},
    fault, memory,
    plugin::Plugin,
    stack,
};

/// A loaded plugin.
pub(crate) struct RhaiInstance {
    engine: Engine,
    ast: AST,
    plugin: Arc<Plugin>,
    /// `this` of every export.
    state: Dynamic,
    /// Its weight, when last asked for.
    weight: Cell<u64>,
    exports: Vec<ExportInfo>,
    /// By export: the numbers of parameters that it is defined with, sorted.
    arities: Vec<Vec<usize>>,
}

impl RhaiInstance {
    /// An instance of a script whose top-level statements have run.
    pub(crate) fn new(engine: Engine, mut ast: AST, plugin: Arc<Plugin>) -> Self {
        ast.clear_statements();
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for function in ast.iter_functions() {
            // Closures are functions too, under names that no call can spell.
            let callable = function.this_type.is_none() && !function.name.contains('$');
            if callable && matches!(function.access, FnAccess::Public) {
                found.entry(function.name.into()).or_default().push(function.params.len());
            }
        }
        let (mut exports, mut arities) = (Vec::new(), Vec::new());
        for (name, mut counts) in found {
            counts.sort_unstable();
            let export = ExportInfo::new(name);
            exports.push(if let [count] = counts[..] { export.with_arity(count) } else { export });
            arities.push(counts);
        }
        RhaiInstance {
            engine,
            ast,
            plugin,
            state: Dynamic::from_map(Map::new()),
            weight: Cell::new(0),
            exports,
            arities,
        }
    }

    fn result(&self, value: &Dynamic) -> Result<Value, Fault> {
        let meter = &self.plugin.meter;
        convert::from_rhai(value, &mut ValueBudget::new(meter.limits().value)).map_err(|refused| match refused {
            Refused::TooLarge => meter.exceeded(Resource::Value),
            Refused::Type(error) => Fault::new(FaultKind::Type(error)),
        })
    }
}

impl Instance for RhaiInstance {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        ExportId::find(&self.exports, name)
    }

    fn call(&mut self, export: ExportId, args: &[Value], _wants: &Type) -> Result<Value, Fault> {
        let meter = &self.plugin.meter;
        meter.verdict()?;
        let (Some(info), Some(arities)) = (self.exports.get(export.index()), self.arities.get(export.index())) else {
            return Err(Fault::bug("an export of another instance"));
        };
        if !arities.contains(&args.len()) {
            return Err(wrong_arity(arities, args.len()));
        }
        let mut budget = ValueBudget::new(meter.limits().value);
        if args.iter().any(|value| convert::measure(value, &mut budget).is_err()) {
            return Err(meter.limit_fault(Resource::Value));
        }
        let options = CallFnOptions::new().eval_ast(false).bind_this_ptr(&mut self.state);
        let (engine, ast) = (&self.engine, &self.ast);
        let called = self.plugin.enter(|| {
            stack::note(self.weight.get());
            engine.call_fn_with_options(options, &mut Scope::new(), ast, &info.name, Arguments(args))
        })?;
        let value: Dynamic = called.map_err(|error| fault::of(*error, &self.plugin, &self.plugin.entry))?;
        meter.verdict()?;
        self.result(&value)
    }

    /// Rhai evaluates on the host's stack, which cannot be left in between.
    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        None
    }

    fn exports(&self) -> &[ExportInfo] {
        &self.exports
    }

    /// Only the sizes of values are known, and they are spread over a call.
    fn memory_used(&self) -> Option<usize> {
        let bytes = memory::weight(&self.state)?;
        self.weight.set(bytes);
        usize::try_from(bytes).ok()
    }
}

/// Arguments of a call, converted straight into the list that Rhai keeps on its stack.
struct Arguments<'a>(&'a [Value]);

impl FuncArgs for Arguments<'_> {
    fn parse<A: Extend<Dynamic>>(self, list: &mut A) {
        list.extend(self.0.iter().map(convert::noted));
    }
}

fn wrong_arity(arities: &[usize], found: usize) -> Fault {
    let counts: Vec<_> = arities.iter().map(ToString::to_string).collect();
    Fault::new(FaultKind::Arity { expected: counts.join(" or "), found })
}
