//! [`Ticket`]: what a pending host function is given to answer by later, and [`Tickets`], the calls of one engine that wait for
//! such an answer.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use modhost_abi::{Type, TypeError, Value};
use slab::Slab;

use super::PluginId;
use crate::error::{Code, Error, Stage};

/// The next ticket's generation, over all engines of the process: a ticket is good for one answer to one call of one engine, and
/// whatever else it meets takes it for stale.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// A pending host function's call that waits for its answer. The function is given it, keeps it as long as it likes, and whoever
/// holds it answers by [`Engine::resume`](crate::Engine::resume), once.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ticket {
    slot: u32,
    generation: u64,
}

impl Ticket {
    /// The error for a ticket that is good no more.
    #[cold]
    pub(crate) fn stale(self) -> Error {
        let message =
            format!("the ticket {self} was answered or abandoned, its plugin is gone, or it is of another engine");
        Error::new(Code::HostStaleHandle, Stage::Call, message)
            .with_help("Answer each ticket once, with the engine that gave it.")
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.slot, self.generation)
    }
}

/// How far a call came that may be suspended.
///
/// See [`Engine::start`](crate::Engine::start).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a call that is pending goes on only by its ticket"]
pub enum Progress<R> {
    /// It is over, and this is its value.
    Done(R),
    /// It waits for the answer to a pending host function, which was given the same ticket.
    Pending(Ticket),
}

impl<R> Progress<R> {
    /// The value of a call that is over.
    #[must_use]
    pub fn done(self) -> Option<R> {
        match self {
            Progress::Done(value) => Some(value),
            Progress::Pending(_) => None,
        }
    }

    /// The ticket of a call that waits.
    #[must_use]
    pub fn ticket(&self) -> Option<Ticket> {
        match self {
            Progress::Done(_) => None,
            Progress::Pending(ticket) => Some(*ticket),
        }
    }
}

/// What a ticket stands for.
#[derive(Debug)]
struct Waiting {
    generation: u64,
    plugin: PluginId,
    function: String,
    result: Type,
}

/// The tickets of one engine that are good: at most one for each plugin, while its call is suspended or about to be.
#[derive(Debug, Default)]
pub(crate) struct Tickets(Mutex<Slab<Waiting>>);

impl Tickets {
    fn lock(&self) -> MutexGuard<'_, Slab<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket for a call of `plugin` in `function`, whose answer is to be a `result`.
    pub(crate) fn mint(&self, plugin: PluginId, function: &str, result: &Type) -> Ticket {
        let generation = GENERATION.fetch_add(1, Relaxed);
        let waiting = Waiting { generation, plugin, function: function.into(), result: result.clone() };
        let slot = u32::try_from(self.lock().insert(waiting)).unwrap_or(u32::MAX);
        Ticket { slot, generation }
    }

    /// Whose call waits, and in which function; `None` for a ticket that is stale.
    pub(crate) fn look(&self, ticket: Ticket) -> Option<(PluginId, String)> {
        let tickets = self.lock();
        let waiting = tickets.get(ticket.slot as usize).filter(|waiting| waiting.generation == ticket.generation)?;
        Some((waiting.plugin, waiting.function.clone()))
    }

    /// Whether `answer` is of the type that the pending function declares; a stale ticket is left to [`Tickets::take`].
    pub(crate) fn check(&self, ticket: Ticket, answer: &Value) -> Result<(), TypeError> {
        let tickets = self.lock();
        let Some(waiting) = tickets.get(ticket.slot as usize).filter(|w| w.generation == ticket.generation) else {
            return Ok(());
        };
        waiting.result.check(answer).map_err(|error| error.inside(format!("answer to `{}`", waiting.function)))
    }

    /// Takes the ticket: from now on it is stale. False where it was before.
    pub(crate) fn take(&self, ticket: Ticket) -> bool {
        let mut tickets = self.lock();
        let slot = ticket.slot as usize;
        let good = tickets.get(slot).is_some_and(|waiting| waiting.generation == ticket.generation);
        if good {
            tickets.remove(slot);
        }
        good
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_for_its_own_engine_only() {
        let (tickets, others) = (Tickets::default(), Tickets::default());
        let plugin = PluginId { slot: 3, generation: 9 };
        let first = tickets.mint(plugin, "net.fetch", &Type::Int);
        let foreign = others.mint(plugin, "net.fetch", &Type::Int);
        assert_eq!((tickets.look(first), tickets.look(foreign)), (Some((plugin, "net.fetch".into())), None));
        assert!(tickets.check(first, &Value::Int(1)).is_ok() && tickets.check(first, &Value::Nil).is_err());
        assert!(tickets.take(first));
        let second = tickets.mint(plugin, "net.fetch", &Type::Int);
        assert_eq!(second.slot, first.slot, "the place is used again");
        assert_eq!((tickets.take(first), tickets.len()), (false, 1));
        assert_eq!(second.to_string(), format!("0:{}", second.generation));
    }
}
