//! Patterns of paths, as shells have them: `*` and `?` within a part, `**` over parts. What names a folder means all in it.

/// Whether `pattern` means the file at `path`, to the letter or as a pattern, or a folder that it lies in.
pub(super) fn means(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern).trim_end_matches('/');
    let whole = path.split('/').collect::<Vec<_>>();
    let parts = pattern.split('/').collect::<Vec<_>>();
    let literal = |length: usize| whole[..length].join("/") == pattern;
    !pattern.is_empty() && (1..=whole.len()).any(|length| literal(length) || parts_match(&parts, &whole[..length]))
}

/// Whether the parts are as the pattern's parts say. Each of both is looked at once for each of the other's.
fn parts_match(pattern: &[&str], path: &[&str]) -> bool {
    // For each length of the path's beginning whether the pattern so far means it.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for length in 0..=path.len() {
            next[length] = match *part {
                "**" => reached[length] || length > 0 && next[length - 1],
                _ => length > 0 && reached[length - 1] && part_matches(part.as_bytes(), path[length - 1].as_bytes()),
            };
        }
        reached = next;
    }
    reached[path.len()]
}

/// The same within one part.
fn part_matches(pattern: &[u8], part: &[u8]) -> bool {
    let mut reached = vec![false; part.len() + 1];
    reached[0] = true;
    for sign in pattern {
        let mut next = vec![false; part.len() + 1];
        for length in 0..=part.len() {
            next[length] = match sign {
                b'*' => reached[length] || length > 0 && next[length - 1],
                b'?' => length > 0 && reached[length - 1],
                other => length > 0 && reached[length - 1] && part[length - 1] == *other,
            };
        }
        reached = next;
    }
    reached[part.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("a.bak", &["a.bak"], &["b/a.bak", "a.bakk", "A.bak"]),
            ("./a.bak", &["a.bak"], &["b/a.bak"]),
            ("*.bak", &["a.bak", ".bak", "x.bak/y"], &["b/a.bak", "a.bak2"]),
            ("**/*.bak", &["a.bak", "b/a.bak", "b/c/a.bak"], &["a.bar"]),
            ("keys", &["keys", "keys/a.pem", "keys/b/c"], &["keys2", "a/keys"]),
            ("keys/", &["keys/a.pem"], &["key/a.pem"]),
            ("a?c", &["abc", "a*c"], &["ac", "abbc"]),
            ("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["a/zz", "b/z"]),
            ("#x#", &["#x#"], &["x"]),
            ("a[1]*", &["a[1]*", "a[1]b"], &["a1"]),
            ("**", &["a", "a/b"], &[]),
            ("", &[], &["a", ""]),
        ];
        for (pattern, good, bad) in table {
            good.iter().for_each(|path| assert!(means(pattern, path), "{pattern} {path}"));
            bad.iter().for_each(|path| assert!(!means(pattern, path), "{pattern} {path}"));
        }
        // No pattern takes longer than the product of the two lengths.
        assert!(!means(&"*a".repeat(200), &"a".repeat(199)));
    }
}
