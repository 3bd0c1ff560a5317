//! The one layout of a `.modpkg`: a zip in which nothing is left to choice. The writer writes these records, and the reader makes each
//! again of what it read and compares, so that a field which means something to another tool cannot mean it here.
//!
//! Entry by entry a local header and the data, without gaps; then the central directory; then the end record, whose comment is the
//! seal: the format, and the CRC-32 of every byte before the comment. Inflating many streams gives the same bytes, so that without the
//! seal some damage would go unseen; with it there is one archive of every content, up to how it was deflated.

use flate2::Crc;

/// How an entry's data lie in the archive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

impl Method {
    fn number(self) -> u16 {
        match self {
            Method::Stored => 0,
            Method::Deflated => 8,
        }
    }

    pub(super) fn of(number: u16) -> Option<Self> {
        [Method::Stored, Method::Deflated].into_iter().find(|method| method.number() == number)
    }
}

/// What is told of an entry, once in its local header and once in the central directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) method: Method,
    /// Of the unpacked bytes.
    pub(super) crc: u32,
    /// Bytes of the data in the archive.
    pub(super) packed: u32,
    /// Bytes of the file.
    pub(super) size: u32,
    /// Where its local header begins.
    pub(super) at: u32,
}

/// Bytes of the local header before the name.
pub(super) const LOCAL: usize = 30;
/// Bytes of an entry of the central directory before the name.
pub(super) const CENTRAL: usize = 46;
/// Bytes of the end record before the seal.
pub(super) const END: usize = 22;
/// Bytes of the seal: `modpkg 1 0123abcd`.
pub(super) const SEAL: usize = 17;
/// What the seal begins with, before the format's number.
pub(super) const MARK: &str = "modpkg ";
/// The most entries: the number after is a mark for 64-bit archives.
pub(super) const MOST: usize = u16::MAX as usize - 1;

/// Version 2.0 of the format, which is deflate and nothing later.
const NEEDED: u16 = 20;
/// Made on Unix, so that the permissions below are read as such.
const MADE_BY: u16 = 3 << 8 | NEEDED;
/// 1980-01-01 00:00, the first that there is: when a file was changed is no part of a plugin.
const DATE: u16 = 1 << 5 | 1;
/// A plain file, readable by all and writable by its owner.
const ATTRIBUTES: u32 = 0o100_644 << 16;

impl Entry {
    /// What both headers hold from the needed version to the length of the extra field.
    fn common(&self) -> [u8; 26] {
        let mut record = [0; 26];
        let name = u16::try_from(self.name.len()).unwrap_or(u16::MAX);
        put(&mut record, 0, NEEDED.to_le_bytes());
        put(&mut record, 4, self.method.number().to_le_bytes());
        put(&mut record, 8, DATE.to_le_bytes());
        put(&mut record, 10, self.crc.to_le_bytes());
        put(&mut record, 14, self.packed.to_le_bytes());
        put(&mut record, 18, self.size.to_le_bytes());
        put(&mut record, 22, name.to_le_bytes());
        record
    }

    /// The local header without the name.
    pub(super) fn local(&self) -> [u8; LOCAL] {
        let mut record = [0; LOCAL];
        put(&mut record, 0, *b"PK\x03\x04");
        put(&mut record, 4, self.common());
        record
    }

    /// The entry of the central directory without the name.
    pub(super) fn central(&self) -> [u8; CENTRAL] {
        let mut record = [0; CENTRAL];
        put(&mut record, 0, *b"PK\x01\x02");
        put(&mut record, 4, MADE_BY.to_le_bytes());
        put(&mut record, 6, self.common());
        put(&mut record, 38, ATTRIBUTES.to_le_bytes());
        put(&mut record, 42, self.at.to_le_bytes());
        record
    }
}

/// The end record without the seal.
pub(super) fn end(entries: u16, bytes: u32, at: u32) -> [u8; END] {
    let mut record = [0; END];
    put(&mut record, 0, *b"PK\x05\x06");
    put(&mut record, 8, entries.to_le_bytes());
    put(&mut record, 10, entries.to_le_bytes());
    put(&mut record, 12, bytes.to_le_bytes());
    put(&mut record, 16, at.to_le_bytes());
    put(&mut record, 20, (SEAL as u16).to_le_bytes());
    record
}

/// The seal over every byte before it.
pub(super) fn seal(before: &[u8]) -> String {
    format!("{MARK}1 {:08x}", crc(before))
}

pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn put<const N: usize, const M: usize>(record: &mut [u8; N], at: usize, bytes: [u8; M]) {
    record[at..at + M].copy_from_slice(&bytes);
}
