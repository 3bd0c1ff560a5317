//! Groups of plugins as the host sees them: who is in which, what they may have together, periods, statistics.

use std::{path::Path, time::Duration};

use crate::{
    call::PluginId,
    engine::Engine,
    error::{Code, Error, Result, Stage},
    host::Group,
    policy::{GroupLimits, check_group_name},
    report::Mods,
};

/// A group as [`Engine::groups`] lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GroupInfo {
    /// Its name.
    pub name: String,
    /// What its plugins may have together.
    pub limits: GroupLimits,
    /// Plugins in it now.
    pub plugins: u32,
    /// Bytes that they hold, with what the host holds because of them, in whole grains of 4 KiB.
    pub memory: u64,
    /// Units of fuel that calls have used in this period; running calls count when they end.
    pub fuel: u64,
    /// Time that calls took in this period, with what is left of former ones; counted where the group has a limit of it.
    pub time: Duration,
    /// Bytes printed in this period.
    pub output: u64,
    /// Events published by its plugins that wait.
    pub queued: u32,
    /// Calls, loads, lines and events that were refused so far because the group had used up what it may.
    pub refusals: u64,
}

impl GroupInfo {
    fn of(group: &Group) -> Self {
        let used = group.used();
        GroupInfo {
            name: group.name().to_owned(),
            limits: used.limits,
            plugins: group.plugins(),
            memory: group.held.bytes(),
            fuel: used.fuel,
            time: used.time,
            output: used.output,
            queued: group.queued(),
            refusals: used.refusals,
        }
    }
}

impl Engine {
    /// [`Engine::load_path`] into a group: what the plugins of a group have together is limited by [`GroupLimits`].
    ///
    /// # Errors
    /// As [`Engine::load_path`]; `limit.group` where the group has no room, or no fuel for loading, and `policy.value` for a group
    /// that there is not.
    pub fn load_path_in(&self, group: &str, path: impl AsRef<Path>) -> Result<PluginId> {
        self.load_path_of(Some(group), path.as_ref())
    }

    /// [`Engine::load_source`] into a group.
    ///
    /// # Errors
    /// As [`Engine::load_path_in`].
    pub fn load_source_in(&self, group: &str, name: &str, source: impl AsRef<[u8]>) -> Result<PluginId> {
        self.load_source_of(Some(group), name, source.as_ref())
    }

    /// [`Engine::load_dir`] with all plugins into one group.
    ///
    /// # Errors
    /// As [`Engine::load_dir`].
    pub fn load_dir_in(&self, group: &str, path: impl AsRef<Path>) -> Result<Mods> {
        self.loading().group(group).dir(path.as_ref()).load()
    }

    /// Describes a group, for a player that joins, or changes what its plugins may have from now on. What they have is not taken
    /// away.
    ///
    /// # Errors
    /// `policy.value` for a name that no group may have.
    pub fn set_group(&self, name: &str, limits: GroupLimits) -> Result<()> {
        check_group_name(name).map_err(|message| Error::new(Code::PolicyValue, Stage::Engine, message))?;
        self.inner().groups.set(name, limits);
        Ok(())
    }

    /// Removes a group that has no plugins; false where it has some, where prepared calls of its plugins are still kept, or where
    /// there is no such group.
    pub fn remove_group(&self, name: &str) -> bool {
        self.inner().groups.remove(name)
    }

    /// Begins a period, a frame or a second for instance: each group has its fuel, time and output again. The first begins when the
    /// engine is built; a host that never begins another gives its groups once what it says.
    ///
    /// ```
    /// use modhost::{Code, Engine, GroupLimits};
    ///
    /// let mut limits = GroupLimits::default();
    /// limits.fuel = 1000;
    /// let engine = Engine::builder().group("player-7", limits).build()?;
    /// for name in ["a.lua", "b.lua"] {
    ///     engine.load_source_in("player-7", name, "function work() for i = 1, 600 do end end")?;
    /// }
    /// engine.begin_period();
    /// engine.call::<_, ()>(&mut (), "a", "work", ())?;
    /// let error = engine.call::<_, ()>(&mut (), "b", "work", ()).unwrap_err();
    /// assert_eq!(error.code(), Code::LimitGroup); // it went beyond what was left
    ///
    /// engine.begin_period();
    /// engine.call::<_, ()>(&mut (), "a", "work", ())?;
    /// # Ok::<(), modhost::Error>(())
    /// ```
    pub fn begin_period(&self) {
        self.inner().groups.begin_period();
    }

    /// The groups that there are, by name.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupInfo> {
        self.inner().groups.all().iter().map(|group| GroupInfo::of(group)).collect()
    }
}
