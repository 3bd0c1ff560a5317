//! [`greedy`]: what is taken of a group without a search, where that found no answer, or where the host wants none: plugins one after
//! another, each with all that it needs, in the highest versions that go beside what was taken before it. What was taken is never
//! taken back, so that it takes little work, and no set of mods can make it take more.
//!
//! What the lockfile holds comes first, in the versions that it holds, so that a set that is kept comes out as it was; then those
//! that refuse nobody; and of these whoever needs others before those that are needed.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    hitting::Weight,
    meter::Budget,
    order::After,
    problem::Problem,
    solve::{Solver, Taken},
};

/// How often it is begun again, with what came out first and without the circles that were met, before what still takes part in one is
/// left out.
const MOST_ROUNDS: usize = 8;

/// Chooses until the budget's `end`.
pub(super) fn greedy(
    problem: &Problem<'_>,
    solver: &mut Solver<'_, '_>,
    weights: &BTreeMap<usize, Weight>,
    (budget, end): (&Budget, u64),
) -> Taken {
    let fixed = solver.ranked().iter().copied().filter(|at| problem.plugs[*at].fixed).collect::<Vec<_>>();
    let mut wanted: Vec<usize> = solver.ranked().iter().copied().filter(|at| weights.contains_key(at)).collect();
    // Stable: of equals the first in rank.
    wanted.sort_by_key(|at| Reverse((weights[at].locked, weights[at].quiet)));
    let mut circles = Vec::new();
    let mut before = Taken::default();
    for _ in 0..MOST_ROUNDS {
        let all: Vec<usize> = fixed.iter().chain(&wanted).copied().collect();
        let (mut taken, done) = solver.greedy(&all, &circles, budget, end);
        taken.numbers.extend(fixed.iter().map(|at| (*at, 1)));
        let met = After::new(problem, &taken).circles(problem, &taken);
        budget.spend(4 * taken.numbers.len() as u64);
        // What is taken comes first in the next round, as it does if a lockfile holds it: what then still comes out, that holds.
        if met.is_empty() && taken.numbers == before.numbers {
            return taken;
        }
        if !done && !before.numbers.is_empty() {
            break;
        }
        circles.extend(met);
        wanted.sort_by_key(|at| (Reverse(weights[at].locked), taken.number(*at) == 0, Reverse(weights[at].quiet)));
        before = taken;
        if !done {
            break;
        }
    }
    without_circles(problem, before)
}

/// Leaves out what takes part in a circle, what needs that, and what nobody needs then who is wanted.
fn without_circles(problem: &Problem<'_>, mut taken: Taken) -> Taken {
    let mut gone = After::new(problem, &taken).tangled();
    gone.retain(|at| !problem.plugs[*at].fixed);
    while let Some(at) = gone.pop() {
        if taken.numbers.remove(&at).is_none() {
            continue;
        }
        let needing = problem.spoken[at].iter().filter(|(owner, number, rule)| {
            let release = problem.plugs[*owner].release(*number);
            taken.number(*owner) == *number && release.is_some_and(|release| release.rules[*rule].needed)
        });
        gone.extend(needing.map(|(owner, ..)| *owner));
        let chose = problem.served[at].iter().filter(|clause| {
            let pick = taken.picks.get(clause).and_then(|pick| problem.clauses[**clause].choices.get(*pick));
            pick.is_some_and(|(on, _)| *on == at)
        });
        gone.extend(chose.map(|clause| problem.clauses[*clause].owner));
    }
    let mut used: BTreeSet<usize> = taken.numbers.keys().copied().collect();
    used.retain(|at| problem.plugs[*at].wanted || problem.plugs[*at].fixed);
    let mut rest: Vec<usize> = used.iter().copied().collect();
    while let Some(at) = rest.pop() {
        let Some(release) = problem.plugs[at].release(taken.number(at)) else { continue };
        let needs = release.rules.iter().filter(|rule| rule.needed).filter_map(|rule| rule.on);
        let picks = release.clauses.iter().filter_map(|clause| {
            let choices = &problem.clauses[*clause].choices;
            Some(choices.get(*taken.picks.get(clause)?)?.0)
        });
        rest.extend(needs.chain(picks).filter(|on| used.insert(*on)));
    }
    taken.numbers.retain(|at, _| used.contains(at));
    taken.picks.retain(|clause, _| used.contains(&problem.clauses[*clause].owner));
    taken
}
