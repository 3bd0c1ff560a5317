//! Fuel repeats: the same call on the same state uses the same fuel on every run, machine and profile. `tests/fuel.toml` holds the
//! figures of each conformance case and demo mod in each backend; every profile is held against the same file, in new engines, twice
//! in one engine, on other threads, under a tracing subscriber, between other plugins, and after errors of the host's.
//!
//! `MODHOST_FUEL=write cargo test --test fuel` writes the file anew: for changes that are meant to change prices.

#![allow(clippy::unwrap_used)]

#[path = "support/suite.rs"]
mod suite;

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::Path, thread};

use modhost::{Code, Engine, Guarantee, HostFunction, Policy};
use modhost_testkit::{
    conformance::{self, Case, Played},
    world::World,
};
use suite::Side;
use toml::Table;

/// Case to backend to the fuel of each load and call.
type Figures = BTreeMap<String, BTreeMap<String, Vec<u64>>>;

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuel.toml")
}

/// Whether fuel says anything about this case in this backend. What only time ends, ends elsewhere each time.
fn counts(side: &Side, case: &Case) -> bool {
    let enforcement = side.backend.enforcement();
    enforcement.instructions != Guarantee::None
        && case.missing(&side.name()).is_none()
        && (!case.needs("interrupt") || case.name == "limit-deadline-zero")
}

fn engine(side: &Side, case: &Case) -> Engine {
    case.offer(Engine::builder()).backend(side.backend.clone()).policy(case.policy()).build().unwrap()
}

fn fuel(engine: &Engine, side: &Side, case: &Case) -> Vec<u64> {
    let played = conformance::play(engine, side.plugins(), case).unwrap();
    // Luau paces its collector by the clock, so when a hog's garbage no longer suffices differs by a few allocations. Only the part
    // that ends for it is left out.
    let by_chance = |part: &Played| {
        let code = part.result.as_ref().err().map(modhost::Error::code);
        side.name() == "lua" && code == Some(Code::LimitMemory)
    };
    played.iter().filter(|part| !by_chance(part)).map(|part| part.fuel).collect()
}

/// The fuel of every case in every backend, played by `play`.
fn figures(play: impl Fn(&Side, &Case) -> Vec<u64>) -> Figures {
    let (sides, cases) = (suite::sides(), suite::cases());
    let mut figures = Figures::new();
    for case in &cases {
        for side in sides.iter().filter(|side| counts(side, case)) {
            figures.entry(case.name.clone()).or_default().insert(side.name(), play(side, case));
        }
    }
    figures
}

/// The fuel of the demo's mods: what loading and three turns of the game use, by mod.
fn demo() -> Figures {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/demo");
    let mut figures = Figures::new();
    let engine = World::offer(Engine::builder().policy(Policy::mods())).build().unwrap();
    let mut world = World::new(7);
    let mods = engine.load_dir(folder).unwrap();
    let mut look = |engine: &Engine| {
        for info in engine.plugins() {
            let mod_ = figures.entry(format!("demo/{}", info.name)).or_default();
            mod_.entry(info.backend.to_string()).or_default().push(info.fuel);
        }
    };
    look(&engine);
    engine.enable(&mut world, &mods).unwrap();
    for round in 1..=3_i64 {
        engine.emit(&mut world, "tick", round).unwrap();
        engine.emit(&mut world, "wave", round).unwrap();
        look(&engine);
    }
    figures
}

fn text(figures: &Figures) -> String {
    let mut text = String::from(
        "# Fuel of each load and call of the conformance cases, in their order, by backend; and of the demo's mods after loading and\n\
         # after each of three turns. What dies of memory in Lua is left out. Written by tests/fuel.rs, which says how.\n",
    );
    for (case, backends) in figures {
        let _ = write!(text, "\n[\"{case}\"]\n");
        for (backend, fuel) in backends {
            let _ = writeln!(text, "{backend} = {fuel:?}");
        }
    }
    text
}

fn committed() -> Figures {
    let table: Table = fs::read_to_string(file()).unwrap().parse().unwrap();
    let numbers = |value: &toml::Value| {
        value.as_array().unwrap().iter().map(|fuel| fuel.as_integer().unwrap().cast_unsigned()).collect::<Vec<u64>>()
    };
    let backends = |value: &toml::Value| {
        value.as_table().unwrap().iter().map(|(backend, fuel)| (backend.clone(), numbers(fuel))).collect()
    };
    table.iter().map(|(case, value)| (case.clone(), backends(value))).collect()
}

/// Holds `found` against the committed figures of the same cases.
#[track_caller]
fn check(found: &Figures, way: &str) {
    let committed = committed();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (case, backends) in found {
        for (backend, fuel) in backends {
            compared += fuel.len();
            let wanted = committed.get(case).and_then(|backends| backends.get(backend));
            if wanted != Some(fuel) {
                wrong.push(format!("{backend} / {case}: {fuel:?}, the file says {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{way}: {} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= 20, "{way}: only {compared} figures were compared");
}

#[test]
fn every_figure_is_as_committed() {
    let mut found = figures(|side, case| fuel(&engine(side, case), side, case));
    found.extend(demo());
    if env::var("MODHOST_FUEL").is_ok_and(|word| word == "write") {
        fs::write(file(), text(&found)).unwrap();
    }
    check(&found, "in a new engine");
    let left: Vec<String> = committed().into_keys().filter(|case| !found.contains_key(case)).collect();
    assert_eq!(left, [""; 0], "figures of cases that there are no more");
}

#[test]
fn twice_in_one_engine() {
    check(
        &figures(|side, case| {
            let engine = engine(side, case);
            fuel(&engine, side, case);
            fuel(&engine, side, case)
        }),
        "the second time in an engine",
    );
}

#[test]
fn on_two_threads_at_once() {
    let run = || figures(|side, case| fuel(&engine(side, case), side, case));
    let (a, b) = thread::scope(|scope| {
        let (a, b) = (scope.spawn(run), scope.spawn(run));
        (a.join().unwrap(), b.join().unwrap())
    });
    check(&a, "on one thread of two");
    check(&b, "on the other");
}

#[test]
fn under_a_subscriber_that_looks_at_every_call() {
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::sink).finish();
    tracing::subscriber::with_default(subscriber, || {
        check(&figures(|side, case| fuel(&engine(side, case), side, case)), "under a subscriber");
    });
}

/// Plugins that load, work and fail beside the case's.
const OTHERS: [(&str, &str); 3] = [
    ("beside-1.lua", "local t = {} for i = 1, 5000 do t[i] = 'x' .. i end function go() neighbour.fail() end"),
    ("beside-2.rhai", "fn go() { let a = []; for i in 0..500 { a.push(`x${i}`); } neighbour::fail() }"),
    ("beside-3.wat", "(module (import \"neighbour\" \"fail\" (func $f)) (memory 3) (func (export \"go\") (call $f)))"),
];

#[test]
fn between_other_plugins_and_after_errors_of_the_host() {
    check(
        &figures(|side, case| {
            let builder = case.offer(Engine::builder()).backend(side.backend.clone()).policy(case.policy());
            let fails = HostFunction::new("neighbour.fail", || Err::<(), _>("as asked"));
            let engine = builder.host(fails).build().unwrap();
            for (name, source) in OTHERS {
                // Under a case's own limits some do not load; they ran all the same.
                if let Ok(plugin) = engine.load_source(name, source) {
                    let _ = engine.call::<_, ()>(&mut (), plugin, "go", ()).unwrap_err();
                }
            }
            fuel(&engine, side, case)
        }),
        "between others",
    );
}
