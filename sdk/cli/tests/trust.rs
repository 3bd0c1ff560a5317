//! `key` and `trust`: from a new key to a store that holds it, and what is refused on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use serde_json::Value as Json;
use support::{
    File,
    See::{Err, Json as At, JsonHas, NotErr, Out, OutHas},
    check, check_all, check_in, folder, modhost,
};

/// Of the private key whose bytes are all 1.
const PUBLIC: &str = "ed25519:8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
const PEM: File = (
    "acme.pub",
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAiojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=\n-----END PUBLIC KEY-----\n",
);
const ID: &str = "bd8a63bd14947e947f3a62a1f9d7688b3f55ef8ea40621d4ed3a87ce2255ce60";

/// Runs each line of words in one folder; every one must end with 0. Gives what the last one said with `--json`.
#[track_caller]
fn play(here: &Path, lines: &[&[&str]]) -> Json {
    let mut last = Json::Null;
    for words in lines {
        let output = modhost(here).args(*words).arg("--json").env("MODHOST_STORE", "trust.toml").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{words:?}: {text}");
        last = serde_json::from_str(&text).unwrap();
    }
    last
}

#[test]
fn a_new_key_is_trusted_pinned_revoked_and_removed() {
    let here = folder(&[]);
    let made = play(here.path(), &[&["key", "new", "acme.pem"]]);
    let (public, id) = (made["public"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert_eq!(made["encrypted"], false);
    assert_eq!(play(here.path(), &[&["key", "show", "acme.pem"]])["id"], made["id"]);
    let secret = fs::read_to_string(here.path().join("acme.pem")).unwrap();
    let list = play(
        here.path(),
        &[
            &["trust", "add", "acme.pem", "--namespace", "acme.*", "--until", "2999-11-21"],
            &["trust", "pin", "acme", &id[..8]],
            &["trust", "revoke", "acme.wolf@<1.2.0", "--reason", "it bites", "--soft"],
            &["trust", "list"],
        ],
    );
    assert_eq!(list["generation"], 3);
    assert_eq!(list["keys"][0]["public"], public);
    assert_eq!(list["keys"][0]["label"], "acme");
    assert_eq!(list["keys"][0]["until"], "2999-11-21T00:00:00Z");
    assert_eq!(list["pins"]["acme"][0], id);
    assert_eq!(list["revoked"][0]["what"], "acme.wolf@<1.2.0");
    assert_eq!(list["revoked"][0]["hard"], false);
    let list = play(here.path(), &[&["trust", "remove", id], &["trust", "list"]]);
    assert!(list["keys"].as_array().unwrap().is_empty() && list["pins"].as_object().unwrap().is_empty());
    assert_eq!((&list["generation"], &list["revoked"][0]["reason"]), (&Json::from(4), &Json::from("it bites")));
    // What is secret went to its file and nowhere else.
    let store = fs::read_to_string(here.path().join("trust.toml")).unwrap();
    assert!(secret.lines().filter(|line| !line.starts_with('-')).all(|line| !store.contains(line)));
}

#[test]
fn what_is_written_for_others_and_what_is_said_of_a_revoked_key() {
    let here = folder(&[]);
    let here = here.path();
    let made = play(here, &[&["key", "new", "acme.pem"]]);
    let show = ["key", "show", "acme.pem", "--out", "acme.pub"];
    let shown = play(here, &[&show]);
    assert_eq!((&shown["public"], &shown["out"]), (&made["public"], &Json::from("acme.pub")));
    assert_eq!(play(here, &[&["key", "show", "acme.pub"]])["id"], made["id"]);
    let text = fs::read_to_string(here.join("acme.pub")).unwrap();
    assert!(text.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{text}");
    check_in(here, &show, 2, &[Err("there is something already")]);
    assert_eq!(fs::read_to_string(here.join("acme.pub")).unwrap(), text);
    let id = made["id"].as_str().unwrap();
    let add: &[&str] = &["trust", "add", "acme.pub", "--namespace", "acme.*"];
    let added = play(here, &[&["trust", "revoke", id, "--reason", "stolen"], add]);
    assert_eq!(added["done"], format!("added the key {id}; it stays revoked: stolen"));
    let added = play(here, &[&["trust", "restore", id], add]);
    assert_eq!(added["done"], format!("changed the key {id}"));
}

#[test]
fn a_private_key_is_its_owners_alone() {
    let here = folder(&[]);
    let new = || modhost(here.path()).args(["key", "new", "acme.pem"]).output().unwrap();
    assert!(new().status.success());
    let text = fs::read_to_string(here.path().join("acme.pem")).unwrap();
    let again = new();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8(again.stderr).unwrap().contains("never overwritten"));
    assert_eq!(fs::read_to_string(here.path().join("acme.pem")).unwrap(), text);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = here.path().join("acme.pem");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let show = modhost(here.path()).args(["key", "show", "acme.pem"]).output().unwrap();
        assert_eq!(show.status.code(), Some(4));
        assert!(String::from_utf8(show.stderr).unwrap().contains("trust.key-exposed"));
    }
}

/// A key of OpenSSL 3 (`openssl pkcs8 -topk8`), of the bytes that are all 1, under `moonlight`.
const SEALED: File = (
    "acme.pem",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiesNC7iUjb7wICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEM8aIqkCLpgZCyHI2wVeRGkEQFi1
FeYx5ok1JHTFddzmXno/gzUeDB2WDNsoxuy059kejW72Fw0EBvWA9r2AyIro940q
PFtEN2RAxi9f9p9BjsA=
-----END ENCRYPTED PRIVATE KEY-----
",
);

/// The same with 8 M rounds of PBKDF2, and with 32 GiB for scrypt.
#[cfg(unix)]
const MANY_ROUNDS: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGcMFgGCSqGSIb3DQEFDTBLMCoGCSqGSIb3DQEFDDAdBAhWzbtAyiRqxwIDf///
MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBBObcPKHjKNvUsnVbpkR3gpBEBY
JI5xilqRxSx4FTSSQ0HufkSYUMz2CLTGfqnc5gCigtpgiQmAMxvrIURv5olN0g78
V9nC5RD4A3FLfk+WoDeF
-----END ENCRYPTED PRIVATE KEY-----
";
#[cfg(unix)]
const MUCH_MEMORY: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAjYrMZfQhBjvQICQAAC
AX8CAX8wHQYJYIZIAWUDBAEqBBBZlI4jYiJXKARNVwWoOA4qBEDlu/pQqUCTAG6w
lRUR5b5f8y5LXRs1hxyXWvfq7Cq3+D4S/NT2TcJO/XWsO1vLhBUGwv/D/tmB++kM
3/LQfMUf
-----END ENCRYPTED PRIVATE KEY-----
";

#[test]
fn a_private_key_under_a_passphrase() {
    let here = folder(&[("right", "moonlight\nand more\n"), ("wrong", "sunlight"), ("empty", "\n"), SEALED]);
    #[cfg(unix)]
    for file in ["right", "wrong", "empty"] {
        use std::os::unix::fs::PermissionsExt;
        let path = here.path().join(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = ["key", "new", "new.pem", "--passphrase-file", file, "--json"];
        check_in(here.path(), &exposed, 4, &[At("error.code", r#""trust.key-exposed""#)]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let run = |words: &[&str], variable: Option<&str>| {
        let mut command = modhost(here.path());
        command.args(words).env_remove("MODHOST_PASSPHRASE");
        let output = command.envs(variable.map(|text| ("MODHOST_PASSPHRASE", text))).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let (status, made) = run(&["key", "new", "new.pem", "--passphrase-file", "right"], None);
    assert!(status == Some(0) && made.contains(", encrypted"), "{made}");
    let text = fs::read_to_string(here.path().join("new.pem")).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = here.path().join("acme.pem");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    for file in ["new.pem", "acme.pem"] {
        let rows: [(&[&str], Option<&str>, i32, &str); 6] = [
            (&["--passphrase-file", "right"], None, 0, "public key"),
            (&[], Some("moonlight"), 0, "public key"),
            (&["--passphrase-file", "wrong"], Some("moonlight"), 4, "Try again with the right one"),
            (&["--passphrase-file", "empty"], None, 2, "one line"),
            (&["--passphrase-file", "gone"], None, 2, "io.not-found"),
            (&[], None, 4, "--passphrase-file"),
        ];
        for (options, variable, status, part) in rows {
            let (found, text) = run(&[&["key", "show", file], options].concat(), variable);
            assert!(found == Some(status) && text.contains(part), "{file} {options:?}: {text}");
        }
    }
    let (_, shown) = run(&["key", "show", "acme.pem"], Some("moonlight"));
    assert!(shown.contains(PUBLIC), "{shown}");
    let (_, shown) = run(&["key", "show", "new.pem"], Some("moonlight"));
    assert!(made.starts_with(&shown), "{shown}");
    // The file says how much is to be computed and held: not whatever it likes.
    #[cfg(unix)]
    for greedy in [MANY_ROUNDS, MUCH_MEMORY] {
        fs::write(here.path().join("acme.pem"), greedy).unwrap();
        let (status, text) = run(&["key", "show", "acme.pem"], Some("moonlight"));
        assert!(status == Some(4) && text.contains("would take too long"), "{text}");
    }
}

#[test]
fn words_and_keys_that_are_refused() {
    const STORE: &[&str] = &["--store", "t.toml"];
    let on = |words: &[&'static str]| [words, STORE].concat();
    let upper = PUBLIC.to_uppercase();
    check(&[PEM], &["key", "show", "acme.pub", "--json"], 0, &[JsonHas("id", ID), JsonHas("public", PUBLIC)]);
    check(&[], &["trust", "add", &upper, "--namespace", "*", "--store", "t.toml"], 2, &[Err("io.not-found")]);
    check_all(&[
        (&[], &on(&["trust", "add", PUBLIC, "--namespace", "acme.*"]), 0, &[OutHas(ID), OutHas("generation 1")]),
        (&[PEM], &on(&["trust", "add", "acme.pub"]), 2, &[Err("--namespace")]),
        (
            &[PEM],
            &on(&["trust", "add", "acme.pub", "--namespace", "*", "--until", "2020-01-01"]),
            2,
            &[Err("--until 2020-01-01T00:00:00Z: it would have ended")],
        ),
        // Which everybody may read.
        (&[("acme.pem", "notes")], &["key", "show", "acme.pem"], 4, &[Err("no key in PEM, neither a public")]),
        (&[("w.modpkg", "PK\u{3}\u{4}")], &["key", "show", "w.modpkg"], 4, &[Err("no key in PEM, neither a public")]),
        (
            &[("w.modpkg", "PK\u{3}\u{4}")],
            &on(&["trust", "add", "w.modpkg", "--namespace", "*"]),
            4,
            &[Err("no key in PEM, neither a public"), Err("modhost key show --out")],
        ),
        (&[PEM], &on(&["trust", "add", "acme.pub", "--namespace", "ac*"]), 2, &[Err("publisher.*")]),
        (&[PEM], &on(&["trust", "add", "acme.pub", "--namespace", "*", "--until", "soon"]), 2, &[Err("365d")]),
        (&[PEM], &on(&["trust", "add", "acme.pub", "--namespace", "*", "--role", "rule"]), 2, &[Err("delegate")]),
        (&[PEM], &on(&["trust", "add", "acme.pub", "--namespace", "*", "--ceiling", "total"]), 2, &[Err("verified")]),
        (&[], &on(&["trust", "add", ID, "--namespace", "*"]), 2, &[Err("may be a key id")]),
        (&[], &on(&["trust", "threshold", "acme.*", "16"]), 0, &[OutHas("16 signatures")]),
        (&[], &on(&["trust", "threshold", "acme.*", "17"]), 4, &[Err("trust.threshold"), Err("1 to 16")]),
        (
            &[("t.toml", "store = 1\ngeneration = 1\n\n[thresholds]\n\"acme.*\" = 17\n")],
            &on(&["trust", "list"]),
            4,
            &[Err("trust.threshold")],
        ),
        (&[], &on(&["trust", "pin", "acme", ID]), 4, &[Err("trust.no-key")]),
        (&[], &on(&["trust", "revoke", "acme.wolf@soon", "--reason", "x"]), 2, &[Err("no range")]),
        (&[], &on(&["trust", "revoke", "sha256:12", "--reason", "x"]), 2, &[Err("64 digits")]),
        (&[], &on(&["trust", "revoke", ID, "--reason", "a\nb"]), 4, &[Err("trust.value")]),
        (&[], &on(&["trust", "revoke", ID, "--reason", "lost"]), 0, &[OutHas("revoked key"), NotErr("error")]),
        (&[], &on(&["trust", "revoke", ID]), 2, &[Err("--reason")]),
        (&[], &on(&["trust", "revoke"]), 2, &[Err("WHAT")]),
        (&[], &on(&["trust", "revoke", ID, "--reason", "x", "--list", "l"]), 2, &[Err("--list")]),
        (&[("l", "no list\n")], &on(&["trust", "revoke", "--list", "l"]), 4, &[Err("trust.list")]),
        (&[], &on(&["trust", "list"]), 2, &[Err("io.not-found"), Out("")]),
        (&[("t.toml", "store = 2\n")], &on(&["trust", "list", "--json"]), 4, &[At("error.code", "\"trust.newer\"")]),
        (
            &[("t.toml", "store = 1\n")],
            &on(&["trust", "revoke", ID, "--reason", "x"]),
            4,
            &[Err("trust.missing-field")],
        ),
    ]);
}

#[test]
fn a_signed_revocation_list_is_taken_in() {
    use modhost::verify::{Date, Revocation, Revoked, SecretKey, sign_list};
    let here = folder(&[]);
    let issuer = SecretKey::from_seed(&[1; 32]);
    let day = std::time::Duration::from_secs(86_400);
    let now = Date::of(std::time::SystemTime::now());
    let rows =
        [Revocation::hard(Revoked::Versions("acme.wolf".parse().unwrap(), "<1.2.0".parse().unwrap()), "it bites")];
    let list = sign_list(&issuer, 7, now, now.after(day), &rows).unwrap();
    fs::write(here.path().join("list"), &list).unwrap();
    fs::write(here.path().join("forged"), list.replace("sequence 7", "sequence 8")).unwrap();
    let add = ["trust", "add", PUBLIC, "--namespace", "acme.*", "--role", "revoke"];
    let list = play(here.path(), &[&add, &["trust", "revoke", "--list", "list"], &["trust", "list"]]);
    assert_eq!(list["revoked"][0]["what"], "acme.wolf@<1.2.0");
    assert_eq!((&list["revoked"][0]["list"], &list["lists"][0]["sequence"]), (&Json::from(ID), &Json::from(7)));
    let forged =
        modhost(here.path()).args(["trust", "revoke", "--list", "forged", "--store", "trust.toml"]).output().unwrap();
    assert_eq!(forged.status.code(), Some(4));
    assert!(String::from_utf8(forged.stderr).unwrap().contains("trust.list-signature"));
}

#[test]
fn the_store_among_ones_settings_is_made_when_it_is_needed() {
    let here = folder(&[]);
    let run = |words: &[&str]| {
        let mut command = modhost(here.path());
        command.env_remove("MODHOST_STORE").env_remove("HOME").env_remove("APPDATA");
        command.env(if cfg!(windows) { "APPDATA" } else { "XDG_CONFIG_HOME" }, here.path());
        let output = command.args(words).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let place = here.path().join("modhost").join("trust.toml");
    let (status, text) = run(&["trust", "list"]);
    assert!(status == Some(0) && text.contains("no key is trusted") && !place.exists(), "{text}");
    assert_eq!(run(&["trust", "add", PUBLIC, "--namespace", "*"]).0, Some(0));
    assert!(place.exists());
    let (_, text) = run(&["trust", "list"]);
    assert!(text.contains(ID) && text.contains("generation 1"), "{text}");
    // The variable says where it is; an option means a store that is there.
    let run = |words: &[&str]| {
        let output = modhost(here.path()).args(words).env("MODHOST_STORE", "new/other.toml").output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, text) = run(&["trust", "list"]);
    assert!(status == Some(0) && text.contains("no key is trusted"), "{text}");
    fs::write(here.path().join("wolf.lua"), "").unwrap();
    assert_eq!(run(&["verify", "wolf.lua"]).0, Some(0));
    assert_eq!(run(&["verify", "wolf.lua", "--store", "none.toml"]).0, Some(2));
    assert!(!here.path().join("new").exists());
    assert_eq!(run(&["trust", "add", PUBLIC, "--namespace", "*"]).0, Some(0));
    assert!(here.path().join("new/other.toml").exists());
}

/// A secret in the place of a path is refused by a code of its own, and shown nowhere.
#[test]
fn a_secret_in_the_place_of_a_path_is_not_shown() {
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3vyejguRk65Le6JLXUwfv3Wz0uJr5uqd9c0fCn\n-----END PRIVATE KEY-----\n";
    const BASE64: &str = "nWGxnejguRk65Le6JLXUwfv3Wz0uJr5uqd9c0fCnAAA=";
    const HEX: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let secrets = [(PEM, "MC4CAQ"), (BASE64, "nWGxne"), (HEX, "9d61b1"), ("-----BEGIN", "-----BEGIN")];
    let places: &[&[&str]] = &[
        &["sign", "p.modpkg", "--key"],
        &["sign", "p.modpkg", "--passphrase-file", "x", "--key"],
        &["sign", "p.modpkg", "--key", "k.pem", "--passphrase-file"],
        &["run", "p.lua", "--store-key-file"],
        &["trust", "list", "--store-key-file"],
        &["trust", "seal", "--store-key-file"],
        &["trust", "list", "--store"],
        &["trust", "publish", "--out", "x", "--until", "30d", "--key"],
        &["trust", "delegate", "x", "--by"],
        &["run", "p.lua", "--audit", "a", "--audit-key"],
        &["run", "p.lua", "--audit", "a", "--audit-key", "k", "--audit-rotate-from"],
        &["audit", "verify", "a", "--key"],
        &["key", "new"],
        &["key", "show"],
        &["key", "show", "k.pem", "--passphrase-file"],
    ];
    let here = folder(&[]);
    let clean = |output: &std::process::Output, part: &str, what: &dyn std::fmt::Debug| {
        let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
        assert!(!text.contains(part), "{what:?}: {text}");
        text
    };
    for place in places {
        for (secret, part) in secrets {
            let last = place.last().unwrap();
            let mut forms = vec![[place, &[secret][..]].concat().iter().map(ToString::to_string).collect::<Vec<_>>()];
            if last.starts_with("--") {
                let mut joined: Vec<String> = place.iter().map(ToString::to_string).collect();
                *joined.last_mut().unwrap() = format!("{last}={secret}");
                forms.push(joined);
            }
            for mut words in forms {
                for json in [false, true] {
                    words.extend(json.then(|| "--json".to_owned()));
                    let output = modhost(here.path()).args(&words).output().unwrap();
                    let text = clean(&output, part, &words);
                    assert!(output.status.code() == Some(2) && text.contains("usage.secret"), "{words:?}: {text}");
                }
            }
        }
    }
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0, "nothing was made");
    for (words, variable, value, part) in [
        (&["trust", "list"][..], "MODHOST_STORE", HEX, "9d61b1"),
        (&["trust", "list"], "MODHOST_STORE_KEY", PEM, "MC4CAQ"),
        (&["trust", "list"], "MODHOST_STORE_KEY", "hunter2", "hunter2"),
        // No verb has a place for it, and the parser of the words would show it.
        (&["sign", "p.modpkg", HEX], "X", "", "9d61b1"),
        (&["run", "--store-key", HEX, "p.lua"], "X", "", "9d61b1"),
        // Any word may be a passphrase.
        (&["key", "new", "k.pem", "--passphrase-file", "hunter2"], "X", "", "hunter2"),
    ] {
        for json in [&[][..], &["--json"]] {
            let output = modhost(here.path()).args(words).args(json).env(variable, value).output().unwrap();
            clean(&output, part, &words);
            assert_eq!(output.status.code(), Some(2), "{words:?}");
        }
    }
    // Such a name is a path where it is written as one, or something is there.
    let named = format!("./{HEX}");
    check_in(here.path(), &["key", "new", &named], 0, &[OutHas("public key")]);
    check_in(here.path(), &["key", "show", HEX], 0, &[OutHas("public key")]);
}

/// A store, its folder and a policy that others may write.
#[cfg(unix)]
#[test]
fn what_others_may_write_is_refused_or_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let here = folder(&[
        ("d/none.lua", "function main() return 'awoo' end"),
        ("warn.toml", "exposed = 'warn'"),
        ("ignore.toml", "exposed = 'ignore'"),
        ("refuse.toml", "exposed = 'refuse'"),
    ]);
    let mode = |path: &str, mode| {
        fs::set_permissions(here.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    let own: &[&str] = &["trust", "add", PUBLIC, "--namespace", "*", "--store", "d/t.toml"];
    check_in(here.path(), own, 0, &[OutHas("generation 1")]);
    let run = |policy: &[&'static str]| [&["run", "d/none.lua", "--store", "d/t.toml"], policy].concat();
    let refused = [At("error.code", r#""trust.exposed""#)];
    let list: &[&str] = &["trust", "list", "--store", "d/t.toml"];
    for (path, open, closed) in [("d/t.toml", 0o666, 0o600), ("d", 0o777, 0o755)] {
        mode(path, open);
        check_in(here.path(), &[list, &["--json"]].concat(), 4, &refused);
        check_in(here.path(), &[own, &["--json"]].concat(), 4, &refused);
        check_in(here.path(), &[run(&[]), vec!["--json"]].concat(), 4, &refused);
        check_in(here.path(), &run(&["--policy", "warn.toml"]), 0, &[Out("awoo\n"), Err("may write it")]);
        check_in(here.path(), &run(&["--policy", "ignore.toml"]), 0, &[Out("awoo\n"), NotErr("may write it")]);
        mode(path, closed);
        check_in(here.path(), list, 0, &[]);
    }
    // A folder like /tmp, in which nobody replaces another's file.
    mode("d", 0o1777);
    check_in(here.path(), list, 0, &[]);
    for (policy, status) in [("refuse.toml", 4), ("warn.toml", 0), ("ignore.toml", 0)] {
        mode(policy, 0o666);
        check_in(here.path(), &run(&["--policy", policy]), status, &[Err("may write it")]);
    }
}
