//! [`Answer`]: what a verb says on standard output, in its two forms, and the exit status. Only this file writes there.

use std::io::{self, ErrorKind, IsTerminal, Write};

use modhost::{Code, Error, Stage};
use serde::Serialize;

use crate::{diagnose, json::body, layout::Text, source::Sources};

/// What a verb says on standard output, and the exit status.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u8,
    /// The plain form, or with `--json` the one object; written with a line end unless empty.
    text: String,
}

impl Answer {
    /// `text`, however it was asked for.
    pub(crate) fn new(status: u8, text: Text) -> Self {
        Answer { status, text: text.into_string() }
    }

    /// No text: what there is to say was said on standard error.
    pub(crate) fn quiet(status: u8) -> Self {
        Answer { status, text: String::new() }
    }

    /// A plugin's own text: to a file or another program as it is, to a terminal as lines that cannot drive it.
    pub(crate) fn data(status: u8, data: &str) -> Self {
        if !io::stdout().is_terminal() {
            return Answer { status, text: data.to_owned() };
        }
        let mut text = Text::default();
        data.split('\n').for_each(|line| text.line(line));
        Answer::new(status, text)
    }

    /// The one object of `--json`.
    pub(crate) fn object(status: u8, object: &impl Serialize) -> Self {
        match body::text(object) {
            Ok(text) => Answer { status, text },
            Err(error) => {
                let bug = Error::new(Code::InternalBug, Stage::Engine, format!("the answer is no JSON: {error}"));
                Answer { status: bug.code().exit_status(), text: body::failure_text(&bug) }
            }
        }
    }

    /// An error before or beside any plugin: the object with `--json`, else drawn on standard error.
    pub(crate) fn error(error: &Error, json: bool) -> Self {
        Answer::error_in(error, json, &Sources::default())
    }

    /// An error of a plugin whose source may be in `sources`.
    pub(crate) fn error_in(error: &Error, json: bool, sources: &Sources) -> Self {
        let status = error.code().exit_status();
        if json {
            return Answer { status, text: body::failure_text(error) };
        }
        diagnose::error(error, sources);
        Answer { status, text: String::new() }
    }

    /// Writes it. A reader that went away is no error; any other failure to write is `io.failed`.
    pub(crate) fn write(self) -> u8 {
        let Err(error) = write(&self.text) else { return self.status };
        if error.kind() == ErrorKind::BrokenPipe {
            return self.status;
        }
        let error = Error::new(Code::IoFailed, Stage::Engine, format!("standard output: {error}"));
        // With `--json` too: the stream that JSON goes to is the one that failed.
        diagnose::error(&error, &Sources::default());
        if self.status == 0 { error.code().exit_status() } else { self.status }
    }
}

fn write(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}
