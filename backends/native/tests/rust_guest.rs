//! A plugin written with `modhost-plugin`, through the whole backend: values, errors, panics, limits, reloads.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::thread;

use modhost_abi::{Handle, Map};
use modhost_backend::{Backend, Guarantee, Isolation, Limits, Value, ValueLimits, rig::Rig};
use modhost_native::NativeBackend;
use support::{rig, rust_guest, told};

fn load(limits: impl FnOnce(&mut Limits)) -> Rig {
    rig(rust_guest()).limits(limits).load(&NativeBackend::new()).unwrap()
}

/// Calls one export of a fresh instance, then `add(1, 2)`, which says whether the instance lives.
fn check(limits: impl FnOnce(&mut Limits), export: &str, args: &[Value], expected: &str, lives: bool) {
    let mut rig = load(limits);
    let result = rig.call(export, args);
    assert_eq!(told(&result), expected, "{export}{args:?}: {result:?}");
    let after = rig.call("add", &[Value::Int(1), Value::Int(2)]);
    assert_eq!(after.is_ok(), lives, "{export}{args:?}, and then: {after:?}");
}

fn text(text: &str) -> Value {
    Value::from(text)
}

#[test]
fn values_errors_and_panics() {
    let int = Value::Int;
    let record = Value::Map(Map::from_iter([("at", Value::List(vec![Value::Float(-0.0), Value::Nil]))]));
    let handle = Value::Handle(Handle { kind: 1, slot: 2, generation: 3 });
    let unit = |hp| Value::Map(Map::from_iter([("kind", text("wolf")), ("hp", int(hp))]));
    let echoed = |value: &Value| format!("{value:?}");
    for (export, args, expected, lives) in [
        ("nothing", vec![], "Nil", true),
        ("add", vec![int(40), int(2)], "Int(42)", true),
        ("add", vec![int(i64::MAX), int(1)], "script.raised", true),
        ("add", vec![int(1), Value::Float(2.0)], "script.type", true),
        ("add", vec![int(1)], "script.arity", true),
        ("add", vec![int(1), int(2), int(3)], "script.arity", true),
        ("count", vec![], "Int(1)", true),
        ("count", vec![Value::Nil], "Int(1)", true),
        ("count", vec![int(5)], "Int(5)", true),
        ("echo", vec![record.clone()], &echoed(&record), true),
        ("echo", vec![handle.clone()], &echoed(&handle), true),
        ("echo", vec![Value::Bytes(vec![0, 255])], "Bytes([0, 255])", true),
        ("echo", vec![text("naïve\u{0}")], "Str(\"naïve\\0\")", true),
        ("echo", vec![int(i64::MIN)], &echoed(&int(i64::MIN)), true),
        ("echo", vec![Value::Float(f64::NAN)], "Float(NaN)", true),
        ("note", vec![], "Str(\"greeted\")", true),
        ("heal", vec![unit(1)], &echoed(&unit(2)), true),
        ("heal", vec![int(1)], "script.type", true),
        ("text", vec![int(-1)], "script.type", true),
        ("missing", vec![], "script.missing-export", true),
        ("panics", vec![text("well")], "script.raised", false),
        ("panics", vec![text("index")], "script.raised", false),
        ("panics", vec![text("value")], "script.raised", false),
        ("ask", vec![text("anything")], "Int(42)", true),
        ("ask", vec![text("denied")], "denied.capability", true),
        ("ask", vec![text("failed")], "host.failed", true),
        ("ask", vec![text("busy")], "host.busy", true),
        ("ask", vec![text("wrong type")], "script.type", true),
        ("ask", vec![text("panic")], "internal.bug", false),
        ("ask_and_forgive", vec![text("busy")], "Str(\"forgiven: the plugin is already running a call\")", true),
        (
            "ask_from_a_thread",
            vec![text("x")],
            "Str(\"Err(Error(Raised(\\\"the host can be called only while it calls the plugin\\\")))\")",
            true,
        ),
    ] {
        check(|_| {}, export, &args, expected, lives);
    }
}

#[test]
fn limits_end_the_plugin_with_their_own_code() {
    let int = Value::Int;
    let small = |limits: &mut Limits| limits.value = ValueLimits { depth: 4, bytes: 400 };
    let quiet = |limits: &mut Limits| limits.output = 30;
    check(small, "text", &[int(368)], &format!("{:?}", text(&"x".repeat(368))), true);
    check(small, "text", &[int(369)], "limit.value", false);
    check(small, "text", &[int(1_000_000)], "limit.value", false);
    check(small, "deep", &[int(3)], "List([List([List([Nil])])])", true);
    check(small, "deep", &[int(4)], "limit.value", false);
    check(small, "send_text", &[int(300)], &format!("{:?}", text(&"x".repeat(300))), true);
    check(small, "send_text", &[int(369)], "limit.value", false);
    check(small, "send_text", &[int(1_000_000)], "limit.value", false);
    // What the host passes in is not the plugin's doing.
    check(small, "echo", &[text(&"x".repeat(400))], "limit.value", true);
    check(quiet, "chatter", &[int(5)], "Nil", true);
    check(quiet, "chatter", &[int(6)], "limit.output", false);
}

#[test]
fn a_call_of_the_host_is_where_a_deadline_is_seen() {
    let mut rig = load(|_| {});
    rig.overdue()();
    assert_eq!(told(&rig.call("spin", &[Value::Int(0)])), "Int(0)", "no call was running when it was stopped");

    // The export loops for ten minutes unless a call of the host stops it.
    let meter = rig.meter.clone();
    let watch = thread::spawn(move || {
        while !meter.is_killed() {
            meter.stop(meter.call_number());
            thread::yield_now();
        }
    });
    assert_eq!(told(&rig.call("spin", &[Value::Int(600_000)])), "limit.deadline");
    watch.join().unwrap();
}

#[test]
fn a_panic_says_what_and_where() {
    let fault = load(|_| {}).call("panics", &[text("well")]).unwrap_err();
    assert!(fault.is_fatal());
    let message = fault.to_string();
    assert!(message.starts_with("panicked: on purpose: well (") && message.contains("lib.rs:"), "{message}");
}

#[test]
fn exports_are_sorted_and_signed() {
    let rig = load(|_| {});
    let exports = rig.instance.exports();
    assert!(exports.is_sorted_by(|a, b| a.name < b.name));
    let add = exports.iter().find(|export| export.name == "add").unwrap();
    assert_eq!(add.signature.as_ref().unwrap().to_string(), "(a: int, b: int) -> int");
    let heal = exports.iter().find(|export| export.name == "heal").unwrap();
    let signature = heal.signature.as_ref().unwrap().to_string();
    assert_eq!(signature, "(unit: {hp: int, kind: str}) -> {hp: int, kind: str}");
    assert_eq!(rig.instance.memory_used(), None);
    assert_eq!(rig.printed(), ["made"]);
}

#[test]
fn a_missing_import_is_named() {
    let backend = NativeBackend::new();
    let fault = Rig::builder().file("libplugin.so", rust_guest()).load(&backend).err().unwrap();
    assert_eq!(fault.code(), "script.missing-import");
    assert!(fault.to_string().contains("test."), "{fault}");
    assert_eq!(backend.parked(), 1, "it was mapped");
}

/// The guest with another digit in its version.
fn version(digit: u8) -> Vec<u8> {
    let mut bytes = rust_guest();
    let mark = b"guest version 1";
    let at = bytes.windows(mark.len()).position(|window| window == mark).unwrap();
    bytes[at + mark.len() - 1] = digit;
    bytes
}

#[test]
fn each_load_gets_its_own_library_and_none_is_unmapped() {
    let backend = NativeBackend::new();
    let mut first = rig(version(b'1')).load(&backend).unwrap();
    let mut twin = rig(version(b'1')).load(&backend).unwrap();
    first.call("count", &[Value::Int(5)]).unwrap();
    assert_eq!(told(&twin.call("count", &[])), "Int(1)");
    assert_eq!(backend.parked(), 0);
    drop(twin);
    for (round, digit) in (b'2'..=b'9').enumerate() {
        let mut next = rig(version(digit)).load(&backend).unwrap();
        let expected = format!("guest version {}", char::from(digit));
        assert_eq!(next.call("version", &[]).unwrap(), Value::Str(expected), "an old library came back");
        assert_eq!(backend.parked(), round + 1);
    }
    assert_eq!(told(&first.call("version", &[])), "Str(\"guest version 1\")");
    assert_eq!(backend.parked(), 9);
}

#[test]
fn an_instance_moves_between_threads() {
    let mut rig = load(|_| {});
    rig.call("count", &[]).unwrap();
    let mut rig = thread::spawn(move || {
        assert_eq!(told(&rig.call("ask", &[text("x")])), "Int(42)");
        rig
    })
    .join()
    .unwrap();
    assert_eq!(told(&rig.call("count", &[])), "Int(2)");
    thread::spawn(move || drop(rig)).join().unwrap();
}

#[test]
fn it_promises_nothing_but_values() {
    let promised = NativeBackend::new().enforcement();
    assert_eq!(promised.isolation, Isolation::SharedMemory);
    let kept: Vec<_> = promised.rows().into_iter().filter(|(_, guarantee)| *guarantee != Guarantee::None).collect();
    assert_eq!(kept, [("values", Guarantee::Exact)]);
}
