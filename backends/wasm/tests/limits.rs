//! Every limit holds, says its own code and counts the same each time.
#![allow(clippy::unwrap_used)]

mod support;

use std::thread;

use modhost_backend::{
    Backend, Guarantee, Limits, Resource,
    Value::{self, Int},
    rig::Rig,
};
use modhost_wasm::WasmBackend;
use support::{Row, check, check_killed, codec_module, load};

const HOG: &str = r#"(memory (export "memory") 1) (table 1 funcref)
    (func (export "spin") (loop (br 0)))
    (func (export "recurse") (param i32) (result i32) (if (result i32) (local.get 0)
        (then (i32.add (i32.const 1) (call 1 (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 1))))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "grow_forever") (loop (drop (memory.grow (i32.const 60000))) (br 0)))
    (func (export "grow_by_one") (loop (drop (memory.grow (i32.const 1))) (br 0)))
    (func (export "grow_table") (loop (drop (table.grow (ref.null func) (i32.const 1))) (br 0)))
    (func (export "grow_table_once") (result i32) (table.grow (ref.null func) (i32.const 1)))
    (func (export "grow_or_trap") (if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable)))
    (func (export "refused_then_fine") (drop (memory.grow (i32.const 60000))))
    (func (export "trap") unreachable)
    (func (export "divide") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
    (func (export "fill") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0)))
    (func (export "sum") (param i32) (result i32) (local i32)
        (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))"#;

#[track_caller]
fn killed(export: &str, args: &[Value], resource: Resource) {
    check_killed(Row { module: HOG, export, args: args.to_vec(), ..Row::default() }, resource);
}

#[test]
fn hogs_are_ended_by_the_limit_they_hit() {
    killed("spin", &[], Resource::Fuel);
    killed("grow_forever", &[], Resource::Fuel);
    killed("grow_by_one", &[], Resource::Fuel);
    killed("grow_table", &[], Resource::Fuel);
    killed("fill", &[], Resource::Fuel);
    killed("recurse", &[Int(1_000_000)], Resource::Depth);
    killed("grow_or_trap", &[], Resource::Memory);
}

#[test]
fn traps_are_traps_and_the_end() {
    let mut rig = load(&Row { module: HOG, ..Row::default() }).unwrap();
    assert_eq!(rig.call("refused_then_fine", &[]).unwrap(), Value::Nil);
    assert_eq!(rig.call("trap", &[]).unwrap_err().code(), "wasm.trap", "an earlier call's refusal does not count");
    assert_eq!(rig.call("sum", &[Int(1)]).unwrap_err().code(), "wasm.trap", "nothing is called after a trap");
    check(Row { module: HOG, export: "divide", expected: Err("wasm.trap"), ..Row::default() });
}

#[test]
fn memory_is_summed_and_refused_as_wasm_refuses_it() {
    let limits: fn(&mut Limits) = |limits| limits.memory = 5 * 65536 + 8;
    let mut rig = load(&Row { module: HOG, limits, ..Row::default() }).unwrap();
    assert_eq!(rig.instance.memory_used(), Some(65536 + 8), "one page and one element");
    for (pages, answer) in [(5, -1), (4, 1), (1, -1), (0, 5)] {
        assert_eq!(rig.call("grow", &[Int(pages)]).unwrap(), Int(answer));
    }
    assert_eq!(rig.instance.memory_used(), Some(5 * 65536 + 8));
    // Tables keep their size, however much memory is left.
    check(Row { module: HOG, export: "grow_table_once", expected: Ok(Int(-1)), ..Row::default() });
    for (module, memory, expected) in [
        ("(memory 1)", 65535, Err("limit.memory")),
        ("(memory 1) (table 1 funcref)", 65536, Err("limit.memory")),
        ("(memory 1)", 65536, Ok(())),
        ("", 0, Ok(())),
    ] {
        let rig = Rig::builder().limits(|limits| limits.memory = memory);
        let loaded = rig.file("main.wasm", support::assemble(module)).load(&WasmBackend::new());
        assert_eq!(loaded.map(drop).map_err(|fault| fault.code()), expected, "{module} {memory}");
    }
}

#[test]
fn fuel_is_exact_and_repeats() {
    let mut rig = load(&Row { module: HOG, limits: |limits| limits.fuel = 10_000_000, ..Row::default() }).unwrap();
    let mut used = Vec::new();
    for count in [1, 1, 100_000, 100_000] {
        rig.call("sum", &[Int(count)]).unwrap();
        used.push(rig.usage().fuel);
    }
    assert_eq!((used[0], used[2]), (used[1], used[3]));
    assert_eq!((used[2] - used[0]) % 99_999, 0, "each round costs the same, across slices: {used:?}");

    for (fuel, expected) in [(used[2], Ok(Int(705_082_704))), (used[2] - 1, Err("limit.fuel"))] {
        let mut rig = Rig::builder()
            .limits(|limits| limits.fuel = fuel)
            .file("main.wasm", support::assemble(HOG))
            .load(&WasmBackend::new())
            .unwrap();
        let result = rig.call("sum", &[Int(100_000)]);
        assert_eq!(result.map_err(|fault| fault.code()), expected);
        assert_eq!(rig.usage().fuel, fuel, "all of it was used");
    }
}

/// Whatever a limit is set to, a row succeeds or says that limit's code.
#[track_caller]
fn sweep(module: &str, export: &str, args: &[Value], code: &str, set: impl Fn(&mut Limits, u64)) {
    let bytes = support::assemble(module);
    let mut ends = [false; 2];
    for n in (0..300).chain((0..12).map(|power| 400 << power)) {
        let loaded =
            support::builder(|_| ()).limits(|limits| set(limits, n)).file("m.wasm", &bytes).load(&WasmBackend::new());
        let result = loaded.and_then(|mut rig| rig.call(export, args));
        assert!(result.is_ok() || Rig::code_of(&result) == code, "{code} at {n}: {result:?}");
        ends[usize::from(result.is_ok())] = true;
    }
    assert_eq!(ends, [true, true], "{code}: the sweep must see both ends");
}

#[test]
fn any_limit_gives_success_or_its_own_code() {
    let echo = codec_module(
        "export f(a: any) -> any\nimport host.echo(a: any) -> any",
        r#"(import "host" "echo" (func $h (param i32 i32) (result i64)))
        (func (export "f") (param i32 i32) (result i64) (call $h (local.get 0) (local.get 1)))"#,
    );
    let args = [Value::List(vec![Value::from("wolf"), Int(1)])];
    sweep(&echo, "f", &args, "limit.fuel", |limits, n| limits.fuel = n);
    sweep(&echo, "f", &args, "limit.depth", |limits, n| limits.call_depth = n as u32);
    sweep(&echo, "f", &args, "limit.value", |limits, n| limits.value.bytes = n);
    sweep(&echo, "f", &args, "limit.value", |limits, n| limits.value.depth = n as u32);
    sweep(HOG, "sum", &[Int(50)], "limit.fuel", |limits, n| limits.fuel = n);
    sweep(HOG, "sum", &[Int(50)], "limit.memory", |limits, n| limits.memory = n);
    sweep(HOG, "sum", &[Int(50)], "limit.value", |limits, n| limits.value.bytes = n);
    sweep(HOG, "recurse", &[Int(100)], "limit.depth", |limits, n| limits.call_depth = n as u32);
}

#[test]
fn the_depth_of_calls_is_exact() {
    for (depth, expected) in [(11, Ok(Int(11))), (10, Err("limit.depth"))] {
        let rig = Rig::builder().limits(|limits| limits.call_depth = depth).file("m.wasm", support::assemble(HOG));
        let result = rig.load(&WasmBackend::new()).unwrap().call("recurse", &[Int(10)]);
        assert_eq!(result.map_err(|fault| fault.code()), expected);
    }
}

#[test]
fn a_deep_guest_stays_on_a_small_stack() {
    let run = || {
        let rig = Rig::builder().limits(|limits| limits.call_depth = u32::MAX).file("m.wasm", support::assemble(HOG));
        rig.load(&WasmBackend::new()).unwrap().call("recurse", &[Int(1_000_000)]).unwrap_err().code()
    };
    let code = thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap().join().unwrap();
    assert_eq!(code, "limit.depth");
}

/// A call that would run for minutes is ended by `stop`.
#[track_caller]
fn stopped(export: &str, code: &str, stop: impl FnOnce(&Rig) -> Box<dyn Fn() + Send>) {
    let mut rig = load(&Row { module: HOG, limits: |limits| limits.fuel = u64::MAX / 2, ..Row::default() }).unwrap();
    let stop = stop(&rig);
    let (meter, done) = (rig.meter.clone(), rig.meter.clone());
    let watch = thread::spawn(move || {
        while meter.call_number() % 2 == 0 {
            thread::yield_now();
        }
        while !done.is_killed() {
            stop();
            thread::yield_now();
        }
    });
    let result = rig.call(export, &[]);
    assert_eq!(Rig::code_of(&result), code, "{export}");
    watch.join().unwrap();
}

#[test]
fn a_running_call_is_stopped_from_outside() {
    for export in ["spin", "grow_forever", "grow_table", "fill"] {
        stopped(export, "limit.deadline", |rig| Box::new(rig.overdue()));
        stopped(export, "call.interrupted", |rig| {
            let meter = rig.meter.clone();
            Box::new(move || meter.cancel(meter.call_number()))
        });
    }
}

#[test]
fn a_host_function_may_charge_fuel() {
    let module = r#"(import "host" "add" (func $h (param i32 i32) (result i32)))
        (func (export "f") (loop (drop (call $h (i32.const 1) (i32.const 1))) (br 0)))"#;
    check_killed(Row { module, ..Row::default() }, Resource::Fuel);
}

#[test]
fn an_allocator_that_hogs_is_ended_too() {
    for (body, resource) in [
        ("(loop (br 0)) (i32.const 0)", Resource::Fuel),
        ("(call $alloc (i32.const 1))", Resource::Depth),
        ("(drop (memory.grow (i32.const 60000))) unreachable", Resource::Memory),
    ] {
        let module = format!(
            r#"(memory (export "memory") 1) (func (export "modhost_abi_1"))
            (func $alloc (export "modhost_alloc") (param i32) (result i32) {body})
            (func (export "f") (param i32 i32) (result i64) (i64.const 0))
            (@custom "modhost" "modhost 1\nexport f()")"#
        );
        check_killed(Row { module: &module, ..Row::default() }, resource);
    }
}

#[test]
fn what_is_promised() {
    let promised = WasmBackend::new().enforcement();
    assert_eq!(promised.instructions.min(promised.memory).min(promised.interrupt), Guarantee::Exact);
    assert_eq!(promised.cpu_share, Guarantee::None);
}
