//! `modhost list`: what lies in a folder. Runs nothing of it.

use std::io;

use modhost::{Error, Examination, Result, package::Manifest};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::List,
    host,
    json::{about::About, body::ErrorBody},
    layout::{count, paragraph, safe, size, width},
    source::Sources,
};

/// How deep what is said of a plugin stands below its name.
const INDENT: &str = "    ";

/// Lists what lies at a path.
pub(crate) fn list(args: &List, json: bool) -> Answer {
    let engine = match host::engine_under(&args.policy) {
        Ok(engine) => engine,
        Err(error) => {
            let sources = Sources::default().with_policy(args.policy.name.as_deref());
            return Answer::error_in(&error, json, &sources);
        }
    };
    let entries = match engine.examine_dir(&args.path) {
        Ok(entries) => entries,
        Err(error) => return Answer::error(&error, json),
    };
    let first = entries.iter().find_map(|entry| entry.as_ref().err());
    // Readable, whatever else keeps it from being loaded: that is what a list is asked for.
    let failed = if entries.iter().any(Result::is_ok) { None } else { first };
    let status = failed.map_or(0, |error| error.code().exit_status());
    if json { Answer::object(status, &Body::of(&entries, failed)) } else { Answer::new(status, page(&entries)) }
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    plugins: Vec<About<'a>>,
    /// Those that cannot be read.
    unreadable: Vec<ErrorBody<'a>>,
}

impl<'a> Body<'a> {
    fn of(entries: &'a [Result<Examination>], failed: Option<&'a Error>) -> Self {
        Body {
            ok: failed.is_none(),
            error: failed.map(Into::into),
            plugins: entries.iter().flatten().map(About::of).collect(),
            unreadable: entries.iter().filter_map(|entry| entry.as_ref().err()).map(Into::into).collect(),
        }
    }
}

fn page(entries: &[Result<Examination>]) -> String {
    let width = width(&io::stdout());
    let mut rows: Vec<[String; 4]> = Vec::new();
    for entry in entries {
        rows.push(match entry {
            Ok(one) => {
                let languages: Vec<&str> =
                    one.package.artefacts().iter().map(|artefact| artefact.kind.as_str()).collect();
                [
                    one.package.id().to_string(),
                    one.package.version().to_string(),
                    languages.join(", "),
                    size(one.package.bytes()),
                ]
            }
            Err(error) => [safe(error.plugin().unwrap_or("?")), "-".into(), "unreadable".into(), "-".into()],
        });
    }
    let column = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let (names, versions, languages) = (column(0), column(1), column(2));
    let mut text = String::new();
    for (entry, [name, version, language, size]) in entries.iter().zip(&rows) {
        let head = format!("{name:names$}  {version:versions$}  {language:languages$}  {size}");
        text.push_str(head.trim_end());
        text.push('\n');
        match entry {
            Ok(one) => details(&mut text, one, width),
            Err(error) => problem(&mut text, error, width),
        }
    }
    text.push('\n');
    let faulty = entries.iter().filter(|entry| entry.as_ref().map_or(true, |one| !one.problems.is_empty())).count();
    let told = match faulty {
        0 => format!("{}. `modhost inspect PATH` says more of one.", count(entries.len(), "plugin")),
        faulty => format!(
            "{}, {faulty} with problems. `modhost explain CODE` says what a problem means, `modhost inspect PATH` more of a plugin.",
            count(entries.len(), "plugin")
        ),
    };
    paragraph(&mut text, "", &told, width);
    text
}

/// What a plugin wants, and what is wrong with it.
fn details(text: &mut String, one: &Examination, width: usize) {
    if let Some(description) = one.package.manifest().and_then(|manifest| manifest.about.description.as_deref()) {
        paragraph(text, INDENT, &safe(description), width);
    }
    for (lead, items) in one.package.manifest().into_iter().flat_map(wants) {
        paragraph(text, &format!("{INDENT}{lead} "), &items.join(", "), width);
    }
    let asks: Vec<&str> =
        one.asks.iter().filter(|_| one.package.manifest().is_some()).map(|asked| asked.capability.as_str()).collect();
    if !asks.is_empty() {
        paragraph(text, &format!("{INDENT}asks for "), &asks.join(", "), width);
    }
    if let Some(version) = &one.instead {
        paragraph(text, INDENT, &format!("not taken: {version} is, of the versions that lie here"), width);
    }
    one.problems.iter().for_each(|error| problem(text, error, width));
}

fn problem(text: &mut String, error: &Error, width: usize) {
    let place = error.at().map(|place| format!("{}: ", safe(&place.to_string()))).unwrap_or_default();
    paragraph(text, &format!("{INDENT}! "), &format!("{}: {place}{}", error.code(), safe(error.message())), width);
}

/// What a manifest wants of others: each kind of want with its items.
pub(crate) fn wants(manifest: &Manifest) -> Vec<(&'static str, Vec<String>)> {
    let versioned = |name: &str, version: &dyn std::fmt::Display| {
        let version = version.to_string();
        if version == "*" { name.to_owned() } else { format!("{name} {version}") }
    };
    let mut wants = Vec::new();
    let mut want = |lead, items: Vec<String>| {
        if !items.is_empty() {
            wants.push((lead, items));
        }
    };
    want("requires", manifest.requires.iter().map(|need| versioned(&need.name, &need.version)).collect());
    let needs = manifest.dependencies.iter().filter(|need| !need.hidden).map(|need| {
        let optional = if need.optional { " (optional)" } else { "" };
        format!("{}{optional}", versioned(need.id.as_str(), &need.version))
    });
    want("depends on", needs.collect());
    let any = manifest.any_of.iter().map(|need| {
        let choices = need.choices.iter().map(|choice| versioned(choice.id.as_str(), &choice.version));
        choices.collect::<Vec<_>>().join(" or ")
    });
    want("needs one of", any.collect());
    want("conflicts with", manifest.conflicts.iter().map(|foe| versioned(foe.id.as_str(), &foe.version)).collect());
    want("provides", manifest.provides.iter().map(|offer| format!("{} {}", offer.name, offer.version)).collect());
    wants
}
