//! What a running call holds, estimated: the variables of its frames, weighed when a variable is defined or given
//! a value. Rhai has no hook for allocations, but it tells of these, and shows the frame.

use std::mem::size_of;

use rhai::{Dynamic, FnPtr, Scope};

use crate::{characters::Characters, limits::VALUE_DEPTH, stack};

/// What one node of a value weighs.
const NODE: u64 = size_of::<Dynamic>() as u64;
/// What a container, text or function has beside its elements: its allocation.
const BOX: u64 = 64;
/// What an entry of a map has beside key and value: its share of a tree's nodes, which are half empty.
const ENTRY: u64 = 80;
/// What a map with one entry has more than that: a node has room for eleven.
const TREE: u64 = 400;
/// Texts up to this length are part of what points to them.
const SHORT: usize = 23;

/// The weight of `value` in bytes; `None` if it is nested deeper than [`VALUE_DEPTH`].
pub(crate) fn weight(value: &Dynamic) -> Option<u64> {
    let mut total = 0;
    add(value, VALUE_DEPTH, &mut total).then_some(total)
}

fn add(value: &Dynamic, depth: usize, total: &mut u64) -> bool {
    *total += NODE;
    let Some(depth) = depth.checked_sub(1) else { return false };
    if value.is_int() || value.is_float() || value.is_bool() || value.is_unit() || value.is_char() {
        return true;
    }
    *total += BOX;
    if let Ok(text) = value.as_immutable_string_ref() {
        *total += heap(text.len());
    } else if let Ok(items) = value.as_array_ref() {
        // What was removed left its place behind.
        *total += (items.capacity() - items.len()) as u64 * NODE;
        return items.iter().all(|item| add(item, depth, total));
    } else if let Ok(map) = value.as_map_ref() {
        *total += if map.is_empty() { 0 } else { TREE };
        return map.iter().all(|(key, item)| {
            *total += ENTRY + heap(key.len());
            add(item, depth, total)
        });
    } else if let Ok(bytes) = value.as_blob_ref() {
        *total += bytes.capacity() as u64;
    } else if let Some(function) = value.read_lock::<FnPtr>() {
        *total += BOX;
        return function.iter_curry().all(|captured| add(captured, depth, total));
    } else if let Some(characters) = value.read_lock::<Characters>() {
        *total += heap(characters.text().len());
    }
    true
}

/// Bytes beside it of a text of `length`, which grows by doubling.
fn heap(length: usize) -> u64 {
    if length > SHORT { 16 + length as u64 + length as u64 / 2 } else { 0 }
}

/// The memory limit is exceeded, or a value is nested too deeply to be weighed.
#[derive(Debug)]
pub(crate) struct TooMuch;

#[derive(Debug)]
struct Frame {
    level: usize,
    /// The native stack used when it was first seen.
    stack: usize,
    /// Its first entry in [`Ledger::weights`].
    start: usize,
    /// The weight of its `this`, when last weighed.
    this: u64,
    /// What its variables and their parts were given since it was weighed: an upper bound of what it holds more.
    given: u64,
    /// How often.
    times: u64,
    /// The fuel used when all of it was last weighed, and its weight then.
    weighed: (u64, u64),
}

/// A value weighs at most this part of the memory limit; the plugin's own state, `this`, may be heavier.
pub(crate) const HEAVIEST: u64 = 128;
/// What a method is taken to add to its object, whatever its arguments weigh.
pub(crate) const METHOD: u64 = 16 << 10;
/// A frame may be seen first from within an expression, which lies deeper than its other statements.
const MARGIN: usize = 16 << 10;
/// How many values a frame may be given before it is weighed.
const TIMES: u64 = 128;

/// A frame of the running call, as Rhai's callbacks show it.
pub(crate) struct Shown<'a> {
    /// How many calls it is nested in.
    pub(crate) level: usize,
    /// Its variables.
    pub(crate) scope: &'a Scope<'a>,
    /// Its `this`.
    pub(crate) this: Option<&'a Dynamic>,
    /// The fuel that the call has used.
    pub(crate) fuel: u64,
}

/// The weights of the variables of all frames of the running call.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    frames: Vec<Frame>,
    weights: Vec<u64>,
    /// Of all frames.
    total: u64,
}

impl Ledger {
    /// A call begins: nothing is held.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.weights.clear();
        self.total = 0;
    }

    /// What the frames hold is held on, and others follow.
    pub(crate) fn keep(&mut self) {
        self.frames.clear();
        self.weights.clear();
    }

    /// What the frames weigh.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The call stands where it uses `used` bytes of native stack: frames that began well below have been left.
    pub(crate) fn left(&mut self, used: usize) {
        while let Some(left) = self.frames.pop_if(|frame| frame.stack > used + MARGIN) {
            self.total -= left.this + left.given;
            self.cut(left.start);
        }
    }

    /// A variable is about to be defined: weighs what was defined since, and now and then all of the frame again, so that
    /// weighing costs no more than running.
    pub(crate) fn define(&mut self, shown: &Shown<'_>, limit: u64) -> Result<(), TooMuch> {
        let (fuel, weight) = self.frame(shown).weighed;
        self.weigh(shown, limit, shown.fuel > fuel + weight / NODE)
    }

    /// A value of `weight` is about to be given to a variable or a part of one; true: the frame was weighed, and so the
    /// single values are to be looked at too.
    pub(crate) fn give(&mut self, shown: &Shown<'_>, weight: u64, limit: u64) -> Result<bool, TooMuch> {
        let weight = weight + ENTRY;
        let frame = self.frame(shown);
        frame.given += weight;
        frame.times += 1;
        let due = frame.given > frame.weighed.1.max(limit / 256) || frame.times >= TIMES;
        self.total += weight;
        if due || self.total > limit {
            return self.weigh(shown, limit, true).map(|()| true);
        }
        Ok(false)
    }

    /// The running frame; those that were left are forgotten.
    fn frame(&mut self, shown: &Shown<'_>) -> &mut Frame {
        while let Some(left) = self.frames.pop_if(|frame| frame.level > shown.level) {
            self.total -= left.this + left.given;
            self.cut(left.start);
        }
        if self.frames.last().is_none_or(|frame| frame.level < shown.level) {
            let (level, start) = (shown.level, self.weights.len());
            let stack = stack::used();
            self.frames.push(Frame { level, stack, start, this: 0, given: 0, times: 0, weighed: (shown.fuel, 0) });
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn weigh(&mut self, shown: &Shown<'_>, limit: u64, all: bool) -> Result<(), TooMuch> {
        let frame = self.frame(shown);
        let start = frame.start;
        if all {
            let before = frame.this + frame.given;
            (frame.given, frame.times) = (0, 0);
            frame.this = shown.this.map_or(Some(0), weight).ok_or(TooMuch)?;
            let now = frame.this;
            self.total = self.total - before + now;
        }
        self.cut(if all { start } else { start + shown.scope.len() });
        let known = self.weights.len() - start;
        // The scope is read from its newest variable back.
        for (_, _, value) in shown.scope.iter_raw().take(shown.scope.len() - known) {
            let weight = weight(value).ok_or(TooMuch)?;
            stack::note(weight);
            if weight > limit / HEAVIEST {
                return Err(TooMuch);
            }
            self.weights.push(weight);
            self.total += weight;
        }
        self.weights[start + known..].reverse();
        if all {
            let variables: u64 = self.weights[start..].iter().sum();
            let frame = self.frame(shown);
            frame.weighed = (shown.fuel, frame.this + variables);
        }
        if self.total > limit { Err(TooMuch) } else { Ok(()) }
    }

    /// Forgets the weights from `start` on.
    fn cut(&mut self, start: usize) {
        if start < self.weights.len() {
            self.total -= self.weights.drain(start..).sum::<u64>();
        }
    }
}
