//! Writers that are killed at every step, several at a time, and between what others put there.

use std::{env, process::Command};

use super::*;

const KILLED: &str = "MODHOST_TEST_KILLED_AT";
const STEPS: [Step; 8] =
    [Step::Began, Step::Made, Step::Locked, Step::WrittenInPart, Step::Written, Step::Synced, Step::Named, Step::Done];

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn held(path: &Path, patience: Duration) -> Result<Held> {
    Held::wait(path, ".held", Afterwards::Removed, patience, Stage::Engine)
}

/// The process that is killed. Without a word for it, as in a usual run of the tests, there is nothing to do.
#[test]
fn killed_writer() {
    let Ok(word) = env::var(KILLED) else { return };
    let (number, rest) = word.split_once(' ').unwrap();
    let (new, path) = rest.split_once(' ').unwrap();
    let (step, path) = (STEPS[number.parse::<usize>().unwrap()], Path::new(path));
    let _held = held(path, Duration::ZERO).unwrap();
    let mut kill = |done| {
        if done == step {
            std::process::abort();
        }
    };
    put(path, b"new bytes", Readers::Usual, new == "new", &mut kill).unwrap();
    unreachable!("{step:?} never came");
}

#[test]
fn a_writer_may_be_killed_at_every_step() {
    for (number, step) in STEPS.into_iter().enumerate() {
        for new in [false, true] {
            let area = tempfile::tempdir().unwrap();
            let path = area.path().join("a.modpkg");
            if !new {
                fs::write(&path, "old bytes").unwrap();
            }
            let word = format!("{number} {} {}", if new { "new" } else { "old" }, path.to_string_lossy());
            let mut child = Command::new(env::current_exe().unwrap());
            child.args(["--exact", "replace::tests::killed_writer"]).env(KILLED, word);
            let output = child.output().unwrap();
            assert!(!output.status.success(), "{step:?}: {output:?}");

            let named = matches!(step, Step::Named | Step::Done);
            let found = fs::read_to_string(&path).ok();
            let expected = if named { Some("new bytes") } else { (!new).then_some("old bytes") };
            assert_eq!(found.as_deref(), expected, "{step:?}, new: {new}");

            // The next one waits for nobody, and nothing is left of the first.
            let next = held(&path, Duration::ZERO).unwrap();
            replace(&path, b"next bytes", Readers::Usual, Stage::Engine).unwrap();
            drop(next);
            assert_eq!(fs::read_to_string(&path).unwrap(), "next bytes");
            let left: &[&str] = if cfg!(unix) { &["a.modpkg"] } else { &["a.modpkg", "a.modpkg.held"] };
            assert_eq!(names(area.path()), left, "{step:?}, new: {new}");
        }
    }
}

#[test]
fn what_is_not_left_by_a_killed_writer_stays() {
    let area = tempfile::tempdir().unwrap();
    let path = area.path().join("a");
    let digits = "0123456789abcdef";
    let others = [
        "a.tmp".into(),
        format!("a.{}.new", std::process::id()),
        format!("a.{digits}0.tmp"),
        format!("a.{}.tmp", digits.to_uppercase()),
        format!("b.{digits}.tmp"),
        format!("xa.{digits}.tmp"),
        format!("a.{digits}.tmp.bak"),
    ];
    for other in &others {
        fs::write(area.path().join(other), "mine").unwrap();
    }
    // A living writer has this one.
    let living = format!("a.{}.tmp", "1".repeat(16));
    let file = File::create_new(area.path().join(&living)).unwrap();
    file.try_lock().unwrap();
    fs::create_dir(area.path().join(format!("a.{}.tmp", "2".repeat(16)))).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("a.tmp", area.path().join(format!("a.{}.tmp", "3".repeat(16)))).unwrap();
    let before = names(area.path());
    fs::write(area.path().join(format!("a.{}.tmp", "4".repeat(16))), "of a killed writer").unwrap();
    replace(&path, b"new", Readers::Usual, Stage::Engine).unwrap();
    let mut after = before;
    after.push("a".into());
    after.sort();
    assert_eq!(names(area.path()), after);
    for other in &others {
        assert_eq!(fs::read_to_string(area.path().join(other)).unwrap(), "mine");
    }
}

#[test]
fn one_holds_a_lock_at_a_time_and_its_file_alone_holds_nobody() {
    let area = tempfile::tempdir().unwrap();
    let path = area.path().join("a");
    // One that was left.
    fs::write(area.path().join("a.held"), "").unwrap();
    let first = held(&path, Duration::ZERO).unwrap();
    let error = held(&path, Duration::from_millis(20)).unwrap_err();
    assert!(error.code() == Code::IoFailed && error.message().contains("a.held"), "{error}");
    drop(first);
    drop(held(&path, Duration::ZERO).unwrap());

    // Each adds one, which is lost where two are in at a time.
    fs::write(&path, "0").unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let _held = held(&path, Duration::from_secs(60)).unwrap();
                    let count: u32 = fs::read_to_string(&path).unwrap().parse().unwrap();
                    fs::write(&path, (count + 1).to_string()).unwrap();
                }
            });
        }
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), "100");
}

#[cfg(unix)]
#[test]
fn links_and_folders_in_the_place_of_a_lock_are_refused() {
    let area = tempfile::tempdir().unwrap();
    let path = area.path().join("a");
    std::os::unix::fs::symlink("elsewhere", area.path().join("a.held")).unwrap();
    assert_eq!(held(&path, Duration::ZERO).unwrap_err().code(), Code::IoFailed);
    assert!(!area.path().join("elsewhere").exists());
    fs::remove_file(area.path().join("a.held")).unwrap();
    fs::create_dir(area.path().join("a.held")).unwrap();
    assert_eq!(held(&path, Duration::ZERO).unwrap_err().code(), Code::IoFailed);
}

/// As another user, which root alone can try: whoever may write the folder goes on after a writer of another user was killed.
#[cfg(unix)]
#[test]
fn what_a_killed_writer_of_another_user_left_is_in_nobodys_way() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    const OTHER: u32 = 65534;
    let area = tempfile::tempdir().unwrap();
    let path = area.path().join("a");
    // The mode of a lock's file follows who may write the folder.
    for (folder, file) in [(0o700, 0o600), (0o755, 0o600), (0o770, 0o660), (0o2775, 0o660), (0o1777, 0o664)] {
        fs::set_permissions(area.path(), fs::Permissions::from_mode(folder)).unwrap();
        let lock = held(&path, Duration::ZERO).unwrap();
        let mode = fs::metadata(area.path().join("a.held")).unwrap().mode() & 0o7777;
        assert_eq!(mode, file, "{folder:o}");
        drop(lock);
    }
    // One that may only be read can be held, too.
    fs::write(area.path().join("a.held"), "").unwrap();
    fs::set_permissions(area.path().join("a.held"), fs::Permissions::from_mode(0o444)).unwrap();
    let first = held(&path, Duration::ZERO).unwrap();
    assert!(held(&path, Duration::ZERO).is_err());
    drop(first);

    if rustix::process::geteuid().as_raw() != 0 {
        return;
    }
    // Left by a writer that root was, for a file of another user: it had been given to that one.
    fs::write(&path, "old").unwrap();
    chown(&path, Some(OTHER), None).unwrap();
    let left = area.path().join(format!("a.{}.tmp", "4".repeat(16)));
    for (owner, stays) in [(OTHER, false), (OTHER - 1, true)] {
        fs::write(&left, "part").unwrap();
        chown(&left, Some(owner), None).unwrap();
        replace(&path, b"new", Readers::Usual, Stage::Engine).unwrap();
        assert_eq!(left.exists(), stays, "{owner}");
        assert_eq!(fs::metadata(&path).unwrap().uid(), OTHER);
    }
    fs::remove_file(&left).unwrap();
}
