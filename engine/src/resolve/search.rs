//! [`Search`]: gives each of many nodes a number, so that every demand of one node on another is met, or proves that it cannot be done;
//! under a [`Budget`] of work and a bound of memory.
//!
//! Each node has the set of numbers that it may still have. Where one number of a node is left, what that number demands of others
//! is cut out of their sets; where a set can meet a demand no more, whoever makes it loses the number that does. Then a node is
//! given its greatest number. Where a set would be left empty, the cuts are followed back to the fewest facts that cannot be true
//! together (a *nogood*), it is learned, and the search goes back to where it says something new.
//!
//! A nogood follows from the demands alone, never from which nodes must have a number: so it holds for the next question, too. What is
//! learned may take so many bytes; beyond that what was of no use for the longest time is forgotten.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    meter::Budget,
    set::Set,
    trail::{Trail, Why},
};

/// How many bytes what is learned may take, and what it is brought down to then.
const MOST_LEARNED: usize = 12 << 20;
const KEPT_LEARNED: usize = 6 << 20;
/// How many bytes the trail may take beside what it needs once through.
const MOST_TRAIL: usize = 12 << 20;

/// A fact: a node has one of these numbers.
pub(super) type Term = (u32, Set);

/// A number of one node demands that another has one of these.
#[derive(Debug)]
struct Demand {
    on: u32,
    allowed: Set,
    /// Who demands it: nodes, and which number of each.
    by: Vec<(u32, u32)>,
}

/// Facts that cannot all be true.
#[derive(Debug)]
struct Nogood {
    /// The first two are watched.
    terms: Vec<Term>,
    /// When it was last of use, in conflicts.
    used: u64,
}

impl Nogood {
    fn bytes(&self) -> usize {
        size_of::<Nogood>() + self.terms.iter().map(|(_, set)| size_of::<Term>() + 16 + set.heap()).sum::<usize>()
    }
}

/// How a round of cutting ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Round {
    Quiet,
    Conflict,
    Spent,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fail {
    /// These cannot all have a number other than 0.
    Together(Vec<u32>),
    /// The work or the memory was used up.
    Spent,
}

/// What a conflict teaches.
enum Lesson {
    Core(Vec<u32>),
    /// The first term is false as long as the others are true, which they are at this level.
    Learned(Vec<Term>, usize),
}

#[derive(Debug, Default)]
pub(super) struct Search {
    trail: Trail,
    demands: Vec<Demand>,
    /// Where a demand is found again.
    known: BTreeMap<(u32, Set), u32>,
    /// By node: the demands on it, and by number those that it makes.
    on: Vec<Vec<u32>>,
    makes: Vec<Vec<Vec<u32>>>,
    learned: Vec<Nogood>,
    learned_bytes: usize,
    /// By node, the nogoods that watch a term of it.
    watches: Vec<Vec<u32>>,
    /// Nogoods of one term.
    units: Vec<u32>,
    conflicts: u64,
    /// Room for following a conflict back: by node, its term and since when that is true.
    terms: Vec<Option<(Set, usize)>>,
}

impl Search {
    /// Another node, decided after all others. Its greatest number comes first.
    pub(super) fn node(&mut self, start: Set, last: u32) -> u32 {
        self.on.push(Vec::new());
        self.makes.push(vec![Vec::new(); last as usize + 1]);
        self.watches.push(Vec::new());
        self.terms.push(None);
        self.trail.node(start, last)
    }

    /// `number` of `by` demands that `on` is in `allowed`. At most once of the two nodes and the number.
    pub(super) fn demand(&mut self, (by, number): (u32, u32), on: u32, allowed: &Set) {
        let start = self.trail.start(on);
        if start.is_within(allowed) {
            return;
        }
        if start.is_apart(allowed) {
            self.trail.rule_out(by, number);
            return;
        }
        let allowed = start.intersection(allowed);
        let at = *self.known.entry((on, allowed.clone())).or_insert_with(|| {
            self.demands.push(Demand { on, allowed, by: Vec::new() });
            self.on[on as usize].push(self.demands.len() as u32 - 1);
            self.demands.len() as u32 - 1
        });
        self.demands[at as usize].by.push((by, number));
        self.makes[by as usize][number as usize].push(at);
    }

    /// A number that a node cannot have.
    pub(super) fn rule_out(&mut self, node: u32, number: u32) {
        self.trail.rule_out(node, number);
    }

    /// The numbers that a node may still have.
    pub(super) fn now(&self, node: u32) -> &Set {
        self.trail.now(node)
    }

    /// Forgets all numbers, and keeps what was learned.
    pub(super) fn reset(&mut self) {
        self.trail.reset();
        for at in 0..self.units.len() {
            let unit = self.units[at];
            let Some((node, set)) = self.learned[unit as usize].terms.first() else { continue };
            // A number that is left was left when it was learned.
            self.trail.cut(*node, &set.complement(), Why::Learned(unit));
        }
    }

    /// Numbers for `must` and for all that they demand, each the greatest that goes together with those decided before it.
    pub(super) fn run(&mut self, must: &[u32], budget: &Budget, end: u64) -> Result<(), Fail> {
        self.reset();
        let there = Set::singleton(0).complement();
        let failed = must.iter().any(|node| !self.trail.cut(*node, &there, Why::Must));
        budget.spend(must.len() as u64);
        let mut round = if failed { Round::Conflict } else { self.propagate(budget, end) };
        loop {
            round = match round {
                Round::Spent => return Err(Fail::Spent),
                Round::Conflict => match self.follow(budget) {
                    Lesson::Core(core) => return Err(Fail::Together(core)),
                    Lesson::Learned(terms, level) => {
                        self.trail.back_to(level);
                        if self.learn(terms, budget) { self.propagate(budget, end) } else { Round::Conflict }
                    }
                },
                Round::Quiet => {
                    budget.spend(1);
                    let Some((node, number)) = self.trail.choose() else { return Ok(()) };
                    self.trail.open();
                    self.trail.cut(node, &Set::singleton(number), Why::Chosen);
                    self.propagate(budget, end)
                }
            };
        }
    }

    /// Numbers for `node` and all that it demands beside those that are decided, the greatest that do not clash at once: nothing that
    /// was decided is taken back. Where that fails the node is 0, if it may be. Whether there was work left.
    pub(super) fn add(&mut self, node: u32, budget: &Budget, end: u64) -> bool {
        let level = self.trail.open();
        match self.dive(node, budget, end) {
            Round::Quiet => return true,
            Round::Conflict => self.trail.back_to(level),
            Round::Spent => {
                self.trail.back_to(level);
                return false;
            }
        }
        let level = self.trail.open();
        let round = match self.trail.cut(node, &Set::singleton(0), Why::Chosen) {
            true => self.propagate(budget, end),
            false => Round::Conflict,
        };
        if round != Round::Quiet {
            self.trail.back_to(level);
        }
        round != Round::Spent
    }

    fn dive(&mut self, node: u32, budget: &Budget, end: u64) -> Round {
        if !self.trail.cut(node, &Set::singleton(0).complement(), Why::Chosen) {
            return Round::Conflict;
        }
        let mut round = self.propagate(budget, end);
        while round == Round::Quiet {
            budget.spend(1);
            let Some((node, number)) = self.trail.choose() else { return Round::Quiet };
            let level = self.trail.open();
            self.trail.cut(node, &Set::singleton(number), Why::Chosen);
            round = self.propagate(budget, end);
            if round == Round::Conflict {
                self.trail.back_to(level);
                round = match self.trail.remove(node, number, Why::Chosen) {
                    true => self.propagate(budget, end),
                    false => Round::Conflict,
                };
            }
        }
        round
    }

    /// Cuts all that follows from what was cut.
    fn propagate(&mut self, budget: &Budget, end: u64) -> Round {
        while let Some((node, before, after)) = self.trail.next() {
            if !budget.lasts(end) || self.trail.bytes() > self.trail.once() + MOST_TRAIL {
                return Round::Spent;
            }
            budget.spend(4 * before.words());
            if !self.demanded(node, &before, &after, budget) || !self.watched(node, budget) {
                return Round::Conflict;
            }
        }
        Round::Quiet
    }

    /// What follows from the demands of a node, and from those on it.
    fn demanded(&mut self, node: u32, before: &Set, after: &Set, budget: &Budget) -> bool {
        if let Some(number) = after.single() {
            let made = &self.makes[node as usize][number as usize];
            budget.spend(2 * made.len() as u64);
            for at in made {
                let Demand { on, allowed, .. } = &self.demands[*at as usize];
                let why = Why::Demand { at: *at, by: node, number };
                budget.spend(allowed.words());
                if !self.trail.cut(*on, allowed, why) {
                    return false;
                }
            }
        }
        let on = &self.on[node as usize];
        budget.spend(on.len() as u64 * after.words());
        for at in on {
            let Demand { allowed, by, .. } = &self.demands[*at as usize];
            if !after.is_apart(allowed) || before.is_apart(allowed) {
                continue;
            }
            for (by, number) in by {
                budget.spend(2 * self.trail.now(*by).words());
                if !self.trail.remove(*by, *number, Why::Demand { at: *at, by: *by, number: *number }) {
                    return false;
                }
            }
        }
        true
    }

    /// What follows from the nogoods that watch a node.
    fn watched(&mut self, node: u32, budget: &Budget) -> bool {
        let mut watches = std::mem::take(&mut self.watches[node as usize]);
        let (mut at, mut holds) = (0, true);
        while let Some(id) = watches.get(at).copied() {
            let terms = &mut self.learned[id as usize].terms;
            let own = usize::from(terms[0].0 != node);
            let ((_, set), (other, others)) = (&terms[own], &terms[1 - own]);
            budget.spend(2 * set.words());
            if !self.trail.now(node).is_within(set) || self.trail.now(*other).is_apart(others) {
                at += 1;
                continue;
            }
            let open = |(node, set): &Term| !self.trail.now(*node).is_within(set);
            let next = terms.iter().skip(2).position(open);
            budget.spend(next.unwrap_or(terms.len()) as u64);
            if let Some(next) = next {
                terms.swap(own, next + 2);
                self.watches[terms[own].0 as usize].push(id);
                watches.swap_remove(at);
                continue;
            }
            if !self.trail.cut(*other, &others.complement(), Why::Learned(id)) {
                holds = false;
                break;
            }
            at += 1;
        }
        self.watches[node as usize] = watches;
        holds
    }

    /// Follows a conflict back, latest cut first, until one fact of the latest level is left, or only nodes that must be there.
    fn follow(&mut self, budget: &Budget) -> Lesson {
        self.conflicts += 1;
        let mut facts = Facts::default();
        let mut core = Vec::new();
        let (node, why) = self.trail.conflict();
        self.reason(node, why, &mut core, budget, &mut facts);
        while let Some((since, node)) = self.latest(&mut facts) {
            let level = self.trail.level(since);
            let below = self.peek(&mut facts).map_or(0, |(since, _)| self.trail.level(since));
            if level > 0 && below < level {
                return Lesson::Learned(self.collect(&facts, node), below);
            }
            self.reason(node, self.trail.why(since), &mut core, budget, &mut facts);
        }
        self.collect(&facts, 0);
        core.sort_unstable();
        core.dedup();
        Lesson::Core(core)
    }

    /// Puts the reason of a cut of `node` in the place of the fact that it made true.
    fn reason(&mut self, node: u32, why: Why, core: &mut Vec<u32>, budget: &Budget, facts: &mut Facts) {
        let fact = self.terms[node as usize].take().map(|(set, _)| set).unwrap_or(Set::empty());
        // What the cut took away.
        let mut had = |search: &mut Search, (at, set): Term| {
            budget.spend(2 + 2 * set.words());
            let joined = match &search.terms[at as usize] {
                _ if at == node => fact.union(&set),
                Some((other, _)) => other.intersection(&set),
                None => set,
            };
            search.fact(at, joined, facts);
        };
        match why {
            // Not followed: nothing stands behind a choice.
            Why::Chosen => {}
            Why::Must => {
                core.push(node);
                had(self, (node, Set::singleton(0)));
            }
            Why::Demand { at, by, number } => {
                let Demand { on, allowed, .. } = &self.demands[at as usize];
                let broken = (*on, self.trail.start(*on).minus(allowed));
                had(self, broken);
                had(self, (by, Set::singleton(number)));
            }
            Why::Learned(id) => {
                let nogood = &mut self.learned[id as usize];
                nogood.used = self.conflicts;
                // Put back below: only what stands in `learned` changes.
                let terms = std::mem::take(&mut nogood.terms);
                terms.iter().for_each(|term| had(self, term.clone()));
                self.learned[id as usize].terms = terms;
            }
        }
    }

    /// Notes a fact down, unless it is true from the start.
    fn fact(&mut self, node: u32, set: Set, facts: &mut Facts) {
        match self.trail.since(node, &set) {
            None => self.terms[node as usize] = None,
            Some(since) => {
                self.terms[node as usize] = Some((set, since));
                facts.queue.push((since, node));
                facts.nodes.push(node);
            }
        }
    }

    fn peek(&self, facts: &mut Facts) -> Option<(usize, u32)> {
        while let Some((since, node)) = facts.queue.peek().copied() {
            if self.terms[node as usize].as_ref().is_some_and(|(_, own)| *own == since) {
                return Some((since, node));
            }
            facts.queue.pop();
        }
        None
    }

    fn latest(&self, facts: &mut Facts) -> Option<(usize, u32)> {
        let latest = self.peek(facts)?;
        while facts.queue.peek() == Some(&latest) {
            facts.queue.pop();
        }
        Some(latest)
    }

    /// The facts that are left: `first`, then the others, the latest first.
    fn collect(&mut self, facts: &Facts, first: u32) -> Vec<Term> {
        let mut found: Vec<(usize, u32, Set)> = Vec::new();
        for node in &facts.nodes {
            if let Some((set, since)) = self.terms[*node as usize].take() {
                let start = self.trail.start(*node);
                found.push((since, *node, start.intersection(&set)));
            }
        }
        found.sort_by_key(|(since, node, _)| (*node != first, Reverse(*since), *node));
        found.into_iter().map(|(_, node, set)| (node, set)).collect()
    }

    /// Takes a nogood in, all of whose terms but the first are true. Whether that leaves a number.
    fn learn(&mut self, terms: Vec<Term>, budget: &Budget) -> bool {
        let id = self.learned.len() as u32;
        let nogood = Nogood { terms, used: self.conflicts };
        budget.spend(nogood.terms.len() as u64);
        self.learned_bytes += nogood.bytes();
        match &nogood.terms[..] {
            [] => return true,
            [_] => self.units.push(id),
            [(one, _), (other, _), ..] => {
                self.watches[*one as usize].push(id);
                self.watches[*other as usize].push(id);
            }
        }
        let (node, set) = nogood.terms[0].clone();
        self.learned.push(nogood);
        let holds = self.trail.cut(node, &set.complement(), Why::Learned(id));
        if self.learned_bytes > MOST_LEARNED {
            self.forget(budget);
        }
        holds
    }

    /// Forgets what was of no use for the longest time, but for what the trail rests on.
    fn forget(&mut self, budget: &Budget) {
        let mut kept = vec![false; self.learned.len()];
        self.trail.reasons().for_each(|id| kept[id as usize] = true);
        let mut order: Vec<u32> = (0..self.learned.len() as u32).collect();
        order.sort_by_key(|id| {
            let nogood = &self.learned[*id as usize];
            (!kept[*id as usize], nogood.terms.len() > 2, Reverse(nogood.used), *id)
        });
        let mut bytes = 0;
        for id in order {
            let nogood = &self.learned[id as usize];
            budget.spend(nogood.terms.len() as u64);
            bytes += nogood.bytes();
            kept[id as usize] |= bytes <= KEPT_LEARNED;
        }
        let mut place = vec![0_u32; self.learned.len()];
        let mut all = Vec::new();
        for (id, nogood) in std::mem::take(&mut self.learned).into_iter().enumerate().filter(|(id, _)| kept[*id]) {
            place[id] = all.len() as u32;
            all.push(nogood);
        }
        self.learned = all;
        self.learned_bytes = self.learned.iter().map(Nogood::bytes).sum();
        for watches in self.watches.iter_mut().chain([&mut self.units]) {
            watches.retain(|id| kept[*id as usize]);
            watches.iter_mut().for_each(|id| *id = place[*id as usize]);
        }
        self.trail.renumber(&place);
    }
}

/// The facts of a conflict that are still to be followed.
#[derive(Default)]
struct Facts {
    queue: std::collections::BinaryHeap<(usize, u32)>,
    /// All that were noted, some more than once.
    nodes: Vec<u32>,
}
