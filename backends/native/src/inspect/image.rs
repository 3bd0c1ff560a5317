//! [`Image`]: a library's file as the loader would lay it out in memory. It checks headers against the file's length,
//! so that later look-ups by address cannot leave the file.

use object::{
    NativeEndian as Endian, ReadRef, elf,
    read::elf::{FileHeader, ProgramHeader},
};

use super::{Refusal, corrupt};

#[cfg(target_pointer_width = "64")]
pub(super) type Header = elf::FileHeader64<Endian>;
#[cfg(not(target_pointer_width = "64"))]
pub(super) type Header = elf::FileHeader32<Endian>;
type Segment = <Header as FileHeader>::ProgramHeader;

/// The most program headers that are looked at; linkers write about a dozen.
const MOST_SEGMENTS: usize = 64;
/// The most address space that a library may span, in bytes.
const LARGEST: u64 = 1 << 30;
/// The smallest page of any system; addresses and offsets agree modulo this at least.
const PAGE: u64 = 4096;

/// A part of the file that is mapped: `len` bytes from `offset` at `address`, and zeros behind them up to `end`.
struct Mapped {
    address: u64,
    end: u64,
    offset: u64,
    len: u64,
    executable: bool,
}

/// A library's file as the loader would lay it out in memory.
pub(super) struct Image<'data> {
    bytes: &'data [u8],
    mapped: Vec<Mapped>,
    dynamic: (u64, u64),
    /// The end of the program headers in the file.
    headers_end: usize,
}

impl<'data> Image<'data> {
    /// Checks the program headers.
    pub(super) fn new(bytes: &'data [u8], header: &Header) -> Result<Self, Refusal> {
        let count = usize::from(header.e_phnum(Endian));
        if usize::from(header.e_phentsize(Endian)) != size_of::<Segment>() || !(1..=MOST_SEGMENTS).contains(&count) {
            return Err(corrupt("its program headers are not of a shared library"));
        }
        let table = bytes.read_slice_at::<Segment>(header.e_phoff(Endian), count);
        let table = table.map_err(|()| corrupt("its program headers lie beyond its end"))?;

        let headers_end = header.e_phoff(Endian) as usize + size_of_val(table);
        let mut image = Image { bytes, mapped: Vec::new(), dynamic: (0, 0), headers_end };
        for segment in table {
            let (offset, len) = segment.file_range(Endian);
            let (address, size) = (segment.p_vaddr(Endian), segment.p_memsz(Endian));
            match segment.p_type(Endian) {
                elf::PT_LOAD => image.map(segment)?,
                elf::PT_DYNAMIC if image.dynamic != (0, 0) => return Err(corrupt("it has two dynamic segments")),
                elf::PT_DYNAMIC => image.dynamic = (address, len),
                elf::PT_INTERP => return Err(corrupt("it is a program, not a library")),
                elf::PT_TLS if len > size || size > LARGEST || !within(offset, len, bytes.len() as u64) => {
                    return Err(corrupt("its thread-local segment lies beyond its end"));
                }
                elf::PT_GNU_STACK if segment.p_flags(Endian).contains(elf::PF_X) => {
                    return Err(corrupt("it asks for an executable stack, which the process shall not have"));
                }
                _ => {}
            }
        }
        if image.mapped.is_empty() {
            return Err(corrupt("it maps nothing"));
        }
        Ok(image)
    }

    fn map(&mut self, segment: &Segment) -> Result<(), Refusal> {
        let (offset, len) = segment.file_range(Endian);
        let (address, size) = (segment.p_vaddr(Endian), segment.p_memsz(Endian));
        if !within(offset, len, self.bytes.len() as u64) {
            return Err(corrupt("a segment lies beyond its end (a truncated file?)"));
        }
        let align = segment.p_align(Endian).max(PAGE);
        let end = address.checked_add(size).filter(|end| *end <= LARGEST);
        // The loader reserves the span from the first segment to the last: it trusts that they ascend.
        let above = self.mapped.last().map_or(0, |last| last.end);
        match end {
            Some(end)
                if len <= size
                    && address >= above
                    && align.is_power_of_two()
                    && align <= LARGEST
                    && offset % PAGE == address % PAGE =>
            {
                let executable = segment.p_flags(Endian).contains(elf::PF_X);
                self.mapped.push(Mapped { address, end, offset, len, executable });
                Ok(())
            }
            _ => Err(corrupt("a segment's addresses make no sense")),
        }
    }

    /// The file up to the last byte that is mapped or that says what is.
    pub(super) fn loaded_part(&self) -> &'data [u8] {
        let ends = self.mapped.iter().map(|mapped| (mapped.offset + mapped.len) as usize);
        let end = ends.fold(self.headers_end, usize::max);
        self.bytes.get(..end).unwrap_or(self.bytes)
    }

    /// The entries of the dynamic segment up to its end mark.
    pub(super) fn dynamic(&self) -> Result<&'data [<Header as FileHeader>::Dyn], Refusal> {
        use object::read::elf::Dyn;

        let (address, len) = self.dynamic;
        let count = len as usize / size_of::<<Header as FileHeader>::Dyn>();
        let entries: &[<Header as FileHeader>::Dyn] =
            self.array(address, count).ok_or_else(|| corrupt("its dynamic segment lies beyond its end"))?;
        let end = entries.iter().position(|entry| entry.tag(Endian) == elf::DT_NULL);
        end.map(|end| &entries[..end]).ok_or_else(|| corrupt("its dynamic segment does not end"))
    }

    /// The bytes of the file from `address` to the end of its segment.
    pub(super) fn from(&self, address: u64) -> Option<&'data [u8]> {
        let mapped =
            self.mapped.iter().find(|mapped| (mapped.address..mapped.address + mapped.len).contains(&address))?;
        let skip = address - mapped.address;
        self.bytes.get((mapped.offset + skip) as usize..(mapped.offset + mapped.len) as usize)
    }

    /// The `len` bytes of the file at `address`.
    pub(super) fn bytes(&self, address: u64, len: u64) -> Option<&'data [u8]> {
        self.from(address)?.get(..usize::try_from(len).ok()?)
    }

    /// The `count` records of the file at `address`.
    pub(super) fn array<T: object::Pod>(&self, address: u64, count: usize) -> Option<&'data [T]> {
        self.from(address)?.read_slice_at(0, count).ok()
    }

    /// Whether code may lie at `address`.
    pub(super) fn is_code(&self, address: u64) -> bool {
        let inside = |mapped: &Mapped| (mapped.address..mapped.address + mapped.len).contains(&address);
        self.mapped.iter().any(|mapped| mapped.executable && inside(mapped))
    }
}

fn within(offset: u64, len: u64, end: u64) -> bool {
    offset.checked_add(len).is_some_and(|last| last <= end)
}
