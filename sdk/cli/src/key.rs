//! `modhost key`: makes private keys, and shows the public half of one. A private key goes to its file and nowhere else.

use std::{io::ErrorKind, path::Path};

use modhost::{
    Code, Error, Result, Stage,
    verify::{PublicKey, SecretKey},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{Key, KeyVerb, Passphrase},
    json::about::shown,
    kept, passphrase,
};

/// The longest file of a key, in bytes.
const LONGEST: u64 = 16 << 10;

/// Makes a key or shows one.
pub(crate) fn key(args: &Key, json: bool) -> Answer {
    let done = match &args.verb {
        KeyVerb::New { file, encrypt, passphrase } => {
            new(file, passphrase, *encrypt).map(|made| (file, made.0, Some(made.1)))
        }
        KeyVerb::Show { file, passphrase } => public(file, passphrase).map(|public| (file, public, None)),
    };
    let (file, public, made) = match done {
        Ok(done) => done,
        Err(error) => return Answer::error(&error, json),
    };
    let (file, id) = (shown(file), public.id().to_string());
    let body = Body { ok: true, file, public: public.to_string(), id, encrypted: made };
    if json {
        return Answer::object(0, &body);
    }
    let mut text = format!("public key\n  {}\nkey id\n  {}\n", body.public, body.id);
    if let Some(encrypted) = made {
        let file = crate::layout::safe(&body.file);
        let how = if encrypted { "encrypted" } else { "not encrypted" };
        text += &format!(
            "\n{file} holds the private key, {how}: keep it to yourself.\nWhoever trusts you with plugins says:\n  modhost trust add --namespace 'PUBLISHER.*' \\\n      {}\n",
            body.public
        );
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
}

/// A new key's public half, and whether its file is encrypted.
fn new(file: &Path, options: &Passphrase, encrypt: bool) -> Result<(PublicKey, bool)> {
    let exists = |error: Error| {
        error.with_help("A private key is never overwritten: choose another name, or move the old key away.")
    };
    if encrypt && file.exists() {
        // Before somebody thinks of a passphrase for nothing.
        return Err(exists(Error::io(Stage::Vet, file, &ErrorKind::AlreadyExists.into())));
    }
    let given = passphrase::for_new(options, encrypt)?;
    let secret = SecretKey::generate()?;
    passphrase::create(&secret, file, given.as_ref().map(|text| text.as_str()))
        .map_err(|error| if file.exists() { exists(error) } else { error })?;
    Ok((secret.public(), given.is_some()))
}

/// The public key in a file: of a public key, or of a private one.
pub(crate) fn public(file: &Path, options: &Passphrase) -> Result<PublicKey> {
    // What is no text is no key in PEM, as the reader of private keys says.
    let begin = String::from_utf8(kept::bounded(file, LONGEST + 1)?).unwrap_or_default();
    if begin.contains("-----BEGIN PUBLIC KEY-----") {
        return PublicKey::from_pem(&begin).map_err(|error| {
            let message = format!("{}: {}", file.display(), error.message());
            Error::new(Code::VerifyKey, Stage::Vet, message).with_help(error.help())
        });
    }
    passphrase::open(file, options).map(|secret| secret.public())
}
