//! `modhost sign`: puts a signature into a package, beside the files of one that was unpacked, or beside a lockfile.

mod lock;

use std::{
    fs,
    path::{Path, PathBuf},
};

use modhost::{
    Code, Error, Result, ShowPath as _, Stage,
    package::{Caps, Package},
    replace::Held,
    verify::{Envelope, KeyId, SignOptions, Signature, sign_index},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{Sign, not_ended, usage},
    json::about::raw,
    kept,
    layout::{Text, count, safe},
    lock::is_lockfile,
    passphrase,
    source::Sources,
};

/// Signs.
pub(crate) fn sign(args: &Sign, json: bool) -> Answer {
    let lockfile = is_lockfile(&args.path);
    match if lockfile { lock::signed(args) } else { signed(args) } {
        Err(error) if lockfile => Answer::error_in(&error, json, &crate::lock::sources(Sources::default(), &args.path)),
        Err(error) => Answer::error_in(&error, json, &Sources::new(std::slice::from_ref(&args.path), &Caps::default())),
        Ok(body) if json => Answer::object(0, &body),
        Ok(body) => Answer::new(0, body.page()),
    }
}

#[derive(Serialize)]
struct Body {
    ok: bool,
    #[serde(flatten)]
    what: What,
    /// The file that holds the signature now.
    path: String,
    /// The id of the key.
    key: String,
    signer: String,
    /// Null for never.
    expires: Option<String>,
    /// Whether the same key had signed before.
    renewed: bool,
    /// The ids of all keys that signed.
    keys: Vec<String>,
}

/// What was signed.
#[derive(Serialize)]
#[serde(untagged)]
enum What {
    Package { plugin: String, version: String, digest: String },
    Lockfile { lockfile: String, plugins: usize },
}

impl Body {
    /// `envelope` holds `signature` now, at `path`.
    fn of(what: What, path: &Path, signature: &Signature, renewed: bool, envelope: &Envelope) -> Self {
        Body {
            ok: true,
            what,
            path: raw(path),
            key: signature.public.id().to_string(),
            signer: signature.signer.clone(),
            expires: signature.expires.map(|date| date.to_string()),
            renewed,
            keys: envelope.keys().map(|key: KeyId| key.to_string()).collect(),
        }
    }

    fn page(&self) -> Text {
        let until = self.expires.as_deref().map_or_else(|| "without an end".into(), |end| format!("until {end}"));
        let renewed = if self.renewed { ", in place of its earlier signature" } else { "" };
        let (what, digest) = match &self.what {
            What::Package { plugin, version, digest } => {
                (format!("{plugin} {version}"), Some(digest.replacen(':', " ", 1)))
            }
            What::Lockfile { lockfile, plugins } => {
                (format!("{}, which holds {},", safe(lockfile), count(*plugins, "plugin")), None)
            }
        };
        let mut text = Text::of(format_args!("signed {what} as {} {until}{renewed}", safe(&self.signer)));
        text.line(format_args!("  key    {}", self.key));
        digest.iter().for_each(|digest| text.line(format_args!("  {digest}")));
        let signatures = count(self.keys.len(), "signature");
        text.line(format_args!("  in     {}, which holds {signatures}", safe(&self.path)));
        text
    }
}

/// What the words say beside the signature.
fn options(args: &Sign) -> Result<SignOptions> {
    let stem = args.key.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let mut options = SignOptions::new(args.signer.clone().or(stem).unwrap_or_default());
    not_ended("--expires", args.expires)?;
    options.expires = args.expires;
    options.meta = args.meta.iter().cloned().collect();
    if options.meta.len() != args.meta.len() {
        return Err(usage("--meta: a name is given twice"));
    }
    Ok(options)
}

/// `signature` among those that were there, and whether its key had signed before.
fn added(there: Option<Envelope>, signature: Signature) -> Result<(Envelope, bool)> {
    let Some(mut envelope) = there else { return Ok((Envelope::of(signature), false)) };
    let renewed = envelope.keys().any(|key| key == signature.public.id());
    envelope.add(signature)?;
    Ok((envelope, renewed))
}

/// The package, and the signatures in it, which hold.
fn open(args: &Sign, caps: &Caps) -> Result<(Package, Option<Envelope>)> {
    let package = Package::open(&args.path, caps)?;
    if !package.recorded() {
        let message = format!("{}: there is no META/files, which is what is signed", args.path.shown());
        let help = "Pack the folder first: `modhost pack DIR`, then sign the package that it writes.";
        return Err(usage(message).with_help(help));
    }
    let there = package.envelope().map(Envelope::parse).transpose()?;
    let index = package.index().as_bytes();
    let bad = there.iter().flat_map(Envelope::signatures).find(|signature| !signature.holds(index));
    if let Some(bad) = bad {
        let message = format!("the signature of the key {} in it does not hold", bad.public.id().short());
        let help =
            "The package was changed after it was signed. Get it again, or pack its folder without META/signatures.";
        return Err(Error::new(Code::VerifyBadSignature, Stage::Vet, message).with_help(help));
    }
    Ok((package, there))
}

fn signed(args: &Sign) -> Result<Body> {
    let caps = Caps::default();
    let folder = args.path.is_dir();
    if folder && args.out.is_some() {
        return Err(usage("--out: a folder is signed in place").with_help("Leave --out out, or pack the folder first."));
    }
    let options = options(args)?;
    let held = held(args)?;
    let asked = open(args, &caps)?.0;
    drop(held);
    // Nobody is kept waiting while somebody thinks of a passphrase; what is there may be another one afterwards.
    let secret = passphrase::open(&args.key, &args.passphrase)?;
    let _held = self::held(args)?;
    let (package, there) = open(args, &caps)?;
    if package.digest() != asked.digest() {
        return Err(changed(&args.path));
    }
    let signature = sign_index(package.index().as_bytes(), &secret, options)?;
    let (envelope, renewed) = added(there, signature.clone())?;
    let path = put(args, &package, &envelope.to_string(), &caps)?;
    let what = What::Package {
        plugin: package.id().to_string(),
        version: package.version().to_string(),
        digest: package.digest().to_string(),
    };
    Ok(Body::of(what, &path, &signature, renewed, &envelope))
}

/// Keeps other signers of the same waiting.
///
/// # Errors
/// Those of [`kept::hold`], and `io.not-found`.
fn held(args: &Sign) -> Result<Held> {
    fs::metadata(&args.path).map_err(|error| Error::io(Stage::Open, &args.path, &error))?;
    kept::hold(args.out.as_ref().unwrap_or(&args.path))
}

/// What was signed would not be what was looked at.
fn changed(path: &Path) -> Error {
    usage(format!("{}: it was changed meanwhile", path.shown())).with_help("Sign it again, if you still would.")
}

/// Writes the envelope where it belongs.
fn put(args: &Sign, package: &Package, envelope: &str, caps: &Caps) -> Result<PathBuf> {
    if args.path.is_dir() {
        let path = args.path.join("META").join("signatures");
        kept::write(&path, envelope)?;
        return Ok(path);
    }
    let packed = package.pack(package.index().algorithm(), Some(envelope.as_bytes()), caps)?;
    if packed.package.digest() != package.digest() {
        let message = "the package would be another one when it is written again: it holds files that are never packed";
        return Err(Error::new(Code::PackageFileExtra, Stage::Open, message).of(package.id().to_string()));
    }
    let path = args.out.as_ref().unwrap_or(&args.path);
    if args.out.is_some() && fs::symlink_metadata(path).is_ok() {
        return Err(usage(format!("--out {}: there is something already", path.shown())));
    }
    kept::write(path, &packed.bytes)?;
    Ok(path.clone())
}
