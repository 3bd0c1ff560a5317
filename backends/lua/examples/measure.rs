#![allow(clippy::unwrap_used, clippy::print_stdout)]
use modhost_backend::{Instance, Limits, Value, rig::Rig};
use modhost_lua::LuaBackend;
use std::time::Instant;
const SRC: &str = "function noop() end function add(a,b) return a+b end function loop() local n=0 for i=1,10000000 do n+=i end return n end
local function fibr(n) return if n<2 then n else fibr(n-1)+fibr(n-2) end function fib() return fibr(27) end
function host1() local h=host.add for i=1,100000 do h(i,1) end end function s(x) return x end function rec(r) return r end function gc() local t for i=1,1e6 do t={i} end end";
fn time(n: u32, mut f: impl FnMut()) -> f64 {
    let t = Instant::now();
    for _ in 0..n {
        f()
    }
    t.elapsed().as_nanos() as f64 / n as f64
}
fn main() {
    let mut rig = Rig::builder()
        .limits(|l: &mut Limits| {
            l.fuel = 1 << 40;
        })
        .file("main.lua", SRC)
        .host("host.add", "(a: int, b: int) -> int", |a| {
            let (Value::Int(x), Value::Int(y)) = (&a[0], &a[1]) else { return Ok(Value::Nil) };
            Ok(Value::Int(x + y))
        })
        .load(&LuaBackend::new())
        .unwrap();
    let lua = mlua::Lua::new();
    lua.sandbox(true).unwrap();
    lua.globals()
        .raw_set(
            "host",
            lua.create_table_from([("add", lua.create_function(|_, (a, b): (i64, i64)| Ok(a + b)).unwrap())]).unwrap(),
        )
        .unwrap();
    lua.load(SRC).set_name("=m").exec().unwrap();
    let g = |n: &str| lua.globals().get::<mlua::Function>(n).unwrap();
    let (noop, add, lp, fib, h1, s, gc) = (g("noop"), g("add"), g("loop"), g("fib"), g("host1"), g("s"), g("gc"));
    let i = &mut rig.instance;
    let id = |i: &mut Box<dyn Instance>, n: &str| i.export(n).unwrap();
    let (n1, a1, l1, f1, hh, s1, g1, r1) = (
        id(i, "noop"),
        id(i, "add"),
        id(i, "loop"),
        id(i, "fib"),
        id(i, "host1"),
        id(i, "s"),
        id(i, "gc"),
        id(i, "rec"),
    );
    rig.meter.begin();
    let txt = "x".repeat(32);
    let record = Value::Map((0..10).map(|k| (format!("field{k}"), Value::Int(k))).collect());
    if std::env::args().count() > 1 {
        let v = [Value::Int(40), Value::Int(2)];
        for _ in 0..30000000u32 {
            std::hint::black_box(i.call(a1, &v).unwrap());
        }
    }
    for _ in 0..4 {
        let mut best = [f64::MAX; 16];
        for _ in 0..7 {
            let mut put = |k: usize, v: f64| {
                if v < best[k] {
                    best[k] = v
                }
            };
            put(
                0,
                time(100000, || {
                    noop.call::<()>(()).unwrap();
                }),
            );
            put(
                1,
                time(100000, || {
                    i.call(n1, &[]).unwrap();
                }),
            );
            put(
                2,
                time(100000, || {
                    add.call::<i64>((40i64, 2i64)).unwrap();
                }),
            );
            put(
                3,
                time(100000, || {
                    i.call(a1, &[Value::Int(40), Value::Int(2)]).unwrap();
                }),
            );
            put(
                4,
                time(1, || {
                    lp.call::<f64>(()).unwrap();
                }),
            );
            put(
                5,
                time(1, || {
                    i.call(l1, &[]).unwrap();
                }),
            );
            put(
                6,
                time(1, || {
                    fib.call::<f64>(()).unwrap();
                }),
            );
            put(
                7,
                time(1, || {
                    i.call(f1, &[]).unwrap();
                }),
            );
            put(
                8,
                time(1, || {
                    h1.call::<()>(()).unwrap();
                }) / 1e5,
            );
            put(
                9,
                time(1, || {
                    i.call(hh, &[]).unwrap();
                }) / 1e5,
            );
            put(
                10,
                time(20000, || {
                    s.call::<String>(txt.as_str()).unwrap();
                }),
            );
            let v = [Value::from(txt.as_str())];
            put(
                11,
                time(20000, || {
                    i.call(s1, &v).unwrap();
                }),
            );
            put(
                12,
                time(1, || {
                    gc.call::<()>(()).unwrap();
                }),
            );
            put(
                13,
                time(1, || {
                    i.call(g1, &[]).unwrap();
                }),
            );
            let rr = [record.clone()];
            put(
                14,
                time(5000, || {
                    i.call(r1, &rr).unwrap();
                }),
            );
        }
        println!(
            "noop {:.0}/{:.0}  add {:.0}/{:.0}  loop {:.1}/{:.1}ms  fib {:.1}/{:.1}ms host {:.0}/{:.0} str {:.0}/{:.0} alloc {:.0}/{:.0}ms rec {:.0}",
            best[0],
            best[1],
            best[2],
            best[3],
            best[4] / 1e6,
            best[5] / 1e6,
            best[6] / 1e6,
            best[7] / 1e6,
            best[8],
            best[9],
            best[10],
            best[11],
            best[12] / 1e6,
            best[13] / 1e6,
            best[14]
        );
    }
    let t = Instant::now();
    for _ in 0..200 {
        std::hint::black_box(Rig::builder().file("main.lua", "function f() end").load(&LuaBackend::new()).unwrap());
    }
    println!("load+drop {:?}", t.elapsed() / 200);
    let mut r = Rig::builder()
        .limits(|l| {
            l.fuel = 1 << 40;
        })
        .file("main.lua", "function f() local t={} while true do t[#t+1]={1} end end")
        .load(&LuaBackend::new())
        .unwrap();
    let t = Instant::now();
    let c = r.call("f", &[]).unwrap_err();
    let a = t.elapsed();
    drop(r);
    println!("hog 64MiB {} in {:?}, drop {:?}", c.code(), a, t.elapsed() - a);
}
