//! Manifests: text from a grammar, or bytes. Reading one gives a package or an error with a place, and never panics.

use modhost::package::Package;

use crate::{Play, engine, grammar::Grammar, judged};

pub(crate) fn start() -> Play {
    let grammar = Grammar::read("manifest");
    let caps = modhost::Policy::mods().caps;
    let engine = engine();
    Box::new(move |bytes| {
        let text = match bytes.first() {
            Some(byte) if byte % 4 == 0 => bytes[1..].to_vec(),
            _ => grammar.write(bytes).into_bytes(),
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plugin.toml"), &text).unwrap();
        std::fs::write(folder.path().join("main.lua"), "function go() end").unwrap();
        match Package::open(folder.path(), &caps) {
            Ok(package) => match engine.load_path(folder.path()) {
                Ok(plugin) => engine
                    .unload(plugin)
                    .map(|()| format!("ok: {} notes", package.notes().len()))
                    .map_err(|error| error.to_string()),
                Err(error) => judged(&error).map(|what| format!("load {what}")),
            },
            Err(error) => judged(&error),
        }
    })
}
