#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::expect_used)]
use modhost_backend::{Value, rig::Rig};
use modhost_rhai::RhaiBackend;
use std::time::Instant;

fn try_one(name: &str, src: &str) {
    let t = Instant::now();
    let r = Rig::builder().limits(|l| l.fuel = 10_000_000).file("m.rhai", src).load(&RhaiBackend::new());
    let lt = t.elapsed();
    match r {
        Err(f) => {
            println!("{name}: LOAD {} {} {:?}", f.code(), &f.to_string().chars().take(140).collect::<String>(), lt)
        }
        Ok(mut rig) => {
            let t = Instant::now();
            let r = rig.call("main", &[]);
            let e = t.elapsed();
            match r {
                Ok(v) => println!(
                    "{name}: ok {} load {lt:?} call {e:?} fuel {}",
                    format!("{v:?}").chars().take(100).collect::<String>(),
                    rig.usage().fuel
                ),
                Err(f) => println!(
                    "{name}: CALL {} {} {:?} trace {:?} fuel {}",
                    f.code(),
                    f.to_string().chars().take(140).collect::<String>(),
                    e,
                    f.trace(),
                    rig.usage().fuel
                ),
            }
        }
    }
}
#[test]
fn scratch() {
    let which = std::env::var("W").unwrap_or_default();
    let n = |s: &str, k: usize| s.repeat(k);
    let cases: Vec<(&str, String)> = vec![
        ("plain", "fn main() { 1 + 2 }".into()),
        ("const", "const A = 40; const B = A + 2; fn main() { g() } fn g() { global::B }".into()),
        ("state", "fn main() { this.n = (this.n ?? 0) + 1; this.n }".into()),
        ("closure", "fn main() { let k = 2; [1,2,3].map(|x| x * k) }".into()),
        ("closure2", "fn main() { let k = 2; let f = |x| x * k; k = 3; f.call(10) + k }".into()),
        ("closure3", "fn main() { let n = 0; let f = || { n += 1; n }; f.call() }".into()),
        ("closure4", "fn main() { const K = 5; let f = |x| x * K; f.call(2) + K }".into()),
        ("closurechain", "fn main() { let f = 0; loop { let g = f; f = || g; } }".into()),
        ("closurecycle", "fn main() { loop { let g = []; let f = || g; g.push(f); } }".into()),
        ("loop", "fn main() { loop { } }".into()),
        ("loop2", "fn main() { let i = 0; while i < 100000 { i += 1; } i }".into()),
        ("rec", "fn f(n) { if n == 0 { 0 } else { 1 + f(n - 1) } } fn main() { f(30) }".into()),
        ("rec31", "fn f(n) { if n == 0 { 0 } else { 1 + f(n - 1) } } fn main() { f(31) }".into()),
        ("recinf", "fn f(n) { f(n + 1) } fn main() { f(0) }".into()),
        ("throw", "fn g() {\n  throw \"boom\";\n}\nfn main() { g(); }".into()),
        ("nest", "fn main() { let a = []; for i in 0..100000 { a = [a]; } }".into()),
        ("nestlet", "fn main() { let a = []; for i in 0..100000 { let b = [a]; a = b; } }".into()),
        ("nestmap", "fn main() { let a = #{}; for i in 0..100000 { a = #{x: a}; } }".into()),
        ("nestmix", "fn main() { let a = #{}; for i in 0..1000 { a = [#{x: a}]; } print(a); a == a }".into()),
        ("nestclone", "fn main() { let a = #{}; for i in 0..1000 { a = [#{x: a}]; } let c = 0; for i in 0..3 { this.x = a; c = a; } 1 }".into()),
        ("nestret", "fn main() { let a = #{}; for i in 0..1000 { a = [#{x: a}]; } a }".into()),
        ("pad", "fn main() { let s = \"\"; s.pad(1000000000, 'x') }".into()),
        ("pada", "fn main() { let s = []; s.pad(9223372036854775807, [1,2]) }".into()),
        ("padb", "fn main() { let s = blob(); s.pad(9223372036854775807, 1) }".into()),
        ("blob", "fn main() { blob(4000000000) }".into()),
        ("sort", "fn main() { let a = []; a.pad(900, 1); a.sort(|x, y| { loop {} }); 1 }".into()),
        ("sort1", "fn main() { let a = [3,1,2,9,7,8,0]; a.sort(|x, y| x - y); a }".into()),
        ("print", "fn main() { print([1, \"a\", #{x: 1.0}]); `${[1,2]}` }".into()),
        ("repl", "fn main() { let s = \"\"; s.pad(16000, 'a'); let t = s; t.replace(\"a\", s); t.len() }".into()),
        ("timepad", "fn main() { let s = \"\"; for i in 0..1000 { s = \"\"; s.pad(16000, 'a'); } s.len() }".into()),
        ("timesplit", "fn main() { let s = \"\"; s.pad(16000, 'a'); for i in 0..100 { try { s.index_of(\"ab\"); s.to_upper(); } catch {} } s.len() }".into()),
        ("mem", "fn f(n) { let a = []; a.pad(1000, []); let b = a; let c = a; let d = a; let e = a; let g = a; if n > 0 { f(n - 1) } let h = 1; } fn main() { f(20) }".into()),
        ("chain", format!("fn main() {{ let a = 1; a {} }}", n("+1", 5000))),
        ("chain100k", format!("fn main() {{ let a = 1; a {} }}", n("+1", 100000))),
        ("dots", format!("fn main() {{ let a = #{{}}; a{} }}", n(".a", 100000))),
        ("idx", format!("fn main() {{ let a = [1]; a{} }}", n("[0]", 100000))),
        ("elseif", format!("fn main() {{ let a = 0; if a == 1 {{}} {} }}", n("else if a == 2 {}", 50000))),
        ("coal", format!("fn main() {{ () {} }}", n("?? ()", 50000))),
        ("and", format!("fn main() {{ true {} }}", n("&& true", 50000))),
        ("nots", format!("fn main() {{ {}true }}", n("!", 50000))),
        ("paren", format!("fn main() {{ {} }}", n("(", 50000))),
        ("brack", format!("fn main() {{ {} }}", n("[", 50000))),
        ("brace", format!("fn main() {{ {} }}", n("{", 50000))),
        ("pipes", format!("fn main() {{ {} 1 }}", n("||", 50000))),
        ("interp", format!("fn main() {{ {} }}", n("`${", 5000))),
        ("assign", format!("fn main() {{ let a = 1; {} 1 }}", n("a = ", 5000))),
        ("pow", format!("fn main() {{ 1 {} }}", n("** 1", 50000))),
        ("bigsrc", format!("fn main() {{ let a = 0; {} a }}", n("a += 1;\n", 100000))),
        ("bigarr", format!("const A = [{}]; fn main() {{ 1 }}", n("1,", 400000))),
        ("lets", format!("fn main() {{ {} 1 }}", n("let a = 1;", 50000))),
        ("fns", format!("{} fn main() {{ 1 }}", (0..20000).map(|i| format!("fn f{i}(){{}}")).collect::<String>())),
        ("ident", format!("fn main() {{ let {} = 1; }}", n("a", 200000))),
        ("qual", "fn main() { world::x(1,2,3,4,5,6,7,8) }".into()),
        ("qual9", "fn main() { world::x(1,2,3,4,5,6,7,8,9) }".into()),
        ("strlit", format!("fn main() {{ \"{}\" }}", n("a", 200000))),
        ("comment", format!("/*{}*/ fn main() {{ 1 }}", n("a", 900000))),
        ("switch", format!("fn main() {{ switch 1 {{ {} }} }}", n("1 => 1,", 50000))),
        ("ranges", "fn main() { let c = 0; for i in range(0, 9223372036854775807, 1) { c += 1; } c }".into()),
        ("fact", "fn fib(n) { if n < 2 { n } else { fib(n-1) + fib(n-2) } } fn main() { fib(20) }".into()),
        ("eval", "fn main() { eval(\"1\") }".into()),
        ("sleep", "fn main() { sleep(10) }".into()),
        ("ts", "fn main() { timestamp() }".into()),
        ("curry", "fn main() { Fn(\"x\").curry(1) }".into()),
        ("strx", "fn main() { let s = \"ab\"; loop { s += s; } }".into()),
        ("arrx", "fn main() { let s = [1]; loop { s += s; } }".into()),
        ("trystrx", "fn main() { loop { try { let s = \"ab\"; loop { s += s; } } catch { } } }".into()),
        ("export", "export let x = 1; fn main() { 1 }".into()),
        ("import", "import \"x\" as y; fn main() { 1 }".into()),
        ("deep150", "fn f(n) { if n == 0 { 0 } else { 1 + f(n - 1) } } fn main() { f(150) }".into()),
        ("deepx", format!("fn f(n) {{ if n == 0 {{ 0 }} else {{ {} f(n - 1) {} }} }} fn main() {{ f(150) }}", n("1 + (", 12), n(")", 12))),
        ("deepblk", format!("fn f(n) {{ if n == 0 {{ 0 }} else {{ {} f(n - 1) {} }} }} fn main() {{ f(150) }}", n("{ ", 12), n("}", 12))),
        ("deepmap", "fn f(n) { if n == 0 { 0 } else { [n].map(|x| f(x - 1)); 1 } } fn main() { f(60) }".into()),
        ("deepinterp", "fn f(n) { if n == 0 { 0 } else { `${ `${ `${ f(n - 1) }` }` }` } } fn main() { f(150) }".into()),
        ("deepsort", "fn f(n) { if n == 0 { 0 } else { [n, 1, 2].sort(|x, y| f(n - 1)); 1 } } fn main() { f(60) }".into()),
        ("deepmeth", "fn f(n) { if n == 0 { 0 } else { let a = #{x: #{y: n}}; a.x.y.g(); 1 } } fn g() { f(this - 1) } fn main() { f(60) }".into()),
        ("fnret", "fn main() { |x| x }".into()),
        ("rangeret", "fn main() { 1..2 }".into()),
    ];
    for (name, src) in cases {
        if !which.is_empty() && !which.split(',').any(|w| w == name) {
            continue;
        }
        std::io::Write::flush(&mut std::io::stdout()).unwrap();
        eprintln!("> {name}");
        try_one(name, &src);
    }
}
#[test]
fn bench() {
    let mut rig = Rig::builder().limits(|l| l.fuel = u64::MAX / 2).file("m.rhai", "fn noop() { } fn add(a, b) { a + b } fn one() { 1 } fn fib(n) { if n < 2 { n } else { fib(n-1) + fib(n-2) } }").load(&RhaiBackend::new()).unwrap();
    for (name, args) in [("noop", vec![]), ("one", vec![]), ("add", vec![Value::Int(1), Value::Int(2)])] {
        let id = rig.instance.export(name).unwrap();
        for _ in 0..3 {
            let t = Instant::now();
            for _ in 0..200_000 {
                rig.meter.begin();
                rig.instance.call(id, &args).unwrap();
                rig.meter.end();
            }
            println!("{name} {:?}", t.elapsed() / 200_000);
        }
    }
    let mut raw = rhai::Engine::new();
    raw.set_max_call_levels(64);
    raw.set_max_operations(u64::MAX / 2);
    raw.set_max_string_size(16384);
    raw.set_max_array_size(1024);
    raw.set_max_map_size(1024);
    raw.on_progress(|_| None);
    let ast = raw.compile("fn noop() { } fn add(a, b) { a + b } fn one() { 1 } fn fib(n) { if n < 2 { n } else { fib(n-1) + fib(n-2) } }").unwrap();
    let mut this = rhai::Dynamic::from_map(rhai::Map::new());
    for (name, two) in [("noop", false), ("one", false), ("add", true)] {
        for _ in 0..3 {
            let t = Instant::now();
            for _ in 0..200_000 {
                let o = rhai::CallFnOptions::new().eval_ast(false).bind_this_ptr(&mut this);
                let mut scope = rhai::Scope::new();
                if two {
                    raw.call_fn_with_options::<rhai::Dynamic>(o, &mut scope, &ast, name, (1_i64, 2_i64)).unwrap();
                } else {
                    raw.call_fn_with_options::<rhai::Dynamic>(o, &mut scope, &ast, name, ()).unwrap();
                }
            }
            println!("raw {name} {:?}", t.elapsed() / 200_000);
        }
    }
    let t = Instant::now();
    rig.call("fib", &[Value::Int(25)]).unwrap();
    println!("fib {:?}", t.elapsed());
    let t = Instant::now();
    raw.call_fn::<i64>(&mut rhai::Scope::new(), &ast, "fib", (25_i64,)).unwrap();
    println!("raw fib {:?}", t.elapsed());
    let t = Instant::now();
    rig.call("fib", &[Value::Int(25)]).unwrap();
    println!("fib {:?}", t.elapsed());
    let t = Instant::now();
    raw.call_fn::<i64>(&mut rhai::Scope::new(), &ast, "fib", (25_i64,)).unwrap();
    println!("raw fib {:?}", t.elapsed());
    let t = Instant::now();
    for _ in 0..200 {
        Rig::builder().file("m.rhai", "fn main() { 1 }").load(&RhaiBackend::new()).unwrap();
    }
    println!("load {:?}", t.elapsed() / 200);
}
