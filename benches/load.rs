//! What a loaded plugin costs, in time and in resident memory: `cargo bench --bench load`, with `-- folders` the second table only, with `-- folders 1,000` one row.
//!
//! Every figure is taken in a fresh process, which is this program run again: it loads one instance to warm up, then many, and says how long
//! one took and how much the process grew by it. Engine and raw interpreter take turns; the rounds' medians are printed, and their range.
//! Then what a folder of plugins costs, each step by itself, and what several threads are worth.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "support/raw_lua.rs"]
mod raw_lua;
#[path = "support/raw_rhai.rs"]
mod raw_rhai;
#[path = "support/raw_wasm.rs"]
mod raw_wasm;
mod support;

use std::{any::Any, env, fs, process::Command, time::Instant};

use modhost::Policy;
use support::{LUA, RHAI, WAT, engine, library};

const ROUNDS: usize = 5;
/// Instances a process.
const COUNT: usize = 200;

/// What keeps an instance.
type Kept = Box<dyn Any>;

/// What loads instance number `n`, by the name of the case.
fn loader(case: &str) -> Box<dyn FnMut(usize) -> Kept> {
    let engine_of = |ending: &'static str, source: &'static str| -> Box<dyn FnMut(usize) -> Kept> {
        let engine = engine(Policy::mods());
        Box::new(move |n| {
            engine.load_source(&format!("mod{n}.{ending}"), source).unwrap();
            Box::new(engine.clone())
        })
    };
    match case {
        "lua engine" => engine_of("lua", LUA),
        "lua raw" => Box::new(|_| Box::new(raw_lua::RawLua::new(true))),
        "rhai engine" => engine_of("rhai", RHAI),
        "rhai raw" => Box::new(|_| Box::new(raw_rhai::RawRhai::new(true))),
        "rhai, one engine for all raw" => {
            let engine = raw_rhai::engine(true);
            Box::new(move |_| Box::new(engine.compile(raw_rhai::SOURCE).unwrap()))
        }
        "wasm engine" => {
            // As a package brings it: in binary form.
            let engine = engine(Policy::mods());
            let binary = wat::parse_str(WAT).unwrap();
            Box::new(move |n| {
                engine.load_source(&format!("mod{n}.wasm"), &binary).unwrap();
                Box::new(())
            })
        }
        "wasm raw" => {
            let engine = raw_wasm::engine(true);
            let binary = wat::parse_str(WAT).unwrap();
            Box::new(move |_| {
                let module = wasmi::Module::new(&engine, &binary[..]).unwrap();
                Box::new(raw_wasm::instantiate(&engine, &module, true))
            })
        }
        "native engine" => {
            // An engine each: a library is one plugin by its name, and a second one of that name is refused.
            let library = library();
            Box::new(move |_| {
                let engine = engine(Policy::development());
                engine.load_path(&library).unwrap();
                Box::new(engine)
            })
        }
        "an empty engine engine" => Box::new(|_| Box::new(engine(Policy::mods()))),
        other => panic!("no case `{other}`"),
    }
}

/// Resident bytes of this process, where the system tells.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The part of a child: nanoseconds and bytes per instance, on one line.
fn child(case: &str) {
    let mut load = loader(case);
    let mut kept = vec![load(0)];
    kept.reserve(COUNT);
    let (before, start) = (resident(), Instant::now());
    kept.extend((1..=COUNT).map(&mut load));
    let taken = start.elapsed().as_nanos() as u64 / COUNT as u64;
    let grown = resident().zip(before).map(|(after, before)| after.saturating_sub(before) / COUNT as u64);
    println!("{taken} {}", grown.map_or("-".into(), |bytes| bytes.to_string()));
}

/// Runs a child; the numbers that it prints.
fn run(arguments: &[&str]) -> Vec<f64> {
    let output = Command::new(env::current_exe().unwrap()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(|number| number.parse().unwrap_or(f64::NAN)).collect()
}

/// Microseconds and KiB per instance.
fn measure(case: &str) -> (f64, f64) {
    let numbers = run(&["--child", case]);
    (numbers[0] / 1000.0, numbers[1] / 1024.0)
}

fn spread(mut samples: Vec<f64>) -> (f64, String) {
    samples.sort_by(f64::total_cmp);
    let (low, middle, high) = (samples[0], samples[samples.len() / 2], samples[samples.len() - 1]);
    (middle, format!("{middle:.0} ({low:.0}-{high:.0})"))
}

fn row(name: &str, raw: Option<&str>, ours: &str) {
    let (mut theirs, mut our) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.extend(raw.map(measure));
        our.push(measure(ours));
    }
    let columns = |of: &[(f64, f64)]| {
        (spread(of.iter().map(|sample| sample.0).collect()), spread(of.iter().map(|sample| sample.1).collect()))
    };
    let (time, memory) = columns(&our);
    if theirs.is_empty() {
        println!("| {name} | - | {} | - | - | {} | - |", time.1, memory.1);
        return;
    }
    let (raw_time, raw_memory) = columns(&theirs);
    let (times, more) = (time.0 / raw_time.0, memory.0 - raw_memory.0);
    println!("| {name} | {} | {} | {times:.2} | {} | {} | {more:+.0} |", raw_time.1, time.1, raw_memory.1, memory.1);
}

/// Folders of Lua plugins that do not need each other: small ones, and ones that work while they are loaded. Of `only` one, if it is named.
fn folders(only: Option<&str>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "\n| a folder of plugins | read and vet, ms | resolve, ms | load by 1 thread, ms | by {threads}, ms | ratio | unload, ms | us a plugin |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let work = "local t = {} for i = 1, 100000 do t[i % 100] = i end";
    for (name, count, more, rounds) in [
        ("200", 200, "", ROUNDS),
        ("200 that work", 200, work, ROUNDS),
        ("1,000", 1000, "", ROUNDS),
        ("10,000", 10_000, "", 3),
    ] {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let area = tempfile::tempdir().unwrap();
        for n in 0..count {
            fs::write(area.path().join(format!("mod{n:05}.lua")), format!("{LUA}\n{more}")).unwrap();
        }
        let mut steps: [Vec<f64>; 5] = Default::default();
        for _ in 0..rounds {
            for (at, threads) in [(2, 1), (3, threads)] {
                let path = area.path().to_str().unwrap();
                let sample = run(&["--folder", path, &count.to_string(), &threads.to_string()]);
                [0, 1, at, 4].into_iter().zip(sample).for_each(|(at, sample)| steps[at].push(sample));
            }
        }
        let [read, resolve, one, several, unload] = steps.map(|step| spread(step).0);
        let each = (read + resolve + one.min(several)) * 1000.0 / f64::from(count);
        let ratio = several / one;
        println!(
            "| {name} | {read:.1} | {resolve:.1} | {one:.1} | {several:.1} | {ratio:.2} | {unload:.1} | {each:.0} |"
        );
    }
}

/// The part of a child: milliseconds of each step, on one line.
fn folder(path: &str, count: &str, threads: &str) {
    let (count, threads): (u32, usize) = (count.parse().unwrap(), threads.parse().unwrap());
    let mut policy = Policy::mods();
    (policy.instances, policy.total_memory) = (count, u64::MAX);
    let engine = engine(policy);
    let mut steps = Vec::new();
    let loading = engine.loading().dir(path).threads(threads);
    let discovered = timed(&mut steps, || loading.discover().unwrap());
    let resolved = timed(&mut steps, || discovered.resolve().unwrap());
    let mods = timed(&mut steps, || resolved.load());
    assert_eq!(mods.loaded.len(), count as usize, "{mods}");
    let stopped = timed(&mut steps, || engine.unload_all(&mut ()));
    assert_eq!(stopped.plugins.len(), count as usize);
    println!("{}", steps.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
}

/// Notes how many milliseconds `step` takes.
fn timed<T>(samples: &mut Vec<f64>, step: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = step();
    samples.push(start.elapsed().as_secs_f64() * 1000.0);
    result
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, mark, case] = &arguments[..]
        && mark == "--child"
    {
        return child(case);
    }
    if let [_, mark, path, count, threads] = &arguments[..]
        && mark == "--folder"
    {
        return folder(path, count, threads);
    }
    if let Some(at) = arguments.iter().position(|word| word == "folders") {
        return folders(arguments.get(at + 1).map(String::as_str).filter(|word| !word.starts_with("--")));
    }
    println!(
        "| one instance | raw, us | engine, us | engine / raw | raw, KiB resident | engine, KiB resident | KiB more |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    row("lua", Some("lua raw"), "lua engine");
    row("rhai", Some("rhai raw"), "rhai engine");
    row("rhai, raw with one engine for all", Some("rhai, one engine for all raw"), "rhai engine");
    row("wasm", Some("wasm raw"), "wasm engine");
    row("native, with an engine each", None, "native engine");
    row("an engine without plugins", None, "an empty engine engine");
    folders(None);
}
