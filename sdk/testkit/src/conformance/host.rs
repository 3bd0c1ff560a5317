//! The host functions that the suite's plugins call, and the state that the suite lends them.

use modhost::{Builder, Caller, FromValue, HostFunction, Ticket, Type, TypeError, Value};

/// The state that the suite lends.
#[derive(Debug, Default)]
pub(super) struct Desk {
    total: i64,
    /// The export that a plugin asked to be called back by.
    pub(super) later: Option<String>,
}

/// A parameter of bytes: in languages whose texts may be any bytes, only a signature tells the two apart.
struct Octets(Vec<u8>);

impl FromValue for Octets {
    fn ty() -> Type {
        Type::Bytes
    }
    fn from_value(value: Value) -> Result<Self, TypeError> {
        match value {
            Value::Bytes(bytes) => Ok(Octets(bytes)),
            other => Err(TypeError::new("bytes", other.type_name())),
        }
    }
}

/// The longest text that `host.text` makes.
const LONGEST: usize = 1 << 20;

/// Offers the contract `host`. `case` is what `host.case` answers.
pub(super) fn offer(builder: Builder, case: &str) -> Builder {
    let case = case.to_owned();
    let functions = [
        HostFunction::new("host.case", move || case.clone()),
        HostFunction::new("host.add", |a: i64, b: i64| a.wrapping_add(b)),
        HostFunction::new("host.half", |x: f64| x / 2.0),
        HostFunction::new("host.echo", |value: Value| value),
        HostFunction::new("host.size", |bytes: Octets| bytes.0.len() as u64),
        HostFunction::new("host.text", |length: usize| "x".repeat(length.min(LONGEST))),
        HostFunction::new("host.greet", |name: String, times: Option<usize>| name.repeat(times.unwrap_or(1).min(9))),
        HostFunction::new("host.count", |desk: &mut Desk, by: i64| {
            desk.total = desk.total.wrapping_add(by);
            desk.total
        }),
        HostFunction::new("host.later", |desk: &mut Desk, export: String| desk.later = Some(export)),
        HostFunction::new("host.fail", || Err::<(), _>("as asked")),
        HostFunction::new("host.panic", || -> i64 {
            // Without the default hook's report: the suite panics on purpose.
            std::panic::resume_unwind(Box::new("as asked"))
        }),
        HostFunction::new("host.locked", || 1_i64).needs("host.locked"),
        HostFunction::pending("host.wait", |_: Ticket, _: i64| ()).returns::<i64>(),
        HostFunction::new("host.other", |text: &mut String| text.len() as u64),
        HostFunction::new("host.ask", |desk: &mut Desk, plugin: String, export: String, args: Vec<Value>| {
            ask(desk, &plugin, &export, args).map_err(|error| error.code().to_string())
        }),
        HostFunction::new("host.code", |desk: &mut Desk, plugin: String, export: String| {
            ask(desk, &plugin, &export, Vec::new()).map_or_else(|error| error.code().to_string(), |_| "ok".into())
        }),
    ];
    functions.into_iter().fold(builder, Builder::host)
}

/// Calls an export of a plugin from within a host function, with the state that the function borrows.
fn ask(desk: &mut Desk, plugin: &str, export: &str, args: Vec<Value>) -> modhost::Result<Value> {
    match modhost::caller() {
        Some(Caller { engine, .. }) => engine.call(desk, plugin, export, args),
        None => Ok(Value::Nil),
    }
}
