//! The tree: what nobody else uses at the top, below each what it uses.

use std::collections::BTreeSet;

use super::model::{Edge, Kind, Model, State};
use crate::layout::Text;

/// How deep a tree grows. Each line stands for all that it hangs on, so that the text of a hostile chain would grow with its square.
const DEEPEST: usize = 24;

/// Draws.
pub(super) fn draw(model: &Model) -> Text {
    let used: BTreeSet<usize> = model.edges.iter().map(|edge| edge.to).collect();
    let mut tree = Tree { model, shown: BTreeSet::new(), text: Text::default() };
    for node in (0..model.nodes.len()).filter(|node| !used.contains(node)) {
        tree.grow(node);
    }
    // What is left hangs too deep or is used in circles only; those who use others come late in the load order.
    for node in (0..model.nodes.len()).rev() {
        if !tree.shown.contains(&node) {
            tree.grow(node);
        }
    }
    for (mark, meaning) in
        [(" (*)\n", "(*) what it uses is shown elsewhere"), (" ...\n", "... goes on in a tree of its own")]
    {
        if tree.text.as_str().contains(mark) {
            if !tree.text.as_str().contains("\n\n") {
                tree.text.blank();
            }
            tree.text.line(meaning);
        }
    }
    tree.text
}

struct Tree<'a> {
    model: &'a Model,
    /// Whose line with all below it stands there already.
    shown: BTreeSet<usize>,
    text: Text,
}

impl Tree<'_> {
    /// A node without anything above it, and all below.
    fn grow(&mut self, root: usize) {
        let model = self.model;
        self.text.line(line(model, root));
        self.shown.insert(root);
        let mut rest: Vec<(Vec<bool>, &[Edge])> = vec![(Vec::new(), model.from(root))];
        while let Some((bars, edges)) = rest.pop() {
            let Some((edge, more)) = edges.split_first() else { continue };
            let last = more.is_empty();
            let mut text: String = bars.iter().map(|bar| if *bar { "│   " } else { "    " }).collect();
            text.push_str(if last { "└── " } else { "├── " });
            text.push_str(&line(model, edge.to));
            text.push_str(&word(edge));
            let below = model.from(edge.to);
            let deep = bars.len() + 1 >= DEEPEST;
            let again = !below.is_empty() && self.shown.contains(&edge.to);
            let inner: Vec<bool> = bars.iter().copied().chain([!last]).collect();
            rest.push((bars, more));
            text.push_str(match (again, deep && !below.is_empty()) {
                (true, _) => " (*)",
                (_, true) => " ...",
                _ => "",
            });
            self.text.line(text);
            if !again && (!deep || below.is_empty()) {
                self.shown.insert(edge.to);
                rest.push((inner, below));
            }
        }
    }
}

fn line(model: &Model, node: usize) -> String {
    let node = &model.nodes[node];
    let mark = if node.state == State::Taken { "" } else { "! " };
    format!("{mark}{} ({})", node.name(), node.about())
}

/// What an edge says of the line that it leads to.
fn word(edge: &Edge) -> String {
    let requirement = if edge.requirement == "*" { "" } else { &*edge.requirement };
    let word = match edge.kind {
        Kind::Needs => "",
        Kind::Optional => "optional",
        Kind::Sake => "for its sake",
    };
    let words: Vec<&str> = [requirement, word].into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(", {}", words.join(" ")) }
}
