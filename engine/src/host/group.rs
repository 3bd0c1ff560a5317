//! [`Group`]: what the plugins of one owner have together, and [`Share`]: what one call takes out of it.
//!
//! A group's fuel is a purse: a call takes what it may use when it begins, so that no number of threads spends it twice, and gives
//! back what it did not use. A call that is nested in one of the same group would find the purse empty; it takes what is missing
//! from the meter of the call that led to it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use modhost_backend::{Fault, FaultKind, Meter, Resource};

use super::{caller::calling, held::Held};
use crate::{
    error::{Error, Stage},
    policy::GroupLimits,
};

/// What the plugins of one owner have together.
#[derive(Debug)]
pub(crate) struct Group {
    name: String,
    pub(crate) held: Held,
    plugins: AtomicU32,
    queued: AtomicU32,
    purse: Mutex<Purse>,
}

/// What is used up in a period, and the limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Purse {
    pub(crate) limits: GroupLimits,
    /// Fuel that calls have used.
    pub(crate) fuel: u64,
    /// Fuel that running calls may use.
    reserved: u64,
    pub(crate) time: Duration,
    pub(crate) output: u64,
    /// Calls, loads, events and lines that were refused, since ever.
    pub(crate) refusals: u64,
    /// Whether a call was refused in this period.
    told: bool,
}

/// A group has no more of something.
#[derive(Clone, Debug)]
pub(crate) struct UsedUp {
    /// The limit, in its own unit.
    pub(crate) limit: u64,
    pub(crate) message: String,
    /// The first in its period.
    pub(crate) first: bool,
}

impl UsedUp {
    pub(crate) fn fault(&self) -> Fault {
        Fault::new(FaultKind::Limit { resource: Resource::Group, limit: self.limit })
    }

    pub(crate) fn error(&self, stage: Stage) -> Error {
        Error::from_fault(stage, self.fault()).saying(self.message.as_str())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Group {
    pub(crate) fn new(name: &str, limits: GroupLimits) -> Self {
        Group {
            name: name.to_owned(),
            held: Held::new(limits.memory),
            plugins: AtomicU32::new(0),
            queued: AtomicU32::new(0),
            purse: Mutex::new(Purse { limits, ..Purse::default() }),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn purse(&self) -> MutexGuard<'_, Purse> {
        self.purse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is used up now.
    pub(crate) fn used(&self) -> Purse {
        self.purse().clone()
    }

    pub(crate) fn set_limits(&self, limits: GroupLimits) {
        self.held.set_most(limits.memory);
        self.purse().limits = limits;
    }

    pub(crate) fn plugins(&self) -> u32 {
        self.plugins.load(Relaxed)
    }

    pub(crate) fn queued(&self) -> u32 {
        self.queued.load(Relaxed)
    }

    /// A new period begins: fuel and output are whole again, and of the time what was taken too much is missing.
    pub(crate) fn begin_period(&self) {
        let mut purse = self.purse();
        (purse.fuel, purse.output, purse.told) = (0, 0, false);
        purse.time = purse.time.saturating_sub(purse.limits.time);
    }

    #[cold]
    fn refuse(&self, purse: &mut Purse, limit: u64, what: &str) -> UsedUp {
        purse.refusals += 1;
        let first = !std::mem::replace(&mut purse.told, true);
        UsedUp { limit, message: format!("the plugins of the group `{}` {what}", self.name), first }
    }

    /// Whether there is room for one more plugin.
    pub(crate) fn room(&self) -> Result<(), UsedUp> {
        let mut purse = self.purse();
        let (most, memory) = (purse.limits.plugins, purse.limits.memory);
        if self.plugins() >= most {
            return Err(self.refuse(
                &mut purse,
                most.into(),
                &format!("are {} already, as many as may be", self.plugins()),
            ));
        }
        if self.held.bytes() >= memory {
            let what = format!("hold {} bytes, and may hold {memory}", self.held.bytes());
            return Err(self.refuse(&mut purse, memory, &what));
        }
        Ok(())
    }

    /// One more plugin, unless others were faster.
    pub(crate) fn join(&self) -> Result<(), UsedUp> {
        let mut purse = self.purse();
        let most = purse.limits.plugins;
        let more = |plugins| (plugins < most).then_some(plugins + 1);
        match self.plugins.fetch_update(Relaxed, Relaxed, more) {
            Ok(_) => Ok(()),
            Err(plugins) => {
                Err(self.refuse(&mut purse, most.into(), &format!("are {plugins} already, as many as may be")))
            }
        }
    }

    pub(crate) fn leave(&self) {
        self.plugins.fetch_sub(1, Relaxed);
    }

    /// Takes `bytes` of printed text.
    pub(super) fn print(&self, bytes: usize) -> Result<(), UsedUp> {
        let mut purse = self.purse();
        let (most, now) = (purse.limits.output, purse.output.saturating_add(bytes as u64));
        if now > most {
            return Err(self.refuse(
                &mut purse,
                most,
                &format!("may print {most} bytes in a period, and this is more"),
            ));
        }
        purse.output = now;
        Ok(())
    }

    /// Takes room for `events` that wait.
    pub(crate) fn enqueue(&self, events: usize) -> Result<(), UsedUp> {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        let mut purse = self.purse();
        let most = purse.limits.queue;
        let more = |queued: u32| queued.checked_add(events).filter(|now| *now <= most);
        match self.queued.fetch_update(Relaxed, Relaxed, more) {
            Ok(_) => Ok(()),
            Err(_) => {
                Err(self.refuse(&mut purse, most.into(), &format!("may have {most} events waiting, and this is more")))
            }
        }
    }

    /// One of them was handed over, or is gone.
    pub(crate) fn dequeue(&self) {
        self.queued.fetch_sub(1, Relaxed);
    }

    /// Takes what a call of a plugin with `meter` may use; the call must begin now.
    ///
    /// # Errors
    /// Where fuel or time of the period is used up; nothing was taken then.
    pub(crate) fn share(self: &Arc<Self>, wants: u64, now: impl FnOnce() -> Duration) -> Result<Share, UsedUp> {
        let mut purse = self.purse();
        let limits = purse.limits.clone();
        if purse.time >= limits.time {
            let message = format!("have used their {:?} of this period", limits.time);
            return Err(self.refuse(&mut purse, nanos(limits.time), &message));
        }
        let left = limits.fuel.saturating_sub(purse.fuel).saturating_sub(purse.reserved);
        let unlimited = limits.fuel == u64::MAX;
        let own = if unlimited { wants } else { wants.min(left) };
        let borrowed = if own == wants { 0 } else { self.borrow(wants - own) };
        if own + borrowed == 0 && wants > 0 {
            let message = format!("have used their {} units of fuel of this period", limits.fuel);
            return Err(self.refuse(&mut purse, limits.fuel, &message));
        }
        // Of what has no end nothing need be kept apart.
        let reserved = if unlimited { 0 } else { own };
        purse.reserved += reserved;
        let since = (limits.time < Duration::MAX).then(now);
        Ok(Share {
            group: self.clone(),
            limit: limits.fuel,
            own,
            reserved,
            borrowed,
            withheld: wants - own - borrowed,
            since,
        })
    }

    /// Takes at most `wants` from the call that led here, if it is of this group.
    fn borrow(self: &Arc<Self>, wants: u64) -> u64 {
        let take = |origin: &super::Origin| {
            if !origin.group.as_ref().is_some_and(|group| Arc::ptr_eq(group, self)) {
                return 0;
            }
            let left = origin.meter.fuel_left();
            let taken = wants.min(left);
            origin.meter.set_fuel_left(left - taken);
            taken
        };
        calling(take).unwrap_or(0)
    }
}

/// What one call takes out of its group.
#[derive(Debug)]
#[must_use]
pub(crate) struct Share {
    group: Arc<Group>,
    /// The group's fuel for a period.
    limit: u64,
    /// Fuel out of the purse.
    own: u64,
    /// How much of it was kept apart for the call.
    reserved: u64,
    /// Fuel of the call that led to this one.
    borrowed: u64,
    /// What the plugin could use by its own limit and does not get.
    withheld: u64,
    since: Option<Duration>,
}

impl Share {
    /// Caps the stretch that has just begun.
    pub(crate) fn cap(&self, meter: &Meter) {
        if self.withheld > 0 {
            meter.set_fuel_left(meter.fuel_left().saturating_sub(self.withheld));
        }
    }

    /// Gives the meter back what was withheld: the call is suspended, and its next stretch asks anew.
    pub(crate) fn uncap(&self, meter: &Meter) {
        meter.set_fuel_left(meter.fuel_left() + self.withheld);
    }

    /// Gives back what the call did not use of it; the fuel that the meter saw used, with what was withheld, goes in, and what the
    /// call itself used comes out. Then, whether running out was the group's doing: what to say in that case.
    pub(crate) fn settle(self, metered: u64, lent: u64, now: impl FnOnce() -> Duration) -> (u64, Option<UsedUp>) {
        let used = metered.saturating_sub(self.withheld);
        let own = used.min(self.own);
        {
            let mut purse = self.group.purse();
            purse.reserved -= self.reserved;
            purse.fuel = purse.fuel.saturating_add(own);
            if let Some(since) = self.since {
                purse.time = purse.time.saturating_add(now().saturating_sub(since));
            }
        }
        if self.borrowed > 0 {
            let borrowed = used - own;
            let _ = calling(|origin| {
                origin.meter.set_fuel_left(origin.meter.fuel_left() + (self.borrowed - borrowed));
                origin.lend(borrowed);
            });
        }
        let message = || {
            format!(
                "the plugins of the group `{}` have {} units of fuel in a period, and this call went beyond what was left",
                self.group.name, self.limit
            )
        };
        let capped = (self.withheld > 0).then(|| UsedUp { limit: self.limit, message: message(), first: false });
        (used - lent.min(used), capped)
    }
}
