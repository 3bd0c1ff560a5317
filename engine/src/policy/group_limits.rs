//! [`GroupLimits`]: what the plugins of one group may have together, and [`GroupBy`]: which group a plugin is put into.

use std::time::Duration;

/// What the plugins of one group (of a tenant, an owner, a player) may have together, however many they are. Zero is a limit of zero;
/// the greatest number there is, which is the default of every field, is no limit.
///
/// ```
/// use modhost::{Engine, GroupLimits};
///
/// let mut limits = GroupLimits::default();
/// (limits.plugins, limits.memory, limits.fuel) = (10, 64 << 20, 5_000_000);
/// let engine = Engine::builder().group("player-7", limits).build()?;
/// engine.load_source_in("player-7", "wolf.lua", "function howl() end")?;
/// assert_eq!(engine.groups()[0].plugins, 1);
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GroupLimits {
    /// Plugins at a time.
    pub plugins: u32,
    /// Bytes that they hold, with what the host holds because of them.
    pub memory: u64,
    /// Units of fuel in a period, as their backends count them, loading included. A call takes what it may use out of it when it
    /// begins and gives back what it did not use.
    pub fuel: u64,
    /// Time that their calls run in a period. Looked at when a call begins: one that runs is ended by its own deadline, and
    /// what it took too much is taken off the next period.
    pub time: Duration,
    /// Bytes that they print in a period.
    pub output: u64,
    /// Events published by them that wait for listeners at a time.
    pub queue: u32,
}

impl Default for GroupLimits {
    fn default() -> Self {
        GroupLimits {
            plugins: u32::MAX,
            memory: u64::MAX,
            fuel: u64::MAX,
            time: Duration::MAX,
            output: u64::MAX,
            queue: u32::MAX,
        }
    }
}

/// Which group a plugin is put into that is loaded without naming one.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum GroupBy {
    /// None.
    #[default]
    Nothing,
    /// That of its publisher, the part of its id before the dot. A plugin without one is in no group.
    Publisher,
}

/// Whether a group may have this name; what is wrong with it else.
pub(crate) fn check_group_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(plain) {
        return Ok(());
    }
    let short: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    Err(format!("`{short}` is no name of a group: write 1 to 64 letters, digits, `-`, `_` and `.`"))
}
