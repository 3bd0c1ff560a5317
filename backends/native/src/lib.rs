//! Native libraries as plugins, for vendors whom the host trusts with its process: nothing can be promised about code
//! that runs at full speed beside the engine (see [`NativeBackend::enforcement`]). Policy decides who that is.
//!
//! A library is inspected before it is loaded, is loaded from a private copy of the vetted bytes, and stays mapped until
//! the process ends, because nobody can see what it left behind: what no instance uses any more is
//! [parked](NativeBackend::parked). Authors write plugins with `modhost-plugin`, or in C with `modhost.h`.
//!
//! ```no_run
//! use modhost_backend::{Value, rig::Rig};
//! use modhost_native::NativeBackend;
//!
//! let backend = NativeBackend::new();
//! let bytes = std::fs::read("target/release/libphysics.so")?;
//! let mut rig = Rig::builder().file("libphysics.so", bytes).load(&backend)?;
//! rig.call("step", &[Value::Float(0.016)])?;
//! drop(rig);
//! assert_eq!(backend.parked(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(unsafe_code)]

mod bridge;
mod convert;
mod file;
mod inspect;
mod instance;
#[allow(unsafe_code)]
mod library;
mod limits;
mod load;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

pub use inspect::inspect;
use modhost_backend::{Backend, Enforcement, Fault, Instance, Kind, LoadRequest};

/// Loads native libraries into this process.
#[derive(Debug, Default)]
pub struct NativeBackend {
    parked: Arc<AtomicUsize>,
}

impl NativeBackend {
    /// A backend with nothing loaded.
    #[must_use]
    pub fn new() -> Self {
        NativeBackend::default()
    }

    /// How many libraries are mapped that no instance uses any more. Each costs its size in memory until the process
    /// ends; a host that reloads native plugins often runs them in a worker process, which ends.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.parked.load(Relaxed)
    }
}

impl Backend for NativeBackend {
    fn kind(&self) -> Kind {
        Kind::NATIVE
    }

    fn enforcement(&self) -> Enforcement {
        limits::ENFORCEMENT
    }

    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        Ok(Box::new(load::load(&request, &self.parked)?))
    }
}
