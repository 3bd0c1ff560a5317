//! Policy files: which tables and keys there are, and what each means. The readers are those of manifests.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use modhost_abi::{Capability, ValueLimits};
use modhost_backend::{Isolation, Kind, Limits};

use super::{Calibration, Capabilities, GroupBy, GroupLimits, Level, LimitSet, Policy, check_group_name};
use crate::{
    audit::AuditPolicy,
    backends,
    error::{Code, Error, Result, Stage},
    package::{
        Caps, Id, nearest,
        schema::{Codes, Item, Keys, Text, quote},
    },
    resolve::{Choice, Mode, Optionals, Options},
};

pub(super) const CODES: Codes = Codes {
    stage: Stage::Engine,
    syntax: Code::PolicySyntax,
    unknown_key: Code::PolicyUnknownKey,
    // No key is needed.
    missing_key: Code::PolicySyntax,
    size: Code::PolicySize,
    duration: Code::PolicyDuration,
};

const ROOT: [&str; 23] = [
    "base",
    "name",
    "unsigned",
    "signatures",
    "require_trusted_signer",
    "signature_max_age",
    "vendors",
    "source_formats",
    "prefer",
    "instances",
    "total_memory",
    "deliveries",
    "audit",
    "groups",
    "other_groups",
    "group_by",
    "untrusted",
    "verified",
    "trusted",
    "libraries",
    "calibration",
    "resolve",
    "caps",
];

const LEVEL: [&str; 22] = [
    "admitted",
    "isolation",
    "backends",
    "limits",
    "capabilities",
    "fuel",
    "work",
    "memory",
    "deadline",
    "call_depth",
    "reentry_depth",
    "value_depth",
    "value_bytes",
    "output",
    "queue",
    "source",
    "module",
    "open_files",
    "connections",
    "threads",
    "storage",
    "cpu_share",
];

const GROUP: [&str; 6] = ["plugins", "memory", "fuel", "time", "output", "queue"];

const GROUP_BY: [(&str, GroupBy); 2] = [("nothing", GroupBy::Nothing), ("publisher", GroupBy::Publisher)];

const CAPS: [&str; 9] = ["file", "total", "folder", "package", "manifest", "ratio", "files", "plugins", "depth"];

const MODES: [(&str, Mode); 2] = [("best-effort", Mode::BestEffort), ("all-or-nothing", Mode::AllOrNothing)];

const CHOICES: [(&str, Choice); 2] = [("best", Choice::Best), ("greedy", Choice::Greedy)];
const OPTIONALS: [(&str, Optionals); 3] =
    [("allow", Optionals::Allow), ("warn", Optionals::Warn), ("require", Optionals::Require)];

const AUDIT: [(&str, AuditPolicy); 2] =
    [("deny-privileged", AuditPolicy::DenyPrivileged), ("continue", AuditPolicy::Continue)];

const ISOLATION: [(&str, Isolation); 4] = [
    ("none", Isolation::SharedMemory),
    ("sandbox", Isolation::Sandbox),
    ("process", Isolation::Process),
    ("container", Isolation::Container),
];

/// Reads a whole policy file.
pub(super) fn read(text: &str, file: &str) -> Result<Policy> {
    let text = Text::of(text, file, &CODES);
    let document = text.parse()?;
    let root = Keys::root(&text, document.get_ref())?;
    root.check(&ROOT)?;
    let mut policy = root.read("base", base)?.unwrap_or_default();
    let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    policy.name = root.read("name", name)?.or(stem).unwrap_or(policy.name);
    set(&mut policy.unsigned, root.read("unsigned", |item| item.boolean())?);
    set(&mut policy.signatures, root.read("signatures", number)?);
    set(&mut policy.require_trusted_signer, root.read("require_trusted_signer", |item| item.boolean())?);
    policy.signature_max_age = root.read("signature_max_age", |item| item.duration())?.or(policy.signature_max_age);
    set(&mut policy.vendors, root.read("vendors", |item| item.array()?.into_iter().map(vendor).collect())?);
    set(&mut policy.source_formats, root.read("source_formats", |item| item.boolean())?);
    set(&mut policy.prefer, root.read("prefer", |item| item.array()?.into_iter().map(kind).collect())?);
    set(&mut policy.instances, root.read("instances", number)?);
    set(&mut policy.total_memory, root.read("total_memory", |item| item.size())?);
    set(&mut policy.deliveries, root.read("deliveries", number)?);
    set(&mut policy.audit, root.read("audit", |item| word(item, &AUDIT))?);
    root.read("groups", |item| groups(&mut policy.groups, item))?;
    let others = |item| group(policy.other_groups.take().unwrap_or_default(), item, "[other_groups]").map(Some);
    let others = root.read("other_groups", others)?;
    set(&mut policy.other_groups, others);
    set(&mut policy.group_by, root.read("group_by", |item| word(item, &GROUP_BY))?);
    for (key, level) in
        [("untrusted", &mut policy.untrusted), ("verified", &mut policy.verified), ("trusted", &mut policy.trusted)]
    {
        root.read(key, |item| change(level, item))?;
    }
    set(&mut policy.libraries, root.read("libraries", libraries)?);
    policy.calibration = root.read("calibration", |item| Calibration::read(&item))?.or(policy.calibration);
    root.read("resolve", |item| resolve(&mut policy.resolve, item))?;
    root.read("caps", |item| caps(&mut policy.caps, item))?;
    Ok(policy)
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn value_error(item: Item<'_>, message: impl Into<String>) -> Error {
    item.error(Code::PolicyValue, message)
}

/// One of `words`, or an error that names the nearest.
fn word<T: Copy>(item: Item<'_>, words: &[(&str, T)]) -> Result<T> {
    let text = item.string()?;
    words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        value_error(item, format!("{} is no value of {}{}", quote(text), quote(item.key), advice(text, &names)))
    })
}

/// The end of a message about `word`, which is none of `words`.
fn advice(word: &str, words: &[&str]) -> String {
    match nearest(word, words.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; there are {}", words.join(", ")),
    }
}

fn base(item: Item<'_>) -> Result<Policy> {
    let name = item.string()?;
    Policy::preset(name).map_err(|unknown| item.error(unknown.code(), unknown.message()).with_help(unknown.help()))
}

fn name(item: Item<'_>) -> Result<String> {
    let name = item.string()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        let message = format!("{} is no name: write 1 to 64 letters, digits, `-`, `_`, `.` and spaces", quote(name));
        return Err(value_error(item, message));
    }
    Ok(name.to_owned())
}

/// A whole number that fits a counter of 32 bits.
fn number(item: Item<'_>) -> Result<u32> {
    let number = item.count()?;
    u32::try_from(number).map_err(|_| value_error(item, format!("{number} is beyond {}, the most there is", u32::MAX)))
}

fn at_most(most: u32, what: &str, item: Item<'_>) -> Result<u32> {
    match number(item)? {
        number if number > most => Err(value_error(item, format!("{number} is beyond {most}, {what}"))),
        number => Ok(number),
    }
}

fn kind(item: Item<'_>) -> Result<Kind> {
    Kind::new(item.string()?).map_err(|error| value_error(item, error.to_string()))
}

/// What an id can have before its dot.
fn vendor(item: Item<'_>) -> Result<String> {
    let name = item.string()?;
    match Id::new(format!("{name}.x")) {
        Ok(id) if id.publisher() == Some(name) => Ok(name.to_owned()),
        _ => Err(value_error(item, format!("{} is no publisher: write the part of an id before its dot", quote(name)))),
    }
}

/// Changes what `[untrusted]` and so on name.
fn change(level: &mut Level, item: Item<'_>) -> Result<()> {
    let keys = item.keys(&format!("[{}]", item.key), &LEVEL)?;
    set(&mut level.admitted, keys.read("admitted", |item| item.boolean())?);
    if let Some(isolation) = keys.read("isolation", |item| word(item, &ISOLATION))? {
        level.isolate(isolation);
    }
    level.backends =
        keys.read("backends", |item| item.array()?.into_iter().map(kind).collect())?.or(level.backends.take());
    if let Some(set) = keys.read("limits", |item| word(item, &LimitSet::ALL.map(|set| (set.name(), set))))? {
        level.limits = set.limits();
    }
    level.work = keys.read("work", |item| item.duration())?.or(level.work);
    set(&mut level.capabilities, keys.read("capabilities", capabilities)?);
    limits(&mut level.limits, &keys)
}

fn limits(limits: &mut Limits, keys: &Keys<'_>) -> Result<()> {
    set(&mut limits.fuel, keys.read("fuel", |item| item.count())?);
    set(&mut limits.deadline, keys.read("deadline", |item| item.duration())?);
    let sizes = [
        ("memory", &mut limits.memory),
        ("value_bytes", &mut limits.value.bytes),
        ("output", &mut limits.output),
        ("source", &mut limits.source),
        ("module", &mut limits.module),
        ("storage", &mut limits.storage),
    ];
    for (key, limit) in sizes {
        set(limit, keys.read(key, |item| item.size())?);
    }
    let counts = [
        ("call_depth", &mut limits.call_depth),
        ("reentry_depth", &mut limits.reentry_depth),
        ("queue", &mut limits.queue),
        ("open_files", &mut limits.open_files),
        ("connections", &mut limits.connections),
        ("threads", &mut limits.threads),
    ];
    for (key, limit) in counts {
        set(limit, keys.read(key, number)?);
    }
    let depth = |item| at_most(ValueLimits::DEEPEST, "the most there is", item);
    set(&mut limits.value.depth, keys.read("value_depth", depth)?);
    set(&mut limits.cpu_share, keys.read("cpu_share", |item| at_most(100, "a whole processor in percent", item))?);
    Ok(())
}

fn groups(groups: &mut BTreeMap<String, GroupLimits>, item: Item<'_>) -> Result<()> {
    for item in item.entries()? {
        check_group_name(item.key).map_err(|message| item.error_at_key(Code::PolicyValue, message))?;
        let before = groups.remove(item.key).unwrap_or_default();
        groups.insert(item.key.to_owned(), group(before, item, &format!("[groups.{}]", item.key))?);
    }
    Ok(())
}

/// The limits of one group: those that the table names, over `limits`.
fn group(mut limits: GroupLimits, item: Item<'_>, name: &str) -> Result<GroupLimits> {
    let keys = item.keys(name, &GROUP)?;
    set(&mut limits.plugins, keys.read("plugins", number)?);
    set(&mut limits.memory, keys.read("memory", |item| item.size())?);
    set(&mut limits.fuel, keys.read("fuel", |item| item.count())?);
    set(&mut limits.time, keys.read("time", |item| item.duration())?);
    set(&mut limits.output, keys.read("output", |item| item.size())?);
    set(&mut limits.queue, keys.read("queue", number)?);
    Ok(limits)
}

fn capabilities(item: Item<'_>) -> Result<Capabilities> {
    if item.is_string() {
        return word(item, &[("requested", ())]).map(|()| Capabilities::Requested);
    }
    let mut granted = Capabilities::none();
    for item in item.array()? {
        granted.add(Capability::new(item.string()?).map_err(|error| value_error(item, error.to_string()))?);
    }
    Ok(granted)
}

fn libraries(item: Item<'_>) -> Result<BTreeMap<Kind, BTreeSet<String>>> {
    let mut open = BTreeMap::new();
    for item in item.entries()? {
        let kind = Kind::new(item.key).map_err(|error| item.error_at_key(Code::PolicyValue, error.to_string()))?;
        let mut names = BTreeSet::new();
        for item in item.array()? {
            let name = item.string()?;
            backends::check_library(&kind, name).map_err(|message| value_error(item, message))?;
            names.insert(name.to_owned());
        }
        open.insert(kind, names);
    }
    Ok(open)
}

fn resolve(options: &mut Options, item: Item<'_>) -> Result<()> {
    let keys = item.keys("[resolve]", &["mode", "optionals", "choice", "budget"])?;
    set(&mut options.mode, keys.read("mode", |item| word(item, &MODES))?);
    set(&mut options.optionals, keys.read("optionals", |item| word(item, &OPTIONALS))?);
    set(&mut options.choice, keys.read("choice", |item| word(item, &CHOICES))?);
    set(&mut options.budget, keys.read("budget", |item| item.count())?);
    Ok(())
}

fn caps(caps: &mut Caps, item: Item<'_>) -> Result<()> {
    let keys = item.keys("[caps]", &CAPS)?;
    for (key, cap) in [
        ("file", &mut caps.file),
        ("total", &mut caps.total),
        ("folder", &mut caps.folder),
        ("package", &mut caps.package),
        ("manifest", &mut caps.manifest),
    ] {
        set(cap, keys.read(key, |item| item.size())?);
    }
    set(&mut caps.ratio, keys.read("ratio", |item| item.count())?);
    for (key, cap) in [("files", &mut caps.files), ("plugins", &mut caps.plugins), ("depth", &mut caps.depth)] {
        set(cap, keys.read(key, |item| number(item).map(|number| number as usize))?);
    }
    Ok(())
}
