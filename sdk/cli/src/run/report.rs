//! [`Report`]: says what came of a run, for people or as JSON, and with which status.

use std::time::Duration;

use modhost::{Engine, Error, Loaded, Measured, Mods, TrustLevel, Value};

use super::Outcome;
use crate::{
    answer::Answer,
    diagnose,
    json::{
        body::{Failure, Several, Single, Usage},
        write::to_json,
    },
    layout::Text,
    source::Sources,
};

/// What there is to say about a run.
pub(super) struct Report<'a> {
    pub(super) engine: &'a Engine,
    pub(super) mods: &'a Mods,
    /// Failures of `on_enable`.
    pub(super) not_enabled: &'a [Error],
    /// How long loading took.
    pub(super) loading: Duration,
    /// Whether the answer has the form for several plugins.
    pub(super) several: bool,
    pub(super) sources: &'a Sources,
}

impl Report<'_> {
    /// The answer to the whole run.
    pub(super) fn answer(&self, outcome: Outcome, json: bool) -> Answer {
        let error = match &outcome {
            Outcome::Failed(error) => Some(error),
            Outcome::Refused(at) => self.mods.refused.get(*at).map(|refused| &refused.error),
            Outcome::NotEnabled(at) => self.not_enabled.get(*at),
            Outcome::Called(..) | Outcome::Idle => None,
        };
        match (error, json) {
            (Some(error), true) => self.failure(error),
            (None, true) => self.success(outcome),
            (Some(error), false) => {
                self.beside(Some(error), true);
                diagnose::error(error, self.sources);
                Answer::quiet(error.code().exit_status())
            }
            (None, false) => match outcome {
                Outcome::Called(_, measured) => {
                    self.beside(None, true);
                    plain(&measured.value)
                }
                _ => {
                    // The table has the refusals already.
                    self.beside(None, false);
                    Answer::new(0, Text::own(self.mods))
                }
            },
        }
    }

    /// What went wrong beside `told`, and what the authors should know.
    fn beside(&self, told: Option<&Error>, refusals: bool) {
        let other = |error: &Error| !told.is_some_and(|told| std::ptr::eq(told, error));
        for refused in self.mods.refused.iter().filter(|refused| refusals && other(&refused.error)) {
            diagnose::refused(refused, self.sources);
        }
        self.mods.shadowed.iter().filter(|_| refusals).for_each(|other| diagnose::note(&format!("shadowed: {other}")));
        self.mods.plan.warnings.iter().filter(|_| refusals).for_each(|warning| diagnose::note(&warning.to_string()));
        for error in self.not_enabled.iter().filter(|error| other(error)) {
            diagnose::warning(error, self.sources);
        }
        for loaded in self.mods.loaded.iter().filter(|_| refusals) {
            if loaded.verdict.level > TrustLevel::Untrusted {
                diagnose::note(&format!("{}: {}, {}", loaded.name, loaded.trust, loaded.vouched));
            }
            let notes = loaded.notes.iter().chain(&loaded.verdict.warnings);
            notes.for_each(|note| diagnose::note(&format!("{}: {note}", loaded.name)));
        }
    }

    fn failure(&self, error: &Error) -> Answer {
        let failure = Failure {
            ok: false,
            error: error.into(),
            plugins: self.several.then(|| self.mods.loaded.iter().map(Into::into).collect()),
            refused: self.several.then(|| self.mods.refused.iter().map(Into::into).collect()),
        };
        Answer::object(error.code().exit_status(), &failure)
    }

    fn success(&self, outcome: Outcome) -> Answer {
        let (at, value, usage) = match outcome {
            Outcome::Called(at, Measured { value, fuel, memory, wall, .. }) => {
                (at, to_json(&value), Some(Usage::new(fuel, memory, wall)))
            }
            _ => (0, serde_json::Value::Null, None),
        };
        match self.mods.loaded.get(at) {
            Some(loaded) if !self.several => Answer::object(
                0,
                &Single {
                    ok: true,
                    plugin: &loaded.name,
                    version: loaded.version.to_string(),
                    backend: loaded.backend.as_str(),
                    trust: loaded.trust.to_string(),
                    vouched: &loaded.vouched,
                    value,
                    usage: usage.unwrap_or_else(|| self.loading(loaded)),
                },
            ),
            _ => Answer::object(
                0,
                &Several {
                    ok: true,
                    plugins: self.mods.loaded.iter().map(Into::into).collect(),
                    refused: self.mods.refused.iter().map(Into::into).collect(),
                    shadowed: self.mods.shadowed.iter().map(Into::into).collect(),
                    failed: self.not_enabled.iter().map(Into::into).collect(),
                    value,
                    usage,
                },
            ),
        }
    }

    /// What loading a plugin used.
    fn loading(&self, loaded: &Loaded) -> Usage {
        let plugins = self.engine.plugins();
        let info = plugins.iter().find(|info| info.plugin == loaded.plugin);
        Usage::new(info.map_or(0, |info| info.fuel), info.and_then(|info| info.memory), self.loading)
    }
}

/// A value for people: a text as it is, another value as JSON, nothing for nil.
fn plain(value: &Value) -> Answer {
    match value {
        Value::Nil => Answer::quiet(0),
        Value::Str(text) => Answer::data(0, text),
        other => Answer::object(0, &to_json(other)),
    }
}
