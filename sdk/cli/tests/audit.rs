//! `modhost audit show`, `modhost audit verify`, and `modhost run --audit`, which writes what they read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, process::Command};

use modhost::audit::FileLog;
use support::{
    File, LUA,
    See::{self, Err, Json, JsonHas, NotErr, Out, OutHas},
    check, check_in, folder, modhost,
};

const SPAWNS: File = ("wolf.lua", "function main()\n  world.spawn('wolf', 0, 0)\nend\n");
const RUN: &[&str] = &["run", "wolf.lua", "--audit", "a.jsonl", "--audit-key", "a.key"];
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn a_run_writes_what_show_and_verify_read() {
    let here = folder(&[SPAWNS, ("bad.lua", "("), ("other.key", ZEROS)]);
    let here = here.path();
    check_in(here, RUN, 4, &[Err("error[denied.capability]")]);
    check_in(here, &["run", "bad.lua", "--audit", "a.jsonl", "--audit-key", "a.key"], 1, &[]);

    check_in(
        here,
        &["audit", "show", "a.jsonl"],
        0,
        &[
            OutHas("  info     opened       modhost 0."),
            OutHas("  notice   admitted     wolf 0.0.0  lua as untrusted, sha256:"),
            OutHas("  warning  denied       wolf  denied.capability: world.spawn\n"),
            OutHas("  warning  refused      bad 0.0.0  script.compile: "),
            OutHas("  info     closed\n"),
            Err(""),
        ],
    );
    let rows: &[(&[&str], &[See])] = &[
        (&["--plugin", "wolf"], &[Json("records.3.event", r#""denied""#), Json("records.4", "null")]),
        (
            &["--plugin", "wolf", "--event", "loaded"],
            &[Json("records.0.version", r#""0.0.0""#), Json("records.1", "null")],
        ),
        (&["--severity", "warning"], &[Json("records.1.code", r#""script.compile""#), Json("records.2", "null")]),
        (&["--code", "denied"], &[Json("records.0.detail", r#""world.spawn""#), Json("records.1", "null")]),
        (&["--limit", "2"], &[Json("records.0.event", r#""closed""#), Json("records.1.plugin", "null")]),
        (&["--limit", "0"], &[Json("records", "[]")]),
        (&["--since", "2020-01-01", "--event", "closed"], &[JsonHas("records.1.wall", "Z"), Json("records.2", "null")]),
        (&["--until", "2020-01-01T12:00:00Z"], &[Json("records", "[]")]),
    ];
    for (words, sees) in rows {
        check_in(here, &[&["audit", "show", "a.jsonl", "--json"], *words].concat(), 0, sees);
    }

    check_in(
        here,
        &["audit", "verify", "a.jsonl", "--key", "a.key"],
        0,
        &[OutHas("a.jsonl: 14 records as they were written, number 0 to 13\nSigned up to record 13 with the key:\n")],
    );
    check_in(here, &["audit", "verify", "a.jsonl"], 0, &[OutHas("with a key that you did not give:")]);
    check_in(
        here,
        &["audit", "verify", "a.jsonl", "--reaches", "13", "--json"],
        0,
        &[Json("signed", "13"), Json("checkpoints", "4"), Json("closed", "true"), Json("files", r#"["a.jsonl"]"#)],
    );
    check_in(
        here,
        &["audit", "verify", "a.jsonl", "--reaches", "14", "--json"],
        4,
        &[Json("error.code", r#""audit.broken""#), Json("error.at.line", "14"), Json("records", "14")],
    );
    check_in(
        here,
        &["audit", "verify", "a.jsonl", "--key", "other.key", "--json"],
        4,
        &[Json("error.code", r#""audit.key""#)],
    );
    check_in(here, &["audit", "verify", "a.jsonl", "--key", "gone.key"], 2, &[Err("error[io.not-found]")]);

    // Somebody was there.
    let log = fs::read_to_string(here.join("a.jsonl")).unwrap();
    fs::write(here.join("a.jsonl"), log.replacen("world.spawn", "world.spown", 1)).unwrap();
    check_in(
        here,
        &["audit", "verify", "a.jsonl", "--json"],
        4,
        &[
            Json("error.code", r#""audit.broken""#),
            Json("error.at", r#"{"file":"a.jsonl","line":6,"column":null}"#),
            Json("record", "5"),
            Json("last", "4"),
        ],
    );
    check_in(here, &["audit", "verify", "a.jsonl"], 4, &[Out(""), Err("error[audit.broken]"), Err("--> a.jsonl:6\n")]);
    check_in(here, &["audit", "show", "a.jsonl", "--event", "loaded"], 4, &[OutHas("wolf"), Err("a.jsonl:6\n")]);
    check_in(
        here,
        &["audit", "show", "a.jsonl", "--json"],
        4,
        &[Json("error.code", r#""audit.broken""#), Json("records.4.event", r#""enabled""#), Json("records.5", "null")],
    );
}

#[test]
fn words_and_files_that_do_not_fit() {
    let usage = |words: &[&str], part: &'static str| {
        check(&[SPAWNS], words, 2, &[Err(part), NotErr("io.")]);
    };
    usage(&["audit"], "Usage: modhost audit");
    usage(&["audit", "show"], "<FILE>");
    usage(&["audit", "show", "a.jsonl", "--event", "eaten"], "there is no event `eaten`; there are refused, admitted");
    usage(&["audit", "show", "a.jsonl", "--severity", "bad"], "there are info, notice, warning, alert");
    usage(&["audit", "show", "a.jsonl", "--since", "yesterday"], "like 2026-11-21");
    usage(&["run", "wolf.lua", "--audit-key", "a.key"], "--audit");
    for verb in ["show", "verify"] {
        check(&[], &["audit", verb, "gone.jsonl", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]);
        check(&[("d/x", "")], &["audit", verb, "d", "--json"], 1, &[Json("error.code", r#""io.failed""#)]);
    }
    check(&[SPAWNS], &["run", "wolf.lua", "--audit", "gone/a.jsonl"], 2, &[Err("error[io.not-found]")]);
    check(&[SPAWNS, ("a.jsonl", "moo\n")], &["run", "wolf.lua", "--audit", "a.jsonl"], 4, &[Err("[audit.broken]")]);
    let here = folder(&[SPAWNS]);
    let _log = FileLog::open(here.path().join("a.jsonl")).unwrap();
    check_in(here.path(), RUN, 1, &[Err("error[audit.locked]"), Out("")]);
    // It can be read meanwhile.
    check_in(here.path(), &["audit", "verify", "a.jsonl"], 0, &[OutHas("It has no checkpoint"), OutHas("not closed")]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = modhost(here.path()).args(["audit", "show", "a.jsonl"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "a reader that went away");
}

/// A disk that is full after the first records: nothing happens that cannot be recorded, unless the policy lets it; the log stays whole.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_refuses_the_plugin_where_the_policy_does() {
    let refused = (1, r#""code":"audit.failed""#);
    let rows = [
        ("base = 'mods'", refused),
        ("base = 'airgapped'\nunsigned = true\nsignatures = 0", refused),
        ("audit = 'deny-privileged'", refused),
        ("audit = 'continue'", (0, r#""value":"awoo""#)),
    ];
    for (policy, (status, part)) in rows {
        let here = folder(&[LUA, ("own.toml", policy)]);
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" run wolf.lua --audit a.jsonl --policy own.toml --json";
        let mut run = Command::new("sh");
        let run = run.args(["-c", script, env!("CARGO_BIN_EXE_modhost")]).current_dir(here.path()).output().unwrap();
        assert_eq!(run.status.code(), Some(status), "{policy}: {run:?}");
        assert!(String::from_utf8_lossy(&run.stdout).contains(part), "{policy}: {run:?}");
        check_in(here.path(), &["audit", "verify", "a.jsonl"], 0, &[OutHas("as they were written")]);
        check_in(here.path(), &["run", "wolf.lua", "--audit", "a.jsonl"], 0, &[Out("awoo\n")]);
        check_in(here.path(), &["audit", "verify", "a.jsonl"], 0, &[NotErr("error")]);
    }
}
