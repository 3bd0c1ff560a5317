//! The table of attacks: what each is made of, and the folder `tests/attacks/<kind>-<name>/` that it lies in. The folders are written by
//! this program and by nobody else:
//!
//! ```text
//! MODHOST_MAKE_ATTACKS=1 cargo test -p modhost-workspace --test vetting attacks_are_made
//! ```
//!
//! An ordinary run holds each folder against what would be written, byte for byte, and knows no folder without a row. Files of more than
//! 32 KiB are no part of a folder: `made` in its `attack.toml` names them, and they are made anew when it is played.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    archives, caches, delegations, envelopes, equivocations, forgeries, keys, lists, logs, returns, stored, stores,
    swaps, verdicts,
};

/// The largest file that lies in the repository, in bytes.
const LARGEST: usize = 32 << 10;

/// The kinds there are. Of each there must be five that differ in more than a constant.
pub(crate) const KINDS: [&str; 15] = [
    "signature",
    "key",
    "threshold",
    "delegation",
    "archive",
    "path",
    "manifest",
    "namespace",
    "rollback",
    "revocation",
    "equivocation",
    "toctou",
    "cache",
    "store",
    "audit",
];

/// What an attack is, as its `attack.toml` says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    pub(crate) about: String,
    pub(crate) kind: String,
    /// What it must get: the outcome of one of its steps.
    pub(crate) code: String,
    /// What happens, in order: see `play.rs`.
    pub(crate) steps: Vec<String>,
    /// The attack that this one differs from in a constant only: both are counted as one.
    pub(crate) like: Option<String>,
    /// The files that are made when it is played.
    #[serde(default)]
    pub(crate) made: Vec<String>,
}

/// An attack and its files.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    pub(crate) folder: String,
    pub(crate) said: Said,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Attack {
    pub(crate) fn new(kind: &str, name: &str, code: impl ToString, steps: &[&str]) -> Self {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let slug = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
        let said = Said {
            about: name.to_owned(),
            kind: kind.to_owned(),
            code: code.to_string(),
            steps: steps.iter().map(|step| (*step).to_owned()).collect(),
            like: None,
            made: Vec::new(),
        };
        Attack { folder: format!("{kind}-{slug}"), said, files: BTreeMap::new() }
    }

    /// The same with one more file.
    pub(crate) fn with(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        if bytes.len() > LARGEST {
            self.said.made.push(path.to_owned());
        }
        assert!(self.files.insert(path.to_owned(), bytes).is_none(), "{}: {path} twice", self.folder);
        self
    }

    /// The same with one more file, which is made when the attack is played however small it is.
    pub(crate) fn made(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.said.made.push(path.to_owned());
        assert!(self.files.insert(path.to_owned(), bytes.into()).is_none(), "{}: {path} twice", self.folder);
        self
    }

    /// The same, as one that differs from another in a constant only.
    pub(crate) fn like(mut self, other: &str) -> Self {
        self.said.like = Some(other.to_owned());
        self
    }

    /// The text of `attack.toml`.
    fn text(&self) -> String {
        let quoted = |text: &str| {
            assert!(text.chars().all(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')), "{text}");
            format!("\"{text}\"")
        };
        let Said { about, kind, code, steps, like, made } = &self.said;
        let mut text =
            format!("about = {}\nkind = {}\ncode = {}\nsteps = [\n", quoted(about), quoted(kind), quoted(code));
        steps.iter().for_each(|step| text += &format!("  {},\n", quoted(step)));
        text += "]\n";
        if let Some(like) = like {
            text += &format!("like = {}\n", quoted(like));
        }
        if !made.is_empty() {
            let made: Vec<String> = made.iter().map(|path| quoted(path)).collect();
            text += &format!("made = [{}]\n", made.join(", "));
        }
        text
    }

    /// What lies in its folder.
    fn committed(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files: BTreeMap<_, _> = self
            .files
            .iter()
            .filter(|(path, _)| !self.said.made.contains(path))
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect();
        files.insert("attack.toml".into(), self.text().into_bytes());
        files
    }
}

/// All of them, in the order of their folders.
pub(crate) fn all() -> Vec<Attack> {
    let sources = [
        archives::attacks(),
        caches::attacks(),
        delegations::attacks(),
        envelopes::attacks(),
        equivocations::attacks(),
        forgeries::attacks(),
        keys::attacks(),
        lists::attacks(),
        logs::attacks(),
        returns::attacks(),
        stored::attacks(),
        stores::attacks(),
        swaps::attacks(),
        verdicts::attacks(),
    ];
    let mut all = sources.concat();
    all.sort_by(|a, b| a.folder.cmp(&b.folder));
    all
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")
}

/// Every file below a folder, by its path from there.
fn below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(here) = open.pop() {
        for path in fs::read_dir(&here).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// An attack as it lies on the disk, without what is made when it is played.
pub(crate) fn read(folder: &str) -> Attack {
    let mut files = below(&root().join(folder));
    let text = files.remove("attack.toml").unwrap_or_else(|| panic!("{folder} has no attack.toml"));
    let said = toml::from_str(str::from_utf8(&text).unwrap()).unwrap_or_else(|error| panic!("{folder}: {error}"));
    Attack { folder: folder.to_owned(), said, files }
}

/// Names that stand twice.
fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| !seen.insert(*name)).collect()
}

#[test]
fn attacks_are_made() {
    let all = all();
    let names = || all.iter().map(|attack| attack.folder.as_str());
    assert_eq!(twice(names()), [""; 0], "two attacks of one name");
    for attack in &all {
        let Said { kind, code, like, steps, .. } = &attack.said;
        assert!(KINDS.contains(&kind.as_str()), "{}: no such kind", attack.folder);
        assert!(like.as_ref().is_none_or(|like| names().any(|name| name == like)), "{}: like what?", attack.folder);
        let gets = |step: &String| {
            step.split_once(" -> ").is_some_and(|(_, outcome)| outcome.split([' ', ':']).any(|word| word == code))
        };
        assert!(steps.iter().any(gets), "{}: no step gets its code", attack.folder);
    }
    for kind in KINDS {
        let different = all.iter().filter(|attack| attack.said.kind == kind && attack.said.like.is_none()).count();
        assert!(different >= 5, "{kind}: {different} attacks");
    }
    let wanted: BTreeMap<String, Vec<u8>> = all
        .iter()
        .flat_map(|attack| {
            attack.committed().into_iter().map(|(path, bytes)| (format!("{}/{path}", attack.folder), bytes))
        })
        .collect();
    if env::var_os("MODHOST_MAKE_ATTACKS").is_some() {
        let _ = fs::remove_dir_all(root());
        for (path, bytes) in &wanted {
            let path = root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let there = below(&root());
    let wrong: Vec<&String> =
        wanted.keys().chain(there.keys()).filter(|path| wanted.get(*path) != there.get(*path)).collect();
    assert!(wrong.is_empty(), "tests/attacks/ is not what is made here ({}): {wrong:#?}", file!());
}
