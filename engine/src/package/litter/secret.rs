//! Whether bytes are a private key, or hold one. What is looked for is a key as a tool would read it, not the words alone: a script that
//! names the first line of PEM is no key.

/// Whether a file of this name and these bytes holds a private key.
pub(super) fn is_private_key(name: &str, bytes: &[u8]) -> bool {
    if holds_text(bytes) || is_der(bytes) || is_pgp(bytes) || is_java(bytes) || is_store_key(name, bytes) {
        return true;
    }
    // What Windows' editors write as Unicode has a zero beside each letter.
    match bytes {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] => {
            holds_text(&rest.iter().copied().filter(|byte| *byte != 0).collect::<Vec<_>>())
        }
        _ => false,
    }
}

/// The words with which keys as text begin, and after which the name of a kind may stand before the second.
const BEGIN: &[u8] = b"BEGIN ";

/// Whether a key as text is anywhere in the bytes, in a text of another language for example.
fn holds_text(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"PuTTY-User-Key-File-") {
        return true;
    }
    find(bytes, BEGIN)
        .any(|at| begins_key(&bytes[at + BEGIN.len()..]) && bytes[..at].trim_ascii_end().ends_with(b"----"))
        || find(bytes, b"AGE-SECRET-KEY-1").any(|at| run(&bytes[at + 16..], |byte| byte.is_ascii_alphanumeric()) >= 50)
}

/// Whether this goes on as a key does behind `-----BEGIN `.
fn begins_key(rest: &[u8]) -> bool {
    /// The longest name of a kind, `SSH2 ENCRYPTED PRIVATE KEY` among them.
    const LONGEST: usize = 48;
    let label = &rest[..run(&rest[..rest.len().min(LONGEST)], |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' '))];
    let name = label.trim_ascii_end();
    let private = name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK");
    let Some(mut rest) = private.then(|| &rest[label.len()..]).filter(|rest| rest.starts_with(b"----")) else {
        return false;
    };
    rest = &rest[run(rest, |byte| byte == b'-')..];
    rest = &rest[gap(rest)..];
    // Lines such as `Proc-Type: 4,ENCRYPTED` and `Version: 2` stand before the key itself.
    const HEADERS: [&[u8]; 7] =
        [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Hash:", b"Charset:", b"Subject:"];
    HEADERS.iter().any(|header| rest.starts_with(header)) || run(rest, is_base64) >= 24
}

/// How long what stands between the first line and the key is: spaces and line ends, also as other languages write them in a string.
fn gap(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match &bytes[at..] {
            [b' ' | b'\t' | b'\r' | b'\n', ..] => at += 1,
            [b'\\', b'n' | b'r' | b't' | b'z' | b'\n', ..] => at += 2,
            [b'\\', b'\r', ..] => at += 2,
            // Strings that are joined: "...-----\n" + "MIIE", and lines of a comment.
            [b'"' | b'\'' | b'.' | b'+' | b',', ..] => at += 1,
            [b'#' | b';' | b'/' | b'*', ..] => at += 1,
            [b'-', b'-', ..] => at += 2,
            _ => return at,
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// How many bytes at the beginning are as `good` says.
fn run(bytes: &[u8], good: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| good(**byte)).count()
}

/// Every place at which `what` stands.
fn find<'a>(bytes: &'a [u8], what: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let first = *what.first()?;
        loop {
            let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
            from = at + 1;
            if bytes[at..].starts_with(what) {
                return Some(at);
            }
        }
    })
}

/// One value of DER: its tag, what is in it, and what is behind it.
fn der(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short if short < 0x80 => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((*tag, value, rest))
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// 1.2.840.113549.1: the schemes under which keys are encrypted, and what PKCS#12 holds, are below it.
const PKCS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01];

/// PKCS#8, plain or encrypted, PKCS#1, SEC 1 and PKCS#12, the whole of the bytes.
fn is_der(bytes: &[u8]) -> bool {
    let Some((SEQUENCE, all, [])) = der(bytes) else { return false };
    let Some((tag, first, rest)) = der(all) else { return false };
    let Some((next, second, more)) = der(rest) else { return false };
    let oid = |sequence: &[u8]| matches!(der(sequence), Some((OID, ..)));
    let pkcs = |sequence: &[u8]| matches!(der(sequence), Some((OID, oid, _)) if oid.starts_with(PKCS));
    match (tag, first, next) {
        // A version, the algorithm and the key.
        (INTEGER, [0 | 1], SEQUENCE) if oid(second) => matches!(der(more), Some((OCTETS, ..))),
        // A version, the modulus, and seven numbers more.
        (INTEGER, [0 | 1], INTEGER) => {
            let (mut rest, mut numbers) = (rest, 0);
            while let Some((INTEGER, _, more)) = der(rest) {
                (rest, numbers) = (more, numbers + 1);
            }
            numbers >= 8
        }
        // A version, the key, and which curve it is on.
        (INTEGER, [1], OCTETS) => (16..=72).contains(&second.len()) && matches!(der(more), Some((0xa0 | 0xa1, ..))),
        // A version, and what is encrypted.
        (INTEGER, [3], SEQUENCE) => pkcs(second),
        // By which scheme it is encrypted, and the encrypted key.
        (SEQUENCE, _, OCTETS) => pkcs(first) && more.is_empty(),
        _ => false,
    }
}

/// A secret key packet of PGP: its tag, its length, a version and an algorithm of keys.
fn is_pgp(bytes: &[u8]) -> bool {
    let (length, body) = match bytes {
        [0x94, a, body @ ..] => (usize::from(*a), body),
        [0x95, a, b, body @ ..] => (usize::from(*a) << 8 | usize::from(*b), body),
        [0xc5, a @ 0..192, body @ ..] => (usize::from(*a), body),
        [0xc5, a @ 192..224, b, body @ ..] => ((usize::from(*a) - 192 << 8) + usize::from(*b) + 192, body),
        _ => return false,
    };
    let algorithm = |at: usize| matches!(body.get(at), Some(1..=3 | 16..=19 | 22 | 25..=28));
    // What follows a key is a name or a signature, or nothing.
    let next = matches!(body.get(length), None | Some(0xb4 | 0xcd | 0x88..=0x8a | 0xc2 | 0x9c..=0x9e | 0xc7));
    let version = body.first();
    (12..=body.len()).contains(&length)
        && next
        && (matches!(version, Some(4..=6)) && algorithm(5) || version == Some(&3) && algorithm(7))
}

/// A key store of Java's.
fn is_java(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0]) || bytes.starts_with(&[0xce, 0xce, 0xce, 0xce, 0, 0, 0])
}

/// The key of a sealed trust store, which is 64 digits; a digest is, too, so that the name has to say so.
fn is_store_key(name: &str, bytes: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    (name.ends_with(".key") || name.ends_with("-key") || name == "key")
        && bytes.trim_ascii().len() == 64
        && bytes.trim_ascii().iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";

    fn pem(label: &str) -> String {
        format!("-----BEGIN {label}-----\n{BODY}\n-----END {label}-----\n")
    }

    #[test]
    fn keys_are_known_by_their_bytes() {
        let labels = [
            "PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "RSA PRIVATE KEY",
            "EC PRIVATE KEY",
            "DSA PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
            "ANY PRIVATE KEY",
        ];
        let mut texts: Vec<String> = labels.map(pem).to_vec();
        texts.push(format!("# mine\r\n\r\n{}", pem("PRIVATE KEY").replace('\n', "\r\n")));
        texts.push(format!("{{\"private_key\": \"{}\"}}", pem("PRIVATE KEY").replace('\n', "\\n")));
        texts.push(format!("return [[\n{}]]", pem("RSA PRIVATE KEY")));
        texts.push(format!("key = \"-----BEGIN PRIVATE KEY-----\\n\" ..\n  \"{BODY}\""));
        texts.push("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n".into());
        texts.push("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"a\"\nP2/56wAAA".into());
        texts.push("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n".into());
        texts.push(format!("AGE-SECRET-KEY-1{}", "Q".repeat(58)));
        for text in &texts {
            assert!(is_private_key("notes.txt", text.as_bytes()), "{text}");
            let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.bytes().flat_map(|byte| [byte, 0])).collect();
            assert!(is_private_key("notes.txt", &wide) || text.starts_with("PuTTY"), "as UTF-16: {text}");
        }
        assert!(is_private_key("store.key", "0123456789abcdef".repeat(4).as_bytes()));
    }

    #[test]
    fn keys_in_binary_are_known() {
        let tlv = |tag: u8, value: &[u8]| [&[tag, 0x82, (value.len() >> 8) as u8, value.len() as u8], value].concat();
        let number = |value: &[u8]| [&[INTEGER, value.len() as u8], value].concat();
        let ed25519 = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
        let octets = [&[OCTETS, 34, OCTETS, 32][..], &[9; 32]].concat();
        let pkcs8 = tlv(SEQUENCE, &[&number(&[0])[..], &ed25519, &octets].concat());
        let pbes2 = [&[0x30, 11, OID, 9][..], PKCS, &[5, 13]].concat();
        let encrypted = tlv(SEQUENCE, &[&pbes2[..], &octets].concat());
        let rsa = tlv(SEQUENCE, &[number(&[0]), number(&[7; 64]).repeat(8)].concat());
        let ec = tlv(SEQUENCE, &[&number(&[1])[..], &[OCTETS, 32], &[3; 32], &[0xa0, 2, 6, 0]].concat());
        let p12 = tlv(SEQUENCE, &[&number(&[3])[..], &[0x30, 11, OID, 9], PKCS, &[7, 1]].concat());
        let pgp = [&[0x94, 40, 4][..], &[0, 0, 0, 1, 22], &[5; 34]].concat();
        for (name, bytes) in [
            ("PKCS#8", &pkcs8),
            ("encrypted", &encrypted),
            ("RSA", &rsa),
            ("EC", &ec),
            ("PKCS#12", &p12),
            ("PGP", &pgp),
        ] {
            assert!(is_private_key("data.bin", bytes), "{name}");
            assert!(!is_private_key("data.bin", &bytes[..bytes.len() - 1]), "{name}, cut short");
        }
        // A public key and a certificate have another form.
        let public = tlv(SEQUENCE, &[&ed25519[..], &[3, 33, 0], &[9; 32]].concat());
        assert!(!is_private_key("a.der", &public));
    }

    #[test]
    fn innocent_files_are_no_keys() {
        let digest = "0123456789abcdef".repeat(4);
        let texts = [
            "",
            "-----BEGIN PRIVATE KEY-----",
            "if text:find('-----BEGIN PRIVATE KEY-----') then return end",
            "A key begins with `-----BEGIN OPENSSH PRIVATE KEY-----` and is secret.",
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n",
            "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2FmZQ0KMIIBszCCAVmgAwIBAgIUQ2FmZQ==\n",
            "-----BEGIN PRIVATE KEY-----\nshort\n-----END PRIVATE KEY-----\n",
            "BEGIN PRIVATE KEY",
            &digest,
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: 2\n\nmQENBFxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
        ];
        for text in texts {
            assert!(!is_private_key("notes.txt", text.as_bytes()), "{text}");
        }
        assert!(!is_private_key("level1.key", b"door = 7"));
        // Whatever bytes a picture has: one in millions may begin as a packet of PGP, none of these does.
        let mut state = 11_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..random()).map(|_| random()).collect();
            assert!(!is_private_key("a.png", &bytes), "{bytes:02x?}");
        }
    }
}
