//! [`run`]: holds one backend against the cases.

use std::{fs, sync::Arc};

use modhost::{Capabilities, Engine, HostError, PluginId, Policy, Progress, Value, backend::Backend};

use super::{
    Case, Expected, Outcome, Report,
    case::{Answer, Demand, Step, Target},
    host::{self, Desk},
    value,
};

/// Where a backend's plugins are.
#[derive(Clone, Copy, Debug)]
pub enum Plugins<'a> {
    /// In each case's folder: `main.lua` for the ending `lua`, or a folder `lua/` with `plugin.toml` for a plugin of several files.
    Beside(&'a str),
    /// One compiled plugin for all cases: it asks `host.case` which one it plays.
    One {
        /// The ending by which the engine knows the backend, `so`.
        ending: &'a str,
        /// The plugin.
        bytes: &'a [u8],
    },
}

impl<'a> From<&'a str> for Plugins<'a> {
    fn from(ending: &'a str) -> Self {
        Plugins::Beside(ending)
    }
}

/// Holds `backend` against `cases`. A case for which `plugins` has nothing fails, unless it says why under `[missing]`.
#[must_use]
pub fn run<'a>(backend: &Arc<dyn Backend>, plugins: impl Into<Plugins<'a>>, cases: &[Case]) -> Report {
    let plugins = plugins.into();
    let outcomes = cases.iter().map(|case| (case.name.clone(), check(backend, plugins, case))).collect();
    Report { kind: backend.kind(), outcomes }
}

fn check(backend: &Arc<dyn Backend>, plugins: Plugins<'_>, case: &Case) -> Outcome {
    let kind = backend.kind().to_string();
    if let (Plugins::Beside(ending), Some(_)) = (plugins, case.missing.get(&kind)) {
        let file = format!("main.{ending}");
        if case.folder.join(&file).exists() || case.folder.join(ending).exists() {
            return Outcome::Failed(format!("{file} is there, and the case says it is missing"));
        }
    }
    if case.missing.contains_key(&kind) {
        return Outcome::Missing;
    }
    if !case.needs.iter().all(|promise| promise.is_made(&backend.enforcement())) {
        return Outcome::NotPromised;
    }
    match played(backend, plugins, case, &kind) {
        Ok(0) => Outcome::Passed,
        Ok(diverged) => Outcome::Diverged(diverged),
        Err(why) => Outcome::Failed(why),
    }
}

/// Plays a case and tells how many of its calls diverged as declared.
fn played(backend: &Arc<dyn Backend>, plugins: Plugins<'_>, case: &Case, kind: &str) -> Result<usize, String> {
    let mut policy = Policy::development();
    policy.untrusted.limits = case.limits.clone();
    policy.untrusted.capabilities = Capabilities::none();
    let engine = host::offer(Engine::builder(), &case.name)
        .backend(backend.clone())
        .policy(policy)
        .build()
        .map_err(|error| error.to_string())?;
    for stem in &case.plugins {
        load(&engine, plugins, case, stem)?.map_err(|error| format!("load of {stem}: {error}"))?;
    }
    let mut diverged = 0;
    match (load(&engine, plugins, case, "main")?, &case.load) {
        (result, Some(demand)) => {
            diverged += held(&result.map(|_| Value::Nil), demand, kind, "load")?;
        }
        (Err(error), None) => return Err(format!("load: {error}")),
        (Ok(_), None) => {}
    }
    let mut desk = Desk::default();
    for (number, step) in case.steps.iter().enumerate() {
        let export = match &step.target {
            Target::Export(name) => name.clone(),
            Target::Callback => desk.later.take().ok_or("the plugin has asked for no call back")?,
        };
        let what = format!("call {} of {export}", number + 1);
        let result = match &step.answers {
            None => engine.call(&mut desk, step.plugin.as_str(), &export, step.args.clone()),
            Some(answers) => {
                answered(&engine, &mut desk, step, &export, answers).map_err(|why| format!("{what}: {why}"))?
            }
        };
        diverged += held(&result, &step.demand, kind, &what)?;
        printed(&engine, step, &what)?;
    }
    Ok(diverged)
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
        let Ok(Progress::Pending(ticket)) = progress else {
            return Err(format!("it is not suspended before answer {}: {progress:?}", number + 1));
        };
        progress = engine.resume(desk, ticket, answer.clone().map_err(HostError::new));
    }
    match progress {
        Ok(Progress::Done(value)) => Ok(Ok(value)),
        Ok(Progress::Pending(_)) => Err("it is suspended once more".into()),
        Err(error) => Ok(Err(error)),
    }
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

/// Whether a result is as demanded: 0 where it is, 1 where it diverges as declared.
fn held(result: &modhost::Result<Value>, demand: &Demand, kind: &str, what: &str) -> Result<usize, String> {
    match (matches(result, &demand.expected), demand.diverges.get(kind)) {
        (true, None) => Ok(0),
        (true, Some(_)) => Err(format!("{what}: a declared divergence has healed, take it out")),
        (false, Some(other)) if matches(result, &other.expected) => Ok(1),
        (false, other) => {
            let wanted = other.map_or(&demand.expected, |other| &other.expected);
            let found = match result {
                Ok(value) => format!("gives {}", short(&format!("{value:?}"))),
                Err(error) => format!("fails: {error}"),
            };
            Err(format!("{what} {found}; wanted {}", short(&format!("{wanted:?}"))))
        }
    }
}

fn matches(result: &modhost::Result<Value>, expected: &Expected) -> bool {
    match (result, expected) {
        (Ok(value), Expected::Gives(wanted)) => value::same(value, wanted),
        (Err(error), Expected::Fails(code)) => error.code() == *code,
        _ => false,
    }
}

fn printed(engine: &Engine, step: &Step, what: &str) -> Result<(), String> {
    let lines = engine.take_output(step.plugin.as_str()).map_err(|error| error.to_string())?;
    match &step.prints {
        Some(wanted) if *wanted != lines => Err(format!("{what} prints {lines:?}, wanted {wanted:?}")),
        _ => Ok(()),
    }
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
