//! DOT, as Graphviz reads it.

use super::model::{Kind, Model};
use super::svg::{border, fill};
use crate::layout::Text;
use modhost::Shown;

/// Draws.
pub(super) fn draw(model: &Model) -> Text {
    let mut text = Text::own(
        &"digraph mods {\n  rankdir=LR;\n  node [shape=box, style=\"filled,rounded\", fontname=\"monospace\"];\n  edge [fontname=\"monospace\", fontsize=10];\n",
    );
    for (at, node) in model.nodes.iter().enumerate() {
        let (border, dashed, width) = border(node);
        let style = if dashed { ", style=\"filled,rounded,dashed\"" } else { "" };
        text.line(format_args!(
            "  n{at} [label=\"{}\\n{}\", fillcolor=\"{}\", color=\"{border}\", penwidth={width}{style}];",
            escape(&node.name()),
            escape(&node.about()),
            fill(node)
        ));
    }
    for edge in &model.edges {
        let style = match edge.kind {
            Kind::Needs => "",
            Kind::Optional => ", style=dashed",
            Kind::Sake => ", style=dashed, color=\"#c0392b\"",
        };
        let label = escape(&edge.requirement);
        text.line(format_args!("  n{} -> n{} [label=\"{label}\"{style}];", edge.from, edge.to));
    }
    text.line("}");
    text
}

/// Inside double quotes: Graphviz reads a backslash and what stands behind it, and entities of HTML.
fn escape(text: &str) -> String {
    Shown::new(text).replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
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
            ("a\u{1b}\n\u{202e}", "a\\\\u{1b}\\\\n\\\\u{202e}"),
        ] {
            assert_eq!(escape(text), safe);
        }
    }
}
