//! Fuzzing on stable Rust: what guests can hand over, made from seeds, held against what the engine promises.
//!
//! A target turns bytes into an input, plays it and says what came of it, or what is wrong. Its bytes are, by turns, random or a mutated
//! entry of the committed corpus (`scripts/fuzz/<target>/`), so equal seeds play equal cases on every machine. Each target runs in a process
//! of its own under a watchdog; the case that kills or hangs it is kept in `target/fuzz/` and named.
//!
//! ```text
//! cargo test -p modhost-workspace --test fuzz                        every target, its usual number of cases
//! cargo test -p modhost-workspace --test fuzz -- lua --cases 100000 --seed 7
//! cargo test -p modhost-workspace --test fuzz -- --replay lua FILE   one input again
//! cargo test -p modhost-workspace --test fuzz -- lua --collect       adds inputs with an outcome not seen before to the corpus
//! ```

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod abi;
mod audit;
mod codec;
mod grammar;
mod manifest;
mod module;
mod script;
mod text;
mod value;

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use modhost::{Code, Engine, Error, Limits, Policy, audit::MemoryLog};

/// What came of a case, in words that group cases; `Err` is a defect.
type Outcome = Result<String, String>;

/// A target ready to play: it may keep what is costly to make.
type Play = Box<dyn FnMut(&[u8]) -> Outcome>;

/// What is fuzzed.
struct Target {
    name: &'static str,
    /// How many cases one run of the tests plays.
    cases: u32,
    start: fn() -> Play,
}

const TARGETS: [Target; 11] = [
    Target { name: "audit", cases: 1_000, start: audit::start },
    Target { name: "codec", cases: 20_000, start: codec::start },
    Target { name: "manifest", cases: 2_000, start: manifest::start },
    Target { name: "text", cases: 1_000, start: text::start },
    Target { name: "value-lua", cases: 1_500, start: value::lua },
    Target { name: "value-rhai", cases: 1_500, start: value::rhai },
    Target { name: "value-wasm", cases: 1_500, start: value::wasm },
    Target { name: "abi", cases: 1_000, start: abi::start },
    Target { name: "module", cases: 1_000, start: module::start },
    Target { name: "lua", cases: 800, start: script::lua },
    Target { name: "rhai", cases: 800, start: script::rhai },
];

/// The seed of the usual run.
const SEED: u64 = 0x6d6f_6468_6f73_7401;
/// The longest random input, in bytes.
const LONGEST: usize = 2048;
/// A corpus entry is at most this long, and there are at most so many: the corpus is read in every run.
const ENTRY: usize = 1024;
const ENTRIES: usize = 48;
/// What a case's plugin may use.
const MEMORY: u64 = 8 << 20;
const DEADLINE: Duration = Duration::from_millis(50);
/// How much a target's process may grow over all its cases beyond the memory of one plugin.
const GROWTH: u64 = 48 << 20;
/// How long a case may take beyond its deadline: what an attack may, and the making of an engine.
const SLACK: Duration = Duration::from_millis(250);
/// How long a process may be silent about its next case.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let option = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
    let number = |name: &str| option(name).map(|text| text.parse::<u64>().unwrap());
    if let Some(name) = option("--replay") {
        let at = args.iter().position(|arg| arg == "--replay").unwrap();
        grammar::SHOW.store(true, Relaxed);
        println!("{:?}", (target(name).start)()(&fs::read(&args[at + 2]).unwrap()));
        return ExitCode::SUCCESS;
    }
    let seed = number("--seed").unwrap_or(SEED);
    let collect = args.iter().any(|arg| arg == "--collect");
    if let Some(name) = option("--child") {
        let target = target(name);
        let cases = number("--cases").unwrap() as u32;
        return child(target, seed, cases, Path::new(option("--case").unwrap()), collect);
    }
    let wanted: Vec<&Target> = TARGETS
        .iter()
        .filter(|target| {
            !args.iter().any(|arg| TARGETS.iter().any(|t| t.name == arg)) || args.iter().any(|arg| arg == target.name)
        })
        .collect();
    let mut failed = 0;
    println!("\nfuzzing with seed {seed:#x} (cases, of them from the corpus, seconds, MiB grown, outcomes):");
    for target in wanted {
        let cases = number("--cases").map_or(target.cases, |cases| cases as u32);
        match parent(target, seed, cases, collect) {
            Ok(line) => println!("  {:11} {line}", target.name),
            Err(why) => {
                failed += 1;
                println!("FAILED {}: {why}", target.name);
            }
        }
    }
    println!("\ntest result: {}. {failed} target(s) failed", if failed == 0 { "ok" } else { "FAILED" });
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("there is no target {name}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Plays a target in a child; its line of figures, or what is wrong.
fn parent(target: &Target, seed: u64, cases: u32, collect: bool) -> Result<String, String> {
    let folder = root().join("target/fuzz");
    fs::create_dir_all(&folder).unwrap();
    let case = folder.join(format!("{}.case", target.name));
    fs::write(&case, b"").unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--child", target.name, "--seed", &seed.to_string(), "--cases", &cases.to_string(), "--case"]);
    command.arg(&case).args(collect.then_some("--collect")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let noise = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = err.read_to_end(&mut text);
        String::from_utf8_lossy(&text[text.len().saturating_sub(600)..]).into_owned()
    });
    let said = thread::spawn(move || {
        let mut text = String::new();
        let _ = out.read_to_string(&mut text);
        text
    });
    let (mut last, mut since) = (None, Instant::now());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        let now = fs::metadata(&case).and_then(|data| data.modified()).ok();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let (said, noise) = (said.join().unwrap(), noise.join().unwrap());
    if status.is_some_and(|status| status.success()) {
        let _ = fs::remove_file(&case);
        return Ok(said.trim().to_owned());
    }
    let kept = folder.join(format!("{}-{:08x}", target.name, fnv(&fs::read(&case).unwrap()) as u32));
    fs::rename(&case, &kept).unwrap();
    let how = status.map_or("it hangs".into(), |status| status.to_string());
    Err(format!(
        "{how}: {}{noise}\n  again: cargo test -p modhost-workspace --test fuzz -- --replay {} {}",
        said,
        target.name,
        kept.display()
    ))
}

/// In the child: the corpus, then `cases` made from the seed.
fn child(target: &Target, seed: u64, cases: u32, case: &Path, collect: bool) -> ExitCode {
    let mut play = (target.start)();
    let corpus = corpus(target.name);
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    let begun = Instant::now();
    let base = peak();
    let made = (0..cases).map(|number| input(target.name, seed, number, &corpus));
    // Kept open: making a file anew would take longer than most cases.
    let file = fs::File::create(case).unwrap();
    for (number, bytes) in corpus.iter().cloned().chain(made).enumerate() {
        file.set_len(bytes.len() as u64).unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        match patient(&mut play, &bytes) {
            Ok(outcome) => {
                let shape: String = outcome.chars().filter(|c| !c.is_ascii_digit()).take(120).collect();
                let count = outcomes.entry(shape).or_default();
                *count += 1;
                if collect && *count == 1 && number >= corpus.len() && bytes.len() <= ENTRY {
                    keep(target.name, &bytes);
                }
            }
            Err(why) => {
                println!("case {number}: {}", why.chars().take(600).collect::<String>());
                return ExitCode::FAILURE;
            }
        }
    }
    let grown = peak().saturating_sub(base);
    if grown > GROWTH + MEMORY {
        println!("the process grew by {} KiB over its cases", grown >> 10);
        return ExitCode::FAILURE;
    }
    let mut codes: BTreeMap<&str, u32> = BTreeMap::new();
    for (shape, count) in &outcomes {
        *codes.entry(shape.split(':').next().unwrap_or_default()).or_default() += count;
    }
    let codes: Vec<String> = codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let took = begun.elapsed().as_secs_f32();
    println!(
        "{} cases, {} from the corpus, {took:.1} s, {} MiB: {}",
        corpus.len() as u32 + cases,
        corpus.len(),
        grown >> 20,
        codes.join(", ")
    );
    ExitCode::SUCCESS
}

/// Plays a case, and again where only the clock spoke against it: a shared machine may stall.
fn patient(play: &mut Play, bytes: &[u8]) -> Outcome {
    let mut took = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let outcome = play(bytes)?;
        took = start.elapsed().min(took);
        if took <= DEADLINE * 4 + SLACK {
            return Ok(outcome);
        }
    }
    Err(format!("it took {took:?}, three times"))
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = root().join("scripts/fuzz").join(name);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn keep(name: &str, bytes: &[u8]) {
    let folder = root().join("scripts/fuzz").join(name);
    fs::create_dir_all(&folder).unwrap();
    if fs::read_dir(&folder).unwrap().count() < ENTRIES {
        fs::write(folder.join(format!("{:016x}", fnv(bytes))), bytes).unwrap();
    }
}

/// FNV-1a, 64 bits: names files and spreads seeds, so that it must be the same everywhere.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The input of one case: every second one is a corpus entry with a few mutations.
fn input(name: &str, seed: u64, number: u32, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut rng =
        fastrand::Rng::with_seed(fnv(name.as_bytes()) ^ seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    if number.is_multiple_of(2) || corpus.is_empty() {
        let length = rng.usize(..=LONGEST) >> rng.u32(..8);
        return (0..length).map(|_| rng.u8(..)).collect();
    }
    let mut bytes = corpus[rng.usize(..corpus.len())].clone();
    for _ in 0..=rng.u32(..6) {
        mutate(&mut bytes, &mut rng, corpus);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, rng: &mut fastrand::Rng, corpus: &[Vec<u8>]) {
    const TELLING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, 0xfe, b'"', b'\n'];
    let at = rng.usize(..=bytes.len());
    match rng.u32(..6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.u32(..8),
        1 if at < bytes.len() => bytes[at] = TELLING[rng.usize(..TELLING.len())],
        2 => drop(bytes.drain(at..(at + rng.usize(..16)).min(bytes.len()))),
        3 => bytes.insert(at, TELLING[rng.usize(..TELLING.len())]),
        4 => {
            let copied: Vec<u8> = bytes[at..(at + rng.usize(..64)).min(bytes.len())].to_vec();
            bytes.splice(at..at, copied);
        }
        _ => {
            let other = &corpus[rng.usize(..corpus.len())];
            let from = rng.usize(..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
    bytes.truncate(2 * LONGEST);
}

/// The most memory this process ever had resident, in bytes, as the kernel counts it.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// An engine for hostile plugins: small limits, and host functions that bring values in and out.
fn engine() -> Engine {
    engine_with(Arc::new(MemoryLog::new(1)), DEADLINE)
}

fn engine_with(log: Arc<MemoryLog>, deadline: Duration) -> Engine {
    let mut limits = Limits::default();
    (limits.memory, limits.deadline, limits.fuel) = (MEMORY, deadline, 2_000_000);
    limits.output = 16 << 10;
    let mut policy = Policy::mods();
    policy.untrusted.limits = limits;
    Engine::builder()
        .policy(policy)
        .audit(log)
        .function("host.echo", |value: modhost::Value| value)
        .function("host.add", |a: i64, b: i64| a.wrapping_add(b))
        .function("host.fail", |text: String| Err::<(), _>(text))
        .build()
        .unwrap()
}

/// An error as an outcome: no error of a guest may be a bug of ours, nor move the cursor of whoever reads it.
fn judged(error: &Error) -> Outcome {
    if error.code() == Code::InternalBug {
        return Err(format!("internal.bug: {error}"));
    }
    shown(&error.to_string())?;
    let mut message = error.message().to_owned();
    message.truncate(message.floor_char_boundary(60));
    Ok(format!("{}: {message}", error.code()))
}

/// Text that people see: nothing in it moves the cursor or turns the reading direction.
fn shown(text: &str) -> Result<(), String> {
    let moves = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}')
    };
    match text.chars().find(moves) {
        Some(c) => Err(format!("{c:?} is shown to people in {text:?}")),
        None => Ok(()),
    }
}

/// Loads bytes and calls every export that takes no more than two arguments, with these; then the plugin must be at rest or ended.
fn exercise(engine: &Engine, name: &str, bytes: &[u8], args: &[modhost::Value]) -> Outcome {
    let plugin = match engine.load_source(name, bytes) {
        Ok(plugin) => plugin,
        Err(error) => return judged(&error).map(|what| format!("load {what}")),
    };
    let mut outcome = String::from("ok: nothing called");
    for export in engine.exports(plugin).unwrap().iter().take(8) {
        let takes = export.arity.unwrap_or(0).min(args.len());
        let result = engine.call::<_, modhost::Value>(&mut (), plugin, &export.name, args[..takes].to_vec());
        outcome = match &result {
            Ok(value) => format!("ok: {}", value.type_name()),
            Err(error) => judged(error)?,
        };
        if result.is_err_and(|error| error.is_limit() && error.code() != Code::LimitValue) {
            let again = engine.call::<_, modhost::Value>(&mut (), plugin, &export.name, ());
            match again {
                Err(error) if error.code() == Code::PluginKilled => break,
                other => return Err(format!("after {outcome} it answers {other:?}")),
            }
        }
    }
    for line in engine.take_output(plugin).unwrap() {
        shown(&line.text)?;
    }
    Ok(outcome)
}
