//! Several files of one plugin, row by row.
#![allow(clippy::unwrap_used, clippy::panic)]

use modhost_backend::{
    Fault, FaultKind, Limits, Value,
    Value::Int,
    rig::{Rig, RigBuilder},
};
use modhost_rhai::RhaiBackend;

/// What loading and calling `main` must give.
enum Want {
    Gives(Value),
    /// A code, and the place.
    At(&'static str, &'static str),
    /// The files of a circle.
    Circle(&'static [&'static str]),
}
use Want::{At, Circle, Gives};

fn rig(files: &[(&str, &str)], change: impl FnOnce(&mut Limits)) -> RigBuilder {
    let builder = Rig::builder().limits(change);
    let builder = builder.host("world.spawn", "(x: any) -> any", |args| Ok(args[0].clone()));
    files.iter().fold(builder, |builder, (path, source)| builder.file(path, source))
}

fn call(builder: RigBuilder) -> Result<Value, Fault> {
    builder.load(&RhaiBackend::new()).and_then(|mut rig| rig.call("main", &[]))
}

fn check(files: &[(&str, &str)], want: &Want) {
    let row = format!("{files:#?}");
    match (&call(rig(files, |_| {})), want) {
        (Ok(value), Gives(wanted)) => assert_eq!(value, wanted, "{row}"),
        (Err(fault), At(code, place)) => {
            let found = fault.place().map(ToString::to_string).unwrap_or_default();
            assert_eq!((fault.code(), found.as_str()), (*code, *place), "{fault}\n{row}");
        }
        (Err(fault), Circle(wanted)) => {
            assert_eq!(fault.code(), "script.import-cycle", "{fault}\n{row}");
            let FaultKind::ImportCycle { path } = fault.kind() else { panic!("{fault}\n{row}") };
            assert_eq!(path, wanted, "{row}");
        }
        (Ok(value), _) => panic!("gave {value:?}\n{row}"),
        (Err(fault), _) => panic!("{}: {fault}\n{row}", fault.code()),
    }
}

const UTIL: (&str, &str) = ("lib/util.rhai", "fn twice(x) { x * 2 }");

#[test]
fn functions_of_a_file_are_called_by_its_alias() {
    let main = |name: &str| format!("import {name:?} as util; fn main() {{ util::twice(21) }}");
    for name in ["lib/util", "lib/util.rhai", "./lib/util", "././lib/util.rhai"] {
        check(&[("main.rhai", &main(name)), UTIL], &Gives(Int(42)));
    }
    check(&[("src/main.rhai", &main("../lib/util")), UTIL], &Gives(Int(42)));
    check(&[("src/main.rhai", &main("lib/util")), UTIL], &Gives(Int(42)));
    for (main, module, want) in [
        // While loading, too, and before the import stands there.
        ("fn main() { m::f(2) } import \"m\" as m;", "fn f(x) { x + 1 }", Gives(Int(3))),
        ("import \"m\" as m; const X = m::f(2); fn main() { global::X }", "fn f(x) { x + 1 }", Gives(Int(3))),
        (
            "import \"m\" as m ; import \"./m\" as n; fn main() { m::f(2) + n::f(3) }",
            "fn f(x) { x + 1 }",
            Gives(Int(7)),
        ),
        ("import\t\"m\"\nas\nm;fn main() { m::f([1, 2]).len() }", "fn f(list) { list.push(3); list }", Gives(Int(3))),
        // Names that clash with the host's or the language's, and the file's own helpers and constants.
        (
            "import \"m\" as world; fn main() { world::spawn(2) }",
            "fn spawn(x) { world::spawn(x) }",
            At("script.compile", "m.rhai:1:4"),
        ),
        ("import \"m\" as world; fn main() { world::make(2) }", "fn make(x) { world::spawn(x + 1) }", Gives(Int(3))),
        (
            "import \"m\" as m; const K = m::f(); fn main() { m::f() + m::f() - global::K }",
            "const K = 5; fn f() { global::K } const L = f();",
            Gives(Int(5)),
        ),
        (
            "const K = 1; import \"m\" as m; fn main() { m::f() }",
            "fn f() {\n global::K }",
            At("script.raised", "m.rhai:2:2"),
        ),
        ("<-; <-; import \"m\" as m; fn main() { m::f() }", "const K = 5; fn f() { global::K } <-", Gives(Int(5))),
        (
            "const K = 1; import \"m\" as m; fn main() { m::f() + global::K }",
            "const K = 5; fn f() { g() + global::K } private fn g() { 10 }",
            Gives(Int(16)),
        ),
        (
            "import \"m\" as m; fn main() { m::g() }",
            "private fn g() { 10 }",
            At("script.missing-import", "main.rhai:1:33"),
        ),
        ("import \"m\" as m; fn main() { g() }", "fn g() { 10 }", At("script.raised", "main.rhai:1:30")),
        ("import \"m\" as m; fn main() { [1, 2].map(|x| m::f(x))[1] }", "fn f(x) { x + 1 }", Gives(Int(3))),
        ("import \"m\" as m; fn main() { m::f(1) }", "fn f(x) { let add = |y| x + y; add.call(4) }", Gives(Int(5))),
        ("import \"m\" as m; fn main() { m::f(this) }", "fn f(state) { state.type_of() }", Gives(Value::from("map"))),
        // What stands in texts and comments is no import.
        ("// import \"gone\" as g;\nfn main() { \"import \\\"gone\\\" as g\".len() }", "", Gives(Int(18))),
    ] {
        check(&[("main.rhai", main), ("m.rhai", module)], &want);
    }
}

#[test]
fn each_file_runs_once_before_those_that_import_it() {
    let files = [
        ("main.rhai", "print(\"main\"); import \"a\" as a; import \"lib/b\" as b; fn main() { a::f() * 10 + b::f() }"),
        ("a.rhai", "print(\"a\"); import \"lib/b\" as b; fn f() { b::f() + 1 }"),
        ("lib/b.rhai", "print(\"b\"); import \"./c\" as inner; fn f() { inner::f() }"),
        ("lib/c.rhai", "print(\"c\"); fn f() { 4 }"),
        ("unused.rhai", "print(\"unused\"); }"),
    ];
    let mut rig = rig(&files, |_| {}).load(&RhaiBackend::new()).unwrap();
    assert_eq!(rig.printed(), ["c", "b", "a", "main"]);
    for _ in 0..3 {
        assert_eq!(rig.call("main", &[]).unwrap(), Int(54));
    }
    assert_eq!(rig.printed(), [""; 0]);
    let names: Vec<_> = rig.instance.exports().iter().map(|export| export.name.as_str()).collect();
    assert_eq!(names, ["main"], "exports are those of the entry");
}

#[test]
fn nothing_outside_of_the_set_is_found() {
    let long = "x".repeat(10_000);
    for name in [
        "lib",
        "lib/",
        "lib/util.lua",
        "Lib/util",
        "lib/UTIL",
        "/lib/util",
        "lib//util",
        "../main",
        "../x/lib/util",
        "lib/../lib/util",
        "lib/./util",
        "./../lib/util",
        "../../etc/passwd",
        "/etc/passwd",
        "",
        ".",
        "..",
        "./",
        "../",
        "C:/lib/util",
        "lib.util",
        " lib/util",
        "lib/util ",
        "lib/util\0",
        "~/x",
        long.as_str(),
    ] {
        let main = format!("\nimport \"{name}\" as x; fn main() {{ }}");
        check(&[("main.rhai", &main), ("lib/util.lua", "1"), UTIL], &At("script.missing-import", "main.rhai:2:8"));
    }
    let fault = call(rig(&[("a/main.rhai", "import \"./gone\" as g;")], |_| {})).unwrap_err();
    let FaultKind::MissingFile { name, tried } = fault.kind() else { panic!("{fault}") };
    assert_eq!((name.as_str(), tried.join(" ")), ("./gone", "a/gone.rhai".to_owned()));
    // Nothing but the plain form, so that all is known before anything runs.
    for main in [
        "import \"m\";",
        "import \"m\" as global;",
        "import \"m\" as M;",
        "import `m` as m;",
        "import \"m\" + \"n\" as m;",
        "import m as m;",
        "import \"\\x6d\" as m;",
        "{ import \"m\" as m; }",
        "if true { import \"m\" as m; }",
        "import",
        "fn f() { import \"m\" as m; }",
        "import \"m\" as",
        "import \"m\" as m n;",
        "import \"m",
        "import \"m\"\"n\" as m;",
        "export import",
    ] {
        let fault = call(rig(&[("main.rhai", main), ("m.rhai", ""), ("n.rhai", "")], |_| {})).unwrap_err();
        assert_eq!(fault.code(), "script.compile", "{main}: {fault}");
        assert_eq!(
            fault.place().map(|place| (place.file.as_str(), place.line)),
            Some(("main.rhai", Some(1))),
            "{main}"
        );
    }
}

#[test]
fn errors_name_their_file() {
    let main = "import \"lib/m\" as m;\nfn main() {\n  m::g(1) }";
    for (module, want) in [
        ("\n\nlet = 1;", At("script.compile", "lib/m.rhai:3:5")),
        ("\nthrow \"at load\";", At("script.raised", "lib/m.rhai:2:1")),
        ("\nlet a = [1]; a[0] = b; let x = nothing(2);", At("script.raised", "lib/m.rhai:2:21")),
        ("fn g(x) {\n  throw \"x\" }", At("script.raised", "lib/m.rhai:2:3")),
        ("fn g(x) {\n  h(x) } fn h(x) {\nlet a = [1]; a[0] = x + (); }", At("script.raised", "lib/m.rhai:3:23")),
        ("fn g(x) {\n world::spawn(|y| y) }", At("script.type", "lib/m.rhai:2:9")),
        ("fn g(x) {\n world::gone(1) }", At("script.missing-import", "lib/m.rhai:2:9")),
        ("\nimport \"gone\" as g;", At("script.missing-import", "lib/m.rhai:2:8")),
        ("fn g(x) { 1 } @", At("script.compile", "lib/m.rhai:1")),
        ("fn other() { }", At("script.missing-import", "main.rhai:3:6")),
    ] {
        check(&[("main.rhai", main), ("lib/m.rhai", module)], &want);
    }
    let files = [("main.rhai", main), ("lib/m.rhai", "fn g(x) {\n h(x) }\nfn h(x) { throw \"x\" }")];
    let fault = call(rig(&files, |_| {})).unwrap_err();
    assert_eq!(fault.trace(), ["in `h`, called at lib/m.rhai:2:2", "in `g`, called at main.rhai:3:6"]);
    let not_text =
        Rig::builder().file("main.rhai", "import \"m\" as m;").file("m.rhai", b"\n\xff").load(&RhaiBackend::new());
    assert_eq!(not_text.err().unwrap().to_string(), "m.rhai:2: the source is not UTF-8 text");
}

#[test]
fn circles_are_refused_with_their_path() {
    let main = ("main.rhai", "import \"a\" as a; fn main() { a::f() }");
    for (files, want) in [
        (
            vec![("a.rhai", "import \"b\" as b;"), ("b.rhai", "import \"a\" as a;")],
            Circle(&["a.rhai", "b.rhai", "a.rhai"]),
        ),
        (vec![("a.rhai", "import \"./a\" as b;")], Circle(&["a.rhai", "a.rhai"])),
        (vec![("a.rhai", "import \"main\" as b;")], Circle(&["main.rhai", "a.rhai", "main.rhai"])),
        (
            vec![
                ("a.rhai", "import \"b\" as b; import \"c\" as c; fn f() { b::f() + c::f() }"),
                ("b.rhai", "import \"c\" as c; fn f() { c::f() }"),
                ("c.rhai", "fn f() { 2 }"),
            ],
            Gives(Int(4)),
        ),
    ] {
        let mut all = vec![main];
        all.extend(files);
        check(&all, &want);
    }
}

#[test]
fn limits_hold_in_every_file() {
    let many: Vec<_> = (0..70).map(|at| (format!("m{at}.rhai"), format!("import \"m{}\" as m;", at + 1))).collect();
    for (module, code, change) in [
        ("loop { }", "limit.fuel", (|limits| limits.fuel = 10_000) as fn(&mut Limits)),
        ("try { loop { } } catch { }", "limit.fuel", |limits| limits.fuel = 10_000),
        ("fn g(x) { g(x + 1) + 1 } g(1);", "limit.depth", |_| {}),
        ("print(\"x\".len()); print(\"many letters\");", "limit.output", |limits| limits.output = 5),
        ("let a = []; a.pad(2000, 1);", "limit.memory", |_| {}),
        ("fn f() { 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 }", "script.compile", |limits| {
            limits.source = 60
        }),
        ("eval(\"1\");", "script.compile", |_| {}),
        (
            "let x = 1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111;",
            "script.compile",
            |_| {},
        ),
    ] {
        let result = rig(&[("main.rhai", "import \"m\" as m;"), ("m.rhai", module)], change).load(&RhaiBackend::new());
        assert_eq!(result.err().unwrap().code(), code, "{module:.60}");
    }
    let spin = [("main.rhai", "import \"m\" as m; fn main() { m::spin() }"), ("m.rhai", "fn spin() { loop { } }")];
    assert_eq!(call(rig(&spin, |limits| limits.fuel = 10_000)).unwrap_err().code(), "limit.fuel");
    // Too many files, and files that are too long together.
    let mut files = vec![("main.rhai", "import \"m0\" as m;")];
    files.extend(many.iter().map(|(path, source)| (path.as_str(), source.as_str())));
    let fault = call(rig(&files, |_| {})).unwrap_err();
    assert_eq!((fault.code(), fault.to_string().contains("at most 64 files")), ("script.compile", true), "{fault}");
    let long = format!("//{}", "x".repeat(600_000));
    let two = [("main.rhai", "import \"a\" as a; import \"b\" as b;"), ("a.rhai", &long), ("b.rhai", &long)];
    assert_eq!(call(rig(&two, |_| {})).unwrap_err().code(), "script.compile");
    // What files keep counts together: 1.6 MB each.
    let constants: String = (0..100).map(|at| format!("const A{at} = s(); ")).collect();
    let keeping = format!("fn s() {{ let t = \"\"; t.pad(16000, 'x'); t }} {constants}");
    for (count, want) in [(20, "ok"), (60, "limit.memory")] {
        let paths: Vec<_> = (0..count).map(|at| format!("k{at}.rhai")).collect();
        let main: String = (0..count).map(|at| format!("import \"k{at}\" as k{at};\n")).collect();
        let main = format!("{main} fn main() {{ }}");
        let mut files = vec![("main.rhai", main.as_str())];
        files.extend(paths.iter().map(|path| (path.as_str(), keeping.as_str())));
        assert_eq!(Rig::code_of(&call(rig(&files, |_| {}))), want, "{count} files");
    }
}

#[test]
fn every_amount_of_fuel_gives_success_or_its_code() {
    let files = [
        ("main.rhai", "import \"a\" as a; import \"b\" as b; fn main() { a::f() + b::f() }"),
        ("a.rhai", "import \"b\" as b; const N = b::f(); fn f() { global::N }"),
        ("b.rhai", "let n = 0; for i in 0..20 { n += i; } fn f() { 21 }"),
    ];
    let mut passed = 0;
    for fuel in 0..400 {
        match call(rig(&files, |limits| limits.fuel = fuel)) {
            Ok(value) => {
                passed += 1;
                assert_eq!(value, Int(42));
            }
            Err(fault) => assert_eq!((fault.code(), passed), ("limit.fuel", 0), "at {fuel}: {fault}"),
        }
    }
    assert!(passed > 50, "{passed}");
}
