//! [`hitting`]: the cheapest set of plugins that has one of each core.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

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
    /// How many plugins were looked at.
    pub(super) work: u64,
}

/// How many plugins the search of one bundle of cores may look at, and how many cores it may have: the depth of a recursion.
const MOST_WORK: u64 = 4_000_000;
const MOST_CORES: usize = 200;
/// How many plugins may be noted down that fall with others.
const MOST_FALLS: usize = 2_000_000;

/// The cheapest set that hits every core, if it may be searched for; else a good one. Who needs what is left out is left out too,
/// so that it costs as much.
pub(super) fn hitting(
    cores: &[Core],
    needed_by: &[Vec<usize>],
    weights: &BTreeMap<usize, Weight>,
    search_it: bool,
) -> Hit {
    let mut hit = Hit { left: BTreeSet::new(), best: true, work: 0 };
    let mut noted = 0;
    let falls: Vec<Vec<Vec<usize>>> = cores
        .iter()
        .map(|core| {
            let fall = |part: &Vec<usize>| {
                // What is not noted here the solver finds out by itself.
                let falls = if noted > MOST_FALLS { part.clone() } else { falling(part, needed_by, weights) };
                noted += falls.len();
                falls
            };
            core.iter().map(fall).collect()
        })
        .collect();
    hit.work = noted as u64;
    for bundle in bundles(&falls) {
        let cores: Vec<&[Vec<usize>]> = bundle.iter().map(|core| &falls[*core][..]).collect();
        let greedy = greedy(&cores, weights, &mut hit.work);
        let mut search = Search { cost: cost(&greedy, weights), best: greedy, work: 0, cores: &cores, weights };
        let searched = search_it && cores.len() <= MOST_CORES;
        if searched {
            search.branch(&BTreeSet::new(), &mut Vec::new());
        }
        hit.best &= searched && search.work <= MOST_WORK;
        hit.work += search.work;
        hit.left.append(&mut search.best);
    }
    hit
}

/// What is left out together with `part`, itself among it; only what is wanted counts.
fn falling(part: &[usize], needed_by: &[Vec<usize>], weights: &BTreeMap<usize, Weight>) -> Vec<usize> {
    let mut seen: BTreeSet<usize> = part.iter().copied().collect();
    let mut rest = part.to_vec();
    while let Some(at) = rest.pop() {
        rest.extend(needed_by[at].iter().copied().filter(|other| seen.insert(*other)));
    }
    seen.into_iter().filter(|at| weights.contains_key(at)).collect()
}

/// Cores that have no plugin in common, nor any that falls with one of theirs, do not concern each other.
fn bundles(cores: &[Vec<Vec<usize>>]) -> Vec<Vec<usize>> {
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

/// A good set to begin with: the part that hits the most cores for the least, again and again.
fn greedy(cores: &[&[Vec<usize>]], weights: &BTreeMap<usize, Weight>, work: &mut u64) -> BTreeSet<usize> {
    let mut left: BTreeSet<usize> = BTreeSet::new();
    let mut open: Vec<&[Vec<usize>]> = cores.to_vec();
    while !open.is_empty() {
        let mut hits: BTreeMap<&[usize], u64> = BTreeMap::new();
        open.iter().flat_map(|core| core.iter()).for_each(|part| {
            *hits.entry(part).or_default() += 1;
            *work += part.len() as u64;
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
    work: u64,
}

impl<'s> Search<'s> {
    /// Looks at every way to hit the first open core; `kept` are the parts that earlier branches took out as a whole.
    fn branch(&mut self, left: &BTreeSet<usize>, kept: &mut Vec<&'s [usize]>) {
        self.work += 1 + left.len() as u64;
        if self.work > MOST_WORK {
            return;
        }
        let cost = cost(left, self.weights);
        let mut least = cost;
        // Cores without a common plugin each need a part of their own.
        let mut counted: BTreeSet<usize> = BTreeSet::new();
        let mut first: Option<&'s [Vec<usize>]> = None;
        for core in self.cores {
            self.work += core.iter().map(|part| part.len() as u64).sum::<u64>();
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
