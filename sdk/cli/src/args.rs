//! The words of the command: its verbs, their options and their help. Reads them; decides nothing.

use std::{
    ffi::OsString,
    fmt::Display,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use clap::{
    Args, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use modhost::{Capability, Code, Error, Policy, Shown, Stage, TrustLevel, package, verify::Date};

use crate::{answer::Answer, bar::Stderr, layout::Text, logs};

/// The end of a help text: examples, what the statuses mean for this verb, and the environment.
macro_rules! ending {
    ($examples:literal, $($status:literal)+) => {
        concat!(
            "Examples:\n",
            $examples,
            "\n\nExit status:\n",
            $("  ", $status, "\n",)+
            "  70   a bug in modhost
  130  interrupted

Environment:
  MODHOST_LOG  what is logged to standard error: warn (the default), debug,
               modhost=trace
  NO_COLOR     anything at all switches colours off"
        )
    };
}

/// A verb's help: what it does in full, hard-wrapped, then clap's parts. Not clap's long help, which sets every option apart by blank
/// lines, so that one no longer sees them together.
macro_rules! told {
    ($text:literal) => {
        concat!("{about-with-newline}\n", $text, "\n\n{usage-heading} {usage}\n\n{all-args}{after-help}")
    };
}

// Below the two macros, which they use.
mod audit;
mod key;
mod pack;
mod secrets;
mod sign;
mod trust;

pub(crate) use audit::{Audit, AuditVerb, Log, Show, Verify as VerifyLog};
pub(crate) use key::{Key, KeyVerb, Passphrase};
pub(crate) use pack::Pack;
pub(crate) use secrets::refused as secret_in_place;
pub(crate) use sign::{Sign, Verify};
pub(crate) use trust::{Add, Allow, Delegate, Publish, Revoke, Store, Threshold, Trust, TrustVerb};

/// Runs mods in Lua, Rhai, WebAssembly and native code, each in the box that its trust allows.
#[derive(Debug, Parser)]
#[command(
    name = "modhost",
    bin_name = "modhost",
    version,
    max_term_width = 100,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    disable_help_subcommand = true,
    after_help = ending!(
        "  modhost run wolfpack.lua      load it and call its `main`
  modhost list mods             what lies in a folder, and what it needs
  modhost inspect mods/wolf     one plugin from all sides, before it ever runs
  modhost check mods            load each as a game would; say what to mend
  modhost resolve mods          what would be loaded, in order; what is left out
  modhost pack mods/wolf        the plugin as one file, to hand on
  modhost verify wolf.modpkg    who signed it, and what that is worth here
  modhost explain limit.fuel    what an error's code means, and what to do

A verb's own --help says more: `modhost run --help`.",
        "0    done"
        "1    the plugin or its code failed"
        "2    wrong usage, no such path or plugin"
        "3    a limit was hit"
        "4    refused (package, signature, trust, policy, capability)"
        "5    dependencies cannot be satisfied"
    )
)]
pub(crate) struct Cli {
    /// Exactly one JSON object on standard output, also for errors
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

mod sets;

pub(crate) use sets::{Export, Format, Graph, Import, Resolve, Set, SetVerb, Why};

/// What to do. The words that describe a verb stand at its options.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Run(Run),
    List(List),
    Inspect(Inspect),
    Check(Check),
    Resolve(Resolve),
    Why(Why),
    Graph(Graph),
    Set(Set),
    Pack(Pack),
    Sign(Sign),
    Verify(Verify),
    Bench(Bench),
    Key(Key),
    Trust(Trust),
    Audit(Audit),
    Explain(Explain),
    /// Show what each backend enforces in this build, on this machine
    #[command(
        after_help = ending!(
            "  modhost backends
  modhost backends --json",
            "0    done"
            "2    wrong usage"
        )
    )]
    Backends,
    Completions(Completions),
}

/// Load plugins and call one
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "PATH is a script (.lua .luau .rhai .wat .wasm), a native library, a plugin
folder (with plugin.toml), a package (.modpkg) or a folder of plugins, which
are loaded with their dependencies in order. The plugins see the functions
`world.*`, `dice.*` and `log.*` of a small battlefield.

The result goes to standard output: text as it is, other values as JSON, nothing
for nil. What plugins print goes to standard error.

With --lock nothing runs but what the lockfile holds, in its versions and with
its files. Where FILE.signatures lies beside it (`modhost sign FILE`), the keys
that signed the lockfile count for each plugin as those that signed it alone;
signatures that do not hold are refused."
    ),
    after_help = ending!(
        "  modhost run wolfpack.lua
  modhost run sum.wat --call add --args '[20, 22]'
  modhost run mods --call wolfpack:on_dusk --args '[3]' --grant world.spawn
  modhost run hostile.rhai --fuel 100000 --memory 16MiB --deadline 50ms --json
  modhost run mods --lock modhost.lock --store trust.toml
  modhost run mods --audit audit.jsonl",
        "0    done; several plugins without --call: at least one was loaded"
        "1    the plugin or its code failed"
        "2    wrong usage, no such path or plugin"
        "3    a limit was hit"
        "4    refused (package, signature, trust, policy, capability)"
        "5    dependencies cannot be satisfied, or it is not what --lock holds"
    )
)]
pub(crate) struct Run {
    /// What to load; the same version at two paths is taken from the first
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The export to call, ID:FN where several plugins are loaded [default: `main` of a single plugin, if it is there]
    #[arg(long, value_name = "[ID:]FN")]
    pub(crate) call: Option<String>,
    /// The arguments, a JSON array: 1 is an int, 1.0 a float, {"$bytes": "aGk="} bytes
    #[arg(long, value_name = "JSON_ARRAY", allow_hyphen_values = true)]
    pub(crate) args: Option<String>,
    /// Load what this lockfile holds and nothing else, vouched for by the signatures beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Where the audit goes.
    #[command(flatten)]
    pub(crate) log: Log,
    /// The host's side.
    #[command(flatten)]
    pub(crate) host: Host,
}

/// Show which plugins lie in a folder, without running any
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "For each plugin: id, version, languages and size; what it requires of the host,
which plugins it depends on, which capabilities it asks for; and, with their
codes, the problems that would keep `modhost run` from loading it. They are
looked at together, so that a dependency beside its dependant is found."
    ),
    after_help = ending!(
        "  modhost list mods
  modhost list mods --policy development
  modhost list mods --json",
        "0    at least one plugin can be read, whatever its problems"
        "2    wrong usage, no such path"
        "4    nothing there is a plugin, or none can be read: the first one's"
    )
)]
pub(crate) struct List {
    /// A folder of plugins, or one plugin
    #[arg(value_name = "DIR")]
    pub(crate) path: PathBuf,
    /// What is compared with.
    #[command(flatten)]
    pub(crate) policy: ChosenPolicy,
}

/// Show all there is to know of one plugin before it runs
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Its manifest, builds and files with their sizes, what it requires, depends on
and asks for; and what the policy would decide: which build is admitted and why
another is not, with which limits and capabilities. Nothing of the plugin runs,
unless --load is given: what a plugin exports is known only then."
    ),
    after_help = ending!(
        "  modhost inspect mods/wolfpack
  modhost inspect wolfpack.wasm --load
  modhost inspect mods/turbo-sim --policy development --json",
        "0    done, also where the policy would refuse the plugin"
        "1    with --load: the plugin failed while it was loaded"
        "2    wrong usage, no such path"
        "3    with --load: a limit was hit"
        "4    the plugin cannot be read; with --load: it was refused"
        "5    with --load: dependencies cannot be satisfied"
    )
)]
pub(crate) struct Inspect {
    /// A plugin: a file, a package, or a folder with plugin.toml
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Load it under its limits, which runs its main chunk and `on_load`, and list its exports
    #[arg(long)]
    pub(crate) load: bool,
    /// The host's side.
    #[command(flatten)]
    pub(crate) host: Host,
}

/// Load plugins as a game would, and say what their authors should mend
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Each plugin is read, vetted, resolved, admitted and loaded under its limits: its
main chunk and `on_load` run, nothing else is called. Errors and warnings go to
standard error, with the line of plugin.toml or source that they are about."
    ),
    after_help = ending!(
        "  modhost check wolfpack
  modhost check mods --policy development
  modhost check base-rules wolfpack      wolfpack needs base-rules
  modhost check mods --json",
        "0    every plugin loads; there may be warnings"
        "1    the first that does not: its code failed"
        "2    wrong usage, no such path"
        "3    it hit a limit"
        "4    it was refused (package, trust, policy, capability)"
        "5    its dependencies cannot be satisfied"
    )
)]
pub(crate) struct Check {
    /// A plugin or a folder of plugins; several are one set
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The host's side.
    #[command(flatten)]
    pub(crate) host: Host,
}

/// Time a plugin's calls, or measure what fuel is worth on this machine
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Loads one plugin and times its exports: the fastest and the median of many
batches of calls, and the fuel of a call. Without --call, each export that takes
no arguments and is no hook. Calls are real: they change the plugin's state.

With --calibrate no plugin is needed: a few kinds of work run in each language,
and what comes out are the units of fuel per millisecond, as TOML. Under the
head [calibration] in a policy file, a level can say `work = \"2ms\"` in place
of fuel, and means the same in every language."
    ),
    after_help = ending!(
        "  modhost bench wolfpack.lua
  modhost bench sum.wat --call add --args '[20, 22]' --json
  modhost bench --calibrate > calibration.toml",
        "0    done"
        "1    the plugin or its code failed"
        "2    wrong usage, no such path or plugin"
        "3    a limit was hit"
        "4    refused (package, signature, trust, policy, capability)"
        "5    dependencies cannot be satisfied"
    )
)]
pub(crate) struct Bench {
    /// A plugin: a file, or a folder with plugin.toml
    #[arg(value_name = "PATH", required_unless_present = "calibrate", conflicts_with = "calibrate")]
    pub(crate) path: Option<PathBuf>,
    /// Measure what a unit of fuel takes in each language
    #[arg(long, conflicts_with_all = ["call", "args"])]
    pub(crate) calibrate: bool,
    /// The export to call
    #[arg(long, value_name = "FN")]
    pub(crate) call: Option<String>,
    /// The arguments, a JSON array as for `modhost run`
    #[arg(long, value_name = "JSON_ARRAY", allow_hyphen_values = true)]
    pub(crate) args: Option<String>,
    /// The host's side.
    #[command(flatten)]
    pub(crate) host: Host,
}

/// The host's side of a run: whoever types the command is the host.
#[derive(Debug, Args)]
#[command(next_help_heading = "The host's side")]
pub(crate) struct Host {
    /// Which policy.
    #[command(flatten)]
    pub(crate) policy: ChosenPolicy,
    /// Take the plugins for at most this: untrusted, verified or trusted; for exactly this with --policy development
    #[arg(long, value_name = "LEVEL", value_parser = trust_level)]
    pub(crate) trust: Option<TrustLevel>,
    /// Instructions per call, in the backend's own unit, up or down
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = fuel)]
    pub(crate) fuel: Option<u64>,
    /// Memory that a plugin may hold, like 16MiB
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// Wall-clock time per call, like 50ms
    #[arg(long, value_name = "DUR", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) deadline: Option<Duration>,
    /// A capability to grant to every plugin that asks for it, like world.spawn; may be repeated
    #[arg(long, value_name = "CAP", value_parser = capability)]
    pub(crate) grant: Vec<Capability>,
}

/// By what plugins are judged: `--policy`, `--store`, `--seen`.
#[derive(Debug, Args)]
pub(crate) struct ChosenPolicy {
    // The heading stands here and not at the struct, from where it would go on to the options behind it.
    #[arg(long = "policy", value_name = "FILE|PRESET", help = policy_help(), help_heading = "The host's side")]
    pub(crate) name: Option<String>,
    /// Whose keys count [default: $MODHOST_STORE, else modhost/trust.toml among your settings]
    #[arg(long, value_name = "FILE", help_heading = "The host's side")]
    pub(crate) store: Option<PathBuf>,
    /// The key of a sealed store, 64 hex digits in a file [default: $MODHOST_STORE_KEY, else the store is not sealed]
    #[arg(long, value_name = "FILE", help_heading = "The host's side")]
    pub(crate) store_key_file: Option<PathBuf>,
    /// A file that remembers which versions were loaded: older ones are refused from then on
    #[arg(long, value_name = "FILE", help_heading = "The host's side")]
    pub(crate) seen: Option<PathBuf>,
}

fn policy_help() -> String {
    format!(
        "What each level of trust is worth: a TOML file, or a preset: {} [default: mods]",
        Policy::PRESETS.join(", ")
    )
}

/// Say what an error's code means, with an example and the remedy
#[derive(Debug, Args)]
#[command(
    after_help = ending!(
        "  modhost explain limit.fuel
  modhost explain               lists every code",
        "0    done"
        "2    there is no such code"
    )
)]
pub(crate) struct Explain {
    /// A dotted code, like limit.fuel; without one, all are listed
    pub(crate) code: Option<String>,
}

/// Print a script that lets a shell complete the command's words
#[derive(Debug, Args)]
#[command(
    after_help = ending!(
        "  modhost completions bash > \\
      ~/.local/share/bash-completion/completions/modhost
  modhost completions fish > ~/.config/fish/completions/modhost.fish",
        "0    done"
        "2    wrong usage"
    )
)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

fn trust_level(text: &str) -> Result<TrustLevel, String> {
    text.parse()
}

fn fuel(text: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err("a whole number is needed, like 100000".into());
    }
    text.parse().map_err(|_| format!("the most there is are {}", u64::MAX))
}

fn size(text: &str) -> Result<u64, package::QuantityError> {
    package::parse_size(text)
}

fn duration(text: &str) -> Result<Duration, package::QuantityError> {
    package::parse_duration(text)
}

fn capability(text: &str) -> Result<Capability, String> {
    Capability::new(text).map_err(|error| error.to_string())
}

/// Whether `--json` is among the words: it must be known before they are understood, because a usage error is JSON too.
pub(crate) fn wants_json() -> bool {
    std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json")
}

/// Reads the words.
///
/// # Errors
/// The answer to a request for help or the version, and to words that do not fit together.
pub(crate) fn read(json: bool) -> Result<Cli, Answer> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    // Before anything reads the words that would show one.
    secrets::none_in(&words).map_err(|error| Answer::error(&error, json))?;
    let mut error = match Cli::try_parse() {
        Ok(cli) if cli.json == json => return Ok(cli),
        // `--json` as the value of another option: that option's value is missing.
        Ok(_) => return Err(Answer::error(&usage("`--json` is given as the value of another option"), json)),
        Err(error) => error,
    };
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let mut text = Text::default();
        error.render().to_string().lines().for_each(|line| text.line(line));
        return Err(Answer::new(0, text));
    }
    if secrets::some_in(&words, &error.render().to_string()) {
        let error = usage("the words do not fit together; they are not shown, because one looks like a secret")
            .with_help("See the verb's `--help`. An option that takes a secret takes the path of its file.");
        return Err(Answer::error(&error, json));
    }
    show(&mut error);
    let rendered = error.render();
    if json {
        return Err(Answer::error(&usage(first_paragraph(&rendered.to_string())), json));
    }
    // clap draws its own errors, with the usage line. What it quotes of the words is in colours only where the words have none.
    let plain = std::env::args_os().all(|word| *Shown::path(word.as_ref()) == *word.to_string_lossy());
    let coloured = plain && logs::colours(&std::io::stderr());
    let text = if coloured { rendered.ansi().to_string() } else { rendered.to_string() };
    Stderr.drawing(text.trim_end(), coloured);
    Err(Answer::quiet(Code::Usage.exit_status()))
}

/// Escapes what clap quotes of the words. The usage quotes none of them, and has line ends.
fn show(error: &mut clap::Error) {
    let escaped = |text: &dyn Display| String::from(Shown::new(&text.to_string()));
    let quoted: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter(|(kind, _)| *kind != ContextKind::Usage)
        .filter_map(|(kind, value)| {
            let value = match value {
                ContextValue::String(text) => ContextValue::String(escaped(text)),
                ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(|text| escaped(text)).collect()),
                ContextValue::StyledStr(text) => ContextValue::StyledStr(escaped(text).into()),
                ContextValue::StyledStrs(texts) => {
                    ContextValue::StyledStrs(texts.iter().map(|text| escaped(text).into()).collect())
                }
                _ => return None,
            };
            Some((kind, value))
        })
        .collect();
    for (kind, value) in quoted {
        error.insert(kind, value);
    }
}

/// Words that do not fit together.
pub(crate) fn usage(message: impl Into<String>) -> Error {
    Error::new(Code::Usage, Stage::Engine, message)
}

/// What ends before it begins is a slip of the pen: `option` must name a time to come, if it names one.
///
/// # Errors
/// `usage`.
pub(crate) fn not_ended(option: &str, end: Option<Date>) -> modhost::Result<()> {
    match end.filter(|end| *end <= Date::of(SystemTime::now())) {
        Some(end) => Err(usage(format!("{option} {end}: it would have ended from the start"))),
        None => Ok(()),
    }
}

/// What clap says before it shows the usage, in one line.
fn first_paragraph(text: &str) -> String {
    let text = text.trim_start().strip_prefix("error: ").unwrap_or(text);
    let lines =
        text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
