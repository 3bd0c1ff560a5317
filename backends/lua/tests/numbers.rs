//! Odd numbers to every library function: NaN, infinities, what a 32-bit integer does not hold, negatives and fractions, in every
//! place, as an argument and through metamethods. No way takes 100 ms beyond its deadline, none holds more memory than its limit,
//! none crashes. `numbers.lua` drives; a function of a new Luau without a row there fails.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use modhost_backend::{Value, rig::Rig};
use modhost_lua::LuaBackend;

const MEMORY: u64 = 64 << 20;
/// How long one way may run before it is asked to stop, and how long after that it may go on.
const DEADLINE: Duration = Duration::from_millis(30);
const BEYOND: Duration = Duration::from_millis(100);

/// How often a way may be slow: a busy machine makes any of them slow once.
const SLOW: u32 = 3;

/// The way that is tried, since when, and the slowest of those before it.
#[derive(Default)]
struct Progress {
    trying: Option<(i64, Instant)>,
    slowest: Option<(Duration, i64)>,
}

impl Progress {
    fn next(&mut self, way: Option<i64>) {
        if let Some((before, since)) = self.trying.take() {
            self.slowest = self.slowest.max(Some((since.elapsed(), before)));
        }
        self.trying = way.map(|way| (way, Instant::now()));
    }
}

type Trying = Arc<Mutex<Progress>>;

fn load(fuel: u64, trying: &Trying) -> Rig {
    let trying = trying.clone();
    Rig::builder()
        .limits(|limits| (limits.fuel, limits.memory) = (fuel, MEMORY))
        .host("bench.at", "(way: int)", move |args| {
            if let Value::Int(way) = args[0] {
                trying.lock().unwrap().next(Some(way));
            }
            Ok(Value::Nil)
        })
        .file("main.lua", include_str!("numbers.lua"))
        .file("lib.lua", "return {}")
        .load(&LuaBackend::new())
        .unwrap()
}

fn names(value: &Value, which: &str) -> BTreeSet<String> {
    let Value::Map(map) = value else { panic!("{value:?}") };
    let Some(Value::List(names)) = map.get(which) else { panic!("{value:?}") };
    names.iter().map(|name| if let Value::Str(name) = name { name.to_string() } else { panic!("{name:?}") }).collect()
}

#[test]
fn every_library_function_has_a_row() {
    let found = load(10_000_000, &Trying::default()).call("names", &[]).unwrap();
    let (there, rows) = (names(&found, "there"), names(&found, "rows"));
    assert!(there.len() > 100, "{there:?}");
    assert_eq!(there, rows, "a function without a row in numbers.lua, or a row without a function");
}

/// Asks the way that is tried to stop when its time is over, as the watchdog of an engine does.
fn watch(trying: &Trying, overdue: impl Fn(), done: &AtomicBool) {
    while !done.load(Relaxed) {
        thread::sleep(Duration::from_millis(1));
        if trying.lock().unwrap().trying.is_some_and(|(_, since)| since.elapsed() > DEADLINE) {
            overdue();
        }
    }
}

/// Tries every way of `function` under `fuel`, a new instance after each that hit a limit. Gives how many ways there are, and
/// how many of them were ended.
fn check(function: &str, fuel: u64) -> (i64, i64) {
    let (mut from, mut ended, mut slow) = (1, 0, 0);
    loop {
        let trying = Trying::default();
        let mut rig = load(fuel, &trying);
        let (overdue, done) = (rig.overdue(), AtomicBool::new(false));
        let (result, last, slowest) = thread::scope(|scope| {
            scope.spawn(|| watch(&trying, overdue, &done));
            let result = rig.call("drive", &[Value::from(function), Value::Int(from)]);
            done.store(true, Relaxed);
            let mut progress = trying.lock().unwrap();
            let last = progress.trying.map_or(from, |(way, _)| way);
            progress.next(None);
            (result, last, progress.slowest)
        });
        let held = rig.instance.memory_used().unwrap();
        assert!(held as u64 <= MEMORY + (2 << 20), "{function}, way {last}: holds {held} bytes");
        if let Some((took, way)) = slowest.filter(|(took, _)| *took > DEADLINE + BEYOND) {
            slow += 1;
            assert!(slow < SLOW, "{function}, way {way}: took {took:?} under a deadline of {DEADLINE:?}");
            from = way;
            continue;
        }
        slow = 0;
        match result {
            Ok(Value::Int(ways)) => return (ways, ended),
            // What was left of the fuel was too little for it, perhaps: it is tried again with all of it.
            Err(fault) if fault.code() == "limit.fuel" && last > from => from = last,
            Err(fault) if fault.code().starts_with("limit.") => (from, ended) = (last + 1, ended + 1),
            other => panic!("{function} from way {from}, at {last}: {other:?}"),
        }
    }
}

/// Every way of every function under `fuel`. Some must have hit a limit, or nothing was tried.
fn sweep(fuel: u64, fewest: i64) {
    let found = load(fuel, &Trying::default()).call("names", &[]).unwrap();
    let mut sum = (0, 0);
    for function in names(&found, "there") {
        let (ways, ended) = check(&function, fuel);
        sum = (sum.0 + ways, sum.1 + ended);
    }
    assert!(sum.0 > 30_000 && sum.1 > fewest, "{} ways, of which {} were ended", sum.0, sum.1);
}

#[test]
fn no_number_outlasts_its_deadline() {
    sweep(1 << 50, 100);
}

#[test]
fn no_number_outlasts_its_fuel() {
    sweep(200_000, 100);
}

/// What `body` gives, and the fuel it takes, in a state of its own that has made `before` objects.
fn run(body: &str, host: u64, before: u32) -> (Value, u64) {
    let source = format!("local kept = {{}} for at = 1, {before} do kept[at] = {{}} end function f() {body} end");
    let mut rig = Rig::builder().seed(host).file("main.lua", source).load(&LuaBackend::new()).unwrap();
    (rig.call("f", &[]).unwrap(), rig.usage().fuel)
}

#[test]
fn chance_comes_from_the_seed_alone() {
    let walk = |keys: &str| {
        format!(
            "local t, n = {{}}, 0 for i = 1, 64 do t[{keys}] = i end t[true] = 7 for _, v in t do n = n * 3 % 1009 + v end \
             for i = 1, n do end return n"
        )
    };
    let dice = "for i = 1, math.random(1, 100000) do end return math.random(1, 1e6)".to_owned();
    for body in [dice.clone(), walk("'key' .. i"), walk("i * 7.5"), walk("-i")] {
        let first = run(&body, 0, 0);
        for before in [0, 1, 5000] {
            assert_eq!(run(&body, 0, before), first, "{body} after {before} objects");
        }
    }
    assert_ne!(run(&dice, 1, 0), run(&dice, 0, 0), "a host's seed makes no difference");
    // The same in each process: this very number.
    assert_eq!(run("return math.random(1, 1e6)", 0, 0).0, Value::Int(793_462));
}

/// Moves, insertions and removals in tables with holes, against what Luau's manual says of them, written in Lua. `false` where
/// one differs.
const REFERENCE: &str = "
local function tables()
  local dense, holes, far, wide = {}, {}, {}, table.create(40, 'w')
  for i = 1, 20 do dense[i] = i end
  for i = 1, 40, 3 do holes[i] = i end
  for i = -20, 20, 2 do far[i] = i end
  local powers = {} for i = 0, 8 do powers[2 ^ i] = i end
  return { dense, holes, far, wide, powers, {} }
end
local function same(a, b)
  for k, v in a do if b[k] ~= v then return false end end
  for k, v in b do if a[k] ~= v then return false end end
  return true
end
local function move(a, f, e, t, b)
  local kept = {}
  for i = f, e do kept[i] = a[i] end
  for i = f, e do b[t + i - f] = kept[i] end
end
function f()
  local tried = 0
  for n = 1, 6 do for m = 0, 6 do for _, first in { -21, -3, 1, 2, 19 } do for _, count in { 0, 1, 5, 37 } do
    for _, to in { -30, -4, 1, 3, 20, 41 } do
      local a, b = tables(), tables()
      local into = m > 0 and a[m] or nil
      if table.move(a[n], first, first + count - 1, to, into) ~= (into or a[n]) then return false end
      move(b[n], first, first + count - 1, to, b[m > 0 and m or n])
      if not same(a[n], b[n]) or m > 0 and not same(a[m], b[m]) then return false end
      tried += 1
    end
  end end end end
  for n = 1, 6 do for at = -1, 300, 7 do
    local a, b = tables()[n], tables()[n]
    local last = #b
    if at >= 1 and at <= last then
      local gone = b[at]
      move(b, at + 1, last, at, b) b[last] = nil
      if table.remove(a, at) ~= gone or not same(a, b) then return false end
    end
    a, b = tables()[n], tables()[n]
    last = #b
    if at >= 1 and at <= last then move(b, at, last, at + 1, b) end
    b[at] = 'new'
    table.insert(a, at, 'new')
    if not same(a, b) then return false end
    tried += 1
  end end
  return tried
end";

#[test]
fn what_moves_outside_of_arrays_arrives() {
    let limits = |limits: &mut modhost_backend::Limits| (limits.fuel, limits.memory) = (1 << 40, MEMORY);
    let mut rig = Rig::builder().limits(limits).file("main.lua", REFERENCE).load(&LuaBackend::new()).unwrap();
    assert_eq!(rig.call("f", &[]).unwrap(), Value::Int(5304));
}
