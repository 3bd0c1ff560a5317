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

use pubgrub::VersionSet;

use super::{
    hitting::{Core, Weight, hitting},
    order::{After, rank},
    problem::{Problem, Rule},
    set::Set,
    solve::{Budget, Circle, Fail, Link, Taken, solve},
};

/// How many plugins that the search over cores looks at weigh as much as a step of the solver.
const WORK_A_STEP: u64 = 100;

/// What became of one group.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) taken: Taken,
    /// The circles that were met on the way.
    pub(super) circles: Vec<Circle>,
    /// Whether nothing larger goes together.
    pub(super) largest: bool,
    /// Whether the steps were used up; nothing is taken then.
    pub(super) spent: bool,
}

/// Finds out what of a group is taken. `needed_by` is [`Problem::needed_by`].
pub(super) fn settle(problem: &Problem<'_>, group: &[usize], needed_by: &[Vec<usize>], budget: &Budget) -> Settled {
    let soft: Vec<usize> = group.iter().copied().filter(|at| problem.plugs[*at].wanted).collect();
    let mut settled = Settled { largest: true, ..Settled::default() };
    let mut cores = demands(problem, group);
    let weights = weights(problem, &soft);
    let mut ranks: Option<Vec<u32>> = None;
    loop {
        // Half of the steps at most are for the best set: with the other half a good one is found.
        let hit = hitting(&cores, needed_by, &weights, budget.used.get() < budget.most / 2);
        budget.used.set(budget.used.get().saturating_add(hit.work / WORK_A_STEP));
        settled.largest = hit.best;
        let kept = |at: &usize| problem.plugs[*at].fixed || weights.contains_key(at) && !hit.left.contains(at);
        let must: Vec<usize> = group.iter().copied().filter(kept).collect();
        let found = match best_of_each(problem, &must).filter(|_| settled.circles.is_empty()) {
            Some(taken) if budget.spend() => Ok(taken),
            Some(_) => Err(Fail::Budget),
            None => {
                let ranks = ranks.get_or_insert_with(|| {
                    let rank = rank(problem, group);
                    (0..problem.plugs.len()).map(|at| rank.get(&at).copied().unwrap_or(0)).collect()
                });
                // Beginning costs as much as there is to look at.
                budget.used.set(budget.used.get().saturating_add(must.len() as u64));
                solve(problem, ranks, &must, &settled.circles, budget)
            }
        };
        match found {
            Ok(taken) => {
                let circles = After::new(problem, &taken).circles(problem, &taken);
                if circles.is_empty() {
                    settled.taken = taken;
                    return settled;
                }
                cores.extend(
                    circles.iter().filter(|circle| always(problem, circle)).map(|circle| vec![circle.path.clone()]),
                );
                settled.circles.extend(circles);
            }
            Err(Fail::Together(mut core)) => {
                core.retain(|at| weights.contains_key(at));
                if core.is_empty() {
                    // Nothing that is wanted is to blame: only a circle among what nobody can leave out could do this.
                    settled.spent = true;
                    return settled;
                }
                cores.push(core.into_iter().map(|at| vec![at]).collect());
            }
            Err(Fail::Budget) => {
                settled.spent = true;
                return settled;
            }
        }
    }
}

/// Whether a circle stands whatever versions are taken, so that its wanted plugins are a core by themselves.
fn always(problem: &Problem<'_>, circle: &Circle) -> bool {
    circle.links.iter().all(|link| match link {
        Link::Plug(at, numbers) => {
            let plug = &problem.plugs[*at];
            plug.wanted && plug.alive.intersection(&numbers.complement()) == Set::empty()
        }
        Link::Pick(..) => false,
    })
}

/// Everything that must be there in its best version, if that goes together as it is: then it is the answer by the rule of
/// [`solve`], and nothing needs to be searched.
fn best_of_each(problem: &Problem<'_>, must: &[usize]) -> Option<Taken> {
    let best = |at: &usize| Some((*at, problem.plugs[*at].alive.greatest(problem.plugs[*at].last())?));
    let mut taken = Taken { numbers: must.iter().map(best).collect::<Option<_>>()?, picks: BTreeMap::new() };
    for (at, number) in &taken.numbers {
        let release = problem.plugs[*at].release(*number)?;
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
fn demands(problem: &Problem<'_>, group: &[usize]) -> Vec<Core> {
    let mut cores = Vec::new();
    for on in group.iter().copied() {
        let plug = &problem.plugs[on];
        let all = plug.alive.union(&Set::singleton(0));
        let mut demands: Vec<(Set, Vec<usize>)> = Vec::new();
        if plug.wanted {
            demands.push((plug.alive.clone(), vec![on]));
        }
        let mut users: Vec<usize> = problem.spoken[on].iter().map(|(owner, ..)| *owner).collect();
        users.sort_unstable();
        users.dedup();
        for user in users.into_iter().filter(|user| problem.plugs[*user].wanted) {
            // What some version of the user could live with.
            let demand = problem.plugs[user].living().fold(Set::empty(), |some, (_, release)| {
                let own = release.rules.iter().filter(|rule| rule.on == Some(on));
                some.union(&own.fold(all.clone(), |own, rule| own.intersection(&rule.allowed)))
            });
            if demand == all || demand == Set::empty() {
                continue;
            }
            match demands.iter().position(|(other, _)| *other == demand) {
                Some(at) => demands[at].1.push(user),
                None if demands.len() < MOST_DEMANDS => demands.push((demand, vec![user])),
                None => {}
            }
        }
        for (at, (demand, users)) in demands.iter().enumerate() {
            let against = demands[..at].iter().filter(|(other, _)| demand.intersection(other) == Set::empty());
            for (_, others) in against {
                cores.push(vec![others.clone(), users.clone()]);
            }
        }
    }
    cores
}

/// What it costs to leave each plugin out.
fn weights(problem: &Problem<'_>, soft: &[usize]) -> BTreeMap<usize, Weight> {
    let weight = |at: &usize| {
        let plug = &problem.plugs[*at];
        let refuses = |rule: &Rule| {
            let last = rule.on.map_or(0, |on| problem.plugs[on].last());
            !rule.needed && (1..=last).any(|number| !rule.allowed.contains(&number))
        };
        let refuses = plug.releases.iter().any(|release| release.rules.iter().any(refuses));
        (*at, Weight { locked: u32::from(plug.locked), count: 1, quiet: u32::from(!refuses) })
    };
    soft.iter().map(weight).collect()
}
