//! [`play`]: plays a case in an engine of the caller's making and tells what came of each part; it judges nothing. The suite's own
//! verdict, sweeps over limits and tables of fuel stand on it.

use std::fs;

use modhost::{Builder, Capabilities, Engine, HostError, LogLine, PluginId, Policy, Progress, Value};

use super::{
    Case, Plugins,
    case::{Answer, Step, Target},
    host::{self, Desk},
};

/// What one part of a case, a load or a call, came to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Played {
    /// Which part, in words: `load of main`, `call 2 of run`.
    pub what: String,
    /// What it gave; nil for a load.
    pub result: modhost::Result<Value>,
    /// Fuel that the plugin used in it, in its backend's unit. What other plugins used is not in it, and of a load that failed only
    /// what its error knows: that of a limit.
    pub fuel: u64,
    /// What the plugin has printed since its last call; lines of a load come with the first call.
    pub prints: Vec<LogLine>,
}

impl Case {
    /// The policy that the case is played under: its own limits, and no capabilities.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let mut policy = Policy::development();
        policy.untrusted.limits = self.limits.clone();
        policy.untrusted.capabilities = Capabilities::none();
        policy
    }

    /// Adds the contract `host`, as the case's plugins want it.
    pub fn offer(&self, builder: Builder) -> Builder {
        host::offer(builder, &self.name)
    }

    /// Why `kind` has no plugin for this case, where it says so.
    #[must_use]
    pub fn missing(&self, kind: &str) -> Option<&str> {
        self.missing.get(kind).map(String::as_str)
    }

    /// Whether the case says nothing about a backend that does not promise `promise`: `instructions`, `interrupt` and so on.
    #[must_use]
    pub fn needs(&self, promise: &str) -> bool {
        self.needs.iter().any(|needed| needed.name() == promise)
    }

    /// Whether the case is about a plugin that does not load.
    #[must_use]
    pub fn is_about_loading(&self) -> bool {
        self.load.is_some()
    }
}

/// Plays `case` in `engine`, which offers what [`Case::offer`] adds, and unloads its plugins again. The list ends early behind a
/// plugin that does not load, and where a plugin that should be called back has not asked for it.
///
/// ```
/// use std::path::Path;
///
/// use modhost::Engine;
/// use modhost_testkit::conformance::{self, Plugins};
///
/// # let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/conformance");
/// let cases = conformance::cases(&folder)?;
/// let case = cases.iter().find(|case| case.name == "add-integers").ok_or("no such case")?;
/// let engine = case.offer(Engine::builder()).policy(case.policy()).build().map_err(|error| error.to_string())?;
/// let played = conformance::play(&engine, "lua", case)?;
/// assert_eq!(played[0].what, "load of main");
/// assert!(played.iter().all(|part| part.result.is_ok()));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// What is wrong with the case's files, or with the engine.
pub fn play<'a>(engine: &Engine, plugins: impl Into<Plugins<'a>>, case: &Case) -> Result<Vec<Played>, String> {
    let mut loaded = Vec::new();
    let played = parts(engine, plugins.into(), case, &mut loaded);
    for plugin in loaded {
        engine.unload(plugin).map_err(|error| error.to_string())?;
    }
    played
}

fn parts(
    engine: &Engine,
    plugins: Plugins<'_>,
    case: &Case,
    loaded: &mut Vec<PluginId>,
) -> Result<Vec<Played>, String> {
    let mut played = Vec::new();
    for stem in case.plugins.iter().map(String::as_str).chain(["main"]) {
        let result = load(engine, plugins, case, stem)?;
        let fuel = match &result {
            Ok(plugin) => {
                loaded.push(*plugin);
                used(engine, stem)
            }
            Err(error) => error.limit().map_or(0, |hit| hit.fuel),
        };
        let failed = result.is_err();
        played.push(Played {
            what: format!("load of {stem}"),
            result: result.map(|_| Value::Nil),
            fuel,
            prints: Vec::new(),
        });
        if failed {
            return Ok(played);
        }
    }
    let mut desk = Desk::default();
    for (number, step) in case.steps.iter().enumerate() {
        let export = match &step.target {
            Target::Export(name) => name.clone(),
            Target::Callback => match desk.later.take() {
                Some(name) => name,
                None => return Ok(played),
            },
        };
        let stem = step.plugin.as_str();
        let before = used(engine, stem);
        let what = format!("call {} of {export}", number + 1);
        let result = match &step.answers {
            None => engine.call(&mut desk, stem, &export, step.args.clone()),
            Some(answers) => {
                answered(engine, &mut desk, step, &export, answers).map_err(|why| format!("{what}: {why}"))?
            }
        };
        let fuel = used(engine, stem) - before;
        let prints = engine.take_output(stem).map_err(|error| error.to_string())?;
        played.push(Played { what, result, fuel, prints });
    }
    Ok(played)
}

/// Starts a call and answers each time that it is suspended. The outer error says that it is so more or less often than there are answers.
fn answered(
    engine: &Engine,
    desk: &mut Desk,
    step: &Step,
    export: &str,
    answers: &[Answer],
) -> Result<modhost::Result<Value>, String> {
    let mut progress = engine.start(desk, step.plugin.as_str(), export, step.args.clone());
    for (number, answer) in answers.iter().enumerate() {
        progress = match progress {
            Ok(Progress::Pending(ticket)) => engine.resume(desk, ticket, answer.clone().map_err(HostError::new)),
            Ok(Progress::Done(value)) => {
                return Err(format!("it is not suspended before answer {}, it gives {value:?}", number + 1));
            }
            Err(error) => return Ok(Err(error)),
        };
    }
    match progress {
        Ok(Progress::Done(value)) => Ok(Ok(value)),
        Ok(Progress::Pending(_)) => Err("it is suspended once more".into()),
        Err(error) => Ok(Err(error)),
    }
}

/// What the plugin has used so far.
fn used(engine: &Engine, name: &str) -> u64 {
    engine.plugins().iter().find(|info| info.name == name).map_or(0, |info| info.fuel)
}

/// Loads the plugin `stem` of a case. The outer error is the suite's own.
fn load(engine: &Engine, plugins: Plugins<'_>, case: &Case, stem: &str) -> Result<modhost::Result<PluginId>, String> {
    match plugins {
        Plugins::One { ending, bytes } => Ok(engine.load_source(&format!("{stem}.{ending}"), bytes)),
        Plugins::Beside(ending) => {
            let folder = case.folder.join(ending);
            if stem == "main" && folder.join("plugin.toml").is_file() {
                return Ok(engine.load_path(folder));
            }
            let file = format!("{stem}.{ending}");
            let source = fs::read(case.folder.join(&file))
                .map_err(|error| format!("{file}: {error}; write it, or say why under [missing]"))?;
            Ok(engine.load_source(&file, source))
        }
    }
}
