//! Every attack of `scripts/hostile/<backend>/`, each in a process of its own with a watchdog, on stacks of 8 MB and 2 MB.
//!
//! An attack is a plugin (`values` holds plugins of any language), or a text that says how one is made (`support/bytes.rs`). Its
//! first line is a comment with the code that it must get (`ok` where it must simply fail to do harm; `limit.value lives` where
//! what was too large was the host's own and the plugin is not ended), the second names its class,
//! the third may set limits (`limits fuel=1000 memory=4194304 deadline=50ms`). It is loaded, and its export `attack` is called
//! without arguments. Then: the right code; within 1.2 times the deadline and 100 ms with dropping; the kernel's figure for the
//! process's peak memory within the limit and 16 MiB; the host alive; an ended plugin refuses a second call; what is kept of it for
//! people is short and escaped; a healthy plugin still works.
//!
//! Native plugins cannot be held: theirs are files and tables that the engine refuses or survives.
//!
//! `cargo test -p modhost-workspace --test attacks [-- NAME]`; the same under `--release`. Without a name it also asks for the whole
//! table: so many attacks of each backend, and one of each class or a reason.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "support/bytes.rs"]
mod bytes;

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    panic::catch_unwind,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use modhost::{
    Builder, Code, Engine, Handle, Handles, HostError, Limits, Map, Policy, Value,
    audit::{MemoryLog, escape},
    caller,
    package::parse_duration,
};

const STACKS: [usize; 2] = [8 << 20, 2 << 20];
/// How long a child may take in all, beyond its attack's deadline: starting a process on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(20);
/// The folders, and how many attacks lie in each at the least; the last two count together.
const BACKENDS: [&str; 5] = ["lua", "rhai", "wasm", "native", "values"];
const FEWEST: [(&[&str], usize); 4] = [(&["lua"], 60), (&["rhai"], 60), (&["wasm"], 50), (&["native", "values"], 15)];
const CLASSES: [&str; 10] = [
    "catching limits",
    "long native steps",
    "kill and drop",
    "loading",
    "memory outside the heap",
    "hostile values",
    "re-entry",
    "shared state",
    "text for people",
    "native stack",
];
/// Cells of the table that stay empty, and why.
const EMPTY: [(&str, usize, &str); 8] = [
    ("native", 2, "native code is not interrupted: a policy that admits it promises no deadline"),
    ("native", 5, "native code allocates where it likes: a policy that admits it promises no memory"),
    ("native", 7, "a native plugin calls out through the same wrapper as all; `values` re-enters it"),
    ("native", 8, "a native plugin shares the process by nature: a policy that admits it demands no isolation"),
    ("native", 10, "native code has the host's stack by nature"),
    ("values", 2, "converting is bounded by the limit of a value; the steps of a language are in its own column"),
    ("values", 4, "no value crosses before a plugin is loaded"),
    ("values", 8, "values are copies: a handle, the one reference, is in class 6"),
];

struct Attack {
    path: PathBuf,
    backend: String,
    code: String,
    lives: bool,
    class: usize,
    limits: Limits,
}

fn parse(path: &Path, backend: &str) -> Attack {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let mut lines = text.lines().map(|line| line.trim_start_matches([';', '-', '/', ' ']).trim());
    let first = lines.next().unwrap_or_default();
    let (code, lives) = first.strip_suffix(" lives").map_or((first, false), |code| (code, true));
    let class = lines.next().and_then(|line| line.strip_prefix("class ")).unwrap_or_default().to_owned();
    assert!(code == "ok" || code.parse::<Code>().is_ok(), "{}: `{code}` is no code", path.display());
    let (number, name) = class.split_once(' ').unwrap_or_default();
    let class = number.parse().unwrap_or(0);
    let known = CLASSES.get(usize::wrapping_sub(class, 1));
    assert_eq!(known, Some(&name), "{}: the second line names a class", path.display());
    let mut limits = Limits::default();
    (limits.memory, limits.deadline, limits.fuel) = (16 << 20, Duration::from_millis(500), 20_000_000);
    for word in lines.next().and_then(|line| line.strip_prefix("limits ")).unwrap_or_default().split_whitespace() {
        let (name, value) = word.split_once('=').unwrap();
        let number = || value.parse::<u64>().unwrap();
        match name {
            "fuel" => limits.fuel = number(),
            "memory" => limits.memory = number(),
            "output" => limits.output = number(),
            "queue" => limits.queue = u32::try_from(number()).unwrap(),
            "value_bytes" => limits.value.bytes = number(),
            "call_depth" => limits.call_depth = u32::try_from(number()).unwrap(),
            "deadline" => limits.deadline = parse_duration(value).unwrap(),
            other => panic!("{}: unknown limit {other}", path.display()),
        }
    }
    Attack { path: path.into(), backend: backend.into(), code: code.into(), lives, class, limits }
}

fn attacks(filter: Option<&str>) -> Vec<Attack> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/hostile");
    let mut found = Vec::new();
    for backend in BACKENDS {
        let mut files: Vec<PathBuf> =
            fs::read_dir(root.join(backend)).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let wanted = |path: &&PathBuf| filter.is_none_or(|filter| path.to_string_lossy().contains(filter));
        found.extend(files.iter().filter(|path| path.is_file()).filter(wanted).map(|path| parse(path, backend)));
    }
    found
}

/// What a game offers, some of it as unwise as a game can be.
fn host(builder: Builder) -> Builder {
    let handles = Arc::new(Mutex::new(Handles::<i64>::new(7)));
    let (minting, dropping, using) = (handles.clone(), handles.clone(), handles);
    let owner = || caller().map(|caller| caller.plugin).unwrap_or_default();
    let again = |export: &str| {
        let caller = caller().ok_or("no caller")?;
        let called = caller.engine.call::<_, Value>(&mut (), caller.plugin.as_str(), export, ());
        called.map_err(|error| error.code().to_string())
    };
    builder
        .log()
        .events()
        .grant("events.emit")
        .function("host.echo", |value: Value| value)
        .function("host.add", |a: i64, b: i64| a.wrapping_add(b))
        .function("host.call", move |export: String| again(&export))
        .function("host.fail", || Err::<(), _>("as asked"))
        .function("host.panic", || -> i64 { panic!("as asked") })
        .function("host.deep", |levels: i64| (0..levels).fold(Value::Nil, |inner, _| Value::List(vec![inner])))
        .function("host.text", |length: i64| "x".repeat(usize::try_from(length).unwrap_or(0)))
        .function("host.list", |length: i64| (0..length).map(Value::Int).collect::<Vec<_>>())
        .function("host.keys", |count: i64| {
            Value::Map((0..count).map(|n| (n.to_string(), Value::Int(n))).collect::<Map>())
        })
        .function("host.mint", move || minting.lock().unwrap().mint(&owner(), 42))
        .function("host.stale", move || -> Result<Handle, HostError> {
            let mut handles = dropping.lock().unwrap();
            let handle = handles.mint(&owner(), 1)?;
            handles.take(&owner(), handle).map(|_| handle)
        })
        .function("host.hold", move |handle: Handle| -> Result<i64, HostError> {
            Ok(*using.lock().unwrap().get(&owner(), handle)?)
        })
        .function("test.ask", move |_: String| again("go").map(|_| 42))
}

/// What each language reads of this program from the disk is no attack's doing: plugins of an engine of their own read it first.
fn warm_up() -> modhost::Result<()> {
    let engine = Engine::builder().build()?;
    for (name, source) in [
        ("warm.lua", "function add(a, b) return a + b end"),
        ("warm.rhai", "fn add(a, b) { a + b }"),
        (
            "warm.wat",
            "(module (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))",
        ),
    ] {
        let plugin = engine.load_source(name, source)?;
        let sum: i64 = engine.call(&mut (), plugin, "add", (40, 2))?;
        assert_eq!(sum, 42, "{name} is not well");
        engine.unload(plugin)?;
    }
    Ok(())
}

/// Loads a plugin that listens to `noise`.
fn listening(engine: &Engine) -> Result<(), String> {
    let area = tempfile::tempdir().map_err(|error| error.to_string())?;
    let manifest = "[plugin]\nid = \"ear\"\nversion = \"1.0.0\"\n[events]\nlisten = [\"noise\"]";
    fs::write(area.path().join("plugin.toml"), manifest).map_err(|error| error.to_string())?;
    fs::write(area.path().join("main.lua"), "function on_noise() end").map_err(|error| error.to_string())?;
    let ear = engine.load_path(area.path()).map_err(|error| error.to_string())?;
    engine.enable_plugin(&mut (), ear).map_err(|error| error.to_string())
}

/// In the child: plays one attack and prints what came of it, or why it failed.
fn play(attack: &Attack, plugin: &Path) -> Result<String, String> {
    let mut policy = if attack.backend == "native" && attack.code != "denied.backend" {
        Policy::development()
    } else {
        Policy::mods()
    };
    policy.untrusted.limits = attack.limits.clone();
    let audit = Arc::new(MemoryLog::new(1000));
    let engine =
        host(Engine::builder().policy(policy).audit(audit.clone())).build().map_err(|error| error.to_string())?;
    let healthy = engine
        .load_source("healthy.lua", "function add(a, b) return a + b end")
        .map_err(|error| format!("the healthy plugin: {error}"))?;
    listening(&engine)?;
    warm_up().map_err(|error| format!("to warm up: {error}"))?;
    // Nor is what the first panic reads of the program.
    assert!(catch_unwind(|| panic!("to warm up")).is_err());
    let base = settled();
    let export = if plugin.extension().is_some_and(|ending| ending == "so") { "go" } else { "attack" };
    let start = Instant::now();
    let loaded = engine.load_path(plugin);
    let result = loaded
        .and_then(|plugin| engine.call::<_, Value>(&mut (), plugin, export, ()).map_err(|error| (plugin, error).1));
    let took = start.elapsed();
    let grown = peak().saturating_sub(base);
    let code = result.as_ref().map_or_else(|error| error.code().as_str(), |_| "ok");
    if code != attack.code {
        let what = format!("{result:?}").chars().take(300).collect::<String>();
        return Err(format!("got {code}, must get {}: {what}", attack.code));
    }
    if let Err(error) = &result
        && error.to_string().len() > 16 << 10
    {
        return Err(format!("its error has {} bytes", error.to_string().len()));
    }
    if let Some(record) = audit.records().iter().find(|record| escape(&record.detail, 4000) != record.detail) {
        return Err(format!(
            "a record is long or not escaped: {:?}",
            record.detail.chars().take(100).collect::<String>()
        ));
    }
    if let Some(plugin) = engine.plugins().iter().find(|plugin| !["healthy", "ear"].contains(&plugin.name.as_str()))
        && result.is_err_and(|error| error.is_limit())
    {
        let again = engine.call::<_, Value>(&mut (), plugin.plugin, export, ());
        let code = again.as_ref().map_or_else(|error| error.code().as_str(), |_| "ok");
        if code != if attack.lives { &attack.code } else { "plugin.killed" } {
            return Err(format!("after its end it answers {code}"));
        }
    }
    let sum: i64 =
        engine.call(&mut (), healthy, "add", (40, 2)).map_err(|error| format!("the healthy plugin: {error}"))?;
    drop(engine);
    let whole = start.elapsed();
    if sum != 42 {
        return Err("the healthy plugin miscounts".into());
    }
    Ok(format!("{} {} {grown}", took.as_micros(), whole.as_micros()))
}

/// The most memory this process ever had resident, in bytes, as the kernel counts it.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// [`peak`], counted anew from what is resident now, where the kernel lets a process ask for that.
fn settled() -> u64 {
    let _ = fs::write("/proc/self/clear_refs", "5");
    peak()
}

/// In the parent: one attack in a child on a stack of `stack` bytes; what it took (microseconds, bytes), or what is wrong.
fn run(attack: &Attack, plugin: &Path, stack: usize) -> Result<(u64, u64), String> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--play", attack.path.to_str().unwrap(), &attack.backend, &stack.to_string(), plugin.to_str().unwrap()])
        // A backtrace of a panic on purpose reads all of this program from the disk.
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reader = thread::spawn(move || {
        let (mut text, mut noise) = (String::new(), String::new());
        let _ = out.read_to_string(&mut text);
        let _ = err.read_to_string(&mut noise);
        (text, noise)
    });
    let end = Instant::now() + attack.limits.deadline + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            return Err("it hangs: killed by the watchdog".into());
        }
        thread::sleep(Duration::from_millis(2));
    };
    let (text, noise) = reader.join().unwrap();
    if !status.success() {
        let noise: String = noise.chars().take(400).collect();
        return Err(format!("the host died or refused: {status} {} {noise}", text.trim()));
    }
    let numbers: Vec<u64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [took, whole, grown] = numbers[..] else { return Err(format!("the child said {text:?}")) };
    let most = attack.limits.deadline.mul_f64(1.2).as_micros() as u64 + 100_000;
    if whole > most {
        return Err(format!("it took {took} us, with dropping {whole} us; the limit is {most} us"));
    }
    let most = attack.limits.memory + (16 << 20);
    if grown > most {
        return Err(format!("it made the process {} KiB larger; the limit is {} KiB", grown >> 10, most >> 10));
    }
    Ok((whole, grown))
}

/// [`run`], and again where only the clock spoke against it: a shared machine may stall for longer than a deadline. What is wrong
/// by itself is wrong three times, and a death or a hang is never excused.
fn patient(attack: &Attack, plugin: &Path, stack: usize) -> Result<(u64, u64), String> {
    let mut outcome = run(attack, plugin, stack);
    for _ in 0..2 {
        match &outcome {
            Err(why) if why.starts_with("it took") || why.contains("got limit.deadline") => {
                outcome = run(attack, plugin, stack)
            }
            _ => break,
        }
    }
    outcome
}

/// An attack's outcome on each of [`STACKS`].
fn outcomes(attack: &Attack) -> Vec<Result<(u64, u64), String>> {
    let stamp = format!("attack-{}-{}", std::process::id(), attack.path.file_stem().unwrap().to_string_lossy());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&stamp);
    let built = bytes::build(&attack.path, &stamp).map(|(name, bytes)| {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(&name), bytes).unwrap();
        folder.join(name)
    });
    let plugin = built.as_deref().unwrap_or(&attack.path);
    let outcomes = STACKS.iter().map(|stack| patient(attack, plugin, *stack)).collect();
    if built.is_some() {
        fs::remove_dir_all(folder).unwrap();
    }
    outcomes
}

/// How a backend fared.
#[derive(Default)]
struct Row {
    attacks: usize,
    runs: u32,
    longest: u64,
    largest: u64,
    /// Microseconds beyond a deadline, and bytes beyond a limit, at worst.
    late: u64,
    over: u64,
    classes: [u32; CLASSES.len()],
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "--play") {
        let attack = parse(Path::new(&args[2]), &args[3]);
        let stack = args[4].parse().unwrap();
        let plugin = PathBuf::from(&args[5]);
        let play = move || play(&attack, &plugin);
        let outcome = thread::Builder::new().stack_size(stack).spawn(play).unwrap().join().unwrap();
        return match outcome {
            Ok(numbers) => {
                println!("{numbers}");
                ExitCode::SUCCESS
            }
            Err(why) => {
                println!("{why}");
                ExitCode::FAILURE
            }
        };
    }
    let filter = args[1..].iter().find(|arg| !arg.starts_with('-')).map(String::as_str);
    let attacks = attacks(filter);
    // Each child has a thread that runs and one that watches: with as many children as cores their clocks would tell of each other.
    let lanes = thread::available_parallelism().map_or(1, |cores| cores.get() / 2).max(1);
    let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while let Some((at, attack)) =
                    Some(next.fetch_add(1, Relaxed)).and_then(|at| Some((at, attacks.get(at)?)))
                {
                    results.lock().unwrap().insert(at, outcomes(attack));
                }
            });
        }
    });
    let mut complaints = Vec::new();
    let mut passed = 0;
    let mut rows: BTreeMap<&str, Row> = BACKENDS.iter().map(|backend| (*backend, Row::default())).collect();
    for (at, outcomes) in results.into_inner().unwrap() {
        let attack = &attacks[at];
        let row = rows.get_mut(attack.backend.as_str()).unwrap();
        row.attacks += 1;
        row.classes[attack.class - 1] += 1;
        for (outcome, stack) in outcomes.into_iter().zip(STACKS) {
            match outcome {
                Ok((took, grown)) => {
                    passed += 1;
                    row.runs += 1;
                    row.longest = row.longest.max(took);
                    row.largest = row.largest.max(grown);
                    row.late = row.late.max(took.saturating_sub(attack.limits.deadline.as_micros() as u64));
                    row.over = row.over.max(grown.saturating_sub(attack.limits.memory));
                }
                Err(why) => {
                    complaints.push(format!("{} on a stack of {} MB: {why}", attack.path.display(), stack >> 20))
                }
            }
        }
    }
    println!("\nattacks by class and backend, each played on stacks of 8 and 2 MB:");
    println!("  {:27}{}", "", BACKENDS.map(|backend| format!("{backend:>8}")).concat());
    for (at, class) in CLASSES.iter().enumerate() {
        let counts = BACKENDS.map(|backend| match rows[backend].classes[at] {
            0 => format!("{:>8}", "-"),
            count => format!("{count:>8}"),
        });
        println!("  {:2} {class:24}{}", at + 1, counts.concat());
    }
    for (backend, class, reason) in EMPTY {
        println!("  -  {backend}, class {class}: {reason}");
    }
    for (backend, row) in rows.iter().filter(|(_, row)| row.attacks > 0) {
        println!(
            "  {backend:7} {} attacks, {} runs passed; longest {} ms, largest {} KiB; worst overrun {} ms past the deadline, {} KiB \
             past the memory limit",
            row.attacks,
            row.runs,
            row.longest / 1000,
            row.largest >> 10,
            row.late / 1000,
            row.over >> 10
        );
    }
    if filter.is_none() {
        complaints.extend(holes(&rows));
    }
    for complaint in &complaints {
        println!("FAILED {complaint}");
    }
    let failed = complaints.len();
    println!("\ntest result: {}. {passed} passed; {failed} failed", if failed == 0 { "ok" } else { "FAILED" });
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is missing in the table: too few attacks, empty cells without a reason, reasons for what is there.
fn holes(rows: &BTreeMap<&str, Row>) -> Vec<String> {
    let mut holes = Vec::new();
    for (backends, fewest) in FEWEST {
        let count: usize = backends.iter().map(|backend| rows[backend].attacks).sum();
        if count < fewest {
            holes.push(format!("{backends:?} has {count} attacks, fewer than {fewest}"));
        }
    }
    for backend in BACKENDS {
        for (at, class) in CLASSES.iter().enumerate() {
            let reason = EMPTY.iter().any(|(other, number, _)| *other == backend && *number == at + 1);
            if (rows[backend].classes[at] == 0) != reason {
                let what = if reason { "an attack in spite of a reason for none" } else { "no attack and no reason" };
                holes.push(format!("{backend} has {what} in class {} {class}", at + 1));
            }
        }
    }
    holes
}
