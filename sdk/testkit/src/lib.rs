//! For tests of plugins and of backends: the [`conformance`] suite that defines how a backend behaves, and the [`world`] that the demo
//! mods are written against, which the `modhost` command offers too.
#![forbid(unsafe_code)]

pub mod conformance;
pub mod world;
