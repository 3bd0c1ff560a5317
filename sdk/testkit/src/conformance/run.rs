//! [`run`]: holds one backend against one case.

use std::{fmt, fs, sync::Arc};

use modhost::{Code, Engine, Kind, Policy, Value, backend::Backend};

use super::{Case, Expected, host, value};

/// How a case went.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// As its declared divergence says.
    Diverged,
    /// The language cannot say it, for a declared reason.
    Missing,
    /// Neither.
    Failed(String),
}

/// One backend's outcomes over a suite.
#[derive(Clone, Debug)]
pub struct Report {
    /// The backend.
    pub kind: Kind,
    /// Case and outcome, in the order of the cases.
    pub outcomes: Vec<(String, Outcome)>,
}

impl Report {
    /// What failed, a line each.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failed = |(case, outcome): &(String, Outcome)| match outcome {
            Outcome::Failed(why) => Some(format!("{} / {case}: {why}", self.kind)),
            _ => None,
        };
        self.outcomes.iter().filter_map(failed).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted: fn(&Outcome) -> bool| self.outcomes.iter().filter(|(_, outcome)| wanted(outcome)).count();
        write!(
            f,
            "{:8} {:3} cases: {:3} passed, {:2} diverged, {:2} missing, {:2} failed",
            self.kind,
            self.outcomes.len(),
            count(|outcome| *outcome == Outcome::Passed),
            count(|outcome| *outcome == Outcome::Diverged),
            count(|outcome| *outcome == Outcome::Missing),
            count(|outcome| matches!(outcome, Outcome::Failed(_))),
        )
    }
}

/// Holds `backend` against `cases`. `extension` is the ending of its plugin files (`lua`): a case's plugin is `main.<extension>`.
#[must_use]
pub fn run(backend: &Arc<dyn Backend>, extension: &str, cases: &[Case]) -> Report {
    let kind = backend.kind();
    let outcomes = cases.iter().map(|case| (case.name.clone(), check(backend, extension, case))).collect();
    Report { kind, outcomes }
}

fn check(backend: &Arc<dyn Backend>, extension: &str, case: &Case) -> Outcome {
    let kind = backend.kind().to_string();
    let file = format!("main.{extension}");
    let source = match (fs::read(case.folder.join(&file)), case.missing.get(&kind)) {
        (Ok(_), Some(_)) => return Outcome::Failed(format!("{file} is there, and the case says it is missing")),
        (Ok(source), None) => source,
        (Err(_), Some(_)) => return Outcome::Missing,
        (Err(error), None) => return Outcome::Failed(format!("{file}: {error}; write it, or say why under [missing]")),
    };
    let healed = |outcome: Result<(), String>| match (outcome, case.diverges.contains_key(&kind)) {
        (Ok(()), false) => Outcome::Passed,
        (Ok(()), true) => Outcome::Failed("a declared divergence has healed: take it out".into()),
        (Err(why), _) => Outcome::Failed(why),
    };
    match played(backend, case, &file, &source, None) {
        Err(_) if case.diverges.contains_key(&kind) => {
            match played(backend, case, &file, &source, case.diverges.get(&kind)) {
                Ok(()) => Outcome::Diverged,
                Err(why) => Outcome::Failed(format!("not even as its divergence says: {why}")),
            }
        }
        outcome => healed(outcome),
    }
}

/// Plays the calls. `instead` is what the first call that differs must do.
fn played(
    backend: &Arc<dyn Backend>,
    case: &Case,
    file: &str,
    source: &[u8],
    instead: Option<&Expected>,
) -> Result<(), String> {
    let mut policy = Policy::development();
    policy.untrusted.limits = case.limits.clone();
    policy.untrusted.capabilities = modhost::Capabilities::none();
    let engine = host::offer(Engine::builder())
        .backend(backend.clone())
        .policy(policy)
        .build()
        .map_err(|error| error.to_string())?;
    let plugin = match (engine.load_source(file, source), &case.load) {
        (Err(error), Some(code)) => return is(&error, code, "load"),
        (Ok(_), Some(code)) => return Err(format!("it loads, but should give {code}")),
        (Err(error), None) => return Err(format!("load: {error}")),
        (Ok(plugin), None) => plugin,
    };
    let mut state = host::Counter::default();
    let mut instead = instead;
    for (number, step) in case.steps.iter().enumerate() {
        let result: modhost::Result<Value> = engine.call(&mut state, plugin, &step.export, step.args.clone());
        let what = format!("call {} of {}", number + 1, step.export);
        let held = holds(&result, &step.expected, &what);
        match (held, instead) {
            (Err(_), Some(other)) => {
                holds(&result, other, &what)?;
                instead = None;
            }
            (held, _) => held?,
        }
    }
    Ok(())
}

fn holds(result: &modhost::Result<Value>, expected: &Expected, what: &str) -> Result<(), String> {
    match (result, expected) {
        (Ok(value), Expected::Gives(wanted)) if value::same(value, wanted) => Ok(()),
        (Ok(value), wanted) => Err(format!("{what} gives {}, wanted {}", short(value), short(wanted))),
        (Err(error), Expected::Fails(code)) => is(error, code, what),
        (Err(error), wanted) => Err(format!("{what} fails: {error}, wanted {}", short(wanted))),
    }
}

fn short(thing: &impl fmt::Debug) -> String {
    format!("{thing:?}").chars().take(200).collect()
}

fn is(error: &modhost::Error, code: &str, what: &str) -> Result<(), String> {
    let known: Code = code.parse().map_err(|_| format!("{what}: the case wants `{code}`, which is no code"))?;
    if error.code() == known { Ok(()) } else { Err(format!("{what} fails with {error}, wanted {code}")) }
}
