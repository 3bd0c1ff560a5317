//! A process has so many mappings, and no library is ever unmapped: whoever loads without end is refused, and the host lives.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use modhost_backend::Value;
use modhost_native::NativeBackend;
use support::{c_library, rig, told};

#[test]
fn loads_without_end_are_refused_and_what_is_loaded_goes_on() {
    let backend = NativeBackend::new();
    let library = c_library("plugin.c", &[]);
    let sum = |rig: &mut modhost_backend::rig::Rig| told(&rig.call("add", &[Value::Int(40), Value::Int(2)]));
    let mut first = rig(&library).load(&backend).unwrap();
    let mut loads = 1;
    let refused = loop {
        match rig(&library).load(&backend) {
            Ok(mut plugin) if loads < 5000 => {
                loads += 1;
                assert_eq!(sum(&mut plugin), "Int(42)", "the load number {loads}");
            }
            Ok(_) => panic!("{loads} loads"),
            Err(fault) => break fault,
        }
    };
    assert_eq!((loads, backend.parked()), (4096, 4095));
    assert_eq!(told(&Err(refused)), "io.failed");
    assert_eq!(sum(&mut first), "Int(42)");
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    assert!(maps < 40_000, "{maps} mappings");
}
