//! modhost backend: WebAssembly (wasmi)
