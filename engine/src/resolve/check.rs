//! Whether one plugin's needs are met by the host and by the plugins beside it.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};

use super::plan::Candidates;
use crate::{
    error::{Code, Error, Result, Stage},
    package::{Dependency, Manifest, Package, Requirement},
};

/// This engine's version, which a manifest's `engine` is held against.
const ENGINE: Version = Version::new(0, 1, 0);

pub(super) fn check(
    package: &Package,
    candidates: &Candidates,
    offers: &dyn Fn(&str) -> Option<Version>,
    loaded: &BTreeMap<String, Version>,
) -> Result<()> {
    let Some(manifest) = package.manifest() else { return Ok(()) };
    let there = |id: &str| candidates.get(id).map(|other| other.get().version()).or_else(|| loaded.get(id));
    engine(manifest)?;
    for need in &manifest.requires {
        contract(need, candidates, offers)?;
    }
    for need in &manifest.dependencies {
        dependency(need, there(need.id.as_str()))?;
    }
    for need in &manifest.any_of {
        let met = need
            .choices
            .iter()
            .any(|choice| there(choice.id.as_str()).is_some_and(|version| choice.version.matches(version)));
        if !met {
            let choices: Vec<String> =
                need.choices.iter().map(|choice| wanted(choice.id.as_str(), &choice.version)).collect();
            let message = format!("needs one of {} (any-of {}), and none is there", choices.join(", "), need.name);
            return Err(Error::new(Code::ResolveMissing, Stage::Resolve, message).at_place(need.at.clone()));
        }
    }
    for foe in &manifest.conflicts {
        if let Some(version) = there(foe.id.as_str()).filter(|version| foe.version.matches(version)) {
            let message = format!(
                "cannot be loaded together with {}, and {version} is there",
                wanted(foe.id.as_str(), &foe.version)
            );
            return Err(Error::new(Code::ResolveConflict, Stage::Resolve, message).at_place(foe.at.clone()));
        }
    }
    Ok(())
}

fn engine(manifest: &Manifest) -> Result<()> {
    match &manifest.engine {
        Some(need) if !need.version.matches(&ENGINE) => {
            let message = format!("needs modhost {}, this is {ENGINE}", need.version);
            Err(Error::new(Code::ResolveEngine, Stage::Resolve, message).at_place(need.at.clone()))
        }
        _ => Ok(()),
    }
}

fn contract(need: &Requirement, candidates: &Candidates, offers: &dyn Fn(&str) -> Option<Version>) -> Result<()> {
    let provided =
        candidates.values().filter_map(|other| other.get().manifest()).flat_map(|manifest| &manifest.provides);
    let mut versions: Vec<Version> =
        provided.filter(|offer| offer.name == need.name).map(|offer| offer.version.clone()).collect();
    versions.extend(offers(&need.name));
    if versions.iter().any(|version| need.version.matches(version)) {
        return Ok(());
    }
    let offered = match versions.first() {
        Some(version) => format!("this game offers {version}"),
        None => "this game offers no such contract".into(),
    };
    let message = format!("needs {} {}, {offered}", need.name, need.version);
    Err(Error::new(Code::ResolveContract, Stage::Resolve, message).at_place(need.at.clone()))
}

fn dependency(need: &Dependency, there: Option<&Version>) -> Result<()> {
    let (code, what) = match there {
        Some(version) if need.version.matches(version) => return Ok(()),
        None if need.optional => return Ok(()),
        Some(version) => (Code::ResolveUnsatisfiable, format!("{version} is there")),
        None => (Code::ResolveMissing, "it is not there, or was left out itself".into()),
    };
    let message = format!("needs {}, and {what}", wanted(need.id.as_str(), &need.version));
    Err(Error::new(code, Stage::Resolve, message).at_place(need.at.clone()))
}

fn wanted(id: &str, version: &VersionReq) -> String {
    if *version == VersionReq::STAR { id.into() } else { format!("{id} {version}") }
}
