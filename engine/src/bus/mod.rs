//! Events between plugins, in their thin form: who listens to what, what waits, and how it is delivered.
//!
//! An event is never delivered while the call that published it runs. It waits in the thread's outbox until the outermost call of
//! that thread into this engine has returned, and is then handed to the listeners, in load order, by the same thread with the same
//! state. What listeners publish meanwhile waits behind it. What cannot be delivered yet (the round's budget is used up, the listener
//! runs a call of another thread, nothing was lent because a plugin was loading) waits in the engine's own queue for the next round.

mod deliver;
mod function;
mod outbox;
mod publish;

pub(crate) use deliver::Round;
pub(crate) use function::{event_functions, may_publish};
pub(crate) use publish::Bus;
