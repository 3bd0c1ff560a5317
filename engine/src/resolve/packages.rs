//! [`resolve`]: the engine's way in, from vetted packages to those that will be loaded, in order.

use std::collections::BTreeMap;

use semver::Version;

use super::{Candidate, LeftOut, Options, Plan, Resolver};
use crate::{
    error::{Error, Stage},
    package::Package,
    verify::Vetted,
};

/// What will be loaded, in order, and what is left out and why.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// In load order.
    pub(crate) order: Vec<Vetted<Package>>,
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
}

/// Plans `packages`. `offers` says which version of a contract the host offers; `loaded` which plugins are there already.
/// Versions of a plugin that is taken in another one are neither loaded nor refused.
pub(crate) fn resolve(
    packages: Vec<Vetted<Package>>,
    offers: &dyn Fn(&str) -> Option<Version>,
    loaded: &BTreeMap<String, Version>,
    options: &Options,
) -> Planned {
    let candidates: Vec<Candidate> = packages.iter().map(|package| Candidate::of(package.get())).collect();
    let manifests = candidates.iter().filter_map(Candidate::manifest);
    let required = manifests.flat_map(|manifest| &manifest.requires).map(|need| need.name.as_str());
    let offered: BTreeMap<String, Version> =
        required.filter_map(|name| Some((name.to_owned(), offers(name)?))).collect();
    let mut resolver = Resolver::new(candidates).options(options.clone());
    for (name, version) in offered {
        resolver = resolver.contract(name, version);
    }
    for (id, version) in loaded {
        resolver = resolver.loaded(id, version.clone());
    }
    let plan = resolver.plan();
    let mut packages: Vec<Option<Vetted<Package>>> = packages.into_iter().map(Some).collect();
    let order = plan.order.iter().filter_map(|chosen| packages.get_mut(chosen.candidate)?.take()).collect();
    let refusal = |out: &LeftOut| Refusal {
        package: out.candidate,
        id: out.id.clone(),
        version: out.version.clone(),
        error: out.to_error(),
    };
    let mut refused: Vec<Refusal> = plan.left_out.iter().map(refusal).collect();
    if let Some(first) = plan.left_out.first() {
        refused.extend(plan.withheld.iter().map(|one| Refusal {
            package: Some(one.candidate),
            id: one.id.clone(),
            version: one.version.clone(),
            error: withheld_for(first, &one.id),
        }));
    }
    Planned { order, refused, plan }
}

fn withheld_for(first: &LeftOut, id: &str) -> Error {
    let message = format!("it is all or nothing, and {} cannot be loaded: {}", first.id, first.message);
    Error::new(first.code(), Stage::Resolve, message).of(id)
}
