//! Hostile packages, each a change of a good one, each with the code that it must get.

use modhost::{Code, Code::*};

use crate::{
    build::{LIB, MAIN, MANIFEST, Part, Zip, crc, deflate, files, index, seal},
    table::Attack,
};

/// Group, what it does, the code, and its bytes.
type Row = (&'static str, &'static str, Code, fn() -> Vec<u8>);

/// The good package with a change.
fn zip(change: impl FnOnce(&mut Zip)) -> Vec<u8> {
    let mut zip = Zip::good();
    change(&mut zip);
    zip.bytes()
}

/// The good package with a change of `main.lua`'s entry.
fn main(change: impl FnOnce(&mut Part)) -> Vec<u8> {
    zip(|zip| change(zip.part("main.lua")))
}

/// A package that holds one more file, listed and in its place, under this name.
fn named(name: &str) -> Vec<u8> {
    let mut files = files();
    files.push((name, b"x"));
    files.sort();
    Zip::holding(&files).bytes()
}

/// A package with this index.
fn under(index: &str) -> Vec<u8> {
    Zip::with(index, &files()).bytes()
}

/// The good index.
fn good_index() -> String {
    index("acme.wolf", "1.2.0", &files())
}

/// A package whose index is the good one with a text in place of another.
fn reworded(from: &str, to: &str) -> Vec<u8> {
    let text = good_index();
    assert!(text.contains(from));
    under(&text.replacen(from, to, 1))
}

/// A package with this manifest, under an index that knows it.
fn manifest(text: &str) -> Vec<u8> {
    Zip::holding(&[("lib/a.lua", LIB.as_bytes()), ("main.lua", MAIN.as_bytes()), ("plugin.toml", text.as_bytes())])
        .bytes()
}

/// A package with one more file of META.
fn meta(name: &str) -> Vec<u8> {
    zip(|zip| zip.parts.insert(1, Part::new(name, b"x")))
}

/// Noise of small letters, so that no cap of ratios refuses it. Its block is longer than what deflate looks back over.
fn noise(seed: u64, length: usize) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let block: String = (0..length.min(64 << 10)).map(|_| random.lowercase()).collect();
    block.repeat(length.div_ceil(block.len()))[..length].to_owned()
}

/// A list of as many files as 4 MiB hold, none of which is there.
pub(crate) fn long_list(id: &str, version: &str) -> String {
    let lines = (0..).map(|number| format!("{} 1 f{number:05}\n", "0123456789abcdef".repeat(4)));
    let head = format!("modhost-files 1\n{id}\n{version}\n");
    let most = ((4 << 20) - head.len()) / 74;
    std::iter::once(head).chain(lines.take(most)).collect()
}

/// A folder with this manifest, which is longer than any that lies in the repository.
fn unpacked(name: &str, text: &str) -> Attack {
    let text = format!("{MANIFEST}{}", &text[..(250 << 10).min(text.len())]);
    let attack = Attack::new("manifest", name, ManifestSyntax, &[&format!("load p -> {ManifestSyntax}")]);
    attack.with("p/plugin.toml", text).with("p/main.lua", MAIN)
}

/// A package with so many further files, which claim to have this size each when they are unpacked.
fn bulk(count: usize, size: usize) -> Vec<u8> {
    let file = noise(7, size.min(32 << 10)).into_bytes();
    let part = Part { size: size as u32, ..Part::new("z", &file) };
    let mut zip = Zip::good();
    zip.parts.extend((0..count).map(|number| Part { name: format!("z{number:05}").into_bytes(), ..part.clone() }));
    zip.bytes()
}

const ROWS: &[Row] = &[
    // The structure.
    ("structure", "nothing at all", PackageArchive, Vec::new),
    ("structure", "a text", PackageArchive, || {
        b"print('no package, but a script that is long enough for one')".to_vec()
    }),
    ("structure", "an empty zip", PackageArchive, || [&b"PK\x05\x06"[..], &[0; 18]].concat()),
    ("structure", "an empty zip with a seal", PackageMeta, || Zip::of(Vec::new()).bytes()),
    ("structure", "no seal", PackageArchive, || zip(|zip| zip.comment = Some(Vec::new()))),
    ("structure", "another comment", PackageArchive, || zip(|zip| zip.comment = Some(b"made by somebody!".to_vec()))),
    ("structure", "a longer comment", PackageArchive, || {
        zip(|zip| zip.comment = Some(b"modpkg 1 00000000 and more".to_vec()))
    }),
    ("structure", "a wrong seal", PackageDamaged, || zip(|zip| zip.comment = Some(b"modpkg 1 00000000".to_vec()))),
    ("structure", "a seal in capitals", PackageDamaged, || {
        let mut bytes = Zip::good().bytes();
        // Of many good packages the first whose seal has a letter.
        for version in 0.. {
            bytes = Zip::with(&good_index().replace("1.2.0", &format!("1.2.{version}")), &files()).bytes();
            let at = bytes.len() - 8;
            if bytes[at..].iter().any(u8::is_ascii_lowercase) {
                bytes[at..].make_ascii_uppercase();
                break;
            }
        }
        bytes
    }),
    ("structure", "a later format", PackageNewer, || zip(|zip| zip.comment = Some(b"modpkg 2 00000000".to_vec()))),
    ("structure", "a format without a number", PackageArchive, || {
        zip(|zip| zip.comment = Some(b"modpkg   00000000".to_vec()))
    }),
    ("structure", "bytes before it", PackageArchive, || zip(|zip| zip.prefix = b"#!/bin/sh\n".to_vec())),
    ("structure", "a program before it, offsets put right", PackageArchive, || {
        zip(|zip| {
            zip.prefix = b"\x7fELF".to_vec();
            zip.parts[0].at = Some(0);
        })
    }),
    ("structure", "bytes behind it", PackageArchive, || zip(|zip| zip.suffix = b"\n".to_vec())),
    ("structure", "another zip behind it", PackageArchive, || zip(|other| other.prefix = Zip::good().bytes())),
    ("structure", "a gap between two entries", PackageArchive, || main(|part| part.gap = b"hidden".to_vec())),
    ("structure", "a gap before the directory", PackageArchive, || zip(|zip| zip.between[0] = b"hidden".to_vec())),
    ("structure", "a gap behind the directory", PackageArchive, || zip(|zip| zip.between[1] = b"hidden".to_vec())),
    ("structure", "an entry that the directory hides", PackageArchive, || main(|part| part.unlisted = true)),
    ("structure", "two entries over the same data", PackageArchive, || {
        zip(|zip| zip.parts[2].at = Some(30 + 10 + zip.parts[0].data.len() as u32))
    }),
    ("structure", "an entry within another", PackageArchive, || main(|part| part.at = Some(31))),
    ("structure", "an entry far outside", PackageArchive, || main(|part| part.at = Some(u32::MAX))),
    ("structure", "data that reach into the directory", PackageArchive, || {
        zip(|zip| zip.parts[3].central.push((20, 5_000_u32.to_le_bytes().to_vec())))
    }),
    ("structure", "data of 4 GiB", PackageArchive, || main(|part| part.central.push((20, vec![0xff; 4])))),
    ("structure", "more entries than there are", PackageArchive, || {
        zip(|zip| zip.end.extend([(8, vec![5, 0]), (10, vec![5, 0])]))
    }),
    ("structure", "fewer entries than there are", PackageArchive, || {
        zip(|zip| zip.end.extend([(8, vec![3, 0]), (10, vec![3, 0])]))
    }),
    ("structure", "65,535 entries in a small directory", PackageArchive, || {
        zip(|zip| zip.end.push((8, vec![0xff; 4])))
    }),
    ("structure", "other entries on this disk than in all", PackageArchive, || {
        zip(|zip| zip.end.push((8, vec![3, 0])))
    }),
    ("structure", "several disks", PackageArchive, || zip(|zip| zip.end.push((4, vec![1, 0])))),
    ("structure", "a directory that begins elsewhere", PackageArchive, || zip(|zip| zip.end.push((16, vec![0; 4])))),
    ("structure", "a directory of another length", PackageArchive, || zip(|zip| zip.end.push((12, vec![0; 4])))),
    ("structure", "the marks of a 64-bit archive", PackageArchive, || zip(|zip| zip.end.push((8, vec![0xff; 12])))),
    ("structure", "records of a 64-bit archive", PackageArchive, || {
        zip(|zip| zip.between[1] = [&b"PK\x06\x06"[..], &[0; 52], b"PK\x06\x07", &[0; 16]].concat())
    }),
    ("structure", "the same name twice", PackageArchive, || {
        zip(|zip| {
            let again = zip.part("main.lua").clone();
            zip.parts.insert(3, again);
        })
    }),
    ("structure", "the same name twice, the other data first", PackageArchive, || {
        zip(|zip| zip.parts.insert(2, Part::new("main.lua", b"os.exit()")))
    }),
    ("structure", "entries out of order", PackageArchive, || zip(|zip| zip.parts.swap(1, 2))),
    ("structure", "META at the end", PackageArchive, || zip(|zip| zip.parts.rotate_left(1))),
    ("structure", "signatures before the list", PackageArchive, || {
        zip(|zip| zip.parts.insert(0, Part::new("META/signatures", b"x")))
    }),
    // What the headers of one entry say.
    ("entry", "encrypted", PackageArchive, || main(|part| part.both(6, &[1, 0]))),
    ("entry", "strongly encrypted", PackageArchive, || main(|part| part.both(6, &[0x41, 0]))),
    ("entry", "sizes behind the data", PackageArchive, || {
        main(|part| {
            part.both(6, &[8, 0]);
            part.gap = [&b"PK\x07\x08"[..], &part.crc.to_le_bytes(), &[0; 8]].concat();
        })
    }),
    ("entry", "names in another encoding", PackageArchive, || main(|part| part.both(6, &[0, 8]))),
    ("entry", "packed by bzip2", PackageArchive, || main(|part| part.method = 12)),
    ("entry", "packed by deflate64", PackageArchive, || main(|part| part.method = 9)),
    ("entry", "packed by zstd", PackageArchive, || main(|part| part.method = 93)),
    ("entry", "needs a later zip", PackageArchive, || main(|part| part.both(4, &[45, 0]))),
    ("entry", "made by another tool", PackageArchive, || main(|part| part.central.push((4, vec![0, 0])))),
    ("entry", "a time", PackageArchive, || main(|part| part.both(10, &[1, 2, 3, 4]))),
    ("entry", "extra fields in the directory: 64-bit sizes", PackageArchive, || {
        main(|part| part.extra[1] = [&b"\x01\0\x10\0"[..], &[0; 16]].concat())
    }),
    ("entry", "extra fields: another name", PackageArchive, || {
        main(|part| {
            part.extra = [b"up\x0a\0\x01\0\0\0\0evil/".to_vec(), b"up\x0a\0\x01\0\0\0\0evil/".to_vec(), Vec::new()]
        })
    }),
    ("entry", "extra fields in its own header", PackageArchive, || main(|part| part.extra[0] = b"UT\x01\0\0".to_vec())),
    ("entry", "a comment", PackageArchive, || main(|part| part.extra[2] = b"hidden".to_vec())),
    ("entry", "on another disk", PackageArchive, || main(|part| part.central.push((34, vec![1, 0])))),
    ("entry", "marked as text", PackageArchive, || main(|part| part.central.push((36, vec![1, 0])))),
    ("entry", "executable", PackageArchive, || main(|part| part.central.push((38, vec![0, 0, 0xed, 0x81])))),
    ("entry", "setuid", PackageArchive, || main(|part| part.central.push((38, vec![0, 0, 0xed, 0x89])))),
    ("entry", "another name in its own header", PackageArchive, || {
        let mut bytes = Zip::good().bytes();
        let at = bytes.windows(8).position(|window| window == b"main.lua").unwrap();
        bytes[at] = b'p';
        seal(&mut bytes);
        bytes
    }),
    ("entry", "another size in its own header", PackageArchive, || {
        main(|part| part.local.push((22, vec![1, 0, 0, 0])))
    }),
    ("entry", "another checksum in its own header", PackageArchive, || {
        main(|part| part.local.push((14, vec![1, 0, 0, 0])))
    }),
    ("entry", "another method in its own header", PackageArchive, || main(|part| part.local.push((8, vec![0, 0])))),
    ("entry", "a longer name in its own header", PackageArchive, || main(|part| part.local.push((26, vec![9, 0])))),
    ("entry", "no mark of its own", PackageArchive, || main(|part| part.local.push((0, b"PK\x03\x05".to_vec())))),
    ("entry", "no mark in the directory", PackageArchive, || {
        main(|part| part.central.push((0, b"PK\x01\x03".to_vec())))
    }),
    ("entry", "a name longer than the directory", PackageArchive, || {
        main(|part| part.central.push((28, vec![0xff, 0x7f])))
    }),
    ("entry", "stored, with two sizes", PackageArchive, || {
        main(|part| {
            let size = part.size + 1;
            *part = Part::stored("main.lua", MAIN.as_bytes());
            part.size = size;
        })
    }),
    ("entry", "deflated, and larger for it", PackageArchive, || {
        zip(|zip| {
            let file = b"0123456789abcdef";
            let part = Part { method: 8, data: deflate(file), ..Part::stored("z", file) };
            zip.parts.push(part);
        })
    }),
    // Data.
    ("data", "another checksum", PackageDamaged, || main(|part| part.crc ^= 1)),
    ("data", "cut off", PackageDamaged, || main(|part| part.data.truncate(20))),
    ("data", "inflates to more", PackageDamaged, || main(|part| part.size -= 1)),
    ("data", "inflates to less", PackageDamaged, || main(|part| part.size += 1)),
    ("data", "bytes behind the stream", PackageDamaged, || main(|part| part.data.push(0))),
    ("data", "no deflate", PackageDamaged, || main(|part| part.data.fill(0xff))),
    ("data", "stored data of another checksum", PackageDamaged, || {
        main(|part| {
            *part = Part::stored("main.lua", MAIN.as_bytes());
            part.data[0] ^= 1;
        })
    }),
    ("data", "the list of files damaged", PackageDamaged, || zip(|zip| zip.parts[0].crc ^= 1)),
    // Names.
    ("name", "out of the folder", PackageEscapes, || named("../evil.lua")),
    ("name", "out of a folder within", PackageEscapes, || named("lib/../../evil.lua")),
    ("name", "out of the folder by backslashes", PackageEscapes, || named("..\\evil.lua")),
    ("name", "absolute", PackageEscapes, || named("/etc/cron.d/evil")),
    ("name", "a drive", PackageEscapes, || named("C:/evil.lua")),
    ("name", "a drive's own folder", PackageEscapes, || named("C:evil.lua")),
    ("name", "a server", PackageEscapes, || named("\\\\server\\evil.lua")),
    ("name", "a backslash", PackageName, || named("lib\\evil.lua")),
    ("name", "a NUL", PackageName, || named("main.lua\0.png")),
    ("name", "a line end", PackageName, || main(|part| part.name = b"main\n.lua".to_vec())),
    ("name", "an escape of the terminal", PackageName, || main(|part| part.name = b"\x1b[2Jmain.lua".to_vec())),
    ("name", "an accented letter", PackageName, || main(|part| part.name = "m\u{e4}in.lua".into())),
    ("name", "the other form of that letter", PackageName, || main(|part| part.name = "ma\u{308}in.lua".into())),
    ("name", "letters that turn the direction", PackageName, || main(|part| part.name = "main\u{202e}aul.".into())),
    ("name", "no UTF-8", PackageName, || main(|part| part.name = b"m\xffin.lua".to_vec())),
    ("name", "empty", PackageName, || main(|part| part.name = Vec::new())),
    ("name", "this folder", PackageName, || named("./evil.lua")),
    ("name", "an empty part", PackageName, || named("lib//evil.lua")),
    ("name", "a folder", PackageName, || zip(|zip| zip.parts.insert(1, Part::stored("lib/", b"")))),
    ("name", "a dot at its end", PackageName, || named("evil.lua.")),
    ("name", "a space at its end", PackageName, || named("evil.lua ")),
    ("name", "a device", PackageName, || named("lib/nul.lua")),
    ("name", "a device with a number", PackageName, || named("COM1")),
    ("name", "another stream of a file", PackageName, || named("main.lua:evil")),
    ("name", "a pattern", PackageName, || named("*.lua")),
    ("name", "hidden", PackageName, || named(".bashrc")),
    ("name", "in a hidden folder", PackageName, || named("lib/.git/hooks/post-checkout")),
    ("name", "a part that is too long", PackageName, || named(&"n".repeat(300))),
    ("name", "a path that is too long", PackageName, || named(&["n".repeat(200).as_str(); 3].join("/"))),
    ("name", "twins by case", PackageName, || named("Main.lua")),
    ("name", "folders that are twins by case", PackageName, || named("LIB/b.lua")),
    ("name", "a file that is a folder", PackageName, || named("lib")),
    ("name", "folders nested too deeply", PackageTooLarge, || named(&["d"; 20].join("/"))),
    ("name", "a symbolic link", PackageSpecialFile, || main(|part| part.central.push((38, vec![0, 0, 0xff, 0xa1])))),
    ("name", "a folder by its mode", PackageSpecialFile, || {
        main(|part| part.central.push((38, vec![0x10, 0, 0xed, 0x41])))
    }),
    ("name", "a device by its mode", PackageSpecialFile, || {
        main(|part| part.central.push((38, vec![0, 0, 0xb6, 0x21])))
    }),
    ("name", "a pipe by its mode", PackageSpecialFile, || main(|part| part.central.push((38, vec![0, 0, 0xa4, 0x11])))),
    // Sizes.
    ("size", "a bomb of zeroes", PackageRatio, || zip(|zip| zip.parts.push(Part::new("z", &vec![0; 4 << 20])))),
    ("size", "a bomb that claims to be small", PackageDamaged, || {
        zip(|zip| zip.parts.push(Part { size: 40_000, ..Part::new("z", &vec![0; 4 << 20]) }))
    }),
    ("size", "a size that is only claimed", PackageRatio, || main(|part| part.size = 30 << 20)),
    ("size", "a file over its cap", PackageTooLarge, || main(|part| part.size = (32 << 20) + 1)),
    ("size", "many entries over one small deflated file", PackageArchive, || {
        zip(|zip| {
            let first = zip.parts.iter().map(|part| 30 + part.name.len() + part.data.len()).sum::<usize>() as u32;
            zip.parts.push(Part::new("z", &vec![0; 1 << 14]));
            let size = zip.parts[4].size;
            let twin = |number: u32| Part { at: Some(first), size, ..Part::stored(format!("z{number:04}"), b"") };
            zip.parts.extend((0..500).map(twin));
        })
    }),
    ("size", "files over the cap together", PackageTooLarge, || bulk(33, 2 << 20)),
    ("size", "too many files", PackageTooLarge, || bulk(4_200, 4)),
    ("size", "a list of 5 MiB", PackageTooLarge, || {
        let line = format!("{} 1 f\n", "0123456789abcdef".repeat(4));
        under(&(good_index() + line.repeat((5 << 20) / line.len()).as_str()))
    }),
    ("size", "signatures of 65 KiB", PackageTooLarge, || {
        let mut random = fastrand::Rng::with_seed(9);
        let envelope: Vec<u8> = (0..65 << 10).map(|_| random.u8(..)).collect();
        zip(|zip| zip.parts.insert(1, Part::new("META/signatures", &envelope)))
    }),
    ("size", "a manifest of 257 KiB", PackageTooLarge, || {
        let mut text = MANIFEST.to_owned();
        for number in 0.. {
            text += &format!("# {}\n", number * 7919);
            if text.len() > 257 << 10 {
                break;
            }
        }
        manifest(&text)
    }),
    ("size", "a package over its cap", PackageTooLarge, || vec![0; (32 << 20) + 1]),
    // META.
    ("meta", "no list of files", PackageMeta, || zip(|zip| drop(zip.parts.remove(0)))),
    ("meta", "signatures without a list", PackageMeta, || zip(|zip| zip.parts[0].name = b"META/signatures".to_vec())),
    ("meta", "a name that nobody knows", PackageMeta, || meta("META/grants")),
    ("meta", "a folder within", PackageMeta, || meta("META/more/files")),
    ("meta", "a second list by case", PackageMeta, || meta("META/Files")),
    ("meta", "a second META by case", PackageMeta, || meta("meta/files")),
    ("meta", "a file of its name", PackageMeta, || meta("META")),
    // The list of files.
    ("index", "empty", PackageIndex, || under("")),
    ("index", "a later format", PackageNewer, || reworded("modhost-files 1", "modhost-files 2")),
    ("index", "another format", PackageIndex, || reworded("modhost-files 1", "modhost-list 1")),
    ("index", "another digest's name", PackageIndex, || reworded("modhost-files 1", "modhost-files 1 md5")),
    ("index", "says SHA-512 and gives SHA-256", PackageIndex, || reworded("modhost-files 1", "modhost-files 1 sha512")),
    ("index", "no id", PackageIndex, || under("modhost-files 1\n")),
    ("index", "a malformed id", PackageIndex, || reworded("acme.wolf", "Acme.Wolf")),
    ("index", "an id of 1 MiB", PackageIndex, || reworded("acme.wolf", &noise(3, 1 << 20))),
    ("index", "a malformed version", PackageIndex, || reworded("1.2.0", "1.2")),
    ("index", "a version with zeros before", PackageIndex, || reworded("1.2.0", "1.02.0")),
    ("index", "a version of 1 MiB", PackageIndex, || reworded("1.2.0", &format!("1.2.0-a{}", noise(4, 1 << 20)))),
    ("index", "carriage returns", PackageIndex, || under(&good_index().replace('\n', "\r\n"))),
    ("index", "a byte order mark", PackageIndex, || under(&format!("\u{feff}{}", good_index()))),
    ("index", "no end of the last line", PackageIndex, || under(good_index().trim_end())),
    ("index", "an empty line at the end", PackageIndex, || under(&(good_index() + "\n"))),
    ("index", "two spaces", PackageIndex, || reworded(" main.lua", "  main.lua")),
    ("index", "a tab", PackageIndex, || reworded(" main.lua", "\tmain.lua")),
    ("index", "digits in capitals", PackageIndex, || {
        let text = good_index();
        let line = text.lines().nth(3).unwrap();
        under(&text.replace(line, &line.replacen(&line[..64], &line[..64].to_uppercase(), 1)))
    }),
    ("index", "a digest that is too short", PackageIndex, || {
        let text = good_index();
        let line = text.lines().nth(3).unwrap();
        under(&text.replace(line, &line[1..]))
    }),
    ("index", "a size with zeros before", PackageIndex, || reworded(" 45 lib", " 045 lib")),
    ("index", "a size with a sign", PackageIndex, || reworded(" 45 lib", " +45 lib")),
    ("index", "a size beyond all", PackageIndex, || reworded(" 45 lib", " 18446744073709551616 lib")),
    ("index", "a line without a path", PackageIndex, || reworded(" lib/a.lua", "")),
    ("index", "a line twice", PackageIndex, || {
        let text = good_index();
        let line = text.lines().nth(4).unwrap();
        under(&text.replace(line, &format!("{line}\n{line}")))
    }),
    ("index", "lines out of order", PackageIndex, || {
        let mut files = files();
        files.reverse();
        under(&index("acme.wolf", "1.2.0", &files))
    }),
    ("index", "it lists itself", PackageIndex, || {
        let mut files = files();
        files.insert(0, ("META/files", b""));
        under(&index("acme.wolf", "1.2.0", &files))
    }),
    ("index", "it lists a path outside", PackageEscapes, || reworded("main.lua", "../m.lua")),
    ("index", "it lists a hidden path", PackageName, || reworded(" main.lua", " lib/.main")),
    // The list and the files.
    ("contents", "a file is missing", PackageFileMissing, || zip(|zip| drop(zip.parts.remove(1)))),
    ("contents", "a file is too much", PackageFileExtra, || zip(|zip| zip.parts.push(Part::new("z.lua", b"x")))),
    ("contents", "a file has another name", PackageFileMissing, || main(|part| part.name = b"moan.lua".to_vec())),
    ("contents", "a file has another byte", PackageFileChanged, || {
        main(|part| *part = Part::new("main.lua", MAIN.replace("howl", "hawl").as_bytes()))
    }),
    ("contents", "a file has one byte more", PackageFileChanged, || {
        main(|part| *part = Part::new("main.lua", format!("{MAIN} ").as_bytes()))
    }),
    ("contents", "a file has another byte and the checksum of the good one", PackageFileChanged, || {
        // CRC-32 is linear: four bytes at the end give any checksum.
        let mut file = MAIN.as_bytes().to_vec();
        file[0] = b'L';
        let end = file.len() - 4;
        forge(&mut file, end, crc(MAIN.as_bytes()));
        main(|part| *part = Part::new("main.lua", &file))
    }),
    ("contents", "two files are exchanged", PackageFileChanged, || {
        zip(|zip| {
            *zip.part("lib/a.lua") = Part::new("lib/a.lua", MAIN.as_bytes());
            *zip.part("main.lua") = Part::new("main.lua", LIB.as_bytes());
        })
    }),
    ("contents", "the list says another size", PackageFileChanged, || reworded(" 45 lib", " 46 lib")),
    // The manifest.
    ("manifest", "none", PackageNotAPlugin, || Zip::holding(&files()[..2]).bytes()),
    ("manifest", "another id", PackageManifest, || manifest(&MANIFEST.replace("acme.wolf", "acme.fox"))),
    ("manifest", "another publisher", PackageManifest, || manifest(&MANIFEST.replace("acme.wolf", "studio.wolf"))),
    ("manifest", "another version", PackageManifest, || manifest(&MANIFEST.replace("1.2.0", "9.0.0"))),
    ("manifest", "another build", PackageManifest, || manifest(&MANIFEST.replace("1.2.0", "1.2.0+x"))),
    ("manifest", "no TOML", ManifestSyntax, || manifest("[plugin\n")),
    ("manifest", "an unknown key", ManifestUnknownKey, || manifest(&format!("{MANIFEST}trust = 'trusted'\n"))),
    ("manifest", "the id twice", ManifestSyntax, || manifest(&format!("{MANIFEST}id = \"studio.wolf\"\n"))),
    ("manifest", "nested without end", ManifestSyntax, || {
        manifest(&format!(
            "{MANIFEST}tags = {}\n",
            (0..9_000).map(|n| if n % 9 == 0 { "[ " } else { "[" }).collect::<String>()
        ))
    }),
    ("manifest", "an entry that is not there", PackageMissingArtefact, || {
        manifest(&format!("{MANIFEST}[entry]\nlua = \"m.lua\"\n"))
    }),
    ("manifest", "an entry in META", PackageMissingArtefact, || {
        manifest(&format!("{MANIFEST}[entry]\nlua = \"META/files\"\n"))
    }),
    ("manifest", "an entry outside", PackageEscapes, || manifest(&format!("{MANIFEST}[entry]\nlua = \"../m.lua\"\n"))),
];

/// Sets four bytes so that the whole has this CRC-32, by trying each bit: the checksum is linear in them.
fn forge(file: &mut [u8], at: usize, wanted: u32) {
    file[at..at + 4].fill(0);
    let base = crc(file);
    let mut rows: Vec<(u32, u32)> = (0..32)
        .map(|bit| {
            file[at + bit / 8] ^= 1 << (bit % 8);
            let row = (crc(file) ^ base, 1 << bit);
            file[at + bit / 8] ^= 1 << (bit % 8);
            row
        })
        .collect();
    let (mut left, mut bits) = (wanted ^ base, 0);
    for high in (0..32).rev() {
        let Some(found) = rows.iter().position(|(row, _)| row >> high == 1) else { continue };
        let (row, made) = rows.swap_remove(found);
        for other in &mut rows {
            if other.0 >> high & 1 == 1 {
                *other = (other.0 ^ row, other.1 ^ made);
            }
        }
        if left >> high & 1 == 1 {
            (left, bits) = (left ^ row, bits ^ made);
        }
    }
    file[at..at + 4].copy_from_slice(&bits.to_le_bytes());
    assert_eq!(crc(file), wanted);
}

/// Rows that differ from another in a constant only.
const ALIKE: &[(&str, &str)] = &[
    ("packed by deflate64", "archive-entry-packed-by-bzip2"),
    ("packed by zstd", "archive-entry-packed-by-bzip2"),
    ("strongly encrypted", "archive-entry-encrypted"),
    ("setuid", "archive-entry-executable"),
    ("a folder by its mode", "path-a-symbolic-link"),
    ("a device by its mode", "path-a-symbolic-link"),
    ("a pipe by its mode", "path-a-symbolic-link"),
    ("a device with a number", "path-a-device"),
    ("another format", "archive-index-another-digest-s-name"),
    ("another publisher", "manifest-another-id"),
];

/// Each of them as a file that a host loads.
pub(crate) fn attacks() -> Vec<Attack> {
    let made = |(group, name, code, bytes): &Row| {
        let (kind, title) = match *group {
            "name" => ("path", (*name).to_owned()),
            "manifest" => ("manifest", (*name).to_owned()),
            group => ("archive", format!("{group}: {name}")),
        };
        let attack = Attack::new(kind, &title, code, &[&format!("load p.modpkg -> {code}")]).with("p.modpkg", bytes());
        match ALIKE.iter().find(|(alike, _)| alike == name) {
            Some((_, other)) => attack.like(other),
            None => attack,
        }
    };
    let dotted: String = (0..20_000).map(|number| format!("k{number:x}.a.b.c.d=1\n")).collect();
    let mut attacks: Vec<Attack> = ROWS.iter().map(made).collect();
    attacks.extend([
        unpacked("a table for each dot of 250 KiB", &dotted),
        unpacked("a table for each brace of 250 KiB", &format!("x = [{}", "{a={}},".repeat(40_000))),
    ]);
    attacks
}
