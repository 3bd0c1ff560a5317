//! Safepoints in code without loops and calls.
//!
//! Luau looks at the meter at calls, returns and the back edges of loops only. Between two of
//! them an instruction whose work grows with its operands (`s .. t`, `s + 1` of a text, `s < t`)
//! can stand any number of times. [`insert`] therefore adds safepoints to compiled code: a
//! `JUMPBACK` to the next instruction, before an instruction with which the work since the last
//! safepoint would exceed [`MOST`]. Code with less work between its own safepoints stays as it is.
//!
//! Where an instruction is inserted, everything after it moves. What refers to a position is
//! corrected: the offsets of jumps, of `LOADB`, and the table of lines. Nothing is inserted
//! between a `FASTCALL` and its `CALL`. Types of locals name positions too, but only native code
//! generation reads them, which is not in use; names of locals are not compiled (debug level 1).
//!
//! Why a safepoint may stand there: the interrupt may collect garbage and raise, so the top of
//! the stack must be that of the frame. It is not only while several results wait for the
//! instruction that takes them (`CALL` and `GETVARARGS` with an open number of results), and
//! between these two Luau's compiler evaluates nothing, so no arithmetic, concatenation or
//! comparison stands there. After a fast call a safepoint is inserted only if the number of its
//! results is fixed.
//!
//! The form of the code is what `luau_load` reads (`lvmload.cpp`), at bytecode version 9 with
//! types of version 3, which this Luau's compiler writes. Another version is refused, so that an
//! update of Luau shows in every test.

use std::collections::BTreeSet;

use modhost_backend::Fault;

/// Work between two safepoints.
const MOST: u32 = 4 * ARITHMETIC;

/// Two texts read as numbers: 23 ms for 8 MiB each. The other weights are measured against it.
const ARITHMETIC: u32 = 16;
/// One text read as a number.
const NUMBER: u32 = 10;
/// The sign of one text.
const MINUS: u32 = 13;
const CONCATENATION: u32 = 8;
const SUBTEXT: u32 = 3;
const COMPARISON: u32 = 2;

const VERSION: u8 = 9;
const TYPES: u8 = 3;

// Opcodes: positions in `LuauOpcode`.
const LOAD_BOOLEAN: u32 = 3;
const CALL: u32 = 21;
const RETURN: u32 = 22;
const JUMP: u32 = 23;
const JUMP_BACK: u32 = 24;
const FOR_PREPARE: u32 = 56;
const FOR_LOOP: u32 = 57;
const FOR_IN_LOOP: u32 = 58;
const FOR_IN_PREPARE_ARRAY: u32 = 59;
const FAST_CALL_3: u32 = 60;
const FOR_IN_PREPARE_NEXT: u32 = 61;
const JUMP_FAR: u32 = 67;
const FAST_CALL: u32 = 68;
const FAST_CALL_1: u32 = 73;
const FAST_CALL_2: u32 = 74;
const FAST_CALL_2K: u32 = 75;
const FOR_IN_PREPARE: u32 = 76;
/// How many opcodes there are.
const OPCODES: u32 = 91;

/// Builtins that go through a text in one step when they are called fast (`LuauBuiltinFunction`).
const FAST_SUB: u32 = 45;
const FAST_TO_NUMBER: u32 = 62;

/// `code` with safepoints where there is too much work between two of its own.
pub(crate) fn insert(code: Vec<u8>) -> Result<Vec<u8>, Fault> {
    insert_at(code, MOST)
}

fn insert_at(code: Vec<u8>, most: u32) -> Result<Vec<u8>, Fault> {
    match rewrite(&code, most) {
        Some(Ok(None)) => Ok(code),
        Some(Ok(Some(rewritten))) => Ok(rewritten),
        Some(Err(TooFar)) => {
            let message = "a function is too long: a jump in it goes over more than 32,000 instructions";
            Err(Fault::compile(message.to_owned()))
        }
        None => Err(Fault::bug("the compiled code has an unknown form".to_owned())),
    }
}

/// A jump that does not reach its target any more.
struct TooFar;

/// `None` if the form of `code` is not the one that is known.
fn rewrite(code: &[u8], most: u32) -> Option<Result<Option<Vec<u8>>, TooFar>> {
    let mut reader = Reader { code, at: 0 };
    if reader.byte()? != VERSION || reader.byte()? != TYPES {
        return None;
    }
    for _ in 0..reader.number()? {
        let length = reader.number()?;
        reader.skip(length)?;
    }
    // Names of userdata types, by index; 0 ends them.
    while reader.byte()? != 0 {
        reader.number()?;
    }
    let (mut made, mut copied) = (Vec::new(), 0);
    for _ in 0..reader.number()? {
        let parts = function(&mut reader)?;
        let words = parts.words(code)?;
        let places = places(&words, most)?;
        if places.is_empty() {
            continue;
        }
        let Ok(longer) = lengthen(&words, &places)? else { return Some(Err(TooFar)) };
        made.extend_from_slice(code.get(copied..parts.count)?);
        number(&mut made, longer.len());
        made.extend(longer.iter().flat_map(|word| word.to_le_bytes()));
        made.extend_from_slice(code.get(parts.code.1..parts.lines.0)?);
        if parts.lines.0 < parts.lines.1 {
            lines(&mut made, code.get(parts.lines.0..parts.lines.1)?, &words, &places)?;
        }
        copied = parts.lines.1;
    }
    reader.number()?;
    if reader.at != code.len() {
        return None;
    }
    if copied == 0 {
        return Some(Ok(None));
    }
    made.extend_from_slice(code.get(copied..)?);
    Some(Ok(Some(made)))
}

/// The positions before which a safepoint is inserted.
///
/// The work that may stand before an instruction is the largest over all ways to it. Jumps that
/// are no safepoints go forward, so one pass sees every way.
fn places(words: &[u32], most: u32) -> Option<BTreeSet<usize>> {
    let mut places = BTreeSet::new();
    // Work with which a jump arrives, by target.
    let mut arriving = vec![0_u32; words.len() + 1];
    let (mut run, mut at) = (0_u32, 0);
    // A fast call skips the `CALL` that follows it.
    let mut fast = false;
    while let Some(&word) = words.get(at) {
        let op = word & 0xff;
        run = run.max(*arriving.get(at)?);
        let work = work(word);
        if work > 0 && run + work > most && !is_fast_call(op) {
            places.insert(at);
            run = 0;
        }
        run += work;
        let safe = matches!(op, CALL if !fast) || is_back_edge(op);
        if safe {
            run = 0;
        }
        let next = at + length(word)?;
        if let Some(target) = target(at, word).filter(|target| *target > at) {
            let arriving = arriving.get_mut(target)?;
            *arriving = run.max(*arriving);
        }
        if op == CALL && fast && run > most && (word >> 24) != 0 {
            places.insert(next);
            run = 0;
        }
        if is_fast_call(op) {
            fast = true;
        } else if op == CALL {
            fast = false;
        }
        if leaves(word) {
            run = 0;
        }
        at = next;
    }
    (at == words.len()).then_some(places)
}

/// `words` with a safepoint at each of `places`, and jumps that reach their targets still.
fn lengthen(words: &[u32], places: &BTreeSet<usize>) -> Option<Result<Vec<u32>, TooFar>> {
    // Where each instruction goes; a safepoint before it is part of it.
    let mut moved = Vec::with_capacity(words.len() + 1);
    let mut inserted = 0;
    for at in 0..=words.len() {
        moved.push(at + inserted);
        inserted += usize::from(places.contains(&at));
    }
    let mut longer = Vec::with_capacity(words.len() + inserted);
    let mut at = 0;
    while let Some(&word) = words.get(at) {
        if places.contains(&at) {
            longer.push(JUMP_BACK);
        }
        let here = longer.len();
        let fixed = match target(at, word) {
            None => word,
            Some(target) => {
                let offset = i64::try_from(*moved.get(target)?).ok()? - i64::try_from(here + 1).ok()?;
                let Some(fixed) = with_offset(word, offset) else { return Some(Err(TooFar)) };
                fixed
            }
        };
        longer.push(fixed);
        let length = length(word)?;
        longer.extend_from_slice(words.get(at + 1..at + length)?);
        at += length;
    }
    (longer.len() == words.len() + inserted).then_some(Ok(longer))
}

/// The table of lines for the longer code, with a line of its own for each instruction: no line
/// is then too far from the one it is counted from.
fn lines(made: &mut Vec<u8>, table: &[u8], words: &[u32], places: &BTreeSet<usize>) -> Option<()> {
    let mut reader = Reader { code: table, at: 0 };
    let gap = u32::from(reader.byte()?);
    let offsets = reader.skip(words.len())?;
    let mut line = 0_i32;
    let mut bases = Vec::new();
    while reader.at < table.len() {
        let (step, _) = reader.skip(4)?.split_first_chunk()?;
        line = line.checked_add(i32::from_le_bytes(*step))?;
        bases.push(line);
    }
    let mut all = Vec::with_capacity(words.len() + places.len());
    let mut offset = 0_u8;
    for (at, step) in offsets.iter().enumerate() {
        offset = offset.wrapping_add(*step);
        let line = bases.get(at.checked_shr(gap)?)?.checked_add(i32::from(offset))?;
        if places.contains(&at) {
            all.push(line);
        }
        all.push(line);
    }
    made.push(0);
    made.resize(made.len() + all.len(), 0);
    let mut before = 0_i32;
    for line in all {
        made.extend(line.checked_sub(before)?.to_le_bytes());
        before = line;
    }
    Some(())
}

fn is_fast_call(op: u32) -> bool {
    matches!(op, FAST_CALL | FAST_CALL_1 | FAST_CALL_2 | FAST_CALL_2K | FAST_CALL_3)
}

/// Whether Luau calls the interrupt at it, other than `CALL`.
fn is_back_edge(op: u32) -> bool {
    matches!(op, RETURN | JUMP_BACK | FOR_LOOP | FOR_IN_LOOP | JUMP_FAR)
}

/// Whether the next instruction is never the one behind it.
fn leaves(word: u32) -> bool {
    match word & 0xff {
        RETURN | JUMP | JUMP_BACK | JUMP_FAR | FOR_IN_PREPARE_ARRAY | FOR_IN_PREPARE_NEXT | FOR_IN_PREPARE => true,
        LOAD_BOOLEAN => word >> 24 != 0,
        _ => false,
    }
}

/// What an instruction may take at most, if its operands are the longest texts.
fn work(word: u32) -> u32 {
    match word & 0xff {
        // JUMPIFLE, JUMPIFLT and their opposites. Equal texts are one object.
        28 | 29 | 31 | 32 => COMPARISON,
        // ADD, SUB, MUL, DIV, MOD, POW, IDIV of two registers.
        33..=38 | 81 => ARITHMETIC,
        // The same with a constant.
        39..=44 | 71 | 72 | 82 => NUMBER,
        51 => MINUS,
        49 => CONCATENATION,
        // The limit, the step and the first index.
        FOR_PREPARE => ARITHMETIC + NUMBER,
        FAST_CALL | FAST_CALL_1 | FAST_CALL_2 | FAST_CALL_2K | FAST_CALL_3 => match (word >> 8) & 0xff {
            FAST_SUB => SUBTEXT,
            FAST_TO_NUMBER => NUMBER,
            _ => 0,
        },
        _ => 0,
    }
}

/// Words of an instruction (`getOpLength`); `None` if there is no such instruction.
fn length(word: u32) -> Option<usize> {
    match word & 0xff {
        7 | 8 | 12 | 15 | 16 | 20 | 27..=32 | 53 | 55 | 58 | 60 | 66 | 74 | 75 | 77..=80 | 83..=88 | 90 => Some(2),
        op if op < OPCODES => Some(1),
        _ => None,
    }
}

/// The position that the instruction at `at` can jump to.
fn target(at: usize, word: u32) -> Option<usize> {
    let offset = match word & 0xff {
        LOAD_BOOLEAN if word >> 24 != 0 => i64::from(word >> 24),
        JUMP_FAR => i64::from(word.cast_signed() >> 8),
        JUMP..=32 | FOR_PREPARE..=FOR_IN_PREPARE_ARRAY | FOR_IN_PREPARE_NEXT | FOR_IN_PREPARE..=80 | 88 => {
            i64::from(word.cast_signed() >> 16)
        }
        _ => return None,
    };
    usize::try_from(i64::try_from(at).ok()? + 1 + offset).ok()
}

/// The instruction with another offset, if it has room for it.
fn with_offset(word: u32, offset: i64) -> Option<u32> {
    match word & 0xff {
        LOAD_BOOLEAN => Some(word & 0x00ff_ffff | u32::from(u8::try_from(offset).ok()?) << 24),
        JUMP_FAR => {
            let fits = (-(1 << 23)..1 << 23).contains(&offset);
            fits.then(|| word & 0xff | i32::try_from(offset).unwrap_or_default().cast_unsigned() << 8)
        }
        _ => Some(word & 0xffff | u32::from(i16::try_from(offset).ok()?.cast_unsigned()) << 16),
    }
}

/// Where the parts of a function stand in the code, in bytes: from, to.
struct Parts {
    /// Where the number of instructions stands.
    count: usize,
    code: (usize, usize),
    /// The table of lines, empty if there is none.
    lines: (usize, usize),
}

impl Parts {
    fn words(&self, code: &[u8]) -> Option<Vec<u32>> {
        let (words, _) = code.get(self.code.0..self.code.1)?.as_chunks();
        Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }
}

fn function(reader: &mut Reader<'_>) -> Option<Parts> {
    // Stack size, parameters, upvalues, whether it takes any number of arguments, flags.
    reader.skip(5)?;
    let types = reader.number()?;
    reader.skip(types)?;
    let count = reader.at;
    let instructions = reader.number()?;
    let start = reader.at;
    reader.skip(instructions.checked_mul(4)?)?;
    let code = (start, reader.at);
    for _ in 0..reader.number()? {
        constant(reader)?;
    }
    for _ in 0..reader.number()? {
        reader.number()?;
    }
    // The line of its definition, its name.
    reader.number()?;
    reader.number()?;
    let has_lines = reader.byte()? != 0;
    let start = reader.at;
    if has_lines {
        let gap = u32::from(reader.byte()?);
        let intervals = instructions.checked_sub(1)?.checked_shr(gap)? + 1;
        reader.skip(instructions)?;
        reader.skip(intervals.checked_mul(4)?)?;
    }
    let lines = (start, reader.at);
    // Names of locals and upvalues.
    if reader.byte()? != 0 {
        return None;
    }
    Some(Parts { count, code, lines })
}

fn constant(reader: &mut Reader<'_>) -> Option<()> {
    match reader.byte()? {
        0 => {}
        1 => drop(reader.skip(1)?),
        2 => drop(reader.skip(8)?),
        // A text, a closure.
        3 | 6 => drop(reader.number()?),
        4 => drop(reader.skip(4)?),
        5 => {
            for _ in 0..reader.number()? {
                reader.number()?;
            }
        }
        7 => drop(reader.skip(16)?),
        8 => {
            for _ in 0..reader.number()? {
                reader.number()?;
                reader.skip(4)?;
            }
        }
        9 => {
            reader.skip(1)?;
            reader.number()?;
        }
        _ => return None,
    }
    Some(())
}

struct Reader<'a> {
    code: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(bytes)?;
        let skipped = self.code.get(self.at..end)?;
        self.at = end;
        Some(skipped)
    }

    fn byte(&mut self) -> Option<u8> {
        self.skip(1)?.first().copied()
    }

    /// A number of 7 bits a byte, the lowest first.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).ok();
            }
        }
        None
    }
}

/// Writes `number` as [`Reader::number`] reads it.
fn number(made: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        made.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    made.push(number as u8);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::{fs, path::Path};

    use mlua::{
        Lua,
        chunk::{ChunkMode, Compiler},
    };

    use super::{JUMP_BACK, Reader, function, insert_at};

    fn compile(source: &str) -> Vec<u8> {
        Compiler::new().set_optimization_level(1).set_debug_level(1).compile(source).unwrap()
    }

    /// Safepoints in `code` that jump nowhere: those that were inserted.
    fn inserted(code: &[u8]) -> usize {
        let mut reader = Reader { code, at: 2 };
        for _ in 0..reader.number().unwrap() {
            let length = reader.number().unwrap();
            reader.skip(length).unwrap();
        }
        reader.byte().unwrap();
        let functions = reader.number().unwrap();
        let words = (0..functions).flat_map(|_| function(&mut reader).unwrap().words(code).unwrap());
        words.filter(|word| *word == JUMP_BACK).count()
    }

    /// What `code` returns, or its error, which names a line.
    fn outcome(code: &[u8]) -> String {
        let lua = Lua::new();
        match lua.load(code).set_mode(ChunkMode::Binary).set_name("=main.lua").eval::<mlua::MultiValue>() {
            Ok(values) => format!("{:?}", values.iter().map(|value| value.to_string().unwrap()).collect::<Vec<_>>()),
            Err(error) => error.to_string(),
        }
    }

    /// `source` does the same with a safepoint before each instruction that works, and has at least `least` of them.
    fn check(source: &str, least: usize) {
        let code = compile(source);
        let rewritten = insert_at(code.clone(), 0).unwrap();
        assert!(inserted(&rewritten) >= least, "{} safepoints in:\n{source}", inserted(&rewritten));
        assert_eq!(outcome(&rewritten), outcome(&code), "{source}");
    }

    #[test]
    fn code_with_safepoints_does_the_same() {
        for (source, least) in [
            ("return 1", 0),
            ("local a, b = ... a = 2 b = 3 return a + b * a - b / a % b ^ 2 // 1, -a, 2 - a, 2 / b", 9),
            ("return (function(a, b) return a .. b, a < b, a <= b, a > b, a >= b, not (a < b) end)('x', 'y')", 6),
            ("local n = 0 for i = 1, 10 do n = n + i * 2 if n > 50 then n = n - 7 end end return n", 4),
            ("local n = 0 for i = 10, 1, -1 do if i % 2 == 0 then continue end n += i end return n", 2),
            ("local n = 0 while n < 10 do n += 1 if n * 2 > 12 then break end end return n", 3),
            ("local n = 0 repeat n = n + 1 local m = n * 2 until m >= 20 return n", 3),
            ("local n = 0 for k, v in { 3, 4, 5 } do n = n + k * v end return n", 2),
            ("local n = 0 for k, v in pairs({ a = 1, b = 2 }) do n += v end return n", 1),
            ("local n = 0 for k, v in ipairs({ 1, 2 }) do n += v * k end return n", 2),
            ("local function f(...) return select('#', ...), ... end return f(1 + 1, f(2 * 3, 4))", 0),
            ("local s = 'abc' return tonumber(s), tonumber('12') + 1, string.sub(s, 2) .. s, math.max(1, 2) + #s", 2),
            ("local t = { 1 + 1, 2 * 2, x = 3 - 1, [4 / 2] = 'y' } return t[1] + t[2], t.x", 1),
            ("local a = 1 local function g() a = a + 1 return function() return a * 2 end end return g()() + a", 3),
            (
                "local t = setmetatable({}, { __add = function(a, b) return 'sum' end, __lt = function() return true end,\
              __concat = function() return 'both' end, __unm = function() return 'minus' end })\
              return t + 1, t < t, t .. 'x', -t",
                4,
            ),
            (
                "local co = coroutine.wrap(function(a) local b = a * 2 b = b + coroutine.yield(b) return b - 1 end)\
              return co(2) + co(5)",
                3,
            ),
            ("local a = #{ 1 }\n\nlocal b = a + 1\nlocal c = b * 2\n\n\nreturn c + nil", 3),
            ("local a = {}\nlocal b = #a + 2\nif b > 1 then\n\n  return b .. a\nend", 2),
            ("local ok, why = pcall(function()\n local a = #{ 1 }\n return a * 2 < 'x'\nend)\nreturn why", 2),
            (
                "local a, b, c = #{ 1 }, ({})[1], #{ 1, 2 } return (a and a + 1 or 0), (b and b + 1 or c * 2), a == 1 and a + c or nil",
                3,
            ),
        ] {
            check(source, least);
        }
        // Offsets of 16 bits, long runs, lines far apart.
        let long = "x = x + 1 if x > 5 then x = x * 2 - x end\n".repeat(2000);
        check(&format!("local x = 1\n{}{}", "\n".repeat(1000), long.clone() + "return x"), 2000);
        check(&format!("local x = 1 for i = 1, 3 do {} end return x", "x = x + i ".repeat(4000)), 4000);
        let elses = (1..300).map(|i| format!("elseif x < {i} then y = x * {i}\n")).collect::<String>();
        check(&format!("local x, y = #{{ 1 }} + 249.5, 0 if x < 0 then y = 1 {elses} end return y"), 500);
    }

    #[test]
    fn all_scripts_of_the_repository_can_be_rewritten() {
        let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts")];
        let mut seen = 0;
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|ending| ending == "lua") {
                let Ok(source) = fs::read_to_string(&path) else { continue };
                let Ok(code) = Compiler::new().set_optimization_level(1).set_debug_level(1).compile(source) else {
                    continue;
                };
                let rewritten = insert_at(code, 0).unwrap_or_else(|_| panic!("{}", path.display()));
                let loaded = Lua::new().load(rewritten).set_mode(ChunkMode::Binary).into_function();
                assert!(loaded.is_ok(), "{}", path.display());
                seen += 1;
            }
        }
        assert!(seen > 200, "{seen} scripts");
    }

    #[test]
    fn ways_around_a_safepoint_are_counted() {
        for (line, least) in [
            ("x = s .. 'b'\n", 120),
            ("x = s + 1\n", 120),
            ("x = s + t\n", 200),
            ("x = -s\n", 120),
            ("x = s < t\n", 10),
            ("x = tonumber(s)\n", 120),
            ("x = string.sub(s, 2)\n", 40),
            ("for i = s, 0 do end\n", 300),
            // The call is never made; the branch around it is what counts.
            ("if no then no() end x = s + 1\n", 120),
            ("x = math.abs(1) x = s + 1\n", 120),
            ("if no then x = 1 else x = s + 1 end\n", 120),
            ("x = no and no() or s + 1\n", 120),
        ] {
            let source = format!("local s, t, x, no = ...\n{}", line.repeat(1000));
            let code = super::insert(compile(&source)).unwrap();
            assert!(inserted(&code) >= least, "{} safepoints for {line}", inserted(&code));
        }
        let loops = "local n = 0 for i = 1, 9 do n = n + i * i end return n";
        assert_eq!(super::insert(compile(loops)).unwrap(), compile(loops), "short runs stay as they are");
    }
}
