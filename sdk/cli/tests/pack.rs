//! `modhost pack`, and what the other verbs make of packages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use support::{
    File,
    See::{self, Err, Json, JsonHas, NotErr, Out, OutHas},
    check_in, folder,
};

const WOLF: &[File] = &[
    ("wolf/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.2.0\"\n"),
    ("wolf/main.lua", "local lib = require('lib/a')\nfunction main() return lib.howl end\n"),
    ("wolf/lib/a.lua", "return { howl = 'awoo' }\n"),
    ("wolf/modhost.lock", "lock = 1\n"),
    ("wolf/modhost.lock.signatures", "modhost-signatures 1\n"),
    ("wolf/.git/config", "[core]\n"),
];
const DIGEST: &str = "e4452ad49793e4ed64701d60dc3deb14819ca9fe5465c0023c1af54692683c5c";

type Step<'a> = (&'a [&'a str], i32, &'a [See]);

/// Runs the steps one after the other beside `files`; before each but the first, `between` may change the folder.
#[track_caller]
fn check(files: &[File], steps: &[Step<'_>], between: fn(&Path)) {
    let area = folder(files);
    for (number, (words, status, sees)) in steps.iter().enumerate() {
        if number > 0 {
            between(area.path());
        }
        check_in(area.path(), words, *status, sees);
    }
}

fn nothing(_: &Path) {}

#[test]
fn a_packed_folder_runs() {
    check(
        WOLF,
        &[
            (
                &["pack", "wolf"],
                0,
                &[
                    OutHas("  packed    acme.wolf 1.2.0\n"),
                    OutHas("  as        acme.wolf-1.2.0.modpkg\n"),
                    OutHas(DIGEST),
                    OutHas("  3 files   lib/a.lua (25 B)\n"),
                    OutHas("  left out  modhost.lock, modhost.lock.signatures\n"),
                    Err(""),
                ],
            ),
            (&["run", "acme.wolf-1.2.0.modpkg"], 0, &[Out("awoo\n")]),
            (&["run", ".", "--call", "acme.wolf:main"], 0, &[Out("awoo\n")]),
            (&["list", "."], 0, &[OutHas("acme.wolf  1.2.0  lua")]),
            (&["check", "acme.wolf-1.2.0.modpkg"], 0, &[OutHas("1 plugin checked: 1 good")]),
            (
                &["inspect", "acme.wolf-1.2.0.modpkg"],
                0,
                &[OutHas(DIGEST), OutHas("packed as "), OutHas("lib/a.lua (25 B)")],
            ),
            (
                &["inspect", "acme.wolf-1.2.0.modpkg", "--json"],
                0,
                &[
                    JsonHas("digest", DIGEST),
                    Json("algorithm", "\"sha256\""),
                    Json("recorded", "true"),
                    Json("signatures", "false"),
                    Json("files.0.path", "\"lib/a.lua\""),
                    Json("files.0.bytes", "25"),
                    JsonHas("files.0.digest", "0f6bdb21e5800983"),
                ],
            ),
            (&["inspect", ".wolf", "--json"], 0, &[Json("recorded", "false"), Json("packed", "null")]),
        ],
        // Where packages are looked for, the folder would be a second plugin of the id.
        |area| {
            let _ = fs::rename(area.join("wolf"), area.join(".wolf"));
        },
    );
}

#[test]
fn a_package_is_replaced_only_when_it_may_be() {
    check(
        WOLF,
        &[
            (
                &["pack", "wolf", "--json"],
                0,
                &[Json("written", "true"), Json("left_out", "[\"modhost.lock\",\"modhost.lock.signatures\"]")],
            ),
            (&["pack", "wolf", "--json"], 0, &[Json("written", "false"), JsonHas("digest", DIGEST)]),
            (&["pack", "wolf"], 0, &[OutHas("(the same was there already)")]),
            (
                &["pack", "wolf", "--sha512"],
                2,
                &[Out(""), Err("acme.wolf-1.2.0.modpkg: another file is there already"), Err("--force")],
            ),
            (
                &["pack", "wolf", "--sha512", "--force", "--json"],
                0,
                &[Json("algorithm", "\"sha512\""), Json("written", "true"), Json("files.1.path", "\"main.lua\"")],
            ),
            (&["run", "acme.wolf-1.2.0.modpkg"], 0, &[Out("awoo\n")]),
            (&["pack", "wolf", "--out", "wolf", "--json"], 2, &[Json("error.code", "\"usage\"")]),
            (&["pack", "wolf", "--out", "no/such/w.modpkg", "--json"], 2, &[Json("error.code", "\"io.not-found\"")]),
            (&["pack", "wolf", "--out", "w.modpkg"], 0, &[OutHas("  as        w.modpkg\n")]),
        ],
        |area| {
            let mut left =
                fs::read_dir(area).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
            assert!(left.all(|name| !name.ends_with(".new")), "what is half written is gone");
        },
    );
}

#[test]
fn what_does_not_load_is_not_packed() {
    let manifest = |rest: &'static str| ("p/plugin.toml", rest);
    let rows: [(&[File], i32, &str); 6] = [
        (&[("p/main.lua", "")], 4, "package.not-a-plugin"),
        (&[manifest("[plugin]\nid = \"p\"\n"), ("p/main.lua", "")], 4, "manifest.missing-key"),
        (&[manifest("[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n"), ("p/main.lua", "function (")], 1, "script.compile"),
        (
            &[
                manifest("[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n"),
                ("p/main.lua", "local function f() return 1 + f() end f()"),
            ],
            3,
            "limit.depth",
        ),
        (
            &[manifest("[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n"), ("p/main.lua", ""), ("p/w\u{f6}lfe.txt", "")],
            4,
            "package.name",
        ),
        (
            &[manifest("[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n"), ("p/main.lua", ""), ("p/META/mine", "")],
            4,
            "package.meta",
        ),
    ];
    for (files, status, code) in rows {
        let error = format!("\"{code}\"");
        let area = folder(files);
        let code = Json("error.code", Box::leak(error.into_boxed_str()));
        check_in(area.path(), &["pack", "p", "--json"], status, &[code]);
        assert!(!area.path().join("p-1.0.0.modpkg").exists());
    }
    check(&[("wolf.lua", "")], &[(&["pack", "wolf.lua"], 2, &[Err("`pack` takes a plugin's folder")])], nothing);
    check(&[], &[(&["pack", "gone"], 2, &[Err("io.not-found")])], nothing);
}

/// What another host has is no fault of the plugin.
#[test]
fn what_is_missing_here_is_a_warning() {
    let files: &[File] = &[
        (
            "p/plugin.toml",
            "[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n[dependencies]\nq = \"*\"\n[requires]\nmoon = \"^1\"\n",
        ),
        ("p/main.lua", ""),
    ];
    check(
        files,
        &[
            (&["pack", "p"], 0, &[OutHas("p-1.0.0.modpkg"), Err("warning[resolve."), NotErr("error[")]),
            (&["pack", "p", "--json"], 0, &[JsonHas("not_loaded.code", "resolve."), Json("written", "false")]),
        ],
        nothing,
    );
}

/// One byte of a package is another: the command says which file, and stays with its one code.
#[test]
fn a_damaged_package_is_named() {
    check(
        WOLF,
        &[
            (&["pack", "wolf", "--out", "w.modpkg"], 0, &[]),
            (&["run", "w.modpkg"], 4, &[Err("error[package.damaged]"), Err("w.modpkg"), Out("")]),
            (&["inspect", "w.modpkg", "--json"], 4, &[Json("error.code", "\"package.damaged\"")]),
        ],
        |area| {
            let mut bytes = fs::read(area.join("w.modpkg")).unwrap();
            bytes[100] = 0;
            fs::write(area.join("w.modpkg"), bytes).unwrap();
        },
    );
}
