//! Draws errors for people, on standard error: what happened, where in the source, what to do. Text of guests is escaped before it gets
//! here into a terminal.

use std::{io, ops::Range};

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use modhost::{Error, Place, Refused, Shown};

use crate::{
    bar::Stderr,
    layout, logs,
    source::{Source, Sources},
};

/// The longest line of source.
const LONGEST_LINE: usize = 400;

/// What its author should mend although the plugin works.
#[derive(Debug)]
pub(crate) struct Warning {
    /// What is odd.
    pub(crate) message: String,
    /// Where.
    pub(crate) at: Option<Place>,
    /// The line to write.
    pub(crate) help: Option<String>,
}

/// Draws an error.
pub(crate) fn error(error: &Error, sources: &Sources) {
    draw_error(Level::ERROR, error, error.message(), sources);
}

/// Draws an error, and whose it is: one of several.
pub(crate) fn error_of(plugin: &str, error: &Error, sources: &Sources) {
    draw_error(Level::ERROR, error, &format!("{plugin}: {}", error.message()), sources);
}

/// Draws a refusal beside which the command goes on.
pub(crate) fn refused(refused: &Refused, sources: &Sources) {
    let message = format!("{} was refused: {}", refused.name, refused.error.message());
    draw_error(Level::WARNING, &refused.error, &message, sources);
}

/// Draws another error beside which the command goes on.
pub(crate) fn warning(error: &Error, sources: &Sources) {
    let message = format!("{}: {}", error.plugin().unwrap_or("?"), error.message());
    draw_error(Level::WARNING, error, &message, sources);
}

/// Draws a warning for the author of `plugin`.
pub(crate) fn lint(plugin: &str, warning: &Warning, sources: &Sources) {
    let message = format!("{plugin}: {}", warning.message);
    let footer: Vec<Element<'_>> =
        warning.help.iter().map(|help| Level::HELP.message(Shown::new(help)).into()).collect();
    draw(Level::WARNING, None, &message, (Some(plugin), warning.at.as_ref()), footer, sources);
}

/// Says one line.
pub(crate) fn note(text: &str) {
    Stderr.line(&Shown::new(&format!("note: {text}")));
}

fn draw_error(level: Level<'_>, error: &Error, message: &str, sources: &Sources) {
    let code = error.code().as_str();
    let mut footer: Vec<Element<'_>> = error
        .trace()
        .iter()
        .map(|line| Level::NOTE.message(format!("at {}", Shown::most(line, LONGEST_LINE))).into())
        .collect();
    footer.push(Level::HELP.message(Shown::new(error.help())).into());
    footer.push(Level::NOTE.message(format!("`modhost explain {code}` says more")).into());
    draw(level, Some(code), message, (error.plugin(), error.at()), footer, sources);
}

fn draw(
    level: Level<'_>,
    code: Option<&str>,
    message: &str,
    (plugin, at): (Option<&str>, Option<&Place>),
    footer: Vec<Element<'_>>,
    sources: &Sources,
) {
    let mut elements: Vec<Element<'_>> = Vec::new();
    let source = at.and_then(|at| sources.find(plugin, at));
    let line = at.zip(source.as_ref()).and_then(|(at, source)| Line::of(source, at));
    match (at, &source, &line) {
        (_, _, Some(line)) => elements.push(line.snippet().into()),
        (Some(at), Some(source), None) => {
            let shown = Place { file: source.path.clone(), ..at.clone() }.to_string();
            elements.push(Origin::path(Shown::most(&shown, LONGEST_LINE)).into());
        }
        _ => {}
    }
    elements.extend(footer);
    let title = level.primary_title(Shown::new(message));
    let title = if let Some(code) = code { title.id(code) } else { title };
    let group: Group<'_> = title.elements(elements);
    let coloured = logs::colours(&io::stderr());
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    Stderr.drawing(&renderer.term_width(layout::width(&io::stderr())).render(&[group]), coloured);
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
        let path = Shown::most(&source.path, LONGEST_LINE).to_string();
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
    if *Shown::printed(one) == *one { c } else { char::REPLACEMENT_CHARACTER }
}
