//! DOT, as Graphviz reads it.

use std::fmt::Write;

use super::model::{Kind, Model};
use super::svg::{border, fill};

/// Draws.
pub(super) fn draw(model: &Model) -> String {
    let mut text = String::from(
        "digraph mods {\n  rankdir=LR;\n  node [shape=box, style=\"filled,rounded\", fontname=\"monospace\"];\n  edge [fontname=\"monospace\", fontsize=10];\n",
    );
    for (at, node) in model.nodes.iter().enumerate() {
        let (border, dashed, width) = border(node);
        let style = if dashed { ", style=\"filled,rounded,dashed\"" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  n{at} [label=\"{}\\n{}\", fillcolor=\"{}\", color=\"{border}\", penwidth={width}{style}];",
            escape(&node.name()),
            escape(&node.about()),
            fill(node)
        );
    }
    for edge in &model.edges {
        let style = match edge.kind {
            Kind::Needs => "",
            Kind::Optional => ", style=dashed",
            Kind::Sake => ", style=dashed, color=\"#c0392b\"",
        };
        let _ = writeln!(text, "  n{} -> n{} [label=\"{}\"{style}];", edge.from, edge.to, escape(&edge.requirement));
    }
    text.push_str("}\n");
    text
}

/// Inside double quotes: Graphviz reads a backslash and what stands behind it, and entities of HTML.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_label() {
        for (text, safe) in [
            ("wolf 1.0.0", "wolf 1.0.0"),
            ("a\"]; evil [label=\"b", "a\\\"]; evil [label=\\\"b"),
            ("a\\", "a\\\\"),
            ("\\N &lt;", "\\\\N &amp;lt;"),
        ] {
            assert_eq!(escape(text), safe);
        }
    }
}
