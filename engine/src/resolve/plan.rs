//! [`Plan`]: what will be loaded, in order, and what is left out and why.

use std::collections::BTreeMap;

use semver::Version;

use super::{check, order};
use crate::{
    error::{Code, Error, Stage},
    package::Package,
    verify::Vetted,
};

/// What will be loaded, in order, and what is left out and why.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Dependencies first; each chain of them in the order of ids.
    pub(crate) order: Vec<Vetted<Package>>,
    /// What is left out: id, version and reason.
    pub(crate) refused: Vec<(String, Version, Error)>,
}

/// The packages that are still candidates, by id.
pub(super) type Candidates = BTreeMap<String, Vetted<Package>>;

/// Plans `packages`. `offers` says which version of a contract the host offers; `loaded` which plugins are there already.
/// What cannot be loaded is left out, and whatever needs it; the rest is not touched.
pub(crate) fn resolve(
    packages: Vec<Vetted<Package>>,
    offers: &dyn Fn(&str) -> Option<Version>,
    loaded: &BTreeMap<String, Version>,
) -> Plan {
    let mut plan = Plan::default();
    let mut candidates = Candidates::new();
    for package in packages {
        let id = package.get().id().to_string();
        if loaded.contains_key(&id) || candidates.contains_key(&id) {
            let version = package.get().version().clone();
            let message = format!(
                "there is another plugin `{id}` already; {version} at {} is left out",
                package.get().source().display()
            );
            plan.refused.push((
                id.clone(),
                version,
                Error::new(Code::PackageDuplicate, Stage::Resolve, message).of(id),
            ));
        } else {
            candidates.insert(id, package);
        }
    }
    // Leaving one out may break another, so look again until nothing changes. Each round removes at least one.
    loop {
        let refused: Vec<(String, Error)> = candidates
            .values()
            .filter_map(|package| {
                check::check(package.get(), &candidates, offers, loaded)
                    .err()
                    .map(|error| (package.get().id().to_string(), error))
            })
            .collect();
        if refused.is_empty() {
            match order::order(&mut candidates) {
                Ok(order) => {
                    plan.order = order;
                    return plan;
                }
                Err(cycle) => remove(&mut candidates, &mut plan, cycle),
            }
        } else {
            remove(&mut candidates, &mut plan, refused);
        }
    }
}

fn remove(candidates: &mut Candidates, plan: &mut Plan, refused: Vec<(String, Error)>) {
    for (id, error) in refused {
        if let Some(package) = candidates.remove(&id) {
            plan.refused.push((id.clone(), package.get().version().clone(), error.of(id)));
        }
    }
}
