//! The words of the command: its verbs, their options and their help. Reads them; decides nothing.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, error::ErrorKind};
use modhost::{Capability, Code, Error, Stage, TrustLevel, package};

use crate::answer::Answer;

/// The end of a help text.
macro_rules! ending {
    ($examples:literal) => {
        concat!(
            "Examples:\n",
            $examples,
            "

Exit status:
  0    done
  1    the plugin or its code failed
  2    wrong usage, no such path or plugin
  3    a limit was hit
  4    refused (package, signature, trust, policy, capability)
  5    dependencies cannot be satisfied
  70   a bug in modhost
  130  interrupted

Environment:
  MODHOST_LOG  what is logged to standard error: warn (the default), debug, modhost=trace
  NO_COLOR     anything at all switches colours off"
        )
    };
}

/// Runs mods in Lua, Rhai, WebAssembly and native code, each in the box that its trust allows.
#[derive(Debug, Parser)]
#[command(
    name = "modhost",
    version,
    max_term_width = 110,
    after_help = ending!(
        "  modhost run wolfpack.lua      load it, call `main`
  modhost run mods              load a folder of plugins, say what became of each
  modhost run mods --call wolfpack:on_dusk --args '[3]' --grant world.spawn
  modhost explain limit.fuel    what an error's code means, and what to do
  modhost backends              what each backend enforces here"
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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Load plugins and call one
    Run(Run),
    /// Say what an error's code means, with an example and the remedy
    Explain(Explain),
    /// Show what each backend enforces in this build, on this machine
    #[command(after_help = ending!("  modhost backends\n  modhost backends --json"))]
    Backends,
    /// Print a script that lets a shell complete the command's words
    Completions(Completions),
}

/// Load plugins and call one
///
/// PATH is a script (.lua .luau .rhai .wat .wasm), a native library, a plugin folder (with plugin.toml) or a folder of plugins, which
/// are loaded with their dependencies in order. The plugins see the functions `world.*`, `dice.*` and `log.*` of a small battlefield.
///
/// The result goes to standard output: text as it is, other values as JSON, nothing for nil. What plugins print goes to standard error.
#[derive(Debug, Args)]
#[command(
    after_help = ending!(
        "  modhost run wolfpack.lua
  modhost run sum.wat --call add --args '[20, 22]'
  modhost run mods --call wolfpack:on_dusk --args '[3]' --grant world.spawn
  modhost run hostile.rhai --fuel 100000 --memory 16MiB --deadline 50ms --json"
    )
)]
pub(crate) struct Run {
    /// What to load, in this order
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The export to call, ID:FN where several plugins are loaded [default: `main` of a single plugin, if it is there]
    #[arg(long, value_name = "[ID:]FN")]
    pub(crate) call: Option<String>,
    /// The arguments, a JSON array: 1 is an int, 1.0 a float, {"$bytes": "aGk="} bytes
    #[arg(long, value_name = "JSON_ARRAY", allow_hyphen_values = true)]
    pub(crate) args: Option<String>,
    /// Take the plugins for at most this: untrusted, verified or trusted; for exactly this with --policy development
    #[arg(long, value_name = "LEVEL", value_parser = trust)]
    pub(crate) trust: Option<TrustLevel>,
    /// Instructions per call, in the backend's own unit
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
    /// What each level of trust is worth: mods (the default) or development
    #[arg(long, value_name = "FILE|PRESET")]
    pub(crate) policy: Option<String>,
    /// The trust store; signed packages come with a later release
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
}

/// Say what an error's code means, with an example and the remedy
#[derive(Debug, Args)]
#[command(after_help = ending!("  modhost explain limit.fuel\n  modhost explain               lists every code"))]
pub(crate) struct Explain {
    /// A dotted code, like limit.fuel; without one, all are listed
    pub(crate) code: Option<String>,
}

/// Print a script that lets a shell complete the command's words
#[derive(Debug, Args)]
#[command(
    after_help = ending!(
        "  modhost completions bash > ~/.local/share/bash-completion/completions/modhost\n  modhost completions fish > ~/.config/fish/completions/modhost.fish"
    )
)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

fn trust(text: &str) -> Result<TrustLevel, String> {
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
    let error = match Cli::try_parse() {
        Ok(cli) if cli.json == json => return Ok(cli),
        // `--json` as the value of another option: that option's value is missing.
        Ok(_) => return Err(Answer::error(&usage("`--json` is given as the value of another option"), json)),
        Err(error) => error,
    };
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Err(Answer::new(0, error.render().to_string()));
    }
    if json {
        return Err(Answer::error(&usage(first_paragraph(&error.render().to_string())), json));
    }
    // clap draws its own errors, with the usage line; a closed standard error leaves nobody to tell.
    let _ = error.print();
    Err(Answer::new(Code::Usage.exit_status(), ""))
}

/// Words that do not fit together.
pub(crate) fn usage(message: impl Into<String>) -> Error {
    Error::new(Code::Usage, Stage::Engine, message)
}

/// What clap says before it shows the usage, in one line.
fn first_paragraph(text: &str) -> String {
    let text = text.trim_start().strip_prefix("error: ").unwrap_or(text);
    let lines =
        text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
