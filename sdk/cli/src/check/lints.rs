//! What an author should mend although the plugin loads: found in its manifest, its files and its exports.

use std::{collections::HashSet, path::Path};

use modhost::{
    Kind, Place,
    abi::Contract,
    backend::ExportInfo,
    package::{MANIFEST, Manifest, Package},
};

use super::written::Written;
use crate::diagnose::Warning;

/// Exports that the engine calls by itself; everything else that begins with `on_` listens to a topic.
const HOOKS: [&str; 7] = ["on_load", "on_enable", "on_disable", "on_unload", "on_tick", "on_save", "on_restore"];
/// Files that `[entry]` should name, if it names any.
const CONVENTIONAL: [&str; 5] = ["main.lua", "main.luau", "main.rhai", "main.wasm", "main.wat"];
/// Endings of files that hold code.
const CODE: [&str; 8] = ["lua", "luau", "rhai", "wasm", "wat", "so", "dll", "dylib"];
/// Endings of those among them that are read as text.
const SCRIPTS: [&str; 3] = ["lua", "luau", "rhai"];

/// Everything odd about `package`. Its exports, and the engine's notes about it, are known where it was loaded.
pub(super) fn lints(
    package: &Package,
    contracts: &[Contract],
    exports: Option<&[ExportInfo]>,
    loading: &[String],
) -> Vec<Warning> {
    let bytes = package.files().get(MANIFEST).map(|bytes| &bytes[..]).unwrap_or_default();
    let parts = package.manifest().zip(Written::parse(bytes));
    let notes = package.notes().iter().map(|note| Warning {
        message: note.clone(),
        at: parts.as_ref().and_then(|(_, written)| written.quoted(note)),
        help: None,
    });
    let mut found: Vec<Warning> = notes.collect();
    let Some((manifest, written)) = parts else { return found };
    let lint = Lint { package, manifest, written, contracts };
    lint.bare_versions(&mut found);
    lint.capabilities(&mut found);
    lint.requirements(&mut found);
    lint.undeclared_builds(&mut found);
    lint.vain_limits(loading, &mut found);
    if let Some(exports) = exports {
        lint.topics(exports, &mut found);
    }
    found.sort_by_key(|warning| warning.at.as_ref().map(|at| (at.file != MANIFEST, at.line, at.column)));
    found
}

struct Lint<'p> {
    package: &'p Package,
    manifest: &'p Manifest,
    written: Written<'p>,
    contracts: &'p [Contract],
}

impl Lint<'_> {
    /// `1.2.3` looks like one version and means all that are compatible.
    fn bare_versions(&self, found: &mut Vec<Warning>) {
        for word in self.written.requirements() {
            let bare = word.text.trim();
            let Ok(version) = bare.parse::<semver::Version>() else { continue };
            found.push(Warning {
                message: format!("`{bare}` means ^{bare}: {version} or any newer release that is compatible"),
                at: Some(word.at),
                help: Some(format!("Write \"^{bare}\" to say so, or \"={bare}\" for this release only.")),
            });
        }
    }

    /// Capabilities that nothing needs.
    fn capabilities(&self, found: &mut Vec<Warning>) {
        let required: Vec<&str> = self.manifest.requires.iter().map(|need| need.name.as_str()).collect();
        let mut seen = HashSet::new();
        for key in ["required", "optional"] {
            for word in self.written.array("capabilities", key).into_iter().filter(|word| seen.insert(word.text)) {
                let needing: Vec<&str> = self
                    .functions()
                    .filter(|function| function.capability.as_ref().is_some_and(|own| own.as_str() == word.text))
                    .map(|function| function.name.as_str())
                    .collect();
                let warn = |message, help: String| Warning { message, at: Some(word.at.clone()), help: Some(help) };
                let reachable =
                    needing.iter().any(|name| required.contains(&name.split('.').next().unwrap_or_default()));
                if needing.is_empty() {
                    let help = match nearest(word.text, self.capability_names()) {
                        Some(near) => format!("Did you mean \"{near}\"?"),
                        None => format!("There are {}.", self.capability_names().collect::<Vec<_>>().join(", ")),
                    };
                    found.push(warn(format!("no function of this host needs the capability `{}`", word.text), help));
                } else if !reachable {
                    let contract = needing[0].split('.').next().unwrap_or_default();
                    let message = format!(
                        "the capability `{}` is of no use: only {} needs it, and the contract `{contract}` is not required",
                        word.text,
                        needing.join(", ")
                    );
                    found.push(warn(message, format!("Add to plugin.toml under [requires]: {}", self.line(contract))));
                } else if !needing.iter().any(|name| self.mentions(name.rsplit('.').next().unwrap_or(name))) {
                    let message = format!(
                        "the capability `{}` is asked for, and nothing in the plugin mentions {}",
                        word.text,
                        needing.join(" or ")
                    );
                    found.push(warn(message, "Take it out: players trust a plugin more that asks for less.".into()));
                }
            }
        }
    }

    /// Contracts that are required and not used, or used and not required.
    fn requirements(&self, found: &mut Vec<Warning>) {
        let known = |name: &str| self.contracts.iter().any(|contract| contract.name == name);
        for need in self.manifest.requires.iter().filter(|need| known(&need.name)) {
            if !self.mentions(&need.name) {
                found.push(Warning {
                    message: format!("the contract `{}` is required, and nothing in the plugin mentions it", need.name),
                    at: Some(need.at.clone()),
                    help: Some("Take the line out.".into()),
                });
            }
        }
        let missing = self
            .contracts
            .iter()
            .filter(|contract| self.manifest.requires.iter().all(|need| need.name != contract.name));
        for contract in missing {
            let used = contract.functions.iter().find_map(|function| Some((function, self.use_of(&function.name)?)));
            let Some((function, at)) = used else { continue };
            found.push(Warning {
                message: format!(
                    "`{}` is used, and the contract `{}` is not required: the function is not there",
                    function.name, contract.name
                ),
                at: Some(at),
                help: Some(format!("Add to plugin.toml under [requires]: {}", self.line(&contract.name))),
            });
        }
    }

    /// Files that would be taken by themselves if there were no `[entry]`.
    fn undeclared_builds(&self, found: &mut Vec<Warning>) {
        let taken = |path: &str| {
            self.package.artefacts().iter().any(|artefact| artefact.entry == path)
                || self.manifest.entries.iter().any(|entry| entry.path == path)
        };
        for path in CONVENTIONAL.into_iter().filter(|path| self.package.files().get(path).is_some() && !taken(path)) {
            let (message, help) = if self.manifest.entries.is_empty() {
                (
                    format!("`{path}` is not taken: there is another file for its language"),
                    "Keep one of the two.".into(),
                )
            } else {
                let language = match path.rsplit('.').next() {
                    Some("lua" | "luau") => Kind::LUA,
                    Some("rhai") => Kind::RHAI,
                    _ => Kind::WASM,
                };
                let help = format!("Add to plugin.toml under [entry]: {language} = \"{path}\", or remove the file.");
                (format!("`{path}` is not named under [entry], so it is never the plugin's entry"), help)
            };
            found.push(Warning { message, at: self.written.key("entry"), help: Some(help) });
        }
    }

    /// Limits beyond what the policy gives. What else the engine notes is between it and the host.
    fn vain_limits(&self, loading: &[String], found: &mut Vec<Warning>) {
        for note in loading {
            let Some(limit) = note.strip_prefix("asks for ").and_then(|rest| rest.split(' ').next()) else { continue };
            found.push(Warning { message: note.clone(), at: self.written.entry("limits", limit), help: None });
        }
    }

    /// Topics without a listener, and listeners without a topic.
    fn topics(&self, exports: &[ExportInfo], found: &mut Vec<Warning>) {
        let listener = |topic: &str| {
            let name: String = topic.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            format!("on_{name}")
        };
        let mut meant = Vec::new();
        for word in self.written.array("events", "listen") {
            let name = listener(word.text);
            if !exports.iter().any(|export| export.name == name) {
                let near = nearest(&name, exports.iter().map(|export| export.name.as_str()));
                meant.extend(near);
                found.push(Warning {
                    message: format!("it listens to `{}`, and exports no `{name}`", word.text),
                    at: Some(word.at),
                    help: near.map(|near| format!("Did you mean the export `{near}`?")),
                });
            }
        }
        let said = |name: &str| HOOKS.contains(&name) || meant.contains(&name);
        for export in exports.iter().filter(|export| !said(&export.name)) {
            let Some(topic) = export.name.strip_prefix("on_").filter(|topic| !topic.is_empty()) else { continue };
            if !self.manifest.listen.iter().any(|own| listener(own) == export.name) {
                found.push(Warning {
                    message: format!("it exports `{}`, and does not listen to `{topic}`", export.name),
                    at: self.written.entry("events", "listen").or_else(|| self.written.key("events")),
                    help: Some(format!("Add to plugin.toml under [events]: listen = [\"{topic}\"]")),
                });
            }
        }
    }

    fn functions(&self) -> impl Iterator<Item = &modhost::abi::Function> {
        self.contracts.iter().flat_map(|contract| &contract.functions)
    }

    fn capability_names(&self) -> impl Iterator<Item = &str> {
        self.functions().filter_map(|function| function.capability.as_ref()).map(modhost::Capability::as_str)
    }

    /// The line that requires `contract`.
    fn line(&self, contract: &str) -> String {
        let version = self.contracts.iter().find(|own| own.name == contract).map_or("1", |own| own.version.as_str());
        let compatible = version.rsplit_once('.').map_or(version, |(compatible, _)| compatible);
        format!("{contract} = \"^{compatible}\"")
    }

    /// Whether a file with code has these bytes somewhere: an alias or a name in a binary counts too.
    fn mentions(&self, word: &str) -> bool {
        let code = |path: &str| {
            CODE.contains(&ending(path)) || self.package.artefacts().iter().any(|artefact| artefact.entry == path)
        };
        let has = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        self.package.files().iter().any(|(path, bytes)| code(path) && has(bytes))
    }

    /// Where a script calls the host function `name`.
    fn use_of(&self, name: &str) -> Option<Place> {
        let scripts = self.package.files().iter().filter(|(path, _)| SCRIPTS.contains(&ending(path)));
        scripts.into_iter().find_map(|(path, bytes)| {
            let (name, comment) =
                if ending(path) == "rhai" { (name.replace('.', "::"), "//") } else { (name.to_owned(), "--") };
            let text = str::from_utf8(bytes).ok()?;
            text.lines().enumerate().find_map(|(line, code)| {
                let code = code.split(comment).next().unwrap_or_default();
                let at = code.find(&format!("{name}("))?;
                let joined = |c: char| c.is_alphanumeric() || "_.:".contains(c);
                let alone = code[..at].chars().next_back().is_none_or(|c| !joined(c));
                let number = |n: usize| u32::try_from(n + 1).ok();
                let column = number(code[..at].chars().count());
                alone.then(|| Place { file: path.to_owned(), line: number(line), column })
            })
        })
    }
}

fn ending(path: &str) -> &str {
    Path::new(path).extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

/// What was probably meant.
fn nearest<'a>(name: &str, there: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |other: &str| strsim::damerau_levenshtein(name, other);
    there.map(|other| (likeness(other), other)).filter(|(edits, _)| *edits <= 2).min().map(|(_, other)| other)
}
