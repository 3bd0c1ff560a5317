//! The choice against a search over every assignment: what is taken goes together, and nothing better does, by the rule as it
//! is written in the documentation of [`crate::resolve`]. The search shares no code with the
//! resolver but semver's, and the order in which plugins choose.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use semver::{Version, VersionReq};

use super::{
    super::{
        order::rank,
        problem::{Input, Problem},
        *,
    },
    random,
};
use crate::package::Manifest;

/// What is taken: the index of a candidate for each id.
pub(super) type World<'a> = BTreeMap<&'a str, &'a Candidate>;

fn speaks(requirement: &VersionReq, version: &Version) -> bool {
    requirement.to_string() == "*" || requirement.matches(version)
}

fn manifest(candidate: &Candidate) -> &Manifest {
    candidate.manifest().unwrap()
}

/// Whether what one plugin says holds, circles aside.
fn holds(own: &Candidate, world: &World<'_>) -> bool {
    let says = manifest(own);
    let me = own.id();
    let there = |id: &str| world.get(id).map(|other| other.version());
    let needs = says.dependencies.iter().all(|need| match there(need.id.as_str()) {
        None => need.optional,
        Some(version) if need.id == *me => need.optional || !need.order && need.version.matches(version),
        Some(version) if need.optional => speaks(&need.version, version),
        Some(version) => need.version.matches(version),
    });
    let peace = says
        .conflicts
        .iter()
        .all(|foe| foe.id == *me || there(foe.id.as_str()).is_none_or(|version| !speaks(&foe.version, version)));
    needs && peace
}

/// For each need that any of several plugins meets: those of them that are taken and fit, without the plugin itself. `None` where
/// one has none.
fn choices<'a>(own: &'a Candidate, world: &World<'a>) -> Option<Vec<Vec<&'a str>>> {
    let says = manifest(own);
    let mut all = Vec::new();
    for need in &says.any_of {
        let fits = |id: &str, version: &VersionReq| world.get(id).is_some_and(|other| version.matches(other.version()));
        let fitting: Vec<&str> = need
            .choices
            .iter()
            .filter(|choice| fits(choice.id.as_str(), &choice.version))
            .map(|choice| choice.id.as_str())
            .collect();
        if !fitting.contains(&own.id().as_str()) {
            all.push(fitting);
        }
    }
    for need in &says.requires {
        let provides = |other: &Candidate| {
            let offers = &manifest(other).provides;
            other.id() != own.id()
                && offers.iter().any(|offer| offer.name == need.name && need.version.matches(&offer.version))
        };
        all.push(world.iter().filter(|(_, other)| provides(other)).map(|(id, _)| *id).collect());
    }
    if all.iter().any(Vec::is_empty) { None } else { Some(all) }
}

/// Whether plugins can be ordered so that each comes after what it needs.
fn orderable(edges: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    let mut rest = edges.clone();
    while !rest.is_empty() {
        let free: Vec<&str> = rest
            .iter()
            .filter(|(_, needs)| needs.iter().all(|need| !rest.contains_key(need)))
            .map(|(id, _)| *id)
            .collect();
        if free.is_empty() {
            return false;
        }
        free.iter().for_each(|id| {
            rest.remove(id);
        });
    }
    true
}

/// Whether a world goes together: every rule holds, and some choice among what meets each need can be ordered.
pub(super) fn consistent(world: &World<'_>) -> bool {
    if !world.values().all(|own| holds(own, world)) {
        return false;
    }
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut open: Vec<(&str, Vec<&str>)> = Vec::new();
    for (id, own) in world {
        let needs = manifest(own).dependencies.iter().filter(|need| !need.optional && need.order);
        edges.insert(id, needs.map(|need| need.id.as_str()).filter(|other| other != id).collect());
        let Some(choices) = choices(own, world) else { return false };
        open.extend(choices.into_iter().map(|choice| (*id, choice)));
    }
    fn any(edges: &mut BTreeMap<&str, BTreeSet<&str>>, open: &[(&str, Vec<&str>)]) -> bool {
        let Some(((owner, choices), rest)) = open.split_first() else { return orderable(edges) };
        choices.iter().any(|choice| {
            let mut edges = edges.clone();
            edges.entry(owner).or_default().insert(choice);
            any(&mut edges, rest)
        })
    }
    any(&mut edges, &open)
}

/// Every world, best first by preference of version, absent last.
fn worlds<'a>(by_id: &[(&'a str, Vec<&'a Candidate>)], found: &mut Vec<World<'a>>, open: &mut World<'a>) {
    let Some(((id, versions), rest)) = by_id.split_first() else {
        if consistent(open) {
            found.push(open.clone());
        }
        return;
    };
    for version in versions {
        open.insert(id, version);
        worlds(rest, found, open);
    }
    open.remove(id);
    worlds(rest, found, open);
}

/// The largest set by the documented rule.
fn best_left_out<'a>(
    worlds: &[World<'a>],
    by_id: &[(&'a str, Vec<&'a Candidate>)],
    lock: &Lockfile,
) -> BTreeSet<&'a str> {
    let left = |world: &World<'a>| -> BTreeSet<&'a str> {
        by_id.iter().map(|(id, _)| *id).filter(|id| !world.contains_key(id)).collect()
    };
    let sets: BTreeSet<BTreeSet<&str>> = worlds.iter().map(left).collect();
    let cost = |left: &BTreeSet<&str>| {
        let locked = left.iter().filter(|id| lock.get(id).is_some()).count();
        (locked, left.len())
    };
    let least = sets.iter().map(cost).min().unwrap();
    let quiet = |left: &BTreeSet<&str>| left.iter().filter(|id| !refuses(id, by_id)).count();
    let sets: Vec<&BTreeSet<&str>> = sets.iter().filter(|left| cost(left) == least).collect();
    let least = sets.iter().map(|left| quiet(left)).min().unwrap();
    let best = sets.into_iter().filter(|left| quiet(left) == least).max_by(|a, b| a.iter().cmp(b.iter()));
    best.unwrap().clone()
}

/// Whether a version of it refuses a version of another that lies there: by a conflict, or an optional dependency.
fn refuses(id: &str, by_id: &[(&str, Vec<&Candidate>)]) -> bool {
    let versions = |id: &str| by_id.iter().find(|(other, _)| *other == id).map_or(&[][..], |(_, versions)| versions);
    versions(id).iter().map(|version| manifest(version)).any(|says| {
        let foes = says.conflicts.iter().map(|foe| (&foe.id, &foe.version, true));
        let optional = says.dependencies.iter().filter(|need| need.optional);
        let mut all = foes.chain(optional.map(|need| (&need.id, &need.version, false)));
        all.any(|(other, requirement, refused)| {
            let mut others = versions(other.as_str()).iter();
            other.as_str() != id && others.any(|one| speaks(requirement, one.version()) == refused)
        })
    })
}

/// A version's preference: the lockfile's, then releases, then the highest.
fn preference<'a>(candidate: &'a Candidate, lock: &Lockfile) -> (bool, bool, &'a Version) {
    let locked = lock.get(candidate.id().as_str()).is_some_and(|row| row.version == *candidate.version());
    (locked, candidate.version().pre.is_empty(), candidate.version())
}

/// The groups of a set, each in the order in which its plugins choose: the resolver's own order, of which it is looked at here
/// only that whoever needs another comes first.
fn ranked(candidates: &[Candidate], lock: &Lockfile) -> Vec<Vec<String>> {
    let (offers, loaded, options) = (BTreeMap::new(), BTreeMap::new(), Options::default());
    let held = |one: &Candidate| lock.get(one.id().as_str()).is_some_and(|row| row.holds(one));
    let locked = |id: &str| lock.get(id).is_some();
    let problem = Problem::new(&Input {
        candidates: candidates.iter().enumerate().collect(),
        offers: &offers,
        loaded: &loaded,
        options: &options,
        held: &held,
        locked: &locked,
        wanted: &|_| true,
    });
    let mut groups = Vec::new();
    for group in problem.groups() {
        let rank = rank(&problem, &group);
        let mut group = group;
        group.sort_by_key(|at| rank[at]);
        for (place, at) in group.iter().enumerate() {
            let needs = |at: usize| -> BTreeSet<usize> {
                let rules = problem.plugs[at].living().flat_map(|(_, release)| &release.rules);
                rules.filter(|rule| rule.needed).filter_map(|rule| rule.on).collect()
            };
            let reaches = |from: usize, to: usize| {
                let (mut seen, mut rest) = (BTreeSet::new(), vec![from]);
                while let Some(at) = rest.pop() {
                    rest.extend(needs(at).into_iter().filter(|on| seen.insert(*on)));
                }
                seen.contains(&to)
            };
            for before in &group[..place] {
                assert!(!reaches(*at, *before) || reaches_back(&problem, *before, *at), "{at} needs {before}");
            }
        }
        groups.push(group.into_iter().map(|at| problem.plugs[at].id.to_owned()).collect());
    }
    groups
}

/// Whether two plugins concern each other both ways, through anything that a version of theirs says.
fn reaches_back(problem: &Problem<'_>, from: usize, to: usize) -> bool {
    let (mut seen, mut rest) = (BTreeSet::new(), vec![from]);
    while let Some(at) = rest.pop() {
        for (_, release) in problem.plugs[at].living() {
            let rules = release.rules.iter().filter_map(|rule| rule.on);
            let choices = release.clauses.iter().flat_map(|clause| &problem.clauses[*clause].choices);
            rest.extend(rules.chain(choices.map(|(on, _)| *on)).filter(|on| seen.insert(*on)));
        }
    }
    seen.contains(&to)
}

#[track_caller]
fn check(seed: u64, candidates: &[Candidate], lock: &Lockfile) -> bool {
    let mut grouped: BTreeMap<&str, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        grouped.entry(candidate.id().as_str()).or_default().push(candidate);
    }
    grouped.values_mut().for_each(|versions| versions.sort_by_key(|one| Reverse(preference(one, lock))));
    let by_id: Vec<(&str, Vec<&Candidate>)> = grouped.into_iter().collect();
    let mut found = Vec::new();
    worlds(&by_id, &mut found, &mut World::new());

    let resolver = Resolver::new(candidates.to_vec()).prefer(lock.clone());
    let plan = resolver.plan();
    let shown = || format!("seed {seed}\n{plan}");
    let world: World<'_> = plan
        .order
        .iter()
        .map(|chosen| {
            let same = |one: &&Candidate| one.id().as_str() == chosen.id && *one.version() == chosen.version;
            let candidate = candidates.iter().find(same).unwrap();
            (candidate.id().as_str(), candidate)
        })
        .collect();
    assert!(consistent(&world), "what is taken does not go together: {}", shown());
    let left: BTreeSet<&str> = by_id.iter().map(|(id, _)| *id).filter(|id| !world.contains_key(id)).collect();
    assert_eq!(left, best_left_out(&found, &by_id, lock), "another set is better: {}", shown());
    // In the order in which they choose, none could have a better version while those before it keep theirs.
    for group in ranked(candidates, lock) {
        let versions = |world: &World<'_>| -> Vec<(bool, bool, Version)> {
            let of = |id: &String| world.get(id.as_str()).map(|one| preference(one, lock));
            group.iter().filter_map(of).map(|(locked, release, version)| (locked, release, version.clone())).collect()
        };
        let own = versions(&world);
        for other in found.iter().filter(|other| other.keys().eq(world.keys())) {
            assert!(own >= versions(other), "{group:?} could be better: {}", shown());
        }
    }
    // The order loads each after what it needs, and every reason is told.
    let place: BTreeMap<&str, usize> = plan.order.iter().enumerate().map(|(at, one)| (one.id.as_str(), at)).collect();
    for chosen in &plan.order {
        for link in chosen.links.iter().filter(|link| link.order) {
            assert!(
                place[link.id.as_str()] < place[chosen.id.as_str()],
                "{} before {}: {}",
                link.id,
                chosen.id,
                shown()
            );
        }
        assert!(
            chosen.passed_over.iter().all(|passed| !passed.why.starts_with("it does not go")),
            "{:?} {}",
            chosen.passed_over,
            shown()
        );
    }
    assert_eq!(plan.left_out.iter().map(|out| out.id.as_str()).collect::<BTreeSet<_>>(), left, "{}", shown());
    assert!(plan.left_out.iter().all(|out| !matches!(out.cause, Cause::Budget { .. })), "{}", shown());
    assert_eq!(plan.is_whole(), found.iter().any(|world| world.len() == by_id.len()), "{}", shown());
    // The same again, whatever the order in which they were found.
    let mut turned = candidates.to_vec();
    turned.reverse();
    assert_eq!(Resolver::new(turned).prefer(lock.clone()).plan().to_string(), plan.to_string(), "seed {seed}");
    let kept = Lockfile::of(&plan);
    assert_eq!(kept.order(), plan.order.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), "seed {seed}");
    assert_eq!(kept.to_string().parse::<Lockfile>().unwrap(), kept, "seed {seed}");
    kept.check(&resolver.clone().prefer(kept.clone()).plan()).unwrap_or_else(|error| panic!("{error}: {}", shown()));
    plan.is_whole()
}

#[test]
fn nothing_better_goes_together() {
    let (mut whole, count) = (0, 3000);
    for seed in 0..count {
        whole += u64::from(check(seed, &random::set(seed, 5), &Lockfile::default()));
    }
    assert!(whole > count / 20 && whole < count / 2, "{whole} of {count} sets go together as a whole");
}

#[test]
fn what_the_lockfile_holds_stays() {
    for seed in 0..1000 {
        let all = random::set(seed, 5);
        let some: Vec<Candidate> =
            all.iter().enumerate().filter(|(at, _)| at % 3 != 1).map(|(_, one)| one.clone()).collect();
        let lock = Lockfile::of(&Resolver::new(some).plan());
        check(seed, &all, &lock);
    }
}
