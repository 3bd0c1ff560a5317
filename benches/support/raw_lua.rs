//! Luau by hand: cached functions, tables with room made beforehand, raw gets and sets.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use mlua::{Function, Lua, StdLib, Table, VmState};

use crate::support::{LUA, Raw, Unit};

/// A state, and what the policy `mods` would have it held to.
pub(crate) struct RawLua {
    lua: Lua,
    noop: Function,
    add: Function,
    echo: Function,
    host: Function,
    fuel: Option<Arc<AtomicU64>>,
}

/// The libraries that plugins get.
pub(crate) fn libraries() -> StdLib {
    StdLib::COROUTINE
        | StdLib::TABLE
        | StdLib::STRING
        | StdLib::UTF8
        | StdLib::MATH
        | StdLib::BIT
        | StdLib::BUFFER
        | StdLib::VECTOR
}

impl RawLua {
    pub(crate) fn new(armed: bool) -> Self {
        let lua = Lua::new_with(libraries(), mlua::LuaOptions::default()).unwrap();
        let game = lua.create_table().unwrap();
        game.set("twice", lua.create_function(|_, n: i64| Ok(n * 2)).unwrap()).unwrap();
        lua.globals().set("game", game).unwrap();
        lua.sandbox(true).unwrap();
        lua.load(LUA).exec().unwrap();
        let fuel = armed.then(|| arm(&lua));
        let function = |name: &str| lua.globals().get::<Function>(name).unwrap();
        let [noop, add, echo, host] = ["noop", "add", "echo", "host"].map(function);
        RawLua { lua, noop, add, echo, host, fuel }
    }

    fn refill(&self) {
        if let Some(fuel) = &self.fuel {
            fuel.store(10_000_000, Relaxed);
        }
    }
}

/// Memory and fuel as mlua can hold them.
pub(crate) fn arm(lua: &Lua) -> Arc<AtomicU64> {
    lua.set_memory_limit(64 << 20).unwrap();
    let fuel = Arc::new(AtomicU64::new(0));
    let left = fuel.clone();
    lua.set_interrupt(move |_| {
        let now = left.load(Relaxed);
        left.store(now.saturating_sub(1), Relaxed);
        if now == 0 { Err(mlua::Error::runtime("out of fuel")) } else { Ok(VmState::Continue) }
    });
    fuel
}

impl Raw for RawLua {
    fn noop(&mut self) {
        self.refill();
        self.noop.call(()).unwrap()
    }
    fn add(&mut self, a: i64, b: i64) -> i64 {
        self.refill();
        self.add.call((a, b)).unwrap()
    }
    fn add_by_name(&mut self, a: i64, b: i64) -> i64 {
        self.refill();
        self.lua.globals().get::<Function>("add").unwrap().call((a, b)).unwrap()
    }
    fn text(&mut self, text: &str) -> String {
        self.refill();
        self.echo.call(text).unwrap()
    }
    fn record(&mut self, unit: &Unit) -> Unit {
        self.refill();
        let table = self.lua.create_table_with_capacity(0, 10).unwrap();
        table.raw_set("alive", unit.alive).unwrap();
        table.raw_set("hp", unit.hp).unwrap();
        table.raw_set("id", unit.id).unwrap();
        table.raw_set("kind", unit.kind.as_str()).unwrap();
        table.raw_set("level", unit.level).unwrap();
        table.raw_set("name", unit.name.as_str()).unwrap();
        table.raw_set("side", unit.side.as_str()).unwrap();
        table.raw_set("speed", unit.speed).unwrap();
        table.raw_set("x", unit.x).unwrap();
        table.raw_set("y", unit.y).unwrap();
        let back: Table = self.echo.call(table).unwrap();
        Unit {
            alive: back.raw_get("alive").unwrap(),
            hp: back.raw_get("hp").unwrap(),
            id: back.raw_get("id").unwrap(),
            kind: back.raw_get("kind").unwrap(),
            level: back.raw_get("level").unwrap(),
            name: back.raw_get("name").unwrap(),
            side: back.raw_get("side").unwrap(),
            speed: back.raw_get("speed").unwrap(),
            x: back.raw_get("x").unwrap(),
            y: back.raw_get("y").unwrap(),
        }
    }
    fn host(&mut self) -> i64 {
        self.refill();
        self.host.call(()).unwrap()
    }
}
