//! [`Clock`]: where the engine's time comes from.

use std::{
    sync::{Mutex, PoisonError, Weak},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The engine's time. [`SystemClock`] unless the builder is given another.
pub trait Clock: Send + Sync {
    /// Time since any fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// The date, for what ends by the calendar: keys, signatures, revocation lists. It may be set back; whatever must not
    /// run backwards uses [`Clock::now`].
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

/// A clock that moves by hand: for tests, and for hosts whose time is their own.
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
///
/// Its date is 2026-01-01T00:00:00Z plus what time went on, unless [`ManualClock::set_wall`] set another.
pub struct ManualClock {
    now: Mutex<Duration>,
    /// The date when `now` was 0.
    start: Mutex<SystemTime>,
    listeners: Mutex<Vec<Weak<dyn Step>>>,
}

/// 2026-01-01T00:00:00Z, in seconds since 1970.
const DATE: u64 = 1_767_225_600;

impl Default for ManualClock {
    fn default() -> Self {
        let start = UNIX_EPOCH + Duration::from_secs(DATE);
        ManualClock { now: Mutex::default(), start: Mutex::new(start), listeners: Mutex::default() }
    }
}

impl ManualClock {
    /// Sets the date, forward or back; deadlines do not notice.
    pub fn set_wall(&self, wall: SystemTime) {
        // A date too early to count from gives the earliest there is.
        let start = wall.checked_sub(self.now()).unwrap_or(UNIX_EPOCH);
        *self.start.lock().unwrap_or_else(PoisonError::into_inner) = start;
    }

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
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wall(&self) -> SystemTime {
        let start = *self.start.lock().unwrap_or_else(PoisonError::into_inner);
        start.checked_add(self.now()).unwrap_or(start)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_clock_by_hand() {
        let clock = ManualClock::default();
        let day = Duration::from_secs(86_400);
        let new_year = UNIX_EPOCH + Duration::from_secs(DATE);
        assert_eq!(clock.wall(), new_year);
        clock.advance(day);
        assert_eq!((clock.now(), clock.wall()), (day, new_year + day));
        // Setting the date back moves no deadline.
        clock.set_wall(UNIX_EPOCH + day);
        clock.advance(day);
        assert_eq!((clock.now(), clock.wall()), (2 * day, UNIX_EPOCH + 2 * day));
    }
}
