//! Every attack of `scripts/hostile/<backend>/`, each in a process of its own with a watchdog, on stacks of 8 MB and 2 MB.
//!
//! An attack is a plugin. Its first line is a comment with the code that it must get (`ok` where it must simply fail to do harm), the second
//! names its class, the third may lower limits (`fuel=1000 memory=4194304 deadline=50ms`). It is loaded, and its export `attack` is called
//! without arguments. Then: the right code; within 1.2 times the deadline and 100 ms; the kernel's figure for the process's peak
//! memory within the limit and 16 MiB; the host alive; an ended plugin refuses a second call; a healthy plugin still works.
//!
//! `cargo test -p modhost-workspace --test attacks [-- NAME]`; the same under `--release`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use modhost::{Engine, Limits, Policy, Value, package::parse_duration};

const STACKS: [usize; 2] = [8 << 20, 2 << 20];
/// How long a child may take in all, beyond its attack's deadline: starting a process on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(20);

struct Attack {
    path: PathBuf,
    backend: String,
    code: String,
    class: String,
    limits: Limits,
}

fn parse(path: &Path, backend: &str) -> Attack {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let mut lines = text.lines().map(|line| line.trim_start_matches([';', '-', '/', ' ']).trim());
    let code = lines.next().unwrap_or_default().to_owned();
    let class = lines.next().and_then(|line| line.strip_prefix("class ")).unwrap_or_default().to_owned();
    assert!(code == "ok" || code.parse::<modhost::Code>().is_ok(), "{}: `{code}` is no code", path.display());
    assert!(!class.is_empty(), "{}: the second line names the class", path.display());
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
    Attack { path: path.into(), backend: backend.into(), code, class, limits }
}

fn attacks(filter: Option<&str>) -> Vec<Attack> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/hostile");
    let mut found = Vec::new();
    for backend in ["lua", "rhai", "wasm", "native"] {
        let mut files: Vec<PathBuf> =
            fs::read_dir(root.join(backend)).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let wanted = |path: &&PathBuf| filter.is_none_or(|filter| path.to_string_lossy().contains(filter));
        found.extend(files.iter().filter(|path| path.is_file()).filter(wanted).map(|path| parse(path, backend)));
    }
    found
}

/// In the child: plays one attack and prints what came of it, or why it failed.
fn play(attack: &Attack) -> Result<String, String> {
    let mut policy = Policy::mods();
    policy.untrusted.limits = attack.limits.clone();
    let minted = std::sync::Mutex::new(modhost::Handles::new(1));
    let engine = Engine::builder()
        .policy(policy)
        .log()
        .events()
        .grant("events.emit")
        .function("host.echo", |value: Value| value)
        .function("host.mint", move || {
            minted.lock().map_err(|_| "poisoned")?.mint("anyone", ()).map_err(|_| "full").map(drop)
        })
        .function("host.add", |a: i64, b: i64| a.wrapping_add(b))
        .function("host.call", |export: String| {
            let caller = modhost::caller().ok_or("no caller")?;
            caller
                .engine
                .call::<_, Value>(&mut (), caller.plugin.as_str(), &export, ())
                .map_err(|error| error.code().to_string())
        })
        .function("host.fail", || Err::<(), _>("as asked"))
        .build()
        .map_err(|error| error.to_string())?;
    let area = tempfile::tempdir().map_err(|error| error.to_string())?;
    let manifest = "[plugin]\nid = \"ear\"\nversion = \"1.0.0\"\n[events]\nlisten = [\"noise\"]";
    fs::write(area.path().join("plugin.toml"), manifest).map_err(|error| error.to_string())?;
    fs::write(area.path().join("main.lua"), "function on_noise() end").map_err(|error| error.to_string())?;
    engine.load_path(area.path()).map_err(|error| error.to_string())?;
    let healthy =
        engine.load_source("healthy.lua", "function add(a, b) return a + b end").map_err(|error| error.to_string())?;
    let base = peak();
    let start = Instant::now();
    let loaded = engine.load_path(&attack.path);
    let result = loaded
        .and_then(|plugin| engine.call::<_, Value>(&mut (), plugin, "attack", ()).map_err(|error| (plugin, error).1));
    let took = start.elapsed();
    let grown = peak().saturating_sub(base);
    let code = result.as_ref().map_or_else(|error| error.code().as_str(), |_| "ok");
    if code != attack.code {
        let what = format!("{result:?}").chars().take(300).collect::<String>();
        return Err(format!("got {code}, must get {}: {what}", attack.code));
    }
    if let Some(plugin) = engine.plugins().iter().find(|plugin| !["healthy", "ear"].contains(&plugin.name.as_str()))
        && result.is_err_and(|error| error.is_limit())
    {
        let again = engine.call::<_, Value>(&mut (), plugin.plugin, "attack", ());
        let code = again.as_ref().map_or_else(|error| error.code().as_str(), |_| "ok");
        if code != "plugin.killed" {
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

/// In the parent: one attack in a child on a stack of `stack` bytes; what it took (microseconds, bytes), or what is wrong.
fn run(attack: &Attack, stack: usize) -> Result<(u64, u64), String> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--play", attack.path.to_str().unwrap(), &attack.backend, &stack.to_string()])
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
fn patient(attack: &Attack, stack: usize) -> Result<(u64, u64), String> {
    let mut outcome = run(attack, stack);
    for _ in 0..2 {
        match &outcome {
            Err(why) if why.starts_with("it took") || why.contains("got limit.deadline") => {
                outcome = run(attack, stack)
            }
            _ => break,
        }
    }
    outcome
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "--play") {
        let attack = parse(Path::new(&args[2]), &args[3]);
        let stack = args[4].parse().unwrap();
        let outcome = thread::Builder::new().stack_size(stack).spawn(move || play(&attack)).unwrap().join().unwrap();
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
    let mut failed = 0;
    let mut passed = 0;
    let mut worst: BTreeMap<&str, (u64, u64, u32)> = BTreeMap::new();
    let mut cells: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for attack in &attacks {
        for stack in STACKS {
            match patient(attack, stack) {
                Ok((took, grown)) => {
                    passed += 1;
                    let row = worst.entry(&attack.backend).or_default();
                    *row = (row.0.max(took), row.1.max(grown), row.2 + 1);
                }
                Err(why) => {
                    failed += 1;
                    println!("FAILED {} on a stack of {} MB: {why}", attack.path.display(), stack >> 20);
                }
            }
        }
        *cells.entry((attack.backend.as_str(), attack.class.as_str())).or_default() += 1;
    }
    println!("\nattacks by class and backend (in this profile, each on stacks of 8 and 2 MB):");
    for ((backend, class), count) in &cells {
        println!("  {backend:7} {count:4}  {class}");
    }
    for (backend, (took, grown, runs)) in &worst {
        println!("  {backend:7} {runs} runs; longest {} ms with dropping, largest {} KiB", took / 1000, grown >> 10);
    }
    println!("\ntest result: {}. {passed} passed; {failed} failed", if failed == 0 { "ok" } else { "FAILED" });
    if failed == 0 && (filter.is_some() || passed >= 100) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
