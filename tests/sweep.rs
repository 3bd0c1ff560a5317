//! Every limit, swept over every case of the conformance suite in every backend: at any value a case goes as it goes without that
//! limit, or ends with that limit's own code; never with a panic, a hang or another error; and what succeeds under a limit succeeds
//! under every larger one.
//!
//! The schedule is short by default. `MODHOST_SWEEP=full` takes counts 0 to 2,000 one by one, then by factors of 1.1; bytes and times
//! by factors of 2, bisected, then 16 to either side of each boundary. `MODHOST_SWEEP_CASE=lua/values-nested` sweeps one case.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/suite.rs"]
mod suite;
#[path = "support/sweep.rs"]
mod sweep;

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    process::{self, Command},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use modhost::{Engine, Limits, Policy};
use sweep::{Job, LIMITS, Schedule, Swept};

/// No play of a case takes anywhere near this, nor does all of a native case.
const HANGS: Duration = Duration::from_secs(60);

/// How many of the longest sweeps are shown.
const SLOWEST: usize = 3;

/// The variable that names the one case to sweep, as `lua/values-nested`, and the one for the file that takes what came of it.
const CASE: &str = "MODHOST_SWEEP_CASE";
const ROWS: &str = "MODHOST_SWEEP_ROWS";

/// A native plugin stays mapped until its process ends, and a process has room for some ten thousand: each native case is swept in
/// a process of its own.
fn sweep_apart(case: &str) -> Vec<Swept> {
    let area = tempfile::tempdir().unwrap();
    let rows = area.path().join("rows");
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "any_limit_at_any_value_gives_success_or_its_own_code"])
        .env(CASE, format!("native/{case}"))
        .env(ROWS, &rows)
        .output()
        .unwrap();
    let said = || format!("{}{}", String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success(), "native / {case}: {}\n{}", child.status, said());
    serde_json::from_slice(&fs::read(rows).unwrap()).unwrap()
}

#[test]
fn any_limit_at_any_value_gives_success_or_its_own_code() {
    let schedule =
        if env::var("MODHOST_SWEEP").is_ok_and(|word| word == "full") { Schedule::FULL } else { Schedule::QUICK };
    let (sides, cases) = (suite::sides(), suite::cases());
    let only = env::var(CASE).ok();
    let all = sides.iter().flat_map(|side| cases.iter().map(move |case| Job { side, case }));
    let wanted =
        |job: &Job<'_>| only.as_ref().is_none_or(|only| *only == format!("{}/{}", job.side.name(), job.case.name));
    let jobs: Vec<Job<'_>> = all.filter(wanted).collect();
    assert!(!jobs.is_empty(), "there is no case {only:?}");
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let swept = Mutex::new(Vec::new());
    let running: Vec<Mutex<Option<(String, Instant)>>> = (0..threads).map(|_| Mutex::new(None)).collect();
    let start = Instant::now();
    thread::scope(|scope| {
        let workers: Vec<_> = running
            .iter()
            .map(|mine| {
                let (next, jobs, swept, only) = (&next, &jobs, &swept, &only);
                scope.spawn(move || {
                    while let Some(job) = jobs.get(next.fetch_add(1, Relaxed)) {
                        let told = |now: String| *mine.lock().unwrap() = Some((now, Instant::now()));
                        let more = if job.is_native() && only.is_none() {
                            told(format!("native / {}", job.case.name));
                            sweep_apart(&job.case.name)
                        } else {
                            job.sweep(schedule, &told)
                        };
                        *mine.lock().unwrap() = None;
                        swept.lock().unwrap().extend(more);
                    }
                })
            })
            .collect();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::park_timeout(Duration::from_millis(100));
            for mine in &running {
                if let Some((what, since)) = &*mine.lock().unwrap()
                    && since.elapsed() > HANGS
                {
                    // A thread cannot be ended, so a hang ends the test.
                    let _ = writeln!(io::stderr(), "{what}: hangs");
                    process::exit(101);
                }
            }
        }
    });
    let swept = swept.into_inner().unwrap();
    if let Some(rows) = env::var_os(ROWS) {
        return fs::write(rows, serde_json::to_vec(&swept).unwrap()).unwrap();
    }
    let mut text = table(&swept);
    let steps: usize = swept.iter().map(|row: &Swept| row.steps).sum();
    let _ = write!(text, "\n{} schedule: {steps} steps in {:.0} s", schedule.name, start.elapsed().as_secs_f64());
    let mut slow: Vec<&Swept> = swept.iter().collect();
    slow.sort_by_key(|row| std::cmp::Reverse(row.took));
    for row in &slow[..slow.len().min(SLOWEST)] {
        let took = row.took.as_secs_f64();
        let _ = write!(text, "\n  {took:5.1} s: {} / {} / {}: {} steps", row.backend, row.case, row.limit, row.steps);
    }
    // Not by `println`, which cargo hides where a test passes.
    writeln!(io::stdout(), "\n{text}").unwrap();
    let wrong: Vec<&str> = swept.iter().flat_map(|row| row.wrong.iter().map(String::as_str)).collect();
    assert!(wrong.is_empty(), "{} breaches, the first:\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
    if only.is_some() {
        return;
    }
    for (name, limit) in LIMITS.iter().map(|limit| (limit.name, limit)) {
        let hits: usize = swept.iter().filter(|row| row.limit == name).map(|row| row.hits).sum();
        assert_eq!(hits > 0, limit.enforced, "{name}: {hits} steps ended with a code of its own");
    }
}

/// Steps by limit and backend, and how many of them ended with the limit's code.
fn table(swept: &[Swept]) -> String {
    let mut cells: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for row in swept {
        let cell = cells.entry((&row.limit, &row.backend)).or_default();
        *cell = (cell.0 + row.steps, cell.1 + row.hits);
    }
    let mut text = format!("{:14}", "steps (ended)");
    let mut backends: Vec<&str> = cells.keys().map(|(_, backend)| *backend).collect();
    backends.sort_unstable();
    backends.dedup();
    for backend in &backends {
        let _ = write!(text, "  {backend:>18}");
    }
    for limit in LIMITS {
        let _ = write!(text, "\n{:14}", limit.name);
        for backend in &backends {
            let (steps, hits) = cells.get(&(limit.name, *backend)).copied().unwrap_or_default();
            let _ = write!(text, "  {:>18}", format!("{steps} ({hits})"));
        }
    }
    text
}

#[test]
fn no_limit_is_left_out() {
    let text = format!("{:?}", Limits::default());
    let mut words: Vec<&str> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter_map(|word| word.strip_suffix(':'))
        .collect();
    // No case of the suite publishes: `queue` has a sweep of its own.
    words.retain(|word| !["value", "queue"].contains(word));
    assert!(words.len() >= 15, "{words:?}");
    let swept = |name: &str| LIMITS.iter().any(|limit| limit.name.trim_start_matches("value ") == name);
    let left: Vec<&str> = words.into_iter().filter(|name| !swept(name)).collect();
    assert_eq!(left, [""; 0], "fields of Limits that no sweep changes");
}

/// So many events as there is room for reach the listener; the next is the limit's own code, and nobody is ended.
#[test]
fn a_queue_of_any_length_takes_as_many_events_as_it_says() {
    const PUBLISHED: u32 = 40;
    let area = tempfile::tempdir().unwrap();
    let ear = "[plugin]\nid = \"ear\"\nversion = \"1.0.0\"\n[events]\nlisten = [\"noise\"]";
    fs::write(area.path().join("plugin.toml"), ear).unwrap();
    fs::write(area.path().join("main.lua"), "local n = 0 function on_noise() n += 1 end function heard() return n end")
        .unwrap();
    let mouth = format!(
        "function shout() local sent = 0 for i = 1, {PUBLISHED} do if pcall(events.emit, 'noise', i) then sent += 1 end end return sent end"
    );
    for queue in (0..=PUBLISHED + 2).chain([1000, u32::MAX]) {
        let mut policy = Policy::mods();
        policy.untrusted.limits.queue = queue;
        let engine = Engine::builder().policy(policy).events().grant("events.emit").build().unwrap();
        let ear = engine.load_path(area.path()).unwrap();
        engine.enable_plugin(&mut (), ear).unwrap();
        engine.load_source("mouth.lua", &mouth).unwrap();
        let sent: u32 = engine.call(&mut (), "mouth", "shout", ()).unwrap();
        let heard: u32 = engine.call(&mut (), "ear", "heard", ()).unwrap();
        assert_eq!((sent, heard), (PUBLISHED.min(queue), PUBLISHED.min(queue)), "a queue of {queue}");
    }
}
