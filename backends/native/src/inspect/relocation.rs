//! Relocations: the loader writes addresses into the image, where and whatever these tables say, and calls some. Each
//! must hit memory that the library itself has for writing, once, with a symbol that is there.

use object::{
    NativeEndian as Endian, elf,
    read::elf::{FileHeader, Rel, Rela, Sym},
};

use super::{
    Refusal, corrupt,
    dynamic::Dynamic,
    image::{Header, Image},
    symbol::{Symbols, value},
    unwind::Functions,
};

type WithAddend = <Header as FileHeader>::Rela;
type Without = <Header as FileHeader>::Rel;

/// Bytes of an address.
const WORD: u64 = size_of::<usize>() as u64;

/// What a relocation writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Nothing,
    /// An address of the image.
    Relative,
    /// The address of a symbol.
    Address,
    /// The address of a function.
    Function,
    /// What a function of the library returns, which the loader calls.
    Indirect,
    /// The number of the library that has a thread-local symbol.
    TlsModule,
    /// Where a thread-local symbol is in its library's data, or from the thread's own pointer.
    TlsOffset,
    /// Two words: how to find a thread-local symbol.
    TlsDescriptor,
    /// The size of a symbol.
    Size,
}

/// The kind of a relocation of this machine; `None` for what the loader refuses, and for what shared libraries do not
/// have: copies of symbols, and distances that need not fit.
fn kind(number: elf::RelocationType) -> Option<Kind> {
    use Kind::*;

    let known: &[(elf::RelocationType, Kind)] = if cfg!(target_arch = "x86_64") {
        &[
            (elf::R_X86_64_NONE, Nothing),
            (elf::R_X86_64_64, Address),
            (elf::R_X86_64_GLOB_DAT, Address),
            (elf::R_X86_64_JUMP_SLOT, Function),
            (elf::R_X86_64_RELATIVE, Relative),
            (elf::R_X86_64_IRELATIVE, Indirect),
            (elf::R_X86_64_DTPMOD64, TlsModule),
            (elf::R_X86_64_DTPOFF64, TlsOffset),
            (elf::R_X86_64_TPOFF64, TlsOffset),
            (elf::R_X86_64_TLSDESC, TlsDescriptor),
            (elf::R_X86_64_SIZE64, Size),
        ]
    } else if cfg!(target_arch = "aarch64") {
        &[
            (elf::R_AARCH64_NONE, Nothing),
            (elf::R_AARCH64_ABS64, Address),
            (elf::R_AARCH64_GLOB_DAT, Address),
            (elf::R_AARCH64_JUMP_SLOT, Function),
            (elf::R_AARCH64_RELATIVE, Relative),
            (elf::R_AARCH64_IRELATIVE, Indirect),
            (elf::R_AARCH64_TLS_DTPMOD, TlsModule),
            (elf::R_AARCH64_TLS_DTPREL, TlsOffset),
            (elf::R_AARCH64_TLS_TPREL, TlsOffset),
            (elf::R_AARCH64_TLSDESC, TlsDescriptor),
        ]
    } else if cfg!(target_arch = "x86") {
        &[
            (elf::R_386_NONE, Nothing),
            (elf::R_386_32, Address),
            (elf::R_386_GLOB_DAT, Address),
            (elf::R_386_JMP_SLOT, Function),
            (elf::R_386_RELATIVE, Relative),
            (elf::R_386_IRELATIVE, Indirect),
            (elf::R_386_TLS_DTPMOD32, TlsModule),
            (elf::R_386_TLS_DTPOFF32, TlsOffset),
            (elf::R_386_TLS_TPOFF32, TlsOffset),
            (elf::R_386_TLS_TPOFF, TlsOffset),
            (elf::R_386_TLS_DESC, TlsDescriptor),
            (elf::R_386_SIZE32, Size),
        ]
    } else if cfg!(target_arch = "arm") {
        &[
            (elf::R_ARM_NONE, Nothing),
            (elf::R_ARM_ABS32, Address),
            (elf::R_ARM_GLOB_DAT, Address),
            (elf::R_ARM_JUMP_SLOT, Function),
            (elf::R_ARM_RELATIVE, Relative),
            (elf::R_ARM_IRELATIVE, Indirect),
            (elf::R_ARM_TLS_DTPMOD32, TlsModule),
            (elf::R_ARM_TLS_DTPOFF32, TlsOffset),
            (elf::R_ARM_TLS_TPOFF32, TlsOffset),
            (elf::R_ARM_TLS_DESC, TlsDescriptor),
        ]
    } else {
        &[
            (elf::R_RISCV_NONE, Nothing),
            (if WORD == 8 { elf::R_RISCV_64 } else { elf::R_RISCV_32 }, Address),
            (elf::R_RISCV_JUMP_SLOT, Function),
            (elf::R_RISCV_RELATIVE, Relative),
            (elf::R_RISCV_IRELATIVE, Indirect),
            (if WORD == 8 { elf::R_RISCV_TLS_DTPMOD64 } else { elf::R_RISCV_TLS_DTPMOD32 }, TlsModule),
            (if WORD == 8 { elf::R_RISCV_TLS_DTPREL64 } else { elf::R_RISCV_TLS_DTPREL32 }, TlsOffset),
            (if WORD == 8 { elf::R_RISCV_TLS_TPREL64 } else { elf::R_RISCV_TLS_TPREL32 }, TlsOffset),
        ]
    };
    known.iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind)
}

/// One relocation, of either form.
#[derive(Clone, Copy)]
struct Entry {
    target: u64,
    number: elf::RelocationType,
    symbol: usize,
    /// In files whose records have none it stands at the target.
    addend: Option<i64>,
}

/// A word that a relocation fills, and the address in the image that it gets; `None` for another library's.
struct Filled {
    at: u64,
    len: u64,
    with: Option<u64>,
}

/// What is known while relocations are read.
pub(super) struct Relocations<'a, 'data> {
    image: &'a Image<'data>,
    dynamic: &'a Dynamic<'data>,
    symbols: &'a Symbols<'data>,
    functions: &'a Functions<'a, 'data>,
    filled: Vec<Filled>,
    /// By symbol: whether a relocation asks for it.
    used: Vec<bool>,
}

impl<'a, 'data> Relocations<'a, 'data> {
    /// Checks all relocations of `image`, and what is called when it is loaded and at the process's end.
    pub(super) fn check(
        image: &'a Image<'data>,
        dynamic: &'a Dynamic<'data>,
        symbols: &'a Symbols<'data>,
        functions: &'a Functions<'a, 'data>,
    ) -> Result<Self, Refusal> {
        let used = vec![false; symbols.table.len()];
        let mut all = Relocations { image, dynamic, symbols, functions, filled: Vec::new(), used };
        all.read_packed()?;
        let calls = dynamic.one(elf::DT_JMPREL).zip(dynamic.one(elf::DT_PLTRELSZ));
        let mut calls = calls.map(|(at, len)| (at, len, dynamic.one(elf::DT_PLTREL) == Some(elf::DT_RELA.0 as u64)));
        for (table, size, count, with_addend) in [
            (elf::DT_RELA, elf::DT_RELASZ, elf::DT_RELACOUNT, true),
            (elf::DT_REL, elf::DT_RELSZ, elf::DT_RELCOUNT, false),
        ] {
            let (Some(at), Some(len)) = (dynamic.one(table), dynamic.one(size)) else { continue };
            // Some linkers count the calls among the rest.
            if calls.is_some_and(|(start, size, kind)| kind == with_addend && start >= at && start + size == at + len) {
                calls = None;
            }
            all.read(at, len, with_addend, dynamic.one(count).unwrap_or(0))?;
        }
        if let Some((at, len, with_addend)) = calls {
            all.read(at, len, with_addend, 0)?;
        }
        all.filled.sort_unstable_by_key(|filled| filled.at);
        if all.filled.windows(2).any(|pair| pair[0].at + pair[0].len > pair[1].at) {
            return Err(corrupt("two of its relocations write to one place"));
        }
        for (table, size, what) in [
            (elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ, "constructor"),
            (elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ, "destructor"),
        ] {
            let (at, len) = (dynamic.one(table).unwrap_or(0), dynamic.one(size).unwrap_or(0));
            if !(0..len / WORD).all(|slot| all.is_function_at(at.saturating_add(slot * WORD))) {
                return Err(corrupt(format!("a {what} of it is not code")));
            }
        }
        for (tag, what) in [(elf::DT_INIT, "constructor"), (elf::DT_FINI, "destructor")] {
            if dynamic.one(tag).is_some_and(|address| !functions.may_begin(address)) {
                return Err(corrupt(format!("its {what} is not code")));
            }
        }
        Ok(all)
    }

    /// The names that other libraries must define.
    pub(super) fn undefined(&self) -> Vec<&'data [u8]> {
        let used = self.symbols.table.iter().zip(&self.used).skip(1).filter(|(_, used)| **used);
        let missing = used
            .map(|(symbol, _)| symbol)
            .filter(|symbol| symbol.st_shndx(Endian) == elf::SHN_UNDEF && symbol.st_bind() != elf::STB_WEAK);
        missing.filter_map(|symbol| self.symbols.name(symbol)).collect()
    }

    fn read(&mut self, at: u64, len: u64, with_addend: bool, relative: u64) -> Result<(), Refusal> {
        let damaged = || corrupt("its relocations are not within its segments");
        let check = |all: &mut Self, place: usize, entry: Entry| {
            // As many, from the first on, the loader takes for this kind without a look.
            let must_be_relative = (place as u64) < relative;
            match all.fill(entry) {
                Some(kind) if !must_be_relative || kind == Kind::Relative => Ok(()),
                _ => Err(corrupt(format!(
                    "its relocation {place} of type {} at {:#x} is damaged, or not for shared libraries",
                    entry.number.0, entry.target
                ))),
            }
        };
        #[allow(clippy::useless_conversion, reason = "the fields are narrower in 32-bit files")]
        if with_addend {
            let count = len as usize / size_of::<WithAddend>();
            for (place, entry) in self.image.array::<WithAddend>(at, count).ok_or_else(damaged)?.iter().enumerate() {
                let entry = Entry {
                    target: entry.r_offset(Endian).into(),
                    number: entry.r_type(Endian, false),
                    symbol: entry.r_sym(Endian, false) as usize,
                    addend: Some(entry.r_addend(Endian).into()),
                };
                check(self, place, entry)?;
            }
        } else {
            let count = len as usize / size_of::<Without>();
            for (place, entry) in self.image.array::<Without>(at, count).ok_or_else(damaged)?.iter().enumerate() {
                let (target, symbol) = (entry.r_offset(Endian).into(), entry.r_sym(Endian) as usize);
                check(self, place, Entry { target, number: entry.r_type(Endian), symbol, addend: None })?;
            }
        }
        Ok(())
    }

    /// The relative relocations in packed form: an even word is an address, an odd one says by its bits which of the
    /// words behind that follow.
    fn read_packed(&mut self) -> Result<(), Refusal> {
        let table = self.dynamic.one(elf::DT_RELR).zip(self.dynamic.one(elf::DT_RELRSZ));
        let Some((at, len)) = table else { return Ok(()) };
        let damaged = || corrupt("its packed relocations are damaged");
        let bytes = self.image.bytes(at, len).ok_or_else(damaged)?;
        let mut at = None;
        for word in bytes.chunks_exact(size_of::<usize>()) {
            let word = word.first_chunk().map_or(0, |word| usize::from_ne_bytes(*word) as u64);
            if word & 1 == 0 {
                self.fill_relative(word).ok_or_else(damaged)?;
                at = word.checked_add(WORD);
                continue;
            }
            let start = at.ok_or_else(damaged)?;
            for bit in (1..8 * WORD).filter(|bit| word >> bit & 1 == 1) {
                let target = start.checked_add((bit - 1) * WORD).ok_or_else(damaged)?;
                self.fill_relative(target).ok_or_else(damaged)?;
            }
            at = start.checked_add((8 * WORD - 1) * WORD);
        }
        Ok(())
    }

    /// A relative relocation whose addend stands at its target.
    fn fill_relative(&mut self, at: u64) -> Option<()> {
        let with = self.stored(at)?;
        (at.is_multiple_of(WORD) && self.takes(at, WORD) && self.image.holds(with)).then_some(())?;
        self.filled.push(Filled { at, len: WORD, with: Some(with) });
        Some(())
    }

    /// The word that the file has at `at`.
    fn stored(&self, at: u64) -> Option<u64> {
        let word = self.image.bytes(at, WORD)?.first_chunk()?;
        Some(usize::from_ne_bytes(*word) as u64)
    }

    /// Whether the `len` bytes at `at` may be written by a relocation.
    fn takes(&self, at: u64, len: u64) -> bool {
        self.image.is_writable(at, len) && !self.image.is_dynamic(at, len)
    }

    /// Checks `entry` and notes what it fills; its kind, or `None` if the loader must not see it.
    fn fill(&mut self, entry: Entry) -> Option<Kind> {
        let kind = kind(entry.number)?;
        // The loader looks the symbol up in its table, whatever the kind.
        let symbol = self.symbols.table.get(entry.symbol)?;
        let len = match kind {
            Kind::Nothing => return Some(kind),
            Kind::TlsDescriptor => 2 * WORD,
            _ => WORD,
        };
        if !self.takes(entry.target, len) {
            return None;
        }
        let addend = match entry.addend {
            Some(addend) => addend,
            None => self.stored(entry.target)?.cast_signed(),
        };
        let at_addend = u64::try_from(addend).ok();
        let is_defined = symbol.st_shndx(Endian) != elf::SHN_UNDEF;
        let sum = || value(symbol).checked_add_signed(addend);
        let with = match kind {
            Kind::Nothing | Kind::Size => None,
            Kind::Relative => Some(at_addend.filter(|address| entry.symbol == 0 && self.image.holds(*address))?),
            Kind::Indirect => {
                at_addend.filter(|address| entry.symbol == 0 && self.functions.may_begin(*address))?;
                None
            }
            Kind::Address if entry.symbol == 0 => Some(at_addend.filter(|address| self.image.holds(*address))?),
            Kind::Address | Kind::Function => {
                let kind_of = symbol.st_type();
                let callable = matches!(kind_of, elf::STT_FUNC | elf::STT_NOTYPE | elf::STT_GNU_IFUNC);
                if kind_of == elf::STT_TLS || kind == Kind::Function && (entry.symbol == 0 || !callable) {
                    return None;
                }
                let is_here = is_defined && symbol.st_shndx(Endian) != elf::SHN_ABS;
                if is_here { Some(sum().filter(|address| self.image.holds(*address))?) } else { None }
            }
            Kind::TlsModule | Kind::TlsOffset | Kind::TlsDescriptor => {
                let is_own = entry.symbol == 0 || is_defined;
                if entry.symbol != 0 && symbol.st_type() != elf::STT_TLS {
                    return None;
                }
                // The number of the library alone has no offset.
                let offset = if kind == Kind::TlsModule { Some(0) } else { sum() };
                if is_own && self.image.tls.is_none_or(|tls| offset.is_none_or(|offset| offset > tls.size)) {
                    return None;
                }
                None
            }
        };
        if let Some(used) = self.used.get_mut(entry.symbol) {
            *used = true;
        }
        self.filled.push(Filled { at: entry.target, len, with });
        Some(kind)
    }

    /// Whether the word at `at` is filled with a function's address.
    fn is_function_at(&self, at: u64) -> bool {
        let found = self.filled.binary_search_by_key(&at, |filled| filled.at).ok();
        let filled = found.and_then(|found| self.filled.get(found));
        filled.is_some_and(|filled| filled.with.is_none_or(|address| self.functions.may_begin(address)))
    }
}
