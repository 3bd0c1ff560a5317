//! Packages: what is packed is what opens, and whatever else is given as a package is refused, with its own code, within bounds.
//!
//! No package lies in the repository. `build.rs` puts archives together field by field, without the engine's writer, and every hostile
//! one is a change of a good one. The counts of what was played are printed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod attacks;
mod build;
mod flips;
mod memory;
mod mutate;
mod resident;
mod round_trip;

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
