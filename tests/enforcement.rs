//! The enforcement table, cell by cell: what a backend promises is tripped or tried here, or in the conformance case that is named, and
//! what it does not promise says so. A cell without a row fails, so a promise cannot be added untested.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::Path};

use modhost::{Code, Engine, Guarantee, Isolation, Value};

/// How a cell is shown to hold.
enum Shown {
    /// A conformance case of this name trips it in this backend.
    Case(&'static str),
    /// Guests have no way to the resource: each of these plugins tries one, and gets this code.
    NoWay(&'static [(&'static str, &'static str, Code)]),
    /// It is not promised.
    NotPromised,
}
use Guarantee::{Approximate, Exact, None as No};
use Shown::{Case, NoWay, NotPromised};

const LUA_FILES: Shown = NoWay(&[
    ("a.lua", "function run() return io.open('/etc/passwd') end", Code::ScriptRaised),
    ("a.lua", "function run() return loadfile('/etc/passwd') end", Code::ScriptRaised),
    ("a.lua", "function run() return require('/etc/passwd') end", Code::ScriptMissingImport),
]);
const LUA_NET: Shown = NoWay(&[("a.lua", "function run() return require('socket') end", Code::ScriptMissingImport)]);
const LUA_THREADS: Shown = NoWay(&[("a.lua", "function run() return os.execute('true') end", Code::ScriptRaised)]);
const LUA_DISK: Shown =
    NoWay(&[("a.lua", "function run() return os.remove('x') or io.tmpfile() end", Code::ScriptRaised)]);
const RHAI_FILES: Shown = NoWay(&[
    ("a.rhai", "fn run() { open_file(\"/etc/passwd\") }", Code::ScriptRaised),
    ("a.rhai", "import \"/etc/passwd\" as secret; fn run() { 1 }", Code::ScriptMissingImport),
    ("a.rhai", "fn run() { eval_file(\"/etc/passwd\") }", Code::ScriptRaised),
]);
const RHAI_NET: Shown = NoWay(&[("a.rhai", "fn run() { net::connect(\"localhost\") }", Code::ScriptMissingImport)]);
const RHAI_THREADS: Shown = NoWay(&[("a.rhai", "fn run() { sleep(1) }", Code::ScriptRaised)]);
const RHAI_DISK: Shown = NoWay(&[("a.rhai", "fn run() { remove_file(\"x\") }", Code::ScriptRaised)]);
const WASM_FILES: Shown = NoWay(&[(
    "a.wat",
    "(module (import \"wasi_snapshot_preview1\" \"path_open\" (func $f)) (func (export \"run\") (call $f)))",
    Code::ScriptMissingImport,
)]);
const WASM_NET: Shown = NoWay(&[(
    "a.wat",
    "(module (import \"wasi_snapshot_preview1\" \"sock_accept\" (func $f)) (func (export \"run\") (call $f)))",
    Code::ScriptMissingImport,
)]);
const WASM_THREADS: Shown = NoWay(&[
    (
        "a.wat",
        "(module (import \"wasi\" \"thread-spawn\" (func $f)) (func (export \"run\") (call $f)))",
        Code::ScriptMissingImport,
    ),
    ("a.wat", "(module (memory 1 1 shared) (func (export \"run\")))", Code::WasmInvalid),
]);
const WASM_DISK: Shown = NoWay(&[(
    "a.wat",
    "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func $f)) (func (export \"run\") (call $f)))",
    Code::ScriptMissingImport,
)]);

/// Backend, its plugins' ending, row, promise, and how it is shown.
const CELLS: [(&str, &str, &str, Guarantee, Shown); 44] = [
    ("lua", "lua", "instructions", Exact, Case("limit-fuel-caught")),
    ("lua", "lua", "memory", Exact, Case("limit-memory-caught")),
    ("lua", "lua", "interrupt", Approximate, Case("limit-deadline-caught")),
    ("lua", "lua", "call depth", Exact, Case("limit-depth-caught")),
    ("lua", "lua", "values", Exact, Case("limit-value-result")),
    ("lua", "lua", "output", Exact, Case("limit-output")),
    ("lua", "lua", "open files", Exact, LUA_FILES),
    ("lua", "lua", "connections", Exact, LUA_NET),
    ("lua", "lua", "threads", Exact, LUA_THREADS),
    ("lua", "lua", "storage", Exact, LUA_DISK),
    ("lua", "lua", "cpu share", No, NotPromised),
    ("rhai", "rhai", "instructions", Exact, Case("limit-fuel-caught")),
    ("rhai", "rhai", "memory", Approximate, Case("limit-memory-caught")),
    ("rhai", "rhai", "interrupt", Approximate, Case("limit-deadline-caught")),
    ("rhai", "rhai", "call depth", Approximate, Case("limit-depth-caught")),
    ("rhai", "rhai", "values", Exact, Case("limit-value-result")),
    ("rhai", "rhai", "output", Exact, Case("limit-output")),
    ("rhai", "rhai", "open files", Exact, RHAI_FILES),
    ("rhai", "rhai", "connections", Exact, RHAI_NET),
    ("rhai", "rhai", "threads", Exact, RHAI_THREADS),
    ("rhai", "rhai", "storage", Exact, RHAI_DISK),
    ("rhai", "rhai", "cpu share", No, NotPromised),
    ("wasm", "wat", "instructions", Exact, Case("limit-fuel-loop")),
    ("wasm", "wat", "memory", Exact, Case("limit-memory-hog")),
    ("wasm", "wat", "interrupt", Exact, Case("limit-deadline-loop")),
    ("wasm", "wat", "call depth", Exact, Case("limit-depth")),
    ("wasm", "wat", "values", Exact, Case("limit-value-result")),
    ("wasm", "wat", "output", Exact, Case("limit-output")),
    ("wasm", "wat", "open files", Exact, WASM_FILES),
    ("wasm", "wat", "connections", Exact, WASM_NET),
    ("wasm", "wat", "threads", Exact, WASM_THREADS),
    ("wasm", "wat", "storage", Exact, WASM_DISK),
    ("wasm", "wat", "cpu share", No, NotPromised),
    ("native", "so", "instructions", No, NotPromised),
    ("native", "so", "memory", No, NotPromised),
    ("native", "so", "interrupt", No, NotPromised),
    ("native", "so", "call depth", No, NotPromised),
    // One library plays the native side of every case.
    ("native", "so", "values", Exact, Case("limit-value-result")),
    ("native", "so", "output", No, NotPromised),
    ("native", "so", "open files", No, NotPromised),
    ("native", "so", "connections", No, NotPromised),
    ("native", "so", "threads", No, NotPromised),
    ("native", "so", "storage", No, NotPromised),
    ("native", "so", "cpu share", No, NotPromised),
];

/// That the conformance suite, which runs by itself, trips this row in this backend: the case ends a call with a limit's code, and is
/// not waived for the backend.
fn check_case(backend: &str, ending: &str, case: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/conformance").join(case);
    let text: toml::Table = fs::read_to_string(folder.join("case.toml")).unwrap().parse().unwrap();
    let ends = |call: &toml::Value| {
        call.get("fails").and_then(|code| code.as_str()).is_some_and(|code| code.starts_with("limit."))
    };
    assert!(text["call"].as_array().unwrap().iter().any(ends), "{case} hits no limit");
    assert!(text.get("missing").and_then(|missing| missing.get(backend)).is_none(), "{case} is missing in {backend}");
    assert!(
        backend == "native" || folder.join(format!("main.{ending}")).exists(),
        "{case} has no plugin for {backend}"
    );
}

fn check_no_way(plugins: &[(&str, &str, Code)]) {
    for (file, source, code) in plugins {
        let engine = Engine::builder().build().unwrap();
        let loaded = engine.load_source(file, source);
        let result = loaded.and_then(|plugin| engine.call::<_, Value>(&mut (), plugin, "run", ()));
        assert_eq!(result.map_err(|error| error.code()), Err(*code), "{file}: {source}");
    }
}

/// Plugins that ask for what comes later. Native ones are held against the conformance case `pending`.
const ASKING: [(&str, &str); 3] = [
    ("lua", "function run() return net.ask() end"),
    ("rhai", "fn run() { net::ask() }"),
    ("wat", "(module (import \"net\" \"ask\" (func $a (result i64))) (func (export \"run\") (result i64) (call $a)))"),
];

/// That a call of this backend is suspended and goes on exactly where the table says so.
fn check_suspend(backend: &str, promised: bool) {
    assert_eq!(promised, matches!(backend, "lua" | "wasm"), "{backend}");
    let ending = if backend == "wasm" { "wat" } else { backend };
    let Some((_, source)) = ASKING.iter().find(|(file, _)| *file == ending) else { return };
    let engine = Engine::builder().pending("net.ask", |_: modhost::Ticket| ()).build().unwrap();
    let plugin = engine.load_source(&format!("a.{ending}"), source).unwrap();
    let goes_on = |progress: modhost::Progress<Value>| {
        let ticket = progress.ticket().unwrap();
        engine.resume::<_, Value>(&mut (), ticket, Ok(42)).map(|progress| progress.done().unwrap())
    };
    let outcome = engine.start(&mut (), plugin, "run", ()).and_then(goes_on).map_err(|error| error.code());
    assert_eq!(outcome, if promised { Ok(Value::Int(42)) } else { Err(Code::HostCannotSuspend) }, "{backend}");
}

#[test]
fn every_cell_of_the_table_is_shown_to_hold() {
    let mut open: BTreeSet<(String, &str)> = BTreeSet::new();
    for backend in Engine::builder().build().unwrap().backends() {
        let table = backend.enforcement.unwrap();
        let isolation = if backend.kind.as_str() == "native" { Isolation::SharedMemory } else { Isolation::Sandbox };
        assert_eq!(table.isolation, isolation, "{}", backend.kind);
        check_suspend(backend.kind.as_str(), table.suspend);
        for (row, promised) in table.rows() {
            let kind = backend.kind.to_string();
            let Some((_, ending, _, expected, shown)) = CELLS.iter().find(|cell| cell.0 == kind && cell.2 == row)
            else {
                open.insert((kind, row));
                continue;
            };
            assert_eq!(promised, *expected, "{kind}: {row}");
            match shown {
                Case(case) => check_case(&kind, ending, case),
                NoWay(plugins) => check_no_way(plugins),
                NotPromised => assert_eq!(promised, No, "{kind}: {row} is promised and never tried"),
            }
        }
    }
    assert!(open.is_empty(), "cells that nothing shows: {open:?}");
}
