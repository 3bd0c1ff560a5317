//! Comparing: the sides of a row run in turn, batch by batch (A B C A B C ...); a ratio is the median over paired batches, of the best of
//! five rounds; the spread is the range over the rounds. Whole stretches of a run on a shared machine are slower than others, and hit all
//! sides alike.
#![allow(dead_code, clippy::print_stdout)]

use std::time::{Duration, Instant};

const BATCH: Duration = Duration::from_micros(250);
const BATCHES: usize = 60;
const ROUNDS: usize = 5;

/// One side of a row.
pub(crate) type Side<'a> = &'a mut dyn FnMut();

/// Nanoseconds per run of `f`, over `count` runs.
fn batch(f: Side<'_>, count: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        f();
    }
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

/// How many runs fill a batch; warms caches and buffers up on the way.
fn runs(f: Side<'_>) -> u32 {
    let mut count = 16;
    loop {
        let taken = batch(f, count) * f64::from(count);
        if taken * 2.0 > BATCH.as_nanos() as f64 {
            return count;
        }
        count *= 2;
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// The engine against one other side, over all rounds.
struct Against {
    /// By round: the ratio, and what the engine and the other took.
    rounds: Vec<(f64, f64, f64)>,
}

impl Against {
    fn best(&self) -> (f64, f64, f64) {
        self.rounds.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::NAN, f64::NAN, f64::NAN))
    }

    fn worst(&self) -> f64 {
        self.rounds.iter().map(|round| round.0).fold(0.0, f64::max)
    }
}

/// Prints the head of the table.
pub(crate) fn head() {
    println!("| backend | call | raw | raw, limits armed | engine | over armed | engine / raw | engine / armed |");
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
}

/// Measures the engine against the raw interpreter without limits, and with the same limits as far as it has them, and prints a row.
pub(crate) fn compare(backend: &str, call: &str, raw: Side<'_>, armed: Option<Side<'_>>, ours: Side<'_>) {
    // `-- wasm "two integers"`: one row, for a profiler.
    let words = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    if words.skip(1).any(|only| only != call) {
        return;
    }
    let mut none = || {};
    let is_armed = armed.is_some();
    let armed = armed.unwrap_or(&mut none);
    let counts = [runs(raw), if is_armed { runs(armed) } else { 0 }, runs(ours)];
    let (mut plain, mut limited) = (Against { rounds: Vec::new() }, Against { rounds: Vec::new() });
    for _ in 0..ROUNDS {
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            a.push(batch(raw, counts[0]));
            if is_armed {
                b.push(batch(armed, counts[1]));
            }
            c.push(batch(ours, counts[2]));
        }
        let ratio = |of: &[f64]| median(of.iter().zip(&c).map(|(a, c)| c / a).collect());
        plain.rounds.push((ratio(&a), median(c.clone()), median(a.clone())));
        if is_armed {
            limited.rounds.push((ratio(&b), median(c.clone()), median(b)));
        }
    }
    let (ratio, engine, raw) = plain.best();
    let cell = |ratio: f64, worst: f64| format!("{ratio:.2} ({ratio:.2}-{worst:.2})");
    let (armed, over, against) = if is_armed {
        let (ratio, engine, armed) = limited.best();
        (format!("{armed:.0} ns"), format!("{:+.0} ns", engine - armed), cell(ratio, limited.worst()))
    } else {
        ("none to arm".into(), format!("{:+.0} ns", engine - raw), "".into())
    };
    let plain = if raw < 5.0 { "-".into() } else { cell(ratio, plain.worst()) };
    println!("| {backend} | {call} | {raw:.0} ns | {armed} | {engine:.0} ns | {over} | {plain} | {against} |");
}
