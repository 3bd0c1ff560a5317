//! Reads a library's bytes before the loader sees them, because the loader trusts them: constructors run inside
//! `dlopen`, before a missing entry symbol can be noticed, and a truncated file ends the process there. It checks the
//! headers, what else would be loaded, and that the entry symbol is there.
//!
//! It does not vouch for the code, nor for relocations: whether the bytes are the vendor's is the signature's business,
//! settled before a backend gets them.

mod image;
mod symbol;

use modhost_abi::vtable::ENTRY;
use modhost_backend::{Fault, FaultKind};
use object::{
    NativeEndian as Endian, ReadRef, elf,
    read::elf::{Dyn, FileHeader},
};

use image::{Header, Image};
use symbol::Symbols;

/// The libraries of the system that a plugin may need. They are there already or belong to the compiler's runtime; any
/// other name would be looked up in paths that nobody vetted.
const SYSTEM: [&[u8]; 7] =
    [b"libc.so.6", b"libm.so.6", b"libgcc_s.so.1", b"libpthread.so.0", b"libdl.so.2", b"librt.so.1", b"libstdc++.so.6"];

/// The machine that this program runs on.
const HERE: Option<elf::Machine> = if cfg!(target_arch = "x86_64") {
    Some(elf::EM_X86_64)
} else if cfg!(target_arch = "aarch64") {
    Some(elf::EM_AARCH64)
} else if cfg!(target_arch = "x86") {
    Some(elf::EM_386)
} else if cfg!(target_arch = "arm") {
    Some(elf::EM_ARM)
} else if cfg!(any(target_arch = "riscv64", target_arch = "riscv32")) {
    Some(elf::EM_RISCV)
} else {
    None
};

/// Why a library is not loaded. Boxed into a [`Fault`] at the end only.
type Refusal = FaultKind;

fn corrupt(how: &str) -> Refusal {
    FaultKind::NativeCorrupt { message: how.into() }
}

/// Looks for a reason not to load `bytes`; runs nothing of them. [`NativeBackend`](crate::NativeBackend) does so before
/// every load.
///
/// ```
/// let fault = modhost_native::inspect(b"\x7fELF, and then nothing").unwrap_err();
/// assert_eq!(fault.code(), "native.corrupt");
/// ```
///
/// # Errors
/// `native.corrupt`, `native.arch`, `native.needs-library` or `native.missing-symbol`; `native.isolation-unavailable` on
/// a system whose libraries it cannot read.
pub fn inspect(bytes: &[u8]) -> Result<(), Fault> {
    loaded_part(bytes).map(drop)
}

/// As [`inspect`]; the part of `bytes` that the loader reads, from the start. What comes after (symbols for debuggers,
/// often most of the file) need not stay in memory.
pub(crate) fn loaded_part(bytes: &[u8]) -> Result<&[u8], Fault> {
    if cfg!(any(windows, target_vendor = "apple")) || HERE.is_none() {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let message = format!(
            "libraries of {os} on {arch} cannot be read before they are loaded, which native plugins need: loading runs \
             their code"
        );
        return Err(Fault::new(FaultKind::IsolationUnavailable { message }));
    }
    look(bytes).map_err(Fault::new)
}

fn look(bytes: &[u8]) -> Result<&[u8], Refusal> {
    let header = header(bytes)?;
    let image = Image::new(bytes, header)?;
    let dynamic = Dynamic(image.dynamic()?);

    let strings = dynamic.one(elf::DT_STRTAB).zip(dynamic.one(elf::DT_STRSZ));
    let strings = strings.and_then(|(address, len)| image.bytes(address, len));
    let strings = strings.ok_or_else(|| corrupt("its names lie beyond its end"))?;
    dynamic.check_needs(strings)?;
    dynamic.check_tables(&image)?;

    let table = dynamic.one(elf::DT_SYMTAB).ok_or_else(|| corrupt("it has no symbols"))?;
    let (hash, gnu_hash) = (dynamic.one(elf::DT_HASH), dynamic.one(elf::DT_GNU_HASH));
    match (Symbols { image: &image, table, strings, hash, gnu_hash }).defines(ENTRY.to_bytes()) {
        Some(true) => Ok(image.loaded_part()),
        Some(false) => Err(FaultKind::NativeMissingSymbol { symbol: ENTRY.to_string_lossy().into_owned() }),
        None => Err(corrupt("its symbol table leads beyond its end")),
    }
}

/// The file header of a shared library for this machine.
fn header(bytes: &[u8]) -> Result<&Header, Refusal> {
    if bytes.starts_with(b"MZ")
        || [[0xcf, 0xfa, 0xed, 0xfe], [0xca, 0xfe, 0xba, 0xbe]].iter().any(|m| bytes.starts_with(m))
    {
        let message = format!("it is a library of another system, this is {}", std::env::consts::OS);
        return Err(FaultKind::NativeArch { message });
    }
    let ident = bytes.first_chunk::<16>().ok_or_else(|| corrupt("it is too short to be a library"))?;
    if ident[..4] != elf::ELFMAG || ident[6] != 1 {
        return Err(corrupt("it is no ELF file"));
    }
    let class = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    if !matches!(ident[4], 1 | 2) || !matches!(ident[5], 1 | 2) {
        return Err(corrupt("its header is damaged"));
    }
    let arch = |what: String| FaultKind::NativeArch { message: format!("{what}, this is {}", std::env::consts::ARCH) };
    if (ident[4], ident[5]) != (class, order) {
        let bits = if ident[4] == 2 { 64 } else { 32 };
        return Err(arch(format!("it is for a machine with {bits} bits or another byte order")));
    }
    let header: &Header = bytes.read_at(0).map_err(|()| corrupt("it is too short to be a library"))?;
    let machine = header.e_machine(Endian);
    if Some(machine) != HERE {
        return Err(arch(format!("it is for the ELF machine {}", machine.0)));
    }
    if !matches!(ident[7], 0 | 3) {
        return Err(FaultKind::NativeArch { message: format!("it is for another system (ELF OS ABI {})", ident[7]) });
    }
    if header.e_type(Endian) != elf::ET_DYN || header.e_version(Endian) != 1 {
        return Err(corrupt("it is not a shared library"));
    }
    Ok(header)
}

/// The dynamic segment's entries: what the loader acts on.
struct Dynamic<'data>(&'data [<Header as FileHeader>::Dyn]);

impl Dynamic<'_> {
    /// The value of the last entry `tag`, as the loader takes it.
    fn one(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.all(tag).last()
    }

    fn all(&self, tag: elf::DynamicTag) -> impl Iterator<Item = u64> {
        self.0.iter().filter(move |entry| entry.tag(Endian) == tag).map(|entry| entry.val(Endian))
    }

    /// Refuses what would make the loader look for further files.
    fn check_needs(&self, strings: &[u8]) -> Result<(), Refusal> {
        let name = |at: u64| {
            let rest = usize::try_from(at).ok().and_then(|at| strings.get(at..));
            let end = rest.and_then(|rest| rest.iter().position(|byte| *byte == 0));
            rest.zip(end).map(|(rest, end)| &rest[..end]).ok_or_else(|| corrupt("a library's name lies beyond its end"))
        };
        let refuse = |name: &[u8], what: &str| {
            let shown: String = String::from_utf8_lossy(name).chars().take(80).collect();
            Err(FaultKind::NativeNeedsLibrary { library: format!("{}{what}", shown.escape_debug()) })
        };
        for at in self.all(elf::DT_NEEDED) {
            let name = name(at)?;
            let loader = name.starts_with(b"ld-linux") && !name.contains(&b'/');
            if !loader && !SYSTEM.contains(&name) {
                return refuse(name, "");
            }
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
        Ok(())
    }

    /// Refuses tables that the loader would read or write beyond the file, and flags that it would refuse too.
    fn check_tables(&self, image: &Image<'_>) -> Result<(), Refusal> {
        let tables = [
            (elf::DT_RELA, elf::DT_RELASZ),
            (elf::DT_REL, elf::DT_RELSZ),
            (elf::DT_RELR, elf::DT_RELRSZ),
            (elf::DT_JMPREL, elf::DT_PLTRELSZ),
            (elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ),
            (elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ),
        ];
        for (address, size) in tables {
            let (address, size) = (self.one(address), self.one(size).unwrap_or(0));
            if size > 0 && address.is_none_or(|address| image.bytes(address, size).is_none()) {
                return Err(corrupt("a table of the loader's lies beyond its end"));
            }
        }
        for tag in [elf::DT_INIT, elf::DT_FINI] {
            if self.one(tag).is_some_and(|address| !image.is_code(address)) {
                return Err(corrupt("its constructor is not code"));
            }
        }
        let record = size_of::<<Header as FileHeader>::Sym>() as u64;
        if self.one(elf::DT_SYMENT).is_some_and(|size| size != record) {
            return Err(corrupt("its symbols are of an unknown size"));
        }
        let flags = self.one(elf::DT_FLAGS_1).unwrap_or(0);
        if flags & (elf::DF_1_PIE.0 | elf::DF_1_NOOPEN.0) != 0 {
            return Err(corrupt("it is a program, or says that it must not be loaded"));
        }
        Ok(())
    }
}
