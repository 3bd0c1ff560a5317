//! The words of `trust`: the store of those that are trusted.

mod entries;
mod signed;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use modhost::verify::Date;

pub(crate) use entries::{Add, Allow, Revoke, Threshold};
pub(crate) use signed::{Delegate, Publish};

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
kept."
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
    /// The key of a sealed store, 64 hex digits in a file [default: $MODHOST_STORE_KEY, else the store is not sealed]
    #[arg(id = "store-key-file", long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustVerb {
    Add(Add),
    /// Take a key out: its plugins are those of an unknown key then
    #[command(
        help_template = told!(
            "With the key go its pins, what it delegated and the revocation list that it
issued; of a key that is there by delegation, the delegations to it. To refuse
its plugins, revoke it."
        ),
        after_help = ending!(
            "  modhost trust remove 40302329e41f3cc7",
            "0    done"
            "1    the store cannot be written"
            "2    wrong usage"
            "4    there is no such key, or the store is refused"
        )
    )]
    Remove {
        /// The key's id, or at least 8 digits of its begin
        #[arg(value_name = "KEYID")]
        key: String,
        /// Which store.
        #[command(flatten)]
        store: Store,
    },
    Revoke(Revoke),
    /// Take a revocation back
    #[command(
        help_template = told!(
            "WHAT is written as it was for `modhost trust revoke`, and as `modhost trust
list` shows it. Only what was revoked here can be restored here: what a signed
list revokes is restored by its issuer's next list."
        ),
        after_help = ending!(
            "  modhost trust restore 40302329e41f3cc7
  modhost trust restore 'acme.wolf@<1.2.0'",
            "0    done"
            "1    the store cannot be written"
            "2    wrong usage"
            "4    it is not revoked here, or the store is refused"
        )
    )]
    Restore {
        /// A key id, sha256:..., or ID@RANGE
        #[arg(value_name = "WHAT")]
        what: String,
        /// Which store.
        #[command(flatten)]
        store: Store,
    },
    /// Say that a key is a publisher's own: its plugins may be trusted
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
    /// Take a pin back: the key counts as any other one
    #[command(after_help = ending!(
        "  modhost trust unpin acme 40302329e41f3cc7",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage"
        "4    there is no such pin, or the store is refused"
    ))]
    Unpin {
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
    Threshold(Threshold),
    Allow(Allow),
    Delegate(Delegate),
    Publish(Publish),
    /// Encrypt the store: nobody without its key reads or changes it
    #[command(
        help_template = told!(
            "The key is 64 hex digits, in a file that only you may read or in the variable;
a file that is not there is made. Every verb that reads the store needs the key
from then on, by --store-key-file or $MODHOST_STORE_KEY. Where a key is given, a
store that is not sealed is refused, so that nobody can put one in its place."
        ),
        after_help = ending!(
            "  modhost trust seal --store-key-file store.key
  modhost trust list --store-key-file store.key",
            "0    done"
            "1    the store or the key's file cannot be written"
            "2    wrong usage, no such store"
            "4    the store is refused, or sealed already; or others may read the key"
        )
    )]
    Seal {
        /// Which store.
        #[command(flatten)]
        store: Store,
    },
    /// Write a sealed store as plain text again
    #[command(after_help = ending!(
        "  modhost trust unseal --store-key-file store.key",
        "0    done"
        "1    the store cannot be written"
        "2    wrong usage, no such file"
        "4    the store does not open with this key"
    ))]
    Unseal {
        /// Which store.
        #[command(flatten)]
        store: Store,
    },
    /// Count the store's generation up, after it was edited by hand
    #[command(
        help_template = told!(
            "A host refuses a store that is older than the one it saw, and one of the same
generation that holds something else (trust.equivocation): two people changed
copies of one store, or somebody edited the file without counting it up. Compare
the two with `modhost trust list`, make the changes that the right one lacks by
`modhost trust`, each of which counts it up, or, if it lacks none, use this verb.
What the store holds stays as it is; comments are not kept."
        ),
        after_help = ending!(
            "  modhost trust raise --store trust.toml
  modhost trust raise --generation 12",
            "0    done"
            "1    the store cannot be written"
            "2    wrong usage, no such file"
            "4    the store is refused, or is of this generation already"
        )
    )]
    Raise {
        /// The generation that it gets [default: one more than it has]
        #[arg(long, value_name = "N")]
        generation: Option<u64>,
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
