//! `modhost bench`: times the exports of one plugin, or with `--calibrate` what fuel is worth on this machine.

mod calibrate;
mod measure;

use modhost::{Engine, Error, Result, ShowPath as _, backend::ExportInfo, package::Caps};
use modhost_testkit::world::World;
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{self, usage},
    host,
    json::read,
    layout::{Text, safe},
    source::Sources,
};
use measure::{Times, nanos};

/// Benches.
pub(crate) fn bench(args: &args::Bench, json: bool) -> Answer {
    if args.calibrate {
        return calibrate::calibrate(json);
    }
    plugin(args, json).unwrap_or_else(|(error, caps)| {
        let paths: Vec<_> = args.path.iter().cloned().collect();
        let sources = Sources::new(&paths, &caps).with_policy(args.host.policy.name.as_deref());
        Answer::error_in(&error, json, &sources)
    })
}

#[derive(Serialize)]
struct Body {
    ok: bool,
    plugin: String,
    version: String,
    backend: String,
    trust: String,
    exports: Vec<Row>,
}

/// One export's times.
#[derive(Serialize)]
struct Row {
    export: String,
    #[serde(flatten)]
    times: Times,
}

fn plugin(args: &args::Bench, json: bool) -> std::result::Result<Answer, (Error, Caps)> {
    let none = |error| (error, Caps::default());
    let call_args = args.args.as_deref().map(read::arguments).transpose().map_err(none)?.unwrap_or_default();
    // clap asks for a path unless there is `--calibrate`.
    let path = args.path.as_deref().ok_or_else(|| none(usage("PATH is missing")))?;
    let engine = host::engine(&args.host).map_err(none)?;
    let caps = engine.policy().caps.clone();
    let fail = |error| (error, caps.clone());
    if host::holds_plugins(path) {
        return Err(fail(usage(format!("{}: this is a folder of plugins; bench times one", path.shown()))));
    }
    let mut mods = engine.load_dir(path).map_err(fail)?;
    if let Some(refused) = mods.refused.pop() {
        return Err(fail(refused.error));
    }
    let Some(loaded) = mods.loaded.first() else { return Err(fail(usage("there is no plugin"))) };
    let mut world = World::new(0);
    if let Some(error) = engine.enable(&mut world, &mods).map_err(fail)?.failed.pop() {
        return Err(fail(error));
    }
    let exports = chosen(&engine, loaded.plugin, args.call.as_deref(), !call_args.is_empty()).map_err(fail)?;
    let rows: Result<Vec<Row>> = exports
        .into_iter()
        .map(|export| {
            measure::export(&engine, &mut world, loaded.plugin, &export, &call_args).map(|times| Row { export, times })
        })
        .collect();
    let body = Body {
        ok: true,
        plugin: loaded.name.clone(),
        version: loaded.version.to_string(),
        backend: loaded.backend.to_string(),
        trust: loaded.trust.to_string(),
        exports: rows.map_err(fail)?,
    };
    Ok(if json { Answer::object(0, &body) } else { Answer::new(0, table(&body)) })
}

/// The export that is named, or each that a call without arguments can reach and that is no hook of the host's.
fn chosen(engine: &Engine, plugin: modhost::PluginId, call: Option<&str>, with_args: bool) -> Result<Vec<String>> {
    if let Some(call) = call {
        return Ok(vec![call.to_owned()]);
    }
    if with_args {
        return Err(usage("--args needs --call FN"));
    }
    let plain = |export: &ExportInfo| export.arity.is_none_or(|arity| arity == 0) && !export.name.starts_with("on_");
    let exports = engine.exports(plugin)?;
    let names: Vec<String> = exports.iter().filter(|export| plain(export)).map(|export| export.name.clone()).collect();
    if names.is_empty() {
        let all: Vec<&str> = exports.iter().map(|export| export.name.as_str()).collect();
        let message = "the plugin exports nothing that takes no arguments; name one with --call, and its --args";
        return Err(usage(message).with_help(format!("It exports: {}.", all.join(", "))));
    }
    Ok(names)
}

fn table(body: &Body) -> Text {
    let mut rows = vec![["export", "calls", "min", "median", "fuel per call"].map(String::from).to_vec()];
    for row in &body.exports {
        let Times { calls, min_ns, median_ns, fuel } = &row.times;
        let fuel = if fuel.min == fuel.max { fuel.min.to_string() } else { format!("{} to {}", fuel.min, fuel.max) };
        rows.push(vec![safe(&row.export).into(), calls.to_string(), nanos(*min_ns), nanos(*median_ns), fuel]);
    }
    columns(&rows)
}

/// Rows as text, the first column to the left, numbers to the right.
fn columns(rows: &[Vec<String>]) -> Text {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| match column {
            0 => format!("{cell:width$}", width = width(0)),
            _ => format!("  {cell:>width$}", width = width(column)),
        };
        row.iter().enumerate().map(cell).collect::<String>().trim_end().to_owned()
    };
    let mut text = Text::default();
    rows.iter().map(line).for_each(|line| text.line(line));
    text
}
