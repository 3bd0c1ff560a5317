//! Plugins on disk for the tests that need them. It asserts nothing.

// Each test file uses a part.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::fs;

/// A folder of plugins: `id/file` and its text.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let area = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = area.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    area
}

/// `plugin.toml` of a Lua plugin.
pub fn manifest(id: &str, rest: &str) -> String {
    format!("[plugin]\nid = \"{id}\"\nversion = \"1.2.0\"\n{rest}")
}
