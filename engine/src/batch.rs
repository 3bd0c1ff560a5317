//! [`Batch`]: loads the plugins of one plan, several at a time where they have nothing to do with each other.
//!
//! What comes of it is the same however many threads take part: a plugin begins when those that it waits for are done; where one could
//! use up what another needs (places in the engine, memory of all, what a group has together) they begin in the plan's order, one after
//! the other; and one that may publish events while it is loaded is loaded alone, so that the same listeners hear it in the same order.
//! What the host's own functions see while plugins are loaded comes from several threads, in no order between plugins that do not need
//! each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    thread,
};

use crossbeam::channel::{self, Receiver, Sender};
use semver::Version;
use tracing::{Span, dispatcher};

use crate::{
    audit::Event,
    bus,
    call::{Slot, State, Transition},
    engine::Engine,
    error::{Code, Error, Result, Stage},
    host::{Group, calling, panic_text},
    inner::Inner,
    lifecycle,
    package::{Matched, Outline, Shelved},
    policy::{Admission, GroupBy},
    resolve::{Chosen, Plan, withheld_for},
    schedule::Schedule,
    verify::Vetted,
};

/// The most threads that load where the host says nothing: plugins are many and small, and a game has other things to do.
const THREADS: usize = 8;

/// How many plugins are handed out for each thread: one that is done finds the next without waiting for the one that hands them out.
const AHEAD: usize = 2;
/// As much stack as a main thread has: where a plugin is loaded must not decide how deep it may go.
const STACK: usize = 8 << 20;

/// What the host says of how plugins are loaded.
pub(crate) struct Terms<'a> {
    pub(crate) group: Option<&'a str>,
    /// `None` for as many as the machine has processors, up to [`THREADS`].
    pub(crate) threads: Option<usize>,
    /// Whether the first that fails keeps the others from being loaded.
    pub(crate) whole: bool,
    /// Asked before each plugin.
    pub(crate) stop: &'a mut dyn FnMut() -> bool,
    /// Told after each plugin: its id, and how many are done.
    pub(crate) told: &'a mut dyn FnMut(&str, usize),
}

/// A plugin, or why it was not loaded and for whose sake.
pub(crate) type End = std::result::Result<Arc<Slot>, (Error, Vec<String>)>;

/// What came of one plugin so far.
enum Outcome {
    Loaded(Arc<Slot>),
    Failed(Error, Vec<String>),
    /// Its turn never came: another failed first, and it is all or nothing.
    Withheld,
}

/// A plugin that was given its box.
struct Job<'a> {
    at: usize,
    contents: Matched<'a>,
    admission: Admission,
    group: Option<Arc<Group>>,
}

/// The plugins of one plan.
pub(crate) struct Batch<'a> {
    engine: &'a Engine,
    packages: &'a [Vetted<Shelved>],
    chosen: Vec<Option<&'a Chosen>>,
    /// By id, the place in the plan.
    places: BTreeMap<&'a str, usize>,
    outcomes: Vec<Option<Outcome>>,
    /// The first in the plan that failed.
    failed: Option<usize>,
    /// Bytes that those which run or wait for a thread may hold by their limits.
    reserved: u64,
    /// Bytes of contents that those read again.
    reading: u64,
    /// How many of these there may be.
    room: u64,
    /// The number of the plan's first.
    generation: u32,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(engine: &'a Engine, plan: &'a Plan, packages: &'a [Vetted<Shelved>]) -> Self {
        let id = |package: &'a Vetted<Shelved>| package.get().id().as_str();
        let caps = &engine.inner().policy.caps;
        let held: u64 = packages.iter().map(|package| package.get().held()).sum();
        Batch {
            engine,
            packages,
            chosen: packages.iter().map(|package| plan.get(id(package))).collect(),
            places: packages.iter().enumerate().map(|(at, package)| (id(package), at)).collect(),
            outcomes: packages.iter().map(|_| None).collect(),
            failed: None,
            reserved: 0,
            reading: 0,
            // In all the contents of two plugins as large as they may be.
            room: caps.total.saturating_add(caps.package).saturating_mul(2).saturating_sub(held),
            generation: engine.inner().generations(packages.len()),
        }
    }

    /// Loads them all; what came of each, in the plan's order.
    pub(crate) fn run(mut self, mut terms: Terms<'_>) -> Vec<End> {
        let (inner, packages, generation) = (self.engine.inner(), self.packages, self.generation);
        let mut schedule = self.schedule(&terms);
        let hands = threads(&terms, packages.len());
        let (hand, jobs) = channel::unbounded();
        let (tell, results) = channel::unbounded();
        thread::scope(|scope| {
            // Dropped when the plugins are loaded or the host's word on progress panics: then the workers go.
            let hand = hand;
            let workers = if hands < 2 { 0 } else { self.hire(scope, hands, &jobs, &tell) };
            let mut done = 0;
            loop {
                while schedule.running() < (AHEAD * workers).max(1)
                    && let Some(at) = schedule.next()
                    && (schedule.running() == 0 || self.fits(at))
                {
                    schedule.begin();
                    self.reserved = self.reserved.saturating_add(self.most(at));
                    self.reading = self.reading.saturating_add(packages[at].get().to_read());
                    // The other ends of both channels are here.
                    match self.prepare(at, &mut terms) {
                        Ok(job) => drop(hand.send(job)),
                        Err(outcome) => drop(tell.send((at, outcome))),
                    }
                }
                if schedule.running() == 0 {
                    break;
                }
                if workers == 0 {
                    jobs.try_iter().for_each(|job| drop(tell.send(work(inner, packages, generation, job))));
                }
                let Ok((at, outcome)) = results.recv() else { break };
                done += 1;
                self.note(at, outcome);
                schedule.end(at);
                self.reserved = if schedule.running() == 0 { 0 } else { self.reserved.saturating_sub(self.most(at)) };
                self.reading = self.reading.saturating_sub(packages[at].get().to_read());
                (terms.told)(packages[at].get().id().as_str(), done);
            }
        });
        if terms.whole {
            self.take_back()
        } else {
            self.part()
        }
        let lost = || Error::new(Code::InternalBug, Stage::Load, "a plugin was neither loaded nor refused");
        let end = |outcome| match outcome {
            Some(Outcome::Loaded(slot)) => Ok(slot),
            Some(Outcome::Failed(error, sake)) => Err((error, sake)),
            Some(Outcome::Withheld) | None => Err((lost(), Vec::new())),
        };
        self.outcomes.into_iter().map(end).collect()
    }

    /// One that failed takes all others along.
    fn take_back(&mut self) {
        let Some(failed) = self.failed else { return };
        let Some(Outcome::Failed(error, for_whom)) = self.outcomes[failed].take() else { return };
        let first = self.packages[failed].get().id().as_str();
        for at in (0..self.packages.len()).rev().filter(|at| *at != failed) {
            let name = self.packages[at].get().id().as_str();
            let withheld = withheld_for((first, error.code(), error.message()), name);
            let sake = vec![first.to_owned()];
            let outcome = match self.outcomes[at].take() {
                Some(Outcome::Loaded(slot)) => {
                    self.engine.take_away_for(&slot, withheld.message());
                    self.engine.inner().audit.error(Event::Refused, self.whose(at), &withheld);
                    Outcome::Failed(withheld, sake)
                }
                // It was begun because nobody knew of the failure yet.
                Some(Outcome::Failed(..)) => Outcome::Failed(withheld, sake),
                Some(Outcome::Withheld) | None => self.refused(at, withheld, sake),
            };
            self.outcomes[at] = Some(outcome);
        }
        self.outcomes[failed] = Some(Outcome::Failed(error, for_whom));
    }

    /// What needs one that failed and came before it in the plan, which only `order = false` lets it, goes after all.
    fn part(&mut self) {
        let mut gone = BTreeMap::new();
        while self.failed.is_some() {
            let is_loaded = |at: &usize| matches!(self.outcomes[*at], Some(Outcome::Loaded(_)));
            let lost: Vec<_> = (0..self.packages.len())
                .filter(is_loaded)
                .filter_map(|at| self.bereaved(at, true).map(|(error, lost)| (at, error, lost)))
                .collect();
            if lost.is_empty() {
                break;
            }
            for (at, error, lost) in lost {
                self.engine.inner().audit.error(Event::Refused, self.whose(at), &error);
                let reason = error.message().to_owned();
                if let Some(Outcome::Loaded(slot)) = self.outcomes[at].replace(Outcome::Failed(error, vec![lost])) {
                    gone.insert(at, (slot, reason));
                }
            }
        }
        for (slot, reason) in gone.values().rev() {
            self.engine.take_away_for(slot, reason);
        }
    }

    /// Starts up to `hands` threads that load what is handed to them; how many there are.
    fn hire<'s>(
        &self,
        scope: &'s thread::Scope<'s, '_>,
        hands: usize,
        jobs: &Receiver<Job<'a>>,
        tell: &Sender<(usize, Outcome)>,
    ) -> usize
    where
        'a: 's,
    {
        let (inner, packages, generation) = (self.engine.inner(), self.packages, self.generation);
        let (dispatch, span) = (dispatcher::get_default(Clone::clone), Span::current());
        let hired = (0..hands).map_while(|_| {
            let (jobs, tell, dispatch, span) = (jobs.clone(), tell.clone(), dispatch.clone(), span.clone());
            let work = move || {
                dispatcher::with_default(&dispatch, || {
                    let _entered = span.enter();
                    jobs.iter().for_each(|job| drop(tell.send(work(inner, packages, generation, job))));
                });
            };
            // Fewer threads do, and none: then this one does the work.
            thread::Builder::new().name("modhost-load".into()).stack_size(STACK).spawn_scoped(scope, work).ok()
        });
        hired.count()
    }

    /// What each waits for, and what is loaded alone.
    fn schedule(&self, terms: &Terms<'_>) -> Schedule {
        let inner = self.engine.inner();
        let policy = &inner.policy;
        // Who is refused for want of a place is the last in the plan.
        let crowded = inner.slots().len().saturating_add(self.packages.len()) > policy.instances as usize;
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut before, mut alone) = (Vec::new(), BTreeSet::new());
        for (at, package) in self.packages.iter().enumerate() {
            let package = package.get();
            let links = self.chosen[at].map(|chosen| &chosen.links[..]).unwrap_or_default();
            // Those without order, too, where they come before: whether they are there must not depend on who is faster.
            let mut waits: BTreeSet<usize> = links
                .iter()
                .filter_map(|link| self.places.get(link.id.as_str()).copied())
                .filter(|on| *on < at)
                .collect();
            let group = match policy.group_by {
                GroupBy::Publisher => terms.group.or(package.id().publisher()),
                GroupBy::Nothing => terms.group,
            };
            waits.extend(group.and_then(|group| last.insert(group, at)));
            before.push(waits);
            let granted = &policy.level(self.packages[at].trust()).capabilities;
            if crowded || bus::may_publish(&inner.registry, package, granted) {
                alone.insert(at);
            }
        }
        Schedule::new(&before, alone)
    }

    /// Bytes that a plugin may hold, as far as that is known before it is admitted.
    fn most(&self, at: usize) -> u64 {
        let policy = &self.engine.inner().policy;
        policy.overrides.memory.unwrap_or(policy.level(self.packages[at].trust()).limits.memory)
    }

    /// Whether the plugin may begin beside those that run: not where together they could hold more than all plugins may, nor where
    /// there would be too much in memory that was read again.
    fn fits(&self, at: usize) -> bool {
        let held = &self.engine.inner().held;
        held.bytes().saturating_add(self.reserved).saturating_add(self.most(at)) <= held.most()
            && self.reading.saturating_add(self.packages[at].get().to_read()) <= self.room
    }

    /// Gives the plugin its box, now that it is its turn. What is to be read again is read here, on the thread that calls: one at a time,
    /// and an allocator that keeps places for each thread keeps none of these for every worker.
    fn prepare(&self, at: usize, terms: &mut Terms<'_>) -> Result<Job<'a>, Outcome> {
        if terms.whole && self.failed.is_some_and(|failed| failed < at) {
            return Err(Outcome::Withheld);
        }
        let (inner, package) = (self.engine.inner(), &self.packages[at]);
        let name = package.get().id().as_str();
        inner.chronicle.on_the_way(name, State::Vetted, Transition::Resolve, "has a place in the plan", None);
        if let Some((error, lost)) = self.bereaved(at, false) {
            return Err(self.refused(at, error, vec![lost]));
        }
        let admitted = if (terms.stop)() {
            Err(Error::new(Code::CallInterrupted, Stage::Load, "the host stopped the loading of plugins").of(name))
        } else {
            inner
                .group_of(package.get(), terms.group)
                .and_then(|group| inner.admit(package, group.as_deref()).map(|admitted| (admitted, group)))
        };
        match admitted {
            Ok(((admission, contents), group)) => Ok(Job { at, contents, admission, group }),
            Err(error) => Err(self.refused(at, error, Vec::new())),
        }
    }

    fn whose(&self, at: usize) -> (&str, &Version) {
        let package = self.packages[at].get();
        (package.id().as_str(), package.version())
    }

    fn refused(&self, at: usize, error: Error, sake: Vec<String>) -> Outcome {
        let whose = self.whose(at);
        self.engine.inner().audit.error(Event::Refused, whose, &error);
        self.engine.inner().turned_away(State::Resolved, whose.0, &error);
        Outcome::Failed(error, sake)
    }

    fn note(&mut self, at: usize, outcome: Outcome) {
        if matches!(outcome, Outcome::Failed(..)) {
            self.failed = Some(self.failed.map_or(at, |failed| failed.min(at)));
        }
        self.outcomes[at] = Some(outcome);
    }

    /// A plugin that it needs and that could not be loaded takes it along: the error, and whose. Of those that come after it in the plan,
    /// which only `order = false` lets them, it is asked when all are done.
    fn bereaved(&self, at: usize, later: bool) -> Option<(Error, String)> {
        bereaved(self.packages[at].get(), self.chosen[at]?, &|id| match self.places.get(id) {
            Some(on) if later || *on < at => matches!(self.outcomes[*on], Some(Outcome::Loaded(_))),
            Some(_) => true,
            None => self.engine.inner().slots().named(id).is_some(),
        })
    }
}

/// How many threads load so many plugins.
fn threads(terms: &Terms<'_>, count: usize) -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    // Inside a call the depth of calls and the group's fuel are that call's, on its thread; and the plugins of one group wait for each
    // other anyway.
    if count < 2 || terms.group.is_some() || calling(|_| ()).is_some() {
        return 1;
    }
    let processors = || *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from).min(THREADS));
    terms.threads.unwrap_or_else(processors).min(count)
}

/// Loads one plugin, on any thread. What is not caught below is a bug of ours, and must not take the others along.
fn work(inner: &Arc<Inner>, packages: &[Vetted<Shelved>], generation: u32, job: Job<'_>) -> (usize, Outcome) {
    let Job { at, contents, admission, group } = job;
    let number = generation.wrapping_add(u32::try_from(at).unwrap_or(u32::MAX));
    let load = || lifecycle::load(inner, &packages[at], contents, &admission, group, number);
    let outcome = match catch_unwind(AssertUnwindSafe(load)) {
        Ok(Ok(slot)) => Outcome::Loaded(slot),
        Ok(Err(error)) => Outcome::Failed(error, Vec::new()),
        Err(panic) => {
            let message = format!("loading panicked: {}", panic_text(&*panic));
            let error = Error::new(Code::InternalBug, Stage::Load, message);
            Outcome::Failed(error.of(packages[at].get().id().as_str()), Vec::new())
        }
    };
    (at, outcome)
}

/// The first that a plugin cannot do without and that is not there: the error, and its id.
fn bereaved(package: &Outline, chosen: &Chosen, there: &dyn Fn(&str) -> bool) -> Option<(Error, String)> {
    let lost = chosen.links.iter().find(|link| !link.is_optional() && !there(&link.id))?;
    let message = format!("needs {}, which could not be loaded", lost.id);
    let error = Error::new(Code::ResolveMissing, Stage::Resolve, message).of(package.id().to_string());
    let mut needs = package.manifest()?.dependencies.iter();
    let error = match needs.find(|need| need.id.as_str() == lost.id) {
        Some(need) => error.at_place(need.at.clone()),
        None => error,
    };
    Some((error, lost.id.clone()))
}
