//! What a record of the audit costs: `cargo bench --bench audit`. Beside each form of the log stands a line of the same length that is
//! appended to a plain file; rounds alternate, the median of them is printed. `MODHOST_BENCH_FOLDER` names the folder to write to, by
//! default the system's for temporary files, which may lie in memory and then takes no time to reach.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    env, fs,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use modhost::{
    Engine,
    audit::{Durability, Event, Expect, FileLog, FileOptions, MemoryLog, Record, Sink, verify},
};

const ROUNDS: usize = 9;
const RECORDS: u32 = 500;

/// What an engine records when it admits a plugin.
fn admitted() -> Record {
    let log = Arc::new(MemoryLog::default());
    let engine = Engine::builder().audit(log.clone()).build().unwrap();
    engine.load_source("wolf.lua", "").unwrap();
    log.records().into_iter().find(|record| record.event == Event::Admitted).unwrap()
}

/// The time that `f` takes for each of `RECORDS`.
fn each(mut f: impl FnMut()) -> Duration {
    let start = Instant::now();
    (0..RECORDS).for_each(|_| f());
    start.elapsed() / RECORDS
}

/// A log that signs after `every` record, in a folder of its own.
fn log(folder: &Path, every: u32, durability: Durability) -> FileLog {
    let mut options = FileOptions::default();
    options.key = Some(folder.join("audit.key"));
    (options.every, options.durability) = (every, durability);
    FileLog::open_with(folder.join("audit.jsonl"), options).unwrap()
}

type Row = (&'static str, u32, Durability);

const ROWS: &[Row] = &[
    ("a record", u32::MAX, Durability::Never),
    ("a checkpoint after 100", 100, Durability::Never),
    ("that reaches the disk", 100, Durability::Checkpoints),
    ("each record reaches it", 100, Durability::Privileged),
    ("a checkpoint after each", 1, Durability::Never),
];

fn main() {
    let record = admitted();
    let area = || match env::var_os("MODHOST_BENCH_FOLDER") {
        Some(folder) => tempfile::tempdir_in(folder).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let mut times = vec![Vec::new(); ROWS.len() + 2];
    for _ in 0..ROUNDS {
        for (times, (_, every, durability)) in times.iter_mut().zip(ROWS) {
            let folder = area();
            let log = log(folder.path(), *every, *durability);
            times.push(each(|| log.record(&record).unwrap()));
        }
        let folder = area();
        let path = folder.path().join("audit.jsonl");
        let log = log(folder.path(), 100, Durability::Never);
        (0..RECORDS).for_each(|_| log.record(&record).unwrap());
        drop(log);
        let line = fs::read(&path).unwrap().split_inclusive(|byte| *byte == b'\n').nth(2).unwrap().to_vec();
        let mut plain = fs::File::options().append(true).create(true).open(folder.path().join("plain")).unwrap();
        times[ROWS.len()].push(each(|| plain.write_all(&line).unwrap()));
        let start = Instant::now();
        assert!(verify(&path, &Expect::default()).unwrap().broken.is_none());
        times[ROWS.len() + 1].push(start.elapsed() / RECORDS);
    }
    let medians: Vec<Duration> = times
        .into_iter()
        .map(|mut times| {
            times.sort_unstable();
            times[ROUNDS / 2]
        })
        .collect();
    let names = ROWS.iter().map(|row| row.0).chain(["the plain line", "verified, a record"]);
    for (name, time) in names.zip(&medians) {
        let times = time.as_secs_f64() / medians[ROWS.len()].as_secs_f64();
        println!("{name:24} {:>9.2} us  {times:>8.1} x", time.as_secs_f64() * 1e6);
    }
}
