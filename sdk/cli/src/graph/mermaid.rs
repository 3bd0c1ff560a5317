//! Mermaid, as it is drawn in many a README.

use std::fmt::Write;

use super::model::{Kind, Model};
use super::svg::{border, fill};
use crate::layout::Text;
use modhost::Shown;

/// Draws.
pub(super) fn draw(model: &Model) -> Text {
    let mut text = Text::of("flowchart LR");
    for (at, node) in model.nodes.iter().enumerate() {
        text.line(format_args!("  n{at}[\"{}<br/>{}\"]", escape(&node.name()), escape(&node.about())));
    }
    for edge in &model.edges {
        let arrow = if edge.kind == Kind::Needs { "-->" } else { "-.->" };
        let label = match (edge.kind, &*edge.requirement) {
            (Kind::Sake, _) => "|for its sake|".into(),
            (_, "" | "*") => String::new(),
            (_, requirement) => format!("|\"{}\"|", escape(requirement)),
        };
        text.line(format_args!("  n{} {arrow}{label} n{}", edge.from, edge.to));
    }
    for (at, node) in model.nodes.iter().enumerate() {
        let (border, dashed, width) = border(node);
        let dashes = if dashed { ",stroke-dasharray:5" } else { "" };
        text.line(format_args!(
            "  style n{at} fill:{},stroke:{border},stroke-width:{width}px,color:#1b1f24{dashes}",
            fill(node)
        ));
    }
    text
}

/// Inside double quotes: everything that Markdown, HTML or Mermaid itself could read is written as its number.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in Shown::new(text).chars() {
        if c.is_alphanumeric() || " .,:+-()".contains(c) {
            safe.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(safe, "#{};", u32::from(c));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_label() {
        for (text, safe) in [
            ("wolf 1.0.0-a", "wolf 1.0.0-a"),
            ("a\"]", "a#34;#93;"),
            ("^1 #quot; <b>`x`", "#94;1 #35;quot#59; #60;b#62;#96;x#96;"),
            ("Wölfe", "Wölfe"),
            ("\u{1b}", "#92;u#123;1b#125;"),
        ] {
            assert_eq!(escape(text), safe);
        }
    }
}
