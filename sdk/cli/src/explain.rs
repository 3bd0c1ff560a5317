//! `modhost explain`: what a code means, what to do, and an example that gives it.

mod examples;

use modhost::Code;
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{Explain, usage},
    layout::{self, Text},
};
use examples::Example;

/// Explains one code, or lists all.
pub(crate) fn explain(args: &Explain, json: bool) -> Answer {
    let Some(name) = &args.code else { return list(json) };
    let Ok(code) = name.parse::<Code>() else {
        let error = usage(format!("there is no code `{}`", name.escape_debug()));
        let error = match nearest(name) {
            Some(code) => error.with_help(format!("did you mean `{code}`? `modhost explain` lists all codes.")),
            None => error.with_help("`modhost explain` lists all codes."),
        };
        return Answer::error(&error, json);
    };
    if json {
        return Answer::object(0, &One { ok: true, about: About::of(code) });
    }
    Answer::new(0, page(code))
}

fn list(json: bool) -> Answer {
    if json {
        return Answer::object(0, &All { ok: true, codes: Code::ALL.iter().map(|code| About::of(*code)).collect() });
    }
    let width = Code::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or(0);
    let mut text = Text::own(&"code and exit status; `modhost explain CODE` says more\n\n");
    for code in Code::ALL {
        let lead = format!("{code:width$}  {:>2}  ", code.exit_status());
        layout::paragraph(&mut text, &lead, first_sentence(code.cause()), layout::columns());
    }
    Answer::new(0, text)
}

fn page(code: Code) -> Text {
    let width = layout::columns();
    let mut text = Text::of(format_args!("{code} (exit status {})", code.exit_status()));
    text.blank();
    layout::paragraph(&mut text, "", code.cause(), width);
    text.blank();
    layout::paragraph(&mut text, "Remedy: ", code.remedy(), width);
    if let Some(example) = examples::of(code) {
        text.lines(&[&"", &"Example:"]);
        for (file, content) in example.files {
            text.line(format_args!("  {file}"));
            content.lines().for_each(|line| text.line(format_args!("    {line}")));
        }
        text.line(format_args!("  $ {}", example.command()));
    }
    text
}

fn first_sentence(text: &str) -> &str {
    text.split_inclusive(". ").next().unwrap_or(text).trim_end()
}

/// The code that was probably meant; of one family the likeliest, because people guess the part before the dot rightly.
fn nearest(name: &str) -> Option<&'static str> {
    let likeness = |code: &&'static str| strsim::jaro_winkler(name, code);
    let best = Code::ALL.iter().map(|code| code.as_str()).max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.7).then_some(best)
}

#[derive(Serialize)]
struct One {
    ok: bool,
    #[serde(flatten)]
    about: About,
}

#[derive(Serialize)]
struct All {
    ok: bool,
    codes: Vec<About>,
}

#[derive(Serialize)]
struct About {
    code: &'static str,
    exit: u8,
    cause: &'static str,
    remedy: &'static str,
    example: Option<&'static Example>,
}

impl About {
    fn of(code: Code) -> Self {
        About {
            code: code.as_str(),
            exit: code.exit_status(),
            cause: code.cause(),
            remedy: code.remedy(),
            example: examples::of(code),
        }
    }
}
