//! Reads a library's bytes before the loader sees them, because the loader trusts them: it maps, writes and calls
//! whatever the tables in the file say, so that a damaged table ends the process, and constructors run inside `dlopen`,
//! before a missing entry symbol can be noticed.
//!
//! It covers what the loader of glibc reads: the headers, what they map and with which rights, the dynamic segment, names,
//! symbols and the tables that find them, versions, every relocation, and what is called at once. Each part is in a file
//! of its own. It takes time in proportion to the tables, and refuses sizes that no linker makes.
//!
//! It does not vouch for the code: whether the bytes are the vendor's is the signature's business, settled before a
//! backend gets them.

mod dynamic;
mod image;
mod note;
mod relocation;
mod section;
mod symbol;
mod unwind;
mod version;

use modhost_abi::vtable::ENTRY;
use modhost_backend::{Fault, FaultKind};
use object::{NativeEndian as Endian, ReadRef, elf, read::elf::FileHeader};

use dynamic::Dynamic;
use image::{Header, Image};
use relocation::Relocations;
use symbol::Symbols;
use unwind::Functions;

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

fn corrupt(how: impl Into<String>) -> Refusal {
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
    inspected(bytes).map(drop)
}

/// What the check found out.
pub(crate) struct Inspected<'data> {
    /// The part of the file that the loader reads, from the start. What comes after (symbols for debuggers, often most of
    /// the file) need not stay in memory.
    pub(crate) loaded: &'data [u8],
    /// The names of the libraries that it needs, all of the system.
    pub(crate) needs: Vec<&'data [u8]>,
    /// The names that these, or the program, must define.
    pub(crate) undefined: Vec<&'data [u8]>,
}

/// As [`inspect`], with what was found.
pub(crate) fn inspected(bytes: &[u8]) -> Result<Inspected<'_>, Fault> {
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

fn look(bytes: &[u8]) -> Result<Inspected<'_>, Refusal> {
    let header = header(bytes)?;
    let image = Image::new(bytes, header)?;
    let dynamic = Dynamic::new(&image)?;
    let strings = dynamic.strings(&image)?;
    let needs = dynamic.needs(strings)?;
    dynamic.check(&image)?;

    let functions = Functions::new(&image);
    let symbols = Symbols::new(&image, &dynamic, strings)?;
    let entry = symbols.function(ENTRY.to_bytes(), &image);
    let entry = entry.ok_or_else(|| FaultKind::NativeMissingSymbol { symbol: ENTRY.to_string_lossy().into_owned() })?;
    if !functions.may_begin(entry) {
        return Err(corrupt("its entry is in the middle of a function"));
    }
    symbols.check(&image, &functions)?;
    version::check(&image, &dynamic, strings, &needs, symbols.table.len())?;
    let undefined = Relocations::check(&image, &dynamic, &symbols, &functions)?.undefined();
    Ok(Inspected { loaded: image.loaded_part(), needs, undefined })
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
