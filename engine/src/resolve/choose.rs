//! What is taken when not everything can be: [`settle`] finds, for one group of plugins, the largest set that goes together.
//!
//! **The rule.** Of all sets of wanted plugins that go together the one is taken, of which
//! 1. the fewest are left out that the lockfile holds,
//! 2. then the fewest at all,
//! 3. then the fewest that refuse nobody (who declares a conflict goes before the one it is declared against),
//! 4. then the ids that are left out are the last ones of the alphabet, the first of them compared first.
//!
//! **How.** The solver proves that some plugins cannot be there together. At least one of each such *core* must go, so the best
//! set to leave out is the best that hits every core. It is tried; either the rest goes together, or there is another core.
//! Where the search over the cores grows beyond its bounds (they are hostile then), a greedy one takes its place, and the plan
//! says that more might have been taken.

use std::collections::BTreeMap;

use super::{
    Choice,
    greedy::greedy,
    hitting::{Core, Cores, Weight},
    meter::{Budget, Part},
    order::After,
    problem::{Problem, Rule},
    set::Set,
    solve::{Circle, Fail, Link, Solver, Taken},
};

/// What became of one group.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) taken: Taken,
    /// The circles that were met on the way.
    pub(super) circles: Vec<Circle>,
    /// Whether nothing larger goes together.
    pub(super) largest: bool,
    /// Whether the steps were used up; what is taken was chosen without a search then.
    pub(super) spent: bool,
}

/// What can be said of a group without a search: everything goes together, each in its best version.
pub(super) fn whole(problem: &Problem<'_>, group: &[usize], budget: &Budget) -> Option<Settled> {
    let must: Vec<usize> = group.iter().copied().filter(|at| must(problem, *at)).collect();
    let taken = best_of_each(problem, &must, budget)?;
    let loads = After::new(problem, &taken).circles(problem, &taken).is_empty();
    (loads && budget.lasts(budget.end(Part::Search))).then(|| Settled { taken, largest: true, ..Settled::default() })
}

fn must(problem: &Problem<'_>, at: usize) -> bool {
    problem.plugs[at].fixed || problem.plugs[at].wanted
}

/// Finds out what of a group is taken. `needed_by` is [`Problem::needed_by`], `shares` the number of groups that are still to come,
/// this one among them: each may use as much of what is left.
pub(super) fn settle(
    problem: &Problem<'_>,
    group: &[usize],
    needed_by: &[Vec<usize>],
    (budget, shares): (&Budget, usize),
    choice: Choice,
) -> Settled {
    let weights = weights(problem, group);
    let end = budget.share(Part::Search, shares);
    // Half of that at most is for the best set: with the other half a good one is found.
    let half = budget.share(Part::Largest, shares);
    let mut settled = Settled { largest: true, ..Settled::default() };
    let mut solver = Solver::new(problem, group, budget);
    let cores = if choice == Choice::Greedy { None } else { Some(demands(problem, group, &weights, budget)) };
    let mut cores = cores.map(|demands| {
        let mut cores = Cores::default();
        demands.into_iter().for_each(|core| cores.push(core, needed_by, &weights, budget));
        cores
    });
    while let Some(cores) = cores.as_mut().filter(|_| budget.lasts(end)) {
        let hit = cores.hit(&weights, budget, half);
        settled.largest = hit.best;
        let kept = |at: &usize| must(problem, *at) && !hit.left.contains(at);
        let must: Vec<usize> = group.iter().copied().filter(kept).collect();
        // Beginning costs as much as there is to look at.
        budget.spend(must.len() as u64);
        match solver.solve(&must, &settled.circles, budget, end) {
            Ok(taken) => {
                let circles = After::new(problem, &taken).circles(problem, &taken);
                budget.spend(4 * taken.numbers.len() as u64);
                if circles.is_empty() {
                    settled.taken = taken;
                    return settled;
                }
                for circle in circles.iter().filter(|circle| always(problem, circle)) {
                    cores.push(vec![circle.path.clone()], needed_by, &weights, budget);
                }
                settled.circles.extend(circles);
            }
            Err(Fail::Together(mut core)) => {
                core.retain(|at| weights.contains_key(at));
                if core.is_empty() {
                    // Nothing that is wanted is to blame: only a circle among what nobody can leave out could do this.
                    break;
                }
                cores.push(core.into_iter().map(|at| vec![at]).collect(), needed_by, &weights, budget);
            }
            Err(Fail::Spent) => break,
        }
    }
    settled.spent = choice != Choice::Greedy;
    settled.largest |= settled.spent;
    settled.circles.clear();
    settled.taken = greedy(problem, &mut solver, &weights, (budget, budget.share(Part::Greedy, shares)));
    settled
}

/// Whether a circle stands whatever versions are taken, so that its wanted plugins are a core by themselves.
fn always(problem: &Problem<'_>, circle: &Circle) -> bool {
    circle.links.iter().all(|link| match link {
        Link::Plug(at, numbers) => {
            let plug = &problem.plugs[*at];
            plug.wanted && plug.alive.is_within(numbers)
        }
        Link::Pick(..) => false,
    })
}

/// Everything that must be there in its best version, if that goes together as it is: then it is the answer by the rule of
/// [`solve`], and nothing needs to be searched.
fn best_of_each(problem: &Problem<'_>, must: &[usize], budget: &Budget) -> Option<Taken> {
    let best = |at: &usize| Some((*at, problem.plugs[*at].alive.greatest(problem.plugs[*at].last())?));
    let mut taken = Taken { numbers: must.iter().map(best).collect::<Option<_>>()?, picks: BTreeMap::new() };
    for (at, number) in &taken.numbers {
        let release = problem.plugs[*at].release(*number)?;
        budget.spend(1 + (release.rules.len() + release.clauses.len()) as u64);
        let met = |on: Option<usize>, allowed: &Set| on.is_none_or(|on| allowed.contains(&taken.number(on)));
        if !release.rules.iter().all(|rule| met(rule.on, &rule.allowed)) {
            return None;
        }
        for clause in &release.clauses {
            let mut choices = problem.clauses[*clause].choices.iter();
            let pick = choices.position(|(on, numbers)| numbers.contains(&taken.number(*on)))?;
            taken.picks.insert(*clause, pick);
        }
    }
    Some(taken)
}

/// How many different demands on one plugin are compared with each other.
const MOST_DEMANDS: usize = 100;

/// The cores that are seen without a search: crowds that demand of one plugin what no version of it gives both.
fn demands(problem: &Problem<'_>, group: &[usize], weights: &BTreeMap<usize, Weight>, budget: &Budget) -> Vec<Core> {
    let mut cores = Vec::new();
    for on in group.iter().copied() {
        let plug = &problem.plugs[on];
        let all = plug.alive.union(&Set::singleton(0));
        let mut demands: Vec<(Set, Vec<usize>)> = Vec::new();
        if plug.wanted {
            demands.push((plug.alive.clone(), vec![on]));
        }
        // What each version of a user lets be; of a version that says nothing, anything.
        let mut users: BTreeMap<usize, BTreeMap<u32, Set>> = BTreeMap::new();
        budget.spend(3 * problem.spoken[on].len() as u64);
        for (user, number, rule) in &problem.spoken[on] {
            let user_plug = &problem.plugs[*user];
            if !weights.contains_key(user) || !user_plug.alive.contains(number) {
                continue;
            }
            let Some(rule) = user_plug.release(*number).and_then(|release| release.rules.get(*rule)) else { continue };
            let own = users.entry(*user).or_default().entry(*number).or_insert_with(|| all.clone());
            *own = own.intersection(&rule.allowed);
        }
        for (user, versions) in users {
            if versions.len() < problem.plugs[user].living().count() {
                continue;
            }
            let demand = versions.values().fold(Set::empty(), |some, own| some.union(own));
            if demand == all || demand.is_empty() {
                continue;
            }
            budget.spend(demands.len() as u64);
            match demands.iter().position(|(other, _)| *other == demand) {
                Some(at) => demands[at].1.push(user),
                None if demands.len() < MOST_DEMANDS => demands.push((demand, vec![user])),
                None => {}
            }
        }
        for (at, (demand, users)) in demands.iter().enumerate() {
            let against = demands[..at].iter().filter(|(other, _)| demand.is_apart(other));
            for (_, others) in against {
                // What is left over the search finds by itself.
                if !budget.lasts(budget.end(Part::Largest)) {
                    return cores;
                }
                budget.spend((others.len() + users.len()) as u64);
                cores.push(vec![others.clone(), users.clone()]);
            }
        }
    }
    cores
}

/// What it costs to leave each plugin of a group out that is wanted.
fn weights(problem: &Problem<'_>, group: &[usize]) -> BTreeMap<usize, Weight> {
    let weight = |at: &usize| {
        let plug = &problem.plugs[*at];
        let refuses = |rule: &Rule| {
            let last = rule.on.map_or(0, |on| problem.plugs[on].last());
            !rule.needed && !Set::up_to(last).is_within(&rule.allowed)
        };
        let refuses = plug.releases.iter().any(|release| release.rules.iter().any(refuses));
        (*at, Weight { locked: u32::from(plug.locked), count: 1, quiet: u32::from(!refuses) })
    };
    group.iter().filter(|at| problem.plugs[**at].wanted).map(weight).collect()
}
