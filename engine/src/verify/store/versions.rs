//! Which versions a revocation takes back. Unlike a dependency's, such a range knows no exception for prereleases: `<1.2.0` takes
//! 1.1.0-beta and 1.2.0-rc.1 as well, or whoever was revoked would rename the release.

use std::cmp::Ordering::{Equal, Greater, Less};

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

/// Whether `version` is in the range, by precedence alone; build metadata makes no difference.
pub(super) fn in_range(range: &VersionReq, version: &Version) -> bool {
    range.comparators.iter().all(|comparator| holds(comparator, version))
}

/// The first version of what follows the part at `place` of `version`: of 1.2.3 these are 2.0.0, 1.3.0 and 1.2.4.
fn next(version: &Version, place: usize) -> Option<Version> {
    let next = |part: u64| part.checked_add(1);
    Some(match place {
        0 => Version::new(next(version.major)?, 0, 0),
        1 => Version::new(version.major, next(version.minor)?, 0),
        _ => Version::new(version.major, version.minor, next(version.patch)?),
    })
}

fn holds(comparator: &Comparator, version: &Version) -> bool {
    let Comparator { op, major, minor, patch, pre } = comparator;
    let mut from = Version::new(*major, minor.unwrap_or(0), patch.unwrap_or(0));
    from.pre.clone_from(pre);
    // How many parts of it are written.
    let parts = 1 + usize::from(minor.is_some()) + usize::from(minor.is_some() && patch.is_some());
    let against = |other: &Version| version.cmp_precedence(other);
    // A bound beyond every version bounds nothing.
    let below = |end: Option<Version>| end.is_none_or(|end| against(&end) == Less);
    let within = |place: usize| {
        // Of 1.2 and 1.* the prereleases of the first version are part too.
        let mut begin = from.clone();
        if parts < 3 {
            begin.pre = Prerelease::EMPTY;
        }
        let begins = against(&begin) != Less || parts < 3 && same_release(&begin, version);
        begins && below(next(&from, place))
    };
    match op {
        Op::Exact if parts == 3 => against(&from) == Equal,
        Op::Greater if parts == 3 => against(&from) == Greater,
        Op::Greater => !below(next(&from, parts - 1)),
        Op::GreaterEq => against(&from) != Less,
        Op::Less => against(&from) == Less,
        Op::LessEq if parts == 3 => against(&from) != Greater,
        Op::LessEq => below(next(&from, parts - 1)),
        Op::Tilde => within((parts - 1).min(1)),
        // The first part that is not 0, or the last that is written.
        Op::Caret if from.major > 0 || parts == 1 => within(0),
        Op::Caret if from.minor > 0 || parts == 2 => within(1),
        Op::Caret => within(2),
        // `=1.2`, `1.2.*`, and whatever operators semver may learn.
        _ => within(parts - 1),
    }
}

fn same_release(a: &Version, b: &Version) -> bool {
    (a.major, a.minor, a.patch) == (b.major, b.minor, b.patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_with_prereleases() {
        let rows = [
            ("*", "0.0.1-a", true),
            ("<1.2.0", "1.1.9", true),
            ("<1.2.0", "1.2.0-rc.1", true),
            ("<1.2.0", "1.2.0", false),
            ("<1.2.0", "1.1.0-beta+x", true),
            ("<=1.2", "1.2.9", true),
            ("<=1.2", "1.3.0", false),
            ("<=1.2.3", "1.2.3+x", true),
            (">1.2", "1.2.9", false),
            (">1.2", "1.3.0", true),
            (">1.2.3", "1.2.4-a", true),
            (">=1.2.0", "1.2.0-rc.1", false),
            ("=1.2.3", "1.2.3", true),
            ("=1.2.3", "1.2.4", false),
            ("=1.2.3-rc.1", "1.2.3-rc.1", true),
            ("=1.2", "1.2.7", true),
            ("1.2.*", "1.2.0-a", true),
            ("1.2.*", "1.3.0", false),
            ("1.*", "1.9.9", true),
            ("1.*", "2.0.0", false),
            ("^1.2.3", "1.9.0", true),
            ("^1.2.3", "1.2.2", false),
            ("^1.2.3", "2.0.0", false),
            ("^0.2.3", "0.2.9", true),
            ("^0.2.3", "0.3.0", false),
            ("^0.0.3", "0.0.3", true),
            ("^0.0.3", "0.0.4", false),
            ("^0.0", "0.0.9", true),
            ("^0.0", "0.1.0", false),
            ("^0", "0.9.0", true),
            ("^0", "1.0.0", false),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("~1", "1.9.0", true),
            (">=1.0.0, <1.2.0", "1.1.0-a", true),
            (">=1.0.0, <1.2.0", "0.9.0", false),
            ("^18446744073709551615.0.0", "18446744073709551615.1.0", true),
        ];
        for (range, version, expected) in rows {
            let found = in_range(&range.parse().unwrap(), &version.parse().unwrap());
            assert_eq!(found, expected, "{version} in {range}");
        }
        // Of releases it says what semver says, for each operator.
        let bounds = ["0.0.0", "0.0.2", "0.2.0", "0.2.1", "1.0.0", "1.2.1", "1.2", "1", "0.0", "0"];
        for range in
            ["", "=", "<", "<=", ">", ">=", "^", "~"].iter().flat_map(|op| bounds.map(|end| format!("{op}{end}")))
        {
            let range: VersionReq = range.parse().unwrap();
            for (major, minor, patch) in (0..27).map(|n| (n / 9, n / 3 % 3, n % 3)) {
                let version = Version::new(major, minor, patch);
                assert_eq!(in_range(&range, &version), range.matches(&version), "{version} in {range}");
            }
        }
    }
}
