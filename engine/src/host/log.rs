//! The contract `log`, ready to be offered: `log.debug`, `log.info`, `log.warn` and `log.error`.

use std::sync::Arc;

use modhost_abi::{FromArgs, Value};
use modhost_backend::{Fault, FaultKind};

use super::{HostFunction, caller, closure::Failure, output::LogLevel};

/// The functions of the contract.
pub(crate) fn log_functions() -> [HostFunction; 4] {
    LogLevel::ALL.map(|level| {
        let name = format!("log.{level}");
        let mut function =
            HostFunction::new(&name, |_: String| ()).params(["text"]).doc("Adds a line to the plugin's log.");
        // Not a closure of the public kind: running out of output must stay that limit's own fault.
        function.call = Arc::new(move |args| {
            let (text,) = <(String,)>::from_args(args)?;
            let written = caller::calling(|origin| origin.write(level, &text));
            written.unwrap_or_else(|| Err(Fault::new(FaultKind::Busy))).map_err(Failure::Fault)?;
            Ok(Value::Nil)
        });
        function
    })
}
