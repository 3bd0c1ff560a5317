//! What is packed is what opens: from a folder, from what a package was unpacked to, and out of memory.

use std::{fs, path::Path};

use modhost::{
    Code, Engine,
    package::{Algorithm, Caps, Package, discover},
    verify::{SecretKey, StoreFile, TrustStore},
};

use crate::{
    build::{MANIFEST, Zip, files},
    content, open,
};

/// A folder that holds these files.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let area = tempfile::tempdir().unwrap();
    write(area.path(), files);
    area
}

fn write(root: &Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn pack(path: &Path, algorithm: Algorithm, envelope: Option<&[u8]>) -> Vec<u8> {
    Package::open(path, &Caps::default()).unwrap().pack(algorithm, envelope, &Caps::default()).unwrap().bytes
}

/// The files give one package, however often and from wherever they are packed, and the package gives the files.
#[track_caller]
fn check(files: &[(&str, &[u8])], algorithm: Algorithm, envelope: Option<&[u8]>) {
    let area = folder(files);
    let bytes = pack(area.path(), algorithm, envelope);
    assert_eq!(bytes, pack(area.path(), algorithm, envelope), "packed twice");

    let package = open(&bytes).unwrap();
    let own: Vec<_> = package.files().iter().map(|(path, bytes)| (path, &bytes[..])).collect();
    assert_eq!(own, files);
    assert_eq!(package.envelope(), envelope);
    assert!(package.recorded() && package.packed() == Some(bytes.len() as u64));
    let plain = Package::open(area.path(), &Caps::default()).unwrap();
    assert!(!plain.recorded() && plain.packed().is_none() && plain.envelope().is_none());
    assert_eq!(plain.digest() == package.digest(), algorithm == Algorithm::Sha256);

    let unpacked = folder(files);
    write(unpacked.path(), &[("META/files", package.index().as_bytes())]);
    write(unpacked.path(), &envelope.map(|envelope| ("META/signatures", envelope)).into_iter().collect::<Vec<_>>());
    let again = Package::open(unpacked.path(), &Caps::default()).unwrap();
    assert_eq!(content(&again), content(&package), "unpacked");
    assert_eq!(bytes, pack(unpacked.path(), algorithm, envelope), "packed again");
}

#[test]
fn packed_files_come_back() {
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..200_000).map(|_| random.u8(..)).collect();
    let zeroes = vec![0; 1 << 20];
    let many: Vec<(String, Vec<u8>)> = (0..300).map(|n| (format!("data/{n:03}.txt"), vec![b'x'; n])).collect();
    let good = files();
    let sets: [Vec<(&str, &[u8])>; 3] = [
        good.clone(),
        // Stored as they are: what deflate does not shrink, what it shrinks suspiciously well, and nothing.
        [&[("a.bin", &noise[..]), ("b.bin", &zeroes), ("c.bin", b"")], &good[..]].concat(),
        [&many.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect::<Vec<_>>(), &good[..]].concat(),
    ];
    for files in &sets {
        check(files, Algorithm::Sha256, None);
        check(files, Algorithm::Sha512, None);
        check(files, Algorithm::Sha256, Some(b"modhost-signatures 1\n"));
        check(files, Algorithm::Sha256, Some(b""));
    }
}

/// Two writers that share no code agree on every byte.
#[test]
fn the_layout_is_the_one_of_the_second_writer() {
    let area = folder(&files());
    assert_eq!(pack(area.path(), Algorithm::Sha256, None), Zip::good().bytes());
}

/// An author's folder holds more than the plugin.
#[test]
fn what_is_no_part_of_the_plugin_is_left_out() {
    let area = folder(&files());
    let bare = pack(area.path(), Algorithm::Sha256, None);
    let tools = [
        ".git/config",
        ".hidden",
        "lib/.DS_Store",
        "lib/a.lua.orig",
        "notes.txt~",
        "id_ed25519",
        "art/Thumbs.db",
        "target/debug/x",
        "node_modules/x",
        "modhost.lock",
        "acme.wolf-1.1.0.modpkg",
        "lib/old.MODPKG",
    ];
    write(area.path(), &tools.map(|path| (path, &b"x"[..])));
    // Files of modhost's own, under names that say nothing.
    let secret = SecretKey::from_seed(&[7; 32]).to_pem().unwrap();
    let store = TrustStore::default().to_string();
    let own = [("data/key", secret.as_bytes()), ("data/store", store.as_bytes())];
    write(area.path(), &own);
    StoreFile::new(area.path().join("data/sealed")).sealed([7; 32]).update(|_| Ok(())).unwrap();
    let packed =
        Package::open(area.path(), &Caps::default()).unwrap().pack(Algorithm::Sha256, None, &Caps::default()).unwrap();
    assert_eq!(packed.bytes, bare);
    let left_out: Vec<_> = packed.left_out.iter().map(|one| format!("{}: {}", one.path, one.why.as_str())).collect();
    let expected = [
        ".git: version-control",
        ".hidden: hidden",
        "acme.wolf-1.1.0.modpkg: output",
        "art/Thumbs.db: system",
        "data/key: private-key",
        "data/sealed: output",
        "data/sealed.lock: output",
        "data/store: output",
        "id_ed25519: credentials",
        "lib/.DS_Store: system",
        "lib/a.lua.orig: backup",
        "lib/old.MODPKG: output",
        "modhost.lock: output",
        "node_modules: build",
        "notes.txt~: backup",
        "target: build",
    ];
    assert_eq!(left_out, expected);
    assert_eq!(packed.file_name(), "acme.wolf-1.2.0.modpkg");
}

/// A folder with META is held against it as a package is.
#[test]
fn an_unpacked_folder_is_refused_once_it_is_changed() {
    type Change = fn(&Path);
    let rows: [(&str, Change, Code); 9] = [
        ("main.lua", |root| fs::write(root.join("main.lua"), "os.exit()").unwrap(), Code::PackageFileChanged),
        ("lib/b.lua", |root| fs::write(root.join("lib/b.lua"), "").unwrap(), Code::PackageFileExtra),
        ("lib/a.lua", |root| fs::remove_file(root.join("lib/a.lua")).unwrap(), Code::PackageFileMissing),
        ("META/grants", |root| fs::write(root.join("META/grants"), "").unwrap(), Code::PackageMeta),
        ("META/files", |root| fs::write(root.join("META/files"), "").unwrap(), Code::PackageIndex),
        (
            "META/signatures",
            |root| {
                fs::rename(root.join("META/files"), root.join("META/signatures")).unwrap();
            },
            Code::PackageMeta,
        ),
        ("meta/files", |root| fs::rename(root.join("META"), root.join("meta")).unwrap(), Code::PackageMeta),
        (
            "META/signatures",
            |root| fs::write(root.join("META/signatures"), vec![0; 65 << 10]).unwrap(),
            Code::PackageTooLarge,
        ),
        (
            "plugin.toml",
            |root| {
                let manifest = MANIFEST.replace("1.2.0", "1.3.0");
                fs::write(root.join("plugin.toml"), &manifest).unwrap();
                let mut files = files();
                files[2].1 = manifest.as_bytes();
                fs::write(root.join("META/files"), crate::build::index("acme.wolf", "1.2.0", &files)).unwrap();
            },
            Code::PackageManifest,
        ),
    ];
    for (place, change, code) in rows {
        let area = folder(&files());
        let index = crate::build::index("acme.wolf", "1.2.0", &files());
        write(area.path(), &[("META/files", index.as_bytes())]);
        assert!(Package::open(area.path(), &Caps::default()).unwrap().recorded());
        change(area.path());
        let error = Package::open(area.path(), &Caps::default()).unwrap_err();
        let at = error.at().map(|at| at.file.as_str());
        assert_eq!((error.code(), at), (code, Some(place)), "{error}");
    }
}

/// What nobody could open is not packed.
#[test]
fn what_cannot_be_opened_is_not_packed() {
    let rows: [(&str, &[u8], Code); 2] =
        [("w\u{f6}lfe.txt", b"", Code::PackageName), ("LIB/b.lua", b"", Code::PackageName)];
    for (path, bytes, code) in rows {
        let area = folder(&files());
        write(area.path(), &[(path, bytes)]);
        let found = Package::open(area.path(), &Caps::default())
            .and_then(|package| package.pack(Algorithm::Sha256, None, &Caps::default()));
        assert_eq!(found.unwrap_err().code(), code, "{path}");
    }
    let single = Package::from_bytes("wolf.lua", b"", &Caps::default()).unwrap();
    let error = single.pack(Algorithm::Sha256, None, &Caps::default()).unwrap_err();
    assert_eq!(error.code(), Code::PackageNotAPlugin);
}

/// Packages lie among other plugins in a folder, and load.
#[test]
fn a_folder_of_plugins_holds_packages() {
    let mods = tempfile::tempdir().unwrap();
    let good = Zip::good().bytes();
    write(mods.path(), &[("wolf.modpkg", &good), ("fox.lua", b""), ("bad.modpkg", &good[1..]), ("notes.txt", b"")]);
    let found = discover(mods.path(), &Caps::default()).unwrap();
    let shown: Vec<String> = found
        .map(|one| match one {
            Ok(package) => format!("{} {}", package.id(), package.version()),
            Err(error) => format!("{}: {}", error.plugin().unwrap(), error.code()),
        })
        .collect();
    assert_eq!(shown, ["acme.wolf 1.2.0", "bad.modpkg: package.damaged", "fox 0.0.0"]);
    let engine = Engine::builder().build().unwrap();
    let loaded = engine.load_dir(mods.path()).unwrap();
    assert_eq!((loaded.loaded.len(), loaded.refused.len()), (2, 1));
    assert_eq!(engine.call::<_, String>(&mut (), "acme.wolf", "howl", ()).unwrap(), "auauauau");

    let engine = Engine::builder().build().unwrap();
    let plugin = engine.load_path(mods.path().join("wolf.modpkg")).unwrap();
    assert_eq!(engine.call::<_, String>(&mut (), plugin, "howl", ()).unwrap(), "auauauau");
    let examined = engine.examine(mods.path().join("wolf.modpkg")).unwrap();
    assert_eq!(examined.package.digest(), open(&good).unwrap().digest());
}
