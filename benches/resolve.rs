//! What a plan costs: `cargo bench --bench resolve`. 300 plugins of 20 versions must take at most 150 ms; growth is about linear.
//!
//! Each plugin of the *search* needs up to three others in ranges around where it stands itself, so that the highest versions do
//! not go together and the solver must look. *Plain* plugins need three others in versions that are there. In the *tangle* versions
//! exclude each other at random, as nobody writes who means well: what a whole budget of steps costs. Candidates are made beforehand;
//! the median of the rounds is printed, and what one plugin costs.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use modhost::{
    package::Manifest,
    resolve::{Candidate, Resolver},
};

const ROUNDS: usize = 9;

/// SplitMix64: the same sets on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// `count` plugins of so many versions; `search` moves what is needed around.
fn set(count: u64, versions: u64, search: bool) -> Vec<Candidate> {
    let mut random = Random(count);
    let mut candidates = Vec::new();
    for at in 0..count {
        for version in 0..versions {
            let mut rest = String::new();
            let mut others: Vec<u64> = (0..3).map(|_| random.below(count)).filter(|other| *other > at).collect();
            others.sort_unstable();
            others.dedup();
            for other in others {
                let major = version / 4;
                let low = if search && major > 0 { (major + random.below(3)).saturating_sub(1) } else { major };
                let above = low + 1 + random.below(2);
                rest.push_str(&format!("p{other:05} = \">={low}.0, <{above}.0\"\n"));
            }
            let text = format!(
                "[plugin]\nid = \"p{at:05}\"\nversion = \"{}.{}.0\"\n[dependencies]\n{rest}",
                version / 4,
                version % 4
            );
            candidates.push(Candidate::new(Manifest::parse(text.as_bytes()).unwrap(), "mods"));
        }
    }
    candidates
}

/// Plugins of three versions that need and exclude each other at random.
fn tangle(count: u64) -> Vec<Candidate> {
    let mut random = Random(9);
    let mut candidates = Vec::new();
    for at in 0..count {
        for version in 1..=3 {
            let mut others: Vec<u64> = (0..6).map(|_| random.below(count)).filter(|other| *other != at).collect();
            others.sort_unstable();
            others.dedup();
            let table = if version == 2 { "dependencies" } else { "conflicts" };
            let mut text = format!("[plugin]\nid = \"p{at:05}\"\nversion = \"{version}.0.0\"\n[{table}]\n");
            for other in others {
                let requirement = ["^1", "^2", "^3", ">=2", "<3"][random.below(5) as usize];
                text.push_str(&format!("p{other:05} = \"{requirement}\"\n"));
            }
            candidates.push(Candidate::new(Manifest::parse(text.as_bytes()).unwrap(), "mods"));
        }
    }
    candidates
}

fn main() {
    println!(
        "{:>8} {:>9} {:8} {:>7} {:>9} {:>10} {:>14}",
        "plugins", "versions", "kind", "taken", "steps", "median", "each plugin"
    );
    for (count, versions, kind) in [
        (75, 20, "search"),
        (150, 20, "search"),
        (300, 20, "search"),
        (600, 20, "search"),
        (1200, 20, "search"),
        (100, 1, "plain"),
        (1000, 1, "plain"),
        (10_000, 1, "plain"),
        (30, 3, "tangle"),
        (100, 3, "tangle"),
        (300, 3, "tangle"),
    ] {
        let candidates = if kind == "tangle" { tangle(count) } else { set(count, versions, kind == "search") };
        let resolver = Resolver::new(candidates);
        let mut walls: Vec<Duration> = Vec::new();
        let mut told = (0, 0);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let plan = resolver.plan();
            walls.push(start.elapsed());
            told = (plan.order.len(), plan.steps);
        }
        walls.sort();
        let median = walls[ROUNDS / 2];
        let each = median / u32::try_from(count).unwrap();
        println!("{count:>8} {versions:>9} {kind:8} {:>7} {:>9} {median:>10.1?} {each:>14.1?}", told.0, told.1);
    }
}
