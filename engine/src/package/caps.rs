//! [`Caps`]: how much of a plugin is read at most. It states numbers; the readers hold them.

/// How much is read at most, whatever the file system claims about sizes.
///
/// ```
/// use modhost::package::Caps;
///
/// let mut caps = Caps::default();
/// caps.file = 1 << 20;
/// assert_eq!(caps.total, 64 << 20);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Caps {
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files of one plugin together.
    pub total: u64,
    /// Bytes of all plugins of a folder together, with their lists of files and signatures. In memory are at most as many as two plugins may
    /// have, packed and unpacked.
    pub folder: u64,
    /// Files and folders of one plugin.
    pub files: usize,
    /// Bytes of a `.modpkg` file.
    pub package: u64,
    /// How many bytes one packed byte of a file may stand for.
    pub ratio: u64,
    /// Bytes of `plugin.toml`.
    pub manifest: u64,
    /// Entries of a folder of plugins.
    pub plugins: usize,
    /// Folders within folders of one plugin.
    pub depth: usize,
}

impl Default for Caps {
    /// 32 MiB a file, 64 MiB and 4,096 files a plugin, 256 KiB a manifest, 1 GiB and 10,000 entries in a folder of plugins, 16 deep;
    /// 32 MiB a package, packed at most 128 to 1.
    fn default() -> Self {
        Caps {
            file: 32 << 20,
            total: 64 << 20,
            folder: 1 << 30,
            package: 32 << 20,
            ratio: 128,
            files: 4096,
            manifest: 256 << 10,
            plugins: 10_000,
            depth: 16,
        }
    }
}
