//! Many threads and hostile plugins of every language on one engine at once: loads, calls, events, suspended calls, groups and limits,
//! in an order that a seed gives each thread. No panic, no deadlock, no engine's bug; an answer and a stop reach the call they are
//! meant for; and when everything is unloaded nothing is held.
//!
//! `MODHOST_THREADS=100 cargo test -p modhost-workspace --release --test threads` plays a hundred rounds in place of one.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{
    collections::{BTreeMap, HashSet},
    env,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use modhost::{
    Code, Engine, Error, GroupLimits, HostError, HostFunction, LogLevel, PluginId, Policy, Progress, State, Ticket,
    Value,
};
use support::{folder, manifest};

const THREADS: u64 = 6;
/// Operations of one thread in one round.
const STEPS: u32 = 400;
const TEAMS: [&str; 3] = ["red", "blue", "none"];

/// Exports: `quick(n)`, `ask(n)` (waits for an answer and gives it), `spin()`, `grow()`, `shout(n)`, `fail()`, `again(id)`.
const LUA: &str = "
    local kept = {}
    function on_load() events.emit('noise', 0) end
    function on_noise(n) if n > 0 then events.emit('noise', n - 1) end return n end
    function quick(n) print(n, '\\27[31m') return n end
    function ask(n) return net.ask(n) end
    function spin() while true do pcall(game.fail) end end
    function grow() while true do kept[#kept + 1] = string.rep('x', 1000) .. #kept end end
    function shout(n) for i = 1, n do pcall(events.emit, 'noise', 1) pcall(game.locked) log.warn('a\\nb') end end
    function fail() error({ '\\27' }) end
    function again(id) return game.call(id, 'quick') end";
const RHAI: &str = "
    fn on_noise(n) { n }
    fn quick(n) { print(n); n }
    fn ask(n) { net::ask(n) }
    fn spin() { loop { try { game::fail() } catch { } } }
    fn grow() { let a = []; loop { a.push(\"x\" + a.len()); if a.len() > 900 { a = [a] } } }
    fn shout(n) { for i in 0..n { try { events::emit(\"noise\", 1) } catch { } } }
    fn fail() { throw \"\\x1b\" }
    fn again(id) { game::call(id, \"quick\") }";
const WAT: &str = r#"(module
    (import "net" "ask" (func $ask (param i64) (result i64)))
    (import "game" "fail" (func $fail))
    (memory 1)
    (func (export "on_noise") (param i64))
    (func (export "quick") (param i64) (result i64) (local.get 0))
    (func (export "ask") (param i64) (result i64) (call $ask (local.get 0)))
    (func (export "spin") (loop (br 0)))
    (func (export "grow") (loop (br_if 0 (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))) unreachable)
    (func (export "shout") (param i64) (call $fail))
    (func (export "fail") unreachable))"#;

/// What all threads share.
#[derive(Default)]
struct World {
    /// Tickets that wait for an answer.
    waiting: Mutex<Vec<Ticket>>,
    /// Tickets that were answered.
    answered: Mutex<HashSet<Ticket>>,
    /// Plugins that anybody asked to stop, or whose call was abandoned.
    stopped: Mutex<HashSet<PluginId>>,
    /// Makes each answer another.
    answers: AtomicI64,
    /// How often an operation came to its end, by what it was and came to.
    seen: Mutex<BTreeMap<String, u64>>,
    stepped: AtomicU64,
}

fn engine(world: &Arc<World>) -> Engine {
    let mut policy = Policy::mods();
    let limits = &mut policy.untrusted.limits;
    (limits.fuel, limits.memory, limits.deadline, limits.queue) = (200_000, 1 << 20, Duration::from_millis(200), 8);
    (policy.instances, policy.total_memory, policy.deliveries) = (12, 8 << 20, 20);
    let mut team = GroupLimits::default();
    (team.plugins, team.memory, team.fuel, team.queue) = (5, 4 << 20, 2_000_000, 12);
    let asked = world.clone();
    Engine::builder()
        .policy(policy)
        .group("red", team.clone())
        .group("blue", team)
        .log()
        .events()
        .grant("events.emit")
        .host(
            HostFunction::pending("net.ask", move |ticket: Ticket, n: i64| -> Result<(), HostError> {
                if n % 7 == 0 {
                    return Err(HostError::new("seven"));
                }
                asked.waiting.lock().unwrap().push(ticket);
                Ok(())
            })
            .returns::<i64>(),
        )
        .function("game.fail", || Err::<(), _>("as asked"))
        .host(HostFunction::new("game.locked", || ()).needs("game.locked"))
        .function("game.call", |id: String, export: String| {
            let engine = modhost::caller().ok_or("no caller")?.engine;
            engine.call::<_, Value>(&mut (), id.as_str(), &export, (1,)).map_err(|error| error.code().to_string())
        })
        .build()
        .unwrap()
}

/// One folder for each plugin that may be there, three of each language.
fn plugins() -> tempfile::TempDir {
    let rest = "[requires]\nnet = \"1\"\ngame = \"1\"\nevents = \"1\"\nlog = \"1\"\n[capabilities]\nrequired = [\"events.emit\"]\n\
                optional = [\"game.locked\"]\n[events]\nlisten = [\"noise\"]";
    let files: Vec<(String, String)> = (0..9)
        .flat_map(|n| {
            let (ending, source) = [("lua", LUA), ("rhai", RHAI), ("wat", WAT)][n % 3];
            let id = format!("p{n}");
            [(format!("{id}/plugin.toml"), manifest(&id, rest)), (format!("{id}/main.{ending}"), source.to_owned())]
        })
        .collect();
    folder(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

/// One thread: its own plugins by handle, everybody's by name.
struct Actor<'a> {
    engine: Engine,
    world: &'a World,
    folder: &'a Path,
    dice: fastrand::Rng,
}

impl Actor<'_> {
    /// Counts what came of `what`; nothing is ever a bug of the engine.
    #[track_caller]
    fn note<T>(&self, what: &str, plugin: Option<PluginId>, result: Result<T, Error>) -> Option<T> {
        let came = result.as_ref().map_or_else(|error| error.code().as_str(), |_| "ok");
        *self.world.seen.lock().unwrap().entry(format!("{what} {came}")).or_default() += 1;
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                assert!(error.code() != Code::InternalBug && !error.to_string().contains('\u{1b}'), "{what}: {error}");
                if error.code() == Code::CallInterrupted
                    && let Some(plugin) = plugin
                {
                    assert!(self.world.stopped.lock().unwrap().contains(&plugin), "{what}: nobody stopped {plugin}");
                }
                None
            }
        }
    }

    fn step(&mut self) {
        self.world.stepped.fetch_add(1, SeqCst);
        let (engine, world) = (self.engine.clone(), self.world);
        let name = format!("p{}", self.dice.u8(..9));
        let found = engine.find(&name);
        let team = TEAMS[self.dice.usize(..3)];
        let n = self.dice.i64(0..20);
        let Some(plugin) = found.filter(|_| self.dice.u8(..12) > 0) else {
            let path = self.folder.join(&name);
            let loaded = if team == "none" { engine.load_path(path) } else { engine.load_path_in(team, path) };
            _ = self.note("load", None, loaded);
            return;
        };
        match self.dice.u8(..40) {
            0..8 => {
                let value = self.note("quick", Some(plugin), engine.call::<_, Value>(&mut (), plugin, "quick", (n,)));
                assert!(value.is_none_or(|value| value == Value::Int(n)));
            }
            8..14 => self.ask(plugin, n),
            14..19 => self.answer(),
            19 => drop(self.note("spin", Some(plugin), engine.call::<_, Value>(&mut (), plugin, "spin", ()))),
            20 => drop(self.note("grow", Some(plugin), engine.call::<_, Value>(&mut (), plugin, "grow", ()))),
            21..24 => drop(self.note("shout", Some(plugin), engine.call::<_, Value>(&mut (), plugin, "shout", (n,)))),
            24 => drop(self.note("fail", Some(plugin), engine.call::<_, Value>(&mut (), plugin, "fail", ()))),
            25 => {
                let other = format!("p{}", n % 9);
                drop(self.note("again", None, engine.call::<_, Value>(&mut (), plugin, "again", (other,))));
            }
            26..28 => {
                let answers = self.note("emit", None, engine.emit(&mut (), "noise", n % 3)).unwrap();
                answers.failed.into_iter().for_each(|error| _ = self.note::<()>("hear", None, Err(error)));
            }
            28 => _ = self.note("deliver", None, engine.deliver(&mut ())),
            29..31 => {
                // Where another thread is unloading it already, it may still be there.
                if self.note("unload", None, engine.unload(plugin)).is_some() {
                    // Its handle means nobody from now on.
                    let after = engine.call::<_, Value>(&mut (), plugin, "quick", (n,)).unwrap_err();
                    assert_eq!(after.code(), Code::PluginNotFound);
                }
            }
            31 => _ = self.note("switch", None, engine.set_enabled(plugin, n % 4 > 0)),
            32 => _ = self.note("grant", None, engine.set_granted(plugin, "events.emit", n % 2 == 0)),
            33 => {
                if let Some(handle) = self.note("handle", None, engine.cancel_handle(plugin)) {
                    world.stopped.lock().unwrap().insert(plugin);
                    let _ = handle.cancel();
                }
            }
            34 => {
                let lines = self.note("output", None, engine.take_output(plugin)).unwrap_or_default();
                assert!(
                    lines.iter().all(|line| !line.text.contains(['\u{1b}', '\n']) && line.level >= LogLevel::Debug)
                );
            }
            35 => engine.begin_period(),
            36 => {
                let mut limits = GroupLimits::default();
                (limits.plugins, limits.fuel, limits.memory) = (5, 100_000 * n as u64, (n as u64) << 19);
                _ = self.note("limits", None, engine.set_group(if n > 9 { "red" } else { "blue" }, limits));
            }
            37 => drop(engine.remove_group("green")),
            38 => {
                if let Some(call) = self.note("prepare", None, engine.prepare::<(i64,), Value>(plugin, "quick")) {
                    drop(self.note("prepared", Some(plugin), call.call(&mut (), (n,))));
                }
            }
            _ => {
                let (totals, plugins, groups) = (engine.totals(), engine.plugins(), engine.groups());
                assert!(totals.plugins <= 12 && plugins.len() <= 12 && groups.len() >= 2);
                assert!(groups.iter().all(|group| group.plugins <= 5), "{groups:?}");
            }
        }
    }

    fn ask(&mut self, plugin: PluginId, n: i64) {
        let result = self.engine.start::<_, Value>(&mut (), plugin, "ask", (n,));
        drop(self.note("ask", Some(plugin), result));
    }

    /// Answers any ticket that waits, or one that did, or ends its call.
    fn answer(&mut self) {
        let ticket = {
            let mut waiting = self.world.waiting.lock().unwrap();
            if waiting.is_empty() {
                return;
            }
            let at = self.dice.usize(..waiting.len());
            if self.dice.bool() { waiting[at] } else { waiting.swap_remove(at) }
        };
        let given = self.world.answers.fetch_add(1, SeqCst);
        if self.dice.u8(..8) == 0 {
            // Whose it is nobody tells: all that are there may be stopped by it.
            self.world.stopped.lock().unwrap().extend(self.engine.plugins().iter().map(|plugin| plugin.plugin));
            if self.note("abandon", None, self.engine.abandon(ticket)).is_some() {
                assert!(self.world.answered.lock().unwrap().insert(ticket), "abandoned after it was answered");
            }
            return;
        }
        if let Some(progress) =
            self.note("answer", None, self.engine.resume::<_, Value>(&mut (), ticket, Ok::<_, HostError>(given)))
        {
            assert!(self.world.answered.lock().unwrap().insert(ticket), "answered twice");
            assert_eq!(progress, Progress::Done(Value::Int(given)));
        }
    }
}

/// Plays a round with `seed` and unloads everything by hand.
fn round(seed: u64, seen: &mut BTreeMap<String, u64>) {
    let world = Arc::new(World::default());
    let (engine, folder) = (engine(&world), plugins());
    thread::scope(|scope| {
        for lane in 0..THREADS {
            let (engine, world, folder) = (engine.clone(), &*world, folder.path());
            scope.spawn(move || {
                let dice = fastrand::Rng::with_seed(seed * THREADS + lane);
                let mut actor = Actor { engine, world, folder, dice };
                (0..STEPS).for_each(|_| actor.step());
            });
        }
    });
    assert_eq!(world.stepped.load(SeqCst), THREADS * u64::from(STEPS));
    for plugin in engine.plugins() {
        assert!(
            matches!(plugin.state, State::Loaded | State::Active | State::Disabled | State::Failed),
            "{}",
            plugin.state
        );
        engine.unload(plugin.plugin).unwrap();
    }
    let left = engine.deliver(&mut ()).unwrap();
    assert_eq!((left.delivered, left.left), (0, 0), "an event of an unloaded plugin, seed {seed}");
    let totals = engine.totals();
    let held = (totals.plugins, totals.memory, totals.queued, engine.suspended());
    assert_eq!(held, (0, 0, 0, 0), "seed {seed}: {totals:?}");
    for group in engine.groups() {
        assert_eq!((group.plugins, group.memory, group.queued), (0, 0, 0), "seed {seed}: {group:?}");
    }
    for (what, count) in std::mem::take(&mut *world.seen.lock().unwrap()) {
        *seen.entry(what).or_default() += count;
    }
}

#[test]
fn everything_at_once_and_nothing_is_lost() {
    let rounds = env::var("MODHOST_THREADS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let mut seen = BTreeMap::new();
    (0..rounds).for_each(|seed| round(seed, &mut seen));
    println!("{seen:#?}");
    // What a round is worth nothing without.
    for what in [
        "load ok",
        "quick ok",
        "ask ok",
        "answer ok",
        "answer host.stale-handle",
        "spin limit.fuel",
        "unload ok",
        "shout ok",
        "emit ok",
        "output ok",
    ] {
        assert!(seen.contains_key(what), "nobody came to `{what}`: {seen:?}");
    }
}
