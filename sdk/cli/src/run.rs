//! `modhost run`: loads what is named, enables it, calls one export, says what came of it.

mod report;
mod target;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use modhost::{
    Code, Engine, Error, Measured, Mods, Policy, Result, Stage, TrustLevel, Value,
    package::{Caps, MANIFEST},
};
use modhost_testkit::world::World;

use crate::{
    answer::Answer,
    args::{self, usage},
    json::read,
    logs,
    source::Sources,
};
use report::Report;
use target::Target;

/// What came of a run that loaded something.
enum Outcome {
    /// This export of this loaded plugin was called.
    Called(usize, Measured<Value>),
    /// There was nothing to call.
    Idle,
    /// The call failed, or could not be made.
    Failed(Error),
    /// The plugin to call, or all of them, was refused: the place in [`Mods::refused`].
    Refused(usize),
    /// The plugin to call, or all of them, failed in `on_enable`: the place in the list of failures.
    NotEnabled(usize),
}

/// Runs.
pub(crate) fn run(args: &args::Run, json: bool) -> Answer {
    run_all(args, json)
        .unwrap_or_else(|(error, caps)| Answer::error_in(&error, json, &Sources::new(&args.paths, &caps)))
}

/// An error here is one before any plugin was loaded.
fn run_all(args: &args::Run, json: bool) -> std::result::Result<Answer, (Error, Caps)> {
    let none = |error| (error, Caps::default());
    let call_args = args.args.as_deref().map(read::arguments).transpose().map_err(none)?;
    let policy = policy(args).map_err(none)?;
    let caps = policy.caps.clone();
    let several = args.paths.len() > 1 || args.paths.iter().any(|path| holds_plugins(path));
    if several {
        logs::name_plugins();
    }
    let mut world = World::new(0);
    let (engine, mods, loading) = load(args, policy).map_err(|error| (error, caps.clone()))?;
    let (not_enabled, outcome) = act(&engine, &mods, &mut world, args.call.as_deref(), call_args, several);
    let sources = Sources::new(&args.paths, &caps);
    let report =
        Report { engine: &engine, mods: &mods, not_enabled: &not_enabled, loading, several, sources: &sources };
    Ok(report.answer(outcome, json))
}

/// Whether `path` is a folder of plugins rather than a plugin.
fn holds_plugins(path: &Path) -> bool {
    path.is_dir() && fs::symlink_metadata(path.join(MANIFEST)).is_err()
}

/// The policy that the options describe.
fn policy(args: &args::Run) -> Result<Policy> {
    if let Some(store) = &args.store {
        let message = format!(
            "--store {}: trust stores come with signed packages, which this release does not read",
            store.display()
        );
        return Err(usage(message).with_help("Leave --store out; every plugin is unsigned here."));
    }
    let mut policy = args.policy.as_deref().map_or_else(|| Ok(Policy::mods()), preset)?;
    if let Some(trust) = args.trust.filter(|trust| *trust > TrustLevel::Untrusted && !policy.development) {
        let message = format!(
            "--trust {trust}: the policy `{}` takes unsigned plugins as untrusted, and --trust can only lower what vetting found",
            policy.name
        );
        let help = "Leave --trust out, or add --policy development on your own machine.";
        return Err(Error::new(Code::DeniedTrust, Stage::Vet, message).with_help(help));
    }
    policy.assume = args.trust;
    policy.overrides.fuel = args.fuel;
    policy.overrides.memory = args.memory;
    policy.overrides.deadline = args.deadline;
    Ok(policy)
}

/// The preset called `name`, or that files are no policies yet.
fn preset(name: &str) -> Result<Policy> {
    Policy::preset(name).map_err(|error| {
        if !name.contains(['/', '\\', '.']) && !Path::new(name).is_file() {
            return error;
        }
        let message = format!("--policy {name}: policy files come with a later release");
        Error::new(error.code(), error.stage(), message).with_help(error.help())
    })
}

/// The engine, what was loaded into it, and how long that took.
fn load(args: &args::Run, policy: Policy) -> Result<(Engine, Mods, Duration)> {
    let mut builder = World::offer(Engine::builder().policy(policy));
    for capability in &args.grant {
        builder = builder.grant(capability.as_str());
    }
    let engine = builder.build()?;
    warn_of_idle_grants(args, &engine);
    let start = Instant::now();
    let mut mods = Mods::default();
    for path in &args.paths {
        let more = engine.load_dir(path)?;
        mods.loaded.extend(more.loaded);
        mods.refused.extend(more.refused);
    }
    Ok((engine, mods, start.elapsed()))
}

/// A grant that no function asks for is a slip of the pen, and silence about it a riddle.
fn warn_of_idle_grants(args: &args::Run, engine: &Engine) {
    let contracts = engine.contracts();
    let needed: Vec<_> = contracts
        .iter()
        .flat_map(|contract| &contract.functions)
        .filter_map(|function| function.capability.as_ref())
        .collect();
    for grant in args.grant.iter().filter(|grant| !needed.contains(grant)) {
        let there: Vec<_> = needed.iter().map(|capability| capability.as_str()).collect();
        tracing::warn!("--grant {grant}: no function of this host needs it; there are {}", there.join(", "));
    }
}

/// Enables what was loaded and makes the call.
fn act(
    engine: &Engine,
    mods: &Mods,
    world: &mut World,
    call: Option<&str>,
    args: Option<Vec<Value>>,
    several: bool,
) -> (Vec<Error>, Outcome) {
    // First, so that nothing runs where the words are wrong.
    let target = target::choose(engine, mods, call, args.is_some(), several);
    let target = match target {
        Ok(Target::Refused(at)) => return (Vec::new(), Outcome::Refused(at)),
        _ if mods.loaded.is_empty() => return (Vec::new(), Outcome::Refused(0)),
        Err(error) => return (Vec::new(), Outcome::Failed(error)),
        Ok(target) => target,
    };
    let not_enabled = match engine.enable(world, mods) {
        Ok(answers) => answers.failed,
        Err(error) => return (Vec::new(), Outcome::Failed(error)),
    };
    let outcome = match target {
        Target::Refused(at) => Outcome::Refused(at),
        // A run of several is done if one of them came through.
        Target::None if not_enabled.len() == mods.loaded.len() => Outcome::NotEnabled(0),
        Target::None => Outcome::Idle,
        Target::Export(at, export) => {
            let name = mods.loaded[at].name.as_str();
            match not_enabled.iter().position(|error| error.plugin() == Some(name)) {
                Some(failure) => Outcome::NotEnabled(failure),
                None => call_export(engine, mods, world, at, &export, args.unwrap_or_default()),
            }
        }
    };
    (not_enabled, outcome)
}

/// Makes the call.
fn call_export(engine: &Engine, mods: &Mods, world: &mut World, at: usize, export: &str, args: Vec<Value>) -> Outcome {
    let loaded = &mods.loaded[at];
    tracing::debug!("calling {}:{export}", loaded.name);
    match engine.call_measured(world, loaded.plugin, export, args) {
        Ok(measured) => Outcome::Called(at, measured),
        Err(error) => Outcome::Failed(error),
    }
}
