//! [`Options`]: how strict a plan is. Plain data.

use std::collections::BTreeSet;

/// What is done where not everything goes together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mode {
    /// The largest part that goes together is taken; the rest is left out, and the plan says why. See [`crate::resolve`].
    #[default]
    BestEffort,
    /// Nothing is taken unless everything is.
    AllOrNothing,
}

/// How it is found out what goes together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Choice {
    /// The best set, in the best versions: see [`crate::resolve`]. What is not found within [`Options::budget`] is chosen as by
    /// [`Choice::Greedy`].
    #[default]
    Best,
    /// No search: plugins one after another, each with all that it needs, in the highest versions that go beside what was taken
    /// before it. Nothing is taken back, so that more may be left out than must be.
    Greedy,
}

/// What an optional dependency that is not there means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Optionals {
    /// Nothing.
    #[default]
    Allow,
    /// A warning of the plan; none for hidden ones.
    Warn,
    /// As if it were needed.
    Require,
}

/// How strict a plan is.
///
/// ```
/// use modhost::resolve::{Mode, Options};
///
/// let mut options = Options::default();
/// options.mode = Mode::AllOrNothing;
/// assert_eq!(options.budget, 250_000);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What is done where not everything goes together.
    pub mode: Mode,
    /// What an optional dependency that is not there means.
    pub optionals: Optionals,
    /// How it is found out what goes together.
    pub choice: Choice,
    /// The most steps of a plan. A step is a fixed amount of work, about as much as it takes to choose one version and to see what
    /// follows; all work of the search is counted, what follows from what it learned as well, and never the time, so that the same
    /// plugins give the same plan on every machine. Of a group of plugins that is not settled in three quarters of it, that is taken
    /// which [`Choice::Greedy`] takes, and the others are left out with [`Code::ResolveBudget`](crate::Code::ResolveBudget).
    pub budget: u64,
    /// The ids whose `[dev-dependencies]` count: plugins that are tested.
    pub dev: BTreeSet<String>,
}

impl Default for Options {
    /// Best effort, optional dependencies may be absent, 250,000 steps, which take at most half a second of a
    /// processor of 2.5 GHz, no plugin's dev-dependencies.
    fn default() -> Self {
        Options {
            mode: Mode::default(),
            optionals: Optionals::default(),
            choice: Choice::default(),
            budget: 250_000,
            dev: BTreeSet::new(),
        }
    }
}
