//! [`Trail`]: the numbers that each node may still have, and every cut that was made of them, with its reason, so that it can be taken
//! back and followed back.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::set::Set;

/// Why a set was cut.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    /// The node must be there.
    Must,
    /// It was chosen.
    Chosen,
    /// `number` of the node `by` makes this demand.
    Demand { at: u32, by: u32, number: u32 },
    /// The other terms of a nogood are true.
    Learned(u32),
}

#[derive(Debug)]
struct Cut {
    node: u32,
    before: Set,
    why: Why,
}

#[derive(Debug)]
struct Node {
    start: Set,
    now: Set,
    /// Its greatest number.
    last: u32,
    /// Where on the trail it was cut.
    cuts: Vec<u32>,
    /// Whether it waits for being chosen a number for.
    waits: bool,
}

impl Node {
    /// Whether a number is to be chosen: it must have one, and several are left.
    fn is_open(&self) -> bool {
        !self.now.contains(&0) && self.now.single().is_none()
    }
}

#[derive(Debug, Default)]
pub(super) struct Trail {
    nodes: Vec<Node>,
    cuts: Vec<Cut>,
    /// How long the trail was when each level was opened.
    levels: Vec<usize>,
    /// How much of it was looked at.
    seen: usize,
    /// Those that wait, the first node on top.
    waiting: BinaryHeap<Reverse<u32>>,
    conflict: Option<(u32, Why)>,
    /// What the sets on the trail take beside the trail itself.
    heap: usize,
}

impl Trail {
    pub(super) fn node(&mut self, start: Set, last: u32) -> u32 {
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { now: start.clone(), start, last, cuts: Vec::new(), waits: false });
        self.offer(at);
        at
    }

    /// Takes a number away for good, before anything is cut.
    pub(super) fn rule_out(&mut self, node: u32, number: u32) {
        let node = &mut self.nodes[node as usize];
        node.start = node.start.minus(&Set::singleton(number));
        node.now = node.start.clone();
    }

    pub(super) fn now(&self, node: u32) -> &Set {
        &self.nodes[node as usize].now
    }

    pub(super) fn start(&self, node: u32) -> &Set {
        &self.nodes[node as usize].start
    }

    fn offer(&mut self, at: u32) {
        let node = &mut self.nodes[at as usize];
        if !node.waits && node.is_open() {
            node.waits = true;
            self.waiting.push(Reverse(at));
        }
    }

    /// The first node that a number is to be chosen for, and its greatest number.
    pub(super) fn choose(&mut self) -> Option<(u32, u32)> {
        while let Some(Reverse(at)) = self.waiting.pop() {
            let node = &mut self.nodes[at as usize];
            node.waits = false;
            if node.is_open() {
                return Some((at, node.now.greatest(node.last)?));
            }
        }
        None
    }

    /// Leaves a node only what is in `keep`. Whether anything is left: if not, the set stays as it was, and that is the conflict.
    pub(super) fn cut(&mut self, at: u32, keep: &Set, why: Why) -> bool {
        let node = &mut self.nodes[at as usize];
        if node.now.is_within(keep) {
            return true;
        }
        let left = node.now.intersection(keep);
        self.leave(at, left, why)
    }

    /// Takes one number away from a node.
    pub(super) fn remove(&mut self, at: u32, number: u32, why: Why) -> bool {
        let node = &self.nodes[at as usize];
        if !node.now.contains(&number) {
            return true;
        }
        let left = node.now.minus(&Set::singleton(number));
        self.leave(at, left, why)
    }

    fn leave(&mut self, at: u32, left: Set, why: Why) -> bool {
        if left.is_empty() {
            self.conflict = Some((at, why));
            return false;
        }
        let node = &mut self.nodes[at as usize];
        let before = std::mem::replace(&mut node.now, left);
        node.cuts.push(self.cuts.len() as u32);
        self.heap += before.heap();
        self.cuts.push(Cut { node: at, before, why });
        self.offer(at);
        true
    }

    /// The node whose set would have been left empty, and why.
    pub(super) fn conflict(&mut self) -> (u32, Why) {
        self.conflict.take().unwrap_or((0, Why::Chosen))
    }

    /// The next cut that was not looked at: its node, and its set before and after.
    pub(super) fn next(&mut self) -> Option<(u32, Set, Set)> {
        let cut = self.cuts.get(self.seen)?;
        let node = &self.nodes[cut.node as usize];
        let later = node.cuts.partition_point(|at| *at as usize <= self.seen);
        let after = node.cuts.get(later).map_or(&node.now, |later| &self.cuts[*later as usize].before);
        self.seen += 1;
        Some((cut.node, cut.before.clone(), after.clone()))
    }

    /// The cut since which a node is in `set`, as it is now; `None` where it was from the start.
    pub(super) fn since(&self, at: u32, set: &Set) -> Option<usize> {
        let node = &self.nodes[at as usize];
        if node.start.is_within(set) {
            return None;
        }
        // The set before each cut is the one after the cut before: sets only shrink.
        let outside = node.cuts.partition_point(|cut| !self.cuts[*cut as usize].before.is_within(set));
        Some(node.cuts.get(outside.checked_sub(1)?).map_or(0, |cut| *cut as usize))
    }

    pub(super) fn why(&self, cut: usize) -> Why {
        self.cuts[cut].why
    }

    pub(super) fn level(&self, cut: usize) -> usize {
        self.levels.partition_point(|start| *start <= cut)
    }

    /// Begins a level; gives the one before it.
    pub(super) fn open(&mut self) -> usize {
        self.levels.push(self.cuts.len());
        self.levels.len() - 1
    }

    /// Takes all cuts back that were made above a level.
    pub(super) fn back_to(&mut self, level: usize) {
        if let Some(length) = self.levels.get(level).copied() {
            self.levels.truncate(level);
            self.shorten(length);
        }
    }

    pub(super) fn reset(&mut self) {
        self.levels.clear();
        self.shorten(0);
        self.conflict = None;
    }

    fn shorten(&mut self, length: usize) {
        while self.cuts.len() > length {
            let Some(Cut { node: at, before, .. }) = self.cuts.pop() else { break };
            self.heap -= before.heap();
            let node = &mut self.nodes[at as usize];
            node.now = before;
            node.cuts.pop();
            self.offer(at);
        }
        self.seen = self.seen.min(length);
    }

    /// The nogoods that cuts rest on.
    pub(super) fn reasons(&self) -> impl Iterator<Item = u32> {
        let conflict = self.conflict.iter().map(|(_, why)| why);
        self.cuts.iter().map(|cut| &cut.why).chain(conflict).filter_map(|why| match why {
            Why::Learned(id) => Some(*id),
            _ => None,
        })
    }

    /// Gives those nogoods other numbers.
    pub(super) fn renumber(&mut self, place: &[u32]) {
        let conflict = self.conflict.iter_mut().map(|(_, why)| why);
        for why in self.cuts.iter_mut().map(|cut| &mut cut.why).chain(conflict) {
            if let Why::Learned(id) = why {
                *id = place[*id as usize];
            }
        }
    }

    /// What the trail takes.
    pub(super) fn bytes(&self) -> usize {
        self.cuts.len() * (size_of::<Cut>() + size_of::<u32>()) + self.heap
    }

    /// What it takes if each node is cut a few times.
    pub(super) fn once(&self) -> usize {
        self.nodes.len() * 4 * (size_of::<Cut>() + size_of::<u32>())
    }
}
