//! Why one version of a plugin is not there, beside what is: found in what it says of others, and they of it.
//!
//! The choice leaves nothing out that could be added to what is taken, so there is always such a reason, and it needs no
//! proof of the solver's to be told.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    order::After,
    problem::{Flaw, Problem, Rule},
    set::Set,
    solve::{Circle, Taken},
};

/// How many plugins may be looked at in all for circles that a version would close.
const MOST_CIRCLED: usize = 300_000;
/// How often what was cut short is looked at again.
const MOST_PASSES: u32 = 50;

/// A reason, by indices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    Flaw(Flaw),
    /// A rule of its own speaks of a plugin that is not there at all.
    Absent(usize),
    /// ... that is there and is left out.
    Out(usize),
    /// ... that is there in another version.
    Other(usize),
    /// None of a clause's choices is taken.
    NoneOf(usize),
    /// A rule of another plugin refuses it: owner, its number, the rule.
    By(usize, u32, usize),
    /// A clause of another plugin that is met by another version of it only.
    Serves(usize),
    /// A circle.
    Circle(usize),
    /// The steps were used up.
    Spent,
}

/// What was found out.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) problem: Problem<'a>,
    pub(super) taken: Taken,
    pub(super) circles: Vec<Circle>,
    /// The plugins of groups that were not settled.
    pub(super) spent: BTreeSet<usize>,
    pub(super) steps: u64,
    /// By plugin that was left out, why its best version was.
    pub(super) out: BTreeMap<usize, Reason>,
    /// How many plugins were looked at for circles that a version would close.
    circled: Cell<usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(
        problem: Problem<'a>,
        taken: Taken,
        circles: Vec<Circle>,
        spent: BTreeSet<usize>,
        steps: u64,
    ) -> Self {
        Facts { problem, taken, circles, spent, steps, out: BTreeMap::new(), circled: Cell::new(0) }
    }

    /// What is left out for a reason that lies among plugins that nobody asked for, where the choice did not look at them each.
    pub(super) fn untold(&self) -> impl Iterator<Item = usize> {
        let wanted = self.out.keys().copied().filter(|at| self.problem.plugs[*at].wanted);
        wanted.filter(|at| !self.is_told(*at))
    }

    /// Whether the reason of a plugin that is left out ends at one that stands for itself.
    pub(super) fn is_told(&self, at: usize) -> bool {
        let mut seen = BTreeSet::from([at]);
        let mut rest = vec![at];
        while let Some(at) = rest.pop() {
            let on = match self.out.get(&at) {
                // It could be there by itself.
                None => return false,
                Some(Reason::Spent) => return self.problem.plugs.iter().all(|plug| plug.wanted || plug.fixed),
                Some(Reason::Out(rule)) => self.rule(at, self.judged(at), *rule).and_then(|rule| rule.on),
                Some(Reason::NoneOf(clause)) => {
                    let mut choices = self.problem.clauses[*clause].choices.iter().map(|(on, _)| *on);
                    let first = choices.next();
                    choices.find(|on| self.out.contains_key(on)).or(first)
                }
                Some(_) => None,
            };
            rest.extend(on.filter(|on| seen.insert(*on)));
        }
        true
    }

    pub(super) fn rule(&self, plug: usize, number: u32, rule: usize) -> Option<&Rule> {
        self.problem.plugs[plug].release(number)?.rules.get(rule)
    }

    /// What stands between a version and what is taken.
    pub(super) fn reason(&self, plug: usize, number: u32) -> Option<Reason> {
        let release = self.problem.plugs[plug].release(number)?;
        if let Some(flaw) = release.flaw {
            return Some(Reason::Flaw(flaw));
        }
        // What would keep it out whatever becomes of the others comes first: it is to be mended in any case.
        let own = || {
            let needed = release.rules.iter().enumerate().filter(|(_, rule)| rule.needed);
            let mut own = needed.filter_map(|(at, rule)| match rule.on {
                None => Some(Reason::Absent(at)),
                Some(on) if !self.fits_any(rule, on) => Some(Reason::Other(at)),
                Some(_) => None,
            });
            own.next()
        };
        let broken = |needs: bool| {
            release.rules.iter().enumerate().filter(move |(_, rule)| rule.needed == needs).find_map(|(at, rule)| {
                let Some(on) = rule.on else { return Some(Reason::Absent(at)) };
                let number = self.taken.number(on);
                match number {
                    _ if rule.allowed.contains(&number) => None,
                    0 if self.fits_any(rule, on) => Some(Reason::Out(at)),
                    _ => Some(Reason::Other(at)),
                }
            })
        };
        let clause = || {
            let met = |clause: usize| {
                let choices = &self.problem.clauses[clause].choices;
                choices.iter().any(|(on, numbers)| numbers.contains(&self.taken.number(*on)))
            };
            release.clauses.iter().copied().find(|clause| !met(*clause)).map(Reason::NoneOf)
        };
        own()
            .or_else(|| broken(true))
            .or_else(clause)
            .or_else(|| broken(false))
            .or_else(|| self.refused_by(plug, number))
    }

    /// Whether any version that is there fits, whatever keeps it out.
    fn fits_any(&self, rule: &Rule, on: usize) -> bool {
        rule.allowed.greatest(self.problem.plugs[on].last()).is_some_and(|number| number > 0)
    }

    fn refused_by(&self, plug: usize, number: u32) -> Option<Reason> {
        let spoken = self.problem.spoken[plug].iter();
        let mut taken = spoken.filter(|(owner, own, _)| self.taken.number(*owner) == *own && *owner != plug);
        let refuses = |(owner, own, rule): &&(usize, u32, usize)| {
            self.rule(*owner, *own, *rule).is_some_and(|rule| !rule.allowed.contains(&number))
        };
        let by = taken.find(refuses).map(|(owner, own, rule)| Reason::By(*owner, *own, *rule));
        let served = || {
            let met = |clause: &&usize| {
                let clause = &self.problem.clauses[**clause];
                let there = |on: usize| if on == plug { number } else { self.taken.number(on) };
                self.taken.number(clause.owner) != clause.number
                    || clause.choices.iter().any(|(on, numbers)| numbers.contains(&there(*on)))
            };
            self.problem.served[plug].iter().find(|clause| !met(clause)).map(|clause| Reason::Serves(*clause))
        };
        by.or_else(served)
    }

    /// Fills in why each plugin that is wanted and not taken is left out. Those that nothing stands against are taken after all,
    /// which happens only where the search was cut short: of a group that was not settled, what can be added one by one.
    pub(super) fn settle(&mut self) {
        let mut circled: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, circle) in self.circles.iter().enumerate() {
            if circle.path.iter().all(|plug| self.taken.number(*plug) == 0) {
                circle.path.iter().for_each(|plug| {
                    circled.entry(*plug).or_insert(at);
                });
            }
        }
        for pass in (0..MOST_PASSES).rev() {
            let mut added = false;
            self.out.clear();
            for at in 0..self.problem.plugs.len() {
                let plug = &self.problem.plugs[at];
                if plug.fixed || self.taken.number(at) > 0 || plug.releases.is_empty() {
                    continue;
                }
                let best = self.judged(at);
                let wanted = plug.wanted;
                let reason = match self.reason(at, best) {
                    Some(Reason::Out(rule)) if circled.contains_key(&at) => {
                        let on = self.rule(at, best, rule).and_then(|rule| rule.on);
                        let circle = circled[&at];
                        let inside = on.is_some_and(|on| self.circles[circle].path.contains(&on));
                        if inside { Reason::Circle(circle) } else { Reason::Out(rule) }
                    }
                    Some(Reason::NoneOf(_)) if circled.contains_key(&at) => Reason::Circle(circled[&at]),
                    None if wanted && pass > 0 => {
                        self.take(at, best);
                        added = true;
                        continue;
                    }
                    Some(reason @ Reason::Flaw(_)) => reason,
                    _ if self.spent.contains(&at) => Reason::Spent,
                    Some(reason) => reason,
                    None if wanted => Reason::Spent,
                    None => continue,
                };
                self.out.insert(at, reason);
            }
            if !added {
                return;
            }
        }
    }

    /// Takes a version that nothing stands against.
    fn take(&mut self, at: usize, number: u32) {
        let mut taken = std::mem::take(&mut self.taken);
        taken.numbers.insert(at, number);
        self.pick(at, number, &mut taken);
        self.taken = taken;
    }

    /// What would be taken with this version in the place of what is.
    fn with(&self, at: usize, number: u32) -> Taken {
        let mut taken = self.taken.clone();
        taken.numbers.insert(at, number);
        self.pick(at, number, &mut taken);
        taken
    }

    /// Makes the first choice that there is for each clause of a version, and for each that had chosen the plugin.
    fn pick(&self, at: usize, number: u32, taken: &mut Taken) {
        let own = self.problem.plugs[at].release(number).map(|release| &release.clauses[..]).unwrap_or_default();
        let had = self.problem.served[at].iter().filter(|clause| {
            let clause = &self.problem.clauses[**clause];
            taken.number(clause.owner) == clause.number
        });
        let all: Vec<usize> = own.iter().chain(had).copied().collect();
        for clause in all {
            let choices = &self.problem.clauses[clause].choices;
            let there = |(on, numbers): &(usize, Set)| numbers.contains(&taken.number(*on));
            let kept = taken.picks.get(&clause).and_then(|pick| choices.get(*pick)).is_some_and(there);
            if let Some(pick) = choices.iter().position(there).filter(|_| !kept) {
                taken.picks.insert(clause, pick);
            }
        }
    }

    /// The circle that a version would close in the place of what is taken of its plugin: that plugin first.
    pub(super) fn circle_with(&self, at: usize, number: u32) -> Option<Vec<usize>> {
        self.circled.set(self.circled.get() + self.taken.numbers.len());
        if self.circled.get() > MOST_CIRCLED {
            return None;
        }
        let taken = self.with(at, number);
        let mut circles = After::new(&self.problem, &taken).circles(&self.problem, &taken).into_iter();
        let mut path = circles.next()?.path;
        let start = path.iter().position(|other| *other == at).unwrap_or(0);
        path.rotate_left(start);
        Some(path)
    }

    /// By plugin that is left out for the sake of another that is, the one at the end of the chain. Mutual needs may close it;
    /// then it is one of them.
    pub(super) fn roots(&self) -> BTreeMap<usize, usize> {
        let mut roots: BTreeMap<usize, usize> = BTreeMap::new();
        for start in self.out.keys().copied() {
            let mut path = vec![start];
            let mut seen = BTreeSet::from([start]);
            let root = loop {
                let at = path.last().copied().unwrap_or(start);
                if let Some(root) = roots.get(&at) {
                    break *root;
                }
                let Some(Reason::Out(rule)) = self.out.get(&at) else { break at };
                match self.rule(at, self.judged(at), *rule).and_then(|rule| rule.on) {
                    Some(on) if seen.insert(on) => path.push(on),
                    _ => break at,
                }
            };
            path.into_iter().for_each(|at| {
                roots.insert(at, root);
            });
        }
        roots
    }

    /// The number of the version that a plugin which is left out is judged by.
    pub(super) fn judged(&self, at: usize) -> u32 {
        let plug = &self.problem.plugs[at];
        plug.alive.greatest(plug.last()).filter(|best| *best > 0).unwrap_or(plug.last())
    }
}
