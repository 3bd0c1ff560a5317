//! What is bounded, what is left alone, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, path::Path};

use mlua::chunk::Compiler;
use modhost_backend::Fault;

use super::{Density, File, MOST, REFUSED, bounded, op, walk};

fn compile(source: &str, marks: u8) -> Result<Vec<u8>, Fault> {
    let compiler = Compiler::new().set_optimization_level(1).set_debug_level(1).set_coverage_level(marks);
    compiler.compile(source).map_err(|error| Fault::bug(error.to_string()))
}

/// The code of `source`, and how often it was compiled.
fn made(source: &str) -> Result<(Vec<u8>, usize), Fault> {
    let mut times = 0;
    let code = bounded("main.lua", Density::Needed, |marks| {
        times += 1;
        compile(source, marks)
    })?;
    Ok((code, times))
}

/// The worst between two safepoints of each function, innermost functions first.
fn worst(code: &[u8]) -> Vec<u32> {
    let file = File::read(code).unwrap();
    file.functions.iter().map(|function| walk(&function.words(code), None).unwrap().cost).collect()
}

fn count(code: &[u8], wanted: u8) -> usize {
    let file = File::read(code).unwrap();
    file.functions.iter().flat_map(|function| function.words(code)).filter(|word| *word == u32::from(wanted)).count()
}

#[test]
fn ordinary_functions_stay_as_the_compiler_made_them() {
    for source in [
        "",
        "local n = 0 for i = 1, 100 do n += i * i end return n",
        "function f(a, b) return `{a} and {b}` end",
        "function f(a, b) print(a .. b) return a + b end",
        "function at(x, y, w, h, px, py) return px >= x and px < x + w and py >= y and py < y + h end",
        "function letter(c) return c >= 65 and c <= 90 or c >= 97 and c <= 122 or c >= 48 and c <= 57 or c == 95 end",
        "function dot(a, b) return a.x * b.x + a.y * b.y + a.z * b.z end",
        "local function sum(...) local n = 0 for _, v in { ... } do n += v end return n end return sum(1, 2)",
        "while true do if a then break elseif b then continue end repeat local x = f() until x end",
    ] {
        let (code, times) = made(source).unwrap();
        assert_eq!((times, &code), (1, &compile(source, 0).unwrap()), "{source}");
    }
}

#[test]
fn what_stands_between_two_safepoints_is_bounded() {
    let rows = [
        "x = s .. 'b'",
        "if never then f() end x = s .. 'b'",
        "x = tonumber(s)",
        "x = string.sub(s, 2, -2)",
        "x = a + b * c",
        "x = -a",
        "x = a // 3 - 2 / b ^ 2 % c",
        "x = a <= b",
        "if a < b then x = 1 elseif b < c then x = 2 end",
        "x = { a < b, b < c, c < a, a <= c }",
        "x = not (a < b) or a > c and x",
        "x = t[a]",
        "t.a = #t",
        "x = { ... }",
        "x = { table.unpack(t) }",
        "t[#t + 1] = a",
        "do local y = a + b x = function() return y end end",
        "do local y = a .. b x = y end",
    ];
    for row in rows {
        // Locals, and globals; on lines, and on one.
        for head in ["local a, b, c, x, s, t, never", ""] {
            for between in ["\n", " ; "] {
                let source = format!("{head}\nfunction f(...) {} end", vec![row; 3000].join(between));
                let before = worst(&compile(&source, 0).unwrap());
                assert!(before.iter().any(|cost| *cost > REFUSED), "{row}: {before:?}");
                let (code, _) = made(&source).unwrap();
                let after = worst(&code);
                assert!(after.iter().all(|cost| *cost <= MOST), "{row}: {after:?}");
                assert_eq!(count(&code, op::COVERAGE), 0, "{row}: a mark is left");
            }
        }
    }
}

#[test]
fn a_text_of_many_is_looked_at_before_it_is_read_as_a_number() {
    let many = "a .. b .. ".repeat(25);
    for (body, safepoints) in [
        ("local s = a .. b return s + 1".to_owned(), false),
        ("return f(tonumber('0x' .. a), a .. b, c + 1)".to_owned(), false),
        (format!("local s = {many}a return s"), false),
        (format!("local s = {many}a f() return s + 1"), false),
        (format!("local s = {many}a local n = s + 1 return n"), true),
        (format!("local s = {many}a return f(s, tonumber(s))"), true),
        (format!("if c then a = {many}a end a = -a"), true),
        (format!("repeat local s = {many}a until s + 1 == 2"), true),
        ("a = a .. b ".repeat(6) + "a = -a", true),
    ] {
        let source = format!("local f function g(a, b, c) {body} end");
        let (code, _) = made(&source).unwrap();
        let more = count(&code, op::JUMPBACK) > count(&compile(&source, 0).unwrap(), op::JUMPBACK);
        assert_eq!(more, safepoints, "{body}");
    }
}

#[test]
fn only_the_functions_that_need_it_change() {
    let long = "x = a + b ".repeat(100);
    let source = format!("local a, b, x function short(n) return n * 2 + 1 end function long() {long} end");
    let plain = compile(&source, 0).unwrap();
    let (code, times) = made(&source).unwrap();
    let (before, after) = (File::read(&plain).unwrap(), File::read(&code).unwrap());
    let changed: Vec<bool> = before
        .functions
        .iter()
        .zip(&after.functions)
        .map(|(old, new)| plain[old.whole.clone()] != code[new.whole.clone()])
        .collect();
    assert_eq!((times, changed), (2, vec![false, true, false]));
}

#[test]
fn an_expression_beyond_all_bounds_is_refused_with_its_line() {
    for (expression, line) in [(vec!["a < b"; 100].join(" and "), 3), (vec!["a"; 120].join(" + "), 3)] {
        let source = format!("function f(a, b)\n local x = 1\n if {expression} then x = 2 end return x end");
        let fault = made(&source).unwrap_err();
        assert_eq!((fault.code(), fault.place().unwrap().line), ("script.compile", Some(line)));
    }
}

#[test]
fn damaged_code_is_refused() {
    let code = compile("local a, b function f(...) return a .. b, { 1, a = 2 }, ... end return -0x7f, 1e9, 'text'", 0)
        .unwrap();
    let read = |code: Vec<u8>| bounded("main.lua", Density::Needed, |_| Ok(code.clone()));
    assert!(read(code.clone()).is_ok());
    for end in 0..code.len() {
        assert!(read(code[..end].to_vec()).is_err(), "cut at {end}");
    }
    for at in 0..code.len() {
        for bit in 0..8 {
            let mut other = code.clone();
            other[at] ^= 1 << bit;
            // It is refused or not; it does not panic or take long.
            _ = read(other);
        }
    }
}

/// Every script of this repository, and what becomes of it.
#[test]
fn no_script_of_ours_is_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders: Vec<_> =
        ["scripts/conformance", "scripts/demo", "examples"].map(|folder| root.join(folder)).into();
    let mut scripts = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "lua" || ending == "luau") {
                let source = fs::read_to_string(&entry).unwrap();
                let Ok(plain) = compile(&source, 0) else { continue };
                if plain.first() == Some(&0) {
                    continue;
                }
                made(&source).unwrap_or_else(|fault| panic!("{}: {}", entry.display(), fault.message()));
                scripts += 1;
            }
        }
    }
    assert!(scripts >= 100, "{scripts}");
}
