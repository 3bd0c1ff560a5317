//! The gate in front of an engine: what signed packages are loaded as, under which store and policy; what another store does to those
//! that run; what is remembered between runs; what the audit says of it.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/known.rs"]
mod known;

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use known::{NOW, date, key, policy, store};
use modhost::{
    Builder, Code, Engine, Error, HostFunction, LifecycleEvent, ManualClock, Policy, State, TrustLevel,
    audit::{Event, MemoryLog, Severity},
    package::{Algorithm, Caps, Package},
    verify::{Allowed, Envelope, SeenFile, SignOptions, StoreFile, TrustStore, sign_index},
};
use tempfile::TempDir;

/// A native library, which cargo puts beside the test programs, or one folder up.
fn library() -> Vec<u8> {
    let name = format!("{}modhost_native_guest{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let program = env::current_exe().unwrap();
    let found = program.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.exists());
    fs::read(found.unwrap_or_else(|| panic!("{name} is not beside {}", program.display()))).unwrap()
}

/// A package of `words`: `id version`, then keys that sign (`1`, `2`, `9`), and `native` for a build in native code, `bad` for a
/// signature that does not hold, `until=DATE` for an end of all signatures, `runs` for a script that says so by `game.ran` as soon as it does.
fn packed(words: &str) -> (PathBuf, TempDir) {
    let mut words = words.split(' ');
    let (id, version) = (words.next().unwrap(), words.next().unwrap());
    let area = tempfile::tempdir().unwrap();
    let (mut keys, mut bad, mut until) = (Vec::new(), false, None);
    let mut manifest = format!("[plugin]\nid = \"{id}\"\nversion = \"{version}\"\n");
    let (mut native, mut script) = (false, "function howl() return 'awoo' end");
    for word in words {
        match word {
            "runs" => {
                manifest.push_str("[requires]\ngame = \"*\"\n");
                script = "game.ran()";
            }
            "native" => native = true,
            "bad" => bad = true,
            _ => match word.strip_prefix("until=") {
                Some(end) => until = Some(date(end)),
                None => keys.push(word.parse().unwrap()),
            },
        }
    }
    let folder = area.path().join("folder");
    fs::create_dir(&folder).unwrap();
    if native {
        let target = format!("{}-{}", env::consts::OS, env::consts::ARCH);
        let file = format!("p.{}", env::consts::DLL_EXTENSION);
        writeln!(manifest, "[entry]\nnative.{target} = \"{file}\"").unwrap();
        manifest.push_str("[requires]\ntest = \"*\"\n");
        fs::write(folder.join(file), library()).unwrap();
    } else {
        fs::write(folder.join("main.lua"), script).unwrap();
    }
    fs::write(folder.join("plugin.toml"), manifest).unwrap();
    let caps = Caps::default();
    let package = Package::open(&folder, &caps).unwrap();
    let sign = |seed: &u8| {
        let mut options = SignOptions::new(format!("key {seed}"));
        options.expires = until;
        sign_index(package.index().as_bytes(), &key(*seed), options).unwrap()
    };
    let mut signatures = keys.iter().map(sign);
    let envelope = signatures.next().map(|first| {
        let mut envelope = Envelope::of(first);
        signatures.for_each(|more| envelope.add(more).unwrap());
        let text = envelope.to_string();
        if bad { text.replace("signer key", "signer Key") } else { text }
    });
    let packed = package.pack(Algorithm::Sha256, envelope.as_deref().map(str::as_bytes), &caps).unwrap();
    let file = area.path().join(packed.file_name());
    fs::write(&file, &packed.bytes).unwrap();
    (file, area)
}

fn digest(file: &Path) -> modhost::package::Digest {
    Package::open(file, &Caps::default()).unwrap().digest()
}

fn clock() -> Arc<ManualClock> {
    let clock = Arc::new(ManualClock::default());
    clock.set_wall(date(NOW).time());
    clock
}

fn builder(policy: Policy, store: TrustStore) -> (Builder, Arc<MemoryLog>, Arc<ManualClock>) {
    let (log, clock) = (Arc::new(MemoryLog::default()), clock());
    let builder = Engine::builder().policy(policy).trust_store(store).audit(log.clone()).clock(clock.clone());
    // What the native plugin asks of its host.
    let builder = builder
        .function("test.greet", |name: String| format!("hello {name}"))
        .function("test.ask", |_: String| 0_i64)
        .function("test.take", |value: modhost::Value| value);
    (builder, log, clock)
}

/// What became of loading a package: `verified lua`, or the code of the refusal.
fn loaded(engine: &Engine, file: &Path) -> String {
    match engine.load_path(file) {
        Ok(plugin) => {
            let plugins = engine.plugins();
            let info = plugins.iter().find(|info| info.plugin == plugin).unwrap();
            format!("{} {}", info.trust, info.backend)
        }
        Err(error) => error.code().to_string(),
    }
}

#[test]
fn what_a_package_is_loaded_as() {
    let rows = [
        // Package, store, policy, what comes of it.
        ("acme.wolf 1.0.0", "", "mods", "untrusted lua"),
        ("acme.wolf 1.0.0", "acme", "mods", "untrusted lua"),
        ("acme.wolf 1.0.0", "acme", "known", "denied.trust"),
        ("acme.wolf 1.0.0", "acme", "standard", "denied.trust"),
        ("acme.wolf 1.0.0", "versions", "mods", "trust.revoked"),
        ("acme.wolf 1.1.0", "versions", "mods", "untrusted lua"),
        ("acme.wolf 1.0.0 1", "", "mods", "untrusted lua"),
        ("acme.wolf 1.0.0 1", "", "known", "verify.unknown-signer"),
        ("acme.wolf 1.0.0 1", "acme", "mods", "verified lua"),
        ("acme.wolf 1.0.0 1", "acme", "known", "verified lua"),
        ("acme.wolf 1.0.0 1", "acme", "standard", "verified lua"),
        ("acme.wolf 1.0.0 1", "acme", "strict", "verify.threshold"),
        ("acme.wolf 1.0.0 1 2", "acme reviewer", "strict", "verified lua"),
        ("acme.wolf 1.0.0 1 2", "acme reviewer", "airgapped", "verified lua"),
        ("acme.wolf 1.0.0 1 9", "acme reviewer", "strict", "verify.threshold"),
        ("acme.wolf 1.0.0 1", "acme two", "mods", "untrusted lua"),
        ("acme.wolf 1.0.0 1 2", "acme reviewer two", "mods", "verified lua"),
        ("acme.wolf 1.0.0 9", "acme", "mods", "untrusted lua"),
        ("acme.wolf 1.0.0 9", "acme", "standard", "verify.unknown-signer"),
        ("acme.wolf 1.0.0 1 bad", "", "mods", "verify.bad-signature"),
        ("acme.wolf 1.0.0 1 bad", "acme", "development", "verify.bad-signature"),
        ("other.fox 1.0.0 1", "acme", "mods", "trust.namespace"),
        ("acme.wolf 1.0.0 1 until=2026-06-01T00:00:00Z", "acme", "mods", "verify.expired"),
        ("acme.wolf 1.0.0 1 until=2026-06-01T00:00:01Z", "acme", "mods", "verified lua"),
        ("acme.wolf 1.0.0 1", "acme hard=1", "mods", "trust.revoked"),
        ("acme.wolf 1.0.0 1", "acme soft=1", "mods", "verified lua"),
        ("acme.wolf 1.0.0 1", "vendor", "mods", "verified lua"),
        ("acme.wolf 1.0.0 1", "vendor", "vendors", "trusted lua"),
        ("acme.wolf 1.0.0 1", "acme", "vendors", "verified lua"),
        // Levels of trust are boxes: native code in the host's process is for trusted vendors.
        ("acme.sim 1.0.0 1 native", "vendor", "vendors", "trusted native"),
        ("acme.sim 1.0.0 1 native", "vendor", "mods", "denied.backend"),
        ("acme.sim 1.0.0 1 native", "acme", "vendors", "denied.backend"),
        ("acme.sim 1.0.0 native", "vendor", "vendors", "denied.backend"),
        ("acme.sim 1.0.0 1 native", "acme", "standard", "denied.backend"),
        ("acme.sim 1.0.0 native", "", "development", "untrusted native"),
    ];
    for (package, keys, name, expected) in rows {
        let (file, _area) = packed(package);
        let (builder, log, _) = builder(policy(name), store(keys));
        let warned = Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = warned.clone();
        let observer = move |event: &LifecycleEvent<'_>| heard.lock().unwrap().extend(event.warning.map(str::to_owned));
        let engine = builder.on_event(observer).build().unwrap();
        let case = format!("{package} | {keys} | {name}");
        let examined = engine.examine(&file).unwrap();
        assert_eq!(loaded(&engine, &file), expected, "{case}");
        // What is only examined is judged alike.
        let problem = examined.problems.first().map(|error| error.code().to_string());
        assert_eq!(problem.as_deref(), expected.contains('.').then_some(expected), "{case}");
        assert_eq!(examined.signatures.digest, digest(&file), "{case}");
        let records = log.records();
        let last = records.last().unwrap();
        if expected.contains('.') {
            assert_eq!((last.event, last.code.unwrap().as_str()), (Event::Refused, expected), "{case}");
            let alarming = expected.starts_with("trust") || expected.starts_with("verify");
            assert!(!alarming || last.severity == Severity::Alert, "{case}");
        } else {
            let admitted = records.iter().find(|record| record.event == Event::Admitted).unwrap();
            assert!(admitted.detail.contains(&digest(&file).to_string()), "{case}: {admitted:?}");
            let counts = engine.plugins()[0].verdict.threshold.1 > 0;
            let named = admitted.detail.contains(&key(1).public().id().to_string());
            assert_eq!(named, counts, "{case}: {admitted:?}");
            assert_eq!(records.iter().any(|record| record.event == Event::Unprotected), name == "development");
            // What is revoked softly is loaded, and not in silence.
            let soft = keys.contains("soft");
            let revoked = records.iter().find(|record| record.event == Event::Revoked);
            assert_eq!(revoked.map(|record| (record.severity, record.code)), soft.then_some((Severity::Alert, None)));
            assert!(revoked.is_none_or(|record| record.detail.contains("is revoked: it is old")), "{revoked:?}");
            let warned = warned.lock().unwrap();
            assert_eq!(warned.len(), usize::from(soft), "{case}");
            assert!(warned.iter().all(|warning| warning.ends_with("is revoked: it is old")), "{warned:?}");
        }
    }
}

/// What the audit has of a policy for development, and of code without protection.
#[test]
fn development_is_loud_and_says_what_is_true() {
    let signed = format!("signed by key 1 ({})", key(1).public().id().short());
    let rows = [
        ("acme.wolf 1.0.0", "", "mods", vec![]),
        ("acme.sim 1.0.0 1 native", "vendor", "vendors", vec![]),
        ("acme.wolf 1.0.0", "", "development", vec!["unsigned"]),
        ("acme.wolf 1.0.0 1", "acme", "development", vec![&*signed]),
        ("acme.sim 1.0.0 native", "", "development", vec!["unsigned", "unsigned"]),
        ("acme.sim 1.0.0 1 native", "acme", "development", vec![&*signed, &*signed]),
        ("acme.sim 1.0.0 1 native", "acme", "assumed", vec!["assumed by policy development", &*signed]),
    ];
    for (package, keys, name, expected) in rows {
        let (file, _area) = packed(package);
        let mut policy = policy(if name == "assumed" { "development" } else { name });
        policy.assume = (name == "assumed").then_some(TrustLevel::Trusted);
        let (builder, log, _) = builder(policy, store(keys));
        let engine = builder.build().unwrap();
        engine.load_path(&file).unwrap();
        let loud = |record: &modhost::audit::Record| matches!(record.event, Event::Development | Event::Unprotected);
        let mut records: Vec<_> = log.records().into_iter().filter(loud).collect();
        assert!(records.iter().all(|record| record.severity == Severity::Warning));
        if !expected.is_empty() {
            let built = records.remove(0);
            assert_eq!((built.event, &*built.plugin), (Event::Development, ""));
            assert!(built.detail.starts_with("policy development: development mode: "), "{built:?}");
        }
        let before =
            ["policy development: development mode: ", "native code without any protection in the host's process: "];
        let told: Vec<_> = records.iter().map(|record| record.detail.as_str()).collect();
        let expected: Vec<_> = before.iter().zip(&expected).map(|(before, words)| format!("{before}{words}")).collect();
        assert_eq!(told, expected, "{package} | {keys} | {name}");
    }
}

#[test]
fn the_verdict_is_data_of_what_is_loaded() {
    let (file, _area) = packed("acme.wolf 1.0.0 1 9");
    let (builder, ..) = builder(Policy::mods(), store("acme soft=1"));
    let engine = builder.build().unwrap();
    let mods = engine.loading().dir(&file).load().unwrap();
    let one = &mods.loaded[0];
    assert_eq!(one.vouched, format!("signed by key 1 ({})", key(1).public().id().short()));
    assert_eq!(
        (one.trust, one.verdict.level, one.verdict.threshold),
        (TrustLevel::Verified, TrustLevel::Verified, (1, 1))
    );
    let mut keys: Vec<_> = one.verdict.signers.iter().map(|signer| signer.public).collect();
    keys.sort_by_key(|public| public.id() != key(1).public().id());
    assert_eq!(keys, [key(1).public(), key(9).public()]);
    let warned = |part: &str| one.verdict.warnings.iter().any(|warning| warning.contains(part));
    assert!(warned("it is old") && warned("nobody here knows"), "{:?}", one.verdict.warnings);
    assert_eq!(engine.plugins()[0].verdict, one.verdict);
    assert!(mods.to_string().contains("verified"), "{mods}");
}

#[test]
fn an_allowed_digest_is_verified_without_a_signature() {
    let (file, _area) = packed("acme.wolf 1.0.0");
    let mut store = store("");
    let (id, version) = ("acme.wolf".parse().unwrap(), "1.0.0".parse().unwrap());
    store.allow(Allowed::new(digest(&file), id, version, "read by us")).unwrap();
    let (builder, ..) = builder(Policy::mods(), store);
    let engine = builder.build().unwrap();
    assert_eq!(loaded(&engine, &file), "verified lua");
    assert_eq!(engine.plugins()[0].vouched, "allowed by digest: read by us");
}

/// Loads `package` under one store, exchanges it for another, and tells where the plugin stands, and which records follow.
fn exchanged(package: &str, before: &str, after: TrustStore) -> (State, Vec<(Event, Option<Code>)>, Engine) {
    let (file, _area) = packed(package);
    let (builder, log, _) = builder(policy("vendors"), store(before));
    let engine = builder.build().unwrap();
    engine.load_path(&file).unwrap();
    engine.enable_plugin(&mut (), "acme.wolf").unwrap();
    let there = log.records().len();
    let rechecked = engine.set_trust_store(after).unwrap();
    let state = engine.plugins()[0].state;
    assert_eq!(rechecked.quarantined.len(), usize::from(state == State::Quarantined));
    let records = log.records().split_off(there).iter().map(|record| (record.event, record.code)).collect();
    (state, records, engine)
}

#[test]
fn another_store_judges_what_runs() {
    let quarantined = |code| (State::Quarantined, vec![(Event::Quarantined, None), (Event::Revoked, Some(code))]);
    let changed = (Event::TrustChanged, None);
    let rows = [
        ("acme.wolf 1.0.0 1", "acme", "acme reviewer", (State::Active, vec![])),
        ("acme.wolf 1.0.0 1", "acme", "acme hard=1", quarantined(Code::TrustRevoked)),
        ("acme.wolf 1.0.0 1", "acme", "acme soft=1", (State::Active, vec![(Event::Revoked, None)])),
        ("acme.wolf 1.0.0 1", "acme", "acme versions", quarantined(Code::TrustRevoked)),
        ("acme.wolf 1.0.0", "", "versions", quarantined(Code::TrustRevoked)),
        ("acme.wolf 1.1.0", "", "versions", (State::Active, vec![])),
        // The box was given for trust that is gone.
        ("acme.wolf 1.0.0 1", "acme", "", quarantined(Code::DeniedTrust)),
        ("acme.wolf 1.0.0 1", "acme", "acme two", quarantined(Code::DeniedTrust)),
        ("acme.wolf 1.0.0 1", "vendor", "acme", quarantined(Code::DeniedTrust)),
        // More trust than it was loaded with it gets when it is loaded again.
        ("acme.wolf 1.0.0 1", "", "acme", (State::Active, vec![])),
    ];
    for (package, before, after, expected) in rows {
        let (state, records, engine) = exchanged(package, before, store(after));
        let case = format!("{package}: {before} -> {after}");
        assert_eq!((records[0], state, records[1..].to_vec()), (changed, expected.0, expected.1), "{case}");
        let called = engine.call::<_, String>(&mut (), "acme.wolf", "howl", ());
        match state {
            State::Active => assert_eq!(called.unwrap(), "awoo", "{case}"),
            _ => assert_eq!(called.unwrap_err().code(), Code::PluginQuarantined, "{case}"),
        }
    }
}

/// What an observer hears while there is another store: it calls the engine, which holds nothing meanwhile.
#[test]
fn whoever_observes_hears_what_another_store_says() {
    let out = |id: &str, code: &str| ["before", "after"].map(|moment| format!("acme.{id} quarantine.{moment} {code}"));
    let warned = |id: &str| [format!("acme.{id} vet.warned: it is old")];
    let rows = [
        // Acme signed both, and the fox was loaded first.
        ("acme", "acme reviewer", vec![]),
        ("acme", "acme soft=1", [warned("fox"), warned("wolf")].concat()),
        ("acme", "acme hard=1", [out("fox", "trust.revoked"), out("wolf", "trust.revoked")].concat()),
        ("acme", "reviewer", [out("fox", "denied.trust"), out("wolf", "denied.trust")].concat()),
        // Who goes on is told of when nobody is left who does not.
        ("acme", "acme versions soft=1", [&out("wolf", "trust.revoked")[..], &warned("fox")].concat()),
        ("acme soft=1", "acme soft=1", vec![]),
    ];
    let (fox, _fox) = packed("acme.fox 1.0.0 1");
    let (wolf, _wolf) = packed("acme.wolf 1.0.0 1");
    for (before, after, expected) in rows {
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let itself = Arc::new(std::sync::OnceLock::<Engine>::new());
        let out = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (log, own, gone) = (told.clone(), itself.clone(), out.clone());
        let (builder, audit, _) = builder(Policy::mods(), store(before));
        let engine = builder
            .on_event(move |event| {
                if let Some(engine) = own.get() {
                    let stands = engine.plugins().iter().find(|one| Some(one.plugin) == event.handle).unwrap().state;
                    assert_eq!(stands, event.state);
                    // Nobody is told of one before all are out.
                    let out = engine.plugins().iter().filter(|one| one.state == State::Quarantined).count();
                    gone.lock().unwrap().push(out);
                }
                let why = event.error.map(|error| format!(" {}", error.code()));
                let warning = event.warning.map(|text| format!(": {}", text.rsplit(": ").next().unwrap()));
                let more = why.into_iter().chain(warning).collect::<String>();
                log.lock().unwrap().push(format!("{} {}{more}", event.plugin, event.name()));
            })
            .build()
            .unwrap();
        for file in [&fox, &wolf] {
            let plugin = engine.load_path(file).unwrap();
            engine.enable_plugin(&mut (), plugin).unwrap();
        }
        told.lock().unwrap().clear();
        itself.set(engine.clone()).unwrap();
        let there = audit.records().len();
        let rechecked = engine.set_trust_store(store(after)).unwrap();
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told, expected, "{before} -> {after}");
        let warned = told.iter().filter(|line| line.contains("vet.warned")).count();
        assert_eq!((rechecked.warned.len(), rechecked.quarantined.len()), (warned, (told.len() - warned) / 2));
        assert_eq!(*out.lock().unwrap(), vec![rechecked.quarantined.len(); told.len()], "{before} -> {after}");
        assert_eq!(told.is_empty(), audit.records().len() == there + 1, "what is told is recorded");
    }
}

#[test]
fn a_store_of_an_earlier_generation_is_refused() {
    let area = tempfile::tempdir().unwrap();
    let file = StoreFile::new(area.path().join("trust.toml"));
    let mut generations = Vec::new();
    for words in ["acme", "acme hard=1"] {
        file.update(|there| {
            *there = store(words);
            Ok(())
        })
        .unwrap();
        generations.push(file.load().unwrap());
    }
    let [first, second] = &generations[..] else { panic!() };
    let (package, _area) = packed("acme.wolf 1.0.0 1");
    let seen = || SeenFile::new(area.path().join("seen"));
    let (builder, log, _) = builder(Policy::mods(), first.clone());
    let engine = builder.versions_seen(seen()).build().unwrap();
    let last =
        || log.records().pop().map(|record| (record.event, record.severity, record.code, record.detail)).unwrap();
    assert_eq!(loaded(&engine, &package), "verified lua");
    assert_eq!(engine.set_trust_store(second.clone()).unwrap().quarantined.len(), 1);
    assert!(engine.set_trust_store(second.clone()).unwrap().quarantined.is_empty());
    let told = "a trust store of generation 2".to_owned();
    assert_eq!(last(), (Event::TrustChanged, Severity::Notice, None, told), "the audit has the store");
    let refused = engine.set_trust_store(first.clone()).unwrap_err();
    assert_eq!(refused.code(), Code::TrustGeneration);
    let told = (Event::Refused, Severity::Alert, Some(Code::TrustGeneration), refused.message().to_owned());
    assert_eq!(last(), told, "the audit has the attempt");
    engine.unload(engine.find("acme.wolf").unwrap()).unwrap();
    assert_eq!(loaded(&engine, &package), "trust.revoked", "the store that was refused does not count");
    // The next run remembers it.
    let next = |store: &TrustStore| Engine::builder().trust_store(store.clone()).versions_seen(seen()).build();
    assert_eq!(next(first).unwrap_err().code(), Code::TrustGeneration);
    assert!(next(second).is_ok());
}

#[test]
fn a_plugin_that_is_being_loaded_is_judged_again() {
    let (package, area) = packed("acme.wolf 1.0.0 1");
    let folder = area.path().join("folder");
    fs::write(folder.join("main.lua"), "function on_load() game.pause() end").unwrap();
    fs::write(
        folder.join("plugin.toml"),
        "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n[requires]\ngame = \"*\"",
    )
    .unwrap();
    let _ = package;
    let (begun, waits) = std::sync::mpsc::channel();
    let (go, told) = std::sync::mpsc::channel::<()>();
    let pause = std::sync::Mutex::new((begun, told));
    let (builder, log, _) = builder(Policy::mods(), store(""));
    let pausing = HostFunction::new("game.pause", move || {
        let both = pause.lock().unwrap();
        both.0.send(()).unwrap();
        both.1.recv().unwrap();
    });
    let engine = builder.host(pausing).build().unwrap();
    let loading = {
        let engine = engine.clone();
        thread::spawn(move || loaded(&engine, &folder))
    };
    waits.recv().unwrap();
    let rechecked = engine.set_trust_store(store("versions")).unwrap();
    assert!(rechecked.quarantined.is_empty(), "it cannot be taken out of service while its code runs");
    go.send(()).unwrap();
    assert_eq!(loading.join().unwrap(), "trust.revoked");
    assert!(engine.plugins().is_empty());
    let last = log.records().pop().unwrap();
    assert_eq!((last.event, last.code), (Event::Refused, Some(Code::TrustRevoked)));
}

/// What comes between vetting and loading counts before anything of the plugin runs.
#[test]
fn what_was_vetted_is_judged_again_before_it_runs() {
    let (signed, until) = ("acme.wolf 1.0.0 1 runs", "acme.wolf 1.0.0 1 runs until=2026-06-02T00:00:00Z");
    let rows = [
        // The package, the store, the policy; the store and the date when it is loaded; what comes of it, and what the host's check hears.
        (signed, "acme", "mods", "acme", NOW, "verified ran", "verified"),
        (signed, "acme", "mods", "acme hard=1", NOW, "trust.revoked", "verified"),
        (signed, "acme", "mods", "acme versions", NOW, "trust.revoked", "verified"),
        (signed, "acme", "mods", "", NOW, "denied.trust", "verified"),
        (signed, "vendor", "vendors", "acme", NOW, "denied.trust", "trusted"),
        (signed, "acme", "standard", "", NOW, "verify.unknown-signer", "verified"),
        (signed, "acme", "mods", "acme soft=1", NOW, "verify.refused", "verified, verified old"),
        // More than its box was given for it gets when it is loaded again.
        (signed, "", "mods", "acme", NOW, "untrusted ran", "untrusted old, untrusted"),
        ("acme.wolf 1.0.0 runs", "", "mods", "versions", NOW, "trust.revoked", "untrusted"),
        (until, "acme", "mods", "-", NOW, "verified ran", "verified"),
        (until, "acme", "mods", "-", "2026-06-01T23:59:59Z", "verified ran", "verified"),
        (until, "acme", "mods", "-", "2026-06-02T00:00:00Z", "verify.expired", "verified"),
    ];
    for (package, before, name, after, at, expected, heard) in rows {
        let case = format!("{package} | {before} -> {after} | {name} | {at}");
        let (file, _area) = packed(package);
        let (builder, log, clock) = builder(policy(name), store(before));
        let notes = Arc::new(std::sync::Mutex::new((Vec::new(), String::new())));
        let (asked, ran) = (notes.clone(), notes.clone());
        let engine = builder
            .host(HostFunction::new("game.ran", move || ran.lock().unwrap().1.push_str(" ran")))
            .check(move |one| {
                // Of what runs it is asked when it has arrived.
                if one.package.is_none() {
                    return Ok(());
                }
                let old = !one.verdict.warnings.is_empty();
                let word = if old { format!("{} old", one.trust) } else { one.trust.to_string() };
                asked.lock().unwrap().0.push(word);
                if old && one.trust == TrustLevel::Verified { Err("it is old".into()) } else { Ok(()) }
            })
            .build()
            .unwrap();
        let resolved = engine.loading().dir(&file).discover().unwrap().resolve().unwrap();
        if after != "-" {
            assert!(engine.set_trust_store(store(after)).unwrap().quarantined.is_empty());
        }
        clock.set_wall(date(at).time());
        let mods = resolved.load();
        let (asked, ran) = std::mem::take(&mut *notes.lock().unwrap());
        let loaded = mods.loaded.first().map(|one| one.trust.to_string());
        let refused = mods.refused.first().map(|out| out.error.code().to_string());
        assert_eq!(loaded.or(refused).unwrap() + ran.as_str(), expected, "{case}");
        assert_eq!(asked.join(", "), heard, "{case}");
        let admitted = log.records().iter().any(|record| record.event == Event::Admitted);
        assert_eq!(admitted, !ran.is_empty(), "{case}");
    }
}

#[test]
fn older_versions_and_earlier_times_do_not_come_back() {
    let area = tempfile::tempdir().unwrap();
    let path = area.path().join("seen");
    let run = |package: &str, keys: &str, at: &str| -> String {
        let (file, _area) = packed(package);
        let (builder, log, clock) = builder(Policy::mods(), store(keys));
        clock.set_wall(date(at).time());
        let engine = builder.versions_seen(SeenFile::new(&path)).build().unwrap();
        let first = log.records().pop().map(|record| format!("{}, ", record.event)).unwrap_or_default();
        format!("{first}{}", loaded(&engine, &file))
    };
    let rows = [
        ("acme.wolf 1.0.0 1", "acme", NOW, "verified lua"),
        // A high version of nobody shuts nobody out.
        ("acme.wolf 9.0.0", "acme", NOW, "untrusted lua"),
        ("acme.wolf 1.2.0 1", "acme", NOW, "verified lua"),
        ("acme.wolf 1.1.9 1", "acme", NOW, "trust.rollback"),
        ("acme.wolf 1.1.9", "", NOW, "trust.rollback"),
        ("acme.wolf 1.2.0 1", "acme", NOW, "verified lua"),
        // A signature that ended does not come back by a clock that is set back.
        ("acme.fox 1.0.0 1 until=2026-08-01T00:00:00Z", "acme", "2026-07-01T00:00:00Z", "verified lua"),
        ("acme.fox 1.0.0 1 until=2026-08-01T00:00:00Z", "acme", "2026-09-01T00:00:00Z", "verify.expired"),
        ("acme.wolf 1.2.0 1", "acme", "2026-09-01T00:00:00Z", "verified lua"),
        (
            "acme.fox 1.0.0 1 until=2026-08-01T00:00:00Z",
            "acme",
            "2026-07-01T00:00:00Z",
            "clock-set-back, verify.expired",
        ),
        ("acme.wolf 1.2.0 1", "acme", "2026-08-31T23:56:00Z", "verified lua"),
    ];
    for (package, keys, at, expected) in rows {
        assert_eq!(run(package, keys, at), expected, "{package} at {at}");
    }
    SeenFile::new(&path)
        .update(|seen| seen.sign_off(&"acme.wolf".parse().unwrap(), &"1.0.0".parse().unwrap()))
        .unwrap();
    assert_eq!(run("acme.wolf 1.1.9 1", "acme", "2026-09-01T00:00:00Z"), "verified lua");
    fs::write(&path, "nonsense").unwrap();
    let damaged = Engine::builder().versions_seen(SeenFile::new(&path)).build();
    assert_eq!(damaged.unwrap_err().code(), Code::TrustMemory);
}

#[test]
fn what_cannot_be_remembered_is_said() {
    let area = tempfile::tempdir().unwrap();
    let (file, _area) = packed("acme.wolf 1.0.0 1");
    let (builder, log, _) = builder(Policy::mods(), store("acme"));
    let engine = builder.versions_seen(SeenFile::new(area.path().join("no-folder/seen"))).build().unwrap();
    let mods = engine.loading().dir(&file).load().unwrap();
    assert_eq!(mods.not_remembered.as_ref().map(Error::code), Some(Code::IoNotFound));
    assert!(mods.to_string().contains("not remembered"), "{mods}");
    let last = log.records().pop().unwrap();
    assert_eq!((last.event, last.code), (Event::Failed, Some(Code::IoNotFound)));
}

#[test]
fn a_verdict_is_kept_no_longer_than_it_holds() {
    let (file, _area) = packed("acme.wolf 1.0.0 1 until=2026-06-02T00:00:00Z");
    let (builder, _, clock) = builder(Policy::standard(), store("acme"));
    let engine = builder.build().unwrap();
    let rows = [
        (NOW, "verified lua"),
        ("2026-06-01T23:59:59Z", "verified lua"),
        ("2026-06-02T00:00:00Z", "verify.expired"),
        (NOW, "verified lua"),
    ];
    for (at, expected) in rows {
        clock.set_wall(date(at).time());
        assert_eq!(loaded(&engine, &file), expected, "{at}");
        if let Some(plugin) = engine.find("acme.wolf") {
            engine.unload(plugin).unwrap();
        }
    }
    engine.set_trust_store(store("acme hard=1")).unwrap();
    assert_eq!(loaded(&engine, &file), "trust.revoked", "another store is another verdict");
}
