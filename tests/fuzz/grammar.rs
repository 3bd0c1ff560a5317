//! Texts from a grammar that is data: `scripts/fuzz/<name>.grammar`. Bytes choose among a rule's alternatives, so that mutated bytes
//! give a similar text.

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use arbitrary::Unstructured;

/// Whether texts are printed, for whoever replays a case.
pub(crate) static SHOW: AtomicBool = AtomicBool::new(false);

/// The longest text, in bytes.
const LONGEST: usize = 16 << 10;
/// The deepest nesting of rules.
const DEEPEST: u32 = 9;

/// Rules by name; `$name` in an alternative stands for a rule, `$none` for nothing, `$$` for a dollar sign. The first alternative of a rule is the one
/// that comes to an end: it is taken where the text is deep or long enough, or no bytes are left.
pub(crate) struct Grammar {
    rules: BTreeMap<String, Vec<String>>,
}

impl Grammar {
    /// A rule begins with `name =`; each following line that begins with `|` is a further alternative. `\n` is a line's end.
    pub(crate) fn read(name: &str) -> Self {
        let path = crate::root().join(format!("scripts/fuzz/{name}.grammar"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut rules: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut rule = String::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let alternative = match line.strip_prefix("  | ") {
                Some(alternative) => alternative,
                None => {
                    let (name, first) = line.split_once(" = ").unwrap_or_else(|| panic!("{}: {line}", path.display()));
                    rule = name.to_owned();
                    first
                }
            };
            rules.entry(rule.clone()).or_default().push(alternative.replace("\\n", "\n"));
        }
        Grammar { rules }
    }

    /// The text that `bytes` choose.
    pub(crate) fn write(&self, bytes: &[u8]) -> String {
        let mut out = String::new();
        self.expand("start", 0, &mut Unstructured::new(bytes), &mut out);
        if SHOW.load(Relaxed) {
            println!("{out}");
        }
        out
    }

    fn expand(&self, rule: &str, depth: u32, bytes: &mut Unstructured<'_>, out: &mut String) {
        if rule == "none" {
            return;
        }
        let alternatives = self.rules.get(rule).unwrap_or_else(|| panic!("no rule ${rule}"));
        let ends = depth > DEEPEST || out.len() > LONGEST || bytes.is_empty();
        // What is left over of the bytes is empty: then the first is taken.
        let chosen = if ends { 0 } else { bytes.choose_index(alternatives.len()).unwrap_or(0) };
        let mut rest = alternatives[chosen].as_str();
        while let Some((plain, after)) = rest.split_once('$') {
            out.push_str(plain);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let end = after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len());
            self.expand(&after[..end], depth + 1, bytes, out);
            rest = &after[end..];
        }
        out.push_str(rest);
    }
}
