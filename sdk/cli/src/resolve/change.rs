//! `modhost resolve --with` and `--without`: what would become of the plan. Changes nothing.

use modhost::{
    Error, Result,
    resolve::{Change, LeftOut},
};
use semver::Version;
use serde::Serialize;

use crate::{
    answer::Answer,
    args::Resolve,
    folder::{Folder, Out, Reason, tell_refusal, unknown},
    json::body::ErrorBody,
    layout::{Text, columns, count, paragraph, safe},
};

/// How deep what is said of a plugin stands below its name.
const INDENT: &str = "    ";

/// Tells what would change, if that is asked for.
pub(super) fn change(args: &Resolve, folder: &mut Folder, json: bool) -> Option<Result<Answer>> {
    if let Some(id) = &args.without {
        return Some(without(id, folder, json));
    }
    (!args.with.is_empty()).then(|| with(args, folder, json))
}

fn without(id: &str, folder: &Folder, json: bool) -> Result<Answer> {
    let resolver = folder.resolver();
    let there = resolver.candidates().iter().any(|candidate| candidate.id().as_str() == id);
    if !there {
        return Err(unknown(id, folder, &resolver.plan()));
    }
    Ok(answer(&format!("Without {id}:"), folder, &resolver.removing(id), &[], json))
}

fn with(args: &Resolve, folder: &mut Folder, json: bool) -> Result<Answer> {
    let resolver = folder.resolver();
    let unreadable = folder.unreadable.len();
    let new = folder.add(&args.with)?;
    let asked: Vec<Asked> =
        new.iter().map(|candidate| (candidate.id().to_string(), candidate.version().clone())).collect();
    if folder.unreadable.len() > unreadable {
        // What cannot be read cannot be installed, whatever else lies there.
        return Err(folder.unreadable.remove(unreadable));
    }
    Ok(answer("With it:", folder, &resolver.installing(new), &asked, json))
}

/// What is to be there afterwards: an id and a version.
type Asked = (String, Version);

/// The answer.
fn answer(lead: &str, folder: &Folder, change: &Change, asked: &[Asked], json: bool) -> Answer {
    let plan = &change.plan;
    let failed = asked.iter().find_map(|(id, version)| {
        let out = plan.left_out.iter().find(|out| out.id == *id && out.version == *version);
        out.map(|out| Reason::Owned(out.to_error())).or_else(|| folder.denial(plan, id))
    });
    let failed = failed.as_ref().map(Reason::get);
    let status = failed.map_or(0, |error| error.code().exit_status());
    // What is left out because of the change: what was taken before, and what is asked about.
    let gone = |out: &&LeftOut| change.removed.iter().chain(asked).any(|(id, _)| *id == out.id);
    let outs: Vec<Out<'_>> = plan.left_out.iter().filter(gone).map(Out::of).collect();
    if json {
        return Answer::object(status, &Body::of(change, outs, failed));
    }
    Answer::new(status, page(lead, folder, change, asked, &outs))
}

fn page(lead: &str, folder: &Folder, change: &Change, asked: &[Asked], outs: &[Out<'_>]) -> Text {
    let width = columns();
    let mut text = Text::default();
    for (id, version) in &change.added {
        let backend = folder.backend(id, version).map(|backend| format!("  {backend}")).unwrap_or_default();
        text.line(format!("+ {id} {version}{backend}"));
        if let Some(error) = folder.refusal(id, version) {
            tell_refusal(&mut text, INDENT, error, width);
        }
    }
    for (id, before, after) in &change.moved {
        text.line(format!("~ {id} {before} -> {after}"));
    }
    for (id, version) in &change.removed {
        text.line(format!("- {id} {version}"));
        let of = |out: &&Out<'_>| out.plugin.as_deref() == Some(id.as_str());
        outs.iter().filter(of).for_each(|out| out.tell(&mut text, INDENT, width));
    }
    let removed = |out: &&Out<'_>| change.removed.iter().any(|(id, _)| out.plugin.as_deref() == Some(id.as_str()));
    for out in outs.iter().filter(|out| !removed(out)) {
        text.line(format!("! {} is left out", out.name()));
        out.tell(&mut text, INDENT, width);
    }
    for (id, version) in asked {
        let taken = change.plan.get(id).filter(|chosen| chosen.version != *version);
        if let Some(chosen) = taken {
            let passed = chosen.passed_over.iter().find(|passed| passed.version == *version);
            let why =
                passed.map_or_else(|| format!("{} is taken before it", chosen.version), |passed| passed.why.clone());
            paragraph(&mut text, &format!("! {id} {version} is not taken: "), &safe(&why), width);
        }
    }
    if !text.is_empty() {
        text.blank();
    }
    let told = match change.is_nothing() {
        true => format!("{lead} nothing changes, {} in load order.", count(change.plan.order.len(), "plugin")),
        false => {
            let before = change.plan.order.len() + change.removed.len() - change.added.len();
            format!("{lead} {} in load order; before there were {before}.", count(change.plan.order.len(), "plugin"))
        }
    };
    paragraph(&mut text, "", &told, width);
    text
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    added: Vec<Named<'a>>,
    removed: Vec<Named<'a>>,
    moved: Vec<Moved<'a>>,
    /// What of these, and of what is asked about, is left out afterwards.
    left_out: Vec<Out<'a>>,
    /// What is loaded afterwards, in load order.
    plugins: Vec<Named<'a>>,
}

/// A plugin in its version.
#[derive(Serialize)]
pub(super) struct Named<'a> {
    pub(super) plugin: &'a str,
    pub(super) version: String,
}

#[derive(Serialize)]
struct Moved<'a> {
    plugin: &'a str,
    from: String,
    to: String,
}

impl<'a> Body<'a> {
    fn of(change: &'a Change, left_out: Vec<Out<'a>>, error: Option<&'a Error>) -> Self {
        let named = |(id, version): &'a Asked| Named { plugin: id, version: version.to_string() };
        let moved = change.moved.iter();
        Body {
            ok: error.is_none(),
            error: error.map(Into::into),
            added: change.added.iter().map(named).collect(),
            removed: change.removed.iter().map(named).collect(),
            moved: moved
                .map(|(plugin, from, to)| Moved { plugin, from: from.to_string(), to: to.to_string() })
                .collect(),
            left_out,
            plugins: change
                .plan
                .order
                .iter()
                .map(|chosen| Named { plugin: &chosen.id, version: chosen.version.to_string() })
                .collect(),
        }
    }
}
