//! The contract `log`, ready to be offered: `log.debug`, `log.info`, `log.warn` and `log.error`.

use modhost_abi::{FromArgs, Value};

use super::{HostFunction, output::LogLevel};

/// The functions of the contract.
pub(crate) fn log_functions() -> [HostFunction; 4] {
    LogLevel::ALL.map(|level| {
        HostFunction::new(&format!("log.{level}"), |_: String| ())
            .params(["text"])
            .doc("Adds a line to the plugin's log.")
            // Running out of output must stay that limit's own fault.
            .within(move |origin, args| {
                let (text,) = <(String,)>::from_args(args)?;
                origin.write(level, &text)?;
                Ok(Value::Nil)
            })
    })
}
