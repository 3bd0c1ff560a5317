//! Sizes and durations as people write them (`8MiB`, `2ms`), for manifests and for the command's options.

use std::{fmt, time::Duration};

/// Text that is no size or duration.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum QuantityError {
    /// No size.
    Size(String),
    /// No duration.
    Duration(String),
    /// Well-formed, but beyond what 64 bits count (bytes, or nanoseconds).
    TooLarge(String),
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuantityError::Size(text) => {
                write!(
                    f,
                    "`{}` is not a size: write a whole number and B, KB, MB, GB, KiB, MiB or GiB, like \"8MiB\"",
                    text.escape_debug()
                )
            }
            QuantityError::Duration(text) => {
                write!(
                    f,
                    "`{}` is not a duration: write a whole number and ns, us, ms, s, m, h or d, like \"2ms\"",
                    text.escape_debug()
                )
            }
            QuantityError::TooLarge(text) => write!(f, "`{}` is too large", text.escape_debug()),
        }
    }
}

impl std::error::Error for QuantityError {}

/// Keeps an error's copy of hostile text short.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Splits `12 MiB` into number and unit. Digits may be grouped by `_`, as in TOML.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_matches(' ');
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let grouped = number.split('_').all(|group| !group.is_empty());
    grouped.then(|| (number, unit.trim_start_matches(' ')))
}

fn number(digits: &str) -> Option<u64> {
    digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .try_fold(0u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

/// Reads a size in bytes: `8MiB`, `16KB`, `16 kb`, or plain bytes, `4096`. KB is 1,000 and KiB is 1,024; the unit's case
/// does not matter.
///
/// # Errors
/// [`QuantityError::Size`] for other text, [`QuantityError::TooLarge`] beyond `u64`.
///
/// ```
/// use modhost::package::parse_size;
///
/// assert_eq!(parse_size("8MiB")?, 8 << 20);
/// assert_eq!(parse_size("16KB")?, 16_000);
/// assert!(parse_size("8 megs").is_err());
/// # Ok::<(), modhost::package::QuantityError>(())
/// ```
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let malformed = || QuantityError::Size(shorten(text));
    let (digits, unit) = split(text).ok_or_else(malformed)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(malformed()),
    };
    number(digits).and_then(|number| number.checked_mul(factor)).ok_or_else(|| QuantityError::TooLarge(shorten(text)))
}

/// Reads a duration: `2us` (or `2µs`), `50ms`, `1s`, `1m` (a minute), `1h`, `1d`. Only `0` goes without a unit.
///
/// # Errors
/// [`QuantityError::Duration`] for other text, [`QuantityError::TooLarge`] beyond 2^64 ns (584 years).
///
/// ```
/// use std::time::Duration;
/// use modhost::package::parse_duration;
///
/// assert_eq!(parse_duration("50ms")?, Duration::from_millis(50));
/// assert!(parse_duration("50").is_err());
/// # Ok::<(), modhost::package::QuantityError>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let malformed = || QuantityError::Duration(shorten(text));
    let (digits, unit) = split(text).ok_or_else(malformed)?;
    let nanoseconds: u64 = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "" if number(digits) == Some(0) => 0,
        _ => return Err(malformed()),
    };
    number(digits)
        .and_then(|number| number.checked_mul(nanoseconds))
        .map(Duration::from_nanos)
        .ok_or_else(|| QuantityError::TooLarge(shorten(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let rows: &[(&str, Option<u64>)] = &[
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("7B", Some(7)),
            ("8MiB", Some(8 << 20)),
            ("8mib", Some(8 << 20)),
            (" 8 MiB ", Some(8 << 20)),
            ("1_000KB", Some(1_000_000)),
            ("2GB", Some(2_000_000_000)),
            ("2GiB", Some(2 << 30)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("18446744073709551615KB", None),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("+1", None),
            ("1.5MiB", None),
            ("8M", None),
            ("8MiBs", None),
            ("_8", None),
            ("8_", None),
            ("8__0", None),
            ("8\u{a0}MiB", None),
            ("\u{0668}", None),
        ];
        for (text, size) in rows {
            assert_eq!(parse_size(text).ok(), *size, "{text}");
        }
    }

    #[test]
    fn durations() {
        let rows: &[(&str, Option<Duration>)] = &[
            ("0", Some(Duration::ZERO)),
            ("3ns", Some(Duration::from_nanos(3))),
            ("2us", Some(Duration::from_micros(2))),
            ("2\u{b5}s", Some(Duration::from_micros(2))),
            ("50ms", Some(Duration::from_millis(50))),
            ("1 s", Some(Duration::from_secs(1))),
            ("1m", Some(Duration::from_secs(60))),
            ("2h", Some(Duration::from_secs(7200))),
            ("50", None),
            ("", None),
            ("ms", None),
            ("-1ms", None),
            ("1.5ms", None),
            ("1MS", None),
            ("365d", Some(Duration::from_secs(365 * 86_400))),
            ("1D", None),
            ("6000000h", None),
            ("99999999999999999999ns", None),
        ];
        for (text, duration) in rows {
            assert_eq!(parse_duration(text).ok(), *duration, "{text}");
        }
    }
}
