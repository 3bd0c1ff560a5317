//! The words of `modhost pack`.

use std::path::PathBuf;

use clap::Args;

use super::ChosenPolicy;

/// Pack a plugin's folder as one file
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "What comes out is a zip that any tool opens, with a list of all files and their
digests (META/files). The same folder gives the same bytes, everywhere and
always. In it is what `modhost run` reads of the folder: not hidden names, nor
`target` and `node_modules` but for what [entry] names there; nor lockfiles
(modhost.lock) and other packages.

The plugin is loaded first, as `modhost check` does it: its main chunk and
`on_load` run. What keeps it from being loaded keeps it from being packed,
unless that lies in this host (a plugin or contract that is not here, a policy)."
    ),
    after_help = ending!(
        "  modhost pack wolfpack                       writes wolfpack-1.0.0.modpkg here
  modhost pack wolfpack --out dist/wolf.modpkg
  modhost pack wolfpack --force --json",
        "0    done, also where the very same package is there already"
        "1    the plugin's code failed, or the file cannot be written"
        "2    wrong usage, no such folder, or another file is there already"
        "3    the plugin hit a limit while it was loaded"
        "4    the folder cannot be read as a plugin, or a name cannot be packed"
    )
)]
pub(crate) struct Pack {
    /// A plugin's folder, with plugin.toml
    #[arg(value_name = "DIR")]
    pub(crate) path: PathBuf,
    /// The package to write [default: ID-VERSION.modpkg in this folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace another file that is there already
    #[arg(long)]
    pub(crate) force: bool,
    /// List the files by SHA-512 instead of SHA-256
    #[arg(long)]
    pub(crate) sha512: bool,
    /// What is compared with.
    #[command(flatten)]
    pub(crate) policy: ChosenPolicy,
}
