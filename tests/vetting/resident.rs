//! The largest package that the caps allow, in a process of its own: what is resident at the peak, as the system counts it.
#![cfg(target_os = "linux")]

use std::{env, fs, process::Command};

use modhost::{
    Code,
    package::{Caps, Package},
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
