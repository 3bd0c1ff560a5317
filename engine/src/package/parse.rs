//! `plugin.toml` to [`Manifest`]: which tables and keys there are, and what each means.

use std::{collections::HashSet, hash::Hash};

use modhost_abi::Capability;
use modhost_backend::{Kind, Place};
use semver::VersionReq;

use super::{
    About, AskedCapabilities, AskedLimits, Entry, Id, Manifest, Provision, Requirement,
    depends::{self, Depends},
    name::check_path,
    nearest,
    schema::{Item, Keys, Text, quote},
};
use crate::{Code, Error, Result};

/// The schema that this engine reads.
const SCHEMA: u64 = 1;

const TABLES: [&str; 17] = [
    "manifest",
    "plugin",
    "entry",
    "requires",
    "dependencies",
    "provides",
    "dev-dependencies",
    "conflicts",
    "any-of",
    "capabilities",
    "events",
    "limits",
    "settings",
    "storage",
    "state",
    "build",
    "permissions",
];

/// Names whose content comes with later releases.
const RESERVED: [&str; 5] = ["settings", "storage", "state", "build", "permissions"];

const PLUGIN: [&str; 12] = [
    "id",
    "version",
    "name",
    "description",
    "authors",
    "license",
    "engine",
    "repository",
    "documentation",
    "category",
    "tags",
    "depends",
];

const LIMITS: [&str; 7] = ["fuel", "memory", "deadline", "call_depth", "output", "value_bytes", "queue"];

/// Reads a whole manifest.
pub(super) fn manifest(bytes: &[u8]) -> Result<Manifest> {
    let text = Text::new(bytes)?;
    let document = text.parse()?;
    let root = Keys::root(&text, document.get_ref())?;
    // Before the keys are looked at: those of a newer schema are not known here, and that is what must be said.
    root.read("manifest", schema)?;
    root.check(&TABLES)?;
    let plugin = root.need("plugin")?.keys("[plugin]", &PLUGIN)?;
    let mut manifest = Manifest {
        id: plugin.need("id").and_then(own_id)?,
        version: plugin.need("version").and_then(depends::version)?,
        engine: plugin.read("engine", |item| requirement(item, "modhost".to_owned()))?,
        about: about(&plugin)?,
        entries: root.read("entry", entries)?.unwrap_or_default(),
        requires: each(&root, "requires", |item| requirement(item, contract(item)?))?,
        dependencies: each(&root, "dependencies", |item| depends::dependency(item, "dependencies"))?,
        provides: each(&root, "provides", provision)?,
        dev_dependencies: each(&root, "dev-dependencies", |item| depends::dependency(item, "dev-dependencies"))?,
        conflicts: each(&root, "conflicts", depends::conflict)?,
        any_of: each(&root, "any-of", depends::alternative)?,
        capabilities: AskedCapabilities::default(),
        listen: Vec::new(),
        limits: root.read("limits", limits)?.unwrap_or_default(),
        notes: Vec::new(),
    };
    if let Some(item) = plugin.get("depends") {
        second_spelling(&mut manifest, item)?;
    }
    if let Some(item) = root.get("capabilities") {
        let keys = item.keys("[capabilities]", &["required", "optional"])?;
        let required = keys.read("required", capabilities)?.unwrap_or_default();
        let optional = keys.read("optional", capabilities)?.unwrap_or_default();
        let mut seen = HashSet::new();
        manifest.capabilities.required = once(required, &mut seen, &mut manifest.notes);
        manifest.capabilities.optional = once(optional, &mut seen, &mut manifest.notes);
    }
    if let Some(item) = root.get("events") {
        let topic = |item: Item<'_>| name(item, item.string()?, false);
        let topics = |item: Item<'_>| item.array()?.into_iter().map(topic).collect::<Result<Vec<_>>>();
        let topics = item.keys("[events]", &["listen"])?.read("listen", topics)?.unwrap_or_default();
        manifest.listen = once(topics, &mut HashSet::new(), &mut manifest.notes);
    }
    for table in RESERVED {
        let Some(item) = root.get(table) else { continue };
        item.entries()?;
        manifest.notes.push(format!("[{table}] is reserved for a later release; its content is not read"));
    }
    for entry in &manifest.entries {
        let known = [Kind::LUA, Kind::RHAI, Kind::WASM, Kind::NATIVE];
        if known.contains(&entry.kind) {
            continue;
        }
        if let Some(near) = nearest(entry.kind.as_str(), known.iter().map(Kind::as_str)) {
            manifest.notes.push(format!("`{}` is no backend of modhost's own; did you mean `{near}`?", entry.kind));
        }
    }
    Ok(manifest)
}

fn schema(item: Item<'_>) -> Result<()> {
    match item.count()? {
        0 => Err(item.error(Code::ManifestSyntax, "schemas are counted from 1")),
        SCHEMA => Ok(()),
        newer => {
            let engine = env!("CARGO_PKG_VERSION");
            let message = format!("this is schema {newer}; modhost {engine} reads schema {SCHEMA}");
            Err(item.error(Code::ManifestNewer, message))
        }
    }
}

/// Reads every entry of a table whose keys are the author's.
fn each<'d, T>(root: &Keys<'d>, table: &str, read: impl Fn(Item<'d>) -> Result<T>) -> Result<Vec<T>> {
    let Some(item) = root.get(table) else { return Ok(Vec::new()) };
    item.entries()?.into_iter().map(read).collect()
}

/// The first of each, with a note on every further one.
fn once<T: Clone + Eq + Hash + ToString>(all: Vec<T>, seen: &mut HashSet<T>, notes: &mut Vec<String>) -> Vec<T> {
    let mut firsts = Vec::new();
    for one in all {
        if seen.insert(one.clone()) {
            firsts.push(one);
        } else {
            notes.push(format!("`{}` is named twice", one.to_string()));
        }
    }
    firsts
}

fn own_id(item: Item<'_>) -> Result<Id> {
    Id::new(item.string()?).map_err(|error| item.error(Code::ManifestId, error.to_string()))
}

/// A dotted name (a capability, topic or contract), by the rule that host functions share.
pub(super) fn name(item: Item<'_>, text: &str, at_key: bool) -> Result<String> {
    let problem = match Capability::new(text) {
        Ok(name) => return Ok(name.to_string()),
        Err(error) => error.to_string(),
    };
    Err(if at_key { item.error_at_key(Code::ManifestName, problem) } else { item.error(Code::ManifestName, problem) })
}

/// A contract's name: one part, since it is the first part of its functions' names.
fn contract(item: Item<'_>) -> Result<String> {
    let contract = name(item, item.key, true)?;
    if contract.contains('.') {
        let message = format!("{} is no contract: a contract's name has no dot", quote(&contract));
        return Err(item.error_at_key(Code::ManifestName, message));
    }
    Ok(contract)
}

fn requirement(item: Item<'_>, name: String) -> Result<Requirement> {
    let version: VersionReq = depends::requirement(item)?;
    Ok(Requirement { name, version, at: item.place() })
}

fn provision(item: Item<'_>) -> Result<Provision> {
    Ok(Provision { name: contract(item)?, version: depends::version(item)?, at: item.place() })
}

fn about(plugin: &Keys<'_>) -> Result<About> {
    let text = |key| plugin.read(key, |item| item.string().map(str::to_owned));
    let texts = |key| {
        let read = |item: Item<'_>| Ok(item.strings()?.into_iter().map(str::to_owned).collect());
        plugin.read(key, read).map(Option::unwrap_or_default)
    };
    Ok(About {
        name: text("name")?,
        description: text("description")?,
        authors: texts("authors")?,
        license: text("license")?,
        repository: text("repository")?,
        documentation: text("documentation")?,
        category: text("category")?,
        tags: texts("tags")?,
    })
}

fn entries(item: Item<'_>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for item in item.entries()? {
        let kind = Kind::new(item.key).map_err(|error| item.error_at_key(Code::ManifestName, error.to_string()))?;
        if kind != Kind::NATIVE || !item.is_table() {
            entries.push(Entry { kind, target: None, path: path(item)?, at: item.place() });
            continue;
        }
        for item in item.entries()? {
            let target = Some(target(item)?);
            entries.push(Entry { kind: kind.clone(), target, path: path(item)?, at: item.place() });
        }
    }
    Ok(entries)
}

/// `linux-x86_64`. Any system and processor is taken: the manifest may be older than this engine, or newer.
fn target(item: Item<'_>) -> Result<String> {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match item.key.split_once('-') {
        Some((system, processor)) if item.key.len() <= 64 && word(system) && word(processor) => Ok(item.key.to_owned()),
        _ => {
            let message = format!("{} is not a target: write OS-ARCH, like `linux-x86_64`", quote(item.key));
            Err(item.error_at_key(Code::ManifestName, message))
        }
    }
}

fn path(item: Item<'_>) -> Result<String> {
    let path = item.string()?;
    match check_path(path) {
        Ok(()) => Ok(path.to_owned()),
        Err((code, problem)) => Err(item.error(code, format!("the path {} {problem}", quote(path)))),
    }
}

fn capabilities(item: Item<'_>) -> Result<Vec<Capability>> {
    let capability = |item: Item<'_>| {
        Capability::new(item.string()?).map_err(|error| item.error(Code::ManifestName, error.to_string()))
    };
    item.array()?.into_iter().map(capability).collect()
}

fn limits(item: Item<'_>) -> Result<AskedLimits> {
    let keys = item.keys("[limits]", &LIMITS)?;
    let small = |item: Item<'_>| {
        let too_large = |_| item.error(Code::ManifestSyntax, format!("{} is too large", quote(item.key)));
        u32::try_from(item.count()?).map_err(too_large)
    };
    Ok(AskedLimits {
        fuel: keys.read("fuel", |item| item.count())?,
        memory: keys.read("memory", |item| item.size())?,
        deadline: keys.read("deadline", |item| item.duration())?,
        call_depth: keys.read("call_depth", small)?,
        output: keys.read("output", |item| item.size())?,
        value_bytes: keys.read("value_bytes", |item| item.size())?,
        queue: keys.read("queue", small)?,
    })
}

/// Adds what `depends` says; a plugin that is spoken of twice is an error, since the two may differ.
fn second_spelling(manifest: &mut Manifest, item: Item<'_>) -> Result<()> {
    let mut needed: HashSet<Id> = manifest.dependencies.iter().map(|dependency| dependency.id.clone()).collect();
    let mut refused: HashSet<Id> = manifest.conflicts.iter().map(|conflict| conflict.id.clone()).collect();
    let twice = |item: Item<'_>, id: &Id| -> Error {
        item.error(Code::ManifestSyntax, format!("`{id}` is named twice; keep one of the two"))
    };
    for item in item.array()? {
        match depends::depends(item)? {
            Depends::Needs(dependency) => {
                if !needed.insert(dependency.id.clone()) {
                    return Err(twice(item, &dependency.id));
                }
                manifest.dependencies.push(dependency);
            }
            Depends::Conflicts(conflict) => {
                if !refused.insert(conflict.id.clone()) {
                    return Err(twice(item, &conflict.id));
                }
                manifest.conflicts.push(conflict);
            }
        }
    }
    Ok(())
}

/// The place that stands for the whole manifest.
pub(super) fn beginning() -> Place {
    Place { line: Some(1), column: Some(1), ..Place::file(super::MANIFEST) }
}
