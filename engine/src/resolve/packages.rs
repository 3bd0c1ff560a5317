//! [`resolve`]: the engine's way in, from vetted packages to those that will be loaded, in order.

use std::collections::BTreeMap;

use semver::Version;

use super::{Candidate, Digest, LeftOut, Lockfile, Options, Plan, Profile, Resolver, Selection, resolver::Standing};
use crate::{
    error::{Code, Error, Stage},
    package::Shelved,
    verify::Vetted,
};

/// What will be loaded, in order, and what is left out and why.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// In load order.
    pub(crate) order: Vec<Vetted<Shelved>>,
    /// What is left out.
    pub(crate) refused: Vec<Refusal>,
    /// The plan itself.
    pub(crate) plan: Plan,
}

/// A package that is left out.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Its index among those that were given.
    pub(crate) package: Option<usize>,
    pub(crate) id: String,
    pub(crate) version: Version,
    pub(crate) error: Error,
    /// The plugins that it is left out for.
    pub(crate) sake: Vec<String>,
}

/// What the host wants of a plan, beside that it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// Preferred.
    pub(crate) lock: Option<Lockfile>,
    /// Nothing but what it holds.
    pub(crate) profile: Option<Profile>,
    /// Nothing but these ids and what they need.
    pub(crate) only: Option<Vec<String>>,
    /// What lies there and cannot be taken, by id, and why.
    pub(crate) unfit: BTreeMap<String, String>,
}

/// Plans `packages`. `offers` says which version of a contract the host offers; `loaded` which plugins are there already.
/// Versions of a plugin that is taken in another one are neither loaded nor refused.
pub(crate) fn resolve(
    packages: Vec<Vetted<Shelved>>,
    offers: &dyn Fn(&str) -> Option<Version>,
    loaded: BTreeMap<String, Standing>,
    options: &Options,
    wish: &Wish,
) -> Planned {
    let mut packages: Vec<Option<Vetted<Shelved>>> = packages.into_iter().map(Some).collect();
    // Hashing takes as long as reading: only where somebody looks at the digests.
    let hashed = wish.lock.is_some() || wish.profile.is_some();
    let candidate = |package: &Vetted<Shelved>| {
        let candidate = Candidate::of(package.get());
        if hashed { candidate.with_digest(Digest::of(package.get())) } else { candidate }
    };
    let mut candidates: Vec<Candidate> = packages.iter().flatten().map(candidate).collect();
    let (mut absent, mut disabled) = (Vec::new(), Vec::new());
    if let Some(profile) = &wish.profile {
        let selection = profile.select(&candidates);
        packages = selection.places.iter().map(|place| packages.get_mut(*place)?.take()).collect();
        absent = selection.absent.iter().map(|(id, problem)| missing(profile, id, problem)).collect();
        (candidates, disabled) = (selection.candidates, selection.disabled);
    }
    let manifests = candidates.iter().filter_map(Candidate::manifest);
    let required = manifests.flat_map(|manifest| &manifest.requires).map(|need| need.name.as_str());
    let offered: BTreeMap<String, Version> =
        required.filter_map(|name| Some((name.to_owned(), offers(name)?))).collect();
    let mut resolver = Resolver::new(candidates).options(options.clone());
    for (name, version) in offered {
        resolver = resolver.contract(name, version);
    }
    resolver = resolver.with_loaded(loaded);
    for (id, why) in &wish.unfit {
        resolver = resolver.unfit(id, why);
    }
    for id in disabled {
        resolver = resolver.without(id);
    }
    if let Some(lock) = &wish.lock {
        resolver = resolver.prefer(lock.clone());
    }
    let plan = match &wish.only {
        Some(ids) => resolver.plan_for(&ids.iter().map(String::as_str).collect::<Vec<_>>()),
        None => resolver.plan(),
    };
    let order = plan.order.iter().filter_map(|chosen| packages.get_mut(chosen.candidate)?.take()).collect();
    let refusal = |out: &LeftOut| Refusal {
        package: out.candidate,
        id: out.id.clone(),
        version: out.version.clone(),
        error: out.to_error(),
        sake: out.sake.clone(),
    };
    let mut refused: Vec<Refusal> = absent;
    refused.extend(plan.left_out.iter().map(refusal));
    if let Some(first) = plan.left_out.first() {
        refused.extend(plan.withheld.iter().map(|one| Refusal {
            package: Some(one.candidate),
            id: one.id.clone(),
            version: one.version.clone(),
            error: withheld_for((&first.id, first.code(), &first.message), &one.id),
            sake: vec![first.id.clone()],
        }));
    }
    Planned { order, refused, plan }
}

/// The error of a plugin that is not taken because another one is not, of which this is known: all or nothing.
pub(crate) fn withheld_for((first, code, message): (&str, Code, &str), id: &str) -> Error {
    Error::new(code, Stage::Resolve, format!("it is all or nothing, and {first} cannot be loaded: {message}")).of(id)
}

/// A plugin of the profile that is not there.
fn missing(profile: &Profile, id: &str, problem: &str) -> Refusal {
    Refusal {
        package: None,
        id: id.to_owned(),
        version: profile.get(id).map_or(Version::new(0, 0, 0), |entry| entry.version.clone()),
        error: Selection::lacks(id, problem.to_owned()),
        sake: Vec::new(),
    }
}
