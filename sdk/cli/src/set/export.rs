//! [`export`]: what a folder's plan takes, as a profile of a set.

use std::path::Path;

use modhost::{
    Code, Error, Result, ShowPath as _, Stage,
    resolve::{ModSet, Plan, Profile, Reach},
};
use serde::Serialize;

use super::FILE;
use crate::{
    answer::Answer,
    args::Export,
    diagnose,
    folder::{Folder, Out, refuse, sources, unknown},
    json::about::raw,
    kept,
    layout::{Text, count, safe},
};

/// Exports.
pub(crate) fn export(args: &Export, json: bool) -> Answer {
    let mut sources = sources(args.folders.policy.name.as_deref(), None);
    if let Some(path) = &args.out {
        sources = sources.with_kept(FILE, path);
    }
    match answer(args, json) {
        Ok(answer) => answer,
        Err(error) => refuse(&error, json, &sources),
    }
}

fn answer(args: &Export, json: bool) -> Result<Answer> {
    // Before anything is read: a name that is none is the user's slip.
    let mut set = ModSet::new(&args.profile, Profile::default())?;
    let there = args.out.as_deref().map(|path| kept::read_if_there(path, Code::PackageModSet)).transpose()?.flatten();
    if let Some(text) = there {
        set = text.parse()?;
    }
    let folder = Folder::read(&args.folders.dirs, &args.folders.policy, (None, None))?;
    let plan = folder.resolver().plan();
    if let Some(reason) = folder.failure(&plan) {
        return Ok(refuse(reason.get(), json, &folder.sources(&args.folders.dirs)));
    }
    let profile = profile(&folder, &plan, &args.disable)?;
    set.insert(&args.profile, profile)?;
    set.activate(&args.profile);
    let text = set.to_string();
    if let Some(path) = &args.out {
        kept::write(path, &text)?;
    }
    let left_out = folder.left_out(&plan);
    if json {
        let out = args.out.as_deref().map(raw);
        return Ok(Answer::object(0, &Body::of(&set, &text, out, left_out)));
    }
    for out in &left_out {
        let error = out.error.get();
        diagnose::note(&format!("{} is left out of the set: {} [{}]", out.name(), error.message(), error.code()));
    }
    for chosen in plan.order.iter().filter(|chosen| folder.refusal(&chosen.id, &chosen.version).is_some()) {
        let (id, version) = (&chosen.id, &chosen.version);
        diagnose::note(&format!(
            "{id} {version} is in the set, and the policy here would refuse it: `modhost why {id}`"
        ));
    }
    Ok(Answer::new(0, args.out.as_deref().map_or_else(|| Text::own(&set), |path| Text::of(told(&set, path)))))
}

/// What the plan takes, with some of it switched off.
fn profile(folder: &Folder, plan: &Plan, disable: &[String]) -> Result<Profile> {
    let mut profile = Profile::of(plan);
    for id in disable {
        if !profile.set_enabled(id, false) {
            return Err(unknown(id, folder, plan));
        }
        let needing = plan.dependents(id, Reach::NEEDED);
        if let Some(other) = needing.into_iter().find(|other| !disable.contains(&other.id)) {
            let message = format!("needs {id}, which --disable switches off");
            let help = format!("Switch it off too: --disable {}.", other.id);
            return Err(Error::new(Code::ResolveMissing, Stage::Resolve, message).of(&other.id).with_help(help));
        }
    }
    Ok(profile)
}

fn told(set: &ModSet, path: &Path) -> String {
    let profiles: Vec<&str> = set.names().collect();
    format!(
        "{} holds the profile {} of {} now, and it is the active one. Profiles: {}.",
        safe(&path.shown()),
        set.active_name(),
        count(set.active().iter().len(), "plugin"),
        profiles.join(", ")
    )
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    /// The whole text.
    set: &'a str,
    /// The file that it was written into.
    out: Option<String>,
    profile: &'a str,
    profiles: Vec<&'a str>,
    plugins: Vec<Entry<'a>>,
    left_out: Vec<Out<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    plugin: &'a str,
    version: String,
    digest: Option<String>,
    enabled: bool,
}

impl<'a> Body<'a> {
    fn of(set: &'a ModSet, text: &'a str, out: Option<String>, left_out: Vec<Out<'a>>) -> Self {
        let entries = set.active().iter().map(|(plugin, entry)| Entry {
            plugin,
            version: entry.version.to_string(),
            digest: entry.digest.map(|digest| digest.to_string()),
            enabled: entry.enabled,
        });
        Body {
            ok: true,
            set: text,
            out,
            profile: set.active_name(),
            profiles: set.names().collect(),
            plugins: entries.collect(),
            left_out,
        }
    }
}
