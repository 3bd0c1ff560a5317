//! What a running call holds, estimated: the variables of its frames, weighed when a variable is defined. Rhai has no hook
//! for allocations, but it announces each `let`, with the variables defined before.

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
    /// The fuel used when all its variables were last weighed, and their number then.
    weighed: (u64, u64),
}

/// The weights of the variables of all frames of the running call.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    frames: Vec<Frame>,
    weights: Vec<u64>,
    total: u64,
}

impl Ledger {
    /// A call begins: nothing is held.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.weights.clear();
        self.total = 0;
    }

    /// A variable is about to be defined at `level`, in `scope`, when the call has used `fuel`: weighs what was defined
    /// since, and now and then all of the frame again, so that weighing costs no more than running.
    pub(crate) fn define(&mut self, level: usize, scope: &Scope<'_>, fuel: u64, limit: u64) -> Result<(), TooMuch> {
        while self.frames.last().is_some_and(|frame| frame.level > level) {
            let start = self.frames.pop().map_or(0, |frame| frame.start);
            self.cut(start);
        }
        if self.frames.last().is_none_or(|frame| frame.level < level) {
            self.frames.push(Frame { level, start: self.weights.len(), weighed: (fuel, 0) });
        }
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let start = frame.start;
        let again = fuel > frame.weighed.0 + frame.weighed.1 / NODE;
        self.cut(if again { start } else { start + scope.len() });
        let known = self.weights.len() - start;
        // The scope is read from its newest variable back.
        for (_, _, value) in scope.iter_raw().take(scope.len() - known) {
            let weight = weight(value).ok_or(TooMuch)?;
            self.weights.push(weight);
            self.total += weight;
        }
        self.weights[start + known..].reverse();
        if again && let Some(frame) = self.frames.last_mut() {
            frame.weighed = (fuel, self.weights[start..].iter().sum());
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
