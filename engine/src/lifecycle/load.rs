//! [`load`]: gives an admitted plugin to its backend, under its meter, and puts the instance into a slot.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use modhost_abi::{Map, Value};
use modhost_backend::{Fault, FileSet, LoadRequest, Meter, Print, scope};

use super::hook;
use crate::{
    audit::Event,
    call::{About, Output, Slot},
    engine::Inner,
    error::{Error, Result, Stage},
    host,
    package::Package,
    policy::Admission,
    verify::Vetted,
};

/// Loads `package` as it was admitted. It is in the engine's table when this returns, and `on_load` has run.
pub(crate) fn load(inner: &Arc<Inner>, package: &Vetted<Package>, admission: &Admission) -> Result<Arc<Slot>> {
    let id = package.get().id().to_string();
    let result = place(inner, package, admission, &id).map_err(|error| error.of(&id));
    if let Err(error) = &result {
        inner.audit.error(Event::Refused, &id, error);
    }
    result
}

fn place(inner: &Arc<Inner>, vetted: &Vetted<Package>, admission: &Admission, id: &str) -> Result<Arc<Slot>> {
    let package = vetted.get();
    let kind = admission.artefact().kind.clone();
    let _span =
        tracing::info_span!("load", plugin = id, version = %package.version(), backend = %kind, trust = %vetted.trust()).entered();
    inner.audit.record(Event::Admitted, id, &format!("{kind} as {}, {}", vetted.trust(), vetted.vouched()));
    if admission.unprotected() {
        tracing::warn!(
            plugin = id,
            "policy {}: unsigned native code runs in this process without any protection",
            inner.policy.name
        );
        inner.audit.record(Event::Unprotected, id, "unsigned native code in the host's process");
    }

    let origin = Arc::new(host::Origin { plugin: id.to_owned(), engine: Arc::downgrade(inner) });
    let (table, grants) = host::table(&inner.registry, package, admission.capabilities(), &origin, &inner.audit);
    let meter = Arc::new(Meter::new(admission.limits().clone()));
    let output = Arc::new(Output::default());
    inner.watchdog.watch(&meter).map_err(|error| {
        Error::new(crate::Code::IoFailed, Stage::Load, format!("cannot start the watchdog's thread: {error}"))
    })?;

    let files = files(package, admission)?;
    let request = LoadRequest::new(
        id,
        &admission.artefact().entry,
        &files,
        Arc::new(table),
        meter.clone(),
        print(id, &meter, &output),
    );
    meter.begin();
    inner.watchdog.wake();
    let loaded = scope::without(|| catch_unwind(AssertUnwindSafe(|| admission.backend().load(request))));
    let usage = meter.end();
    let limit = |fault: Fault| Error::from_fault(Stage::Load, fault).used(usage.fuel, inner.watchdog.elapsed(&meter));
    let loaded =
        loaded.unwrap_or_else(|panic| Err(Fault::bug(format!("the backend panicked: {}", host::panic_text(&*panic)))));
    meter.verdict().map_err(limit)?;
    let instance = loaded.map_err(limit)?;

    let mut notes = package.notes().to_vec();
    notes.extend_from_slice(admission.notes());
    let about = About {
        name: id.to_owned(),
        version: package.version().clone(),
        kind,
        trust: vetted.trust(),
        vouched: vetted.vouched(),
        topics: package.manifest().map(|manifest| manifest.listen.clone()).unwrap_or_default(),
        exports: instance.exports().to_vec(),
        notes,
    };
    let interrupt = admission.backend().enforcement().interrupt;
    let slot = inner.insert(id, |place| Slot::new(place, about, meter, grants, output, interrupt, instance))?;
    if let Err(error) = on_load(inner, &slot) {
        inner.remove(slot.id);
        return Err(error);
    }
    inner.audit.record(Event::Loaded, id, &format!("{} exports", slot.about.exports.len()));
    Ok(slot)
}

fn on_load(inner: &Inner, slot: &Slot) -> Result<()> {
    let about = &slot.about;
    if !about.exports.iter().any(|export| export.name == "on_load") {
        return Ok(());
    }
    let info = Map::from_iter([
        ("id", Value::from(about.name.as_str())),
        ("version", Value::from(about.version.to_string())),
        ("trust", Value::from(about.trust.to_string())),
    ]);
    let call = |instance: &mut dyn modhost_backend::Instance| hook::call(instance, "on_load", &[Value::Map(info)]);
    scope::without(|| slot.run(&inner.watchdog, &inner.audit, Stage::Load, call)).map(|_| ())
}

/// The files that the backend gets: a text artefact is replaced by its binary form.
fn files<'a>(package: &'a Package, admission: &Admission) -> Result<Cow<'a, FileSet>> {
    #[cfg(feature = "wasm")]
    if admission.artefact().text {
        let entry = &admission.artefact().entry;
        let text = package.files().get(entry).map(|bytes| &bytes[..]).unwrap_or_default();
        let binary = super::text::assemble(entry, text)?;
        let mut files = package.files().clone();
        files.insert(entry.clone(), binary);
        return Ok(Cow::Owned(files));
    }
    let _ = admission;
    Ok(Cow::Borrowed(package.files()))
}

/// Where the plugin's printed text goes: charged, kept, escaped.
fn print(id: &str, meter: &Arc<Meter>, output: &Arc<Output>) -> Arc<Print> {
    let (id, meter, output) = (id.to_owned(), meter.clone(), output.clone());
    Arc::new(move |text: &str| {
        meter.print(text.len())?;
        output.push(&id, text);
        Ok(())
    })
}
