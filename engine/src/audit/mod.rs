//! Every decision, recorded before the caller sees its result: refusals, admissions, loads, what is enabled, disabled and unloaded, calls
//! that failed, limits that were hit, what was denied, granted and withdrawn.
//!
//! A [`Record`] goes to each [`Sink`] of the engine: a [`FileLog`] keeps it in a file that shows whether it was changed, a [`MemoryLog`]
//! keeps the newest, a closure does what it likes. [`read`] and [`verify`] read a file again. Not recorded are calls that were never begun,
//! because the plugin was busy, disabled or gone: those are the host's.
//!
//! ```
//! use std::sync::Arc;
//! use modhost::{Engine, audit::{self, Expect, FileLog, Filter, Record}};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("audit.jsonl");
//! let engine = Engine::builder()
//!     .audit(Arc::new(FileLog::open(&path)?))
//!     .audit(Arc::new(|record: &Record| {
//!         println!("{} {}", record.event, record.plugin);
//!         Ok(())
//!     }))
//!     .build()?;
//! let _ = engine.load_source("broken.lua", "this is not Lua");
//! drop(engine);
//!
//! let filter = Filter { plugin: Some("broken".into()), ..Filter::default() };
//! let refused: Vec<_> = audit::read(&path)?.filter(|entry| entry.as_ref().is_ok_and(|entry| filter.keeps(entry))).collect();
//! assert_eq!(refused.last().unwrap().as_ref().unwrap().code.as_deref(), Some("script.compile"));
//! assert!(audit::verify(&path, &Expect::default())?.broken.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chain;
mod escape;
mod file;
mod files;
mod fold;
mod hex;
mod key;
mod line;
mod memory;
mod outlet;
mod read;
mod record;
mod time;
mod writer;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use semver::Version;

pub use chain::{Broken, Expect, Flaw, Report, verify};
pub use escape::{escape, escape_to};
pub use file::{Durability, FileLog, FileOptions};
pub use key::PublicKey;
pub use line::Entry;
pub use memory::MemoryLog;
pub use read::{Entries, Filter, read};
pub use record::{Event, Record, Severity};
pub use time::{format_time, parse_time};

use crate::{
    call::Clock,
    error::{Code, Error, Result, Stage},
};
use outlet::Outlet;

/// Where audit records go. Called on the thread that made the decision; it must not call the engine. A closure is one, too.
pub trait Sink: Send + Sync {
    /// Keeps `record`.
    ///
    /// # Errors
    /// Where the record could not be kept: see [`AuditPolicy`].
    fn record(&self, record: &Record) -> io::Result<()>;
}

impl<F: Fn(&Record) -> io::Result<()> + Send + Sync> Sink for F {
    fn record(&self, record: &Record) -> io::Result<()> {
        self(record)
    }
}

/// What happens while a sink cannot keep records: its disk is full, say. Whatever happens, they are counted
/// ([`Totals::unrecorded`](crate::Totals::unrecorded)), `tracing` is told, and once the sink works again the first thing that it gets is
/// how many it missed ([`Event::Lost`]).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum AuditPolicy {
    /// Nothing is loaded, enabled or granted that is not recorded: `audit.failed`, until it can be again. What was loaded goes on being
    /// called, and can be disabled, unloaded, quarantined, and lose its capabilities.
    #[default]
    DenyPrivileged,
    /// Everything goes on.
    Continue,
}

/// What keeping a record of these texts takes, in bytes.
pub(crate) fn bytes(plugin: &str, detail: &str) -> u64 {
    (size_of::<Record>() + plugin.len() + detail.len()) as u64
}

/// Whom a record is about.
#[derive(Clone, Copy)]
pub(crate) struct Whose<'a> {
    plugin: &'a str,
    version: Option<&'a Version>,
}

impl<'a> From<&'a str> for Whose<'a> {
    fn from(plugin: &'a str) -> Self {
        Whose { plugin, version: None }
    }
}

impl<'a> From<&'a String> for Whose<'a> {
    fn from(plugin: &'a String) -> Self {
        Whose::from(plugin.as_str())
    }
}

impl<'a> From<(&'a str, &'a Version)> for Whose<'a> {
    fn from((plugin, version): (&'a str, &'a Version)) -> Self {
        Whose { plugin, version: Some(version) }
    }
}

/// The engine's side: numbers and times the records.
pub(crate) struct Audit {
    outlets: Vec<Outlet>,
    policy: AuditPolicy,
    clock: Arc<dyn Clock>,
    next: AtomicU64,
}

impl Audit {
    pub(crate) fn new(sinks: Vec<Arc<dyn Sink>>, policy: AuditPolicy, clock: Arc<dyn Clock>) -> Self {
        Audit { outlets: sinks.into_iter().map(Outlet::new).collect(), policy, clock, next: AtomicU64::new(0) }
    }

    /// Records what happens in any case.
    pub(crate) fn record<'a>(&self, event: Event, of: impl Into<Whose<'a>>, detail: &str) {
        // Who missed it counts it.
        let _ = self.put(event, of.into(), None, detail);
    }

    pub(crate) fn error<'a>(&self, event: Event, of: impl Into<Whose<'a>>, error: &Error) {
        self.coded(event, of, error.code(), error.message());
    }

    pub(crate) fn coded<'a>(&self, event: Event, of: impl Into<Whose<'a>>, code: Code, detail: &str) {
        // Who missed it counts it.
        let _ = self.put(event, of.into(), Some(code), detail);
    }

    /// Records what may only happen with a record of it; to be called before it happens.
    ///
    /// # Errors
    /// `audit.failed` where it must not happen.
    pub(crate) fn must<'a>(&self, event: Event, of: impl Into<Whose<'a>>, stage: Stage, detail: &str) -> Result<()> {
        let of = of.into();
        self.put(event, of, None, detail).or_else(|error| self.deny(&format!("`{event}`"), of, stage, &error))
    }

    /// Whether something that must be recorded may begin. It takes nothing where the last record was kept.
    ///
    /// # Errors
    /// `audit.failed` where it must not.
    pub(crate) fn ready<'a>(&self, of: impl Into<Whose<'a>>, stage: Stage) -> Result<()> {
        let catch_up = |outlet: &Outlet| outlet.catch_up(self.now(), self.clock.wall());
        self.outlets
            .iter()
            .try_for_each(catch_up)
            .or_else(|error| self.deny("what it missed", of.into(), stage, &error))
    }

    fn deny(&self, what: &str, of: Whose<'_>, stage: Stage, error: &io::Error) -> Result<()> {
        if self.policy == AuditPolicy::Continue {
            return Ok(());
        }
        let message = format!("the audit could not record {what}: {error}");
        Err(Error::new(Code::AuditFailed, stage, message).of(of.plugin))
    }

    /// The engine's time.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// The date.
    pub(crate) fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    /// How many records were not kept by a sink.
    pub(crate) fn unrecorded(&self) -> u64 {
        self.outlets.iter().map(Outlet::missed).sum()
    }

    /// Gives it to every sink; the first one's error.
    fn put(&self, event: Event, of: Whose<'_>, code: Option<Code>, detail: &str) -> io::Result<()> {
        let record = Record {
            sequence: self.next.fetch_add(1, Relaxed),
            at: self.now(),
            wall: self.clock.wall(),
            plugin: escape(of.plugin, 96),
            version: of.version.map(|version| escape(&version.to_string(), 96)),
            detail: escape(detail, 400),
            ..Record::of(event, code)
        };
        self.outlets.iter().map(|outlet| outlet.put(&record)).fold(Ok(()), Result::and)
    }
}
