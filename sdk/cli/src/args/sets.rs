//! The words of the verbs about sets of plugins: `resolve`, `why`, `graph`, `set`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ChosenPolicy;

/// Show what of a folder would be loaded, in order, and what is left out and why
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Nothing runs. Of each plugin one version is taken, the highest that goes with
the others; the plan lists them in load order, with the language and the
trust that the policy gives. What does not go together is left out, with the
reason and for whose sake; the rest loads all the same.

With --lock the versions and files that the lockfile holds are taken before
others. Where it is not there it is written; where it is, a plan that differs
from it is refused, unless --update writes it anew from what lies there now,
and removes signatures beside it, which would not be over that.

What goes together is searched for within the steps of the policy. If they are
used up, as can be where hundreds of versions contradict each other, that is
taken which goes together without a search, and the rest is left out with
resolve.budget. --greedy takes that at once; with --lock it is kept.

With --only it is asked whether some plugins can be loaded, and what they take
along. With --with and --without nothing is changed: what would become of the
plan is told, as what is added (+), gone (-), and taken in another version (~)."
    ),
    after_help = ending!(
        "  modhost resolve mods
  modhost resolve mods --lock modhost.lock            write it, or hold to it
  modhost resolve mods --lock modhost.lock --update   take what is there now
  modhost resolve mods more-mods --json
  modhost resolve mods --greedy --lock modhost.lock   after resolve.budget
  modhost resolve mods --only wolfpack                can it be loaded, with what?
  modhost resolve mods --with new-mods/owls           what if it were installed?
  modhost resolve mods --without base-rules           what if it were removed?",
        "0    at least one plugin would be loaded, whatever is left out; with --only,
       --with: what is asked about would be loaded; with --without: told"
        "1    the lockfile cannot be read or written"
        "2    wrong usage, no such path or plugin"
        "4    nothing there is a plugin, all are refused, or the lockfile is malformed"
        "5    nothing goes together; with --lock: the plan is not what it holds; with
       --only, --with: what is asked about cannot be loaded"
    )
)]
pub(crate) struct Resolve {
    /// What lies there.
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// Keep the plan in this file, or hold to what it keeps
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Write the lockfile anew, with the best versions that lie there
    #[arg(long, requires = "lock")]
    pub(crate) update: bool,
    /// Do not search: the highest versions first, and nothing that was taken is taken back
    #[arg(long)]
    pub(crate) greedy: bool,
    /// Plan this plugin and what it needs, and nothing else; may be repeated
    #[arg(long, value_name = "ID", conflicts_with = "lock")]
    pub(crate) only: Vec<String>,
    /// Tell what would change if what lies at PATH were installed; may be repeated
    #[arg(long, value_name = "PATH", conflicts_with_all = ["lock", "only"])]
    pub(crate) with: Vec<PathBuf>,
    /// Tell what would change if this plugin were removed
    #[arg(long, value_name = "ID", conflicts_with_all = ["lock", "only", "with"])]
    pub(crate) without: Option<String>,
}

/// Say why a plugin is taken, in this version and at this place, or why it is left out
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Why not a higher version; who uses it, through others too; at which place it is
loaded, after what, and because of what; which others it uses through these. Of
a plugin that is left out the reason, for whose sake, and what to change. With
--json all it depends on and all that depend on it: its own (direct), through
others (all), and without those that are optional (needed). Nothing runs."
    ),
    after_help = ending!(
        "  modhost why wolfpack mods
  modhost why wolfpack                      of the folder here
  modhost why acme.wolf mods --lock modhost.lock --json",
        "0    answered, also where the plugin is left out"
        "1    the lockfile cannot be read"
        "2    wrong usage, no such path or plugin"
        "4    nothing there is a plugin, or the lockfile is malformed"
    )
)]
pub(crate) struct Why {
    /// The plugin
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// A folder of plugins, or one plugin; several are one set
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dirs: Vec<PathBuf>,
    /// Take what this lockfile holds before other versions
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// What is compared with.
    #[command(flatten)]
    pub(crate) policy: ChosenPolicy,
}

/// Draw who uses whom
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "A tree as text, DOT for Graphviz, Mermaid for a README, or a drawn SVG. Arrows
go from a plugin to what it uses. Colours tell languages apart, borders trust;
what is left out is marked, with its code. Nothing runs."
    ),
    after_help = ending!(
        "  modhost graph mods
  modhost graph mods --format svg > mods.svg
  modhost graph mods --format dot | dot -Tpng > mods.png
  modhost graph mods --of base-rules        what it uses and what uses it
  modhost graph mods --json                 nodes and edges as data",
        "0    done, whatever is left out"
        "1    the lockfile cannot be read"
        "2    wrong usage, no such path or plugin; too many plugins for an SVG"
        "4    nothing there is a plugin, or the lockfile is malformed"
    )
)]
pub(crate) struct Graph {
    /// What lies there.
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// How it is drawn [default: text]; with --json the drawing is there only where this is given
    #[arg(long, value_name = "text|dot|mermaid|svg", hide_possible_values = true)]
    pub(crate) format: Option<Format>,
    /// Only this plugin, what it uses and what uses it, through others too
    #[arg(long, value_name = "ID")]
    pub(crate) of: Option<String>,
    /// Take what this lockfile holds before other versions
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// A tree
    Text,
    /// For Graphviz
    Dot,
    /// For a README
    Mermaid,
    /// A picture
    Svg,
}

/// Share a set of mods as a short text, or check that a folder holds one
#[derive(Debug, Args)]
#[command(
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    after_help = ending!(
        "  modhost set export mods > friday.modset
  modhost set import friday.modset mods",
        "0    done"
        "2    wrong usage, no such path"
        "4    refused (package, policy)"
        "5    dependencies cannot be satisfied, or the set is not what is there"
    )
)]
pub(crate) struct Set {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: SetVerb,
}

/// What to do with a set.
#[derive(Debug, Subcommand)]
pub(crate) enum SetVerb {
    Export(Export),
    Import(Import),
}

/// Write what a folder's plan takes as a text: id, version and digest of each plugin
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "The text recreates the exact set wherever the same files are; `modhost set
import` checks them. It goes to standard output, or into a file that may hold
several named profiles: one of this name is replaced, the others stay, and this
one becomes the active one. A plugin that is switched off stays in the profile,
and is neither loaded nor asked for; nothing that stays on may need it."
    ),
    after_help = ending!(
        "  modhost set export mods
  modhost set export mods --profile friday --out our.modset
  modhost set export mods --profile calm --disable berserker --out our.modset",
        "0    done; what is left out of the plan is said on standard error"
        "1    the file cannot be read or written"
        "2    wrong usage, no such path or plugin"
        "4    nothing there is a plugin, or the file or the name is malformed"
        "5    nothing goes together, or a plugin that stays on needs one that is off"
    )
)]
pub(crate) struct Export {
    /// What lies there.
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// The profile's name: a-z, 0-9 and `-`
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// A plugin to switch off in the profile; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) disable: Vec<String>,
    /// The file to write the set into
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Check that a folder holds exactly the plugins of a set, and that they go together
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Every plugin that the profile switches on must be there in its version and with
its digest, thus with the same bytes; what is missing or differs is listed. Then
the set is resolved alone, as a game would load it. Other plugins that lie there
are named and not taken. Nothing runs and nothing is fetched."
    ),
    after_help = ending!(
        "  modhost set import friday.modset mods
  modhost set import our.modset mods --profile calm
  cat friday.modset | modhost set import - mods --json",
        "0    the folder holds the set, and it goes together"
        "1    the file cannot be read"
        "2    wrong usage, no such path or profile"
        "4    the text is no set, nothing there is a plugin, or the policy refuses one"
        "5    something is missing or differs, or does not go together here"
    )
)]
pub(crate) struct Import {
    /// The set, a text that `modhost set export` wrote; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What lies there.
    #[command(flatten)]
    pub(crate) folders: Folders,
    /// The profile [default: the active one]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

/// What is looked at, and under which policy.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// A folder of plugins, or one plugin; several are one set, and of equals the first counts
    #[arg(value_name = "DIR", required = true)]
    pub(crate) dirs: Vec<PathBuf>,
    /// What is compared with.
    #[command(flatten)]
    pub(crate) policy: ChosenPolicy,
}
