//! How long the sets (`[a-z]`) in a string pattern are: one step of a match looks through a set for each byte of the text, so
//! [`crate::metered`] bounds the product.

/// The longest pattern, in bytes, whose sets are looked at one by one.
const LONGEST_READ: usize = 64 << 10;

/// The length of the longest `[set]` of a pattern, which is read as Luau reads it; that of the pattern, if it is too long
/// to be read.
pub(crate) fn longest_set(pattern: &[u8]) -> usize {
    if memchr::memchr(b'[', pattern).is_none() {
        return 0;
    }
    if pattern.len() > LONGEST_READ {
        return pattern.len();
    }
    let (mut longest, mut at) = (0, 0);
    while let Some(byte) = pattern.get(at) {
        at += match (byte, pattern.get(at + 1)) {
            (b'%', Some(b'b')) => 4,
            (b'%', _) => 2,
            (b'[', _) => {
                let length = set(pattern.get(at..).unwrap_or_default());
                longest = longest.max(length);
                length
            }
            _ => 1,
        };
    }
    longest
}

/// The length of the set that `pattern` begins with, up to and with its `]`.
fn set(pattern: &[u8]) -> usize {
    let mut at = if pattern.get(1) == Some(&b'^') { 2 } else { 1 };
    loop {
        at += match pattern.get(at) {
            None => return pattern.len(),
            Some(b'%') => 2,
            Some(_) => 1,
        };
        if pattern.get(at) == Some(&b']') {
            return at + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::longest_set;

    #[test]
    fn sets_are_read_as_luau_reads_them() {
        for (pattern, longest) in [
            ("", 0),
            ("abc", 0),
            ("[a]", 3),
            ("[]]", 3),
            ("[^]]", 4),
            ("[%]]x", 4),
            ("%[a]", 0),
            ("%b[]", 0),
            ("%b[][ab]", 4),
            ("%f[%w]", 4),
            ("[a-z][0-9%s]*", 7),
            ("[abc", 4),
            ("[", 1),
            ("[%", 2),
            ("x%", 0),
        ] {
            assert_eq!(longest_set(pattern.as_bytes()), longest, "{pattern}");
        }
    }
}
