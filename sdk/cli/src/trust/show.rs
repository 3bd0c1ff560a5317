//! How a trust store and a change of it are told.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use modhost::verify::{Date, Revoked, TrustStore};
use serde::Serialize;

use super::state::State;
use crate::{
    answer::Answer,
    json::about::raw,
    layout::{self, Text},
};

#[derive(Serialize)]
struct Changed<'a> {
    ok: bool,
    store: String,
    generation: u64,
    done: &'a str,
}

/// A change.
pub(super) fn changed(path: &Path, generation: u64, done: &str, json: bool) -> Answer {
    let store = raw(path);
    if json {
        return Answer::object(0, &Changed { ok: true, store, generation, done });
    }
    let mut text = Text::of(done);
    text.line(format_args!("{} is of generation {generation} now", layout::safe(&store)));
    Answer::new(0, text)
}

#[derive(Serialize)]
struct Body {
    ok: bool,
    store: String,
    generation: u64,
    /// Of what it holds.
    digest: String,
    thresholds: BTreeMap<String, u32>,
    keys: Vec<Key>,
    delegations: Vec<Delegation>,
    pins: BTreeMap<String, Vec<String>>,
    lists: Vec<List>,
    revoked: Vec<Revocation>,
    allowed: Vec<Allowed>,
}

#[derive(Serialize)]
struct Key {
    id: String,
    public: String,
    label: String,
    namespaces: Vec<String>,
    ceiling: String,
    roles: Vec<String>,
    from: Option<String>,
    until: Option<String>,
    state: State,
    /// Why it is revoked.
    why: Option<String>,
}

#[derive(Serialize)]
struct Delegation {
    by: String,
    id: String,
    public: String,
    label: String,
    namespaces: Vec<String>,
    ceiling: String,
    from: Option<String>,
    until: Option<String>,
    state: State,
    /// Why it is revoked.
    why: Option<String>,
}

#[derive(Serialize)]
struct List {
    issuer: String,
    sequence: u64,
    /// Of what its issuer signed.
    digest: Option<String>,
    issued: String,
    until: String,
    /// Whether the next one should be there by now.
    expired: bool,
}

#[derive(Serialize)]
struct Revocation {
    /// `key`, `package` or `versions`.
    kind: &'static str,
    /// A key id, a digest, or an id and a range.
    what: String,
    reason: String,
    hard: bool,
    /// The issuer of the list that says so.
    list: Option<String>,
}

#[derive(Serialize)]
struct Allowed {
    digest: String,
    id: String,
    version: String,
    note: String,
}

fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}

fn date(date: Option<Date>) -> Option<String> {
    date.map(|date| date.to_string())
}

impl Body {
    fn of(path: &Path, store: &TrustStore, now: Date) -> Self {
        Body {
            ok: true,
            store: raw(path),
            generation: store.generation(),
            digest: store.digest().to_string(),
            thresholds: store.thresholds().map(|(pattern, count)| (pattern.to_string(), count)).collect(),
            keys: store
                .keys()
                .map(|key| (key, State::of(store, key.public.id(), &[], (key.from, key.until), now)))
                .map(|(key, (state, why))| Key {
                    id: key.public.id().to_string(),
                    public: key.public.to_string(),
                    label: key.label.clone(),
                    namespaces: texts(&key.namespaces),
                    ceiling: key.ceiling.to_string(),
                    roles: texts(&key.roles),
                    from: date(key.from),
                    until: date(key.until),
                    state,
                    why,
                })
                .collect(),
            delegations: store
                .delegations()
                .iter()
                .map(|one| (one, State::of(store, one.public.id(), &store.above(one), (one.from, one.until), now)))
                .map(|(one, (state, why))| Delegation {
                    by: one.by.id().to_string(),
                    id: one.public.id().to_string(),
                    public: one.public.to_string(),
                    label: one.label.clone(),
                    namespaces: texts(&one.namespaces),
                    ceiling: one.ceiling.to_string(),
                    from: date(one.from),
                    until: date(one.until),
                    state,
                    why,
                })
                .collect(),
            pins: store.pins().map(|(publisher, keys)| (publisher.to_owned(), texts(keys))).collect(),
            lists: store
                .lists()
                .map(|(issuer, seen)| List {
                    issuer: issuer.to_string(),
                    sequence: seen.sequence,
                    digest: store.list_digest(&issuer).map(|digest| digest.to_string()),
                    issued: seen.issued.to_string(),
                    until: seen.until.to_string(),
                    expired: seen.until <= now,
                })
                .collect(),
            revoked: store
                .revoked()
                .iter()
                .map(|one| {
                    let (kind, what) = match &one.what {
                        Revoked::Key(key) => ("key", key.to_string()),
                        Revoked::Package(digest) => ("package", digest.to_string()),
                        Revoked::Versions(id, range) => ("versions", format!("{id}@{range}")),
                        other => ("other", other.to_string()),
                    };
                    let list = one.list.map(|issuer| issuer.to_string());
                    Revocation { kind, what, reason: one.reason.clone(), hard: one.hard, list }
                })
                .collect(),
            allowed: store
                .allowed()
                .map(|one| Allowed {
                    digest: one.digest.to_string(),
                    id: one.id.to_string(),
                    version: one.version.to_string(),
                    note: one.note.clone(),
                })
                .collect(),
        }
    }
}

/// The whole store.
pub(super) fn store(path: &Path, store: &TrustStore, json: bool) -> Answer {
    let body = Body::of(path, store, Date::of(SystemTime::now()));
    if json {
        return Answer::object(0, &body);
    }
    let mut text = Text::of(format_args!("{}, generation {}", layout::safe(&body.store), body.generation));
    text.line(format_args!("  {}", body.digest));
    if body.keys.is_empty() && body.delegations.is_empty() {
        text.lines(&[&"", &"no key is trusted: `modhost trust add` adds one"]);
    }
    let span = |from: &Option<String>, until: &Option<String>| {
        let from = from.as_ref().map(|from| format!(", from {from}")).unwrap_or_default();
        let until = until.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
        format!("{from}{until}")
    };
    for key in &body.keys {
        text.lines(&[&"", &format_args!("key {}", key.id), &format_args!("  {}", layout::safe(&key.label))]);
        text.lines(&[&format_args!("  for {}", key.namespaces.join(", "))]);
        text.lines(&[&format_args!(
            "  may {}, up to {}{}",
            key.roles.join(", "),
            key.ceiling,
            span(&key.from, &key.until)
        )]);
        key.state.line(key.why.as_deref()).iter().for_each(|line| text.line(line));
    }
    for one in &body.delegations {
        text.lines(&[&"", &format_args!("key {}", one.id), &format_args!("  {}", layout::safe(&one.label))]);
        text.lines(&[
            &format_args!("  for {}", one.namespaces.join(", ")),
            &format_args!("  delegated by {}", &one.by[..16]),
        ]);
        text.lines(&[&format_args!("  may sign, delegate, up to {}{}", one.ceiling, span(&one.from, &one.until))]);
        one.state.line(one.why.as_deref()).iter().for_each(|line| text.line(line));
    }
    for (plugins, count) in &body.thresholds {
        text.lines(&[&"", &format_args!("threshold of {plugins}: {}", layout::count(*count as usize, "signature"))]);
    }
    for (publisher, keys) in &body.pins {
        let keys: Vec<&str> = keys.iter().map(|key| &key[..16]).collect();
        text.lines(&[&"", &format_args!("pinned: {publisher} to {}", keys.join(", "))]);
    }
    for one in &body.lists {
        let ended = if one.expired { ", and no newer one was taken in" } else { "" };
        text.lines(&[
            &"",
            &format_args!("revocation list {} of {}", one.sequence, &one.issuer[..16]),
            &format_args!("  until {}{ended}", one.until),
        ]);
        if let Some(digest) = &one.digest {
            text.line(format_args!("  {digest}"));
        }
    }
    for one in &body.revoked {
        let how = if one.hard { "revoked" } else { "revoked softly (a warning)" };
        let by = one.list.as_ref().map(|issuer| format!(", says the list of {}", &issuer[..16])).unwrap_or_default();
        text.lines(&[
            &"",
            &format_args!("{how}: {}", one.kind),
            &format_args!("  {}", one.what),
            &format_args!("  {}{by}", layout::safe(&one.reason)),
        ]);
    }
    for one in &body.allowed {
        text.lines(&[
            &"",
            &format_args!("allowed: {} {}", one.id, one.version),
            &format_args!("  {}", one.digest),
            &format_args!("  {}", layout::safe(&one.note)),
        ]);
    }
    Answer::new(0, text)
}
