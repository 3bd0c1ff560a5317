//! Odd numbers to every function of every library: the ends of integers, NaN, infinities, fractions, in every place, beside each
//! kind of receiver. Each call ends in time, as a value or a fault, within fuel and memory.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use modhost_backend::{Value, rig::Rig};
use modhost_rhai::RhaiBackend;

/// Every named function of every library, and how many arguments its forms take, the receiver included.
const FUNCTIONS: [(&str, &[usize]); 130] = [
    ("E", &[0]),
    ("PI", &[0]),
    ("abs", &[1]),
    ("acos", &[1]),
    ("acosh", &[1]),
    ("all", &[2]),
    ("append", &[2]),
    ("as_string", &[1]),
    ("asin", &[1]),
    ("asinh", &[1]),
    ("atan", &[1, 2]),
    ("atanh", &[1]),
    ("bits", &[1, 2, 3]),
    ("blob", &[0, 1, 2]),
    ("bytes", &[1]),
    ("ceiling", &[1]),
    ("chars", &[1, 2, 3]),
    ("chop", &[2]),
    ("clear", &[1]),
    ("contains", &[2]),
    ("cos", &[1]),
    ("cosh", &[1]),
    ("crop", &[2, 3]),
    ("debug", &[0, 1]),
    ("dedup", &[1, 2]),
    ("drain", &[2, 3]),
    ("end", &[1]),
    ("ends_with", &[2]),
    ("exp", &[1]),
    ("extract", &[2, 3]),
    ("fill_with", &[2]),
    ("filter", &[2]),
    ("find", &[2, 3]),
    ("find_map", &[2, 3]),
    ("floor", &[1]),
    ("for_each", &[2]),
    ("fraction", &[1]),
    ("get", &[2]),
    ("get_bit", &[2]),
    ("get_bits", &[2, 3]),
    ("hypot", &[2]),
    ("index_of", &[2, 3]),
    ("insert", &[3]),
    ("int", &[1]),
    ("is_anonymous", &[1]),
    ("is_empty", &[1]),
    ("is_even", &[1]),
    ("is_exclusive", &[1]),
    ("is_finite", &[1]),
    ("is_inclusive", &[1]),
    ("is_infinite", &[1]),
    ("is_nan", &[1]),
    ("is_odd", &[1]),
    ("is_zero", &[1]),
    ("keys", &[1]),
    ("len", &[1]),
    ("ln", &[1]),
    ("log", &[1, 2]),
    ("make_lower", &[1]),
    ("make_upper", &[1]),
    ("map", &[2]),
    ("max", &[2]),
    ("min", &[2]),
    ("mixin", &[2]),
    ("name", &[1]),
    ("order", &[1, 2]),
    ("order_by", &[2]),
    ("order_desc", &[1]),
    ("pad", &[3]),
    ("parse_be_float", &[2, 3]),
    ("parse_be_int", &[2, 3]),
    ("parse_float", &[1]),
    ("parse_int", &[1, 2]),
    ("parse_le_float", &[2, 3]),
    ("parse_le_int", &[2, 3]),
    ("pop", &[1, 2]),
    ("print", &[0, 1]),
    ("push", &[2]),
    ("range", &[2, 3]),
    ("reduce", &[2, 3]),
    ("reduce_rev", &[2, 3]),
    ("remove", &[2]),
    ("replace", &[3]),
    ("retain", &[2, 3]),
    ("reverse", &[1]),
    ("round", &[1]),
    ("set", &[3]),
    ("set_bit", &[3]),
    ("set_bits", &[3, 4]),
    ("shift", &[1]),
    ("sign", &[1]),
    ("sin", &[1]),
    ("sinh", &[1]),
    ("some", &[2]),
    ("sort", &[1, 2]),
    ("sort_by", &[2]),
    ("sort_desc", &[1]),
    ("splice", &[3, 4]),
    ("split", &[1, 2, 3]),
    ("split_rev", &[2, 3]),
    ("sqrt", &[1]),
    ("start", &[1]),
    ("starts_with", &[2]),
    ("sub_string", &[2, 3]),
    ("take", &[1]),
    ("tan", &[1]),
    ("tanh", &[1]),
    ("to_array", &[1]),
    ("to_binary", &[1]),
    ("to_blob", &[1]),
    ("to_chars", &[1]),
    ("to_debug", &[1]),
    ("to_degrees", &[1]),
    ("to_float", &[1]),
    ("to_hex", &[1]),
    ("to_int", &[1]),
    ("to_json", &[1]),
    ("to_lower", &[1]),
    ("to_octal", &[1]),
    ("to_radians", &[1]),
    ("to_string", &[1]),
    ("to_upper", &[1]),
    ("trim", &[1]),
    ("truncate", &[2]),
    ("values", &[1]),
    ("write_ascii", &[3, 4]),
    ("write_be", &[3, 4]),
    ("write_le", &[3, 4]),
    ("write_utf8", &[3, 4]),
    ("zip", &[3]),
];

/// Every property.
const PROPERTIES: [&str; 22] = [
    "bits",
    "bytes",
    "ceiling",
    "chars",
    "end",
    "floor",
    "fraction",
    "int",
    "is_anonymous",
    "is_empty",
    "is_even",
    "is_exclusive",
    "is_finite",
    "is_inclusive",
    "is_infinite",
    "is_nan",
    "is_odd",
    "is_zero",
    "len",
    "name",
    "round",
    "start",
];

/// Every operator of two operands.
const OPERATORS: [&str; 18] =
    ["!=", "%", "&", "*", "**", "+", "+=", "-", "/", "<", "<<", "<=", "==", ">", ">=", ">>", "^", "|"];

const INTS: [i64; 15] = [
    0,
    -1,
    -9,
    1023,
    65_536,
    (1 << 31) - 1,
    1 << 31,
    (1 << 31) + 1,
    1 << 32,
    1 << 53,
    10_000_000_000,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
];
const FLOATS: [f64; 7] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.5, 1e308, -1e308];

/// What stands in the place of a second number.
const SECOND: [i64; 4] = [i64::MAX, i64::MIN, -1, 1 << 32];

/// What stands in the other places, the receiver's first of all.
const RECEIVERS: [&str; 9] =
    ["text", "list", "bytes", "#{a: 1, b: [2]}", "7", "2.5", "1..900", "1..=900", "range(0, 900, 7)"];
/// What stands in the last place where numbers stand before it.
const LAST: [&str; 4] = ["7", "\"xy\"", "|x| x", "list"];

/// How long one way may take, and how often it may take longer: a busy machine makes any of them slow once.
const LONGEST: Duration = Duration::from_millis(100);
const SLOW: usize = 3;

/// One export for each expression, with a parameter for each odd number.
fn load(expressions: &[String]) -> Rig {
    let mut source = String::new();
    for (at, expression) in expressions.iter().enumerate() {
        source += &format!(
            "fn f{at}(n, m) {{ let text = \"\"; text.pad(1000, \"abc \"); let list = []; list.pad(300, 1); \
             let bytes = blob(300, 1); {expression} }}\n"
        );
    }
    Rig::builder()
        .limits(|limits| (limits.fuel, limits.memory) = (200_000, 64 << 20))
        .file("main.rhai", &source)
        .load(&RhaiBackend::new())
        .unwrap_or_else(|fault| panic!("{fault}\n{source}"))
}

/// Every expression with every pair of odd numbers. Gives how many calls gave a value, a fault, and hit a limit.
fn sweep(expressions: &[String]) -> [usize; 3] {
    let odd = || INTS.map(Value::Int).into_iter().chain(FLOATS.map(Value::Float));
    let mut counts = [0; 3];
    for some in expressions.chunks(100) {
        let mut rig = load(some);
        for (at, expression) in some.iter().enumerate() {
            let seconds = if expression.contains(" m") { &SECOND[..] } else { &SECOND[..1] };
            let pairs = odd().flat_map(|n| seconds.iter().map(move |m| (n.clone(), Value::Int(*m))));
            for (n, m) in pairs {
                let mut slow = 0;
                let result = loop {
                    let begun = Instant::now();
                    let result = rig.call(&format!("f{at}"), &[n.clone(), m.clone()]);
                    let took = begun.elapsed();
                    if rig.meter.is_killed() {
                        rig = load(some);
                    }
                    if took < LONGEST {
                        break result;
                    }
                    slow += 1;
                    assert!(slow < SLOW, "{expression} with {n:?} and {m:?} took {took:?}");
                };
                let kind = match &result {
                    Ok(_) => 0,
                    Err(fault) if fault.code().starts_with("limit.") => 2,
                    Err(fault) => {
                        assert!(fault.code().starts_with("script."), "{expression} with {n:?} and {m:?}: {fault}");
                        1
                    }
                };
                counts[kind] += 1;
            }
        }
    }
    counts
}

#[test]
fn no_number_outlasts_its_limits() {
    let mut expressions = Vec::new();
    for (name, arities) in FUNCTIONS {
        for arity in arities {
            match arity {
                0 => {}
                1 => expressions.push(format!("{name}(n)")),
                _ => expressions.push(format!("{name}({})", ["n", " m", " m", " m", " m"][..*arity].join(","))),
            }
            for receiver in RECEIVERS.iter().filter(|_| *arity > 1) {
                let call = |rest: &str| format!("let r = {receiver}; {name}(r{rest})");
                match arity {
                    2 => expressions.push(call(", n")),
                    3 => {
                        expressions.push(call(", n, m"));
                        expressions.extend(LAST.map(|last| call(&format!(", n, {last}"))));
                    }
                    _ => expressions
                        .extend(LAST.map(|last| call(&format!("{}, {last}", [", n", ", m"][..*arity - 2].concat())))),
                }
            }
        }
    }
    expressions.extend(PROPERTIES.iter().map(|name| format!("n.{name}")));
    expressions.extend(OPERATORS.iter().map(|sign| format!("n {sign} m")));
    expressions.extend(["..", "..="].map(|sign| format!("let r = n {sign} m; let s = 0; for i in r {{ s = i; }} s")));
    let [values, faults, limits] = sweep(&expressions);
    assert!(values > 1000 && faults > 1000 && limits > 10, "{values} values, {faults} faults, {limits} limits");
}
