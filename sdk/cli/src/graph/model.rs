//! [`Model`]: what a graph shows, before it is drawn: plugins, those that are missing, and who uses whom.

use std::collections::BTreeMap;

use modhost::resolve::{Cause, LinkKind, Plan};
use serde::Serialize;

use crate::{folder::Folder, layout::safe};

/// The longest name or requirement in a drawing, in characters.
const LONGEST: usize = 60;

/// A graph.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Those that are taken in load order, then those that are left out, then those that are not there.
    pub(super) nodes: Vec<Node>,
    /// Each once, in the order of their first ends.
    pub(super) edges: Vec<Edge>,
}

/// A plugin, there or not.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    pub(super) plugin: String,
    pub(super) version: Option<String>,
    pub(super) state: State,
    pub(super) backend: Option<String>,
    pub(super) trust: Option<String>,
    /// The code for which it is left out or would be refused.
    pub(super) code: Option<&'static str>,
}

/// What becomes of a plugin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    Taken,
    /// The plan takes it, and the policy gives it no box.
    Refused,
    LeftOut,
    /// It goes together with others, and is not taken because it is all or nothing.
    Withheld,
    /// It is needed and not there.
    Missing,
}

/// One uses another, or is left out for it.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
    /// Which versions fit; empty where it does not matter.
    pub(super) requirement: String,
}

/// What an edge means.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Needs,
    Optional,
    /// It is left out for it.
    Sake,
}

impl Node {
    /// `wolf 1.2.0`.
    pub(super) fn name(&self) -> String {
        let version = self.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        format!("{}{version}", short(&self.plugin))
    }

    /// `lua, untrusted`, `left out: resolve.missing`.
    pub(super) fn about(&self) -> String {
        let code = self.code.unwrap_or_default();
        match self.state {
            State::Taken => {
                format!("{}, {}", self.backend.as_deref().unwrap_or("-"), self.trust.as_deref().unwrap_or("-"))
            }
            State::Refused => format!("refused: {code}"),
            State::LeftOut => format!("left out: {code}"),
            State::Withheld => "withheld: all or nothing".into(),
            State::Missing => "not there".into(),
        }
    }
}

/// A text of an author, harmless and short enough to be drawn.
fn short(text: &str) -> String {
    let safe = safe(text);
    if safe.chars().count() <= LONGEST {
        safe.into()
    } else {
        safe.chars().take(LONGEST - 3).chain("...".chars()).collect()
    }
}

impl Model {
    /// The graph of a plan.
    pub(super) fn of(folder: &Folder, plan: &Plan) -> Self {
        let mut model = Model::default();
        // Of one id, the taken one first: edges lead there.
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for chosen in plan.order.iter().chain(&plan.withheld) {
            let (id, version) = (&chosen.id, &chosen.version);
            let refused = folder.refusal(id, version).map(|error| error.code().as_str());
            let state = match refused {
                _ if plan.get(id).is_none() => State::Withheld,
                Some(_) => State::Refused,
                None => State::Taken,
            };
            places.entry(id.clone()).or_insert(model.nodes.len());
            model.nodes.push(Node {
                plugin: id.clone(),
                version: Some(version.to_string()),
                state,
                backend: folder.backend(id, version).map(str::to_owned),
                trust: folder.trust(id, version).map(ToString::to_string),
                code: refused.filter(|_| state == State::Refused),
            });
        }
        let first_out = model.nodes.len();
        for out in folder.left_out(plan) {
            let plugin = out.plugin.unwrap_or_else(|| "?".into());
            places.entry(plugin.clone()).or_insert(model.nodes.len());
            model.nodes.push(Node {
                plugin,
                version: out.version,
                state: State::LeftOut,
                backend: None,
                trust: None,
                code: Some(out.error.get().code().as_str()),
            });
        }
        model.link(plan, first_out, &mut places);
        model.edges.sort();
        model.edges.dedup();
        model
    }

    fn link(&mut self, plan: &Plan, first_out: usize, places: &mut BTreeMap<String, usize>) {
        for (from, chosen) in plan.order.iter().chain(&plan.withheld).enumerate() {
            for link in &chosen.links {
                let Some(to) = places.get(&link.id).copied().filter(|to| *to != from) else { continue };
                let kind = if link.kind == LinkKind::Optional { Kind::Optional } else { Kind::Needs };
                self.edges.push(Edge { from, to, kind, requirement: short(&link.requirement) });
            }
        }
        // The left out stand in the plan's order, behind those that are taken.
        for (from, out) in (first_out..).zip(&plan.left_out) {
            let mut needs: Vec<(&String, &str)> = Vec::new();
            match &out.cause {
                Cause::Missing { id, requirement } => {
                    needs.push((id, requirement));
                    places.entry(id.clone()).or_insert_with(|| {
                        self.nodes.push(Node {
                            plugin: id.clone(),
                            version: None,
                            state: State::Missing,
                            backend: None,
                            trust: None,
                            code: None,
                        });
                        self.nodes.len() - 1
                    });
                }
                Cause::LeftOut { id, requirement }
                | Cause::NoVersion { id, requirement, .. }
                | Cause::OnlyPrereleases { id, requirement, .. }
                | Cause::Revoked { id, requirement, .. }
                | Cause::Held { id, requirement, .. } => needs.push((id, requirement)),
                Cause::Cycle { path } => {
                    if let Some(next) = path.get(1).or(path.first()) {
                        needs.push((next, ""));
                    }
                }
                _ => {}
            }
            for (id, requirement) in &needs {
                if let Some(to) = places.get(*id).copied().filter(|to| *to != from) {
                    self.edges.push(Edge { from, to, kind: Kind::Needs, requirement: short(requirement) });
                }
            }
            let sake = out.sake.iter().filter(|id| !needs.iter().any(|(need, _)| need == id));
            let sake = sake.filter_map(|id| places.get(id).copied()).filter(|to| *to != from);
            self.edges.extend(sake.map(|to| Edge { from, to, kind: Kind::Sake, requirement: String::new() }));
        }
    }

    /// A plugin, what it uses and what uses it, through others too. `None` where there is no such plugin.
    pub(super) fn around(self, id: &str) -> Option<Self> {
        let starts: Vec<usize> = (0..self.nodes.len()).filter(|at| self.nodes[*at].plugin == id).collect();
        let mut kept = vec![false; self.nodes.len()];
        for back in [false, true] {
            let mut next: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
            for edge in &self.edges {
                let (from, to) = if back { (edge.to, edge.from) } else { (edge.from, edge.to) };
                next[from].push(to);
            }
            let mut seen = vec![false; self.nodes.len()];
            let mut rest = starts.clone();
            while let Some(at) = rest.pop() {
                kept[at] = true;
                if !std::mem::replace(&mut seen[at], true) {
                    rest.extend(&next[at]);
                }
            }
        }
        // Where each goes.
        let mut places = Vec::with_capacity(kept.len());
        kept.iter().fold(0, |place, kept| {
            places.push(place);
            place + usize::from(*kept)
        });
        let edges = self.edges.into_iter().filter(|edge| kept[edge.from] && kept[edge.to]);
        let edges = edges.map(|edge| Edge { from: places[edge.from], to: places[edge.to], ..edge }).collect();
        let nodes = self.nodes.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(node, _)| node).collect();
        (!starts.is_empty()).then_some(Model { nodes, edges })
    }

    /// What a node leads to, in order.
    pub(super) fn from(&self, node: usize) -> &[Edge] {
        let start = self.edges.partition_point(|edge| edge.from < node);
        let end = self.edges.partition_point(|edge| edge.from <= node);
        &self.edges[start..end]
    }
}
