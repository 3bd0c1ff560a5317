//! `ABI.md` says what is so: its examples are read out of it, decoded, encoded and parsed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use modhost_abi::{Signature, Type, Value, ValueLimits, codec};
use support::encoded;

const ABI_MD: &str = include_str!("../ABI.md");

/// The lines of all blocks that open with ```` ```language ````; at least one.
fn block(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let lines: Vec<_> =
        ABI_MD.split(&fence).skip(1).flat_map(|block| block.split("```").next().unwrap().lines()).collect();
    assert!(!lines.is_empty(), "ABI.md has no block `{language}`");
    lines
}

/// Splits a line into its leading bytes and the text after the gap of two blanks or more.
fn example(line: &str) -> (Vec<u8>, &str) {
    let (hex, text) = line.split_once("  ").unwrap_or_else(|| panic!("no gap in `{line}`"));
    let bytes = hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap());
    (bytes.collect(), text.trim())
}

/// A value as ABI.md writes it.
fn show(value: &Value) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Nil => "nil".into(),
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => format!("{float:?}"),
        Value::Str(text) => format!("{text:?}"),
        Value::Bytes(bytes) => bytes.iter().fold("bytes".into(), |text, byte| format!("{text} {byte:02x}")),
        Value::List(items) => format!("[{}]", list(items.iter().map(show).collect())),
        Value::Map(map) => {
            format!("{{{}}}", list(map.iter().map(|(key, item)| format!("{key:?}: {}", show(item))).collect()))
        }
        Value::Handle(handle) => format!("handle {handle}"),
    }
}

#[test]
fn the_encodings_are_those_of_the_values_beside_them() {
    for line in block("wire") {
        let (bytes, text) = example(line);
        let value = codec::decode(&bytes, ValueLimits::default()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(show(&value), text);
        assert_eq!(encoded(&value), bytes, "{line}");
    }
}

#[test]
fn the_refusals_have_the_causes_beside_them() {
    for line in block("refused") {
        let (bytes, text) = example(line);
        let error = codec::decode(&bytes, ValueLimits::default()).unwrap_err();
        assert_eq!(format!("{:?} {}", error.cause, error.offset), text, "{line}");
    }
}

#[test]
fn the_types_and_signatures_are_read_as_they_are_written() {
    for line in block("types") {
        assert_eq!(line.parse::<Type>().unwrap().to_string(), line);
    }
    for line in block("signatures") {
        assert_eq!(line.parse::<Signature>().unwrap().to_string(), line);
    }
    for line in block("listing").into_iter().skip(1) {
        let (_, signature) = line.split_at(line.find('(').unwrap());
        assert_eq!(signature.parse::<Signature>().unwrap().to_string(), signature, "{line}");
    }
}

/// The encoding inside the guest in text form, whose address and length stand beside it.
#[test]
fn the_smallest_guest_gives_what_it_says() {
    let wat = block("wat").join("\n");
    let data = wat.split("(data (i32.const 16) \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let mut bytes = Vec::new();
    let mut rest = data;
    while let Some(next) = rest.chars().next() {
        let taken = if next == '\\' { 3 } else { 1 };
        bytes.push(if taken == 3 { u8::from_str_radix(&rest[1..3], 16).unwrap() } else { next as u8 });
        rest = &rest[taken..];
    }
    assert_eq!(show(&codec::decode(&bytes, ValueLimits::default()).unwrap()), r#"{"value": 42}"#);
    assert!(wat.contains(&format!("0x0000_0010_0000_{:04x}", bytes.len())), "the length is {}", bytes.len());
}

/// The offsets and sizes in section 5, wherever this runs on 64 bits.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_native_tables_have_the_layout_that_is_written() {
    use modhost_abi::vtable::{Function, Host, Plugin, Text};
    use std::mem::{offset_of, size_of};

    for (row, offsets) in [
        ("| `exports`, `export_count` |", vec![offset_of!(Plugin, exports), offset_of!(Plugin, export_count)]),
        ("| `imports`, `import_count` |", vec![offset_of!(Plugin, imports), offset_of!(Plugin, import_count)]),
        ("| `create` |", vec![offset_of!(Plugin, create)]),
        ("| `destroy` |", vec![offset_of!(Plugin, destroy)]),
        ("| `context` |", vec![offset_of!(Host, context)]),
        ("| `print` |", vec![offset_of!(Host, print)]),
    ] {
        let offsets: Vec<String> = offsets.iter().map(usize::to_string).collect();
        assert!(ABI_MD.contains(&format!("{row} {} |", offsets.join(", "))), "{row} {offsets:?}");
    }
    for (text, size) in [
        ("of the plugin's table in bytes", size_of::<Plugin>()),
        ("the size of the host's table in bytes", size_of::<Host>()),
    ] {
        assert!(ABI_MD.contains(&format!("{text}: {size} |")), "{text}: {size}");
    }
    assert!(ABI_MD.contains(&format!("name and signature of each export, {} bytes each", size_of::<Function>())));
    assert!(ABI_MD.contains(&format!("(`modhost_text`, {} bytes)", size_of::<Text>())));
}
