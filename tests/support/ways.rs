//! Ways to an error that take more than a line: a native library that is compiled first, a call out of a call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use modhost::{Engine, Error, Policy, Value};

use crate::support::folder;

/// Loading a native library that `source` compiles to.
pub(crate) fn native(source: &str, flags: &[&str]) -> Error {
    let area = folder(&[("p.c", source)]);
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk/abi/include");
    let out = area.path().join("p.so");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-I"])
        .args([&header, &PathBuf::from("-o"), &out, &area.path().join("p.c")])
        .args(flags)
        .status()
        .expect("a C compiler, which building modhost needs anyway");
    assert!(status.success());
    library(&fs::read(out).unwrap())
}

pub(crate) fn library(bytes: &[u8]) -> Error {
    let engine = Engine::builder().policy(Policy::development()).build().unwrap();
    engine.load_source("p.so", bytes).unwrap_err()
}

/// What a call of the plugin by itself, through the host, comes to.
pub(crate) fn busy() -> Error {
    let seen = Arc::new(Mutex::new(None));
    let inner = seen.clone();
    let engine = Engine::builder()
        .function("game.again", move || {
            let engine = modhost::caller().unwrap().engine;
            *inner.lock().unwrap() = engine.call::<_, Value>(&mut (), "p", "run", ()).err();
        })
        .build()
        .unwrap();
    engine.load_source("p.lua", "function run() game.again() end").unwrap();
    engine.call::<_, ()>(&mut (), "p", "run", ()).unwrap();
    seen.lock().unwrap().take().unwrap()
}
