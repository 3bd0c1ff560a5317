//! A headless battle whose rules, waves, movement and weather come from mods: `cargo run --release --example skirmish`.
//!
//! It is fought twice: under the policy `mods`, where everything runs in a sandbox, and under `development`, where turbo-sim runs as
//! native code. Both battles take the same course to the letter. One mod is hostile; see what becomes of it.

#![allow(clippy::print_stdout)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use modhost::{
    Call, Engine, Mods, PluginId, Policy,
    audit::{Event, MemoryLog},
};
use modhost_testkit::world::{Unit, World};

/// One round, in seconds.
const ROUND: f64 = 1.0;
/// The battle ends after so many rounds at the latest.
const ROUNDS: i64 = 40;

fn main() -> modhost::Result<()> {
    modhost::worker::entry();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/demo");
    let staged = stage(&demo.join("turbo-sim"));

    println!("== Under the policy `mods`: nobody vouches for these mods, so all of them are sandboxed\n");
    let sandboxed = battle(&demo, Policy::mods(), true)?;

    println!("\n== Under the policy `development`: the same battle, with turbo-sim as native code\n");
    match staged {
        Ok(library) => println!("(staged {})\n", library.display()),
        Err(reason) => println!("(no native build: {reason}; the wasm build serves again)\n"),
    }
    let mut policy = Policy::development();
    policy.untrusted.limits = Policy::mods().untrusted.limits;
    let native = battle(&demo, policy, false)?;

    assert_eq!(sandboxed.chronicle, native.chronicle, "both builds of turbo-sim move units alike");
    println!("\nBoth battles took the same course: {} events, the same to the letter.", native.chronicle.len());
    Ok(())
}

/// What the game calls each round, settled once.
struct Rules {
    damage: Call<(Unit, Unit), i64>,
    bonus: Call<(i64,), i64>,
    advance: Call<(f64, f64, f64), f64>,
    sight: Call<(), f64>,
}

impl Rules {
    fn of(engine: &Engine) -> modhost::Result<Self> {
        Ok(Rules {
            damage: engine.prepare("base-rules", "damage")?,
            bonus: engine.prepare("wolfpack", "bonus")?,
            advance: engine.prepare("turbo-sim", "advance")?,
            sight: engine.prepare("weather", "sight")?,
        })
    }
}

/// Fights the battle and tells its course.
fn battle(demo: &Path, policy: Policy, tell: bool) -> modhost::Result<World> {
    let log = Arc::new(MemoryLog::default());
    let engine = World::offer(Engine::builder())
        .policy(policy)
        .grant("world.spawn")
        .grant("world.hurt")
        .audit(log.clone())
        .build()?;
    let mods = engine.load_dir(demo)?;
    println!("{mods}\n");

    let mut world = World::new(2026);
    for error in engine.enable(&mut world, &mods)?.failed {
        println!("not enabled: {error}");
    }
    let rules = Rules::of(&engine)?;
    for round in 1..=ROUNDS {
        if count(&world, "player") == 0 || round > 13 && count(&world, "wild") == 0 {
            break;
        }
        for error in engine.emit(&mut world, "tick", round)?.failed {
            world.note(format!("! {}: {}", error.plugin().unwrap_or("?"), error.message()));
        }
        if round <= 12 && round % 3 == 1 {
            engine.emit(&mut world, "wave", round / 3 + 1)?;
        }
        fight(&mut world, &rules)?;
        world.time += ROUND;
    }
    let (player, wild) = (count(&world, "player"), count(&world, "wild"));
    world.note(format!("after {} s: {player} stand for the player, {wild} for the wild", world.time));
    if tell {
        world.chronicle.iter().for_each(|line| println!("  {line}"));
        println!();
    }
    costs(&engine, &mods);
    fate(&engine, &mods, &log);
    Ok(world)
}

fn count(world: &World, side: &str) -> usize {
    world.units.iter().filter(|unit| unit.side == side).count()
}

/// Everybody moves towards the nearest enemy, or strikes if within reach.
fn fight(world: &mut World, rules: &Rules) -> modhost::Result<()> {
    let sight = rules.sight.call(world, ())?;
    for id in world.units.iter().map(|unit| unit.id).collect::<Vec<_>>() {
        let Ok(unit) = world.unit(id).cloned() else { continue };
        let distance = |other: &Unit| (other.x - unit.x).abs();
        let enemies = world.units.iter().filter(|other| other.side != unit.side);
        let Some(enemy) = enemies.min_by(|a, b| distance(a).total_cmp(&distance(b))).cloned() else { continue };
        let reach = if unit.kind == "archer" { sight } else { 1.5 };
        if distance(&enemy) > reach {
            let x = rules.advance.call(world, (unit.x, enemy.x, ROUND))?;
            if let Ok(unit) = world.unit(id) {
                unit.x = x;
            }
            continue;
        }
        let pack = world.units.iter().filter(|other| other.kind == "wolf").count() as i64;
        let bonus = if unit.kind == "wolf" { rules.bonus.call(world, (pack,))? } else { 0 };
        let damage = rules.damage.call(world, (unit.clone(), enemy.clone()))? + bonus;
        // The enemy may have fallen to a mod in the meantime: then the blow goes into the air.
        let _ = world.hurt(enemy.id, damage);
    }
    Ok(())
}

/// What each mod cost.
fn costs(engine: &Engine, mods: &Mods) {
    println!("mod          backend  calls       fuel     memory  state");
    for plugin in engine.plugins() {
        let memory = plugin.memory.map_or("unknown".into(), |bytes| {
            if bytes < 10_240 { format!("{bytes} B") } else { format!("{} KiB", bytes / 1024) }
        });
        println!(
            "{:12} {:7} {:6} {:10} {memory:>10}  {}",
            plugin.name, plugin.backend, plugin.calls, plugin.fuel, plugin.state
        );
    }
    debug_assert_eq!(mods.loaded.len(), engine.plugins().len());
}

/// What became of the hostile mod.
fn fate(engine: &Engine, mods: &Mods, log: &MemoryLog) {
    let Some(hostile) = mods.find("berserker") else { return };
    for record in log.records() {
        if record.event == Event::LimitHit {
            let code = record.code.map_or("?", modhost::Code::as_str);
            println!("\n{} hit a limit and is gone: {code}: {}", record.plugin, record.detail);
        }
    }
    let again = call_again(engine, hostile);
    println!("called once more, it answers: {again}");
}

fn call_again(engine: &Engine, plugin: PluginId) -> String {
    let result: modhost::Result<modhost::Value> = engine.call(&mut World::new(0), plugin, "on_tick", (99_i64,));
    result.map_or_else(|error| error.to_string(), |value| format!("{value:?}"))
}

/// Copies the native build of turbo-sim, which cargo made beside this example, into the mod's folder.
fn stage(into: &Path) -> Result<PathBuf, String> {
    let name = format!("{}modhost_demo_turbo_sim{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let exe = env::current_exe().map_err(|error| error.to_string())?;
    let profile = exe.parent().and_then(Path::parent).ok_or("the example lies in no target folder")?;
    let built = [profile.join("deps").join(&name), profile.join(&name)];
    let built = built.iter().find(|path| path.is_file()).ok_or(format!("{name} was not built"))?;
    // Written beside and renamed: a battle that runs at the same time never reads half a library.
    let (target, fresh) = (into.join(&name), into.join(format!(".{name}.{}", std::process::id())));
    fs::copy(built, &fresh).and_then(|_| fs::rename(&fresh, &target)).map_err(|error| error.to_string())?;
    Ok(target)
}
