//! [`ModSet`]: named profiles of mods as a short text that recreates them elsewhere.

use std::{collections::BTreeMap, fmt, str::FromStr};

use semver::Version;

use super::{
    Candidate, Digest, Plan,
    lines::{Line, lines},
};
use crate::error::{Code, Error, Result, Stage};

/// The name of the text in errors.
const FILE: &str = "mod set";

/// One plugin of a profile.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Its version.
    pub version: Version,
    /// Its digest, where it was known.
    pub digest: Option<Digest>,
    /// Whether it is loaded.
    pub enabled: bool,
}

/// A set of mods, some of which may be switched off.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    entries: BTreeMap<String, Entry>,
}

/// The plugins of a profile, found among candidates.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Selection {
    /// Those that are switched on, each exactly as the profile says.
    pub candidates: Vec<Candidate>,
    /// The ids of those that are switched off.
    pub disabled: Vec<String>,
    /// Those that are switched on and not there: the profile's line, and what is wrong.
    pub absent: Vec<(String, String)>,
    /// Where among the candidates each of [`Selection::candidates`] stands.
    pub(super) places: Vec<usize>,
}

impl Selection {
    /// Refuses a selection that lacks something.
    ///
    /// # Errors
    /// `resolve.locked`, of the first plugin that is absent.
    pub fn check(&self) -> Result<()> {
        let Some((id, problem)) = self.absent.first() else { return Ok(()) };
        let more = match self.absent.len() - 1 {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Err(Selection::lacks(id, format!("{problem}{more}")))
    }

    /// The error for a plugin that is absent.
    pub(super) fn lacks(id: &str, problem: String) -> Error {
        let help = "Get the very files that the set names; who shared it has them.";
        Error::new(Code::ResolveLocked, Stage::Resolve, problem).of(id).with_help(help)
    }
}

impl Profile {
    /// What a plan takes, all of it switched on.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let entry =
            |chosen: &super::Chosen| Entry { version: chosen.version.clone(), digest: chosen.digest, enabled: true };
        Profile { entries: plan.order.iter().map(|chosen| (chosen.id.clone(), entry(chosen))).collect() }
    }

    /// Its plugins, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(id, entry)| (id.as_str(), entry))
    }

    /// One of its plugins.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Switches a plugin on or off; false where the profile does not hold it.
    pub fn set_enabled(&mut self, id: &str, enabled: bool) -> bool {
        self.entries.get_mut(id).map(|entry| entry.enabled = enabled).is_some()
    }

    /// Takes a plugin out; false where the profile does not hold it.
    pub fn remove(&mut self, id: &str) -> bool {
        self.entries.remove(id).is_some()
    }

    /// Finds the profile's plugins among candidates: by id, version and, where the profile has one, digest. A candidate whose
    /// digest is not known is not the one then.
    #[must_use]
    pub fn select(&self, candidates: &[Candidate]) -> Selection {
        let mut by_id: BTreeMap<&str, Vec<(usize, &Candidate)>> = BTreeMap::new();
        for (place, candidate) in candidates.iter().enumerate() {
            by_id.entry(candidate.id().as_str()).or_default().push((place, candidate));
        }
        let mut selection = Selection::default();
        for (id, entry) in &self.entries {
            if !entry.enabled {
                selection.disabled.push(id.clone());
                continue;
            }
            let there = by_id.get(id.as_str()).map(Vec::as_slice).unwrap_or_default();
            let mut same = there.iter().filter(|(_, candidate)| *candidate.version() == entry.version);
            let exact = |(_, candidate): &&(usize, &Candidate)| {
                entry.digest.is_none() || entry.digest.as_ref() == candidate.digest()
            };
            let words = format!("the set holds {id} {}", entry.version);
            if let Some((place, candidate)) = same.clone().find(exact) {
                selection.candidates.push((*candidate).clone());
                selection.places.push(*place);
            } else if same.next().is_some() {
                selection.absent.push((id.clone(), format!("{words}, and that which is there holds other files")));
            } else if let Some((_, other)) = there.first() {
                selection.absent.push((id.clone(), format!("{words}, and only {} is there", other.version())));
            } else {
                selection.absent.push((id.clone(), format!("{words}, and it is not there")));
            }
        }
        selection
    }
}

/// Named profiles, one of which is active; its text is short enough to be pasted into a message.
///
/// ```text
/// modhost-set 1
/// active home
///
/// profile home
/// + base-rules 1.4.0 sha256:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
/// - old-hud 0.1.0
/// ```
///
/// ```
/// use modhost::{package::Manifest, resolve::{Candidate, ModSet, Profile, Resolver}};
///
/// let wolf = Manifest::parse(b"[plugin]\nid = 'wolf'\nversion = '1.2.0'")?;
/// let here = vec![Candidate::new(wolf, "wolf")];
/// let mut set = ModSet::new("home", Profile::of(&Resolver::new(here.clone()).plan()))?;
/// let text = set.to_string();
///
/// let there: ModSet = text.parse()?;
/// let selection = there.active().select(&here);
/// selection.check()?;
/// assert_eq!(Resolver::new(selection.candidates).plan().to_string(), "wolf 1.2.0");
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModSet {
    active: String,
    profiles: BTreeMap<String, Profile>,
}

/// A profile's name: as an id, without a publisher.
fn name_ok(name: &str) -> bool {
    crate::package::Id::new(name).is_ok_and(|id| id.publisher().is_none())
}

fn malformed(name: &str) -> Error {
    let message =
        format!("{} is no name of a profile: a-z, 0-9 and `-`, at most 64 bytes", crate::package::schema::quote(name));
    Error::new(Code::PackageModSet, Stage::Resolve, message)
}

impl ModSet {
    /// A set of one profile, which is active.
    ///
    /// # Errors
    /// `package.mod-set` for a malformed name.
    pub fn new(name: &str, profile: Profile) -> Result<Self> {
        let mut set = ModSet { active: name.to_owned(), profiles: BTreeMap::new() };
        set.insert(name, profile)?;
        Ok(set)
    }

    /// Adds a profile, or puts it in the place of the one of the same name.
    ///
    /// # Errors
    /// `package.mod-set` for a malformed name.
    pub fn insert(&mut self, name: &str, profile: Profile) -> Result<()> {
        if !name_ok(name) {
            return Err(malformed(name));
        }
        self.profiles.insert(name.to_owned(), profile);
        Ok(())
    }

    /// Takes a profile out; false where there is none of the name, or it is the active one.
    pub fn remove(&mut self, name: &str) -> bool {
        name != self.active && self.profiles.remove(name).is_some()
    }

    /// Makes a profile the active one; false where there is none of the name.
    pub fn activate(&mut self, name: &str) -> bool {
        let there = self.profiles.contains_key(name);
        if there {
            self.active = name.to_owned();
        }
        there
    }

    /// The name of the active profile.
    #[must_use]
    pub fn active_name(&self) -> &str {
        &self.active
    }

    /// The active profile.
    #[must_use]
    pub fn active(&self) -> &Profile {
        static NONE: Profile = Profile { entries: BTreeMap::new() };
        self.profiles.get(&self.active).unwrap_or(&NONE)
    }

    /// A profile.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// A profile, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Profile> {
        self.profiles.get_mut(name)
    }

    /// The names of the profiles, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }
}

impl fmt::Display for ModSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "modhost-set 1\nactive {}\n", self.active)?;
        for (name, profile) in &self.profiles {
            write!(f, "\nprofile {name}\n")?;
            for (id, entry) in &profile.entries {
                let sign = if entry.enabled { '+' } else { '-' };
                let digest = entry.digest.map(|digest| format!(" {digest}")).unwrap_or_default();
                writeln!(f, "{sign} {id} {}{digest}", entry.version)?;
            }
        }
        Ok(())
    }
}

fn entry(line: Line<'_>) -> Result<(String, Entry)> {
    let words: Vec<&str> = line.text.split(' ').collect();
    let (enabled, id, version, digest) = match words[..] {
        ["+", id, version] => (true, id, version, None),
        ["-", id, version] => (false, id, version, None),
        ["+", id, version, digest] => (true, id, version, Some(digest)),
        ["-", id, version, digest] => (false, id, version, Some(digest)),
        _ => {
            return Err(
                line.error("this is neither `profile NAME` nor `+ ID VERSION DIGEST` (or `-`, for switched off)")
            );
        }
    };
    let digest = digest.map(|digest| line.digest(digest)).transpose()?;
    Ok((line.id(id)?, Entry { version: line.version(version)?, digest, enabled }))
}

impl FromStr for ModSet {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) wrote.
    ///
    /// # Errors
    /// `package.mod-set`, with the line.
    fn from_str(text: &str) -> Result<Self> {
        let mut lines = lines(text, FILE, Code::PackageModSet)?;
        let short =
            || Error::new(Code::PackageModSet, Stage::Resolve, "this is not a mod set: it begins with `modhost-set 1`");
        let first = lines.next().ok_or_else(short)?;
        if first.text != "modhost-set 1" {
            return Err(first.error("this is not a mod set that this modhost reads: it begins with `modhost-set 1`"));
        }
        let second = lines.next().ok_or_else(short)?;
        let active = second.text.strip_prefix("active ");
        let active = active.ok_or_else(|| second.error("the second line names a profile: `active NAME`"))?;
        let mut set = ModSet { active: active.to_owned(), profiles: BTreeMap::new() };
        let mut open: Option<String> = None;
        for line in lines {
            if let Some(name) = line.text.strip_prefix("profile ") {
                if !name_ok(name) || set.profiles.insert(name.to_owned(), Profile::default()).is_some() {
                    return Err(line.error("a profile's name is of a-z, 0-9 and `-`, and is there once"));
                }
                open = Some(name.to_owned());
                continue;
            }
            let (id, entry) = entry(line)?;
            let profile = open.as_ref().and_then(|name| set.profiles.get_mut(name));
            let profile = profile.ok_or_else(|| line.error("a plugin stands below its `profile NAME`"))?;
            if profile.entries.insert(id.clone(), entry).is_some() {
                return Err(line.error(format!("`{id}` is there twice")));
            }
        }
        if set.profiles.contains_key(&set.active) {
            Ok(set)
        } else {
            Err(second.error("there is no profile of this name"))
        }
    }
}
