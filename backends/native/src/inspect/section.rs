//! Section headers: the loader does not read them, so they may be missing. If they are there, they are a second
//! description of what is mapped, and a segment that was retyped or has lost a right contradicts them.

use std::ops::Range;

use object::{
    NativeEndian as Endian, ReadRef, elf,
    read::elf::{FileHeader, SectionHeader},
};

use super::{
    Refusal, corrupt,
    image::{Header, Part},
};

type Section = <Header as FileHeader>::SectionHeader;

/// Refuses sections that belong into memory and are not mapped with the rights that they need. Gives the addresses of
/// those that are code, from the first to behind the last: beside code, its segment may have tables.
pub(super) fn check(bytes: &[u8], header: &Header, mapped: &[Part]) -> Result<Vec<Range<u64>>, Refusal> {
    let count = usize::from(header.e_shnum(Endian));
    #[allow(clippy::useless_conversion, reason = "the field is narrower in 32-bit files")]
    let start: u64 = header.e_shoff(Endian).into();
    if start == 0 || usize::from(header.e_shentsize(Endian)) != size_of::<Section>() {
        return Ok(Vec::new());
    }
    let Ok(sections) = bytes.read_slice_at::<Section>(start, count) else { return Ok(Vec::new()) };
    match sections.iter().position(|section| !is_mapped(section, mapped)) {
        Some(number) => Err(corrupt(format!("its section {number} is not mapped as the program headers say"))),
        None => Ok(sections.iter().filter_map(code).collect()),
    }
}

/// The addresses of `section`, if it is code.
#[allow(clippy::useless_conversion, reason = "the fields are narrower in 32-bit files")]
fn code(section: &Section) -> Option<Range<u64>> {
    let (flags, executable): (u64, u64) = (section.sh_flags(Endian).0.into(), elf::SHF_EXECINSTR.0.into());
    let (address, size): (u64, u64) = (section.sh_addr(Endian).into(), section.sh_size(Endian).into());
    (flags & executable != 0).then(|| address..address.saturating_add(size))
}

#[allow(clippy::useless_conversion, reason = "the fields are narrower in 32-bit files")]
fn is_mapped(section: &Section, mapped: &[Part]) -> bool {
    let flags: u64 = section.sh_flags(Endian).0.into();
    let has = |flag: elf::SectionFlags| {
        let flag: u64 = flag.0.into();
        flags & flag != 0
    };
    let (address, size): (u64, u64) = (section.sh_addr(Endian).into(), section.sh_size(Endian).into());
    let offset: u64 = section.sh_offset(Endian).into();
    let zeros = section.sh_type(Endian) == elf::SHT_NOBITS;
    // Zeros of a thread take no room in the image.
    if !has(elf::SHF_ALLOC) || size == 0 || zeros && has(elf::SHF_TLS) {
        return true;
    }
    mapped.iter().any(|part| {
        let skip = address.wrapping_sub(part.address);
        let inside = address >= part.address && skip.checked_add(size).is_some_and(|end| end <= part.size);
        let stored = zeros || offset.wrapping_sub(part.offset) == skip && skip.saturating_add(size) <= part.len;
        inside
            && stored
            && (!has(elf::SHF_WRITE) || part.is(elf::PF_W))
            && (!has(elf::SHF_EXECINSTR) || part.is(elf::PF_X))
    })
}
