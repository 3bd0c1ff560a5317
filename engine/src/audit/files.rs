//! The files of one log: `audit.jsonl` is being written; `audit.jsonl.1`, `audit.jsonl.2` and so on are older parts, the highest number the
//! newest. [`Lines`] reads one of them.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use super::line::LONGEST;
use crate::{
    error::{Error, Result, Stage},
    plain,
};

/// The older parts of the log at `path`, oldest first, with their numbers.
pub(super) fn older(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(Vec::new()) };
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|other| {
            let digits = other.strip_prefix(name)?.strip_prefix('.')?;
            // `+1` and `01` are other files; and after the last number there would be no next.
            digits.parse::<u64>().ok().filter(|number| number.to_string() == digits && i64::try_from(*number).is_ok())
        });
        found.extend(number.map(|number| (number, part(path, number))));
    }
    found.sort_unstable();
    Ok(found)
}

/// The path of an older part.
pub(super) fn part(path: &Path, number: u64) -> PathBuf {
    beside(path, &number.to_string())
}

/// `path` with one more ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// What a part is called in the first line of the next.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| super::escape(&name.to_string_lossy(), 400)).unwrap_or_default()
}

/// All files of the log at `path`, oldest first.
///
/// # Errors
/// `io.not-found` where there is none of them, `io.failed`.
pub(super) fn all(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::io(Stage::Engine, path, &error);
    // What is there and cannot be looked at must not pass for what is not there.
    let newest = match fs::metadata(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        other => other,
    };
    let mut files: Vec<PathBuf> = match older(path) {
        Ok(older) => older.into_iter().map(|(_, path)| path).collect(),
        Err(error) => return Err(failed(error)),
    };
    match newest {
        Ok(_) => files.push(path.to_owned()),
        // A crash in the midst of beginning a new file leaves none.
        Err(error) if files.is_empty() => return Err(failed(error)),
        Err(_) => {}
    }
    Ok(files)
}

/// The lines of a file, without their ends.
pub(super) struct Lines {
    file: BufReader<File>,
    path: PathBuf,
    line: Vec<u8>,
}

/// What comes next in a file.
pub(super) enum Next<'a> {
    /// A line, without its end.
    Line(&'a [u8]),
    /// Bytes without an end: the last, or more than any line has.
    Torn,
    /// The file ended with a line's end.
    End,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Lines> {
        let failed = |error| Error::io(Stage::Engine, path, &error);
        let file = plain::open(path).map_err(failed)?;
        Ok(Lines { file: BufReader::with_capacity(LONGEST, file), path: path.to_owned(), line: Vec::new() })
    }

    pub(super) fn next(&mut self) -> Result<Next<'_>> {
        self.line.clear();
        let mut bounded = (&mut self.file).take(LONGEST as u64);
        bounded.read_until(b'\n', &mut self.line).map_err(|error| Error::io(Stage::Engine, &self.path, &error))?;
        Ok(match self.line.split_last() {
            None => Next::End,
            Some((b'\n', line)) => Next::Line(line),
            Some(_) => Next::Torn,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
