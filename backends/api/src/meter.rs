//! [`Meter`]: one plugin's fuel, output and sticky kill flag; installed once at load, refilled at each call.

use std::{
    sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::{Fault, FaultKind, Limits, Resource};

/// What one call used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// Fuel, in the backend's unit.
    pub fuel: u64,
    /// Bytes printed.
    pub output: u64,
}

/// The kill flag's value for a call that the host ended.
const INTERRUPTED: u8 = u8::MAX;

/// One plugin's fuel, output and sticky kill flag.
///
/// The thread that runs the plugin is the only writer of fuel and output, so counting is a relaxed load and store. Any
/// other thread may only ask the running call to stop ([`Meter::stop`]); the request names the call, so that it never
/// reaches the next one. Once killed, a meter stays killed: the engine judges by it before it looks at a returned value,
/// and a killed instance is dropped.
///
/// ```
/// use modhost_backend::{Limits, Meter, Resource};
///
/// let mut limits = Limits::default();
/// limits.fuel = 2;
/// let meter = Meter::new(limits);
/// meter.begin();
/// assert!(meter.spend(2).is_ok());
/// assert_eq!(meter.spend(1).unwrap_err().code(), "limit.fuel");
/// assert_eq!(meter.verdict().unwrap_err().code(), "limit.fuel"); // whatever the guest caught meanwhile
/// assert_eq!(meter.end().fuel, 2);
/// ```
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    fuel: AtomicU64,
    output: AtomicU64,
    /// 0, a [`Resource`] or [`INTERRUPTED`].
    killed: AtomicU8,
    /// Counts calls, and stretches of a call that is suspended in between: odd while one runs.
    call: AtomicU64,
    /// Nanoseconds that earlier stretches of the call ran.
    ran: AtomicU64,
    /// The call that was asked to stop for its deadline.
    overdue: AtomicU64,
    /// The call that the host asked to stop.
    cancelled: AtomicU64,
}

impl Meter {
    /// A meter at rest, for a plugin with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let never = || AtomicU64::new(0);
        Meter {
            limits,
            fuel: never(),
            output: never(),
            killed: AtomicU8::new(0),
            call: AtomicU64::new(2),
            ran: never(),
            overdue: never(),
            cancelled: never(),
        }
    }

    /// The plugin's limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Refills for a call (or a load), which runs until [`Meter::end`]. Calls of one plugin do not nest.
    #[inline]
    pub fn begin(&self) {
        self.fuel.store(self.limits.fuel, Relaxed);
        self.output.store(self.limits.output, Relaxed);
        self.ran.store(0, Relaxed);
        self.call.store(self.call.load(Relaxed) | 1, Relaxed);
    }

    /// The call is suspended, after it has run for `ran` in all. Until [`Meter::go_on`] no call runs, for watchdogs as for
    /// whoever wants to cancel one.
    pub fn pause(&self, ran: Duration) {
        self.ran.store(u64::try_from(ran.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        self.call.store((self.call.load(Relaxed) | 1) + 1, Relaxed);
    }

    /// The suspended call goes on, with the fuel, output and time that it has left.
    pub fn go_on(&self) {
        self.call.store(self.call.load(Relaxed) | 1, Relaxed);
    }

    /// How long the call had run when it was suspended last.
    #[must_use]
    pub fn ran(&self) -> Duration {
        Duration::from_nanos(self.ran.load(Relaxed))
    }

    /// The call is over; says what it used.
    #[inline]
    pub fn end(&self) -> Usage {
        self.call.store((self.call.load(Relaxed) | 1) + 1, Relaxed);
        self.usage()
    }

    /// What the call has used so far, or the last one used.
    #[inline]
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            fuel: self.limits.fuel - self.fuel.load(Relaxed),
            output: self.limits.output - self.output.load(Relaxed),
        }
    }

    /// Fuel that the running call has left.
    #[inline]
    #[must_use]
    pub fn fuel_left(&self) -> u64 {
        self.fuel.load(Relaxed)
    }

    /// Sets the fuel that is left, for a backend whose interpreter counts by itself (wasm); never above the limit.
    #[inline]
    pub fn set_fuel_left(&self, units: u64) {
        self.fuel.store(units.min(self.limits.fuel), Relaxed);
    }

    /// Charges fuel at a safepoint and looks whether the call must stop.
    ///
    /// # Errors
    /// The limit's fault; the meter is killed.
    #[inline]
    pub fn spend(&self, units: u64) -> Result<(), Fault> {
        if self.charge(units) { Ok(()) } else { Err(self.fault()) }
    }

    /// [`Meter::spend`] without building the fault, for callbacks that cannot return one: false means stop now.
    #[inline]
    #[must_use]
    pub fn charge(&self, units: u64) -> bool {
        let left = self.fuel.load(Relaxed);
        if left < units {
            self.fuel.store(0, Relaxed);
            self.kill(Resource::Fuel);
            return false;
        }
        self.fuel.store(left - units, Relaxed);
        self.alive()
    }

    /// Whether the call may go on: not killed, not asked to stop.
    #[inline]
    #[must_use]
    pub fn alive(&self) -> bool {
        let call = self.call.load(Relaxed);
        if self.overdue.load(Relaxed) == call {
            self.kill(Resource::Deadline);
        }
        if self.cancelled.load(Relaxed) == call {
            self.mark(INTERRUPTED);
        }
        self.killed.load(Relaxed) == 0
    }

    /// Charges `bytes` of printed text.
    ///
    /// # Errors
    /// The limit's fault; the meter is killed.
    pub fn print(&self, bytes: usize) -> Result<(), Fault> {
        match self.output.load(Relaxed).checked_sub(bytes as u64) {
            Some(left) => {
                self.output.store(left, Relaxed);
                Ok(())
            }
            None => Err(self.exceeded(Resource::Output)),
        }
    }

    /// Ends the plugin for running out of `resource`. The first cause holds.
    pub fn kill(&self, resource: Resource) {
        self.mark(resource as u8);
    }

    /// [`Meter::kill`], and the fault that says so.
    #[must_use]
    pub fn exceeded(&self, resource: Resource) -> Fault {
        self.kill(resource);
        self.fault()
    }

    /// Whether the plugin was ended, now or in an earlier call.
    #[inline]
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.killed.load(Relaxed) != 0
    }

    /// The judgement on a call, asked before its value is looked at.
    ///
    /// # Errors
    /// The fault of what killed it.
    #[inline]
    pub fn verdict(&self) -> Result<(), Fault> {
        if self.is_killed() { Err(self.fault()) } else { Ok(()) }
    }

    /// The fault for `resource` at this plugin's limit, without a kill.
    #[must_use]
    pub fn limit_fault(&self, resource: Resource) -> Fault {
        let limits = &self.limits;
        let limit = match resource {
            Resource::Fuel => limits.fuel,
            Resource::Memory => limits.memory,
            Resource::Deadline => u64::try_from(limits.deadline.as_nanos()).unwrap_or(u64::MAX),
            Resource::Depth => u64::from(limits.call_depth),
            Resource::Value => limits.value.bytes,
            Resource::Output => limits.output,
            Resource::Queue => u64::from(limits.queue),
            // The engine's limits, not a plugin's: the engine says itself which number was exceeded.
            Resource::Instances | Resource::Group => 0,
        };
        Fault::new(FaultKind::Limit { resource, limit })
    }

    /// The number of the running call (odd), or of the pause after the last (even). For watchdogs.
    #[must_use]
    pub fn call_number(&self) -> u64 {
        self.call.load(Relaxed)
    }

    /// Asks call number `call` to stop because its deadline has passed. From any thread; a later call is not touched.
    pub fn stop(&self, call: u64) {
        self.overdue.store(call, Relaxed);
    }

    /// Asks call number `call` to stop because the host wants it. From any thread; a later call is not touched.
    pub fn cancel(&self, call: u64) {
        self.cancelled.store(call, Relaxed);
    }

    #[cold]
    fn mark(&self, cause: u8) {
        // Another thread never writes here, so a failed exchange means that an earlier cause stands.
        let _ = self.killed.compare_exchange(0, cause, Relaxed, Relaxed);
    }

    #[cold]
    fn fault(&self) -> Fault {
        let cause = self.killed.load(Relaxed);
        match Resource::ALL.into_iter().find(|resource| *resource as u8 == cause) {
            Some(resource) => self.limit_fault(resource),
            None => Fault::new(FaultKind::Interrupted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(fuel: u64) -> Meter {
        Meter::new(Limits { fuel, ..Limits::default() })
    }

    #[test]
    fn a_stop_reaches_only_the_call_it_names() {
        let meter = meter(10);
        meter.begin();
        let first = meter.call_number();
        meter.end();
        meter.begin();
        meter.stop(first);
        assert!(meter.alive());
        meter.stop(meter.call_number());
        assert!(!meter.alive());
        assert_eq!(meter.verdict().unwrap_err().code(), "limit.deadline");
    }

    #[test]
    fn a_suspended_call_keeps_what_it_has_left_and_is_not_running() {
        let meter = meter(10);
        meter.begin();
        assert!(meter.charge(4));
        meter.pause(Duration::from_millis(3));
        assert_eq!((meter.call_number() % 2, meter.ran()), (0, Duration::from_millis(3)));
        meter.go_on();
        assert_eq!((meter.call_number() % 2, meter.fuel_left()), (1, 6));
        assert_eq!(meter.end().fuel, 4);
        meter.begin();
        assert_eq!((meter.ran(), meter.fuel_left()), (Duration::ZERO, 10));
    }

    #[test]
    fn a_meter_at_rest_is_not_stopped() {
        let meter = meter(10);
        assert!(meter.alive(), "call number 0 is no running call");
        meter.cancel(meter.call_number() + 1);
        meter.begin();
        assert_eq!(meter.spend(1).unwrap_err().code(), "call.interrupted");
    }

    #[test]
    fn zero_fuel_is_a_limit_of_zero() {
        let meter = meter(0);
        meter.begin();
        assert!(meter.charge(0));
        assert_eq!(meter.spend(1).unwrap_err().code(), "limit.fuel");
        meter.begin();
        assert!(meter.is_killed(), "a refill does not heal");
    }
}
