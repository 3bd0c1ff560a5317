//! Whether a key of the store counts now, as far as that can be said of no plugin in particular.

use modhost::verify::{Date, KeyId, Revoked, TrustStore};
use serde::Serialize;

/// How a key stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    Counts,
    NotYet,
    Expired,
    /// It, or a key that it has its trust from.
    Revoked,
    /// Softly: it counts, with a warning.
    Warned,
}

impl State {
    /// Of the key `id` with these dates, which has its trust from the keys `above`; and why, where somebody said so.
    pub(super) fn of(
        store: &TrustStore,
        id: KeyId,
        above: &[KeyId],
        dates: (Option<Date>, Option<Date>),
        now: Date,
    ) -> (State, Option<String>) {
        let said = |key: KeyId, hard: bool| {
            let one = store.revoked().iter().find(|one| one.hard == hard && one.what == Revoked::Key(key))?;
            let key = if key == id { String::new() } else { format!("the key {} above it: ", key.short()) };
            let by = one.list.map(|issuer| format!(" (the list of {})", issuer.short())).unwrap_or_default();
            Some(format!("{key}{}{by}", one.reason))
        };
        let (from, until) = dates;
        if let Some(why) = std::iter::once(id).chain(above.iter().copied()).find_map(|key| said(key, true)) {
            return (State::Revoked, Some(why));
        }
        if until.is_some_and(|until| until <= now) {
            return (State::Expired, None);
        }
        if from.is_some_and(|from| now < from) {
            return (State::NotYet, None);
        }
        match said(id, false) {
            Some(why) => (State::Warned, Some(why)),
            None => (State::Counts, None),
        }
    }

    /// A line about it; none where it just counts.
    pub(super) fn line(self, why: Option<&str>) -> Option<String> {
        let word = match self {
            State::Counts => return None,
            State::NotYet => "counts not yet",
            State::Expired => "EXPIRED",
            State::Revoked => "REVOKED",
            State::Warned => "revoked softly (a warning)",
        };
        let why = why.map(|why| format!(": {}", crate::layout::safe(why))).unwrap_or_default();
        Some(format!("  {word}{why}"))
    }
}
