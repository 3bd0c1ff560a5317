//! [`Bridge`]: all that a plugin reaches of the host while one of its calls runs. Safe code; `library` guards the way
//! here and turns pointers into slices.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use modhost_abi::vtable::status;
use modhost_backend::{Fault, FaultKind, HostTable, LoadRequest, Meter, Print, Resource, Value};

use crate::convert;

/// An encoding is never longer than the weight of its value and this many bytes: the format byte, and the tag and count
/// of a list of arguments, which has no weight.
const HEAD: u64 = 16;

/// All that one instance reaches of the host. Nothing stays borrowed while a host function runs: it may end up here
/// again.
pub(crate) struct Bridge {
    host: Arc<HostTable>,
    /// The plugin's import numbers as indices into `host`.
    links: Vec<usize>,
    meter: Arc<Meter>,
    print: Arc<Print>,
    /// Never borrowed while code of others runs.
    reply: RefCell<Vec<u8>>,
    /// The last failure that the plugin was told of.
    failure: Cell<Option<Fault>>,
    scratch: Cell<Vec<u8>>,
}

impl Bridge {
    pub(crate) fn new(request: &LoadRequest<'_>, links: Vec<usize>) -> Self {
        Bridge {
            host: request.host.clone(),
            links,
            meter: request.meter.clone(),
            print: request.print.clone(),
            reply: RefCell::default(),
            failure: Cell::default(),
            scratch: Cell::default(),
        }
    }

    /// Makes ready for a call.
    #[inline]
    pub(crate) fn begin(&self) {
        if let Ok(mut reply) = self.reply.try_borrow_mut() {
            reply.clear();
        }
        self.failure.set(None);
    }

    /// The failure that the plugin passes on.
    pub(crate) fn failure(&self) -> Option<Fault> {
        self.failure.take()
    }

    /// What the plugin replied.
    #[inline]
    pub(crate) fn reply(&self) -> Result<Value, Fault> {
        match self.reply.try_borrow() {
            Ok(reply) => convert::reply(&reply, &self.meter),
            Err(_) => Err(Fault::bug("a reply is read while it is written")),
        }
    }

    /// Takes a part of the plugin's reply.
    pub(crate) fn write(&self, bytes: &[u8]) -> i32 {
        match self.reply.try_borrow_mut() {
            Ok(mut reply) if self.admits(reply.len().saturating_add(bytes.len())) => {
                reply.extend_from_slice(bytes);
                status::OK
            }
            _ => status::REFUSED,
        }
    }

    /// Whether an encoding of `len` bytes can be within the plugin's limits; else the plugin is ended. Bytes beyond are
    /// neither copied nor looked at.
    #[inline]
    pub(crate) fn admits(&self, len: usize) -> bool {
        let fits = len as u64 <= self.meter.limits().value.bytes.saturating_add(HEAD);
        if !fits {
            self.meter.kill(Resource::Value);
        }
        fits
    }

    /// Calls the host function that the plugin imports as number `import` and hands the encoded reply to `deliver`.
    pub(crate) fn call(&self, import: u32, args: &[u8], deliver: &mut dyn FnMut(&[u8])) -> i32 {
        let mut bytes = self.scratch.take();
        let outcome = self.ask(import, args).and_then(|value| convert::result(&value, &self.meter, &mut bytes));
        let status = match outcome {
            Ok(()) => status::OK,
            Err(fault) => {
                self.refuse(fault, &mut bytes);
                status::HOST
            }
        };
        deliver(&bytes);
        self.scratch.set(bytes);
        status
    }

    fn ask(&self, import: u32, args: &[u8]) -> Result<Value, Fault> {
        if !self.meter.alive() {
            self.meter.verdict()?;
        }
        let link = self.links.get(import as usize).copied();
        let Some(entry) = link.and_then(|link| self.host.entries().get(link)) else {
            return Err(Fault::new(FaultKind::NativeAbi {
                message: format!("the plugin calls its import {import} and lists {}", self.links.len()),
            }));
        };
        let mut args = convert::host_arguments(args, &self.meter)?;
        let result = (entry.call)(&mut args);
        // The host function may have taken longer than the plugin may.
        if !self.meter.alive() {
            self.meter.verdict()?;
        }
        result
    }

    /// Prints a line.
    pub(crate) fn print(&self, text: &str) -> i32 {
        match (self.print)(text) {
            Ok(()) => status::OK,
            Err(fault) => {
                self.failure.set(Some(fault));
                status::HOST
            }
        }
    }

    /// Remembers `fault` and puts what the plugin is told of it into `out`.
    pub(crate) fn refuse(&self, fault: Fault, out: &mut Vec<u8>) {
        out.clear();
        modhost_abi::codec::encode(&Value::Str(fault.to_string()), out);
        self.failure.set(Some(fault));
    }
}
