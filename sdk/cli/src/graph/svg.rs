//! The picture: boxes and arrows where `place` puts them, with a legend. Boxes that nothing leads to or from stand below in rows.

mod place;

use std::fmt::Write;

use modhost::{Error, Result, Shown};

use super::model::{Edge, Kind, Model, Node, State};
use crate::{args::usage, layout::Text};
use place::{Point, TooMany, place};

/// Pixels.
const CHAR: f64 = 7.3;
const LINE: f64 = 17.0;
const PAD: f64 = 10.0;
const MARGIN: f64 = 20.0;
const GAP: f64 = 16.0;
const WIDE: f64 = 900.0;
/// From the sign in the legend to its word.
const KEY: f64 = 30.0;

/// The colours of the languages, in the order of the legend.
const FILLS: [(&str, &str); 4] = [("lua", "#cfe2ff"), ("rhai", "#ffe0b8"), ("wasm", "#e0d4f7"), ("native", "#f9d0d4")];
const NONE: &str = "#ffffff";
/// The colours of trust: colour and width.
const BORDERS: [(&str, &str, u32); 3] = [("untrusted", INK, 1), ("verified", "#1f6feb", 2), ("trusted", "#1a7f37", 3)];
const OUT: &str = "#c0392b";
const INK: &str = "#57606a";

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
    known.map_or((INK, false, 1), |(_, colour, width)| (colour, false, *width))
}

/// Draws.
///
/// # Errors
/// `usage` where there is more than can be laid out.
pub(super) fn draw(model: &Model) -> Result<Text> {
    let sizes: Vec<Point> = model.nodes.iter().map(size).collect();
    let places = place(model, &sizes).map_err(too_many)?;
    let mut canvas = Canvas { model, arrows: String::new(), boxes: String::new(), width: 0.0, height: 0.0 };
    for ((node, size), corner) in model.nodes.iter().zip(&sizes).zip(&places.boxes) {
        if let Some((x, y)) = corner {
            canvas.draw_box(node, (x + MARGIN, y + MARGIN), *size);
        }
    }
    for (edge, way) in model.edges.iter().zip(&places.arrows) {
        canvas.draw_arrow(edge, way);
    }
    canvas.rows(&sizes, &places.boxes);
    Ok(canvas.finish())
}

fn too_many(TooMany(boxes, arrows): TooMany) -> Error {
    let message = format!("--format svg: {boxes} plugins with {arrows} arrows among them are too much to lay out");
    usage(message).with_help(
        "Draw one plugin with what it uses and what uses it: --of ID. Or let Graphviz draw all: --format dot.",
    )
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

    fn draw_box(&mut self, node: &Node, (x, y): Point, (width, height): Point) {
        let (stroke, dashed, line) = border(node);
        let dashes = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let middle = x + width / 2.0;
        let top = y + height / 2.0 - 4.0;
        let (name, about) = (escape(&node.name()), escape(&node.about()));
        let ink = if node.state == State::Taken { INK } else { OUT };
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

    fn draw_arrow(&mut self, edge: &Edge, way: &[Point]) {
        let (mut line, model) = (String::new(), self.model);
        let mut before: Option<Point> = None;
        for (at, (x, y)) in way.iter().map(|(x, y)| (x + MARGIN, y + MARGIN)).enumerate() {
            self.grow(x, y);
            // Writing to a string cannot fail.
            let _ = match before.filter(|_| at % 2 == 0) {
                None => write!(line, "{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" }),
                Some((from, height)) => {
                    let half = (from + x) / 2.0;
                    write!(line, "C{half:.1} {height:.1} {half:.1} {y:.1} {x:.1} {y:.1}")
                }
            };
            before = Some((x, y));
        }
        let Arrow { head, colour, dashes, .. } = arrow(edge.kind);
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
            "<path d=\"{line}\" stroke=\"{colour}\"{dashes} marker-end=\"url(#{head})\"><title>{}</title></path>",
            escape(title.trim_end())
        );
    }

    /// Those that nothing leads to or from, in rows.
    fn rows(&mut self, sizes: &[Point], places: &[Option<Point>]) {
        let wide = self.width.max(WIDE);
        let (mut x, mut y) = (MARGIN, if self.height > 0.0 { self.height + 2.0 * GAP } else { MARGIN });
        for ((node, size), _) in self.model.nodes.iter().zip(sizes).zip(places).filter(|(_, place)| place.is_none()) {
            if x > MARGIN && x + size.0 > wide {
                (x, y) = (MARGIN, y + size.1 + GAP);
            }
            self.draw_box(node, (x, y), *size);
            x += size.0 + GAP;
        }
    }

    /// The whole picture, with the legend of what is in it.
    fn finish(mut self) -> Text {
        let y = self.height + 2.0 * GAP;
        let mut x = MARGIN;
        let mut legend = String::new();
        let shown = |node: &&Node| node.state == State::Taken;
        for (backend, colour) in FILLS {
            if self.model.nodes.iter().filter(shown).any(|node| node.backend.as_deref() == Some(backend)) {
                x += key(&mut legend, x, y, backend, (colour, INK, 0, ""));
            }
        }
        for (trust, colour, line) in BORDERS {
            if self.model.nodes.iter().filter(shown).any(|node| node.trust.as_deref() == Some(trust)) {
                x += key(&mut legend, x, y, trust, (NONE, colour, line, ""));
            }
        }
        if self.model.nodes.iter().any(|node| node.state != State::Taken) {
            x += key(&mut legend, x, y, "not loaded", (NONE, OUT, 2, " stroke-dasharray=\"6 4\""));
        }
        let kinds = [Kind::Needs, Kind::Optional, Kind::Sake];
        let kinds = kinds.into_iter().filter(|kind| self.model.edges.iter().any(|edge| edge.kind == *kind));
        for Arrow { head, colour, dashes, word } in kinds.map(arrow) {
            // Writing to a string cannot fail.
            let _ = writeln!(
                legend,
                "<path d=\"M{x:.1} {0:.1}h24\" stroke=\"{colour}\" stroke-width=\"1.5\"{dashes} marker-end=\"url(#{head})\"/>\
                 <text x=\"{1:.1}\" y=\"{2:.1}\">{word}</text>",
                y + 7.0,
                x + KEY,
                y + 11.0
            );
            x += key_width(word);
        }
        self.grow(x, y + LINE);
        let (width, height) = (self.width + MARGIN, self.height + MARGIN);
        let picture = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"monospace\" font-size=\"12\" fill=\"#1b1f24\">\n\
             <defs>{}{}</defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <g fill=\"none\" stroke-width=\"1.5\">\n{}</g>\n<g text-anchor=\"middle\">\n{}</g>\n<g>\n{legend}</g>\n</svg>\n",
            marker("head", INK),
            marker("out", OUT),
            self.arrows,
            self.boxes
        );
        let mut text = Text::default();
        picture.lines().for_each(|line| text.line(line));
        text
    }
}

/// How an arrow is drawn, and its word in the legend.
struct Arrow {
    head: &'static str,
    colour: &'static str,
    dashes: &'static str,
    word: &'static str,
}

fn arrow(kind: Kind) -> Arrow {
    let dashes = " stroke-dasharray=\"5 4\"";
    match kind {
        Kind::Needs => Arrow { head: "head", colour: INK, dashes: "", word: "needs" },
        Kind::Optional => Arrow { head: "head", colour: INK, dashes, word: "can use" },
        Kind::Sake => Arrow { head: "out", colour: OUT, dashes, word: "left out for" },
    }
}

/// The head of an arrow. Each colour has its own: few viewers let a head take the colour of its line.
fn marker(name: &str, colour: &str) -> String {
    format!(
        "<marker id=\"{name}\" viewBox=\"0 0 10 10\" refX=\"10\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
         <path d=\"M0 0L10 5L0 10z\" fill=\"{colour}\"/></marker>"
    )
}

/// One entry of the legend; gives its width.
fn key(legend: &mut String, x: f64, y: f64, word: &str, look: (&str, &str, u32, &str)) -> f64 {
    let (fill, stroke, line, dashes) = look;
    // Writing to a string cannot fail.
    let _ = writeln!(
        legend,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"24\" height=\"14\" rx=\"3\" fill=\"{fill}\" stroke=\"{stroke}\" \
         stroke-width=\"{line}\"{dashes}/><text x=\"{:.1}\" y=\"{:.1}\">{word}</text>",
        x + KEY,
        y + 11.0
    );
    key_width(word)
}

fn key_width(word: &str) -> f64 {
    KEY + word.chars().count() as f64 * CHAR + 1.5 * GAP
}

/// As text of XML, which knows neither control characters nor the two that are none.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in Shown::new(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => safe.push(char::REPLACEMENT_CHARACTER),
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
            ("\u{1}\u{ffff}", "\\u{1}\u{fffd}"),
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

    /// Draws it: every plugin has its box, no two boxes meet, and no arrow runs behind a box.
    fn check(about: &str, model: &Model) {
        let svg = draw(model).unwrap().into_string();
        assert_eq!(svg, draw(model).unwrap().into_string(), "{about}: twice the same");
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
        assert_eq!(svg.matches("</title></path>").count(), model.edges.len(), "{about}");
        for (at, [x, y, width, height]) in boxes.iter().enumerate() {
            for [x2, y2, width2, height2] in &boxes[at + 1..] {
                let apart = x + width < *x2 || x2 + width2 < *x || y + height < *y2 || y2 + height2 < *y;
                assert!(apart, "{about}: {x} {y} and {x2} {y2}");
            }
        }
        let sizes: Vec<Point> = model.nodes.iter().map(size).collect();
        let places = place(model, &sizes).ok().unwrap();
        let others = |edge: &Edge| {
            let boxes = places.boxes.iter().zip(&sizes).enumerate();
            let (from, to) = (edge.from, edge.to);
            boxes.filter_map(move |(at, (corner, size))| {
                Some((at, (*corner)?, *size)).filter(|_| at != from && at != to)
            })
        };
        for (edge, way) in model.edges.iter().zip(&places.arrows) {
            assert!(way.len() >= 4 && way.len().is_multiple_of(2), "{about}: {way:?}");
            for (at, step) in way.windows(2).enumerate() {
                let ((a, y), (b, y2)) = (step[0], step[1]);
                for (other, (x, top), (width, height)) in others(edge) {
                    let meets = a.min(b) + 0.01 < x + width && x < a.max(b) - 0.01;
                    let inside = at % 2 == 1 || (top < y && y < top + height);
                    assert!(!(meets && inside) && (at % 2 == 1 || y == y2), "{about}: {edge:?} behind {other}");
                }
            }
        }
    }

    #[test]
    fn whatever_the_graph_each_box_has_its_place() {
        check("nothing", &model(0, vec![]));
        check("apart", &model(100, vec![]));
        check("chain", &model(100, (1..100).map(|at| (at, at - 1)).collect()));
        // As many ways through as there are subsets.
        let meshes = (2..80).flat_map(|at| [(at, (at / 2 - 1) * 2), (at, (at / 2 - 1) * 2 + 1)]);
        check("meshes", &model(80, meshes.collect()));
        check("hub", &model(100, (1..100).map(|at| (at, 0)).collect()));
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
        for round in 0..20 {
            let nodes = 2 + next(20);
            let many = next(25);
            let edges = (0..many).map(|_| (next(nodes), next(nodes))).filter(|(from, to)| from != to).collect();
            check(&format!("random {round}"), &model(nodes, edges));
        }
    }

    /// As deep as it may be: the stack of a test's thread, a quarter of a main thread's, must hold it.
    #[test]
    fn depth_takes_little_stack() {
        assert!(draw(&model(1990, (1..1990).map(|at| (at, at - 1)).collect())).is_ok());
    }

    #[test]
    fn too_much_is_refused() {
        let long = (1..130).flat_map(|at| [(at, at - 1), (at, 0)]).collect();
        for much in [model(3000, (1..3000).map(|at| (at, 0)).collect()), model(130, long)] {
            let error = draw(&much).unwrap_err();
            assert_eq!(error.code(), modhost::Code::Usage);
        }
    }
}
