//! The engine behind a verb: the policy that the options describe, the battlefield's functions, the grants. Runs no plugin by itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use modhost::{
    Builder, Code, Engine, Error, LoadProgress, Loading, Mods, Policy, Result, Stage, TrustLevel,
    package::MANIFEST,
    resolve::{Choice, Lockfile},
    verify::{SeenFile, SignedLock, TrustStore},
};
use modhost_testkit::world::World;

use crate::{
    args::{ChosenPolicy, Host, usage},
    bar::Bar,
    kept, trust,
};

/// The longest policy file, in bytes.
const LONGEST: u64 = 256 << 10;

/// The engine that `options` describe.
pub(crate) fn engine(options: &Host) -> Result<Engine> {
    engine_from(options, Engine::builder())
}

/// [`engine`], begun with a builder of the verb's own.
pub(crate) fn engine_from(options: &Host, builder: Builder) -> Result<Engine> {
    // What cannot be read is refused before a lock lies beside it.
    options.policy.seen.as_ref().map(|file| SeenFile::new(file).load()).transpose()?;
    let store = trust::store(&options.policy)?;
    let policy = policy(options, &store)?;
    let mut builder = World::offer(judging(builder, &options.policy, policy, store)?);
    for capability in &options.grant {
        builder = builder.grant(capability.as_str());
    }
    let engine = builder.build()?;
    warn_of_idle_grants(options, &engine);
    Ok(engine)
}

/// The engine of a verb that is told only by what to judge.
pub(crate) fn engine_under(chosen: &ChosenPolicy) -> Result<Engine> {
    engine_with(chosen, None, None)
}

/// [`engine_under`], with a signed set, and with a choice in the place of the policy's.
pub(crate) fn engine_with(chosen: &ChosenPolicy, set: Option<SignedLock>, choice: Option<Choice>) -> Result<Engine> {
    let store = trust::store(chosen)?;
    let builder = set.into_iter().fold(Engine::builder(), Builder::signed_lock);
    let mut policy = named(chosen.name.as_deref())?;
    choice.into_iter().for_each(|choice| policy.resolve.choice = choice);
    World::offer(judging(builder, chosen, policy, store)?).build()
}

fn judging(builder: Builder, chosen: &ChosenPolicy, policy: Policy, store: TrustStore) -> Result<Builder> {
    let builder = builder.policy(policy).trust_store(store);
    let Some(file) = &chosen.seen else { return Ok(builder) };
    // A file that is not there yet has seen nothing; where it could never be written somebody mistyped it.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::metadata(folder).map_err(|error| Error::io(Stage::Engine, folder, &error))?;
    Ok(builder.versions_seen(SeenFile::new(file)))
}

/// Loads what is at `paths`, together: of the same version of a plugin that of the path which was named first. Whoever waits is shown how
/// far it is, unless the answer is `json`. What a lockfile does not hold is not loaded, where there is one.
pub(crate) fn load(engine: &Engine, paths: &[PathBuf], lock: Option<Lockfile>, json: bool) -> Result<Mods> {
    let mut bar = if json { None } else { Bar::new() };
    let loading = paths.iter().fold(engine.loading(), |loading, path| loading.dir(path));
    let loading = lock.into_iter().fold(loading, Loading::hold_to);
    let show = |progress: &LoadProgress<'_>| bar.iter_mut().for_each(|bar| bar.show(progress));
    loading.progress(show).load()
}

/// Whether `paths` may be several plugins.
pub(crate) fn several(paths: &[PathBuf]) -> bool {
    paths.len() > 1 || paths.iter().any(|path| holds_plugins(path))
}

/// Whether `path` is a folder of plugins rather than a plugin.
pub(crate) fn holds_plugins(path: &Path) -> bool {
    path.is_dir() && fs::symlink_metadata(path.join(MANIFEST)).is_err()
}

/// The folder beside whose other plugins the plugin at `path` lies, where it misses one of them perhaps.
pub(crate) fn around(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent()? {
        folder if folder == Path::new("") => PathBuf::from("."),
        folder => folder.to_owned(),
    };
    (!holds_plugins(path) && holds_plugins(&folder)).then_some(folder)
}

/// The policy that the options describe.
fn policy(options: &Host, store: &TrustStore) -> Result<Policy> {
    let mut policy = named(options.policy.name.as_deref())?;
    // Where nobody can vouch for a plugin, more than untrusted is a promise that nobody keeps.
    let idle = !policy.development && store.all_keys().next().is_none() && store.allowed().next().is_none();
    if let Some(trust) = options.trust.filter(|trust| *trust > TrustLevel::Untrusted && idle) {
        let message = format!(
            "--trust {trust}: the policy `{}` takes unsigned plugins as untrusted, the trust store is empty, and --trust can only lower what vetting found",
            policy.name
        );
        let help = "Leave --trust out, or add --policy development on your own machine.";
        return Err(Error::new(Code::DeniedTrust, Stage::Vet, message).with_help(help));
    }
    policy.assume = options.trust.or(policy.assume);
    policy.overrides.fuel = options.fuel.or(policy.overrides.fuel);
    policy.overrides.memory = options.memory.or(policy.overrides.memory);
    policy.overrides.deadline = options.deadline.or(policy.overrides.deadline);
    Ok(policy)
}

/// A preset, or a file. A preset wins over what happens to lie here under its name: a folder `mods` is no policy.
fn named(name: Option<&str>) -> Result<Policy> {
    let Some(name) = name else { return Ok(Policy::mods()) };
    let path = Path::new(name);
    let file = !Policy::PRESETS.contains(&name) && (path.exists() || name.ends_with(".toml"));
    if file { from_file(path, name) } else { Policy::preset(name) }
}

fn from_file(path: &Path, name: &str) -> Result<Policy> {
    if path.is_dir() {
        return Err(usage(format!("--policy {name}: this is a folder, not a TOML file")));
    }
    let text = String::from_utf8(kept::bounded(path, LONGEST + 1)?)
        .map_err(|_| usage(format!("--policy {name}: this is not UTF-8 text")))?;
    if text.len() as u64 > LONGEST {
        return Err(usage(format!("--policy {name}: a policy file has at most {LONGEST} bytes")));
    }
    Policy::from_toml(&text, name)
}

/// A grant that no function asks for is a slip of the pen, and silence about it a riddle.
fn warn_of_idle_grants(options: &Host, engine: &Engine) {
    let contracts = engine.contracts();
    let needed: Vec<_> = contracts
        .iter()
        .flat_map(|contract| &contract.functions)
        .filter_map(|function| function.capability.as_ref())
        .collect();
    for grant in options.grant.iter().filter(|grant| !needed.contains(grant)) {
        let there: Vec<_> = needed.iter().map(|capability| capability.as_str()).collect();
        tracing::warn!("--grant {grant}: no function of this host needs it; there are {}", there.join(", "));
    }
}
