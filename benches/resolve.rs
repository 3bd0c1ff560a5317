//! What a plan costs: `cargo bench --bench resolve`, or `-- KIND` for the rows of one kind. 300 plugins of 20 versions must take at
//! most 150 ms, a crowd of 10,000 with 50,000 needs 2 s, a chain of 10,000 0.5 s; growth is about linear. A row of *sat* must take at
//! most a second and 64 MiB, whatever it is made of.
//!
//! Each plugin of the *search* needs up to three others in ranges around where it stands itself, so that the highest versions do
//! not go together and the solver must look. *Plain* plugins need three others in versions that are there, those of the *crowd* five, and
//! each of the *chain* the next. In the *tangle* versions exclude each other at random, as nobody writes who means well: what a whole
//! budget of steps costs. *Sat* is a random formula of three literals a clause near where half of them hold: `top` needs each clause, a
//! clause has a version for each literal, which needs its variable in version 1 or 2. *Only* is the same, asked for `top` alone.
//!
//! Each row is a process of its own. Candidates are made beforehand. The median of the rounds is printed, of the processor's time
//! where the system tells it; what one plugin costs; and by how much the process grew at most beyond its candidates (Linux).

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    env, fs,
    process::Command,
    time::{Duration, Instant},
};

use modhost::{
    Code,
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

fn candidate(id: &str, version: &str, rest: &str) -> Candidate {
    let text = format!("[plugin]\nid = \"{id}\"\nversion = \"{version}\"\n{rest}");
    Candidate::new(Manifest::parse(text.as_bytes()).unwrap(), "mods")
}

/// `count` plugins of so many versions; `search` moves what is needed around.
fn set(count: u64, versions: u64, search: bool) -> Vec<Candidate> {
    let mut random = Random(count);
    let mut candidates = Vec::new();
    for at in 0..count {
        for version in 0..versions {
            let mut rest = String::from("[dependencies]\n");
            let mut others: Vec<u64> = (0..3).map(|_| random.below(count)).filter(|other| *other > at).collect();
            others.sort_unstable();
            others.dedup();
            for other in others {
                let major = version / 4;
                let low = if search && major > 0 { (major + random.below(3)).saturating_sub(1) } else { major };
                let above = low + 1 + random.below(2);
                rest.push_str(&format!("p{other:05} = \">={low}.0, <{above}.0\"\n"));
            }
            candidates.push(candidate(&format!("p{at:05}"), &format!("{}.{}.0", version / 4, version % 4), &rest));
        }
    }
    candidates
}

/// Plugins of one version: each needs five of those behind it, or the next.
fn needing(count: u64, crowd: bool) -> Vec<Candidate> {
    let mut random = Random(7);
    let one = |at: u64| {
        let mut rest = String::from("[dependencies]\n");
        let mut others: Vec<u64> = match crowd {
            true if at + 1 < count => (0..5).map(|_| at + 1 + random.below(count - at - 1)).collect(),
            false if at + 1 < count => vec![at + 1],
            _ => Vec::new(),
        };
        others.sort_unstable();
        others.dedup();
        others.iter().for_each(|other| rest.push_str(&format!("p{other:05} = \"^1\"\n")));
        candidate(&format!("p{at:05}"), "1.0.0", &rest)
    };
    (0..count).map(one).collect()
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
            let mut rest = format!("[{table}]\n");
            for other in others {
                let requirement = ["^1", "^2", "^3", ">=2", "<3"][random.below(5) as usize];
                rest.push_str(&format!("p{other:05} = \"{requirement}\"\n"));
            }
            candidates.push(candidate(&format!("p{at:05}"), &format!("{version}.0.0"), &rest));
        }
    }
    candidates
}

/// A formula of so many variables.
fn sat(variables: u64, seed: u64) -> Vec<Candidate> {
    let mut random = Random(seed);
    let mut candidates = Vec::new();
    for variable in 0..variables {
        candidates.extend(["1.0.0", "2.0.0"].map(|version| candidate(&format!("v{variable}"), version, "")));
    }
    let mut top = String::from("[dependencies]\n");
    for clause in 0..variables * 426 / 100 {
        let mut chosen: Vec<u64> = Vec::new();
        while chosen.len() < 3 {
            let variable = random.below(variables);
            if !chosen.contains(&variable) {
                chosen.push(variable);
            }
        }
        for (version, variable) in (1..).zip(chosen) {
            let need = format!("[dependencies]\nv{variable} = \"={}.0.0\"", 1 + random.below(2));
            candidates.push(candidate(&format!("c{clause}"), &format!("{version}.0.0"), &need));
        }
        top.push_str(&format!("c{clause} = \"*\"\n"));
    }
    candidates.push(candidate("top", "1.0.0", &top));
    candidates
}

const ROWS: [(&str, u64, u64); 29] = [
    ("search", 75, 20),
    ("search", 150, 20),
    ("search", 300, 20),
    ("search", 600, 20),
    ("search", 1200, 20),
    ("plain", 100, 1),
    ("plain", 1000, 1),
    ("plain", 10_000, 1),
    ("crowd", 10_000, 1),
    ("chain", 10_000, 1),
    ("tangle", 30, 3),
    ("tangle", 100, 3),
    ("tangle", 300, 3),
    // Variables and seed.
    ("sat", 20, 1),
    ("sat", 20, 2),
    ("sat", 50, 1),
    ("sat", 50, 2),
    ("sat", 50, 3),
    ("sat", 100, 1),
    ("sat", 100, 2),
    ("sat", 100, 3),
    ("only", 20, 1),
    ("only", 20, 2),
    ("only", 50, 1),
    ("only", 50, 2),
    ("only", 50, 3),
    ("only", 100, 1),
    ("only", 100, 2),
    ("only", 100, 3),
];

/// How long this thread had a processor; by the clock where the system does not tell.
fn used(start: Instant) -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// A figure of this process's memory, in KiB.
fn memory(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim_start_matches(':').trim().split(' ').next()?.parse().ok())
}

fn row(kind: &str, count: u64, more: u64) {
    let candidates = match kind {
        "tangle" => tangle(count),
        "sat" | "only" => sat(count, more),
        "crowd" | "chain" => needing(count, kind == "crowd"),
        _ => set(count, more, kind == "search"),
    };
    let ids: std::collections::BTreeSet<&str> = candidates.iter().map(|one| one.id().as_str()).collect();
    let plugins = ids.len();
    let resolver = Resolver::new(candidates);
    // From here on the greatest size is counted anew.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS");
    let start = Instant::now();
    let mut times: Vec<Duration> = Vec::new();
    let mut told = (0, 0, 0);
    for _ in 0..ROUNDS {
        let begin = used(start);
        let plan = if kind == "only" { resolver.plan_for(&["top"]) } else { resolver.plan() };
        times.push(used(start) - begin);
        let spent = plan.left_out.iter().filter(|out| out.code() == Code::ResolveBudget).count();
        told = (plan.order.len(), spent, plan.steps);
    }
    times.sort();
    let median = times[ROUNDS / 2];
    let each = median / u32::try_from(plugins).unwrap();
    let grown = memory("VmHWM")
        .zip(before)
        .map_or_else(|| "-".into(), |(peak, before)| format!("{:.1} MiB", (peak - before) as f64 / 1024.0));
    let (taken, spent, steps) = told;
    println!(
        "{kind:8} {count:>7} {more:>5} {plugins:>8} {taken:>7} {spent:>8} {steps:>8} {median:>10.1?} {each:>10.1?} {grown:>10}"
    );
}

fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let [kind, count, more] = &words[..] {
        return row(kind, count.parse().unwrap(), more.parse().unwrap());
    }
    println!(
        "{:8} {:>7} {:>5} {:>8} {:>7} {:>8} {:>8} {:>10} {:>10} {:>10}",
        "kind", "size", "", "plugins", "taken", "unsettled", "steps", "median", "each", "grown by"
    );
    for (kind, count, more) in
        ROWS.iter().filter(|(kind, ..)| words.is_empty() || words.iter().any(|word| word == kind))
    {
        let own =
            Command::new(env::current_exe().unwrap()).args([kind, &*count.to_string(), &*more.to_string()]).status();
        assert!(own.unwrap().success(), "{kind} {count} {more}");
    }
}
