//! Tells a secret from the path of a file that holds one: whoever confuses them must not find the secret in an error or a log.

use std::{fs, path::Path};

use super::key::refused;
use crate::error::{Code, Error};

/// The fewest digits of base64 that 32 bytes have.
const DIGITS: usize = 43;

/// Whether `path`, which a host took for the path of a secret's file, is a secret itself: PEM, 64 hex digits, or 32 bytes and more in base64.
/// What is there under that name is a path. `./NAME` is never taken for a secret.
pub(super) fn is_secret(path: &Path) -> bool {
    // What is no text is neither PEM nor digits.
    let Some(text) = path.to_str() else { return contains_pem(&path.to_string_lossy()) };
    if contains_pem(text) {
        return true;
    }
    let digits: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    (is_hex(&digits) || is_base64(&digits)) && fs::symlink_metadata(path).is_err()
}

/// Also of a part: a shell takes a text without quotes apart.
fn contains_pem(text: &str) -> bool {
    ["-----BEGIN", "-----END", "KEY-----"].iter().any(|part| text.contains(part))
}

fn is_hex(digits: &str) -> bool {
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_base64(digits: &str) -> bool {
    let bare = digits.trim_end_matches('=');
    let padding = digits.len() - bare.len();
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    if bare.len() < DIGITS || bare.len() % 4 == 1 || padding > 2 || !bare.bytes().all(letter) {
        return false;
    }
    if padding > 0 {
        return digits.len().is_multiple_of(4);
    }
    // A long path without a dot is made of the same letters; it leads into a folder that is there, and mixes fewer kinds of them.
    let folder = Path::new(bare).parent().is_some_and(|folder| !folder.as_os_str().is_empty() && folder.is_dir());
    let has = |kind: fn(&u8) -> bool| bare.bytes().any(|byte| kind(&byte));
    !folder && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// The error for a secret in the place of a path; it does not hold it.
pub(super) fn not_shown() -> Error {
    refused(Code::UsageSecret, "a secret was given where the path of its file is needed; it is not shown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_paths() {
        let area = tempfile::tempdir().unwrap();
        let there = area.path().join("0".repeat(64));
        fs::write(&there, "").unwrap();
        let long = area.path().join("aVeryLongNameOfAKeyOfOurs2024WithoutAnyDotInIt");
        let long = long.to_str().unwrap().to_owned();
        let rows = [
            ("-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n", true),
            ("-----BEGIN", true),
            ("KEY-----", true),
            ("keys/-----BEGIN OPENSSH PRIVATE KEY-----", true),
            ("00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", true),
            (" 0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", true),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", true),
            ("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/ejguRk65Le6JLXUwfv3Wz0uJr5uqd9c0fCn", true),
            ("n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg", true),
            ("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/ejgu\nRk65Le6JLXUwfv3Wz0uJr5uqd9c0fCn\n", true),
            ("acme.pem", false),
            ("", false),
            ("./00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", false),
            ("0011223344556677", false),
            ("/home/someone/a/long/path/without/any/dot/in/it/acme", false),
            (there.to_str().unwrap(), false),
            (&long, false),
        ];
        for (text, secret) in rows {
            assert_eq!(is_secret(Path::new(text)), secret, "{text}");
        }
        assert!(!not_shown().to_string().contains("BEGIN"));
    }
}
