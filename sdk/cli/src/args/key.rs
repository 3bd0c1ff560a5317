//! The words of `key`, and where the passphrase of a private key is.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
        "1    the file cannot be written"
        "2    wrong usage, no such file, or the one to write is there already"
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
    /// The private key's passphrase: the first line of this file [default: $MODHOST_PASSPHRASE, else what a terminal is asked]
    #[arg(id = "passphrase-file", long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// What to do with a key.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Write a new private key to a file that only you may read
    #[command(
        help_template = told!(
            "The file is PKCS#8 in PEM, as OpenSSL writes and reads it. With --encrypt it is
under a passphrase, which is asked for twice unless a file or the variable gives
it; else keep it where only you can read it. A file that is there is never
overwritten. What is printed, the public key and its id, is for everybody."
        ),
        after_help = ending!(
            "  modhost key new acme.pem --encrypt
  modhost key new acme.pem --passphrase-file ~/.acme-passphrase
  modhost key new ci.pem                  under no passphrase: for a machine",
            "0    done"
            "1    the file cannot be written"
            "2    wrong usage, the file is there already, no such folder, or no terminal to ask on"
        )
    )]
    New {
        /// Where the private key goes
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Put it under a passphrase
        #[arg(long)]
        encrypt: bool,
        /// Its passphrase.
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Show the public key of a file, and its id
    #[command(
        after_help = ending!(
            "  modhost key show acme.pem
  modhost key show acme.pem --out acme.pub    the public half, to hand on
  modhost key show acme.pub --json",
            "0    done"
            "1    --out cannot be written"
            "2    wrong usage, no such file, or --out is there already"
            "4    no key of ed25519, or a private one that others may read"
        )
    )]
    Show {
        /// A private or a public key in PEM
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Write the public key to this new file too, as PEM
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Its passphrase.
        #[command(flatten)]
        passphrase: Passphrase,
    },
}
