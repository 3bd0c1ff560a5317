//! The conformance suite: one folder per case, with the calls and what they must give as data, and the same plugin beside it in each
//! language. Every backend, a third party's too, is held against it by [`run`].
//!
//! ```toml
//! about = "two integers"           # what the case shows
//! [limits]                         # optional: fuel, memory, deadline, call_depth, output, value_bytes, value_depth, reentry_depth
//! fuel = 1000
//! [[call]]
//! export = "add"
//! args = [40, 2]
//! gives = 42                       # or: fails = "script.type"
//! [diverges]                       # optional, by backend: what it does instead, and the reason
//! rhai = { fails = "script.arity", why = "Rhai resolves functions by their number of parameters" }
//! [missing]                        # optional, by backend: why the case cannot be written in that language
//! wasm = "plain modules have no strings"
//! ```
//!
//! A case whose plugin does not load says `load = "CODE"` instead of listing calls. Values are TOML's, and `{ "$nil" = true }`,
//! `{ "$bytes" = [1, 2] }`, `{ "$float" = "nan" }`, `{ "$repeat" = ["x", 100] }` for what TOML cannot say.

mod case;
mod host;
mod run;
mod value;

pub use case::{Case, Expected, cases};
pub use run::{Outcome, Report, run};
