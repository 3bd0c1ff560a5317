//! Write modhost plugins in Rust: a struct with state, ordinary safe functions, and one [`plugin!`] that lists them.
//!
//! The crate is a `cdylib`; building it gives a native library that the host loads through the `native` backend. Every
//! export has the state as its first parameter; the other parameters and the result are types that cross (`bool`,
//! integers, floats, `String`, `Vec`, `Option`, maps, [`Value`], and structs with the derives). A function that can
//! fail returns [`Result`]; `?` passes the failure of a host function on, and the embedder sees the original.
//!
//! A panic in a function is caught, ends the instance, and is `script.raised` to the host. Do not build plugins with
//! `panic = "abort"`: that would end the game.
//!
//! ```
//! use modhost_plugin::Result;
//!
//! struct Physics {
//!     gravity: f64,
//!     fallen: f64,
//! }
//!
//! impl Physics {
//!     fn step(&mut self, dt: f64) -> Result<f64> {
//!         if dt < 0.0 {
//!             return Err("time runs forwards".into());
//!         }
//!         self.fallen += self.gravity * dt;
//!         host::log("one step")?;
//!         Ok(self.fallen)
//!     }
//!
//!     fn fallen(&self) -> f64 {
//!         self.fallen
//!     }
//! }
//!
//! modhost_plugin::plugin! {
//!     state: Physics = Physics { gravity: 9.81, fallen: 0.0 };
//!     imports {
//!         fn log(text: &str) => "world.log";
//!         fn spawn(kind: &str, x: f64, y: f64) -> i64 => "world.spawn";
//!     }
//!     exports {
//!         fn step(dt) => Physics::step;
//!         fn fallen() => Physics::fallen;
//!     }
//! }
//! # fn main() {}
//! ```
#![deny(unsafe_code)]

mod error;
mod export;
#[doc(hidden)]
pub mod ffi;
mod macros;

pub use error::{Error, Result};
pub use export::{Made, Method, Outcome};
pub use ffi::print;
pub use modhost_abi::{
    self as abi, FromArgs, FromValue, Handle, IntoArgs, IntoValue, Map, Signature, Type, TypeError, Value,
};
pub use modhost_macros::*;
