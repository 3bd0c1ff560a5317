//! Draws errors for people, on standard error: what happened, where in the source, what to do. Text of guests is escaped before it gets
//! here into a terminal.

use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use modhost::{Error, Refused, audit::escape};

use crate::{logs, source::Sources};

/// The longest text of a guest that is shown, in characters.
const LONGEST: usize = 2000;
/// The longest line of source.
const LONGEST_LINE: usize = 400;

/// Draws an error.
pub(crate) fn error(error: &Error, sources: &Sources) {
    draw(Level::ERROR, error, error.message(), sources);
}

/// Draws a refusal beside which the command goes on.
pub(crate) fn refused(refused: &Refused, sources: &Sources) {
    let message = format!("{} was refused: {}", refused.name, refused.error.message());
    draw(Level::WARNING, &refused.error, &message, sources);
}

/// Draws another error beside which the command goes on.
pub(crate) fn warning(error: &Error, sources: &Sources) {
    let message = format!("{}: {}", error.plugin().unwrap_or("?"), error.message());
    draw(Level::WARNING, error, &message, sources);
}

/// Says one line.
pub(crate) fn note(text: &str) {
    say(&format!("note: {}\n", escape(text, LONGEST)));
}

fn draw(level: Level<'_>, error: &Error, message: &str, sources: &Sources) {
    let code = error.code().as_str();
    let mut elements: Vec<Element<'_>> = Vec::new();
    let source = sources.find(error);
    let line = source.as_ref().and_then(|source| {
        let number = usize::try_from(error.at()?.line?).ok()?;
        let line = source.text.as_ref()?.lines().nth(number.checked_sub(1)?)?;
        Some(Line::new(line, error.at()?.column))
    });
    if let (Some(source), Some(at)) = (&source, error.at()) {
        let mut origin = Origin::path(escape(&source.path, LONGEST_LINE));
        if let Some(line) = at.line {
            origin = origin.line(line as usize);
        }
        if let Some(column) = at.column {
            origin = origin.char_column(column as usize);
        }
        elements.push(origin.into());
    }
    if let (Some(line), Some(number)) = (&line, error.at().and_then(|at| at.line)) {
        elements.push(line.snippet(number as usize).into());
    }
    elements.extend(error.trace().iter().map(|line| Level::NOTE.message(format!("at {}", escape(line, LONGEST_LINE))).into()));
    elements.push(Level::HELP.message(escape(error.help(), LONGEST)).into());
    elements.push(Level::HELP.message(format!("modhost explain {code}")).into());
    let group: Group<'_> = level.primary_title(escape(message, LONGEST)).id(code).elements(elements);
    let renderer = if logs::colours(&io::stderr()) { Renderer::styled() } else { Renderer::plain() };
    say(&format!("{}\n", renderer.render(&[group])));
}

/// One line of source, escaped, and the byte range in it that is pointed at.
struct Line {
    text: String,
    mark: Option<(usize, usize)>,
}

impl Line {
    fn new(line: &str, column: Option<u32>) -> Self {
        let text = escape(line, LONGEST_LINE);
        // Columns count characters of the source; escaping made some of them longer.
        let before = column.map(|column| (column as usize).saturating_sub(1)).filter(|before| *before < LONGEST_LINE);
        let mark = before.and_then(|before| {
            let start = escape(&line.chars().take(before).collect::<String>(), LONGEST_LINE).len();
            let end = start + text.get(start..)?.chars().next().map_or(0, char::len_utf8);
            Some((start, end))
        });
        Line { text, mark }
    }

    fn snippet(&self, number: usize) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let snippet = Snippet::source(&*self.text).line_start(number).fold(false);
        match self.mark {
            Some((start, end)) => snippet.annotation(AnnotationKind::Primary.span(start..end)),
            None => snippet,
        }
    }
}

fn say(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}
