//! A small deterministic battlefield and the host functions through which mods act on it: the contract of the demo.

use modhost::{FromValue, HostFunction, IntoValue};

/// One fighter.
#[derive(Clone, Debug, FromValue, IntoValue, PartialEq)]
pub struct Unit {
    /// Its number, from 1, in the order of spawning.
    pub id: u64,
    /// Whose it is: `player` or `wild`.
    pub side: String,
    /// What it is: `knight`, `wolf`, ...
    pub kind: String,
    /// Where it stands on the line between the sides, in tiles.
    pub x: f64,
    /// What it can still take; it falls at 0.
    pub hp: i64,
    /// What it deals.
    pub attack: i64,
}

/// The battlefield: the state that the host lends to its functions.
///
/// ```
/// use modhost::Engine;
/// use modhost_testkit::world::World;
///
/// let engine = World::offer(Engine::builder()).grant("world.spawn").build()?;
/// let mut world = World::new(7);
/// let mod_ = engine.load_source("wave.lua", "function dusk() return world.spawn('wild', 'wolf', 9, 12, 3) end")?;
/// let id: u64 = engine.call(&mut world, mod_, "dusk", ())?;
/// assert_eq!((id, world.units.len()), (1, 1));
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// Who is on the field, in the order of their numbers.
    pub units: Vec<Unit>,
    /// Seconds since the battle began.
    pub time: f64,
    /// What happened, in order.
    pub chronicle: Vec<String>,
    next: u64,
    dice: u64,
}

/// The most units on the field: a mod must not fill the host's memory through the host's own functions.
const CROWD: usize = 200;
/// The most lines of the chronicle, for the same reason.
const PAGES: usize = 2000;

impl World {
    /// An empty field; equal seeds roll equal dice.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        World { units: Vec::new(), time: 0.0, chronicle: Vec::new(), next: 1, dice: seed }
    }

    /// Puts a unit on the field and returns its number.
    ///
    /// # Errors
    /// When the field is crowded, the side unknown or a number out of range.
    pub fn spawn(&mut self, side: &str, kind: &str, x: f64, hp: i64, attack: i64) -> Result<u64, String> {
        if !matches!(side, "player" | "wild") {
            return Err(format!("there is no side `{side}`: player or wild"));
        }
        if self.units.len() >= CROWD {
            return Err(format!("the field holds {CROWD} units"));
        }
        if !x.is_finite() || !(1..=1000).contains(&hp) || !(0..=1000).contains(&attack) || kind.len() > 40 {
            return Err("x must be finite, hp 1 to 1000, attack 0 to 1000, kind at most 40 bytes".into());
        }
        let id = self.next;
        self.next += 1;
        self.units.push(Unit { id, side: side.into(), kind: kind.into(), x, hp, attack });
        self.note(format!("{kind} {id} joins {side}"));
        Ok(id)
    }

    /// The unit with this number.
    ///
    /// # Errors
    /// When it has fallen or never was.
    pub fn unit(&mut self, id: u64) -> Result<&mut Unit, String> {
        self.units.iter_mut().find(|unit| unit.id == id).ok_or_else(|| format!("there is no unit {id}"))
    }

    /// Takes `amount` from a unit's hp, or gives it back where negative; at 0 it falls. Returns what is left.
    ///
    /// # Errors
    /// When there is no such unit.
    pub fn hurt(&mut self, id: u64, amount: i64) -> Result<i64, String> {
        let unit = self.unit(id)?;
        unit.hp = unit.hp.saturating_sub(amount).min(1000);
        let (left, name) = (unit.hp, format!("{} {id}", unit.kind));
        if left <= 0 {
            self.units.retain(|unit| unit.id != id);
            self.note(format!("{name} falls"));
        }
        Ok(left.max(0))
    }

    /// A number from 1 to `sides`, the same for the same seed and history (SplitMix64, Steele et al. 2014).
    pub fn roll(&mut self, sides: i64) -> i64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1).unsigned_abs()) as i64 + 1
    }

    /// Adds a line to the chronicle.
    pub fn note(&mut self, line: String) {
        if self.chronicle.len() < PAGES {
            self.chronicle.push(line);
        }
    }

    /// Offers the contracts `world`, `dice` and `log` of the battlefield to plugins.
    pub fn offer(builder: modhost::Builder) -> modhost::Builder {
        World::functions().into_iter().fold(builder.contract("world", "1.0.0"), modhost::Builder::host)
    }

    /// The battlefield's host functions.
    #[must_use]
    pub fn functions() -> Vec<HostFunction> {
        vec![
            HostFunction::new(
                "world.spawn",
                |world: &mut World, side: String, kind: String, x: f64, hp: i64, attack: i64| {
                    world.spawn(&side, &kind, x, hp, attack)
                },
            )
            .params(["side", "kind", "x", "hp", "attack"])
            .needs("world.spawn")
            .doc("Puts a unit on the field and returns its number."),
            HostFunction::new("world.hurt", |world: &mut World, id: u64, amount: i64| world.hurt(id, amount))
                .params(["id", "amount"])
                .needs("world.hurt")
                .doc("Takes `amount` hp from a unit (gives it back where negative) and returns what is left."),
            HostFunction::new("world.units", |world: &mut World, side: String| {
                world.units.iter().filter(|unit| unit.side == side).cloned().collect::<Vec<Unit>>()
            })
            .params(["side"])
            .doc("The units of a side, in the order of their numbers."),
            HostFunction::new("world.time", |world: &mut World| world.time).doc("Seconds since the battle began."),
            HostFunction::new("dice.roll", |world: &mut World, sides: i64| world.roll(sides))
                .params(["sides"])
                .doc("A number from 1 to `sides`; the same in every run."),
            HostFunction::new("log.say", |world: &mut World, text: String| {
                let plugin = modhost::caller().map(|caller| caller.plugin).unwrap_or_default();
                world.note(format!("{plugin}: {}", modhost::audit::escape(&text, 200)));
            })
            .params(["text"])
            .doc("Adds a line to the chronicle."),
        ]
    }
}
