//! The conformance suite: what every backend does, as data. One folder per case, with the calls and what they must give, and the
//! same plugin beside it in each language. [`run`] holds any backend against it, a third party's too.
//!
//! # A backend of your own
//!
//! Copy the folder `scripts/conformance`, write each case's plugin in your language as `main.ENDING`, and hold your backend against
//! it in a test. A case without a plugin of yours fails, and so does one that goes otherwise than it says.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//!
//! use modhost::backend::Backend;
//! use modhost_testkit::conformance::{self, Outcomes, Report};
//!
//! fn conforms(backend: Arc<dyn Backend>, folder: &Path) -> Result<Report, String> {
//!     let cases = conformance::cases(folder)?;
//!     let report = conformance::run(&backend, "lua", &cases);
//!     println!("{}", Outcomes(&[report.clone()]));
//!     if report.failures().is_empty() { Ok(report) } else { Err(report.failures().join("\n")) }
//! }
//! # let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/conformance");
//! # let report = conforms(Arc::new(modhost_lua::LuaBackend::new()), &folder)?;
//! # assert!(report.outcomes.len() >= 60);
//! # Ok::<(), String>(())
//! ```
//!
//! # The format
//!
//! ```toml
//! about = "two integers"           # what the case shows
//! needs = ["instructions"]         # optional: promises of Enforcement without which the case is skipped:
//!                                  # instructions, memory, interrupt, call_depth, output, suspend
//! plugins = ["other"]              # optional: further plugins, other.ENDING, loaded before main.ENDING
//! [limits]                         # optional: fuel, memory, deadline, call_depth, reentry_depth, output, value_bytes, value_depth
//! fuel = 1000
//! [[call]]
//! plugin = "other"                 # optional, without it `main`
//! export = "add"                   # or: callback = true, which calls the export that was given to host.later
//! args = [40, 2]                   # optional
//! gives = 42                       # or: fails = "script.type"
//! answers = [20, 22]               # optional: the call is started, and resumed with each; { "$fails" = "why" } is an error
//! prints = ["a line"]              # optional: all lines that this call prints
//! [call.diverges]                  # optional, by backend: what this call does instead, and the documentation that forces it
//! lua = { fails = "script.type", why = "numbers are doubles", doc = "README.md: an integer beyond 2^53" }
//! [missing]                        # optional, by backend: why the case cannot be written in that language
//! wasm = "a module has no files"
//! ```
//!
//! A case whose plugin does not load says `load = "CODE"` instead of listing calls; its `[diverges]` stands at the top. A plugin of
//! several files is a folder named like the ending, `lua/` with `plugin.toml`, whose id is `main`. A divergence that does not happen
//! fails the case, and more than [`MOST_DIVERGENCES`] fail the backend.
//!
//! Values are TOML's, and for what TOML cannot say a table of one key: `{ "$nil" = true }`, `{ "$bytes" = [0, 255] }`,
//! `{ "$handle" = "kind:slot:generation" }`, `{ "$repeat" = ["x", 100] }`, `{ "$nested" = 20 }` (lists within lists, the innermost holds
//! 1), `{ "$range" = 100 }` (the ints from 0).
//!
//! # The host
//!
//! Plugins find the contract `host`:
//!
//! | function | |
//! |---|---|
//! | `case() -> str` | the case's name, for [`Plugins::One`] |
//! | `add(int, int) -> int`, `half(float) -> float`, `echo(any) -> any` | |
//! | `size(bytes) -> int`, `text(int) -> str` | how many bytes; a text so long |
//! | `greet(str, int?) -> str` | the name, so many times |
//! | `count(int) -> int` | adds to the lent state |
//! | `later(str)` | asks for a call back by an export's name |
//! | `ask(str, str, list<any>) -> any` | calls an export of a plugin; its error is `host.failed` |
//! | `code(str, str) -> str` | calls an export without arguments and tells its code, or `ok` |
//! | `wait(int) -> int` | answers later |
//! | `fail()`, `panic() -> int`, `locked() -> int`, `other() -> int` | fails; panics; is not granted; needs another state than is lent |

mod case;
mod host;
mod play;
mod report;
mod run;
mod value;

pub use case::{Case, Divergence, Expected, cases};
pub use play::{Played, play};
pub use report::{MOST_DIVERGENCES, Outcome, Outcomes, Report};
pub use run::{Plugins, run};
