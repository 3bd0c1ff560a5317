//! A package `p`, and the folder that it was unpacked to, with something changed: what opening says then.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use modhost::{
    Error,
    package::{Algorithm, Caps, Package},
};

use super::support::folder;

/// A folder plugin `p`, opened.
fn plugin() -> (tempfile::TempDir, Package) {
    let area =
        folder(&[("plugin.toml", "[plugin]\nid = \"p\"\nversion = \"1.0.0\""), ("main.lua", "function run() end")]);
    let package = Package::open(area.path(), &Caps::default()).unwrap();
    (area, package)
}

/// Opens the package after a change of its bytes, under changed caps.
pub(super) fn packed(change: fn(&mut Vec<u8>, &mut Caps)) -> Error {
    let (_area, package) = plugin();
    let mut caps = Caps::default();
    let mut bytes = package.pack(Algorithm::Sha256, None, &caps).unwrap().bytes;
    change(&mut bytes, &mut caps);
    Package::from_bytes("p.modpkg", &bytes, &caps).unwrap_err()
}

/// Opens the folder, whose META is right, after a change of its files.
pub(super) fn unpacked(change: fn(&Path)) -> Error {
    let (area, package) = plugin();
    fs::create_dir(area.path().join("META")).unwrap();
    fs::write(area.path().join("META/files"), package.index().as_bytes()).unwrap();
    assert!(Package::open(area.path(), &Caps::default()).unwrap().recorded());
    change(area.path());
    Package::open(area.path(), &Caps::default()).unwrap_err()
}
