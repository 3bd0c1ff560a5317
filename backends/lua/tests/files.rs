//! Several files of one plugin, row by row, and the standard libraries that a policy closes.
#![allow(clippy::unwrap_used, clippy::panic)]

use modhost_backend::{
    Fault, FaultKind, Limits, Value,
    Value::{Bool, Int, Nil},
    rig::{Rig, RigBuilder},
};
use modhost_lua::LuaBackend;

/// What loading and calling `f` must give.
enum Want {
    Gives(Value),
    /// A code, and the place.
    At(&'static str, &'static str),
    /// The files of a circle.
    Circle(&'static [&'static str]),
}
use Want::{At, Circle, Gives};

fn rig(files: &[(&str, &str)], change: impl FnOnce(&mut Limits)) -> RigBuilder {
    let builder = Rig::builder().limits(|limits| {
        limits.fuel = 300_000;
        limits.memory = 4 << 20;
        change(limits);
    });
    let builder = builder.host("host.echo", "(value: any) -> any", |args| Ok(args[0].clone()));
    files.iter().fold(builder, |builder, (path, source)| builder.file(path, source))
}

fn call(builder: RigBuilder) -> Result<Value, Fault> {
    builder.load(&LuaBackend::new()).and_then(|mut rig| rig.call("f", &[]))
}

fn holds(row: &str, result: Result<Value, Fault>, want: &Want) {
    match (&result, want) {
        (Ok(value), Gives(wanted)) => assert_eq!(value, wanted, "{row}"),
        (Err(fault), At(code, place)) => {
            let found = fault.place().map(ToString::to_string).unwrap_or_default();
            assert_eq!((fault.code(), found.as_str()), (*code, *place), "{fault}\n{row}");
        }
        (Err(fault), Circle(wanted)) => {
            assert_eq!(fault.code(), "script.import-cycle", "{fault}\n{row}");
            let FaultKind::ImportCycle { path } = fault.kind() else { panic!("{fault}\n{row}") };
            assert_eq!(path, wanted, "{row}");
        }
        (Ok(value), _) => panic!("gave {value:?}\n{row}"),
        (Err(fault), _) => panic!("{}: {fault}\n{row}", fault.code()),
    }
}

fn check(files: &[(&str, &str)], want: &Want) {
    holds(&format!("{files:#?}"), call(rig(files, |_| {})), want);
}

fn text(text: &str) -> Value {
    Value::from(text)
}

const UTIL: (&str, &str) = ("lib/util.lua", "local M = {} function M.twice(x) return 2 * x end return M");

#[test]
fn a_file_gives_what_it_returns() {
    let by_name = |name: &str| format!("local util = require({name:?}) function f() return util.twice(21) end");
    for name in ["lib/util", "lib/util.lua", "./lib/util", "./lib/util.lua", "././lib/util"] {
        check(&[("main.lua", &by_name(name)), UTIL], &Gives(Int(42)));
    }
    // Of two that fit, the first ending; any ending may be said.
    let both = [("lib/util.luau", "return {twice = function() return 1 end}"), UTIL];
    for (name, want) in [("lib/util", 42), ("lib/util.luau", 1), ("lib/util.lua", 42)] {
        check(&[("main.lua", &by_name(name)), both[0], both[1]], &Gives(Int(want)));
    }
    check(&[("main.lua", &by_name("lib/util")), both[0]], &Gives(Int(1)));
    // Relative to the file that asks, up to the root; also from a function that is called later.
    let deep = ("lib/deep/a.lua", "return { g = function() return require('../util').twice(require('./b')) end }");
    let main = "local a = require('lib/deep/a') function f() return a.g() end";
    check(
        &[("main.lua", main), deep, ("lib/deep/b.luau", "return require('../../c')"), ("c.lua", "return 4"), UTIL],
        &Gives(Int(8)),
    );
    check(&[("src/main.lua", &by_name("../lib/util")), UTIL], &Gives(Int(42)));
    check(&[("src/main.lua", &by_name("lib/util")), UTIL], &Gives(Int(42)));
}

#[test]
fn a_file_runs_once_with_globals_of_its_own() {
    let counting = "host.echo(1) count = (count or 0) + 1 local c = count ";
    for returned in ["return {c}", "return nil", "return false", "", "return 'text'", "return 1, 2"] {
        let module = format!("runs = nil {counting} print('ran') {returned}");
        let main = "local a = require('m') function f() return rawequal(a, require('./m')) and rawequal(a, require('m.lua')) end";
        let mut rig = rig(&[("main.lua", main), ("m.lua", &module)], |_| {}).load(&LuaBackend::new()).unwrap();
        assert_eq!(rig.call("f", &[]).unwrap(), Bool(true), "{returned}");
        assert_eq!(rig.call("f", &[]).unwrap(), Bool(true), "{returned}");
        assert_eq!(rig.printed(), ["ran"], "{returned}");
    }
    for (main, module, want) in [
        // Nothing leaks either way, but what is returned is the same object for all.
        ("require('m') function f() return leaked end", "leaked = 1", Gives(Nil)),
        (
            "leaked = 1 local m = require('m') function f() return m() end",
            "return function() return leaked end",
            Gives(Nil),
        ),
        ("local m = require('m') function f() m.x = 5 return require('m').x end", "return {}", Gives(Int(5))),
        (
            "local m = require('m') function f() return m() end",
            "n = 1 return function() n += 1 return n end",
            Gives(Int(2)),
        ),
        (
            "local m = require('m') function f() return m() end",
            "function tostring() return 'mine' end return function() return tostring(1) end",
            Gives(text("mine")),
        ),
        ("require('m') function f() return tostring(1) end", "function tostring() return 'mine' end", Gives(text("1"))),
        // What the entry hides from itself is not hidden from others, loaded before or after.
        (
            "function tostring() return 'mine' end local m = require('m') function f() return m() end",
            "return function() return tostring(1) end",
            Gives(text("1")),
        ),
        (
            "function f() return require('m') end function math() end host = 1",
            "return host.echo(math.abs(-3))",
            Gives(Int(3)),
        ),
        // A replacement is metered in every file, and libraries are read-only.
        (
            "local m = require('m') function f() return pcall(m) end",
            "return function() string.rep = nil end",
            At("script.type", ""),
        ),
        (
            "local m = require('m') function f() return m() end",
            "return function() while true do string.rep('x', 1000) end end",
            At("limit.fuel", ""),
        ),
        ("local m = require('m') function f() return select('#', m) + m end", "return 7, 8", Gives(Int(8))),
        // A main chunk may yield.
        (
            "local c = coroutine.wrap(function() return require('m') end) local first = c() function f() return first .. c() end",
            "coroutine.yield('a') return 'b'",
            Gives(text("ab")),
        ),
        // The entry is a file as well.
        (
            "function f() return require('m')() end return {f = f, g = 3}",
            "return function() return require('main').g end",
            Gives(Int(3)),
        ),
    ] {
        check(&[("main.lua", main), ("m.lua", module)], &want);
    }
}

#[test]
fn exports_are_those_of_the_entry() {
    let files =
        [("main.lua", "require('m') function f() end"), ("m.lua", "function hidden() end return {also = hidden}")];
    let rig = rig(&files, |_| {}).load(&LuaBackend::new()).unwrap();
    let names: Vec<_> = rig.instance.exports().iter().map(|export| export.name.as_str()).collect();
    assert_eq!(names, ["f"]);
}

#[test]
fn nothing_outside_of_the_set_is_found() {
    let long = "x".repeat(100_000);
    for name in [
        "lib",
        "lib/",
        "lib/util.rhai",
        "lib/data.json",
        "Lib/util",
        "lib/UTIL",
        "lib\\\\util",
        "/lib/util",
        "lib//util",
        "../main",
        "../plugin/lib/util",
        "lib/../lib/util",
        "lib/./util",
        "./../lib/util",
        "../../etc/passwd",
        "/etc/passwd",
        "lib/util\\0",
        "lib/util.lua\\0",
        "",
        ".",
        "..",
        "./",
        "../",
        "@self/util",
        "C:/lib/util",
        "file:///lib/util",
        "lib.util",
        " lib/util",
        "lib/util ",
        "lib/ut\\xff",
        "~/x",
        long.as_str(),
    ] {
        let files = [("lib/data.json", "{}"), ("lib/util.rhai", "1"), UTIL];
        let main = ("main.lua", format!("\nrequire('{name}') function f() end"));
        let mut all = vec![(main.0, main.1.as_str())];
        all.extend(files);
        check(&all, &At("script.missing-import", "main.lua:2"));
        // As any error, it can be caught.
        let caught = format!("local ok, e = pcall(require, '{name}') function f() return ok end");
        all[0].1 = &caught;
        check(&all, &Gives(Bool(false)));
    }
    for (value, want) in [("nil", "script.type"), ("5", "script.type"), ("{}", "script.type"), ("", "script.type")] {
        check(&[("main.lua", &format!("require({value})"))], &At(want, "main.lua:1"));
    }
    let fault = call(rig(&[("a/main.lua", "require('./gone')")], |_| {})).unwrap_err();
    let FaultKind::MissingFile { name, tried } = fault.kind() else { panic!("{fault}") };
    assert_eq!((name.as_str(), tried.join(" ")), ("./gone", "a/gone.lua a/gone.luau".to_owned()));
}

#[test]
fn errors_name_their_file() {
    let main = "local m = require('lib/m')\nfunction f() return m.g() end";
    for (module, want) in [
        ("\n\nlocal = 1", At("script.compile", "lib/m.lua:3")),
        ("\nerror('at load')", At("script.raised", "lib/m.lua:2")),
        ("\nerror({message = 'at load'})", At("script.raised", "lib/m.lua:2")),
        ("return {\ng = function()\nreturn nil + 1 end}", At("script.raised", "lib/m.lua:3")),
        ("return {\ng = function()\nerror('with: colons: 3: x') end}", At("script.raised", "lib/m.lua:3")),
        ("return {\ng = function() return require('./none') end}", At("script.missing-import", "lib/m.lua:2")),
        ("return {\ng = function() return host.echo(print) end}", At("script.type", "lib/m.lua:2")),
        ("return '\\255\\254", At("script.compile", "lib/m.lua:1")),
        ("return 5", At("script.raised", "main.lua:2")),
    ] {
        check(&[("main.lua", main), ("lib/m.lua", module)], &want);
    }
    let files = [
        ("main.lua", main),
        ("lib/m.lua", "local function inner() error('x') end\nreturn {g = function()\ninner() end}"),
    ];
    let fault = call(rig(&files, |_| {})).unwrap_err();
    assert_eq!(fault.message(), "x");
    assert_eq!(fault.trace(), ["lib/m.lua:1: in `inner`", "lib/m.lua:3: in `g`", "main.lua:2: in `f`"]);
    let files = [("main.lua", main), ("lib/m.lua", "\nerror('x')")];
    let fault = call(rig(&files, |_| {})).unwrap_err();
    assert_eq!(fault.trace(), ["lib/m.lua:2: in the main chunk", "main.lua:1: in the main chunk"]);
    let not_text = Rig::builder().file("main.lua", "require('m')").file("m.lua", b"\n\xff").load(&LuaBackend::new());
    holds("not UTF-8", not_text.map(|_| Nil), &At("script.compile", "m.lua:2"));
}

#[test]
fn circles_are_refused_with_their_path() {
    let main = ("main.lua", "local a = require('a') function f() return a end");
    for (files, want) in [
        (
            vec![("a.lua", "return require('b')"), ("b.lua", "return require('a')")],
            Circle(&["a.lua", "b.lua", "a.lua"]),
        ),
        (vec![("a.lua", "return require('./a')")], Circle(&["a.lua", "a.lua"])),
        (vec![("a.lua", "return require('main')")], Circle(&["main.lua", "a.lua", "main.lua"])),
        (
            vec![
                ("a.lua", "return require('lib/b')"),
                ("lib/b.lua", "return require('./c')"),
                ("lib/c.lua", "return require('./b')"),
            ],
            Circle(&["lib/b.lua", "lib/c.lua", "lib/b.lua"]),
        ),
        (vec![("a.lua", "return pcall(require, 'main') and 1 or 2")], Gives(Int(2))),
        (
            vec![("a.lua", "return require('b')()"), ("b.lua", "return function() return require('a') end")],
            Circle(&["a.lua", "a.lua"]),
        ),
        // Not in a circle: what is required again later, and what two have in common.
        (
            vec![
                ("a.lua", "return require('b') + require('c')"),
                ("b.lua", "return require('c')"),
                ("c.lua", "return 2"),
            ],
            Gives(Int(4)),
        ),
        // A file that failed, or waits in a coroutine, is not run again and hangs nobody.
        (
            vec![("a.lua", "pcall(require, 'b') return require('b')"), ("b.lua", "error('x')")],
            At("script.raised", "a.lua:1"),
        ),
        (
            vec![
                ("a.lua", "coroutine.wrap(function() require('b') end)() return require('b')"),
                ("b.lua", "coroutine.yield()"),
            ],
            At("script.raised", "a.lua:1"),
        ),
        (
            vec![("a.lua", "return coroutine.wrap(function() return require('main') end)()")],
            Circle(&["main.lua", "main.lua"]),
        ),
    ] {
        let mut all = vec![main];
        all.extend(files);
        check(&all, &want);
    }
}

#[test]
fn limits_hold_in_every_file() {
    let big = format!("return {{{}}}", "'x', ".repeat(100_000));
    let nested: Vec<_> = (0..200).map(|at| (format!("m{at}.lua"), format!("return require('m{}')", at + 1))).collect();
    for (module, code, change) in [
        ("while true do end", "limit.fuel", (|_| {}) as fn(&mut Limits)),
        ("pcall(function() while true do end end) return 1", "limit.fuel", |_| {}),
        ("local t = {} while true do t[#t + 1] = string.rep('x', 1000 + #t) end", "limit.memory", |_| {}),
        ("local function g() return 1 + g() end g()", "limit.depth", |_| {}),
        ("print(string.rep('x', 100))", "limit.output", |limits| limits.output = 50),
        (big.as_str(), "script.compile", |limits| limits.source = 100_000),
        (big.as_str(), "limit.fuel", |limits| limits.fuel = 5_000),
        (big.as_str(), "limit.memory", |limits| limits.memory = 500_000),
    ] {
        for main in
            ["require('m')", "pcall(require, 'm') pcall(require, 'm') local ok, e = pcall(require, 'm') error(e)"]
        {
            let result = rig(&[("main.lua", main), ("m.lua", module)], change).load(&LuaBackend::new());
            assert_eq!(result.err().unwrap().code(), code, "{main} {module:.60}");
            // In a call, too.
            let later = format!("function f() {main} end");
            let result = call(rig(&[("main.lua", &later), ("m.lua", module)], change));
            assert_eq!(result.unwrap_err().code(), code, "{later} {module:.60}");
        }
    }
    let mut files = vec![("main.lua", "require('m0')")];
    files.extend(nested.iter().map(|(path, source)| (path.as_str(), source.as_str())));
    assert_eq!(call(rig(&files, |_| {})).unwrap_err().code(), "limit.depth");
    let deep = call(rig(&files, |limits| limits.call_depth = 1_000_000)).unwrap_err();
    assert_eq!(deep.code(), "script.missing-import", "{deep}: the 201st file is not there, and no stack overflowed");
    // Asking again and again is not free.
    let asking = "function f() while true do pcall(require, 'gone') end end";
    assert_eq!(call(rig(&[("main.lua", asking)], |_| {})).unwrap_err().code(), "limit.fuel");
    let asking = "function f() for i = 1, 1e5 do pcall(require, 'm') end end";
    assert_eq!(call(rig(&[("main.lua", asking), ("m.lua", "=")], |_| {})).unwrap_err().code(), "limit.fuel");
}

#[test]
fn every_amount_of_fuel_gives_success_or_its_code() {
    let files = [
        ("main.lua", "local ok, m = pcall(require, 'm') local t = require('t') function f() return m.x + t end"),
        ("m.lua", "local n = 0 for i = 1, 20 do n += i end return {x = n}"),
        ("t.lua", "return select(2, pcall(require, 'm')).x"),
    ];
    let mut passed = 0;
    for fuel in 0..1_000 {
        match call(rig(&files, |limits| limits.fuel = fuel)) {
            Ok(value) => {
                passed += 1;
                assert_eq!(value, Int(420));
            }
            Err(fault) => assert_eq!((fault.code(), passed), ("limit.fuel", 0), "at {fuel}: {fault}"),
        }
    }
    assert!(passed > 300, "{passed}");
}

#[test]
fn closed_libraries_are_not_there() {
    const ALL: [&str; 8] = ["bit32", "buffer", "coroutine", "math", "string", "table", "utf8", "vector"];
    let uses = [
        ("bit32", "return bit32.band(7, 5)"),
        ("buffer", "return buffer.len(buffer.create(5))"),
        ("coroutine", "return coroutine.wrap(function() return 5 end)()"),
        ("math", "return math.abs(-5)"),
        ("math", "return math.max(1, 5)"),
        ("string", "return string.byte('\\5')"),
        ("string", "return string.len('12345')"),
        ("string", "return ('\\5'):byte()"),
        ("string", "return #('x'):rep(5)"),
        ("table", "return table.unpack({5})"),
        ("table", "local t = {} table.insert(t, 5) return t[1]"),
        ("table", "return #table.create(5, 1)"),
        ("utf8", "return utf8.len('12345')"),
        ("vector", "return vector.create(5, 2, 3).x"),
        ("vector", "return vector.magnitude(vector.create(5, 0, 0))"),
    ];
    for (library, body) in uses {
        // In the entry, in another file, and behind `pcall`, where Luau calls builtins by another way.
        let source = format!("function f()\n{body} end");
        let module = format!("local m = require('m') function f() return m() end -- {library}");
        let other = format!("return function()\n{body} end");
        let open: Vec<_> = ALL.into_iter().filter(|name| *name == library).collect();
        let closed: Vec<_> = ALL.into_iter().filter(|name| *name != library).chain(["os", "io", "Unknown"]).collect();
        let files = [("main.lua", module.as_str()), ("m.lua", other.as_str())];
        for names in [&ALL[..], &open[..]] {
            holds(body, call(rig(&[("main.lua", &source)], |_| {}).libraries(names.iter().copied())), &Gives(Int(5)));
            holds(body, call(rig(&files, |_| {}).libraries(names.iter().copied())), &Gives(Int(5)));
        }
        for names in [&closed[..], &[]] {
            let gone = call(rig(&[("main.lua", &source)], |_| {}).libraries(names.iter().copied()));
            holds(body, gone, &At("script.raised", "main.lua:2"));
            let gone = call(rig(&files, |_| {}).libraries(names.iter().copied()));
            holds(body, gone, &At("script.raised", "m.lua:2"));
            let global = format!("function f() return {library} end");
            holds(body, call(rig(&[("main.lua", &global)], |_| {}).libraries(names.iter().copied())), &Gives(Nil));
        }
    }
    // What does not need them goes on: print, errors, host functions, `require`.
    let files = [
        (
            "main.lua",
            "print(1, 'two', nil) print(pcall(error, 'x')) local m = require('m') function f() return host.echo(m) end",
        ),
        ("m.lua", "return 5"),
    ];
    let mut rig = rig(&files, |_| {}).libraries([]).load(&LuaBackend::new()).unwrap();
    assert_eq!(rig.call("f", &[]).unwrap(), Int(5));
    assert_eq!(rig.printed(), ["1\ttwo\tnil", "false\tx"]);
}
