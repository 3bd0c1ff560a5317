//! Plays every folder of `tests/attacks/` in one process of its own, so that a host that dies, hangs or grows is seen from outside.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use crate::{
    play::{LONGEST, MOST, play},
    table::{KINDS, all, read, root},
    tally::{What, report},
};

/// Set in the process that plays.
const CHILD: &str = "MODHOST_TEST_ATTACKS";
/// How long it may say nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// The child: plays all there are, in order, and says of each what came of it.
#[test]
fn child() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let made: BTreeMap<String, _> = all()
        .into_iter()
        .filter(|attack| !attack.said.made.is_empty())
        .map(|attack| (attack.folder.clone(), attack))
        .collect();
    let mut folders: Vec<String> =
        fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    println!();
    for folder in folders {
        println!("begin {folder}");
        let mut attack = read(&folder);
        if let Some(made) = made.get(&folder) {
            attack.files.extend(made.files.iter().map(|(path, bytes)| (path.clone(), bytes.clone())));
        }
        // Processors that share a core slow each other down; an attack that takes long does so each time.
        let outcome = (0..3).find_map(|round| match play(&attack) {
            Ok(cost) if cost.took > LONGEST && round < 2 => None,
            other => Some(other),
        });
        match outcome.unwrap() {
            Ok(cost) => {
                println!(
                    "done {folder} {} {} {} {}",
                    attack.said.kind,
                    attack.said.like.is_some(),
                    cost.took.as_micros(),
                    cost.held
                );
            }
            Err(why) => println!("wrong {folder}: {}", why.replace('\n', " ")),
        }
    }
    println!("end");
}

/// What the child says, or what is wrong with it.
fn told() -> Result<Vec<String>, String> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "run::child", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (lines, said) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    let reader = thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
    let mut all: Vec<String> = Vec::new();
    let last = |all: &[String]| all.iter().rfind(|line| line.starts_with("begin ")).cloned().unwrap_or_default();
    loop {
        match said.recv_timeout(PATIENCE) {
            Ok(line) => all.push(line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("the host hangs: {}", last(&all)));
            }
        }
    }
    let _ = reader.join();
    let status = child.wait().unwrap();
    let ended = all.iter().any(|line| line == "end");
    if status.success() && ended { Ok(all) } else { Err(format!("the host died ({status}): {}", last(&all))) }
}

#[test]
fn every_attack_gets_its_code_and_leaves_nothing_behind() {
    let said = told().unwrap_or_else(|why| panic!("{why}"));
    let wrong: Vec<&String> = said.iter().filter(|line| line.starts_with("wrong ")).collect();
    assert!(wrong.is_empty(), "{} attacks: {wrong:#?}", wrong.len());
    let (mut kinds, mut like) = (BTreeMap::<String, u64>::new(), 0);
    let (mut slowest, mut largest) = ((0, String::new()), (0, String::new()));
    for line in said.iter().filter_map(|line| line.strip_prefix("done ")) {
        let [folder, kind, alike, took, held] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        *kinds.entry(kind.to_owned()).or_default() += u64::from(alike == "false");
        like += u64::from(alike == "true");
        slowest = slowest.max((took.parse::<u64>().unwrap(), folder.to_owned()));
        largest = largest.max((held.parse::<u64>().unwrap(), folder.to_owned()));
    }
    assert!(slowest.0 < LONGEST.as_micros() as u64, "{slowest:?}");
    assert!(largest.0 < MOST as u64, "{largest:?}");
    let different: u64 = kinds.values().sum();
    assert_eq!(different + like, fs::read_dir(root()).unwrap().count() as u64);
    assert!(different >= 200 && kinds.len() == KINDS.len(), "{different} attacks: {kinds:?}");
    let each: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let line = format!(
        "{different} attacks of {} kinds ({}; {like} more that differ in a constant), worst {} ms ({}), {:.1} MiB ({})",
        kinds.len(),
        each.join(", "),
        slowest.0.div_ceil(1000),
        slowest.1,
        largest.0 as f64 / (1 << 20) as f64,
        largest.1
    );
    report(What::Attacks, different, &line);
}
