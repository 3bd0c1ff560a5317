//! What was played, counted over the tests of this program. Each tells its own line past the harness, which would keep it to itself, and
//! the last of them the sum.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
};

/// Who reports: as many as tests call [`report`].
const REPORTS: usize = 26;

#[derive(Clone, Copy)]
pub(crate) enum What {
    Attacks,
    Flips,
    /// Of what this parser reads.
    Mutations(&'static str),
    Signatures,
}

#[derive(Default)]
struct Sum {
    flips: u64,
    mutations: u64,
    signatures: u64,
    parsers: BTreeSet<&'static str>,
    /// What attacks took, in words.
    attacks: String,
    reports: usize,
}

static SUM: Mutex<Option<Sum>> = Mutex::new(None);

/// Prints past the harness.
pub(crate) fn say(line: &str) {
    // Nobody is there to hear that nobody hears.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Tells what a test played.
pub(crate) fn report(what: What, count: u64, line: &str) {
    say(&format!("vetting: {line}"));
    let mut sum = SUM.lock().unwrap_or_else(PoisonError::into_inner);
    let sum = sum.get_or_insert_default();
    sum.reports += 1;
    match what {
        What::Attacks => sum.attacks = line.to_owned(),
        What::Flips => sum.flips += count,
        What::Signatures => sum.signatures += count,
        What::Mutations(parser) => {
            sum.mutations += count;
            sum.parsers.insert(parser);
        }
    }
    assert!(sum.reports <= REPORTS, "{} tests report", sum.reports);
    if sum.reports == REPORTS {
        let Sum { attacks, flips, mutations, signatures, parsers, .. } = sum;
        let parsers = parsers.len();
        say(&format!(
            "vetting: {attacks}; {flips} flips; {mutations} mutations over {parsers} parsers; {signatures} signatures against a second implementation"
        ));
    }
}
