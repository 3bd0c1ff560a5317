//! `modhost trust`: changes and shows the trust store.

mod show;

use std::{
    env,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

use modhost::{
    Code, Error, Result, Stage,
    verify::{KeyId, PublicKey, Revocation, RevocationList, Revoked, StoreFile, TrustStore, TrustedKey},
};

use crate::{
    answer::Answer,
    args::{Add, Revoke, Store, Trust, TrustVerb, usage},
    key, layout,
};

/// More than the longest list that is read, in bytes.
const LONGEST_LIST: u64 = 2 << 20;
/// The fewest digits that name a key.
const SHORTEST: usize = 8;

/// Changes or shows the store.
pub(crate) fn trust(args: &Trust, json: bool) -> Answer {
    let answer = match &args.verb {
        TrustVerb::Add(args) => add(args, json),
        TrustVerb::Remove { key, store } => change(store, json, |store| {
            let id = find(store, key)?;
            store.remove_key(&id)?;
            Ok(format!("removed the key {id}"))
        }),
        TrustVerb::Revoke(args) => revoke(args, json),
        TrustVerb::Pin { publisher, key, store } => change(store, json, |store| {
            let id = find(store, key)?;
            store.pin(publisher, id)?;
            Ok(format!("pinned {publisher} to the key {id}"))
        }),
        TrustVerb::List { store } => list(store, json),
    };
    answer.unwrap_or_else(|error| Answer::error(&error, json))
}

/// Where the store is, and whether somebody said so.
fn place(file: Option<&Path>) -> Result<(PathBuf, bool)> {
    if let Some(file) = file {
        return Ok((file.to_owned(), true));
    }
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = set("MODHOST_STORE") {
        return Ok((file, true));
    }
    let settings = if cfg!(windows) {
        set("APPDATA")
    } else {
        set("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| Some(set("HOME")?.join(".config")))
    };
    let settings =
        settings.ok_or_else(|| usage("there is no folder for your settings: name the store with --store FILE"))?;
    Ok((settings.join("modhost").join("trust.toml"), false))
}

/// Changes the store, and says in which words.
fn change(store: &Store, json: bool, change: impl FnOnce(&mut TrustStore) -> Result<String>) -> Result<Answer> {
    let (path, given) = place(store.file.as_deref())?;
    if let (Some(folder), false) = (path.parent(), given) {
        fs::create_dir_all(folder).map_err(|error| Error::io(Stage::Engine, folder, &error))?;
    }
    let file = StoreFile::new(&path);
    let done = file.update(change)?;
    Ok(show::changed(&path, file.load()?.generation(), &done, json))
}

fn list(store: &Store, json: bool) -> Result<Answer> {
    let (path, given) = place(store.file.as_deref())?;
    Ok(show::store(&path, &load(&path, given)?, json))
}

/// The store by which plugins are judged: that in `file`, else the default one.
///
/// # Errors
/// Where it is refused, or where the one that is named is not there.
pub(crate) fn store(file: Option<&Path>) -> Result<TrustStore> {
    match place(file) {
        // Where there is no place for settings there is no store in them.
        Err(_) if file.is_none() => Ok(TrustStore::default()),
        place => place.and_then(|(path, given)| load(&path, given)),
    }
}

fn load(path: &Path, given: bool) -> Result<TrustStore> {
    match StoreFile::new(path).load() {
        // Nobody has made the default one yet: nobody is trusted.
        Err(error) if error.code() == Code::IoNotFound && !given => Ok(TrustStore::default()),
        other => other,
    }
}

fn add(args: &Add, json: bool) -> Result<Answer> {
    let file = Path::new(&args.key);
    let public: PublicKey = if args.key.starts_with("ed25519:") {
        args.key.parse()?
    } else {
        key::public(file, &args.passphrase).map_err(|error| as_id(error, &args.key))?
    };
    let stem = file.file_stem().filter(|_| !args.key.starts_with("ed25519:"));
    let named = stem
        .map(|stem| stem.to_string_lossy().into_owned())
        .or_else(|| args.namespace.first().map(ToString::to_string));
    let mut trusted = TrustedKey::new(public, args.label.clone().or(named).unwrap_or_default(), args.namespace.clone());
    trusted.ceiling = args.ceiling;
    (trusted.from, trusted.until) = (args.from, args.until);
    if !args.role.is_empty() {
        trusted.roles = args.role.iter().copied().collect();
    }
    change(&args.store, json, |store| {
        let words = if store.keys().any(|key| key.public == public) { "changed" } else { "added" };
        store.add_key(trusted)?;
        Ok(format!("{words} the key {}", public.id()))
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
    if let Some(file) = &args.list {
        return take_in(file, &args.store, json);
    }
    let (text, reason) = (args.what.as_deref().unwrap_or_default(), args.reason.as_deref().unwrap_or_default());
    change(&args.store, json, |store| {
        let what = what(store, text)?;
        let words = format!("revoked {what}");
        store.revoke(if args.soft { Revocation::soft(what, reason) } else { Revocation::hard(what, reason) })?;
        Ok(words)
    })
}

/// Takes a signed revocation list in.
fn take_in(file: &Path, store: &Store, json: bool) -> Result<Answer> {
    let failed = |error| Error::io(Stage::Engine, file, &error);
    let mut bytes = Vec::new();
    File::open(file).map_err(failed)?.take(LONGEST_LIST).read_to_end(&mut bytes).map_err(failed)?;
    let list = RevocationList::parse(&bytes)?;
    change(store, json, |store| {
        let new = store.apply_list(&list, SystemTime::now())?;
        let (number, issuer) = (list.about().sequence, list.issuer().id());
        let count = layout::count(list.revoked().len(), "revocation");
        Ok(match new {
            true => format!("took in the revocation list {number} of {issuer}: {count}"),
            false => format!("the revocation list {number} of {issuer} was taken in before"),
        })
    })
}

fn what(store: &TrustStore, text: &str) -> Result<Revoked> {
    if text.starts_with("sha256:") {
        return text.parse().map(Revoked::Package).map_err(|error| usage(format!("{error}")));
    }
    if let Some((id, range)) = text.split_once('@') {
        let id = id.parse().map_err(|error: modhost::package::IdError| usage(error.to_string()))?;
        let read = if range.len() > 128 { None } else { range.parse().ok() };
        let range =
            read.ok_or_else(|| usage(format!("`{}` is no range of versions like <1.2.0", range.escape_debug())))?;
        return Ok(Revoked::Versions(id, range));
    }
    // A key need not be in the store to be revoked, if all of its id is there.
    match text.parse() {
        Ok(id) => Ok(Revoked::Key(id)),
        Err(_) => find(store, text).map(Revoked::Key),
    }
}

/// The key of the store whose id is, or begins with, `text`.
fn find(store: &TrustStore, text: &str) -> Result<KeyId> {
    let keys = store.all_keys().map(|key| key.public).chain(store.delegations().iter().map(|one| one.public));
    let mut ids: Vec<KeyId> = keys.map(|key| key.id()).filter(|id| id.to_string().starts_with(text)).collect();
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
