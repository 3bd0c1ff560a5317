//! The largest package that the caps allow, and many of them, in processes of their own: what is resident at the peak, as the system
//! counts it.
#![cfg(target_os = "linux")]

use std::{
    env, fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use modhost::{
    Code, Engine, Policy,
    package::{Caps, Package, discover},
};

use crate::build::{MANIFEST, Part, Zip, index};

/// Names the package to open, in the child.
const PATH: &str = "MODHOST_TEST_PACKAGE";
/// Beyond the files and the package: the program's own pages that opening touches first, and the tables of inflating.
const SLACK: u64 = 8 << 20;

/// The most that was resident so far, in bytes.
fn high() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// The child: opens what it is told to, and says what that took.
#[test]
fn child() {
    let Some(path) = env::var_os(PATH) else { return };
    let before = high();
    let error = Package::open(path.as_ref(), &Caps::default()).unwrap_err();
    assert_eq!(error.code(), Code::PackageFileChanged, "{error}");
    println!("resident: {}", high() - before);
}

/// Names the folder of plugins, in the child of [`however_many_plugins_two_are_in_memory`].
const FOLDER: &str = "MODHOST_TEST_PLUGINS";

/// Caps that keep the plugins small, and the test short.
fn small() -> Caps {
    let mut caps = Caps::default();
    (caps.file, caps.total, caps.package) = (6 << 20, 6 << 20, 3 << 20);
    caps
}

/// A plugin as large as [`small`] lets it be: its files, and its package.
fn large(number: usize) -> (Vec<(&'static str, Vec<u8>)>, Vec<u8>) {
    let mut random = fastrand::Rng::with_seed(number as u64);
    let mut noise = vec![0; 5 << 20];
    for block in noise.chunks_mut(64 << 10) {
        block[..24 << 10].iter_mut().for_each(|byte| *byte = random.u8(..));
    }
    let manifest = format!("[plugin]\nid = \"wolf{number}\"\nversion = \"1.0.0\"\n");
    let files = vec![
        ("data.bin", noise),
        // It takes longer to load than to read, so that the next ones would come meanwhile if they might.
        ("main.lua", b"for i = 1, 6000000 do end".to_vec()),
        ("plugin.toml", manifest.into_bytes()),
    ];
    let listed: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (*path, &bytes[..])).collect();
    let list = index(&format!("wolf{number}"), "1.0.0", &listed);
    let parts = listed.iter().map(|(path, bytes)| Part::new(path, bytes));
    let bytes = Zip::of([Part::new("META/files", list.as_bytes())].into_iter().chain(parts).collect()).bytes();
    (files, bytes)
}

/// The child: does with a folder of plugins what hosts do, and says what that took.
#[test]
fn child_of_many() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let mut policy = Policy::mods();
    policy.caps = small();
    policy.overrides.deadline = Some(Duration::from_secs(60));
    let count = fs::read_dir(folder).unwrap().count();
    let checked = Arc::new(AtomicUsize::new(0));
    let seen = checked.clone();
    let plain = Engine::builder().policy(policy.clone()).threads(4).build().unwrap();
    let checking = Engine::builder()
        .policy(policy)
        .threads(4)
        .check(move |plugin| {
            let files = plugin.package.map_or(0, |package| package.files().len());
            seen.fetch_add(files, Relaxed);
            Ok(())
        })
        .build()
        .unwrap();
    let before = high();
    let told = |what: &str| println!("resident after {what}: {}", high() - before);
    assert_eq!(discover(folder, &small()).unwrap().filter(Result::is_ok).count(), count);
    told("discover");
    let examined: Vec<_> = plain.examine_dir(folder).unwrap().into_iter().map(Result::unwrap).collect();
    let outlines: Vec<_> = examined.iter().map(|one| &one.package).collect();
    assert_eq!(plain.resolver(&outlines).plan().order.len(), count);
    told("examine_dir and a plan");
    drop(examined);
    assert_eq!(checking.load_dir(folder).unwrap().loaded.len(), count);
    assert_eq!(checked.load(Relaxed), 3 * count, "the host's check sees every file");
    told("load_dir with a check");
    assert_eq!(plain.load_dir(folder).unwrap().loaded.len(), count);
    told("load_dir");
}

/// Judged, planned with and loaded, of however many plugins the contents of two are in memory at most: here there are twelve.
#[test]
fn however_many_plugins_two_are_in_memory() {
    for packed in [true, false] {
        let area = tempfile::tempdir().unwrap();
        for number in 0..12 {
            let (files, package) = large(number);
            if packed {
                fs::write(area.path().join(format!("wolf{number}.modpkg")), package).unwrap();
                continue;
            }
            let folder = area.path().join(format!("wolf{number}"));
            fs::create_dir(&folder).unwrap();
            files.iter().for_each(|(path, bytes)| fs::write(folder.join(path), bytes).unwrap());
        }
        let mut child = Command::new(env::current_exe().unwrap());
        // Glibc keeps freed memory, for each thread some: what is held is asked for here.
        child
            .env("MALLOC_ARENA_MAX", "1")
            .env("MALLOC_MMAP_THRESHOLD_", "65536")
            .env("MALLOC_TRIM_THRESHOLD_", "65536");
        let output = child.args(["--exact", "resident::child_of_many", "--nocapture"]).env(FOLDER, area.path());
        let output = output.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));
        let told: Vec<_> = out.lines().filter_map(|line| line.split_once("resident after ")).collect();
        assert_eq!(told.len(), 4, "{out}");
        for (_, told) in told {
            let (what, taken) = told.split_once(": ").unwrap();
            let (taken, caps) = (taken.trim().parse::<u64>().unwrap(), small());
            println!("12 plugins, packed {packed}: {} KiB at most after {what}", taken >> 10);
            assert!(taken <= 2 * (caps.total + caps.package) + SLACK, "{what}, packed {packed}: {taken} bytes");
        }
    }
}

/// Everything is read before the one wrong byte is found, and is at most once in memory.
#[test]
fn the_largest_package_takes_its_files_and_itself() {
    // Noise and zeroes: packed as well as no cap of ratios refuses.
    let mut random = fastrand::Rng::with_seed(11);
    let mut file = vec![0; 32 << 20];
    for block in file.chunks_mut(64 << 10) {
        block[..700].iter_mut().for_each(|byte| *byte = random.u8(..));
    }
    let last = &file[..(32 << 20) - 4096];
    let list = index("acme.wolf", "1.2.0", &[("a.bin", &file), ("plugin.toml", MANIFEST.as_bytes()), ("z.bin", last)]);
    let mut changed = last.to_vec();
    *changed.last_mut().unwrap() = 1;
    let files =
        [Part::new("a.bin", &file), Part::new("plugin.toml", MANIFEST.as_bytes()), Part::new("z.bin", &changed)];
    let bytes = Zip::of([vec![Part::new("META/files", list.as_bytes())], files.to_vec()].concat()).bytes();

    let area = tempfile::tempdir().unwrap();
    let path = area.path().join("largest.modpkg");
    fs::write(&path, &bytes).unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    let output = child.args(["--exact", "resident::child", "--nocapture"]).env(PATH, &path).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));
    let told = out.lines().find_map(|line| line.split_once("resident: ")).unwrap().1;
    let (taken, package) = (told.trim().parse::<u64>().unwrap(), bytes.len() as u64);
    println!("a package of {} KiB for 64 MiB takes {} KiB at most", package >> 10, taken >> 10);
    assert!(taken <= (64 << 20) + package + SLACK, "it takes {taken} bytes, and the package has {package}");
}
