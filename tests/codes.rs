//! Every code of the catalogue, produced once through the public API: with its stage, plugin, place and a remedy. A code without a row
//! fails, and so does a row without a code. Linux, because libraries and special files are the system's own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/own_backend.rs"]
mod own_backend;
#[path = "support/packed.rs"]
mod packed;
mod support;
#[path = "support/trust_codes.rs"]
mod trust_codes;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use modhost::{
    Builder, Code, Engine, Error, HostFunction, ManualClock, Policy,
    Stage::{self, Admit, Call, Load, Open, Resolve},
    Value,
    audit::{self, FileLog},
    package::{Algorithm, Caps, Manifest, Package},
    resolve::{Candidate, Lockfile, ModSet, Options, Resolver},
};
use own_backend::{Own, own};
use packed::{packed, unpacked};
use support::folder;

/// Where an error comes from.
enum From {
    /// The engine: stage, plugin, place (empty for none), and what produces it.
    Engine(Stage, &'static str, &'static str, fn() -> Error),
    /// The command alone: the test of it that holds the code.
    Command(&'static str),
}
use From::{Command as Verb, Engine as By};

/// An engine under the policy `mods`.
fn engine() -> Engine {
    Engine::builder().build().unwrap()
}

/// Loading a single file.
fn load(name: &str, source: &str) -> Error {
    engine().load_source(name, source).unwrap_err()
}

/// Calling `run` of a single file, with the host functions that `host` adds.
fn call(name: &str, source: &str, host: fn(Builder) -> Builder) -> Error {
    let engine = host(Engine::builder()).build().unwrap();
    let plugin = engine.load_source(name, source).unwrap();
    engine.call::<_, Value>(&mut (), plugin, "run", ()).unwrap_err()
}

fn no_host(builder: Builder) -> Builder {
    builder
}

/// An engine with a plugin `p` that needs `q`.
fn pair() -> Engine {
    let engine = engine();
    let plugin = |id: &str, rest: &str| format!("[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\n{rest}");
    let area = folder(&[
        ("p/plugin.toml", &plugin("p", "[dependencies]\nq = \"1\"")),
        ("p/main.lua", ""),
        ("q/plugin.toml", &plugin("q", "")),
        ("q/main.lua", ""),
    ]);
    assert!(engine.load_dir(area.path()).unwrap().refused.is_empty());
    engine
}

/// What a plugin gets that publishes to one that takes no events.
fn full_queue() -> Error {
    let area = folder(&[
        (
            "deaf/plugin.toml",
            "[plugin]\nid = \"deaf\"\nversion = \"1.0.0\"\n[events]\nlisten = [\"dusk\"]\n[limits]\nqueue = 0",
        ),
        ("deaf/main.lua", "function on_dusk() end"),
    ]);
    let engine = Engine::builder().events().grant("events.emit").build().unwrap();
    engine.load_path(area.path().join("deaf")).unwrap();
    let plugin = engine.load_source("p.lua", "function run()\nevents.emit('dusk', 1) end").unwrap();
    engine.call::<_, Value>(&mut (), plugin, "run", ()).unwrap_err()
}

/// Calling `run` of a single Lua file under changed limits.
fn limited(source: &str, change: fn(&mut modhost::Limits)) -> Error {
    let mut policy = Policy::mods();
    change(&mut policy.untrusted.limits);
    let engine = Engine::builder().policy(policy).build().unwrap();
    let plugin = engine.load_source("p.lua", source).unwrap();
    engine.call::<_, Value>(&mut (), plugin, "run", ()).unwrap_err()
}

/// The folder plugin `p` with this `plugin.toml` and an empty `main.lua`.
fn manifest(text: &str) -> Error {
    let area = folder(&[("p/plugin.toml", text), ("p/main.lua", "")]);
    engine().load_path(area.path().join("p")).unwrap_err()
}

/// The same with these lines below `[plugin]`.
fn keys(lines: &str) -> Error {
    manifest(&format!("[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n{lines}"))
}

/// The refusal of `p` among folder plugins, each an id and lines of its manifest.
fn among(plugins: &[(&str, &str)]) -> Error {
    let files: Vec<(String, String)> = plugins
        .iter()
        .flat_map(|(id, lines)| {
            let text = format!("[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\n{lines}");
            [(format!("{id}/plugin.toml"), text), (format!("{id}/main.lua"), String::new())]
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let area = folder(&files);
    let mods = engine().load_dir(area.path()).unwrap();
    mods.refused.into_iter().find(|refused| refused.name == "p").unwrap().error
}

/// Loading a native library that `source` compiles to.
fn native(source: &str, flags: &[&str]) -> Error {
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

fn library(bytes: &[u8]) -> Error {
    let engine = Engine::builder().policy(Policy::development()).build().unwrap();
    engine.load_source("p.so", bytes).unwrap_err()
}

/// The plugin `p` for a resolver.
fn candidate(version: &str) -> Candidate {
    Candidate::plain("p".parse().unwrap(), version.parse().unwrap(), "p")
}

fn policy(text: &str) -> Error {
    Policy::from_toml(text, "arena.toml").unwrap_err()
}

/// What a call of the plugin by itself, through the host, comes to.
fn busy() -> Error {
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

fn deadline() -> Error {
    let clock = Arc::new(ManualClock::default());
    let time = clock.clone();
    let engine = Engine::builder()
        .clock(clock)
        .function("game.wait", move || time.advance(Duration::from_secs(2)))
        .build()
        .unwrap();
    let plugin = engine.load_source("p.lua", "function run() game.wait() end").unwrap();
    engine.call::<_, ()>(&mut (), plugin, "run", ()).unwrap_err()
}

/// A call of a plugin to which `change` was done after it was loaded.
fn after(change: fn(&Engine)) -> Error {
    let mut policy = Policy::mods();
    // Used up in no time, on a busy machine too.
    policy.untrusted.limits.fuel = 10_000;
    let engine = Engine::builder().policy(policy).build().unwrap();
    engine.load_source("p.lua", "function run() while true do end end").unwrap();
    change(&engine);
    engine.call::<_, ()>(&mut (), "p", "run", ()).unwrap_err()
}

/// Loading under a changed policy.
fn under(change: fn(&mut Policy), name: &str, source: &str) -> Error {
    let mut policy = Policy::mods();
    change(&mut policy);
    Engine::builder().policy(policy).build().unwrap().load_source(name, source).unwrap_err()
}

const ROWS: &[(Code, From)] = &[
    (Code::ScriptCompile, By(Load, "p", "p.lua:2", || load("p.lua", "\nfunction ("))),
    (Code::ScriptRaised, By(Call, "p", "p.lua:2", || call("p.lua", "function run()\nerror('no wolves') end", no_host))),
    (Code::ScriptType, By(Call, "p", "", || call("p.lua", "function run()\nreturn print end", no_host))),
    (Code::ScriptArity, By(Call, "p", "", || call("p.lua", "function run(a) end", no_host))),
    (Code::ScriptMissingExport, By(Call, "p", "", || call("p.lua", "function walk() end", no_host))),
    (
        Code::ScriptMissingImport,
        By(Call, "p", "p.rhai:2:1", || call("p.rhai", "fn run() {\ngame::nothing() }", no_host)),
    ),
    (
        Code::ScriptImportCycle,
        By(Load, "p", "b.lua:1", || {
            let area = folder(&[
                ("p/plugin.toml", "[plugin]\nid = \"p\"\nversion = \"1.0.0\""),
                ("p/main.lua", "\nlocal a = require('a')"),
                ("p/a.lua", "\n\nreturn require('b')"),
                ("p/b.lua", "return require('a')"),
            ]);
            engine().load_path(area.path().join("p")).unwrap_err()
        }),
    ),
    (Code::WasmInvalid, By(Load, "p", "p.wasm", || load("p.wasm", "\0asm\u{1}\0\0\0\u{1}\u{7f}"))),
    (Code::WasmTrap, By(Call, "p", "p.wat", || call("p.wat", "(module (func (export \"run\") unreachable))", no_host))),
    (Code::WasmAbi, By(Load, "p", "p.wat", || load("p.wat", "(module (func (export \"modhost_abi_2\")))"))),
    (
        Code::NativeAbi,
        By(Load, "p", "p.so", || {
            native("#include \"modhost.h\"\nconst modhost_plugin *modhost_plugin_1(void) { return 0; }", &[])
        }),
    ),
    (Code::NativeArch, By(Load, "p", "p.so", || library(b"MZ, a library of another system"))),
    (Code::NativeCorrupt, By(Load, "p", "p.so", || library(b"no library at all"))),
    (Code::NativeMissingSymbol, By(Load, "p", "p.so", || native("int something_else(void) { return 1; }", &[]))),
    (
        Code::NativeNeedsLibrary,
        By(Load, "p", "p.so", || native("int f(void) { return 1; }", &["-Wl,-rpath,/elsewhere"])),
    ),
    (Code::NativeCrashed, By(Call, "p", "", || own(Own::Crashed))),
    (Code::NativeIsolationUnavailable, By(Load, "p", "", || own(Own::Unavailable))),
    (
        Code::HostFailed,
        By(Call, "p", "p.lua:2", || {
            call("p.lua", "function run()\ngame.fail() end", |builder| {
                builder.function("game.fail", || Err::<(), _>("no"))
            })
        }),
    ),
    (
        Code::HostPanicked,
        By(Call, "p", "p.lua:1", || {
            call("p.lua", "function run() game.panic() end", |builder| {
                builder.function("game.panic", || -> i64 { std::panic::resume_unwind(Box::new("no")) })
            })
        }),
    ),
    (Code::HostBusy, By(Call, "p", "", busy)),
    (
        Code::HostCannotSuspend,
        By(Call, "p", "p.lua:1", || {
            let fetch = |builder: Builder| builder.pending("net.fetch", |_: modhost::Ticket, _: String| ());
            call("p.lua", "function run() net.fetch('news') end", fetch)
        }),
    ),
    (
        Code::HostNoState,
        By(Load, "p", "p.lua:2", || {
            let engine = Engine::builder().function("game.score", |score: &mut i64| *score).build().unwrap();
            engine.load_source("p.lua", "\ngame.score()").unwrap_err()
        }),
    ),
    (
        Code::HostStaleHandle,
        By(Call, "p", "p.lua:1", || {
            call("p.lua", "function run() game.use() end", |builder| {
                builder.function("game.use", || {
                    let stale = modhost::Handle { kind: 1, slot: 0, generation: 0 };
                    modhost::Handles::<i64>::new(1).get("p", stale).copied()
                })
            })
        }),
    ),
    (
        Code::HostStateMismatch,
        By(Call, "p", "p.lua:1", || {
            call("p.lua", "function run() game.score() end", |builder| {
                builder.function("game.score", |score: &mut i64| *score)
            })
        }),
    ),
    (Code::PluginKilled, By(Call, "p", "", || after(|engine| drop(engine.call::<_, ()>(&mut (), "p", "run", ()))))),
    (Code::PluginDisabled, By(Call, "p", "", || after(|engine| engine.set_enabled("p", false).unwrap()))),
    (Code::PluginQuarantined, By(Call, "p", "", || after(|engine| engine.quarantine("p", "it cheats").unwrap()))),
    (
        Code::LifecycleIllegal,
        By(Stage::Enable, "p", "", || {
            let engine = engine();
            let plugin = engine.load_source("p.lua", "").unwrap();
            engine.enable_plugin(&mut (), plugin).unwrap();
            engine.enable_plugin(&mut (), plugin).unwrap_err()
        }),
    ),
    (Code::LifecycleDependency, By(Stage::Enable, "p", "", || pair().enable_plugin(&mut (), "p").unwrap_err())),
    (Code::LifecycleDependents, By(Stage::Unload, "q", "", || pair().unload("q").unwrap_err())),
    (
        Code::LifecycleShutdown,
        By(Admit, "p", "", || {
            let engine = engine();
            engine.shutdown(&mut (), Duration::ZERO);
            engine.load_source("p.lua", "").unwrap_err()
        }),
    ),
    (Code::PluginNotFound, By(Call, "", "", || after(|engine| engine.unload("p").unwrap()))),
    (Code::CallInterrupted, By(Call, "p", "", || own(Own::Interrupted))),
    (Code::IoFailed, By(Open, "", "", || engine().load_path("a name with\0a zero.lua").unwrap_err())),
    (Code::IoNotFound, By(Open, "", "", || engine().load_path("no/such.lua").unwrap_err())),
    (Code::Usage, Verb("sdk/cli/tests/verbs.rs")),
    (
        Code::AuditFailed,
        By(Admit, "p", "", || {
            let full = |_: &audit::Record| Err(std::io::ErrorKind::StorageFull.into());
            Engine::builder().audit(Arc::new(full)).build().unwrap().load_source("p.lua", "").unwrap_err()
        }),
    ),
    (
        Code::AuditLocked,
        By(Stage::Engine, "", "", || {
            let area = folder(&[]);
            let _log = FileLog::open(area.path().join("audit.jsonl")).unwrap();
            FileLog::open(area.path().join("audit.jsonl")).unwrap_err()
        }),
    ),
    (
        Code::AuditBroken,
        By(Stage::Engine, "", "audit.jsonl:1", || {
            let area = folder(&[("audit.jsonl", "nothing of ours\n")]);
            FileLog::open(area.path().join("audit.jsonl")).unwrap_err()
        }),
    ),
    (
        Code::AuditKey,
        By(Stage::Engine, "", "", || {
            let area = folder(&[("audit.key", "nothing of ours\n")]);
            audit::PublicKey::read(area.path().join("audit.key")).unwrap_err()
        }),
    ),
    (Code::LimitFuel, By(Call, "p", "p.lua:1", || after(|_| {}))),
    (
        Code::LimitMemory,
        By(Call, "p", "p.lua:1", || {
            limited("function run() local t = {} while true do t[#t + 1] = { #t } end end", |limits| {
                limits.memory = 1 << 20
            })
        }),
    ),
    (Code::LimitDeadline, By(Call, "p", "p.lua:1", deadline)),
    (Code::LimitDepth, By(Call, "p", "p.lua:1", || limited("function run() return 1 + run() end", |_| {}))),
    (
        Code::LimitValue,
        By(Call, "p", "", || {
            limited("function run() return string.rep('x', 1000) end", |limits| limits.value.bytes = 100)
        }),
    ),
    (Code::LimitOutput, By(Call, "p", "", || limited("function run() print('wolf') end", |limits| limits.output = 3))),
    (
        Code::LimitGroup,
        By(Admit, "p", "", || {
            let mut limits = modhost::GroupLimits::default();
            limits.plugins = 0;
            let engine = Engine::builder().group("team", limits).build().unwrap();
            engine.load_source_in("team", "p.lua", "").unwrap_err()
        }),
    ),
    (Code::LimitQueue, By(Call, "p", "p.lua:2", full_queue)),
    (
        Code::LimitInstances,
        By(Admit, "p", "", || {
            let mut policy = Policy::mods();
            policy.instances = 1;
            let engine = Engine::builder().policy(policy).build().unwrap();
            engine.load_source("a.lua", "").unwrap();
            engine.load_source("p.lua", "").unwrap_err()
        }),
    ),
    (
        Code::DeniedCapability,
        By(Call, "p", "p.lua:2", || {
            call("p.lua", "function run()\ngame.spawn() end", |builder| {
                builder.host(HostFunction::new("game.spawn", || 1_i64).needs("game.spawn"))
            })
        }),
    ),
    (Code::DeniedBackend, By(Admit, "p", "", || load("p.so", "whatever it is"))),
    (Code::DeniedTrust, By(Stage::Vet, "p", "", || under(|policy| policy.unsigned = false, "p.lua", ""))),
    (Code::PackageEscapes, By(Open, "", "plugin.toml:5:7", || keys("[entry]\nlua = \"../main.lua\""))),
    (
        Code::PackageSpecialFile,
        By(Open, "p", "loop", || {
            let area = folder(&[
                ("p/plugin.toml", "[plugin]\nid = \"p\"\nversion = \"1.0.0\""),
                ("p/main.lua", ""),
                ("p/lib/a.lua", ""),
            ]);
            symlink("lib", area.path().join("p/loop")).unwrap();
            engine().load_path(area.path().join("p")).unwrap_err()
        }),
    ),
    (
        Code::PackageTooLarge,
        By(Open, "", "p.lua", || under(|policy| policy.caps.file = 10, "p.lua", "-- more than ten bytes")),
    ),
    (Code::PackageName, By(Open, "", "plugin.toml:5:7", || keys("[entry]\nlua = \"lib\\\\main.lua\""))),
    (Code::PackageNotAPlugin, By(Open, "", "", || load("p.txt", ""))),
    (Code::PackageMissingArtefact, By(Open, "p", "plugin.toml:5:1", || keys("[entry]\nlua = \"gone.lua\""))),
    (
        Code::PackageDuplicate,
        By(Resolve, "p", "", || {
            let engine = engine();
            engine.load_source("p.lua", "").unwrap();
            engine.load_source("p.rhai", "").unwrap_err()
        }),
    ),
    (
        Code::PackageSameVersion,
        By(Resolve, "p", "", || {
            let plugin = |version| format!("[plugin]\nid = \"p\"\nversion = \"1.0.0+{version}\"");
            let (a, b) = (plugin("a"), plugin("b"));
            let area = folder(&[("a/plugin.toml", &a), ("a/main.lua", ""), ("b/plugin.toml", &b), ("b/main.lua", "")]);
            engine().load_dir(area.path()).unwrap().refused.remove(0).error
        }),
    ),
    (Code::PackageArchive, By(Open, "", "p.modpkg", || load("p.modpkg", "no zip"))),
    (Code::PackageDamaged, By(Open, "", "META/files", || packed(|bytes, _| bytes[40] ^= 1))),
    (Code::PackageNewer, By(Open, "", "p.modpkg", || packed(|bytes, _| *bytes.iter_mut().nth_back(9).unwrap() = b'2'))),
    (Code::PackageRatio, By(Open, "", "META/files", || packed(|_, caps| caps.ratio = 0))),
    (Code::PackageMeta, By(Open, "p", "META/a", || unpacked(|root| fs::write(root.join("META/a"), "").unwrap()))),
    (
        Code::PackageIndex,
        By(Open, "", "META/files:1", || unpacked(|root| fs::write(root.join("META/files"), "p\n").unwrap())),
    ),
    (
        Code::PackageFileMissing,
        By(Open, "p", "main.lua", || unpacked(|root| fs::remove_file(root.join("main.lua")).unwrap())),
    ),
    (Code::PackageFileExtra, By(Open, "p", "a", || unpacked(|root| fs::write(root.join("a"), "").unwrap()))),
    (
        Code::PackageFileChanged,
        By(Open, "p", "main.lua", || unpacked(|root| fs::write(root.join("main.lua"), "").unwrap())),
    ),
    (
        Code::PackageNoManifest,
        By(Open, "p", "", || unpacked(|root| fs::remove_file(root.join("plugin.toml")).unwrap())),
    ),
    (
        Code::PackageChanged,
        By(Load, "b", "main.lua", || {
            let plugin = |id| format!("[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"");
            let (a, b, script) = (plugin("a"), plugin("b"), "-".repeat(600));
            let files =
                [("a/plugin.toml", &*a), ("a/main.lua", &script), ("b/plugin.toml", &b), ("b/main.lua", &script)];
            let area = folder(&files);
            // The contents of one of them stay in memory.
            let mut policy = Policy::mods();
            policy.caps.total = 1000;
            let resolved =
                Engine::builder().policy(policy).build().unwrap().loading().dir(area.path()).discover().unwrap();
            fs::write(area.path().join("b/main.lua"), "return 1").unwrap();
            resolved.resolve().unwrap().load().refused.remove(0).error
        }),
    ),
    (
        Code::PackageLeftOut,
        By(Open, "p", "p.lua.bak", || {
            let manifest = "[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n[entry]\nlua = \"p.lua\"\nwasm = \"p.lua.bak\"";
            let area = folder(&[("plugin.toml", manifest), ("p.lua", ""), ("p.lua.bak", "")]);
            let caps = Caps::default();
            Package::open(area.path(), &caps).unwrap().pack(Algorithm::Sha256, None, &caps).unwrap_err()
        }),
    ),
    (
        Code::PackageManifest,
        By(Open, "q", "plugin.toml", || {
            unpacked(|root| {
                let path = root.join("META/files");
                fs::write(&path, fs::read_to_string(&path).unwrap().replacen("\np\n", "\nq\n", 1)).unwrap();
            })
        }),
    ),
    (Code::PackageLockfile, By(Resolve, "", "modhost.lock:1", || "lock = 2".parse::<Lockfile>().unwrap_err())),
    (Code::PackageModSet, By(Resolve, "", "mod set:2", || "modhost-set 1\n+ p 1.0.0".parse::<ModSet>().unwrap_err())),
    (Code::ManifestSyntax, By(Open, "", "plugin.toml:2:6", || manifest("[plugin]\nid = "))),
    (Code::ManifestUnknownKey, By(Open, "", "plugin.toml:4:1", || keys("colour = \"grey\""))),
    (Code::ManifestMissingKey, By(Open, "", "plugin.toml:1:2", || manifest("[plugin]"))),
    (Code::ManifestId, By(Open, "", "plugin.toml:2:6", || manifest("[plugin]\nid = \"Wolf\"\nversion = \"1.0.0\""))),
    (Code::ManifestVersion, By(Open, "", "plugin.toml:3:11", || manifest("[plugin]\nid = \"p\"\nversion = \"1\""))),
    (Code::ManifestName, By(Open, "", "plugin.toml:5:13", || keys("[capabilities]\nrequired = [\"World\"]"))),
    (Code::ManifestSize, By(Open, "", "plugin.toml:5:10", || keys("[limits]\nmemory = \"8 megs\""))),
    (Code::ManifestDuration, By(Open, "", "plugin.toml:5:12", || keys("[limits]\ndeadline = \"soon\""))),
    (Code::ManifestNewer, By(Open, "", "plugin.toml:1:12", || manifest("manifest = 2"))),
    (Code::PolicyUnknown, By(Stage::Engine, "", "", || Policy::preset("lawless").unwrap_err())),
    (Code::PolicySyntax, By(Stage::Engine, "", "arena.toml:1:7", || policy("base ="))),
    (Code::PolicyUnknownKey, By(Stage::Engine, "", "arena.toml:2:1", || policy("[untrusted]\nfule = 7"))),
    (Code::PolicyValue, By(Stage::Engine, "", "arena.toml:1:11", || policy("prefer = [\"Lua!\"]"))),
    (Code::PolicySize, By(Stage::Engine, "", "arena.toml:2:10", || policy("[untrusted]\nmemory = \"8 megs\""))),
    (Code::PolicyDuration, By(Stage::Engine, "", "arena.toml:2:12", || policy("[untrusted]\ndeadline = \"soon\""))),
    (
        Code::PolicySourceFormat,
        By(Admit, "p", "", || under(|policy| policy.source_formats = false, "p.wat", "(module)")),
    ),
    (Code::ResolveMissing, By(Resolve, "p", "plugin.toml:5:1", || among(&[("p", "[dependencies]\ngone = \"*\"")]))),
    (
        Code::ResolveUnsatisfiable,
        By(Resolve, "p", "plugin.toml:5:1", || among(&[("p", "[dependencies]\nq = \"^2\""), ("q", "")])),
    ),
    (
        Code::ResolveConflict,
        By(Resolve, "p", "plugin.toml:5:1", || among(&[("p", "[conflicts]\nq = \"^1\""), ("q", "")])),
    ),
    (
        Code::ResolveCycle,
        By(Resolve, "p", "", || among(&[("p", "[dependencies]\nq = \"*\""), ("q", "[dependencies]\np = \"*\"")])),
    ),
    (Code::ResolveContract, By(Resolve, "p", "plugin.toml:5:1", || among(&[("p", "[requires]\nmoon = \"1\"")]))),
    (Code::ResolveEngine, By(Resolve, "p", "plugin.toml:4:1", || among(&[("p", "engine = \"^7\"")]))),
    (
        Code::ResolveBudget,
        By(Resolve, "p", "", || {
            let mut options = Options::default();
            options.budget = 0;
            let needs = |id: &str, other: &str| {
                let version = "version = \"1.0.0\"\n[dependencies]";
                let text = format!("[plugin]\nid = \"{id}\"\n{version}\n{other} = {{ order = false }}");
                Candidate::new(Manifest::parse(text.as_bytes()).unwrap(), id)
            };
            let both = vec![needs("p", "q"), needs("q", "p")];
            Resolver::new(both).options(options).can_load("p").unwrap_err()
        }),
    ),
    (
        Code::ResolveLocked,
        By(Resolve, "p", "", || {
            let lock = Lockfile::of(&Resolver::new(vec![candidate("1.0.0")]).plan());
            lock.check(&Resolver::new(vec![candidate("2.0.0")]).prefer(lock.clone()).plan()).unwrap_err()
        }),
    ),
    (Code::InternalBug, By(Load, "p", "", || own(Own::Panics))),
];

/// Produces one error and says what of it is not as its row has it.
fn check(code: Code, from: &From) -> Option<String> {
    match from {
        By(stage, plugin, place, make) => {
            let error = make();
            let at = error.at().map(ToString::to_string).unwrap_or_default();
            let found = (error.code(), error.stage(), error.plugin().unwrap_or_default(), at.as_str());
            let told =
                !error.message().is_empty() && error.help().len() > 8 && error.to_string().contains(code.as_str());
            let right = found == (code, *stage, *plugin, *place) && told;
            (!right).then(|| {
                format!("{code}: {found:?}, wanted {:?}: {error} (help: {})", (stage, plugin, place), error.help())
            })
        }
        Verb(test) => {
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(test)).unwrap();
            let held = text.contains(&format!("\"{code}\""));
            (!held).then(|| format!("{code}: {test} does not look for it"))
        }
    }
}

fn rows() -> impl Iterator<Item = &'static (Code, From)> {
    ROWS.iter().chain(trust_codes::ROWS)
}

#[test]
fn every_code_has_one_row() {
    let mut rows: Vec<Code> = rows().map(|(code, _)| *code).collect();
    rows.sort_unstable();
    let mut all = Code::ALL.to_vec();
    all.sort_unstable();
    let without: Vec<&Code> = all.iter().filter(|code| !rows.contains(code)).collect();
    assert!(without.is_empty(), "these codes have no row that produces them: {without:?}");
    assert_eq!(rows, all, "a code has two rows");
}

#[test]
fn every_code_can_be_produced_and_says_who_where_and_what_to_do() {
    let wrong: Vec<String> = rows().filter_map(|(code, from)| check(*code, from)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
