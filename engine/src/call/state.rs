//! [`State`]: where a plugin stands, and [`State::after`], the one function that says where a step leads. It knows no plugin.

use std::fmt;

/// Where a plugin stands on its way.
///
/// ```text
/// Discovered -> Vetted -> Resolved -> Loaded -> Active <-> Disabled
///       any of these before Unloading -> Failed -> Backoff -> Loaded
///       Loaded, Active, Disabled, Failed, Backoff -> Quarantined
///       any of Loaded and later -> Unloading -> Unloaded
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[repr(u8)]
pub enum State {
    /// Found in a folder or given by the host; nothing of it is believed.
    Discovered,
    /// Its trust is known.
    Vetted,
    /// It has a place in a plan: what it needs is there.
    Resolved,
    /// Its instance exists and `on_load` has run. It takes calls of the host; events wait for it, and are dropped if it is not enabled by
    /// the time they are delivered.
    Loaded,
    /// `on_enable` has run: it takes calls and events.
    Active,
    /// `on_disable` has run: it takes neither, until it is enabled again.
    Disabled,
    /// It could not be loaded, or a limit, a trap or a crash ended it. Its instance is gone.
    Failed,
    /// It failed and waits to be loaded again.
    Backoff,
    /// The host or a revocation took it out of service; only unloading leads on.
    Quarantined,
    /// `on_unload` runs, and what it holds is given back.
    Unloading,
    /// Nothing of it is left.
    Unloaded,
}

/// What happens to a plugin.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Transition {
    /// Its trust was established.
    Vet,
    /// It was given its place in a plan.
    Resolve,
    /// Its instance was made, for the first time or again.
    Load,
    /// `on_enable` ran.
    Enable,
    /// `on_disable` ran.
    Disable,
    /// It was refused, could not be loaded, or was ended by a limit, a trap or a crash.
    Fail,
    /// It is to be tried again later.
    Retry,
    /// It is taken out of service.
    Quarantine,
    /// Unloading begins.
    Unload,
    /// Unloading is done.
    Finish,
}

/// A step that a plugin cannot take where it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Illegal {
    /// Where it stands.
    pub from: State,
    /// What it cannot do there.
    pub step: Transition,
}

impl State {
    /// Every state, in the order of the way.
    pub const ALL: [State; 11] = [
        State::Discovered,
        State::Vetted,
        State::Resolved,
        State::Loaded,
        State::Active,
        State::Disabled,
        State::Failed,
        State::Backoff,
        State::Quarantined,
        State::Unloading,
        State::Unloaded,
    ];

    /// Where `step` leads from here.
    ///
    /// # Errors
    /// [`Illegal`] where it leads nowhere; enabling what is active is illegal, too: whoever asks finds out that nothing happened.
    pub fn after(self, step: Transition) -> Result<State, Illegal> {
        use State::{
            Active, Backoff, Disabled, Discovered, Failed, Loaded, Quarantined, Resolved, Unloaded, Unloading, Vetted,
        };
        match (self, step) {
            (Discovered, Transition::Vet) => Ok(Vetted),
            (Vetted, Transition::Resolve) => Ok(Resolved),
            (Resolved | Backoff, Transition::Load) => Ok(Loaded),
            (Loaded | Disabled, Transition::Enable) => Ok(Active),
            (Loaded | Active, Transition::Disable) => Ok(Disabled),
            (Discovered | Vetted | Resolved | Loaded | Active | Disabled | Backoff, Transition::Fail) => Ok(Failed),
            (Failed, Transition::Retry) => Ok(Backoff),
            (Loaded | Active | Disabled | Failed | Backoff, Transition::Quarantine) => Ok(Quarantined),
            (Loaded | Active | Disabled | Failed | Backoff | Quarantined, Transition::Unload) => Ok(Unloading),
            (Unloading, Transition::Finish) => Ok(Unloaded),
            (from, step) => Err(Illegal { from, step }),
        }
    }

    /// The state of this number, as [`State::ALL`] counts; what is beyond is the end.
    pub(super) fn from_u8(number: u8) -> State {
        State::ALL.get(usize::from(number)).copied().unwrap_or(State::Unloaded)
    }

    /// Whether the host may call it.
    #[must_use]
    pub fn takes_calls(self) -> bool {
        matches!(self, State::Loaded | State::Active)
    }

    /// Whether an instance that comes to rest is kept. While it is [`State::Resolved`] it may have one on which `on_load` runs.
    #[must_use]
    pub(crate) fn keeps_instance(self) -> bool {
        matches!(self, State::Resolved | State::Loaded | State::Active | State::Disabled | State::Unloading)
    }

    /// Its name in statistics and histories.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Discovered => "discovered",
            State::Vetted => "vetted",
            State::Resolved => "resolved",
            State::Loaded => "loaded",
            State::Active => "active",
            State::Disabled => "disabled",
            State::Failed => "failed",
            State::Backoff => "backoff",
            State::Quarantined => "quarantined",
            State::Unloading => "unloading",
            State::Unloaded => "unloaded",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Transition {
    /// Every step.
    pub const ALL: [Transition; 10] = [
        Transition::Vet,
        Transition::Resolve,
        Transition::Load,
        Transition::Enable,
        Transition::Disable,
        Transition::Fail,
        Transition::Retry,
        Transition::Quarantine,
        Transition::Unload,
        Transition::Finish,
    ];
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Transition::Vet => "vet",
            Transition::Resolve => "resolve",
            Transition::Load => "load",
            Transition::Enable => "enable",
            Transition::Disable => "disable",
            Transition::Fail => "fail",
            Transition::Retry => "retry",
            Transition::Quarantine => "quarantine",
            Transition::Unload => "unload",
            Transition::Finish => "finish",
        })
    }
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a plugin that is {} cannot {}", self.from, self.step)
    }
}

impl std::error::Error for Illegal {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole product: a row a state, a column a step in the order of [`Transition::ALL`]; a dot is illegal.
    const TABLE: &str = "
                    vet      resolve  load     enable   disable  fail     retry    quarant  unload   finish
        discovered  vetted   .        .        .        .        failed   .        .        .        .
        vetted      .        resolved .        .        .        failed   .        .        .        .
        resolved    .        .        loaded   .        .        failed   .        .        .        .
        loaded      .        .        .        active   disabled failed   .        quarantined unloading .
        active      .        .        .        .        disabled failed   .        quarantined unloading .
        disabled    .        .        .        active   .        failed   .        quarantined unloading .
        failed      .        .        .        .        .        .        backoff  quarantined unloading .
        backoff     .        .        loaded   .        .        failed   .        quarantined unloading .
        quarantined .        .        .        .        .        .        .        .        unloading .
        unloading   .        .        .        .        .        .        .        .        .        unloaded
        unloaded    .        .        .        .        .        .        .        .        .        .";

    #[test]
    fn every_step_from_every_state_leads_where_the_table_says() {
        let rows: Vec<Vec<&str>> = TABLE.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows.len(), State::ALL.len());
        for (from, row) in State::ALL.into_iter().zip(&rows) {
            assert_eq!((row[0], row.len()), (from.name(), 1 + Transition::ALL.len()));
            for (step, to) in Transition::ALL.into_iter().zip(&row[1..]) {
                let found = from.after(step).map_or(".", State::name);
                assert_eq!(found, *to, "{from} after {step}");
            }
        }
    }

    #[test]
    fn states_are_numbered_as_they_are_listed() {
        for (number, state) in State::ALL.into_iter().enumerate() {
            assert_eq!((state as usize, State::from_u8(state as u8)), (number, state));
        }
    }

    #[test]
    fn every_state_is_reached_and_only_one_is_an_end() {
        for state in State::ALL {
            let reached =
                State::ALL.iter().any(|from| Transition::ALL.iter().any(|step| from.after(*step) == Ok(state)));
            assert_eq!(reached, state != State::Discovered, "{state}");
            let leads_on = Transition::ALL.iter().any(|step| state.after(*step).is_ok());
            assert_eq!(leads_on, state != State::Unloaded, "{state}");
        }
    }
}
