//! The picture: layout-rs places the boxes and bends the arrows, this file draws them, with a legend. Boxes that nothing leads to
//! or from stand below in rows.

use std::fmt::Write;

use layout::{
    core::{
        base::Orientation,
        format::{ClipHandle, RenderBackend},
        geometry::Point,
        style::{LineStyleKind, StyleAttr},
    },
    std_shapes::shapes::{Arrow, Element, LineEndKind, ShapeKind},
    topo::layout::VisualGraph,
};
use modhost::{Error, Result};

use super::model::{Kind, Model, Node, State};
use crate::args::usage;

/// The most boxes, arrows and bends of arrows that are placed: the time it takes grows faster than their square.
const MOST: usize = 800;

/// Pixels.
const CHAR: f64 = 7.3;
const LINE: f64 = 17.0;
const PAD: f64 = 10.0;
const MARGIN: f64 = 20.0;
const GAP: f64 = 16.0;
const WIDE: f64 = 900.0;
/// layout-rs makes a box of as many squares of this size as its text has characters.
const UNIT: usize = 10;

/// The colours of the languages, in the order of the legend.
const FILLS: [(&str, &str); 4] = [("lua", "#cfe2ff"), ("rhai", "#ffe0b8"), ("wasm", "#e0d4f7"), ("native", "#f9d0d4")];
const NONE: &str = "#ffffff";
/// The colours of trust: colour and width.
const BORDERS: [(&str, &str, u32); 3] =
    [("untrusted", "#57606a", 1), ("verified", "#1f6feb", 2), ("trusted", "#1a7f37", 3)];
const OUT: &str = "#c0392b";

/// What a box is filled with: its language.
pub(super) fn fill(node: &Node) -> &'static str {
    let known =
        FILLS.iter().find(|(backend, _)| node.state == State::Taken && Some(*backend) == node.backend.as_deref());
    known.map_or(NONE, |(_, colour)| colour)
}

/// The border of a box: its colour for the trust, whether it is dashed, its width.
pub(super) fn border(node: &Node) -> (&'static str, bool, u32) {
    if node.state != State::Taken {
        return (OUT, true, 2);
    }
    let known = BORDERS.iter().find(|(trust, ..)| Some(*trust) == node.trust.as_deref());
    known.map_or(("#57606a", false, 1), |(_, colour, width)| (colour, false, *width))
}

/// Draws.
///
/// # Errors
/// `usage` where there is more than can be laid out.
pub(super) fn draw(model: &Model) -> Result<String> {
    let mut linked = vec![false; model.nodes.len()];
    for edge in &model.edges {
        linked[edge.from] = true;
        linked[edge.to] = true;
    }
    let boxes = linked.iter().filter(|linked| **linked).count();
    let plain = boxes + model.edges.len();
    if plain > MOST || plain + bends(model) > MOST {
        return Err(too_many(boxes, model.edges.len()));
    }
    let mut canvas = Canvas { model, arrows: String::new(), boxes: String::new(), width: 0.0, height: 0.0 };
    if boxes > 0 {
        place(model, &linked, &mut canvas);
    }
    canvas.rows(&linked);
    Ok(canvas.finish())
}

/// How many rows the arrows pass, each of which takes a bend: with the rows that the library finds before it improves them.
fn bends(model: &Model) -> usize {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); model.nodes.len()];
    for edge in &model.edges {
        // Like the library, so that there is no circle.
        let back = reaches(&below, edge.to, edge.from);
        let (from, to) = if back { (edge.to, edge.from) } else { (edge.from, edge.to) };
        below[from].push(to);
    }
    let mut waits = vec![0; below.len()];
    below.iter().flatten().for_each(|to| waits[*to] += 1);
    let mut row = vec![0_usize; below.len()];
    let mut ready: Vec<usize> = (0..below.len()).filter(|node| waits[*node] == 0).collect();
    while let Some(node) = ready.pop() {
        for to in &below[node] {
            row[*to] = row[*to].max(row[node] + 1);
            waits[*to] -= 1;
            if waits[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    let passes = below.iter().enumerate().flat_map(|(from, tos)| tos.iter().map(move |to| (from, *to)));
    passes.map(|(from, to)| row[to].saturating_sub(row[from] + 1)).sum()
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

fn too_many(boxes: usize, edges: usize) -> Error {
    let message = format!("--format svg: {boxes} plugins with {edges} arrows among them are too much to lay out");
    usage(message)
        .with_help("Take --format dot, and let Graphviz draw it: `modhost graph DIR --format dot | dot -Tsvg`.")
}

/// Lets the library place what is linked; it calls the canvas for each box and arrow.
fn place(model: &Model, linked: &[bool], canvas: &mut Canvas<'_>) {
    let direction = Orientation::LeftToRight;
    let mut graph = VisualGraph::new(direction);
    let mut look = StyleAttr::simple();
    look.font_size = UNIT;
    let mut handles = vec![None; model.nodes.len()];
    for (at, node) in model.nodes.iter().enumerate().filter(|(at, _)| linked[*at]) {
        let (width, height) = size(node);
        let squares = |pixels: f64| (1..).find(|many: &usize| (*many * UNIT) as f64 >= pixels).unwrap_or(1);
        let row = "x".repeat(squares(width - 2.0 * PAD));
        let rows = vec![row; squares(height - 2.0 * PAD)].join("\n");
        let shape = ShapeKind::new_box(&rows);
        let element =
            Element::create_with_properties(shape, look.clone(), direction, Point::new(width, height), at.to_string());
        handles[at] = Some(graph.add_node(element));
    }
    for (at, edge) in model.edges.iter().enumerate() {
        if let (Some(from), Some(to)) = (handles[edge.from], handles[edge.to]) {
            let style = if edge.kind == Kind::Needs { LineStyleKind::Normal } else { LineStyleKind::Dashed };
            let mut arrow = Arrow::new(LineEndKind::None, LineEndKind::Arrow, style, "", &look, &None, &None);
            arrow.properties = Some(at.to_string());
            graph.add_edge(arrow, from, to);
        }
    }
    graph.do_it(false, false, false, canvas);
}

/// The lines of a box, and what it takes to hold them.
fn size(node: &Node) -> (f64, f64) {
    let cells = |text: &str| text.chars().map(|c| if c.is_ascii() { 1.0 } else { 2.0 }).sum::<f64>();
    (cells(&node.name()).max(cells(&node.about())) * CHAR + 2.0 * PAD, 2.0 * LINE + 2.0 * PAD)
}

/// What is drawn so far.
struct Canvas<'a> {
    model: &'a Model,
    arrows: String,
    boxes: String,
    width: f64,
    height: f64,
}

impl Canvas<'_> {
    fn grow(&mut self, x: f64, y: f64) {
        self.width = self.width.max(x);
        self.height = self.height.max(y);
    }

    fn draw_box(&mut self, node: &Node, x: f64, y: f64, width: f64, height: f64) {
        let (stroke, dashed, line) = border(node);
        let dashes = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let middle = x + width / 2.0;
        let top = y + height / 2.0 - 4.0;
        let (name, about) = (escape(&node.name()), escape(&node.about()));
        let ink = if node.state == State::Taken { "#57606a" } else { OUT };
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.boxes,
            "<g><title>{name}: {about}</title>\
             <rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\" fill=\"{}\" \
             stroke=\"{stroke}\" stroke-width=\"{line}\"{dashes}/>\
             <text x=\"{middle:.1}\" y=\"{top:.1}\" font-weight=\"bold\">{name}</text>\
             <text x=\"{middle:.1}\" y=\"{:.1}\" fill=\"{ink}\">{about}</text></g>",
            fill(node),
            top + LINE,
        );
        self.grow(x + width, y + height);
    }

    /// Those that nothing leads to or from, in rows.
    fn rows(&mut self, linked: &[bool]) {
        let model = self.model;
        let wide = self.width.max(WIDE);
        let (mut x, mut y) = (MARGIN, if self.height > 0.0 { self.height + 2.0 * GAP } else { MARGIN });
        for node in model.nodes.iter().zip(linked).filter(|(_, linked)| !**linked).map(|(node, _)| node) {
            let (width, height) = size(node);
            if x > MARGIN && x + width > wide {
                (x, y) = (MARGIN, y + height + GAP);
            }
            self.draw_box(node, x, y, width, height);
            x += width + GAP;
        }
    }

    /// The whole picture, with the legend of what is in it.
    fn finish(mut self) -> String {
        let y = self.height + 2.0 * GAP;
        let mut x = MARGIN;
        let mut legend = String::new();
        let shown = |node: &&Node| node.state == State::Taken;
        for (backend, colour) in FILLS {
            if self.model.nodes.iter().filter(shown).any(|node| node.backend.as_deref() == Some(backend)) {
                x += key(&mut legend, x, y, backend, (colour, "#57606a", 0, ""));
            }
        }
        for (trust, colour, line) in BORDERS {
            if self.model.nodes.iter().filter(shown).any(|node| node.trust.as_deref() == Some(trust)) {
                x += key(&mut legend, x, y, trust, (NONE, colour, line, ""));
            }
        }
        if self.model.nodes.iter().any(|node| node.state != State::Taken) {
            x += key(&mut legend, x, y, "left out, refused, not there", (NONE, OUT, 2, " stroke-dasharray=\"6 4\""));
        }
        self.grow(x, y + LINE);
        let (width, height) = (self.width + MARGIN, self.height + MARGIN);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"monospace\" font-size=\"12\" fill=\"#1b1f24\">\n\
             <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"10\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" \
             orient=\"auto-start-reverse\"><path d=\"M0 0L10 5L0 10z\" fill=\"#57606a\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <g fill=\"none\" stroke-width=\"1.5\">\n{}</g>\n<g text-anchor=\"middle\">\n{}</g>\n<g>\n{legend}</g>\n</svg>\n",
            self.arrows, self.boxes
        )
    }
}

/// One entry of the legend; gives its width.
fn key(legend: &mut String, x: f64, y: f64, word: &str, look: (&str, &str, u32, &str)) -> f64 {
    let (fill, stroke, line, dashes) = look;
    // Writing to a string cannot fail.
    let _ = writeln!(
        legend,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"24\" height=\"14\" rx=\"3\" fill=\"{fill}\" stroke=\"{stroke}\" \
         stroke-width=\"{line}\"{dashes}/><text x=\"{:.1}\" y=\"{:.1}\">{word}</text>",
        x + 30.0,
        y + 11.0
    );
    30.0 + word.chars().count() as f64 * CHAR + 2.0 * GAP
}

/// The library draws into this. It is asked for boxes, which are known by their place in the model, and for arrows; nothing else
/// is in these graphs.
impl RenderBackend for Canvas<'_> {
    fn draw_rect(&mut self, xy: Point, size: Point, _: &StyleAttr, properties: Option<String>, _: Option<ClipHandle>) {
        let model = self.model;
        let node = properties.and_then(|at| at.parse::<usize>().ok()).and_then(|at| model.nodes.get(at));
        if let Some(node) = node {
            self.draw_box(node, xy.x, xy.y, size.x, size.y);
        }
    }

    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_text(&mut self, _: Point, _: &str, _: &StyleAttr) {}

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        dashed: bool,
        (start, end): (bool, bool),
        _: &StyleAttr,
        properties: Option<String>,
        _: &str,
    ) {
        let model = self.model;
        let Some(edge) = properties.and_then(|at| at.parse::<usize>().ok()).and_then(|at| model.edges.get(at)) else {
            return;
        };
        let [(from, control), (second, to), rest @ ..] = path else { return };
        let mut line = format!(
            "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            from.x, from.y, control.x, control.y, second.x, second.y, to.x, to.y
        );
        self.grow(to.x, to.y);
        for (control, to) in rest {
            // Writing to a string cannot fail.
            let _ = write!(line, "S{:.1} {:.1} {:.1} {:.1}", control.x, control.y, to.x, to.y);
            self.grow(to.x, to.y);
        }
        let colour = if edge.kind == Kind::Sake { OUT } else { "#57606a" };
        let dashes = if dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let head = |wanted, side| if wanted { format!(" marker-{side}=\"url(#head)\"") } else { String::new() };
        let title = format!(
            "{} {} {} {}",
            model.nodes[edge.from].name(),
            match edge.kind {
                Kind::Needs => "needs",
                Kind::Optional => "can use",
                Kind::Sake => "is left out for",
            },
            model.nodes[edge.to].plugin,
            edge.requirement
        );
        let _ = writeln!(
            self.arrows,
            "<path d=\"{line}\" stroke=\"{colour}\"{dashes}{}{}><title>{}</title></path>",
            head(start, "start"),
            head(end, "end"),
            escape(title.trim_end())
        );
    }

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

/// As text of XML, which knows neither control characters nor the two that are none.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => safe.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => safe.push(char::REPLACEMENT_CHARACTER),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::graph::model::Edge;

    #[test]
    fn nothing_ends_a_text() {
        for (text, safe) in [
            ("wolf 1.0.0", "wolf 1.0.0"),
            ("</title><script>", "&lt;/title&gt;&lt;script&gt;"),
            ("a\"b'&c", "a&quot;b&#39;&amp;c"),
            ("\u{1}\u{ffff}", "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(escape(text), safe);
        }
    }

    /// A graph of `nodes` and of edges between them, as a hostile folder could ask for it.
    fn model(nodes: usize, mut edges: Vec<(usize, usize)>) -> Model {
        edges.sort_unstable();
        edges.dedup();
        let node = |at: usize| Node {
            plugin: format!("p{at}"),
            version: Some("1.0.0".into()),
            state: [State::Taken, State::LeftOut, State::Missing][at % 3],
            backend: Some("lua".into()),
            trust: Some("untrusted".into()),
            code: None,
        };
        let edge = |(from, to)| Edge { from, to, kind: Kind::Needs, requirement: "^1".into() };
        Model { nodes: (0..nodes).map(node).collect(), edges: edges.into_iter().map(edge).collect() }
    }

    /// Draws it: every plugin has its box, and no two boxes meet.
    fn check(about: &str, model: &Model) {
        let svg = draw(model).unwrap();
        assert_eq!(svg, draw(model).unwrap(), "{about}: twice the same");
        let number = |tag: &str, name: &str| -> f64 {
            let rest = tag.split_once(&format!(" {name}=\"")).unwrap().1;
            rest.split_once('"').unwrap().0.parse().unwrap()
        };
        let boxes: Vec<[f64; 4]> = svg
            .split("<rect ")
            .filter(|tag| tag.contains("rx=\"6\""))
            .map(|tag| format!(" {tag}"))
            .map(|tag| ["x", "y", "width", "height"].map(|name| number(&tag, name)))
            .collect();
        assert_eq!(boxes.len(), model.nodes.len(), "{about}");
        assert_eq!(svg.matches("<path d=\"M").count(), model.edges.len() + 1, "{about}: with the marker's");
        for (at, [x, y, width, height]) in boxes.iter().enumerate() {
            for [x2, y2, width2, height2] in &boxes[at + 1..] {
                let apart = x + width < *x2 || x2 + width2 < *x || y + height < *y2 || y2 + height2 < *y;
                assert!(apart, "{about}: {x} {y} and {x2} {y2}");
            }
        }
    }

    #[test]
    fn whatever_the_graph_each_box_has_its_place() {
        check("nothing", &model(0, vec![]));
        check("apart", &model(300, vec![]));
        check("chain", &model(350, (1..350).map(|at| (at, at - 1)).collect()));
        check("hub", &model(350, (1..350).map(|at| (at, 0)).collect()));
        check("long", &model(30, (1..30).flat_map(|at| [(at, at - 1), (at, at / 3), (at, 0)]).collect()));
        check(
            "two rows",
            &model(
                100,
                (1..60).flat_map(|at| [(at, 60 + at % 40), (at, 60 + at * 7 % 40), (at, 60 + at * 3 % 40)]).collect(),
            ),
        );
        check("circle", &model(12, (0..12).map(|at| (at, (at + 1) % 12)).collect()));
        let all = |nodes: usize| (0..nodes).flat_map(move |from| (0..nodes).map(move |to| (from, to)));
        check("each to each", &model(9, all(9).filter(|(from, to)| from != to).collect()));
        let mut seed = 7_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for round in 0..60 {
            let nodes = 2 + next(20);
            let many = next(25);
            let edges = (0..many).map(|_| (next(nodes), next(nodes))).filter(|(from, to)| from != to).collect();
            check(&format!("random {round}"), &model(nodes, edges));
        }
    }

    #[test]
    fn too_much_is_refused() {
        let long = (1..60).flat_map(|at| [(at, at - 1), (at, 0)]).collect();
        for much in [model(500, (1..500).map(|at| (at, 0)).collect()), model(60, long)] {
            let error = draw(&much).unwrap_err();
            assert_eq!(error.code(), modhost::Code::Usage);
        }
    }
}
