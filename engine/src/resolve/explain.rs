//! Says in words why a plugin is left out: who wants what, why it cannot be, what to change. The words of requirements are
//! their authors'.

use std::collections::BTreeMap;

use modhost_backend::Place;
use semver::{Comparator, Version, VersionReq};

use super::{
    Cause,
    problem::{Asks, ENGINE, Flaw, Line},
    reason::{Facts, Reason},
};
use crate::package::{Dependency, Manifest, nearest};

/// How much of a circle is told to each of its plugins.
const LONGEST_PATH: usize = 12;
/// Among how many plugins a misspelt one is looked for.
const MOST_NEAR: usize = 300;

/// How many versions a cause names of those that do not fit: half of them from either end.
const MOST_THERE: usize = 100;

/// How many reasons stand in one sentence beside the first.
const DEEPEST: u32 = 2;

/// A reason in words.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) cause: Cause,
    pub(super) message: String,
    /// What to change; the catalogue's remedy where there is nothing better to say.
    pub(super) help: Option<String>,
    pub(super) at: Option<Place>,
    /// The plugins that it is left out for.
    pub(super) sake: Vec<String>,
}

/// `wolf ^1.2`, or `wolf` for any version.
pub(super) fn wanted(id: &str, version: &VersionReq) -> String {
    if *version == VersionReq::STAR { id.into() } else { format!("{id} {version}") }
}

/// `a`, `a and b`, `a, b and c`.
fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `1.0.0`, `1.0.0 and 2.0.0`, `9 versions from 1.0.0 to 2.0.0`.
fn versions(versions: &[Version]) -> String {
    match versions {
        [first, _, _, _, .., last] => format!("{} versions from {first} to {last}", versions.len()),
        few => list(&few.iter().map(Version::to_string).collect::<Vec<_>>()),
    }
}

/// Whether a prerelease would fit if its release did.
fn but_for_prerelease(requirement: &VersionReq, version: &Version) -> bool {
    let plain = |comparator: &Comparator| Comparator { pre: semver::Prerelease::EMPTY, ..comparator.clone() };
    let plain = VersionReq { comparators: requirement.comparators.iter().map(plain).collect() };
    let release = Version::new(version.major, version.minor, version.patch);
    !version.pre.is_empty() && !requirement.matches(version) && plain.matches(&release)
}

/// Tells reasons.
pub(super) struct Teller<'f, 'a> {
    facts: &'f Facts<'a>,
    /// What those that were refused before the choice are, by id.
    gone: &'f BTreeMap<String, String>,
    roots: BTreeMap<usize, usize>,
}

impl<'f, 'a> Teller<'f, 'a> {
    pub(super) fn new(facts: &'f Facts<'a>, gone: &'f BTreeMap<String, String>) -> Self {
        Teller { facts, gone, roots: facts.roots() }
    }

    fn manifest(&self, plug: usize, number: u32) -> Option<&'a Manifest> {
        self.facts.problem.plugs[plug].release(number)?.manifest
    }

    fn id(&self, plug: usize) -> &'a str {
        self.facts.problem.plugs[plug].id
    }

    fn taken(&self, plug: usize) -> Option<&'a Version> {
        Some(self.facts.problem.plugs[plug].release(self.facts.taken.number(plug))?.version)
    }

    /// Why a version is left out. `within` tells of the same with all that it rests on asked for, where the reason lies there.
    pub(super) fn tell(&self, plug: usize, number: u32, reason: Reason, within: Option<&Teller<'_, '_>>) -> Told {
        let teller = within.filter(|within| within.facts.out.contains_key(&plug)).unwrap_or(self);
        let mut told = match (reason, teller.facts.out.get(&plug)) {
            (Reason::Spent, Some(Reason::Spent)) => {
                self.facts.reason(plug, number).map(|why| self.told(plug, number, why, DEEPEST))
            }
            (_, Some(own)) => Some(teller.told(plug, number, *own, DEEPEST)),
            (_, None) => None,
        };
        if reason == Reason::Spent {
            told = Some(self.spent(told));
        }
        told.unwrap_or_else(|| self.told(plug, number, reason, DEEPEST))
    }

    /// Why a version is not the one that is taken of its plugin.
    pub(super) fn passed_over(&self, plug: usize, number: u32) -> String {
        if let Some(reason) = self.facts.reason(plug, number) {
            return self.told(plug, number, reason, DEEPEST).message;
        }
        match self.facts.circle_with(plug, number) {
            Some(path) => {
                circled(path.iter().take(LONGEST_PATH).map(|at| self.id(*at).to_owned()).collect(), path.len()).message
            }
            None => "it does not go together with what was chosen before it".into(),
        }
    }

    fn told(&self, plug: usize, number: u32, reason: Reason, depth: u32) -> Told {
        let told = match (reason, self.manifest(plug, number)) {
            (Reason::Spent, _) => None,
            (Reason::Circle(circle), _) => Some(self.circle(plug, circle)),
            (Reason::By(owner, own, rule), _) => self.by(plug, owner, own, rule),
            (Reason::Serves(clause), _) => self.serves(plug, clause),
            (Reason::Flaw(flaw), Some(manifest)) => self.flaw(plug, manifest, flaw, depth),
            (Reason::NoneOf(clause), Some(manifest)) => {
                self.none_of(plug, manifest, self.facts.problem.clauses[clause].asks, Some(clause), depth)
            }
            (Reason::Absent(rule) | Reason::Out(rule) | Reason::Other(rule), Some(manifest)) => {
                self.own(plug, number, rule, manifest, depth)
            }
            _ => None,
        };
        // Not reached: a reason that speaks of a manifest comes from one.
        told.unwrap_or_else(|| self.spent(None))
    }

    /// `beside` is what stands against it as the others were chosen.
    fn spent(&self, beside: Option<Told>) -> Told {
        let steps = self.facts.steps;
        let (more, at, sake) = match beside {
            Some(told) => (format!("; as they were chosen without a search: {}", told.message), told.at, told.sake),
            None => (String::new(), None, Vec::new()),
        };
        Told {
            cause: Cause::Budget { steps },
            message: format!(
                "which of the plugins that concern each other go together was not found within {steps} steps{more}"
            ),
            help: None,
            at,
            sake,
        }
    }

    fn circle(&self, plug: usize, circle: usize) -> Told {
        let path = &self.facts.circles[circle].path;
        let start = path.iter().position(|at| *at == plug).unwrap_or(0);
        let ids = path.iter().cycle().skip(start).take(path.len().min(LONGEST_PATH)).map(|at| self.id(*at).to_owned());
        circled(ids.collect(), path.len())
    }

    fn flaw(&self, plug: usize, manifest: &Manifest, flaw: Flaw, depth: u32) -> Option<Told> {
        Some(match flaw {
            Flaw::Engine => {
                let need = manifest.engine.as_ref()?;
                Told {
                    cause: Cause::Engine { requirement: need.version.to_string() },
                    message: format!("needs modhost {}, this is {ENGINE}", need.version),
                    help: None,
                    at: Some(need.at.clone()),
                    sake: Vec::new(),
                }
            }
            Flaw::Nothing(asks) => self.none_of(plug, manifest, asks, None, depth)?,
            Flaw::Itself(line) => {
                let need = dependency(manifest, line)?;
                let told = circled(vec![self.id(plug).to_owned()], 1);
                Told { message: "it needs itself before itself".into(), at: Some(need.at.clone()), ..told }
            }
            Flaw::OtherSelf(line) => self.no_version(plug, dependency(manifest, line)?, plug),
        })
    }

    /// No choice of `any-of`, no provider of a contract.
    fn none_of(&self, plug: usize, manifest: &Manifest, asks: Asks, clause: Option<usize>, depth: u32) -> Option<Told> {
        let choices = clause.map(|clause| &self.facts.problem.clauses[clause].choices[..]).unwrap_or_default();
        let out: Vec<usize> = choices.iter().map(|(on, _)| *on).filter(|on| self.facts.out.contains_key(on)).collect();
        let sake = out.iter().map(|on| self.id(*on).to_owned()).collect();
        let because = out.first().map(|on| self.because(plug, *on, depth)).unwrap_or_default();
        let root = out.first().map(|on| self.root(*on)).filter(|root| *root != plug);
        let mend = root.map(|root| format!("Mend {} first, or take {} out too.", self.id(root), self.id(plug)));
        Some(match asks {
            Asks::AnyOf(index) => {
                let need = manifest.any_of.get(index)?;
                let words: Vec<String> =
                    need.choices.iter().map(|choice| wanted(choice.id.as_str(), &choice.version)).collect();
                let problem = if out.is_empty() { "none is there" } else { "none can be" };
                Told {
                    message: format!(
                        "needs one of {} (any-of {}), and {problem}{because}",
                        words.join(", "),
                        need.name
                    ),
                    help: mend.or_else(|| {
                        Some(format!("Install one of {}, or take {} out.", words.join(", "), self.id(plug)))
                    }),
                    cause: Cause::NoneOf { name: need.name.clone(), choices: words },
                    at: Some(need.at.clone()),
                    sake,
                }
            }
            Asks::Contract(index) => {
                let need = manifest.requires.get(index)?;
                let offered = self.facts.problem.offers.get(&need.name).cloned().unwrap_or_default();
                let game = match &offered[..] {
                    [] => "this game offers no such contract".to_owned(),
                    some => format!("this game offers {}", versions(some)),
                };
                let unfit = out.is_empty().then(|| self.provides(plug, &need.name, depth)).flatten();
                let near = if offered.is_empty() && choices.is_empty() && unfit.is_none() {
                    self.near_contract(&need.name, depth)
                } else {
                    None
                };
                let provider = match (out.first(), &unfit) {
                    (Some(on), _) => format!(", and {}, which provides it, cannot be there{because}", self.id(*on)),
                    (None, Some(unfit)) => format!(", and {unfit}"),
                    (None, None) => String::new(),
                };
                let other = format!(
                    "Install a plugin that provides {} {}, or take {} out.",
                    need.name,
                    need.version,
                    self.id(plug)
                );
                Told {
                    message: format!("needs {} {}, {game}{provider}", need.name, need.version),
                    help: mend.or(unfit.map(|_| other)).or(near),
                    cause: Cause::Contract { name: need.name.clone(), requirement: need.version.to_string(), offered },
                    at: Some(need.at.clone()),
                    sake,
                }
            }
        })
    }

    /// A plugin that provides a contract, in whatever version.
    fn provides(&self, plug: usize, name: &str, depth: u32) -> Option<String> {
        // Among a few only, as in looking for a misspelt one.
        let few = if depth == DEEPEST { MOST_NEAR } else { 0 };
        let releases = self.facts.problem.plugs.iter().take(few).flat_map(|plug| {
            plug.numbered().rev().filter_map(move |(_, release)| Some((plug.id, release.version, release.manifest?)))
        });
        releases.into_iter().find_map(|(id, version, manifest)| {
            let offer = manifest.provides.iter().find(|offer| offer.name == name)?;
            Some(if id == self.id(plug) {
                format!("only {id} itself provides {}", offer.version)
            } else {
                format!("{id} {version} provides {}", offer.version)
            })
        })
    }

    /// The contract that was meant, where it is misspelt.
    fn near_contract(&self, name: &str, depth: u32) -> Option<String> {
        let few = if depth == DEEPEST { MOST_NEAR } else { 0 };
        let releases = self.facts.problem.plugs.iter().take(few).flat_map(|plug| plug.numbered());
        let provided = releases.filter_map(|(_, release)| release.manifest).flat_map(|manifest| &manifest.provides);
        let known =
            self.facts.problem.offers.keys().chain(provided.map(|offer| &offer.name)).filter(|known| *known != name);
        nearest(name, known.map(String::as_str)).map(|near| format!("Did you mean `{near}`?"))
    }

    /// A rule of its own.
    fn own(&self, plug: usize, number: u32, rule: usize, manifest: &Manifest, depth: u32) -> Option<Told> {
        let rule = self.facts.rule(plug, number, rule)?;
        if let Line::Conflict(index) = rule.line {
            let (foe, on) = (manifest.conflicts.get(index)?, rule.on?);
            let taken = self.taken(on)?.clone();
            let words = wanted(foe.id.as_str(), &foe.version);
            return Some(Told {
                message: format!("cannot be loaded together with {words}, and {taken} is there"),
                help: Some(format!("Take one of the two out: {} or {}.", self.id(plug), foe.id)),
                at: Some(foe.at.clone()),
                sake: vec![foe.id.to_string()],
                cause: Cause::Conflict {
                    id: foe.id.to_string(),
                    taken,
                    declared_by: self.id(plug).to_owned(),
                    requirement: foe.version.to_string(),
                },
            });
        }
        let need = dependency(manifest, rule.line)?;
        let Some(on) = rule.on else { return Some(self.missing(plug, need, depth)) };
        let words = wanted(need.id.as_str(), &need.version);
        let Some(taken) = self.taken(on) else {
            if !self.facts.problem.plugs[on].numbered().any(|(number, _)| rule.allowed_real(number)) {
                return Some(self.no_version(on, need, plug));
            }
            let (id, requirement) = (need.id.to_string(), need.version.to_string());
            return Some(Told {
                message: format!("needs {words}, which is left out itself{}", self.because(plug, on, depth)),
                help: Some(format!("Mend {} first, or take {} out too.", self.id(self.root(on)), self.id(plug))),
                at: Some(need.at.clone()),
                sake: vec![id.clone()],
                cause: Cause::LeftOut { id, requirement },
            });
        };
        // Another version of it is taken. The best that would fit was passed over for a reason of its own.
        let fitting = self.facts.problem.plugs[on].numbered().rev().find(|(number, _)| rule.allowed_real(*number));
        let Some((fitting, release)) = fitting else { return Some(self.no_version(on, need, plug)) };
        let mut sake = Vec::new();
        let because = match self.facts.reason(on, fitting).filter(|_| depth > 0) {
            Some(reason) => {
                let told = self.told(on, fitting, reason, depth - 1);
                sake = told.sake;
                match reason {
                    Reason::By(..) | Reason::Serves(_) | Reason::Circle(_) => format!(" because {}", told.message),
                    _ => format!(" because {} {} {}", need.id, release.version, told.message),
                }
            }
            None => String::new(),
        };
        Some(Told {
            message: format!("{} {words}, and {taken} is taken{because}", verb(need)),
            help: Some(format!(
                "Find versions of {} and {} that agree, or take one of them out.",
                self.id(plug),
                list(if sake.is_empty() { std::slice::from_ref(&words) } else { &sake })
            )),
            at: Some(need.at.clone()),
            sake,
            cause: Cause::Held { id: need.id.to_string(), requirement: need.version.to_string(), taken: taken.clone() },
        })
    }

    /// A rule of another plugin.
    fn by(&self, plug: usize, owner: usize, own: u32, rule: usize) -> Option<Told> {
        let manifest = self.manifest(owner, own)?;
        let line = self.facts.rule(owner, own, rule)?.line;
        let (by, taken) = (self.id(owner).to_owned(), self.taken(owner)?.clone());
        let both = format!("Take one of the two out: {} or {by}.", self.id(plug));
        Some(if let Line::Conflict(index) = line {
            let foe = manifest.conflicts.get(index)?;
            Told {
                message: format!(
                    "{by} {taken} cannot be loaded together with {}",
                    wanted(foe.id.as_str(), &foe.version)
                ),
                help: Some(both),
                at: None,
                sake: vec![by.clone()],
                cause: Cause::Conflict { id: by.clone(), taken, declared_by: by, requirement: foe.version.to_string() },
            }
        } else {
            let need = dependency(manifest, line)?;
            Told {
                message: format!("{by} {taken} {} {}", verb(need), wanted(need.id.as_str(), &need.version)),
                help: Some(both),
                at: None,
                sake: vec![by.clone()],
                cause: Cause::Wanted { by, requirement: need.version.to_string() },
            }
        })
    }

    /// A need of another plugin that only another version meets.
    fn serves(&self, plug: usize, clause: usize) -> Option<Told> {
        let clause = &self.facts.problem.clauses[clause];
        let manifest = self.manifest(clause.owner, clause.number)?;
        let (by, version) = (self.id(clause.owner).to_owned(), self.taken(clause.owner)?);
        let (what, requirement) = match clause.asks {
            Asks::AnyOf(index) => {
                let need = manifest.any_of.get(index)?;
                let own = need.choices.iter().find(|choice| choice.id.as_str() == self.id(plug))?;
                let words = wanted(own.id.as_str(), &own.version);
                (format!("{words} (any-of {})", need.name), own.version.to_string())
            }
            Asks::Contract(index) => {
                let need = manifest.requires.get(index)?;
                (format!("a provider of {} {}", need.name, need.version), need.version.to_string())
            }
        };
        Some(Told {
            message: format!("{by} {version} needs {what}"),
            help: None,
            at: None,
            sake: vec![by.clone()],
            cause: Cause::Wanted { by, requirement },
        })
    }

    fn missing(&self, plug: usize, need: &Dependency, depth: u32) -> Told {
        let words = wanted(need.id.as_str(), &need.version);
        let (id, requirement) = (need.id.to_string(), need.version.to_string());
        if let Some(why) = self.gone.get(&id) {
            return Told {
                message: format!("needs {words}, which is left out itself because {why}"),
                help: Some(format!("See to {id} first, or take {} out too.", self.id(plug))),
                at: Some(need.at.clone()),
                sake: vec![id.clone()],
                cause: Cause::LeftOut { id, requirement },
            };
        }
        // Looked for among a few only: ten thousand misses among ten thousand plugins must not take minutes.
        let few = if depth == DEEPEST { MOST_NEAR } else { 0 };
        let few = self.facts.problem.plugs.iter().take(few).map(|plug| plug.id);
        let near = nearest(&id, few.filter(|id| *id != self.id(plug)));
        let near = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        Told {
            message: format!("needs {words}, and it is not there"),
            help: Some(format!("Install {words}, or take {} out.{near}", self.id(plug))),
            at: Some(need.at.clone()),
            sake: Vec::new(),
            cause: Cause::Missing { id, requirement },
        }
    }

    /// No version of `on` that is there fits.
    fn no_version(&self, on: usize, need: &Dependency, plug: usize) -> Told {
        let mut there: Vec<Version> =
            self.facts.problem.plugs[on].numbered().map(|(_, release)| release.version.clone()).collect();
        there.sort();
        let told = versions(&there);
        let words = wanted(need.id.as_str(), &need.version);
        let is = if let [_] = there[..] { "is" } else { "are" };
        let prerelease = there.iter().rev().find(|version| but_for_prerelease(&need.version, version));
        let note = prerelease
            .map(|version| format!("; {version} is a prerelease, which only a requirement that names one takes"));
        let help = match prerelease {
            Some(version) => format!("Install a release, or have {} need {} >={version}.", self.id(plug), need.id),
            None => format!("Install {words}, or take {} out.", self.id(plug)),
        };
        let note = note.unwrap_or_default();
        if there.len() > MOST_THERE {
            there.drain(MOST_THERE / 2..there.len() - MOST_THERE / 2);
        }
        Told {
            message: format!("{} {words}, and only {told} {is} there{note}", verb(need)),
            help: Some(help),
            at: Some(need.at.clone()),
            sake: Vec::new(),
            cause: Cause::NoVersion { id: need.id.to_string(), requirement: need.version.to_string(), there },
        }
    }

    fn root(&self, at: usize) -> usize {
        self.roots.get(&at).copied().unwrap_or(at)
    }

    /// ` because c needs world ^2, this game offers 1.4.0`: the end of the chain, whatever lies between. Nothing where that is
    /// `plug`, of which it is told: nobody is a reason of his own.
    fn because(&self, plug: usize, on: usize, depth: u32) -> String {
        let root = self.root(on);
        let number = self.facts.judged(root);
        let reason = match self.facts.out.get(&root) {
            // That the steps were used up is told of the plugin itself.
            Some(Reason::Spent) => self.facts.reason(root, number),
            reason => reason.copied(),
        };
        let told = |reason: &Reason| depth > 0 && root != plug && !matches!(reason, Reason::Out(_));
        let Some(reason) = reason.filter(told) else { return String::new() };
        let message = self.told(root, number, reason, depth - 1).message;
        match reason {
            Reason::By(..) | Reason::Serves(_) | Reason::Circle(_) => format!(" because {message}"),
            _ => format!(" because {} {message}", self.id(root)),
        }
    }
}

/// The beginning of a circle of so many plugins.
fn circled(path: Vec<String>, length: usize) -> Told {
    let first = path.first().cloned().unwrap_or_default();
    let more = match length - path.len() {
        0 => String::new(),
        more => format!(" -> ({more} more)"),
    };
    Told {
        message: format!("plugins need each other in a circle: {}{more} -> {first}", path.join(" -> ")),
        help: None,
        at: None,
        sake: path.iter().skip(1).cloned().collect(),
        cause: Cause::Cycle { path },
    }
}

fn verb(need: &Dependency) -> &'static str {
    if need.optional { "works only with" } else { "needs" }
}

fn dependency(manifest: &Manifest, line: Line) -> Option<&Dependency> {
    match line {
        Line::Dependency(index) => manifest.dependencies.get(index),
        Line::Dev(index) => manifest.dev_dependencies.get(index),
        Line::Conflict(_) => None,
    }
}
