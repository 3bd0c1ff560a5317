//! What keys sign for the stores of others: delegations and revocation lists, made and taken in.

use std::{fs, path::Path, time::SystemTime};

use modhost::{
    Code, Error, Place, Result, ShowPath as _, Stage,
    verify::{Date, Delegation, KeyId, Revocation, RevocationList, SecretKey, TrustStore, TrustedKey, sign_list},
};
use serde::Serialize;

use super::{
    label,
    place::{self, change},
    public, show, told,
};
use crate::{
    answer::Answer,
    args::{Delegate, Publish, Store, not_ended, usage},
    json::about::raw,
    kept,
    layout::{Text, count, safe},
    passphrase,
};

/// More than the longest text of both, in bytes.
const LONGEST: u64 = 2 << 20;

fn read(file: &Path) -> Result<Vec<u8>> {
    kept::bounded(file, LONGEST)
}

/// Two lists of one number are an equivocation, which every store that has the one refuses.
const FIRST: &str = "This is the first list of the key that is known here. If it issued another elsewhere, give this one a higher number: --number.\n";

/// The engine knows what it reads, and not from where.
fn named(error: Error, file: &Path) -> Error {
    let again = Error::new(error.code(), Stage::Vet, error.message()).with_help(error.help());
    match error.at() {
        Some(place) => again.at_place(Place { line: place.line, ..Place::file(raw(file)) }),
        None => again,
    }
}

/// Takes a signed revocation list in.
pub(super) fn take_list(file: &Path, store: &Store, json: bool) -> Result<Answer> {
    let list = RevocationList::parse(&read(file)?).map_err(|error| named(error, file))?;
    let (number, issuer) = (list.about().sequence, list.issuer().id());
    let now = SystemTime::now();
    let take = |store: &mut TrustStore| {
        store.apply_list(&list, now).map_err(|error| match error.code() {
            Code::TrustEquivocation => place::named(&error, file),
            _ => error,
        })
    };
    let place = place::Place::of(store)?;
    let there = place.load()?;
    if !take(&mut there.clone())? {
        let done = format!("the revocation list {number} of {} was taken in before", issuer.short());
        return Ok(show::changed(&place.path, there.generation(), &done, json));
    }
    change(store, json, |store| {
        let before = of_list(store, issuer);
        take(store)?;
        let after = of_list(store, issuer);
        let count = count(list.revoked().len(), "revocation");
        // What an issuer takes back should be seen by whoever lets it.
        let gone: Vec<String> = before.into_iter().filter(|one| !after.contains(one)).collect();
        let gone = if gone.is_empty() { String::new() } else { format!("; revoked no more: {}", gone.join(", ")) };
        Ok(format!("took in the revocation list {number} of {}: {count}{gone}", issuer.short()))
    })
}

/// What an issuer's list revokes in a store.
fn of_list(store: &TrustStore, issuer: KeyId) -> Vec<String> {
    store.revoked().iter().filter(|one| one.list == Some(issuer)).map(|one| told(&one.what)).collect()
}

/// Takes a delegation in.
pub(super) fn take_delegation(file: &Path, store: &Store, json: bool) -> Result<Answer> {
    let delegation = Delegation::parse(&read(file)?).map_err(|error| named(error, file))?;
    change(store, json, |store| {
        let done = delegated(&delegation);
        store.delegate(delegation)?;
        Ok(done)
    })
}

fn delegated(delegation: &Delegation) -> String {
    let namespaces: Vec<String> = delegation.namespaces.iter().map(ToString::to_string).collect();
    let until = delegation.until.map(|until| format!(", until {until}")).unwrap_or_default();
    let (by, to) = (delegation.by.id(), delegation.public.id());
    format!(
        "the key {} trusts {} ({}) with {}, up to {}{until}",
        by.short(),
        delegation.label,
        to.short(),
        namespaces.join(", "),
        delegation.ceiling
    )
}

#[derive(Serialize)]
struct Delegated {
    ok: bool,
    path: String,
    by: String,
    key: String,
    label: String,
    namespaces: Vec<String>,
    ceiling: String,
    from: Option<String>,
    until: Option<String>,
}

/// Makes a delegation.
pub(super) fn delegate(args: &Delegate, json: bool) -> Result<Answer> {
    if let Some(out) = args.out.as_ref().filter(|out| fs::symlink_metadata(out).is_ok()) {
        return Err(usage(format!("--out {}: there is something already", out.shown())));
    }
    not_ended("--until", args.until)?;
    let public = public(&args.key, &args.passphrase)?;
    let label = label(args.label.as_ref(), &args.key, &args.namespace);
    let mut to = TrustedKey::new(public, label, args.namespace.clone());
    to.ceiling = args.ceiling;
    (to.from, to.until) = (args.from, args.until);
    let secret = passphrase::open(&args.by, &args.passphrase)?;
    // What could not be read again is refused here.
    let delegation = Delegation::parse(Delegation::sign(&secret, to)?.to_string().as_bytes())?;
    let done = delegated(&delegation);
    let Some(out) = &args.out else {
        return change(&args.store, json, |store| {
            store.delegate(delegation)?;
            Ok(done)
        });
    };
    kept::write(out, delegation.to_string())?;
    let path = raw(out);
    if !json {
        let mut text = Text::of(done);
        text.line(format_args!("{0} says so: `modhost trust add --delegation {0}` takes it in", safe(&path)));
        return Ok(Answer::new(0, text));
    }
    Ok(Answer::object(
        0,
        &Delegated {
            ok: true,
            path,
            by: delegation.by.id().to_string(),
            key: delegation.public.id().to_string(),
            label: delegation.label.clone(),
            namespaces: delegation.namespaces.iter().map(ToString::to_string).collect(),
            ceiling: delegation.ceiling.to_string(),
            from: delegation.from.map(|date| date.to_string()),
            until: delegation.until.map(|date| date.to_string()),
        },
    ))
}

#[derive(Serialize)]
struct Published {
    ok: bool,
    path: String,
    issuer: String,
    sequence: u64,
    issued: String,
    until: String,
    revoked: usize,
}

/// Signs a list of what the store revokes.
pub(super) fn publish(args: &Publish, json: bool) -> Result<Answer> {
    let issued = Date::of(SystemTime::now());
    not_ended("--until", Some(args.until))?;
    let store = place::Place::of(&args.store)?.load()?;
    let secret = passphrase::open(&args.key, &args.passphrase)?;
    let issuer = secret.public().id();
    let before = before(&args.out, &secret)?;
    let seen = store.lists().find(|(other, _)| *other == issuer).map(|(_, seen)| seen.sequence);
    let last = before.max(seen);
    let sequence = match (args.number, last) {
        (Some(number), Some(last)) if number <= last => {
            return Err(usage(format!("--number {number}: the list before has the number {last}")));
        }
        (Some(number), _) => number,
        (None, Some(last)) => {
            last.checked_add(1).ok_or_else(|| usage("the list before has the greatest number there is"))?
        }
        (None, None) => 1,
    };
    let first = last.is_none() && args.number.is_none();
    let rows: Vec<Revocation> = store.revoked().iter().filter(|one| one.list.is_none()).cloned().collect();
    kept::write(&args.out, sign_list(&secret, sequence, issued, args.until, &rows)?)?;
    let path = raw(&args.out);
    let (issued, until) = (issued.to_string(), args.until.to_string());
    if json {
        let body =
            Published { ok: true, path, issuer: issuer.to_string(), sequence, issued, until, revoked: rows.len() };
        return Ok(Answer::object(0, &body));
    }
    let mut text = Text::default();
    text.lines(&[
        &format_args!(
            "signed the revocation list {sequence} of {}: {}, until {until}",
            issuer.short(),
            count(rows.len(), "revocation")
        ),
        &format_args!("{0} holds it: `modhost trust revoke --list {0}` takes it in", safe(&path)),
    ]);
    if first {
        text.line(FIRST);
    }
    Ok(Answer::new(0, text))
}

/// The number of this key's list at `out`; of no other file is one written in the place.
fn before(out: &Path, secret: &SecretKey) -> Result<Option<u64>> {
    let bytes = match read(out) {
        Ok(bytes) => bytes,
        Err(error) if error.code() == Code::IoNotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let own = RevocationList::parse(&bytes).ok().filter(|list| {
        let about = list.about();
        // The same key signs the same text with the same bytes.
        let again = sign_list(secret, about.sequence, about.issued, about.until, list.revoked());
        again.is_ok_and(|again| again.as_bytes() == bytes)
    });
    match own {
        Some(list) => Ok(Some(list.about().sequence)),
        None => Err(usage(format!("--out {}: there is something else than a list of this key", out.shown()))
            .with_help("Choose another name, or move away what is there.")),
    }
}
