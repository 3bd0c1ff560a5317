//! Host functions as static modules: `world.spawn` of the table is `world::spawn(...)` in a script. It counts and converts
//! arguments; everything else is behind the table's entry.

use std::{any::TypeId, collections::BTreeMap, sync::Arc};

use modhost_abi::{Param, Type};
use modhost_backend::{Fault, FaultKind, HostTable, Resource, Value, ValueBudget};
use rhai::{
    Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString, Module, NativeCallContext, Position,
    plugin::{PluginFunc, RhaiFunc},
};

use crate::{
    convert::{self, HandleValue, Refused},
    plugin::Plugin,
    source,
};

/// The modules of one level of names.
#[derive(Default)]
struct Tree {
    module: Module,
    inner: BTreeMap<String, Tree>,
}

impl Tree {
    fn into_module(mut self) -> Module {
        for (name, tree) in self.inner {
            self.module.set_sub_module(name, tree.into_module());
        }
        self.module
    }
}

/// Registers the functions of `plugin`'s table in its engine.
pub(crate) fn register(engine: &mut Engine, plugin: &Arc<Plugin>) {
    let mut root = Tree::default();
    for (index, entry) in plugin.host.entries().iter().enumerate() {
        let (path, name) = entry.path();
        let tree = path.iter().fold(&mut root, |tree, part| tree.inner.entry(source::swapped(part)).or_default());
        let name = if path.is_empty() { name.into() } else { source::swapped(name) };
        let params = &entry.signature.params;
        for count in entry.signature.required()..=params.len() {
            let exact: Vec<_> = params[..count].iter().map(type_id).collect();
            let any = vec![TypeId::of::<Dynamic>(); count];
            // Rhai looks for the exact types first, and then through 2^count mixtures of them and `Dynamic`.
            let mut shapes = vec![any];
            if exact != shapes[0] {
                shapes.push(exact);
            }
            for types in shapes {
                let function = HostFunction { plugin: plugin.clone(), index };
                let registration = FuncRegistration::new(name.as_str()).in_internal_namespace();
                registration.set_into_module_raw(
                    &mut tree.module,
                    types,
                    RhaiFunc::Plugin { func: Arc::new(function) },
                );
            }
        }
    }
    for (name, tree) in std::mem::take(&mut root.inner) {
        engine.register_static_module(name, tree.into_module().into());
    }
    if !root.module.is_empty() {
        engine.register_global_module(root.module.into());
    }
}

/// The most arguments that a host function takes.
pub(crate) fn most_arguments(host: &HostTable) -> usize {
    host.entries().iter().map(|entry| entry.signature.params.len()).max().unwrap_or(0)
}

fn type_id(param: &Param) -> TypeId {
    match param.ty.present() {
        Type::Bool => TypeId::of::<bool>(),
        Type::Int => TypeId::of::<i64>(),
        Type::Float => TypeId::of::<f64>(),
        Type::Str | Type::Enum(_) => TypeId::of::<ImmutableString>(),
        Type::Bytes => TypeId::of::<rhai::Blob>(),
        Type::List(_) => TypeId::of::<rhai::Array>(),
        Type::Map(_) | Type::Record(_) => TypeId::of::<rhai::Map>(),
        Type::Handle => TypeId::of::<HandleValue>(),
        _ => TypeId::of::<Dynamic>(),
    }
}

/// How many arguments fit on the stack; more take an allocation.
const INLINE: usize = 8;

struct HostFunction {
    plugin: Arc<Plugin>,
    index: usize,
}

impl HostFunction {
    fn call_with(&self, values: &mut [Value], args: &[&mut Dynamic], at: Position) -> rhai::plugin::RhaiResult {
        let plugin = &*self.plugin;
        let limits = plugin.meter.limits().value;
        let mut budget = ValueBudget::new(limits);
        for (at_argument, (value, arg)) in values.iter_mut().zip(args).enumerate() {
            *value = convert::from_rhai(arg, &mut budget).map_err(|refused| match refused {
                Refused::TooLarge => {
                    plugin.meter.kill(Resource::Value);
                    EvalAltResult::ErrorTerminated(Dynamic::UNIT, at).into()
                }
                Refused::Type(error) => {
                    let error = error.inside(format_args!("argument {}", at_argument + 1));
                    plugin.raise(Fault::new(FaultKind::Type(error)), at)
                }
            })?;
        }
        let Some(entry) = plugin.host.entries().get(self.index) else {
            return Err(plugin.raise(Fault::bug("a host function is not in its table"), at));
        };
        let result = (entry.call)(values).map_err(|fault| plugin.raise(fault, at))?;
        if plugin.meter.is_killed() {
            return Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, at).into());
        }
        match convert::measure(&result, &mut ValueBudget::new(limits)) {
            Ok(()) => Ok(convert::noted(&result)),
            Err(_) => Err(plugin.raise(plugin.meter.limit_fault(Resource::Value), at)),
        }
    }
}

impl PluginFunc for HostFunction {
    fn call(&self, context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]) -> rhai::plugin::RhaiResult {
        let at = context.map_or(Position::NONE, |context| context.call_position());
        if args.len() <= INLINE {
            let mut values: [Value; INLINE] = Default::default();
            self.call_with(&mut values[..args.len()], args, at)
        } else {
            let mut values = vec![Value::Nil; args.len()];
            self.call_with(&mut values, args, at)
        }
    }

    fn is_method_call(&self) -> bool {
        false
    }

    fn has_context(&self) -> bool {
        true
    }
}
