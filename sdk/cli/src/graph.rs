//! `modhost graph`: who uses whom, as a tree, as DOT, as Mermaid, as a picture, as data. Runs nothing.

mod dot;
mod mermaid;
mod model;
mod svg;
mod text;

use modhost::{Error, Result};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{Format, Graph},
    folder::{Folder, sources, unknown},
    layout::Text,
    lock,
};
use model::{Edge, Model, Node};

/// Draws.
pub(crate) fn graph(args: &Graph, json: bool) -> Answer {
    let sources = sources(args.folders.policy.name.as_deref(), args.lock.as_deref());
    match answer(args, json) {
        Ok(answer) => answer,
        Err(error) => Answer::error_in(&error, json, &sources),
    }
}

fn answer(args: &Graph, json: bool) -> Result<Answer> {
    let folder = Folder::read(&args.folders.dirs, &args.folders.policy, lock::named(args.lock.as_deref())?)?;
    let plan = folder.resolver().plan();
    let mut model = Model::of(&folder, &plan);
    if let Some(id) = &args.of {
        model = model.around(id).ok_or_else(|| unknown(id, &folder, &plan))?;
    }
    let drawn = match args.format {
        None if json => None,
        format => Some(draw(&model, format.unwrap_or(Format::Text))?),
    };
    Ok(match (json, drawn) {
        (true, drawn) => Answer::object(
            0,
            &Body { ok: true, nodes: &model.nodes, edges: &model.edges, drawn: drawn.map(Text::into_string) },
        ),
        (false, drawn) => Answer::new(0, drawn.unwrap_or_default()),
    })
}

fn draw(model: &Model, format: Format) -> Result<Text, Error> {
    match format {
        Format::Text => Ok(text::draw(model)),
        Format::Dot => Ok(dot::draw(model)),
        Format::Mermaid => Ok(mermaid::draw(model)),
        Format::Svg => svg::draw(model),
    }
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    /// Those that are taken in load order, then those that are left out, then those that are not there.
    nodes: &'a [Node],
    /// By the places of their nodes.
    edges: &'a [Edge],
    /// Only with `--format`.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<String>,
}
