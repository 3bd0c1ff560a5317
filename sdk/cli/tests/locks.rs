//! Signed lockfiles through the command: `sign`, `verify`, `run --lock`, and what `resolve --lock` makes of their signatures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use support::{
    File,
    See::{self, Err, Json, JsonHas, NotErr, Out, OutHas},
    check_in, folder, modhost,
};

const FILES: &[File] = &[
    ("mods/wolf/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n"),
    ("mods/wolf/main.lua", "function main() return 'awoo' end\n"),
    ("mods/fox/plugin.toml", "[plugin]\nid = \"other.fox\"\nversion = \"1.0.0\"\n"),
    ("mods/fox/main.lua", "function main() return 'ring' end\n"),
];
const LOCK: &str = "modhost.lock";
const SIGNATURES: &str = "modhost.lock.signatures";
const WOLF: &str = "acme.wolf:main";

/// Runs each line of words, which must end with 0.
#[track_caller]
fn play(here: &Path, lines: &[&str]) {
    for line in lines {
        let output = modhost(here).args(line.split(' ')).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Two plugins and their lockfile, which `server.pem` signed; `trust.toml` knows it, and `acme.pem` for acme.* only.
fn world() -> tempfile::TempDir {
    let here = folder(FILES);
    play(
        here.path(),
        &[
            "key new server.pem",
            "key new acme.pem",
            "key new nobody.pem",
            "trust add server.pem --namespace * --store trust.toml",
            "trust add acme.pem --namespace acme.* --store trust.toml",
            "resolve mods --lock modhost.lock",
            "sign modhost.lock --key server.pem",
        ],
    );
    here
}

/// Words, the status that they end with, and what is to be seen.
type Row<'a> = (&'a str, i32, &'a [See]);

#[track_caller]
fn check(here: &Path, rows: &[Row<'_>]) {
    for (words, status, sees) in rows {
        check_in(here, &words.split(' ').collect::<Vec<_>>(), *status, sees);
    }
}

/// What `verify --json` says of each step: its name and what came of it.
#[track_caller]
fn steps(here: &Path, words: &str) -> String {
    let output = modhost(here).args(["verify", LOCK, "--json"]).args(words.split_whitespace()).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let steps = json["steps"].as_array().unwrap().iter();
    let steps: Vec<String> = steps
        .map(|step| {
            let code = step["code"].as_str().map(|code| format!(" {code}")).unwrap_or_default();
            format!("{} {}{code}", text(&step["step"]), text(&step["came"]))
        })
        .collect();
    assert_eq!(json["ok"] == true, output.status.success(), "{json}");
    let refused = json["steps"].as_array().unwrap().iter().find(|step| step["came"] == "refused");
    assert_eq!(refused.map(|step| &step["code"]), json.get("error").map(|error| &error["code"]), "{json}");
    steps.join(", ")
}

#[test]
fn a_set_is_signed_verified_and_run() {
    let here = world();
    let here = here.path();
    check(
        here,
        &[
            ("run mods --lock modhost.lock --store trust.toml", 0, &[OutHas("verified"), NotErr("error")]),
            (
                "run mods --lock modhost.lock --store trust.toml --policy standard --call acme.wolf:main",
                0,
                &[Out("awoo\n"), Err("acme.wolf: verified, signed set of server (")],
            ),
            (
                "run mods --lock modhost.lock --store trust.toml --policy standard --json",
                0,
                &[Json("plugins.0.trust", "\"verified\""), JsonHas("plugins.1.vouched", "signed set of server (")],
            ),
            ("run mods --store trust.toml --policy standard", 4, &[Err("denied.trust")]),
            // Nobody here knows the key: as if there were no signatures.
            ("run mods --lock modhost.lock --call acme.wolf:main", 0, &[Out("awoo\n"), Err("nobody here knows")]),
            ("run mods --lock modhost.lock --policy standard", 5, &[Err("cannot be taken"), Err("denied.trust")]),
            ("resolve mods --lock modhost.lock --policy standard", 5, &[Err("cannot be taken"), Err("denied.trust")]),
            // The verbs that only look judge alike.
            ("resolve mods --lock modhost.lock --store trust.toml", 0, &[OutHas("lua  verified")]),
            ("resolve mods --lock modhost.lock --store trust.toml --policy standard", 0, &[OutHas("lua  verified")]),
            ("graph mods --lock modhost.lock --store trust.toml --json", 0, &[Json("nodes.0.trust", "\"verified\"")]),
            ("why acme.wolf mods --lock modhost.lock --store trust.toml", 0, &[OutHas("verified")]),
            ("resolve mods --store trust.toml", 0, &[OutHas("lua  untrusted")]),
            (
                "verify modhost.lock --store trust.toml",
                0,
                &[
                    OutHas("modhost.lock vouches for each of its 2 plugins: signed set of server ("),
                    OutHas("ok       signature   server ("),
                ],
            ),
            (
                "sign modhost.lock --key acme.pem --expires 30d --signer Acme --json",
                0,
                &[
                    Json("lockfile", "\"modhost.lock\""),
                    Json("plugins", "2"),
                    Json("path", "\"modhost.lock.signatures\""),
                    Json("renewed", "false"),
                ],
            ),
            (
                "sign modhost.lock --key server.pem --expires 30d",
                0,
                &[
                    OutHas("signed modhost.lock, which holds 2 plugins, as server until 2"),
                    OutHas("in place of"),
                    OutHas("2 signatures"),
                ],
            ),
            (
                "verify modhost.lock --store trust.toml --json",
                0,
                &[Json("plugins.1.keys.1", "null"), Json("plugins.1.vouched", "true"), Json("signed", "true")],
            ),
        ],
    );
    assert_eq!(
        steps(here, "--store trust.toml"),
        "opened ok, digests ok, signatures ok, signature ok, signature warned trust.namespace, plugins ok, rollback skipped"
            .replace("signature ok, signature warned trust.namespace", &sorted(here)),
    );
    check_in(here, &["run", "mods", "--lock", LOCK, "--store", "trust.toml", "--call", WOLF], 0, &[Err("acme (")]);
    // Among the plugins they are none.
    for file in [LOCK, SIGNATURES] {
        fs::copy(here.join(file), here.join("mods").join(file)).unwrap();
    }
    let words = "resolve mods --lock mods/modhost.lock --store trust.toml --json";
    check(here, &[(words, 0, &[Json("left_out", "[]"), Json("plugins.2", "null"), Json("lock.state", "\"kept\"")])]);
}

/// The steps of the two signatures, which come by key id.
fn sorted(here: &Path) -> String {
    let output = modhost(here).args(["key", "show", "server.pem", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let envelope = fs::read_to_string(here.join(SIGNATURES)).unwrap();
    let public = json["public"].as_str().unwrap().trim_start_matches("ed25519:");
    let first = envelope.find("public ").unwrap() + "public ".len();
    let both = ["signature ok", "signature warned trust.namespace"];
    if envelope[first..].starts_with(public) { both.join(", ") } else { [both[1], both[0]].join(", ") }
}

#[test]
fn what_is_wrong_with_a_set_is_said_and_refused() {
    let here = world();
    let here = here.path();
    let (lock, signatures) =
        (fs::read_to_string(here.join(LOCK)).unwrap(), fs::read_to_string(here.join(SIGNATURES)).unwrap());
    let write = |lock: &str, signatures: Option<&str>| {
        fs::write(here.join(LOCK), lock).unwrap();
        match signatures {
            Some(text) => fs::write(here.join(SIGNATURES), text).unwrap(),
            None => fs::remove_file(here.join(SIGNATURES)).unwrap(),
        }
    };
    let digest = lock.lines().find(|line| line.starts_with("digest")).unwrap().to_owned() + "\n";
    // The lockfile, its signatures, the steps of `verify`, the code that `run` ends with.
    let relabelled = signatures.replace("signer server", "signer Server");
    let rows: &[(String, Option<&str>, &str, Option<&str>)] = &[
        (
            lock.replace("1.0.0", "1.0.1"),
            Some(&signatures),
            "opened ok, digests ok, signatures refused verify.bad-signature, plugins skipped, rollback skipped",
            Some("verify.bad-signature"),
        ),
        (
            format!("{lock}\n"),
            Some(&signatures),
            "opened ok, digests ok, signatures refused verify.bad-signature, plugins skipped, rollback skipped",
            Some("verify.bad-signature"),
        ),
        (
            lock.clone(),
            Some(&relabelled),
            "opened ok, digests ok, signatures refused verify.bad-signature, plugins skipped, rollback skipped",
            Some("verify.bad-signature"),
        ),
        (
            lock.clone(),
            Some("hello\n"),
            "opened ok, digests ok, signatures refused verify.envelope, plugins skipped, rollback skipped",
            Some("verify.envelope"),
        ),
        (
            lock.replacen(&digest, "", 1),
            Some(&signatures),
            "opened ok, digests refused package.lockfile, signatures skipped, plugins skipped, rollback skipped",
            Some("package.lockfile"),
        ),
        (
            "lock = 1\nwolf\n".into(),
            Some(&signatures),
            "opened refused package.lockfile, digests skipped, signatures skipped, plugins skipped, rollback skipped",
            Some("package.lockfile"),
        ),
        (lock.clone(), None, "opened ok, digests ok, signatures skipped, rollback skipped", None),
    ];
    for (lock, signatures, expected, code) in rows {
        write(lock, *signatures);
        assert_eq!(steps(here, "--store trust.toml"), *expected, "{lock}");
        for verb in ["run", "resolve", "graph"] {
            let words = [verb, "mods", "--lock", LOCK, "--store", "trust.toml"];
            let output = modhost(here).args(words).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            let status = if code.is_some() { 4 } else { 0 };
            assert_eq!(output.status.code(), Some(status), "{verb}: {told}");
            assert!(told.contains(code.unwrap_or_default()), "{verb}: {told}");
        }
    }
    write(&lock, Some(&signatures));
    let id = {
        let output = modhost(here).args(["key", "show", "server.pem", "--json"]).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["id"].as_str().unwrap().to_owned()
    };
    let of = |lines: &[&str], expected: &str| {
        fs::copy(here.join("trust.toml"), here.join("other.toml")).unwrap();
        play(here, lines);
        let begin = "opened ok, digests ok, signatures ok, ";
        assert_eq!(steps(here, "--store other.toml"), format!("{begin}{expected}, rollback skipped"), "{lines:?}");
    };
    of(
        &[&format!("trust revoke {id} --reason stolen --store other.toml")],
        "signature refused trust.revoked, plugins warned, plugin refused trust.revoked, plugin refused trust.revoked",
    );
    // Every verb that judges by the lockfile tells it by its own code, and not that something lies there no more.
    for words in ["verify modhost.lock", "run mods --lock modhost.lock", "resolve mods --lock modhost.lock"] {
        for policy in ["mods", "standard"] {
            let words = format!("{words} --store other.toml --policy {policy}");
            check(
                here,
                &[(&words, 4, &[]), (&format!("{words} --json"), 4, &[Json("error.code", "\"trust.revoked\"")])],
            );
        }
    }
    of(&[&format!("trust revoke {id} --reason old --soft --store other.toml")], "signature ok, plugins ok");
    of(
        &["trust revoke acme.wolf@<2 --reason bites --store other.toml"],
        "signature ok, plugins warned, plugin refused trust.revoked",
    );
    of(
        &[&format!("trust remove {id} --store other.toml")],
        "signature warned, plugins warned, plugin warned, plugin warned",
    );
    of(
        &["trust add server.pem --namespace acme.* --store other.toml"],
        "signature warned trust.namespace, plugins warned, plugin warned trust.namespace",
    );
    check(
        here,
        &[
            ("verify none.lock", 2, &[Err("io.not-found"), Out("")]),
            ("run mods --lock none.lock", 2, &[Err("io.not-found"), Out("")]),
            ("sign none.lock --key server.pem", 2, &[Err("io.not-found")]),
            ("sign modhost.lock --key server.pem --out other", 2, &[Err("--out")]),
            ("verify modhost.lock --store trust.toml --seen seen", 0, &[OutHas("ok       rollback")]),
        ],
    );
    play(here, &["run mods --lock modhost.lock --store trust.toml --seen seen"]);
    fs::write(here.join("mods/wolf/plugin.toml"), FILES[0].1.replace("1.0.0", "1.1.0")).unwrap();
    play(here, &["resolve mods --lock new.lock", "sign new.lock --key server.pem"]);
    play(here, &["run mods --lock new.lock --store trust.toml --seen seen"]);
    check(
        here,
        &[("verify modhost.lock --store trust.toml --seen seen", 4, &[OutHas("REFUSED  rollback    trust.rollback")])],
    );
}

#[test]
fn a_lockfile_that_is_written_anew_loses_its_signatures_and_says_so() {
    let here = world();
    let here = here.path();
    let there = |path: &str| here.join(path).exists();
    let words = |more: &str| format!("resolve mods --lock modhost.lock --store trust.toml{more}");
    check(here, &[(&words(" --update"), 0, &[NotErr("removed"), OutHas("This is what modhost.lock holds")])]);
    assert!(there(SIGNATURES), "nothing was written");
    // The plugins are the same; the signatures do not hold, over a changed comment or of themselves.
    let (lock, signatures) =
        (fs::read_to_string(here.join(LOCK)).unwrap(), fs::read_to_string(here.join(SIGNATURES)).unwrap());
    for (lock_now, signatures_now) in [(format!("{lock}# by hand\n"), &*signatures), (lock.clone(), "hello\n")] {
        fs::write(here.join(LOCK), lock_now).unwrap();
        fs::write(here.join(SIGNATURES), signatures_now).unwrap();
        let anew = [OutHas("modhost.lock was written anew, with the same plugins."), Err("removed")];
        check(here, &[(&words(" --update"), 0, &anew)]);
        assert_eq!((fs::read_to_string(here.join(LOCK)).unwrap(), there(SIGNATURES)), (lock.clone(), false));
    }
    fs::write(here.join(SIGNATURES), &signatures).unwrap();
    fs::write(here.join("mods/wolf/main.lua"), "function main() return 'meow' end\n").unwrap();
    check(
        here,
        &[
            ("run mods --lock modhost.lock --store trust.toml", 5, &[Out(""), Err("resolve.locked")]),
            (&words(""), 5, &[Err("its signatures go with the old one"), Out("")]),
        ],
    );
    assert!(there(SIGNATURES), "nothing was written");
    let old = fs::read_to_string(here.join(LOCK)).unwrap();
    check(
        here,
        &[(&words(" --update"), 0, &[Err("note: modhost.lock.signatures was removed"), OutHas("was written anew")])],
    );
    assert!(!there(SIGNATURES));
    check(here, &[("run mods --lock modhost.lock --store trust.toml --call acme.wolf:main", 0, &[Out("meow\n")])]);
    // Signatures whose lockfile is gone: another one is not theirs.
    play(here, &["sign modhost.lock --key server.pem"]);
    fs::remove_file(here.join(LOCK)).unwrap();
    check(
        here,
        &[
            (&words(""), 2, &[Err("a lockfile that is gone"), Out("")]),
            (
                &words(" --update --json"),
                0,
                &[Json("lock.state", "\"written\""), Json("lock.removed", "\"modhost.lock.signatures\"")],
            ),
        ],
    );
    assert!(!there(SIGNATURES));
    // Who changed a lockfile by hand and signs it again is told what is in the way.
    play(here, &["sign modhost.lock --key server.pem"]);
    fs::write(here.join(LOCK), old).unwrap();
    let help = "remove modhost.lock.signatures and sign it anew";
    check(here, &[("sign modhost.lock --key server.pem", 4, &[Err("verify.bad-signature"), Err(help)])]);
    fs::remove_file(here.join(SIGNATURES)).unwrap();
    check(here, &[("sign modhost.lock --key server.pem", 0, &[OutHas("1 signature\n")])]);
}
