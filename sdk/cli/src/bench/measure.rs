//! Timing calls: in batches long enough for the clock, each judged by its fastest and its median; fuel call by call.

use std::time::{Duration, Instant};

use modhost::{Engine, PluginId, Result, Value};
use modhost_testkit::world::World;
use serde::Serialize;

/// How long one export is timed, at most and roughly.
const TIME: Duration = Duration::from_millis(1000);
/// A batch of calls takes at least this, so that reading the clock (tens of nanoseconds) does not show.
const BATCH: Duration = Duration::from_micros(50);
/// Calls before the first that counts: caches, buffers, the branch predictor.
const WARM: u32 = 3;
/// Calls whose fuel is looked at.
const FUEL: u32 = 5;
/// No more batches than this.
const MOST: usize = 2000;

/// What one export takes.
#[derive(Serialize)]
pub(super) struct Times {
    /// Calls that were timed.
    pub(super) calls: u64,
    /// Nanoseconds per call, of the fastest batch.
    pub(super) min_ns: f64,
    /// Nanoseconds per call, of the median batch.
    pub(super) median_ns: f64,
    pub(super) fuel: Fuel,
}

/// Fuel per call: a call that changes the plugin's state may use more the next time.
#[derive(Serialize)]
pub(super) struct Fuel {
    pub(super) min: u64,
    pub(super) max: u64,
}

/// Times one export. A call that fails ends it.
pub(super) fn export(
    engine: &Engine,
    world: &mut World,
    plugin: PluginId,
    name: &str,
    args: &[Value],
) -> Result<Times> {
    let call = engine.prepare::<Vec<Value>, Value>(plugin, name)?;
    for _ in 0..WARM {
        call.call(world, args.to_vec())?;
    }
    let mut fuel = Fuel { min: u64::MAX, max: 0 };
    for _ in 0..FUEL {
        let used = engine.call_measured::<_, Value>(world, plugin, name, args.to_vec())?.fuel;
        fuel = Fuel { min: fuel.min.min(used), max: fuel.max.max(used) };
    }
    let mut batch = |count: u32| -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..count {
            call.call(world, args.to_vec())?;
        }
        Ok(start.elapsed())
    };
    let mut count = 1;
    while batch(count)? < BATCH && count < 1 << 20 {
        count *= 2;
    }
    let start = Instant::now();
    let mut batches = Vec::new();
    while batches.is_empty() || batches.len() < MOST && start.elapsed() < TIME {
        batches.push(batch(count)?.as_nanos() as f64 / f64::from(count));
    }
    batches.sort_by(f64::total_cmp);
    let calls = batches.len() as u64 * u64::from(count);
    let tenths = |nanos: f64| (nanos * 10.0).round() / 10.0;
    let (min_ns, median_ns) = (batches.first().copied(), batches.get(batches.len() / 2).copied());
    let (min_ns, median_ns) = (tenths(min_ns.unwrap_or_default()), tenths(median_ns.unwrap_or_default()));
    Ok(Times { calls, min_ns, median_ns, fuel })
}

/// Nanoseconds, in the unit that reads best.
pub(super) fn nanos(nanos: f64) -> String {
    match nanos {
        ..10_000.0 => format!("{nanos:.0} ns"),
        ..10_000_000.0 => format!("{:.1} us", nanos / 1e3),
        _ => format!("{:.1} ms", nanos / 1e6),
    }
}
