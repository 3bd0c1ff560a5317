//! `modhost pack`: a plugin's folder to one file. Loads the plugin first, so that nobody ships what does not even load.

use std::{
    fs::{self, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};

use modhost::{
    Engine, Error, Result, Stage,
    package::{Algorithm, Omission, Omitted, PackOptions, Package, Packed},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{Pack, usage},
    diagnose, host,
    json::body::ErrorBody,
    kept,
    layout::{count, paragraph, safe, size, width},
    source::Sources,
};

/// The most files that are shown; JSON has all.
const FILES: usize = 20;

/// Packs.
pub(crate) fn pack(args: &Pack, json: bool) -> Answer {
    let mut sources = Sources::default().with_policy(args.policy.name.as_deref());
    let engine = match host::engine_under(&args.policy) {
        Ok(engine) => engine,
        Err(error) => return Answer::error_in(&error, json, &sources),
    };
    sources = Sources::new(std::slice::from_ref(&args.path), &engine.policy().caps);
    match packed(&engine, args) {
        Err(error) => Answer::error_in(&error, json, &sources),
        Ok(done) if json => Answer::object(0, &Body::of(&done)),
        Ok(done) => {
            done.not_loaded.iter().for_each(|error| diagnose::warning(error, &sources));
            done.secrets().for_each(|(one, told)| diagnose::note(&format!("{}: {told}", one.path)));
            Answer::new(0, page(&done))
        }
    }
}

/// What was done.
struct Done {
    packed: Packed,
    path: PathBuf,
    /// Whether it had to be: the same bytes may be there already.
    written: bool,
    /// Why it was not loaded here, where this host is the reason.
    not_loaded: Option<Error>,
}

impl Done {
    /// What was found of secrets, and what to do about them.
    fn secrets(&self) -> impl Iterator<Item = (&Omitted, &'static str)> {
        let left_out = self.packed.left_out.iter().filter(|one| one.why == Omission::PrivateKey);
        let included = self.packed.included.iter().filter(|one| one.why.is_secret());
        let out =
            left_out.map(|one| (one, "this is a private key and is left out; keep it out of the plugin's folder"));
        out.chain(included.map(|one| (one, "this looks like a secret and is in the package, where everybody reads it")))
    }
}

fn packed(engine: &Engine, args: &Pack) -> Result<Done> {
    if fs::metadata(&args.path).is_ok_and(|about| about.is_file()) {
        let message = format!("{}: this is a file; `pack` takes a plugin's folder", args.path.display());
        return Err(usage(message).with_help("Put the file and a plugin.toml into a folder, and name the folder."));
    }
    let caps = &engine.policy().caps;
    let package = Package::open(&args.path, caps)?;
    let algorithm = match package.recorded() {
        _ if args.sha512 => Algorithm::Sha512,
        true => package.index().algorithm(),
        false => Algorithm::Sha256,
    };
    if package.envelope().is_some() && algorithm != package.index().algorithm() {
        let message = "--sha512: the folder is of a signed package, and its signatures are over the list by SHA-256";
        return Err(
            usage(message).with_help("Leave --sha512 out, or remove META from the folder and sign the package again.")
        );
    }
    let mut options = PackOptions::default();
    (options.algorithm, options.envelope, options.include) = (algorithm, package.envelope(), &args.include);
    let packed = package.pack_with(&options, caps)?;
    let not_loaded = check(engine, &packed)?;
    let path = args.out.clone().unwrap_or_else(|| packed.file_name().into());
    let written = write(&path, &packed.bytes, args.force)?;
    Ok(Done { packed, path, written, not_loaded })
}

/// Loads what was packed, which may lack a file that the folder has. An error that lies in the plugin keeps it from being packed; one that lies in this host does not: elsewhere there are
/// other plugins, contracts and policies.
fn check(engine: &Engine, packed: &Packed) -> Result<Option<Error>> {
    match engine.load_source(&packed.file_name(), &packed.bytes) {
        Ok(_) => Ok(None),
        Err(error) if matches!(error.stage(), Stage::Vet | Stage::Resolve | Stage::Admit) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

/// Writes the package as a whole or not at all; whether there was anything to write.
fn write(path: &Path, bytes: &[u8], force: bool) -> Result<bool> {
    let failed = |error: io::Error| Error::io(Stage::Engine, path, &error);
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => {
            let message = format!("--out {}: this is a folder; name the file to write", path.display());
            return Err(usage(message));
        }
        Ok(about) if !about.is_file() => {
            let message = format!("{}: this is no plain file, and is not replaced", path.display());
            return Err(usage(message).with_help("Name another file by --out."));
        }
        Ok(about) if same(path, &about, bytes).map_err(failed)? => return Ok(false),
        Ok(_) if !force => {
            let message = format!("{}: another file is there already", path.display());
            return Err(
                usage(message).with_help("--force replaces it; a changed plugin has a higher version as a rule.")
            );
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    kept::write(path, bytes)?;
    Ok(true)
}

/// Whether the file holds these bytes.
fn same(path: &Path, about: &Metadata, bytes: &[u8]) -> io::Result<bool> {
    if about.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut there = Vec::with_capacity(bytes.len());
    kept::open(path)?.take(about.len() + 1).read_to_end(&mut there)?;
    Ok(there == bytes)
}

fn page(done: &Done) -> String {
    let package = &done.packed.package;
    let width = width(&io::stdout());
    let mut text = String::new();
    let mut row = |left: &str, right: &str| paragraph(&mut text, &format!("  {left:8}  "), right, width);
    let total: u64 = package.index().files().iter().map(|file| file.size).sum();
    let files = package.index().files();
    row("packed", &format!("{} {}", package.id(), package.version()));
    let there = if done.written { "" } else { " (the same was there already)" };
    row("as", &format!("{}{there}", safe(&done.path.display().to_string())));
    row("size", &format!("{} ({} unpacked)", size(done.packed.bytes.len() as u64), size(total)));
    let digest = package.digest().to_string();
    // The whole is wider than a terminal: its first word is the row's.
    let (algorithm, digits) = digest.split_once(':').unwrap_or(("digest", &digest));
    row(algorithm, digits);
    for (number, file) in files.iter().take(FILES).enumerate() {
        let left = if number == 0 { count(files.len(), "file") } else { String::new() };
        row(&left, &format!("{} ({})", safe(&file.path), size(file.size)));
    }
    if files.len() > FILES {
        row("", &format!("and {} more (--json names all)", files.len() - FILES));
    }
    for (left, all) in [("left out", &done.packed.left_out), ("included", &done.packed.included)] {
        for (number, one) in all.iter().take(FILES).enumerate() {
            row(if number == 0 { left } else { "" }, &format!("{} ({})", safe(&one.path), one.why));
        }
        if all.len() > FILES {
            row("", &format!("and {} more (--json names all)", all.len() - FILES));
        }
    }
    if package.envelope().is_some() {
        row("signed", "the signatures of the folder are in it as they were");
    }
    package.notes().iter().for_each(|note| row("note", &safe(note)));
    text
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    plugin: &'a str,
    version: String,
    path: String,
    /// Whether it was; the same package may have been there.
    written: bool,
    bytes: usize,
    digest: String,
    /// By which the files are listed.
    algorithm: String,
    files: Vec<FileBody<'a>>,
    /// What of the folder is not in it.
    left_out: Vec<OmittedBody<'a>>,
    /// What would be left out and is in it.
    included: Vec<OmittedBody<'a>>,
    /// Whether the folder had signatures, which are in the package.
    signatures: bool,
    notes: &'a [String],
    /// Why it was not loaded here.
    not_loaded: Option<ErrorBody<'a>>,
}

#[derive(Serialize)]
struct FileBody<'a> {
    path: &'a str,
    bytes: u64,
    digest: &'a str,
}

#[derive(Serialize)]
struct OmittedBody<'a> {
    path: &'a str,
    /// One word: `private-key`, `backup`.
    why: &'static str,
    secret: bool,
}

impl<'a> OmittedBody<'a> {
    fn of(one: &'a Omitted) -> Self {
        OmittedBody { path: &one.path, why: one.why.as_str(), secret: one.why.is_secret() }
    }
}

impl<'a> Body<'a> {
    fn of(done: &'a Done) -> Self {
        let package = &done.packed.package;
        let index = package.index();
        let file = |file: &'a modhost::package::IndexedFile| FileBody {
            path: &file.path,
            bytes: file.size,
            digest: &file.digest,
        };
        Body {
            ok: true,
            plugin: package.id().as_str(),
            version: package.version().to_string(),
            path: done.path.display().to_string(),
            written: done.written,
            bytes: done.packed.bytes.len(),
            digest: package.digest().to_string(),
            algorithm: index.algorithm().to_string(),
            files: index.files().iter().map(file).collect(),
            left_out: done.packed.left_out.iter().map(OmittedBody::of).collect(),
            included: done.packed.included.iter().map(OmittedBody::of).collect(),
            signatures: package.envelope().is_some(),
            notes: package.notes(),
            not_loaded: done.not_loaded.as_ref().map(Into::into),
        }
    }
}
