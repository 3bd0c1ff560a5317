//! The words of `modhost sign` and `modhost verify`.

use std::path::PathBuf;

use clap::Args;
use modhost::verify::Date;

use super::{ChosenPolicy, Passphrase, trust::date_or_duration};

/// Sign a package, or the lockfile of a whole set, with your private key
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "The signature is over the list of all files (META/files), thus over every byte
of the plugin, its id and its version. It is put into the package, beside those
of others; a second one of the same key takes the first one's place. The files
stay as they are, and so does the package's digest.

A folder that was unpacked from a package is signed in place; a folder of your
own is packed first (`modhost pack`).

A lockfile (a file in .lock) is signed by its exact bytes, thus for every plugin
in it, by version and digest; FILE.signatures beside it holds the signatures."
    ),
    after_help = ending!(
        "  modhost sign acme.wolf-1.0.0.modpkg --key acme.pem
  modhost sign wolf.modpkg --key acme.pem --expires 365d --signer 'Acme Ltd'
  modhost sign wolf.modpkg --key review.pem --meta ticket=4711 --out ok.modpkg
  modhost sign modhost.lock --key server.pem --expires 30d",
        "0    done"
        "1    the package cannot be written"
        "2    wrong usage, no such file, or --out is there already"
        "4    the package, the lockfile or the key is refused"
    )
)]
pub(crate) struct Sign {
    /// A package, a folder with META/files, or a lockfile
    #[arg(value_name = "PKG")]
    pub(crate) path: PathBuf,
    /// The private key: a file that `modhost key new` wrote
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// When the signature ends: a date, or from now on so long [default: never]
    #[arg(long, value_name = "DATE|DUR", value_parser = date_or_duration)]
    pub(crate) expires: Option<Date>,
    /// Who signs, in words for people [default: the key file's name]
    #[arg(long, value_name = "LABEL")]
    pub(crate) signer: Option<String>,
    /// A line for whoever reads the signature, like ticket=4711; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) meta: Vec<(String, String)>,
    /// Write another package instead; not for a lockfile
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Of the private key.
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// Say step by step whether a plugin is to be trusted, and why
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "A checklist of what loading looks at before anything of the plugin runs: the
file, its archive, the list of files, each file, what is revoked, each signature
and its key, how many count, older versions, the manifest, and what the policy
makes of it. The first step that refuses says what to do. Nothing runs.

Of a lockfile (a file in .lock): whether it can be read, whether it holds each
plugin's digest, whether the signatures beside it hold, and for which of its
plugins their keys may vouch. The plugins themselves are not looked at."
    ),
    after_help = ending!(
        "  modhost verify acme.wolf-1.0.0.modpkg
  modhost verify wolf.modpkg --store trust.toml --policy strict
  modhost verify wolf.modpkg --store trust.toml --json
  modhost verify modhost.lock --store trust.toml",
        "0    it would be taken"
        "2    wrong usage, no such file or store"
        "4    it is refused: by the step that says so"
    )
)]
pub(crate) struct Verify {
    /// A package, another plugin, or a lockfile
    #[arg(value_name = "PKG")]
    pub(crate) path: PathBuf,
    /// What is compared with.
    #[command(flatten)]
    pub(crate) policy: ChosenPolicy,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    pair.map(|(name, value)| (name.into(), value.into()))
        .ok_or_else(|| "here stand a name and a value: ticket=4711".into())
}
