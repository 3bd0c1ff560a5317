//! Random sets of plugins, the same for the same seed.

use super::{super::Candidate, plugin};

/// A small generator (SplitMix64): the same numbers on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    pub(super) fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len() as u64) as usize]
    }
}

const VERSIONS: [&str; 6] = ["1.0.0", "1.1.0", "1.2.0-beta.1", "2.0.0", "2.0.1-rc.1", "0.3.0"];
const REQUIREMENTS: [&str; 12] =
    ["*", "^1", "^2", "~1.0", ">=1.1", "<2", "=1.0.0", ">1.0.0, <=2.0.0", "1.*", "^0.3", ">=1.2.0-alpha", "^1.1"];

/// Up to `most` plugins of up to three versions each, which say all kinds of things of each other.
pub(super) fn set(seed: u64, most: u64) -> Vec<Candidate> {
    let mut random = Random::new(seed);
    let ids: Vec<String> = (0..2 + random.below(most - 1)).map(|n| format!("p{n}")).collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).chain(["gone"]).collect();
    // How much they say differs from set to set.
    let (often, rarely) = (1 + random.below(5), 3 + random.below(20));
    let mut candidates = Vec::new();
    for id in &ids {
        let mut versions: Vec<&str> = (0..1 + random.below(3)).map(|_| random.pick(&VERSIONS)).collect();
        versions.sort_unstable();
        versions.dedup();
        for version in versions {
            let (mut depends, mut conflicts, mut any, mut requires, mut provides) = Default::default();
            let table = |text: &mut String, line: String| {
                text.push_str(&line);
                text.push('\n');
            };
            let others = |random: &mut Random| random.pick(&all);
            let mut named = vec![id.as_str()];
            for _ in 0..random.below(4) {
                let other = others(&mut random);
                if named.contains(&other) && random.below(30) > 0 || named[1..].contains(&other) {
                    continue;
                }
                named.push(other);
                let requirement = random.pick(&REQUIREMENTS);
                match random.below(often + 3) {
                    0 => table(&mut conflicts, format!("{other} = \"{requirement}\"")),
                    1 => table(&mut depends, format!("{other} = {{ version = \"{requirement}\", optional = true }}")),
                    2 => table(&mut depends, format!("{other} = {{ version = \"{requirement}\", order = false }}")),
                    _ => table(&mut depends, format!("{other} = \"{requirement}\"")),
                }
            }
            if random.below(rarely) == 0 {
                let (a, b) = (others(&mut random), others(&mut random));
                let requirement = random.pick(&REQUIREMENTS);
                table(&mut any, format!("mobs = [\"{a} {requirement}\", \"{b}\"]"));
            }
            if random.below(rarely) == 0 {
                table(&mut requires, format!("weather = \"{}\"", random.pick(&["^1", "^2"])));
            }
            if random.below(rarely / 2 + 1) == 0 {
                table(&mut provides, format!("weather = \"{}\"", random.pick(&["1.3.0", "2.0.0"])));
            }
            let mut rest = String::new();
            for (name, text) in [
                ("dependencies", depends),
                ("conflicts", conflicts),
                ("any-of", any),
                ("requires", requires),
                ("provides", provides),
            ] {
                let text: String = text;
                if !text.is_empty() {
                    rest.push_str(&format!("[{name}]\n{text}"));
                }
            }
            candidates.push(plugin(id, version, &rest));
        }
    }
    candidates
}
