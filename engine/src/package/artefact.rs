//! [`Artefact`]: one build of a plugin that this target could load, and which file endings mean which backend.

use std::path::Path;

use modhost_backend::Kind;

/// The endings of plugin files, as they are named in messages.
pub(super) const ENDINGS: &str = ".lua .luau .rhai .wat .wasm .so .dll .dylib .modpkg";

/// Whether a file of this name is a package.
pub(super) fn is_package(path: &Path) -> bool {
    ending(path).as_deref() == Some("modpkg")
}

/// One build of a plugin. A package may hold several; policy decides which is taken.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Artefact {
    /// The backend that runs it.
    pub kind: Kind,
    /// Its path inside the plugin, a key of [`Package::files`](super::Package::files).
    pub entry: String,
    /// Whether it is WebAssembly's text form, which is translated before a backend sees it.
    pub text: bool,
}

impl Artefact {
    pub(super) fn new(kind: Kind, entry: impl Into<String>) -> Self {
        let entry = entry.into();
        let text = kind == Kind::WASM && ending(Path::new(&entry)).as_deref() == Some("wat");
        Artefact { kind, entry, text }
    }
}

/// The ending of a file's name in lower case, without the dot.
fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// The backend that runs files of this name.
pub(super) fn kind_of(path: &Path) -> Option<Kind> {
    match ending(path)?.as_str() {
        "lua" | "luau" => Some(Kind::LUA),
        "rhai" => Some(Kind::RHAI),
        "wasm" | "wat" => Some(Kind::WASM),
        "so" | "dll" | "dylib" => Some(Kind::NATIVE),
        _ => None,
    }
}
