//! Where the trust store is, and how it is opened, changed, sealed and unsealed.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use modhost::{
    Code, Error, Result, ShowPath as _, Stage,
    verify::{Exposed, SecretKey, StoreFile, TrustStore},
};
use zeroize::Zeroizing;

use super::show;
use crate::{
    answer::Answer,
    args::{ChosenPolicy, Store, secret_in_place, usage},
};

const VARIABLE: &str = "MODHOST_STORE_KEY";
/// How a key is given, wherever one is missing.
const GIVE: &str = "Give the store's key: --store-key-file FILE, or its 64 hex digits in MODHOST_STORE_KEY.";

/// A sealed store's key.
type Key = Zeroizing<[u8; 32]>;

/// A store by its place.
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Whether an option names it: then it must be there to be read.
    given: bool,
    key: Option<Key>,
    exposed: Exposed,
}

impl Place {
    /// The store that the options and the environment name.
    pub(super) fn of(store: &Store) -> Result<Self> {
        let (path, given) = path(store.file.as_deref())?;
        Ok(Place { path, given, key: key(store.key.as_deref())?, exposed: Exposed::Refuse })
    }

    fn file(&self) -> StoreFile {
        let file = StoreFile::new(&self.path).exposed(self.exposed);
        match &self.key {
            Some(key) => file.sealed(**key),
            None => file,
        }
    }

    /// Reads it.
    pub(super) fn load(&self) -> Result<TrustStore> {
        match self.file().load() {
            // Nobody has made the usual one yet: nobody is trusted.
            Err(error) if error.code() == Code::IoNotFound && !self.given => Ok(TrustStore::default()),
            other => other.map_err(|error| self.about(error)),
        }
    }

    /// What to do about a store that does not open.
    fn about(&self, error: Error) -> Error {
        match (error.code(), &self.key) {
            (Code::IoNotFound, _) => {
                error.with_help("Check the spelling and the current folder; `modhost trust add` makes a store.")
            }
            (Code::TrustSealed, None) => error.with_help(GIVE),
            (Code::TrustSealed, Some(_)) => error.with_help(
                "Use the key that it was sealed with. If it never was, leave the key out or run `modhost trust seal`; if it was, somebody changed it.",
            ),
            _ => error,
        }
    }
}

/// Where the store is, and whether an option said so. The variable says where the usual one is.
fn path(file: Option<&Path>) -> Result<(PathBuf, bool)> {
    if let Some(file) = file {
        return Ok((file.to_owned(), true));
    }
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = set("MODHOST_STORE") {
        SecretKey::takes_path(&file).map_err(|_| secret_in_place("MODHOST_STORE"))?;
        return Ok((file, false));
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

/// The key that a file or the variable holds.
fn key(file: Option<&Path>) -> Result<Option<Key>> {
    let (text, from) = match file {
        Some(file) => {
            (SecretKey::read_private(file).map_err(|error| about_file(error, file))?, file.shown().to_string())
        }
        None => match env::var(VARIABLE) {
            Ok(text) if text.is_empty() => return Ok(None),
            Ok(text) => (Zeroizing::new(text), VARIABLE.to_owned()),
            Err(env::VarError::NotPresent) => return Ok(None),
            // The error would show what the variable holds.
            Err(env::VarError::NotUnicode(_)) => return Err(usage(format!("{VARIABLE}: this is not UTF-8 text"))),
        },
    };
    match digits(text.trim_ascii()) {
        Some(key) => Ok(Some(key)),
        None => Err(usage(format!("{from}: the key of a store is 64 hex digits"))
            .with_help("`modhost trust seal --store-key-file FILE` makes one.")),
    }
}

/// The engine speaks of private keys to sign with, which this is not.
fn about_file(error: Error, file: &Path) -> Error {
    match error.code() {
        Code::TrustKeyFile => usage(format!("{}: the key of a store is 64 hex digits", file.shown())),
        Code::IoNotFound => {
            error.with_help("`modhost trust seal` makes the file; to all other verbs it must be there.")
        }
        _ => error,
    }
}

fn digits(text: &str) -> Option<Key> {
    let mut key = Zeroizing::new([0; 32]);
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2).filter(|two| !two.starts_with('+'))?, 16).ok()?;
    }
    Some(key)
}

/// Changes the store, and says in which words.
pub(super) fn change(
    store: &Store,
    json: bool,
    change: impl FnOnce(&mut TrustStore) -> Result<String>,
) -> Result<Answer> {
    let place = Place::of(store)?;
    if let (Some(folder), false) = (place.path.parent(), place.given) {
        fs::create_dir_all(folder).map_err(|error| Error::io(Stage::Engine, folder, &error))?;
    }
    let file = place.file();
    let changed = file.update(|store| Ok((change(store)?, store.generation() + 1)));
    let (done, generation) = changed.map_err(|error| place.about(error))?;
    Ok(show::changed(&place.path, generation, &done, json))
}

/// The store by which plugins are judged: that which the options name, else the usual one. `exposed` is the policy's word about it.
///
/// # Errors
/// Where it is refused, or where the one that an option names is not there.
pub(crate) fn store(chosen: &ChosenPolicy, exposed: Option<Exposed>) -> Result<TrustStore> {
    let exposed = exposed.unwrap_or_default();
    let key = key(chosen.store_key_file.as_deref())?;
    match path(chosen.store.as_deref()) {
        // Where there is no place for settings there is no store in them.
        Err(_) if chosen.store.is_none() => Ok(TrustStore::default()),
        place => place.and_then(|(path, given)| Place { path, given, key, exposed }.load()),
    }
}

/// The store's name before an error that says which generation of it was seen before.
pub(crate) fn about_seen(error: Error, chosen: &ChosenPolicy) -> Error {
    if !matches!(error.code(), Code::TrustGeneration | Code::TrustEquivocation) {
        return error;
    }
    match path(chosen.store.as_deref()) {
        Ok((path, _)) => named(&error, &path),
        Err(_) => error,
    }
}

/// `error`, with the file that it is about before it.
pub(super) fn named(error: &Error, file: &Path) -> Error {
    let message = format!("{}: {}", file.shown(), error.message());
    Error::new(error.code(), error.stage(), message).with_help(error.help())
}

/// Counts its generation up; what it holds stays.
pub(super) fn raise(generation: Option<u64>, store: &Store, json: bool) -> Result<Answer> {
    let place = Place::of(store)?;
    let file = place.file();
    let raised = match generation {
        Some(generation) => file.raise_to(generation),
        // Where there is nothing to raise nothing is made.
        None => file.load().and_then(|_| file.update(|_| Ok(()))),
    };
    raised.map_err(|error| place.about(error))?;
    Ok(show::changed(&place.path, file.load()?.generation(), "raised the store: what it holds is as it was", json))
}

/// Encrypts it.
pub(super) fn seal(store: &Store, json: bool) -> Result<Answer> {
    let (path, _) = path(store.file.as_deref())?;
    let file = StoreFile::new(&path);
    // Before a key is made: nothing is left behind where there is no store.
    file.load().map_err(|error| match error.code() {
        Code::TrustSealed => error.with_help("It is sealed already. To change its key, unseal it first."),
        _ => error,
    })?;
    let made = store.key.as_deref().filter(|file| !file.exists());
    if let Some(file) = made {
        SecretKey::write_private(file, &random()?)?;
    }
    let key = key(store.key.as_deref())?.ok_or_else(|| {
        usage("no key is given to seal the store with").with_help(
            "Add --store-key-file FILE, which is made if it is not there, or put 64 hex digits into MODHOST_STORE_KEY.",
        )
    })?;
    let done = match made {
        Some(file) => format!(
            "sealed the store with the new key in {}: keep it, without it nobody reads the store",
            crate::layout::safe(&file.shown())
        ),
        None => "sealed the store".to_owned(),
    };
    let generation = file.reseal(Some(*key))?.load()?.generation();
    Ok(show::changed(&path, generation, &done, json))
}

/// Digits of a new key.
fn random() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| {
        Error::new(Code::IoFailed, Stage::Engine, format!("the system gives no randomness: {error}"))
    })?;
    let mut text = Zeroizing::new(String::with_capacity(65));
    bytes.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
    text.push('\n');
    Ok(text)
}

/// Writes it as plain text again.
pub(super) fn unseal(store: &Store, json: bool) -> Result<Answer> {
    let place = Place::of(store)?;
    if place.key.is_none() {
        return Err(usage("a store is unsealed with its key").with_help(GIVE));
    }
    let file = place.file().reseal(None).map_err(|error| place.about(error))?;
    Ok(show::changed(&place.path, file.load()?.generation(), "unsealed the store: it is plain text now", json))
}
