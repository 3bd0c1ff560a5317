//! wasmi by hand: typed functions, and bytes at a fixed place of the guest's memory, which is the fastest there is. A record is its fields
//! one after the other, which host and guest would have to agree on for every type, or JSON, which is what most hosts do.
#![allow(dead_code, clippy::unwrap_used)]

use wasmi::{Config, Engine, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TypedFunc};

use crate::support::{Raw, Unit, WAT};

/// Where the host writes.
const PLACE: usize = 1024;

/// A store and its functions.
pub(crate) struct RawWasm {
    store: Store<StoreLimits>,
    instance: wasmi::Instance,
    memory: Memory,
    noop: TypedFunc<(), ()>,
    add: TypedFunc<(i64, i64), i64>,
    echo: TypedFunc<(i32, i32), i64>,
    host: TypedFunc<(), i64>,
    armed: bool,
    buffer: Vec<u8>,
}

/// An engine, metered where `armed`.
pub(crate) fn engine(armed: bool) -> Engine {
    let mut config = Config::default();
    config.consume_fuel(armed);
    Engine::new(&config)
}

/// A store for `engine` with an instance of `module`.
pub(crate) fn instantiate(engine: &Engine, module: &Module, armed: bool) -> (Store<StoreLimits>, wasmi::Instance) {
    let limits = StoreLimitsBuilder::new().memory_size(64 << 20).build();
    let mut store = Store::new(engine, limits);
    if armed {
        store.limiter(|limits| limits);
        store.set_fuel(10_000_000).unwrap();
    }
    let mut linker = Linker::new(engine);
    linker.func_wrap("game", "twice", |n: i64| n * 2).unwrap();
    let instance = linker.instantiate_and_start(&mut store, module).unwrap();
    (store, instance)
}

impl RawWasm {
    pub(crate) fn new(armed: bool) -> Self {
        let engine = engine(armed);
        let module = Module::new(&engine, &wat::parse_str(WAT).unwrap()[..]).unwrap();
        let (store, instance) = instantiate(&engine, &module, armed);
        RawWasm {
            memory: instance.get_memory(&store, "memory").unwrap(),
            noop: instance.get_typed_func(&store, "noop").unwrap(),
            add: instance.get_typed_func(&store, "add").unwrap(),
            echo: instance.get_typed_func(&store, "raw_echo").unwrap(),
            host: instance.get_typed_func(&store, "host").unwrap(),
            store,
            instance,
            armed,
            buffer: Vec::new(),
        }
    }

    fn refill(&mut self) {
        if self.armed {
            self.store.set_fuel(10_000_000).unwrap();
        }
    }

    /// Passes `buffer` through the guest and lends what came back.
    fn through(&mut self) -> &[u8] {
        self.refill();
        let len = self.buffer.len();
        self.memory.data_mut(&mut self.store)[PLACE..PLACE + len].copy_from_slice(&self.buffer);
        let packed = self.echo.call(&mut self.store, (PLACE as i32, len as i32)).unwrap() as u64;
        let (at, len) = ((packed >> 32) as usize, packed as u32 as usize);
        &self.memory.data(&self.store)[at..at + len]
    }

    pub(crate) fn record_by_json(&mut self, unit: &Unit) -> Unit {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, unit).unwrap();
        serde_json::from_slice(self.through()).unwrap()
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn take<'a>(from: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (head, tail) = from.split_at(len);
    *from = tail;
    head
}

fn take_text(from: &mut &[u8]) -> String {
    let len = u32::from_le_bytes(take(from, 4).try_into().unwrap());
    std::str::from_utf8(take(from, len as usize)).unwrap().to_owned()
}

fn take_int(from: &mut &[u8]) -> i64 {
    i64::from_le_bytes(take(from, 8).try_into().unwrap())
}

fn take_float(from: &mut &[u8]) -> f64 {
    f64::from_le_bytes(take(from, 8).try_into().unwrap())
}

impl Raw for RawWasm {
    fn noop(&mut self) {
        self.refill();
        self.noop.call(&mut self.store, ()).unwrap();
    }
    fn add(&mut self, a: i64, b: i64) -> i64 {
        self.refill();
        self.add.call(&mut self.store, (a, b)).unwrap()
    }
    fn add_by_name(&mut self, a: i64, b: i64) -> i64 {
        self.refill();
        let add = self.instance.get_typed_func::<(i64, i64), i64>(&self.store, "add").unwrap();
        add.call(&mut self.store, (a, b)).unwrap()
    }
    fn text(&mut self, text: &str) -> String {
        self.buffer.clear();
        self.buffer.extend_from_slice(text.as_bytes());
        std::str::from_utf8(self.through()).unwrap().to_owned()
    }
    fn record(&mut self, unit: &Unit) -> Unit {
        let out = &mut self.buffer;
        out.clear();
        out.push(unit.alive.into());
        for int in [unit.hp, unit.id, unit.level] {
            out.extend_from_slice(&int.to_le_bytes());
        }
        for float in [unit.speed, unit.x, unit.y] {
            out.extend_from_slice(&float.to_le_bytes());
        }
        for text in [&unit.kind, &unit.name, &unit.side] {
            put_text(out, text);
        }
        let mut back = self.through();
        let alive = take(&mut back, 1)[0] != 0;
        let [hp, id, level] = [0; 3].map(|_| take_int(&mut back));
        let [speed, x, y] = [0; 3].map(|_| take_float(&mut back));
        let [kind, name, side] = [0; 3].map(|_| take_text(&mut back));
        Unit { alive, hp, id, kind, level, name, side, speed, x, y }
    }
    fn host(&mut self) -> i64 {
        self.refill();
        self.host.call(&mut self.store, ()).unwrap()
    }
}
