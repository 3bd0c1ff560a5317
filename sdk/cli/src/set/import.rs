//! [`import`]: whether a folder holds exactly the plugins of a set, and whether they go together here.

use std::path::Path;

use modhost::{
    Code, Error, Result,
    resolve::{ModSet, Plan, Profile, Selection},
};
use serde::Serialize;

use super::FILE;
use crate::{
    answer::Answer,
    args::{Import, usage},
    diagnose,
    folder::{Folder, refuse, sources},
    json::body::ErrorBody,
    kept,
    layout::{Text, columns, count, paragraph},
};

/// Imports.
pub(crate) fn import(args: &Import, json: bool) -> Answer {
    let sources = sources(args.folders.policy.name.as_deref(), None).with_kept(FILE, &args.file);
    match answer(args, json) {
        Ok(answer) => answer,
        Err(error) => Answer::error_in(&error, json, &sources),
    }
}

fn answer(args: &Import, json: bool) -> Result<Answer> {
    let set = read(&args.file)?;
    let name = args.profile.as_deref().unwrap_or(set.active_name());
    let Some(profile) = set.get(name) else {
        let names: Vec<&str> = set.names().collect();
        let message = format!("--profile {}: the set has no such profile", name.escape_debug());
        return Err(usage(message).with_help(format!("There are {}.", names.join(", "))));
    };
    let folder = Folder::read(&args.folders.dirs, &args.folders.policy, (None, None))?;
    let resolver = folder.resolver();
    let selection = profile.select(resolver.candidates());
    let extra = extra(profile, &resolver);
    let plan = folder.plan_of(&selection.candidates);
    let problem = selection.check().err().or_else(|| whole(&folder, &plan));
    let status = problem.as_ref().map_or(0, |error| error.code().exit_status());
    if json {
        return Ok(Answer::object(status, &Body::of(name, &plan, &selection, extra, problem.as_ref())));
    }
    if let Some(error) = &problem {
        let answer = refuse(error, false, &folder.sources(&args.folders.dirs));
        // The error itself names the first.
        selection.absent.iter().skip(1).for_each(|(_, told)| diagnose::note(told));
        if selection.absent.is_empty() {
            plan.left_out.iter().skip(1).for_each(|out| diagnose::note(&out.to_string()));
        }
        return Ok(answer);
    }
    Ok(Answer::new(0, page(name, &plan, &selection, &extra)))
}

fn read(path: &Path) -> Result<ModSet> {
    kept::read(path, Code::PackageModSet)?.parse()
}

/// Why the set is not loaded as a whole here, although its files are there.
fn whole(folder: &Folder, plan: &Plan) -> Option<Error> {
    if let Some(out) = plan.left_out.first() {
        return Some(out.to_error());
    }
    let refused = plan.order.iter().find_map(|chosen| Some((&chosen.id, folder.refusal(&chosen.id, &chosen.version)?)));
    refused.map(|(id, error)| Error::new(error.code(), error.stage(), error.message()).of(id).with_help(error.help()))
}

/// The ids that lie there and that the profile does not hold.
fn extra(profile: &Profile, resolver: &modhost::resolve::Resolver) -> Vec<String> {
    let mut extra: Vec<String> = resolver
        .candidates()
        .iter()
        .map(|candidate| candidate.id().as_str())
        .filter(|id| profile.get(id).is_none())
        .map(str::to_owned)
        .collect();
    extra.sort();
    extra.dedup();
    extra
}

fn page(name: &str, plan: &Plan, selection: &Selection, extra: &[String]) -> Text {
    let width = columns();
    let mut text = Text::default();
    for (place, chosen) in plan.order.iter().enumerate() {
        text.line(format!("{}  {} {}", place + 1, chosen.id, chosen.version));
    }
    if !text.is_empty() {
        text.blank();
    }
    let told = format!("The profile {name} is here as it was: {}, in load order.", count(plan.order.len(), "plugin"));
    paragraph(&mut text, "", &told, width);
    for (lead, ids) in [("Switched off: ", &selection.disabled[..]), ("Here, and not in the set: ", extra)] {
        if !ids.is_empty() {
            paragraph(&mut text, lead, &ids.join(", "), width);
        }
    }
    text
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    profile: &'a str,
    /// What is there of the set, in load order.
    plugins: Vec<Present<'a>>,
    disabled: &'a [String],
    absent: Vec<Absent<'a>>,
    /// What lies there and is not of the set.
    extra: Vec<String>,
}

#[derive(Serialize)]
struct Present<'a> {
    plugin: &'a str,
    version: String,
}

#[derive(Serialize)]
struct Absent<'a> {
    plugin: &'a str,
    problem: &'a str,
}

impl<'a> Body<'a> {
    fn of(
        profile: &'a str,
        plan: &'a Plan,
        selection: &'a Selection,
        extra: Vec<String>,
        problem: Option<&'a Error>,
    ) -> Self {
        let present =
            |chosen: &'a modhost::resolve::Chosen| Present { plugin: &chosen.id, version: chosen.version.to_string() };
        let absent = |(plugin, problem): &'a (String, String)| Absent { plugin, problem };
        Body {
            ok: problem.is_none(),
            error: problem.map(Into::into),
            profile,
            plugins: plan.order.iter().map(present).collect(),
            disabled: &selection.disabled,
            absent: selection.absent.iter().map(absent).collect(),
            extra,
        }
    }
}
