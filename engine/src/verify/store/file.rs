//! [`StoreFile`]: the file that a trust store lies in, replaced as a whole, one writer at a time.

use std::{
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{TrustStore, read::LONGEST, seal};
use crate::shown::ShowPath as _;
use crate::{
    error::{Code, Error, Result, Stage},
    plain,
    replace::{self, Afterwards, Held, PATIENCE, Readers},
    verify::{Exposed, Seen, key::refused, mark::Mark},
};

/// The highest generation that a store is raised to: enough are left for the changes after it.
const HIGHEST: u64 = u64::MAX / 2;

/// A trust store in a file. Whoever reads it sees the whole of one generation, and of two who change it at a time none loses
/// what the other did.
///
/// ```
/// use modhost::verify::{SecretKey, StoreFile, TrustedKey};
///
/// let folder = tempfile::tempdir()?;
/// let file = StoreFile::new(folder.path().join("trust.toml"));
/// let acme = TrustedKey::new(SecretKey::generate()?.public(), "Acme", ["acme.*".parse()?]);
/// file.update(|store| store.add_key(acme))?;
/// assert_eq!(file.load()?.generation(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StoreFile {
    path: PathBuf,
    key: Option<Zeroizing<[u8; 32]>>,
    /// Holds the keys that the host was built with, and nothing else.
    built: TrustStore,
    /// The newest one that was read or written here.
    seen: Mutex<Mark>,
    patience: Duration,
    exposed: Exposed,
}

impl StoreFile {
    /// The store at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        StoreFile {
            path,
            key: None,
            built: TrustStore::default(),
            seen: Mutex::default(),
            patience: PATIENCE,
            exposed: Exposed::Refuse,
        }
    }

    /// The same, encrypted at rest with a key that the host keeps elsewhere. A file that is not sealed is refused then.
    #[must_use]
    pub fn sealed(self, key: [u8; 32]) -> Self {
        StoreFile { key: Some(Zeroizing::new(key)), ..self }
    }

    /// The same with a key that the host was built with, as [`TrustStore::embed`] says.
    ///
    /// # Errors
    /// As [`TrustStore::add_key`].
    pub fn embed(mut self, key: super::TrustedKey) -> Result<Self> {
        self.built.embed(key)?;
        Ok(self)
    }

    /// The same, refusing every generation below this: the one that the host remembers of its last run.
    #[must_use]
    pub fn seen(self, generation: u64) -> Self {
        self.seen_here().raise(&Mark::numbered(generation));
        self
    }

    /// The same, refusing what `seen` refuses: an older store than its host used before, and another one of the same generation.
    #[must_use]
    pub fn seen_by(self, seen: &Seen) -> Self {
        self.seen_here().raise(seen.mark());
        self
    }

    fn seen_here(&self) -> MutexGuard<'_, Mark> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, waiting for so long while another process changes the file; without this for 3 s.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        StoreFile { patience, ..self }
    }

    /// The same, with another rule for a file, or a folder that it lies in, that others than this user and root may write: without this it
    /// is refused.
    #[must_use]
    pub fn exposed(self, exposed: Exposed) -> Self {
        StoreFile { exposed, ..self }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it.
    ///
    /// # Errors
    /// Those of [`TrustStore::parse`], [`Code::TrustGeneration`] for an older store than was seen here, [`Code::TrustEquivocation`] for
    /// another one of the same generation, [`Code::TrustSealed`], [`Code::TrustExposed`], [`Code::IoNotFound`] and [`Code::IoFailed`].
    pub fn load(&self) -> Result<TrustStore> {
        self.read()?.ok_or_else(|| self.failed(&io::Error::new(ErrorKind::NotFound, "there is no trust store")))
    }

    /// Changes it, or makes it where there is none, and counts its generation up. Whatever `change` refuses leaves the file as it
    /// is. Waits for a while if another process changes it; the lock is a file beside it, `NAME.lock`, which stays.
    ///
    /// # Errors
    /// Those of `change` and of [`StoreFile::load`]; [`Code::IoFailed`] where somebody keeps the lock.
    pub fn update<T>(&self, change: impl FnOnce(&mut TrustStore) -> Result<T>) -> Result<T> {
        let _held = self.lock()?;
        let mut store = self.read()?.unwrap_or_else(|| self.built.clone());
        let (generation, before) = (store.generation, Mark::of(&store).of_lists());
        let result = change(&mut store)?;
        store.check()?;
        before.agrees(&Mark::of(&store))?;
        // Also where the change is another store altogether.
        store.generation = generation;
        self.write(store)?;
        Ok(result)
    }

    /// Puts the next generation of `store` in the place of what is there.
    fn write(&self, mut store: TrustStore) -> Result<()> {
        let none = || refused(Code::TrustValue, format!("there is no generation after {}", store.generation));
        store.generation = store.generation.checked_add(1).ok_or_else(none)?;
        let text = store.to_string();
        if text.len() > LONGEST {
            return Err(refused(Code::TrustValue, format!("a trust store has at most {LONGEST} bytes")));
        }
        let bytes = match &self.key {
            Some(key) => seal::seal(&text, key)?,
            None => text.into_bytes(),
        };
        replace::replace(&self.path, &bytes, Readers::Owner, Stage::Vet)?;
        self.seen_here().raise(&Mark::of(&store));
        Ok(())
    }

    /// Writes it anew as this generation, for whoever edited it by hand, or needs to come after a generation that was seen elsewhere. What it
    /// holds stays. Without a reason for this number [`StoreFile::update`] counts up by itself.
    ///
    /// # Errors
    /// [`Code::TrustGeneration`] for a generation that is not above its own, [`Code::TrustValue`] for one that leaves no room for those
    /// after it; those of [`StoreFile::load`] and [`StoreFile::update`].
    pub fn raise_to(&self, generation: u64) -> Result<()> {
        // Where there is nothing to raise no lock is left behind.
        self.load()?;
        let _held = self.lock()?;
        let mut store = self.load()?;
        if generation <= store.generation {
            let message =
                format!("the trust store is of generation {} already, not below {generation}", store.generation);
            let help = "Name a higher generation, or none: then it is one more.";
            return Err(refused(Code::TrustGeneration, message).with_help(help));
        }
        if generation > HIGHEST {
            return Err(refused(Code::TrustValue, format!("a store is raised to generation {HIGHEST} at most")));
        }
        store.generation = generation - 1;
        self.write(store)
    }

    /// Writes it anew, one generation on: sealed with `key`, or as plain text without one.
    ///
    /// ```
    /// use modhost::{Code, verify::StoreFile};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("trust.toml");
    /// StoreFile::new(&path).update(|_| Ok(()))?;
    /// let sealed = StoreFile::new(&path).reseal(Some([7; 32]))?;
    /// assert_eq!(StoreFile::new(&path).load().unwrap_err().code(), Code::TrustSealed);
    /// assert_eq!(sealed.load()?.generation(), 2);
    /// assert_eq!(sealed.reseal(None)?.load()?.generation(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`StoreFile::load`] and [`StoreFile::update`].
    pub fn reseal(mut self, key: Option<[u8; 32]>) -> Result<Self> {
        // Where there is nothing to seal no lock is left behind.
        self.load()?;
        let held = self.lock()?;
        let store = self.load()?;
        self.key = key.map(Zeroizing::new);
        self.write(store)?;
        drop(held);
        Ok(self)
    }

    fn lock(&self) -> Result<Held> {
        Held::wait(&self.path, ".lock", Afterwards::Stays, self.patience, Stage::Vet)
    }

    fn failed(&self, error: &io::Error) -> Error {
        Error::io(Stage::Vet, &self.path, error)
    }

    fn read(&self) -> Result<Option<TrustStore>> {
        let mut bytes = Vec::new();
        match plain::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return match self.seen_here().generation {
                    0 => Ok(None),
                    seen => Err(refused(
                        Code::TrustGeneration,
                        format!("{}: the trust store is gone, and generation {seen} of it was seen", self.path.shown()),
                    )),
                };
            }
            opened => {
                let file = opened.map_err(|error| self.failed(&error))?;
                self.exposed.judge_with_folders(&file, &self.path)?;
                file.take(LONGEST as u64 + 1024).read_to_end(&mut bytes).map_err(|error| self.failed(&error))?
            }
        };
        let named = |error: Error| {
            let message = format!("{}: {}", self.path.shown(), error.message());
            error.saying(message)
        };
        let bytes = match &self.key {
            Some(key) => seal::unseal(&bytes, key).map_err(named)?,
            None if seal::is_sealed(&bytes) => {
                return Err(named(refused(Code::TrustSealed, "the trust store is sealed, and no key was given")));
            }
            None => bytes,
        };
        let name = self.path.shown().to_string();
        let text = String::from_utf8(bytes)
            .map_err(|_| named(refused(Code::TrustSyntax, "the trust store is no UTF-8 text")))?;
        let store = TrustStore::parse_with(&text, &name, &self.built)?;
        let (mut seen, mark) = (self.seen_here(), Mark::of(&store));
        seen.precedes(&mark).map_err(named)?;
        seen.raise(&mark);
        Ok(Some(store))
    }
}
