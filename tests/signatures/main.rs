//! Signatures, keys and the trust store, attacked: each attack is a change of a world in which all is well, with the one code that it
//! must get. After each, the world as it was is verified still, and its store is the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod damage;
mod delegations;
mod envelopes;
mod files;
mod forgeries;
mod lists;
mod stores;
mod verdicts;
mod world;
