//! The seam between modhost's engine and its backends: what a language must offer ([`Backend`], [`Instance`]), what it
//! is given ([`LoadRequest`]: vetted files, a [`HostTable`], a [`Meter`]), what it may promise ([`Enforcement`]) and what
//! it may say ([`Fault`]).
//!
//! Who checks what: the engine vets bytes, decides trust, grants capabilities, lends the host's state and counts
//! re-entry; a backend converts values within the [`Meter`]'s limits, charges fuel and memory, and stops when the meter
//! says so. A backend knows nothing of trust, signatures or capabilities.
//!
//! A backend of your own implements the two traits and is handed to the engine's builder; `modhost-testkit` holds the
//! suite that defines how it must behave.
//!
//! ```
//! use modhost_backend::{
//!     Backend, Enforcement, ExportId, ExportInfo, Fault, FaultKind, Instance, Kind, LoadRequest, Suspending, Type, Value,
//! };
//!
//! /// A language in which each line `name number` exports a constant.
//! #[derive(Debug)]
//! struct Constants;
//! struct Loaded(Vec<ExportInfo>, Vec<i64>);
//!
//! impl Backend for Constants {
//!     fn kind(&self) -> Kind {
//!         Kind::from_static("constants")
//!     }
//!     fn enforcement(&self) -> Enforcement {
//!         Enforcement::SANDBOX
//!     }
//!     fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
//!         let text = request.source()?;
//!         let mut loaded = Loaded(Vec::new(), Vec::new());
//!         for line in text.lines() {
//!             request.meter.spend(1)?;
//!             let (name, number) = line.split_once(' ').unwrap_or((line, "0"));
//!             loaded.0.push(ExportInfo::new(name));
//!             loaded.1.push(number.parse().unwrap_or(0));
//!         }
//!         Ok(Box::new(loaded))
//!     }
//! }
//!
//! impl Instance for Loaded {
//!     fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
//!         ExportId::find(&self.0, name)
//!     }
//!     fn call(&mut self, export: ExportId, _args: &[Value], _wants: &Type) -> Result<Value, Fault> {
//!         Ok(Value::Int(self.1[export.index()]))
//!     }
//!     fn suspending(&mut self) -> Option<&mut dyn Suspending> {
//!         None
//!     }
//!     fn exports(&self) -> &[ExportInfo] {
//!         &self.0
//!     }
//!     fn memory_used(&self) -> Option<usize> {
//!         None
//!     }
//! }
//! ```
#![forbid(unsafe_code)]

mod backend;
mod enforcement;
mod fault;
mod files;
mod host;
mod kind;
mod limits;
mod load;
mod meter;
pub mod rig;
pub mod scope;

pub use backend::{Backend, ExportId, ExportInfo, Instance, Step, Suspending};
pub use enforcement::{Enforcement, Guarantee, Isolation};
pub use fault::{Fault, FaultKind, HostFailure, Place};
pub use files::FileSet;
pub use host::{HostBegin, HostCall, HostEntry, HostTable};
pub use kind::{Kind, KindError};
pub use limits::{Limits, Resource};
pub use load::{LoadRequest, Print, seed_of};
pub use meter::{Meter, Usage};
pub use modhost_abi::{Signature, Type, TypeError, Value, ValueBudget, ValueLimits};
