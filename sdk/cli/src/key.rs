//! `modhost key`: makes private keys, and shows the public half of one. A private key goes to its file and nowhere else.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use modhost::{
    Code, Error, Result, Stage,
    verify::{PublicKey, SecretKey},
};
use serde::Serialize;

use crate::{
    answer::Answer,
    args::{Key, KeyVerb},
    json::about::shown,
};

/// The longest file of a key, in bytes.
const LONGEST: u64 = 16 << 10;

/// Makes a key or shows one.
pub(crate) fn key(args: &Key, json: bool) -> Answer {
    let done = match &args.verb {
        KeyVerb::New { file } => new(file).map(|public| (file, public, true)),
        KeyVerb::Show { file } => public(file).map(|public| (file, public, false)),
    };
    let (file, public, made) = match done {
        Ok(done) => done,
        Err(error) => return Answer::error(&error, json),
    };
    let body = Body { ok: true, file: shown(file), public: public.to_string(), id: public.id().to_string() };
    if json {
        return Answer::object(0, &body);
    }
    let mut text = format!("public key\n  {}\nkey id\n  {}\n", body.public, body.id);
    if made {
        let file = crate::layout::safe(&body.file);
        text += &format!(
            "\n{file} holds the private key: keep it to yourself.\nWhoever trusts you with plugins says:\n  modhost trust add --namespace 'PUBLISHER.*' \\\n      {}\n",
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
}

fn new(file: &Path) -> Result<PublicKey> {
    let secret = SecretKey::generate()?;
    secret.create(file).map_err(|error| {
        if file.exists() {
            let help = "A private key is never overwritten: choose another name, or move the old key away.";
            return error.with_help(help);
        }
        error
    })?;
    Ok(secret.public())
}

/// The public key in a file: of a public key, or of a private one.
pub(crate) fn public(file: &Path) -> Result<PublicKey> {
    let failed = |error| Error::io(Stage::Engine, file, &error);
    let mut begin = String::new();
    match File::open(file).map_err(failed)?.take(LONGEST + 1).read_to_string(&mut begin) {
        Err(error) if error.kind() == ErrorKind::InvalidData => {}
        read => drop(read.map_err(failed)?),
    }
    if begin.contains("-----BEGIN PUBLIC KEY-----") {
        return PublicKey::from_pem(&begin).map_err(|error| {
            let message = format!("{}: {}", file.display(), error.message());
            Error::new(Code::VerifyKey, Stage::Vet, message).with_help(error.help())
        });
    }
    SecretKey::open(file).map(|secret| secret.public())
}
