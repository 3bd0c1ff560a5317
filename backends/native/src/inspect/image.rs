//! [`Image`]: a library's file as the loader would lay it out in memory. It checks the program headers against the file
//! and against each other, so that later look-ups by address cannot leave the file.

use std::ops::Range;

use object::{
    NativeEndian as Endian, ReadRef, elf,
    read::elf::{FileHeader, ProgramHeader},
};

use super::{Refusal, corrupt, note, section};

#[cfg(target_pointer_width = "64")]
pub(super) type Header = elf::FileHeader64<Endian>;
#[cfg(not(target_pointer_width = "64"))]
pub(super) type Header = elf::FileHeader32<Endian>;
type Segment = <Header as FileHeader>::ProgramHeader;

/// The maximum number of program headers; linkers write about a dozen.
const MOST_SEGMENTS: usize = 64;
/// The maximum address space that a library may span, in bytes.
const LARGEST: u64 = 1 << 30;
/// The maximum size of a thread's own data, in bytes: each thread that touches it gets as much.
const LARGEST_TLS: u64 = 16 << 20;
/// The maximum alignment of a thread's own data, in bytes.
const LARGEST_TLS_ALIGN: u64 = 64 << 10;

/// Bytes of a page, the grain of all mapping.
pub(super) fn page() -> u64 {
    #[cfg(target_os = "linux")]
    return rustix::param::page_size() as u64;
    #[cfg(not(target_os = "linux"))]
    4096
}

/// A program header's fields.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Its number, for messages.
    pub(super) number: usize,
    pub(super) address: u64,
    /// Bytes in memory.
    pub(super) size: u64,
    pub(super) offset: u64,
    /// Bytes in the file.
    pub(super) len: u64,
    pub(super) align: u64,
    flags: elf::ProgramFlags,
}

impl Part {
    fn new(number: usize, segment: &Segment) -> Self {
        let (offset, len) = segment.file_range(Endian);
        let (address, size) = (segment.p_vaddr(Endian), segment.p_memsz(Endian));
        let (align, flags) = (segment.p_align(Endian), segment.p_flags(Endian));
        #[allow(clippy::useless_conversion, reason = "the fields are narrower in 32-bit files")]
        Part { number, address: address.into(), size: size.into(), offset, len, align: align.into(), flags }
    }

    fn refuse(&self, why: &str) -> Refusal {
        corrupt(format!("its program header {} {why}", self.number))
    }

    pub(super) fn is(&self, flag: elf::ProgramFlags) -> bool {
        self.flags.contains(flag)
    }

    /// The end in memory. It cannot overflow: [`Image::map`] has checked it.
    pub(super) fn end(&self) -> u64 {
        self.address.saturating_add(self.size)
    }

    /// Whether the file has the byte for `address`.
    fn stores(&self, address: u64) -> bool {
        (self.address..self.address.saturating_add(self.len)).contains(&address)
    }

    /// Whether `inner`, of which the file has `len` bytes, is a part of this: at the same place in file and memory.
    fn encloses(&self, inner: &Part) -> bool {
        let skip = inner.address.checked_sub(self.address);
        skip.is_some()
            && skip == inner.offset.checked_sub(self.offset)
            && skip.and_then(|skip| skip.checked_add(inner.len)).is_some_and(|end| end <= self.len)
    }
}

/// A library's file as the loader would lay it out in memory.
pub(super) struct Image<'data> {
    bytes: &'data [u8],
    /// What is mapped, in ascending order.
    mapped: Vec<Part>,
    dynamic: Option<Part>,
    /// The initial data of a thread, and how much it has in all.
    pub(super) tls: Option<Part>,
    /// The table by which the unwinder finds functions.
    pub(super) unwind: Option<Part>,
    /// Where code is, if section headers say so.
    code: Vec<Range<u64>>,
    /// The end of the program headers in the file.
    headers_end: usize,
}

impl<'data> Image<'data> {
    /// Checks the program headers.
    pub(super) fn new(bytes: &'data [u8], header: &Header) -> Result<Self, Refusal> {
        let count = usize::from(header.e_phnum(Endian));
        if usize::from(header.e_phentsize(Endian)) != size_of::<Segment>() || !(1..=MOST_SEGMENTS).contains(&count) {
            return Err(corrupt("its program headers are not those of a shared library"));
        }
        #[allow(clippy::useless_conversion, reason = "the field is narrower in 32-bit files")]
        let start: u64 = header.e_phoff(Endian).into();
        let table = bytes.read_slice_at::<Segment>(start, count);
        let table = table.map_err(|()| corrupt("its program headers are beyond its end"))?;

        let headers_end = start as usize + size_of_val(table);
        let mut image =
            Image { bytes, mapped: Vec::new(), dynamic: None, tls: None, unwind: None, code: Vec::new(), headers_end };
        let (mut stack, mut relro, mut own, mut notes) = (None, None, None, Vec::new());
        for (number, segment) in table.iter().enumerate() {
            let part = Part::new(number, segment);
            let single = match segment.p_type(Endian) {
                elf::PT_LOAD => {
                    image.map(part)?;
                    continue;
                }
                elf::PT_INTERP => return Err(corrupt("it is a program, not a library")),
                elf::PT_NOTE | elf::PT_GNU_PROPERTY => {
                    notes.push(part);
                    continue;
                }
                elf::PT_DYNAMIC => &mut image.dynamic,
                elf::PT_TLS => &mut image.tls,
                elf::PT_GNU_EH_FRAME => &mut image.unwind,
                elf::PT_GNU_STACK => &mut stack,
                elf::PT_GNU_RELRO => &mut relro,
                elf::PT_PHDR => &mut own,
                _ => continue,
            };
            if single.replace(part).is_some() {
                return Err(part.refuse("is of a kind of which there may be one"));
            }
        }
        if image.mapped.is_empty() {
            return Err(corrupt("it maps nothing"));
        }
        // Where nothing is said, the loader makes the stacks of the whole process executable.
        if stack.is_none_or(|stack| stack.is(elf::PF_X)) {
            return Err(corrupt("it asks for an executable stack, which the process shall not have"));
        }
        if let Some(own) = own
            && (own.offset != start || own.size < size_of_val(table) as u64 || image.holder(&own, own.size).is_none())
        {
            return Err(own.refuse("does not describe the program headers"));
        }
        if let Some(unwind) = image.unwind
            && (unwind.len < 4 || image.holder(&unwind, unwind.len).is_none())
        {
            return Err(unwind.refuse("has its unwind table outside of what is mapped"));
        }
        image.check_tls()?;
        if let Some(relro) = relro {
            image.check_relro(&relro)?;
        }
        for part in notes {
            let data = image.holder(&part, part.size).and_then(|_| image.bytes(part.address, part.size));
            data.filter(|data| note::is_sound(data, part.align)).ok_or_else(|| part.refuse("has damaged notes"))?;
        }
        image.check_gaps()?;
        image.code = section::check(bytes, header, &image.mapped)?;
        Ok(image)
    }

    fn map(&mut self, part: Part) -> Result<(), Refusal> {
        let page = page();
        if part.offset.checked_add(part.len).is_none_or(|end| end > self.bytes.len() as u64) {
            return Err(part.refuse("maps a segment beyond the end of the file (a truncated file?)"));
        }
        if part.len > part.size || part.address.checked_add(part.size).is_none_or(|end| end > LARGEST) {
            return Err(part.refuse("maps a segment whose size makes no sense"));
        }
        let align = part.align.max(page);
        let skew = part.address.wrapping_sub(part.offset);
        if !align.is_power_of_two() || !part.align.is_multiple_of(page) || align > LARGEST || skew & (align - 1) != 0 {
            return Err(part.refuse("maps a segment that is not aligned"));
        }
        // Two segments in one page would have each other's bytes, and rights.
        let above = self.mapped.last().map_or(0, |last| last.end().next_multiple_of(page));
        if part.address / page * page < above {
            return Err(part.refuse("maps a segment over another, or below it"));
        }
        let (readable, writable) = (part.is(elf::PF_R), part.is(elf::PF_W));
        if writable && part.is(elf::PF_X) {
            return Err(part.refuse("maps a segment that is both writable and executable"));
        }
        if !readable || part.size > part.len && !writable {
            return Err(
                part.refuse("maps a segment that cannot be read, or that begins as zeros and cannot be written")
            );
        }
        self.mapped.push(part);
        Ok(())
    }

    /// The segment that has all `size` bytes of `part` from the file.
    fn holder(&self, part: &Part, size: u64) -> Option<&Part> {
        let whole = Part { len: size, ..*part };
        self.mapped.iter().find(|mapped| mapped.encloses(&whole))
    }

    /// A thread's data is copied from the image when a thread first touches it.
    fn check_tls(&self) -> Result<(), Refusal> {
        let Some(tls) = self.tls else { return Ok(()) };
        let align = tls.align.max(1);
        let stored = tls.len == 0 || self.holder(&tls, tls.len).is_some();
        let sizes = tls.len <= tls.size && tls.size <= LARGEST_TLS;
        let aligned = align.is_power_of_two() && align <= LARGEST_TLS_ALIGN;
        if stored && sizes && aligned { Ok(()) } else { Err(tls.refuse("has thread-local data that makes no sense")) }
    }

    /// What is made read-only after relocation must be a part of one segment: the loader takes the right to write from
    /// whatever memory is there.
    fn check_relro(&self, relro: &Part) -> Result<(), Refusal> {
        let page = page();
        let fits = |mapped: &&Part| {
            let start = Part { len: 0, ..*relro };
            let end = relro.address.saturating_add(relro.size);
            // Beyond what the file has of it, only padding up to the next page.
            let padding = relro.size.wrapping_sub(relro.len);
            mapped.is(elf::PF_W)
                && mapped.encloses(&start)
                && end / page * page <= mapped.end().next_multiple_of(page)
                && (padding == 0 || padding < mapped.align.max(page))
        };
        match relro.size == 0 || self.mapped.iter().find(fits).is_some() {
            true => Ok(()),
            false => Err(relro.refuse("makes memory read-only that is not in its writable segments")),
        }
    }

    /// Refuses a file that has something between two segments where the addresses leave room for it: a segment is
    /// missing.
    fn check_gaps(&self) -> Result<(), Refusal> {
        let page = page();
        for pair in self.mapped.windows(2) {
            let (low, high) = (&pair[0], &pair[1]);
            let (from, to) = ((low.offset + low.len).next_multiple_of(page), high.offset / page * page);
            let room = low.end().next_multiple_of(page) < high.address / page * page;
            let between = self.bytes.get(from as usize..to as usize).unwrap_or_default();
            if room && between.iter().any(|byte| *byte != 0) {
                return Err(corrupt("a part of it that is between two segments is not mapped"));
            }
        }
        Ok(())
    }

    /// The file up to the last byte that is mapped or that says what is.
    pub(super) fn loaded_part(&self) -> &'data [u8] {
        let ends = self.mapped.iter().map(|mapped| (mapped.offset + mapped.len) as usize);
        let end = ends.fold(self.headers_end, usize::max);
        self.bytes.get(..end).unwrap_or(self.bytes)
    }

    /// The entries of the dynamic segment up to its end mark. The loader writes into it.
    pub(super) fn dynamic(&self) -> Result<&'data [<Header as FileHeader>::Dyn], Refusal> {
        use object::read::elf::Dyn;

        let Some(dynamic) = self.dynamic else { return Err(corrupt("it has no dynamic segment")) };
        let holder = self.holder(&dynamic, dynamic.len).filter(|holder| holder.is(elf::PF_W));
        let count = dynamic.len as usize / size_of::<<Header as FileHeader>::Dyn>();
        let entries: Option<&[<Header as FileHeader>::Dyn]> = holder.and_then(|_| self.array(dynamic.address, count));
        let entries = entries.ok_or_else(|| dynamic.refuse("has no dynamic segment in its writable segments"))?;
        let end = entries.iter().position(|entry| entry.tag(Endian) == elf::DT_NULL);
        end.map(|end| &entries[..end]).ok_or_else(|| dynamic.refuse("is a dynamic segment without an end"))
    }

    /// Whether the `len` bytes at `address` touch the dynamic segment.
    pub(super) fn is_dynamic(&self, address: u64, len: u64) -> bool {
        let apart = |part: Part| address.saturating_add(len) <= part.address || part.end() <= address;
        !self.dynamic.is_none_or(apart)
    }

    /// The bytes of the file from `address` to the end of its segment.
    pub(super) fn from(&self, address: u64) -> Option<&'data [u8]> {
        let mapped = self.mapped.iter().find(|mapped| mapped.stores(address))?;
        let skip = address - mapped.address;
        self.bytes.get((mapped.offset + skip) as usize..(mapped.offset + mapped.len) as usize)
    }

    /// The `len` bytes of the file at `address`.
    pub(super) fn bytes(&self, address: u64, len: u64) -> Option<&'data [u8]> {
        if len == 0 {
            return Some(&[]);
        }
        self.from(address)?.get(..usize::try_from(len).ok()?)
    }

    /// The `count` records of the file at `address`.
    pub(super) fn array<T: object::Pod>(&self, address: u64, count: usize) -> Option<&'data [T]> {
        if count == 0 {
            return Some(&[]);
        }
        self.from(address)?.read_slice_at(0, count).ok()
    }

    /// Whether code may be at `address`.
    pub(super) fn is_code(&self, address: u64) -> bool {
        self.mapped.iter().any(|mapped| mapped.is(elf::PF_X) && mapped.stores(address))
    }

    /// Whether a function may begin at `address`.
    pub(super) fn is_entry(&self, address: u64) -> bool {
        self.is_code(address) && (self.code.is_empty() || self.code.iter().any(|code| code.contains(&address)))
    }

    /// Whether the `len` bytes at `address` can be written.
    pub(super) fn is_writable(&self, address: u64, len: u64) -> bool {
        let Some(end) = address.checked_add(len) else { return false };
        let inside = |mapped: &Part| mapped.is(elf::PF_W) && mapped.address <= address && end <= mapped.end();
        self.mapped.iter().any(inside)
    }

    /// Whether `address` is in the library's memory, or just behind it.
    pub(super) fn holds(&self, address: u64) -> bool {
        let page = page();
        let inside =
            |mapped: &Part| (mapped.address / page * page..=mapped.end().next_multiple_of(page)).contains(&address);
        self.mapped.iter().any(inside)
    }
}
