//! A backend of the embedder's own, for what no shipped one does: it crashes, panics, cannot isolate, or is interrupted.

use std::sync::Arc;

use modhost::{
    Engine, Error, Kind, Type, Value,
    backend::{Backend, Enforcement, ExportId, ExportInfo, Fault, FaultKind, Instance, LoadRequest, Meter, Suspending},
};

/// An embedder's own backend, in the place of Lua's, that says what no backend of this crate says on this system.
#[derive(Debug)]
pub(super) enum Own {
    Interrupted,
    Crashed,
    Panics,
    Unavailable,
}

struct OwnPlugin {
    exports: Vec<ExportInfo>,
    meter: Arc<Meter>,
    crashes: bool,
}

impl Backend for Own {
    fn kind(&self) -> Kind {
        Kind::LUA
    }

    fn enforcement(&self) -> Enforcement {
        Enforcement::SANDBOX
    }

    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        match self {
            // Without the default hook's report.
            Own::Panics => std::panic::resume_unwind(Box::new("a backend's bug")),
            Own::Unavailable => {
                Err(Fault::new(FaultKind::IsolationUnavailable { message: "this system cannot look first".into() }))
            }
            Own::Interrupted | Own::Crashed => Ok(Box::new(OwnPlugin {
                exports: vec![ExportInfo::new("run")],
                meter: request.meter.clone(),
                crashes: matches!(self, Own::Crashed),
            })),
        }
    }
}

impl Instance for OwnPlugin {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        ExportId::find(&self.exports, name)
    }

    fn call(&mut self, _: ExportId, _: &[Value], _: &Type) -> Result<Value, Fault> {
        if self.crashes {
            return Err(Fault::new(FaultKind::Crashed { message: "the worker died".into() }));
        }
        self.meter.cancel(self.meter.call_number());
        self.meter.spend(0).map(|()| Value::Nil)
    }

    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        None
    }

    fn exports(&self) -> &[ExportInfo] {
        &self.exports
    }

    fn memory_used(&self) -> Option<usize> {
        None
    }
}

pub(super) fn own(backend: Own) -> Error {
    let engine = Engine::builder().backend(Arc::new(backend)).build().unwrap();
    let loaded = engine.load_source("p.lua", "");
    loaded.and_then(|plugin| engine.call::<_, Value>(&mut (), plugin, "run", ())).unwrap_err()
}
