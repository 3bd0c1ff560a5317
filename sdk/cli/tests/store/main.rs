//! The trust store's verbs beyond keys: what is said is taken back, handed on, published, sealed; each by what `verify` makes of a
//! signed package.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod second;
#[cfg(target_os = "linux")]
mod shown;
#[path = "../support/mod.rs"]
mod support;
#[cfg(target_os = "linux")]
mod terminal;

use std::{fs, path::Path};

use serde_json::Value as Json;
use support::{
    File,
    See::{self, Err, Json as At, JsonHas, Out, OutHas},
    check_in, folder, modhost,
};

const MANIFEST: File = ("wolf/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n");
const MAIN: File = ("wolf/main.lua", "function main() return 'awoo' end\n");
const VENDORS: File = ("own.toml", "vendors = [\"acme\"]");
const PACKAGE: &str = "acme.wolf-1.0.0.modpkg";

/// What a line of words says with `--json`; it must end with 0.
#[track_caller]
fn said(here: &Path, line: &str) -> Json {
    let output = modhost(here).args(line.split(' ')).arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{line}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// The level that `verify` finds, or the code by which it refuses.
#[track_caller]
fn verified(here: &Path, more: &str) -> String {
    let line = format!("verify {PACKAGE} --json {more}");
    let output = modhost(here).args(line.split_whitespace()).output().unwrap();
    let json: Json = serde_json::from_slice(&output.stdout).unwrap();
    let found = if json["ok"] == true { &json["trust"] } else { &json["error"]["code"] };
    found.as_str().unwrap().to_owned()
}

/// The id of a key.
fn id(here: &Path, file: &str) -> String {
    said(here, &format!("key show {file}"))["id"].as_str().unwrap().to_owned()
}

/// A folder with the keys `root.pem`, `acme.pem` and `review.pem`, and a package that `acme.pem` signed.
fn world() -> tempfile::TempDir {
    let here = folder(&[MANIFEST, MAIN, VENDORS]);
    let lines = [
        "key new root.pem",
        "key new acme.pem",
        "key new review.pem",
        "pack wolf",
        "sign acme.wolf-1.0.0.modpkg --key acme.pem",
    ];
    for line in lines {
        said(here.path(), line);
    }
    here
}

#[test]
fn whatever_is_said_can_be_taken_back() {
    let here = world();
    let here = here.path();
    let key = id(here, "acme.pem");
    let digest = said(here, &format!("verify {PACKAGE}"))["digest"].as_str().unwrap().to_owned();
    // What is said, and what becomes of the package under which options.
    let rows: &[(&str, &[(&str, &str)])] = &[
        ("add acme.pem --namespace acme.*", &[("", "verified"), ("--policy standard", "verified")]),
        ("threshold acme.* 2", &[("", "untrusted"), ("--policy standard", "verify.threshold")]),
        ("threshold * 3", &[("", "untrusted")]),
        ("threshold acme.* --remove", &[("", "untrusted")]),
        ("threshold * --remove", &[("", "verified"), ("--policy standard", "verified")]),
        ("pin acme KEY", &[("", "verified"), ("--policy own.toml", "trusted")]),
        ("unpin acme KEY", &[("--policy own.toml", "verified")]),
        ("revoke KEY --reason stolen", &[("", "trust.revoked")]),
        ("restore KEY", &[("", "verified")]),
        ("revoke DIGEST --reason bites", &[("", "trust.revoked")]),
        ("restore DIGEST", &[("", "verified")]),
        ("revoke acme.wolf@<2.0.0 --reason bites", &[("", "trust.revoked")]),
        ("revoke acme.wolf@<1.1.0 --reason bites", &[("", "trust.revoked")]),
        ("restore acme.wolf@<2.0.0", &[("", "trust.revoked")]),
        ("restore acme.wolf@<1.1.0", &[("", "verified")]),
        // One version, and all of them.
        ("revoke acme.wolf@0.9.0 --reason bites", &[("", "verified")]),
        ("restore acme.wolf@0.9.0", &[("", "verified")]),
        ("revoke acme.wolf@1.0.0 --reason bites", &[("", "trust.revoked")]),
        ("restore acme.wolf@=1.0.0", &[("", "verified")]),
        ("revoke acme.wolf@* --reason bites", &[("", "trust.revoked")]),
        ("restore acme.wolf@*", &[("", "verified")]),
        ("remove KEY", &[("", "untrusted"), ("--policy standard", "verify.unknown-signer")]),
        ("allow PACKAGE --note read", &[("", "verified"), ("--policy standard", "verify.unknown-signer")]),
        ("revoke KEY --reason stolen", &[("", "trust.revoked")]),
        // A key that is not in the store, by the begin of its id.
        ("restore BEGIN", &[("", "verified")]),
        ("allow PACKAGE --remove", &[("", "untrusted")]),
        ("allow DIGEST --plugin acme.wolf@1.0.0 --note read", &[("", "verified")]),
        ("allow DIGEST --remove", &[("", "untrusted")]),
        ("allow DIGEST --plugin acme.wolf@1.0.1 --note other", &[("", "untrusted")]),
        ("allow wolf --remove", &[("", "untrusted")]),
    ];
    for (at, (words, outcomes)) in rows.iter().enumerate() {
        let (verb, words) = words.split_once(' ').unwrap();
        let words = words.replace("KEY", &key).replace("DIGEST", &digest).replace("BEGIN", &key[..8]);
        let words = words.replace("PACKAGE", PACKAGE);
        let changed = said(here, &format!("trust {verb} {words} --store trust.toml"));
        assert_eq!(changed["generation"], at + 1, "{words}");
        for (more, expected) in *outcomes {
            assert_eq!(
                verified(here, &format!("--store trust.toml {more}")),
                *expected,
                "trust {verb} {words}: {more}"
            );
        }
    }
    let list = said(here, "trust list --store trust.toml");
    for empty in ["keys", "pins", "thresholds", "revoked", "allowed", "delegations", "lists"] {
        let left = &list[empty];
        assert!(left == &Json::from(Vec::<Json>::new()) || left == &serde_json::json!({}), "{empty}: {left}");
    }
}

#[test]
fn a_root_key_hands_its_trust_on() {
    let here = world();
    let here = here.path();
    let (root, acme) = (id(here, "root.pem"), id(here, "acme.pem"));
    // The root key is offline: no store is there when it signs.
    let hand = "trust delegate acme.pem --by root.pem --namespace acme.*";
    let made = said(here, &format!("{hand} --until 365d --label Acme --out acme.delegation"));
    assert_eq!((&made["by"], &made["key"], &made["label"]), (&Json::from(&*root), &Json::from(&*acme), &"Acme".into()));
    assert_eq!((&made["ceiling"], &made["namespaces"][0]), (&"verified".into(), &"acme.*".into()));
    said(here, "trust delegate review.pem --by acme.pem --namespace acme.wolf --until 30d --out review.delegation");
    let take = |file: &str| format!("trust add --delegation {file} --store trust.toml");
    let refused = |file: &str, code: &'static str| {
        let line = take(file);
        check_in(here, &line.split(' ').collect::<Vec<_>>(), 4, &[Out(""), Err(code)]);
    };
    refused("acme.delegation", "trust.delegation-root");
    said(here, "trust add root.pem --namespace acme.* --store trust.toml");
    refused("acme.delegation", "trust.delegation-root");
    said(
        here,
        "trust add root.pem --namespace acme.* --role delegate --ceiling verified --until 730d --store trust.toml",
    );
    refused("review.delegation", "trust.delegation-root");
    let text = fs::read_to_string(here.join("acme.delegation")).unwrap();
    fs::write(here.join("forged.delegation"), text.replace("acme.*", "*")).unwrap();
    refused("forged.delegation", "trust.delegation-signature");
    fs::write(here.join("garbled.delegation"), text.replace("label ", "label  ")).unwrap();
    refused("garbled.delegation", "garbled.delegation:5");
    let wide = [("--namespace * --until 1d", "wide"), ("--namespace acme.*", "long")];
    for (options, name) in wide {
        said(here, &format!("trust delegate acme.pem --by root.pem {options} --out {name}.delegation"));
        refused(&format!("{name}.delegation"), "trust.delegation-widens");
    }
    assert_eq!(verified(here, "--store trust.toml"), "untrusted");
    said(here, &take("acme.delegation"));
    said(here, &take("review.delegation"));
    let found = said(here, &format!("verify {PACKAGE} --store trust.toml"));
    assert_eq!((&found["trust"], &found["signers"][0]["delegated_by"][0]), (&"verified".into(), &Json::from(&*root)));
    // One link further down.
    said(here, &format!("sign {PACKAGE} --key review.pem --out reviewed.modpkg"));
    let found = said(here, "verify reviewed.modpkg --store trust.toml --policy strict");
    assert_eq!(found["trust"], "verified");
    // Above a key its trust is taken back, and given again.
    let revoke = format!("trust revoke {root} --reason burnt --store trust.toml");
    said(here, &revoke);
    assert_eq!(verified(here, "--store trust.toml"), "trust.revoked");
    let list = said(here, "trust list --store trust.toml");
    for one in list["delegations"].as_array().unwrap() {
        assert_eq!(one["state"], "revoked");
        assert!(one["why"].as_str().unwrap().contains("above it: burnt"), "{list}");
    }
    said(here, &format!("trust restore {root} --store trust.toml"));
    assert_eq!(verified(here, "--store trust.toml"), "verified");
    // With a key go those that hang on it.
    said(here, &format!("trust remove {acme} --store trust.toml"));
    let list = said(here, "trust list --store trust.toml");
    assert!(list["delegations"].as_array().unwrap().is_empty() && verified(here, "--store trust.toml") == "untrusted");
    // Straight into the store.
    said(here, &format!("{hand} --until 1d --store trust.toml"));
    assert_eq!(verified(here, "--store trust.toml"), "verified");
}

#[test]
fn revocations_are_published() {
    let here = world();
    let here = here.path();
    let issuer = id(here, "root.pem");
    for line in [
        "trust add acme.pem --namespace acme.* --store there.toml",
        "trust add root.pem --namespace acme.* --role revoke --store there.toml",
        "trust revoke acme.wolf@<1.2.0 --reason bites --store here.toml",
        "trust revoke acme.fox@<2.0.0 --reason steals --soft --store here.toml",
    ] {
        said(here, line);
    }
    let publish = "trust publish --key root.pem --until 30d --out acme.revoked --store here.toml";
    let made = said(here, publish);
    assert_eq!((&made["sequence"], &made["revoked"], &made["issuer"]), (&1.into(), &2.into(), &Json::from(&*issuer)));
    let first = fs::read(here.join("acme.revoked")).unwrap();
    let take = "trust revoke --list acme.revoked --store there.toml";
    assert_eq!(verified(here, "--store there.toml"), "verified");
    said(here, take);
    assert_eq!(verified(here, "--store there.toml"), "trust.revoked");
    // What a list revokes is restored by its issuer.
    let restore = ["trust", "restore", "acme.wolf@<1.2.0", "--store", "there.toml"];
    check_in(here, &restore, 4, &[Err("trust.no-entry"), Err("next list")]);
    said(here, "trust revoke acme.wolf@<1.2.0 --reason here --store there.toml");
    check_in(here, &restore, 0, &[OutHas("restored acme.wolf@<1.2.0; the list of")]);
    said(here, "trust restore acme.wolf@<1.2.0 --store here.toml");
    assert_eq!(said(here, publish)["sequence"], 2);
    said(here, take);
    assert_eq!(verified(here, "--store there.toml"), "verified");
    let list = said(here, "trust list --store there.toml");
    assert_eq!((&list["revoked"][0]["list"], &list["revoked"][0]["hard"]), (&Json::from(&*issuer), &false.into()));
    assert_eq!((&list["lists"][0]["sequence"], &list["lists"][0]["expired"]), (&2.into(), &false.into()));
    // The older one is refused, and so is that of another key.
    fs::write(here.join("old.revoked"), &first).unwrap();
    let on = |words: &[&'static str]| [words, &["--store", "there.toml"]].concat();
    check_in(here, &on(&["trust", "revoke", "--list", "old.revoked"]), 4, &[Err("trust.list-sequence")]);
    said(here, "trust publish --key review.pem --until 30d --out review.revoked --store here.toml");
    check_in(here, &on(&["trust", "revoke", "--list", "review.revoked"]), 4, &[Err("trust.list-issuer")]);
    // Numbers go up, also from what the store remembers of this key's lists; and nothing else is written over.
    let rows: [(&str, i32, &[See]); 6] = [
        ("--out acme.revoked --number 2", 2, &[Err("has the number 2")]),
        ("--out acme.revoked --number 9", 0, &[At("sequence", "9")]),
        ("--out acme.revoked", 0, &[At("sequence", "10")]),
        ("--out elsewhere.revoked --store there.toml", 0, &[At("sequence", "3"), At("revoked", "0")]),
        ("--out review.revoked", 2, &[Err("something else")]),
        ("--out own.toml", 2, &[Err("something else")]),
    ];
    for (options, status, sees) in rows {
        let store = if options.contains("--store") { "" } else { " --store here.toml" };
        let json = if status == 0 { " --json" } else { "" };
        let line = format!("trust publish --key root.pem --until 30d {options}{store}{json}");
        check_in(here, &line.split(' ').collect::<Vec<_>>(), status, sees);
    }
    assert_eq!(fs::read_to_string(here.join("own.toml")).unwrap(), VENDORS.1);
    check_in(
        here,
        &["trust", "publish", "--key", "root.pem", "--until", "2020-01-01", "--out", "x", "--store", "here.toml"],
        2,
        &[Err("--until")],
    );
}

#[test]
fn a_sealed_store_opens_with_its_key() {
    let here = world();
    let here = here.path();
    let run = |line: &str, key: Option<&str>, status: i32, part: &str| {
        let mut command = modhost(here);
        command.args(line.split(' ')).envs(key.map(|key| ("MODHOST_STORE_KEY", key)));
        let output = command.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.code() == Some(status) && text.contains(part), "{line}: {text}");
    };
    let (seal, list) = ("trust seal --store t.toml --store-key-file k", "trust list --store t.toml");
    run(seal, None, 2, "io.not-found");
    assert!(!here.join("k").exists(), "a key for nothing");
    said(here, "trust add acme.pem --namespace acme.* --store t.toml");
    run("trust seal --store t.toml", None, 2, "no key is given to seal the store with");
    run(seal, None, 0, "generation 2");
    let (key, sealed) = (fs::read_to_string(here.join("k")).unwrap(), fs::read(here.join("t.toml")).unwrap());
    assert!(key.trim().len() == 64 && !sealed.windows(4).any(|part| part == b"acme"));
    let verify = format!("verify {PACKAGE} --store t.toml");
    let (file, zeros) = (" --store-key-file k", "0".repeat(64));
    let rows: [(String, Option<&str>, i32, &str); 15] = [
        (list.into(), None, 4, "MODHOST_STORE_KEY"),
        (list.into(), Some(""), 4, "trust.sealed"),
        (list.into(), Some(key.trim()), 0, "generation 2"),
        (list.into(), Some(&key.to_uppercase()), 0, "generation 2"),
        (list.into(), Some(&zeros), 4, "sealed with another key"),
        (list.into(), Some("secret"), 2, "64 hex digits"),
        (list.to_owned() + file, Some(&zeros), 0, "generation 2"),
        (list.to_owned() + " --store-key-file own.toml", None, 4, "own.toml"),
        (list.to_owned() + " --store-key-file gone", None, 2, "io.not-found"),
        (verify.clone(), None, 4, "trust.sealed"),
        (verify.clone() + file, None, 0, "is verified"),
        (format!("run {PACKAGE} --store t.toml --policy standard"), None, 4, "MODHOST_STORE_KEY"),
        (format!("run {PACKAGE} --store t.toml --policy standard{file}"), None, 0, "awoo"),
        (format!("trust threshold * 2 --store t.toml{file}"), None, 0, "generation 3"),
        (seal.into(), None, 4, "sealed already"),
    ];
    for (line, key, status, part) in rows {
        run(&line, key, status, part);
    }
    run("trust unseal --store t.toml", None, 2, "MODHOST_STORE_KEY");
    run("trust unseal --store t.toml", Some(key.trim()), 0, "generation 4");
    run(list, None, 0, "generation 4");
    // Where a key is given nobody can put a store of their own in the place of the sealed one.
    run(list, Some(key.trim()), 4, "is not sealed");
    run(&format!("{verify}{file}"), None, 4, "trust.sealed");
    // A key that is there is used again, and a store that is not there yet is sealed from the first.
    run(seal, None, 0, "generation 5");
    run(&format!("trust add acme.pem --namespace * --store new.toml{file}"), None, 0, "generation 1");
    run("trust list --store new.toml", None, 4, "trust.sealed");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |mode| fs::set_permissions(here.join("k"), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(fs::metadata(here.join("k")).unwrap().permissions().mode() & 0o777, 0o600);
        mode(0o644);
        run(&(list.to_owned() + file), None, 4, "trust.key-exposed");
    }
}

#[test]
fn the_list_says_who_counts() {
    let here = world();
    let here = here.path();
    let keys = ["root", "acme", "review"].map(|name| id(here, &format!("{name}.pem")));
    said(here, "key new late.pem");
    for line in [
        "add root.pem --namespace * --until 2998-01-01",
        "add acme.pem --namespace acme.*",
        "add review.pem --namespace *",
        "add late.pem --namespace * --from 2999-01-01",
        &format!("revoke {} --reason stolen", keys[1]),
        &format!("revoke {} --reason old --soft", keys[2]),
        "threshold * 2",
        &format!("allow {PACKAGE} --note read"),
    ] {
        said(here, &format!("trust {line} --store trust.toml"));
    }
    // The command adds nothing that has ended; time goes on.
    let text = fs::read_to_string(here.join("trust.toml")).unwrap();
    fs::write(here.join("trust.toml"), text.replace("2998-", "2020-")).unwrap();
    let list = said(here, "trust list --store trust.toml");
    let state = |label: &str| {
        let all = list["keys"].as_array().unwrap();
        let key = all.iter().find(|key| key["label"] == label).unwrap();
        (key["state"].as_str().unwrap().to_owned(), key["why"].as_str().map(str::to_owned))
    };
    for (label, expected, why) in [
        ("root", "expired", None),
        ("acme", "revoked", Some("stolen")),
        ("review", "warned", Some("old")),
        ("late", "not-yet", None),
    ] {
        assert_eq!(state(label), (expected.into(), why.map(str::to_owned)));
    }
    let parts =
        ["EXPIRED", "REVOKED: stolen", "softly (a warning): old", "counts not yet", "threshold of *: 2", "read"];
    check_in(here, &["trust", "list", "--store", "trust.toml"], 0, &parts.map(OutHas));
}

#[test]
fn words_that_are_refused() {
    let here = world();
    let here = here.path();
    said(here, "trust add acme.pem --namespace acme.* --store t.toml");
    let before = fs::read(here.join("t.toml")).unwrap();
    let rows: [(&str, i32, &[See]); 27] = [
        ("unpin acme KEY", 4, &[Err("trust.no-entry"), Err("is not pinned")]),
        ("unpin acme 00000000", 4, &[Err("trust.no-key")]),
        ("unpin acme", 2, &[Err("KEYID")]),
        ("restore KEY", 4, &[Err("trust.no-entry"), Err("trust list")]),
        ("restore acme.wolf@soon", 2, &[Err("no range")]),
        ("restore acme.wolf", 2, &[Err("acme.wolf@*")]),
        ("pin acme.wolf KEY", 4, &[Err("trust.value"), Err("before the dot")]),
        ("list --store gone.toml", 2, &[Err("gone.toml: there is no trust store"), Err("trust add")]),
        ("threshold acme.* 0", 4, &[Err("trust.threshold")]),
        ("threshold acme.* -1", 2, &[Err("-1")]),
        ("threshold acme.*", 2, &[Err("COUNT")]),
        ("threshold acme.* 2 --remove", 2, &[Err("--remove")]),
        ("threshold acme.* --remove", 4, &[Err("trust.no-entry")]),
        ("threshold ac* 2", 2, &[Err("publisher.*")]),
        ("allow acme.wolf-1.0.0.modpkg", 2, &[Err("--note")]),
        ("allow none.modpkg --note x", 2, &[Err("io.not-found")]),
        ("allow root.pem --note x", 4, &[Err("package.")]),
        ("allow sha256:12 --note x", 2, &[Err("64 digits")]),
        ("allow DIGEST --note x", 2, &[Err("--plugin ID@VERSION")]),
        ("allow DIGEST --note x --plugin wolf", 2, &[Err("acme.wolf@1.0.0")]),
        ("allow acme.wolf-1.0.0.modpkg --note x --plugin wolf@1.0.0", 2, &[Err("says itself")]),
        ("allow acme.wolf-1.0.0.modpkg --remove", 4, &[Err("trust.no-entry")]),
        ("delegate acme.pem --by root.pem", 2, &[Err("--namespace")]),
        ("delegate acme.pem --by own.toml --namespace *", 4, &[Err("own.toml")]),
        ("delegate KEY --by root.pem --namespace *", 2, &[Err("may be a key id")]),
        ("add acme.pem --namespace * --delegation x", 2, &[Err("--delegation")]),
        ("add --delegation none", 2, &[Err("io.not-found")]),
    ];
    let key = id(here, "acme.pem");
    #[cfg(unix)]
    {
        // That it is no key is said of what may be one.
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(here.join("own.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    for (words, status, sees) in rows {
        let words = words.replace("KEY", &key).replace("DIGEST", &format!("sha256:{}", "0".repeat(64)));
        let store = if words.contains("--store") { "" } else { " --store t.toml" };
        let line = format!("trust {words}{store}");
        check_in(here, &line.split(' ').collect::<Vec<_>>(), status, sees);
    }
    let out = ["trust", "delegate", "acme.pem", "--by", "root.pem", "--namespace", "*", "--out", "own.toml"];
    check_in(here, &out, 2, &[Err("already")]);
    check_in(here, &[&out[..8], &["x", "--store", "t.toml"]].concat(), 2, &[Err("--store")]);
    let asked = ["key", "new", "new.pem", "--encrypt", "--json"];
    check_in(here, &asked, 2, &[JsonHas("error.message", "no terminal"), JsonHas("error.help", "--passphrase-file")]);
    assert_eq!(fs::read(here.join("t.toml")).unwrap(), before, "a refusal changes nothing");
    assert!(!here.join("new.pem").exists());
}
