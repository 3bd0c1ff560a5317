//! Everything on standard error that is no diagnostic: the engine's log, and what plugins print.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use modhost::Shown;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::filter_fn,
    fmt::layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::bar::Stderr;

/// The target under which the engine passes on what plugins print.
const OUTPUT: &str = "modhost::output";

/// Whether a printed line says whose it is.
static NAMED: AtomicBool = AtomicBool::new(false);

/// Whether `stream` should be coloured: a terminal that shows colours, and nobody asked for none.
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Starts the log: warnings, or what `MODHOST_LOG` asks for (`debug`, `modhost=trace`).
pub(crate) fn start() {
    let asked = std::env::var("MODHOST_LOG").unwrap_or_default();
    let filter = EnvFilter::builder().parse(if asked.is_empty() { "warn" } else { &asked });
    let (filter, mistake) = match filter {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("warn"), Some(error)),
    };
    let engine = layer()
        .with_writer(|| EventLine)
        // The level is coloured behind the escape.
        .with_ansi(false)
        .without_time()
        .with_target(false)
        // It would report a closed standard error with `eprintln!`, which panics.
        .log_internal_errors(false)
        .with_filter(filter)
        .with_filter(filter_fn(|about| about.target() != OUTPUT));
    let printed = Printed.with_filter(filter_fn(|about| about.target() == OUTPUT));
    // Only a second start could fail, and there is none.
    let _ = tracing_subscriber::registry().with(engine).with(printed).try_init();
    if let Some(mistake) = mistake {
        tracing::warn!("MODHOST_LOG is not understood: {mistake}");
    }
}

/// Says whose each printed line is: where several plugins run.
pub(crate) fn name_plugins() {
    NAMED.store(true, Relaxed);
}

/// Writes what plugins print, as they print it: also what one prints that then fails to load.
struct Printed;

impl<S: Subscriber> Layer<S> for Printed {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        if NAMED.load(Relaxed) {
            line.text.insert_str(0, &format!("{}: ", line.plugin));
        }
        Stderr.line(&Shown::printed(&line.text));
    }
}

/// Takes an event of the log, which comes in one piece, and writes it as a line.
struct EventLine;

impl io::Write for EventLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let line = Shown::printed(text);
        let level = line.trim_start().split(' ').next().unwrap_or_default();
        let colour = match level {
            "ERROR" => "31",
            "WARN" => "33",
            "INFO" => "32",
            "DEBUG" => "34",
            _ => "35",
        };
        match line.split_once(level) {
            Some((before, after)) if colours(&io::stderr()) => {
                let coloured = format!("{before}\u{1b}[{colour}m{level}\u{1b}[0m{after}");
                // The escape left no colour but this one.
                Stderr.drawing(&coloured, true);
            }
            _ => Stderr.line(&line),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One printed line.
#[derive(Default)]
struct Line {
    plugin: String,
    text: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "plugin" {
            self.plugin = value.into();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{value:?}");
        }
    }
}
