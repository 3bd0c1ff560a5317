//! Every limit against guests that want past it: in plain code, caught, inside builtins, at load, and swept from zero.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use modhost_backend::{Limits, Resource, Type, Value};
use support::{Code, Expect, Is, check, code, load};

const FUEL: &str = "limit.fuel";
const MEMORY: &str = "limit.memory";
const DEPTH: &str = "limit.depth";
const VALUE: &str = "limit.value";
const OUTPUT: &str = "limit.output";
const COMPILE: &str = "script.compile";

fn small(limits: &mut Limits) {
    limits.fuel = 300_000;
    limits.output = 1000;
    limits.call_depth = 40;
}

/// Sources whose `main` must end with the code, however it is called.
fn attacks() -> Vec<(String, &'static str)> {
    let body = |body: &str| format!("fn main() {{ {body} }}");
    let many = |part: &str, count: usize| part.repeat(count);
    let plain = [
        // Fuel: nothing catches it, nothing swallows it.
        (body("loop { }"), FUEL),
        (body("let i = 0; while true { i += 1 }"), FUEL),
        (body("loop { try { loop { } } catch { } }"), FUEL),
        (body("loop { try { throw 1 } catch { } }"), FUEL),
        (body("for i in 0..9223372036854775807 { }"), FUEL),
        (body("for i in range(0, 9223372036854775807, 1) { }"), FUEL),
        (body("for c in \"abc\".chars() { loop { } }"), FUEL),
        (body("let a = []; a.pad(900, 1); a.sort(|x, y| { loop { } })"), FUEL),
        (body("let a = [2, 1]; loop { a.sort(|x, y| { throw 1 }) }"), "script.raised"),
        (body("let a = [2, 1]; loop { try { a.sort(|x, y| { throw 1 }) } catch { } }"), FUEL),
        (body("let a = [1, 1]; a.dedup(|x, y| { loop { } })"), FUEL),
        (body("[1, 2].map(|x| { loop { } })"), FUEL),
        (body("[1, 2].filter(|x| { loop { } })"), FUEL),
        (body("[1, 2].reduce(|a, b| { loop { } })"), FUEL),
        (body("[1, 2].for_each(|x| { loop { } })"), FUEL),
        (body("[1, 2].drain(|x| { loop { } })"), FUEL),
        (body("[1, 2].some(|x| { loop { } })"), FUEL),
        (body("[1, 2].index_of(|x| { loop { } })"), FUEL),
        (body("#{a: 1}.filter(|k, v| { loop { } })"), FUEL),
        (format!("{} fn main() {{ f(9) }}", "fn f(n) { for i in 0..100 { f(n - 1) } }"), DEPTH),
        // Depth.
        ("fn f(n) { f(n + 1) } fn main() { f(0) }".into(), DEPTH),
        ("fn f(n) { try { f(n + 1) } catch { } } fn main() { loop { f(0) } }".into(), DEPTH),
        ("fn f(n) { 1 + (2 + (3 + (4 + f(n + 1)))) } fn main() { f(0) }".into(), DEPTH),
        ("fn f(n) { [n].map(|x| f(x)) } fn main() { f(0) }".into(), DEPTH),
        ("fn f(n) { [n, 1].sort(|x, y| f(x)) } fn main() { try { f(0) } catch { } }".into(), DEPTH),
        ("fn f(n) { [n, n].dedup(|x, y| f(x)) } fn main() { try { f(0) } catch { } }".into(), DEPTH),
        ("fn f(n) { `${f(n)}` } fn main() { f(0) }".into(), DEPTH),
        ("fn f(n) { n.g() } fn g() { f(this) } fn main() { f(0) }".into(), DEPTH),
        (body("let f = |f| f.call(f); f.call(f)"), DEPTH),
        // Sizes of texts.
        (body("let s = \"ab\"; loop { s += s }"), MEMORY),
        (body("let s = \"ab\"; loop { s = s + s }"), MEMORY),
        (body("let s = \"ab\"; loop { s = `${s}${s}` }"), MEMORY),
        (body("loop { try { let s = \"ab\"; loop { s += s } } catch { } }"), MEMORY),
        (body("let s = \"\"; s.pad(1000000000, 'x')"), MEMORY),
        (body("let s = \"\"; s.pad(1000000000, \"xy\")"), MEMORY),
        (body("let s = \"\"; s.pad(9223372036854775807, \"xyz\")"), MEMORY),
        (body("let s = \"\"; s.pad(16000, 'a'); let t = s; t.replace(\"a\", s)"), MEMORY),
        (body("let s = \"\"; s.pad(16000, 'a'); let t = s; t.replace('a', s)"), MEMORY),
        (body("let s = \"\"; s.pad(16000, 'a'); let t = s; t.replace(\"\", s)"), MEMORY),
        (body("let s = \"\"; s.pad(16000, 'a'); s.to_chars()"), MEMORY),
        (body("let s = \"\"; s.pad(16000, 'a'); s.split(\"\")"), MEMORY),
        (body("let s = \"\"; s.pad(16000, 'a'); s.to_blob()"), MEMORY),
        (body("world::big().len()"), MEMORY),
        // Sizes of containers.
        (body("let a = [1]; loop { a += a }"), MEMORY),
        (body("let a = [1]; loop { a.append(a) }"), MEMORY),
        (body("let a = [1]; loop { a = a + a }"), MEMORY),
        (body("let a = []; loop { a.push(a) }"), MEMORY),
        (body("let a = [1]; loop { a.push(1) }"), MEMORY),
        (body("let a = [1]; loop { a.insert(0, 1) }"), MEMORY),
        (body("let a = [1]; loop { a.splice(0, 0, a) }"), MEMORY),
        (body("let a = []; a.pad(9223372036854775807, 1)"), MEMORY),
        (body("let a = []; a.pad(4611686018427387904, [1, 2, 3])"), MEMORY),
        (body("let a = [1, 2, 3]; let b = []; b.pad(1000, a)"), MEMORY),
        (body("let b = blob(4000000000); b"), MEMORY),
        (body("let b = blob(9223372036854775807, 1); b"), MEMORY),
        (body("let b = blob(1); b.pad(9223372036854775807, 1)"), MEMORY),
        (body("let b = blob(1); loop { b += b }"), MEMORY),
        (body("let m = #{}; let i = 0; loop { m[`${i}`] = 1; i += 1 }"), MEMORY),
        (body("let m = #{}; loop { m = #{a: m, b: m} }"), MEMORY),
        (body("let m = #{}; let i = 0; loop { m[`${i}`]=1; i += 1 }"), MEMORY),
        (body("let m = #{a: #{}}; let i = 0; loop { m.a[`${i}`] = 1; i += 1 }"), MEMORY),
        (body("this.i = 0; this.m = #{}; loop { this.m[`${this.i}`] = 1; this.i += 1 }"), MEMORY),
        (body("this.s = \"\"; loop { this[this.s] = this.s; this.s += \"a\" }"), MEMORY),
        (body("let a = []; a.pad(1000, 1); let b = []; b.pad(1000, 1); for i in 0..1000 { b[i] = a }"), MEMORY),
        (body("let a = []; a.pad(1000, 1); this.b = a; for i in 0..1000 { this.b[i] = a }"), MEMORY),
        (
            body(&format!(
                "this.a = []; this.a.pad(1000, []); {}",
                (0..5000).map(|i| format!("this.b{i} = this.a;")).collect::<String>()
            )),
            MEMORY,
        ),
        (body("let m = #{}; for i in 0..1000 { m[`${i}`] = [] } for k in m.keys() { m[k].pad(1000, 0) }"), MEMORY),
        (
            body(
                "this.m = #{}; for i in 0..900 { this.m[`${i}`] = [] } for k in this.m.keys() { this.m[k].pad(1000, 0) }",
            ),
            MEMORY,
        ),
        (body("let a = []; loop { a = [0]; let b = a; a[0] = b; this.x = [this.x] }"), MEMORY),
        (body("[0, 0].for_each(|v| { loop { this = [this] } })"), MEMORY),
        (body("loop { this.a = [this.a, 1] }"), MEMORY),
        // Depth of containers: all recurses over them.
        (body("let a = []; loop { a = [a] }"), MEMORY),
        (body("let a = #{}; loop { a = #{a: a} }"), MEMORY),
        (body("let a = []; loop { let b = [a]; a = b }"), MEMORY),
        (body("let a = []; for i in 0..1000 { a = [#{x: a}] } 1"), MEMORY),
        (body("for i in 0..1000 { this.x = [this.x] }"), MEMORY),
        (body("for i in 0..1000 { this = [this] }"), MEMORY),
        (body("let m = #{x: []}; for i in 0..1000 { m.x.push(m.x) }"), MEMORY),
        (body("let m = []; for i in 0..1000 { m.set(0, [m]); m.push(m) }"), MEMORY),
        (body("let a = []; for i in 0..20 { a = [#{x: a}] } a"), VALUE),
        (body("let a = []; for i in 0..20 { a = [#{x: a}] } world::units::echo(a)"), VALUE),
        (body("let a = []; for i in 0..31 { a = [#{x: a}] } [[a]] == [[a]]"), MEMORY),
        (body("let a = []; for i in 0..31 { a = [#{x: a}] } [[a]] in [[[a]]]"), MEMORY),
        // Closures hide what they hold.
        (body("let f = 0; loop { let g = f; f = || g }"), MEMORY),
        (body("let f = 0; loop { let g = [f, f]; f = || g }"), MEMORY),
        (body("let a = []; a.pad(1000, 1); let fs = []; loop { let f = || a; fs.push(f) }"), MEMORY),
        // Many values that are each within their limit.
        (
            "fn f(a) { let b = a; let c = a; let d = a; let e = a; let g = a; let h = a; [f(a), b, c] }
             fn main() { let a = []; a.pad(1000, []); f(a) }"
                .into(),
            DEPTH,
        ),
        (body(&(0..300).map(|i| format!("let a{i} = 1;")).collect::<String>()), MEMORY),
        // Values.
        (body("let a = []; a.pad(1000, 1); let b = [a]; for i in 0..5 { world::units::echo(a) } a"), "ok"),
        (body("let s = \"\"; s.pad(16000, 'a'); let f = []; f.pad(60, s); f"), MEMORY),
        // Output.
        (body("loop { print(\"0123456789\") }"), OUTPUT),
        (body("loop { debug(\"0123456789\") }"), OUTPUT),
        (body("loop { try { loop { print(\"0123456789\") } } catch { } }"), OUTPUT),
        (body("let a = []; a.pad(1000, 1); print(a)"), OUTPUT),
        // What is not there.
        (body("eval(\"1\")"), COMPILE),
        (body("let f = Fn(\"eval\"); f.call(\"1\")"), COMPILE),
        (body("let f = |x| x; f.curry(1)"), COMPILE),
        (body("import \"x\" as y; 1"), COMPILE),
        (body("let a = []; for i in 0..31 { a = [#{x: a}] } #{a: [a]}.to_json()"), MEMORY),
        (body("sleep(10)"), "script.raised"),
        (body("timestamp()"), "script.raised"),
        (body("parse_json(\"{}\")"), "script.raised"),
        (body("exit()"), "script.raised"),
        // The parser.
        (body(&many("1+", 100_000)), COMPILE),
        (body(&many("(", 100_000)), COMPILE),
        (body(&many("[", 100_000)), COMPILE),
        (body(&many("{", 100_000)), COMPILE),
        (body(&many("!", 100_000)), COMPILE),
        (body(&many("-", 100_000)), COMPILE),
        (body(&many("||", 50_000)), COMPILE),
        (body(&many("`${", 50_000)), COMPILE),
        (body(&format!("let a = #{{}}; a{}", many(".a", 50_000))), COMPILE),
        (body(&format!("let a = []; a{}", many("[0]", 50_000))), COMPILE),
        (body(&format!("if true {{ }} {}", many("else if true { }", 10_000))), COMPILE),
        (body(&format!("true {}", many("&& true", 10_000))), COMPILE),
        (body(&format!("1{}", many(" ?? 1", 10_000))), COMPILE),
        (body(&many("9", 200_000)), COMPILE),
        (body(&many("a", 200_000)), COMPILE),
        (body(&format!("\"{}\"", many("a", 20_000))), MEMORY),
        (body(&format!("[{}]", many("1,", 2000))), MEMORY),
        (many("fn f() { }", 2).to_string(), COMPILE),
        ((0..5000).map(|i| format!("fn f{i}() {{ }}")).collect(), MEMORY),
        (many("//", 600_000), COMPILE),
        (body("world::f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)"), COMPILE),
    ];
    plain.into()
}

#[test]
fn attacks_end_with_their_limit() {
    for (source, expect) in attacks() {
        match expect {
            "ok" => assert!(load(&source, small).and_then(|mut rig| rig.call("main", &[])).is_ok(), "{source}"),
            limit => check(&source, small, &[], &Code(limit)),
        }
    }
}

#[test]
fn frames_of_a_deep_recursion_are_weighed() {
    // Each value is within its limits; the frames give them to variables that were defined empty.
    let all = |part: &str| (0..60).map(|i| part.replace('@', &i.to_string())).collect::<String>();
    for (fill, first) in [
        ("v@ = a;", "0"),
        ("v@ = if true { a };", "0"),
        ("v@ += a;", "#{}"),
        ("v@.mixin(a);", "#{}"),
        ("v@.pad(1000, []);", "[]"),
        ("v@.x = a;", "#{}"),
    ] {
        let (define, fill) = (all(&format!("let v@ = {first};")), all(fill));
        let source = format!(
            "fn f(n, a) {{ {define} {fill} if n > 0 {{ f(n - 1, a) }} }}
             fn main() {{
                 let a = #{{}}; for i in 0..1000 {{ a[`key number ${{i}} long enough`] = []; }} f(140, a)
             }}"
        );
        check(&source, |_| {}, &[], &Code(MEMORY));
    }
}

#[test]
fn loading_is_metered_like_calling() {
    for (source, expect) in [
        ("loop { }", FUEL),
        ("try { loop { } } catch { } fn main() { }", FUEL),
        ("const A = f(); fn f() { f() } fn main() { }", DEPTH),
        ("let s = \"ab\"; loop { s += s }", MEMORY),
        ("loop { print(\"0123456789\") }", OUTPUT),
        ("const A = [1, 2].map(|x| { loop { } });", FUEL),
    ] {
        check(source, small, &[], &Code(expect));
    }
    let long = format!("fn main() {{ }} // {}", "x".repeat(10_000));
    check(&long, |limits| limits.fuel = 100, &[], &Code(FUEL));
    check(&long, |limits| limits.source = 100, &[], &Code(COMPILE));
}

#[test]
fn a_killed_plugin_stays_dead() {
    let mut rig = load("fn main(n) { if n == 0 { loop { } } n }", small).unwrap();
    assert_eq!(code(&rig.call("main", &[Value::Int(0)])), FUEL);
    let export = rig.instance.export("main").unwrap();
    rig.meter.begin();
    assert_eq!(code(&rig.instance.call(export, &[Value::Int(1)], &Type::Any)), FUEL);
}

#[test]
fn values_are_bounded_both_ways() {
    let limits = |limits: &mut Limits| {
        limits.value.depth = 3;
        limits.value.bytes = 500;
    };
    let text = |count: usize| Value::from("x".repeat(count));
    let deep = |depth: usize| (1..depth).fold(Value::Int(1), |inner, _| Value::List(vec![inner]));
    let rows: [(&str, Vec<Value>, Expect); 9] = [
        ("fn main(v) { 1 }", vec![text(468)], Is(Value::Int(1))),
        ("fn main(v) { 1 }", vec![text(469)], Code(VALUE)),
        ("fn main(v) { 1 }", vec![deep(3)], Is(Value::Int(1))),
        ("fn main(v) { 1 }", vec![deep(4)], Code(VALUE)),
        ("fn main(a, b) { 1 }", vec![text(300), text(200)], Code(VALUE)),
        ("fn main() { [[1]] }", vec![], Is(deep(3))),
        ("fn main() { [[[1]]] }", vec![], Code(VALUE)),
        ("fn main() { try { world::units::echo([[[1]]]) } catch { } }", vec![], Code(VALUE)),
        ("fn main() { world::big(); 1 }", vec![], Code(VALUE)),
    ];
    for (source, args, expect) in rows {
        check(source, limits, &args, &expect);
    }
}

#[test]
fn an_argument_too_large_is_the_hosts_fault() {
    let mut rig = load("fn main(v) { 1 }", |limits| limits.value.bytes = 100).unwrap();
    assert_eq!(code(&rig.call("main", &[Value::from("x".repeat(100))])), VALUE);
    assert_eq!(rig.call("main", &[Value::Nil]).unwrap(), Value::Int(1));
    let mut rig = load("fn main(n) { [n, n, n] }", |limits| limits.value.bytes = 100).unwrap();
    assert_eq!(code(&rig.call("main", &[Value::Int(1)])), VALUE);
    assert!(rig.ended_by(Resource::Value), "a result too large is the guest's");
}

#[test]
fn every_limit_swept_gives_success_or_its_own_code() {
    let source = "const A = [1, 2, 3];
        fn down(n) { if n > 0 { down(n - 1) } else { 0 } }
        fn main(v) {
            let text = \"wolf\"; text.pad(40, 'x'); let m = #{a: 1, b: [1, 2]};
            print(text); down(12); this.n = m; [global::A.map(|x| x + m.a), v, text]
        }";
    type Sweep = (&'static str, fn(&mut Limits, u64), u64);
    let sweeps: [Sweep; 6] = [
        (FUEL, |limits, n| limits.fuel = n, 400),
        (MEMORY, |limits, n| limits.memory = n * 4096, 400),
        (DEPTH, |limits, n| limits.call_depth = n as u32, 40),
        (VALUE, |limits, n| limits.value.bytes = n, 400),
        (VALUE, |limits, n| limits.value.depth = n as u32, 6),
        (OUTPUT, |limits, n| limits.output = n, 60),
    ];
    for (limit, set, most) in sweeps {
        let mut outcomes = Vec::new();
        for n in 0..=most {
            let result = load(source, |limits| set(limits, n))
                .and_then(|mut rig| rig.call("main", &[Value::List(vec![Value::Int(1)])]));
            assert!(matches!(code(&result), found if found == "ok" || found == limit), "{limit} {n}: {result:?}");
            outcomes.push(result.is_ok());
        }
        assert!(!outcomes[0] && outcomes[outcomes.len() - 1], "{limit}: both happen");
        assert!(outcomes.is_sorted(), "{limit}: more is never worse");
    }
}

/// The largest recursion that ends well, or 0.
fn levels(source: &str) -> i64 {
    let ends_well = |n: i64| {
        let result = load(source, |limits| limits.call_depth = 1000).and_then(|mut rig| rig.call("main", &[n.into()]));
        assert!(matches!(code(&result), "ok" | "limit.depth" | "limit.memory"), "{n}: {result:?}");
        result.is_ok()
    };
    (0..=300).step_by(5).take_while(|n| ends_well(*n)).last().unwrap_or(0)
}

#[test]
fn recursion_fits_a_thread_of_two_megabytes() {
    // Arguments nest without being given to anything else: the deepest value meets the least stack.
    let nested = "fn main(n) { let a = []; let i = 0; while i < 30 { a = [#{x: a}]; i += 1 } f(n, a) }";
    let rows = [
        ("fn main(n) { if n > 0 { main(n - 1) } }", 200),
        ("fn main(n) { if n > 0 { 1 + main(n - 1) } else { 0 } }", 150),
        ("fn main(n) { if n > 0 { 1 + (1 + (1 + (1 + main(n - 1)))) } else { 0 } }", 70),
        ("fn main(n) { if n > 0 { [n].map(|x| main(x - 1)); 0 } }", 20),
        ("fn main(n) { if n > 0 { `${`${`${main(n - 1)}`}`}` } }", 20),
        ("fn main(n) { if n > 0 { { { { { { { main(n - 1) } } } } } } } }", 20),
    ];
    let stack = thread::Builder::new().stack_size(2 << 20);
    let done = stack.spawn(move || {
        for (source, least) in rows {
            let levels = levels(source);
            assert!(levels >= least, "{source}: {levels}");
        }
        for n in [1, 60, 100, 120, 140, 160, 180, 200, 250] {
            for end in ["a", "[a]", "`${a}`", "print(a)", "a == a", "a = 0; 1", "f(-1, [a])", "a.len()"] {
                let source =
                    format!("fn f(n, a) {{ if n > 0 {{ f(n - 1, [a]) }} else if n == 0 {{ {end}; 1 }} }} {nested}");
                let result = load(&source, |limits| limits.call_depth = 1000)
                    .and_then(|mut rig| rig.call("main", &[Value::Int(n)]));
                assert!(matches!(code(&result), "ok" | "limit.depth" | "limit.memory" | "limit.value"), "{result:?}");
            }
        }
    });
    done.unwrap().join().unwrap();
}

#[test]
fn a_deadline_ends_whatever_runs() {
    for source in [
        "fn main() { loop { } }",
        "fn main() { loop { try { loop { } } catch { } } }",
        "fn main() { let a = []; a.pad(900, 1); a.sort(|x, y| { loop { } }) }",
        "fn main() { let s = \"\"; s.pad(16000, 'a'); loop { s.to_upper().index_of(\"ab\") } }",
        "fn main() { let a = []; a.pad(400, [1]); loop { let b = a; b == a } }",
    ] {
        let mut rig = load(source, |limits| limits.fuel = u64::MAX).unwrap();
        let (stop, (started, begun)) = (rig.overdue(), mpsc::channel());
        let watchdog = thread::spawn(move || {
            begun.recv().unwrap();
            thread::sleep(Duration::from_millis(5));
            // The call may begin after the message: ask until it has heard.
            let asked = Instant::now();
            while asked.elapsed() < Duration::from_millis(50) {
                stop();
                thread::yield_now();
            }
        });
        started.send(()).unwrap();
        let asked = Instant::now();
        assert_eq!(code(&rig.call("main", &[])), "limit.deadline", "{source}");
        assert!(asked.elapsed() < Duration::from_secs(2), "{source}");
        watchdog.join().unwrap();
    }
}
