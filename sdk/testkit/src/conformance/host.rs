//! The host functions that the suite's plugins call.

use modhost::{Builder, HostFunction, Value};

/// The state that the suite lends.
#[derive(Debug, Default)]
pub(super) struct Counter(pub(super) i64);

/// Offers the contract `host`.
pub(super) fn offer(builder: Builder) -> Builder {
    let functions = [
        HostFunction::new("host.add", |a: i64, b: i64| a.wrapping_add(b)),
        HostFunction::new("host.half", |x: f64| x / 2.0),
        HostFunction::new("host.echo", |value: Value| value),
        HostFunction::new("host.count", |counter: &mut Counter, by: i64| {
            counter.0 += by;
            counter.0
        }),
        HostFunction::new("host.fail", || Err::<(), _>("as asked")),
        HostFunction::new("host.panic", || -> i64 {
            // Without the default hook's report: the suite panics on purpose.
            std::panic::resume_unwind(Box::new("as asked"))
        }),
        HostFunction::new("host.locked", || 1_i64).needs("host.locked"),
        HostFunction::new("host.other", |text: &mut String| text.len() as u64),
        HostFunction::new("host.again", |counter: &mut Counter, export: String| -> Result<Value, String> {
            let caller = modhost::caller().ok_or("no caller")?;
            caller.engine.call(counter, caller.plugin.as_str(), &export, ()).map_err(|error| error.code().to_string())
        }),
    ];
    functions.into_iter().fold(builder, Builder::host)
}
