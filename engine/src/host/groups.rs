//! [`Groups`]: the groups of one engine, by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::group::Group;
use crate::{
    error::{Code, Error, Result, Stage},
    package::nearest,
    policy::{GroupLimits, Policy, check_group_name},
};

/// A group, and whether somebody named it: one that is there for the sake of its plugins goes with them.
struct Entry {
    group: Arc<Group>,
    named: bool,
}

/// The groups of one engine.
pub(crate) struct Groups(RwLock<BTreeMap<String, Entry>>);

impl Groups {
    pub(crate) fn new(policy: &Policy) -> Self {
        let entry = |(name, limits): (&String, &GroupLimits)| {
            (name.clone(), Entry { group: Arc::new(Group::new(name, limits.clone())), named: true })
        };
        Groups(RwLock::new(policy.groups.iter().map(entry).collect()))
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Entry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Entry>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The group called `name`, which the policy makes where it has limits for others.
    ///
    /// # Errors
    /// `policy.value` for a name that no group may have or, without limits for others, none has.
    pub(crate) fn find(&self, name: &str, policy: &Policy) -> Result<Arc<Group>> {
        let refused = |message: String| Error::new(Code::PolicyValue, Stage::Admit, message);
        check_group_name(name).map_err(refused)?;
        if let Some(entry) = self.read().get(name) {
            return Ok(entry.group.clone());
        }
        let Some(limits) = &policy.other_groups else {
            let groups = self.read();
            let near = nearest(name, groups.keys().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(refused(format!("there is no group `{name}`{near}")).with_help(
                "Name it in the policy under [groups], or by set_group; [other_groups] has the limits of any other.",
            ));
        };
        let make = || Entry { group: Arc::new(Group::new(name, limits.clone())), named: false };
        Ok(self.write().entry(name.to_owned()).or_insert_with(make).group.clone())
    }

    /// Names a group, or changes its limits.
    pub(crate) fn set(&self, name: &str, limits: GroupLimits) {
        let mut groups = self.write();
        match groups.get_mut(name) {
            Some(entry) => {
                entry.named = true;
                entry.group.set_limits(limits);
            }
            None => {
                groups.insert(name.to_owned(), Entry { group: Arc::new(Group::new(name, limits)), named: true });
            }
        }
    }

    /// Removes a group that has no plugins; whether there was one, and it is gone.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let mut groups = self.write();
        let idle = groups.get(name).is_some_and(|entry| is_idle(&entry.group));
        idle && groups.remove(name).is_some()
    }

    /// Begins a period of each, and forgets those that nobody named and that have no plugins.
    pub(crate) fn begin_period(&self) {
        self.write().retain(|_, entry| {
            entry.group.begin_period();
            entry.named || !is_idle(&entry.group)
        });
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Group>> {
        self.read().values().map(|entry| entry.group.clone()).collect()
    }
}

/// Nobody but the table knows it: no plugin is in it or on its way into it. The table is locked, so nobody comes to know it.
fn is_idle(group: &Arc<Group>) -> bool {
    group.plugins() == 0 && Arc::strong_count(group) == 1
}
