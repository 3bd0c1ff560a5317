//! Draws errors for people, on standard error: what happened, where in the source, what to do. Text of guests is escaped before it gets
//! here into a terminal.

use std::{
    io::{self, Write},
    ops::Range,
};

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use modhost::{Error, Place, Refused, audit::escape};

use crate::{
    logs,
    source::{Source, Sources},
};

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
    let line = error.at().zip(source.as_ref()).and_then(|(at, source)| Line::of(source, at));
    match (error.at(), &source, &line) {
        (_, _, Some(line)) => elements.push(line.snippet().into()),
        (Some(at), Some(source), None) => {
            let shown = Place { file: source.path.clone(), ..at.clone() }.to_string();
            elements.push(Origin::path(escape(&shown, LONGEST_LINE)).into());
        }
        _ => {}
    }
    elements.extend(
        error.trace().iter().map(|line| Level::NOTE.message(format!("at {}", escape(line, LONGEST_LINE))).into()),
    );
    elements.push(Level::HELP.message(escape(error.help(), LONGEST)).into());
    elements.push(Level::NOTE.message(format!("`modhost explain {code}` says more")).into());
    let group: Group<'_> = level.primary_title(escape(message, LONGEST)).id(code).elements(elements);
    let renderer = if logs::colours(&io::stderr()) { Renderer::styled() } else { Renderer::plain() };
    say(&format!("{}\n", renderer.render(&[group])));
}

/// One line of source.
struct Line {
    /// Where it is; the line is in here too where no column is known.
    path: String,
    number: usize,
    text: String,
    /// The byte in it that is pointed at.
    mark: Option<Range<usize>>,
}

impl Line {
    fn of(source: &Source, at: &Place) -> Option<Self> {
        let number = usize::try_from(at.line?).ok()?;
        let line = source.text.as_ref()?.lines().nth(number.checked_sub(1)?)?;
        // One character for one, unlike escapes, so that columns stay what they are.
        let text: String = line.chars().take(LONGEST_LINE).map(harmless).collect();
        let mark = at.column.and_then(|column| {
            let before = usize::try_from(column).ok()?.checked_sub(1)?;
            let start = text.char_indices().nth(before).map_or(text.len(), |(start, _)| start);
            let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
            Some(start..end)
        });
        let path = escape(&source.path, LONGEST_LINE);
        let path = if mark.is_some() { path } else { format!("{path}:{number}") };
        Some(Line { path, number, text, mark })
    }

    fn snippet(&self) -> Snippet<'_, Annotation<'_>> {
        let snippet = Snippet::source(&*self.text).line_start(self.number).path(&self.path).fold(false);
        match &self.mark {
            Some(mark) => snippet.annotation(AnnotationKind::Primary.span(mark.clone())),
            None => snippet,
        }
    }
}

/// `c`, unless a terminal would act on it.
fn harmless(c: char) -> char {
    let mut bytes = [0; 4];
    let one = &*c.encode_utf8(&mut bytes);
    if escape(one, 1) == one { c } else { char::REPLACEMENT_CHARACTER }
}

fn say(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}
