//! [`Call`]: a call whose plugin, export and types are settled once.

use std::{fmt, marker::PhantomData, sync::Arc};

use modhost_abi::{FromValue, IntoArgs, Type};
use modhost_backend::{ExportId, Fault, Instance, scope};

use super::{PluginId, Slot};
use crate::{
    engine::Engine,
    error::{Result, Stage},
};

/// A call whose plugin, export and types are settled once, for those that are made often. It ends with its plugin: then it gives
/// `plugin.killed` or `plugin.not-found`.
///
/// ```
/// use modhost::Engine;
///
/// let engine = Engine::builder().build()?;
/// let plugin = engine.load_source("sum.lua", "function add(a, b) return a + b end")?;
/// let add = engine.prepare::<(i64, i64), i64>(plugin, "add")?;
/// assert_eq!(add.call(&mut (), (40, 2))?, 42);
/// # Ok::<(), modhost::Error>(())
/// ```
pub struct Call<Args, Ret> {
    engine: Engine,
    slot: Arc<Slot>,
    export: ExportId,
    wants: Type,
    types: PhantomData<fn(Args) -> Ret>,
}

impl<Args: IntoArgs, Ret: FromValue> Call<Args, Ret> {
    pub(crate) fn new(engine: Engine, slot: Arc<Slot>, export: ExportId) -> Self {
        Call { engine, slot, export, wants: Ret::ty(), types: PhantomData }
    }

    /// Calls the export; `state` is lent to the host functions it calls.
    ///
    /// # Errors
    /// Whatever the plugin, its limits or the conversion of its result give.
    #[inline]
    pub fn call<S: 'static>(&self, state: &mut S, args: Args) -> Result<Ret> {
        let run = |instance: &mut dyn Instance| {
            // Converted where it arrives: each step between moves the value once more, which costs more than reading it.
            let converted = args.with_args(|args| {
                let result = scope::lend(state, || instance.call(self.export, args, &self.wants))?;
                let _charge = self.slot.origin.ledger.in_flight(std::slice::from_ref(&result))?;
                Ret::from_value(result).map_err(Fault::from)
            });
            converted.map_err(Fault::from)?
        };
        let inner = self.engine.inner();
        let result = self.slot.run(&inner.watchdog, &inner.audit, Stage::Call, run);
        self.engine.settle(state);
        result.map(|(value, _)| value)
    }

    /// The plugin that is called.
    #[must_use]
    pub fn plugin(&self) -> PluginId {
        self.slot.id
    }
}

impl<Args, Ret> Clone for Call<Args, Ret> {
    fn clone(&self) -> Self {
        Call {
            engine: self.engine.clone(),
            slot: self.slot.clone(),
            export: self.export,
            wants: self.wants.clone(),
            types: PhantomData,
        }
    }
}

impl<Args, Ret> fmt::Debug for Call<Args, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} #{})", self.slot.about.name, self.export.index())
    }
}
