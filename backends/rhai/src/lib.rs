//! The Rhai backend: one sandboxed engine per plugin over builtins that all plugins share.
//!
//! A plugin's top-level statements run once, at load. Its exports are its public functions. What persists between calls
//! is `this`, a map that each exported function gets; top-level `const`s are read as `global::NAME`. Top-level `let`
//! variables are not state: functions do not see them, and they are dropped when loading ends. Host functions are
//! called by their dotted name with `::`, as in `world::spawn("wolf")`.
//!
//! ```
//! use modhost_backend::{Value, rig::Rig};
//! use modhost_rhai::RhaiBackend;
//!
//! let source = "
//!     const STEP = 2;
//!     fn count() { this.n = (this.n ?? 0) + global::STEP; this.n }
//! ";
//! let mut rig = Rig::builder().file("main.rhai", source).load(&RhaiBackend::new())?;
//! assert_eq!(rig.call("count", &[])?, Value::Int(2));
//! assert_eq!(rig.call("count", &[])?, Value::Int(4));
//! # Ok::<(), modhost_backend::Fault>(())
//! ```
//!
//! `import "lib/util" as util;`, on the top level of a file, makes the public functions of the plugin's file
//! `lib/util.rhai` callable as `util::twice(2)`, also from exported functions; `"./util"` is the file in the same folder.
//! Each file runs once, before those that import it, and keeps its constants to itself.
//!
//! A policy may close parts of the standard library, by the names `array`, `bits`, `blob`, `iterators` (steps, `chars`,
//! ends of ranges), `map`, `math` (and numbers out of texts) and `string`. Operators, comparisons, literals, indexing,
//! texts of values and `for` over ranges, arrays, blobs and texts are the language and always open.
//!
//! What differs from a stock Rhai, because guests are hostile: a closure captures copies of variables, not the variables
//! (shared cells can form cycles that are never freed), and what `limits::REMOVED` lists does not exist.
#![forbid(unsafe_code)]

mod builtins;
mod characters;
mod convert;
mod cost;
mod fault;
mod host;
mod instance;
mod limits;
mod load;
mod memory;
mod modules;
mod plugin;
mod source;
mod stack;
mod text;

use modhost_backend::{Backend, Enforcement, Fault, Instance, Kind, LoadRequest};

/// Plugins in Rhai.
///
/// Units: one unit of fuel is one Rhai operation (about one node of the syntax tree); loading also pays one unit for
/// each 16 bytes of source. Memory is bounded by the sizes of values times their number, see [`Backend::enforcement`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RhaiBackend;

impl RhaiBackend {
    /// A backend; what plugins share is made once per process, at the first load.
    #[must_use]
    pub fn new() -> Self {
        RhaiBackend
    }
}

impl Backend for RhaiBackend {
    fn kind(&self) -> Kind {
        Kind::RHAI
    }

    fn enforcement(&self) -> Enforcement {
        limits::ENFORCEMENT
    }

    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        load::load(&request).map(|instance| Box::new(instance) as Box<dyn Instance>)
    }
}
