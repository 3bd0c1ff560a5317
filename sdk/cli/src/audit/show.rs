//! `modhost audit show`: the records of a log that fit.

use std::{collections::VecDeque, fmt::Write};

use modhost::{
    Result,
    audit::{Entry, Filter, format_time, read},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::Show,
    diagnose,
    json::body::ErrorBody,
    layout::{Text, safe},
    source::Sources,
};

/// Shows what fits.
pub(super) fn show(args: &Show, json: bool) -> Answer {
    let filter = Filter {
        plugin: args.plugin.clone(),
        event: args.event.map(|event| event.to_string()),
        code: args.code.clone(),
        severity: args.severity,
        since: args.since,
        until: args.until,
    };
    let mut entries = VecDeque::new();
    let failed = newest(args, &filter, &mut entries).err();
    let status = failed.as_ref().map_or(0, |error| error.code().exit_status());
    if json {
        let error = failed.as_ref().map(Into::into);
        let records = entries.iter().map(RecordBody::of).collect();
        return Answer::object(status, &Body { ok: error.is_none(), error, records });
    }
    if let Some(error) = &failed {
        diagnose::error(error, &Sources::default());
    }
    let mut text = Text::default();
    entries.iter().for_each(|entry| text.line(row(entry)));
    Answer::new(status, text)
}

/// Keeps as many as are asked for.
fn newest(args: &Show, filter: &Filter, entries: &mut VecDeque<Entry>) -> Result<()> {
    for entry in read(&args.file)? {
        let entry = entry?;
        if filter.keeps(&entry) {
            entries.push_back(entry);
        }
        if args.limit.is_some_and(|most| entries.len() > most) {
            entries.pop_front();
        }
    }
    Ok(())
}

/// One record for people. A log can be anybody's: its texts are escaped like a guest's.
fn row(entry: &Entry) -> String {
    let mut row = format!("{}  {:7}  {:11}", format_time(entry.wall), entry.severity, safe(&entry.event));
    let mut add = |text: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = row.write_fmt(text);
    };
    match (entry.plugin.as_str(), &entry.version) {
        ("", _) => {}
        (plugin, Some(version)) => add(format_args!("  {} {}", safe(plugin), safe(version))),
        (plugin, None) => add(format_args!("  {}", safe(plugin))),
    }
    match (&entry.code, entry.detail.as_str()) {
        (Some(code), detail) => add(format_args!("  {}: {}", safe(code), safe(detail))),
        (None, "") => {}
        (None, detail) => add(format_args!("  {}", safe(detail))),
    }
    if entry.count != 1 {
        add(format_args!("  (x{})", entry.count));
    }
    row.truncate(row.trim_end().len());
    row
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    records: Vec<RecordBody<'a>>,
}

/// One record; what it is without is null.
#[derive(Serialize)]
struct RecordBody<'a> {
    sequence: u64,
    wall: String,
    mono_ns: u64,
    severity: &'static str,
    event: &'a str,
    plugin: Option<&'a str>,
    version: Option<&'a str>,
    code: Option<&'a str>,
    detail: &'a str,
    count: u64,
}

impl<'a> RecordBody<'a> {
    fn of(entry: &'a Entry) -> Self {
        RecordBody {
            sequence: entry.sequence,
            wall: format_time(entry.wall),
            mono_ns: u64::try_from(entry.at.as_nanos()).unwrap_or(u64::MAX),
            severity: entry.severity.as_str(),
            event: &entry.event,
            plugin: Some(entry.plugin.as_str()).filter(|plugin| !plugin.is_empty()),
            version: entry.version.as_deref(),
            code: entry.code.as_deref(),
            detail: &entry.detail,
            count: entry.count,
        }
    }
}
