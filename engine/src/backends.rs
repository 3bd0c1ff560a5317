//! The one file that names backends: which are compiled in, and why another is not there.

use std::sync::Arc;

use modhost_backend::{Backend, Enforcement, Kind};

use crate::package::nearest;

/// A backend that this engine has, or could have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BackendStatus {
    /// Its name.
    pub kind: Kind,
    /// What it promises; `None` where it is not available.
    pub enforcement: Option<Enforcement>,
    /// Why it is not available.
    pub reason: Option<String>,
}

/// The backends of this build, each with its cargo feature.
pub(crate) const KNOWN: [Kind; 4] = [Kind::LUA, Kind::RHAI, Kind::WASM, Kind::NATIVE];

/// The standard libraries by which a policy can name what of a language is open.
static LIBRARIES: [(Kind, &[&str]); 4] = [
    (Kind::LUA, &["bit32", "buffer", "coroutine", "math", "string", "table", "utf8", "vector"]),
    (Kind::RHAI, &["array", "bits", "blob", "iterators", "map", "math", "string"]),
    (Kind::WASM, &[]),
    (Kind::NATIVE, &[]),
];

/// Whether parts of the language `kind` can be opened and closed at all.
pub(crate) fn has_libraries(kind: &Kind) -> bool {
    LIBRARIES.iter().find(|(other, _)| other == kind).is_none_or(|(_, known)| !known.is_empty())
}

/// Whether the language `kind` has a standard library `name`, or what is wrong; a backend of an embedder's own has what it
/// says it has.
pub(crate) fn check_library(kind: &Kind, name: &str) -> Result<(), String> {
    let Some((_, known)) = LIBRARIES.iter().find(|(other, _)| other == kind) else { return Ok(()) };
    if known.contains(&name) {
        return Ok(());
    }
    let name_shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
    let advice = match (nearest(name, known.iter().copied()), known.is_empty()) {
        (Some(near), _) => format!("; did you mean `{near}`?"),
        (None, false) => format!("; there are {}", known.join(", ")),
        (None, true) => ": it has none that can be opened one by one".into(),
    };
    Err(format!("`{kind}` has no standard library `{name_shown}`{advice}"))
}

/// The backends that are compiled in.
pub(crate) fn compiled_in() -> Vec<Arc<dyn Backend>> {
    vec![
        #[cfg(feature = "lua")]
        Arc::new(modhost_lua::LuaBackend::new()),
        #[cfg(feature = "rhai")]
        Arc::new(modhost_rhai::RhaiBackend::new()),
        #[cfg(feature = "wasm")]
        Arc::new(modhost_wasm::WasmBackend::new()),
        #[cfg(feature = "native")]
        Arc::new(modhost_native::NativeBackend::new()),
    ]
}

/// The enforcement table: what `backends` promise, and why the others are not there.
pub(crate) fn status(backends: &[Arc<dyn Backend>], without: &[Kind]) -> Vec<BackendStatus> {
    let mut table: Vec<BackendStatus> = backends
        .iter()
        .map(|backend| BackendStatus { kind: backend.kind(), enforcement: Some(backend.enforcement()), reason: None })
        .collect();
    for kind in KNOWN.iter().chain(without) {
        if table.iter().any(|row| row.kind == *kind) {
            continue;
        }
        let reason = if without.contains(kind) {
            "left out by the host".into()
        } else {
            format!("not compiled in: cargo feature `{kind}`")
        };
        table.push(BackendStatus { kind: kind.clone(), enforcement: None, reason: Some(reason) });
    }
    table
}
