//! The entry of worker processes: the first line of an embedder's `main`.

use std::{io::Write, process};

/// The argument that marks a process as a worker.
const MARK: &str = "--modhost-worker";

/// Returns at once, unless this process was started as a worker of modhost. Put it first into `main`: a host that isolates plugins in
/// processes re-executes itself.
///
/// This release starts no workers. A process that was nonetheless started as one says so and ends with status 70, rather than
/// running the host's `main` in its place.
pub fn entry() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == MARK) {
        // Nobody is left to tell where even this cannot be written.
        let _ = writeln!(std::io::stderr(), "modhost: this release has no worker processes");
        process::exit(70);
    }
}
