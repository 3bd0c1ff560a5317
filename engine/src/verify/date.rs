//! [`Date`]: a moment as signatures and trust stores write it.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A moment in whole seconds, from 1970 to 9999, written in the one form `2027-11-21T00:00:00Z`.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use modhost::verify::Date;
///
/// let date: Date = "2027-11-21T00:00:00Z".parse()?;
/// assert_eq!(date.time(), UNIX_EPOCH + Duration::from_secs(1_826_755_200));
/// assert_eq!(date.to_string(), "2027-11-21T00:00:00Z");
/// assert!("2027-11-21T00:00:00+01:00".parse::<Date>().is_err());
/// # Ok::<(), modhost::verify::DateError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Date(u64);

/// A text is no [`Date`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DateError;

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date is written in UTC to the second, like 2027-11-21T00:00:00Z")
    }
}

impl std::error::Error for DateError {}

const DAY: u64 = 86_400;
/// The last second of 9999, after which years have five digits.
const LAST: u64 = 253_402_300_799;

impl Date {
    /// The second that `time` is in; what is before 1970 or after 9999 is the first or last second there is.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        Date(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST))
    }

    /// Its begin.
    #[must_use]
    pub fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0)
    }

    /// So much later, 9999 at the latest.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Date(self.0.saturating_add(by.as_secs()).min(LAST))
    }
}

/// Days since 1970 of a day in the calendar that never changed its rule (proleptic Gregorian), by counting years from March, so
/// that the day that comes and goes is the last of its year (H. Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    // 719,468 days lie between March of the year 0 and 1970.
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970.
fn calendar(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = calendar(self.0 / DAY);
        let (hour, minute, second) = (self.0 % DAY / 3600, self.0 % 3600 / 60, self.0 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let number = |range: std::ops::Range<usize>| {
            let digits = text.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or(DateError)
        };
        if text.len() != 20 {
            return Err(DateError);
        }
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        if year < 1970 || !(1..=12).contains(&month) || day == 0 {
            return Err(DateError);
        }
        let date = Date(days(year, month, day) * DAY + hour * 3600 + minute * 60 + second);
        // What is no date (the 31st of April, 24:00) comes out as another one, and so do other signs between the numbers.
        if date.to_string() == text { Ok(date) } else { Err(DateError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_back_and_nothing_else_is_one() {
        let rows = [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("9999-12-31T23:59:59Z", LAST),
        ];
        for (text, seconds) in rows {
            assert_eq!(text.parse(), Ok(Date(seconds)));
        }
        for seconds in (0..LAST).step_by(86_400 * 97 + 61) {
            assert_eq!(Date(seconds).to_string().parse(), Ok(Date(seconds)));
        }
        let bad = [
            "",
            "1969-12-31T23:59:59Z",
            "2023-02-29T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01t00:00:00Z",
            "2024-01-01T00:00:00z",
            "2024/01/01T00:00:00Z",
            "2024-01-01T00:00:00.0Z",
            "+024-01-01T00:00:00Z",
            "2024-01-01T00:00:0\u{e4}",
        ];
        for text in bad {
            assert_eq!(text.parse::<Date>(), Err(DateError), "{text}");
        }
        assert_eq!(Date::of(UNIX_EPOCH - Duration::from_secs(9)), Date(0));
    }
}
