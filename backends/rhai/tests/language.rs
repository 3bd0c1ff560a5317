//! What a plugin in Rhai can do and say: values both ways, host functions, state, constants, errors with their place.
#![allow(clippy::unwrap_used, clippy::approx_constant)]

mod support;

use modhost_abi::{Handle, Map};
use modhost_backend::{Backend, Enforcement, FaultKind, Value, rig::Rig};
use modhost_rhai::RhaiBackend;
use support::{At, Code, Expect, Is, check, load};

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(Map::from_iter(entries))
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::List(items.into())
}

#[test]
fn values_cross_as_they_are() {
    let handle = Value::Handle(Handle { kind: 1, slot: 2, generation: 3 });
    let deep = (0..30).fold(Value::Int(1), |inner, _| list([inner]));
    for value in [
        Value::Nil,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Value::Float(-0.0),
        Value::Float(f64::INFINITY),
        Value::Float(3.0),
        Value::from(""),
        Value::from("wölf\0\n"),
        Value::from("x".repeat(100_000)),
        Value::Bytes(vec![]),
        Value::Bytes(vec![0, 255, 128]),
        handle.clone(),
        list([]),
        list([Value::Nil, Value::Int(1), list([Value::from("a")])]),
        map([]),
        map([("", Value::Int(1)), ("hp", Value::Float(0.5)), ("nested", map([("x", handle)]))]),
        deep,
    ] {
        let expect = Is(value.clone());
        check("fn main(v) { v }", |_| {}, std::slice::from_ref(&value), &expect);
        if value.weight() < 10_000 {
            check("fn main(v) { world::units::echo(v) }", |_| {}, &[value], &expect);
        }
    }
}

#[test]
fn nan_stays_nan() {
    let mut rig = load("fn main(v) { v }", |_| {}).unwrap();
    assert!(matches!(rig.call("main", &[Value::Float(f64::NAN)]).unwrap(), Value::Float(found) if found.is_nan()));
}

#[test]
fn scripts_compute() {
    let rows: Vec<(&str, Expect)> = vec![
        ("fn main() { 1 + 2 }", Is(Value::Int(3))),
        ("fn main() { 7 / 2 }", Is(Value::Int(3))),
        ("fn main() { 7.0 / 2 }", Is(Value::Float(3.5))),
        ("fn main() { \"a\" + 1 }", Is(Value::from("a1"))),
        ("fn main() { 'x' }", Is(Value::from("x"))),
        ("fn main() { }", Is(Value::Nil)),
        ("fn main() { #{b: 1, a: (), c: [()]} }", Is(map([("b", Value::Int(1)), ("c", list([Value::Nil]))]))),
        ("fn main() { blob(2, 7) }", Is(Value::Bytes(vec![7, 7]))),
        ("fn main() { return 5; }", Is(Value::Int(5))),
        ("fn main(a) { a } fn main() { 9 }", Is(Value::Int(9))),
        ("fn main() { helper(4) } private fn helper(x) { x * 2 }", Is(Value::Int(8))),
        // Functions and ranges do not cross.
        ("fn main() { |x| x }", Code("script.type")),
        ("fn main() { #{f: |x| x} }", Code("script.type")),
        ("fn main() { 1..2 }", Code("script.type")),
        ("fn main() { world::units::echo(|x| x) }", At("script.type", "main.rhai:1:27")),
        // Closures get copies.
        ("fn main() { let k = 2; [1, 2].map(|x| x * k) }", Is(list([Value::Int(2), Value::Int(4)]))),
        ("fn main() { let k = 2; let f = |x| x * k; k = 3; f.call(10) + k }", Is(Value::Int(23))),
        ("fn main() { const K = 5; let f = |x| x * K; f.call(2) + K }", Is(Value::Int(15))),
        ("fn main() { let k = 2; let f = || k; is_shared(k) }", Is(Value::Bool(false))),
        ("fn main() { let k = 2; let f = || k; [f.call(), f.call()] }", Is(list([Value::Int(2), Value::Int(2)]))),
        ("fn main() { let k = 1; let f = |a| |b| a + b + k; f.call(2).call(3) }", Is(Value::Int(6))),
        // What replaces Rhai's own does the same.
        ("fn main() { let s = \"ab\"; s.pad(5, 'x'); s }", Is(Value::from("abxxx"))),
        ("fn main() { let s = \"ab\"; s.pad(5, \"xy\"); s }", Is(Value::from("abxyx"))),
        ("fn main() { let s = \"ab\"; s.pad(1, 'x'); s.pad(-4, 'x'); s }", Is(Value::from("ab"))),
        ("fn main() { let a = [1]; a.pad(3, 0); a.len() }", Is(Value::Int(3))),
        ("fn main() { let b = blob(1); b.pad(3, 258); b }", Is(Value::Bytes(vec![0, 2, 2]))),
        (
            "fn main() { let s = \"aXbX\"; s.replace(\"X\", \"--\"); s.replace('a', \"q\"); s }",
            Is(Value::from("q--b--")),
        ),
        ("fn main() { let a = [3, 1, 2]; a.sort(|x, y| x - y); a == [1, 2, 3] }", Is(Value::Bool(true))),
        ("fn main() { let a = [3, 1, 2]; a.sort_by(|x, y| x > y); a == [3, 2, 1] }", Is(Value::Bool(true))),
        ("fn main() { let a = [5, 4, 3, 2, 1]; a.order(|x, y| x - y) == [1, 2, 3, 4, 5] }", Is(Value::Bool(true))),
        ("fn main() { let a = [3, 1, 2]; a.sort(); a == [1, 2, 3] }", Is(Value::Bool(true))),
        ("fn main() { let a = [1, 1, 2, 2, 1]; a.dedup(|x, y| x == y); a == [1, 2, 1] }", Is(Value::Bool(true))),
        ("fn main() { [1, #{a: [2.0]}] == [1.0, #{a: [2]}] && [1] != [2] && #{} != #{a: 1} }", Is(Value::Bool(true))),
        ("fn main() { [[1], [2]].contains([2]) && 2 in [1, 2] }", Is(Value::Bool(true))),
        ("fn main() { `${[1, \"a\", #{b: 'c'}]} ${#{}}` }", Is(Value::from("[1, \"a\", #{\"b\": 'c'}] #{}"))),
        ("fn main() { let x = 1; [take(x), x] }", Is(list([Value::Int(1), Value::Nil]))),
        (
            "fn main() { #{a: [1, 2.5, ()], b: \"x\\\"\\n\\x01\", c: 'y', d: #{}}.to_json() }",
            Is(Value::from(r#"{"a":[1,2.5,null],"b":"x\"\n\u0001","c":"y","d":{}}"#)),
        ),
        // Host functions.
        ("fn main() { hello() }", Is(Value::from("hi"))),
        ("fn main() { world::spawn(\"wolf\", 1.0) }", Is(Value::Int(2))),
        ("fn main() { world::spawn(\"wolf\", 1.0, ()) }", Is(Value::Int(3))),
        ("fn main() { const N = 1; world::typed(N) }", Is(Value::Int(2))),
        ("fn main() { world::typed(\"x\") }", At("script.type", "main.rhai:1:20")),
        ("fn main() { world::spawn(\"wolf\") }", At("script.arity", "main.rhai:1:20")),
        ("fn main() { world::spawn() }", Code("script.arity")),
        ("fn main() { world::spawn(1, 2, 3, 4) }", Code("script.arity")),
        ("fn main() { world::despawn(1) }", At("script.missing-import", "main.rhai:1:20")),
        ("fn main() { sky::rain() }", At("script.missing-import", "main.rhai:1:13")),
        // A fault of the host keeps what it is, unless the script handles it.
        ("fn f() {\n  world::spawn(\"none\", 1.0)\n}\nfn main() { f() }", At("denied.capability", "main.rhai:2:10")),
        (
            "fn main() { let t = 0; try { world::spawn(\"none\", 1.0) } catch (e) { t = type_of(e) } t }",
            Is(Value::from("string")),
        ),
        ("fn main() { try { world::spawn(\"none\", 1.0) } catch (e) { throw e } }", Code("denied.capability")),
        ("fn main() { try { world::spawn(\"none\", 1.0) } catch (e) { throw e + \"\" + ' ' } }", Code("script.raised")),
        ("world::spawn(\"none\", 1.0); fn main() { }", At("denied.capability", "main.rhai:1:8")),
        // State and constants.
        ("const A = 40; const B = A + 2; fn main() { g() } fn g() { global::B }", Is(Value::Int(42))),
        ("const A = 1; const A = 2; fn main() { global::A }", Is(Value::Int(2))),
        ("const F = |x| x + 1; fn main() { let f = global::F; f.call(1) }", Is(Value::Int(2))),
        ("const A = f(); fn f() { 3 } fn main() { global::A }", Is(Value::Int(3))),
        ("const A = 1; fn main() { global::C }", Code("script.raised")),
        ("let a = 1; fn main() { a }", Code("script.raised")),
        ("fn main() { this.type_of() }", Is(Value::from("map"))),
        // Errors.
        ("fn main() {\n  throw \"boom\";\n}", At("script.raised", "main.rhai:2:3")),
        ("fn g() {\n  let x = 1;\n  x.y.z\n}\nfn main() { [1].map(|x| g()) }", At("script.raised", "main.rhai:3:5")),
        ("fn main() { 1 / 0 }", At("script.raised", "main.rhai:1:15")),
        ("fn main() { nothing(1) }", At("script.raised", "main.rhai:1:13")),
        ("fn main() { throw #{code: 7} }", Code("script.raised")),
        ("fn main( { }", At("script.compile", "main.rhai:1:10")),
        ("throw 1; fn main() { }", At("script.raised", "main.rhai:1:1")),
    ];
    for (source, expect) in rows {
        check(source, |_| {}, &[], &expect);
    }
}

#[test]
fn callbacks_are_called_as_rhai_calls_them() {
    let rows: [(&str, &str); 19] = [
        ("[1, 2, 3].map(|x| x * 2)", "[2, 4, 6]"),
        ("[4, 5].map(|x, i| x * i)", "[0, 5]"),
        ("[4, 5].map(|| this + 1)", "[5, 6]"),
        ("[1, 2, 3].filter(|x| x != 2)", "[1, 3]"),
        ("[1, 2, 3].filter(|x, i| i > 0)", "[2, 3]"),
        ("{ let a = [1, 2]; a.for_each(|| this += 1); a.for_each(|i| this += i); a }", "[2, 4]"),
        (
            "[[1, 2].some(|x| x > 1), [1, 2].all(|x| x > 1), [].some(|x| true), [].all(|x| false)]",
            "[true, false, false, true]",
        ),
        ("[[1, 2, 1].index_of(|x| x == 1), [1, 2, 1].index_of(|x| x == 1, 1), [1].index_of(|x| x == 2)]", "[0, 2, -1]"),
        ("[[1, 2, 3].index_of(|x| x > 0, -2), [1].index_of(|x| true, 9)]", "[1, -1]"),
        ("[[3, 4].find(|x| x > 3), [3].find(|x| x > 3), [3, 4, 5].find(|x| x > 3, 2)]", "[4, (), 5]"),
        (
            "[[1, 2].find_map(|x| if x > 1 { x * 10 }), [1].find_map(|x| ()), [1, 2].find_map(|x, i| i, 1)]",
            "[20, (), 1]",
        ),
        ("[[1, 2, 3].reduce(|sum, x| (sum ?? 0) + x), [1, 2].reduce(|sum, x, i| sum + x * i, 5)]", "[6, 7]"),
        (
            "[[\"a\", \"b\"].reduce_rev(|sum, x| sum + x, \"\"), [3, 4].reduce_rev(|sum, x, i| sum * 10 + i, 0)]",
            "[\"ba\", 10]",
        ),
        ("{ let a = [1, 2, 3, 4]; let b = a.drain(|x| x % 2 == 0); [a, b] }", "[[1, 3], [2, 4]]"),
        ("{ let a = [1, 2, 3, 4]; let b = a.retain(|x, i| i < 1); [a, b] }", "[[1], [2, 3, 4]]"),
        ("[1, 2].zip([3, 4, 5], |a, b| a * b)", "[3, 8]"),
        (
            "{ let m = #{a: 1, b: 2}; let d = m.drain(|k, v| k == \"a\"); let r = m.retain(|k| this > 2); [d, r, m] }",
            "[#{\"a\": 1}, #{\"b\": 2}, #{}]",
        ),
        (
            "[#{a: 1, b: 2}.filter(|k, v| v > 1), #{a: 1}.map(|k, v| k + v), #{a: 1} + #{b: 2}]",
            "[#{\"b\": 2}, #{\"a\": \"a1\"}, #{\"a\": 1, \"b\": 2}]",
        ),
        (
            "{ let s = \"aäb\"; let l = []; for c in s { l.push(c) } for c in s.chars(1) { l.push(c) } for c in s.chars(-1, 1) { l.push(c) } for c in s.chars(0..1) { l.push(c) } for c in s.chars(1..=1) { l.push(c) } `${l}` }",
            "['a', 'ä', 'b', 'ä', 'b', 'b', 'a', 'ä']",
        ),
    ];
    for (body, text) in rows {
        check(&format!("fn main() {{ `${{{body}}}` }}"), |_| {}, &[], &Is(Value::from(text)));
    }
}

#[test]
fn state_persists_in_this() {
    let mut rig = load("fn main(n) { this.sum = (this.sum ?? 0) + n; this.sum }", |_| {}).unwrap();
    for (n, sum) in [(1, 1), (2, 3), (3, 6)] {
        assert_eq!(rig.call("main", &[Value::Int(n)]).unwrap(), Value::Int(sum));
    }
    let held = rig.instance.memory_used().unwrap();
    assert!((1..1000).contains(&held), "{held}");
}

#[test]
fn a_failed_call_leaves_the_plugin_usable() {
    let mut rig = load("fn main(n) { if n == 0 { throw \"no\" } n }", |_| {}).unwrap();
    assert_eq!(rig.call("main", &[Value::Int(0)]).unwrap_err().code(), "script.raised");
    assert_eq!(rig.call("main", &[Value::Int(5)]).unwrap(), Value::Int(5));
}

#[test]
fn exports_are_public_functions_by_name_and_number() {
    let source = "fn b(x) { x } fn a() { || 1 } fn a(x, y) { 2 } private fn hidden() { } fn map.typed() { }";
    let mut rig = load(source, |_| {}).unwrap();
    let exports: Vec<_> = rig.instance.exports().iter().map(|export| (export.name.clone(), export.arity)).collect();
    assert_eq!(exports, [("a".into(), None), ("b".into(), Some(1))]);
    assert_eq!(rig.call("a", &[Value::Nil, Value::Nil]).unwrap(), Value::Int(2));
    assert_eq!(rig.call("b", &[]).unwrap_err().code(), "script.arity");
    let fault = rig.call("a", &[Value::Nil]).unwrap_err();
    assert!(matches!(fault.kind(), FaultKind::Arity { expected, found: 1 } if expected == "0 or 2"), "{fault}");
    assert_eq!(rig.call("hidden", &[]).unwrap_err().code(), "script.missing-export");
}

#[test]
fn errors_tell_the_calls_around_them() {
    let source = "fn a() { throw \"deep\" }\nfn b() {\n  a()\n}\nfn main() {\n  b()\n}";
    let fault = load(source, |_| {}).unwrap().call("main", &[]).unwrap_err();
    assert_eq!(fault.to_string(), "main.rhai:1:10: deep");
    assert_eq!(fault.trace(), ["in `a`, called at main.rhai:3:3", "in `b`, called at main.rhai:6:3"]);
}

#[test]
fn a_wrong_number_for_the_host_names_what_it_takes() {
    let fault = load("fn main() { world::spawn() }", |_| {}).unwrap().call("main", &[]).unwrap_err();
    assert!(matches!(fault.kind(), FaultKind::Arity { expected, found: 0 } if expected == "2 to 3"), "{fault}");
}

#[test]
fn print_goes_to_the_host() {
    let mut rig = load("print(1); fn main() { print(\"a\"); debug(\"b\"); print([1, 'c']); }", |_| {}).unwrap();
    rig.call("main", &[]).unwrap();
    assert_eq!(rig.printed(), ["1", "a", "\"b\"", "[1, 'c']"]);
}

#[test]
fn the_same_run_costs_the_same_fuel() {
    let source = "fn main() { let s = 0; for i in 0..100 { s += [i, 2].map(|x| x + s).len(); } s }";
    let used = || {
        let mut rig = load(source, |_| {}).unwrap();
        rig.call("main", &[]).unwrap();
        rig.usage().fuel
    };
    assert_eq!(used(), used());
    assert!(used() > 1000);
}

#[test]
fn two_plugins_share_nothing() {
    let backend = RhaiBackend::new();
    let plugin = |value: &str| {
        let source = format!("const N = {value}; fn main() {{ this.n = (this.n ?? 0) + global::N; this.n }}");
        Rig::builder().file("main.rhai", source).load(&backend).unwrap()
    };
    let (mut a, mut b) = (plugin("1"), plugin("10"));
    assert_eq!(a.call("main", &[]).unwrap(), Value::Int(1));
    assert_eq!(b.call("main", &[]).unwrap(), Value::Int(10));
    assert_eq!(a.call("main", &[]).unwrap(), Value::Int(2));
}

#[test]
fn it_promises_what_it_holds() {
    let promised = RhaiBackend::new().enforcement();
    let demanded = Enforcement { memory: modhost_backend::Guarantee::Approximate, ..Enforcement::NOTHING };
    assert!(promised.suffices(&demanded));
    assert!(!promised.suspend && !promised.suffices(&Enforcement::SANDBOX));
}
