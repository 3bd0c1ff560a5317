//! Dates of records as text: RFC 3339, UTC, milliseconds. The calendar is Howard Hinnant's `civil_from_days` and `days_from_civil`
//! ("chrono-Compatible Low-Level Date Algorithms", public domain).

use std::time::{Duration, SystemTime};

const DAY: u64 = 86_400;
/// The last second of the year 9999, after which the text would be longer.
const LAST: u64 = 253_402_300_799;

/// `2026-11-21T14:30:00.250Z`. What lies before 1970 is written as its beginning, what lies after 9999 as its end.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use modhost::audit::{format_time, parse_time};
///
/// let moon = SystemTime::UNIX_EPOCH + Duration::from_millis(951_782_400_250);
/// assert_eq!(format_time(moon), "2000-02-29T00:00:00.250Z");
/// assert_eq!(parse_time("2000-02-29T00:00:00.250Z"), Some(moon));
/// assert_eq!(parse_time("2000-02-29"), parse_time("2000-02-29T00:00:00Z"));
/// assert_eq!(parse_time("2001-02-29"), None);
/// ```
#[must_use]
pub fn format_time(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = if since.as_secs() > LAST { (LAST, 999) } else { (since.as_secs(), since.subsec_millis()) };
    let (day, second) = (seconds / DAY, seconds % DAY);
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The time that a text of this form means: a date, or a date and time in UTC with or without milliseconds.
#[must_use]
pub fn parse_time(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00.000Z"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let time = time.strip_suffix('Z')?;
    let (time, millis) = time.split_once('.').unwrap_or((time, "000"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let [millis] = numbers(millis, '.', [3])?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)?;
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    let found = SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + millis);
    // The 31st of a month that has 30 days is another text's time.
    format_time(found).starts_with(date).then_some(found)
}

/// Numbers of exactly so many digits each.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut all = [0; N];
    for (number, digits) in all.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_reads_back_and_follows_the_one_before() {
        let mut before = (1969, 12, 31);
        // Longer than the calendar's period of 400 years.
        for day in 0..=160_000 {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(day * DAY + day % DAY);
            let text = format_time(time);
            assert_eq!(parse_time(&text), Some(time), "{text}");
            let [year, month, day] = numbers(&text[..10], '-', [4, 2, 2]).unwrap();
            let next = (before.0, before.1, before.2 + 1);
            let months = [(before.0, before.1 + 1, 1), (before.0 + 1, 1, 1)];
            assert!(next == (year, month, day) || months.contains(&(year, month, day)), "{before:?} {text}");
            before = (year, month, day);
        }
        assert_eq!(before, (2408, 1, 25));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-11-21T14:30:00",
            "2026-11-21T14:30:00.5Z",
            "2026-11-21 14:30:00Z",
            "2026-11-21T24:00:00Z",
            "2026-13-01",
            "2026-00-01",
            "2026-11-31",
            "2026-11-00",
            "1969-12-31",
            "+026-11-21",
            "2026-11-21T14:30:00+01:00",
            "2026-1-021",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(format_time(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
        assert_eq!(format_time(SystemTime::UNIX_EPOCH + Duration::from_secs(LAST + 1)), "9999-12-31T23:59:59.999Z");
    }
}
