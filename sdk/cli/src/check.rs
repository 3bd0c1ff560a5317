//! `modhost check`: loads plugins as a game would, and says what their authors should mend.

mod lints;
mod written;

use std::path::Path;

use modhost::{
    Code, Engine, Error, Loaded, Mods, Refused, Result, ShowPath as _,
    package::{Package, discover},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::Check,
    diagnose::{self, Warning},
    host,
    json::body::{At, ErrorBody, RefusedBody, ShadowedBody},
    layout::{Text, columns, count, paragraph, safe},
    logs,
    source::Sources,
};

/// Checks.
pub(crate) fn check(args: &Check, json: bool) -> Answer {
    let mut sources = Sources::default().with_policy(args.host.policy.name.as_deref());
    let engine = match host::engine(&args.host) {
        Ok(engine) => engine,
        Err(error) => return Answer::error_in(&error, json, &sources),
    };
    sources = Sources::new(&args.paths, &engine.policy().caps);
    if host::several(&args.paths) {
        logs::name_plugins();
    }
    let mods = match host::load(&engine, &args.paths, None, json) {
        Ok(mods) => mods,
        Err(error) => return Answer::error_in(&error, json, &sources),
    };
    let warnings = match warnings(&engine, args, &mods) {
        Ok(warnings) => warnings,
        Err(error) => return Answer::error_in(&error, json, &sources),
    };
    let first = mods.refused.first().map(|refused| &refused.error);
    let status = first.map_or(0, |error| error.code().exit_status());
    if json {
        return Answer::object(status, &Body::of(&mods, &warnings));
    }
    for refused in &mods.refused {
        diagnose::error_of(&refused.name, &refused.error, &sources);
    }
    mods.shadowed.iter().for_each(|other| diagnose::note(&format!("shadowed: {other}")));
    for (plugin, warnings) in &warnings {
        warnings.iter().for_each(|warning| diagnose::lint(plugin, warning, &sources));
    }
    if let ([path], Some(Code::ResolveMissing)) = (&args.paths[..], first.map(Error::code))
        && let Some(folder) = host::around(path)
    {
        let folder = folder.shown();
        diagnose::note(&format!("`modhost check {folder}` looks at it together with the plugins beside it"));
    }
    Answer::new(status, table(&mods, &warnings))
}

/// By plugin, those that could be read.
type Warnings = Vec<(String, Vec<Warning>)>;

/// The warnings of every plugin that can be read, loaded or not, in the order of the paths.
fn warnings(engine: &Engine, args: &Check, mods: &Mods) -> Result<Warnings> {
    let contracts = engine.contracts();
    let mut warnings = Warnings::new();
    for path in &args.paths {
        for package in packages(engine, path)? {
            let id = package.id().as_str();
            if warnings.iter().any(|(other, _)| other == id) {
                continue;
            }
            let loaded = mods.loaded.iter().find(|loaded| loaded.name == id);
            let exports = loaded.map(|loaded| engine.exports(loaded.plugin)).transpose()?;
            let notes = loaded.map(|loaded| &loaded.notes[..]).unwrap_or_default();
            let own = lints::lints(&package, &contracts, exports.as_deref(), notes);
            warnings.push((id.to_owned(), own));
        }
    }
    Ok(warnings)
}

fn packages(engine: &Engine, path: &Path) -> Result<impl Iterator<Item = Package>> {
    Ok(discover(path, &engine.policy().caps)?.into_iter().flatten())
}

fn of<'a>(warnings: &'a Warnings, plugin: &str) -> &'a [Warning] {
    warnings.iter().find(|(other, _)| other == plugin).map_or(&[], |(_, warnings)| warnings)
}

fn total(warnings: &Warnings) -> usize {
    warnings.iter().map(|(_, warnings)| warnings.len()).sum()
}

fn table(mods: &Mods, warnings: &Warnings) -> Text {
    let mut rows: Vec<(String, String)> = Vec::new();
    for Loaded { name, version, backend, .. } in &mods.loaded {
        let told = match of(warnings, name).len() {
            0 => "good".into(),
            some => format!("good, with {}", count(some, "warning")),
        };
        rows.push((format!("{name} {version}"), format!("{backend}: {told}")));
    }
    for Refused { name, version, error, .. } in &mods.refused {
        let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        let place = error.at().map(|place| format!(" at {place}")).unwrap_or_default();
        rows.push((format!("{}{version}", safe(name)), format!("{}{}", error.code(), safe(&place))));
    }
    let width = columns();
    let names = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = Text::default();
    for (name, told) in &rows {
        paragraph(&mut text, &format!("{name:names$}  "), told, width);
    }
    let (good, bad, warned) = (mods.loaded.len(), mods.refused.len(), total(warnings));
    let mut parts = vec![format!("{} checked: {good} good", count(good + bad, "plugin"))];
    if bad > 0 {
        parts.push(format!("{bad} bad"));
    }
    if warned > 0 {
        parts.push(count(warned, "warning"));
    }
    text.blank();
    text.line(parts.join(", "));
    text
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    plugins: Vec<Checked<'a>>,
    refused: Vec<RefusedBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadowed: Vec<ShadowedBody<'a>>,
    warnings: Vec<WarningBody<'a>>,
}

/// A plugin that loads.
#[derive(Serialize)]
struct Checked<'a> {
    plugin: &'a str,
    version: String,
    backend: &'a str,
    trust: String,
}

#[derive(Serialize)]
struct WarningBody<'a> {
    plugin: &'a str,
    message: &'a str,
    at: Option<At<'a>>,
    help: Option<&'a str>,
}

impl<'a> Body<'a> {
    fn of(mods: &'a Mods, warnings: &'a Warnings) -> Self {
        let error = mods.refused.first().map(|refused| ErrorBody::from(&refused.error));
        let warning = |(plugin, warnings): &'a (String, Vec<Warning>)| {
            warnings.iter().map(|warning| WarningBody {
                plugin,
                message: &warning.message,
                at: warning.at.as_ref().map(Into::into),
                help: warning.help.as_deref(),
            })
        };
        let checked = |loaded: &'a Loaded| Checked {
            plugin: &loaded.name,
            version: loaded.version.to_string(),
            backend: loaded.backend.as_str(),
            trust: loaded.trust.to_string(),
        };
        Body {
            ok: error.is_none(),
            error,
            plugins: mods.loaded.iter().map(checked).collect(),
            refused: mods.refused.iter().map(Into::into).collect(),
            shadowed: mods.shadowed.iter().map(Into::into).collect(),
            warnings: warnings.iter().flat_map(warning).collect(),
        }
    }
}
