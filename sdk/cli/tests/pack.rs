//! `modhost pack`, and what the other verbs make of packages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use modhost::verify::SecretKey;
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
                    OutHas("  left out  .git (of version control)\n"),
                    OutHas("            modhost.lock (written by modhost)\n"),
                    OutHas("            modhost.lock.signatures (written by modhost)\n"),
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
                &[
                    Json("written", "true"),
                    Json("left_out.0", r#"{"path":".git","secret":false,"why":"version-control"}"#),
                    Json("left_out.1.path", "\"modhost.lock\""),
                    Json("left_out.2.why", "\"output\""),
                    Json("included", "[]"),
                ],
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

/// A key of ed25519 that nobody has.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n";

/// Secrets and litter are named, and are in the package only where somebody asks for them; what was packed runs.
#[test]
fn secrets_and_litter_stay_at_home() {
    let manifest = ("p/plugin.toml", "[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n");
    let main = ("p/main.lua", "function main() return 'awoo' end");
    let files: &[File] = &[
        manifest,
        main,
        ("p/signing.pem", KEY),
        ("p/notes.txt", KEY),
        ("p/lib/main.lua~", "old"),
        ("p/Thumbs.db", "x"),
        ("p/.env", "TOKEN=1"),
        ("p/data/a b.bak", "x"),
    ];
    check(
        files,
        &[
            (
                &["pack", "p"],
                0,
                &[
                    OutHas("  2 files   main.lua "),
                    OutHas("  left out  .env (by its name, passwords or keys)\n"),
                    OutHas("            Thumbs.db (left by the system)\n"),
                    OutHas("            data/a b.bak (a backup or temporary file)\n"),
                    OutHas("            notes.txt (a private key)\n"),
                    Err("signing.pem: this is a private key and is left out"),
                    Err("notes.txt: this is a private key and is left out"),
                ],
            ),
            (&["verify", "p-1.0.0.modpkg"], 0, &[]),
            (&["run", "p-1.0.0.modpkg"], 0, &[Out("awoo\n")]),
            (
                &["pack", "p", "--json", "--force", "--include", "**/*.bak", "--include", "signing.pem"],
                0,
                &[
                    Json("files.0.path", "\"data/a b.bak\""),
                    Json("included.0.why", "\"backup\""),
                    Json("included.1", r#"{"path":"signing.pem","secret":true,"why":"private-key"}"#),
                    Json("left_out.3.path", "\"notes.txt\""),
                ],
            ),
            (
                &["pack", "p", "--force", "--include", "signing.pem"],
                0,
                &[Err("is in the package, where everybody reads it")],
            ),
            (
                &["pack", "p", "--include", "main.lua"],
                2,
                &[Out(""), Err("nothing that would be left out has this path")],
            ),
            (&["pack", "p", "--include", ".env"], 2, &[Out(""), Err("no package holds names that begin with a dot")]),
        ],
        nothing,
    );
    // What the plugin needs is never left out.
    let entry = ("p/plugin.toml", "[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n[entry]\nlua = \"m.lua\"\n");
    let in_code = ("p/m.lua", "local key = [[\n-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAA\n]]\n");
    let in_module = ("p/lib.lua", in_code.1);
    for files in [&[entry, in_code][..], &[manifest, main, in_module]] {
        check(
            files,
            &[
                (&["pack", "p"], 4, &[Out(""), Err("error[package.left-out]"), Err("a private key"), Err("--include")]),
                (&["pack", "p", "--include", "**/*.lua"], 0, &[OutHas("  included  ")]),
            ],
            nothing,
        );
    }
    // What is missing then is found before anything is written: what was packed is loaded, not the folder.
    let needs: &[File] = &[manifest, ("p/main.lua", "require('a.orig')"), ("p/a.orig.lua", ""), ("p/b.bak", "")];
    check(needs, &[(&["pack", "p"], 0, &[OutHas("b.bak")])], nothing);
}

/// A plugin that was signed is packed as its list says, and signed again, whatever is in it.
#[test]
fn a_signed_folder_keeps_what_its_list_names() {
    let files: &[File] = &[
        ("p/plugin.toml", "[plugin]\nid = \"p\"\nversion = \"1.0.0\"\n"),
        ("p/main.lua", "function main() return 'awoo' end"),
        ("p/a.bak", "x"),
    ];
    let area = folder(files);
    SecretKey::from_seed(&[7; 32]).create(&area.path().join("me.pem")).unwrap();
    let steps: [Step<'_>; 4] = [
        (&["pack", "p", "--include", "a.bak"], 0, &[]),
        (&["sign", "p-1.0.0.modpkg", "--key", "me.pem"], 0, &[OutHas("signed p 1.0.0")]),
        (&["verify", "p-1.0.0.modpkg", "--json"], 0, &[]),
        (&["inspect", "p-1.0.0.modpkg"], 0, &[OutHas("a.bak (1 B)")]),
    ];
    steps.iter().for_each(|(words, status, sees)| check_in(area.path(), words, *status, sees));
}

/// What is left of a package is refused by each verb by its own code, and none of its files runs.
#[test]
fn a_folder_with_meta_and_without_a_manifest_is_no_plugin() {
    let files: &[File] = &[
        ("p/main.lua", "function main() return 'awoo' end"),
        ("p/META/files", "modhost-files 1\nwolf\n1.0.0\n"),
        ("mods/p/main.lua", ""),
        ("mods/p/META/files", "modhost-files 1\nwolf\n1.0.0\n"),
        ("mods/a.lua", ""),
    ];
    let code = "error[package.no-manifest]";
    let steps: [Step<'_>; 9] = [
        (&["run", "p"], 4, &[Out(""), Err(code)]),
        (&["inspect", "p"], 4, &[Out(""), Err(code)]),
        (&["verify", "p", "--json"], 4, &[Json("error.code", "\"package.no-manifest\"")]),
        (&["check", "p"], 4, &[OutHas("package.no-manifest"), Err(code)]),
        (&["pack", "p"], 4, &[Out(""), Err(code)]),
        (&["list", "p"], 4, &[OutHas("unreadable")]),
        (&["list", "mods"], 0, &[OutHas("a "), OutHas("unreadable")]),
        (&["run", "mods"], 0, &[OutHas("package.no-manifest")]),
        (&["resolve", "mods"], 0, &[OutHas("package.no-manifest")]),
    ];
    check(files, &steps, nothing);
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
