//! [`Gate`]: what stands in front of one engine's plugins: a trust store, perhaps a signed set, what was decided under them, and what was
//! seen in earlier runs.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use semver::Version;

use super::{
    Seen, SeenFile, SignedLock, TrustStore, TrustedKey, Verdict, Verdicts,
    decide::{Identity, judged},
    mark::Mark,
};
use crate::{
    error::{Code, Error, Result, Stage},
    package::Id,
    policy::{Policy, TrustLevel},
    shown::ShowPath as _,
};

/// How many verdicts are kept: those of a large game's mods, some MiB; a hundred if strangers make each as large as one may be.
const KEPT: usize = 4096;
/// How much later it must be before the time alone is worth a write.
const HOUR: Duration = Duration::from_secs(3600);
/// What to do about a policy that wants signatures.
const UNSIGNED: &str = "Sign it (`modhost sign`) with a key that the host's trust store holds. Else use a policy that takes unsigned plugins: `mods`, \
     `development`, `testing`, or one of your own with unsigned = true and signatures = 0.";

/// The store, the set, the verdicts under them, and what was seen.
#[derive(Debug)]
pub(crate) struct Gate {
    verdicts: RwLock<Arc<Verdicts>>,
    /// Counts the stores and sets; counted on before one is exchanged, so that whoever finds the same number later judged by those there are.
    epoch: AtomicU64,
    memory: Option<Memory>,
    /// The keys that the host was built with: each store gets them.
    built: Vec<TrustedKey>,
}

#[derive(Debug)]
struct Memory {
    file: SeenFile,
    seen: Mutex<Remembered>,
}

/// What is known of this run and of earlier ones. It is locked for moments only, never while somebody waits for the file: every vetting asks it.
#[derive(Debug, Default)]
struct Remembered {
    /// As the file was when it was read or written last.
    written: Seen,
    /// What goes beyond that: it is about to be written, or could not be, and counts as long as this engine lives.
    unwritten: Seen,
}

impl Remembered {
    fn all(&self) -> Seen {
        let mut all = self.written.clone();
        all.raise(&self.unwritten);
        all
    }

    fn time(&self, wall: SystemTime) -> (SystemTime, Option<String>) {
        let (one, other) = (self.written.time(wall), self.unwritten.time(wall));
        if one.0 >= other.0 { one } else { other }
    }

    fn check(&self, id: &Id, version: &Version) -> Result<()> {
        self.written.check(id, version).and_then(|()| self.unwritten.check(id, version))
    }
}

/// What a package was found to deserve.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) trust: TrustLevel,
    /// Who vouches for it, in words.
    pub(crate) vouched: String,
    pub(crate) verdict: Arc<Verdict>,
    /// Under which of the engine's stores and sets.
    pub(crate) epoch: u64,
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            verdicts: RwLock::new(Arc::new(Verdicts::new(TrustStore::default(), KEPT))),
            epoch: AtomicU64::new(0),
            memory: None,
            built: Vec::new(),
        }
    }
}

impl Memory {
    fn seen(&self) -> MutexGuard<'_, Remembered> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    /// A gate under `store` and the keys that the host was built with, with a signed set and the file that remembers.
    ///
    /// # Errors
    /// Those of [`SeenFile::load`] and [`TrustStore::embed`]; `trust.generation` for an older store than was seen, and `trust.equivocation`
    /// for another one of the same generation.
    pub(crate) fn new(
        store: TrustStore,
        built: Vec<TrustedKey>,
        set: Option<SignedLock>,
        file: Option<SeenFile>,
    ) -> Result<Self> {
        let store = with(store, &built)?;
        let remembering = |file: SeenFile| {
            let seen = Remembered { written: file.load()?, ..Remembered::default() };
            seen.written.check_store(&store).map_err(|error| {
                let message = format!("{}; {} remembers it", error.message(), file.path().shown());
                error.saying(message)
            })?;
            Ok(Memory { seen: Mutex::new(seen), file })
        };
        let memory = file.map(remembering).transpose()?;
        let verdicts = Verdicts::new(store, KEPT).beside(set);
        Ok(Gate { verdicts: RwLock::new(Arc::new(verdicts)), memory, built, ..Gate::default() })
    }

    fn verdicts(&self) -> Arc<Verdicts> {
        self.verdicts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts the stores and sets that it had.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }

    /// Puts another store in the place of the one there; what was decided under that one counts no more.
    ///
    /// # Errors
    /// `trust.generation` for an older one, `trust.equivocation` for another one of the same generation, or with another list of the same
    /// number; those of [`TrustStore::embed`].
    pub(crate) fn exchange(&self, store: TrustStore) -> Result<()> {
        let store = with(store, &self.built)?;
        let mut verdicts = self.verdicts.write().unwrap_or_else(PoisonError::into_inner);
        verdicts.mark().precedes(&Mark::of(&store))?;
        self.epoch.fetch_add(1, SeqCst);
        *verdicts = Arc::new(verdicts.under(store));
        Ok(())
    }

    /// Puts another signed set in the place of the one there, or none.
    pub(crate) fn exchange_set(&self, set: Option<SignedLock>) {
        let mut verdicts = self.verdicts.write().unwrap_or_else(PoisonError::into_inner);
        self.epoch.fetch_add(1, SeqCst);
        *verdicts = Arc::new(verdicts.beside(set));
    }

    /// The time to judge by, and what is to be said of the clock.
    pub(crate) fn time(&self, wall: SystemTime) -> (SystemTime, Option<String>) {
        self.memory.as_ref().map_or((wall, None), |memory| memory.seen().time(wall))
    }

    /// What is found out about a package, whether or not it is taken.
    pub(crate) fn judge(&self, package: &Identity<'_>, policy: &Policy, wall: SystemTime) -> Verdict {
        let (now, warning) = self.time(wall);
        let verdicts = self.verdicts();
        let mut verdict = judged(package, verdicts.signed_lock(), verdicts.store(), policy, now);
        verdict.warnings.extend(warning);
        verdict
    }

    /// What a package deserves.
    ///
    /// # Errors
    /// Where it is refused: those of [`decide`](super::decide), `trust.rollback`, and `denied.trust` where the policy takes nobody
    /// of this level.
    pub(crate) fn pass(&self, package: &Identity<'_>, policy: &Policy, wall: SystemTime) -> Result<Standing> {
        let of = package.id.as_str();
        // Before the store is looked at: a store that comes meanwhile is noticed.
        let epoch = self.epoch();
        let (now, warning) = self.time(wall);
        let decided = self.verdicts().decide_for(package, policy, now);
        let mut verdict = decided.map_err(|error| match error.code() {
            Code::DeniedTrust => error.with_help(UNSIGNED),
            _ => error,
        })?;
        verdict.warnings.extend(warning);
        self.newest(package.id, package.version)?;
        let (trust, vouched) = match policy.assume {
            Some(level) if policy.development => (level, "assumed by policy development".to_owned()),
            most => (most.map_or(verdict.level, |most| verdict.level.min(most)), verdict.vouched()),
        };
        if !policy.level(trust).admitted {
            let message = format!("the policy `{}` takes no {trust} plugins", policy.name);
            let help = format!("A policy takes them with `admitted = true` under [{trust}].");
            return Err(Error::new(Code::DeniedTrust, Stage::Vet, message).of(of).with_help(help));
        }
        Ok(Standing { trust, vouched, verdict: Arc::new(verdict), epoch })
    }

    /// Refuses what is older than what was here before.
    fn newest(&self, id: &Id, version: &Version) -> Result<()> {
        self.memory.as_ref().map_or(Ok(()), |memory| memory.seen().check(id, version))
    }

    /// Remembers what was loaded, the store and the time. The file is written where that says something new.
    ///
    /// # Errors
    /// Those of [`SeenFile::update`]; `trust.equivocation` where another host with the same file remembers another store of this
    /// generation. The rest is remembered all the same.
    pub(crate) fn remember<'a>(
        &self,
        loaded: impl Iterator<Item = (&'a Id, &'a Version, &'a Verdict)>,
        wall: SystemTime,
    ) -> Result<()> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let verdicts = self.verdicts();
        let mark = verdicts.mark();
        let loaded: Vec<_> = loaded.collect();
        let note = |seen: &mut Seen| {
            loaded.iter().for_each(|(id, version, verdict)| seen.note(id, version, verdict));
            seen.note_mark(mark, wall);
        };
        {
            let mut seen = memory.seen();
            let known = seen.all();
            let mut grown = known.clone();
            note(&mut grown);
            if !known.is_news(&grown, HOUR) {
                return Ok(());
            }
            note(&mut seen.unwritten);
        }
        // Whoever changes the file at the same time comes one after the other here, too, and finds what others have not written yet.
        let (written, agrees) = memory.file.update(|there| {
            let mut seen = memory.seen();
            there.keep(&seen.written);
            let agrees = there.mark().agrees(mark);
            there.raise(&seen.unwritten);
            seen.written = there.clone();
            (there.clone(), agrees)
        })?;
        memory.seen().unwritten.forget(&written);
        agrees
    }
}

fn with(mut store: TrustStore, built: &[TrustedKey]) -> Result<TrustStore> {
    built.iter().try_for_each(|key| store.embed(key.clone()))?;
    Ok(store)
}
