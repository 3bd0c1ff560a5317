//! What a manifest says of other plugins: `[dependencies]`, `[conflicts]`, `[any-of]` and the strings of `depends`.

use semver::{Version, VersionReq};

use super::{
    Alternative, Conflict, Dependency, Id,
    schema::{Item, quote},
};
use crate::{Code, Error, Result};

/// The longest version and the longest requirement that semver gets to see, in bytes.
pub(super) const LONGEST_VERSION: usize = 64;
const LONGEST_REQUIREMENT: usize = 256;

/// Reads `1.2.3`.
pub(super) fn version(item: Item<'_>) -> Result<Version> {
    let text = item.string()?;
    if text.len() > LONGEST_VERSION {
        let message = format!("a version has at most {LONGEST_VERSION} bytes");
        return Err(item.error(Code::ManifestVersion, message));
    }
    Version::parse(text).map_err(|error| {
        item.error(Code::ManifestVersion, format!("{} is not a version like 1.2.3: {error}", quote(text)))
    })
}

/// Reads `^1.2`, `>=1.2, <2` or `*`; a bare `1.2` is `^1.2`.
pub(super) fn requirement(item: Item<'_>) -> Result<VersionReq> {
    requirement_in(item, item.string()?)
}

fn requirement_in(item: Item<'_>, text: &str) -> Result<VersionReq> {
    if text.len() > LONGEST_REQUIREMENT {
        let message = format!("a version requirement has at most {LONGEST_REQUIREMENT} bytes");
        return Err(item.error(Code::ManifestVersion, message));
    }
    VersionReq::parse(text).map_err(|error| {
        item.error(Code::ManifestVersion, format!("{} is not a version requirement like ^1.2: {error}", quote(text)))
    })
}

/// Says how an id with a dot is written as a key, since TOML reads `acme.wolf = "1"` as a table `acme`.
fn quoting(error: Error, item: Item<'_>) -> Error {
    if !item.is_table() {
        return error;
    }
    error.with_help(format!("An id with a dot is written in quotes: \"{}.name\" = \"^1.2\".", item.key))
}

fn id(item: Item<'_>, text: &str, at_key: bool) -> Result<Id> {
    Id::new(text).map_err(|error| {
        let message = error.to_string();
        if at_key { item.error_at_key(Code::ManifestId, message) } else { item.error(Code::ManifestId, message) }
    })
}

/// One entry of `[dependencies]` or `[dev-dependencies]`.
pub(super) fn dependency(item: Item<'_>, table: &str) -> Result<Dependency> {
    let mut dependency = Dependency {
        id: id(item, item.key, true)?,
        version: VersionReq::STAR,
        optional: false,
        order: true,
        hidden: false,
        at: item.place(),
    };
    if !item.is_table() {
        dependency.version = requirement(item)?;
        return Ok(dependency);
    }
    let name = format!("[{table}.{}]", dependency.id);
    let keys = item.keys(&name, &["version", "optional", "order"]).map_err(|error| quoting(error, item))?;
    dependency.version = keys.read("version", requirement)?.unwrap_or(VersionReq::STAR);
    dependency.optional = keys.read("optional", |item| item.boolean())?.unwrap_or(false);
    dependency.order = keys.read("order", |item| item.boolean())?.unwrap_or(true);
    Ok(dependency)
}

/// One entry of `[conflicts]`.
pub(super) fn conflict(item: Item<'_>) -> Result<Conflict> {
    let id = id(item, item.key, true)?;
    let version = requirement(item).map_err(|error| quoting(error, item))?;
    Ok(Conflict { id, version, at: item.place() })
}

/// One entry of `[any-of]`.
pub(super) fn alternative(item: Item<'_>) -> Result<Alternative> {
    let choices = item.array()?.into_iter().map(|item| named(item, item.string()?)).collect::<Result<Vec<_>>>()?;
    if choices.is_empty() {
        return Err(item.error(Code::ManifestMissingKey, format!("{} names no plugin", quote(item.key))));
    }
    Ok(Alternative { name: super::parse::name(item, item.key, true)?, choices, at: item.place() })
}

/// What one string of `depends` says.
pub(super) enum Depends {
    Needs(Dependency),
    Conflicts(Conflict),
}

/// One string of `depends`: `! id` conflicts, `? id` is optional, `(?) id` optional and hidden, `~ id` needed but not
/// loaded first; each may be followed by a requirement.
pub(super) fn depends(item: Item<'_>) -> Result<Depends> {
    let text = item.string()?.trim();
    if let Some(rest) = text.strip_prefix('!') {
        let Dependency { id, version, at, .. } = named(item, rest)?;
        return Ok(Depends::Conflicts(Conflict { id, version, at }));
    }
    let (rest, optional, hidden, order) = if let Some(rest) = text.strip_prefix("(?)") {
        (rest, true, true, true)
    } else if let Some(rest) = text.strip_prefix('?') {
        (rest, true, false, true)
    } else if let Some(rest) = text.strip_prefix('~') {
        (rest, false, false, false)
    } else {
        (text, false, false, true)
    };
    Ok(Depends::Needs(Dependency { optional, hidden, order, ..named(item, rest)? }))
}

/// `id`, or `id requirement` with or without a space before an operator.
fn named(item: Item<'_>, text: &str) -> Result<Dependency> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_whitespace() || "<>=^~*".contains(c)).unwrap_or(text.len());
    let (name, version) = text.split_at(end);
    let version = match version.trim() {
        "" => VersionReq::STAR,
        version => requirement_in(item, version)?,
    };
    let id = id(item, name, false)?;
    Ok(Dependency { id, version, optional: false, order: true, hidden: false, at: item.place() })
}
