//! The load order of what was taken, the circles that have none, and the rank in which versions are chosen.
//!
//! **Load order.** Plugins in the order of their ids, each directly after those that it loads after, which come in the order
//! of their ids too. A plugin loads after what it needs (unless `order = false`), after the choice of each `any-of` and the
//! provider of each contract that the host does not offer, and after its optional dependencies that are there. An optional
//! dependency that would close a circle orders nothing; a need that closes one is an error.

use std::collections::{BTreeMap, VecDeque};

use super::{
    problem::{Line, Problem, Release},
    set::Set,
    solve::{Circle, Link, Taken},
};

/// By node, the nodes that come before it.
type Edges = Vec<Vec<usize>>;

/// Strongly connected parts: a number for each node, those of a node's successors never above its own. Without recursion: a
/// chain of ten thousand plugins must not use up the thread's stack.
fn parts(edges: &Edges) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let count = edges.len();
    let (mut part, mut parts) = (vec![NEW; count], 0);
    let (mut met, mut low, mut meetings) = (vec![NEW; count], vec![NEW; count], 0);
    let mut open = Vec::new();
    let mut path: Vec<(usize, usize)> = Vec::new();
    for root in 0..count {
        if met[root] == NEW {
            path.push((root, 0));
        }
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            if *next == 0 {
                (met[node], low[node]) = (meetings, meetings);
                meetings += 1;
                open.push(node);
            }
            if let Some(other) = edges[node].get(*next).copied() {
                *next += 1;
                if met[other] == NEW {
                    path.push((other, 0));
                } else if part[other] == NEW {
                    low[node] = low[node].min(met[other]);
                }
                continue;
            }
            path.pop();
            if low[node] == met[node] {
                while let Some(member) = open.pop() {
                    part[member] = parts;
                    if member == node {
                        break;
                    }
                }
                parts += 1;
            }
            if let Some((above, _)) = path.last() {
                low[*above] = low[*above].min(low[node]);
            }
        }
    }
    part
}

/// The plugins of a group, those that need others before those that are needed; the position of each, by plugin.
pub(super) fn rank(problem: &Problem<'_>, group: &[usize]) -> BTreeMap<usize, u32> {
    let local: BTreeMap<usize, usize> = group.iter().enumerate().map(|(at, plug)| (*plug, at)).collect();
    let edges = group.iter().map(|plug| {
        let mut after: Vec<usize> = problem.plugs[*plug]
            .living()
            .flat_map(|(_, release)| {
                let rules = release.rules.iter().filter(|rule| !matches!(rule.line, Line::Conflict(_)));
                let choices = release.clauses.iter().flat_map(|clause| &problem.clauses[*clause].choices);
                rules.filter_map(|rule| rule.on).chain(choices.map(|(on, _)| *on))
            })
            .filter_map(|on| local.get(&on).copied())
            .collect();
        after.sort_unstable();
        after.dedup();
        after
    });
    let part = parts(&edges.collect());
    let mut ranked: Vec<usize> = (0..group.len()).collect();
    ranked.sort_by_key(|at| (std::cmp::Reverse(part[*at]), *at));
    ranked.iter().enumerate().map(|(rank, at)| (group[*at], rank as u32)).collect()
}

/// What each plugin that was taken loads after.
#[derive(Debug, Default)]
pub(super) struct After {
    /// By id.
    pub(super) plugs: Vec<usize>,
    /// What it needs, by position in `plugs`.
    hard: Edges,
    /// What it can do without.
    soft: Edges,
}

impl After {
    pub(super) fn new(problem: &Problem<'_>, taken: &Taken) -> Self {
        let plugs: Vec<usize> = taken.numbers.keys().copied().collect();
        let local = |on: usize| plugs.binary_search(&on).ok();
        let mut after = After { hard: Vec::new(), soft: Vec::new(), plugs: Vec::new() };
        for (plug, number) in &taken.numbers {
            let (mut hard, mut soft) = (Vec::new(), Vec::new());
            if let Some(release) = problem.plugs[*plug].release(*number) {
                for rule in release.rules.iter().filter(|rule| rule.order) {
                    let edges = if rule.needed { &mut hard } else { &mut soft };
                    edges.extend(rule.on.and_then(local));
                }
                for clause in &release.clauses {
                    let pick = taken.picks.get(clause).and_then(|pick| problem.clauses[*clause].choices.get(*pick));
                    hard.extend(pick.and_then(|(on, _)| local(*on)));
                }
            }
            for edges in [&mut hard, &mut soft] {
                edges.sort_unstable();
                edges.dedup();
            }
            after.hard.push(hard);
            after.soft.push(soft);
        }
        after.plugs = plugs;
        after
    }

    /// The circles of needs, one of each tangle: a shortest one through its first plugin.
    pub(super) fn circles(&self, problem: &Problem<'_>, taken: &Taken) -> Vec<Circle> {
        let part = parts(&self.hard);
        let mut tangles: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        part.iter().enumerate().for_each(|(node, part)| tangles.entry(*part).or_default().push(node));
        let mut circles: Vec<Circle> = Vec::new();
        for tangle in tangles.values().filter(|tangle| tangle.len() > 1) {
            let path = self.shortest(tangle[0], &part);
            let plugs: Vec<usize> = path.iter().map(|node| self.plugs[*node]).collect();
            let nexts = plugs.iter().skip(1).chain(plugs.first());
            let links = plugs.iter().zip(nexts).map(|(plug, next)| link(problem, taken, *plug, *next)).collect();
            circles.push(Circle { links, path: plugs });
        }
        circles.sort_by(|a, b| a.path.cmp(&b.path));
        circles
    }

    /// The plugins that take part in circles of needs.
    pub(super) fn tangled(&self) -> Vec<usize> {
        let part = parts(&self.hard);
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        part.iter().for_each(|part| *sizes.entry(*part).or_default() += 1);
        let tangled = part.iter().zip(&self.plugs).filter(|(part, _)| sizes[part] > 1);
        tangled.map(|(_, plug)| *plug).collect()
    }

    /// A shortest way from `start` back to itself inside its tangle.
    fn shortest(&self, start: usize, part: &[usize]) -> Vec<usize> {
        let mut from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for next in self.hard[node].iter().copied().filter(|next| part[*next] == part[start]) {
                if next == start {
                    let mut path = vec![node];
                    while let Some(before) = from.get(path.last().unwrap_or(&start)) {
                        path.push(*before);
                    }
                    path.reverse();
                    return path;
                }
                if let std::collections::btree_map::Entry::Vacant(vacant) = from.entry(next) {
                    vacant.insert(node);
                    queue.push_back(next);
                }
            }
        }
        vec![start]
    }

    /// The load order, by plugin; and the optional dependencies that order nothing because they would close a circle.
    pub(super) fn order(&self) -> (Vec<usize>, Vec<(usize, usize)>) {
        let both: Edges = self.hard.iter().zip(&self.soft).map(|(hard, soft)| [&hard[..], soft].concat()).collect();
        let part = parts(&both);
        let mut waived = Vec::new();
        let mut before: Edges = Vec::with_capacity(both.len());
        for (node, hard) in self.hard.iter().enumerate() {
            let mut edges = hard.clone();
            for other in self.soft[node].iter().copied().filter(|other| !hard.contains(other)) {
                if part[other] == part[node] {
                    waived.push((self.plugs[node], self.plugs[other]));
                } else {
                    edges.push(other);
                }
            }
            before.push(edges);
        }
        let order = order_of(before).into_iter().map(|at| self.plugs[at]).collect();
        (order, waived)
    }
}

/// Nodes in their order, each directly after those that come before it. Of a circle, the first comes last.
pub(super) fn order_of(mut before: Edges) -> Vec<usize> {
    // Taken from the end.
    before.iter_mut().for_each(|edges| edges.sort_unstable_by(|a, b| b.cmp(a)));
    let mut order = Vec::with_capacity(before.len());
    let mut seen = vec![false; before.len()];
    for root in 0..before.len() {
        let mut path = Vec::new();
        if !std::mem::replace(&mut seen[root], true) {
            path.push(root);
        }
        while let Some(node) = path.last().copied() {
            match before[node].pop() {
                Some(next) if !std::mem::replace(&mut seen[next], true) => path.push(next),
                Some(_) => {}
                None => {
                    order.push(node);
                    path.pop();
                }
            }
        }
    }
    order
}

/// What makes `plug` wait for `next`: any of its versions that need it do, or a choice that was made.
fn link(problem: &Problem<'_>, taken: &Taken, plug: usize, next: usize) -> Link {
    let waits =
        |release: &Release<'_>| release.rules.iter().any(|rule| rule.needed && rule.order && rule.on == Some(next));
    let numbers = Set::of(problem.plugs[plug].living().filter(|(_, release)| waits(release)).map(|(number, _)| number));
    if numbers.contains(&taken.number(plug)) {
        return Link::Plug(plug, numbers);
    }
    let release = problem.plugs[plug].release(taken.number(plug));
    let mut picks = release.into_iter().flat_map(|release| &release.clauses).filter_map(|clause| {
        let pick = taken.picks.get(clause)?;
        (problem.clauses[*clause].choices.get(*pick)?.0 == next).then_some(Link::Pick(*clause, *pick))
    });
    picks.next_back().unwrap_or(Link::Plug(plug, Set::singleton(taken.number(plug))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_numbered_from_what_is_needed() {
        let check = |edges: &[&[usize]], expected: &[usize]| {
            let edges: Edges = edges.iter().map(|edges| edges.to_vec()).collect();
            assert_eq!(parts(&edges), expected);
        };
        check(&[], &[]);
        check(&[&[], &[]], &[0, 1]);
        check(&[&[1], &[2], &[]], &[2, 1, 0]);
        check(&[&[1], &[0], &[0]], &[0, 0, 1]);
        check(&[&[1], &[2, 3], &[0], &[]], &[1, 1, 1, 0]);
        check(&[&[0]], &[0]);
        check(&[&[], &[0, 2], &[1], &[2, 3]], &[0, 1, 1, 2]);
    }
}
