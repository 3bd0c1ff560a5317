//! `modhost why`: why a plugin is taken, in this version and at this place, or why it is left out. Runs nothing.

use modhost::{
    Error,
    resolve::{Chosen, Plan, Reach, Why},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args,
    folder::{Folder, Out, sources, tell_refusal, unknown},
    layout::{Text, columns, paragraph, safe},
    lock,
    resolve::Taken,
};

/// Answers.
pub(crate) fn why(args: &args::Why, json: bool) -> Answer {
    let policy = args.policy.name.as_deref();
    let sources = sources(policy, args.lock.as_deref());
    match answer(args, json) {
        Ok(answer) => answer,
        Err(error) => Answer::error_in(&error, json, &sources),
    }
}

fn answer(args: &args::Why, json: bool) -> Result<Answer, Error> {
    let folder = Folder::read(&args.dirs, &args.policy, lock::named(args.lock.as_deref())?)?;
    let plan = folder.resolver().plan();
    if let Some(place) = plan.order.iter().position(|chosen| chosen.id == args.id) {
        let chosen = &plan.order[place];
        return Ok(if json {
            Answer::object(0, &Body::taken(&folder, &plan, chosen, place + 1))
        } else {
            Answer::new(0, taken(&folder, &plan, chosen))
        });
    }
    let outs: Vec<Out<'_>> =
        folder.left_out(&plan).into_iter().filter(|out| out.plugin.as_deref() == Some(&*args.id)).collect();
    let withheld = plan.withheld.iter().find(|chosen| chosen.id == args.id);
    if outs.is_empty() && withheld.is_none() {
        return Err(unknown(&args.id, &folder, &plan));
    }
    if json {
        let version = withheld.map(|chosen| chosen.version.to_string());
        return Ok(Answer::object(
            0,
            &Body { ok: true, plugin: &args.id, taken: None, withheld: version, left_out: outs },
        ));
    }
    let width = columns();
    let mut text = Text::default();
    for out in &outs {
        text.line(format!("{} is left out:", out.name()));
        out.tell(&mut text, "", width);
    }
    if let (Some(chosen), Some(first)) = (withheld, plan.left_out.first()) {
        let (id, version) = (&chosen.id, &chosen.version);
        let told =
            format!("{id} {version} goes together with the others, and is withheld: it is all or nothing, and {first}");
        paragraph(&mut text, "", &safe(&told), width);
    }
    Ok(Answer::new(0, text))
}

fn taken(folder: &Folder, plan: &Plan, chosen: &Chosen) -> Text {
    let width = columns();
    let mut text = Text::default();
    let told = plan.why(&chosen.id).map(|why| why.to_string()).unwrap_or_default();
    told.lines().for_each(|line| paragraph(&mut text, "", line, width));
    let (id, version) = (&chosen.id, &chosen.version);
    match (folder.backend(id, version), folder.trust(id, version), folder.refusal(id, version)) {
        (_, _, Some(error)) => {
            text.line("the policy would refuse it when it is loaded:");
            tell_refusal(&mut text, "", error, width);
        }
        (Some(backend), Some(trust), _) => paragraph(&mut text, "", &format!("runs in {backend}, {trust}"), width),
        _ => {}
    }
    let uses = |reach| ids(&plan.dependencies(id, reach));
    let used_by = |reach| ids(&plan.dependents(id, reach));
    for (lead, (direct, all)) in [
        ("used through others by ", (used_by(Reach::DIRECT), used_by(Reach::ALL))),
        ("uses through others ", (uses(Reach::DIRECT), uses(Reach::ALL))),
    ] {
        let far: Vec<&str> = all.into_iter().filter(|id| !direct.contains(id)).collect();
        if !far.is_empty() {
            paragraph(&mut text, lead, &far.join(", "), width);
        }
    }
    text
}

fn ids<'p>(chosen: &[&'p Chosen]) -> Vec<&'p str> {
    chosen.iter().map(|chosen| chosen.id.as_str()).collect()
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    plugin: &'a str,
    /// Null where it is not taken.
    taken: Option<Place<'a>>,
    /// The version that goes together with the others, where it is all or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<String>,
    left_out: Vec<Out<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    #[serde(flatten)]
    taken: Taken<'a>,
    /// In the load order, from 1.
    place: usize,
    of: usize,
    /// Whose turn by id it was, where it was not its own: it is loaded before that one because that one uses it.
    ahead_of: Option<&'a str>,
    dependencies: Reached<'a>,
    dependents: Reached<'a>,
}

/// Ids in load order.
#[derive(Serialize)]
struct Reached<'a> {
    /// Without others between.
    direct: Vec<&'a str>,
    /// Through others too.
    all: Vec<&'a str>,
    /// Through others too, without what is optional.
    needed: Vec<&'a str>,
}

impl<'a> Reached<'a> {
    fn of(reached: impl Fn(Reach) -> Vec<&'a Chosen>) -> Self {
        let of = |reach| ids(&reached(reach));
        Reached { direct: of(Reach::DIRECT), all: of(Reach::ALL), needed: of(Reach::NEEDED) }
    }
}

impl<'a> Body<'a> {
    fn taken(folder: &'a Folder, plan: &'a Plan, chosen: &'a Chosen, place: usize) -> Self {
        let taken = Place {
            taken: Taken::of(folder, chosen),
            place,
            of: plan.order.len(),
            ahead_of: match plan.why(&chosen.id) {
                Some(Why::Taken { ahead_of, .. }) => ahead_of.map(|other| other.id.as_str()),
                _ => None,
            },
            dependencies: Reached::of(|reach| plan.dependencies(&chosen.id, reach)),
            dependents: Reached::of(|reach| plan.dependents(&chosen.id, reach)),
        };
        // A double of it, or another of its versions, may be left out all the same.
        let mut outs = folder.left_out(plan);
        outs.retain(|out| out.plugin.as_deref() == Some(chosen.id.as_str()));
        Body { ok: true, plugin: &chosen.id, taken: Some(taken), withheld: None, left_out: outs }
    }
}
