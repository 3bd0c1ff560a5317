//! Reads a `.modpkg` from memory: the structure first and as a whole, then each file within what the structure allowed.
//!
//! No file is written and nothing of another tool's liberties is taken: an archive is what [`layout`](super::layout) makes, or refused.
//! All sizes are added up and compared with [`Caps`] before anything is inflated, and each file is inflated into a place of the size
//! that it claims to have, which its packed size bounds. What is in the files is checked by the caller.

use std::{collections::HashMap, ops::Range, sync::Arc};

use flate2::{Decompress, FlushDecompress, Status};
use modhost_backend::{FileSet, Place};

use super::{
    Caps,
    layout::{CENTRAL, END, Entry, LOCAL, MARK, MOST, Method, SEAL, crc, end, seal},
    meta::{ENVELOPE, INDEX, is_meta, longest},
    name::check_packed,
};
use crate::{Code, Error, Result, Stage};

/// Files up to so many bytes are inflated and checked where the one before was, which the processor has at hand, and then copied to their
/// own place. For larger ones that is no gain, and would be memory.
const SHORT: usize = 256 << 10;

const OWN_TOOL: &str = "Packages are made by `modhost pack`; unpack this one and pack the folder again. If it was downloaded, it may be cut off: fetch it again.";

/// The files of an archive, META among them, before anything was compared.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
}

fn error(code: Code, message: impl Into<String>) -> Error {
    Error::new(code, Stage::Open, message)
}

/// `package.archive`.
fn odd(message: impl Into<String>) -> Error {
    error(Code::PackageArchive, message).with_help(OWN_TOOL)
}

fn of_file(code: Code, name: &str, message: impl Into<String>) -> Error {
    error(code, message).at_place(Place::file(name.escape_debug().to_string()))
}

/// A number in a record; the record is known to be long enough.
fn number(record: &[u8], at: usize, bytes: usize) -> u32 {
    record.iter().skip(at).take(bytes).rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

impl<'a> Archive<'a> {
    /// Reads the structure.
    pub(super) fn read(bytes: &'a [u8], caps: &Caps) -> Result<Self> {
        if bytes.len() as u64 > caps.package {
            let message = format!("the package has more than {} bytes", caps.package);
            return Err(error(Code::PackageTooLarge, message));
        }
        let (sealed, whole) = sealed(bytes)?;
        let read = Archive::structure(bytes, sealed, caps);
        if whole {
            return read;
        }
        // Whoever has to mend it is told which file it is, where that can be found out.
        let file = read.ok().and_then(|archive| {
            let mut place = Vec::new();
            archive.entries.iter().find_map(|entry| archive.unpack(entry, &mut place).err())
        });
        let package = || error(Code::PackageDamaged, "the package's checksum is not the one that its seal says");
        Err(file.unwrap_or_else(package))
    }

    fn structure(bytes: &'a [u8], sealed: &'a [u8], caps: &Caps) -> Result<Self> {
        let (before, (count, directory)) = ending(sealed)?;
        if count > caps.files.saturating_add(2) {
            return Err(error(Code::PackageTooLarge, format!("the package has more than {} files", caps.files)));
        }
        let mut archive = Archive { bytes, entries: Vec::with_capacity(count) };
        let mut records = &bytes[directory.clone()];
        // Where the next local header must begin: entries lie one behind the other.
        let mut at = 0;
        for number in 0..count {
            let (entry, rest) = central(records, number)?;
            let next = (at + LOCAL + entry.name.len()).saturating_add(entry.packed as usize);
            let header = at..at + LOCAL;
            if entry.at as usize != at || next > directory.start {
                let message = "its data do not lie directly behind those of the entry before";
                return Err(of_file(Code::PackageArchive, &entry.name, message).with_help(OWN_TOOL));
            }
            let name = &before[header.end..header.end + entry.name.len()];
            if before[header.clone()] != entry.local() || name != entry.name.as_bytes() {
                let message = "its own header says something other than the directory";
                return Err(of_file(Code::PackageArchive, &entry.name, message).with_help(OWN_TOOL));
            }
            archive.entries.push(entry);
            (at, records) = (next, rest);
        }
        if !records.is_empty() || at != directory.start {
            return Err(odd("there are bytes that belong to no entry"));
        }
        archive.check_order()?;
        archive.check_names(caps)?;
        archive.check_sizes(caps)?;
        Ok(archive)
    }

    /// The files of META come first, the list before the signatures; then the others in the order of their names' bytes.
    fn check_order(&self) -> Result<()> {
        fn rank(entry: &Entry) -> (bool, &str) {
            (!is_meta(&entry.name), &entry.name)
        }
        for pair in self.entries.windows(2) {
            let [one, next] = pair else { continue };
            if one.name == next.name {
                return Err(of_file(Code::PackageArchive, &one.name, "it is there twice").with_help(OWN_TOOL));
            }
            if rank(one) > rank(next) {
                let message = "the entries are not in their order: META first, then by the names' bytes";
                return Err(of_file(Code::PackageArchive, &next.name, message).with_help(OWN_TOOL));
            }
        }
        Ok(())
    }

    /// Names that one system or another takes for the same, and folders within folders.
    fn check_names(&self, caps: &Caps) -> Result<()> {
        let mut spelled: HashMap<String, (&str, bool)> = HashMap::new();
        for entry in &self.entries {
            let name = entry.name.as_str();
            if name.matches('/').count() > caps.depth {
                let message = format!("folders are nested more than {} deep", caps.depth);
                return Err(of_file(Code::PackageTooLarge, name, message));
            }
            let ends = name.match_indices('/').map(|(at, _)| (at, true)).chain([(name.len(), false)]);
            for (at, folder) in ends {
                let part = &name[..at];
                let (other, is_folder) = *spelled.entry(part.to_ascii_lowercase()).or_insert((part, folder));
                if other != part {
                    let message = format!("`{other}` differs from it in upper and lower case only");
                    return Err(of_file(Code::PackageName, name, message));
                }
                if is_folder != folder {
                    return Err(of_file(Code::PackageName, name, format!("`{part}` is a file and a folder")));
                }
            }
        }
        Ok(())
    }

    fn check_sizes(&self, caps: &Caps) -> Result<()> {
        let mut total: u64 = 0;
        for Entry { name, size, packed, .. } in &self.entries {
            let (size, packed) = (u64::from(*size), u64::from(*packed));
            let most = if is_meta(name) { longest(name)? } else { caps.file };
            if size > most {
                return Err(of_file(Code::PackageTooLarge, name, format!("the file has more than {most} bytes")));
            }
            if size > packed.saturating_mul(caps.ratio) {
                let message = format!("{packed} bytes stand for {size}, more than {} to one", caps.ratio);
                return Err(of_file(Code::PackageRatio, name, message));
            }
            if !is_meta(name) {
                total += size;
            }
            if total > caps.total {
                let message = format!("the plugin's files have more than {} bytes together", caps.total);
                return Err(of_file(Code::PackageTooLarge, name, message));
            }
        }
        Ok(())
    }

    /// `META/files`.
    pub(super) fn index(&self) -> Result<Arc<[u8]>> {
        self.meta(INDEX)?.ok_or_else(|| {
            let message = format!("the package has no {INDEX}, the list of its files");
            error(Code::PackageMeta, message).with_help("Packages are made by `modhost pack`.")
        })
    }

    /// `META/signatures`.
    pub(super) fn envelope(&self) -> Result<Option<Arc<[u8]>>> {
        self.meta(ENVELOPE)
    }

    fn meta(&self, name: &str) -> Result<Option<Arc<[u8]>>> {
        let entry = self.entries.iter().find(|entry| entry.name == name);
        entry.map(|entry| self.unpack(entry, &mut Vec::new())).transpose()
    }

    /// Every other file.
    pub(super) fn files(&self) -> Result<FileSet> {
        let (mut files, mut place) = (FileSet::default(), Vec::new());
        for entry in self.entries.iter().filter(|entry| !is_meta(&entry.name)) {
            files.insert(entry.name.as_str(), self.unpack(entry, &mut place)?);
        }
        Ok(files)
    }

    /// One file, by way of `place` where it is short.
    fn unpack(&self, entry: &Entry, place: &mut Vec<u8>) -> Result<Arc<[u8]>> {
        let at = entry.at as usize + LOCAL + entry.name.len();
        let (data, size) = (&self.bytes[at..at + entry.packed as usize], entry.size as usize);
        match entry.method {
            Method::Stored => checked(entry, data).map(|()| data.into()),
            Method::Deflated if size <= SHORT => {
                if place.len() < size {
                    *place = vec![0; size.next_power_of_two()];
                }
                inflate(entry, data, &mut place[..size])?;
                Ok(place[..size].into())
            }
            Method::Deflated => {
                // Zeroes that nobody has written to take no memory while they are copied.
                let mut bytes: Arc<[u8]> = vec![0; size].into();
                // Nobody else has it yet.
                inflate(entry, data, Arc::get_mut(&mut bytes).unwrap_or_default())?;
                Ok(bytes)
            }
        }
    }
}

fn damaged(entry: &Entry, message: &str) -> Error {
    of_file(Code::PackageDamaged, &entry.name, message)
}

/// Inflates `data` into a place of the file's size, all of both, and checks what comes out.
fn inflate(entry: &Entry, data: &[u8], place: &mut [u8]) -> Result<()> {
    let mut inflate = Decompress::new(false);
    let status = inflate.decompress(data, place, FlushDecompress::Finish);
    let whole = inflate.total_in() == data.len() as u64 && inflate.total_out() == u64::from(entry.size);
    if !matches!(status, Ok(Status::StreamEnd)) || !whole || place.len() != entry.size as usize {
        return Err(damaged(entry, "its data do not inflate to the size that it says"));
    }
    checked(entry, place)
}

fn checked(entry: &Entry, bytes: &[u8]) -> Result<()> {
    if crc(bytes) == entry.crc {
        return Ok(());
    }
    Err(damaged(entry, "its data have another checksum than the one that it says"))
}

/// The number of entries and where the directory lies.
type Found = (usize, Range<usize>);

/// The last record of the directory and what is before it.
fn record(sealed: &[u8]) -> Option<(&[u8], &[u8; END])> {
    sealed.split_last_chunk::<END>().filter(|(_, record)| record.starts_with(b"PK\x05\x06"))
}

/// The bytes before the seal, and whether it is theirs.
fn sealed(bytes: &[u8]) -> Result<(&[u8], bool)> {
    let Some((sealed, mark)) = bytes.split_last_chunk::<SEAL>() else {
        return Err(odd("this is too short for a package"));
    };
    if record(sealed).is_none() {
        let zip = bytes.starts_with(b"PK");
        let message = if zip {
            "this is a zip, but not one that modhost packed, or it was cut off or added to"
        } else {
            "this is no zip"
        };
        return Err(odd(message));
    }
    let format = mark.strip_prefix(MARK.as_bytes()).and_then(|rest| str::from_utf8(rest).ok()?.split(' ').next());
    match format {
        Some("1") => {}
        Some(later) if !later.is_empty() && later.bytes().all(|byte| byte.is_ascii_digit()) => {
            let message =
                format!("the package is of format {later}; modhost {} reads format 1", env!("CARGO_PKG_VERSION"));
            return Err(error(Code::PackageNewer, message));
        }
        _ => return Err(odd("this is a zip, but its comment is not the seal of a package")),
    }
    Ok((sealed, seal(sealed).as_bytes() == mark))
}

/// The bytes before the end record, and what that says.
fn ending(sealed: &[u8]) -> Result<(&[u8], Found)> {
    let (before, record) = record(sealed).ok_or_else(|| odd("there is no end record"))?;
    let (entries, length, at) = (number(record, 10, 2), number(record, 12, 4), number(record, 16, 4));
    if *record != end(entries as u16, length, at) || entries as usize > MOST {
        return Err(odd("the end record is that of several disks, of a 64-bit archive or of another comment"));
    }
    let directory = at as usize..(at as usize).saturating_add(length as usize);
    if directory.end != before.len() || directory.start > before.len() {
        return Err(odd("the directory does not end where the end record begins"));
    }
    // Before anything is put aside for the entries.
    if (entries as usize).saturating_mul(CENTRAL + 1) > directory.len() {
        return Err(odd("the directory is too short for its entries"));
    }
    Ok((before, (entries as usize, directory)))
}

/// The first entry of what is left of the directory, and the rest.
fn central(records: &[u8], number_of: usize) -> Result<(Entry, &[u8])> {
    let short = || odd(format!("the directory ends within entry {number_of}"));
    let (record, rest) = records.split_first_chunk::<CENTRAL>().ok_or_else(short)?;
    if !record.starts_with(b"PK\x01\x02") {
        return Err(odd(format!("entry {number_of} of the directory is none")));
    }
    let (name, rest) = rest.split_at_checked(number(record, 28, 2) as usize).ok_or_else(short)?;
    let shown = name.escape_ascii().to_string();
    let name = str::from_utf8(name).map_err(|_| of_file(Code::PackageName, &shown, "the name is not ASCII"))?;
    check_packed(name).map_err(|(code, problem)| of_file(code, &shown, format!("the name {problem}")))?;
    let mode = number(record, 40, 2);
    if !matches!(mode & 0o170_000, 0 | 0o100_000) {
        let message = "this is no plain file but a link, a folder or a device";
        return Err(of_file(Code::PackageSpecialFile, name, message));
    }
    if is_meta(name) {
        longest(name)?;
    }
    let refuse = |message: &str| of_file(Code::PackageArchive, name, message).with_help(OWN_TOOL);
    let method = Method::of(number(record, 10, 2) as u16)
        .ok_or_else(|| refuse("it is packed by another method than deflate"))?;
    let entry = Entry {
        name: name.to_owned(),
        method,
        crc: number(record, 16, 4),
        packed: number(record, 20, 4),
        size: number(record, 24, 4),
        at: number(record, 42, 4),
    };
    let own = entry.central();
    if let Some((_, what)) = FIELDS.iter().find(|(field, _)| record[field.clone()] != own[field.clone()]) {
        return Err(refuse(what));
    }
    match method {
        Method::Stored if entry.packed != entry.size => Err(refuse("it is stored, and has two sizes")),
        Method::Deflated if entry.packed >= entry.size => Err(refuse("it is deflated, and is no smaller for it")),
        _ => Ok((entry, rest)),
    }
}

/// The fields of the directory that a package leaves at one value, and what another would mean.
const FIELDS: [(Range<usize>, &str); 9] = [
    (4..6, "it was made by another tool"),
    (6..8, "it needs a later zip than 2.0"),
    (8..10, "its flags say that it is encrypted, has its sizes behind its data, or a name in another encoding"),
    (12..16, "it says when it was changed"),
    (30..32, "it has extra fields"),
    (32..34, "it has a comment"),
    (34..36, "it lies on another disk"),
    (36..38, "it has attributes of its own"),
    (38..42, "it has permissions of its own"),
];
