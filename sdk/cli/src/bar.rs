//! [`Bar`]: how far loading is, on standard error while that is a terminal. Whatever else is written there goes through [`Stderr`], which
//! takes the bar away first; the next step draws it again.

use std::{
    env,
    io::{self, IsTerminal, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use modhost::{LoadProgress, Stage};

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
        let _ = Stderr.flush();
    }
}

/// `loading  [######--------------]  3 of 10  wolf`, in less than so many columns.
fn line(progress: &LoadProgress<'_>, columns: usize) -> String {
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
    text.chars().take(columns.saturating_sub(1)).collect::<String>().trim_end().to_owned()
}

/// Standard error, without the bar.
#[derive(Debug)]
pub(crate) struct Stderr;

impl Stderr {
    fn cleared(&self, write: impl FnOnce(&mut io::Stderr) -> io::Result<usize>) -> io::Result<usize> {
        let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stderr = io::stderr();
        if std::mem::take(&mut *shown) {
            stderr.write_all(CLEAR)?;
        }
        write(&mut stderr)
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.cleared(|stderr| stderr.write_all(bytes).map(|()| bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.cleared(|stderr| stderr.flush().map(|()| 0)).map(|_| ())
    }
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
        assert_eq!(lines[0].0, "reading  [--------------------] 0 of 2");
        assert_eq!(lines[1].0, "reading  [##########----------] 1 of 2  a.lua");
        assert_eq!(lines[1].1, "reading  [##########---");
        assert!(lines.iter().any(|(line, _)| line == "planning [####################] 1 of 1"), "{lines:?}");
        // One of the two has a name that no plugin may have.
        assert_eq!(lines.last().unwrap().0, "loading  [####################] 1 of 1  a");
        assert!(lines.iter().all(|(line, _)| !line.contains('\u{1b}')), "{lines:?}");
    }
}
