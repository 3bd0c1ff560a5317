//! What a running call holds, estimated: the variables of its frames, weighed when a variable is defined or a
//! part of a container assigned. Rhai has no hook for allocations, but it tells of these, and shows the frame.

use std::mem::size_of;

use rhai::{Dynamic, FnPtr, Scope};

use crate::limits::VALUE_DEPTH;

/// What one node of a value weighs.
const NODE: u64 = size_of::<Dynamic>() as u64;
/// What a container or text has beside its elements: its allocation.
const BOX: u64 = 48;
/// What an entry of a map has beside key and value: its share of a tree's node.
const ENTRY: u64 = 40;

/// The weight of `value` in bytes; `None` if it is nested deeper than [`VALUE_DEPTH`].
pub(crate) fn weight(value: &Dynamic) -> Option<u64> {
    let mut total = 0;
    add(value, VALUE_DEPTH, &mut total).then_some(total)
}

fn add(value: &Dynamic, depth: usize, total: &mut u64) -> bool {
    *total += NODE;
    let Some(depth) = depth.checked_sub(1) else { return false };
    if let Ok(text) = value.as_immutable_string_ref() {
        *total += BOX + text.len() as u64;
    } else if let Ok(items) = value.as_array_ref() {
        *total += BOX;
        return items.iter().all(|item| add(item, depth, total));
    } else if let Ok(map) = value.as_map_ref() {
        *total += BOX;
        return map.iter().all(|(key, item)| {
            *total += ENTRY + key.len() as u64;
            add(item, depth, total)
        });
    } else if let Ok(bytes) = value.as_blob_ref() {
        *total += BOX + bytes.len() as u64;
    } else if let Some(function) = value.read_lock::<FnPtr>() {
        *total += BOX;
        return function.iter_curry().all(|captured| add(captured, depth, total));
    }
    true
}

/// The memory limit is exceeded, or a value is nested too deeply to be weighed.
#[derive(Debug)]
pub(crate) struct TooMuch;

#[derive(Debug)]
struct Frame {
    level: usize,
    /// Its first entry in [`Ledger::weights`].
    start: usize,
    /// The weight of its `this`, when last looked at.
    this: u64,
    /// The fuel used when all its variables were last weighed, and their weight then.
    weighed: (u64, u64),
}

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
    total: u64,
    /// Bytes assigned to parts of containers, and how often, since the frame was weighed.
    assigned: (u64, u64),
}

/// How many values may be assigned to parts of containers before all are weighed.
const ASSIGNMENTS: u64 = 128;

impl Ledger {
    /// A call begins: nothing is held.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.weights.clear();
        self.total = 0;
        self.assigned = (0, 0);
    }

    /// A variable is about to be defined: weighs what was defined since, and now and then all of the frame again, so that
    /// weighing costs no more than running.
    pub(crate) fn define(&mut self, shown: &Shown<'_>, limit: u64) -> Result<(), TooMuch> {
        self.weigh(shown, limit, false)
    }

    /// A value of `weight` is about to be assigned to a part of a container; true: the frame was weighed, and so the
    /// single values are to be looked at too.
    pub(crate) fn assign(&mut self, shown: &Shown<'_>, weight: u64, limit: u64) -> Result<bool, TooMuch> {
        let (bytes, times) = self.assigned;
        self.assigned = (bytes + weight + ENTRY, times + 1);
        if bytes < limit / 16 && times < ASSIGNMENTS {
            return Ok(false);
        }
        self.weigh(shown, limit, true).map(|()| true)
    }

    fn weigh(&mut self, shown: &Shown<'_>, limit: u64, all: bool) -> Result<(), TooMuch> {
        while self.frames.last().is_some_and(|frame| frame.level > shown.level) {
            if let Some(frame) = self.frames.pop() {
                self.total -= frame.this;
                self.cut(frame.start);
            }
        }
        if self.frames.last().is_none_or(|frame| frame.level < shown.level) {
            let (level, start) = (shown.level, self.weights.len());
            self.frames.push(Frame { level, start, this: 0, weighed: (shown.fuel, 0) });
        }
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let start = frame.start;
        let all = all || shown.fuel > frame.weighed.0 + frame.weighed.1 / NODE;
        if all {
            self.total -= frame.this;
            frame.this = shown.this.map_or(Some(0), weight).ok_or(TooMuch)?;
            self.total += frame.this;
            self.assigned = (0, 0);
        }
        self.cut(if all { start } else { start + shown.scope.len() });
        let known = self.weights.len() - start;
        // The scope is read from its newest variable back.
        for (_, _, value) in shown.scope.iter_raw().take(shown.scope.len() - known) {
            let weight = weight(value).ok_or(TooMuch)?;
            self.weights.push(weight);
            self.total += weight;
        }
        self.weights[start + known..].reverse();
        if all && let Some(frame) = self.frames.last_mut() {
            frame.weighed = (shown.fuel, frame.this + self.weights[start..].iter().sum::<u64>());
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
