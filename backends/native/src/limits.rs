//! What native code can be held to: next to nothing, and it says so.

use modhost_backend::{Enforcement, Guarantee};

/// Native code runs with the process's memory and rights. It can loop, allocate, open files and start threads without
/// passing anything of ours, so no limit on those is promised; a policy that wants one gives it a process of its own.
///
/// What holds are the sizes of crossing values: they pass through the codec on the host's side, which measures before
/// it allocates. `output` does not hold: what the plugin prints through the host is counted, what it writes to file
/// descriptor 1 is not. A running call ends at its next host call when the meter says so, which is a courtesy of
/// plugins that call the host, not a guarantee.
pub(crate) const ENFORCEMENT: Enforcement = Enforcement { values: Guarantee::Exact, ..Enforcement::NOTHING };
