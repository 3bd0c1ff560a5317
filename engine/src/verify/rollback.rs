//! [`SeenFile`]: what the host remembers between runs, so that nobody brings an older package, an older trust store or an earlier
//! time back, nor a second store or revocation list of the same number: the highest version of each plugin, the store's generation and
//! digest, the newest list of each issuer, the latest time.
//!
//! ```text
//! modhost-seen 2
//! generation 7
//! store sha256:<64 digits>
//! time 2026-11-21T14:30:00Z
//! list <key id> 3 sha256:<64 digits>
//! plugin acme.wolf 1.2.0
//! ```
//!
//! Version 1 has neither `store` nor `list`; it is read, and version 2 is written in its place with the next news.

use std::{
    collections::BTreeMap,
    fmt,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use semver::Version;

use super::{
    Date, Digest, Exposed, KeyId, TrustStore, Verdict,
    key::refused,
    lines::Lines,
    mark::{ListMark, Mark},
};
use crate::{
    error::{Code, Error, Result, Stage},
    package::{DigestError, Id},
    plain,
    policy::TrustLevel,
    replace::{self, Afterwards, Held, Readers},
};

/// The longest such file, in bytes: 15,000 plugins of the longest kind fit.
const LONGEST: usize = 2 << 20;
const LONGEST_VERSION: usize = 64;
/// How far a clock may be set back without a word.
const SET_BACK: Duration = Duration::from_secs(300);
const HEAD: &str = "modhost-seen ";
/// The version that is written.
const VERSION: u32 = 2;

/// What was seen in earlier runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// The newest trust store.
    mark: Mark,
    time: Option<Date>,
    /// The highest version of each plugin; its publisher is part of the id.
    versions: BTreeMap<Id, Version>,
}

impl Seen {
    /// The highest generation of the trust store.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.mark.generation
    }

    pub(super) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The digest of that store ([`TrustStore::digest`]). `None` where an earlier release wrote the file, and for generation 0.
    #[must_use]
    pub fn store(&self) -> Option<Digest> {
        self.mark.digest
    }

    /// Refuses an older trust store than was seen, and another one of the same generation; likewise a store with another revocation list
    /// than was seen of the same issuer and number.
    ///
    /// # Errors
    /// [`Code::TrustGeneration`] and [`Code::TrustEquivocation`].
    pub fn check_store(&self, store: &TrustStore) -> Result<()> {
        self.mark.precedes(&Mark::of(store))
    }

    /// The highest version of a plugin.
    #[must_use]
    pub fn version(&self, id: &Id) -> Option<&Version> {
        self.versions.get(id)
    }

    /// The time to judge by: `wall`, or the latest that was seen where the clock was set back; and a warning then, if it was by
    /// more than five minutes. So nobody brings a key back to life by the clock.
    #[must_use]
    pub fn time(&self, wall: SystemTime) -> (SystemTime, Option<String>) {
        let Some(seen) = self.time.filter(|seen| *seen > Date::of(wall)) else { return (wall, None) };
        let now = Date::of(wall);
        let warning = (now.after(SET_BACK) < seen)
            .then(|| format!("the clock says {now}, and it was {seen} before: the later time is taken"));
        (seen.time(), warning)
    }

    /// Refuses a version below the highest that was seen.
    ///
    /// # Errors
    /// [`Code::TrustRollback`].
    pub fn check(&self, id: &Id, version: &Version) -> Result<()> {
        match self.versions.get(id) {
            Some(seen) if version.cmp_precedence(seen).is_lt() => {
                let message = format!("{id} {version} is older than {seen}, which was here before");
                let help = "Use the newer release again, or have the host's own code sign the older one off (`Seen::sign_off`).";
                Err(refused(Code::TrustRollback, message).of(id.as_str()).with_help(help))
            }
            _ => Ok(()),
        }
    }

    /// Remembers a package that is used. What is untrusted is not remembered: else anybody could shut the real plugin out by a
    /// high version under its name.
    pub fn note(&mut self, id: &Id, version: &Version, verdict: &Verdict) {
        let lower = self.versions.get(id).is_some_and(|seen| version.cmp_precedence(seen).is_lt());
        if verdict.level > TrustLevel::Untrusted && !lower {
            self.versions.insert(id.clone(), version.clone());
        }
    }

    /// Remembers the trust store's generation and the time. [`Seen::note_store`] remembers the store itself.
    pub fn note_run(&mut self, generation: u64, wall: SystemTime) {
        self.mark.raise(&Mark::numbered(generation));
        self.time = self.time.max(Some(Date::of(wall)));
    }

    /// Remembers the trust store, by its generation, its digest and its lists, and the time. What it contradicts stays as it was: see
    /// [`Seen::check_store`].
    pub fn note_store(&mut self, store: &TrustStore, wall: SystemTime) {
        self.note_mark(&Mark::of(store), wall);
    }

    pub(super) fn note_mark(&mut self, mark: &Mark, wall: SystemTime) {
        self.mark.raise(mark);
        self.time = self.time.max(Some(Date::of(wall)));
    }

    /// Puts back what was known, where this says less than it did: the file was deleted, or an older copy of it was put in its place.
    /// Time and generation only go up, and tell; a version may go down, because the host signed it off.
    pub(super) fn keep(&mut self, known: &Seen) {
        if self.time < known.time || self.mark.generation < known.mark.generation {
            self.raise(known);
        }
        // What is known of the store only goes up, and is lost with a line of the file.
        self.mark.raise(&known.mark);
    }

    /// Whether it knows nothing of this plugin, or of an older version.
    fn is_below(&self, id: &Id, version: &Version) -> bool {
        self.versions.get(id).is_none_or(|seen| seen.cmp_precedence(version).is_lt())
    }

    /// Takes over what `other` knows beyond this.
    pub(super) fn raise(&mut self, other: &Seen) {
        self.time = self.time.max(other.time);
        self.mark.raise(&other.mark);
        for (id, version) in &other.versions {
            if self.is_below(id, version) {
                self.versions.insert(id.clone(), version.clone());
            }
        }
    }

    /// Leaves nothing but what this knows beyond `other`.
    pub(super) fn forget(&mut self, other: &Seen) {
        self.versions.retain(|id, version| other.is_below(id, version));
        self.time = self.time.filter(|time| Some(*time) > other.time);
        self.mark.forget(&other.mark);
    }

    /// Whether `other`, which grew from this, says more than that it is later, or is later by more than `least`.
    pub(super) fn is_news(&self, other: &Seen, least: Duration) -> bool {
        self.mark != other.mark
            || self.versions != other.versions
            || match (self.time, other.time) {
                (Some(before), Some(now)) => before.after(least) < now,
                (before, now) => before != now,
            }
    }

    /// The host signs an older version off: it, and what is newer, is taken from now on.
    pub fn sign_off(&mut self, id: &Id, version: &Version) {
        self.versions.insert(id.clone(), version.clone());
    }

    /// Its text; what the version has no line for is left out.
    fn text(&self, version: u32) -> String {
        let mut text = format!("{HEAD}{version}\ngeneration {}\n", self.mark.generation);
        let mut line = |line: String| text.extend([line.as_str(), "\n"]);
        self.mark.digest.iter().for_each(|digest| line(format!("store {digest}")));
        self.time.iter().for_each(|time| line(format!("time {time}")));
        let lists = self.mark.lists.iter();
        lists.for_each(|(issuer, (number, digest))| line(format!("list {issuer} {number} {digest}")));
        self.versions.iter().for_each(|(id, version)| line(format!("plugin {id} {version}")));
        text
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut lines = Lines::new(bytes, "seen", Code::TrustMemory, LONGEST)?;
        let version = lines.head_up_to(HEAD, VERSION, Code::TrustNewer)?;
        let mut seen = Seen::default();
        let generation = lines.value("generation")?;
        seen.mark.generation = generation.parse().map_err(|_| lines.error("a generation is a whole number"))?;
        if let Some(store) = lines.maybe("store").filter(|_| version > 1) {
            seen.mark.digest = Some(store.parse().map_err(|error: DigestError| lines.error(error.to_string()))?);
        }
        if let Some(time) = lines.maybe("time") {
            seen.time = Some(time.parse().map_err(|error: super::DateError| lines.error(error.to_string()))?);
        }
        while let Some(list) = lines.maybe("list").filter(|_| version > 1) {
            let (issuer, list) =
                read_list(list).ok_or_else(|| lines.error("here stand an issuer, a number and a digest"))?;
            seen.mark.lists.insert(issuer, list);
        }
        while !lines.is_done() {
            let pair = lines.value("plugin")?;
            let pair = pair.split_once(' ').filter(|(_, version)| version.len() <= LONGEST_VERSION);
            let pair = pair.and_then(|(id, version)| Some((Id::new(id).ok()?, version.parse().ok()?)));
            let (id, version) = pair.ok_or_else(|| lines.error("here stand an id and a version"))?;
            seen.versions.insert(id, version);
        }
        if seen.text(version).as_bytes() == bytes {
            Ok(seen)
        } else {
            Err(lines.error("this is not as modhost writes it"))
        }
    }
}

/// An issuer, the number of its newest list and its digest.
fn read_list(text: &str) -> Option<(KeyId, ListMark)> {
    let (issuer, list) = text.split_once(' ')?;
    let (number, digest) = list.split_once(' ')?;
    Some((issuer.parse().ok()?, (number.parse().ok()?, digest.parse().ok()?)))
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(VERSION))
    }
}

/// The file that [`Seen`] lies in. The host names it: it belongs where no plugin can write.
///
/// ```
/// use modhost::{Code, package::Id, verify::SeenFile};
///
/// let folder = tempfile::tempdir()?;
/// let file = SeenFile::new(folder.path().join("seen"));
/// let wolf = Id::new("acme.wolf")?;
/// file.update(|seen| seen.sign_off(&wolf, &"2.0.0".parse().expect("a version")))?;
/// assert_eq!(file.load()?.check(&wolf, &"1.9.0".parse()?).unwrap_err().code(), Code::TrustRollback);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SeenFile {
    path: PathBuf,
    patience: Duration,
    exposed: Exposed,
}

impl SeenFile {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        SeenFile { path: path.into(), patience: replace::PATIENCE, exposed: Exposed::Warn }
    }

    /// The same, waiting for so long while another process changes the file; without this for 3 s.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        SeenFile { patience, ..self }
    }

    /// The same, with another rule for a file, or a folder that it lies in, that others than this user and root may write: without this it
    /// is warned of.
    #[must_use]
    pub fn exposed(self, exposed: Exposed) -> Self {
        SeenFile { exposed, ..self }
    }

    /// Reads it; where there is none, nothing was seen.
    ///
    /// # Errors
    /// [`Code::TrustMemory`] for a damaged file (it is never taken for an empty one), [`Code::TrustNewer`],
    /// [`Code::TrustExposed`], [`Code::IoFailed`].
    pub fn load(&self) -> Result<Seen> {
        let failed = |error| Error::io(Stage::Vet, &self.path, &error);
        let mut bytes = Vec::new();
        match plain::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Seen::default()),
            opened => {
                let file = opened.map_err(failed)?;
                self.exposed.judge_with_folders(&file, &self.path)?;
                file.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?
            }
        };
        Seen::parse(&bytes)
    }

    /// Changes it, one process at a time, and replaces it as a whole. The lock is a file beside it, `NAME.lock`, which stays.
    ///
    /// # Errors
    /// Those of [`SeenFile::load`]; [`Code::IoFailed`] where somebody keeps the lock.
    pub fn update<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> Result<T> {
        let _held = Held::wait(&self.path, ".lock", Afterwards::Stays, self.patience, Stage::Vet)?;
        let mut seen = self.load()?;
        let result = change(&mut seen);
        let text = seen.to_string();
        if text.len() > LONGEST {
            return Err(refused(Code::TrustMemory, format!("more was seen than {LONGEST} bytes hold")));
        }
        replace::replace(&self.path, text.as_bytes(), Readers::Owner, Stage::Vet)?;
        Ok(result)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
