//! [`Places`]: where the boxes of a graph stand and which way its arrows go. dagre finds out, in columns from left to right.

use std::collections::BTreeMap;

use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir, graph::Graph, graph::GraphOptions};

use super::super::model::{Edge, Kind, Model};

/// The most that is placed: boxes, arrows three times, since these cost most, and the columns that arrows pass, each of which takes
/// a bend. The worst that was found within this took four seconds, and beyond it grows with the square and faster.
const MOST: usize = 8000;

/// Pixels between boxes of a column, between arrows that pass it, and between two columns.
const NODES: f64 = 18.0;
const EDGES: f64 = 10.0;
const COLUMNS: f64 = 70.0;

/// A point, in pixels from the left and from the top.
pub(super) type Point = (f64, f64);

/// Where everything is.
pub(super) struct Places {
    /// The left upper corner of each box; none where nothing leads to a box or from it.
    pub(super) boxes: Vec<Option<Point>>,
    /// The way of each arrow, from border to border: straight from each even point to the next, which is through a column, and
    /// bent from each odd one, which is from a column to the next. So no arrow runs behind a box.
    pub(super) arrows: Vec<Vec<Point>>,
}

/// There is more than can be placed: so many boxes, so many arrows.
pub(super) struct TooMany(pub(super) usize, pub(super) usize);

/// Places boxes of these sizes.
pub(super) fn place(model: &Model, sizes: &[Point]) -> Result<Places, TooMany> {
    let mut linked = vec![false; model.nodes.len()];
    model.edges.iter().for_each(|edge| (linked[edge.from], linked[edge.to]) = (true, true));
    let boxes = linked.iter().filter(|linked| **linked).count();
    let plain = boxes + 3 * model.edges.len();
    if plain > MOST || plain + bends(model) > MOST {
        return Err(TooMany(boxes, model.edges.len()));
    }
    let mut graph: Graph<NodeLabel, EdgeLabel> =
        Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    for (at, (width, height)) in sizes.iter().enumerate().filter(|(at, _)| linked[*at]) {
        graph.set_node(at.to_string(), Some(NodeLabel { width: *width, height: *height, ..NodeLabel::default() }));
    }
    for (at, edge) in model.edges.iter().enumerate() {
        let (from, to) = (edge.from.to_string(), edge.to.to_string());
        graph.set_edge(from, to, Some(EdgeLabel::default()), Some(&at.to_string()));
    }
    if boxes > 0 {
        let options = LayoutOptions {
            rankdir: RankDir::LR,
            nodesep: NODES,
            edgesep: EDGES,
            ranksep: COLUMNS,
            ..LayoutOptions::default()
        };
        dagre::layout(&mut graph, Some(options));
    }
    let middle = |at: usize| {
        let node = graph.node(&at.to_string())?;
        Some((node.x?, node.y?))
    };
    let mut columns: BTreeMap<i64, f64> = BTreeMap::new();
    for (at, (width, _)) in sizes.iter().enumerate() {
        if let Some((x, _)) = middle(at) {
            let half = columns.entry(column(x)).or_default();
            *half = half.max(width / 2.0);
        }
    }
    let corner = |(at, (width, height)): (usize, &Point)| {
        let (x, y) = middle(at)?;
        Some((x - width / 2.0, y - height / 2.0))
    };
    let way = |(at, edge): (usize, &Edge)| {
        let found = graph.edge(&edge.from.to_string(), &edge.to.to_string(), Some(&at.to_string()));
        let points = found.map(|edge| &edge.points[..]).unwrap_or_default();
        let beside = |(x, y): Point| (x, y + beside(edge.kind));
        let ends = (middle(edge.from).map(beside), middle(edge.to).map(beside));
        let ((Some(start), Some(end)), [_, inner @ .., _]) = (ends, points) else {
            return Vec::new();
        };
        // An arrow of a circle may lead back.
        let ahead = if end.0 < start.0 { -1.0 } else { 1.0 };
        let side = |(x, y): Point, half: f64| (x + ahead * half, y);
        let through = |(x, y): Point| columns.get(&column(x)).map(|half| (*half, (x, y)));
        let mut way = vec![side(start, sizes[edge.from].0 / 2.0)];
        way.extend(through(start).map(|(half, start)| side(start, half)));
        let inner = inner.iter().filter_map(|point| through((point.x, point.y)));
        way.extend(inner.flat_map(|(half, point)| [side(point, -half), side(point, half)]));
        way.extend(through(end).map(|(half, end)| side(end, -half)));
        way.push(side(end, -sizes[edge.to].0 / 2.0));
        way
    };
    Ok(Places {
        boxes: sizes.iter().enumerate().map(corner).collect(),
        arrows: model.edges.iter().enumerate().map(way).collect(),
    })
}

/// Arrows of a kind end a little beside those of another, so that no head hides another's.
fn beside(kind: Kind) -> f64 {
    match kind {
        Kind::Needs => 0.0,
        Kind::Optional => -13.0,
        Kind::Sake => 13.0,
    }
}

/// What stands in one column has its middle in one place, but for rounding.
fn column(x: f64) -> i64 {
    x.round() as i64
}

/// How many columns the arrows pass, if each box stands as far to the left as it can.
fn bends(model: &Model) -> usize {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); model.nodes.len()];
    for edge in &model.edges {
        // Turned round where it would close a circle.
        let back = reaches(&below, edge.to, edge.from);
        let (from, to) = if back { (edge.to, edge.from) } else { (edge.from, edge.to) };
        below[from].push(to);
    }
    let mut waits = vec![0; below.len()];
    below.iter().flatten().for_each(|to| waits[*to] += 1);
    let mut place = vec![0_usize; below.len()];
    let mut ready: Vec<usize> = (0..below.len()).filter(|node| waits[*node] == 0).collect();
    while let Some(node) = ready.pop() {
        for to in &below[node] {
            place[*to] = place[*to].max(place[node] + 1);
            waits[*to] -= 1;
            if waits[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    let passes = below.iter().enumerate().flat_map(|(from, tos)| tos.iter().map(move |to| (from, *to)));
    passes.map(|(from, to)| place[to].saturating_sub(place[from] + 1)).sum()
}

fn reaches(below: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; below.len()];
    let mut rest = vec![from];
    while let Some(node) = rest.pop() {
        if node == to {
            return true;
        }
        if !std::mem::replace(&mut seen[node], true) {
            rest.extend(&below[node]);
        }
    }
    false
}
