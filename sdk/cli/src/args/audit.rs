//! The words of `modhost audit`, and those of `modhost run` that say where the audit goes.

use std::{path::PathBuf, time::SystemTime};

use clap::{Args, Subcommand};
use modhost::audit::{Event, Severity, parse_time};

/// Read an audit log, or find whether it was changed
#[derive(Debug, Args)]
#[command(
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    disable_help_subcommand = true,
    help_template = concat!(
        "{about-with-newline}\n",
        "An audit log is a file of JSON lines, each chained to the one before by its\n",
        "hash. `modhost run --audit FILE` writes one, and so does a game's engine with a\n",
        "`FileLog`. FILE is the newest of its files: older ones lie beside it as FILE.1,\n",
        "FILE.2 and so on, and are read along.\n\n{usage-heading} {usage}\n\n{all-args}{after-help}"
    ),
    after_help = ending!(
        "  modhost audit show audit.jsonl --severity warning
  modhost audit verify audit.jsonl --key audit.key",
        "0    done"
        "2    wrong usage, no such path"
        "4    the log is not as it was written"
    )
)]
pub(crate) struct Audit {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: AuditVerb,
}

/// What to do with a log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    Show(Show),
    Verify(Verify),
}

/// Show the records of an audit log
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Oldest first: date, severity, event, plugin and version, code and detail; (xN)
where a record stands for N. Shown are the records that fit all the options.
A record that was changed ends it: `modhost audit verify` says more."
    ),
    after_help = ending!(
        "  modhost audit show audit.jsonl
  modhost audit show audit.jsonl --plugin wolfpack --event refused
  modhost audit show audit.jsonl --severity warning --since 2026-11-21 --json
  modhost audit show audit.jsonl --limit 20",
        "0    done, also where no record fits"
        "2    wrong usage, no such path"
        "4    a record was changed or is not whole; those before it are shown"
    )
)]
pub(crate) struct Show {
    /// The log
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only records of this plugin
    #[arg(long, value_name = "ID")]
    pub(crate) plugin: Option<String>,
    /// Only this event, like refused, loaded or limit-hit
    #[arg(long, value_name = "EVENT", value_parser = event)]
    pub(crate) event: Option<Event>,
    /// Only records with this code, or of this family: limit.fuel, or limit
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Only records at least so severe: info, notice, warning or alert
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) severity: Option<Severity>,
    /// Only records from then on: a date or a time in UTC, like 2026-11-21 or 2026-11-21T14:30:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<SystemTime>,
    /// Only records before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<SystemTime>,
    /// Only the newest N of them
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// Find whether an audit log is as it was written; name the first record that is not
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Looks at every byte: records that were changed, removed, moved or written twice
break the chain of hashes. Whoever can write the file can make a chain anew, but
not a checkpoint, which is signed: give its key, and what stands before the last
checkpoint is as it was written. That the end was cut off is seen only by who
noted how far the log reached."
    ),
    after_help = ending!(
        "  modhost audit verify audit.jsonl
  modhost audit verify audit.jsonl --key audit.key --reaches 4711
  modhost audit verify audit.jsonl --json",
        "0    it is as it was written"
        "2    wrong usage, no such path"
        "4    it is not"
    )
)]
pub(crate) struct Verify {
    /// The log
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The key of its checkpoints: 64 hex digits, or PEM, public or secret; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Vec<PathBuf>,
    /// The number of a record that was there once
    #[arg(long, value_name = "N")]
    pub(crate) reaches: Option<u64>,
}

/// Where the audit of a run goes.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Append what is decided to this audit log; nothing is loaded that cannot be recorded
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// Sign the audit log's checkpoints with this secret key; it is made where there is none
    #[arg(long, value_name = "FILE", requires = "audit")]
    pub(crate) audit_key: Option<PathBuf>,
    /// Let the audit key take the place of this one, which signed the log so far and signs that change
    #[arg(long, value_name = "OLDKEY", requires = "audit_key")]
    pub(crate) audit_rotate_from: Option<PathBuf>,
}

fn event(text: &str) -> Result<Event, String> {
    text.parse()
}

fn severity(text: &str) -> Result<Severity, String> {
    text.parse()
}

fn time(text: &str) -> Result<SystemTime, String> {
    parse_time(text).ok_or_else(|| "a date or a time in UTC is needed, like 2026-11-21 or 2026-11-21T14:30:00Z".into())
}
