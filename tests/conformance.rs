//! Every case of `scripts/conformance/` against every backend; and that the suite lets no backend off.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use modhost::{
    Kind, Type, Value,
    backend::{Backend, Enforcement, ExportId, ExportInfo, Fault, Guarantee, Instance, LoadRequest, Suspending},
};
use modhost_testkit::conformance::{self, Outcome, Outcomes, Plugins, Report};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The native plugin of the suite, which cargo puts beside the test programs, or one folder up.
fn native() -> Vec<u8> {
    let name = format!("{}modhost_conformance_native{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let program = env::current_exe().unwrap();
    let found = program.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.exists());
    fs::read(found.unwrap_or_else(|| panic!("{name} is not beside {}", program.display()))).unwrap()
}

#[test]
fn every_backend_behaves_as_the_suite_says() {
    let cases = conformance::cases(&root().join("scripts/conformance")).unwrap();
    assert!(cases.len() >= 60, "the suite shrank to {} cases", cases.len());
    let library = native();
    let one = Plugins::One { ending: env::consts::DLL_EXTENSION, bytes: &library };
    let backends: [(Arc<dyn Backend>, Plugins<'_>); 4] = [
        (Arc::new(modhost_lua::LuaBackend::new()), "lua".into()),
        (Arc::new(modhost_rhai::RhaiBackend::new()), "rhai".into()),
        (Arc::new(modhost_wasm::WasmBackend::new()), "wat".into()),
        (Arc::new(modhost_native::NativeBackend::new()), one),
    ];
    let reports: Vec<Report> =
        backends.iter().map(|(backend, plugins)| conformance::run(backend, *plugins, &cases)).collect();
    // Not by `println`, which cargo hides where a test passes: the table is shown by every run.
    writeln!(io::stdout(), "\n{}", Outcomes(&reports)).unwrap();
    let failures: Vec<String> = reports.iter().flat_map(Report::failures).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Safepoints within straight-line code change nothing that a script can see. They cost fuel, so cases about fuel are left out.
#[test]
fn scripts_behave_the_same_with_a_safepoint_at_each_expression() {
    let mut cases = conformance::cases(&root().join("scripts/conformance")).unwrap();
    cases.retain(|case| !case.name.contains("fuel"));
    let backends: [Arc<dyn Backend>; 2] =
        [Arc::new(modhost_lua::LuaBackend::new()), Arc::new(modhost_lua::LuaBackend::with_all_safepoints())];
    let [plain, dense] = backends.map(|backend| conformance::run(&backend, "lua", &cases));
    assert!(plain.failures().is_empty() && dense.failures().is_empty(), "\n{}", dense.failures().join("\n"));
    assert_eq!(plain.divergences(), dense.divergences());
}

/// The text of a document as one line, without the marks of a doc comment.
fn words(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().map(|line| line.trim().trim_start_matches("//!"));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_divergence_names_the_line_of_documentation_that_forces_it() {
    let cases = conformance::cases(&root().join("scripts/conformance")).unwrap();
    let mut breaches = Vec::new();
    for case in &cases {
        for (kind, divergence) in case.divergences() {
            let said =
                divergence.doc.split_once(": ").is_some_and(|(file, line)| words(&root().join(file)).contains(line));
            if !said {
                breaches.push(format!("{} / {kind}: {}", case.name, divergence.doc));
            }
        }
    }
    assert!(breaches.is_empty(), "these documents do not say so:\n{}", breaches.join("\n"));
}

/// A backend of a third party: a plugin is a text whose lines are `export answer`, and `limits` says what it promises.
#[derive(Debug)]
struct Toy {
    promises: Guarantee,
}

struct ToyPlugin {
    exports: Vec<ExportInfo>,
    answers: Vec<i64>,
}

impl Backend for Toy {
    fn kind(&self) -> Kind {
        // A kind whose ending the engine knows.
        Kind::LUA
    }

    fn enforcement(&self) -> Enforcement {
        Enforcement { instructions: self.promises, ..Enforcement::NOTHING }
    }

    fn load(&self, request: LoadRequest<'_>) -> Result<Box<dyn Instance>, Fault> {
        let lines = request.source()?.lines().filter_map(|line| line.split_once(' '));
        let (exports, answers) =
            lines.map(|(name, answer)| (ExportInfo::new(name), answer.parse::<i64>().unwrap_or_default())).unzip();
        Ok(Box::new(ToyPlugin { exports, answers }))
    }
}

impl Instance for ToyPlugin {
    fn export(&mut self, name: &str) -> Result<ExportId, Fault> {
        ExportId::find(&self.exports, name)
    }

    fn call(&mut self, export: ExportId, _: &[Value], _: &Type) -> Result<Value, Fault> {
        Ok(Value::Int(self.answers[export.index()]))
    }

    fn suspending(&mut self) -> Option<&mut dyn Suspending> {
        None
    }

    fn exports(&self) -> &[ExportInfo] {
        &self.exports
    }

    fn memory_used(&self) -> Option<usize> {
        None
    }
}

/// Holds the toy against one case of these files and tells the outcome, or what is wrong with the case.
fn outcome(promises: Guarantee, files: &[(&str, &str)]) -> String {
    let area = tempfile::tempdir().unwrap();
    let folder = area.path().join("answers");
    fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    let backend: Arc<dyn Backend> = Arc::new(Toy { promises });
    let cases = match conformance::cases(area.path()) {
        Ok(cases) => cases,
        Err(error) => return error,
    };
    let report = conformance::run(&backend, "lua", &cases);
    assert_eq!(report.failures().is_empty(), !matches!(report.outcomes[0].1, Outcome::Failed(_)));
    format!("{:?}", report.outcomes[0].1)
}

/// The outcome of a case whose file is `case` and whose plugin answers 42 to `ask`, or has no plugin.
#[track_caller]
fn check(promises: Guarantee, case: &str, plugin: bool, begins: &str) {
    let case = format!("about = \"a toy\"\n{case}");
    let files = [("case.toml", case.as_str()), ("main.lua", "ask 42")];
    let outcome = outcome(promises, &files[..if plugin { 2 } else { 1 }]);
    assert!(outcome.contains(begins), "{outcome}\nfor {case}");
}

#[test]
fn a_backend_passes_no_case_that_it_forgets_fails_or_plays_otherwise() {
    use Guarantee::{Exact, None};
    let right = "[[call]]\nexport = \"ask\"\ngives = 42\n";
    let wrong = "[[call]]\nexport = \"ask\"\ngives = 41\n";
    let diverges = "[call.diverges]\nlua = { gives = 42, why = \"because it does\", doc = \"README.md: anything\" }\n";
    let missing = "[missing]\nlua = \"a toy cannot say it\"\n";
    check(None, right, true, "Passed");
    check(None, right, false, "write it, or say why under [missing]");
    check(None, &format!("{right}{missing}"), false, "Missing");
    check(None, &format!("{right}{missing}"), true, "the case says it is missing");
    check(None, wrong, true, "gives Int(42); wanted Gives(Int(41))");
    check(None, &format!("{wrong}{diverges}"), true, "Diverged(1)");
    check(None, &format!("{right}{diverges}"), true, "has healed");
    check(None, &format!("{wrong}{diverges}{wrong}"), true, "call 2 of ask gives");
    check(None, "load = \"script.compile\"\n", true, "wanted Fails(ScriptCompile)");
    check(None, "[[call]]\nexport = \"nothing\"\nfails = \"script.missing-export\"\n", true, "Passed");
    check(None, "[[call]]\nexport = \"nothing\"\nfails = \"script.type\"\n", true, "wanted Fails(ScriptType)");
    check(None, &format!("plugins = [\"other\"]\n{right}"), true, "other.lua");
    check(None, &format!("needs = [\"instructions\"]\n{wrong}"), true, "NotPromised");
    check(Exact, &format!("needs = [\"instructions\"]\n{wrong}"), true, "wanted");
    check(None, &format!("{right}prints = [\"a line\"]\n"), true, "prints []");
}

#[test]
fn a_case_that_says_nothing_or_too_much_is_refused() {
    use Guarantee::None;
    let call = "[[call]]\nexport = \"ask\"\n";
    check(None, "", true, "a case has calls, or a code for `load`");
    check(None, call, true, "a call `gives` a value or `fails` with a code");
    check(None, &format!("{call}gives = 1\nfails = \"script.type\"\n"), true, "a call `gives` a value or `fails`");
    check(None, &format!("{call}fails = \"script.typo\"\n"), true, "`script.typo` is no code");
    check(None, &format!("{call}gives = 1\nargz = []\n"), true, "unknown key `argz`");
    check(None, &format!("{call}gives = {{ \"$nul\" = true }}\n"), true, "unknown value `$nul`");
    check(
        None,
        &format!("{call}gives = 1\n[call.diverges]\nlua = {{ gives = 2, why = \"because it does\" }}\n"),
        true,
        "`doc`",
    );
    check(None, &format!("{call}gives = 1\n[missing]\nlua = \"no\"\n"), true, "say why it is missing");
    check(None, &format!("needs = [\"luck\"]\n{call}gives = 1\n"), true, "`luck` is none of");
    check(None, &format!("{call}gives = 1\n[limits]\nluck = 1\n"), true, "unknown limit `luck`");
}

#[test]
fn more_divergences_than_ten_fail_a_backend() {
    let report = |calls| Report { kind: Kind::LUA, outcomes: vec![("many".into(), Outcome::Diverged(calls))] };
    assert_eq!(report(conformance::MOST_DIVERGENCES).failures(), [""; 0]);
    assert_eq!(report(conformance::MOST_DIVERGENCES + 1).failures().len(), 1);
}
