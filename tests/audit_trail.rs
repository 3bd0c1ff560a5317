//! What is recorded of which step, with which severity, and what happens while nothing can be recorded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use modhost::{
    Code, Dependents, Engine, HostFunction, ManualClock, Policy, Stage,
    audit::{self, AuditPolicy, Event, MemoryLog, Record, Severity, Sink},
};
use support::{folder, manifest};

/// Everything that a plugin can go through, and what is recorded of it.
#[test]
fn each_step_is_a_record_with_its_severity() {
    let log = Arc::new(MemoryLog::default());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let area = folder(&[
        (
            "wolf/plugin.toml",
            &manifest("wolf", "[requires]\nworld = \"1\"\n[capabilities]\noptional = [\"world.spawn\"]"),
        ),
        (
            "wolf/main.lua",
            "function run() world.spawn() end function boom(text) error(text) end function spin() while true do end end",
        ),
    ]);
    let clock = Arc::new(ManualClock::default());
    let engine = Engine::builder()
        .host(HostFunction::new("world.spawn", || 1_i64).needs("world.spawn"))
        .clock(clock.clone())
        .audit(log.clone())
        .audit(Arc::new(move |record: &Record| {
            told.lock().unwrap().push(record.clone());
            Ok(())
        }))
        .build()
        .unwrap();
    clock.advance(Duration::from_millis(1500));
    let wolf = engine.load_path(area.path().join("wolf")).unwrap();
    engine.enable_plugin(&mut (), wolf).unwrap();
    for _ in 0..3 {
        engine.call::<_, ()>(&mut (), wolf, "run", ()).unwrap_err();
        engine.call::<_, ()>(&mut (), wolf, "boom", (format!("{wolf}"),)).unwrap_err();
    }
    engine.set_granted(wolf, "world.spawn", true).unwrap();
    engine.set_granted(wolf, "world.spawn", false).unwrap();
    engine.disable(&mut (), wolf, Dependents::Refuse).unwrap();
    engine.set_enabled(wolf, true).unwrap();
    engine.call::<_, ()>(&mut (), wolf, "spin", ()).unwrap_err();
    engine.unload(wolf).unwrap();
    let moon = engine.load_source("moon.lua", "").unwrap();
    engine.quarantine(moon, "on a whim").unwrap();
    engine.load_source("evil.so", "").unwrap_err();
    let told: Vec<String> = log
        .records()
        .iter()
        .map(|record| {
            let version = record.version.as_deref().unwrap_or("-");
            let code = record.code.map_or("-", Code::as_str);
            format!("{} {} {} {version} {code} x{}", record.severity, record.event, record.plugin, record.count)
        })
        .collect();
    assert_eq!(
        told,
        [
            "notice admitted wolf 1.2.0 - x1",
            "info loaded wolf 1.2.0 - x1",
            "info enabled wolf 1.2.0 - x1",
            "warning denied wolf - denied.capability x3",
            "notice failed wolf 1.2.0 script.raised x3",
            "notice granted wolf 1.2.0 - x1",
            "notice withdrawn wolf 1.2.0 - x1",
            "info disabled wolf 1.2.0 - x1",
            "info enabled wolf 1.2.0 - x1",
            "warning limit-hit wolf 1.2.0 limit.fuel x1",
            "info unloaded wolf 1.2.0 - x1",
            "notice admitted moon 0.0.0 - x1",
            "info loaded moon 0.0.0 - x1",
            "alert quarantined moon 0.0.0 - x1",
            "alert refused evil 0.0.0 denied.backend x1",
        ]
    );
    let first = &log.records()[0];
    assert_eq!(
        (audit::format_time(first.wall).as_str(), first.at),
        ("2026-01-01T00:00:01.500Z", Duration::from_millis(1500))
    );
    // The second sink was told all of it, one by one.
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), told.len() + 4);
    assert!(seen.windows(2).all(|two| two[0].sequence + 1 == two[1].sequence));
}

/// A sink that fails when it is told to.
#[derive(Default)]
struct Faulty {
    fails: AtomicBool,
    /// Fails at this record, counted from 1; 0 for none.
    at: AtomicUsize,
    seen: AtomicUsize,
    kept: MemoryLog,
}

impl Sink for Faulty {
    fn record(&self, record: &Record) -> io::Result<()> {
        let number = self.seen.fetch_add(1, Relaxed) + 1;
        if self.fails.load(Relaxed) || number == self.at.load(Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.kept.record(record)
    }
}

/// Something that a host does with an engine and its plugins `wolf`, which is active and asks for a capability, and `moon`, which is
/// loaded.
type Step = (&'static str, fn(&Engine) -> Result<(), modhost::Error>, Option<Stage>);

const STEPS: &[Step] = &[
    ("load", |engine| engine.load_source("sun.lua", "").map(drop), Some(Stage::Admit)),
    ("enable", |engine| engine.enable_plugin(&mut (), "moon"), Some(Stage::Enable)),
    ("switch on", |engine| engine.set_enabled("moon", true), Some(Stage::Enable)),
    ("grant", |engine| engine.set_granted("wolf", "world.spawn", true).map(drop), Some(Stage::Engine)),
    ("call", |engine| engine.call(&mut (), "wolf", "run", ()), None),
    ("withdraw", |engine| engine.set_granted("wolf", "world.spawn", false).map(drop), None),
    ("switch off", |engine| engine.set_enabled("wolf", false), None),
    ("disable", |engine| engine.disable(&mut (), "wolf", Dependents::Refuse).map(drop), None),
    ("unload", |engine| engine.unload("wolf"), None),
    ("quarantine", |engine| engine.quarantine("wolf", "on a whim"), None),
];

fn faulty(policy: AuditPolicy) -> (Arc<Faulty>, Engine, tempfile::TempDir) {
    let area = folder(&[
        (
            "wolf/plugin.toml",
            &manifest("wolf", "[requires]\nworld = \"1\"\n[capabilities]\noptional = [\"world.spawn\"]"),
        ),
        ("wolf/main.lua", "function run() end"),
        ("moon/plugin.toml", &manifest("moon", "")),
        ("moon/main.lua", ""),
    ]);
    let sink = Arc::new(Faulty::default());
    let engine = Engine::builder()
        .host(HostFunction::new("world.spawn", || 1_i64).needs("world.spawn"))
        .audit(sink.clone())
        .audit_policy(policy)
        .build()
        .unwrap();
    engine.load_dir(area.path()).unwrap();
    engine.enable_plugin(&mut (), "wolf").unwrap();
    (sink, engine, area)
}

/// The policy has a word on it, and the builder the last.
#[test]
fn the_policy_says_what_happens_while_nothing_can_be_recorded() {
    use AuditPolicy::{Continue, DenyPrivileged};
    let rows = [
        ("", None, DenyPrivileged),
        ("base = 'strict'\nunsigned = true\nsignatures = 0", None, DenyPrivileged),
        ("audit = 'continue'", None, Continue),
        ("audit = 'continue'", Some(DenyPrivileged), DenyPrivileged),
        ("audit = 'deny-privileged'", Some(Continue), Continue),
    ];
    for (policy, builder, expected) in rows {
        let sink = Arc::new(Faulty::default());
        sink.fails.store(true, Relaxed);
        let mut engine = Engine::builder().policy(Policy::from_toml(policy, "p.toml").unwrap()).audit(sink);
        if let Some(own) = builder {
            engine = engine.audit_policy(own);
        }
        let engine = engine.build().unwrap();
        assert_eq!(engine.policy().audit, expected, "{policy}");
        let code = engine.load_source("p.lua", "").err().map(|error| error.code());
        assert_eq!(code, (expected == DenyPrivileged).then_some(Code::AuditFailed), "{policy} {builder:?}");
        assert!(engine.totals().unrecorded > 0);
    }
}

/// What an engine shows of its plugins.
fn stands(engine: &Engine) -> String {
    let plugins = engine.plugins();
    let plugins: Vec<String> = plugins.iter().map(|plugin| format!("{} {:?}", plugin.name, plugin.state)).collect();
    plugins.join(", ")
}

#[test]
fn nothing_is_allowed_that_cannot_be_recorded() {
    for (name, step, denied) in STEPS {
        for policy in [AuditPolicy::DenyPrivileged, AuditPolicy::Continue] {
            let (sink, engine, _area) = faulty(policy);
            let before = stands(&engine);
            sink.fails.store(true, Relaxed);
            let result = step(&engine);
            let denied = denied.filter(|_| policy == AuditPolicy::DenyPrivileged);
            let found = result.as_ref().err().map(|error| (error.code(), error.stage()));
            assert_eq!(found, denied.map(|stage| (Code::AuditFailed, stage)), "{name} {policy:?}");
            if denied.is_some() {
                assert_eq!(stands(&engine), before, "{name}: nothing happened");
                let found = step(&engine).unwrap_err().code();
                assert_eq!(found, Code::AuditFailed, "{name}: as long as it fails");
            }
            let missed = engine.totals().unrecorded;
            assert_eq!(missed > 0, *name != "call", "{name}");

            // Once it works again the next record says how many are missing, and everything goes its way.
            sink.fails.store(false, Relaxed);
            let kept = sink.kept.records().len();
            if denied.is_some() {
                step(&engine).unwrap_or_else(|error| panic!("{name}: {error}"));
            } else {
                engine.load_source("fox.lua", "").unwrap();
            }
            let after = sink.kept.records().split_off(kept);
            let lost = after.iter().find(|record| record.event == Event::Lost);
            assert_eq!(lost.map_or(0, |record| record.count), missed, "{name} {policy:?}: {after:?}");
            assert!(missed == 0 || after[0].event == Event::Lost && after[0].severity == Severity::Alert);
        }
    }
}

/// The n-th record fails, for every n: what was denied did not happen, and what happened is recorded or counted.
#[test]
fn one_record_that_fails_leaves_nothing_half_done() {
    let mut denied = BTreeSet::new();
    for at in 1..40 {
        let (sink, engine, _area) = faulty(AuditPolicy::DenyPrivileged);
        sink.seen.store(0, Relaxed);
        sink.at.store(at, Relaxed);
        for (name, step, privileged) in STEPS {
            let before = stands(&engine);
            let Err(error) = step(&engine) else { continue };
            if error.code() == Code::AuditFailed {
                assert!(privileged.is_some(), "{name}");
                assert_eq!(stands(&engine), before, "{name} with record {at} failing");
                denied.insert(*name);
            }
        }
        let unrecorded = engine.totals().unrecorded;
        assert_eq!(unrecorded, u64::from(sink.seen.load(Relaxed) >= at), "record {at}");
    }
    // What is to be switched on is enabled already.
    assert_eq!(denied, BTreeSet::from(["load", "enable", "grant"]));
}

#[test]
fn a_sink_that_panics_has_failed() {
    let engine =
        Engine::builder().audit(Arc::new(|_: &Record| -> io::Result<()> { panic!("on purpose") })).build().unwrap();
    assert_eq!(engine.load_source("wolf.lua", "").unwrap_err().code(), Code::AuditFailed);
}
