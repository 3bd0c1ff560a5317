//! `modhost completions`: the script that lets a shell complete the command's words.

use clap::CommandFactory;

use crate::{
    answer::Answer,
    args::{Cli, Completions},
    layout::Text,
};

/// The completion script for one shell.
pub(crate) fn completions(args: &Completions, json: bool) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "modhost", &mut script);
    let script = String::from_utf8_lossy(&script);
    if json {
        return Answer::object(0, &Body { ok: true, shell: args.shell.to_string(), script: &script });
    }
    let mut text = Text::default();
    script.lines().for_each(|line| text.line(line));
    Answer::new(0, text)
}

#[derive(serde::Serialize)]
struct Body<'a> {
    ok: bool,
    shell: String,
    script: &'a str,
}
