//! What holds around every verb: a panic becomes `internal.bug` and status 70, Ctrl-C ends quietly with 130.

use std::{
    any::Any,
    io,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    process,
    sync::{Mutex, PoisonError},
};

use modhost::{Code, Error, Stage};

use crate::answer::Answer;

/// The status of a command that was interrupted: 128 + SIGINT, as shells count.
const INTERRUPTED: i32 = 130;

/// Where the newest panic was. The engine catches those of host functions and backends, so a panic is no news until it gets here.
static WHERE: Mutex<String> = Mutex::new(String::new());

/// Runs `verb`; a panic that nobody caught is told as a bug of modhost.
pub(crate) fn guarded(json: bool, verb: impl FnOnce() -> u8) -> u8 {
    panic::set_hook(Box::new(note));
    panic::catch_unwind(AssertUnwindSafe(verb)).unwrap_or_else(|panic| {
        let place = WHERE.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let message = format!("modhost panicked at {place}: {}", text(&*panic));
        Answer::error(&Error::new(Code::InternalBug, Stage::Engine, message), json).write()
    })
}

/// Remembers the place and says nothing: the default hook would write its own text beside ours.
fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    tracing::debug!("panic at {place}: {}", text(info.payload()));
    *WHERE.lock().unwrap_or_else(PoisonError::into_inner) = place;
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// Held while a terminal is asked for what it must not show.
static ASKING: Mutex<()> = Mutex::new(());

/// Runs `ask`, which changes how the terminal behaves: the process is not ended by Ctrl-C before it has changed it back.
pub(crate) fn asking<T>(ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let held = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = ask();
    drop(held);
    match asked {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => process::exit(INTERRUPTED),
        asked => asked,
    }
}

/// Ends the process with 130 on Ctrl-C, whatever a plugin is doing. A handler rather than the signal's default, because only so
/// the status is 130 on every system and for every parent, not for shells alone.
pub(crate) fn interruptible() {
    let end = || {
        drop(ASKING.lock());
        process::exit(INTERRUPTED)
    };
    if let Err(error) = ctrlc::set_handler(end) {
        tracing::debug!("Ctrl-C keeps its default: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_status_70_and_a_status_passes() {
        assert_eq!(guarded(true, || 3), 3);
        assert_eq!(guarded(true, || panic!("on purpose")), 70);
        drop(panic::take_hook());
        assert!(WHERE.lock().unwrap().contains("guard.rs"));
    }
}
