//! `modhost bench --calibrate`: what a unit of fuel takes on this machine, in each language, over a few kinds of work. The figure of a
//! language is the geometric mean over the kinds; the table shows how far they lie apart.

use std::{collections::BTreeMap, time::Duration};

use modhost::{Calibration, Engine, Kind, Policy, Result, package::Caps};
use serde::Serialize;

use super::columns;
use crate::{answer::Answer, source::Sources};

/// The works: every language has one export for each.
const WORKS: [&str; 4] = ["arithmetic", "calls", "data", "host"];

const GUESTS: [(&str, &str); 3] = [
    ("calibration.lua", include_str!("calibration.lua")),
    ("calibration.rhai", include_str!("calibration.rhai")),
    ("calibration.wat", include_str!("calibration.wat")),
];

/// A timed call takes at least this.
const CALL: Duration = Duration::from_millis(4);
/// So many timed calls of each work, all works of all languages in turn, so that a slow stretch of the machine hits all alike.
const ROUNDS: usize = 40;
/// Far more than any timed call takes.
const FUEL: u64 = 1 << 40;

/// One work of one language: what is called, and the fastest call so far.
struct Work {
    plugin: modhost::PluginId,
    kind: Kind,
    name: &'static str,
    size: i64,
    fuel: u64,
    fastest: Duration,
}

impl Work {
    fn call(&mut self, engine: &Engine) -> Result<Duration> {
        let measured = engine.call_measured::<_, i64>(&mut (), self.plugin, self.name, (self.size,))?;
        self.fuel = measured.fuel;
        self.fastest = self.fastest.min(measured.wall);
        Ok(measured.wall)
    }

    fn nanos_per_unit(&self) -> f64 {
        self.fastest.as_nanos() as f64 / self.fuel as f64
    }
}

#[derive(Serialize)]
struct Body {
    ok: bool,
    /// Units of fuel per millisecond, as a policy's `[calibration]`.
    units_per_ms: BTreeMap<String, u64>,
    /// Nanoseconds per unit, by language and work.
    ns_per_unit: BTreeMap<String, BTreeMap<&'static str, f64>>,
}

/// Measures, and says the figures: as TOML that `Calibration::from_toml` reads, the table in its comments.
pub(super) fn calibrate(json: bool) -> Answer {
    let works = match measured() {
        Ok(works) => works,
        Err(error) => return Answer::error_in(&error, json, &Sources::new(&[], &Caps::default())),
    };
    let mut ns_per_unit: BTreeMap<String, BTreeMap<&'static str, f64>> = BTreeMap::new();
    for work in &works {
        let hundredths = (work.nanos_per_unit() * 100.0).round() / 100.0;
        ns_per_unit.entry(work.kind.to_string()).or_default().insert(work.name, hundredths);
    }
    let figures = figures(&works);
    if json {
        let units_per_ms = figures.kinds().filter_map(|kind| Some((kind.to_string(), figures.units_per_ms(kind)?)));
        return Answer::object(0, &Body { ok: true, units_per_ms: units_per_ms.collect(), ns_per_unit });
    }
    let mut rows = vec![vec!["# ns per unit".to_owned()]];
    rows[0].extend(WORKS.map(String::from));
    for (kind, works) in &ns_per_unit {
        let mut row = vec![format!("# {kind}")];
        row.extend(WORKS.iter().map(|name| works.get(name).map_or(String::new(), |nanos| format!("{nanos:.2}"))));
        rows.push(row);
    }
    let mut text = columns(&rows);
    figures.to_toml().lines().for_each(|line| text.line(line));
    Answer::new(0, text)
}

fn measured() -> Result<Vec<Work>> {
    let mut policy = Policy::development();
    // Its room is meant, not its trust: what runs here is the command's own.
    policy.development = false;
    policy.overrides.fuel = Some(FUEL);
    let engine = Engine::builder().policy(policy).function("calibration.next", |n: i64| n.wrapping_add(1)).build()?;
    let available: Vec<Kind> =
        engine.backends().into_iter().filter(|status| status.enforcement.is_some()).map(|status| status.kind).collect();
    let mut works = Vec::new();
    for (at, (file, source)) in GUESTS.into_iter().enumerate() {
        let kind = [Kind::LUA, Kind::RHAI, Kind::WASM][at].clone();
        if !available.contains(&kind) {
            continue;
        }
        // One name each: an engine holds no two plugins of one name.
        let plugin = engine.load_source(&file.replace("calibration", kind.as_str()), source)?;
        works.extend(WORKS.map(|name| Work {
            plugin,
            kind: kind.clone(),
            name,
            size: 100,
            fuel: 0,
            fastest: Duration::MAX,
        }));
    }
    for work in &mut works {
        while work.call(&engine)? < CALL {
            work.size *= 2;
        }
        work.fastest = Duration::MAX;
    }
    for _ in 0..ROUNDS {
        for work in &mut works {
            work.call(&engine)?;
        }
    }
    Ok(works)
}

/// The geometric mean over the works of each language, as units per millisecond.
fn figures(works: &[Work]) -> Calibration {
    let mut kinds: Vec<&Kind> = works.iter().map(|work| &work.kind).collect();
    kinds.dedup();
    kinds.into_iter().fold(Calibration::new(), |figures, kind| {
        let logs: Vec<f64> =
            works.iter().filter(|work| work.kind == *kind).map(|work| work.nanos_per_unit().ln()).collect();
        let nanos = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
        figures.with(kind.clone(), (1e6 / nanos).round() as u64)
    })
}
