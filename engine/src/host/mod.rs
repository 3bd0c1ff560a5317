//! The host's side of a call out of a plugin: registered [`HostFunction`]s, the contracts they form, and the one wrapper in which
//! capabilities are checked, arguments counted, state lent and panics caught.

mod caller;
mod closure;
mod function;
mod grants;
mod group;
mod groups;
mod handles;
mod held;
mod inbox;
mod ledger;
mod log;
mod output;
mod pending;
mod registry;
mod tally;
mod wrap;

pub use caller::{Caller, caller};
pub(crate) use caller::{Origin, calling};
pub use closure::{HostClosure, IntoResult};
pub use function::HostFunction;
pub(crate) use grants::Grants;
pub(crate) use group::{Group, Share, UsedUp};
pub(crate) use groups::Groups;
pub use handles::{Handles, HostError};
pub(crate) use held::Held;
pub(crate) use ledger::Charge;
pub(crate) use log::log_functions;
pub use output::{LogLevel, LogLine};
pub use pending::PendingClosure;
pub(crate) use registry::Registry;
pub use tally::LastError;
pub(crate) use wrap::{grants, panic_text, table};
