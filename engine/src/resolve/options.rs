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
    /// The most steps of the search, each about as much work as choosing one version. Of a group of plugins that is not settled by
    /// then those are taken that can be added one by one, and the others are left out with
    /// [`Code::ResolveBudget`](crate::Code::ResolveBudget).
    pub budget: u64,
    /// The ids whose `[dev-dependencies]` count: plugins that are tested.
    pub dev: BTreeSet<String>,
}

impl Default for Options {
    /// Best effort, optional dependencies may be absent, 250,000 steps, which take about a second at worst, no plugin's dev-dependencies.
    fn default() -> Self {
        Options { mode: Mode::default(), optionals: Optionals::default(), budget: 250_000, dev: BTreeSet::new() }
    }
}
