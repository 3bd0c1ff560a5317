//! Keys that a host is given: public ones to trust, private ones to sign with. What could be forged under, or read by others, is refused.

use crate::table::Attack;

/// OpenSSL's own form of an ed25519 key (RFC 8410, section 10).
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
/// The same with the public half of another key, in the second form of PKCS#8.
const TWO_HALVES: &str = "-----BEGIN PRIVATE KEY-----\nMFECAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\ngSEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PRIVATE KEY-----\n";

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let number = chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..4).map(move |at| if at <= chunk.len() { DIGITS[(number >> (18 - 6 * at)) as usize & 63] } else { b'=' })
    });
    String::from_utf8(digits.collect()).unwrap()
}

/// A public key of these bytes, whatever they are worth.
fn spki(oid: u8, bytes: &[u8; 32]) -> String {
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, oid, 0x03, 0x21, 0x00];
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64(&[&head[..], bytes].concat()))
}

fn public(name: &str, text: impl Into<Vec<u8>>) -> Attack {
    Attack::new("key", &format!("to trust: {name}"), "verify.key", &["public key.pem -> verify.key"])
        .with("key.pem", text)
}

fn private(name: &str, code: &str, steps: &[&str], text: impl Into<Vec<u8>>) -> Attack {
    let last = format!("key key.pem -> {code}");
    let steps = [steps, &[&*last]].concat();
    Attack::new("key", &format!("to sign with: {name}"), code, &steps).with("key.pem", text)
}

pub(crate) fn attacks() -> Vec<Attack> {
    let mut order_eight = [0; 32];
    // A point of order 8, in its one spelling.
    for (byte, digits) in order_eight
        .iter_mut()
        .zip("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".as_bytes().chunks(2))
    {
        *byte = u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
    }
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut second = [0xff; 32];
    (second[0], second[31]) = (0xee, 0x7f);
    let mut nowhere = [0; 32];
    nowhere[0] = 2;
    let owner = &["mode key.pem 0600"][..];
    vec![
        public("the neutral element", spki(0x70, &neutral)),
        public("a point of small order", spki(0x70, &order_eight)),
        public("all zeros", spki(0x70, &[0; 32])),
        public("a second spelling of a point", spki(0x70, &second)),
        public("no point of the curve", spki(0x70, &nowhere)),
        public("a key of X25519", spki(0x6e, &[9; 32])),
        public("a private key", PRIVATE),
        public("no PEM", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk= acme\n"),
        public("cut short", &PUBLIC[..60]),
        public("bytes behind the key", PUBLIC.replace("ZuE=", "ZuEA")),
        private("others may read it", "trust.key-exposed", &["mode key.pem 0644"], PRIVATE),
        private("its group may write it", "trust.key-exposed", &["mode key.pem 0620"], PRIVATE)
            .like("key-to-sign-with-others-may-read-it"),
        private(
            "a link to one that others may read",
            "trust.key-exposed",
            &["mode other.pem 0644", "link other.pem key.pem"],
            PRIVATE,
        )
        .with("other.pem", PRIVATE),
        private("the halves are of two keys", "trust.key-file", owner, TWO_HALVES),
        private("encrypted", "trust.key-file", owner, PRIVATE.replace("PRIVATE", "ENCRYPTED PRIVATE")),
        private("a public key", "trust.key-file", owner, PUBLIC),
        private("longer than a key", "trust.key-file", owner, format!("{}{PRIVATE}", "x\n".repeat(9 << 10))),
        private("bytes that are no text", "trust.key-file", owner, vec![0xff; 64]),
        private("a folder", "io.failed", &["folder key.pem", "mode key.pem 0700"], PRIVATE),
        private("a pipe", "io.failed", &["pipe key.pem", "mode key.pem 0600"], PRIVATE),
        private("a device that never ends", "io.failed", &["link /dev/zero key.pem"], PRIVATE),
    ]
}
