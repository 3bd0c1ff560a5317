//! Signatures and keys by OpenSSL, both ways: what modhost signs OpenSSL verifies, and what OpenSSL signs modhost takes; and the commands
//! of `docs/signing.md`, run as they stand there.
//!
//! It needs the commands `openssl` (OpenSSL 3), `unzip`, `xxd` and `sh`, and fails where they are missing: `.ci/run` installs them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value as Json;
use support::{File, folder, modhost};

const FILES: &[File] = &[
    ("wolf/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n"),
    ("wolf/main.lua", "function main() return 'awoo' end\n"),
];

/// Runs a command that must be there; what it wrote.
#[track_caller]
fn tool(here: &Path, name: &str, words: &[&str]) -> Output {
    let output = Command::new(name).current_dir(here).args(words).output();
    output.unwrap_or_else(|error| panic!("this test needs the command `{name}` ({error}): apt-get install {name}"))
}

/// The same, which must end with 0.
#[track_caller]
fn done(here: &Path, name: &str, words: &[&str]) -> Vec<u8> {
    let output = tool(here, name, words);
    assert!(output.status.success(), "{name} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A folder with a plugin, and OpenSSL 3.
#[track_caller]
fn world() -> tempfile::TempDir {
    let here = folder(FILES);
    let version = String::from_utf8(done(here.path(), "openssl", &["version"])).unwrap();
    let major = version.strip_prefix("OpenSSL ").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    assert!(major >= Some(3), "this test needs OpenSSL 3 or later, and the command `openssl` is: {version}");
    here
}

/// What a line of words says with `--json`, and the status.
fn said(here: &Path, line: &str) -> (Json, i32) {
    let output = modhost(here).args(line.split(' ')).arg("--json").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {told}"));
    (json, output.status.code().unwrap())
}

/// The same, which must be good.
#[track_caller]
fn good(here: &Path, line: &str) -> Json {
    let (json, status) = said(here, line);
    assert_eq!(status, 0, "{line}: {json}");
    json
}

/// The code by which a line of words is refused; empty for none.
fn code(here: &Path, line: &str) -> String {
    said(here, line).0["error"]["code"].as_str().unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn sha256(here: &Path, bytes: &[u8]) -> Vec<u8> {
    fs::write(here.join("hashed"), bytes).unwrap();
    done(here, "openssl", &["dgst", "-sha256", "-binary", "hashed"])
}

/// The raw public key of a key file, by OpenSSL.
fn raw(here: &Path, key: &str) -> Vec<u8> {
    let der = done(here, "openssl", &["pkey", "-in", key, "-pubout", "-outform", "DER"]);
    der[der.len() - 32..].to_vec()
}

/// OpenSSL's signature over a message.
fn sign(here: &Path, key: &str, message: &[u8]) -> Vec<u8> {
    fs::write(here.join("message"), message).unwrap();
    done(here, "openssl", &["pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", "message", "-out", "made"]);
    fs::read(here.join("made")).unwrap()
}

/// Whether OpenSSL finds a signature to be the key's over a message.
fn holds(here: &Path, key: &str, message: &[u8], signature: &[u8]) -> bool {
    fs::write(here.join("message"), message).unwrap();
    fs::write(here.join("given"), signature).unwrap();
    fs::write(here.join("public.der"), done(here, "openssl", &["pkey", "-in", key, "-pubout", "-outform", "DER"]))
        .unwrap();
    let verify = ["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "public.der"];
    tool(here, "openssl", &[&verify[..], &["-in", "message", "-sigfile", "given"]].concat()).status.success()
}

/// The message of a package's or a lockfile's signature: over these bytes, with this statement.
fn message(here: &Path, context: &str, bytes: &[u8], statement: &str) -> Vec<u8> {
    [format!("modhost {context} signature 1\0").as_bytes(), &sha256(here, bytes), &sha256(here, statement.as_bytes())]
        .concat()
}

/// The statements of an envelope, and their signatures.
fn parts(envelope: &str) -> Vec<(String, Vec<u8>)> {
    let blocks = envelope.strip_prefix("modhost-signatures 1\n\n").unwrap().trim_end().split("\n\n");
    let part = |block: &str| {
        let (statement, value) = block.rsplit_once("\nvalue ").unwrap();
        (format!("{statement}\n"), unhex(value))
    };
    blocks.map(part).collect()
}

fn envelope(statement: &str, signature: &[u8]) -> String {
    format!("modhost-signatures 1\n\n{statement}value {}\n", hex(signature))
}

/// The two of META of a package, unpacked into `out`.
fn unpacked(here: &Path, package: &str, out: &str) -> (Vec<u8>, Option<String>) {
    done(here, "unzip", &["-q", "-o", package, "-d", out]);
    let meta = here.join(out).join("META");
    (fs::read(meta.join("files")).unwrap(), fs::read_to_string(meta.join("signatures")).ok())
}

/// Keys that OpenSSL made, and such that modhost made, in the open and under a passphrase.
fn keys(here: &Path) -> [&'static str; 4] {
    done(here, "openssl", &["genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"]);
    let encrypt = ["pkcs8", "-topk8", "-in", "theirs.pem", "-out", "locked.pem", "-v2", "aes-256-cbc", "-scrypt"];
    done(here, "openssl", &[&encrypt[..], &["-passout", "pass:moonlight"]].concat());
    for key in ["theirs.pem", "locked.pem"] {
        fs::set_permissions(here.join(key), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(here.join("words"), "moonlight\n").unwrap();
    fs::set_permissions(here.join("words"), fs::Permissions::from_mode(0o600)).unwrap();
    good(here, "key new ours.pem");
    good(here, "key new sealed.pem --encrypt --passphrase-file words");
    ["theirs.pem", "locked.pem", "ours.pem", "sealed.pem"]
}

#[test]
fn keys_are_the_same_on_both_sides() {
    let here = world();
    let here = here.path();
    for key in keys(here) {
        // A file in the open by another name, so that OpenSSL needs no passphrase from here on.
        let plain = done(here, "openssl", &["pkey", "-in", key, "-passin", "pass:moonlight"]);
        fs::write(here.join("plain.pem"), plain).unwrap();
        let shown = good(here, &format!("key show {key} --passphrase-file words"));
        let public = raw(here, "plain.pem");
        assert_eq!(shown["public"].as_str(), Some(&*format!("ed25519:{}", hex(&public))), "{key}");
        let id = hex(&sha256(here, &[b"ed25519\0", &public[..]].concat()));
        assert_eq!(shown["id"].as_str(), Some(&*id), "{key}");
        // The public half, written by each and read by the other.
        done(here, "openssl", &["pkey", "-in", "plain.pem", "-pubout", "-out", "theirs.pub"]);
        good(here, &format!("key show {key} --passphrase-file words --out ours.pub"));
        assert_eq!(fs::read(here.join("theirs.pub")).unwrap(), fs::read(here.join("ours.pub")).unwrap(), "{key}");
        assert_eq!(good(here, "key show theirs.pub")["id"].as_str(), Some(&*id), "{key}");
        done(here, "openssl", &["pkey", "-pubin", "-in", "ours.pub", "-noout"]);
        fs::remove_file(here.join("ours.pub")).unwrap();
    }
}

/// What is signed, the context of the other, and what `verify` is asked.
const SIGNED: [(&str, &str); 2] = [("package", "lockfile"), ("lockfile", "package")];

#[test]
fn what_modhost_signs_openssl_verifies() {
    let here = world();
    let here = here.path();
    keys(here);
    good(here, "pack wolf");
    fs::create_dir(here.join("mods")).unwrap();
    fs::rename(here.join("wolf"), here.join("mods/wolf")).unwrap();
    good(here, "resolve mods --lock modhost.lock");
    for file in ["acme.wolf-1.0.0.modpkg", "modhost.lock"] {
        good(here, &format!("sign {file} --key ours.pem --expires 365d --signer Ours --meta ticket=4711"));
        good(here, &format!("sign {file} --key theirs.pem"));
    }
    for (what, other) in SIGNED {
        let (bytes, signatures) = match what {
            "package" => unpacked(here, "acme.wolf-1.0.0.modpkg", "out"),
            _ => (
                fs::read(here.join("modhost.lock")).unwrap(),
                fs::read_to_string(here.join("modhost.lock.signatures")).ok(),
            ),
        };
        let parts = parts(&signatures.unwrap());
        assert_eq!(parts.len(), 2);
        for (statement, signature) in parts {
            let public = statement.lines().find_map(|line| line.strip_prefix("public ")).unwrap();
            let key = ["ours.pem", "theirs.pem"].into_iter().find(|key| hex(&raw(here, key)) == public).unwrap();
            let over = |context: &str, bytes: &[u8], statement: &str| {
                holds(here, key, &message(here, context, bytes, statement), &signature)
            };
            assert!(over(what, &bytes, &statement), "{what}: {statement}");
            // Not for another purpose, over other bytes, with other words.
            assert!(!over(other, &bytes, &statement));
            assert!(!over(what, &[&bytes[..], b"\n"].concat(), &statement));
            assert!(!over(what, &bytes, &statement.replace("signer ", "signer the ")));
        }
    }
}

#[test]
fn what_openssl_signs_modhost_takes() {
    let here = world();
    let here = here.path();
    keys(here);
    good(here, "pack wolf");
    let (index, none) = unpacked(here, "acme.wolf-1.0.0.modpkg", "out");
    assert!(none.is_none());
    fs::create_dir(here.join("mods")).unwrap();
    fs::rename(here.join("wolf"), here.join("mods/wolf")).unwrap();
    good(here, "resolve mods --lock modhost.lock");
    let lockfile = fs::read(here.join("modhost.lock")).unwrap();
    done(here, "openssl", &["pkey", "-in", "theirs.pem", "-pubout", "-out", "theirs.pub"]);
    good(here, "trust add theirs.pub --namespace * --store trust.toml");
    good(here, "trust add ours.pem --namespace * --store trust.toml");
    let head = |key: &str| format!("signature ed25519\npublic {}\nsigner Theirs\n", hex(&raw(here, key)));
    // `until` what is said of it, and what comes of it under a policy that wants a signature.
    let rows: [(&str, &str, &str, &str); 6] = [
        ("theirs.pem", "expires never\n", "", ""),
        ("ours.pem", "expires never\n", "", ""),
        ("theirs.pem", "expires 2999-01-01T00:00:00Z\nmeta ticket 4711\n", "", ""),
        ("theirs.pem", "expires 2020-01-01T00:00:00Z\n", "", "verify.expired"),
        ("theirs.pem", "expires never\n", "another purpose", "verify.bad-signature"),
        ("theirs.pem", "expires never\n", "other words", "verify.bad-signature"),
    ];
    for (key, rest, wrong, expected) in rows {
        for (what, other) in SIGNED {
            let context = if wrong == "another purpose" { other } else { what };
            let bytes = if what == "package" { &index } else { &lockfile };
            let statement = format!("{}{rest}", head(key));
            let signature = sign(here, key, &message(here, context, bytes, &statement));
            let statement = if wrong == "other words" { statement.replace("Theirs", "Others") } else { statement };
            let envelope = envelope(&statement, &signature);
            let found = if what == "package" {
                fs::write(here.join("out/META/signatures"), envelope).unwrap();
                let _ = fs::remove_file(here.join("signed.modpkg"));
                good(here, "pack out --out signed.modpkg");
                code(here, "verify signed.modpkg --store trust.toml --policy standard")
            } else {
                fs::write(here.join("modhost.lock.signatures"), envelope).unwrap();
                let verified = code(here, "verify modhost.lock --store trust.toml --policy standard");
                let ran = code(here, "run mods --lock modhost.lock --store trust.toml --policy standard");
                assert_eq!(ran.is_empty(), expected.is_empty(), "{key}, {rest}, {wrong}: {ran}");
                verified
            };
            // A set whose signers do not suffice leaves each plugin to itself, which `verify` tells as a warning.
            let expected = if what == "lockfile" && expected == "verify.expired" { "" } else { expected };
            assert_eq!(found, expected, "{what}: {key}, {rest}, {wrong}");
        }
    }
}

/// Lists, delegations and checkpoints: the text before the line of the signature, under a context of its own.
#[test]
fn what_is_signed_for_stores_and_logs() {
    let here = world();
    let here = here.path();
    keys(here);
    good(here, "trust add theirs.pem --namespace * --role delegate --role revoke --store trust.toml");
    good(here, "trust revoke acme.wolf@<1.2.0 --reason bites --store own.toml");
    good(here, "trust publish --key theirs.pem --until 30d --out list --store own.toml");
    good(here, "trust delegate ours.pem --by theirs.pem --namespace acme.* --out handed");
    for (file, context, take) in [
        ("list", "revocation list 1", "trust revoke --list made-by-hand --store trust.toml"),
        ("handed", "delegation 1", "trust add --delegation made-by-hand --store trust.toml"),
    ] {
        let text = fs::read_to_string(here.join(file)).unwrap();
        let (signed, value) = text.trim_end().rsplit_once("\nvalue ").unwrap();
        let signed = format!("{signed}\n");
        let body = |text: &str| match file {
            "handed" => text.split_once("\n\n").unwrap().1.to_owned(),
            _ => text.to_owned(),
        };
        let message = |text: &str| [format!("modhost {context}\0").as_bytes(), body(text).as_bytes()].concat();
        assert!(holds(here, "theirs.pem", &message(&signed), &unhex(value)), "{file}");
        assert!(!holds(here, "theirs.pem", signed.as_bytes(), &unhex(value)), "{file}: without the context");
        // One that nobody but OpenSSL signed.
        let other = signed.replace("bites", "steals").replace("label ours", "label Ours");
        assert_ne!(other, signed);
        let value = hex(&sign(here, "theirs.pem", &message(&other)));
        fs::write(here.join("made-by-hand"), format!("{other}value {value}\n")).unwrap();
        good(here, take);
    }
    fs::write(here.join("wolf.lua"), FILES[1].1).unwrap();
    good(here, "run wolf.lua --audit log.jsonl --audit-key theirs.pem");
    let log = fs::read_to_string(here.join("log.jsonl")).unwrap();
    let checkpoints: Vec<&str> = log.lines().filter(|line| line.contains(",\"signature\":")).collect();
    assert!(!checkpoints.is_empty(), "{log}");
    for line in checkpoints {
        let (before, rest) = line.split_once(",\"signature\":\"").unwrap();
        let value = unhex(rest.split_once('"').unwrap().0);
        let message = [b"modhost audit checkpoint 1\0", before.as_bytes()].concat();
        assert!(holds(here, "theirs.pem", &message, &value), "{line}");
    }
}

/// The shell commands of a document, in order, and the lines that they are said to print.
fn commands(document: &str) -> (String, Vec<String>) {
    let blocks = document.split("\n```sh\n").skip(1).map(|rest| rest.split_once("\n```").unwrap().0);
    let script = blocks.fold(String::new(), |script, block| script + block + "\n");
    let said = script.lines().filter_map(|line| line.strip_prefix("# => ")).map(str::to_owned).collect();
    (script, said)
}

#[test]
fn the_document_is_true() {
    let here = world();
    let here = here.path();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/signing.md");
    let (script, said) = commands(&fs::read_to_string(path).unwrap());
    assert!(script.contains("pkeyutl -sign -rawin") && script.contains("pkeyutl -verify -rawin") && said.len() >= 3);
    for name in ["unzip", "xxd"] {
        tool(here, name, &["-h"]);
    }
    let program = PathBuf::from(env!("CARGO_BIN_EXE_modhost"));
    let mut paths = vec![program.parent().unwrap().to_owned()];
    paths.extend(env::split_paths(&env::var_os("PATH").unwrap()));
    let mut command = Command::new("sh");
    // The environment of the command's own tests, but for another program.
    for (name, value) in modhost(here).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command
        .current_dir(here)
        .env("PATH", env::join_paths(paths).unwrap())
        .args(["-eu", "-c", &script])
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{out}");
    let mut rest = &*out;
    for line in said {
        let (_, after) =
            rest.split_once(&line).unwrap_or_else(|| panic!("it does not print `{line}` there:\n{out}{told}"));
        rest = after;
    }
    // The id of the key, by OpenSSL alone on its line, and by modhost.
    let id = out.lines().find(|line| line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit())).unwrap();
    assert!(out.contains(&format!("key id\n  {id}\n")), "{out}");
}
