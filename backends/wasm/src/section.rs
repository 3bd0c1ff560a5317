//! The custom section `modhost`: which exports and imports of a module use the codec, and their signatures. It reads
//! text; whether the module really has what is listed, `load` and `host` say.

use std::{collections::BTreeMap, str};

use modhost_backend::{Fault, Signature};

use crate::convert::broken;

/// The first line, and the only version that is understood.
const VERSION: &str = "modhost 1";
/// Lines of the section.
const MOST_LINES: usize = 4000;

/// What the section lists.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Signatures of exports, by name.
    pub(crate) exports: BTreeMap<String, Signature>,
    /// Signatures of imports, by dotted name.
    pub(crate) imports: BTreeMap<String, Signature>,
}

impl Listing {
    /// Reads the text.
    ///
    /// Lines stand in any order and may be repeated, because a linker puts together what each function contributes.
    ///
    /// # Errors
    /// [`FaultKind::WasmAbi`](modhost_backend::FaultKind::WasmAbi), naming the line.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let Ok(text) = str::from_utf8(bytes) else { return Err(broken("the `modhost` section is not UTF-8 text")) };
        let mut listing = Listing::default();
        let mut versioned = false;
        for (at, line) in text.lines().map(str::trim).enumerate() {
            let wrong = |why: &str| {
                let shown: String = line.chars().take(80).collect();
                broken(format!("line {} of the `modhost` section, `{}`: {why}", at + 1, shown.escape_debug()))
            };
            if at >= MOST_LINES {
                return Err(wrong("there are too many lines"));
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let into = match word {
                "" => continue,
                "modhost" if line == VERSION => {
                    versioned = true;
                    continue;
                }
                "modhost" => return Err(wrong("this host speaks `modhost 1`")),
                "export" => &mut listing.exports,
                "import" => &mut listing.imports,
                _ => return Err(wrong("a line begins with `modhost`, `export` or `import`")),
            };
            let Some((name, parameters)) = rest.split_once('(') else { return Err(wrong("expected `name(...)`")) };
            let signature: Signature =
                format!("({parameters}").parse().map_err(|error| wrong(&format!("{error}, counted from the `(`")))?;
            let name = name.trim();
            if name.is_empty() {
                return Err(wrong("the name is missing"));
            }
            if into.insert(name.into(), signature.clone()).is_some_and(|other| other != signature) {
                return Err(wrong("the name is listed before, with another signature"));
            }
        }
        if versioned { Ok(listing) } else { Err(broken("the `modhost` section lacks the line `modhost 1`")) }
    }
}
