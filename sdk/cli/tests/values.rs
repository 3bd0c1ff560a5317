//! Values of `modhost run`: in through `--args`, out through the result.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{
    LUA, RHAI,
    See::{Json, JsonHas, Out, OutHas},
    check, check_all,
};

#[test]
fn values_go_in_and_come_out() {
    // What goes in comes out, through a language that keeps every type apart.
    for (argument, comes_out) in [
        ("null", "null"),
        ("true", "true"),
        ("-1", "-1"),
        ("1.0", "1.0"),
        ("-0.0", "-0.0"),
        ("1e300", "1e300"),
        ("9007199254740992", "9007199254740992"),
        ("9007199254740993", r#"{"$int":"9007199254740993"}"#),
        ("-9223372036854775808", r#"{"$int":"-9223372036854775808"}"#),
        (r#"{"$int":"5"}"#, "5"),
        (r#"{"$float":"nan"}"#, r#"{"$float":"nan"}"#),
        (r#"{"$float":"-inf"}"#, r#"{"$float":"-inf"}"#),
        (r#"{"$bytes":"AP8="}"#, r#"{"$bytes":"AP8="}"#),
        (r#"{"$handle":"1:2:3"}"#, r#"{"$handle":"1:2:3"}"#),
        (r#"{"$$int":"5","$$$":1}"#, r#"{"$$int":"5","$$$":1}"#),
        (r#""a\u0000\u001b\u202e\ud83d\udc3a""#, r#""a\u0000\u001b\u202e\ud83d\udc3a""#),
        (r#"[1,[2.5,{"b":[],"a":null}]]"#, r#"[1,[2.5,{"b":[]}]]"#),
    ] {
        let args = format!("[{argument}]");
        check(
            &[RHAI],
            &["run", "fox.rhai", "--call", "echo", "--json", "--args", &args],
            0,
            &[Json("value", comes_out)],
        );
    }
    check_all(&[
        (
            &[LUA],
            &["run", "wolf.lua", "--call", "echo", "--args", "[9007199254740993]", "--json"],
            1,
            &[Json("error.code", r#""script.type""#)],
        ),
        (
            &[RHAI],
            &["run", "fox.rhai", "--call", "echo", "--args", "[9223372036854775808]", "--json"],
            2,
            &[JsonHas("error.message", "--args: 9223372036854775808 is beyond")],
        ),
        (
            &[RHAI],
            &["run", "fox.rhai", "--call", "echo", "--args", r#"[{"a":1,"a":2}]"#, "--json"],
            2,
            &[JsonHas("error.message", "comes twice")],
        ),
        (
            &[RHAI],
            &["run", "fox.rhai", "--call", "echo", "--args", "{}", "--json"],
            2,
            &[JsonHas("error.message", "JSON array")],
        ),
        (
            &[RHAI],
            &["run", "fox.rhai", "--call", "echo", "--args", "[1", "--json"],
            2,
            &[JsonHas("error.message", "--args")],
        ),
        (
            &[RHAI],
            &["run", "fox.rhai", "--call", "echo", "--args", "-1", "--json"],
            2,
            &[JsonHas("error.message", "JSON array")],
        ),
        (
            &[RHAI],
            &[
                "run",
                "fox.rhai",
                "--call",
                "echo",
                "--args",
                "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
                "--json",
            ],
            3,
            &[Json("error.code", r#""limit.value""#)],
        ),
        // What could drive a terminal is escaped in JSON, and reads back.
        (
            &[RHAI],
            &["run", "fox.rhai", "--call", "echo", "--json", "--args", r#"["\u009b31m\u007f\u200b"]"#],
            0,
            &[OutHas(r#""\u009b31m\u007f\u200b""#)],
        ),
        (&[RHAI], &["run", "fox.rhai", "--call", "echo", "--args", r#"["two\nlines"]"#], 0, &[Out("two\nlines\n")]),
        (&[RHAI], &["run", "fox.rhai", "--call", "echo", "--args", r#"[["text"]]"#], 0, &[Out("[\"text\"]\n")]),
        (&[RHAI], &["run", "fox.rhai", "--call", "echo", "--args", "[100.0]"], 0, &[Out("100.0\n")]),
    ]);
}
