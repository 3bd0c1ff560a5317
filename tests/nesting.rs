//! The host's own checks and observers that call the engine, and are called again because of that: they come to an end, nobody is hurt,
//! nothing half-done stays, and the engine goes on.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use modhost::{
    Builder, Code, Dependents, Engine, Error, LifecycleEvent, Moment, Review, State, Transition,
    audit::{Event, MemoryLog},
    package::{Caps, Package},
    verify::{Revocation, Revoked, TrustStore},
};
use support::folder;

/// The codes of what was refused.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Code>>>);

impl Notes {
    fn add(&self, code: Code) {
        self.0.lock().unwrap().push(code);
    }

    fn take(&self) -> Vec<Code> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The engine of a builder that is made with a place where the engine itself will be.
fn itself(build: impl FnOnce(Arc<OnceLock<Engine>>) -> Builder) -> Engine {
    let own = Arc::new(OnceLock::new());
    let engine = build(own.clone()).build().unwrap();
    own.set(engine.clone()).unwrap();
    engine
}

/// An engine whose check may call it.
fn calling(check: impl Fn(&Engine, &Review<'_>) -> Result<(), String> + Send + Sync + 'static) -> Engine {
    itself(|own| Engine::builder().check(move |one| check(own.get().unwrap(), one)))
}

/// What a check does whenever it is asked.
type Step = fn(&Engine, &Review<'_>) -> Option<Code>;

/// A name that no plugin had before.
fn name() -> String {
    static NAMES: AtomicUsize = AtomicUsize::new(0);
    format!("n{}", NAMES.fetch_add(1, SeqCst))
}

fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

/// A check that leads to itself is stopped before it does anything more; nobody is hurt, and the engine goes on.
#[test]
fn a_check_that_asks_itself_again_comes_to_an_end() {
    let deep = Some(Code::HostCheckDepth);
    let steps: [(&str, Step); 7] = [
        ("sets stores", |engine, _| code(engine.set_trust_store(TrustStore::default()))),
        ("sets sets", |engine, _| engine.set_signed_lock(None).refused.map(|error| error.code())),
        ("loads a source", |engine, _| code(engine.load_source(&format!("{}.lua", name()), ""))),
        ("loads by several threads", |engine, _| {
            let files = [0; 3].map(|_| format!("{}.lua", name()));
            let area = folder(&files.each_ref().map(|file| (file.as_str(), "")));
            let mods = engine.loading().dir(area.path()).threads(3).load().ok()?;
            mods.refused.first().map(|out| out.error.code())
        }),
        ("examines", |engine, _| {
            let area = folder(&[("p.lua", "")]);
            let examined = engine.examine(area.path().join("p.lua")).unwrap();
            examined.problems.first().map(Error::code)
        }),
        ("hands it to a thread of its own", |engine, _| {
            thread::scope(|scope| {
                let step = || code(engine.set_trust_store(TrustStore::default()));
                scope.spawn(step).join().unwrap()
            })
        }),
        ("does all in turn", |engine, review| {
            let set = code(engine.set_trust_store(TrustStore::default()));
            let loaded = code(engine.load_source(&format!("{}.lua", name()), ""));
            let enabled = engine.find(review.id.as_str()).and_then(|one| code(engine.enable_plugin(&mut (), one)));
            set.or(loaded).or(enabled.filter(|code| *code == Code::HostCheckDepth))
        }),
    ];
    for (name, step) in steps {
        let (on, refused, asked) = (Arc::new(AtomicBool::new(false)), Notes::default(), Arc::new(AtomicUsize::new(0)));
        let (now, codes, count) = (on.clone(), refused.clone(), asked.clone());
        let engine = calling(move |engine, review| {
            count.fetch_add(1, SeqCst);
            if now.load(SeqCst) {
                step(engine, review).into_iter().for_each(|code| codes.add(code));
            }
            Ok(())
        });
        // Each question leads to 16 loads, or to a thousand threads: two plugins are enough of those.
        let plugins = if name.contains("load") || name.contains("thread") { &["a", "b"][..] } else { &["a", "b", "c"] };
        for plugin in plugins {
            let plugin = engine.load_source(&format!("{plugin}.lua"), "function run() return 7 end").unwrap();
            engine.enable_plugin(&mut (), plugin).unwrap();
        }
        on.store(true, SeqCst);
        let outer = || engine.set_trust_store(TrustStore::default()).map(|rechecked| rechecked.quarantined.len());
        let alone = outer();
        let loaded = engine.plugins().into_iter().filter(|one| !plugins.contains(&one.name.as_str()));
        loaded.for_each(|one| drop(engine.unload(one.plugin)));
        let both: Vec<_> = thread::scope(|scope| {
            let two = [scope.spawn(outer), scope.spawn(outer)];
            two.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let loaded = code(engine.load_source("late.lua", ""));
        on.store(false, SeqCst);
        let codes = refused.take();
        assert!(codes.iter().all(|code| Some(*code) == deep) && !codes.is_empty(), "{name}: {codes:?}");
        assert!(asked.load(SeqCst) < 40_000, "{name}: asked {} times", asked.load(SeqCst));
        assert_eq!(alone.unwrap(), 0, "{name}");
        // A thread of the check's own is another caller as any other: it may be refused while those are too many.
        let crowded = name.contains("thread of its own");
        for result in both {
            assert!(matches!(result, Ok(0)) || crowded && code(result) == deep, "{name}");
        }
        assert!(loaded.is_none() || crowded && loaded == deep, "{name}: {loaded:?}");
        assert_eq!(outer().unwrap(), 0, "{name}: afterwards");
        for plugin in plugins {
            assert_eq!(engine.call::<_, i64>(&mut (), *plugin, "run", ()).unwrap(), 7, "{name}");
        }
        engine.load_source("after.lua", "").unwrap();
    }
}

/// What is refused for its depth is as it was: store, signed set and table.
#[test]
fn a_step_that_is_too_deep_changes_nothing() {
    let area = folder(&[("p.lua", "")]);
    let digest = Package::open(&area.path().join("p.lua"), &Caps::default()).unwrap().digest();
    let mut revoking = TrustStore::default();
    revoking.revoke(Revocation::hard(Revoked::Package(digest), "it bites")).unwrap();
    let log = Arc::new(MemoryLog::default());
    let (on, levels) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (now, level, sink) = (on.clone(), levels.clone(), log.clone());
    let engine = itself(|own| {
        Engine::builder().audit(sink).check(move |_| {
            let engine = own.get().unwrap();
            if now.load(SeqCst) {
                level.fetch_add(1, SeqCst);
                // Where there is room the store is an empty one; the innermost, which is refused, would revoke.
                let empty = engine.set_trust_store(TrustStore::default());
                if empty.is_err() {
                    let error = engine.set_trust_store(revoking.clone()).unwrap_err();
                    assert_eq!((error.code(), error.is_host()), (Code::HostCheckDepth, true));
                    let set = engine.set_signed_lock(None);
                    assert!(set.refused.is_some() && set.quarantined.is_empty());
                }
            }
            Ok(())
        })
    });
    engine.load_path(area.path().join("p.lua")).unwrap();
    on.store(true, SeqCst);
    assert!(engine.set_trust_store(TrustStore::default()).unwrap().quarantined.is_empty());
    on.store(false, SeqCst);
    assert_eq!(levels.load(SeqCst), 16);
    assert_eq!(engine.plugins()[0].state, State::Loaded);
    let refused: Vec<_> = log.records().into_iter().filter(|record| record.event == Event::Refused).collect();
    // The innermost is refused thrice; those around it are not, and try no more.
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused.iter().all(|record| record.code == Some(Code::HostCheckDepth)), "{refused:?}");
    assert!(engine.load_source("q.lua", "").is_ok());
}

/// What an observer does whenever it is told of something.
type Told = fn(&Engine, &LifecycleEvent<'_>) -> Option<Code>;

/// A store that warns of the first plugin.
fn soft(engine: &Engine) -> TrustStore {
    let mut store = TrustStore::default();
    let digest = engine.plugins()[0].verdict.digest;
    store.revoke(Revocation::soft(Revoked::Package(digest), "it is old")).unwrap();
    store
}

#[test]
fn an_observer_that_is_told_of_what_it_does_comes_to_an_end() {
    let steps: [(&str, Told); 5] = [
        ("sets stores", |engine, _| {
            // Warned of each time: it is told of that, and sets it again.
            code(engine.set_trust_store(soft(engine)))
        }),
        ("loads a source", |engine, _| code(engine.load_source(&format!("{}.lua", name()), ""))),
        ("loads a folder", |engine, _| {
            let area = folder(&[(&format!("{}.lua", name()), "")]);
            code(engine.load_dir(area.path()))
        }),
        ("enables and disables", |engine, event| match (event.step, event.moment) {
            (Transition::Enable, Moment::After) => code(engine.disable(&mut (), event.handle?, Dependents::Refuse)),
            (Transition::Disable, Moment::After) => code(engine.enable_plugin(&mut (), event.handle?)),
            _ => None,
        }),
        ("hands it to a thread of its own", |engine, event| {
            // A thousand threads wait for each other then.
            (event.moment == Moment::Warned || event.step == Transition::Load).then_some(())?;
            let load = || code(engine.set_trust_store(soft(engine)));
            thread::scope(|scope| scope.spawn(load).join().unwrap())
        }),
    ];
    for (what, step) in steps {
        let (on, refused, told) = (Arc::new(AtomicBool::new(false)), Notes::default(), Arc::new(AtomicUsize::new(0)));
        let (now, codes, count) = (on.clone(), refused.clone(), told.clone());
        let engine = itself(|own| {
            Engine::builder().on_event(move |event| {
                if now.load(SeqCst) {
                    count.fetch_add(1, SeqCst);
                    step(own.get().unwrap(), event).into_iter().for_each(|code| codes.add(code));
                }
            })
        });
        let wolf = engine.load_source("wolf.lua", "function run() return 7 end").unwrap();
        on.store(true, SeqCst);
        engine.enable_plugin(&mut (), wolf).unwrap();
        assert!(engine.set_trust_store(soft(&engine)).unwrap().quarantined.is_empty(), "{what}");
        on.store(false, SeqCst);
        let codes = refused.take();
        // A plugin that is being enabled is not enabled again meanwhile, so that those need no bound of their own.
        let end = if what == "enables and disables" { Code::HostBusy } else { Code::HostCheckDepth };
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == end), "{what}: {codes:?}");
        assert!(told.load(SeqCst) < 20_000, "{what}: told {} times", told.load(SeqCst));
        assert!(engine.set_trust_store(TrustStore::default()).is_ok(), "{what}: afterwards");
        if engine.plugins()[0].state != State::Active {
            engine.enable_plugin(&mut (), wolf).unwrap();
        }
        assert_eq!(engine.call::<_, i64>(&mut (), wolf, "run", ()).unwrap(), 7, "{what}");
    }
}
