//! Calls that are suspended in a pending host function, and go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use modhost_backend::{
    Fault, FaultKind, HostFailure, Limits, Step,
    Value::{self, Int, Nil},
    rig::{Rig, RigBuilder},
};
use modhost_lua::LuaBackend;

type Expected<'a> = Result<Value, &'a str>;

fn builder() -> RigBuilder {
    Rig::builder()
        .pending("net.ask", "(a: any) -> any", |args| match args {
            [Int(13)] => Err(Fault::raised("not begun")),
            _ => Ok(()),
        })
        .host("host.twice", "(n: int) -> int", |args| match args {
            [Int(n)] => Ok(Int(*n * 2)),
            _ => Err(Fault::arity(1, args.len())),
        })
}

fn failed() -> Fault {
    let (failure, function, message) = (HostFailure::Failed, "net.ask".into(), "no route".into());
    Fault::new(FaultKind::Host { failure, function, message })
}

/// Starts `f`, answers each time that it is suspended, and compares what it comes to; twice, for the same fuel.
#[track_caller]
fn check_limited(source: &str, limits: fn(&mut Limits), answers: &[Option<Value>], expected: Expected<'_>) -> Fault {
    let mut fuel = None;
    let mut last = Fault::raised("");
    for _ in 0..2 {
        let mut rig = builder().limits(limits).file("main.lua", source).load(&LuaBackend::new()).unwrap();
        let mut step = rig.start("f", &[]);
        for answer in answers {
            assert_eq!(step.unwrap(), Step::Suspended);
            step = rig.resume(answer.clone().ok_or_else(failed));
        }
        match (step, &expected) {
            (Ok(Step::Done(found)), Ok(wanted)) => assert_eq!(found, *wanted),
            (Err(fault), Err(code)) => {
                assert_eq!(fault.code(), *code, "{fault}");
                last = fault;
            }
            (step, _) => panic!("{step:?}, wanted {expected:?}"),
        }
        assert_eq!(*fuel.get_or_insert(rig.usage().fuel), rig.usage().fuel, "the same run costs the same");
    }
    last
}

#[track_caller]
fn check(source: &str, answers: &[Option<Value>], expected: Expected<'_>) -> Fault {
    check_limited(source, |limits| limits.fuel = 200_000, answers, expected)
}

fn text(text: &str) -> Expected<'static> {
    Ok(Value::from(text))
}

#[test]
fn a_call_goes_on_behind_its_pending_function() {
    let answers = |values: &[i64]| values.iter().map(|n| Some(Int(*n))).collect::<Vec<_>>();
    check("function f() return net.ask(1) end", &answers(&[42]), Ok(Int(42)));
    check("function f() net.ask(1) end", &answers(&[42]), Ok(Nil));
    check("function f() return 5 end", &[], Ok(Int(5)));
    check("function f() return 5, 6 end", &[], Err("script.type"));
    check("function f() return net.ask(1) + net.ask(2) * 10 end", &answers(&[1, 2]), Ok(Int(21)));
    let nested = "local function g(n) if n == 0 then return net.ask(0) end return 1 + g(n - 1) end
        function f() local total = 0 for i = 1, 3 do total += g(i) end return total end";
    check(nested, &answers(&[10, 20, 30]), Ok(Int(66)));
    for value in [Nil, Value::Bool(true), Value::Float(0.5), Value::from("text"), Value::from(vec![Int(1), Int(2)])] {
        check("function f() local got = net.ask({ key = 'x' }) return got end", &[Some(value.clone())], Ok(value));
    }
    check("local ask = net.ask function f() return pcall(ask, 1) end", &answers(&[1]), Err("script.type"));
    check("function f() local ok, n = pcall(net.ask, 1) return ok and n end", &answers(&[7]), Ok(Int(7)));
    check("function f() return select(2, pcall(pcall, net.ask, 1)) end", &answers(&[7]), Err("script.type"));
    check("function f() return host.twice(net.ask(1)) end", &answers(&[7]), Ok(Int(14)));
}

#[test]
fn an_error_in_place_of_an_answer_is_one_that_the_script_can_catch() {
    let caught = "function f() local ok, why = pcall(net.ask, 1) return tostring(ok) .. ': ' .. tostring(why) end";
    check(caught, &[None], text("false: `net.ask`: no route"));
    check(&caught.replace("ask, 1", "ask, 13"), &[], text("false: not begun"));
    let twice = "function f() if not pcall(net.ask, 1) then return net.ask(2) end end";
    check(twice, &[None, Some(Int(9))], Ok(Int(9)));
    let handled =
        "function f() return select(2, xpcall(net.ask, function(e) return 'seen ' .. tostring(e) end, 1)) end";
    check(handled, &[None], text("seen `net.ask`: no route"));
    let fault = check(
        "local function inner()\n  return net.ask(1)\nend\nfunction f()\n  local n = inner()\n  return n\nend",
        &[None],
        Err("host.failed"),
    );
    assert_eq!(fault.place().unwrap().to_string(), "main.lua:2");
    assert_eq!(fault.trace(), ["main.lua:2: in `inner`", "main.lua:5: in `f`"]);
    let fault = check(
        "local function inner()\n  net.ask(1)\n  error('later')\nend\nfunction f()\n  inner()\nend",
        &[Some(Nil)],
        Err("script.raised"),
    );
    assert_eq!(fault.to_string(), "main.lua:3: later");
    assert_eq!(fault.trace(), ["main.lua:3: in `inner`", "main.lua:6: in `f`"]);
}

#[test]
fn where_the_yield_would_not_reach_the_host_nothing_is_begun() {
    for body in [
        "return coroutine.wrap(function() return net.ask(1) end)()",
        "local co = coroutine.create(net.ask) local ok, e = coroutine.resume(co, 1) error(e)",
        "table.sort({ 3, 1, 2 }, function(a, b) net.ask(a) return a < b end)",
        "return (string.gsub('abc', '.', function(c) return net.ask(c) end))",
        "return setmetatable({}, { __index = function(t, k) return net.ask(k) end }).key",
        "return tostring(setmetatable({}, { __tostring = function(t) return net.ask(1) end }))",
        "return setmetatable({}, { __add = function(a, b) return net.ask(b) end }) + 1",
        "return coroutine.wrap(function() local ok = pcall(net.ask, 1) return net.ask(2) end)()",
    ] {
        check(&format!("function f() {body} end"), &[], Err("host.cannot-suspend"));
        let caught = format!("function f() local ok, e = pcall(function() {body} end) return ok end");
        check(&caught, &[], Ok(Value::Bool(false)));
    }
    let goes_on = "function f() pcall(coroutine.wrap(function() net.ask(1) end)) return net.ask(2) end";
    check(goes_on, &[Some(Int(3))], Ok(Int(3)));
    let load = |source: &str| builder().file("main.lua", source).load(&LuaBackend::new()).map(|_| ());
    assert_eq!(load("net.ask(1)").unwrap_err().code(), "host.cannot-suspend");
    let mut rig = builder().file("main.lua", "function f() return net.ask(1) end").load(&LuaBackend::new()).unwrap();
    assert_eq!(rig.call("f", &[]).unwrap_err().code(), "host.cannot-suspend");
    assert_eq!(rig.start("f", &[]).unwrap(), Step::Suspended);
    assert_eq!(rig.resume(Ok(Int(1))).unwrap(), Step::Done(Int(1)));
    assert_eq!(rig.call("f", &[]).unwrap_err().code(), "host.cannot-suspend");
    assert_eq!(rig.resume(Ok(Int(1))).unwrap_err().code(), "internal.bug");
}

#[test]
fn a_script_cannot_suspend_its_call_by_itself() {
    let plain = |body: &str| {
        let source = format!("function f() {body} end");
        builder().file("main.lua", source).load(&LuaBackend::new()).unwrap().call("f", &[])
    };
    for body in [
        "coroutine.yield()",
        "coroutine.yield(1, 2, 3)",
        "coroutine.yield(nil)",
        "coroutine.yield(net.ask)",
        "local ok, why = pcall(coroutine.yield, 1) return tostring(ok) .. why",
        "local ok, why = xpcall(coroutine.yield, function(e) return 'seen: ' .. e end) return tostring(ok) .. why",
    ] {
        let wanted = plain(body);
        let expected = match &wanted {
            Ok(value) => Ok(value.clone()),
            Err(fault) => Err(fault.code()),
        };
        let started = check(&format!("function f() {body} end"), &[], expected);
        if let Err(fault) = wanted {
            assert_eq!(started.message(), fault.message());
        }
    }
    let after = "function f() local n = net.ask(1) pcall(coroutine.yield) return n + net.ask(2) end";
    check(after, &[Some(Int(1)), Some(Int(2))], Ok(Int(3)));
    check("function f() while true do pcall(coroutine.yield) end end", &[], Err("limit.fuel"));
    check("function f() local again repeat again = pcall(coroutine.yield, 1) until false end", &[], Err("limit.fuel"));
    // A script's own coroutines work, and see nothing of the host's.
    let own = "function f() local co = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end)
        return co() + co() * 10 + net.ask(0) end";
    check(own, &[Some(Int(100))], Ok(Int(121)));
}

#[test]
fn the_coroutine_of_a_call_is_of_no_use_to_a_script() {
    let source = "local kept
        function f() kept = coroutine.running() net.ask(1) return 1 end
        function g() return coroutine.status(kept) .. ' ' .. tostring(coroutine.resume(kept)) end
        function h() kept = coroutine.running() error('x') end
        function k() kept = coroutine.running()
            return coroutine.wrap(function() return tostring(coroutine.resume(kept)) .. tostring(pcall(coroutine.close, kept)) end)() end";
    let mut rig = builder().file("main.lua", source).load(&LuaBackend::new()).unwrap();
    assert_eq!(rig.start("f", &[]).unwrap(), Step::Suspended);
    assert_eq!(rig.resume(Ok(Nil)).unwrap(), Step::Done(Int(1)));
    assert_eq!(rig.call("g", &[]).unwrap(), Value::from("dead false"));
    assert_eq!(rig.start("h", &[]).unwrap_err().code(), "script.raised");
    assert_eq!(rig.call("g", &[]).unwrap(), Value::from("dead false"));
    assert_eq!(rig.start("k", &[]).unwrap(), Step::Done(Value::from("falsefalse")));
    assert_eq!(rig.call("g", &[]).unwrap(), Value::from("dead false"));
}

#[test]
fn limits_hold_over_the_whole_call() {
    let nil = || Some(Nil);
    let fuel: fn(&mut Limits) = |limits| limits.fuel = 5000;
    check_limited("function f() net.ask(1) while true do end end", fuel, &[nil()], Err("limit.fuel"));
    check_limited(
        "function f() while true do pcall(net.ask) for i = 1, 3000 do end end end",
        fuel,
        &[nil(), nil()],
        Err("limit.fuel"),
    );
    check_limited(
        "function f() net.ask(1) while true do pcall(function() while true do end end) end end",
        fuel,
        &[nil()],
        Err("limit.fuel"),
    );
    let memory: fn(&mut Limits) = |limits| limits.memory = 1 << 20;
    let grow = "function f() net.ask(1) local t = {} while true do t[#t + 1] = { #t } end end";
    check_limited(grow, memory, &[nil()], Err("limit.memory"));
    check_limited(
        "function f() net.ask(1) pcall(string.rep, 'x', 9e6) return 1 end",
        memory,
        &[nil()],
        Err("limit.memory"),
    );
    let depth: fn(&mut Limits) = |limits| limits.call_depth = 50;
    let deep = "local function g(n) if n == 0 then return net.ask(1) end local x = g(n - 1) return x end
        function f() return g(DEEP) end";
    check_limited(&deep.replace("DEEP", "40"), depth, &[Some(Int(1))], Ok(Int(1)));
    check_limited(&deep.replace("DEEP", "60"), depth, &[], Err("limit.depth"));
    check_limited(
        &deep.replace("net.ask(1)", "net.ask(1) + g(20)").replace("DEEP", "40"),
        depth,
        &[Some(Int(1))],
        Err("limit.depth"),
    );
    check("function f() return net.ask(1) end", &[Some(Value::from("x".repeat(5_000_000)))], Err("limit.value"));
    check(
        "function f() return pcall(net.ask, 1) and 1 or 2 end",
        &[Some(Value::from("x".repeat(5_000_000)))],
        Ok(Int(2)),
    );
    check("function f() return net.ask(string.rep('x', 9e6)) end", &[], Err("limit.value"));
}

#[test]
fn a_closed_library_and_other_files_make_no_difference() {
    let source = "local lib = require('lib') function f() return lib(), coroutine end";
    let mut rig = builder()
        .libraries(["string"])
        .file("main.lua", source)
        .file("lib.lua", "return function() return net.ask(1) end")
        .load(&LuaBackend::new())
        .unwrap();
    assert_eq!(rig.start("f", &[]).unwrap(), Step::Suspended);
    assert_eq!(rig.resume(Ok(Int(4))).unwrap_err().message(), "expected one result, found 2 results");
    let mut rig = builder()
        .file("main.lua", "function f() return require('lib') end")
        .file("lib.lua", "return net.ask(1)")
        .load(&LuaBackend::new())
        .unwrap();
    assert_eq!(rig.start("f", &[]).unwrap(), Step::Suspended);
    assert_eq!(rig.resume(Ok(Int(4))).unwrap(), Step::Done(Int(4)));
}
