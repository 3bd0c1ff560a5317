//! Which plugins of a set go together, in which versions and in which order: [`Resolver`] turns candidates into a [`Plan`], without
//! loading anything or reading a file.
//!
//! # What must hold
//! At most one version of each plugin is taken, and for each that is taken:
//! * every dependency is taken in a version that fits, and every optional one in a version that fits or not at all;
//! * of each `any-of` one plugin is taken that fits, and each contract under `[requires]` is offered by the host or provided by
//!   another plugin that is taken, in a version that fits;
//! * no plugin is taken that it conflicts with, `engine` fits this modhost, and no circle of needs has an order to be loaded in.
//!
//! A requirement fits by semver's rule. A bare `1.2.3` is `^1.2.3`. A prerelease fits only a requirement that names a prerelease
//! of the same release; but `*` of a conflict or of an optional dependency speaks of the plugin as such, prereleases included.
//! What a plugin says of itself counts only where it needs itself: in another version, or before itself.
//!
//! # What is taken
//! **Which plugins** ([`Mode::BestEffort`]): of all sets that go together the one of which the fewest are left out that the
//! lockfile holds; then the fewest at all; then the fewest that refuse nobody; and of equals the one that leaves out the last ids
//! of the alphabet, the first of them compared first. To refuse is to declare a conflict or an optional dependency that a version
//! which lies there breaks: of two that exclude each other the one that says so goes, so that a new mod cannot put an old one
//! out by naming it, unless more is lost otherwise. A lockfile settles it for good.
//!
//! **Which versions**: plugins that need others choose before those that are needed; each takes the best version that goes
//! together with what was chosen before it. The best is the lockfile's, then the highest release, then the highest prerelease.
//! Who chooses before whom where neither needs the other follows from the ids alone, never from the order of the candidates.
//!
//! **Which of several** (`any-of`): the first in the author's order that goes together with these versions. Providers of a
//! contract come in the order of ids.
//!
//! **In which order** they load: plugins in the order of their ids, each directly after those that it loads after, which come in
//! the order of ids too. Those are its dependencies but for `order = false`, its choices and its providers. An optional
//! dependency that would close a circle orders nothing, with a warning.
//!
//! # What it costs
//! The work is bounded by [`Options::budget`]: whatever the search does is counted, what follows from what it learned as well. What it
//! learns is bounded in memory, and forgotten if it was of no use for long. Time is never looked at, so that the same plugins give
//! the same plan on every machine.
//!
//! Plugins that do not concern each other are settled each for themselves, few before many, so that a hard group takes nothing from the
//! others. Of a group that is not settled in three quarters of its share, that is taken which goes together without a search
//! ([`Choice::Greedy`]): plugins one after another, each with all that it needs, in the highest versions that go beside what was taken
//! before it; first what the lockfile holds, then those that refuse nobody. The others are left out with `resolve.budget`, and
//! [`Warning::Unsettled`] says so. Where so many conflicts are tangled that the best set is not found in half of the search, a good one
//! is taken, with a warning.

mod candidate;
mod cause;
mod choose;
mod explain;
mod greedy;
mod hitting;
mod lines;
mod lockfile;
mod meter;
mod modset;
mod options;
mod order;
mod packages;
mod plan;
mod problem;
mod query;
mod reason;
mod resolver;
mod search;
mod set;
mod signed;
mod solve;
#[cfg(test)]
mod tests;
mod trail;

pub use crate::package::{Digest, DigestError};
pub use candidate::Candidate;
pub use cause::Cause;
pub use lockfile::{Drift, LOCKFILE, Locked, Lockfile};
pub use modset::{Entry, ModSet, Profile, Selection};
pub use options::{Choice, Mode, Optionals, Options};
pub(crate) use packages::{Wish, resolve, withheld_for};
pub use plan::{Chosen, LeftOut, Link, LinkKind, PassedOver, Plan, Warning};
pub use query::{Change, Reach, Why};
pub use resolver::Resolver;
pub(crate) use resolver::Standing;
