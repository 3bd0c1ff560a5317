//! Libraries that must never reach the loader: damaged, for another machine, bringing further libraries, without the
//! entry. Their constructors must not run.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path, process};

use modhost_backend::rig::Rig;
use modhost_native::{NativeBackend, inspect};
use support::{c_library, compile, rust_guest};

fn check(what: &str, bytes: &[u8], expected: &str) {
    let fault = inspect(bytes).err();
    assert_eq!(fault.as_ref().map_or("ok", |fault| fault.code()), expected, "{what}: {fault:?}");
    if expected != "ok" {
        // The backend inspects too, and maps nothing.
        let backend = NativeBackend::new();
        let loaded = Rig::builder().file("lib.so", bytes).load(&backend).err();
        assert_eq!(loaded.map_or("ok", |fault| fault.code()), expected, "{what}, through the backend");
        assert_eq!(backend.parked(), 0, "{what}");
    }
}

/// The guest with `patch` written at `at`.
fn patched(at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = rust_guest();
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

#[test]
fn headers_say_what_a_file_is() {
    check("the guest", &rust_guest(), "ok");
    check("nothing", b"", "native.corrupt");
    check("a magic number", b"\x7fELF", "native.corrupt");
    check("a script", &[b'#'; 4096], "native.corrupt");
    check("a Windows library", b"MZ\x90\0, and so on", "native.arch");
    check("a Mach-O library", &[0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1], "native.arch");
    for (what, at, patch, expected) in [
        ("a class that is none", 4, &[3][..], "native.corrupt"),
        ("32 bits", 4, &[1], "native.arch"),
        ("the other byte order", 5, &[2], "native.arch"),
        ("ELF of another version", 6, &[2], "native.corrupt"),
        ("FreeBSD", 7, &[9], "native.arch"),
        ("a relocatable file", 16, &[1, 0], "native.corrupt"),
        ("a core dump", 16, &[4, 0], "native.corrupt"),
        ("SPARC", 18, &[43, 0], "native.arch"),
        ("MIPS", 18, &[8, 0], "native.arch"),
        ("program headers beyond the end", 32, &[255; 8], "native.corrupt"),
        ("program headers of another size", 54, &[32, 0], "native.corrupt"),
        ("no program headers", 56, &[0, 0], "native.corrupt"),
        ("too many program headers", 56, &[255, 255], "native.corrupt"),
    ] {
        check(what, &patched(at, patch), expected);
    }
}

#[test]
fn what_a_library_brings_along() {
    let trace = format!("-DTRACE=\"{}/never-{}\"", env!("CARGO_TARGET_TMPDIR"), process::id());
    let other = compile("constructor.c", &[&trace]);
    let other = other.to_str().unwrap();
    let entry = "-DENTRY=modhost_plugin_1";
    for (what, flags, expected) in [
        ("an entry, though of another type", &[entry][..], "ok"),
        ("only a System V hash table", &[entry, "-Wl,--hash-style=sysv"], "ok"),
        ("only a GNU hash table", &[entry, "-Wl,--hash-style=gnu"], "ok"),
        ("no sections", &[entry, "-s"], "ok"),
        ("no entry", &[], "native.missing-symbol"),
        ("no entry in a System V hash table", &["-Wl,--hash-style=sysv"], "native.missing-symbol"),
        ("the entry of another version", &["-DENTRY=modhost_plugin_2"], "native.missing-symbol"),
        ("an entry that is data", &["-DDATA"], "native.missing-symbol"),
        ("another library", &[entry, "-Wl,--no-as-needed", other], "native.needs-library"),
        ("a run path", &[entry, "-Wl,--enable-new-dtags,-rpath,$ORIGIN"], "native.needs-library"),
        ("an old run path", &[entry, "-Wl,--disable-new-dtags,-rpath,/tmp"], "native.needs-library"),
        ("a filter", &[entry, "-Wl,-F,libevil.so"], "native.needs-library"),
        ("an auditor", &[entry, "-Wl,--audit,libevil.so"], "native.needs-library"),
        ("tables bound at once", &[entry, "-Wl,-z,now,-z,relro"], "ok"),
        ("packed relocations", &[entry, "-Wl,-z,pack-relative-relocs"], "ok"),
        ("no read-only part", &[entry, "-Wl,-z,norelro", "-Wl,-z,noseparate-code"], "ok"),
        ("large pages", &[entry, "-Wl,-z,max-page-size=0x200000"], "ok"),
        ("debug information", &[entry, "-g"], "ok"),
        ("another linker", &[entry, "-fuse-ld=gold"], "ok"),
        ("an executable stack", &[entry, "-Wl,-z,execstack"], "native.corrupt"),
        ("the wish not to be loaded", &[entry, "-Wl,-z,nodlopen"], "native.corrupt"),
        ("a program", &[entry, "-DMAIN", "-pie"], "native.corrupt"),
        ("an object file", &[entry, "-c"], "native.corrupt"),
    ] {
        let flags: Vec<&str> = flags.iter().copied().chain([&*trace]).collect();
        check(what, &c_library("constructor.c", &flags), expected);
    }
    fs::remove_file(other).unwrap();
}

/// The guest with `value` in four bytes of its first program header of type `kind`, `field` bytes from its start.
#[cfg(target_pointer_width = "64")]
fn header_patched(kind: u32, nth: usize, field: usize, value: u32) -> Vec<u8> {
    let guest = rust_guest();
    let number =
        |at: usize, len: usize| guest[at..at + len].iter().rev().fold(0, |n, byte| n << 8 | usize::from(*byte));
    let headers = (0..number(56, 2)).map(|index| number(32, 8) + index * 56);
    let header = headers.filter(|at| number(*at, 4) == kind as usize).nth(nth).unwrap();
    patched(header + field, &value.to_le_bytes())
}

#[test]
#[cfg(target_pointer_width = "64")]
fn program_headers_that_would_end_the_process() {
    const LOAD: u32 = 1;
    const DYNAMIC: u32 = 2;
    const TLS: u32 = 7;
    const UNWIND: u32 = 0x6474_e550;
    const STACK: u32 = 0x6474_e551;
    const RELRO: u32 = 0x6474_e552;
    for (what, kind, nth, field, value) in [
        ("code that can be written", LOAD, 1, 4, 7),
        ("code that cannot be run", LOAD, 1, 4, 4),
        ("tables that cannot be read", LOAD, 0, 4, 0),
        ("a first segment of another type", LOAD, 0, 0, 4),
        ("code of another type", LOAD, 1, 0, 0),
        ("a segment that is not aligned", LOAD, 1, 48, 0x1001),
        ("a segment at another address", LOAD, 1, 16, 0x10),
        ("a segment that is too long", LOAD, 1, 40, 0x7fff_f000),
        ("read-only beyond its segment", RELRO, 0, 40, 0x0800_0000),
        ("read-only elsewhere", RELRO, 0, 16, 0),
        ("a stack that says nothing", STACK, 0, 0, 0x6000_0000),
        ("a dynamic segment elsewhere", DYNAMIC, 0, 16, 0x10),
        ("no dynamic segment", DYNAMIC, 0, 0, 0x6000_0000),
        ("a thread's data elsewhere", TLS, 0, 16, 0x0700_0000),
        ("unwind tables elsewhere", UNWIND, 0, 16, 0x0700_0000),
    ] {
        check(what, &header_patched(kind, nth, field, value), "native.corrupt");
    }
}

#[test]
fn constructors_run_only_after_every_check() {
    let trace = format!("{}/constructed-{}", env!("CARGO_TARGET_TMPDIR"), process::id());
    let define = format!("-DTRACE=\"{trace}\"");
    for (flags, expected, runs) in [
        (&[][..], "native.missing-symbol", false),
        (&["-DENTRY=modhost_plugin_1", "-Wl,-rpath,/tmp"], "native.needs-library", false),
        (&["-DENTRY=modhost_plugin_1", "-DUNDEFINED"], "native.undefined-symbol", false),
        // Its entry returns null, which only running it can tell.
        (&["-DENTRY=modhost_plugin_1"], "native.abi", true),
    ] {
        let flags: Vec<&str> = flags.iter().copied().chain([&*define]).collect();
        let library = c_library("constructor.c", &flags);
        let fault = Rig::builder().file("lib.so", library).load(&NativeBackend::new()).err().unwrap();
        assert_eq!(fault.code(), expected, "{fault}");
        assert!(!fault.to_string().contains("/proc/"), "{fault}");
        assert_eq!(fault.to_string().contains("`nobody_has_this`"), expected == "native.undefined-symbol", "{fault}");
        assert_eq!(Path::new(&trace).exists(), runs, "{flags:?}");
    }
    fs::remove_file(trace).unwrap();
}

/// Where the last mapped byte of the file is.
fn mapped_end(bytes: &[u8]) -> usize {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let headers = (0..usize::from(bytes[56])).map(|index| number(32) + index * 56);
    headers.filter(|at| bytes[*at..at + 4] == [1, 0, 0, 0]).map(|at| number(at + 8) + number(at + 32)).max().unwrap()
}

#[test]
#[cfg(target_pointer_width = "64")]
fn a_truncated_library_is_refused_wherever_it_ends() {
    let whole = rust_guest();
    let end = mapped_end(&whole);
    let step = (end / 400).max(1);
    for len in (0..200).chain((200..end).step_by(step)).chain(end - 64..end) {
        check(&format!("{len} of {end} bytes"), &whole[..len], "native.corrupt");
    }
    assert!(inspect(&whole[..end]).is_ok(), "what is behind the last segment is not loaded");
}

#[test]
fn flipped_bytes_are_judged_without_a_panic() {
    let small = c_library("plugin.c", &["-s"]);
    let mut judged = std::collections::BTreeMap::new();
    let mut judge = |bytes: &[u8]| {
        let code = inspect(bytes).err().map_or("ok", |fault| fault.code());
        *judged.entry(code).or_insert(0) += 1;
    };
    // Each byte of the headers, alone.
    for at in 0..0x400 {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = small.clone();
            bytes[at] ^= flip;
            judge(&bytes);
        }
    }
    // Several anywhere, from a generator that always starts alike.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        let mut bytes = small.clone();
        for _ in 0..4 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = random as usize % bytes.len();
            bytes[at] ^= (random >> 56) as u8 | 1;
        }
        judge(&bytes);
    }
    let codes: Vec<_> = judged.keys().copied().collect();
    assert_eq!(
        codes,
        ["native.arch", "native.corrupt", "native.missing-symbol", "native.needs-library", "ok"],
        "{judged:?}"
    );
}
