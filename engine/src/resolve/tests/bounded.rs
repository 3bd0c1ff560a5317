//! What a plan may cost whatever it is made of: sets that encode hard problems end within their budget with an answer, the same on each
//! run; and what is taken without a search goes together.

use super::{
    super::*,
    brute, plugin,
    random::{self, Random},
    taken,
};
use crate::Code;

/// A formula of clauses of three literals, each a variable and its value, as plugins: `top` needs every clause; a clause has a
/// version for each of its literals, which needs its variable in version 1 (false) or 2 (true).
fn formula(variables: u64, clauses: u64, seed: u64) -> (Vec<Candidate>, Vec<[(u64, u64); 3]>) {
    let mut random = Random::new(seed);
    let mut candidates = Vec::new();
    for variable in 0..variables {
        for value in 1..=2 {
            candidates.push(plugin(&format!("v{variable:03}"), &format!("{value}.0.0"), ""));
        }
    }
    let mut all = Vec::new();
    let mut needs = String::from("[dependencies]\n");
    for clause in 0..clauses {
        let mut literals = [(variables, 0); 3];
        for at in 0..3 {
            while literals[at].0 == variables || literals[..at].iter().any(|other| other.0 == literals[at].0) {
                literals[at] = (random.below(variables), 1 + random.below(2));
            }
        }
        for (version, (variable, value)) in (1..).zip(literals) {
            let need = format!("[dependencies]\nv{variable:03} = \"={value}.0.0\"");
            candidates.push(plugin(&format!("c{clause:03}"), &format!("{version}.0.0"), &need));
        }
        needs.push_str(&format!("c{clause:03} = \"*\"\n"));
        all.push(literals);
    }
    candidates.push(plugin("top", "1.0.0", &needs));
    (candidates, all)
}

/// What is taken goes together, whatever else might.
#[track_caller]
fn goes_together(candidates: &[Candidate], plan: &Plan) {
    let world = plan.order.iter().map(|chosen| {
        let candidate = &candidates[chosen.candidate];
        (candidate.id().as_str(), candidate)
    });
    assert!(brute::consistent(&world.collect()), "what is taken does not go together:\n{plan}");
}

#[test]
fn small_formulas_are_answered_truly() {
    let (mut yes, mut no) = (0, 0);
    for seed in 0..60 {
        let (candidates, clauses) = formula(10, 35 + seed % 20, seed);
        let holds = |values: u64| {
            let literal = |(variable, value): &(u64, u64)| values >> variable & 1 == value - 1;
            clauses.iter().all(|clause| clause.iter().any(literal))
        };
        let satisfiable = (0..1 << 10).any(holds);
        let resolver = Resolver::new(candidates.clone());
        let plan = resolver.plan_for(&["top"]);
        assert_eq!(plan.get("top").is_some(), satisfiable, "seed {seed}");
        goes_together(&candidates, &plan);
        assert!(plan.left_out.iter().all(|out| out.code() != Code::ResolveBudget), "seed {seed}: {plan}");
        (yes, no) = (yes + u64::from(satisfiable), no + u64::from(!satisfiable));
    }
    assert!(yes > 10 && no > 10, "{yes} hold, {no} do not");
}

#[test]
fn hard_formulas_end_within_the_budget() {
    for (variables, clauses) in [(20, 85), (50, 213), (100, 426)] {
        for seed in 0..2 {
            let (candidates, _) = formula(variables, clauses, seed);
            for budget in [0, 50, 5_000] {
                let options = Options { budget, ..Options::default() };
                let resolver = Resolver::new(candidates.clone()).options(options);
                for plan in [resolver.plan_for(&["top"]), resolver.plan()] {
                    let told = format!("{variables} variables, seed {seed}, budget {budget}: {} steps", plan.steps);
                    // What it takes to look at each candidate once comes on top, and one list of rules at most.
                    assert!(plan.steps <= budget + candidates.len() as u64, "{told}");
                    goes_together(&candidates, &plan);
                    let spent = plan.left_out.iter().any(|out| out.code() == Code::ResolveBudget);
                    let warned = plan.warnings.iter().any(|one| matches!(one, Warning::Unsettled { .. }));
                    assert_eq!(spent, warned, "{told}");
                    assert!(plan.get("top").is_some() || plan.left_out("top").is_some(), "{told}");
                }
                assert_eq!(resolver.plan().to_string(), resolver.plan().to_string());
            }
        }
    }
}

#[test]
fn a_hard_group_takes_nothing_from_the_others() {
    let (mut candidates, _) = formula(50, 213, 1);
    let hard = candidates.len();
    // Two that are settled by a search only, and come after the hard ones by their ids.
    for (id, version, rest) in [
        ("x", "1.0.0", "[dependencies]\ny = \"^1\""),
        ("y", "1.0.0", ""),
        ("y", "2.0.0", ""),
        ("z", "1.0.0", "[conflicts]\nx = \"*\""),
    ] {
        candidates.push(plugin(id, version, rest));
    }
    let options = Options { budget: 4_000, ..Options::default() };
    let plan = Resolver::new(candidates.clone()).options(options).plan();
    assert!(plan.left_out.iter().any(|out| out.code() == Code::ResolveBudget));
    let alone = Resolver::new(candidates[hard..].to_vec()).plan();
    assert_eq!(taken(&alone), ["y 1.0.0", "x 1.0.0"]);
    for chosen in &alone.order {
        assert_eq!(plan.get(&chosen.id).map(|one| &one.version), Some(&chosen.version));
    }
    assert_eq!(plan.left_out("z").map(LeftOut::code), Some(Code::ResolveConflict));
}

/// What is chosen without a search goes together, gives reasons, and comes out again if a lockfile keeps it: also where the search that
/// goes before it is cut short.
#[test]
fn what_is_chosen_without_a_search_goes_together_and_can_be_kept() {
    let greedy = Options { choice: Choice::Greedy, ..Options::default() };
    let (mut most, mut best) = (0, 0);
    for seed in 0..600 {
        let candidates = random::set(seed + 5_000_000, 12);
        let resolver = Resolver::new(candidates.clone()).options(greedy.clone());
        let plan = resolver.plan();
        goes_together(&candidates, &plan);
        assert!(plan.left_out.iter().all(|out| out.code() != Code::ResolveBudget), "seed {seed}: {plan}");
        let ids: std::collections::BTreeSet<&str> = candidates.iter().map(|one| one.id().as_str()).collect();
        assert_eq!(plan.order.len() + plan.left_out.len(), ids.len(), "seed {seed}: {plan}");
        let lock = Lockfile::of(&plan);
        lock.check(&resolver.clone().prefer(lock.clone()).plan())
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let spent = Options { budget: 3, ..Options::default() };
        let again = Resolver::new(candidates.clone()).options(spent).prefer(lock.clone()).plan();
        goes_together(&candidates, &again);
        most += plan.order.len();
        best += Resolver::new(candidates).plan().order.len();
    }
    assert!(most <= best && most * 10 >= best * 9, "{most} without a search, {best} with");
    let (candidates, _) = formula(50, 213, 4);
    let spent = Options { budget: 2_000, ..Options::default() };
    let plan = Resolver::new(candidates.clone()).options(spent.clone()).plan();
    assert!(plan.left_out.iter().any(|out| out.code() == Code::ResolveBudget));
    let lock = Lockfile::of(&plan);
    for options in [spent, greedy] {
        lock.check(&Resolver::new(candidates.clone()).options(options).prefer(lock.clone()).plan()).unwrap();
    }
}

#[test]
fn what_to_do_is_said_where_the_budget_is_used_up() {
    let (candidates, _) = formula(50, 213, 4);
    let options = Options { budget: 100, ..Options::default() };
    let error = Resolver::new(candidates).options(options).can_load("top").unwrap_err();
    assert_eq!(error.code(), Code::ResolveBudget);
    assert!(error.message().contains("within 100 steps"), "{error}");
    assert_eq!(error.message().matches("within").count(), 1, "{error}");
    for word in ["fewer mods", "modhost.lock", "`budget` in the policy's [resolve]", "choice = \"greedy\"", "--greedy"]
    {
        assert!(error.help().contains(word), "{}", error.help());
    }
}

/// The reason is the same whether a plugin is asked for alone or lies among the others.
#[test]
fn who_asks_for_one_plugin_is_told_as_much() {
    let families: [(&str, &[(&str, &str)]); 8] = [
        (
            "two that it needs want other versions of a third",
            &[
                ("top", "[dependencies]\na = \"*\"\nb = \"*\""),
                ("a", "[dependencies]\nlib = \"^1\""),
                ("b", "[dependencies]\nlib = \"^2\""),
                ("lib 1.0.0", ""),
                ("lib 2.0.0", ""),
            ],
        ),
        (
            "one that it needs excludes another that it needs",
            &[("top", "[dependencies]\na = \"*\"\nb = \"*\""), ("a", "[conflicts]\nb = \"*\""), ("b", "")],
        ),
        (
            "the same further down",
            &[
                ("top", "[dependencies]\nmid = \"*\"\nb = \"*\""),
                ("mid", "[dependencies]\na = \"*\""),
                ("a", "[conflicts]\nb = \"*\""),
                ("b", ""),
            ],
        ),
        (
            "it needs one of two, and neither can be",
            &[
                ("top", "[dependencies]\nlib = \"^2\"\n[any-of]\nmobs = [\"a\", \"b\"]"),
                ("a", "[dependencies]\nlib = \"^1\""),
                ("b", "[dependencies]\nlib = \"^1\""),
                ("lib 1.0.0", ""),
                ("lib 2.0.0", ""),
            ],
        ),
        (
            "what it needs needs what is not there",
            &[
                ("top", "[dependencies]\na = \"*\""),
                ("a", "[dependencies]\nb = \"*\""),
                ("b", "[dependencies]\ngone = \"*\""),
            ],
        ),
        (
            "a contract whose provider is excluded",
            &[
                ("top", "[dependencies]\nfoe = \"*\"\n[requires]\nmoon = \"^1\""),
                ("sky", "[provides]\nmoon = \"1.0.0\"\n[conflicts]\nfoe = \"*\""),
                ("foe", ""),
            ],
        ),
        (
            "a circle among what it needs",
            &[
                ("top", "[dependencies]\na = \"*\""),
                ("a", "[dependencies]\nb = \"*\""),
                ("b", "[dependencies]\na = \"*\""),
            ],
        ),
        (
            "an optional dependency of what it needs",
            &[
                ("top", "[dependencies]\na = \"*\"\nb = \"^1\""),
                ("a", "[dependencies]\nb = { version = \"^2\", optional = true }"),
                ("b", ""),
            ],
        ),
    ];
    for (family, plugins) in families {
        let resolver = super::resolver(plugins);
        let (all, alone) = (resolver.plan(), resolver.plan_for(&["top"]));
        let told = |plan: &Plan| {
            let out = plan.left_out("top").unwrap_or_else(|| panic!("{family}:\n{plan}")).clone();
            (out.code(), out.message, out.help, out.sake)
        };
        assert_eq!(told(&alone), told(&all), "{family}");
        let (_, message, ..) = told(&alone);
        assert!(message.contains("because") || message.contains("taken"), "{family}: {message}");
        let error = resolver.can_load("top").unwrap_err();
        assert_eq!(error.message(), message, "{family}");
    }
}
