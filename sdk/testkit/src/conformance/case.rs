//! [`Case`]: one folder of the suite, read. It knows the format and runs nothing.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use modhost::{Code, Enforcement, Guarantee, Limits, Value, package::parse_duration};
use toml::{Table, Value as Toml};

use super::value;

/// What a call must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Give this value.
    Gives(Value),
    /// Fail with this code.
    Fails(Code),
}

/// What one backend does instead, and who says that it must.
#[derive(Clone, Debug)]
pub struct Divergence {
    /// What it does.
    pub expected: Expected,
    /// Why.
    pub why: String,
    /// The line of documentation that forces it: `FILE: the words`, or an address.
    pub doc: String,
}

/// What a call, or the loading, must do; and what by backend instead.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) expected: Expected,
    pub(super) diverges: BTreeMap<String, Divergence>,
}

/// Which export a step calls.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Export(String),
    /// The one that the plugin gave to `host.later`.
    Callback,
}

/// The answer to a pending function: a value, or an error of this text.
pub(super) type Answer = Result<Value, String>;

/// One call of a case.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The plugin's stem, `main` or one of [`Case::plugins`].
    pub(super) plugin: String,
    pub(super) target: Target,
    pub(super) args: Vec<Value>,
    /// Answers to the pending functions in which the call is suspended; where there are none it is a plain call.
    pub(super) answers: Option<Vec<Answer>>,
    pub(super) demand: Demand,
    /// The lines that the plugin has printed by then, where the case says.
    pub(super) prints: Option<Vec<String>>,
}

/// A promise of [`Enforcement`] without which a case says nothing about a backend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise(&'static str, fn(&Enforcement) -> Guarantee);

const PROMISES: [Promise; 6] = [
    Promise("instructions", |enforcement| enforcement.instructions),
    Promise("memory", |enforcement| enforcement.memory),
    Promise("interrupt", |enforcement| enforcement.interrupt),
    Promise("call_depth", |enforcement| enforcement.call_depth),
    Promise("output", |enforcement| enforcement.output),
    Promise("suspend", |enforcement| if enforcement.suspend { Guarantee::Exact } else { Guarantee::None }),
];

impl Promise {
    pub(super) fn name(self) -> &'static str {
        self.0
    }

    pub(super) fn is_made(self, enforcement: &Enforcement) -> bool {
        self.1(enforcement) != Guarantee::None
    }
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
    pub(super) needs: Vec<Promise>,
    /// The stems of further plugins, loaded before `main`.
    pub(super) plugins: Vec<String>,
    pub(super) load: Option<Demand>,
    pub(super) steps: Vec<Step>,
    pub(super) missing: BTreeMap<String, String>,
}

impl Case {
    /// What is declared for backends that do something else, each with the backend's name.
    pub fn divergences(&self) -> impl Iterator<Item = (&str, &Divergence)> {
        let demands = self.load.iter().chain(self.steps.iter().map(|step| &step.demand));
        demands.flat_map(|demand| demand.diverges.iter()).map(|(kind, divergence)| (kind.as_str(), divergence))
    }
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
    let about = text_of(table.remove("about")).ok_or("`about` is missing")?;
    let limits = table.remove("limits").map_or(Ok(Limits::default()), limits)?;
    let needs = texts(table.remove("needs"), "needs")?;
    let needs = needs.iter().map(|name| promise(name)).collect::<Result<_, _>>()?;
    let plugins = texts(table.remove("plugins"), "plugins")?;
    let load = match text_of(table.remove("load")) {
        Some(name) => Some(Demand { expected: fails(&name)?, diverges: diverges(table.remove("diverges"))? }),
        None => None,
    };
    let steps = match table.remove("call") {
        Some(Toml::Array(calls)) => {
            calls.into_iter().map(|call| step(call, &plugins)).collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err("`call` is no list".into()),
        None => Vec::new(),
    };
    if steps.is_empty() == load.is_none() {
        return Err("a case has calls, or a code for `load`".into());
    }
    let missing = by_backend(table.remove("missing"), |why| {
        text_of(Some(why)).filter(|why| why.len() > 10).ok_or_else(|| "say why it is missing".into())
    })?;
    if let Some(key) = table.keys().next() {
        return Err(format!("unknown key `{key}`"));
    }
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    Ok(Case { name, about, folder: folder.into(), limits, needs, plugins, load, steps, missing })
}

fn text_of(toml: Option<Toml>) -> Option<String> {
    toml.and_then(|toml| toml.as_str().map(str::to_owned))
}

fn texts(toml: Option<Toml>, key: &str) -> Result<Vec<String>, String> {
    let items = toml.map_or(Some(Vec::new()), |toml| toml.as_array().cloned());
    let texts: Option<Vec<String>> =
        items.and_then(|items| items.into_iter().map(|item| text_of(Some(item))).collect());
    texts.ok_or_else(|| format!("`{key}` is a list of texts"))
}

fn promise(name: &str) -> Result<Promise, String> {
    let known = PROMISES.iter().map(|promise| promise.0).collect::<Vec<_>>().join(", ");
    PROMISES.into_iter().find(|promise| promise.0 == name).ok_or(format!("`{name}` is none of {known}"))
}

fn by_backend<T>(table: Option<Toml>, read: impl Fn(Toml) -> Result<T, String>) -> Result<BTreeMap<String, T>, String> {
    match table {
        None => Ok(BTreeMap::new()),
        Some(Toml::Table(table)) => table.into_iter().map(|(kind, entry)| Ok((kind, read(entry)?))).collect(),
        Some(_) => Err("`diverges` and `missing` are tables by backend".into()),
    }
}

fn diverges(table: Option<Toml>) -> Result<BTreeMap<String, Divergence>, String> {
    by_backend(table, |entry| {
        let Toml::Table(mut entry) = entry else { return Err("a divergence is a table".into()) };
        let mut said = |key: &str| {
            let text = text_of(entry.remove(key)).filter(|text| text.len() > 10);
            text.ok_or_else(|| format!("a divergence says `{key}`"))
        };
        let (why, doc) = (said("why")?, said("doc")?);
        let expected = expected(&mut entry)?;
        nothing_else(&entry).map(|()| Divergence { expected, why, doc })
    })
}

fn step(call: Toml, plugins: &[String]) -> Result<Step, String> {
    let Toml::Table(mut call) = call else { return Err("a call is a table".into()) };
    let plugin = text_of(call.remove("plugin")).unwrap_or_else(|| "main".into());
    if plugin != "main" && !plugins.contains(&plugin) {
        return Err(format!("`{plugin}` is not among `plugins`"));
    }
    let target = match (text_of(call.remove("export")), call.remove("callback")) {
        (Some(name), None) => Target::Export(name),
        (None, Some(Toml::Boolean(true))) => Target::Callback,
        _ => return Err("a call names its `export`, or says `callback = true`".into()),
    };
    let args = match call.remove("args") {
        None => Vec::new(),
        Some(Toml::Array(args)) => args.into_iter().map(value::of).collect::<Result<_, _>>()?,
        Some(_) => return Err("`args` is no list".into()),
    };
    let answers = match call.remove("answers") {
        None => None,
        Some(Toml::Array(answers)) => Some(answers.into_iter().map(answer).collect::<Result<_, _>>()?),
        Some(_) => return Err("`answers` is no list".into()),
    };
    let prints = call.remove("prints").map(|lines| texts(Some(lines), "prints")).transpose()?;
    let diverges = diverges(call.remove("diverges"))?;
    let demand = Demand { expected: expected(&mut call)?, diverges };
    nothing_else(&call).map(|()| Step { plugin, target, args, answers, demand, prints })
}

fn answer(toml: Toml) -> Result<Answer, String> {
    match toml.get("$fails").cloned() {
        Some(why) => text_of(Some(why)).map(Err).ok_or_else(|| "`$fails` is a text".into()),
        None => value::of(toml).map(Ok),
    }
}

fn expected(table: &mut Table) -> Result<Expected, String> {
    match (table.remove("gives"), table.remove("fails")) {
        (Some(gives), None) => Ok(Expected::Gives(value::of(gives)?)),
        (None, Some(Toml::String(code))) => fails(&code),
        _ => Err("a call `gives` a value or `fails` with a code".into()),
    }
}

fn fails(code: &str) -> Result<Expected, String> {
    code.parse().map(Expected::Fails).map_err(|_| format!("`{code}` is no code"))
}

fn nothing_else(table: &Table) -> Result<(), String> {
    table.keys().next().map_or(Ok(()), |key| Err(format!("unknown key `{key}` in a call")))
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
