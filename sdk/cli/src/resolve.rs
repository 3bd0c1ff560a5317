//! `modhost resolve`: the plan of a folder, the lockfile that keeps it, and what would become of it. Runs nothing.

mod change;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use modhost::{
    Code, Error, Result, Stage,
    resolve::{Choice, Chosen, Drift, Link, LinkKind, Lockfile, Plan},
    verify::SignedLock,
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{Resolve, usage},
    diagnose,
    folder::{Folder, Out, Shadow, refuse, sources, tell_refusal, unknown},
    json::body::ErrorBody,
    kept,
    layout::{count, paragraph, safe, width},
    lock,
};
use change::{Named, change};

/// How deep what is said of a plugin stands below its name.
const INDENT: &str = "    ";

/// The columns that must be left for what stands behind the last one of the table.
const ROOM: usize = 24;

/// Plans.
pub(crate) fn resolve(args: &Resolve, json: bool) -> Answer {
    let policy = args.folders.policy.name.as_deref();
    let sources = sources(policy, args.lock.as_deref());
    let (old, set) = match args.lock.as_deref().map(|path| old(path, args.update)).transpose() {
        Ok(old) => old.unwrap_or_default(),
        Err(error) => return Answer::error_in(&error, json, &sources),
    };
    let preferred = old.clone().filter(|_| !args.update);
    let choice = args.greedy.then_some(Choice::Greedy);
    let mut folder = match Folder::read_for(&args.folders.dirs, &args.folders.policy, (preferred, set), choice) {
        Ok(folder) => folder,
        Err(error) => return Answer::error_in(&error, json, &sources),
    };
    if let Some(answer) = change(args, &mut folder, json) {
        return answer.unwrap_or_else(|error| refuse(&error, json, &folder.sources(&args.with)));
    }
    let resolver = folder.resolver();
    let plan = if args.only.is_empty() {
        resolver.plan()
    } else {
        let known = |id: &&String| resolver.candidates().iter().any(|candidate| candidate.id().as_str() == **id);
        if let Some(id) = args.only.iter().find(|id| !known(id)) {
            return Answer::error_in(&unknown(id, &folder, &resolver.plan()), json, &sources);
        }
        resolver.plan_for(&args.only.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let denied = args.only.iter().find_map(|id| folder.denial(&plan, id));
    let failure = denied.or_else(|| folder.failure(&plan));
    // Of what is not asked about it does not matter.
    let left_out =
        if args.only.is_empty() { folder.left_out(&plan) } else { plan.left_out.iter().map(Out::of).collect() };
    let locked = match &args.lock {
        None => None,
        Some(path) => match keep(path, old.as_ref(), &plan, args.update, failure.is_some()) {
            Ok(locked) => Some(locked),
            Err(error) => return Answer::error_in(&error, json, &sources),
        },
    };
    let drifted = locked.as_ref().and_then(|locked| locked.refused.as_ref());
    let error = drifted.or(failure.as_ref().map(|reason| reason.get()));
    let status = error.map_or(0, |error| error.code().exit_status());
    if json {
        return Answer::object(status, &Body::of(&folder, &plan, left_out, error, locked.as_ref()));
    }
    folder.shadowed.iter().for_each(|other| diagnose::note(&format!("shadowed: {other}")));
    if let Some(path) = locked.as_ref().and_then(|locked| locked.removed.as_ref()) {
        let path = path.display();
        diagnose::note(&format!(
            "{path} was removed: it held signatures over the lockfile as it was. `modhost sign` makes new ones."
        ));
    }
    if let Some(error) = drifted {
        diagnose::error(error, &folder.sources(&args.folders.dirs));
        // The error itself names the first.
        let drift = locked.iter().flat_map(|locked| &locked.drift).skip(1);
        drift.for_each(|drift| diagnose::note(drift));
        let held = |id: &str| old.as_ref().is_some_and(|old| old.get(id).is_some());
        for (id, version, error) in folder.unvetted().filter(|(id, ..)| held(id)) {
            diagnose::note(&format!("{id} {version} is refused: {}: {}", error.code(), error.message()));
        }
        return Answer::new(status, "");
    }
    Answer::new(status, page(&folder, &plan, &left_out, locked.as_ref()))
}

/// The lockfile at `path`, where there is one, and the set that its signatures make of it; they do not matter for one that is to be
/// written anew.
fn old(path: &Path, update: bool) -> Result<(Option<Lockfile>, Option<SignedLock>)> {
    let read = if update { lock::alone(path).map(|(_, old)| (Some(old), None)) } else { lock::named(Some(path)) };
    match read {
        Err(error) if error.code() == Code::IoNotFound => Ok((None, None)),
        other => other,
    }
}

/// What became of the lockfile.
struct Lock<'a> {
    path: &'a Path,
    /// `written`, `updated`, `kept`, `refused`; `none` where nothing goes together, which is not kept.
    state: &'static str,
    /// In what the plan differs from the file that was there.
    drift: Vec<String>,
    refused: Option<Error>,
    /// The signatures of the lockfile that was there: they would be of another one now.
    removed: Option<PathBuf>,
}

/// Writes the lockfile, or holds the plan to it.
fn keep<'a>(path: &'a Path, old: Option<&Lockfile>, plan: &Plan, update: bool, failed: bool) -> Result<Lock<'a>> {
    let drift = old.map(|old| old.drift(plan).iter().map(|drift| told(drift, plan)).collect()).unwrap_or_default();
    let lock = |state, refused, removed| Lock { path, state, drift, refused, removed };
    match old {
        Some(old) if !update => Ok(match old.check(plan) {
            Ok(()) => lock("kept", None, None),
            Err(error) => {
                let signed = if lock::is_signed(path) { "; its signatures go with the old one" } else { "" };
                let help = format!(
                    "Bring back the files that {} was made of, or take what is there now: add --update{signed}.",
                    path.display()
                );
                lock("refused", Some(error.with_help(help)), None)
            }
        }),
        _ if failed => Ok(lock("none", None, None)),
        old => {
            let new = Lockfile::of(plan);
            if old == Some(&new) && holds(path)? {
                return Ok(lock("kept", None, None));
            }
            let stale = Some(SignedLock::beside(path)).filter(|_| lock::is_signed(path));
            if let Some(stale) = stale.as_ref().filter(|_| !update) {
                let message = format!("{}: these signatures are of a lockfile that is gone", stale.display());
                let help = "Bring the lockfile back, or write another one without signatures: add --update.";
                return Err(usage(message).with_help(help));
            }
            kept::write(path, new.to_string())?;
            // After that: whoever reads between the two finds signatures that do not hold, never an unsigned set for a signed one.
            if let Some(stale) = &stale {
                fs::remove_file(stale).map_err(|error| Error::io(Stage::Resolve, stale, &error))?;
            }
            Ok(lock(if old.is_some() { "updated" } else { "written" }, None, stale))
        }
    }
}

/// Whether the signatures beside the lockfile, if there are any, are over the bytes that it has now: a comment is enough to break them.
///
/// # Errors
/// `io.failed`.
fn holds(path: &Path) -> Result<bool> {
    match lock::named(Some(path)) {
        Err(error) if matches!(error.code(), Code::IoFailed | Code::IoNotFound) => Err(error),
        read => Ok(read.is_ok()),
    }
}

/// A difference, with the reason where the plan knows one.
fn told(drift: &Drift, plan: &Plan) -> String {
    let out = match drift {
        Drift::Gone { id, .. } => plan.left_out(id),
        _ => None,
    };
    out.map_or_else(|| drift.to_string(), |out| format!("{drift} ({})", out.message))
}

fn page(folder: &Folder, plan: &Plan, left_out: &[Out<'_>], locked: Option<&Lock<'_>>) -> String {
    let width = width(&io::stdout());
    let mut text = String::new();
    let rows: Vec<[String; 4]> = plan.order.iter().map(|chosen| row(folder, chosen)).collect();
    let column = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let (names, versions, backends, trusts) = (column(0), column(1), column(2), column(3));
    let digits = rows.len().to_string().len();
    for (place, (chosen, [name, version, backend, trust])) in plan.order.iter().zip(&rows).enumerate() {
        let after: Vec<&str> = chosen.links.iter().filter(|link| link.order).map(|link| link.id.as_str()).collect();
        let after = if after.is_empty() { String::new() } else { format!("after {}", after.join(", ")) };
        let place = place + 1;
        let head =
            format!("{place:digits$}  {name:names$}  {version:versions$}  {backend:backends$}  {trust:trusts$}  ");
        if after.is_empty() || head.chars().count() + ROOM <= width {
            paragraph(&mut text, &head, &after, width);
        } else {
            paragraph(&mut text, &head, "", width);
            paragraph(&mut text, INDENT, &after, width);
        }
        for passed in &chosen.passed_over {
            paragraph(&mut text, &format!("{INDENT}not {}: ", passed.version), &safe(&passed.why), width);
        }
        if let Some(error) = folder.refusal(&chosen.id, &chosen.version) {
            tell_refusal(&mut text, INDENT, error, width);
        }
    }
    if !left_out.is_empty() {
        text.push_str(if text.is_empty() { "left out:\n" } else { "\nleft out:\n" });
    }
    for out in left_out {
        text.push_str(&format!("{INDENT}{}\n", out.name()));
        out.tell(&mut text, &format!("{INDENT}{INDENT}"), width);
    }
    if !plan.withheld.is_empty() {
        let ids: Vec<&str> = plan.withheld.iter().map(|chosen| chosen.id.as_str()).collect();
        text.push('\n');
        paragraph(&mut text, "withheld, because it is all or nothing: ", &ids.join(", "), width);
    }
    if !plan.warnings.is_empty() {
        text.push('\n');
    }
    plan.warnings.iter().for_each(|warning| paragraph(&mut text, "note: ", &safe(&warning.to_string()), width));
    text.push('\n');
    let mut told = format!("{} in load order", count(plan.order.len(), "plugin"));
    let refused = plan.order.iter().filter(|chosen| folder.refusal(&chosen.id, &chosen.version).is_some()).count();
    if refused > 0 {
        told.push_str(&format!(", of which the policy would refuse {refused}"));
    }
    if !left_out.is_empty() {
        told.push_str(&format!(", {} left out", left_out.len()));
    }
    told.push_str(". `modhost why ID DIR` says more of one.");
    paragraph(&mut text, "", &told, width);
    if let Some(locked) = locked {
        tell_lock(&mut text, locked, width);
    }
    text
}

fn tell_lock(text: &mut String, locked: &Lock<'_>, width: usize) {
    let path = safe(&locked.path.display().to_string());
    let told = match locked.state {
        "written" => format!("{path} keeps this plan now."),
        "updated" if locked.drift.is_empty() => format!("{path} was written anew, with the same plugins."),
        "updated" => format!("{path} was written anew. What differed:"),
        "kept" => format!("This is what {path} holds."),
        _ => format!("{path} was not written: there is nothing to keep."),
    };
    paragraph(text, "", &told, width);
    if locked.state == "updated" {
        locked.drift.iter().for_each(|drift| paragraph(text, INDENT, &safe(drift), width));
    }
}

fn row(folder: &Folder, chosen: &Chosen) -> [String; 4] {
    let trust = folder.trust(&chosen.id, &chosen.version).map(ToString::to_string);
    let backend = folder.backend(&chosen.id, &chosen.version).unwrap_or("-");
    [chosen.id.clone(), chosen.version.to_string(), backend.to_owned(), trust.unwrap_or_else(|| "-".into())]
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    /// In load order.
    plugins: Vec<Taken<'a>>,
    left_out: Vec<Out<'a>>,
    /// Left out where there are none.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    shadowed: &'a [Shadow],
    /// With all or nothing: what would go together.
    withheld: Vec<Named<'a>>,
    warnings: Vec<String>,
    /// Only with `--lock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<LockBody<'a>>,
}

/// A plugin that is taken.
#[derive(Serialize)]
pub(crate) struct Taken<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) version: String,
    pub(crate) source: &'a str,
    pub(crate) digest: Option<String>,
    /// Null where the policy would refuse it.
    pub(crate) backend: Option<&'a str>,
    pub(crate) trust: Option<String>,
    pub(crate) uses: Vec<Use<'a>>,
    pub(crate) passed_over: Vec<Passed<'a>>,
    /// Lower versions that lie there too.
    pub(crate) spare: Vec<String>,
    /// Why the policy would refuse it when it is loaded.
    pub(crate) refused: Option<ErrorBody<'a>>,
}

/// A plugin that another uses.
#[derive(Serialize)]
pub(crate) struct Use<'a> {
    plugin: &'a str,
    requirement: &'a str,
    kind: &'static str,
    /// The need of this name that it was chosen for, or the contract.
    #[serde(rename = "for")]
    need: Option<&'a str>,
    /// Whether it is loaded first.
    first: bool,
}

/// A version that was not taken.
#[derive(Serialize)]
pub(crate) struct Passed<'a> {
    version: String,
    why: &'a str,
}

#[derive(Serialize)]
struct LockBody<'a> {
    path: String,
    state: &'static str,
    drift: &'a [String],
    /// The signatures that held for the old one; left out where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<String>,
}

impl<'a> Body<'a> {
    fn of(
        folder: &'a Folder,
        plan: &'a Plan,
        left_out: Vec<Out<'a>>,
        error: Option<&'a Error>,
        locked: Option<&'a Lock<'a>>,
    ) -> Self {
        Body {
            ok: error.is_none(),
            error: error.map(Into::into),
            plugins: plan.order.iter().map(|chosen| Taken::of(folder, chosen)).collect(),
            left_out,
            shadowed: &folder.shadowed,
            withheld: plan
                .withheld
                .iter()
                .map(|chosen| Named { plugin: &chosen.id, version: chosen.version.to_string() })
                .collect(),
            warnings: plan.warnings.iter().map(ToString::to_string).collect(),
            lock: locked.map(|locked| LockBody {
                path: locked.path.display().to_string(),
                state: locked.state,
                drift: &locked.drift,
                removed: locked.removed.as_ref().map(|path| path.display().to_string()),
            }),
        }
    }
}

impl<'a> Use<'a> {
    fn of(link: &'a Link) -> Self {
        let (kind, need) = match &link.kind {
            LinkKind::Optional => ("optional", None),
            LinkKind::Dev => ("dev", None),
            LinkKind::AnyOf(name) => ("any-of", Some(name.as_str())),
            LinkKind::Contract(name) => ("contract", Some(name.as_str())),
            // The list may grow.
            _ => ("needs", None),
        };
        Use { plugin: &link.id, requirement: &link.requirement, kind, need, first: link.order }
    }
}

impl<'a> Taken<'a> {
    pub(crate) fn of(folder: &'a Folder, chosen: &'a Chosen) -> Self {
        Taken {
            plugin: &chosen.id,
            version: chosen.version.to_string(),
            source: &chosen.source,
            digest: chosen.digest.map(|digest| digest.to_string()),
            backend: folder.backend(&chosen.id, &chosen.version),
            trust: folder.trust(&chosen.id, &chosen.version).map(ToString::to_string),
            uses: chosen.links.iter().map(Use::of).collect(),
            passed_over: chosen
                .passed_over
                .iter()
                .map(|passed| Passed { version: passed.version.to_string(), why: &passed.why })
                .collect(),
            spare: chosen.spare.iter().map(ToString::to_string).collect(),
            refused: folder.refusal(&chosen.id, &chosen.version).map(Into::into),
        }
    }
}
