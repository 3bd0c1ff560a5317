//! The native plugin of the conformance suite. One library plays every case: a library for each would be a crate for each. What an
//! export of one name does in one case only is chosen by the case's name, which the host tells when the plugin is made.
#![deny(unsafe_code)]
// A case is about a panic.
#![allow(clippy::panic)]

use modhost_plugin::{FromValue, Handle, IntoValue, Result, Value, plugin, print};

/// A record that crosses.
#[derive(FromValue, IntoValue)]
struct Unit {
    hp: i64,
    kind: String,
}

/// The plugin's state.
struct Guest {
    case: String,
    count: i64,
    id: String,
}

impl Guest {
    fn new() -> Result<Self> {
        let case = host::case()?;
        match case.as_str() {
            "raises-while-loading" => return Err("not today".into()),
            "host-state-while-loading" => drop(host::count(1)?),
            "limit-output-loading" => print("more than ten bytes")?,
            _ => {}
        }
        Ok(Guest { case, count: 0, id: String::new() })
    }

    fn on_load(&mut self, info: Value) -> Result<()> {
        match self.case.as_str() {
            "hook-raises" => Err("not with me".into()),
            "hook-without-state" => host::count(1).map(drop),
            _ => {
                if let Some(Value::Str(id)) = info.get("id") {
                    self.id.clone_from(id);
                }
                Ok(())
            }
        }
    }

    /// What the case calls `run` does.
    fn run(&mut self, n: Option<i64>) -> Result<Value> {
        let n = n.unwrap_or_default();
        let text = |n: i64| "x".repeat(usize::try_from(n).unwrap_or_default());
        match self.case.as_str() {
            "catches-host-error" => Ok(Value::Int(if host::fail().is_err() { 7 } else { 1 })),
            "host-fails" => host::fail().map(|()| Value::Nil),
            "host-panics" => host::panic().map(Value::Int),
            "pending-called" => host::wait(n).map(Value::Int),
            "host-denied" => host::locked().map(Value::Int),
            "host-state-mismatch" => host::other().map(Value::Int),
            "reentry" => host::ask("main", "one", Vec::new()),
            "nested-busy" => host::ask("other", "back", Vec::new()),
            "nested-plugins" | "nested-state" => {
                let before = host::count(1)?;
                let Value::Int(inner) = host::ask("other", "run_other", vec![Value::Int(n)])? else {
                    return Ok(Value::Nil);
                };
                Ok(Value::List([before, inner, host::count(100)?].map(Value::Int).into()))
            }
            "nested-error" => host::ask("other", "fail", Vec::new()),
            "nested-kill" | "limit-reentry" => host::code("other", if n == 0 { "one" } else { "fall" }).map(Value::Str),
            "limit-value-depth" => Ok((0..20).fold(Value::Int(1), |inner, _| Value::List(vec![inner]))),
            "limit-value-result" => Ok(Value::Str(text(n))),
            "limit-value-host-argument" => host::echo(Value::Str(text(n))),
            "limit-value-host-result" => host::text(n).map(Value::Str),
            other => Err(format!("no part for `run` in the case {other}").into()),
        }
    }

    fn run_other(&self, n: i64) -> Result<i64> {
        host::count(n)
    }

    fn back(&self) -> Result<String> {
        host::code("main", "one")
    }

    fn add(&self, a: Value, b: Value) -> Result<Value> {
        match (a, b) {
            (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a + b)),
            (Value::Float(a), Value::Float(b)) => Ok(Value::Float(a + b)),
            _ => Err("two ints or two floats".into()),
        }
    }

    fn echo(&self, value: Value) -> Value {
        value
    }

    fn through(&self, value: Value) -> Result<Value> {
        host::echo(value)
    }

    fn hand(&self, handle: Handle) -> Result<Value> {
        host::echo(Value::Handle(handle))
    }

    fn negate(&self, flag: bool) -> bool {
        !flag
    }

    fn heal(&self, unit: Unit) -> Unit {
        Unit { hp: unit.hp + 1, ..unit }
    }

    fn total(&self, numbers: Vec<i64>) -> i64 {
        numbers.iter().sum()
    }

    fn two(&self, _a: i64, b: i64) -> i64 {
        b
    }

    fn one(&self) -> i64 {
        1
    }

    fn nothing_at_all(&self) {}

    fn bump(&mut self) -> i64 {
        self.count += 1;
        self.count
    }

    fn count(&self, by: i64) -> Result<i64> {
        host::count(by)
    }

    fn sum(&self, a: i64, b: i64) -> Result<i64> {
        host::add(a, b)
    }

    fn half(&self, x: Value) -> Result<Value> {
        host::half(x)
    }

    fn half_of_three(&self) -> Result<Value> {
        host::half(Value::Float(3.0))
    }

    fn mixed(&self) -> Result<i64> {
        host::add_any(Value::Float(0.5), Value::Int(1))
    }

    fn text_for_number(&self) -> Result<i64> {
        host::add_any(Value::from("1"), Value::Int(2))
    }

    fn too_few(&self) -> Result<i64> {
        host::add_one(1)
    }

    fn too_many(&self) -> Result<i64> {
        host::add_three(1, 2, 3)
    }

    fn once(&self) -> Result<String> {
        host::greet_once("wolf")
    }

    fn once_by_nil(&self) -> Result<String> {
        host::greet("wolf", None)
    }

    fn twice(&self) -> Result<String> {
        host::greet("wolf", Some(2))
    }

    fn size(&self) -> Result<i64> {
        host::size(Value::Bytes(vec![0xff, 0, 0x61]))
    }

    fn beyond(&self) -> Result<i64> {
        host::add(1 << 53, 1)
    }

    fn ask(&self) -> Result<()> {
        host::later("wake")
    }

    fn wake(&self, n: i64) -> i64 {
        n + 1
    }

    fn id(&self) -> String {
        self.id.clone()
    }

    fn fail(&self) -> Result<()> {
        Err("no wolves".into())
    }

    fn fall(&self) {
        panic!("as asked")
    }

    fn say(&self) -> Result<()> {
        print("one")?;
        print("Zoë 🐺")
    }

    fn trick(&self) -> Result<()> {
        print("red\u{1b}[31m\u{202e}")?;
        print("two\nlines")
    }

    fn chatter(&self, lines: i64) -> i64 {
        for _ in 0..lines {
            // Caught, so to speak: the limit holds nevertheless.
            let _ = print("howling");
        }
        lines
    }
}

plugin! {
    state: Guest = Guest::new();
    imports {
        fn case() -> String => "host.case";
        fn add(a: i64, b: i64) -> i64 => "host.add";
        fn add_any(a: Value, b: Value) -> i64 => "host.add";
        fn add_one(a: i64) -> i64 => "host.add";
        fn add_three(a: i64, b: i64, c: i64) -> i64 => "host.add";
        fn half(x: Value) -> Value => "host.half";
        fn echo(value: Value) -> Value => "host.echo";
        fn size(bytes: Value) -> i64 => "host.size";
        fn text(length: i64) -> String => "host.text";
        fn greet(name: &str, times: Option<i64>) -> String => "host.greet";
        fn greet_once(name: &str) -> String => "host.greet";
        fn count(by: i64) -> i64 => "host.count";
        fn later(export: &str) => "host.later";
        fn fail() => "host.fail";
        fn panic() -> i64 => "host.panic";
        fn wait(n: i64) -> i64 => "host.wait";
        fn locked() -> i64 => "host.locked";
        fn other() -> i64 => "host.other";
        fn ask(plugin: &str, export: &str, args: Vec<Value>) -> Value => "host.ask";
        fn code(plugin: &str, export: &str) -> String => "host.code";
    }
    exports {
        fn on_load(info) => Guest::on_load;
        fn run(n) => Guest::run;
        fn run_other(n) => Guest::run_other;
        fn back() => Guest::back;
        fn add(a, b) => Guest::add;
        fn echo(value) => Guest::echo;
        fn through(value) => Guest::through;
        fn hand(handle) => Guest::hand;
        fn negate(flag) => Guest::negate;
        fn heal(unit) => Guest::heal;
        fn total(numbers) => Guest::total;
        fn two(a, b) => Guest::two;
        fn one() => Guest::one;
        fn nothing_at_all() => Guest::nothing_at_all;
        fn bump() => Guest::bump;
        fn count(by) => Guest::count;
        fn sum(a, b) => Guest::sum;
        fn half(x) => Guest::half;
        fn half_of_three() => Guest::half_of_three;
        fn mixed() => Guest::mixed;
        fn text_for_number() => Guest::text_for_number;
        fn too_few() => Guest::too_few;
        fn too_many() => Guest::too_many;
        fn once() => Guest::once;
        fn once_by_nil() => Guest::once_by_nil;
        fn twice() => Guest::twice;
        fn size() => Guest::size;
        fn beyond() => Guest::beyond;
        fn ask() => Guest::ask;
        fn wake(n) => Guest::wake;
        fn id() => Guest::id;
        fn fail() => Guest::fail;
        fn fall() => Guest::fall;
        fn say() => Guest::say;
        fn trick() => Guest::trick;
        fn chatter(lines) => Guest::chatter;
    }
}
