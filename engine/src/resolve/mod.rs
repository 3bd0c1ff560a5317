//! Which plugins of a set can be loaded together, and in which order: [`resolve`] turns vetted packages into a [`Plan`].
//!
//! One version of each plugin is considered, the one that lies in the folder; the solver over several versions builds on
//! the same types.

mod check;
mod order;
mod plan;

pub(crate) use plan::resolve;
