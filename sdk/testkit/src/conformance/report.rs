//! [`Report`] and [`Outcomes`]: how the cases went, for one backend and as a table of all.

use std::fmt;

use modhost::Kind;

/// The most calls of a suite in which one backend may declare to diverge.
pub const MOST_DIVERGENCES: usize = 10;

/// How a case went.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// As it should.
    Passed,
    /// So many of its calls went as their declared divergence says, the others as they should.
    Diverged(usize),
    /// The language cannot say it, for a declared reason.
    Missing,
    /// It tests a limit for which the backend promises nothing.
    NotPromised,
    /// None of these.
    Failed(String),
}

impl Outcome {
    /// One word for a table.
    fn cell(&self) -> &'static str {
        match self {
            Outcome::Passed => "ok",
            Outcome::Diverged(_) => "diverges",
            Outcome::Missing => "missing",
            Outcome::NotPromised => "no promise",
            Outcome::Failed(_) => "FAILED",
        }
    }
}

/// One backend's outcomes over a suite. Its text is a summary in one line.
#[derive(Clone, Debug)]
pub struct Report {
    /// The backend.
    pub kind: Kind,
    /// Case and outcome, in the order of the cases.
    pub outcomes: Vec<(String, Outcome)>,
}

impl Report {
    /// What failed, a line each: cases, and divergences beyond [`MOST_DIVERGENCES`].
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failed = |(case, outcome): &(String, Outcome)| match outcome {
            Outcome::Failed(why) => Some(format!("{} / {case}: {why}", self.kind)),
            _ => None,
        };
        let mut failures: Vec<String> = self.outcomes.iter().filter_map(failed).collect();
        let diverged = self.divergences();
        if diverged > MOST_DIVERGENCES {
            failures.push(format!("{} diverges {diverged} times, at most {MOST_DIVERGENCES} are taken", self.kind));
        }
        failures
    }

    /// In how many calls it diverged.
    #[must_use]
    pub fn divergences(&self) -> usize {
        let diverged =
            |(_, outcome): &(String, Outcome)| if let Outcome::Diverged(calls) = outcome { *calls } else { 0 };
        self.outcomes.iter().map(diverged).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |cell: &str| self.outcomes.iter().filter(|(_, outcome)| outcome.cell() == cell).count();
        write!(
            f,
            "{:8} {:3} cases: {:3} ok, {:2} diverge in {:2} calls, {:2} missing, {:2} not promised, {:2} failed",
            self.kind,
            self.outcomes.len(),
            count("ok"),
            count("diverges"),
            self.divergences(),
            count("missing"),
            count("no promise"),
            count("FAILED"),
        )
    }
}

/// Cases against backends, a cell each, and the summaries below. The reports are of the same cases.
#[derive(Clone, Copy, Debug)]
pub struct Outcomes<'a>(pub &'a [Report]);

impl fmt::Display for Outcomes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cases = self.0.first().map(|report| report.outcomes.as_slice()).unwrap_or_default();
        let width = cases.iter().map(|(case, _)| case.len()).max().unwrap_or_default();
        write!(f, "{:width$}", "case")?;
        for report in self.0 {
            write!(f, "  {:10}", report.kind)?;
        }
        for (at, (case, _)) in cases.iter().enumerate() {
            write!(f, "\n{case:width$}")?;
            for report in self.0 {
                let cell = report.outcomes.get(at).map(|(_, outcome)| outcome.cell()).unwrap_or_default();
                write!(f, "  {cell:10}")?;
            }
        }
        writeln!(f)?;
        for report in self.0 {
            write!(f, "\n{report}")?;
        }
        Ok(())
    }
}
