//! `modhost set`: a set of mods as a short text, and whether a folder holds it. Runs nothing, fetches nothing.

mod export;
mod import;

use crate::{
    answer::Answer,
    args::{Set, SetVerb},
};

/// The name of the text in errors of the engine.
const FILE: &str = "mod set";

/// Exports or imports.
pub(crate) fn set(args: &Set, json: bool) -> Answer {
    match &args.verb {
        SetVerb::Export(args) => export::export(args, json),
        SetVerb::Import(args) => import::import(args, json),
    }
}
