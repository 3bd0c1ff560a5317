//! [`Case`]: one folder of the suite, read.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use modhost::{Limits, Value, package::parse_duration};
use toml::{Table, Value as Toml};

use super::value;

/// What a call must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Give this value.
    Gives(Value),
    /// Fail with this code.
    Fails(String),
}

/// One call of a case.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) export: String,
    pub(super) args: Vec<Value>,
    pub(super) expected: Expected,
}

/// One folder of the suite.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// What it shows.
    pub about: String,
    pub(super) folder: PathBuf,
    pub(super) limits: Limits,
    pub(super) load: Option<String>,
    pub(super) steps: Vec<Step>,
    pub(super) diverges: BTreeMap<String, Expected>,
    pub(super) missing: BTreeMap<String, String>,
}

/// Reads every case below `folder`, sorted by name.
///
/// # Errors
/// A text that names the case and what is wrong with it.
pub fn cases(folder: &Path) -> Result<Vec<Case>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("case.toml").is_file())
        .collect();
    folders.sort();
    folders.iter().map(|folder| read(folder).map_err(|error| format!("{}: {error}", folder.display()))).collect()
}

fn read(folder: &Path) -> Result<Case, String> {
    let text = fs::read_to_string(folder.join("case.toml")).map_err(|error| error.to_string())?;
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let about =
        table.remove("about").and_then(|about| about.as_str().map(str::to_owned)).ok_or("`about` is missing")?;
    let limits = table.remove("limits").map_or(Ok(Limits::default()), limits)?;
    let load = table.remove("load").and_then(|code| code.as_str().map(str::to_owned));
    let steps = match table.remove("call") {
        Some(Toml::Array(calls)) => calls.into_iter().map(step).collect::<Result<Vec<_>, _>>()?,
        Some(_) => return Err("`call` is no list".into()),
        None => Vec::new(),
    };
    if steps.is_empty() == load.is_none() {
        return Err("a case has calls, or a code for `load`".into());
    }
    let diverges = by_backend(table.remove("diverges"), |entry| {
        let Toml::Table(mut entry) = entry else { return Err("a divergence is a table".into()) };
        entry
            .remove("why")
            .and_then(|why| why.as_str().map(str::len))
            .filter(|len| *len > 10)
            .ok_or("a divergence says `why`")?;
        expected(&mut entry)
    })?;
    let missing = by_backend(table.remove("missing"), |why| {
        why.as_str().filter(|why| why.len() > 10).map(str::to_owned).ok_or_else(|| "say why it is missing".into())
    })?;
    if let Some(key) = table.keys().next() {
        return Err(format!("unknown key `{key}`"));
    }
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    Ok(Case { name, about, folder: folder.into(), limits, load, steps, diverges, missing })
}

fn by_backend<T>(table: Option<Toml>, read: impl Fn(Toml) -> Result<T, String>) -> Result<BTreeMap<String, T>, String> {
    match table {
        None => Ok(BTreeMap::new()),
        Some(Toml::Table(table)) => table.into_iter().map(|(kind, entry)| Ok((kind, read(entry)?))).collect(),
        Some(_) => Err("`diverges` and `missing` are tables by backend".into()),
    }
}

fn step(call: Toml) -> Result<Step, String> {
    let Toml::Table(mut call) = call else { return Err("a call is a table".into()) };
    let export =
        call.remove("export").and_then(|name| name.as_str().map(str::to_owned)).ok_or("a call names its `export`")?;
    let args = match call.remove("args") {
        None => Vec::new(),
        Some(Toml::Array(args)) => args.into_iter().map(value::of).collect::<Result<_, _>>()?,
        Some(_) => return Err("`args` is no list".into()),
    };
    Ok(Step { export, args, expected: expected(&mut call)? })
}

fn expected(table: &mut Table) -> Result<Expected, String> {
    let expected = match (table.remove("gives"), table.remove("fails")) {
        (Some(gives), None) => Expected::Gives(value::of(gives)?),
        (None, Some(Toml::String(code))) => Expected::Fails(code),
        _ => return Err("a call `gives` a value or `fails` with a code".into()),
    };
    match table.keys().next() {
        Some(key) => Err(format!("unknown key `{key}` in a call")),
        None => Ok(expected),
    }
}

fn limits(table: Toml) -> Result<Limits, String> {
    let Toml::Table(table) = table else { return Err("`limits` is a table".into()) };
    let mut limits = Limits::default();
    for (key, limit) in table {
        if key == "deadline" {
            limits.deadline = duration(&limit)?;
            continue;
        }
        let number =
            limit.as_integer().and_then(|number| u64::try_from(number).ok()).ok_or(format!("`{key}` is no number"))?;
        let small = u32::try_from(number).unwrap_or(u32::MAX);
        match key.as_str() {
            "fuel" => limits.fuel = number,
            "memory" => limits.memory = number,
            "output" => limits.output = number,
            "call_depth" => limits.call_depth = small,
            "reentry_depth" => limits.reentry_depth = small,
            "value_bytes" => limits.value.bytes = number,
            "value_depth" => limits.value.depth = small,
            _ => return Err(format!("unknown limit `{key}`")),
        }
    }
    Ok(limits)
}

fn duration(limit: &Toml) -> Result<Duration, String> {
    limit.as_str().and_then(|text| parse_duration(text).ok()).ok_or_else(|| "`deadline` is no duration".into())
}
