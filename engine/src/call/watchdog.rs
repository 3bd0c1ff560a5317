//! [`Watchdog`]: notices calls that run past their deadline and asks their meters to stop them. It can interrupt, never touch an
//! instance.
//!
//! It looks at each meter once a tick, and once more when a deadline falls between two of them. A call is timed from the first look that sees it, so a call costs no clock reading of
//! its own, and a stop names the call, so that one that is late never reaches the next. An idle engine causes no wake-ups: after
//! some quiet ticks the thread sleeps until a call finds it asleep.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use crossbeam::channel::{self, Receiver, Sender};
use modhost_backend::Meter;

use super::clock::{Clock, Step};

/// How often a busy engine's meters are looked at.
const TICK: Duration = Duration::from_millis(1);
/// The least time between two looks, however soon the next deadline is.
const SHORTEST: Duration = Duration::from_micros(50);
/// After so many ticks without a call the thread sleeps.
const QUIET: u32 = 64;

struct Watched {
    meter: Weak<Meter>,
    /// The meter's number at the last look.
    number: u64,
    /// The call that was last seen running, and since when.
    call: u64,
    since: Duration,
}

struct Shared {
    clock: Arc<dyn Clock>,
    /// Meters that came since the last look.
    fresh: Receiver<Watched>,
    watched: Mutex<Vec<Watched>>,
    asleep: AtomicBool,
    quit: AtomicBool,
}

/// One engine's watchdog.
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    /// Feeds the watchdog: loading a plugin never waits for a look.
    feed: Sender<Watched>,
    thread: OnceLock<Result<Option<thread::Thread>, std::io::Error>>,
}

impl Watchdog {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let (feed, fresh) = channel::unbounded();
        let shared = Shared {
            clock,
            fresh,
            watched: Mutex::new(Vec::new()),
            asleep: AtomicBool::new(false),
            quit: AtomicBool::new(false),
        };
        Watchdog { shared: Arc::new(shared), feed, thread: OnceLock::new() }
    }

    /// Watches `meter` until it is dropped. The first one starts the thread, unless the clock is stepped by hand.
    pub(crate) fn watch(&self, meter: &Arc<Meter>) -> Result<(), std::io::Error> {
        let watched = Watched { meter: Arc::downgrade(meter), number: 0, call: 0, since: Duration::ZERO };
        // The receiver lives as long as this sender.
        let _ = self.feed.send(watched);
        let started = self.thread.get_or_init(|| {
            let as_listener: Arc<dyn Step> = self.shared.clone();
            if self.shared.clock.stepped(Arc::downgrade(&as_listener)) {
                return Ok(None);
            }
            let shared = self.shared.clone();
            let spawned = thread::Builder::new().name("modhost-watchdog".into()).spawn(move || shared.run());
            spawned.map(|handle| Some(handle.thread().clone()))
        });
        // Without its thread no plugin is ever loaded: a deadline that nobody looks at is no limit.
        started.as_ref().map(|_| ()).map_err(|error| std::io::Error::new(error.kind(), error.to_string()))
    }

    /// Asked at the start of each call: a sleeping watchdog is woken.
    #[inline]
    pub(crate) fn wake(&self) {
        if self.shared.asleep.load(SeqCst) {
            self.wake_now();
        }
    }

    #[cold]
    fn wake_now(&self) {
        if self.shared.asleep.swap(false, SeqCst)
            && let Some(Ok(Some(thread))) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// How long the call of `meter` that runs or has just ended ran until now; `None` if it was too short to be seen since it
    /// began, or went on.
    pub(crate) fn elapsed(&self, meter: &Arc<Meter>) -> Option<Duration> {
        let watched = self.shared.lock();
        let entry = watched.iter().find(|entry| std::ptr::eq(entry.meter.as_ptr(), Arc::as_ptr(meter)))?;
        let now = meter.call_number();
        let latest = if now % 2 == 1 { now } else { now - 1 };
        (entry.call == latest).then(|| self.shared.clock.now().saturating_sub(entry.since) + meter.ran())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.quit.store(true, SeqCst);
        if let Some(Ok(Some(thread))) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at each meter once. A call seen for the first time began at `earliest` or later. Nothing if no call was seen; else how
    /// long it is to the next look.
    fn look(&self, earliest: Duration, now: Duration) -> Option<Duration> {
        let mut busy = false;
        let mut next = TICK;
        let mut watched = self.lock();
        watched.extend(self.fresh.try_iter());
        watched.retain_mut(|entry| {
            let Some(meter) = entry.meter.upgrade() else { return false };
            let call = meter.call_number();
            let running = call % 2 == 1;
            busy |= running || call != entry.number;
            entry.number = call;
            if running && call != entry.call {
                (entry.call, entry.since) = (call, earliest);
            }
            if running {
                let left = meter.limits().deadline.saturating_sub(now.saturating_sub(entry.since) + meter.ran());
                if left.is_zero() {
                    meter.stop(call);
                } else {
                    next = next.min(left);
                }
            }
            true
        });
        busy.then(|| next.max(SHORTEST))
    }

    fn run(&self) {
        let (mut quiet, mut next) = (0, TICK);
        while !self.quit.load(SeqCst) {
            thread::park_timeout(next);
            let now = self.clock.now();
            let seen = self.look(now, now);
            quiet = if seen.is_some() { 0 } else { quiet + 1 };
            next = seen.unwrap_or(TICK);
            if quiet < QUIET {
                continue;
            }
            // A call that begins now either sees `asleep` or is seen by the look one tick later: its store to the meter is long
            // visible by then.
            self.asleep.store(true, SeqCst);
            thread::park_timeout(TICK);
            let now = self.clock.now();
            if self.look(now, now).is_some() {
                self.asleep.store(false, SeqCst);
            }
            while self.asleep.load(SeqCst) && !self.quit.load(SeqCst) {
                thread::park();
            }
            quiet = 0;
        }
    }
}

impl Step for Shared {
    fn step(&self, from: Duration, to: Duration) {
        self.look(from, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::ManualClock;
    use modhost_backend::Limits;

    #[test]
    fn a_call_is_stopped_when_its_deadline_has_passed_and_not_before() {
        let clock = Arc::new(ManualClock::default());
        let watchdog = Watchdog::new(clock.clone());
        let mut limits = Limits::default();
        limits.deadline = Duration::from_millis(50);
        let meter = Arc::new(Meter::new(limits));
        watchdog.watch(&meter).unwrap();
        clock.advance(Duration::from_secs(10));
        for _ in 0..2 {
            meter.begin();
            clock.advance(Duration::from_millis(49));
            assert!(meter.alive());
            meter.end();
        }
        meter.begin();
        clock.advance(Duration::from_millis(50));
        assert!(!meter.alive());
        assert_eq!(watchdog.elapsed(&meter), Some(Duration::from_millis(50)));
    }

    #[test]
    fn a_deadline_between_two_ticks_is_looked_at_when_it_passes() {
        let shared = Watchdog::new(Arc::new(ManualClock::default())).shared.clone();
        let mut limits = Limits::default();
        limits.deadline = Duration::from_micros(5_400);
        let meter = Arc::new(Meter::new(limits));
        let watched = Watched { meter: Arc::downgrade(&meter), number: 0, call: 0, since: Duration::ZERO };
        shared.lock().push(watched);
        let look = |micros: u64| {
            let now = Duration::from_micros(micros);
            shared.look(now, now)
        };
        look(0);
        assert_eq!(look(0), None, "no call was seen");
        meter.begin();
        assert_eq!(look(0), Some(TICK));
        assert_eq!(look(5_000), Some(Duration::from_micros(400)));
        assert_eq!((look(5_399), meter.alive()), (Some(SHORTEST), true));
        assert_eq!((look(5_400), meter.alive()), (Some(TICK), false));
    }

    #[test]
    fn the_time_of_a_suspended_call_stands_still() {
        let clock = Arc::new(ManualClock::default());
        let watchdog = Watchdog::new(clock.clone());
        let mut limits = Limits::default();
        limits.deadline = Duration::from_millis(50);
        let meter = Arc::new(Meter::new(limits));
        watchdog.watch(&meter).unwrap();
        meter.begin();
        for _ in 0..3 {
            clock.advance(Duration::from_millis(15));
            meter.pause(watchdog.elapsed(&meter).unwrap());
            clock.advance(Duration::from_secs(10));
            assert!(meter.alive());
            meter.go_on();
        }
        assert_eq!(meter.ran(), Duration::from_millis(45));
        clock.advance(Duration::from_millis(5));
        assert!(!meter.alive());
        assert_eq!(watchdog.elapsed(&meter), Some(Duration::from_millis(50)));
    }

    #[test]
    fn a_suspended_call_lets_the_watchdog_sleep() {
        let watchdog = Watchdog::new(Arc::new(crate::call::SystemClock::default()));
        let meter = Arc::new(Meter::new(Limits::default()));
        watchdog.watch(&meter).unwrap();
        meter.begin();
        meter.pause(Duration::ZERO);
        while !watchdog.shared.asleep.load(SeqCst) {
            thread::yield_now();
        }
        assert!(meter.alive());
    }

    #[test]
    fn a_sleeping_watchdog_is_woken_by_a_call() {
        let watchdog = Watchdog::new(Arc::new(crate::call::SystemClock::default()));
        let mut limits = Limits::default();
        limits.deadline = Duration::from_millis(5);
        let meter = Arc::new(Meter::new(limits));
        watchdog.watch(&meter).unwrap();
        while !watchdog.shared.asleep.load(SeqCst) {
            thread::yield_now();
        }
        meter.begin();
        watchdog.wake();
        while meter.alive() {
            thread::yield_now();
        }
        assert_eq!(meter.verdict().unwrap_err().code(), "limit.deadline");
    }
}
