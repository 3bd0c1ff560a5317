//! [`Solver`]: asks the search for one version of each plugin of a group, or for those that cannot be there together.
//!
//! The search knows nodes that have a number, and demands of one number on another node. Each plugin is a node whose number 0 is its
//! absence: a conflict or an optional dependency demands a set of numbers that has 0 in it. Each clause is a node whose number says
//! which choice was taken, and so is each circle, where the number says which of its plugins gives way.
//!
//! **Which versions.** Nodes are decided in a fixed order: plugins before clauses, by their rank, and each takes its best number
//! that is left. What the search learns from conflicts follows from what it was told, so it never passes over a number that
//! would have gone together with those before it. Hence, the first in rank takes the best version that it can have at all,
//! the second the best that it can have beside that, and so on.

use std::collections::BTreeMap;

use super::{
    meter::Budget,
    order::rank,
    problem::Problem,
    search::{self, Search},
    set::Set,
};

/// What was taken: a number for each plugin, 0 for those left out; and the choices of clauses.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    pub(super) numbers: BTreeMap<usize, u32>,
    pub(super) picks: BTreeMap<usize, usize>,
}

impl Taken {
    pub(super) fn number(&self, plug: usize) -> u32 {
        self.numbers.get(&plug).copied().unwrap_or(0)
    }
}

/// Something that takes part in a circle: a plugin in some of its versions, or a choice of a clause.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Link {
    Plug(usize, Set),
    Pick(usize, usize),
}

/// Plugins that would wait for each other. Not all of its links may hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Circle {
    pub(super) links: Vec<Link>,
    /// The plugins, each needing the next.
    pub(super) path: Vec<usize>,
}

/// Why nothing was found.
#[derive(Debug)]
pub(super) enum Fail {
    /// These cannot all be there.
    Together(Vec<usize>),
    /// The budget was used up.
    Spent,
}

/// The index of a clause's choice, the best of which has the greatest number; and the other way round.
fn choice(choices: usize, number: u32) -> usize {
    choices.saturating_sub(number as usize)
}

/// One group of plugins, ready to be asked about.
pub(super) struct Solver<'p, 'a> {
    problem: &'p Problem<'a>,
    search: Search,
    /// The nodes of plugins and of clauses; those of plugins are the first, in the order of rank.
    plugs: BTreeMap<usize, u32>,
    ranked: Vec<usize>,
    clauses: BTreeMap<usize, u32>,
    circles: Vec<u32>,
}

impl<'p, 'a> Solver<'p, 'a> {
    pub(super) fn new(problem: &'p Problem<'a>, group: &[usize], budget: &Budget) -> Self {
        let rank = rank(problem, group);
        let mut ranked = group.to_vec();
        ranked.sort_by_key(|at| rank.get(at));
        let (plugs, clauses) = (BTreeMap::new(), BTreeMap::new());
        let mut solver = Solver { problem, search: Search::default(), plugs, ranked, clauses, circles: Vec::new() };
        for at in &solver.ranked {
            let plug = &problem.plugs[*at];
            let start = plug.alive.union(&Set::singleton(0));
            solver.plugs.insert(*at, solver.search.node(start, plug.last()));
        }
        let mut looks = 0;
        for at in group {
            for (_, release) in problem.plugs[*at].living() {
                looks += 2 + (release.rules.len() + release.clauses.len()) as u64;
                for clause in &release.clauses {
                    let choices = problem.clauses[*clause].choices.len() as u32;
                    let start = Set::of(0..=choices);
                    solver.clauses.insert(*clause, solver.search.node(start, choices));
                }
            }
        }
        for (clause, node) in &solver.clauses {
            let choices = &problem.clauses[*clause].choices;
            looks += choices.len() as u64;
            for (at, (on, numbers)) in choices.iter().enumerate() {
                let number = choice(choices.len(), at as u32);
                match solver.plugs.get(on) {
                    Some(on) => solver.search.demand((*node, number as u32), *on, numbers),
                    // Nothing of it can be there.
                    None => solver.search.rule_out(*node, number as u32),
                }
            }
        }
        for at in group {
            for (number, release) in problem.plugs[*at].living() {
                solver.release(*at, number, release.rules.iter().map(|rule| (rule.on, &rule.allowed)));
                for clause in &release.clauses {
                    let choices = problem.clauses[*clause].choices.len() as u32;
                    solver.search.demand((solver.plugs[at], number), solver.clauses[clause], &Set::up_to(choices));
                }
            }
        }
        budget.spend(looks);
        solver
    }

    /// The plugins of the group, those that need others before those that are needed.
    pub(super) fn ranked(&self) -> &[usize] {
        &self.ranked
    }

    /// What one version says of others; of one of them perhaps several times.
    fn release<'r>(&mut self, at: usize, number: u32, rules: impl Iterator<Item = (Option<usize>, &'r Set)>) {
        let node = |(on, allowed): (Option<usize>, &'r Set)| Some((*self.plugs.get(&on?)?, allowed));
        let mut rules: Vec<(u32, &Set)> = rules.filter_map(node).collect();
        rules.sort_by_key(|(on, _)| *on);
        for same in rules.chunk_by(|(a, _), (b, _)| a == b) {
            let [(on, first), more @ ..] = same else { continue };
            let allowed = more.iter().fold((*first).clone(), |allowed, (_, more)| allowed.intersection(more));
            self.search.demand((self.plugs[&at], number), *on, &allowed);
        }
    }

    /// Adds the circles that were met since.
    fn circles(&mut self, circles: &[Circle]) {
        self.search.reset();
        for circle in circles.iter().skip(self.circles.len()) {
            let links = circle.links.len() as u32;
            let node = self.search.node(Set::of(0..=links), links);
            self.circles.push(node);
            for (number, link) in (1..).zip(&circle.links) {
                match link {
                    Link::Plug(at, numbers) => {
                        if let Some(on) = self.plugs.get(at) {
                            self.search.demand((node, number), *on, &numbers.complement());
                        }
                    }
                    Link::Pick(clause, pick) => {
                        let choices = self.problem.clauses[*clause].choices.len();
                        let pick = Set::singleton(choice(choices, *pick as u32) as u32);
                        if let Some(on) = self.clauses.get(clause) {
                            self.search.demand((node, number), *on, &pick.complement());
                        }
                    }
                }
            }
        }
    }

    /// One version of each of `must`, and of what they need.
    pub(super) fn solve(
        &mut self,
        must: &[usize],
        circles: &[Circle],
        budget: &Budget,
        end: u64,
    ) -> Result<Taken, Fail> {
        self.circles(circles);
        let must = must.iter().filter_map(|at| self.plugs.get(at));
        let nodes: Vec<u32> = must.chain(&self.circles).copied().collect();
        match self.search.run(&nodes, budget, end) {
            Ok(()) => Ok(self.taken()),
            Err(search::Fail::Spent) => Err(Fail::Spent),
            Err(search::Fail::Together(core)) => Err(Fail::Together(
                core.into_iter().filter_map(|node| self.ranked.get(node as usize).copied()).collect(),
            )),
        }
    }

    /// What goes together of `wanted` without a search: one after another, each with all that it needs, in the best versions that go
    /// beside what was taken before it. What does not go so is left out. Whether there was work left for all of them.
    pub(super) fn greedy(&mut self, wanted: &[usize], circles: &[Circle], budget: &Budget, end: u64) -> (Taken, bool) {
        self.circles(circles);
        self.search.reset();
        // What is loaded already comes before all, and is never refused.
        let (fixed, free): (Vec<usize>, Vec<usize>) = wanted.iter().partition(|at| self.problem.plugs[**at].fixed);
        let node = |at: &usize| self.plugs.get(at).copied();
        let nodes = fixed.iter().filter_map(node).chain(self.circles.iter().copied());
        let nodes: Vec<u32> = nodes.chain(free.iter().filter_map(node)).collect();
        let done = nodes.into_iter().all(|node| self.search.add(node, budget, end));
        (self.taken(), done)
    }

    fn taken(&self) -> Taken {
        let number = |node: &u32| self.search.now(*node).single().filter(|number| *number > 0);
        let mut taken = Taken::default();
        taken.numbers.extend(self.plugs.iter().filter_map(|(at, node)| Some((*at, number(node)?))));
        taken.picks.extend(self.clauses.iter().filter_map(|(clause, node)| {
            let choices = self.problem.clauses[*clause].choices.len();
            Some((*clause, choice(choices, number(node)?)))
        }));
        taken
    }
}
