//! [`Problem`]: what is asked, in numbers: the plugins, their versions by preference, and what each version says of others.
//!
//! It is built once a plan. Requirements are asked of every version here, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::{Candidate, Optionals, Options, resolver::Standing, set::Set};
use crate::package::{Dependency, Manifest};

/// This engine's version, which a manifest's `engine` is held against.
pub(super) const ENGINE: Version = Version::new(0, 1, 0);

/// How many choices of contracts there may be in all. Beyond, each need looks at the first [`FEW_CHOICES`] that provide it, so that
/// thousands that need a contract and thousands that provide it are not multiplied.
const MOST_CHOICES: usize = 250_000;
const FEW_CHOICES: usize = 16;

/// Which line of a manifest a rule comes from: the index in its list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Line {
    Dependency(usize),
    Dev(usize),
    Conflict(usize),
}

/// One version says of another plugin which of its versions may be there.
#[derive(Debug)]
pub(super) struct Rule {
    /// The plugin; `None` where there is none of the id.
    pub(super) on: Option<usize>,
    /// Its numbers, 0 for absence among them.
    pub(super) allowed: Set,
    pub(super) line: Line,
    /// Whether it must be there.
    pub(super) needed: bool,
    /// Whether it is loaded first.
    pub(super) order: bool,
}

impl Rule {
    /// Whether it lets a version be there; not whether it lets none.
    pub(super) fn allowed_real(&self, number: u32) -> bool {
        number > 0 && self.allowed.contains(&number)
    }
}

/// What any of several plugins meets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asks {
    AnyOf(usize),
    Contract(usize),
}

/// One version needs one of these plugins, best first.
#[derive(Debug)]
pub(super) struct Clause {
    pub(super) owner: usize,
    pub(super) number: u32,
    pub(super) asks: Asks,
    pub(super) choices: Vec<(usize, Set)>,
}

/// What keeps a version out whatever else is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flaw {
    Engine,
    /// Nothing that there is meets it.
    Nothing(Asks),
    /// It needs itself before itself.
    Itself(Line),
    /// It needs another version of itself.
    OtherSelf(Line),
}

/// One version of a plugin.
#[derive(Debug)]
pub(super) struct Release<'a> {
    pub(super) version: &'a Version,
    /// The index among the candidates; `None` for what is loaded already.
    pub(super) candidate: Option<usize>,
    pub(super) manifest: Option<&'a Manifest>,
    pub(super) rules: Vec<Rule>,
    /// Indices into [`Problem::clauses`].
    pub(super) clauses: Vec<usize>,
    pub(super) flaw: Option<Flaw>,
}

/// One plugin.
#[derive(Debug)]
pub(super) struct Plug<'a> {
    pub(super) id: &'a str,
    /// Loaded already: it is there, whatever else is.
    pub(super) fixed: bool,
    /// Asked for, not only at hand for those that need it.
    pub(super) wanted: bool,
    /// Held by the lockfile, in whatever version.
    pub(super) locked: bool,
    /// By preference, the best last; the number of each is its index and one.
    pub(super) releases: Vec<Release<'a>>,
    /// The numbers that could be taken if the choice were free.
    pub(super) alive: Set,
}

impl<'a> Plug<'a> {
    pub(super) fn last(&self) -> u32 {
        self.releases.len() as u32
    }

    pub(super) fn release(&self, number: u32) -> Option<&Release<'a>> {
        self.releases.get((number as usize).checked_sub(1)?)
    }

    pub(super) fn numbered(&self) -> impl DoubleEndedIterator<Item = (u32, &Release<'a>)> {
        self.releases.iter().enumerate().map(|(at, release)| (at as u32 + 1, release))
    }

    pub(super) fn living(&self) -> impl DoubleEndedIterator<Item = (u32, &Release<'a>)> {
        self.numbered().filter(|(number, _)| self.alive.contains(number))
    }
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    /// By id.
    pub(super) plugs: Vec<Plug<'a>>,
    pub(super) clauses: Vec<Clause>,
    pub(super) offers: &'a BTreeMap<String, Vec<Version>>,
    /// Which rules speak of each plugin: owner, its number, the rule's index.
    pub(super) spoken: Vec<Vec<(usize, u32, usize)>>,
    /// Which clauses each plugin is a choice of.
    pub(super) served: Vec<Vec<usize>>,
    /// How many choices of contracts there are.
    choices: usize,
}

/// What goes into one.
pub(super) struct Input<'a> {
    /// At most one of a precedence each; by id.
    pub(super) candidates: Vec<(usize, &'a Candidate)>,
    pub(super) offers: &'a BTreeMap<String, Vec<Version>>,
    pub(super) loaded: &'a BTreeMap<String, Standing>,
    pub(super) options: &'a Options,
    /// Whether one is what the lockfile holds, and whether the lockfile holds any of its id.
    pub(super) held: &'a dyn Fn(&Candidate) -> bool,
    pub(super) locked: &'a dyn Fn(&str) -> bool,
    /// Which are asked for.
    pub(super) wanted: &'a dyn Fn(&str) -> bool,
}

/// `*` in a conflict or beside `optional` names no version to hold a prerelease against: it speaks of the plugin as such.
fn speaks_of(requirement: &VersionReq, version: &Version) -> bool {
    requirement.comparators.is_empty() || requirement.matches(version)
}

/// Which versions of each contract plugins provide: by name, plugin, number and version.
type Provided<'a> = BTreeMap<&'a str, Vec<(usize, u32, &'a Version)>>;

impl<'a> Problem<'a> {
    pub(super) fn new(input: &Input<'a>) -> Self {
        let mut plugs: BTreeMap<&'a str, Plug<'a>> = BTreeMap::new();
        let plug = |id, fixed| Plug {
            id,
            fixed,
            wanted: !fixed && (input.wanted)(id),
            locked: (input.locked)(id),
            releases: Vec::new(),
            alive: Set::empty(),
        };
        let release = |version, candidate, manifest| Release {
            version,
            candidate,
            manifest,
            rules: Vec::new(),
            clauses: Vec::new(),
            flaw: None,
        };
        for (id, Standing { version, says }) in input.loaded {
            plugs.entry(id).or_insert_with(|| plug(id, true)).releases.push(release(version, None, says.as_deref()));
        }
        let mut held = vec![false; input.candidates.iter().map(|(at, _)| at + 1).max().unwrap_or(0)];
        for (at, candidate) in &input.candidates {
            held[*at] = (input.held)(candidate);
            let id = candidate.id().as_str();
            let one = release(candidate.version(), Some(*at), candidate.manifest());
            plugs.entry(id).or_insert_with(|| plug(id, false)).releases.push(one);
        }
        let mut plugs: Vec<Plug<'a>> = plugs.into_values().collect();
        for plug in &mut plugs {
            plug.releases.sort_by_key(|release| {
                let held = release.candidate.is_some_and(|at| held[at]);
                (held, release.version.pre.is_empty(), release.version)
            });
            plug.alive = Set::up_to(plug.last());
        }
        let (spoken, served) = (vec![Vec::new(); plugs.len()], vec![Vec::new(); plugs.len()]);
        let mut problem = Problem { plugs, clauses: Vec::new(), offers: input.offers, spoken, served, choices: 0 };
        let provided = problem.provided();
        for at in 0..problem.plugs.len() {
            for number in 1..=problem.plugs[at].last() {
                problem.read(at, number, input, &provided);
            }
        }
        problem.prune();
        problem
    }

    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.plugs.binary_search_by(|plug| plug.id.cmp(id)).ok()
    }

    fn provided(&self) -> Provided<'a> {
        let mut provided = Provided::new();
        for (at, plug) in self.plugs.iter().enumerate() {
            for (number, release) in plug.numbered() {
                for offer in release.manifest.map(|manifest| &manifest.provides[..]).unwrap_or_default() {
                    provided.entry(&offer.name).or_default().push((at, number, &offer.version));
                }
            }
        }
        provided
    }

    /// The numbers of a plugin that a requirement fits.
    fn fitting(&self, at: usize, fits: impl Fn(&Version) -> bool) -> Set {
        Set::of(self.plugs[at].numbered().filter(|(_, release)| fits(release.version)).map(|(number, _)| number))
    }

    /// Turns what one manifest says into rules and clauses.
    fn read(&mut self, at: usize, number: u32, input: &Input<'_>, provided: &Provided<'_>) {
        let Some(release) = self.plugs[at].release(number) else { return };
        let (Some(manifest), version) = (release.manifest, release.version) else { return };
        let mut flaw = None;
        let mut rules = Vec::new();
        let mut clauses = Vec::new();
        if manifest.engine.as_ref().is_some_and(|need| !need.version.matches(&ENGINE)) {
            flaw = Some(Flaw::Engine);
        }
        for (index, need) in manifest.requires.iter().enumerate() {
            let offered = self.offers.get(&need.name).map(Vec::as_slice).unwrap_or_default();
            if offered.iter().any(|offer| need.version.matches(offer)) {
                continue;
            }
            let mut choices: Vec<(usize, Set)> = Vec::new();
            for (other, number, offer) in provided.get(need.name.as_str()).map(Vec::as_slice).unwrap_or_default() {
                if *other == at || !need.version.matches(offer) {
                    continue;
                }
                let enough = self.choices > MOST_CHOICES && choices.len() >= FEW_CHOICES;
                match choices.last_mut().filter(|(last, _)| last == other) {
                    Some((_, numbers)) => *numbers = numbers.union(&Set::singleton(*number)),
                    None if enough => break,
                    None => choices.push((*other, Set::singleton(*number))),
                }
            }
            self.choices += choices.len();
            clauses.push((Asks::Contract(index), choices));
        }
        let is_dev = input.options.dev.contains(self.plugs[at].id);
        let dev = manifest.dev_dependencies.iter().filter(|_| is_dev).enumerate();
        let dev = dev.map(|(index, need)| (Line::Dev(index), need));
        let dependencies = manifest.dependencies.iter().enumerate();
        let dependencies = dependencies.map(|(index, need)| (Line::Dependency(index), need));
        for (line, need) in dependencies.chain(dev) {
            let needed = !need.optional || input.options.optionals == Optionals::Require;
            if need.id.as_str() == self.plugs[at].id {
                if needed && need.order {
                    flaw = flaw.or(Some(Flaw::Itself(line)));
                } else if needed && !need.version.matches(version) {
                    flaw = flaw.or(Some(Flaw::OtherSelf(line)));
                }
                continue;
            }
            rules.extend(self.dependency(line, need, needed));
        }
        for (index, need) in manifest.any_of.iter().enumerate() {
            let own = |choice: &Dependency| choice.id.as_str() == self.plugs[at].id && choice.version.matches(version);
            if need.choices.iter().any(own) {
                continue;
            }
            let mut choices: Vec<(usize, Set)> = Vec::new();
            for choice in &need.choices {
                let Some(other) = self.find(choice.id.as_str()).filter(|other| *other != at) else { continue };
                let numbers = self.fitting(other, |version| choice.version.matches(version));
                if numbers != Set::empty() {
                    choices.push((other, numbers));
                }
            }
            clauses.push((Asks::AnyOf(index), choices));
        }
        for (index, foe) in manifest.conflicts.iter().enumerate() {
            // Of two that are loaded already none can give way.
            let goes = |other: &usize| *other != at && !(self.plugs[at].fixed && self.plugs[*other].fixed);
            let Some(other) = self.find(foe.id.as_str()).filter(goes) else { continue };
            let refused = self.fitting(other, |version| speaks_of(&foe.version, version));
            if refused != Set::empty() {
                let all = Set::of(0..=self.plugs[other].last());
                let allowed = all.intersection(&refused.complement());
                let line = Line::Conflict(index);
                rules.push(Rule { on: Some(other), allowed, line, needed: false, order: false });
            }
        }
        for (index, rule) in rules.iter().enumerate() {
            if let Some(on) = rule.on {
                self.spoken[on].push((at, number, index));
            }
        }
        let mut own_clauses = Vec::new();
        for (asks, choices) in clauses {
            if choices.is_empty() {
                flaw = flaw.or(Some(Flaw::Nothing(asks)));
            } else {
                own_clauses.push(self.clauses.len());
                choices.iter().for_each(|(on, _)| self.served[*on].push(self.clauses.len()));
                self.clauses.push(Clause { owner: at, number, asks, choices });
            }
        }
        let release = &mut self.plugs[at].releases[number as usize - 1];
        (release.flaw, release.rules, release.clauses) = (flaw, rules, own_clauses);
    }

    fn dependency(&self, line: Line, need: &Dependency, needed: bool) -> Option<Rule> {
        let on = self.find(need.id.as_str());
        let allowed = match on {
            // An absent plugin that may be absent says nothing.
            None if !needed => return None,
            None => Set::empty(),
            Some(other) if needed => self.fitting(other, |version| need.version.matches(version)),
            Some(other) => {
                let fits = self.fitting(other, |version| speaks_of(&need.version, version));
                fits.union(&Set::singleton(0))
            }
        };
        Some(Rule { on, allowed, line, needed, order: need.order })
    }

    /// Takes out what could not be taken even if the choice were free, until nothing changes: linear in the rules.
    fn prune(&mut self) {
        let mut again: Vec<(usize, u32)> = Vec::new();
        for (at, plug) in self.plugs.iter().enumerate() {
            again.extend((1..=plug.last()).map(|number| (at, number)));
        }
        while let Some((at, number)) = again.pop() {
            if !self.plugs[at].alive.contains(&number) || self.could_be(at, number) {
                continue;
            }
            self.plugs[at].alive = self.plugs[at].alive.intersection(&Set::singleton(number).complement());
            let needing = self.spoken[at].iter().filter(|(owner, number, rule)| {
                self.plugs[*owner].release(*number).is_some_and(|release| release.rules[*rule].needed)
            });
            again.extend(needing.map(|(owner, number, _)| (*owner, *number)));
            again.extend(
                self.served[at].iter().map(|clause| (self.clauses[*clause].owner, self.clauses[*clause].number)),
            );
        }
    }

    fn could_be(&self, at: usize, number: u32) -> bool {
        let Some(release) = self.plugs[at].release(number) else { return false };
        let lives = |on: usize, numbers: &Set| self.plugs[on].alive.intersection(numbers) != Set::empty();
        let met = |rule: &Rule| match rule.on {
            Some(on) if rule.needed => lives(on, &rule.allowed),
            // What is loaded already cannot give way.
            Some(on) => !self.plugs[on].fixed || rule.allowed.contains(&1),
            None => !rule.needed,
        };
        let clause = |clause: &usize| self.clauses[*clause].choices.iter().any(|(on, numbers)| lives(*on, numbers));
        release.flaw.is_none() && release.rules.iter().all(met) && release.clauses.iter().all(clause)
    }

    /// The plugins that could be there, in groups that say nothing of each other; each in the order of ids.
    pub(super) fn groups(&self) -> Vec<Vec<usize>> {
        let mut leader: Vec<usize> = (0..self.plugs.len()).collect();
        fn lead(leader: &mut [usize], mut at: usize) -> usize {
            while leader[at] != at {
                leader[at] = leader[leader[at]];
                at = leader[at];
            }
            at
        }
        let lives = |at: usize| self.plugs[at].alive != Set::empty();
        for (at, plug) in self.plugs.iter().enumerate() {
            for (_, release) in plug.living() {
                let rules = release.rules.iter().filter_map(|rule| rule.on);
                let choices = release.clauses.iter().flat_map(|clause| &self.clauses[*clause].choices);
                for other in rules.chain(choices.map(|(on, _)| *on)).filter(|other| lives(*other)) {
                    let (a, b) = (lead(&mut leader, at), lead(&mut leader, other));
                    leader[a.max(b)] = a.min(b);
                }
            }
        }
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in (0..self.plugs.len()).filter(|at| lives(*at)) {
            groups.entry(lead(&mut leader, at)).or_default().push(at);
        }
        groups.into_values().collect()
    }

    /// How much there is to look at in a group.
    pub(super) fn size(&self, group: &[usize]) -> usize {
        let releases = group.iter().flat_map(|at| &self.plugs[*at].releases);
        releases.map(|release| 1 + release.rules.len() + release.clauses.len()).sum()
    }

    /// These plugins, and those that a version of one of them could need, and so on.
    pub(super) fn reached(&self, from: &[usize]) -> BTreeSet<usize> {
        let mut reached: BTreeSet<usize> = from.iter().copied().collect();
        let mut rest = from.to_vec();
        while let Some(at) = rest.pop() {
            for release in &self.plugs[at].releases {
                let needs = release.rules.iter().filter(|rule| rule.needed).filter_map(|rule| rule.on);
                let choices = release.clauses.iter().flat_map(|clause| &self.clauses[*clause].choices);
                rest.extend(needs.chain(choices.map(|(on, _)| *on)).filter(|on| reached.insert(*on)));
            }
        }
        reached
    }

    /// By plugin, those that cannot be there without it, whatever version they are taken in.
    pub(super) fn needed_by(&self) -> Vec<Vec<usize>> {
        let mut needed_by = vec![Vec::new(); self.plugs.len()];
        for (at, plug) in self.plugs.iter().enumerate() {
            let mut releases = plug.living().map(|(_, release)| release);
            let Some(first) = releases.next() else { continue };
            let on = |release: &Release<'_>| -> Vec<usize> {
                release.rules.iter().filter(|rule| rule.needed).filter_map(|rule| rule.on).collect()
            };
            let mut always = on(first);
            for release in releases {
                let also = on(release);
                always.retain(|other| also.contains(other));
            }
            always.sort_unstable();
            always.dedup();
            always.into_iter().for_each(|other| needed_by[other].push(at));
        }
        needed_by
    }
}
