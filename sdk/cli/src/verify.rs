//! `modhost verify`: the way through the gate as a checklist, for people and as JSON. It decides nothing: each step tells what the
//! engine found.

mod lock;

use std::{fmt::Write, io, path::Path};

use modhost::{
    Code, Engine, Error, Examination, Stage, TrustLevel,
    verify::{Finding, Signer, Verdict},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args, host, inspect,
    json::{about::shown, body::ErrorBody},
    layout::{count, paragraph, safe, size, width},
    lock::is_lockfile,
    source::Sources,
};

/// What came of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Came {
    Ok,
    /// It goes on, but somebody should know.
    Warned,
    Refused,
    /// There was nothing to look at, or an earlier step refused.
    Skipped,
}

impl Came {
    fn word(self) -> &'static str {
        match self {
            Came::Ok => "ok",
            Came::Warned => "warned",
            Came::Refused => "REFUSED",
            Came::Skipped => "-",
        }
    }
}

/// One step of vetting.
#[derive(Debug, Serialize)]
struct Step {
    step: &'static str,
    came: Came,
    /// What was looked at, or why it is refused.
    told: String,
    /// Where it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// Verifies.
pub(crate) fn verify(args: &args::Verify, json: bool) -> Answer {
    if is_lockfile(&args.path) {
        return lock::verify(args, json);
    }
    let sources = Sources::default().with_policy(args.policy.name.as_deref());
    let engine = match host::engine_under(&args.policy) {
        Ok(engine) => engine,
        Err(error) => return Answer::error_in(&error, json, &sources),
    };
    let examined =
        engine.examine(&args.path).map_err(|error| inspect::with_names(error, &args.path, "verify", &engine));
    let one = match &examined {
        // Nothing is there to be verified.
        Err(error) if error.code() == Code::IoNotFound => return Answer::error(error, json),
        Ok(one) => Some(one),
        Err(_) => None,
    };
    let refusal = one.map_or_else(|| examined.as_ref().err(), |one| one.problems.iter().find(counts));
    let steps = match (&examined, one) {
        (Err(error), _) => unreadable(&args.path, error),
        (Ok(_), Some(one)) => steps(one, refusal, &engine, args),
        (Ok(_), None) => Vec::new(),
    };
    let status = refusal.map_or(0, |error| error.code().exit_status());
    let report = Report { path: &args.path, engine: &engine, one, refusal, steps };
    if json { Answer::object(status, &report.body()) } else { Answer::new(status, report.page()) }
}

/// What else must be there for it to be loaded is another question than whether it is trusted.
fn counts(error: &&Error) -> bool {
    error.stage() != Stage::Resolve
}

fn ok(step: &'static str, told: impl Into<String>) -> Step {
    Step { step, came: Came::Ok, told: told.into(), code: None, remedy: None }
}

fn skipped(step: &'static str, told: impl Into<String>) -> Step {
    Step { came: Came::Skipped, ..ok(step, told) }
}

fn refused(step: &'static str, code: Code, told: impl Into<String>) -> Step {
    Step { came: Came::Refused, code: Some(code.as_str()), remedy: Some(code.remedy().to_owned()), ..ok(step, told) }
}

fn broken(step: &'static str, error: &Error) -> Step {
    let place = error.at().map(|place| format!("{place}: ")).unwrap_or_default();
    Step { remedy: Some(error.help().to_owned()), ..refused(step, error.code(), format!("{place}{}", error.message())) }
}

/// The steps, in their order.
const STEPS: [&str; 10] =
    ["opened", "archive", "list", "files", "revocation", "signature", "threshold", "rollback", "manifest", "policy"];

/// The step that an error of what cannot be shown as a whole belongs to.
fn step_of(code: Code, at: Option<&str>) -> &'static str {
    match code {
        Code::IoFailed | Code::PackageNotAPlugin if at.is_none() => "opened",
        Code::PackageIndex => "list",
        Code::PackageNewer | Code::PackageName | Code::PackageEscapes | Code::PackageTooLarge
            if at == Some("META/files") =>
        {
            "list"
        }
        Code::PackageFileMissing
        | Code::PackageFileExtra
        | Code::PackageFileChanged
        | Code::PackageChanged
        | Code::PackageNoManifest => "files",
        Code::PackageManifest | Code::PackageMissingArtefact | Code::PackageNotAPlugin => "manifest",
        Code::TrustRevoked => "revocation",
        Code::VerifyThreshold | Code::VerifyUnknownSigner | Code::DeniedTrust => "threshold",
        Code::TrustRollback => "rollback",
        _ if code.as_str().starts_with("manifest.") || at == Some("plugin.toml") => "manifest",
        _ if ["verify.", "trust."].iter().any(|kind| code.as_str().starts_with(kind)) => "signature",
        _ => "archive",
    }
}

/// What cannot be opened: the steps up to the one that refuses.
fn unreadable(path: &Path, error: &Error) -> Vec<Step> {
    let ends = step_of(error.code(), error.at().map(|place| place.file.as_str()));
    let mut before = true;
    let step = |step: &'static str| match step {
        _ if step == ends => {
            before = false;
            broken(step, error)
        }
        _ if !before => skipped(step, "not reached"),
        "opened" => ok(step, shown(path)),
        "archive" if path.is_dir() => skipped(step, "it is no package"),
        _ => ok(step, "nothing against it"),
    };
    STEPS.into_iter().map(step).collect()
}

/// The steps of a plugin that could be opened.
fn steps(one: &Examination, refusal: Option<&Error>, engine: &Engine, args: &args::Verify) -> Vec<Step> {
    let package = &one.package;
    let (index, verdict) = (package.index(), &one.signatures);
    let mut steps = Vec::new();
    let form = match (package.packed(), package.manifest()) {
        (Some(bytes), _) => format!("a package of {}", size(bytes)),
        (None, Some(_)) => "a folder".into(),
        (None, None) => "a single file".into(),
    };
    steps.push(ok("opened", format!("{}, {form}", shown(package.source()))));
    steps.push(match package.packed() {
        Some(_) => ok("archive", "a plain zip, within its bounds"),
        None => skipped("archive", "it is no package"),
    });
    let files = count(index.files().len(), "file");
    steps.push(match package.recorded() {
        true => ok("list", format!("META/files names {files}, {}", package.digest())),
        false => skipped("list", format!("there is no META/files; made now: {files}, {}", package.digest())),
    });
    steps.push(match package.recorded() {
        true => ok("files", format!("each as the list says (by {}), and no other", index.algorithm())),
        false => skipped("files", "nothing says how they should be"),
    });
    steps.push(revocation(verdict));
    signatures(verdict, package.envelope().is_some(), &mut steps);
    steps.push(threshold(verdict));
    let older = refusal.filter(|error| error.code() == Code::TrustRollback);
    steps.push(match (older, &args.policy.seen) {
        (Some(error), _) => broken("rollback", error),
        (None, Some(file)) => ok("rollback", format!("not older than what {} remembers", shown(file))),
        (None, None) => skipped("rollback", "no file remembers versions (--seen)"),
    });
    steps.push(match package.manifest() {
        Some(_) => ok("manifest", format!("{} {}", package.id(), package.version())),
        None => skipped("manifest", "a single file has none"),
    });
    steps.push(policy(one, refusal, engine));
    steps
}

/// Of the errors of a verdict the first that is about the package itself.
fn revocation(verdict: &Verdict) -> Step {
    let of_package = |one: &&Finding| one.code == Code::TrustRevoked && one.key.is_none();
    match (verdict.errors.iter().find(of_package), &verdict.allowed) {
        (Some(finding), _) => refused("revocation", finding.code, &finding.message),
        (None, Some(note)) => ok("revocation", format!("the package is not revoked; it is on the allow-list: {note}")),
        (None, None) => ok("revocation", "neither the package nor this version is revoked"),
    }
}

fn signatures(verdict: &Verdict, there: bool, steps: &mut Vec<Step>) {
    if !there {
        return steps.push(skipped("signature", "there is none"));
    }
    // One that does not hold leaves no signers; neither does an envelope that cannot be read.
    if verdict.signers.is_empty() {
        let about = |one: &&Finding| one.code.as_str().starts_with("verify.");
        steps.extend(verdict.errors.iter().filter(about).map(|one| refused("signature", one.code, &one.message)));
    }
    steps.extend(verdict.signers.iter().map(|signer| signature(signer, verdict)));
}

fn signature(signer: &Signer, verdict: &Verdict) -> Step {
    let revoked = |one: &&Finding| one.code == Code::TrustRevoked && one.key == Some(signer.key);
    let until = signer.expires.map_or_else(|| "without an end".into(), |end| format!("until {end}"));
    let name = format!("{} ({})", signer.label.as_deref().unwrap_or(&signer.claims), signer.key.short());
    if let Some(finding) = verdict.errors.iter().find(revoked) {
        return refused("signature", finding.code, &finding.message);
    }
    match &signer.problem {
        Some(problem) if verdict.errors.contains(problem) => refused("signature", problem.code, &problem.message),
        Some(problem) => Step {
            came: Came::Warned,
            code: Some(problem.code.as_str()),
            ..ok("signature", format!("holds, and does not count: {}", problem.message))
        },
        None if !signer.is_known() => Step {
            came: Came::Warned,
            ..ok(
                "signature",
                format!(
                    "holds, {until}; nobody here knows the key {}, who says: {}",
                    signer.key.short(),
                    signer.claims
                ),
            )
        },
        None => {
            let by: Vec<String> = signer.delegated_by.iter().map(|key| key.short()).collect();
            let by = if by.is_empty() { String::new() } else { format!(", trusted by {}", by.join(", by ")) };
            ok("signature", format!("{name} holds, {until}{by}; it gives {} at most", signer.gives))
        }
    }
}

fn threshold(verdict: &Verdict) -> Step {
    let (needed, counted) = verdict.threshold;
    let told = format!("{counted} of {needed} that make it verified");
    let short = [Code::VerifyThreshold, Code::VerifyUnknownSigner, Code::DeniedTrust];
    match verdict.errors.iter().find(|one| short.contains(&one.code)) {
        Some(finding) => refused("threshold", finding.code, &finding.message),
        None if !verdict.errors.is_empty() => skipped("threshold", "not reached"),
        None if counted >= needed => ok("threshold", told),
        None => skipped("threshold", told),
    }
}

fn policy(one: &Examination, refusal: Option<&Error>, engine: &Engine) -> Step {
    let name = &engine.policy().name;
    let earlier = !one.signatures.errors.is_empty() || refusal.is_some_and(|error| error.code() == Code::TrustRollback);
    match (refusal, one.trust) {
        (Some(_), _) if earlier => skipped("policy", "not reached"),
        (Some(error), _) => broken("policy", error),
        (None, trust) => {
            let trust = trust.unwrap_or(TrustLevel::Untrusted);
            let kind = one.admission.as_ref().map(|admission| format!(", to run as {}", admission.artefact().kind));
            ok("policy", format!("`{name}` takes it as {trust}{}", kind.unwrap_or_default()))
        }
    }
}

/// The checklist, for people.
fn told(steps: &[Step], width: usize) -> String {
    let mut text = String::new();
    for Step { step, came, told, code, remedy } in steps {
        let coded = code.map(|code| format!("{code}: ")).unwrap_or_default();
        let told = format!("{coded}{}", safe(told));
        paragraph(&mut text, &format!("  {:8} {step:11} ", came.word()), &told, width);
        if let Some(remedy) = remedy {
            paragraph(&mut text, &format!("{:23}", ""), remedy, width);
        }
    }
    text
}

struct Report<'a> {
    path: &'a Path,
    engine: &'a Engine,
    one: Option<&'a Examination>,
    refusal: Option<&'a Error>,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    path: String,
    /// Null for what cannot be read.
    plugin: Option<&'a str>,
    version: Option<String>,
    digest: Option<String>,
    policy: &'a str,
    /// Null where it is refused.
    trust: Option<String>,
    vouched: &'a str,
    steps: &'a [Step],
    signers: Vec<SignerBody<'a>>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct SignerBody<'a> {
    key: String,
    public: String,
    /// What the store calls it; null for an unknown one.
    label: Option<&'a str>,
    claims: &'a str,
    delegated_by: Vec<String>,
    expires: Option<String>,
    meta: std::collections::BTreeMap<&'a str, &'a str>,
    counts: bool,
    gives: String,
}

impl<'a> SignerBody<'a> {
    fn of(signer: &'a Signer) -> Self {
        SignerBody {
            key: signer.key.to_string(),
            public: signer.public.to_string(),
            label: signer.label.as_deref(),
            claims: &signer.claims,
            delegated_by: signer.delegated_by.iter().map(ToString::to_string).collect(),
            expires: signer.expires.map(|date| date.to_string()),
            meta: signer.meta.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            counts: signer.counts(),
            gives: signer.gives.to_string(),
        }
    }
}

impl Report<'_> {
    fn body(&self) -> Body<'_> {
        let verdict = self.one.map(|one| &one.signatures);
        let package = self.one.map(|one| &one.package);
        Body {
            ok: self.refusal.is_none(),
            error: self.refusal.map(Into::into),
            path: shown(self.path),
            plugin: package.map(|package| package.id().as_str()),
            version: package.map(|package| package.version().to_string()),
            digest: package.map(|package| package.digest().to_string()),
            policy: &self.engine.policy().name,
            trust: self.one.filter(|_| self.refusal.is_none()).and_then(|one| one.trust).map(|trust| trust.to_string()),
            vouched: self.one.map_or("nobody", |one| &one.vouched),
            steps: &self.steps,
            signers: verdict.into_iter().flat_map(|verdict| &verdict.signers).map(SignerBody::of).collect(),
            warnings: verdict.map(|verdict| &verdict.warnings[..]).unwrap_or_default(),
        }
    }

    fn page(&self) -> String {
        let width = width(&io::stdout());
        let mut text = told(&self.steps, width);
        text.push('\n');
        // What a step has told is not told again.
        let warnings = self.one.iter().flat_map(|one| &one.signatures.warnings);
        let told = |warning: &&String| {
            warning.starts_with("signed by a key nobody")
                || self.steps.iter().any(|step| step.told.contains(warning.as_str()))
        };
        for warning in warnings.filter(|warning| !told(warning)) {
            paragraph(&mut text, "  warning  ", &safe(warning), width);
        }
        let name =
            self.one.map_or_else(|| shown(self.path), |one| format!("{} {}", one.package.id(), one.package.version()));
        let end = match (self.refusal, self.one) {
            (None, Some(one)) => {
                let trust = one.trust.unwrap_or(TrustLevel::Untrusted);
                format!("{} is {trust}: {}", safe(&name), safe(&one.vouched))
            }
            (Some(error), _) => format!("{} is refused: {}", safe(&name), error.code()),
            (None, None) => String::new(),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{end}");
        text
    }
}
