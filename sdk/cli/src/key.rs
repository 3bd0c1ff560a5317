//! `modhost key`: makes private keys, and shows the public half of one. A private key goes to its file and nowhere else.

use std::{fs, path::Path};

use modhost::{
    Code, Error, Result, ShowPath as _, Stage,
    verify::{PublicKey, SecretKey},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{Key, KeyVerb, Passphrase, usage},
    json::about::raw,
    kept,
    layout::{Text, safe},
    passphrase,
};

/// The longest file of a key, in bytes.
const LONGEST: u64 = 16 << 10;

/// Makes a key or shows one.
pub(crate) fn key(args: &Key, json: bool) -> Answer {
    let done = match &args.verb {
        KeyVerb::New { file, encrypt, passphrase } => {
            new(file, passphrase, *encrypt).map(|made| (file, made.0, Some(made.1), None))
        }
        KeyVerb::Show { file, out, passphrase } => {
            show(file, out.as_deref(), passphrase).map(|public| (file, public, None, out.as_deref()))
        }
    };
    let (file, public, made, out) = match done {
        Ok(done) => done,
        Err(error) => return Answer::error(&error, json),
    };
    let (file, id) = (raw(file), public.id().to_string());
    let body = Body { ok: true, file, public: public.to_string(), id, encrypted: made, out: out.map(raw) };
    if json {
        return Answer::object(0, &body);
    }
    let mut text = Text::default();
    text.lines(&[&"public key", &format_args!("  {}", body.public), &"key id", &format_args!("  {}", body.id)]);
    if let Some(encrypted) = made {
        let file = safe(&body.file);
        let how = if encrypted { "encrypted" } else { "not encrypted" };
        text.lines(&[
            &"",
            &format_args!("{file} holds the private key, {how}: keep it to yourself."),
            &"Whoever trusts you with plugins says:",
            &"  modhost trust add --namespace 'PUBLISHER.*' \\",
            &format_args!("      {}", body.public),
        ]);
    }
    if let Some(out) = &body.out {
        text.lines(&[&"", &format_args!("{} holds the public key in PEM: it is for everybody.", safe(out))]);
    }
    Answer::new(0, text)
}

#[derive(Serialize)]
struct Body {
    ok: bool,
    file: String,
    public: String,
    id: String,
    /// Whether the new private key's file is.
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted: Option<bool>,
    /// The file that the public key was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<String>,
}

/// The public key in a file, which goes to `out` too.
fn show(file: &Path, out: Option<&Path>, options: &Passphrase) -> Result<PublicKey> {
    if let Some(out) = out.filter(|out| fs::symlink_metadata(out).is_ok()) {
        return Err(usage(format!("--out {}: there is something already", out.shown())));
    }
    let public = public(file, options)?;
    if let Some(out) = out {
        kept::write(out, public.to_pem()?)?;
    }
    Ok(public)
}

/// A new key's public half, and whether its file is encrypted.
fn new(file: &Path, options: &Passphrase, encrypt: bool) -> Result<(PublicKey, bool)> {
    let exists = || {
        usage(format!("{}: there is something already", file.shown()))
            .with_help("A private key is never overwritten: choose another name, or move the old key away.")
    };
    let there = || fs::symlink_metadata(file).is_ok();
    // Before somebody thinks of a passphrase for nothing.
    if there() {
        return Err(exists());
    }
    let given = passphrase::for_new(options, encrypt)?;
    let secret = SecretKey::generate()?;
    passphrase::create(&secret, file, given.as_ref().map(|text| text.as_str()))
        .map_err(|error| if there() { exists() } else { error })?;
    Ok((secret.public(), given.is_some()))
}

/// The public key in a file: of a public key, or of a private one.
pub(crate) fn public(file: &Path, options: &Passphrase) -> Result<PublicKey> {
    // What is no text is no key in PEM, as the reader of private keys says.
    let begin = String::from_utf8(kept::bounded(file, LONGEST + 1)?).unwrap_or_default();
    if begin.contains("-----BEGIN PUBLIC KEY-----") {
        return PublicKey::from_pem(&begin).map_err(|error| {
            let message = format!("{}: {}", file.shown(), error.message());
            Error::new(Code::VerifyKey, Stage::Vet, message).with_help(error.help())
        });
    }
    if !begin.contains("PRIVATE KEY") {
        let message = format!("{}: this is no key in PEM, neither a public nor a private one", file.shown());
        let help =
            "Name a file of a key: `modhost key new` writes a private one, `modhost key show --out` its public half.";
        return Err(Error::new(Code::TrustKeyFile, Stage::Vet, message).with_help(help));
    }
    passphrase::open(file, options).map(|secret| secret.public())
}
