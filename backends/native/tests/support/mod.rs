//! Where the tests get their libraries: the Rust guest that cargo built beside them, and C files that it compiles.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use modhost_backend::{
    Fault, FaultKind, HostFailure, Value,
    rig::{Rig, RigBuilder},
};

/// The Rust guest's bytes. Cargo puts a path dependency's library beside the test programs, or one folder up.
pub(crate) fn rust_guest() -> Vec<u8> {
    let name = format!("{}modhost_native_guest{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let program = env::current_exe().unwrap();
    let places = program.ancestors().skip(1).take(2).map(|folder| folder.join(&name));
    let found = places.into_iter().find(|path| path.exists());
    fs::read(found.unwrap_or_else(|| panic!("{name} is not beside {}", program.display()))).unwrap()
}

/// Compiles `tests/c/SOURCE` to a shared library (or what `flags` say) and returns its path.
pub(crate) fn compile(source: &str, flags: &[&str]) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stem = source.trim_end_matches(".c");
    let name = format!("lib{stem}-{}-{}.so", process::id(), COUNT.fetch_add(1, Relaxed));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let status = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-fPIC", "-fvisibility=hidden", "-I"])
        .arg(root.join("../../sdk/abi/include"))
        .args(if flags.contains(&"-c") || flags.contains(&"-pie") { None } else { Some("-shared") })
        .arg("-o")
        .arg(&out)
        .arg(root.join("tests/c").join(source))
        .args(flags)
        .status()
        .expect("a C compiler, which building modhost needs anyway");
    assert!(status.success(), "{source} does not compile");
    out
}

/// The bytes of a C library.
pub(crate) fn c_library(source: &str, flags: &[&str]) -> Vec<u8> {
    let path = compile(source, flags);
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(path).unwrap();
    bytes
}

/// A rig with the host functions that the guests import.
pub(crate) fn rig(library: impl AsRef<[u8]>) -> RigBuilder {
    Rig::builder()
        .file("libplugin.so", library)
        .host("test.greet", "(name: str) -> str", |args| match args {
            [Value::Str(name)] => Ok(Value::Str(format!("hello {name}"))),
            _ => Err(Fault::raised("no name")),
        })
        .host("test.take", "(value: any) -> any", |args| Ok(args[0].clone()))
        .host("test.ask", "(what: str) -> int", |args| {
            Err(match &args[0] {
                Value::Str(what) if what == "denied" => {
                    Fault::new(FaultKind::Denied { capability: "test.ask".into(), function: "test.ask".into() })
                }
                Value::Str(what) if what == "failed" => Fault::new(FaultKind::Host {
                    failure: HostFailure::Failed,
                    function: "test.ask".into(),
                    message: "no".into(),
                }),
                Value::Str(what) if what == "busy" => Fault::new(FaultKind::Busy),
                Value::Str(what) if what == "wrong type" => return Ok(Value::Bool(true)),
                Value::Str(what) if what == "panic" => panic!("in a wrapper, which never does"),
                _ => return Ok(Value::Int(42)),
            })
        })
}

/// `value` or the code, in one line.
pub(crate) fn told(result: &Result<Value, Fault>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(fault) => fault.code().to_owned(),
    }
}
