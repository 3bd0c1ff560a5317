//! [`Dynamic`]: the dynamic segment's entries, which say where everything is that the loader works through, and which
//! further libraries it loads.

use modhost_backend::FaultKind;
use object::{
    NativeEndian as Endian, elf,
    read::elf::{Dyn, FileHeader},
};

use super::{
    Refusal, corrupt,
    image::{Header, Image},
};

/// The libraries of the system that a plugin may need. They are there already or belong to the compiler's runtime; any
/// other name would be looked up in paths that nobody vetted.
const SYSTEM: [&[u8]; 7] =
    [b"libc.so.6", b"libm.so.6", b"libgcc_s.so.1", b"libpthread.so.0", b"libdl.so.2", b"librt.so.1", b"libstdc++.so.6"];

/// The maximum number of entries; linkers write about thirty.
const MOST_ENTRIES: usize = 4096;

/// What the loader acts on, and of which it takes the last.
const SINGLE: [elf::DynamicTag; 35] = [
    elf::DT_PLTRELSZ,
    elf::DT_PLTGOT,
    elf::DT_HASH,
    elf::DT_STRTAB,
    elf::DT_SYMTAB,
    elf::DT_RELA,
    elf::DT_RELASZ,
    elf::DT_RELAENT,
    elf::DT_STRSZ,
    elf::DT_SYMENT,
    elf::DT_INIT,
    elf::DT_FINI,
    elf::DT_SONAME,
    elf::DT_REL,
    elf::DT_RELSZ,
    elf::DT_RELENT,
    elf::DT_PLTREL,
    elf::DT_JMPREL,
    elf::DT_INIT_ARRAY,
    elf::DT_FINI_ARRAY,
    elf::DT_INIT_ARRAYSZ,
    elf::DT_FINI_ARRAYSZ,
    elf::DT_FLAGS,
    elf::DT_RELRSZ,
    elf::DT_RELR,
    elf::DT_RELRENT,
    elf::DT_GNU_HASH,
    elf::DT_VERSYM,
    elf::DT_RELACOUNT,
    elf::DT_RELCOUNT,
    elf::DT_FLAGS_1,
    elf::DT_VERDEF,
    elf::DT_VERDEFNUM,
    elf::DT_VERNEED,
    elf::DT_VERNEEDNUM,
];

type Entry = <Header as FileHeader>::Dyn;
type Symbol = <Header as FileHeader>::Sym;

/// Names, each ended by a zero.
#[derive(Clone, Copy)]
pub(super) struct Strings<'data>(&'data [u8]);

impl<'data> Strings<'data> {
    /// The name at `at`.
    pub(super) fn name(self, at: u64) -> Option<&'data [u8]> {
        let rest = self.0.get(usize::try_from(at).ok()?..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        rest.get(..end)
    }
}

/// The dynamic segment's entries.
pub(super) struct Dynamic<'data>(&'data [Entry]);

impl<'data> Dynamic<'data> {
    /// The entries of `image`.
    pub(super) fn new(image: &Image<'data>) -> Result<Self, Refusal> {
        let dynamic = Dynamic(image.dynamic()?);
        if dynamic.0.len() > MOST_ENTRIES {
            return Err(corrupt("its dynamic segment is too long"));
        }
        match SINGLE.iter().find(|tag| dynamic.all(**tag).nth(1).is_some()) {
            Some(tag) => Err(corrupt(format!("its dynamic segment has two entries of tag {:#x}", tag.0))),
            None => Ok(dynamic),
        }
    }

    /// The value of the entry `tag`.
    pub(super) fn one(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.all(tag).last()
    }

    fn all(&self, tag: elf::DynamicTag) -> impl Iterator<Item = u64> {
        self.0.iter().filter(move |entry| entry.tag(Endian) == tag).map(|entry| entry.val(Endian))
    }

    /// The table of names. Its last byte is a zero, so that each name in it ends.
    pub(super) fn strings(&self, image: &Image<'data>) -> Result<Strings<'data>, Refusal> {
        let strings = self.one(elf::DT_STRTAB).zip(self.one(elf::DT_STRSZ));
        let strings = strings.and_then(|(address, len)| image.bytes(address, len));
        match strings {
            Some(strings) if strings.last() == Some(&0) => Ok(Strings(strings)),
            Some(_) => Err(corrupt("its table of names does not end with an end mark")),
            None => Err(corrupt("its table of names is not within its segments")),
        }
    }

    /// The names of the libraries that it needs. Refuses what would make the loader look for files that are not the
    /// system's.
    pub(super) fn needs(&self, strings: Strings<'data>) -> Result<Vec<&'data [u8]>, Refusal> {
        let name = |at| strings.name(at).ok_or_else(|| corrupt("a library's name is not in its table of names"));
        let refuse = |name: &[u8], what: &str| {
            let shown: String = String::from_utf8_lossy(name).chars().take(80).collect();
            Err(FaultKind::NativeNeedsLibrary { library: format!("{}{what}", shown.escape_debug()) })
        };
        let mut needs = Vec::new();
        for at in self.all(elf::DT_NEEDED) {
            let name = name(at)?;
            let loader = name.starts_with(b"ld-linux") && !name.contains(&b'/');
            if !loader && !SYSTEM.contains(&name) {
                return refuse(name, "");
            }
            needs.push(name);
        }
        for tag in [elf::DT_RPATH, elf::DT_RUNPATH] {
            if let Some(at) = self.one(tag) {
                return refuse(name(at)?, " (a search path of its own)");
            }
        }
        for tag in [elf::DT_AUDIT, elf::DT_DEPAUDIT, elf::DT_FILTER, elf::DT_AUXILIARY] {
            if let Some(at) = self.one(tag) {
                return refuse(name(at)?, " (in another's place)");
            }
        }
        if let Some(at) = self.one(elf::DT_SONAME) {
            name(at)?;
        }
        Ok(needs)
    }

    /// Refuses entries that contradict each other: the loader takes for granted that a table has a size, and stops the
    /// process if the records are not of the size that it knows.
    pub(super) fn check(&self, image: &Image<'_>) -> Result<(), Refusal> {
        let word = size_of::<usize>() as u64;
        let (rela, rel) = (3 * word, 2 * word);
        for (what, table, size, record, fixed) in [
            ("relocations", elf::DT_RELA, Some(elf::DT_RELASZ), Some(elf::DT_RELAENT), rela),
            ("relocations", elf::DT_REL, Some(elf::DT_RELSZ), Some(elf::DT_RELENT), rel),
            ("packed relocations", elf::DT_RELR, Some(elf::DT_RELRSZ), Some(elf::DT_RELRENT), word),
            ("symbols", elf::DT_SYMTAB, None, Some(elf::DT_SYMENT), size_of::<Symbol>() as u64),
            ("constructors", elf::DT_INIT_ARRAY, Some(elf::DT_INIT_ARRAYSZ), None, word),
            ("destructors", elf::DT_FINI_ARRAY, Some(elf::DT_FINI_ARRAYSZ), None, word),
        ] {
            let address = self.one(table);
            let size = size.map(|size| self.one(size));
            let record = record.map(|record| self.one(record));
            let whole = match (address, size) {
                (Some(address), Some(Some(size))) => size % fixed == 0 && image.bytes(address, size).is_some(),
                (Some(_), None) => true,
                (None, None | Some(None | Some(0))) => true,
                _ => false,
            };
            let known = match record {
                Some(None) => address.is_none(),
                Some(Some(record)) => record == fixed,
                None => true,
            };
            if !whole || !known {
                return Err(corrupt(format!("its table of {what} is not within its segments, or of another size")));
            }
        }
        let (kind, table, size) = (elf::DT_PLTREL, elf::DT_JMPREL, elf::DT_PLTRELSZ);
        let sound = match (self.one(kind), self.one(table), self.one(size)) {
            (None, None, None) => true,
            (Some(kind), Some(address), Some(size)) => {
                let record = if kind == elf::DT_RELA.0 as u64 { rela } else { rel };
                [elf::DT_RELA.0 as u64, elf::DT_REL.0 as u64].contains(&kind)
                    && size % record == 0
                    && image.bytes(address, size).is_some()
            }
            _ => false,
        };
        if !sound {
            return Err(corrupt("its table of calls to other libraries is not within its segments"));
        }
        if self.one(elf::DT_PLTGOT).is_some_and(|address| !image.holds(address)) {
            return Err(corrupt("its table of addresses is not within its segments"));
        }
        if self.one(elf::DT_TEXTREL).is_some() || self.one(elf::DT_FLAGS).unwrap_or(0) & elf::DF_TEXTREL.0 != 0 {
            return Err(corrupt(
                "its code is to be changed while it is loaded (text relocations); compile all of it with -fPIC",
            ));
        }
        let flags = self.one(elf::DT_FLAGS_1).unwrap_or(0);
        if flags & (elf::DF_1_PIE.0 | elf::DF_1_NOOPEN.0) != 0 {
            return Err(corrupt("it is a program, or says that it must not be loaded"));
        }
        Ok(())
    }
}
