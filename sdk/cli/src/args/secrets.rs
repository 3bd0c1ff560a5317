//! Secrets among the words, in the place of the path of a secret's file: found before anything shows the words.

use std::{ffi::OsString, path::Path};

use modhost::{Error, Result, verify::SecretKey};

/// The options that take the file of a secret, or lie near one that does.
const OPTIONS: [&str; 8] = [
    "--key",
    "--by",
    "--passphrase-file",
    "--store-key-file",
    "--store",
    "--seen",
    "--audit-key",
    "--audit-rotate-from",
];

/// Refuses secrets in the place of paths; a private key in PEM has no place among the words at all.
///
/// # Errors
/// `usage.secret`, which does not hold the secret.
pub(super) fn none_in(words: &[OsString]) -> Result<()> {
    let verb = |number: usize| words.get(number).and_then(|word| word.to_str()).unwrap_or_default();
    let about_keys = verb(0) == "key" || verb(0) == "--json" && verb(1) == "key";
    let mut option = None;
    for word in words {
        let text = word.to_string_lossy();
        let (name, value) = match text.split_once('=') {
            Some((name, value)) if OPTIONS.contains(&name) => (Some(name.to_owned()), value.to_owned()),
            _ => (option.take(), text.clone().into_owned()),
        };
        let takes_secret = name.is_some() || about_keys && !text.starts_with("--");
        if pem(&text) || takes_secret && SecretKey::takes_path(Path::new(&value)).is_err() {
            return Err(refused(name.as_deref().unwrap_or("here")));
        }
        option = OPTIONS.iter().find(|option| **option == text).map(|option| (*option).to_owned());
    }
    Ok(())
}

/// Whether `shown`, which is about the words, holds one that is like a secret.
pub(super) fn some_in(words: &[OsString], shown: &str) -> bool {
    words.iter().any(|word| {
        let text = word.to_string_lossy();
        let value = text.split_once('=').filter(|(name, _)| name.starts_with("--")).map(|(_, value)| value);
        let mut texts = [Some(&*text), value].into_iter().flatten();
        texts.any(|text| shown.contains(text.trim()) && SecretKey::takes_path(Path::new(text)).is_err())
    })
}

fn pem(text: &str) -> bool {
    // Within a text that is a plugin's it is the plugin's.
    let value = text.split_once('=').filter(|(name, _)| name.starts_with("--")).map_or(text, |(_, value)| value);
    [text, value].iter().any(|text| text.trim_start().starts_with("-----BEGIN"))
}

/// Says where the secret stands and not what it is.
pub(crate) fn refused(place: &str) -> Error {
    let message = format!("{place}: a secret was given where the path of its file is needed; it is not shown");
    let error = Error::new(modhost::Code::UsageSecret, modhost::Stage::Engine, message);
    error.with_help(modhost::Code::UsageSecret.remedy())
}
