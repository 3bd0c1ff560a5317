//! The words of `key` and `trust`: keys to sign with, and the store of those that are trusted.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use modhost::{
    TrustLevel,
    verify::{Date, Pattern, Role},
};

/// Make a key to sign packages with, or show whose a key is
#[derive(Debug, Args)]
#[command(
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    disable_help_subcommand = true,
    after_help = ending!(
        "  modhost key new acme.pem       a new private key; its public half is printed
  modhost key show acme.pem      the public half again",
        "0    done"
        "1    the file is there already, or cannot be written"
        "2    wrong usage, no such file"
        "4    no key of ed25519, or one that others may read"
    )
)]
pub(crate) struct Key {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: KeyVerb,
}

/// Where the passphrase of a private key is.
#[derive(Debug, Args)]
pub(crate) struct Passphrase {
    /// The private key's passphrase: the first line of this file [default: $MODHOST_PASSPHRASE, else none]
    #[arg(id = "passphrase-file", long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// What to do with a key.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Write a new private key to a file that only you may read
    #[command(
        help_template = told!(
            "The file is PKCS#8 in PEM, as OpenSSL writes and reads it. It is encrypted where
a passphrase is given; else keep it where only you can read it. A file that is
there is never overwritten. What is printed, the public key and its id, is for
everybody."
        ),
        after_help = ending!(
            "  modhost key new acme.pem
  modhost key new acme.pem --passphrase-file ~/.acme-passphrase",
            "0    done"
            "1    the file is there already, or cannot be written"
            "2    wrong usage, no such folder"
        )
    )]
    New {
        /// Where the private key goes
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Its passphrase.
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Show the public key of a file, and its id
    #[command(
        after_help = ending!(
            "  modhost key show acme.pem
  modhost key show acme.pub --json",
            "0    done"
            "2    wrong usage, no such file"
            "4    no key of ed25519, or a private one that others may read"
        )
    )]
    Show {
        /// A private or a public key in PEM
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Its passphrase.
        #[command(flatten)]
        passphrase: Passphrase,
    },
}

/// Say who is trusted here, for what, and what no more
#[derive(Debug, Args)]
#[command(
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    disable_help_subcommand = true,
    help_template = told!(
        "The trust store is one TOML file: --store FILE, else $MODHOST_STORE, else
modhost/trust.toml in $XDG_CONFIG_HOME or ~/.config (in %APPDATA% on Windows).
Each change writes it as a whole and counts its generation up; comments are not
kept. Thresholds, delegations and allowed packages are edited in the file."
    ),
    after_help = ending!(
        "  modhost trust add acme.pub --namespace 'acme.*' --until 365d
  modhost trust pin acme 40302329e41f3cc7
  modhost trust revoke 'acme.wolf@<1.2.0' --reason 'it bites'
  modhost trust list",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage, no such file"
        "4    the store or the key is refused"
    )
)]
pub(crate) struct Trust {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: TrustVerb,
}

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct Store {
    /// The trust store [default: $MODHOST_STORE, else modhost/trust.toml among your settings]
    #[arg(id = "store", long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustVerb {
    Add(Add),
    /// Take a key out: its plugins are those of an unknown key then
    #[command(after_help = ending!(
        "  modhost trust remove 40302329e41f3cc7",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage"
        "4    there is no such key, or the store is refused"
    ))]
    Remove {
        /// The key's id, or at least 8 digits of its begin
        #[arg(value_name = "KEYID")]
        key: String,
        /// Which store.
        #[command(flatten)]
        store: Store,
    },
    Revoke(Revoke),
    /// Say that a key is a publisher's own, so that its plugins may be trusted
    #[command(
        help_template = told!(
            "With a pin and the host's own word (`vendors = [\"acme\"]` in its policy) a
signature of the key gives full trust; with the pin alone, as much as any other
key's."
        ),
        after_help = ending!(
            "  modhost trust pin acme 40302329e41f3cc7",
            "0    done"
            "1    the store cannot be written"
            "2    wrong usage"
            "4    there is no such key, or the store is refused"
        )
    )]
    Pin {
        /// The part of the plugins' ids before the dot
        #[arg(value_name = "PUBLISHER")]
        publisher: String,
        /// The key's id, or at least 8 digits of its begin
        #[arg(value_name = "KEYID")]
        key: String,
        /// Which store.
        #[command(flatten)]
        store: Store,
    },
    /// Show what the store holds
    #[command(after_help = ending!(
        "  modhost trust list
  modhost trust list --store mods/trust.toml --json",
        "0    done"
        "2    wrong usage, no such file"
        "4    the store is refused"
    ))]
    List {
        /// Which store.
        #[command(flatten)]
        store: Store,
    },
}

/// Trust a key with the plugins of its namespaces, or change how far
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "KEY is a file with a public key in PEM, a private key's file, of which the
public half is taken, or the public key itself as `modhost key show` prints it
(ed25519:...). A key that is there already is replaced, with all that is said
of it."
    ),
    after_help = ending!(
        "  modhost trust add acme.pub --namespace 'acme.*'
  modhost trust add ed25519:d75a98... --namespace acme.wolf \\
      --label 'Acme Games' --ceiling verified --until 2027-11-21
  modhost trust add root.pub --namespace '*' --role delegate --role revoke",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage, no such file"
        "4    the key or the store is refused"
    )
)]
pub(crate) struct Add {
    /// A key in PEM, or ed25519:...
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The plugins it may vouch for: an id, `publisher.*` or `*`; may be repeated
    #[arg(long, value_name = "PATTERN", required = true)]
    pub(crate) namespace: Vec<Pattern>,
    /// What people call it [default: the file's name, else the first namespace]
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// The most trust that it gives: untrusted, verified or trusted
    #[arg(long, value_name = "LEVEL", default_value = "trusted", value_parser = super::trust_level)]
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
package's digest (sha256:...), or versions of a plugin (acme.wolf@<1.2.0), among
which prereleases count. A removed key is unknown; a revoked one is refused.
With --list a signed revocation list is taken in, if a key of the store with the
role `revoke` issued it, and in the place of the issuer's list before."
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

fn date(text: &str) -> Result<Date, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().map_err(|error: modhost::verify::DateError| format!("{error}, or 2027-11-21 for its begin"))
}

pub(super) fn date_or_duration(text: &str) -> Result<Date, String> {
    match modhost::package::parse_duration(text) {
        Ok(duration) => Ok(Date::of(std::time::SystemTime::now()).after(duration)),
        Err(_) => date(text).map_err(|error| format!("{error}; or so long from now, like 365d")),
    }
}
