//! The verbs beside `run`, the words that do not fit together, and what happens when a stream is closed or somebody interrupts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;

use serde_json::Value as Json;
use support::{
    See::{Err, Json as At, JsonHas, NotErr, Out, OutHas},
    check, folder, modhost,
};

#[test]
fn words_that_do_not_fit_together() {
    check(&[], &[], 2, &[Err("Usage: modhost"), Out("")]);
    check(&[], &["--json"], 2, &[At("error.code", r#""usage""#)]);
    check(&[], &["run"], 2, &[Err("<PATH>")]);
    check(
        &[],
        &["run", "--json"],
        2,
        &[JsonHas("error.message", "<PATH>"), At("error.plugin", "null"), At("error.at", "null")],
    );
    check(&[], &["frolic", "--json"], 2, &[JsonHas("error.message", "frolic")]);
    check(&[], &["prove", "a.modpkg"], 2, &[Err("prove")]);
    check(&[], &["run", "a.lua", "--fule", "1", "--json"], 2, &[JsonHas("error.message", "--fule")]);
    check(&[], &["run", "a.lua", "--call", "--json"], 2, &[JsonHas("error.message", "--call")]);
    check(&[], &["completions", "tcsh"], 2, &[Err("tcsh")]);
}

#[test]
fn help_shows_examples_and_statuses() {
    for words in [
        &["--help"][..],
        &["run", "--help"],
        &["list", "--help"],
        &["inspect", "--help"],
        &["check", "-h"],
        &["resolve", "--help"],
        &["why", "--help"],
        &["graph", "--help"],
        &["set", "--help"],
        &["set", "export", "--help"],
        &["set", "import", "--help"],
        &["pack", "-h"],
        &["sign", "--help"],
        &["verify", "--help"],
        &["explain", "--help"],
        &["bench", "--help"],
        &["backends", "--help"],
        &["audit", "--help"],
        &["audit", "show", "--help"],
        &["audit", "verify", "--help"],
        &["completions", "-h"],
        &["key", "--help"],
        &["key", "new", "--help"],
        &["key", "show", "-h"],
        &["trust", "--help"],
        &["trust", "add", "--help"],
        &["trust", "remove", "--help"],
        &["trust", "revoke", "--help"],
        &["trust", "pin", "--help"],
        &["trust", "unpin", "--help"],
        &["trust", "restore", "--help"],
        &["trust", "threshold", "--help"],
        &["trust", "allow", "--help"],
        &["trust", "delegate", "--help"],
        &["trust", "publish", "--help"],
        &["trust", "seal", "--help"],
        &["trust", "unseal", "--help"],
        &["trust", "list", "--help"],
    ] {
        check(&[], words, 0, &[OutHas("Examples:\n  modhost "), OutHas("  130  interrupted"), NotErr("error")]);
    }
    check(&[], &["--version"], 0, &[Out(concat!("modhost ", env!("CARGO_PKG_VERSION"), "\n"))]);
    for preset in modhost::Policy::PRESETS {
        check(&[], &["run", "--help"], 0, &[OutHas(preset)]);
    }
}

/// Where there is no terminal, and on one of 80 columns.
#[test]
fn help_and_tables_fit_80_columns() {
    let long = "[plugin]\nid = \"a\"\nversion = \"1.0.0\"\ndescription = \"It is said that this goes on and on and on, for longer than any terminal is wide\"\n\
                [capabilities]\nrequired = [\"world.a\", \"world.b\", \"world.c\", \"world.d\", \"world.e\", \"world.f\", \"world.g\", \"world.h\"]\n";
    let here = folder(&[("mods/a/plugin.toml", long), ("mods/a/main.lua", ""), ("mods/b.so", "x")]);
    for words in [
        &["--help"][..],
        &["run", "--help"],
        &["list", "--help"],
        &["inspect", "--help"],
        &["check", "--help"],
        &["resolve", "--help"],
        &["why", "--help"],
        &["graph", "--help"],
        &["set", "--help"],
        &["set", "export", "--help"],
        &["set", "import", "--help"],
        &["pack", "--help"],
        &["explain", "--help"],
        &["bench", "--help"],
        &["backends", "--help"],
        &["audit", "--help"],
        &["audit", "show", "--help"],
        &["audit", "verify", "--help"],
        &["sign", "--help"],
        &["verify", "--help"],
        &["backends"],
        &["completions", "--help"],
        &["key", "--help"],
        &["key", "new", "--help"],
        &["key", "show", "--help"],
        &["key", "new", "acme.pem"],
        &["trust", "--help"],
        &["trust", "add", "--help"],
        &["trust", "remove", "--help"],
        &["trust", "revoke", "--help"],
        &["trust", "pin", "--help"],
        &["trust", "unpin", "--help"],
        &["trust", "restore", "--help"],
        &["trust", "threshold", "--help"],
        &["trust", "allow", "--help"],
        &["trust", "delegate", "--help"],
        &["trust", "publish", "--help"],
        &["trust", "seal", "--help"],
        &["trust", "unseal", "--help"],
        &["trust", "list", "--help"],
        &["list", "mods"],
        &["inspect", "mods/a"],
        &["inspect", "mods/b.so"],
        &["check", "mods/a"],
        &["explain"],
        &["explain", "limit.fuel"],
    ] {
        let output = modhost(here.path()).args(words).env("COLUMNS", "80").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(!text.is_empty() && wide.is_empty(), "{words:?}: {wide:#?}");
    }
}

#[test]
fn explain() {
    check(
        &[],
        &["explain", "limit.fuel"],
        0,
        &[OutHas("limit.fuel (exit status 3)"), OutHas("Remedy: "), OutHas("$ modhost run wolf.lua")],
    );
    check(&[], &["explain", "limit.fuel", "--json"], 0, &[At("code", r#""limit.fuel""#), At("exit", "3")]);
    check(&[], &["explain"], 0, &[OutHas("denied.capability"), OutHas("internal.bug")]);
    check(&[], &["explain", "limit.fule"], 2, &[Err("`limit.fuel`")]);
    check(
        &[],
        &["explain", "limit.fule", "--json"],
        2,
        &[At("error.code", r#""usage""#), JsonHas("error.help", "`limit.fuel`")],
    );
    check(&[], &["explain", "zzzzzz", "--json"], 2, &[At("error.help", r#""`modhost explain` lists all codes.""#)]);
}

#[test]
fn every_example_of_explain_gives_its_code() {
    let here = folder(&[]);
    let listed = modhost(here.path()).args(["explain", "--json"]).output().unwrap();
    let listed: Json = serde_json::from_slice(&listed.stdout).unwrap();
    let codes = listed["codes"].as_array().unwrap();
    let mut examples = 0;
    for about in codes.iter().filter(|about| !about["example"].is_null()) {
        let here = folder(&[]);
        for file in about["example"]["files"].as_array().unwrap() {
            let path = here.path().join(file[0].as_str().unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file[1].as_str().unwrap()).unwrap();
        }
        let words = about["example"]["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        let output = modhost(here.path()).args(words).arg("--json").output().unwrap();
        let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["error"]["code"], about["code"], "{answer}");
        assert_eq!(output.status.code().map(i64::from), about["exit"].as_i64(), "{answer}");
        examples += 1;
    }
    assert!(examples >= 50, "{examples} of {}", codes.len());
}

#[test]
fn backends() {
    check(&[], &["backends"], 0, &[OutHas("lua"), OutHas("instructions"), OutHas("isolation"), OutHas("suspend")]);
    check(
        &[],
        &["backends", "--json"],
        0,
        &[
            At("backends.0.backend", r#""lua""#),
            At("backends.0.available", "true"),
            At("backends.0.isolation", r#""sandbox""#),
            At("backends.2.limits.instructions", r#""exact""#),
            At("backends.3.backend", r#""native""#),
            At("backends.3.isolation", r#""shared memory""#),
            At("backends.3.limits.memory", r#""no""#),
        ],
    );
}

#[test]
fn completions() {
    for (shell, part) in [
        ("bash", "_modhost()"),
        ("fish", "complete -c modhost"),
        ("zsh", "#compdef modhost"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        check(&[], &["completions", shell], 0, &[OutHas(part), OutHas("deadline")]);
    }
    check(&[], &["completions", "bash", "--json"], 0, &[At("shell", r#""bash""#), JsonHas("script", "_modhost()")]);
}

#[test]
fn the_log_is_on_standard_error() {
    let here = folder(&[("a.lua", "function main() return 1 end")]);
    let logged = modhost(here.path()).args(["run", "a.lua"]).env("MODHOST_LOG", "modhost=debug").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&logged.stdout), "1\n");
    assert!(String::from_utf8_lossy(&logged.stderr).contains("calling a:main"));
    let mistaken = modhost(here.path()).args(["run", "a.lua"]).env("MODHOST_LOG", "modhost=loud").output().unwrap();
    assert_eq!(mistaken.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&mistaken.stderr).contains("MODHOST_LOG"));
    let printed = folder(&[("a.lua", "function main() print('hi there') end")]);
    let traced = modhost(printed.path()).args(["run", "a.lua"]).env("MODHOST_LOG", "trace").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&traced.stderr).matches("hi there").count(), 1, "printed once, not logged too");
    let quiet = modhost(here.path()).args(["run", "a.lua"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
}

#[test]
fn closed_streams_are_quiet() {
    let here = folder(&[("a.lua", "function main() return 1 end\nfunction boom() print('x') error('x') end")]);
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    for (words, status) in [
        (&["run", "a.lua"][..], 0),
        (&["explain"], 0),
        (&["--help"], 0),
        (&["run", "a.lua", "--call", "boom", "--json"], 1),
    ] {
        let output = modhost(here.path()).args(words).stdout(closed()).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{words:?}");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(err.is_empty() || err == "x\n", "{words:?}: {err}");
    }
    for words in [&["run", "a.lua", "--call", "boom"][..], &["run"], &["run", "a.lua", "--grant", "no.one"]] {
        let output = modhost(here.path()).args(words).env("MODHOST_LOG", "trace").stderr(closed()).output().unwrap();
        assert!(matches!(output.status.code(), Some(0..=2)), "{words:?}: {:?}", output.status);
    }
}

/// A full disk is no reader that went away.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_io_failed() {
    let here = folder(&[]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = modhost(here.path()).args(["explain", "--json"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("error[io.failed]"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130() {
    use std::{
        io::{BufRead, BufReader, Read},
        process::{Command, Stdio},
    };

    let here = folder(&[("spin.lua", "function main() while true do end end")]);
    let mut child = modhost(here.path())
        .args(["run", "spin.lua", "--fuel", "18446744073709551615", "--deadline", "60s"])
        .env("MODHOST_LOG", "modhost=debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("calling") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "the plugin was never called");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}
