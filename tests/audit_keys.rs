//! The key of an audit log: another one follows only when the key before names it, and forged changes show.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, path::Path, path::PathBuf, sync::Arc};

use modhost::{
    Code, ManualClock,
    audit::{self, Durability, Entry, Expect, FileLog, FileOptions, Flaw, PublicKey},
};

/// A folder for a log and its keys.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("audit.jsonl")
    }

    fn part(&self, number: u64) -> PathBuf {
        self.0.path().join(format!("audit.jsonl.{number}"))
    }

    fn options(&self) -> FileOptions {
        let mut options = FileOptions::default();
        options.key = Some(self.0.path().join("audit.key"));
        options.durability = Durability::Never;
        options.clock = Arc::new(ManualClock::default());
        options
    }

    fn entries(&self) -> Vec<Entry> {
        audit::read(self.log()).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

/// Makes a file anew. Some file systems wait for the disk where one is cut to nothing and written again.
fn put(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

/// One step with a log whose key changes: the log's key, the key that it takes the place of, and what comes of it.
type Turn = (&'static str, &'static str, Result<&'static str, Code>);

/// Plays turns on one log, and gives back where it lies.
fn turns(turns: &[Turn]) -> Place {
    let place = Place::new();
    let at = |name: &str| (!name.is_empty()).then(|| place.0.path().join(name));
    for (number, (key, from, outcome)) in turns.iter().enumerate() {
        let before = fs::read(place.log()).unwrap_or_default();
        let there = |name: &str| at(name).is_some_and(|path| path.exists());
        let key_was_there = there(key);
        let mut options = place.options();
        (options.key, options.rotate_from) = (at(key), at(from));
        let opened = FileLog::open_with(place.log(), options).map(drop).map_err(|error| error.code());
        assert_eq!(opened, outcome.map(|_| ()), "turn {number}");
        match outcome {
            Ok(events) => {
                let new = fs::read(place.log()).unwrap()[before.len()..].to_vec();
                let lines = new.split_inclusive(|byte| *byte == b'\n').count();
                let entries = place.entries();
                let found: Vec<&str> = entries[entries.len() - lines..].iter().map(|one| one.event.as_str()).collect();
                assert_eq!(found.join(" "), *events, "turn {number}");
            }
            Err(_) => {
                assert_eq!(fs::read(place.log()).unwrap_or_default(), before, "turn {number}: nothing is changed");
                assert_eq!(there(key), key_was_there, "turn {number}: no key is made");
            }
        }
    }
    place
}

/// What verifying with the keys of these names finds.
fn flaw(place: &Place, keys: &[&str]) -> Option<Flaw> {
    let keys = keys.iter().map(|name| PublicKey::read(place.0.path().join(name)).unwrap()).collect();
    audit::verify(place.log(), &Expect { keys, reaches: None }).unwrap().broken.map(|broken| broken.flaw)
}

const SAME: Result<&str, Code> = Ok("opened checkpoint closed checkpoint");
const ROTATED: Result<&str, Code> = Ok("key-rotated opened checkpoint closed checkpoint");

#[test]
fn another_key_follows_only_when_the_old_one_names_it() {
    let changed = Err(Code::AuditKeyChanged);
    turns(&[("a", "", SAME), ("a", "", SAME), ("b", "", changed), ("a", "", SAME)]);
    turns(&[("a", "", SAME), ("b", "gone", Err(Code::IoNotFound)), ("b", "a", ROTATED), ("a", "", changed)]);
    // The word may stay in a script: what is done already is not done again, and the old key need not be there any more.
    turns(&[("a", "a", SAME), ("b", "a", ROTATED), ("b", "a", SAME), ("b", "gone", SAME), ("c", "a", changed)]);
    turns(&[("a", "", SAME), ("", "a", Err(Code::AuditKey))]);
    // A log that nobody signed yet is signed from now on.
    turns(&[("", "", Ok("opened closed")), ("a", "", SAME)]);

    let place = turns(&[("a", "", SAME), ("b", "a", ROTATED), ("c", "b", ROTATED), ("c", "", SAME)]);
    let key = |name: &str| PublicKey::read(place.0.path().join(name)).unwrap();
    for keys in [&[][..], &["a"], &["c"], &["a", "c"]] {
        assert_eq!(flaw(&place, keys), None, "{keys:?}");
    }
    // A key that neither began the log nor signed its end is not enough.
    assert_eq!(flaw(&place, &["b"]), Some(Flaw::Key(Box::new(key("a")))));
    let report = audit::verify(place.log(), &Expect { keys: vec![key("a")], reaches: None }).unwrap();
    assert_eq!((report.rotated, report.keys), (vec![4, 9], vec![key("a"), key("b"), key("c")]));

    // The process died after a full file was renamed: the key is found in the older one.
    fs::rename(place.log(), place.part(1)).unwrap();
    let mut options = place.options();
    assert_eq!(FileLog::open_with(place.log(), options.clone()).unwrap_err().code(), Code::AuditKeyChanged);
    options.key = Some(place.0.path().join("c"));
    drop(FileLog::open_with(place.log(), options).unwrap());
    assert_eq!(flaw(&place, &["a"]), None);
}

/// Makes the lines from the one of this index on hash and chain again, as anybody can.
fn chained(lines: &mut [Vec<u8>], from: usize) {
    use sha2::{Digest, Sha256};
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut prev = None::<String>;
    for (number, line) in lines.iter_mut().enumerate().skip(from) {
        let text = String::from_utf8(line.clone()).unwrap();
        let mut content = text[..text.len() - 76].to_owned();
        let seq = content.find(',').unwrap();
        content = format!("{{\"seq\":{number}{}", &content[seq..]);
        if let Some(prev) = &prev {
            let at = content.find("\"prev\":\"").unwrap() + 8;
            content = format!("{}{prev}{}", &content[..at], &content[at + 64..]);
        }
        let hash = hex(&Sha256::digest(&content));
        *line = format!("{content},\"hash\":\"{hash}\"}}\n").into_bytes();
        prev = Some(hash);
    }
}

#[test]
fn a_forged_change_of_the_key_shows() {
    type Forgery = (&'static str, fn(&mut Vec<Vec<u8>>, &[Vec<u8>]), fn(&Flaw) -> bool);
    let signature: fn(&Flaw) -> bool = |flaw| matches!(flaw, Flaw::Signature);
    let forgeries: &[Forgery] = &[
        ("the record is left out", |lines, _| drop(lines.remove(4)), signature),
        (
            "another log's end is put after it",
            |lines, other| lines.splice(4.., other[5..].to_vec()).for_each(drop),
            signature,
        ),
        (
            "the record names another key",
            |lines, _| {
                let text = String::from_utf8(lines[4].clone()).unwrap();
                let at = text.find("\"detail\":\"").unwrap() + 10;
                let named = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
                lines[4] = format!("{}{named}{}", &text[..at], &text[at + 64..]).into_bytes();
            },
            signature,
        ),
        (
            "the record names no key",
            |lines, _| {
                let text = String::from_utf8(lines[4].clone()).unwrap();
                lines[4] = text.replace("\"event\":\"key-rotated\"", "\"event\":\"checkpoint\"").into_bytes();
            },
            signature,
        ),
        ("it is signed by another key", |lines, other| *lines = [&lines[..4], &other[4..]].concat(), signature),
    ];
    let place = turns(&[("a", "", SAME), ("b", "a", ROTATED)]);
    let other = turns(&[("x", "", SAME), ("y", "x", ROTATED)]);
    let lines = |place: &Place| -> Vec<Vec<u8>> {
        fs::read(place.log()).unwrap().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    let (good, foreign) = (lines(&place), lines(&other));
    for (name, forge, shows) in forgeries {
        let mut lines = good.clone();
        forge(&mut lines, &foreign);
        chained(&mut lines, 3);
        put(&place.log(), &lines.concat());
        let found = flaw(&place, &["a"]);
        assert!(found.as_ref().is_some_and(shows), "{name}: {found:?}");
        assert!(flaw(&place, &["b"]).is_some() && flaw(&place, &[]).is_some(), "{name}");
        let mut options = place.options();
        options.key = Some(place.0.path().join("b"));
        assert_eq!(FileLog::open_with(place.log(), options).unwrap_err().code(), Code::AuditBroken, "{name}");
    }
    // Who has a key of his own can chain and sign what he likes, but not the step from the log's key to his.
    let pair = ed25519_compact::KeyPair::from_seed([7; 32].into());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let public = hex(&*pair.pk);
    let own: PublicKey = public.parse().unwrap();
    for (event, detail) in [("checkpoint", String::new()), ("key-rotated", format!(r#""detail":"{public}","#))] {
        let last = String::from_utf8(good[3].clone()).unwrap();
        let prev = &last[last.len() - 67..last.len() - 3];
        let begin = last.split(",\"severity\"").next().unwrap().replace("\"seq\":3", "\"seq\":4");
        let line = format!(
            r#"{begin},"severity":"info","event":"{event}",{detail}"count":1,"prev":"{prev}","key":"{public}""#
        );
        let signature = hex(&*pair.sk.sign(format!("modhost audit checkpoint 1\0{line}"), None));
        let mut lines = good[..4].to_vec();
        let zeros = "0".repeat(64);
        lines.push(format!("{line},\"signature\":\"{signature}\",\"hash\":\"{zeros}\"}}\n").into_bytes());
        chained(&mut lines, 3);
        put(&place.log(), &lines.concat());
        for keys in [&["a"][..], &[]] {
            assert_eq!(flaw(&place, keys), Some(Flaw::Key(Box::new(own))), "{event}");
        }
        for key in ["a", "b"] {
            let mut options = place.options();
            options.key = Some(place.0.path().join(key));
            assert_eq!(FileLog::open_with(place.log(), options).unwrap_err().code(), Code::AuditBroken, "{event}");
        }
    }
}
