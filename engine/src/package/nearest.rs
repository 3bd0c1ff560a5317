//! [`nearest`]: the word that was probably meant.

/// The candidate that `word` was probably meant to be: at most a third of its letters (and one at least) are changed,
/// added, left out or swapped with a neighbour. The first of equals is taken.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).collect();
    let allowed = (word.len() / 3).max(1);
    candidates
        .into_iter()
        // What is longer than that is too far away, however long it is.
        .map(|candidate| {
            let shown = candidate.chars().take(word.len() + allowed + 1).collect::<Vec<_>>();
            (distance(&word, &shown), candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words, with a swap of neighbours as one edit (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut least = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        (before, above) = (above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word() {
        let keys = ["fuel", "memory", "deadline", "call_depth"];
        let rows = [
            ("fule", Some("fuel")),
            ("fuell", Some("fuel")),
            ("Fuel", Some("fuel")),
            ("memroy", Some("memory")),
            ("call-depth", Some("call_depth")),
            ("deadlines", Some("deadline")),
            ("wolf", None),
            ("", None),
            ("x", None),
        ];
        for (word, expected) in rows {
            assert_eq!(nearest(word, keys), expected, "{word}");
        }
        assert_eq!(nearest("\u{72fc}".repeat(10_000).as_str(), keys), None);
    }
}
