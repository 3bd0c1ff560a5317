//! Private keys under a passphrase (PKCS#8 with scrypt and AES-256, which OpenSSL reads and writes), and where the passphrase comes from.

mod ask;

use std::{
    env,
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use modhost::{Code, Error, Result, ShowPath as _, Shown, Stage, verify::SecretKey};
use pkcs8::{
    EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument,
    pkcs5::pbes2::{Kdf, Parameters},
};
use zeroize::Zeroizing;

use crate::{
    args::{Passphrase, secret_in_place, usage},
    kept,
};

const LABEL: &str = "ENCRYPTED PRIVATE KEY";
/// The longest passphrase, in bytes.
const LONGEST: u64 = 1024;
/// What deriving the key from the passphrase may take at most: 256 MiB and some seconds. A file says what it takes, and whose file
/// it is nobody knows yet.
const MOST_MEMORY: u64 = 256 << 20;
const MOST_ROUNDS: u64 = 5_000_000;

fn wrong(message: impl Into<String>) -> Error {
    Error::new(Code::TrustKeyFile, Stage::Vet, message)
}

/// The passphrase that the options or the environment give.
fn given(options: &Passphrase) -> Result<Option<Zeroizing<String>>> {
    let text = match &options.file {
        Some(file) => read(file)?,
        None => match env::var("MODHOST_PASSPHRASE") {
            Ok(text) => Zeroizing::new(text),
            Err(env::VarError::NotPresent) => return Ok(None),
            // The error would show what the variable holds.
            Err(env::VarError::NotUnicode(_)) => return Err(usage("MODHOST_PASSPHRASE: this is not UTF-8 text")),
        },
    };
    line(&text).map(Some)
}

/// The first line of `text`.
fn line(text: &str) -> Result<Zeroizing<String>> {
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() || line.len() as u64 > LONGEST {
        return Err(usage(format!("a passphrase is one line of 1 to {LONGEST} bytes")));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// The passphrase for a new key: given, or asked for where `encrypt` says that there is to be one.
pub(crate) fn for_new(options: &Passphrase, encrypt: bool) -> Result<Option<Zeroizing<String>>> {
    let given = given(options)?;
    if given.is_some() || !encrypt {
        return Ok(given);
    }
    let Some(first) = ask::ask(&Shown::new("Passphrase for the new key: "))? else {
        return Err(usage("--encrypt asks for a passphrase, and here is no terminal to ask on")
            .with_help("Give it by --passphrase-file FILE or in MODHOST_PASSPHRASE."));
    };
    let first = line(&first)?;
    match ask::ask(&Shown::new("The same again: "))? {
        Some(again) if *again == *first => Ok(Some(first)),
        _ => Err(usage("the two passphrases differ: no key was made")),
    }
}

/// Reads the file of a passphrase, which is held as strictly as a private key. It may be a pipe, whose mode is asked as well.
fn read(file: &Path) -> Result<Zeroizing<String>> {
    SecretKey::takes_path(file).map_err(|_| secret_in_place("--passphrase-file"))?;
    let failed = |error: std::io::Error| match error.kind() {
        // Any word at all may be the passphrase itself.
        ErrorKind::NotFound | ErrorKind::InvalidFilename | ErrorKind::InvalidInput => {
            let message = "--passphrase-file: there is no such file; its name is not shown, it may be the passphrase";
            Error::new(Code::IoNotFound, Stage::Engine, message)
                .with_help("Give the path of a file whose first line is the passphrase.")
        }
        _ => Error::io(Stage::Engine, file, &error),
    };
    let mut text = Zeroizing::new(String::with_capacity(2 * LONGEST as usize));
    let open = File::open(file).map_err(failed)?;
    SecretKey::guarded(&open, file)?;
    match open.take(LONGEST + 2).read_to_string(&mut text) {
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(usage(format!("{}: this is not UTF-8 text", file.shown())))
        }
        read => read.map_err(failed).map(|_| text),
    }
}

/// Writes a key to a new file: encrypted, if there is a passphrase.
pub(crate) fn create(secret: &SecretKey, file: &Path, passphrase: Option<&str>) -> Result<()> {
    let Some(passphrase) = passphrase else { return secret.create(file) };
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(Code::InternalBug, Stage::Vet, format!("the private key could not be encrypted: {error}"))
    };
    let (_, plain) = SecretDocument::from_pem(&secret.to_pem()?).map_err(|error| failed(&error))?;
    let sealed = PrivateKeyInfoRef::try_from(plain.as_bytes())
        .and_then(|info| info.encrypt(passphrase))
        .map_err(|error| failed(&error))?;
    let pem = sealed.to_pem(LABEL, LineEnding::LF).map_err(|error| failed(&error))?;
    SecretKey::write_private(file, &pem)
}

/// Whether the file of this name may hold a private key.
fn looks_private(file: &Path) -> bool {
    let mut begin = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
    let read = kept::open(file).and_then(|file| file.take(LONGEST).read_to_end(&mut begin));
    read.is_err() || begin.windows(11).any(|part| part == b"PRIVATE KEY")
}

/// Reads a key from its file, encrypted or not.
pub(crate) fn open(file: &Path, options: &Passphrase) -> Result<SecretKey> {
    let named = |why: &str| wrong(format!("{}: {why}", file.shown()));
    let text = SecretKey::read_private(file).map_err(|error| match error.code() {
        // Of what is no key at all everybody may read all.
        Code::TrustKeyExposed if !looks_private(file) => named("this is no private key in PEM"),
        _ => error,
    })?;
    if !text.contains(LABEL) {
        return SecretKey::from_pem(&text).map_err(|error| named(error.message()));
    }
    let sealed = SecretDocument::from_pem(&text).ok().filter(|(label, _)| *label == LABEL);
    let (_, sealed) = sealed.ok_or_else(|| named("this is no private key in PEM"))?;
    let info = EncryptedPrivateKeyInfoRef::try_from(sealed.as_bytes()).map_err(|_| named("this is no private key"))?;
    if !info.encryption_algorithm.pbes2().is_some_and(bearable) {
        return Err(named("the private key is encrypted in a way that is not read, or would take too long"));
    }
    let passphrase = match given(options)? {
        Some(passphrase) => passphrase,
        None => {
            let asked = ask::ask(&Shown::new(&format!("Passphrase of {}: ", file.shown())))?.ok_or_else(|| {
                named("the private key is encrypted, and no passphrase is given")
                    .with_help("Give it by --passphrase-file FILE or in MODHOST_PASSPHRASE.")
            })?;
            line(&asked)?
        }
    };
    let plain = info.decrypt(&*passphrase).map_err(|_| {
        named("the passphrase is wrong, or the file is damaged")
            .with_help("Try again with the right one: --passphrase-file FILE, else $MODHOST_PASSPHRASE, else what a terminal is asked.")
    })?;
    let pem = plain.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|_| named("this is no private key"))?;
    SecretKey::from_pem(&pem).map_err(|error| named(error.message()))
}

/// Whether deriving the key takes no more memory and time than a file of whoever may ask for.
fn bearable(parameters: &Parameters) -> bool {
    match &parameters.kdf {
        Kdf::Scrypt(asked) => {
            let memory = asked.cost_parameter.checked_mul(128 * u64::from(asked.block_size));
            let passes = u64::from(asked.parallelization);
            memory.and_then(|memory| memory.checked_mul(passes)).is_some_and(|work| work <= MOST_MEMORY)
        }
        Kdf::Pbkdf2(asked) => u64::from(asked.iteration_count) <= MOST_ROUNDS,
        _ => false,
    }
}
