//! [`LimitSet`]: limits by name, for levels that a host puts together itself.

use std::{fmt, time::Duration};

use modhost_backend::Limits;

/// Fuel for one second of a whole processor: what stands in for a share of it, as long as no backend holds one. Luau and
/// wasmi run 40 to 100 million units in a second, so that fuel ends first what computes, and the deadline what waits.
const FUEL_PER_SECOND: u64 = 20_000_000;

/// Limits of so much memory (bytes), share of a processor (percent) and time per call (seconds). Fuel is that share of
/// that time, so that a smaller share is smaller work even where the share itself is not held.
pub(super) fn limits(memory: u64, cpu_share: u32, seconds: u64) -> Limits {
    let mut limits = Limits::default();
    limits.memory = memory;
    limits.cpu_share = cpu_share;
    limits.deadline = Duration::from_secs(seconds);
    limits.fuel = seconds * FUEL_PER_SECOND * u64::from(cpu_share) / 100;
    limits
}

/// Limits by name.
///
/// | set | memory | processor | time per call | fuel per call |
/// |---|---|---|---|---|
/// | `minimal` | 128 MiB | 25 % | 10 s | 50 M |
/// | `standard` | 512 MiB | 50 % | 30 s | 300 M |
/// | `generous` | 2 GiB | 100 % | 300 s | 6,000 M |
///
/// All else is as in [`Limits::default`].
///
/// ```
/// use modhost::{LimitSet, Policy};
///
/// let mut policy = Policy::mods();
/// policy.verified.limits = LimitSet::Generous.limits();
/// assert_eq!(policy.verified.limits.memory, 2 << 30);
/// assert_eq!(LimitSet::named("minimal"), Some(LimitSet::Minimal));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum LimitSet {
    /// For small helpers.
    Minimal,
    /// For most.
    Standard,
    /// For what a host trusts to work hard.
    Generous,
}

impl LimitSet {
    /// Every set, the smallest first.
    pub const ALL: [LimitSet; 3] = [LimitSet::Minimal, LimitSet::Standard, LimitSet::Generous];

    /// The set called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        LimitSet::ALL.into_iter().find(|set| set.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LimitSet::Minimal => "minimal",
            LimitSet::Standard => "standard",
            LimitSet::Generous => "generous",
        }
    }

    /// Its limits.
    #[must_use]
    pub fn limits(self) -> Limits {
        match self {
            LimitSet::Minimal => limits(128 << 20, 25, 10),
            LimitSet::Standard => limits(512 << 20, 50, 30),
            LimitSet::Generous => limits(2 << 30, 100, 300),
        }
    }
}

impl fmt::Display for LimitSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
