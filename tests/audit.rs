//! An audit log in a file: it shows every change, is repaired, goes on after a restart and over several files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    cell::OnceCell,
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use modhost::{
    Code, Engine, HostFunction, ManualClock, Stage,
    audit::{
        self, Durability, Entry, Event, Expect, FileLog, FileOptions, Filter, Flaw, MemoryLog, PublicKey, Record,
        Report, Severity, Sink,
    },
};

/// A folder for a log, and where the log and its key lie.
struct Place(tempfile::TempDir, OnceCell<PublicKey>);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap(), OnceCell::new())
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

    fn key(&self) -> PublicKey {
        *self.1.get_or_init(|| PublicKey::read(self.0.path().join("audit.key")).unwrap())
    }

    /// Verified with its key.
    fn report(&self) -> Report {
        audit::verify(self.log(), &Expect { keys: vec![self.key()], reaches: None }).unwrap()
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

/// An engine that offers `world.spawn`, which needs a capability, and writes to `sink`.
fn engine(sink: Arc<dyn Sink>) -> Engine {
    let builder = Engine::builder().audit(sink).clock(Arc::new(ManualClock::default()));
    builder.host(HostFunction::new("world.spawn", || 1_i64).needs("world.spawn")).build().unwrap()
}

/// A small log of a real engine: 11 lines, of which the 2nd, the 7th and the last are checkpoints.
fn small(place: &Place) -> Vec<u8> {
    let mut options = place.options();
    options.every = 4;
    let engine = engine(Arc::new(FileLog::open_with(place.log(), options).unwrap()));
    let wolf = engine.load_source("wolf.lua", "function on_disable() error('stay!') end").unwrap();
    engine.enable_plugin(&mut (), wolf).unwrap();
    engine.unload(wolf).unwrap();
    drop(engine);
    fs::read(place.log()).unwrap()
}

/// What a log became in the hands of somebody, and where that shows.
type Attack = (&'static str, fn(&mut Vec<Vec<u8>>), Option<(u64, Flaw)>);

#[test]
fn a_log_shows_what_was_done_to_it() {
    let place = Place::new();
    let bytes = small(&place);
    let good = place.report();
    assert_eq!((good.broken.clone(), good.closed, good.signed == good.last, good.first), (None, true, true, Some(0)));
    let events: Vec<String> = place.entries().into_iter().map(|entry| entry.event).collect();
    let story = "opened checkpoint admitted loaded enabled disabled checkpoint failed unloaded closed checkpoint";
    assert_eq!(events.join(" "), story);

    // A chain can be made anew by anybody; what a checkpoint is over cannot.
    fn forge(lines: &mut [Vec<u8>], from: usize, change: impl Fn(&str) -> String) {
        use sha2::{Digest, Sha256};
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut prev = None::<String>;
        for line in lines.iter_mut().skip(from) {
            let text = String::from_utf8(line.clone()).unwrap();
            let content = text[..text.len() - 76].to_owned();
            let content = if let Some(prev) = &prev {
                let at = content.find("\"prev\":\"").unwrap() + 8;
                format!("{}{prev}{}", &content[..at], &content[at + 64..])
            } else {
                change(&content)
            };
            let hash = hex(&Sha256::digest(&content));
            *line = format!("{content},\"hash\":\"{hash}\"}}\n").into_bytes();
            prev = Some(hash);
        }
    }
    let attacks: &[Attack] = &[
        ("nothing", |_| {}, None),
        ("a line is removed", |lines| drop(lines.remove(4)), Some((5, Flaw::Number(5)))),
        ("the first is removed", |lines| drop(lines.remove(0)), Some((1, Flaw::Beginning))),
        ("the first two are removed", |lines| drop(lines.drain(..2)), Some((1, Flaw::Beginning))),
        ("two lines change places", |lines| lines.swap(3, 4), Some((4, Flaw::Number(4)))),
        ("a line is there twice", |lines| lines.insert(4, lines[3].clone()), Some((5, Flaw::Number(3)))),
        ("a checkpoint is removed", |lines| drop(lines.remove(6)), Some((7, Flaw::Number(7)))),
        ("an empty line", |lines| lines.insert(4, b"\n".to_vec()), Some((5, Flaw::Form))),
        (
            "a word is changed",
            |lines| {
                let text = String::from_utf8(lines[2].clone()).unwrap().replace("untrusted", "undoubted");
                lines[2] = text.into_bytes();
            },
            Some((3, Flaw::Changed)),
        ),
        (
            "a line is another's, from the same place",
            |lines| {
                let text = String::from_utf8(lines[4].clone()).unwrap();
                lines[4] = text.replace("\"seq\":4", "\"seq\":3").into_bytes();
            },
            Some((5, Flaw::Changed)),
        ),
        (
            "a word is changed and its hash made anew",
            |lines| forge(&mut lines[..4], 3, |text| text.replace("wolf", "lamb")),
            Some((5, Flaw::Chain)),
        ),
        (
            "a word is changed and all hashes made anew",
            |lines| forge(lines, 3, |text| text.replace("wolf", "lamb")),
            Some((7, Flaw::Signature)),
        ),
        (
            "a checkpoint is told to be something else",
            |lines| forge(lines, 6, |text| text.replace("\"event\":\"checkpoint\"", "\"event\":\"enabled\"")),
            Some((7, Flaw::Form)),
        ),
        (
            "a signature is left out",
            |lines| {
                forge(lines, 6, |text| {
                    let text = text.replace("\"event\":\"checkpoint\"", "\"event\":\"enabled\"");
                    text[..text.find(",\"key\"").unwrap()].to_owned()
                });
            },
            Some((11, Flaw::Signature)),
        ),
        (
            "a file begins in the midst of nothing",
            |lines| forge(lines, 0, |text| text.replace("\"event\":\"opened\"", "\"event\":\"continued\"")),
            Some((2, Flaw::Signature)),
        ),
        ("all checkpoints are cut off", |lines| lines.truncate(1), Some((1, Flaw::Unsigned))),
        ("all is cut off", Vec::clear, Some((0, Flaw::Empty))),
        ("the end is cut off in the midst of a line", |lines| lines[10].truncate(99), Some((11, Flaw::Torn))),
        // Known from elsewhere only: the log is what it was once.
        ("the end is cut off", |lines| lines.truncate(8), None),
    ];
    for (name, attack, shows) in attacks {
        let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        attack(&mut lines);
        fs::write(place.log(), lines.concat()).unwrap();
        let report = place.report();
        let found = report.broken.as_ref().map(|broken| (broken.line, broken.flaw.clone()));
        assert_eq!(found, *shows, "{name}");
        // The record that must stand there, by its number.
        let number = report.broken.as_ref().and_then(|broken| broken.sequence);
        let there = shows.as_ref().filter(|(line, flaw)| *line > 1 && !matches!(flaw, Flaw::Unsigned));
        assert_eq!(number.filter(|_| there.is_some()), there.map(|(line, _)| line - 1), "{name}");
        let error = report.broken.map(|broken| broken.error());
        assert!(error.is_none_or(|error| error.code() == Code::AuditBroken && error.at().is_some()), "{name}");
    }
    // Who noted how far it reached sees that the end is missing; and whose key it was.
    let expect = |keys: Vec<PublicKey>, reaches| {
        let report = audit::verify(place.log(), &Expect { keys, reaches }).unwrap();
        report.broken.map(|broken| broken.flaw)
    };
    let other = Place::new();
    small(&other);
    assert_eq!(expect(vec![place.key()], Some(6)), None);
    assert_eq!(expect(vec![place.key()], Some(7)), Some(Flaw::Short(7)), "record 7 is there, and nobody signed it");
    assert_eq!((expect(vec![], Some(7)), expect(vec![], Some(8))), (None, Some(Flaw::Short(8))));
    assert_eq!(expect(vec![other.key()], None), Some(Flaw::Key(Box::new(place.key()))));
    assert_eq!(expect(vec![other.key(), place.key()], None), None);
}

#[test]
fn every_byte_that_is_flipped_shows_in_its_line() {
    let place = Place::new();
    let mut bytes = small(&place);
    let mut line = 1;
    for at in 0..bytes.len() {
        let (old, bit) = (bytes[at], 1 << (at % 8));
        bytes[at] ^= bit;
        put(&place.log(), &bytes);
        let broken = place.report().broken.unwrap_or_else(|| panic!("byte {at} was flipped, and nobody saw it"));
        assert_eq!(broken.line, line, "byte {at}: {broken:?}");
        bytes[at] = old;
        line += u64::from(old == b'\n');
    }
}

#[test]
fn what_is_cut_off_shows_and_is_repaired_when_the_log_is_opened() {
    let place = Place::new();
    let bytes = small(&place);
    let reaches = Expect { keys: vec![place.key()], reaches: place.report().last };
    // Opened, a checkpoint, admitted, loaded: what comes after is no different.
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').take(4).collect();
    let (bytes, opened) = (lines.concat(), lines[0].len());
    for whole in 0..bytes.len() {
        put(&place.log(), &bytes[..whole]);
        let ends = whole > 0 && bytes[whole - 1] == b'\n';
        let torn = place.report().broken.map(|broken| broken.flaw);
        match torn {
            None => assert!(ends, "{whole}"),
            Some(Flaw::Torn) => assert!(!ends && whole > 0, "{whole}"),
            Some(Flaw::Unsigned) => assert!(whole == opened, "{whole}"),
            other => assert_eq!((other, whole), (Some(Flaw::Empty), 0)),
        }
        assert!(audit::verify(place.log(), &reaches).unwrap().broken.is_some(), "{whole}");

        let lines = bytes[..whole].iter().filter(|byte| **byte == b'\n').count();
        drop(FileLog::open_with(place.log(), place.options()).unwrap());
        assert_eq!(place.report().broken, None, "{whole}");
        let entries = place.entries();
        let repaired = entries.iter().filter(|entry| entry.event == "repaired").count();
        assert_eq!(repaired, usize::from(!ends && whole > 0), "{whole}");
        assert_eq!(entries.len(), lines + repaired + 4, "{whole}: opened, checkpoint, closed, checkpoint");
    }
}

#[test]
fn a_log_goes_on_after_a_restart_and_over_its_files() {
    let place = Place::new();
    let mut options = place.options();
    (options.size, options.keep, options.every) = (4000, 3, 5);
    let mut loads = 0;
    for start in 0..4 {
        let engine = engine(Arc::new(FileLog::open_with(place.log(), options.clone()).unwrap()));
        for _ in 0..10 {
            engine.load_source("wolf.lua", "").unwrap();
            engine.unload("wolf").unwrap();
            loads += 1;
        }
        drop(engine);
        let report = place.report();
        assert_eq!((report.broken, report.closed), (None, true), "start {start}");
        assert!(report.files.len() <= 4 && report.files.last() == Some(&place.log()), "{:?}", report.files);
        assert_eq!(report.last.unwrap() - report.first.unwrap() + 1, report.records);
        assert_eq!(report.files.len() == 1, start == 0 && report.files.len() == 1);
    }
    assert_eq!(loads, 40);
    let report = place.report();
    assert!(report.first > Some(0), "the oldest were removed");
    assert!(place.entries().iter().filter(|entry| entry.event == "continued").count() >= 3);

    // A part between others that is missing, exchanged or does not end as it must.
    let parts: Vec<PathBuf> = report.files[..3].to_vec();
    let texts: Vec<Vec<u8>> = parts.iter().map(|part| fs::read(part).unwrap()).collect();
    let flaw = || place.report().broken.map(|broken| (broken.file.clone(), broken.flaw));
    fs::remove_file(&parts[1]).unwrap();
    assert!(matches!(flaw(), Some((file, Flaw::Number(_))) if file == parts[2]));
    fs::write(&parts[1], &texts[2]).unwrap();
    fs::write(&parts[2], &texts[1]).unwrap();
    assert!(matches!(flaw(), Some((file, Flaw::Number(_))) if file == parts[1]));
    fs::write(&parts[1], &texts[1]).unwrap();
    fs::write(&parts[2], &texts[2]).unwrap();
    assert_eq!(flaw(), None);
    let shorter = texts[1].len() - texts[1].split_inclusive(|byte| *byte == b'\n').next_back().unwrap().len();
    fs::write(&parts[1], &texts[1][..shorter]).unwrap();
    assert_eq!(flaw(), Some((parts[1].clone(), Flaw::Unsigned)), "a full file ends with a checkpoint");
    fs::write(&parts[1], &texts[1]).unwrap();

    // Two parts that were put together, and one that was taken apart.
    let both = [&texts[1][..], &texts[2][..]].concat();
    fs::write(&parts[2], &both).unwrap();
    fs::remove_file(&parts[1]).unwrap();
    fs::remove_file(&parts[0]).unwrap();
    assert_eq!(flaw(), Some((parts[2].clone(), Flaw::Continuation)));
    let (one, other) = both.split_at(both.split_inclusive(|byte| *byte == b'\n').take(3).map(<[u8]>::len).sum());
    fs::write(&parts[1], one).unwrap();
    fs::write(&parts[2], other).unwrap();
    let unsigned = audit::verify(place.log(), &Expect::default()).unwrap().broken.unwrap();
    assert_eq!((unsigned.file, unsigned.line, unsigned.flaw), (parts[2].clone(), 1, Flaw::Continuation));
    for (part, text) in parts.iter().zip(&texts) {
        fs::write(part, text).unwrap();
    }

    // The process died after a full file was renamed: the log goes on from it.
    let number: u64 = parts[2].extension().unwrap().to_str().unwrap().parse().unwrap();
    fs::rename(place.log(), place.part(number + 1)).unwrap();
    drop(FileLog::open_with(place.log(), options.clone()).unwrap());
    assert_eq!(flaw(), None);
    let newest: Vec<String> = place.entries().into_iter().rev().take(5).map(|entry| entry.event).collect();
    assert_eq!(newest, ["checkpoint", "closed", "checkpoint", "opened", "continued"]);
}

#[test]
fn who_may_write_a_log_and_which_cannot_be_gone_on_with() {
    let place = Place::new();
    let log = FileLog::open_with(place.log(), place.options()).unwrap();
    let refused = |path: PathBuf| FileLog::open_with(path, place.options()).map(drop).unwrap_err();
    assert_eq!(refused(place.log()).code(), Code::AuditLocked);
    let mut record = some(Event::Denied);
    log.record(&record).unwrap();
    // What no engine makes would be a line that nobody reads.
    (record.event, record.detail) = (Event::Refused, "x".repeat(70_000));
    assert_eq!(log.record(&record).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    drop(log);
    drop(FileLog::open_with(place.log(), place.options()).unwrap());
    assert_eq!(place.report().broken, None);

    let bytes = fs::read(place.log()).unwrap();
    for damaged in
        [[&bytes[..], b"not a record\n"].concat(), bytes.iter().map(|byte| byte ^ u8::from(*byte == b':')).collect()]
    {
        fs::write(place.log(), &damaged).unwrap();
        let error = refused(place.log());
        assert_eq!((error.code(), error.stage(), error.at().is_some()), (Code::AuditBroken, Stage::Engine, true));
        assert_eq!(fs::read(place.log()).unwrap(), damaged, "nothing was changed");
    }
    assert_eq!(refused(place.0.path().join("gone/audit.jsonl")).code(), Code::IoNotFound);
    assert_eq!(refused(place.0.path().to_owned()).code(), Code::IoFailed);
    assert_eq!(audit::verify(place.0.path().join("gone"), &Expect::default()).unwrap_err().code(), Code::IoNotFound);
    assert!(audit::read(place.0.path().join("gone")).is_err_and(|error| error.code() == Code::IoNotFound));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let key = place.0.path().join("audit.key");
        assert_eq!((mode(&key), mode(&place.log())), (0o600, 0o600));
        fs::write(place.log(), bytes).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(refused(place.log()).code(), Code::AuditKey, "others may read it");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&key, "no key").unwrap();
        assert_eq!(refused(place.log()).code(), Code::AuditKey);
    }
}

/// A record as an engine gives it.
fn some(event: Event) -> Record {
    let records = Arc::new(MemoryLog::default());
    let engine = engine(records.clone());
    let script = "function run() world.spawn() end";
    let wolf = engine.load_source("wolf.lua", script).unwrap();
    engine.enable_plugin(&mut (), wolf).unwrap();
    let _ = engine.call::<_, ()>(&mut (), wolf, "run", ());
    records.records().into_iter().find(|record| record.event == event).unwrap()
}

#[test]
fn threads_write_one_log() {
    let place = Place::new();
    let mut options = place.options();
    (options.size, options.keep, options.every) = (20_000, 1000, 7);
    let log = Arc::new(FileLog::open_with(place.log(), options).unwrap());
    let engines = [engine(log.clone()), engine(log)];
    thread::scope(|scope| {
        for thread in 0..4 {
            let engine = &engines[thread % 2];
            scope.spawn(move || {
                for _ in 0..30 {
                    let name = format!("wolf{thread}.lua");
                    let wolf = engine.load_source(&name, "function run() world.spawn() end").unwrap();
                    engine.call::<_, ()>(&mut (), wolf, "run", ()).unwrap_err();
                    engine.unload(wolf).unwrap();
                }
            });
        }
    });
    drop(engines);
    assert_eq!(place.report().broken, None);
    let entries = place.entries();
    let count = |event: &str| entries.iter().filter(|entry| entry.event == event).map(|entry| entry.count).sum::<u64>();
    assert_eq!(["admitted", "loaded", "denied", "unloaded"].map(count), [120; 4]);
}

#[test]
fn what_is_repeated_is_counted_in_a_file_too() {
    let place = Place::new();
    let log = Arc::new(FileLog::open_with(place.log(), place.options()).unwrap());
    let engine = engine(log.clone());
    let wolf = engine.load_source("wolf.lua", "function run() return (pcall(world.spawn)) end").unwrap();
    let mut failures = 0;
    for _ in 0..1000 {
        failures += u64::from(!engine.call::<_, bool>(&mut (), wolf, "run", ()).unwrap());
    }
    let denied = || {
        let entries = place.entries().into_iter().filter(|entry| entry.event == "denied");
        entries.map(|entry| entry.count).collect::<Vec<_>>()
    };
    assert_eq!(denied(), [1, 1, 2, 4, 8, 16, 32, 64, 128, 256]);
    log.checkpoint().unwrap();
    assert_eq!((denied().iter().sum::<u64>(), denied().len()), (failures, 11));
    assert_eq!(place.report().signed, place.report().last);
    // Here it is the first of a new count that waits for the end.
    engine.call::<_, bool>(&mut (), wolf, "run", ()).unwrap();
    assert_eq!(denied().len(), 11);
    drop((engine, log));
    assert_eq!((denied().iter().sum::<u64>(), failures), (1001, 1000));
    assert_eq!(place.report().broken, None);
}

#[test]
fn no_character_of_a_guest_reaches_the_file_as_it_is() {
    let place = Place::new();
    let engine = engine(Arc::new(FileLog::open_with(place.log(), place.options()).unwrap()));
    let hostile: String = (0..0x3000_u32)
        .chain(0xfe00..0x1_0000)
        .chain(0xe_0000..0xe_0080)
        .filter_map(char::from_u32)
        .chain("\"},\n{\"seq\":0}\\\u{1b}[2J\r".chars())
        .collect();
    for part in hostile.chars().collect::<Vec<_>>().chunks(90) {
        let part: String = part.iter().collect();
        engine.load_source(&format!("{part}.lua"), "").err();
        let script = format!("error([==[\n{part}]==])");
        engine.load_source("wolf.lua", script).unwrap_err();
    }
    drop(engine);
    assert_eq!(place.report().broken, None);
    let text = String::from_utf8(fs::read(place.log()).unwrap()).unwrap();
    let bad: BTreeSet<char> =
        text.chars().filter(|c| *c != '\n' && audit::escape(&c.to_string(), 1) != c.to_string()).collect();
    assert!(bad.is_empty() && !text.contains('\t'), "{bad:?}");
    // What is escaped once in a record is not changed again by the file.
    let entry = place.entries().into_iter().find(|entry| entry.detail.contains("\\u{1b}[2J")).unwrap();
    assert_eq!((entry.event.as_str(), entry.plugin.as_str()), ("refused", "wolf"));
    // Whatever a guest says is one record of at most this length.
    assert!(text.lines().all(|line| line.len() < 10_000));
    assert!(hostile.contains("},\n{"));
}

#[test]
fn filters_keep_what_fits() {
    let place = Place::new();
    let clock = Arc::new(ManualClock::default());
    let mut options = place.options();
    options.clock = clock.clone();
    let log = Arc::new(FileLog::open_with(place.log(), options).unwrap());
    let engine = Engine::builder().audit(log).clock(clock.clone()).build().unwrap();
    let wolf = engine.load_source("wolf.lua", "").unwrap();
    clock.advance(Duration::from_secs(60));
    engine.load_source("fox.lua", "(").unwrap_err();
    clock.advance(Duration::from_secs(60));
    engine.unload(wolf).unwrap();
    // A clock that was set back is told, and believed by nobody.
    clock.set_wall(audit::parse_time("2025-12-31").unwrap());
    engine.load_source("hen.lua", "").unwrap();
    drop(engine);
    let time = |text: &str| audit::parse_time(text).unwrap();
    let all = Filter::default();
    let rows: &[(Filter, &str)] = &[
        (Filter { plugin: Some("wolf".into()), ..all.clone() }, "admitted loaded unloaded"),
        (Filter { plugin: Some("wol".into()), ..all.clone() }, ""),
        (Filter { event: Some("loaded".into()), ..all.clone() }, "loaded loaded"),
        (Filter { code: Some("script".into()), ..all.clone() }, "refused"),
        (Filter { code: Some("script.compile".into()), ..all.clone() }, "refused"),
        (Filter { code: Some("scrip".into()), ..all.clone() }, ""),
        (Filter { severity: Some(Severity::Warning), ..all.clone() }, "refused"),
        (Filter { since: Some(time("2026-01-01T00:02:00Z")), ..all.clone() }, "unloaded"),
        (
            Filter {
                since: Some(time("2026-01-01T00:00:30Z")),
                until: Some(time("2026-01-01T00:02:00Z")),
                ..all.clone()
            },
            "admitted refused",
        ),
    ];
    for (filter, events) in rows {
        let found: Vec<String> =
            place.entries().into_iter().filter(|entry| filter.keeps(entry)).map(|entry| entry.event).collect();
        assert_eq!(found.join(" "), *events, "{filter:?}");
    }
    let back = place.report().went_back.unwrap();
    assert_eq!(
        place.entries().iter().find(|entry| entry.sequence == back).map(|entry| entry.plugin.as_str()),
        Some("hen")
    );
}
