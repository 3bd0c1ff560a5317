//! `modhost backends`: what each backend of this build enforces on this machine.

use std::fmt::Write;

use modhost::{BackendStatus, Enforcement, Engine};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{answer::Answer, layout::Text};

/// The enforcement table.
pub(crate) fn backends(json: bool) -> Answer {
    let engine = match Engine::builder().build() {
        Ok(engine) => engine,
        Err(error) => return Answer::error(&error, json),
    };
    let backends = engine.backends();
    if json {
        return Answer::object(0, &Body { ok: true, backends: backends.iter().map(Row::of).collect() });
    }
    Answer::new(0, table(&backends))
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    backends: Vec<Row<'a>>,
}

/// One backend; what is not known of an absent one is null.
#[derive(Serialize)]
struct Row<'a> {
    backend: &'a str,
    available: bool,
    reason: Option<&'a str>,
    isolation: Option<String>,
    suspend: Option<bool>,
    limits: Option<Limits>,
}

impl<'a> Row<'a> {
    fn of(status: &'a BackendStatus) -> Self {
        Row {
            backend: status.kind.as_str(),
            available: status.enforcement.is_some(),
            reason: status.reason.as_deref(),
            isolation: status.enforcement.map(|enforcement| enforcement.isolation.to_string()),
            suspend: status.enforcement.map(|enforcement| enforcement.suspend),
            limits: status.enforcement.map(Limits),
        }
    }
}

/// The guarantees by name, in the table's order.
struct Limits(Enforcement);

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.0.rows();
        let mut map = serializer.serialize_map(Some(rows.len()))?;
        for (name, guarantee) in rows {
            map.serialize_entry(name, &guarantee.to_string())?;
        }
        map.end()
    }
}

/// A limit a line, a backend a column.
fn table(backends: &[BackendStatus]) -> Text {
    let there: Vec<(&str, Enforcement)> =
        backends.iter().filter_map(|status| Some((status.kind.as_str(), status.enforcement?))).collect();
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(there.iter().map(|(kind, _)| (*kind).to_owned()));
    for (at, (name, _)) in Enforcement::NOTHING.rows().iter().enumerate() {
        let mut row = vec![(*name).to_owned()];
        row.extend(there.iter().map(|(_, enforcement)| enforcement.rows()[at].1.to_string()));
        rows.push(row);
    }
    let mut isolation = vec!["isolation".to_owned()];
    isolation.extend(there.iter().map(|(_, enforcement)| enforcement.isolation.to_string()));
    let mut suspend = vec!["suspend".to_owned()];
    suspend.extend(there.iter().map(|(_, enforcement)| (if enforcement.suspend { "yes" } else { "no" }).to_owned()));
    rows.extend([isolation, suspend]);

    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..=there.len()).map(width).collect();
    let mut text = Text::default();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.line(line.trim_end());
    }
    for status in backends {
        if let Some(reason) = &status.reason {
            text.line(format_args!("{} is not available: {reason}", status.kind));
        }
    }
    text.append(Text::own(
        &"
exact        to the unit, or a plugin has no way to use the resource at all
approximate  stopped, but late
no           not enforced
",
    ));
    text
}
