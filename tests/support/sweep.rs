//! One case of the suite in one backend under each limit at many values: the limits, the schedule, and the judgement.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use modhost::{
    Code, Engine, Guarantee, Limits, ManualClock, Policy, ValueLimits,
    backend::{Backend, Enforcement},
};
use modhost_testkit::conformance::{self, Case, Played};
use serde::{Deserialize, Serialize};

use super::suite::{Passes, Side, Ticking};

/// How the values of a limit are chosen.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    /// One by one, then by factors.
    Count,
    /// By factors, then bisected, then around the boundary. Times are in nanoseconds.
    Amount,
}

/// One limit.
pub struct Limit {
    pub name: &'static str,
    /// Its codes.
    pub codes: &'static [Code],
    pub unit: Unit,
    get: fn(&Policy) -> u64,
    set: fn(&mut Policy, u64),
    /// The most that a policy may say.
    most: u64,
    /// What a backend must promise for the limit to be held in it at all.
    promised: fn(&Enforcement) -> Guarantee,
    /// Whether any backend or the engine holds it.
    pub enforced: bool,
    /// What is more by so much can never make a case fail that succeeds with less.
    grain: u64,
}

macro_rules! limit {
    ($name:literal, $codes:expr, $unit:expr, $promised:expr, $($field:ident).+) => {
        Limit {
            name: $name,
            codes: $codes,
            unit: $unit,
            get: |policy| policy.$($field).+.into(),
            set: |policy, value| policy.$($field).+ = value.try_into().unwrap_or(u32::MAX.into()),
            most: u64::MAX,
            promised: $promised,
            enforced: !{ let codes: &[Code] = $codes; codes.is_empty() },
            grain: 0,
        }
    };
}

/// Luau takes memory by pages of 16 and 32 KiB, and collects garbage when the limit says so: a few pages more may be taken a little
/// earlier.
const PAGES: u64 = 64 << 10;
const ALWAYS: fn(&Enforcement) -> Guarantee = |_| Guarantee::Exact;
const NEVER: fn(&Enforcement) -> Guarantee = |_| Guarantee::None;

/// Every field of `Limits`, and the two limits of a whole engine.
pub const LIMITS: [Limit; 17] = [
    limit!("fuel", &[Code::LimitFuel], Unit::Count, |e| e.instructions, untrusted.limits.fuel),
    Limit {
        grain: PAGES,
        ..limit!("memory", &[Code::LimitMemory], Unit::Amount, |e| e.memory, untrusted.limits.memory)
    },
    Limit {
        name: "deadline",
        codes: &[Code::LimitDeadline],
        unit: Unit::Amount,
        get: |policy| u64::try_from(policy.untrusted.limits.deadline.as_nanos()).unwrap_or(u64::MAX),
        set: |policy, value| policy.untrusted.limits.deadline = Duration::from_nanos(value),
        most: u64::MAX,
        promised: |e| e.interrupt,
        enforced: true,
        grain: 0,
    },
    limit!("call_depth", &[Code::LimitDepth], Unit::Count, |e| e.call_depth, untrusted.limits.call_depth),
    limit!("reentry_depth", &[Code::LimitDepth], Unit::Count, ALWAYS, untrusted.limits.reentry_depth),
    Limit {
        most: ValueLimits::DEEPEST as u64,
        ..limit!("value depth", &[Code::LimitValue], Unit::Count, |e| e.values, untrusted.limits.value.depth)
    },
    limit!("value bytes", &[Code::LimitValue], Unit::Amount, |e| e.values, untrusted.limits.value.bytes),
    limit!("output", &[Code::LimitOutput], Unit::Amount, |e| e.output, untrusted.limits.output),
    limit!("source", &[Code::ScriptCompile], Unit::Amount, ALWAYS, untrusted.limits.source),
    limit!("module", &[Code::ScriptCompile], Unit::Amount, ALWAYS, untrusted.limits.module),
    limit!("open_files", &[], Unit::Count, NEVER, untrusted.limits.open_files),
    limit!("connections", &[], Unit::Count, NEVER, untrusted.limits.connections),
    limit!("threads", &[], Unit::Count, NEVER, untrusted.limits.threads),
    limit!("storage", &[], Unit::Amount, NEVER, untrusted.limits.storage),
    limit!("cpu_share", &[], Unit::Count, NEVER, untrusted.limits.cpu_share),
    limit!("instances", &[Code::LimitInstances], Unit::Count, ALWAYS, instances),
    Limit { grain: PAGES, ..limit!("total memory", &[Code::LimitMemory], Unit::Amount, |e| e.memory, total_memory) },
];

/// How many values are tried.
#[derive(Clone, Copy)]
pub struct Schedule {
    pub name: &'static str,
    /// Fuel is tried one by one up to here, other counts up to the second.
    dense: (u64, u64),
    /// Beyond what the case uses, counts grow by this many per mille; amounts by the second everywhere.
    growth: (u64, u64),
    /// So many values to either side of a boundary.
    around: u64,
    /// A native plugin is mapped anew for each play, which takes long; one in so many values does there.
    native: usize,
    /// A case that uses more fuel than this takes long, and sees three values of each limit but fuel and memory.
    heavy: u64,
}

impl Schedule {
    pub const QUICK: Schedule =
        Schedule { name: "quick", dense: (40, 8), growth: (16_000, 16_000), around: 1, native: 8, heavy: 100_000 };
    pub const FULL: Schedule =
        Schedule { name: "full", dense: (2000, 2000), growth: (1100, 2000), around: 16, native: 8, heavy: 100_000 };
}

/// What a sweep of one limit came to.
#[derive(Deserialize, Serialize)]
pub struct Swept {
    pub limit: String,
    pub backend: String,
    pub steps: usize,
    /// Steps that ended with the limit's code.
    pub hits: usize,
    pub wrong: Vec<String>,
    pub case: String,
    pub took: Duration,
}

/// What a part of a case came to, as it is compared.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    what: String,
    /// The value, or the error's message.
    said: String,
    code: Option<Code>,
    prints: Vec<String>,
    fuel: u64,
}

impl Part {
    fn of(played: Played) -> Self {
        let (said, code) = match played.result {
            Ok(value) => (format!("{value:?}"), None),
            Err(error) => (error.message().to_owned(), Some(error.code())),
        };
        let prints = played.prints.iter().map(ToString::to_string).collect();
        Part { what: played.what, said, code, prints, fuel: played.fuel }
    }

    /// Messages tell the limit's number, which differs from step to step.
    fn same(&self, other: &Part) -> bool {
        self.code == other.code && self.prints == other.prints && (self.code.is_some() || self.said == other.said)
    }

    /// The limit's own code, as the error itself or in what a plugin was told of another.
    fn is_of(&self, limit: &Limit) -> bool {
        let told = |code: &Code| self.code == Some(*code) || self.said.contains(code.as_str());
        limit.codes.iter().any(told)
    }
}

/// How a play compares with the case's own way.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Verdict {
    Same,
    /// The limit's code, at this part.
    Own(usize),
    Wrong(String),
}

fn judge(reference: &[Part], played: &[Part], limit: &Limit) -> Verdict {
    let mut own = None;
    for (at, wanted) in reference.iter().enumerate() {
        let Some(found) = played.get(at) else {
            return match own {
                Some(at) => Verdict::Own(at),
                None => Verdict::Wrong(format!("ends before {}", wanted.what)),
            };
        };
        let bug = |code: Option<Code>| matches!(code, Some(Code::InternalBug | Code::HostPanicked));
        if bug(found.code) && !wanted.same(found) {
            return Verdict::Wrong(format!("{} gives {found:?}", found.what));
        }
        // Behind the first part that the limit ended nothing is as it was: a plugin is gone, or a count in it.
        if own.is_some() || wanted.same(found) {
            continue;
        }
        if !found.is_of(limit) {
            return Verdict::Wrong(format!("{} gives {found:?} instead of {wanted:?}", found.what));
        }
        own = Some(at);
    }
    own.map_or(Verdict::Same, Verdict::Own)
}

/// One case in one backend.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub side: &'a Side,
    pub case: &'a Case,
}

impl Job<'_> {
    pub fn is_native(&self) -> bool {
        self.side.name() == "native"
    }

    /// Sweeps every limit. `told` hears of each step before it is taken.
    pub fn sweep(&self, schedule: Schedule, told: &dyn Fn(String)) -> Vec<Swept> {
        if self.case.missing(&self.side.name()).is_some() || self.unpromised() {
            return Vec::new();
        }
        let swept = |limit| {
            let start = Instant::now();
            let mut swept = Sweep::new(*self, limit, schedule, told).run();
            swept.took = start.elapsed();
            swept
        };
        LIMITS.iter().map(swept).collect()
    }

    /// The case is about a promise that this backend does not make: endless loops would be endless.
    fn unpromised(&self) -> bool {
        let enforcement = self.side.backend.enforcement();
        let promises = [
            ("instructions", enforcement.instructions),
            ("memory", enforcement.memory),
            ("interrupt", enforcement.interrupt),
            ("call_depth", enforcement.call_depth),
            ("output", enforcement.output),
        ];
        promises.iter().any(|(name, promise)| *promise == Guarantee::None && self.case.needs(name))
    }

    /// Plays the case under `policy`.
    fn play(&self, policy: Policy, time: Time) -> Result<Vec<Part>, String> {
        let clock = Arc::new(ManualClock::default());
        let inside = Arc::new(AtomicBool::new(false));
        let passes = match time {
            Time::Stands => None,
            Time::AtTheHost => Some(Passes::AtTheHost(clock.clone())),
            Time::Inside => Some(Passes::Inside(inside.clone(), self.case.is_about_loading())),
        };
        let inner = self.side.backend.clone();
        let backend = match passes {
            Some(passes) => Arc::new(Ticking { inner, passes }) as Arc<dyn Backend>,
            None => inner,
        };
        let engine = self.case.offer(Engine::builder()).backend(backend).policy(policy).clock(clock.clone());
        let engine = engine.build().map_err(|error| error.to_string())?;
        let played = || {
            catch_unwind(AssertUnwindSafe(|| conformance::play(&engine, self.side.plugins(), self.case)))
                .unwrap_or_else(|_| Err("panics".into()))
        };
        let played = if time == Time::Inside {
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !done.load(Relaxed) {
                        if inside.load(Relaxed) {
                            clock.advance(STRIDE);
                        }
                        thread::yield_now();
                    }
                });
                let played = played();
                done.store(true, Relaxed);
                played
            })
        } else {
            played()
        };
        Ok(played?.into_iter().map(Part::of).collect())
    }
}

/// How far time goes at once while the guest runs. Small enough that a deadline takes two, large enough that a busy machine, where a
/// turn of the other thread comes late, does not wait for thousands.
const STRIDE: Duration = Duration::from_millis(25);

/// How time passes while a case is played.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Time {
    Stands,
    /// In host functions.
    AtTheHost,
    /// While the guest runs, by another thread: for guests that nothing else would end.
    Inside,
}

/// One limit over one case in one backend.
struct Sweep<'a> {
    job: Job<'a>,
    limit: &'a Limit,
    schedule: Schedule,
    told: &'a dyn Fn(String),
    time: Time,
    /// The case under its own limits.
    reference: Vec<Part>,
    /// What each value came to.
    seen: BTreeMap<u64, Verdict>,
    swept: Swept,
}

impl<'a> Sweep<'a> {
    fn new(job: Job<'a>, limit: &'a Limit, schedule: Schedule, told: &'a dyn Fn(String)) -> Self {
        let swept = Swept {
            limit: limit.name.to_owned(),
            backend: job.side.name(),
            steps: 0,
            hits: 0,
            wrong: Vec::new(),
            case: job.case.name.clone(),
            took: Duration::ZERO,
        };
        let time = match (job.case.needs("interrupt"), limit.name) {
            (true, _) => Time::Inside,
            (false, "deadline") => Time::AtTheHost,
            _ => Time::Stands,
        };
        Sweep { job, limit, schedule, told, time, reference: Vec::new(), seen: BTreeMap::new(), swept }
    }

    fn held(&self) -> bool {
        (self.limit.promised)(&self.job.side.backend.enforcement()) != Guarantee::None
    }

    fn run(mut self) -> Swept {
        let own = (self.limit.get)(&self.job.case.policy());
        (self.told)(format!("{} / {}", self.swept.backend, self.job.case.name));
        match self.job.play(self.job.case.policy(), self.time) {
            Ok(reference) => self.reference = reference,
            Err(error) => {
                self.wrong(own, &error);
                return self.swept;
            }
        }
        let native = self.job.is_native();
        let above = self.above(own);
        let most = self.limit.most;
        let fuel: u64 = self.reference.iter().map(|part| part.fuel).sum();
        if !self.held() || fuel > self.schedule.heavy && !matches!(self.limit.name, "fuel" | "memory") {
            for value in [0, 1, if above { most } else { own }] {
                self.step(value);
            }
        } else if self.limit.unit == Unit::Count {
            let mut values = self.counts(own);
            if native {
                values = values.into_iter().step_by(self.schedule.native).collect();
            }
            values.into_iter().for_each(|value| _ = self.step(value));
        } else {
            self.amounts(own, native);
        }
        if above {
            for value in [most / 2, most - 1, most] {
                self.step(value);
            }
        } else if self.limit.enforced && self.held() && self.limit.unit == Unit::Count {
            // Without its deadline a case about deadlines has no end, and without its memory a hog takes the machine's.
            self.beyond(most);
        }
        self.monotonic();
        self.swept
    }

    /// Whether a limit larger than the case's own makes no difference to it: a case that sets the limit itself does other things above.
    fn above(&self, own: u64) -> bool {
        own == (self.limit.get)(&unset())
    }

    /// The case without this limit: another ends it, or nothing.
    fn beyond(&mut self, value: u64) {
        let what = format!("{} / {} / {} = {value}", self.swept.backend, self.job.case.name, self.limit.name);
        (self.told)(what);
        let mut policy = self.job.case.policy();
        (self.limit.set)(&mut policy, value);
        self.swept.steps += 1;
        match self.job.play(policy, Time::Inside) {
            Ok(played) => {
                let bad = |part: &&Part| matches!(part.code, Some(Code::InternalBug | Code::HostPanicked));
                if let Some(part) = played.iter().find(bad) {
                    self.wrong(value, &format!("{} gives {part:?}", part.what));
                }
            }
            Err(error) => self.wrong(value, &error),
        }
    }

    /// One by one, then by factors up to the case's own limit, which is not crossed: beyond it a case may do other things.
    fn counts(&self, own: u64) -> Vec<u64> {
        let dense = if self.limit.name == "fuel" { self.schedule.dense.0 } else { self.schedule.dense.1 };
        let mut values: Vec<u64> = (0..=dense.min(own)).collect();
        let mut value = dense;
        while value < own {
            values.push(value);
            value = (value.saturating_mul(self.schedule.growth.0) / 1000).max(value + 1);
        }
        values.push(own);
        values
    }

    /// By factors, then bisected between values that went differently, then around each boundary.
    fn amounts(&mut self, own: u64, native: bool) {
        let mut values = vec![0, 1];
        let mut value = 2_u64;
        while value < own {
            values.push(value);
            value = value.saturating_mul(self.schedule.growth.1) / 1000;
        }
        values.push(own);
        values.retain(|value| *value <= own);
        let mut before: Option<(u64, Verdict)> = None;
        for value in values {
            let now = self.step(value);
            if let Some((last, verdict)) = before
                && verdict != now
            {
                self.bisect(last, &verdict, value, if self.above(own) { u64::MAX } else { own }, native);
            }
            before = Some((value, now));
        }
    }

    fn bisect(&mut self, mut low: u64, below: &Verdict, mut high: u64, most: u64, native: bool) {
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.step(middle) == *below { low = middle } else { high = middle }
        }
        let around = if native { 1 } else { self.schedule.around };
        for value in high.saturating_sub(around)..=high.saturating_add(around).min(most) {
            self.step(value);
        }
    }

    /// The case at this value.
    fn step(&mut self, value: u64) -> Verdict {
        if let Some(verdict) = self.seen.get(&value) {
            return verdict.clone();
        }
        let what = format!("{} / {} / {} = {value}", self.swept.backend, self.job.case.name, self.limit.name);
        (self.told)(what);
        let mut policy = self.job.case.policy();
        (self.limit.set)(&mut policy, value);
        let verdict = match self.job.play(policy, self.time) {
            Ok(played) => judge(&self.reference, &played, self.limit),
            Err(error) => Verdict::Wrong(error),
        };
        self.swept.steps += 1;
        match &verdict {
            Verdict::Same => {}
            Verdict::Own(_) => self.swept.hits += 1,
            Verdict::Wrong(why) => self.wrong(value, why),
        }
        self.seen.insert(value, verdict.clone());
        verdict
    }

    fn wrong(&mut self, value: u64, why: &str) {
        let why: String = why.chars().take(400).collect();
        let (backend, case) = (&self.swept.backend, &self.job.case.name);
        self.swept.wrong.push(format!("{backend} / {case} / {} = {value}: {why}", self.limit.name));
    }

    /// What succeeds under a limit succeeds under each larger one.
    fn monotonic(&mut self) {
        // Where two limits race, either may win.
        if self.time == Time::Inside {
            return;
        }
        let Some((least, _)) = self.seen.iter().find(|(_, verdict)| **verdict == Verdict::Same) else { return };
        let fallen = self
            .seen
            .range(least.saturating_add(self.limit.grain)..)
            .find(|(_, verdict)| matches!(verdict, Verdict::Own(_)));
        if let Some((value, _)) = fallen {
            let (value, why) = (*value, format!("ends there, and not at {least}"));
            self.wrong(value, &why);
        }
    }
}

/// The policy of a case that sets no limit.
fn unset() -> Policy {
    let mut policy = Policy::development();
    policy.untrusted.limits = Limits::default();
    policy
}
