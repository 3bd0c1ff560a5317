//! [`Calibration`]: what a unit of fuel is worth in each language on one machine, so that a host can speak of one unit for all. Plain
//! data and arithmetic; measuring is the command's (`modhost bench --calibrate`).

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use modhost_backend::Kind;

use super::file;
use crate::{
    error::{Code, Error, Result},
    package::schema::{Item, Text},
};

/// How much fuel each language burns in a millisecond of plain computing on one machine.
///
/// Fuel is each backend's own unit: a safepoint in Lua, an operation in Rhai, an instruction in WebAssembly. It repeats from run to run
/// and from machine to machine, but ten units of one are not ten of another. With a calibration a host says
/// [`Level::work`](crate::Level::work), "so much computing", and every language gets the fuel that stands for it. The limit still
/// repeats: it is turned into fuel by these figures once, at admission, never by a clock. Hosts whose players must agree on who runs out
/// of fuel ship one calibration to all of them instead of measuring on each machine.
///
/// ```
/// use std::time::Duration;
/// use modhost::{Calibration, Kind};
///
/// let figures = Calibration::from_toml("[units_per_ms]\nlua = 50_000\nrhai = 9_000", "here.toml")?;
/// assert_eq!(figures.fuel_for(&Kind::LUA, Duration::from_millis(2)), Some(100_000));
/// assert_eq!(figures.time_for(&Kind::RHAI, 45_000), Some(Duration::from_millis(5)));
/// assert_eq!(figures.fuel_for(&Kind::NATIVE, Duration::from_millis(2)), None); // nobody counts for native code
/// assert_eq!(Calibration::from_toml(&figures.to_toml(), "again.toml")?, figures);
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Calibration {
    /// Units per millisecond; never 0. Whole numbers, so that the same file gives the same fuel everywhere.
    units: BTreeMap<Kind, u64>,
}

/// The table of a calibration file.
const TABLE: &str = "units_per_ms";

impl Calibration {
    /// No figures yet.
    #[must_use]
    pub fn new() -> Self {
        Calibration::default()
    }

    /// The same with `units` of fuel per millisecond for the language `kind`; 0 counts as 1.
    #[must_use]
    pub fn with(mut self, kind: Kind, units: u64) -> Self {
        self.units.insert(kind, units.max(1));
        self
    }

    /// Units of fuel per millisecond; `None` for a language without a figure.
    #[must_use]
    pub fn units_per_ms(&self, kind: &Kind) -> Option<u64> {
        self.units.get(kind).copied()
    }

    /// The languages with a figure, sorted by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.units.keys()
    }

    /// The fuel that so much work takes, rounded up: no time is no fuel, and any time some. `u64::MAX` for more than there is.
    #[must_use]
    pub fn fuel_for(&self, kind: &Kind, work: Duration) -> Option<u64> {
        let units = u128::from(self.units_per_ms(kind)?);
        let fuel = work.as_nanos().saturating_mul(units).div_ceil(NANOS_PER_MS);
        Some(u64::try_from(fuel).unwrap_or(u64::MAX))
    }

    /// The work that so much fuel stands for, rounded down to nanoseconds.
    #[must_use]
    pub fn time_for(&self, kind: &Kind, fuel: u64) -> Option<Duration> {
        let nanos = u128::from(fuel) * NANOS_PER_MS / u128::from(self.units_per_ms(kind)?);
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// Reads what [`Calibration::to_toml`] writes. `file_name` is for the places in errors.
    ///
    /// # Errors
    /// [`Code::PolicySyntax`], [`Code::PolicyUnknownKey`] and [`Code::PolicyValue`], with line and column.
    pub fn from_toml(text: &str, file_name: &str) -> Result<Self> {
        let text = Text::of(text, file_name, &file::CODES);
        let document = text.parse()?;
        let root = crate::package::schema::Keys::root(&text, document.get_ref())?;
        root.check(&[TABLE])?;
        Ok(root.read(TABLE, |item| Calibration::read(&item))?.unwrap_or_default())
    }

    /// A TOML file with these figures.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = format!("[{TABLE}]\n");
        for (kind, units) in &self.units {
            // Writing to a string cannot fail. A kind has no character that TOML would want quoted.
            let _ = writeln!(text, "{kind} = {units}");
        }
        text
    }

    /// Reads a table of figures, in a calibration file or a policy.
    pub(super) fn read(item: &Item<'_>) -> Result<Self> {
        let mut figures = Calibration::default();
        for entry in item.entries()? {
            let wrong = |message: String| -> Error { entry.error_at_key(Code::PolicyValue, message) };
            let kind = Kind::new(entry.key).map_err(|error| wrong(error.to_string()))?;
            let units = entry.count()?;
            if units == 0 {
                return Err(
                    entry.error(Code::PolicyValue, "a language that burns no fuel would never end: write 1 or more")
                );
            }
            figures.units.insert(kind, units);
        }
        Ok(figures)
    }
}

const NANOS_PER_MS: u128 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(units: u64, work: Duration, fuel: u64) {
        let figures = Calibration::new().with(Kind::LUA, units);
        assert_eq!(figures.fuel_for(&Kind::LUA, work), Some(fuel), "{units} units per ms, {work:?}");
        if fuel < u64::MAX {
            let back = figures.time_for(&Kind::LUA, fuel).unwrap();
            assert!(back >= work, "{back:?} is less than {work:?}");
            assert!(back <= work + Duration::from_nanos(1 + 1_000_000 / units), "{back:?} is more than {work:?}");
        }
    }

    #[test]
    fn work_becomes_fuel_and_is_never_lost() {
        check(50_000, Duration::ZERO, 0);
        check(50_000, Duration::from_nanos(1), 1);
        check(50_000, Duration::from_millis(1), 50_000);
        check(50_000, Duration::from_micros(16), 800);
        check(7, Duration::from_millis(3), 21);
        check(3, Duration::from_micros(1), 1);
        check(1_000_000_000, Duration::from_secs(10), 10_000_000_000_000);
        check(u64::MAX, Duration::from_millis(1), u64::MAX);
        check(u64::MAX, Duration::MAX, u64::MAX);
    }

    #[test]
    fn what_is_no_figure_is_refused() {
        for (text, code) in [
            ("[units_per_ms]\nlua = 0", Code::PolicyValue),
            ("[units_per_ms]\n\"no kind\" = 1", Code::PolicyValue),
            ("[units_per_ms]\nlua = -1", Code::PolicyValue),
            ("[units_per_sec]\nlua = 1", Code::PolicyUnknownKey),
            ("[units_per_ms", Code::PolicySyntax),
        ] {
            assert_eq!(Calibration::from_toml(text, "c.toml").unwrap_err().code(), code, "{text}");
        }
        assert_eq!(Calibration::from_toml("", "c.toml").unwrap(), Calibration::new());
    }
}
