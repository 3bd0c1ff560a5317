//! Libraries that a policy closes: their functions are absent, everything else is there.
#![allow(clippy::unwrap_used, clippy::panic)]

use modhost_backend::{Fault, Value, rig::Rig};
use modhost_rhai::RhaiBackend;

/// By library: an expression that needs it and no other, and what it gives.
const PROBES: [(&str, &str, i64); 12] = [
    ("array", "{ let a = [2, 1]; a.sort(|a, b| a - b); a.pad(4, 7); a[3] + a[0] }", 8),
    ("array", "[1, 2, 2].len()", 3),
    ("bits", "5.get_bits(0, 2)", 1),
    ("blob", "{ let b = blob(2); b.pad(3, 9); b[2] }", 9),
    ("iterators", "{ let n = 0; for i in range(0, 10, 4) { n += i } n }", 12),
    ("iterators", "(1..4).end", 4),
    ("map", "{ let m = #{a: 1}; m.mixin(#{b: 2}); m.b }", 2),
    ("map", "if #{a: [1]}.to_json() == \"{\\\"a\\\":[1]}\" { 1 } else { 0 }", 1),
    ("math", "(2.5).floor().to_int()", 2),
    ("math", "parse_int(\"12\")", 12),
    ("string", "{ let s = \"ab\"; s.pad(4, \"c\"); s.len() }", 4),
    ("string", "{ let s = \"ab\"; s.replace(\"b\", \"xy\"); if s == \"axy\" { 1 } else { 0 } }", 1),
];

/// What no policy closes.
const ALWAYS: [(&str, i64); 8] = [
    ("{ let n = 0; for i in 0..3 { n += i } for i in 0..=3 { n += i } n }", 9),
    ("{ let n = 0; for i in [1, 2] { n += i } n }", 3),
    ("{ let n = 0; for c in \"ab\" { n += 1 } n }", 2),
    ("{ let a = [1, #{b: 2}]; a[1].b += 1; a[1].b }", 3),
    ("if [1, 2] == [1, 2] && #{a: 1} != #{a: 2} { 1 } else { 0 }", 1),
    ("if `${[1, \"x\"]}` == \"[1, \\\"x\\\"]\" { 1 } else { 0 }", 1),
    ("-7 % 4 + 2 ** 3 + (6 & 3)", 7),
    ("if \"a\" + \"b\" == \"ab\" && \"a\" < \"b\" { 1 } else { 0 }", 1),
];

const ALL: [&str; 7] = ["array", "bits", "blob", "iterators", "map", "math", "string"];

fn run(libraries: Option<&[&str]>, body: &str) -> Result<Value, Fault> {
    let builder = Rig::builder().file("main.rhai", format!("fn main() {{ {body} }}"));
    let builder = match libraries {
        Some(names) => builder.libraries(names.iter().copied()),
        None => builder,
    };
    builder.load(&RhaiBackend::new()).and_then(|mut rig| rig.call("main", &[]))
}

fn check(libraries: Option<&[&str]>, body: &str, expect: Result<i64, &str>) {
    let found = run(libraries, body);
    let found = found.as_ref().map_err(|fault| (fault.code(), fault.to_string()));
    match (expect, found) {
        (Ok(expect), Ok(found)) => assert_eq!(&Value::Int(expect), found, "{libraries:?} {body}"),
        (Err(expect), Err((code, _))) => assert_eq!(expect, code, "{libraries:?} {body}"),
        (expect, found) => panic!("{libraries:?} {body}: {found:?} instead of {expect:?}"),
    }
}

#[test]
fn a_library_is_there_exactly_where_it_is_open() {
    for (library, body, value) in PROBES {
        assert!(ALL.contains(&library));
        let others: Vec<_> = ALL.into_iter().filter(|other| *other != library).collect();
        check(None, body, Ok(value));
        check(Some(&ALL), body, Ok(value));
        check(Some(&[library]), body, Ok(value));
        check(Some(&others), body, Err("script.raised"));
        check(Some(&[]), body, Err("script.raised"));
    }
    let probed = |library| PROBES.iter().any(|(other, ..)| other == library);
    assert!(ALL.iter().all(probed), "each library is probed");
}

#[test]
fn the_language_itself_is_always_open() {
    for (body, value) in ALWAYS {
        for libraries in [None, Some(&[][..]), Some(&["math"]), Some(&ALL)] {
            check(libraries, body, Ok(value));
        }
    }
}

#[test]
fn what_no_plugin_gets_has_no_name() {
    for name in ["time", "core", "eval"] {
        check(Some(&[name]), "timestamp()", Err("script.raised"));
        check(Some(&[name]), "sleep(1)", Err("script.raised"));
        check(Some(&[name]), "parse_json(\"{}\")", Err("script.raised"));
    }
}
