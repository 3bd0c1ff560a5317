#![allow(clippy::all, clippy::unwrap_used)]
mod support;
use modhost_backend::{Instance, Value};
use modhost_native::NativeBackend;
use std::time::Instant;
#[test]
fn measure() {
    for (lang, lib) in [("rust", support::rust_guest())] {
        let mut rig = support::rig(lib).load(&NativeBackend::new()).unwrap();
        for (name, args) in [
            ("nothing", vec![]),
            ("print", vec![]),
            ("add", vec![Value::Int(1), Value::Int(2)]),
            ("count", vec![]),
            ("ask", vec![Value::from("x")]),
            ("echo", vec![Value::from("x".repeat(32))]),
        ] {
            let Ok(id) = rig.instance.export(name) else { continue };
            let mut best = f64::MAX;
            for _ in 0..3000 {
                let n = 20_000;
                let t = Instant::now();
                for _ in 0..n {
                    rig.meter.begin();
                    std::hint::black_box(rig.instance.call(id, &args).ok());
                }
                best = best.min(t.elapsed().as_nanos() as f64 / n as f64);
            }
            println!("{lang} {name}: {best:.1} ns");
        }
    }
    let lib = support::rust_guest();
    println!("guest {} bytes", lib.len());
    let t = Instant::now();
    let mut n = 0;
    while n < 200 {
        std::hint::black_box(modhost_native::inspect(&lib).is_ok());
        n += 1;
    }
    println!("inspect {:?}", t.elapsed() / 200);
    let b = NativeBackend::new();
    let t = Instant::now();
    for _ in 0..2 {
        support::rig(&lib).load(&b).unwrap();
    }
    println!("load {:?} parked {}", t.elapsed() / 1500, b.parked());
}
