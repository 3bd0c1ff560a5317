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
`target` and `node_modules` but for what [entry] names there.

Left out, and named, is also what looks like a secret (private keys whatever
their file is called, `id_ed25519`, `_netrc`) or like litter (`Thumbs.db`,
`__MACOSX`, `main.lua~`, `x.bak`, lockfiles, other packages, trust stores).
--include takes it all the same. What the plugin needs is never left out: then
it is an error. `modhost run` reads such files of a folder as it reads others.

What was packed is loaded first, as `modhost check` does it: its main chunk and
`on_load` run. What keeps it from being loaded keeps it from being packed,
unless that lies in this host (a plugin or contract that is not here, a policy)."
    ),
    after_help = ending!(
        "  modhost pack wolfpack                       writes wolfpack-1.0.0.modpkg here
  modhost pack wolfpack --out dist/wolf.modpkg
  modhost pack wolfpack --include 'docs/*.orig' --include test/key.pem
  modhost pack wolfpack --force --json",
        "0    done, also where the very same package is there already"
        "1    the plugin's code failed, or the file cannot be written"
        "2    wrong usage, no such folder, or another file is there already"
        "3    the plugin hit a limit while it was loaded"
        "4    the folder cannot be read as a plugin, or what it needs cannot be packed"
    )
)]
pub(crate) struct Pack {
    /// A plugin's folder, with plugin.toml
    #[arg(value_name = "DIR")]
    pub(crate) path: PathBuf,
    /// The package to write [default: ID-VERSION.modpkg in this folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Pack what would be left out: a path in the folder, or a pattern with * and **; several times for more
    #[arg(long, value_name = "PATH")]
    pub(crate) include: Vec<String>,
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
