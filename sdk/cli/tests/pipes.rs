//! Pipes where files should lie: the command refuses them and waits for nobody, and writes nothing in their place.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs,
    io::Read,
    os::unix::fs::FileTypeExt,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use support::{File, folder, modhost};

const FILES: &[File] = &[
    ("mods/wolf/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n"),
    ("mods/wolf/main.lua", "function main() return 'awoo' end\n"),
];
/// The pipes.
const NAMES: [&str; 5] = ["pipe", "pipe.lock", "pipe.modpkg", "modhost.lock.signatures", "other"];
/// Longer than any run takes: only what would wait for ever is ended by it.
const LONGEST: Duration = Duration::from_secs(60);

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The status and the errors of a run, which must end.
#[track_caller]
fn ended(here: &Path, words: &str) -> (Option<i32>, String) {
    let mut command = modhost(here);
    command.args(words.split(' ')).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).unwrap();
        // Nobody hears it where the test has failed by now.
        let _ = done.send(text);
    });
    let Ok(text) = wait.recv_timeout(LONGEST) else {
        child.kill().unwrap();
        panic!("modhost {words} waits");
    };
    (child.wait().unwrap().code(), text)
}

/// Each line of words must end with this status and say this, and leave `pipe` a pipe.
#[track_caller]
fn check(here: &Path, rows: &[(&str, i32, &str)]) {
    for (words, status, said) in rows {
        let (code, text) = ended(here, words);
        assert_eq!(code, Some(*status), "modhost {words}: {text}");
        assert!(text.contains(said), "modhost {words}: {text}");
    }
}

fn world() -> tempfile::TempDir {
    let here = folder(FILES);
    check(
        here.path(),
        &[
            ("key new a.pem", 0, ""),
            ("trust add a.pem --namespace * --store trust.toml", 0, ""),
            ("resolve mods --lock modhost.lock", 0, ""),
            ("pack mods/wolf", 0, ""),
        ],
    );
    here
}

#[test]
fn a_pipe_is_no_file() {
    let here = world();
    let here = here.path();
    for name in NAMES {
        pipe(&here.join(name));
    }
    let no = "this is no plain file";
    check(
        here,
        &[
            // The signatures beside a lockfile.
            ("run mods --lock modhost.lock", 1, no),
            ("resolve mods --lock modhost.lock", 1, no),
            ("resolve mods --lock modhost.lock --update", 1, no),
            ("verify modhost.lock", 1, ""),
            ("sign modhost.lock --key a.pem", 1, no),
            // The lockfile itself.
            ("run mods --lock pipe.lock", 1, no),
            ("resolve mods --lock pipe.lock", 1, no),
            ("verify pipe.lock", 1, ""),
            ("sign pipe.lock --key a.pem", 1, no),
            // Keys, and what they sign.
            ("key show pipe", 1, no),
            ("sign acme.wolf-1.0.0.modpkg --key pipe", 1, no),
            ("trust add pipe --namespace * --store trust.toml", 1, no),
            ("trust add --delegation pipe --store trust.toml", 1, no),
            ("trust revoke --list pipe --store trust.toml", 1, no),
            ("trust list --store pipe", 1, no),
            // Sets, policies, packages.
            ("set import pipe mods", 1, no),
            ("run mods --policy ./pipe", 1, no),
            ("sign pipe.modpkg --key a.pem", 4, "package.special-file"),
            ("run mods --seen other", 1, no),
            ("run mods --seen a.pem", 4, "trust.memory"),
            ("run mods --audit other", 1, no),
            // What would be written in its place.
            ("trust publish --key a.pem --until 30d --out pipe --store trust.toml", 1, no),
            ("set export mods --out pipe", 1, no),
            ("pack mods/wolf --out pipe", 2, no),
            ("pack mods/wolf --out pipe --force", 2, no),
        ],
    );
    for lock in ["other.lock", "a.pem.lock"] {
        assert!(!here.join(lock).exists(), "{lock} is left");
    }
    for name in NAMES {
        assert!(fs::symlink_metadata(here.join(name)).unwrap().file_type().is_fifo(), "{name} was replaced");
    }
}
