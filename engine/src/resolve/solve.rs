//! [`solve`]: asks pubgrub for one version of each plugin of a group, or for those that cannot be there together.
//!
//! Pubgrub knows needs only, so everything else is spelled with them. Each plugin has a number 0, its absence: a conflict or
//! an optional dependency needs a set of numbers that has 0 in it. Each clause is a node whose number says which choice was
//! taken, and so is each circle, where the number says which of its plugins gives way.
//!
//! **Which versions.** Nodes are decided in a fixed order: plugins before clauses, by their rank, and each takes its best number
//! that is left. What the solver learns from conflicts follows from what it was told, so it never passes over a number that
//! would have gone together with those before it. Hence, the first in rank takes the best version that it can have at all,
//! the second the best that it can have beside that, and so on.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::BTreeMap,
    fmt,
    sync::Arc,
};

use pubgrub::{
    Dependencies, DependencyProvider, DerivationTree, External, PackageResolutionStatistics, PubGrubError, VersionSet,
    resolve as pubgrub,
};

use super::{problem::Problem, set::Set};

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
    /// The steps were used up.
    Budget,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Node {
    Root,
    Plug(usize),
    Clause(usize),
    Circle(usize),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The steps were used up.
#[derive(Debug)]
struct Spent;

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the steps are used up")
    }
}

impl std::error::Error for Spent {}

/// The steps that are left for a plan.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) most: u64,
    pub(super) used: Cell<u64>,
}

impl Budget {
    pub(super) fn spend(&self) -> bool {
        self.used.set(self.used.get().saturating_add(1));
        self.used.get() <= self.most
    }
}

struct Provider<'p, 'a> {
    problem: &'p Problem<'a>,
    /// By plugin; the smallest is decided first.
    rank: &'p [u32],
    must: &'p [usize],
    circles: &'p [Circle],
    budget: &'p Budget,
    /// The nodes that the root needs were told once.
    root: RefCell<Vec<(Node, Set)>>,
}

impl Provider<'_, '_> {
    fn roots(&self) -> Vec<(Node, Set)> {
        let must = self.must.iter().map(|at| (Node::Plug(*at), self.problem.plugs[*at].alive.clone()));
        let circles = self.circles.iter().enumerate();
        let circles = circles.map(|(at, circle)| (Node::Circle(at), Set::up_to(circle.links.len() as u32)));
        must.chain(circles).collect()
    }

    fn plug(&self, at: usize, number: u32) -> Vec<(Node, Set)> {
        let Some(release) = self.problem.plugs[at].release(number) else { return Vec::new() };
        let mut needs: Vec<(Node, Set)> = Vec::new();
        for rule in &release.rules {
            let Some(on) = rule.on else { continue };
            match needs.iter_mut().find(|(node, _)| *node == Node::Plug(on)) {
                Some((_, allowed)) => *allowed = allowed.intersection(&rule.allowed),
                None => needs.push((Node::Plug(on), rule.allowed.clone())),
            }
        }
        needs.extend(release.clauses.iter().map(|clause| {
            let choices = self.problem.clauses[*clause].choices.len();
            (Node::Clause(*clause), Set::up_to(choices as u32))
        }));
        needs
    }

    fn last(&self, node: Node) -> u32 {
        match node {
            Node::Root => 1,
            Node::Plug(at) => self.problem.plugs[at].last(),
            Node::Clause(at) => self.problem.clauses[at].choices.len() as u32,
            Node::Circle(at) => self.circles[at].links.len() as u32,
        }
    }
}

/// The index of a clause's choice, the best of which has the greatest number.
fn choice(choices: usize, number: u32) -> usize {
    choices.saturating_sub(number as usize)
}

impl DependencyProvider for Provider<'_, '_> {
    type P = Node;
    type V = u32;
    type VS = Set;
    /// What must be there comes first, so that nothing is left out that is needed later.
    type Priority = (bool, u8, Reverse<u32>);
    type M = String;
    type Err = Spent;

    fn prioritize(&self, node: &Node, range: &Set, _: &PackageResolutionStatistics) -> Self::Priority {
        let (kind, rank) = match *node {
            Node::Root => (3, 0),
            Node::Plug(at) => (2, self.rank[at]),
            Node::Clause(at) => (1, at as u32),
            Node::Circle(at) => (0, at as u32),
        };
        (!range.contains(&0), kind, Reverse(rank))
    }

    fn choose_version(&self, node: &Node, range: &Set) -> Result<Option<u32>, Spent> {
        if range.contains(&0) {
            return Ok(Some(0));
        }
        Ok(match *node {
            Node::Plug(at) => range.intersection(&self.problem.plugs[at].alive).greatest(self.last(*node)),
            _ => range.greatest(self.last(*node)),
        })
    }

    fn get_dependencies(&self, node: &Node, number: &u32) -> Result<Dependencies<Node, Set, String>, Spent> {
        let needs = match *node {
            Node::Root => self.root.take(),
            Node::Plug(at) => self.plug(at, *number),
            Node::Clause(_) if *number == 0 => Vec::new(),
            Node::Clause(at) => {
                let choices = &self.problem.clauses[at].choices;
                let chosen = choices.get(choice(choices.len(), *number));
                chosen.map(|(on, numbers)| (Node::Plug(*on), numbers.clone())).into_iter().collect()
            }
            Node::Circle(at) => match self.circles[at].links.get(*number as usize - 1) {
                Some(Link::Plug(at, numbers)) => {
                    let all = Set::of(0..=self.problem.plugs[*at].last());
                    vec![(Node::Plug(*at), all.intersection(&numbers.complement()))]
                }
                Some(Link::Pick(clause, pick)) => {
                    let choices = self.problem.clauses[*clause].choices.len();
                    let others =
                        (0..=choices as u32).filter(|number| *number == 0 || choice(choices, *number) != *pick);
                    vec![(Node::Clause(*clause), Set::of(others))]
                }
                None => Vec::new(),
            },
        };
        Ok(Dependencies::Available(needs.into_iter().collect()))
    }

    fn should_cancel(&self) -> Result<(), Spent> {
        if self.budget.spend() { Ok(()) } else { Err(Spent) }
    }
}

/// One version of each of `must`, and of what they need.
pub(super) fn solve(
    problem: &Problem<'_>,
    rank: &[u32],
    must: &[usize],
    circles: &[Circle],
    budget: &Budget,
) -> Result<Taken, Fail> {
    let provider = Provider { problem, rank, must, circles, budget, root: RefCell::default() };
    provider.root.replace(provider.roots());
    match pubgrub(&provider, Node::Root, 1_u32) {
        Ok(solution) => {
            let mut taken = Taken::default();
            for (node, number) in solution.into_iter().filter(|(_, number)| *number > 0) {
                match node {
                    Node::Plug(at) => {
                        taken.numbers.insert(at, number);
                    }
                    Node::Clause(at) => {
                        taken.picks.insert(at, choice(problem.clauses[at].choices.len(), number));
                    }
                    Node::Root | Node::Circle(_) => {}
                }
            }
            Ok(taken)
        }
        Err(PubGrubError::NoSolution(tree)) => Err(Fail::Together(told(tree))),
        Err(_) => Err(Fail::Budget),
    }
}

/// The plugins of `must` that a proof rests on. The proof is taken apart without recursion, and so dropped: it can be as deep
/// as there are plugins.
fn told(tree: DerivationTree<Node, Set, String>) -> Vec<usize> {
    let mut told = Vec::new();
    let mut rest = vec![Arc::new(tree)];
    while let Some(node) = rest.pop() {
        // Where others still hold it, the last of them looks.
        match Arc::into_inner(node) {
            Some(DerivationTree::Derived(derived)) => rest.extend([derived.cause1, derived.cause2]),
            Some(DerivationTree::External(External::FromDependencyOf(Node::Root, _, Node::Plug(at), _))) => {
                told.push(at);
            }
            Some(DerivationTree::External(_)) | None => {}
        }
    }
    told.sort_unstable();
    told.dedup();
    told
}
