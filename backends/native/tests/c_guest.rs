//! Plugins in C: an honest one that shows `modhost.h` to be right, and one that breaks the ABI in every way that a host
//! can notice.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::{Arc, Mutex};

use modhost_backend::{
    Backend, Fault, FileSet, HostEntry, HostTable, Limits, LoadRequest, Meter, Type, Value, rig::Rig,
};
use modhost_native::NativeBackend;
use support::{c_library, rig, told};

#[test]
fn a_plugin_in_c() {
    let mut rig = rig(c_library("plugin.c", &[])).load(&NativeBackend::new()).unwrap();
    let (int, text) = (Value::Int, |text: &str| Value::from(text));
    for (export, args, expected) in [
        ("add", vec![int(40), int(2)], "Int(42)"),
        ("add", vec![int(-1_000_000), int(1)], "Int(-999999)"),
        ("add", vec![int(i64::MIN), int(0)], "Int(-9223372036854775808)"),
        ("add", vec![int(1)], "script.arity"),
        ("add", vec![int(1), text("x")], "script.type"),
        ("count", vec![], "Int(1)"),
        ("count", vec![], "Int(2)"),
        ("ask", vec![text("anything")], "Int(42)"),
        ("ask", vec![text("denied")], "denied.capability"),
        ("ask", vec![text("busy")], "host.busy"),
        ("ask", vec![text("wrong type")], "script.type"),
        ("loose", vec![], "script.arity"),
        ("loose", vec![text("x")], "script.type"),
        ("raise", vec![], "script.raised"),
        ("print", vec![], "Nil"),
    ] {
        let result = rig.call(export, &args);
        assert_eq!(told(&result), expected, "{export}{args:?}: {result:?}");
    }
    assert_eq!(rig.printed(), ["hello"]);
    assert_eq!(rig.call("raise", &[]).unwrap_err().to_string(), "from C");
    assert_eq!(rig.call("loose", &[text("x")]).unwrap_err().to_string(), "1: expected int, found str");
}

fn breaking(hostile: &[u8], way: u8) -> Vec<u8> {
    let mut library = hostile.to_vec();
    let mark = b"BREAKS-LIKE-00";
    let at = library.windows(mark.len()).position(|window| window == mark).unwrap() + mark.len();
    library[at - 2..at].copy_from_slice(format!("{way:02}").as_bytes());
    library
}

fn load(hostile: &[u8], way: u8) -> (Result<Rig, Fault>, NativeBackend) {
    let backend = NativeBackend::new();
    (rig(breaking(hostile, way)).load(&backend), backend)
}

#[test]
fn a_broken_table_is_refused() {
    let hostile = c_library("hostile.c", &[]);
    for (way, expected) in [
        (0, "ok"),
        (1, "native.abi"),
        (2, "native.abi"),
        (3, "native.abi"),
        (4, "native.abi"),
        (5, "native.abi"),
        (6, "native.abi"),
        (7, "ok"),
        (8, "native.abi"),
        (9, "native.abi"),
        (10, "native.abi"),
        (11, "native.abi"),
        (12, "native.abi"),
        (13, "native.abi"),
        (14, "native.abi"),
        (15, "native.abi"),
        (16, "native.abi"),
        (17, "native.abi"),
        (18, "native.abi"),
        (19, "native.abi"),
        (20, "native.abi"), // It raises without a text.
        (21, "native.abi"),
        (22, "native.abi"),
        (23, "native.abi"),
        (24, "native.abi"),
        (25, "native.abi"),
        (26, "script.missing-import"),
        (27, "ok"),
    ] {
        let (loaded, backend) = load(&hostile, way);
        let fault = loaded.err();
        assert_eq!(fault.as_ref().map_or("ok", Fault::code), expected, "way {way}: {fault:?}");
        assert_eq!(backend.parked(), 1, "way {way}: a library that was mapped stays so, and is counted");
    }
}

#[test]
fn a_call_that_breaks_the_abi_is_caught() {
    let hostile = c_library("hostile.c", &[]);
    for (way, expected, lives) in [
        (30, "native.abi", false),
        (31, "native.abi", false),
        (32, "native.abi", false),
        (33, "native.abi", false),
        (34, "native.abi", false),
        (35, "native.abi", false),
        (36, "native.abi", false),
        (37, "native.abi", false),
        (38, "native.abi", false),
        (39, "native.abi", false),
        (40, "Nil", true),
        (41, "limit.value", false),
        (42, "limit.value", false),
        (43, "Nil", true),
        (44, "Int(42)", true),
        (45, "native.abi", false),
        (46, "native.abi", false),
        (47, "native.abi", false),
        (48, "Nil", true),
        (49, "limit.value", false),
        (50, "Nil", true),
        (51, "Nil", true),
        (52, "native.abi", false),
        (53, "internal.bug", false), // The host function of the rig panics without an argument.
        (54, "script.type", true),
        (55, "limit.value", false),
        (56, "script.raised", false),
        (57, "native.abi", false),
        (58, "Nil", true),
    ] {
        let (loaded, _backend) = load(&hostile, way);
        let mut rig = loaded.unwrap();
        let result = rig.call("go", &[]);
        assert_eq!(told(&result), expected, "way {way}: {result:?}");
        let again = told(&rig.call("go", &[]));
        assert_eq!(again, expected, "way {way}, again");
        assert_eq!(result.is_err_and(|fault| fault.is_fatal()) || rig.meter.is_killed(), !lives, "way {way}");
        assert!(rig.printed().is_empty());
    }
}

#[test]
fn an_instance_that_ends_no_longer_reaches_the_host() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (asked, printed) = (heard.clone(), heard.clone());
    let ask = HostEntry::new("test.ask", "() -> int".parse().unwrap(), move |_| {
        asked.lock().unwrap().push("asked".to_owned());
        Ok(Value::Int(1))
    });
    let print = Arc::new(move |line: &str| {
        printed.lock().unwrap().push(line.to_owned());
        Ok(())
    });
    let mut files = FileSet::default();
    // It reaches for the host when it is destroyed; this way it asks the host in a call, too.
    files.insert("lib.so", breaking(&c_library("hostile.c", &[]), 59));
    let host = Arc::new(HostTable::new(vec![ask]));
    let meter = Arc::new(Meter::new(Limits::default()));
    let request = LoadRequest::new("test", "lib.so", &files, host.clone(), meter.clone(), print);
    let mut instance = NativeBackend::new().load(request).unwrap();
    meter.begin();
    let go = instance.export("go").unwrap();
    instance.call(go, &[], &Type::Any).unwrap();
    drop(instance);
    assert_eq!(*heard.lock().unwrap(), ["asked", "printed"]);
    assert_eq!(Arc::strong_count(&host), 1, "what is parked holds nothing of the host's");
}
