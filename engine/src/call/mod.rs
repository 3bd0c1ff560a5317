//! Calls into plugins: the [`Slot`] an instance is checked out of, the thread's depth of calls, and the watchdog with its [`Clock`].

mod cancel;
mod clock;
mod depth;
mod prepared;
mod slot;
mod ticket;
mod watchdog;

pub use cancel::CancelHandle;
pub use clock::{Clock, ManualClock, Step, SystemClock};
pub use prepared::Call;
pub use slot::PluginId;
pub(crate) use slot::{About, Slot, State};
pub(crate) use ticket::Tickets;
pub use ticket::{Progress, Ticket};
pub(crate) use watchdog::Watchdog;
