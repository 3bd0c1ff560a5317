//! The words of `trust delegate` and `trust publish`: what a private key signs for the stores of others.

use std::path::PathBuf;

use clap::Args;
use modhost::{
    TrustLevel,
    verify::{Date, Pattern},
};

use super::{
    super::{Passphrase, trust_level},
    Store, date, date_or_duration,
};

/// Hand part of a key's trust on to another key, by its signature
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "Whoever trusts the key of --by with the role `delegate` then trusts KEY as far
as is said here, which is never more than the key of --by has: its plugins, its
trust, its time, or part of them. KEY may sign packages and delegate further, up
to three links. So a root key can lie offline: a store is told of it once, and
of the keys below it by files that nobody can forge.

With --out the delegation goes to a file, for others to take in by
`modhost trust add --delegation FILE`, and no store is looked at; else into the
store here. `modhost trust remove KEYID` takes it out again."
    ),
    after_help = ending!(
        "  modhost key show acme.pem --out acme.pub    (Acme does, and sends it)
  modhost trust delegate acme.pub --by root.pem --namespace 'acme.*' \\
      --until 365d --out acme.delegation
  modhost trust add --delegation acme.delegation",
        "0    done"
        "1    the store or the file cannot be written"
        "2    wrong usage, no such file, or --out is there already"
        "4    a key, the delegation or the store is refused"
    )
)]
pub(crate) struct Delegate {
    /// To whom: a key in PEM, or ed25519:...
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The private key that hands on
    #[arg(long, value_name = "FILE")]
    pub(crate) by: PathBuf,
    /// The plugins KEY may vouch for: an id, `publisher.*` or `*`; may be repeated
    #[arg(long, value_name = "PATTERN", required = true)]
    pub(crate) namespace: Vec<Pattern>,
    /// What people call KEY [default: the file's name, else the first namespace]
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// The most trust that KEY gives: untrusted, verified or trusted
    #[arg(long, value_name = "LEVEL", default_value = "verified", value_parser = trust_level)]
    pub(crate) ceiling: TrustLevel,
    /// When it begins to count: 2026-11-21, or with the time, 2026-11-21T12:00:00Z
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) from: Option<Date>,
    /// When it ends: a date, or from now on so long [default: never]
    #[arg(long, value_name = "DATE|DUR", value_parser = date_or_duration)]
    pub(crate) until: Option<Date>,
    /// Write it to this file instead of into the store
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store", "store-key-file"])]
    pub(crate) out: Option<PathBuf>,
    /// Of the private key.
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// Which store.
    #[command(flatten)]
    pub(crate) store: Store,
}

/// Sign what this store revokes as a list for the stores of others
#[derive(Debug, Args)]
#[command(
    help_template = told!(
        "The list holds all that was revoked here by `modhost trust revoke`, not what
other lists revoke. Others take it in by `modhost trust revoke --list FILE`, if
the key is in their store with the role `revoke`; it holds for the plugins of
the key's namespaces there. A list takes the place of the key's list before, so
what is restored here is restored there by the next one. After --until it is
refused, and whoever took it in is warned: publish the next one by then, also
where nothing changed.

The numbers of a key's lists only go up, and none is used twice: a store that
has a list refuses another one of its number (trust.equivocation). Without
--number it is one more than that of the list in --out, which is replaced, or of
the one the store took in. So keep one file for --out, or say the number."
    ),
    after_help = ending!(
        "  modhost trust publish --key root.pem --until 30d --out acme.revoked
  modhost trust publish --key root.pem --until 30d --out acme.revoked --number 8",
        "0    done"
        "1    the file cannot be written"
        "2    wrong usage, no such file, or --out holds something else"
        "4    the key or the store is refused"
    )
)]
pub(crate) struct Publish {
    /// The private key that issues the list
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// When the next list will be there: a date, or from now on so long, like 30d
    #[arg(long, value_name = "WHEN", value_parser = date_or_duration)]
    pub(crate) until: Date,
    /// Where the list goes
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The list's number [default: one more than that of the list before]
    #[arg(long, value_name = "N")]
    pub(crate) number: Option<u64>,
    /// Of the private key.
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// Which store.
    #[command(flatten)]
    pub(crate) store: Store,
}
