//! Safepoints within straight-line code. Luau looks at the meter at calls, returns and back edges only, and one instruction
//! may take milliseconds if its operands are long texts. This file bounds what stands between two safepoints, in compiled
//! code, before Luau loads it; [`crate::modules`] calls it.
//!
//! 1. Each instruction has a weight: the longest that it may take, in tenths of a millisecond, measured with an optimised Luau on one
//!    core of a 2.5 GHz server with the longest texts that a plugin gets under 256 MiB.
//! 2. A function in which no path from safepoint to safepoint weighs more than [`MOST`] stays as the compiler made it. Nearly
//!    all functions do.
//! 3. Otherwise the source is compiled once more with a mark before each statement (Luau's `COVERAGE` instruction), and if
//!    that is not enough, before each expression. A mark becomes a jump to the next instruction that looks at the meter
//!    (`JUMPBACK`) where much has come together, elsewhere nothing (`NOP`). No instruction moves, so lines and jumps stay true.
//! 4. The function is taken from that code, all others from the first. Both agree in everything outside of functions.
//! 5. What is still beyond [`REFUSED`] is one enormous expression, and the source is refused.
//!
//! No mark is used where Luau's stack top is open, between a call or `...` that gives any number of values and what takes
//! them, nor in the instructions that stand in for a fast call: there Luau clears or skips what a safepoint might need.
//!
//! The form of compiled code is that of the Luau that is vendored. Whatever else is found is refused as a bug of ours.

use std::ops::Range;

use modhost_backend::{Fault, Place};

/// The most that may stand between two safepoints: 40 ms.
const MOST: u32 = 400;
/// A mark becomes a safepoint where this much stands before it.
const ENOUGH: u32 = MOST / 2;
/// Beyond this a source is refused: 80 ms in one expression.
const REFUSED: u32 = 800;
/// A mark becomes a safepoint, too, where more texts than this have been joined.
const FEW: u32 = 4;
/// The version of compiled code, and of the types in it.
const VERSION: [u8; 2] = [9, 3];

/// Reading a text as a number, of those that [`crate::numeral`] lets live: 0.9 ms.
const NUMBER: u32 = 9;
/// Two texts of 32 MiB that differ at their end.
const COMPARE: u32 = 33;
/// What makes a text: 32 MiB are joined in 53 ms, but the allocator refuses that to a call that is over.
const JOIN: u32 = 100;
/// Copying a million values, as many as Luau's stack holds.
const SPREAD: u32 = 50;
/// Looking a key up, where many were chosen to collide.
const LOOK_UP: u32 = 2;

/// How close safepoints stand.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Density {
    /// Only where needed.
    #[default]
    Needed,
    /// At each mark of each expression, for tests.
    Everywhere,
}

/// Luau's instructions by number, as far as they matter here.
mod op {
    pub(super) const NOP: u8 = 0;
    pub(super) const LOADB: u8 = 3;
    pub(super) const LOADN: u8 = 4;
    pub(super) const LOADK: u8 = 5;
    pub(super) const GETGLOBAL: u8 = 7;
    pub(super) const SETGLOBAL: u8 = 8;
    pub(super) const GETIMPORT: u8 = 12;
    pub(super) const GETTABLEKS: u8 = 15;
    pub(super) const SETTABLEKS: u8 = 16;
    pub(super) const SETTABLEN: u8 = 18;
    pub(super) const NAMECALL: u8 = 20;
    pub(super) const CALL: u8 = 21;
    pub(super) const RETURN: u8 = 22;
    pub(super) const JUMP: u8 = 23;
    pub(super) const JUMPBACK: u8 = 24;
    pub(super) const JUMPIFEQ: u8 = 27;
    pub(super) const JUMPIFLE: u8 = 28;
    pub(super) const JUMPIFNOTEQ: u8 = 30;
    pub(super) const JUMPIFNOTLT: u8 = 32;
    pub(super) const ADD: u8 = 33;
    pub(super) const POW: u8 = 38;
    pub(super) const ADDK: u8 = 39;
    pub(super) const POWK: u8 = 44;
    pub(super) const CONCAT: u8 = 49;
    pub(super) const MINUS: u8 = 51;
    pub(super) const LENGTH: u8 = 52;
    pub(super) const NEWTABLE: u8 = 53;
    pub(super) const DUPTABLE: u8 = 54;
    pub(super) const SETLIST: u8 = 55;
    pub(super) const FORNPREP: u8 = 56;
    pub(super) const FORNLOOP: u8 = 57;
    pub(super) const FORGLOOP: u8 = 58;
    pub(super) const FORGPREP_INEXT: u8 = 59;
    pub(super) const FASTCALL3: u8 = 60;
    pub(super) const FORGPREP_NEXT: u8 = 61;
    pub(super) const GETVARARGS: u8 = 63;
    pub(super) const LOADKX: u8 = 66;
    pub(super) const JUMPX: u8 = 67;
    pub(super) const FASTCALL: u8 = 68;
    pub(super) const COVERAGE: u8 = 69;
    pub(super) const SUBRK: u8 = 71;
    pub(super) const DIVRK: u8 = 72;
    pub(super) const FASTCALL1: u8 = 73;
    pub(super) const FASTCALL2: u8 = 74;
    pub(super) const FASTCALL2K: u8 = 75;
    pub(super) const FORGPREP: u8 = 76;
    pub(super) const JUMPXEQKNIL: u8 = 77;
    pub(super) const JUMPXEQKS: u8 = 80;
    pub(super) const IDIV: u8 = 81;
    pub(super) const IDIVK: u8 = 82;
}

/// Builtins that a fast call may run long in. All others take numbers as they are, or look at one value.
mod builtin {
    pub(super) const STRING_SUB: u8 = 45;
    pub(super) const TABLE_UNPACK: u8 = 53;
    pub(super) const TONUMBER: u8 = 62;
}

/// Compiles by `compile`, which is given how many marks are wanted (0 none, 1 at statements, 2 at expressions), and bounds
/// what stands between two safepoints. `path` is for the refusal.
pub(crate) fn bounded(
    path: &str,
    density: Density,
    mut compile: impl FnMut(u8) -> Result<Vec<u8>, Fault>,
) -> Result<Vec<u8>, Fault> {
    let unknown = || Fault::bug("this version of Luau compiles to a form that is not known");
    let everywhere = density == Density::Everywhere;
    let mut base = compile(0)?;
    let mut file = File::read(&base).ok_or_else(unknown)?;
    let mut left = Vec::new();
    for (at, function) in file.functions.iter().enumerate() {
        let worst = walk(&function.words(&base), None).ok_or_else(unknown)?;
        if everywhere || worst.cost > MOST {
            left.push(at);
        }
    }
    let mut bodies: Vec<Option<Vec<u8>>> = vec![None; file.functions.len()];
    for level in [1, 2] {
        if left.is_empty() {
            break;
        }
        if everywhere && level == 1 {
            continue;
        }
        let marked = compile(level)?;
        let other = File::read(&marked).ok_or_else(unknown)?;
        if !file.matches(&base, &other, &marked) {
            // Constants of the two do not agree, so the functions cannot be mixed.
            (base, file) = (marked.clone(), other.clone());
            left = (0..file.functions.len()).collect();
            bodies = vec![None; left.len()];
        }
        let mut unbounded = Vec::new();
        for at in left {
            let function = other.functions.get(at).ok_or_else(unknown)?;
            let mut words = function.words(&marked);
            let mut marks = Vec::new();
            let worst = walk(&words, Some((&mut marks, everywhere))).ok_or_else(unknown)?;
            for (mark, safepoint) in marks {
                if let Some(word) = words.get_mut(mark) {
                    *word = u32::from(if safepoint { op::JUMPBACK } else { op::NOP });
                }
            }
            if level == 2 && worst.cost > REFUSED {
                let fault = Fault::compile(
                    "this expression does too much before the host can stop it; split it into several statements",
                );
                return Err(match function.line(&marked, worst.at) {
                    Some(line) => fault.at(Place::line(path, line)),
                    None => fault.at(Place::file(path)),
                });
            }
            if let Some(body) = bodies.get_mut(at) {
                *body = Some(function.with(&marked, &words).ok_or_else(unknown)?);
            }
            if worst.cost > MOST {
                unbounded.push(at);
            }
        }
        left = unbounded;
    }
    if bodies.iter().all(Option::is_none) {
        return Ok(base);
    }
    file.assemble(&base, &bodies).ok_or_else(unknown)
}

/// The worst that stands between two safepoints of a function.
#[derive(Clone, Copy, Debug, Default)]
struct Worst {
    cost: u32,
    /// The instruction that ends it.
    at: usize,
}

/// What may have happened since the last safepoint.
#[derive(Clone, Copy, Debug)]
struct Since {
    cost: u32,
    /// How many texts were joined to one that nobody has looked at. Each of them was within the bounds of [`crate::numeral`],
    /// so what was joined takes so many times as long to be read as a number.
    joined: u32,
}

impl Default for Since {
    fn default() -> Self {
        Since { cost: 0, joined: 1 }
    }
}

impl Since {
    fn join(self, other: Self) -> Self {
        Since { cost: self.cost.max(other.cost), joined: self.joined.max(other.joined) }
    }
}

/// Goes through a function once, in order: between safepoints control goes forwards only. If marks are asked for, says of each
/// what becomes of it (true: a safepoint), where `always` makes one wherever one may stand. `None`: unknown code.
fn walk(words: &[u32], mut marks: Option<(&mut Vec<(usize, bool)>, bool)>) -> Option<Worst> {
    // What comes in by jumps, by instruction.
    let mut coming: Vec<Option<Since>> = vec![None; words.len()];
    let (mut worst, mut now) = (Worst::default(), Some(Since::default()));
    // The stack top is open; the end of what stands in for a fast call; the register that holds a constant.
    let (mut open, mut stand_in, mut constant) = (false, 0, None);
    let mut pc = 0;
    while let Some(&word) = words.get(pc) {
        let [code, a, b, c] = word.to_le_bytes();
        let jumps = i64::from((word.cast_signed()) >> 16);
        let length = length(code)?;
        let aux = if length == 2 { *words.get(pc + 1)? } else { 0 };
        let arrives = coming.get(pc).copied().flatten();
        if arrives.is_some() {
            constant = None;
        }
        let mut since = match (now, arrives) {
            (Some(now), Some(other)) => now.join(other),
            (now, other) => now.or(other).unwrap_or_default(),
        };
        let compares_constant = constant.is_some_and(|register| register == u32::from(a) || register == aux);
        let costs = match code {
            op::JUMPIFLE..=op::JUMPIFNOTLT if code != op::JUMPIFNOTEQ && !compares_constant => COMPARE,
            op::FASTCALL | op::FASTCALL1..=op::FASTCALL2K | op::FASTCALL3 => match a {
                builtin::STRING_SUB => JOIN,
                builtin::TABLE_UNPACK => SPREAD,
                builtin::TONUMBER => NUMBER,
                _ => 1,
            },
            op::NEWTABLE => {
                let keyed = if b == 0 { 0 } else { 1_u32.checked_shl(u32::from(b) - 1)? };
                1 + (aux.saturating_add(keyed) >> 12)
            }
            op::GETVARARGS if b == 0 => SPREAD,
            _ => weight(code),
        };
        let times = if reads_numbers(code, a) { since.joined } else { 1 };
        since.cost = since.cost.saturating_add(costs.saturating_mul(times));
        if code == op::CONCAT {
            since.joined = since.joined.saturating_mul(u32::from(c.checked_sub(b)?) + 1);
        }
        if since.cost > worst.cost {
            (worst.cost, worst.at) = (since.cost, pc);
        }
        if code == op::COVERAGE {
            let may = !open && pc >= stand_in;
            let wanted = since.joined > FEW || since.cost >= ENOUGH;
            if let Some((marks, always)) = &mut marks {
                marks.push((pc, may && (wanted || *always)));
                if may && wanted {
                    since = Since::default();
                }
            }
        }
        let is_safepoint =
            matches!(code, op::CALL | op::RETURN | op::JUMPBACK | op::JUMPX | op::FORNLOOP | op::FORGLOOP);
        if is_safepoint {
            since = Since::default();
        }
        open = match code {
            op::CALL => c == 0,
            op::GETVARARGS => b == 0,
            op::RETURN | op::SETLIST => false,
            _ => open,
        };
        constant = match code {
            op::LOADN | op::LOADK => Some(u32::from(a)),
            op::COVERAGE | op::NOP => constant,
            _ => None,
        };
        let next = i64::try_from(pc).ok()? + 1;
        let target = match code {
            op::JUMP..=op::JUMPIFNOTLT
            | op::FORNPREP..=op::FORGPREP_INEXT
            | op::FORGPREP_NEXT
            | op::FORGPREP
            | op::JUMPXEQKNIL..=op::JUMPXEQKS => Some(next + jumps),
            op::JUMPX => Some(next + i64::from(word.cast_signed() >> 8)),
            op::LOADB if c > 0 => Some(next + i64::from(c)),
            op::FASTCALL | op::FASTCALL1..=op::FASTCALL2K | op::FASTCALL3 => {
                let end = next + i64::from(c) + 1;
                stand_in = usize::try_from(end).ok()?;
                Some(end)
            }
            _ => None,
        };
        if let Some(target) = target {
            let target = usize::try_from(target).ok()?;
            let forwards = target > pc;
            // The compiler reaches what is far away by a detour over a `JUMPX` that it puts before the jump.
            if !forwards && !is_safepoint && *words.get(target)? as u8 != op::JUMPX {
                return None;
            }
            if forwards {
                let place = coming.get_mut(target)?;
                *place = Some(place.map_or(since, |other| other.join(since)));
            }
        }
        now = match code {
            op::RETURN | op::JUMP | op::JUMPBACK | op::JUMPX => None,
            _ => Some(since),
        };
        pc += length;
    }
    (pc == words.len()).then_some(worst)
}

/// The weight of an instruction that weighs the same wherever it stands.
fn weight(code: u8) -> u32 {
    match code {
        op::ADD..=op::POW | op::IDIV => 2 * NUMBER,
        op::ADDK..=op::POWK | op::SUBRK | op::DIVRK | op::IDIVK | op::MINUS => NUMBER,
        op::FORNPREP => 3 * NUMBER,
        op::CONCAT => JOIN,
        op::GETGLOBAL | op::SETGLOBAL | op::GETIMPORT..=op::SETTABLEN | op::NAMECALL | op::LENGTH => LOOK_UP,
        op::JUMPIFEQ..=op::JUMPIFNOTLT | op::DUPTABLE | op::SETLIST | op::FORGPREP => LOOK_UP,
        op::FORGPREP_INEXT | op::FORGPREP_NEXT => LOOK_UP,
        _ => 0,
    }
}

/// Whether an instruction makes numbers of texts.
fn reads_numbers(code: u8, a: u8) -> bool {
    match code {
        op::ADD..=op::POWK | op::SUBRK | op::DIVRK | op::IDIV | op::IDIVK | op::MINUS | op::FORNPREP => true,
        op::FASTCALL | op::FASTCALL1..=op::FASTCALL2K | op::FASTCALL3 => a == builtin::TONUMBER,
        _ => false,
    }
}

/// How many words an instruction takes; `None` for one that this compiler never makes.
fn length(code: u8) -> Option<usize> {
    match code {
        op::GETGLOBAL | op::SETGLOBAL | op::GETIMPORT | op::GETTABLEKS | op::SETTABLEKS | op::NAMECALL => Some(2),
        op::JUMPIFEQ..=op::JUMPIFNOTLT | op::NEWTABLE | op::SETLIST | op::FORGLOOP | op::LOADKX => Some(2),
        op::FASTCALL2 | op::FASTCALL2K | op::FASTCALL3 | op::JUMPXEQKNIL..=op::JUMPXEQKS => Some(2),
        // Made at run time only, or by features that are not on.
        1 | 62 | 83.. => None,
        _ => Some(1),
    }
}

/// The functions of a compiled file, by where they stand in it.
#[derive(Clone, Debug)]
struct File {
    functions: Vec<Function>,
    /// What stands before and behind all functions.
    head: Range<usize>,
    tail: Range<usize>,
}

/// Where a function stands, and what of it is code.
#[derive(Clone, Debug)]
struct Function {
    whole: Range<usize>,
    code: Range<usize>,
    /// Where its lines stand, if it has them: the logarithm of their interval, and the two lists.
    lines: Option<(u8, Range<usize>, Range<usize>)>,
}

impl File {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(2)? != VERSION {
            return None;
        }
        for _ in 0..reader.number()? {
            let length = reader.number()?;
            reader.take(length)?;
        }
        while reader.byte()? != 0 {
            reader.number()?;
        }
        let count = reader.number()?;
        let head = 0..reader.at;
        let mut functions = Vec::new();
        for _ in 0..count {
            functions.push(Function::read(&mut reader)?);
        }
        let tail = reader.at..bytes.len();
        reader.number()?;
        (reader.at == bytes.len()).then_some(File { functions, head, tail })
    }

    /// Whether two files agree in everything outside of their functions.
    fn matches(&self, bytes: &[u8], other: &File, others: &[u8]) -> bool {
        self.functions.len() == other.functions.len()
            && bytes.get(self.head.clone()) == others.get(other.head.clone())
            && bytes.get(self.tail.clone()) == others.get(other.tail.clone())
    }

    /// The file with some of its functions exchanged.
    fn assemble(&self, bytes: &[u8], bodies: &[Option<Vec<u8>>]) -> Option<Vec<u8>> {
        let mut out = bytes.get(self.head.clone())?.to_vec();
        for (function, body) in self.functions.iter().zip(bodies) {
            match body {
                Some(body) => out.extend_from_slice(body),
                None => out.extend_from_slice(bytes.get(function.whole.clone())?),
            }
        }
        out.extend_from_slice(bytes.get(self.tail.clone())?);
        Some(out)
    }
}

impl Function {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let start = reader.at;
        // Stack, parameters, upvalues, whether it takes any number, flags.
        reader.take(5)?;
        let types = reader.number()?;
        reader.take(types)?;
        let count = reader.number()?;
        let code = reader.range(count.checked_mul(4)?)?;
        for _ in 0..reader.number()? {
            reader.constant()?;
        }
        for _ in 0..reader.number()? {
            reader.number()?;
        }
        // Where it begins, and its name.
        reader.number()?;
        reader.number()?;
        let mut lines = None;
        if reader.byte()? != 0 {
            let gap = reader.byte()?;
            let offsets = reader.range(count)?;
            let intervals = count.checked_sub(1)?.checked_shr(gap.into())? + 1;
            lines = Some((gap, offsets, reader.range(intervals.checked_mul(4)?)?));
        }
        if reader.byte()? != 0 {
            for _ in 0..reader.number()? {
                reader.number()?;
                reader.number()?;
                reader.number()?;
                reader.byte()?;
            }
            for _ in 0..reader.number()? {
                reader.number()?;
            }
        }
        Some(Function { whole: start..reader.at, code, lines })
    }

    fn words(&self, bytes: &[u8]) -> Vec<u32> {
        let (words, _) = bytes.get(self.code.clone()).unwrap_or_default().as_chunks();
        words.iter().map(|word| u32::from_le_bytes(*word)).collect()
    }

    /// The function with other code of the same length.
    fn with(&self, bytes: &[u8], words: &[u32]) -> Option<Vec<u8>> {
        let mut out = bytes.get(self.whole.start..self.code.start)?.to_vec();
        out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        out.extend_from_slice(bytes.get(self.code.end..self.whole.end)?);
        (out.len() == self.whole.len()).then_some(out)
    }

    /// The line of an instruction.
    fn line(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let (gap, offsets, intervals) = self.lines.clone()?;
        let offsets = bytes.get(offsets)?.get(..=at)?;
        let offset = offsets.iter().fold(0_u8, |sum, step| sum.wrapping_add(*step));
        let (intervals, _) = bytes.get(intervals)?.as_chunks();
        let intervals = intervals.get(..=at >> gap)?;
        let line = intervals.iter().fold(0_i32, |sum, step| sum.wrapping_add(i32::from_le_bytes(*step)));
        u32::try_from(line.checked_add(i32::from(offset))?).ok()
    }
}

/// Reads compiled code and never beyond its end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn range(&mut self, length: usize) -> Option<Range<usize>> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let range = self.at..end;
        self.at = end;
        Some(range)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let range = self.range(length)?;
        self.bytes.get(range)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number in pieces of seven bits.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return usize::try_from(number).ok();
            }
        }
        None
    }

    /// Passes over a constant.
    fn constant(&mut self) -> Option<()> {
        match self.byte()? {
            // Nil, a boolean, a number.
            0 => {}
            1 => _ = self.byte()?,
            2 => _ = self.take(8)?,
            // A text, a function.
            3 | 6 => _ = self.number()?,
            // The path of a global.
            4 => _ = self.take(4)?,
            // A table's keys, without and with their values.
            5 => {
                for _ in 0..self.number()? {
                    self.number()?;
                }
            }
            8 => {
                for _ in 0..self.number()? {
                    self.number()?;
                    self.take(4)?;
                }
            }
            // A vector, a whole number.
            7 => _ = self.take(16)?,
            9 => {
                self.byte()?;
                self.number()?;
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
