//! From vetted bytes to an instance: inspect, map, link, create.

use std::sync::{Arc, atomic::AtomicUsize};

use modhost_backend::{ExportInfo, Fault, FaultKind, LoadRequest, Place};

use crate::{bridge::Bridge, inspect::inspected, instance::NativeInstance, library::Library};

/// Loads the entry of `request`; a library that is mapped and then not used is counted in `parked`.
pub(crate) fn load(request: &LoadRequest<'_>, parked: &Arc<AtomicUsize>) -> Result<NativeInstance, Fault> {
    let here = |fault: Fault| fault.at(Place::file(request.entry));
    let inspected = inspected(request.bytes()?).map_err(here)?;
    request.meter.verdict()?;
    let library = Library::open(&inspected, parked).map_err(here)?;
    let (exports, numbers) = exports(&library).map_err(here)?;
    let links = link(&library, request).map_err(here)?;
    let (guest, status) = library.create(Bridge::new(request, links));
    NativeInstance::new(guest, status, exports, numbers, request.meter.clone())
}

/// The exports sorted by name, and the plugin's number of each.
fn exports(library: &Library) -> Result<(Vec<ExportInfo>, Vec<u32>), Fault> {
    let broken = |message| Fault::new(FaultKind::NativeAbi { message });
    let mut exports = Vec::with_capacity(library.exports.len());
    for (number, (name, signature)) in (0..).zip(&library.exports) {
        if name.is_empty() {
            return Err(broken("the plugin exports a function without a name".to_owned()));
        }
        let mut info = ExportInfo::new(name);
        if !signature.is_empty() {
            let parsed = signature.parse().map_err(|error| broken(format!("the signature of `{name}`: {error}")))?;
            info = info.with_signature(parsed);
        }
        exports.push((info, number));
    }
    exports.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    if let Some(twice) = exports.windows(2).find(|pair| pair[0].0.name == pair[1].0.name) {
        return Err(broken(format!("the plugin exports `{}` twice", twice[0].0.name)));
    }
    Ok(exports.into_iter().unzip())
}

/// The plugin's imports as indices into the host's table.
fn link(library: &Library, request: &LoadRequest<'_>) -> Result<Vec<usize>, Fault> {
    let missing = |name: &String| Fault::new(FaultKind::MissingImport { name: name.clone() });
    library.imports.iter().map(|name| request.host.find(name).ok_or_else(|| missing(name))).collect()
}
