//! Attacks that text cannot say, as text: modules byte by byte, and native libraries made from C with bytes changed. No
//! binary lies in the repository. It judges nothing; `attacks.rs` plays what is built here.
//!
//! `.bytes`: two hex digits are a byte, `"text"` its bytes, `=N` the number N in LEB128, `{ ... }` the length of what is
//! inside and that, `N*( ... )` the same N times; `;;` begins a comment.
//!
//! `.library`: `source FILE.c` of `backends/native/tests/c`, compiled with the rest of the line; then, in their order,
//! `way NN` (what `hostile.c` shall break), `put OFFSET BYTES` and `keep LENGTH` (cut there); `raw` in place of a source
//! starts with nothing, and `add BYTES` appends. Offsets and lengths are decimal, bytes as in `.bytes`.
//!
//! A script with a comment line `repeat N: REST` is played with `REST` in its place, N times, a line each.
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub)]

use std::{env, fs, path::Path, process::Command};

/// The plugin file that `path` describes, and its name; `None` for a file that is a plugin itself.
pub fn build(path: &Path, stamp: &str) -> Option<(String, Vec<u8>)> {
    let stem = path.file_stem()?.to_str()?;
    let text = || fs::read_to_string(path).unwrap();
    match path.extension()?.to_str()? {
        "bytes" => Some((format!("{stem}.wasm"), assemble(&text()))),
        "library" => Some((format!("{stem}.so"), library(&text(), stamp))),
        ending => repeated(&fs::read(path).unwrap()).map(|text| (format!("{stem}.{ending}"), text.into_bytes())),
    }
}

/// The script with its lines repeated; `None` for one without such lines.
fn repeated(script: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(script).ok()?;
    let asked = |line: &str| {
        let rest = line.trim_start_matches(['-', '/', ';']).trim_start().strip_prefix("repeat ")?;
        let (times, rest) = rest.split_once(": ")?;
        (rest.len() < line.len() && !line.starts_with("repeat"))
            .then(|| format!("{rest}\n").repeat(times.parse().unwrap()))
    };
    let lines: Vec<_> = text.lines().map(|line| asked(line).ok_or(line)).collect();
    lines
        .iter()
        .any(Result::is_ok)
        .then(|| lines.into_iter().map(|line| line.unwrap_or_else(|line| format!("{line}\n"))).collect())
}

fn library(text: &str, stamp: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(";;")) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "raw" => {}
            "source" => bytes = compile(rest, stamp),
            "way" => {
                let mark = b"BREAKS-LIKE-00";
                let at = bytes.windows(mark.len()).position(|window| window == mark).unwrap() + mark.len();
                bytes[at - 2..at].copy_from_slice(rest.as_bytes());
            }
            "put" => {
                let (at, patch) = rest.split_once(' ').unwrap();
                let (at, patch) = (at.parse::<usize>().unwrap(), assemble(patch));
                bytes[at..at + patch.len()].copy_from_slice(&patch);
            }
            "keep" => bytes.truncate(rest.parse().unwrap()),
            "add" => bytes.extend(assemble(rest)),
            other => panic!("no such step: {other}"),
        }
    }
    bytes
}

fn compile(line: &str, stamp: &str) -> Vec<u8> {
    let mut words = line.split_whitespace();
    let source = words.next().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{stamp}.so"));
    let status = Command::new("cc")
        .args(["-std=c99", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-DTRACE=\"/dev/null\"", "-I"])
        .arg(root.join("sdk/abi/include"))
        .arg("-o")
        .arg(&out)
        .arg(root.join("backends/native/tests/c").join(source))
        .args(words)
        .status()
        .unwrap();
    assert!(status.success(), "{source} does not compile");
    let bytes = fs::read(&out).unwrap();
    fs::remove_file(out).unwrap();
    bytes
}

/// The bytes that `text` says.
pub fn assemble(text: &str) -> Vec<u8> {
    let mut rest = text;
    let bytes = sequence(&mut rest, None);
    assert!(rest.is_empty(), "left over: {rest}");
    bytes
}

fn sequence(rest: &mut &str, end: Option<char>) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        *rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            assert!(end.is_none(), "a bracket is not closed");
            return out;
        };
        if let Some(comment) = rest.strip_prefix(";;") {
            *rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if Some(first) == end {
            *rest = &rest[1..];
            return out;
        } else if first == '{' {
            *rest = &rest[1..];
            let inside = sequence(rest, Some('}'));
            number(inside.len() as u64, &mut out);
            out.extend(inside);
        } else if first == '"' {
            let (text, after) = rest[1..].split_once('"').unwrap();
            out.extend(text.as_bytes());
            *rest = after;
        } else if first == '=' {
            number(word(&mut &rest[1..]).parse().unwrap(), &mut out);
            word(rest);
        } else if let Some((times, after)) =
            rest.split_once("*(").filter(|(n, _)| n.bytes().all(|b| b.is_ascii_digit()))
        {
            *rest = after;
            let inside = sequence(rest, Some(')'));
            out.extend(inside.repeat(times.parse().unwrap()));
        } else {
            let digits = word(rest);
            out.push(u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("`{digits}` is no byte")));
        }
    }
}

/// The next word: up to a blank or a closing bracket.
fn word<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest.find([' ', '\n', '\t', ')', '}']).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

fn number(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
