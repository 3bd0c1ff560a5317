//! Which texts are too long to be read as a number. Luau reads a text wherever arithmetic meets one (`text + 1`), in one step
//! that nothing interrupts: 1 to 3 ns a byte, as long as the bytes look like a number. So no text may hold, anywhere, more
//! digits in a row, or more white space before or behind them, than [`crate::straight`] reckons with. Parts of a text hold no
//! more than the whole, so only texts that were just made are looked at.
//!
//! A text that is no number costs next to nothing here: a run of more than [`STEP`] bytes covers a multiple of [`STEP`], so
//! that one byte of so many is looked at.

/// Digits in a row, in bytes. A number has three such runs: before the point, behind it, and the exponent.
const DIGITS: usize = 160 << 10;
/// White space in a row, where a number may come behind it.
const BEFORE: usize = 256 << 10;
/// White space in a row behind what may be a number: Luau passes over it one call of C's library at a time.
const BEHIND: usize = 64 << 10;
/// The shortest of these.
const STEP: usize = BEHIND;

/// Whether some part of `text` would take too long to be read as a number.
pub(crate) fn is_long(text: &[u8]) -> bool {
    // Few texts have these at all, and they are sought faster than runs are.
    let mut hexadecimal = None;
    let mut not_a_number = None;
    let mut at = STEP;
    while let Some(&byte) = text.get(at) {
        let mut end = at;
        if is_space(byte) {
            let (before, run) = run(text, at, is_space);
            let behind = before.last().is_some_and(|byte| ends_number(*byte));
            if run > if behind { BEHIND } else { BEFORE } {
                return true;
            }
            end = before.len() + run;
        } else if byte.is_ascii_digit() {
            let (before, run) = run(text, at, |byte| byte.is_ascii_digit());
            if run > DIGITS {
                return true;
            }
            end = before.len() + run;
        }
        if byte.is_ascii_hexdigit() && *hexadecimal.get_or_insert_with(|| has_hexadecimal(text)) {
            let (before, run) = run(text, at, |byte| byte.is_ascii_hexdigit());
            if run > DIGITS && before.last().is_some_and(|byte| matches!(byte, b'x' | b'X' | b'.')) {
                return true;
            }
            end = end.max(before.len() + run);
        }
        if is_word(byte) && *not_a_number.get_or_insert_with(|| has_not_a_number(text)) {
            let (before, run) = run(text, at, is_word);
            if run > DIGITS && before.last() == Some(&b'(') && opens_not_a_number(before) {
                return true;
            }
        }
        at = (end / STEP + 1) * STEP;
    }
    false
}

/// The run of bytes of a kind around `at`: what stands before it, and its length.
#[inline]
fn run(text: &[u8], at: usize, kind: impl Fn(u8) -> bool) -> (&[u8], usize) {
    let (left, right) = text.split_at_checked(at).unwrap_or((text, &[]));
    let start = left.iter().rposition(|byte| !kind(*byte)).map_or(0, |other| other + 1);
    let end = at + right.iter().position(|byte| !kind(*byte)).unwrap_or(right.len());
    (left.get(..start).unwrap_or_default(), end - start)
}

fn has_hexadecimal(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"0x").is_some() || memchr::memmem::find(text, b"0X").is_some()
}

/// Whether there is a `nan(` somewhere, behind which a number's reader takes any word.
fn has_not_a_number(text: &[u8]) -> bool {
    memchr::memchr_iter(b'(', text).any(|at| opens_not_a_number(text.get(..=at).unwrap_or_default()))
}

fn opens_not_a_number(before: &[u8]) -> bool {
    before.last_chunk::<4>().is_some_and(|last| last.eq_ignore_ascii_case(b"nan("))
}

/// White space as C has it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a number may end with `byte`: a digit, a point, `inf`, `infinity`, `nan` or `nan(...)`.
fn ends_number(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b')' | b'n' | b'N' | b'y' | b'Y')
}

#[cfg(test)]
mod tests {
    use super::{BEFORE, BEHIND, DIGITS, is_long};

    #[test]
    fn only_what_may_be_read_as_a_number_is_long() {
        let times = |text: &str, count: usize| text.repeat(count);
        for (name, text, long) in [
            ("nothing", String::new(), false),
            ("words", times("word ", 1 << 20), false),
            ("numbers", times("12.5 ", 1 << 20), false),
            ("lines of digits", times("0110\n", 1 << 20), false),
            ("a letter", times("a", 1 << 20), false),
            ("points", times(".", 1 << 20), false),
            ("dashes", times("-", 1 << 20), false),
            ("hexadecimal without its sign", times("9a0f", 1 << 20), false),
            ("as many digits as may be", times("7", DIGITS), false),
            ("one more", times("7", DIGITS + 1), true),
            ("one more, somewhere", format!("name = '{}'", times("7", DIGITS + 1)), true),
            ("one more, in a word", format!("a{}b", times("7", DIGITS + 1)), true),
            ("behind a point", format!("0.{}", times("0", DIGITS + 1)), true),
            ("an exponent", format!("1e{}", times("0", DIGITS + 1)), true),
            ("an exponent with its sign", format!("1e-{}", times("0", DIGITS + 1)), true),
            ("hexadecimal", format!("0x{}", times("af", DIGITS)), true),
            ("hexadecimal behind a point", format!("0x1.{}", times("af", DIGITS)), true),
            ("not a number", format!("nan({})", times("af", DIGITS)), true),
            ("not a number, in capitals", format!("NaN({})", times("_z", DIGITS)), true),
            ("a call", format!("name({})", times("_z", DIGITS)), false),
            ("as much space before as may be", format!("{}1", times(" ", BEFORE)), false),
            ("more", format!("{}1", times("\n", BEFORE + 1)), true),
            ("as much space behind as may be", format!("1{}", times(" ", BEHIND)), false),
            ("more behind", format!("1{}", times("\t", BEHIND + 1)), true),
            ("more behind a word", format!("moss{}", times(" ", BEHIND + 1)), false),
            ("more behind infinity", format!("inf{}", times(" ", BEHIND + 1)), true),
        ] {
            for before in [0, 1, 65_535, 65_536, 100_000] {
                let text = format!("{}{text}", times("=", before));
                assert_eq!(is_long(text.as_bytes()), long, "{name}, behind {before}");
            }
        }
    }
}
