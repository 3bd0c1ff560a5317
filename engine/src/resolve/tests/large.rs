//! Sets that are large, or made to be hard: the steps stay few, nothing overflows, and the same comes out.

use std::time::Instant;

use super::{
    super::*,
    plugin,
    random::{self, Random},
    resolver,
};
use crate::Code;

/// Plans within `steps`, so many taken and left out.
#[track_caller]
fn check(candidates: Vec<Candidate>, steps: u64, taken: usize, left_out: usize) -> Plan {
    let start = Instant::now();
    let plan = Resolver::new(candidates).plan();
    let wall = start.elapsed();
    assert_eq!((plan.order.len(), plan.left_out.len()), (taken, left_out));
    assert!(plan.steps <= steps, "{} steps, {wall:?}", plan.steps);
    plan
}

/// A chain of `n` plugins of four versions each, all of which need the next; the last needs what conflicts with the first. Whoever
/// looks at the choices one after another looks at 4^n of them.
#[test]
fn a_conflict_at_the_end_of_a_chain_is_learned_once() {
    for n in [10_u64, 20, 30, 40] {
        let mut candidates = Vec::new();
        for at in 0..n {
            for version in 1..=4 {
                let rest = if at + 1 < n {
                    format!("[dependencies]\np{:02} = \">=1\"", at + 1)
                } else {
                    "[dependencies]\nleaf = \"^1\"".into()
                };
                candidates.push(plugin(&format!("p{at:02}"), &format!("{version}.0.0"), &rest));
            }
        }
        for version in 1..=4 {
            candidates.push(plugin("leaf", &format!("1.{version}.0"), "[conflicts]\np00 = \"*\""));
        }
        // The leaf cannot go without the chain, whose head can.
        let plan = check(candidates, 100 * n, n as usize, 1);
        assert_eq!(plan.left_out[0].id, "p00");
        assert_eq!(plan.left_out[0].code(), Code::ResolveConflict);
    }
}

/// The same where only the lowest version of everything goes together.
#[test]
fn a_chain_that_must_go_down_to_the_lowest_versions() {
    for n in [10_u64, 20, 30, 40] {
        let mut candidates = Vec::new();
        for at in 0..n {
            for version in 1..=4 {
                // Each needs its own version or above of the next, and the last lets only 1 be.
                let rest = if at + 1 < n {
                    format!("[dependencies]\np{:02} = \">={version}\"", at + 1)
                } else {
                    format!("[dependencies]\nleaf = \"^{version}\"")
                };
                candidates.push(plugin(&format!("p{at:02}"), &format!("{version}.0.0"), &rest));
            }
        }
        candidates.push(plugin("leaf", "1.0.0", ""));
        let plan = check(candidates, 100 * n, n as usize + 1, 0);
        assert!(plan.order.iter().all(|chosen| chosen.version.major == 1));
    }
}

/// `count` plugins of twenty versions, each of which needs up to three others in ranges around where it stands itself. The
/// lowest versions go together; the highest do not.
pub(super) fn wide(count: u64) -> Vec<Candidate> {
    let mut random = Random::new(count);
    let mut candidates = Vec::new();
    for at in 0..count {
        for version in 0..20 {
            let mut rest = String::from("[dependencies]\n");
            let mut others: Vec<u64> = (0..3).map(|_| random.below(count)).filter(|other| *other != at).collect();
            others.sort_unstable();
            others.dedup();
            for other in others {
                let low = if version < 4 { 0 } else { (version / 4 + random.below(3)).saturating_sub(1) };
                let above = low + 1 + random.below(2);
                rest.push_str(&format!("p{other:04} = {{ version = \">={low}.0, <{above}.0\", order = false }}\n"));
            }
            candidates.push(plugin(&format!("p{at:04}"), &format!("{}.{}.0", version / 4, version % 4), &rest));
        }
    }
    candidates
}

#[test]
fn three_hundred_plugins_of_twenty_versions() {
    let plan = Resolver::new(wide(300)).plan();
    assert!(plan.is_whole() && plan.order.len() == 300, "{} of 300", plan.order.len());
    assert!(plan.steps > 300 && plan.steps < 100_000, "{} steps", plan.steps);
    assert!(plan.order.iter().any(|chosen| !chosen.passed_over.is_empty()));
}

#[test]
fn ten_thousand_plugins() {
    let id = |at: u64| format!("p{at:05}");
    let every = |rest: &dyn Fn(u64) -> String| -> Vec<Candidate> {
        (0..10_000).map(|at| plugin(&id(at), "1.0.0", &rest(at))).collect()
    };
    // Nothing to do with each other.
    check(every(&|_| String::new()), 10_000, 10_000, 0);
    // A chain, from either end.
    let next = |at: u64| if at < 9999 { format!("[dependencies]\n{} = \"^1\"", id(at + 1)) } else { String::new() };
    let plan = check(every(&next), 2_000, 10_000, 0);
    assert_eq!(plan.order[0].id, "p09999");
    assert_eq!(plan.dependencies("p00000", Reach::NEEDED).len(), 9999);
    let broken = |at: u64| if at < 9999 { next(at) } else { "[dependencies]\ngone = \"*\"".into() };
    let plan = check(every(&broken), 2_000, 0, 10_000);
    assert!(plan.left_out[0].message.ends_with("because p09999 needs gone, and it is not there"));
    // One circle of all of them.
    let circle = |at: u64| format!("[dependencies]\n{} = \"^1\"", id((at + 1) % 10_000));
    let plan = check(every(&circle), 10_000, 0, 10_000);
    assert!(plan.left_out.iter().all(|out| out.code() == Code::ResolveCycle));
    // All need one, in two versions of it that half of them each want.
    let halves =
        |at: u64| if at == 0 { String::new() } else { format!("[dependencies]\n{} = \"^{}\"", id(0), 1 + at % 2) };
    let mut all = every(&halves);
    all.push(plugin(&id(0), "2.0.0", ""));
    let plan = check(all, 200_000, 5001, 4999);
    assert_eq!(plan.get("p00000").unwrap().version.major, 2);
    // All need one in its older version, which the solver must find.
    let older = |at: u64| if at == 0 { String::new() } else { format!("[dependencies]\n{} = \"^1\"", id(0)) };
    let mut all = every(&older);
    all.push(plugin(&id(0), "2.0.0", ""));
    let plan = check(all, 30_000, 10_000, 0);
    assert_eq!(plan.get("p00000").unwrap().passed_over.len(), 1);
    // A thousand pairs that exclude each other.
    let pairs = |at: u64| match at {
        0 => String::new(),
        1..=1000 => format!("[dependencies]\n{} = \"^1\"\n[conflicts]\n{} = \"*\"", id(0), id(at + 1000)),
        _ => format!("[dependencies]\n{} = \"^1\"", id(0)),
    };
    check(every(&pairs), 10_000, 9000, 1000);
}

/// Conflicts between a hundred plugins at random: the search gives up in time, says so, and what it takes goes together.
#[test]
fn a_tangle_of_conflicts_is_cut_short() {
    let mut random = Random::new(7);
    let candidates: Vec<Candidate> = (0..120)
        .map(|at| {
            let mut foes: Vec<u64> = (0..8).map(|_| random.below(120)).filter(|foe| *foe != at).collect();
            foes.sort_unstable();
            foes.dedup();
            let lines: Vec<String> = foes.iter().map(|foe| format!("p{foe:03} = \"*\"")).collect();
            plugin(&format!("p{at:03}"), "1.0.0", &format!("[conflicts]\n{}", lines.join("\n")))
        })
        .collect();
    let plan = Resolver::new(candidates.clone()).plan();
    assert!(plan.warnings.contains(&Warning::NotLargest));
    assert!(plan.order.len() >= 15, "{}", plan.order.len());
    let names: Vec<&str> = plan.order.iter().map(|chosen| chosen.id.as_str()).collect();
    for chosen in &plan.order {
        let manifest = candidates[chosen.candidate].manifest().unwrap();
        assert!(manifest.conflicts.iter().all(|foe| !names.contains(&foe.id.as_str())), "{}", chosen.id);
    }
    assert_eq!(plan.left_out.len() + plan.order.len(), 120);
    assert!(plan.conflicts().count() == plan.left_out.len());
}

/// The same with versions, so that each core must be found by the solver.
#[test]
fn a_tangle_of_versions_is_cut_short() {
    let mut random = Random::new(9);
    let mut candidates = Vec::new();
    for at in 0..100 {
        for version in 1..=3 {
            let mut others: Vec<u64> = (0..6).map(|_| random.below(100)).filter(|other| *other != at).collect();
            others.sort_unstable();
            others.dedup();
            let line = |other: &u64| {
                format!("p{other:03} = \"{}\"", ["^1", "^2", "^3", ">=2", "<3"][random.below(5) as usize])
            };
            let lines: Vec<String> = others.iter().map(line).collect();
            let table = if version == 2 { "dependencies" } else { "conflicts" };
            candidates.push(plugin(
                &format!("p{at:03}"),
                &format!("{version}.0.0"),
                &format!("[{table}]\n{}", lines.join("\n")),
            ));
        }
    }
    let options = Options { budget: 30_000, ..Options::default() };
    let plan = Resolver::new(candidates).options(options).plan();
    assert!(plan.order.len() > 20 && plan.steps < 60_000, "{} taken, {} steps", plan.order.len(), plan.steps);
    assert!(plan.warnings.iter().any(|warning| matches!(warning, Warning::Unsettled { steps: 30_000, .. })));
    assert!(plan.left_out.iter().any(|out| out.code() == Code::ResolveBudget));
    assert_eq!(plan.order.len() + plan.left_out.len(), 100);
}

#[test]
fn what_is_not_settled_in_time_does_not_touch_the_rest() {
    let mut candidates = wide(60);
    candidates.push(plugin("alone", "1.0.0", ""));
    let options = Options { budget: 20, ..Options::default() };
    let plan = Resolver::new(candidates).options(options).plan();
    assert!(plan.get("alone").is_some());
    assert!(plan.left_out.iter().any(|out| out.code() == Code::ResolveBudget && out.message.contains("20 steps")));
    // Two that need each other cannot be added one by one, as others are.
    let needs = |id: &str| format!("[dependencies]\n{id} = {{ version = \"*\", order = false }}");
    let pair = [("a", needs("b")), ("b", needs("a")), ("c", String::new())];
    let pair: Vec<(&str, &str)> = pair.iter().map(|(id, rest)| (*id, rest.as_str())).collect();
    let plan = resolver(&pair).options(Options { budget: 0, ..Options::default() }).plan();
    assert_eq!(plan.order.iter().map(|chosen| chosen.id.as_str()).collect::<Vec<_>>(), ["c"]);
    assert!(plan.left_out.iter().all(|out| out.code() == Code::ResolveBudget));
}

/// Sets too large to search, of manifests that say everything: no panic, and what comes out goes by the rules that are quick to
/// look at.
#[test]
fn thousands_of_random_manifests() {
    let mut manifests = 0;
    for seed in 0..400 {
        let candidates = random::set(seed + 1_000_000, 25);
        manifests += candidates.len();
        let resolver = Resolver::new(candidates.clone()).contract("weather", "1.0.0".parse().unwrap());
        let plan = resolver.plan();
        let ids: std::collections::BTreeSet<&str> = candidates.iter().map(|one| one.id().as_str()).collect();
        assert_eq!(plan.order.len() + plan.left_out.len(), ids.len(), "seed {seed}");
        for id in ids {
            // Every question has an answer.
            assert!(!plan.why(id).unwrap().to_string().is_empty());
            let alone = resolver.plan_for(&[id]);
            assert_eq!(resolver.can_load(id).is_ok(), alone.get(id).is_some(), "seed {seed}: {id}");
            assert!(
                alone.get(id).is_some() || plan.get(id).is_none(),
                "seed {seed}: {id} goes with others and not alone"
            );
        }
    }
    assert!(manifests > 5_000, "{manifests}");
}

#[test]
fn a_set_of_nothing_is_planned() {
    let plan = resolver(&[]).plan();
    assert!(plan.is_whole() && plan.order.is_empty() && plan.to_string().is_empty());
}
