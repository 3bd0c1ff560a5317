//! WebAssembly modules: by turns well-formed ones from a generator, ones with a few bytes changed, and bytes that only begin as one.

use arbitrary::Unstructured;
use modhost::Value;
use wasm_smith::{Config, Module};

use crate::{Play, engine, exercise};

/// What the generator may use: more than the engine allows, so that refusals are met, too.
fn config(bits: u8) -> Config {
    let odd = bits > 7;
    Config {
        max_memories: if odd { 2 } else { 1 },
        memory_max_size_required: bits & 1 != 0,
        relaxed_simd_enabled: odd,
        wide_arithmetic_enabled: odd,
        compact_imports_enabled: odd,
        min_funcs: 1,
        max_funcs: 8,
        max_exports: 8,
        min_exports: 1,
        allow_start_export: bits & 1 != 0,
        max_imports: if odd { 4 } else { 0 },
        bulk_memory_enabled: true,
        simd_enabled: bits & 8 != 0,
        threads_enabled: bits & 16 != 0,
        memory64_enabled: bits & 32 != 0,
        gc_enabled: bits & 64 != 0,
        exceptions_enabled: bits & 128 != 0,
        export_everything: true,
        ..Config::default()
    }
}

pub(crate) fn start() -> Play {
    let args = [Value::Int(i64::from(u32::MAX)), Value::Float(-1.5)];
    Box::new(move |bytes| {
        let (kind, features, rest) = match bytes {
            [kind, features, rest @ ..] => (*kind, *features, rest),
            _ => (3, 0, bytes),
        };
        let wasm = match kind % 4 {
            0..=2 => {
                // The first modules use nothing beyond the first version, so that most of them run.
                let features = if kind & 12 == 0 { features } else { features & 7 };
                let Ok(module) = Module::new(config(features), &mut Unstructured::new(rest)) else {
                    return Ok("no module: too few bytes".into());
                };
                let mut wasm = module.to_bytes();
                if kind % 4 == 2 {
                    let changes = rest.iter().rev().take(usize::from(features % 4) + 1);
                    for (number, byte) in changes.enumerate() {
                        let at = (usize::from(*byte) * 257 + number * 31) % wasm.len();
                        wasm[at] = wasm[at].wrapping_add(byte | 1);
                    }
                }
                wasm
            }
            _ => [b"\0asm\x01\0\0\0", rest].concat(),
        };
        exercise(&engine(), "fuzz.wasm", &wasm, &args)
    })
}
