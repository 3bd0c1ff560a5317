//! [`Slot`]: where a plugin's instance rests between calls. A call checks it out with one atomic swap, runs without any lock and
//! checks it in; whoever finds the slot empty gets `host.busy`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence},
    },
    time::Duration,
};

use crossbeam::atomic::AtomicCell;
use modhost_backend::{Fault, FaultKind, Guarantee, Instance, Meter, Resource, Usage};
use tracing::{Span, field::Empty, level_filters::LevelFilter};

use super::{
    About, PluginId,
    depth::Level,
    state::{State, Transition},
    ticket::{Progress, Ticket, Tickets},
    watchdog::Watchdog,
};
use crate::{
    audit::{Audit, Event},
    error::{Code, Error, Result, Stage},
    host::{Grants, Origin, Share, UsedUp},
};

/// Where an instance is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rest {
    /// In its slot.
    Here,
    /// In a call that runs.
    Running,
    /// In a call that is suspended.
    Suspended,
    /// Nowhere any more.
    Gone,
}

/// Where a plugin's instance rests between calls.
pub(crate) struct Slot {
    pub(crate) id: PluginId,
    pub(crate) about: About,
    pub(crate) meter: Arc<Meter>,
    pub(crate) grants: Grants,
    pub(crate) origin: Arc<Origin>,
    /// Whether a call past its deadline can be blamed: a backend that cannot be interrupted is not.
    interruptible: bool,
    live: AtomicCell<Option<Box<Live>>>,
    /// The instance while its call is suspended.
    parked: AtomicCell<Option<Box<Live>>>,
    /// The ticket that it waits for, for whoever asks why it is busy.
    waits: AtomicCell<Option<Ticket>>,
    pub(super) state: AtomicU8,
    /// Whether a thread is enabling it.
    pub(crate) enabling: AtomicBool,
    /// Whether its instance was dropped.
    gone: AtomicBool,
    calls: AtomicU64,
    fuel: AtomicU64,
}

/// An instance at rest or in a call.
struct Live(Box<dyn Instance>);

/// What a stretch of a call has in hand.
struct Entered {
    live: Box<Live>,
    level: Level,
    share: Option<Box<Share>>,
    /// Fuel that the call had used when it was suspended; `None` for its first stretch.
    before: Option<u64>,
}

impl Slot {
    pub(crate) fn new(
        id: PluginId,
        about: About,
        grants: Grants,
        origin: Arc<Origin>,
        interrupt: Guarantee,
        instance: Box<dyn Instance>,
    ) -> Self {
        let meter = origin.meter.clone();
        Slot {
            id,
            about,
            fuel: AtomicU64::new(meter.usage().fuel),
            meter,
            grants,
            origin,
            interruptible: interrupt != Guarantee::None,
            live: AtomicCell::new(Some(Box::new(Live(instance)))),
            parked: AtomicCell::new(None),
            waits: AtomicCell::new(None),
            state: AtomicU8::new(State::Resolved as u8),
            enabling: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            calls: AtomicU64::new(0),
        }
    }

    /// Runs `f` on the instance under its meter. A killed, trapped or unloaded instance is dropped, never checked in again.
    pub(crate) fn run<T>(
        &self,
        watchdog: &Watchdog,
        audit: &Audit,
        stage: Stage,
        f: impl FnOnce(&mut dyn Instance) -> Result<T, Fault>,
    ) -> Result<(T, Usage)> {
        self.stretch(self.check_out(stage, audit)?, watchdog, audit, stage, |_| false, f)
    }

    /// [`Slot::run`] for a call that may be suspended: then the instance is parked until [`Slot::resume`].
    pub(crate) fn start<R>(
        &self,
        watchdog: &Watchdog,
        audit: &Audit,
        f: impl FnOnce(&mut dyn Instance) -> Result<Progress<R>, Fault>,
    ) -> Result<Progress<R>> {
        let waits = |progress: &Progress<R>| progress.ticket().is_some();
        self.stretch(self.check_out(Stage::Call, audit)?, watchdog, audit, Stage::Call, waits, f)
            .map(|(progress, _)| progress)
    }

    /// Goes on with the suspended call that waits for `ticket`.
    pub(crate) fn resume<R>(
        &self,
        watchdog: &Watchdog,
        audit: &Audit,
        tickets: &Tickets,
        ticket: Ticket,
        f: impl FnOnce(&mut dyn Instance) -> Result<Progress<R>, Fault>,
    ) -> Result<Progress<R>> {
        if self.state() == State::Disabled {
            return Err(self.refused(Stage::Call));
        }
        let level = self.level(Stage::Call, audit)?;
        let live = self.take_parked(tickets, ticket)?;
        // Asked while nobody else can run it, or what it has left would be another stretch's; and before the ticket is used up: a
        // group may have nothing left now, and more in its next period.
        let share = match self.share(self.meter.fuel_left(), Stage::Call, audit) {
            Ok(share) => share,
            Err(error) => {
                self.park(live);
                return Err(error);
            }
        };
        tickets.take(ticket);
        self.waits.store(None);
        let entered = Entered { live, level, share, before: Some(self.meter.usage().fuel) };
        let waits = |progress: &Progress<R>| progress.ticket().is_some();
        self.stretch(entered, watchdog, audit, Stage::Call, waits, f).map(|(progress, _)| progress)
    }

    /// Ends the suspended call that waits for `ticket`, and the plugin with it: it was left somewhere in its code.
    pub(crate) fn abandon(&self, watchdog: &Watchdog, audit: &Audit, tickets: &Tickets, ticket: Ticket) -> Result<()> {
        let live = self.take_parked(tickets, ticket)?;
        tickets.take(ticket);
        self.waits.store(None);
        let usage = self.meter.usage();
        self.count(usage);
        let error = Error::from_fault(Stage::Call, Fault::new(FaultKind::Interrupted));
        // The error is the record's and the statistics'; whoever abandons a call knows.
        let _ = self.ended(live, error, usage, watchdog, audit);
        Ok(())
    }

    /// Takes the parked instance, if it waits for `ticket`: whoever has it is the only one who can use the ticket up.
    fn take_parked(&self, tickets: &Tickets, ticket: Ticket) -> Result<Box<Live>> {
        let Some(live) = self.parked.take() else {
            // A call that is answered while it still runs is busy.
            return Err(if tickets.look(ticket).is_some() { self.refused(Stage::Call) } else { ticket.stale() });
        };
        if self.waits.load() != Some(ticket) {
            // Another thread has answered it, and the plugin waits for something else by now.
            self.park(live);
            return Err(ticket.stale());
        }
        Ok(live)
    }

    /// Takes the instance, a level of calls, and the share of its group.
    #[inline]
    fn check_out(&self, stage: Stage, audit: &Audit) -> Result<Entered> {
        if !self.admits(stage) {
            return Err(self.refused(stage));
        }
        let Some(live) = self.live.take() else { return Err(self.refused(stage)) };
        let level = self.level(stage, audit);
        match level.and_then(|level| Ok((level, self.share(self.meter.limits().fuel, stage, audit)?))) {
            Ok((level, share)) => Ok(Entered { live, level, share, before: None }),
            Err(error) => {
                self.check_in(live);
                Err(error)
            }
        }
    }

    /// Whether a call of this stage may begin where the plugin stands.
    #[inline]
    fn admits(&self, stage: Stage) -> bool {
        let state = self.state.load(SeqCst);
        let is = |other: State| state == other as u8;
        match stage {
            Stage::Call => is(State::Active) || is(State::Loaded),
            Stage::Load => is(State::Resolved),
            Stage::Enable => is(State::Loaded) || is(State::Disabled),
            Stage::Disable => is(State::Disabled),
            Stage::Unload => is(State::Unloading),
            _ => false,
        }
    }

    /// What its group has left of the `wants` units that a stretch may use. Boxed, and made out of line: a plugin in no group pays
    /// for one look at a pointer.
    #[inline]
    fn share(&self, wants: u64, stage: Stage, audit: &Audit) -> Result<Option<Box<Share>>> {
        if self.origin.group.is_none() { Ok(None) } else { self.take_share(wants, stage, audit) }
    }

    #[cold]
    fn take_share(&self, wants: u64, stage: Stage, audit: &Audit) -> Result<Option<Box<Share>>> {
        let share = self.origin.share(wants, || audit.now());
        share.map(|share| share.map(Box::new)).map_err(|used_up| self.without_share(stage, &used_up, audit))
    }

    #[cold]
    fn settle_share(
        &self,
        share: Share,
        usage: &mut Usage,
        before: u64,
        waits: bool,
        audit: &Audit,
    ) -> Option<Box<UsedUp>> {
        if waits {
            // What its group withheld from this stretch may be there for the next.
            share.uncap(&self.meter);
        }
        let (used, capped) = self.origin.settle(share, usage.fuel - before, || audit.now());
        usage.fuel = before + used;
        capped.map(Box::new)
    }

    #[inline]
    fn level(&self, stage: Stage, audit: &Audit) -> Result<Level> {
        let reentry = self.meter.limits().reentry_depth;
        Level::enter(reentry).ok_or_else(|| {
            let fault = Fault::new(FaultKind::Limit { resource: Resource::Depth, limit: u64::from(reentry) });
            self.failed(stage, fault, audit)
        })
    }

    /// Runs a call from its beginning, or where it `goes_on`, to its end, or until it `waits`.
    #[inline]
    fn stretch<T>(
        &self,
        entered: Entered,
        watchdog: &Watchdog,
        audit: &Audit,
        stage: Stage,
        waits: impl FnOnce(&T) -> bool,
        f: impl FnOnce(&mut dyn Instance) -> Result<T, Fault>,
    ) -> Result<(T, Usage)> {
        let Entered { mut live, level, share, before } = entered;
        let span = if LevelFilter::current() < LevelFilter::DEBUG { Span::none() } else { self.span(stage) };
        let entered = span.enter();
        if before.is_some() {
            self.meter.go_on();
        } else {
            self.meter.begin();
        }
        // Whoever takes the plugin out of service sets its state and then asks the call that runs to end: one of the two sees the other.
        fence(SeqCst);
        if !self.state().keeps_instance() {
            let mut usage = self.meter.end();
            if let Some(share) = share {
                self.settle_share(*share, &mut usage, before.unwrap_or_default(), false, audit);
            }
            self.check_in(live);
            return Err(self.refused(stage));
        }
        if let Some(share) = &share {
            share.cap(&self.meter);
        }
        watchdog.wake();
        if self.interruptible && self.meter.limits().deadline == Duration::ZERO {
            self.meter.stop(self.meter.call_number());
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| f(&mut *live.0)));
        if self.interruptible {
            // The judgement: what ran over its deadline inside one long step is caught here at the latest.
            let _ = self.meter.alive();
        }
        let waits = matches!(&outcome, Ok(Ok(value)) if waits(value)) && !self.meter.is_killed();
        let mut usage = if waits {
            self.meter.pause(watchdog.elapsed(&self.meter).unwrap_or(self.meter.ran()));
            self.meter.usage()
        } else {
            self.meter.end()
        };
        let capped = match share {
            Some(share) => self.settle_share(*share, &mut usage, before.unwrap_or_default(), waits, audit),
            None => None,
        };
        drop(level);
        if !waits {
            self.count(usage);
        }
        span.record("fuel", usage.fuel);
        drop(entered);
        let judged = match self.meter.verdict() {
            Err(fault) => Err(match &outcome {
                Ok(Err(said)) => fault.placed_like(said),
                _ => fault,
            }),
            Ok(()) => outcome.unwrap_or_else(|panic| {
                Err(Fault::bug(format!("the backend panicked: {}", crate::host::panic_text(&*panic))))
            }),
        };
        match judged {
            Ok(value) => match self.origin.ledger.weigh(live.0.memory_used()) {
                Ok(()) => {
                    if waits {
                        self.park(live);
                    } else {
                        self.check_in(live);
                    }
                    Ok((value, usage))
                }
                Err(fault) => Err(self.ended(live, Error::from_fault(stage, fault), usage, watchdog, audit)),
            },
            Err(fault) => {
                let fault = self.origin.ledger.blame(fault, capped);
                Err(self.fell(live, stage, fault, usage, watchdog, audit))
            }
        }
    }

    /// A call gave a fault: the plugin ends, or its slot takes it back.
    #[cold]
    fn fell(
        &self,
        live: Box<Live>,
        stage: Stage,
        fault: Fault,
        usage: Usage,
        watchdog: &Watchdog,
        audit: &Audit,
    ) -> Error {
        if self.meter.is_killed() || fault.is_fatal() {
            return self.ended(live, Error::from_fault(stage, fault), usage, watchdog, audit);
        }
        let error = Error::from_fault(stage, fault).of(&self.about.name);
        // Its text is kept, which may be what is too much; and a call that failed may have left the instance larger, too.
        let remembered = self.origin.remember(&error, audit.now());
        if let Err(fault) = remembered.and_then(|()| self.origin.ledger.weigh(live.0.memory_used())) {
            return self.ended(live, Error::from_fault(stage, fault), usage, watchdog, audit);
        }
        self.check_in(live);
        self.survived(&error, audit);
        error
    }

    /// A failure that the instance survives.
    #[cold]
    fn failed(&self, stage: Stage, fault: Fault, audit: &Audit) -> Error {
        let error = Error::from_fault(stage, fault).of(&self.about.name);
        // It used no memory of the plugin, and did not enter it: what is too much is found by the next call.
        let _ = self.origin.remember(&error, audit.now());
        self.survived(&error, audit);
        error
    }

    fn survived(&self, error: &Error, audit: &Audit) {
        self.origin.tally.failed(error);
        // A denial has a record of its own, also where the guest catches it.
        if error.code() != Code::DeniedCapability {
            audit.error(Event::Failed, &self.about, error);
        }
    }

    /// Its group has nothing left for it. Told to the audit once in a period: others use it up, and it may try again and again.
    #[cold]
    fn without_share(&self, stage: Stage, used_up: &UsedUp, audit: &Audit) -> Error {
        let error = used_up.error(stage).of(&self.about.name);
        if used_up.first {
            audit.error(Event::LimitHit, &self.about, &error);
        }
        let _ = self.origin.remember(&error, audit.now());
        self.origin.tally.failed(&error);
        error
    }

    /// Ends the plugin, and completes the error that says why.
    #[cold]
    fn ended(&self, live: Box<Live>, error: Error, usage: Usage, watchdog: &Watchdog, audit: &Audit) -> Error {
        let error =
            self.origin.ledger.explain(error).of(&self.about.name).used(usage.fuel, watchdog.elapsed(&self.meter));
        // One that is being unloaded, or was quarantined, goes on being that.
        let _ = self.step(Transition::Fail, error.message(), Some(&error));
        self.retire(live);
        let event = if error.is_limit() { Event::LimitHit } else { Event::Trapped };
        audit.error(event, &self.about, &error);
        // It is ended already.
        let _ = self.origin.remember(&error, audit.now());
        self.origin.tally.failed(&error);
        error
    }

    /// One call, for whoever listens. What is not known is left empty.
    #[cold]
    fn span(&self, stage: Stage) -> Span {
        let about = &self.about;
        tracing::debug_span!(
            "call",
            %stage,
            plugin = about.name,
            version = %about.version,
            backend = %about.kind,
            trust = %about.trust(),
            digest = Empty,
            fuel = Empty
        )
    }

    fn retire(&self, live: Box<Live>) {
        self.forget_tickets();
        drop_quietly(live);
        self.origin.ledger.release();
        self.gone.store(true, SeqCst);
    }

    /// Asks the instance something that runs none of its code.
    pub(crate) fn look<T>(&self, stage: Stage, f: impl FnOnce(&mut dyn Instance) -> Result<T, Fault>) -> Result<T> {
        let Some(mut live) = self.live.take() else { return Err(self.refused(stage)) };
        let result = f(&mut *live.0);
        self.check_in(live);
        result.map_err(|fault| Error::from_fault(stage, fault).of(&self.about.name))
    }

    #[inline]
    fn check_in(&self, live: Box<Live>) {
        self.live.store(Some(live));
        // Whoever ends a plugin sets the state before it empties the slot, so one of the two sees what the other left.
        if !self.state().keeps_instance()
            && let Some(live) = self.live.take()
        {
            self.retire(live);
        }
    }

    /// [`Slot::check_in`] of an instance whose call is suspended.
    #[cold]
    fn park(&self, live: Box<Live>) {
        self.parked.store(Some(live));
        if !self.state().keeps_instance()
            && let Some(live) = self.parked.take()
        {
            self.retire(live);
        }
    }

    /// The call that runs is about to wait for `ticket`.
    pub(crate) fn waits_for(&self, ticket: Ticket) {
        self.waits.store(Some(ticket));
    }

    /// Whatever the plugin waits for, nobody needs to answer any more.
    fn forget_tickets(&self) {
        let tickets = [self.waits.take(), self.origin.suspension.close()];
        if let Some(engine) = self.origin.engine.upgrade() {
            for ticket in tickets.into_iter().flatten() {
                engine.tickets.take(ticket);
            }
        }
    }

    #[inline]
    fn count(&self, usage: Usage) {
        // One caller at a time: a load and a store do for a counter.
        self.calls.store(self.calls.load(Relaxed) + 1, Relaxed);
        self.fuel.store(self.fuel.load(Relaxed).saturating_add(usage.fuel), Relaxed);
    }

    #[cold]
    pub(crate) fn refused(&self, stage: Stage) -> Error {
        let (code, message) = match self.state() {
            State::Disabled if stage == Stage::Call => (Code::PluginDisabled, "the plugin is disabled"),
            State::Failed | State::Backoff => {
                (Code::PluginKilled, "the plugin was ended in an earlier call and is never entered again")
            }
            State::Quarantined => (Code::PluginQuarantined, "the host took the plugin out of service"),
            State::Unloading | State::Unloaded => (Code::PluginNotFound, "the plugin was unloaded"),
            State::Discovered | State::Vetted | State::Resolved => (Code::HostBusy, "the plugin is being loaded"),
            State::Loaded | State::Active | State::Disabled => match self.waits.load() {
                Some(ticket) => {
                    let message =
                        format!("a call of the plugin is suspended and waits for the answer to ticket {ticket}");
                    let help = "Answer it with `engine.resume`, or end it with `engine.abandon`; until then the plugin takes no other call.";
                    return Error::new(Code::HostBusy, stage, message).of(&self.about.name).with_help(help);
                }
                None => (Code::HostBusy, "the plugin is already running a call"),
            },
        };
        Error::new(code, stage, message).of(&self.about.name)
    }

    #[inline]
    pub(crate) fn state(&self) -> State {
        State::from_u8(self.state.load(SeqCst))
    }

    /// Where its instance is now. Only whoever has closed the slot to calls can rely on it.
    pub(crate) fn rest(&self) -> Rest {
        if self.gone.load(SeqCst) {
            return Rest::Gone;
        }
        match self.live.take() {
            Some(live) => {
                self.check_in(live);
                Rest::Here
            }
            None if self.waits.load().is_some() => Rest::Suspended,
            None if self.gone.load(SeqCst) => Rest::Gone,
            None => Rest::Running,
        }
    }

    /// Drops the instance now, or when the running call returns; its state must be one that keeps none.
    pub(crate) fn clear(&self) {
        if let Some(live) = self.live.take().or_else(|| self.parked.take()) {
            self.retire(live);
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    pub(crate) fn fuel(&self) -> u64 {
        self.fuel.load(Relaxed)
    }

    /// Bytes of the instance and of what the host holds because of it, where the backend knows.
    pub(crate) fn memory(&self) -> Option<usize> {
        let ledger = &self.origin.ledger;
        let bytes = ledger.guest()?.saturating_add(ledger.host());
        Some(usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}

/// A backend that panics while it drops an instance must not take the host down.
fn drop_quietly(live: Box<Live>) {
    if catch_unwind(AssertUnwindSafe(|| drop(live))).is_err() {
        tracing::error!("a backend panicked while it dropped an instance");
    }
}
