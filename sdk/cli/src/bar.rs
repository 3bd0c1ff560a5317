//! [`Bar`]: how far loading is, on standard error while that is a terminal. Whatever else is written there goes through [`Stderr`], which
//! takes the bar away first; the next step draws it again.

use std::{
    env,
    io::{self, IsTerminal, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use modhost::{LoadProgress, Shown, Stage};

use crate::layout::{safe, width};

/// What takes less shows no bar.
const PATIENCE: Duration = Duration::from_millis(250);
/// The least time between two drawings.
const REST: Duration = Duration::from_millis(50);
/// Cells of the bar.
const CELLS: usize = 20;
/// To the line's beginning, and nothing on it.
const CLEAR: &[u8] = b"\r\x1b[K";

/// Whether a bar stands on the terminal.
static SHOWN: Mutex<bool> = Mutex::new(false);

/// Shows how far loading is, from some time after its beginning until it is dropped.
#[derive(Debug)]
pub(crate) struct Bar {
    next: Instant,
    columns: usize,
}

impl Bar {
    /// A bar, if somebody can see it.
    pub(crate) fn new() -> Option<Self> {
        let seen = io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        seen.then(|| Bar { next: Instant::now() + PATIENCE, columns: width(&io::stderr()) })
    }

    /// Shows a step, if it is time.
    pub(crate) fn show(&mut self, progress: &LoadProgress<'_>) {
        let now = Instant::now();
        if now >= self.next {
            self.next = now + REST;
            let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
            let text = line(progress, self.columns);
            // A terminal that is gone shows nothing.
            *shown = io::stderr().write_all(&[CLEAR, text.as_bytes()].concat()).is_ok();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        Stderr.cleared(Write::flush);
    }
}

/// `loading  [######--------------]  3 of 10  wolf`, in less than so many columns.
fn line(progress: &LoadProgress<'_>, columns: usize) -> Shown {
    let word = match progress.stage {
        Stage::Open => "reading",
        Stage::Vet => "checking",
        Stage::Resolve => "planning",
        _ => "loading",
    };
    let (done, total) = (progress.done, progress.total);
    let filled = (done * CELLS).checked_div(total).unwrap_or(CELLS).min(CELLS);
    let bar = format!("{}{}", "#".repeat(filled), "-".repeat(CELLS - filled));
    let text = format!("{word:8} [{bar}] {done} of {total}  {}", safe(progress.plugin));
    let text: String = text.chars().take(columns.saturating_sub(1)).collect();
    Shown::new(text.trim_end())
}

/// Standard error, without the bar. Only what the escape made gets there.
#[derive(Debug)]
pub(crate) struct Stderr;

impl Stderr {
    /// Writes a line.
    pub(crate) fn line(&self, line: &Shown) {
        self.write(&format!("{line}\n"));
    }

    /// Writes a drawing of several lines, made of texts that were escaped: of all else than line ends, colours if it has them, and the
    /// tabs of sources nothing passes here.
    pub(crate) fn drawing(&self, drawing: &str, coloured: bool) {
        let mut safe = String::with_capacity(drawing.len() + 1);
        let mut rest = drawing;
        while let Some(at) = rest.find(['\n', '\u{1b}']) {
            safe.push_str(&Shown::printed(&rest[..at]));
            let colour = if coloured { colour(&rest[at..]) } else { None };
            let taken = colour.unwrap_or(1);
            match &rest[at..at + taken] {
                "\u{1b}" => safe.push_str(&Shown::new("\u{1b}")),
                passed => safe.push_str(passed),
            }
            rest = &rest[at + taken..];
        }
        safe.push_str(&Shown::printed(rest));
        safe.push('\n');
        self.write(&safe);
    }

    fn write(&self, text: &str) {
        self.cleared(|stderr| stderr.write_all(text.as_bytes()));
    }

    fn cleared(&self, write: impl FnOnce(&mut io::Stderr) -> io::Result<()>) {
        let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stderr = io::stderr();
        // Nobody is left to tell when standard error is closed.
        if std::mem::take(&mut *shown) {
            let _ = stderr.write_all(CLEAR);
        }
        let _ = write(&mut stderr);
    }
}

/// The length of the colour that `text` begins with.
fn colour(text: &str) -> Option<usize> {
    let digits = text.strip_prefix("\u{1b}[")?;
    let end = digits.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    digits[end..].starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// The lines of a real loading: the type cannot be made here.
    #[test]
    fn a_line_says_how_far_it_is() {
        let lines = RefCell::new(Vec::new());
        let area = tempfile::tempdir().unwrap();
        for name in ["b\u{1b}[2J.lua", "a.lua"] {
            std::fs::write(area.path().join(name), "").unwrap();
        }
        let engine = modhost::Engine::builder().build().unwrap();
        let loading = engine.loading().dir(area.path()).threads(1);
        loading.progress(|step| lines.borrow_mut().push((line(step, 80), line(step, 24)))).load().unwrap();
        let lines = lines.into_inner();
        assert_eq!(lines[0].0, *"reading  [--------------------] 0 of 2");
        assert_eq!(lines[1].0, *"reading  [##########----------] 1 of 2  a.lua");
        assert_eq!(lines[1].1, *"reading  [##########---");
        assert!(lines.iter().any(|(line, _)| *line == *"planning [####################] 1 of 1"), "{lines:?}");
        // One of the two has a name that no plugin may have.
        assert_eq!(lines.last().unwrap().0, *"loading  [####################] 1 of 1  a");
        assert!(lines.iter().all(|(line, _)| !line.contains('\u{1b}')), "{lines:?}");
    }
}
