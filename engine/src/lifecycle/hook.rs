//! The well-known exports, all optional, each run under the meter like any call: `on_load(info)`, `on_enable()`, `on_disable()`,
//! `on_unload()`, `on_tick(dt)`, `on_save() -> value`, `on_restore(value, from_version)`, `on_<topic>(event)`.

use modhost_abi::{Type, Value};
use modhost_backend::{ExportId, Fault, Instance};

/// The export that listens to `topic`.
pub(crate) fn listener(topic: &str) -> String {
    let mut name = String::from("on_");
    name.extend(topic.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
    name
}

/// Calls the export `name` if it is there. One that declares fewer parameters gets the first arguments only, so that
/// `on_load()` is as good as `on_load(info)`.
pub(crate) fn call(instance: &mut dyn Instance, name: &str, args: &[Value]) -> Result<Option<Value>, Fault> {
    let Some(index) = instance.exports().iter().position(|export| export.name == name) else { return Ok(None) };
    let takes = instance.exports()[index].arity.unwrap_or(args.len());
    let export: ExportId = instance.export(name)?;
    instance.call(export, &args[..takes.min(args.len())], &Type::Any).map(Some)
}
