//! The choice held against a search over everything, on small sets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounded;
mod brute;
mod explain;
mod kept;
mod large;
mod query;
mod random;

use super::{Candidate, Plan, Resolver};
use crate::package::Manifest;

/// A candidate from its id, version and the rest of its manifest.
#[track_caller]
fn plugin(id: &str, version: &str, rest: &str) -> Candidate {
    let text = format!("[plugin]\nid = \"{id}\"\nversion = \"{version}\"\n{rest}");
    match Manifest::parse(text.as_bytes()) {
        Ok(manifest) => Candidate::new(manifest, format!("{id}-{version}")),
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// A resolver for plugins, each `id version` and the rest of its manifest, of a game that offers `world` 1.4.0.
#[track_caller]
fn resolver(plugins: &[(&str, &str)]) -> Resolver {
    let one = |(name, rest): &(&str, &str)| {
        let (id, version) = name.split_once(' ').unwrap_or((name, "1.0.0"));
        plugin(id, version, rest)
    };
    Resolver::new(plugins.iter().map(one).collect()).contract("world", "1.4.0".parse().unwrap())
}

/// `id version` of what is taken, in load order.
fn taken(plan: &Plan) -> Vec<String> {
    plan.order.iter().map(|chosen| format!("{} {}", chosen.id, chosen.version)).collect()
}
