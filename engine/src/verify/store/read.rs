//! Reads a [`TrustStore`] from TOML, strictly: what is not understood is refused, because it may be what forbids something. The
//! order of its parts is free, so that a person may edit the file; writing sorts it again.

use std::collections::BTreeSet;

use modhost_backend::Place;
use toml_parser::{Source, lexer::TokenKind};

use super::{Allowed, Delegation, ListSeen, Revocation, Revoked, TrustStore, TrustedKey, list::read_versions};
use crate::{
    error::{Code, Error, Result, Stage},
    package::schema::{Codes, Item, Keys, Text, quote},
    verify::{KeyId, hex::unhex, key::refused, pattern::sorted},
};

const CODES: Codes = Codes {
    stage: Stage::Vet,
    syntax: Code::TrustSyntax,
    unknown_key: Code::TrustUnknownField,
    missing_key: Code::TrustMissingField,
    size: Code::TrustValue,
    duration: Code::TrustValue,
};

/// The longest store, in bytes: 1,000 keys fit with all that is said of them. The tree of a text that is made for it takes 80 times
/// as much, without the forms that [`costly`] refuses.
pub(super) const LONGEST: usize = 384 << 10;
const LONGEST_VERSION: usize = 64;

const ROOT: [&str; 9] =
    ["store", "generation", "thresholds", "pins", "key", "delegation", "list", "revoked", "allowed"];
const KEY: [&str; 8] = ["id", "public", "label", "namespaces", "ceiling", "roles", "from", "until"];
const DELEGATION: [&str; 8] = ["by", "public", "label", "namespaces", "ceiling", "from", "until", "value"];

impl TrustStore {
    /// Reads the text of a store; `file` is for the places in errors.
    ///
    /// # Errors
    /// [`Code::TrustSyntax`], [`Code::TrustUnknownField`], [`Code::TrustMissingField`], [`Code::TrustValue`],
    /// [`Code::TrustNewer`], [`Code::VerifyKey`] for a key that could be forged under, [`Code::TrustThreshold`],
    /// [`Code::TrustNoKey`] and the codes of [`TrustStore::delegate`].
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        TrustStore::parse_with(text, file, &TrustStore::default())
    }

    /// The same on top of the keys that the host was built with ([`TrustStore::embed`]), which pins, delegations and lists of the
    /// file may name.
    ///
    /// # Errors
    /// As [`TrustStore::parse`].
    pub fn parse_with(text: &str, file: &str, built: &TrustStore) -> Result<Self> {
        if text.len() > LONGEST {
            let message = format!("a trust store has at most {LONGEST} bytes");
            return Err(refused(Code::TrustSyntax, message).at_place(Place::file(file)));
        }
        if let Some(at) = costly(text) {
            let message = "a trust store is written without inline tables and without dots in keys";
            return Err(Text::of(text, file, &CODES).error(Code::TrustSyntax, at, message));
        }
        let text = Text::of(text, file, &CODES);
        let document = text.parse()?;
        let root = Keys::root(&text, document.get_ref())?;
        // The version first: a newer store has other keys.
        let version =
            root.need("store").map_err(|error| error.saying("this is no trust store: `store = 1` is missing"))?;
        match version.count()? {
            1 => {}
            0 => return Err(version.error(Code::TrustValue, "the first version of a trust store is 1")),
            later => {
                let message = format!("the trust store is of version {later}, and this modhost reads version 1");
                return Err(version.error(Code::TrustNewer, message));
            }
        }
        root.check(&ROOT)?;
        let generation = root.need("generation")?.count()?;
        let mut store = TrustStore { generation, builtin: built.builtin.clone(), ..TrustStore::default() };
        for item in root.read("thresholds", |item| item.entries())?.unwrap_or_default() {
            let count = u32::try_from(item.count()?).map_err(|_| value(item, "this is too large"))?;
            let pattern = item
                .key
                .parse()
                .map_err(|error: super::super::PatternError| item.error_at_key(Code::TrustValue, error.to_string()))?;
            store.thresholds.insert(pattern, count);
        }
        for item in root.read("pins", |item| item.entries())?.unwrap_or_default() {
            let keys = item.array()?.into_iter().map(parsed).collect::<Result<BTreeSet<KeyId>>>()?;
            if keys.is_empty() {
                return Err(value(item, "a publisher is pinned to one key at least"));
            }
            store.pins.insert(item.key.to_owned(), keys);
        }
        rows(&root, "key", &KEY, |item, row| {
            let key = key(row)?;
            let id = key.public.id();
            let given = row.need("id")?;
            if parsed::<KeyId>(given)? != id {
                return Err(value(given, format!("this is not the id of the public key, which is {id}")));
            }
            once(item, store.keys.insert(id, key).is_none())
        })?;
        rows(&root, "delegation", &DELEGATION, |item, row| {
            let one = delegation(row)?;
            let twice = store.delegations.iter().any(|other| (other.by, other.public) == (one.by, one.public));
            store.delegations.push(one);
            once(item, !twice)
        })?;
        rows(&root, "list", &["issuer", "sequence", "issued", "until"], |item, row| {
            let seen = ListSeen {
                sequence: row.need("sequence")?.count()?,
                issued: parsed(row.need("issued")?)?,
                until: parsed(row.need("until")?)?,
            };
            once(item, store.lists.insert(parsed(row.need("issuer")?)?, seen).is_none())
        })?;
        rows(&root, "revoked", &["key", "digest", "id", "versions", "reason", "hard", "list"], |item, row| {
            let one = revocation(item, row)?;
            let twice = store.revoked.iter().any(|other| (&other.what, other.list) == (&one.what, one.list));
            store.revoked.push(one);
            once(item, !twice)
        })?;
        rows(&root, "allowed", &["digest", "id", "version", "note"], |item, row| {
            let one = allowed(row)?;
            once(item, store.allowed.insert(*one.digest.as_bytes(), one).is_none())
        })?;
        store.delegations.sort_by_key(|one| (one.public.id(), one.by.id()));
        store.sort_revoked();
        store.check().map_err(|error| error.at_place(Place::file(file)))?;
        Ok(store)
    }
}

/// The first inline table or dotted key. A store needs neither, and a few bytes of them make many tables: 1 MiB took 400 MB.
fn costly(text: &str) -> Option<usize> {
    let costly = |kind| matches!(kind, TokenKind::Dot | TokenKind::LeftCurlyBracket);
    Source::new(text).lex().find(|token| costly(token.kind())).map(|token| token.span().start())
}

fn value(item: Item<'_>, message: impl Into<String>) -> Error {
    item.error(Code::TrustValue, message)
}

fn once(item: Item<'_>, first: bool) -> Result<()> {
    if first { Ok(()) } else { Err(value(item, "this is there twice")) }
}

/// Each `[[name]]`.
fn rows<'d>(
    root: &Keys<'d>,
    name: &str,
    known: &[&str],
    mut take: impl FnMut(Item<'d>, &Keys<'d>) -> Result<()>,
) -> Result<()> {
    for item in root.read(name, |item| item.array())?.unwrap_or_default() {
        let row = item.keys(&format!("[[{name}]]"), known)?;
        take(item, &row)?;
    }
    Ok(())
}

/// A string that another type reads; an error that has a code of its own keeps it.
fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(item: Item<'_>) -> Result<T> {
    let text = item.string()?;
    text.parse().map_err(|error: T::Err| value(item, format!("{}: {error}", quote(text))))
}

fn public(item: Item<'_>) -> Result<super::super::PublicKey> {
    item.string()?.parse().map_err(|error: Error| item.error(error.code(), error.message()))
}

fn strings<T: std::str::FromStr<Err: std::fmt::Display>>(item: Item<'_>) -> Result<Vec<T>> {
    let mut all: Vec<T> = Vec::new();
    for item in item.array()? {
        all.push(parsed(item)?);
    }
    Ok(all)
}

fn key(row: &Keys<'_>) -> Result<TrustedKey> {
    Ok(TrustedKey {
        public: public(row.need("public")?)?,
        label: row.need("label")?.string()?.to_owned(),
        namespaces: sorted(strings(row.need("namespaces")?)?),
        ceiling: parsed(row.need("ceiling")?)?,
        roles: strings(row.need("roles")?)?.into_iter().collect(),
        from: row.read("from", parsed)?,
        until: row.read("until", parsed)?,
    })
}

fn delegation(row: &Keys<'_>) -> Result<Delegation> {
    let digits = row.need("value")?;
    // Not sorted: they are signed in the order that they have.
    Ok(Delegation {
        by: public(row.need("by")?)?,
        public: public(row.need("public")?)?,
        label: row.need("label")?.string()?.to_owned(),
        namespaces: strings(row.need("namespaces")?)?,
        ceiling: parsed(row.need("ceiling")?)?,
        from: row.read("from", parsed)?,
        until: row.read("until", parsed)?,
        value: unhex(digits.string()?).ok_or_else(|| value(digits, "a signature has 128 digits of 0-9 and a-f"))?,
    })
}

fn revocation(item: Item<'_>, row: &Keys<'_>) -> Result<Revocation> {
    let what = match (row.get("key"), row.get("digest"), row.get("id"), row.get("versions")) {
        (Some(key), None, None, None) => Revoked::Key(parsed(key)?),
        (None, Some(digest), None, None) => Revoked::Package(parsed(digest)?),
        (None, None, Some(id), Some(range)) => {
            let text = range.string()?;
            let versions = read_versions(text)
                .ok_or_else(|| value(range, format!("{} is no range of versions like `<1.2.0`", quote(text))))?;
            Revoked::Versions(parsed(id)?, versions)
        }
        _ => return Err(value(item, "a revocation has one of `key`, `digest`, and `id` with `versions`")),
    };
    Ok(Revocation {
        what,
        reason: row.need("reason")?.string()?.to_owned(),
        hard: row.need("hard")?.boolean()?,
        list: row.read("list", parsed)?,
    })
}

fn allowed(row: &Keys<'_>) -> Result<Allowed> {
    let version = row.need("version")?;
    if version.string()?.len() > LONGEST_VERSION {
        return Err(value(version, format!("a version has at most {LONGEST_VERSION} bytes")));
    }
    Ok(Allowed {
        digest: parsed(row.need("digest")?)?,
        id: parsed(row.need("id")?)?,
        version: parsed(version)?,
        note: row.need("note")?.string()?.to_owned(),
    })
}
