//! [`Resolver`]: what lies there and what the host offers; makes plans of it. It loads nothing and reads no files.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use semver::Version;

use super::{
    Candidate, Cause, Chosen, LeftOut, Link, LinkKind, Lockfile, Mode, Optionals, Options, PassedOver, Plan, Warning,
    choose::{settle, whole},
    explain::{Teller, Told, wanted},
    meter::Budget,
    order::After,
    problem::{Asks, Input, Line, Problem},
    reason::Facts,
    solve::Taken,
};
use crate::package::{Dependency, Manifest};

/// A plugin that is loaded already.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) version: Version,
    /// What it says of plugins that come later, where it says something.
    pub(crate) says: Option<Arc<Manifest>>,
}

/// What lies there and what the host offers; makes plans of it.
///
/// [`Resolver::plan`] takes as much as goes together of everything, [`Resolver::plan_for`] some plugins and what they need.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    pub(super) candidates: Vec<Candidate>,
    offers: BTreeMap<String, Vec<Version>>,
    loaded: BTreeMap<String, Standing>,
    options: Options,
    lock: Lockfile,
    disabled: BTreeSet<String>,
    unfit: BTreeMap<String, String>,
}

impl Resolver {
    /// Plugins to plan with, several versions of each if they like. Their order does not matter, but that of two of the same
    /// id and version the first counts.
    #[must_use]
    pub fn new(candidates: Vec<Candidate>) -> Self {
        Resolver { candidates, ..Resolver::default() }
    }

    /// A contract that the host offers; several versions of one may be offered side by side.
    #[must_use]
    pub fn contract(mut self, name: impl Into<String>, version: Version) -> Self {
        self.offers.entry(name.into()).or_default().push(version);
        self
    }

    /// A plugin that is loaded already: it stays as it is, and another version of it is refused.
    #[must_use]
    pub fn loaded(mut self, id: impl Into<String>, version: Version) -> Self {
        self.loaded.insert(id.into(), Standing { version, says: None });
        self
    }

    /// [`Resolver::loaded`], of which is known what it provides and what it stands against.
    pub(crate) fn with_loaded(mut self, loaded: BTreeMap<String, Standing>) -> Self {
        self.loaded.extend(loaded);
        self
    }

    /// How strict plans are.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Prefers what a lockfile holds: its versions before higher ones, and its plugins before others where not all can be
    /// there. Whether the plan came out as the lockfile says is asked of [`Lockfile::check`].
    #[must_use]
    pub fn prefer(mut self, lock: Lockfile) -> Self {
        self.lock = lock;
        self
    }

    /// Leaves a plugin out that is switched off; whoever needs it is told so.
    #[must_use]
    pub fn without(mut self, id: impl Into<String>) -> Self {
        self.disabled.insert(id.into());
        self
    }

    /// A plugin that lies there and cannot be taken, and why: it cannot be read, or it is not trusted. Whoever needs it is told so.
    /// A version of it that can be taken counts as ever.
    #[must_use]
    pub fn unfit(mut self, id: impl Into<String>, why: impl Into<String>) -> Self {
        self.unfit.insert(id.into(), why.into());
        self
    }

    /// What there is to plan with.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Takes as much as goes together of everything that is there.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.plan_of(&self.candidates, &|_| true)
    }

    /// Takes these plugins and what they need, each in its best version, and nothing else. An id that is not there is left out
    /// of the plan altogether: see [`Resolver::can_load`] for one that may not be.
    #[must_use]
    pub fn plan_for(&self, ids: &[&str]) -> Plan {
        let ids: BTreeSet<&str> = ids.iter().copied().collect();
        self.plan_of(&self.candidates, &|id| ids.contains(id))
    }

    pub(super) fn plan_of(&self, candidates: &[Candidate], asked: &dyn Fn(&str) -> bool) -> Plan {
        let mut plan = Plan::default();
        let mut gone = BTreeMap::new();
        let kept = self.sift(candidates, asked, &mut plan, &mut gone);
        let locked = |id: &str| self.lock.get(id).is_some();
        let held =
            |candidate: &Candidate| self.lock.get(candidate.id().as_str()).is_some_and(|row| row.holds(candidate));
        let mut input = Input {
            candidates: kept,
            offers: &self.offers,
            loaded: &self.loaded,
            options: &self.options,
            held: &held,
            locked: &locked,
            wanted: asked,
        };
        let budget = Budget::new(self.options.budget);
        let facts = self.find_out(Problem::new(&input), &budget, &mut plan.warnings);
        // Of what nobody asked for it was not found out which of it goes together. Where the reason lies there, that is what to tell.
        let untold: Vec<usize> = facts.untold().collect();
        let reached: BTreeSet<&str> =
            facts.problem.reached(&untold).into_iter().map(|at| facts.problem.plugs[at].id).collect();
        let inside = |id: &str| reached.contains(id);
        input.wanted = &inside;
        let rest = budget.rest();
        let within = (!untold.is_empty()).then(|| {
            let mut within = self.find_out(Problem::new(&input), &rest, &mut Vec::new());
            // What was not settled in time is told of by the plan itself.
            within.spent.clear();
            within.settle();
            within
        });
        plan.steps = budget.steps() + rest.steps();
        self.tell(candidates, (&facts, within.as_ref()), &gone, &mut plan);
        if self.options.mode == Mode::AllOrNothing && !plan.is_whole() {
            plan.withheld = std::mem::take(&mut plan.order);
        }
        plan.left_out.sort_by(|a, b| (&a.id, &a.version).cmp(&(&b.id, &b.version)));
        plan.index();
        plan
    }

    /// Refuses what cannot be told from another: doubles of what is loaded, of a version, or of one but for its build metadata.
    fn sift<'a>(
        &self,
        candidates: &'a [Candidate],
        asked: &dyn Fn(&str) -> bool,
        plan: &mut Plan,
        gone: &mut BTreeMap<String, String>,
    ) -> Vec<(usize, &'a Candidate)> {
        gone.extend(self.unfit.clone());
        gone.extend(self.disabled.iter().map(|id| (id.clone(), "it is switched off".to_owned())));
        let mut sorted: Vec<(usize, &Candidate)> =
            candidates.iter().enumerate().filter(|(_, one)| !self.disabled.contains(one.id().as_str())).collect();
        // Stable: of doubles the first comes first.
        sorted.sort_by(|(_, a), (_, b)| (a.id(), a.version()).cmp(&(b.id(), b.version())));
        let mut kept: Vec<(usize, &Candidate)> = Vec::new();
        let same = |a: &Candidate, b: &Candidate| a.id() == b.id() && a.version().cmp_precedence(b.version()).is_eq();
        for group in sorted.chunk_by(|(_, a), (_, b)| same(a, b)) {
            let mut refuse = |at: usize, candidate: &Candidate, cause: Cause, message: String| {
                let id = candidate.id().to_string();
                if !self.loaded.contains_key(&id) {
                    gone.insert(id.clone(), message.clone());
                }
                if asked(&id) || self.loaded.contains_key(&id) {
                    plan.left_out.push(LeftOut {
                        id,
                        version: candidate.version().clone(),
                        cause,
                        message,
                        help: None,
                        at: None,
                        sake: Vec::new(),
                        candidate: Some(at),
                    });
                }
            };
            let [(_, first), rest @ ..] = group else { continue };
            // What the lockfile holds is taken whatever else lies there.
            let row = self.lock.get(first.id().as_str());
            let held = group.iter().position(|(_, one)| row.is_some_and(|row| row.holds(one)));
            let other = rest.iter().map(|(_, one)| one.version()).find(|version| *version != first.version());
            if let Some(Standing { version, .. }) = self.loaded.get(first.id().as_str()) {
                for (at, one) in group {
                    let message = format!("there is another plugin `{}` already, {version}", one.id());
                    refuse(*at, one, Cause::Duplicate, message);
                }
            } else if let (None, Some(other)) = (held, other) {
                for (at, one) in group {
                    let other = if one.version() == other { first.version() } else { other };
                    let message = format!(
                        "there are {} and {other} of it, which differ in build metadata only: that has no order",
                        one.version()
                    );
                    refuse(*at, one, Cause::SameVersion { other: other.clone() }, message);
                }
            } else {
                let taken = held.unwrap_or_default();
                kept.extend(group.get(taken));
                for (_, (at, one)) in group.iter().enumerate().filter(|(place, _)| *place != taken) {
                    let message = format!(
                        "there is another plugin `{}` already; {} at {} is left out",
                        one.id(),
                        one.version(),
                        one.source()
                    );
                    refuse(*at, one, Cause::Duplicate, message);
                }
            }
        }
        kept.iter().for_each(|(_, one)| {
            gone.remove(one.id().as_str());
        });
        kept
    }

    /// Settles every group: those first that need no search, then small ones before large ones, so that no group takes another's part
    /// of the budget.
    fn find_out<'a>(&self, problem: Problem<'a>, budget: &Budget, warnings: &mut Vec<Warning>) -> Facts<'a> {
        let needed_by = problem.needed_by();
        let (mut taken, mut circles, mut spent) = (Taken::default(), Vec::new(), BTreeSet::new());
        let (mut settled, mut hard) = (Vec::new(), Vec::new());
        for group in problem.groups() {
            match whole(&problem, &group, budget) {
                Some(one) => settled.push((group, one)),
                None => hard.push((problem.size(&group), group)),
            }
        }
        hard.sort();
        let count = hard.len();
        settled.extend(hard.into_iter().enumerate().map(|(at, (_, group))| {
            let one = settle(&problem, &group, &needed_by, (budget, count - at), self.options.choice);
            (group, one)
        }));
        let mut largest = true;
        for (group, one) in settled {
            largest &= one.largest;
            if one.spent {
                spent.extend(group.into_iter().filter(|at| one.taken.number(*at) == 0));
            }
            taken.numbers.extend(one.taken.numbers);
            taken.picks.extend(one.taken.picks);
            circles.extend(one.circles);
        }
        let mut facts = Facts::new(problem, taken, circles, spent, self.options.budget);
        if !largest {
            warnings.push(Warning::NotLargest);
        }
        facts.settle();
        let wanted = |at: &&usize| facts.problem.plugs[**at].wanted;
        let left_out = facts.spent.iter().filter(wanted).filter(|at| facts.taken.number(**at) == 0).count();
        if left_out > 0 {
            warnings.push(Warning::Unsettled { steps: self.options.budget, left_out });
        }
        facts
    }

    /// Turns what was found out into a plan. `within` is what would be taken if all were asked for that what is left out rests on.
    fn tell<'a>(
        &self,
        candidates: &[Candidate],
        (facts, within): (&Facts<'a>, Option<&Facts<'a>>),
        gone: &BTreeMap<String, String>,
        plan: &mut Plan,
    ) {
        let teller = Teller::new(facts, gone);
        let within = within.map(|within| Teller::new(within, gone));
        let problem = &facts.problem;
        for (at, reason) in &facts.out {
            let plug = &problem.plugs[*at];
            if !plug.wanted {
                continue;
            }
            let number = facts.judged(*at);
            let Some(release) = plug.release(number) else { continue };
            let Told { cause, message, help, at, sake } =
                teller.tell(*at, number, *reason, within.as_ref().filter(|_| !facts.is_told(*at)));
            let (id, version, candidate) = (plug.id.to_owned(), release.version.clone(), release.candidate);
            plan.left_out.push(LeftOut { id, version, cause, message, help, at, sake, candidate });
        }
        let (order, waived) = After::new(problem, &facts.taken).order();
        for (plug, other) in &waived {
            let (id, dependency) = (problem.plugs[*plug].id.to_owned(), problem.plugs[*other].id.to_owned());
            plan.warnings.push(Warning::OrderWaived { id, dependency });
        }
        let waived: BTreeSet<(usize, usize)> = waived.into_iter().collect();
        for at in order {
            let plug = &problem.plugs[at];
            let number = facts.taken.number(at);
            let Some((candidate, release)) = plug.release(number).and_then(|one| Some((one.candidate?, one))) else {
                continue;
            };
            let passed = |number: u32| {
                Some(PassedOver { version: plug.release(number)?.version.clone(), why: teller.passed_over(at, number) })
            };
            plan.order.push(Chosen {
                id: plug.id.to_owned(),
                version: release.version.clone(),
                source: candidates[candidate].source().to_owned(),
                digest: candidates[candidate].digest().copied(),
                wanted: plug.wanted,
                links: links(facts, at, &waived),
                passed_over: (number + 1..=plug.last()).rev().filter_map(passed).collect(),
                spare: plug
                    .numbered()
                    .rev()
                    .skip_while(|(other, _)| *other >= number)
                    .map(|(_, one)| one.version.clone())
                    .collect(),
                candidate,
            });
            if self.options.optionals == Optionals::Warn {
                let needs = release.manifest.map(|manifest| &manifest.dependencies[..]).unwrap_or_default();
                let there = |id: &str| problem.find(id).is_some_and(|on| facts.taken.number(on) > 0);
                for need in needs.iter().filter(|need| need.optional && !need.hidden && !there(need.id.as_str())) {
                    let dependency = wanted(need.id.as_str(), &need.version);
                    plan.warnings.push(Warning::OptionalMissing { id: plug.id.to_owned(), dependency });
                }
            }
        }
    }
}

/// What one plugin that is taken uses, by id.
fn links(facts: &Facts<'_>, at: usize, waived: &BTreeSet<(usize, usize)>) -> Vec<Link> {
    let problem = &facts.problem;
    let Some(release) = problem.plugs[at].release(facts.taken.number(at)) else { return Vec::new() };
    let Some(manifest) = release.manifest else { return Vec::new() };
    let mut links = Vec::new();
    for rule in &release.rules {
        let (need, dev) = match rule.line {
            Line::Dependency(index) => (manifest.dependencies.get(index), false),
            Line::Dev(index) => (manifest.dev_dependencies.get(index), true),
            Line::Conflict(_) => (None, false),
        };
        let (Some(need), Some(on)) = (need, rule.on.filter(|on| facts.taken.number(*on) > 0)) else { continue };
        links.push(Link {
            id: need.id.to_string(),
            kind: match rule.needed {
                _ if dev => LinkKind::Dev,
                true => LinkKind::Needs,
                false => LinkKind::Optional,
            },
            requirement: need.version.to_string(),
            order: need.order && !waived.contains(&(at, on)),
        });
    }
    for clause in &release.clauses {
        let Some(pick) = facts.taken.picks.get(clause) else { continue };
        let clause = &problem.clauses[*clause];
        let Some((on, _)) = clause.choices.get(*pick) else { continue };
        let id = problem.plugs[*on].id.to_owned();
        let told = match clause.asks {
            Asks::AnyOf(index) => manifest.any_of.get(index).map(|need| {
                let taken = problem.plugs[*on].release(facts.taken.number(*on));
                let fits = |choice: &&Dependency| {
                    choice.id.as_str() == id && taken.is_some_and(|taken| choice.version.matches(taken.version))
                };
                let choice = need.choices.iter().find(fits);
                let requirement = choice.map(|choice| choice.version.to_string()).unwrap_or_default();
                (LinkKind::AnyOf(need.name.clone()), requirement)
            }),
            Asks::Contract(index) => manifest
                .requires
                .get(index)
                .map(|need| (LinkKind::Contract(need.name.clone()), need.version.to_string())),
        };
        if let Some((kind, requirement)) = told {
            links.push(Link { id, kind, requirement, order: true });
        }
    }
    links.sort_by(|a, b| a.id.cmp(&b.id));
    links
}
