//! `modhost trust`: changes and shows the trust store.

mod allow;
mod place;
mod show;
mod signed;
mod state;

use std::path::Path;

use modhost::{
    Code, Error, Result, Stage,
    verify::{KeyId, PublicKey, Revocation, Revoked, TrustStore, TrustedKey},
};

use crate::{
    answer::Answer,
    args::{Add, Passphrase, Revoke, Store, Threshold, Trust, TrustVerb, not_ended, usage},
    key, layout,
};

use place::{Place, change};
pub(crate) use place::{about_seen, store};

/// The fewest digits that name a key.
const SHORTEST: usize = 8;

/// Changes or shows the store.
pub(crate) fn trust(args: &Trust, json: bool) -> Answer {
    let answer = match &args.verb {
        TrustVerb::Add(args) => match &args.delegation {
            Some(file) => signed::take_delegation(file, &args.store, json),
            None => add(args, json),
        },
        TrustVerb::Remove { key, store } => change(store, json, |store| {
            let id = find(store, key)?;
            store.remove_key(&id)?;
            Ok(format!("removed the key {id}"))
        }),
        TrustVerb::Revoke(args) => match &args.list {
            Some(file) => signed::take_list(file, &args.store, json),
            None => revoke(args, json),
        },
        TrustVerb::Restore { what, store } => restore(what, store, json),
        TrustVerb::Pin { publisher, key, store } => change(store, json, |store| {
            let id = find(store, key)?;
            store.pin(publisher, id).map_err(|error| match error.code() {
                Code::TrustValue => {
                    error.with_help("A publisher is what plugins' ids have before the dot: acme of acme.wolf.")
                }
                _ => error,
            })?;
            Ok(format!("pinned {publisher} to the key {id}"))
        }),
        TrustVerb::Unpin { publisher, key, store } => change(store, json, |store| {
            let id = find(store, key)?;
            store.unpin(publisher, &id)?;
            Ok(format!("unpinned {publisher} from the key {id}"))
        }),
        TrustVerb::Threshold(args) => threshold(args, json),
        TrustVerb::Allow(args) => allow::allow(args, json),
        TrustVerb::Delegate(args) => signed::delegate(args, json),
        TrustVerb::Publish(args) => signed::publish(args, json),
        TrustVerb::Seal { store } => place::seal(store, json),
        TrustVerb::Unseal { store } => place::unseal(store, json),
        TrustVerb::Raise { generation, store } => place::raise(*generation, store, json),
        TrustVerb::List { store } => {
            Place::of(store).and_then(|place| Ok(show::store(&place.path, &place.load()?, json)))
        }
    };
    answer.unwrap_or_else(|error| Answer::error(&error, json))
}

/// The public key that `text` is, or that is in the file of this name.
fn public(text: &str, passphrase: &Passphrase) -> Result<PublicKey> {
    if text.starts_with("ed25519:") {
        return text.parse();
    }
    key::public(Path::new(text), passphrase).map_err(|error| as_id(error, text))
}

/// What people call a key: what they say, else its file's name, else the first of its namespaces.
fn label(said: Option<&String>, key: &str, namespaces: &[modhost::verify::Pattern]) -> String {
    let stem = Path::new(key).file_stem().filter(|_| !key.starts_with("ed25519:"));
    let stem = stem.map(|stem| stem.to_string_lossy().into_owned());
    said.cloned().or(stem).or_else(|| namespaces.first().map(ToString::to_string)).unwrap_or_default()
}

fn add(args: &Add, json: bool) -> Result<Answer> {
    not_ended("--until", args.until)?;
    let text = args.key.as_deref().unwrap_or_default();
    let public = public(text, &args.passphrase)?;
    let label = label(args.label.as_ref(), text, &args.namespace);
    let mut trusted = TrustedKey::new(public, label, args.namespace.clone());
    trusted.ceiling = args.ceiling;
    (trusted.from, trusted.until) = (args.from, args.until);
    if !args.role.is_empty() {
        trusted.roles = args.role.iter().copied().collect();
    }
    change(&args.store, json, |store| {
        let words = if store.keys().any(|key| key.public == public) { "changed" } else { "added" };
        store.add_key(trusted)?;
        let still = store.revoked().iter().find(|one| one.what == Revoked::Key(public.id()));
        let still = still.map(|one| format!("; it stays revoked: {}", layout::safe(&one.reason))).unwrap_or_default();
        Ok(format!("{words} the key {}{still}", public.id()))
    })
}

/// A key id in the place of a key is an easy mistake: a public key cannot be found by it.
fn as_id(error: Error, text: &str) -> Error {
    if error.code() == Code::IoNotFound && text.parse::<KeyId>().is_ok() {
        return usage(format!("{text} may be a key id, from which the key does not follow"))
            .with_help("Name the file of the key, or the public key itself: `modhost key show FILE` prints it.");
    }
    error
}

fn revoke(args: &Revoke, json: bool) -> Result<Answer> {
    let (text, reason) = (args.what.as_deref().unwrap_or_default(), args.reason.as_deref().unwrap_or_default());
    change(&args.store, json, |store| {
        let what = what(store, text)?;
        let words = format!("revoked {}", told(&what));
        store.revoke(if args.soft { Revocation::soft(what, reason) } else { Revocation::hard(what, reason) })?;
        Ok(words)
    })
}

fn restore(text: &str, store: &Store, json: bool) -> Result<Answer> {
    change(store, json, |store| {
        let what = what(store, text)?;
        store.restore(&what).map_err(|error| match listed(store, &what) {
            Some(_) => {
                error.with_help("Its issuer restores it by the next list. To hear that issuer no more, remove the key.")
            }
            None => error,
        })?;
        let still = listed(store, &what).map(|issuer| format!("; the list of {issuer} revokes it still"));
        Ok(format!("restored {}{}", told(&what), still.unwrap_or_default()))
    })
}

/// The issuer of a list that revokes it.
fn listed(store: &TrustStore, what: &Revoked) -> Option<KeyId> {
    store.revoked().iter().filter(|one| one.what == *what).find_map(|one| one.list)
}

fn threshold(args: &Threshold, json: bool) -> Result<Answer> {
    let plugins = &args.plugins;
    change(&args.store, json, |store| match args.count {
        Some(count) => {
            store.set_threshold(plugins.clone(), count)?;
            Ok(format!("plugins of {plugins} need {} to be verified", layout::count(count as usize, "signature")))
        }
        None => {
            let was = store.remove_threshold(plugins)?;
            Ok(format!("took back the threshold of {plugins}, which was {was}"))
        }
    })
}

fn what(store: &TrustStore, text: &str) -> Result<Revoked> {
    if text.starts_with("sha256:") {
        return text.parse().map(Revoked::Package).map_err(|error| usage(format!("{error}")));
    }
    if let Some((id, range)) = text.split_once('@') {
        let id = id.parse().map_err(|error: modhost::package::IdError| usage(error.to_string()))?;
        let read = if range.len() > 128 { None } else { range.parse().ok() };
        // Who writes a version means it, and not the later ones that a dependency on it would take.
        let one = range.parse::<semver::Version>().ok().map(|_| format!("={range}"));
        let read = one.map_or(read, |one| one.parse().ok());
        let range =
            read.ok_or_else(|| usage(format!("`{}` is no range of versions like <1.2.0", range.escape_debug())))?;
        return Ok(Revoked::Versions(id, range));
    }
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("`{}` is no key id, no digest and no ID@RANGE", text.escape_debug());
        return Err(
            usage(message).with_help("Versions of a plugin are written acme.wolf@<1.2.0, all of them acme.wolf@*.")
        );
    }
    // A key need not be in the store to be revoked, if all of its id is there.
    match text.parse() {
        Ok(id) => Ok(Revoked::Key(id)),
        Err(_) => find(store, text).map(Revoked::Key),
    }
}

/// What is revoked, as it is typed.
fn told(what: &Revoked) -> String {
    match what {
        Revoked::Versions(id, range) => format!("{id}@{range}"),
        other => other.to_string(),
    }
}

/// The key of the store, or that is revoked in it, whose id is, or begins with, `text`.
fn find(store: &TrustStore, text: &str) -> Result<KeyId> {
    let keys = store.all_keys().map(|key| key.public).chain(store.delegations().iter().map(|one| one.public));
    let revoked = store.revoked().iter().filter_map(|one| match &one.what {
        Revoked::Key(key) => Some(*key),
        _ => None,
    });
    let mut ids: Vec<KeyId> =
        keys.map(|key| key.id()).chain(revoked).filter(|id| id.to_string().starts_with(text)).collect();
    ids.sort_unstable();
    ids.dedup();
    match ids[..] {
        [id] if text.len() >= SHORTEST => Ok(id),
        [_, _, ..] => Err(usage(format!("{} keys of the store begin with {text}: write more of the id", ids.len()))),
        [_] => Err(usage(format!("write at least {SHORTEST} digits of a key's id"))),
        [] => {
            let message = format!("no key of the store has the id `{}`", text.escape_debug());
            Err(Error::new(Code::TrustNoKey, Stage::Vet, message))
        }
    }
}
