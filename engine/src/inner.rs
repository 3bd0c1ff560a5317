//! [`Inner`]: what the handles of one engine share: its parts, the table of plugins, and the limits over all of them.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed, Ordering::SeqCst},
    },
};

use modhost_backend::{Backend, Fault, FaultKind, Kind, Resource};
use tracing::field::display;

use crate::{
    audit::Audit,
    bus::Bus,
    call::{About, Chronicle, Clock, Observer, PluginId, Slot, State, Tickets, Transition, Watchdog},
    checks::Checks,
    engine::Target,
    error::{Code, Error, Result, Stage},
    host::{self, Group, Groups, Held, Registry},
    package::{Matched, Outline, Shelved, nearest},
    policy::{self, Admission, GroupBy, Policy},
    resolve::Standing,
    spans::stage_span,
    statistics::Totals,
    table::Table,
    verify::{Gate, Vetted},
};

/// What the handles of one engine share.
pub(crate) struct Inner {
    pub(crate) policy: Policy,
    pub(crate) registry: Registry,
    pub(crate) audit: Arc<Audit>,
    pub(crate) watchdog: Watchdog,
    pub(crate) held: Arc<Held>,
    pub(crate) tickets: Tickets,
    pub(crate) bus: Bus,
    pub(crate) chronicle: Chronicle,
    pub(crate) gate: Gate,
    pub(crate) checks: Checks,
    pub(crate) groups: Groups,
    pub(crate) backends: Vec<Arc<dyn Backend>>,
    pub(crate) without: Vec<Kind>,
    /// Folders of plugins, the first before the others.
    pub(crate) dirs: Vec<PathBuf>,
    /// How many threads load at a time.
    pub(crate) threads: Option<usize>,
    slots: RwLock<Table>,
    /// Numbers the tenants of slots, over all slots, so that it also tells the order of loading.
    generation: AtomicU32,
    history: Mutex<History>,
    /// Whether the engine was shut down.
    closed: AtomicBool,
}

/// What is remembered of plugins that are gone.
#[derive(Default)]
struct History {
    /// How many times each id was loaded.
    loads: BTreeMap<String, u64>,
    totals: Totals,
}

impl Inner {
    pub(crate) fn new(
        policy: Policy,
        registry: Registry,
        backends: Vec<Arc<dyn Backend>>,
        without: Vec<Kind>,
        audit: Audit,
        clock: Arc<dyn Clock>,
        observers: Vec<Box<Observer>>,
    ) -> Self {
        Inner {
            held: Arc::new(Held::new(policy.total_memory)),
            bus: Bus::default(),
            chronicle: Chronicle::new(clock.clone(), observers),
            gate: Gate::default(),
            checks: Checks::default(),
            groups: Groups::new(&policy),
            policy,
            registry,
            audit: Arc::new(audit),
            watchdog: Watchdog::new(clock),
            tickets: Tickets::default(),
            backends,
            without,
            dirs: Vec::new(),
            threads: None,
            slots: RwLock::default(),
            generation: AtomicU32::new(0),
            history: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn slots(&self) -> RwLockReadGuard<'_, Table> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is loaded, as a resolver sees it.
    pub(crate) fn standing(&self) -> BTreeMap<String, Standing> {
        let standing = |about: &About| Standing { version: about.version.clone(), says: about.needs.says.clone() };
        self.slots().iter().map(|slot| (slot.about.name.clone(), standing(&slot.about))).collect()
    }

    pub(crate) fn slot(&self, target: Target<'_>) -> Result<Arc<Slot>> {
        let slots = self.slots();
        let found = match target {
            Target::Handle(id) => slots.get(id),
            Target::Name(name) => slots.named(name),
        };
        found.cloned().ok_or_else(|| match target {
            Target::Handle(id) => {
                let message = format!("the plugin with the handle {id} is gone: it was unloaded");
                Error::new(Code::PluginNotFound, Stage::Call, message)
            }
            Target::Name(name) => {
                let near = nearest(name, slots.iter().map(|slot| slot.about.name.as_str()));
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let name: String = name.chars().take(96).flat_map(char::escape_debug).collect();
                Error::new(Code::PluginNotFound, Stage::Call, format!("no plugin `{name}` is loaded{near}"))
            }
        })
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn totals(&self) -> Totals {
        let slots = self.slots();
        let mut totals = self.history().totals;
        for slot in slots.iter() {
            totals.add(slot);
        }
        (totals.plugins, totals.memory) = (slots.len(), self.held.bytes());
        totals.queued = self.bus.waits();
        totals.unrecorded = self.audit.unrecorded();
        totals
    }

    /// Counts one more load of `id`; how many there were by now.
    pub(crate) fn count_load(&self, id: &str) -> u64 {
        let mut history = self.history();
        history.totals.loads += 1;
        let loads = history.loads.entry(id.to_owned()).or_default();
        *loads += 1;
        *loads
    }

    /// The group that a plugin is loaded into: the one that is named, else the one that the policy's rule puts it into.
    ///
    /// # Errors
    /// `policy.value` for a group that there is not; the rule puts no plugin into one that nobody described.
    pub(crate) fn group_of(&self, package: &Outline, named: Option<&str>) -> Result<Option<Arc<Group>>> {
        let (policy, id) = (&self.policy, package.id());
        let by_rule = match policy.group_by {
            GroupBy::Publisher => id.publisher(),
            GroupBy::Nothing => None,
        };
        match (named, by_rule) {
            (Some(name), _) => self.groups.find(name, policy).map(Some).map_err(|error| error.of(id.as_str())),
            (None, Some(name)) => Ok(self.groups.find(name, policy).ok()),
            (None, None) => Ok(None),
        }
    }

    /// Gives a plugin its box, if there is room for one more and the host has nothing against it; with its contents, which are read again
    /// if they are not in memory any more.
    pub(crate) fn admit<'p>(
        &self,
        package: &'p Vetted<Shelved>,
        group: Option<&Group>,
    ) -> Result<(Admission, Matched<'p>)> {
        let (id, trust) = (package.get().id().as_str(), package.trust());
        let span = stage_span!("admit", id, package.get().version());
        span.record("trust", display(trust));
        let _entered = span.enter();
        let admission = policy::admit(package, &self.policy, &self.backends)?;
        span.record("backend", display(&admission.artefact().kind));
        self.room_for_one_more(self.slots().len())
            .and_then(|()| self.room_for_memory(Stage::Admit))
            .and_then(|()| group.map_or(Ok(()), |group| group.room().map_err(|used_up| used_up.error(Stage::Admit))))
            .map_err(|error| error.of(id))?;
        let contents = package.get().files(&self.policy.caps)?;
        self.approve(package, &contents, &admission)?;
        Ok((admission, contents))
    }

    /// Nothing is loaded from now on. After this whatever was loaded before is in the table.
    pub(crate) fn close(&self) {
        let _slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        self.closed.store(true, SeqCst);
    }

    /// Whether anything is loaded still.
    pub(crate) fn open(&self) -> Result<()> {
        let closed = || {
            Error::new(Code::LifecycleShutdown, Stage::Admit, "the engine was shut down, and loads nothing any more")
        };
        if self.closed.load(SeqCst) { Err(closed()) } else { Ok(()) }
    }

    /// A plugin that has no instance was refused where it stood.
    pub(crate) fn turned_away(&self, from: State, name: &str, error: &Error) {
        self.chronicle.on_the_way(name, from, Transition::Fail, error.message(), Some(error));
    }

    fn room_for_one_more(&self, there: usize) -> Result<()> {
        self.open()?;
        let limit = self.policy.instances;
        if there < limit as usize {
            return Ok(());
        }
        let fault = Fault::new(FaultKind::Limit { resource: Resource::Instances, limit: limit.into() });
        Err(Error::from_fault(Stage::Admit, fault))
    }

    /// Whether all plugins together hold no more than the policy allows; before a load there must be something left.
    pub(crate) fn room_for_memory(&self, stage: Stage) -> Result<()> {
        let (held, most) = (self.held.bytes(), self.held.most());
        if held < most || held == most && stage != Stage::Admit {
            return Ok(());
        }
        let fault = Fault::new(FaultKind::Limit { resource: Resource::Memory, limit: most });
        let message =
            format!("all plugins together hold {held} bytes, and the policy `{}` allows {most}", self.policy.name);
        let help = "Unload a plugin that is not needed, or raise `total_memory` in the policy.";
        Err(Error::from_fault(stage, fault).saying(message).with_help(help))
    }

    /// Numbers for `count` plugins that are about to be loaded, the first of them: whoever is asked first has the lower ones. They tell
    /// the order of loading, whichever thread is done first; what is not loaded leaves its number unused.
    pub(crate) fn generations(&self, count: usize) -> u32 {
        self.generation.fetch_add(u32::try_from(count).unwrap_or(u32::MAX), Relaxed)
    }

    /// Puts a plugin into the table, unless another of its name came first.
    pub(crate) fn insert(
        &self,
        name: &str,
        generation: u32,
        group: Option<&Group>,
        make: impl FnOnce(PluginId) -> Slot,
    ) -> Result<Arc<Slot>> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if slots.named(name).is_some() {
            let message = format!("another plugin `{name}` was loaded at the same time");
            return Err(Error::new(Code::PackageDuplicate, Stage::Load, message));
        }
        // Looked at again under the lock: several threads may be loading.
        self.room_for_one_more(slots.len())?;
        group.map_or(Ok(()), Group::join).map_err(|used_up| used_up.error(Stage::Load))?;
        let slot = slots.insert(generation, make);
        // After the lock: whoever publishes looks at no table but the bus's.
        drop(slots);
        self.bus.subscribe(&slot);
        Ok(slot)
    }

    /// A load is over, in which nothing was lent: what was published waits for the next round. Inside a call it waits for that
    /// call's end.
    pub(crate) fn loaded(&self) {
        let called = || host::calling(|origin| std::ptr::eq(origin.engine.as_ptr(), self)).unwrap_or(false);
        if !self.bus.is_idle() && !called() {
            self.bus.park(None);
        }
    }

    /// Takes a plugin out of the table and drops its instance, now or when its running call returns.
    pub(crate) fn remove(&self, slot: &Slot) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(removed) = slots.remove(slot) {
            self.history().totals.add(slot);
            drop(slots);
            // What could not be loaded has failed, and is not unloaded.
            let _ = slot.step(Transition::Finish, "", None);
            slot.clear();
            slot.origin.group.iter().for_each(|group| group.leave());
            drop(slot.origin.take_output());
            self.bus.unsubscribe(slot);
            drop(removed);
        }
    }
}
