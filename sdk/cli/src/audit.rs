//! `modhost audit`: reads logs; [`recording`] lets a run write one.

mod show;
mod verify;

use std::sync::Arc;

use modhost::{
    Builder, Engine, Result, SystemClock,
    audit::{FileLog, FileOptions},
};

use crate::{
    answer::Answer,
    args::{Audit, AuditVerb, Log},
    kept,
};

/// Shows a log, or verifies it.
pub(crate) fn audit(args: &Audit, json: bool) -> Answer {
    match &args.verb {
        AuditVerb::Show(args) => show::show(args, json),
        AuditVerb::Verify(args) => verify::verify(args, json),
    }
}

/// An engine that records into the log that the options name, if they name one.
pub(crate) fn recording(log: &Log) -> Result<Builder> {
    let builder = Engine::builder();
    let Some(path) = &log.audit else { return Ok(builder) };
    // Before its lock lies beside it.
    kept::writable(path)?;
    let clock = Arc::new(SystemClock::default());
    let mut options = FileOptions::default();
    options.key.clone_from(&log.audit_key);
    options.rotate_from.clone_from(&log.audit_rotate_from);
    options.clock = clock.clone();
    let log = FileLog::open_with(path, options)?;
    Ok(builder.clock(clock).audit(Arc::new(log)))
}
