//! The shape of a plugin that was examined, as `list`, `inspect` and `check` tell it with `--json`.

use std::path::Path;

use modhost::{
    Examination,
    backend::ExportInfo,
    package::{Alternative, Conflict, Dependency, Manifest, Provision, Requirement},
};
use serde::Serialize;

use super::body::ErrorBody;

/// What a plugin is and wants.
#[derive(Serialize)]
pub(crate) struct About<'a> {
    plugin: &'a str,
    version: String,
    path: String,
    description: Option<&'a str>,
    /// Its languages, in its own order.
    backends: Vec<&'a str>,
    /// Bytes of all files.
    bytes: u64,
    requires: Vec<Versioned<'a>>,
    depends: Vec<Need<'a>>,
    any_of: Vec<AnyOf<'a>>,
    conflicts: Vec<Versioned<'a>>,
    provides: Vec<Versioned<'a>>,
    capabilities: Vec<Capability<'a>>,
    listens: &'a [String],
    problems: Vec<ErrorBody<'a>>,
    /// Of several versions of a plugin, the one that counts, where it is not this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    instead: Option<String>,
    notes: &'a [String],
}

/// A name and the versions of it, or the one version.
#[derive(Serialize)]
pub(crate) struct Versioned<'a> {
    name: &'a str,
    version: String,
}

#[derive(Serialize)]
struct Need<'a> {
    name: &'a str,
    version: String,
    optional: bool,
    order: bool,
}

#[derive(Serialize)]
struct AnyOf<'a> {
    name: &'a str,
    choices: Vec<Versioned<'a>>,
}

#[derive(Serialize)]
struct Capability<'a> {
    name: &'a str,
    required: bool,
    granted: bool,
}

/// An export; what the language does not say is null.
#[derive(Serialize)]
pub(crate) struct Export<'a> {
    name: &'a str,
    signature: Option<String>,
    arity: Option<usize>,
}

impl<'a> About<'a> {
    pub(crate) fn of(one: &'a Examination) -> Self {
        let package = &one.package;
        let manifest = package.manifest();
        About {
            plugin: package.id().as_str(),
            version: package.version().to_string(),
            path: shown(package.source()),
            description: manifest.and_then(|manifest| manifest.about.description.as_deref()),
            backends: package.artefacts().iter().map(|artefact| artefact.kind.as_str()).collect(),
            bytes: package.bytes(),
            requires: each(manifest, |manifest| &manifest.requires, Versioned::required),
            depends: each(manifest, |manifest| &manifest.dependencies, Need::of),
            any_of: each(manifest, |manifest| &manifest.any_of, AnyOf::of),
            conflicts: each(manifest, |manifest| &manifest.conflicts, Versioned::refused),
            provides: each(manifest, |manifest| &manifest.provides, Versioned::provided),
            capabilities: one
                .asks
                .iter()
                .map(|asked| Capability {
                    name: asked.capability.as_str(),
                    required: asked.required,
                    granted: asked.granted,
                })
                .collect(),
            listens: manifest.map(|manifest| &manifest.listen[..]).unwrap_or_default(),
            problems: one.problems.iter().map(Into::into).collect(),
            instead: one.instead.as_ref().map(ToString::to_string),
            notes: package.notes(),
        }
    }
}

impl<'a> Versioned<'a> {
    fn required(need: &'a Requirement) -> Self {
        Versioned { name: &need.name, version: need.version.to_string() }
    }

    fn refused(foe: &'a Conflict) -> Self {
        Versioned { name: foe.id.as_str(), version: foe.version.to_string() }
    }

    fn provided(offer: &'a Provision) -> Self {
        Versioned { name: &offer.name, version: offer.version.to_string() }
    }
}

impl<'a> Need<'a> {
    fn of(need: &'a Dependency) -> Self {
        Need { name: need.id.as_str(), version: need.version.to_string(), optional: need.optional, order: need.order }
    }
}

impl<'a> AnyOf<'a> {
    fn of(need: &'a Alternative) -> Self {
        let choice =
            |choice: &'a Dependency| Versioned { name: choice.id.as_str(), version: choice.version.to_string() };
        AnyOf { name: &need.name, choices: need.choices.iter().map(choice).collect() }
    }
}

impl<'a> Export<'a> {
    pub(crate) fn of(export: &'a ExportInfo) -> Self {
        Export {
            name: &export.name,
            signature: export.signature.as_ref().map(ToString::to_string),
            arity: export.arity,
        }
    }
}

/// The entries of one table of the manifest; none without one.
fn each<'a, T: 'a, U>(
    manifest: Option<&'a Manifest>,
    table: impl Fn(&'a Manifest) -> &'a Vec<T>,
    shape: impl Fn(&'a T) -> U,
) -> Vec<U> {
    manifest.into_iter().flat_map(table).map(shape).collect()
}

/// A path as it is shown.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
