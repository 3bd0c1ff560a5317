//! `sign` and `verify`, and what `--store` and `--seen` make of signed packages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use support::{
    File,
    See::{self, Err, Json, JsonHas, NotErr, Out, OutHas},
    check_in, folder, modhost,
};

const MANIFEST: File = ("wolf/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n");
const MAIN: File = ("wolf/main.lua", "function main() return 'awoo' end\n");
const PACKAGE: &str = "acme.wolf-1.0.0.modpkg";
const STORE: &[&str] = &["--store", "trust.toml"];

/// Runs each line of words, which must end with 0.
#[track_caller]
fn play(here: &Path, lines: &[&str]) {
    for line in lines {
        let output = modhost(here).args(line.split(' ')).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {told}");
    }
}

/// A folder with keys, the packed plugin, and a store that holds `acme.pem`.
fn world() -> tempfile::TempDir {
    let here = folder(&[MANIFEST, MAIN]);
    play(
        here.path(),
        &[
            "key new acme.pem",
            "key new review.pem",
            "key new nobody.pem",
            "pack wolf",
            "trust add acme.pem --namespace acme.* --store trust.toml",
            "trust add review.pem --namespace * --store trust.toml",
        ],
    );
    here
}

/// SHA-256 of `[plugin`.
const BROKEN: &str = "9179fd397494983da8a40551c41e1cb5e3cd9ce65ab5198c75e0969090051d3d";

/// The name of a folder, what is changed in it, and what comes of it.
type Changed<'a> = (&'a str, &'a dyn Fn(&Path), &'a str);

/// What `verify` says with `--json` of the step that refuses, or of the level.
#[track_caller]
fn verified(here: &Path, path: &str, more: &[&str]) -> String {
    let output = modhost(here).args(["verify", path, "--json"]).args(more).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).expect(&text);
    let steps = json["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    for name in
        ["opened", "archive", "list", "files", "revocation", "signature", "threshold", "rollback", "manifest", "policy"]
    {
        assert!(names.contains(&name), "{name} is no step of {text}");
    }
    let place = |name: &str| names.iter().position(|step| *step == name);
    assert!(place("signature") < place("manifest"), "{text}");
    let refused = steps.iter().find(|step| step["came"] == "refused");
    assert_eq!(refused.is_some(), json["ok"] == false, "{text}");
    match refused {
        Some(step) => {
            assert_eq!(output.status.code(), Some(4), "{text}");
            assert!(!step["remedy"].as_str().unwrap().is_empty());
            assert_eq!(step["code"], json["error"]["code"], "{text}");
            format!("{} {}", step["step"].as_str().unwrap(), step["code"].as_str().unwrap())
        }
        None => json["trust"].as_str().unwrap().to_owned(),
    }
}

#[test]
fn a_package_is_signed_verified_and_run() {
    let here = world();
    let here = here.path();
    assert_eq!(verified(here, PACKAGE, STORE), "untrusted");
    let signing = ["sign", PACKAGE, "--key", "acme.pem", "--expires", "365d", "--meta", "ticket=7"];
    check_in(here, &signing, 0, &[OutHas("signed acme.wolf 1.0.0 as acme until 2"), OutHas("1 signature")]);
    let rows: [(&[&str], &str); 5] = [
        (&[], "untrusted"),
        (STORE, "verified"),
        (&["--store", "trust.toml", "--policy", "standard"], "verified"),
        (&["--store", "trust.toml", "--policy", "strict"], "threshold verify.threshold"),
        (&["--policy", "standard"], "threshold verify.unknown-signer"),
    ];
    for (more, expected) in rows {
        assert_eq!(verified(here, PACKAGE, more), expected, "{more:?}");
    }
    let second = ["sign", PACKAGE, "--key", "review.pem", "--signer", "A reviewer", "--json"];
    check_in(here, &second, 0, &[Json("signer", "\"A reviewer\""), Json("renewed", "false"), Json("expires", "null")]);
    assert_eq!(verified(here, PACKAGE, &["--store", "trust.toml", "--policy", "strict"]), "verified");
    check_in(here, &["sign", PACKAGE, "--key", "acme.pem"], 0, &[OutHas("in place of"), OutHas("2 signatures")]);
    let runs: [(&[&str], i32, &[See]); 4] = [
        (&["run", PACKAGE, "--store", "trust.toml"], 0, &[Out("awoo\n"), Err("acme.wolf: verified, signed by")]),
        (&["run", PACKAGE], 0, &[Out("awoo\n"), NotErr("verified"), Err("nobody here knows")]),
        (
            &["run", PACKAGE, "--store", "trust.toml", "--json"],
            0,
            &[Json("trust", "\"verified\""), JsonHas("vouched", "acme (")],
        ),
        (
            &["inspect", PACKAGE, "--store", "trust.toml", "--json"],
            0,
            &[Json("admitted.trust", "\"verified\""), Json("signatures", "true")],
        ),
    ];
    for (words, status, sees) in runs {
        check_in(here, words, status, sees);
    }
    for verb in ["list", "check", "resolve"] {
        let words = [verb, PACKAGE, "--policy", "strict"];
        let status = if verb == "list" { 0 } else { 4 };
        let see = if verb == "check" { Err("verify.unknown-signer") } else { OutHas("verify.unknown-signer") };
        check_in(here, &words, status, &[see]);
        check_in(here, &[&words[..], STORE].concat(), 0, &[NotErr("verify."), OutHas("acme.wolf")]);
    }
    play(here, &["trust pin acme PIN --store trust.toml".replace("PIN", &id(here)).as_str()]);
    fs::write(here.join("own.toml"), "vendors = [\"acme\"]").unwrap();
    assert_eq!(verified(here, PACKAGE, &["--store", "trust.toml", "--policy", "own.toml"]), "trusted");
}

/// The id of `acme.pem`.
fn id(here: &Path) -> String {
    let output = modhost(here).args(["key", "show", "acme.pem", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    json["id"].as_str().unwrap().to_owned()
}

#[test]
fn verify_names_the_step_that_refuses() {
    let here = world();
    let here = here.path();
    play(here, &[&format!("sign {PACKAGE} --key acme.pem")]);
    let good = fs::read(here.join(PACKAGE)).unwrap();
    let part = |text: &[u8]| good.windows(text.len()).position(|window| window == text).unwrap();
    // Every byte of the file matters, and each change is told from the others where it can be.
    let mut flipped = good.clone();
    flipped[part(b"function main")] ^= 1;
    fs::write(here.join("flipped.modpkg"), &flipped).unwrap();
    check_in(
        here,
        &["verify", "flipped.modpkg"],
        4,
        &[OutHas("REFUSED  archive     package.damaged: main.lua: its data have")],
    );
    // Unpacked, and changed there.
    let unpacked = |name: &str, change: &dyn Fn(&Path)| {
        let folder = here.join(name);
        fs::create_dir_all(folder.join("META")).unwrap();
        fs::write(folder.join("plugin.toml"), MANIFEST.1).unwrap();
        fs::write(folder.join("main.lua"), MAIN.1).unwrap();
        let caps = modhost::package::Caps::default();
        let package = modhost::package::Package::open(&here.join(PACKAGE), &caps).unwrap();
        fs::write(folder.join("META/files"), package.index().as_bytes()).unwrap();
        fs::write(folder.join("META/signatures"), package.envelope().unwrap()).unwrap();
        change(&folder);
    };
    let edit = |path: &Path, from: &str, to: &str| {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    // No manifest, and a list that says so.
    let relisted = |at: &Path| {
        fs::write(at.join("plugin.toml"), "[plugin").unwrap();
        let list = fs::read_to_string(at.join("META/files")).unwrap();
        let told = |line: &str| {
            if line.ends_with(" plugin.toml") { format!("{BROKEN} 7 plugin.toml\n") } else { format!("{line}\n") }
        };
        fs::write(at.join("META/files"), list.lines().map(told).collect::<String>()).unwrap();
    };
    let rows: [Changed<'_>; 10] = [
        ("whole", &|_| {}, "verified"),
        ("file", &|at| edit(&at.join("main.lua"), "awoo", "aWoo"), "files package.file-changed"),
        ("extra", &|at| fs::write(at.join("more.lua"), "").unwrap(), "files package.file-extra"),
        ("missing", &|at| fs::remove_file(at.join("main.lua")).unwrap(), "files package.file-missing"),
        ("list", &|at| edit(&at.join("META/files"), "modhost-files 1", "modhost-files  1"), "list package.index"),
        ("manifest", &|at| fs::write(at.join("plugin.toml"), "[plugin").unwrap(), "files package.file-changed"),
        ("both", &|at| relisted(at), "signature verify.bad-signature"),
        (
            "unsigned",
            &|at| {
                relisted(at);
                fs::remove_file(at.join("META/signatures")).unwrap();
            },
            "manifest manifest.syntax",
        ),
        (
            "label",
            &|at| edit(&at.join("META/signatures"), "signer acme", "signer Acme"),
            "signature verify.bad-signature",
        ),
        ("form", &|at| edit(&at.join("META/signatures"), "signer", "Signer"), "signature verify.envelope"),
    ];
    for (name, change, expected) in rows {
        unpacked(name, change);
        assert_eq!(verified(here, name, STORE), expected, "{name}");
    }
    let several = [OutHas("this is a folder of plugins;"), OutHas("mods/wolf.lua")];
    fs::create_dir(here.join("mods")).unwrap();
    fs::write(here.join("mods/wolf.lua"), "").unwrap();
    check_in(here, &["verify", "mods"], 4, &several);
    check_in(here, &["verify", "file"], 4, &[OutHas("main.lua: its sha256 is not the one")]);
    check_in(here, &["sign", "label", "--key", "acme.pem"], 4, &[Err("verify.bad-signature")]);
    // What the store says.
    let of = |lines: &[&str], expected: &str| {
        fs::copy(here.join("trust.toml"), here.join("other.toml")).unwrap();
        play(here, lines);
        // The command adds nothing that has ended; time goes on.
        let text = fs::read_to_string(here.join("other.toml")).unwrap();
        fs::write(here.join("other.toml"), text.replace("2998-", "1998-")).unwrap();
        assert_eq!(verified(here, PACKAGE, &["--store", "other.toml"]), expected, "{lines:?}");
    };
    let key = id(here);
    let add = |more: &str| format!("trust add acme.pem --store other.toml {more}");
    of(&[&format!("trust revoke {key} --reason stolen --store other.toml")], "signature trust.revoked");
    of(&[&format!("trust revoke {key} --reason old --soft --store other.toml")], "verified");
    of(&["trust revoke acme.wolf@<2 --reason bites --store other.toml"], "revocation trust.revoked");
    of(&[&format!("trust remove {key} --store other.toml")], "untrusted");
    of(&[&add("--namespace other.*")], "signature trust.namespace");
    of(&[&add("--namespace * --until 2998-01-01")], "signature trust.key-expired");
    of(&[&add("--namespace * --from 2999-01-01")], "signature trust.key-not-yet");
    of(&[&add("--namespace * --ceiling untrusted")], "signature trust.ceiling");
}

#[test]
fn older_versions_are_refused_where_a_file_remembers() {
    let here = world();
    let here = here.path();
    let newer = MANIFEST.1.replace("1.0.0", "1.1.0");
    play(here, &[&format!("sign {PACKAGE} --key acme.pem")]);
    fs::write(here.join(MANIFEST.0), newer).unwrap();
    play(here, &["pack wolf", "sign acme.wolf-1.1.0.modpkg --key acme.pem"]);
    // A memory that could never be written is a slip of the pen, not one that has seen nothing.
    check_in(here, &["run", PACKAGE, "--seen", "nowhere/seen"], 2, &[Err("io.not-found"), Err("nowhere")]);
    let seen: &[&str] = &["--store", "trust.toml", "--seen", "seen"];
    assert_eq!(verified(here, PACKAGE, seen), "verified", "what is only looked at is not remembered");
    check_in(here, &[&["run", "acme.wolf-1.1.0.modpkg"], seen].concat(), 0, &[Out("awoo\n")]);
    assert_eq!(verified(here, PACKAGE, seen), "rollback trust.rollback");
    check_in(here, &[&["run", PACKAGE], seen].concat(), 4, &[Out(""), Err("trust.rollback")]);
    check_in(here, &[&["run", PACKAGE], STORE].concat(), 0, &[Out("awoo\n")]);
}

/// It waits for a few seconds, and says whom for: nobody can keep a key from being revoked without a word.
#[test]
fn who_keeps_a_lock_makes_no_command_wait_for_ever() {
    let here = world();
    let here = here.path();
    play(here, &[&format!("sign {PACKAGE} --key acme.pem")]);
    let run = format!("run {PACKAGE} --store trust.toml --seen seen");
    let rows: [(&str, &str, i32, &[See]); 2] = [
        (
            "seen.lock",
            &run,
            0,
            &[Out("awoo\n"), Err("not remembered"), Err("seen.lock: somebody else holds this lock")],
        ),
        (
            "trust.toml.lock",
            "trust revoke acme.wolf@* --reason stolen --store trust.toml",
            1,
            &[Err("trust.toml.lock: somebody else holds this lock"), Err("io.failed"), Err("and end it")],
        ),
    ];
    std::thread::scope(|scope| {
        for (lock, words, status, sees) in rows {
            let held = fs::File::options().create(true).truncate(false).write(true).open(here.join(lock)).unwrap();
            held.try_lock().unwrap();
            scope.spawn(move || {
                check_in(here, &words.split(' ').collect::<Vec<_>>(), status, sees);
                drop(held);
            });
        }
    });
    play(here, &["trust revoke acme.wolf@* --reason stolen --store trust.toml"]);
}

#[test]
fn what_cannot_be_signed_says_why() {
    let here = world();
    let here = here.path();
    fs::write(here.join("wolf.lua"), "").unwrap();
    let rows: [(&[&str], i32, &[See]); 11] = [
        (&["sign", PACKAGE, "--key", "acme.pem", "--expires", "0d"], 2, &[Err("it would have ended")]),
        (&["sign", PACKAGE, "--key", "acme.pem", "--expires", "2020-01-01"], 2, &[Err("it would have ended")]),
        (&["sign", "modhost.lock", "--key", "acme.pem", "--expires", "0d"], 2, &[Err("it would have ended")]),
        (&["sign", "wolf", "--key", "acme.pem"], 2, &[Err("modhost pack")]),
        (&["sign", "wolf.lua", "--key", "acme.pem"], 2, &[Err("META/files")]),
        (&["sign", "none.modpkg", "--key", "acme.pem"], 2, &[Err("io.not-found")]),
        (&["sign", PACKAGE, "--key", "none.pem"], 2, &[Err("io.not-found")]),
        (&["sign", PACKAGE, "--key", "acme.pem", "--meta", "x"], 2, &[Err("ticket=4711")]),
        (&["sign", PACKAGE, "--key", "acme.pem", "--meta", "x=1", "--meta", "x=2"], 2, &[Err("twice")]),
        (&["sign", PACKAGE, "--key", "acme.pem", "--out", "wolf.lua"], 2, &[Err("already")]),
        (&["sign", PACKAGE, "--key", "acme.pem", "--meta", "X=1"], 4, &[Err("verify.envelope")]),
    ];
    let before = fs::read(here.join(PACKAGE)).unwrap();
    for (words, status, sees) in rows {
        check_in(here, words, status, sees);
    }
    assert_eq!(fs::read(here.join(PACKAGE)).unwrap(), before, "nothing was written");
    check_in(here, &["sign", PACKAGE, "--key", "acme.pem", "--out", "signed.modpkg"], 0, &[OutHas("signed.modpkg")]);
    assert_eq!(fs::read(here.join(PACKAGE)).unwrap(), before, "--out writes elsewhere");
    assert_eq!(verified(here, "signed.modpkg", STORE), "verified");
}

#[test]
fn whoever_signs_at_once_loses_no_signature() {
    const SIGNERS: usize = 12;
    let here = folder(&[MANIFEST, MAIN]);
    let here = here.path();
    play(here, &["pack wolf", "resolve wolf --lock modhost.lock"]);
    let caps = modhost::package::Caps::default();
    let package = modhost::package::Package::open(&here.join(PACKAGE), &caps).unwrap();
    fs::create_dir(here.join("wolf/META")).unwrap();
    fs::write(here.join("wolf/META/files"), package.index().as_bytes()).unwrap();
    for at in 0..SIGNERS {
        let seed = [u8::try_from(at).unwrap(); 32];
        modhost::verify::SecretKey::from_seed(&seed).create(&here.join(format!("{at}.pem"))).unwrap();
    }
    for path in [PACKAGE, "wolf", "modhost.lock"] {
        let sign = |at: usize| {
            let mut command = modhost(here);
            command.args(["sign", path, "--json", "--key", &format!("{at}.pem")]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        };
        let running: Vec<_> = (0..SIGNERS).map(sign).collect();
        let mut most = 0;
        for child in running {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{path}: {text}");
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            most = most.max(json["keys"].as_array().unwrap().len());
        }
        assert_eq!(most, SIGNERS, "{path}");
        check_in(here, &["sign", path, "--key", "0.pem"], 0, &[OutHas("12 signatures")]);
    }
    let left = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.contains(".held") || name.contains(".new")).count(), 0);
}
