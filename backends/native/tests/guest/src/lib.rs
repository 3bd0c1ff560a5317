//! A plugin that does each thing once that the native backend's tests look for. Safe code only.
#![deny(unsafe_code)]
// It panics on purpose.
#![allow(clippy::panic)]

use std::{
    hint::black_box,
    panic::panic_any,
    thread,
    time::{Duration, Instant},
};

use modhost_plugin::{FromValue, IntoValue, Result, Value, plugin, print};

/// The tests change the digit in the file, and so make another version of the library.
static VERSION: &str = "guest version 1";

/// A type of the author's own that crosses.
#[derive(FromValue, IntoValue)]
struct Unit {
    kind: String,
    hp: i64,
}

struct Guest {
    total: i64,
    note: String,
}

impl Guest {
    fn new() -> Result<Self> {
        print("made")?;
        Ok(Guest { total: 0, note: host::greet("guest")? })
    }

    fn nothing(&self) {}

    fn add(&self, a: i64, b: i64) -> Result<i64> {
        a.checked_add(b).ok_or_else(|| "the sum is beyond 2^63".into())
    }

    fn count(&mut self, by: Option<i64>) -> i64 {
        self.total += by.unwrap_or(1);
        self.total
    }

    fn echo(&self, value: Value) -> Value {
        value
    }

    fn heal(&self, unit: Unit) -> Unit {
        Unit { hp: unit.hp + 1, ..unit }
    }

    fn note(&self) -> &'static str {
        if self.note == "hello guest" { "greeted" } else { "not greeted" }
    }

    fn version(&self) -> String {
        black_box(VERSION).to_owned()
    }

    fn panics(&mut self, how: String) -> i64 {
        match how.as_str() {
            "index" => [1, 2, 3][black_box(7)],
            "value" => panic_any(PanicsWhenDropped),
            other => panic!("on purpose: {other}"),
        }
    }

    fn ask(&self, what: String) -> Result<i64> {
        host::ask(&what)
    }

    fn ask_and_forgive(&self, what: String) -> String {
        host::ask(&what).map_or_else(|error| format!("forgiven: {error}"), |answer| answer.to_string())
    }

    fn ask_from_a_thread(&self, what: String) -> String {
        // The thread inherits nothing, so the plugin's own library refuses before the host has to.
        let answer = thread::spawn(move || host::ask(&what)).join();
        answer.map_or_else(|_| "panicked".into(), |answer| format!("{answer:?}"))
    }

    fn text(&self, length: usize) -> String {
        "x".repeat(length)
    }

    fn deep(&self, levels: usize) -> Value {
        (0..levels).fold(Value::Nil, |inner, _| Value::List(vec![inner]))
    }

    fn chatter(&self, lines: usize) -> Result<()> {
        (0..lines).try_for_each(|line| print(&format!("line {line}")))
    }

    fn send_text(&self, length: usize) -> Result<Value> {
        host::take(Value::Str("x".repeat(length)))
    }

    fn spin(&self, milliseconds: u64) -> Result<i64> {
        let end = Instant::now() + Duration::from_millis(milliseconds);
        while Instant::now() < end {
            host::ask("ok")?;
        }
        Ok(0)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The host takes no calls while an instance ends.
        assert!(print("dropped").is_err());
    }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("again, while dropped");
    }
}

plugin! {
    state: Guest = Guest::new();
    imports {
        fn greet(name: &str) -> String => "test.greet";
        fn ask(what: &str) -> i64 => "test.ask";
        fn take(value: Value) -> Value => "test.take";
    }
    exports {
        fn nothing() => Guest::nothing;
        fn add(a, b) => Guest::add;
        fn count(by) => Guest::count;
        fn echo(value) => Guest::echo;
        fn heal(unit) => Guest::heal;
        fn note() => Guest::note;
        fn version() => Guest::version;
        fn panics(how) => Guest::panics;
        fn ask(what) => Guest::ask;
        fn ask_and_forgive(what) => Guest::ask_and_forgive;
        fn ask_from_a_thread(what) => Guest::ask_from_a_thread;
        fn text(length) => Guest::text;
        fn deep(levels) => Guest::deep;
        fn chatter(lines) => Guest::chatter;
        fn send_text(length) => Guest::send_text;
        fn spin(milliseconds) => Guest::spin;
    }
}
