//! What the Lua backend does, row by row: a source, an export, arguments, and the value or the code that must come back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    thread,
    time::{Duration, Instant},
};

use modhost_abi::{Handle, Map};
use modhost_backend::{
    Fault, FaultKind, HostFailure, Limits, Resource, Value,
    Value::{Bool, Float, Int, Nil},
    rig::{Rig, RigBuilder},
};
use modhost_lua::LuaBackend;

/// What a call must give.
#[derive(Debug)]
enum Want {
    Gives(Value),
    /// A code.
    Fails(&'static str),
    /// A code, and the line of `main.lua`.
    At(&'static str, u32),
}
use Want::{At, Fails, Gives};

/// Limits that a test can hit quickly, and host functions of every sort.
fn rig(change: impl FnOnce(&mut Limits)) -> RigBuilder {
    let failed = |function: &str, failure| {
        let message = "no wolves left".to_owned();
        Fault::new(FaultKind::Host { failure, function: function.into(), message })
    };
    Rig::builder()
        .limits(|limits| {
            limits.fuel = 300_000;
            limits.memory = 4 << 20;
            change(limits);
        })
        .host("host.echo", "(value: any) -> any", |args| Ok(args[0].clone()))
        .host("host.float", "(value: float) -> any", |args| Ok(args[0].clone()))
        .host("host.bytes", "(value: bytes) -> any", |args| Ok(args[0].clone()))
        .host("host.floats", "(value: list<float>) -> any", |args| Ok(args[0].clone()))
        .host("host.record", "(value: {at: {x: float}?, tags: map<str>}) -> any", |args| Ok(args[0].clone()))
        .host("host.count", "() -> int", |args| Ok(Int(args.len() as i64)))
        .host("host.fail", "()", move |_| Err(failed("host.fail", HostFailure::Failed)))
        .host("host.panic", "()", |_| panic!("on purpose"))
        .host("host.deny", "()", |_| {
            Err(Fault::new(FaultKind::Denied { capability: "world.spawn".into(), function: "host.deny".into() }))
        })
        .host("host.huge", "() -> int", |_| Ok(Int(i64::MAX)))
        .host("host.deep.er.name", "() -> str", |_| Ok(Value::from("found")))
}

fn holds(source: &str, result: Result<Value, Fault>, want: &Want) {
    match (&result, want) {
        (Ok(value), Gives(wanted)) => assert!(same(value, wanted), "{value:?} is not {wanted:?}:\n{source}"),
        (Err(fault), Fails(code)) => assert_eq!(fault.code(), *code, "{fault}\n{source}"),
        (Err(fault), At(code, line)) => {
            assert_eq!(fault.code(), *code, "{fault}\n{source}");
            let place = fault.place().map(ToString::to_string);
            assert_eq!(place, Some(format!("main.lua:{line}")), "{fault}\n{source}");
            assert!(!fault.trace().is_empty(), "no trace: {fault}\n{source}");
        }
        _ => panic!("{result:?} is not {want:?}:\n{source}"),
    }
}

/// Equal, NaN to NaN, and 0.0 not to -0.0.
fn same(a: &Value, b: &Value) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// Loads `source`, calls `f`, compares.
fn check(source: &str, args: &[Value], want: &Want) {
    let result = rig(|_| {}).file("main.lua", source).load(&LuaBackend::new()).and_then(|mut rig| rig.call("f", args));
    holds(source, result, want);
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::List(items.into_iter().collect())
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(Map::from_iter(entries))
}

fn text(text: &str) -> Value {
    Value::from(text)
}

const EDGE: i64 = 1 << 53;

#[test]
fn values_cross_both_ways() {
    let identity = "function f(x) return x end";
    let handle = Value::Handle(Handle { kind: 1, slot: 2, generation: 3 });
    let nested = map([("a", list([Int(1), list([Bool(true)]), map([("b", text("é"))])])), ("z", Float(0.5))]);
    let same = [
        Nil,
        Bool(true),
        Int(0),
        Int(-7),
        Int(EDGE),
        Int(-EDGE),
        Float(0.5),
        Float(-0.0),
        Float(f64::NAN),
        Float(f64::INFINITY),
        Float(1e300),
        Float((EDGE as f64) * 2.0),
        text(""),
        text("snow \u{2603}\0tail"),
        Value::Bytes(vec![]),
        Value::Bytes(vec![0, 255, 128]),
        list([]),
        list([Int(1), text("two"), Float(3.5)]),
        map([("x", Int(1))]),
        nested,
        handle,
    ];
    for value in same {
        check(identity, std::slice::from_ref(&value), &Gives(value.clone()));
    }
    check(identity, &[Float(3.0)], &Gives(Int(3)));
    check(identity, &[Int(EDGE + 1)], &Fails("script.type"));
    check(identity, &[Int(i64::MIN)], &Fails("script.type"));
    check(identity, &[list([Int(1), Nil])], &Fails("script.type"));
    check(identity, &[map([])], &Gives(list([])));
}

#[test]
fn results_are_one_value_that_can_cross() {
    let rows = [
        ("function f() end", Gives(Nil)),
        ("function f() return nil end", Gives(Nil)),
        ("function f() return 2^53 end", Gives(Int(EDGE))),
        ("function f() return 2^53 + 2 end", Gives(Float(9_007_199_254_740_994.0))),
        ("function f() return -0.0 end", Gives(Float(-0.0))),
        ("function f() return 1, 2 end", Fails("script.type")),
        ("function f() return 1, nil end", Fails("script.type")),
        ("function f() return f end", Fails("script.type")),
        ("function f() return coroutine.create(f) end", Fails("script.type")),
        ("function f() return vector.create(1, 2, 3) end", Fails("script.type")),
        ("function f() return { 1, x = 2 } end", Fails("script.type")),
        ("function f() return { [1] = 1, [3] = 3 } end", Fails("script.type")),
        ("function f() return { [1.5] = 1 } end", Fails("script.type")),
        ("function f() return { [true] = 1 } end", Fails("script.type")),
        ("function f() return { [2] = 'b', [1] = 'a' } end", Gives(list([text("a"), text("b")]))),
        ("function f() return '\\xff' end", Fails("script.type")),
        ("function f() return { ['\\xff'] = 1 } end", Fails("script.type")),
        ("function f() return buffer.fromstring('\\xff') end", Gives(Value::Bytes(vec![255]))),
        ("function f() local t = {} t[1] = t return t end", Fails("limit.value")),
        ("function f() local t = {} for i = 1, 40 do t = { t } end return t end", Fails("limit.value")),
        ("function f() local t = { 1 } for i = 1, 20 do t = { t, t } end return t end", Fails("limit.value")),
        ("function f() return ('x'):rep(2000000) end", Fails("limit.value")),
        ("function f() return buffer.create(2000000) end", Fails("limit.value")),
        // Conversion is raw: what a metatable says is not asked.
        (
            "function f() return setmetatable({ 1 }, { __index = error, __len = error, __iter = error }) end",
            Gives(list([Int(1)])),
        ),
    ];
    for (source, want) in rows {
        check(source, &[], &want);
    }
}

#[test]
fn signatures_steer_what_the_host_gets() {
    let rows = [
        ("return host.echo(3)", Gives(Int(3))),
        ("return typeof(host.float(3))", Gives(text("number"))),
        ("return host.echo({})", Gives(list([]))),
        ("return typeof(host.bytes('\\xff\\0'))", Gives(text("buffer"))),
        ("return host.echo('\\xff')", Fails("script.type")),
        ("return host.count()", Gives(Int(0))),
        ("return host.count(1, nil)", Gives(Int(2))),
        ("return host.count(1, 2, 3, 4, 5, 6, 7, 8, 9)", Gives(Int(9))),
        ("return host.deep.er.name()", Gives(text("found"))),
        ("return host.huge()", Fails("script.type")),
        ("return host.echo(print)", Fails("script.type")),
        ("return pcall(host.echo, print) == false", Gives(Bool(true))),
        ("host.echo = 1", At("script.raised", 1)),
        ("host.deep.er.name = 1", At("script.raised", 1)),
        ("return nothing.there()", At("script.raised", 1)),
        ("return host.echo(('x'):rep(2000000))", Fails("limit.value")),
        ("return pcall(host.echo, ('x'):rep(2000000))", Fails("limit.value")),
        ("local t = {} t[1] = t return pcall(host.echo, t)", Fails("limit.value")),
    ];
    for (body, want) in rows {
        check(&format!("function f() {body} end"), &[], &want);
    }
    // What the host saw, where the way back through Lua would hide it.
    let seen = |call: &str, signature: &'static str| {
        let (send, receive) = std::sync::mpsc::channel();
        let source = format!("function f() host.see({call}) end");
        let mut rig = rig(|_| {})
            .file("main.lua", &source)
            .host("host.see", signature, move |args| {
                send.send(args.to_vec()).unwrap();
                Ok(Nil)
            })
            .load(&LuaBackend::new())
            .unwrap();
        rig.call("f", &[]).unwrap();
        receive.recv().unwrap().remove(0)
    };
    let rows = [
        ("3", "(a: float)", Float(3.0)),
        ("3", "(a: int)", Int(3)),
        ("3", "(a: float?)", Float(3.0)),
        ("-0.0", "(a: int)", Float(-0.0)),
        ("'ab'", "(a: bytes)", Value::Bytes(b"ab".to_vec())),
        ("{1, 2}", "(a: list<float>)", list([Float(1.0), Float(2.0)])),
        ("{}", "(a: map<int>)", map([])),
        (
            "{at = {x = 1}, tags = {}}",
            "(a: {at: {x: float}?, tags: map<str>})",
            map([("at", map([("x", Float(1.0))])), ("tags", map([]))]),
        ),
    ];
    for (call, signature, want) in rows {
        let value = seen(call, signature);
        assert!(same(&value, &want), "host.see({call}) with {signature}: {value:?}");
    }
}

#[test]
fn errors_say_where() {
    let rows = [
        ("function f()\n  error('no wolves left')\nend", At("script.raised", 2)),
        ("local function g(x)\n  return x.hp\nend\nfunction f() return g(nil) + 1 end", At("script.raised", 2)),
        ("function f()\n  error({ code = 7 })\nend", At("script.raised", 2)),
        ("function f()\n  error(nil)\nend", At("script.raised", 2)),
        ("function f()\n  error(setmetatable({}, { __tostring = error }))\nend", At("script.raised", 2)),
        ("function f()\n  error(('x'):rep(1000000))\nend", At("script.raised", 2)),
        ("function f()\n\n  host.fail()\nend", At("host.failed", 3)),
        ("function f()\n  host.deny()\nend", At("denied.capability", 2)),
        ("function f()\n  host.panic()\nend", At("host.panicked", 2)),
        ("function f()\n  local ok, e = pcall(host.fail)\n  error(e)\nend", Fails("host.failed")),
        (
            "function f()\n  local ok, e = pcall(function()\n host.deny() end)\n  error(e, 0)\nend",
            At("denied.capability", 3),
        ),
        ("function f()\n  coroutine.wrap(function()\n host.fail() end)()\nend", At("host.failed", 3)),
        ("function f()\n  coroutine.wrap(function()\n error('x') end)()\nend", At("script.raised", 3)),
        ("function f()\n  table.sort({ 2, 1 }, function() host.fail() end)\nend", At("host.failed", 2)),
        ("function f()\n  ('x'):rep({})\nend", At("script.raised", 2)),
        (
            "function f() local _, e = pcall(host.fail) return tostring(e) end",
            Gives(text("`host.fail`: no wolves left")),
        ),
        (
            "function f() local _, e = pcall(host.fail) return 'it: ' .. e end",
            Gives(text("it: `host.fail`: no wolves left")),
        ),
        ("function f() local _, e = pcall(error, 'x', 0) return e end", Gives(text("x"))),
    ];
    for (source, want) in rows {
        check(source, &[], &want);
    }
    let fault = |source: &str| {
        rig(|_| {}).file("main.lua", source).load(&LuaBackend::new()).and_then(|mut r| r.call("f", &[])).unwrap_err()
    };
    assert_eq!(fault("function f() error('gone') end").to_string(), "main.lua:1: gone");
    assert_eq!(fault("function f() error({ message = 'gone' }) end").to_string(), "main.lua:1: gone");
    assert!(fault("function f() error(('x'):rep(1000000)) end").message().len() < 10_000);
    let trace = fault("local function g()\n error('x')\nend\nfunction f()\n g()\nend").trace().to_vec();
    assert_eq!(trace, ["main.lua:2: in `g`", "main.lua:5: in `f`"]);
}

#[test]
fn loading_fails_with_a_place_and_under_the_meter() {
    let load = |source: &str| rig(|_| {}).file("main.lua", source).load(&LuaBackend::new()).map(|_| Nil);
    let rows = [
        ("local x =\nfunction )", "script.compile"),
        ("error('at load')", "script.raised"),
        ("host.fail()", "host.failed"),
        ("while true do end", "limit.fuel"),
        ("while true do pcall(function() while true do end end) end", "limit.fuel"),
        ("local t = {} while true do t[#t + 1] = {} end", "limit.memory"),
        ("local function g() return 1 + g() end g()", "limit.depth"),
        ("print(('x'):rep(100000))", "limit.output"),
        ("\u{1b}LuaQ", "script.compile"),
    ];
    for (source, code) in rows {
        let result = load(source);
        assert_eq!(Rig::code_of(&result), code, "{result:?}\n{source}");
    }
    let fault = load("local x = 1\nlocal y = )").unwrap_err();
    assert_eq!(fault.place().map(ToString::to_string).as_deref(), Some("main.lua:2"));
    let bytecode = rig(|_| {}).file("main.lua", [6_u8, 1, 0, 0, 0, 0]).load(&LuaBackend::new());
    assert_eq!(bytecode.map(|_| ()).unwrap_err().code(), "script.compile");
    let missing = Rig::builder().load(&LuaBackend::new()).map(|_| ()).unwrap_err();
    assert_eq!(missing.code(), "script.compile");
    let long = rig(|limits| limits.source = 10).file("main.lua", "local a = 1").load(&LuaBackend::new());
    assert_eq!(long.map(|_| ()).unwrap_err().code(), "script.compile");
}

#[test]
fn no_limit_can_be_caught() {
    let spin = "local function spin() while true do end end ";
    let hog = "local function hog() local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end ";
    let deep = "local function deep() return 1 + deep() end ";
    let rows = [
        ("spin()", "limit.fuel"),
        ("while true do pcall(spin) end", "limit.fuel"),
        ("for i = 1, 1e9 do pcall(spin) end", "limit.fuel"),
        ("pcall(spin) return 1", "limit.fuel"),
        ("xpcall(spin, spin) return 1", "limit.fuel"),
        ("xpcall(spin, function() return pcall(spin) end) return 1", "limit.fuel"),
        ("coroutine.wrap(spin)()", "limit.fuel"),
        ("while true do coroutine.resume(coroutine.create(spin)) end", "limit.fuel"),
        ("table.sort({ 3, 2, 1 }, function(a, b) spin() end)", "limit.fuel"),
        ("pcall(table.sort, { 3, 2, 1 }, spin) return 1", "limit.fuel"),
        ("return (('x'):gsub('x', spin))", "limit.fuel"),
        ("return setmetatable({}, { __index = spin }).x", "limit.fuel"),
        ("return setmetatable({}, { __add = function() pcall(spin) return 1 end }) + 1", "limit.fuel"),
        ("return tostring(setmetatable({}, { __tostring = spin }))", "limit.fuel"),
        ("print(setmetatable({}, { __tostring = spin }))", "limit.fuel"),
        ("for _ in spin do end", "limit.fuel"),
        ("for _ in setmetatable({}, { __iter = spin }) do end", "limit.fuel"),
        ("error(setmetatable({}, { __tostring = spin }))", "script.raised"),
        ("local s = ('a'):rep(40000) return s:find(('a?'):rep(20) .. ('a'):rep(20) .. 'b')", "limit.fuel"),
        (
            "local s = ('a'):rep(1000000) local b = ('a'):rep(500000) .. 'b' while true do s:find(b, 1, true) end",
            "limit.fuel",
        ),
        ("local s = ('a'):rep(1000000) local b = ('a'):rep(500000) .. 'b' while true do s:split(b) end", "limit.fuel"),
        ("local s = ('a'):rep(1000000) while true do pcall(string.upper, s) end", "limit.fuel"),
        ("local s = ('a'):rep(1000000) while true do utf8.len(s) end", "limit.fuel"),
        ("return table.move({}, 1, 2e9, 2)", "limit.fuel"),
        ("return table.move({}, -1e300, 1e300, 2)", "limit.fuel"),
        (
            "local a, b = ('a'):rep(400000) .. 'a', ('a'):rep(400000) .. 'b' local t = table.create(10000, a) \
            for i = 1, 10000, 2 do t[i] = b end table.sort(t)",
            "limit.fuel",
        ),
        ("hog()", "limit.memory"),
        ("pcall(hog) return 1", "limit.memory"),
        ("while true do pcall(hog) end", "limit.memory"),
        ("xpcall(hog, hog) return 1", "limit.memory"),
        ("coroutine.resume(coroutine.create(hog)) return 1", "limit.memory"),
        ("table.sort({ 2, 1 }, function() pcall(hog) return true end) return 1", "limit.memory"),
        ("return #('x'):rep(1e9)", "limit.memory"),
        ("return #('x'):rep(1e15)", "limit.memory"),
        ("pcall(string.rep, 'x', 1e9) return 1", "limit.memory"),
        ("pcall(string.rep, 'x', 5e6) return 1", "limit.memory"),
        ("pcall(table.create, 1e9) return 1", "limit.memory"),
        ("pcall(table.create, 1e6, 1) return 1", "limit.memory"),
        ("pcall(buffer.create, 1e9) return 1", "limit.memory"),
        ("local s = 'x' pcall(function() while true do s ..= s end end) return 1", "limit.memory"),
        ("local t = table.create(5000, ('x'):rep(1000)) pcall(table.concat, t) return 1", "limit.memory"),
        ("local t = {} for i = 1, 1e9 do t[i] = coroutine.create(print) end", "limit.memory"),
        (
            "local t = {} pcall(function() for i = 1, 1e9 do t[i] = function() return i end end end) return 1",
            "limit.memory",
        ),
        ("deep()", "limit.depth"),
        ("pcall(deep) return 1", "limit.depth"),
        ("local function g() pcall(g) return 1 end return g()", "limit.depth"),
        (
            "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] end return t.x",
            "limit.depth",
        ),
        ("local function g() return coroutine.wrap(g)() end g()", "limit.depth"),
        ("local function g() return select(2, coroutine.resume(coroutine.create(g))) end g()", "limit.depth"),
        ("local function g(s) return (s:gsub('x', g)) end return g('x')", "limit.depth"),
        ("while true do print(('x'):rep(100)) end", "limit.output"),
        ("while true do pcall(print, ('x'):rep(100)) end", "limit.output"),
        ("pcall(print, ('x'):rep(70000)) return 1", "limit.output"),
    ];
    for (body, code) in rows {
        let source = format!("{spin}{hog}{deep}function f() {body} end");
        let started = Instant::now();
        let mut rig = rig(|_| {}).file("main.lua", &source).load(&LuaBackend::new()).unwrap();
        let result = rig.call("f", &[]);
        assert_eq!(Rig::code_of(&result), code, "{result:?}\n{body}");
        if code.starts_with("limit.") {
            assert_eq!(Rig::code_of(&rig.call("f", &[])), code, "it must not run again: {body}");
        }
        drop(rig);
        assert!(started.elapsed() < Duration::from_secs(5), "took {:?}: {body}", started.elapsed());
    }
}

#[test]
fn what_is_within_the_limits_passes() {
    let rows = [
        ("local n = 0 for i = 1, 10000 do n += i end return n", Int(50_005_000)),
        // Garbage is not what a plugin holds.
        ("for i = 1, 800 do local s = ('x'):rep(50000) .. i end return 1", Int(1)),
        ("local function g(n) return if n == 0 then 0 else 1 + g(n - 1) end return g(150)", Int(150)),
        ("local t = { 3, 1, 2 } table.sort(t) return t[1] * 100 + t[2] * 10 + t[3]", Int(123)),
        ("local t = { 'b', 'a' } table.sort(t, function(a, b) return a > b end) return t[1]", text("b")),
        ("return select('#', table.unpack(table.move({ 1, 2 }, 1, 2, 3, { 0, 0 })))", Int(4)),
        ("return ('a,b'):split(',')[2] .. ('x'):rep(3) .. ('ab'):upper()", text("bxxxAB")),
        (
            "local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) c(1) return c(21)",
            Int(42),
        ),
        ("local h = 0 for i = 1, 100 do coroutine.wrap(function() h += 1 end)() end return h", Int(100)),
        ("return #table.create(10, 0) + buffer.len(buffer.create(8)) + ('a b'):find(' ', 1, true)", Int(20)),
    ];
    for (body, want) in rows {
        check(&format!("function f() {body} end"), &[], &Gives(want));
    }
    let mut rig = rig(|_| {}).file("main.lua", "function f() return 1 end").load(&LuaBackend::new()).unwrap();
    for _ in 0..3 {
        assert_eq!(rig.call("f", &[]).unwrap(), Int(1));
        assert_eq!(rig.usage().fuel, 1, "the same run costs the same");
    }
}

#[test]
fn what_is_not_offered_is_not_there() {
    let names = "os io package debug collectgarbage gcinfo getfenv \
        setfenv newproxy load loadstring dofile loadfile table.foreach table.foreachi";
    for name in names.split(' ') {
        check(&format!("function f() return {name} end"), &[], &Gives(Nil));
    }
    for change in
        ["string.rep = nil", "getmetatable('').__index = {}", "math.pi = 3", "host.x = 1", "_G.string.len = 1"]
    {
        check(&format!("function f() {change} end"), &[], &Fails("script.raised"));
    }
    // A script may hide a builtin from itself, and from nobody else.
    check("function tostring() return 'mine' end function f() return tostring(1) end", &[], &Gives(text("mine")));
}

#[test]
fn exports_are_functions_with_their_number_of_parameters() {
    let offered = |source: &str| {
        let rig = rig(|_| {}).file("main.lua", source).load(&LuaBackend::new()).unwrap();
        let exports = rig.instance.exports().iter().map(|export| (export.name.clone(), export.arity));
        exports.collect::<Vec<_>>()
    };
    type Offered = &'static [(&'static str, Option<usize>)];
    let rows: [(&str, Offered); 4] = [
        ("function b(x) end function a(...) end x = 1 local function c() end", &[("a", None), ("b", Some(1))]),
        ("function a() end return { on_tick = function(dt) end, name = 'x' }", &[("on_tick", Some(1))]),
        ("return setmetatable({}, { __index = function() return print end, __iter = error })", &[]),
        ("return { floor = math.floor }", &[("floor", None)]),
    ];
    for (source, want) in rows {
        let want: Vec<_> = want.iter().map(|(name, arity)| ((*name).to_owned(), *arity)).collect();
        assert_eq!(offered(source), want, "{source}");
    }
    let rows: [(&str, &[Value], Want); 6] = [
        ("function f(a, b) return a end", &[Int(1)], Fails("script.arity")),
        ("function f() end", &[Int(1)], Fails("script.arity")),
        ("function f(a, b, c, d, e) return a + e end", &[Int(1), Nil, Nil, Nil, Int(2)], Gives(Int(3))),
        ("function f(...) return select('#', ...) end", &[Nil, Nil, Nil], Gives(Int(3))),
        ("function g() end", &[], Fails("script.missing-export")),
        ("f = 1", &[], Fails("script.missing-export")),
    ];
    for (source, args, want) in rows {
        check(source, args, &want);
    }
    let count = "function f(...) return select('#', ...) end";
    check(count, &vec![Nil; 1000], &Gives(Int(1000)));
    check(count, &vec![Nil; 1001], &Fails("script.arity"));
}

#[test]
fn arguments_over_the_limit_are_the_hosts_mistake() {
    let mut rig = rig(|limits| limits.value.bytes = 200)
        .file("main.lua", "function f(...) end")
        .load(&LuaBackend::new())
        .unwrap();
    let long = text(&"x".repeat(150));
    assert_eq!(Rig::code_of(&rig.call("f", &[text(&"x".repeat(300))])), "limit.value");
    assert_eq!(Rig::code_of(&rig.call("f", &[long.clone(), long.clone()])), "limit.value", "all arguments together");
    assert_eq!(rig.call("f", &[long]).unwrap(), Nil, "the plugin lives on");
    assert!(!rig.ended_by(Resource::Value));
}

#[test]
fn printed_lines_reach_the_host() {
    let source = "function f() print('a', 1, nil, true, setmetatable({}, { __tostring = function() return 'mine' end })) print() end";
    let mut rig = rig(|_| {}).file("main.lua", source).load(&LuaBackend::new()).unwrap();
    rig.call("f", &[]).unwrap();
    assert_eq!(rig.printed(), ["a\t1\tnil\ttrue\tmine", ""]);
}

#[test]
fn every_limit_of_zero_is_a_limit() {
    let source =
        "function f(x) local t = {} for i = 1, 3 do t[i] = { i } end print('x') return (function() return 1 end)() end";
    type Change = fn(&mut Limits);
    let zero: [(Change, &str); 6] = [
        (|limits| limits.fuel = 0, "limit.fuel"),
        (|limits| limits.memory = 0, "limit.memory"),
        (|limits| limits.call_depth = 0, "limit.depth"),
        (|limits| limits.output = 0, "limit.output"),
        (|limits| limits.value.bytes = 0, "limit.value"),
        (|limits| limits.value.depth = 0, "limit.value"),
    ];
    for (change, code) in zero {
        let result =
            rig(change).file("main.lua", source).load(&LuaBackend::new()).and_then(|mut rig| rig.call("f", &[Int(1)]));
        assert_eq!(Rig::code_of(&result), code, "{result:?}");
    }
}

/// Any limit, swept, gives success or that limit's own code, and once it suffices it goes on to suffice.
#[test]
fn swept_limits_give_success_or_their_own_code() {
    let source = "local function g(n) return if n == 0 then 0 else 1 + g(n - 1) end
        function f() local t = {} for i = 1, 40 do t[i] = { i, tostring(i) } end
            local ok, e = pcall(host.echo, t) return g(6) + #t + #coroutine.wrap(function() return e end)() end";
    let sweep = |code: &str, steps: &mut dyn Iterator<Item = u64>, change: fn(&mut Limits, u64)| {
        let mut passed = false;
        for step in steps {
            let result = rig(|limits| change(limits, step))
                .file("main.lua", source)
                .load(&LuaBackend::new())
                .and_then(|mut r| r.call("f", &[]));
            match &result {
                Ok(value) => passed = *value == Int(86),
                Err(fault) => assert!(fault.code() == code && !passed, "{code} of {step}: {result:?}"),
            }
        }
        assert!(passed, "{code} never sufficed");
    };
    sweep("limit.fuel", &mut (0..400), |limits, n| limits.fuel = n);
    sweep("limit.depth", &mut (0..40), |limits, n| limits.call_depth = n as u32);
    sweep("limit.value", &mut (0..300).map(|n| n * 16), |limits, n| limits.value.bytes = n);
    sweep("limit.value", &mut (0..8), |limits, n| limits.value.depth = n as u32);
    sweep("limit.memory", &mut (0..120).map(|n| n * 1024), |limits, n| limits.memory = n);
}

#[test]
fn a_call_is_stopped_from_outside() {
    let source = "function f() while true do pcall(function() while true do end end) end end";
    let mut rig = rig(|limits| limits.fuel = u64::MAX).file("main.lua", source).load(&LuaBackend::new()).unwrap();
    let stop = rig.overdue();
    let started = Instant::now();
    let watchdog = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        stop();
    });
    assert_eq!(Rig::code_of(&rig.call("f", &[])), "limit.deadline");
    assert!(started.elapsed() < Duration::from_secs(2));
    watchdog.join().unwrap();
}

#[test]
fn memory_used_counts_what_the_plugin_holds() {
    let source = "local t = {} function f(n) for i = 1, n do t[i] = ('x'):rep(1000) .. i end end";
    let mut rig = rig(|_| {}).file("main.lua", source).load(&LuaBackend::new()).unwrap();
    let before = rig.instance.memory_used().unwrap();
    assert!(before < 100_000, "{before}");
    rig.call("f", &[Int(1000)]).unwrap();
    let after = rig.instance.memory_used().unwrap();
    assert!((1_000_000..1_500_000).contains(&after), "{after}");
}

#[test]
fn states_share_nothing_and_move_between_threads() {
    let source = "n = 0 function f() n += 1 return n end";
    let load = || rig(|_| {}).file("main.lua", source).load(&LuaBackend::new()).unwrap();
    let (mut a, mut b) = (load(), load());
    assert_eq!(a.call("f", &[]).unwrap(), Int(1));
    let mut a = thread::spawn(move || {
        assert_eq!(a.call("f", &[]).unwrap(), Int(2));
        a
    })
    .join()
    .unwrap();
    assert_eq!(b.call("f", &[]).unwrap(), Int(1));
    assert_eq!(a.call("f", &[]).unwrap(), Int(3));
}

#[test]
fn plugins_may_run_within_one_another() {
    let inner = rig(|_| {})
        .file("main.lua", "function f(x) if x == 0 then error('inner') end while x < 0 do end return x * 2 end");
    let inner = std::sync::Mutex::new(inner.load(&LuaBackend::new()).unwrap());
    let source = "function f(x) return pcall(host.other, x) and host.other(x) + 1 or 0 end";
    let outer = rig(|_| {}).file("main.lua", source);
    let mut outer = outer
        .host("host.other", "(x: int) -> int", move |args| inner.lock().unwrap().call("f", args))
        .load(&LuaBackend::new())
        .unwrap();
    assert_eq!(outer.call("f", &[Int(20)]).unwrap(), Int(41));
    assert_eq!(outer.call("f", &[Int(0)]).unwrap(), Int(0));
    assert_eq!(outer.call("f", &[Int(-1)]).unwrap(), Int(0), "the inner plugin is ended, the outer one is not");
    assert_eq!(outer.call("f", &[Int(0)]).unwrap(), Int(0));
}
