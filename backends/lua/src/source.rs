//! What compiling a source will cost, told from its bytes before the compiler sees one.
//!
//! Luau's compiler allocates outside of the state's allocator and cannot be interrupted: 1 MiB of the densest source made it
//! take 207 MiB and 0.6 s. So its need is estimated, from above, by what the source is made of, and a source is refused that
//! needs more than the plugin may have. Comments and the insides of texts count as if they were code: nothing that is
//! looked at here could then be told apart by the compiler in another way.

use std::time::Duration;

use modhost_backend::{Fault, Meter, Resource};

/// Bytes of the compiler's need that cost one unit of fuel.
const NEED_PER_UNIT: u64 = 4096;
/// Bytes that compiling may need beyond the memory limit. The state is not there yet, and all of it is free again before the
/// plugin runs.
const ALLOWANCE: u64 = 8 << 20;
/// Nanoseconds that compiling takes for a byte of its need, at most.
const NANOS: u64 = 2;
/// What compiling may take beyond the deadline.
const GRACE: Duration = Duration::from_millis(30);
/// The longest name, in bytes. Names stand in traces, which live outside of Lua's heap.
const LONGEST_NAME: usize = 1000;

/// Bytes that a jump takes while it is compiled: what branches, loops, and compares.
const JUMP: u64 = 1536;

/// Brackets within brackets that Luau's parser takes before it gives up.
const DEEPEST: usize = 1000;

/// Charges for compiling `source` for the `times`th time, or refuses to.
pub(crate) fn pay(source: &str, meter: &Meter, times: u64) -> Result<(), Fault> {
    let need = need(source.as_bytes());
    meter.spend(need / NEED_PER_UNIT)?;
    let limits = meter.limits();
    if need > limits.memory.saturating_add(ALLOWANCE) {
        if depth(source.as_bytes()) > DEEPEST {
            return Err(Fault::compile(format!("brackets are nested more than {DEEPEST} deep")));
        }
        return Err(meter.exceeded(Resource::Memory));
    }
    if Duration::from_nanos(need.saturating_mul(NANOS * times)) > limits.deadline.saturating_add(GRACE) {
        return Err(meter.exceeded(Resource::Deadline));
    }
    match has_long_name(source.as_bytes()) {
        true => Err(Fault::compile(format!("a name has more than {LONGEST_NAME} characters"))),
        false => Ok(()),
    }
}

/// Bytes that the compiler takes for `source`, or more. Each weight is the largest that was measured for what a word or sign
/// can mean: tree, constants, registers, bytecode.
fn need(source: &[u8]) -> u64 {
    let mut need = 0;
    let mut rest = source;
    while let Some((&first, after)) = rest.split_first() {
        if rest.starts_with(b"--") {
            // A comment, or part of a text; two signs of minus have something between them.
            need += 8;
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        if !is_word(first) {
            if rest.starts_with(b"==") {
                need += JUMP;
                rest = after.get(1..).unwrap_or_default();
                continue;
            }
            need += match first {
                b'.' | b':' | b'=' | b'\\' => 64,
                b'(' | b'{' | b'[' | b'"' | b'\'' | b'`' => 192,
                b',' | b';' | b')' | b'}' | b']' | 0..=b' ' => 4,
                b'<' | b'>' | b'~' => JUMP,
                _ => 256,
            };
            rest = after;
            continue;
        }
        let (word, after) = rest.split_at(rest.iter().take_while(|byte| is_word(**byte)).count());
        need += match word {
            b"function" => 4096,
            b"and" | b"or" | b"if" | b"elseif" | b"while" | b"for" | b"until" => JUMP,
            b"break" | b"continue" => 768,
            b"local" => 384,
            b"nil" | b"true" | b"false" => 256,
            _ if first.is_ascii_digit() => 448,
            _ => 128,
        };
        need += word.len() as u64;
        rest = after;
    }
    need
}

/// How deep brackets are nested, if all of them are code: the compiler's own complaint, for a source that is also too large.
fn depth(source: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in source {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a name in `source` is too long. Long words in comments and plain texts are none; a source with texts of the sort
/// `` `{a}` `` is not looked at so closely.
fn has_long_name(source: &[u8]) -> bool {
    let long = |words: &[u8]| words.split(|byte| !is_word(*byte)).any(|word| word.len() > LONGEST_NAME);
    if !long(source) {
        return false;
    }
    if source.contains(&b'`') {
        return true;
    }
    let mut rest = source;
    while let Some(&first) = rest.first() {
        let skipped = match first {
            b'"' | b'\'' => quoted(rest, first),
            b'-' if rest.starts_with(b"--") => {
                let comment = rest.get(2..).unwrap_or_default();
                2 + bracketed(comment).unwrap_or_else(|| comment.iter().take_while(|byte| **byte != b'\n').count())
            }
            b'[' => bracketed(rest).unwrap_or(1),
            _ if is_word(first) => {
                let length = rest.iter().take_while(|byte| is_word(**byte)).count();
                if length > LONGEST_NAME && !first.is_ascii_digit() {
                    return true;
                }
                length
            }
            _ => 1,
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    false
}

/// The length of the text in quotes that `rest` begins with.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of the text or comment in long brackets (`[==[ ]==]`) that `rest` begins with.
fn bracketed(rest: &[u8]) -> Option<usize> {
    let level = rest.get(1..)?.iter().take_while(|byte| **byte == b'=').count();
    if rest.first() != Some(&b'[') || rest.get(level + 1) != Some(&b'[') {
        return None;
    }
    let mut end = vec![b'='; level + 2];
    if let [first, .., last] = end.as_mut_slice() {
        (*first, *last) = (b']', b']');
    }
    let inside = rest.get(level + 2..)?;
    Some(memchr::memmem::find(inside, &end).map_or(rest.len(), |at| 2 * (level + 2) + at))
}

#[cfg(test)]
mod tests {
    use super::{has_long_name, need};

    #[test]
    fn names_are_told_from_other_long_words() {
        let long = "a".repeat(1001);
        for (source, has) in [
            ("local a = 1".to_owned(), false),
            (long.clone(), true),
            ("a".repeat(1000), false),
            ("1".repeat(2000), false),
            (format!("'{long}'"), false),
            (format!("'\\'{long}'"), false),
            (format!("'\\\\'{long}''"), true),
            (format!("\"'{long}\""), false),
            (format!("--{long}\n"), false),
            (format!("--\n{long}"), true),
            (format!("--[[\n{long}]]"), false),
            (format!("--[==[]] {long} ]==] {long}"), true),
            (format!("[=[{long}]=]"), false),
            (format!("[=[]=]{long}"), true),
            (format!("a[{long}]"), true),
            (format!("- -{long}"), true),
            (format!("`{long}`"), true),
        ] {
            assert_eq!(has_long_name(source.as_bytes()), has, "{source}");
        }
    }

    #[test]
    fn dense_source_needs_more_than_plain_text() {
        let plain = need("-- a comment of many words that nobody will read\n".repeat(100).as_bytes());
        let dense = need("-1+1,".repeat(980).as_bytes());
        assert!(dense > 200 * 4900 && plain < 60 * 4900, "{dense} {plain}");
        let branches = need("a and b,".repeat(1000).as_bytes());
        assert!(branches > 1500 * 1000, "{branches}");
    }
}
