//! [`run`]: holds one backend against the cases.

use std::sync::Arc;

use modhost::{Engine, Value, backend::Backend};

use super::{Case, Expected, Outcome, Report, case::Demand, play, value};

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
    let engine = case
        .offer(Engine::builder())
        .backend(backend.clone())
        .policy(case.policy())
        .build()
        .map_err(|error| error.to_string())?;
    let mut played = play(&engine, plugins, case)?.into_iter();
    for part in played.by_ref().take(case.plugins.len()) {
        part.result.map_err(|error| format!("{}: {error}", part.what))?;
    }
    let mut diverged = 0;
    let main = played.next().ok_or("the case was not played to its end")?;
    match (main.result, &case.load) {
        (result, Some(demand)) => diverged += held(&result, demand, kind, "load")?,
        (Err(error), None) => return Err(format!("load: {error}")),
        (Ok(_), None) => {}
    }
    for step in &case.steps {
        let part = played.next().ok_or("the plugin has asked for no call back")?;
        diverged += held(&part.result, &step.demand, kind, &part.what)?;
        match &step.prints {
            Some(wanted) if *wanted != part.prints => {
                return Err(format!("{} prints {:?}, wanted {wanted:?}", part.what, part.prints));
            }
            _ => {}
        }
    }
    Ok(diverged)
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

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
