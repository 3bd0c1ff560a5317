//! `modhost run`: loads what is named, enables it, calls one export, says what came of it.

mod report;
mod target;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use modhost::{Builder, Engine, Error, Measured, Mods, Result, Value, package::Caps, resolve::Lockfile};
use modhost_testkit::world::World;

use crate::{answer::Answer, args, audit, host, json::read, lock, logs, source::Sources};
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
    run_all(args, json).unwrap_or_else(|(error, caps)| {
        let sources = Sources::new(&args.paths, &caps).with_policy(args.host.policy.name.as_deref());
        let sources = args.lock.iter().fold(sources, |sources, path| lock::sources(sources, path));
        Answer::error_in(&error, json, &sources)
    })
}

/// An error here is one before any plugin was loaded.
fn run_all(args: &args::Run, json: bool) -> std::result::Result<Answer, (Error, Caps)> {
    let none = |error| (error, Caps::default());
    let call_args = args.args.as_deref().map(read::arguments).transpose().map_err(none)?;
    // A set whose signatures do not hold is refused before anything is read.
    let (lockfile, set) = lock::named(args.lock.as_deref()).map_err(none)?;
    let builder = set.into_iter().fold(audit::recording(&args.log).map_err(none)?, Builder::signed_lock);
    let engine = host::engine_from(&args.host, builder).map_err(none)?;
    let caps = engine.policy().caps.clone();
    let several = host::several(&args.paths);
    if several {
        logs::name_plugins();
    }
    let mut world = World::new(0);
    let (mods, loading) = load(&engine, &args.paths, lockfile, json).map_err(|error| (error, caps.clone()))?;
    let (not_enabled, outcome) = act(&engine, &mods, &mut world, args.call.as_deref(), call_args, several);
    let sources = Sources::new(&args.paths, &caps);
    let report =
        Report { engine: &engine, mods: &mods, not_enabled: &not_enabled, loading, several, sources: &sources };
    Ok(report.answer(outcome, json))
}

/// What was loaded into `engine`, and how long that took.
fn load(engine: &Engine, paths: &[PathBuf], lock: Option<Lockfile>, json: bool) -> Result<(Mods, Duration)> {
    let start = Instant::now();
    let mods = host::load(engine, paths, lock, json)?;
    Ok((mods, start.elapsed()))
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
