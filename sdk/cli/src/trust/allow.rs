//! `modhost trust allow`: packages that are taken by their bytes.

use std::path::Path;

use modhost::{
    Result,
    package::{Caps, Package},
    verify::Allowed,
};

use super::place::change;
use crate::{
    answer::Answer,
    args::{Allow, usage},
};

/// Takes a package by its bytes, or no more.
pub(super) fn allow(args: &Allow, json: bool) -> Result<Answer> {
    if !args.what.starts_with("sha256:") {
        if args.plugin.is_some() {
            return Err(usage("--plugin belongs to a digest: a package says itself which plugin it is"));
        }
        let package = Package::open(Path::new(&args.what), &Caps::default())?;
        let about = (package.id().clone(), package.version().clone());
        return put(args, package.digest(), Some(about), json);
    }
    let digest = args.what.parse().map_err(|error| usage(format!("{error}")))?;
    if args.plugin.is_none() && !args.remove {
        let error = usage("of a digest alone nobody can tell which plugin it is");
        return Err(error.with_help("Say so: --plugin ID@VERSION."));
    }
    put(args, digest, args.plugin.clone(), json)
}

fn put(
    args: &Allow,
    digest: modhost::package::Digest,
    about: Option<(modhost::package::Id, semver::Version)>,
    json: bool,
) -> Result<Answer> {
    change(&args.store, json, |store| match about {
        Some((id, version)) if !args.remove => {
            let done = format!("allowed {id} {version}, {digest}");
            store.allow(Allowed::new(digest, id, version, args.note.as_deref().unwrap_or_default()))?;
            Ok(done)
        }
        _ => {
            let was = store.disallow(&digest)?;
            Ok(format!("allowed no more: {} {}, {digest}", was.id, was.version))
        }
    })
}
