//! [`Clock`]: where the engine's time comes from.

use std::{
    sync::{Mutex, PoisonError, Weak},
    time::{Duration, Instant, SystemTime},
};

/// The engine's time. [`SystemClock`] unless the builder is given another.
pub trait Clock: Send + Sync {
    /// Time since any fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// The date. It may go back, as a machine's may.
    fn wall(&self) -> SystemTime;

    /// Whether time moves by hand only. Such a clock tells `listener` of each step, and the engine starts no watchdog thread.
    fn stepped(&self, listener: Weak<dyn Step>) -> bool;
}

/// Told of each step of a clock that moves by hand.
pub trait Step: Send + Sync {
    /// Time went from `from` to `to`.
    fn step(&self, from: Duration, to: Duration);
}

/// The machine's monotonic clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn stepped(&self, _listener: Weak<dyn Step>) -> bool {
        false
    }
}

/// A clock that moves by hand: for tests, and for hosts whose time is their own. It begins with 2026-01-01T00:00:00Z, unless it is told
/// another date.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use modhost::{Code, Engine, ManualClock};
///
/// let clock = Arc::new(ManualClock::default());
/// let time = clock.clone();
/// let engine = Engine::builder()
///     .clock(clock)
///     .function("game.wait", move |seconds: f64| time.advance(Duration::from_secs_f64(seconds)))
///     .build()?;
/// let plugin = engine.load_source("slow.lua", "function go() while true do game.wait(0.25) end end")?;
/// let error = engine.call::<_, ()>(&mut (), plugin, "go", ()).unwrap_err();
/// assert_eq!(error.code(), Code::LimitDeadline);
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Default)]
pub struct ManualClock {
    now: Mutex<Duration>,
    /// The date at the beginning, where one was set.
    began: Mutex<Option<SystemTime>>,
    listeners: Mutex<Vec<Weak<dyn Step>>>,
}

impl ManualClock {
    /// Moves time on by `by`; deadlines that pass are noticed before this returns.
    pub fn advance(&self, by: Duration) {
        let (from, to) = {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            let from = *now;
            *now = from.saturating_add(by);
            (from, *now)
        };
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.step(from, to);
        }
    }

    /// Makes it `wall` o'clock; it goes on from there with the steps. What is timed by [`Clock::now`] does not see it.
    pub fn set_wall(&self, wall: SystemTime) {
        let began = wall.checked_sub(self.now()).unwrap_or(SystemTime::UNIX_EPOCH);
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
    }
}

/// 2026-01-01T00:00:00Z.
const BEGAN: Duration = Duration::from_secs(1_767_225_600);

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wall(&self) -> SystemTime {
        let began = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        began.unwrap_or(SystemTime::UNIX_EPOCH + BEGAN).checked_add(now).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    fn stepped(&self, listener: Weak<dyn Step>) -> bool {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
        true
    }
}

impl std::fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ManualClock({:?})", self.now())
    }
}
