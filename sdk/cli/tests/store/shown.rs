//! Nothing raw reaches a person: every verb over texts of strangers that would drive a terminal, wherever a text can come from.
//!
//! The verbs and their options are read from the command's own help, so that a new one is swept too. Every text has [`ODD`] in it.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::Stdio,
    sync::Mutex,
};

use crate::support::modhost;

/// A colour, a line end, C1, direction, what shows nothing.
const ODD: &str = "Q\u{1b}[31m\nPLANTED\r\u{9b}2J\u{85}\u{202e}\u{2066}\u{2028}\u{feff}\u{7f}";
/// The same as TOML and JSON write it.
const WRITTEN: &str = "Q\\u001b[31m\\nPLANTED\\r\\u009b2J\\u0085\\u202e\\u2066\\u2028\\ufeff\\u007f";
/// The SHA-256 of the planted record of an audit log, without which it is not read.
const RECORD: &str = "93a4334ff80feb629c46f00ac191c1a907de2ceddcfffcfdace6501cbeceeda7";
/// What the escape makes of its beginning.
const SEEN: &str = "Q\\u{1b}[31m\\nPLANTED";
/// The same in JSON.
const SEEN_JSON: [&str; 2] = ["Q\\u001b[31m\\nPLANTED", "Q\\\\u{1b}[31m\\\\nPLANTED"];

/// A plugin.toml with more lines.
fn manifest(id: &str, lines: &str) -> String {
    format!("[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\n{lines}")
}

/// The targets: a path each, planted below `area`. What is odd about one is its name or its content.
fn plant(area: &Path) -> Vec<OsString> {
    let odd_lines = [
        ("id", manifest(WRITTEN, "")),
        ("version", format!("[plugin]\nid = \"v\"\nversion = \"{WRITTEN}\"\n")),
        (
            "name",
            manifest("n", &format!("name = \"{WRITTEN}\"\ndescription = \"{WRITTEN}\"\nauthors = [\"{WRITTEN}\"]\n")),
        ),
        (
            "about",
            manifest("ab", &format!("license = \"{WRITTEN}\"\ntags = [\"{WRITTEN}\"]\ncategory = \"{WRITTEN}\"\n")),
        ),
        ("needs", manifest("d", &format!("[dependencies]\n\"{WRITTEN}\" = \"^1\"\n"))),
        ("range", manifest("r", &format!("[dependencies]\nwolf = \"{WRITTEN}\"\n"))),
        ("any", manifest("y", &format!("[any-of]\n\"{WRITTEN}\" = [\"gone\"]\n"))),
        ("foe", manifest("f", &format!("[conflicts]\n\"{WRITTEN}\" = \"*\"\n"))),
        ("depends", manifest("de", &format!("depends = [\"{WRITTEN} ^1\"]\n"))),
        ("contract", manifest("c", &format!("[requires]\n\"{WRITTEN}\" = \"^1\"\n"))),
        ("offer", manifest("o", &format!("[provides]\n\"{WRITTEN}\" = \"1.0.0\"\n"))),
        ("ability", manifest("a", &format!("[capabilities]\nrequired = [\"{WRITTEN}\"]\n"))),
        ("entry", manifest("e", &format!("[entry]\nlua = \"{WRITTEN}\"\n"))),
        ("limit", manifest("l", &format!("[limits]\n\"{WRITTEN}\" = 1\n"))),
        ("size", manifest("s", &format!("[limits]\nmemory = \"{WRITTEN}\"\n"))),
        ("listen", manifest("li", &format!("[events]\nlisten = [\"{WRITTEN}\"]\n"))),
        ("key", manifest("k", &format!("\"{WRITTEN}\" = 1\n"))),
        ("table", manifest("t", &format!("[\"{WRITTEN}\"]\nx = 1\n"))),
        ("engine", manifest("en", &format!("engine = \"{WRITTEN}\"\n"))),
        ("raw", format!("[plugin]\nid = 'x' {ODD}\n")),
    ];
    let raw = |start: &str, end: &str| format!("{start}{}{end}", ODD.replace(['\n', '\r'], ""));
    let mut files: Vec<(OsString, Vec<u8>)> = Vec::new();
    let mut targets: Vec<OsString> = Vec::new();
    for (name, text) in odd_lines {
        files.push((format!("m/{name}/plugin.toml").into(), text.into()));
        files.push((format!("m/{name}/main.lua").into(), b"function main() end".to_vec()));
        targets.push(format!("m/{name}").into());
    }
    targets.push("m".into());
    let scripts: [(&str, Vec<u8>); 12] = [
        (
            "raised.lua",
            format!("error('{}')", WRITTEN.replace("\\u", "\\x1b\\u{202e}\\u")).replace("\\u0", "\\x0").into(),
        ),
        ("raises.lua", "function main() error('Q\\x1b[31m\\nPLANTED\\u{9b}\\u{202e}') end".into()),
        // What a plugin prints has the plugin's own lines.
        ("prints.lua", "print('Q\\x1b[31m\\\\nPLANTED\\u{9b}\\u{202e}') function main() end".into()),
        ("syntax.lua", raw("function main( -- ", "\n  ???").into()),
        ("requires.lua", "require('Q\\x1b[31m\\nPLANTED\\u{9b}\\u{202e}')".into()),
        ("throws.rhai", "throw \"Q\\x1b[31m\\nPLANTED\\u009b\\u202e\";".into()),
        ("syntax.rhai", raw("fn main( { // ", "\n???").into()),
        ("imports.rhai", "import \"Q\\x1b[31m\\nPLANTED\\u009b\\u202e\" as x;".into()),
        ("exports.wat", "(module (func (export \"Q\\1b[31m\\nPLANTED\\c2\\9b\\e2\\80\\ae\") (unreachable)))".into()),
        ("imports.wat", "(module (import \"Q\\1b[31m\\nPLANTED\" \"\\e2\\80\\ae\" (func)))".into()),
        ("syntax.wat", raw("(module ", ")").into()),
        ("library.so", ODD.as_bytes().to_vec()),
    ];
    for (name, text) in scripts {
        files.push((format!("s/{name}").into(), text));
        targets.push(format!("s/{name}").into());
    }
    let name = |start: &str, end: &str| OsString::from(format!("{start}{ODD}{end}"));
    // By name: files, folders, what lies in a folder; one is no text at all.
    for (path, text) in [
        (name("o/", ".lua"), "function main() end"),
        (name("o/dir", "/plugin.toml"), &*manifest("od", "")),
        (name("o/dir", "/main.lua"), "x = "),
        (name("o/mods/", ".lua"), ""),
        (name("o/p", ".modpkg"), "no zip"),
        (name("o/in/", ".lua"), ""),
        ("o/in/plugin.toml".into(), &*manifest("in", "")),
        ("o/in/main.lua".into(), ""),
        (name("o/meta/META/", ""), ""),
        ("o/meta/plugin.toml".into(), &*manifest("me", "")),
        ("o/meta/main.lua".into(), ""),
        (name("o/modhost", ".lock"), "lock = 2"),
        // What a remedy names: the plugins of a folder.
        (name("o/set/", "/plugin.toml"), &*manifest("se", "")),
        (name("o/set/", "/main.lua"), ""),
        ("o/set/wolf.lua".into(), ""),
    ] {
        files.push((path, text.as_bytes().to_vec()));
    }
    files.push((OsStr::from_bytes(b"o/bytes\xff\x1b/main.lua").to_owned(), b"x = ".to_vec()));
    targets.extend([name("o/", ".lua"), name("o/dir", ""), name("o/p", ".modpkg"), name("o/modhost", ".lock")]);
    targets.extend(["o/mods", "o/in", "o/meta", "o/set", "o"].map(OsString::from));
    targets.push(OsStr::from_bytes(b"o/bytes\xff\x1b").to_owned());
    targets.push(name("gone", ""));
    let kept = [
        (
            "k/modhost.lock",
            format!("lock = 1\n\n[[plugin]]\nid = \"{WRITTEN}\"\nversion = \"1.0.0\"\nneeds = [\"{WRITTEN}\"]\n"),
        ),
        ("k/raw.lock", format!("# {ODD}\nlock = {ODD}\n")),
        ("k/friday.modset", format!("modhost-set 1\n{}\n", raw("+ wolf ", ""))),
        ("k/raw.modset", ODD.to_owned()),
        ("k/policy.toml", format!("\"{WRITTEN}\" = 1\n")),
        ("k/named.toml", format!("name = \"{WRITTEN}\"\nbase = \"{WRITTEN}\"\n")),
        ("k/value.toml", format!("prefer = [\"{WRITTEN}\"]\n[untrusted]\nmemory = \"{WRITTEN}\"\n")),
        (
            "k/trust.toml",
            format!(
                "store = 1\ngeneration = 1\n[[revoked]]\nid = \"wolf\"\nversions = \"*\"\nreason = \"{WRITTEN}\"\nhard = true\n"
            ),
        ),
        (
            "k/trust2.toml",
            format!("store = 1\ngeneration = 1\n[pins]\n\"{WRITTEN}\" = []\n[thresholds]\n\"{WRITTEN}\" = 1\n"),
        ),
        ("k/trust3.toml", format!("store = 1\n\"{WRITTEN}\" = 1\n")),
        (
            "k/audit.jsonl",
            format!(
                "{{\"seq\":0,\"wall\":\"2026-01-01T00:00:00.000Z\",\"mono\":1,\"severity\":\"info\",\"event\":\"{WRITTEN}\",\"plugin\":\"{WRITTEN}\",\"version\":\"{WRITTEN}\",\"code\":\"{WRITTEN}\",\"detail\":\"{WRITTEN}\",\"count\":1,\"prev\":\"{0}\",\"hash\":\"{RECORD}\"}}\n",
                "0".repeat(64)
            ),
        ),
        ("k/key.pem", format!("{ODD}\n-----BEGIN PRIVATE KEY-----\n{ODD}\n-----END PRIVATE KEY-----\n")),
        ("k/key.pub", format!("{ODD}\n-----BEGIN PUBLIC KEY-----\n{ODD}\n-----END PUBLIC KEY-----\n")),
        ("k/list.toml", format!("{ODD}: {WRITTEN}\n")),
    ];
    for (path, text) in kept {
        files.push((path.into(), text.into()));
        targets.push(path.into());
    }
    files.push(("good/wolf.lua".into(), b"function main() end".to_vec()));
    for (path, bytes) in files {
        let path = area.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    targets
}

/// The verbs without verbs of their own, and the options of each that take a value.
fn verbs(area: &Path, path: &[String], found: &mut Vec<(Vec<String>, Vec<String>, usize)>) {
    let output = modhost(area).args(path).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let inner: Vec<&str> = match help.split_once("\nVerbs:\n") {
        Some((_, rest)) => {
            rest.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next()).collect()
        }
        None => Vec::new(),
    };
    for verb in &inner {
        verbs(area, &[path, &[(*verb).to_owned()]].concat(), found);
    }
    if inner.is_empty() {
        let option = |line: &str| {
            let line = line.trim_start();
            let (name, rest) = line.split_once(' ')?;
            let name = if name.ends_with(',') { rest.split(' ').next()? } else { name };
            (name.starts_with("--") && rest.trim_start().starts_with('<')).then(|| name.to_owned())
        };
        let options = help.lines().filter_map(option).collect();
        let usage = help.lines().find(|line| line.starts_with("Usage: ")).unwrap();
        found.push((
            path.to_vec(),
            options,
            usage.matches('<').count() + usage.matches("[DIR]").count() + usage.matches("[PATH]").count(),
        ));
    }
}

/// The first thing in `said` that drives a terminal, or the line that a stranger began.
fn driving(said: &[u8]) -> Option<String> {
    let Ok(said) = std::str::from_utf8(said) else { return Some("it is no text".into()) };
    let drives = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let raw = said.chars().find(|c| drives(*c)).map(|c| format!("{c:?}"));
    raw.or_else(|| said.lines().find(|line| line.trim_start().starts_with("PLANTED")).map(str::to_owned))
}

/// A run: its words, and what the environment says.
type Run = (Vec<OsString>, Option<(&'static str, OsString)>);

#[test]
fn nothing_raw_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    verbs(home.path(), &[], &mut found);
    assert!(found.len() > 30, "{found:?}");
    let shown: Mutex<BTreeSet<OsString>> = Mutex::default();
    let counted = Mutex::new((0, 0));
    let work = Mutex::new(found.iter());
    let sweep = || {
        loop {
            let Some((path, options, places)) = work.lock().unwrap().next() else { return };
            let area = tempfile::tempdir().unwrap();
            let targets = plant(area.path());
            let words = |more: &[&OsStr]| -> Vec<OsString> {
                path.iter().map(OsString::from).chain(more.iter().map(|word| (*word).to_owned())).collect()
            };
            let odd = OsStr::new(ODD);
            let good = OsStr::new("good");
            let mut runs: Vec<(Option<&OsString>, Run)> = Vec::new();
            for target in &targets {
                runs.push((Some(target), (words(&[target]), None)));
                runs.push((Some(target), (words(&[target, OsStr::new("--json")]), None)));
                if *places > 1 {
                    runs.push((Some(target), (words(&[OsStr::new("wolf"), target]), None)));
                }
            }
            for option in options {
                let option = OsStr::new(option);
                runs.push((None, (words(&[good, option, odd]), None)));
                runs.push((None, (words(&[option, odd]), None)));
                for target in targets.iter().filter(|target| target.as_bytes().starts_with(b"k/")) {
                    runs.push((Some(target), (words(&[good, option, target]), None)));
                }
            }
            if path[0] == "graph" {
                for format in ["text", "dot", "mermaid", "svg"].map(OsStr::new) {
                    for target in &targets {
                        runs.push((Some(target), (words(&[target, OsStr::new("--format"), format]), None)));
                    }
                }
            }
            runs.push((None, (words(&[odd, odd, odd]), None)));
            runs.push((None, (words(&[OsStr::new(&format!("--{ODD}"))]), None)));
            for name in
                ["MODHOST_STORE", "MODHOST_STORE_KEY", "MODHOST_PASSPHRASE", "MODHOST_LOG", "XDG_CONFIG_HOME", "TERM"]
            {
                runs.push((None, (words(&[good]), Some((name, ODD.into())))));
                runs.push((None, (words(&["k/trust.toml".as_ref()]), Some((name, "k/trust.toml".into())))));
            }
            for (target, (words, variable)) in runs {
                let mut command = modhost(area.path());
                command.args(&words).stdin(Stdio::null());
                if let Some((name, value)) = &variable {
                    command.env(name, value);
                }
                let output = command.output().unwrap();
                for (stream, said) in [("output", &output.stdout), ("error", &output.stderr)] {
                    let about = String::from_utf8_lossy(said);
                    if let Some(raw) = driving(said) {
                        panic!("{words:?} {variable:?}: {raw} on standard {stream}:\n{about:?}");
                    }
                    let escaped = about.contains(SEEN) || SEEN_JSON.iter().any(|seen| about.contains(seen));
                    // A line of source has one character for one.
                    let there = escaped || about.contains("PLANTED");
                    let name = about.contains("bytes\\xff\\u{1b}");
                    counted.lock().unwrap().1 += usize::from(escaped);
                    if let Some(target) = target.filter(|_| there || name) {
                        shown.lock().unwrap().insert(target.clone());
                    }
                }
                assert_ne!(output.status.code(), Some(70), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
                counted.lock().unwrap().0 += 1;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(sweep);
        }
    });
    let (runs, escaped) = counted.into_inner().unwrap();
    let targets = plant(tempfile::tempdir().unwrap().path());
    let shown = shown.into_inner().unwrap();
    // Refused without a word of theirs, keys above all.
    const UNQUOTED: [&str; 8] = [
        "m/raw",
        "s/syntax.lua",
        "s/library.so",
        "k/raw.modset",
        "k/trust.toml",
        "k/key.pem",
        "k/key.pub",
        "k/list.toml",
    ];
    let quoted = |target: &&OsString| !UNQUOTED.iter().any(|name| target.as_os_str() == *name);
    let never: Vec<_> = targets.iter().filter(quoted).filter(|target| !shown.contains(*target)).collect();
    assert!(escaped > 800, "{escaped} of {runs} runs show what was planted");
    assert!(never.is_empty(), "planted and never shown: {never:?}, {escaped} of {runs}");
}
