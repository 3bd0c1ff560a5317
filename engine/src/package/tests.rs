//! Tests of opening plugins: manifests as text, folders on a disk, and mutated bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(unix)]
mod disk;
mod manifest;
mod mutate;

use crate::Error;

/// An error as one line: `code line:column`, as far as they are known.
fn brief(error: &Error) -> String {
    let mut brief = error.code().to_string();
    if let Some((line, column)) = error.at().and_then(|at| at.line.zip(at.column)) {
        brief += &format!(" {line}:{column}");
    }
    brief
}
