//! As much of a library's layout as damaging it needs: where the parts are that a loader reads.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::Range;

/// A part of a file.
pub(crate) struct Region {
    pub(crate) what: &'static str,
    pub(crate) at: Range<usize>,
    /// Bytes of a record in it.
    pub(crate) record: usize,
}

pub(crate) fn number(bytes: &[u8], at: usize, len: usize) -> usize {
    bytes[at..at + len].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// The program headers.
pub(crate) fn headers(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let (start, count) = (number(bytes, 32, 8), number(bytes, 56, 2));
    (0..count).map(move |index| start + index * 56)
}

/// The first program header of type `kind`.
pub(crate) fn header(bytes: &[u8], kind: usize) -> usize {
    headers(bytes).find(|at| number(bytes, *at, 4) == kind).expect("a program header")
}

/// What the loader reads of a 64-bit library, by its section headers.
pub(crate) fn regions(bytes: &[u8]) -> Vec<Region> {
    let mut regions = vec![Region { what: "file header", at: 0..64, record: 8 }];
    let (start, count) = (number(bytes, 32, 8), number(bytes, 56, 2));
    regions.push(Region { what: "program headers", at: start..start + count * 56, record: 56 });
    let (start, count) = (number(bytes, 40, 8), number(bytes, 60, 2));
    for at in (0..count).map(|index| start + index * 64) {
        let (what, record) = match number(bytes, at + 4, 4) {
            _ if number(bytes, at + 8, 8) & 2 == 0 => continue,
            3 => ("names", 1),
            4 => ("relocations", 24),
            5 => ("hash table", 4),
            6 => ("dynamic segment", 16),
            7 => ("notes", 4),
            11 => ("symbols", 24),
            14 => ("constructors", 8),
            15 => ("destructors", 8),
            19 => ("packed relocations", 8),
            0x6fff_fff6 => ("GNU hash table", 4),
            0x6fff_fffd => ("versions defined", 4),
            0x6fff_fffe => ("versions needed", 4),
            0x6fff_ffff => ("versions of symbols", 2),
            _ => continue,
        };
        let offset = number(bytes, at + 24, 8);
        regions.push(Region { what, at: offset..offset + number(bytes, at + 32, 8), record });
    }
    regions
}

/// The sections of code.
pub(crate) fn code(bytes: &[u8]) -> Vec<Range<usize>> {
    let (start, count) = (number(bytes, 40, 8), number(bytes, 60, 2));
    let all = (0..count).map(|index| start + index * 64).filter(|at| number(bytes, at + 8, 8) & 4 != 0);
    let places = all.map(|at| number(bytes, at + 24, 8)..number(bytes, at + 24, 8) + number(bytes, at + 32, 8));
    places.filter(|place| place.len() > 3).collect()
}
