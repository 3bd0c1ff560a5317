//! Audit logs that somebody changed, exchanged or left no room for. The good log is written here by hand, from the documented form of a
//! line, so that it is a second opinion on the engine's writer, too. What each of them must get is said of the whole log: see
//! `tests/audit.rs` for every byte of one.
//!
//! Nobody who has the file alone can know that a log was cut after a checkpoint, or is an older copy of itself: who notes how far it
//! reached (`verify audit.jsonl reaches N`) can.

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use crate::{envelopes::hex, table::Attack, world::World};

/// The key that checkpoints of the host are signed with.
const HOST: u8 = 50;
const NONE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened, as far as a line tells it: `event` and what else there is between its severity and its count.
const STORY: [&str; 9] = [
    r#""info","event":"opened","detail":"modhost 0.1.0""#,
    r#""info","event":"checkpoint""#,
    r#""notice","event":"admitted","plugin":"acme.wolf","version":"1.0.0","detail":"lua, verified""#,
    r#""info","event":"loaded","plugin":"acme.wolf","version":"1.0.0""#,
    r#""alert","event":"refused","plugin":"acme.fox","version":"1.0.0","code":"verify.bad-signature","detail":"it does not hold""#,
    r#""info","event":"checkpoint""#,
    r#""info","event":"unloaded","plugin":"acme.wolf","version":"1.0.0""#,
    r#""info","event":"closed""#,
    r#""info","event":"checkpoint""#,
];

/// One line, chained to the one before; a checkpoint is signed by `signer`.
fn line(number: usize, story: &str, prev: &str, signer: u8) -> (String, String) {
    let mut text = format!(
        r#"{{"seq":{number},"wall":"2026-06-01T00:00:0{number}.000Z","mono":{},"severity":{story},"count":1,"prev":"{prev}""#,
        number * 1000
    );
    if story.contains("checkpoint") {
        let key = SigningKey::from_bytes(&[signer; 32]);
        text += &format!(r#","key":"{}""#, hex(key.verifying_key().as_bytes()));
        let signature = key.sign(&[b"modhost audit checkpoint 1\0", text.as_bytes()].concat());
        text += &format!(r#","signature":"{}""#, hex(&signature.to_bytes()));
    }
    let hash = hex(&Sha256::digest(&text));
    (format!("{text},\"hash\":\"{hash}\"}}\n"), hash)
}

/// A whole log of these lines.
fn log<'s>(stories: impl IntoIterator<Item = &'s str>, signer: u8) -> Vec<String> {
    let (mut lines, mut prev) = (Vec::new(), NONE.to_owned());
    for (number, story) in stories.into_iter().enumerate() {
        let (text, hash) = line(number, story, &prev, signer);
        lines.push(text);
        prev = hash;
    }
    lines
}

/// The lines from `from` on, hashed and chained anew, as anybody can; their signatures are left as they are.
fn again(lines: &mut [String], from: usize) {
    let mut prev = None::<String>;
    for text in &mut lines[from..] {
        let mut content = text[..text.len() - 76].to_owned();
        if let Some(prev) = prev {
            let at = content.find(r#""prev":""#).unwrap() + 8;
            content.replace_range(at..at + 64, &prev);
        }
        let hash = hex(&Sha256::digest(&content));
        *text = format!("{content},\"hash\":\"{hash}\"}}\n");
        prev = Some(hash);
    }
}

fn good() -> Vec<String> {
    log(STORY, HOST)
}

fn attack(name: &str, steps: &[&str], text: impl Into<Vec<u8>>) -> Attack {
    let last = steps.iter().rfind(|step| step.contains(" -> ") && !step.ends_with("ok")).unwrap();
    let code = last.split_once(" -> ").unwrap().1.split(": ").next().unwrap();
    Attack::new("audit", name, code, steps).with("audit.jsonl", text)
}

/// A log with a change of its lines, which is broken in this way.
fn changed(name: &str, flaw: &str, change: impl FnOnce(&mut Vec<String>)) -> Attack {
    let mut lines = good();
    change(&mut lines);
    attack(name, &[&format!("verify audit.jsonl -> audit.broken: {flaw}")], lines.concat())
}

pub(crate) fn attacks() -> Vec<Attack> {
    let reword = |lines: &mut [String], at: usize, from: &str, to: &str| {
        assert!(lines[at].contains(from));
        lines[at] = lines[at].replacen(from, to, 1);
    };
    let exchanged = |name: &str, code: &str, steps: &[&str]| {
        let ends = [format!("verify audit.jsonl -> {code}"), format!("log audit.jsonl -> {code}")];
        attack(name, &[steps, &ends.each_ref().map(String::as_str)].concat(), good().concat())
    };
    let foreign = |name: &str, text: &str| {
        attack(name, &["link precious audit.jsonl", "log audit.jsonl -> audit.broken"], good().concat())
            .with("precious", text)
    };
    let weak = {
        let mut lines = good();
        let key = hex(SigningKey::from_bytes(&[HOST; 32]).verifying_key().as_bytes());
        let at = lines[1].find(r#","signature":""#).unwrap() + 14;
        lines[1].replace_range(at..at + 128, &format!("01{}{}", "0".repeat(62), "0".repeat(64)));
        reword(&mut lines, 1, &key, &format!("01{}", "0".repeat(62)));
        again(&mut lines, 1);
        lines
    };
    let mut attacks = vec![
        changed("a word is another", "changed", |lines| reword(lines, 3, "loaded", "unload")),
        changed("a word is another, and its hash is made anew", "prev", |lines| {
            reword(lines, 3, "acme.wolf", "acme.lamb");
            let mut line = [lines[3].clone()];
            again(&mut line, 0);
            [lines[3]] = line;
        }),
        changed("a word is another, and all hashes are made anew", "signature is false", |lines| {
            reword(lines, 4, "verify.bad-signature", "package.archive");
            again(lines, 4);
        }),
        changed("a line is gone", "number 5", |lines| drop(lines.remove(4))),
        changed("a line is gone, and the others are numbered and hashed anew", "signature is false", |lines| {
            lines.remove(4);
            for at in 4..lines.len() {
                reword(lines, at, &format!("\"seq\":{}", at + 1), &format!("\"seq\":{at}"));
            }
            again(lines, 3);
        }),
        changed("two lines change places", "number 4", |lines| lines.swap(3, 4)),
        changed("a line is there twice", "number 3", |lines| lines.insert(4, lines[3].clone())),
        changed("the first line is gone", "begin", |lines| drop(lines.remove(0))),
        changed("a checkpoint is of another place", "number 1", |lines| lines[5] = lines[1].clone()),
        changed("a checkpoint is told to be something else", "no record", |lines| {
            reword(lines, 5, "\"checkpoint\"", "\"unloaded\"");
            again(lines, 5);
        }),
        changed("a checkpoint has no signature", "no record", |lines| {
            let at = lines[5].find(r#","signature""#).unwrap();
            let end = lines[5].find(r#","hash""#).unwrap();
            lines[5].replace_range(at..end, "");
            again(lines, 5);
        }),
        changed("the same log of another key", "signed by another key", |lines| *lines = log(STORY, HOST + 1)),
        changed("no checkpoint is left", "no checkpoint", |lines| {
            *lines = log(STORY.into_iter().filter(|story| !story.contains("checkpoint")), HOST);
        }),
        changed("a checkpoint of a key of small order", "signature is false", |lines| *lines = weak),
        changed("the last line is cut", "not whole", |lines| lines[8] = lines[8].trim_end().to_owned()),
        changed("nothing is left", "no record", Vec::clear),
        changed("a line of zeros", "no record", |lines| lines[4] = "\0".repeat(100) + "\n"),
        changed("a line without an end", "not whole", |lines| lines[4] = "x".repeat(100 << 10)),
        changed("a field is there twice", "no record", |lines| {
            reword(lines, 4, "\"count\":1", "\"count\":1,\"count\":2");
            again(lines, 4);
        }),
        changed("a field nobody knows", "no record", |lines| {
            reword(lines, 4, "\"count\":1", "\"count\":1,\"by\":\"me\"");
            again(lines, 4);
        }),
        {
            let mut last = good();
            reword(&mut last, 7, "\"seq\":7", "\"seq\":18446744073709551615");
            again(&mut last, 7);
            let steps = ["verify audit.jsonl -> audit.broken", "log audit.jsonl -> audit.broken"];
            attack("gone on with behind the last number there is", &steps, last[..8].concat())
        },
        {
            let mut first = good();
            reword(&mut first, 0, "\"seq\":0", "\"seq\":18446744073709551615");
            reword(&mut first, 0, "opened", "continued");
            again(&mut first, 0);
            attack(
                "a part that begins with the last number there is",
                &["verify audit.jsonl -> audit.broken"],
                first.concat(),
            )
        },
        attack(
            "cut after a checkpoint, and somebody knew how far it reached",
            &["verify audit.jsonl -> ok", "verify audit.jsonl reaches 8 -> audit.broken: must reach record 8"],
            good()[..6].concat(),
        ),
        attack(
            "an older copy of it",
            &[
                "verify audit.jsonl reaches 8 -> ok",
                "copy older audit.jsonl",
                "verify audit.jsonl reaches 8 -> audit.broken: must reach record 8",
            ],
            good().concat(),
        )
        .with("older", good()[..2].concat()),
        attack(
            "a link to the log of another host",
            &["link other audit.jsonl", "verify audit.jsonl -> audit.broken: signed by another key"],
            good().concat(),
        )
        .with("other", log(STORY, HOST + 1).concat()),
        attack("an older part is gone", &["verify audit.jsonl -> audit.broken: begin"], good()[6..].concat()),
        attack("an older part that is another's", &["verify audit.jsonl -> audit.broken"], good().concat())
            .with("audit.jsonl.1", good().concat()),
        exchanged("a folder in its place", "io.failed", &["folder audit.jsonl"]),
        exchanged("a pipe in its place", "io.failed", &["pipe audit.jsonl"]),
        exchanged("a device in its place", "io.failed", &["link /dev/zero audit.jsonl"]),
        foreign("gone on with in a file that is no log", "one precious line\nand another\n"),
        foreign("gone on with in a file without a line's end", "precious"),
        attack(
            "gone on with behind a line that is none",
            &["log audit.jsonl -> audit.broken"],
            good().concat() + "and more\n",
        ),
        attack(
            "a pipe in the place of its lock",
            &["pipe audit.jsonl.lock", "log audit.jsonl -> io.failed"],
            good().concat(),
        ),
    ];
    attacks.push(
        Attack::new(
            "audit",
            "its disk is full",
            "audit.failed",
            &["full", "load p.modpkg -> audit.failed", "room", "load p.modpkg -> verified"],
        )
        .with("p.modpkg", World::new().packed()),
    );
    attacks.push(
        Attack::new(
            "audit",
            "its disk is full when a plugin is to be loaded that was opened before",
            "audit.failed",
            &["discover p.modpkg -> ok", "full", "finish -> audit.failed"],
        )
        .with("p.modpkg", World::new().packed()),
    );
    attacks
}

/// After the last number that a part of a log could have there would be no next one.
#[test]
fn a_part_of_the_last_number_keeps_no_log_from_going_on() {
    let area = crate::world::area();
    let path = area.path().join("audit.jsonl");
    std::fs::write(&path, good().concat()).unwrap();
    std::fs::write(area.path().join(format!("audit.jsonl.{}", u64::MAX)), "planted\n").unwrap();
    let mut options = modhost::audit::FileOptions::default();
    options.size = 1;
    drop(modhost::audit::FileLog::open_with(&path, options).unwrap());
    let report = modhost::audit::verify(&path, &Default::default()).unwrap();
    assert!(report.broken.is_none() && report.files.len() > 1, "{report:?}");
}

/// What is written by hand is a log to the engine.
#[test]
fn the_good_log_is_one() {
    let area = tempfile::tempdir().unwrap();
    let path = area.path().join("audit.jsonl");
    std::fs::write(&path, good().concat()).unwrap();
    let key = hex(SigningKey::from_bytes(&[HOST; 32]).verifying_key().as_bytes()).parse().unwrap();
    let report = modhost::audit::verify(&path, &modhost::audit::Expect { keys: vec![key], reaches: Some(8) }).unwrap();
    assert!(report.broken.is_none() && report.closed && report.records == 9 && report.checkpoints == 3, "{report:?}");
}
