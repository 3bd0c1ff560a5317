//! [`Lockfile`]: a set of mods kept as a file, so that it comes out the same elsewhere and later.

use std::{collections::BTreeMap, fmt, str::FromStr};

use semver::Version;

use super::{
    Candidate, Digest, Plan,
    lines::{Line, lines, quoted},
    order::order_of,
};
use crate::error::{Code, Error, Result, Stage};

/// The name of a lockfile, beside the folder of plugins.
pub const LOCKFILE: &str = crate::package::LOCKFILE;

/// One plugin of a lockfile.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Locked {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// Its digest, where it was known.
    pub digest: Option<Digest>,
    /// Where it came from. It may have moved since.
    pub source: String,
    /// The plugins that are loaded before it because it uses them, by id. The load order follows from these.
    pub after: Vec<String>,
}

impl Locked {
    /// Whether a candidate is this very plugin: the version's, and the digest's where both are known.
    #[must_use]
    pub fn holds(&self, candidate: &Candidate) -> bool {
        self.id == candidate.id().as_str()
            && self.version == *candidate.version()
            && self.digest.zip(candidate.digest().copied()).is_none_or(|(a, b)| a == b)
    }

    /// Whether the plugin of its id in this version and with these files is this very one.
    #[must_use]
    pub fn is(&self, version: &Version, digest: &Digest) -> bool {
        self.version == *version && self.digest.is_none_or(|own| own == *digest)
    }
}

/// What differs between a lockfile and a plan.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Drift {
    /// The plan takes a plugin that the lockfile does not hold.
    Added {
        /// The plugin.
        id: String,
        /// The version that is taken.
        version: Version,
    },
    /// The lockfile holds a plugin that the plan does not take.
    Gone {
        /// The plugin.
        id: String,
        /// The version that is held.
        version: Version,
    },
    /// The plan takes another version.
    Version {
        /// The plugin.
        id: String,
        /// The version that is held.
        locked: Version,
        /// The version that is taken.
        taken: Version,
    },
    /// The plan takes other files of the same version.
    Digest {
        /// The plugin.
        id: String,
        /// The version.
        version: Version,
    },
    /// It is loaded after other plugins than the lockfile says.
    Order {
        /// The plugin.
        id: String,
    },
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Drift::Added { id, version } => write!(f, "{id} {version} is not in the lockfile"),
            Drift::Gone { id, version } => write!(f, "{id} {version} is in the lockfile and cannot be taken"),
            Drift::Version { id, locked, taken } => write!(f, "the lockfile holds {id} {locked}, and {taken} is taken"),
            Drift::Digest { id, version } => write!(f, "{id} {version} holds other files than when it was locked"),
            Drift::Order { id } => write!(f, "{id} is loaded after others than when it was locked"),
        }
    }
}

/// A set of mods kept as a file: reproducible, since it says nothing of time or machine, and made for merging: one block a
/// plugin, by id, of which a change touches that plugin's only. It is TOML; it is read line by line, as strictly as it is
/// written, comments and empty lines aside.
///
/// ```
/// use modhost::{package::Manifest, resolve::{Candidate, Lockfile, Resolver}};
///
/// let plugin = |text: &str| Manifest::parse(text.as_bytes()).map(|manifest| Candidate::new(manifest, "mods"));
/// let old = plugin("[plugin]\nid = 'wolf'\nversion = '1.2.0'")?;
/// let lock = Lockfile::of(&Resolver::new(vec![old.clone()]).plan());
/// assert_eq!(lock.to_string().parse::<Lockfile>()?, lock);
///
/// // A newer version appears: the lockfile's is taken all the same.
/// let new = plugin("[plugin]\nid = 'wolf'\nversion = '1.3.0'")?;
/// let plan = Resolver::new(vec![old, new.clone()]).prefer(lock.clone()).plan();
/// assert!(lock.check(&plan).is_ok());
///
/// // The locked one is gone.
/// let plan = Resolver::new(vec![new]).prefer(lock.clone()).plan();
/// let error = lock.check(&plan).unwrap_err();
/// assert_eq!(error.to_string(), "wolf: the lockfile holds wolf 1.2.0, and 1.3.0 is taken [resolve.locked]");
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lockfile {
    rows: BTreeMap<String, Locked>,
}

impl Lockfile {
    /// Keeps what a plan takes.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let rows = plan.order.iter().map(|chosen| {
            let locked = Locked {
                id: chosen.id.clone(),
                version: chosen.version.clone(),
                digest: chosen.digest,
                source: chosen.source.clone(),
                after: after(plan, &chosen.id),
            };
            (chosen.id.clone(), locked)
        });
        Lockfile { rows: rows.collect() }
    }

    /// Its plugins, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Locked> {
        self.rows.values()
    }

    /// One of its plugins.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Locked> {
        self.rows.get(id)
    }

    /// The ids in load order: that of the plan which was kept.
    #[must_use]
    pub fn order(&self) -> Vec<&str> {
        let ids: Vec<&str> = self.rows.keys().map(String::as_str).collect();
        let place = |id: &String| ids.binary_search(&id.as_str()).ok();
        let edges = self.rows.values().map(|row| row.after.iter().filter_map(place).collect()).collect();
        order_of(edges).into_iter().map(|at| ids[at]).collect()
    }

    /// Everything in which a plan differs, by id; what differs in its place only comes last, since it follows from the others.
    #[must_use]
    pub fn drift(&self, plan: &Plan) -> Vec<Drift> {
        let mut drift: Vec<(&str, Drift)> = Vec::new();
        for chosen in &plan.order {
            let (id, version) = (chosen.id.clone(), chosen.version.clone());
            let found = match self.rows.get(&id) {
                None => Drift::Added { id, version },
                Some(row) if row.version != version => {
                    Drift::Version { id, locked: row.version.clone(), taken: version }
                }
                Some(row) if row.digest.zip(chosen.digest).is_some_and(|(a, b)| a != b) => {
                    Drift::Digest { id, version }
                }
                Some(row) if row.after != after(plan, &id) => Drift::Order { id },
                Some(_) => continue,
            };
            drift.push((&chosen.id, found));
        }
        for row in self.rows.values().filter(|row| plan.get(&row.id).is_none()) {
            drift.push((&row.id, Drift::Gone { id: row.id.clone(), version: row.version.clone() }));
        }
        drift.sort_by_key(|(id, found)| (matches!(found, Drift::Order { .. }), *id));
        drift.into_iter().map(|(_, drift)| drift).collect()
    }

    /// Refuses a plan that is not what the lockfile holds.
    ///
    /// # Errors
    /// `resolve.locked`, with the first difference, of that plugin.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        let drift = self.drift(plan);
        let Some(first) = drift.first() else { return Ok(()) };
        let id = match first {
            Drift::Added { id, .. }
            | Drift::Gone { id, .. }
            | Drift::Version { id, .. }
            | Drift::Digest { id, .. }
            | Drift::Order { id } => id.clone(),
        };
        let more = match drift.len() - 1 {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        // Why it is not taken is the better half of the message.
        let why = plan.left_out(&id).map(|out| format!(" ({})", out.message)).unwrap_or_default();
        Err(Error::new(Code::ResolveLocked, Stage::Resolve, format!("{first}{why}{more}")).of(id))
    }

    /// What a refused plan comes to where one of the plugins that the lockfile holds was refused because it, or a key that signed it or the
    /// lockfile, is revoked: who holds to the lockfile has to know that, and to bring files back is no remedy for it. `refused` are id,
    /// version and error of what vetting refused.
    pub fn revoked<'e>(&self, mut refused: impl Iterator<Item = (&'e str, &'e Version, &'e Error)>) -> Option<Error> {
        let (id, _, error) = refused.find(|(id, version, error)| {
            error.code() == Code::TrustRevoked && self.get(id).is_some_and(|row| row.version == **version)
        })?;
        let message = format!("the lockfile holds {id}, which is refused: {}", error.message());
        let help =
            "Have the set signed by a key that is not revoked, or put releases in it that are not, and lock it again.";
        Some(Error::new(Code::TrustRevoked, error.stage(), message).of(id).with_help(help))
    }
}

/// What a plugin is loaded after because it uses it, by id, each once.
fn after(plan: &Plan, id: &str) -> Vec<String> {
    let links = plan.get(id).map(|chosen| &chosen.links[..]).unwrap_or_default();
    let mut after: Vec<String> =
        links.iter().filter(|link| link.order && plan.get(&link.id).is_some()).map(|link| link.id.clone()).collect();
    after.dedup();
    after
}

impl fmt::Display for Lockfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "# Written by modhost: one block a plugin, by id. The load order follows from `after`.\nlock = 1\n",
        )?;
        for row in self.rows.values() {
            write!(f, "\n[[plugin]]\nid = {}\nversion = {}\n", quoted(&row.id), quoted(&row.version.to_string()))?;
            if let Some(digest) = row.digest {
                writeln!(f, "digest = {}", quoted(&digest.to_string()))?;
            }
            writeln!(f, "source = {}", quoted(&row.source))?;
            let after: Vec<String> = row.after.iter().map(|id| quoted(id)).collect();
            writeln!(f, "after = [{}]", after.join(", "))?;
        }
        Ok(())
    }
}

/// A block while it is read.
#[derive(Default)]
struct Block {
    id: Option<String>,
    version: Option<Version>,
    digest: Option<Digest>,
    source: Option<String>,
    after: Option<Vec<String>>,
}

impl Block {
    fn read(&mut self, line: Line<'_>) -> Result<()> {
        let (key, value) = line.pair()?;
        let twice = match key {
            "id" => self.id.replace(line.id(&line.string(value)?)?).is_some(),
            "version" => self.version.replace(line.version(&line.string(value)?)?).is_some(),
            "digest" => self.digest.replace(line.digest(&line.string(value)?)?).is_some(),
            "source" => self.source.replace(line.string(value)?).is_some(),
            "after" => self.after.replace(line.strings(value)?).is_some(),
            _ => return Err(line.error("unknown key; there are id, version, digest, source, after")),
        };
        if twice { Err(line.error(format!("the key `{key}` is there twice in this block"))) } else { Ok(()) }
    }

    fn end(self, begun: Line<'_>) -> Result<Locked> {
        let missing = |key: &str| begun.error(format!("this block has no `{key}`"));
        Ok(Locked {
            id: self.id.ok_or_else(|| missing("id"))?,
            version: self.version.ok_or_else(|| missing("version"))?,
            digest: self.digest,
            source: self.source.ok_or_else(|| missing("source"))?,
            after: self.after.ok_or_else(|| missing("after"))?,
        })
    }
}

impl FromStr for Lockfile {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) wrote.
    ///
    /// # Errors
    /// `package.lockfile`, with the line.
    fn from_str(text: &str) -> Result<Self> {
        let mut lockfile = Lockfile::default();
        let mut lines = lines(text, LOCKFILE, Code::PackageLockfile)?;
        match lines.next() {
            Some(line) if line.text == "lock = 1" => {}
            Some(line) => {
                return Err(line.error("this is not a lockfile that this modhost reads: it begins with `lock = 1`"));
            }
            None => {
                let message = "this is not a lockfile: it begins with `lock = 1`";
                return Err(Error::new(Code::PackageLockfile, Stage::Resolve, message));
            }
        }
        let mut open: Option<(Line<'_>, Block)> = None;
        let mut keep = |open: Option<(Line<'_>, Block)>| -> Result<()> {
            let Some((begun, block)) = open else { return Ok(()) };
            let row = block.end(begun)?;
            if lockfile.rows.last_key_value().is_some_and(|(last, _)| *last >= row.id) {
                return Err(begun.error(format!("`{}` is there twice, or not in the order of ids", row.id)));
            }
            lockfile.rows.insert(row.id.clone(), row);
            Ok(())
        };
        for line in lines {
            if line.text == "[[plugin]]" {
                keep(open.replace((line, Block::default())))?;
            } else {
                match &mut open {
                    Some((_, block)) => block.read(line)?,
                    None => return Err(line.error("a block begins with [[plugin]]")),
                }
            }
        }
        keep(open)?;
        Ok(lockfile)
    }
}
