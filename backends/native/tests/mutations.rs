//! Damaged libraries, each loaded in a process that it cannot take along: it is refused or loads, whatever was damaged of
//! what a loader reads. Only code is left as it is, which nobody checks.
//!
//! `cargo test -p modhost-native --test mutations [-- NUMBER]` damages each library in NUMBER ways, which are the same
//! each time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[path = "support/elf.rs"]
mod elf;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod support;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod run {
    use std::{
        collections::BTreeMap,
        env, fs,
        io::{BufRead, BufReader, Write},
        os::unix::process::ExitStatusExt,
        path::{Path, PathBuf},
        process::{Command, Stdio},
        sync::mpsc,
        thread,
        time::Duration,
    };

    use modhost_backend::{Fault, rig::Rig};
    use modhost_native::NativeBackend;

    use super::{
        elf::{Region, code, number, regions},
        support::{c_library, rust_guest},
    };

    /// In how many ways each library is damaged, if the command line does not say.
    const WAYS: u64 = 300;
    /// How many libraries one process loads: a few thousand is the backend's own limit.
    const BATCH: u64 = 1500;
    /// How long one load may take.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Numbers that start alike for the same seed.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        }

        fn below(&mut self, end: usize) -> usize {
            self.next() as usize % end.max(1)
        }

        fn of<T: Copy>(&mut self, choices: &[T]) -> T {
            choices[self.below(choices.len())]
        }
    }

    /// Damages `bytes` in the way `seed`, and says how.
    fn damage(bytes: &mut Vec<u8>, regions: &[Region], seed: u64) -> String {
        let mut random = Random(seed);
        let mut done = Vec::new();
        for _ in 0..random.of(&[1, 1, 1, 1, 2, 3]) {
            let region = &regions[random.below(regions.len())];
            let start = region.at.start;
            let len = region.at.len().min(bytes.len().saturating_sub(start));
            if len < 24 {
                continue;
            }
            let way = random.below(100);
            let at = start + random.below(len);
            let width = random.of(&[1, 2, 4, 8]);
            let field = start + random.below(len - 8) / width * width;
            let was = number(bytes, field, width) as u64;
            let put = |bytes: &mut Vec<u8>, value: u64| {
                bytes[field..field + width].copy_from_slice(&value.to_le_bytes()[..width]);
            };
            let what = match way {
                0..30 => {
                    bytes[at] ^= 1 << random.below(8);
                    format!("a bit at {at:#x}")
                }
                30..45 => {
                    bytes[at] = random.next() as u8;
                    format!("a byte at {at:#x}")
                }
                45..60 => {
                    let value = random.of(&[0, 1, 2, 4, 8, 0x10, 0x1000, 0x7fff_ffff, u64::MAX, 1 << 31, 1 << 63]);
                    put(bytes, value);
                    format!("{value:#x} in {width} bytes at {field:#x}")
                }
                60..75 => {
                    let by = random.of(&[1, 2, 8, 16, 24, 0x100, 0x1000, 0x2000, 0x10_0000]);
                    let value = if random.next() & 1 == 0 { was.wrapping_add(by) } else { was.wrapping_sub(by) };
                    put(bytes, value);
                    format!("{was:#x} to {value:#x} at {field:#x}")
                }
                75..85 if len >= region.record => {
                    let records = len / region.record;
                    let (from, to) = (random.below(records) * region.record, random.below(records) * region.record);
                    let record = bytes[start + from..start + from + region.record].to_vec();
                    bytes[start + to..start + to + region.record].copy_from_slice(&record);
                    format!("record at {from:#x} over that at {to:#x}")
                }
                85..90 => {
                    let end = (at + random.below(64)).min(start + len);
                    bytes[at..end].fill(random.of(&[0, 0xff, 0x41]));
                    format!("a run at {at:#x}..{end:#x}")
                }
                90..97 => {
                    // A program header's type, flags or extent.
                    let table = regions[1].at.clone().step_by(56);
                    let all: Vec<usize> = table.filter(|at| at + 56 <= bytes.len()).collect();
                    if all.is_empty() {
                        continue;
                    }
                    let header = random.of(&all);
                    let kind = random.of(&[0_u32, 1, 2, 4, 6, 7, 0x6474_e550, 0x6474_e551, 0x6474_e552, 0x6474_e553]);
                    let (at, value) = match random.below(3) {
                        0 => (header, kind),
                        1 => (header + 4, random.below(8) as u32),
                        _ => (
                            header + 8 * (1 + random.below(6)),
                            random.of(&[0, 0x1000, 0x3000, 0x10_0000, 0x7000_0000]),
                        ),
                    };
                    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                    format!("header field at {at:#x} is {value:#x}")
                }
                _ => {
                    bytes.truncate(random.below(bytes.len()));
                    format!("cut off at {:#x}", bytes.len())
                }
            };
            done.push(format!("{}: {what}", region.what));
            if bytes.len() < 64 {
                break;
            }
        }
        done.join("; ")
    }

    /// In a process of its own: loads what the seeds of a range make of the library at `path`, and says before each which it
    /// is and after it what came of it.
    fn child(path: &Path, seeds: std::ops::Range<u64>) {
        let whole = fs::read(path).unwrap();
        let regions = regions(&whole);
        let mut out = std::io::stdout().lock();
        let backend = NativeBackend::new();
        for seed in seeds {
            let mut bytes = whole.clone();
            let how = damage(&mut bytes, &regions, seed);
            writeln!(out, "{seed} {how}").and_then(|()| out.flush()).unwrap();
            let loaded = Rig::builder().file("lib.so", bytes).load(&backend);
            let code = loaded.as_ref().err().map_or("ok", Fault::code);
            writeln!(out, "= {code}").and_then(|()| out.flush()).unwrap();
        }
    }

    struct Outcome {
        /// The code of each seed that was survived.
        codes: BTreeMap<String, u64>,
        /// The seeds that were not, and how.
        deaths: Vec<String>,
    }

    /// Plays `seeds` of the library at `path`, in as many processes as that takes.
    fn play(path: &Path, seeds: std::ops::Range<u64>) -> Outcome {
        let mut outcome = Outcome { codes: BTreeMap::new(), deaths: Vec::new() };
        let mut from = seeds.start;
        while from < seeds.end {
            let to = seeds.end.min(from + BATCH);
            let mut child = Command::new(env::current_exe().unwrap())
                .args(["child".as_ref(), path.as_os_str(), from.to_string().as_ref(), to.to_string().as_ref()])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let (sender, lines) = mpsc::channel();
            let output = BufReader::new(child.stdout.take().unwrap());
            let reader = thread::spawn(move || {
                for line in output.split(b'\n').map_while(Result::ok) {
                    let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                }
            });
            let mut open = None;
            let mut slow = false;
            loop {
                match lines.recv_timeout(PATIENCE) {
                    Ok(line) => match line.strip_prefix("= ") {
                        Some(code) => {
                            open = None;
                            from += 1;
                            *outcome.codes.entry(code.to_owned()).or_default() += 1;
                        }
                        None => open = Some(line),
                    },
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        slow = true;
                        child.kill().unwrap();
                    }
                }
            }
            reader.join().unwrap();
            let status = child.wait().unwrap();
            if let Some(open) = open {
                let how = if slow { "it hung".to_owned() } else { format!("{:?} {status}", status.signal()) };
                outcome.deaths.push(format!("{open}: {how}"));
                from += 1;
            } else if !status.success() {
                // Its destructors ran at the process's end.
                outcome.deaths.push(format!("after {from}: {status}"));
                if from < to {
                    break;
                }
            }
        }
        outcome
    }

    /// The libraries that are damaged.
    fn libraries() -> Vec<(&'static str, Vec<u8>)> {
        let map = format!("-Wl,--version-script={}/tests/c/rich.map", env!("CARGO_MANIFEST_DIR"));
        let rich = |flags: &[&str]| {
            let flags: Vec<&str> = [&*map, "-lm"].into_iter().chain(flags.iter().copied()).collect();
            c_library("rich.c", &flags)
        };
        vec![
            ("the Rust guest", rust_guest()),
            ("plugin.c", c_library("plugin.c", &["-s"])),
            ("plugin.c, System V hashes", c_library("plugin.c", &["-Wl,--hash-style=sysv", "-Wl,-z,norelro"])),
            ("rich.c", rich(&[])),
            ("rich.c, bound at once", rich(&["-Wl,-z,now,--hash-style=both", "-s"])),
            ("rich.c, one segment for code and tables", rich(&["-Wl,-z,noseparate-code,--hash-style=sysv"])),
            ("rich.c, no unwind tables", rich(&["-fno-asynchronous-unwind-tables"])),
        ]
    }

    /// The library with code that does nothing but return 0: whatever ends its process is not the code.
    fn without_code(library: &[u8]) -> Vec<u8> {
        let mut bytes = library.to_vec();
        if cfg!(target_arch = "x86_64") {
            for code in code(library) {
                bytes[code.clone()].fill(0x90);
                bytes[code.end - 3..code.end].copy_from_slice(&[0x31, 0xc0, 0xc3]);
            }
        }
        bytes
    }

    pub(crate) fn main() {
        let args: Vec<String> = env::args().skip(1).collect();
        if let [mode, path, from, to] = &args[..]
            && mode == "child"
        {
            return child(Path::new(path), from.parse().unwrap()..to.parse().unwrap());
        }
        let ways = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(WAYS);
        let (mut deaths, mut tried, mut blamed) = (Vec::new(), 0, 0);
        for (number, (name, library)) in (0_u64..).zip(libraries()) {
            let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("damaged-{number}.so"));
            fs::write(&path, &library).unwrap();
            // Undamaged it must get as far as its table.
            let whole = Rig::builder().file("lib.so", &library).load(&NativeBackend::new()).err();
            let whole = whole.as_ref().map_or("ok", Fault::code);
            assert!(["ok", "native.abi", "script.missing-import"].contains(&whole), "{name}: {whole}");
            let first = number << 32;
            let outcome = play(&path, first..first + ways);
            println!("{name}: {:?}", outcome.codes);
            tried += outcome.codes.values().sum::<u64>() + outcome.deaths.len() as u64;
            // A relocation that fills the wrong word of the library's own leads its code astray, which nobody can see
            // from outside. Whether that was it shows the same damage in a copy whose functions only return.
            fs::write(&path, without_code(&library)).unwrap();
            for death in outcome.deaths {
                let seed: Option<u64> = death.split(' ').next().and_then(|seed| seed.parse().ok());
                // What ended at the process's end is played again below.
                let otherwise = usize::from(!cfg!(target_arch = "x86_64"));
                let again = seed.map_or(otherwise, |seed| play(&path, seed..seed + 1).deaths.len());
                blamed += 1 - again;
                if again > 0 {
                    deaths.push(format!("{name} {death}"));
                }
            }
            if cfg!(target_arch = "x86_64") {
                let outcome = play(&path, first..first + ways);
                tried += ways;
                deaths.extend(outcome.deaths.into_iter().map(|death| format!("{name} without code {death}")));
            }
            fs::remove_file(path).unwrap();
        }
        println!("{tried} loads; {blamed} ended in the library's own code");
        assert!(tried >= ways * 7, "{tried}");
        assert!(deaths.is_empty(), "{} of {tried}:\n{}", deaths.len(), deaths.join("\n"));
    }
}

fn main() {
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    run::main();
}
