//! [`Set`]: a set of the numbers that the versions of one plugin have in a [`Problem`](super::problem::Problem).
//!
//! The solver never sees a version. Every requirement is asked of every version that lies in the folder, by semver's own
//! rule and prereleases included, and what it sees are the numbers of those that fit. So there is no mapping from
//! requirements to ranges that could be wrong, and sets are exact: two of them that hold the same versions are equal.

/// Numbers from 0. Number 0 stands for a plugin's absence.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Set {
    /// Numbers below 64; most plugins have no more versions, and no allocation then.
    first: u64,
    /// Those above, 64 a word, without trailing words that say the same as `rest`.
    more: Vec<u64>,
    /// Whether all numbers beyond belong to it.
    rest: bool,
}

const fn filled(rest: bool) -> u64 {
    if rest { u64::MAX } else { 0 }
}

impl Set {
    /// These numbers.
    pub(super) fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        let mut set = Set { first: 0, more: Vec::new(), rest: false };
        for number in numbers {
            set.insert(number);
        }
        set
    }

    /// The numbers from 1 to `last`.
    pub(super) fn up_to(last: u32) -> Self {
        Set::of(1..=last)
    }

    fn insert(&mut self, number: u32) {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        if word == 0 {
            self.first |= bit;
            return;
        }
        if self.more.len() < word {
            self.more.resize(word, filled(self.rest));
        }
        self.more[word - 1] |= bit;
    }

    fn word(&self, at: usize) -> u64 {
        match at.checked_sub(1) {
            None => self.first,
            Some(at) => self.more.get(at).copied().unwrap_or(filled(self.rest)),
        }
    }

    fn with(&self, other: &Set, join: impl Fn(u64, u64) -> u64) -> Set {
        let rest = join(filled(self.rest), filled(other.rest)) != 0;
        let words = self.more.len().max(other.more.len());
        let mut more: Vec<u64> = (1..=words).map(|at| join(self.word(at), other.word(at))).collect();
        while more.last() == Some(&filled(rest)) {
            more.pop();
        }
        Set { first: join(self.first, other.first), more, rest }
    }

    /// The greatest number up to `last`.
    pub(super) fn greatest(&self, last: u32) -> Option<u32> {
        (0..=last as usize / 64).rev().find_map(|at| {
            let beyond = match last as usize / 64 == at {
                true => u64::MAX.checked_shl(last % 64 + 1).unwrap_or(0),
                false => 0,
            };
            let word = self.word(at) & !beyond;
            (word != 0).then(|| at as u32 * 64 + 63 - word.leading_zeros())
        })
    }

    /// The only number, where there is exactly one.
    pub(super) fn single(&self) -> Option<u32> {
        let counted = |words: &mut dyn Iterator<Item = &u64>| words.map(|word| word.count_ones()).sum::<u32>();
        if self.rest || counted(&mut std::iter::once(&self.first).chain(&self.more)) != 1 {
            return None;
        }
        self.greatest(64 * (1 + self.more.len() as u32) - 1)
    }

    pub(super) const fn empty() -> Self {
        Set { first: 0, more: Vec::new(), rest: false }
    }

    pub(super) fn singleton(number: u32) -> Self {
        Set::of([number])
    }

    pub(super) fn complement(&self) -> Self {
        Set { first: !self.first, more: self.more.iter().map(|word| !word).collect(), rest: !self.rest }
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        self.with(other, |a, b| a & b)
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        self.with(other, |a, b| a | b)
    }

    /// What of it is not in the other.
    pub(super) fn minus(&self, other: &Self) -> Self {
        self.with(other, |a, b| a & !b)
    }

    pub(super) fn contains(&self, number: &u32) -> bool {
        self.word(*number as usize / 64) & (1 << (number % 64)) != 0
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Set::empty()
    }

    fn all(&self, other: &Set, holds: impl Fn(u64, u64) -> bool) -> bool {
        let words = self.more.len().max(other.more.len());
        holds(filled(self.rest), filled(other.rest)) && (0..=words).all(|at| holds(self.word(at), other.word(at)))
    }

    /// Whether all of it is in the other.
    pub(super) fn is_within(&self, other: &Set) -> bool {
        self.all(other, |a, b| a & !b == 0)
    }

    /// Whether the two have nothing in common.
    pub(super) fn is_apart(&self, other: &Set) -> bool {
        self.all(other, |a, b| a & b == 0)
    }

    /// What looking at it takes, in words.
    pub(super) fn words(&self) -> u64 {
        1 + self.more.len() as u64
    }

    /// What it takes beside itself, in bytes.
    pub(super) fn heap(&self) -> usize {
        self.more.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation agrees with one on plain lists of numbers, below 64 and beyond.
    #[test]
    fn sets_are_sets() {
        let lists: [&[u32]; 7] = [&[], &[0], &[1, 2, 63], &[64], &[0, 63, 64, 127, 128], &[200], &[1, 2, 63, 200]];
        for a in lists {
            for b in lists {
                let (left, right) = (Set::of(a.iter().copied()), Set::of(b.iter().copied()));
                for number in 0..300 {
                    let (in_a, in_b) = (a.contains(&number), b.contains(&number));
                    assert_eq!(left.intersection(&right).contains(&number), in_a && in_b);
                    assert_eq!(left.union(&right).contains(&number), in_a || in_b);
                    assert_eq!(left.complement().union(&right).contains(&number), !in_a || in_b);
                }
                assert_eq!(left == right, a == b);
                assert_eq!(left.intersection(&right.complement()) == Set::empty(), a.iter().all(|n| b.contains(n)));
                assert_eq!(left.minus(&right), left.intersection(&right.complement()));
                assert_eq!(left.is_within(&right), left.minus(&right).is_empty());
                assert!(!left.complement().is_within(&right) && left.complement().is_apart(&left));
                assert_eq!(left.is_apart(&right), left.intersection(&right).is_empty());
                assert_eq!(left.complement().complement(), left);
            }
            let set = Set::of(a.iter().copied());
            assert_eq!(set.greatest(300), a.last().copied());
            for last in 0..300 {
                assert_eq!(set.greatest(last), a.iter().copied().rfind(|number| *number <= last), "up to {last}");
            }
            assert_eq!(set.single(), if let [one] = a { Some(*one) } else { None });
            assert_eq!(set.complement().single(), None);
        }
        assert_eq!(Set::up_to(70).union(&Set::of([0])).complement().greatest(70), None);
        assert_eq!(Set::empty().complement().intersection(&Set::up_to(130)), Set::up_to(130));
    }
}
