//! Plays one attack as a host would meet it: a folder of files, an engine with a trust store, a memory of earlier runs and an audit, and
//! steps in order. A step is a line; one with ` -> ` says what must come of it: a level of trust, `ok`, a text, or a code.
//!
//! The host's: `load FILE`, `mods FOLDER` (all of its plugins; the code of the first that is refused), `unload ID`, `call ID`, `discover FILE` and `finish` (loading in two halves), `store FILE` (another trust
//! store while plugins run), `unseal FILE BYTE` (the same, sealed), `take STORE LIST` (a revocation list into a store), `restart FILE`
//! (a new engine with this store), `update STORE`, `key FILE`, `public FILE`, `verify LOG [reaches N]`, `log LOG` (goes on with it),
//! `policy FILE`.
//! The attacker's, and time's: `copy FROM TO`, `rename FROM TO`, `link TARGET AT`, `hard FROM AT`, `pipe AT`, `folder AT`, `remove AT`,
//! `grow AT BYTES`, `cut AT BYTES`, `mode AT OCTAL`, `seal FILE BYTE`, `maze FOLDER LINKS ENDING` (links on long ways), `full` and `room` (the disk of the audit), `date DATE`.
//!
//! What is refused changes nothing on the disk; after the last step another package, signed well, is verified in the same engine.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use modhost::{
    Discovered, Engine, Error, ManualClock, PluginId, Policy,
    audit::{self, Durability, Event, Expect, FileLog, FileOptions, MemoryLog, Record, Sink},
    verify::{PublicKey, RevocationList, SecretKey, SeenFile, StoreFile, TrustStore, TrustedKey},
};
use tempfile::TempDir;

use crate::{
    memory::{busy, peak},
    table::Attack,
    world::{NOW, World, area, date, key, options, trusted},
};

/// The longest that one attack may take, and the most memory.
pub(crate) const LONGEST: Duration = Duration::from_secs(1);
pub(crate) const MOST: usize = 64 << 20;
/// Nothing waits so long, on a busy machine either.
const WAITS: Duration = Duration::from_secs(10);

/// The keys of the package that must be verified after every attack: two whose signatures end this day, and two whose do not.
const GOOD: [u8; 4] = [41, 42, 43, 44];

/// What `world` trusts, and the good package's keys.
pub(crate) fn with_good(mut store: TrustStore) -> TrustStore {
    GOOD.iter().for_each(|seed| store.add_key(trusted(*seed, "good.*")).unwrap());
    store
}

/// The store of every host that is attacked.
pub(crate) fn host_store() -> TrustStore {
    with_good(World::new().store)
}

/// The package that is verified whatever happened, and what the host knew before.
pub(crate) fn good() -> BTreeMap<String, Vec<u8>> {
    let mut good = World::of("good.fox", "1.0.0", "function howl() return 'yip' end\n", &GOOD[..2]);
    good.sign_with(&GOOD[..2], |said| said.expires = Some(date("2026-06-01T20:00:00Z")));
    let mut envelope = modhost::verify::Envelope::parse(good.envelope.take().unwrap().as_bytes()).unwrap();
    for seed in &GOOD[2..] {
        envelope.add(modhost::verify::sign_index(&good.index, &key(*seed), options("a fox")).unwrap()).unwrap();
    }
    good.envelope = Some(envelope.to_string());
    let seen = format!("modhost-seen 2\ngeneration 0\ntime {NOW}\nplugin good.fox 1.0.0\n");
    let files = [
        ("good.modpkg", good.packed()),
        ("host.toml", host_store().to_string().into_bytes()),
        ("seen", seen.into_bytes()),
    ];
    files.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

/// What an attack took: the processor's time for all of the host's steps, and the most memory, counted or as the kernel has it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) took: Duration,
    pub(crate) held: usize,
}

/// A sink whose disk can be full.
struct Disk(Arc<AtomicBool>);

impl Sink for Disk {
    fn record(&self, record: &Record) -> io::Result<()> {
        if !self.0.load(Relaxed) {
            return Ok(());
        }
        let mut full = File::options().write(true).open("/dev/full")?;
        full.write_all(record.detail.as_bytes())?;
        full.write_all(b"\n")
    }
}

/// What came of a step.
type Outcome = Result<String, Box<Error>>;

struct Stage {
    area: TempDir,
    policy: Policy,
    engine: Engine,
    log: Arc<MemoryLog>,
    clock: Arc<ManualClock>,
    full: Arc<AtomicBool>,
    /// The files of stores that were read, which remember their generations.
    stores: HashMap<String, StoreFile>,
    discovered: Option<Discovered<'static>>,
    cost: Cost,
}

/// What lies on the disk, but for locks, and for the time that was seen last.
fn lies(root: &Path) -> BTreeMap<PathBuf, (String, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(here) = open.pop() {
        for path in fs::read_dir(&here).unwrap().map(|entry| entry.unwrap().path()) {
            let about = fs::symlink_metadata(&path).unwrap();
            if path.extension().is_some_and(|ending| ending == "lock") {
                continue;
            }
            let shown = format!("{:?} {:?} {}", about.file_type(), about.permissions(), about.len());
            let bytes = match about.file_type() {
                kind if kind.is_dir() => {
                    open.push(path.clone());
                    Vec::new()
                }
                kind if kind.is_symlink() => fs::read_link(&path).unwrap().to_str().unwrap().into(),
                // Sparse and larger than any that matters.
                kind if kind.is_file() && about.len() < 2 << 20 => fs::read(&path).unwrap(),
                _ => Vec::new(),
            };
            let shown = if about.is_file() { shown } else { format!("{:?}", about.file_type()) };
            found.insert(path, (shown, bytes));
        }
    }
    if let Some((shown, text)) = found.get_mut(&root.join("seen")) {
        let lines = String::from_utf8_lossy(text)
            .lines()
            .filter(|line| !line.starts_with("time "))
            .collect::<Vec<_>>()
            .join("\n");
        (*shown, *text) = (String::new(), lines.into_bytes());
    }
    found
}

/// The most memory that this process had resident, in bytes, as the kernel counts it; counted anew where `again` says so.
fn resident(again: bool) -> usize {
    if again {
        let _ = fs::write("/proc/self/clear_refs", "5");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<usize>().ok()).unwrap_or(0) << 10
}

impl Stage {
    fn new(attack: &Attack) -> Self {
        let area = area();
        for (path, bytes) in good().iter().chain(&attack.files) {
            let path = area.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let policy = attack
            .files
            .get("policy.toml")
            .map_or_else(Policy::mods, |text| Policy::from_toml(str::from_utf8(text).unwrap(), "policy.toml").unwrap());
        let (log, clock, full) = (Arc::default(), Arc::new(ManualClock::default()), Arc::default());
        clock.set_wall(date(NOW).time());
        let file = StoreFile::new(area.path().join("host.toml"));
        let engine = built(area.path(), &policy, file.load().unwrap(), &log, &clock, &full).unwrap();
        let stores = HashMap::from([("host.toml".to_owned(), file)]);
        Stage { area, policy, engine, log, clock, full, stores, discovered: None, cost: Cost::default() }
    }

    fn at(&self, path: &str) -> PathBuf {
        // What is absolute stays so: `/dev/zero`.
        self.area.path().join(path)
    }

    fn trust(&self, plugin: PluginId) -> String {
        self.engine.plugins().iter().find(|info| info.plugin == plugin).unwrap().trust.to_string()
    }

    fn stored(&mut self, path: &str) -> &StoreFile {
        let at = self.at(path);
        self.stores.entry(path.to_owned()).or_insert_with(|| StoreFile::new(at))
    }

    fn exchange(&self, store: TrustStore) -> Outcome {
        let mut rechecked = self.engine.set_trust_store(store)?;
        Ok(rechecked.quarantined.pop().map_or("ok".to_owned(), |(_, error)| format!("quarantined {}", error.code())))
    }

    /// A step of the host; `None` for a word that is none of its.
    fn host(&mut self, words: &[&str]) -> Option<Outcome> {
        let ok = |()| "ok".to_owned();
        Some(match words {
            ["load", file] => self.engine.load_path(self.at(file)).map(|plugin| self.trust(plugin)).map_err(Box::new),
            ["mods", folder] => self.engine.load_dir(self.at(folder)).map_err(Box::new).and_then(|mut mods| match mods
                .refused
                .is_empty()
            {
                true => Ok(format!("{} plugins", mods.loaded.len())),
                false => Err(Box::new(mods.refused.swap_remove(0).error)),
            }),
            ["unload", id] => self.engine.unload(*id).map(ok).map_err(Box::new),
            ["call", id] => self.engine.call::<_, String>(&mut (), *id, "howl", ()).map_err(Box::new),
            ["discover", file] => {
                let discovered = self.engine.loading().dir(self.at(file)).discover();
                discovered.map(|discovered| self.discovered = Some(discovered)).map(ok).map_err(Box::new)
            }
            ["finish"] => {
                self.discovered.take().unwrap().resolve().map(modhost::Resolved::load).map_err(Box::new).and_then(
                    |mut mods| match (mods.loaded.pop(), mods.refused.pop()) {
                        (Some(loaded), _) => Ok(loaded.trust.to_string()),
                        (None, refused) => Err(Box::new(refused.unwrap().error)),
                    },
                )
            }
            ["store", file] => self.stored(file).load().map_err(Box::new).and_then(|store| self.exchange(store)),
            ["unseal", file, byte] => {
                let file = StoreFile::new(self.at(file)).sealed([byte.parse().unwrap(); 32]);
                file.load().map_err(Box::new).and_then(|store| self.exchange(store))
            }
            ["update", file] => self.stored(file).update(|_| Ok(())).map(ok).map_err(Box::new),
            ["take", file, list] => {
                let (text, now) = (fs::read(self.at(list)).unwrap(), self.wall());
                let taken = RevocationList::parse(&text)
                    .and_then(|list| self.stored(file).update(|store| store.apply_list(&list, now)));
                taken.map(|new| if new { "ok" } else { "no news" }.to_owned()).map_err(Box::new)
            }
            ["restart", file] => {
                let file = StoreFile::new(self.at(file));
                let engine = file
                    .load()
                    .and_then(|store| built(self.area.path(), &self.policy, store, &self.log, &self.clock, &self.full));
                engine.map(|engine| self.engine = engine).map(ok).map_err(Box::new)
            }
            ["policy", file] => {
                let text = fs::read_to_string(self.at(file)).unwrap();
                Policy::from_toml(&text, file).map(|_| "ok".into()).map_err(Box::new)
            }
            ["key", file] => SecretKey::open(&self.at(file)).map(|_| "ok".into()).map_err(Box::new),
            ["public", file] => {
                let text = fs::read_to_string(self.at(file)).unwrap();
                let added = PublicKey::from_pem(&text).and_then(|public| {
                    let given = TrustedKey::new(public, "a friend", ["friend.*".parse().unwrap()]);
                    self.stored("host.toml").update(|store| store.add_key(given))
                });
                added.map(ok).map_err(Box::new)
            }
            ["verify", log, rest @ ..] => {
                let keys = vec![key(50).public().to_string().split_once(':').unwrap().1.parse().unwrap()];
                let reaches = rest.get(1).map(|number| number.parse().unwrap());
                audit::verify(self.at(log), &Expect { keys, reaches }).map_err(Box::new).and_then(|report| match report
                    .broken
                {
                    Some(broken) => Err(Box::new(broken.error())),
                    None => Ok("ok".to_owned()),
                })
            }
            ["log", log] => {
                let mut options = FileOptions::default();
                (options.durability, options.clock) = (Durability::Never, self.clock.clone());
                FileLog::open_with(self.at(log), options).map(drop).map(ok).map_err(Box::new)
            }
            _ => return None,
        })
    }

    fn wall(&self) -> std::time::SystemTime {
        modhost::Clock::wall(&*self.clock)
    }

    /// A step of somebody else.
    fn other(&mut self, words: &[&str]) {
        let at = |path: &str| self.at(path);
        match words {
            ["copy", from, to] => fs::write(at(to), fs::read(at(from)).unwrap()).unwrap(),
            ["rename", from, to] => fs::rename(at(from), at(to)).unwrap(),
            ["hard", from, to] => {
                let _ = fs::remove_file(at(to));
                fs::hard_link(at(from), at(to)).unwrap();
            }
            #[cfg(unix)]
            ["link", target, to] => {
                let _ = fs::remove_file(at(to));
                std::os::unix::fs::symlink(target, at(to)).unwrap();
            }
            #[cfg(unix)]
            ["maze", to, count, ending] => {
                // Each leads back and forth, and then to the one before.
                fs::create_dir_all(at(to).join("a")).unwrap();
                let mut before = "main.lua".to_owned();
                for number in 0..count.parse::<u32>().unwrap() {
                    let name = format!("l{number:04}{}", ending.trim_matches('-'));
                    std::os::unix::fs::symlink(format!("{}{before}", "a/../".repeat(800)), at(to).join(&name)).unwrap();
                    before = if number % 38 == 37 { "main.lua".to_owned() } else { name };
                }
            }
            #[cfg(unix)]
            ["mode", to, mode] => {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(u32::from_str_radix(mode, 8).unwrap());
                fs::set_permissions(at(to), mode).unwrap();
            }
            ["pipe", to] => {
                let _ = fs::remove_file(at(to));
                assert!(Command::new("mkfifo").arg(at(to)).status().unwrap().success());
            }
            ["folder", to] => {
                let _ = fs::remove_file(at(to));
                fs::create_dir(at(to)).unwrap();
            }
            ["remove", to] if at(to).is_dir() => fs::remove_dir_all(at(to)).unwrap(),
            ["remove", to] => fs::remove_file(at(to)).unwrap(),
            ["grow", to, bytes] => {
                let file = File::options().write(true).open(at(to)).unwrap();
                file.set_len(file.metadata().unwrap().len() + bytes.parse::<u64>().unwrap()).unwrap();
            }
            ["cut", to, bytes] => {
                let file = File::options().write(true).open(at(to)).unwrap();
                file.set_len(file.metadata().unwrap().len() - bytes.parse::<u64>().unwrap()).unwrap();
            }
            ["seal", file, byte] => {
                let store = StoreFile::new(at(file)).load().unwrap();
                fs::remove_file(at(file)).unwrap();
                let sealed = StoreFile::new(at(file)).sealed([byte.parse().unwrap(); 32]);
                let replace = |there: &mut TrustStore| {
                    *there = store;
                    Ok(())
                };
                sealed.update(replace).unwrap();
            }
            ["full"] => self.full.store(true, Relaxed),
            ["room"] => self.full.store(false, Relaxed),
            ["date", day] => self.clock.set_wall(date(day).time()),
            other => panic!("there is no step {other:?}"),
        }
    }

    /// Plays one step; what is wrong with it.
    fn step(&mut self, step: &str) -> Result<(), String> {
        let (line, wanted) = step.split_once(" -> ").map_or((step, None), |(line, wanted)| (line, Some(wanted)));
        let words: Vec<&str> = line.split(' ').collect();
        let lasting = !matches!(words[0], "call" | "unload" | "mods");
        let before = if lasting { lies(self.area.path()) } else { BTreeMap::new() };
        let plugins = self.engine.plugins().len();
        let (begun, clock) = (busy(), Instant::now());
        let (outcome, held) = peak(|| self.host(&words));
        let took = busy().saturating_sub(begun);
        // Who waits for something does not work: that takes time by the clock.
        assert!(clock.elapsed() < WAITS, "`{step}` took {:?}", clock.elapsed());
        let Some(outcome) = outcome else {
            self.other(&words);
            return Ok(());
        };
        self.cost.took += took;
        self.cost.held = self.cost.held.max(held);
        let found = match &outcome {
            Ok(said) => said.clone(),
            Err(error) => error.code().to_string(),
        };
        // Of a log, also what is wrong with it.
        let wanted = wanted.unwrap_or("ok");
        let (wanted, detail) = wanted.split_once(": ").map_or((wanted, None), |(code, detail)| (code, Some(detail)));
        if found != wanted {
            return Err(format!("`{step}`: {found}: {outcome:?}"));
        }
        let Err(error) = outcome else { return Ok(()) };
        if detail.is_some_and(|detail| !error.message().contains(detail)) {
            return Err(format!("`{step}`: {error}"));
        }
        if error.message().is_empty() || error.help().len() < 8 || error.to_string().chars().any(char::is_control) {
            return Err(format!("`{step}` is told badly: {error}"));
        }
        if lasting && lies(self.area.path()) != before {
            return Err(format!("`{step}` was refused, and changed what lies on the disk"));
        }
        if words[0] != "mods" && self.engine.plugins().len() != plugins {
            return Err(format!("`{step}` was refused, and changed what is loaded"));
        }
        let last = self.log.records().pop();
        if matches!(words[0], "load" | "finish")
            && !self.full.load(Relaxed)
            && !last.is_some_and(|record| record.event == Event::Refused && record.code == Some(error.code()))
        {
            return Err(format!("`{step}` is not in the audit"));
        }
        Ok(())
    }

    /// Another package, signed well, afterwards.
    fn afterwards(&mut self) -> Result<(), String> {
        self.full.store(false, Relaxed);
        for name in self.engine.plugins().into_iter().map(|info| info.name) {
            self.engine.unload(&*name).map_err(|error| error.to_string())?;
        }
        let disk = lies(self.area.path());
        for step in ["load good.modpkg -> verified", "call good.fox -> yip", "unload good.fox"] {
            self.step(step).map_err(|why| format!("afterwards: {why}"))?;
        }
        if lies(self.area.path()) != disk {
            Err("the good package changed what lies on the disk".into())
        } else {
            Ok(())
        }
    }
}

fn built(
    area: &Path,
    policy: &Policy,
    store: TrustStore,
    log: &Arc<MemoryLog>,
    clock: &Arc<ManualClock>,
    full: &Arc<AtomicBool>,
) -> modhost::Result<Engine> {
    Engine::builder()
        .policy(policy.clone())
        .trust_store(store)
        .versions_seen(SeenFile::new(area.join("seen")))
        .audit(log.clone())
        .audit(Arc::new(Disk(full.clone())))
        .clock(clock.clone())
        .threads(1)
        // What the native plugin asks of its host.
        .function("test.greet", |name: String| format!("hello {name}"))
        .function("test.ask", |_: String| 0_i64)
        .function("test.take", |value: modhost::Value| value)
        .build()
}

/// Plays an attack; what it took, or what is wrong.
pub(crate) fn play(attack: &Attack) -> Result<Cost, String> {
    let mut stage = Stage::new(attack);
    let before = resident(true);
    attack.said.steps.iter().try_for_each(|step| stage.step(step))?;
    stage.afterwards()?;
    stage.cost.held = stage.cost.held.max(resident(false).saturating_sub(before));
    Ok(stage.cost)
}
