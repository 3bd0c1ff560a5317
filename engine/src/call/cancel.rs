//! [`CancelHandle`]: ends a running call from any thread.

use std::sync::{
    Arc,
    atomic::{Ordering::SeqCst, fence},
};

use modhost_backend::Meter;

/// Ends a running call of one plugin, from any thread. The call gives `call.interrupted`, and the plugin is gone: it was
/// stopped somewhere in its code.
///
/// ```
/// use std::{thread, time::Duration};
/// use modhost::{Code, Engine, Policy};
///
/// let engine = Engine::builder().policy(Policy::development()).build()?;
/// let plugin = engine.load_source("slow.lua", "function go() while true do end end")?;
/// let handle = engine.cancel_handle(plugin)?;
/// let stopper = thread::spawn(move || while !handle.cancel() { thread::yield_now() });
/// let error = engine.call::<_, ()>(&mut (), plugin, "go", ()).unwrap_err();
/// assert_eq!(error.code(), Code::CallInterrupted);
/// # stopper.join().unwrap();
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CancelHandle(Arc<Meter>);

impl CancelHandle {
    pub(crate) fn new(meter: &Arc<Meter>) -> Self {
        CancelHandle(meter.clone())
    }

    /// Asks the call that runs now to end; false where none runs. It is noticed at the plugin's next safepoint, and never
    /// reaches a later call. A backend that cannot be interrupted (native code) does not notice.
    #[must_use]
    pub fn cancel(&self) -> bool {
        // What the caller did before is seen by a call that is not seen here: it looks after it has begun.
        fence(SeqCst);
        let call = self.0.call_number();
        let runs = call % 2 == 1;
        if runs {
            self.0.cancel(call);
        }
        runs
    }
}
