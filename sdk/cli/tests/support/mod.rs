//! The one `check` of the command's tests: writes files, runs the command beside them, compares status, streams and JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value as Json;

/// A file beside which the command runs.
pub(crate) type File = (&'static str, &'static str);

/// What a run must show.
pub(crate) enum See {
    /// At this path (`error.at.line`, `plugins.0.plugin`) of the one JSON object stands this JSON.
    Json(&'static str, &'static str),
    /// The text at this path contains this.
    JsonHas(&'static str, &'static str),
    /// Standard output is exactly this.
    Out(&'static str),
    /// Standard output contains this.
    OutHas(&'static str),
    /// Standard error contains this.
    Err(&'static str),
    /// Standard error does not contain this.
    NotErr(&'static str),
}

/// The command, in `folder`.
pub(crate) fn modhost(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modhost"));
    command.current_dir(folder).env_remove("MODHOST_LOG").env_remove("NO_COLOR");
    command.env_remove("MODHOST_STORE").env_remove("MODHOST_STORE_KEY").env_remove("MODHOST_PASSPHRASE");
    // Whom this machine's user trusts is no part of a test.
    let nowhere = folder.join("no-settings");
    command.env("XDG_CONFIG_HOME", &nowhere).env("APPDATA", &nowhere);
    command
}

/// A folder with `files`.
pub(crate) fn folder(files: &[File]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Runs `modhost` with `words` beside `files`: it must end with `status` and show all of `sees`. With `--json` among the words,
/// standard output must be one JSON object on one line whatever happens.
#[track_caller]
pub(crate) fn check(files: &[File], words: &[&str], status: i32, sees: &[See]) {
    check_in(folder(files).path(), words, status, sees);
}

/// [`check`] in a folder that is there, for runs that leave something to the next.
#[track_caller]
pub(crate) fn check_in(folder: &Path, words: &[&str], status: i32, sees: &[See]) {
    let output = modhost(folder).args(words).output().unwrap();
    compare(words, &output, status, sees);
}

#[track_caller]
fn compare(words: &[&str], output: &Output, status: i32, sees: &[See]) {
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    let err = String::from_utf8(output.stderr.clone()).unwrap();
    let about = format!("modhost {}\n--- out\n{out}--- err\n{err}---", words.join(" "));
    assert_eq!(output.status.code(), Some(status), "{about}");
    assert!(!err.contains('\u{1b}') && !err.contains("panicked"), "{about}");
    let json = words.contains(&"--json").then(|| {
        assert!(out.ends_with('\n') && out.lines().count() == 1, "{about}");
        serde_json::from_str::<Json>(&out).expect(&about)
    });
    if let Some(json) = &json {
        assert_eq!(json["ok"], Json::Bool(status == 0), "{about}");
    }
    for see in sees {
        match see {
            See::Json(path, expected) => {
                let expected: Json = serde_json::from_str(expected).expect(expected);
                assert_eq!(at(json.as_ref().expect(&about), path), &expected, "{path} of {about}");
            }
            See::JsonHas(path, part) => {
                let text = at(json.as_ref().expect(&about), path).as_str().expect(&about);
                assert!(text.contains(part), "{path} has no {part:?}: {about}");
            }
            See::Out(text) => assert_eq!(&out, text, "{about}"),
            See::OutHas(part) => assert!(out.contains(part), "no {part:?} on standard output: {about}"),
            See::Err(part) => assert!(err.contains(part), "no {part:?} on standard error: {about}"),
            See::NotErr(part) => assert!(!err.contains(part), "{part:?} on standard error: {about}"),
        }
    }
}

/// One run: files, words, status, and what is to be seen.
pub(crate) type Row<'a> = (&'a [File], &'a [&'a str], i32, &'a [See]);

/// [`check`], row by row.
#[track_caller]
pub(crate) fn check_all(rows: &[Row<'_>]) {
    for (files, words, status, sees) in rows {
        check(files, words, *status, sees);
    }
}

/// A plugin in Lua.
pub(crate) const LUA: File = (
    "wolf.lua",
    "print('hello')\nfunction main() return 'awoo' end\nfunction add(a, b) return a + b end\nfunction echo(v) return v end\n",
);
/// A plugin in Rhai.
pub(crate) const RHAI: File =
    ("fox.rhai", "fn main() { 7 }\nfn echo(v) { v }\nfn boom() {\n  let x = 1;\n  throw \"no hens\"\n}\n");

/// The part of `json` at a dotted path; null where there is none.
fn at<'a>(json: &'a Json, path: &str) -> &'a Json {
    path.split('.').fold(json, |json, step| match step.parse::<usize>() {
        Ok(index) => &json[index],
        Err(_) => &json[step],
    })
}
