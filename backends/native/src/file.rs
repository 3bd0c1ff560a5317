//! The private copy that the loader maps: exactly the vetted bytes, under a name that was never used before. The loader
//! takes a path, and a path of the plugin's own could be swapped between check and use.

use std::path::Path;

use modhost_backend::{Fault, FaultKind};

fn io(what: &str, error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Io { message: format!("{what}: {error}") })
}

/// What the loader says, without the path, which is ours.
fn refused(path: &Path, error: &libloading::Error) -> Fault {
    let text = error.to_string().replace(&*path.to_string_lossy(), "the library");
    // A version of the C library that is not there is another system, not damage.
    let kind = if text.contains("version `") {
        FaultKind::NativeArch { message: text }
    } else {
        FaultKind::NativeCorrupt { message: text }
    };
    Fault::new(kind)
}

/// Hands the path of a copy of `bytes` to `map`. The copy lives in sealed memory, which nobody can write to, not even
/// through a descriptor that leaked.
#[cfg(target_os = "linux")]
pub(crate) fn with_private_copy<T>(
    bytes: &[u8],
    map: impl FnOnce(&Path) -> Result<T, libloading::Error>,
) -> Result<T, Fault> {
    use std::{fs::File, io::Write, os::fd::AsRawFd, path::PathBuf};

    use rustix::{
        fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
        io::Errno,
    };

    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag; some later ones demand it.
    let made = match memfd_create("modhost-plugin", flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create("modhost-plugin", flags),
        made => made,
    };
    let mut file: File = made.map_err(|error| io("a memory file for the library", error))?.into();
    file.write_all(bytes).map_err(|error| io("a memory file for the library", error))?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    // Whatever of the system looks at a page of the file just then, compaction for instance, makes it busy. The kernel waits for
    // up to 75 ms each time.
    let sealed = (0..20).map(|_| fcntl_add_seals(&file, seals)).find(|sealed| *sealed != Err(Errno::BUSY));
    sealed.unwrap_or(Err(Errno::BUSY)).map_err(|error| io("sealing the library", error))?;

    let path = PathBuf::from(format!("{}{}", unique_directory(), file.as_raw_fd()));
    // The mapping keeps the file, so the descriptor is closed afterwards: a reload costs none.
    map(&path).map_err(|error| refused(&path, &error))
}

/// This process's descriptors, spelled as it never was before. The loader goes by name: a descriptor number that is
/// used again under the same spelling would give the library that had it first.
#[cfg(target_os = "linux")]
fn unique_directory() -> String {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static COUNT: AtomicU64 = AtomicU64::new(1);
    let mut count = COUNT.fetch_add(1, Relaxed);
    let mut path = String::from("/proc/self/fd/");
    // `/` and `./` mean nothing to the kernel and spell the number in binary.
    while count > 0 {
        path.push_str(if count & 1 == 1 { "./" } else { "/" });
        count >>= 1;
    }
    path
}

/// Hands the path of a copy of `bytes` to `map`. The copy lies in a directory that only this user can enter; its name
/// is new each time, and it is gone afterwards where the system lets a mapped file go.
#[cfg(not(target_os = "linux"))]
pub(crate) fn with_private_copy<T>(
    bytes: &[u8],
    map: impl FnOnce(&Path) -> Result<T, libloading::Error>,
) -> Result<T, Fault> {
    let mut directory = tempfile::Builder::new();
    directory.prefix("modhost-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        directory.permissions(std::fs::Permissions::from_mode(0o700));
    }
    let directory = directory.tempdir().map_err(|error| io("a private directory for the library", error))?;
    // The file is named like its directory, so that no two libraries ever have one name.
    let name = directory.path().file_name().unwrap_or_default();
    let path = directory.path().join(name).with_extension(std::env::consts::DLL_EXTENSION);
    std::fs::write(&path, bytes).map_err(|error| io("a private copy of the library", error))?;
    map(&path).map_err(|error| refused(&path, &error))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{collections::BTreeSet, ffi::OsString, fs};

    use super::*;

    #[test]
    fn the_copy_is_whole_sealed_and_named_anew_each_time() {
        // As texts: to `Path`, as to the kernel, the spellings are one.
        let mut seen: BTreeSet<OsString> = BTreeSet::new();
        for round in 0..200_u8 {
            with_private_copy(&[round; 100], |path| {
                assert_eq!(fs::read(path).unwrap(), [round; 100]);
                assert!(fs::write(path, b"other").is_err(), "written to in spite of the seals");
                assert!(seen.insert(path.as_os_str().to_owned()), "{} was there before", path.display());
                Ok(())
            })
            .unwrap();
        }
        let left = fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
        let left = left.filter(|link| link.to_string_lossy().contains("modhost-plugin")).count();
        assert_eq!(left, 0, "descriptors that stay open run out after a thousand reloads");
    }
}
