//! Calls into plugins: the [`Slot`] an instance is checked out of, where it stands in its
//! life and how it came there, the thread's depth of calls, and the watchdog with its [`Clock`].

mod about;
mod cancel;
mod chronicle;
mod clock;
mod depth;
mod prepared;
mod slot;
mod state;
mod step;
mod ticket;
mod watchdog;

pub use about::PluginId;
pub(crate) use about::{About, Need, Wanted};
pub use cancel::CancelHandle;
pub use chronicle::{Change, LifecycleEvent, Moment};
pub(crate) use chronicle::{Chronicle, Observer};
pub use clock::{Clock, ManualClock, Step, SystemClock};
pub use prepared::Call;
pub(crate) use slot::{Rest, Slot};
pub use state::{Illegal, State, Transition};
pub(crate) use ticket::Tickets;
pub use ticket::{Progress, Ticket};
pub(crate) use watchdog::Watchdog;
