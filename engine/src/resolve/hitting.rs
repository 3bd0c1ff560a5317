//! [`Cores`]: the cheapest set of plugins that has one of each core.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

use super::meter::{Budget, Part};

/// How many looks it is to look at one plugin here, among the others of an ordered set.
const WORK: u64 = 3;

/// One of its parts must go as a whole. Most parts are one plugin; two crowds that each want another version of a third are two
/// parts, since one crowd that goes only in part leaves the other nothing.
pub(super) type Core = Vec<Vec<usize>>;

/// What leaving plugins out costs, the weightiest first.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Weight {
    /// Held by the lockfile.
    pub(super) locked: u32,
    pub(super) count: u32,
    /// Those that refuse nobody.
    pub(super) quiet: u32,
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Weight) {
        self.locked += other.locked;
        self.count += other.count;
        self.quiet += other.quiet;
    }
}

/// What is left out.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) left: BTreeSet<usize>,
    /// Whether nothing cheaper hits all cores.
    pub(super) best: bool,
}

/// How many cores the search of one bundle may have: the depth of a recursion.
const MOST_CORES: usize = 200;
/// How many plugins may be noted down that fall with others.
const MOST_FALLS: usize = 1_000_000;

/// Cores, with what falls when a part of one goes.
#[derive(Debug, Default)]
pub(super) struct Cores {
    falls: Vec<Vec<Vec<usize>>>,
    noted: usize,
}

impl Cores {
    /// Another core. Who needs what is left out is left out too, so that it costs as much.
    pub(super) fn push(
        &mut self,
        core: Core,
        needed_by: &[Vec<usize>],
        weights: &BTreeMap<usize, Weight>,
        budget: &Budget,
    ) {
        let fall = |part: Vec<usize>| {
            // What is not noted here the solver finds out by itself.
            let falls = if self.noted > MOST_FALLS { part } else { falling(&part, needed_by, weights, budget) };
            self.noted += falls.len();
            falls
        };
        self.falls.push(core.into_iter().map(fall).collect());
    }

    /// The cheapest set that hits every core, if that is found before `end`; else a good one.
    pub(super) fn hit(&self, weights: &BTreeMap<usize, Weight>, budget: &Budget, end: u64) -> Hit {
        let mut hit = Hit { left: BTreeSet::new(), best: true };
        budget.spend(self.falls.len() as u64);
        for bundle in bundles(&self.falls, budget) {
            let cores: Vec<&[Vec<usize>]> = bundle.iter().map(|core| &self.falls[*core][..]).collect();
            let greedy = greedy(&cores, weights, budget);
            let cost = cost(&greedy, weights);
            let mut search = Search { cost, best: greedy, cores: &cores, weights, budget, end };
            let searched = cores.len() <= MOST_CORES && budget.lasts(end);
            if searched {
                search.branch(&BTreeSet::new(), &mut Vec::new());
            }
            hit.best &= searched && budget.lasts(end);
            hit.left.append(&mut search.best);
        }
        hit
    }
}

/// What is left out together with `part`, itself among it; only what is wanted counts.
fn falling(part: &[usize], needed_by: &[Vec<usize>], weights: &BTreeMap<usize, Weight>, budget: &Budget) -> Vec<usize> {
    let mut seen: BTreeSet<usize> = part.iter().copied().collect();
    let mut rest = part.to_vec();
    while let Some(at) = rest.pop() {
        budget.spend(WORK * (1 + needed_by[at].len() as u64));
        rest.extend(needed_by[at].iter().copied().filter(|other| seen.insert(*other)));
    }
    seen.into_iter().filter(|at| weights.contains_key(at)).collect()
}

/// Cores that have no plugin in common, nor any that falls with one of theirs, do not concern each other.
fn bundles(cores: &[Vec<Vec<usize>>], budget: &Budget) -> Vec<Vec<usize>> {
    fn lead(leader: &mut [usize], mut at: usize) -> usize {
        while leader[at] != at {
            leader[at] = leader[leader[at]];
            at = leader[at];
        }
        at
    }
    let mut leader: Vec<usize> = (0..cores.len()).collect();
    let mut owner: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, core) in cores.iter().enumerate() {
        budget.spend(WORK * core.iter().map(|part| part.len() as u64).sum::<u64>());
        for at in core.iter().flatten() {
            let first = *owner.entry(*at).or_insert(index);
            let (a, b) = (lead(&mut leader, first), lead(&mut leader, index));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut bundles: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..cores.len() {
        bundles.entry(lead(&mut leader, index)).or_default().push(index);
    }
    bundles.into_values().collect()
}

fn cost<'a>(left: impl IntoIterator<Item = &'a usize>, weights: &BTreeMap<usize, Weight>) -> Weight {
    left.into_iter().fold(Weight::default(), |mut cost, at| {
        cost += weights[at];
        cost
    })
}

fn gone(part: &[usize], left: &BTreeSet<usize>) -> bool {
    part.iter().all(|at| left.contains(at))
}

fn is_hit(core: &[Vec<usize>], left: &BTreeSet<usize>) -> bool {
    core.iter().any(|part| gone(part, left))
}

/// A good set to begin with: the part that hits the most cores for the least, again and again; as long as there is work left for
/// it, then the last part of each.
fn greedy(cores: &[&[Vec<usize>]], weights: &BTreeMap<usize, Weight>, budget: &Budget) -> BTreeSet<usize> {
    let mut left: BTreeSet<usize> = BTreeSet::new();
    let mut open: Vec<&[Vec<usize>]> = cores.to_vec();
    while !open.is_empty() {
        if !budget.lasts(budget.end(Part::Search)) {
            for core in open {
                if !is_hit(core, &left) {
                    left.extend(core.last().into_iter().flatten());
                }
            }
            break;
        }
        let mut hits: BTreeMap<&[usize], u64> = BTreeMap::new();
        open.iter().flat_map(|core| core.iter()).for_each(|part| {
            *hits.entry(part).or_default() += 1;
            // Found, weighed, and looked for among what is left out.
            budget.spend(3 * WORK * part.len() as u64);
        });
        let worth = |part: &[usize], hits: u64| {
            let cost = cost(part.iter().filter(|at| !left.contains(at)), weights);
            // Cores for each plugin that is lost, in thousandths.
            (Reverse(cost.locked), hits * 1000 / u64::from(cost.count.max(1)), Reverse(cost.quiet))
        };
        // Of equals the last of the alphabet.
        let Some((part, _)) = hits.into_iter().max_by_key(|(part, hits)| worth(part, *hits)) else { break };
        left.extend(part);
        open.retain(|core| !is_hit(core, &left));
    }
    left
}

struct Search<'s> {
    cores: &'s [&'s [Vec<usize>]],
    weights: &'s BTreeMap<usize, Weight>,
    best: BTreeSet<usize>,
    cost: Weight,
    budget: &'s Budget,
    end: u64,
}

impl<'s> Search<'s> {
    /// Looks at every way to hit the first open core; `kept` are the parts that earlier branches took out as a whole.
    fn branch(&mut self, left: &BTreeSet<usize>, kept: &mut Vec<&'s [usize]>) {
        self.budget.spend(WORK * (1 + left.len() as u64));
        if !self.budget.lasts(self.end) {
            return;
        }
        let cost = cost(left, self.weights);
        let mut least = cost;
        // Cores without a common plugin each need a part of their own.
        let mut counted: BTreeSet<usize> = BTreeSet::new();
        let mut first: Option<&'s [Vec<usize>]> = None;
        for core in self.cores {
            self.budget.spend(WORK * core.iter().map(|part| part.len() as u64).sum::<u64>());
            if is_hit(core, left) {
                continue;
            }
            first.get_or_insert(core);
            if core.iter().flatten().all(|at| !counted.contains(at)) {
                counted.extend(core.iter().flatten());
                let more = core.iter().map(|part| part.iter().filter(|at| !left.contains(at)).count()).min();
                least.count += more.unwrap_or(0) as u32;
            }
        }
        if least > self.cost {
            return;
        }
        let Some(core) = first else {
            if cost < self.cost || cost == self.cost && left.iter().gt(self.best.iter()) {
                (self.best, self.cost) = (left.clone(), cost);
            }
            return;
        };
        let before = kept.len();
        for part in core {
            let mut more = left.clone();
            more.extend(part);
            if !kept.iter().any(|kept| gone(kept, &more)) {
                self.branch(&more, kept);
            }
            kept.push(part);
        }
        kept.truncate(before);
    }
}
