//! The host's own check: what it sees, when it is asked, what its refusal does, and that nothing of the engine is held meanwhile.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{
    panic::panic_any,
    path::PathBuf,
    sync::{
        Arc, Barrier, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
};

use modhost::{
    Builder, Code, Engine, Error, GroupLimits, HostFunction, Mods, Policy, Review, Stage, State, TrustLevel,
    audit::{Event, MemoryLog, Severity},
    package::{Algorithm, Caps, Package},
    resolve::Mode,
    verify::{Envelope, Revocation, Revoked, SecretKey, SignOptions, TrustStore, TrustedKey, sign_index},
};
use support::{folder, manifest};

/// What a host says.
type Word = fn(&Review<'_>) -> Result<(), String>;

/// What is noted while a test goes on.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A host function that notes whatever plugins say.
fn noting(notes: &Notes) -> Builder {
    let notes = notes.clone();
    Engine::builder().function("game.note", move |text: String| notes.add(text))
}

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn store() -> TrustStore {
    let mut store = TrustStore::default();
    store.add_key(TrustedKey::new(key().public(), "Acme", ["acme.*".parse().unwrap()])).unwrap();
    store
}

/// A package that Acme signed.
fn signed(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let (area, caps) = (folder(files), Caps::default());
    let package = Package::open(area.path(), &caps).unwrap();
    let signature = sign_index(package.index().as_bytes(), &key(), SignOptions::new("Acme")).unwrap();
    let envelope = Envelope::of(signature).to_string();
    let packed = package.pack(Algorithm::Sha256, Some(envelope.as_bytes()), &caps).unwrap();
    let file = area.path().join(packed.file_name());
    std::fs::write(&file, &packed.bytes).unwrap();
    (area, file)
}

/// What became of it: `+id`, and `-id code`.
fn told(mods: &Mods) -> String {
    let loaded = mods.loaded.iter().map(|one| format!("+{}", one.name));
    let refused = mods.refused.iter().map(|out| format!("-{} {}", out.name, out.error.code()));
    loaded.chain(refused).collect::<Vec<_>>().join(", ")
}

/// Loads, and examines, a plugin under these checks: the refusal's message, `None` where it is loaded.
#[track_caller]
fn check(checks: &[Word], expected: Option<&str>) {
    let (notes, log) = (Notes::default(), Arc::new(MemoryLog::default()));
    let area = folder(&[
        ("p/plugin.toml", &manifest("p", "[requires]\ngame = \"1\"")),
        ("p/main.lua", "game.note('it ran')"),
        ("q/plugin.toml", &manifest("q", "")),
        // Whether it compiles is seen after the check.
        ("q/main.lua", "no Lua"),
    ]);
    let path = area.path().join("p");
    let mut builder = noting(&notes).audit(log.clone());
    for word in checks {
        builder = builder.check(*word);
    }
    let engine = builder.build().unwrap();

    let problems = engine.examine(&path).unwrap().problems;
    assert!(log.records().is_empty() && notes.take().is_empty(), "examining leaves no trace");
    let result = engine.load_path(&path);
    let broken = engine.load_path(area.path().join("q")).unwrap_err();
    let Some(expected) = expected else {
        assert!(result.is_ok() && problems.is_empty(), "{problems:?}");
        assert_eq!((notes.take(), broken.code()), (vec!["it ran".to_owned()], Code::ScriptCompile));
        return;
    };
    let message = format!("the host's own check refuses it: {expected}");
    let error = result.unwrap_err();
    for error in [&error, &problems[0]] {
        assert_eq!((error.code(), error.message()), (Code::VerifyRefused, message.as_str()));
        assert_eq!((error.stage(), error.plugin()), (Stage::Admit, Some("p")));
        assert!(error.is_refusal() && error.is_security() && error.code().exit_status() == 4);
    }
    assert_eq!((problems.len(), broken.code()), (1, Code::VerifyRefused));
    assert!(engine.plugins().is_empty() && notes.take().is_empty(), "nothing of it was compiled, or ran");
    let records = log.records();
    let record = &records[0];
    assert_eq!((record.event, record.severity), (Event::Refused, Severity::Alert), "{records:?}");
    assert_eq!((record.code, record.plugin.as_str()), (Some(Code::VerifyRefused), "p"));
    assert!(!records.iter().any(|record| record.event == Event::Admitted), "{records:?}");
    assert_eq!(engine.history("p").last().unwrap().to, State::Failed);
}

#[test]
fn the_first_refusal_counts() {
    let good: Word = |_| Ok(());
    check(&[good], None);
    check(&[good, good], None);
    check(&[|_| Err("not on the list".into())], Some("not on the list"));
    check(&[good, |_| Err("not on the list".into()), |_| panic!("asked in vain")], Some("not on the list"));
    check(&[|_| Err(String::new())], Some("it gives no reason"));
    check(&[|_| Err("\u{1b}[31mred\n".into())], Some("\\u{1b}[31mred\\n"));
    check(&[|_| Err("y".repeat(100_000))], Some(&format!("{}...", "y".repeat(200))));
    check(&[|_| panic!("no disk")], Some("it panicked: no disk"));
    check(&[|_| panic!("no {}", "disk")], Some("it panicked: no disk"));
    check(&[|_| panic_any(7)], Some("it panicked: without a message"));
    check(&[good, |_| panic!("{}", "\u{1b}".repeat(300))], Some(&format!("it panicked: {}...", "\\u{1b}".repeat(200))));
}

#[test]
fn it_sees_what_was_found() {
    let seen = Notes::default();
    let told = seen.clone();
    let rest = "[requires]\nworld = \"1\"\n[capabilities]\nrequired = [\"world.spawn\"]\noptional = [\"world.burn\"]\n[limits]\nfuel = 5000";
    let (_area, file) = signed(&[("plugin.toml", &manifest("acme.wolf", rest)), ("main.lua", ""), ("a.txt", "text")]);
    let digest = Package::open(&file, &Caps::default()).unwrap().digest();
    let engine = Engine::builder()
        .host(HostFunction::new("world.spawn", || ()).needs("world.spawn"))
        .host(HostFunction::new("world.burn", || ()).needs("world.burn"))
        .host(HostFunction::new("game.over", || ()).needs("game.over"))
        .grant("world.spawn")
        .grant("game.over")
        .trust_store(store())
        .check(move |one: &Review<'_>| {
            let Review {
                id, version, verdict, trust, vouched, backend, limits, capabilities, artefact, package, ..
            } = one;
            assert_eq!(verdict.digest, digest);
            let keys: Vec<_> = verdict.signers.iter().map(|signer| signer.label.as_deref()).collect();
            let entry = artefact.map(|artefact| artefact.entry.as_str());
            let files: Option<Vec<_>> = package.map(|package| package.files().iter().map(|file| file.0).collect());
            let fuel = limits.fuel;
            told.add(format!("{id} {version} {trust} {vouched} {backend} {fuel} {capabilities:?}"));
            told.add(format!("{} {keys:?} {entry:?} {files:?} {}", verdict.level, verdict.warnings.len()));
            Ok(())
        })
        .build()
        .unwrap();
    let vouched = format!("signed by Acme ({})", key().public().id().short());
    let [first, second] = [
        format!("acme.wolf 1.2.0 verified {vouched} lua 5000 [\"world.spawn\"]"),
        "verified [Some(\"Acme\")] Some(\"main.lua\") Some([\"a.txt\", \"main.lua\", \"plugin.toml\"]) 0".to_owned(),
    ];
    assert!(engine.examine(&file).unwrap().problems.is_empty());
    assert_eq!(seen.take(), [first.clone(), second.clone()]);
    let wolf = engine.load_path(&file).unwrap();
    assert_eq!(seen.take(), [first.clone(), second]);
    // What runs has no files any more, and the capabilities that it has by now.
    engine.set_granted(wolf, "world.burn", true).unwrap();
    assert!(engine.set_trust_store(store()).unwrap().quarantined.is_empty());
    let again = "verified [Some(\"Acme\")] None None 0";
    assert_eq!(seen.take(), [first.replace("[\"world", "[\"world.burn\", \"world"), again.to_owned()]);
}

type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn it_is_asked_about_what_would_be_loaded_and_nothing_else() {
    let needy = manifest("a", "[dependencies]\nb = \"*\"");
    let b = manifest("b", "");
    let pair = [("a/plugin.toml", &*needy), ("a/main.lua", ""), ("b/plugin.toml", &*b), ("b/main.lua", "")];
    let rows: [Row<'_>; 6] = [
        // The policy, files, whom the check hears of, and what comes of it where it refuses `b`.
        ("mods", &pair[2..], "b", "-b verify.refused"),
        ("mods", &pair, "b", "-a resolve.missing, -b verify.refused"),
        ("mods", &pair[..2], "", "-a resolve.missing"),
        ("mods", &[pair[0], pair[1], ("b.so", "no library")], "", "-a resolve.missing, -b denied.backend"),
        ("standard", &pair[2..], "", "-b denied.trust"),
        ("mods", &[pair[2], pair[3], ("c.lua", "")], "b c", "+c, -b verify.refused"),
    ];
    for (policy, files, heard, expected) in rows {
        for threads in [1, 4] {
            let asked = Notes::default();
            let told_of = asked.clone();
            let area = folder(files);
            let engine = Engine::builder()
                .policy(Policy::preset(policy).unwrap())
                .check(move |one| {
                    told_of.add(one.id.to_string());
                    if one.id.as_str() == "b" { Err("voted out".into()) } else { Ok(()) }
                })
                .build()
                .unwrap();
            let mut problems = Vec::new();
            for one in engine.examine_dir(area.path()).unwrap() {
                let one = one.unwrap();
                problems.extend(one.problems.first().map(|error| format!("-{} {}", one.package.id(), error.code())));
            }
            assert_eq!(asked.take().join(" "), heard, "{expected}: examined");
            let mods = engine.loading().dir(area.path()).threads(threads).load().unwrap();
            assert_eq!((asked.take().join(" ").as_str(), told(&mods).as_str()), (heard, expected));
            let refused: Vec<_> = expected.split(", ").filter(|word| word.starts_with('-')).collect();
            assert_eq!(problems, refused, "what is examined is judged alike");
        }
    }
}

/// Every way to load leads past it.
#[test]
fn no_way_leads_around_it() {
    let area = folder(&[("a.lua", ""), ("b.lua", "")]);
    let (dir, b) = (area.path(), area.path().join("b.lua"));
    let mut whole = Policy::mods();
    whole.resolve.mode = Mode::AllOrNothing;
    for policy in [Policy::mods(), Policy::development(), whole] {
        let all = policy.resolve.mode == Mode::AllOrNothing;
        let engine = Engine::builder()
            .policy(policy)
            .mods_dir(dir)
            .group("g", GroupLimits::default())
            .check(|one| if one.id.as_str() == "b" { Err("no".into()) } else { Ok(()) })
            .build()
            .unwrap();
        let found = [
            engine.load("b").err(),
            engine.load_path(&b).err(),
            engine.load_path_in("g", &b).err(),
            engine.load_source("b.lua", "").err(),
            engine.load_source_in("g", "b.lua", "").err(),
            engine.loading().dir(dir).only(["b"]).load().unwrap().refused.pop().map(|out| out.error),
            engine.load_dir(&b).unwrap().refused.pop().map(|out| out.error),
        ];
        let codes: Vec<_> = found.iter().map(|error| error.as_ref().map(Error::code)).collect();
        assert_eq!(codes, [Some(Code::VerifyRefused); 7]);
        let mods = engine.loading().load().unwrap();
        assert_eq!(
            mods.refused.iter().filter(|out| out.error.code() == Code::VerifyRefused).count(),
            1 + usize::from(all)
        );
        assert_eq!(engine.plugins().len(), usize::from(!all), "{mods}");
    }
}

/// An engine whose check may call it.
fn calling(check: impl Fn(&Engine, &Review<'_>) -> Result<(), String> + Send + Sync + 'static) -> Engine {
    let itself = Arc::new(OnceLock::<Engine>::new());
    let own = itself.clone();
    let engine = Engine::builder().check(move |one| check(own.get().unwrap(), one)).build().unwrap();
    itself.set(engine.clone()).unwrap();
    engine
}

#[test]
fn it_may_call_the_engine() {
    let area = folder(&[("a.lua", ""), ("b.lua", ""), ("c.lua", "")]);
    for threads in [1, 2, 8] {
        let engine = calling(|engine, one| {
            let name = one.id.as_str();
            // Another store judges those that run.
            if name.starts_with("helper") || one.package.is_none() {
                return Ok(());
            }
            assert!(engine.find(name).is_none() && !engine.plugins().iter().any(|other| other.name == name));
            let helper = format!("helper-{name}");
            let source = "function half(n) return n / 2 end";
            let loaded = engine.load_source(&format!("{helper}.lua"), source).map_err(|error| error.to_string())?;
            let half: f64 = engine.call(&mut (), loaded, "half", (3.0,)).map_err(|error| error.to_string())?;
            assert!(engine.examine_dir("no-such").is_err() && engine.totals().plugins > 0);
            engine.set_trust_store(TrustStore::default()).map_err(|error| error.to_string())?;
            if name == "b" { Err(format!("half is {half}")) } else { Ok(()) }
        });
        let mods = engine.loading().dir(area.path()).threads(threads).load().unwrap();
        assert_eq!(told(&mods), "+a, +c, -b verify.refused", "{threads}: {mods}");
        assert!(mods.refused[0].error.message().ends_with(": half is 1.5"), "{mods}");
        let mut names: Vec<_> = engine.plugins().into_iter().map(|one| one.name).collect();
        names.sort();
        assert_eq!(names, ["a", "c", "helper-a", "helper-b", "helper-c"]);
    }
    // A load of the very plugin: the inner one comes first.
    let inner = Arc::new(AtomicBool::new(false));
    let first = inner.clone();
    let engine = calling(move |engine, one| {
        if !first.swap(true, SeqCst) {
            assert!(engine.load_source("p.lua", "").is_ok() && engine.find(one.id.as_str()).is_some());
        }
        Ok(())
    });
    assert_eq!(engine.load_source("p.lua", "").unwrap_err().code(), Code::PackageDuplicate);
    assert_eq!(engine.plugins().len(), 1);
}

#[test]
fn nothing_waits_for_it() {
    let (begun, waits) = mpsc::channel();
    let (go, told) = mpsc::channel::<()>();
    let both = Mutex::new((begun, told));
    let engine = calling(move |_, one| {
        if one.id.as_str() == "slow" && one.package.is_some() {
            let both = both.lock().unwrap();
            both.0.send(()).unwrap();
            both.1.recv().unwrap();
        }
        Ok(())
    });
    let quick = engine.load_source("quick.lua", "function run() return 7 end").unwrap();
    let loading = {
        let engine = engine.clone();
        thread::spawn(move || engine.load_source("slow.lua", "").map(drop).map_err(|error: Error| error.code()))
    };
    waits.recv().unwrap();
    assert_eq!(engine.call::<_, i64>(&mut (), quick, "run", ()).unwrap(), 7);
    engine.enable_plugin(&mut (), quick).unwrap();
    engine.load_source("other.lua", "").unwrap();
    engine.unload("other").unwrap();
    assert_eq!(engine.plugins().len(), 1);
    engine.set_trust_store(TrustStore::default()).unwrap();
    go.send(()).unwrap();
    assert_eq!(loading.join().unwrap(), Ok(()));
    assert!(engine.find("slow").is_some());
}

#[test]
fn two_threads_are_in_it_at_once() {
    let (meeting, inside) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
    let (barrier, count) = (meeting.clone(), inside.clone());
    // The barrier opens when both are there: with a lock around the check neither came on.
    let engine = calling(move |engine, one| {
        count.fetch_add(1, SeqCst);
        barrier.wait();
        assert!(engine.find(one.id.as_str()).is_none());
        if one.id.as_str() == "b" { Err("no".into()) } else { Ok(()) }
    });
    let load = |name: &'static str| {
        let engine = engine.clone();
        thread::spawn(move || engine.load_source(name, "").map(drop).map_err(|error| error.code()))
    };
    let [a, b] = ["a.lua", "b.lua"].map(load).map(|thread| thread.join().unwrap());
    assert_eq!((a, b, inside.load(SeqCst)), (Ok(()), Err(Code::VerifyRefused), 2));
    assert_eq!(engine.plugins().len(), 1);
}

/// Two plugins run; then there is another store, and the check says `word` about the first.
#[track_caller]
fn rechecked(word: Result<(), &'static str>, revoked: bool, expected: &[&str]) {
    let notes = Notes::default();
    let (events, asked) = (notes.clone(), notes.clone());
    let later = Arc::new(AtomicBool::new(false));
    let now = later.clone();
    let log = Arc::new(MemoryLog::default());
    let engine = Engine::builder()
        .audit(log.clone())
        .on_event(move |event| {
            let code = event.error.map(|error| format!(" {}", error.code())).unwrap_or_default();
            events.add(format!("{} {}{code}", event.plugin, event.name()));
        })
        .check(move |one| {
            asked.add(format!("{}?", one.id));
            match word {
                Err("panic") if now.load(SeqCst) && one.id.as_str() == "a" => panic!("no disk"),
                Err(reason) if now.load(SeqCst) && one.id.as_str() == "a" => Err(reason.into()),
                _ => Ok(()),
            }
        })
        .build()
        .unwrap();
    for name in ["a.lua", "b.lua"] {
        let plugin = engine.load_source(name, "function run() end").unwrap();
        engine.enable_plugin(&mut (), plugin).unwrap();
    }
    later.store(true, SeqCst);
    notes.take();
    let mut next = TrustStore::default();
    if revoked {
        let b = engine.plugins()[1].verdict.digest;
        next.revoke(Revocation::hard(Revoked::Package(b), "it bites")).unwrap();
    }
    let before = log.records().len();
    let result = engine.set_trust_store(next.clone()).unwrap();
    assert_eq!(notes.take(), expected);
    let states: Vec<_> = engine.plugins().iter().map(|one| one.state).collect();
    let stays = |stays| if stays { State::Active } else { State::Quarantined };
    assert_eq!(states, [stays(word.is_ok()), stays(!revoked)]);
    let codes: Vec<_> = result.quarantined.iter().map(|(_, error)| (error.plugin().unwrap(), error.code())).collect();
    let own = word.is_err().then_some(("a", Code::VerifyRefused));
    let stored = revoked.then_some(("b", Code::TrustRevoked));
    assert_eq!(codes, own.into_iter().chain(stored).collect::<Vec<_>>(), "in load order");
    let records = log.records().split_off(before);
    let recorded: Vec<_> = records.iter().filter(|record| record.event == Event::Revoked).collect();
    assert_eq!(recorded.len(), codes.len());
    assert!(recorded.iter().all(|record| record.severity == Severity::Alert && record.code.is_some()), "{records:?}");
    if let Err(reason) = word {
        let told = if reason == "panic" { "it panicked: no disk" } else { reason };
        let message = format!("the host's own check refuses it: {told}");
        assert_eq!(engine.history("a").last().unwrap().reason, message);
        assert_eq!(engine.call::<_, ()>(&mut (), "a", "run", ()).unwrap_err().code(), Code::PluginQuarantined);
    }
    // What is out of service is not asked about again.
    engine.set_trust_store(next).unwrap();
    let still: Vec<_> =
        states.iter().zip(["a?", "b?"]).filter(|(state, _)| **state == State::Active).map(|(_, name)| name).collect();
    assert_eq!(notes.take(), still);
}

#[test]
fn it_is_asked_again_of_what_runs() {
    let a = ["a quarantine.before verify.refused", "a quarantine.after verify.refused"];
    let b = ["b quarantine.before trust.revoked", "b quarantine.after trust.revoked"];
    rechecked(Ok(()), false, &["a?", "b?"]);
    // Who observes hears of it when all were asked about.
    rechecked(Err("voted out"), false, &["a?", "b?", a[0], a[1]]);
    rechecked(Err("panic"), false, &["a?", "b?", a[0], a[1]]);
    // A revocation waits for no check.
    rechecked(Ok(()), true, &[b[0], b[1], "a?"]);
    rechecked(Err("voted out"), true, &[b[0], b[1], "a?", a[0], a[1]]);
}

/// The store came while the plugin was in its `on_load`: it is judged when it arrives, by the check, too.
#[test]
fn what_is_being_loaded_is_asked_about_when_it_arrives() {
    for refuses in [false, true] {
        let itself = Arc::new(OnceLock::<Engine>::new());
        let own = itself.clone();
        let asked = Notes::default();
        let told = asked.clone();
        let engine = Engine::builder()
            .function("game.swap", move || {
                let rechecked = own.get().unwrap().set_trust_store(TrustStore::default()).unwrap();
                assert!(rechecked.quarantined.is_empty());
            })
            .check(move |one| {
                told.add(format!("{} {}", one.trust, one.package.is_some()));
                assert_eq!((one.trust, one.backend.as_str()), (TrustLevel::Untrusted, "lua"));
                if refuses && one.package.is_none() { Err("not any more".into()) } else { Ok(()) }
            })
            .build()
            .unwrap();
        itself.set(engine.clone()).unwrap();
        let result = engine.load_source("p.lua", "function on_load() game.swap() end");
        assert_eq!(asked.take(), ["untrusted true", "untrusted false"]);
        assert_eq!(result.is_err(), refuses);
        assert_eq!(engine.plugins().len(), usize::from(!refuses));
        if let Err(error) = result {
            assert_eq!(error.code(), Code::VerifyRefused);
        }
    }
}
