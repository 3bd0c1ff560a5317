//! modhost: an embedded plugin engine for games and editors.
//!
//! One [`Engine`] runs mods written as Lua (Luau) or Rhai scripts, as WebAssembly, or as native libraries from trusted vendors, behind one
//! interface, each in the box that its trust allows: fuel, memory and time limits hold whatever the plugin does.
//!
//! ```
//! use modhost::prelude::*;
//!
//! struct World { units: Vec<String> }
//!
//! let mut world = World { units: Vec::new() };
//! let engine = Engine::builder()
//!     .function("world.spawn", |world: &mut World, kind: String| world.units.push(kind))
//!     .build()?;
//! let wolves = engine.load_source("wolves.lua", "function dusk(n) for i = 1, n do world.spawn('wolf') end return n end")?;
//! let spawned: i64 = engine.call(&mut world, wolves, "dusk", (3,))?;
//! assert_eq!((spawned, world.units.len()), (3, 3));
//!
//! // A mod that does not end ends anyway, whatever it catches; the host goes on.
//! let hostile = engine.load_source("hostile.lua", "function go() while true do pcall(function() while true do end end) end end")?;
//! let error = engine.call::<_, ()>(&mut world, hostile, "go", ()).unwrap_err();
//! assert_eq!(error.code(), Code::LimitFuel);
//! # Ok::<(), modhost::Error>(())
//! ```
//!
//! The nouns: an [`Engine`] loads a [`Package`](package::Package) as a plugin, which it calls by its [`PluginId`] or through a prepared
//! [`Call`]; a [`Value`] is what crosses; a [`Policy`] says what each [`TrustLevel`] is worth. Everything that can go wrong is an [`Error`]
//! with a stable [`Code`].
#![forbid(unsafe_code)]

pub mod audit;
mod backends;
mod batch;
mod builder;
mod bus;
mod call;
mod checks;
mod enabling;
mod engine;
mod error;
mod events;
mod examine;
mod groups;
mod hooks;
mod host;
mod inner;
mod lifecycle;
mod loading;
mod nesting;
pub mod package;
mod plain;
mod planning;
mod policy;
pub mod replace;
mod report;
pub mod resolve;
mod revoking;
mod schedule;
mod shown;
mod spans;
mod statistics;
mod steps;
mod suspend;
mod table;
mod unloading;
pub mod verify;
pub mod worker;

pub use backends::BackendStatus;
pub use builder::Builder;
pub use call::{
    Call, CancelHandle, Change, Clock, Illegal, LifecycleEvent, ManualClock, Moment, PluginId, Progress, State, Step,
    SystemClock, Ticket, Transition,
};
pub use checks::Review;
pub use engine::{Engine, Measured, Target};
pub use error::{Code, Error, LimitHit, Result, Stage, UnknownCode};
pub use examine::{Admissibility, Asked, Candidate, Examination};
pub use groups::GroupInfo;
pub use host::{
    Caller, Handles, HostClosure, HostError, HostFunction, IntoResult, LastError, LogLevel, LogLine, PendingClosure,
    caller,
};
pub use loading::{LoadProgress, Loading};
pub use modhost_abi as abi;
#[cfg(feature = "serde")]
pub use modhost_abi::serde;
pub use modhost_abi::{
    Capability, Contract, FromArgs, FromValue, Handle, IntoArgs, IntoValue, Map, Signature, Type, TypeError, Value,
    ValueLimits,
};
pub use modhost_backend as backend;
pub use modhost_backend::{Enforcement, Guarantee, Isolation, Kind, Limits, Place, Resource};
#[doc(no_inline)]
pub use modhost_macros::{FromValue, IntoValue};
pub use policy::{
    Admission, Calibration, Capabilities, GroupBy, GroupLimits, Level, LimitSet, Overrides, Policy, TrustLevel,
};
pub use report::{Answers, Loaded, Mods, Refused, Shadowed, Stopped};
pub use revoking::Rechecked;
pub use shown::{ShowPath, Shown};
pub use statistics::{PluginInfo, Totals, Violations};
pub use steps::{Discovered, Resolved};
pub use unloading::Dependents;

/// What an embedder's file usually needs.
pub mod prelude {
    pub use crate::{Code, Engine, Error, FromValue, HostFunction, IntoValue, Mods, PluginId, Policy, Value};
}
