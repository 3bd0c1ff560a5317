//! The words of `trust add`, `revoke`, `threshold` and `allow`: what the store's owner says.

use std::path::PathBuf;

use clap::Args;
use modhost::{
    TrustLevel,
    package::Id,
    verify::{Date, Pattern, Role},
};

use super::{
    super::{Passphrase, trust_level},
    Store, date, date_or_duration,
};

/// Trust a key with the plugins of its namespaces, or change how far
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "KEY is a file with a public key in PEM, which `modhost key show FILE --out KEY`
writes, a private key's file, of which the public half is taken, or the public
key itself as `modhost key show` prints it (ed25519:...). A key that is there
already is replaced, with all that is said of it. With --delegation it is what
a key of the store with the role `delegate` signed for another key: that key
counts as far as the delegation says."
    ),
    after_help = ending!(
        "  modhost trust add acme.pub --namespace 'acme.*'
  modhost trust add ed25519:d75a98... --namespace acme.wolf \\
      --label 'Acme Games' --ceiling verified --until 2027-11-21
  modhost trust add root.pub --namespace '*' --role delegate --role revoke
  modhost trust add --delegation acme.delegation",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage, no such file"
        "4    the key, the delegation or the store is refused"
    )
)]
pub(crate) struct Add {
    /// A key in PEM, or ed25519:...
    #[arg(value_name = "KEY", required_unless_present = "delegation", requires = "namespace")]
    pub(crate) key: Option<String>,
    /// The plugins it may vouch for: an id, `publisher.*` or `*`; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(crate) namespace: Vec<Pattern>,
    /// What people call it [default: the file's name, else the first namespace]
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// The most trust that it gives: untrusted, verified or trusted
    #[arg(long, value_name = "LEVEL", default_value = "trusted", value_parser = trust_level)]
    pub(crate) ceiling: TrustLevel,
    /// What it may do: sign, delegate, revoke; may be repeated [default: sign]
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<Role>,
    /// When it begins to count: 2026-11-21, or with the time, 2026-11-21T12:00:00Z
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) from: Option<Date>,
    /// When it ends: a date, or from now on so long, like 365d
    #[arg(long, value_name = "DATE|DUR", value_parser = date_or_duration)]
    pub(crate) until: Option<Date>,
    /// Take a delegation in, which `modhost trust delegate --out` wrote
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["key", "namespace", "label", "ceiling", "role", "from", "until", "passphrase-file"]
    )]
    pub(crate) delegation: Option<PathBuf>,
    /// Of a private key's file.
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// Which store.
    #[command(flatten)]
    pub(crate) store: Store,
}

/// Refuse what was trusted: a key, a package or versions of a plugin
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "WHAT is a key's id (of a key in the store, 8 digits of its begin suffice), a
package's digest (sha256:...), or versions of a plugin: one (acme.wolf@1.2.0), a
range (acme.wolf@<1.2.0), in which prereleases count, or all (acme.wolf@*). A
removed key is unknown; a revoked one is refused.
With --list a signed revocation list is taken in, if a key of the store with the
role `revoke` issued it, and in the place of the issuer's list before.
`modhost trust restore` takes a revocation back, `modhost trust publish` signs
those of this store as such a list."
    ),
    after_help = ending!(
        "  modhost trust revoke 40302329e41f3cc7 --reason 'laptop stolen'
  modhost trust revoke 'acme.wolf@<1.2.0' --reason 'it bites' --soft
  modhost trust revoke --list community.revoked",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage, no such file"
        "4    the store or the list is refused"
    )
)]
pub(crate) struct Revoke {
    /// A key id, sha256:..., or ID@RANGE
    #[arg(value_name = "WHAT", required_unless_present = "list", requires = "reason")]
    pub(crate) what: Option<String>,
    /// Why, for whoever meets it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Warn only, and go on
    #[arg(long)]
    pub(crate) soft: bool,
    /// A signed revocation list
    #[arg(long, value_name = "FILE", conflicts_with_all = ["what", "reason", "soft"])]
    pub(crate) list: Option<PathBuf>,
    /// Which store.
    #[command(flatten)]
    pub(crate) store: Store,
}

/// Say how many different keys must have signed a plugin
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Without a threshold one key of the store suffices. Where several thresholds hold
for a plugin, and where the policy wants more, the greatest counts. A package
with fewer signatures is untrusted; policies that want signatures refuse it."
    ),
    after_help = ending!(
        "  modhost trust threshold 'acme.*' 2
  modhost trust threshold 'acme.*' --remove",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage"
        "4    the count is not 1 to 16, there is no such threshold, or the store is refused"
    )
)]
pub(crate) struct Threshold {
    /// The plugins: an id, `publisher.*` or `*`
    #[arg(value_name = "PATTERN")]
    pub(crate) plugins: Pattern,
    /// How many keys
    #[arg(value_name = "COUNT", required_unless_present = "remove")]
    pub(crate) count: Option<u32>,
    /// Take the threshold of these plugins back
    #[arg(long, conflicts_with = "count")]
    pub(crate) remove: bool,
    /// Which store.
    #[command(flatten)]
    pub(crate) store: Store,
}

/// Take one package by its bytes, whoever signed it or nobody
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "The package is verified as long as nothing of it changes and it is not revoked:
for a plugin that somebody looked through. WHAT is a package, another plugin, or
the digest of one as `modhost verify` tells it, with --plugin. A policy that
wants signatures wants them of it, too."
    ),
    after_help = ending!(
        "  modhost trust allow wolf-1.0.0.modpkg --note 'read by Ada'
  modhost trust allow sha256:9f86d0... --plugin wolf@1.0.0 --note 'as shipped'
  modhost trust allow wolf-1.0.0.modpkg --remove",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage, no such file"
        "4    the package or the store is refused, or it is not allowed yet"
    )
)]
pub(crate) struct Allow {
    /// A package or another plugin, or sha256:...
    #[arg(value_name = "WHAT")]
    pub(crate) what: String,
    /// Why, for whoever reads the store
    #[arg(long, value_name = "TEXT", required_unless_present = "remove")]
    pub(crate) note: Option<String>,
    /// Whose digest it is
    #[arg(long, value_name = "ID@VERSION", value_parser = plugin)]
    pub(crate) plugin: Option<(Id, semver::Version)>,
    /// Take the package off the list
    #[arg(long, conflicts_with_all = ["note", "plugin"])]
    pub(crate) remove: bool,
    /// Which store.
    #[command(flatten)]
    pub(crate) store: Store,
}

fn plugin(text: &str) -> Result<(Id, semver::Version), String> {
    let read = text.split_once('@').filter(|(_, version)| version.len() <= 64);
    let read = read.and_then(|(id, version)| Some((Id::new(id).ok()?, version.parse().ok()?)));
    read.ok_or_else(|| "here stand an id and a version: acme.wolf@1.0.0".into())
}
