//! 10,000 random operations on plugins' lives, from several threads: each thread's plugins against a reference model, and all threads
//! on the same plugins against the rules that hold in any order.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{thread, time::Duration};

use modhost::{Change, Code, Dependents, Engine, PluginId, Policy, State, Stopped, Transition};
use support::{folder, manifest};
use tempfile::TempDir;

const THREADS: usize = 4;
const OPERATIONS: usize = 2_500;

/// A small generator of its own: the same operations in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// A family, which hears a topic of its own, so that no other thread's event finds it busy: `x0`; `x1`, which needs `x0`; `x2`, which needs `x1`; `x3`, which needs `x1` and cannot be enabled.
const NEEDS: [&[usize]; 4] = [&[], &[0], &[1], &[1]];

fn family(name: &str) -> TempDir {
    let mut files = Vec::new();
    for (at, needs) in NEEDS.iter().enumerate() {
        let needs: String = needs.iter().map(|need| format!("{name}{need} = \"*\"\n")).collect();
        let rest = format!("[dependencies]\n{needs}[events]\nlisten = [\"dusk.{name}\"]");
        let refuses = if at == 3 { "error('no')" } else { "" };
        let source = format!(
            "function on_enable() {refuses} end function on_disable() if heard == 3 then error('no') end end heard = 0 function on_unload() error('no') end function on_dusk_{name}() heard = heard + 1 end function run() return 1 end function spin() while true do end end"
        );
        files.push((format!("{name}{at}/plugin.toml"), manifest(&format!("{name}{at}"), &rest)));
        files.push((format!("{name}{at}/main.lua"), source));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    folder(&files)
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Load,
    Enable,
    Disable(Dependents),
    Switch(bool),
    Unload(Dependents),
    Call,
    Spin,
    Quarantine,
    Emit,
}

fn operation(random: &mut Random) -> Operation {
    let dependents = [Dependents::Refuse, Dependents::Cascade][random.below(2)];
    match random.below(20) {
        0..=5 => Operation::Load,
        6..=9 => Operation::Enable,
        10 | 11 => Operation::Disable(dependents),
        12 => Operation::Switch(random.below(2) == 0),
        13 | 14 => Operation::Unload(dependents),
        15 | 16 => Operation::Call,
        17 if random.below(2) == 0 => Operation::Spin,
        18 if random.below(2) == 0 => Operation::Quarantine,
        17 | 18 => Operation::Unload(Dependents::Cascade),
        _ => Operation::Emit,
    }
}

/// Does it: the code, or what was disabled or unloaded, in order.
fn perform(engine: &Engine, area: &TempDir, id: &str, operation: Operation) -> Result<Vec<String>, Code> {
    let names = |stopped: Stopped| stopped.plugins.into_iter().map(|(_, name)| name).collect();
    let none = Vec::new();
    match operation {
        Operation::Load => engine.load_path(area.path().join(id)).map(|_| none),
        Operation::Enable => engine.enable_plugin(&mut (), id).map(|()| none),
        Operation::Disable(dependents) => engine.disable(&mut (), id, dependents).map(names),
        Operation::Switch(on) => engine.set_enabled(id, on).map(|()| none),
        Operation::Unload(dependents) => engine.unload_with(&mut (), id, dependents).map(names),
        Operation::Call => engine.call::<_, i64>(&mut (), id, "run", ()).map(|_| none),
        Operation::Spin => engine.call::<_, ()>(&mut (), id, "spin", ()).map(|()| none),
        Operation::Quarantine => engine.quarantine(id, "at random").map(|()| none),
        Operation::Emit => engine.emit(&mut (), &format!("dusk.{}", &id[..1]), 1).map(|_| none),
    }
    .map_err(|error| error.code())
}

/// The reference: where each plugin of one family stands, `None` for one that is not there.
#[derive(Clone, Debug, Default)]
struct Model {
    stands: [Option<State>; NEEDS.len()],
    /// When each was loaded last.
    loaded: [usize; NEEDS.len()],
    loads: usize,
}

impl Model {
    /// What uses `at`, directly or not, and is in a state that counts: last first.
    fn users(&self, at: usize, counts: &[State]) -> Vec<usize> {
        let mut users = vec![at];
        for (other, needs) in NEEDS.iter().enumerate().skip(at + 1) {
            let counted = self.stands[other].is_some_and(|state| counts.contains(&state));
            if counted && needs.iter().any(|need| users.contains(need)) {
                users.push(other);
            }
        }
        users.remove(0);
        users.sort_by_key(|at| std::cmp::Reverse(self.loaded[*at]));
        users
    }

    fn perform(&mut self, at: usize, operation: Operation) -> Result<Vec<usize>, Code> {
        use State::{Active, Disabled, Failed, Loaded, Quarantined};
        let none = Vec::new();
        if matches!(operation, Operation::Emit) {
            return Ok(none);
        }
        let Some(state) = self.stands[at] else {
            if !matches!(operation, Operation::Load) {
                return Err(Code::PluginNotFound);
            }
            if NEEDS[at].iter().any(|need| self.stands[*need].is_none()) {
                return Err(Code::ResolveMissing);
            }
            self.loads += 1;
            (self.stands[at], self.loaded[at]) = (Some(Loaded), self.loads);
            return Ok(none);
        };
        let dead = match state {
            Failed => Some(Code::PluginKilled),
            Quarantined => Some(Code::PluginQuarantined),
            _ => None,
        };
        match operation {
            Operation::Load => Err(Code::PackageDuplicate),
            Operation::Switch(on) => {
                if let (Loaded | Active, false) | (Loaded | Disabled, true) = (state, on) {
                    self.stands[at] = Some(if on { Active } else { Disabled });
                }
                Ok(none)
            }
            Operation::Unload(dependents) => {
                let mut goes = self.users(at, &[Loaded, Active, Disabled]);
                if !goes.is_empty() && dependents == Dependents::Refuse {
                    return Err(Code::LifecycleDependents);
                }
                goes.push(at);
                goes.iter().for_each(|at| self.stands[*at] = None);
                Ok(goes)
            }
            Operation::Quarantine if state != Quarantined => {
                self.stands[at] = Some(Quarantined);
                Ok(none)
            }
            _ if dead.is_some() => Err(dead.unwrap()),
            Operation::Enable if state == Active => Err(Code::LifecycleIllegal),
            Operation::Enable if NEEDS[at].iter().any(|need| self.stands[*need] != Some(Active)) => {
                Err(Code::LifecycleDependency)
            }
            Operation::Enable if at == 3 => Err(Code::ScriptRaised),
            Operation::Enable => {
                self.stands[at] = Some(Active);
                Ok(none)
            }
            Operation::Disable(_) if state == Disabled => Err(Code::LifecycleIllegal),
            Operation::Disable(dependents) => {
                let mut goes = self.users(at, &[Active]);
                if !goes.is_empty() && dependents == Dependents::Refuse {
                    return Err(Code::LifecycleDependents);
                }
                goes.push(at);
                goes.iter().for_each(|at| self.stands[*at] = Some(Disabled));
                Ok(goes)
            }
            _ if state == Disabled => Err(Code::PluginDisabled),
            Operation::Spin => {
                self.stands[at] = Some(Failed);
                Err(Code::LimitFuel)
            }
            _ => Ok(none),
        }
    }
}

fn engine() -> Engine {
    let mut policy = Policy::mods();
    let limits = &mut policy.untrusted.limits;
    (limits.fuel, limits.deadline, limits.queue) = (5_000, Duration::from_secs(3600), 1 << 20);
    Engine::builder().policy(policy).build().unwrap()
}

fn stands(engine: &Engine, id: &str) -> Option<State> {
    engine.plugins().into_iter().find(|plugin| plugin.name == id).map(|plugin| plugin.state)
}

/// Every change is one that a step leads to, and those of one plugin follow each other.
fn check(history: &[Change]) {
    let mut handles: Vec<PluginId> = history.iter().filter_map(|change| change.plugin).collect();
    handles.dedup();
    for change in history {
        let led = Transition::ALL.iter().any(|step| change.from.after(*step) == Ok(change.to));
        assert!(led, "{change:?}");
    }
    for handle in handles {
        let own: Vec<&Change> = history.iter().filter(|change| change.plugin == Some(handle)).collect();
        for pair in own.windows(2) {
            assert_eq!(pair[0].to, pair[1].from, "{history:#?}");
        }
    }
}

/// When nothing is loaded nothing is held.
fn nothing_is_left(engine: &Engine) {
    let stopped = engine.unload_all(&mut ());
    assert!(stopped.running.is_empty(), "{stopped:?}");
    engine.deliver(&mut ()).unwrap();
    let totals = engine.totals();
    assert_eq!((totals.plugins, totals.memory, totals.queued, engine.suspended()), (0, 0, 0, 0));
}

#[test]
fn random_operations_do_what_the_model_says() {
    let engine = engine();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let engine = &engine;
            scope.spawn(move || {
                let name = ["a", "b", "c", "d"][thread];
                let (area, mut random, mut model) = (family(name), Random(thread as u64 + 1), Model::default());
                let id = |at: usize| format!("{name}{at}");
                let mut changed = 0;
                for step in 0..OPERATIONS {
                    let (at, operation) = (random.below(NEEDS.len()), operation(&mut random));
                    let before = model.clone();
                    let expected = model.perform(at, operation).map(|gone| gone.into_iter().map(id).collect());
                    let found = perform(engine, &area, &id(at), operation);
                    assert_eq!(found, expected, "step {step}: {operation:?} of {} in {before:?}", id(at));
                    changed += usize::from(before.stands != model.stands);
                    for at in 0..NEEDS.len() {
                        assert_eq!(
                            stands(engine, &id(at)),
                            model.stands[at],
                            "step {step}: {operation:?} in {before:?}"
                        );
                    }
                }
                assert!(changed > OPERATIONS / 8, "too much of it was refused: {changed}");
                (0..NEEDS.len()).for_each(|at| check(&engine.history(id(at).as_str())));
            });
        }
    });
    nothing_is_left(&engine);
}

#[test]
fn threads_that_fight_over_plugins_keep_the_rules() {
    let (engine, area) = (engine(), family("x"));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (engine, area) = (&engine, &area);
            scope.spawn(move || {
                let mut random = Random(thread as u64 + 77);
                for _ in 0..OPERATIONS {
                    let (at, operation) = (random.below(NEEDS.len()), operation(&mut random));
                    let code = perform(engine, area, &format!("x{at}"), operation).err();
                    let right = match code.map(Code::as_str) {
                        None | Some("host.busy" | "call.interrupted" | "script.raised" | "limit.fuel" | "resolve.missing") => true,
                        Some(code) => {
                            ["plugin.", "lifecycle.", "package.duplicate"].iter().any(|c| code.starts_with(c))
                        }
                    };
                    assert!(right, "{operation:?} gives {code:?}");
                }
            });
        }
    });
    (0..NEEDS.len()).for_each(|at| check(&engine.history(format!("x{at}").as_str())));
    nothing_is_left(&engine);
}
