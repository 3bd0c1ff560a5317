//! Vetting, attacked: packages, signatures, keys, stores, memories and logs as somebody would make them who wants in, or wants the host
//! to fall. Each gets its own code, within bounds, and leaves nothing behind.
//!
//! `tests/attacks/` holds the attacks as a host would meet them: `table.rs` makes the folders, `play.rs` plays one, `run.rs` all. The
//! rows themselves stand beside the tests of what they attack. Beside them: every bit flipped (`flips.rs`, `damage.rs`), seeded
//! mutations of all that is parsed (`mutate.rs`, `texts.rs`), a second opinion on signatures (`opinions.rs`), a race (`race.rs`), and
//! what holds when nobody attacks. `build.rs` puts archives together field by field, without the engine's writer. The counts are printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod archives;
mod build;
mod caches;
mod damage;
mod delegations;
mod doubles;
mod envelopes;
mod equivocations;
mod files;
mod flips;
mod forgeries;
mod judged;
mod keys;
mod lists;
mod logs;
mod memory;
mod mutate;
mod opinions;
mod order;
mod play;
mod race;
mod resident;
mod returns;
mod round_trip;
mod run;
mod stored;
mod stores;
mod swaps;
mod table;
mod tally;
mod texts;
mod verdicts;
mod world;

use modhost::{
    Error,
    package::{Caps, Package},
};

/// Opens a package in memory.
fn open(bytes: &[u8]) -> Result<Package, Error> {
    Package::from_bytes("p.modpkg", bytes, &Caps::default())
}

/// What a package holds, by which two are the same.
#[derive(Debug, Eq, PartialEq)]
struct Content {
    index: String,
    files: Vec<(String, Vec<u8>)>,
    envelope: Option<Vec<u8>>,
}

fn content(package: &Package) -> Content {
    Content {
        index: package.index().to_string(),
        files: package.files().iter().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect(),
        envelope: package.envelope().map(<[u8]>::to_vec),
    }
}
