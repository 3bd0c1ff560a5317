//! [`load`]: gives an admitted plugin to its backend, under its meter, and puts the instance into a slot.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use modhost_abi::{Map, Value};
use modhost_backend::{Fault, FaultKind, FileSet, HostTable, LoadRequest, Meter, Print, scope};
use tracing::field::display;

use super::hook;
use crate::{
    audit::Event,
    call::{About, Need, Slot, State, Transition},
    error::{Error, Result, Stage},
    host::{self, Group, LogLevel, Origin},
    inner::Inner,
    package::{Matched, Outline, Shelved, nearest},
    policy::Admission,
    revoking::is_of_revocation,
    spans::stage_span,
    verify::{Standing, Vetted},
};

/// Loads `package`, whose `contents` were held against what was judged, as it was admitted, with the number that tells its place in the order. It is in the engine's table when this returns,
/// and `on_load` has run. Several threads may load at a time.
pub(crate) fn load(
    inner: &Arc<Inner>,
    package: &Vetted<Shelved>,
    contents: Matched<'_>,
    admission: &Admission,
    group: Option<Arc<Group>>,
    generation: u32,
) -> Result<Arc<Slot>> {
    let id = package.get().id().to_string();
    let slot = place(inner, package, contents, admission, group, (&id, generation))
        .map_err(|error| error.of(&id))
        .inspect_err(|error| inner.turned_away(State::Resolved, &id, error));
    let result = slot.and_then(|slot| settle(inner, &slot).map(|()| slot));
    inner.loaded();
    if let Err(error) = &result {
        inner.audit.error(Event::Refused, (id.as_str(), package.get().version()), error);
    }
    result
}

fn place(
    inner: &Arc<Inner>,
    vetted: &Vetted<Shelved>,
    // Gone again before `on_load` runs.
    contents: Matched<'_>,
    admission: &Admission,
    group: Option<Arc<Group>>,
    (id, generation): (&str, u32),
) -> Result<Arc<Slot>> {
    inner.chronicle.begins(id, State::Resolved, Transition::Load);
    let package = vetted.get();
    let kind = admission.artefact().kind.clone();
    let span = stage_span!("load", id, package.version());
    span.record("backend", display(&kind)).record("trust", display(vetted.trust()));
    let _entered = span.enter();
    let of = (id, package.version());
    let standing = inner.still_deserves(vetted, &contents, admission)?;
    let admitted = format!("{kind} as {}, {}, {}", standing.trust, proof(&standing), standing.vouched);
    inner.audit.must(Event::Admitted, of, Stage::Admit, &admitted)?;
    if inner.policy.development {
        let mode = format!("policy {}: development mode: {}", inner.policy.name, standing.vouched);
        tracing::warn!(plugin = id, "{mode}");
        inner.audit.must(Event::Development, of, Stage::Admit, &mode)?;
    }
    if admission.unprotected() {
        // Whoever signed it, where its trust is assumed.
        let code = format!("{kind} code without any protection in the host's process: {}", standing.verdict.vouched());
        tracing::warn!(plugin = id, "policy {}: {code}", inner.policy.name);
        inner.audit.must(Event::Unprotected, of, Stage::Admit, &code)?;
    }

    let meter = Arc::new(Meter::new(admission.limits().clone()));
    let origin =
        Arc::new(host::Origin::new(id, Arc::downgrade(inner), meter.clone(), inner.held.clone(), group.clone()));
    let (table, grants) = host::table(&inner.registry, package, admission.capabilities(), &origin, &inner.audit);
    let table = Arc::new(table);
    inner.watchdog.watch(&meter).map_err(|error| {
        Error::new(crate::Code::IoFailed, Stage::Load, format!("cannot start the watchdog's thread: {error}"))
    })?;

    let files = files(contents, admission)?;
    let request =
        LoadRequest::new(id, &admission.artefact().entry, &files, table.clone(), meter.clone(), print(&origin))
            .with_libraries(inner.policy.libraries.get(&kind));
    let now = || inner.audit.now();
    let share = origin.share(meter.limits().fuel, now).map_err(|used_up| used_up.error(Stage::Load))?;
    meter.begin();
    if let Some(share) = &share {
        share.cap(&meter);
    }
    inner.watchdog.wake();
    if admission.backend().enforcement().interrupt != modhost_backend::Guarantee::None
        && admission.limits().deadline.is_zero()
    {
        meter.stop(meter.call_number());
    }
    let loaded = scope::without(|| catch_unwind(AssertUnwindSafe(|| admission.backend().load(request))));
    let mut usage = meter.end();
    let capped = share.and_then(|share| {
        let (used, capped) = origin.settle(share, usage.fuel, now);
        usage.fuel = used;
        capped.map(Box::new)
    });
    span.record("fuel", usage.fuel);
    let limit = |fault: Fault| Error::from_fault(Stage::Load, fault).used(usage.fuel, inner.watchdog.elapsed(&meter));
    let loaded =
        loaded.unwrap_or_else(|panic| Err(Fault::bug(format!("the backend panicked: {}", host::panic_text(&*panic)))));
    if let Err(end) = meter.verdict() {
        let end = origin.ledger.blame(end, capped);
        let end = match &loaded {
            Err(said) => end.placed_like(said),
            Ok(_) => end,
        };
        return Err(origin.ledger.explain(limit(end)));
    }
    let instance = loaded.map_err(|fault| advise(inner, package, &table, limit(fault)))?;

    let mut notes = package.notes().to_vec();
    notes.extend_from_slice(admission.notes());
    let about = About {
        name: id.to_owned(),
        version: package.version().clone(),
        kind,
        standing,
        envelope: package.envelope().map(Into::into),
        topics: package.manifest().map(|manifest| manifest.listen.clone()).unwrap_or_default(),
        exports: instance.exports().to_vec(),
        notes,
        needs: package.manifest().map(Need::of).unwrap_or_default(),
        loads: inner.count_load(id),
    };
    let held = origin.ledger.add(about.bytes()).and_then(|()| origin.ledger.weigh(instance.memory_used()));
    held.map_err(|fault| origin.ledger.explain(limit(fault)))?;
    let interrupt = admission.backend().enforcement().interrupt;
    inner.insert(id, generation, group.as_deref(), |place| Slot::new(place, about, grants, origin, interrupt, instance))
}

/// What was admitted, and the ids of the keys that counted: as many in full as a record has room for. It stands before all words of others.
fn proof(standing: &Standing) -> String {
    const FULL: usize = 3;
    let verdict = &standing.verdict;
    let counting = verdict.signers.iter().filter(|signer| signer.counts());
    let keys = counting.enumerate().map(|(at, signer)| match at {
        0..FULL => signer.key.to_string(),
        _ => signer.key.short(),
    });
    let keys: Vec<String> = keys.collect();
    match keys[..] {
        [] => verdict.digest.to_string(),
        _ => format!("{} by {}", verdict.digest, keys.join(" ")),
    }
}

/// Runs `on_load` of a plugin that has its place; where that fails nothing is left of it.
fn settle(inner: &Inner, slot: &Arc<Slot>) -> Result<()> {
    let about = &slot.about;
    let told = || format!("{} exports", about.exports.len());
    let loaded = inner
        .room_for_memory(Stage::Load)
        .and_then(|()| on_load(inner, slot))
        .and_then(|()| inner.open())
        .and_then(|()| inner.audit.must(Event::Loaded, about, Stage::Load, &told()))
        .and_then(|()| arrive(inner, slot));
    if let Err(error) = loaded.map_err(|error| error.of(&about.name)) {
        // A limit in `on_load` has said so already.
        let _ = slot.step(Transition::Fail, error.message(), Some(&error));
        inner.remove(slot);
        return Err(error);
    }
    Ok(())
}

/// It is loaded. A trust store that came since it was vetted could not take it out of service before: so it is judged again.
fn arrive(inner: &Inner, slot: &Slot) -> Result<()> {
    let about = &slot.about;
    // Nothing leads elsewhere from where it stands but what this thread does.
    let _ = slot.step(Transition::Load, &format!("{} {} as {}", about.kind, about.version, about.trust()), None);
    let warnings = about.standing.verdict.warnings.iter();
    warnings.filter(|warning| is_of_revocation(warning)).for_each(|warning| inner.warn_of(slot, warning));
    if inner.gate.epoch() == about.standing.epoch {
        return Ok(());
    }
    let found = inner.deserves(slot)?;
    inner.approve_again(slot, &found)?;
    found.warnings.iter().for_each(|warning| inner.warn_of(slot, warning));
    Ok(())
}

fn on_load(inner: &Inner, slot: &Slot) -> Result<()> {
    let about = &slot.about;
    if !about.exports("on_load") {
        return Ok(());
    }
    let info = Map::from_iter([
        ("id", Value::from(about.name.as_str())),
        ("version", Value::from(about.version.to_string())),
        ("trust", Value::from(about.trust().to_string())),
    ]);
    let call = |instance: &mut dyn modhost_backend::Instance| hook::call(instance, "on_load", &[Value::Map(info)]);
    scope::without(|| slot.run(&inner.watchdog, &inner.audit, Stage::Load, call)).map(|_| ())
}

/// The files that the backend gets: a text artefact is replaced by its binary form.
fn files<'a>(contents: Matched<'a>, admission: &Admission) -> Result<Cow<'a, FileSet>> {
    let files = contents.into_files();
    #[cfg(feature = "wasm")]
    if admission.artefact().text {
        let entry = &admission.artefact().entry;
        let text = files.get(entry).map(|bytes| &bytes[..]).unwrap_or_default();
        let binary = super::text::assemble(entry, text, admission.limits().memory)?;
        let mut files = files.into_owned();
        files.insert(entry.clone(), binary);
        return Ok(Cow::Owned(files));
    }
    let _ = admission;
    Ok(files)
}

/// Where the plugin's printed text goes: it is logged as information.
fn print(origin: &Arc<Origin>) -> Arc<Print> {
    let origin = origin.clone();
    Arc::new(move |text: &str| origin.write(LogLevel::Info, text))
}

/// Says what to write where a plugin links a host function that it does not get.
fn advise(inner: &Inner, package: &Outline, table: &HostTable, error: Error) -> Error {
    let Some(FaultKind::MissingImport { name }) = error.fault().map(Fault::kind) else { return error };
    let offered = |contract: &str| inner.registry.offers(contract);
    let contract = name.split('.').next().unwrap_or_default();
    let required = |contract: &str| {
        package.manifest().is_none_or(|manifest| manifest.requires.iter().any(|require| require.name == contract))
    };
    let help = if let Some(near) = nearest(name, table.entries().iter().map(|entry| entry.name.as_str())) {
        format!("Did you mean `{near}`?")
    } else if let Some(version) = offered(contract).filter(|_| !required(contract)) {
        format!("Add to plugin.toml under [requires]: {contract} = \"^{}.{}\"", version.major, version.minor)
    } else if let Some(version) = offered(contract) {
        format!(
            "The contract {contract} {version} of this game has no such function; see what it offers, or update the game."
        )
    } else {
        format!("This game offers no contract `{}`.", contract.escape_debug())
    };
    error.with_help(help)
}
