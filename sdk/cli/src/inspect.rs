//! `modhost inspect`: one plugin from all sides. Runs nothing of it unless `--load` is given.

mod page;

use std::path::Path;

use modhost::{
    Admissibility, Code, Engine, Error, Examination, Result, TrustLevel,
    backend::{ExportInfo, Limits},
    package::{self, AskedLimits, IndexedFile, Manifest},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::Inspect,
    diagnose, host,
    json::{
        about::{About, Export},
        body::ErrorBody,
    },
    source::Sources,
};

/// Inspects.
pub(crate) fn inspect(args: &Inspect, json: bool) -> Answer {
    let mut sources = Sources::default().with_policy(args.host.policy.name.as_deref());
    let engine = match host::engine(&args.host) {
        Ok(engine) => engine,
        Err(error) => return Answer::error_in(&error, json, &sources),
    };
    sources = Sources::new(std::slice::from_ref(&args.path), &engine.policy().caps);
    let one = match engine.examine(&args.path) {
        Ok(one) => one,
        Err(error) => return Answer::error_in(&with_names(error, &args.path, "inspect", &engine), json, &sources),
    };
    let (exports, failed) = match args.load.then(|| load(&engine, args)) {
        Some(Ok(exports)) => (Some(exports), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let status = failed.as_ref().map_or(0, |error| error.code().exit_status());
    if json {
        return Answer::object(status, &Body::of(&engine, &one, exports.as_deref(), failed.as_ref()));
    }
    if let Some(error) = &failed {
        diagnose::error(error, &sources);
    }
    Answer::new(status, page::page(&engine, &one, exports.as_deref()))
}

/// Loads it and tells what it exports.
fn load(engine: &Engine, args: &Inspect) -> Result<Vec<ExportInfo>> {
    let plugin = engine.load_path(&args.path)?;
    engine.exports(plugin)
}

/// A folder of plugins is no plugin: says which there are.
pub(crate) fn with_names(error: Error, path: &Path, verb: &str, engine: &Engine) -> Error {
    if error.code() != Code::PackageNotAPlugin || !host::holds_plugins(path) {
        return error;
    }
    let Ok(mut found) = package::discover(path, &engine.policy().caps) else { return error };
    let all = found.len();
    let paths: Vec<String> =
        found.by_ref().flatten().take(5).map(|package| package.source().display().to_string()).collect();
    if paths.is_empty() {
        return error;
    }
    let message = format!("{}: this is a folder of plugins; `{verb}` takes one", path.display());
    let more = if all > paths.len() { ", ..." } else { "" };
    let help = format!("Name one of {}{more}; `modhost list {}` shows all.", paths.join(", "), path.display());
    Error::new(error.code(), error.stage(), message).with_help(help)
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    #[serde(flatten)]
    about: About<'a>,
    manifest: Option<Words<'a>>,
    artefacts: Vec<Build<'a>>,
    /// The plugin's identity: the digest of the list of its files.
    digest: String,
    /// By which the list hashes each file.
    algorithm: String,
    /// Whether the list came with the plugin, as it does in a package.
    recorded: bool,
    /// Bytes of the package; null where it is none.
    packed: Option<u64>,
    /// Whether there are signatures.
    signatures: bool,
    files: Vec<FileBody<'a>>,
    limits: Option<Wanted>,
    policy: &'a str,
    /// Null where the plugin would not be loaded.
    admitted: Option<Admitted<'a>>,
    /// Null unless it was loaded.
    exports: Option<Vec<Export<'a>>>,
}

/// What the manifest says for people.
#[derive(Serialize)]
struct Words<'a> {
    name: Option<&'a str>,
    authors: &'a [String],
    license: Option<&'a str>,
    engine: Option<String>,
    repository: Option<&'a str>,
    documentation: Option<&'a str>,
    category: Option<&'a str>,
    tags: &'a [String],
}

#[derive(Serialize)]
struct Build<'a> {
    backend: &'a str,
    entry: &'a str,
    bytes: usize,
    text: bool,
    /// `taken`, `admissible` or `refused`.
    verdict: &'static str,
    reasons: &'a [String],
}

#[derive(Serialize)]
struct FileBody<'a> {
    path: &'a str,
    bytes: u64,
    digest: &'a str,
}

/// The limits that the manifest asks for; null for what it leaves to the policy.
#[derive(Serialize)]
struct Wanted {
    fuel: Option<u64>,
    memory: Option<u64>,
    deadline_us: Option<u64>,
    call_depth: Option<u32>,
    output: Option<u64>,
    value_bytes: Option<u64>,
    queue: Option<u32>,
}

#[derive(Serialize)]
struct Admitted<'a> {
    backend: &'a str,
    entry: &'a str,
    trust: Option<String>,
    vouched: &'a str,
    unprotected: bool,
    limits: Given,
    notes: &'a [String],
}

/// The limits that it gets.
#[derive(Serialize)]
struct Given {
    fuel: u64,
    memory: u64,
    deadline_us: u64,
    call_depth: u32,
    output: u64,
    value_bytes: u64,
    queue: u32,
}

impl<'a> Body<'a> {
    fn of(
        engine: &'a Engine,
        one: &'a Examination,
        exports: Option<&'a [ExportInfo]>,
        failed: Option<&'a Error>,
    ) -> Self {
        let package = &one.package;
        let manifest = package.manifest();
        Body {
            ok: failed.is_none(),
            error: failed.map(Into::into),
            about: About::of(one),
            manifest: manifest.map(Words::of),
            artefacts: one
                .candidates
                .iter()
                .map(|candidate| Build {
                    backend: candidate.artefact.kind.as_str(),
                    entry: &candidate.artefact.entry,
                    bytes: candidate.bytes,
                    text: candidate.artefact.text,
                    verdict: verdict(&candidate.admissibility).0,
                    reasons: verdict(&candidate.admissibility).1,
                })
                .collect(),
            digest: package.digest().to_string(),
            algorithm: package.index().algorithm().to_string(),
            recorded: package.recorded(),
            packed: package.packed(),
            signatures: package.envelope().is_some(),
            files: package.index().files().iter().map(FileBody::of).collect(),
            limits: manifest.map(|manifest| Wanted::of(&manifest.limits)),
            policy: &engine.policy().name,
            admitted: one.admission.as_ref().filter(|_| one.problems.is_empty()).map(|admission| Admitted {
                backend: admission.artefact().kind.as_str(),
                entry: &admission.artefact().entry,
                trust: one.trust.as_ref().map(TrustLevel::to_string),
                vouched: &one.vouched,
                unprotected: admission.unprotected(),
                limits: Given::of(admission.limits()),
                notes: admission.notes(),
            }),
            exports: exports.map(|exports| exports.iter().map(Export::of).collect()),
        }
    }
}

/// What was found of a build by its name, and the reasons of a refusal.
fn verdict(found: &Admissibility) -> (&'static str, &[String]) {
    match found {
        Admissibility::Taken => ("taken", &[]),
        Admissibility::Admissible => ("admissible", &[]),
        Admissibility::Refused(reasons) => ("refused", reasons),
        _ => ("unknown", &[]),
    }
}

impl<'a> FileBody<'a> {
    fn of(file: &'a IndexedFile) -> Self {
        FileBody { path: &file.path, bytes: file.size, digest: &file.digest }
    }
}

impl<'a> Words<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let about = &manifest.about;
        Words {
            name: about.name.as_deref(),
            authors: &about.authors,
            license: about.license.as_deref(),
            engine: manifest.engine.as_ref().map(|need| need.version.to_string()),
            repository: about.repository.as_deref(),
            documentation: about.documentation.as_deref(),
            category: about.category.as_deref(),
            tags: &about.tags,
        }
    }
}

impl Wanted {
    fn of(limits: &AskedLimits) -> Self {
        Wanted {
            fuel: limits.fuel,
            memory: limits.memory,
            deadline_us: limits.deadline.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
            call_depth: limits.call_depth,
            output: limits.output,
            value_bytes: limits.value_bytes,
            queue: limits.queue,
        }
    }
}

impl Given {
    fn of(limits: &Limits) -> Self {
        Given {
            fuel: limits.fuel,
            memory: limits.memory,
            deadline_us: u64::try_from(limits.deadline.as_micros()).unwrap_or(u64::MAX),
            call_depth: limits.call_depth,
            output: limits.output,
            value_bytes: limits.value.bytes,
            queue: limits.queue,
        }
    }
}
