#![allow(missing_docs, clippy::print_stdout)]
use modhost_backend::{Value, rig::Rig};
use modhost_wasm::WasmBackend;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module = wat::parse_str(
        r#"(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#,
    )?;
    println!("parsed");
    let mut plugin = Rig::builder().file("main.wasm", module).load(&WasmBackend::new())?;
    println!("loaded");
    assert_eq!(plugin.call("add", &[Value::Int(40), Value::Int(2)])?, Value::Int(42));
    println!("called");
    Ok(())
}
