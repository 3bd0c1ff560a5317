//! Policies: each cell of the presets' table, policy files and their mistakes, libraries, and the limits over all plugins of an engine.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use modhost::{
    Capabilities, Code, Enforcement, Engine, GroupBy, GroupLimits, Isolation, Kind, LimitSet, Limits, Policy, Stage,
    TrustLevel,
    audit::{AuditPolicy, Event, MemoryLog},
    backend::{Backend, ExportId, ExportInfo, Fault, Instance, LoadRequest, Suspending, Type, Value},
    verify::Exposed,
};

const LEVELS: [TrustLevel; 3] = [TrustLevel::Untrusted, TrustLevel::Verified, TrustLevel::Trusted];
const MIB: u64 = 1 << 20;

/// One row of the table: isolation, memory, share of a processor, seconds, network, signatures; and fuel, which follows from them.
type Row = (&'static str, Isolation, u64, u32, u64, bool, u32, u64);

const TABLE: [Row; 6] = [
    ("development", Isolation::SharedMemory, 4096, 100, 600, true, 0, 12_000_000_000),
    ("testing", Isolation::SharedMemory, 2048, 100, 120, true, 0, 2_400_000_000),
    ("standard", Isolation::Process, 512, 50, 30, false, 1, 300_000_000),
    ("enterprise", Isolation::Process, 1024, 80, 60, false, 1, 960_000_000),
    ("strict", Isolation::Container, 128, 25, 10, false, 2, 50_000_000),
    ("airgapped", Isolation::Container, 256, 50, 30, false, 2, 300_000_000),
];

#[test]
fn every_cell_of_the_presets() {
    let names: Vec<_> = std::iter::once("mods").chain(TABLE.iter().map(|row| row.0)).collect();
    assert_eq!(Policy::PRESETS, names);
    for (name, isolation, memory, share, seconds, network, signatures, fuel) in TABLE {
        let policy = Policy::preset(name).unwrap();
        assert_eq!((policy.name.as_str(), policy.signatures), (name, signatures));
        assert_eq!(policy.unsigned, signatures == 0, "{name}");
        assert_eq!(policy.total_memory, 16 * memory * MIB, "{name}");
        assert_eq!(policy.audit, AuditPolicy::DenyPrivileged, "{name}");
        let own_machine = isolation == Isolation::SharedMemory;
        assert_eq!((policy.development, policy.source_formats), (own_machine, own_machine), "{name}");
        for level in LEVELS.map(|trust| policy.level(trust)) {
            let limits = &level.limits;
            assert_eq!(level.needs.isolation, isolation, "{name}");
            assert_eq!(level.needs == Enforcement::NOTHING, own_machine, "{name}");
            assert_eq!((limits.memory, limits.cpu_share, limits.fuel), (memory * MIB, share, fuel), "{name}");
            assert_eq!((limits.deadline, limits.connections > 0), (Duration::from_secs(seconds), network), "{name}");
            let granted = if own_machine { Capabilities::Requested } else { Capabilities::none() };
            assert_eq!((level.admitted, &level.capabilities, &level.backends), (true, &granted, &None), "{name}");
        }
    }
    let mods = Policy::preset("mods").unwrap();
    let cells = LEVELS.map(|trust| {
        let level = mods.level(trust);
        (level.needs.isolation, level.limits.memory / MIB, level.limits.deadline.as_secs(), level.limits.fuel)
    });
    let sandbox = Isolation::Sandbox;
    let expected =
        [(sandbox, 64, 1, 10_000_000), (sandbox, 256, 5, 100_000_000), (Isolation::SharedMemory, 256, 5, 100_000_000)];
    assert_eq!(cells, expected);
    assert_eq!((mods.unsigned, mods.signatures, mods.development, mods.source_formats), (true, 0, false, true));
    assert_eq!(Policy::default().name, "mods");

    let unknown = Policy::preset("strickt").unwrap_err();
    assert_eq!(unknown.code(), Code::PolicyUnknown);
    assert!(unknown.message().contains("`strict`") && unknown.help().contains("airgapped"), "{unknown}");
}

#[test]
fn every_cell_of_the_limit_sets() {
    let rows = [("minimal", 128, 25, 10, 50), ("standard", 512, 50, 30, 300), ("generous", 2048, 100, 300, 6000)];
    assert_eq!(LimitSet::ALL.map(LimitSet::name), rows.map(|row| row.0));
    for (name, memory, share, seconds, fuel) in rows {
        let limits = LimitSet::named(name).unwrap().limits();
        assert_eq!((limits.memory, limits.cpu_share), (memory * MIB, share), "{name}");
        assert_eq!((limits.deadline.as_secs(), limits.fuel), (seconds, fuel * 1_000_000), "{name}");
        assert_eq!(limits.value, Limits::default().value, "{name}");
    }
    assert_eq!(LimitSet::named("huge"), None);
}

/// Loads a script and a library that is none under `policy`, and tells the codes; for the script also its notes.
fn tried(policy: &Policy) -> (Result<Vec<String>, Code>, Code) {
    let area = tempfile::tempdir().unwrap();
    fs::write(area.path().join("script.lua"), "function run() return 1 end").unwrap();
    fs::write(area.path().join("native.so"), "no library at all").unwrap();
    let engine = Engine::builder().policy(policy.clone()).build().unwrap();
    let mut mods = engine.load_dir(area.path()).unwrap();
    let of = |name: &str| mods.refused.iter().find(|refused| refused.name == name).map(|refused| refused.error.code());
    let (script, native) = (of("script"), of("native").unwrap());
    (script.map_or_else(|| Ok(mods.loaded.pop().unwrap().notes), Err), native)
}

#[test]
fn what_is_not_there_yet_is_refused_and_a_sandbox_is_a_container() {
    for (name, isolation, _, share, ..) in TABLE {
        let mut policy = Policy::preset(name).unwrap();
        if isolation == Isolation::SharedMemory {
            assert_eq!(tried(&policy), (Ok(vec![]), Code::NativeCorrupt), "{name}: the file was opened");
            continue;
        }
        assert_eq!(tried(&policy), (Err(Code::DeniedTrust), Code::DeniedTrust), "{name}");
        let refused = Engine::builder().policy(policy.clone()).build().unwrap().load_source("a.lua", "").unwrap_err();
        assert!(refused.is_refusal() && refused.is_security() && refused.stage() == Stage::Vet, "{name}");
        assert!(refused.message().contains(name) && refused.help().contains("modhost sign"), "{refused}");

        policy.unsigned = true;
        assert_eq!(tried(&policy).0, Err(Code::DeniedTrust), "{name}: signatures hold whatever `unsigned` says");
        policy.signatures = 0;
        let (script, native) = tried(&policy);
        assert_eq!(native, Code::DeniedBackend, "{name}: no process of its own for native code yet");
        let notes = script.unwrap();
        assert_eq!(notes.len(), 1, "{name}: {notes:?}");
        assert!(notes[0].contains(&format!("{share} % of a processor")), "{name}: {notes:?}");
    }
    let shared = Enforcement { isolation: Isolation::SharedMemory, ..Enforcement::SANDBOX };
    let process = Enforcement { isolation: Isolation::Process, ..Enforcement::SANDBOX };
    let rows = [
        (Enforcement::SANDBOX, [true, true, true, true]),
        (shared, [true, false, false, false]),
        (process, [true, true, true, false]),
    ];
    for (offered, sufficient) in rows {
        let demands = [Isolation::SharedMemory, Isolation::Sandbox, Isolation::Process, Isolation::Container];
        let suffices = demands.map(|isolation| offered.suffices(&Enforcement { isolation, ..Enforcement::NOTHING }));
        assert_eq!(suffices, sufficient, "{}", offered.isolation);
    }
}

#[test]
fn code_without_isolation_is_announced_unless_somebody_vouches_for_it() {
    let announced = |policy: &Policy| {
        let log = Arc::new(MemoryLog::default());
        let engine = Engine::builder().policy(policy.clone()).audit(log.clone()).build().unwrap();
        let area = tempfile::tempdir().unwrap();
        fs::write(area.path().join("native.so"), "no library at all").unwrap();
        engine.load_path(area.path().join("native.so")).unwrap_err();
        log.records().iter().any(|record| record.event == Event::Unprotected)
    };
    let mut open = Policy::mods();
    assert!(!announced(&open));
    open.untrusted.isolate(Isolation::SharedMemory);
    assert!(announced(&open), "a policy of the host's own, too");
    assert!(announced(&Policy::testing()));
}

/// One changed field each.
type Check = fn(&Policy) -> bool;

#[test]
fn policy_files_change_what_they_name() {
    let rows: &[(&str, Check)] = &[
        ("", |p| p.name == "arena" && p.untrusted.limits == Limits::default() && p.unsigned),
        ("\u{feff}# nothing", |p| p.name == "arena"),
        ("name = 'my game'", |p| p.name == "my game"),
        ("base = 'strict'", |p| p.signatures == 2 && p.untrusted.limits.memory == 128 * MIB && p.name == "arena"),
        ("base = 'strict'\nunsigned = true\nsignatures = 0", |p| p.unsigned && p.signatures == 0),
        ("require_trusted_signer = true", |p| p.require_trusted_signer && p.signatures == 0),
        ("signature_max_age = '365d'", |p| p.signature_max_age == Some(Duration::from_secs(365 * 86_400))),
        ("vendors = ['acme', 'b-c', 'acme']", |p| p.vendors.iter().eq(["acme", "b-c"])),
        ("base = 'development'\n[untrusted]\nisolation = 'sandbox'", |p| {
            p.untrusted.needs.isolation == Isolation::Sandbox && p.trusted.needs == Enforcement::NOTHING
        }),
        ("base = 'development'\naudit = 'deny-privileged'", |p| p.audit == AuditPolicy::DenyPrivileged),
        ("", |p| p.exposed.is_none()),
        ("exposed = 'warn'", |p| p.exposed == Some(Exposed::Warn)),
        ("base = 'strict'\naudit = 'continue'", |p| p.audit == AuditPolicy::Continue && p.signatures == 2),
        ("[untrusted]\nbackends = ['lua', 'wasm']\n[verified]\nbackends = []", |p| {
            p.untrusted.backends == Some([Kind::LUA, Kind::WASM].into())
                && p.verified.backends.as_ref().is_some_and(BTreeSet::is_empty)
                && p.trusted.backends.is_none()
        }),
        ("source_formats = false", |p| !p.source_formats),
        ("prefer = ['lua', 'wasm']", |p| p.prefer == [Kind::LUA, Kind::WASM]),
        ("instances = 3\ntotal_memory = '2GiB'", |p| p.instances == 3 && p.total_memory == 2 << 30),
        (
            "[groups.acme]\nplugins = 1\nmemory = '2KiB'\nfuel = 3\ntime = '4ms'\noutput = 5\nqueue = 6\n[groups.zoo]",
            |p| {
                let acme = &p.groups["acme"];
                (acme.plugins, acme.memory, acme.fuel, acme.output, acme.queue) == (1, 2048, 3, 5, 6)
                    && acme.time == Duration::from_millis(4)
                    && p.groups["zoo"] == GroupLimits::default()
                    && p.other_groups.is_none()
            },
        ),
        ("group_by = 'publisher'\n[other_groups]\nfuel = 0", |p| {
            p.group_by == GroupBy::Publisher && p.other_groups.as_ref().is_some_and(|group| group.fuel == 0)
        }),
        ("deliveries = 9\n[untrusted]\nqueue = 7", |p| p.deliveries == 9 && p.untrusted.limits.queue == 7),
        ("[untrusted]\nadmitted = false", |p| !p.untrusted.admitted && p.verified.admitted),
        ("[verified]\nisolation = 'container'", |p| p.verified.needs.isolation == Isolation::Container),
        ("[trusted]\nisolation = 'none'", |p| p.trusted.needs == Enforcement::NOTHING),
        ("[untrusted]\nlimits = 'generous'\nfuel = 7", |p| {
            p.untrusted.limits.memory == 2 << 30 && p.untrusted.limits.fuel == 7
        }),
        ("[untrusted]\nfuel = 1_000\nmemory = '8MiB'\ndeadline = '5ms'", |p| {
            let limits = &p.untrusted.limits;
            (limits.fuel, limits.memory, limits.deadline) == (1000, 8 * MIB, Duration::from_millis(5))
        }),
        ("[untrusted]\ncall_depth = 1\nreentry_depth = 2\nvalue_depth = 3\nvalue_bytes = '4B'", |p| {
            let limits = &p.untrusted.limits;
            (limits.call_depth, limits.reentry_depth, limits.value.depth, limits.value.bytes) == (1, 2, 3, 4)
        }),
        ("[untrusted]\noutput = 1\nsource = 2\nmodule = 3\nstorage = 4", |p| {
            let limits = &p.untrusted.limits;
            (limits.output, limits.source, limits.module, limits.storage) == (1, 2, 3, 4)
        }),
        ("[untrusted]\nopen_files = 1\nconnections = 2\nthreads = 3\ncpu_share = 4", |p| {
            let limits = &p.untrusted.limits;
            (limits.open_files, limits.connections, limits.threads, limits.cpu_share) == (1, 2, 3, 4)
        }),
        ("[untrusted]\ncapabilities = 'requested'", |p| p.untrusted.capabilities == Capabilities::Requested),
        ("[untrusted]\ncapabilities = ['world.spawn']", |p| {
            matches!(&p.untrusted.capabilities, Capabilities::Only(these) if these.len() == 1)
                && p.verified.capabilities == Capabilities::none()
        }),
        ("[libraries]\nlua = ['math', 'string']\nbasic = ['any']", |p| {
            p.libraries[&Kind::LUA] == BTreeSet::from(["math".to_owned(), "string".to_owned()])
                && p.libraries.len() == 2
        }),
        (
            "[caps]\nfile = '1MiB'\ntotal = '2MiB'\nfolder = '3MiB'\nmanifest = 3\nfiles = 4\nplugins = 5\ndepth = 6\n\
             package = '7MiB'\nratio = 8",
            |p| {
                let caps = &p.caps;
                (caps.file, caps.total, caps.folder, caps.manifest) == (MIB, 2 * MIB, 3 * MIB, 3)
                    && (caps.files, caps.plugins, caps.depth, caps.package, caps.ratio) == (4, 5, 6, 7 * MIB, 8)
            },
        ),
    ];
    for (text, holds) in rows {
        let policy = Policy::from_toml(text, "conf/arena.toml").unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(holds(&policy), "{text}: {policy:?}");
    }
}

#[test]
fn mistakes_in_policy_files_have_a_code_and_a_place() {
    use Code::{PolicyDuration, PolicySize, PolicySyntax, PolicyUnknown, PolicyUnknownKey, PolicyValue};
    let deep = format!("name = {}", "[".repeat(200));
    // The text, the code, line:column, and a part of the message.
    let rows: &[(&str, Code, &str, &str)] = &[
        ("[groups]\nacme = 1", PolicySyntax, "2:8", "must be a table"),
        ("[groups.acme]\nfule = 1", PolicyUnknownKey, "2:1", "did you mean `fuel`?"),
        ("[other_groups]\ntime = 4", PolicyDuration, "2:8", "unit"),
        ("[groups.'a b']", PolicyValue, "1:9", "no name of a group"),
        ("[groups.acme]\nplugins = 4294967296", PolicyValue, "2:11", "beyond"),
        ("group_by = 'publsher'", PolicyValue, "1:12", "did you mean `publisher`?"),
        ("unsigned", PolicySyntax, "1:9", "not TOML"),
        ("name = 'a'\nname = 'b'", PolicySyntax, "2:1", "duplicate"),
        (&deep, PolicySyntax, "1:16", "nested too deeply"),
        ("unsinged = true", PolicyUnknownKey, "1:1", "did you mean `unsigned`"),
        ("[untrused]", PolicyUnknownKey, "1:2", "did you mean `untrusted`"),
        ("[wolves]", PolicyUnknownKey, "1:2", "there are base"),
        ("[untrusted]\n  fule = 7", PolicyUnknownKey, "2:3", "in [untrusted]; did you mean `fuel`"),
        ("[trusted]\nmemroy = 7", PolicyUnknownKey, "2:1", "in [trusted]; did you mean `memory`"),
        ("[verified]\nneeds = 7", PolicyUnknownKey, "2:1", "in [verified]"),
        ("[caps]\nmanifset = 7", PolicyUnknownKey, "2:1", "in [caps]; did you mean `manifest`"),
        ("untrusted.fule = 1", PolicyUnknownKey, "1:11", "did you mean `fuel`"),
        ("base = 'strickt'", PolicyUnknown, "1:8", "did you mean `strict`"),
        ("base = 7", PolicySyntax, "1:8", "a string"),
        ("name = ''", PolicyValue, "1:8", "no name"),
        ("name = \"a\\u001b[31m\"", PolicyValue, "1:8", "\\u{1b}"),
        ("unsigned = 1", PolicySyntax, "1:12", "a boolean"),
        ("unsigned = 'yes'", PolicySyntax, "1:12", "a boolean"),
        ("signatures = -1", PolicySyntax, "1:14", "below 0"),
        ("signatures = 5_000_000_000", PolicyValue, "1:14", "beyond 4294967295"),
        ("signatures = '2'", PolicySyntax, "1:14", "an integer"),
        ("require_trusted_signer = 1", PolicySyntax, "1:26", "a boolean"),
        ("signature_max_age = 'a year'", PolicyDuration, "1:21", "not a duration"),
        ("vendors = ['acme', 'Acme']", PolicyValue, "1:20", "no publisher"),
        ("vendors = ['acme.wolf']", PolicyValue, "1:12", "no publisher"),
        ("instances = 1.5", PolicySyntax, "1:13", "an integer"),
        ("total_memory = 'lots'", PolicySize, "1:16", "not a size"),
        ("total_memory = -1", PolicySize, "1:16", "below 0"),
        ("prefer = 'lua'", PolicySyntax, "1:10", "an array"),
        ("prefer = ['lua', 'Visual Basic']", PolicyValue, "1:18", "not a backend name"),
        ("prefer = [7]", PolicySyntax, "1:11", "a string"),
        ("untrusted = true", PolicySyntax, "1:13", "a table"),
        ("[untrusted]\nadmitted = 'no'", PolicySyntax, "2:12", "a boolean"),
        ("[untrusted]\nisolation = 'proces'", PolicyValue, "2:13", "did you mean `process`"),
        ("[untrusted]\nisolation = 'wall'", PolicyValue, "2:13", "there are none, sandbox, process, container"),
        ("audit = 'contineu'", PolicyValue, "1:9", "did you mean `continue`?"),
        ("audit = 'never'", PolicyValue, "1:9", "there are deny-privileged, continue"),
        ("audit = true", PolicySyntax, "1:9", "a string"),
        ("[untrusted]\nbackends = 'lua'", PolicySyntax, "2:12", "an array"),
        ("[untrusted]\nbackends = ['Visual Basic']", PolicyValue, "2:13", "not a backend name"),
        ("[untrusted]\nlimits = 'minimum'", PolicyValue, "2:10", "did you mean `minimal`"),
        ("[untrusted]\nfuel = '7'", PolicySyntax, "2:8", "an integer"),
        ("[untrusted]\nfuel = 99999999999999999999", PolicySyntax, "2:8", "too large"),
        ("[untrusted]\nmemory = '8 megs'", PolicySize, "2:10", "not a size"),
        ("[untrusted]\nmemory = true", PolicySyntax, "2:10", "a size"),
        ("[untrusted]\ndeadline = 5", PolicyDuration, "2:12", "needs a unit"),
        ("[untrusted]\ndeadline = 'soon'", PolicyDuration, "2:12", "not a duration"),
        ("[untrusted]\nvalue_depth = 129", PolicyValue, "2:15", "beyond 128"),
        ("[untrusted]\ncpu_share = 101", PolicyValue, "2:13", "beyond 100"),
        ("[untrusted]\nthreads = 5000000000", PolicyValue, "2:11", "beyond"),
        ("[untrusted]\ncapabilities = 'all'", PolicyValue, "2:16", "requested"),
        ("[untrusted]\ncapabilities = ['no such!']", PolicyValue, "2:17", "no such!"),
        ("[untrusted]\ncapabilities = [true]", PolicySyntax, "2:17", "a string"),
        ("[libraries]\nlua = ['maths']", PolicyValue, "2:8", "did you mean `math`"),
        ("[libraries]\nlua = ['io']", PolicyValue, "2:8", "there are bit32"),
        ("[libraries]\nwasm = ['math']", PolicyValue, "2:9", "none that can be opened"),
        ("[libraries]\n'Visual Basic' = []", PolicyValue, "2:1", "not a backend name"),
        ("[libraries]\nlua = 'math'", PolicySyntax, "2:7", "an array"),
        ("# \u{72fc}\u{72fc}\nname = '\u{72fc}'; x = 1", PolicySyntax, "2:11", "not TOML"),
    ];
    for (text, code, place, part) in rows {
        let error = Policy::from_toml(text, "arena.toml").map(|policy| panic!("{text}: {policy:?}")).unwrap_err();
        let at = error.at().unwrap_or_else(|| panic!("{text}: {error}")).to_string();
        assert_eq!((error.code(), at), (*code, format!("arena.toml:{place}")), "{text}: {error}");
        assert!(error.message().contains(part) && !error.help().is_empty(), "{text}: {error}");
        assert_eq!(error.stage(), Stage::Engine, "{text}");
    }
}

#[test]
fn a_policy_that_was_changed_by_hand_is_checked_when_the_engine_is_built() {
    type Change = fn(&mut Policy);
    let rows: [(&str, Change); 5] = [
        ("did you mean `wasm`", |policy| policy.trusted.backends = Some([Kind::from_static("wasn")].into())),
        ("did you mean `lua`", |policy| policy.prefer.push(Kind::from_static("lau"))),
        ("did you mean `math`", |policy| _ = policy.libraries.insert(Kind::LUA, BTreeSet::from(["mat".into()]))),
        ("there is none", |policy| _ = policy.libraries.insert(Kind::from_static("basic"), BTreeSet::new())),
        ("beyond 128", |policy| policy.verified.limits.value.depth = 1000),
    ];
    for (part, change) in rows {
        let mut policy = Policy::mods();
        change(&mut policy);
        let error = Engine::builder().policy(policy).build().unwrap_err();
        assert_eq!(error.code(), Code::PolicyValue, "{part}");
        assert!(error.message().contains(part), "{error}");
    }
}

/// Loads a plugin with these builds under a policy that takes these backends: the build that is taken, or why none is.
#[track_caller]
fn built(policy: &str, builds: &[&str], expected: Result<&str, &str>) {
    let area = tempfile::tempdir().unwrap();
    fs::write(area.path().join("plugin.toml"), "[plugin]\nid = \"p\"\nversion = \"1.0.0\"").unwrap();
    for build in builds {
        fs::write(area.path().join(build), "").unwrap();
    }
    let policy = Policy::from_toml(policy, "arena.toml").unwrap();
    let engine = Engine::builder().policy(policy).build().unwrap();
    let examined = engine.examine(area.path()).unwrap();
    let taken = examined.admission.as_ref().map(|admission| admission.artefact().kind.as_str());
    assert_eq!(taken, expected.ok());
    match (engine.load_path(area.path()), expected) {
        (Ok(_), Ok(kind)) => assert_eq!(engine.plugins()[0].backend.as_str(), kind),
        (Err(error), Err(part)) => {
            assert_eq!((error.code(), error.stage()), (Code::DeniedBackend, Stage::Admit));
            assert!(error.message().contains(part), "{error}");
            assert_eq!(examined.problems[0].message(), error.message());
        }
        (result, _) => panic!("{result:?}"),
    }
}

#[test]
fn a_level_runs_in_the_backends_that_its_policy_takes() {
    let both = ["main.lua", "main.rhai"];
    built("", &both, Ok("lua"));
    built("[untrusted]\nbackends = ['rhai', 'wasm']", &both, Ok("rhai"));
    built("[verified]\nbackends = ['rhai']", &both, Ok("lua"));
    built("[untrusted]\nbackends = ['lua', 'rhai']\n[verified]\nbackends = []", &both, Ok("lua"));
    let message = "lua: the policy `arena` does not take it for untrusted plugins";
    built("[untrusted]\nbackends = ['wasm']", &["main.lua"], Err(message));
    built("[untrusted]\nbackends = []", &both, Err(message));
}

/// A backend that keeps which libraries it was told to open, and whose plugins hold what their export `hold` was last told to.
#[derive(Debug, Default)]
struct Keeper(Mutex<Vec<Option<BTreeSet<String>>>>);

struct Holding(Vec<ExportInfo>, usize);

impl Backend for Keeper {
    fn kind(&self) -> Kind {
        Kind::LUA
    }
    fn enforcement(&self) -> Enforcement {
        Enforcement::SANDBOX
    }
    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        self.0.lock().unwrap().push(request.libraries.cloned());
        let held = request.source()?.trim().parse().unwrap_or(0);
        Ok(Box::new(Holding(vec![ExportInfo::new("fail"), ExportInfo::new("hold")], held)))
    }
}

impl Instance for Holding {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        ExportId::find(&self.0, name)
    }
    fn call(&mut self, export: ExportId, args: &[Value], _wants: &Type) -> Result<Value, Fault> {
        if let [Value::Int(bytes)] = args {
            self.1 = usize::try_from(*bytes).unwrap();
        }
        if export.index() == 0 { Err(Fault::raised("after it grew")) } else { Ok(Value::Nil) }
    }
    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        None
    }
    fn exports(&self) -> &[ExportInfo] {
        &self.0
    }
    fn memory_used(&self) -> Option<usize> {
        Some(self.1)
    }
}

#[test]
fn a_backend_is_told_which_libraries_are_open() {
    let opened = |policy: Policy| {
        let keeper = Arc::new(Keeper::default());
        let engine = Engine::builder().policy(policy).backend(keeper.clone()).build().unwrap();
        engine.load_source("a.lua", "0").unwrap();
        let mut told = keeper.0.lock().unwrap();
        told.pop().unwrap()
    };
    let file = |text: &str| Policy::from_toml(text, "arena.toml").unwrap();
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    assert_eq!(opened(Policy::mods()), None, "all that there are");
    assert_eq!(opened(file("[libraries]\nlua = ['math', 'table']")), names(&["math", "table"]));
    assert_eq!(opened(file("[libraries]\nlua = []")), names(&[]));
    let refused = |libraries: &str, word: &str| {
        let policy = Policy::from_toml(&format!("[libraries]\n{libraries}"), "arena.toml");
        let error = policy.and_then(|policy| Engine::builder().policy(policy).build()).unwrap_err();
        assert_eq!(error.code(), Code::PolicyValue, "{libraries}");
        assert!(error.to_string().contains(word), "{libraries}: {error}");
    };
    refused("lua = ['maths']", "`math`");
    refused("rhai = ['arrays']", "`array`");
    refused("rhai = ['math', 'time']", "array, bits, blob, iterators, map, math, string");
    // What cannot be held is not accepted silently.
    refused("wasm = []", "no standard libraries");
    refused("native = ['libc']", "none that can be opened one by one");
}

#[test]
fn a_closed_library_is_absent_in_the_language() {
    let run = |file: &str, libraries: &str, source: String| {
        let policy = Policy::from_toml(&format!("[libraries]\n{libraries}"), "arena.toml").unwrap();
        let engine = Engine::builder().policy(policy).build().unwrap();
        let plugin = engine.load_source(file, source).unwrap();
        engine.call::<_, Value>(&mut (), plugin, "run", ()).map_err(|error| error.code())
    };
    let lua = |libraries: &str, body: &str| {
        run("a.lua", &format!("lua = {libraries}"), format!("function run() return {body} end"))
    };
    assert_eq!(lua("['math']", "math.abs(-1)"), Ok(Value::Int(1)));
    assert_eq!(lua("['math']", "string == nil and table == nil"), Ok(Value::Bool(true)));
    assert_eq!(lua("['string']", "math.abs(-1)"), Err(Code::ScriptRaised));
    assert_eq!(lua("[]", "tostring(1) .. type(nil)"), Ok(Value::from("1nil")), "the base library is the language");
    let rhai =
        |libraries: &str, body: &str| run("a.rhai", &format!("rhai = {libraries}"), format!("fn run() {{ {body} }}"));
    assert_eq!(rhai("['math']", "(4.0).sqrt()"), Ok(Value::Float(2.0)));
    assert_eq!(rhai("['string', 'array']", "(4.0).sqrt()"), Err(Code::ScriptRaised));
    assert_eq!(rhai("['array']", "[1, 2].len()"), Ok(Value::Int(2)));
    assert_eq!(rhai("['math']", "[1, 2].len()"), Err(Code::ScriptRaised));
    assert_eq!(rhai("[]", "let n = 0; for i in 0..4 { n += i } `${n}`"), Ok(Value::from("6")), "nor is `for` closed");
}

#[test]
fn an_engine_holds_so_many_plugins_and_no_more() {
    for limit in [0, 1, 3] {
        let mut policy = Policy::mods();
        policy.instances = limit;
        let engine = Engine::builder().policy(policy).build().unwrap();
        for n in 0..limit {
            engine.load_source(&format!("p{n}.lua"), "").unwrap();
        }
        let error = engine.load_source("more.lua", "").unwrap_err();
        assert_eq!((error.code(), error.stage(), error.plugin()), (Code::LimitInstances, Stage::Admit, Some("more")));
        assert_eq!((error.is_limit(), error.limit().unwrap().limit), (true, limit.into()));
        assert_eq!(engine.totals().plugins, limit as usize);
        if limit > 0 {
            engine.unload("p0").unwrap();
            engine.load_source("more.lua", "").unwrap();
        }
    }
}

#[test]
fn all_plugins_together_hold_so_much_and_no_more() {
    let mut policy = Policy::mods();
    // What the host itself keeps of each plugin (names, texts of errors) is a begun grain.
    const GRAIN: u64 = 4 << 10;
    policy.total_memory = (1 << 20) + 2 * GRAIN;
    let engine = Engine::builder().policy(policy).backend(Arc::new(Keeper::default())).build().unwrap();
    let hold = |plugin: &str, export: &str, bytes: i64| {
        engine.call::<_, ()>(&mut (), plugin, export, (bytes,)).map_err(|error| error.code())
    };
    for name in ["a.lua", "b.lua"] {
        engine.load_source(name, "0").unwrap();
    }
    assert_eq!(hold("a", "hold", 600 << 10), Ok(()));
    let held = || engine.totals().memory - 2 * GRAIN;
    assert_eq!(held(), 600 << 10);
    assert_eq!(hold("b", "hold", 1), Ok(()), "a begun grain counts as a whole one");
    assert_eq!(held(), 604 << 10);
    assert_eq!(hold("b", "hold", 420 << 10), Ok(()));
    assert_eq!(hold("a", "hold", 604 << 10), Ok(()), "1 MiB to the byte");
    assert_eq!(held(), 1 << 20);

    let full = engine.load_source("c.lua", "0").unwrap_err();
    assert_eq!((full.code(), full.stage()), (Code::LimitMemory, Stage::Admit));
    assert!(full.help().contains("total_memory"), "{full}");
    assert_eq!(hold("b", "fail", 425 << 10), Err(Code::LimitMemory), "a call that fails counts as well");
    assert_eq!(hold("b", "hold", 1), Err(Code::PluginKilled), "the one that grew is ended, whoever holds more");
    assert_eq!((hold("a", "hold", 1000 << 10), held()), (Ok(()), 1000 << 10));
    assert_eq!(hold("a", "hold", 0), Ok(()));

    assert_eq!(
        engine.load_source("d.lua", "2000000").unwrap_err().code(),
        Code::LimitMemory,
        "what loading holds counts"
    );
    assert_eq!((held(), engine.find("d")), (0, None));
    engine.load_source("d.lua", "9000").unwrap();
    assert_eq!(held(), (12 << 10) + GRAIN);
    engine.unload("d").unwrap();
    assert_eq!(held(), 0);
    engine.unload("a").unwrap();
    engine.unload("b").unwrap();
    assert_eq!(engine.totals().memory, 0);

    let mut none = Policy::mods();
    none.total_memory = 0;
    let engine = Engine::builder().policy(none).build().unwrap();
    assert_eq!(engine.load_source("a.lua", "").unwrap_err().code(), Code::LimitMemory, "zero is a limit of zero");
}
