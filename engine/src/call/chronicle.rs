//! [`Chronicle`]: every change of every plugin's state, kept for a bounded number of them and told to whoever observes.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Clock, Illegal, PluginId, State, Transition};
use crate::{audit::escape, error::Error};

/// How many changes are kept of one plugin; the oldest make room.
const KEPT: usize = 32;
/// Of how many plugins; those that changed least lately make room.
const PLUGINS: usize = 1024;
/// The longest reason, in characters.
const REASON: usize = 120;

/// One change of a plugin's state. See [`Engine::history`](crate::Engine::history).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Its handle, from the time that it has an instance: two plugins of one id that were loaded one after the other differ in it.
    pub plugin: Option<PluginId>,
    /// Where it stood.
    pub from: State,
    /// Where it stands since.
    pub to: State,
    /// The engine's clock.
    pub at: Duration,
    /// Why, in a few words; a guest's words are escaped and shortened.
    pub reason: String,
}

/// When a [`LifecycleEvent`] is told.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Moment {
    /// The step begins, and its export has not run yet.
    Before,
    /// The step was taken.
    After,
    /// The step, or the export that belongs to it, failed.
    Failed,
    /// The plugin goes on, and there is something to know: [`LifecycleEvent::warning`]. With [`Transition::Vet`], the trust store
    /// says it, that the plugin is revoked softly for instance.
    Warned,
}

/// A step of a plugin's life, told to the embedder on the thread that takes it. See [`Builder::on_event`](crate::Builder::on_event).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LifecycleEvent<'a> {
    /// The plugin's id.
    pub plugin: &'a str,
    /// Its handle, once it has an instance.
    pub handle: Option<PluginId>,
    /// The step.
    pub step: Transition,
    /// Whether it begins, is done or has failed.
    pub moment: Moment,
    /// Where the plugin stands at this moment.
    pub state: State,
    /// What failed; with [`Transition::Fail`] what ended the plugin; with [`Transition::Quarantine`] what another trust store, or the
    /// host's own check, has against it.
    pub error: Option<&'a Error>,
    /// What is to be known of a plugin that goes on, with [`Moment::Warned`].
    pub warning: Option<&'a str>,
}

impl LifecycleEvent<'_> {
    /// Its name: `enable.before`, `enable.after`, `enable.failed`, and so for each [`Transition`]; and `vet.warned`.
    #[must_use]
    pub fn name(&self) -> String {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::After => "after",
            Moment::Failed => "failed",
            Moment::Warned => "warned",
        };
        format!("{}.{moment}", self.step)
    }
}

/// Who is told.
pub(crate) type Observer = dyn Fn(&LifecycleEvent<'_>) + Send + Sync;

/// Whose step it is, and why it is taken.
#[derive(Clone, Copy)]
pub(crate) struct Cause<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) handle: Option<PluginId>,
    pub(crate) step: Transition,
    pub(crate) reason: &'a str,
    pub(crate) error: Option<&'a Error>,
}

#[derive(Default)]
struct Kept {
    /// By id: when it changed last, as a number, and its changes.
    plugins: HashMap<String, (u64, VecDeque<Change>)>,
    /// The ids in the order of their last change.
    order: BTreeMap<u64, String>,
    next: u64,
}

impl Kept {
    fn push(&mut self, plugin: &str, change: Change) {
        let number = self.next;
        self.next += 1;
        let (last, changes) = self.plugins.entry(plugin.to_owned()).or_insert((number, VecDeque::new()));
        self.order.remove(last);
        *last = number;
        if changes.len() == KEPT {
            changes.pop_front();
        }
        changes.push_back(change);
        self.order.insert(number, plugin.to_owned());
        if self.plugins.len() > PLUGINS
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.plugins.remove(&oldest);
        }
    }
}

/// Every change of the plugins of one engine.
pub(crate) struct Chronicle {
    clock: Arc<dyn Clock>,
    observers: Vec<Box<Observer>>,
    kept: Mutex<Kept>,
}

impl Chronicle {
    pub(crate) fn new(clock: Arc<dyn Clock>, observers: Vec<Box<Observer>>) -> Self {
        Chronicle { clock, observers, kept: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a step by `change`, which says from where to where, and keeps it: under one lock, so that what is kept is in the order in
    /// which it happened. It is told to nobody yet.
    pub(crate) fn keep(
        &self,
        cause: &Cause<'_>,
        change: impl FnOnce() -> Result<(State, State), Illegal>,
    ) -> Result<(State, State), Illegal> {
        let at = self.clock.now();
        let reason = escape(cause.reason, REASON);
        let mut kept = self.lock();
        let (from, to) = change()?;
        kept.push(cause.plugin, Change { plugin: cause.handle, from, to, at, reason });
        Ok((from, to))
    }

    /// The step of a plugin that has no instance yet and so is nowhere but on its way.
    pub(crate) fn on_the_way(&self, plugin: &str, from: State, step: Transition, reason: &str, error: Option<&Error>) {
        let cause = Cause { plugin, handle: None, step, reason, error };
        // Illegal would be the engine's own mistake, and nothing happens by it.
        if let Ok((_, to)) = self.keep(&cause, || Ok((from, from.after(step)?))) {
            self.tell(&cause, Moment::After, to);
        }
    }

    /// A step of a plugin begins that has no instance yet.
    pub(crate) fn begins(&self, plugin: &str, state: State, step: Transition) {
        self.tell(&Cause { plugin, handle: None, step, reason: "", error: None }, Moment::Before, state);
    }

    /// Tells those who observe. What they do wrong is theirs.
    pub(crate) fn tell(&self, cause: &Cause<'_>, moment: Moment, state: State) {
        let Cause { plugin, handle, step, reason, error } = *cause;
        let warning = (moment == Moment::Warned).then_some(reason);
        let event = LifecycleEvent { plugin, handle, step, moment, state, error, warning };
        for observer in &self.observers {
            if catch_unwind(AssertUnwindSafe(|| observer(&event))).is_err() {
                tracing::error!(plugin, "an observer panicked at {}", event.name());
            }
        }
    }

    /// What is kept of the plugin `id`, oldest first.
    pub(crate) fn of(&self, id: &str) -> Vec<Change> {
        self.lock().plugins.get(id).map(|(_, changes)| changes.iter().cloned().collect()).unwrap_or_default()
    }

    /// What is kept of the plugin that had this handle, from the beginning of its id's changes.
    pub(crate) fn of_handle(&self, handle: PluginId) -> Vec<Change> {
        let kept = self.lock();
        let of = |changes: &&VecDeque<Change>| changes.iter().any(|change| change.plugin == Some(handle));
        let found = kept.plugins.values().map(|(_, changes)| changes).find(of);
        found
            .map(|changes| changes.iter().filter(|c| c.plugin.is_none_or(|p| p == handle)).cloned().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::ManualClock;

    #[test]
    fn the_oldest_make_room_of_changes_and_of_plugins() {
        let clock = Arc::new(ManualClock::default());
        let chronicle = Chronicle::new(clock.clone(), Vec::new());
        let change = |plugin: &str| chronicle.on_the_way(plugin, State::Loaded, Transition::Enable, "x", None);
        for _ in 0..KEPT + 3 {
            change("wolf");
            clock.advance(Duration::from_secs(1));
        }
        let kept = chronicle.of("wolf");
        assert_eq!((kept.len(), kept[0].at), (KEPT, Duration::from_secs(3)));
        for number in 0..PLUGINS - 1 {
            change(&number.to_string());
        }
        change("wolf");
        change("one more");
        assert_eq!((chronicle.of("wolf").len(), chronicle.of("0").len(), chronicle.of("1").len()), (KEPT, 0, 1));
        let kept = chronicle.lock();
        assert_eq!((kept.plugins.len(), kept.order.len()), (PLUGINS, PLUGINS));
    }

    #[test]
    fn an_illegal_step_leaves_no_trace() {
        let chronicle = Chronicle::new(Arc::new(ManualClock::default()), Vec::new());
        chronicle.on_the_way("wolf", State::Unloaded, Transition::Enable, "", None);
        assert!(chronicle.of("wolf").is_empty());
    }
}
