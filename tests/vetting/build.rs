//! [`Zip`]: an archive put together field by field, so that each can be wrong. A second writer beside the engine's; it judges nothing.

use std::io::Write as _;

use flate2::{Compression, Crc, write::DeflateEncoder};
use sha2::{Digest as _, Sha256};

/// One entry; its headers follow from it, and then the patches are put over them.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) size: u32,
    /// As it lies in the archive.
    pub(crate) data: Vec<u8>,
    /// Bytes over those of the local header, by offset.
    pub(crate) local: Vec<(usize, Vec<u8>)>,
    /// The same for the directory.
    pub(crate) central: Vec<(usize, Vec<u8>)>,
    /// Extra fields of the local header, of the directory, and the comment.
    pub(crate) extra: [Vec<u8>; 3],
    /// Bytes behind the data that belong to nothing.
    pub(crate) gap: Vec<u8>,
    /// Where the directory says that it lies, in place of where it does.
    pub(crate) at: Option<u32>,
    /// Whether it is left out of the directory.
    pub(crate) unlisted: bool,
}

impl Part {
    /// A file, deflated where that is smaller.
    pub(crate) fn new(name: impl AsRef<[u8]>, file: &[u8]) -> Self {
        let deflated = deflate(file);
        let smaller = deflated.len() < file.len();
        let mut part = Part::stored(name, file);
        if smaller {
            (part.method, part.data) = (8, deflated);
        }
        part
    }

    pub(crate) fn stored(name: impl AsRef<[u8]>, file: &[u8]) -> Self {
        Part {
            name: name.as_ref().to_vec(),
            method: 0,
            crc: crc(file),
            size: file.len() as u32,
            data: file.to_vec(),
            local: Vec::new(),
            central: Vec::new(),
            extra: Default::default(),
            gap: Vec::new(),
            at: None,
            unlisted: false,
        }
    }

    /// The same field in both headers, by its offset in the local one.
    pub(crate) fn both(&mut self, at: usize, bytes: &[u8]) {
        self.local.push((at, bytes.to_vec()));
        self.central.push((at + 2, bytes.to_vec()));
    }

    fn common(&self, extra: &[u8]) -> Vec<u8> {
        let mut record = Vec::new();
        for short in [20, 0, self.method, 0, 33] {
            record.extend(short.to_le_bytes());
        }
        for long in [self.crc, self.data.len() as u32, self.size] {
            record.extend(long.to_le_bytes());
        }
        for short in [self.name.len() as u16, extra.len() as u16] {
            record.extend(short.to_le_bytes());
        }
        record
    }

    fn write_local(&self, out: &mut Vec<u8>) {
        let mut record = [b"PK\x03\x04".to_vec(), self.common(&self.extra[0])].concat();
        patch(&mut record, &self.local);
        for bytes in [&record, &self.name, &self.extra[0], &self.data, &self.gap] {
            out.extend(bytes);
        }
    }

    fn write_central(&self, at: u32, out: &mut Vec<u8>) {
        let mut record = [b"PK\x01\x02\x14\x03".to_vec(), self.common(&self.extra[1])].concat();
        record.extend((self.extra[2].len() as u16).to_le_bytes());
        record.extend([0, 0, 0, 0, 0, 0, 0xa4, 0x81]);
        record.extend(self.at.unwrap_or(at).to_le_bytes());
        patch(&mut record, &self.central);
        for bytes in [&record, &self.name, &self.extra[1], &self.extra[2]] {
            out.extend(bytes);
        }
    }
}

fn patch(record: &mut [u8], patches: &[(usize, Vec<u8>)]) {
    for (at, bytes) in patches {
        record[*at..at + bytes.len()].copy_from_slice(bytes);
    }
}

/// An archive.
#[derive(Clone)]
pub(crate) struct Zip {
    /// Before everything.
    pub(crate) prefix: Vec<u8>,
    pub(crate) parts: Vec<Part>,
    /// Between the last entry and the directory, and between the directory and the end record.
    pub(crate) between: [Vec<u8>; 2],
    /// Bytes over those of the end record, by offset.
    pub(crate) end: Vec<(usize, Vec<u8>)>,
    /// In place of the seal.
    pub(crate) comment: Option<Vec<u8>>,
    /// Behind everything.
    pub(crate) suffix: Vec<u8>,
}

pub(crate) const MANIFEST: &str = "[plugin]\nid = \"acme.wolf\"\nversion = \"1.2.0\"\n";
pub(crate) const MAIN: &str =
    "local a = require('lib/a')\nfunction howl() return a.howl() .. a.howl() .. a.howl() .. a.howl() end\n";
pub(crate) const LIB: &str = "return { howl = function() return 'au' end }\n";

/// The files of the good package.
pub(crate) fn files() -> Vec<(&'static str, &'static [u8])> {
    vec![("lib/a.lua", LIB.as_bytes()), ("main.lua", MAIN.as_bytes()), ("plugin.toml", MANIFEST.as_bytes())]
}

/// The text of `META/files` for these files.
pub(crate) fn index(id: &str, version: &str, files: &[(&str, &[u8])]) -> String {
    let mut text = format!("modhost-files 1\n{id}\n{version}\n");
    for (path, bytes) in files {
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("{digest} {} {path}\n", bytes.len());
    }
    text
}

impl Zip {
    pub(crate) fn of(parts: Vec<Part>) -> Self {
        Zip {
            prefix: Vec::new(),
            parts,
            between: Default::default(),
            end: Vec::new(),
            comment: None,
            suffix: Vec::new(),
        }
    }

    /// A package of these files under this index.
    pub(crate) fn with(index: &str, files: &[(&str, &[u8])]) -> Self {
        let parts = std::iter::once(Part::new("META/files", index.as_bytes()));
        Zip::of(parts.chain(files.iter().map(|(name, bytes)| Part::new(name, bytes))).collect())
    }

    /// A package of these files, which are sorted.
    pub(crate) fn holding(files: &[(&str, &[u8])]) -> Self {
        Zip::with(&index("acme.wolf", "1.2.0", files), files)
    }

    /// A package that is loaded.
    pub(crate) fn good() -> Self {
        Zip::holding(&files())
    }

    pub(crate) fn part(&mut self, name: &str) -> &mut Part {
        self.parts.iter_mut().find(|part| part.name == name.as_bytes()).unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = self.prefix.clone();
        let mut directory = Vec::new();
        for part in &self.parts {
            let at = out.len() as u32;
            part.write_local(&mut out);
            if !part.unlisted {
                part.write_central(at, &mut directory);
            }
        }
        out.extend(&self.between[0]);
        let at = out.len() as u32;
        out.extend(&directory);
        out.extend(&self.between[1]);
        let listed = self.parts.iter().filter(|part| !part.unlisted).count() as u16;
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend([listed.to_le_bytes(), listed.to_le_bytes()].concat());
        end.extend([(directory.len() as u32).to_le_bytes(), at.to_le_bytes()].concat());
        let length = self.comment.as_ref().map_or(17, Vec::len) as u16;
        end.extend(length.to_le_bytes());
        patch(&mut end, &self.end);
        out.extend(end);
        match &self.comment {
            Some(comment) => out.extend(comment),
            None => out.extend(format!("modpkg 1 {:08x}", crc(&out)).into_bytes()),
        }
        out.extend(&self.suffix);
        out
    }
}

/// Makes the seal right again.
pub(crate) fn seal(bytes: &mut [u8]) {
    if let Some(before) = bytes.len().checked_sub(17) {
        let seal = format!("modpkg 1 {:08x}", crc(&bytes[..before]));
        bytes[before..].copy_from_slice(seal.as_bytes());
    }
}

pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
