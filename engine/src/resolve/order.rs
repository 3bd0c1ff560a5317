//! The load order: dependencies first, then by id; and the circles that have none.

use super::plan::Candidates;
use crate::{
    error::{Code, Error, Stage},
    package::Package,
    verify::Vetted,
};

/// Takes the candidates out in load order, or names the plugins of one circle.
pub(super) fn order(candidates: &mut Candidates) -> Result<Vec<Vetted<Package>>, Vec<(String, Error)>> {
    let mut order: Vec<String> = Vec::with_capacity(candidates.len());
    // 0: not yet seen, 1: on the path, 2: placed.
    let mut seen: std::collections::BTreeMap<&str, u8> = candidates.keys().map(|id| (id.as_str(), 0)).collect();
    for root in candidates.keys() {
        // Depth first with a stack of our own: a chain of ten thousand plugins must not use up the thread's.
        let mut path: Vec<(&str, Vec<&str>)> = Vec::new();
        if seen.get(root.as_str()) == Some(&0) {
            seen.insert(root, 1);
            path.push((root, before(candidates, root)));
        }
        while let Some((id, needs)) = path.last_mut() {
            match needs.pop() {
                None => {
                    seen.insert(id, 2);
                    order.push((*id).to_owned());
                    path.pop();
                }
                Some(need) => match seen.get(need) {
                    Some(0) => {
                        seen.insert(need, 1);
                        let next = before(candidates, need);
                        path.push((need, next));
                    }
                    Some(1) => {
                        let start = path.iter().position(|(id, _)| *id == need).unwrap_or_default();
                        return Err(circle(&path[start..].iter().map(|(id, _)| *id).collect::<Vec<_>>()));
                    }
                    _ => {}
                },
            }
        }
    }
    Ok(order.iter().filter_map(|id| candidates.remove(id)).collect())
}

/// What is loaded before `id`, last first, so that the smallest is popped first.
fn before<'a>(candidates: &'a Candidates, id: &str) -> Vec<&'a str> {
    let manifest = candidates.get(id).and_then(|package| package.get().manifest());
    let dependencies = manifest.into_iter().flat_map(|manifest| &manifest.dependencies).filter(|need| need.order);
    let choices = manifest.into_iter().flat_map(|manifest| &manifest.any_of).flat_map(|need| &need.choices);
    let mut ids: Vec<&str> = dependencies
        .chain(choices)
        .filter_map(|need| candidates.get_key_value(need.id.as_str()).map(|(id, _)| id.as_str()))
        .collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids
}

fn circle(ids: &[&str]) -> Vec<(String, Error)> {
    let path = format!("{} -> {}", ids.join(" -> "), ids.first().copied().unwrap_or_default());
    let error =
        || Error::new(Code::ResolveCycle, Stage::Resolve, format!("plugins need each other in a circle: {path}"));
    ids.iter().map(|id| ((*id).to_owned(), error())).collect()
}
