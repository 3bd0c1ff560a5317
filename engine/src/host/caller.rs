//! [`caller`]: which plugin called the host function that is running, and the engine, for calls into other plugins.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use modhost_backend::{Fault, Meter};
use scoped_tls_hkt::scoped_thread_local;

use super::{
    group::{Group, Share, UsedUp},
    held::Held,
    inbox::Inbox,
    ledger::Ledger,
    output::{LogLevel, LogLine, Output},
    pending::Suspension,
    tally::Tally,
};
use crate::{engine::Engine, error::Error, inner::Inner};

scoped_thread_local!(static CALLER: Origin);

/// Where a call out of a plugin comes from.
pub(crate) struct Origin {
    pub(crate) plugin: String,
    pub(crate) engine: Weak<Inner>,
    pub(crate) meter: Arc<Meter>,
    /// What the host holds because of it.
    pub(crate) ledger: Arc<Ledger>,
    /// Whose it is together with others.
    pub(crate) group: Option<Arc<Group>>,
    /// Fuel of the running call that calls nested in it have used.
    lent: AtomicU64,
    output: Output,
    pub(crate) tally: Tally,
    pub(crate) suspension: Suspension,
    pub(crate) inbox: Inbox,
}

impl Origin {
    pub(crate) fn new(
        plugin: &str,
        engine: Weak<Inner>,
        meter: Arc<Meter>,
        held: Arc<Held>,
        group: Option<Arc<Group>>,
    ) -> Self {
        let inbox = Inbox::new(meter.limits().queue);
        let ledger = Arc::new(Ledger::new(meter.clone(), held, group.clone()));
        Origin {
            plugin: plugin.to_owned(),
            engine,
            meter,
            ledger,
            group,
            lent: AtomicU64::new(0),
            output: Output::default(),
            tally: Tally::default(),
            suspension: Suspension::default(),
            inbox,
        }
    }

    /// Takes printed or logged text: charged, kept, escaped.
    pub(crate) fn write(&self, level: LogLevel, text: &str) -> Result<(), Fault> {
        self.meter.print(text.len())?;
        if let Some(group) = &self.group {
            // Others may have used it up: this ends nobody.
            group.print(text.len()).map_err(|used_up| used_up.fault())?;
        }
        self.output.push(&self.plugin, level, text, &self.ledger)
    }

    /// Notes fuel of the running call that a nested one has used.
    pub(super) fn lend(&self, fuel: u64) {
        self.lent.fetch_add(fuel, Relaxed);
    }

    /// What a stretch of a call that may use `wants` units may use of its group's; `None` where it is in none.
    ///
    /// # Errors
    /// Where the group's fuel or time is used up.
    #[inline]
    pub(crate) fn share(&self, wants: u64, now: impl FnOnce() -> Duration) -> Result<Option<Share>, UsedUp> {
        self.group.as_ref().map(|group| group.share(wants, now)).transpose()
    }

    /// Settles a share after a stretch that the meter saw use `metered` units; see [`Share::settle`].
    pub(crate) fn settle(&self, share: Share, metered: u64, now: impl FnOnce() -> Duration) -> (u64, Option<UsedUp>) {
        share.settle(metered, self.lent.swap(0, Relaxed), now)
    }

    /// Takes the lines kept so far.
    pub(crate) fn take_output(&self) -> Vec<LogLine> {
        self.output.take(&self.ledger)
    }

    /// Keeps the text of a failure, for statistics.
    ///
    /// # Errors
    /// The limit that this goes beyond.
    pub(crate) fn remember(&self, error: &Error, at: Duration) -> Result<(), Fault> {
        self.tally.remember(error, at, &self.ledger)
    }
}

/// The plugin that called the running host function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Caller {
    /// Its id.
    pub plugin: String,
    /// The engine it runs in: call other plugins through it, with the state that the function borrows.
    pub engine: Engine,
}

/// Which plugin called the host function that is running on this thread; `None` outside of one.
///
/// ```
/// use modhost::Engine;
///
/// let engine = Engine::builder()
///     .function("game.whoami", || modhost::caller().map(|caller| caller.plugin))
///     .build()?;
/// let plugin = engine.load_source("wolf.lua", "function ask() return game.whoami() end")?;
/// let name: String = engine.call(&mut (), plugin, "ask", ())?;
/// assert_eq!(name, "wolf");
/// assert!(modhost::caller().is_none());
/// # Ok::<(), modhost::Error>(())
/// ```
#[must_use]
pub fn caller() -> Option<Caller> {
    calling(|origin| {
        let engine = Engine::from_inner(origin.engine.upgrade()?);
        Some(Caller { plugin: origin.plugin.clone(), engine })
    })?
}

/// Runs `f` with where the running host function was called from; `None` outside of one.
pub(crate) fn calling<R>(f: impl FnOnce(&Origin) -> R) -> Option<R> {
    CALLER.is_set().then(|| CALLER.with(f))
}

/// Runs `f` as a call that comes from `origin`.
#[inline]
pub(crate) fn within<R>(origin: &Origin, f: impl FnOnce() -> R) -> R {
    CALLER.set(origin, f)
}
