//! [`NativeInstance`]: one running plugin. It checks arguments and judges what the plugin's code came back with.

use std::sync::Arc;

use modhost_abi::vtable::status;
use modhost_backend::{ExportId, ExportInfo, Fault, FaultKind, Instance, Meter, Suspending, Type, TypeError, Value};

use crate::{bridge::Bridge, convert, library::Guest};

/// A loaded native plugin.
pub(crate) struct NativeInstance {
    guest: Guest,
    exports: Vec<ExportInfo>,
    /// The plugin's own number of each export.
    numbers: Vec<u32>,
    meter: Arc<Meter>,
    /// Encoded arguments, kept for the next call.
    args: Vec<u8>,
    /// Why it is never entered again.
    ended: Option<Fault>,
}

impl NativeInstance {
    /// An instance of a guest that was made with `status`.
    pub(crate) fn new(
        guest: Guest,
        status: i32,
        exports: Vec<ExportInfo>,
        numbers: Vec<u32>,
        meter: Arc<Meter>,
    ) -> Result<Self, Fault> {
        let mut instance = NativeInstance { guest, exports, numbers, meter, args: Vec::new(), ended: None };
        instance.judge(status, 0)?;
        Ok(instance)
    }

    fn judge(&mut self, status: i32, given: usize) -> Result<Value, Fault> {
        let verdict = match self.guest.bridge() {
            // A limit that was hit on the way is the cause, whatever the plugin made of it.
            Some(bridge) => self.meter.verdict().and_then(|()| came_back(status, given, bridge)),
            None => Err(Fault::bug("a native instance without a way to the host")),
        };
        if let Err(fault) = &verdict
            && fault.is_fatal()
        {
            self.guest.abandon();
            self.ended = Some(fault.clone());
        }
        verdict
    }
}

/// What `status` and the reply at `bridge` mean.
fn came_back(status: i32, given: usize, bridge: &Bridge) -> Result<Value, Fault> {
    let broken = |message: String| Fault::new(FaultKind::NativeAbi { message });
    let text = || match bridge.reply()? {
        Value::Str(text) => Ok(text),
        other => Err(broken(format!("the plugin failed with {} in place of a text", other.type_name()))),
    };
    Err(match status {
        status::OK => return bridge.reply(),
        status::RAISED => Fault::raised(text()?),
        status::PANICKED => {
            let message = Fault::raised(text()?).message();
            Fault::new(FaultKind::Raised { message, fatal: true })
        }
        status::HOST => bridge
            .failure()
            .unwrap_or_else(|| broken("the plugin passes on the failure of a host function, and none failed".into())),
        status::TYPE => match bridge.reply()? {
            Value::List(parts) => match <[Value; 3]>::try_from(parts) {
                Ok([Value::Str(at), Value::Str(expected), Value::Str(found)]) => {
                    TypeError::new(expected, found).inside(at).into()
                }
                _ => broken("a type error is a list of three texts".into()),
            },
            _ => broken("a type error is a list of three texts".into()),
        },
        status::ARITY => Fault::new(FaultKind::Arity { expected: text()?, found: given }),
        other => broken(format!("the plugin came back with status {other}")),
    })
}

impl Instance for NativeInstance {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        let found = self.exports.binary_search_by(|export| export.name.as_str().cmp(name));
        found.map(ExportId::new).or_else(|_| ExportId::find(&self.exports, name))
    }

    fn call(&mut self, export: ExportId, args: &[Value], _wants: &Type) -> Result<Value, Fault> {
        if let Some(fault) = &self.ended {
            return Err(fault.clone());
        }
        if !self.meter.alive() {
            self.meter.verdict()?;
        }
        let index = export.index();
        let (Some(info), Some(number)) = (self.exports.get(index), self.numbers.get(index).copied()) else {
            return Err(Fault::bug("an export of another instance"));
        };
        if let Some(signature) = &info.signature {
            convert::check(signature, args)?;
        }
        convert::arguments(args, &self.meter, &mut self.args)?;
        let status = self.guest.call(number, &self.args);
        let value = self.judge(status, args.len())?;
        if let Some(signature) = &self.exports[index].signature {
            signature.result.check(&value).map_err(|error| error.inside("result"))?;
        }
        Ok(value)
    }

    /// Native code that waits keeps its thread.
    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        None
    }

    fn exports(&self) -> &[ExportInfo] {
        &self.exports
    }

    /// Not to be known: native code allocates where it likes.
    fn memory_used(&self) -> Option<usize> {
        None
    }
}
